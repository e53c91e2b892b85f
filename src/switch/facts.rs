//! What SIP and media report, sorted: to the call it concerns, or to the edge.

use super::{
    Moment, Output, Switch,
    leg::{Leg, PortState, RecordingState},
    media::{MediaCommand, MediaFact, MediaId, PlayId},
    trunk,
};
use crate::{
    call::{
        machine::{Event, Feature, LegIndex},
        plan::{self, Target},
        prompt::{Repeat, Sound},
        staffing::Reach,
    },
    desk::{
        number::Number,
        ticket::{TicketId, Unanswered},
    },
    rtp::{
        srtp::{MasterKey, Suite},
        stream::{Codec, Stream, StreamKeys},
    },
    sip::{
        message::{Headers, Method, Status},
        offer::{self, Agreed, AudioCodec, Local},
        sdes::{self, Master},
        sdp::{self, Session},
        ua::{Ended, Fact, InviteRefused, NoAnswer, UsageId},
        uri::Uri,
    },
};

impl Switch {
    pub(super) fn sip_fact(&mut self, fact: Fact, now: Moment) {
        match fact {
            Fact::Invited { usage, request, hop, offer } => self.invited(usage, &request, hop, offer, now),
            Fact::Requested { server, request, hop } => self.requested(server, &request, hop, now),
            Fact::Responded { client, response } => self.answered(client, Some(&response), now),
            Fact::Unanswered { client, why: _ } => self.answered(client, None, now),
            Fact::Cancelled { usage } => self.usage_over(usage, now),
            Fact::Ended { usage, how } => {
                if matches!(how, Ended::NoAck | Ended::SessionExpired | Ended::Gone)
                    && let Some((ticket, leg)) = self.place(usage)
                    && let Some(call) = self.calls.get_mut(&ticket)
                {
                    call.log.lost(leg.0, now.wall);
                    self.touched.insert(ticket);
                }
                self.usage_over(usage, now);
            }
            Fact::Acked { usage, answer } => {
                if let Some(answer) = answer {
                    self.agreed(usage, &answer, now);
                }
            }
            Fact::OfferAnswered { usage, answer } => self.agreed(usage, &answer, now),
            Fact::Progress { usage, status, sdp } => self.progress(usage, status, sdp.as_deref()),
            Fact::Answered { usage, response: _, sdp } => self.leg_answered(usage, sdp.as_deref(), now),
            Fact::Refused { usage, why } => self.leg_refused(usage, &why, now),
            Fact::Offered { usage, offer } => self.offered(usage, offer.as_deref(), now),
            // The session goes on as it was.
            Fact::OfferRefused { usage: _, status: _ } => {}
            Fact::Info { usage, content_type, body } => self.info(usage, &content_type, &body),
            Fact::Resubscribed { subscription } => self.resubscribed(subscription, now),
            Fact::Notified { subscription } => self.notified(subscription),
            Fact::SubscriptionOver { subscription } => self.subscription_over(subscription),
            Fact::InDialog { usage, server, request } => {
                if request.method == Method::Refer {
                    self.referred(usage, server, &request, now);
                } else {
                    self.respond(server, Status::DECLINE, Headers::new(), now);
                }
            }
        }
    }

    fn place(&self, usage: UsageId) -> Option<(TicketId, LegIndex)> {
        self.usages.get(&usage).copied()
    }

    fn leg_mut(&mut self, ticket: TicketId, leg: LegIndex) -> Option<&mut Leg> {
        self.calls.get_mut(&ticket)?.legs.get_mut(&leg).map(Box::as_mut)
    }

    /// A dialog that was up, or the caller's attempt, is gone.
    fn usage_over(&mut self, usage: UsageId, now: Moment) {
        let Some((ticket, leg)) = self.usages.remove(&usage) else {
            self.service_over(usage, now);
            return;
        };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        if leg == LegIndex::CALLER {
            call.caller.over = true;
        } else if let Some(leg) = call.legs.get_mut(&leg) {
            leg.branches.iter_mut().filter(|b| b.usage == usage).for_each(|b| b.over = true);
        }
        self.events.push_back((ticket, Event::HungUp { leg }));
    }

