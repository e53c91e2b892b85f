//! INVITEs of ours that had their final answer a while ago: a 2xx that comes again must be
//! acknowledged again, and one of another fork hung up, long after the usage went on or ended.
//! Each is kept for 64·T1 (RFC 6026 §8.4), without its body.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use super::Credentials;
use crate::sip::{
    dialog::{from_tag, to_tag},
    hop::Hop,
    message::{HeaderName, Headers, Request, Response},
};

/// More forks than this accept one INVITE only in an attack; further ones get no ACK.
const FORKS: usize = 16;

/// Call-ID, our tag, CSeq number.
type Name = (String, String, u32);

#[derive(Debug)]
struct Past {
    invite: Request,
    credentials: Option<Credentials>,
    /// The ACK sent to each peer tag, and where.
    acks: Vec<(String, Request, Hop)>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// A tree, as a table would keep the room of its busiest hour.
    past: BTreeMap<Name, Past>,
    /// In order of time: each entry is made with the same life.
    until: VecDeque<(Instant, Name)>,
}

/// What is known of a 2xx.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) invite: Request,
    pub(crate) credentials: Option<Credentials>,
    /// The ACK that this peer had before.
    pub(crate) ack: Option<(Request, Hop)>,
}

impl Memory {
    /// Keeps an ACK that was sent: peer tag, ACK, and where it went.
    pub(crate) fn acknowledged(
        &mut self,
        invite: &Request,
        until: Instant,
        credentials: Option<&Credentials>,
        ack: (String, Request, Hop),
    ) {
        if let Some(past) = self.entry(invite, until, credentials)
            && past.acks.len() < FORKS
        {
            // Hardly ever a second one.
            past.acks.reserve_exact(1);
            past.acks.push(ack);
        }
    }

    /// Keeps an INVITE that found no dialog.
    pub(crate) fn failed(&mut self, invite: &Request, until: Instant, credentials: Option<&Credentials>) {
        self.entry(invite, until, credentials);
    }

    fn entry(
        &mut self,
        invite: &Request,
        until: Instant,
        credentials: Option<&Credentials>,
    ) -> Option<&mut Past> {
        let name = name(&invite.headers)?;
        if !self.past.contains_key(&name) {
            self.until.push_back((until, name.clone()));
        }
        Some(self.past.entry(name).or_insert_with(|| Past {
            invite: Request { body: Vec::new(), ..invite.clone() },
            credentials: credentials.cloned(),
            acks: Vec::new(),
        }))
    }

    /// What is known of this 2xx; `None` for a stranger's.
    pub(crate) fn find(&self, response: &Response) -> Option<Found> {
        let past = self.past.get(&name(&response.headers)?)?;
        let tag = to_tag(&response.headers).unwrap_or_default();
        let ack = past.acks.iter().find(|(known, _, _)| *known == tag);
        if ack.is_none() && past.acks.len() >= FORKS {
            return None;
        }
        Some(Found {
            invite: past.invite.clone(),
            credentials: past.credentials.clone(),
            ack: ack.map(|(_, ack, hop)| (ack.clone(), *hop)),
        })
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.until.front().map(|(at, _)| *at)
    }

    pub(crate) fn forget(&mut self, now: Instant) {
        while self.until.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, name)) = self.until.pop_front() {
                self.past.remove(&name);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.past.is_empty() && self.until.is_empty()
    }
}

fn name(headers: &Headers) -> Option<Name> {
    let call_id = headers.get(&HeaderName::CallId)?.to_owned();
    Some((call_id, from_tag(headers), headers.cseq()?.number))
}
