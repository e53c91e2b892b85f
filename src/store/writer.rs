//! The one writer. [`Writer`] is what the loop holds: every method returns at once. Behind it a
//! thread takes what has gathered, commits it as one group, and reports; what fails goes back under
//! what has come since and is tried again, for ever.
//!
//! The thread has a small runtime of its own, so that neither a slow disk nor SQLite's work ever
//! takes time from signalling.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Connection;
use tokio::sync::{Notify, mpsc::UnboundedSender};

use super::{
    binding::BindingChange,
    edit::{self, Edit},
    error::StoreError,
    facts::{ExaminedRecording, RepairedRecording, StoreFact, Sweep},
    group::{self, Block, Floors},
    inbox::{Full, Group, Inbox, SignOfLife},
    open::Database,
    sweep::sweep,
};
use crate::{
    call::staffing::Away,
    desk::{event::Event, outage::OutageChange, ticket::TicketChange},
};

/// Where the database is and how long things may take.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    pub path: PathBuf,
    /// How long SQLite waits for a lock that another program holds.
    pub busy_timeout: Duration,
    /// How long a change waits for others to share its commit (`decisions.md` 4).
    pub group_window: Duration,
    /// First and longest pause between two attempts while the database does not work.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl StoreSettings {
    /// 5 s for locks, groups of 50 ms, attempts after 100 ms up to every 5 s.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(5),
            group_window: Duration::from_millis(50),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// Makes the database where it is missing, brings its tables up to date, and closes it again: what
/// the daemon does before anything else.
///
/// # Errors
/// [`StoreError::is_permanent`] says whether to give up. Otherwise the daemon may go on: a writer
/// started on a database that does not work yet keeps everything and tries again.
pub async fn prepare(settings: &StoreSettings) -> Result<(), StoreError> {
    Database::open(&settings.path, settings.busy_timeout).await?.close().await;
    Ok(())
}

/// The writer as the rest of the daemon sees it; cheap to clone. No method blocks or fails: results
/// come as [`StoreFact`]s.
#[derive(Debug, Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    facts: UnboundedSender<StoreFact>,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    /// Rung when the inbox stops being empty, or becomes urgent.
    bell: Notify,
}

