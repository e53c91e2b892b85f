//! Residents: taken over as a whole list, bound to a number one by one, found, and handed out as the
//! directory that the switch knows callers by.

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::{
    audit::{EditError, Hand, Subject, audit},
    edit::Editor,
    error::StoreError,
    reader::Reader,
    rows::Cells,
};
use crate::desk::{
    directory::{Directory, Listed, Numbering},
    number::{Number, Private},
    resident::{Entry, KeyContact, Place, Premises, Resident, ResidentId, Title},
};

/// What became of a list that was taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    pub added: usize,
    pub changed: usize,
    pub same: usize,
}

/// Which residents are wanted, in order of place; `default()` means the first 100.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResidentFilter {
    /// Part of a number, a room (`3-2-101`), a name or its initials; empty: all.
    pub text: String,
    /// Only this estate; empty: every one.
    pub estate: String,
    pub skip: u32,
    /// At most so many.
    pub limit: u32,
}

impl Default for ResidentFilter {
    fn default() -> Self {
        Self { text: String::new(), estate: String::new(), skip: 0, limit: 100 }
    }
}

const RESIDENT: &str = "resident";

impl Editor {
    /// Takes over a whole list, or nothing of it. Who is known by estate, place and name is changed to
    /// what the list says; who is not in the list stays. A dry run only says what would become of it.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn import_residents(
        &self,
        entries: Vec<Entry>,
        numbering: Numbering,
        dry: DryRun,
        hand: Hand,
    ) -> Result<Imported, EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                sqlx::query("SAVEPOINT list").execute(&mut *tx).await?;
                let done = take_over(tx, &entries, &numbering, &hand).await?;
                match dry {
                    DryRun::Yes => sqlx::query("ROLLBACK TO list").execute(tx).await?,
                    DryRun::No => sqlx::query("RELEASE list").execute(tx).await?,
                };
                Ok(done)
            })
        })
        .await
    }

    /// Writes one resident; `id` is whom to change, `None` adds one.
    ///
    /// # Errors
    /// [`EditError::NotThere`], or [`EditError::Refused`] where another resident has that place and
    /// name already.
    pub async fn save_resident(
        &self,
        id: Option<ResidentId>,
        entry: Entry,
        numbering: Numbering,
        hand: Hand,
    ) -> Result<ResidentId, EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let other = known(tx, &entry).await?.filter(|other| Some(other.id) != id);
                if other.is_some() {
                    return Err(EditError::Refused(format!("{} is there already", entry.display())));
                }
                let (id, before) = match id {
                    Some(id) => {
                        let before = one(tx, id).await?.ok_or_else(|| not_there(id))?;
                        change(tx, id, &entry, &numbering).await?;
                        (id, Some(words(&before.entry)))
                    }
                    None => (add(tx, &entry, &numbering).await?, None),
                };
                let what = if before.is_some() { "changed" } else { "added" };
                let subject = Subject { kind: RESIDENT, key: id.0 };
                audit(tx, &hand, subject, what, before, Some(words(&entry))).await?;
                bump(tx).await?;
                Ok(id)
            })
        })
        .await
    }

    /// Binds a number to a resident, as one action on an unknown caller. A number that the resident
    /// has already changes nothing.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] for what is no number.
    pub async fn bind_number(
        &self,
        id: ResidentId,
        number: Number,
        numbering: Numbering,
        hand: Hand,
    ) -> Result<(), EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let canonical = numbering
                    .canonical(number.reveal())
                    .ok_or_else(|| EditError::Refused(format!("{:?} is no number", number.reveal())))?;
                let mut entry = one(tx, id).await?.ok_or_else(|| not_there(id))?.entry;
                let has = |number: &Number| numbering.canonical(number.reveal()).as_ref() == Some(&canonical);
                if entry.numbers.iter().any(has) {
                    return Ok(());
                }
                entry.numbers.push(number.clone());
                change(tx, id, &entry, &numbering).await?;
                let subject = Subject { kind: RESIDENT, key: id.0 };
                audit(tx, &hand, subject, "number bound", None, Some(number.reveal().clone())).await?;
                bump(tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes a resident off the list. Matters keep the place and the name that they were told.
    ///
    /// # Errors
    /// [`EditError::NotThere`].
    pub async fn remove_resident(&self, id: ResidentId, hand: Hand) -> Result<(), EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let before = one(tx, id).await?.ok_or_else(|| not_there(id))?;
                for sql in [
                    "UPDATE matter SET resident = NULL WHERE resident = ?",
                    "DELETE FROM resident WHERE key = ?",
                ] {
                    sqlx::query(sql).bind(id.0).execute(&mut *tx).await?;
                }
                let subject = Subject { kind: RESIDENT, key: id.0 };
                audit(tx, &hand, subject, "removed", Some(words(&before.entry)), None).await?;
                bump(tx).await?;
                Ok(())
            })
        })
        .await
    }
}

