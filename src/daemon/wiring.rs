//! From the configuration to what each room wants. Rooms of one floor do not know each other, so the
//! loop's floor carries the words across.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{
    archive::{self, ArchiveSettings},
    evidence::DailyAnchor,
    serve::{HouseRules, ServeSettings, TraceSettings},
    sockets::Bind,
    tls::{self, TlsSetup, Unfit},
};
use crate::{
    call::prompt::Prompt,
    config::{
        self, Fault,
        network::Network,
        rules::Rules,
        secret::Secret,
        settings::Daemon,
        trunk::{Identity, Trunk},
    },
    desk::ticket::PromptFile,
    media::{
        MediaSettings, PromptFiles, prompts,
        recorder::{
            self, RecorderSettings,
            repair::{Repaired, Repairs},
        },
    },
    outbox::transcripts::TranscriptSettings,
    sip::{
        hop::{FlowId, Hop, ListenerId, Transport},
        subscription::Lifetime,
        ua::{Credentials, UaSettings},
        uri::{Host, Uri},
    },
    store::{
        binding::{BindingChange as KeptChange, SavedBinding},
        facts::RepairedRecording,
        writer::StoreSettings,
    },
    switch::{
        registrar::{Binding, BindingChange},
        settings::{
            CallerIdentity, GuardSettings, Passwords, QualifySettings, RegistrarSettings, Server, Source,
            SubscriptionSettings, SwitchSettings, TrunkKind, TrunkSettings, Voice,
        },
    },
};

/// Ticket numbers asked of the database at a time: a busy desk's day. Unused ones are gaps.
const NUMBER_BLOCK: u32 = 1000;

/// Calls at once. At 60 KB each, 120 MB; a desk has a handful.
const MOST_CALLS: usize = 2000;

/// Contacts of one phone: a desk phone, its softphone twin, and some that forgot to say goodbye.
const MOST_BINDINGS: usize = 10;

/// Both files, read and checked.
#[derive(Debug)]
pub struct Configuration {
    pub daemon: Daemon,
    pub rules: Rules,
}

/// Reads both files and checks them alone and together.
///
/// # Errors
/// Every fault that was found.
pub fn read(daemon_file: &Path, house_file: &Path) -> Result<Configuration, Vec<Fault>> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let daemon = text(daemon_file).and_then(|text| config::daemon(&name(daemon_file), &text, &environment));
    let rules = read_house(house_file);
    match (daemon, rules) {
        (Ok(daemon), Ok(rules)) => {
            let faults = config::cross_check(&name(daemon_file), &daemon, &name(house_file), &rules);
            if faults.is_empty() { Ok(Configuration { daemon, rules }) } else { Err(faults) }
        }
        (daemon, rules) => Err(daemon.err().into_iter().chain(rules.err()).flatten().collect()),
    }
}

fn read_house(file: &Path) -> Result<Rules, Vec<Fault>> {
    config::house(&name(file), &text(file)?)
}

fn name(file: &Path) -> String {
    file.display().to_string()
}

fn text(file: &Path) -> Result<String, Vec<Fault>> {
    std::fs::read_to_string(file).map_err(|error| {
        vec![Fault {
            file: name(file),
            key: "(the file)".to_owned(),
            expected: "a readable text file".to_owned(),
            found: error.to_string(),
        }]
    })
}

