//! `run` beyond sending: which occurrence is meant, how much of it, and what is to be said before anything goes out.

use super::place::{Ended, Place, settings};
use super::vendor::Vendor;
use chrono::{DateTime, Days, NaiveDate};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::time::SystemTime;

/// At midnight of each day; so of a day that has begun it is past.
const DAILY: &str = r#"
name: news
timezone: UTC
schedule: { cron: "0 0 * * *" }
audience: { group_files: [audiences/groups.csv] }
send: { group_message: { text: "Hello {{ group.city }} of {{ occurrence.date }}" } }
"#;

fn daily(vendor: &Vendor, groups: usize) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    place.write("campaigns/news.yaml", DAILY);
    place
}

/// A clock that passes midnight during a test changes nothing: what was past stays past, and two days are long.
fn days_from_now(days: i64) -> NaiveDate {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let today = DateTime::from_timestamp(now.cast_signed(), 0).unwrap();
    let today = today.date_naive();
    let by = Days::new(days.unsigned_abs());
    if days < 0 { today - by } else { today + by }
}

fn midnight(days: i64) -> String {
    format!("{}T00:00", days_from_now(days))
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// The command that is said to override it, as a shell runs it.
fn as_told(place: &Place, ended: &Ended) -> Ended {
    let told = ended.err.split("if you mean it: campanile ").nth(1);
    let told = told.unwrap_or_else(|| panic!("{ended:?}"));
    let command = told.lines().next().unwrap();
    place.shell(&format!("\"$CAMPANILE\" {command}"))
}

#[test]
fn an_occurrence_that_was_named_is_sent_once() {
    let vendor = Vendor::start(&[]);
    let place = daily(&vendor, 12);
    let (yesterday, before) = (midnight(-1), midnight(-2));
    let run = ["run", "news", "--yes", "--for", &yesterday];
    let late = format!("news@{yesterday} is 1 day");
    place.run(&run).assert(0, &["12 accepted", &late, " late"]);
    let log = place.log();
    assert_eq!(log[0]["occurrence"], format!("{yesterday} UTC"));
    assert_eq!(log[0]["run"], format!("news@{yesterday}"));
    let said = format!("of {}", days_from_now(-1));
    let is_said = |line: &Value| line["text"].as_str().unwrap().ends_with(&said);
    assert!(vendor.ledger().iter().all(is_said));

    place
        .run(&run)
        .assert(0, &["is done; nothing was sent now", "--again"]);
    let told = place.run(&[run.as_slice(), &["-o", "json"]].concat());
    assert_eq!(json(&told)["state"], "done");
    // The offset is another spelling of the same instant.
    let spelt = format!("{yesterday}:00Z");
    place
        .run(&["run", "news", "--yes", "--for", &spelt])
        .assert(0, &["nothing was sent now"]);
    vendor.assert_each_once(12);

    place
        .run(&["run", "news", "--yes", "--for", &before])
        .assert(0, &["12 accepted"]);
    assert_eq!(vendor.ledger().len(), 24, "another occurrence");
    place
        .run(&[run.as_slice(), &["--again"]].concat())
        .assert(0, &[&format!("news@{yesterday}#2 is done")]);
    assert_eq!(vendor.ledger().len(), 36);
}

/// What is told apart by its time is sent though its content is the same.
#[test]
fn the_same_content_at_another_time_is_no_mistake() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    for at in ["2026-01-05T09:00", "2026-01-06T09:00"] {
        let run = ["run", "news", "--yes", "--for", at];
        place.run(&run).assert(0, &["3 accepted"]);
    }
    assert_eq!(vendor.ledger().len(), 6);
    place
        .run(&["run", "news", "--yes"])
        .assert(4, &["the very same was sent as news@2026-01-0"]);
}

