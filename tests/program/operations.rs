//! What machines and people around the daemon hear of it: probes, webhooks, the service manager.

use super::place::{Place, Running, pause};
use super::vendor::{Vendor, own_address};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_mins(1);

/// A daemon of a repository whose one campaign is not valid, and what it is told by its environment.
fn started(place: &Place, variables: &[(&str, &str)]) -> Running {
    let mut command = place.command(&["serve", "--log", "json"]);
    command
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Running::of(command.spawn().unwrap())
}

fn ended(daemon: Running) -> Vec<Value> {
    daemon.signal(Signal::TERM);
    let ended = daemon.end();
    assert_eq!(ended.code, 143, "{}", ended.err);
    let lines = ended.err.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(super) fn asked(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Takes one POST and says that all is well.
fn webhook() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hush-hush", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (mut heard, mut part) = (Vec::new(), [0; 4_096]);
        while !String::from_utf8_lossy(&heard).contains("\"message\"") {
            let length = stream.read(&mut part).unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&part[..length]);
        }
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8(heard).unwrap()
    });
    (address, heard)
}

#[test]
fn probes_hear_that_it_lives_and_is_ready() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let address = own_address();
    let mut daemon = started(&place, &[("CAMPANILE_SERVE__LISTEN", &address)]);
    daemon.line_with("\"started\"");
    assert!(asked(&address, "/livez").starts_with("HTTP/1.1 200"));
    while !asked(&address, "/readyz").starts_with("HTTP/1.1 200") {
        pause();
    }
    let events = ended(daemon);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "stopped", "{events:#?}");
}

#[test]
fn people_hear_of_what_is_invalid_and_nobody_of_the_address() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let (url, heard) = webhook();
    let notify = "[{ url: { env: HOOK }, events: [invalid] }]";
    let variables = [
        ("CAMPANILE_NOTIFY", notify),
        ("HOOK", url.as_str()),
        ("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0"),
    ];
    let mut daemon = started(&place, &variables);
    daemon.line_with("\"started\"");
    place.write(
        "campaigns/news.yaml",
        "name: news\nsend: { group_message: { txt: x } }\n",
    );
    let heard = heard.join().unwrap();
    assert!(heard.starts_with("POST /hush-hush HTTP/1.1"), "{heard}");
    assert!(heard.contains("\"event\":\"invalid\""), "{heard}");
    assert!(heard.contains("campaigns/news.yaml"), "{heard}");
    for event in ended(daemon) {
        assert!(!event.to_string().contains("hush-hush"), "{event}");
    }
}

#[test]
fn the_service_manager_hears_how_it_stands() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let path = place.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let until = |wanted: &str| {
        let mut buffer = [0; 4_096];
        loop {
            let length = socket.recv(&mut buffer).unwrap();
            let heard = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if heard.contains(wanted) {
                return heard;
            }
        }
    };
    let variables = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "4000000"),
        ("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0"),
    ];
    let daemon = started(&place, &variables);
    assert!(until("READY=1").contains("STATUS="));
    until("WATCHDOG=1");
    daemon.signal(Signal::HUP);
    until("RELOADING=1");
    until("READY=1");
    daemon.signal(Signal::TERM);
    until("STOPPING=1");
    assert_eq!(daemon.end().code, 143);
}
