//! Bounded fuzzing on the stable compiler: messages bent at random, each from a seed, so that a failure
//! can be repeated. `HOTLINED_FUZZ_SEED` and `HOTLINED_FUZZ_RUNS` choose others than one short run;
//! `fuzz/` holds the same for cargo-fuzz.

use super::{
    body::sdp_body,
    check::{self, Abilities},
    framing::{Frame, Framer},
    message::{HeaderName, Headers, Message, Method, Response},
    parse::{self, ParseError},
    torture,
};

/// SplitMix64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Pieces that mean something to a SIP parser.
const PIECES: [&[u8]; 24] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\r\n ",
    b"\0",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b"%",
    b"%00",
    b"@",
    b":",
    b"[",
    b"]",
    b"?",
    b"=",
    b"\xff\xfe",
    b"4294967296",
    b"l: 99\r\n",
    b"SIP/2.0",
];

/// Bends `bytes` at one to six places.
fn mutate(chance: &mut Chance, mut bytes: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len().saturating_add(1));
        let end = (at + chance.below(12)).min(bytes.len());
        match chance.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..end, chance.pick(&PIECES).iter().copied())),
            2 => drop(bytes.splice(at..at, chance.pick(&PIECES).iter().copied())),
            3 if at < bytes.len() => bytes[at] = u8::try_from(chance.below(256)).unwrap(),
            4 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            5 if chance.below(4) == 0 => {
                let other = &others[chance.below(others.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[chance.below(other.len())..]);
            }
            _ => bytes.truncate(at.max(bytes.len() / 2)),
        }
    }
    bytes
}

/// Reads and judges the bytes in every way there is. What has been read must be read the same again from
/// what we write of it.
fn survive(bytes: &[u8]) {
    let abilities = Abilities { methods: vec![Method::Invite, Method::Register], extensions: vec!["timer"] };
    match parse::message(bytes) {
        Ok(Message::Request(request)) => {
            let again = parse::message(&request.to_bytes());
            assert_eq!(again, Ok(Message::Request(request.clone())), "{}", bytes.escape_ascii());
            if let Err(rejection) = check::request(&request, &abilities) {
                readable(&rejection.response(&request));
            }
            look_at(&request.headers, &request.body);
        }
        Ok(Message::Response(response)) => {
            let mut expected = response.clone();
            if expected.reason.is_empty() {
                expected.reason = expected.status.reason_phrase();
            }
            assert_eq!(parse::message(&response.to_bytes()), Ok(Message::Response(expected)));
            look_at(&response.headers, &response.body);
        }
        Err(ParseError::Answer(response)) => readable(&response),
        Err(ParseError::Drop(_)) => {}
    }
}

/// A response of ours is at least a status line and headers up to an empty line.
fn readable(response: &Response) {
    let bytes = response.to_bytes();
    let text = std::str::from_utf8(&bytes).expect("headers are text");
    assert!(text.starts_with("SIP/2.0 ") && text.ends_with("\r\nContent-Length: 0\r\n\r\n"), "{text}");
    assert_eq!(text.matches('\n').count(), response.headers.iter().count() + 3, "{text}");
}

fn look_at(headers: &Headers, body: &[u8]) {
    assert!(headers.via().is_some() && headers.from().is_some() && headers.to().is_some());
    assert!(headers.cseq().is_some() && headers.call_id().is_some());
    let mut headers = headers.clone();
    if let Some(mut via) = headers.via() {
        via.stamp("192.0.2.1:9".parse().unwrap());
        headers.set_top_via(&via);
        assert_eq!(headers.via(), Some(via));
    }
    let contacts = headers.contacts().unwrap_or_default();
    for contact in contacts.iter().chain(&headers.routes().unwrap_or_default()) {
        assert!(contact.uri.matches(&contact.uri), "{contact}");
        let _seconds_and_preference = (contact.expires(), contact.q(), contact.uri.user());
    }
    let _all_that_may_be_missing = (
        (headers.rack(), headers.rseq(), headers.retry_after(), headers.expires(), headers.min_se()),
        (headers.session_expires(), headers.replaces(), headers.refer_to(), headers.reasons()),
        (headers.content_type(), headers.max_forwards(), headers.tokens(&HeaderName::Supported).count()),
        sdp_body(&headers, body),
    );
}

/// Whatever comes in whatever pieces: frames or an error, and never more bytes than went in.
fn survive_as_stream(chance: &mut Chance, bytes: &[u8]) {
    let mut framer = Framer::new();
    let mut out = 0;
    for piece in bytes.chunks(1 + chance.below(bytes.len())) {
        framer.push(piece);
        while let Ok(Some(frame)) = framer.next_frame() {
            if let Frame::Message(message) = frame {
                out += message.len();
                survive(&message);
            }
        }
    }
    assert!(out <= bytes.len());
}

#[test]
fn bent_messages_never_panic_and_are_read_the_same_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("HOTLINED_FUZZ_SEED").unwrap_or(20_261_123);
    let runs = number("HOTLINED_FUZZ_RUNS").unwrap_or(20_000);
    let seeds: Vec<Vec<u8>> = torture::cases().into_iter().map(|(.., bytes)| bytes).collect();
    for run in 0..runs {
        // Each run has a seed of its own, so that one can be repeated alone.
        let mut chance = Chance(seed.wrapping_add(run));
        let original = seeds[chance.below(seeds.len())].clone();
        let bytes = mutate(&mut chance, original, &seeds);
        survive(&bytes);
        if run % 8 == 0 {
            survive_as_stream(&mut chance, &bytes);
        }
    }
}
