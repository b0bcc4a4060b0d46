//! What a commit may decide while a daemon follows its repository: never what the operator decides.

use super::place::{Ended, Place, Running};
use super::serving::{drained, has, news, soon};
use super::syncing::{Shared, git};
use super::vendor::Vendor;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

fn settings_of(shared: &Shared) -> String {
    fs::read_to_string(shared.author.path().join("campanile.yaml")).unwrap()
}

fn serve_with(shared: &Shared, variables: &[(&str, &str)]) -> Running {
    let mut command = shared.server(shared.remote().to_str().unwrap());
    command.envs(variables.iter().copied());
    let mut daemon = Running::of(command.spawn().unwrap());
    daemon.line_with("started:");
    daemon
}

/// Pushes a commit that must be refused, and takes it back.
#[track_caller]
fn assert_refused(shared: &Shared, daemon: &mut Running, why: &str, change: impl Fn(&Path)) {
    change(shared.author.path());
    let commit = shared.push(why);
    let told = daemon.line_with("is refused");
    assert!(told.contains(&commit[..10]) && told.contains(why), "{told}");
    git(shared.author.path(), &["reset", "-q", "--hard", "HEAD~1"]);
    shared.send();
}

fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn commit_never_reaches_own_files_in_use_or_a_folder_above_them() {
    const MEANT: &str = "the program writes there itself";
    const FOLDER: &str = "in the place of a folder";
    let vendor = Vendor::start(&[]);
    let slot = soon(5);
    let shared = Shared::new(&vendor, 20, &[slot, soon(3_600)]);
    let settings = settings_of(&shared);
    let with_key = settings.replace("{ env: CAMPANILE_SECRET_KEY }", "{ file: keys/main }");
    let named = format!("{with_key}journal: sqlite:named/a.db\n");
    shared.author.write("campanile.yaml", &named);
    shared.push("name the journal");
    let journal = shared.checkout().join("state/deep/journal.db");
    write(&journal, "");
    write(shared.checkout().join("keys/main"), "sandbox\n");
    // The checkout is taken only where it is empty.
    let kept = shared.checkout().with_file_name("kept");
    fs::rename(shared.checkout(), &kept).unwrap();
    fs::create_dir(shared.checkout()).unwrap();
    let variable = format!("sqlite:{}", journal.display());
    let variables = [("CAMPANILE_JOURNAL", variable.as_str())];
    let mut first = shared.server(shared.remote().to_str().unwrap());
    let ended = Ended::of(&first.envs(variables).output().unwrap());
    ended.assert(1, &["cannot open the journal"]);
    for name in ["state", "keys"] {
        fs::rename(kept.join(name), shared.checkout().join(name)).unwrap();
    }
    let mut daemon = serve_with(&shared, &variables);
    daemon.line_with("done: 20 planned = 20 accepted");
    let run = |words: &[&str]| {
        let mut command = shared.command(words);
        Ended::of(&command.envs(variables).output().unwrap())
    };
    let daemon = &mut daemon;
    for path in [
        "state/deep/journal.db",
        "state/deep/journal.db-wal",
        "state/deep/journal.db-epoch",
        "state/deep/Journal.db",
        "keys/main",
    ] {
        assert_refused(&shared, daemon, MEANT, |author| {
            write(author.join(path), "");
        });
    }
    for path in ["state/deep", "state", "keys"] {
        assert_refused(&shared, daemon, FOLDER, |author| {
            write(author.join(path), "");
        });
    }
    for path in ["state", "keys"] {
        assert_refused(&shared, daemon, FOLDER, |author| {
            symlink("/tmp", author.join(path)).unwrap();
        });
    }
    // Whatever the commit says about the place of the journal.
    assert_refused(&shared, daemon, FOLDER, |author| {
        write(
            author.join("campanile.yaml"),
            &named.replace("named", "other"),
        );
        write(author.join("state/deep"), "");
    });
    run(&["log", "news", "-n", "1"]).assert(0, &["accepted"]);
    assert_eq!(vendor.ledger().len(), 20);
}

