//! What becomes of a message.

use super::super::answer::{Answer, Place, Refusal, code};
use super::super::call::Call;
use super::super::deduplication::{First, Registers, RepeatAnswer, Sameness};
use super::super::groups;
use super::super::record::{Fingerprint, Record};
use super::super::rules::{Message, Wish};
use super::{Desk, OverGroupLimit, group_over_rate};
use crate::clock::Moment;
use std::time::Duration;

/// A message that is stored again so soon is one that somebody got twice. That is far longer than a `Random` is
/// remembered, because what is sent again too late is what doubles.
const DOUBLED_WITHIN: Duration = Duration::from_hours(1);

impl Desk {
    /// Stores a message, unless its group, that group's limit or its `Random` is against it. The limit comes before the
    /// `Random`: a message that was stored may be told, when it is sent again, that it was one too many.
    pub(super) fn send(&mut self, call: Call, at: Moment, message: Message) -> Answer {
        if let Err(refusal) = self.check_group(call, &message) {
            self.register(Registers::Refused, call, at, &message);
            return self.refuse(refusal);
        }
        if self.is_over_group_limit(call, at, &message) {
            self.statistics.over_group_limit += 1;
            return self.over_group_limit(call, at, &message);
        }
        let sender = message.from.as_deref().unwrap_or(&self.administrator);
        let earlier = same(&message, sender).and_then(|same| self.seen.find(same, at.boot_ns));
        match earlier {
            Some(first) => self.repeat(call, at, &message, first),
            None => self.store(call, at, message),
        }
    }

    fn check_group(&self, call: Call, message: &Message) -> Result<(), Refusal> {
        let Some(group) = &message.group else {
            return Ok(());
        };
        match self.manner.groups.find(group)? {
            Some(kind) => groups::check_fit(kind, call, message),
            None => Ok(()),
        }
    }

    /// Every message that may be stored takes a place in its group's second; notifications do not.
    fn is_over_group_limit(&mut self, call: Call, at: Moment, message: &Message) -> bool {
        let Some(group) = message
            .group
            .as_deref()
            .filter(|_| call == Call::GroupMessage)
        else {
            return false;
        };
        let limit = usize::try_from(self.manner.group_per_s).unwrap_or(usize::MAX);
        if self.group_second.count(group, at.boot_ns) >= limit {
            return true;
        }
        self.group_second.push(group, at.boot_ns);
        false
    }

    fn over_group_limit(&mut self, call: Call, at: Moment, message: &Message) -> Answer {
        match self.manner.over_group_limit {
            OverGroupLimit::Code => {
                self.register(Registers::Refused, call, at, message);
                self.refuse(group_over_rate())
            }
            OverGroupLimit::Drop => self.drop_message(call, at, message),
            OverGroupLimit::Silent => {
                self.register(Registers::Dropped, call, at, message);
                Answer::stored(call, self.new_place(call, at, message))
            }
        }
    }

    /// Answers a message as frequency control does that swallows it.
    pub(super) fn drop_message(&mut self, call: Call, at: Moment, message: &Message) -> Answer {
        self.register(Registers::Dropped, call, at, message);
        self.statistics.dropped += 1;
        Answer::dropped(seconds(at))
    }

    /// Answers a message whose `Random` was seen lately. What the first was told is a success even if it was dropped:
    /// the sender is to lose what it sends again under such a `Random`.
    fn repeat(&mut self, call: Call, at: Moment, message: &Message, first: First) -> Answer {
        self.statistics.duplicates += 1;
        let is_other = first.fingerprint != Fingerprint::of(call, message);
        self.statistics.collisions += u64::from(is_other);
        match (self.manner.deduplication.answer, first.place) {
            (RepeatAnswer::First, Some(place)) => Answer::stored(call, place),
            (RepeatAnswer::First, None) | (RepeatAnswer::NewSeq, _) => {
                Answer::stored(call, self.new_place(call, at, message))
            }
            // No page names a code for it.
            (RepeatAnswer::Error, _) => self.refuse(Refusal::new(
                code::PARAMETER_INVALID,
                "`Random` was used before",
            )),
        }
    }

