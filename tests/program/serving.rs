//! The daemon: real processes, real slots, real signals. A slot is seconds ahead, so that no test takes a minute.

use super::journals::alter;
use super::place::{Ended, Place, Running, pause, settings};
use super::vendor::Vendor;
use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// How a slot is written in a file, and the name of its run.
fn written(slot: DateTime<Utc>) -> String {
    slot.format("%Y-%m-%dT%H:%M:%S").to_string()
}

pub(super) fn now() -> DateTime<Utc> {
    DateTime::from(SystemTime::now())
}

/// A whole second, so many from now: what has to happen before it takes its time on a busy machine.
pub(super) fn soon(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(now().timestamp() + seconds, 0).unwrap()
}

pub(super) fn news(slots: &[DateTime<Utc>], more: &str) -> String {
    let slots: Vec<String> = slots.iter().map(|slot| written(*slot)).collect();
    format!(
        "name: news\nschedule: {{ at: [{}]{more} }}\naudience: {{ group_files: [audiences/groups.csv] }}\n\
         send: {{ group_message: {{ text: \"{{{{ occurrence.at }}}} for {{{{ group.city }}}}\" }} }}\n",
        slots.join(", ")
    )
}

/// A repository whose app is this vendor, with `news` at these slots.
fn place(vendor: &Vendor, groups: usize, slots: &[DateTime<Utc>], more: &str) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    place.write("campaigns/news.yaml", &news(slots, more));
    place
}

impl Place {
    pub(super) fn serve(&self) -> Running {
        let mut daemon = Running::of(self.server().spawn().unwrap());
        daemon.line_with("started:");
        daemon
    }

