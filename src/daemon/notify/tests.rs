//! Webhooks with a real server on their far side.

use super::*;
use crate::files::append_to;
use crate::settings::Settings;
use crate::source::Source;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const PATIENCE: Duration = Duration::from_mins(2);
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BROKEN: &str =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const INVALID: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 17\r\nconnection: close\r\n\r\n{\"errcode\":93000}";
/// The secret part of every address here.
const TOKEN: &str = "hook-7f3a9c";

/// A server that gives these answers in turn, a connection each, and hands on what it was told.
struct FarSide {
    address: String,
    heard: mpsc::Receiver<(String, Value)>,
    answers: mpsc::Sender<&'static str>,
}

impl FarSide {
    fn new(answers: &[&'static str]) -> FarSide {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/{TOKEN}", listener.local_addr().unwrap());
        let (hear, heard) = mpsc::channel();
        let (answer, next) = mpsc::channel();
        for each in answers {
            answer.send(*each).unwrap();
        }
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if hear.send(request(&stream)).is_err() {
                    return;
                }
                let Ok(answer) = next.recv() else { return };
                // Who asked may be gone.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        FarSide {
            address,
            heard,
            answers: answer,
        }
    }

    async fn next(&self) -> (String, Value) {
        loop {
            if let Ok(heard) = self.heard.try_recv() {
                return heard;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn request(stream: &TcpStream) -> (String, Value) {
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (
        first.trim().to_owned(),
        serde_json::from_slice(&body).unwrap(),
    )
}

/// As settings with one webhook say.
fn target(address: &str, more: &str) -> Target {
    let text = format!(
        "apps: {{ main: {{ sdk_app_id: 1, region: singapore }} }}\nnotify: [{{ url: \"{address}\"{more} }}]\n"
    );
    let settings = Settings::read(&Source::new("campanile.yaml", text), &[]).unwrap();
    Target::resolve(&settings.notify[0], Path::new("."), |_| None).unwrap()
}

fn started(target: Target) -> (Notifier, UnboundedReceiver<Event>) {
    let (told, hears) = unbounded_channel();
    (Notifier::start(vec![target], &told).unwrap(), hears)
}

fn missed(number: u32) -> Event {
    let run: crate::identity::RunName = format!("news@2026-11-11T09:00#{}", number + 1)
        .parse()
        .unwrap();
    Event::Missed {
        together: crate::daemon::Together {
            first: run.clone(),
            count: 1,
        },
        run,
        grounds: crate::scheduler::Reason::PlanNotReady.into(),
    }
}

fn run_of((_, body): &(String, Value)) -> String {
    body["run"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_was_asked_for_arrives_and_nothing_else() {
    let far = FarSide::new(&[OK, OK]);
    let (notifier, mut hears) = started(target(&far.address, ""));
    let mended = crate::identity::CampaignName::try_from("news").unwrap();
    notifier.tell(&Event::Mended { campaign: mended }, 0);
    notifier.tell(&missed(1), 1_794_358_800_000);
    notifier.tell(&Event::Stopped, 0);
    notifier.tell(&missed(2), 0);
    notifier.finish(PATIENCE).await;
    let (first, body) = far.next().await;
    assert_eq!(first, format!("POST /{TOKEN} HTTP/1.1"));
    let expected = serde_json::json!({
        "at": "2026-11-11T01:00:00.000Z",
        "level": "error",
        "event": "missed",
        "run": "news@2026-11-11T09:00#2",
        "campaign": "news",
        "reason": "its plan was not ready in time",
        "reason_code": "plan_not_ready",
        "first_run": "news@2026-11-11T09:00#2",
        "count": 1,
        "message": "news@2026-11-11T09:00#2 is missed: its plan was not ready in time",
    });
    assert_eq!(body, expected);
    assert_eq!(run_of(&far.next().await), "news@2026-11-11T09:00#3");
    assert!(far.heard.try_recv().is_err());
    assert!(hears.try_recv().is_err(), "nothing failed");
}

#[tokio::test]
async fn a_failure_is_told_once_until_it_works_again() {
    let far = FarSide::new(&[NOT_FOUND, NOT_FOUND, OK, NOT_FOUND]);
    let (notifier, mut hears) = started(target(&far.address, ""));
    for number in 0..4 {
        notifier.tell(&missed(number), 0);
    }
    notifier.finish(PATIENCE).await;
    let mut failures = Vec::new();
    while let Some(event) = hears.recv().await {
        assert!(!format!("{event:?}").contains(TOKEN), "{event:?}");
        failures.push(event.text());
    }
    let host = far.address.strip_prefix("http://").unwrap();
    let host = host.split('/').next().unwrap();
    let failure = format!("{host} cannot be notified: it answers with 404");
    assert_eq!(failures, [failure.clone(), failure]);
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let far = FarSide::new(&["", BROKEN, OK]);
    let (notifier, mut hears) = started(target(&far.address, ""));
    notifier.tell(&missed(0), 0);
    notifier.finish(PATIENCE).await;
    assert!(hears.recv().await.is_none(), "nothing is told of it");
    let tries = [far.next().await, far.next().await, far.next().await];
    assert!(
        tries.iter().all(|each| each == &tries[0]),
        "the same thrice"
    );
    assert!(far.heard.try_recv().is_err());
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_chat_tool_may_refuse_in_its_answer() {
    let elsewhere = FarSide::new(&[OK]);
    let moved = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        elsewhere.address
    );
    let far = FarSide::new(&[moved.leak()]);
    let (notifier, mut hears) = started(target(&far.address, ""));
    notifier.tell(&missed(0), 0);
    notifier.finish(PATIENCE).await;
    let told = hears.recv().await.unwrap().text();
    assert!(
        told.ends_with("cannot be notified: it answers with 302"),
        "{told}"
    );
    assert!(elsewhere.heard.try_recv().is_err());

    let far = FarSide::new(&[INVALID; 3]);
    let (notifier, mut hears) = started(target(&far.address, ", format: wecom"));
    notifier.tell(&missed(0), 0);
    notifier.finish(PATIENCE).await;
    let told = hears.recv().await.unwrap().text();
    assert!(told.ends_with("it answers with `errcode` 93000"), "{told}");
    let (_, body) = far.next().await;
    let text = "campanile: news@2026-11-11T09:00 is missed: its plan was not ready in time";
    assert_eq!(body["text"]["content"], text);
}

#[tokio::test]
async fn nobody_there_is_a_failure_and_not_the_end() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/{TOKEN}", free.local_addr().unwrap());
    drop(free);
    let (notifier, mut hears) = started(target(&address, ""));
    notifier.tell(&missed(0), 0);
    let told = hears.recv().await.unwrap();
    assert!(
        told.text().contains("cannot be notified: cannot connect"),
        "{}",
        told.text()
    );
    assert!(!format!("{told:?} {notifier:?}").contains(TOKEN));
}

#[tokio::test]
async fn of_too_much_the_oldest_is_dropped_and_it_is_said_how_much() {
    let far = FarSide::new(&[]);
    let (notifier, mut hears) = started(target(&far.address, ""));
    notifier.tell(&missed(0), 0);
    assert_eq!(run_of(&far.next().await), "news@2026-11-11T09:00");
    // The first is on its way and the answer is kept back: 256 wait, and 44 are dropped.
    for number in 1..=300 {
        notifier.tell(&missed(number), 0);
    }
    for _ in 0..258 {
        far.answers.send(OK).unwrap();
    }
    notifier.finish(PATIENCE).await;
    let (_, dropped) = far.next().await;
    assert_eq!(
        (&dropped["event"], &dropped["dropped"]),
        (&"notify_dropped".into(), &44.into())
    );
    assert_eq!(run_of(&far.next().await), "news@2026-11-11T09:00#46");
    for _ in 0..254 {
        far.next().await;
    }
    assert_eq!(run_of(&far.next().await), "news@2026-11-11T09:00#301");
    assert_eq!(
        hears.recv().await,
        Some(Event::NotifyDropped { dropped: 44 })
    );
    assert_eq!(hears.recv().await, None);
}

#[tokio::test]
async fn who_never_answers_does_not_keep_it_from_ending() {
    let far = FarSide::new(&[]);
    let (notifier, _hears) = started(target(&far.address, ""));
    notifier.tell(&missed(0), 0);
    far.next().await;
    notifier.finish(Duration::from_millis(10)).await;
}

fn keep(folder: &Path, name: &str, text: &str) {
    let mut file = append_to(&folder.join(name)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn an_address_is_found_where_the_settings_say_and_told_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    keep(
        folder.path(),
        "hook",
        &format!("https://example.com/{TOKEN}\n"),
    );
    keep(
        folder.path(),
        "wrong",
        &format!("http://example.com/{TOKEN}"),
    );
    let found = |kept: &str| {
        let text = format!(
            "apps: {{ main: {{ sdk_app_id: 1, region: singapore }} }}\nnotify: [{{ url: {kept} }}]\n"
        );
        let settings = Settings::read(&Source::new("campanile.yaml", text), &[]).unwrap();
        let variable =
            |name: &str| (name == "HOOK").then(|| format!("https://example.org/{TOKEN}"));
        let target = Target::resolve(&settings.notify[0], folder.path(), variable);
        assert!(!format!("{target:?}").contains(TOKEN), "{target:?}");
        target.map(|target| target.address.host().to_owned())
    };
    let failure = |kept: &str| found(kept).unwrap_err().to_string();
    assert_eq!(found("{ env: HOOK }").unwrap(), "example.org");
    assert_eq!(found("{ file: hook }").unwrap(), "example.com");
    assert_eq!(
        failure("{ env: HOKO }"),
        "the environment variable `HOKO` with the address of a webhook is not set"
    );
    assert_eq!(
        failure("{ file: wrong }"),
        "what is found in `wrong` is no address to post to: plain `http` is for this machine only: the address is a \
         secret"
    );
    assert!(
        failure("{ file: nowhere }")
            .starts_with("the address of a webhook cannot be read from `nowhere`: ")
    );
}
