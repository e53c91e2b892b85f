//! A new INVITE: who sends it, what it wants, and which plan its call walks. Its ticket is opened here,
//! before anything else is done for the caller.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;

use super::{
    Moment, Notice, Output, Switch,
    caller::Reach,
    gate::Proof,
    leg::{CallerLeg, LiveCall, OurSdp, PortState, Ports, RecordingState},
    media::{MediaCommand, MediaId},
    outgoing::Caller,
};
use crate::{
    call::{
        house::Encryption,
        journal::Journal,
        machine::{Call, LegIndex},
        plan::{self, Plan, Target},
        staffing::staffing,
    },
    desk::{
        number::Number,
        ticket::{Direction, Opening, Outcome, TicketId, TicketLog},
        verdict::nothing_to_record,
    },
    sip::{
        header::Replaces,
        hop::{Hop, Transport},
        message::{HeaderName, Headers, Request, Status},
        offer::Agreed,
        sdes::{Master, OurKeys},
        sdp::{self, Profile, Session},
        ua::UsageId,
        uri::{NameAddr, Uri},
    },
};

/// Who sent an INVITE.
enum Sender {
    Trunk(String),
    Phone(String),
}

/// What an INVITE asks for.
enum Wish {
    /// The hotline, by this number.
    Hotline(String),
    Phone(String),
    Outside(String),
}

/// A call that passed the gate.
struct Arrival {
    usage: UsageId,
    hop: Hop,
    sender: Sender,
    caller: Caller,
    offer: Option<Session>,
    /// The call seems to be one of ours that came back.
    looped: bool,
    max_forwards: u8,
    /// Why it can't be taken at all.
    refused: Option<Status>,
}

impl Switch {
    pub(super) fn invited(
        &mut self,
        usage: UsageId,
        request: &Request,
        hop: Hop,
        offer: Option<Bytes>,
        now: Moment,
    ) {
        let Some(sender) = self.sender(usage, request, hop, now) else { return };
        let dialled = dialled(request);
        let wish = match (&sender, dialled) {
            (_, Some(number)) if self.is_hotline(&number) => Wish::Hotline(number),
            (Sender::Phone(_), Some(number)) if self.house.phones.iter().any(|p| p.name == number) => {
                Wish::Phone(number)
            }
            (Sender::Phone(_), Some(number)) => Wish::Outside(number),
            (Sender::Trunk(trunk), number) => {
                let to = request.headers.to().and_then(|to| number_of(&to.uri));
                let own = self.trunks.iter().find(|t| t.settings.name == *trunk);
                let own = own.and_then(|t| t.settings.hotline.clone());
                let known = to.filter(|to| self.is_hotline(to)).or(own);
                let Some(hotline) = known else {
                    let dialled = Number::new(number.unwrap_or_default());
                    self.out.push(Output::Notice(Notice::UnknownNumber { trunk: trunk.clone(), dialled }));
                    return self.ua.refuse(usage, Status::NOT_FOUND, Headers::new(), now.mono);
                };
                Wish::Hotline(hotline)
            }
            (Sender::Phone(_), None) => {
                return self.ua.refuse(usage, Status::ADDRESS_INCOMPLETE, Headers::new(), now.mono);
            }
        };
        let caller = match &sender {
            Sender::Trunk(_) => self.recognised(caller_of(request)),
            Sender::Phone(phone) => {
                Caller { number: Some(Number::new(phone.clone())), name: None, listed: None }
            }
        };
        let looped = self.came_back(request, &caller, now);
        let max_forwards = request.headers.max_forwards();
        let session = offer.as_deref().map(sdp::read);
        let refused = if self.leaving || self.calls.len() >= self.settings.max_calls {
            Some(Status::SERVICE_UNAVAILABLE)
        } else if max_forwards == 0 {
            // It has been around too often; whatever we would dial for it goes around again.
            Some(Status::TOO_MANY_HOPS)
        } else {
            match &session {
                Some(Err(_)) => Some(Status::BAD_REQUEST),
                Some(Ok(session)) if super::facts::favourite(session).is_none() => {
                    Some(Status::NOT_ACCEPTABLE_HERE)
                }
                Some(Ok(_)) | None => None,
            }
        };
        let session = session.and_then(Result::ok);
        if let (Sender::Phone(phone), None) = (&sender, refused) {
            let phone = phone.clone();
            let number = number_of(&request.uri).unwrap_or_default();
            let (wish, on) = (self.wish(&number), self.picks_up(&number));
            let replaces = request.headers.get(&HeaderName::Replaces);
            let special = wish.is_some() || on.is_some() || replaces.is_some();
            if special && session.as_ref().is_some_and(|offer| !self.is_fit(&phone, offer, hop)) {
                return self.ua.refuse(usage, Status::NOT_ACCEPTABLE_HERE, Headers::new(), now.mono);
            }
            if let Some(value) = replaces {
                // RFC 3891 §3: what cannot be read can't be replaced.
                return match Replaces::parse(value) {
                    Ok(replaces) => self.replaces(usage, phone, &replaces, session, hop, now),
                    Err(_) => self.ua.refuse(usage, Status::BAD_REQUEST, Headers::new(), now.mono),
                };
            }
            if let Some(wish) = wish {
                return self.start_service(usage, phone, wish, session, hop, now);
            }
            if let Some(on) = on {
                return self.pick_up(usage, phone, &on, session, hop, now);
            }
        }
        let arrival = Arrival { usage, hop, sender, caller, offer: session, looped, max_forwards, refused };
        match wish {
            Wish::Hotline(number) => self.hotline_call(arrival, &number, now),
            Wish::Phone(name) => {
                let plan = plan::internal(&self.house, name.clone());
                self.start_call(arrival, Direction::Internal, &name, plan, "", None, now);
            }
            Wish::Outside(number) => self.outside_call(arrival, number, now),
        }
    }

