//! When campaigns are sent, as their file says it and `next` tells it.

use super::place::{Ended, Place};
use serde_json::{Value, json};

const REST: &str = "audience: { groups: [\"g1\"] }\nsend: { group_message: { text: \"x\" } }\n";

impl Place {
    /// A campaign with a schedule.
    fn scheduled(&self, name: &str, schedule: &str) {
        let text = format!("name: {name}\nschedule:\n{schedule}{REST}");
        self.write(&format!("campaigns/{name}.yaml"), &text);
    }

    /// `next` at the beginning of November 2026.
    fn next(&self, arguments: &[&str]) -> Ended {
        let now = ["next", "--now", "2026-11-01T00:00:00+08:00"];
        self.run(&[now.as_slice(), arguments].concat())
    }
}

/// In Shanghai, with a campaign of each kind.
fn place() -> Place {
    let place = Place::new();
    let settings = super::place::settings("region: singapore");
    place.write(
        "campanile.yaml",
        &format!("{settings}timezone: Asia/Shanghai\n"),
    );
    place.scheduled(
        "mornings",
        "  cron: 0 9 * * MON-FRI\n  from: 2026-11-04\n  until: 2026-11-09\n  except: [2026-11-05]\n",
    );
    place.scheduled("singles", "  at: [2026-11-11T00:00, 2026-11-06T09:00:30]\n");
    place.write("campaigns/by-hand.yaml", REST);
    place
}

#[test]
fn all_campaigns_are_listed_in_order_of_time() {
    let place = place();
    let ended = place.next(&[]);
    ended.assert(0, &[]);
    assert_eq!(
        ended.out,
        "2026-11-04T09:00 Asia/Shanghai  Wed  2026-11-04T01:00:00Z  mornings\n\
         2026-11-06T09:00 Asia/Shanghai  Fri  2026-11-06T01:00:00Z  mornings\n\
         2026-11-06T09:00:30 Asia/Shanghai  Fri  2026-11-06T01:00:30Z  singles\n\
         2026-11-09T09:00 Asia/Shanghai  Mon  2026-11-09T01:00:00Z  mornings\n\
         2026-11-11T00:00 Asia/Shanghai  Wed  2026-11-10T16:00:00Z  singles\n"
    );
    assert_eq!(place.next(&["-n", "2"]).out.lines().count(), 2);
    let later = place.next(&["--from", "2026-11-09T01:00:00Z"]);
    later.assert(0, &["mornings  has no occurrence any more"]);
    assert!(later.out.starts_with("2026-11-11T00:00"), "{later:?}");
}

#[test]
fn campaigns_are_named_by_name_or_path() {
    let place = place();
    for wanted in ["singles", "campaigns/singles.yaml"] {
        let ended = place.next(&[wanted]);
        assert_eq!(ended.out.lines().count(), 2, "{ended:?}");
        assert!(!ended.out.contains("mornings"), "{ended:?}");
    }
    place
        .next(&["singles", "campaigns/singles.yaml", "-n", "9"])
        .assert(0, &[]);
    place
        .next(&["by-hand"])
        .assert(0, &["by-hand  runs by hand only"]);
    place
        .next(&["singels"])
        .assert(78, &["did you mean `singles`?"]);
    let empty = Place::new();
    empty.write("campaigns/by-hand.yaml", REST);
    empty
        .next(&[])
        .assert(0, &["no campaign in `campaigns` has a schedule"]);
}

#[test]
fn json_has_what_fires_and_what_is_skipped() {
    let place = place();
    let out = place.next(&["singles", "by-hand", "-o", "json"]).out;
    let found: Value = serde_json::from_str(&out).unwrap();
    let detail = |at: &str, local: &str| json!({ "campaign": "singles", "at": at, "local": local, "timezone": "Asia/Shanghai", "note": null });
    assert_eq!(
        found,
        json!({
            "occurrences": ["2026-11-06T01:00:30Z", "2026-11-10T16:00:00Z"],
            "details": [
                detail("2026-11-06T01:00:30Z", "2026-11-06T09:00:30"),
                detail("2026-11-10T16:00:00Z", "2026-11-11T00:00"),
            ],
            "skipped": [],
            "by_hand": ["by-hand"],
        })
    );
    place.write(
        "campaigns/night.yaml",
        &format!("name: night\ntimezone: Europe/Berlin\nschedule: {{ cron: 30 2 * * *, dst: skip, from: 2027-03-27 }}\n{REST}"),
    );
    let text = place.next(&["night", "-n", "2"]);
    assert_eq!(
        text.out,
        "2027-03-27T02:30 Europe/Berlin  Sat  2027-03-27T01:30:00Z  night\n\
         2027-03-28T02:30 Europe/Berlin  Sun  -                     night  (skipped: this time does not exist that day)\n\
         2027-03-29T02:30 Europe/Berlin  Mon  2027-03-29T00:30:00Z  night\n"
    );
    let found: Value =
        serde_json::from_str(&place.next(&["night", "-n", "2", "-o", "json"]).out).unwrap();
    assert_eq!(
        found["occurrences"],
        json!(["2027-03-27T01:30:00Z", "2027-03-29T00:30:00Z"])
    );
    assert_eq!(found["skipped"][0]["local"], "2027-03-28T02:30");
}