#[test]
fn an_occurrence_that_was_cut_off_is_gone_on_with() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = daily(&vendor, 300);
    let yesterday = midnight(-1);
    let run = ["run", "news", "--yes", "--for", &yesterday];
    let running = place.start(&run);
    vendor.wait_for(40);
    running.signal(Signal::KILL);
    running.end();
    // An occurrence of before is not begun beside it without a word.
    let before = midnight(-2);
    let other = ["run", "news", "--yes", "--for", &before];
    let words = [
        "is open and not at its end",
        "campanile resume news@",
        "--force",
    ];
    place.run(&other).assert(4, &words);
    place.run(&run).assert(0, &["going on", "300 accepted"]);
    vendor.assert_each_once(300);
    assert_eq!(place.log()[0]["run"], format!("news@{yesterday}"));
}

#[test]
fn a_time_that_the_schedule_does_not_name_is_told_its_neighbours() {
    let vendor = Vendor::start(&[]);
    let place = daily(&vendor, 3);
    let noon = midnight(-3).replace("T00", "T12");
    let near = [
        "does not name",
        &midnight(-3),
        "comes before",
        &midnight(-2),
        "after",
    ];
    for more in [None, Some("--dry-run")] {
        let run = ["run", "news", "--yes", "--force", "--for", &noon];
        let run: Vec<&str> = run.into_iter().chain(more).collect();
        place.run(&run).assert(64, &near);
    }
    place
        .run(&["run", "news", "--yes", "--for", "yesterday"])
        .assert(64, &["`yesterday` is no date and time"]);
    place
        .run(&["run", "news", "--yes", "--early"])
        .assert(64, &["--for"]);
    assert!(vendor.ledger().is_empty());
}

#[test]
fn what_is_still_ahead_is_sent_only_where_that_is_said() {
    let vendor = Vendor::start(&[]);
    let place = daily(&vendor, 3);
    let ahead = midnight(2);
    let run = ["run", "news", "--yes", "--for", &ahead];
    let refused = place.run(&run);
    refused.assert(4, &["still 1 day", "ahead", "--early"]);
    assert!(vendor.ledger().is_empty());
    as_told(&place, &refused).assert(0, &["3 accepted"]);
    vendor.assert_each_once(3);
    place.run(&run).assert(0, &["nothing was sent now"]);
    vendor.assert_each_once(3);
}

#[test]
fn an_occurrence_whose_time_is_over_is_not_taken() {
    let vendor = Vendor::start(&[]);
    let place = daily(&vendor, 3);
    let limited = DAILY.replace("* * *\" }", "* * *\", finish_within: 6h }");
    assert_ne!(limited, DAILY);
    place.write("campaigns/news.yaml", &limited);
    let run = ["run", "news", "--yes", "--for", &midnight(-1)];
    place.run(&run).assert(1, &["`finish_within` was over"]);
    place.run(&["log", "news"]).assert(1, &["there is no run"]);
    assert!(vendor.ledger().is_empty());
}

#[test]
fn a_pruned_occurrence_is_not_sent_again_by_mistake() {
    let vendor = Vendor::start(&[]);
    let place = daily(&vendor, 3);
    let yesterday = midnight(-1);
    let run = ["run", "news", "--yes", "--for", &yesterday];
    place.run(&run).assert(0, &["3 accepted"]);
    super::handover::alter(
        &place,
        "UPDATE run SET opened_ms = 1; UPDATE entry SET wall_ms = 1; UPDATE run_entry SET wall_ms = 1;",
    );
    place
        .run(&["journal", "prune", "--older-than", "90d", "--yes"])
        .assert(0, &[]);
    place.run(&run).assert(1, &["has been pruned", "--again"]);
    vendor.assert_each_once(3);
    let again = [run.as_slice(), &["--again"]].concat();
    place
        .run(&again)
        .assert(0, &[&format!("news@{yesterday}#2 is done")]);
    assert_eq!(vendor.ledger().len(), 6);
}

fn groups(vendor: &Vendor) -> BTreeSet<String> {
    let ledger = vendor.ledger().into_iter();
    let groups = ledger.map(|line| line["group"].as_str().unwrap().to_owned());
    groups.collect()
}

