//! Disks that fail for a while, and programs that hold the journal's lock: what is under way waits and goes on.
//!
//! `disk.c` lets the writes or the syncs of one process fail for as long as a file is there.

use super::handover::held;
use super::log_pipe::is_ready;
use super::operations::asked;
use super::place::{Place, Running, pause, settings, skipped, wait_until};
use super::serving::{has, news, soon};
use super::vendor::{Vendor, own_address};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The switch of the disk's failure, and the library that obeys it.
struct Disk {
    shim: PathBuf,
    fails: PathBuf,
}

impl Disk {
    /// `None`: there is no compiler.
    fn of(place: &Place) -> Option<Disk> {
        let shim = place.path().join("disk.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "tests/program/disk.c", "-o"])
            .arg(&shim)
            .status();
        compiled
            .is_ok_and(|compiled| compiled.success())
            .then(|| Disk {
                shim,
                fails: place.path().join("disk-fails"),
            })
    }

    fn fail(&self, how: &str) {
        let ready = self.fails.with_extension("ready");
        fs::write(&ready, how).unwrap();
        fs::rename(ready, &self.fails).unwrap();
    }

    fn mend(&self) {
        fs::remove_file(&self.fails).unwrap();
    }

    fn start(&self, place: &Place, arguments: &[&str], address: &str) -> Running {
        let mut command = place.command(arguments);
        command
            .env("LD_PRELOAD", &self.shim)
            .env("DISK_OF", "campanile.db")
            .env("DISK_FAILS", &self.fails)
            .env("CAMPANILE_SERVE__LISTEN", address)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running::of(command.spawn().unwrap())
    }
}

fn place(vendor: &Vendor, groups: usize, limit: u32) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    let app = format!(
        "endpoint: {}\n    limits: {{ group_message: {limit} }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    place
}

/// Waits until no further call arrives. What waits for an answer is in flight, and no more.
fn quiet(vendor: &Vendor) -> u64 {
    let mut since = (vendor.arrivals(), Instant::now());
    while since.1.elapsed() < Duration::from_secs(2) {
        pause();
        let arrivals = vendor.arrivals();
        if arrivals != since.0 {
            since = (arrivals, Instant::now());
        }
    }
    since.0
}

/// A webhook on this machine, and what it is sent.
fn webhook() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let (out, posts) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut post = String::new();
            let mut bytes = [0; 4_096];
            // The body is one JSON object, and the first that the request has.
            while !post.ends_with('}') {
                let read = stream.read(&mut bytes).unwrap();
                post.push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            if out.send(post).is_err() {
                return;
            }
        }
    });
    (address, posts)
}

#[test]
fn daemon_outlasts_a_full_disk_and_one_that_does_not_sync() {
    for how in ["full", "sync"] {
        let vendor = Vendor::start(&["--latency", "300ms"]);
        let place = place(&vendor, 600, 100);
        let Some(disk) = Disk::of(&place) else {
            return skipped("there is no C compiler");
        };
        let slot = soon(8);
        place.write("campaigns/news.yaml", &news(&[slot], ""));
        let (hook, posts) = webhook();
        let settings = fs::read_to_string(place.path().join("campanile.yaml")).unwrap();
        let settings = format!("{settings}notify: [{{ url: \"{hook}\" }}]\n");
        place.write("campanile.yaml", &settings);
        let address = own_address();
        let mut daemon = disk.start(&place, &["serve"], &address);
        vendor.wait_for(100);
        disk.fail(how);
        let waits = daemon.line_with("journal can be written again");
        assert!(waits.contains("nothing new is sent until"), "{waits}");
        let post = posts.recv_timeout(Duration::from_mins(1)).unwrap();
        assert!(post.contains("\"journal_unavailable\""), "{post}");
        let arrived = quiet(&vendor);
        assert!(arrived < 600, "{how}: {arrived} calls arrived");
        assert!(
            asked(&address, "/readyz").contains("the journal: "),
            "{how}"
        );
        assert!(asked(&address, "/livez").starts_with("HTTP/1.1 200"));
        disk.mend();
        let over = daemon.line_with("the journal can be written again");
        assert!(over.contains("after"), "{over}");
        place.wait_until("sent", |status| has(status, "finished", slot, "done"));
        wait_until("ready", || is_ready(&address));
        vendor.assert_each_once(600);
        assert_eq!(
            vendor.statistics()["duplicates"],
            0,
            "{how}: nothing is repeated"
        );
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.end().code, 143);
    }
}

