//! What is known of a recorded call beyond its ticket, without recognising a word (`docs/facts.md`).

use std::time::Duration;

use super::ticket::Side;

/// From one moment of a recording to another.
pub type Stretch = (Duration, Duration);

/// What the recording says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallFacts {
    pub length: Duration,
    /// The outside party.
    pub caller: SideFacts,
    /// Whoever answered for the house.
    pub operator: SideFacts,
    /// Where nobody says anything for longest, beginning and end included.
    pub longest_silence: Option<Stretch>,
}

/// What one side says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SideFacts {
    /// Where it speaks, in order.
    pub speech: Vec<Stretch>,
    /// How long it speaks.
    pub spoke: Duration,
    /// How long both talk because this side cut in.
    pub talk_over: Duration,
    /// How often it cut in.
    pub cut_ins: u32,
    /// Gated loudness (BS.1770) in LUFS; `None`: silence.
    pub loudness_lufs: Option<f64>,
    /// Largest sample in dBFS; `None`: digital silence.
    pub peak_dbfs: Option<f64>,
    /// Samples that hit the top of the scale.
    pub clipped_samples: u64,
    /// What is heard in its pauses, in dBFS; `None`: digital silence, or no pause.
    pub noise_dbfs: Option<f64>,
}

impl CallFacts {
    /// From the Join to the operator's first word.
    pub fn greeting(&self) -> Option<Duration> {
        self.operator.speech.first().map(|(from, _)| *from)
    }

    /// The operator's share of all that was spoken, 0 to 1; `None`: nobody speaks.
    pub fn operator_share(&self) -> Option<f64> {
        let (caller, operator) = (self.caller.spoke.as_secs_f64(), self.operator.spoke.as_secs_f64());
        (caller + operator > 0.0).then(|| operator / (caller + operator))
    }
}

/// What the ticket adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// Not answered in time.
    pub flagged: bool,
    pub hung_up_first: Option<Side>,
    /// How long the call was on hold.
    pub held: Duration,
    /// The recording is all there, and both sides are on it.
    pub sound_recording: bool,
    /// Somebody was talked to: without, there is nothing to hear.
    pub answered: bool,
}
