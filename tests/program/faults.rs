//! Each fault of the sandbox alone, and all together: what the log says is what the far side has, and nobody got a
//! message twice.

use super::answers::{far_side, refusal};
use super::place::{Place, Running, settings, wait_until};
use super::sandbox::ask;
use super::vendor::Vendor;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

const STATES: [&str; 6] = [
    "accepted", "refused", "failed", "skipped", "unknown", "pending",
];

/// A campaign `news` on its way to a sandbox.
struct Story {
    vendor: Vendor,
    place: Place,
    groups: usize,
}

impl Story {
    fn new(groups: usize, options: &[&str]) -> Story {
        let vendor = Vendor::start(options);
        let place = Place::with_news(&vendor.endpoint(), groups);
        Story {
            vendor,
            place,
            groups,
        }
    }

    /// Both sides agree that a `Random` is remembered for so long.
    fn remembering(groups: usize, deduplication: &str, options: &[&str]) -> Story {
        let options = [&["--deduplication", deduplication], options].concat();
        let story = Story::new(groups, &options);
        story.limit(&format!("deduplication: {deduplication}"));
        story
    }

    fn limit(&self, limits: &str) {
        let app = format!(
            "endpoint: {}\n    limits: {{ {limits} }}",
            self.vendor.endpoint()
        );
        self.place.write("campanile.yaml", &settings(&app));
    }

    fn send(&self, message: &str, delivery: &str) {
        self.place.write(
            "campaigns/news.yaml",
            &format!(
                "audience: {{ group_files: [audiences/groups.csv] }}\n\
                 send: {{ group_message: {{ {message} }} }}\n\
                 delivery: {{ {delivery} }}\n"
            ),
        );
    }

    fn start(&self) -> Running {
        self.place
            .start(&["run", "news", "--yes", "--output", "json"])
    }

    fn run(&self) -> Told {
        self.end(self.start())
    }

    fn resume(&self) -> Told {
        let resumed = self.place.start(&["resume", "news", "--output", "json"]);
        self.end(resumed)
    }

    /// From now on this goes wrong.
    fn faults(&self, faults: &str) {
        let (status, said) = ask(&self.vendor, "POST", "/sandbox/faults", faults);
        assert_eq!(status, 200, "{said}");
    }

    /// What came of it, after it was compared with what the far side has.
    #[track_caller]
    fn end(&self, running: Running) -> Told {
        let ended = running.end();
        let report: Value =
            serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        let lines = self.place.log();
        let told = Told {
            code: ended.code,
            err: ended.err,
            report,
            lines,
        };
        told.assert_balance(self.groups);
        told.assert_true(&self.vendor);
        told
    }
}

/// What the program says of a run.
struct Told {
    code: i32,
    err: String,
    report: Value,
    lines: Vec<Value>,
}

impl Told {
    fn count(&self, state: &str) -> usize {
        let lines = self.lines.iter();
        lines.filter(|line| line["state"] == state).count()
    }