    /// Trunks are known by their address, phones by their password; everyone else gets a 401, which
    /// tells a stranger nothing.
    fn sender(&mut self, usage: UsageId, request: &Request, hop: Hop, now: Moment) -> Option<Sender> {
        let claims_phone = request.headers.from().and_then(|from| number_of(&from.uri));
        let claims_phone = claims_phone.is_some_and(|user| self.house.phones.iter().any(|p| p.name == user));
        let trunk = self.trunks.iter().find(|trunk| trunk.owns(hop.remote));
        if let Some(trunk) = trunk.filter(|_| !claims_phone) {
            return Some(Sender::Trunk(trunk.settings.name.clone()));
        }
        let headers = match self.gate.ask(request, hop.remote.ip(), now.mono) {
            Proof::Phone(phone) if self.house.phones.iter().any(|p| p.name == phone) => {
                return Some(Sender::Phone(phone));
            }
            Proof::Phone(_) => {
                self.ua.refuse(usage, Status::FORBIDDEN, Headers::new(), now.mono);
                return None;
            }
            Proof::Ask(headers) => headers,
            Proof::Wrong(headers) => {
                self.stranger(request, hop);
                headers
            }
            Proof::Banned => {
                self.out.push(Output::Notice(Notice::Banned { remote: hop.remote }));
                self.ua.refuse(usage, Status::FORBIDDEN, Headers::new(), now.mono);
                return None;
            }
        };
        self.ua.refuse(usage, Status::UNAUTHORIZED, headers, now.mono);
        None
    }

    pub(super) fn is_hotline(&self, number: &str) -> bool {
        let same = |ours: &str| bare(ours) == bare(number);
        self.house.hotlines.iter().any(|hotline| same(hotline))
            || self.trunks.iter().any(|trunk| same(&trunk.settings.number))
    }

    /// Whether this is a call that we forwarded, sent back to us by the carrier (`decisions.md` 9): it
    /// carries our token in User-to-User or Diversion, or it comes from a mobile that we have just begun to
    /// ring, or for the caller for whom we do. A Diversion alone proves nothing: numbers such as 400… are
    /// delivered by diverting them to us. Nor does the caller alone: who was forwarded, hung up and dials
    /// again is no loop.
    fn came_back(&self, request: &Request, caller: &Caller, now: Moment) -> bool {
        let marked = [HeaderName::UserToUser, HeaderName::Diversion];
        if marked.iter().any(|name| request.headers.all(name).any(|value| value.contains(&self.token))) {
            return true;
        }
        let Some(number) = caller.number.as_ref().map(|number| bare(number.reveal())) else { return false };
        let window = self.house.forwarding.loop_window;
        self.calls.values().any(|call| {
            let first = call.caller.caller.number.as_ref().map(|first| bare(first.reveal()));
            call.legs.values().any(|leg| match &leg.target {
                Target::Mobile { number: mobile, .. } => {
                    let rings = leg.chosen.is_none() && !leg.is_over();
                    let fresh = now.mono.saturating_duration_since(leg.dialled) <= window;
                    rings && fresh && (bare(mobile.reveal()) == number || first == Some(number))
                }
                Target::Phone(_) | Target::Outside(_) => false,
            })
        })
    }

