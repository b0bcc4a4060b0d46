//! `pause`, `cancel` and `status`: what a person does about runs under way, and what they are told.

use super::drills::pause_while_stopped;
use super::place::{Ended, Place, Running, pause, settings};
use super::sandbox::ask;
use super::vendor::{Vendor, own_address};
use rustix::process::Signal;
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SMALL: &str = "audience: { group_files: [audiences/few.csv] }\ndelivery: { rate: 10 }\n\
    send: { group_message: { text: \"Also {{ group.city }}\" } }\n";
const NOTICE: &str = "audience: { group_files: [audiences/few.csv] }\ndelivery: { rate: 5 }\n\
    send: { notification: { text: \"Mind {{ group.city }}\" } }\n";

/// A campaign `news`, and two of fifty groups that take five and ten seconds: one on its lane, one on another.
fn place(vendor: &Vendor, groups: usize) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    place.write("campaigns/small.yaml", SMALL);
    place.write("campaigns/notice.yaml", NOTICE);
    let rows: Vec<String> = (0..50).map(|number| format!("s{number},B")).collect();
    place.write(
        "audiences/few.csv",
        &format!("group,city\n{}\n", rows.join("\n")),
    );
    place
}

fn limits(place: &Place, vendor: &Vendor, limits: &str) {
    let text = format!("endpoint: {}\n    limits: {limits}", vendor.endpoint());
    place.write("campanile.yaml", &settings(&text));
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

fn status(place: &Place) -> Value {
    let ended = place.run(&["status", "-o", "json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    json(&ended)
}

fn state(place: &Place, campaign: &str) -> (String, String) {
    let told = status(place);
    let lists = ["needs_attention", "open", "finished"];
    let mut runs = lists
        .iter()
        .flat_map(|list| told[list].as_array().unwrap().iter());
    let run = runs.find(|run| run["campaign"] == campaign).unwrap();
    let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("reason"))
}

/// Deliveries of `news` in a state, each for this reason.
fn count(place: &Place, state: &str, reason: &str) -> usize {
    let lines = place.log().into_iter().filter(|line| {
        line["state"] == state && line["reason"].as_str().unwrap_or_default().contains(reason)
    });
    lines.count()
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Starts `news` and lets some of it arrive.
fn news_under_way(place: &Place, vendor: &Vendor) -> Running {
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(vendor.arrivals() + 20);
    running
}

/// `news` with some of its messages out, the rest paused by Ctrl-C.
fn news_paused(place: &Place, vendor: &Vendor) {
    let running = news_under_way(place, vendor);
    running.signal(Signal::INT);
    running.end().assert(130, &["is paused"]);
}

#[test]
fn no_call_starts_two_seconds_after_a_pause_though_thousands_are_in_flight() {
    let vendor = Vendor::start(&["--limit", "2000", "--latency", "3s"]);
    let place = Place::with_news(&vendor.endpoint(), 2_800);
    limits(&place, &vendor, "{ group_message: 2000 }");
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(2_000);
    place.run(&["pause", "news"]).assert(
        0,
        &[
            "is paused (by hand)",
            "comes home",
            "campanile resume news@",
        ],
    );
    let returned_ms = now_ms();
    running
        .end()
        .assert(6, &["is paused: 2,800 planned", "campanile resume news@"]);
    let arrived = vendor.statistics();
    for line in place.log() {
        let Some(started) = line["started_at"].as_str() else {
            continue;
        };
        let started: chrono::DateTime<chrono::Utc> = started.parse().unwrap();
        assert!(
            started.timestamp_millis() <= returned_ms + 2_000,
            "{line} after {returned_ms}"
        );
    }
    assert!(count(&place, "pending", "") > 0, "some were left");
    place
        .run(&["run", "news", "--yes"])
        .assert(4, &["is paused (by hand)", "campanile resume news@"]);
    assert_eq!(vendor.statistics()["arrivals"], arrived["arrivals"]);
    place
        .run(&["resume", "news"])
        .assert(0, &["2,800 planned = 2,800 accepted"]);
    vendor.assert_each_once(2_800);
}

#[test]
fn run_paused_and_resumed_between_two_polls_stops_where_the_resume_says() {
    let vendor = Vendor::start(&["--latency", "30ms"]);
    let place = place(&vendor, 1_500);
    let news = news_under_way(&place, &vendor);
    pause_while_stopped(&vendor, &place, &news);
    let mut resumed = place.start(&["resume", "news", "--stop-after", "20"]);
    resumed.line_with("going on with news@");
    news.signal(Signal::CONT);
    resumed
        .end()
        .assert(6, &["the calls of `--stop-after` are out"]);
    news.end().assert(6, &["it was paused, and resumed since"]);
    assert!(count(&place, "pending", "") > 500);
    place
        .run(&["resume", "news"])
        .assert(0, &["1,500 planned = 1,500 accepted"]);
    vendor.assert_each_once(1_500);
}

#[test]
fn pause_all_pauses_every_lane_and_each_run_goes_on_where_it_was() {
    let vendor = Vendor::start(&["--latency", "100ms"]);
    let place = place(&vendor, 2_000);
    let news = news_under_way(&place, &vendor);
    let notice = place.start(&["run", "notice", "--yes"]);
    wait_for_some_of(&place, "notice");
    let ended = place.run(&["pause", "--all", "-o", "json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let told = json(&ended);
    let runs = told.as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!(
            (&run["state"], &run["reason"], &run["reason_code"]),
            (&"paused".into(), &"by hand".into(), &"operator".into())
        );
        assert!(run["run"].as_str().unwrap().contains('@'));
        assert_eq!(run["app"], "main");
        assert!(run["pending"].as_u64().unwrap() > 0);
    }
    for running in [news, notice] {
        running
            .end()
            .assert(6, &["paused (by hand)", "campanile resume"]);
    }
    let before = vendor.arrivals();
    place
        .run(&["pause", "--all"])
        .assert(0, &["news@", "notice@", "it was paused already"]);
    place
        .run(&["run", "small", "--yes"])
        .assert(0, &["50 accepted"]);
    assert_eq!(vendor.arrivals(), before + 50, "a paused run is not sent");
    for (campaign, calls) in [("news", "2,000 accepted"), ("notice", "50 accepted")] {
        place.run(&["resume", campaign]).assert(0, &[calls]);
    }
    let statistics = vendor.statistics();
    assert_eq!(statistics["accepted"], 2_100);
    assert_eq!(statistics["doubled"], 0);
    place
        .run(&["pause", "--all"])
        .assert(0, &["no run is open"]);
}

#[test]
fn a_run_that_another_process_sends_is_paused_alone() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 600);
    let news = news_under_way(&place, &vendor);
    let mut small = place.start(&["run", "small", "--yes"]);
    small.line_with("sends on this lane");
    wait_for_some_of(&place, "small");
    place
        .run(&["pause", "small"])
        .assert(0, &["small@", "process "]);
    small
        .end()
        .assert(6, &["paused (by hand)", "campanile resume small@"]);
    let ended = news.end();
    ended.assert(0, &["600 accepted"]);
    assert!(!ended.err.contains("left open"), "{}", ended.err);
    place.run(&["resume", "small"]).assert(0, &["50 accepted"]);
    vendor.assert_each_once(650);
}

fn count_of(place: &Place, campaign: &str) -> usize {
    let ended = place.run(&["log", campaign, "--state", "accepted", "-o", "jsonl"]);
    ended.out.lines().count()
}

fn wait_for_some_of(place: &Place, campaign: &str) {
    while count_of(place, campaign) == 0 {
        pause();
    }
}

#[test]
fn what_cannot_be_paused_is_told() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 5);
    place
        .run(&["pause", "--all"])
        .assert(0, &["nothing has been sent yet"]);
    place
        .run(&["pause", "news"])
        .assert(1, &["nothing has been sent yet"]);
    place.run(&["pause"]).assert(64, &["--all"]);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["5 accepted"]);
    place
        .run(&["pause", "nws"])
        .assert(1, &["did you mean `news`?"]);
    place
        .run(&["cancel", "nws"])
        .assert(1, &["did you mean `news`?"]);
    place
        .run(&["pause", "news"])
        .assert(0, &["is done", "there is nothing left to pause"]);
}

