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
        collect(&room, &Path::new("src").join(&room), &mut found);
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
        let face = fs::read_to_string(format!("src/{room}/mod.rs")).unwrap();
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

/// Each is caught by the tests it names: `tests/mutants/run` plants them, which takes minutes.
#[test]
fn every_mutant_can_be_planted_and_names_tests_that_are_there() {
    let mut mutants = 0;
    for file in fs::read_dir("tests/mutants").unwrap() {
        let path = file.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "patch")
        {
            continue;
        }
        mutants += 1;
        let checked = std::process::Command::new("git")
            .args(["apply", "--check"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {said}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        let named = text
            .lines()
            .filter_map(|line| line.strip_prefix("Caught-by: "));
        let tests: Vec<&str> = named.filter_map(|line| line.rsplit("::").next()).collect();
        assert!(!tests.is_empty(), "{} names no test", path.display());
        for test in tests {
            assert!(is_a_test(test), "{}: no test `{test}`", path.display());
        }
    }
    assert!(mutants >= 10, "{mutants} mutants");
}

fn is_a_test(name: &str) -> bool {
    let text = ["-rqE", &format!("fn {name}\\("), "src", "tests"];
    let found = std::process::Command::new("grep").args(text).status();
    found.unwrap().success()
}