    /// What has not ended is pending, also where an attempt may have arrived.
    fn ends(&self) -> [(&'static str, usize); 6] {
        let pending = self.count("pending") + self.count("in_flight");
        STATES.map(|state| match state {
            "pending" => (state, pending),
            end => (end, self.count(end)),
        })
    }

    fn attempts(&self) -> u64 {
        let attempts = self.lines.iter().map(|line| line["attempts"].as_u64());
        attempts.map(Option::unwrap).sum()
    }

    /// Planned is the sum of the states, and the log has a line for each delivery.
    #[track_caller]
    fn assert_balance(&self, groups: usize) {
        assert_eq!(self.report["planned"], groups, "{}", self.err);
        assert_eq!(self.lines.len(), groups);
        let named: HashMap<_, _> = self.lines.iter().map(|line| (group(line), line)).collect();
        assert_eq!(named.len(), groups, "each group has a line of its own");
        for (state, count) in self.ends() {
            assert_eq!(self.report[state], count, "{state}: {}", self.err);
        }
        let sum: usize = self.ends().iter().map(|(_, count)| count).sum();
        assert_eq!(sum, groups, "an end that nobody knows");
    }

    /// What is called accepted is stored once, with the `Random` and number it is said to have; what is called
    /// undelivered is not stored; nothing is stored twice.
    #[track_caller]
    fn assert_true(&self, vendor: &Vendor) {
        let mut stored: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in vendor.ledger() {
            stored.entry(group(&record)).or_default().push(record);
        }
        for line in &self.lines {
            let records = stored.remove(&group(line)).unwrap_or_default();
            match line["state"].as_str().unwrap() {
                "accepted" => {
                    assert_eq!(records.len(), 1, "{line}: {records:?}");
                    assert_eq!(records[0]["random"], line["random"], "{line}");
                }
                "unknown" | "in_flight" => assert!(records.len() < 2, "{line}: {records:?}"),
                _ => assert_eq!(records, Vec::<Value>::new(), "{line}"),
            }
        }
        assert_eq!(stored, BTreeMap::new(), "nobody planned that");
        let statistics = vendor.statistics();
        assert_eq!(
            (&statistics["doubled"], &statistics["collisions"]),
            (&json!(0), &json!(0)),
            "{statistics}"
        );
    }

    #[track_caller]
    fn assert_all(&self, state: &str, reason: &str) {
        for line in &self.lines {
            let told = line["reason"].as_str().unwrap_or_default();
            assert!(
                line["state"] == state && told.contains(reason),
                "{line}: {}",
                self.err
            );
        }
    }
}

/// What is waited for in one of them is waited for in all.
fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || test(case));
        }
    });
}

fn group(line: &Value) -> String {
    line["group"].as_str().unwrap().to_owned()
}

/// A fault that a share of all calls meets, and where deliveries end that meet it.
struct Alone {
    fault: &'static str,
    share: &'static str,
    groups: usize,
    ends: &'static [&'static str],
}

const ACCEPTED: &[&str] = &["accepted"];

/// What takes effect and is not told so: it is repeated under its `Random`. All else goes out under a new one.
const ARRIVES: [&str; 7] = [
    "lost_reply",
    "stall",
    "html",
    "html_502",
    "huge",
    "internal",
    "timeout",
];

