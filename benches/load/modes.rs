//! The four measurements. Targets are those of the project's first milestone.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use hotlined::desk::ticket::{Outcome, Ticket, Verdict};
use tempfile::TempDir;

use crate::{
    daemon::House,
    recordings::{self, Cut, Played},
    report::{Report, percentile},
    tickets,
    traffic::{Plan, Talk, Traffic},
    voice::PTIME,
};

/// A whole run, or a small one that only shows whether everything still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Short,
    Full,
}

impl Size {
    fn pick<T>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full => full,
        }
    }
}

fn stage() -> (TempDir, House, Traffic) {
    let mut traffic = Traffic::new();
    let folder = tempfile::Builder::new().prefix("hotlined-load").tempdir().expect("a folder");
    let mut house = House::new(folder.path(), traffic.daemon, traffic.carrier_address());
    if std::env::var_os("SLOW_SYNC").is_some() {
        // What is measured is a disk that grows slow, not the making of a database on it.
        let daemon = house.serve();
        traffic.register();
        daemon.stop();
        house.slow_sync();
    }
    (folder, house, traffic)
}

/// Recorded calls at once: packets, latency, recordings, CPU and memory.
pub(crate) fn calls100(size: Size, report: &mut Report) {
    let calls = size.pick(20, 100);
    let packets = size.pick(250, 3000);
    let (_folder, house, mut traffic) = stage();
    traffic.talk_directly(calls, 250);
    let mut direct = std::mem::take(&mut traffic.tally.latencies);

    let daemon = house.serve();
    traffic.register();
    // A first call has the program's pages read in: they are nobody's in particular.
    let first = Plan { calls: 1, every: Duration::ZERO, talk: Talk::Voice(50) };
    traffic.call("w", first, PTIME * 50 + Duration::from_secs(5), || {});
    std::thread::sleep(Duration::from_secs(2));
    let (memory, threads, cpu) = (daemon.resident_kb(), daemon.threads(), daemon.cpu());
    let (by_thread, began) = (daemon.cpu_by_thread(), Instant::now());
    let (mut peak, mut most_threads) = (memory, threads);
    let plan = Plan { calls, every: Duration::from_millis(10), talk: Talk::Voice(packets) };
    traffic.call("v", plan, PTIME * packets + Duration::from_secs(10), || {
        peak = peak.max(daemon.resident_kb());
        most_threads = most_threads.max(daemon.threads());
    });
    // With the first call's.
    let wav = wait_for_recordings(&house, calls + 1);
    let minutes = calls as f64 * f64::from(packets) * PTIME.as_secs_f64() / 60.0;
    let spent = |then: Duration| (daemon.cpu().saturating_sub(then)).as_secs_f64();

    let (failed, why) = traffic.failures();
    report.must("calls failed", failed == 0, format!("{failed} of {calls} {why}"));
    report.at_most("CPU of all threads a recorded call-minute", spent(cpu) / minutes, 0.10, "s");
    for (name, time) in daemon.cpu_by_thread() {
        let before = by_thread.get(&name).copied().unwrap_or_default();
        let share = time.saturating_sub(before).as_secs_f64() / minutes;
        report.note(&format!("  of it {name}"), share, "s");
    }
    report.at_most("memory a call", (peak - memory) / calls as f64, 60.0, "KB");
    report.at_most("threads more than without calls", most_threads as f64 - threads as f64, 0.0, "");
    let tally = &mut traffic.tally;
    let lost = tally.sent.saturating_sub(tally.arrived);
    report.must("packets lost", lost == 0, format!("{lost} of {}", tally.sent));
    report.must("packets changed, doubled or strayed", tally.wrong == 0, tally.wrong);
    direct.sort_by(f64::total_cmp);
    tally.latencies.sort_by(f64::total_cmp);
    tally.lateness.sort_by(f64::total_cmp);
    for percent in [50.0, 99.0] {
        let (through, floor) = (percentile(&tally.latencies, percent), percentile(&direct, percent));
        report.note(&format!("media latency p{percent} without the daemon"), floor, "ms");
        report.note(&format!("media latency p{percent}"), through, "ms");
        let target = if percent < 99.0 { 0.2 } else { 0.4 };
        report.at_most(&format!("media latency p{percent}, added"), through - floor, target, "ms");
    }
    report.note("generator's own lateness p99", percentile(&tally.lateness, 99.0), "ms");
    report.must("recordings finished", wav == calls + 1, wav);
    report.note("  after", began.elapsed().as_secs_f64(), "s");
    // The report of a recording reaches its ticket with the next group.
    let kept = wait_for_tickets(&house, calls, |ticket| ticket.recording.is_some());
    check_recordings(&house, &traffic, &kept, report);
    let stopped = daemon.stop();
    report.must("daemon's end", stopped.success(), stopped);
}