    /// On a port that is free.
    pub(super) fn server(&self) -> Command {
        let mut command = self.command(&["serve"]);
        command
            .env("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(super) fn status(&self) -> Value {
        let ended = self.run(&["status", "-n", "1000", "-o", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        serde_json::from_str(&ended.out).unwrap()
    }

    /// Waits until something can be seen in the status.
    #[track_caller]
    pub(super) fn wait_until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..TRIES_MAX {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            pause();
        }
        panic!("{what}: {:#}", self.status());
    }
}

const TRIES_MAX: u32 = 3_000;

pub(super) fn drained(daemon: Running) -> String {
    daemon.signal(Signal::TERM);
    let ended = daemon.end();
    assert_eq!(ended.code, 143, "{}", ended.err);
    ended.err
}

/// The runs and occurrences of a part of the status, with their states.
pub(super) fn states(status: &Value, part: &str) -> BTreeMap<String, String> {
    let all = status[part].as_array().unwrap().iter();
    all.map(|each| {
        let text = |key: &str| each[key].as_str().unwrap().to_owned();
        (text("run"), text("state"))
    })
    .collect()
}

pub(super) fn has(status: &Value, part: &str, slot: DateTime<Utc>, state: &str) -> bool {
    let run = format!("news@{}", run_time(slot));
    states(status, part)
        .get(&run)
        .is_some_and(|found| found == state)
}

fn run_time(slot: DateTime<Utc>) -> String {
    let text = written(slot);
    text.strip_suffix(":00").map_or(text.clone(), str::to_owned)
}

#[test]
fn an_occurrence_is_sent_at_its_time_and_not_before() {
    let vendor = Vendor::start(&[]);
    let slot = soon(10);
    let place = place(&vendor, 20, &[slot], "");
    let mut daemon = place.serve();
    let prepared = daemon.line_with("is prepared");
    assert!(
        prepared.contains(&format!("news@{}", run_time(slot))),
        "{prepared}"
    );
    assert!(vendor.ledger().is_empty());
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    let told = drained(daemon);
    assert!(told.contains("done: 20 planned = 20 accepted"), "{told}");
    let ledger = vendor.ledger();
    assert_eq!(ledger.len(), 20);
    let is_early = |line: &Value| line["arrived_ms"].as_i64().unwrap() < slot.timestamp_millis();
    assert!(!ledger.iter().any(is_early), "{ledger:#?}");
    let said = "for City 7\"";
    assert!(ledger.iter().any(|line| line.to_string().contains(said)));
}

/// Each is planned again at its slot, while the daemon already wants to plan the next slot.
#[test]
fn campaigns_saved_just_before_their_slot_are_sent_at_every_slot() {
    const CAMPAIGNS: usize = 12;
    let vendor = Vendor::start(&[]);
    let slots = [soon(12), soon(14)];
    let place = place(&vendor, 2, &slots, ", overlap: queue");
    let save = |greeting: &str| {
        for number in 0..CAMPAIGNS {
            let text = news(&slots, ", overlap: queue");
            let text = text.replace("name: news", &format!("name: news-{number}"));
            let text = text.replace("for {{ group.city }}", greeting);
            place.write(&format!("campaigns/news-{number}.yaml"), &text);
        }
    };
    save("first");
    let daemon = place.serve();
    while now() < slots[0] - TimeDelta::milliseconds(300) {
        pause();
    }
    save("second");
    let runs = (CAMPAIGNS + 1) * slots.len();
    place.wait_until("all are sent", |status| {
        let states = states(status, "finished");
        states.values().filter(|state| *state == "done").count() == runs
    });
    assert_eq!(vendor.ledger().len(), runs * 2);
    drained(daemon);
}

#[test]
fn what_is_past_when_it_is_first_seen_is_never_sent() {
    let vendor = Vendor::start(&[]);
    let (past, next) = (soon(-5), soon(12));
    let place = place(&vendor, 3, &[past, next], "");
    let daemon = place.serve();
    let status = place.wait_until("sent", |status| has(status, "finished", next, "done"));
    assert_eq!(states(&status, "finished").len(), 1);
    assert_eq!(states(&status, "passed").len(), 0);
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 3);
}

#[test]
fn what_came_too_late_is_missed_and_seen() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(14), soon(16)];
    let place = place(&vendor, 3, &slots, ", start_within: 1s");
    drained(place.serve());
    while now() < slots[1] + TimeDelta::seconds(2) {
        pause();
    }
    let daemon = place.serve();
    let status = place.wait_until("missed", |status| states(status, "passed").len() == 2);
    assert!(
        slots
            .iter()
            .all(|slot| has(&status, "passed", *slot, "missed"))
    );
    drained(daemon);
    assert!(vendor.ledger().is_empty());
    let told = place.run(&["status"]);
    told.assert(
        0,
        &[
            "not sent lately:",
            "missed",
            "late, and may start 1s late at most",
        ],
    );
    let run = format!("news@{}", run_time(slots[0]));
    place.run(&["log", &run]).assert(
        1,
        &["is missed", "to send it now: campanile run news --for"],
    );
}

/// Fifty daemons die at all kinds of moments around sixty slots. Every occurrence is sent once to everybody, or missed;
/// none is lost, and nobody gets one twice.
#[test]
fn killed_before_at_and_after_its_slots_it_sends_none_twice_and_loses_none() {
    const KILLS: u64 = 50;
    let vendor = Vendor::start(&["--limit", "1000", "--group-limit", "1000"]);
    let slots: Vec<DateTime<Utc>> = (0..40).map(|number| soon(12 + number)).collect();
    let place = place(&vendor, 5, &slots, ", start_within: 3s");
    drained(place.serve());
    for kill in 0..KILLS {
        let daemon = place.serve();
        let until = now() + TimeDelta::milliseconds(i64::try_from(kill * 137 % 700).unwrap());
        while now() < until {
            pause();
        }
        drop(daemon);
    }
    let daemon = place.serve();
    let is_over = |status: &Value| {
        let ended = states(status, "finished").len() + states(status, "passed").len();
        ended == slots.len()
    };
    let status = place.wait_until("all have their states", is_over);
    drained(daemon);
    let (sent, passed) = (states(&status, "finished"), states(&status, "passed"));
    let mut received: BTreeMap<(String, String), u32> = BTreeMap::new();
    for line in vendor.ledger() {
        let text = line["text"].as_str().unwrap();
        let (at, city) = text.split_once(" for ").unwrap();
        *received
            .entry((at.to_owned(), city.to_owned()))
            .or_default() += 1;
    }
    assert!(received.values().all(|count| *count == 1), "{received:#?}");
    let times: BTreeSet<&String> = received.keys().map(|(at, _)| at).collect();
    assert_eq!(times.len(), sent.len(), "{sent:?} {passed:?}");
    assert_eq!(received.len(), 5 * sent.len());
    assert!(!sent.is_empty());
}

