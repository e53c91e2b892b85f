//! What the switch asks of the media room, and what it hears back. Every command that can fail has a
//! fact that reports it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    call::prompt::{Repeat, Sound},
    desk::ticket::{RecordingReport, TicketId},
    rtp::stream::Stream,
};

/// One leg's place in the media room: a pair of ports. Given out by the switch, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaId(pub u64);

/// One `Play` order. Given out by the switch, never reused, so that the end of one is never taken for the
/// end of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayId(pub u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCommand {
    /// Bind an RTP and an RTCP port (even, odd) on the configured address of that family.
    /// Answered by `Opened` or `Refused`.
    Open { media: MediaId, ipv6: bool },
    /// What the peer agreed to. Unlocks the source; may come again at any time (re-INVITE).
    Describe { media: MediaId, stream: Stream },
    /// Relay between the two, both ways, and record: `left` is the outside party's channel, `right` the
    /// desk's. A later `Join` with the same ticket goes on with its recording.
    /// Answered by `Joined` or `JoinRefused` (also when the recording could not be started: then
    /// `Joined` follows `RecordingFailed`, and the call goes on).
    Join { left: MediaId, right: MediaId, record: Option<RecordOrder> },
    /// Relay early media from `from` to `to`, without recording.
    Pass { from: MediaId, to: MediaId },
    /// Play these one after the other to that leg's peer, in place of what is being played there, which is
    /// not answered any more. Answered by `Played` at the end (never, where it repeats), or by
    /// `PlayFailed` where nothing of it can be played; single sounds that can't are left out.
    Play { media: MediaId, play: PlayId, sounds: Vec<Sound>, repeat: Repeat },
    /// Nothing answers.
    StopPlaying { media: MediaId },
    /// Record what comes from that leg on the left channel from now on, the right one silent. Answered by
    /// `RecordingFailed` where it cannot be, later by `Spoke` and `Quiet`.
    Record { media: MediaId, record: RecordOrder, watch: SpeechWatch },
    /// Ends the ticket's recording. Answered by `Recorded` or `RecordingFailed`.
    StopRecording { ticket: TicketId },
    /// Ends the ticket's recording and keeps nothing of it. Answered only where it cannot be deleted, by
    /// `RecordingFailed`.
    DiscardRecording { ticket: TicketId },
    /// Unbind. Whatever joined it is parted. Nothing answers.
    Close { media: MediaId },
}

/// Where a recording goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordOrder {
    pub ticket: TicketId,
    /// Relative to the recordings folder, without `.part`: `2026/11/23/20261123-0007.wav`.
    pub path: PathBuf,
}

/// What to tell of the speech on a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeechWatch {
    /// So much speech in all: `Spoke`, once.
    pub enough: Duration,
    /// No speech for so long: `Quiet`, once a silence, within a second.
    pub quiet_after: Duration,
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
        play: PlayId,
    },
    /// Nothing of it could be played; in words.
    PlayFailed {
        media: MediaId,
        play: PlayId,
        why: String,
    },
    /// There was enough speech on a leg that is recorded alone.
    Spoke {
        media: MediaId,
    },
    /// No speech for long on a leg that is recorded alone.
    Quiet {
        media: MediaId,
    },
    /// RFC 4733, once per press, on the first packet that ends it or, failing that, on the next event;
    /// without telephone-event, heard in the audio.
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
    /// Nothing has come for this long from this joined leg and its other side, and neither is held.
    Dead {
        media: MediaId,
        since: Duration,
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
