//! The house rules (`house.toml`). Reading starts at [`Rules`].

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::{
    reader::{Table, one_of},
    secret::Secret,
    trunk::{ENCRYPTION, dialable},
};
use crate::{
    call::{
        house::{
            AtFlag, AwayRules, CallingOut, Encryption, Forwarding, House, LeaveTo, Mobile, MobileOrder,
            Notice, NoticeAt, Phone, Queue, Rings, StarCodes, Voicemail,
        },
        prompt::{PROMPTS, Prompt},
    },
    desk::{
        number::Number,
        office::Office,
        retention::Retention,
        risk::Weights,
        rota::{Change, Exception, Rota, Shift},
    },
};

/// What `house.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    pub house: House,
    /// Each phone's password, in the order of the phones.
    pub passwords: Vec<(String, Secret)>,
    /// File names, relative to the daemon's prompts folder; each prompt has one.
    pub prompts: BTreeMap<Prompt, PathBuf>,
    /// How the desk works.
    pub office: Office,
    /// How long recordings stay.
    pub retention: Retention,
    /// Music for those who wait; `None`: a soft tone.
    pub comfort: Option<PathBuf>,
    /// What makes a call worth hearing.
    pub risk: Weights,
}

/// Reads the whole file; faults are noted in the table.
pub(super) fn read(mut top: Table<'_>) -> Rules {
    let company = top.required("company", "the company's name");
    let hotlines = read_hotlines(&mut top);
    let zone = top.parsed("timezone", "a time zone such as \"Asia/Shanghai\"", |text| text.parse().ok());
    let nobody_patience = top.seconds("nobody_patience_seconds", 0.0..=600.0, Duration::from_secs(20));
    let transfer_patience = top.seconds("transfer_patience_seconds", 1.0..=600.0, Duration::from_secs(30));
    let longest_call = top.seconds("longest_call_seconds", 60.0..=86_400.0, Duration::from_secs(4 * 3600));
    let redial_window = top.seconds("redial_seconds", 0.0..=86_400.0, Duration::from_secs(1800));
    let rings = read_rings(top.table("rings"));
    let (phones, passwords) = read_phones(&mut top, &hotlines);
    let mobiles = read_mobiles(&mut top);
    if phones.is_empty() && mobiles.is_empty() {
        top.wrong("phones", "at least one phone or mobile", "neither");
    }
    let shifts = read_shifts(&mut top, &phones, &mobiles);
    let exceptions = read_exceptions(&mut top, &shifts, &phones, &mobiles);
    let forwarding = read_forwarding(top.table("forwarding"));
    let calling_out = read_calling_out(top.table("calling_out"));
    let away = read_away(top.table("away"));
    let star_codes = read_star_codes(top.table("star_codes"), &phones);
    let notice = read_notice(top.table("notice"));
    let queue = read_queue(top.table("queue"));
    let voicemail = read_voicemail(top.table("voicemail"));
    let (prompts, comfort) = read_prompts(top.table("prompts"));
    let retention = read_retention(top.table("retention"));
    let office = super::office::read(&mut top, zone.unwrap_or(Tz::Asia__Shanghai));
    let risk = super::risk::read(top.table("risk"));
    top.close();
    let rota = Rota { zone: Some(zone.unwrap_or(Tz::Asia__Shanghai)), shifts, exceptions };
    let house = House {
        company,
        hotlines,
        rings,
        phones,
        mobiles,
        rota,
        forwarding,
        notice,
        queue,
        voicemail,
        calling_out,
        away,
        star_codes,
        nobody_patience,
        redial_window,
        transfer_patience,
        longest_call,
    };
    Rules { house, passwords, prompts, comfort, office, retention, risk }
}