    fn progress(&mut self, usage: UsageId, status: Status, sdp: Option<&[u8]>) {
        let Some((ticket, index)) = self.place(usage) else { return };
        let Some(leg) = self.leg_mut(ticket, index) else { return };
        if let Some(agreed) = sdp.and_then(|sdp| leg.sdp.agreed(sdp)) {
            leg.agreed = Some(agreed);
            self.describe(ticket, index);
            self.events.push_back((ticket, Event::EarlyMedia { leg: index }));
        }
        let rings = matches!(status.code(), 180 | 182 | 183);
        if let Some(leg) = self.leg_mut(ticket, index).filter(|leg| rings && !leg.rang) {
            leg.rang = true;
            self.own_number_taken(ticket, index);
            self.events.push_back((ticket, Event::Ringing { leg: index }));
        }
    }

    fn leg_answered(&mut self, usage: UsageId, sdp: Option<&[u8]>, now: Moment) {
        let Some((ticket, index)) = self.place(usage) else {
            return self.ua.hang_up(usage, None, now.mono);
        };
        let Some(leg) = self.leg_mut(ticket, index) else { return };
        let agreed = sdp.and_then(|sdp| leg.sdp.agreed(sdp)).or(leg.agreed);
        let Some(agreed) = agreed.filter(|_| leg.chosen.is_none()) else {
            // Nothing to talk with, or another contact of the same phone was quicker.
            leg.blame(Unanswered::Fault, Some(488));
            self.drop_branch(ticket, index, usage, now);
            return;
        };
        leg.agreed = Some(agreed);
        leg.chosen = Some(usage);
        let others: Vec<UsageId> =
            leg.branches.iter().filter(|b| !b.over && b.usage != usage).map(|b| b.usage).collect();
        for other in others {
            // Another place of the same phone has it, which shows no missed call then (RFC 3326).
            self.ua.hang_up(other, Some(COMPLETED_ELSEWHERE.to_owned()), now.mono);
            self.branch_over(ticket, index, other);
        }
        self.describe(ticket, index);
        self.own_number_taken(ticket, index);
        self.events.push_back((ticket, Event::Answered { leg: index }));
    }

    /// Gives up one of a leg's attempts; the leg itself is over when it was the last.
    fn drop_branch(&mut self, ticket: TicketId, index: LegIndex, usage: UsageId, now: Moment) {
        self.ua.hang_up(usage, None, now.mono);
        self.branch_over(ticket, index, usage);
    }

    pub(super) fn branch_over(&mut self, ticket: TicketId, index: LegIndex, usage: UsageId) {
        self.usages.remove(&usage);
        let Some(leg) = self.leg_mut(ticket, index) else { return };
        leg.branches.iter_mut().filter(|b| b.usage == usage).for_each(|b| b.over = true);
        if leg.is_over() && leg.chosen.is_none() {
            let why = leg.reason.clone().map_or(Unanswered::Fault, |(why, _)| why);
            self.events.push_back((ticket, Event::Unanswered { leg: index, why }));
        }
    }

    fn leg_refused(&mut self, usage: UsageId, why: &InviteRefused, now: Moment) {
        let Some((ticket, index)) = self.place(usage) else { return };
        let is_phone = |leg: &Leg| matches!(leg.target, Target::Phone(_));
        let Some(leg) = self.leg_mut(ticket, index) else { return };
        let (reason, status) = match why {
            InviteRefused::Answer { response, .. } => {
                (reason_of(response.status, is_phone(leg), leg.rang), Some(response.status.code()))
            }
            InviteRefused::Cancelled => (Unanswered::NotNeeded, Some(487)),
            InviteRefused::NoAnswer(NoAnswer::TimedOut) if leg.rang => (Unanswered::NoAnswer, Some(408)),
            InviteRefused::NoAnswer(NoAnswer::TimedOut | NoAnswer::Transport) => {
                (Unanswered::Unreachable, None)
            }
        };
        leg.blame(reason, status);
        let (target, rang) = (leg.target.clone(), leg.rang);
        if let (InviteRefused::NoAnswer(_), false) = (why, rang) {
            self.doubt(&target, usage, now);
        }
        if let InviteRefused::Answer { response, contacts } = why
            && response.status.is_redirection()
            && let Some(to) = self.redirection(&target, contacts, now)
        {
            self.leg_moves_on(ticket, index, now);
            self.events.push_back((ticket, Event::Redirected { leg: index, to }));
            return;
        }
        if let InviteRefused::Answer { response, .. } = why
            && self.tries_own_number(ticket, index, usage, response.status, now)
        {
            return;
        }
        let unserved = match why {
            InviteRefused::Answer { response, .. } => (500..600).contains(&response.status.code()),
            InviteRefused::NoAnswer(_) => true,
            InviteRefused::Cancelled => false,
        };
        if unserved && !rang && self.invite_next_way(ticket, index, now) {
            self.usages.remove(&usage);
            if let Some(leg) = self.leg_mut(ticket, index) {
                leg.branches.iter_mut().filter(|b| b.usage == usage).for_each(|b| b.over = true);
            }
            return;
        }
        self.branch_over(ticket, index, usage);
    }

