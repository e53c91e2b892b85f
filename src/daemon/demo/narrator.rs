//! Tells what happens as it happens: the messages that the endpoints saw and the lines that the daemon
//! writes on its tickets, in order of time, counted from the beginning of the scene.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use super::endpoint::{Seen, Way};
use crate::{
    daemon::clock,
    desk::ticket::TicketId,
    store::reader::{Reader, TicketFilter},
};

/// A line is told so long after it happened, so that what the database brings late finds its place.
const PATIENCE: Duration = Duration::from_millis(250);

/// How often the database is asked for new lines.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Word {
    Scene { title: String, done: oneshot::Sender<()> },
    Flush { done: oneshot::Sender<()> },
}

/// The narrator's ear.
#[derive(Debug, Clone)]
pub(super) struct Narrator {
    words: mpsc::UnboundedSender<Word>,
}

impl Narrator {
    /// Starts to tell, on the current runtime, tickets received from now on.
    pub(super) fn start(reader: Reader, seen: mpsc::UnboundedReceiver<Seen>) -> Self {
        let (words, told) = mpsc::unbounded_channel();
        let now = clock::now();
        let story =
            Story { reader, since: now.wall, zero: now.mono, pending: Vec::new(), known: BTreeMap::new() };
        tokio::spawn(story.tell(seen, told));
        Self { words }
    }

    /// A new scene, from whose beginning time is counted.
    pub(super) async fn scene(&self, title: &str) {
        let (done, told) = oneshot::channel();
        self.say(Word::Scene { title: title.to_owned(), done }, told).await;
    }

    /// Waits until everything so far is told.
    pub(super) async fn flush(&self) {
        let (done, told) = oneshot::channel();
        tokio::time::sleep(PATIENCE + LOOK).await;
        self.say(Word::Flush { done }, told).await;
    }

    async fn say(&self, word: Word, told: oneshot::Receiver<()>) {
        // The narrator ends with its runtime; then there is nobody to tell.
        if self.words.send(word).is_ok() {
            let _ = told.await;
        }
    }
}

struct Story {
    reader: Reader,
    since: DateTime<Utc>,
    zero: Instant,
    pending: Vec<(Instant, String)>,
    /// Lines of each ticket that were told.
    known: BTreeMap<TicketId, usize>,
}

impl Story {
    async fn tell(
        mut self,
        mut seen: mpsc::UnboundedReceiver<Seen>,
        mut told: mpsc::UnboundedReceiver<Word>,
    ) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                Some(message) = seen.recv() => self.pending.push((message.at, ladder(&message))),
                word = told.recv() => match word {
                    Some(Word::Scene { title, done }) => {
                        self.read().await;
                        self.print(None);
                        println!("\n{title}");
                        self.zero = clock::now().mono;
                        // Who asked may have gone.
                        let _ = done.send(());
                    }
                    Some(Word::Flush { done }) => {
                        while let Ok(message) = seen.try_recv() {
                            self.pending.push((message.at, ladder(&message)));
                        }
                        self.read().await;
                        self.print(None);
                        let _ = done.send(());
                    }
                    None => return,
                },
                _ = look.tick() => {
                    self.read().await;
                    let now = clock::now().mono;
                    self.print(now.checked_sub(PATIENCE));
                }
            }
        }
    }

    async fn read(&mut self) {
        let filter = TicketFilter { since: Some(self.since), ..TicketFilter::default() };
        let Ok(tickets) = self.reader.tickets(&filter).await else { return };
        for ticket in tickets {
            let Ok(Some(page)) = self.reader.ticket(ticket.id).await else { continue };
            let known = self.known.entry(ticket.id).or_default();
            let now = clock::now();
            for entry in page.timeline.iter().skip(*known) {
                let age = (now.wall - entry.at.to_utc()).to_std().unwrap_or_default();
                // The database keeps whole milliseconds, so what the line is about came before it.
                let at = now.mono.checked_sub(age).unwrap_or(now.mono) + Duration::from_millis(1);
                let line = format!("{:<8}            {}: {}", "ticket", entry.what, entry.words);
                self.pending.push((at, line));
            }
            *known = page.timeline.len();
        }
    }

    /// Prints what happened until then, or all.
    fn print(&mut self, until: Option<Instant>) {
        self.pending.sort_by_key(|(at, _)| *at);
        let ready = match until {
            Some(until) => self.pending.partition_point(|(at, _)| *at <= until),
            None => self.pending.len(),
        };
        for (at, line) in self.pending.drain(..ready) {
            let time = at.saturating_duration_since(self.zero);
            println!("{:>8.3}  {line}", time.as_secs_f64());
        }
    }
}

fn ladder(seen: &Seen) -> String {
    let (from, to) = match seen.way {
        Way::Sent => (seen.endpoint.as_str(), "hotline"),
        Way::Received => ("hotline", seen.endpoint.as_str()),
    };
    format!("{from:<8}→ {to:<8}  {}", seen.words)
}
