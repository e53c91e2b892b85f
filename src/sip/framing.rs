//! Cuts messages out of a byte stream (RFC 3261 §18.3): by Content-Length, within bounds. Knows where a
//! message ends, not what it says; a stream that can no longer be cut is to be closed.

use bytes::{Buf, Bytes, BytesMut};

use super::parse::{self, ContentLength};

/// Longest start line with headers, in bytes. Ours have about 1 KiB; a call over many proxies 4 KiB.
pub const MAX_HEAD: usize = 16 * 1024;

/// Longest body, in bytes: as long as UDP could carry. Doubling it doubles what a stream may hold.
pub const MAX_BODY: usize = 64 * 1024;

/// What has been cut off the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One whole message, for [`parse::message`].
    Message(Bytes),
    /// A double CRLF (RFC 5626 §3.5.1): the peer wants a single CRLF back.
    Ping,
}

/// The stream can't be cut any more, and must be closed; the text is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stream cannot be framed: {0}")]
pub struct Unframed(pub &'static str);

/// One stream connection's inward side. Holds at most one message within the bounds, and what was pushed
/// last.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// Up to here there is no empty line in the buffer.
    searched: usize,
    /// The length of the message at the buffer's start, once its head is there.
    wanted: Option<usize>,
    broken: Option<Unframed>,
}

impl Framer {
    /// A fresh connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what was read from the stream. Take all frames out before the next push.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame; `None` until more bytes come.
    ///
    /// A message whose Content-Length is unusable comes as its headers alone, so that it is answered 400;
    /// the call after that fails.
    ///
    /// # Errors
    /// Headers beyond [`MAX_HEAD`], an unusable length, a body without a length. All calls after it fail, too.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Unframed> {
        if let Some(why) = self.broken {
            return Err(why);
        }
        if let Some(wanted) = self.wanted {
            return Ok(self.take(wanted));
        }
        if self.skip_keep_alive() {
            return Ok(Some(Frame::Ping));
        }
        let Some(head) = self.head_length() else {
            return if self.buffer.len() > MAX_HEAD { Err(self.fail("headers too long")) } else { Ok(None) };
        };
        if head > MAX_HEAD {
            return Err(self.fail("headers too long"));
        }
        match parse::declared_length(self.buffer.get(..head).unwrap_or_default()) {
            (ContentLength::Bytes(body), _) if body <= MAX_BODY => {
                let wanted = head.saturating_add(body);
                self.wanted = Some(wanted);
                Ok(self.take(wanted))
            }
            // A message that has no body and does not say so does no harm.
            (ContentLength::Missing, false) => Ok(self.take(head)),
            (ContentLength::Missing, true) => Err(self.fail("no Content-Length")),
            (ContentLength::Bytes(_) | ContentLength::Malformed | ContentLength::Several, _) => {
                let frame = self.take(head);
                self.fail("unusable Content-Length");
                Ok(frame)
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<Frame> {
        if self.buffer.len() < length {
            return None;
        }
        self.searched = 0;
        self.wanted = None;
        Some(Frame::Message(self.buffer.split_to(length).freeze()))
    }

    fn fail(&mut self, why: &'static str) -> Unframed {
        self.buffer = BytesMut::new();
        *self.broken.insert(Unframed(why))
    }

    /// Drops what stands before a message; `true` for a whole ping.
    fn skip_keep_alive(&mut self) -> bool {
        loop {
            let skip = match &*self.buffer {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.buffer.advance(4);
                    return true;
                }
                // It may yet become a ping.
                [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return false,
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n' | b'\0', ..] => 1,
                _ => return false,
            };
            self.buffer.advance(skip);
        }
    }

    /// The length of start line, headers and empty line, once the empty line is there.
    fn head_length(&mut self) -> Option<usize> {
        loop {
            let rest = self.buffer.get(self.searched..)?;
            let feed = rest.iter().position(|b| *b == b'\n')?;
            let after = self.searched.saturating_add(feed).saturating_add(1);
            match self.buffer.get(after..).unwrap_or_default() {
                [b'\n', ..] => return Some(after.saturating_add(1)),
                [b'\r', b'\n', ..] => return Some(after.saturating_add(2)),
                // Undecided: look at this line feed again when more has come.
                [] | [b'\r'] => {
                    self.searched = after.saturating_sub(1);
                    return None;
                }
                _ => self.searched = after,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nl: 0\r\n\r\n";
    const MESSAGE: &[u8] = b"MESSAGE sip:a@b SIP/2.0\nContent-Length:\n 5\n\nhello";

    fn frames(framer: &mut Framer) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = framer.next_frame().unwrap() {
            frames.push(frame);
        }
        frames
    }

    fn message(bytes: &'static [u8]) -> Frame {
        Frame::Message(Bytes::from_static(bytes))
    }

    #[test]
    fn messages_are_cut_wherever_the_stream_is_cut() {
        let stream = [b"\r\n\r\n", OPTIONS, b"\r\n", MESSAGE, b"\r\n\r\n", OPTIONS].concat();
        let whole = [Frame::Ping, message(OPTIONS), message(MESSAGE), Frame::Ping, message(OPTIONS)];
        for size in 1..stream.len() {
            let mut framer = Framer::new();
            let mut seen = Vec::new();
            for piece in stream.chunks(size) {
                framer.push(piece);
                seen.extend(frames(&mut framer));
            }
            assert_eq!(seen, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn a_single_crlf_is_a_pong_and_no_frame() {
        let mut framer = Framer::new();
        framer.push(b"\r\n");
        assert_eq!(frames(&mut framer), []);
        framer.push(OPTIONS);
        assert_eq!(frames(&mut framer), [message(OPTIONS)]);
    }

    #[test]
    fn endless_headers_close_the_stream() {
        let mut framer = Framer::new();
        framer.push(b"OPTIONS sip:a@b SIP/2.0\r\nX: ");
        framer.push(&[b'a'; MAX_HEAD]);
        assert_eq!(framer.next_frame(), Err(Unframed("headers too long")));
        framer.push(OPTIONS);
        assert_eq!(framer.next_frame(), Err(Unframed("headers too long")));
    }

    #[test]
    fn an_unusable_length_is_answered_and_then_closes_the_stream() {
        for length in ["-999", "5\r\nl: 6", "99999999999999999999", "65537", "x", ""] {
            let mut framer = Framer::new();
            let head = format!("INVITE sip:a@b SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
            framer.push(head.as_bytes());
            framer.push(b"v=0\r\n");
            assert_eq!(framer.next_frame(), Ok(Some(Frame::Message(head.into()))), "{length}");
            assert_eq!(framer.next_frame(), Err(Unframed("unusable Content-Length")), "{length}");
        }
    }

    #[test]
    fn a_body_without_a_length_closes_the_stream() {
        let mut framer = Framer::new();
        framer.push(b"INVITE sip:a@b SIP/2.0\r\nc: application/sdp\r\n\r\nv=0\r\n");
        assert_eq!(framer.next_frame(), Err(Unframed("no Content-Length")));
    }

    #[test]
    fn a_message_without_body_and_length_is_let_pass() {
        let mut framer = Framer::new();
        framer.push(b"OPTIONS sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\n\r\n");
        assert_eq!(frames(&mut framer), [message(b"OPTIONS sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\n\r\n")]);
    }
}
