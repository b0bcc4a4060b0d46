//! What the documents show: files that are right, commands that can be typed and say what is printed there, links that
//! lead somewhere.
//!
//! A block `yaml` with an audience and a message, or with apps, is a whole file and passes the strict check; any other is a
//! part of a campaign, and is completed first. `<!-- file: PATH -->` above a block says where it stands for the commands of
//! its document, and `<!-- wrong: PATH -->` that it is wrong on purpose. A block `console` has commands with what they
//! print. A block `text` was printed once, in circumstances that no test brings about.

use super::place::{Ended, Place, campanile};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The documents, with their texts.
fn documents() -> Vec<(String, String)> {
    let roots = [
        "README.md",
        "README.zh.md",
        "CONTRIBUTING.md",
        "src/cli/newcomer/README.md",
    ];
    let mut paths: Vec<String> = roots.map(str::to_owned).to_vec();
    for folder in ["docs", "docs/adr"] {
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let files = entries.filter(|path| path.is_file());
        paths.extend(files.map(|path| path.to_str().unwrap().to_owned()));
    }
    assert!(paths.len() >= 7, "the documents are found: {paths:?}");
    paths.sort();
    let read = |path: String| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// A block between fences.
struct Block<'a> {
    language: &'a str,
    /// `file: campaigns/news.yaml`, from the comment above it.
    mark: Option<(&'a str, &'a str)>,
    text: String,
}

fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut lines = document.lines();
    let mut above = "";
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| !line.starts_with("```"));
            let text = text.flat_map(|line| [line, "\n"]).collect();
            let comment = above.strip_prefix("<!-- ");
            let comment = comment.and_then(|comment| comment.strip_suffix(" -->"));
            let mark = comment.and_then(|comment| comment.split_once(": "));
            found.push(Block {
                language,
                mark,
                text,
            });
        }
        above = line;
    }
    found
}

fn has_key(yaml: &str, key: &str) -> bool {
    let key = format!("{key}:");
    yaml.lines().any(|line| line.starts_with(&key))
}

/// What is wrong for want of the files and the variables that a part of a campaign does not bring along.
const OF_THE_DATA: [&str; 6] = [
    "file",
    "undefined-variable",
    "empty-audience",
    "members-elsewhere",
    "excludes-nobody",
    "no-condition",
];

const AUDIENCE: &str = "audience: { groups: [\"@TGS#1\"] }\n";
const SEND: &str = "send: { group_message: { text: \"Hello\" } }\n";

/// Every block of a document that has a place, in it.
fn place_of(document: &str) -> Place {
    let place = Place::of_the_examples();
    for block in blocks(document) {
        if let Some((_, path)) = block.mark {
            place.write(path, &block.text);
        }
    }
    place
}

#[test]
fn every_file_that_a_document_shows_passes_check() {
    let mut shown = 0;
    for (path, text) in documents() {
        for block in blocks(&text)
            .iter()
            .filter(|block| block.language == "yaml")
        {
            let place = place_of(&text);
            let is_wrong = block.mark.is_some_and(|(word, _)| word == "wrong");
            let path_of_block = block.mark.map_or("campaigns/shown.yaml", |(_, path)| path);
            let codes = complaints(&place, path_of_block, &block.text);
            let told = format!("{path} shows\n{}which is {codes:?}", block.text);
            assert_eq!(codes.is_empty(), !is_wrong, "{told}");
            shown += 1;
        }
    }
    assert!(shown >= 10, "{shown} blocks");
}

