//! Why the media room could not be started.

use std::{io, net::IpAddr};

/// Why [`super::Media::start`] failed. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// No pair of ports fits: the setting must be widened.
    #[error("media ports {min}-{max} hold no even and odd pair")]
    NoPorts { min: u16, max: u16 },
    /// No address to bind was given for either family.
    #[error("no media address")]
    NoAddress,
    /// Peers cannot be told an unspecified address: an advertised one must be set.
    #[error("media address {bind} needs an advertised address")]
    NothingAdvertised { bind: IpAddr },
    /// The recorder could not start.
    #[error("recorder")]
    Recorder(#[source] io::Error),
    /// The system refused a thread, an epoll or an event descriptor.
    #[error("media {what}")]
    System {
        what: &'static str,
        #[source]
        cause: io::Error,
    },
}