async fn take_over(
    tx: &mut SqliteConnection,
    entries: &[Entry],
    numbering: &Numbering,
    hand: &Hand,
) -> Result<Imported, StoreError> {
    let mut done = Imported::default();
    for entry in entries {
        match known(tx, entry).await? {
            None => {
                done.added = done.added.saturating_add(1);
                add(tx, entry, numbering).await?;
            }
            Some(before) if before.entry == *entry => done.same = done.same.saturating_add(1),
            Some(before) => {
                done.changed = done.changed.saturating_add(1);
                let subject = Subject { kind: RESIDENT, key: before.id.0 };
                let (was, is) = (words(&before.entry), words(entry));
                change(tx, before.id, entry, numbering).await?;
                audit(tx, hand, subject, "imported", Some(was), Some(is)).await?;
            }
        }
    }
    let said = format!("{} added, {} changed, {} same", done.added, done.changed, done.same);
    audit(tx, hand, Subject { kind: RESIDENT, key: 0 }, "list imported", None, Some(said)).await?;
    bump(tx).await?;
    Ok(done)
}

/// Whether a list is only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    Yes,
    No,
}

impl Reader {
    /// Residents by number, room, name or initials.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn residents(
        &self,
        filter: &ResidentFilter,
        numbering: &Numbering,
    ) -> Result<Vec<Resident>, StoreError> {
        let mut tx = self.begin().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT r.* FROM resident r WHERE 1");
        if !filter.estate.is_empty() {
            query.push(" AND r.estate = ").push_bind(filter.estate.clone());
        }
        let text = filter.text.trim();
        if !text.is_empty() {
            let part = format!("%{}%", like(text));
            query.push(" AND (r.label LIKE ").push_bind(part.clone()).push(" ESCAPE '\\'");
            query.push(" OR r.name LIKE ").push_bind(part.clone()).push(" ESCAPE '\\'");
            let letters = format!("%{}%", like(&text.to_lowercase()));
            query.push(" OR r.initials LIKE ").push_bind(letters).push(" ESCAPE '\\'");
            if let Some(number) = numbering.canonical(text).filter(|number| number.len() >= 3) {
                // A whole number as it is compared, or the part of one as it was typed.
                let typed: String = text.chars().filter(char::is_ascii_digit).collect();
                query
                    .push(" OR r.key IN (SELECT resident FROM resident_number WHERE canonical = ")
                    .push_bind(number)
                    .push(" OR canonical LIKE ")
                    .push_bind(format!("%{typed}%"))
                    .push(")");
            }
            query.push(")");
        }
        query
            .push(" ORDER BY r.estate, r.building, r.unit, r.room, r.name LIMIT ")
            .push_bind(i64::from(filter.limit))
            .push(" OFFSET ")
            .push_bind(i64::from(filter.skip));
        let found = query.build().fetch_all(&mut *tx).await?;
        let residents = with_numbers(&mut tx, found).await?;
        tx.rollback().await?;
        Ok(residents)
    }

    /// One resident.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn resident(&self, id: ResidentId) -> Result<Option<Resident>, StoreError> {
        let mut tx = self.begin().await?;
        let found = one(&mut tx, id).await?;
        tx.rollback().await?;
        Ok(found)
    }

    /// Whoever has that number, however it is written.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn residents_by_number(
        &self,
        number: &Number,
        numbering: &Numbering,
    ) -> Result<Vec<Resident>, StoreError> {
        let Some(canonical) = numbering.canonical(number.reveal()) else { return Ok(Vec::new()) };
        let mut tx = self.begin().await?;
        let found = sqlx::query(
            "SELECT r.* FROM resident r WHERE r.key IN \
             (SELECT resident FROM resident_number WHERE canonical = ?) ORDER BY r.key LIMIT 20",
        )
        .bind(canonical)
        .fetch_all(&mut *tx)
        .await?;
        let residents = with_numbers(&mut tx, found).await?;
        tx.rollback().await?;
        Ok(residents)
    }

    /// Counts up with every change of a resident.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn directory_revision(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT revision FROM directory_revision").fetch_one(self.pool()).await?;
        Ok(row.try_get(0)?)
    }

    /// All numbers of all residents, for the switch.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn directory(&self, numbering: &Numbering) -> Result<Directory, StoreError> {
        let mut tx = self.begin().await?;
        let found = sqlx::query("SELECT * FROM resident ORDER BY key").fetch_all(&mut *tx).await?;
        let residents = with_numbers(&mut tx, found).await?;
        tx.rollback().await?;
        let entries = residents.into_iter().map(|resident| {
            (Listed { id: resident.id, display: resident.entry.display() }, resident.entry.numbers)
        });
        Ok(Directory::new(numbering.clone(), entries))
    }
}

