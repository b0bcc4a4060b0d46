//! What people are told of the vendor's answers.

use super::place::Place;
use super::vendor::Vendor;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// A far side that answers the first call, the second and so on as it is told; ends with the process.
pub(crate) fn far_side(
    mut answer: impl FnMut(usize, &str) -> (u16, Value) + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let path = request_path(&stream);
            let (status, body) = answer(number, &path);
            let body = body.to_string();
            let length = body.len();
            // Whoever was killed does not read it.
            let _ = write!(
                stream,
                "HTTP/1.1 {status} So\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    endpoint
}

/// Reads a whole request.
fn request_path(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let length = lines
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().unwrap());
    reader.read_exact(&mut vec![0; length]).unwrap();
    lines[0].clone()
}

pub(crate) fn refusal(code: u32, info: &str) -> (u16, Value) {
    let body = json!({ "ActionStatus": "FAIL", "ErrorCode": code, "ErrorInfo": info });
    (200, body)
}

fn accepted() -> (u16, Value) {
    let body = json!({ "ActionStatus": "OK", "ErrorCode": 0, "MsgSeq": 1 });
    (200, body)
}

#[test]
fn a_wrong_secret_is_named_with_its_mend() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 50);
    let mut command = place.command(&["run", "news", "--yes"]);
    let output = command.env("CAMPANILE_SECRET_KEY", "wrong").output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    let lines: Vec<&str> = said.lines().skip(1).collect();
    let host = vendor.endpoint().replace("http://", "");
    let name = place.log()[0]["run"].as_str().unwrap().to_owned();
    let expected = [
        "error: stopped, because no call would fare better: the UserSig was made with another app's secret key",
        &format!(
            "  {host} answered the app `main` (SDKAppID 1400000000): 70009 usersig was made with another key"
        ),
        "  help: check that `secret_key` is whole, and the one that the console shows for this `sdk_app_id`",
        &format!("  help: go on with: campanile resume {name}"),
    ];
    assert_eq!(lines, expected);

    let log = place.run(&["log", "news", "--state", "pending"]);
    assert_eq!(log.code, 0);
    let told = "code 70009  the UserSig was made with another app's secret key (\"usersig was made with another key\")";
    assert!(log.out.contains(told), "{}", log.out);
    let mended = log.err.lines().skip(1).collect::<Vec<_>>();
    let expected = [
        "stopped: 70009 usersig was made with another key",
        "  help: code 70009: check that `secret_key` is whole, and the one that the console shows for this `sdk_app_id`",
        &format!("  help: go on with: campanile resume {name}"),
    ];
    assert_eq!(mended, expected);
}

#[test]
fn a_refusal_is_told_in_the_vendors_words_and_in_ours() {
    let endpoint = far_side(|_, _| refusal(80_001, "word 7 is on a list"));
    let place = Place::with_news(&endpoint, 1);
    place.run(&["run", "news", "--yes"]).assert(5, &[]);
    let line = &place.log()[0];
    assert_eq!(
        (&line["state"], &line["error_code"], &line["error_info"]),
        (
            &"refused".into(),
            &80_001.into(),
            &"word 7 is on a list".into()
        )
    );
    assert_eq!(line["reason"], "the text contains sensitive words");
    let told = "code 80001  the text contains sensitive words (\"word 7 is on a list\")";
    let help = "  help: code 80001: a run sends what was planned";
    place.run(&["log", "news"]).assert(0, &[told, help]);
}

#[test]
fn without_words_of_the_vendors_ours_are_said_once() {
    let endpoint = far_side(|_, _| refusal(10_017, ""));
    let place = Place::with_news(&endpoint, 1);
    place.run(&["run", "news", "--yes"]).assert(5, &[]);
    let out = place.run(&["log", "news"]).out;
    let told = "code 10017  the sender is muted in the group\n";
    assert!(out.ends_with(told), "{out}");
}

#[test]
fn what_no_call_would_fare_better_with_stops_the_run_and_leaves_it_resumable() {
    for (code, mend) in [
        (60_020, "renew or raise the plan in the console"),
        (60_021, "put this machine's address on the console's list"),
        (60_026, "check that `region` or `endpoint` of the app"),
        (90_001, "please report it"),
    ] {
        let is_mended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_mended);
        let refused = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&refused);
        let endpoint = far_side(move |_, _| {
            if seen.load(Ordering::SeqCst) {
                return accepted();
            }
            counted.fetch_add(1, Ordering::SeqCst);
            refusal(code, "")
        });
        let place = Place::with_news(&endpoint, 40);
        let answered = format!("(SDKAppID 1400000000): code {code}\n");
        place.run(&["run", "news", "--yes"]).assert(
            6,
            &["40 pending", &answered, mend, "campanile resume news@"],
        );
        let calls = refused.load(Ordering::SeqCst);
        assert!(calls < 20, "{calls} calls until {code} stopped the run");
        is_mended.store(true, Ordering::SeqCst);
        place
            .run(&["resume", "news"])
            .assert(0, &["40 planned = 40 accepted"]);
    }
}

/// The value of `usersig` in a request's path.
fn signature(path: &str) -> String {
    let from = path.split("usersig=").nth(1).unwrap();
    from.split('&').next().unwrap().to_owned()
}

#[test]
fn a_signature_that_expired_is_made_anew() {
    let (seen, signatures) = mpsc::channel();
    let endpoint = far_side(move |number, path| {
        seen.send(signature(path)).unwrap();
        if number > 0 {
            return accepted();
        }
        // What is signed within one second is signed alike.
        thread::sleep(Duration::from_secs(1));
        refusal(70_001, "usersig expired")
    });
    let place = Place::with_news(&endpoint, 1);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["1 accepted"]);
    assert_ne!(signatures.recv().unwrap(), signatures.recv().unwrap());
    assert_eq!(place.log()[0]["attempts"], 2);
}
