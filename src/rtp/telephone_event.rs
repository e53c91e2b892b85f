//! Keys pressed during a call (RFC 4733): many packets an event, one digit a press. A press is told on
//! the first packet that ends it; where all of those were lost, on whatever proves that it is over.

use super::{packet::Header, timestamp::RtpTimestamp};

/// Silence of an event, in samples of audio after its last known instant, that proves it over: 200 ms.
/// Doubled, a key whose end packets were lost is noticed later; halved, a jittery sender's key ends early
/// (harmless: it is told once all the same).
const OVER_AFTER: i32 = 1_600;

/// An event starting this many samples *before* the last one is a sender that began anew, not a late
/// packet: 10 s.
const BEGAN_ANEW: i32 = -80_000;

/// Turns the telephone-event packets of one leg into digits.
#[derive(Debug, Clone, Default)]
pub struct DigitDecoder {
    last: Option<Event>,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    ssrc: u32,
    code: u8,
    start: RtpTimestamp,
    duration: u16,
    told: bool,
}

impl DigitDecoder {
    /// Takes in one telephone-event packet and answers with the digits that are now complete, oldest
    /// first: none, one, or two (a press whose end was lost, and a new one whose start was).
    /// Events other than the sixteen DTMF digits are left out.
    pub fn event(&mut self, header: &Header, payload: &[u8]) -> Vec<char> {
        let mut digits = Vec::new();
        let Some(&[code, flags, d0, d1]) = payload.first_chunk() else {
            return digits;
        };
        let (ended, duration) = (flags & 0x80 != 0, u16::from_be_bytes([d0, d1]));
        let fresh = Event { ssrc: header.ssrc, code, start: header.timestamp, duration, told: false };
        let event = match &mut self.last {
            Some(last) if last.ssrc == header.ssrc => {
                let after = header.timestamp.since(last.start);
                if after == 0 || last.continues_at(code, after, header.marker) {
                    last.start = header.timestamp;
                    last.duration = if after == 0 { last.duration.max(duration) } else { duration };
                } else if (BEGAN_ANEW..=0).contains(&after) {
                    return digits; // A late packet of a press that was told.
                } else {
                    digits.extend(last.tell());
                    *last = fresh;
                }
                last
            }
            other => {
                if let Some(last) = other {
                    digits.extend(last.tell());
                }
                other.insert(fresh)
            }
        };
        if ended {
            digits.extend(event.tell());
        }
        digits
    }

    /// Takes in the header of an audio packet of the same leg: audio from well after an event whose end
    /// packets were lost completes it.
    pub fn audio(&mut self, header: &Header) -> Option<char> {
        let last = self.last.as_mut()?;
        let end = last.start.plus(u32::from(last.duration));
        let over = last.ssrc != header.ssrc || header.timestamp.since(end) > OVER_AFTER;
        if over { last.tell() } else { None }
    }
}

impl Event {
    /// An event longer than its 16-bit duration goes on in a new segment, which starts where the former
    /// stops, without a marker and with no end packet between (RFC 4733 §2.5.1.3).
    fn continues_at(&self, code: u8, after: i32, marker: bool) -> bool {
        !self.told && !marker && code == self.code && (0xf000..=0x1_0000).contains(&after)
    }

    fn tell(&mut self) -> Option<char> {
        if self.told {
            return None;
        }
        self.told = true;
        digit(self.code)
    }
}

/// RFC 4733 §3.2, table 3.
fn digit(code: u8) -> Option<char> {
    match code {
        0..=9 => Some(char::from(b'0' + code)),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some(char::from(b'A' + (code - 12))),
        _ => None,
    }
}

