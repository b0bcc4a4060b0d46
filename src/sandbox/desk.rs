//! The state behind all connections: who may pass, what is stored, what is counted. Pure but for the ledger's file.

use super::answer::{Answer, Place, Refusal, code};
use super::call::Call;
use super::chance::{Purpose, draw, spread};
use super::deduplication::{Deduplication, First};
use super::faults::{Fault, Faults};
use super::ledger::{Ledger, LedgerError};
use super::record::{Fingerprint, Record};
use super::rules::Message;
use super::statistics::Statistics;
use super::window::Window;
use crate::clock::Moment;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::time::Duration;

/// How the sandbox behaves.
#[derive(Debug)]
pub(super) struct Manner {
    /// The account a message comes from when its body names none.
    pub(super) administrator: String,
    pub(super) rate_per_s: u32,
    pub(super) broadcast_per_s: u32,
    pub(super) deduplication: Duration,
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    pub(super) faults: Faults,
    pub(super) seed: u64,
}

impl Manner {
    fn limit_of(&self, call: Call) -> usize {
        let limit = match call {
            Call::GroupMessage | Call::Notification => self.rate_per_s,
            Call::Broadcast => self.broadcast_per_s,
        };
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
}

/// What was decided about a call when its head arrived.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) fault: Option<Fault>,
    pub(super) admitted: Result<(), Refusal>,
    pub(super) delay: Duration,
}

/// The seconds of one call.
#[derive(Debug, Default)]
struct Lane {
    arrivals: Window,
    executed: Window,
}

#[derive(Debug)]
pub(super) struct Desk {
    manner: Manner,
    tickets: u64,
    lanes: HashMap<Call, Lane>,
    seen: Deduplication,
    /// The last sequence of each group; 0 for one that has had notifications only.
    group_seqs: HashMap<String, u64>,
    broadcast_seq: u64,
    ledger: Ledger,
    statistics: Statistics,
}

impl Desk {
    /// Continues `file` if there is one: its messages count as stored, and their `Random`s as seen.
    pub(super) fn open(
        manner: Manner,
        file: Option<File>,
        now: Moment,
    ) -> Result<Desk, LedgerError> {
        let mut desk = Desk {
            manner,
            tickets: 0,
            lanes: HashMap::new(),
            seen: Deduplication::default(),
            group_seqs: HashMap::new(),
            broadcast_seq: 0,
            ledger: Ledger::default(),
            statistics: Statistics::default(),
        };
        if let Some(file) = file {
            desk.ledger = Ledger::open(file, |record| desk.restore(record, now))?;
        }
        Ok(desk)
    }

    /// Decides about a call whose head has arrived. A call takes a place in the rate's second as soon as it passes
    /// here, whatever its body turns out to be.
    pub(super) fn arrive(
        &mut self,
        call: Call,
        at: Moment,
        credentials: Result<(), Refusal>,
    ) -> Ticket {
        let fault = self
            .manner
            .faults
            .pick(draw(self.manner.seed, Purpose::Fault, self.tickets));
        let chance = draw(self.manner.seed, Purpose::Latency, self.tickets);
        let delay = spread(self.manner.latency, self.manner.jitter, chance);
        self.tickets += 1;
        self.statistics.arrived(at.wall_ms);
        let lane = self.lanes.entry(call).or_default();
        lane.arrivals.push(at.boot_ns);
        let most = self.statistics.most_in_one_second.entry(call).or_default();
        *most = lane.arrivals.count(at.boot_ns).max(*most);
        let admitted = match fault {
            // Neither of these takes effect.
            Some(Fault::LostBefore | Fault::Http500) => Ok(()),
            _ => credentials.and_then(|()| self.admit(call, at, fault)),
        };
        Ticket {
            fault,
            admitted,
            delay,
        }
    }

    fn admit(&mut self, call: Call, at: Moment, fault: Option<Fault>) -> Result<(), Refusal> {
        let limit = self.manner.limit_of(call);
        let over_rate = || {
            Refusal::new(
                code::CALL_OVER_RATE,
                format!("{call} is over {limit} calls per second"),
            )
        };
        if fault == Some(Fault::Throttle) {
            self.statistics.meet(Fault::Throttle);
            return Err(over_rate());
        }
        let executed = &mut self.lanes.entry(call).or_default().executed;
        if executed.count(at.boot_ns) >= limit {
            return Err(over_rate());
        }
        executed.push(at.boot_ns);
        Ok(())
    }