#[test]
fn run_waits_for_a_full_disk_and_goes_on() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 400, 100);
    let Some(disk) = Disk::of(&place) else {
        return skipped("there is no C compiler");
    };
    let mut run = disk.start(&place, &["run", "news", "--yes"], "127.0.0.1:0");
    vendor.wait_for(50);
    disk.fail("full");
    run.line_with("waiting for the journal: the disk of the journal is full");
    disk.mend();
    run.end().assert(0, &["400 planned = 400 accepted"]);
    vendor.assert_each_once(400);
}

#[test]
fn run_that_is_told_to_end_says_which_answers_it_could_not_write() {
    let vendor = Vendor::start(&["--latency", "300ms", "--deduplication", "1m"]);
    let place = place(&vendor, 400, 100);
    let Some(disk) = Disk::of(&place) else {
        return skipped("there is no C compiler");
    };
    let run = disk.start(&place, &["run", "news", "--yes"], "127.0.0.1:0");
    vendor.wait_for(50);
    disk.fail("full");
    let arrived = quiet(&vendor);
    let began = Instant::now();
    run.signal(Signal::TERM);
    let ended = run.end();
    let took = began.elapsed();
    assert!(
        (Duration::from_secs(9)..Duration::from_secs(25)).contains(&took),
        "{took:?}"
    );
    let said = [
        "the journal could not be written within 10s: the disk of the journal is full",
        " answers of news@",
        "campanile resume news@",
    ];
    ended.assert(75, &said);
    assert_eq!(vendor.arrivals(), arrived, "nothing more was sent");
    disk.mend();
    let resumed = place.run(&["run", "news", "--yes"]);
    resumed.assert(0, &["400 planned = 400 accepted"]);
    vendor.assert_each_once(400);
}

#[test]
fn daemon_that_is_told_to_end_says_which_answers_it_could_not_write() {
    let vendor = Vendor::start(&["--latency", "300ms"]);
    let place = place(&vendor, 400, 100);
    let Some(disk) = Disk::of(&place) else {
        return skipped("there is no C compiler");
    };
    let slot = soon(8);
    place.write("campaigns/news.yaml", &news(&[slot], ""));
    let daemon = disk.start(&place, &["serve"], "127.0.0.1:0");
    vendor.wait_for(50);
    disk.fail("full");
    quiet(&vendor);
    daemon.signal(Signal::TERM);
    let said = ["not in it: ", " answers of news@"];
    daemon.end().assert(75, &said);
    disk.mend();
    let mut daemon = Running::of(place.server().spawn().unwrap());
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    vendor.assert_each_once(400);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.child().wait().unwrap().code(), Some(143));
}

#[test]
fn daemon_outlasts_a_program_that_holds_the_lock() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 1_200, 100);
    let slot = soon(8);
    place.write("campaigns/news.yaml", &news(&[slot], ""));
    let mut daemon = Running::of(place.server().spawn().unwrap());
    daemon.line_with("is opened");
    vendor.wait_for(20);
    held(&place, || {
        let began = Instant::now();
        let waits = daemon.line_with("until the journal can be written again");
        assert!(
            waits.contains("another program keeps the journal busy"),
            "{waits}"
        );
        while began.elapsed() < Duration::from_secs(25) {
            pause();
        }
    });
    daemon.line_with("the journal can be written again, after");
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    vendor.assert_each_once(1_200);
    // While it is idle as well.
    held(&place, || {
        place.write("campaigns/other.yaml", "name: other\n");
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(25) {
            assert!(daemon.child().try_wait().unwrap().is_none());
            pause();
        }
    });
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end().code, 143);
}

#[test]
fn daemon_waits_at_its_start_for_a_program_that_holds_the_lock() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 3, 100);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["3 accepted"]);
    let mut daemon = None;
    held(&place, || {
        let started = daemon.insert(Running::of(place.server().spawn().unwrap()));
        started.line_with("until the journal can be written again");
    });
    let mut daemon = daemon.unwrap();
    daemon.line_with("started:");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end().code, 143);
}
