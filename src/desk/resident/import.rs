//! A residents' list on its way in: rows of text become entries, or faults with their row and what to
//! do about them. Nothing is taken over by halves: a list with any fault gives faults alone.
//!
//! Reading starts at [`read`].

use std::collections::BTreeMap;

use super::{
    Entry, KeyContact, Place,
    sheet::{self, Column},
};
use crate::desk::number::Number;

/// A heading is looked for in the first so many rows: above it stand a title and a date.
const HEADING_WITHIN: usize = 10;
/// Characters of one cell; more is a sheet gone wrong.
const LONGEST: usize = 500;
/// Numbers of one resident: a family's mobiles and land lines.
const MOST_NUMBERS: usize = 10;

/// A list that can be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Each with the row that it stood in, counted from 1.
    pub entries: Vec<(usize, Entry)>,
    /// Headings that nobody understands; their columns are left out.
    pub ignored: Vec<String>,
    /// Rows without any text.
    pub empty: usize,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {why}")]
pub struct RowFault {
    /// Counted from 1, the heading included, as a spreadsheet counts.
    pub row: usize,
    pub why: String,
}

/// Reads a whole list.
///
/// # Errors
/// Every row that is wrong, in order.
pub fn read(rows: &[Vec<String>]) -> Result<Import, Vec<RowFault>> {
    let Some((at, columns)) = heading(rows) else {
        let why = "no heading with a name (姓名) and a room (房号 or 房屋) within the first rows";
        return Err(vec![RowFault { row: 1, why: why.to_owned() }]);
    };
    let headings = rows.get(at).map(Vec::as_slice).unwrap_or_default();
    let ignored = headings
        .iter()
        .zip(&columns)
        .filter(|(text, column)| column.is_none() && !text.trim().is_empty())
        .map(|(text, _)| text.trim().to_owned())
        .collect();
    let mut import = Import { entries: Vec::new(), ignored, empty: 0 };
    let mut faults = Vec::new();
    let mut places = BTreeMap::<(Place, String), usize>::new();
    for (row, cells) in rows.iter().zip(1..).skip(at.saturating_add(1)).map(|(cells, row)| (row, cells)) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            import.empty = import.empty.saturating_add(1);
            continue;
        }
        match entry(cells, &columns) {
            Ok(entry) => {
                let key = (entry.place.clone(), entry.name.clone());
                match places.get(&key) {
                    Some(first) => faults.push(RowFault {
                        row,
                        why: format!("{} is in row {first} already: join both rows", entry.display()),
                    }),
                    None => {
                        places.insert(key, row);
                        import.entries.push((row, entry));
                    }
                }
            }
            Err(whys) => faults.extend(whys.into_iter().map(|why| RowFault { row, why })),
        }
    }
    if faults.is_empty() { Ok(import) } else { Err(faults) }
}

/// The row of headings, and what each of its columns holds.
fn heading(rows: &[Vec<String>]) -> Option<(usize, Vec<Option<Column>>)> {
    rows.iter().take(HEADING_WITHIN).enumerate().find_map(|(at, cells)| {
        let columns: Vec<Option<Column>> = cells.iter().map(|cell| sheet::column(cell)).collect();
        let has = |column| columns.contains(&Some(column));
        (has(Column::Name) && (has(Column::Room) || has(Column::Place))).then_some((at, columns))
    })
}

fn entry(cells: &[String], columns: &[Option<Column>]) -> Result<Entry, Vec<String>> {
    let mut entry = Entry {
        place: Place::default(),
        name: String::new(),
        title: None,
        premises: super::Premises::Home,
        numbers: Vec::new(),
        notes: String::new(),
        contacts: Vec::new(),
    };
    let mut faults = Vec::new();
    for (cell, column) in cells.iter().zip(columns) {
        let Some(column) = column else { continue };
        let text = plain(cell);
        if text.chars().count() > LONGEST {
            faults.push(format!("a cell of more than {LONGEST} characters"));
            continue;
        }
        if let Err(why) = put(&mut entry, *column, &text) {
            faults.push(why);
        }
    }
    entry.place = entry.place.tidy();
    if entry.name.is_empty() {
        faults.push("no name (姓名)".to_owned());
    }
    if entry.place.room.is_empty() {
        faults.push("no room (房号)".to_owned());
    }
    if entry.numbers.len() > MOST_NUMBERS {
        faults.push(format!("more than {MOST_NUMBERS} numbers"));
    }
    let lost = entry.contacts.iter().find(|contact| contact.number.reveal().is_empty());
    if let Some(contact) = lost {
        faults.push(format!("key contact {:?} has no number", contact.name));
    }
    if faults.is_empty() { Ok(entry) } else { Err(faults) }
}