#[test]
fn exactly_so_many_calls_are_begun_and_the_rest_waits() {
    let vendor = Vendor::start(&["--fault", "lost_reply=40%"]);
    let place = Place::with_news(&vendor.endpoint(), 40);
    let run = ["run", "news", "--yes", "--stop-after", "7"];
    let told = [
        "40 calls, the first 7 now",
        "7 accepted",
        "33 pending",
        "`--stop-after` are out",
        "campanile resume news@",
    ];
    place.run(&run).assert(6, &told);
    assert_eq!(groups(&vendor).len(), 7, "attempts again do not count");
    place.run(&run).assert(4, &["is paused"]);
    place
        .run(&["resume", "news", "--stop-after", "5"])
        .assert(6, &["12 accepted", "28 pending"]);
    assert_eq!(groups(&vendor).len(), 12);
    place.run(&["resume", "news"]).assert(0, &["40 accepted"]);
    vendor.assert_each_once(40);
}

#[test]
fn whoever_wants_more_calls_than_there_are_gets_all() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    for (calls, code) in [("3", 0), ("4", 0), ("2", 6)] {
        let run = ["run", "news", "--yes", "--again", "--stop-after", calls];
        assert_eq!(place.run(&run).code, code, "{calls}");
    }
    let none = ["run", "news", "--yes", "--stop-after", "0"];
    place.run(&none).assert(64, &["--stop-after"]);
}

/// The pause that the campaign itself wants comes all the same, once.
#[test]
fn two_pauses_do_not_hide_each_other() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 20);
    let news = fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap();
    let news = format!("{news}delivery: {{ pause_after: 10 }}\n");
    place.write("campaigns/news.yaml", &news);
    place
        .run(&["run", "news", "--yes", "--stop-after", "4"])
        .assert(6, &["4 accepted", "`--stop-after` are out"]);
    place
        .run(&["resume", "news"])
        .assert(6, &["10 accepted", "`pause_after` are out"]);
    place
        .run(&["resume", "news", "--stop-after", "5"])
        .assert(6, &["15 accepted", "`--stop-after` are out"]);
    place.run(&["resume", "news"]).assert(0, &["20 accepted"]);
    vendor.assert_each_once(20);
}

/// Whoever sends on the lane heeds it as well.
#[test]
fn so_many_calls_are_begun_whichever_process_sends() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = Place::with_news(&vendor.endpoint(), 600);
    place.write(
        "campaigns/small.yaml",
        "audience: { groups: [s1, s2, s3, s4, s5, s6] }\nsend: { group_message: { text: \"x\" } }\n",
    );
    let big = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(1);
    place
        .run(&["run", "small", "--yes", "--stop-after", "2"])
        .assert(6, &["sends on this lane", "2 accepted", "4 pending"]);
    let run = ["run", "news", "--yes", "--stop-after", "2"];
    place
        .run(&run)
        .assert(75, &["without --stop-after", "campanile pause news@"]);
    big.end().assert(0, &["600 accepted"]);
    let small = |group: &String| group.starts_with('s');
    assert_eq!(groups(&vendor).iter().filter(|each| small(each)).count(), 2);
}

