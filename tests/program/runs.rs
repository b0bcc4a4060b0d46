//! Sending, being killed, going on.

use super::place::{KEY, Place, campanile, pause, settings};
use super::vendor::Vendor;
use rustix::process::Signal;
use std::collections::HashSet;
use std::fs;
use std::io::Read;

#[test]
fn the_readmes_first_command_sends_the_example() {
    let place = Place::of_the_examples();
    let mut command = campanile();
    command
        .current_dir(place.path())
        .args(["run", "campaigns/welcome.yaml", "--sandbox", "--yes"]);
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        out.contains("is done: 300 planned = 300 accepted + 0 refused"),
        "{out}"
    );
    assert!(out.contains("log: campanile log welcome@"), "{out}");
    let ledger = fs::read_to_string(place.path().join(".campanile/sandbox-ledger.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 300);
    assert!(ledger.contains("Hello Shenzhen!\\nYour group of 20 gets 88 coins today."));
    assert!(
        !place.path().join("campanile.db").exists(),
        "a rehearsal leaves the real journal alone"
    );
}

#[test]
fn a_second_run_by_mistake_sends_nothing_and_says_why() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 30);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["30 planned = 30 accepted"]);
    place
        .run(&["run", "news", "--yes"])
        .assert(4, &["the very same was sent as news@", "--again"]);
    vendor.assert_each_once(30);
    place
        .run(&["run", "news", "--yes", "--again"])
        .assert(0, &["30 accepted"]);
    assert_eq!(vendor.ledger().len(), 60);
}

#[test]
fn killed_half_way_the_same_command_goes_on() {
    let vendor = Vendor::start(&[
        "--fault",
        "lost_reply=5%",
        "--latency",
        "20ms",
        "--jitter",
        "10ms",
    ]);
    let place = Place::with_news(&vendor.endpoint(), 400);
    for arrivals in [40, 120, 250] {
        let running = place.start(&["run", "news", "--yes"]);
        vendor.wait_for(arrivals);
        running.signal(Signal::KILL);
        assert_eq!(running.end().code, 137);
    }
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["going on with news@", "400 planned = 400 accepted"]);
    vendor.assert_each_once(400);
    assert_eq!(vendor.statistics()["refused"], serde_json::json!({}));
    let groups: HashSet<_> = place
        .log()
        .iter()
        .map(|line| line["group"].to_string())
        .collect();
    assert_eq!((groups.len(), place.log().len()), (400, 400));
    assert!(place.log().iter().all(|line| line["state"] == "accepted"));
}

#[test]
fn a_killed_rehearsal_goes_on_too() {
    let place = Place::with_news("http://127.0.0.1:1", 300);
    let running = place.start(&["run", "news", "--yes", "--sandbox"]);
    let ledger = place.path().join(".campanile/sandbox-ledger.jsonl");
    while fs::read_to_string(&ledger)
        .unwrap_or_default()
        .lines()
        .count()
        < 50
    {
        pause();
    }
    running.signal(Signal::KILL);
    running.end();
    place
        .run(&["run", "news", "--yes", "--sandbox"])
        .assert(0, &["300 accepted"]);
    let groups: Vec<serde_json::Value> = fs::read_to_string(&ledger)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["group"].clone())
        .collect();
    assert_eq!(groups.len(), 300);
    assert_eq!(
        groups
            .iter()
            .map(ToString::to_string)
            .collect::<HashSet<_>>()
            .len(),
        300
    );
}

#[test]
fn ctrl_c_drains_and_says_how_to_go_on() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let vendor = Vendor::start(&["--latency", "50ms"]);
        let place = Place::with_news(&vendor.endpoint(), 300);
        let running = place.start(&["run", "news", "--yes"]);
        vendor.wait_for(30);
        running.signal(signal);
        let ended = running.end();
        ended.assert(code, &["is paused: 300 planned", "campanile resume news@"]);
        let accepted = place
            .log()
            .iter()
            .filter(|line| line["state"] == "accepted")
            .count();
        assert_eq!(
            accepted,
            vendor.ledger().len(),
            "what was under way came home"
        );
        assert!(
            place
                .log()
                .iter()
                .all(|line| ["accepted", "pending"].contains(&line["state"].as_str().unwrap()))
        );

        place
            .run(&["run", "news", "--yes"])
            .assert(4, &["is paused", "campanile resume news@"]);
        place
            .run(&["resume", "news"])
            .assert(0, &["300 planned = 300 accepted"]);
        vendor.assert_each_once(300);
        place
            .run(&["resume", "news"])
            .assert(0, &["nothing left to send"]);
    }
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_loses_nothing() {
    let vendor = Vendor::start(&["--latency", "5s"]);
    let place = Place::with_news(&vendor.endpoint(), 40);
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(20);
    running.signal(Signal::INT);
    while !place
        .run(&["run", "news", "--yes"])
        .err
        .contains("is paused (Ctrl-C)")
    {
        pause();
    }
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    place
        .run(&["run", "news", "--yes"])
        .assert(4, &["is paused (Ctrl-C)", "campanile resume news@"]);
    vendor.end();
}

