//! Each code of the vendor's tables, from the reply to the state of the delivery. What is expected is restated from
//! the vendor's pages, not from the program's table, so that a wrong row is found.

use campanile::workbench::{
    Channel, Code, Delivery, Entry, Failure, Moment, Outcome, Random, Reply, Scope, State, codes,
    decode, explain,
};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// What an answer is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Not executed, sent again.
    Again,
    /// Nobody knows: it stays open.
    Open,
    LaneSlows,
    GroupSlows,
    Refused,
    /// Not executed, and the run stops.
    Stops,
}

use Fate::{Again, GroupSlows, LaneSlows, Open, Refused, Stops};

/// On a group message. Codes that the vendor does not expect in answer to a send prove nothing: they are open.
#[rustfmt::skip]
const FATES: &[(Fate, &str)] = &[
    // Common
    (Stops, "60002 60003 60006 60009 60010 60012 60015 60016 60017 60020 60021 60025 60026 60027 60028 80005"),
    (Again, "60004 60005 60014 80003"),
    (LaneSlows, "60007 60011 60018 60019"),
    (Open, "60008 60013 60022"),
    (Refused, "80001 80002 80004"),
    // Accounts
    (Again, "70001"),
    (Stops, "70002 70003 70005 70009 70013 70014 70016 70020 70050 70051 70107 70114 70206 70346 70402 70403 72000 72002"),
    (Open, "70169 70202 70500"),
    (Open, "70398 70399 70404 71000 72001 72010-72012"),
    // Groups
    (Stops, "10001 10003 10005 10008 10011 10012 10019 10026 10041 10059"),
    (Open, "10002"),
    (GroupSlows, "10006 10023"),
    (Refused, "10004 10007 10010 10015 10016 10017 10020 10030-10035 10044 10051-10053 10060 10061 11000 110006-110014"),
    (Open, "10009 10013 10014 10018 10021 10024 10025 10036-10038 10045-10050 10054 10056 10058 10062 10063 10070"),
    // Messages
    (Stops, "20001 22007 90001 90002 90005-90007 90009 90010 90011 90018 90028 90029 90031 90043 90044"),
    (Again, "20002 20027 20028"),
    (Refused, "20003 20006 20012 20016 20018 20022 90003 90008 90012 90048 90055 93000 120001-130000"),
    (Open, "20004 20005 90992 90994 90995 91000"),
    (LaneSlows, "23003 90057"),
    (Open, "20007-20011 20023 22001-22006 90022 90024 90026 90030 90032-90034 90040 90045 90047 90054 91101"),
    (Open, "2001-2016 2100 93001-93008 130002-131005"),
    // None of the vendor's
    (Open, "1 2000 4711 10055 110005 131006 4294967295"),
];

/// Where a channel differs: a broadcast has no group, a notification no sender.
const OWN: &[(Channel, Fate, &str)] = &[
    (Channel::Broadcast, Stops, "10004 10007"),
    (Channel::Broadcast, LaneSlows, "10006 10023"),
    (Channel::Notification, Refused, "10019"),
];

/// After how many answers in a row a run stops that none of them would stop alone.
#[rustfmt::skip]
const PATIENCE: &[(u32, &str)] = &[
    (2, "20002 60022 70001"),
    (3, "60004 60005"),
    (5, "10004 10020 10053 10061 11000 60008 80001 80002 80003 80004 90055 90992 90995 93000 300-399"),
    (20, "10016 20006 120001-130000"),
    (1, "400-407 409-428 430-499"),
];

/// The answer's HTTP status; all others are open, too, and stop nothing.
const STATUSES: &str = "100-199 201-299 300-399 400-499 500-599 600 999";

fn ranges(text: &str) -> impl Iterator<Item = RangeInclusive<u32>> {
    text.split(' ').map(|word| {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        first.parse().unwrap()..=last.parse().unwrap()
    })
}

fn first_and_last(text: &str) -> impl Iterator<Item = u32> {
    ranges(text).flat_map(|range| BTreeSet::from([*range.start(), *range.end()]))
}

fn holds(text: &str, code: u32) -> bool {
    ranges(text).any(|range| range.contains(&code))
}

fn reply(status: u16, body: &str) -> Reply {
    Reply::Answered {
        status,
        body: body.into(),
        signature: 1,
    }
}

