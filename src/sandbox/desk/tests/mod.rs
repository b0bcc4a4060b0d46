mod lookups;
mod misfortunes;
mod repetitions;

use super::super::fixtures::{ADMINISTRATOR, group_message, record};
use super::super::groups::{GroupRow, Groups};
use super::super::rules;
use super::*;
use serde_json::{Value, json};
use std::io::Write;

const NOW: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    boot_ns: 3_600_000_000_000,
    boot_id: 1,
};

fn after(ms: u64) -> Moment {
    NOW.plus(Duration::from_millis(ms))
}

fn manner(faults: &str) -> Manner {
    Manner {
        rate_per_s: 3,
        faults: faults.parse().unwrap(),
        ..Manner::default()
    }
}

fn open(manner: Manner) -> Desk {
    Desk::open(manner, ADMINISTRATOR.to_owned(), None, NOW).unwrap()
}

fn desk(faults: &str) -> Desk {
    open(manner(faults))
}

/// With no limit but that of each group.
fn fast(manner: Manner) -> Desk {
    open(Manner {
        rate_per_s: 1_000,
        ..manner
    })
}

fn executed(desk: &mut Desk, at: Moment) -> usize {
    let lane = desk.lanes.get_mut(&Call::GroupMessage).unwrap();
    lane.executed.count(at.boot_ns)
}

/// Groups of these types; each is called as its type.
fn groups(kinds: &[&str]) -> Groups {
    let rows = kinds.iter().map(|kind| GroupRow {
        line: 1,
        group: (*kind).to_owned(),
        kind: Some((*kind).to_owned()),
    });
    Groups::listed(rows).unwrap()
}

/// One whole call, past the limit of calls.
fn ask(desk: &mut Desk, call: Call, at: Moment, body: &Value) -> Value {
    let ticket = Ticket {
        fault: None,
        admitted: Ok(()),
        latency: Duration::ZERO,
    };
    let request = rules::read(call, body.to_string().as_bytes());
    serde_json::to_value(desk.conclude(call, at, &ticket, request)).unwrap()
}

fn send(desk: &mut Desk, at: Moment, body: &Value) -> Value {
    ask(desk, Call::GroupMessage, at, body)
}

#[test]
fn each_group_has_its_own_sequence() {
    let mut desk = desk("");
    let mut seq = |group, random| {
        send(&mut desk, NOW, &group_message(group, random, "hello"))["MsgSeq"].clone()
    };
    assert_eq!(
        [seq("a", 1), seq("a", 2), seq("b", 3), seq("a", 4)],
        [1, 2, 1, 3].map(Value::from)
    );
    let statistics = desk.statistics();
    assert_eq!((statistics.accepted, statistics.groups), (4, 2));
}

#[test]
fn a_duplicate_is_told_what_the_first_was_told() {
    let mut desk = desk("");
    let first = send(&mut desk, NOW, &group_message("a", 7, "hello"));
    send(&mut desk, NOW, &group_message("a", 8, "hello"));
    assert_eq!(
        send(&mut desk, after(299_999), &group_message("a", 7, "hello")),
        first
    );
    assert_eq!(desk.statistics().collisions, 0);
    assert_eq!(
        send(&mut desk, after(299_999), &group_message("b", 7, "hello")),
        first
    );
    assert_eq!(
        send(&mut desk, after(299_999), &group_message("a", 7, "other")),
        first
    );
    let statistics = desk.statistics();
    assert_eq!(
        (
            statistics.accepted,
            statistics.duplicates,
            statistics.collisions
        ),
        (2, 3, 2)
    );
    let anew = send(&mut desk, after(300_000), &group_message("a", 7, "hello"));
    assert_eq!(anew["MsgSeq"], 3);
}

