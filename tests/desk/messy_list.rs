//! A list of 5,000 residents as offices keep them: GBK, a title above, empty rows, full-width digits,
//! several numbers in a cell, wrong ones here and there.

use std::fmt::Write as _;

use hotlined::{
    console::sheet,
    desk::{directory::Numbering, number::Number, resident::import, ticket::LocalTime},
    store::{
        audit::Hand,
        edit::Editor,
        reader::Reader,
        residents::{DryRun, ResidentFilter},
    },
};

const RESIDENTS: usize = 5000;

/// Every hundredth row has one of these faults; the words are part of what is said about it.
const FAULTS: [(&str, &str); 5] = [
    ("1.38E+10", "was rounded by the spreadsheet"),
    ("12", "expected 3 to 20 digits"),
    ("请问物业", "expected 3 to 20 digits"),
    ("", "no name"),
    ("别墅群", "premises"),
];

/// The list; `faulty` puts the faults in. Answers also with the rows that have one.
fn list(faulty: bool) -> (String, Vec<(usize, &'static str)>) {
    let mut text = String::from("东湖花园业主信息登记表,,,,,,,\r\n制表日期：2026年11月,,,,,,,\r\n");
    text.push_str("序号,小区名称,楼栋号,单元,房号,业主姓名,性别,联系电话（手机）,房屋性质,建筑面积,备注,紧急联系人,联系人电话\r\n");
    let mut rows = 3;
    let mut expected = Vec::new();
    let (surnames, names) = ("王李张刘陈杨赵黄周吴徐孙胡朱高", "伟芳娜敏静丽强磊军洋勇艳杰涛明");
    let pick = |from: &str, at: usize| from.chars().nth(at % from.chars().count()).unwrap();
    for n in 0..RESIDENTS {
        if n % 97 == 0 {
            text.push_str(",,,,,,,,,,,,\r\n");
            rows += 1;
        }
        rows += 1;
        let (building, unit, room) = (n / 200 + 1, n / 50 % 4 + 1, (n / 2 % 25 + 1) * 100 + n % 2 + 1);
        let mut name = format!("{}{}{}", pick(surnames, n), pick(names, n / 3), pick(names, n / 7));
        let mut number = format!("138{n:08}");
        match n % 6 {
            1 => number = format!("\"{number}、0571-8{n:07}\""),
            2 => number = number.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect(),
            3 => number = format!("{} {} {}", &number[..3], &number[3..7], &number[7..]),
            4 => number = format!("+86{number}"),
            _ => {}
        }
        let mut premises = ["住宅", "", "商铺", "住宅", "门面"][n % 5];
        if n % 100 == 50 {
            let (wrong, words) = FAULTS[n / 100 % FAULTS.len()];
            if faulty {
                match wrong {
                    "" => name.clear(),
                    "别墅群" => premises = wrong,
                    _ => number = wrong.to_owned(),
                }
                expected.push((rows, words));
            }
        }
        let notes = if n % 9 == 0 { "\"怕狗, 请先打电话\n再上门\"" } else { "" };
        let contact = if n % 4 == 0 { "家属,13900001234" } else { "," };
        let building = if n % 3 == 0 { format!("{building}栋") } else { building.to_string() };
        let _ = write!(
            text,
            "{},东湖花园,{building},{unit}单元,{room}室,{name},{},{number},{premises},89.5,{notes},{contact}\r\n",
            n + 1,
            ["男", "女", ""][n % 3],
        );
    }
    (text, expected)
}

fn read(text: &str) -> Result<import::Import, Vec<import::RowFault>> {
    let gbk = encoding_rs::GBK.encode(text).0;
    import::read(&sheet::read(&gbk).unwrap())
}

#[test]
fn every_faulty_row_of_a_messy_list_is_named_with_its_reason_and_no_other() {
    let (text, expected) = list(true);
    let faults = read(&text).unwrap_err();
    assert_eq!(faults.len(), expected.len());
    for (fault, (row, words)) in faults.iter().zip(expected) {
        assert_eq!(fault.row, row, "{fault}");
        assert!(fault.why.contains(words), "{fault}");
    }
}

#[test]
fn the_mended_list_is_taken_over_whole_and_comes_back_the_same_as_csv_and_xlsx() {
    let import = read(&list(false).0).unwrap();
    assert_eq!(
        (import.entries.len(), import.ignored.as_slice()),
        (RESIDENTS, ["序号", "建筑面积"].map(str::to_owned).as_slice())
    );
    let entries: Vec<_> = import.entries.into_iter().map(|(_, entry)| entry).collect();
    let numbering = Numbering { area_code: "0571".into(), ..Numbering::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (editor, reader) = (Editor::open(&path).await.unwrap(), Reader::open(&path).await.unwrap());
        let at: LocalTime = "2026-11-24T09:00:00+08:00".parse().unwrap();
        let hand = Hand { by: "王芳".into(), at };
        let done = editor
            .import_residents(entries.clone(), numbering.clone(), DryRun::No, hand.clone())
            .await
            .unwrap();
        assert_eq!((done.added, done.changed, done.same), (RESIDENTS, 0, 0));

        let directory = reader.directory(&numbering).await.unwrap();
        let caller = Number::new("+8613800000003".into());
        assert_eq!(directory.find(&caller).display().as_deref(), Some("1-1-202 刘先生"));

        let all = ResidentFilter { limit: u32::MAX, ..ResidentFilter::default() };
        let residents = reader.residents(&all, &numbering).await.unwrap();
        let rows = hotlined::desk::resident::sheet::rows(&residents);
        for file in [sheet::csv(&rows), sheet::xlsx("residents", &rows).unwrap()] {
            let again = import::read(&sheet::read(&file).unwrap()).unwrap();
            let again: Vec<_> = again.entries.into_iter().map(|(_, entry)| entry).collect();
            let done =
                editor.import_residents(again, numbering.clone(), DryRun::Yes, hand.clone()).await.unwrap();
            assert_eq!((done.added, done.changed, done.same), (0, 0, RESIDENTS));
        }
    });
}
