//! What keeps an occurrence from its state: runs that overlap, edits just before a slot, plans that take long, files that are
//! invalid over a restart, clocks that are set, absences.

use super::drills_of_the_clock::Clock;
use super::place::{Place, Running, pause, settings};
use super::serving::{drained, has, news, now, soon, states};
use super::vendor::Vendor;
use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::Signal;
use serde_json::Value;

/// How late an occurrence may start beside the other tests. On two idle cores it is 30 s.
const LATE_MAX_S: i64 = 60;

fn wait_for(instant: DateTime<Utc>) {
    while now() < instant {
        pause();
    }
}

fn place(vendor: &Vendor, groups: usize) -> Place {
    Place::with_news(&vendor.endpoint(), groups)
}

/// The state of every occurrence, wherever the status shows it.
fn all_states(status: &Value) -> Vec<String> {
    let parts = ["finished", "open", "passed", "waiting"].into_iter();
    let all = parts.filter(|part| status[*part].is_array());
    all.flat_map(|part| states(status, part).into_values())
        .collect()
}

fn counted(status: &Value, state: &str) -> usize {
    let all = all_states(status);
    all.iter().filter(|each| *each == state).count()
}

/// Each run takes longer than the interval of the schedule.
#[test]
fn queued_occurrence_is_sent_when_the_run_before_it_has_ended() {
    let vendor = Vendor::start(&[]);
    let slots: Vec<DateTime<Utc>> = (0..5).map(|number| soon(10 + 2 * number)).collect();
    let place = place(&vendor, 25);
    let app = format!(
        "endpoint: {}\n    limits: {{ group_message: 8 }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    place.write("campaigns/news.yaml", &news(&slots, ", overlap: queue"));
    let daemon = place.serve();
    let is_over = |status: &Value| {
        let ended = counted(status, "done") + counted(status, "skipped");
        ended == slots.len()
    };
    let status = place.wait_until("every occurrence has its state", is_over);
    let sent = counted(&status, "done");
    assert!(sent >= 2, "{status:#}");
    assert!(has(&status, "finished", slots[1], "done"), "{status:#}");
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 25 * sent);
    assert_eq!(vendor.statistics()["doubled"], 0);
}

#[test]
fn held_occurrence_that_is_released_after_later_slots_is_sent_and_so_are_they() {
    let vendor = Vendor::start(&[]);
    let slots: Vec<DateTime<Utc>> = [12, 20, 36].map(soon).into();
    let place = place(&vendor, 3);
    let text = news(&slots, "");
    place.write("campaigns/news.yaml", &text);
    let mut daemon = place.serve();
    place.write("campaigns/news.yaml", &text.replace("text:", "txt:"));
    daemon.line_with("is held");
    // The next slot passes while the first is held.
    daemon.line_with("is skipped");
    place.write("campaigns/news.yaml", &text);
    daemon.line_with("is valid again");
    place.run(&["release", "news"]).assert(0, &["is released"]);
    place.wait_until("released", |status| {
        has(status, "finished", slots[0], "done")
    });
    place.wait_until("the last", |status| {
        has(status, "finished", slots[2], "done")
    });
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 6);
}

/// Few of many rows are picked, so that each plan takes a while, and all are to be made at once.
#[test]
fn slow_plans_that_are_due_together_all_start() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(25), soon(27)];
    let place = place(&vendor, 30_000);
    let save = |greeting: &str| {
        for number in 0..3 {
            let text = news(&slots, ", overlap: queue");
            let text = text.replace("name: news", &format!("name: news-{number}"));
            let text = text.replace(
                "groups.csv] }",
                "groups.csv], where: \"group.city in ['City 1', 'City 2']\" }",
            );
            let text = text.replace("for {{ group.city }}", greeting);
            place.write(&format!("campaigns/news-{number}.yaml"), &text);
        }
    };
    std::fs::remove_file(place.path().join("campaigns/news.yaml")).unwrap();
    save("first");
    let daemon = place.serve();
    wait_for(slots[0] - TimeDelta::milliseconds(500));
    save("second");
    place.wait_until("all are sent", |status| counted(status, "done") == 6);
    drained(daemon);
    assert_started_in_time(&vendor, &slots);
    assert_eq!(vendor.ledger().len(), 12);
}

