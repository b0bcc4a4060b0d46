//! A log that is not read: the daemon goes on sending, answers probes and ends in order.

use super::operations::asked;
use super::place::{Place, Running, pause, wait_until};
use super::serving::{has, news, soon};
use super::vendor::{Vendor, own_address};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A daemon that is told to end has done so within this, whatever is stuck.
const END_MAX: Duration = Duration::from_secs(40);

/// A pipe that takes not one more byte.
fn full_pipe() -> (PipeReader, OwnedFd) {
    let (reader, mut writer) = pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    for piece in [4_096, 1] {
        while writer.write(&vec![b'\n'; piece]).is_ok() {}
    }
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer.into())
}

/// Starts a daemon whose stdout and stderr are `log`.
fn serving(place: &Place, address: &str, log: OwnedFd, more: &[&str]) -> Running {
    let mut command = place.command(&[&["serve"], more].concat());
    let stdout = log.try_clone().unwrap();
    command
        .env("CAMPANILE_SERVE__LISTEN", address)
        .stdout(stdout)
        .stderr(log);
    Running::of(command.spawn().unwrap())
}

#[track_caller]
pub(super) fn ends_in_order(daemon: &mut Running) {
    let began = Instant::now();
    daemon.signal(Signal::TERM);
    let status = loop {
        if let Some(status) = daemon.child().try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < END_MAX, "it does not end");
        pause();
    };
    assert_eq!(status.code(), Some(143));
}

pub(super) fn is_ready(address: &str) -> bool {
    let answer = std::net::TcpStream::connect(address).map(|_| asked(address, "/readyz"));
    answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Two slots are sent, probes are answered, and the daemon ends when it is told to.
#[track_caller]
fn assert_serves(place: &Place, vendor: &Vendor, log: OwnedFd, more: &[&str]) {
    let slots = [soon(8), soon(11)];
    place.write("campaigns/news.yaml", &news(&slots, ""));
    let address = own_address();
    let mut daemon = serving(place, &address, log, more);
    wait_until("ready", || is_ready(&address));
    place.wait_until("sent", |status| {
        slots
            .iter()
            .all(|slot| has(status, "finished", *slot, "done"))
    });
    assert!(asked(&address, "/livez").starts_with("HTTP/1.1 200"));
    // Each of them is a line of the log.
    for _ in 0..50 {
        daemon.signal(Signal::HUP);
        pause();
    }
    ends_in_order(&mut daemon);
    assert_eq!(vendor.ledger().len(), 40);
}

#[test]
fn daemon_whose_log_pipe_is_full_sends_answers_and_ends() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 20);
    let (reader, log) = full_pipe();
    assert_serves(&place, &vendor, log, &[]);
    drop(reader);
}

#[test]
fn daemon_whose_log_pipe_is_closed_sends_answers_and_ends() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 20);
    let (reader, log) = full_pipe();
    drop(reader);
    assert_serves(&place, &vendor, log, &["--log", "json"]);
}

#[test]
fn daemon_whose_log_is_on_a_full_disk_sends_answers_and_ends() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 20);
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_serves(&place, &vendor, full.into(), &[]);
}

/// Another process that has the same pipe may have made it non-blocking, so that a full one refuses what it is given.
#[test]
fn daemon_whose_full_log_pipe_does_not_block_sends_answers_and_ends() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 20);
    let (reader, log) = full_pipe();
    let flags = fcntl_getfl(&log).unwrap();
    fcntl_setfl(&log, flags | OFlags::NONBLOCK).unwrap();
    assert_serves(&place, &vendor, log, &[]);
    drop(reader);
}

#[test]
fn log_that_is_read_again_says_everything_that_had_room() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let address = own_address();
    let (reader, log) = full_pipe();
    let mut daemon = serving(&place, &address, log, &[]);
    wait_until("ready", || is_ready(&address));
    let mut lines = BufReader::new(reader).lines();
    let started = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("started:")));
    assert!(started.is_some());
    ends_in_order(&mut daemon);
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(rest.last().unwrap().ends_with("stopped"), "{rest:?}");
    assert!(!rest.concat().contains("dropped"), "{rest:?}");
}

fn writer(fifo: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
    File::options().write(true).custom_flags(flags).open(fifo)
}

#[test]
fn log_that_had_no_reader_says_how_many_lines_it_dropped() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let fifo = place.path().join("log");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let for_reader = fifo.clone();
    let first = std::thread::spawn(move || File::open(for_reader).unwrap());
    let mut log = writer(&fifo);
    while log.is_err() {
        pause();
        log = writer(&fifo);
    }
    let log = log.unwrap();
    fcntl_setfl(&log, fcntl_getfl(&log).unwrap() - OFlags::NONBLOCK).unwrap();
    drop(first.join().unwrap());
    let address = own_address();
    let mut daemon = serving(&place, &address, log.into(), &[]);
    wait_until("ready", || is_ready(&address));
    let mut lines = BufReader::new(File::open(&fifo).unwrap()).lines();
    let told = lines.next().unwrap().unwrap();
    assert!(told.contains("dropped here"), "{told}");
    ends_in_order(&mut daemon);
    assert!(lines.last().unwrap().unwrap().ends_with("stopped"));
}

/// What ends before it serves says why, also where the pipe is slow to be read.
#[test]
fn failure_of_the_start_is_said() {
    let place = Place::new();
    place.write("campanile.yaml", "apps: 3\n");
    place
        .run(&["serve"])
        .assert(78, &["error", "campanile.yaml"]);
}