impl Shared {
    /// A panic cannot leave the inbox half changed in a way that matters: each change is one insert.
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Starts the writer's thread. It opens the database, closes what an earlier daemon left open as
    /// of `started`, reports [`StoreFact::DatabaseUp`] and [`StoreFact::Swept`], then writes.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(
        settings: StoreSettings,
        facts: UnboundedSender<StoreFact>,
        started: DateTime<Utc>,
    ) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let mut engine = Engine::new(settings, Arc::clone(&shared), facts.clone(), started);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("store".into()).spawn(move || {
            let _guard = EndTogether;
            runtime.block_on(engine.run());
        })?;
        Ok(Self { shared, facts })
    }

    /// Saves a ticket; the newest revision wins.
    pub fn save(&self, change: TicketChange) {
        let (ticket, revision) = (change.ticket.id, change.ticket.revision);
        if self.put(|inbox| inbox.save(change)) == Err(Full) {
            self.tell(StoreFact::SaveDropped { ticket, revision });
        }
    }

    /// Saves a ticket, and in the same transaction what there is to tell of it.
    pub fn save_and_tell(&self, change: TicketChange, events: Vec<Event>) {
        let (ticket, revision) = (change.ticket.id, change.ticket.revision);
        let saved = self.put(|inbox| {
            inbox.tell(events);
            inbox.save(change)
        });
        if saved == Err(Full) {
            self.tell(StoreFact::SaveDropped { ticket, revision });
        }
    }

    /// Keeps an event that no ticket tells.
    pub fn tell_of(&self, event: Event) {
        self.put(|inbox| inbox.tell([event]));
    }

    /// Records that an outage began or ended.
    pub fn outage(&self, change: OutageChange) {
        let subject = change.subject.clone();
        if self.put(|inbox| inbox.outage(change)) == Err(Full) {
            tracing::warn!(?subject, "database: outage not recorded, too many wait");
        }
    }

    /// Replaces the bindings of one phone.
    pub fn save_bindings(&self, change: BindingChange) {
        self.put(|inbox| {
            inbox.group.bindings.insert(change.phone, change.bindings);
        });
    }

    /// Asks for `count` ticket numbers of that day, answered by [`StoreFact::NumbersReserved`] at
    /// once, or as soon as the database works. Ask for tomorrow's, too, before midnight.
    pub fn reserve_numbers(&self, day: NaiveDate, count: u32) {
        self.put(|inbox| inbox.reserve(day, count));
    }

    /// Keeps the away override over a restart; `None`: the desk is back.
    pub fn set_away(&self, away: Option<Away>) {
        self.put(|inbox| {
            inbox.group.away = Some(away);
            inbox.urgent = true;
        });
    }

    /// Ties recordings that start-up repaired to their tickets. One whose ticket has a recording
    /// already, or that has no ticket, changes nothing.
    pub fn tie_recordings(&self, repaired: Vec<RepairedRecording>) {
        self.put(|inbox| inbox.group.repaired.extend(repaired));
    }

    /// Keeps what reading a closed recording found, and seals it in the chain of proof.
    pub fn examined(&self, examined: ExaminedRecording) {
        self.put(|inbox| inbox.group.examined.push(examined));
    }

    /// Writes down that the daemon lives; after a crash the next start takes this for the crash's
    /// time. Every 10 s is enough.
    pub fn heartbeat(&self, at: DateTime<Utc>) {
        self.put(|inbox| inbox.group.life = Some(SignOfLife { at, ended: false }));
    }

    /// Takes in a person's change; the answer goes where the edit says.
    pub(super) fn edit(&self, edit: Box<dyn Edit>) -> Result<(), StoreError> {
        self.put(|inbox| {
            if inbox.closing {
                return Err(StoreError::Down("the daemon is stopping".to_owned()));
            }
            inbox.edit(edit).map_err(|Full| StoreError::Busy)
        })
    }

    /// Writes what is left, notes that the daemon stopped in order, ends the thread and reports
    /// [`StoreFact::Closed`]. A database that does not work gets three attempts.
    pub fn close(&self, at: DateTime<Utc>) {
        self.put(|inbox| {
            inbox.group.life = Some(SignOfLife { at, ended: true });
            inbox.closing = true;
        });
        self.shared.bell.notify_one();
    }

    /// Rings only when the thread would not look by itself: a wake-up costs more than the change.
    fn put<T>(&self, change: impl FnOnce(&mut Inbox) -> T) -> T {
        let mut inbox = self.shared.inbox();
        let (was_empty, was_urgent) = (inbox.is_empty(), inbox.urgent);
        let result = change(&mut inbox);
        let ring = was_empty || inbox.urgent && !was_urgent;
        drop(inbox);
        if ring {
            self.shared.bell.notify_one();
        }
        result
    }

    fn tell(&self, fact: StoreFact) {
        // Nobody listens only while the daemon ends, and then nobody needs to know.
        let _ = self.facts.send(fact);
    }
}

/// A daemon that takes calls and forgets them is worse than none: when the writer's thread panics, the
/// process ends and the supervisor starts it again (`docs/architecture.md`, panics).
struct EndTogether;

impl Drop for EndTogether {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// The writer's thread.
struct Engine {
    settings: StoreSettings,
    shared: Arc<Shared>,
    facts: UnboundedSender<StoreFact>,
    started: DateTime<Utc>,
    database: Option<Database>,
    floors: Floors,
    swept: bool,
    /// Whether the database works; `None` before the first attempt.
    up: Option<bool>,
    pause: Duration,
    commits: u64,
}

/// How many attempts the end gets.
const LAST_ATTEMPTS: u32 = 3;

impl Engine {
    fn new(
        settings: StoreSettings,
        shared: Arc<Shared>,
        facts: UnboundedSender<StoreFact>,
        started: DateTime<Utc>,
    ) -> Self {
        let pause = settings.first_pause;
        Self {
            settings,
            shared,
            facts,
            started,
            database: None,
            floors: Floors::new(),
            swept: false,
            up: None,
            pause,
            commits: 0,
        }
    }

    async fn run(&mut self) {
        let mut last_attempts = 0;
        loop {
            let closing = self.shared.inbox().closing;
            let works = self.attempt().await;
            if closing {
                last_attempts += 1;
                if works || last_attempts >= LAST_ATTEMPTS {
                    break;
                }
            }
            match (works, closing) {
                (true, _) => self.gather().await,
                (false, true) => tokio::time::sleep(self.settings.first_pause).await,
                (false, false) => self.rest().await,
            }
        }
        if let Some(database) = self.database.take() {
            database.close().await;
        }
        let unsaved = self.shared.inbox().group.count();
        self.tell(StoreFact::Closed { unsaved });
    }

