//! Residents and what the desk has promised, as text for the command line. Pure. As in [`super::text`],
//! nothing that somebody wrote can drive a terminal.

use super::text::{aligned, printable};
use crate::{
    desk::{
        directory::Directory,
        matter::{Matter, clock::ClockEnd},
        missed::MissedCaller,
        office::Office,
        resident::Resident,
        ticket::LocalTime,
        work_order::WorkOrder,
    },
    store::{
        matters::read::{MatterPage, RunningClock},
        visits::ListedVisit,
        work_orders::ExpectedOrder,
    },
};

/// One line per resident, with a heading.
pub fn residents_table(residents: &[Resident]) -> String {
    if residents.is_empty() {
        return "no residents\n".to_owned();
    }
    let heading = ["ID", "ESTATE", "ROOM", "NAME", "NUMBERS", "CONTACTS", "NOTES"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(residents.iter().map(|resident| {
        let entry = &resident.entry;
        let numbers: Vec<&str> = entry.numbers.iter().map(|n| n.reveal().as_str()).collect();
        let contacts: Vec<String> = entry
            .contacts
            .iter()
            .map(|c| format!("{} {} {}", c.name, c.relation, c.number.reveal()).replace("  ", " "))
            .collect();
        [
            resident.id.0.to_string(),
            printable(&entry.place.estate),
            printable(&entry.place.label()),
            printable(&entry.name),
            numbers.join(" "),
            printable(&contacts.join("; ")),
            printable(&entry.notes),
        ]
    }));
    aligned(&rows)
}

/// One line per matter, with a heading; what is late says so.
pub fn matters_table(matters: &[Matter], office: &Office, now: LocalTime) -> String {
    if matters.is_empty() {
        return "no matters\n".to_owned();
    }
    let heading = ["MATTER", "OPENED", "KIND", "STATE", "OWNER", "WITH", "PLACE", "NEXT CLOCK", "SUMMARY"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(matters.iter().map(|matter| {
        [
            matter.id.to_string(),
            minute(matter.opened),
            kind(matter),
            matter.state.word().to_owned(),
            printable(&matter.owner),
            printable(&matter.department),
            printable(&matter.place.label()),
            next_clock(matter, office, now),
            printable(&matter.summary),
        ]
    }));
    aligned(&rows)
}

/// `complaint_told until 2026-11-24 09:10 (late)`; empty where none runs.
fn next_clock(matter: &Matter, office: &Office, now: LocalTime) -> String {
    let running = matter.clocks.iter().filter(|clock| clock.end.is_none());
    let dues = running.filter_map(|clock| Some((clock.due(&matter.stops, &office.calendar).at()?, clock)));
    let Some((due, clock)) = dues.min_by_key(|(due, _)| *due) else {
        return matter.standing().map_or_else(String::new, |reason| reason.words().to_owned());
    };
    let late = if due < now.to_utc() { " (late)" } else { "" };
    format!("{} until {}{late}", clock.name.word(), minute(office.calendar.local(due)))
}

fn kind(matter: &Matter) -> String {
    let severity = matter.severity.map_or("", |severity| severity.word());
    let kind = matter.kind.map_or("not written", |kind| kind.word());
    let rush = if matter.rush { "urgent " } else { "" };
    if severity.is_empty() { format!("{rush}{kind}") } else { format!("{rush}{severity} {kind}") }
}

/// All that is known of one matter.
pub fn matter_page(page: &MatterPage, office: &Office) -> String {
    let matter = &page.matter;
    let mut text = format!("matter {}\n", matter.id);
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<14} {}\n", printable(value)));
        }
    };
    let time = |at: Option<LocalTime>| at.map_or_else(String::new, minute);
    fact("kind", &kind(matter));
    fact("state", matter.state.word());
    fact("part of", &matter.merged_into.map(|id| id.to_string()).unwrap_or_default());
    fact("owner", &matter.owner);
    fact("with", &matter.department);
    fact("opened", &minute(matter.opened));
    fact("came by", matter.way.word());
    fact("place", format!("{} {}", matter.place.estate, matter.place.label()).trim());
    fact("name", &matter.name);
    fact("number", matter.number.as_ref().map_or("", |number| number.reveal()));
    fact("summary", &matter.summary);
    for (field, value) in &matter.fields {
        fact(field.word(), value);
    }
    fact("answered", &time(matter.answered));
    fact("completed", &time(matter.completed));
    fact("closed", format!("{} {}", time(matter.closed), matter.closed_by).trim());
    fact("answer", &matter.answer);
    fact("reopened", &if matter.reopened > 0 { matter.reopened.to_string() } else { String::new() });
    for clock in &matter.clocks {
        let due = clock.due(&matter.stops, &office.calendar);
        let end = match clock.end {
            None => "runs".to_owned(),
            Some(ClockEnd::Met(at)) => format!("met {}", minute(at)),
            Some(ClockEnd::Void(_)) => "void".to_owned(),
        };
        fact("clock", &format!("{} {end}: {}", clock.name.word(), due.because()));
    }
    for (promise, index) in matter.promises.iter().zip(0..) {
        let kept = promise.kept.map_or_else(|| "open".to_owned(), |at| format!("kept {}", minute(at)));
        fact("promise", &format!("{index}: {} until {}, {kept}", promise.what, minute(promise.due)));
    }
    for pass in &matter.passes {
        let back = pass
            .returned
            .as_ref()
            .map_or_else(String::new, |(at, result)| format!("; back {} {result}", minute(*at)));
        fact(
            "passed on",
            &format!("{} to {} {} {}{back}", minute(pass.at), pass.department, pass.person, pass.why),
        );
    }
    for order in &page.orders {
        fact("order", &order_words(order));
    }
    for notice in &page.notices {
        let answer = notice.answered.as_ref().map_or("no answer yet", |(_, words)| words);
        fact(
            "notice",
            &format!(
                "{} {}: {}, reminded {}, {answer}",
                notice.id,
                notice.builder,
                notice.what,
                notice.reminded.len()
            ),
        );
    }
    for visit in &page.visits {
        fact(
            "visit",
            &format!(
                "{} {} {} {} to {}",
                visit.id,
                visit.of.word(),
                visit.state.word(),
                visit.from,
                visit.until
            ),
        );
    }
    for ticket in &page.tickets {
        let recorded = if ticket.recorded { ", recorded" } else { "" };
        fact(
            "ticket",
            &format!("{} {} {} {}{recorded}", ticket.id, minute(ticket.at), ticket.way, ticket.words),
        );
    }
    if !page.changes.is_empty() {
        text.push_str("\nchanges\n");
        let rows: Vec<[String; 5]> = page
            .changes
            .iter()
            .map(|line| {
                let at = minute(office.calendar.local(line.at));
                let said = |words: &Option<String>| printable(words.as_deref().unwrap_or("-"));
                [at, printable(&line.by), printable(&line.what), said(&line.before), said(&line.after)]
            })
            .collect();
        text.push_str(&aligned(&rows));
    }
    text
}

