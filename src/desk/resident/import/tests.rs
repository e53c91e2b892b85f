use proptest::prelude::*;

use super::*;
use crate::desk::resident::{Premises, Resident, ResidentId, Title, sheet::rows};

fn table(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn whys(text: &str) -> Vec<String> {
    read(&table(text)).unwrap_err().iter().map(RowFault::to_string).collect()
}

#[test]
fn a_list_under_a_title_with_chinese_headings_is_read() {
    let import = read(&table(
        "东湖花园业主清册\n\
         小区|楼栋|单元|房号|业主姓名|性别|联系电话|电话2|房屋类型|备注|面积|紧急联系人|关系|紧急联系电话\n\
         东湖花园|3栋|2单元|101室|王建国|男|138 0000 0000、0571-88880000||住宅|养狗|89|李梅|配偶|13900000000\n\
         ||||||||||||\n\
         东湖花园|||S12|老王包子铺||＋８６13700000000|13600000000.0|商铺||||",
    ))
    .unwrap();
    assert_eq!(import.ignored, ["面积"]);
    assert_eq!(import.empty, 1);
    let [(3, wang), (5, shop)] = import.entries.as_slice() else { panic!("{:?}", import.entries) };
    assert_eq!(wang.display(), "3-2-101 王先生");
    assert_eq!((wang.title, wang.notes.as_str()), (Some(Title::Mr), "养狗"));
    let numbers = |entry: &Entry| entry.numbers.iter().map(|n| n.reveal().clone()).collect::<Vec<_>>();
    assert_eq!(numbers(wang), ["13800000000", "057188880000"]);
    assert_eq!(wang.contacts[0].relation, "配偶");
    assert_eq!(
        (shop.premises, numbers(shop)),
        (Premises::Shop, vec!["+8613700000000".into(), "13600000000".into()])
    );
}

#[test]
fn one_column_may_hold_the_whole_place() {
    for (written, label) in
        [("3-2-101", "3-2-101"), ("3栋2单元101室", "3-2-101"), ("3号楼101", "3-101"), ("101", "101")]
    {
        let import = read(&table(&format!("房屋|姓名\n{written}|王"))).unwrap();
        assert_eq!(import.entries[0].1.place.label(), label, "{written}");
    }
    assert_eq!(
        whys("房屋|姓名\n1-2-3-4|王")[0],
        "row 2: place \"1-2-3-4\": expected building-unit-room such as 3-2-101"
    );
}

#[test]
fn each_fault_has_its_row_and_says_what_is_expected() {
    assert_eq!(
        whys(
            "房号|姓名|电话|类型|称呼|关系\n\
             101||13800000000|||\n\
             |王|1|||\n\
             102|李|1.38E+10|别墅群|老总|\n\
             103|赵||||\n\
             103|赵||||\n\
             104|钱||||配偶"
        ),
        [
            "row 2: no name (姓名)",
            "row 3: number \"1\": expected 3 to 20 digits",
            "row 3: no room (房号)",
            "row 4: number \"1.38E+10\" was rounded by the spreadsheet: make the column text and type it again",
            "row 4: premises \"别墅群\": expected 住宅 or 商铺",
            "row 4: title \"老总\": expected 先生, 女士, 男 or 女",
            "row 6: 103 赵 is in row 5 already: join both rows",
            "row 7: a relation without a key contact's name before it",
        ]
    );
}

#[test]
fn a_file_without_a_heading_is_one_fault() {
    assert_eq!(whys("王|101|13800000000").len(), 1);
    assert_eq!(read(&[]).unwrap_err()[0].row, 1);
}

fn entries() -> impl Strategy<Value = Entry> {
    let text = "[\\u{4e00}-\\u{9fa5}a-z]{1,8}";
    let place = ("[\\u{4e00}-\\u{9fa5}]{0,4}", "[1-9A-Z]{0,3}", "[1-9]{0,2}", "[1-9]{1,4}");
    let contact = (text, "[\\u{4e00}-\\u{9fa5}]{0,2}", "1[0-9]{10}");
    (
        place,
        text,
        prop::option::of(prop::sample::select(vec![Title::Mr, Title::Ms])),
        any::<bool>(),
        prop::collection::vec("\\+?[0-9]{3,12}", 0..4),
        "[a-z,\" =;]{0,10}",
        prop::collection::vec(contact, 0..3),
    )
        .prop_map(|((estate, building, unit, room), name, title, shop, numbers, notes, contacts)| {
            Entry {
                place: Place { estate, building, unit, room }.tidy(),
                name,
                title,
                premises: if shop { Premises::Shop } else { Premises::Home },
                numbers: numbers.into_iter().map(Number::new).collect(),
                notes: notes.trim().to_owned(),
                contacts: contacts
                    .into_iter()
                    .map(|(name, relation, number)| KeyContact {
                        name,
                        relation,
                        number: Number::new(number),
                    })
                    .collect(),
            }
        })
}

proptest! {
    #[test]
    fn what_is_exported_is_imported_again(entries in prop::collection::vec(entries(), 1..8)) {
        let mut seen = Vec::new();
        let entries: Vec<Entry> = entries.into_iter().filter(|entry| {
            let key = (entry.place.clone(), entry.name.clone());
            !seen.contains(&key) && { seen.push(key); true }
        }).collect();
        let residents: Vec<Resident> =
            entries.iter().cloned().map(|entry| Resident { id: ResidentId(1), entry }).collect();
        let back = read(&rows(&residents)).unwrap();
        let back: Vec<Entry> = back.entries.into_iter().map(|(_, entry)| entry).collect();
        prop_assert_eq!(back, entries);
    }

    #[test]
    fn any_rows_are_read_or_refused(rows in prop::collection::vec(prop::collection::vec("\\PC{0,12}", 0..6), 0..12)) {
        let mut rows = rows;
        let heading = ["姓名", "房号", "电话", "类型", "紧急联系人", "关系"].map(str::to_owned);
        rows.insert(0, heading.to_vec());
        let _ = read(&rows);
    }
}
