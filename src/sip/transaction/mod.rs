//! The transaction layer: one request and its responses, each seen once, whatever the network loses
//! or repeats (RFC 3261 §17 and §18, RFC 6026, RFC 3581).
//!
//! The four machines (`client_invite`, `client_other`, `server_invite`, `server_other`) know
//! states and times only; [`Transactions`] keeps the text, finds the machine that a message belongs
//! to and does what it answers. It never knows a dialog, and never decides what a request deserves,
//! apart from 100, 481 to a CANCEL without its INVITE, 482 to a merged request and 503 when full.
//!
//! Reading starts at [`Transactions::receive`].

mod answering;
mod client_invite;
mod client_other;
mod clients;
mod hop_by_hop;
#[cfg(test)]
mod ladder;
mod matching;
mod server_invite;
mod server_other;
mod servers;
#[cfg(test)]
mod tests;
mod timing;

use std::time::Instant;

use bytes::Bytes;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    header::BRANCH_COOKIE,
    hop::{FlowId, Hop},
    message::{Headers, Message, Request, Response, Status},
    parse::{self, ParseError},
    ua::{NoAnswer, UaSettings},
};
use clients::Clients;
use servers::{Answer, Servers};

/// A peer's request and our answers to it, while the transaction lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerTx(pub u64);

/// A request of ours and the answers to it, while the transaction lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientTx(pub u64);

/// What came of something, in order of happening.
#[derive(Debug)]
pub enum Happened {
    /// Bytes for the wire.
    Send { hop: Hop, bytes: Bytes },
    /// A new request. Retransmissions, ACKs for non-2xx answers and CANCELs stop below; an INVITE
    /// has been answered 100.
    Request { server: ServerTx, request: Request, hop: Hop },
    /// An ACK that belongs to no refused INVITE, so it is for a 2xx.
    Ack { request: Request, hop: Hop },
    /// A CANCEL for this INVITE, before any final answer; it has been answered 200. The user answers
    /// the INVITE 487. `reason` is the CANCEL's Reason header (RFC 3326).
    Cancel { server: ServerTx, reason: Option<String> },
    /// An answer to a request of ours: 101 to 199, the final one, and for an INVITE every 2xx that
    /// comes while the transaction is Accepted (RFC 6026 §7.2): retransmitted, or another fork's.
    Response { client: ClientTx, response: Response, hop: Hop },
    /// A response to us that matches no transaction, or a 2xx after the INVITE was refused.
    Stray { response: Response, hop: Hop },
    /// No final answer came, nor will one.
    NoAnswer { client: ClientTx, why: NoAnswer },
    /// An INVITE's server transaction is over, once for each. `acked` is false when nobody
    /// acknowledged our refusal (timer H); after a 2xx (timer L) it is true and says nothing, since
    /// the ACK for a 2xx is the user's to await.
    ServerEnded { server: ServerTx, acked: bool },
}

/// What a status means to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// 100 to 199.
    Provisional,
    /// 200 to 299.
    Success,
    /// 300 to 699.
    Failure,
}

impl Class {
    fn of(status: Status) -> Self {
        if status.is_provisional() {
            Self::Provisional
        } else if status.is_success() {
            Self::Success
        } else {
            Self::Failure
        }
    }
}

/// All transactions of this process.
#[derive(Debug)]
pub struct Transactions {
    clients: Clients,
    servers: Servers,
    rng: ChaCha8Rng,
    happened: Vec<Happened>,
}

impl Transactions {
    /// `rng` makes branches, tags and whatever [`Transactions::token`] is used for.
    pub fn new(settings: &UaSettings, rng: ChaCha8Rng) -> Self {
        Self { clients: Clients::new(settings), servers: Servers::new(settings), rng, happened: Vec::new() }
    }