fn order_words(order: &WorkOrder) -> String {
    let steps = [
        ("cancelled", order.cancelled),
        ("returned", order.returned),
        ("finished", order.finished),
        ("arrived", order.arrived),
        ("dispatched", order.dispatched),
    ];
    let step = steps.iter().find_map(|(word, at)| at.map(|at| format!("{word} {}", minute(at))));
    let appointment = order
        .appointment
        .map_or_else(String::new, |a| format!(" {} to {}", minute(a.from), a.to.format("%H:%M")));
    format!("{} {}{appointment}, {}", order.id, order.crew, step.unwrap_or_else(|| "made".to_owned()))
}

/// One line per order that is not back.
pub fn orders_table(orders: &[WorkOrder]) -> String {
    if orders.is_empty() {
        return "no orders\n".to_owned();
    }
    orders.iter().map(|order| format!("{}  {}\n", order.matter, printable(&order_words(order)))).collect()
}

/// Crews that are expected, with whom to call before the time.
pub fn expected_table(orders: &[ExpectedOrder]) -> String {
    if orders.is_empty() {
        return "no crew is late or soon due\n".to_owned();
    }
    let mut rows = vec![["ORDER", "CREW", "FROM", "PLACE", "NAME", "NUMBER"].map(str::to_owned)];
    rows.extend(orders.iter().map(|expected| {
        [
            expected.order.id.to_string(),
            printable(&expected.order.crew),
            expected.order.appointment.map_or_else(String::new, |a| minute(a.from)),
            printable(&expected.place),
            printable(&expected.name),
            expected.number.as_ref().map_or_else(String::new, |number| printable(number.reveal())),
        ]
    }));
    aligned(&rows)
}

/// The call list of return visits, in the order to call.
pub fn visits_table(visits: &[ListedVisit], office: &Office) -> String {
    if visits.is_empty() {
        return "no visits to call now\n".to_owned();
    }
    let heading =
        ["VISIT", "OF", "BY", "FROM", "UNTIL", "NEXT CALL", "TRIES", "NAME", "NUMBER", "PLACE", "SUMMARY"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(visits.iter().map(|listed| {
        let visit = &listed.visit;
        [
            visit.id.to_string(),
            visit.of.word().to_owned(),
            visit.visitor.word().to_owned(),
            visit.from.to_string(),
            visit.until.to_string(),
            minute(office.calendar.local(visit.next)),
            visit.tries.to_string(),
            printable(&listed.name),
            listed.number.as_ref().map_or_else(String::new, |number| printable(number.reveal())),
            printable(&listed.place),
            printable(&listed.summary),
        ]
    }));
    aligned(&rows)
}

/// Who is to be called back, the most urgent first.
pub fn missed_table(missed: &[MissedCaller], directory: &Directory) -> String {
    if missed.is_empty() {
        return "nobody is to be called back\n".to_owned();
    }
    let mut rows = vec![["NUMBER", "WHO", "TRIES", "WAITED", "LAST", "TICKET", ""].map(str::to_owned)];
    rows.extend(missed.iter().map(|caller| {
        let known = caller.number.as_ref().and_then(|number| directory.find(number).display());
        [
            caller.number.as_ref().map_or_else(|| "withheld".to_owned(), |number| printable(number.reveal())),
            printable(&known.unwrap_or_default()),
            caller.tries.to_string(),
            format!("{} s", caller.waited.num_seconds()),
            minute(caller.last_at),
            caller.last.to_string(),
            if caller.urgent { "urgent".to_owned() } else { String::new() },
        ]
    }));
    aligned(&rows)
}

/// Clocks that are late or soon will be, and who hears of them.
pub fn clocks_table(clocks: &[RunningClock], office: &Office, now: LocalTime) -> String {
    if clocks.is_empty() {
        return "nothing is late\n".to_owned();
    }
    let mut rows =
        vec![["MATTER", "CLOCK", "DUE", "", "OWNER", "WITH", "GOES UP TO", "SUMMARY"].map(str::to_owned)];
    rows.extend(clocks.iter().map(|clock| {
        [
            clock.matter.to_string(),
            clock.name.word().to_owned(),
            minute(office.calendar.local(clock.due)),
            if clock.due < now.to_utc() { "late".to_owned() } else { String::new() },
            printable(&clock.owner),
            printable(&clock.department),
            clock.name.goes_up_to(&office.escalation).to_owned(),
            printable(&clock.summary),
        ]
    }));
    aligned(&rows)
}

fn minute(at: LocalTime) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
