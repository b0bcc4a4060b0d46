//! Expressions that are taken and warned of, and what is said from a given instant on.

use super::{instant, lower, schedule};
use crate::source::Severity;

/// Each warning as code, text at its place, and help.
fn warnings(cron: &str) -> Vec<(&'static str, String, String)> {
    let (schedule, complaints) = lower(&format!("cron: \"{cron}\"\n"), "UTC");
    assert!(schedule.is_some(), "{cron}: {complaints:?}");
    complaints
        .into_iter()
        .map(|complaint| {
            assert_eq!(complaint.severity, Severity::Warning, "{cron}");
            let place = complaint.primary.unwrap().span.slice().to_owned();
            (complaint.code, place, complaint.help.unwrap_or_default())
        })
        .collect()
}

/// The one warning of an expression; what its help offers in backticks is warned of no more.
#[track_caller]
fn assert_trap(cron: &str, (code, place): (&str, &str), offered: &[&str]) {
    let found = warnings(cron);
    let [(found_code, found_place, help)] = found.as_slice() else {
        panic!("{cron}: {found:?}");
    };
    assert_eq!((*found_code, found_place.as_str()), (code, place), "{cron}");
    for expression in offered {
        assert!(help.contains(&format!("`{expression}`")), "{cron}: {help}");
        if expression.contains(' ') {
            assert_eq!(warnings(expression), [], "{cron} offers {expression}");
        }
    }
}

#[test]
fn a_star_for_the_minute_is_every_minute() {
    let trap = ("every-minute", "*");
    assert_trap("* 9 * * *", trap, &["0 9 * * *", "*/1 9 * * *"]);
    assert_trap("* * * * *", trap, &["0 9 * * *", "*/1 * * * *"]);
    assert_trap("* * 1 * *", trap, &["0 9 1 * *"]);
    assert_trap("* 9-17 * * MON", trap, &["0 9-17 * * MON"]);
}

#[test]
fn either_of_two_days_suffices() {
    let both = ["0 9 13 * *", "0 9 * * FRI", "0 9 13 * FRI,FRI"];
    assert_trap("0 9 13 * FRI", ("either-day", "FRI"), &both);
    for (written, meant) in [
        ("0 9 1-7 * MON", "0 9 * * MON#1"),
        ("0 9 8-14 * 7", "0 9 * * SUN#2"),
        ("0 9 25-31 * fri", "0 9 * * 5L"),
    ] {
        let weekday = written.rsplit(' ').next().unwrap();
        assert_trap(written, ("either-day", weekday), &[meant]);
    }
    for free in [
        "0 9 * * FRI",
        "0 9 13 * *",
        "0 9 */1 * FRI",
        "0 9 13 * ?",
        "0 9 13 * MON-FRI,mon-fri",
    ] {
        assert_eq!(warnings(free), [], "{free}");
    }
}

#[test]
fn a_day_that_some_months_lack_is_told() {
    let long = "0 9 31 1,3,5,7,8,10,12 *";
    assert_trap("0 9 31 * *", ("short-months", "31"), &["0 9 L * *", long]);
    let named = "0 9 29,30 1,3,4,5,6,7,8,9,10,11,12 *";
    assert_trap("0 9 29,30 * *", ("short-months", "29,30"), &[named]);
    assert_trap("0 9 31 4,5 *", ("short-months", "31"), &["0 9 31 5 *"]);
    for plain in [
        "0 9 28,31 * *",
        "0 9 31 1 *",
        "0 9 29 2 *",
        "0 9 L * *",
        "0 9 31W * *",
    ] {
        assert_eq!(warnings(plain), [], "{plain}");
    }
}