#[test]
fn a_dead_server_is_waited_for() {
    let vendor = Vendor::start(&[]);
    let (endpoint, address) = (vendor.endpoint(), vendor.endpoint().replace("http://", ""));
    vendor.end();
    let place = Place::with_news(&endpoint, 20);
    let running = place.start(&["run", "news", "--yes"]);
    while !place
        .run(&["log", "news", "-o", "jsonl"])
        .out
        .contains("\"error_info\":\"")
    {
        pause();
    }
    assert!(
        place
            .run(&["log", "news", "-o", "jsonl"])
            .out
            .contains("cannot connect: Connection refused")
    );
    let vendor = Vendor::listen(&address, &[]);
    running.end().assert(0, &["20 planned = 20 accepted"]);
    vendor.assert_each_once(20);
}

#[test]
fn a_wrong_secret_stops_the_run_and_is_not_told() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 300);
    let wrong = "a-secret-that-nobody-may-see";
    let output = place
        .command(&["run", "news", "--yes"])
        .env("CAMPANILE_SECRET_KEY", wrong)
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(
        said.contains("70009") && said.contains("campanile resume news@"),
        "{said}"
    );
    assert!(vendor.arrivals() < 30);

    place
        .run(&["resume", "news"])
        .assert(0, &["300 planned = 300 accepted"]);
    vendor.assert_each_once(300);
    for file in fs::read_dir(place.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
    {
        let bytes = fs::read(&file).unwrap();
        let holds = |text: &str| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        assert!(
            !holds(wrong) && !holds("usersig=") && !holds("TLS.sig"),
            "{}",
            file.display()
        );
    }
    assert!(
        !said.contains(wrong) && !said.contains("usersig="),
        "{said}"
    );
}

#[test]
fn a_refused_group_is_named_and_the_others_get_theirs() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 5);
    place.write(
        "audiences/groups.csv",
        "group,city\ng1,A\ngMISSING,B\ng2,C\n",
    );
    place
        .run(&["run", "news", "--yes"])
        .assert(5, &["is partial: 3 planned = 2 accepted + 1 refused"]);
    let ended = place.run(&["log", "news", "--group", "gMISSING"]);
    ended.assert(0, &["refused", "code 10010"]);
    assert_eq!(ended.out.lines().count(), 1);
}

/// The file may be edited while it is sent.
#[test]
fn an_open_run_is_gone_on_with_on_the_lane_it_was_planned_for() {
    let vendor = Vendor::start(&["--latency", "50ms"]);
    let place = Place::with_news(&vendor.endpoint(), 600);
    let first = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(1);
    place.write(
        "campaigns/news.yaml",
        "audience: { group_files: [audiences/groups.csv] }\nsend: { notification: { text: \"Hi\" } }\n",
    );
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["sends on this lane", "600 accepted"]);
    first.end().assert(0, &["600 accepted"]);
    vendor.assert_each_once(600);
}

#[test]
fn two_processes_never_share_a_lane() {
    let vendor = Vendor::start(&["--latency", "50ms"]);
    let place = Place::with_news(&vendor.endpoint(), 600);
    let first = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(1);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["process ", "sends on this lane", "600 accepted"]);
    first.end().assert(0, &["600 accepted"]);
    vendor.assert_each_once(600);
}

#[test]
fn following_a_run_ends_with_it() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 100);
    let run = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(10);
    let followed = place.run(&["log", "news", "-f", "-o", "jsonl"]);
    run.end().assert(0, &[]);
    assert_eq!(followed.out.lines().count(), 100);
    assert!(
        followed
            .out
            .lines()
            .all(|line| line.contains("\"state\":\"accepted\""))
    );
}