#[test]
fn a_dry_run_tells_all_and_does_nothing() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 30);
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        Ended::of(&command.env_remove("CAMPANILE_SECRET_KEY").output().unwrap())
    };
    let dry = run(&["run", "news", "--dry-run"]);
    let endpoint = vendor.endpoint();
    let told = [
        "main (SDKAppID 1400000000)",
        &endpoint,
        "campanile.db",
        "no run of the campaign",
        "group_message, 30 calls",
        "ends        about ",
        "first text  Hello City 0",
    ];
    dry.assert(0, &told);
    let lines: Vec<&str> = dry.out.lines().collect();
    assert!(lines[0].starts_with("DRY RUN: nothing is sent"), "{dry:?}");
    assert!(lines[lines.len() - 1].starts_with("DRY RUN: nothing was sent"));
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
    let planned = json(&run(&["run", "news", "--dry-run", "-o", "json"]));
    assert_eq!(planned["planned"], 30);
    assert_eq!(
        (&planned["would"], &planned["dry_run"]),
        (&"open".into(), &true.into())
    );
    assert!(
        !place.path().join("campanile.db").exists(),
        "no journal is made"
    );
    assert!(vendor.ledger().is_empty());

    let sent = json(&place.run(&["run", "news", "--yes", "-o", "json"]));
    assert_eq!(
        sent["digest"], planned["digest"],
        "what was told is what went out"
    );
    let before = fs::read(place.path().join("campanile.db")).unwrap();
    let again = run(&["run", "news", "--dry-run"]);
    again.assert(
        4,
        &["the very same was sent", "earlier     news@", "--again"],
    );
    assert!(
        again.out.ends_with("nothing was written down\n"),
        "{again:?}"
    );
    run(&["run", "news", "--dry-run", "--again", "--stop-after", "4"])
        .assert(0, &["pauses      after 4 calls"]);
    assert_eq!(fs::read(place.path().join("campanile.db")).unwrap(), before);
    vendor.assert_each_once(30);
}

#[test]
fn a_dry_run_tells_of_the_open_run_that_would_be_gone_on_with() {
    let vendor = Vendor::start(&["--latency", "50ms"]);
    let place = Place::with_news(&vendor.endpoint(), 300);
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(20);
    running.signal(Signal::KILL);
    running.end();
    let arrivals = vendor.statistics()["arrivals"].clone();
    place
        .run(&["run", "news", "--dry-run"])
        .assert(0, &["is open: 300 planned", "a run would go on with it"]);
    let told = json(&place.run(&["run", "news", "--dry-run", "-o", "json"]));
    assert_eq!(
        (&told["would"], &told["state"]),
        (&"go_on".into(), &"open".into())
    );
    assert_eq!(vendor.statistics()["arrivals"], arrivals);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["300 accepted"]);
    vendor.assert_each_once(300);
}

#[test]
fn a_dry_run_hears_every_complaint() {
    let place = Place::with_news("http://127.0.0.1:1", 2);
    place.write("audiences/groups.csv", "group,city\ng1,A\ng2,\n");
    let dry = place.run(&["run", "news", "--dry-run"]);
    dry.assert(78, &["g2", "1 error"]);
    assert!(dry.out.ends_with("nothing was written down\n"), "{dry:?}");
}

/// Whoever overrides one of them must not override the others unseen.
#[test]
fn everything_that_needs_a_word_is_said_at_once() {
    let place = Place::with_news("https://127.0.0.1:1", 3);
    let odd = "campaigns/it's all.yaml";
    let all = "name: all\nenabled: false\nsend: { broadcast: { text: \"Hi\" } }\n";
    place.write(odd, all);
    let refused = place.run(&["run", odd, "--dry-run"]);
    let told = [
        "not enabled",
        "every live room",
        "first run of the journal `campanile.db`",
        "error: a run would be refused: ",
        "help: if you mean it: campanile run 'campaigns/it'\\''s all.yaml' --force\n",
    ];
    refused.assert(4, &told);
    // Nobody is there to be asked.
    as_told(&place, &refused).assert(4, &["--force --yes"]);
    place
        .run(&["run", odd, "--dry-run", "--force"])
        .assert(0, &["broadcast, 1 call"]);
    let without_yes = place.run(&["run", odd]);
    without_yes.assert(4, &["--force --yes"]);
    place.run(&["run", odd, "--yes"]).assert(4, &["--force"]);
    assert_eq!(
        place.run(&["status", "-o", "json"]).code,
        0,
        "nothing was opened"
    );
}

/// A journal of rehearsals does not make the real thing a habit.
#[test]
fn the_first_run_through_another_app_needs_force_too() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["3 accepted"]);
    place.write("campanile.yaml", &settings("endpoint: https://127.0.0.1:1"));
    place.run(&["run", "news", "--again", "--dry-run"]).assert(
        4,
        &["first run of the journal", "https://127.0.0.1:1", "--force"],
    );
}