fn not_there(id: ResidentId) -> EditError {
    EditError::NotThere { what: RESIDENT, id: id.0.to_string() }
}

/// The text with LIKE's own signs taken literally.
pub(super) fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A resident in one line, for the record of changes.
fn words(entry: &Entry) -> String {
    let numbers: Vec<&str> = entry.numbers.iter().map(|number| number.reveal().as_str()).collect();
    let mut parts = vec![entry.place.estate.clone(), entry.display(), entry.name.clone(), numbers.join(" ")];
    parts.push(premises(entry.premises).to_owned());
    parts.push(entry.notes.clone());
    parts.extend(entry.contacts.iter().map(|c| format!("{} {} {}", c.name, c.relation, c.number.reveal())));
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// `home`, `shop`.
pub(super) fn premises(premises: Premises) -> &'static str {
    match premises {
        Premises::Home => "home",
        Premises::Shop => "shop",
    }
}

fn title(title: Title) -> &'static str {
    match title {
        Title::Mr => "mr",
        Title::Ms => "ms",
    }
}

async fn bump(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE directory_revision SET revision = revision + 1").execute(tx).await?;
    Ok(())
}

async fn known(tx: &mut SqliteConnection, entry: &Entry) -> Result<Option<Resident>, StoreError> {
    let place = &entry.place;
    let found = sqlx::query(
        "SELECT * FROM resident WHERE estate = ? AND building = ? AND unit = ? AND room = ? AND name = ?",
    )
    .bind(place.estate.clone())
    .bind(place.building.clone())
    .bind(place.unit.clone())
    .bind(place.room.clone())
    .bind(entry.name.clone())
    .fetch_all(&mut *tx)
    .await?;
    Ok(with_numbers(tx, found).await?.pop())
}

async fn one(tx: &mut SqliteConnection, id: ResidentId) -> Result<Option<Resident>, StoreError> {
    let found = sqlx::query("SELECT * FROM resident WHERE key = ?").bind(id.0).fetch_all(&mut *tx).await?;
    Ok(with_numbers(tx, found).await?.pop())
}

async fn add(
    tx: &mut SqliteConnection,
    entry: &Entry,
    numbering: &Numbering,
) -> Result<ResidentId, StoreError> {
    let place = &entry.place;
    let key: i64 = sqlx::query_scalar(
        "INSERT INTO resident (estate, building, unit, room, label, name, initials, title, premises, notes) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key",
    )
    .bind(place.estate.clone())
    .bind(place.building.clone())
    .bind(place.unit.clone())
    .bind(place.room.clone())
    .bind(place.label())
    .bind(entry.name.clone())
    .bind(entry.initials())
    .bind(entry.title.map(title))
    .bind(premises(entry.premises))
    .bind(entry.notes.clone())
    .fetch_one(&mut *tx)
    .await?;
    add_numbers(tx, ResidentId(key), entry, numbering).await?;
    Ok(ResidentId(key))
}

