//! The columns of a residents' list: what each is called on export, and under which names it is
//! recognised on import. Rows are text; how a file holds them is not known here.

use super::{Premises, Resident, Title};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    Estate,
    Building,
    Unit,
    Room,
    /// `3-2-101` or `3栋2单元101室` in one cell.
    Place,
    Name,
    Title,
    Number,
    Premises,
    Notes,
    ContactName,
    ContactRelation,
    ContactNumber,
}

/// Every column with its names; the first one is written on export. Compared without spaces, in lower
/// case, without what stands in brackets, and without a number at the end (`电话2`).
const NAMES: [(Column, &[&str]); 13] = [
    (Column::Estate, &["小区", "项目", "楼盘", "园区", "小区名称", "项目名称", "estate"]),
    (Column::Building, &["楼栋", "栋", "幢", "楼号", "栋号", "楼栋号", "楼", "座", "building"]),
    (Column::Unit, &["单元", "单元号", "门", "unit"]),
    (Column::Room, &["房号", "室", "房间", "房间号", "室号", "门牌", "门牌号", "room"]),
    (Column::Place, &["房屋", "地址", "房产", "房屋地址", "住址", "place", "address"]),
    (Column::Name, &["姓名", "业主", "业主姓名", "住户", "住户姓名", "名称", "客户姓名", "商铺名称", "name"]),
    (Column::Title, &["称呼", "性别", "title", "sex"]),
    (
        Column::Number,
        &[
            "电话",
            "手机",
            "联系电话",
            "手机号",
            "手机号码",
            "电话号码",
            "联系方式",
            "业主电话",
            "固定电话",
            "座机",
            "number",
            "phone",
            "mobile",
        ],
    ),
    (Column::Premises, &["类型", "房屋类型", "性质", "房屋性质", "用途", "premises", "type"]),
    (Column::Notes, &["备注", "说明", "notes", "remark"]),
    (Column::ContactName, &["紧急联系人", "联系人", "紧急联系人姓名", "contact"]),
    (Column::ContactRelation, &["关系", "与业主关系", "联系人关系", "relation"]),
    (
        Column::ContactNumber,
        &["紧急联系电话", "紧急联系人电话", "联系人电话", "contactnumber", "contactphone"],
    ),
];

/// The column that a heading names.
pub fn column(heading: &str) -> Option<Column> {
    let mut inside = false;
    let mut plain = String::new();
    for c in heading.chars() {
        match c {
            '(' | '（' | '[' | '【' => inside = true,
            ')' | '）' | ']' | '】' => inside = false,
            _ if inside || c.is_whitespace() || matches!(c, '*' | '：' | ':' | '_' | '-' | '\u{feff}') => {}
            _ => plain.extend(c.to_lowercase()),
        }
    }
    let counted = "0123456789０１２３４５６７８９一二三四五";
    let bare = plain.trim_end_matches(|c| counted.contains(c));
    NAMES.iter().find(|(_, names)| names.contains(&bare)).map(|(column, _)| *column)
}

/// The words for premises, as sheets have them.
pub(super) fn premises(word: &str) -> Option<Premises> {
    match word.trim().to_lowercase().as_str() {
        "" | "住宅" | "住户" | "家" | "居住" | "公寓" | "业主" | "home" => Some(Premises::Home),
        "商铺" | "商户" | "店铺" | "门面" | "底商" | "商业" | "铺" | "shop" => {
            Some(Premises::Shop)
        }
        _ => None,
    }
}

/// The words for titles and sexes.
pub(super) fn title(word: &str) -> Option<Option<Title>> {
    match word.trim().to_lowercase().as_str() {
        "" => Some(None),
        "先生" | "男" | "mr" | "m" => Some(Some(Title::Mr)),
        "女士" | "女" | "小姐" | "ms" | "f" => Some(Some(Title::Ms)),
        _ => None,
    }
}

/// The whole list as rows of text, the heading first; what [`super::import`] reads back. As many
/// columns of numbers and of key contacts as the fullest entry needs.
pub fn rows(residents: &[Resident]) -> Vec<Vec<String>> {
    let most = |count: fn(&Resident) -> usize| residents.iter().map(count).max().unwrap_or(0).max(1);
    let (numbers, contacts) = (most(|r| r.entry.numbers.len()), most(|r| r.entry.contacts.len()));
    let heading = |column: Column| {
        NAMES.iter().find(|(known, _)| *known == column).and_then(|(_, names)| names.first()).copied()
    };
    let named = |column: Column| heading(column).unwrap_or_default().to_owned();
    let counted = |column: Column, at: usize| match at {
        0 => named(column),
        _ => format!("{}{}", named(column), at.saturating_add(1)),
    };
    let mut head: Vec<String> =
        [Column::Estate, Column::Building, Column::Unit, Column::Room, Column::Name, Column::Title]
            .map(named)
            .to_vec();
    head.extend((0..numbers).map(|at| counted(Column::Number, at)));
    head.extend([Column::Premises, Column::Notes].map(named));
    for at in 0..contacts {
        let columns = [Column::ContactName, Column::ContactRelation, Column::ContactNumber];
        head.extend(columns.map(|column| counted(column, at)));
    }
    let mut all = vec![head];
    all.extend(residents.iter().map(|resident| row(resident, numbers, contacts)));
    all
}

fn row(resident: &Resident, numbers: usize, contacts: usize) -> Vec<String> {
    let entry = &resident.entry;
    let place = &entry.place;
    let mut cells: Vec<String> =
        [&place.estate, &place.building, &place.unit, &place.room, &entry.name].map(String::clone).to_vec();
    cells.push(entry.title.map_or("", Title::words).to_owned());
    let mut filled = entry.numbers.iter().map(|number| number.reveal().clone());
    cells.extend((0..numbers).map(|_| filled.next().unwrap_or_default()));
    cells.push(match entry.premises {
        Premises::Home => "住宅".to_owned(),
        Premises::Shop => "商铺".to_owned(),
    });
    cells.push(entry.notes.clone());
    let mut known = entry.contacts.iter();
    for _ in 0..contacts {
        cells.extend(match known.next() {
            Some(contact) => {
                [contact.name.clone(), contact.relation.clone(), contact.number.reveal().clone()]
            }
            None => Default::default(),
        });
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_understood_as_offices_write_them() {
        for (heading, known) in [
            ("小区", Some(Column::Estate)),
            ("楼栋号", Some(Column::Building)),
            (" 单元 ", Some(Column::Unit)),
            ("房号*", Some(Column::Room)),
            ("\u{feff}业主姓名", Some(Column::Name)),
            ("联系电话（手机）", Some(Column::Number)),
            ("电话2", Some(Column::Number)),
            ("手机号码 1", Some(Column::Number)),
            ("紧急联系人电话", Some(Column::ContactNumber)),
            ("紧急联系人2", Some(Column::ContactName)),
            ("Phone", Some(Column::Number)),
            ("建筑面积", None),
            ("", None),
        ] {
            assert_eq!(column(heading), known, "{heading}");
        }
    }

    #[test]
    fn no_heading_names_two_columns() {
        let mut seen = Vec::new();
        for (known, names) in NAMES {
            for name in names {
                assert_eq!(column(name), Some(known), "{name}");
                assert!(!seen.contains(name), "{name} is there twice");
                seen.push(name);
            }
        }
    }
}
