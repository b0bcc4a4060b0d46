//! What `check` warns of though the files can be used: traps of schedules, times that are over, files nobody reads.

use super::place::{Ended, Place};
use serde_json::Value;

const REST: &str = "audience: { groups: [\"g1\"] }\nsend: { group_message: { text: \"x\" } }\n";
/// A Saturday before both clock changes of the year.
const NOW: &str = "2026-02-28T12:00:00+08:00";

/// A place in Berlin with one campaign that has this schedule.
fn scheduled(schedule: &str) -> Place {
    let place = Place::new();
    let settings = super::place::settings("region: singapore");
    let zone = "timezone: Europe/Berlin\n";
    place.write("campanile.yaml", &format!("{settings}{zone}"));
    let text = format!("name: news\nschedule: {schedule}\n{REST}");
    place.write("campaigns/news.yaml", &text);
    place
}

fn check(place: &Place, more: &[&str]) -> Ended {
    place.run(&[&["check", "--now", NOW], more].concat())
}

/// The code and the line and column of each complaint.
fn told(ended: &Ended) -> Vec<(String, u64, u64)> {
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    let each = |found: &Value| {
        let place = &found["place"];
        let code = found["code"].as_str().unwrap().to_owned();
        let number = |key: &str| place[key].as_u64().unwrap();
        (code, number("line"), number("column"))
    };
    told["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(each)
        .collect()
}

#[test]
fn a_trap_is_warned_of_at_its_field_and_fails_where_that_is_asked() {
    for (schedule, code, column, help) in [
        ("{ cron: \"* 9 * * *\" }", "every-minute", 20, "`0 9 * * *`"),
        (
            "{ cron: \"0 9 1-7 * MON\" }",
            "either-day",
            30,
            "`0 9 * * MON#1`",
        ),
        (
            "{ cron: \"0 9 31 * *\" }",
            "short-months",
            24,
            "`0 9 L * *`",
        ),
        ("{ cron: \"*/7 * * * *\" }", "uneven-step", 20, "`*/6`"),
        (
            "{ cron: \"30 2 * * *\" }",
            "clock-change",
            19,
            "`dst: run_once`",
        ),
        (
            "{ at: [2026-01-05T09:00] }",
            "all-past",
            18,
            "`enabled: false`",
        ),
    ] {
        let place = scheduled(schedule);
        let ended = check(&place, &[]);
        ended.assert(0, &[&format!("warning[{code}]"), help, "1 warning"]);
        // What comes of time alone fails nobody's change.
        let strict = if code == "all-past" { 0 } else { 78 };
        check(&place, &["--strict"]).assert(strict, &[code]);
        let ended = check(&place, &["-o", "json"]);
        assert_eq!(told(&ended), [(code.to_owned(), 2, column)], "{schedule}");
        place
            .run(&["check", "--explain", code])
            .assert(0, &["wrong:", "right:"]);
    }
}

#[test]
fn the_second_day_field_is_shown_as_well() {
    let ended = check(&scheduled("{ cron: \"0 9 13 * FRI\" }"), &["-o", "json"]);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    let also = &told["diagnostics"][0]["also"];
    assert_eq!((&also["line"], &also["column"]), (&2.into(), &24.into()));
}

#[test]
fn what_is_switched_off_or_meant_so_is_not_warned_of() {
    let place = scheduled("{ at: [2026-01-05T09:00] }\nenabled: false");
    check(&place, &["--strict"]).assert(0, &["0 warnings"]);
    for meant in [
        "{ cron: \"30 2 * * *\", dst: skip }",
        "{ cron: \"0 9 13 * FRI,FRI\" }",
    ] {
        let place = scheduled(meant);
        check(&place, &["--strict"]).assert(0, &["0 warnings"]);
    }
    // The settings say it for all.
    let place = scheduled("{ cron: \"30 2 * * *\" }");
    let settings = super::place::settings("region: singapore");
    let rest = "timezone: Europe/Berlin\ndefaults: { schedule: { dst: run_once } }\n";
    place.write("campanile.yaml", &format!("{settings}{rest}"));
    check(&place, &["--strict"]).assert(0, &["0 warnings"]);
}

#[test]
fn what_never_comes_and_what_the_window_forbids_are_errors() {
    for (schedule, code) in [
        ("{ cron: \"0 9 30 2 *\" }", "never-fires"),
        (
            "{ cron: \"0 9 * * MON\", from: 2026-03-03, until: 2026-03-05 }",
            "never-fires",
        ),
        (
            "{ cron: \"0 8 * * *\" }\ndelivery: { window: \"09:00-21:00\" }",
            "outside-window",
        ),
        ("{ at: [2026-03-29T02:30] }", "missing-time"),
        ("{ at: [2026-10-25T02:30] }", "repeated-time"),
    ] {
        check(&scheduled(schedule), &[]).assert(78, &[&format!("error[{code}]"), "1 error"]);
    }
}

#[test]
fn a_long_message_is_warned_of_before_it_is_refused() {
    let place = Place::new();
    let text = |length: usize| {
        let text = "x".repeat(length);
        let rest = "audience: { groups: [\"g1\"] }\nsend: { group_message: { text: \"";
        place.write("campaigns/news.yaml", &format!("{rest}{text}\" }} }}\n"));
        place.run(&["check"])
    };
    text(7_000).assert(0, &["0 warnings"]);
    text(10_900).assert(0, &["warning[long-text]"]);
    text(12_001).assert(78, &["error[too-long]"]);
}

/// A campaign that reads a list, a text and what it leaves out.
fn reading() -> Place {
    let place = Place::new();
    place.write(
        "campaigns/news.yaml",
        "audience:\n  group_files: [./audiences/cities.csv]\n  exclude: { group_files: [audiences/old.csv] }\n\
         send: { group_message: { text_file: texts/news.txt } }\n",
    );
    for file in ["cities", "old", "left", ".hidden", "README"] {
        place.write(&format!("audiences/{file}.csv"), "group\ng1\ng2\n");
    }
    place.write("audiences/old.csv", "group\ng2\n");
    place.write("texts/news.txt", "Hello");
    place.write("texts/notes.md", "what we write");
    place.write("audiences/archive/last.csv", "group\ng1\n");
    place.write("elsewhere/other.csv", "group\ng1\n");
    place.write("loose.csv", "group\ng1\n");
    place
}

#[test]
fn a_file_beside_those_that_are_read_is_told_if_nobody_reads_it() {
    let place = reading();
    let ended = place.run(&["check"]);
    ended.assert(
        0,
        &[
            "warning[unused-file]: no campaign reads `audiences/left.csv`",
            "audiences/left.csv:1:1",
            "0 errors, 1 warning",
        ],
    );
    place.run(&["check", "--strict"]).assert(78, &["left.csv"]);
    let ended = place.run(&["check", "-o", "github"]);
    ended.assert(0, &["::warning file=audiences/left.csv,line=1"]);
    // Who asks for one campaign has not asked for the others that may read it.
    let ended = place.run(&["check", "news", "--strict"]);
    ended.assert(0, &["0 warnings"]);
    // Nobody knows what a campaign reads that cannot be read itself.
    place.write("campaigns/broken.yaml", "audience: { group_files: [\n");
    let ended = place.run(&["check"]);
    assert!(!ended.err.contains("unused-file"), "{}", ended.err);
}

#[test]
fn a_campaign_in_capitals_is_not_passed_over() {
    let place = Place::new();
    place.write("campaigns/NEWS.YAML", REST);
    place
        .run(&["check"])
        .assert(78, &["`campaigns/NEWS.YAML` ends in `.YAML`", "rename"]);
}
