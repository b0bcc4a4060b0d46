//! The calls of the last second.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

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

/// The same window for each group, as far as it has been written to within the second.
#[derive(Debug, Default)]
pub(super) struct GroupWindow {
    instants: VecDeque<(u64, Arc<str>)>,
    counts: HashMap<Arc<str>, usize>,
}

impl GroupWindow {
    pub(super) fn count(&mut self, group: &str, at_ns: u64) -> usize {
        while self
            .instants
            .front()
            .is_some_and(|(old, _)| old.saturating_add(SECOND_NS) <= at_ns)
        {
            self.forget_oldest();
        }
        self.counts.get(group).copied().unwrap_or(0)
    }

    /// Adds an instant, one that is late where the latest is.
    pub(super) fn push(&mut self, group: &str, at_ns: u64) {
        if self.instants.len() == INSTANTS_MAX {
            self.forget_oldest();
        }
        let latest = self.instants.back().map_or(0, |(at_ns, _)| *at_ns);
        let known = self.counts.get_key_value(group);
        let group = known.map_or_else(|| Arc::from(group), |(group, _)| Arc::clone(group));
        *self.counts.entry(Arc::clone(&group)).or_default() += 1;
        self.instants.push_back((at_ns.max(latest), group));
    }

    fn forget_oldest(&mut self) {
        let Some((_, group)) = self.instants.pop_front() else {
            return;
        };
        match self.counts.get_mut(&group) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.counts.remove(&group);
            }
        }
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
        fn groups_do_not_affect_one_another(instants in instants(), groups in proptest::collection::vec(0_usize..3, 60)) {
            let mut together = GroupWindow::default();
            let mut apart = [Window::default(), Window::default(), Window::default()];
            for (&at, &group) in instants.iter().zip(&groups) {
                for (group, window) in apart.iter_mut().enumerate() {
                    prop_assert_eq!(together.count(&group.to_string(), at), window.count(at));
                }
                together.push(&group.to_string(), at);
                apart[group].push(at);
            }
            together.count("0", u64::MAX);
            prop_assert!(together.instants.is_empty() && together.counts.is_empty());
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
