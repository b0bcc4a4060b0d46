//! Wall clocks that somebody sets while a process lives: `wall_clock.c` stands between the program and the system.

use super::place::{Place, Running, settings, wait_until};
use super::serving::{drained, has, news, now, soon};
use super::vendor::Vendor;
use chrono::{DateTime, TimeDelta, Utc};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The clock of one process, which the others do not share.
pub(super) struct Clock {
    shim: PathBuf,
    set_by: PathBuf,
}

impl Clock {
    pub(super) fn right(place: &Place) -> Clock {
        let shim = place.path().join("wall_clock.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "tests/program/wall_clock.c", "-o"])
            .arg(&shim)
            .status();
        assert!(compiled.unwrap().success());
        let set_by = place.path().join("set_by");
        fs::write(&set_by, 0_i64.to_ne_bytes()).unwrap();
        Clock { shim, set_by }
    }

    pub(super) fn set(&self, by: TimeDelta) {
        let ns = by.num_nanoseconds().unwrap();
        let file = fs::OpenOptions::new().write(true).open(&self.set_by);
        file.unwrap().write_all_at(&ns.to_ne_bytes(), 0).unwrap();
    }

    /// The loader of programs puts the shim before the C library.
    pub(super) fn start(&self, command: &Command) -> Running {
        let mut loaded = Command::new(loader());
        loaded
            .arg("--preload")
            .arg(&self.shim)
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(command.get_current_dir().unwrap())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("WALL_CLOCK", &self.set_by)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running::of(loaded.spawn().unwrap())
    }
}

/// What starts programs here, by whichever name this kind of machine gives it.
fn loader() -> PathBuf {
    let folders = ["/lib64", "/lib"].into_iter().flat_map(fs::read_dir);
    let mut paths = folders.flatten().map(|file| file.unwrap().path());
    let is_it = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("ld-linux")
    };
    paths.find(is_it).unwrap()
}

/// Replies are lost all the while, so that something is open whenever the clock is set.
#[test]
fn a_clock_that_is_set_by_an_hour_amid_a_run_doubles_nothing() {
    set_amid_runs(&[&[1], &[-1, 48]]);
}

#[test]
#[ignore = "takes more than a minute; `tests/long drills` runs it"]
fn wall_clock_that_is_set_again_and_again_amid_a_run_doubles_nothing() {
    set_amid_runs(&[&[1, 0, -1, 0], &[-1, 48, -48, 1, 0], &[24, -24, 24, -24, 0]]);
}

fn set_amid_runs(hours: &[&[i64]]) {
    std::thread::scope(|scope| {
        for set in hours {
            scope.spawn(|| set_amid_a_run(set));
        }
    });
}

fn set_amid_a_run(hours: &[i64]) {
    const GROUPS: usize = 120;
    let options = [
        "--deduplication",
        "15s",
        "--latency",
        "50ms",
        "--fault",
        "lost_reply=60%",
    ];
    let vendor = Vendor::start(&options);
    let place = Place::with_news(&vendor.endpoint(), GROUPS);
    let app = format!(
        "endpoint: {}\n    limits: {{ group_message: 40, deduplication: 15s }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    let news = fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap();
    let resent = format!("{news}delivery: {{ on_unknown: resend }}\n");
    place.write("campaigns/news.yaml", &resent);
    let clock = Clock::right(&place);
    let running = clock.start(&place.command(&["run", "news", "--yes"]));
    for (count, hours) in (1..).zip(hours) {
        vendor.wait_for(20 * count);
        clock.set(TimeDelta::hours(*hours));
    }
    let ended = running.end();
    assert!([0, 5].contains(&ended.code), "{hours:?}: {ended:?}");
    let lines = place.log();
    let of = |state: &str| lines.iter().filter(|line| line["state"] == state).count();
    assert_eq!(
        of("accepted") + of("unknown"),
        GROUPS,
        "{hours:?}: {ended:?}"
    );
    let seen = vendor.statistics();
    assert_eq!(seen["doubled"], 0, "{hours:?}");
    // Of what nobody can tell, nothing was sent anew.
    vendor.assert_each_once(vendor.ledger().len());
}

/// A repository with `news` at this slot, and a daemon that has seen it.
fn served(vendor: &Vendor, slot: DateTime<Utc>) -> (Place, Clock, Running) {
    let place = Place::with_news(&vendor.endpoint(), GROUPS);
    place.write("campaigns/news.yaml", &news(&[slot], ""));
    let clock = Clock::right(&place);
    let mut daemon = clock.start(&place.server());
    daemon.line_with("started:");
    (place, clock, daemon)
}

const GROUPS: usize = 20;
/// What has to happen before a slot takes its time on a busy machine.
const BEFORE: TimeDelta = TimeDelta::seconds(10);

#[test]
fn a_slot_that_comes_again_is_not_sent_again() {
    let vendor = Vendor::start(&[]);
    let slot = soon(3 * 3_600);
    let (place, clock, mut daemon) = served(&vendor, slot);
    clock.set(slot - now() - BEFORE);
    daemon.line_with("the clock was set forward");
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    clock.set(TimeDelta::zero());
    daemon.line_with("the clock was set back");
    // Once this is sent the slot has come and gone once more.
    let witness = news(&[slot + TimeDelta::seconds(1)], "").replace("name: news", "name: witness");
    place.write("campaigns/witness.yaml", &witness);
    daemon.line_with("witness");
    clock.set(slot - now() - BEFORE);
    wait_until("the witness", || vendor.ledger().len() >= 2 * GROUPS);
    place.wait_until("seen", |status| has(status, "finished", slot, "done"));
    drained(daemon);
    let of_the_slot = slot.format("%H:%M:%S").to_string();
    let sent = vendor.ledger();
    let again = sent
        .iter()
        .filter(|line| line.to_string().contains(&of_the_slot));
    assert_eq!(
        (sent.len(), again.count()),
        (2 * GROUPS, GROUPS),
        "{of_the_slot}"
    );
}

#[test]
fn a_slot_that_the_clock_was_set_over_is_missed_and_not_sent_later() {
    let vendor = Vendor::start(&[]);
    let slot = soon(3_600);
    let (place, clock, mut daemon) = served(&vendor, slot);
    clock.set(TimeDelta::hours(2));
    daemon.line_with("the clock was set forward");
    place.wait_until("missed", |status| has(status, "passed", slot, "missed"));
    drained(daemon);
    assert!(vendor.ledger().is_empty());
}