/// Until its run is open, an occurrence that is being planned has no state, and the next daemon finds it.
#[test]
fn killed_while_it_plans_at_a_slot_it_loses_nothing() {
    let vendor = Vendor::start(&[]);
    let slot = soon(20);
    // Few of so many that planning takes seconds.
    let place = place(&vendor, 100_000, &[slot], "");
    let few = "groups.csv]\n  where: \"group.city in ['City 1', 'City 2', 'City 3']\"\n";
    let text = news(&[slot], "").replace(
        "audience: { group_files: [audiences/",
        "audience:\n  group_files: [audiences/",
    );
    place.write("campaigns/news.yaml", &text.replace("groups.csv] }\n", few));
    drained(place.serve());
    let wait_for = |instant: DateTime<Utc>| {
        while now() < instant {
            pause();
        }
    };
    wait_for(slot - TimeDelta::seconds(1));
    let daemon = place.serve();
    wait_for(slot + TimeDelta::seconds(1));
    drop(daemon);
    let daemon = place.serve();
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    drained(daemon);
    vendor.assert_each_once(3);
}

#[test]
fn an_invalid_file_is_held_at_its_slot_until_somebody_releases_it() {
    let vendor = Vendor::start(&[]);
    let slot = soon(16);
    let place = place(&vendor, 3, &[slot], "");
    let mut daemon = place.serve();
    place.write(
        "campaigns/news.yaml",
        "name: news\nsend: { group_message: { txt: x } }\n",
    );
    let invalid = daemon.line_with("campaigns/news.yaml");
    assert!(invalid.contains("warning"), "{invalid}");
    let held = daemon.line_with("is held");
    assert!(held.contains("campanile release news@"), "{held}");
    let status = place.status();
    assert!(has(&status, "waiting", slot, "held"), "{status:#}");
    place.write("campaigns/news.yaml", &news(&[slot], ""));
    daemon.line_with("is valid again");
    assert!(vendor.ledger().is_empty());
    place.run(&["release", "news"]).assert(0, &["is released"]);
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 3);
}

#[test]
fn an_edit_before_the_slot_is_what_is_sent() {
    let vendor = Vendor::start(&[]);
    let slot = soon(14);
    let place = place(&vendor, 3, &[slot], "");
    let mut daemon = place.serve();
    daemon.line_with("is prepared");
    let text = news(&[slot], "").replace(" for ", " at last for ");
    let path = place.write("campaigns/news.new", &text);
    fs::rename(path, place.path().join("campaigns/news.yaml")).unwrap();
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    drained(daemon);
    let ledger = vendor.ledger();
    assert_eq!(ledger.len(), 3);
    assert!(
        ledger
            .iter()
            .all(|line| line.to_string().contains("at last for"))
    );
}

