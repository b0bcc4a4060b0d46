//! `man`: a page for every verb.

use super::place::{Ended, Place, skipped};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What `--help` lists below `Commands:`.
fn verbs(place: &Place, words: &[&str]) -> Vec<String> {
    let help = place.run(&[words, &["--help"]].concat()).out;
    let Some((_, commands)) = help.split_once("\nCommands:\n") else {
        return Vec::new();
    };
    let rows = commands.lines().take_while(|line| !line.is_empty());
    let rows = rows.filter(|row| row.starts_with("  ") && !row.starts_with("   "));
    let names = rows.map(|row| row.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

#[test]
fn every_verb_has_a_page_that_can_be_read() {
    let place = Place::new();
    place.run(&["man", "--all", "pages"]).assert(0, &["pages"]);
    let mut pages = vec!["campanile".to_owned()];
    for verb in verbs(&place, &[]) {
        for below in verbs(&place, &[&verb]) {
            pages.push(format!("campanile-{verb}-{below}"));
        }
        pages.push(format!("campanile-{verb}"));
    }
    assert!(pages.contains(&"campanile-journal-prune".to_owned()));
    let folder = place.path().join("pages");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), pages.len());
    for page in pages {
        assert_readable(&folder.join(format!("{page}.1")), &page);
    }
}

/// By the `man` of this machine, at the width of an old terminal.
fn assert_readable(path: &Path, name: &str) {
    let roff = fs::read_to_string(path).unwrap_or_else(|_| panic!("{name} has no page"));
    for part in ["EXAMPLES", "\"EXIT STATUS\""] {
        assert!(roff.contains(&format!(".SH {part}\n")), "{name}: {part}");
    }
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "utf8", "-l"])
        .arg(path)
        .env("MANWIDTH", "80")
        .env("LC_ALL", "C.UTF-8");
    let Ok(output) = man.output() else {
        return skipped("there is no man");
    };
    let shown = Ended::of(&output);
    if shown.out.contains("has been minimized") {
        return skipped("there is no man");
    }
    assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{name}");
    let mut lines = shown.out.lines();
    assert!(lines.any(|line| line == "EXAMPLES"), "{name}: {shown:?}");
    let widest = shown.out.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{name} is {widest:?} columns wide");
}

#[test]
fn a_page_alone_is_that_of_all_pages() {
    let place = Place::new();
    place.write("pages/campanile-run.1", "of an older version");
    place
        .run(&["-C", "pages", "man", "--all", "."])
        .assert(0, &[]);
    for (words, file) in [
        ("man", "campanile.1"),
        ("man run", "campanile-run.1"),
        ("man journal prune", "campanile-journal-prune.1"),
    ] {
        let page = place.run(&words.split(' ').collect::<Vec<_>>());
        page.assert(0, &[]);
        let written = fs::read_to_string(place.path().join("pages").join(file)).unwrap();
        assert_eq!(page.out.trim_end(), written.trim_end(), "{file}");
    }
    place
        .run(&["man", "campanile"])
        .assert(64, &["`campanile` has no verb `campanile`", "preview"]);
    place
        .run(&["man", "run", "--all", "."])
        .assert(64, &["--all"]);
}
