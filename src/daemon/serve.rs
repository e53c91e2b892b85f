//! The loop: one input at a time into the switch, its outputs performed in order. It sleeps until the
//! switch's deadline and never waits for a peer, a disk or a name server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use chrono::NaiveDate;
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};

use super::{
    api::{Api, ApiSettings},
    archive::{self, Archive, ArchiveSettings},
    clock, descriptors, directory,
    evidence::DailyAnchor,
    examiner::Examiner,
    mailbox, reports, resolve,
    sockets::{Bind, QUEUE, Sockets, Wire},
    tls::TlsSetup,
    wiring,
};
use crate::{
    call::{house::House, service::Deed, staffing::Away},
    console::{
        control::{self, Asked, Command, Reply},
        feed::Feed,
    },
    desk::{
        event::Event,
        office::Office,
        outage::{Edge, OutageChange, Subject},
        ticket::{TicketChange, Verdict},
    },
    media::{Media, MediaSettings, PromptFiles},
    outbox::transcripts::{self, TranscriptSettings},
    sip::{
        hop::{Hop, Listener},
        mask,
    },
    store::{
        edit::Editor,
        facts::StoreFact,
        reader::Reader,
        writer::{self, StoreSettings, Writer},
    },
    switch::{
        Input, Notice, Order, Output, Switch,
        media::{MediaCommand, MediaFact},
        settings::{Passwords, SwitchSettings, Voice},
    },
    trace::{self, Way, book::Book, keeper::Keeper},
};

/// Everything that the daemon needs to run, out of its configuration.
pub struct ServeSettings {
    pub(super) binds: Vec<Bind>,
    pub(super) switch: SwitchSettings,
    pub(super) media: MediaSettings,
    pub(super) store: StoreSettings,
    pub(super) control: PathBuf,
    pub(super) api: Option<ApiSettings>,
    pub(super) traces: TraceSettings,
    pub(super) archive: ArchiveSettings,
    /// `None`: nobody writes down what was said.
    pub(super) transcripts: Option<TranscriptSettings>,
    pub(super) anchors: DailyAnchor,
    pub(super) house: Arc<House>,
    pub(super) passwords: Passwords,
    pub(super) office: Office,
    /// Where the figures of finished periods go; `None`: nowhere.
    pub(super) reports: Option<PathBuf>,
    /// Reads the house rules again; in words what is wrong with them.
    pub(super) reload: Box<dyn Fn() -> Result<HouseRules, String> + Send>,
    pub(super) tls: TlsSetup,
    /// Reads our certificate again; those who connect see it from then on.
    pub(super) reload_certificate: Box<dyn Fn() -> Result<(), String> + Send>,
}

/// What is kept of each call beside its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceSettings {
    pub(super) dir: PathBuf,
    pub(super) sip_days: u32,
}

impl std::fmt::Debug for ServeSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServeSettings").field("binds", &self.binds).finish_non_exhaustive()
    }
}

/// What a change of `house.toml` brings.
pub(super) struct HouseRules {
    pub(super) house: House,
    pub(super) passwords: Passwords,
    pub(super) office: Office,
    pub(super) archive: archive::Rules,
    pub(super) prompts: PromptFiles,
    pub(super) voice: Voice,
}

/// What a running daemon can be found by.
#[derive(Debug, Clone)]
pub struct Ready {
    pub listeners: Vec<Listener>,
    pub control: PathBuf,
    /// Where the API is; `None`: nowhere, or not yet.
    pub api: Option<SocketAddr>,
}

/// A sign of life for the database, so that the next start knows until when this one lived.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How long calls may take to say goodbye when the daemon is told to stop.
const GOODBYE: Duration = Duration::from_secs(3);

/// How long the database may take for what is left when the daemon stops. Shorter than the 90 s after
/// which systemd kills, and than a person waits.
const LAST_WRITE: Duration = Duration::from_secs(10);

/// Inputs performed before the loop looks at its other ears again.
const BATCH: usize = 64;

/// Questions from the command line that wait; one person asks at a time.
const ASKED: usize = 16;

