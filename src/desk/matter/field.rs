//! What is asked about each kind of matter: typed fields, some of which must be there before it ends.

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use super::Kind;

/// A field's name, as the database and programs have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// 维修部位
    Part,
    /// 材料/型号
    Material,
    /// 方便的时间
    Suits,
    /// 投诉对象: who or which department.
    Against,
    HappenedAt,
    HappenedWhere,
    /// 诉求: what the resident asks for.
    Demand,
    /// How to reach them.
    Reach,
    Topic,
    /// 特约服务项目
    Service,
    /// 约定价格, in yuan.
    Price,
    /// 社区活动: it is visited like one.
    Event,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    Text,
    /// `2026-11-24 10:00` on the desk's clock, or RFC 3339.
    Moment,
    /// Yuan with at most two decimals.
    Money,
}

/// One field of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRule {
    pub kind: Kind,
    pub field: Field,
    pub chinese: &'static str,
    pub holds: FieldType,
    /// Must be there before the matter is closed.
    pub needed: bool,
}

const fn rule(kind: Kind, field: Field, chinese: &'static str, holds: FieldType, needed: bool) -> FieldRule {
    FieldRule { kind, field, chinese, holds, needed }
}

/// Every field of every kind.
pub const RULES: [FieldRule; 13] = [
    rule(Kind::Repair, Field::Part, "维修部位", FieldType::Text, true),
    rule(Kind::Repair, Field::Material, "材料型号", FieldType::Text, false),
    rule(Kind::Repair, Field::Suits, "方便时间", FieldType::Text, false),
    rule(Kind::Complaint, Field::Against, "投诉对象", FieldType::Text, true),
    rule(Kind::Complaint, Field::HappenedAt, "发生时间", FieldType::Moment, false),
    rule(Kind::Complaint, Field::HappenedWhere, "发生地点", FieldType::Text, false),
    rule(Kind::Complaint, Field::Demand, "诉求", FieldType::Text, true),
    rule(Kind::Complaint, Field::Reach, "联系方式", FieldType::Text, false),
    rule(Kind::Enquiry, Field::Topic, "主题", FieldType::Text, false),
    rule(Kind::Suggestion, Field::Topic, "主题", FieldType::Text, false),
    rule(Kind::Special, Field::Service, "服务项目", FieldType::Text, true),
    rule(Kind::Special, Field::Price, "约定价格", FieldType::Money, false),
    rule(Kind::Other, Field::Event, "社区活动", FieldType::Text, false),
];

impl Field {
    pub const ALL: [Self; 12] = [
        Self::Part,
        Self::Material,
        Self::Suits,
        Self::Against,
        Self::HappenedAt,
        Self::HappenedWhere,
        Self::Demand,
        Self::Reach,
        Self::Topic,
        Self::Service,
        Self::Price,
        Self::Event,
    ];

    /// `part`, `happened_at`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::Material => "material",
            Self::Suits => "suits",
            Self::Against => "against",
            Self::HappenedAt => "happened_at",
            Self::HappenedWhere => "happened_where",
            Self::Demand => "demand",
            Self::Reach => "reach",
            Self::Topic => "topic",
            Self::Service => "service",
            Self::Price => "price",
            Self::Event => "event",
        }
    }

    /// The field that has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.word() == word)
    }
}

/// The fields of a kind.
pub fn of(kind: Kind) -> impl Iterator<Item = &'static FieldRule> {
    RULES.iter().filter(move |rule| rule.kind == kind)
}

/// Characters of one field.
const LONGEST: usize = 2000;

/// A value as it is kept, or in words what is wrong with it.
pub(super) fn value(kind: Kind, field: Field, text: &str, zone: Tz) -> Result<String, String> {
    let Some(rule) = of(kind).find(|rule| rule.field == field) else {
        let known: Vec<&str> = of(kind).map(|rule| rule.field.word()).collect();
        return Err(format!("{} has no field {}; it has {}", kind.chinese(), field.word(), known.join(", ")));
    };
    let text = text.trim();
    if text.chars().count() > LONGEST {
        return Err(format!("{}: more than {LONGEST} characters", field.word()));
    }
    let expected = |what: &str| format!("{}: expected {what}, found {text:?}", field.word());
    match rule.holds {
        FieldType::Text if text.is_empty() => Err(expected("a text")),
        FieldType::Text => Ok(text.to_owned()),
        FieldType::Moment => moment(text, zone)
            .map(|at| at.to_rfc3339())
            .ok_or_else(|| expected("a time such as 2026-11-24 10:00")),
        FieldType::Money => fen(text).map(yuan).ok_or_else(|| expected("an amount in yuan such as 12.50")),
    }
}

/// A time as people type it, on the desk's clock.
pub fn moment(text: &str, zone: Tz) -> Option<super::LocalTime> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&zone).fixed_offset());
    }
    let local = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    zone.from_local_datetime(&local).earliest().map(|at| at.fixed_offset())
}

/// Yuan as people type them, in fen: `12`, `12.5`, `12.50`.
pub fn fen(text: &str) -> Option<i64> {
    let (yuan, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if yuan.is_empty() || yuan.len() > 9 || rest.len() > 2 || !digits(yuan) || !digits(rest) {
        return None;
    }
    let yuan: i64 = yuan.parse().ok()?;
    let fen: i64 = format!("{rest:0<2}").parse().ok()?;
    yuan.checked_mul(100)?.checked_add(fen)
}

/// Fen as yuan: `12.50`.
pub fn yuan(fen: i64) -> String {
    let (sign, fen) = if fen < 0 { ("-", fen.unsigned_abs()) } else { ("", fen.unsigned_abs()) };
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_typed_or_refused_in_words() {
        let zone = Tz::Asia__Shanghai;
        for (kind, field, text, kept) in [
            (Kind::Repair, Field::Part, " 厨房水管 ", Ok("厨房水管")),
            (Kind::Repair, Field::Part, " ", Err("part: expected a text, found \"\"")),
            (Kind::Complaint, Field::HappenedAt, "2026-11-24 10:00", Ok("2026-11-24T10:00:00+08:00")),
            (Kind::Complaint, Field::HappenedAt, "2026-11-24T02:00:00Z", Ok("2026-11-24T10:00:00+08:00")),
            (
                Kind::Complaint,
                Field::HappenedAt,
                "yesterday",
                Err("happened_at: expected a time such as 2026-11-24 10:00, found \"yesterday\""),
            ),
            (Kind::Special, Field::Price, "12.5", Ok("12.50")),
            (
                Kind::Special,
                Field::Price,
                "-1",
                Err("price: expected an amount in yuan such as 12.50, found \"-1\""),
            ),
            (Kind::Enquiry, Field::Part, "x", Err("咨询 has no field part; it has topic")),
        ] {
            let found = value(kind, field, text, zone);
            assert_eq!(found.as_deref().map_err(String::as_str), kept, "{text}");
        }
    }

    #[test]
    fn every_kind_has_fields_and_every_field_a_kind_and_a_word() {
        for kind in Kind::ALL {
            assert!(of(kind).next().is_some(), "{kind:?}");
        }
        for field in Field::ALL {
            assert!(RULES.iter().any(|rule| rule.field == field), "{field:?}");
            assert_eq!(Field::from_word(field.word()), Some(field));
        }
    }
}
