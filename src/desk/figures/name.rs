//! What the figures are called, how each is counted, and what it leaves out.

/// A figure's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    CallsReceived,
    CallsShort,
    CallsCounted,
    CallsAnswered,
    CallsAnsweredShare,
    CallsInTime,
    CallsInTimeShare,
    CallsFlagged,
    CallsMissed,
    CallsAbandoned,
    CallsMessage,
    CallsForwarded,
    CallsTaken,
    CallsTakenShare,
    SpeedOfAnswer,
    TalkTime,
    AnsweredInRing,
    OutageMinutes,
    MattersOpened,
    MattersClosed,
    MattersLeftOpen,
    MattersReopened,
    Serious,
    Invalid,
    DeadlinesKept,
    DeadlinesLate,
    DeadlinesKeptShare,
    VisitsDue,
    VisitsDone,
    VisitsRefused,
    VisitsUnreached,
    VisitsShare,
    Satisfaction,
}

/// What is said about a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// As files and programs have it.
    pub word: &'static str,
    pub chinese: &'static str,
    /// By the columns of the exported rows.
    pub formula: &'static str,
    pub leaves_out: &'static str,
}

const fn about(
    word: &'static str,
    chinese: &'static str,
    formula: &'static str,
    leaves_out: &'static str,
) -> About {
    About { word, chinese, formula, leaves_out }
}

/// Of calls.
const CALLS: &str = "calls out, between desk phones, and still going on";
/// Of matters.
const MATTERS: &str = "matters without a kind, and those that are part of another";
/// Of clocks.
const CLOCKS: &str = "clocks that became void, stand still, or are not due yet and not met";
/// Of visits.
const VISITS: &str = "visits withdrawn because the matter was reopened";

impl Name {
    /// Formula and all.
    pub fn about(self) -> About {
        match self {
            Self::CallsReceived => about("calls_received", "来电", "rows of calls", CALLS),
            Self::CallsShort => about(
                "calls_short",
                "短时放弃",
                "outcome = abandoned and wait_ms < short_abandoned_ms",
                CALLS,
            ),
            Self::CallsCounted => about("calls_counted", "有效来电", "calls_received − calls_short", CALLS),
            Self::CallsAnswered => about("calls_answered", "接听", "answered = 1", CALLS),
            Self::CallsAnsweredShare => about(
                "calls_answered_percent",
                "接听率%",
                "calls_answered ÷ calls_counted",
                "short abandoned calls",
            ),
            Self::CallsInTime => about("calls_in_time", "三声内接听", "answered = 1 and flagged = 0", CALLS),
            Self::CallsInTimeShare => about(
                "calls_in_time_percent",
                "三声内接听率%",
                "calls_in_time ÷ calls_counted",
                "short abandoned calls",
            ),
            Self::CallsFlagged => about("calls_flagged", "超三声", "flagged = 1", CALLS),
            Self::CallsMissed => about("calls_missed", "未接", "outcome = missed", CALLS),
            Self::CallsAbandoned => about(
                "calls_abandoned",
                "放弃",
                "outcome = abandoned and wait_ms ≥ short_abandoned_ms",
                CALLS,
            ),
            Self::CallsMessage => about("calls_message", "留言", "outcome = message", CALLS),
            Self::CallsForwarded => about("calls_forwarded", "转移动电话", "forwarded = 1", CALLS),
            Self::CallsTaken => {
                about("calls_taken", "移动电话接听", "forwarded = 1 and outcome = answered by mobile", CALLS)
            }
            Self::CallsTakenShare => {
                about("calls_taken_percent", "移动电话接听率%", "calls_taken ÷ calls_forwarded", CALLS)
            }
            Self::SpeedOfAnswer => about(
                "speed_of_answer_seconds",
                "平均接听秒数",
                "mean of wait_ms where answered = 1, ÷ 1000",
                "calls not answered",
            ),
            Self::TalkTime => about(
                "talk_seconds",
                "平均通话秒数",
                "mean of talk_ms where there is one, ÷ 1000",
                "calls not answered",
            ),
            Self::AnsweredInRing => about(
                "answered_in_ring",
                "各声接听",
                "answered = 1 and rings = of (10+: 10 or more)",
                "calls whose rings were not counted",
            ),
            Self::OutageMinutes => about(
                "outage_minutes",
                "故障分钟",
                "minutes of the period in which at least one outage of the kind lasted, whole minutes",
                "outages outside the period; one that lasts counts until now",
            ),
            Self::MattersOpened => about("matters_opened", "受理", "opened within the period", MATTERS),
            Self::MattersClosed => about("matters_closed", "办结", "closed within the period", MATTERS),
            Self::MattersLeftOpen => {
                about("matters_left_open", "未办结", "opened within the period, closed empty", MATTERS)
            }
            Self::MattersReopened => {
                about("matters_reopened", "重开", "opened within the period, reopened > 0", MATTERS)
            }
            Self::Serious => about(
                "complaints_serious",
                "重大投诉",
                "opened within the period, severity = serious",
                MATTERS,
            ),
            Self::Invalid => about(
                "complaints_invalid",
                "无效投诉",
                "opened within the period, severity = invalid",
                MATTERS,
            ),
            Self::DeadlinesKept => about("deadlines_kept", "按时", "ended ≤ due", CLOCKS),
            Self::DeadlinesLate => {
                about("deadlines_late", "超时", "ended > due, or ended empty and due < now", CLOCKS)
            }
            Self::DeadlinesKeptShare => about(
                "deadlines_kept_percent",
                "按时率%",
                "deadlines_kept ÷ (deadlines_kept + deadlines_late)",
                CLOCKS,
            ),
            Self::VisitsDue => {
                about("visits_due", "应回访", "rows of visits: their last day within the period", VISITS)
            }
            Self::VisitsDone => about("visits_done", "已回访", "state = done", VISITS),
            Self::VisitsRefused => about("visits_refused", "拒访", "state = refused", VISITS),
            Self::VisitsUnreached => about("visits_unreached", "未联系上", "state = unreached", VISITS),
            Self::VisitsShare => about("visits_percent", "回访率%", "visits_done ÷ visits_due", VISITS),
            Self::Satisfaction => {
                about("satisfaction", "满意度", "mean of satisfied (1 to 5)", "visits without an answer")
            }
        }
    }
}
