//! Servers that go away, readers that leave, signals at the wrong moment: what a person reads, and what arrived.
//!
//! Two processes on one journal are tried in `lane` and `handover`, a first Ctrl-C and a second in `runs`.

use super::place::{Place, Running, pause, settings};
use super::vendor::{Vendor, own_address};
use rustix::process::Signal;
use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

const RUN: [&str; 3] = ["run", "news", "--yes"];

fn log_says(place: &Place, words: &str) -> usize {
    let log = place.run(&["log", "news", "-o", "jsonl"]).out;
    log.lines().filter(|line| line.contains(words)).count()
}

#[test]
fn server_that_is_down_for_seconds_costs_nothing_but_time() {
    server_is_down_for(Duration::from_secs(8));
}

/// Longer than Tencent remembers a `Random`: attempts without an answer are looked up in the history.
#[test]
#[ignore = "takes six minutes; `tests/long drills` runs it"]
fn server_that_is_down_for_six_minutes_costs_nothing_but_time() {
    server_is_down_for(Duration::from_mins(6));
}

fn server_is_down_for(span: Duration) {
    let memory = Place::new();
    let ledger = memory.path().join("ledger.jsonl");
    let options = ["--ledger", ledger.to_str().unwrap(), "--latency", "30ms"];
    let vendor = Vendor::start(&options);
    let address = vendor.endpoint().replace("http://", "");
    let place = Place::with_news(&vendor.endpoint(), 200);
    let running = place.start(&RUN);
    vendor.wait_for(50);
    vendor.kill();
    let down = Instant::now();
    while down.elapsed() < span {
        pause();
    }
    assert!(log_says(&place, "cannot connect") >= 2);
    let vendor = Vendor::listen(&address, &options);
    running.end().assert(0, &["200 planned = 200 accepted"]);
    vendor.assert_each_once(200);
}

/// Whoever is silent is not asked again and again, and nobody knows what it has done.
#[test]
fn a_server_that_accepts_and_never_answers_is_waited_for() {
    let listener = TcpListener::bind(own_address()).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let place = Place::with_news(&format!("http://{address}"), 300);
    let running = place.start(&RUN);
    let (connection, _) = listener.accept().unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut connections = vec![connection];
    while log_says(&place, "no answer in time") == 0 {
        connections.extend(listener.accept().map(|(stream, _)| stream));
        pause();
    }
    assert!(connections.len() < 150, "{} calls", connections.len());
    drop((listener, connections));
    let vendor = Vendor::listen(&address, &[]);
    running.end().assert(0, &["300 planned = 300 accepted"]);
    vendor.assert_each_once(300);
}

#[test]
fn a_run_whose_readers_have_left_is_sent_to_its_end() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 30);
    let closed = place.shell("$CAMPANILE run news --yes -o json >&- 2>&-");
    closed.assert(0, &[]);
    vendor.assert_each_once(30);
    let left = place.shell(
        "{ $CAMPANILE run news --yes --again -o json; echo $? >code; } 2>&1 | true; cat code",
    );
    assert_eq!(left.out, "0\n", "{}", left.err);
    assert_eq!(vendor.ledger().len(), 60);
    place
        .shell("$CAMPANILE log news | head -1")
        .assert(0, &["accepted"]);
    place
        .shell("$CAMPANILE log news >/dev/full")
        .assert(1, &["cannot write to stdout: No space left"]);
}

#[test]
fn what_was_being_planned_when_sigterm_came_is_as_if_it_never_was() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 200_000);
    let running = place.start(&RUN);
    let log = place.path().join("campanile.db-wal");
    // Some chunks are staged.
    while fs::metadata(&log).map_or(0, |log| log.len()) < 300_000 {
        pause();
    }
    running.signal(Signal::TERM);
    running.end().assert(143, &[]);
    place
        .run(&["log", "news"])
        .assert(1, &["there is no run `news`", "nothing has been sent yet"]);
    place.write("audiences/groups.csv", "group,city\ng1,A\n");
    place.run(&RUN).assert(0, &["1 planned = 1 accepted"]);
    vendor.assert_each_once(1);
}

/// What was on its way when a process was stopped, or its machine put to sleep, is on its way still when it goes on.
#[test]
fn what_was_paused_while_its_process_was_stopped_stays() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 100);
    let few = format!(
        "endpoint: {}\n    limits: {{ group_message: 20 }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&few));
    let running = place.start(&RUN);
    vendor.wait_for(20);
    pause_while_stopped(&vendor, &place, &running);
    let paused = Instant::now();
    while paused.elapsed() < Duration::from_secs(2) {
        pause();
    }
    let arrived = vendor.arrivals();
    running.signal(Signal::CONT);
    running.end().assert(6, &["is paused"]);
    assert_eq!(vendor.arrivals(), arrived);
    place
        .run(&["resume", "news"])
        .assert(0, &["100 planned = 100 accepted"]);
    vendor.assert_each_once(100);
}

/// Stops the process that sends `news`, and pauses the run.
pub(super) fn pause_while_stopped(vendor: &Vendor, place: &Place, running: &Running) {
    loop {
        running.signal(Signal::STOP);
        let paused = place.run(&["pause", "news"]);
        if paused.code == 0 {
            return;
        }
        // The process was stopped while it wrote.
        paused.assert(75, &["busy"]);
        running.signal(Signal::CONT);
        vendor.wait_for(vendor.arrivals() + 1);
        pause();
    }
}

/// A run that is draining, and says so in its journal.
fn draining(vendor: &Vendor, place: &Place) -> Running {
    let running = place.start(&RUN);
    vendor.wait_for(20);
    running.signal(Signal::TERM);
    while !place.run(&RUN).err.contains("is paused (SIGTERM)") {
        pause();
    }
    running
}

#[test]
fn a_drain_that_is_cut_short_loses_and_doubles_nothing() {
    thread::scope(|scope| {
        for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 143), (Signal::KILL, 137)] {
            scope.spawn(move || {
                let vendor = Vendor::start(&["--latency", "3s"]);
                let place = Place::with_news(&vendor.endpoint(), 60);
                let running = draining(&vendor, &place);
                running.signal(signal);
                running.end().assert(code, &[]);
                place.run(&RUN).assert(4, &["campanile resume news@"]);
                let resumed = place.run(&["resume", "news"]);
                resumed.assert(0, &["60 planned = 60 accepted"]);
                vendor.assert_each_once(60);
            });
        }
    });
}
