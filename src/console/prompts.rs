//! Prompts and mobiles as tables. Pure.

use super::text::{aligned, printable};
use crate::{media::prompts::Sounding, store::mobiles::MobileCounts};

/// One prompt, as it was found.
#[derive(Debug)]
pub struct PromptLine {
    /// Its key in `[prompts]`.
    pub key: &'static str,
    pub file: String,
    /// Or why it can't be played.
    pub found: Result<Sounding, String>,
    /// What it says, where that is written down.
    pub text: String,
}

/// One line a prompt.
pub fn prompts_table(lines: &[PromptLine]) -> String {
    let heading = ["PROMPT", "FILE", "SECONDS", "LOUDNESS", "PEAK", "NOTE", "TEXT"].map(str::to_owned);
    let row = |line: &PromptLine| {
        let (seconds, loudness, peak, note) = match &line.found {
            Ok(found) => (
                format!("{:.1}", found.seconds),
                format!("{:.1} dBFS", found.loudness_dbfs),
                format!("{:.1} dBFS", found.peak_dbfs),
                note(found),
            ),
            Err(why) => (String::new(), String::new(), String::new(), format!("CAN'T BE PLAYED: {why}")),
        };
        [line.key.to_owned(), printable(&line.file), seconds, loudness, peak, note, printable(&line.text)]
    };
    aligned(&std::iter::once(heading).chain(lines.iter().map(row)).collect::<Vec<_>>())
}

/// What a person should mend. Speech on a telephone lies around −20 dBFS.
fn note(found: &Sounding) -> String {
    match found {
        Sounding { clipped_samples: clipped @ 1.., .. } => format!("{clipped} samples clipped"),
        Sounding { loudness_dbfs, .. } if *loudness_dbfs < -35.0 => "too soft".to_owned(),
        Sounding { loudness_dbfs, .. } if *loudness_dbfs > -9.0 => "too loud".to_owned(),
        Sounding { .. } => "ok".to_owned(),
    }
}

/// One line a mobile.
pub fn mobiles_table(counts: &[MobileCounts]) -> String {
    if counts.is_empty() {
        return "no mobile was ever rung\n".to_owned();
    }
    let heading =
        ["MOBILE", "RUNG", "TAKEN", "REFUSED", "SWALLOWED", "UNANSWERED", "UNREACHED"].map(str::to_owned);
    let row = |of: &MobileCounts| {
        let MobileCounts { mobile, rung, taken, refused, swallowed, unanswered, unreached } = of;
        [
            printable(mobile),
            rung.to_string(),
            taken.to_string(),
            refused.to_string(),
            swallowed.to_string(),
            unanswered.to_string(),
            unreached.to_string(),
        ]
    };
    aligned(&std::iter::once(heading).chain(counts.iter().map(row)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_prompt_that_is_missing_soft_or_clipped_is_said_so() {
        let found = |loudness_dbfs, clipped_samples| {
            Ok(Sounding { seconds: 3.4, loudness_dbfs, peak_dbfs: -3.0, clipped_samples })
        };
        let line = |key, found| PromptLine { key, file: format!("{key}.wav"), found, text: "您好".into() };
        let lines = [
            line("greeting", found(-20.0, 0)),
            line("goodbye", found(-20.0, 7)),
            line("done", found(-41.0, 0)),
            line("invalid", Err("no such file".into())),
        ];
        expect![[r#"
            PROMPT    FILE          SECONDS  LOUDNESS    PEAK       NOTE                           TEXT
            greeting  greeting.wav  3.4      -20.0 dBFS  -3.0 dBFS  ok                             您好
            goodbye   goodbye.wav   3.4      -20.0 dBFS  -3.0 dBFS  7 samples clipped              您好
            done      done.wav      3.4      -41.0 dBFS  -3.0 dBFS  too soft                       您好
            invalid   invalid.wav                                   CAN'T BE PLAYED: no such file  您好
        "#]]
        .assert_eq(&prompts_table(&lines));
    }
}
