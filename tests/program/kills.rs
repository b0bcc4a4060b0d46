//! Senders that are killed and drained, over and over: what the sandbox's ledger holds afterwards, and what the log says
//! of a run that was disturbed and of one that was not.

use super::handover::held;
use super::place::{Place, Running, pause, settings, wait_until};
use super::vendor::Vendor;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// While the journal cannot be written nothing new leaves, so that whoever is killed then knows of every call.
#[test]
fn no_call_leaves_before_it_is_written_down() {
    // No answer comes in the meantime, so that all there is to be written are calls.
    let vendor = Vendor::start(&["--latency", "5s"]);
    let place = Place::with_news(&vendor.endpoint(), 400);
    let sender = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(10);
    held(&place, || {
        // What was written down before has left by then.
        (0..200).for_each(|_| pause());
        sender.signal(Signal::KILL);
        left(sender);
    });
    let (lines, ledger) = (place.log(), vendor.ledger());
    let known = |line: &&Value| line["attempts"].as_u64() > Some(0);
    let known: Vec<&Value> = lines
        .iter()
        .filter(known)
        .map(|line| &line["group"])
        .collect();
    let strange: Vec<&Value> = ledger
        .iter()
        .map(|record| &record["group"])
        .filter(|group| !known.contains(group))
        .collect();
    assert!(strange.is_empty(), "nobody wrote down {strange:?}");
    assert!(ledger.len() < 400);
}

#[test]
fn a_run_is_not_over_before_its_last_entry_is_written_down() {
    let vendor = Vendor::start(&["--latency", "500ms"]);
    let place = Place::with_news(&vendor.endpoint(), 5);
    let sender = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    // The answers come in the meantime.
    held(&place, || (0..300).for_each(|_| pause()));
    sender.end().assert(0, &["5 planned = 5 accepted"]);
    place.run(&["log", "news"]).assert(0, &["5 accepted"]);
}

/// The vendor tells no repetition of a notification.
#[test]
fn a_notification_without_an_answer_is_never_sent_again() {
    let vendor = Vendor::start(&["--fault", "lost_reply=30%,lost_before=20%"]);
    let place = Place::with_news(&vendor.endpoint(), 40);
    // For as long messages are repeated.
    let app = format!(
        "endpoint: {}\n    limits: {{ deduplication: 30s }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    place.write(
        "campaigns/news.yaml",
        "audience: { group_files: [audiences/groups.csv] }\n\
         send: { notification: { text: \"Hello {{ group.city }}\" } }\n",
    );
    place.run(&["run", "news", "--yes"]).assert(5, &["unknown"]);
    let faults = vendor.statistics()["faults"].clone();
    let lost: u64 = ["lost_reply", "lost_before"]
        .map(|fault| faults[fault].as_u64().unwrap())
        .iter()
        .sum();
    let unknown = |line: &&Value| line["state"] == "unknown" && line["attempts"] == 1;
    assert_eq!(place.log().iter().filter(unknown).count() as u64, lost);
    assert_eq!(vendor.statistics()["doubled"], 0);
}

/// What differs by its nature: how often it was tried, and when.
const TIMES_AND_TRIES: [&str; 4] = ["attempts", "started_at", "finished_at", "msg_time"];

/// A run that was opened and never got through to anybody, once to be sent in peace and once not.
struct Twins {
    peaceful: Place,
    disturbed: Place,
    address: String,
    list: String,
}

const MISSING: usize = 3;

impl Twins {
    fn new(channel: &str, groups: usize) -> Twins {
        let address = Vendor::start(&[]).endpoint().replace("http://", "");
        let app = format!("endpoint: http://{address}\n    limits: {{ {channel}: 100 }}");
        let peaceful = Place::with_news("http://127.0.0.1:1", groups);
        peaceful.write("campanile.yaml", &settings(&app));
        peaceful.write(
            "campaigns/news.yaml",
            &format!(
                "audience: {{ group_files: [audiences/groups.csv] }}\n\
                 send: {{ {channel}: {{ text: \"Hello {{{{ group.city }}}}\" }} }}\n"
            ),
        );
        // Some groups are not there.
        let there: Vec<String> = (MISSING..groups).map(|group| format!("g{group}")).collect();
        let list = format!("group\n{}\n", there.join("\n"));
        let list = peaceful.write("there.csv", &list).display().to_string();
        let opened = peaceful.start(&["run", "news", "--yes"]);
        wait_until("tried to connect", || {
            let log = peaceful.run(&["log", "news", "-o", "jsonl"]);
            log.out.contains("cannot connect")
        });
        opened.signal(Signal::TERM);
        opened.end().assert(143, &["is paused"]);
        let disturbed = Place::new();
        copy(peaceful.path(), disturbed.path());
        Twins {
            peaceful,
            disturbed,
            address,
            list,
        }
    }

    fn vendor(&self, options: &[&str]) -> Vendor {
        let options = [&["--groups", &self.list, "--latency", "20ms"], options].concat();
        Vendor::listen(&self.address, &options)
    }

    /// Both are sent to their end, one of them by senders that are ended so. The logs are the same, but for `but`.
    #[track_caller]
    fn assert_alike(self, signal: Signal, options: &[&str], but: &[&str]) {
        let vendor = self.vendor(&[]);
        let ended = self.peaceful.run(&["resume", "news"]);
        ended.assert(5, &["3 refused"]);
        vendor.end();
        let vendor = self.vendor(options);
        for arrivals in [10, 40, 41, 80] {
            let sender = self.disturbed.start(&["resume", "news"]);
            vendor.wait_for(arrivals);
            sender.signal(signal);
            left(sender);
        }
        let ended = self.disturbed.run(&["resume", "news"]);
        ended.assert(5, &["3 refused"]);
        let but = [&TIMES_AND_TRIES, but].concat();
        let (peaceful, disturbed) = (self.peaceful.log(), self.disturbed.log());
        assert_eq!(without(disturbed, &but), without(peaceful, &but));
        assert_eq!(vendor.statistics()["doubled"], 0);
    }
}

fn left(sender: Running) {
    let code = sender.end().code;
    assert!([137, 143].contains(&code), "{code}");
}

fn copy(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&copied).unwrap();
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).unwrap();
        }
    }
}

fn without(mut lines: Vec<Value>, names: &[&str]) -> Vec<Value> {
    for line in &mut lines {
        let fields = line.as_object_mut().unwrap();
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
    lines
}

#[test]
fn a_run_that_was_killed_ends_with_the_log_of_one_that_was_not() {
    let twins = Twins::new("group_message", 120);
    twins.assert_alike(Signal::KILL, &["--fault", "lost_reply=5%"], &[]);
}

/// What a drain takes back goes out under a `Random` of its own.
#[test]
fn a_run_that_was_drained_ends_with_the_log_of_one_that_was_not() {
    let twins = Twins::new("group_message", 120);
    twins.assert_alike(Signal::TERM, &["--fault", "lost_reply=5%"], &["random"]);
    let twins = Twins::new("notification", 120);
    twins.assert_alike(Signal::TERM, &[], &[]);
}
