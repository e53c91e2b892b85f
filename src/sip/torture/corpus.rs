//! RFC 4475's own bytes, where they lie beside the project: never part of it.

use super::*;

/// `torture/` beside the project, or where `HOTLINED_TORTURE` says.
fn folder() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/torture");
    let named = std::env::var_os("HOTLINED_TORTURE").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|folder| folder.join("index.json").is_file())
}

/// The codes that only parse and check can give; any other final code is for those above to give to a
/// message that was accepted.
const DECIDED_HERE: [u16; 8] = [400, 405, 406, 415, 416, 420, 501, 505];

#[test]
fn the_corpus_beside_the_project_comes_out_as_its_index_says() {
    let Some(folder) = folder() else { return };
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let mut wrong = BTreeMap::new();
    let mut valid = 0;
    for row in index["messages"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        let bytes = std::fs::read(folder.join("rfc4475").join(format!("{name}.dat"))).unwrap();
        let codes = row["codes"].as_array().unwrap();
        let silence = codes.iter().any(|code| code == "none");
        let codes: Vec<u64> = codes.iter().filter_map(serde_json::Value::as_u64).collect();
        let outcome = outcome(&bytes);
        let read = parse::message(&bytes).is_ok();
        valid += usize::from(row["class"] == "valid" && read);
        let fits = match outcome {
            Outcome::Status(code) => codes.contains(&code.into()),
            Outcome::Dropped => silence,
            // A response without a transaction is dropped above us.
            Outcome::Accepted if bytes.starts_with(b"SIP/") => silence && row["class"] == "valid",
            Outcome::Accepted => {
                codes.iter().any(|code| !DECIDED_HERE.iter().any(|d| u64::from(*d) == *code))
            }
        };
        if !fits || (row["class"] == "valid" && !read) {
            wrong.insert(name, outcome);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(valid, 13);
}
