//! Recordings taken out of the house for a supervisor's desk: the WAVs, whole or a part or one side of
//! them, and a sheet to work from. Each is in the access log before its first byte is copied.

use std::{
    fs::{DirBuilder, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use chrono::NaiveDate;

use super::{
    clock,
    commands::{Files, midnight, read, runtime},
};
use crate::{
    console::sheet,
    desk::{
        access::{Access, Deed},
        risk::{Risk, risk},
        ticket::{Party, Recording, Ticket, TicketId},
    },
    media::{
        excerpt::{Cut, Excerpt},
        recorder::Channel,
    },
    store::{
        edit::Editor,
        reader::{Reader, TicketFilter},
        words,
    },
};

/// Which recordings a person takes, and how much of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// One ticket; without it, those of a period.
    pub ticket: Option<String>,
    pub since: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    /// Where to; made if it is not there.
    pub dir: PathBuf,
    /// Seconds of the recording.
    pub from: Option<f64>,
    pub to: Option<f64>,
    /// The side that is to be silent.
    pub mute: Option<Side>,
}

/// A side of a recording, as a person names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// The outside party, left.
    Caller,
    /// The desk, right.
    Operator,
}

/// Recordings of one export; a month of a busy desk.
const MOST: u32 = 10_000;

/// Who is on record for what is done here.
const BY: &str = "command line";

/// The sheet's columns; the last two are for whoever listens.
const HEADINGS: [&str; 17] = [
    "工单号",
    "来电时间",
    "方向",
    "来电号码",
    "被叫号码",
    "接听人",
    "接待员",
    "结果",
    "第几声接听",
    "先挂机方",
    "录音秒数",
    "录音判定",
    "风险分",
    "原因",
    "文件",
    "评分",
    "备注",
];

/// Copies the recordings and writes the sheet.
///
/// # Errors
/// There is no such recording, the folder can't be written, or a file of that name is there already.
pub fn export(files: &Files, wanted: &Wanted) -> anyhow::Result<()> {
    let configuration = read(files)?;
    let zone = configuration.rules.house.rota.zone.unwrap_or(chrono_tz::Asia::Shanghai);
    if wanted.ticket.is_some() == (wanted.since.is_some() || wanted.until.is_some()) {
        bail!("what is to be exported: `hotlined export TICKET DIR`, or `hotlined export --since DAY DIR`");
    }
    let cut = cut(wanted)?;
    let (database, recordings) = (configuration.daemon.database, configuration.daemon.recordings.dir);
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    runtime()?.block_on(async {
        let reader = Reader::open(&database).await?;
        let tickets = match &wanted.ticket {
            Some(id) => {
                let id: TicketId = id.parse()?;
                let page = reader.ticket(id).await?;
                vec![page.with_context(|| format!("there is no ticket {id}"))?.ticket]
            }
            None => {
                let since = wanted.since.and_then(|day| midnight(zone, day));
                let until = wanted.until.and_then(|day| midnight(zone, day));
                reader.tickets(&TicketFilter { since, until, limit: MOST, ..TicketFilter::default() }).await?
            }
        };
        let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.id).collect();
        let heard = reader.heard(&ids).await?;
        let editor = Editor::open(&database).await?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&wanted.dir)
            .with_context(|| format!("can't make {}", wanted.dir.display()))?;
        for ticket in tickets.iter().rev() {
            let Some(Recording { report: Some(report), .. }) = &ticket.recording else { continue };
            let name = format!("{}{}.wav", ticket.id, suffix(wanted));
            let excerpt = Excerpt::open(&recordings.join(&report.path), &cut)
                .with_context(|| format!("the recording of {}", ticket.id))?;
            let access = Access {
                at: clock::now().wall,
                who: BY.to_owned(),
                what: Deed::Exported,
                ticket: Some(ticket.id),
                words: format!("{name} to {}", wanted.dir.display()),
            };
            editor.log_access(access).await?;
            let target = wanted.dir.join(&name);
            copy(&excerpt, &target).with_context(|| format!("can't write {}", target.display()))?;
            let weights = &configuration.rules.risk;
            let found =
                heard.get(&ticket.id).map(|heard| risk(weights, heard.facts.as_ref(), &heard.circumstances));
            rows.push(row(ticket, &found.unwrap_or_default(), &name));
        }
        anyhow::Ok(())
    })?;
    if rows.len() < 2 {
        bail!("there is no recording to export; `hotlined tickets` lists the tickets that are");
    }
    put(&wanted.dir.join("recordings.csv"), &sheet::csv(&rows))?;
    put(&wanted.dir.join("recordings.xlsx"), &sheet::xlsx("录音", &rows)?)?;
    println!(
        "{} recordings in {}, and the sheet: recordings.csv, recordings.xlsx",
        rows.len() - 1,
        wanted.dir.display()
    );
    Ok(())
}

