//! What is added to the second for which a call keeps its slot, as far as the vendor's answers teach it.
//!
//! A path whose delay varies delivers calls closer together than they left. How far it varies on the way out cannot be
//! measured from here, so it is learnt: an answer over the limit widens the guard. A single one is a hiccup of some
//! machine; one soon after another is the path, and the guard grows by half each time. Back it goes slowly, and far
//! more slowly towards a width that has failed before.

/// All in nanoseconds.
#[derive(Debug)]
pub(super) struct Guard {
    present: u64,
    /// Narrower than this it failed lately.
    floor: u64,
    /// When it was last widened.
    widened: Option<u64>,
}

const MIN_NS: u64 = 3_000_000;
const MAX_NS: u64 = 50_000_000;
/// At least so much is added for a single answer over the limit, and an eighth of a wide guard.
const HICCUP_NS: u64 = 1_000_000;
/// What comes within this time has one cause.
const ONE_CAUSE_NS: u64 = 1_000_000_000;
/// A cause that comes again within this time is the path's.
const AGAIN_NS: u64 = 3_000_000_000;
/// Answers in time until most of the distance to the floor is gone, and to the least width.
const ANSWERS_TO_FLOOR: u64 = 2_000;
const ANSWERS_TO_LEAST: u64 = 500_000;

impl Default for Guard {
    fn default() -> Guard {
        Guard {
            present: MIN_NS,
            floor: MIN_NS,
            widened: None,
        }
    }
}

impl Guard {
    pub(super) fn ns(&self) -> u64 {
        self.present
    }

    /// The vendor counted more calls in a second than we did.
    pub(super) fn widen(&mut self, now_ns: u64) {
        let since = self.widened.map(|at| now_ns.saturating_sub(at));
        if since.is_some_and(|since| since < ONE_CAUSE_NS) {
            return;
        }
        let failed = self.present;
        let wider = if since.is_some_and(|since| since < AGAIN_NS) {
            failed + failed / 2
        } else {
            failed + HICCUP_NS.max(failed / 8)
        };
        self.present = wider.min(MAX_NS);
        self.floor = self.present;
        self.widened = Some(now_ns);
    }

    /// A call was answered and not too fast.
    pub(super) fn relax(&mut self) {
        self.floor -= (self.floor - MIN_NS) / ANSWERS_TO_LEAST;
        self.present -= (self.present.saturating_sub(self.floor)).div_ceil(ANSWERS_TO_FLOOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn one_cause_widens_once_and_a_hiccup_little() {
        let mut guard = Guard::default();
        (0..9).for_each(|each| guard.widen(SECOND + each));
        assert_eq!(guard.ns(), MIN_NS + HICCUP_NS);
        guard.widen(60 * SECOND);
        assert_eq!(guard.ns(), MIN_NS + 2 * HICCUP_NS);
    }

    #[test]
    fn a_path_that_varies_is_met_within_seconds_and_remembered_for_minutes() {
        let mut guard = Guard::default();
        (1..=6).for_each(|second| guard.widen(2 * second * SECOND));
        let met = guard.ns();
        assert!(met >= 20_000_000, "{met}");
        (0..12_000).for_each(|_| guard.relax());
        assert!(guard.ns() > met - met / 20, "{}", guard.ns());
        (0..2_000_000).for_each(|_| guard.relax());
        assert!(guard.ns() < MIN_NS + HICCUP_NS, "{}", guard.ns());
    }

    #[test]
    fn it_is_bounded() {
        let mut guard = Guard::default();
        (1..100).for_each(|second| guard.widen(2 * second * SECOND));
        assert_eq!(guard.ns(), MAX_NS);
    }
}