#[test]
fn a_paused_run_is_cancelled_by_whoever_comes_without_a_secret_or_a_vendor() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 400);
    news_paused(&place, &vendor);
    let ended = place.run(&["cancel", "news"]);
    ended.assert(
        4,
        &["nobody is here to be asked", "campanile cancel news --yes"],
    );
    assert_eq!(state(&place, "news").0, "paused", "nothing was changed");
    let sent = vendor.ledger().len();
    vendor.end();
    let mut command = place.command(&["cancel", "news", "--yes", "-o", "json"]);
    let output = command.env_remove("CAMPANILE_SECRET_KEY").output().unwrap();
    let ended = Ended::of(&output);
    assert_eq!(ended.code, 0, "{ended:?}");
    let told = json(&ended);
    assert_eq!(told["state"], "partial");
    assert_eq!(
        (&told["accepted"], &told["pending"]),
        (&sent.into(), &0.into())
    );
    assert_eq!(count(&place, "skipped", "cancelled"), 400 - sent);
    let partial = ("partial".to_owned(), "cancelled by hand".to_owned());
    assert_eq!(state(&place, "news"), partial);
    place
        .run(&["cancel", "news"])
        .assert(0, &["is partial", "nothing to cancel"]);
    place
        .run(&["pause", "news"])
        .assert(0, &["nothing left to pause"]);
    place
        .run(&["resume", "news"])
        .assert(0, &["nothing left to send"]);
    place
        .run(&["run", "news", "--yes"])
        .assert(4, &["the very same was sent", "--again"]);
}

