//! The control socket: a Unix socket that only the daemon's own user may open. One line of JSON asks,
//! one line answers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream as StdUnixStream,
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
};

use super::text::printable;
use crate::switch::status::Status;

/// What a person at the command line asks of the running daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Trunks, phones, calls in progress.
    Status,
    /// The desk is empty: hotline calls go to the mobile, for so long or until `back`.
    Away {
        minutes: Option<u32>,
    },
    Back,
    /// End one call, by its ticket.
    End {
        ticket: String,
    },
    /// Read the house rules again.
    Reload,
}

/// The daemon's word.
#[derive(Debug)]
pub enum Reply {
    Status {
        company: String,
        status: Box<Status>,
    },
    Done(String),
    /// What is wrong, and what to do.
    Refused(String),
}

/// A question on its way to the loop.
#[derive(Debug)]
pub struct Asked {
    pub command: Command,
    /// Who asks: `command line`, or a user's name.
    pub by: String,
    pub reply: oneshot::Sender<Reply>,
}

/// The longest line that is read; a question has tens of bytes.
const LINE: u64 = 4096;

/// How long the command line waits for the daemon.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers everyone who connects, one line each. Ends when the loop does.
pub async fn serve(listener: UnixListener, asked: mpsc::Sender<Asked>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let asked = asked.clone();
                tokio::spawn(async move {
                    if let Err(error) = answer(stream, &asked).await {
                        tracing::debug!(%error, "control socket");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, asked: &mpsc::Sender<Asked>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reader.take(LINE)).read_line(&mut line).await?;
    let said = match serde_json::from_str(&line) {
        Err(error) => json!({ "error": format!("not a command: {error}") }),
        Ok(command) => {
            let (reply, answered) = oneshot::channel();
            let sent = asked.send(Asked { command, by: "command line".to_owned(), reply }).await.is_ok();
            match answered.await {
                Ok(Reply::Status { company, status }) if sent => {
                    json!({ "status": super::json::Status::of(&company, &status) })
                }
                Ok(Reply::Done(words)) => json!({ "done": words }),
                Ok(Reply::Refused(words)) => json!({ "error": words }),
                Ok(Reply::Status { .. }) | Err(_) => json!({ "error": "the daemon is stopping" }),
            }
        }
    };
    writer.write_all(format!("{said}\n").as_bytes()).await
}

/// Asks the running daemon, and waits for its word.
///
/// # Errors
/// In words for the person who asked: no daemon there, or what it refused.
pub fn ask(socket: &Path, command: &Command) -> Result<Value, String> {
    let stream = StdUnixStream::connect(socket).map_err(|error| {
        format!("no daemon answers at {} ({error}); is `hotlined serve` running?", socket.display())
    })?;
    let said = talk(stream, command).map_err(|error| format!("the daemon did not answer: {error}"))?;
    match said.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(said),
    }
}

fn talk(mut stream: StdUnixStream, command: &Command) -> std::io::Result<Value> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{}\n", serde_json::to_string(command)?).as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(16 << 20)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// A status as [`ask`] gave it, for people.
pub fn status_text(said: &Value) -> String {
    let word = |value: &Value, key: &str| printable(value.get(key).and_then(Value::as_str).unwrap_or("-"));
    let status = said.get("status").unwrap_or(said);
    let list = |key: &str| status.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut text = format!("company {}\ndesk    {}\n", word(status, "company"), word(status, "desk"));
    if status.get("shift").is_some_and(Value::is_string) {
        text += &format!("shift   {} ({})\n", word(status, "shift"), word(status, "operator"));
    }
    for trunk in list("trunks") {
        let (name, state) = (word(&trunk, "name"), word(&trunk, "state"));
        text += &format!(
            "trunk   {name:<12} {state:<16} since {}  {}\n",
            word(&trunk, "since"),
            word(&trunk, "reason")
        );
    }
    for phone in list("phones") {
        let (name, state) = (word(&phone, "name"), word(&phone, "state"));
        text += &format!("phone   {name:<12} {state:<16} since {}\n", word(&phone, "since"));
    }
    let calls = list("calls");
    for call in &calls {
        let (ticket, caller) = (word(call, "ticket"), word(call, "caller"));
        let state = if call.get("answered").is_some_and(Value::is_string) { "talking" } else { "ringing" };
        let listed = if call.get("resident").is_some_and(Value::is_string) {
            format!("  {}", word(call, "resident"))
        } else {
            String::new()
        };
        text += &format!("call    {ticket}  {caller:<16} {state} since {}{listed}\n", word(call, "received"));
    }
    text += &format!("{} calls in progress\n", calls.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_cannot_drive_the_terminal_of_who_asks_for_the_status() {
        let said = json!({ "status": {
            "desk": "on duty",
            "calls": [{ "ticket": "20261123-0007", "caller": "\u{1b}[2J13800000000", "received": "16:15" }],
        } });
        let text = status_text(&said);
        assert!(text.contains("\u{fffd}[2J13800000000"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
