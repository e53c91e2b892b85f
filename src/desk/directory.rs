//! Whose number is that? The whole list of numbers in memory, so that a call is recognised before its
//! first ring without waiting for any disk. Two matches are both told; none is ever guessed.
//!
//! Reading starts at [`Directory::find`].

use std::collections::BTreeMap;

use super::{number::Number, resident::ResidentId};

/// How numbers are written around here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    /// Without + and zeros: `86`.
    pub country_code: String,
    /// With its zero: `0571`; empty where local numbers are always written with it.
    pub area_code: String,
}

impl Default for Numbering {
    fn default() -> Self {
        Self { country_code: "86".into(), area_code: String::new() }
    }
}

/// Local numbers without an area code have so many digits in China.
const LOCAL_DIGITS: std::ops::RangeInclusive<usize> = 7..=8;
/// Mobile numbers have so many digits, the first a 1.
const MOBILE_DIGITS: usize = 11;

impl Numbering {
    /// The one way to write a number, so that the carrier's and the list's can be compared: digits
    /// alone, without country code, without the zero that some carriers put before a mobile number
    /// from elsewhere, with the area code. `None` where no digit is left.
    pub fn canonical(&self, number: &str) -> Option<String> {
        let plain: String =
            number.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#')).collect();
        let abroad = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
        let home = match abroad {
            Some(rest) => match rest.strip_prefix(self.country_code.as_str()) {
                Some(rest) if !self.country_code.is_empty() => self.national(rest),
                Some(_) | None => return (!rest.is_empty()).then(|| format!("00{rest}")),
            },
            // 8613800000000, as some trunks send it: a country code only where a mobile follows.
            None => plain
                .strip_prefix(self.country_code.as_str())
                .filter(|rest| !self.country_code.is_empty() && is_mobile(rest))
                .unwrap_or(&plain)
                .to_owned(),
        };
        let mobile = home.strip_prefix('0').filter(|rest| is_mobile(rest));
        let home = mobile.map_or(home.clone(), str::to_owned);
        let local = LOCAL_DIGITS.contains(&home.len())
            && !home.starts_with('0')
            && home.bytes().all(|b| b.is_ascii_digit());
        let whole = if local { format!("{}{home}", self.area_code) } else { home };
        whole.bytes().any(|b| b.is_ascii_digit()).then_some(whole)
    }

    /// What follows the country code, as it is dialled in the country.
    fn national(&self, rest: &str) -> String {
        if is_mobile(rest) || rest.starts_with('0') { rest.to_owned() } else { format!("0{rest}") }
    }

    /// Every way in which carriers write that number, to find it among numbers kept as they came.
    pub fn spellings(&self, canonical: &str) -> Vec<String> {
        let code = &self.country_code;
        let mut all = vec![canonical.to_owned()];
        if let Some(abroad) = canonical.strip_prefix("00") {
            all.push(format!("+{abroad}"));
        } else if is_mobile(canonical) {
            all.push(format!("0{canonical}"));
            all.extend(["+", "00", ""].map(|prefix| format!("{prefix}{code}{canonical}")));
        } else if let Some(national) = canonical.strip_prefix('0') {
            all.extend(["+", "00"].map(|prefix| format!("{prefix}{code}{national}")));
            all.extend(["+", "00"].map(|prefix| format!("{prefix}{code}{canonical}")));
        }
        let local = canonical.strip_prefix(self.area_code.as_str()).filter(|_| !self.area_code.is_empty());
        all.extend(local.filter(|rest| LOCAL_DIGITS.contains(&rest.len())).map(str::to_owned));
        all
    }
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == MOBILE_DIGITS && digits.starts_with('1')
}

/// A resident as the desk phone shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: ResidentId,
    /// `3-2-101 王先生`.
    pub display: String,
}

/// What the list says about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller<'d> {
    /// Nobody has it; one action binds it to somebody.
    Unknown,
    One(&'d Listed),
    /// More than one has it: each is shown, none is picked.
    Several(&'d [Listed]),
}

impl Caller<'_> {
    /// What a display shows; at most two names, and how many more.
    pub fn display(&self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::One(listed) => Some(listed.display.clone()),
            Self::Several([first, second]) => Some(format!("{} / {}", first.display, second.display)),
            Self::Several(all) => {
                let first = all.first()?;
                Some(format!("{} +{}", first.display, all.len().saturating_sub(1)))
            }
        }
    }
}

/// All numbers of all residents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    numbering: Numbering,
    listed: BTreeMap<String, Vec<Listed>>,
}

