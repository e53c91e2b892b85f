use std::fs;

use super::*;
use crate::{
    desk::ticket::TicketChange,
    store::{
        facts::StoreFact,
        fixture::{change, ended, id, opened, utc_at},
        writer::StoreSettings,
    },
};

struct House {
    folder: tempfile::TempDir,
    writer: Writer,
    facts: tokio::sync::mpsc::UnboundedReceiver<StoreFact>,
}

impl House {
    /// A running database and an empty recordings folder.
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
        let settings = StoreSettings::new(folder.path().join("hotlined.db"));
        let writer = Writer::start(settings, sender, utc_at("16:00:00.000")).unwrap();
        while !matches!(facts.recv().await, Some(StoreFact::Swept(_))) {}
        Self { folder, writer, facts }
    }

    fn recordings(&self) -> PathBuf {
        self.folder.path().join("recordings")
    }

    async fn save(&mut self, saved: TicketChange) {
        let ticket = saved.ticket.id;
        self.writer.save(saved);
        while !matches!(self.facts.recv().await, Some(StoreFact::Saved { ticket: known, .. }) if known == ticket)
        {
        }
    }

    /// A recording of 100 samples.
    fn wav(&self, name: &str) {
        let path = self.recordings().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, spec).unwrap();
        (0..200_i16).for_each(|sample| wav.write_sample(sample).unwrap());
        wav.finalize().unwrap();
    }

    fn has(&self, name: &str) -> bool {
        self.recordings().join(name).exists()
    }

    async fn reader(&self) -> Reader {
        Reader::open(&self.folder.path().join("hotlined.db")).await.unwrap()
    }

    fn keeper(&self, floor: u64) -> Keeper {
        let retention =
            Retention { enquiry_days: 183, repair_days: 365, complaint_days: 1095, early_days: 30 };
        let settings = ArchiveSettings {
            database: self.folder.path().join("hotlined.db"),
            recordings: self.recordings(),
            traces: self.folder.path().join("traces"),
            floor,
            rules: Rules { zone: Tz::Asia__Shanghai, retention },
        };
        let begin = now("2026-11-23T16:00:00Z");
        let editor = Editor::through(self.writer.clone());
        Keeper {
            settings,
            editor,
            writer: self.writer.clone(),
            begin,
            swept: false,
            last_night: None,
            full: false,
        }
    }

    /// Ends the database's thread.
    async fn close(mut self) {
        self.writer.close(utc_at("23:59:00.000"));
        while !matches!(self.facts.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
    }
}

fn now(wall: &str) -> Now {
    Now { wall: wall.parse().unwrap(), ..clock::now() }
}

const DAY: &str = "2026/11/23";

#[tokio::test]
async fn a_sweep_sees_both_sides_of_the_link_and_guesses_nothing() {
    let mut house = House::open().await;
    for number in [7, 8] {
        house.save(change(ended(number, 3), Vec::new())).await;
    }
    let mut unlinked = ended(9, 3);
    unlinked.recording = None;
    house.save(change(unlinked, Vec::new())).await;
    house.save(change(opened(10, 1), Vec::new())).await;
    // 7 has its file, 8 has lost it, 9's file found no row, 10 is being recorded.
    house.wav(&format!("{DAY}/20261123-0007.wav"));
    house.wav(&format!("{DAY}/20261123-0009.wav"));
    fs::write(house.recordings().join(format!("{DAY}/20261123-0010.wav.part")), "RIFF").unwrap();
    house.wav(&format!("{DAY}/20261123-0099.wav"));
    house.wav("somebody's.wav");
    house.wav("old/20261123-0007.wav");
    fs::write(house.recordings().join(format!("{DAY}/20261123-0008.wav.part")), "RIFF").unwrap();
    let reader = house.reader().await;
    let swept = sweep(&reader, &house.recordings(), None).await.unwrap();
    let mut orphans: Vec<String> =
        swept.orphans.iter().map(|(path, why)| format!("{}: {why}", path.display())).collect();
    orphans.sort();
    assert_eq!(
        orphans,
        [
            "2026/11/23/20261123-0008.wav.part: its ticket has another recording",
            "2026/11/23/20261123-0099.wav: the database knows no such ticket",
            "old/20261123-0007.wav: its ticket has another recording",
            "somebody's.wav: its name is no ticket's",
        ]
    );
    assert_eq!(swept.missing.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [id(8)]);
    assert_eq!(swept.to_tie.iter().map(|tie| (tie.ticket, tie.samples)).collect::<Vec<_>>(), [(id(9), 100)]);
    assert_eq!(swept.words(), "4 recordings without a ticket, 1 tickets without their recording");
    // What is fresh may belong to a call that is not in the database yet.
    let fresh = sweep(&reader, &house.recordings(), Some(clock::now().wall - FRESH)).await.unwrap();
    assert_eq!((fresh.orphans.len(), fresh.to_tie.len(), fresh.missing.len()), (0, 0, 1));
    house.close().await;
}

