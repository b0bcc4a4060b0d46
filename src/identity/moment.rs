//! One instant, as two clocks saw it.

use std::time::Duration;

/// An instant on the wall clock (which people and the vendor share, and which may be stepped) and on the boot clock
/// (which only moves forward, also while the machine sleeps, and starts anew with the machine).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Milliseconds since 1970-01-01 UTC.
    pub wall_ms: i64,
    /// Nanoseconds since the machine started.
    pub boot_ns: u64,
    /// Which start of which machine `boot_ns` counts from.
    pub boot_id: u32,
}

impl Moment {
    /// How long ago `earlier` was: the greater of what the two clocks say. `None` when nobody knows: the machine was
    /// started anew in between, or a clock went backwards.
    pub fn age_of(self, earlier: Moment) -> Option<Duration> {
        if self.boot_id != earlier.boot_id {
            return None;
        }
        let boot = Duration::from_nanos(self.boot_ns.checked_sub(earlier.boot_ns)?);
        let wall = u64::try_from(self.wall_ms.checked_sub(earlier.wall_ms)?).ok()?;
        Some(boot.max(Duration::from_millis(wall)))
    }

    /// This instant moved forward on both clocks.
    #[must_use]
    pub fn plus(self, by: Duration) -> Moment {
        let ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Moment {
            wall_ms: self.wall_ms.saturating_add(ms),
            boot_ns: self.boot_ns.saturating_add(ns),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment {
        wall_ms: 1_000_000,
        boot_ns: 5_000_000_000,
        boot_id: 1,
    };

    #[test]
    fn age_is_the_greater_of_the_two_clocks() {
        let asleep = Moment {
            wall_ms: START.wall_ms + 10,
            boot_ns: START.boot_ns + 3_000_000_000,
            ..START
        };
        assert_eq!(asleep.age_of(START), Some(Duration::from_secs(3)));
        let stepped = Moment {
            wall_ms: START.wall_ms + 3_600_000,
            boot_ns: START.boot_ns + 1,
            ..START
        };
        assert_eq!(stepped.age_of(START), Some(Duration::from_hours(1)));
    }

    #[test]
    fn age_is_unknown_when_a_clock_went_back_or_the_machine_was_started_anew() {
        let back = Moment {
            wall_ms: START.wall_ms - 1,
            ..START
        };
        assert_eq!(back.age_of(START), None);
        let rebooted = Moment {
            boot_id: 2,
            ..START.plus(Duration::from_secs(1))
        };
        assert_eq!(rebooted.age_of(START), None);
    }
}