/// An empty checkout neither ends what is open nor keeps what is due from being sent.
#[test]
fn an_emptied_folder_is_not_believed_until_somebody_says_so() {
    let vendor = Vendor::start(&[]);
    let slot = soon(40);
    let place = place(&vendor, 3, &[slot, soon(3_600)], "");
    let mut daemon = place.serve();
    daemon.line_with("is prepared");
    fs::remove_file(place.path().join("campaigns/news.yaml")).unwrap();
    let told = daemon.line_with("went at once");
    assert!(told.contains("campanile release --gone"), "{told}");
    place.run(&["release", "--gone"]).assert(0, &["sees to it"]);
    daemon.line_with("removed");
    drained(daemon);
    assert!(vendor.ledger().is_empty());
}

#[test]
fn a_campaign_that_is_paused_skips_until_it_is_resumed() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(12), soon(19)];
    let place = place(&vendor, 3, &slots, "");
    let daemon = place.serve();
    place
        .run(&["pause", "news"])
        .assert(0, &["the schedule of news is paused"]);
    place.wait_until("skipped", |status| {
        has(status, "passed", slots[0], "skipped")
    });
    place
        .run(&["resume", "news"])
        .assert(0, &["1 occurrence skipped meanwhile"]);
    place.wait_until("sent", |status| has(status, "finished", slots[1], "done"));
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 3);
}

/// A colleague with nothing but the repository stops a campaign that is being sent.
#[test]
fn a_file_that_says_not_enabled_or_is_deleted_pauses_its_open_run() {
    for is_deleted in [false, true] {
        let vendor = Vendor::start(&["--limit", "5"]);
        let slots = [soon(10), soon(3_600)];
        let place = place(&vendor, 400, &slots, "");
        let other = news(&[soon(7_200)], "").replace("name: news", "name: other");
        place.write("campaigns/other.yaml", &other);
        let mut daemon = place.serve();
        daemon.line_with("is opened");
        vendor.wait_for(1);
        if is_deleted {
            fs::remove_file(place.path().join("campaigns/news.yaml")).unwrap();
        } else {
            let text = news(&slots, "").replace("name: news", "name: news\nenabled: false");
            place.write("campaigns/news.yaml", &text);
        }
        let status = place.wait_until("paused", |status| {
            has(status, "needs_attention", slots[0], "paused")
        });
        let next = status["next"].to_string();
        assert!(next.contains("other@") && !next.contains("news@"), "{next}");
        drained(daemon);
        assert!(vendor.ledger().len() < 400);
    }
}

/// Whoever slept through several slots sends the latest of them that is not too old, and misses the others.
#[test]
fn a_daemon_that_was_asleep_over_its_slots_sends_the_latest_in_time() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(12), soon(13)];
    let place = place(&vendor, 20, &slots, ", start_within: 10m");
    let short = news(&slots[..1], ", start_within: 2s").replace("name: news", "name: short");
    place.write("campaigns/short.yaml", &short);
    let mut daemon = place.serve();
    daemon.line_with("is prepared");
    daemon.line_with("is prepared");
    daemon.signal(Signal::STOP);
    assert!(now() < slots[0], "this machine is too slow for the test");
    while now() < slots[1] + TimeDelta::seconds(3) {
        pause();
    }
    daemon.signal(Signal::CONT);
    let status = place.wait_until("sent", |status| has(status, "finished", slots[1], "done"));
    assert!(has(&status, "passed", slots[0], "missed"), "{status:#}");
    let short = format!("short@{}", run_time(slots[0]));
    assert_eq!(states(&status, "passed")[&short], "missed", "{status:#}");
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 20);
}

/// What a person runs beside the daemon is sent by it, and told to the person.
#[test]
fn what_is_run_beside_the_daemon_is_sent_by_it() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 20, &[soon(3_600)], "");
    let daemon = place.serve();
    let ended = place.run(&["run", "news", "--yes"]);
    ended.assert(0, &["sends on this lane", "20 accepted"]);
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 20);
}