async fn change(
    tx: &mut SqliteConnection,
    id: ResidentId,
    entry: &Entry,
    numbering: &Numbering,
) -> Result<(), StoreError> {
    let place = &entry.place;
    sqlx::query(
        "UPDATE resident SET estate = ?, building = ?, unit = ?, room = ?, label = ?, name = ?, \
         initials = ?, title = ?, premises = ?, notes = ? WHERE key = ?",
    )
    .bind(place.estate.clone())
    .bind(place.building.clone())
    .bind(place.unit.clone())
    .bind(place.room.clone())
    .bind(place.label())
    .bind(entry.name.clone())
    .bind(entry.initials())
    .bind(entry.title.map(title))
    .bind(premises(entry.premises))
    .bind(entry.notes.clone())
    .bind(id.0)
    .execute(&mut *tx)
    .await?;
    for sql in
        ["DELETE FROM resident_number WHERE resident = ?", "DELETE FROM resident_contact WHERE resident = ?"]
    {
        sqlx::query(sql).bind(id.0).execute(&mut *tx).await?;
    }
    add_numbers(tx, id, entry, numbering).await
}

async fn add_numbers(
    tx: &mut SqliteConnection,
    id: ResidentId,
    entry: &Entry,
    numbering: &Numbering,
) -> Result<(), StoreError> {
    for (number, idx) in entry.numbers.iter().zip(0_i64..) {
        sqlx::query("INSERT INTO resident_number (resident, idx, number, canonical) VALUES (?, ?, ?, ?)")
            .bind(id.0)
            .bind(idx)
            .bind(number.reveal().clone())
            .bind(numbering.canonical(number.reveal()).unwrap_or_default())
            .execute(&mut *tx)
            .await?;
    }
    for (contact, idx) in entry.contacts.iter().zip(0_i64..) {
        sqlx::query(
            "INSERT INTO resident_contact (resident, idx, name, relation, number) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(id.0)
        .bind(idx)
        .bind(contact.name.clone())
        .bind(contact.relation.clone())
        .bind(contact.number.reveal().clone())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Residents with their numbers and contacts; a few by key, many by reading both tables through.
async fn with_numbers(tx: &mut SqliteConnection, found: Vec<SqliteRow>) -> Result<Vec<Resident>, StoreError> {
    let mut residents = found.iter().map(resident).collect::<Result<Vec<_>, _>>()?;
    let mut places: Vec<(i64, usize)> = residents.iter().zip(0..).map(|(r, at)| (r.id.0, at)).collect();
    places.sort_unstable();
    for (table, columns) in [("resident_number", "number"), ("resident_contact", "number, name, relation")] {
        let mut query =
            QueryBuilder::<Sqlite>::new(format!("SELECT resident, {columns} FROM {table} WHERE 1"));
        // Above a few hundred, reading all is quicker than so many seeks.
        if places.len() <= 500 {
            query.push(" AND resident IN (");
            let mut keys = query.separated(",");
            for (key, _) in &places {
                keys.push_bind(*key);
            }
            query.push(")");
        }
        query.push(" ORDER BY resident, idx");
        for row in query.build().persistent(false).fetch_all(&mut *tx).await? {
            let key: i64 = row.try_get("resident")?;
            let Ok(at) = places.binary_search_by_key(&key, |(key, _)| *key) else { continue };
            let Some(resident) = places.get(at).and_then(|(_, at)| residents.get_mut(*at)) else { continue };
            let number = Private::new(row.try_get::<String, _>("number")?);
            if table == "resident_number" {
                resident.entry.numbers.push(number);
            } else {
                let (name, relation) = (row.try_get("name")?, row.try_get("relation")?);
                resident.entry.contacts.push(KeyContact { name, relation, number });
            }
        }
    }
    Ok(residents)
}

fn resident(row: &SqliteRow) -> Result<Resident, StoreError> {
    let cells = Cells { row, table: RESIDENT, of: "?".into() };
    let id: i64 = cells.get("key")?;
    let cells = Cells { row, table: RESIDENT, of: id.to_string() };
    Ok(Resident {
        id: ResidentId(id),
        entry: Entry {
            place: Place {
                estate: cells.get("estate")?,
                building: cells.get("building")?,
                unit: cells.get("unit")?,
                room: cells.get("room")?,
            },
            name: cells.get("name")?,
            title: match cells.get::<Option<&str>>("title")? {
                None => None,
                Some("mr") => Some(Title::Mr),
                Some("ms") => Some(Title::Ms),
                Some(_) => return Err(cells.bad("title")),
            },
            premises: match cells.get::<&str>("premises")? {
                "home" => Premises::Home,
                "shop" => Premises::Shop,
                _ => return Err(cells.bad("premises")),
            },
            numbers: Vec::new(),
            notes: cells.get("notes")?,
            contacts: Vec::new(),
        },
    })
}

#[cfg(test)]
mod tests;
