//! Who may do what: roles of people, rights of roles. A token has a part of its owner's rights. Pure.

use std::{collections::BTreeSet, str::FromStr};

/// What a person is at this desk (the roles of the house, 岗位).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// 接待员: takes calls and writes tickets.
    Operator,
    /// 客服主管: listens, scores, answers for the figures.
    Supervisor,
    /// 经理, 分管副总: sees what the supervisor sees.
    Manager,
    /// Keeps users, rules and prompts.
    Administrator,
}

/// One thing that can be allowed, also by a token's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See the desk: status, events, tickets, residents, matters.
    Look,
    /// Do the desk's work: remarks, matters, away and back, calls.
    Work,
    /// Hear and take out recordings.
    Listen,
    /// Read and export figures, logs of calls included.
    Figures,
    /// End other people's calls, read the access log.
    Oversee,
    /// Users, tokens, house rules, prompts.
    Administer,
}

/// A word that names no role or right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownWord {
    #[error("a role is operator, supervisor, manager or administrator")]
    Role,
    #[error("a scope is look, work, listen, figures, oversee or administer")]
    Right,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Operator, Self::Supervisor, Self::Manager, Self::Administrator];

    /// What this role may do.
    pub fn rights(self) -> BTreeSet<Right> {
        let rights: &[Right] = match self {
            Self::Operator => &[Right::Look, Right::Work],
            Self::Supervisor | Self::Manager => {
                &[Right::Look, Right::Work, Right::Listen, Right::Figures, Right::Oversee]
            }
            Self::Administrator => &Right::ALL,
        };
        rights.iter().copied().collect()
    }

    pub fn may(self, right: Right) -> bool {
        self.rights().contains(&right)
    }

    /// The word for it in database, configuration and API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Supervisor => "supervisor",
            Self::Manager => "manager",
            Self::Administrator => "administrator",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|role| role.word() == word).ok_or(UnknownWord::Role)
    }
}

impl Right {
    pub const ALL: [Self; 6] =
        [Self::Look, Self::Work, Self::Listen, Self::Figures, Self::Oversee, Self::Administer];

    /// The word for it in database and API: a token's scope.
    pub fn word(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Work => "work",
            Self::Listen => "listen",
            Self::Figures => "figures",
            Self::Oversee => "oversee",
            Self::Administer => "administer",
        }
    }
}

impl FromStr for Right {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|right| right.word() == word).ok_or(UnknownWord::Right)
    }
}

/// The longest user name; it stands in logs and lists.
const LONGEST_NAME: usize = 64;

/// Whether that can be a user's name: letters of any script, digits, `.`, `-`, `_`, at most 64.
pub fn is_user_name(name: &str) -> bool {
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
    fits && name.chars().all(|c| c.is_alphanumeric() || ".-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_its_work_needs_and_no_more() {
        let table = [
            ("operator", "look work"),
            ("supervisor", "look work listen figures oversee"),
            ("manager", "look work listen figures oversee"),
            ("administrator", "look work listen figures oversee administer"),
        ];
        assert_eq!(table.map(|(role, _)| role), Role::ALL.map(Role::word), "a role without a row");
        for (role, rights) in table {
            let role: Role = role.parse().unwrap();
            let words: Vec<&str> = role.rights().into_iter().map(Right::word).collect();
            assert_eq!(words.join(" "), rights, "{role:?}");
        }
    }

    #[test]
    fn every_word_reads_back_and_no_other() {
        assert!(Role::ALL.iter().all(|role| role.word().parse() == Ok(*role)));
        assert!(Right::ALL.iter().all(|right| right.word().parse() == Ok(*right)));
        assert_eq!("root".parse::<Role>(), Err(UnknownWord::Role));
        assert_eq!("".parse::<Right>(), Err(UnknownWord::Right));
    }

    #[test]
    fn a_user_name_holds_nothing_that_could_be_taken_for_something_else() {
        for (name, good) in [
            ("wangfang", true),
            ("王芳", true),
            ("li.qiang-2", true),
            ("", false),
            ("wang fang", false),
            ("=cmd", false),
            ("a/b", false),
            ("<b>", false),
        ] {
            assert_eq!(is_user_name(name), good, "{name:?}");
        }
        assert!(!is_user_name(&"a".repeat(65)));
    }
}
