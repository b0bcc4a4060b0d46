//! The vendor's `Random`: what tells a message from its repetition within five minutes.

use super::{Digest, Moment};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// 32 bits that belong to one generation of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Random(pub u32);

impl Random {
    /// For a fixed identity the map from salt to value is a bijection (the multiplier is odd), so that trying salt
    /// after salt finds a free value.
    pub fn derive(identity: Digest, salt: u32) -> Random {
        const ODD: u32 = 0x9E37_79B9;
        Random(
            identity
                .first_32_bits()
                .wrapping_add(salt.wrapping_mul(ODD)),
        )
    }
}

/// The values Started on one SDKAppID lately. At 200 a second chance alone would repeat one within five minutes with
/// 34 % probability, and the vendor would discard that message.
#[derive(Debug, Default)]
pub struct RecentRandoms {
    by_value: HashMap<Random, i64>,
    by_time: VecDeque<(i64, Random)>,
}

impl RecentRandoms {
    /// Twice the vendor's five minutes.
    pub const KEPT: Duration = Duration::from_mins(10);

    pub fn remember(&mut self, random: Random, at: Moment) {
        self.by_value.insert(random, at.wall_ms);
        self.by_time.push_back((at.wall_ms, random));
    }

    /// The first value of `identity` that is free at `now`; the caller remembers it when it is Started.
    pub fn choose(&mut self, identity: Digest, now: Moment) -> Random {
        self.forget_old(now);
        let mut salt = 0;
        loop {
            let random = Random::derive(identity, salt);
            if !self.by_value.contains_key(&random) {
                return random;
            }
            salt += 1;
        }
    }

    fn forget_old(&mut self, now: Moment) {
        let oldest = now
            .wall_ms
            .saturating_sub(i64::try_from(Self::KEPT.as_millis()).unwrap_or(i64::MAX));
        while let Some(&(at, random)) = self.by_time.front()
            && at < oldest
        {
            self.by_time.pop_front();
            if self.by_value.get(&random) == Some(&at) {
                self.by_value.remove(&random);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_ms: i64) -> Moment {
        Moment {
            wall_ms,
            boot_ns: 0,
            boot_id: 0,
        }
    }

    #[test]
    fn a_value_is_not_chosen_again_within_ten_minutes() {
        let identity = Digest::of("test", []);
        let mut recent = RecentRandoms::default();
        let first = recent.choose(identity, at(0));
        recent.remember(first, at(0));
        let second = recent.choose(identity, at(599_999));
        assert_ne!(second, first);
        assert_eq!(recent.choose(identity, at(600_001)), first);
    }

    #[test]
    fn salts_of_one_identity_never_meet() {
        let identity = Digest::of("test", []);
        let values: std::collections::HashSet<_> = (0..10_000)
            .map(|salt| Random::derive(identity, salt))
            .collect();
        assert_eq!(values.len(), 10_000);
    }
}