#[test]
fn the_rate_is_a_sliding_second_for_each_call() {
    let mut desk = desk("");
    let mut code = |call, ms| {
        desk.arrive(call, after(ms), Ok(()))
            .admitted
            .map_err(|refusal| refusal.code)
    };
    assert_eq!(
        [0, 400, 900].map(|ms| code(Call::GroupMessage, ms)),
        [Ok(()); 3]
    );
    assert_eq!(code(Call::GroupMessage, 999), Err(60007));
    assert_eq!(code(Call::Notification, 999), Ok(()));
    assert_eq!(code(Call::Broadcast, 999), Ok(()));
    assert_eq!(code(Call::Broadcast, 1_998), Err(60007));
    // The refused arrival took no place.
    assert_eq!(code(Call::GroupMessage, 1_000), Ok(()));
    assert_eq!(code(Call::GroupMessage, 1_399), Err(60007));
    let most = desk.statistics().most_in_one_second;
    assert_eq!(
        most,
        [
            (Call::GroupMessage, 5),
            (Call::Notification, 1),
            (Call::Broadcast, 2)
        ]
        .into()
    );
}

#[test]
fn only_what_may_take_effect_takes_a_place() {
    for faults in [
        "lost_before=100%",
        "http_500=100%",
        "throttle=100%",
        "expired=100%",
    ] {
        let mut desk = desk(faults);
        (0..9).for_each(|ms| drop(desk.arrive(Call::GroupMessage, after(ms), Ok(()))));
        assert_eq!(executed(&mut desk, after(9)), 0, "{faults}");
    }
    let mut desk = desk("");
    let refused = desk.arrive(Call::GroupMessage, NOW, Err(Refusal::parameter("no")));
    assert_eq!(refused.admitted, Err(Refusal::parameter("no")));
    assert_eq!(executed(&mut desk, NOW), 0);
}

#[test]
fn the_same_seed_meets_the_same_faults() {
    let faults = |seed| {
        let manner = Manner {
            seed,
            jitter: Duration::from_millis(9),
            ..manner("lost_reply=30%,stall=30%,delay=0ms-9ms")
        };
        let mut desk = open(manner);
        let mut next = |_| {
            let ticket = desk.arrive(Call::GroupMessage, NOW, Ok(()));
            (ticket.fault, ticket.latency, desk.next_delay())
        };
        (0..50).map(&mut next).collect::<Vec<_>>()
    };
    assert_eq!(faults(1), faults(1));
    assert_ne!(faults(1), faults(2));
}

#[test]
fn a_ledger_continues_sequences_and_deduplication() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    let [mut old, mut recent] = [record("a", 1, 1), record("a", 2, 2)];
    (old.arrived_ms, recent.arrived_ms) = (NOW.wall_ms - 300_000, NOW.wall_ms - 299_999);
    for record in [old, recent] {
        writeln!(file, "{}", serde_json::to_string(&record).unwrap()).unwrap();
    }
    // A machine that started just now: the boot clock is younger than the records.
    let now = Moment {
        boot_ns: 1,
        boot_id: 2,
        ..NOW
    };
    let mut desk = Desk::open(manner(""), ADMINISTRATOR.to_owned(), Some(file), now).unwrap();
    assert_eq!(
        send(&mut desk, now, &group_message("a", 2, "hello"))["MsgSeq"],
        2
    );
    assert_eq!(
        send(&mut desk, now, &group_message("a", 1, "hello"))["MsgSeq"],
        3
    );
    let later = now.plus(Duration::from_millis(1));
    assert_eq!(
        send(&mut desk, later, &group_message("a", 2, "hello"))["MsgSeq"],
        4
    );
    let statistics = desk.statistics();
    assert_eq!(
        (
            statistics.accepted,
            statistics.restored,
            statistics.duplicates
        ),
        (4, 2, 1)
    );
}

