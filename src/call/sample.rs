//! The house that this room's tests live in: the defaults of `domain.md`, two phones, two mobiles; no
//! notice, queue or voicemail, which those switch on that are about them.

use std::time::Duration;

use super::house::{
    AtFlag, AwayRules, CallingOut, Encryption, Forwarding, House, LeaveTo, Mobile, MobileOrder, Notice,
    NoticeAt, Phone, Queue, Rings, StarCodes, Voicemail,
};
use crate::desk::{number::Number, rota::Rota};

pub(super) fn house() -> House {
    let s = Duration::from_secs;
    House {
        company: "东湖物业".into(),
        hotlines: vec!["4001234567".into()],
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
            hourly_cap: 30,
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

pub(super) fn phone(name: &str) -> Phone {
    Phone { name: name.into(), lines: 1, hotline: true, srtp: Encryption::Off }
}

pub(super) fn mobile(name: &str, number: &str) -> Mobile {
    Mobile { name: name.into(), number: Number::new(number.into()), needs_key: true, trunk: None }
}