/// So is what is sent once more, and a test.
#[test]
fn what_is_retried_or_tested_beside_the_daemon_is_sent_by_it() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 20, &[soon(3_600)], "");
    let app = format!(
        "endpoint: {}\n    test_groups: [\"@TGS#OURS\"]",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    place
        .run(&["run", "news", "--yes", "--stop-after", "5"])
        .assert(6, &["5 accepted"]);
    place
        .run(&["cancel", "news", "--yes"])
        .assert(0, &["5 accepted + 0 refused + 0 failed + 15 skipped"]);
    let mut daemon = place.serve();
    let status = place.wait_until("the lane", |status| {
        status["lanes"][0]["holder"].is_string()
    });
    let lane = &status["lanes"][0];
    assert_eq!(lane["channel"], "group_message", "{lane}");
    assert_eq!(lane["limit_per_s"], 200, "{lane}");
    let holder = lane["holder"].as_str().unwrap();
    let sent = format!("{holder} sends on this lane");
    place
        .run(&["retry", "news", "--state", "skipped", "--yes"])
        .assert(0, &[&sent, "20 accepted"]);
    let status = place.status();
    let calls_per_s = status["lanes"][0]["calls_per_s"].as_f64().unwrap();
    assert!(calls_per_s > 0.0 && calls_per_s <= 200.0, "{status:#}");
    place
        .run(&["test", "news"])
        .assert(0, &[&sent, "1 accepted"]);
    daemon.line_with("is done: 20 planned");
    drained(daemon);
    let ledger = vendor.ledger();
    let groups = ledger.iter().map(|line| line["group"].as_str().unwrap());
    let groups: BTreeSet<&str> = groups.collect();
    assert_eq!((ledger.len(), groups.len()), (21, 21), "each once");
    assert!(groups.contains("@TGS#OURS"), "{groups:?}");
}

/// A journal that breaks ends the daemon; what is under way at that moment is still answered and written down.
#[test]
fn a_daemon_that_cannot_go_on_brings_home_what_is_under_way() {
    let vendor = Vendor::start(&["--latency", "1s"]);
    let place = place(&vendor, 4_000, &[soon(10)], "");
    let daemon = place.serve();
    vendor.wait_for(300);
    alter(&place, "ALTER TABLE paused_campaign RENAME TO elsewhere");
    let ended = daemon.end();
    assert!(ended.code != 0 && ended.code != 143, "{}", ended.err);
    assert!(ended.err.contains("paused"), "{}", ended.err);
    alter(&place, "ALTER TABLE elsewhere RENAME TO paused_campaign");
    let lines = place.log();
    let accepted = lines.iter().filter(|line| line["state"] == "accepted");
    let in_flight = lines.iter().filter(|line| line["state"] == "in_flight");
    assert_eq!(accepted.count(), vendor.ledger().len());
    assert_eq!(in_flight.count(), 0);
}

/// The same file for another app is another schedule: it counts from then on, and what is open is sent on.
#[test]
fn a_campaign_that_goes_through_another_app_is_watched_anew() {
    let vendor = Vendor::start(&["--limit", "5"]);
    let other = Vendor::start(&["--sdk-app-id", "1400000001"]);
    let slots = [soon(10), soon(22)];
    let place = place(&vendor, 30, &slots[..1], "");
    let app = |role: &str, number: u64, vendor: &Vendor| {
        let text = settings(&format!("endpoint: {}", vendor.endpoint()));
        let text = text.replace("main:", &format!("{role}:"));
        text.replace("1400000000", &number.to_string())
    };
    let apps = app("main", 1_400_000_000, &vendor);
    let another = app("other", 1_400_000_001, &other);
    let another = another.strip_prefix("apps:\n").unwrap();
    let both = format!("{apps}{another}default_app: main\n");
    place.write("campanile.yaml", &both);
    let daemon = place.serve();
    vendor.wait_for(1);
    drained(daemon);
    // While nobody serves, since what is remembered of it counts as well.
    let text = news(&slots[1..], "");
    place.write("campaigns/news.yaml", &format!("app: other\n{text}"));
    let daemon = place.serve();
    place.wait_until("both", |status| {
        has(status, "finished", slots[0], "done") && has(status, "finished", slots[1], "done")
    });
    drained(daemon);
    assert_eq!((vendor.ledger().len(), other.ledger().len()), (30, 30));
}

