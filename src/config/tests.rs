use std::time::Duration;

use chrono::{NaiveTime, Weekday};
use proptest::prelude::*;

use super::{
    secret::Secret,
    settings::{FailedAuth, LogFormat, LogLevel},
    trunk::{Identity, Registration},
    *,
};
use crate::{
    call::{
        house::{AtFlag, MobileOrder},
        prompt::Prompt,
    },
    desk::rota::Change,
    sip::{hop::Transport, offer::AudioCodec},
};

const DAEMON: &str = "config/hotlined.toml";
const HOUSE: &str = "config/house.toml";
const DAEMON_TEXT: &str = include_str!("../../config/hotlined.toml");
const HOUSE_TEXT: &str = include_str!("../../config/house.toml");
const DOCS: &str = include_str!("../../docs/configuration.md");

/// What has no default, as the shipped files have it.
const LEAST_DAEMON: &str = "trunks = [{ name = 'carrier', servers = 'sip.carrier.example', user = '4001234567', password = 'change me' }]";
const LEAST_HOUSE: &str = "company = '××物业管理有限公司'\nhotlines = ['4001234567']\n\
    phones = [{ name = '801', password = 'change me' }, { name = '802', password = 'change me too' }]\n\
    mobiles = [{ name = 'duty1', number = '13800000000' }]";

fn faults<T: std::fmt::Debug>(result: Result<T, Vec<Fault>>) -> Vec<String> {
    result.unwrap_err().iter().map(Fault::to_string).collect()
}

fn house_faults(text: &str) -> Vec<String> {
    faults(house("h", &format!("{text}\n{LEAST_HOUSE}")))
}

fn daemon_faults(text: &str) -> Vec<String> {
    faults(daemon("d", text, &[]))
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_shipped_daemon_settings_are_the_defaults() {
    assert_eq!(daemon(DAEMON, DAEMON_TEXT, &[]), daemon("d", LEAST_DAEMON, &[]));
    assert!(daemon(DAEMON, DAEMON_TEXT, &[]).is_ok());
    let empty = daemon("d", "", &[]).unwrap();
    assert_eq!(empty.trunks, []);
}

#[test]
fn the_shipped_house_rules_are_the_defaults() {
    let mut shipped = house(HOUSE, HOUSE_TEXT).unwrap();
    let shifts = std::mem::take(&mut shipped.house.rota.shifts);
    let exceptions = std::mem::take(&mut shipped.house.rota.exceptions);
    assert_eq!(exceptions.len(), 1);
    assert_eq!(shipped, house("h", LEAST_HOUSE).unwrap());
    let names: Vec<&str> = shifts.iter().map(|shift| shift.name.as_str()).collect();
    assert_eq!(names, ["早班", "中班", "夜班"]);
    assert!(shifts.iter().all(|shift| shift.days.len() == 7));
    assert_eq!((shifts[1].from, shifts[1].to), (NaiveTime::from_hms_opt(16, 0, 0).unwrap(), NaiveTime::MIN));
}

#[test]
fn the_shipped_files_fit_each_other() {
    let (daemon, rules) = (daemon(DAEMON, DAEMON_TEXT, &[]).unwrap(), house(HOUSE, HOUSE_TEXT).unwrap());
    assert_eq!(cross_check(DAEMON, &daemon, HOUSE, &rules), []);
}

/// The table in prose cannot drift: a key that is read is in the shipped file and in the document.
#[test]
fn every_key_is_shipped_and_documented_and_no_other() {
    let mut documented: Vec<&str> = DOCS
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(key, _)| key)
        .collect();
    let mut asked = Vec::new();
    for (text, shipped) in [(DAEMON_TEXT, true), (HOUSE_TEXT, false)] {
        let seen = Faults::new("f");
        let table = Table::parse(text, &[], &seen);
        if shipped {
            settings::read(table);
        } else {
            rules::read(table);
        }
        for key in seen.asked() {
            let last = key.rsplit('.').next().unwrap();
            let written =
                [format!("{last} = "), format!("[{key}]"), format!("[[{key}]]"), "[trunks.headers]".into()];
            assert!(
                written.iter().any(|form| text.contains(form.as_str())),
                "{key} is not in the shipped file"
            );
            asked.push(key);
        }
    }
    documented.sort_unstable();
    asked.sort_unstable();
    asked.dedup();
    documented.dedup();
    assert_eq!(documented, asked);
}