    /// The whole leg goes elsewhere: its other contacts need not ring any longer.
    fn leg_moves_on(&mut self, ticket: TicketId, index: LegIndex, now: Moment) {
        let Some(leg) = self.leg_mut(ticket, index) else { return };
        let open: Vec<UsageId> = leg.branches.iter().filter(|b| !b.over).map(|b| b.usage).collect();
        leg.branches.iter_mut().for_each(|b| b.over = true);
        for usage in open {
            self.usages.remove(&usage);
            self.ua.hang_up(usage, None, now.mono);
        }
    }

    /// Nobody answered at all: look at once whether the phone or the trunk is still there.
    pub(super) fn doubt(&mut self, target: &Target, usage: UsageId, now: Moment) {
        let remote = self.ua.remote(usage);
        match target {
            Target::Phone(phone) => {
                let hops: Vec<_> = self.registrar.targets(phone).into_iter().map(|(_, hop)| hop).collect();
                for hop in hops.into_iter().filter(|hop| Some(hop.remote) == remote) {
                    self.registrar.doubted(hop, now);
                }
            }
            Target::Mobile { .. } | Target::Outside(_) => {
                let at = |trunk: &trunk::Trunk| trunk.server().is_some() && trunk.server() == remote;
                if let Some(index) = self.trunks.iter().position(at) {
                    self.trunk_hears(index, trunk::Event::Doubted, now);
                }
            }
        }
    }

    /// Where a 302 leads, if the house allows it: a desk phone, a duty mobile, or a number that desk
    /// phones may dial. Only a desk phone may redirect.
    fn redirection(&mut self, from: &Target, contacts: &[Uri], now: Moment) -> Option<Target> {
        let Target::Phone(phone) = from else { return None };
        // A redirection outside is a call out of that phone, and counts as one (`decisions.md` 11).
        let capped = self.over_cap(phone, now);
        let to = contacts.iter().find_map(|uri| {
            let number = super::incoming::number_of(uri)?;
            if self.house.phones.iter().any(|phone| phone.name == number) {
                return Some(Target::Phone(number));
            }
            if let Some(mobile) = self.house.mobiles.iter().find(|m| *m.number.reveal() == number) {
                return Some(Target::Mobile {
                    name: mobile.name.clone(),
                    number: mobile.number.clone(),
                    needs_key: mobile.needs_key,
                    trunk: mobile.trunk.clone(),
                });
            }
            (!capped && plan::may_dial(&self.house, &number)).then(|| Target::Outside(Number::new(number)))
        });
        if let Some(Target::Outside(_)) = to {
            self.calls_out.entry(phone.clone()).or_default().push_back(now.mono);
        }
        to
    }

    /// A digit by SIP INFO, in either of the two usual forms.
    fn info(&mut self, usage: UsageId, content_type: &str, body: &[u8]) {
        let Some((ticket, leg)) = self.place(usage) else { return };
        let text = String::from_utf8_lossy(body);
        let digit = match content_type.split(';').next().map(str::trim) {
            Some("application/dtmf-relay") => text
                .lines()
                .find_map(|line| line.trim().strip_prefix("Signal")?.trim_start().strip_prefix('='))
                .and_then(|value| value.trim().chars().next()),
            Some("application/dtmf") => text.trim().chars().next(),
            Some(_) | None => None,
        };
        if let Some(digit) = digit.filter(|d| matches!(d, '0'..='9' | '*' | '#' | 'A'..='D')) {
            self.events.push_back((ticket, Event::Digit { leg, digit }));
        }
    }

