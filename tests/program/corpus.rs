//! Wrong files and what `check` says of them, word for word: the cases are in `tests/wrong`, and its README says how one
//! is added.

use super::place::{Ended, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const FOLDER: &str = "tests/wrong";
/// What every case finds beside its own files.
const COMMON: &str = "common";
/// Codes without a case, each with the reason.
const NOT_HERE: &str = "not-here.txt";
/// Variables of a case's environment, if it has any.
const ENVIRONMENT: &str = "environment";
const BLESS: &str = "BLESS";
const NOW: &str = "2026-11-02T00:00:00Z";
/// Every file was written so long before.
const AGE: Duration = Duration::from_hours(10 * 24);

/// A wrong file, or a folder of files of which one is wrong, and what is to be said.
struct Case {
    name: String,
    input: Option<PathBuf>,
    expected: Option<PathBuf>,
}

fn cases() -> Vec<Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        if ["README.md", NOT_HERE, COMMON].contains(&file) {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let case = cases.entry(name.clone()).or_insert(Case {
            name,
            input: None,
            expected: None,
        });
        let ending = path.extension().and_then(|ending| ending.to_str());
        let slot = match ending {
            Some("txt") => &mut case.expected,
            Some("yaml") => &mut case.input,
            None if path.is_dir() => &mut case.input,
            _ => panic!(
                "{} is neither a case nor what is said of one",
                path.display()
            ),
        };
        assert!(slot.is_none(), "two files are called {}", path.display());
        *slot = Some(path.clone());
    }
    cases.into_values().collect()
}

/// Copies a folder into the place, every file of the same age.
fn copy(from: &Path, place: &Place, below: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = below.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, place, &to);
        } else {
            put(&path, place, &to);
        }
    }
}

fn put(from: &Path, place: &Place, to: &Path) {
    let to = place.path().join(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(&to, fs::read(from).unwrap()).unwrap();
    let now: chrono::DateTime<chrono::Utc> = NOW.parse().unwrap();
    let written = File::options().write(true).open(&to).unwrap();
    written.set_modified(SystemTime::from(now) - AGE).unwrap();
}

/// What a person sees of it: what is said, what is printed, how it ends.
fn said(case: &Case) -> String {
    let (place, input) = (Place::new(), case.input.as_ref().unwrap());
    copy(&Path::new(FOLDER).join(COMMON), &place, Path::new(""));
    if input.is_dir() {
        copy(input, &place, Path::new(""));
    } else {
        put(
            input,
            &place,
            &Path::new("campaigns").join(input.file_name().unwrap()),
        );
    }
    let mut command = place.command(&["check", "--now", NOW]);
    let variables = place.path().join(ENVIRONMENT);
    for line in fs::read_to_string(variables).unwrap_or_default().lines() {
        let (name, value) = line.split_once('=').unwrap();
        command.env(name, value);
    }
    let Ended { code, out, err } = Ended::of(&command.output().unwrap());
    let real = place.path().canonicalize().unwrap();
    let err = err.replace(real.to_str().unwrap(), "HERE");
    let out = if out.is_empty() {
        out
    } else {
        format!("\nprinted:\n{out}")
    };
    format!("{err}{out}\nexit {code}\n")
}

/// The lines of both, with `-` before those that are missing and `+` before those that are new.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for at in (0..old.len()).rev() {
        for beside in (0..new.len()).rev() {
            common[at][beside] = if old[at] == new[beside] {
                common[at + 1][beside + 1] + 1
            } else {
                common[at + 1][beside].max(common[at][beside + 1])
            };
        }
    }
    let (mut at, mut beside, mut lines) = (0, 0, Vec::new());
    while at < old.len() || beside < new.len() {
        if at < old.len() && beside < new.len() && old[at] == new[beside] {
            lines.push(format!("  {}", old[at]));
            (at, beside) = (at + 1, beside + 1);
        } else if beside == new.len()
            || (at < old.len() && common[at + 1][beside] >= common[at][beside + 1])
        {
            lines.push(format!("- {}", old[at]));
            at += 1;
        } else {
            lines.push(format!("+ {}", new[beside]));
            beside += 1;
        }
    }
    lines.join("\n")
}

/// What is wrong with a case, if anything is.
fn checked(case: &Case, is_blessed: bool) -> Option<String> {
    let name = &case.name;
    if case.input.is_none() {
        return Some(format!("{name}.txt expects something of no file"));
    }
    let found = said(case);
    let expected = Path::new(FOLDER).join(format!("{name}.txt"));
    if is_blessed {
        fs::write(&expected, found).unwrap();
        return None;
    }
    if case.expected.is_none() {
        return Some(format!("{name} has no {name}.txt; what is said:\n{found}"));
    }
    let expected = fs::read_to_string(&expected).unwrap();
    (expected != found).then(|| format!("{name}:\n{}", difference(&expected, &found)))
}

#[test]
fn every_wrong_file_is_told_as_it_is_written_down() {
    const ABREAST: usize = 4;
    let cases = cases();
    assert!(cases.len() >= 80, "{} cases", cases.len());
    let is_blessed = std::env::var_os(BLESS).is_some();
    let share = cases.len().div_ceil(ABREAST);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .chunks(share)
            .map(|share| {
                scope.spawn(move || {
                    let wrong = share.iter().filter_map(|case| checked(case, is_blessed));
                    wrong.collect::<Vec<_>>()
                })
            })
            .collect();
        let wrong = threads.into_iter().map(|thread| thread.join().unwrap());
        wrong.flatten().collect()
    });
    assert!(
        wrong.is_empty(),
        "{} of {} cases are told otherwise:\n\n{}\n\nif all of this is as it should be: {BLESS}=1 cargo test --test all -- corpus",
        wrong.len(),
        cases.len(),
        wrong.join("\n\n")
    );
}

/// The codes that a text complains of.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = ["error[", "warning["]
            .iter()
            .find_map(|head| line.strip_prefix(head))?;
        rest.split_once(']').map(|(code, _)| code)
    })
}

#[test]
fn every_code_has_a_case_or_a_reason_to_have_none() {
    let listed = Place::new().run(&["check", "--explain"]).out;
    let known: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let texts = cases().into_iter().filter_map(|case| case.expected);
    let texts: Vec<String> = texts
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let met: BTreeSet<&str> = texts.iter().flat_map(|text| codes(text)).collect();
    let reasons = fs::read_to_string(Path::new(FOLDER).join(NOT_HERE)).unwrap();
    let excused: BTreeSet<&str> = reasons
        .lines()
        .map(|line| {
            let (code, reason) = line.split_once(": ").unwrap();
            assert!(reason.len() > 20, "{code} has no reason");
            code
        })
        .collect();
    let lacking: Vec<_> = known
        .iter()
        .filter(|code| !met.contains(*code) && !excused.contains(*code))
        .collect();
    assert!(lacking.is_empty(), "no case and no reason: {lacking:?}");
    let needless: Vec<_> = excused
        .iter()
        .filter(|code| met.contains(*code) || !known.contains(*code))
        .collect();
    assert!(needless.is_empty(), "a reason that is none: {needless:?}");
}