#[test]
fn the_defaults_are_those_of_the_documents() {
    let daemon = daemon("d", LEAST_DAEMON, &[]).unwrap();
    let seconds = Duration::from_secs;
    assert_eq!(daemon.sip.listeners.len(), 2);
    assert_eq!(
        (daemon.sip.t1, daemon.sip.t2, daemon.sip.t4),
        (Duration::from_millis(500), seconds(4), seconds(5))
    );
    assert_eq!((daemon.sip.session_expires, daemon.sip.min_se), (Some(seconds(1800)), seconds(90)));
    assert_eq!(daemon.sip.failed_auth, Some(FailedAuth { per_minute: 10, ignored: seconds(60) }));
    assert_eq!(daemon.sip.registrar.default_expires, seconds(600));
    assert_eq!((daemon.media.port_min, daemon.media.port_max), (20000, 29999));
    assert_eq!((daemon.log.level, daemon.log.format), (LogLevel::Info, LogFormat::Text));
    let trunk = &daemon.trunks[0];
    assert_eq!((trunk.domain.as_str(), trunk.number.as_deref()), ("sip.carrier.example", Some("4001234567")));
    let registration = Registration { expires: seconds(600), retry_min: seconds(2), retry_max: seconds(300) };
    assert_eq!(trunk.registration, Some(registration));
    assert_eq!(trunk.codecs, AudioCodec::ALL);
    assert_eq!(trunk.headers.identity, Identity::AssertedIdentity);

    let rules = house("h", LEAST_HOUSE).unwrap();
    let house = &rules.house;
    assert_eq!((house.rings.cycle(), house.rings.flag_at()), (seconds(5), seconds(15)));
    assert_eq!(house.rota.zone, Some(chrono_tz::Asia::Shanghai));
    assert!(house.rota.is_always());
    assert_eq!((house.forwarding.at_flag, house.forwarding.order), (AtFlag::Also, MobileOrder::InOrder));
    assert_eq!(
        (house.forwarding.desk_patience, house.forwarding.mobile_patience),
        (seconds(60), seconds(30))
    );
    assert_eq!((house.forwarding.accept_key, house.forwarding.refuse_key), ('1', '2'));
    assert_eq!((house.nobody_patience, house.longest_call), (seconds(20), seconds(4 * 3600)));
    assert_eq!(house.calling_out.emergency, ["110", "119", "120"]);
    assert!(house.calling_out.allowed_prefixes.is_empty());
    assert_eq!(rules.passwords[1], ("802".to_owned(), Secret::Text("change me too".to_owned())));
    assert_eq!(rules.prompts[&Prompt::ForwardConfirm].to_str(), Some("forward_confirm.wav"));
}

#[test]
fn one_reading_finds_every_fault_and_says_where() {
    let text = "\
company = ''
hotlines = []
timezone = 'China'
longest_call_second = 3
[rings]
flag_after = 0
on_seconds = '1'
[[phones]]
name = '801'
password = 'x'
[[phones]]
name = '801'
lines = 'two'
password_file = 7
[[mobiles]]
name = 'duty1'
number = '138-0000'
[[shifts]]
name = 'early'
days = ['mon', 'funday']
from = '8 o clock'
phones = ['803']
mobiles = ['duty2']
[forwarding]
at_flag = 'maybe'
accept_key = '2'
";
    let found = faults(house("config/house.toml", text));
    assert_eq!(
        found.join("\n").replace("config/house.toml: ", ""),
        "\
company: expected the company's name, found \"\"
hotlines: expected at least one number, found none
timezone: expected a time zone such as \"Asia/Shanghai\", found \"China\"
rings.on_seconds: expected a number of seconds from 0.1 to 60, found \"1\"
rings.flag_after: expected a whole number from 1 to 100, found 0
phones[1].name: expected a name that no other phone has, found \"801\"
phones[1].password_file: expected the path of a file, found 7
phones[1].lines: expected a whole number of at least 1, found \"two\"
mobiles[0].number: expected a number such as \"13800000000\", found \"138-0000\"
shifts[0].days[1]: expected a day (mon, tue, wed, thu, fri, sat, sun), found \"funday\"
shifts[0].from: expected a time of day such as \"08:00\", found \"8 o clock\"
shifts[0].to: expected a time of day such as \"08:00\", found nothing
shifts[0].phones[0]: expected the name of a phone (801, 801), found \"803\"
shifts[0].mobiles[0]: expected the name of a mobile (duty1), found \"duty2\"
forwarding.at_flag: expected \"also\" or \"instead\" or \"no\", found \"maybe\"
forwarding.refuse_key: expected another key than accept_key, found '2'
longest_call_second: expected a known key (did you mean longest_call_seconds?), found an unknown one"
    );
}

