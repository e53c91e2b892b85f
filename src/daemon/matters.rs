//! What `hotlined matter`, `order`, `visits`, `missed` and `log` do.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use chrono::TimeDelta;
use chrono_tz::Tz;

use super::{
    commands::{Files, read, runtime},
    residents::{editor, hand},
    wiring::Configuration,
};
use crate::{
    console::{dispatch, lists},
    desk::{
        matter::change::Change,
        return_visit::{VisitChange, Visitor},
        ticket::{LocalTime, TicketId},
        work_order::{OrderChange, OrderId},
    },
    store::{
        matters::{NewContact, read::MatterFilter},
        reader::Reader,
        work_orders::NewOrder,
    },
};

/// What a person wants of the desk's work.
#[derive(Debug, Clone)]
pub enum Wish {
    Log(Box<NewContact>),
    Show(TicketId),
    List(MatterFilter),
    /// Clocks that are late, or will be within so many minutes.
    Late {
        minutes: u32,
        limit: u32,
    },
    Change {
        id: TicketId,
        change: Change,
    },
    Merge {
        from: TicketId,
        into: TicketId,
    },
    MakeOrder(NewOrder),
    ChangeOrder {
        id: OrderId,
        change: OrderChange,
    },
    /// The page to print, to a file or to standard output.
    PrintOrder {
        id: OrderId,
        file: Option<PathBuf>,
    },
    Orders {
        limit: u32,
    },
    /// Crews that are late, or are expected within the warning time.
    Expected {
        limit: u32,
    },
    NotifyBuilder {
        matter: TicketId,
        builder: String,
        what: String,
    },
    /// The builder was reminded, or answered.
    FollowBuilder {
        notice: i64,
        answer: Option<String>,
    },
    Visits {
        visitor: Option<Visitor>,
        limit: u32,
    },
    ChangeVisit {
        id: i64,
        change: VisitChange,
    },
    Missed,
}

/// Does what is wished, in the name of `by`. Times in it are meant on the desk's clock, so `wish` is asked
/// for it with the desk's zone and the time that it is.
///
/// # Errors
/// The rules of the desk do not allow it, in words; or the database does not work.
pub fn run(
    files: &Files,
    by: &str,
    wish: impl FnOnce(Tz, LocalTime) -> anyhow::Result<Wish>,
) -> anyhow::Result<()> {
    let configuration = read(files)?;
    let wish = wish(configuration.rules.office.calendar.zone, hand(&configuration, by).at)?;
    runtime()?.block_on(done(&configuration, wish, by))
}

async fn done(configuration: &Configuration, wish: Wish, by: &str) -> anyhow::Result<()> {
    let hand = hand(configuration, by);
    let office = configuration.rules.office.clone();
    match wish {
        Wish::Log(contact) => {
            let id = editor(configuration).await?.log_contact(*contact, office, hand).await?;
            println!("ticket {id}");
        }
        Wish::Change { id, change } => {
            editor(configuration).await?.change_matter(id, change, office.clone(), hand).await?;
            show(configuration, id).await?;
        }
        Wish::Merge { from, into } => {
            editor(configuration).await?.merge_matters(from, into, office, hand).await?;
            println!("{from} is part of {into}");
        }
        Wish::MakeOrder(order) => {
            let id = editor(configuration).await?.make_order(order, office, hand).await?;
            println!("order {id}");
        }
        Wish::ChangeOrder { id, change } => {
            let order = editor(configuration).await?.change_order(id, change, office, hand).await?;
            print!("{}", lists::orders_table(&[order]));
        }
        Wish::NotifyBuilder { matter, builder, what } => {
            let id = editor(configuration).await?.notify_builder(matter, builder, what, office, hand).await?;
            println!("notice {id}");
        }
        Wish::FollowBuilder { notice, answer } => {
            editor(configuration).await?.follow_builder(notice, answer, office, hand).await?;
            println!("noted");
        }
        Wish::ChangeVisit { id, change } => {
            let visit = editor(configuration).await?.change_visit(id, change, office, hand).await?;
            println!("visit {id} of {} is {}", visit.matter, visit.state.word());
        }
        Wish::Show(_)
        | Wish::List(_)
        | Wish::Late { .. }
        | Wish::PrintOrder { .. }
        | Wish::Orders { .. }
        | Wish::Expected { .. }
        | Wish::Visits { .. }
        | Wish::Missed => look(configuration, wish).await?,
    }
    Ok(())
}

/// What only reads.
async fn look(configuration: &Configuration, wish: Wish) -> anyhow::Result<()> {
    let office = &configuration.rules.office;
    let now = hand(configuration, "").at;
    let reader = Reader::open(&configuration.daemon.database).await?;
    let soon = |minutes: u32| now.to_utc() + TimeDelta::minutes(minutes.into());
    match wish {
        Wish::Show(id) => show(configuration, id).await?,
        Wish::List(filter) => {
            print!("{}", lists::matters_table(&reader.matters(&filter).await?, office, now));
        }
        Wish::Late { minutes, limit } => {
            print!("{}", lists::clocks_table(&reader.clocks_due(soon(minutes), limit).await?, office, now));
        }
        Wish::PrintOrder { id, file } => print_order(configuration, &reader, id, file.as_deref()).await?,
        Wish::Orders { limit } => print!("{}", lists::orders_table(&reader.open_orders(limit).await?)),
        Wish::Expected { limit } => {
            let warned = soon(office.limits.late_warning_minutes);
            print!("{}", lists::expected_table(&reader.expected_orders(warned, limit).await?));
        }
        Wish::Visits { visitor, limit } => {
            let today = now.date_naive();
            let visits = reader.visits_to_call(now.to_utc(), today, visitor, limit).await?;
            print!("{}", lists::visits_table(&visits, office));
        }
        Wish::Missed => {
            let missed = reader.missed(&office.numbering, office.missed, now.to_utc()).await?;
            let directory = reader.directory(&office.numbering).await?;
            print!("{}", lists::missed_table(&missed, &directory));
        }
        Wish::Log(_)
        | Wish::Change { .. }
        | Wish::Merge { .. }
        | Wish::MakeOrder(_)
        | Wish::ChangeOrder { .. }
        | Wish::NotifyBuilder { .. }
        | Wish::FollowBuilder { .. }
        | Wish::ChangeVisit { .. } => {}
    }
    Ok(())
}

async fn show(configuration: &Configuration, id: TicketId) -> anyhow::Result<()> {
    let reader = Reader::open(&configuration.daemon.database).await?;
    let page = reader.matter(id).await?.ok_or_else(|| anyhow!("there is no matter {id}"))?;
    print!("{}", lists::matter_page(&page, &configuration.rules.office));
    Ok(())
}

async fn print_order(
    configuration: &Configuration,
    reader: &Reader,
    id: OrderId,
    file: Option<&Path>,
) -> anyhow::Result<()> {
    let order = reader.order(id).await?.ok_or_else(|| anyhow!("there is no order {id}"))?;
    let of =
        reader.matter(order.matter).await?.ok_or_else(|| anyhow!("there is no matter {}", order.matter))?;
    let link = configuration.rules.office.dispatch_link.replace("{matter}", &order.matter.to_string());
    let page = dispatch::page(&configuration.rules.house.company, &order, &of.matter, &link);
    match file {
        Some(file) => {
            std::fs::write(file, page).with_context(|| format!("can't write {}", file.display()))?;
            println!("{id} is in {}", file.display());
        }
        None => print!("{page}"),
    }
    Ok(())
}
