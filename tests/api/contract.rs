//! Every operation that is described is called, by every role; who may not is refused.

use std::collections::BTreeSet;

use hotlined::{
    console::http,
    desk::people::{Right, Role},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Bench;

/// What one operation needs, and what it answers to who may.
struct Row {
    method: &'static str,
    /// As the description has it.
    operation: &'static str,
    /// As it is called; `TICKET` stands for the call that was played.
    path: &'static str,
    /// `None`: open to everybody.
    right: Option<Right>,
    body: Option<Value>,
    answer: u16,
}

fn row(method: &'static str, operation: &'static str, path: &'static str, right: Right, answer: u16) -> Row {
    Row { method, operation, path, right: Some(right), body: None, answer }
}

/// The table: one row for each operation of the description.
fn table() -> Vec<Row> {
    use Right::{Administer, Listen, Look, Oversee, Work};
    let with = |row: Row, body: Value| Row { body: Some(body), ..row };
    let open =
        |method, operation, path, answer| Row { right: None, ..row(method, operation, path, Look, answer) };
    vec![
        open("GET", "/health", "/health", 200),
        open("GET", "/openapi.json", "/openapi.json", 200),
        with(open("POST", "/session", "/session", 401), json!({ "name": "nobody", "password": "x" })),
        // What only a person who signed in may do is refused to a token, with 403 and its own words.
        row("DELETE", "/session", "/session", Look, 403),
        with(row("PUT", "/me/password", "/me/password", Look, 403), json!({ "old": "a", "new": "b" })),
        with(row("POST", "/me/codes", "/me/codes", Look, 403), json!({ "password": "x" })),
        with(row("PUT", "/me/codes", "/me/codes", Look, 403), json!({ "code": "123456" })),
        with(row("DELETE", "/me/codes", "/me/codes", Look, 403), json!({ "password": "x" })),
        with(row("POST", "/me/tokens", "/me/tokens", Look, 403), json!({ "name": "x", "scopes": ["look"] })),
        row("GET", "/me", "/me", Look, 200),
        row("GET", "/me/tokens", "/me/tokens", Look, 200),
        row("DELETE", "/me/tokens/{key}", "/me/tokens/999", Look, 404),
        row("GET", "/status", "/status", Look, 200),
        row("GET", "/outages", "/outages?limit=10", Look, 200),
        with(row("POST", "/desk/away", "/desk/away", Work, 200), json!({ "minutes": 5 })),
        row("POST", "/desk/back", "/desk/back", Work, 200),
        row("POST", "/calls/{ticket}/end", "/calls/TICKET/end", Oversee, 409),
        row("POST", "/house/reload", "/house/reload", Administer, 200),
        row(
            "GET",
            "/tickets",
            "/tickets?outcome=answered%20by%20desk&verdict=good&direction=hotline",
            Look,
            200,
        ),
        row("GET", "/tickets/{id}", "/tickets/TICKET", Look, 200),
        with(
            row("PUT", "/tickets/{id}/remark", "/tickets/TICKET/remark", Work, 204),
            json!({ "remark": "漏水" }),
        ),
        row("GET", "/tickets/{id}/recording", "/tickets/TICKET/recording", Listen, 200),
        row("GET", "/tickets/{id}/peaks", "/tickets/TICKET/peaks", Listen, 200),
        // A stream without end: its test is in `events.rs`; here only that it is refused.
        row("GET", "/events", "/events?after=x", Look, 400),
        row("GET", "/access-log", "/access-log?limit=10", Oversee, 200),
        row("GET", "/users", "/users", Administer, 200),
        with(
            row("POST", "/users", "/users", Administer, 422),
            json!({ "name": "a b", "role": "operator", "password": "x" }),
        ),
        with(row("PATCH", "/users/{name}", "/users/operator", Administer, 200), json!({ "phone": "801" })),
        row("DELETE", "/users/{name}", "/users/nobody", Administer, 404),
        row("GET", "/tokens", "/tokens", Administer, 200),
        row("DELETE", "/tokens/{key}", "/tokens/999", Administer, 404),
    ]
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let description = serde_json::to_value(http::description()).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let right = operation["security"][1]["token"][0].as_str().unwrap_or("open");
            described.insert(format!(
                "{} {} {right}",
                method.to_uppercase(),
                path.trim_start_matches("/api/v1")
            ));
        }
    }
    let rows: BTreeSet<String> = table()
        .iter()
        .map(|row| format!("{} {} {}", row.method, row.operation, row.right.map_or("open", Right::word)))
        .collect();
    assert_eq!(described, rows);
}

