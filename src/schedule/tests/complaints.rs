//! What is wrong with a schedule: its code, its place, and what to type.

use super::lower;
use crate::source::Severity;

/// Each complaint as code, text at its place, and help.
fn complaints(text: &str) -> Vec<(&'static str, String, String)> {
    let (_, complaints) = lower(text, "Europe/Berlin");
    complaints
        .into_iter()
        .map(|complaint| {
            let place = complaint.primary.unwrap().span.slice().to_owned();
            (complaint.code, place, complaint.help.unwrap_or_default())
        })
        .collect()
}

#[track_caller]
fn assert_one(text: &str, code: &str, place: &str, help: &str) {
    let found = complaints(text);
    let [one] = found.as_slice() else {
        panic!("{text:?} has {found:?}");
    };
    assert_eq!((one.0, one.1.as_str()), (code, place), "{text:?}");
    assert!(one.2.contains(help), "`{help}` is not in `{}`", one.2);
}

#[test]
fn a_fault_of_the_expression_is_shown_at_its_place() {
    assert_one("cron: 0 24 * * *\n", "cron", "24", "from 0 to 23");
    assert_one("cron: \"0 9 * MON *\"\n", "cron", "MON", "JAN");
    assert_one("cron: \"0\\x209 * MON *\"\n", "cron", "MON", "JAN");
}

#[test]
fn exactly_one_kind_of_times_is_given() {
    assert_one("from: 2026-11-01\n", "no-times", "", "cron: ");
    let found = complaints("cron: 0 25 * * *\nat: [yesterday]\n");
    let codes: Vec<_> = found.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, ["cron", "one-shot", "two-schedules"]);
}

#[test]
fn a_single_time_that_a_clock_change_makes_doubtful_names_the_instants() {
    assert_one(
        "at: [2026-10-25T02:30]\n",
        "repeated-time",
        "2026-10-25T02:30",
        "`2026-10-25T02:30+02:00` for the first time or `2026-10-25T02:30+01:00` for the second",
    );
    let help = "`2026-03-29T03:00+02:00` for when the clock has changed, `2026-03-29T03:30+02:00` by the clock before or \
                `2026-03-29T01:30+01:00` by the clock after";
    assert_one(
        "at: [2026-03-29T02:30]\n",
        "missing-time",
        "2026-03-29T02:30",
        help,
    );
}

#[test]
fn a_single_time_is_written_in_one_way() {
    for (text, help) in [
        ("2026-11-11T9:00", "`2026-11-11T09:00`"),
        ("\"2026-11-11 09:00\"", "`2026-11-11T09:00`"),
        ("2026-11-11t09:00:05", "`2026-11-11T09:00:05`"),
        ("2026-11-11", "`2026-11-11T09:00`"),
        ("2026-11-11T24:00", "`2026-11-11T09:00`"),
        ("2026-11-11T09:00:60", "`2026-11-11T09:00`"),
        ("2026-02-30T09:00", "`2026-11-11T09:00`"),
        ("2026-11-11T09:00+8", "`+08:00`"),
        ("2026-11-11T09:00+0800", "`+08:00`"),
        ("2026-11-11T09:00+25:00", "`+08:00`"),
        ("2026-11-11T09:00z", "`Z`"),
        ("tomorrow", "`2026-11-11T09:00`"),
        ("\"\"", "`2026-11-11T09:00`"),
        ("\"\u{661}\u{664}:00\"", "`2026-11-11T09:00`"),
    ] {
        assert_one(&format!("at: [{text}]\n"), "one-shot", text, help);
    }
}

#[test]
fn single_times_agree_with_each_other_and_with_the_days() {
    assert_one("at: []\n", "never-fires", "[]", "at: [");
    let many = vec!["2026-11-11T09:00"; 1_001].join(", ");
    assert_one(
        &format!("at: [{many}]\n"),
        "too-many-times",
        "2026-11-11T09:00",
        "`cron`",
    );
    assert_one(
        "at: [2026-11-11T09:00, 2026-11-11T08:00Z]\n",
        "same-time",
        "2026-11-11T08:00Z",
        "delete",
    );
    let outside = |days: &str| {
        let text = format!("at: [2026-11-11T09:00, 2026-11-12T09:00]\n{days}\n");
        assert_one(&text, "left-out", "2026-11-11T09:00", "delete");
    };
    outside("from: 2026-11-12");
    outside("except: [2026-11-10/2026-11-11]");
    assert_one(
        "at: [2026-11-11T09:00, 2026-11-12T09:00]\nuntil: 2026-11-11\n",
        "left-out",
        "2026-11-12T09:00",
        "move the day",
    );
}