    /// Waits until there is something, then until the window has passed or somebody is in a hurry.
    async fn gather(&self) {
        self.until(|inbox| !inbox.is_empty() || inbox.closing).await;
        // Elapsed or urgent: either way it is time to commit.
        let hurry = self.until(|inbox| inbox.urgent || inbox.closing);
        let _ = tokio::time::timeout(self.settings.group_window, hurry).await;
    }

    /// Waits before the next attempt, unless the daemon ends.
    async fn rest(&self) {
        // Elapsed or closing: either way it is time to try.
        let _ = tokio::time::timeout(self.pause, self.until(|inbox| inbox.closing)).await;
    }

    async fn until(&self, ready: impl Fn(&Inbox) -> bool) {
        while !ready(&self.shared.inbox()) {
            self.shared.bell.notified().await;
        }
    }

    /// Takes what has gathered and commits it; says what came of it. Whether the database works.
    async fn attempt(&mut self) -> bool {
        let (group, edits) = self.shared.inbox().take();
        match self.commit(&group).await {
            Ok((sweep, blocks)) => {
                self.report_success(&group, sweep, blocks);
                if let Some(database) = &mut self.database {
                    for edit in edits {
                        edit::perform(&mut database.connection, edit).await;
                    }
                }
                true
            }
            Err(why) => {
                // Who waits for an answer is told now, and may try again.
                for edit in edits {
                    edit.answer(Err(StoreError::Down(why.to_string())));
                }
                self.report_failure(group, why).await;
                false
            }
        }
    }

    async fn commit(&mut self, group: &Group) -> Result<(Option<Sweep>, Vec<Block>), StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => Database::open(&self.settings.path, self.settings.busy_timeout).await?,
        };
        let database = self.database.insert(database);
        database.check_identity()?;
        if self.swept && group.is_empty() {
            return Ok((None, Vec::new()));
        }
        let mut tx = database.connection.begin_with("BEGIN IMMEDIATE").await?;
        let swept = if self.swept { None } else { Some(sweep(&mut tx, self.started).await?) };
        let blocks = group::write(&mut tx, group, &self.floors).await?;
        tx.commit().await?;
        self.commits += 1;
        Ok((swept, blocks))
    }

    fn report_success(&mut self, group: &Group, sweep: Option<Sweep>, blocks: Vec<Block>) {
        self.pause = self.settings.first_pause;
        if self.up != Some(true) {
            self.up = Some(true);
            self.tell(StoreFact::DatabaseUp);
        }
        if let Some(sweep) = sweep {
            self.swept = true;
            self.tell(StoreFact::Swept(sweep));
        }
        for Block { day, from, to } in blocks {
            self.floors.insert(day, to.saturating_add(1));
            self.tell(StoreFact::NumbersReserved { day, from, to });
        }
        for (ticket, waiting) in &group.tickets {
            self.tell(StoreFact::Saved { ticket: *ticket, revision: waiting.ticket.revision });
        }
    }

    async fn report_failure(&mut self, mut group: Group, why: StoreError) {
        if !why.keeps_connection()
            && let Some(database) = self.database.take()
        {
            database.close().await;
        }
        if self.up == Some(false) {
            self.pause = (self.pause * 2).min(self.settings.longest_pause);
        }
        for (ticket, waiting) in &mut group.tickets {
            if !waiting.told {
                waiting.told = true;
                let revision = waiting.ticket.revision;
                self.tell(StoreFact::SaveFailed { ticket: *ticket, revision, why: why.to_string() });
            }
        }
        self.shared.inbox().give_back(group);
        if self.up != Some(false) {
            self.up = Some(false);
            tracing::error!(%why, "database: does not work, changes are kept and retried");
            self.tell(StoreFact::DatabaseDown { why });
        }
    }

    fn tell(&self, fact: StoreFact) {
        // Nobody listens only while the daemon ends, and then nobody needs to know.
        let _ = self.facts.send(fact);
    }
}

#[cfg(test)]
mod tests;
