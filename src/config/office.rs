//! The part of the house rules that is about the desk's work: numbers, deadlines, visits, figures.

use super::reader::Table;
use crate::desk::{directory::Numbering, office::Office};

/// Reads the tables of the office; faults are noted in the table.
pub(super) fn read(top: &mut Table<'_>) -> Office {
    Office { numbering: read_numbering(top.table("residents")) }
}

fn read_numbering(mut table: Table<'_>) -> Numbering {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.to_owned());
    let known = Numbering::default();
    let numbering = Numbering {
        country_code: table
            .parsed("country_code", "digits such as \"86\"", digits)
            .unwrap_or(known.country_code),
        area_code: table.parsed("area_code", "digits such as \"0571\"", digits).unwrap_or(known.area_code),
    };
    table.close();
    numbering
}
