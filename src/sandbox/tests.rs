//! The sandbox over a real socket.

use super::fixtures::{ADMINISTRATOR, KEY, SDK_APP_ID, group_message, user_sig};
use super::{Manner, Options, Sandbox};
use crate::clock;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::net::Ipv4Addr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const SEND: &str = "/v4/group_open_http_svc/send_group_msg";

fn options(faults: &str, ledger: Option<File>) -> Options {
    let manner = Manner {
        faults: faults.parse().unwrap(),
        ..Manner::default()
    };
    Options {
        manner,
        ledger,
        ..Options::new((Ipv4Addr::LOCALHOST, 0).into(), SDK_APP_ID, KEY)
    }
}

async fn start(faults: &str) -> Sandbox {
    Sandbox::start(options(faults, None)).await.unwrap()
}

fn request(method: &str, target: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{method} {target} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// What every call has in its query.
fn credentials() -> String {
    let sig = user_sig(ADMINISTRATOR, clock::now().wall_ms / 1_000);
    format!(
        "sdkappid={SDK_APP_ID}&identifier={ADMINISTRATOR}&usersig={sig}&random=1&contenttype=json"
    )
}

/// One keep-alive connection.
struct Caller(BufReader<TcpStream>);

impl Caller {
    async fn dial(sandbox: &Sandbox) -> Caller {
        Caller::try_dial(sandbox).await.unwrap()
    }

    async fn try_dial(sandbox: &Sandbox) -> std::io::Result<Caller> {
        let stream = TcpStream::connect(sandbox.address()).await?;
        Ok(Caller(BufReader::new(stream)))
    }

    /// Status and body, or nothing if the connection was closed instead.
    async fn ask(&mut self, method: &str, target: &str, body: &str) -> Option<(u16, String)> {
        let request = request(method, target, body);
        self.0.write_all(&request).await.ok()?;
        self.answer().await
    }

    /// What is answered to the next request.
    async fn answer(&mut self) -> Option<(u16, String)> {
        let mut status = String::new();
        if self.0.read_line(&mut status).await.unwrap_or(0) == 0 {
            return None;
        }
        let mut length = Some(0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = Some(value.parse().unwrap());
            } else if line == "transfer-encoding: chunked" {
                length = None;
            }
        }
        let body = match length {
            Some(length) => self.exactly(length).await,
            None => self.chunks().await,
        };
        Some((
            status[9..12].parse().unwrap(),
            String::from_utf8(body).unwrap(),
        ))
    }

    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
            let chunk = self.exactly(length + 2).await;
            if length == 0 {
                return whole;
            }
            whole.extend_from_slice(&chunk[..length]);
        }
    }

    /// Replaces the faults that are met.
    async fn meet(&mut self, faults: &str) -> (u16, String) {
        self.ask("POST", "/sandbox/faults", faults).await.unwrap()
    }

    async fn call(&mut self, path: &str, body: &Value) -> Option<Value> {
        let target = format!("{path}?{}", credentials());
        let (status, body) = self.ask("POST", &target, &body.to_string()).await?;
        assert_eq!(status, 200);
        Some(serde_json::from_str(&body).unwrap())
    }

    async fn history(&mut self, group: &str) -> Option<Value> {
        let body = json!({ "GroupId": group, "ReqMsgNumber": 20 });
        self.call("/v4/group_open_http_svc/group_msg_get_simple", &body)
            .await
    }

    async fn send(&mut self, group: &str, random: u32) -> Option<Value> {
        self.call(SEND, &group_message(group, random, "hello"))
            .await
    }
}

