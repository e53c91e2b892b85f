//! What was said, for eyes. Pure; stripped of control characters, since a worker's text is nobody's terminal.

use std::{fmt::Write, time::Duration};

use super::text::printable;
use crate::store::transcript::Said;

/// Places in many calls, each with its ticket, day and time within the recording.
pub fn found(said: &[Said]) -> String {
    let mut text = String::new();
    for Said { ticket, received, channel, segment } in said {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{ticket}  {}  {:>8}  {:<8}  {}",
            received.format("%Y-%m-%d %H:%M"),
            clock(segment.begins),
            channel.word(),
            printable(&segment.text)
        );
    }
    text
}

/// One call, as a dialogue.
pub fn transcript(said: &[Said]) -> String {
    let mut text = String::new();
    for Said { channel, segment, .. } in said {
        let _ = writeln!(
            text,
            "{:>8}  {:<8}  {}",
            clock(segment.begins),
            channel.word(),
            printable(&segment.text)
        );
    }
    text
}

/// `1:02:03`, `2:03`.
fn clock(at: Duration) -> String {
    let (hours, minutes, seconds) = (at.as_secs() / 3600, at.as_secs() / 60 % 60, at.as_secs() % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::transcript::{Channel, Segment};

    #[test]
    fn a_place_says_where_to_listen_and_drives_no_terminal() {
        let said = Said {
            ticket: "20261123-0007".parse().unwrap(),
            received: "2026-11-23T16:15:02+08:00".parse().unwrap(),
            channel: Channel::Caller,
            segment: Segment {
                begins: Duration::from_millis(3_723_400),
                ends: Duration::from_secs(3_725),
                text: "水管\u{1b}[2J漏水".to_owned(),
            },
        };
        let line = "20261123-0007  2026-11-23 16:15   1:02:03  caller    水管\u{fffd}[2J漏水\n";
        assert_eq!(found(std::slice::from_ref(&said)), line);
        assert!(transcript(&[said]).starts_with(" 1:02:03  caller    "));
    }
}
