//! What a schedule in order comes to.

use super::super::Overlap;
use super::{lower, schedule, told};
use std::time::Duration;

#[test]
fn days_are_those_the_expression_names() {
    let text = "cron: 0 9 * * *\nfrom: 2026-11-01\nuntil: 2026-11-08\nexcept: [2026-11-02, 2026-11-04/2026-11-06]\n";
    assert_eq!(
        told(&schedule(text, "Asia/Shanghai"), "2026-01-01T00:00:00Z", 9),
        [
            "2026-11-01T09:00:00+08:00",
            "2026-11-03T09:00:00+08:00",
            "2026-11-07T09:00:00+08:00",
            "2026-11-08T09:00:00+08:00"
        ]
    );
}

#[test]
fn a_time_that_moves_into_the_next_day_belongs_to_the_day_it_was_named_for() {
    // In Beirut the clock goes from 00:00 to 01:00, so that the time of 29 March 2026 moves, and stays that of the 29th.
    let midnight = |days: &str| {
        let text = format!("cron: 0 0 * * *\n{days}\n");
        told(&schedule(&text, "Asia/Beirut"), "2026-03-27T12:00:00Z", 3)
    };
    assert_eq!(
        midnight("until: 2026-03-29"),
        ["2026-03-28T00:00:00+02:00", "2026-03-29T01:00:00+03:00"]
    );
    assert_eq!(
        midnight("except: [2026-03-29]"),
        [
            "2026-03-28T00:00:00+02:00",
            "2026-03-30T00:00:00+03:00",
            "2026-03-31T00:00:00+03:00"
        ]
    );
    // In Samoa 30 December 2011 did not exist at all; what was named for it fires on the 31st, unless it is excepted.
    let samoa = |days: &str| {
        let text = format!("cron: 0 9 * * *\nuntil: 2011-12-31\n{days}\n");
        told(&schedule(&text, "Pacific/Apia"), "2011-12-29T12:00:00Z", 4)
    };
    assert_eq!(
        samoa("from: 2011-12-29"),
        [
            "2011-12-29T09:00:00-10:00",
            "2011-12-31T00:00:00+14:00",
            "2011-12-31T09:00:00+14:00"
        ]
    );
    assert_eq!(
        samoa("except: [2011-12-30]"),
        ["2011-12-29T09:00:00-10:00", "2011-12-31T09:00:00+14:00"]
    );
}

#[test]
fn what_is_skipped_is_named() {
    let named = |dst: &str| {
        let text = format!("cron: 0,30 2,3 * * *\nfrom: 2026-03-29\ndst: {dst}\n");
        told(&schedule(&text, "Europe/Berlin"), "2026-01-01T00:00:00Z", 4)
    };
    let fire = ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"];
    assert_eq!(named("run_once")[..2], fire);
    for dst in ["skip", "wall"] {
        let named = named(dst);
        assert_eq!(
            named[..2],
            ["skipped 2026-03-29T02:00", "skipped 2026-03-29T02:30"]
        );
        assert_eq!(named[2..], fire);
    }
}

#[test]
fn single_times_come_in_order() {
    let text =
        "at: [2026-11-11T09:00, 2026-11-10T09:00:30, 2026-11-11T09:00-05:00, 2026-11-10T23:00Z]\n";
    let schedule = schedule(text, "Asia/Shanghai");
    assert_eq!(
        told(&schedule, "2026-11-10T01:00:30Z", 9),
        [
            "2026-11-11T07:00:00+08:00",
            "2026-11-11T09:00:00+08:00",
            "2026-11-11T22:00:00+08:00"
        ]
    );
    assert_eq!(told(&schedule, "2026-11-10T01:00:29Z", 9).len(), 4);
}

#[test]
fn an_offset_says_which_pass_of_a_repeated_hour_is_meant() {
    let text = "at: [2026-10-25T02:30+02:00, 2026-10-25T02:30+01:00]\n";
    let both = told(&schedule(text, "Europe/Berlin"), "2026-01-01T00:00:00Z", 9);
    assert_eq!(
        both,
        ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
    );
}

#[test]
fn the_day_of_a_single_time_is_the_one_that_is_written() {
    // In Shanghai it is the 12th already.
    let text = "at: [2026-11-11T23:00Z]\nuntil: 2026-11-11\n";
    schedule(text, "Asia/Shanghai");
}

#[test]
fn limits_have_defaults() {
    let limits = |rest: &str| {
        let schedule = schedule(&format!("cron: 0 9 * * *\n{rest}\n"), "UTC");
        (
            schedule.start_within,
            schedule.finish_within,
            schedule.overlap,
        )
    };
    let minutes = Duration::from_mins;
    assert_eq!(limits(""), (minutes(15), None, Overlap::Skip));
    assert_eq!(
        limits("finish_within: 10m\noverlap: queue"),
        (minutes(10), Some(minutes(10)), Overlap::Queue)
    );
    assert_eq!(
        limits("start_within: 1h 30m\nfinish_within: 6h"),
        (minutes(90), Some(minutes(360)), Overlap::Skip)
    );
}

#[test]
fn fixed_times_are_known_with_their_place() {
    let fixed = |text: &str| {
        let (schedule, _) = lower(text, "Asia/Shanghai");
        let times = schedule.unwrap().fixed_times();
        let told = times
            .iter()
            .map(|time| format!("{} {}", time.value.format("%H:%M"), time.span.slice()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        fixed("cron: 0 9,21 * * *\n"),
        ["09:00 0 9,21 * * *", "21:00 0 9,21 * * *"]
    );
    assert_eq!(fixed("cron: \"*/30 9 * * *\"\n"), [""; 0]);
    assert_eq!(
        fixed("at: [2026-11-11T09:00Z]\n"),
        ["17:00 2026-11-11T09:00Z"]
    );
}