/// The vendor's answer to a first attempt, and where that leaves the delivery.
fn answered(channel: Channel, reply: &Reply) -> (Fate, Delivery) {
    let at = Moment {
        wall_ms: 1_700_000_000_000,
        boot_ns: 0,
        boot_id: 0,
    };
    let outcome = decode(channel, reply);
    let entries = [
        Entry::Started {
            attempt: 1,
            generation: 1,
            random: Random(7),
            at,
        },
        Entry::Finished {
            attempt: 1,
            outcome: outcome.clone(),
            at,
        },
    ];
    let delivery = Delivery::fold(&entries).unwrap();
    let fate = match (&outcome, delivery.state()) {
        (Outcome::Failed(Failure::NotExecuted, _), State::Pending) => Again,
        (Outcome::Failed(Failure::Stop, _), State::Pending) => Stops,
        (Outcome::Throttled(Scope::Lane, _), State::Pending) => LaneSlows,
        (Outcome::Throttled(Scope::Group, _), State::Pending) => GroupSlows,
        (Outcome::Refused(_), State::Refused) => Refused,
        (Outcome::Unknown(_), State::InFlight) => Open,
        (outcome, state) => panic!("{outcome:?} left it {state:?}"),
    };
    (fate, delivery)
}

fn fate_of_code(channel: Channel, code: u32) -> Fate {
    let body =
        format!(r#"{{"ActionStatus":"FAIL","ErrorCode":{code},"ErrorInfo":"the vendor's words"}}"#);
    let (fate, delivery) = answered(channel, &reply(200, &body));
    let answer = delivery.last().and_then(Outcome::answer).unwrap();
    assert_eq!(
        (answer.code, answer.text.as_str()),
        (code, "the vendor's words")
    );
    fate
}

#[test]
fn each_code_leaves_its_delivery_where_it_should() {
    let mut wrong = Vec::new();
    for (fate, text) in FATES {
        for code in first_and_last(text) {
            for channel in Channel::ALL {
                let own = OWN
                    .iter()
                    .find(|(only, _, text)| *only == channel && holds(text, code));
                let expected = own.map_or(*fate, |(_, fate, _)| *fate);
                let found = fate_of_code(channel, code);
                if found != expected {
                    wrong.push((code, channel, found, expected));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_status_leaves_its_delivery_open() {
    for status in first_and_last(STATUSES) {
        for channel in Channel::ALL {
            let ok = r#"{"ActionStatus":"OK","ErrorCode":0}"#;
            let reply = reply(u16::try_from(status).unwrap(), ok);
            let (fate, delivery) = answered(channel, &reply);
            assert_eq!(fate, Open, "{status}");
            let answer = delivery.last().and_then(Outcome::answer).unwrap();
            assert_eq!(answer.code, status);
            let said = answer.summary(channel);
            assert!(said.starts_with(&format!("HTTP {status} ")), "{said}");
        }
    }
}

#[test]
fn each_code_stops_its_run_after_as_many_answers_as_it_should() {
    let mut wrong = Vec::new();
    let all = FATES.iter().flat_map(|(_, text)| first_and_last(text));
    for code in all.chain(first_and_last(STATUSES)).chain([408, 429]) {
        for channel in Channel::ALL {
            let stops = code > 999 && fate_of_code(channel, code) == Stops;
            let patience = PATIENCE.iter().find(|(_, text)| holds(text, code));
            let expected = if stops {
                Some(1)
            } else {
                patience.map(|(times, _)| *times)
            };
            let found = explain(channel, code).stops_after;
            if found != expected {
                wrong.push((code, channel, found, expected));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_has_every_code_that_is_expected_and_no_other() {
    let is_listed = |row: &Code, code| (row.first..=row.last).contains(&code);
    let fates = || FATES[..FATES.len() - 1].iter();
    for range in fates().flat_map(|(_, text)| ranges(text)) {
        for code in range {
            let row = explain(Channel::GroupMessage, code);
            assert!(is_listed(row, code), "{code} is not in the table");
        }
    }
    for row in codes().iter().filter(|row| row.first > 999) {
        for code in [row.first, row.last] {
            let times = fates().filter(|(_, text)| holds(text, code)).count();
            assert_eq!(times, 1, "{code} is in the table");
        }
    }
}

#[test]
fn only_an_expired_signature_is_made_anew() {
    for row in codes() {
        let body = format!(r#"{{"ErrorCode":{}}}"#, row.first);
        let outcome = decode(Channel::GroupMessage, &reply(200, &body));
        assert_eq!(
            outcome.wants_new_signature(Channel::GroupMessage),
            [20_002, 70_001].contains(&row.first),
            "{row:?}"
        );
    }
}
