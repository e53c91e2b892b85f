//! Arrows go down only: a room imports from lower floors, never from its own or a higher one. Reads
//! every file of `src/` as Rust, so grouped imports, `super::super::` and paths inside code and macros
//! count as much as a plain `use`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Every room and its floor (`docs/architecture.md`).
const FLOORS: [(&str, u8); 14] = [
    ("sip", 0),
    ("rtp", 0),
    ("sound", 0),
    ("desk", 0),
    ("call", 1),
    ("switch", 2),
    ("config", 2),
    ("media", 3),
    ("store", 3),
    ("trace", 3),
    ("console", 4),
    ("outbox", 4),
    ("daemon", 5),
    ("main", 6),
];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// One import: from the room of `file` to another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    file: PathBuf,
    from: String,
    to: String,
}

struct Arrows<'a> {
    file: &'a Path,
    /// The module path of where we are: `["switch", "media"]`.
    here: Vec<String>,
    found: Vec<Arrow>,
}

impl Arrows<'_> {
    /// A path as written, `crate`, `self` and `super` resolved.
    fn goes_to(&mut self, path: &[String]) {
        let absolute: Vec<String> = match path.first().map(String::as_str) {
            Some("crate" | "hotlined") => path[1..].to_vec(),
            Some("super") => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let keep = self.here.len().saturating_sub(ups);
                self.here[..keep].iter().chain(&path[ups..]).cloned().collect()
            }
            _ => return,
        };
        let (Some(from), Some(to)) = (self.here.first(), absolute.first()) else { return };
        if from != to && floor(to).is_some() {
            self.found.push(Arrow { file: self.file.to_owned(), from: from.clone(), to: to.clone() });
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.tree(&path.tree, prefix);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, prefix)),
            syn::UseTree::Name(name) => self.leaf(&name.ident, prefix),
            syn::UseTree::Rename(rename) => self.leaf(&rename.ident, prefix),
            syn::UseTree::Glob(_) => self.goes_to(prefix),
        }
    }

    fn leaf(&mut self, ident: &syn::Ident, prefix: &mut Vec<String>) {
        prefix.push(ident.to_string());
        self.goes_to(prefix);
        prefix.pop();
    }

    /// Macro bodies are tokens to `syn`: `crate::room` is looked for among them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {}
                TokenTree::Group(group) => {
                    self.goes_to(&std::mem::take(&mut path));
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.goes_to(&std::mem::take(&mut path)),
            }
        }
        self.goes_to(&path);
    }
}

impl<'ast> Visit<'ast> for Arrows<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.goes_to(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.here.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.here.pop();
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
    }
}

fn arrows_of(file: &Path, here: Vec<String>, text: &str) -> Vec<Arrow> {
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut arrows = Arrows { file, here, found: Vec::new() };
    arrows.visit_file(&parsed);
    arrows.found
}

fn upward(arrows: Vec<Arrow>) -> Vec<Arrow> {
    arrows.into_iter().filter(|arrow| floor(&arrow.from) <= floor(&arrow.to)).collect()
}

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn module_of(source: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(source).unwrap().with_extension("");
    let mut module: Vec<String> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

#[test]
fn a_room_imports_from_lower_floors_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let mut arrows = 0;
    let mut wrong = Vec::new();
    for file in &files {
        let here = module_of(&source, file);
        if here == ["lib"] {
            continue;
        }
        assert!(floor(&here[0]).is_some(), "{}: a room without a floor", file.display());
        let found = arrows_of(file, here, &fs::read_to_string(file).unwrap());
        arrows += found.len();
        wrong.extend(upward(found));
    }
    assert!(arrows > 50, "only {arrows} arrows found: the reader is blind");
    assert!(wrong.is_empty(), "arrows that go up or sideways:\n{wrong:#?}");
}

#[test]
fn every_way_to_write_an_arrow_is_seen() {
    for text in [
        "use crate::switch::Switch;",
        "use crate::{desk, switch::{Input, Output}};",
        "use super::super::switch::Switch;",
        "use super::{super::{switch}};",
        "fn f() { crate::switch::f() }",
        "fn f() { let x: crate::switch::Switch = y; }",
        "fn f() { println!(\"{}\", crate::switch::f()) }",
        "mod tests { use super::super::super::switch::Switch; }",
        "pub use crate::switch as other;",
    ] {
        let here = vec!["sip".to_owned(), "ua".to_owned()];
        let found = upward(arrows_of(Path::new("x.rs"), here, text));
        assert!(found.iter().any(|arrow| arrow.to == "switch"), "{text}: {found:?}");
    }
    let here = vec!["daemon".to_owned(), "serve".to_owned()];
    assert_eq!(upward(arrows_of(Path::new("x.rs"), here, "use crate::switch::Switch;")), []);
}
