//! Calls of desk phones to star codes: each has one dialog, one pair of ports and a
//! [`crate::call::service::Service`]. They are no contacts, so they have no ticket.

use std::time::Instant;

use super::{
    Moment, Output, Switch,
    leg::{OurSdp, PortState},
    media::{MediaCommand, MediaId, PlayId},
};
use crate::{
    call::{
        prompt::Repeat,
        service::{Action, Deed, Event, Service, Surroundings, Wish},
        staffing::staffing,
    },
    sip::{
        hop::Hop,
        message::{Headers, Status},
        offer, sdp,
        sdp::Session,
        ua::UsageId,
    },
};

/// Calls to star codes at once: every phone of a large office. One more hears 503.
const MOST: usize = 64;

/// One call to a star code.
#[derive(Debug)]
pub(super) struct ServiceCall {
    machine: Service,
    phone: String,
    usage: UsageId,
    offer: Session,
    sdp: OurSdp,
    /// What was ordered last, until it was played.
    playing: Option<PlayId>,
}

impl ServiceCall {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.machine.deadline()
    }
}

impl Switch {
    /// What that number of a phone asks for, if it is a star code.
    pub(super) fn wish(&self, number: &str) -> Option<Wish> {
        Wish::read(&self.house.star_codes, number)
    }

    pub(super) fn start_service(
        &mut self,
        usage: UsageId,
        phone: String,
        wish: Wish,
        offer: Option<Session>,
        hop: Hop,
        now: Moment,
    ) {
        let Some(offer) = offer.filter(|_| self.services.len() < MOST) else {
            // Phones offer; what does not is none.
            return self.ua.refuse(usage, Status::SERVICE_UNAVAILABLE, Headers::new(), now.mono);
        };
        let staffing = staffing(&self.house, now.wall, self.away.as_ref(), &self.phone_states());
        let away = self.is_away(now);
        let mobiles =
            || staffing.mobiles.iter().map(|mobile| mobile.number.reveal().clone()).take(1).collect();
        let on_duty = if away || staffing.desk.is_empty() { mobiles() } else { staffing.desk.clone() };
        let last_call = self.last_calls.get(&phone).copied();
        let machine = Service::start(wish, Surroundings { last_call, on_duty, away }, now.mono);
        self.last_media += 1;
        let media = MediaId(self.last_media);
        let sdp = self.sdp_for(&phone, hop);
        self.out.push(Output::Media(MediaCommand::Open { media, ipv6: hop.remote.is_ipv6() }));
        self.services.insert(media, ServiceCall { machine, phone, usage, offer, sdp, playing: None });
    }

    /// Its ports are open, or there are none; false where they are no service's.
    pub(super) fn service_ports(&mut self, media: MediaId, state: PortState, now: Moment) -> bool {
        let Some(service) = self.services.get_mut(&media) else { return false };
        let PortState::Open(address) = state else {
            let usage = service.usage;
            self.services.remove(&media);
            self.ua.refuse(usage, Status::SERVICE_UNAVAILABLE, Headers::new(), now.mono);
            return true;
        };
        let both = sdp::Direction::SendRecv;
        let local = service.sdp.local(address);
        match offer::answer(&service.offer, &local, &super::facts::CODECS, both) {
            Ok((bytes, agreed)) => {
                service.sdp.sent = bytes.clone();
                self.ua.accept(service.usage, bytes, now.mono);
                let stream = super::facts::stream_of(&agreed);
                self.out.push(Output::Media(MediaCommand::Describe { media, stream }));
                self.service_hears(media, Event::Ready, now);
            }
            Err(_) => {
                self.ua.refuse(service.usage, Status::NOT_ACCEPTABLE_HERE, Headers::new(), now.mono);
                self.services.remove(&media);
                self.out.push(Output::Media(MediaCommand::Close { media }));
            }
        }
        true
    }

    /// Something was played, or cannot be; false where that is no service's.
    pub(super) fn service_played(&mut self, media: MediaId, play: PlayId, now: Moment) -> bool {
        let Some(service) = self.services.get_mut(&media) else { return false };
        if service.playing == Some(play) {
            service.playing = None;
            self.service_hears(media, Event::Played, now);
        }
        true
    }

    /// A dialog is over; false where it is no service's.
    pub(super) fn service_over(&mut self, usage: UsageId, now: Moment) -> bool {
        let found = self.services.iter().find(|(_, service)| service.usage == usage).map(|(media, _)| *media);
        let Some(media) = found else { return false };
        self.service_hears(media, Event::HungUp, now);
        true
    }

    /// What came of a deed that the store did.
    pub(super) fn deed_done(&mut self, media: MediaId, done: bool, now: Moment) {
        self.service_hears(media, if done { Event::Done } else { Event::Failed }, now);
    }

    pub(super) fn services_due(&mut self, now: Moment) {
        let due: Vec<MediaId> = self
            .services
            .iter()
            .filter(|(_, service)| service.machine.deadline().is_some_and(|at| at <= now.mono))
            .map(|(media, _)| *media)
            .collect();
        for media in due {
            self.service_hears(media, Event::DeadlinePassed, now);
        }
    }

    /// The daemon stops.
    pub(super) fn end_services(&mut self, now: Moment) {
        for media in self.services.keys().copied().collect::<Vec<_>>() {
            if let Some(service) = self.services.get(&media) {
                self.ua.hang_up(service.usage, None, now.mono);
            }
            self.service_hears(media, Event::HungUp, now);
        }
    }

    fn service_hears(&mut self, media: MediaId, event: Event, now: Moment) {
        let Some(service) = self.services.get_mut(&media) else { return };
        for action in service.machine.on(event, now.mono) {
            self.serve(media, action, now);
        }
    }

    fn serve(&mut self, media: MediaId, action: Action, now: Moment) {
        let Some(service) = self.services.get_mut(&media) else { return };
        match action {
            Action::Say(sounds) => {
                self.last_play += 1;
                let play = PlayId(self.last_play);
                service.playing = Some(play);
                let repeat = Repeat::Once;
                self.out.push(Output::Media(MediaCommand::Play { media, play, sounds, repeat }));
            }
            Action::Do(Deed::GoAway) => {
                let by = service.phone.clone();
                self.go_away(by, None, now);
                self.service_hears(media, Event::Done, now);
            }
            Action::Do(Deed::ComeBack) => {
                self.come_back(now);
                self.service_hears(media, Event::Done, now);
            }
            Action::Do(deed @ (Deed::MarkUrgent(_) | Deed::Tie(_))) => {
                self.out.push(Output::Deed { service: media, by: service.phone.clone(), deed });
            }
            Action::HangUp => self.ua.hang_up(service.usage, None, now.mono),
            Action::End => {
                self.services.remove(&media);
                self.out.push(Output::Media(MediaCommand::Close { media }));
            }
        }
    }
}
