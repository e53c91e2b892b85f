//! What the daemon is told once, at its start (`hotlined.toml`). Reading starts at [`Daemon`].

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    http::{self, Http},
    network::Network,
    reader::Table,
    secret::Secret,
    trunk::{self, Trunk},
};
use crate::sip::{digest::Offered, hop::Transport};

/// All settings. Relative paths are relative to the working directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Daemon {
    pub sip: Sip,
    pub media: Media,
    pub recordings: Recordings,
    pub traces: Traces,
    /// `None`: there are no transcripts; default.
    pub transcripts: Option<Transcripts>,
    pub evidence: Evidence,
    /// The SQLite file; `hotlined.db`.
    pub database: PathBuf,
    /// The Unix socket by which the command line reaches the running daemon; `hotlined.sock`.
    pub control_socket: PathBuf,
    /// Where the files of [`super::rules::Rules::prompts`] lie; `prompts`.
    pub prompts_dir: PathBuf,
    /// Where the figures of each finished period are written; `None`: nowhere.
    pub reports_dir: Option<PathBuf>,
    /// `None`: there is no API.
    pub http: Option<Http>,
    pub log: Log,
    /// In order of preference for calls out; none by default.
    pub trunks: Vec<Trunk>,
}

/// SIP (RFC 3261).
#[derive(Debug, Clone, PartialEq)]
pub struct Sip {
    /// Not empty; UDP and TCP on `0.0.0.0:5060` by default.
    pub listeners: Vec<Listener>,
    /// Server and User-Agent header; `hotlined/` and the version.
    pub user_agent: String,
    /// The realm of our digest challenges; `hotlined`.
    pub realm: String,
    /// What phones are challenged with; MD5.
    pub digest: Offered,
    /// How long a nonce of ours is good; 300 s.
    pub nonce_lifetime: Duration,
    /// RFC 3261 §17.1.1.1; 0.5 s.
    pub t1: Duration,
    /// RFC 3261 §17.1.2.2; 4 s.
    pub t2: Duration,
    /// RFC 3261 §17.1.2.2; 5 s.
    pub t4: Duration,
    /// RFC 4028 Session-Expires; 1800 s. `None` (0 in the file): no session timers.
    pub session_expires: Option<Duration>,
    /// RFC 4028 Min-SE; 90 s.
    pub min_se: Duration,
    /// Requests of more than 1300 bytes go over TCP (RFC 3261 §18.1.1); true.
    pub tcp_fallback: bool,
    /// Who we are to those who connect by TLS; `None`: no listener may be TLS.
    pub tls: Option<Tls>,
    pub registrar: Registrar,
    pub qualify: Qualify,
    pub subscriptions: Subscriptions,
    /// `None` (0 per minute in the file): nobody is ignored.
    pub failed_auth: Option<FailedAuth>,
}

/// A socket to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// TLS needs [`Sip::tls`].
    pub transport: Transport,
    /// Port 0 takes any free one.
    pub bind: SocketAddr,
    /// What peers are told instead of `bind`; port 0 stands for the port that was bound. `None`: the
    /// address of the machine towards each peer.
    pub advertise: Option<SocketAddr>,
}

/// Our certificate, read again at SIGHUP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM: our own certificate first, then those above it.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// The registrar (RFC 3261 §10.3). `min ≤ default ≤ max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registrar {
    /// A shorter wish is answered 423; 60 s.
    pub min_expires: Duration,
    /// A longer wish is cut; 3600 s.
    pub max_expires: Duration,
    /// Where a phone does not say; 600 s.
    pub default_expires: Duration,
}

/// OPTIONS to registered phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qualify {
    /// `None` (0 in the file): phones are not asked; 30 s.
    pub interval: Option<Duration>,
    /// Unanswered for this long, a phone counts as unreachable; 4 s.
    pub timeout: Duration,
}

/// Keys with lamps (RFC 6665). `min ≤ default ≤ max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriptions {
    /// A shorter wish is answered 423; 60 s.
    pub min_expires: Duration,
    /// A longer wish is cut; 3600 s.
    pub max_expires: Duration,
    /// Where a phone does not say; 3600 s.
    pub default_expires: Duration,
    /// Subscriptions of one phone; 32.
    pub per_phone: u32,
}

