//! Takes a configuration apart key by key. Each getter notes a fault where the value is not what it
//! wants and goes on with the default, so that one reading finds every fault. `config` reads the
//! TOML and lays the environment over it; its conversions between types are not used, because they
//! would take `"two"` for a text and `"yes"` for a number.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::RangeInclusive,
    time::Duration,
};

use config::{Config, ConfigError, File, FileFormat, Value, ValueKind};

use super::{Fault, secret::Secret};

/// What the values from variables are said to come from.
const ENVIRONMENT: &str = "environment";

/// The highest place in a list that a variable can name. A list is filled up to it, so a slip of the
/// finger must not cost gigabytes.
const LAST_PLACE: usize = 99;

/// The faults found so far in one file and its variables.
pub(super) struct Faults {
    file: String,
    found: RefCell<Vec<Fault>>,
    /// Every key that was asked for, places in lists left out: `trunks[].name`.
    asked: RefCell<BTreeSet<String>>,
}

impl Faults {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: RefCell::default(), asked: RefCell::default() }
    }

    /// `Ok` if there was no fault.
    pub(super) fn none(self) -> Result<(), Vec<Fault>> {
        let found = self.found.into_inner();
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    #[cfg(test)]
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.borrow().iter().cloned().collect()
    }

    fn add(&self, file: &str, key: &str, expected: impl Display, found: impl Display) {
        self.found.borrow_mut().push(Fault {
            file: file.to_owned(),
            key: key.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        });
    }
}

/// A table that is being read. [`Table::close`] it when all its keys were asked for.
pub(super) struct Table<'f> {
    faults: &'f Faults,
    /// Where it is: `sip.listeners[0]`; empty at the top.
    path: String,
    entries: BTreeMap<String, Value>,
    asked: Vec<String>,
}

impl<'f> Table<'f> {
    /// The top of a file with the environment laid over it. Text that is no TOML is one fault and an
    /// empty table.
    pub(super) fn parse(text: &str, environment: &[(String, String)], faults: &'f Faults) -> Self {
        let mut builder = Config::builder().add_source(File::from_str(text, FileFormat::Toml));
        for (name, value) in environment {
            let Some(rest) = name.strip_prefix("HOTLINED__") else { continue };
            let Some(key) = key_of_variable(rest) else {
                faults.add(ENVIRONMENT, name, "a name such as HOTLINED__SIP__REALM", "another");
                continue;
            };
            let value = Value::new(Some(&ENVIRONMENT.to_owned()), value.as_str());
            builder = builder.clone().set_override(&key, value).unwrap_or_else(|error| {
                faults.add(ENVIRONMENT, name, "a name such as HOTLINED__SIP__REALM", error);
                builder
            });
        }
        let entries = match builder.build() {
            Ok(config) => match config.cache.kind {
                ValueKind::Table(entries) => entries.into_iter().collect(),
                _ => BTreeMap::new(),
            },
            Err(ConfigError::FileParse { cause, .. }) => {
                let (place, found) = syntax_error(&cause.to_string());
                faults.add(&faults.file, &place, "TOML", found);
                BTreeMap::new()
            }
            Err(error) => {
                faults.add(&faults.file, "(the whole)", "TOML", error);
                BTreeMap::new()
            }
        };
        Self { faults, path: String::new(), entries, asked: Vec::new() }
    }

    /// The full path of a key of this table.
    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Notes a fault at a key of this table.
    pub(super) fn wrong(&self, key: &str, expected: impl Display, found: impl Display) {
        self.faults.add(&self.faults.file, &self.key(key), expected, found);
    }

