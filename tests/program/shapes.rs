//! What programs read: JSON, CSV, exit codes.

use super::place::Place;
use super::vendor::Vendor;
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_run_is_told_as_one_object() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 10);
    let ended = place.run(&["run", "news", "--yes", "-o", "json"]);
    ended.assert(0, &[]);
    let run: Value = serde_json::from_str(&ended.out).unwrap();
    let expected = [
        "accepted",
        "app",
        "campaign",
        "commit",
        "digest",
        "elapsed_s",
        "failed",
        "occurrence",
        "pending",
        "planned",
        "rate_per_s",
        "refused",
        "run",
        "skipped",
        "state",
        "test",
        "unknown",
    ];
    assert_eq!(keys(&run), expected);
    assert_eq!(
        (&run["planned"], &run["accepted"], &run["pending"]),
        (&10.into(), &10.into(), &0.into())
    );
    assert_eq!(
        (&run["state"], &run["campaign"], &run["app"]),
        (&"done".into(), &"news".into(), &"main".into())
    );
    assert!(run["run"].as_str().unwrap().starts_with("news@20"));
}

#[test]
fn a_log_line_has_every_field_in_every_format() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    place.run(&["run", "news", "--yes"]).assert(0, &[]);
    let expected = [
        "app",
        "attempts",
        "campaign",
        "channel",
        "commit",
        "delivery",
        "error_code",
        "error_info",
        "finished_at",
        "group",
        "members",
        "msg_seq",
        "msg_time",
        "occurrence",
        "random",
        "reason",
        "reason_code",
        "run",
        "started_at",
        "state",
        "test",
    ];
    let lines = place.log();
    assert_eq!(lines.len(), 3);
    let line = &lines[0];
    assert_eq!(keys(line), expected);
    assert_eq!(
        (&line["channel"], &line["group"], &line["msg_seq"]),
        (&"group_message".into(), &"g0".into(), &1.into())
    );
    for time in ["started_at", "finished_at", "msg_time"] {
        let time = line[time].as_str().unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    }
    let ledger = vendor.ledger();
    let stored = ledger.iter().find(|stored| stored["group"] == "g0");
    assert_eq!(line["random"], stored.unwrap()["random"]);

    let all: Vec<Value> =
        serde_json::from_str(&place.run(&["log", "news", "-o", "json"]).out).unwrap();
    assert_eq!(all, lines);
    let csv = place.run(&["log", "news", "-o", "csv"]).out;
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    assert_eq!(
        (header[0], header.len(), csv.lines().count()),
        ("app", 21, 4)
    );
    assert_eq!(
        place.run(&["log", "news", "-n", "2"]).out.lines().count(),
        2
    );
    assert_eq!(
        place
            .run(&["log", "news", "--state", "failed", "-o", "json"])
            .out
            .trim(),
        "[]"
    );
}

#[test]
fn versions_are_told() {
    let place = Place::new();
    place
        .run(&["version"])
        .assert(0, &["campanile 0.1.0", "tzdata 20", "sqlite 3."]);
    let versions: Value = serde_json::from_str(&place.run(&["version", "-o", "json"]).out).unwrap();
    assert_eq!(keys(&versions), ["campanile", "sqlite", "tzdata"]);
}

#[test]
fn occurrences_are_told_with_what_clock_changes_do() {
    let place = Place::new();
    let from = ["--from", "2026-03-28T00:00:00Z", "-n", "2"];
    let daily = [
        "next",
        "--cron",
        "30 2 * * *",
        "--timezone",
        "Europe/Berlin",
    ];
    let ended = place.run(&[daily.as_slice(), &from].concat());
    ended.assert(
        0,
        &[
            "2026-03-28T02:30 Europe/Berlin  Sat",
            "2026-03-29T02:30 does not exist that day",
        ],
    );
    let json = place.run(&[daily.as_slice(), &from, &["-o", "json"]].concat());
    let times: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        times,
        serde_json::json!({ "occurrences": ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"] })
    );
    let skipped = place.run(&[daily.as_slice(), &from, &["--dst", "skip", "-o", "json"]].concat());
    assert!(skipped.out.contains("2026-03-30T00:30:00Z"), "{skipped:?}");

    place
        .run(&["next", "--cron", "0 9 * MON *", "--timezone", "UTC"])
        .assert(64, &["`MON` is no month", "^^^"]);
    place
        .run(&["next", "--cron", "0 9 30 2 *", "--timezone", "UTC"])
        .assert(64, &["next hundred years"]);
    place
        .run(&["next", "--cron", "@daily", "--timezone", "Asia/Shanhai"])
        .assert(64, &["`Asia/Shanghai`"]);
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    let place = Place::new();
    place.run(&["resum"]).assert(64, &["'resume'"]);
    place.run(&["run"]).assert(64, &["<CAMPAIGN>"]);
    place
        .run(&["log", "news", "--state", "lost"])
        .assert(64, &["in_flight"]);
    place
        .run(&["sandbox", "--fault", "lost_replay=5%"])
        .assert(64, &["lost_reply"]);
    place.run(&["--help"]).assert(0, &["Exit codes"]);
    place
        .run(&["log", "News@x"])
        .assert(1, &["nothing has been sent yet"]);
}

#[test]
fn the_sandbox_tells_what_it_saw() {
    let vendor = Vendor::start(&["-o", "json"]);
    let place = Place::with_news(&vendor.endpoint(), 20);
    place.run(&["run", "news", "--yes"]).assert(0, &[]);
    let ended = vendor.end();
    ended.assert(0, &[]);
    let statistics: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&statistics["accepted"], &statistics["groups"]),
        (&20.into(), &20.into())
    );
}