#[test]
fn days_are_days_of_the_calendar() {
    let with = |rest: &str| format!("cron: 0 9 * * *\n{rest}\n");
    assert_one(&with("from: 2026-11-1"), "day", "2026-11-1", "`2026-11-01`");
    assert_one(
        &with("until: 2026-11-31"),
        "day",
        "2026-11-31",
        "month and day",
    );
    assert_one(&with("from: +12026-11-01"), "day", "+12026-11-01", "month");
    assert_one(&with("except: [2026-11-05/]"), "day", "", "month");
    assert_one(
        &with("except: [2026-11-05/2026-11-4]"),
        "day",
        "2026-11-4",
        "`2026-11-04`",
    );
    assert_one(
        &with("except: [2026-11-05/2026-11-04]"),
        "backward-days",
        "2026-11-05/2026-11-04",
        "`2026-11-04/2026-11-05`",
    );
    assert_one(
        &with("from: 2026-11-05\nuntil: 2026-11-04"),
        "backward-days",
        "2026-11-04",
        "move",
    );
    let many = vec!["2026-11-05"; 1_001].join(", ");
    assert_one(
        &with(&format!("except: [{many}]")),
        "too-many-exceptions",
        "2026-11-05",
        "range",
    );
}

#[test]
fn what_never_fires_is_told_with_what_keeps_it() {
    let never = |text: &str, help: &str| {
        let (_, complaints) = lower(text, "Europe/Berlin");
        let [one] = complaints.as_slice() else {
            panic!("{text:?} has {complaints:?}");
        };
        assert_eq!(one.code, "never-fires", "{text:?}");
        assert!(one.help.as_ref().unwrap().contains(help), "{one:?}");
        one.secondary
            .as_ref()
            .map(|label| label.span.slice().to_owned())
    };
    assert_eq!(never("cron: 0 9 30 2 *\n", "the month has"), None);
    assert_eq!(
        never(
            "cron: 0 9 * * MON\nfrom: 2026-11-03\nuntil: 2026-11-08\n",
            "`until`"
        )
        .unwrap(),
        "2026-11-08"
    );
    assert_eq!(
        never(
            "cron: 0 9 11 11 *\nfrom: 2026-01-01\nexcept: [2026-01-01/9999-12-31]\n",
            "`except`"
        )
        .unwrap(),
        "2026-01-01/9999-12-31"
    );
    assert_eq!(
        never("cron: 30 2 25-31 3 */7\ndst: skip\n", "run_once"),
        None
    );
    // A last day long ago leaves all days before it.
    let (schedule, complaints) = lower("cron: 0 9 29 2 *\nuntil: 1972-02-29\n", "UTC");
    assert!(
        schedule.is_some() && complaints.is_empty(),
        "{complaints:?}"
    );
}

#[test]
fn what_changes_nothing_is_a_warning() {
    let warned = |text: &str, code: &str, place: &str| {
        assert_one(text, code, place, "delete");
        let (schedule, complaints) = lower(text, "Europe/Berlin");
        assert!(schedule.is_some());
        assert_eq!(complaints[0].severity, Severity::Warning);
    };
    warned(
        "cron: 0 9 * * MON\nuntil: 2026-11-30\nexcept: [2026-11-02, 2026-12-07]\n",
        "idle-exception",
        "2026-12-07",
    );
    warned(
        "cron: 0 9 * * MON\nexcept: [2026-11-03/2026-11-08]\n",
        "idle-exception",
        "2026-11-03/2026-11-08",
    );
    warned(
        "at: [2026-11-11T09:00]\nexcept: [2026-11-12]\n",
        "idle-exception",
        "2026-11-12",
    );
    warned("cron: \"*/5 9 * * *\"\ndst: skip\n", "idle-dst", "skip");
    warned("at: [2026-11-11T09:00]\ndst: wall\n", "idle-dst", "wall");
}

#[test]
fn lengths_of_time_have_a_unit_and_a_bound() {
    let with = |rest: &str| format!("cron: 0 9 * * *\n{rest}\n");
    assert_one(&with("start_within: \"15\""), "duration", "\"15\"", "`15m`");
    assert_one(&with("start_within: soon"), "duration", "soon", "`7d`");
    assert_one(&with("start_within: 0s"), "duration", "0s", "`15m`");
    assert_one(&with("start_within: 8d"), "duration", "8d", "`7d`");
    assert_one(&with("finish_within: 32d"), "duration", "32d", "`31d`");
    assert_one(
        &with("start_within: 1h\nfinish_within: 30m"),
        "start-after-finish",
        "1h",
        "`start_within: 30m`",
    );
}
