//! One function for each way in which something breaks.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use chrono::Utc;
use hotlined::{
    daemon::{commands::Files, keeping},
    desk::ticket::{Outcome, Ticket, Verdict},
};
use sqlx::{Connection, sqlite::SqliteConnectOptions};

use crate::{
    daemon::House,
    disk::{Disk, Mounted},
    recordings::{self, Cut},
    report::Report,
    sip, tickets,
    traffic::{Plan, Talk, Traffic},
    witness::{Witness, lost},
};

/// Calls of one round: one every 400 ms, each talks for 3 s, so that at any moment some have not begun, some talk
/// and some are over.
const ROUND: Plan = Plan { calls: 12, every: Duration::from_millis(400), talk: Talk::Voice(150) };

/// Calls that talk through a fault: all at once, for 12 s.
const THROUGH: Plan = Plan { calls: 8, every: Duration::from_millis(50), talk: Talk::Voice(600) };

/// What a recording may lack: the sync interval (1 s), and what the recorder holds back and writes at once.
const MAY_LACK: f64 = 1.5;

/// A moment within a round, another in each, spread by the golden ratio: any run hits the same ones.
fn moment(number: usize) -> Duration {
    let share = (number as f64 * 0.618_034 + 0.37).fract();
    Duration::from_secs_f64(0.8 + 5.0 * share)
}

/// Runs a round of calls, and `fault` at its moment, on a thread of its own; what the fault brought.
fn during<T: Send>(
    traffic: &mut Traffic,
    run: &str,
    plan: Plan,
    at: Duration,
    until: Duration,
    fault: impl FnOnce() -> T + Send,
) -> T {
    std::thread::scope(|scope| {
        let broken = scope.spawn(move || {
            std::thread::sleep(at);
            fault()
        });
        traffic.call(run, plan, until, || {});
        broken.join().unwrap()
    })
}

fn clean(house: &House) -> bool {
    let files = Files { daemon: house.folder.join("hotlined.toml"), house: house.folder.join("house.toml") };
    keeping::orphans(&files).is_ok()
}

