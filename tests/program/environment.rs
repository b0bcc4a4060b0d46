//! What the program's children inherit: never a secret.

use super::place::{Ended, Place, Running, settings};
use super::serving::{drained, news, soon};
use super::syncing::git;
use super::vendor::Vendor;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A `git` that records the environment of each of its starts, and what it was started for.
const GIT: &str = "#!/bin/sh
{ echo \"started for: $*\"; env; } >>\"$RECORDED\"
exec \"$REAL_GIT\" \"$@\"
";
const KEY: &str = "5f1c9a7e3b8d4026f1c9a7e3b8d40265d7e6c5b4a39281706f5e4d3c2b1a0987";
const HOOK: &str = "https://hooks.example.invalid/services/T0/B0/hu5h";
const NAMED_HOOK: &str = "https://example.invalid/n4med";
const JOURNAL: &str = "sqlite:campanile.db";

fn with_recording_git(command: &mut Command, folder: &Path) {
    let wrapper = folder.join("bin/git");
    fs::create_dir_all(wrapper.parent().unwrap()).unwrap();
    fs::write(&wrapper, GIT).unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let found = Command::new("sh").args(["-c", "command -v git"]).output();
    let real = String::from_utf8(found.unwrap().stdout).unwrap();
    let path = std::env::var("PATH").unwrap();
    command
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env("REAL_GIT", real.trim())
        .env("RECORDED", folder.join("recorded"))
        .env("KEY_OF_MAIN", KEY)
        .env("ROOM", HOOK)
        .env("OTHER_ROOM", NAMED_HOOK)
        .env("WHERE_IT_IS", JOURNAL)
        .env("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0")
        .env("CAMPANILE_UNUSED", "hu5h")
        .env("HELPER_TOKEN", "a helper of git needs it");
}

#[track_caller]
fn assert_withheld(folder: &Path, started_for: &[&str], secrets: &[&str]) {
    let recorded = fs::read_to_string(folder.join("recorded")).unwrap();
    for words in started_for {
        assert!(recorded.contains(words), "git was started for {words}");
    }
    for secret in [KEY, HOOK, "CAMPANILE_"].iter().chain(secrets) {
        assert!(!recorded.contains(secret), "{secret}: {recorded}");
    }
    assert!(recorded.contains("HELPER_TOKEN=a helper of git needs it"));
}

/// Settings whose secrets are in variables that any name may have.
fn named_settings(vendor: &Vendor) -> String {
    let endpoint = format!("endpoint: {}", vendor.endpoint());
    let named = settings(&endpoint).replace("CAMPANILE_SECRET_KEY", "KEY_OF_MAIN");
    format!(
        "{named}journal: {{ env: WHERE_IT_IS }}\nnotify: [{{ url: {{ env: ROOM }} }}, {{ url: {{ env: OTHER_ROOM }} }}]\n"
    )
}

#[test]
fn git_of_a_run_inherits_no_secret() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    place.write("campanile.yaml", &named_settings(&vendor));
    git(place.path(), &["init", "-q", "-b", "main"]);
    git(place.path(), &["add", "--all"]);
    git(place.path(), &["commit", "-q", "-m", "begin"]);
    let mut run = place.command(&["run", "news", "--sandbox", "--yes"]);
    with_recording_git(&mut run, place.path());
    Ended::of(&run.output().unwrap()).assert(0, &["3 accepted"]);
    assert_withheld(place.path(), &["rev-parse"], &[NAMED_HOOK, JOURNAL]);
}

#[test]
fn git_of_a_daemon_inherits_no_secret() {
    let vendor = Vendor::start(&[]);
    let author = Place::with_news(&vendor.endpoint(), 3);
    author.write("campanile.yaml", &named_settings(&vendor));
    author.write("campaigns/news.yaml", &news(&[soon(3_600)], ""));
    git(author.path(), &["init", "-q", "-b", "main"]);
    git(author.path(), &["add", "--all"]);
    git(author.path(), &["commit", "-q", "-m", "begin"]);
    let folder = tempfile::tempdir().unwrap();
    let remote = author.path().to_str().unwrap();
    let words = ["-C", "checkout", "serve", "--git", remote];
    // Nothing but the shape tells what is secret until the first commit is read; from then on the settings do.
    for secrets in [&[][..], &[NAMED_HOOK, JOURNAL]] {
        let mut serve = author.command(&words);
        serve.current_dir(folder.path());
        with_recording_git(&mut serve, folder.path());
        serve.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut daemon = Running::of(serve.spawn().unwrap());
        daemon.line_with("started:");
        drained(daemon);
        assert_withheld(folder.path(), &["fetch", "rev-parse"], secrets);
        fs::write(folder.path().join("recorded"), "").unwrap();
    }
}
