//! Which recordings run, and which leg speaks on which of their channels. A recording belongs to its
//! ticket: legs come and go, and each new one on a channel begins a new epoch there.

use std::{collections::BTreeMap, time::Instant};

use super::recorder::{Channel, Tap};
use crate::{
    desk::ticket::TicketId,
    switch::media::{MediaId, RecordOrder},
};

/// Where a leg's packets go on a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: u32,
    pub(super) channel: Channel,
    pub(super) epoch: u32,
}

/// One channel's present speaker.
#[derive(Debug, Clone, Copy)]
struct Speaker {
    media: MediaId,
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
    /// Starts the ticket's recording or goes on with it, and says where the two legs speak on it.
    pub(super) fn join(
        &mut self,
        tap: &mut Tap,
        order: &RecordOrder,
        left: MediaId,
        right: MediaId,
        now: Instant,
    ) -> Result<(Place, Place), String> {
        let recording = match self.running.get_mut(&order.ticket) {
            Some(recording) => {
                recording.left.change(left);
                recording.right.change(right);
                recording
            }
            None => {
                let slot = self.free.pop().unwrap_or(self.slots);
                if let Err(why) = tap.start(slot, order, now) {
                    self.free.push(slot);
                    self.slots = self.slots.max(slot.saturating_add(1));
                    return Err(why);
                }
                self.slots = self.slots.max(slot.saturating_add(1));
                let recording = Recording {
                    slot,
                    left: Speaker { media: left, epoch: 0 },
                    right: Speaker { media: right, epoch: 0 },
                };
                self.running.entry(order.ticket).or_insert(recording)
            }
        };
        Ok((recording.place(Channel::Left), recording.place(Channel::Right)))
    }

    /// Ends the ticket's recording; its slot, if there was one.
    pub(super) fn stop(&mut self, tap: &mut Tap, ticket: TicketId, now: Instant) -> Option<u32> {
        let recording = self.running.remove(&ticket)?;
        tap.stop(recording.slot, now);
        self.free.push(recording.slot);
        Some(recording.slot)
    }

    /// Ends them all.
    pub(super) fn stop_all(&mut self, tap: &mut Tap, now: Instant) {
        for recording in std::mem::take(&mut self.running).into_values() {
            tap.stop(recording.slot, now);
            self.free.push(recording.slot);
        }
    }
}

impl Recording {
    fn place(&self, channel: Channel) -> Place {
        let speaker = match channel {
            Channel::Left => self.left,
            Channel::Right => self.right,
        };
        Place { slot: self.slot, channel, epoch: speaker.epoch }
    }
}

impl Speaker {
    fn change(&mut self, media: MediaId) {
        if self.media != media {
            *self = Self { media, epoch: self.epoch.wrapping_add(1) };
        }
    }
}