/// Waits until no ticket is open and each has its verdict; the tickets.
fn settled(house: &House) -> Vec<Ticket> {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let kept: Vec<Ticket> = tickets::newest(&house.database(), 2_000);
        let open = kept.iter().any(|ticket| ticket.ended.is_none() || ticket.recording.is_none());
        if !open || Instant::now() > patience {
            return kept;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What the recordings of these tickets are worth after a cut at `cut`.
#[derive(Debug, Default)]
struct Heard {
    unplayable: usize,
    wrong: usize,
    /// Seconds, the worst.
    lacking: f64,
    first_why: String,
}

fn hear(house: &House, kept: &[Ticket], cut: chrono::DateTime<Utc>) -> Heard {
    let mut heard = Heard::default();
    for ticket in kept {
        let Some(answered) = ticket.answered.map(|at| at.to_utc()).filter(|at| *at <= cut) else { continue };
        let until =
            if ticket.hung_up_first.is_some() { ticket.ended.unwrap().to_utc().min(cut) } else { cut };
        let talked = (until - answered).as_seconds_f64();
        let Some(report) = ticket.recording.as_ref().and_then(|r| r.report.as_ref()) else {
            // A call that had talked for less than may be lost need not have a file.
            if talked > MAY_LACK {
                heard.unplayable += 1;
                heard.first_why = format!("{}: {talked:.1} s talked, no file", ticket.id);
            }
            continue;
        };
        let call = ticket.caller.as_ref().and_then(|number| sip::call_of(number.reveal())).unwrap();
        match recordings::compare(&house.recordings().join(&report.path), call * 2, [150; 2], Cut::AtTheEnd) {
            Ok(recording) => {
                // A voice that had hardly begun may not be there; one that is must be what was said.
                for side in [&recording.caller, &recording.operator] {
                    heard.wrong += if side.begins.is_some() { side.wrong } else { 0 };
                }
                heard.lacking = heard.lacking.max(talked - recording.duration.as_secs_f64());
            }
            Err(why) => {
                heard.unplayable += 1;
                heard.first_why = format!("{}: {why}", ticket.id);
            }
        }
    }
    heard
}

fn tell(heard: &Heard, report: &mut Report) {
    let Heard { unplayable, wrong, lacking, first_why } = heard;
    report.must("recordings that do not play", *unplayable == 0, format!("{unplayable} {first_why}"));
    report.must("samples other than said", *wrong == 0, wrong);
    report.must("most that a recording lacks", *lacking <= MAY_LACK, format!("{lacking:.2} s"));
}

/// kill -9 in the middle of calls, and a new start.
pub(crate) fn kills(rounds: usize, report: &mut Report) {
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let mut traffic = Traffic::new();
        let house = House::new(folder.path(), traffic.daemon, traffic.carrier_address());
        let daemon = house.serve();
        traffic.register();
        let witness = Witness::watch(house.database());
        let at = moment(round);
        let (log, cut) = during(&mut traffic, "k", ROUND, at, Duration::from_secs(1), || {
            let log = witness.log();
            daemon.kill();
            (log, Utc::now())
        });
        drop(witness);
        let before: Vec<_> = recordings::files(&house.recordings(), ".wav")
            .into_iter()
            .map(|path| (std::fs::read(&path).unwrap(), path))
            .collect();
        let daemon = house.serve();
        traffic.register();
        let kept = settled(&house);
        println!(
            "  killed after {:.2} s: {} tickets acknowledged, {} kept",
            at.as_secs_f64(),
            log.len(),
            kept.len()
        );
        let gone = lost(&log, &house.database());
        report.must("acknowledged and lost", gone.is_empty(), gone.join("; "));
        let changed =
            before.iter().filter(|(bytes, path)| std::fs::read(path).ok().as_ref() != Some(bytes)).count();
        report.must(
            "finished recordings that changed",
            changed == 0,
            format!("{changed} of {}", before.len()),
        );
        tell(&hear(&house, &kept, cut), report);
        report.must("files and tickets fit", clean(&house), "");
        report.must("daemon's end", daemon.stop().success(), "");
    }
}

/// The power is cut below the file system, again and again, while calls come and go; each time the machine is
/// started again from what was on its disk.
pub(crate) fn power(rounds: usize, report: &mut Report) {
    let folder = tempfile::tempdir().unwrap();
    let disk = match Disk::make(folder.path()) {
        Ok(disk) => disk,
        Err(why) => return println!("  left out: {why}"),
    };
    let mut traffic = Traffic::new();
    let house = House::new(&disk.mounted.at, traffic.daemon, traffic.carrier_address());
    let daemon = house.serve();
    traffic.register();
    let witness = Witness::watch(house.database());
    let mut worst = 0.0_f64;
    for round in 0..rounds {
        let at = moment(round);
        let run = format!("p{round}");
        // While the last cut was looked at, nobody answered for the phone.
        traffic.register();
        let (log, cut, image) = during(&mut traffic, &run, ROUND, at, Duration::from_secs(9), || {
            let log = witness.log();
            let cut = Utc::now();
            (log, cut, disk.cut(round))
        });
        let (failed, why) = traffic.failures();
        report.must("calls failed meanwhile", failed == 0, format!("{failed} {why}"));
        let image = match image {
            Ok(image) => image,
            Err(why) => return report.must("the clone", false, why),
        };
        let (lacking, acknowledged) = start_again(folder.path(), &image, &log, cut, report);
        println!(
            "  cut {round} after {:.2} s: {acknowledged} tickets acknowledged, {lacking:.2} s lacking",
            at.as_secs_f64()
        );
        worst = worst.max(lacking);
        std::fs::remove_file(image).unwrap();
    }
    report.note("most that a recording lacked in all cuts", worst, "s");
    drop(witness);
    report.must("daemon's end", daemon.stop().success(), "");
}

/// The machine that had its power cut starts again; seconds that the worst recording lacks.
fn start_again(
    folder: &Path,
    image: &Path,
    log: &crate::witness::Log,
    cut: chrono::DateTime<Utc>,
    report: &mut Report,
) -> (f64, usize) {
    let mounted = match Mounted::image(image, folder.join("again")) {
        Ok(mounted) => mounted,
        Err(why) => {
            report.must("the disk after the cut", false, why);
            return (0.0, 0);
        }
    };
    let mut traffic = Traffic::new();
    let house = House::new(&mounted.at, traffic.daemon, traffic.carrier_address());
    let daemon = house.serve();
    traffic.register();
    let kept = settled(&house);
    let gone = lost(log, &house.database());
    report.must("acknowledged and lost", gone.is_empty(), gone.join("; "));
    let heard = hear(&house, &kept, cut);
    tell(&heard, report);
    // Not one recording that was told of is another than it was.
    let told: Vec<&Ticket> =
        log.values().filter(|ticket| ticket.recording.as_ref().is_some_and(|r| r.report.is_some())).collect();
    let whole = |ticket: &&&Ticket| {
        let report = ticket.recording.as_ref().and_then(|r| r.report.as_ref()).unwrap();
        hound::WavReader::open(house.recordings().join(&report.path))
            .is_ok_and(|wav| u64::from(wav.duration()) == report.samples)
    };
    let short = told.len() - told.iter().filter(whole).count();
    report.must("finished recordings that are not whole", short == 0, format!("{short} of {}", told.len()));
    let plan = Plan { calls: 1, every: Duration::ZERO, talk: Talk::Mute(Duration::from_millis(100)) };
    traffic.call("again", plan, Duration::from_secs(5), || {});
    let after = settled(&house);
    let new: Vec<&Ticket> = after.iter().filter(|ticket| ticket.received.to_utc() > cut).collect();
    let fresh = new.len() == 1 && new.iter().all(|ticket| !log.contains_key(&ticket.id));
    report.must("the next call has a number of its own", fresh, new.len());
    report.must("daemon's end", daemon.stop().success(), "");
    (heard.lacking, log.len())
}

/// Every call was answered, talked to its end and has its ticket; recordings are as long as the talk.
fn nothing_noticed(house: &House, traffic: &Traffic, report: &mut Report) -> Vec<Ticket> {
    let (failed, why) = traffic.failures();
    report.must("calls failed", failed == 0, format!("{failed} {why}"));
    let kept = settled(house);
    let answered = kept.iter().filter(|t| t.outcome == Some(Outcome::AnsweredByDesk)).count();
    report.must("tickets of answered calls", answered == traffic.calls.len(), answered);
    kept
}

fn lengths(kept: &[Ticket], report: &mut Report) {
    let short = kept.iter().filter_map(|ticket| {
        let talked = (ticket.ended? - ticket.answered?).as_seconds_f64();
        Some(talked - ticket.recording.as_ref()?.report.as_ref()?.duration().as_secs_f64())
    });
    let worst = short.fold(0.0_f64, f64::max);
    report.must("most that a recording is shorter than the talk", worst <= 0.5, format!("{worst:.2} s"));
}

/// A verdict that does not hide what was lost.
fn honest(kept: &[Ticket], report: &mut Report) {
    let dishonest = kept.iter().filter(|ticket| {
        let Some(recording) = &ticket.recording else { return true };
        let hole = recording.report.as_ref().is_none_or(|report| report.unwritten_samples > 0);
        hole && recording.verdict == Verdict::Good
    });
    let dishonest = dishonest.count();
    report.must("recordings with a hole that are called good", dishonest == 0, dishonest);
}

/// The disk fills up for five seconds of a talk.
pub(crate) fn full(rounds: usize, report: &mut Report) {
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let mounted = match Mounted::tmpfs(folder.path().join("full"), 24) {
            Ok(mounted) => mounted,
            Err(why) => return println!("  left out: {why}"),
        };
        let mut traffic = Traffic::new();
        let house = House::new(&mounted.at, traffic.daemon, traffic.carrier_address());
        let daemon = house.serve();
        traffic.register();
        let witness = Witness::watch(house.database());
        let ballast = mounted.at.join("ballast");
        let log = during(&mut traffic, "f", THROUGH, Duration::from_secs(3), Duration::from_secs(20), || {
            let log = witness.log();
            // Until nothing more fits, page by page.
            let mut file = std::fs::File::create(&ballast).unwrap();
            while std::io::Write::write(&mut file, &[7; 4096]).is_ok_and(|written| written > 0) {}
            std::thread::sleep(Duration::from_secs(5));
            std::fs::remove_file(&ballast).unwrap();
            log
        });
        let kept = nothing_noticed(&house, &traffic, report);
        let unwritten: u64 = kept
            .iter()
            .filter_map(|ticket| Some(ticket.recording.as_ref()?.report.as_ref()?.unwritten_samples))
            .sum();
        println!("  round {round}: {:.1} s of sound had no room", unwritten as f64 / 8000.0);
        report.must("the disk was really full", unwritten > 0, unwritten);
        let gone = lost(&log, &house.database());
        report.must("acknowledged and lost", gone.is_empty(), gone.join("; "));
        lengths(&kept, report);
        honest(&kept, report);
        drop(witness);
        report.must("daemon's end", daemon.stop().success(), "");
    }
}

