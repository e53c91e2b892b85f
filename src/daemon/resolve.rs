//! Finding a trunk's servers by name (RFC 3263), off the loop.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use hickory_resolver::{TokioResolver, proto::rr::RData};

use crate::{sip::hop::Transport, switch::settings::Server};

/// A name server that says nothing in this time says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Addresses of these servers in order of preference, without doubles; empty where there are none.
pub(super) async fn resolve(servers: Vec<Server>, transport: Transport) -> Vec<SocketAddr> {
    let resolver = match TokioResolver::builder_tokio().and_then(|builder| builder.build()) {
        Ok(resolver) => resolver,
        Err(error) => {
            tracing::warn!(%error, "this machine names no name server");
            let plain = |server| match server {
                Server::Address(address) => Some(address),
                Server::Name { .. } => None,
            };
            return servers.into_iter().filter_map(plain).collect();
        }
    };
    match tokio::time::timeout(PATIENCE, look_up(&resolver, servers, transport)).await {
        Ok(addresses) => addresses,
        Err(_) => {
            tracing::warn!("name servers do not answer");
            Vec::new()
        }
    }
}

async fn look_up(resolver: &TokioResolver, servers: Vec<Server>, transport: Transport) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for server in servers {
        let addresses = match server {
            Server::Address(address) => vec![address],
            Server::Name { host, port: Some(port) } => hosts(resolver, &host, port).await,
            Server::Name { host, port: None } => by_service(resolver, &host, transport).await,
        };
        for address in addresses {
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    found
}

/// SRV first (RFC 3263 §4.2), by priority and, within one priority, by weight: heavier first. We ask one
/// at a time, so the random draw of RFC 2782 would only change which of equals comes first.
async fn by_service(resolver: &TokioResolver, host: &str, transport: Transport) -> Vec<SocketAddr> {
    let service = match transport {
        Transport::Udp => format!("_sip._udp.{host}."),
        Transport::Tcp => format!("_sip._tcp.{host}."),
        Transport::Tls => format!("_sips._tcp.{host}."),
    };
    let mut ranked: BTreeMap<(u16, u16), Vec<(String, u16)>> = BTreeMap::new();
    if let Ok(answer) = resolver.srv_lookup(service).await {
        for record in answer.answers() {
            if let RData::SRV(srv) = &record.data {
                let rank = (srv.priority, u16::MAX - srv.weight);
                ranked.entry(rank).or_default().push((srv.target.to_utf8(), srv.port));
            }
        }
    }
    if ranked.is_empty() {
        return hosts(resolver, host, transport.default_port()).await;
    }
    let mut addresses = Vec::new();
    for (target, port) in ranked.into_values().flatten() {
        addresses.extend(hosts(resolver, &target, port).await);
    }
    addresses
}

async fn hosts(resolver: &TokioResolver, host: &str, port: u16) -> Vec<SocketAddr> {
    match resolver.lookup_ip(host).await {
        Ok(answer) => answer.iter().map(|ip| SocketAddr::new(ip, port)).collect(),
        Err(error) => {
            tracing::warn!(host, %error, "name not resolved");
            Vec::new()
        }
    }
}
