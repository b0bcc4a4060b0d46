//! A map that forgets.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How many entries are kept; more than five minutes of what one machine can send. Beyond it the oldest are forgotten
/// early.
const ENTRIES_MAX: usize = 1 << 23;

/// Keeps each value until its time is over.
#[derive(Debug)]
pub(super) struct Expiring<K, V> {
    known: HashMap<K, (u64, V)>,
    /// In the order of insertion, which is nearly that of expiry.
    expiries: VecDeque<(u64, K)>,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Expiring<K, V> {
        Expiring {
            known: HashMap::new(),
            expiries: VecDeque::new(),
        }
    }
}

impl<K: Copy + Eq + Hash, V> Expiring<K, V> {
    pub(super) fn find(&mut self, key: &K, now_ns: u64) -> Option<&mut V> {
        self.forget(now_ns);
        let (expires_ns, value) = self.known.get_mut(key)?;
        (now_ns < *expires_ns).then_some(value)
    }

    pub(super) fn insert(&mut self, key: K, expires_ns: u64, value: V) {
        if self.expiries.len() == ENTRIES_MAX {
            self.forget_oldest();
        }
        self.known.insert(key, (expires_ns, value));
        self.expiries.push_back((expires_ns, key));
    }

    fn forget(&mut self, now_ns: u64) {
        while self
            .expiries
            .front()
            .is_some_and(|(expires_ns, _)| *expires_ns <= now_ns)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((expires_ns, key)) = self.expiries.pop_front() else {
            return;
        };
        // The same key may have been inserted anew since.
        if self
            .known
            .get(&key)
            .is_some_and(|known| known.0 == expires_ns)
        {
            self.known.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_until_it_expires() {
        let mut map = Expiring::default();
        map.insert(7, 300, 'a');
        assert_eq!(map.find(&7, 299), Some(&mut 'a'));
        assert_eq!(map.find(&8, 299), None);
        assert_eq!(map.find(&7, 300), None);
    }

    #[test]
    fn memory_follows_expiry_even_out_of_order() {
        let mut map = Expiring::default();
        map.insert(1, 300, 'a');
        map.insert(2, 299, 'b');
        // Behind one that is still good, yet over.
        assert_eq!(map.find(&2, 299), None);
        map.insert(2, 600, 'c');
        assert_eq!(map.find(&2, 300), Some(&mut 'c'));
        assert_eq!((map.known.len(), map.expiries.len()), (1, 1));
        assert_eq!(map.find(&2, 600), None);
        assert_eq!((map.known.len(), map.expiries.len()), (0, 0));
    }
}
