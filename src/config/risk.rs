//! `[risk]` of the house rules: what makes a call worth hearing. Reading starts at [`read`].

use super::reader::Table;
use crate::desk::risk::Weights;

/// The most points that one reason can have.
const MOST: u32 = 1_000;

/// Reads the table; faults are noted in it.
pub(super) fn read(mut table: Table<'_>) -> Weights {
    let usual = Weights::default();
    let mut points = |key: &str, default: u32| table.whole(key, 0..=MOST, default);
    let (talk_over, talk_over_most) =
        (points("talk_over", usual.talk_over), points("talk_over_most", usual.talk_over_most));
    let hung_up_first = points("hung_up_first", usual.hung_up_first);
    let flagged = points("flagged", usual.flagged);
    let greeting = points("greeting", usual.greeting);
    let silence = points("silence", usual.silence);
    let hold = points("hold", usual.hold);
    let operator_share = points("operator_share", usual.operator_share);
    let loudness = points("loudness", usual.loudness);
    let one_sided = points("one_sided", usual.one_sided);
    let recording = points("recording", usual.recording);
    let weights = Weights {
        talk_over,
        talk_over_most,
        hung_up_first,
        flagged,
        greeting,
        greeting_within: table.seconds("greeting_within_seconds", 0.5..=60.0, usual.greeting_within),
        silence,
        silence_above: table.seconds("silence_above_seconds", 1.0..=600.0, usual.silence_above),
        hold,
        hold_above: table.seconds("hold_above_seconds", 1.0..=3600.0, usual.hold_above),
        operator_share,
        operator_share_above: table.whole(
            "operator_share_above_percent",
            1..=100,
            usual.operator_share_above,
        ),
        loudness,
        soft_below: table.whole("soft_below_minus_lufs", 10..=70, usual.soft_below),
        loud_above: table.whole("loud_above_minus_lufs", 1..=40, usual.loud_above),
        one_sided,
        recording,
    };
    if weights.loud_above >= weights.soft_below {
        table.wrong("loud_above_minus_lufs", "less than soft_below_minus_lufs", weights.loud_above);
    }
    table.close();
    weights
}