/// The codes of what `check --strict` complains of.
fn complaints(place: &Place, path: &str, yaml: &str) -> Vec<String> {
    let is_whole = has_key(yaml, "audience") && has_key(yaml, "send");
    let campaign = if has_key(yaml, "apps") {
        place.write("campanile.yaml", yaml);
        [AUDIENCE, SEND].concat()
    } else {
        let audience = if has_key(yaml, "audience") {
            ""
        } else {
            AUDIENCE
        };
        let send = if has_key(yaml, "send") { "" } else { SEND };
        [yaml, audience, send].concat()
    };
    place.write(path, &campaign);
    let now = ["--now", "2026-01-01T00:00:00+08:00"];
    let check = ["check", path, "--strict", "-o", "json"];
    let arguments = [check.as_slice(), &now].concat();
    let ended = place.run(&arguments);
    let Ok(told) = serde_json::from_str::<Value>(&ended.out) else {
        return vec![ended.err];
    };
    let codes = told["diagnostics"].as_array().unwrap().iter();
    // A part may warn of what the rest of its file would make sense of.
    codes
        .filter(|each| is_whole || each["severity"] == "error")
        .map(|each| each["code"].as_str().unwrap().to_owned())
        .filter(|code| is_whole || !OF_THE_DATA.contains(&code.as_str()))
        .collect()
}