    /// A datagram, or one whole message cut from a stream.
    pub fn receive(&mut self, hop: Hop, bytes: &[u8], now: Instant) {
        if !answering::is_answerable(hop.remote) {
            return;
        }
        match parse::message(bytes) {
            Ok(Message::Request(request)) => self.servers.receive(request, hop, now, &mut self.happened),
            Ok(Message::Response(response)) => self.clients.receive(response, hop, now, &mut self.happened),
            Err(ParseError::Answer(response)) => answering::answer_unread(*response, hop, &mut self.happened),
            Err(ParseError::Drop(_)) => {}
        }
    }

    /// A message could not be sent there: every client transaction that waits on that hop fails, or
    /// goes back from TCP to UDP where only its size had sent it over TCP (RFC 3261 §18.1.1).
    pub fn send_failed(&mut self, hop: Hop, now: Instant) {
        self.clients.send_failed(hop, now, &mut self.happened);
    }

    /// A stream connection is gone. Client transactions on it fail; answers to requests that came on
    /// it go to a new connection (RFC 3261 §18.2.2).
    pub fn flow_closed(&mut self, flow: FlowId, now: Instant) {
        self.clients.flow_closed(flow, now, &mut self.happened);
        self.servers.flow_closed(flow);
    }

    /// When [`Transactions::deadline_passed`] is wanted next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.clients.deadline(), self.servers.deadline()].into_iter().flatten().min()
    }

    /// Lets every machine whose deadline is not after `now` do what is due.
    pub fn deadline_passed(&mut self, now: Instant) {
        self.clients.deadline_passed(now, &mut self.happened);
        self.servers.deadline_passed(now, &mut self.happened);
    }

    /// All that happened since the last time, in order.
    pub fn take(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    /// Sends a request and starts its transaction. Adds the Via, and Max-Forwards 70 where it is
    /// missing. More than 1300 bytes go over TCP instead of UDP where the settings allow it. With an
    /// unknown listener in `hop` it ends at once by [`NoAnswer::Transport`].
    pub fn request(&mut self, request: Request, hop: Hop, now: Instant) -> ClientTx {
        let branch = self.branch();
        self.clients.request(request, hop, &branch, now, &mut self.happened)
    }

    /// Sends an ACK for a 2xx: a branch of its own, no transaction (RFC 3261 §13.2.2.4).
    pub fn ack(&mut self, request: Request, hop: Hop) {
        let branch = self.branch();
        self.clients.ack(request, hop, &branch, &mut self.happened);
    }

    /// Cancels an INVITE that had no final answer yet (RFC 3261 §9.1): waits for its first
    /// provisional response. The INVITE ends by its final answer, mostly 487, or 64·T1 after the
    /// CANCEL by [`NoAnswer::TimedOut`]. `headers` go into the CANCEL (Reason).
    pub fn cancel(&mut self, client: ClientTx, headers: Headers, now: Instant) {
        self.clients.cancel(client, headers, now, &mut self.happened);
    }

    /// Answers a request. Via, From, To, Call-ID and CSeq come from the request, Record-Route too
    /// where the answer makes a dialog; `to_tag` is added where the To has none. Does nothing when
    /// the transaction is gone or had its final answer. A 2xx to an INVITE is sent once: see
    /// [`Transactions::retransmit_2xx`].
    #[expect(clippy::too_many_arguments, reason = "each is one part of the response")]
    pub fn respond(
        &mut self,
        server: ServerTx,
        status: Status,
        reason: Option<&str>,
        to_tag: &str,
        headers: Headers,
        body: Vec<u8>,
        now: Instant,
    ) {
        let answer = Answer { status, reason, to_tag, headers, body };
        self.servers.respond(server, answer, now, &mut self.happened);
    }

    /// Sends the 2xx to an INVITE again; its timer is the user's (RFC 3261 §13.3.1.4).
    pub fn retransmit_2xx(&mut self, server: ServerTx, now: Instant) {
        self.servers.retransmit_2xx(server, now, &mut self.happened);
    }

    /// 64 random bits in hex, for a tag or a Call-ID, from the generator handed in.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    fn branch(&mut self) -> String {
        format!("{BRANCH_COOKIE}{:016x}", self.rng.next_u64())
    }
}
