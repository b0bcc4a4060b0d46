//! What a group's history was seen not to hold, and when that proves something.

use crate::identity::Moment;
use crate::seeded_bug::SeededBug;
use std::time::Duration;

/// How long a message must be missing from its group's history until that proves that it never will be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A history may lag behind its group: what is not in it sooner than this after the last attempt, may still come.
    pub after: Duration,
    /// Two looks are so far apart.
    pub again: Duration,
}

/// How long the vendor tells a repetition by its `Random`.
const REMEMBERED: Duration = Duration::from_mins(5);

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            after: Duration::from_mins(2),
            again: Duration::from_secs(30),
        }
    }
}

impl Patience {
    /// With a vendor who forgets a `Random` after so long instead of five minutes, and has all else in proportion: a
    /// stand-in that is to show in seconds what otherwise takes minutes.
    #[must_use]
    pub fn in_proportion_to(deduplication: Duration) -> Patience {
        let Patience { after, again } = Patience::default();
        let part = deduplication.as_secs_f64() / REMEMBERED.as_secs_f64();
        Patience {
            after: after.mul_f64(part),
            again: again.mul_f64(part),
        }
    }
}

/// The time since the last attempt came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    /// No attempt was made after this instant.
    since: Moment,
    /// When the message was first not there, long enough after `since`.
    absent: Option<Moment>,
}

impl Silence {
    pub(super) fn new(since: Moment) -> Silence {
        Silence {
            since,
            absent: None,
        }
    }

    /// The message was not there. Returns whether that proves that it never will be.
    pub(super) fn absent(&mut self, patience: Patience, at: Moment) -> bool {
        if lapse(self.absent.unwrap_or(self.since), at).is_none() {
            // Nobody knows how long that was; from here on it can be told.
            *self = Silence::new(at);
        }
        if let Some(first) = self.first(patience) {
            return is_over(first, patience.again, at);
        }
        self.absent = is_over(self.since, patience.after, at).then_some(at);
        SeededBug::AbsentAtOnce.is_active() && self.absent.is_some()
    }

    /// When the message was first not there. What counted with less patience may count no more.
    fn first(&self, patience: Patience) -> Option<Moment> {
        let counts = |first: &Moment| is_over(self.since, patience.after, *first);
        self.absent.filter(counts)
    }

    /// Something else than its absence was seen.
    pub(super) fn broken(&mut self) {
        self.absent = None;
    }

    /// How long from `now` until the next look may prove something, or until it can be told.
    pub(super) fn wait(&self, patience: Patience, now: Moment) -> Duration {
        let (from, length) = match self.first(patience) {
            None => (self.since, patience.after),
            Some(first) => (first, patience.again),
        };
        lapse(from, now).map_or(Duration::ZERO, |lapse| length.saturating_sub(lapse))
    }
}

fn is_over(from: Moment, length: Duration, now: Moment) -> bool {
    lapse(from, now).is_some_and(|lapse| lapse >= length)
}

/// What passed for sure: the lesser of what the two clocks say, for a clock may have been set forward. `None` when
/// nobody knows.
fn lapse(from: Moment, now: Moment) -> Option<Duration> {
    now.age_of(from)?;
    let boot = Duration::from_nanos(now.boot_ns.saturating_sub(from.boot_ns));
    let wall_ms = now.wall_ms.saturating_sub(from.wall_ms);
    let wall = Duration::from_millis(u64::try_from(wall_ms).unwrap_or(0));
    Some(boot.min(wall))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        after: Duration::from_mins(2),
        again: Duration::from_secs(30),
    };
    const START: Moment = Moment {
        wall_ms: 1_000_000,
        boot_ns: 5_000_000_000,
        boot_id: 1,
    };

    fn after(seconds: u64) -> Moment {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn two_looks_half_a_minute_apart_prove_it_some_minutes_later() {
        let mut silence = Silence::new(START);
        assert_eq!(silence.wait(PATIENCE, START), PATIENCE.after);
        assert!(!silence.absent(PATIENCE, after(119)), "too soon to count");
        assert_eq!(silence.wait(PATIENCE, after(119)), Duration::from_secs(1));
        assert!(!silence.absent(PATIENCE, after(120)), "the first");
        assert_eq!(silence.wait(PATIENCE, after(120)), PATIENCE.again);
        assert!(
            !silence.absent(PATIENCE, after(149)),
            "too soon after the first"
        );
        assert_eq!(silence.wait(PATIENCE, after(149)), Duration::from_secs(1));
        assert!(silence.absent(PATIENCE, after(150)));
    }

    #[test]
    fn what_was_seen_in_between_breaks_it() {
        let mut silence = Silence::new(START);
        assert!(!silence.absent(PATIENCE, after(120)));
        silence.broken();
        assert!(!silence.absent(PATIENCE, after(150)), "the first again");
        assert!(silence.absent(PATIENCE, after(180)));
    }

    #[test]
    fn what_counted_with_less_patience_counts_no_more() {
        let short = Patience::in_proportion_to(Duration::from_secs(10));
        let seconds = |s| Duration::from_secs(s);
        assert_eq!((short.after, short.again), (seconds(4), seconds(1)));
        let mut silence = Silence::new(START);
        assert!(!silence.absent(short, after(4)));
        assert_eq!(silence.wait(short, after(4)), short.again);
        assert_eq!(silence.wait(PATIENCE, after(4)), seconds(116));
        let mut patient = silence;
        assert!(!patient.absent(PATIENCE, after(120)), "the first");
        assert!(patient.absent(PATIENCE, after(150)));
        assert!(silence.absent(short, after(5)));
    }

    #[test]
    fn no_clock_that_was_set_fakes_the_time() {
        let mut silence = Silence::new(START);
        let forward = Moment {
            wall_ms: START.wall_ms + 3_600_000,
            ..after(10)
        };
        assert!(!silence.absent(PATIENCE, forward));
        assert!(
            !silence.absent(PATIENCE, forward.plus(Duration::from_secs(31))),
            "not two minutes yet"
        );
        let mut silence = Silence::new(START);
        assert!(!silence.absent(PATIENCE, after(120)));
        let forward = Moment {
            wall_ms: START.wall_ms + 3_600_000,
            ..after(130)
        };
        assert!(
            !silence.absent(PATIENCE, forward),
            "ten seconds, whatever the wall says"
        );
        assert!(silence.absent(PATIENCE, after(150)));
    }

    /// After either it is as if the attempt had come back at the first look.
    #[test]
    fn a_new_start_and_a_clock_set_back_begin_again() {
        let rebooted = |seconds: u64| Moment {
            boot_id: 2,
            boot_ns: seconds * 1_000_000_000,
            ..after(1_000 + seconds)
        };
        let back = |seconds: u64| Moment {
            wall_ms: START.wall_ms - 3_600_000 + i64::try_from(seconds).unwrap() * 1_000,
            ..after(1_000 + seconds)
        };
        for later in [
            Box::new(rebooted) as Box<dyn Fn(u64) -> Moment>,
            Box::new(back),
        ] {
            for seen_before in [false, true] {
                let mut silence = Silence::new(START);
                if seen_before {
                    assert!(!silence.absent(PATIENCE, after(120)));
                }
                assert_eq!(silence.wait(PATIENCE, later(0)), Duration::ZERO);
                assert!(!silence.absent(PATIENCE, later(0)));
                assert_eq!(silence.wait(PATIENCE, later(0)), PATIENCE.after);
                assert!(!silence.absent(PATIENCE, later(31)));
                assert!(!silence.absent(PATIENCE, later(120)));
                assert!(silence.absent(PATIENCE, later(150)));
            }
        }
    }
}