#[tokio::test]
async fn a_message_is_stored_answered_and_listed() {
    let sandbox = start("").await;
    let mut caller = Caller::dial(&sandbox).await;
    let first = caller.send("@TGS#a", 7).await.unwrap();
    assert_eq!(
        (
            &first["ActionStatus"],
            &first["ErrorCode"],
            &first["MsgSeq"]
        ),
        (&"OK".into(), &0.into(), &1.into())
    );
    assert_eq!(caller.send("@TGS#a", 7).await.unwrap(), first);
    assert_eq!(
        caller.send("@TGS#MISSING", 8).await.unwrap()["ErrorCode"],
        10010
    );

    let (status, ledger) = caller.ask("GET", "/sandbox/ledger", "").await.unwrap();
    let record: Value = serde_json::from_str(&ledger).unwrap();
    assert_eq!((status, ledger.lines().count()), (200, 1));
    assert_eq!(
        (&record["group"], &record["random"], &record["text"]),
        (&"@TGS#a".into(), &7.into(), &"hello".into())
    );
    assert_eq!(
        (&record["from"], &record["call"]),
        (&ADMINISTRATOR.into(), &"send_group_msg".into())
    );

    let (_, statistics) = caller.ask("GET", "/sandbox/statistics", "").await.unwrap();
    let statistics: Value = serde_json::from_str(&statistics).unwrap();
    assert_eq!(
        (&statistics["arrivals"], &statistics["accepted"]),
        (&3.into(), &1.into())
    );
    assert_eq!(statistics["refused"], json!({ "10010": 1 }));
    let last = sandbox.stop().await;
    assert_eq!(
        (last.arrivals, last.accepted, last.duplicates, last.groups),
        (3, 1, 1, 1)
    );
    assert_eq!(caller.send("@TGS#a", 9).await, None);
}

#[tokio::test]
async fn all_three_calls_are_served_and_others_are_not() {
    let sandbox = start("").await;
    let mut caller = Caller::dial(&sandbox).await;
    let notification = json!({ "GroupId": "@TGS#a", "Content": "hello" });
    let path = "/v4/group_open_http_svc/send_group_system_notification";
    assert_eq!(
        caller.call(path, &notification).await.unwrap()["ErrorCode"],
        0
    );
    let mut broadcast = group_message("", 1, "hello");
    broadcast.as_object_mut().unwrap().remove("GroupId");
    let path = "/v4/group_open_http_svc/send_broadcast_msg";
    assert_eq!(caller.call(path, &broadcast).await.unwrap()["MsgSeq"], 1);
    assert_eq!(
        caller
            .call("/v4/group_open_http_svc/send", &json!({}))
            .await
            .unwrap()["ErrorCode"],
        10003
    );
    assert_eq!(
        caller.call("/v4/openim/sendmsg", &json!({})).await.unwrap()["ErrorCode"],
        60008
    );
    assert!(
        caller
            .ask("GET", SEND, "")
            .await
            .unwrap()
            .1
            .contains("60002")
    );
    assert_eq!(
        caller
            .ask("POST", SEND, "{}")
            .await
            .unwrap()
            .1
            .matches("60012")
            .count(),
        1
    );
    assert_eq!(caller.ask("GET", "/", "").await.unwrap().0, 404);
    assert_eq!(
        caller.ask("POST", "/sandbox/ledger", "").await.unwrap().0,
        404
    );
}

