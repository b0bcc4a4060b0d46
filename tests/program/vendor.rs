//! The sandbox as a process of its own, and what stands in its ledger.

use super::place::{Ended, Place, Running, pause};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// An address that nobody else takes while its server is down: below the ports that the system gives away.
pub(crate) fn own_address() -> String {
    const PORTS: Range<u32> = 10_000..32_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + (std::process::id() * 101 + taken) % (PORTS.end - PORTS.start);
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// With the pauses in between some ten seconds.
const TRIES_MAX: u32 = 2_000;

pub(crate) struct Vendor {
    running: Running,
    address: String,
    _place: Place,
}

impl Vendor {
    pub(crate) fn start(options: &[&str]) -> Vendor {
        Vendor::listen(&own_address(), options)
    }

    pub(crate) fn listen(address: &str, options: &[&str]) -> Vendor {
        let place = Place::new();
        let arguments = [&["sandbox", "--listen", address], options].concat();
        let mut running = place.start(&arguments);
        let mut said = BufReader::new(running.child().stderr.as_mut().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split(';').next());
        let address = address
            .unwrap_or_else(|| panic!("no address in {line:?}"))
            .to_owned();
        Vendor {
            running,
            address,
            _place: place,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// It may refuse connections on purpose for a while.
    fn get(&self, path: &str) -> String {
        for _ in 0..TRIES_MAX {
            if let Ok(body) = self.try_to_get(path) {
                return body;
            }
            pause();
        }
        panic!("the sandbox does not answer");
    }

    fn try_to_get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        if head.to_lowercase().contains("transfer-encoding: chunked") {
            Ok(unchunked(body))
        } else {
            Ok(body.to_owned())
        }
    }

    /// What was stored, in order.
    pub(crate) fn ledger(&self) -> Vec<serde_json::Value> {
        self.get("/sandbox/ledger")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn statistics(&self) -> serde_json::Value {
        serde_json::from_str(&self.get("/sandbox/statistics")).unwrap()
    }

    pub(crate) fn arrivals(&self) -> u64 {
        self.statistics()["arrivals"].as_u64().unwrap()
    }

    /// Returns when so many calls have arrived.
    pub(crate) fn wait_for(&self, arrivals: u64) {
        while self.arrivals() < arrivals {
            pause();
        }
    }

    /// Exactly one message in each of so many groups.
    #[track_caller]
    pub(crate) fn assert_each_once(&self, groups: usize) {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for line in self.ledger() {
            *counts
                .entry(line["group"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "not once: {twice:?}");
        assert_eq!(counts.len(), groups, "groups that got one");
    }

    /// Ends it as a power cut would. What stands in its ledger's file remains.
    pub(crate) fn kill(self) {
        self.running.signal(rustix::process::Signal::KILL);
        self.running.end();
    }

    /// Ends it with Ctrl-C and returns what it said.
    pub(crate) fn end(self) -> Ended {
        self.running.signal(rustix::process::Signal::INT);
        self.running.end()
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
    whole
}