struct Loop {
    switch: Switch,
    sockets: Sockets,
    media: Media,
    /// Of this turn, in order.
    commands: Vec<MediaCommand>,
    writer: Writer,
    feed: Feed,
    resolved: mpsc::Sender<Input>,
    reload: Box<dyn Fn() -> Result<HouseRules, String> + Send>,
    /// Tells the keepers of the directory and of the reports the desk's rules.
    office: watch::Sender<Office>,
    archive: Archive,
    /// Reads our certificate again; those who connect see it from then on.
    reload_certificate: Box<dyn Fn() -> Result<(), String> + Send>,
    database_down: bool,
    /// What calls in progress have seen so far.
    book: Book,
    keeper: Keeper,
    /// Days that SIP messages are kept for; 0: they are not.
    sip_days: u32,
    /// The local day on which old traces were last cut.
    cut_on: Option<NaiveDate>,
    /// Whose hotline this is, for who asks how it goes.
    company: String,
}

/// Runs the daemon until it is told to stop (SIGTERM, SIGINT, or `stop`).
///
/// # Errors
/// It could not start: an address in use, a database that is newer than the program, a folder that
/// can't be written.
pub async fn serve(
    settings: ServeSettings,
    ready: impl FnOnce(Ready),
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let ServeSettings {
        binds,
        tls,
        reload_certificate,
        switch,
        media,
        store,
        control,
        api,
        traces,
        archive,
        transcripts,
        anchors,
        house,
        passwords,
        office,
        reports,
        reload,
    } = settings;
    descriptors::raise(media.port_min, media.port_max);
    // First of all: two daemons must not repair the same recordings.
    let control_socket = listen_control(&control)?;
    let (wire, mut wires) = mpsc::channel(QUEUE);
    let sockets = Sockets::bind(&binds, tls, wire).await?;
    let repaired = wiring::repair(&media.recorder.dir);

    // Facts are answers to what the switch asked, a few for each call: the number of calls bounds them.
    let (media_facts, mut media_said) = mpsc::unbounded_channel();
    let (store_facts, mut store_said) = mpsc::unbounded_channel();
    let (resolved, mut addresses) = mpsc::channel(ASKED);
    let (asked, mut questions) = mpsc::channel(ASKED);

    let (path, recordings) = (store.path.clone(), media.recorder.dir.clone());
    prepare(&store).await?;
    let writer = Writer::start(store, store_facts, clock::now().wall)?;
    let media = Media::start(media, media_facts).context("media")?;
    let archive = Archive::start(archive, writer.clone()).context("archive")?;
    let transcripts = transcripts
        .map(|settings| {
            transcripts::Worker::start(settings, Editor::through(writer.clone()), || clock::now().wall)
        })
        .transpose()
        .context("transcripts")?;
    let examiner = Examiner::start(recordings, path.clone(), writer.clone(), anchors)?;
    let keeper = Keeper::start(traces.dir).context("traces")?;
    let control_task = tokio::spawn(control::serve(control_socket, asked.clone()));
    let (office, rules) = watch::channel(office);
    let directory_task = tokio::spawn(directory::keep(path.clone(), rules.clone(), resolved.clone()));
    let reports_task = reports.map(|dir| tokio::spawn(reports::keep(dir, path.clone(), rules)));

    let mailbox_task = tokio::spawn(mailbox::watch(path.clone(), resolved.clone()));

    let mut settings = switch;
    settings.ua.listeners = sockets.listeners().to_vec();
    let company = house.company.clone();
    let mut switch = Switch::new(settings, house, passwords, seed()?, clock::now());
    let Remembered { bindings, away, newest_event } = remembered(&path).await;
    switch.restore(bindings, away, clock::now());
    writer.tie_recordings(repaired);
    let feed = Feed::new(newest_event);
    let api = match api {
        Some(api) => {
            Some(Api::start(api, Editor::through(writer.clone()), asked, feed.clone()).context("API")?)
        }
        None => None,
    };

    let listeners = sockets.listeners().to_vec();
    let mut the = Loop {
        switch,
        sockets,
        media,
        commands: Vec::new(),
        writer,
        feed,
        resolved,
        reload,
        office,
        archive,
        reload_certificate,
        database_down: false,
        book: Book::default(),
        keeper,
        sip_days: traces.sip_days,
        cut_on: None,
        company,
    };
    the.turn(Input::DeadlinePassed);
    ready(Ready { listeners, control: control.clone(), api: api.as_ref().and_then(|api| api.address) });
    // Outside systemd there is nobody to tell.
    sd_notify::notify(&[sd_notify::NotifyState::Ready])
        .unwrap_or_else(|error| tracing::debug!(%error, "sd_notify"));

    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    let mut stop = std::pin::pin!(stop);
    let mut leave_by: Option<Instant> = None;
    loop {
        // Dialogs outlive their calls: a BYE still waits for its answer, and would be sent again.
        let nothing_left = the.switch.is_idle() && the.switch.usages() == 0;
        if leave_by.is_some_and(|by| nothing_left || clock::now().mono >= by) {
            break;
        }
        let wake = [the.switch.deadline(), leave_by].into_iter().flatten().min();
        let sleep = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(word) = wires.recv() => {
                the.wire(word);
                for _ in 1..BATCH {
                    let Ok(word) = wires.try_recv() else { break };
                    the.wire(word);
                }
            }
            Some(fact) = media_said.recv() => the.media_fact(fact),
            Some(fact) = store_said.recv() => the.store_fact(fact),
            Some(input) = addresses.recv() => {
                if let Input::Resolved { trunk, addresses } = &input {
                    the.sockets.found(trunk, addresses);
                }
                the.turn(input);
            }
            Some(question) = questions.recv() => the.answer(question),
            _ = hang_up.recv() => {
                if let Err(why) = the.reload_house() {
                    tracing::error!("refused, the old ones stay:\n{why}");
                }
            }
            _ = heartbeat.tick() => the.beat(),
            _ = terminate.recv() => the.leave(&mut leave_by),
            _ = interrupt.recv() => the.leave(&mut leave_by),
            () = &mut stop, if leave_by.is_none() => the.leave(&mut leave_by),
            () = sleep => the.turn(Input::DeadlinePassed),
        }
    }

    control_task.abort();
    mailbox_task.abort();
    if let Some(api) = api {
        api.stop();
    }
    let Loop { mut switch, media, writer, feed, mut book, keeper, archive, office, .. } = the;
    drop(archive);
    drop(transcripts);
    book.take_all().into_iter().for_each(|seen| keeper.keep(seen));
    drop(office);
    drop(addresses);
    if let Err(error) = directory_task.await {
        tracing::warn!(%error, "residents' list");
    }
    if let Some(task) = reports_task
        && let Err(error) = task.await
    {
        tracing::warn!(%error, "reports");
    }
    media.shut_down();
    while let Ok(fact) = media_said.try_recv() {
        // The wire is silent from here on; what the recorder said last must still reach the tickets.
        for output in switch.handle(Input::Media(fact), clock::now()) {
            if let Output::Save(change) = output {
                let events = feed.ticket(&change, clock::now().wall);
                writer.save_and_tell(*change, events);
            }
        }
    }
    drop(examiner);
    writer.close(clock::now().wall);
    match tokio::time::timeout(LAST_WRITE, closed(&mut store_said)).await {
        Ok(0) => {}
        Ok(unsaved) => tracing::error!(unsaved, "changes could not be written"),
        Err(_) => tracing::error!("the database did not close in time; its last changes may be lost"),
    }
    remove_control(&control);
    tracing::info!("stopped");
    Ok(())
}

