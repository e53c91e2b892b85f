//! `hotlined user`: people who may use the API, kept from the command line. The daemon may run or not.

use std::io::{BufRead, IsTerminal};

use anyhow::{anyhow, bail};

use super::{clock, commands::Files, serve::seed, wiring};
use crate::{
    console::http::password,
    desk::people::{Role, is_user_name},
    store::{
        edit::Editor,
        people::{Changed, Totp, User, UserChange},
        reader::Reader,
    },
};

/// What is wanted of a user.
#[derive(Debug, Clone)]
pub enum Wish {
    Add { name: String, role: Role, phone: Option<String> },
    Password { name: String },
    Remove { name: String },
    List,
}

/// Does it, and says so.
///
/// # Errors
/// In words what stands against it.
pub fn user(files: &Files, wish: Wish) -> anyhow::Result<()> {
    let database = wiring::read(&files.daemon, &files.house)
        .map_err(|faults| anyhow!(wiring::faults_text(&faults)))?
        .daemon
        .database;
    super::commands::runtime()?.block_on(async {
        let editor = Editor::open(&database).await?;
        match wish {
            Wish::Add { name, role, phone } => add(&editor, name, role, phone).await,
            Wish::Password { name } => {
                let (hash, shown) = new_password(&name)?;
                let change = UserChange { password: Some(hash), ..UserChange::default() };
                done(editor.change_user(name.clone(), change).await?, &name)?;
                tell(&name, "has a new password", shown.as_deref());
                Ok(())
            }
            Wish::Remove { name } => {
                done(editor.remove_user(name.clone()).await?, &name)?;
                println!("user {name} is removed");
                Ok(())
            }
            Wish::List => {
                for user in Reader::open(&database).await?.users().await? {
                    let codes = if matches!(user.totp, Totp::Active { .. }) { "codes" } else { "" };
                    let locked = if user.locked { "locked" } else { "" };
                    let phone = user.phone.unwrap_or_default();
                    let line =
                        format!("{:<20} {:<14} {phone:<8} {codes} {locked}", user.name, user.role.word());
                    println!("{}", line.trim_end());
                }
                Ok(())
            }
        }
    })
}

async fn add(editor: &Editor, name: String, role: Role, phone: Option<String>) -> anyhow::Result<()> {
    if !is_user_name(&name) {
        bail!("{name:?}: a user's name has 1 to 64 letters, digits, dots, dashes or underscores");
    }
    let (password, shown) = new_password(&name)?;
    let created = clock::now().wall;
    let user = User { name: name.clone(), role, phone, password, totp: Totp::Off, locked: false, created };
    if !editor.add_user(user).await? {
        bail!("there is a user {name} already; `hotlined user password {name}` sets a new password");
    }
    tell(&name, &format!("is {}", role.word()), shown.as_deref());
    Ok(())
}

fn done(changed: Changed, name: &str) -> anyhow::Result<()> {
    match changed {
        Changed::Done => Ok(()),
        Changed::NoSuchUser => bail!("there is no user {name}; `hotlined user list` lists those that are"),
        Changed::LastAdministrator => bail!("{name} is the last administrator: make another one first"),
    }
}

/// The first line of the standard input, or, at a terminal, a fresh one that is shown; hashed.
fn new_password(name: &str) -> anyhow::Result<(String, Option<String>)> {
    let stdin = std::io::stdin();
    let (password, shown) = if stdin.is_terminal() {
        // 100 bits, in letters that are not mistaken for each other.
        let letters =
            data_encoding::BASE32_NOPAD.encode(seed()?.get(..13).unwrap_or_default()).to_lowercase();
        let fresh: String = letters.chars().take(20).collect();
        (fresh.clone(), Some(fresh))
    } else {
        let mut line = String::new();
        stdin.lock().read_line(&mut line)?;
        (line.trim_end_matches(['\n', '\r']).to_owned(), None)
    };
    Ok((password::hash(name, &password, &seed()?)?, shown))
}

fn tell(name: &str, what: &str, password: Option<&str>) {
    println!("user {name} {what}");
    if let Some(password) = password {
        println!("password: {password}");
    }
}
