//! Which `Random` was seen lately, under every reading of what the vendor publishes about it.

use super::answer::Place;
use super::expiring::Expiring;
use super::record::Fingerprint;
use clap::ValueEnum;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// What counts as the same message, for how long, and what its sender is told. By default as harsh as the pages allow:
/// the whole app, the `Random` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deduplication {
    /// How long a `Random` is remembered; the vendor's is five minutes.
    pub span: Duration,
    pub scope: Scope,
    pub key: Key,
    pub answer: RepeatAnswer,
    pub registers: Registers,
}

/// Where a `Random` must be new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// In all groups, and among broadcasts as well
    #[default]
    App,
    /// In its group
    Group,
}

/// What must be the same for a message to be a repetition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Key {
    /// The Random
    #[default]
    Random,
    /// The Random and the sender
    Sender,
    /// The Random and the content
    Content,
}

/// What the sender of a repetition is told. Nothing is stored in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum RepeatAnswer {
    /// What the first was told
    #[default]
    First,
    /// A success with a new `MsgSeq`
    NewSeq,
    /// Code 10004
    Error,
}

/// Which calls register their `Random`, so that the same call sent again is a repetition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Registers {
    /// Those whose message was stored
    #[default]
    Accepted,
    /// Those that were dropped as well
    Dropped,
    /// Those that were dropped or refused as well
    Refused,
}

impl Default for Deduplication {
    fn default() -> Deduplication {
        Deduplication {
            span: Duration::from_mins(5),
            scope: Scope::default(),
            key: Key::default(),
            answer: RepeatAnswer::default(),
            registers: Registers::default(),
        }
    }
}

/// A message as far as it may matter to a repetition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sameness<'a> {
    pub(super) group: Option<&'a str>,
    pub(super) random: u32,
    pub(super) sender: &'a str,
    pub(super) body_digest: &'a str,
}

/// The first message under a `Random`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    /// `None` if it was dropped or refused.
    pub(super) place: Option<Place>,
    pub(super) fingerprint: Fingerprint,
}

/// Remembers each key until its time is over.
#[derive(Debug)]
pub(super) struct Seen {
    policy: Deduplication,
    known: Expiring<(u32, u64), First>,
}

impl Seen {
    pub(super) fn new(policy: Deduplication) -> Seen {
        Seen {
            policy,
            known: Expiring::default(),
        }
    }

    /// What came of an earlier call with the same key, unless that is forgotten by now.
    pub(super) fn find(&mut self, message: Sameness<'_>, now_ns: u64) -> Option<First> {
        let key = self.key_of(message);
        self.known.find(&key, now_ns).copied()
    }

    pub(super) fn insert(&mut self, message: Sameness<'_>, expires_ns: u64, first: First) {
        self.known.insert(self.key_of(message), expires_ns, first);
    }

    fn key_of(&self, message: Sameness<'_>) -> (u32, u64) {
        let group = (self.policy.scope == Scope::Group).then_some(message.group);
        let rest = match self.policy.key {
            Key::Random => None,
            Key::Sender => Some(message.sender),
            Key::Content => Some(message.body_digest),
        };
        let mut hasher = DefaultHasher::new();
        (group, rest).hash(&mut hasher);
        (message.random, hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    const MESSAGE: Sameness<'static> = Sameness {
        group: Some("a"),
        random: 7,
        sender: "ann",
        body_digest: "hello",
    };

    fn first() -> First {
        First {
            place: None,
            fingerprint: fixtures::record("a", 7, 1).fingerprint(),
        }
    }

    /// Whether the other is a repetition of the message under this reading.
    fn repeats(scope: Scope, key: Key, other: Sameness<'_>) -> bool {
        let mut seen = Seen::new(Deduplication {
            scope,
            key,
            ..Deduplication::default()
        });
        seen.insert(MESSAGE, 300, first());
        assert_eq!(seen.find(MESSAGE, 299), Some(first()));
        assert_eq!(seen.find(MESSAGE, 300), None);
        seen.insert(MESSAGE, 300, first());
        seen.find(other, 299).is_some()
    }

    #[test]
    fn every_reading_of_the_key() {
        let elsewhere = Sameness {
            group: Some("b"),
            ..MESSAGE
        };
        let broadcast = Sameness {
            group: None,
            ..MESSAGE
        };
        let by_another = Sameness {
            sender: "bob",
            ..MESSAGE
        };
        let of_another = Sameness {
            body_digest: "bye",
            ..MESSAGE
        };
        let renumbered = Sameness {
            random: 8,
            ..MESSAGE
        };
        for key in [Key::Random, Key::Sender, Key::Content] {
            assert!(repeats(Scope::App, key, elsewhere));
            assert!(repeats(Scope::App, key, broadcast));
            assert!(!repeats(Scope::Group, key, elsewhere));
            assert!(!repeats(Scope::Group, key, broadcast));
            for scope in [Scope::App, Scope::Group] {
                assert!(!repeats(scope, key, renumbered));
                assert_eq!(repeats(scope, key, by_another), key != Key::Sender);
                assert_eq!(repeats(scope, key, of_another), key != Key::Content);
            }
        }
    }
}
