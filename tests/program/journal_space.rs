//! The room that a journal takes: its log stays small, and what was pruned or could not be copied takes none.

use super::journals::{age, alter, journal};
use super::place::{Place, Running, settings, skipped, wait_until};
use super::serving::drained;
use super::vendor::Vendor;
use std::fs;
use std::path::Path;
use std::process::Command;

const MEGABYTE: u64 = 1 << 20;

fn bytes(place: &Place, name: &str) -> u64 {
    fs::metadata(place.path().join(name)).map_or(0, |about| about.len())
}

/// An app of which so many messages a second may be sent.
fn place(vendor: &Vendor, groups: usize) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    let app = format!(
        "endpoint: {}\n    limits: {{ group_message: 5000 }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    place
}

fn serving(place: &Place) -> Running {
    let mut daemon = Running::of(place.server().spawn().unwrap());
    daemon.line_with("started:");
    daemon
}

/// Reads the journal, as a person with another program does, while something happens.
fn while_it_is_read(place: &Place, happens: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let path = format!("sqlite:{}", journal(place).display());
        let mut reader = sqlx::SqliteConnection::connect(&path).await.unwrap();
        for statement in ["BEGIN", "SELECT count(*) FROM run"] {
            sqlx::raw_sql(statement).execute(&mut reader).await.unwrap();
        }
        happens();
        sqlx::raw_sql("ROLLBACK")
            .execute(&mut reader)
            .await
            .unwrap();
        reader.close().await.unwrap();
    });
}

#[test]
fn log_of_the_journal_is_emptied_when_nothing_happens_beside_a_daemon() {
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = place(&vendor, 2_000);
    let daemon = serving(&place);
    let log = || bytes(&place, "campanile.db-wal");
    while_it_is_read(&place, || {
        place
            .run(&["run", "news", "--yes"])
            .assert(0, &["2,000 accepted"]);
        assert!(log() > 4 * MEGABYTE, "{} bytes", log());
    });
    wait_until("the log is empty", || log() == 0);
    // And once more without a reader.
    place
        .run(&["run", "news", "--yes", "--again"])
        .assert(0, &["2,000 accepted"]);
    assert!(log() > 0);
    wait_until("the log is empty again", || log() == 0);
    drained(daemon);
}

#[test]
fn log_of_the_journal_is_bounded_while_a_run_is_sent() {
    let vendor = Vendor::start(&["--limit", "1000"]);
    let place = place(&vendor, 12_000);
    let app = format!(
        "endpoint: {}\n    limits: {{ group_message: 1000 }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    let running = place.start(&["run", "news", "--yes"]);
    let mut longest = 0;
    while vendor.arrivals() < 12_000 {
        longest = longest.max(bytes(&place, "campanile.db-wal"));
        super::place::pause();
    }
    running.end().assert(0, &["12,000 accepted"]);
    assert!(longest < 30 * MEGABYTE, "{longest} bytes");
}

#[test]
fn prune_gives_room_back_beside_a_daemon() {
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = place(&vendor, 2_000);
    // For this campaign the daemon holds the lane.
    let yearly = "name: yearly\nschedule: { cron: \"0 0 1 1 *\" }\naudience: { groups: [g1] }\n\
        send: { group_message: { text: \"x\" } }\n";
    place.write("campaigns/yearly.yaml", yearly);
    let daemon = serving(&place);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["2,000 accepted"]);
    age(&place, 100);
    wait_until("all is in the file", || {
        bytes(&place, "campanile.db-wal") == 0
    });
    let before = bytes(&place, "campanile.db");
    assert!(before > MEGABYTE / 2, "{before} bytes");
    let pruned = place.run(&["journal", "prune", "--older-than", "90d", "--yes"]);
    pruned.assert(0, &["removed 1 run", "0.0 MB of them free"]);
    assert!(!pruned.err.contains("keeps its size"), "{pruned:?}");
    wait_until("the file is smaller", || {
        bytes(&place, "campanile.db") < before / 4
    });
    drained(daemon);
}

/// What an earlier version made is written again once, and gives room back in steps from then on.
#[test]
fn journal_of_before_gives_room_back_in_steps_after_one_prune() {
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = place(&vendor, 2_000);
    let send = |again: &[&str]| {
        let run = place.run(&[&["run", "news", "--yes"], again].concat());
        run.assert(0, &["2,000 accepted"]);
        age(&place, 100);
    };
    send(&[]);
    alter(&place, "PRAGMA auto_vacuum = NONE; VACUUM");
    let prune = ["journal", "prune", "--older-than", "90d", "--yes"];
    place.run(&prune).assert(0, &["removed 1 run"]);
    send(&["--again"]);
    let daemon = serving(&place);
    let before = bytes(&place, "campanile.db");
    place.run(&prune).assert(0, &["0.0 MB of them free"]);
    wait_until("the file is smaller", || {
        bytes(&place, "campanile.db") < before / 4
    });
    drained(daemon);
}

fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

#[test]
fn backup_onto_a_full_disk_says_so_and_leaves_nothing() {
    if !may_mount() {
        return skipped("this user may not mount a small file system");
    }
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = place(&vendor, 2_000);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["2,000 accepted"]);
    let script = "mkdir small; mount -t tmpfs -o size=300k none small
        $CAMPANILE journal backup small/a.db; echo backup $?; ls -A small | wc -l
        head -c 400k /dev/zero > small/full 2> /dev/null
        $CAMPANILE journal backup small/a.db; echo backup $?; ls -A small | wc -l";
    let path = place.write("script.sh", script).display().to_string();
    let ended = place.shell(&format!("unshare -rm sh {path}"));
    ended.assert(0, &["backup 1\n0\nbackup 1\n1\n"]);
    let words = "small/a.db`: there is no room on its disk, and nothing is left of it";
    assert_eq!(ended.err.matches(words).count(), 2, "{ended:?}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn backup_that_was_killed_leaves_nothing_after_the_next() {
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = place(&vendor, 6_000);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["6,000 accepted"]);
    let copies = place.path().join("copies");
    fs::create_dir(&copies).unwrap();
    let mut was_left = false;
    for _ in 0..10 {
        let running = place.start(&["journal", "backup", "copies/a.db"]);
        wait_until("it has begun", || !names(&copies).is_empty());
        running.signal(rustix::process::Signal::KILL);
        running.end();
        was_left |= names(&copies).iter().any(|name| name.contains(".partial"));
        let _ = fs::remove_file(copies.join("a.db"));
    }
    assert!(was_left, "none was killed in its midst");
    place
        .run(&["journal", "backup", "copies/a.db"])
        .assert(0, &["1 run"]);
    assert_eq!(names(&copies), ["a.db"]);
}

#[test]
fn daemon_removes_runs_that_are_older_than_its_retention() {
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = place(&vendor, 2_000);
    let text = fs::read_to_string(place.path().join("campanile.yaml")).unwrap();
    place.write(
        "campanile.yaml",
        &format!("{text}serve: {{ retention: 90d }}\n"),
    );
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["2,000 accepted"]);
    age(&place, 100);
    place.write(
        "campaigns/other.yaml",
        "audience: { groups: [g1] }\nsend: { group_message: { text: \"y\" } }\n",
    );
    place
        .run(&["run", "other", "--yes"])
        .assert(0, &["1 accepted"]);
    let before = bytes(&place, "campanile.db");
    let daemon = serving(&place);
    wait_until("the file is smaller", || {
        bytes(&place, "campanile.db") < before / 4
    });
    place.run(&["log", "news"]).assert(1, &["there is no run"]);
    place.run(&["log", "other"]).assert(0, &["1 accepted"]);
    drained(daemon);
}