impl Loop {
    fn wire(&mut self, word: Wire) {
        match word {
            Wire::Received { hop, bytes } => {
                tracing::trace!(peer = %hop.remote, "received\n{}", mask::masked(&bytes));
                self.trace(Way::Received, hop, &bytes);
                self.turn(Input::Received { hop, bytes });
            }
            Wire::SendFailed { hop } => self.turn(Input::SendFailed { hop }),
            Wire::Opened { flow, key, writer, task } => self.sockets.opened(flow, key, writer, task),
            Wire::Closed { flow } => {
                self.sockets.close(flow);
                self.turn(Input::FlowClosed { flow });
            }
        }
    }

    /// A sign of life, and what is done now and then.
    fn beat(&mut self) {
        let now = clock::now();
        self.writer.heartbeat(now.wall);
        self.book.take(now.mono).into_iter().for_each(|seen| self.keeper.keep(seen));
        let today = self.switch.local_time(now).date_naive();
        if self.cut_on != Some(today) {
            self.cut_on = Some(today);
            if let Some(day) = today.checked_sub_days(chrono::Days::new(self.sip_days.into())) {
                self.keeper.cut_before(day);
            }
        }
    }

    /// Remembers a message of a call.
    fn trace(&mut self, way: Way, hop: Hop, bytes: &[u8]) {
        if self.sip_days == 0 {
            return;
        }
        let now = clock::now();
        let ours = self.sockets.listeners().iter().find(|listener| listener.id == hop.listener);
        let Some(ours) = ours.map(|listener| listener.advertised) else { return };
        self.book.message(bytes, now.mono, |text| trace::Message {
            at: now.wall,
            way,
            transport: hop.transport.via_name().to_owned(),
            ours,
            peer: hop.remote,
            text,
        });
    }

