//! Networks that a trunk's calls may come from.

use std::{net::IpAddr, str::FromStr};

/// An address with a prefix length: `203.0.113.0/24`, `2001:db8::/32`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    /// 0 to 32, or 0 to 128.
    pub prefix: u8,
}

/// Text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network looks like 203.0.113.0/24")]
pub struct BadNetwork;

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| BadNetwork)?
            }
            Some(_) => return Err(BadNetwork),
            None => longest,
        };
        if prefix > longest {
            return Err(BadNetwork);
        }
        Ok(Self { address, prefix })
    }
}

impl Network {
    /// Whether the address lies in it. An IPv4 address written as IPv6 (`::ffff:203.0.113.5`), as a
    /// dual-stack socket reports it, counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let free = 32_u32.saturating_sub(u32::from(self.prefix));
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(free).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let free = 128_u32.saturating_sub(u32::from(self.prefix));
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(free).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_its_networks_and_in_no_other() {
        for (network, address, inside) in [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.6", false),
            ("203.0.113.7", "::ffff:203.0.113.7", true),
            ("0.0.0.0/0", "198.51.100.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), inside, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "carrier.example", "203.0.113.0/33", "::/129", "203.0.113.0/", "1.2.3.4/+8", "1.2.3.4/8/8"]
        {
            assert_eq!(text.parse::<Network>(), Err(BadNetwork), "{text}");
        }
    }
}