#[test]
fn an_unknown_key_is_a_fault_at_any_depth() {
    for (text, key) in [
        ("[sip]\nrelm = 'x'", "d: sip.relm: expected a known key (did you mean realm?)"),
        (
            "[sip.registrar]\nexpires = 1",
            "d: sip.registrar.expires: expected a known key (default_expires_seconds, ",
        ),
        (
            "[[sip.listeners]]\nbinds = 'x'",
            "d: sip.listeners[0].binds: expected a known key (did you mean bind?)",
        ),
        ("[webserver]", "d: webserver: expected a known key ("),
        ("[sip]\nt1 = 500", "d: sip.t1: expected a known key ("),
    ] {
        let found = daemon_faults(text);
        assert!(found.len() == 1 && found[0].starts_with(key), "{found:?}");
    }
}

#[test]
fn wrong_kinds_are_faults_rather_than_guesses() {
    for (text, fault) in [
        ("sip = 3", "d: sip: expected a table, found 3"),
        ("[sip]\nrealm = 3", "d: sip.realm: expected a text in quotes, found 3"),
        ("[sip]\ntcp_fallback = 'yes'", "d: sip.tcp_fallback: expected true or false, found \"yes\""),
        (
            "[sip]\nt1_seconds = nan",
            "d: sip.t1_seconds: expected a number of seconds from 0.05 to 10, found NaN",
        ),
        (
            "[media]\nport_min = 20000.0",
            "d: media.port_min: expected a whole number from 1024 to 65535, found 20000",
        ),
        ("[media]\nport_min = -2", "d: media.port_min: expected a whole number from 1024 to 65535, found -2"),
        (
            "sip.listeners = 'all'",
            "d: sip.listeners: expected a list of tables ([[listeners]]), found \"all\"",
        ),
        ("trunks = [7]", "d: trunks[0]: expected a table, found 7"),
    ] {
        let found = daemon_faults(text);
        assert_eq!(found[0], fault, "{found:?}");
    }
}

#[test]
fn values_that_contradict_each_other_are_faults() {
    for (text, fault) in [
        ("[sip]\nt2_seconds = 0.1", "sip.t2_seconds: expected at least t1_seconds, found 0.1"),
        ("[sip]\nsession_expires_seconds = 60", "sip.session_expires_seconds: expected 0, or at least"),
        (
            "[sip.registrar]\ndefault_expires_seconds = 30",
            "sip.registrar.default_expires_seconds: expected a time",
        ),
        ("[media]\nport_min = 20001", "media.port_min: expected an even port, found 20001"),
        ("[media]\nport_max = 20000", "media.port_max: expected a port above port_min, found 20000"),
        ("[media]\nadvertise = '2001:db8::1'", "media.advertise: expected an IPv4 address of a machine"),
        ("[media]\nadvertise = '0.0.0.0'", "media.advertise: expected an IPv4 address of a machine"),
        ("[media]\nadvertise_v6 = '2001:db8::1'", "media.advertise_v6: expected address_v6 beside it"),
        ("sip.listeners = []", "sip.listeners: expected 1 to 16 listeners, found 0"),
        ("sip.listeners = [{}, {}]", "sip.listeners[1].bind: expected an address and port that no other"),
        (
            "sip.listeners = [{ advertise = '::1' }]",
            "sip.listeners[0].advertise: expected an address of the same",
        ),
    ] {
        let found = daemon_faults(text);
        assert!(found.len() == 1 && found[0].starts_with(&format!("d: {fault}")), "{found:?}");
    }
}

#[test]
fn a_trunk_says_what_it_lacks() {
    let found = daemon_faults(
        "[[trunks]]\nname = 'a'\n[[trunks]]\nname = 'a'\nkind = 'static'\nservers = ['h', 'sip:h']\npassword = 'x'\ncodecs = ['g729']\naddresses = ['10.0.0.0/99']",
    );
    assert_eq!(
        found,
        [
            "d: trunks[0].servers: expected at least one host, found none",
            "d: trunks[0].user: expected the account's user, found nothing",
            "d: trunks[0].password: expected password or password_file, found nothing",
            "d: trunks[1].servers[1]: expected a host such as \"sip.carrier.example\" or \"192.0.2.1:5060\", found \"sip:h\"",
            "d: trunks[1].user: expected the account's user, found nothing",
            "d: trunks[1].addresses[0]: expected an address or network such as \"203.0.113.0/24\", found \"10.0.0.0/99\"",
            "d: trunks[1].codecs[0]: expected \"pcma\", \"pcmu\" or \"g722\", found \"g729\"",
            "d: trunks[1].codecs: expected at least one codec, found none",
            "d: trunks[1].name: expected a name that no other trunk has, found \"a\"",
        ]
    );
}