/// When a source address that fails to log in is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAuth {
    /// So many failures within a minute are answered; 10.
    pub per_minute: u32,
    /// After them, nothing from that address is answered for this long; 60 s.
    pub ignored: Duration,
}

/// RTP and RTCP.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// `0.0.0.0`.
    pub address: IpAddr,
    /// What SDP says instead of `address`. `None`: the address of the machine towards each peer.
    pub advertise: Option<IpAddr>,
    /// Bound for peers that speak IPv6. `None`: IPv6 offers are refused.
    pub address_v6: Option<IpAddr>,
    pub advertise_v6: Option<IpAddr>,
    /// Even; 20000.
    pub port_min: u16,
    /// The last port, at least `port_min` + 1; 29999. Each leg takes two ports.
    pub port_max: u16,
    /// A leg that sends nothing for this long is silent; 5 s.
    pub silence_after: Duration,
    /// Whether the operator hears a tone then; true.
    pub silence_tone: bool,
    /// A call of which neither side sends anything for this long, and neither is held, is ended; 60 s.
    /// `None` (0 in the file): never.
    pub hang_up_after: Option<Duration>,
    /// Networks over which SRTP's keys may travel without TLS; none.
    pub keys_without_tls: Vec<Network>,
}

/// What is kept of each call beside its recording: what it saw (`trace`).
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// `traces`.
    pub dir: PathBuf,
    /// Days that a call's SIP messages are kept; 0: they are not. 30. Its journal stays as long as the
    /// recording may.
    pub sip_days: u32,
}

/// The external worker that writes down what was said; `None` of it without a `url`.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcripts {
    /// The base of its API: `http://127.0.0.1:9000/v1`.
    pub url: String,
    /// `whisper-1`.
    pub model: String,
    /// ISO 639-1; `zh`. `None` (empty in the file): the worker finds out.
    pub language: Option<String>,
    pub api_key: Option<Secret>,
    /// For one side of one recording; 600 s.
    pub timeout: Duration,
    /// How often a side is tried; 8.
    pub attempts: u32,
    /// Older recordings are not asked for; 7.
    pub backlog_days: u32,
}

/// The chain of proof (`docs/evidence.md`).
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// To which a line is added each day; `anchors.txt` beside the database.
    pub anchors: PathBuf,
}

/// The recorder's files.
#[derive(Debug, Clone, PartialEq)]
pub struct Recordings {
    /// `recordings`.
    pub dir: PathBuf,
    /// How often a file in progress is synced to disk; 1 s.
    pub sync_interval: Duration,
    /// Megabytes (10⁶ bytes) that recordings leave free; below it no new recording is started; 500.
    pub disk_floor_mb: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

/// The least serious lines that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    /// Default.
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people. Default.
    Text,
    /// A JSON object a line.
    Json,
}

/// Longest duration that any key takes: a day.
const DAY: f64 = 86_400.0;

/// Reads the whole file; faults are noted in the table.
pub(super) fn read(mut top: Table<'_>) -> Daemon {
    let sip = read_sip(top.table("sip"));
    let media = read_media(top.table("media"));
    let recordings = read_recordings(top.table("recordings"));
    let traces = read_traces(top.table("traces"));
    let transcripts = read_transcripts(top.table("transcripts"));
    let mut database = top.table("database");
    let database_path = path(&mut database, "path", "hotlined.db");
    database.close();
    let evidence = read_evidence(top.table("evidence"), &database_path);
    let mut control = top.table("control");
    let control_socket = path(&mut control, "socket", "hotlined.sock");
    control.close();
    let mut prompts = top.table("prompts");
    let prompts_dir = path(&mut prompts, "dir", "prompts");
    prompts.close();
    let mut reports = top.table("reports");
    let reports_dir = reports.text("dir").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    reports.close();
    let http = http::read(top.table("http"));
    let log = read_log(top.table("log"));
    let trunks = trunk::read_all(&mut top);
    top.close();
    Daemon {
        sip,
        media,
        recordings,
        traces,
        transcripts,
        evidence,
        database: database_path,
        control_socket,
        prompts_dir,
        reports_dir,
        http,
        log,
        trunks,
    }
}

