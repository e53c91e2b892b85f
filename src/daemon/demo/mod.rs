//! `hotlined demo`: the real daemon in a folder of its own, with a carrier, a desk phone and a duty
//! mobile played by SIP endpoints over real sockets, and real speech. It shows four calls, and checks
//! what it shows: tickets, and recordings sample for sample.
//!
//! The carrier (with the mobile behind it) is at 127.0.0.2, everything else at 127.0.0.1; over IPv6 all
//! are at ::1, and the carrier is known by its port. Nothing of it knows the daemon's inside: it sends packets, and reads tickets and files.
//!
//! Reading starts at [`run`]; the calls are in `scenes.rs`, the phones in [`endpoint`].

pub mod audio;
mod checks;
pub mod endpoint;
pub mod folder;
mod narrator;
mod scenes;
mod softphone;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
};

use self::{
    checks::Checks,
    endpoint::{Account, Endpoint, Seen},
    folder::Folder,
    narrator::Narrator,
    scenes::Stage,
};
use super::{commands, serve, wiring};
use crate::{
    config::settings::{Log, LogFormat, LogLevel},
    console::text,
    sip::message::Status,
    store::reader::{Reader, TicketFilter},
};

/// Over which addresses the demo's sockets talk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Family {
    #[default]
    V4,
    V6,
}

impl Family {
    /// The carrier's address; the daemon knows its trunk by it.
    fn carrier(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(127, 0, 0, 2).into(),
            Self::V6 => Ipv6Addr::LOCALHOST.into(),
        }
    }

    /// The desk phone's, and the daemon's.
    fn desk(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::LOCALHOST.into(),
            Self::V6 => Ipv6Addr::LOCALHOST.into(),
        }
    }
}

/// What is wanted of the demo.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// End after the scenes, with an error unless every check held.
    pub once: bool,
    /// Where the result is kept; a folder of its own in the system's place for such where none is given.
    pub dir: Option<PathBuf>,
    /// Play this one only.
    pub scenario: Option<Scene>,
    pub pace: Pace,
    pub family: Family,
}

/// How fast life goes in the demo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    pub ring_on: Duration,
    pub ring_off: Duration,
    /// No talk is longer.
    pub longest_talk: Duration,
}

/// As in the house: 1 s on, 4 s off.
impl Default for Pace {
    fn default() -> Self {
        Self {
            ring_on: Duration::from_secs(1),
            ring_off: Duration::from_secs(4),
            longest_talk: Duration::from_secs(60),
        }
    }
}

impl Pace {
    /// Five times as fast, for tests.
    pub fn brisk() -> Self {
        Self {
            ring_on: Duration::from_millis(200),
            ring_off: Duration::from_millis(800),
            longest_talk: Duration::from_secs(4),
        }
    }

    fn cycle(&self) -> Duration {
        self.ring_on + self.ring_off
    }
}

/// A call that the demo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    Answered,
    Late,
    Mobile,
    Abandoned,
}

impl Scene {
    const ALL: [Self; 4] = [Self::Answered, Self::Late, Self::Mobile, Self::Abandoned];

    /// By this name it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Late => "late",
            Self::Mobile => "mobile",
            Self::Abandoned => "abandoned",
        }
    }
}

/// No scene of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the demo's scenarios are answered, late, mobile and abandoned")]
pub struct NoSuchScene;

impl FromStr for Scene {
    type Err = NoSuchScene;

    fn from_str(name: &str) -> Result<Self, NoSuchScene> {
        Self::ALL.into_iter().find(|scene| scene.name() == name).ok_or(NoSuchScene)
    }
}

/// Plays the demo.
///
/// # Errors
/// The daemon did not start, a scene could not be played to its end, or (with `once`) a check failed.
pub fn run(wish: &Wish) -> anyhow::Result<()> {
    commands::start_log(Log { level: LogLevel::Error, format: LogFormat::Text });
    let folder = Folder::prepare(wish.dir.as_deref())?;
    commands::runtime()?.block_on(play(wish, &folder))
}

