//! Spans of time in which nothing goes through: when one is on, and until when.

use std::fmt;
use std::time::Duration;

/// Once, or again and again. One that repeats comes first after its period, one that does not comes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Outage {
    pub(super) length: Duration,
    pub(super) every: Option<Duration>,
}

/// How it stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Phase {
    Over,
    /// It is on, and ends at this instant.
    OnUntil(u64),
    /// It is not on, and begins at this instant.
    OffUntil(u64),
}

impl Outage {
    /// How it stands at `now_ns` if it was asked for at `since_ns`, both of the boot clock.
    pub(in crate::sandbox) fn phase(self, since_ns: u64, now_ns: u64) -> Phase {
        let length_ns = nanoseconds(self.length);
        let Some(elapsed_ns) = now_ns.checked_sub(since_ns) else {
            return Phase::OffUntil(since_ns);
        };
        let Some(every) = self.every else {
            return if elapsed_ns < length_ns {
                Phase::OnUntil(since_ns.saturating_add(length_ns))
            } else {
                Phase::Over
            };
        };
        let every_ns = nanoseconds(every).max(1);
        let begun_ns = now_ns - elapsed_ns % every_ns;
        let is_first_period = elapsed_ns < every_ns;
        if !is_first_period && now_ns < begun_ns.saturating_add(length_ns) {
            Phase::OnUntil(begun_ns.saturating_add(length_ns))
        } else {
            Phase::OffUntil(begun_ns.saturating_add(every_ns))
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", humantime::format_duration(self.length))?;
        match self.every {
            Some(every) => write!(formatter, "/{}", humantime::format_duration(every)),
            None => Ok(()),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn once_is_from_now() {
        let outage = Outage {
            length: Duration::from_secs(5),
            every: None,
        };
        assert_eq!(outage.phase(100, 99), Phase::OffUntil(100));
        assert_eq!(outage.phase(100, 100), Phase::OnUntil(100 + 5 * S));
        assert_eq!(outage.phase(100, 99 + 5 * S), Phase::OnUntil(100 + 5 * S));
        assert_eq!(outage.phase(100, 100 + 5 * S), Phase::Over);
    }

    #[test]
    fn repeated_is_after_each_period() {
        let outage = Outage {
            length: Duration::from_secs(5),
            every: Some(Duration::from_secs(30)),
        };
        assert_eq!(outage.phase(7, 7), Phase::OffUntil(7 + 30 * S));
        assert_eq!(outage.phase(7, 7 + 30 * S), Phase::OnUntil(7 + 35 * S));
        assert_eq!(outage.phase(7, 7 + 35 * S), Phase::OffUntil(7 + 60 * S));
        assert_eq!(outage.phase(7, 7 + 64 * S), Phase::OnUntil(7 + 65 * S));
    }

    proptest! {
        #[test]
        fn a_phase_lasts_to_its_end_and_another_follows(
            length in 1_u64..50, rest in 1_u64..50, since in 0_u64..100, after in 0_u64..1_000,
        ) {
            let (now, every) = (since + after, length + rest);
            let outage = Outage {
                length: Duration::from_nanos(length),
                every: Some(Duration::from_nanos(every)),
            };
            let is_on = |at| matches!(outage.phase(since, at), Phase::OnUntil(_));
            prop_assert_eq!(is_on(now), after >= every && after % every < length);
            let (Phase::OnUntil(end) | Phase::OffUntil(end)) = outage.phase(since, now) else {
                return Err(TestCaseError::fail("one that repeats is never over"));
            };
            prop_assert!((now..end).all(|at| is_on(at) == is_on(now)));
            prop_assert_ne!(is_on(end), is_on(now));
        }
    }
}
