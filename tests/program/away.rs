//! A folder on a mount that is away: `away.c` keeps whoever opens a file there waiting.

use super::log_pipe::ends_in_order;
use super::operations::asked;
use super::place::{Place, Running, skipped, wait_until};
use super::serving::{news, soon};
use super::vendor::{Vendor, own_address};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn daemon_that_waits_for_a_file_for_ever_sends_what_is_open_and_ends() {
    let vendor = Vendor::start(&["--limit", "10"]);
    let place = Place::with_news(&vendor.endpoint(), 60);
    let library = place.path().join("away.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "tests/program/away.c", "-o"])
        .arg(&library)
        .status();
    if !compiled.is_ok_and(|compiled| compiled.success()) {
        return skipped("there is no C compiler");
    }
    let slot = soon(6);
    place.write("campaigns/news.yaml", &news(&[slot], ""));
    let away = place.path().join("away");
    let address = own_address();
    let mut command = place.command(&["serve"]);
    command
        .env("LD_PRELOAD", &library)
        .env("AWAY", "campaigns/other.yaml")
        .env("AWAY_WHILE", &away)
        .env("CAMPANILE_SERVE__LISTEN", &address)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut daemon = Running::of(command.spawn().unwrap());
    daemon.line_with("is opened");
    fs::write(&away, "").unwrap();
    place.write("campaigns/other.yaml", "name: other\n");
    wait_until("all is sent", || vendor.ledger().len() == 60);
    assert!(asked(&address, "/livez").starts_with("HTTP/1.1"));
    ends_in_order(&mut daemon);
    assert!(
        daemon
            .line_with("left after")
            .contains("waiting for it to end")
    );
    vendor.assert_each_once(60);
}
