//! What the `sound` room makes of the two spoken dialogues (`fixtures/dialogues`, whose `.json` says who
//! speaks when), as the recorder has them: 8 kHz, through A-law, clean and with noise. The table that
//! this prints (`cargo test --test main facts -- --nocapture`) is the one in `docs/facts.md`.

use std::{path::Path, time::Duration};

use hotlined::{
    rtp::g711::{self, Law},
    sound::{
        conversation::{Conversation, Voice},
        side::{Side, SideSound},
        span::Span,
    },
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIALOGUES: [&str; 2] = ["complaint", "leak"];
const SIDES: [&str; 2] = ["caller", "operator"];

#[derive(Debug, serde::Deserialize)]
struct Turn {
    who: String,
    start_s: f64,
    end_s: f64,
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dialogues").join(name)
}

fn samples(dialogue: &str, side: &str) -> Vec<f32> {
    let mut wav = hound::WavReader::open(fixture(&format!("{dialogue}_{side}.wav"))).unwrap();
    assert_eq!(wav.spec().sample_rate, 8_000);
    wav.samples::<i16>().map(|sample| f32::from(sample.unwrap())).collect()
}

fn turns(dialogue: &str, side: &str) -> Vec<Span> {
    let text = std::fs::read_to_string(fixture(&format!("{dialogue}.json"))).unwrap();
    let turns: Vec<Turn> = serde_json::from_str(&text).unwrap();
    let of = turns.iter().filter(|turn| turn.who == side);
    of.map(|turn| Span::new(Duration::from_secs_f64(turn.start_s), Duration::from_secs_f64(turn.end_s)))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Noise {
    White,
    Pink,
    Hum,
    /// The other three voices at once.
    Babble,
}

fn gauss(chance: &mut impl Rng) -> f32 {
    let (a, b): (f32, f32) = (chance.random_range(1e-9..1.0), chance.random());
    (-2.0 * a.ln()).sqrt() * (std::f32::consts::TAU * b).cos()
}

fn noise(kind: Noise, length: usize, dialogue: &str, side: &str, chance: &mut ChaCha8Rng) -> Vec<f32> {
    match kind {
        Noise::White => (0..length).map(|_| gauss(chance)).collect(),
        // Paul Kellet's filter: −3 dB an octave.
        Noise::Pink => {
            let mut b = [0.0_f32; 3];
            (0..length)
                .map(|_| {
                    let white = gauss(chance);
                    b[0] = 0.99765 * b[0] + white * 0.0990460;
                    b[1] = 0.96300 * b[1] + white * 0.2965164;
                    b[2] = 0.57000 * b[2] + white * 1.0526913;
                    b[0] + b[1] + b[2] + white * 0.1848
                })
                .collect()
        }
        Noise::Hum => (0..length)
            .map(|n| {
                let t = n as f32 / 8_000.0 * std::f32::consts::TAU;
                0.5 * gauss(chance) + (50.0 * t).sin() + (150.0 * t).sin()
            })
            .collect(),
        Noise::Babble => {
            let mut sum = vec![0.0; length];
            for (other, who) in DIALOGUES.iter().flat_map(|d| SIDES.map(|s| (*d, s))) {
                if (other, who) == (dialogue, side) {
                    continue;
                }
                let voice = samples(other, who);
                let shift = chance.random_range(0..voice.len());
                for (n, place) in sum.iter_mut().enumerate() {
                    *place += voice[(n + shift) % voice.len()];
                }
            }
            sum
        }
    }
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
}

/// One side with noise so many dB below its spoken parts, through A-law.
fn recorded(dialogue: &str, side: &str, with: Option<(Noise, f32)>, seed: u64) -> Vec<i16> {
    let mut voice = samples(dialogue, side);
    if let Some((kind, snr)) = with {
        let at = |time: Duration| (time.as_secs_f64() * 8_000.0) as usize;
        let spoken: Vec<f32> = turns(dialogue, side)
            .iter()
            .flat_map(|turn| voice[at(turn.from)..at(turn.to).min(voice.len())].to_vec())
            .collect();
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let noise = noise(kind, voice.len(), dialogue, side, &mut chance);
        let gain = (power(&spoken) / 10_f32.powf(snr / 10.0) / power(&noise)).sqrt();
        voice.iter_mut().zip(&noise).for_each(|(place, noise)| *place += noise * gain);
    }
    let linear: Vec<i16> = voice.iter().map(|s| s.clamp(-32_768.0, 32_767.0) as i16).collect();
    let mut coded = Vec::new();
    g711::encode(Law::A, &linear, &mut coded);
    let mut heard = Vec::new();
    g711::decode(Law::A, &coded, &mut heard);
    heard
}

fn analysed(samples: &[i16]) -> SideSound {
    let mut side = Side::new(8_000);
    samples.chunks(1_000).for_each(|some| side.push(some));
    side.finish()
}

fn conversation(dialogue: &str, with: Option<(Noise, f32)>, seed: u64) -> Conversation {
    let [left, right] = SIDES.map(|side| recorded(dialogue, side, with, seed));
    let length = Duration::from_secs_f64(left.len() as f64 / 8_000.0);
    Conversation::of(analysed(&left), analysed(&right), length)
}

/// Other noise each time. The table in `docs/facts.md` is of three; one keeps this short.
const RUNS: u64 = 1;

/// The worst error of a boundary in both dialogues; `None`: a sentence more or less than was spoken.
fn worst_boundary(with: Option<(Noise, f32)>) -> Option<Duration> {
    let mut worst = Duration::ZERO;
    for seed in 0..RUNS {
        for dialogue in DIALOGUES {
            let call = conversation(dialogue, with, seed);
            for (side, found) in SIDES.into_iter().zip([&call.left, &call.right]) {
                let spoken = turns(dialogue, side);
                if spoken.len() != found.speech.len() {
                    return None;
                }
                for (said, heard) in spoken.iter().zip(&found.speech) {
                    worst = worst.max(said.from.abs_diff(heard.from)).max(said.to.abs_diff(heard.to));
                }
            }
        }
    }
    Some(worst)
}

/// Noise, its distance from the voice in dB, and whether the figure of 150 ms is to be met.
const CONDITIONS: [(Noise, f32, bool); 13] = [
    (Noise::White, 20.0, true),
    (Noise::White, 10.0, true),
    (Noise::White, 5.0, true),
    (Noise::White, 0.0, false),
    (Noise::Pink, 20.0, true),
    (Noise::Pink, 10.0, true),
    (Noise::Pink, 5.0, true),
    (Noise::Pink, 0.0, false),
    (Noise::Hum, 20.0, true),
    (Noise::Hum, 10.0, true),
    (Noise::Hum, 5.0, true),
    (Noise::Babble, 20.0, false),
    (Noise::Babble, 10.0, false),
];

#[test]
fn sentences_are_found_within_150_ms_clean_and_in_noise() {
    let row = |name: String, worst: Option<Duration>| {
        let worst =
            worst.map_or("another number of sentences".to_owned(), |w| format!("{} ms", w.as_millis()));
        println!("| {name} | {worst} |");
    };
    let clean = worst_boundary(None);
    row("clean".to_owned(), clean);
    assert!(clean.is_some_and(|worst| worst <= Duration::from_millis(150)), "clean: {clean:?}");
    for (kind, snr, promised) in CONDITIONS {
        let worst = worst_boundary(Some((kind, snr)));
        row(format!("{kind:?}, {snr} dB").to_lowercase(), worst);
        if promised {
            assert!(worst.is_some_and(|w| w <= Duration::from_millis(150)), "{kind:?} {snr} dB: {worst:?}");
        }
    }
}

#[test]
fn the_complaint_has_its_talk_over_and_its_pause_clean_and_in_noise() {
    for with in [None, Some((Noise::White, 20.0)), Some((Noise::White, 10.0)), Some((Noise::Pink, 10.0))] {
        let call = conversation("complaint", with, 7);
        let near = |found: Duration, said: f64| (found.as_secs_f64() - said).abs() <= 0.15;
        let [over] = call.talk_over.as_slice() else { panic!("{with:?}: {:?}", call.talk_over) };
        assert_eq!(over.by, Voice::Right, "{with:?}: the operator cuts in");
        assert!(near(over.span.from, 8.922) && near(over.span.to, 9.722), "{with:?}: {over:?}");
        let silence = call.longest_silence.unwrap();
        assert!(near(silence.from, 28.105) && near(silence.to, 31.105), "{with:?}: {silence:?}");
        let greeting = call.right.first_word().unwrap();
        assert!(near(greeting, 0.6), "{with:?}: {greeting:?}");
        let share = call.left_share().unwrap();
        assert!((share - 10.892 / 29.827).abs() < 0.03, "{with:?}: {share}");
    }
    assert_eq!(conversation("leak", None, 0).talk_over, [], "nobody cuts in on the leak");
}

#[test]
fn noise_tones_and_silence_are_nobodys_words() {
    let mut chance = ChaCha8Rng::seed_from_u64(3);
    let white: Vec<i16> = (0..160_000).map(|_| (gauss(&mut chance) * 300.0) as i16).collect();
    let tone: Vec<i16> = (0..160_000)
        .map(|n| ((n as f32 / 8_000.0 * 450.0 * std::f32::consts::TAU).sin() * 5_000.0) as i16)
        .collect();
    for (what, samples) in [("white noise", &white), ("a steady tone", &tone), ("silence", &vec![0; 160_000])]
    {
        let heard = analysed(samples);
        assert_eq!(heard.speech, [], "{what}");
    }
    assert!((analysed(&white).noise.unwrap() - 20.0 * (300.0_f64 / 32_768.0).log10()).abs() < 1.0);
}

#[test]
fn an_echo_of_the_other_side_is_no_word_of_this_one() {
    let caller = samples("complaint", "caller");
    let operator = samples("complaint", "operator");
    let mixed: Vec<i16> =
        caller.iter().zip(&operator).map(|(own, other)| (own + other * 0.04) as i16).collect();
    let found = analysed(&mixed).speech;
    assert_eq!(found.len(), turns("complaint", "caller").len(), "{found:?}");
}

#[test]
fn wide_band_speech_is_found_as_well() {
    for side in SIDES {
        let narrow = recorded("leak", side, None, 0);
        let wide: Vec<i16> = narrow.iter().flat_map(|sample| [*sample, *sample]).collect();
        let mut analyser = Side::new(16_000);
        analyser.push(&wide);
        let found = analyser.finish().speech;
        let spoken = turns("leak", side);
        assert_eq!(found.len(), spoken.len(), "{found:?}");
        for (said, heard) in spoken.iter().zip(&found) {
            let worst = said.from.abs_diff(heard.from).max(said.to.abs_diff(heard.to));
            assert!(worst <= Duration::from_millis(150), "{said:?} {heard:?}");
        }
    }
}

#[test]
fn an_hour_of_speech_has_as_many_sentences_as_its_parts() {
    let part = recorded("leak", "operator", Some((Noise::White, 20.0)), 5);
    let mut side = Side::new(8_000);
    let times = 20;
    (0..times).for_each(|_| side.push(&part));
    assert_eq!(side.finish().speech.len(), times * turns("leak", "operator").len());
}
