//! `serve --git` with a real repository: what its people push is what the daemon does.

use super::place::{Ended, Place, Running, pause};
use super::serving::{drained, has, news, soon};
use super::vendor::Vendor;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A repository, somebody who pushes to it, and a folder for the daemon.
pub(super) struct Shared {
    pub(super) author: Place,
    folder: TempDir,
}

const TRIES_MAX: u32 = 3_000;

impl Shared {
    pub(super) fn new(vendor: &Vendor, groups: usize, slots: &[DateTime<Utc>]) -> Shared {
        let shared = Shared {
            author: Place::with_news(&vendor.endpoint(), groups),
            folder: tempfile::tempdir().unwrap(),
        };
        shared.author.write("campaigns/news.yaml", &news(slots, ""));
        git(
            shared.folder.path(),
            &["init", "-q", "--bare", "remote.git"],
        );
        git(shared.author.path(), &["init", "-q", "-b", "main"]);
        shared.push("begin");
        shared
    }

    pub(super) fn remote(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    pub(super) fn checkout(&self) -> PathBuf {
        self.folder.path().join("daemon/checkout")
    }

    /// Commits whatever is there; the commit.
    pub(super) fn push(&self, message: &str) -> String {
        let author = self.author.path();
        git(author, &["add", "--all"]);
        git(author, &["commit", "-q", "-m", message]);
        self.send()
    }

    pub(super) fn send(&self) -> String {
        let remote = self.remote();
        let to = remote.to_str().unwrap();
        git(
            self.author.path(),
            &["push", "-q", "--force", to, "HEAD:main"],
        );
        self.head()
    }

    pub(super) fn head(&self) -> String {
        git(self.author.path(), &["rev-parse", "HEAD"])
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let checkout = self.checkout();
        let arguments = [&["-C", checkout.to_str().unwrap()], arguments].concat();
        self.author.command(&arguments)
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    pub(super) fn server(&self, url: &str) -> Command {
        let mut command = self.command(&["serve", "--git", url, "--interval", "1s"]);
        command
            .env("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(super) fn serve(&self) -> Running {
        let mut command = self.server(self.remote().to_str().unwrap());
        let mut daemon = Running::of(command.spawn().unwrap());
        daemon.line_with("started:");
        daemon
    }

    pub(super) fn status(&self) -> Value {
        let ended = self.run(&["status", "-o", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        serde_json::from_str(&ended.out).unwrap()
    }

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

#[track_caller]
pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
    let somebody = ["-c", "user.name=Somebody", "-c", "user.email=somebody@host"];
    let ended = Command::new("git")
        .args(somebody)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{arguments:?}: {said}");
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

fn notices(status: &Value) -> String {
    status["notices"].to_string()
}

#[test]
fn a_merge_stops_a_campaign_that_is_being_sent() {
    let vendor = Vendor::start(&["--limit", "5"]);
    let slots = [soon(5), soon(3_600)];
    let shared = Shared::new(&vendor, 400, &slots);
    let begun = shared.head();
    let mut daemon = shared.serve();
    daemon.line_with("is opened");
    vendor.wait_for(1);
    let text = news(&slots, "").replace("name: news", "name: news\nenabled: false");
    shared.author.write("campaigns/news.yaml", &text);
    let stopped = shared.push("stop it");
    let told = daemon.line_with("in place of");
    assert!(told.contains(&stopped[..10]), "{told}");
    let status = shared.wait_until("paused", |status| {
        has(status, "needs_attention", slots[0], "paused")
    });
    assert_eq!(status["commit"], stopped.as_str());
    assert_eq!(status["needs_attention"][0]["commit"], begun.as_str());
    shared
        .run(&["status"])
        .assert(0, &[&format!("of the commit {stopped}")]);
    drained(daemon);
    assert!(vendor.ledger().len() < 400);
}

#[test]
fn what_is_due_is_sent_though_the_repository_is_out_of_reach() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(14), soon(24)];
    let shared = Shared::new(&vendor, 3, &slots);
    let mut daemon = shared.serve();
    let away = shared.folder.path().join("away.git");
    fs::rename(shared.remote(), &away).unwrap();
    let told = daemon.line_with("out of reach");
    assert!(told.contains("warning"), "{told}");
    shared.wait_until("sent", |status| has(status, "finished", slots[0], "done"));
    let log = drained(daemon);
    assert!(!log.contains("out of reach"), "it is told once: {log}");
    // The next one begins with what is there.
    let mut daemon = shared.serve();
    daemon.line_with("out of reach");
    let status = shared.wait_until("sent", |status| has(status, "finished", slots[1], "done"));
    assert_eq!(status["finished"][0]["commit"], shared.head().as_str());
    assert!(notices(&status).contains("remote.git"), "{status:#}");
    let log = shared.run(&["log", "news", "-n", "1", "-o", "jsonl"]);
    log.assert(0, &[&format!("\"commit\":\"{}\"", shared.head())]);
    let log = shared.run(&["log", "news"]);
    log.assert(0, &[&format!("planned from the commit {}", shared.head())]);
    fs::rename(&away, shared.remote()).unwrap();
    shared.wait_until("in reach", |status| notices(status) == "[]");
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 6);
}

/// What a commit leaves alone stays as it was planned, wherever the commit comes from.
#[test]
fn a_branch_that_was_gone_and_is_rewritten_is_followed_and_touches_nothing_else() {
    let vendor = Vendor::start(&[]);
    let slot = soon(16);
    let shared = Shared::new(&vendor, 3, &[slot]);
    let mut daemon = shared.serve();
    daemon.line_with("is prepared");
    git(&shared.remote(), &["update-ref", "-d", "refs/heads/main"]);
    let told = daemon.line_with("out of reach");
    assert!(told.contains("refs/heads/main"), "{told}");
    shared.author.write(
        "campaigns/other.yaml",
        &news(&[soon(7_200)], "").replace("name: news", "name: other"),
    );
    git(shared.author.path(), &["add", "--all"]);
    git(
        shared.author.path(),
        &["commit", "-q", "--amend", "-m", "begin anew"],
    );
    let anew = shared.send();
    let told = daemon.line_with("rewritten the branch");
    assert!(told.contains(&anew[..10]), "{told}");
    daemon.line_with("added (other)");
    let status = shared.wait_until("sent", |status| has(status, "finished", slot, "done"));
    assert_eq!(status["commit"], anew.as_str());
    let log = drained(daemon);
    assert!(!log.contains("anew"), "{log}");
    assert_eq!(vendor.ledger().len(), 3);
}

#[test]
fn a_commit_that_cannot_be_used_is_refused_and_the_next_is_taken() {
    let vendor = Vendor::start(&[]);
    let slot = soon(16);
    let shared = Shared::new(&vendor, 3, &[slot, soon(3_600)]);
    let mut daemon = shared.serve();
    let settings = fs::read_to_string(shared.author.path().join("campanile.yaml")).unwrap();
    shared.author.write("campanile.yaml", "apps: [");
    let wrong = shared.push("break the settings");
    let told = daemon.line_with("is refused");
    assert!(
        told.contains(&wrong[..10]) && told.contains("campanile.yaml:1"),
        "{told}"
    );
    shared.author.write("campanile.yaml", &settings);
    shared.author.write(".campanile/sandbox.db", "no journal");
    shared.push("a file where the program writes");
    daemon.line_with("the program writes there itself");
    fs::remove_dir_all(shared.author.path().join(".campanile")).unwrap();
    let right = shared.push("mend it");
    let told = daemon.line_with("in place of");
    assert!(told.contains(&right[..10]), "{told}");
    fs::remove_dir_all(shared.author.path().join("campaigns")).unwrap();
    shared.push("delete them all");
    let told = daemon.line_with("went at once");
    assert!(told.contains("campanile release --gone -C "), "{told}");
    // Nothing of it is believed: its file is there, and it is sent.
    let status = shared.wait_until("sent", |status| has(status, "finished", slot, "done"));
    assert_eq!(status["commit"], right.as_str());
    assert!(notices(&status).contains("1 of 1 campaigns"), "{status:#}");
    shared
        .run(&["release", "--gone"])
        .assert(0, &["sees to it"]);
    daemon.line_with("1 removed (news)");
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 3);
}

/// As git-sync does it: each commit in a folder of its own, and a link to the newest.
#[test]
fn a_link_that_somebody_swaps_is_followed() {
    let vendor = Vendor::start(&[]);
    let slots = [soon(7), soon(3_600)];
    let place = Place::with_news(&vendor.endpoint(), 3);
    let [one, _] = ["one", "two"].map(|name| {
        for file in ["campanile.yaml", "audiences/groups.csv"] {
            let text = fs::read_to_string(place.path().join(file)).unwrap();
            place.write(&format!("{name}/{file}"), &text);
        }
        place.write(&format!("{name}/campaigns/news.yaml"), &news(&slots, ""));
        place.path().join(name)
    });
    let other = news(&slots[1..], "").replace("name: news", "name: other");
    place.write("two/campaigns/other.yaml", &other);
    let link = place.path().join("current");
    symlink("one", &link).unwrap();
    let journal = format!("sqlite:{}", place.path().join("journal.db").display());
    let command = |arguments: &[&str]| {
        let mut command = place.command(&[&["-C", "current"], arguments].concat());
        command
            .env("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0")
            .env("CAMPANILE_JOURNAL", &journal)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    };
    let mut daemon = Running::of(command(&["serve"]).spawn().unwrap());
    daemon.line_with("is prepared");
    symlink("two", place.path().join("next")).unwrap();
    fs::rename(place.path().join("next"), &link).unwrap();
    fs::remove_dir_all(one).unwrap();
    daemon.line_with("1 added (other)");
    daemon.line_with("done: 3 planned = 3 accepted");
    let log = drained(daemon);
    assert!(!log.contains("at once"), "{log}");
    let status = Ended::of(&command(&["status"]).output().unwrap());
    status.assert(0, &["done", "other@"]);
    assert_eq!(vendor.ledger().len(), 3);
}

/// Whoever is cut off while files are written leaves some of them as they were, and locks.
#[test]
fn what_was_cut_off_is_put_right_by_the_next() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    drop(shared.serve());
    let checkout = shared.checkout();
    fs::write(checkout.join("campaigns/news.yaml"), "name: ne").unwrap();
    fs::remove_file(checkout.join("audiences/groups.csv")).unwrap();
    fs::write(checkout.join(".git/index.lock"), "").unwrap();
    fs::write(checkout.join("kept.txt"), "not of the repository").unwrap();
    let daemon = shared.serve();
    let log = drained(daemon);
    assert!(!log.contains("invalid"), "{log}");
    let text = |path: &str| fs::read_to_string(checkout.join(path)).unwrap();
    assert!(text("campaigns/news.yaml").starts_with("name: news\n"));
    assert!(text("audiences/groups.csv").contains("City 2"));
    assert_eq!(text("kept.txt"), "not of the repository");
}

#[test]
fn a_folder_that_is_not_the_daemons_is_left_alone() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let remote = shared.remote();
    let remote = remote.to_str().unwrap();
    let mine = shared.author.run(&["serve", "--git", remote]);
    mine.assert(64, &["is not empty", "-C"]);
    let daemon = shared.serve();
    let other = Ended::of(&shared.server(remote).output().unwrap());
    other.assert(75, &["another daemon keeps the checkout"]);
    drained(daemon);
    for (words, said) in [
        (["--git", "ext::sh -c reboot"], "by no helper"),
        (["--branch", "other"], "--git"),
        (["--interval", "1s"], "--git"),
    ] {
        let ended = shared.run(&[&["serve"], words.as_slice()].concat());
        ended.assert(64, &[said]);
    }
    let odd = shared.run(&["serve", "--git", remote, "--branch", "a:b"]);
    odd.assert(64, &["the name of a branch"]);
}

#[test]
fn a_password_in_the_address_appears_nowhere() {
    const HUSH: &str = "hu5h-hu5h";
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let address = super::vendor::own_address();
    let url = format!("http://somebody:{HUSH}@{address}/news.git");
    let none = Ended::of(&shared.server(&url).output().unwrap());
    none.assert(75, &["there is nothing to serve", "***@", "git ls-remote"]);
    assert!(!none.err.contains(HUSH), "{}", none.err);
    drained(shared.serve());
    let mut daemon = Running::of(shared.server(&url).spawn().unwrap());
    let told = daemon.line_with("out of reach");
    assert!(told.contains("***@") && !told.contains(HUSH), "{told}");
    let status = shared.wait_until("told", |status| notices(status).contains("***@"));
    assert!(!status.to_string().contains(HUSH));
    let log = drained(daemon);
    assert!(!log.contains(HUSH), "{log}");
    let kept = Command::new("grep")
        .args(["-rl", HUSH])
        .arg(shared.folder.path())
        .output();
    let kept = String::from_utf8(kept.unwrap().stdout).unwrap();
    assert_eq!(kept, "", "files with the password");
}
