//! Trunks: the carriers' lines, over which callers come in and mobiles are called.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{network::Network, reader::Table, secret::Secret, settings::TRANSPORTS};
use crate::call::house::Encryption;
use crate::sip::{hop::Transport, offer::AudioCodec, uri::Host};

/// One trunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Trunk {
    /// Unique; mobiles name trunks by it.
    pub name: String,
    /// Not empty, in order of preference.
    pub servers: Vec<Server>,
    /// UDP by default.
    pub transport: Transport,
    /// The domain of From, To and REGISTER; the first server's host by default.
    pub domain: String,
    /// Who we are to the carrier. `None`: it knows us by our address.
    pub account: Option<Account>,
    /// `None` for a static trunk (`kind = "static"`).
    pub registration: Option<Registration>,
    /// The user in From of our calls: the trunk's own number (`decisions.md` 10); the account's user
    /// by default.
    pub number: Option<String>,
    /// Where its calls come from, beside its servers' own addresses.
    pub addresses: Vec<Network>,
    /// Not empty, in order of preference; PCMA, PCMU, G.722.
    pub codecs: Vec<AudioCodec>,
    /// Whether its voice is encrypted; off.
    pub srtp: Encryption,
    /// How its server proves who it is, where the transport is TLS.
    pub verify: Verify,
    /// Which headers tell the called mobile's carrier who calls.
    pub headers: TrunkHeaders,
    /// OPTIONS at this interval; 30 s. `None` (0 in the file): the trunk is not asked.
    pub qualify: Option<Duration>,
    /// The hotline that a call on this trunk is for when its Request-URI names none: some carriers
    /// put the registered contact there.
    pub hotline: Option<String>,
}

/// By what a trunk's server proves that it is the trunk's (RFC 5922: its certificate names the trunk's
/// domain, except where it is pinned).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verify {
    /// A certificate of an authority that this machine trusts. Default.
    System,
    /// A certificate of an authority in this PEM file alone.
    Authorities(PathBuf),
    /// Exactly the certificate with this SHA-256, whatever it says.
    Pinned([u8; 32]),
}

/// A server as configured. Without a port: by SRV where there is such a record, else 5060.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub host: Host,
    pub port: Option<u16>,
}

/// User and password at the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The address-of-record's user.
    pub user: String,
    /// The digest user name; `user` by default.
    pub auth_user: String,
    pub password: Secret,
}

/// How a trunk registers (RFC 3261 §10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// What we ask for; 600 s.
    pub expires: Duration,
    /// The pause after the first failure; 2 s. It doubles with each failure.
    pub retry_min: Duration,
    /// The longest pause; 300 s.
    pub retry_max: Duration,
}

/// What a call to a mobile tells of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkHeaders {
    pub identity: Identity,
    /// Diversion with the hotline's number and the reason (RFC 5806); true.
    pub diversion: bool,
    /// A token in User-to-User by which a looped call is recognised (`decisions.md` 9); false.
    pub user_to_user: bool,
}

/// Where the caller's number goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// P-Asserted-Identity (RFC 3325); From is the trunk's own number. Default.
    AssertedIdentity,
    /// From itself, for carriers that let us.
    From,
    /// Nowhere.
    None,
}

/// Reads `[[trunks]]` of the top table.
pub(super) fn read_all(top: &mut Table<'_>) -> Vec<Trunk> {
    let mut trunks: Vec<Trunk> = Vec::new();
    for mut table in top.tables("trunks").unwrap_or_default() {
        let trunk = read(&mut table);
        if !trunk.name.is_empty() && trunks.iter().any(|t| t.name == trunk.name) {
            table.wrong("name", "a name that no other trunk has", format_args!("{:?}", trunk.name));
        }
        table.close();
        trunks.push(trunk);
    }
    trunks
}

fn read(table: &mut Table<'_>) -> Trunk {
    let name = table.required("name", "a name");
    let kinds = [("register", true), ("static", false)];
    let registers = table.choice("kind", &kinds, true);
    let servers =
        table.list("servers", "a host such as \"sip.carrier.example\" or \"192.0.2.1:5060\"", server);
    if servers.as_ref().is_none_or(Vec::is_empty) {
        table.wrong("servers", "at least one host", "none");
    }
    let servers = servers.unwrap_or_default();
    let transport = table.choice("transport", &TRANSPORTS, Transport::Udp);
    let first = servers.first().map(|server| match &server.host {
        Host::Name(name) => name.clone(),
        Host::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
        Host::Ip(ip) => ip.to_string(),
    });
    let domain = table.parsed("domain", "a host", |text| server(text).map(|_| text.to_owned()));
    let account = read_account(table, registers);
    let registration = registers.then(|| read_registration(table));
    let number = table.parsed("number", "a number", dialable);
    let addresses = table.list("addresses", "an address or network such as \"203.0.113.0/24\"", |text| {
        text.parse::<Network>().ok()
    });
    let qualify = table.seconds("qualify_seconds", 0.0..=3600.0, Duration::from_secs(30));
    let hotline = table.parsed("hotline", "a hotline's number", dialable);
    let mut codecs = table
        .list("codecs", "\"pcma\", \"pcmu\" or \"g722\"", |text| match text {
            "pcma" => Some(AudioCodec::Pcma),
            "pcmu" => Some(AudioCodec::Pcmu),
            "g722" => Some(AudioCodec::G722),
            _ => None,
        })
        .unwrap_or_else(|| AudioCodec::ALL.to_vec());
    if codecs.is_empty() {
        table.wrong("codecs", "at least one codec", "none");
    }
    let given = codecs.len();
    let mut seen = Vec::new();
    codecs.retain(|codec| {
        let new = !seen.contains(codec);
        seen.push(*codec);
        new
    });
    if codecs.len() < given {
        table.wrong("codecs", "each codec once", "one twice");
    }
    let srtp = table.choice("srtp", &ENCRYPTION, Encryption::Off);
    let verify = read_verify(table, transport);
    let headers = read_headers(table.table("headers"));
    Trunk {
        name,
        servers,
        transport,
        domain: domain.or(first).unwrap_or_default(),
        number: number.or_else(|| account.as_ref().map(|account| account.user.clone())),
        account,
        registration,
        addresses: addresses.unwrap_or_default(),
        codecs,
        srtp,
        verify,
        headers,
        qualify: (!qualify.is_zero()).then_some(qualify),
        hotline,
    }
}

