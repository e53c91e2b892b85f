//! Getting in: passwords, cookies, codes, limits.

use hotlined::{
    console::http::password,
    desk::people::Role,
    store::people::{Totp, User},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Bench, PASSWORD};

impl Bench {
    /// Adds somebody who can sign in.
    async fn person(&self, name: &str, role: Role) {
        let hash = password::hash(name, PASSWORD, &[7; 32]).unwrap();
        let created = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let user = User {
            name: name.into(),
            role,
            phone: None,
            password: hash,
            totp: Totp::Off,
            locked: false,
            created,
        };
        assert!(self.editor().await.add_user(user).await.unwrap());
    }

    async fn sign_in(&self, body: Value) -> Answer {
        self.call(Method::POST, "/session", "", Some(body)).await
    }

    /// As a browser asks that shows a page of ours.
    fn browse(&self, method: Method, path: &str, cookie: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        request.header("cookie", cookie).header("origin", &self.base)
    }

    async fn browsed(&self, method: Method, path: &str, cookie: &str, body: Option<Value>) -> Answer {
        let mut request = self.browse(method.clone(), path, cookie);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(&method, path, request).await
    }
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// The codes of this moment's time step and the next.
#[expect(clippy::disallowed_methods, reason = "the daemon's codes are of this very moment")]
fn codes(secret: &[u8]) -> impl Iterator<Item = String> + '_ {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 30;
    (now..now + 2).map(move |step| password::code(secret, step))
}