#[test]
fn many_campaigns_start_though_the_daemon_starts_just_before_their_slot() {
    const CAMPAIGNS: usize = 100;
    let vendor = Vendor::start(&["--limit", "1000"]);
    let slots = [soon(20), soon(21)];
    let place = place(&vendor, 2);
    let app = format!(
        "endpoint: {}\n    limits: {{ group_message: 1000 }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    for number in 0..CAMPAIGNS {
        let text = news(&slots, ", overlap: queue");
        let text = text.replace("name: news", &format!("name: news-{number}"));
        place.write(&format!("campaigns/news-{number}.yaml"), &text);
    }
    std::fs::remove_file(place.path().join("campaigns/news.yaml")).unwrap();
    wait_for(slots[0] - TimeDelta::seconds(2));
    let daemon = place.serve();
    let all = 2 * CAMPAIGNS;
    place.wait_until("all are sent", |status| counted(status, "done") == all);
    drained(daemon);
    assert_started_in_time(&vendor, &slots);
    assert_eq!(vendor.ledger().len(), 2 * all);
}

fn assert_started_in_time(vendor: &Vendor, slots: &[DateTime<Utc>]) {
    let late_max = *slots.last().unwrap() + TimeDelta::seconds(LATE_MAX_S);
    let ledger = vendor.ledger();
    let arrived = |line: &Value| line["arrived_ms"].as_i64().unwrap();
    let last_ms = ledger.iter().map(arrived).max().unwrap();
    assert!(last_ms < late_max.timestamp_millis(), "{last_ms}");
}

/// A legal plan that takes minutes, ahead of its slot, beside campaigns that are due.
#[test]
fn slow_plan_keeps_no_other_campaign_from_its_slot_and_is_missed_on_time() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(16), soon(20)];
    let slow_slot = soon(18);
    let place = place(&vendor, 20_000);
    place.write("audiences/few.csv", "group,city\ng1,City 1\ng2,City 2\n");
    let quick = news(&slots, "").replace("groups.csv", "few.csv");
    place.write("campaigns/news.yaml", &quick);
    let slow = news(&[slow_slot], ", start_within: 2s")
        .replace("name: news", "name: slow")
        .replace(
            "for {{ group.city }}",
            "{% for a in range(100) %}{% for b in range(10) %}{% if a * b < 0 %}x{% endif %}{% endfor %}{% endfor %}",
        );
    place.write("campaigns/slow.yaml", &slow);
    let mut daemon = place.serve();
    let missed = daemon.line_with("is missed");
    assert!(
        missed.contains("its plan was not ready in time"),
        "{missed}"
    );
    assert!(
        now() < slow_slot + TimeDelta::seconds(2 + LATE_MAX_S / 2),
        "told {missed}"
    );
    for slot in slots {
        place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    }
    drained(daemon);
    let ledger = vendor.ledger();
    assert_eq!(ledger.len(), 4);
    let arrived = |line: &Value| line["arrived_ms"].as_i64().unwrap();
    let last_ms = ledger.iter().map(arrived).max().unwrap();
    let late_ms = last_ms - slots[1].timestamp_millis();
    assert!(late_ms < LATE_MAX_S * 1_000 / 2, "{late_ms} ms late");
}

/// The daemon was killed and starts beside a file that has become invalid meanwhile.
#[test]
fn file_that_is_invalid_at_the_start_is_held_at_its_slot_as_without_a_restart() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(22), soon(24)];
    let place = place(&vendor, 3);
    let text = news(&slots, "");
    place.write("campaigns/news.yaml", &text);
    let daemon = place.serve();
    // From then on the journal knows the schedule.
    place.wait_until("recorded", |status| status["next"][0]["run"].is_string());
    drop(daemon);
    place.write("campaigns/news.yaml", &text.replace("text:", "txt:"));
    let mut daemon = Running::of(place.server().spawn().unwrap());
    daemon.line_with("started:");
    let held = daemon.line_with("is held");
    assert!(held.contains("its file is invalid"), "{held}");
    daemon.line_with("is skipped");
    place.write("campaigns/news.yaml", &text);
    place.wait_until("mended", |status| {
        let notices = status["notices"].as_array().unwrap();
        !notices.iter().any(|notice| notice["kind"] == "invalid")
    });
    let status = place.status();
    assert!(has(&status, "waiting", slots[0], "held"), "{status:#}");
    assert!(vendor.ledger().is_empty());
    place.run(&["release", "news"]).assert(0, &["is released"]);
    place.wait_until("sent", |status| has(status, "finished", slots[0], "done"));
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 3);
}

