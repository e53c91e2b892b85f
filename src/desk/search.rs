//! Text made findable: Chinese has no spaces, so what is written is kept as overlapping pairs of
//! characters, and a word that is looked for becomes the same pairs in a row.

/// What the text is indexed as: pairs within each run of Chinese characters, everything else as it is.
pub fn index(text: &str) -> String {
    runs(text)
        .into_iter()
        .map(|run| match run {
            // The last character on its own, so that it is found alone, too.
            Run::Chinese(run) => {
                let mut pairs = pairs(&run);
                pairs.extend(run.last().filter(|_| run.len() > 1).map(char::to_string));
                pairs.join(" ")
            }
            Run::Other(run) => run,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same for what is looked for, in SQLite's full-text language: every run of it must be there.
/// `None` where nothing is asked.
pub fn query(text: &str) -> Option<String> {
    let phrases: Vec<String> = runs(text)
        .into_iter()
        .map(|run| match run {
            Run::Chinese(run) if run.len() == 1 => format!("\"{}\" *", pairs(&run).join(" ")),
            Run::Chinese(run) => format!("\"{}\"", pairs(&run).join(" ")),
            Run::Other(run) => format!("\"{run}\" *"),
        })
        .collect();
    if phrases.is_empty() { None } else { Some(phrases.join(" AND ")) }
}

enum Run {
    Chinese(Vec<char>),
    /// Letters and digits, in lower case.
    Other(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        let chinese = matches!(u32::from(character), 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff);
        match runs.last_mut() {
            Some(Run::Chinese(run)) if chinese => run.push(character),
            Some(Run::Other(run)) if !chinese && character.is_alphanumeric() => run.push(character),
            Some(_) | None if chinese => runs.push(Run::Chinese(vec![character])),
            Some(_) | None if character.is_alphanumeric() => runs.push(Run::Other(character.to_string())),
            // What stands between two runs parts them.
            Some(_) | None => runs.push(Run::Other(String::new())),
        }
    }
    runs.retain(|run| !matches!(run, Run::Other(run) if run.is_empty()));
    runs
}

fn pairs(run: &[char]) -> Vec<String> {
    match run {
        [one] => vec![one.to_string()],
        run => run.windows(2).map(|pair| pair.iter().collect()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_indexed_in_pairs_and_asked_for_in_the_same() {
        assert_eq!(index("厨房水管漏水, 3-2-101"), "厨房 房水 水管 管漏 漏水 水 3 2 101");
        assert_eq!(index("漏"), "漏");
        for (asked, query) in [
            ("漏水", Some("\"漏水\"")),
            ("水管漏", Some("\"水管 管漏\"")),
            ("漏", Some("\"漏\" *")),
            ("水管 101", Some("\"水管\" AND \"101\" *")),
            ("O'Neil\" OR x", Some("\"o\" * AND \"neil\" * AND \"or\" * AND \"x\" *")),
            (" -- ", None),
        ] {
            assert_eq!(super::query(asked).as_deref(), query, "{asked}");
        }
    }
}