#[test]
fn a_stopped_run_of_which_nothing_was_sent_is_skipped_and_keeps_no_other_from_being_sent() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 30);
    let mut command = place.command(&["run", "news", "--yes"]);
    let output = command
        .env("CAMPANILE_SECRET_KEY", "wrong")
        .output()
        .unwrap();
    Ended::of(&output).assert(6, &["stopped"]);
    place.run(&["pause", "news"]).assert(
        0,
        &[
            "is paused (by hand; it had stopped: ",
            "nothing of it was being sent",
        ],
    );
    place.run(&["cancel", "news", "--yes"]).assert(
        0,
        &[
            "is skipped (cancelled by hand): 30 planned = 0 accepted",
            "30 skipped",
        ],
    );
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["30 accepted"]);
    vendor.assert_each_once(30);
}

#[test]
fn whoever_sends_a_run_cancels_it_and_the_others_are_sent_on() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 3_000);
    let news = news_under_way(&place, &vendor);
    let mut small = place.start(&["run", "small", "--yes"]);
    small.line_with("sends on this lane");
    place.run(&["cancel", "news", "--yes"]).assert(
        0,
        &[
            "settles news@",
            "is partial (cancelled by hand): 3,000 planned",
        ],
    );
    news.end().assert(5, &["is partial (cancelled by hand)"]);
    small.end().assert(0, &["50 accepted"]);
    let sent = count(&place, "accepted", "");
    assert_eq!(count(&place, "skipped", "cancelled"), 3_000 - sent);
    vendor.assert_each_once(sent + 50);
}

#[test]
fn a_run_that_another_process_sends_is_cancelled_alone_whatever_state_it_had() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 1_000);
    place.write("campaigns/third.yaml", &SMALL.replace("few", "third"));
    let rows = (0..50).map(|number| format!("t{number},C\n"));
    let rows: Vec<String> = rows.collect();
    place.write(
        "audiences/third.csv",
        &format!("group,city\n{}", rows.concat()),
    );
    let third = place.start(&["run", "third", "--yes"]);
    vendor.wait_for(3);
    third.signal(Signal::INT);
    third.end().assert(130, &["is paused"]);
    let news = news_under_way(&place, &vendor);
    let mut small = place.start(&["run", "small", "--yes"]);
    small.line_with("sends on this lane");
    for campaign in ["small", "third"] {
        place
            .run(&["cancel", campaign, "--yes"])
            .assert(0, &["settles", "(cancelled by hand): 50 planned"]);
    }
    small.end().assert(5, &["(cancelled by hand)"]);
    let ended = news.end();
    ended.assert(0, &["1,000 accepted"]);
    assert!(!ended.err.contains("left open"), "{}", ended.err);
    let others = count_of(&place, "small") + count_of(&place, "third");
    vendor.assert_each_once(1_000 + others);
}

/// `news` whose process was killed while every reply of it was lost.
fn killed_with_open_attempts(fault: &str) -> (Vendor, Place) {
    let vendor = Vendor::start(&["--fault", fault, "--latency", "100ms"]);
    let place = place(&vendor, 300);
    // Long enough for repetitions, if anybody made them.
    limits(&place, &vendor, "{ deduplication: 30s }");
    let news = news_under_way(&place, &vendor);
    news.signal(Signal::KILL);
    news.end();
    // Histories can be read again.
    let (answered, said) = ask(&vendor, "POST", "/sandbox/faults", "none");
    assert_eq!(answered, 200, "{said}");
    (vendor, place)
}