    /// Stores a message, unless its `Random` was seen lately.
    pub(super) fn execute(&mut self, call: Call, at: Moment, message: Message) -> Answer {
        let fingerprint = Fingerprint::of(call, &message);
        let earlier = message
            .random
            .and_then(|random| self.seen.find(random, at.boot_ns));
        if let Some(first) = earlier {
            self.statistics.duplicates += 1;
            self.statistics.collisions += u64::from(first.fingerprint != fingerprint);
            return Answer::stored(call, first.place);
        }
        let place = Place {
            seq: self.next_seq(call, message.group.as_deref()),
            time_s: at.wall_ms.div_euclid(1_000),
        };
        let record = Record {
            call,
            group: message.group,
            members: message.members,
            random: message.random,
            msg_seq: (call != Call::Notification).then_some(place.seq),
            msg_time: place.time_s,
            from: message
                .from
                .unwrap_or_else(|| self.manner.administrator.clone()),
            arrived_ms: at.wall_ms,
            body_digest: message.body_digest,
            text: message.text,
        };
        self.ledger.append(&record);
        self.statistics.accept(at.wall_ms);
        self.remember(&record, at, self.manner.deduplication);
        Answer::stored(call, place)
    }

    /// Answers a message as if frequency control had swallowed it.
    pub(super) fn drop_message(&mut self, at: Moment) -> Answer {
        self.statistics.dropped += 1;
        self.statistics.meet(Fault::Drop);
        Answer::dropped(at.wall_ms.div_euclid(1_000))
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) -> Answer {
        self.statistics.refuse(refusal.code);
        Answer::refused(refusal)
    }

    pub(super) fn meet(&mut self, fault: Fault) {
        self.statistics.meet(fault);
    }

    pub(super) fn break_off(&mut self) {
        self.statistics.broken_off += 1;
    }

    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            groups: self.group_seqs.len(),
            accepted_per_s: self.statistics.rate_per_s(),
            ledger_failures: self.ledger.failures(),
            ..self.statistics.clone()
        }
    }

    pub(super) fn ledger(&self) -> VecDeque<Bytes> {
        self.ledger.pieces()
    }

    fn next_seq(&mut self, call: Call, group: Option<&str>) -> u64 {
        let Some(group) = group else {
            self.broadcast_seq += 1;
            return self.broadcast_seq;
        };
        let seq = self.group_seqs.entry(group.to_owned()).or_default();
        *seq += u64::from(call == Call::GroupMessage);
        *seq
    }

    fn restore(&mut self, record: &Record, now: Moment) {
        self.statistics.restored += 1;
        self.statistics.accept(record.arrived_ms);
        let seq = record.msg_seq.unwrap_or(0);
        match &record.group {
            Some(group) => {
                let last = self.group_seqs.entry(group.clone()).or_default();
                *last = seq.max(*last);
            }
            None => self.broadcast_seq = seq.max(self.broadcast_seq),
        }
        // Only the wall clock spans two runs. A record from the future is as good as new.
        let age_ms = u64::try_from(now.wall_ms.saturating_sub(record.arrived_ms)).unwrap_or(0);
        let remaining = self
            .manner
            .deduplication
            .saturating_sub(Duration::from_millis(age_ms));
        if remaining > Duration::ZERO {
            self.remember(record, now, remaining);
        }
    }

    fn remember(&mut self, record: &Record, since: Moment, span: Duration) {
        if let Some(random) = record.random {
            let first = First {
                place: record.place(),
                fingerprint: record.fingerprint(),
            };
            self.seen.insert(random, since.plus(span).boot_ns, first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ADMINISTRATOR, group_message, record};
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
            administrator: ADMINISTRATOR.to_owned(),
            rate_per_s: 3,
            broadcast_per_s: 1,
            deduplication: Duration::from_mins(5),
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            faults: faults.parse().unwrap(),
            seed: 1,
        }
    }

    fn desk(faults: &str) -> Desk {
        Desk::open(manner(faults), None, NOW).unwrap()
    }

    fn executed(desk: &mut Desk, at: Moment) -> usize {
        let lane = desk.lanes.get_mut(&Call::GroupMessage).unwrap();
        lane.executed.count(at.boot_ns)
    }

    fn send(desk: &mut Desk, at: Moment, body: &Value) -> Value {
        let message = rules::read(Call::GroupMessage, body.to_string().as_bytes()).unwrap();
        serde_json::to_value(desk.execute(Call::GroupMessage, at, message)).unwrap()
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
        for faults in ["lost_before=100%", "http_500=100%", "throttle=100%"] {
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
                ..manner("lost_reply=30%,stall=30%")
            };
            let mut desk = Desk::open(manner, None, NOW).unwrap();
            let mut next = |_| {
                let ticket = desk.arrive(Call::GroupMessage, NOW, Ok(()));
                (ticket.fault, ticket.delay)
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
        let mut desk = Desk::open(manner(""), Some(file), now).unwrap();
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
        let body = json!({ "GroupId": "a", "Content": "maintenance at noon" }).to_string();
        for _ in 0..2 {
            let message = rules::read(Call::Notification, body.as_bytes()).unwrap();
            let answer =
                serde_json::to_value(desk.execute(Call::Notification, NOW, message)).unwrap();
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
}