const fn alone(fault: &'static str, ends: &'static [&'static str]) -> Alone {
    Alone {
        fault,
        share: "25%",
        groups: 30,
        ends,
    }
}

/// Those whose answer is waited for long meet few groups.
const ALONE: [Alone; 20] = [
    alone("lost_reply", ACCEPTED),
    alone("lost_before", ACCEPTED),
    alone("html", ACCEPTED),
    alone("html_502", ACCEPTED),
    alone("http_500", ACCEPTED),
    alone("huge", ACCEPTED),
    alone("internal", ACCEPTED),
    alone("internal_before", ACCEPTED),
    alone("timeout", ACCEPTED),
    alone("timeout_before", ACCEPTED),
    alone("throttle", ACCEPTED),
    alone("group_throttle", ACCEPTED),
    alone("drop", ACCEPTED),
    alone("code_10017", &["accepted", "refused"]),
    alone("code_10016", &["accepted", "refused"]),
    alone("code_55555", ACCEPTED),
    Alone {
        share: "8%",
        ..alone("code_20002", ACCEPTED)
    },
    Alone {
        share: "8%",
        ..alone("expired", ACCEPTED)
    },
    Alone {
        groups: 8,
        ..alone("slow", ACCEPTED)
    },
    Alone {
        groups: 8,
        ..alone("stall", ACCEPTED)
    },
];

#[test]
fn each_fault_alone_leaves_every_delivery_where_it_belongs() {
    at_once(&ALONE, met);
}

fn met(alone: &Alone) {
    let Alone {
        fault,
        share,
        groups,
        ends,
    } = alone;
    let faults = format!("{fault}={share}");
    let story = Story::new(*groups, &["--seed", "5", "--fault", &faults]);
    let told = story.run();
    let is_expected = |line: &Value| ends.contains(&line["state"].as_str().unwrap());
    let odd = told.lines.iter().find(|line| !is_expected(line));
    assert!(odd.is_none(), "{fault}: {odd:?}\n{}", told.err);
    let code = if ends.contains(&"refused") { 5 } else { 0 };
    assert_eq!(told.code, code, "{fault}: {}", told.err);
    let statistics = story.vendor.statistics();
    let times = statistics["faults"][*fault].as_u64();
    assert!(times > Some(0), "{fault} was not met: {statistics}");
    if ends.contains(&"refused") {
        assert_eq!(times, Some(told.count("refused") as u64), "{fault}");
    }
    let repeated = times.filter(|_| ARRIVES.contains(fault)).unwrap_or(0);
    assert_eq!(statistics["duplicates"], repeated, "{fault}: {statistics}");
}

#[test]
fn what_befalls_the_whole_path_alone_loses_and_doubles_nothing() {
    let faults = ["delay=0ms-300ms", "stall_path=300ms/1s", "refuse=300ms/1s"];
    at_once(faults, |faults| {
        let story = Story::new(150, &["--fault", faults]);
        let told = story.run();
        assert_eq!(told.code, 0, "{faults}: {}", told.err);
        told.assert_all("accepted", "");
    });
}

/// A refusal of what may have arrived is looked up, which a shorter memory brings forward.
#[test]
fn all_faults_together_lose_and_double_nothing() {
    let faults = "lost_reply=4%,lost_before=3%,html=2%,html_502=2%,http_500=2%,huge=2%,internal=3%,\
                  internal_before=2%,timeout=3%,timeout_before=2%,throttle=2%,group_throttle=2%,drop=4%,\
                  expired=1%,code_10017=3%,code_55555=2%,slow=1%,stall=1%,delay=0ms-60ms,\
                  stall_path=200ms/700ms";
    let story = Story::remembering(200, "30s", &["--seed", "3", "--fault", faults]);
    let running = story.start();
    story.vendor.wait_for(60);
    story.faults(&format!("{faults},refuse=300ms"));
    let accepted = || {
        story
            .place
            .log()
            .iter()
            .filter(|line| line["state"] == "accepted")
            .count()
    };
    wait_until("150 accepted", || accepted() >= 150);
    story.faults("none");
    let told = story.end(running);
    assert_eq!(told.code, 5, "{}", told.err);
    assert_eq!(told.count("accepted") + told.count("refused"), 200);
    let met = story.vendor.statistics()["faults"].clone();
    assert_eq!(met.as_object().unwrap().len(), 18, "{met}");
}

/// Also where a repetition is refused while the attempt before it may have arrived.
#[test]
fn nothing_is_lost_or_doubled_under_any_reading_of_the_deduplication() {
    let readings: [&[&str]; 7] = [
        &["--dedup-scope", "group"],
        &["--dedup-key", "sender"],
        &["--dedup-key", "content"],
        &["--dedup-answer", "new_seq"],
        &["--dedup-answer", "error"],
        &["--dedup-registers", "dropped"],
        &["--dedup-registers", "refused"],
    ];
    let faults = "lost_reply=15%,drop=15%,group_throttle=5%,html_502=5%,internal=5%,code_10017=8%";
    at_once(readings, |reading| {
        let options = [&["--seed", "2", "--fault", faults], reading].concat();
        let story = Story::remembering(50, "15s", &options);
        let running = story.start();
        story.vendor.wait_for(60);
        story.faults("none");
        let told = story.end(running);
        assert_eq!(told.code, 5, "{reading:?}: {}", told.err);
        let settled = told.count("accepted") + told.count("refused");
        assert_eq!(settled, 50, "{reading:?}: {}", told.report);
    });
}

/// Its own was used up, if the vendor registers that of a message it drops.
#[test]
fn what_was_dropped_goes_out_with_a_new_random() {
    let options = ["--dedup-registers", "dropped", "--fault", "drop=100%"];
    let story = Story::new(8, &options);
    let told = lost(&story);
    assert_eq!(told.code, 0, "{}", told.err);
    told.assert_all("accepted", "");
    assert_eq!(told.attempts(), 16);
    assert_eq!(story.vendor.statistics()["duplicates"], 0);
}

/// What is answered with 10004 for its `Random` has arrived before.
#[test]
fn a_repetition_that_is_refused_is_found_in_the_history() {
    let options = ["--dedup-answer", "error", "--fault", "lost_reply=100%"];
    let story = Story::remembering(8, "15s", &options);
    let told = lost(&story);
    assert_eq!(told.code, 0, "{}", told.err);
    told.assert_all("accepted", "found in the group's history");
    assert_eq!(story.vendor.statistics()["refused"]["10004"], 8);
}

/// The first attempts all meet the fault, the others do not.
fn lost(story: &Story) -> Told {
    let running = story.start();
    story.vendor.wait_for(story.groups as u64);
    story.faults("none");
    story.end(running)
}

#[test]
fn what_can_be_repeated_no_more_is_found_in_the_history() {
    let story = Story::remembering(12, "1s", &["--fault", "lost_reply=100%"]);
    let told = lost(&story);
    assert_eq!(told.code, 0, "{}", told.err);
    told.assert_all("accepted", "found in the group's history");
    assert_eq!(told.attempts(), 12, "nothing was repeated");
    let ledger = story.vendor.ledger();
    let numbers: HashMap<_, _> = ledger
        .iter()
        .map(|record| (group(record), &record["msg_seq"]))
        .collect();
    for line in &told.lines {
        assert_eq!(numbers[&group(line)], &line["msg_seq"], "{line}");
    }
}

#[test]
fn what_is_proved_absent_is_left_unknown_unless_the_campaign_says_otherwise() {
    let story = Story::remembering(12, "1s", &["--fault", "lost_before=100%"]);
    let told = lost(&story);
    assert_eq!(told.code, 5, "{}", told.err);
    told.assert_all(
        "unknown",
        "no answer, and the group's history does not hold it",
    );
    assert_eq!(told.attempts(), 12, "nothing was repeated");

    let faults = "lost_before=60%,lost_reply=40%";
    let story = Story::remembering(14, "1s", &["--seed", "4", "--fault", faults]);
    story.send("text: \"Hello\"", "on_unknown: resend");
    let told = lost(&story);
    assert_eq!(told.code, 0, "{}", told.err);
    told.assert_all("accepted", "");
    let (again, found): (Vec<_>, Vec<_>) =
        told.lines.iter().partition(|line| line["reason"].is_null());
    assert!(again.iter().all(|line| line["attempts"].as_u64() > Some(1)));
    assert!(!again.is_empty() && !found.is_empty(), "{:?}", told.lines);
    story.vendor.assert_each_once(14);
}

#[test]
fn a_history_that_tells_nothing_leaves_it_unknown_and_says_why() {
    let rooms: Vec<String> = (0..6)
        .map(|number| format!("g{number},AVChatRoom"))
        .collect();
    let folder = Place::new();
    let rooms = folder.write("rooms.csv", &format!("group,type\n{}\n", rooms.join("\n")));
    let lost_reply = ["--fault", "lost_reply=100%"];
    let cases: [(&[&str], &str, &str); 3] = [
        (
            &["--groups", rooms.to_str().unwrap()],
            "text: \"Hello\"",
            "no answer, and the group keeps no history",
        ),
        (
            &[],
            "text: \"Hello\", online_only: true",
            "no answer while the vendor could still tell a repetition",
        ),
        (
            &["--history-lag", "10m"],
            "text: \"Hello\"",
            "no answer, and the group's history lags behind the group",
        ),
    ];
    at_once(cases, |(options, message, reason)| {
        let options = [&lost_reply[..], options].concat();
        let story = Story::remembering(6, "1s", &options);
        story.send(message, "on_unknown: resend");
        let told = lost(&story);
        assert_eq!(told.code, 5, "{}", told.err);
        told.assert_all("unknown", reason);
        assert_eq!(told.attempts(), 6, "nothing was repeated");
    });
}

/// As many as may be in flight when the answer comes that stops the run.
const FEW: u64 = 60;

/// A big run that is stopped by the first answers to it.
fn stopped(code: &str, words: &str) -> (Story, Told) {
    let faults = format!("code_{code}=100%");
    let story = Story::new(2_000, &["--limit", "5000", "--fault", &faults]);
    let told = story.run();
    assert_eq!(told.code, 6, "{code}: {}", told.err);
    for word in [code, words, "campanile resume news@"] {
        assert!(told.err.contains(word), "{word}: {}", told.err);
    }
    let arrivals = story.vendor.arrivals();
    assert!(arrivals < FEW, "{code}: {arrivals} calls");
    (story, told)
}

/// It is gone on with when that is mended.
fn mended(story: &Story) -> Told {
    story.faults("none");
    story.limit("group_message: 2000");
    story.resume()
}

#[test]
fn what_no_call_would_fare_better_with_stops_a_big_run_within_the_calls_in_flight() {
    let (_, told) = stopped("10026", "disabled for the app");
    told.assert_all("pending", "");
    let (story, told) = stopped("60020", "renew or raise the plan");
    told.assert_all("pending", "");
    let told = mended(&story);
    assert_eq!(told.code, 0, "{}", told.err);
    told.assert_all("accepted", "");
}

#[test]
fn refusals_alike_stop_a_big_run_and_stay_refused() {
    let refused = |told: &Told| {
        let refused = told.count("refused");
        assert!((5..60).contains(&refused), "{refused} refused");
        assert_eq!(told.count("pending"), 2_000 - refused);
        refused
    };
    refused(&stopped("10004", "5 answers in a row were alike").1);
    let (story, told) = stopped("80001", "5 answers in a row were alike");
    let refused = refused(&told);
    let told = mended(&story);
    assert_eq!(told.code, 5, "{}", told.err);
    assert_eq!(told.count("refused"), refused);
    assert_eq!(told.count("accepted"), 2_000 - refused);
}

#[test]
fn a_wrong_secret_stops_a_big_run_and_names_the_cause() {
    let story = Story::new(2_000, &["--limit", "5000"]);
    let mut command = story.place.command(&["run", "news", "--yes"]);
    let output = command.env("CAMPANILE_SECRET_KEY", "wrong").output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("check that `secret_key` is whole"), "{said}");
    let arrivals = story.vendor.arrivals();
    assert!(arrivals < FEW, "{arrivals} calls");
    assert!(story.vendor.ledger().is_empty());
}

