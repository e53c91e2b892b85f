//! Against a name server of our own on the loop-back interface.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::{
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::{
        op::{Message, OpCode, ResponseCode},
        rr::{Name, Record, rdata::SRV},
    },
};
use tokio::net::UdpSocket;

use super::*;

/// What the name server knows.
type Zone = Vec<(&'static str, RData)>;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, weight, port, name(target)))
}

fn a(last: u8) -> RData {
    RData::A(Ipv4Addr::new(192, 0, 2, last).into())
}

fn aaaa(last: u16) -> RData {
    RData::AAAA(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into())
}

/// A resolver that asks a name server which knows that and nothing else.
async fn asking(zone: Zone) -> TokioResolver {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut bytes = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            let answer = answer(&zone, &Message::from_vec(&bytes[..length]).unwrap());
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    let mut connection = ConnectionConfig::udp();
    connection.port = port;
    let server = NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, vec![connection]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap()
}

fn answer(zone: &Zone, question: &Message) -> Message {
    let query = question.queries.first().unwrap().clone();
    let known: Vec<&RData> =
        zone.iter().filter(|(owner, _)| name(owner) == *query.name()).map(|(_, data)| data).collect();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.authoritative = true;
    if known.is_empty() {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    for data in known.into_iter().filter(|data| data.record_type() == query.query_type()) {
        answer.add_answer(Record::from_rdata(query.name().clone(), 60, data.clone()));
    }
    answer.add_query(query);
    answer
}

fn named(host: &str, port: Option<u16>) -> Server {
    Server::Name { host: host.to_owned(), port }
}

async fn found(zone: Zone, servers: Vec<Server>, transport: Transport) -> Vec<String> {
    let resolver = asking(zone).await;
    look_up(&resolver, servers, transport).await.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_trunks_servers_come_by_priority_and_the_heavier_of_equals_first() {
    let zone = vec![
        ("_sip._udp.carrier.example.", srv(20, 0, 5070, "spare.carrier.example.")),
        ("_sip._udp.carrier.example.", srv(10, 10, 5061, "light.carrier.example.")),
        ("_sip._udp.carrier.example.", srv(10, 90, 5062, "heavy.carrier.example.")),
        ("spare.carrier.example.", a(3)),
        ("light.carrier.example.", a(2)),
        ("heavy.carrier.example.", a(1)),
        ("carrier.example.", a(9)),
    ];
    let found = found(zone, vec![named("carrier.example", None)], Transport::Udp).await;
    assert_eq!(found, ["192.0.2.1:5062", "192.0.2.2:5061", "192.0.2.3:5070"]);
}

#[tokio::test]
async fn the_transport_chooses_the_service() {
    let zone = || {
        vec![
            ("_sip._udp.carrier.example.", srv(0, 0, 5001, "one.carrier.example.")),
            ("_sip._tcp.carrier.example.", srv(0, 0, 5002, "one.carrier.example.")),
            ("_sips._tcp.carrier.example.", srv(0, 0, 5003, "one.carrier.example.")),
            ("one.carrier.example.", a(1)),
        ]
    };
    for (transport, port) in [(Transport::Udp, 5001), (Transport::Tcp, 5002), (Transport::Tls, 5003)] {
        let found = found(zone(), vec![named("carrier.example", None)], transport).await;
        assert_eq!(found, [format!("192.0.2.1:{port}")]);
    }
}

#[tokio::test]
async fn a_server_with_both_families_can_be_tried_by_both() {
    let zone = vec![
        ("_sip._udp.carrier.example.", srv(0, 0, 5060, "one.carrier.example.")),
        ("one.carrier.example.", a(1)),
        ("one.carrier.example.", aaaa(1)),
    ];
    let mut found = found(zone, vec![named("carrier.example", None)], Transport::Udp).await;
    found.sort();
    assert_eq!(found, ["192.0.2.1:5060", "[2001:db8::1]:5060"]);
}

#[tokio::test]
async fn a_name_without_services_is_itself_the_server_on_the_usual_port() {
    for (transport, port) in [(Transport::Udp, 5060), (Transport::Tls, 5061)] {
        let zone = vec![("carrier.example.", a(9))];
        let found = found(zone, vec![named("carrier.example", None)], transport).await;
        assert_eq!(found, [format!("192.0.2.9:{port}")]);
    }
}

#[tokio::test]
async fn a_name_with_a_port_is_asked_for_no_service() {
    let zone = vec![
        ("_sip._udp.carrier.example.", srv(0, 0, 5001, "one.carrier.example.")),
        ("one.carrier.example.", a(1)),
        ("carrier.example.", a(9)),
    ];
    let found = found(zone, vec![named("carrier.example", Some(5080))], Transport::Udp).await;
    assert_eq!(found, ["192.0.2.9:5080"]);
}

#[tokio::test]
async fn a_name_that_nobody_knows_leaves_the_other_servers_and_none_counts_twice() {
    let address: SocketAddr = "192.0.2.7:5060".parse().unwrap();
    let zone = vec![
        ("_sip._udp.carrier.example.", srv(1, 0, 5060, "gone.carrier.example.")),
        ("_sip._udp.carrier.example.", srv(2, 0, 5060, "one.carrier.example.")),
        ("one.carrier.example.", a(7)),
    ];
    let servers =
        vec![named("nowhere.example", None), named("carrier.example", None), Server::Address(address)];
    assert_eq!(found(zone, servers, Transport::Udp).await, ["192.0.2.7:5060"]);
    assert!(found(vec![], vec![named("nowhere.example", None)], Transport::Udp).await.is_empty());
}