fn check_recordings(house: &House, traffic: &Traffic, kept: &BTreeMap<usize, Ticket>, report: &mut Report) {
    let (mut wrong, mut missing, mut short, mut apart, mut not_good) = (0, 0, f64::MIN, 0.0_f64, 0);
    for (number, call) in traffic.calls.iter().enumerate() {
        let ticket = kept.get(&number);
        not_good +=
            usize::from(ticket.and_then(|t| Some(&t.recording.as_ref()?.verdict)) != Some(&Verdict::Good));
        let (caller, operator) = (&traffic.voices[number * 2], &traffic.voices[number * 2 + 1]);
        let played = played(house, ticket, number, [caller.sent(), operator.sent()], Cut::Whole);
        let (Ok(recording), Some(answered), Some(hung_up)) = (played, call.answered, call.hung_up) else {
            missing += 2;
            continue;
        };
        wrong += recording.caller.wrong + recording.operator.wrong;
        missing += [&recording.caller, &recording.operator].iter().filter(|c| c.begins.is_none()).count();
        short = short.max(((hung_up - answered).as_secs_f64() - recording.duration.as_secs_f64()) * 1e3);
        apart = apart.max(recording.misalignment_ms(caller, operator).unwrap_or(f64::MAX));
    }
    report.must("channels not there", missing == 0, format!("{missing} of {}", traffic.voices.len()));
    report.must("samples other than sent", wrong == 0, wrong);
    report.must("recordings whose verdict is not good", not_good == 0, not_good);
    report.at_most("sides apart from how they were sent", apart, 1.0, "ms");
    report.at_most("shorter than the call", short, 40.0, "ms");
}

fn played(house: &House, ticket: Option<&Ticket>, call: usize, packets: [u32; 2], cut: Cut) -> Played {
    let recording = ticket.ok_or("no ticket")?.recording.as_ref().ok_or("no recording on the ticket")?;
    let path = &recording.report.as_ref().ok_or("no file on the ticket")?.path;
    recordings::compare(&house.recordings().join(path), call * 2, packets, cut)
}