fn read_sip(mut sip: Table<'_>) -> Sip {
    let listeners = read_listeners(&mut sip);
    let user_agent = sip
        .parsed("user_agent", "a product such as \"hotlined/0.1.0\"", plain)
        .unwrap_or_else(|| concat!("hotlined/", env!("CARGO_PKG_VERSION")).to_owned());
    let realm = sip.parsed("realm", "a text in quotes", plain).unwrap_or_else(|| "hotlined".to_owned());
    let digest = sip.choice(
        "digest",
        &[("md5", Offered::Md5), ("sha-256", Offered::Sha256), ("both", Offered::Both)],
        Offered::Md5,
    );
    let nonce_lifetime = sip.seconds("nonce_lifetime_seconds", 10.0..=DAY, Duration::from_secs(300));
    let t1 = sip.seconds("t1_seconds", 0.05..=10.0, Duration::from_millis(500));
    let t2 = sip.seconds("t2_seconds", 0.05..=60.0, Duration::from_secs(4));
    let t4 = sip.seconds("t4_seconds", 0.05..=60.0, Duration::from_secs(5));
    if t2 < t1 {
        sip.wrong("t2_seconds", "at least t1_seconds", format_args!("{}", t2.as_secs_f64()));
    }
    let session_expires = sip.seconds("session_expires_seconds", 0.0..=DAY, Duration::from_secs(1800));
    // RFC 4028 §5: no Min-SE below 90 s.
    let min_se = sip.seconds("min_se_seconds", 90.0..=DAY, Duration::from_secs(90));
    let session_expires = (!session_expires.is_zero()).then_some(session_expires);
    if session_expires.is_some_and(|expires| expires < min_se) {
        sip.wrong("session_expires_seconds", "0, or at least min_se_seconds", "less");
    }
    let tcp_fallback = sip.flag("tcp_fallback", true);

    let tls = read_tls(sip.table("tls"));
    if tls.is_none() && listeners.iter().any(|listener| listener.transport == Transport::Tls) {
        sip.wrong("tls", "certificate and key, which a listener with transport \"tls\" needs", "nothing");
    }

    let mut table = sip.table("registrar");
    let registrar = Registrar {
        min_expires: table.seconds("min_expires_seconds", 1.0..=DAY, Duration::from_secs(60)),
        max_expires: table.seconds("max_expires_seconds", 1.0..=DAY, Duration::from_secs(3600)),
        default_expires: table.seconds("default_expires_seconds", 1.0..=DAY, Duration::from_secs(600)),
    };
    if !(registrar.min_expires..=registrar.max_expires).contains(&registrar.default_expires) {
        let expected = "a time from min_expires_seconds to max_expires_seconds";
        table.wrong("default_expires_seconds", expected, registrar.default_expires.as_secs_f64());
    }
    table.close();

    let mut table = sip.table("qualify");
    let interval = table.seconds("interval_seconds", 0.0..=3600.0, Duration::from_secs(30));
    let timeout = table.seconds("timeout_seconds", 0.5..=32.0, Duration::from_secs(4));
    let qualify = Qualify { interval: (!interval.is_zero()).then_some(interval), timeout };
    table.close();

    let mut table = sip.table("subscriptions");
    let subscriptions = Subscriptions {
        min_expires: table.seconds("min_expires_seconds", 1.0..=DAY, Duration::from_secs(60)),
        max_expires: table.seconds("max_expires_seconds", 1.0..=DAY, Duration::from_secs(3600)),
        default_expires: table.seconds("default_expires_seconds", 1.0..=DAY, Duration::from_secs(3600)),
        per_phone: table.whole("per_phone", 1..=1000, 32),
    };
    if !(subscriptions.min_expires..=subscriptions.max_expires).contains(&subscriptions.default_expires) {
        let expected = "a time from min_expires_seconds to max_expires_seconds";
        table.wrong("default_expires_seconds", expected, subscriptions.default_expires.as_secs_f64());
    }
    table.close();

    let mut table = sip.table("failed_auth");
    let per_minute = table.whole("per_minute", 0..=100_000, 10);
    let ignored = table.seconds("ignored_seconds", 1.0..=DAY, Duration::from_secs(60));
    let failed_auth = (per_minute > 0).then_some(FailedAuth { per_minute, ignored });
    table.close();

    sip.close();
    Sip {
        listeners,
        user_agent,
        realm,
        digest,
        nonce_lifetime,
        t1,
        t2,
        t4,
        session_expires,
        min_se,
        tcp_fallback,
        tls,
        registrar,
        qualify,
        subscriptions,
        failed_auth,
    }
}

