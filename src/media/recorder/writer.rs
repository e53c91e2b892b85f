//! The recorder's own thread: takes records out of the ring, gives each recording its packets, and has
//! the ones that are due write. It creates files and writes to the page cache; whatever waits for the
//! disk itself is the syncer's.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    sync::mpsc::Sender,
    time::Instant,
};

use tokio::sync::mpsc::UnboundedSender;

use super::{
    RecorderSettings,
    archive::free_bytes,
    part::part_path,
    recording::{Recording, Scratch, WRITE_EVERY},
    ring::{Keep, Outlet, Record},
    syncer::{Finish, Job},
};
use crate::{
    desk::ticket::TicketId,
    rtp::stream::Band,
    switch::media::{MediaFact, RecordOrder},
};

#[derive(Debug)]
pub(super) struct Writer {
    settings: RecorderSettings,
    outlet: Outlet,
    /// Unbounded: two jobs a recording.
    syncer: Sender<Job>,
    facts: UnboundedSender<MediaFact>,
    slots: Vec<Slot>,
    scratch: Scratch,
    /// When the recordings last had their turn.
    wrote_at: Option<Instant>,
    /// Names a file to the syncer.
    next_id: u64,
}

#[derive(Debug)]
enum Slot {
    Free,
    Running {
        recording: Box<Recording>,
        id: u64,
    },
    /// Could not be started; told already, and told again as the answer to its end.
    Failed {
        ticket: TicketId,
        why: String,
    },
}

impl Writer {
    pub(super) fn new(
        settings: RecorderSettings,
        outlet: Outlet,
        syncer: Sender<Job>,
        facts: UnboundedSender<MediaFact>,
    ) -> Self {
        Self {
            settings,
            outlet,
            syncer,
            facts,
            slots: Vec::new(),
            scratch: Scratch::default(),
            wrote_at: None,
            next_id: 0,
        }
    }

    /// Empties the ring and writes what is due.
    pub(super) fn turn(&mut self, now: Instant) {
        self.take_in(now);
        write_due(&mut self.slots, &mut self.scratch, now);
        self.wrote_at = Some(now);
    }

    /// Empties the ring and ends every recording that nobody ended.
    pub(super) fn end(mut self, now: Instant) {
        self.take_in(now);
        for slot in std::mem::take(&mut self.slots) {
            self.finish(slot, now, 0, Keep::All);
        }
    }

    fn take_in(&mut self, now: Instant) {
        while let Some(record) = self.outlet.next() {
            match record {
                Record::Packet { slot, channel, epoch, arrival, content, packet } => {
                    // After a stall of this thread the ring holds seconds. They are written as if there
                    // had been none, or they would not find room in the timelines.
                    let wrote_at = *self.wrote_at.get_or_insert(arrival);
                    if arrival.saturating_duration_since(wrote_at) >= WRITE_EVERY {
                        write_due(&mut self.slots, &mut self.scratch, arrival);
                        self.wrote_at = Some(arrival);
                    }
                    let slot = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot));
                    if let Some(Slot::Running { recording, .. }) = slot {
                        recording.packet(channel, epoch, arrival, content, &packet);
                    }
                }
                Record::Start { slot, order, band, joined_at } => {
                    self.start(slot, order, band, joined_at, now)
                }
                Record::Stop { slot, ended_at, dropped, keep } => {
                    let place = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot));
                    if let Some(place) = place {
                        let slot = std::mem::replace(place, Slot::Free);
                        self.finish(slot, ended_at, dropped, keep);
                    }
                }
            }
        }
    }

    fn start(&mut self, slot: u32, order: RecordOrder, band: Band, joined_at: Instant, now: Instant) {
        let Ok(index) = usize::try_from(slot) else { return };
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || Slot::Free);
        }
        let id = self.next_id;
        self.next_id += 1;
        let ticket = order.ticket;
        // Neighbours write in different turns.
        let first_write = now + WRITE_EVERY * (slot % 2) / 2;
        let slot = match self.create(order, band, joined_at, first_write) {
            Ok((recording, file)) => {
                // The syncer lives as long as this thread.
                let _ = self.syncer.send(Job::Watch { id, file });
                Slot::Running { recording: Box::new(recording), id }
            }
            Err(error) => {
                let why = format!("could not be started: {error}");
                tracing::error!(%ticket, %error, "recording cannot be started");
                self.fail(ticket, &why);
                Slot::Failed { ticket, why }
            }
        };
        if let Some(place) = self.slots.get_mut(index) {
            *place = slot;
        }
    }

    fn create(
        &self,
        order: RecordOrder,
        band: Band,
        joined_at: Instant,
        first_write: Instant,
    ) -> io::Result<(Recording, File)> {
        let dir = &self.settings.dir;
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let (free, floor) = (free_bytes(dir)?, self.settings.disk_floor_bytes);
        if free < floor {
            return Err(io::Error::other(format!(
                "disk floor: {} MiB free, {} MiB wanted",
                free >> 20,
                floor >> 20
            )));
        }
        Recording::start(dir, order, band, joined_at, first_write)
    }

    fn finish(&mut self, slot: Slot, ended_at: Instant, dropped: u64, keep: Keep) {
        match (slot, keep) {
            (Slot::Free, Keep::All | Keep::Nothing) | (Slot::Failed { .. }, Keep::Nothing) => {}
            (Slot::Failed { ticket, why }, Keep::All) => self.fail(ticket, &why),
            (Slot::Running { recording, id }, Keep::Nothing) => {
                let order = recording.order;
                let part = part_path(&self.settings.dir.join(&order.path));
                let _ = self.syncer.send(Job::Discard { id, ticket: order.ticket, part });
            }
            (Slot::Running { recording, id }, Keep::All) => {
                let ticket = recording.order.ticket;
                let (report, trouble) = recording.end(ended_at, dropped, &mut self.scratch);
                let path = self.settings.dir.join(&report.path);
                let finish = Finish { id, ticket, part: part_path(&path), path, report, trouble };
                let _ = self.syncer.send(Job::Finish(Box::new(finish)));
            }
        }
    }

    fn fail(&self, ticket: TicketId, why: &str) {
        // Nobody listens only while the daemon ends.
        let _ = self.facts.send(MediaFact::RecordingFailed { ticket, report: None, why: why.to_owned() });
    }
}

fn write_due(slots: &mut [Slot], scratch: &mut Scratch, now: Instant) {
    for slot in slots {
        if let Slot::Running { recording, .. } = slot {
            recording.turn(now, scratch);
        }
    }
}