#[test]
fn an_invalid_campaign_hides_none_of_the_others() {
    let place = place();
    place.scheduled("broken", "  cron: 0 24 * * *\n");
    place.write("campaigns/twin.yaml", &format!("name: singles\n{REST}"));
    let ended = place.next(&["-n", "1"]);
    ended.assert(
        78,
        &[
            "2026-11-04T09:00 Asia/Shanghai  Wed  2026-11-04T01:00:00Z  mornings",
            "campaigns/broken.yaml:3:11",
            "`24` is no hour",
            "two campaigns are named `singles`",
        ],
    );
    assert!(!ended.err.contains("sent"), "{ended:?}");
    let named = place.next(&["broken", "singles", "-o", "json"]);
    assert_eq!(named.code, 78, "{named:?}");
    assert!(
        serde_json::from_str::<Value>(&named.out).is_ok(),
        "{named:?}"
    );
}

#[test]
fn a_schedule_is_wrong_before_anything_is_sent() {
    let place = Place::new();
    let run = |text: &str| {
        place.write("campaigns/news.yaml", &format!("{text}{REST}"));
        place.run(&["run", "news", "--sandbox", "--yes"])
    };
    let ended = run(
        "name: news\ntimezone: Europe/Berlin\nschedule:\n  at: [2026-10-25T02:30]\n  start_within: 9 days\n  overlap: wait\n",
    );
    ended.assert(
        78,
        &[
            "news.yaml:4:8",
            "write `2026-10-25T02:30+02:00` for the first time or `2026-10-25T02:30+01:00` for the second",
            "news.yaml:5:17",
            "up to `7d`",
            "news.yaml:6:12",
            "`skip` and `queue`",
            "3 errors; nothing was sent",
        ],
    );
    run("schedule: { cron: 0 9 * * * }\n").assert(78, &["needs a `name`", "write `name: news`"]);
    run("name: news\nschedule:\n  cron: * * * * *\n")
        .assert(78, &["put it in quotes: `\"* * * * *\"`"]);
    run("name: news\nschedule:\n  cron: @daily\n").assert(78, &["put it in quotes: `\"@daily\"`"]);
    let ended = run("name: news\nschedule:\n  at: 2026-11-11T09:00\n");
    ended.assert(78, &["write a list: `[2026-11-11T09:00]`", "1 error;"]);
    let ended = run("name: news\ntimezone: Mars/Olympus\nschedule: { cron: 0 9 30 2 * }\n");
    ended.assert(78, &["Mars/Olympus", "no such day"]);
}

#[test]
fn a_warning_keeps_nobody_from_sending() {
    let place = Place::new();
    place.scheduled(
        "news",
        "  cron: 0 9 * * *\n  until: 2026-11-30\n  except: [2026-12-01]\n",
    );
    let ended = place.run(&["run", "news", "--sandbox", "--yes"]);
    ended.assert(
        0,
        &["1 accepted", "warning[idle-exception]", "news.yaml:5:12"],
    );
    place
        .next(&["news"])
        .assert(0, &["warning[idle-exception]"]);
}

#[test]
fn an_expression_is_told_in_the_zone_of_the_settings() {
    let place = place();
    let daily = ["--cron", "0 9 * * *", "-n", "1"];
    let ended = place.next(&daily);
    assert_eq!(
        ended.out,
        "2026-11-01T09:00 Asia/Shanghai  Sun  2026-11-01T01:00:00Z\n"
    );
    std::fs::remove_file(place.path().join("campanile.yaml")).unwrap();
    place
        .next(&daily)
        .assert(64, &["--cron needs a time zone", "--timezone"]);
    place
        .next(&[daily.as_slice(), &["--timezone", "UTC"]].concat())
        .assert(0, &["2026-11-01T09:00 UTC"]);
    place
        .next(&["news"])
        .assert(78, &["there is no `campanile.yaml`"]);
    place
        .next(&["news", "--cron", "0 9 * * *"])
        .assert(64, &["--cron"]);
    place.next(&["--dst", "wall"]).assert(64, &["--cron"]);
    let skipping = [
        "next",
        "--cron",
        "30 2 29 3 *",
        "--timezone",
        "Europe/Berlin",
        "--dst",
        "skip",
    ];
    let ended = place.run(
        &[
            skipping.as_slice(),
            &["--from", "2026-03-01T00:00:00Z", "-n", "1"],
        ]
        .concat(),
    );
    assert_eq!(
        ended.out,
        "2026-03-29T02:30 Europe/Berlin  Sun  -                     (skipped: this time does not exist that day)\n\
         2027-03-29T02:30 Europe/Berlin  Mon  2027-03-29T00:30:00Z\n"
    );
    let never = [
        "next",
        "--cron",
        "30 2 25-31 3 */7",
        "--timezone",
        "Europe/Berlin",
        "--dst",
        "skip",
    ];
    // After 2099 the zones have no more clock changes.
    let long_ago = ["--from", "2000-01-01T00:00:00Z"];
    place
        .run(&[never.as_slice(), &long_ago].concat())
        .assert(64, &["every time it names falls into a gap"]);
}