#[test]
fn nobody_reading_the_log_is_no_failure() {
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = Place::with_news(&vendor.endpoint(), 3_000);
    place.write(
        "campanile.yaml",
        &settings(&format!(
            "endpoint: {}\n    limits: {{ group_message: 2000 }}",
            vendor.endpoint()
        )),
    );
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["3,000 accepted"]);
    let mut log = place.start(&["log", "news"]);
    let mut first = [0_u8; 64];
    log.child()
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    drop(log.child().stdout.take());
    assert!(log.child().wait().unwrap().success());
}

#[test]
fn a_run_asks_before_it_sends() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    place.run(&["run", "news"]).assert(
        4,
        &["nobody is here to be asked", "campanile run news --yes"],
    );
    assert!(vendor.ledger().is_empty());
    place
        .run(&["log", "news"])
        .assert(1, &["there is no run `news`"]);
}

#[test]
fn the_first_run_against_the_real_vendor_needs_force() {
    let place = Place::with_news("https://127.0.0.1:1", 3);
    place.run(&["run", "news", "--yes"]).assert(
        4,
        &[
            "first run of the journal",
            "campanile run news --yes --force",
        ],
    );
    assert!(!KEY.is_empty());
}

#[test]
fn deliveries_that_are_gone_are_not_done() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 300);
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(40);
    running.signal(Signal::INT);
    running.end().assert(130, &[]);
    let spoilt = std::process::Command::new("python3")
        .args(["-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM delivery WHERE number = 299'); c.commit()"])
        .arg(place.path().join("campanile.db"))
        .status()
        .unwrap();
    assert!(spoilt.success());
    place
        .run(&["resume", "news"])
        .assert(1, &["damaged", "299 deliveries of 300 planned"]);
    place.run(&["log", "news"]).assert(1, &["damaged"]);
}

#[test]
fn a_run_pauses_after_its_first_calls() {
    let place = Place::with_news("http://127.0.0.1:9", 20);
    let news = std::fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap();
    place.write(
        "campaigns/news.yaml",
        &format!("{news}delivery: {{ pause_after: 7 }}\n"),
    );
    let run = ["run", "news", "--sandbox", "--yes"];
    let told = [
        "is paused",
        "7 accepted",
        "13 pending",
        "campanile resume news@",
    ];
    place.run(&run).assert(6, &told);
    assert_eq!(place.sandbox_ledger().len(), 7);
    let again = [
        "is paused (the calls of `pause_after` are out)",
        "campanile resume",
    ];
    place.run(&run).assert(4, &again);
    place
        .run(&["resume", "news", "--sandbox"])
        .assert(0, &["20 accepted"]);
    assert_eq!(place.sandbox_ledger().len(), 20);
}

#[test]
fn nothing_begins_outside_the_window() {
    let place = Place::with_news("http://127.0.0.1:9", 3);
    let news = std::fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap();
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let minutes = i64::try_from(since.as_secs() / 60).unwrap();
    let hour = |from_now: i64| {
        let minutes = minutes + from_now * 60;
        format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
    };
    let window = |from: i64, to: i64| format!("\"{}-{}\"", hour(from), hour(to));
    let with = |window: &str| format!("timezone: UTC\n{news}delivery: {{ window: {window} }}\n");
    place.write("campaigns/news.yaml", &with(&window(2, 4)));
    let run = ["run", "news", "--sandbox", "--yes"];
    let mut waiting = place.start(&run);
    let told = waiting.line_with("waiting until");
    let until = format!("{} UTC (window ", hour(2));
    assert!(told.contains(&until), "{told}");
    place
        .run(&["status", "--sandbox"])
        .assert(0, &["being sent", "waiting until", &until]);
    waiting.signal(rustix::process::Signal::INT);
    let ended = waiting.end();
    ended.assert(130, &["3 pending"]);
    assert!(!ended.err.contains("waiting until"), "{ended:?}");
    assert_eq!(place.sandbox_ledger().len(), 0);
    place.write("campaigns/other.yaml", &with(&window(-2, 2)));
    place
        .run(&["run", "other", "--sandbox", "--yes"])
        .assert(0, &["3 accepted"]);
}
