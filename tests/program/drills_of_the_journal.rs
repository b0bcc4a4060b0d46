//! Disks that are full, files that may not be written or are damaged, clocks that were set: the journal stays whole or
//! says that it is not, and nobody gets a message twice.
//!
//! The place for a journal that is older than the truth is here as well.

use super::handover::alter;
use super::place::{Ended, KEY, Place, Running, settings};
use super::vendor::Vendor;
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

const FAST: &[&str] = &["--limit", "5000", "--latency", "5ms"];

fn place(vendor: &Vendor, groups: usize, limits: &str) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    let app = format!(
        "endpoint: {}\n    limits: {{ {limits} }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    place
}

/// A run of which some is out, stopped in order.
fn begun(vendor: &Vendor, place: &Place) {
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(30);
    running.signal(Signal::TERM);
    running.end().assert(143, &["is paused"]);
}

/// A file may not grow beyond what the shell allows: every further write fails half way through the run.
#[test]
fn run_whose_journal_can_grow_no_more_waits_and_goes_on() {
    let vendor = Vendor::start(FAST);
    let place = place(&vendor, 2_000, "group_message: 2000");
    // In blocks of 512 bytes.
    let limited = "ulimit -S -f 1200; exec \"$CAMPANILE\" run news --yes";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).current_dir(place.path());
    command
        .env("CAMPANILE", env!("CARGO_BIN_EXE_campanile"))
        .env("CAMPANILE_SECRET_KEY", KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut run = Running::of(command.spawn().unwrap());
    run.line_with("waiting for the journal: the journal cannot be read or written: disk I/O error");
    let limit = Rlimit {
        current: None,
        maximum: None,
    };
    let id = Pid::from_child(run.child());
    prlimit(Some(id), Resource::Fsize, limit).unwrap();
    run.end().assert(0, &["2,000 planned = 2,000 accepted"]);
    vendor.assert_each_once(2_000);
}

/// Whether this user may have a file system of their own.
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// On a real file system without room, where this user may mount one; the test above does with less.
#[test]
fn run_on_a_full_disk_waits_until_there_is_room() {
    if !may_mount() {
        return super::place::skipped("this user may not mount a small file system");
    }
    let vendor = Vendor::start(FAST);
    let place = place(&vendor, 2_000, "group_message: 2000");
    let script = "mkdir small; mount -t tmpfs -o size=800k none small
        cp -r campanile.yaml campaigns audiences small; cd small
        $CAMPANILE run news --yes 2> said & run=$!
        for i in $(seq 600); do
            grep -q 'waiting for the journal: the disk of the journal is full' said && break; sleep 0.1
        done
        $CAMPANILE log news -n 1; echo log $?
        mount -o remount,size=20m none .
        wait $run; echo run $?";
    let path = place.write("script.sh", script).display().to_string();
    let ended = place.shell(&format!("unshare -rm sh {path}"));
    let said = ["log 0\n", "2,000 planned = 2,000 accepted", "run 0\n"];
    ended.assert(0, &said);
    vendor.assert_each_once(2_000);
}

/// As a user whom modes mean something to: the superuser may write everywhere.
fn as_anybody(place: &Place, arguments: &str) -> Ended {
    let user = if rustix::process::geteuid().is_root() {
        "setpriv --reuid 65534 --regid 65534 --clear-groups "
    } else {
        ""
    };
    place.shell(&format!("{user}$CAMPANILE {arguments}"))
}

#[test]
fn a_journal_that_may_not_be_written_sends_nothing_and_says_so() {
    let vendor = Vendor::start(FAST);
    let place = place(&vendor, 300, "group_message: 200");
    begun(&vendor, &place);
    let sent = vendor.ledger().len();
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(place.path().join(path), PermissionsExt::from_mode(mode)).unwrap();
    };
    let refused = |words: &[&str]| {
        let ended = as_anybody(&place, "resume news");
        ended.assert(
            1,
            &[words, &["help: let this user write the file"]].concat(),
        );
    };
    mode(".", 0o777);
    refused(&["cannot lock", "Permission denied"]);
    mode("campanile.db-lane-1400000000-group_message.lock", 0o666);
    mode("campanile.db", 0o444);
    refused(&["the journal may not be written: attempt to write a readonly database"]);
    mode("campanile.db", 0o666);
    mode(".", 0o555);
    refused(&["the journal may not be written: attempt to write a readonly database"]);
    assert_eq!(vendor.ledger().len(), sent);
    mode(".", 0o755);
    place.run(&["resume", "news"]).assert(0, &["300 accepted"]);
    vendor.assert_each_once(300);
}