/// The test has the only thread: nothing looks at the socket before it waits for the answer. The kernel begins with its
/// timestamps a moment after it was asked for them.
#[tokio::test]
async fn a_call_arrives_when_its_bytes_do_however_late_they_are_read() {
    let sandbox = start("").await;
    let mut caller = Caller::dial(&sandbox).await;
    for random in 1..100 {
        let body = group_message("@TGS#a", random, "hello").to_string();
        let request = request("POST", &format!("{SEND}?{}", credentials()), &body);
        let written = caller.0.get_ref().try_write(&request).unwrap();
        assert_eq!(written, request.len());
        let sent_ms = clock::now().wall_ms;
        while clock::now().wall_ms < sent_ms + 20 {
            std::hint::spin_loop();
        }
        caller.answer().await.unwrap();
        let (_, ledger) = caller.ask("GET", "/sandbox/ledger", "").await.unwrap();
        let record: Value = serde_json::from_str(ledger.lines().last().unwrap()).unwrap();
        assert_eq!(record["random"], random);
        if record["arrived_ms"].as_i64().unwrap() <= sent_ms {
            return;
        }
    }
    panic!("every call arrived when it was read");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_told_so() {
    let sandbox = start("").await;
    let mut caller = Caller::dial(&sandbox).await;
    let body = group_message("@TGS#a", 1, &"x".repeat(2 << 20));
    assert_eq!(caller.call(SEND, &body).await.unwrap()["ErrorCode"], 93000);
    assert_eq!(caller.send("@TGS#a", 1).await.unwrap()["ErrorCode"], 0);
}

#[tokio::test]
async fn faults_happen_on_the_right_side_of_the_effect() {
    for (faults, accepted, lost) in [("lost_reply=100%", 1, 1), ("lost_before=100%", 0, 0)] {
        let sandbox = start(faults).await;
        assert_eq!(Caller::dial(&sandbox).await.send("@TGS#a", 1).await, None);
        let statistics = sandbox.stop().await;
        assert_eq!(
            (
                statistics.arrivals,
                statistics.accepted,
                statistics.lost_replies
            ),
            (1, accepted, lost)
        );
        assert_eq!(statistics.faults.values().sum::<u64>(), 1);
    }
    let sandbox = start("http_500=100%").await;
    let (status, _) = Caller::dial(&sandbox)
        .await
        .ask("POST", SEND, "{}")
        .await
        .unwrap();
    assert_eq!((status, sandbox.stop().await.accepted), (500, 0));

    let sandbox = start("drop=100%").await;
    let answer = Caller::dial(&sandbox)
        .await
        .send("@TGS#a", 1)
        .await
        .unwrap();
    assert_eq!(
        (&answer["ErrorCode"], &answer["MsgDropReason"]),
        (&0.into(), &"MsgFreqCtrl".into())
    );
    let statistics = sandbox.stop().await;
    assert_eq!((statistics.accepted, statistics.dropped), (0, 1));

    let sandbox = start("throttle=100%").await;
    assert_eq!(
        Caller::dial(&sandbox)
            .await
            .send("@TGS#a", 1)
            .await
            .unwrap()["ErrorCode"],
        60007
    );
}

#[tokio::test]
async fn a_stalled_call_is_stored_and_ends_with_the_sandbox() {
    let sandbox = start("stall=100%").await;
    let mut caller = Caller::dial(&sandbox).await;
    let mut calls = tokio::task::JoinSet::new();
    calls.spawn(async move { caller.send("@TGS#a", 1).await });
    while sandbox.statistics().lost_replies == 0 {
        tokio::task::yield_now().await;
    }
    let statistics = sandbox.stop().await;
    assert_eq!((statistics.accepted, statistics.lost_replies), (1, 1));
    assert_eq!(calls.join_all().await, [None]);
}

#[tokio::test]
async fn a_restart_continues_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let open = || {
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .unwrap()
    };
    let sandbox = Sandbox::start(options("", Some(open()))).await.unwrap();
    let first = Caller::dial(&sandbox)
        .await
        .send("@TGS#a", 7)
        .await
        .unwrap();
    sandbox.stop().await;

    let sandbox = Sandbox::start(options("", Some(open()))).await.unwrap();
    let mut caller = Caller::dial(&sandbox).await;
    assert_eq!(caller.send("@TGS#a", 7).await.unwrap(), first);
    assert_eq!(caller.send("@TGS#a", 8).await.unwrap()["MsgSeq"], 2);
    let (_, ledger) = caller.ask("GET", "/sandbox/ledger", "").await.unwrap();
    assert_eq!(ledger, std::io::read_to_string(open()).unwrap());
    let statistics = sandbox.stop().await;
    assert_eq!(
        (
            statistics.accepted,
            statistics.restored,
            statistics.ledger_failures
        ),
        (2, 1, 0)
    );
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let sandbox = start("").await;
    let again = Options {
        listen: sandbox.address(),
        ..options("", None)
    };
    let refused = Sandbox::start(again).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!("cannot listen on {}", sandbox.address())
    );
}