/// Reads its orders from a file: which files fail (a part of their path), and how (an errno, or 0 for a sync that
/// takes two seconds).
const SICK_DISK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static int sick(int fd, int is_sync) {
    char order[256], link[64], path[512], part[128];
    int how;
    const char *file = getenv("SICK_DISK");
    int f = file ? syscall(SYS_openat, AT_FDCWD, file, O_RDONLY) : -1;
    if (f < 0) return 0;
    ssize_t n = syscall(SYS_read, f, order, sizeof order - 1);
    syscall(SYS_close, f);
    if (n <= 0) return 0;
    order[n] = 0;
    if (sscanf(order, "%127s %d", part, &how) != 2) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t l = readlink(link, path, sizeof path - 1);
    if (l <= 0) return 0;
    path[l] = 0;
    if (!strstr(path, part)) return 0;
    if (how == 0) { if (is_sync) sleep(2); return 0; }
    errno = how;
    return 1;
}
ssize_t write(int fd, const void *b, size_t n) { return sick(fd, 0) ? -1 : syscall(SYS_write, fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { return sick(fd, 0) ? -1 : syscall(SYS_pwrite64, fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off_t o) { return sick(fd, 0) ? -1 : syscall(SYS_pwrite64, fd, b, n, o); }
int fdatasync(int fd) { return sick(fd, 1) ? -1 : syscall(SYS_fdatasync, fd); }
int fsync(int fd) { return sick(fd, 1) ? -1 : syscall(SYS_fsync, fd); }
"#;

/// What the sick disk says, and to which files.
const SICKNESSES: [(&str, &str, i32); 7] = [
    ("recordings fail to be written", "recordings", 5),
    ("recordings' disk is full", "recordings", 28),
    ("recordings' disk is read-only", "recordings", 30),
    ("recordings' syncs take 2 s", "recordings", 0),
    ("the database fails to be written", "hotlined.db", 5),
    ("the database's disk is read-only", "hotlined.db", 30),
    ("the database's syncs take 2 s", "hotlined.db", 0),
];

/// A disk that says EIO, ENOSPC or EROFS, or syncs slowly, for four seconds of a talk.
pub(crate) fn errors(rounds: usize, report: &mut Report) {
    for (what, part, errno) in SICKNESSES.iter().cycle().take(SICKNESSES.len() * rounds) {
        println!("  {what}");
        let folder = tempfile::tempdir().unwrap();
        let mut traffic = Traffic::new();
        let mut house = House::new(folder.path(), traffic.daemon, traffic.carrier_address());
        house.preload("sick_disk", SICK_DISK);
        let orders = folder.path().join("orders");
        house.variables.push(("SICK_DISK", orders.clone()));
        let daemon = house.serve();
        traffic.register();
        let witness = Witness::watch(house.database());
        let log = during(&mut traffic, "e", THROUGH, Duration::from_secs(3), Duration::from_secs(20), || {
            let log = witness.log();
            std::fs::write(&orders, format!("{part} {errno}\n")).unwrap();
            std::thread::sleep(Duration::from_secs(4));
            std::fs::remove_file(&orders).unwrap();
            log
        });
        let kept = nothing_noticed(&house, &traffic, report);
        let gone = lost(&log, &house.database());
        report.must("acknowledged and lost", gone.is_empty(), gone.join("; "));
        lengths(&kept, report);
        honest(&kept, report);
        let troubled = kept.iter().any(|ticket| {
            ticket.recording.as_ref().is_some_and(|recording| recording.verdict != Verdict::Good)
        });
        let expected = *part == "recordings" && *errno != 0;
        report.must("the sickness reached the recordings", troubled == expected, troubled);
        drop(witness);
        report.must("daemon's end", daemon.stop().success(), "");
    }
}

/// Another program holds the database's lock for seven seconds; then the file is gone.
pub(crate) fn database(rounds: usize, report: &mut Report) {
    for _ in 0..rounds {
        for what in ["locked", "gone"] {
            println!("  the database is {what}");
            let folder = tempfile::tempdir().unwrap();
            let mut traffic = Traffic::new();
            let house = House::new(folder.path(), traffic.daemon, traffic.carrier_address());
            let daemon = house.serve();
            traffic.register();
            let path = house.database();
            during(
                &mut traffic,
                "d",
                THROUGH,
                Duration::from_secs(3),
                Duration::from_secs(20),
                || match what {
                    "locked" => lock(&path, Duration::from_secs(7)),
                    _ => {
                        for name in ["hotlined.db", "hotlined.db-wal", "hotlined.db-shm"] {
                            // The log may just have been folded in.
                            let _ = std::fs::rename(
                                folder.path().join(name),
                                folder.path().join(format!("{name}.old")),
                            );
                        }
                    }
                },
            );
            let kept = nothing_noticed(&house, &traffic, report);
            lengths(&kept, report);
            let good = kept.iter().filter(|ticket| {
                ticket.recording.as_ref().is_some_and(|recording| recording.verdict == Verdict::Good)
            });
            let good = good.count();
            report.must("good recordings", good == traffic.calls.len(), good);
            report.must("files and tickets fit", clean(&house), "");
            report.must("daemon's end", daemon.stop().success(), "");
        }
    }
}

fn lock(path: &Path, long: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(5));
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        tokio::time::sleep(long).await;
        sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}