/// The clock is wrong for a moment over the slot, and decides about it.
#[test]
fn occurrence_that_a_clock_far_ahead_missed_is_sent_when_the_clock_is_right() {
    for ahead in [TimeDelta::minutes(90), TimeDelta::days(7_300)] {
        let vendor = Vendor::start(&[]);
        let slot = soon(14);
        let place = place(&vendor, 3);
        let text = news(&[slot], ", start_within: 5m");
        place.write("campaigns/news.yaml", &text);
        let clock = Clock::right(&place);
        let mut daemon = clock.start(&place.server());
        daemon.line_with("started:");
        clock.set(ahead);
        daemon.line_with("the clock was set forward");
        wait_for(slot + TimeDelta::seconds(1));
        assert!(vendor.ledger().is_empty());
        clock.set(TimeDelta::zero());
        daemon.line_with("the clock was set back");
        place.wait_until("sent", |status| has(status, "finished", slot, "done"));
        drained(daemon);
        assert_eq!(vendor.ledger().len(), 3, "{ahead}");
    }
}

/// So often that a round is never a second apart from a step of the clock.
#[test]
fn clock_that_is_set_all_the_time_keeps_no_run_from_its_end() {
    let vendor = Vendor::start(&[]);
    let slot = soon(10);
    let place = place(&vendor, 10);
    place.write("campaigns/news.yaml", &news(&[slot], ""));
    let clock = Clock::right(&place);
    let mut daemon = clock.start(&place.server());
    daemon.line_with("started:");
    wait_for(slot);
    std::thread::scope(|scope| {
        let set = scope.spawn(|| {
            let begun = now();
            for step in 1..=20 {
                wait_for(begun + TimeDelta::milliseconds(800 * step));
                clock.set(TimeDelta::seconds(2 * step));
            }
        });
        daemon.line_with("is done");
        assert!(!set.is_finished(), "it is told while the clock is set");
    });
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 10);
}

#[test]
fn absence_is_told_in_one_line_of_each_campaign() {
    let vendor = Vendor::start(&[]);
    let slots = [8, 9, 10, 11].map(soon);
    let place = place(&vendor, 3);
    place.write("campaigns/news.yaml", &news(&slots, ", start_within: 1s"));
    drained(place.serve());
    wait_for(*slots.last().unwrap() + TimeDelta::seconds(2));
    let mut daemon = place.serve();
    place.wait_until("missed", |status| counted(status, "missed") == slots.len());
    let told = daemon.line_with("missed");
    drained(daemon);
    assert!(told.contains("4 occurrences from news@"), "{told}");
    assert!(vendor.ledger().is_empty());
}

/// A process that hangs keeps the lane until it is too late to begin.
#[test]
fn run_that_nobody_could_begin_in_time_is_reported_and_waits_for_a_person() {
    let vendor = Vendor::start(&[]);
    let slot = soon(9);
    let place = place(&vendor, 3);
    place.write("campaigns/news.yaml", &news(&[slot], ", start_within: 1m"));
    let rows: Vec<String> = (0..500).map(|number| format!("h{number},City")).collect();
    place.write(
        "audiences/many.csv",
        &format!("group,city\n{}\n", rows.join("\n")),
    );
    place.write(
        "campaigns/by-hand.yaml",
        "name: by-hand\naudience: { group_files: [audiences/many.csv] }\nsend: { group_message: { text: \"Hello\" } }\n\
         delivery: { rate: 2 }\n",
    );
    let mut hand = place.start(&["run", "by-hand", "--yes"]);
    vendor.wait_for(1);
    let clock = Clock::right(&place);
    let mut daemon = clock.start(&place.server());
    daemon.line_with("started:");
    hand.signal(Signal::STOP);
    daemon.line_with("news@");
    daemon.line_with("is opened");
    clock.set(TimeDelta::seconds(90));
    hand.child().kill().unwrap();
    let told = daemon.line_with("waits for a person");
    assert!(told.contains("news@"), "{told}");
    clock.set(TimeDelta::zero());
    daemon.signal(Signal::TERM);
    let log = daemon.end().err;
    assert_eq!(log.matches("waits for a person").count(), 0, "{log}");
    let sent = vendor.ledger();
    assert!(
        sent.iter()
            .all(|line| line["group"].as_str().unwrap().starts_with('h'))
    );
}
