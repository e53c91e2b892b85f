//! Residents and what the desk has promised, as text for the command line. Pure. As in [`super::text`],
//! nothing that somebody wrote can drive a terminal.

use super::text::{aligned, printable};
use crate::desk::resident::Resident;

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
