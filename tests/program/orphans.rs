//! The daemon as process 1 of a container, beside a git whose helpers outlive it.

use super::place::{Place, Running, pause, skipped, wait_until};
use super::serving::{has, news, soon};
use super::syncing::git;
use super::vendor::Vendor;
use chrono::{DateTime, Utc};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts what follows as process 1 of processes of its own.
const AS_FIRST: [&str; 4] = ["-rpf", "--mount-proc", "--kill-child", "--"];

/// A `git` that leaves a process behind for as long as there is a file `leave`, and notes each of its starts.
const GIT: &str = "#!/bin/sh
echo >>\"$NOTED/starts\"
if [ -e \"$NOTED/leave\" ]; then (sleep 0.3 &) >/dev/null 2>&1; fi
exec \"$GIT\" \"$@\"
";

fn real_git() -> String {
    let found = Command::new("sh").args(["-c", "command -v git"]).output();
    String::from_utf8(found.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

/// The children of a process, with their states.
fn children(of: u32) -> Vec<(u32, char)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let child = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent: u32 = fields.next()?.parse().ok()?;
        (parent == of).then_some((id, state))
    };
    ids.filter_map(child).collect()
}

fn zombies(of: u32) -> usize {
    children(of)
        .iter()
        .filter(|(_, state)| *state == 'Z')
        .count()
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

/// A repository with a campaign that is due at `slot`.
fn author(vendor: &Vendor, slot: DateTime<Utc>) -> Place {
    let author = Place::with_news(&vendor.endpoint(), 3);
    author.write("campaigns/news.yaml", &news(&[slot], ""));
    git(author.path(), &["init", "-q", "-b", "main"]);
    git(author.path(), &["add", "--all"]);
    git(author.path(), &["commit", "-q", "-m", "begin"]);
    author
}

/// Starts a daemon as process 1, with the `git` of `own`.
fn as_first(author: &Place, own: &Place) -> Running {
    let path = format!(
        "{}:{}",
        own.path().join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let mut command = Command::new("unshare");
    let url = author.path().to_str().unwrap();
    command
        .args(AS_FIRST)
        .arg(env!("CARGO_BIN_EXE_campanile"))
        .args(["serve", "--git", url, "--interval", "1s", "-C"])
        .arg(own.path().join("checkout"))
        .env_clear()
        .envs([
            ("PATH", path.as_str()),
            ("NOTED", own.path().to_str().unwrap()),
        ])
        .env("GIT", real_git())
        .env("CAMPANILE_SECRET_KEY", super::place::KEY)
        .env("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Running::of(command.spawn().unwrap())
}

#[test]
fn daemon_as_first_process_reaps_what_git_leaves_behind_and_nothing_else() {
    let tried = Command::new("unshare").args(AS_FIRST).arg("true").output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return skipped("no process namespace may be made");
    }
    let vendor = Vendor::start(&[]);
    let slot = soon(20);
    let author = author(&vendor, slot);
    let own = Place::new();
    let program = own.write("bin/git", GIT);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let leave = own.write("leave", "");
    let mut started = as_first(&author, &own);
    started.line_with("started:");
    let daemon = children(started.child().id())[0].0;
    let begun = lines(&own.path().join("starts"));
    wait_until("a helper outlives git", || {
        zombies(daemon) > 0 || children(daemon).len() > 1
    });
    wait_until("git is run", || {
        lines(&own.path().join("starts")) > begun + 8
    });
    // A file of the checkout, so that a commit is taken in meanwhile.
    author.write(
        "campaigns/news.yaml",
        &news(&[slot], "").replace("name: news", "name: news # changed"),
    );
    git(author.path(), &["commit", "-q", "-a", "-m", "change"]);
    let told = started.line_with("in place of");
    assert!(told.contains("the files are those of the commit"), "{told}");
    fs::remove_file(leave).unwrap();
    wait_until("they are reaped", || zombies(daemon) == 0);
    let checkout = own.path().join("checkout");
    let checkout = ["-C", checkout.to_str().unwrap()];
    let status = || {
        let ended = author.run(&[&checkout[..], &["status", "-o", "json"]].concat());
        serde_json::from_str(&ended.out).unwrap()
    };
    while !has(&status(), "finished", slot, "done") {
        pause();
    }
    kill_process(
        Pid::from_raw(daemon.try_into().unwrap()).unwrap(),
        Signal::TERM,
    )
    .unwrap();
    let ended = started.end();
    assert_eq!(ended.code, 143, "{}", ended.err);
    assert!(!ended.err.contains("out of reach"), "{}", ended.err);
}

/// A parent that ignores the end of its children passes that on, and the kernel then keeps no exit status.
#[test]
fn commit_is_known_though_the_parent_ignores_the_end_of_children() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    git(place.path(), &["init", "-q", "-b", "main"]);
    git(place.path(), &["add", "--all"]);
    git(place.path(), &["commit", "-q", "-m", "begin"]);
    let commit = git(place.path(), &["rev-parse", "HEAD"]);
    let ended = place.shell("exec env --ignore-signal=CHLD $CAMPANILE run news --yes");
    ended.assert(0, &["3 planned = 3 accepted"]);
    let log = place.run(&["log", "news", "-n", "1", "-o", "jsonl"]);
    log.assert(0, &[&format!("\"commit\":\"{commit}\"")]);
}
