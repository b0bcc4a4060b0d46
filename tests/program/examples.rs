//! The examples in `campaigns/`: they are what people begin with, so each is right, and stays right.

use super::place::{Ended, Place};
use crate::comparison::is_prepared;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

const MODELINE: &str = "# yaml-language-server: $schema=../schemas/campaign.schema.json\n";

/// The one example of a channel that the vendor closed.
const CLOSED: &str = "campaigns/duty-notice.yaml";

/// Every file in the folder, so that a new example needs no line here.
pub(crate) fn examples() -> Vec<String> {
    let mut found = files("campaigns");
    found.sort();
    assert!(found.len() >= 12, "the examples are found: {found:?}");
    found
}

fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| path.to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_example_passes_the_strict_check() {
    let place = Place::of_the_examples();
    for example in examples() {
        // Before the single times of all of them, whatever year it is.
        let now = ["--now", "2030-01-01T00:00:00+08:00"];
        let command = ["check", "--strict", "-o", "json", &example];
        let ended = place.run(&[command.as_slice(), &now].concat());
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        let codes = told["diagnostics"].as_array().unwrap().iter();
        let codes: Vec<&str> = codes.map(|each| each["code"].as_str().unwrap()).collect();
        let (code, expected): (i32, &[&str]) = match example.as_str() {
            CLOSED => (78, &["closed-channel"]),
            _ => (0, &[]),
        };
        assert_eq!((ended.code, codes.as_slice()), (code, expected), "{told:#}");
    }
}

#[test]
fn every_call_of_every_example_is_accepted() {
    std::thread::scope(|scope| {
        for example in examples() {
            scope.spawn(move || assert_accepted(&example));
        }
    });
}

fn assert_accepted(example: &str) {
    let place = Place::of_the_examples();
    let options = ["--sandbox", "--yes", "--force", "-o", "json"];
    let ended = place.run(&[["run", example].as_slice(), &options].concat());
    ended.assert(0, &[]);
    let run: Value = serde_json::from_str(&ended.out).unwrap();
    let planned = run["planned"].as_u64().unwrap();
    assert!(planned > 0, "{example}: {run}");
    assert_eq!(run["accepted"], planned, "{example}: {run}");
    assert_eq!(
        place.sandbox_ledger().len() as u64,
        planned,
        "{example}: what the sandbox stored"
    );
}

#[test]
fn the_examples_show_every_channel_and_need_every_file() {
    let texts: Vec<String> = examples()
        .iter()
        .map(|example| fs::read_to_string(example).unwrap())
        .collect();
    for (example, text) in examples().iter().zip(&texts) {
        assert!(
            text.starts_with(MODELINE),
            "{example} begins with {MODELINE}"
        );
    }
    let channels = ["group_message:", "notification:", "broadcast:"].map(str::to_owned);
    for needed in channels
        .into_iter()
        .chain(files("audiences"))
        .chain(files("texts"))
    {
        assert!(
            texts.iter().any(|text| text.contains(&needed)),
            "no example has {needed}"
        );
    }
}

/// check-jsonschema, which shares nothing with ours.
fn validator(arguments: &[&str]) -> Ended {
    let mut command = Command::new("target/comparison/bin/check-jsonschema");
    Ended::of(&command.args(arguments).output().unwrap())
}

#[test]
fn the_schemas_are_schemas() {
    if !is_prepared() {
        return;
    }
    let schemas = files("schemas");
    let paths = schemas.iter().map(String::as_str);
    validator(
        &["--check-metaschema"]
            .into_iter()
            .chain(paths)
            .collect::<Vec<_>>(),
    )
    .assert(0, &["ok"]);
    for schema in &schemas {
        let text: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
        assert_eq!(
            text["$schema"],
            json!("http://json-schema.org/draft-07/schema#")
        );
    }
}

#[test]
fn another_validator_takes_the_examples_as_well() {
    if !is_prepared() {
        return;
    }
    let examples = examples();
    let paths = examples.iter().map(String::as_str);
    let schema = ["--schemafile", "schemas/campaign.schema.json"];
    validator(&schema.into_iter().chain(paths).collect::<Vec<_>>()).assert(0, &["ok"]);
    validator(&[
        "--schemafile",
        "schemas/settings.schema.json",
        "campanile.yaml",
    ])
    .assert(0, &["ok"]);
}

/// What is wrong, and what of an example is replaced by what to make it so.
pub(crate) const BROKEN: [(&str, &str, &str); 18] = [
    ("an unknown key", "audience:\n", "audiense:\n"),
    ("an unknown key inside", "from_account:", "from_acount:"),
    (
        "two kinds of send",
        "send:\n",
        "send:\n  broadcast: { text: \"x\" }\n",
    ),
    (
        "a word that is none of the words",
        "priority: high",
        "priority: urgent",
    ),
    (
        "a number where text stands",
        "sound: \"packet.mp3\"",
        "sound: 7",
    ),
    (
        "an element of two kinds",
        "- face: {",
        "- text: \"x\"\n        face: {",
    ),
    ("nothing to send", "\nsend:\n", "\nlabels:\n"),
    (
        "text where a list stands",
        "[audiences/cities.csv]",
        "audiences/cities.csv",
    ),
    (
        "a list where text stands",
        "name: red-packet",
        "name: [red-packet]",
    ),
    (
        "a number where a name stands",
        "name: red-packet",
        "name: 7",
    ),
    ("a text where a number stands", "index: 6", "index: six"),
    (
        "a key without its value",
        "start_within: 1h",
        "start_within:",
    ),
    (
        "a number that is too small",
        "badge_mode: 1",
        "badge_mode: -1",
    ),
    (
        "a word where true or false stands",
        "schedule:\n",
        "enabled: perhaps\nschedule:\n",
    ),
    ("what is needed beside another", "index: 6, ", ""),
    (
        "text where a map stands",
        "schedule:\n  cron: \"0 10 * * FRI\"\n  start_within: 1h",
        "schedule: \"0 10 * * FRI\"",
    ),
    (
        "a map where text stands",
        "priority: high",
        "priority: { level: high }",
    ),
    (
        "a key inside a key that has none",
        "coins: 88\n          desc:",
        "coins: 88\n          decs:",
    ),
];

/// The example with that of the list.
pub(crate) fn broken(number: usize) -> String {
    let example = fs::read_to_string("campaigns/red-packet.yaml").unwrap();
    let (wrong, from, to) = BROKEN[number];
    assert!(
        example.contains(from),
        "{wrong}: `{from}` is in the example"
    );
    example.replacen(from, to, 1)
}

#[test]
fn another_validator_refuses_what_we_refuse() {
    if !is_prepared() {
        return;
    }
    let place = Place::of_the_examples();
    for (number, (wrong, _, _)) in BROKEN.iter().enumerate() {
        let path = place.write("campaigns/red-packet.yaml", &broken(number));
        let refused = validator_of(&path);
        assert_eq!(refused.code, 1, "{wrong}: {refused:?}");
        assert_eq!(place.run(&["check", "red-packet"]).code, 78, "{wrong}");
    }
}

fn validator_of(campaign: &Path) -> Ended {
    let schema = "schemas/campaign.schema.json";
    validator(&["--schemafile", schema, campaign.to_str().unwrap()])
}