fn read_listeners(sip: &mut Table<'_>) -> Vec<Listener> {
    let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060));
    let default = [Transport::Udp, Transport::Tcp].map(|transport| Listener {
        transport,
        bind: anywhere,
        advertise: None,
    });
    let Some(tables) = sip.tables("listeners") else { return default.to_vec() };
    // A message names its listener in a byte.
    if tables.is_empty() || tables.len() > 16 {
        sip.wrong("listeners", "1 to 16 listeners", tables.len());
    }
    let mut listeners: Vec<Listener> = Vec::new();
    for mut table in tables {
        let transport = table.choice("transport", &TRANSPORTS, Transport::Udp);
        let bind = table
            .parsed("bind", "an address and port such as \"0.0.0.0:5060\"", |text| text.parse().ok())
            .unwrap_or(anywhere);
        let advertise = table.parsed("advertise", "an IP address, or address and port", |text| {
            let alone = || Some(SocketAddr::new(text.parse().ok()?, bind.port()));
            text.parse().ok().or_else(alone).filter(|address: &SocketAddr| !address.ip().is_unspecified())
        });
        if advertise.is_some_and(|address| address.is_ipv4() != bind.is_ipv4()) {
            table.wrong("advertise", "an address of the same family as bind", "another family");
        }
        let same = |l: &Listener| l.transport == transport && l.bind == bind && bind.port() != 0;
        if listeners.iter().any(same) {
            table.wrong("bind", "an address and port that no other listener has", bind);
        }
        table.close();
        listeners.push(Listener { transport, bind, advertise });
    }
    listeners
}

fn read_tls(mut table: Table<'_>) -> Option<Tls> {
    let file = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let certificate = table.parsed("certificate", "a path in quotes", file);
    let key = table.parsed("key", "a path in quotes", file);
    let tls = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
        (Some(_), None) => {
            table.wrong("key", "the certificate's private key", "nothing");
            None
        }
        (None, Some(_)) => {
            table.wrong("certificate", "the key's certificate", "nothing");
            None
        }
        (None, None) => None,
    };
    table.close();
    tls
}

fn read_media(mut media: Table<'_>) -> Media {
    let v4 = |text: &str| text.parse().ok().filter(IpAddr::is_ipv4);
    let v6 = |text: &str| text.parse().ok().filter(IpAddr::is_ipv6);
    let told = |address: &IpAddr| !address.is_unspecified();
    let address = media.parsed("address", "an IPv4 address", v4);
    let advertise = media.parsed("advertise", "an IPv4 address of a machine", |t| v4(t).filter(told));
    let address_v6 = media.parsed("address_v6", "an IPv6 address", v6);
    let advertise_v6 = media.parsed("advertise_v6", "an IPv6 address of a machine", |t| v6(t).filter(told));
    if advertise_v6.is_some() && address_v6.is_none() {
        media.wrong("advertise_v6", "address_v6 beside it", "it alone");
    }
    let ports = 1024..=65_535;
    let port_min = media.whole("port_min", ports.clone(), 20_000);
    let port_max = media.whole("port_max", ports, 29_999);
    if !port_min.is_multiple_of(2) {
        // RFC 3550 §11: RTP on an even port, RTCP on the next one.
        media.wrong("port_min", "an even port", port_min);
    }
    if port_max <= port_min {
        media.wrong("port_max", "a port above port_min", port_max);
    }
    let silence_after = media.seconds("silence_after_seconds", 0.5..=3600.0, Duration::from_secs(5));
    let silence_tone = media.flag("silence_tone", true);
    let hang_up_after = media.seconds("hang_up_after_seconds", 0.0..=DAY, Duration::from_secs(60));
    if !hang_up_after.is_zero() && hang_up_after < silence_after {
        media.wrong(
            "hang_up_after_seconds",
            "0, or at least silence_after_seconds",
            hang_up_after.as_secs_f64(),
        );
    }
    let keys_without_tls = media
        .list("keys_without_tls", "an address or network such as \"192.168.1.0/24\"", |text| {
            text.parse().ok()
        })
        .unwrap_or_default();
    media.close();
    Media {
        address: address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        advertise,
        address_v6,
        advertise_v6,
        port_min: u16::try_from(port_min).unwrap_or(u16::MAX),
        port_max: u16::try_from(port_max).unwrap_or(u16::MAX),
        silence_after,
        silence_tone,
        hang_up_after: (!hang_up_after.is_zero()).then_some(hang_up_after),
        keys_without_tls,
    }
}

