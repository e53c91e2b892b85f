//! `hotlined prompts check` and `hotlined mobiles`: what the house says, and who takes its calls. They work with
//! or without a running daemon.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, bail};

use super::{
    commands::{Files, read, runtime},
    wiring,
};
use crate::{
    call::prompt::PROMPTS, console::prompts as show, media::prompts::inspect, store::reader::Reader,
};

/// The words of the prompts, beside them.
const TEXTS: &str = "prompts.json";

/// Looks at each prompt's file: format, length, loudness, clipping, words; and at files that no prompt names.
///
/// # Errors
/// A file is missing, or can't be played as it is.
pub fn check(files: &Files) -> anyhow::Result<()> {
    let wiring::Configuration { daemon, rules } = read(files)?;
    let dir = &daemon.prompts_dir;
    let texts = texts(&dir.join(TEXTS))?;
    let mut lines = Vec::new();
    let (mut faulty, mut named) = (0, BTreeSet::new());
    let prompts = PROMPTS.iter().filter_map(|(prompt, key)| Some((*key, rules.prompts.get(prompt)?)));
    for (key, file) in prompts.chain(rules.comfort.as_ref().map(|file| ("comfort", file))) {
        named.insert(file.clone());
        let found = inspect(&dir.join(file));
        faulty += usize::from(found.is_err());
        let text = texts.get(key).map_or("", String::as_str).to_owned();
        lines.push(show::PromptLine { key, file: file.display().to_string(), found, text });
    }
    print!("{}", show::prompts_table(&lines));
    for entry in std::fs::read_dir(dir).with_context(|| format!("can't read {}", dir.display()))? {
        let name = entry?.file_name();
        let is_sound = Path::new(&name).extension().is_some_and(|extension| extension == "wav");
        if is_sound && !named.contains(Path::new(&name)) {
            println!("{}: no prompt of the house names it", name.display());
        }
    }
    if faulty > 0 {
        bail!("{faulty} of {} prompts can't be played", lines.len());
    }
    Ok(())
}

/// None where there is no such file: words are for people.
fn texts(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            serde_json::from_str(&text).with_context(|| format!("{}: not as expected", file.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("can't read {}", file.display())),
    }
}

/// For each duty mobile, how often it took, refused and swallowed the hotline's calls.
///
/// # Errors
/// The configuration or the database can't be read.
pub fn mobiles(files: &Files) -> anyhow::Result<()> {
    let database = read(files)?.daemon.database;
    let counts = runtime()?.block_on(async { Reader::open(&database).await?.mobiles().await })?;
    print!("{}", show::mobiles_table(&counts));
    Ok(())
}
