use super::super::super::deduplication::{Deduplication, Key, Registers, RepeatAnswer, Scope};
use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

fn with(deduplication: Deduplication) -> Desk {
    fast(Manner {
        deduplication,
        ..Manner::default()
    })
}

#[test]
fn a_repetition_is_answered_as_is_asked_for() {
    let answered = |answer| {
        let mut desk = with(Deduplication {
            answer,
            ..Deduplication::default()
        });
        let body = group_message("a", 7, "hello");
        let first = send(&mut desk, NOW, &body);
        let again = send(&mut desk, after(1), &body);
        assert_eq!(desk.statistics().accepted, 1);
        assert_eq!(desk.statistics().duplicates, 1);
        (first, again)
    };
    let (first, again) = answered(RepeatAnswer::First);
    assert_eq!(again, first);
    let (first, again) = answered(RepeatAnswer::NewSeq);
    assert_eq!([&first["MsgSeq"], &again["MsgSeq"]], [1, 2]);
    assert_eq!(again["ErrorCode"], 0);
    let (_, again) = answered(RepeatAnswer::Error);
    assert_eq!(again["ErrorCode"], 10004);
}

/// Whether a message is stored that was once refused, dropped, or turned away at the door.
fn stored_after(fate: Registers, registers: Registers) -> bool {
    let mut desk = with(Deduplication {
        registers,
        ..Deduplication::default()
    });
    let ticket = |fault, admitted| Ticket {
        fault,
        admitted,
        latency: Duration::ZERO,
    };
    let first = match fate {
        Registers::Accepted => ticket(None, Err(Refusal::new(60007, "too many"))),
        Registers::Dropped => ticket(Some(Fault::Drop), Ok(())),
        Registers::Refused => ticket(Some(Fault::Code(10_016)), Ok(())),
    };
    let body = group_message("a", 7, "hello");
    let request = rules::read(Call::GroupMessage, body.to_string().as_bytes());
    desk.conclude(Call::GroupMessage, NOW, &first, request);
    let again = send(&mut desk, after(1), &body);
    assert_eq!(
        (&again["ErrorCode"], &again["MsgSeq"]),
        (&json!(0), &json!(1))
    );
    desk.statistics().accepted == 1
}

#[test]
fn what_was_not_stored_registers_where_that_is_asked_for() {
    // At the door, dropped, refused; with the Random forgotten, it is stored when it comes again.
    let stored = |registers| {
        [Registers::Accepted, Registers::Dropped, Registers::Refused]
            .map(|fate| stored_after(fate, registers))
    };
    assert_eq!(stored(Registers::Accepted), [true, true, true]);
    assert_eq!(stored(Registers::Dropped), [true, false, true]);
    assert_eq!(stored(Registers::Refused), [false, false, false]);
}

#[test]
fn a_refused_repetition_does_not_hide_what_was_stored() {
    let mut desk = with(Deduplication {
        registers: Registers::Refused,
        ..Deduplication::default()
    });
    let body = group_message("a", 7, "hello");
    let first = send(&mut desk, NOW, &body);
    let refused = Ticket {
        fault: Some(Fault::InternalBefore),
        admitted: Ok(()),
        latency: Duration::ZERO,
    };
    let request = rules::read(Call::GroupMessage, body.to_string().as_bytes());
    assert_eq!(
        desk.conclude(Call::GroupMessage, NOW, &refused, request)
            .code(),
        10002
    );
    assert_eq!(send(&mut desk, after(1), &body), first);
}

#[test]
fn a_message_stored_twice_is_doubled_once() {
    let mut desk = with(Deduplication::default());
    let mut send = |group, random, ms| {
        send(&mut desk, after(ms), &group_message(group, random, "hello"));
        desk.statistics().doubled
    };
    assert_eq!(send("a", 1, 0), 0);
    assert_eq!(send("a", 1, 1), 0, "discarded");
    assert_eq!(send("b", 2, 1), 0, "another group");
    assert_eq!(send("a", 3, 299_999), 1);
    assert_eq!(send("a", 4, 299_999), 1, "the same message once more");
    assert_eq!(send("b", 2, 300_001), 2, "its Random is forgotten");
    assert_eq!(send("c", 5, 300_001), 2);
    assert_eq!(
        send("c", 6, 3_900_001),
        2,
        "an hour later it is another one"
    );
}

fn policies() -> impl Strategy<Value = Deduplication> {
    let scope = prop_oneof![Just(Scope::App), Just(Scope::Group)];
    let key = prop_oneof![Just(Key::Random), Just(Key::Sender), Just(Key::Content)];
    let answer = prop_oneof![
        Just(RepeatAnswer::First),
        Just(RepeatAnswer::NewSeq),
        Just(RepeatAnswer::Error)
    ];
    (scope, key, answer).prop_map(|(scope, key, answer)| Deduplication {
        scope,
        key,
        answer,
        ..Deduplication::default()
    })
}

proptest! {
    /// Group, `Random`, sender and text of each message are one of two.
    #[test]
    fn each_key_is_stored_once(policy in policies(), messages in proptest::collection::vec(any::<[bool; 4]>(), 1..40)) {
        let mut desk = with(policy);
        let mut keys = HashSet::new();
        for [group, random, sender, text] in messages {
            let mut body = group_message(
                if group { "a" } else { "b" },
                u32::from(random),
                if text { "hello" } else { "bye" },
            );
            body["From_Account"] = json!(if sender { "ann" } else { "bob" });
            let rest = match policy.key {
                Key::Random => None,
                Key::Sender => Some(sender),
                Key::Content => Some(text),
            };
            let is_new = keys.insert(((policy.scope == Scope::Group).then_some(group), random, rest));
            let answer = send(&mut desk, NOW, &body);
            let is_refused = !is_new && policy.answer == RepeatAnswer::Error;
            prop_assert_eq!(answer["ErrorCode"] == 0, !is_refused);
            prop_assert_eq!(desk.statistics().accepted, keys.len() as u64);
        }
    }
}