fn read_hotlines(top: &mut Table<'_>) -> Vec<String> {
    let hotlines = top.list("hotlines", "a number such as \"4001234567\"", dialable);
    if hotlines.as_ref().is_none_or(Vec::is_empty) {
        top.wrong("hotlines", "at least one number", "none");
    }
    let mut hotlines = hotlines.unwrap_or_default();
    let count = hotlines.len();
    let mut seen = Vec::new();
    hotlines.retain(|number| {
        let new = !seen.contains(number);
        seen.push(number.clone());
        new
    });
    if hotlines.len() < count {
        top.wrong("hotlines", "each number once", "one twice");
    }
    hotlines
}

fn read_rings(mut table: Table<'_>) -> Rings {
    let rings = Rings {
        on: table.seconds("on_seconds", 0.1..=60.0, Duration::from_secs(1)),
        off: table.seconds("off_seconds", 0.1..=60.0, Duration::from_secs(4)),
        flag_after: table.whole("flag_after", 1..=100, 3),
        assumed_after: table.seconds("assumed_after_seconds", 0.0..=60.0, Duration::from_secs(2)),
    };
    table.close();
    rings
}

fn read_phones(top: &mut Table<'_>, hotlines: &[String]) -> (Vec<Phone>, Vec<(String, Secret)>) {
    let mut phones: Vec<Phone> = Vec::new();
    let mut passwords = Vec::new();
    for mut table in top.tables("phones").unwrap_or_default() {
        let name = read_name(&mut table, "an extension such as \"801\"");
        if phones.iter().any(|phone| phone.name == name) && !name.is_empty() {
            table.wrong("name", "a name that no other phone has", format_args!("{name:?}"));
        }
        if hotlines.contains(&name) {
            table.wrong("name", "an extension that is no hotline", format_args!("{name:?}"));
        }
        let password = table.required_secret("password");
        let lines = table.whole("lines", 1..=u32::MAX, 1);
        let hotline = table.flag("hotline", true);
        let srtp = table.choice("srtp", &ENCRYPTION, Encryption::Off);
        table.close();
        passwords.push((name.clone(), password));
        phones.push(Phone { name, lines, hotline, srtp });
    }
    (phones, passwords)
}

