//! The API as programs and browsers meet it: the real daemon, real sockets, real database. Every answer is
//! checked against the description of the API.

mod contract;
mod events;
mod sign_in;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

use hotlined::{
    console::http,
    daemon::{
        demo::{self, Pace, Scene, Wish},
        serve, wiring,
    },
    desk::people::{Right, Role},
    store::{
        edit::Editor,
        people::{Totp, User},
        reader::{Reader, TicketFilter},
    },
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

/// The password of every user here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running daemon with its folder.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    description: Value,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A folder in which the demo has played that scene, once for the whole run.
fn played() -> &'static Path {
    static PLAYED: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    PLAYED
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let dir = Some(folder.path().to_owned());
            let wish = Wish {
                once: true,
                dir,
                scenario: Some(Scene::Answered),
                pace: Pace::brisk(),
                ..Wish::default()
            };
            std::thread::spawn(move || demo::run(&wish).unwrap()).join().unwrap();
            folder
        })
        .path()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if path.is_file() {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

impl Bench {
    /// A daemon whose database holds one recorded call.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with more lines in `hotlined.toml`.
    pub(crate) async fn start_with(more: &str) -> Self {
        // Another part of this process may have done so.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let played = tokio::task::spawn_blocking(played).await.unwrap();
        copy(played, folder.path());
        let file = folder.path().join("hotlined.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let here = folder.path().to_str().unwrap();
        let text = text.replace(played.canonicalize().unwrap().to_str().unwrap(), here);
        std::fs::write(&file, format!("{text}\n{more}\n")).unwrap();
        let mut bench = Self {
            folder,
            base: String::new(),
            http: reqwest::Client::new(),
            description: serde_json::to_value(http::description()).unwrap(),
            stop: None,
            thread: None,
        };
        bench.run().await;
        bench
    }

    /// Starts the daemon, again.
    pub(crate) async fn run(&mut self) {
        let (daemon, house) = (self.path("hotlined.toml"), self.path("house.toml"));
        let (tell, ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let read =
                wiring::read(&daemon, &house).unwrap_or_else(|f| panic!("{}", wiring::faults_text(&f)));
            let settings = wiring::settings(read, &daemon, &house).unwrap();
            let ready = |ready: serve::Ready| tell.send(ready.api).unwrap();
            let stop = async move { stopped.await.unwrap_or_default() };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve::serve(settings, ready, stop)).unwrap();
        });
        let address = ready.await.unwrap().unwrap();
        self.base = format!("http://{address}");
        self.stop = Some(stop);
        self.thread = Some(thread);
    }

    /// Stops it as SIGTERM would.
    pub(crate) async fn halt(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            stop.send(()).unwrap();
            tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn editor(&self) -> Editor {
        Editor::open(&self.path("hotlined.db")).await.unwrap()
    }

    pub(crate) async fn reader(&self) -> Reader {
        Reader::open(&self.path("hotlined.db")).await.unwrap()
    }

    /// The number of the call that was played.
    pub(crate) async fn ticket(&self) -> String {
        self.reader().await.tickets(&TicketFilter::default()).await.unwrap()[0].id.to_string()
    }

    /// Adds a user with a token for all that their role may; the token.
    pub(crate) async fn token(&self, role: Role) -> String {
        self.token_with(role.word(), role, role.rights()).await
    }

    pub(crate) async fn token_with(&self, name: &str, role: Role, scopes: BTreeSet<Right>) -> String {
        let created = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        // Such a hash lets nobody in.
        let password = "!".to_owned();
        let totp = Totp::Off;
        let user = User { name: name.into(), role, phone: None, password, totp, locked: false, created };
        let editor = self.editor().await;
        assert!(editor.add_user(user).await.unwrap(), "{name} is there");
        let secret = format!("hlt_{name}");
        let hash = Sha256::digest(secret.as_bytes()).into();
        editor.add_token(hash, name.into(), "test".into(), scopes, created, None).await.unwrap();
        secret
    }

    /// A request; the answer is what the description promises, or the test fails.
    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method.clone(), format!("{}/api/v1{path}", self.base));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(&method, path, request).await
    }

    pub(crate) async fn send(&self, method: &Method, path: &str, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() };
        self.check(method, path, &answer);
        answer
    }

    /// Holds an answer against the description.
    pub(crate) fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let place = format!("{method} {path} → {}", answer.status);
        let path = path.split('?').next().unwrap();
        let operation = self.operation(method, path).unwrap_or_else(|| panic!("{place}: not described"));
        let responses = &operation["responses"];
        let Some(described) = responses.get(answer.status.as_str()) else {
            panic!("{place}: not described; {}", String::from_utf8_lossy(&answer.bytes))
        };
        let kind = answer.header("content-type").split(';').next().unwrap();
        let Some(content) = described.get("content") else {
            assert!(answer.bytes.is_empty(), "{place}: a body that is not described");
            return;
        };
        let Some(media) = content.get(kind) else { panic!("{place}: {kind:?} is not described") };
        if kind.ends_with("json") {
            let schema = json!({ "allOf": [media["schema"]], "components": self.description["components"] });
            let validator = jsonschema::validator_for(&schema).unwrap();
            let value = answer.json();
            let faults: Vec<String> =
                validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert!(faults.is_empty(), "{place}: {faults:#?}\n{value:#}");
        }
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let paths = self.description["paths"].as_object().unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let wanted: Vec<&str> = template.trim_start_matches("/api/v1").split('/').collect();
            wanted.len() == parts.len()
                && wanted.iter().zip(&parts).all(|(wanted, part)| wanted == part || wanted.starts_with('{'))
        };
        // A path without braces stands above one with.
        let mut found: Vec<&String> = paths.keys().filter(|template| fits(template)).collect();
        found.sort_by_key(|template| template.matches('{').count());
        found.into_iter().find_map(|template| paths[template].get(method.as_str().to_lowercase()))
    }
}

impl Drop for Bench {
    /// A test that failed lets its daemon end, too.
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            // It may have ended by itself.
            let _ = (stop.send(()), thread.join());
        }
    }
}