    fn media_fact(&mut self, fact: MediaFact) {
        match &fact {
            // Which key it was is the caller's own: it may be part of a number or a code.
            MediaFact::Digit { media, .. } => tracing::debug!(?media, "media: a digit"),
            fact => tracing::debug!(?fact, "media"),
        }
        if let MediaFact::RecordingFailed { ticket, why, .. } = &fact {
            tracing::error!(%ticket, why, "recording failed");
        }
        self.turn(Input::Media(fact));
    }

    fn store_fact(&mut self, fact: StoreFact) {
        match fact {
            StoreFact::Saved { ticket, revision } => tracing::trace!(%ticket, revision, "saved"),
            StoreFact::SaveFailed { ticket, revision, why } => {
                tracing::error!(%ticket, revision, why, "not saved yet; it is kept and tried again");
            }
            StoreFact::SaveDropped { ticket, revision } => {
                tracing::error!(%ticket, revision, "lost: the database was away for too long");
            }
            StoreFact::NumbersReserved { day, from, to } => {
                self.turn(Input::NumbersReserved { day, from, to })
            }
            StoreFact::DatabaseDown { why } => {
                tracing::error!(%why, "database down; calls go on");
                self.database(Edge::Began, why.to_string());
            }
            StoreFact::DatabaseUp => {
                tracing::info!("database up");
                if self.database_down {
                    self.database(Edge::Ended, "works again".to_owned());
                }
            }
            StoreFact::Swept(sweep) => {
                for ticket in &sweep.interrupted {
                    tracing::warn!(%ticket, "was interrupted by the end of an earlier daemon");
                }
            }
            StoreFact::Closed { unsaved } => tracing::error!(unsaved, "the database's writer has ended"),
        }
    }

    /// An outage of the database is on record as soon as it works again.
    fn database(&mut self, edge: Edge, reason: String) {
        self.database_down = edge == Edge::Began;
        self.outage(OutageChange { subject: Subject::Database, at: clock::now().wall, edge, reason });
    }

    fn outage(&mut self, change: OutageChange) {
        self.keep(self.feed.outage(&change));
        self.writer.outage(change);
    }

    fn away(&mut self, away: Option<Away>) {
        let now = clock::now().wall;
        self.keep(match &away {
            Some(away) => {
                let until = away.until.map(|until| until.format(" until %H:%M").to_string());
                let words = format!("the hotline goes to the mobile{}", until.unwrap_or_default());
                self.feed.say(now, "desk.away", Some(away.by.clone()), words)
            }
            None => self.feed.say(now, "desk.back", None, "the hotline rings at the desk"),
        });
        self.writer.set_away(away);
    }

    fn keep(&self, events: Vec<Event>) {
        for event in events {
            self.writer.tell_of(event);
        }
    }

    fn answer(&mut self, question: Asked) {
        let by = question.by;
        let reply = match question.command {
            Command::Status => Reply::Status {
                company: self.company.clone(),
                status: Box::new(self.switch.status(clock::now())),
            },
            Command::Away { minutes } => {
                let until = minutes
                    .map(|m| self.switch.local_time(clock::now()) + chrono::Duration::minutes(m.into()));
                self.turn(Input::Order(Order::Away { by, until }));
                Reply::Done("the hotline goes to the duty mobile".to_owned())
            }
            Command::Back => {
                self.turn(Input::Order(Order::Back { by }));
                Reply::Done("the hotline rings at the desk".to_owned())
            }
            Command::End { ticket } => match ticket.parse() {
                Ok(id) if self.switch.has_call(id) => {
                    self.turn(Input::Order(Order::End { ticket: id }));
                    Reply::Done(format!("{id} was ended"))
                }
                Ok(id) => Reply::Refused(format!(
                    "{id} is not in progress; `hotlined status` lists the calls that are"
                )),
                Err(error) => Reply::Refused(error.to_string()),
            },
            Command::Reload => match self.reload_house() {
                Ok(()) => Reply::Done("house rules read".to_owned()),
                Err(why) => Reply::Refused(format!("the old rules stay:\n{why}")),
            },
        };
        if question.reply.send(reply).is_err() {
            tracing::debug!("who asked did not wait");
        }
    }