#[test]
fn every_command_with_its_output_prints_just_that() {
    let mut compared = 0;
    for (path, text) in documents() {
        let place = place_of(&text);
        for block in blocks(&text)
            .iter()
            .filter(|block| block.language == "console")
        {
            for part in format!("\n{}", block.text).split("\n$ ").skip(1) {
                let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
                let line = command.replacen("campanile", "\"$CAMPANILE\"", 1);
                let printed = place.shell(&format!("{line} 2>&1")).out;
                assert_eq!(
                    timeless(&printed),
                    timeless(expected),
                    "{path}: {command}\n{printed}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared >= 10, "{compared} commands");
}

/// A text without what is another on every day: when something was sent, and how long that took.
fn timeless(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| {
        let is_length = |text: &str| text.parse::<f64>().is_ok();
        if line.strip_suffix(" s").is_some_and(is_length) {
            return "LENGTH".to_owned();
        }
        let mut line = line.to_owned();
        while let Some(at) = instant(&line) {
            line.replace_range(at, "NOW");
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where an instant stands that is another on every day. What is planned has no seconds, and neither has what happens to
/// be sent in the first second of a minute.
fn instant(line: &str) -> Option<std::ops::Range<usize>> {
    const MINUTE: &str = "0000-00-00T00:00";
    const SECOND: &str = ":00";
    let begin = (0..line.len()).find(|at| {
        let of_these_days = || line[*at..].get(..10).is_some_and(is_of_these_days);
        let second = line.get(*at + MINUTE.len()..).unwrap_or_default();
        begins_like(line.get(*at..).unwrap_or_default(), MINUTE)
            && (begins_like(second, SECOND) || of_these_days())
    })?;
    let rest = &line[begin + MINUTE.len()..];
    let tail = rest
        .find(|each: char| !(each.is_ascii_digit() || [':', '.'].contains(&each)))
        .unwrap_or(rest.len());
    let tail = rest[..tail].trim_end_matches(':').len();
    let end = begin + MINUTE.len() + tail;
    let is_utc = line[end..].starts_with('Z');
    Some(begin..end + usize::from(is_utc))
}

fn begins_like(text: &str, shape: &str) -> bool {
    let fits = |(each, shape): (char, char)| match shape {
        '0' => each.is_ascii_digit(),
        'T' => ['T', ' '].contains(&each),
        _ => each == shape,
    };
    text.chars().count() >= shape.len() && text.chars().zip(shape.chars()).all(fits)
}

/// Today, or what is today elsewhere in the world.
fn is_of_these_days(date: &str) -> bool {
    let today = DateTime::<Utc>::from(std::time::SystemTime::now()).date_naive();
    let date = date.parse::<NaiveDate>();
    date.is_ok_and(|date| (date - today).num_days().abs() <= 1)
}

/// The command lines of blocks and between backticks.
fn commands(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in blocks(document) {
        if ["sh", "console"].contains(&block.language) {
            let lines = block.text.lines();
            found.extend(lines.map(|line| line.strip_prefix("$ ").unwrap_or(line).to_owned()));
        }
    }
    let mut prose = String::new();
    let mut is_block = false;
    for line in document.lines() {
        is_block ^= line.starts_with("```");
        if !is_block {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    found.extend(prose.split('`').skip(1).step_by(2).map(str::to_owned));
    let typed = found.iter().filter_map(|line| {
        line.strip_prefix("campanile ")
            .or_else(|| line.strip_prefix("cargo run --release -- "))
    });
    typed.map(str::to_owned).collect()
}

/// `--help` of verbs, asked once for each.
#[derive(Default)]
struct Help(HashMap<Vec<String>, Ended>);

impl Help {
    fn of(&mut self, verb: &[String]) -> &Ended {
        self.0.entry(verb.to_vec()).or_insert_with(|| {
            let mut command = campanile();
            Ended::of(&command.args(verb).arg("--help").output().unwrap())
        })
    }

    /// What cannot be typed of a command line.
    fn complaint(&mut self, line: &str) -> Option<String> {
        let line = line.split(['|', '>', '#']).next().unwrap_or_default();
        let line = line.replace(['"', '\''], " ");
        let mut words = line.split_whitespace().map(str::to_owned).peekable();
        let mut verb = Vec::new();
        while self.of(&verb).out.contains("\nCommands:\n") {
            match words.next_if(|word| !word.starts_with('-')) {
                Some(word) => verb.push(word),
                None => break,
            }
            if self.of(&verb).code != 0 {
                return Some(format!("there is no `{}`", verb.join(" ")));
            }
        }
        let help = &self.of(&verb).out;
        let mut options = words.filter(|word| word.starts_with('-'));
        let unknown = options.find(|word| {
            let name = word.split('=').next().unwrap_or(word);
            let mut known = help.split(|each: char| !(each.is_alphanumeric() || each == '-'));
            !known.any(|known| known == name)
        });
        unknown.map(|word| format!("`{}` has no `{word}`", verb.join(" ")))
    }
}

#[test]
fn every_command_of_a_document_can_be_typed() {
    let mut help = Help::default();
    let mut typed = 0;
    for (path, text) in documents() {
        for line in commands(&text) {
            let complaint = help.complaint(&line);
            assert_eq!(complaint, None, "{path}: campanile {line}");
            typed += 1;
        }
    }
    assert!(typed >= 80, "{typed} commands");
}

#[test]
fn what_cannot_be_typed_would_be_seen() {
    let mut help = Help::default();
    assert_eq!(help.complaint("journal prune --older-than 90d"), None);
    assert_eq!(
        help.complaint("log welcome -n 5 --state=failed -o json|csv"),
        None
    );
    for wrong in [
        "chekc",
        "journal prone",
        "check --stirct",
        "log welcome -z 5",
    ] {
        assert!(help.complaint(wrong).is_some(), "{wrong}");
    }
}

#[test]
fn every_link_and_path_of_a_document_leads_somewhere() {
    let mut followed = 0;
    for (path, text) in documents() {
        let folder = Path::new(&path).parent().unwrap();
        let links = text
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.contains("://")) {
            let target = link.split('#').next().unwrap();
            let is_there = target.is_empty() || folder.join(target).exists();
            // What `init` writes, it writes elsewhere.
            let is_written = path.contains("newcomer") && Path::new(target).exists();
            assert!(is_there || is_written, "{path}: {link}");
            followed += 1;
        }
        let ours = |word: &&str| {
            ["src/", "tests/", "benches/"]
                .iter()
                .any(|folder| word.starts_with(folder))
        };
        for word in text
            .split('`')
            .filter_map(|text| text.split(' ').next())
            .filter(ours)
        {
            assert!(Path::new(word).exists(), "{path}: {word}");
        }
    }
    assert!(followed >= 4, "{followed} links");
}

#[test]
fn the_readme_has_the_same_chapters_in_both_languages() {
    let chapters = |path: &str| {
        let text = fs::read_to_string(path).unwrap();
        text.lines().filter(|line| line.starts_with("## ")).count()
    };
    assert_eq!(chapters("README.md"), chapters("README.zh.md"));
    assert_eq!(
        chapters("docs/reading-a-campaign.md"),
        chapters("docs/reading-a-campaign.zh.md")
    );
}
