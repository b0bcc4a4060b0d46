//! What round trip is usual on a lane.

use std::collections::VecDeque;

/// The last round trips, in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct RoundTrips {
    recent: VecDeque<u64>,
    sorted: Vec<u64>,
}

impl RoundTrips {
    const KEPT: usize = 256;
    /// Of twenty replies one is later than usual.
    const LATER_ONE_IN: usize = 20;

    pub(super) fn add(&mut self, round_trip_ns: u64) {
        if self.recent.len() == Self::KEPT
            && let Some(oldest) = self.recent.pop_front()
            && let Ok(at) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(at);
        }
        self.recent.push_back(round_trip_ns);
        let at = self.sorted.partition_point(|&each| each < round_trip_ns);
        self.sorted.insert(at, round_trip_ns);
    }

    /// The least: what a call takes that nothing holds up.
    pub(super) fn least_ns(&self) -> u64 {
        self.sorted.first().copied().unwrap_or(0)
    }

    /// The 95th percentile; `None` before the first reply.
    pub(super) fn usual_ns(&self) -> Option<u64> {
        let rank = (self.sorted.len() - self.sorted.len() / Self::LATER_ONE_IN).checked_sub(1)?;
        self.sorted.get(rank).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_is_the_95th_percentile_of_the_last_256() {
        let mut trips = RoundTrips::default();
        assert_eq!(trips.usual_ns(), None);
        (1..=100).for_each(|each| trips.add(each));
        assert_eq!(trips.usual_ns(), Some(95));
        (0..256).for_each(|_| trips.add(7));
        assert_eq!(trips.usual_ns(), Some(7));
    }
}
