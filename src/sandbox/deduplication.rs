//! Which `Random` was seen lately, and what became of it.

use super::answer::Place;
use super::record::Fingerprint;
use std::collections::{HashMap, VecDeque};

/// The first message under a `Random`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    pub(super) place: Place,
    pub(super) fingerprint: Fingerprint,
}

/// Remembers each `Random` until its time is over. The scope is the whole app.
#[derive(Debug, Default)]
pub(super) struct Deduplication {
    known: HashMap<u32, (u64, First)>,
    /// In the order of insertion, which is nearly that of expiry.
    expiries: VecDeque<(u64, u32)>,
}

impl Deduplication {
    /// What an earlier call stored under this `Random`, unless that is forgotten by now.
    pub(super) fn find(&mut self, random: u32, now_ns: u64) -> Option<First> {
        self.forget(now_ns);
        let &(expires_ns, first) = self.known.get(&random)?;
        (now_ns < expires_ns).then_some(first)
    }

    pub(super) fn insert(&mut self, random: u32, expires_ns: u64, first: First) {
        self.known.insert(random, (expires_ns, first));
        self.expiries.push_back((expires_ns, random));
    }

    fn forget(&mut self, now_ns: u64) {
        while let Some(&(expires_ns, random)) = self.expiries.front() {
            if now_ns < expires_ns {
                return;
            }
            self.expiries.pop_front();
            // The same `Random` may have been stored anew since.
            if self
                .known
                .get(&random)
                .is_some_and(|known| known.0 == expires_ns)
            {
                self.known.remove(&random);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    fn first(seq: u64) -> First {
        First {
            place: Place { seq, time_s: 0 },
            fingerprint: fixtures::record("@TGS#a", 1, seq).fingerprint(),
        }
    }

    #[test]
    fn a_random_is_known_until_it_expires() {
        let mut seen = Deduplication::default();
        seen.insert(7, 300, first(1));
        assert_eq!(seen.find(7, 299), Some(first(1)));
        assert_eq!(seen.find(8, 299), None);
        assert_eq!(seen.find(7, 300), None);
    }

    #[test]
    fn memory_follows_expiry_even_out_of_order() {
        let mut seen = Deduplication::default();
        seen.insert(1, 300, first(1));
        seen.insert(2, 299, first(2));
        // Behind one that is still good, yet over.
        assert_eq!(seen.find(2, 299), None);
        seen.insert(2, 600, first(3));
        assert_eq!(seen.find(2, 300), Some(first(3)));
        assert_eq!((seen.known.len(), seen.expiries.len()), (1, 1));
        assert_eq!(seen.find(2, 600), None);
        assert_eq!((seen.known.len(), seen.expiries.len()), (0, 0));
    }
}