#[test]
fn a_step_that_leaves_a_shorter_gap_is_told() {
    for (cron, place, offered) in [
        ("*/7 * * * *", "*/7", &["*/6", "0-59/7 * * * *"][..]),
        ("*/25 9-17 * * *", "*/25", &["*/20", "0-59/25 9-17 * * *"]),
        ("0 */5 * * *", "*/5", &["*/6", "0 0-23/5 * * *"]),
        ("0 9 */2 * *", "*/2", &["0 9 1-31/2 * *"]),
        ("0 9 1 */5 *", "*/5", &["*/6", "0 9 1 1-12/5 *"]),
        ("0 9 * * */2", "*/2", &["0 9 * * 0-6/2"]),
    ] {
        assert_trap(cron, ("uneven-step", place), offered);
    }
    for even in [
        "*/15 * * * *",
        "0 */6 * * *",
        "0 9 1 */3 *",
        // The gap after the last is another one anyway.
        "*/25 9 * * *",
        "*/25 9,12 * * *",
        "0 */5 * * MON",
        "0 9 */2 2 *",
    ] {
        assert_eq!(warnings(even), [], "{even}");
    }
}

#[test]
fn what_somebody_else_wrote_out_is_no_trap() {
    for cron in ["@hourly", "@daily", "@monthly", "@yearly"] {
        assert_eq!(warnings(cron), [], "{cron}");
    }
}

/// The code, the place and the message of what is said at an instant.
fn outlook(text: &str, zone: &str, now: &str) -> Option<(&'static str, String, String)> {
    let found = schedule(text, zone).outlook(instant(now))?;
    let place = found.primary.unwrap().span.slice().to_owned();
    Some((found.code, place, found.message))
}

#[test]
fn a_schedule_that_is_over_is_told_once_it_can_start_no_more() {
    let at = "at: [2026-11-11T09:00, 2026-11-10T09:00]\n";
    let said = |now: &str| outlook(at, "UTC", now).map(|(code, place, _)| (code, place));
    let over = Some(("all-past", "2026-11-11T09:00".to_owned()));
    assert_eq!(said("2026-11-10T10:00:00Z"), None);
    assert_eq!(said("2026-11-11T09:14:59Z"), None);
    assert_eq!(said("2026-11-11T09:15:01Z"), over);
    let cron = "cron: 0 9 * * *\nuntil: 2026-11-30\nexcept: [2026-11-30]\n";
    assert_eq!(outlook(cron, "UTC", "2026-11-29T08:00:00Z"), None);
    let (code, place, _) = outlook(cron, "UTC", "2026-11-29T10:00:00Z").unwrap();
    assert_eq!((code, place.as_str()), ("all-past", "2026-11-30"));
}

#[test]
fn a_time_that_a_clock_change_touches_is_told_unless_somebody_thought_of_it() {
    let now = "2026-01-01T00:00:00Z";
    let said = |cron: &str, zone: &str| {
        let found = outlook(&format!("cron: {cron}\n"), zone, now);
        found.map_or_else(String::new, |(code, place, message)| {
            assert_eq!((code, place.as_str()), ("clock-change", cron));
            message
        })
    };
    assert_eq!(
        said("30 2 * * *", "Europe/Berlin"),
        "2026-03-29T02:30 does not exist in Europe/Berlin, because the clock is put forward: it fires at 03:00 then"
    );
    assert_eq!(
        said("30 1 * * *", "America/New_York"),
        "2026-11-01T01:30 comes twice in America/New_York, because the clock is put back: it fires the first time"
    );
    assert!(said("0 0 * * *", "America/Santiago").contains("does not exist"));
    // On a day without a change, in a zone without one, and where it simply goes on.
    assert_eq!(said("30 2 * * MON", "Europe/Berlin"), "");
    assert_eq!(said("30 2 * * *", "Asia/Shanghai"), "");
    assert_eq!(said("30 4 * * *", "Europe/Berlin"), "");
    assert_eq!(
        outlook("cron: \"*/30 * * * *\"\n", "Europe/Berlin", now),
        None
    );
    for dst in ["run_once", "skip", "wall"] {
        let text = format!("cron: 30 2 * * *\ndst: {dst}\n");
        assert_eq!(outlook(&text, "Europe/Berlin", now), None);
    }
}