    fn reload_house(&mut self) -> Result<(), String> {
        let certificate = (self.reload_certificate)();
        let HouseRules { house, passwords, office, archive, prompts, voice } = (self.reload)()?;
        self.office.send_replace(office);
        self.archive.reload(archive);
        self.company.clone_from(&house.company);
        self.media.reload_prompts(&prompts);
        self.turn(Input::House { house: Arc::new(house), passwords, voice });
        tracing::info!("house rules read");
        certificate
    }

    /// Ends every call, and then the daemon.
    fn leave(&mut self, by: &mut Option<Instant>) {
        tracing::info!("stopping");
        *by = Some(clock::now().mono + GOODBYE);
        self.turn(Input::Order(Order::Leave));
    }

    fn turn(&mut self, input: Input) {
        for output in self.switch.handle(input, clock::now()) {
            self.perform(output);
        }
        // Each hand-over wakes the relay's thread, which costs more than what it then does.
        self.media.commands(self.commands.drain(..));
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Send { hop, bytes } => {
                tracing::trace!(peer = %hop.remote, "sent\n{}", mask::masked(&bytes));
                self.trace(Way::Sent, hop, &bytes);
                self.sockets.send(hop, bytes);
            }
            Output::Media(command) => {
                match &command {
                    MediaCommand::Describe { .. } => {}
                    // Spoken digits may be a caller's number.
                    MediaCommand::Play { media, play, sounds, repeat } => {
                        tracing::debug!(?media, ?play, sounds = sounds.len(), ?repeat, "media plays");
                    }
                    command => tracing::debug!(?command, "media"),
                }
                self.commands.push(command);
            }
            Output::Save(change) => {
                log_ticket(&change);
                let events = self.feed.ticket(&change, clock::now().wall);
                self.writer.save_and_tell(*change, events);
            }
            Output::Trace { ticket, call_id } => self.book.claim(ticket, call_id),
            Output::Journal { ticket, journal } => self.book.ended(ticket, journal, clock::now().mono),
            Output::Outage(change) => self.outage(change),
            Output::SaveBindings(change) => self.writer.save_bindings(wiring::kept(change)),
            Output::SaveAway(away) => self.away(away),
            Output::Deed { service, by, deed } => {
                let (editor, done) = (Editor::through(self.writer.clone()), self.resolved.clone());
                tokio::spawn(async move {
                    let result = match deed {
                        Deed::MarkUrgent(ticket) => editor.mark_urgent(ticket).await,
                        Deed::Tie(ticket) => editor.tie_to_the_call_before(ticket).await,
                        // The switch does these itself.
                        Deed::GoAway | Deed::ComeBack => Ok(false),
                    };
                    let result = result.unwrap_or_else(|why| {
                        tracing::error!(phone = by, ?deed, %why, "a star code was not carried out");
                        false
                    });
                    if done.send(Input::DeedDone { service, done: result }).await.is_err() {
                        tracing::trace!("the loop has ended");
                    }
                });
            }
            Output::ReserveNumbers { day, count } => self.writer.reserve_numbers(day, count),
            Output::Resolve { trunk, servers, transport } => {
                let resolved = self.resolved.clone();
                tokio::spawn(async move {
                    let addresses = resolve::resolve(servers, transport).await;
                    if resolved.send(Input::Resolved { trunk, addresses }).await.is_err() {
                        tracing::trace!("the loop has ended");
                    }
                });
            }
            Output::Notice(notice) => log_notice(&notice),
        }
    }
}

