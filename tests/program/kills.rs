//! Senders that are killed and drained, over and over: what the sandbox's ledger holds afterwards, and what the log says
//! of a run that was disturbed and of one that was not.

use super::place::{Place, Running, pause, settings};
use super::vendor::Vendor;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The short form of a program that is also run by hand.
#[test]
fn fifty_kills_lose_nothing_and_double_nothing() {
    let counted = Command::new("python3")
        .args(["-B", "benches/kills.py", "--kills", "50"])
        .args(["--binary", env!("CARGO_BIN_EXE_campanile")])
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&counted.stdout);
    let errors = String::from_utf8_lossy(&counted.stderr);
    assert!(counted.status.success(), "{table}\n{errors}");
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
        while !peaceful
            .run(&["log", "news", "-o", "jsonl"])
            .out
            .contains("cannot connect")
        {
            pause();
        }
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