#[tokio::test]
async fn what_was_not_answered_is_found_in_history() {
    let sandbox = start("lost_reply=100%").await;
    assert_eq!(Caller::dial(&sandbox).await.send("@TGS#a", 7).await, None);
    let mut caller = Caller::dial(&sandbox).await;
    assert_eq!(caller.meet("none").await, (200, "none\n".to_owned()));
    let history = caller.history("@TGS#a").await.unwrap();
    let items = history["RspMsgList"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["MsgRandom"]), (1, &json!(7)));
    let body = json!({ "GroupId": "@TGS#a", "MsgSeqList": [{ "MsgSeq": 1 }] });
    let path = "/v4/group_open_http_svc/group_msg_recall";
    let recall = caller.call(path, &body).await.unwrap();
    assert_eq!(
        recall["RecallRetList"],
        json!([{ "MsgSeq": 1, "RetCode": 0 }])
    );
    let history = caller.history("@TGS#a").await.unwrap();
    assert_eq!(history["RspMsgList"], json!([]));
    let body = json!({ "GroupIdList": ["@TGS#a"] });
    let path = "/v4/group_open_http_svc/get_group_info";
    let info = caller.call(path, &body).await.unwrap();
    assert_eq!(info["GroupInfo"][0]["NextMsgSeq"], 2);
    let (_, ledger) = caller.ask("GET", "/sandbox/ledger", "").await.unwrap();
    assert_eq!(ledger.lines().count(), 2, "the recall is a line as well");
    let statistics = sandbox.stop().await;
    assert_eq!((statistics.arrivals, statistics.lookups), (1, 2));
}

#[tokio::test]
async fn a_spoilt_answer_follows_the_effect() {
    let sandbox = start("").await;
    let mut caller = Caller::dial(&sandbox).await;
    let sig = user_sig(ADMINISTRATOR, clock::now().wall_ms / 1_000);
    let query = format!("sdkappid={SDK_APP_ID}&identifier={ADMINISTRATOR}&usersig={sig}");
    let target = format!("{SEND}?{query}&random=1&contenttype=json");
    for (fault, random, status) in [("html", 1, 200), ("html_502", 2, 502), ("huge", 3, 200)] {
        caller.meet(&format!("{fault}=100%")).await;
        let body = group_message("@TGS#a", random, "hello").to_string();
        let (found, body) = caller.ask("POST", &target, &body).await.unwrap();
        assert_eq!(found, status, "{fault}");
        if fault == "huge" {
            assert!(body.len() > 1 << 20);
            let answer: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(answer["MsgSeq"], 3);
        } else {
            assert!(body.starts_with("<html>"));
        }
    }
    assert_eq!(sandbox.stop().await.accepted, 3);
}

#[tokio::test]
async fn faults_are_told_and_replaced_while_it_runs() {
    let sandbox = start("drop=1.5%").await;
    let mut caller = Caller::dial(&sandbox).await;
    let (status, faults) = caller.ask("GET", "/sandbox/faults", "").await.unwrap();
    assert_eq!((status, faults.as_str()), (200, "drop=1.5%\n"));
    let said = caller.meet("lost_replay=5%").await;
    let expected = "unknown fault `lost_replay`, did you mean `lost_reply`?\n";
    assert_eq!(said, (400, expected.to_owned()));
    let said = caller.meet("code_10016=100%, delay=0ms-2ms\n").await;
    assert_eq!(said, (200, "code_10016=100%,delay=0s-2ms\n".to_owned()));
    let answer = caller.send("@TGS#a", 1).await.unwrap();
    assert_eq!(answer["ErrorCode"], 10016);
}

#[tokio::test]
async fn a_stalled_path_holds_calls_and_loses_none() {
    let sandbox = start("stall_path=20ms/30ms").await;
    let mut caller = Caller::dial(&sandbox).await;
    let mut random = 0;
    while sandbox.statistics().held == 0 {
        random += 1;
        let answer = caller.send(&format!("@TGS#{random}"), random).await;
        assert!(answer.is_some());
    }
    assert_eq!(sandbox.statistics().arrivals, u64::from(random));
}

#[tokio::test]
async fn connecting_is_refused_and_then_is_not() {
    let sandbox = start("").await;
    let mut caller = Caller::dial(&sandbox).await;
    let said = caller.meet("refuse=50ms/100ms").await;
    assert_eq!(said, (200, "refuse=50ms/100ms\n".to_owned()));
    while caller.ask("GET", "/sandbox/faults", "").await.is_some() {}
    while Caller::try_dial(&sandbox).await.is_ok() {}
    let mut caller = loop {
        if let Ok(caller) = Caller::try_dial(&sandbox).await {
            break caller;
        }
    };
    drop(caller.ask("POST", "/sandbox/faults", "none").await);
    assert_eq!(sandbox.stop().await.arrivals, 0);
}
