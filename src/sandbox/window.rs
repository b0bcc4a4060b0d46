//! The calls of the last second.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

const SECOND_NS: u64 = 1_000_000_000;

/// How long instants are kept: a call that is noticed late still lies in the second that it arrived in.
const KEPT_NS: u64 = 2 * SECOND_NS;

/// How many instants a window remembers; more than any machine can send in so short a time. Beyond it counts are a lower
/// bound.
const INSTANTS_MAX: usize = 1 << 20;

/// A sliding window of one second over instants of the boot clock, half-open: what happened exactly one second ago is
/// out. Instants need not come in their order: two calls may be noticed in another order than they arrived in.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Ascending.
    instants: VecDeque<u64>,
}

impl Window {
    /// How many instants lie within the second that ends at `at_ns`, itself included; or, where later ones are known
    /// already, in the fullest second that `at_ns` lies in.
    pub(super) fn count(&mut self, at_ns: u64) -> usize {
        self.forget(at_ns);
        let known = self.place(at_ns);
        let later = (known..self.instants.len()).map(|index| (self.instants[index], index + 1));
        std::iter::once((at_ns, known))
            .chain(later.take_while(|&(end_ns, _)| end_ns - at_ns < SECOND_NS))
            .map(|(end_ns, until)| until - self.begin(end_ns))
            .max()
            .unwrap_or(0)
    }

    pub(super) fn push(&mut self, at_ns: u64) {
        self.forget(at_ns);
        if self.instants.len() == INSTANTS_MAX {
            self.instants.pop_front();
        }
        self.instants.insert(self.place(at_ns), at_ns);
    }

    /// How many instants are no later.
    fn place(&self, at_ns: u64) -> usize {
        self.instants.partition_point(|&instant| instant <= at_ns)
    }

    /// How many instants are before the second that ends here.
    fn begin(&self, end_ns: u64) -> usize {
        let is_before = |&instant: &u64| instant.saturating_add(SECOND_NS) <= end_ns;
        self.instants.partition_point(is_before)
    }

    fn forget(&mut self, at_ns: u64) {
        while self.instants.front().is_some_and(|&old| is_old(old, at_ns)) {
            self.instants.pop_front();
        }
    }
}

/// The same window for each group, as far as it has been written to lately.
#[derive(Debug, Default)]
pub(super) struct GroupWindow {
    windows: HashMap<Arc<str>, Window>,
    /// Which windows to look into for what is to be forgotten, and when.
    instants: VecDeque<(u64, Arc<str>)>,
}

impl GroupWindow {
    pub(super) fn count(&mut self, group: &str, at_ns: u64) -> usize {
        while self
            .instants
            .front()
            .is_some_and(|(old, _)| is_old(*old, at_ns))
        {
            self.forget_oldest();
        }
        self.windows
            .get_mut(group)
            .map_or(0, |window| window.count(at_ns))
    }

    pub(super) fn push(&mut self, group: &str, at_ns: u64) {
        if self.instants.len() == INSTANTS_MAX {
            self.forget_oldest();
        }
        let known = self.windows.get_key_value(group);
        let group = known.map_or_else(|| Arc::from(group), |(group, _)| Arc::clone(group));
        self.windows
            .entry(Arc::clone(&group))
            .or_default()
            .push(at_ns);
        self.instants.push_back((at_ns, group));
    }

    fn forget_oldest(&mut self) {
        let Some((at_ns, group)) = self.instants.pop_front() else {
            return;
        };
        let is_over = |window: &Window| window.instants.back().is_none_or(|&last| last <= at_ns);
        if self.windows.get(&group).is_some_and(is_over) {
            self.windows.remove(&group);
        }
    }
}

fn is_old(instant_ns: u64, at_ns: u64) -> bool {
    instant_ns.saturating_add(KEPT_NS) <= at_ns
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
            prop_assert!(together.instants.is_empty() && together.windows.is_empty());
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
        fn an_instant_counts_where_it_happened_whenever_it_is_noticed(
            instants in instants(),
            lateness in proptest::collection::vec(0..SECOND_NS / 2, 60),
            rate in 1_usize..5,
        ) {
            let mut noticed: Vec<_> = instants.iter().zip(&lateness).map(|(at, late)| (at + late, *at)).collect();
            noticed.sort_unstable();
            let (mut window, mut executed) = (Window::default(), Vec::new());
            for (_, at) in noticed {
                let fullest = |known: &[u64]| {
                    let ends = known.iter().copied().chain([at]);
                    let ends = ends.filter(|&end| end >= at && end - at < SECOND_NS);
                    ends.map(|end| naive(known, end)).max().unwrap()
                };
                prop_assert_eq!(window.count(at), fullest(&executed));
                if window.count(at) < rate {
                    window.push(at);
                    executed.push(at);
                }
            }
            for &end in &executed {
                prop_assert!(naive(&executed, end) <= rate);
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
