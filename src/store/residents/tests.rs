use super::*;
use crate::desk::resident::import;

/// An empty database with its two hands.
async fn empty() -> (tempfile::TempDir, Editor, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hotlined.db");
    let (editor, reader) = (Editor::open(&path).await.unwrap(), Reader::open(&path).await.unwrap());
    (folder, editor, reader)
}

fn hand() -> Hand {
    Hand { by: "王芳".into(), at: crate::store::fixture::at("09:00:00.000") }
}

fn entries(text: &str) -> Vec<Entry> {
    let rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect()).collect();
    import::read(&rows).unwrap().entries.into_iter().map(|(_, entry)| entry).collect()
}

const LIST: &str = "小区|房屋|姓名|称呼|电话|备注|紧急联系人|紧急联系电话\n\
    东湖|3-2-101|王建国|先生|13800000001、88880001|100% 养狗|李梅|13900000001\n\
    东湖|3-2-102|李红|女士|13800000002|||\n\
    西山|1-101|单雄信|先生|13800000003|||";

async fn found(reader: &Reader, text: &str) -> Vec<String> {
    let filter = ResidentFilter { text: text.into(), ..ResidentFilter::default() };
    let residents = reader.residents(&filter, &Numbering::default()).await.unwrap();
    residents.iter().map(|resident| resident.entry.display()).collect()
}

#[tokio::test]
async fn a_list_is_taken_over_and_found_by_number_room_name_and_initials() {
    let (_folder, editor, reader) = empty().await;
    let numbering = Numbering::default();
    let list = entries(LIST);
    let done = editor.import_residents(list.clone(), numbering.clone(), DryRun::No, hand()).await.unwrap();
    assert_eq!(done, Imported { added: 3, changed: 0, same: 0 });
    for (text, shown) in [
        ("138 0000 0001", vec!["3-2-101 王先生"]),
        ("0001", vec!["3-2-101 王先生"]),
        ("3-2-10", vec!["3-2-101 王先生", "3-2-102 李女士"]),
        ("红", vec!["3-2-102 李女士"]),
        ("WJG", vec!["3-2-101 王先生"]),
        ("sxx", vec!["1-101 单先生"]),
        ("100%", vec![]),
        ("_", vec![]),
        ("", vec!["3-2-101 王先生", "3-2-102 李女士", "1-101 单先生"]),
    ] {
        assert_eq!(found(&reader, text).await, shown, "{text}");
    }
    let all = reader.residents(&ResidentFilter::default(), &numbering).await.unwrap();
    assert_eq!(all.iter().map(|r| r.entry.clone()).collect::<Vec<_>>(), list);
}

#[tokio::test]
async fn the_same_list_again_changes_nothing_and_a_dry_run_never_does() {
    let (_folder, editor, reader) = empty().await;
    let numbering = Numbering::default();
    let list = entries(LIST);
    let dry = editor.import_residents(list.clone(), numbering.clone(), DryRun::Yes, hand()).await.unwrap();
    assert_eq!((dry.added, found(&reader, "").await.len()), (3, 0));
    let before = reader.directory_revision().await.unwrap();
    editor.import_residents(list.clone(), numbering.clone(), DryRun::No, hand()).await.unwrap();
    assert!(reader.directory_revision().await.unwrap() > before);
    let again = editor.import_residents(list.clone(), numbering.clone(), DryRun::No, hand()).await.unwrap();
    assert_eq!(again, Imported { added: 0, changed: 0, same: 3 });
    let moved = entries(&LIST.replace("13800000002", "13800000009"));
    let changed = editor.import_residents(moved, numbering.clone(), DryRun::No, hand()).await.unwrap();
    assert_eq!(changed, Imported { added: 0, changed: 1, same: 2 });
    assert_eq!(found(&reader, "13800000002").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_unknown_number_is_bound_by_one_action() {
    let (_folder, editor, reader) = empty().await;
    let numbering = Numbering::default();
    editor.import_residents(entries(LIST), numbering.clone(), DryRun::No, hand()).await.unwrap();
    let caller: Number = Private::new("+8613700000000".into());
    assert_eq!(reader.residents_by_number(&caller, &numbering).await.unwrap(), []);
    let filter = ResidentFilter { text: "wjg".into(), ..ResidentFilter::default() };
    let wang = reader.residents(&filter, &numbering).await.unwrap().remove(0).id;
    editor.bind_number(wang, caller.clone(), numbering.clone(), hand()).await.unwrap();
    editor.bind_number(wang, caller.clone(), numbering.clone(), hand()).await.unwrap();
    let found = reader.residents_by_number(&Private::new("013700000000".into()), &numbering).await.unwrap();
    assert_eq!((found.len(), found[0].id, found[0].entry.numbers.len()), (1, wang, 3));
    let directory = reader.directory(&numbering).await.unwrap();
    assert_eq!(directory.find(&caller).display().as_deref(), Some("3-2-101 王先生"));
    let nobody = editor.bind_number(ResidentId(99), caller.clone(), numbering.clone(), hand()).await;
    assert_eq!(nobody.unwrap_err().to_string(), "there is no resident 99");
}

#[tokio::test]
async fn two_residents_cannot_have_one_place_and_name_and_the_record_of_changes_stays() {
    let (_folder, editor, reader) = empty().await;
    let numbering = Numbering::default();
    let list = entries(LIST);
    let first = editor.save_resident(None, list[0].clone(), numbering.clone(), hand()).await.unwrap();
    let twice = editor.save_resident(None, list[0].clone(), numbering.clone(), hand()).await.unwrap_err();
    assert_eq!(twice.to_string(), "3-2-101 王先生 is there already");
    let second = editor.save_resident(None, list[1].clone(), numbering.clone(), hand()).await.unwrap();
    assert!(editor.save_resident(Some(second), list[0].clone(), numbering.clone(), hand()).await.is_err());
    editor.remove_resident(first, hand()).await.unwrap();
    assert_eq!(reader.resident(first).await.unwrap(), None);
    let mut tx = reader.begin().await.unwrap();
    let whats: Vec<String> =
        sqlx::query_scalar("SELECT what FROM audit ORDER BY key").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(whats, ["added", "added", "removed"]);
    let changed: Result<(), EditError> = editor
        .edit(|tx| {
            Box::pin(async move {
                sqlx::query("UPDATE audit SET by = 'x'").execute(tx).await?;
                Ok(())
            })
        })
        .await;
    assert!(changed.unwrap_err().to_string().contains("the record of changes stays"));
}
