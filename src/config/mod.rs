//! Configuration: text becomes types that cannot be wrong, or a list of every fault in it. Two
//! files: what the daemon is told once ([`daemon`], `hotlined.toml`) and the rules of the house, which
//! may change while it runs ([`house`], `house.toml`). Never opens a file or reads the environment:
//! text and variables are arguments, and a secret kept in a file of its own comes as its path.
//!
//! Every key, unit and default is listed in `docs/configuration.md`.

pub mod http;
pub mod network;
mod office;
mod reader;
mod risk;
pub mod rules;
pub mod secret;
pub mod settings;
pub mod trunk;

use reader::{Faults, Table};
use rules::Rules;
use settings::Daemon;

/// One thing that is wrong in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {key}: expected {expected}, found {found}")]
pub struct Fault {
    /// The file as it was named, or `environment`.
    pub file: String,
    /// The path of the key: `phones[1].lines`; a line and column where the text is no TOML.
    pub key: String,
    /// What should be there, in words.
    pub expected: String,
    /// What is there, in words; never a secret.
    pub found: String,
}

/// Reads the daemon's settings. `name` is the file as faults shall call it. Variables named
/// `HOTLINED__SIP__REALM` stand above the file's keys (`HOTLINED__TRUNKS__0__PASSWORD` for a table
/// in a list; lists separated by commas); other variables are ignored.
pub fn daemon(name: &str, text: &str, environment: &[(String, String)]) -> Result<Daemon, Vec<Fault>> {
    let faults = Faults::new(name);
    let daemon = settings::read(Table::parse(text, environment, &faults));
    faults.none().map(|()| daemon)
}

/// Reads the house rules. `name` is the file as faults shall call it. The environment has no say
/// here, so that a reload depends on the file alone.
pub fn house(name: &str, text: &str) -> Result<Rules, Vec<Fault>> {
    let faults = Faults::new(name);
    let rules = rules::read(Table::parse(text, &[], &faults));
    faults.none().map(|()| rules)
}

/// What is wrong only when both files are seen together: mobiles name trunks, trunks name hotlines.
/// `daemon_name` and `house_name` are the files as faults shall call them.
pub fn cross_check(daemon_name: &str, daemon: &Daemon, house_name: &str, rules: &Rules) -> Vec<Fault> {
    let mut faults = Vec::new();
    let trunks: Vec<&str> = daemon.trunks.iter().map(|t| t.name.as_str()).collect();
    for (at, mobile) in rules.house.mobiles.iter().enumerate() {
        let fault = |key: &str, expected: String, found: String| Fault {
            file: house_name.to_owned(),
            key: format!("mobiles[{at}].{key}"),
            expected,
            found,
        };
        match &mobile.trunk {
            Some(trunk) if !trunks.contains(&trunk.as_str()) => {
                let expected = format!("a trunk of {daemon_name}{}", reader::one_of(&trunks));
                faults.push(fault("trunk", expected, format!("{trunk:?}")));
            }
            None if trunks.is_empty() => {
                let expected = format!("a trunk in {daemon_name} to call this mobile by");
                faults.push(fault("trunk", expected, "none".to_owned()));
            }
            Some(_) | None => {}
        }
    }
    let hotlines: Vec<&str> = rules.house.hotlines.iter().map(String::as_str).collect();
    for (at, trunk) in daemon.trunks.iter().enumerate() {
        if let Some(hotline) = trunk.hotline.as_deref().filter(|h| !hotlines.contains(h)) {
            faults.push(Fault {
                file: daemon_name.to_owned(),
                key: format!("trunks[{at}].hotline"),
                expected: format!("a hotline of {house_name}{}", reader::one_of(&hotlines)),
                found: format!("{hotline:?}"),
            });
        }
    }
    faults
}

#[cfg(test)]
mod tests;