fn read_mobiles(top: &mut Table<'_>) -> Vec<Mobile> {
    let mut mobiles: Vec<Mobile> = Vec::new();
    for mut table in top.tables("mobiles").unwrap_or_default() {
        let name = table.required("name", "a name such as \"duty1\"");
        if mobiles.iter().any(|mobile| mobile.name == name) && !name.is_empty() {
            table.wrong("name", "a name that no other mobile has", format_args!("{name:?}"));
        }
        let number = "a number such as \"13800000000\"";
        if !table.has("number") {
            table.wrong("number", number, "nothing");
        }
        let number = table.parsed("number", number, |text| {
            let digits = text.strip_prefix('+').unwrap_or(text);
            (digits.len() >= 3 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
        });
        let needs_key = table.flag("needs_key", true);
        let trunk = table.text("trunk");
        table.close();
        mobiles.push(Mobile { name, number: Number::new(number.unwrap_or_default()), needs_key, trunk });
    }
    mobiles
}

fn read_shifts(top: &mut Table<'_>, phones: &[Phone], mobiles: &[Mobile]) -> Vec<Shift> {
    let phones: Vec<&str> = phones.iter().map(|phone| phone.name.as_str()).collect();
    let mobiles: Vec<&str> = mobiles.iter().map(|mobile| mobile.name.as_str()).collect();
    let a_phone = format!("the name of a phone{}", one_of(&phones));
    let a_mobile = format!("the name of a mobile{}", one_of(&mobiles));
    let mut shifts: Vec<Shift> = Vec::new();
    for mut table in top.tables("shifts").unwrap_or_default() {
        let name = table.required("name", "a name such as \"early\"");
        if shifts.iter().any(|shift| shift.name == name) && !name.is_empty() {
            table.wrong("name", "a name that no other shift has", format_args!("{name:?}"));
        }
        let days = table.list("days", &one_of_days(), |word| {
            DAYS.iter().find(|(known, _)| *known == word).map(|(_, day)| *day)
        });
        if days.as_ref().is_some_and(Vec::is_empty) {
            table.wrong("days", "at least one day", "none");
        }
        let mut days = days.unwrap_or_else(|| DAYS.iter().map(|(_, day)| *day).collect());
        days.sort_by_key(Weekday::num_days_from_monday);
        days.dedup();
        let from = read_time(&mut table, "from");
        let to = read_time(&mut table, "to");
        let operator = table.text("operator");
        let known = |names: &[&str], name: &str| names.contains(&name).then(|| name.to_owned());
        let on_phones = table.list("phones", &a_phone, |name| known(&phones, name)).unwrap_or_default();
        let on_mobiles = table.list("mobiles", &a_mobile, |name| known(&mobiles, name)).unwrap_or_default();
        table.close();
        shifts.push(Shift { name, days, from, to, operator, phones: on_phones, mobiles: on_mobiles });
    }
    shifts
}

/// `[[exceptions]]`: days on which a shift is off, or others are on duty.
fn read_exceptions(
    top: &mut Table<'_>,
    shifts: &[Shift],
    phones: &[Phone],
    mobiles: &[Mobile],
) -> Vec<Exception> {
    let shifts: Vec<&str> = shifts.iter().map(|shift| shift.name.as_str()).collect();
    let phones: Vec<&str> = phones.iter().map(|phone| phone.name.as_str()).collect();
    let mobiles: Vec<&str> = mobiles.iter().map(|mobile| mobile.name.as_str()).collect();
    let known = |names: &[&str], name: &str| names.contains(&name).then(|| name.to_owned());
    let mut exceptions = Vec::new();
    for mut table in top.tables("exceptions").unwrap_or_default() {
        if !table.has("from") {
            table.wrong("from", A_DATE, "nothing");
        }
        let from = read_date(&mut table, "from");
        let to = read_date(&mut table, "to").or(from);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            table.wrong("to", "a date not before from", "an earlier one");
        }
        let a_shift = format!("the name of a shift{}", one_of(&shifts));
        let shift = table.parsed("shift", &a_shift, |name| known(&shifts, name));
        let off = table.flag("off", false);
        let operator = table.text("operator");
        let a_phone = format!("the name of a phone{}", one_of(&phones));
        let on_phones = table.list("phones", &a_phone, |name| known(&phones, name));
        let a_mobile = format!("the name of a mobile{}", one_of(&mobiles));
        let on_mobiles = table.list("mobiles", &a_mobile, |name| known(&mobiles, name));
        let others = operator.is_some() || on_phones.is_some() || on_mobiles.is_some();
        if off && others {
            table.wrong("off", "false where others are on duty", "true");
        }
        if !off && !others {
            table.wrong("off", "true, or operator, phones or mobiles beside it", "neither");
        }
        table.close();
        let (Some(from), Some(to)) = (from, to) else { continue };
        let change = match off {
            true => Change::Off,
            false => Change::Others { operator, phones: on_phones, mobiles: on_mobiles },
        };
        exceptions.push(Exception { from, to, shift, change });
    }
    exceptions
}

const A_DATE: &str = "a date such as \"2027-02-06\"";

fn read_date(table: &mut Table<'_>, key: &str) -> Option<NaiveDate> {
    table.parsed(key, A_DATE, |text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
}

pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

pub(super) fn one_of_days() -> String {
    let words = DAYS.map(|(word, _)| word);
    format!("a day{}", one_of(&words))
}

/// `"08:00"`, also with seconds, also without quotes as TOML's own local time.
fn read_time(table: &mut Table<'_>, key: &str) -> NaiveTime {
    let expected = "a time of day such as \"08:00\"";
    if !table.has(key) {
        table.wrong(key, expected, "nothing");
    }
    let read = |text: &str| {
        ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok())
    };
    table.parsed(key, expected, read).unwrap_or_default()
}

fn read_name(table: &mut Table<'_>, expected: &str) -> String {
    if !table.has("name") {
        table.wrong("name", expected, "nothing");
    }
    table.parsed("name", expected, dialable).unwrap_or_default()
}

