//! `serve --git` when git is cut off, fails half way or is slow, and runs of files that are in no commit.

use super::place::{Ended, Place, Running};
use super::serving::{drained, has, news, soon};
use super::syncing::{Shared, git};
use super::vendor::Vendor;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A `git` that does what a script says first, with the real one as `$GIT`.
pub(super) fn with_git(command: &mut Command, folder: &Path, script: &str) {
    let wrapper = folder.join("bin/git");
    fs::create_dir_all(wrapper.parent().unwrap()).unwrap();
    fs::write(
        &wrapper,
        format!("#!/bin/sh\n{script}\nexec \"$GIT\" \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let found = Command::new("sh").args(["-c", "command -v git"]).output();
    let real = String::from_utf8(found.unwrap().stdout).unwrap();
    let path = std::env::var("PATH").unwrap();
    command
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env("GIT", real.trim())
        .env("NOTED", folder);
}

fn stopped(slots: &[chrono::DateTime<chrono::Utc>]) -> String {
    news(slots, "").replace("name: news", "name: news\nenabled: false")
}

#[test]
fn lock_that_git_left_behind_does_not_keep_a_commit_back() {
    let vendor = Vendor::start(&["--limit", "5"]);
    let slots = [soon(5), soon(3_600)];
    let shared = Shared::new(&vendor, 400, &slots);
    let mut daemon = shared.serve();
    daemon.line_with("is opened");
    for lock in [
        "index.lock",
        "HEAD.lock",
        "shallow.lock",
        "refs/campanile/fetched.lock",
    ] {
        fs::write(shared.checkout().join(".git").join(lock), "").unwrap();
    }
    shared.author.write("campaigns/news.yaml", &stopped(&slots));
    let stop = shared.push("stop it");
    let told = daemon.line_with("in place of");
    assert!(told.contains(&stop[..10]), "{told}");
    let file = fs::read_to_string(shared.checkout().join("campaigns/news.yaml")).unwrap();
    assert!(file.contains("enabled: false"));
    shared.wait_until("paused", |status| {
        has(status, "needs_attention", slots[0], "paused")
    });
    assert_eq!(shared.status()["commit"], stop.as_str());
    drained(daemon);
    assert!(vendor.ledger().len() < 400);
}

/// A commit is named only once all of its files are there.
#[test]
fn checkout_that_fails_half_way_is_put_back_and_names_no_other_commit() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let begun = shared.head();
    let folder = tempfile::tempdir().unwrap();
    let mut server = shared.server(shared.remote().to_str().unwrap());
    let script = "case \"$*\" in *'reset --quiet --hard HEAD'*) ;; *'reset --quiet --hard'*)
        if [ -e \"$NOTED/fail\" ]; then
            : >\"$NOTED/failed\"
            echo 'name: half' >\"$GIT_WORK_TREE/campaigns/news.yaml\"
            echo 'fatal: it was cut off' >&2; exit 128
        fi ;;
    esac";
    with_git(&mut server, folder.path(), script);
    let mut daemon = Running::of(server.spawn().unwrap());
    daemon.line_with("started:");
    fs::write(folder.path().join("fail"), "").unwrap();
    shared.author.write(
        "campaigns/other.yaml",
        &stopped(&[soon(3_600)]).replace("news", "other"),
    );
    let next = shared.push("another");
    daemon.line_with("it was cut off");
    let status = shared.status();
    assert_eq!(status["commit"], begun.as_str(), "{status:#}");
    let file = fs::read_to_string(shared.checkout().join("campaigns/news.yaml")).unwrap();
    assert!(file.starts_with("name: news\n"), "{file}");
    fs::remove_file(folder.path().join("fail")).unwrap();
    daemon.line_with(&next[..10]);
    assert_eq!(shared.status()["commit"], next.as_str());
    drained(daemon);
}

#[test]
fn first_fetch_has_a_limit_of_its_own_and_tells_how_far_it_is() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    for number in 0..3 {
        shared.author.write("note.txt", &format!("{number}"));
        shared.push("more history");
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", shared.remote().display());
    let serve = |more: &[&str]| {
        let mut server = shared.server(&url);
        let script = "case \"$*\" in *fetch*)
            printf 'Receiving objects:  45%% (9/20)\\r' >&2; sleep 7 ;;
        esac";
        with_git(&mut server, folder.path(), script);
        server.args(more);
        server
    };
    let late = Ended::of(&serve(&["--fetch-timeout", "2s"]).output().unwrap());
    late.assert(75, &["it takes longer than 2s"]);
    let mut daemon = Running::of(serve(&["--log", "json"]).spawn().unwrap());
    let told = daemon.line_with("git_fetching");
    assert!(told.contains("45% (9/20)"), "{told}");
    daemon.line_with("\"started\"");
    // Only the newest commit was needed.
    let count = git(&shared.checkout(), &["rev-list", "--count", "HEAD"]);
    assert_eq!(count, "1");
    shared
        .author
        .write("campaigns/news.yaml", &stopped(&[soon(3_600)]));
    let next = shared.push("stop it");
    let told = daemon.line_with(&next[..10]);
    assert!(told.contains("\"is_rewritten\":false"), "{told}");
    drained(daemon);
    for wrong in ["0s", "soon"] {
        let ended = shared.run(&["serve", "--git", &url, "--fetch-timeout", wrong]);
        ended.assert(64, &["--fetch-timeout"]);
    }
}

#[test]
fn run_of_files_that_are_in_no_commit_says_so() {
    const CHANGED: &str = " + local changes";
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    place.write(".gitignore", "campanile.db*\n");
    git(place.path(), &["init", "-q", "-b", "main"]);
    git(place.path(), &["add", "--all"]);
    git(place.path(), &["commit", "-q", "-m", "begin"]);
    let commit = git(place.path(), &["rev-parse", "HEAD"]);
    let sent_from = || {
        place
            .run(&["run", "news", "--yes", "--again"])
            .assert(0, &["3 accepted"]);
        place.log()[0]["commit"].as_str().unwrap().to_owned()
    };
    // What no campaign reads is no change.
    place.write("notes.txt", "untracked");
    assert_eq!(sent_from(), commit);
    let campaign = fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap();
    place.write("campaigns/news.yaml", &campaign.replace("Hello", "Hi"));
    let changed = format!("{commit}{CHANGED}");
    assert_eq!(sent_from(), changed);
    place.run(&["log", "news"]).assert(0, &[&changed]);
    place.write("campaigns/news.yaml", &campaign);
    assert_eq!(sent_from(), commit);
    git(
        place.path(),
        &["rm", "-q", "--cached", "audiences/groups.csv"],
    );
    git(place.path(), &["commit", "-q", "-m", "no audience"]);
    let commit = git(place.path(), &["rev-parse", "HEAD"]);
    assert_eq!(sent_from(), format!("{commit}{CHANGED}"));
    place.write(".gitignore", "campanile.db*\naudiences\n");
    assert_eq!(sent_from(), format!("{commit}{CHANGED}"));
}