fn read_recordings(mut table: Table<'_>) -> Recordings {
    let recordings = Recordings {
        dir: path(&mut table, "dir", "recordings"),
        sync_interval: table.seconds("sync_interval_seconds", 0.1..=3600.0, Duration::from_secs(1)),
        disk_floor_mb: table.whole("disk_floor_mb", 0..=u32::MAX, 500),
    };
    table.close();
    recordings
}

fn read_evidence(mut table: Table<'_>, database: &Path) -> Evidence {
    let beside = database.with_file_name("anchors.txt");
    let given =
        table.parsed("anchors", "a path in quotes", |text| (!text.is_empty()).then(|| PathBuf::from(text)));
    let evidence = Evidence { anchors: given.unwrap_or(beside) };
    table.close();
    evidence
}

fn read_traces(mut table: Table<'_>) -> Traces {
    let traces =
        Traces { dir: path(&mut table, "dir", "traces"), sip_days: table.whole("sip_days", 0..=3650, 30) };
    table.close();
    traces
}

fn read_transcripts(mut table: Table<'_>) -> Option<Transcripts> {
    let web = |text: &str| {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        rest.is_some_and(|rest| !rest.is_empty()).then(|| text.to_owned())
    };
    let url = table.parsed("url", "an address such as \"http://127.0.0.1:9000/v1\"", web);
    let model = table.parsed("model", "the name of a model", plain);
    let language = table.parsed("language", "a language such as \"zh\", or nothing", |text| {
        (text.is_empty() || text.len() == 2).then(|| text.to_owned())
    });
    let api_key = table.secret("api_key");
    let transcripts = Transcripts {
        url: url.clone().unwrap_or_default(),
        model: model.unwrap_or_else(|| "whisper-1".to_owned()),
        language: Some(language.unwrap_or_else(|| "zh".to_owned())).filter(|language| !language.is_empty()),
        api_key,
        timeout: table.seconds("timeout_seconds", 1.0..=DAY, Duration::from_secs(600)),
        attempts: table.whole("attempts", 1..=100, 8),
        backlog_days: table.whole("backlog_days", 0..=3650, 7),
    };
    table.close();
    url.map(|_| transcripts)
}

fn read_log(mut table: Table<'_>) -> Log {
    let levels = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let log = Log {
        level: table.choice("level", &levels, LogLevel::Info),
        format: table.choice("format", &formats, LogFormat::Text),
    };
    table.close();
    log
}

/// The words for transports.
pub(super) const TRANSPORTS: [(&str, Transport); 3] =
    [("udp", Transport::Udp), ("tcp", Transport::Tcp), ("tls", Transport::Tls)];

fn path(table: &mut Table<'_>, key: &str, default: &str) -> PathBuf {
    let given = table.parsed(key, "a path in quotes", |text| (!text.is_empty()).then(|| PathBuf::from(text)));
    given.unwrap_or_else(|| default.into())
}

/// Text for a header: not empty, no line ends.
fn plain(text: &str) -> Option<String> {
    (!text.trim().is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}