fn read_forwarding(mut table: Table<'_>) -> Forwarding {
    let at_flag = [("also", AtFlag::Also), ("instead", AtFlag::Instead), ("no", AtFlag::No)];
    let order = [("in_order", MobileOrder::InOrder), ("together", MobileOrder::Together)];
    let forwarding = Forwarding {
        at_flag: table.choice("at_flag", &at_flag, AtFlag::Also),
        order: table.choice("order", &order, MobileOrder::InOrder),
        desk_patience: table.seconds("desk_patience_seconds", 1.0..=3600.0, Duration::from_secs(60)),
        mobile_patience: table.seconds("mobile_patience_seconds", 1.0..=600.0, Duration::from_secs(30)),
        key_patience: table.seconds("key_patience_seconds", 1.0..=120.0, Duration::from_secs(12)),
        accept_key: read_key(&mut table, "accept_key", '1'),
        refuse_key: read_key(&mut table, "refuse_key", '2'),
        busy_patience: table.seconds("busy_patience_seconds", 0.0..=3600.0, Duration::from_secs(60)),
        speak_number: table.flag("speak_number", true),
        loop_window: table.seconds("loop_window_seconds", 0.0..=3600.0, Duration::from_secs(30)),
    };
    if forwarding.accept_key == forwarding.refuse_key {
        table.wrong("refuse_key", "another key than accept_key", format_args!("{:?}", forwarding.refuse_key));
    }
    table.close();
    forwarding
}

/// One key of a telephone.
fn read_key(table: &mut Table<'_>, key: &str, default: char) -> char {
    table.parsed(key, "one key of a telephone such as \"1\"", telephone_key).unwrap_or(default)
}

/// One key of a telephone, or none: `""`, and where nothing is said.
fn read_key_or_none(table: &mut Table<'_>, key: &str) -> Option<char> {
    let read = |text: &str| if text.is_empty() { Some(None) } else { telephone_key(text).map(Some) };
    table.parsed(key, "one key of a telephone such as \"9\", or \"\"", read).flatten()
}

fn telephone_key(text: &str) -> Option<char> {
    let mut keys = text.chars();
    keys.next().filter(|c| "0123456789*#".contains(*c) && keys.next().is_none())
}

fn read_notice(mut table: Table<'_>) -> Notice {
    let at = [
        ("on_answer", NoticeAt::OnAnswer),
        ("before_ringing", NoticeAt::BeforeRinging),
        ("off", NoticeAt::Off),
    ];
    let notice = Notice {
        at: table.choice("at", &at, NoticeAt::OnAnswer),
        refuse_key: read_key_or_none(&mut table, "refuse_key"),
    };
    table.close();
    notice
}

fn read_queue(mut table: Table<'_>) -> Queue {
    let leave_to = [("mobile", LeaveTo::Mobile), ("voicemail", LeaveTo::Voicemail)];
    let queue = Queue {
        care_every: table.seconds("care_every_seconds", 5.0..=600.0, Duration::from_secs(30)),
        sorry_after: table.seconds("sorry_after_seconds", 0.0..=3600.0, Duration::from_secs(30)),
        leave_key: read_key_or_none(&mut table, "leave_key"),
        leave_to: table.choice("leave_to", &leave_to, LeaveTo::Mobile),
    };
    table.close();
    queue
}

fn read_voicemail(mut table: Table<'_>) -> Voicemail {
    let voicemail = Voicemail {
        on: table.flag("on", true),
        limit: table.seconds("limit_seconds", 5.0..=3600.0, Duration::from_secs(180)),
        quiet_after: table.seconds("quiet_after_seconds", 2.0..=120.0, Duration::from_secs(10)),
        enough_speech: table.seconds("enough_speech_seconds", 0.1..=30.0, Duration::from_secs(1)),
    };
    table.close();
    voicemail
}