/// Connections end with the lane that made them, and none of another's calls may be on them then.
#[test]
fn a_lane_that_has_nothing_to_do_ends_alone() {
    let vendor = Vendor::start(&["--latency", "1s"]);
    let slot = soon(14);
    let place = place(&vendor, 40, &[slot], "");
    let later = news(&[slot + TimeDelta::seconds(4)], "");
    let notice = later.replace("name: news", "name: notice");
    let notice = notice.replace("group_message:", "notification:");
    place.write("campaigns/notice.yaml", &notice);
    let daemon = place.serve();
    vendor.wait_for(40 + 20);
    drained(daemon);
    let log = place.run(&["log", "notice", "-o", "jsonl"]);
    let accepted = log.out.lines().filter(|line| line.contains("accepted"));
    assert_eq!(accepted.count(), vendor.ledger().len() - 40, "{log:?}");
}

#[test]
fn two_daemons_do_not_serve_one_journal() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 3, &[soon(3_600)], "");
    let daemon = place.serve();
    let other = Ended::of(&place.server().output().unwrap());
    other.assert(75, &["serves this journal already"]);
    drained(daemon);
}

/// Who is ended in the midst of a run leaves it open, and the next daemon goes on with it.
#[test]
fn a_run_that_a_daemon_leaves_is_gone_on_with_by_the_next() {
    let vendor = Vendor::start(&["--limit", "20"]);
    let slot = soon(10);
    let place = place(&vendor, 100, &[slot], "");
    let daemon = place.serve();
    vendor.wait_for(5);
    drained(daemon);
    assert!(vendor.ledger().len() < 100);
    let daemon = place.serve();
    place.wait_until("done", |status| has(status, "finished", slot, "done"));
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 100);
}

/// Somebody can mend it while there is time; who does not lets it go later.
#[test]
fn what_cannot_be_planned_is_told_ahead_and_held_at_its_slot() {
    let vendor = Vendor::start(&[]);
    let slot = soon(14);
    let place = place(&vendor, 3, &[slot], "");
    let rows = fs::read_to_string(place.path().join("audiences/groups.csv")).unwrap();
    fs::remove_file(place.path().join("audiences/groups.csv")).unwrap();
    let mut daemon = place.serve();
    let told = daemon.line_with("cannot be prepared");
    assert!(told.contains("audiences/groups.csv"), "{told}");
    let status = place.wait_until("noticed", |status| {
        status["notices"][0]["kind"] == "unprepared"
    });
    assert!(!has(&status, "finished", slot, "done"));
    daemon.line_with("is held");
    place.write("audiences/groups.csv", &rows);
    place.run(&["release", "news"]).assert(0, &["is released"]);
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 3);
}