/// A registering trunk has an account; a static one may have.
fn read_account(table: &mut Table<'_>, registers: bool) -> Option<Account> {
    let wanted =
        registers || ["user", "auth_user", "password", "password_file"].iter().any(|key| table.has(key));
    if !wanted {
        return None;
    }
    let user = table.required("user", "the account's user");
    let auth_user = table.text("auth_user").unwrap_or_else(|| user.clone());
    let password = table.required_secret("password");
    Some(Account { user, auth_user, password })
}

fn read_registration(table: &mut Table<'_>) -> Registration {
    let expires = table.seconds("expires_seconds", 30.0..=86_400.0, Duration::from_secs(600));
    let retry_min = table.seconds("retry_min_seconds", 0.5..=3600.0, Duration::from_secs(2));
    let retry_max = table.seconds("retry_max_seconds", 0.5..=86_400.0, Duration::from_secs(300));
    if retry_max < retry_min {
        table.wrong("retry_max_seconds", "at least retry_min_seconds", retry_max.as_secs_f64());
    }
    Registration { expires, retry_min, retry_max }
}

/// The words for SRTP.
pub(super) const ENCRYPTION: [(&str, Encryption); 3] =
    [("off", Encryption::Off), ("optional", Encryption::Optional), ("required", Encryption::Required)];

fn read_verify(table: &mut Table<'_>, transport: Transport) -> Verify {
    let file = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let ca = table.parsed("tls_ca_file", "a path in quotes", file);
    let pin = table.parsed("tls_pin", "the 64 hexadecimal digits of a certificate's SHA-256", |text| {
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        <[u8; 32]>::try_from(hex::decode(digits).ok()?).ok()
    });
    if transport != Transport::Tls {
        for (key, given) in [("tls_ca_file", ca.is_some()), ("tls_pin", pin.is_some())] {
            if given {
                table.wrong(key, "transport = \"tls\" beside it", "another transport");
            }
        }
    }
    match (pin, ca) {
        (Some(_), Some(_)) => {
            table.wrong("tls_pin", "either tls_pin or tls_ca_file", "both");
            Verify::System
        }
        (Some(pin), None) => Verify::Pinned(pin),
        (None, Some(ca)) => Verify::Authorities(ca),
        (None, None) => Verify::System,
    }
}

fn read_headers(mut table: Table<'_>) -> TrunkHeaders {
    let identities =
        [("pai", Identity::AssertedIdentity), ("from", Identity::From), ("none", Identity::None)];
    let headers = TrunkHeaders {
        identity: table.choice("identity", &identities, Identity::AssertedIdentity),
        diversion: table.flag("diversion", true),
        user_to_user: table.flag("user_to_user", false),
    };
    table.close();
    headers
}

/// `host`, `host:port`, `1.2.3.4:5060`, `[2001:db8::1]:5060` or a bare IPv6 address.
fn server(text: &str) -> Option<Server> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse() {
        return Some(Server { host: Host::Ip(ip), port: None });
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port != 0)?)),
        None => (text, None),
    };
    if let Some(inner) = host.strip_prefix('[') {
        return Some(Server { host: Host::Ip(inner.strip_suffix(']')?.parse().ok()?), port });
    }
    if let Ok(ip) = host.parse::<std::net::Ipv4Addr>() {
        return Some(Server { host: Host::Ip(ip.into()), port });
    }
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_name = !host.is_empty()
        && host.bytes().all(letters)
        && !host.starts_with(['-', '.'])
        // What ends in digits alone was meant to be an address.
        && host.rsplit('.').next().is_some_and(|last| last.bytes().any(|b| !b.is_ascii_digit()));
    is_name.then(|| Server { host: Host::Name(host.to_ascii_lowercase()), port })
}

/// The user part of a SIP URI that can be dialled: letters, digits and `+*#._-`.
pub(super) fn dialable(text: &str) -> Option<String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"+*#._-".contains(&b);
    (!text.is_empty() && text.bytes().all(fits)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_in_every_form() {
        let name = |n: &str| Host::Name(n.to_owned());
        let ip = |n: &str| Host::Ip(n.parse().unwrap());
        for (text, host, port) in [
            ("SIP.Carrier.example", name("sip.carrier.example"), None),
            ("sip.carrier.example:5070", name("sip.carrier.example"), Some(5070)),
            ("localhost", name("localhost"), None),
            ("192.0.2.1", ip("192.0.2.1"), None),
            ("192.0.2.1:5060", ip("192.0.2.1"), Some(5060)),
            ("2001:db8::1", ip("2001:db8::1"), None),
            ("[2001:db8::1]", ip("2001:db8::1"), None),
            ("[2001:db8::1]:5060", ip("2001:db8::1"), Some(5060)),
        ] {
            assert_eq!(server(text), Some(Server { host, port }), "{text}");
        }
        for text in ["", ":5060", "host:0", "host:port", "sip:host", "a b", "192.0.2.256", "-x", "[::1:5060"]
        {
            assert_eq!(server(text), None, "{text}");
        }
    }
}
