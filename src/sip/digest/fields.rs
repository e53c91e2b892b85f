//! The text of challenges and credentials (RFC 7235 §2.1): schemes, parameters, quoting.

/// One challenge or one set of credentials: the scheme and its parameters. Quoted values stand
/// without their quotes, escapes untouched: so they go into the hash, and so they are echoed
/// (RFC 7616 §3.4, `unq`).
pub(super) struct Fields {
    pub(super) scheme: String,
    pub(super) parameters: Vec<(String, String)>,
}

impl Fields {
    pub(super) fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("digest")
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

pub(super) fn all_fields(lines: &[&str]) -> Vec<Fields> {
    lines.iter().flat_map(|line| fields(line)).collect()
}

/// Splits a header value into its challenges (RFC 7235 §4.1: several may share a line). What is
/// malformed ends the reading; what came before it counts.
pub(super) fn fields(line: &str) -> Vec<Fields> {
    let mut found: Vec<Fields> = Vec::new();
    let mut rest = line.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    while !rest.is_empty() {
        let (word, after) = split_token(rest);
        if word.is_empty() {
            break;
        }
        let spaced = after.trim_start();
        if let Some(value) = spaced.strip_prefix('=') {
            let Some((value, after)) = split_value(value.trim_start()) else { break };
            let Some(current) = found.last_mut() else { break };
            current.parameters.push((word.to_owned(), value.to_owned()));
            rest = after;
        } else {
            found.push(Fields { scheme: word.to_owned(), parameters: Vec::new() });
            rest = spaced;
        }
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    }
    found
}

pub(super) fn split_token(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c)));
    text.split_at(end.unwrap_or(text.len()))
}

/// A quoted string or anything up to the next comma or blank, and what follows.
pub(super) fn split_value(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        return Some(text.split_at(end));
    };
    let mut escape = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if c.is_control() => return None,
            _ if escape => escape = false,
            '\\' => escape = true,
            '"' => return Some((quoted.get(..at)?, quoted.get(at.checked_add(1)?..)?)),
            _ => {}
        }
    }
    None
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}
