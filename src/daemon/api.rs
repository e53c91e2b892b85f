//! The API's thread: a runtime of its own, so that no list, password or download takes time from
//! signalling. An address that can't be bound does not keep the hotline from starting; it is tried again.

use std::{io, net::SocketAddr, path::Path, sync::mpsc as answer, thread::JoinHandle, time::Duration};

use anyhow::Context;
use tokio::sync::{mpsc, watch};

use super::{clock, serve::seed};
use crate::{
    config::settings::Daemon,
    console::{
        control::Asked,
        feed::Feed,
        http::{self, Door, HttpSettings, Site, Tls, World},
    },
    store::edit::Editor,
};

/// Where and how the API is served.
#[derive(Debug)]
pub(super) struct ApiSettings {
    pub(super) bind: SocketAddr,
    pub(super) tls: Option<Tls>,
    pub(super) http: HttpSettings,
}

/// What the configuration says of it; `None`: there is no API.
///
/// # Errors
/// Certificate or key can't be read, or are of no use.
pub(super) fn settings(daemon: &Daemon) -> anyhow::Result<Option<ApiSettings>> {
    let Some(http) = &daemon.http else { return Ok(None) };
    let tls = match &http.tls {
        None => None,
        Some(files) => {
            let read = |path: &Path| std::fs::read(path).with_context(|| path.display().to_string());
            let tls = Tls::new(&read(&files.certificate)?, &read(&files.key)?);
            Some(tls.context("http.tls_certificate, http.tls_key")?)
        }
    };
    let settings = HttpSettings {
        session_idle: http.session_idle,
        session_longest: http.session_longest,
        sign_in_per_minute: http.sign_in_per_minute,
        secure: tls.is_some(),
        database: daemon.database.clone(),
        recordings: daemon.recordings.dir.clone(),
    };
    Ok(Some(ApiSettings { bind: http.bind, tls, http: settings }))
}

/// Between two attempts to bind the address.
const AGAIN: Duration = Duration::from_secs(10);

/// How long downloads may go on when the daemon stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// The running thread.
#[derive(Debug)]
pub(super) struct Api {
    /// Where it is served; `None`: the address could not be bound yet.
    pub(super) address: Option<SocketAddr>,
    leave: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Api {
    /// Starts it, and waits for the first attempt to bind the address.
    pub(super) fn start(
        settings: ApiSettings,
        editor: Editor,
        asked: mpsc::Sender<Asked>,
        feed: Feed,
    ) -> io::Result<Self> {
        let (leave, leaving) = watch::channel(false);
        let world = World { now: || clock::now().wall, chance: seed };
        let site = Site::new(settings.http, world, editor, asked, feed, leaving.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (tell, told) = answer::channel();
        let thread = std::thread::Builder::new().name("api".to_owned()).spawn(move || {
            runtime.block_on(run(settings.bind, settings.tls, site, leaving, tell));
            // A password being hashed is not waited for.
            runtime.shutdown_background();
        })?;
        // The thread says so first of all, or is gone.
        let address = told.recv().unwrap_or(None);
        Ok(Self { address, leave, thread })
    }

    /// Ends streams and connections, then the thread.
    pub(super) fn stop(self) {
        self.leave.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the API's thread had panicked");
        }
    }
}

async fn run(
    bind: SocketAddr,
    tls: Option<Tls>,
    site: Site,
    mut leaving: watch::Receiver<bool>,
    tell: answer::Sender<Option<SocketAddr>>,
) {
    let door = loop {
        match Door::open(bind, tls.clone()).await {
            Ok(door) => break door,
            Err(error) => {
                tracing::error!(%bind, %error, "the API is not served: its address can't be bound; it is tried again");
                // Said once; nobody asks again.
                let _ = tell.send(None);
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => {}
                    _ = leaving.wait_for(|leaving| *leaving) => return,
                }
            }
        }
    };
    tracing::info!(address = %door.address(), tls = tls.is_some(), "API");
    // Nobody waits any more where it was tried again.
    let _ = tell.send(Some(door.address()));
    let patience = async {
        let left = leaving.wait_for(|leaving| *leaving).await.is_ok();
        tokio::time::sleep(GOODBYE).await;
        left
    };
    tokio::select! {
        () = http::serve(door, site) => {}
        _ = patience => tracing::info!("connections to the API were cut"),
    }
}