#[tokio::test]
async fn a_crash_between_file_and_row_is_mended_and_an_orphan_raises_the_alarm() {
    let mut house = House::open().await;
    let mut unlinked = ended(9, 3);
    unlinked.recording = None;
    house.save(change(unlinked, Vec::new())).await;
    house.save(change(ended(7, 3), Vec::new())).await;
    house.wav(&format!("{DAY}/20261123-0009.wav"));
    house.wav(&format!("{DAY}/20261123-0007.wav"));
    house.wav("somebody's.wav");
    // However fresh: they were there before this daemon began.
    let mut keeper = house.keeper(0);
    keeper.begin = clock::now();
    keeper.look(clock::now()).await.unwrap();
    let reader = house.reader().await;
    let tied = reader.filed(&[id(9)]).await.unwrap().remove(&id(9)).unwrap();
    assert_eq!(tied.path, Some("2026/11/23/20261123-0009.wav".into()));
    // The outage waits in the writer's next group.
    house.save(change(opened(11, 1), Vec::new())).await;
    let alarm = reader.outages(None, None, 10).await.unwrap();
    let alarm = alarm.iter().find(|outage| outage.subject == Subject::Recordings).unwrap();
    assert_eq!(
        (alarm.ended, alarm.reason.as_str()),
        (None, "1 recordings without a ticket, 0 tickets without their recording")
    );
    assert!(house.has("somebody's.wav"));
    house.close().await;
}

#[tokio::test]
async fn a_night_deletes_what_is_due_with_its_certificate_first() {
    let mut house = House::open().await;
    for number in [7, 8] {
        house.save(change(ended(number, 3), Vec::new())).await;
        house.wav(&format!("{DAY}/20261123-{number:04}.wav"));
    }
    let editor = Editor::through(house.writer.clone());
    editor.hold(id(8), "court".into(), "desk".into(), utc_at("17:00:00.000")).await.unwrap();
    let mut later = ended(1, 3);
    later.id.day = "2027-05-20".parse().unwrap();
    later.recording = None;
    house.save(change(later, Vec::new())).await;
    let mut keeper = house.keeper(0);
    // The last day, and the day after it.
    keeper.begin = now("2027-05-24T16:00:00Z");
    keeper.look(now("2027-05-24T15:59:00Z")).await.unwrap();
    assert!(house.has("2026/11/23/20261123-0007.wav"));
    keeper.look(now("2027-05-24T16:01:00Z")).await.unwrap();
    assert!(!house.has("2026/11/23/20261123-0007.wav"));
    assert!(house.has("2026/11/23/20261123-0008.wav"), "it was held");
    let filed = house.reader().await.filed(&[id(7)]).await.unwrap();
    assert!(filed[&id(7)].deleted);
    house.close().await;
}

#[tokio::test]
async fn a_clock_that_was_set_far_ahead_deletes_nothing() {
    let mut house = House::open().await;
    house.save(change(ended(7, 3), Vec::new())).await;
    house.wav(&format!("{DAY}/20261123-0007.wav"));
    let mut keeper = house.keeper(0);
    keeper.look(now("2026-11-23T16:01:00Z")).await.unwrap();
    keeper.look(now("2027-11-23T16:01:00Z")).await.unwrap();
    assert!(house.has("2026/11/23/20261123-0007.wav"), "the clock ran away from the monotonic one");
    // Also where the daemon was started with the wrong date.
    let mut keeper = house.keeper(0);
    keeper.begin = now("2027-11-23T16:00:00Z");
    keeper.look(now("2027-11-23T16:01:00Z")).await.unwrap();
    assert!(house.has("2026/11/23/20261123-0007.wav"), "no call for a year");
    house.close().await;
}

#[tokio::test]
async fn a_disk_at_its_floor_takes_the_oldest_that_may_go_and_then_raises_the_alarm() {
    let mut house = House::open().await;
    for number in [7, 8] {
        house.save(change(ended(number, 3), Vec::new())).await;
        house.wav(&format!("{DAY}/20261123-{number:04}.wav"));
    }
    let mut young = ended(1, 3);
    young.id.day = "2026-12-23".parse().unwrap();
    let report = young.recording.as_mut().unwrap().report.as_mut().unwrap();
    report.path = "2026/12/23/20261223-0001.wav".into();
    house.save(change(young, Vec::new())).await;
    house.wav("2026/12/23/20261223-0001.wav");
    let editor = Editor::through(house.writer.clone());
    editor.hold(id(8), "court".into(), "desk".into(), utc_at("17:00:00.000")).await.unwrap();
    // No disk has so much room.
    let mut keeper = house.keeper(u64::MAX);
    keeper.begin = now("2026-12-23T16:00:00Z");
    keeper.look(now("2026-12-23T16:01:00Z")).await.unwrap();
    assert!(!house.has("2026/11/23/20261123-0007.wav"), "it might have gone");
    assert!(house.has("2026/11/23/20261123-0008.wav"), "it was held");
    assert!(house.has("2026/12/23/20261223-0001.wav"), "it was too young");
    house.save(change(opened(11, 1), Vec::new())).await;
    let alarm = house.reader().await.outages(None, None, 10).await.unwrap();
    assert!(
        alarm.iter().any(|outage| outage.subject == Subject::Disk && outage.ended.is_none()),
        "{alarm:?}"
    );
    house.close().await;
}
