//! Answers that mean no good: without end, or packed so that little becomes much.

use super::hostile::{assert_tame, bounded};
use super::place::{Place, settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A far side that answers each call with a head and what comes behind it, until nobody listens.
fn far_side(
    head: &'static str,
    body: impl Fn(&mut TcpStream) -> io::Result<()> + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while let Some(Ok(line)) = lines
                .next()
                .filter(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
            {
                let name = line.to_ascii_lowercase();
                assert!(
                    !name.starts_with("accept-encoding"),
                    "nothing packed is asked for"
                );
            }
            let told = stream.write_all(head.as_bytes());
            let _ = told.and_then(|()| body(&mut stream));
        }
    });
    endpoint
}

/// A part over and over.
fn endless(head: &'static str, part: &'static [u8]) -> String {
    far_side(head, |stream| {
        loop {
            stream.write_all(part)?;
        }
    })
}

/// A run with one call to an endpoint that answers so. Nobody can tell whether a notification arrived, so it is not sent
/// again.
fn assert_unknown(endpoint: &str, words: &str) {
    let place = Place::new();
    place.write(
        "campanile.yaml",
        &settings(&format!("endpoint: {endpoint}")),
    );
    place.write(
        "campaigns/news.yaml",
        "audience: { groups: [g1] }\nsend: { notification: { text: \"Hi\" } }\ndelivery: { attempts: 1 }\n",
    );
    bounded(&place, "run news --yes").assert(5, &["1 unknown"]);
    let log = place.run(&["log", "news"]);
    log.assert(0, &["unknown", words]);
    assert_tame(&log);
}

#[test]
fn answers_without_end_are_read_in_bounded_memory() {
    const CHUNK: &[u8] =
        b"40\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
    const LINES: &[u8] = b"x: 0123456789\r\n";
    for (head, part, words) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            CHUNK,
            "longer than 1 MiB",
        ),
        // Of a length that is not told.
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            CHUNK,
            "longer than 1 MiB",
        ),
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
            CHUNK,
            "longer than 1 MiB",
        ),
        // More heads than one answer has, a chunk that says more and more of itself, and what comes behind the last.
        ("HTTP/1.1 200 OK\r\n", LINES, "head is too large"),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;",
            CHUNK,
            "chunk",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
            LINES,
            "the connection broke",
        ),
    ] {
        assert_unknown(&endless(head, part), words);
    }
}

/// Gzip of so many parts one behind the other is as good as of one.
const PACKED_PARTS: usize = 60;
const PART: usize = 16 << 20;

#[test]
fn packed_answers_are_not_unpacked() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![b' '; PART]).unwrap();
    let bomb = packed.finish().unwrap().repeat(PACKED_PARTS);
    assert!(bomb.len() < 1 << 20 && PACKED_PARTS * PART > 900 << 20);
    let told = b"{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}";
    let mut small = GzEncoder::new(Vec::new(), Compression::best());
    small.write_all(told).unwrap();
    for (head, body) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n",
            bomb.clone(),
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\nconnection: close\r\n\r\n",
            bomb,
        ),
        // Who packs what nobody asked to be packed has not answered.
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n",
            small.finish().unwrap(),
        ),
    ] {
        assert_unknown(
            &far_side(head, move |stream| stream.write_all(&body)),
            "not the vendor's JSON",
        );
    }
}
