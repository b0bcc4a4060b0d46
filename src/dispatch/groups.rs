//! The pace of each group: the vendor takes forty messages a second for one group, whoever sends them.

use super::pace::nanoseconds;
use crate::delivery::backoff;
use crate::identity::{Digest, GroupId};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// Groups that were called lately. Whoever is called once in a while is not remembered.
#[derive(Debug, Default)]
pub(super) struct Groups {
    paces: HashMap<GroupId, GroupPace>,
    /// By the time they may be forgotten, as far as was known when they were noted.
    noted: VecDeque<(u64, GroupId)>,
    /// Groups that were too fast within the last second.
    too_fast: VecDeque<(u64, GroupId)>,
}

/// All in nanoseconds of the boot clock.
#[derive(Debug, Default)]
struct GroupPace {
    /// From here on a further call may be planned.
    free: u64,
    /// Calls that are prepared and have not gone out.
    prepared: u32,
    /// When it was last called.
    sent: Option<u64>,
    /// Not before, for it was too fast.
    held: u64,
    /// How often it was too fast in a row.
    rounds: u32,
}

/// Evenly spaced, a little slower than forty a second: calls that reach the vendor 20 ms closer together than they left
/// are still no more than forty.
const SPACING_NS: u64 = 26_200_000;
/// A group of which nothing was heard for so long is forgotten.
const KEPT_NS: u64 = 2_000_000_000;
/// Three groups that are too fast within a second mean the lane.
const LANE: usize = 3;
const SECOND_NS: u64 = 1_000_000_000;
const HELD_FIRST: Duration = Duration::from_secs(1);
const HELD_MAX: Duration = Duration::from_secs(30);

impl Groups {
    /// Plans a call and says when it may go out.
    pub(super) fn plan(&mut self, group: &GroupId, now_ns: u64) -> u64 {
        self.forget(now_ns);
        let pace = self.paces.entry(group.clone()).or_default();
        let at = pace.free.max(pace.held).max(now_ns);
        pace.free = at + SPACING_NS;
        let until = pace.free + KEPT_NS;
        self.noted.push_back((until, group.clone()));
        at
    }

    /// Prepares a call, unless it could not go out by `by_ns`: what was planned may have been held up since.
    pub(super) fn prepare(&mut self, group: &GroupId, now_ns: u64, by_ns: u64) -> bool {
        let next = self.may_send_ns(group).max(now_ns);
        let pace = self.paces.entry(group.clone()).or_default();
        let at = next + SPACING_NS * u64::from(pace.prepared);
        pace.free = pace.free.max(at);
        let is_in_time = at <= by_ns;
        pace.prepared += u32::from(is_in_time);
        is_in_time
    }

    /// A call that was prepared does not go out.
    pub(super) fn taken_back(&mut self, group: &GroupId, now_ns: u64) {
        self.prepared_no_more(group, now_ns);
    }

    fn prepared_no_more(&mut self, group: &GroupId, free_ns: u64) -> &mut GroupPace {
        let pace = self.paces.entry(group.clone()).or_default();
        pace.prepared = pace.prepared.saturating_sub(1);
        pace.free = pace.free.max(free_ns);
        self.noted.push_back((pace.free + KEPT_NS, group.clone()));
        pace
    }

    /// When a call that is ready may go out.
    pub(super) fn may_send_ns(&self, group: &GroupId) -> u64 {
        self.paces.get(group).map_or(0, |pace| {
            let spaced = pace.sent.map_or(0, |sent| sent + SPACING_NS);
            spaced.max(pace.held)
        })
    }

    pub(super) fn sent(&mut self, group: &GroupId, now_ns: u64) {
        let pace = self.prepared_no_more(group, now_ns + SPACING_NS);
        pace.sent = Some(now_ns);
    }

