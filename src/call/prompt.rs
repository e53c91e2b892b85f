//! What the house says on a line: announcements that are files, and tones that it makes itself. Only
//! names live here; the media room has the sound.

use serde::{Deserialize, Serialize};

/// One announcement. The house rules name its file (`[prompts]` of `house.toml`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Prompt {
    Greeting,
    /// “本次通话将被录音”.
    RecordingNotice,
    Connecting,
    /// “客服人员正忙，请您稍候”.
    BusyWait,
    Forwarding,
    /// Asks for a message.
    Voicemail,
    VoicemailSaved,
    /// “物业热线来电，接听请按一”.
    ForwardConfirm,
    /// “来电已经结束”: somebody else took it.
    ForwardTooLate,
    /// “业主已经挂机”.
    CallerGone,
    AwayOn,
    AwayOff,
    AwayReminder,
    Done,
    Invalid,
    UrgentMarked,
    PleaseHold,
    /// “抱歉，让您久等了”.
    SorryWaiting,
    /// “线路暂时故障，请稍后再拨”.
    LineFault,
    Goodbye,
    Digit0,
    Digit1,
    Digit2,
    Digit3,
    Digit4,
    Digit5,
    Digit6,
    Digit7,
    Digit8,
    Digit9,
}

/// Every prompt with its key in `[prompts]`; the file is by default called `KEY.wav`.
pub const PROMPTS: [(Prompt, &str); 30] = [
    (Prompt::Greeting, "greeting"),
    (Prompt::RecordingNotice, "recording_notice"),
    (Prompt::Connecting, "connecting"),
    (Prompt::BusyWait, "busy_wait"),
    (Prompt::Forwarding, "forwarding"),
    (Prompt::Voicemail, "voicemail"),
    (Prompt::VoicemailSaved, "voicemail_saved"),
    (Prompt::ForwardConfirm, "forward_confirm"),
    (Prompt::ForwardTooLate, "forward_too_late"),
    (Prompt::CallerGone, "caller_gone"),
    (Prompt::AwayOn, "away_on"),
    (Prompt::AwayOff, "away_off"),
    (Prompt::AwayReminder, "away_reminder"),
    (Prompt::Done, "done"),
    (Prompt::Invalid, "invalid"),
    (Prompt::UrgentMarked, "urgent_marked"),
    (Prompt::PleaseHold, "please_hold"),
    (Prompt::SorryWaiting, "sorry_waiting"),
    (Prompt::LineFault, "line_fault"),
    (Prompt::Goodbye, "goodbye"),
    (Prompt::Digit0, "digit_0"),
    (Prompt::Digit1, "digit_1"),
    (Prompt::Digit2, "digit_2"),
    (Prompt::Digit3, "digit_3"),
    (Prompt::Digit4, "digit_4"),
    (Prompt::Digit5, "digit_5"),
    (Prompt::Digit6, "digit_6"),
    (Prompt::Digit7, "digit_7"),
    (Prompt::Digit8, "digit_8"),
    (Prompt::Digit9, "digit_9"),
];

impl Prompt {
    /// Its key in `[prompts]`: `recording_notice`.
    pub fn key(self) -> &'static str {
        PROMPTS.iter().find(|(prompt, _)| *prompt == self).map_or("", |(_, key)| key)
    }

    fn digit(digit: char) -> Option<Self> {
        Some(match digit {
            '0' => Self::Digit0,
            '1' => Self::Digit1,
            '2' => Self::Digit2,
            '3' => Self::Digit3,
            '4' => Self::Digit4,
            '5' => Self::Digit5,
            '6' => Self::Digit6,
            '7' => Self::Digit7,
            '8' => Self::Digit8,
            '9' => Self::Digit9,
            _ => return None,
        })
    }
}

/// One thing to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sound {
    Prompt(Prompt),
    /// The caller's number, digit by digit. Who carries out the order puts the digits in, so that a call
    /// need not know, nor its journal keep, what they are.
    CallersNumber,
    /// “Speak now”.
    Beep,
    /// What somebody hears who waits: the house's music, or a soft tone now and then.
    Comfort,
    /// What a caller hears while it rings elsewhere, where we have to make it ourselves.
    Ringback,
}

/// How often a row of sounds is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repeat {
    /// Answered by `Played`.
    Once,
    /// Until something else is played, or the leg goes. Never answered by `Played`.
    Forever,
}

/// A number spoken digit by digit. What is no digit is left out.
pub fn spoken(number: &str) -> Vec<Sound> {
    number.chars().filter_map(Prompt::digit).map(Sound::Prompt).collect()
}

impl From<Prompt> for Sound {
    fn from(prompt: Prompt) -> Self {
        Self::Prompt(prompt)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_prompt_has_a_key_of_its_own() {
        let keys: BTreeSet<&str> = PROMPTS.iter().map(|(_, key)| *key).collect();
        let prompts: BTreeSet<Prompt> = PROMPTS.iter().map(|(prompt, _)| *prompt).collect();
        assert_eq!((keys.len(), prompts.len()), (PROMPTS.len(), PROMPTS.len()));
        assert_eq!(Prompt::Digit9.key(), "digit_9");
    }

    #[test]
    fn a_number_is_spoken_in_its_digits() {
        let [one, zero] = [Prompt::Digit1, Prompt::Digit0].map(Sound::Prompt);
        assert_eq!(spoken("+1-0"), [one, zero]);
        assert_eq!(spoken("anonymous"), []);
    }
}