async fn play(wish: &Wish, folder: &Folder) -> anyhow::Result<()> {
    let (seen, messages) = mpsc::unbounded_channel::<Seen>();
    let carrier = Account { name: "carrier".to_owned(), user: "carrier".to_owned(), password: None };
    let carrier = Endpoint::bind(carrier, wish.family.carrier(), seen.clone(), [1; 32])
        .await
        .with_context(|| format!("no socket for the carrier at {}", wish.family.carrier()))?;
    folder.configure(wish.family.desk(), carrier.address(), wish.pace)?;
    println!("hotlined demo in {}", folder.root.display());
    let (daemon, server) = Daemon::start(folder).await?;
    let reader = Reader::open(&folder.database).await?;

    let (name, password) = folder::DESK;
    let desk = Account { name: name.into(), user: name.into(), password: Some(password.into()) };
    let desk = Endpoint::bind(desk, wish.family.desk(), seen, [2; 32])
        .await
        .context("no socket for the desk phone")?;
    let narrator = Narrator::start(reader.clone(), messages);
    let checks = Checks::new(reader.clone(), folder.recordings.clone());
    let mut stage = Stage { carrier, desk, server, narrator, pace: wish.pace, checks };

    let shown = tokio::select! {
        shown = show(wish, &mut stage, &reader) => shown,
        () = told_to_stop() => Err(anyhow!("interrupted")),
    };
    println!("\nall of it is in {}", folder.root.display());
    if shown.is_ok() && !wish.once {
        tokio::select! {
            waited = softphone::wait(&mut stage) => waited?,
            () = told_to_stop() => println!(),
        }
    }
    // The last to close the database folds its log into it.
    reader.close().await;
    daemon.stop().await?;
    shown
}

/// SIGINT or SIGTERM. The daemon hears them too, and ends its calls.
async fn told_to_stop() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        // The system gives us no signals: the demo ends by being killed.
        Err(_) => std::future::pending().await,
    }
}

/// Plays the scenes, lists tickets and recordings, and counts.
async fn show(wish: &Wish, stage: &mut Stage, reader: &Reader) -> anyhow::Result<()> {
    let title = format!("the daemon listens at {}; desk phone {} registers", stage.server, stage.desk.name());
    stage.narrator.scene(&title).await;
    let status =
        stage.desk.register(stage.server, 3600).await.context("the desk phone could not register")?;
    if status != Status::OK {
        bail!("the desk phone's REGISTER: expected 200, found {status}");
    }
    for scene in Scene::ALL {
        if wish.scenario.is_none_or(|wanted| wanted == scene) {
            let played = stage.play(scene).await;
            stage.narrator.flush().await;
            stage.checks.report();
            played.with_context(|| format!("scene {}", scene.name()))?;
        }
    }
    list(reader, &stage.checks).await?;
    let (made, failed) = (stage.checks.made(), stage.checks.failed());
    println!("\n{made} checks, {failed} failed");
    if wish.once && failed > 0 {
        bail!("{failed} of {made} checks failed");
    }
    Ok(())
}

async fn list(reader: &Reader, checks: &Checks) -> anyhow::Result<()> {
    let filter = TicketFilter { since: Some(checks.since()), ..TicketFilter::default() };
    let mut tickets = reader.tickets(&filter).await?;
    tickets.reverse();
    println!("\n{}", text::tickets_table(&tickets));
    for ticket in &tickets {
        if let Some(line) = checks::recording_line(ticket) {
            println!("{line}");
        }
    }
    Ok(())
}

/// The real daemon, on a thread of its own.
struct Daemon {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Daemon {
    /// Starts it, and answers where it listens.
    async fn start(folder: &Folder) -> anyhow::Result<(Self, SocketAddr)> {
        let configuration = wiring::read(&folder.daemon, &folder.house)
            .map_err(|faults| anyhow!(wiring::faults_text(&faults)))?;
        let settings = wiring::settings(configuration, &folder.daemon, &folder.house)?;
        let (tell, ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("daemon".to_owned()).spawn(move || {
            let ready = |ready: serve::Ready| {
                // The demo waits for it, or has been interrupted.
                let _ = tell.send(ready.listeners.first().map(|listener| listener.advertised));
            };
            // A demo that ends without a word stops the daemon as well.
            let stop = async move { stopped.await.unwrap_or_default() };
            commands::runtime()?.block_on(serve::serve(settings, ready, stop))
        })?;
        let daemon = Self { stop, thread };
        match ready.await {
            Ok(Some(address)) => Ok((daemon, address)),
            Ok(None) => bail!("the daemon listens nowhere"),
            // It ended before it was ready, and says why.
            Err(_) => Err(daemon.stop().await.err().unwrap_or_else(|| anyhow!("the daemon ended at once"))),
        }
    }

    /// Stops it as SIGTERM would.
    async fn stop(self) -> anyhow::Result<()> {
        // It may have ended by itself.
        let _ = self.stop.send(());
        let thread = self.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await?;
        joined.map_err(|_| anyhow!("the daemon's thread panicked"))?
    }
}