#[test]
fn commit_that_renames_the_journal_reaches_neither_of_both() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let settings = settings_of(&shared);
    let mut daemon = shared.serve();
    let renamed = format!("{settings}journal: sqlite:other.db\n");
    assert_refused(
        &shared,
        &mut daemon,
        "`campanile.db` is a file of it",
        |author| {
            write(author.join("campanile.yaml"), &renamed);
            write(author.join("campanile.db"), "");
        },
    );
    // What it names would be in use once it is accepted.
    assert_refused(
        &shared,
        &mut daemon,
        "`other.db` is a file of it",
        |author| {
            write(author.join("campanile.yaml"), &renamed);
            write(author.join("other.db"), "");
        },
    );
    shared.author.write("campanile.yaml", &renamed);
    let commit = shared.push("rename it");
    let told = daemon.line_with("are not used until they are accepted");
    assert!(told.contains(&commit[..10]), "{told}");
    assert!(told.contains("journal is not set and would be \"sqlite:other.db\""));
    let status = shared.status();
    assert_eq!(status["commit"], commit.as_str());
    assert!(
        status["journal"]
            .as_str()
            .unwrap()
            .ends_with("campanile.db")
    );
    drained(daemon);
    // Nor is it another history after a restart.
    let daemon = shared.serve();
    assert!(!shared.checkout().join("other.db").exists());
    assert_eq!(
        shared.status()["settings_pending"]["changes"][0]["key"],
        "journal"
    );
    drained(daemon);
}

#[test]
fn operator_settings_of_a_commit_wait_until_they_are_accepted() {
    let vendor = Vendor::start(&[]);
    let slot = soon(8);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let outside = tempfile::tempdir().unwrap();
    write(outside.path().join("a.txt"), "Hello");
    let begun = settings_of(&shared);
    let folder = outside.path().display();
    let mut daemon = shared.serve();
    let changed = format!(
        "{begun}    limits: {{ group_message: 7 }}\nroots: {{ out: {folder} }}\non_invalid: last_good\nserve: {{ listen: 127.0.0.1:1 }}\n"
    );
    shared.author.write("campanile.yaml", &changed);
    let other = news(&[slot], "").replace("name: news", "name: other");
    shared.author.write("campaigns/other.yaml", &other);
    let needing = reading_outside(&news(&[soon(3_600)], "")).replace("name: news", "name: needing");
    shared.author.write("campaigns/needing.yaml", &needing);
    let commit = shared.push("change settings");
    let told = daemon.line_with("are not used until they are accepted");
    for words in [
        &commit[..10],
        "apps.main.limits.group_message is not set and would be 7",
        "roots.out is not set and would be",
        "campanile settings accept",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("serve.listen"), "it is overridden: {told}");
    // The campaigns are taken all the same, but for one.
    let status = shared.wait_until("sent", |status| has_run(status, "other@"));
    assert_eq!(status["commit"], commit.as_str());
    let notices = status["notices"].to_string();
    assert!(
        notices.contains("the root `out` of the settings is not in use"),
        "{notices}"
    );
    let digest = status["settings_pending"]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    shared.run(&["status"]).assert(
        0,
        &[
            &format!("settings of the commit {commit} are not used"),
            "roots.out is not set and would be",
            &format!("campanile settings accept {digest}"),
        ],
    );
    drained(daemon);
    // Neither does a restart of any kind take them.
    drop(shared.serve());
    let mut server = shared.server(shared.remote().to_str().unwrap());
    let mut daemon = Running::of(server.spawn().unwrap());
    daemon.line_with("are not used until they are accepted");
    let other_end = if digest.ends_with('0') { '1' } else { '0' };
    let near = format!("{}{other_end}", &digest[..11]);
    let slip = shared.run(&["settings", "accept", &near]);
    slip.assert(1, &[&format!("did you mean `{digest}`?")]);
    shared
        .run(&["settings", "accept", "none"])
        .assert(1, &["campanile status"]);
    let json = shared.run(&["settings", "accept", &digest, "-o", "json"]);
    json.assert(0, &["\"roots.out\"", &digest]);
    shared
        .run(&["settings", "accept", &digest])
        .assert(0, &["accepted already"]);
    assert!(shared.status()["settings_pending"].is_null());
    drained(daemon);
    let daemon = shared.serve();
    shared.wait_until("all valid", |status| {
        status["notices"] == serde_json::json!([])
    });
    drained(daemon);
}

/// The same campaign with a text that is outside the repository.
fn reading_outside(campaign: &str) -> String {
    let (before, text) = campaign.split_once("text: ").unwrap();
    let behind = text.split_once('"').unwrap().1.split_once('"').unwrap().1;
    format!("{before}text_file: \"out:a.txt\"{behind}")
}

