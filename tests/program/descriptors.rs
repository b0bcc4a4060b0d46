//! A process that may have few file descriptors, beside a vendor that answers slowly.

use super::log_pipe::is_ready;
use super::operations::asked;
use super::place::{Ended, Place, Running, wait_until};
use super::serving::{drained, has, news, soon};
use super::syncing::git;
use super::vendor::{Vendor, own_address};
use rustix::process::Pid;
use serde_json::Value;
use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// Each call takes a while, so that at the usual rate dozens would be in flight.
const SLOW: [&str; 2] = ["--fault", "delay=300ms-900ms"];
const FEW: u64 = 40;

impl Place {
    /// The program with so few descriptors.
    fn limited(&self, arguments: &[&str]) -> Command {
        let limited = format!("ulimit -n {FEW}; exec \"$0\" \"$@\"");
        let program = self.command(arguments);
        let mut shell = Command::new("sh");
        shell.args(["-c", &limited]).arg(program.get_program());
        shell.args(program.get_args()).current_dir(self.path());
        shell.env_clear().stdin(Stdio::null());
        let variables = program.get_envs();
        shell.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    }
}

#[test]
fn run_with_forty_descriptors_sends_everything_to_a_slow_vendor() {
    let vendor = Vendor::start(&SLOW);
    let place = Place::with_news(&vendor.endpoint(), 40);
    let ended = place.limited(&["run", "news", "--yes"]).output().unwrap();
    let ended = Ended::of(&ended);
    ended.assert(0, &["40 planned = 40 accepted"]);
    assert!(!ended.err.contains("open files"), "{}", ended.err);
    vendor.assert_each_once(40);
}

/// Two lanes, a repository, probes that say nothing, changed files: all at once.
#[test]
fn daemon_with_forty_descriptors_does_everything_that_it_does_with_many() {
    let vendor = Vendor::start(&SLOW);
    let slots = [soon(12), soon(22)];
    let author = Place::with_news(&vendor.endpoint(), 8);
    author.write("campaigns/news.yaml", &news(&slots, ""));
    let other = news(&slots, "").replace("name: news", "name: other");
    let (before, _) = other.split_once("send:").unwrap();
    let other = format!("{before}send: {{ notification: {{ text: \"hello\" }} }}\n");
    author.write("campaigns/other.yaml", &other);
    git(author.path(), &["init", "-q", "-b", "main"]);
    git(author.path(), &["add", "--all"]);
    git(author.path(), &["commit", "-q", "-m", "begin"]);
    let own = tempfile::tempdir().unwrap();
    let folder = own.path().join("checkout");
    let folder = folder.to_str().unwrap();
    let url = author.path().to_str().unwrap();
    let address = own_address();
    let arguments = ["serve", "--git", url, "--interval", "1s", "-C", folder];
    let mut command = author.limited(&arguments);
    command.env("CAMPANILE_SERVE__LISTEN", &address);
    let mut daemon = Running::of(command.spawn().unwrap());
    let told = daemon.line_with("started:");
    assert!(told.contains("2 campaigns;"), "{told}");
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    wait_until("ready", || is_ready(&address));
    for number in 0..5 {
        author.write("texts/note.txt", &format!("note {number}"));
        git(author.path(), &["add", "--all"]);
        git(author.path(), &["commit", "-q", "-m", "note"]);
        let told = daemon.line_with("in place of");
        assert!(!told.contains("cannot"), "{told}");
    }
    let status = || -> Value {
        let ended = author.run(&["-C", folder, "status", "-n", "100", "-o", "json"]);
        ended.assert(0, &[]);
        serde_json::from_str(&ended.out).unwrap()
    };
    for slot in slots {
        wait_until("sent", || has(&status(), "finished", slot, "done"));
    }
    assert!(asked(&address, "/livez").starts_with("HTTP/1.1 200"));
    let ended = || status()["finished"].as_array().unwrap().len();
    wait_until("all is sent", || ended() == 4);
    let log = drained(daemon);
    assert_eq!(vendor.ledger().len(), 32, "{log}");
    for word in [
        "open files",
        "is held",
        "invalid",
        "out of reach",
        "nothing is sent",
    ] {
        assert!(!log.contains(word), "{log}");
    }
    drop(silent);
}

#[test]
fn program_takes_as_many_descriptors_as_it_may_have() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let address = own_address();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -Sn 40; exec \"$0\" serve",
            env!("CARGO_BIN_EXE_campanile"),
        ])
        .current_dir(place.path())
        .env("CAMPANILE_SECRET_KEY", super::place::KEY)
        .env("CAMPANILE_SERVE__LISTEN", &address)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut daemon = Running::of(command.spawn().unwrap());
    daemon.line_with("started:");
    let id = Pid::from_child(daemon.child()).as_raw_nonzero();
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let fields: Vec<&str> = line.unwrap().split_whitespace().collect();
    let soft: u64 = fields[3].parse().unwrap();
    assert!(soft > FEW, "{limits}");
    drained(daemon);
}
