//! The command line: arguments only. What each command does is in [`hotlined::daemon::commands`].

use std::{path::PathBuf, process::ExitCode};

use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};
use hotlined::{
    console::control::Command as Control,
    daemon::{
        commands::{self, Files, Wanted},
        demo::{self, Scene, Wish},
        evidence, exporting, figures, keeping, matters, people, prompts, residents,
    },
    desk::{people::Role, ticket::LocalTime},
    store::residents::DryRun,
};

#[path = "main/figures.rs"]
mod figure_args;
#[path = "main/matters.rs"]
mod matter_args;

/// Gives back to the system what a busy hour needed; glibc's allocator keeps all that lies below the last
/// block in use.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The daemon behind a service desk's hotline.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Args)]
struct ConfigFiles {
    /// The daemon's settings.
    #[arg(long, default_value = "config/hotlined.toml", env = "HOTLINED_CONFIG")]
    config: PathBuf,
    /// The house rules.
    #[arg(long, default_value = "config/house.toml", env = "HOTLINED_HOUSE")]
    house: PathBuf,
}

impl From<ConfigFiles> for Files {
    fn from(files: ConfigFiles) -> Self {
        Self { daemon: files.config, house: files.house }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Serve(#[command(flatten)] ConfigFiles),
    /// Check both configuration files and print every fault.
    CheckConfig(#[command(flatten)] ConfigFiles),
    /// List tickets, newest first.
    Tickets {
        #[command(flatten)]
        files: ConfigFiles,
        /// Only those not answered within three rings.
        #[arg(long)]
        flagged: bool,
        /// Received on or after this day: 2026-11-23.
        #[arg(long)]
        since: Option<NaiveDate>,
        /// Received before this day.
        #[arg(long)]
        until: Option<NaiveDate>,
        /// Those most worth hearing first, with the reasons.
        #[arg(long)]
        risk: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one ticket with its timeline.
    Ticket {
        /// Such as 20261123-0007.
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask the running daemon for trunks, phones and calls in progress.
    Status {
        #[command(flatten)]
        files: ConfigFiles,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the SIP messages of one call as a ladder, or write them as a capture file.
    Trace {
        /// Such as 20261123-0007.
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
        /// Every message in full.
        #[arg(long)]
        full: bool,
        /// Write a capture for Wireshark or sngrep to this file instead.
        #[arg(long, value_name = "FILE")]
        pcap: Option<PathBuf>,
    },
    /// Run what one call saw through the call machine again; fails where it does otherwise.
    Replay {
        /// Such as 20261123-0007.
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
    },
    /// List recordings without a ticket, and tickets without their recording; fails if there are any.
    Orphans(#[command(flatten)] ConfigFiles),
    /// Find what was said in recorded calls, the newest call first.
    Search {
        /// Any words; one character is enough.
        text: String,
        #[command(flatten)]
        files: ConfigFiles,
        /// At most so many places.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show what was said in one call.
    Transcript {
        /// Such as 20261123-0007.
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
    },
    /// Say how long the disk lasts at the rate of the last weeks.
    Disk(#[command(flatten)] ConfigFiles),
    /// Keep the recordings of a ticket's matter, whatever their age.
    Hold {
        /// Such as 20261123-0007.
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Let the house rules decide again how long they stay.
    Release {
        /// Such as 20261123-0007.
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
    },
    /// Erase a person: recordings, numbers and names of every call from or to that number.
    Erase {
        /// As the person dials; other ways to write it are meant, too.
        #[arg(long)]
        number: String,
        #[command(flatten)]
        files: ConfigFiles,
        /// Why, for the certificates.
        #[arg(long)]
        reason: String,
    },
    /// Check recordings, tickets and the access log against the chain of proof; fails where it breaks.
    Verify {
        #[command(flatten)]
        files: ConfigFiles,
        /// Only what was sealed on or after this day: 2026-11-23.
        #[arg(long)]
        since: Option<NaiveDate>,
        /// Only what is sealed of this ticket.
        #[arg(long)]
        ticket: Option<String>,
        /// Against an anchor that was kept elsewhere, beside those of the anchors' file.
        #[arg(long, value_name = "LINE")]
        anchor: Option<String>,
    },
    /// Copy recordings for a supervisor, with a sheet (CSV and xlsx); each is in the access log.
    Export {
        #[command(flatten)]
        files: ConfigFiles,
        /// A ticket such as 20261123-0007 (not with --since), and the folder, made if it is not there.
        #[arg(required = true, num_args = 1..=2, value_names = ["TICKET", "DIR"])]
        places: Vec<String>,
        /// Of calls received on or after this day: 2026-11-23.
        #[arg(long)]
        since: Option<NaiveDate>,
        /// Of calls received before this day.
        #[arg(long)]
        until: Option<NaiveDate>,
        /// From this second of the recording on.
        #[arg(long, value_name = "SECONDS")]
        from: Option<f64>,
        /// Up to this second.
        #[arg(long, value_name = "SECONDS")]
        to: Option<f64>,
        /// Silence one side.
        #[arg(long, value_name = "SIDE")]
        mute: Option<exporting::Side>,
    },
    /// Print the end of the chain of proof as one line, to be kept elsewhere.
    Anchor(#[command(flatten)] ConfigFiles),
    /// Send the hotline to the duty mobile.
    Away {
        #[command(flatten)]
        files: ConfigFiles,
        /// For so long; until `back` where it is not given.
        #[arg(long)]
        minutes: Option<u32>,
    },
    /// Ring the desk again.
    Back(#[command(flatten)] ConfigFiles),
    /// End a call in progress.
    End {
        /// Such as 20261123-0007.
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
    },
    /// People who may use the API.
    User {
        #[command(subcommand)]
        wish: UserWish,
        #[command(flatten)]
        files: ConfigFiles,
    },
    /// What the house says: its prompt files.
    #[command(subcommand)]
    Prompts(Prompts),
    /// For each duty mobile, how often it took, refused and swallowed the hotline's calls.
    Mobiles(#[command(flatten)] ConfigFiles),
    /// Let the running daemon read the house rules again.
    Reload(#[command(flatten)] ConfigFiles),
    /// The residents' list: take it over, write it out, find somebody.
    #[command(subcommand)]
    Residents(Residents),
    /// Write down a visit to the counter, a form, or a call taken on the mobile.
    Log(Box<matter_args::Log>),
    /// Follow one matter: see it, write down, pass on, answer, close.
    Matter(matter_args::OneMatter),
    /// List matters, or the clocks that are late.
    Matters(matter_args::ManyMatters),
    /// Dispatch orders (维修派工单).
    #[command(subcommand)]
    Order(matter_args::Order),
    /// Return visits (回访) to call, and what came of them.
    Visits(matter_args::Visits),
    /// Callers who did not get through and were not called back, the most urgent first.
    Missed(By),
    /// Count a day, a week, a month or a quarter; each figure says how, and what it leaves out.
    Figures(figure_args::Figures),
    /// What this shift leaves to the next (交接班).
    Handover(#[command(flatten)] ConfigFiles),
    /// Show the daemon at work: four calls with real speech, a carrier and a phone played beside it.
    Demo {
        /// End afterwards; succeed only if everything shown was right.
        #[arg(long)]
        once: bool,
        /// Keep database and recordings there.
        #[arg(long)]
        dir: Option<PathBuf>,
        /// Only one: answered, late, mobile or abandoned.
        #[arg(long, value_name = "NAME")]
        scenario: Option<Scene>,
    },
}

#[derive(Debug, Subcommand)]
enum Prompts {
    /// Look at each prompt's file: format, length, loudness, clipping, words. Fails if one can't be played.
    Check(#[command(flatten)] ConfigFiles),
}

/// Who does it, for the record of changes.
#[derive(Debug, Clone, Args)]
struct By {
    /// Your name, for the record of changes.
    #[arg(long, env = "USER", default_value = "command line")]
    by: String,
    #[command(flatten)]
    files: ConfigFiles,
}

#[derive(Debug, Subcommand)]
enum Residents {
    /// Take over a list: CSV (UTF-8 or GBK) or xlsx, with Chinese or English headings. All of it, or nothing.
    Import {
        file: PathBuf,
        /// Only say what would become of it.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: By,
    },
    /// Write the whole list: to a .csv or .xlsx file, or as CSV to standard output.
    Export {
        file: Option<PathBuf>,
        #[command(flatten)]
        by: By,
    },
    /// Find by number, room, name or pinyin initials.
    Find {
        text: String,
        /// At most so many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
        #[command(flatten)]
        by: By,
    },
    /// Give a resident one more number.
    Bind {
        /// As `find` shows it.
        id: i64,
        number: String,
        #[command(flatten)]
        by: By,
    },
    /// Take a resident off the list.
    Remove {
        id: i64,
        #[command(flatten)]
        by: By,
    },
}

impl Residents {
    fn wish(self) -> (By, residents::Wish) {
        match self {
            Self::Import { file, dry_run, by } => {
                let dry = if dry_run { DryRun::Yes } else { DryRun::No };
                (by, residents::Wish::Import { file, dry })
            }
            Self::Export { file, by } => (by, residents::Wish::Export { file }),
            Self::Find { text, limit, by } => (by, residents::Wish::Find { text, limit }),
            Self::Bind { id, number, by } => (by, residents::Wish::Bind { id, number }),
            Self::Remove { id, by } => (by, residents::Wish::Remove { id }),
        }
    }
}

/// A password is the first line of the standard input; at a terminal a fresh one is made and shown.
#[derive(Debug, Subcommand)]
enum UserWish {
    /// Add somebody.
    Add {
        name: String,
        /// operator, supervisor, manager or administrator.
        #[arg(long)]
        role: Role,
        /// The desk phone that rings for their calls out.
        #[arg(long)]
        phone: Option<String>,
    },
    /// Set a new password, and end their sessions.
    Password { name: String },
    /// Remove somebody, with their sessions and tokens.
    Remove { name: String },
    /// List all.
    List,
}

impl From<UserWish> for people::Wish {
    fn from(wish: UserWish) -> Self {
        match wish {
            UserWish::Add { name, role, phone } => Self::Add { name, role, phone },
            UserWish::Password { name } => Self::Password { name },
            UserWish::Remove { name } => Self::Remove { name },
            UserWish::List => Self::List,
        }
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(files) => commands::serve(&files.into()),
        Command::CheckConfig(files) => commands::check_config(&files.into()),
        Command::Tickets { files, flagged, since, until, risk, limit, json } => {
            let wanted = Wanted { flagged, since, until, by_risk: risk, limit };
            commands::tickets(&files.into(), &wanted, json)
        }
        Command::Ticket { id, files, json } => commands::ticket(&files.into(), &id, json),
        Command::Status { files, json } => commands::status(&files.into(), json),
        Command::Trace { id, files, full, pcap } => {
            commands::trace(&files.into(), &id, full, pcap.as_deref())
        }
        Command::Replay { id, files } => commands::replay(&files.into(), &id),
        Command::Orphans(files) => keeping::orphans(&files.into()),
        Command::Search { text, files, limit } => keeping::search(&files.into(), &text, limit),
        Command::Transcript { id, files } => keeping::transcript(&files.into(), &id),
        Command::Disk(files) => keeping::disk(&files.into()),
        Command::Hold { id, files, reason } => keeping::hold(&files.into(), &id, &reason),
        Command::Release { id, files } => keeping::release(&files.into(), &id),
        Command::Erase { number, files, reason } => keeping::erase(&files.into(), &number, &reason),
        Command::Verify { files, since, ticket, anchor } => {
            evidence::verify(&files.into(), &evidence::Wanted { since, ticket, anchor })
        }
        Command::Export { files, mut places, since, until, from, to, mute } => {
            let dir = places.pop().unwrap_or_default().into();
            let wanted = exporting::Wanted { ticket: places.pop(), since, until, dir, from, to, mute };
            exporting::export(&files.into(), &wanted)
        }
        Command::Anchor(files) => evidence::anchor(&files.into()),
        Command::Away { files, minutes } => commands::control(&files.into(), &Control::Away { minutes }),
        Command::Back(files) => commands::control(&files.into(), &Control::Back),
        Command::End { id, files } => commands::control(&files.into(), &Control::End { ticket: id }),
        Command::User { wish, files } => people::user(&files.into(), wish.into()),
        Command::Prompts(Prompts::Check(files)) => prompts::check(&files.into()),
        Command::Mobiles(files) => prompts::mobiles(&files.into()),
        Command::Reload(files) => commands::control(&files.into(), &Control::Reload),
        Command::Residents(command) => {
            let (By { by, files }, wish) = command.wish();
            residents::residents(&files.into(), wish, &by)
        }
        Command::Log(log) => follow(log.by.clone(), |zone, now| log.wish(zone, now)),
        Command::Matter(matter) => follow(matter.by.clone(), |zone, _| matter.wish(zone)),
        Command::Matters(list) => follow(list.by.clone(), |_, _| list.wish()),
        Command::Order(order) => {
            let (by, wish) = matter_args::order(order);
            follow(by, |zone, _| wish(zone))
        }
        Command::Visits(visits) => follow(visits.by.clone(), |_, _| visits.wish()),
        Command::Missed(by) => follow(by, |_, _| Ok(matters::Wish::Missed)),
        Command::Figures(wanted) => {
            let (days, form) = wanted.wanted();
            figures::print(&wanted.files.into(), days, &form)
        }
        Command::Handover(files) => figures::hand_over(&files.into()),
        Command::Demo { once, dir, scenario } => demo::run(&Wish { once, dir, scenario, ..Wish::default() }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Something about the desk's work, in somebody's name.
fn follow(
    By { by, files }: By,
    wish: impl FnOnce(Tz, LocalTime) -> anyhow::Result<matters::Wish>,
) -> anyhow::Result<()> {
    matters::run(&files.into(), &by, wish)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_of_every_command_fit_together() {
        Cli::command().debug_assert();
    }
}
