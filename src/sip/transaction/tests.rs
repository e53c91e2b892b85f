//! The layer as its user sees it: text in, text out, in virtual time.

mod any_order;
mod client;
mod server;

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{ClientTx, Happened, ServerTx, Transactions, ladder::a_moment};
use crate::sip::{
    hop::{FlowId, Hop, Listener, ListenerId, Transport},
    message::{Headers, Message, Method, Request, Response, Status},
    parse,
    ua::UaSettings,
};

/// A layer at 192.0.2.1 and whoever talks to it.
struct Bench {
    layer: Transactions,
    start: Instant,
    now: Instant,
    /// The transactions that were told of, in order.
    servers: Vec<ServerTx>,
    /// Their methods.
    told: Vec<Method>,
    requests: Vec<Request>,
    /// Those INVITEs among them that were told to be over, in order.
    ended: Vec<ServerTx>,
    /// Requests of ours that had a final answer (more than once for forked 2xx), or none.
    answered: Vec<ClientTx>,
    unanswered: Vec<ClientTx>,
    responses: Vec<Response>,
    /// Everything sent, in order.
    sent: Vec<(Hop, String)>,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_settings| {})
    }

    fn with(change: impl FnOnce(&mut UaSettings)) -> Self {
        let listener = |id, transport, advertised: &str| Listener {
            id: ListenerId(id),
            transport,
            advertised: advertised.parse().unwrap(),
        };
        let mut settings = UaSettings {
            listeners: vec![
                listener(0, Transport::Udp, "192.0.2.1:5060"),
                listener(1, Transport::Tcp, "192.0.2.1:5060"),
            ],
            product: "test".into(),
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            session_expires: None,
            min_se: Duration::from_secs(90),
            tcp_fallback: true,
        };
        change(&mut settings);
        let start = a_moment();
        Self {
            layer: Transactions::new(&settings, ChaCha8Rng::from_seed([7; 32])),
            start,
            now: start,
            servers: Vec::new(),
            told: Vec::new(),
            requests: Vec::new(),
            ended: Vec::new(),
            answered: Vec::new(),
            unanswered: Vec::new(),
            responses: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Lets time pass, and answers with what happened meanwhile, one line each.
    fn run_to(&mut self, ms: u64) -> String {
        let end = self.start + Duration::from_millis(ms);
        let mut ladder = String::new();
        while let Some(at) = self.layer.deadline().filter(|at| *at <= end) {
            self.now = at;
            self.layer.deadline_passed(at);
            ladder += &self.happened();
        }
        self.now = end;
        ladder
    }

    /// A message comes in; answers with what happened.
    fn receive(&mut self, hop: Hop, text: &str) -> String {
        self.layer.receive(hop, text.replace('\n', "\r\n").as_bytes(), self.now);
        self.happened()
    }

    fn respond(&mut self, server: ServerTx, code: u16) -> String {
        let status = Status::new(code).unwrap();
        self.layer.respond(server, status, None, "ours", Headers::new(), Vec::new(), self.now);
        self.happened()
    }

    fn request(&mut self, text: &str, hop: Hop) -> (ClientTx, String) {
        let client = self.layer.request(request(text), hop, self.now);
        (client, self.happened())
    }

    fn happened(&mut self) -> String {
        let mut ladder = String::new();
        let ms = self.now.duration_since(self.start).as_millis();
        for happened in self.layer.take() {
            let line = match happened {
                Happened::Send { hop, bytes } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    let line = format!("→ {} {}", place(hop), start_line(&text));
                    self.sent.push((hop, text));
                    line
                }
                Happened::Request { server, request, hop } => {
                    self.servers.push(server);
                    self.told.push(request.method.clone());
                    let line = format!("request {} from {}", request.method, place(hop));
                    self.requests.push(request);
                    line
                }
                Happened::Ack { request, .. } => {
                    let line = format!("ACK {}", request.headers.call_id().unwrap());
                    self.requests.push(request);
                    line
                }
                Happened::Cancel { server, reason } => {
                    let nth = self.servers.iter().position(|s| *s == server).unwrap();
                    format!("request {nth} cancelled: {}", reason.as_deref().unwrap_or("no reason"))
                }
                Happened::Response { client, response, .. } => {
                    if response.status.is_final() {
                        self.answered.push(client);
                    }
                    let line = format!("response {}", response.status);
                    self.responses.push(response);
                    line
                }
                Happened::Stray { response, .. } => format!("stray {}", response.status),
                Happened::NoAnswer { client, why } => {
                    self.unanswered.push(client);
                    format!("no answer: {why:?}")
                }
                Happened::ServerEnded { server, acked } => {
                    self.ended.push(server);
                    let nth = self.servers.iter().position(|s| *s == server).unwrap();
                    format!("request {nth} ended{}", if acked { "" } else { " without ACK" })
                }
            };
            writeln!(ladder, "{ms} {line}").unwrap();
        }
        ladder
    }

    /// The last message sent.
    fn last(&self) -> &str {
        &self.sent.last().unwrap().1
    }

    fn is_empty(&self) -> bool {
        self.layer.clients.is_empty() && self.layer.servers.is_empty()
    }
}

fn place(hop: Hop) -> String {
    let flow = hop.flow.map(|flow| format!("#{}", flow.0)).unwrap_or_default();
    format!("{} {}{flow}", hop.transport.via_name().to_lowercase(), hop.remote)
}

fn udp(remote: &str) -> Hop {
    let remote: SocketAddr = remote.parse().unwrap();
    Hop { transport: Transport::Udp, listener: ListenerId(0), remote, flow: None }
}

fn tcp(remote: &str, flow: Option<u64>) -> Hop {
    let remote: SocketAddr = remote.parse().unwrap();
    Hop { transport: Transport::Tcp, listener: ListenerId(1), remote, flow: flow.map(FlowId) }
}

fn request(text: &str) -> Request {
    match parse::message(text.replace('\n', "\r\n").as_bytes()).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn start_line(text: &str) -> &str {
    text.lines().next().unwrap()
}

/// All lines of that header, with its name.
fn lines<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let is_it = |line: &&str| line.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name));
    text.lines().take_while(|line| !line.is_empty()).filter(is_it).collect()
}
