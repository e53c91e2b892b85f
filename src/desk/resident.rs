//! A resident (业主): who lives or trades where, and under which numbers they call. Pure; lists come
//! in and go out as rows of text ([`import`], [`sheet`]), reading and writing files is not done here.

use pinyin::ToPinyinMulti;

use super::number::Number;

pub mod import;
pub mod sheet;

/// A resident's key in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResidentId(pub i64);

/// A place in an estate (小区, 楼栋, 单元, 房号). Every part but the room may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub estate: String,
    pub building: String,
    pub unit: String,
    pub room: String,
}

/// What is behind the door.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Premises {
    #[default]
    Home,
    Shop,
}

/// How a resident is addressed (称呼).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Title {
    /// 先生
    Mr,
    /// 女士
    Ms,
}

impl Title {
    /// As it is said after a name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Mr => "先生",
            Self::Ms => "女士",
        }
    }
}

/// Somebody to turn to where the resident cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyContact {
    pub name: String,
    /// 配偶, 子女, 店长; may be empty.
    pub relation: String,
    pub number: Number,
}

/// What the list says of one resident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub place: Place,
    pub name: String,
    pub title: Option<Title>,
    pub premises: Premises,
    /// As they were written, the first one called first.
    pub numbers: Vec<Number>,
    pub notes: String,
    pub contacts: Vec<KeyContact>,
}

/// One resident as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resident {
    pub id: ResidentId,
    pub entry: Entry,
}

impl Place {
    /// `3-2-101`: building, unit and room, those that there are.
    pub fn label(&self) -> String {
        let parts = [&self.building, &self.unit, &self.room].map(String::as_str);
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// `3栋2单元101室` and `3-2-101` name the same place: units of counting are taken off.
    pub fn tidy(self) -> Self {
        Self {
            estate: self.estate,
            building: without(&self.building, &["号楼", "栋", "幢", "座", "楼", "#"]),
            unit: without(&self.unit, &["单元", "门"]),
            room: without(&self.room, &["室", "房", "号"]),
        }
    }
}

/// The text without one of the endings, where something is left then.
fn without(text: &str, endings: &[&str]) -> String {
    let text = text.trim();
    let cut = endings.iter().find_map(|ending| text.strip_suffix(ending)).map(str::trim);
    cut.filter(|rest| !rest.is_empty()).unwrap_or(text).to_owned()
}

impl Entry {
    /// What the desk phone shows: `3-2-101 王先生`.
    pub fn display(&self) -> String {
        let label = self.place.label();
        let name = self.address();
        if label.is_empty() { name } else { format!("{label} {name}") }
    }

    /// `王先生` where the title is known, else the name as it is.
    fn address(&self) -> String {
        match self.title {
            Some(title) if self.premises == Premises::Home => {
                format!("{}{}", surname(&self.name), title.words())
            }
            Some(_) | None => self.name.clone(),
        }
    }

    /// The first letters of the name's syllables, every reading of it, separated by spaces: `wjg` for
    /// 王建国. What is no Chinese character stands for itself, in lower case.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// Family names of two characters (复姓) that are common enough to be met.
const DOUBLE_SURNAMES: [&str; 20] = [
    "欧阳", "上官", "司马", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "司空", "夏侯",
    "轩辕", "长孙", "宇文", "端木", "西门", "南宫", "独孤",
];

/// The family name of a Chinese name; the whole of any other.
fn surname(name: &str) -> &str {
    if let Some(double) = DOUBLE_SURNAMES.iter().find(|double| name.starts_with(**double)) {
        return double;
    }
    match name.chars().next() {
        Some(first) if !first.is_ascii() => name.get(..first.len_utf8()).unwrap_or(name),
        Some(_) | None => name,
    }
}

/// Most readings of one name that are kept: three characters of two readings each.
const MOST_READINGS: usize = 8;

fn initials(name: &str) -> String {
    let mut readings = vec![String::new()];
    for (character, multi) in name.chars().zip(name.to_pinyin_multi()) {
        let mut letters: Vec<String> = match multi {
            Some(multi) => multi.into_iter().map(|pinyin| pinyin.first_letter().to_owned()).collect(),
            None if character.is_whitespace() => continue,
            None => vec![character.to_lowercase().collect()],
        };
        letters.dedup();
        let mut seen: Vec<String> = Vec::new();
        letters.retain(|letter| {
            !seen.contains(letter) && {
                seen.push(letter.clone());
                true
            }
        });
        readings = readings
            .iter()
            .flat_map(|reading| letters.iter().map(move |letter| format!("{reading}{letter}")))
            .take(MOST_READINGS)
            .collect();
    }
    readings.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::number::Private;

    fn entry(label: [&str; 3], name: &str, title: Option<Title>) -> Entry {
        let [building, unit, room] = label.map(str::to_owned);
        Entry {
            place: Place { estate: "东湖花园".into(), building, unit, room },
            name: name.into(),
            title,
            premises: Premises::Home,
            numbers: vec![Private::new("13800000000".into())],
            notes: String::new(),
            contacts: Vec::new(),
        }
    }

    #[test]
    fn the_desk_phone_shows_room_and_address() {
        for (label, name, title, shown) in [
            (["3", "2", "101"], "王建国", Some(Title::Mr), "3-2-101 王先生"),
            (["3", "2", "101"], "欧阳娜", Some(Title::Ms), "3-2-101 欧阳女士"),
            (["3", "", "101"], "王建国", None, "3-101 王建国"),
            (["", "", "S12"], "Smith", Some(Title::Mr), "S12 Smith先生"),
            (["", "", ""], "李", None, "李"),
        ] {
            assert_eq!(entry(label, name, title).display(), shown);
        }
        let shop =
            Entry { premises: Premises::Shop, ..entry(["", "", "S1"], "老王包子铺", Some(Title::Mr)) };
        assert_eq!(shop.display(), "S1 老王包子铺", "a shop keeps its name");
    }

    #[test]
    fn a_place_is_the_same_however_it_is_written() {
        let long = Place {
            estate: String::new(),
            building: "3号楼".into(),
            unit: "2单元".into(),
            room: " 101室".into(),
        };
        assert_eq!(long.tidy().label(), "3-2-101");
        let odd = Place { building: "座".into(), room: "101".into(), ..Place::default() };
        assert_eq!(odd.tidy().label(), "座-101", "nothing is taken away to nothing");
    }

    #[test]
    fn a_name_is_found_by_the_first_letters_of_every_reading() {
        assert!(initials("王建国").split(' ').any(|reading| reading == "wjg"));
        assert!(initials("单雄信").split(' ').any(|reading| reading == "sxx"));
        assert_eq!(initials("7-Eleven 店").split(' ').next(), Some("7-elevend"));
        assert!(initials(&"单".repeat(50)).split(' ').count() <= MOST_READINGS);
    }
}
