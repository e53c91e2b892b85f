//! How many descriptors (sockets, files) the system lets the daemon have open. Systems give 1024 by
//! default and more to who asks; a hundred calls take more than four hundred for media alone.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors beside the media ports: recordings being written, database, connections, the loops' own.
const BESIDE_MEDIA: u64 = 500;

/// Raises the soft limit to the hard one, and warns where that is too low for the media ports: with all
/// descriptors in use, calls are refused.
pub(super) fn raise(port_min: u16, port_max: u16) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "limit of open files not raised");
            limit.current
        }
    };
    let wanted = wanted(port_min, port_max);
    if let Some(allowed) = allowed.filter(|allowed| *allowed < wanted) {
        tracing::warn!(
            allowed,
            wanted,
            "too few open files for all media ports: raise LimitNOFILE= or narrow them"
        );
    }
}

/// Two for each pair of ports (RTP and RTCP), and the others.
fn wanted(port_min: u16, port_max: u16) -> u64 {
    let pairs = u64::from(port_max.saturating_sub(port_min)).div_ceil(2);
    pairs * 2 + BESIDE_MEDIA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_of_the_range_has_a_descriptor() {
        assert_eq!(wanted(20_000, 29_999), 10_000 + BESIDE_MEDIA);
        assert_eq!(wanted(20_000, 20_001), 2 + BESIDE_MEDIA);
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        raise(20_000, 20_001);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
