//! The media room: port pairs, the relay between the legs of a call, prompts, and the recorder with its
//! tap. Commands come down and facts go up (`switch/media.rs`); one thread relays for all calls, the
//! recorder has its own. It never delays a caller for the disk's sake, never knows what a ticket is for,
//! and never lets bytes from outside stop it. Reading starts at [`Media`], then `engine.rs` (the
//! thread), `relay.rs` (the way of one packet), `recorder`.
//!
//! A `Play` on a leg that plays replaces what is heard there; only the last one is answered. After
//! `StopPlaying` none is.

pub(crate) mod clock;
mod engine;
pub mod error;
pub mod examination;
pub mod excerpt;
mod leg;
mod player;
mod ports;
pub mod prompts;
pub mod recorder;
mod recording;
mod relay;
mod reports;
mod speech;
mod tones;
pub mod wav;
#[cfg(test)]
mod wire;

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use rustix::{
    event::{
        EventfdFlags,
        epoll::{self, EventFlags},
        eventfd,
    },
    fd::OwnedFd,
};
use tokio::sync::mpsc::UnboundedSender;

use self::{
    engine::{Address, Engine, State, Token},
    error::MediaError,
    ports::PortPool,
    prompts::Prompts,
    recorder::{Recorder, RecorderSettings},
};
use crate::{
    call::prompt::Prompt,
    switch::media::{MediaCommand, MediaFact},
};

/// Where media is bound, and what it needs from the disk.
#[derive(Debug, Clone)]
pub struct MediaSettings {
    /// The address to bind for IPv4 legs; `None`: such legs are refused.
    pub address_v4: Option<IpAddr>,
    /// The address to bind for IPv6 legs; `None`: such legs are refused.
    pub address_v6: Option<IpAddr>,
    /// What peers are told instead of the bound address; needed where that is unspecified (`0.0.0.0`).
    pub advertised_v4: Option<IpAddr>,
    /// The same for IPv6.
    pub advertised_v6: Option<IpAddr>,
    /// First port of the range; an odd one is left out.
    pub port_min: u16,
    /// Last port of the range, itself included. Each leg takes two.
    pub port_max: u16,
    /// A joined leg from which nothing comes for so long is told as `Silent`, within a second.
    pub silence_after: Duration,
    /// Joined legs that both send nothing for so long, though neither is held, are told as `Dead`, within a
    /// second; `None`: never.
    pub dead_after: Option<Duration>,
    pub prompts: PromptFiles,
    pub recorder: RecorderSettings,
}

/// The files that the house speaks by: 8 kHz, mono, 16-bit PCM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptFiles {
    pub prompts: BTreeMap<Prompt, PathBuf>,
    /// Music for those who wait; `None`: a soft tone.
    pub comfort: Option<PathBuf>,
}

/// The running media room. Dropping it ends it as [`Media::shut_down`] does.
#[derive(Debug)]
pub struct Media {
    /// Unbounded, and short in practice: the switch sends a handful of commands per step of a call, and
    /// the relay takes all that wait at every wake-up, which the first of them causes. A bound could only
    /// be met by losing a `Close`, and with it ports, or by making the switch wait.
    orders: mpsc::Sender<Order>,
    wake: Arc<Wake>,
    relay: Option<JoinHandle<()>>,
    recorder: Option<Recorder>,
}

/// What the handle tells the relay thread.
#[derive(Debug)]
enum Order {
    Command(MediaCommand),
    Prompts(Prompts),
    ShutDown,
}