/// The code of a DTMF digit; `None` for any other character.
pub fn code(digit: char) -> Option<u8> {
    match digit {
        '0'..='9' => u8::try_from(digit).ok().map(|byte| byte - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => u8::try_from(digit).ok().map(|byte| byte - b'A' + 12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::timestamp::SequenceNumber;

    fn header(timestamp: u32, marker: bool) -> Header {
        Header {
            payload_type: 101,
            marker,
            sequence: SequenceNumber(0),
            timestamp: RtpTimestamp(timestamp),
            ssrc: 7,
        }
    }

    fn payload(digit: char, ended: bool, duration: u16) -> [u8; 4] {
        let [d0, d1] = duration.to_be_bytes();
        [code(digit).unwrap(), if ended { 0x8a } else { 0x0a }, d0, d1]
    }

    /// A press as a phone sends it: start (marked), five updates, three ends.
    fn press(digit: char, start: u32) -> Vec<(Header, [u8; 4])> {
        let mut packets: Vec<_> =
            (0..6u16).map(|n| (header(start, n == 0), payload(digit, false, (n + 1) * 160))).collect();
        packets.extend((0..3).map(|_| (header(start, false), payload(digit, true, 1120))));
        packets
    }

    fn hear(packets: impl IntoIterator<Item = (Header, [u8; 4])>) -> String {
        let mut decoder = DigitDecoder::default();
        packets.into_iter().flat_map(|(header, payload)| decoder.event(&header, &payload)).collect()
    }

    #[test]
    fn every_press_is_told_once_whichever_of_its_packets_is_lost() {
        let all = || press('1', 8000).into_iter().chain(press('1', 16000)).chain(press('#', 24000));
        assert_eq!(hear(all()), "11#");
        for lost in 0..27 {
            assert_eq!(
                hear(all().enumerate().filter(|(n, _)| *n != lost).map(|(_, p)| p)),
                "11#",
                "lost {lost}"
            );
        }
    }

    #[test]
    fn duplicates_and_late_packets_tell_nothing_twice() {
        let doubled = press('5', 100).into_iter().flat_map(|p| [p, p]);
        assert_eq!(hear(doubled), "5");
        let mut late = press('5', 100);
        let stray = late.remove(2);
        late.extend(press('6', 4000));
        late.push(stray);
        assert_eq!(hear(late), "56");
    }

    #[test]
    fn a_press_without_its_ends_is_told_at_the_next_event_or_by_later_audio() {
        let cut = |digit, start| press(digit, start).into_iter().take(6);
        assert_eq!(hear(cut('1', 0).chain(press('2', 9000))), "12");
        // Only the end of the second arrives: both are complete with one packet.
        let mut decoder = DigitDecoder::default();
        for (header, payload) in cut('1', 0) {
            assert!(decoder.event(&header, &payload).is_empty());
        }
        assert_eq!(decoder.event(&header(9000, false), &payload('2', true, 800)), ['1', '2']);

        let mut decoder = DigitDecoder::default();
        for (header, payload) in cut('7', 0) {
            assert!(decoder.event(&header, &payload).is_empty());
        }
        assert_eq!(decoder.audio(&header(960, false)), None, "audio during the press proves nothing");
        assert_eq!(decoder.audio(&header(960 + 1601, false)), Some('7'));
        assert_eq!(decoder.audio(&header(960 + 1761, false)), None);
        assert!(decoder.event(&header(0, false), &payload('7', true, 1120)).is_empty(), "its end came late");
    }

    #[test]
    fn a_key_held_for_ten_seconds_is_one_press() {
        let mut packets = vec![];
        for n in 1..=400u32 {
            packets.push((header(0, n == 1), payload('9', false, u16::try_from(n * 160).unwrap())));
        }
        for n in 1..=90u16 {
            packets.push((header(0xffff, false), payload('9', false, n * 160)));
        }
        packets.push((header(0xffff, false), payload('9', true, 91 * 160)));
        assert_eq!(hear(packets), "9");
    }

    #[test]
    fn a_sender_that_begins_anew_is_heard() {
        let mut anew = press('2', 50);
        for (header, _) in &mut anew {
            header.ssrc = 8;
        }
        assert_eq!(hear(press('1', 4_000_000).into_iter().chain(anew)), "12");
        assert_eq!(hear(press('1', 4_000_000).into_iter().chain(press('2', 50))), "12");
    }

    #[test]
    fn flash_tones_and_short_payloads_are_no_digits() {
        let mut decoder = DigitDecoder::default();
        assert!(decoder.event(&header(0, true), &[16, 0x80, 0, 160]).is_empty());
        assert!(decoder.event(&header(900, true), &[1, 0x80, 0]).is_empty());
        assert_eq!(decoder.event(&header(1800, true), &[15, 0x80, 0, 160, 0, 0]), ['D']);
    }
}
