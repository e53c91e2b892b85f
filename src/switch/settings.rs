//! What the switch is told once, at start: how to register, whom to trust, which trunks there are.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{
    call::{house::Encryption, prompt::Prompt},
    desk::ticket::PromptFile,
    sip::{
        digest::Offered,
        hop::{ListenerId, Transport},
        offer::AudioCodec,
        subscription::Lifetime,
        ua::UaSettings,
    },
};

/// Everything that needs a restart to change.
#[derive(Debug, Clone)]
pub struct SwitchSettings {
    pub ua: UaSettings,
    /// Realm of our challenges, and the domain in URIs that name nobody's address.
    pub realm: String,
    pub registrar: RegistrarSettings,
    pub qualify: QualifySettings,
    pub subscriptions: SubscriptionSettings,
    pub guard: GuardSettings,
    pub trunks: Vec<TrunkSettings>,
    /// Whether a desk phone hears a tone when nothing comes from the other side any more.
    pub silence_tone: bool,
    /// Networks over which SRTP's keys may travel without TLS.
    pub key_networks: Vec<Source>,
    /// Ticket numbers asked of the store at a time.
    pub number_block: u32,
    /// The prompt files as they are; a reload brings others.
    pub voice: Voice,
    /// Calls at once; the next caller hears 503. Bounds the memory.
    pub max_calls: usize,
}

/// The house's prompt files, for tickets that have to prove what was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Voice(pub BTreeMap<Prompt, PromptFile>);

impl Voice {
    /// That prompt's file; one without a name where the prompt has none.
    pub fn file(&self, prompt: Prompt) -> PromptFile {
        self.0.get(&prompt).cloned().unwrap_or(PromptFile { name: String::new(), sha256: None })
    }
}

/// RFC 3261 §10.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrarSettings {
    /// Shorter is refused with 423 and Min-Expires.
    pub min_expires: Duration,
    /// Longer is granted as this.
    pub max_expires: Duration,
    /// Where the phone asks for nothing.
    pub default_expires: Duration,
    /// Bindings of one phone; the oldest goes when one more comes.
    pub max_bindings: usize,
}

/// OPTIONS that ask whether a phone is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QualifySettings {
    /// From one question to the next; `None`: phones are not asked.
    pub interval: Option<Duration>,
    /// A phone that has not answered within this time counts as unreachable.
    pub timeout: Duration,
}

/// RFC 6665: keys with lamps on desk phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionSettings {
    pub lifetime: Lifetime,
    /// Subscriptions of one phone; one more is answered 503.
    pub per_phone: usize,
}

/// How many wrong passwords one address may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardSettings {
    /// Failures within `window`; 0 switches the guard off.
    pub failures: u32,
    pub window: Duration,
    /// How long the address is ignored afterwards.
    pub ban: Duration,
    /// A nonce of ours is good for this long; phones are then asked again without their user noticing.
    pub nonce_lifetime: Duration,
    pub digest: Offered,
}

/// The passwords of the desk phones, by name. Never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Passwords(pub BTreeMap<String, String>);

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passwords({} phones)", self.0.len())
    }
}

/// One trunk: the way from and to the telephone network.
#[derive(Debug, Clone)]
pub struct TrunkSettings {
    pub name: String,
    pub kind: TrunkKind,
    /// Servers in order of preference.
    pub servers: Vec<Server>,
    pub transport: Transport,
    pub listener: ListenerId,
    /// The domain in our From and To; mostly the server's name.
    pub domain: String,
    /// Our own number on this trunk: the user in From (`decisions.md` 10) and in Contact.
    pub number: String,
    pub credentials: Option<crate::sip::ua::Credentials>,
    /// Where its calls may come from, beside the servers' own addresses.
    pub sources: Vec<Source>,
    /// OPTIONS at this interval; `None`: the trunk is not asked.
    pub qualify: Option<Duration>,
    /// The hotline that its calls are for when their Request-URI names none.
    pub hotline: Option<String>,
    /// What we offer there, in this order.
    pub codecs: Vec<AudioCodec>,
    pub srtp: Encryption,
    pub caller_identity: CallerIdentity,
    /// Diversion: the hotline's number, with its reason (RFC 5806).
    pub diversion: bool,
    /// Our token in User-to-User (RFC 7433), to recognise a forwarded call that comes back.
    pub user_to_user: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkKind {
    /// We register there.
    Register {
        expires: Duration,
        /// First wait after a failure.
        retry_min: Duration,
        /// The longest wait; it never gives up.
        retry_max: Duration,
    },
    /// Known by its address.
    Static,
}

/// How to find a trunk's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    Address(SocketAddr),
    /// A name for SRV (no port) or A/AAAA (with port).
    Name {
        host: String,
        port: Option<u16>,
    },
}

/// Where a trunk's calls come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub network: IpAddr,
    /// Leading bits that count.
    pub prefix: u8,
    /// Any port where `None`.
    pub port: Option<u16>,
}

impl Source {
    /// Whether `address` lies in this network (and comes from this port).
    pub fn contains(&self, address: SocketAddr) -> bool {
        if self.port.is_some_and(|port| port != address.port()) {
            return false;
        }
        let same_bits = |ours: u128, theirs: u128, width: u32| {
            let keep = u32::from(self.prefix).min(width);
            keep == 0 || (ours ^ theirs) >> (width - keep) == 0
        };
        match (self.network, address.ip().to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                same_bits(u128::from(u32::from(ours)), u128::from(u32::from(theirs)), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => same_bits(u128::from(ours), u128::from(theirs), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// How a forwarded call tells the mobile who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerIdentity {
    /// P-Asserted-Identity (RFC 3325).
    Asserted,
    /// In From, for carriers that look at nothing else.
    From,
    /// Not at all.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_takes_its_network_and_nothing_else() {
        let source = Source { network: "10.1.2.0".parse().unwrap(), prefix: 24, port: None };
        for (address, inside) in
            [("10.1.2.200:5060", true), ("10.1.3.1:5060", false), ("[::ffff:10.1.2.9]:1", true)]
        {
            assert_eq!(source.contains(address.parse().unwrap()), inside, "{address}");
        }
        let one = Source { network: "127.0.0.1".parse().unwrap(), prefix: 32, port: Some(5090) };
        assert!(one.contains("127.0.0.1:5090".parse().unwrap()));
        assert!(!one.contains("127.0.0.1:5091".parse().unwrap()));
    }
}
