//! What did not get through and is sent again by a person: how often it arrives is counted at the far side.

use super::place::{Ended, Place, Running, pause, settings};
use super::sandbox::ask;
use super::vendor::Vendor;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

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
    fn remembering(groups: usize, deduplication: &str, faults: &str) -> Story {
        let options = ["--deduplication", deduplication, "--fault", faults];
        let story = Story::new(groups, &options);
        let place = format!(
            "endpoint: {}\n    limits: {{ deduplication: {deduplication} }}",
            story.vendor.endpoint()
        );
        story.place.write("campanile.yaml", &settings(&place));
        story
    }

    fn campaign(&self, rest: &str) {
        let audience = "audience: { group_files: [audiences/groups.csv] }";
        self.place
            .write("campaigns/news.yaml", &format!("{audience}\n{rest}\n"));
    }

    fn faults(&self, faults: &str) {
        let (status, said) = ask(&self.vendor, "POST", "/sandbox/faults", faults);
        assert_eq!(status, 200, "{said}");
    }

    fn run(&self) -> Ended {
        self.place.run(&["run", "news", "--yes"])
    }

    fn retry(&self, state: &str, options: &[&str]) -> Ended {
        let words = ["retry", "news", "--state", state];
        self.place.run(&[&words, options].concat())
    }

    /// The first calls all meet the faults; from then on `then` goes wrong.
    fn begun(&self, then: &str) -> Running {
        let running = self.place.start(&["run", "news", "--yes"]);
        self.vendor.wait_for(self.groups as u64);
        self.faults(then);
        running
    }

    fn count(&self, state: &str) -> usize {
        let lines = self.place.log();
        lines.iter().filter(|line| line["state"] == state).count()
    }

    #[track_caller]
    fn assert_all(&self, state: &str, reason: &str) {
        let lines = self.place.log();
        assert_eq!(lines.len(), self.groups, "a line for each delivery");
        for line in lines {
            let why = line["reason"].as_str().unwrap_or_default();
            assert!(line["state"] == state && why.contains(reason), "{line}");
        }
    }

    #[track_caller]
    fn assert_each_once(&self) {
        self.vendor.assert_each_once(self.groups);
        self.assert_doubled(0);
    }

    #[track_caller]
    fn assert_doubled(&self, count: usize) {
        let statistics = self.vendor.statistics();
        assert_eq!(statistics["doubled"], count, "{statistics}");
    }

    fn arrivals(&self) -> u64 {
        self.vendor.arrivals()
    }
}