/// Waits until so many recordings have their final name; how many have.
fn wait_for_recordings(house: &House, count: usize) -> usize {
    let patience = Instant::now() + Duration::from_secs(300);
    loop {
        let finished = recordings::files(&house.recordings(), ".wav").len();
        if finished >= count || Instant::now() > patience {
            return finished;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until so many tickets are as they should be; all tickets then.
fn wait_for_tickets(house: &House, count: usize, done: impl Fn(&Ticket) -> bool) -> BTreeMap<usize, Ticket> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let kept = tickets::by_call(&house.database(), 10_000);
        if kept.values().filter(|ticket| done(ticket)).count() >= count || Instant::now() > patience {
            return kept;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Calls set up and torn down, 200 a second.
pub(crate) fn setup(size: Size, report: &mut Report) {
    let (rate, seconds) = size.pick((50, 3), (200, 30));
    let calls = rate * seconds;
    let (_folder, house, mut traffic) = stage();
    let daemon = house.serve();
    traffic.register();
    std::thread::sleep(Duration::from_secs(2));
    let (memory, cpu, by_thread) = (daemon.resident_kb(), daemon.cpu(), daemon.cpu_by_thread());
    let talk = Talk::Mute(Duration::from_millis(100));
    let plan = Plan { calls, every: Duration::from_secs(1) / rate as u32, talk };
    let mut peak = memory;
    traffic.call("s", plan, Duration::from_secs(5), || peak = peak.max(daemon.resident_kb()));
    let wav = wait_for_recordings(&house, calls);
    let spent = daemon.cpu().saturating_sub(cpu).as_secs_f64() * 1e3 / calls as f64;

    let (failed, why) = traffic.failures();
    report.must("calls failed", failed == 0, format!("{failed} of {calls} {why}"));
    report.at_most("CPU of all threads a call", spent, 1.0, "ms");
    for (name, time) in daemon.cpu_by_thread() {
        let before = by_thread.get(&name).copied().unwrap_or_default();
        let share = time.saturating_sub(before).as_secs_f64() * 1e3 / calls as f64;
        report.note(&format!("  of it {name}"), share, "ms");
    }
    let delays = traffic.ringing_delays();
    report.at_most("INVITE to 180, p50", percentile(&delays, 50.0), 0.7, "ms");
    report.note("INVITE to 180, p99", percentile(&delays, 99.0), "ms");
    let kept = wait_for_tickets(&house, calls, |ticket| ticket.ended.is_some() && ticket.recording.is_some());
    let answered = kept.values().filter(|t| t.outcome == Some(Outcome::AnsweredByDesk)).count();
    report.must("tickets of answered calls", answered == calls, answered);
    report.must("recordings (each call's, silent)", wav == calls, wav);
    // Ended transactions are remembered for 32 s (RFC 3261 §17), so that what comes late is known; the
    // allocator gives back after another 10.
    std::thread::sleep(size.pick(Duration::from_secs(1), Duration::from_secs(55)));
    report.note("memory before", memory / 1e3, "MB");
    report.note("memory at its peak", peak / 1e3, "MB");
    report.note("memory after", daemon.resident_kb() / 1e3, "MB");
    let stopped = daemon.stop();
    report.must("daemon's end", stopped.success(), stopped);
}

/// From the start of the program to the first call's ringing, with 10,000 tickets in the database.
pub(crate) fn start(size: Size, report: &mut Report) {
    let (_folder, house, mut traffic) = stage();
    let daemon = house.serve();
    traffic.register();
    let stopped = daemon.stop();
    report.must("first daemon's end", stopped.success(), stopped);
    tickets::fill(&house.database(), size.pick(1_000, 10_000));
    for attempt in 0..3 {
        let began = Instant::now();
        let daemon = house.serve();
        let ringing = until_it_rings(&mut traffic, attempt, began);
        report.at_most("start to the first call's ringing", ringing, 300.0, "ms");
        if attempt == 2 {
            std::thread::sleep(Duration::from_secs(3));
            report.at_most("memory of an idle daemon", daemon.resident_kb() / 1e3, 25.0, "MB");
            report.note("threads", daemon.threads() as f64, "");
        }
        let stopped = daemon.stop();
        report.must("daemon's end", stopped.success(), stopped);
    }
}

/// The carrier sends the same INVITE until the desk's ringing comes back; milliseconds since `began`.
fn until_it_rings(traffic: &mut Traffic, attempt: usize, began: Instant) -> f64 {
    let plan = Plan { calls: 1, every: Duration::ZERO, talk: Talk::Mute(Duration::from_millis(20)) };
    traffic.knock(&format!("k{attempt}-"), plan, Duration::from_secs(10));
    traffic.calls[0].rung.map_or(f64::MAX, |rung| (rung - began).as_secs_f64() * 1e3)
}

/// kill -9 in the middle of recorded calls, and a new start.
pub(crate) fn kill(size: Size, report: &mut Report) {
    let calls = 20;
    let talked = Duration::from_secs(size.pick(4, 12));
    let (_folder, house, mut traffic) = stage();
    let daemon = house.serve();
    traffic.register();
    let plan = Plan { calls, every: Duration::from_millis(20), talk: Talk::Voice(100_000) };
    traffic.call("d", plan, talked, || {});
    let killed = Instant::now();
    daemon.kill();
    let up = traffic.calls.iter().filter(|call| call.answered.is_some()).count();
    report.must("calls up when it was killed", up == calls, up);
    report.must(
        "recordings under way",
        parts(house.recordings().as_path()) == calls,
        parts(&house.recordings()),
    );

    let daemon = house.serve();
    traffic.register();
    let kept = wait_for_tickets(&house, calls, |ticket| {
        ticket.recording.as_ref().is_some_and(|r| r.report.is_some())
    });
    let marked = kept.values().filter(|ticket| ticket.outcome == Some(Outcome::Interrupted)).count();
    report.must("tickets there", kept.len() == calls, kept.len());
    report.must("tickets marked interrupted", marked == calls, marked);
    let (mut wrong, mut unplayable, mut lacking, mut first_why) = (0, 0, 0.0_f64, String::new());
    for (number, call) in traffic.calls.iter().enumerate() {
        let packets = [traffic.voices[number * 2].sent(), traffic.voices[number * 2 + 1].sent()];
        match (played(&house, kept.get(&number), number, packets, Cut::AtTheEnd), call.answered) {
            (Ok(recording), Some(answered)) => {
                wrong += recording.caller.wrong + recording.operator.wrong;
                lacking = lacking.max((killed - answered).as_secs_f64() - recording.duration.as_secs_f64());
            }
            (Err(why), _) => {
                unplayable += 1;
                first_why = why;
            }
            (Ok(_), None) => unplayable += 1,
        }
    }
    report.must("recordings that do not play", unplayable == 0, format!("{unplayable} {first_why}"));
    report.must("samples other than sent", wrong == 0, wrong);
    report.must("parts left behind", parts(&house.recordings()) == 0, parts(&house.recordings()));
    report.at_most("most that a recording lacks", lacking, 1.5, "s");
    let stopped = daemon.stop();
    report.must("daemon's end", stopped.success(), stopped);
}

fn parts(folder: &Path) -> usize {
    recordings::files(folder, ".part").len()
}