/// A cell without the apostrophe that keeps spreadsheets from reading a formula, without control
/// characters, in ordinary instead of full-width digits and signs.
fn plain(cell: &str) -> String {
    let cell = cell.trim();
    let cell = match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        Some(_) | None => cell,
    };
    cell.chars()
        .map(|c| match c {
            '０'..='９' | '＋' | '－' => char::from_u32(u32::from(c).saturating_sub(0xfee0)).unwrap_or(c),
            '\u{3000}' | '\u{a0}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn put(entry: &mut Entry, column: Column, text: &str) -> Result<(), String> {
    match column {
        Column::Estate => entry.place.estate = text.to_owned(),
        Column::Building => entry.place.building = text.to_owned(),
        Column::Unit => entry.place.unit = text.to_owned(),
        Column::Room => entry.place.room = text.to_owned(),
        Column::Place => place(&mut entry.place, text)?,
        Column::Name => entry.name = text.to_owned(),
        Column::Notes => entry.notes = text.to_owned(),
        Column::Title => {
            entry.title =
                sheet::title(text).ok_or_else(|| format!("title {text:?}: expected 先生, 女士, 男 or 女"))?;
        }
        Column::Premises => {
            entry.premises =
                sheet::premises(text).ok_or_else(|| format!("premises {text:?}: expected 住宅 or 商铺"))?;
        }
        Column::Number => {
            for number in text.split(['、', ',', '，', ';', '；', '/', '|']) {
                if !number.trim().is_empty() {
                    entry.numbers.push(telephone(number)?);
                }
            }
        }
        Column::ContactName if text.is_empty() => {}
        Column::ContactName => entry.contacts.push(KeyContact {
            name: text.to_owned(),
            relation: String::new(),
            number: Number::new(String::new()),
        }),
        Column::ContactRelation | Column::ContactNumber if text.is_empty() => {}
        Column::ContactRelation => match entry.contacts.last_mut() {
            Some(contact) => contact.relation = text.to_owned(),
            None => return Err("a relation without a key contact's name before it".to_owned()),
        },
        Column::ContactNumber => match entry.contacts.last_mut() {
            Some(contact) => contact.number = telephone(text)?,
            None => return Err("a key contact's number without a name before it".to_owned()),
        },
    }
    Ok(())
}

/// `3-2-101`, `3栋2单元101室`, `101`: building, unit and room from behind.
fn place(place: &mut Place, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let mut split = text.to_owned();
    for ending in ["号楼", "单元", "栋", "幢", "座"] {
        split = split.replace(ending, "-");
    }
    let parts: Vec<&str> =
        split.split(['-', '－', '—', '/']).map(str::trim).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [room] => place.room = (*room).to_owned(),
        [building, room] => {
            place.building = (*building).to_owned();
            place.room = (*room).to_owned();
        }
        [building, unit, room] => {
            place.building = (*building).to_owned();
            place.unit = (*unit).to_owned();
            place.room = (*room).to_owned();
        }
        _ => return Err(format!("place {text:?}: expected building-unit-room such as 3-2-101")),
    }
    Ok(())
}

/// A number as people write it. One that a spreadsheet has rounded is told from one that is merely odd.
fn telephone(text: &str) -> Result<Number, String> {
    let text = text.trim();
    let whole = text.strip_suffix(".0").unwrap_or(text);
    if whole.contains(['E', 'e']) && whole.parse::<f64>().is_ok() {
        return Err(format!(
            "number {text:?} was rounded by the spreadsheet: make the column text and type it again"
        ));
    }
    let kept: String =
        whole.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '（' | '）' | '.')).collect();
    let digits = kept.strip_prefix('+').unwrap_or(&kept);
    if (3..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(Number::new(kept))
    } else {
        Err(format!("number {text:?}: expected 3 to 20 digits"))
    }
}

/// One number as a person types it.
///
/// # Errors
/// In words, what is wrong with it.
pub fn number(text: &str) -> Result<Number, String> {
    telephone(&plain(text))
}

/// One place as a person types it: `3-2-101`, `3栋2单元101室`.
///
/// # Errors
/// In words, what is wrong with it.
pub fn typed_place(estate: &str, text: &str) -> Result<Place, String> {
    let mut typed = Place { estate: plain(estate), ..Place::default() };
    place(&mut typed, &plain(text))?;
    Ok(typed.tidy())
}

#[cfg(test)]
mod tests;