const PAGE: usize = 4_096;

#[test]
fn a_damaged_journal_is_told_and_never_gone_on_with() {
    let vendor = Vendor::start(FAST);
    let place = place(&vendor, 1_000, "group_message: 500");
    begun(&vendor, &place);
    let (sent, path) = (vendor.ledger().len(), place.path().join("campanile.db"));
    let whole = fs::read(&path).unwrap();
    let spoilt: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes[3 * PAGE..20 * PAGE].fill(0xA5),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[..PAGE].fill(0xA5),
    ];
    for spoil in spoilt {
        let mut bytes = whole.clone();
        spoil(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        for verb in [&["resume", "news"][..], &["run", "news", "--yes"]] {
            let ended = place.run(verb);
            ended.assert(1, &["damaged", "help: keep the file"]);
        }
        assert_eq!(vendor.ledger().len(), sent, "nothing was sent");
    }
    fs::write(&path, &whole).unwrap();
    let resumed = place.run(&["resume", "news"]);
    resumed.assert(0, &["1,000 planned = 1,000 accepted"]);
    vendor.assert_each_once(1_000);
}

/// What was there before is an hour older, or an hour in the future, by the wall clock alone.
const CLOCK_SET: [&str; 2] = [
    "UPDATE entry SET wall_ms = wall_ms - 3600000; UPDATE run_entry SET wall_ms = wall_ms - 3600000",
    "UPDATE entry SET wall_ms = wall_ms + 3600000; UPDATE run_entry SET wall_ms = wall_ms + 3600000",
];

/// While nobody sends the wall clock is set by an hour. How much time has passed nobody can tell then, so that what is
/// open is looked up rather than repeated.
#[test]
fn a_clock_that_was_set_by_an_hour_doubles_nothing() {
    std::thread::scope(|scope| {
        for set in CLOCK_SET {
            scope.spawn(move || {
                let options = ["--deduplication", "15s", "--latency", "50ms"];
                let vendor = Vendor::start(&options);
                let place = place(&vendor, 60, "group_message: 40, deduplication: 15s");
                let running = place.start(&["run", "news", "--yes"]);
                vendor.wait_for(20);
                running.signal(Signal::KILL);
                running.end();
                alter(&place, set);
                let ended = place.run(&["resume", "news"]);
                let lines = place.log();
                let of = |state: &str| lines.iter().filter(|line| line["state"] == state).count();
                assert_eq!(of("accepted") + of("unknown"), 60, "{ended:?}");
                assert_eq!(vendor.statistics()["duplicates"], 0, "nothing was repeated");
                assert!(vendor.statistics()["lookups"].as_u64() > Some(0));
                vendor.assert_each_once(of("accepted"));
            });
        }
    });
}

/// The same of the boot clock, in a time namespace of its own, where this user may have one.
#[test]
fn a_boot_clock_an_hour_later_doubles_nothing() {
    let later = "unshare -rT --boottime 3600 --fork";
    let vendor = Vendor::start(&["--deduplication", "15s", "--latency", "50ms"]);
    let place = place(&vendor, 60, "group_message: 40, deduplication: 15s");
    if place.shell(&format!("{later} true")).code != 0 {
        return super::place::skipped("this user may not have a clock of their own");
    }
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(20);
    running.signal(Signal::KILL);
    running.end();
    let ended = place.shell(&format!("{later} $CAMPANILE resume news"));
    assert!([0, 5].contains(&ended.code), "{ended:?}");
    assert_eq!(vendor.statistics()["duplicates"], 0, "nothing was repeated");
    let accepted = place
        .log()
        .iter()
        .filter(|line| line["state"] == "accepted")
        .count();
    vendor.assert_each_once(accepted);
}
