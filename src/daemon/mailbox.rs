//! The message lamp's eye on the database.

use std::{path::PathBuf, time::Duration};

use tokio::sync::mpsc;

use crate::{sip::message_summary::Mailbox, store::reader::Reader, switch::Input};

/// How often the mailbox is looked at for the message lamp. Messages are heard in other programs, too, so
/// nobody tells; doubled, a lamp is wrong for longer.
const LAMP_INTERVAL: Duration = Duration::from_secs(2);

/// Tells the switch how many messages there are, whenever that has changed. Ends with the loop.
pub(super) async fn watch(database: PathBuf, tell: mpsc::Sender<Input>) {
    let mut told = None;
    let mut reader = None;
    loop {
        if reader.is_none() {
            reader = Reader::open(&database).await.ok();
        }
        let counted = match &reader {
            Some(reader) => reader.count_messages().await.ok(),
            None => None,
        };
        if let Some((fresh, heard)) = counted
            && told != counted
        {
            told = counted;
            if tell.send(Input::Mailbox(Mailbox { fresh, heard })).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(LAMP_INTERVAL).await;
    }
}
