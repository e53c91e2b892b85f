//! The API's address and its sessions (`[http]`).

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use super::reader::Table;

/// Where the API is served, and how one signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// `127.0.0.1:8080`; port 0 takes any free one.
    pub bind: SocketAddr,
    /// `None`: plain HTTP, on a loopback address or where `allow_plain` says so.
    pub tls: Option<TlsFiles>,
    /// A session unused for this long is over; 8 h.
    pub session_idle: Duration,
    /// And after this long in any case; 24 h.
    pub session_longest: Duration,
    /// Failures to sign in that an address or a name has in a minute; 5. 0: any number.
    pub sign_in_per_minute: u32,
}

/// Certificate chain and private key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

const DAY: f64 = 86_400.0;

/// Reads the table; `None` where it is switched off.
pub(super) fn read(mut table: Table<'_>) -> Option<Http> {
    let enabled = table.flag("enabled", true);
    let bind = table
        .parsed("bind", "an address and port such as \"127.0.0.1:8080\"", |text| text.parse().ok())
        .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
    let file = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let certificate = table.parsed("tls_certificate", "the path of a file", file);
    let key = table.parsed("tls_key", "the path of a file", file);
    let allow_plain = table.flag("allow_plain", false);
    let one_alone = match (&certificate, &key) {
        (Some(_), None) => Some("tls_key"),
        (None, Some(_)) => Some("tls_certificate"),
        (Some(_), Some(_)) | (None, None) => None,
    };
    if let Some(missing) = one_alone {
        table.wrong(missing, "certificate and key, or neither", "one alone");
    }
    let tls = certificate.zip(key).map(|(certificate, key)| TlsFiles { certificate, key });
    if enabled && one_alone.is_none() && tls.is_none() && !allow_plain && !bind.ip().is_loopback() {
        let expected = "a loopback address, or tls_certificate and tls_key, or allow_plain = true on a network that nobody \
             can listen to";
        table.wrong("bind", expected, bind);
    }
    let session_idle = table.seconds("session_idle_seconds", 60.0..=DAY, Duration::from_secs(8 * 3600));
    let session_longest =
        table.seconds("session_longest_seconds", 60.0..=DAY, Duration::from_secs(24 * 3600));
    if session_longest < session_idle {
        table.wrong("session_longest_seconds", "at least session_idle_seconds", session_longest.as_secs());
    }
    let sign_in_per_minute = table.whole("sign_in_per_minute", 0..=10_000, 5);
    table.close();
    enabled.then_some(Http { bind, tls, session_idle, session_longest, sign_in_per_minute })
}

#[cfg(test)]
mod tests {
    use crate::config::daemon;

    #[test]
    fn the_network_is_reached_with_tls_or_on_purpose() {
        for (keys, fault) in [
            ("bind = '127.0.0.1:80'", None),
            ("bind = '[::1]:80'", None),
            ("bind = '0.0.0.0:80'", Some("http.bind")),
            ("bind = '0.0.0.0:80'\nenabled = false", None),
            ("bind = '0.0.0.0:80'\nallow_plain = true", None),
            ("bind = '0.0.0.0:443'\ntls_certificate = 'c.pem'\ntls_key = 'k.pem'", None),
            ("tls_certificate = 'c.pem'", Some("http.tls_key")),
            (
                "session_idle_seconds = 7200\nsession_longest_seconds = 3600",
                Some("http.session_longest_seconds"),
            ),
        ] {
            let found = daemon("d", &format!("[http]\n{keys}"), &[]).err().unwrap_or_default();
            let found: Vec<&str> = found.iter().map(|fault| fault.key.as_str()).collect();
            assert_eq!(found, fault.into_iter().collect::<Vec<_>>(), "{keys}");
        }
        assert_eq!(daemon("d", "[http]\nenabled = false", &[]).unwrap().http, None);
    }
}