    /// The peer changes the session: hold, resume, another codec or address. Each side of a call is
    /// answered here and now; the other side need not know.
    fn offered(&mut self, usage: UsageId, offer: Option<&[u8]>, now: Moment) {
        let Some((ticket, index)) = self.place(usage) else {
            return self.ua.refuse_offer(usage, Status::CALL_DOES_NOT_EXIST, now.mono);
        };
        let session = match offer.map(sdp::read) {
            None => None,
            Some(Ok(session)) => Some(session),
            Some(Err(_)) => return self.ua.refuse_offer(usage, Status::NOT_ACCEPTABLE_HERE, now.mono),
        };
        let Some((ours, address)) = self.our_side(ticket, index) else {
            return self.ua.refuse_offer(usage, Status::NOT_ACCEPTABLE_HERE, now.mono);
        };
        let both = sdp::Direction::SendRecv;
        let (bytes, agreed) = match &session {
            None => (ours.say(address, |local| offer::offer(local, &CODECS, both)), None),
            Some(session) => match offer::answer(session, &ours.local(address), &CODECS, both) {
                Ok((_, agreed)) => {
                    let write = |local: &Local| {
                        offer::answer(session, local, &CODECS, both).map(|(b, _)| b).unwrap_or_default()
                    };
                    (ours.say(address, write), Some(agreed))
                }
                Err(_) => return self.ua.refuse_offer(usage, Status::NOT_ACCEPTABLE_HERE, now.mono),
            },
        };
        self.ua.answer_offer(usage, bytes, now.mono);
        if let Some(agreed) = agreed {
            self.set_agreed(ticket, index, agreed, now);
        }
    }

    /// The peer answered an offer of ours.
    fn agreed(&mut self, usage: UsageId, answer: &[u8], now: Moment) {
        let Some((ticket, index)) = self.place(usage) else { return };
        let agreed = self.our_side(ticket, index).and_then(|(ours, _)| ours.agreed(answer));
        match agreed {
            Some(agreed) => self.set_agreed(ticket, index, agreed, now),
            // An answer that fits no offer of ours: there is nothing to talk with.
            None => {
                self.ua.hang_up(usage, None, now.mono);
                self.usage_over(usage, now);
            }
        }
    }

