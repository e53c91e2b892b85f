//! The house that scenarios happen in: the defaults of the office, two phones, two mobiles, one trunk;
//! no notice, queue or voicemail, which those switch on that are about them.

use std::{net::SocketAddr, time::Duration};

use hotlined::{
    call::house::{
        AtFlag, AwayRules, CallingOut, Encryption, Forwarding, House, LeaveTo, Mobile, MobileOrder, Notice,
        NoticeAt, Phone, Queue, Rings, StarCodes, Voicemail,
    },
    desk::{number::Number, rota::Rota},
    sip::{
        digest::Offered,
        hop::{Listener, ListenerId, Transport},
        offer::AudioCodec,
        subscription::Lifetime,
        ua::UaSettings,
    },
    switch::settings::{
        CallerIdentity, GuardSettings, Passwords, QualifySettings, RegistrarSettings, Server,
        SubscriptionSettings, SwitchSettings, TrunkKind, TrunkSettings, Voice,
    },
};

pub(crate) const HOTLINE: &str = "4001234567";
pub(crate) const US: &str = "192.0.2.1:5060";
pub(crate) const TRUNK: &str = "192.0.2.10:5060";

/// What a world is made of; scenarios change what they are about.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) house: House,
    pub(crate) settings: SwitchSettings,
    /// The phones that register before the ladder begins.
    pub(crate) registered: Vec<&'static str>,
    /// What the network does from then on.
    pub(crate) network: NetworkSettings,
    pub(crate) seed: u64,
}

/// What becomes of messages on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NetworkSettings {
    /// Of a hundred messages.
    pub(crate) lost: u32,
    /// Of a hundred messages.
    pub(crate) doubled: u32,
    /// Each message takes a time between these, so that they overtake each other.
    pub(crate) delay_ms: (u64, u64),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            house: house(),
            settings: settings(),
            registered: vec!["801", "802"],
            network: NetworkSettings { lost: 0, doubled: 0, delay_ms: (0, 0) },
            seed: 1,
        }
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn house() -> House {
    let s = seconds;
    House {
        company: "东湖物业".into(),
        hotlines: vec![HOTLINE.into()],
        rings: Rings { on: s(1), off: s(4), flag_after: 3, assumed_after: s(2) },
        phones: vec![phone("801"), phone("802")],
        mobiles: vec![mobile("duty1", "13800000001"), mobile("duty2", "13800000002")],
        rota: Rota { zone: Some(chrono_tz::Asia::Shanghai), ..Rota::default() },
        forwarding: Forwarding {
            at_flag: AtFlag::Also,
            order: MobileOrder::InOrder,
            desk_patience: s(60),
            mobile_patience: s(30),
            key_patience: s(12),
            accept_key: '1',
            refuse_key: '2',
            busy_patience: s(0),
            speak_number: false,
            loop_window: s(30),
        },
        notice: Notice { at: NoticeAt::Off, refuse_key: None },
        queue: Queue { care_every: s(30), sorry_after: s(30), leave_key: None, leave_to: LeaveTo::Mobile },
        voicemail: Voicemail { on: false, limit: s(180), quiet_after: s(10), enough_speech: s(1) },
        calling_out: CallingOut {
            allowed_prefixes: vec!["13".into(), "0".into()],
            hourly_cap: 3,
            emergency: vec!["110".into(), "119".into(), "120".into()],
            patience: s(60),
        },
        star_codes: star_codes(),
        away: AwayRules { key: "away".into(), until_end_of_shift: true },
        nobody_patience: s(20),
        redial_window: s(1800),
        transfer_patience: s(30),
        longest_call: s(4 * 3600),
    }
}

fn star_codes() -> StarCodes {
    StarCodes {
        pick_up: "*8".into(),
        away: "*71".into(),
        back: "*72".into(),
        urgent: "*73".into(),
        tie: "*75".into(),
        on_duty: "*76".into(),
    }
}

pub(crate) fn phone(name: &str) -> Phone {
    Phone { name: name.into(), lines: 1, hotline: true, srtp: Encryption::Off }
}

pub(crate) fn mobile(name: &str, number: &str) -> Mobile {
    Mobile { name: name.into(), number: Number::new(number.into()), needs_key: true, trunk: None }
}

/// Every phone of a world has this password.
pub(crate) fn password(phone: &str) -> String {
    format!("secret of {phone}")
}

pub(crate) fn passwords(house: &House) -> Passwords {
    Passwords(house.phones.iter().map(|phone| (phone.name.clone(), password(&phone.name))).collect())
}

pub(crate) fn ua(address: SocketAddr, product: &str) -> UaSettings {
    UaSettings {
        listeners: vec![Listener { id: ListenerId(0), transport: Transport::Udp, advertised: address }],
        product: product.to_owned(),
        t1: Duration::from_millis(500),
        t2: seconds(4),
        t4: seconds(5),
        session_expires: Some(seconds(1800)),
        min_se: seconds(90),
        tcp_fallback: false,
    }
}

fn settings() -> SwitchSettings {
    SwitchSettings {
        ua: ua(US.parse().unwrap(), "hotlined/test"),
        realm: "hotline.example".into(),
        registrar: RegistrarSettings {
            min_expires: seconds(60),
            max_expires: seconds(86_400),
            default_expires: seconds(3600),
            max_bindings: 3,
        },
        qualify: QualifySettings { interval: None, timeout: seconds(5) },
        subscriptions: SubscriptionSettings {
            lifetime: Lifetime { min: seconds(60), max: seconds(3600), default: seconds(3600) },
            per_phone: 8,
        },
        guard: GuardSettings {
            failures: 5,
            window: seconds(600),
            ban: seconds(900),
            nonce_lifetime: seconds(300),
            digest: Offered::Both,
        },
        trunks: vec![trunk("trunk", TRUNK)],
        voice: Voice::default(),
        silence_tone: true,
        key_networks: Vec::new(),
        number_block: 100,
        max_calls: 50,
    }
}

/// A trunk known by its address, never asked.
pub(crate) fn trunk(name: &str, address: &str) -> TrunkSettings {
    TrunkSettings {
        name: name.into(),
        kind: TrunkKind::Static,
        servers: vec![Server::Address(address.parse().unwrap())],
        transport: Transport::Udp,
        listener: ListenerId(0),
        domain: "carrier.example".into(),
        number: "02100001111".into(),
        credentials: None,
        sources: Vec::new(),
        qualify: None,
        hotline: Some(HOTLINE.into()),
        codecs: vec![AudioCodec::Pcma, AudioCodec::Pcmu],
        srtp: Encryption::Off,
        caller_identity: CallerIdentity::Asserted,
        diversion: true,
        user_to_user: false,
    }
}