/// A 403 of something in front of the vendor may be about the answer: what met it may have arrived.
#[test]
fn a_status_that_forbids_stops_the_run_and_leaves_the_rest() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let endpoint = far_side(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        (403, refusal(403, "no").1)
    });
    let place = Place::with_news(&endpoint, 2_000);
    let ended = place.run(&["run", "news", "--yes"]);
    ended.assert(6, &["forbids the call", "campanile resume news@"]);
    let calls = calls.load(Ordering::SeqCst) as usize;
    assert!((1..60).contains(&calls), "{calls} calls");
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for line in place.log() {
        *states.entry(line["state"].to_string()).or_default() += 1;
    }
    let expected = [("\"in_flight\"", calls), ("\"pending\"", 2_000 - calls)];
    let expected = expected.map(|(state, count)| (state.to_owned(), count));
    assert_eq!(states, BTreeMap::from(expected));
}

#[test]
fn nobody_hammers_a_server_that_goes_away_in_the_middle() {
    let story = Story::new(400, &[]);
    let running = story.start();
    story.vendor.wait_for(100);
    story.faults("refuse=1s");
    let told = story.end(running);
    assert_eq!(told.code, 0, "{}", told.err);
    told.assert_all("accepted", "");
    let further = told.attempts() - 400;
    assert!((1..60).contains(&further), "{further} further attempts");
}

#[test]
fn nobody_hammers_a_server_that_is_not_there_at_the_start() {
    let vendor = Vendor::start(&[]);
    let address = vendor.endpoint().replace("http://", "");
    let place = Place::with_news(&vendor.endpoint(), 300);
    vendor.end();
    let running = place.start(&["run", "news", "--yes", "--output", "json"]);
    let attempts = || {
        let lines = place.run(&["log", "news", "-o", "jsonl"]).out;
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        // One that is on its way may be taken back.
        let back = lines.filter(|line: &serde_json::Value| line["state"] == "pending");
        back.map(|line| line["attempts"].as_u64().unwrap())
            .sum::<u64>()
    };
    // By then it has waited twice.
    wait_until("three attempts", || attempts() >= 3);
    let story = Story {
        vendor: Vendor::listen(&address, &[]),
        place,
        groups: 300,
    };
    let told = story.end(running);
    assert_eq!(told.code, 0, "{}", told.err);
    told.assert_all("accepted", "");
    let further = told.attempts() - 300;
    assert!((2..10).contains(&further), "{further} further attempts");
}