#[test]
fn a_static_trunk_needs_no_account_and_knows_its_addresses() {
    let text = "[[trunks]]\nname = 'pbx'\nkind = 'static'\nservers = '192.0.2.1'\naddresses = ['198.51.100.0/24']\ntransport = 'tcp'\nqualify_seconds = 0";
    let trunk = daemon("d", text, &[]).unwrap().trunks.remove(0);
    assert_eq!((trunk.account, trunk.registration, trunk.number), (None, None, None));
    assert_eq!((trunk.domain.as_str(), trunk.transport, trunk.qualify), ("192.0.2.1", Transport::Tcp, None));
    assert!(trunk.addresses[0].contains("198.51.100.7".parse().unwrap()));
}

#[test]
fn zero_switches_off_what_can_be_switched_off() {
    let text = "[sip]\nsession_expires_seconds = 0\n[sip.qualify]\ninterval_seconds = 0\n[sip.failed_auth]\nper_minute = 0";
    let sip = daemon("d", text, &[]).unwrap().sip;
    assert_eq!((sip.session_expires, sip.qualify.interval, sip.failed_auth), (None, None, None));
}

#[test]
fn text_that_is_no_toml_is_one_fault_with_its_place() {
    let found = daemon_faults("[sip]\nrealm = \n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("d: line 2, column "), "{found:?}");
    assert!(!found[0].contains('\n'), "{found:?}");
}

#[test]
fn the_environment_stands_above_the_file() {
    let environment = variables(&[
        ("HOTLINED__SIP__REALM", "desk"),
        ("HOTLINED__SIP__T1_SECONDS", "0.25"),
        ("HOTLINED__SIP__TCP_FALLBACK", "false"),
        ("HOTLINED__MEDIA__PORT_MIN", "10000"),
        ("HOTLINED__TRUNKS__0__PASSWORD", "from outside"),
        ("HOTLINED__TRUNKS__0__CODECS", "pcmu, pcma"),
        ("HOTLINED__SIP__LISTENERS__1__BIND", "127.0.0.1:0"),
        ("PATH", "/bin"),
    ]);
    let daemon = daemon("d", DAEMON_TEXT, &environment).unwrap();
    assert_eq!((daemon.sip.realm.as_str(), daemon.sip.t1), ("desk", Duration::from_millis(250)));
    assert!(!daemon.sip.tcp_fallback);
    assert_eq!(daemon.media.port_min, 10000);
    assert_eq!(daemon.sip.listeners[1].bind, "127.0.0.1:0".parse().unwrap());
    let account = daemon.trunks[0].account.as_ref().unwrap();
    assert_eq!(account.password, Secret::Text("from outside".into()));
    assert_eq!(daemon.trunks[0].codecs, [AudioCodec::Pcmu, AudioCodec::Pcma]);
}

#[test]
fn a_wrong_variable_is_named_as_such() {
    let environment = variables(&[
        ("HOTLINED__MEDIA__PORT_MIN", "many"),
        ("HOTLINED__SIP__RELM", "x"),
        ("HOTLINED__TRUNKS__4000000000__NAME", "x"),
        ("HOTLINED__", "x"),
    ]);
    let found = faults(daemon("d", "", &environment));
    assert_eq!(
        found,
        [
            "environment: HOTLINED__TRUNKS__4000000000__NAME: expected a name such as HOTLINED__SIP__REALM, found another",
            "environment: HOTLINED__: expected a name such as HOTLINED__SIP__REALM, found another",
            "environment: sip.relm: expected a known key (did you mean realm?), found an unknown one",
            "environment: media.port_min: expected a whole number from 1024 to 65535, found \"many\"",
        ]
    );
}

#[test]
fn no_secret_shows_in_a_fault_or_in_debug() {
    let text = LEAST_DAEMON.replace("'change me'", "['hunter2']");
    assert_eq!(
        daemon_faults(&text),
        ["d: trunks[0].password: expected a password in quotes, found something else"]
    );
    let both = LEAST_DAEMON.replace("password = ", "password_file = 'f', password = ");
    assert_eq!(
        daemon_faults(&both),
        ["d: trunks[0].password: expected either password or password_file, found both"]
    );
    let shipped = format!("{:?} {:?}", daemon(DAEMON, DAEMON_TEXT, &[]), house(HOUSE, HOUSE_TEXT));
    assert!(!shipped.contains("change me"), "{shipped}");
    assert!(!shipped.contains("13800000000"), "{shipped}");
}

#[test]
fn shifts_take_times_with_and_without_quotes_and_days_in_any_order() {
    let text = "[[shifts]]\nname = 'n'\ndays = ['sun', 'mon', 'sun']\nfrom = 22:00:00\nto = '06:30'";
    let rules = house("h", &format!("{LEAST_HOUSE}\n{text}")).unwrap();
    let shift = &rules.house.rota.shifts[0];
    assert_eq!(shift.days, [Weekday::Mon, Weekday::Sun]);
    assert_eq!(shift.from, NaiveTime::from_hms_opt(22, 0, 0).unwrap());
    assert_eq!(shift.to, NaiveTime::from_hms_opt(6, 30, 0).unwrap());
}

#[test]
fn exceptions_say_whom_they_concern_and_contradict_themselves_nowhere() {
    let text = "[[shifts]]\nname = 'n'\nfrom = '22:00'\nto = '06:00'\n";
    let read = |exception: &str| house("h", &format!("{LEAST_HOUSE}\n{text}[[exceptions]]\n{exception}"));
    let rules = read("from = '2027-02-06'\nto = 2027-02-08\noff = true").unwrap();
    let exception = &rules.house.rota.exceptions[0];
    assert_eq!((exception.to - exception.from).num_days(), 2);
    assert_eq!((&exception.shift, &exception.change), (&None, &Change::Off));
    for (exception, fault) in [
        ("off = true", "from: expected a date such as \"2027-02-06\", found nothing"),
        (
            "from = '2027-02-30'\noff = true",
            "from: expected a date such as \"2027-02-06\", found \"2027-02-30\"",
        ),
        (
            "from = '2027-02-06'",
            "off: expected true, or operator, phones or mobiles beside it, found neither",
        ),
        (
            "from = '2027-02-06'\noff = true\noperator = 'x'",
            "off: expected false where others are on duty, found true",
        ),
        (
            "from = '2027-02-06'\nto = '2027-02-05'\noff = true",
            "to: expected a date not before from, found an earlier one",
        ),
        (
            "from = '2027-02-06'\nshift = 'x'\noff = true",
            "shift: expected the name of a shift (n), found \"x\"",
        ),
        (
            "from = '2027-02-06'\nphones = ['9']",
            "phones[0]: expected the name of a phone (801, 802), found \"9\"",
        ),
    ] {
        assert_eq!(faults(read(exception)), [format!("h: exceptions[0].{fault}")]);
    }
}

#[test]
fn a_phone_cannot_bear_a_hotlines_number_and_a_house_needs_somebody() {
    let found = faults(house("h", &LEAST_HOUSE.replace("'802'", "'4001234567'")));
    assert_eq!(found, ["h: phones[1].name: expected an extension that is no hotline, found \"4001234567\""]);
    let found = faults(house("h", "company = 'x'\nhotlines = ['1']"));
    assert_eq!(found, ["h: phones: expected at least one phone or mobile, found neither"]);
    let found = house_faults("calling_out = { allowed_prefixes = [138] }");
    assert_eq!(found, ["h: calling_out.allowed_prefixes[0]: expected digits such as \"138\", found 138"]);
}

#[test]
fn names_that_only_the_other_file_knows_are_checked_with_both() {
    let daemon = daemon("d", &LEAST_DAEMON.replace("user =", "hotline = '95000', user ="), &[]).unwrap();
    let rules = house("h", &LEAST_HOUSE.replace("number =", "trunk = 'other', number =")).unwrap();
    let found: Vec<String> = cross_check("d", &daemon, "h", &rules).iter().map(Fault::to_string).collect();
    assert_eq!(
        found,
        [
            "h: mobiles[0].trunk: expected a trunk of d (carrier), found \"other\"",
            "d: trunks[0].hotline: expected a hotline of h (4001234567), found \"95000\"",
        ]
    );
    let none = super::daemon("d", "", &[]).unwrap();
    let rules = house("h", LEAST_HOUSE).unwrap();
    let found = cross_check("d", &none, "h", &rules);
    assert_eq!(
        found[0].to_string(),
        "h: mobiles[0].trunk: expected a trunk in d to call this mobile by, found none"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_never_panics(text in "\\PC{0,80}", line in 0_usize..200) {
        let _ = daemon("d", &text, &variables(&[("HOTLINED__SIP", &text), (&format!("HOTLINED__{text}"), "1")]));
        let _ = house("h", &text);
        // The shipped file with one line replaced.
        let mut lines: Vec<&str> = HOUSE_TEXT.lines().collect();
        let at = line % lines.len();
        lines[at] = &text;
        let _ = house("h", &lines.join("\n"));
    }
}