    /// A group was too fast. Returns whether the lane is.
    pub(super) fn too_fast(&mut self, group: &GroupId, now_ns: u64) -> bool {
        let pace = self.paces.entry(group.clone()).or_default();
        if now_ns >= pace.held {
            let draw = Digest::of("group", [group.as_str().as_bytes()]).first_32_bits();
            let wait = backoff(HELD_FIRST, pace.rounds, HELD_MAX, draw);
            pace.rounds += 1;
            pace.held = now_ns + nanoseconds(wait);
        }
        let until = pace.held + KEPT_NS;
        self.noted.push_back((until, group.clone()));
        self.too_fast.push_back((now_ns, group.clone()));
        let is_old = |each: &(u64, GroupId)| each.0 + SECOND_NS <= now_ns;
        while self.too_fast.front().is_some_and(is_old) {
            self.too_fast.pop_front();
        }
        let distinct: HashSet<&GroupId> = self.too_fast.iter().map(|each| &each.1).collect();
        distinct.len() >= LANE
    }

    /// A call to it passed.
    pub(super) fn passed(&mut self, group: &GroupId) {
        if let Some(pace) = self.paces.get_mut(group) {
            pace.rounds = 0;
        }
    }

    fn forget(&mut self, now_ns: u64) {
        while self.noted.front().is_some_and(|each| each.0 <= now_ns) {
            let Some((_, group)) = self.noted.pop_front() else {
                return;
            };
            let is_over = |pace: &GroupPace| {
                pace.prepared == 0 && pace.free.max(pace.held) + KEPT_NS <= now_ns
            };
            if self.paces.get(&group).is_some_and(is_over) {
                self.paces.remove(&group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> GroupId {
        GroupId::try_from(name).unwrap()
    }

    #[test]
    fn calls_to_one_group_are_planned_apart_and_to_others_at_once() {
        let mut groups = Groups::default();
        let busy: Vec<u64> = (0..100).map(|_| groups.plan(&group("a"), 7)).collect();
        assert_eq!(busy[0], 7);
        let in_a_second = busy.iter().filter(|at| **at < 7 + SECOND_NS).count();
        assert!((38..=39).contains(&in_a_second), "{in_a_second}");
        assert_eq!(groups.plan(&group("b"), 7), 7);
    }

    /// With what keeps those apart that wait together.
    fn about(wait_ns: u64) -> std::ops::RangeInclusive<u64> {
        wait_ns..=wait_ns + wait_ns / 4
    }

    #[test]
    fn a_group_that_was_too_fast_is_left_alone_for_longer_each_time() {
        let (mut groups, busy) = (Groups::default(), group("a"));
        assert!(!groups.too_fast(&busy, 0));
        assert!(
            !groups.too_fast(&busy, 1),
            "answers that come together count once"
        );
        let first = groups.may_send_ns(&busy);
        assert!(about(SECOND_NS).contains(&first), "{first}");
        groups.too_fast(&busy, first);
        let second = groups.plan(&busy, first);
        assert!(about(2 * SECOND_NS).contains(&(second - first)), "{second}");
        groups.passed(&busy);
        groups.too_fast(&busy, second);
        assert_eq!(groups.may_send_ns(&busy) - second, first);
    }

    #[test]
    fn three_groups_within_a_second_mean_the_lane() {
        let mut groups = Groups::default();
        let mut too_fast = |name, at| groups.too_fast(&group(name), at);
        assert!(!too_fast("a", 0));
        assert!(!too_fast("b", SECOND_NS));
        assert!(
            !too_fast("c", SECOND_NS + 1),
            "the first is over a second ago"
        );
        assert!(too_fast("d", SECOND_NS + 2));
    }

    #[test]
    fn groups_are_forgotten() {
        let mut groups = Groups::default();
        for number in 0..1_000_u64 {
            let group = group(&format!("g{number}"));
            groups.plan(&group, number * 5_000_000);
            groups.sent(&group, number * 5_000_000);
        }
        assert!(groups.paces.len() < 500, "{}", groups.paces.len());
    }
}