#[test]
fn problems_with_files_are_shown_as_long_as_they_last() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 3, &[soon(3_600)], "");
    let campaigns = place.path().join("campaigns");
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("campaigns");
    let daemon = place.serve();
    let is_sound = |status: &Value| status["notices"] == serde_json::json!([]);
    let kind = |status: &Value| status["notices"][0]["kind"].clone();
    place.wait_until("sound", is_sound);

    fs::rename(&campaigns, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &campaigns).unwrap();
    daemon.signal(Signal::HUP);
    place.wait_until("folder", |status| kind(status) == "folder");
    let shown = [
        "not as it should be:",
        "  invalid: campaigns: `campaigns` leads out of the repository (since ",
    ];
    place.run(&["status"]).assert(0, &shown);
    fs::remove_file(&campaigns).unwrap();
    fs::rename(&moved, &campaigns).unwrap();
    daemon.signal(Signal::HUP);
    place.wait_until("sound", is_sound);

    let sound = fs::read_to_string(campaigns.join("news.yaml")).unwrap();
    place.write("campaigns/news.yaml", &sound.replace("send:", "sned:"));
    place.write("campaigns/other.yaml", "name: other\n");
    daemon.signal(Signal::HUP);
    let status = place.wait_until("invalid", |status| {
        status["notices"].as_array().unwrap().len() == 2
    });
    let kinds = [&status["notices"][0]["kind"], &status["notices"][1]["kind"]];
    assert_eq!(kinds, ["invalid", "stale"], "{status:#}");
    let shown = [
        "  invalid: campaigns/other.yaml:1: ",
        "  invalid, and as it was before: campaigns/news.yaml:",
    ];
    place.run(&["status"]).assert(0, &shown);
    place.write("campaigns/news.yaml", &sound);
    fs::remove_file(campaigns.join("other.yaml")).unwrap();
    daemon.signal(Signal::HUP);
    place.wait_until("sound", is_sound);
    drained(daemon);
}

/// Who does not want it sent any more says so.
#[test]
fn what_is_held_may_be_skipped() {
    let vendor = Vendor::start(&[]);
    let slot = soon(10);
    let place = place(&vendor, 3, &[slot], "");
    fs::remove_file(place.path().join("audiences/groups.csv")).unwrap();
    let mut daemon = place.serve();
    daemon.line_with("is held");
    let held = &place.status()["waiting"][0];
    assert_eq!(held["reason_code"], "plan_invalid", "{held:#}");
    let reason = held["reason"].as_str().unwrap();
    assert!(reason.contains("there is no file `audiences/groups.csv`"));
    place
        .run(&["release", "news", "--skip"])
        .assert(0, &["is skipped"]);
    place
        .run(&["release", "news"])
        .assert(1, &["nothing is held of `news`"]);
    let status = place.status();
    assert!(has(&status, "passed", slot, "skipped"), "{status:#}");
    let passed = &status["passed"][0];
    assert_eq!(passed["reason_code"], "skipped_by_operator");
    assert_eq!(passed["reason"], "the operator decided that it is not sent");
    drained(daemon);
    assert!(vendor.ledger().is_empty());
}

/// Each verb of another terminal is carried out by the daemon.
#[test]
fn a_run_is_paused_and_resumed_beside_the_daemon() {
    let vendor = Vendor::start(&["--limit", "50"]);
    let slot = soon(10);
    let place = place(&vendor, 200, &[slot, soon(3_600)], "");
    let daemon = place.serve();
    vendor.wait_for(5);
    let run = format!("news@{}", run_time(slot));
    place
        .run(&["pause", &run])
        .assert(0, &["is paused (by hand)"]);
    place.wait_until("paused", |status| {
        has(status, "needs_attention", slot, "paused")
    });
    place.run(&["resume", &run]).assert(0, &["200 accepted"]);
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 200);
}

/// The brake holds what is open and what would be next, whoever is quicker.
#[test]
fn pausing_all_stops_runs_and_schedules_until_both_go_on() {
    let vendor = Vendor::start(&["--limit", "5"]);
    let slots = [soon(10), soon(18)];
    let place = place(&vendor, 400, &slots, ", overlap: queue");
    let daemon = place.serve();
    vendor.wait_for(1);
    place
        .run(&["pause", "--all"])
        .assert(0, &["1 schedule paused", "is paused (by hand)"]);
    let status = place.wait_until("skipped", |status| {
        has(status, "passed", slots[1], "skipped")
    });
    assert!(
        has(&status, "needs_attention", slots[0], "paused"),
        "{status:#}"
    );
    place.run(&["resume", "--schedules"]).assert(
        0,
        &["the schedule of news goes on; 1 occurrence skipped meanwhile"],
    );
    drained(daemon);
    assert!(vendor.ledger().len() < 400);
}
