//! The code keeps to the table of rooms in `ARCHITECTURE.md`, and its files to a size one reads.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What the table calls the items of `lib.rs` themselves.
const FRONT_DOOR: &str = "front door";
const MOST_LINES: usize = 700;

/// What each room may import, as the table says.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string("ARCHITECTURE.md").unwrap();
    let mut rooms = BTreeMap::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("| room |") {
            inside = true;
        } else if inside && !line.starts_with('|') {
            break;
        } else if inside && !line.starts_with("|-") {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "{line}");
            let imports = match cells[2] {
                "nothing of ours" => BTreeSet::new(),
                list => list.split(',').map(|w| w.trim().to_owned()).collect(),
            };
            rooms.insert(cells[0].trim_matches('`').to_owned(), imports);
        }
    }
    assert!(rooms.len() > 5, "the table was not found");
    rooms
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(Path::new("src"), &mut all);
    all.sort();
    assert!(all.len() > 100, "{} files", all.len());
    all
}

/// Every room or item of the crate that a line of `code` names behind `root`, such as `crate::`.
fn named(code: &str, root: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (at, _) in code.match_indices(root) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            continue;
        }
        let rest = &code[at + root.len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => top_level(list),
            None => vec![rest],
        };
        for item in list {
            let word: String = item
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !word.is_empty() {
                out.push(word);
            }
        }
    }
    out
}

/// The members of a `{…}` list, nested ones as one.
fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut out) = (0, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                out.push(&list[start..i]);
                return out;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                out.push(&list[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out
}

/// The text without comments that take a whole line, so that documentation may link anywhere.
fn code(text: &str) -> String {
    text.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let rooms = table();
    let mut wrong = Vec::new();
    for file in sources() {
        let parts: Vec<&str> = file.iter().map(|p| p.to_str().unwrap()).collect();
        let [_, room, .., name] = parts.as_slice() else {
            continue;
        };
        let allowed = &rooms[*room];
        let text = code(&std::fs::read_to_string(&file).unwrap());
        // `cli` belongs to the binary and sees the library as anybody does.
        let root = if *room == "cli" {
            "msdesign::"
        } else {
            "crate::"
        };
        let mut used = named(&text, root);
        // As many `super` as the file is deep lead out of the room.
        let depth = parts.len() - if *name == "mod.rs" { 2 } else { 1 };
        used.extend(
            named(&text, &"super::".repeat(depth))
                .into_iter()
                .filter(|w| w != "super"),
        );
        for word in used {
            let what = if rooms.contains_key(&word) {
                &word
            } else {
                FRONT_DOOR
            };
            if what != *room && !allowed.contains(what) {
                wrong.push(format!("{} uses `{word}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_folder_of_the_source_is_a_room_of_the_table() {
    let rooms = table();
    let folders: BTreeSet<String> = std::fs::read_dir("src")
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(folders, rooms.keys().cloned().collect());
    for (room, imports) in &rooms {
        for word in imports {
            assert!(
                rooms.contains_key(word) || word == FRONT_DOOR,
                "`{room}` may import `{word}`, which is no room"
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} has no first line",
            file.display()
        );
        let lines = text.lines().count();
        assert!(
            lines <= MOST_LINES,
            "{} has {lines} lines; split it",
            file.display()
        );
    }
}

#[test]
fn the_check_of_imports_sees_them() {
    let text = "use crate::model::{Model};\nlet x = crate::plan::Plan::new();\nuse crate::{Format, diag::{A, B}, render};\nuse mycrate::no;";
    assert_eq!(
        named(text, "crate::"),
        ["model", "plan", "Format", "diag", "render"]
    );
    assert_eq!(named("use super::super::spec;", "super::super::"), ["spec"]);
}