/// Each thing that happened on a ticket, once. Words may hold numbers, so the log has the word for
/// programs only.
fn log_ticket(change: &TicketChange) {
    let ticket = change.ticket.id;
    for entry in &change.new_entries {
        match entry.what {
            "flagged" => tracing::warn!(%ticket, what = entry.what),
            what => tracing::info!(%ticket, what),
        }
    }
}

fn log_notice(notice: &Notice) {
    match notice {
        Notice::TrunkUp { trunk, reason } => tracing::info!(trunk, reason, "trunk up"),
        Notice::TrunkDown { trunk, reason } => tracing::error!(trunk, reason, "trunk down"),
        Notice::PhoneReachable { phone } => tracing::info!(phone, "phone reachable"),
        Notice::PhoneLost { phone, reason } => tracing::warn!(phone, reason, "phone lost"),
        Notice::UnknownNumber { trunk, dialled } => {
            tracing::warn!(trunk, %dialled, "no hotline has this number")
        }
        Notice::Stranger { remote, method } => tracing::info!(peer = %remote, method, "stranger refused"),
        Notice::Banned { remote } => {
            tracing::warn!(peer = %remote, "too many wrong passwords, ignored for a while")
        }
        Notice::NotAllowed { phone, dialled, why } => tracing::warn!(phone, %dialled, why, "not dialled"),
        Notice::OwnNumberOnly { trunk } => {
            tracing::warn!(trunk, "refuses callers' numbers: calls go out under its own from now on");
        }
        Notice::Recorded { ticket, verdict } => match verdict {
            Verdict::Good | Verdict::Refused | Verdict::None(_) => {
                tracing::info!(%ticket, ?verdict, "recorded")
            }
            Verdict::Degraded(_) | Verdict::OneSided(_) | Verdict::Interrupted => {
                tracing::warn!(%ticket, ?verdict, "recorded, but not whole");
            }
            Verdict::Failed(_) => tracing::error!(%ticket, ?verdict, "a recording is missing"),
        },
        Notice::CallBroken { ticket } => tracing::error!(%ticket, "a bug ended this call"),
    }
}

/// Makes the database ready. Only one that can never work ends the start: the hotline is answered
/// without a database, the writer keeps every change and tries again.
async fn prepare(store: &StoreSettings) -> anyhow::Result<()> {
    match writer::prepare(store).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_permanent() => Err(error).context("the database can't be used"),
        Err(error) => {
            tracing::error!(%error, "the database does not work yet; calls are taken and kept for it");
            Ok(())
        }
    }
}

/// Waits for the writer's last word: how many changes it could not write.
async fn closed(said: &mut mpsc::UnboundedReceiver<StoreFact>) -> usize {
    while let Some(fact) = said.recv().await {
        if let StoreFact::Closed { unsaved } = fact {
            return unsaved;
        }
    }
    0
}

/// What the store kept over the restart.
#[derive(Default)]
struct Remembered {
    bindings: Vec<crate::switch::registrar::BindingChange>,
    away: Option<Away>,
    newest_event: u64,
}

/// Reads it; a database that can't be read costs the registrations, not the start.
async fn remembered(path: &Path) -> Remembered {
    let read = async {
        let reader = Reader::open(path).await?;
        Ok::<_, crate::store::error::StoreError>(Remembered {
            bindings: wiring::remembered(reader.bindings().await?),
            away: reader.away().await?,
            newest_event: reader.newest_event().await?,
        })
    };
    read.await.unwrap_or_else(|error| {
        tracing::error!(%error, "registrations are not known; phones will register again");
        Remembered::default()
    })
}

/// Fresh random bytes of the system.
pub(super) fn seed() -> std::io::Result<[u8; 32]> {
    let mut seed = [0_u8; 32];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut seed)?;
    Ok(seed)
}

/// Only our own user may open it: whoever can, can end calls.
fn listen_control(path: &Path) -> anyhow::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!("another hotlined runs already: {} answers", path.display());
    }
    remove_control(path);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    let listener = UnixListener::bind(path).with_context(|| format!("can't listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn remove_control(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "control socket left behind");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_does_not_work_yet_does_not_keep_the_hotline_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        std::fs::write(&path, [b'x'; 8192]).unwrap();
        let settings = StoreSettings::new(&path);
        assert!(writer::prepare(&settings).await.is_err());
        prepare(&settings).await.unwrap();
    }
}