    /// Notes a fault of a value that was taken.
    fn wrong_value(&self, key: &str, value: &Value, expected: impl Display, found: impl Display) {
        let file = value.origin().unwrap_or(&self.faults.file);
        self.faults.add(file, &self.key(key), expected, found);
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        let mut path = String::new();
        let mut inside = false;
        for c in self.key(key).chars() {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                _ if inside => continue,
                _ => {}
            }
            path.push(c);
        }
        self.faults.asked.borrow_mut().insert(path);
        self.asked.push(key.to_owned());
        self.entries.remove(key)
    }

    /// A table within this one; an absent one is empty.
    pub(super) fn table(&mut self, key: &str) -> Table<'f> {
        let entries = match self.take(key) {
            None => BTreeMap::new(),
            Some(Value { kind: ValueKind::Table(entries), .. }) => entries.into_iter().collect(),
            Some(other) => {
                self.wrong_value(key, &other, "a table", words(&other));
                BTreeMap::new()
            }
        };
        Table { faults: self.faults, path: self.key(key), entries, asked: Vec::new() }
    }

    /// A list of tables (`[[key]]`); `None` where the key is absent.
    pub(super) fn tables(&mut self, key: &str) -> Option<Vec<Table<'f>>> {
        let value = self.take(key)?;
        let ValueKind::Array(items) = value.kind else {
            self.wrong_value(key, &value, format_args!("a list of tables ([[{key}]])"), words(&value));
            return Some(Vec::new());
        };
        let mut tables = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let place = format!("{key}[{at}]");
            match item.kind {
                ValueKind::Table(entries) => tables.push(Table {
                    faults: self.faults,
                    path: self.key(&place),
                    entries: entries.into_iter().collect(),
                    asked: Vec::new(),
                }),
                _ => self.wrong_value(&place, &item, "a table", words(&item)),
            }
        }
        Some(tables)
    }

    /// Any text, also an empty one.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.parsed(key, "a text in quotes", |text| Some(text.to_owned()))
    }

    /// Text that is not empty; a fault where it is absent.
    pub(super) fn required(&mut self, key: &str, expected: &str) -> String {
        if !self.entries.contains_key(key) {
            self.wrong(key, expected, "nothing");
        }
        self.parsed(key, expected, |text| (!text.trim().is_empty()).then(|| text.to_owned()))
            .unwrap_or_default()
    }

    /// Text that `parse` makes something of; `expected` says of what form it is.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let parsed = match &value.kind {
            ValueKind::String(text) => parse(text),
            _ => None,
        };
        if parsed.is_none() {
            self.wrong_value(key, &value, expected, words(&value));
        }
        parsed
    }

    /// A list of texts, each of which `parse` makes something of; a single text is a list of one.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.take(key)?;
        let items: Vec<(String, Value)> = match &value.kind {
            ValueKind::Array(items) => {
                items.iter().enumerate().map(|(at, item)| (format!("{key}[{at}]"), item.clone())).collect()
            }
            ValueKind::String(text) if value.origin().is_some() => text
                .split(',')
                .filter(|item| !item.trim().is_empty())
                .map(|item| (key.to_owned(), Value::new(Some(&ENVIRONMENT.to_owned()), item.trim())))
                .collect(),
            ValueKind::String(_) => vec![(key.to_owned(), value.clone())],
            _ => {
                self.wrong_value(key, &value, format_args!("a list, each {expected}"), words(&value));
                Vec::new()
            }
        };
        let mut list = Vec::new();
        for (place, item) in items {
            match &item.kind {
                ValueKind::String(text) => match parse(text) {
                    Some(parsed) => list.push(parsed),
                    None => self.wrong_value(&place, &item, expected, words(&item)),
                },
                _ => self.wrong_value(&place, &item, expected, words(&item)),
            }
        }
        Some(list)
    }

    /// A whole number within the range.
    pub(super) fn whole(&mut self, key: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(value) = self.take(key) else { return default };
        let number = match &value.kind {
            ValueKind::I64(number) => u32::try_from(*number).ok(),
            ValueKind::String(text) if value.origin().is_some() => text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let (least, most) = (range.start(), range.end());
                let expected = if *most == u32::MAX {
                    format!("a whole number of at least {least}")
                } else {
                    format!("a whole number from {least} to {most}")
                };
                self.wrong_value(key, &value, expected, words(&value));
                default
            }
        }
    }

    /// A number of seconds within the range, fractions allowed.
    pub(super) fn seconds(&mut self, key: &str, range: RangeInclusive<f64>, default: Duration) -> Duration {
        let Some(value) = self.take(key) else { return default };
        let number = match &value.kind {
            ValueKind::I64(number) => i32::try_from(*number).ok().map(f64::from),
            ValueKind::Float(number) => Some(*number),
            ValueKind::String(text) if value.origin().is_some() => text.trim().parse().ok(),
            _ => None,
        };
        let inside = number.filter(|number| range.contains(number));
        match inside.and_then(|number| Duration::try_from_secs_f64(number).ok()) {
            Some(duration) => duration,
            None => {
                let expected = format!("a number of seconds from {} to {}", range.start(), range.end());
                self.wrong_value(key, &value, expected, words(&value));
                default
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        let Some(value) = self.take(key) else { return default };
        let flag = match &value.kind {
            ValueKind::Boolean(flag) => Some(*flag),
            ValueKind::String(text) if value.origin().is_some() => text.trim().parse().ok(),
            _ => None,
        };
        flag.unwrap_or_else(|| {
            self.wrong_value(key, &value, "true or false", words(&value));
            default
        })
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)], default: T) -> T {
        let known: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
        self.parsed(key, &known.join(" or "), |text| {
            choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice)
        })
        .unwrap_or(default)
    }

    /// A password under `key`, or the path of its file under `key_file`. What is found is never told.
    pub(super) fn secret(&mut self, key: &str) -> Option<Secret> {
        let file_key = format!("{key}_file");
        let file = self.parsed(&file_key, "the path of a file", |path| {
            (!path.is_empty()).then(|| Secret::File(path.into()))
        });
        let text = match self.take(key) {
            None => None,
            Some(Value { kind: ValueKind::String(text), .. }) if !text.is_empty() => Some(Secret::Text(text)),
            Some(other) => {
                let found = match &other.kind {
                    ValueKind::String(_) => "an empty text",
                    _ => "something else",
                };
                self.wrong_value(key, &other, "a password in quotes", found);
                return file;
            }
        };
        if file.is_some() && text.is_some() {
            self.wrong(key, format_args!("either {key} or {file_key}"), "both");
        }
        file.or(text)
    }

    /// A secret; a fault where there is none.
    pub(super) fn required_secret(&mut self, key: &str) -> Secret {
        let given = self.entries.contains_key(key) || self.entries.contains_key(&format!("{key}_file"));
        let secret = self.secret(key);
        if !given {
            self.wrong(key, format_args!("{key} or {key}_file"), "nothing");
        }
        secret.unwrap_or_else(|| Secret::Text(String::new()))
    }

    /// Whether the key is there and was not asked for yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Notes every key that was not asked for.
    pub(super) fn close(self) {
        for (key, value) in &self.entries {
            let near = self
                .asked
                .iter()
                .map(|known| (distance(key, known), known))
                .min()
                .filter(|(distance, known)| *distance <= 2.max(known.len() / 3));
            let expected = match near {
                Some((_, known)) => format!("a known key (did you mean {known}?)"),
                None => {
                    let mut known: Vec<&str> = self.asked.iter().map(String::as_str).collect();
                    known.sort_unstable();
                    format!("a known key{}", one_of(&known))
                }
            };
            self.wrong_value(key, value, expected, "an unknown one");
        }
    }
}

