//! Which recordings run, and which leg speaks on which of their channels. A recording belongs to its
//! ticket: legs come and go, and each new one on a channel begins a new epoch there.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Instant,
};

use super::recorder::{Channel, Keep, Tap};
use crate::{
    desk::ticket::TicketId,
    rtp::stream::Band,
    switch::media::{MediaId, RecordOrder},
};

/// Where a leg's packets go on a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: u32,
    pub(super) channel: Channel,
    pub(super) epoch: u32,
}

/// One channel's present speaker; `None` before the first.
#[derive(Debug, Clone, Copy)]
struct Speaker {
    media: Option<MediaId>,
    epoch: u32,
}

#[derive(Debug)]
struct Recording {
    slot: u32,
    left: Speaker,
    right: Speaker,
}

/// All recordings that run.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    running: BTreeMap<TicketId, Recording>,
    free: Vec<u32>,
    /// Slots ever given out; at most as many as recordings ever ran at once.
    slots: u32,
}

impl Recordings {
    /// Starts the ticket's recording in that band, or goes on with it in its own, and says where the two
    /// legs speak on it.
    pub(super) fn join(
        &mut self,
        tap: &mut Tap,
        order: &RecordOrder,
        left: MediaId,
        right: MediaId,
        band: Band,
        now: Instant,
    ) -> Result<(Place, Place), String> {
        let recording = self.running(tap, order, band, now)?;
        Ok((recording.speaks(Channel::Left, left), recording.speaks(Channel::Right, right)))
    }

    /// The same for one leg alone, on the left, in narrow band: messages are played back as prompts are.
    pub(super) fn alone(
        &mut self,
        tap: &mut Tap,
        order: &RecordOrder,
        left: MediaId,
        now: Instant,
    ) -> Result<Place, String> {
        Ok(self.running(tap, order, Band::Narrow, now)?.speaks(Channel::Left, left))
    }

    fn running(
        &mut self,
        tap: &mut Tap,
        order: &RecordOrder,
        band: Band,
        now: Instant,
    ) -> Result<&mut Recording, String> {
        match self.running.entry(order.ticket) {
            Entry::Occupied(running) => Ok(running.into_mut()),
            Entry::Vacant(vacant) => {
                let slot = self.free.pop().unwrap_or(self.slots);
                self.slots = self.slots.max(slot.saturating_add(1));
                if let Err(why) = tap.start(slot, order, band, now) {
                    self.free.push(slot);
                    return Err(why);
                }
                let nobody = Speaker { media: None, epoch: 0 };
                Ok(vacant.insert(Recording { slot, left: nobody, right: nobody }))
            }
        }
    }

    /// Ends the ticket's recording; its slot, if there was one.
    pub(super) fn stop(&mut self, tap: &mut Tap, ticket: TicketId, keep: Keep, now: Instant) -> Option<u32> {
        let recording = self.running.remove(&ticket)?;
        tap.stop(recording.slot, keep, now);
        self.free.push(recording.slot);
        Some(recording.slot)
    }

    /// Ends them all.
    pub(super) fn stop_all(&mut self, tap: &mut Tap, now: Instant) {
        for recording in std::mem::take(&mut self.running).into_values() {
            tap.stop(recording.slot, Keep::All, now);
            self.free.push(recording.slot);
        }
    }
}

impl Recording {
    fn speaks(&mut self, channel: Channel, media: MediaId) -> Place {
        let speaker = match channel {
            Channel::Left => &mut self.left,
            Channel::Right => &mut self.right,
        };
        let epoch = match speaker.media {
            None => 0,
            Some(before) if before == media => speaker.epoch,
            Some(_) => speaker.epoch.wrapping_add(1),
        };
        *speaker = Speaker { media: Some(media), epoch };
        Place { slot: self.slot, channel, epoch }
    }
}