#[test]
fn what_may_have_been_delivered_is_looked_for_and_not_sent_again() {
    let (vendor, place) = killed_with_open_attempts("lost_reply=100%");
    let before = vendor.arrivals();
    let mut command = place.command(&["cancel", "news", "--yes"]);
    let output = command.env_remove("CAMPANILE_SECRET_KEY").output().unwrap();
    Ended::of(&output).assert(
        78,
        &[
            "is cancelled",
            "may have been delivered",
            "CAMPANILE_SECRET_KEY",
            "campanile cancel news@",
        ],
    );
    assert_eq!(state(&place, "news").0, "cancelling");
    place.run(&["run", "news", "--yes"]).assert(
        75,
        &[
            "is cancelled, and not settled yet",
            "campanile cancel news@",
        ],
    );
    place
        .run(&["pause", "news"])
        .assert(0, &["it is cancelled"]);
    // Started may run ahead of the wire by some, which are in no history.
    let ended = place.run(&["cancel", "news"]);
    assert!([0, 5].contains(&ended.code), "{ended:?}");
    ended.assert(ended.code, &["is partial (cancelled by hand)"]);
    assert_eq!(vendor.arrivals(), before, "nothing was sent again");
    let stored = vendor.ledger().len();
    assert_eq!(
        count(&place, "accepted", "found in the group's history"),
        stored
    );
    let unknown = count(&place, "unknown", "");
    assert_eq!(ended.code == 5, unknown > 0);
    assert_eq!(
        count(&place, "skipped", "cancelled"),
        300 - stored - unknown
    );
}

#[test]
fn what_is_in_no_history_is_unknown_when_its_run_was_cancelled() {
    let (vendor, place) = killed_with_open_attempts("lost_before=100%");
    let before = vendor.arrivals();
    place.run(&["cancel", "news", "--yes"]).assert(
        5,
        &["is partial (cancelled by hand): 300 planned = 0 accepted"],
    );
    assert_eq!(vendor.arrivals(), before, "nothing was sent again");
    let unknown = count(&place, "unknown", "the group's history does not hold it");
    assert!(unknown > 0);
    assert_eq!(count(&place, "skipped", "cancelled"), 300 - unknown);
    for line in place.log() {
        let code = match line["state"].as_str() {
            Some("unknown") => "not_in_history",
            _ => "cancelled",
        };
        assert_eq!(line["reason_code"], code, "{line}");
    }
    let told = status(&place);
    assert_eq!(told["finished"][0]["reason_code"], "cancelled", "{told}");
}

/// The same when the process that cancels it was killed, or left with Ctrl-C, in the midst of that.
fn cut_off(signal: Signal, code: i32) -> (Vendor, Place, u64) {
    let (vendor, place) = killed_with_open_attempts("lost_reply=100%");
    let before = vendor.arrivals();
    let cancel = place.start(&["cancel", "news", "--yes"]);
    while count(&place, "skipped", "cancelled") == 0 {
        pause();
    }
    cancel.signal(signal);
    let ended = cancel.end();
    assert_eq!(ended.code, code, "{ended:?}");
    if code == 130 {
        ended.assert(130, &["is not settled; go on with: campanile cancel news@"]);
    }
    let told = status(&place);
    let run = &told["needs_attention"][0];
    assert_eq!(
        (&run["state"], &run["note"]),
        (&"cancelling".into(), &"its settling was cut off".into())
    );
    assert!(
        run["go_on"]
            .as_str()
            .unwrap()
            .starts_with("campanile cancel news@")
    );
    (vendor, place, before)
}

fn assert_settled(vendor: &Vendor, place: &Place, before: u64) {
    assert_eq!(vendor.arrivals(), before, "nothing was sent again");
    assert_eq!(state(place, "news").0, "partial");
    let found = count(place, "accepted", "found in the group's history");
    assert_eq!(found, vendor.ledger().len());
    assert_eq!(
        count(place, "pending", "") + count(place, "in_flight", ""),
        0
    );
}

#[test]
fn whoever_is_killed_while_cancelling_leaves_it_to_the_next() {
    let (vendor, place, before) = cut_off(Signal::KILL, 137);
    let ended = place.run(&["resume", "news"]);
    assert!([0, 5].contains(&ended.code), "{ended:?}");
    ended.assert(
        ended.code,
        &["is cancelled; settling it", "cancelled by hand"],
    );
    assert_settled(&vendor, &place, before);
}

#[test]
fn whoever_takes_the_lane_next_goes_on_with_the_cancelling() {
    let (vendor, place, before) = cut_off(Signal::INT, 130);
    let ended = place.run(&["run", "small", "--yes"]);
    ended.assert(0, &["50 accepted"]);
    assert_settled_beside(&vendor, &place, before + 50);
}

fn assert_settled_beside(vendor: &Vendor, place: &Place, arrived: u64) {
    assert_eq!(vendor.arrivals(), arrived, "nothing was sent again");
    assert_eq!(state(place, "news").0, "partial");
    let found = count(place, "accepted", "found in the group's history");
    assert_eq!(found + 50, vendor.ledger().len());
}