    fn set_agreed(&mut self, ticket: TicketId, index: LegIndex, agreed: Agreed, now: Moment) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let before = if index == LegIndex::CALLER {
            call.caller.agreed.replace(agreed)
        } else {
            call.legs.get_mut(&index).and_then(|leg| leg.agreed.replace(agreed))
        };
        let held = |agreed: &Agreed| !agreed.peer_receives;
        let was_held = before.as_ref().is_some_and(held);
        if held(&agreed) != was_held {
            call.log.held(index.0, held(&agreed), now.wall);
            self.touched.insert(ticket);
            let feature = match held(&agreed) {
                true => Feature::Held { leg: index },
                false => Feature::Resumed { leg: index },
            };
            self.events.push_back((ticket, Event::Feature(feature)));
        }
        self.describe(ticket, index);
        if index == LegIndex::CALLER {
            self.caller_agreed(ticket);
        }
    }

    pub(super) fn media_fact(&mut self, fact: MediaFact, now: Moment) {
        match fact {
            MediaFact::Opened { media, rtp } => self.ports_known(media, PortState::Open(rtp), now),
            MediaFact::Refused { media, why: _ } => self.ports_known(media, PortState::Refused, now),
            MediaFact::Joined { left, right } => {
                if let Some((ticket, leg)) = self.dialled_of(left, right) {
                    if let Some(call) = self.calls.get_mut(&ticket) {
                        call.met = true;
                    }
                    self.events.push_back((ticket, Event::Joined { leg }));
                }
            }
            MediaFact::JoinRefused { left, right, why: _ } => {
                if let Some((ticket, leg)) = self.dialled_of(left, right) {
                    self.never_joined(ticket);
                    self.events.push_back((ticket, Event::JoinFailed { leg }));
                }
            }
            MediaFact::Played { media, play } => {
                if !self.service_played(media, play, now) {
                    self.played(media, play, |leg| Event::Played { leg });
                }
            }
            MediaFact::PlayFailed { media, play, why: _ } => {
                if !self.service_played(media, play, now) {
                    self.played(media, play, |leg| Event::PlayFailed { leg });
                }
            }
            MediaFact::Spoke { media } => {
                if let Some((ticket, leg)) = self.media.get(&media).copied() {
                    self.events.push_back((ticket, Event::Spoke { leg }));
                }
            }
            MediaFact::Quiet { media } => {
                if let Some((ticket, leg)) = self.media.get(&media).copied() {
                    self.events.push_back((ticket, Event::Quiet { leg }));
                }
            }
            MediaFact::Digit { media, digit } => {
                if let Some((ticket, leg)) = self.media.get(&media).copied() {
                    self.events.push_back((ticket, Event::Digit { leg, digit }));
                }
            }
            MediaFact::Silent { media, since } => self.heard(media, Some(since), now),
            MediaFact::Heard { media } => self.heard(media, None, now),
            MediaFact::Dead { media, since } => self.dead(media, since, now),
            MediaFact::Recorded { ticket, report } => self.recorded(ticket, Some(report), None, now),
            MediaFact::RecordingFailed { ticket, report, why } => {
                self.recorded(ticket, report, Some(why), now)
            }
        }
    }

    /// A join was refused: where nobody had been joined before, there is nothing to record either.
    fn never_joined(&mut self, ticket: TicketId) {
        if let Some(call) = self.calls.get_mut(&ticket)
            && !call.met
            && call.recording == RecordingState::Running
        {
            call.recording = RecordingState::NotAsked;
            call.joined = None;
        }
    }

    /// Of two joined legs, the one that is new.
    fn dialled_of(&self, left: MediaId, right: MediaId) -> Option<(TicketId, LegIndex)> {
        let places = [left, right].map(|media| self.media.get(&media).copied());
        let (ticket, _) = places.into_iter().flatten().next()?;
        let newcomer = self.calls.get(&ticket)?.newcomer?;
        places.into_iter().flatten().find(|(_, leg)| *leg == newcomer)
    }

    fn heard(&mut self, media: MediaId, silent: Option<std::time::Duration>, now: Moment) {
        let Some((ticket, leg)) = self.media.get(&media).copied() else { return };
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.log.silent(leg.0, silent, now.wall);
            self.touched.insert(ticket);
            if silent.is_some() {
                call.silent.insert(leg);
                self.tell_silence(ticket, leg);
            } else {
                call.silent.remove(&leg);
            }
        }
        self.end_dead_phones(now);
    }

    /// The operator cannot hear that the line is dead; a tone says so. Nothing that plays is cut short for it.
    fn tell_silence(&mut self, ticket: TicketId, silent: LegIndex) {
        let Some(call) = self.calls.get(&ticket).filter(|_| self.settings.silence_tone) else { return };
        let desk = if silent == LegIndex::CALLER {
            let talks = |leg: &Leg| leg.chosen.is_some() && !leg.is_over();
            let at_desk = |leg: &Leg| matches!(leg.target, Target::Phone(_));
            let found = call.legs.iter().find(|(_, leg)| talks(leg) && at_desk(leg));
            found.map(|(index, leg)| (*index, leg.ports.media))
        } else {
            call.caller.phone.is_some().then_some((LegIndex::CALLER, call.caller.ports.media))
        };
        if let Some((index, media)) = desk.filter(|(index, _)| !call.playing.contains_key(index)) {
            debug_assert_ne!(index, silent);
            self.last_play += 1;
            let play = PlayId(self.last_play);
            let (sounds, repeat) = (vec![Sound::Beep], Repeat::Once);
            self.out.push(Output::Media(MediaCommand::Play { media, play, sounds, repeat }));
        }
    }

    /// Nobody is there any more, and nobody said goodbye.
    fn dead(&mut self, media: MediaId, since: std::time::Duration, now: Moment) {
        let Some((ticket, _)) = self.media.get(&media).copied() else { return };
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.log.no_media(since, now.wall);
            self.touched.insert(ticket);
            self.events.push_back((ticket, Event::EndOrdered));
        }
    }

    /// Ends the legs of phones that died in a call: they answer no question and send no voice.
    pub(super) fn end_dead_phones(&mut self, now: Moment) {
        let is_dead = |phone: &str| matches!(self.registrar.reach(phone), Reach::Unreachable { .. });
        let mut over = Vec::new();
        for (ticket, call) in &self.calls {
            for index in &call.silent {
                let (phone, usage) = if *index == LegIndex::CALLER {
                    (call.caller.phone.as_deref(), (!call.caller.over).then_some(call.caller.usage))
                } else {
                    let leg = call.legs.get(index);
                    let phone = leg.and_then(|leg| match &leg.target {
                        Target::Phone(phone) => Some(phone.as_str()),
                        Target::Mobile { .. } | Target::Outside(_) => None,
                    });
                    (phone, leg.and_then(|leg| leg.chosen))
                };
                if let (Some(phone), Some(usage)) = (phone, usage)
                    && is_dead(phone)
                    && self.usages.contains_key(&usage)
                {
                    over.push((*ticket, *index, usage));
                }
            }
        }
        for (ticket, index, usage) in over {
            if let Some(call) = self.calls.get_mut(&ticket) {
                call.log.lost(index.0, now.wall);
                self.touched.insert(ticket);
            }
            self.ua.hang_up(usage, None, now.mono);
            self.usage_over(usage, now);
        }
    }

    fn ports_known(&mut self, media: MediaId, state: PortState, now: Moment) {
        if self.service_ports(media, state, now) {
            return;
        }
        let Some((ticket, index)) = self.media.get(&media).copied() else { return };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        if index == LegIndex::CALLER {
            call.caller.ports.state = state;
            return self.grant_wishes(ticket, now);
        }
        let Some(leg) = call.legs.get_mut(&index) else { return };
        leg.ports.state = state;
        match state {
            PortState::Open(_) => {
                if !self.answer_incoming(ticket, index, now) {
                    self.send_invites(ticket, index, now);
                }
            }
            PortState::Refused => {
                self.events.push_back((ticket, Event::Unanswered { leg: index, why: Unanswered::Fault }))
            }
            PortState::Asked => {}
        }
    }
}