fn read_calling_out(mut table: Table<'_>) -> CallingOut {
    let prefix = |text: &str| {
        let digits = text.strip_prefix('+').unwrap_or(text);
        (!text.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
    };
    let calling_out = CallingOut {
        allowed_prefixes: table
            .list("allowed_prefixes", "digits such as \"138\"", prefix)
            .unwrap_or_default(),
        hourly_cap: table.whole("hourly_cap", 0..=100_000, 30),
        emergency: table
            .list("emergency", "a number such as \"110\"", dialable)
            .unwrap_or_else(|| ["110", "119", "120"].map(str::to_owned).to_vec()),
        patience: table.seconds("patience_seconds", 1.0..=600.0, Duration::from_secs(60)),
    };
    table.close();
    calling_out
}

/// Codes are unlike each other and unlike extensions, and none begins with another that takes digits.
fn read_star_codes(mut table: Table<'_>, phones: &[Phone]) -> StarCodes {
    let code = |table: &mut Table<'_>, key: &str, default: &str| {
        let fits = |text: &str| {
            let keys = text.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#');
            (keys && (text.is_empty() || text.starts_with(['*', '#']))).then(|| text.to_owned())
        };
        let expected = "a code such as \"*71\", or \"\" for none";
        table.parsed(key, expected, fits).unwrap_or_else(|| default.to_owned())
    };
    let codes = StarCodes {
        pick_up: code(&mut table, "pick_up", "*8"),
        away: code(&mut table, "away", "*71"),
        back: code(&mut table, "back", "*72"),
        urgent: code(&mut table, "urgent", "*73"),
        tie: code(&mut table, "tie", "*75"),
        on_duty: code(&mut table, "on_duty", "*76"),
    };
    let all = [
        ("pick_up", &codes.pick_up),
        ("away", &codes.away),
        ("back", &codes.back),
        ("urgent", &codes.urgent),
        ("tie", &codes.tie),
        ("on_duty", &codes.on_duty),
    ];
    for (index, (key, code)) in all.iter().enumerate().filter(|(_, (_, code))| !code.is_empty()) {
        let clash = all.iter().enumerate().find(|(other, (name, theirs))| {
            let takes_digits = *name == "pick_up";
            *other != index
                && !theirs.is_empty()
                && (theirs == code || takes_digits && code.starts_with(theirs.as_str()))
        });
        if let Some((_, (other, _))) = clash {
            table.wrong(key, format_args!("a code unlike {other}"), format_args!("{code:?}"));
        }
        if phones.iter().any(|phone| phone.name == **code) {
            table.wrong(key, "a code that is no extension", format_args!("{code:?}"));
        }
    }
    table.close();
    codes
}

fn read_away(mut table: Table<'_>) -> AwayRules {
    let away = AwayRules {
        key: table.parsed("key", "a name such as \"away\"", dialable).unwrap_or_else(|| "away".to_owned()),
        until_end_of_shift: table.flag("until_end_of_shift", true),
    };
    table.close();
    away
}

fn read_retention(mut table: Table<'_>) -> Retention {
    // 100 years: longer than any disk.
    let days = 1..=36_500;
    let retention = Retention {
        enquiry_days: table.whole("enquiry_days", days.clone(), 183),
        repair_days: table.whole("repair_days", days.clone(), 365),
        complaint_days: table.whole("complaint_days", days.clone(), 1095),
        early_days: table.whole("early_days", days, 30),
    };
    table.close();
    retention
}

/// Each prompt's file, and the music.
fn read_prompts(mut table: Table<'_>) -> (BTreeMap<Prompt, PathBuf>, Option<PathBuf>) {
    let file = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let prompts = PROMPTS
        .iter()
        .map(|(prompt, key)| {
            let named = table.parsed(key, "a file name", file);
            (*prompt, named.unwrap_or_else(|| format!("{key}.wav").into()))
        })
        .collect();
    let comfort = table.text("comfort").filter(|name| !name.is_empty()).map(PathBuf::from);
    table.close();
    (prompts, comfort)
}