fn cut(wanted: &Wanted) -> anyhow::Result<Cut> {
    let time = |seconds: Option<f64>| {
        seconds.map(Duration::try_from_secs_f64).transpose().context("seconds of the recording, 0 and more")
    };
    let mute = wanted.mute.map(|side| match side {
        Side::Caller => Channel::Left,
        Side::Operator => Channel::Right,
    });
    Ok(Cut { from: time(wanted.from)?, to: time(wanted.to)?, mute })
}

/// What tells an excerpt's name from the whole recording's.
fn suffix(wanted: &Wanted) -> String {
    let mut suffix = String::new();
    if wanted.from.is_some() || wanted.to.is_some() {
        let time = |seconds: Option<f64>, else_: &str| seconds.map_or(else_.to_owned(), |s| s.to_string());
        suffix += &format!("_{}-{}", time(wanted.from, "0"), time(wanted.to, "end"));
    }
    match wanted.mute {
        Some(Side::Caller) => suffix += "_operator-only",
        Some(Side::Operator) => suffix += "_caller-only",
        None => {}
    }
    suffix
}

fn copy(excerpt: &Excerpt, target: &Path) -> io::Result<()> {
    let mut out = File::options().write(true).create_new(true).mode(0o600).open(target)?;
    let mut chunk = vec![0; 64 << 10];
    let mut at = 0;
    loop {
        let read = excerpt.read_at(at, &mut chunk)?;
        if read == 0 {
            return out.sync_all();
        }
        out.write_all(chunk.get(..read).unwrap_or_default())?;
        at += u64::try_from(read).unwrap_or(u64::MAX);
    }
}

fn put(target: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(target);
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.with_context(|| format!("can't write {}; a file that is there is left alone", target.display()))
}