#[test]
fn a_notification_has_no_sequence_and_is_never_a_duplicate() {
    let mut desk = desk("");
    let body = json!({ "GroupId": "a", "Content": "maintenance at noon" });
    for _ in 0..2 {
        let answer = ask(&mut desk, Call::Notification, NOW, &body);
        assert_eq!(
            answer,
            json!({ "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "" })
        );
    }
    assert_eq!(desk.statistics().accepted, 2);
    assert_eq!(
        send(&mut desk, NOW, &group_message("a", 1, "hello"))["MsgSeq"],
        1
    );
}

#[test]
fn a_group_takes_forty_messages_in_any_second() {
    let mut desk = fast(Manner::default());
    let mut code = |group, random, ms| {
        let body = group_message(group, random, "hello");
        send(&mut desk, after(ms), &body)["ErrorCode"].clone()
    };
    assert!((0..40).all(|random| code("a", random, u64::from(random)) == 0));
    assert_eq!(code("a", 40, 999), 10023);
    assert_eq!(code("b", 41, 999), 0);
    assert_eq!(code("a", 42, 1_000), 0);
    assert_eq!(code("a", 43, 1_000), 10023);
    // A message sent again is one more.
    assert_eq!(code("a", 42, 1_000), 10023);
    for _ in 0..50 {
        let body = json!({ "GroupId": "a", "Content": "maintenance at noon" });
        assert_eq!(
            ask(&mut desk, Call::Notification, after(1_000), &body)["ErrorCode"],
            0
        );
    }
    let statistics = desk.statistics();
    assert_eq!(
        (statistics.over_group_limit, statistics.refused[&10_023]),
        (3, 3)
    );
}

#[test]
fn a_message_over_the_limit_of_its_group_may_be_lost_in_silence() {
    for (over_group_limit, reason) in [
        (OverGroupLimit::Drop, json!("MsgFreqCtrl")),
        (OverGroupLimit::Silent, Value::Null),
    ] {
        let mut desk = fast(Manner {
            group_per_s: 1,
            over_group_limit,
            ..Manner::default()
        });
        send(&mut desk, NOW, &group_message("a", 1, "hello"));
        let answer = send(&mut desk, NOW, &group_message("a", 2, "bye"));
        assert_eq!(
            (&answer["ErrorCode"], &answer["MsgDropReason"]),
            (&json!(0), &reason)
        );
        let statistics = desk.statistics();
        assert_eq!((statistics.accepted, statistics.over_group_limit), (1, 1));
        // It did not register its Random.
        let again = send(&mut desk, after(1_000), &group_message("a", 2, "bye"));
        assert_eq!(
            (again["ErrorCode"].clone(), desk.statistics().accepted),
            (json!(0), 2)
        );
    }
}

#[test]
fn calls_over_the_limit_are_counted_apart_from_faults() {
    let mut desk = desk("throttle=50%");
    (0..20).for_each(|_| drop(desk.arrive(Call::GroupMessage, NOW, Ok(()))));
    let throttled = desk.statistics().faults[&Fault::Throttle];
    let statistics = desk.statistics();
    assert_eq!(statistics.over_limit, 20 - throttled - 3);
    assert_eq!(statistics.over_limit_after_first_minute, 0);
    let later = after(60_001);
    (0..20).for_each(|_| drop(desk.arrive(Call::GroupMessage, later, Ok(()))));
    let late = desk.statistics();
    let over = late.over_limit - statistics.over_limit;
    assert_eq!(late.over_limit_after_first_minute, over);
    assert_eq!(late.calls[&Call::GroupMessage].over_limit, late.over_limit);
    assert_eq!(late.calls[&Call::GroupMessage].arrivals, 40);
}

#[test]
fn lookups_have_limits_of_their_own_and_are_no_sends() {
    let mut desk = open(Manner {
        lookups_per_s: 1,
        ..manner("")
    });
    let mut code = |call| {
        let ticket = desk.arrive(call, NOW, Ok(()));
        ticket.admitted.map_err(|refusal| refusal.code)
    };
    for call in [Call::History, Call::Recall, Call::GroupInfo] {
        assert_eq!([code(call), code(call)], [Ok(()), Err(60007)]);
    }
    assert_eq!(code(Call::GroupMessage), Ok(()));
    let statistics = desk.statistics();
    assert_eq!((statistics.arrivals, statistics.over_limit), (1, 3));
}

#[test]
fn a_group_that_is_not_listed_does_not_exist() {
    let mut desk = open(Manner {
        groups: groups(&["Public", "AVChatRoom"]),
        ..manner("")
    });
    let mut code = |group, name: &str, value: Value| {
        let mut body = group_message(group, 1, "hello");
        body[name] = value;
        send(&mut desk, NOW, &body)["ErrorCode"].clone()
    };
    assert_eq!(code("Community", "Random", json!(1)), 10010);
    assert_eq!(code("AVChatRoom", "OnlineOnlyFlag", json!(1)), 10007);
    assert_eq!(code("AVChatRoom", "Random", json!(1)), 0);
    assert_eq!(code("Public", "Random", json!(2)), 0);
    assert_eq!(desk.statistics().accepted, 2);
}