    /// Which extension's ringing call that number picks up; empty: any.
    fn picks_up(&self, number: &str) -> Option<String> {
        let code = Some(&self.house.star_codes.pick_up).filter(|code| !code.is_empty())?;
        let rest = number.strip_prefix(code.as_str())?;
        let known = rest.is_empty() || self.house.phones.iter().any(|phone| phone.name == rest);
        known.then(|| rest.to_owned())
    }

    /// The call that a phone has put on hold: what it dials meanwhile is a consultation about it.
    fn asked_about(&self, phone: &str) -> Option<TicketId> {
        let held = |agreed: Option<&Agreed>| agreed.is_some_and(|agreed| !agreed.peer_receives);
        let holds = |call: &LiveCall| {
            let calling = call.caller.phone.as_deref() == Some(phone);
            calling && !call.caller.over && held(call.caller.agreed.as_ref())
                || call.legs.values().any(|leg| {
                    let theirs = matches!(&leg.target, Target::Phone(name) if name == phone);
                    theirs && !leg.is_over() && held(leg.agreed.as_ref())
                })
        };
        self.calls.iter().rev().find(|(_, call)| holds(call)).map(|(ticket, _)| *ticket)
    }

    fn hotline_call(&mut self, arrival: Arrival, hotline: &str, now: Moment) {
        let mut staffing = staffing(&self.house, now.wall, self.away.as_ref(), &self.phone_states());
        if let Sender::Phone(own) = &arrival.sender {
            // A desk phone that tries the hotline does not ring itself.
            staffing.ring.retain(|phone| phone != own);
        }
        let plan = plan::hotline(&self.house, &staffing, arrival.looped);
        let words = staffing.words.clone();
        self.start_call(arrival, Direction::Hotline, hotline, plan, &words, Some(&staffing), now);
    }

    fn outside_call(&mut self, arrival: Arrival, number: String, now: Moment) {
        let Sender::Phone(phone) = &arrival.sender else { return };
        let phone = phone.clone();
        let emergency = plan::is_emergency(&self.house, &number);
        let refused = if !plan::may_dial(&self.house, &number) {
            Some("not an allowed number")
        } else if !emergency && self.over_cap(&phone, now) {
            Some("too many calls in this hour")
        } else {
            None
        };
        if let Some(why) = refused {
            let notice = Notice::NotAllowed { phone, dialled: Number::new(number), why: why.to_owned() };
            self.out.push(Output::Notice(notice));
            return self.ua.refuse(arrival.usage, Status::FORBIDDEN, Headers::new(), now.mono);
        }
        self.calls_out.entry(phone).or_default().push_back(now.mono);
        let plan = plan::outside(&self.house, Number::new(number.clone()), None);
        self.start_call(arrival, Direction::Out, &number, plan, "", None, now);
    }