/// One line a fault.
pub fn faults_text(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What `serve` needs.
///
/// # Errors
/// A secret's file can't be read, or the prompt without which nobody presses the mobile's key.
pub fn settings(
    configuration: Configuration,
    daemon_file: &Path,
    house_file: &Path,
) -> anyhow::Result<ServeSettings> {
    let Configuration { daemon, rules } = configuration;
    let binds: Vec<Bind> = daemon
        .sip
        .listeners
        .iter()
        .map(|l| Bind { transport: l.transport, address: l.bind, advertise: l.advertise })
        .collect();
    confirm_prompt(&daemon, &rules)?;
    let media = media(&daemon, &rules);
    let switch = switch(&daemon, &rules)?;
    let (daemon_name, house_file) = (name(daemon_file), house_file.to_owned());
    let (tls, reload_certificate) = tls_setup(&daemon, &daemon_name)?;
    let passwords = passwords_of(&rules)?;
    let transcripts = transcripts(&daemon)?;
    let archive = ArchiveSettings {
        database: daemon.database.clone(),
        recordings: daemon.recordings.dir.clone(),
        traces: daemon.traces.dir.clone(),
        floor: floor(&daemon),
        rules: archive_rules(&rules),
    };
    let anchors = DailyAnchor::new(
        daemon.evidence.anchors.clone(),
        rules.house.rota.zone.unwrap_or(chrono_tz::Asia::Shanghai),
    );
    let house = Arc::new(rules.house);
    let store = StoreSettings::new(&daemon.database);
    let control = daemon.control_socket.clone();
    let api = super::api::settings(&daemon)?;
    let traces = TraceSettings { dir: daemon.traces.dir.clone(), sip_days: daemon.traces.sip_days };
    let office = rules.office;
    let reports = daemon.reports_dir.clone();
    let reload = Box::new(move || -> Result<HouseRules, String> {
        let rules = read_house(&house_file).map_err(|faults| faults_text(&faults))?;
        let faults = config::cross_check(&daemon_name, &daemon, &name(&house_file), &rules);
        if !faults.is_empty() {
            return Err(faults_text(&faults));
        }
        confirm_prompt(&daemon, &rules).map_err(|error| format!("{error:#}"))?;
        let passwords = passwords_of(&rules).map_err(|error| format!("{error:#}"))?;
        let archive = archive_rules(&rules);
        let (prompts, voice) = (prompt_files(&daemon, &rules), voice(&daemon, &rules));
        Ok(HouseRules { house: rules.house, passwords, office: rules.office, archive, prompts, voice })
    });
    Ok(ServeSettings {
        binds,
        tls,
        reload_certificate,
        switch,
        media,
        store,
        control,
        api,
        traces,
        archive,
        transcripts,
        anchors,
        house,
        passwords,
        office,
        reports,
        reload,
    })
}

fn transcripts(daemon: &Daemon) -> anyhow::Result<Option<TranscriptSettings>> {
    let Some(worker) = &daemon.transcripts else { return Ok(None) };
    let api_key = worker.api_key.as_ref().map(reveal).transpose().context("transcripts.api_key")?;
    Ok(Some(TranscriptSettings {
        url: worker.url.clone(),
        model: worker.model.clone(),
        language: worker.language.clone(),
        api_key,
        timeout: worker.timeout,
        attempts: worker.attempts,
        backlog_days: worker.backlog_days,
        database: daemon.database.clone(),
        recordings: daemon.recordings.dir.clone(),
    }))
}

/// Bytes that recordings leave free.
pub(super) fn floor(daemon: &Daemon) -> u64 {
    u64::from(daemon.recordings.disk_floor_mb) * 1_000_000
}

fn archive_rules(rules: &Rules) -> archive::Rules {
    let zone = rules.house.rota.zone.unwrap_or(chrono_tz::Asia::Shanghai);
    archive::Rules { zone, retention: rules.retention }
}

/// What the sockets must know of TLS, and what reads our certificate again.
#[expect(clippy::type_complexity, reason = "the two halves of one thing, taken apart at once")]
fn tls_setup(
    daemon: &Daemon,
    file: &str,
) -> anyhow::Result<(TlsSetup, Box<dyn Fn() -> Result<(), String> + Send>)> {
    let fault = |key: String, unfit: Unfit| {
        let Unfit { expected, found, .. } = unfit;
        anyhow!(Fault { file: file.to_owned(), key, expected: expected.to_owned(), found })
    };
    let mut setup = TlsSetup::default();
    for (at, trunk) in daemon.trunks.iter().enumerate().filter(|(_, t)| t.transport == Transport::Tls) {
        let client = tls::client(&trunk.verify, &trunk.domain)
            .map_err(|unfit| fault(format!("trunks[{at}].{}", unfit.key), unfit))?;
        setup.trunks.insert(trunk.name.clone(), client);
        for server in &trunk.servers {
            if let Host::Ip(ip) = server.host {
                let port = server.port.unwrap_or(trunk.transport.default_port());
                setup.addresses.push(((ip, port).into(), trunk.name.clone()));
            }
        }
    }
    let Some(files) = daemon.sip.tls.clone() else { return Ok((setup, Box::new(|| Ok(())))) };
    let config = tls::server(&files).map_err(|unfit| fault(unfit.key.to_owned(), unfit))?;
    let (shown, seen) = watch::channel(config);
    setup.server = Some(seen);
    Ok((setup, Box::new(move || tls::reload(&files, &shown))))
}

fn reveal(secret: &Secret) -> anyhow::Result<String> {
    Ok(secret.reveal(|path| std::fs::read_to_string(path))?)
}

fn passwords_of(rules: &Rules) -> anyhow::Result<Passwords> {
    let read = |(phone, secret): &(String, Secret)| {
        Ok((phone.clone(), reveal(secret).with_context(|| format!("the password of phone {phone}"))?))
    };
    Ok(Passwords(rules.passwords.iter().map(read).collect::<anyhow::Result<BTreeMap<_, _>>>()?))
}

/// A mobile that needs a key but is not asked for it hears silence, and every forwarded call is lost.
fn confirm_prompt(daemon: &Daemon, rules: &Rules) -> anyhow::Result<()> {
    let Some(mobile) = rules.house.mobiles.iter().find(|mobile| mobile.needs_key) else { return Ok(()) };
    let Some(file) = rules.prompts.get(&Prompt::ForwardConfirm) else { return Ok(()) };
    let path = daemon.prompts_dir.join(file);
    prompts::check(&path).map_err(|why| {
        anyhow!(
            "prompts.forward_confirm: {} can't be played ({why}), so nobody would press the key that \
             mobile {} needs: put the file there, or set needs_key = false",
            path.display(),
            mobile.name
        )
    })
}

fn media(daemon: &Daemon, rules: &Rules) -> MediaSettings {
    let (v4, v6) = match daemon.media.address {
        IpAddr::V4(_) => (Some(daemon.media.address), daemon.media.address_v6),
        IpAddr::V6(_) => (None, Some(daemon.media.address)),
    };
    let told = |bind: Option<IpAddr>, advertise: Option<IpAddr>| {
        advertise.or_else(|| bind.map(|bind| super::sockets::reachable((bind, 0).into()).ip()))
    };
    let (advertise_v4, advertise_v6) = match daemon.media.address {
        IpAddr::V4(_) => (daemon.media.advertise, daemon.media.advertise_v6),
        IpAddr::V6(_) => (None, daemon.media.advertise.or(daemon.media.advertise_v6)),
    };
    MediaSettings {
        address_v4: v4,
        address_v6: v6,
        advertised_v4: told(v4, advertise_v4),
        advertised_v6: told(v6, advertise_v6),
        port_min: daemon.media.port_min,
        port_max: daemon.media.port_max,
        silence_after: daemon.media.silence_after,
        prompts: prompt_files(daemon, rules),
        dead_after: daemon.media.hang_up_after,
        recorder: RecorderSettings {
            sync_interval: daemon.recordings.sync_interval,
            disk_floor_bytes: floor(daemon),
            ..RecorderSettings::new(&daemon.recordings.dir)
        },
    }
}

/// Where the house's prompts lie.
pub(super) fn prompt_files(daemon: &Daemon, rules: &Rules) -> PromptFiles {
    let at = |file: &PathBuf| daemon.prompts_dir.join(file);
    PromptFiles {
        prompts: rules.prompts.iter().map(|(prompt, file)| (*prompt, at(file))).collect(),
        comfort: rules.comfort.as_ref().map(at),
    }
}

/// The prompt files as they are now, for tickets that have to prove what was heard.
fn voice(daemon: &Daemon, rules: &Rules) -> Voice {
    let file = |file: &PathBuf| PromptFile {
        name: file.display().to_string(),
        sha256: std::fs::read(daemon.prompts_dir.join(file))
            .ok()
            .map(|bytes| hex::encode(Sha256::digest(bytes))),
    };
    Voice(rules.prompts.iter().map(|(prompt, name)| (*prompt, file(name))).collect())
}

fn switch(daemon: &Daemon, rules: &Rules) -> anyhow::Result<SwitchSettings> {
    let sip = &daemon.sip;
    let guard = sip.failed_auth.map_or((0, Duration::ZERO), |limit| (limit.per_minute, limit.ignored));
    Ok(SwitchSettings {
        ua: UaSettings {
            // The loop fills in what it has bound.
            listeners: Vec::new(),
            product: sip.user_agent.clone(),
            t1: sip.t1,
            t2: sip.t2,
            t4: sip.t4,
            session_expires: sip.session_expires,
            min_se: sip.min_se,
            tcp_fallback: sip.tcp_fallback,
        },
        realm: sip.realm.clone(),
        registrar: RegistrarSettings {
            min_expires: sip.registrar.min_expires,
            max_expires: sip.registrar.max_expires,
            default_expires: sip.registrar.default_expires,
            max_bindings: MOST_BINDINGS,
        },
        qualify: QualifySettings { interval: sip.qualify.interval, timeout: sip.qualify.timeout },
        subscriptions: SubscriptionSettings {
            lifetime: Lifetime {
                min: sip.subscriptions.min_expires,
                max: sip.subscriptions.max_expires,
                default: sip.subscriptions.default_expires,
            },
            per_phone: usize::try_from(sip.subscriptions.per_phone).unwrap_or(usize::MAX),
        },
        guard: GuardSettings {
            failures: guard.0,
            window: Duration::from_secs(60),
            ban: guard.1,
            nonce_lifetime: sip.nonce_lifetime,
            digest: sip.digest,
        },
        trunks: daemon.trunks.iter().map(|t| trunk(t, daemon)).collect::<anyhow::Result<_>>()?,
        voice: voice(daemon, rules),
        silence_tone: daemon.media.silence_tone,
        key_networks: daemon.media.keys_without_tls.iter().map(source).collect(),
        number_block: NUMBER_BLOCK,
        max_calls: MOST_CALLS,
    })
}

fn trunk(trunk: &Trunk, daemon: &Daemon) -> anyhow::Result<TrunkSettings> {
    let listener = daemon
        .sip
        .listeners
        .iter()
        .position(|listener| listener.transport == trunk.transport)
        .and_then(|at| u8::try_from(at).ok())
        .ok_or_else(|| anyhow!("trunk {}: no listener for {}", trunk.name, trunk.transport.via_name()))?;
    let credentials = match &trunk.account {
        None => None,
        Some(account) => Some(Credentials {
            user: account.auth_user.clone(),
            password: reveal(&account.password)
                .with_context(|| format!("the password of trunk {}", trunk.name))?,
        }),
    };
    let user = trunk.account.as_ref().map(|account| account.user.clone());
    let servers = trunk.servers.iter().map(|server| match (&server.host, server.port) {
        (Host::Ip(ip), port) => Server::Address((*ip, port.unwrap_or(trunk.transport.default_port())).into()),
        (Host::Name(host), port) => Server::Name { host: host.clone(), port },
    });
    Ok(TrunkSettings {
        name: trunk.name.clone(),
        kind: match trunk.registration {
            Some(r) => {
                TrunkKind::Register { expires: r.expires, retry_min: r.retry_min, retry_max: r.retry_max }
            }
            None => TrunkKind::Static,
        },
        servers: servers.collect(),
        transport: trunk.transport,
        listener: ListenerId(listener),
        domain: trunk.domain.clone(),
        number: trunk.number.clone().or(user).unwrap_or_else(|| "hotline".to_owned()),
        credentials,
        sources: trunk.addresses.iter().map(source).collect(),
        qualify: trunk.qualify,
        hotline: trunk.hotline.clone(),
        codecs: trunk.codecs.clone(),
        srtp: trunk.srtp,
        caller_identity: match trunk.headers.identity {
            Identity::AssertedIdentity => CallerIdentity::Asserted,
            Identity::From => CallerIdentity::From,
            Identity::None => CallerIdentity::None,
        },
        diversion: trunk.headers.diversion,
        user_to_user: trunk.headers.user_to_user,
    })
}

fn source(network: &Network) -> Source {
    Source { network: network.address, prefix: network.prefix, port: None }
}

/// Repairs what an earlier daemon left unfinished, and says which tickets the recordings belong to. What
/// has no ticket, or can't be repaired, is reported and left where it is.
pub(super) fn repair(recordings: &Path) -> Vec<RepairedRecording> {
    let Repairs { repaired, left_alone } = recorder::repair::repair(recordings);
    for file in left_alone {
        tracing::error!(path = %file.path.display(), file.why, "recording can't be repaired, left as it is");
    }
    let mut tied = Vec::new();
    for Repaired { ticket, path, samples, sample_rate } in repaired {
        match ticket {
            Some(ticket) => {
                tracing::warn!(%ticket, samples, "interrupted recording repaired");
                tied.push(RepairedRecording { ticket, path, samples, sample_rate });
            }
            None => tracing::error!(path = %path.display(), "a recording that names no ticket was repaired"),
        }
    }
    tied
}

/// A phone's bindings as the database keeps them.
pub(super) fn kept(change: BindingChange) -> KeptChange {
    let phone = change.phone.clone();
    let bindings = change.bindings.into_iter().map(|binding| SavedBinding {
        phone: phone.clone(),
        contact: binding.contact.to_string(),
        instance: binding.instance,
        path: Vec::new(),
        transport: binding.hop.transport.via_name().to_owned(),
        listener: binding.hop.listener.0,
        remote: binding.hop.remote.to_string(),
        call_id: binding.call_id,
        cseq: binding.cseq,
        expires_at: binding.expires_at,
        user_agent: binding.user_agent,
    });
    KeptChange { phone: change.phone, bindings: bindings.collect() }
}

/// And back. What can't be read any more is left out; the phone will register again.
pub(super) fn remembered(saved: Vec<SavedBinding>) -> Vec<BindingChange> {
    let mut phones: BTreeMap<String, Vec<Binding>> = BTreeMap::new();
    for binding in saved {
        let transport = [Transport::Udp, Transport::Tcp, Transport::Tls]
            .into_iter()
            .find(|transport| transport.via_name() == binding.transport);
        let (Some(transport), Ok(remote), Ok(contact)) =
            (transport, binding.remote.parse(), Uri::parse(&binding.contact))
        else {
            tracing::warn!(phone = binding.phone, "a registration could not be read back");
            continue;
        };
        phones.entry(binding.phone).or_default().push(Binding {
            contact,
            instance: binding.instance,
            hop: Hop { transport, listener: ListenerId(binding.listener), remote, flow: None::<FlowId> },
            call_id: binding.call_id,
            cseq: binding.cseq,
            expires_at: binding.expires_at,
            user_agent: binding.user_agent,
        });
    }
    phones.into_iter().map(|(phone, bindings)| BindingChange { phone, bindings }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_that_needs_a_key_needs_the_prompt_that_asks_for_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (daemon_file, house_file) = (root.join("config/hotlined.toml"), root.join("config/house.toml"));
        let mut read = read(&daemon_file, &house_file).unwrap();
        read.daemon.prompts_dir = root.join("prompts");
        confirm_prompt(&read.daemon, &read.rules).unwrap();
        read.daemon.prompts_dir = root.join("nowhere");
        let why = confirm_prompt(&read.daemon, &read.rules).unwrap_err().to_string();
        assert!(why.starts_with("prompts.forward_confirm: "), "{why}");
        assert!(why.contains("mobile duty1"), "{why}");
        read.rules.house.mobiles.iter_mut().for_each(|mobile| mobile.needs_key = false);
        confirm_prompt(&read.daemon, &read.rules).unwrap();
    }
}
