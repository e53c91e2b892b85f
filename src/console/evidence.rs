//! The chain of proof and the risk list for people and programs. Pure.

use serde::Serialize;

use super::text::{aligned, printable};
use crate::{
    desk::{risk::Risk, ticket::Ticket},
    store::chain::verify::{Break, Verified},
};

/// What a reading of the chain found; the first break stands on a line of its own.
pub fn verified(found: &Verified) -> String {
    let mut text = format!("{} entries of the chain and {} files read\n", found.entries, found.files);
    if found.erased > 0 {
        text += &format!("{} contents were erased, each with its certificate\n", found.erased);
    }
    if found.waiting > 0 {
        text += &format!("{} recordings are not sealed yet: nobody has read their files\n", found.waiting);
    }
    match found.breaks.as_slice() {
        [] => text += "nothing was changed since it was sealed\n",
        [first, others @ ..] => {
            text += &format!("FIRST BREAK  {}\n", broken(first));
            for other in others {
                text += &format!("also         {}\n", broken(other));
            }
        }
    }
    text
}

fn broken(found: &Break) -> String {
    let seq = found.seq.map(|seq| format!("entry {seq}: "));
    let ticket = found.ticket.map(|ticket| format!("ticket {ticket}: "));
    format!("{}{}{}", seq.unwrap_or_default(), ticket.unwrap_or_default(), printable(&found.what))
}

/// A ticket and why it is worth hearing.
#[derive(Debug, Clone, Serialize)]
pub struct Risky {
    pub ticket: String,
    /// When its call came, RFC 3339.
    pub received: String,
    pub operator: Option<String>,
    pub points: u32,
    pub reasons: Vec<String>,
}

impl Risky {
    /// For the list.
    pub fn new(ticket: &Ticket, risk: &Risk) -> Self {
        Self {
            ticket: ticket.id.to_string(),
            received: ticket.received.to_rfc3339_opts(chrono::SecondsFormat::Millis, false),
            operator: ticket.operator.clone(),
            points: risk.points,
            reasons: risk.reasons.clone(),
        }
    }
}

/// One line a call, as they come.
pub fn risky_table(calls: &[Risky]) -> String {
    if calls.is_empty() {
        return "no tickets\n".to_owned();
    }
    let mut rows = vec![["TICKET", "RECEIVED", "OPERATOR", "RISK", "WHY"].map(str::to_owned)];
    rows.extend(calls.iter().map(|call| {
        [
            call.ticket.clone(),
            call.received.get(..19).unwrap_or(&call.received).replace('T', " "),
            printable(call.operator.as_deref().unwrap_or("-")),
            call.points.to_string(),
            printable(&call.reasons.join(", ")),
        ]
    }));
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::store::fixture::{ended, id};

    #[test]
    fn the_first_break_is_named_first() {
        let mut found = Verified { entries: 15, files: 3, waiting: 1, erased: 2, breaks: Vec::new() };
        expect![[r#"
            15 entries of the chain and 3 files read
            2 contents were erased, each with its certificate
            1 recordings are not sealed yet: nobody has read their files
            nothing was changed since it was sealed
        "#]]
        .assert_eq(&verified(&found));
        found.breaks = vec![
            Break {
                seq: Some(7),
                ticket: Some(id(4)),
                what: "the ticket's rows: not what was sealed".into(),
            },
            Break { seq: None, ticket: None, what: "the chain ends at entry 9".into() },
        ];
        let text = verified(&found);
        let (_, breaks) = text.split_once("files\n").unwrap();
        expect![[r#"
            FIRST BREAK  entry 7: ticket 20261123-0004: the ticket's rows: not what was sealed
            also         the chain ends at entry 9
        "#]]
        .assert_eq(breaks);
    }

    #[test]
    fn calls_worth_hearing_are_a_table() {
        let risk =
            Risk { points: 16, reasons: vec!["the operator hung up first (8)".into(), "x (8)".into()] };
        expect![[r#"
            TICKET         RECEIVED             OPERATOR  RISK  WHY
            20261123-0007  2026-11-23 16:15:02  小李      16    the operator hung up first (8), x (8)
        "#]]
        .assert_eq(&risky_table(&[Risky::new(&ended(7, 3), &risk)]));
    }
}
