//! Chance without a random number: the same seed and counter always draw the same.

use std::time::Duration;

/// What a draw is for, so that draws for different purposes do not move together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Fault = 1,
    Latency = 2,
    Delay = 3,
}

/// A number that looks uniform over all of `u64`.
pub(super) fn draw(seed: u64, purpose: Purpose, counter: u64) -> u64 {
    mix(mix(seed ^ (purpose as u64)).wrapping_add(counter))
}

/// One step of splitmix64.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A duration spread evenly over `middle` ± `spread`, and never below zero.
pub(super) fn spread(middle: Duration, spread: Duration, draw: u64) -> Duration {
    let spread_ns = u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX);
    let offset_ns = draw % spread_ns.saturating_mul(2).saturating_add(1);
    middle
        .saturating_add(Duration::from_nanos(offset_ns))
        .saturating_sub(spread)
}

/// A duration spread evenly over `from` to `to`.
pub(super) fn within(from: Duration, to: Duration, draw: u64) -> Duration {
    let width_ns = u64::try_from(to.saturating_sub(from).as_nanos()).unwrap_or(u64::MAX);
    from + Duration::from_nanos(draw % width_ns.saturating_add(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // The published first outputs for the state 0.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn a_spread_stays_within_its_bounds() {
        let (middle, width) = (Duration::from_millis(20), Duration::from_millis(5));
        for counter in 0..1_000 {
            let drawn = spread(middle, width, draw(1, Purpose::Latency, counter));
            assert!((15_000_000..=25_000_000).contains(&drawn.as_nanos()));
        }
        assert_eq!(spread(middle, Duration::ZERO, u64::MAX), middle);
        assert_eq!(spread(Duration::ZERO, width, 0), Duration::ZERO);
        for counter in 0..1_000 {
            let drawn = within(width, middle, draw(1, Purpose::Delay, counter));
            assert!(width <= drawn && drawn <= middle);
        }
        assert_eq!(within(middle, middle, u64::MAX), middle);
    }
}