    pub(super) fn over_cap(&mut self, phone: &str, now: Moment) -> bool {
        const HOUR: Duration = Duration::from_secs(3600);
        let made = self.calls_out.entry(phone.to_owned()).or_default();
        while made.front().is_some_and(|at| now.mono.saturating_duration_since(*at) >= HOUR) {
            made.pop_front();
        }
        made.len() >= usize::try_from(self.house.calling_out.hourly_cap).unwrap_or(usize::MAX)
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where everything about a new call meets")]
    fn start_call(
        &mut self,
        arrival: Arrival,
        direction: Direction,
        dialled: &str,
        plan: Plan,
        desk_state: &str,
        staffing: Option<&crate::call::staffing::Staffing>,
        now: Moment,
    ) {
        let ticket = self.numbers.next(now.wall.date_naive(), now.ms_of_day());
        let Arrival { usage, hop, sender, caller, offer, looped, max_forwards, refused } = arrival;
        let wish = match &sender {
            Sender::Trunk(name) => {
                let trunk = self.trunks.iter().find(|trunk| trunk.settings.name == *name);
                trunk.map_or(Encryption::Off, |trunk| trunk.settings.srtp)
            }
            Sender::Phone(name) => self.encryption_of(name),
        };
        let encryption = self.encryption_on(wish, hop.transport, hop.remote);
        let unfit = offer.as_ref().is_some_and(|offer| !fits(offer, encryption));
        let refused = refused.or(unfit.then_some(Status::NOT_ACCEPTABLE_HERE));
        let (trunk, phone) = match sender {
            Sender::Trunk(name) => (Some(name), None),
            Sender::Phone(name) => (None, Some(name)),
        };
        let window = self.house.redial_window;
        let redial_of = match (&caller.number, direction) {
            (Some(number), Direction::Hotline) if phone.is_none() && !looped => {
                self.redials.called(number, ticket, window, now.mono)
            }
            (Some(_) | None, Direction::Hotline | Direction::Out | Direction::Internal) => None,
        };
        let part_of = phone.as_deref().and_then(|phone| self.asked_about(phone));
        let mut log = TicketLog::open(Opening {
            id: ticket,
            direction,
            caller: caller.number.clone(),
            caller_name: caller.name.clone(),
            caller_phone: phone.clone(),
            dialled: Number::new(dialled.to_owned()),
            trunk,
            received: now.wall,
            shift: staffing.and_then(|s| s.shift.clone()),
            operator: staffing.and_then(|s| s.operator.clone()),
            desk_state: desk_state.to_owned(),
            call_id: self.ua.call_id(usage).unwrap_or_default().to_owned(),
            redial_of,
            part_of,
        });
        self.traces(ticket, usage);
        if let Some(listed) = &caller.listed {
            log.recognised(listed, now.wall);
        }
        if let Some(status) = refused {
            // Said at once, and with a trace on the ticket.
            let mut headers = Headers::new();
            if status == Status::SERVICE_UNAVAILABLE {
                headers.push(HeaderName::RetryAfter, "10");
            }
            self.ua.refuse(usage, status, headers, now.mono);
            self.out.push(Output::Journal { ticket, journal: None });
            log.outcome(Outcome::Refused, None, now.wall);
            log.ended(now.wall);
            log.recorded(None, nothing_to_record(log.ticket().outcome), now.wall);
            return self.save(&mut log);
        }
        let ports = self.open_ports(ticket, LegIndex::CALLER, hop.remote.is_ipv6());
        let sdp = OurSdp { encryption: encryption.unwrap_or(Encryption::Off), ..self.our_sdp() };
        let (machine, actions) = Call::start(plan.clone(), now.mono);
        self.usages.insert(usage, (ticket, LegIndex::CALLER));
        let call = LiveCall {
            machine: Some(machine),
            started: now.mono,
            journal: Journal::new(plan, &actions),
            deadline: None,
            log,
            direction,
            caller: CallerLeg {
                usage,
                caller,
                phone,
                offer,
                ports,
                sdp,
                answer: None,
                agreed: None,
                accepted: false,
                reach: Reach::NotAsked,
                over: false,
            },
            legs: std::collections::BTreeMap::new(),
            wishes: Vec::new(),
            playing: std::collections::BTreeMap::new(),
            recording: RecordingState::NotAsked,
            joined: None,
            dialled: dialled.to_owned(),
            max_forwards,
            all_busy: staffing.is_some_and(|s| s.all_busy),
            silent: std::collections::BTreeSet::new(),
            pending: None,
            transfer: None,
            sides: None,
            newcomer: None,
            met: false,
        };
        self.calls.insert(ticket, call);
        self.touched.insert(ticket);
        self.perform(ticket, actions, now);
        self.note_deadline(ticket);
    }

    /// Says that this dialog's messages belong to the ticket, before any of ours goes out.
    pub(super) fn traces(&mut self, ticket: TicketId, usage: UsageId) {
        let call_id = self.ua.call_id(usage).unwrap_or_default().to_owned();
        self.out.push(Output::Trace { ticket, call_id });
    }

    pub(super) fn our_sdp(&mut self) -> OurSdp {
        // RFC 4566 §5.2 wants a number that is unlike others; 53 bits fit every reader.
        OurSdp {
            session_id: rand::RngExt::random::<u64>(&mut self.chance) >> 11,
            version: 1,
            sent: Bytes::new(),
            keys: OurKeys { sha1_80: self.master(), sha1_32: self.master() },
            encryption: Encryption::Off,
        }
    }

    fn master(&mut self) -> Master {
        let mut master = [0; 30];
        rand::Rng::fill_bytes(&mut self.chance, &mut master);
        Master(master)
    }

    /// What of a wish for SRTP can be had on that way: keys travel in the SDP, so only where nobody reads
    /// along (`decisions.md` 15). `None`: it must be encrypted, and cannot be.
    pub(super) fn encryption_on(
        &self,
        wish: Encryption,
        transport: Transport,
        remote: SocketAddr,
    ) -> Option<Encryption> {
        let private = transport == Transport::Tls
            || self.settings.key_networks.iter().any(|network| network.contains(remote));
        match wish {
            Encryption::Off => Some(Encryption::Off),
            Encryption::Optional if private => Some(Encryption::Optional),
            Encryption::Optional => Some(Encryption::Off),
            Encryption::Required => private.then_some(Encryption::Required),
        }
    }

    /// What the house wants of that phone.
    pub(super) fn encryption_of(&self, phone: &str) -> Encryption {
        self.house.phones.iter().find(|p| p.name == phone).map_or(Encryption::Off, |phone| phone.srtp)
    }

    /// Our side of the session with a phone that calls from there.
    pub(super) fn sdp_for(&mut self, phone: &str, hop: Hop) -> OurSdp {
        let wish = self.encryption_of(phone);
        let encryption = self.encryption_on(wish, hop.transport, hop.remote).unwrap_or(Encryption::Off);
        OurSdp { encryption, ..self.our_sdp() }
    }

    /// Whether that phone's offer from there keeps to what the house wants of it.
    fn is_fit(&self, phone: &str, offer: &Session, hop: Hop) -> bool {
        fits(offer, self.encryption_on(self.encryption_of(phone), hop.transport, hop.remote))
    }

    /// Asks the media room for a leg's ports.
    pub(super) fn open_ports(&mut self, ticket: TicketId, leg: LegIndex, ipv6: bool) -> Ports {
        self.last_media += 1;
        let media = MediaId(self.last_media);
        self.media.insert(media, (ticket, leg));
        self.out.push(Output::Media(MediaCommand::Open { media, ipv6 }));
        Ports { media, state: PortState::Asked }
    }
}

/// Whether an offer can be answered as its sender's leg must be.
fn fits(offer: &Session, encryption: Option<Encryption>) -> bool {
    let audio = || offer.audio.iter().chain(&offer.alternatives);
    match encryption {
        Some(Encryption::Off) => audio().any(|audio| audio.profile == Profile::Plain),
        Some(Encryption::Optional) => true,
        Some(Encryption::Required) => audio().any(|audio| !audio.crypto.is_empty()),
        None => false,
    }
}

/// The number that an INVITE dials.
fn dialled(request: &Request) -> Option<String> {
    number_of(&request.uri)
}

/// The user of a SIP URI, or a `tel:` URI's number: unescaped, without parameters and separators.
pub(super) fn number_of(uri: &Uri) -> Option<String> {
    let plain = uri.user()?;
    let plain = plain.split(';').next().unwrap_or_default();
    let is_number = plain.chars().all(|c| c.is_ascii_digit() || "+-.() *#".contains(c));
    let number =
        if is_number { plain.chars().filter(|c| !"-.() ".contains(*c)).collect() } else { plain.to_owned() };
    (!number.is_empty()).then_some(number)
}

/// Who calls over a trunk: P-Asserted-Identity before From (RFC 3325), nobody where it is withheld.
fn caller_of(request: &Request) -> Caller {
    let asserted = request.headers.all(&HeaderName::PAssertedIdentity).find_map(|v| NameAddr::parse(v).ok());
    let Some(who) = asserted.or_else(|| request.headers.from()) else {
        return Caller { number: None, name: None, listed: None };
    };
    let private = request.headers.all(&HeaderName::Privacy).any(|v| {
        v.split([';', ',']).any(|word| {
            matches!(word.trim().to_ascii_lowercase().as_str(), "id" | "user" | "header" | "full")
        })
    });
    let number = number_of(&who.uri).filter(|n| !private && !n.eq_ignore_ascii_case("anonymous"));
    let name = who.display.filter(|name| number.is_some() && !name.is_empty());
    Caller { number: number.map(Number::new), name, listed: None }
}

/// A number without country code and leading zeros, to compare what carriers write differently.
pub(super) fn bare(number: &str) -> &str {
    let number = number.strip_prefix("+86").or_else(|| number.strip_prefix("0086")).unwrap_or(number);
    number.trim_start_matches('0')
}