/// `HOTLINED_BLESS=1 cargo test` writes it anew.
#[test]
fn the_committed_description_is_the_generated_one() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let generated = serde_json::to_string_pretty(&http::description()).unwrap() + "\n";
    if std::env::var_os("HOTLINED_BLESS").is_some() {
        std::fs::write(&file, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == generated,
        "docs/openapi.json is not what the code says: HOTLINED_BLESS=1 writes it anew"
    );
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_is_refused_the_rest() {
    let bench = Bench::start().await;
    let ticket = bench.ticket().await;
    let mut callers = vec![(None, String::new())];
    for role in Role::ALL {
        callers.push((Some(role), bench.token(role).await));
    }
    for row in table() {
        let path = row.path.replace("TICKET", &ticket);
        let method: Method = row.method.parse().unwrap();
        for (role, token) in &callers {
            let wanted = match (row.right, role) {
                (None, _) => row.answer,
                (Some(_), None) => 401,
                (Some(right), Some(role)) if role.may(right) => row.answer,
                (Some(_), Some(_)) => 403,
            };
            let answer = bench.call(method.clone(), &path, token, row.body.clone()).await;
            let said = String::from_utf8_lossy(&answer.bytes[..answer.bytes.len().min(300)]).into_owned();
            assert_eq!(answer.status.as_u16(), wanted, "{role:?}: {} {path}: {said}", row.method);
            if wanted == 403 && row.answer != 403 {
                assert_eq!(answer.json()["type"], "urn:hotlined:forbidden");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_understood_is_answered_with_what_to_do() {
    let bench = Bench::start().await;
    let token = bench.token(Role::Administrator).await;
    let ticket = bench.ticket().await;
    for (method, path, body, status, words) in [
        ("GET", "/tickets/7", None, 400, "a ticket id looks like 20261123-0007"),
        ("GET", "/tickets/20200101-0001", None, 404, "there is no ticket 20200101-0001"),
        ("GET", "/tickets?outcome=lost", None, 400, "outcome: \"lost\" is no outcome"),
        ("GET", "/tickets?colour=red", None, 400, "unknown field `colour`"),
        ("GET", "/tickets?since=yesterday", None, 400, "since"),
        ("POST", "/desk/away", Some(json!({ "minutes": 0 })), 422, "1 to 1440"),
        ("POST", "/desk/away", Some(json!({ "hours": 1 })), 400, "unknown field `hours`"),
        ("PATCH", "/users/administrator", Some(json!({ "role": "operator" })), 409, "last administrator"),
        ("PATCH", "/users/administrator", Some(json!({ "role": "king" })), 422, "a role is operator"),
    ] {
        let answer = bench.call(method.parse().unwrap(), path, &token, body).await;
        let problem = answer.json();
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {problem}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{method} {path}: {problem}");
    }
    let nowhere = bench.http.get(format!("{}/api/v1/nowhere", bench.base)).send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    assert_eq!(nowhere.headers()["content-type"], "application/problem+json");
    let huge = json!({ "remark": "x".repeat(2 << 20) });
    let answer = bench.call(Method::PUT, &format!("/tickets/{ticket}/remark"), &token, Some(huge)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a body that is too large");
}

#[tokio::test]
async fn a_list_goes_on_where_its_page_ended() {
    let bench = Bench::start().await;
    let token = bench.token(Role::Operator).await;
    let first = bench.call(Method::GET, "/tickets?limit=1", &token, None).await.json();
    let next = first["next"].as_str().unwrap();
    assert_eq!(next, first["tickets"][0]["id"]);
    let second =
        bench.call(Method::GET, &format!("/tickets?limit=1&after={next}"), &token, None).await.json();
    assert_eq!(second, json!({ "tickets": [], "next": null }));
}

#[tokio::test]
async fn a_recording_is_read_in_ranges_uncompressed_and_each_listening_is_on_record() {
    let bench = Bench::start().await;
    let token = bench.token(Role::Supervisor).await;
    let path = format!("/tickets/{}/recording", bench.ticket().await);
    let whole = bench.call(Method::GET, &path, &token, None).await;
    assert_eq!(&whole.bytes[..4], b"RIFF");
    assert_eq!((whole.header("content-type"), whole.header("accept-ranges")), ("audio/wav", "bytes"));
    let url = format!("{}/api/v1{path}", bench.base);
    let request = bench.http.get(&url).bearer_auth(&token).header("range", "bytes=44-143");
    let request = request.header("accept-encoding", "gzip");
    let part = bench.send(&Method::GET, &path, request).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes, whole.bytes[44..144]);
    assert_eq!(part.header("content-range"), format!("bytes 44-143/{}", whole.bytes.len()));
    assert_eq!(part.header("content-encoding"), "");
    let beyond = bench.http.get(&url).bearer_auth(&token).header("range", "bytes=999999999-");
    assert_eq!(beyond.send().await.unwrap().status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let log = bench.call(Method::GET, "/access-log", &token, None).await.json();
    let lines = log["lines"].as_array().unwrap();
    let heard: Vec<&str> = lines
        .iter()
        .filter(|line| line["what"] == "listened")
        .map(|line| line["who"].as_str().unwrap())
        .collect();
    assert_eq!(heard, ["supervisor (test)"], "three requests are one listening");
}
