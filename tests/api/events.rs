//! Server-sent events: live, and after a break exactly what was missed.

use futures_util::StreamExt;
use hotlined::desk::people::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Bench;

/// A stream being read.
struct Listening {
    bytes: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

/// One event as it came.
#[derive(Debug, PartialEq)]
struct Heard {
    id: u64,
    kind: String,
    data: Value,
}

impl Bench {
    async fn listen(&self, token: &str, last: Option<u64>) -> Listening {
        let mut request = self.http.get(format!("{}/api/v1/events", self.base)).bearer_auth(token);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listening { bytes: Box::pin(response.bytes_stream()), text: String::new() }
    }
}

impl Listening {
    /// The next event of the desk: a carrier that is not there makes events of its own.
    async fn next_of_desk(&mut self) -> Option<Heard> {
        loop {
            let heard = self.next().await?;
            if heard.kind.starts_with("desk.") {
                return Some(heard);
            }
        }
    }

    /// The next event; heartbeats are passed over.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                if let Some(kind) = field("event:") {
                    let data = serde_json::from_str(&field("data:").unwrap()).unwrap();
                    return Some(Heard { id: field("id:").unwrap().parse().unwrap(), kind, data });
                }
            }
            self.text += std::str::from_utf8(&self.bytes.next().await?.ok()?).unwrap();
        }
    }
}

#[tokio::test]
async fn who_comes_back_hears_what_was_missed_once_and_in_order_also_over_a_restart() {
    let mut bench = Bench::start().await;
    let token = bench.token(Role::Operator).await;
    let mut live = bench.listen(&token, None).await;
    let away = json!({ "minutes": null });
    bench.call(Method::POST, "/desk/away", &token, Some(away.clone())).await;
    let first = live.next_of_desk().await.unwrap();
    assert_eq!((first.kind.as_str(), &first.data["subject"]), ("desk.away", &json!("operator (test)")));
    assert_eq!(first.data["id"], json!(first.id));
    drop(live);

    for path in ["/desk/back", "/desk/away", "/desk/back"] {
        let body = path.ends_with("away").then(|| away.clone());
        assert_eq!(bench.call(Method::POST, path, &token, body).await.status, StatusCode::OK);
    }
    let mut again = bench.listen(&token, Some(first.id)).await;
    let mut missed = Vec::new();
    for _ in 0..3 {
        missed.push(again.next_of_desk().await.unwrap());
    }
    assert_eq!(
        missed.iter().map(|h| h.kind.as_str()).collect::<Vec<_>>(),
        ["desk.back", "desk.away", "desk.back"]
    );
    assert!(missed.is_sorted_by(|a, b| a.id < b.id));

    bench.halt().await;
    assert_eq!(again.next_of_desk().await, None, "the stream ends with the daemon");
    bench.run().await;
    let mut after = bench.listen(&token, Some(first.id)).await;
    for wanted in &missed {
        assert_eq!(after.next_of_desk().await.as_ref(), Some(wanted), "out of the database");
    }
    bench.call(Method::POST, "/desk/away", &token, Some(away)).await;
    loop {
        let heard = after.next_of_desk().await.unwrap();
        assert!(heard.id > missed[2].id);
        if heard.kind == "desk.away" {
            break;
        }
    }
    bench.halt().await;
}

#[tokio::test]
async fn the_steps_of_a_call_are_told_with_its_ticket() {
    let mut bench = Bench::start().await;
    let token = bench.token(Role::Operator).await;
    let ticket = bench.ticket().await;
    let mut past = bench.listen(&token, Some(0)).await;
    let mut steps = Vec::new();
    while steps.last().is_none_or(|last| last != "ticket.recorded") {
        let heard = past.next().await.unwrap();
        if heard.kind.starts_with("ticket.") {
            assert_eq!(heard.data["ticket"]["id"], json!(ticket));
            assert_eq!(heard.data["ticket"]["outcome"], json!("answered by desk"));
            steps.push(heard.kind);
        }
    }
    assert_eq!(
        steps,
        ["ticket.received", "ticket.answered", "ticket.outcome", "ticket.ended", "ticket.recorded"]
    );
    bench.halt().await;
}