/// In its first second nobody can tell how fast a run is.
fn wait_for_rate(place: &Place) {
    while !status(place)["open"][0]["rate_per_s"].is_f64() {
        pause();
    }
}

#[test]
fn status_leads_with_what_needs_a_person() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 60);
    place
        .run(&["status"])
        .assert(0, &["nothing has been sent yet", "--sandbox"]);
    let told = status(&place);
    assert!(told["open"].as_array().unwrap().is_empty());
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["60 accepted"]);
    let small = place.start(&["run", "small", "--yes"]);
    vendor.wait_for(70);
    small.signal(Signal::INT);
    small.end().assert(130, &["is paused"]);
    let mut notice = place.start(&["run", "notice", "--yes"]);
    wait_for_rate(&place);
    let ended = place.run(&["status"]);
    // Of what is not being sent no rate is told, however lately it was.
    assert_eq!(ended.out.matches("accepted a second").count(), 1);
    let id = notice.child().id();
    let by = format!("by process {id}, ");
    ended.assert(
        0,
        &[
            "1 run needs a person:\n  small@",
            "(app main) is paused (Ctrl-C)",
            "go on with: campanile resume small@",
            "being sent:\n  notice@",
            &by,
            " accepted a second, done about ",
            "finished lately:\n  ",
            "60 planned = 60 accepted",
        ],
    );
    let told = status(&place);
    let run = &told["open"][0];
    assert_eq!(
        (&run["state"], &run["channel"]),
        (&"open".into(), &"notification".into())
    );
    assert!(run["rate_per_s"].as_f64().unwrap() > 0.0);
    assert_eq!(told["needs_attention"][0]["rate_per_s"], Value::Null);
    assert!(run["expected_end"].is_string());
    assert_eq!(run["go_on"], Value::Null);
    assert_eq!(told["finished"][0]["campaign"], "news");
    let none = json(&place.run(&["status", "-n", "0", "-o", "json"]));
    assert_eq!(none["finished"], serde_json::json!([]));
    notice.signal(Signal::KILL);
    notice.end();
    place.run(&["status"]).assert(
        0,
        &[
            "2 runs need a person",
            "it was cut off; nobody sends it",
            "resume notice@",
            "nothing is being sent",
        ],
    );
}

/// The vendor is away, so that the look-ups of a run for the past have no end.
fn place_without_vendor() -> Place {
    let place = Place::with_news(&format!("http://{}", own_address()), 12);
    let news = "name: news\ntimezone: UTC\nschedule: { cron: \"0 0 * * *\" }\naudience: { group_files: [audiences/groups.csv] }\n\
        send: { group_message: { text: \"Hello\" } }\n";
    place.write("campaigns/news.yaml", news);
    place
}

const PAST: [&str; 5] = ["run", "news", "--yes", "--for", "2026-11-20T00:00"];
/// A command takes effect within two seconds; as much again is for a busy machine.
const EFFECT_MAX: Duration = Duration::from_secs(4);

#[track_caller]
fn ends_soon(mut running: Running) -> Ended {
    let began = Instant::now();
    while running.child().try_wait().unwrap().is_none() {
        assert!(began.elapsed() < EFFECT_MAX, "it goes on");
        pause();
    }
    running.end()
}

#[test]
fn run_that_waits_for_look_ups_of_a_vendor_that_is_away_is_cancelled_at_once() {
    let place = place_without_vendor();
    let mut daemon = Running::of(place.server().spawn().unwrap());
    daemon.line_with("started:");
    let mut run = place.start(&PAST);
    run.line_with("sends on this lane");
    daemon.line_with("news@2026-11-20T00:00");
    let cancelled = ends_soon(place.start(&["cancel", "news", "--yes"]));
    cancelled.assert(0, &["12 skipped"]);
    ends_soon(run).assert(5, &["cancelled by hand"]);
}

#[test]
fn own_run_that_waits_for_look_ups_of_a_vendor_that_is_away_heeds_the_operator() {
    for (verb, state) in [
        (&["pause", "news"][..], "is paused"),
        (&["cancel", "news", "--yes"], "cancelled by hand"),
    ] {
        let place = place_without_vendor();
        let mut run = place.start(&PAST);
        run.line_with("sending news@");
        ends_soon(place.start(verb)).assert(0, &[state]);
        let ended = ends_soon(run);
        let said = format!("{}{}", ended.out, ended.err);
        assert!(said.contains(state), "{said}");
    }
}