/// ` (a, b)`, or nothing if there is nothing to name.
pub(super) fn one_of(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

/// `SIP__REALM` is `sip.realm`, `TRUNKS__0__PASSWORD` is `trunks[0].password`.
fn key_of_variable(rest: &str) -> Option<String> {
    let mut key = String::new();
    for segment in rest.split("__") {
        if segment.is_empty() || !segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return None;
        }
        if segment.bytes().all(|b| b.is_ascii_digit()) {
            let place: usize = segment.parse().ok().filter(|place| *place <= LAST_PLACE)?;
            key.push_str(&format!("[{place}]"));
        } else {
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(&segment.to_ascii_lowercase());
        }
    }
    Some(key)
}

/// Place and reason out of `TOML parse error at line 3, column 5`, a drawing of the line, and the reason.
fn syntax_error(message: &str) -> (String, String) {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let place = first.split_once(" at ").map_or("(the whole)", |(_, place)| place);
    let reason = lines.next_back().unwrap_or(first);
    (place.to_owned(), reason.to_owned())
}

/// A value in words.
fn words(value: &Value) -> String {
    match &value.kind {
        ValueKind::Nil => "nothing".to_owned(),
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_) => value.to_string(),
    }
}

/// How many letters must be changed, added or taken away to make one word the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        for ((y, pair), j) in b.chars().zip(row.windows(2)).zip(0_usize..) {
            let [diagonal, above] = pair else { continue };
            let left = next.get(j).copied().unwrap_or(usize::MAX);
            let change = diagonal.saturating_add(usize::from(x != y));
            next.push(change.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