#[tokio::test]
async fn a_session_begins_with_the_password_and_ends_with_goodbye() {
    let bench = Bench::start().await;
    bench.person("王芳", Role::Operator).await;
    for (name, wrong) in [("王芳", "wrong horse battery"), ("nobody", PASSWORD)] {
        let refused = bench.sign_in(json!({ "name": name, "password": wrong })).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.json()["type"], "urn:hotlined:wrong-credentials", "{name}");
    }
    let signed_in = bench.sign_in(json!({ "name": "王芳", "password": PASSWORD })).await;
    assert_eq!(signed_in.status, StatusCode::OK);
    assert_eq!(signed_in.json()["rights"], json!(["look", "work"]));
    let set = signed_in.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=86400"] {
        assert!(set.contains(part), "{set}");
    }
    let cookie = cookie(&signed_in);
    let me = bench.browsed(Method::GET, "/me", &cookie, None).await;
    assert_eq!((&me.json()["name"], &me.json()["by"]), (&json!("王芳"), &json!("session")));

    let foreign = bench.browse(Method::POST, "/desk/back", &cookie).header("origin", "https://evil.example");
    // reqwest appends: the first Origin must not count either.
    let foreign = foreign.build().unwrap();
    let mut foreign = foreign.try_clone().unwrap();
    foreign.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(bench.http.execute(foreign).await.unwrap().status(), StatusCode::FORBIDDEN);
    let ours = bench.browsed(Method::POST, "/desk/back", &cookie, None).await;
    assert_eq!(ours.status, StatusCode::OK);

    let out = bench.browsed(Method::DELETE, "/session", &cookie, None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(bench.browsed(Method::GET, "/me", &cookie, None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_guesses_is_slowed_down() {
    let bench = Bench::start_with("[log]\nlevel = \"error\"").await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(bench.sign_in(json!({ "name": "nobody", "password": "x" })).await);
    }
    let last = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.status == StatusCode::UNAUTHORIZED));
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn one_time_codes_are_asked_for_once_confirmed_and_count_once() {
    let bench = Bench::start().await;
    bench.person("li", Role::Supervisor).await;
    let credentials = json!({ "name": "li", "password": PASSWORD });
    let cookie = cookie(&bench.sign_in(credentials.clone()).await);
    let offered =
        bench.browsed(Method::POST, "/me/codes", &cookie, Some(json!({ "password": PASSWORD }))).await.json();
    let secret = data_encoding::BASE32_NOPAD.decode(offered["secret"].as_str().unwrap().as_bytes()).unwrap();
    assert!(offered["address"].as_str().unwrap().starts_with("otpauth://totp/hotlined:li?secret="));
    assert_eq!(bench.sign_in(credentials.clone()).await.status, StatusCode::OK, "not confirmed yet");

    let mut codes = codes(&secret);
    let code = codes.next().unwrap();
    let confirmed = bench.browsed(Method::PUT, "/me/codes", &cookie, Some(json!({ "code": code }))).await;
    assert_eq!(confirmed.status, StatusCode::NO_CONTENT);
    let asked = bench.sign_in(credentials.clone()).await;
    assert_eq!(asked.json()["type"], "urn:hotlined:code-needed");
    let mut with_code = credentials.clone();
    with_code["code"] = json!(code);
    assert_eq!(bench.sign_in(with_code.clone()).await.status, StatusCode::UNAUTHORIZED, "the code was used");
    with_code["code"] = json!(codes.next().unwrap());
    assert_eq!(bench.sign_in(with_code).await.status, StatusCode::OK);

    let off =
        bench.browsed(Method::DELETE, "/me/codes", &cookie, Some(json!({ "password": PASSWORD }))).await;
    assert_eq!(off.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.sign_in(credentials).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_person_changes_their_password_and_makes_tokens_that_may_less_than_they() {
    let bench = Bench::start().await;
    bench.person("root", Role::Administrator).await;
    let cookie = cookie(&bench.sign_in(json!({ "name": "root", "password": PASSWORD })).await);
    let wanted = json!({ "name": "wall", "scopes": ["look"], "expires": null });
    let made = bench.browsed(Method::POST, "/me/tokens", &cookie, Some(wanted)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let token = made["secret"].as_str().unwrap();
    assert!(token.starts_with("hlt_"));
    assert_eq!(bench.call(Method::GET, "/status", token, None).await.status, StatusCode::OK);
    assert_eq!(bench.call(Method::GET, "/users", token, None).await.status, StatusCode::FORBIDDEN);
    let file = std::fs::read(bench.path("hotlined.db")).unwrap();
    let log = std::fs::read(bench.path("hotlined.db-wal")).unwrap_or_default();
    for secret in [token, cookie.split_once('=').unwrap().1, PASSWORD] {
        let found =
            [&file, &log].iter().any(|bytes| bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
        assert!(!found, "a secret lies in the database");
    }
    let path = format!("/me/tokens/{}", made["key"]);
    assert_eq!(bench.browsed(Method::DELETE, &path, &cookie, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.call(Method::GET, "/status", token, None).await.status, StatusCode::UNAUTHORIZED);

    let user = json!({ "name": "li", "role": "supervisor", "password": PASSWORD });
    let added = bench.browsed(Method::POST, "/users", &cookie, Some(user.clone())).await;
    assert_eq!((added.status, &added.json()["role"]), (StatusCode::CREATED, &json!("supervisor")));
    let twice = bench.browsed(Method::POST, "/users", &cookie, Some(user)).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert_eq!(bench.sign_in(json!({ "name": "li", "password": PASSWORD })).await.status, StatusCode::OK);
    let lock = bench.browsed(Method::PATCH, "/users/li", &cookie, Some(json!({ "locked": true }))).await;
    assert_eq!(lock.json()["locked"], json!(true));
    let locked = bench.sign_in(json!({ "name": "li", "password": PASSWORD })).await;
    assert_eq!(locked.status, StatusCode::UNAUTHORIZED);
    let gone = bench.browsed(Method::DELETE, "/users/li", &cookie, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);

    let change = json!({ "old": PASSWORD, "new": "another long one" });
    let changed = bench.browsed(Method::PUT, "/me/password", &cookie, Some(change)).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.browsed(Method::GET, "/me", &cookie, None).await.status, StatusCode::UNAUTHORIZED);
    let again = bench.sign_in(json!({ "name": "root", "password": "another long one" })).await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_nobody_uses_is_over() {
    let bench = Bench::start().await;
    bench.person("li", Role::Supervisor).await;
    let cookie = cookie(&bench.sign_in(json!({ "name": "li", "password": PASSWORD })).await);
    let hash = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        cookie.split_once('=').unwrap().1,
    ));
    let long_ago = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    bench.editor().await.touch_session(hash.into(), long_ago).await.unwrap();
    assert_eq!(bench.browsed(Method::GET, "/me", &cookie, None).await.status, StatusCode::UNAUTHORIZED);
}