/// Pushes a commit that moves all campaigns to an app that nobody has accepted.
fn push_another_app(shared: &Shared) {
    let begun = settings_of(shared);
    let app = "  new:\n    sdk_app_id: 1400000001\n    region: seoul\ndefault_app: new\n";
    shared.author.write("campanile.yaml", &(begun + app));
    shared.push("another app");
}

fn has_run(status: &serde_json::Value, run: &str) -> bool {
    let finished = status["finished"].as_array().unwrap();
    finished
        .iter()
        .any(|each| each["run"].as_str().unwrap().starts_with(run))
}

#[test]
fn settings_that_are_taken_back_need_no_word_of_the_operator() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let begun = settings_of(&shared);
    let mut daemon = shared.serve();
    push_another_app(&shared);
    daemon.line_with("apps.new.region is not set and would be");
    // It needs an app that is not accepted, and waits.
    let status = shared.wait_until("held", |status| {
        status["notices"].to_string().contains("is not accepted")
    });
    assert_eq!(
        status["settings_pending"]["changes"][0]["key"],
        "apps.new.region"
    );
    shared.author.write("campanile.yaml", &begun);
    let back = shared.push("take it back");
    let status = shared.wait_until("back", |status| {
        status["commit"] == back.as_str() && status["notices"] == serde_json::json!([])
    });
    assert!(status["settings_pending"].is_null());
    shared
        .run(&["settings", "accept", "0a1b2c3d4e5f"])
        .assert(1, &["no settings wait"]);
    drained(daemon);
}

#[test]
fn campaign_of_an_app_that_is_not_accepted_is_held_after_a_restart_as_well() {
    let vendor = Vendor::start(&[]);
    let slot = soon(14);
    let shared = Shared::new(&vendor, 3, &[slot, soon(3_600)]);
    let mut daemon = shared.serve();
    push_another_app(&shared);
    daemon.line_with("apps.new.region is not set and would be");
    drop(daemon);
    let mut daemon = shared.serve();
    let held = daemon.line_with("is held");
    assert!(held.contains("is not accepted"), "{held}");
    shared.wait_until("held", |status| has(status, "waiting", slot, "held"));
    drained(daemon);
    assert!(vendor.ledger().is_empty());
}

/// The journal knows them where the checkout was removed.
#[test]
fn pinned_settings_outlive_the_checkout() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let folder = tempfile::tempdir().unwrap();
    let journal = format!("sqlite:{}", folder.path().join("a.db").display());
    let variables = [("CAMPANILE_JOURNAL", journal.as_str())];
    drained(serve_with(&shared, &variables));
    let changed = format!("{}roots: {{ all: / }}\n", settings_of(&shared));
    shared.author.write("campanile.yaml", &changed);
    shared.push("read everything");
    fs::remove_dir_all(shared.checkout()).unwrap();
    let mut server = shared.server(shared.remote().to_str().unwrap());
    let mut daemon = Running::of(server.envs(variables).spawn().unwrap());
    daemon.line_with("roots.all is not set and would be \"/\"");
    drained(daemon);
}

/// Whoever starts a daemon owns its folder; whoever edits a file there need not.
#[test]
fn operator_settings_are_taken_at_a_start_and_not_by_a_reload() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let outside = tempfile::tempdir().unwrap();
    write(outside.path().join("a.txt"), "Hello");
    place.write("campaigns/news.yaml", &news(&[soon(3_600)], ""));
    let serve = || {
        let mut command: Command = place.command(&["serve"]);
        command
            .env("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running::of(command.spawn().unwrap())
    };
    let mut daemon = serve();
    daemon.line_with("started:");
    let settings = fs::read_to_string(place.path().join("campanile.yaml")).unwrap();
    let folder = outside.path().display();
    place.write(
        "campanile.yaml",
        &format!("{settings}roots: {{ out: {folder} }}\n"),
    );
    daemon.line_with("only after a restart");
    let campaign = reading_outside(&news(&[soon(3_600)], ""));
    place.write("campaigns/news.yaml", &campaign);
    let told = daemon.line_with("out:a.txt");
    assert!(told.contains("not in use"), "{told}");
    drained(daemon);
    let mut daemon = serve();
    let started = daemon.line_with("started:");
    assert!(started.contains("1 campaign; next"), "{started}");
    let status = Ended::of(&place.command(&["status", "-o", "json"]).output().unwrap());
    assert!(!status.out.contains("not in use"), "{}", status.out);
    drained(daemon);
    assert!(!has(
        &serde_json::from_str(&status.out).unwrap(),
        "finished",
        soon(0),
        "done"
    ));
}