/// Tells a phone that somebody else took the call (RFC 3326).
pub(super) const COMPLETED_ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// What we can talk, in the order of our liking.
pub(super) const CODECS: [AudioCodec; 3] = AudioCodec::ALL;

/// The peer's favourite among the codecs that we know.
pub(super) fn favourite(offer: &Session) -> Option<AudioCodec> {
    let audio = offer.audio.as_ref().ok()?;
    audio.payloads.iter().find_map(|payload| {
        CODECS.into_iter().find(|codec| codec.encoding().eq_ignore_ascii_case(&payload.encoding))
    })
}

/// Why a leg did not answer, from its final status.
fn reason_of(status: Status, phone: bool, rang: bool) -> Unanswered {
    match status.code() {
        486 | 600 => Unanswered::Busy,
        // A redirection that the house does not allow ends here: the phone does not take the call.
        603 | 300..=399 => Unanswered::Declined,
        // A registered phone that says 480 is in do-not-disturb; a network says it of a mobile that is off.
        480 if phone => Unanswered::Declined,
        408 if rang => Unanswered::NoAnswer,
        487 => Unanswered::NotNeeded,
        488 | 606 | 401 | 403 | 407 => Unanswered::Fault,
        _ => Unanswered::Unreachable,
    }
}

/// What the media room must know of an agreement.
pub(super) fn stream_of(agreed: &Agreed) -> Stream {
    Stream {
        remote: agreed.remote,
        remote_rtcp: agreed.remote_rtcp,
        codec: match agreed.codec {
            AudioCodec::Pcma => Codec::Pcma,
            AudioCodec::Pcmu => Codec::Pcmu,
            AudioCodec::G722 => Codec::G722,
        },
        payload_type: agreed.payload_type,
        telephone_event: agreed.telephone_event,
        ptime_ms: agreed.ptime_ms,
        peer_receives: agreed.peer_receives,
        peer_sends: agreed.peer_sends,
        keys: agreed.keys.map(|keys| StreamKeys {
            ours: master_key(keys.suite, keys.ours),
            theirs: master_key(keys.suite, keys.theirs),
        }),
    }
}

fn master_key(suite: sdes::Suite, Master(bytes): Master) -> MasterKey {
    let suite = match suite {
        sdes::Suite::AesCm128HmacSha1_80 => Suite::AesCm128HmacSha1_80,
        sdes::Suite::AesCm128HmacSha1_32 => Suite::AesCm128HmacSha1_32,
    };
    let (mut key, mut salt) = ([0; 16], [0; 14]);
    let (first, rest) = bytes.split_at(key.len());
    key.copy_from_slice(first);
    salt.copy_from_slice(rest);
    MasterKey { suite, key, salt }
}