impl Directory {
    /// Out of each resident's numbers. A resident who wrote the same number twice is listed once.
    pub fn new(numbering: Numbering, entries: impl IntoIterator<Item = (Listed, Vec<Number>)>) -> Self {
        let mut listed = BTreeMap::<String, Vec<Listed>>::new();
        for (who, numbers) in entries {
            for number in numbers.iter().filter_map(|number| numbering.canonical(number.reveal())) {
                let all = listed.entry(number).or_default();
                if all.last().is_none_or(|last| last.id != who.id) {
                    all.push(who.clone());
                }
            }
        }
        Self { numbering, listed }
    }

    /// Who has that number, however it is written.
    pub fn find(&self, number: &Number) -> Caller<'_> {
        let canonical = self.numbering.canonical(number.reveal());
        match canonical.and_then(|number| self.listed.get(&number)).map(Vec::as_slice) {
            None | Some([]) => Caller::Unknown,
            Some([one]) => Caller::One(one),
            Some(several) => Caller::Several(several),
        }
    }

    /// How many different numbers it knows.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// Whether it knows no number at all.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::desk::number::Private;

    fn hangzhou() -> Numbering {
        Numbering { country_code: "86".into(), area_code: "0571".into() }
    }

    fn directory(people: &[(i64, &str, &[&str])]) -> Directory {
        let entries = people.iter().map(|(id, display, numbers)| {
            let numbers = numbers.iter().map(|n| Private::new((*n).to_owned())).collect();
            (Listed { id: ResidentId(*id), display: (*display).to_owned() }, numbers)
        });
        Directory::new(hangzhou(), entries)
    }

    #[test]
    fn one_number_has_one_spelling() {
        for (written, canonical) in [
            ("13800000000", Some("13800000000")),
            ("138 0000-0000", Some("13800000000")),
            ("+8613800000000", Some("13800000000")),
            ("008613800000000", Some("13800000000")),
            ("8613800000000", Some("13800000000")),
            ("013800000000", Some("13800000000")),
            ("88880000", Some("057188880000")),
            ("(0571) 8888 0000", Some("057188880000")),
            ("+86 571 88880000", Some("057188880000")),
            ("+4930123456", Some("004930123456")),
            ("10086", Some("10086")),
            ("95588", Some("95588")),
            ("801", Some("801")),
            ("withheld", None),
            ("", None),
        ] {
            assert_eq!(hangzhou().canonical(written).as_deref(), canonical, "{written}");
        }
    }

    #[test]
    fn every_spelling_of_a_number_leads_back_to_it() {
        for number in ["13800000000", "057188880000", "004930123456", "10086"] {
            for spelling in hangzhou().spellings(number) {
                assert_eq!(hangzhou().canonical(&spelling).as_deref(), Some(number), "{spelling}");
            }
        }
    }

    #[test]
    fn a_caller_is_found_however_the_carrier_writes_the_number() {
        let directory = directory(&[(1, "3-2-101 王先生", &["13800000000", "138-0000-0000"])]);
        let found = directory.find(&Private::new("+8613800000000".into()));
        assert_eq!(found.display().as_deref(), Some("3-2-101 王先生"));
        assert!(matches!(found, Caller::One(listed) if listed.id == ResidentId(1)));
        assert_eq!(directory.find(&Private::new("13900000000".into())), Caller::Unknown);
    }

    #[test]
    fn two_who_share_a_number_are_both_shown() {
        let two =
            directory(&[(1, "3-2-101 王先生", &["88880000"]), (2, "5-1-202 李女士", &["057188880000"])]);
        let number = Private::new("88880000".to_owned());
        assert_eq!(two.find(&number).display().as_deref(), Some("3-2-101 王先生 / 5-1-202 李女士"));
        let three = directory(&[(1, "a", &["1001"]), (2, "b", &["1001"]), (3, "c", &["1001"])]);
        assert_eq!(three.find(&Private::new("1001".into())).display().as_deref(), Some("a +2"));
    }

    proptest! {
        #[test]
        fn any_text_has_a_spelling_that_stays(text in "\\PC{0,24}") {
            if let Some(canonical) = hangzhou().canonical(&text) {
                prop_assert_eq!(hangzhou().canonical(&canonical), Some(canonical));
            }
        }

        #[test]
        fn who_is_listed_is_found(numbers in prop::collection::vec("[0-9]{3,13}", 1..20)) {
            let people: Vec<(Listed, Vec<Number>)> = numbers.iter().zip(0_i64..).map(|(number, id)| {
                (Listed { id: ResidentId(id), display: id.to_string() }, vec![Private::new(number.clone())])
            }).collect();
            let directory = Directory::new(hangzhou(), people);
            for (number, id) in numbers.iter().zip(0_i64..) {
                let found = match directory.find(&Private::new(number.clone())) {
                    Caller::Unknown => false,
                    Caller::One(one) => one.id == ResidentId(id),
                    Caller::Several(all) => all.iter().any(|one| one.id == ResidentId(id)),
                };
                prop_assert!(found, "{number}");
            }
        }
    }
}