#[test]
fn what_was_refused_is_sent_again_within_its_run() {
    let story = Story::new(30, &["--seed", "5", "--fault", "code_10017=40%"]);
    story.run().assert(5, &["refused"]);
    let refused = story.count("refused");
    assert!((3..27).contains(&refused), "{refused}");
    story.faults("none");

    let command = "campanile retry news --state refused --yes";
    let says = format!("{refused} of 30 deliveries were refused and will be sent again");
    let asked = story.retry("refused", &[]);
    asked.assert(4, &[&says, "nobody is here to be asked", command]);
    assert_eq!(story.count("refused"), refused, "nothing was sent");

    let one = story.place.log();
    let one = one.iter().find(|line| line["state"] == "refused").unwrap();
    let group = one["group"].as_str().unwrap();
    story
        .retry("refused", &["--yes", "--group", group])
        .assert(5, &["1 of 30 deliveries was refused"]);
    assert_eq!(story.count("refused"), refused - 1);

    let before = story.arrivals();
    let ended = story.retry("refused", &["--yes", "-o", "json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let expected = json!([30, 30, 0, 0, "done"]);
    let told = ["planned", "accepted", "refused", "pending", "state"].map(|key| &report[key]);
    assert_eq!(json!(told), expected);
    assert_eq!(story.arrivals() - before, refused as u64 - 1);
    story.assert_each_once();
    story.assert_all("accepted", "");
    let again = story.place.log();
    let again = again.iter().filter(|line| line["attempts"] == 2);
    assert!(
        again
            .clone()
            .all(|line| { line["reason"].as_str().unwrap().contains("retried after") })
    );
    assert_eq!(again.count(), refused);

    let none = story.retry("refused", &["--yes"]);
    none.assert(
        0,
        &["no delivery of news@", "is refused; nothing is sent again"],
    );
    let none = story.retry("failed", &["-o", "json"]);
    let report: Value = serde_json::from_str(&none.out).unwrap();
    assert_eq!((none.code, &report["accepted"]), (0, &json!(30)));
    assert_eq!(story.arrivals() - before, refused as u64 - 1);
}

#[test]
fn what_failed_begins_with_all_its_attempts() {
    let story = Story::new(3, &["--fault", "code_60004=100%"]);
    story.campaign("send: { group_message: { text: \"x\" } }\ndelivery: { attempts: 2 }");
    let running = story.place.start(&["run", "news", "--yes"]);
    story.vendor.wait_for(6);
    let ended = running.end();
    ended.assert(5, &["3 failed"]);
    story.retry("failed", &["--yes"]).assert(5, &["3 failed"]);
    story.assert_all("failed", "retried after it had failed (2 attempts used up");
    assert_eq!(story.arrivals(), 12, "two each time");
    story.faults("none");
    story.retry("failed", &["--yes"]).assert(0, &["3 accepted"]);
    story.assert_each_once();
}

#[test]
fn what_was_too_late_is_sent_when_a_person_wants_it() {
    let story = Story::new(6, &[]);
    story.campaign(
        "name: news\nschedule: { cron: \"0 9 * * *\", finish_within: 1s }\n\
         send: { group_message: { text: \"x\" } }\ndelivery: { rate: 2 }",
    );
    story.run().assert(0, &["skipped"]);
    assert!(
        story.count("skipped") > 0,
        "six at two a second take longer"
    );
    let says = ["`finish_within` is over", "6 accepted"];
    story.retry("skipped", &["--yes"]).assert(0, &says);
    story.assert_each_once();
}

#[test]
fn what_the_plan_left_out_stays_left_out() {
    let story = Story::new(0, &[]);
    story.place.write(
        "campaigns/news.yaml",
        "audience: { groups: [g0, g1], member_files: [audiences/m.csv] }\n\
         send: { group_message: { text: \"x\" } }\n",
    );
    story
        .place
        .write("audiences/m.csv", "group,member\ng0,ann\n");
    story.run().assert(0, &["1 accepted", "1 skipped"]);
    story.retry("skipped", &["--yes"]).assert(
        0,
        &["1 that the plan itself left out", "nothing is sent again"],
    );
    assert_eq!(story.arrivals(), 1);
}

#[test]
fn what_is_proved_absent_needs_no_force_and_arrives_once() {
    let story = Story::remembering(8, "1s", "lost_before=100%");
    story.begun("none").end().assert(5, &["8 unknown"]);
    let says = [
        "8 of 8 deliveries are unknown",
        "proved absent",
        "8 accepted",
    ];
    story.retry("unknown", &["--yes"]).assert(0, &says);
    story.assert_each_once();
}

#[test]
fn what_may_arrive_twice_needs_force_and_is_told() {
    // Half of it arrives, and no history holds any of it.
    let story = Story::remembering(12, "1s", "lost_before=50%,lost_reply=50%");
    story.campaign("send: { group_message: { text: \"x\", online_only: true } }");
    story.begun("none").end().assert(5, &["12 unknown"]);
    let arrived = story.vendor.ledger().len();
    assert!((1..12).contains(&arrived), "{arrived}");
    let says = [
        "12 of 12 deliveries are unknown",
        "nobody can tell whether they were delivered: 12",
        "people may get the message twice",
        "campanile retry news --state unknown --yes --force",
    ];
    story.retry("unknown", &["--yes"]).assert(4, &says);
    story.assert_doubled(0);
    story
        .retry("unknown", &["--force"])
        .assert(4, &["nobody is here to be asked"]);
    story
        .retry("unknown", &["--yes", "--force"])
        .assert(0, &["12 accepted"]);
    story.assert_doubled(arrived);
    assert_eq!(story.vendor.ledger().len(), 12 + arrived);
    story.assert_all("accepted", "retried after it was unknown");
}

/// What may have arrived is never called undelivered, however its next attempts fail.
#[test]
fn a_retry_that_fails_leaves_the_doubt() {
    let story = Story::remembering(4, "1s", "lost_reply=100%");
    story.campaign(
        "send: { group_message: { text: \"x\", online_only: true } }\ndelivery: { attempts: 1 }",
    );
    story
        .begun("code_10017=100%")
        .end()
        .assert(5, &["4 unknown"]);
    let retry = ["--yes", "--force"];
    story.retry("unknown", &retry).assert(5, &["4 unknown"]);
    story.faults("drop=100%");
    story.retry("unknown", &retry).assert(5, &["4 unknown"]);
    for state in ["refused", "failed", "skipped"] {
        story
            .retry(state, &["--yes"])
            .assert(0, &["nothing is sent again"]);
    }
    story.assert_each_once();
}

#[test]
fn an_unknown_notification_may_double_and_says_so() {
    let story = Story::new(3, &["--fault", "lost_reply=100%"]);
    story.campaign("send: { notification: { text: \"x\" } }");
    story.begun("none").end().assert(5, &["3 unknown"]);
    let says = [
        "the vendor never tells a repeated notification from a new one",
        "--force",
    ];
    story.retry("unknown", &["--yes"]).assert(4, &says);
    assert_eq!(story.arrivals(), 3);
}

#[test]
fn an_unknown_broadcast_is_never_sent_again() {
    let story = Story::remembering(1, "1s", "lost_reply=100%");
    story.place.write(
        "campaigns/news.yaml",
        "send: { broadcast: { text: \"x\" } }\n",
    );
    let running = story.place.start(&["run", "news", "--yes", "--force"]);
    story.vendor.wait_for(1);
    story.faults("none");
    running.end().assert(5, &["1 unknown"]);
    story
        .retry("unknown", &["--yes", "--force"])
        .assert(1, &["an unknown broadcast is not sent again"]);
    assert_eq!(story.arrivals(), 1);
}

#[test]
fn a_refused_broadcast_is_sent_again_with_force() {
    let story = Story::new(1, &["--fault", "code_10016=100%"]);
    story.place.write(
        "campaigns/news.yaml",
        "send: { broadcast: { text: \"x\" } }\n",
    );
    let ended = story.place.run(&["run", "news", "--yes", "--force"]);
    assert!(
        ended.code == 5 && ended.out.contains("1 refused"),
        "{ended:?}"
    );
    story.faults("none");
    story
        .retry("refused", &["--yes"])
        .assert(4, &["everybody in every live room", "--yes --force"]);
    story
        .retry("refused", &["--yes", "--force"])
        .assert(0, &["1 accepted"]);
}

/// Delivered, but the reply was lost; then the repetition is answered with what says that it was not.
#[test]
fn what_arrived_is_not_sent_again_for_what_its_repetition_was_answered() {
    let traps = ["drop=100%", "code_10023=100%", "code_10017=100%"];
    let history = ["", ", online_only: true"];
    let cases = traps
        .iter()
        .flat_map(|trap| history.map(|options| (trap, options)));
    thread::scope(|scope| {
        for (trap, options) in cases {
            scope.spawn(move || {
                let story = Story::remembering(5, "15s", "lost_reply=100%");
                story.campaign(&format!(
                    "send: {{ group_message: {{ text: \"x\"{options} }} }}"
                ));
                let running = story.begun(trap);
                story.vendor.wait_for(10);
                story.faults("none");
                let ended = running.end();
                let states: BTreeMap<String, usize> = ["accepted", "unknown"]
                    .map(|state| (state.to_owned(), story.count(state)))
                    .into();
                assert_eq!(states.values().sum::<usize>(), 5, "{trap}: {ended:?}");
                for state in ["refused", "failed", "skipped"] {
                    story
                        .retry(state, &["--yes"])
                        .assert(0, &["nothing is sent again"]);
                }
                story.assert_each_once();
            });
        }
    });
}

#[test]
fn what_is_open_has_to_be_paused_first() {
    let story = Story::new(400, &["--fault", "code_10017=20%"]);
    let running = story.place.start(&["run", "news", "--yes"]);
    story.vendor.wait_for(20);
    story
        .retry("refused", &["--yes"])
        .assert(4, &["is open", "pause it first: campanile pause news@"]);
    running.signal(Signal::INT);
    running.end().assert(130, &["paused"]);
    story.faults("none");
    let says = [
        "were refused and will be sent again",
        "that had not ended",
        "400 accepted",
    ];
    story.retry("refused", &["--yes"]).assert(0, &says);
    story.assert_each_once();
}

#[test]
fn whoever_holds_the_lane_sends_what_is_wanted_again() {
    let story = Story::new(12, &["--fault", "code_10017=100%"]);
    story.campaign("send: { group_message: { text: \"x\" } }");
    let first = story.run();
    assert!(first.code == 5 || first.code == 6, "{first:?}");
    story.faults("none");
    let rows: Vec<String> = (0..1_500).map(|number| format!("b{number}")).collect();
    story.place.write(
        "audiences/big.csv",
        &format!("group\n{}\n", rows.join("\n")),
    );
    story.place.write(
        "campaigns/big.yaml",
        "audience: { group_files: [audiences/big.csv] }\nsend: { group_message: { text: \"y\" } }\n",
    );
    let holder = story.place.start(&["run", "big", "--yes"]);
    story.vendor.wait_for(story.arrivals() + 20);
    story
        .retry("refused", &["--yes"])
        .assert(0, &["sends on this lane", "12 accepted"]);
    assert!(
        story.vendor.ledger().len() < 1_512,
        "the holder is not done"
    );
    holder.end().assert(0, &["1,500 accepted"]);
    story.vendor.assert_each_once(1_512);
    story.assert_doubled(0);
}

/// Killed anywhere, and once more, until it is done; two at once now and then.
#[test]
fn a_retry_that_is_killed_can_be_made_again() {
    let story = Story::new(
        200,
        &[
            "--limit",
            "2000",
            "--seed",
            "7",
            "--fault",
            "code_10017=60%",
        ],
    );
    story.run().assert(5, &["refused"]);
    story.faults("lost_reply=10%");
    let mut killed = 0;
    for round in 0..60 {
        let resumes = ["resume", "news"];
        let retries = ["retry", "news", "--state", "refused", "--yes"];
        let words: &[&str] = if round % 3 == 2 { &resumes } else { &retries };
        let mut one = story.place.start(words);
        let two = (round % 7 == 0).then(|| story.place.start(&retries));
        thread::sleep(Duration::from_millis(10 + round * 4));
        if one.child().try_wait().unwrap().is_none() {
            one.signal(Signal::KILL);
            killed += 1;
        }
        if let Some(two) = two {
            two.signal(Signal::KILL);
        }
    }
    assert!(killed > 5, "{killed} were killed");
    story.faults("none");
    story.place.run(&["resume", "news"]);
    story.retry("refused", &["--yes"]);
    story.assert_all("accepted", "");
    story.assert_each_once();
}

/// Of two who begin at once none harms the other.
#[test]
fn two_retries_at_once_send_it_once() {
    let story = Story::new(40, &["--fault", "code_10017=50%"]);
    story.run().assert(5, &["refused"]);
    story.faults("none");
    let words = ["retry", "news", "--state", "refused", "--yes"];
    let both: Vec<Running> = (0..4).map(|_| story.place.start(&words)).collect();
    for ended in both.into_iter().map(Running::end) {
        let is_understood = [0, 4, 75].contains(&ended.code);
        assert!(is_understood, "{ended:?}");
    }
    while story.count("accepted") < 40 {
        story.retry("refused", &["--yes"]);
        story.place.run(&["resume", "news"]);
        pause();
    }
    story.assert_each_once();
}

#[test]
fn the_log_tells_whether_a_group_got_it_and_why_not() {
    let story = Story::new(6, &["--fault", "stall=100%"]);
    let running = story.begun("none");
    running.signal(Signal::KILL);
    drop(running.end());
    let log = |words: &[&str]| story.place.run(&[&["log", "news"], words].concat());
    log(&["--group", "g7"]).assert(
        1,
        &[
            "no delivery to g7 in news@",
            ": its audience does not name it (its audience had 6 groups)",
            "did you mean `g",
        ],
    );
    let json = log(&["--group", "nobody", "-o", "json"]);
    assert_eq!((json.code, json.out.as_str()), (1, "[]\n"));
    let in_flight = "in_flight  g1  an attempt is on its way";
    log(&["--group", "g1"]).assert(0, &[in_flight]);
    log(&["--group", "g1", "--state", "failed,accepted"]).assert(0, &["g1 is `in_flight`"]);
    let two = log(&["--state", "failed,in_flight"]);
    assert_eq!(two.out.lines().count(), 6, "{two:?}");
    story
        .place
        .run(&["resume", "news"])
        .assert(0, &["6 accepted"]);
    story.assert_each_once();
}
