//! The calls of the last second.

use std::collections::VecDeque;

const SECOND_NS: u64 = 1_000_000_000;

/// How many instants a window remembers; more than any machine can send in one second. Beyond it counts are a lower
/// bound.
const INSTANTS_MAX: usize = 1 << 20;

/// A sliding window of one second over instants of the boot clock, half-open: what happened exactly one second ago is
/// out.
#[derive(Debug, Default)]
pub(super) struct Window {
    instants: VecDeque<u64>,
}

impl Window {
    /// How many instants lie within the second that ends at `at_ns`, itself included.
    pub(super) fn count(&mut self, at_ns: u64) -> usize {
        while self
            .instants
            .front()
            .is_some_and(|&old| old.saturating_add(SECOND_NS) <= at_ns)
        {
            self.instants.pop_front();
        }
        self.instants.len()
    }

    /// Adds an instant. Two calls may reach the lock in the other order than they read the clock: the later one then
    /// counts from where the earlier did, microseconds off, so that time in here only moves forward.
    pub(super) fn push(&mut self, at_ns: u64) {
        if self.instants.len() == INSTANTS_MAX {
            self.instants.pop_front();
        }
        let latest = self.instants.back().copied().unwrap_or(0);
        self.instants.push_back(at_ns.max(latest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Steps that land on the edges of a second as often as beside them.
    fn instants() -> impl Strategy<Value = Vec<u64>> {
        let step = prop_oneof![
            0_u64..3,
            Just(SECOND_NS / 4),
            Just(SECOND_NS / 2),
            0..SECOND_NS,
            Just(SECOND_NS)
        ];
        proptest::collection::vec(step, 1..60).prop_map(|steps| {
            let sum = |at: &mut u64, step| {
                *at += step;
                Some(*at)
            };
            steps.into_iter().scan(0, sum).collect()
        })
    }

    fn naive(instants: &[u64], at: u64) -> usize {
        instants
            .iter()
            .filter(|&&instant| instant <= at && at - instant < SECOND_NS)
            .count()
    }

    proptest! {
        #[test]
        fn counts_like_a_naive_count(instants in instants()) {
            let mut window = Window::default();
            for (index, &at) in instants.iter().enumerate() {
                prop_assert_eq!(window.count(at), naive(&instants[..index], at));
                window.push(at);
            }
        }

        #[test]
        fn no_second_holds_more_than_the_rate(instants in instants(), rate in 1_usize..5) {
            let (mut window, mut executed) = (Window::default(), Vec::new());
            for at in instants {
                if window.count(at) < rate {
                    window.push(at);
                    executed.push(at);
                }
            }
            for &end in &executed {
                prop_assert!(naive(&executed, end) <= rate);
            }
        }

        #[test]
        fn late_instants_count_from_where_the_latest_is(instants in proptest::collection::vec(0..3 * SECOND_NS, 1..60)) {
            let (mut window, mut clamped) = (Window::default(), Vec::new());
            let mut latest = 0;
            for at in instants {
                latest = at.max(latest);
                window.push(at);
                clamped.push(latest);
                prop_assert_eq!(window.count(latest), naive(&clamped, latest));
            }
        }
    }

    #[test]
    fn exactly_one_second_ago_is_out() {
        let mut window = Window::default();
        window.push(5);
        assert_eq!(window.count(SECOND_NS + 4), 1);
        assert_eq!(window.count(SECOND_NS + 5), 0);
    }
}
