//! What it costs to read a closed recording: SHA-256, voice activity of both sides, loudness, peaks.
//!
//! `cargo bench --bench facts -- [minutes]` (10). Prints the CPU time of a call-minute, and the bytes of an
//! hour on disk. The recording is the spoken dialogue of `tests/fixtures/dialogues`, again and again.

use std::{path::Path, sync::atomic::AtomicBool, time::Duration};

use hotlined::media::{examination::examine, recorder::peaks};
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let minutes = std::env::args().filter_map(|argument| argument.parse::<u32>().ok()).next().unwrap_or(10);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.wav");
    let sides = ["caller", "operator"].map(|side| {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dialogues");
        let wav = hound::WavReader::open(fixtures.join(format!("complaint_{side}.wav"))).expect("a fixture");
        wav.into_samples::<i16>().map(|sample| sample.expect("a sample")).collect::<Vec<_>>()
    });
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&path, spec).expect("a file");
    let [left, right] = &sides;
    let frames = usize::try_from(minutes * 60 * 8_000).expect("small");
    for (left, right) in left.iter().cycle().zip(right.iter().cycle()).take(frames) {
        wav.write_sample(*left).expect("room on the disk");
        wav.write_sample(*right).expect("room on the disk");
    }
    wav.finalize().expect("room on the disk");

    let before = cpu();
    let found = examine(&path, &AtomicBool::new(false)).expect("a recording").expect("nobody stops it");
    let used = cpu() - before;
    peaks::write(&path, found.peaks).expect("room on the disk");
    let each = |bytes: u64| bytes * 60 / u64::from(minutes);
    let size = |path: &Path| std::fs::metadata(path).expect("it is there").len();
    println!("{minutes} minutes: {:.2} ms CPU a call-minute", used.as_secs_f64() * 1e3 / f64::from(minutes));
    println!(
        "sentences: caller {}, operator {}",
        found.facts.caller.speech.len(),
        found.facts.operator.speech.len()
    );
    println!(
        "bytes an hour: {} of samples, {} of peaks",
        each(size(&path)),
        each(size(&peaks::path_of(&path)))
    );
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
