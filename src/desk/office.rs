//! The rules of the desk's work, as `config/house.toml` states them: every number of it is a setting.

use super::{
    calendar::Calendar, deadline::Limit, directory::Numbering, matter::Refusal, missed::MissedRules,
    return_visit::VisitRules,
};

/// Everything that decides what happens to a matter; what decides about a call is the room above's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Office {
    pub numbering: Numbering,
    pub calendar: Calendar,
    pub limits: Limits,
    pub escalation: Escalation,
    /// Their names, in the order of reports; empty: any name is a department.
    pub departments: Vec<String>,
    pub visits: VisitRules,
    pub missed: MissedRules,
    pub reports: Reports,
    /// What the code on a dispatch order leads to; `{matter}` stands for the matter's number.
    pub dispatch_link: String,
}

impl Office {
    /// The department of that name.
    ///
    /// # Errors
    /// The house has departments, and none of that name.
    pub fn known_department(&self, name: &str) -> Result<String, Refusal> {
        if self.departments.is_empty() || name.is_empty() || self.departments.iter().any(|d| d == name) {
            return Ok(name.to_owned());
        }
        Err(Refusal(format!("there is no department {name:?}, but {}", self.departments.join(", "))))
    }
}

/// How long things may take. The table of deadlines, row by row; `orders` below are the house's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub complaint_told: Limit,
    pub serious_to_manager: Limit,
    pub complex_handed_on: Limit,
    pub first_answer: Limit,
    pub online_told: Limit,
    pub online_answer: Limit,
    pub ordinary_answer: Limit,
    pub serious_done: Limit,
    pub serious_several_done: Limit,
    pub serious_group_done: Limit,
    pub result_back: Limit,
    pub order_back: Limit,
    /// The builder's answer to a house-repair notice; then it is reminded.
    pub builder_reply: Limit,
    /// So many minutes before an appointment the crew must be on its way, or call.
    pub late_warning_minutes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            complaint_told: Limit::Minutes(10),
            serious_to_manager: Limit::SameDay,
            complex_handed_on: Limit::Hours(2),
            first_answer: Limit::Hours(24),
            online_told: Limit::AtOnce,
            online_answer: Limit::Hours(24),
            ordinary_answer: Limit::Days(2),
            serious_done: Limit::Days(3),
            serious_several_done: Limit::Days(15),
            serious_group_done: Limit::Days(15),
            result_back: Limit::Hours(24),
            order_back: Limit::Days(3),
            builder_reply: Limit::Days(7),
            late_warning_minutes: 30,
        }
    }
}

/// Who hears of what is late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    pub supervisor: String,
    pub manager: String,
    pub deputy_general_manager: String,
    pub general_manager: String,
}

impl Default for Escalation {
    fn default() -> Self {
        Self {
            supervisor: "客服主管".into(),
            manager: "经理".into(),
            deputy_general_manager: "分管副总".into(),
            general_manager: "总经理".into(),
        }
    }
}

/// How figures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reports {
    /// Callers who gave up sooner are counted apart: a slip of the finger, not a call.
    pub short_abandoned_seconds: u32,
}

impl Default for Reports {
    fn default() -> Self {
        Self { short_abandoned_seconds: 5 }
    }
}
