//! The rules of the house that no compiler knows.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src/lib.rs` in the order of their `mod` lines.
fn ranks() -> HashMap<String, usize> {
    let library = fs::read_to_string("src/lib.rs").unwrap();
    let rooms = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub(crate) mod ")?.strip_suffix(';'));
    rooms
        .enumerate()
        .map(|(rank, room)| (room.to_owned(), rank))
        .collect()
}

/// Every source file with the room it stands in.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    for room in ranks().into_keys() {
        let folder = Path::new("src").join(&room);
        if folder.is_dir() {
            collect(&room, &folder, &mut found);
        } else {
            let file = folder.with_extension("rs");
            let text = fs::read_to_string(&file).unwrap();
            found.push((room, file, text));
        }
    }
    assert!(found.len() > 50, "the rooms are found");
    found
}

fn collect(room: &str, folder: &Path, found: &mut Vec<(String, PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(room, &path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            found.push((room.to_owned(), path, text));
        }
    }
}

/// The rooms that a text names as `crate::room`.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("crate::").map(|(at, path)| {
        let rest = &text[at + path.len()..];
        let end = rest
            .find(|each: char| !each.is_alphanumeric() && each != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

/// What points upwards, or to no room at all.
fn upward(ranks: &HashMap<String, usize>, room: &str, text: &str) -> Vec<String> {
    let is_upward =
        |other: &str| ranks.get(other).is_none_or(|rank| *rank >= ranks[room]) && other != room;
    named(text)
        .filter(|other| is_upward(other))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_room_imports_only_rooms_above_its_own_line() {
    let ranks = ranks();
    for (room, path, text) in sources() {
        let upward = upward(&ranks, &room, &text);
        assert!(
            upward.is_empty(),
            "{} points upwards to {upward:?}",
            path.display()
        );
    }
}

#[test]
fn an_import_that_points_upwards_would_be_found() {
    let ranks = ranks();
    assert_eq!(
        upward(&ranks, "channel", "use crate::journal::Journal;"),
        ["journal"]
    );
    assert_eq!(
        upward(&ranks, "channel", "let now = crate::clock::now();"),
        ["clock"]
    );
    assert!(
        upward(
            &ranks,
            "journal",
            "use crate::channel::Outcome;\nuse crate::journal::Run;"
        )
        .is_empty()
    );
}

#[test]
fn the_sandbox_shares_no_code_with_the_client() {
    for (room, path, text) in sources() {
        if room == "sandbox" {
            let others: Vec<_> = named(&text)
                .filter(|other| !["clock", "sandbox"].contains(other))
                .collect();
            assert!(others.is_empty(), "{} uses {others:?}", path.display());
        }
    }
}

/// What speaks to others keeps to one place each, for an address may be a secret: calls in `vendor`, webhooks in `daemon`.
#[test]
fn http_is_spoken_to_the_vendor_and_to_webhooks_alone() {
    let mut speaking = Vec::new();
    for (_, path, text) in sources() {
        let path = path.to_str().unwrap().to_owned();
        let is_known = path.starts_with("src/vendor/") || path.starts_with("src/daemon/notify/");
        if text.contains("reqwest::") {
            assert!(is_known, "{path}");
            speaking.push(path);
        }
    }
    assert!(speaking.len() >= 2, "{speaking:?}");
}

#[test]
fn every_room_says_what_it_must_never_know() {
    for room in ranks().into_keys() {
        let face = [format!("src/{room}/mod.rs"), format!("src/{room}.rs")]
            .into_iter()
            .find_map(|file| fs::read_to_string(file).ok())
            .unwrap();
        assert!(face.starts_with("//! "), "{room} opens with its docs");
        let docs: String = face
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        assert!(
            docs.to_lowercase().contains("never"),
            "{room} says what it must never know"
        );
    }
}

#[test]
fn the_schemas_are_those_of_the_program() {
    for kind in ["campaign", "settings"] {
        let generated = crate::program::campanile()
            .args(["schema", kind])
            .output()
            .unwrap();
        let kept = fs::read_to_string(format!("schemas/{kind}.schema.json")).unwrap();
        assert!(
            kept == String::from_utf8(generated.stdout).unwrap(),
            "write it anew: cargo run -- schema {kind} > schemas/{kind}.schema.json"
        );
    }
}

/// Every seeded bug with the tests that its documentation lists; `tests/seeded_bugs` runs them, which takes minutes.
fn seeded_bugs() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string("src/seeded_bug.rs").unwrap();
    let (_, text) = text.split_once("enum SeededBug {\n").unwrap();
    let (variants, _) = text.split_once("\n}\n").unwrap();
    let (mut bugs, mut tests) = (Vec::new(), Vec::new());
    for line in variants.lines().map(str::trim) {
        if let Some(test) = line.strip_prefix("/// - ") {
            tests.push(test.to_owned());
        } else if let Some(bug) = line.strip_suffix(',').filter(|_| !line.starts_with("//")) {
            bugs.push((bug.to_owned(), std::mem::take(&mut tests)));
        }
    }
    bugs
}

#[test]
fn every_seeded_bug_is_used_and_lists_tests_that_exist() {
    let sources = sources();
    let bugs = seeded_bugs();
    assert!(bugs.len() >= 29, "{bugs:?}");
    for (bug, tests) in bugs {
        let used = format!("SeededBug::{bug}.is_active()");
        let is_used = sources.iter().any(|(_, _, text)| text.contains(&used));
        assert!(is_used, "no module has the seeded bug {bug}");
        assert!(!tests.is_empty(), "{bug} lists no test");
        for test in tests {
            assert!(is_test(&test), "{bug} lists {test}");
        }
    }
}

/// Decides whether a test as a seeded bug lists it is in the file that its path names.
fn is_test(listed: &str) -> bool {
    let folders = [("lib: `", "src"), ("all: `", "tests")];
    let found = folders.into_iter().find_map(|(kind, folder)| {
        let path = listed.strip_prefix(kind)?.strip_suffix('`')?;
        let (modules, name) = path.rsplit_once("::")?;
        Some((Path::new(folder).join(modules.replace("::", "/")), name))
    });
    found.is_some_and(|(module, name)| {
        // The last module may stand in the file of the one around it.
        let modules = [module.as_path(), module.parent().unwrap()];
        modules
            .into_iter()
            .flat_map(|each| [each.with_extension("rs"), each.join("mod.rs")])
            .filter_map(|file| fs::read_to_string(file).ok())
            .any(|text| text.contains(&format!("fn {name}(")))
    })
}
