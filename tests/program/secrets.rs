//! After everything has gone wrong, the secret and what was signed with it stand nowhere.

use super::answers::far_side;
use super::place::{Ended, Place, settings, skipped};
use super::vendor::Vendor;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// As long as the console's, and nothing else on this machine has it.
const SECRET: &str = "5f1c9a7e3b8d4026f1c9a7e3b8d40265d7e6c5b4a39281706f5e4d3c2b1a0987";
/// So much of a signature names it.
const SIGNED: usize = 40;

/// Where something was found that must stand nowhere.
fn search(folder: &Path, forbidden: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(search(&path, forbidden));
        } else {
            let bytes = fs::read(&path).unwrap();
            let held = holds(&bytes, forbidden);
            found.extend(held.map(|what| format!("{what} in {}", path.display())));
        }
    }
    found
}

fn holds<'a>(bytes: &[u8], forbidden: &'a [String]) -> Option<&'a String> {
    let is_in = |text: &&String| {
        let text = text.as_bytes();
        bytes.windows(text.len()).any(|window| window == text)
    };
    forbidden.iter().find(is_in)
}

/// A far side that misbehaves in every manner by turns, and keeps the signatures it was shown.
fn misbehaving() -> (String, Arc<Mutex<Vec<String>>>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let endpoint = far_side(move |number, request| {
        let signature = request.split("usersig=").nth(1).unwrap();
        let signature = signature.split('&').next().unwrap();
        seen.lock().unwrap().push(signature[..SIGNED].to_owned());
        // As a server does that shows no more than so many letters.
        let cut = &signature[..signature.len() - 1];
        let words = format!("the UserSig \"{cut}\" was not taken");
        // Some servers tell the whole request in their errors.
        let told = json!({ "ActionStatus": "FAIL", "ErrorCode": 0, "ErrorInfo": request });
        match number % 6 {
            0 => (302, told),
            1 => (500, told),
            2 => (200, json!("x".repeat(2 << 20))),
            3 => (
                200,
                json!({ "ActionStatus": "FAIL", "ErrorCode": 10_017, "ErrorInfo": request }),
            ),
            4 => (
                200,
                json!({ "ActionStatus": "FAIL", "ErrorCode": 10_017, "ErrorInfo": words }),
            ),
            _ => (
                200,
                json!({ "ActionStatus": "OK", "ErrorCode": 0, "MsgSeq": 1 }),
            ),
        }
    });
    (endpoint, shown)
}

/// The program, with everything that it may leave behind beside it.
fn run(place: &Place, endpoint: &str, arguments: &str) -> Ended {
    let app =
        format!("endpoint: {endpoint}\n    limits: {{ group_message: 200, deduplication: 1s }}");
    place.write("campanile.yaml", &settings(&app));
    place.shell(&format!(
        "ulimit -c unlimited; export CAMPANILE_SECRET_KEY={SECRET} CAMPANILE_SERVE__LISTEN=127.0.0.1:0 TMPDIR=$PWD RUST_BACKTRACE=full RUST_LOG=trace
        timeout -s QUIT 4 $CAMPANILE {arguments} 2>&1"
    ))
}

#[test]
fn no_secret_is_left_anywhere_after_all_that_can_go_wrong() {
    let place = Place::with_news("http://127.0.0.1:1", 20);
    let (misbehaving, shown) = misbehaving();
    let vendor = Vendor::start(&[]);
    let mut said = Vec::new();
    let mut drill = |endpoint: &str, arguments: &str, code: Option<i32>| {
        let ended = run(&place, endpoint, arguments);
        if let Some(code) = code {
            ended.assert(code, &[]);
        }
        said.push(ended.out);
    };
    // A secret of another app, a server that misbehaves, one that is not there, one that speaks no HTTP.
    drill(&vendor.endpoint(), "run news --yes", Some(6));
    drill(&misbehaving, "run news --yes", None);
    drill(&misbehaving, "log news -o json", None);
    drill(&misbehaving, "resume news", None);
    drill(&misbehaving, "serve --log json", Some(124));
    drill(&misbehaving, "status -o json", Some(0));
    drill("http://127.0.0.1:1", "run news --yes", Some(124));
    drill("http://127.0.0.1:1", "log news", Some(0));
    drill("https://127.0.0.1:1", "run news --yes --force", Some(124));
    drill("http://nowhere.invalid", "run news --yes", Some(78));
    drill(
        "https://nowhere.invalid",
        "run news --yes --force",
        Some(124),
    );
    drill("http://127.0.0.1:1", "run news --yse", Some(64));
    drill("http://127.0.0.1:1", "run news --sandbox --yes", Some(0));
    said.push(vendor.end().out);

    let mut forbidden = shown.lock().unwrap().clone();
    assert!(!forbidden.is_empty(), "signatures were shown");
    forbidden.push(SECRET.to_owned());
    forbidden.push("usersig=".to_owned());
    forbidden.push("TLS.sig".to_owned());
    let said = said.concat();
    assert_eq!(holds(said.as_bytes(), &forbidden), None, "{said}");
    assert_eq!(search(place.path(), &forbidden), Vec::<String>::new());
}

#[test]
fn killed_program_leaves_no_core_file() {
    let leaves_a_core_file = |command: &str| {
        let place = Place::new();
        let files = || fs::read_dir(place.path()).unwrap().count();
        let before = files();
        let script = format!("ulimit -c unlimited; timeout -s ABRT 2 {command}");
        place.shell(&script).assert(124, &[]);
        files() > before
    };
    if !leaves_a_core_file("sleep 60") {
        return skipped("this system writes no core files beside the process");
    }
    assert!(!leaves_a_core_file(
        "$CAMPANILE sandbox --listen 127.0.0.1:0"
    ));
}
