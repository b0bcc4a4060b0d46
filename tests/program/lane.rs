//! Several processes on one lane: one sends for all of them.

use super::place::{Ended, Place, Running};
use super::vendor::Vendor;
use rustix::process::Signal;
use std::collections::HashMap;

const SMALL: &str = r#"
audience: { group_files: [audiences/few.csv] }
send: { group_message: { text: "Also {{ group.city }}" } }
"#;

/// A big campaign `news` and one of twenty groups.
fn place(vendor: &Vendor, groups: usize) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    place.write("campaigns/small.yaml", SMALL);
    let rows: Vec<String> = (0..20).map(|number| format!("s{number},B")).collect();
    place.write(
        "audiences/few.csv",
        &format!("group,city\n{}\n", rows.join("\n")),
    );
    place
}

/// The big one under way, and the small one beside it.
fn both(place: &Place, vendor: &Vendor) -> (Running, Running) {
    let big = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    let mut small = place.start(&["run", "small", "--yes"]);
    small.line_with("sends on this lane");
    (big, small)
}

#[track_caller]
fn assert_each_once(vendor: &Vendor, groups: usize) {
    let mut counts: HashMap<String, u32> = HashMap::new();
    for line in vendor.ledger() {
        let group = line["group"].as_str().unwrap().to_owned();
        *counts.entry(group).or_default() += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|each| *each.1 != 1).collect();
    assert!(twice.is_empty(), "not once: {twice:?}");
    assert_eq!(counts.len(), groups);
}

#[test]
fn a_small_campaign_goes_between_the_calls_of_a_big_one() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 600);
    let (big, small) = both(&place, &vendor);
    small
        .end()
        .assert(0, &["small@", "20 planned = 20 accepted"]);
    big.end().assert(0, &["600 planned = 600 accepted"]);
    let ledger = vendor.ledger();
    let is_small = |line: &serde_json::Value| line["group"].as_str().unwrap().starts_with('s');
    let first = ledger.iter().position(is_small).unwrap();
    let last = ledger.iter().rposition(is_small).unwrap();
    assert!(last - first < 60, "they take turns: {first} to {last}");
    assert_each_once(&vendor, 620);
}

#[test]
fn whoever_looks_on_goes_on_when_the_sender_is_killed() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 300);
    let (big, small) = both(&place, &vendor);
    big.signal(Signal::KILL);
    big.end();
    small.end().assert(
        0,
        &["going on with small@", "20 accepted", "sending `news@"],
    );
    place
        .run(&["log", "news"])
        .assert(0, &["300 planned = 300 accepted"]);
    assert_each_once(&vendor, 320);
}

#[test]
fn whoever_looks_on_may_leave_and_the_run_is_sent_all_the_same() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 200);
    let (big, small) = both(&place, &vendor);
    small.signal(Signal::INT);
    small
        .end()
        .assert(130, &["goes on sending small@", "campanile log small@"]);
    big.end().assert(0, &["200 accepted"]);
    place.run(&["log", "small"]).assert(0, &["20 accepted"]);
    assert_each_once(&vendor, 220);
}

#[test]
fn ctrl_c_pauses_the_own_run_and_leaves_the_other_to_whoever_opened_it() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 400);
    place.write(
        "campaigns/small.yaml",
        &format!("{SMALL}delivery: {{ rate: 4 }}\n"),
    );
    let (big, small) = both(&place, &vendor);
    big.signal(Signal::INT);
    big.end()
        .assert(130, &["news@", "is paused", "resume news@"]);
    small.end().assert(0, &["20 accepted"]);
    place.run(&["resume", "news"]).assert(0, &["400 accepted"]);
    assert_each_once(&vendor, 420);
}

#[test]
fn whoever_ends_first_goes_on_for_the_others() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 200);
    place.write(
        "campaigns/news.yaml",
        "audience: { group_files: [audiences/groups.csv] }\ndelivery: { rate: 40 }\n\
         send: { group_message: { text: \"Hello {{ group.city }}\" } }\n",
    );
    place.write(
        "campaigns/small.yaml",
        &format!("{SMALL}delivery: {{ rate: 10 }}\n"),
    );
    let small = place.start(&["run", "small", "--yes"]);
    vendor.wait_for(1);
    let big = place.start(&["run", "news", "--yes"]);
    small.end().assert(
        0,
        &["20 accepted", "sending `news@", "opened by another process"],
    );
    big.end().assert(0, &["200 accepted"]);
    assert_each_once(&vendor, 220);
}

#[test]
fn the_same_campaign_is_not_opened_twice_at_once() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = Place::with_news(&vendor.endpoint(), 50);
    let started: Vec<Running> = (0..4)
        .map(|_| place.start(&["run", "news", "--yes"]))
        .collect();
    for running in started {
        let ended = running.end();
        let is_expected = match ended.code {
            0 => ended.out.contains("50 accepted"),
            4 => ended.err.contains("the very same was sent"),
            75 => ended.err.contains("another process opened a run"),
            _ => false,
        };
        assert!(is_expected, "{ended:?}");
    }
    assert_each_once(&vendor, 50);
}

#[test]
fn a_paused_run_is_not_sent_by_the_next_one() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 300);
    let big = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    big.signal(Signal::INT);
    big.end().assert(130, &["is paused"]);
    let before = vendor.ledger().len();
    place
        .run(&["run", "small", "--yes"])
        .assert(0, &["20 accepted"]);
    assert_eq!(vendor.ledger().len(), before + 20);
}

#[test]
fn a_journal_by_another_name_is_the_same_journal() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 600);
    let big = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    let link = place.path().join("link.db");
    std::os::unix::fs::symlink(place.path().join("campanile.db"), link).unwrap();
    let small = place
        .command(&["run", "small", "--yes"])
        .env("CAMPANILE_JOURNAL", "sqlite:link.db")
        .output()
        .unwrap();
    Ended::of(&small).assert(0, &["sends on this lane", "20 planned = 20 accepted"]);
    big.end().assert(0, &["600 planned = 600 accepted"]);
    assert_each_once(&vendor, 620);
}