impl Media {
    /// Starts the relay thread and the recorder. Prompts are read before it returns; one that cannot be
    /// read is logged and answered by `PlayFailed`. Facts go to `facts` until shut-down.
    pub fn start(settings: MediaSettings, facts: UnboundedSender<MediaFact>) -> Result<Self, MediaError> {
        let v4 = address(settings.address_v4, settings.advertised_v4)?;
        let v6 = address(settings.address_v6, settings.advertised_v6)?;
        if v4.is_none() && v6.is_none() {
            return Err(MediaError::NoAddress);
        }
        let ports = PortPool::new(settings.port_min, settings.port_max);
        if ports.free() == 0 {
            return Err(MediaError::NoPorts { min: settings.port_min, max: settings.port_max });
        }
        let prompts = Prompts::load(&settings.prompts.prompts, settings.prompts.comfort.as_deref());
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(refused("epoll"))?;
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).map_err(refused("wake-up"))?;
        let wake = Arc::new(Wake { event, pending: AtomicBool::new(false) });
        epoll::add(&epoll, &wake.event, Token::Wake.encode(), EventFlags::IN).map_err(refused("wake-up"))?;
        let (recorder, tap) =
            recorder::start(settings.recorder, facts.clone()).map_err(MediaError::Recorder)?;
        let (sender, orders) = mpsc::channel();
        let engine = Engine {
            epoll,
            wake: Arc::clone(&wake),
            orders,
            facts,
            tap,
            v4,
            v6,
            ports,
            silence_after: settings.silence_after,
            dead_after: settings.dead_after,
            prompts,
            origin: clock::Origin::read(),
            state: State::default(),
        };
        let relay = std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || {
                let _guard = EndTogether;
                engine.run();
            })
            .map_err(|cause| MediaError::System { what: "relay thread", cause })?;
        Ok(Self { orders: sender, wake, relay: Some(relay), recorder: Some(recorder) })
    }

    /// Hands a command to the relay thread; never waits.
    pub fn command(&self, command: MediaCommand) {
        self.commands([command]);
    }

    /// Hands several over, in their order, and wakes the relay thread once for all.
    pub fn commands(&self, commands: impl IntoIterator<Item = MediaCommand>) {
        let mut any = false;
        for command in commands {
            any = true;
            self.queue(Order::Command(command));
        }
        if any {
            self.wake.rouse();
        }
    }

    /// Reads the files again, in this thread; what is being played is played to its end as it was.
    pub fn reload_prompts(&self, files: &PromptFiles) {
        self.send(Order::Prompts(Prompts::load(&files.prompts, files.comfort.as_deref())));
    }

    /// Ends everything: running recordings are closed under their final names and told as `Recorded`, the
    /// sockets are closed and the threads joined. Waits for the disk.
    pub fn shut_down(self) {
        drop(self);
    }

    fn send(&self, order: Order) {
        self.queue(order);
        self.wake.rouse();
    }

    fn queue(&self, order: Order) {
        // The relay outlives the handle, so somebody listens.
        let _ = self.orders.send(order);
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.send(Order::ShutDown);
        if let Some(relay) = self.relay.take() {
            // A panic in it has ended the process already.
            let _ = relay.join();
        }
        if let Some(recorder) = self.recorder.take() {
            recorder.shut_down();
        }
    }
}

/// Wakes the relay thread out of epoll; once for any number of orders that it has not looked at yet.
#[derive(Debug)]
struct Wake {
    event: OwnedFd,
    pending: AtomicBool,
}

impl Wake {
    /// After an order was put into the queue.
    fn rouse(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            // The counter cannot be full: it is read before a second write.
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }

    /// Before the queue is looked at: an order that comes from here on rouses again. The counter is read
    /// first: after `pending` is taken back, a read could swallow the wake-up of the next order, and
    /// nobody would ever write another.
    fn rest(&self) {
        // Non-blocking; an empty counter is as good as a read one.
        let _ = rustix::io::read(&self.event, &mut [0u8; 8]);
        self.pending.swap(false, Ordering::AcqRel);
    }
}

/// Half a daemon is worse than none: when the relay thread panics, the process ends and the supervisor
/// starts it again (`docs/architecture.md`, panics).
struct EndTogether;

impl Drop for EndTogether {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn address(bind: Option<IpAddr>, advertised: Option<IpAddr>) -> Result<Option<Address>, MediaError> {
    let Some(bind) = bind else { return Ok(None) };
    let advertised = advertised.unwrap_or(bind);
    if advertised.is_unspecified() {
        return Err(MediaError::NothingAdvertised { bind });
    }
    Ok(Some(Address { bind, advertised }))
}

fn refused(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> MediaError {
    move |errno| MediaError::System { what, cause: io::Error::from(errno) }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    #[test]
    fn no_order_is_left_lying_while_the_relay_thread_sleeps() {
        const ORDERS: u32 = 200_000;
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).unwrap();
        let wake = Arc::new(Wake { event, pending: AtomicBool::new(false) });
        let (sender, orders) = mpsc::channel();
        let rouser = Arc::clone(&wake);
        let sending = std::thread::spawn(move || {
            for order in 0..ORDERS {
                sender.send(order).unwrap();
                rouser.rouse();
            }
        });
        let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
        let mut seen = 0;
        while seen < ORDERS {
            let woken = poll(&mut [PollFd::new(&wake.event, PollFlags::IN)], Some(&patience)).unwrap();
            assert_eq!(woken, 1, "asleep after {seen} orders");
            wake.rest();
            seen += u32::try_from(orders.try_iter().count()).unwrap();
        }
        sending.join().unwrap();
    }
}