    fn store(&mut self, call: Call, at: Moment, message: Message) -> Answer {
        let place = self.new_place(call, at, &message);
        let record = Record {
            call,
            online_only: message.wishes.contains(&Wish::OnlineOnly),
            group: message.group,
            members: message.members,
            topic: message.topic,
            priority: message.priority,
            random: message.random,
            msg_seq: (call != Call::Notification).then_some(place.seq),
            msg_time: place.time_s,
            from: message.from.unwrap_or_else(|| self.administrator.clone()),
            arrived_ms: at.wall_ms,
            body_digest: message.body_digest,
            text: message.text,
        };
        let position = self.ledger.append(&record);
        self.archive.add(&record, position);
        self.statistics.accept(at.wall_ms);
        self.remember(&record, at, Duration::ZERO);
        Answer::stored(call, place)
    }

    /// The next place in the order of messages. Notifications have none, and a message that is only for those who are
    /// online has no number, because numbers count what can be looked up.
    fn new_place(&mut self, call: Call, at: Moment, message: &Message) -> Place {
        let has_none = call == Call::Notification || message.wishes.contains(&Wish::OnlineOnly);
        let seq = if has_none {
            0
        } else {
            let (group, topic) = (message.group.as_deref(), message.topic.as_deref());
            self.archive.next_seq(group, topic)
        };
        Place {
            seq,
            time_s: seconds(at),
        }
    }

    /// Makes a message known that was stored so long ago, and its `Random`.
    pub(super) fn remember(&mut self, record: &Record, now: Moment, age: Duration) {
        let expiry = |span: Duration| {
            let rest = span.checked_sub(age).filter(|rest| *rest > Duration::ZERO);
            rest.map(|rest| now.plus(rest).boot_ns)
        };
        let fingerprint = record.fingerprint();
        if let Some(expires_ns) = expiry(DOUBLED_WITHIN) {
            self.count_if_doubled(fingerprint, now.boot_ns, expires_ns);
        }
        let expires_ns = expiry(self.manner.deduplication.span);
        if let (Some(same), Some(expires_ns)) = (record.sameness(), expires_ns) {
            let first = First {
                place: Some(record.place()),
                fingerprint,
            };
            self.seen.insert(same, expires_ns, first);
        }
    }

    fn count_if_doubled(&mut self, fingerprint: Fingerprint, now_ns: u64, expires_ns: u64) {
        match self.stored.find(&fingerprint, now_ns) {
            Some(is_doubled) => {
                self.statistics.doubled += u64::from(!*is_doubled);
                *is_doubled = true;
            }
            None => self.stored.insert(fingerprint, expires_ns, false),
        }
    }

    /// Makes the `Random` of a message known that was not stored, if such calls register theirs.
    pub(super) fn register(&mut self, fate: Registers, call: Call, at: Moment, message: &Message) {
        if self.manner.deduplication.registers < fate {
            return;
        }
        let sender = message.from.as_deref().unwrap_or(&self.administrator);
        let Some(same) = same(message, sender) else {
            return;
        };
        if self.seen.find(same, at.boot_ns).is_none() {
            let first = First {
                place: None,
                fingerprint: Fingerprint::of(call, message),
            };
            let expires_ns = at.plus(self.manner.deduplication.span).boot_ns;
            self.seen.insert(same, expires_ns, first);
        }
    }
}

fn same<'a>(message: &'a Message, sender: &'a str) -> Option<Sameness<'a>> {
    Some(Sameness {
        group: message.group.as_deref(),
        random: message.random?,
        sender,
        body_digest: &message.body_digest,
    })
}

fn seconds(at: Moment) -> i64 {
    at.wall_ms.div_euclid(1_000)
}