fn row(ticket: &Ticket, risk: &Risk, file: &str) -> Vec<String> {
    let party = |party: &Party| match party {
        Party::Phone(name) => name.clone(),
        Party::Mobile { name, number } => format!("{name} {}", number.reveal()),
        Party::Outside(number) => number.reveal().clone(),
    };
    let recording = ticket.recording.as_ref();
    let verdict = recording.map(|recording| match words::verdict(&recording.verdict) {
        (verdict, Some(why)) => format!("{verdict}: {why}"),
        (verdict, None) => verdict.to_owned(),
    });
    let seconds = recording.and_then(|recording| recording.report.as_ref()).map(|report| report.duration());
    vec![
        ticket.id.to_string(),
        ticket.received.format("%Y-%m-%d %H:%M:%S").to_string(),
        words::direction(ticket.direction).to_owned(),
        ticket.caller.as_ref().map(|number| number.reveal().clone()).unwrap_or_default(),
        ticket.dialled.reveal().clone(),
        ticket.answered_by.as_ref().map(party).unwrap_or_default(),
        ticket.operator.clone().unwrap_or_default(),
        ticket.outcome.map(words::outcome).unwrap_or_default().to_owned(),
        ticket.rings.map(|ring| ring.to_string()).unwrap_or_default(),
        ticket.hung_up_first.map(words::side).unwrap_or_default().to_owned(),
        seconds.map(|seconds| format!("{:.1}", seconds.as_secs_f64())).unwrap_or_default(),
        verdict.unwrap_or_default(),
        risk.points.to_string(),
        risk.reasons.join("; "),
        file.to_owned(),
        String::new(),
        String::new(),
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::{
        facts::StoreFact,
        fixture::{change, ended, id, utc_at},
        writer::{StoreSettings, Writer},
    };

    /// A house with two recordings of a second each, and a ticket without one.
    fn house(folder: &Path) -> Files {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let text = fs::read_to_string(shipped.join("hotlined.toml")).unwrap();
        let at = |name: &str| format!("{:?}", folder.join(name));
        let text = text
            .replace("\"recordings\"", &at("recordings"))
            .replace("\"hotlined.db\"", &at("hotlined.db"))
            .replace("\"anchors.txt\"", &at("anchors.txt"));
        fs::write(folder.join("hotlined.toml"), text).unwrap();
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        for number in [7, 8] {
            let path = folder.join(format!("recordings/2026/11/23/{}.wav", id(number)));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut wav = hound::WavWriter::create(path, spec).unwrap();
            (0..8_000_i16)
                .for_each(|n| [n, -n].into_iter().for_each(|sample| wav.write_sample(sample).unwrap()));
            wav.finalize().unwrap();
        }
        runtime().unwrap().block_on(async {
            let (sender, mut said) = tokio::sync::mpsc::unbounded_channel();
            let settings = StoreSettings::new(folder.join("hotlined.db"));
            let writer = Writer::start(settings, sender, utc_at("16:00:00.000")).unwrap();
            for number in [7, 8, 9] {
                let mut ticket = ended(number, 3);
                ticket.caller_name = None;
                if number == 9 {
                    ticket.recording.as_mut().unwrap().report = None;
                }
                writer.save(change(ticket, Vec::new()));
            }
            writer.close(utc_at("18:00:00.000"));
            while !matches!(said.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
        });
        Files { daemon: folder.join("hotlined.toml"), house: shipped.join("house.toml") }
    }

    fn all(dir: &Path) -> Wanted {
        Wanted {
            ticket: None,
            since: NaiveDate::from_ymd_opt(2026, 11, 23),
            until: None,
            dir: dir.into(),
            from: None,
            to: None,
            mute: None,
        }
    }

    fn exported(files: &Files) -> Vec<String> {
        let database = read(files).unwrap().daemon.database;
        runtime().unwrap().block_on(async {
            let reader = Reader::open(&database).await.unwrap();
            let lines = reader.accesses(None, 100).await.unwrap();
            lines.into_iter().filter(|line| line.what == Deed::Exported).map(|line| line.words).collect()
        })
    }

    #[test]
    fn a_period_goes_out_with_its_sheet_and_is_on_record() {
        let folder = tempfile::tempdir().unwrap();
        let files = house(folder.path());
        let dir = folder.path().join("out");
        export(&files, &all(&dir)).unwrap();
        let copy = fs::read(dir.join(format!("{}.wav", id(7)))).unwrap();
        assert_eq!(
            copy,
            fs::read(folder.path().join(format!("recordings/2026/11/23/{}.wav", id(7)))).unwrap()
        );
        let sheet = fs::read_to_string(dir.join("recordings.csv")).unwrap();
        assert_eq!(sheet.lines().count(), 3, "{sheet}");
        assert!(sheet.contains("20261123-0008,2026-11-23 16:15:02,hotline,13800000000"), "{sheet}");
        let read_back = sheet::read(&fs::read(dir.join("recordings.xlsx")).unwrap()).unwrap();
        assert_eq!((read_back.len(), read_back[2][14].as_str()), (3, "20261123-0008.wav"));
        assert_eq!(exported(&files).len(), 2);
        let again = export(&files, &all(&dir)).unwrap_err();
        assert!(format!("{again:#}").contains("can't write"), "{again:#}");
    }

    #[test]
    fn a_clip_of_one_side_says_so_in_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = house(folder.path());
        let dir = folder.path().join("out");
        let wanted = Wanted {
            ticket: Some(id(7).to_string()),
            since: None,
            from: Some(0.25),
            to: Some(0.5),
            mute: Some(Side::Caller),
            ..all(&dir)
        };
        export(&files, &wanted).unwrap();
        let clip = hound::WavReader::open(dir.join("20261123-0007_0.25-0.5_operator-only.wav")).unwrap();
        let samples: Vec<i16> = clip.into_samples().map(Result::unwrap).collect();
        assert_eq!((samples.len(), samples[0], samples[1]), (4_000, 0, -2_000));
    }

    #[test]
    fn nothing_to_export_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let files = house(folder.path());
        let dir = folder.path().join("out");
        for (ticket, why) in
            [("20261123-0009", "no recording"), ("20261123-0099", "no ticket"), ("x", "looks like")]
        {
            let wanted = Wanted { ticket: Some(ticket.into()), since: None, ..all(&dir) };
            let error = format!("{:#}", export(&files, &wanted).unwrap_err());
            assert!(error.contains(why), "{ticket}: {error}");
        }
        let both = Wanted { ticket: Some(id(7).to_string()), ..all(&dir) };
        assert!(export(&files, &both).unwrap_err().to_string().contains("hotlined export TICKET DIR"));
        let backwards = Wanted { from: Some(0.5), to: Some(0.1), ..all(&dir) };
        assert!(
            format!("{:#}", export(&files, &backwards).unwrap_err()).contains("nothing of the recording")
        );
    }
}
