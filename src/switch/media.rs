//! What the switch asks of the media room, and what it hears back. Every command that can fail has a
//! fact that reports it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    call::machine::Prompt,
    desk::ticket::{RecordingReport, TicketId},
    rtp::stream::Stream,
};

/// One leg's place in the media room: a pair of ports. Given out by the switch, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaId(pub u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCommand {
    /// Bind an RTP and an RTCP port (even, odd) on the configured address of that family.
    /// Answered by `Opened` or `Refused`.
    Open {
        media: MediaId,
        ipv6: bool,
    },
    /// What the peer agreed to. Unlocks the source; may come again at any time (re-INVITE).
    Describe {
        media: MediaId,
        stream: Stream,
    },
    /// Relay between the two, both ways, and record: `left` is the outside party's channel, `right` the
    /// desk's. A later `Join` with the same ticket goes on with its recording.
    /// Answered by `Joined` or `JoinRefused` (also when the recording could not be started: then
    /// `Joined` follows `RecordingFailed`, and the call goes on).
    Join {
        left: MediaId,
        right: MediaId,
        record: Option<RecordOrder>,
    },
    /// Relay early media from `from` to `to`, without recording.
    Pass {
        from: MediaId,
        to: MediaId,
    },
    /// Play a prompt once to that leg's peer. Answered by `Played`, also when it cannot be played.
    Play {
        media: MediaId,
        prompt: Prompt,
    },
    StopPlaying {
        media: MediaId,
    },
    /// Ends the ticket's recording. Answered by `Recorded` or `RecordingFailed`.
    StopRecording {
        ticket: TicketId,
    },
    /// Unbind. Whatever joined it is parted. Nothing answers.
    Close {
        media: MediaId,
    },
}

/// Where a recording goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordOrder {
    pub ticket: TicketId,
    /// Relative to the recordings folder, without `.part`: `2026/11/23/20261123-0007.wav`.
    pub path: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaFact {
    /// The address to put into SDP.
    Opened {
        media: MediaId,
        rtp: SocketAddr,
    },
    /// No ports left, or the socket could not be made; in words.
    Refused {
        media: MediaId,
        why: String,
    },
    Joined {
        left: MediaId,
        right: MediaId,
    },
    JoinRefused {
        left: MediaId,
        right: MediaId,
        why: String,
    },
    Played {
        media: MediaId,
    },
    /// RFC 4733, once per press, on the first packet that ends it or, failing that, on the next event.
    Digit {
        media: MediaId,
        digit: char,
    },
    /// No RTP for this long from a joined, not held leg; once per silence.
    Silent {
        media: MediaId,
        since: Duration,
    },
    /// RTP came again after `Silent`.
    Heard {
        media: MediaId,
    },
    /// The file is closed under its final name.
    Recorded {
        ticket: TicketId,
        report: RecordingReport,
    },
    /// There is no file, or not all of it could be written; in words. With a report, what there is of it.
    RecordingFailed {
        ticket: TicketId,
        report: Option<RecordingReport>,
        why: String,
    },
}
