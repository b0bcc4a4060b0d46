//! How long to wait before trying again.

use std::time::Duration;

/// Doubles from `first` with each round up to `max`. `draw` adds up to a quarter of it, so that those who failed
/// together do not come back together; the same draw adds the same.
pub fn backoff(first: Duration, rounds: u32, max: Duration, draw: u32) -> Duration {
    let wait = first.saturating_mul(1 << rounds.min(16)).min(max);
    wait + wait / 4 * (mixed(draw.wrapping_add(rounds)) & 0xFF) / 0xFF
}

/// Neighbouring numbers come out far apart: the finalizer of `MurmurHash3`.
fn mixed(number: u32) -> u32 {
    let number = (number ^ (number >> 16)).wrapping_mul(0x85EB_CA6B);
    let number = (number ^ (number >> 13)).wrapping_mul(0xC2B2_AE35);
    number ^ (number >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_cap_and_a_quarter() {
        let (first, max) = (Duration::from_secs(1), Duration::from_secs(30));
        for rounds in 0..40 {
            let plain = first.saturating_mul(1 << rounds.min(16)).min(max);
            for draw in 0..200 {
                let wait = backoff(first, rounds, max, draw);
                assert!((plain..=plain + plain / 4).contains(&wait), "{wait:?}");
                assert_eq!(wait, backoff(first, rounds, max, draw));
            }
        }
    }

    #[test]
    fn those_who_failed_together_come_back_apart() {
        let wait = |draw| backoff(Duration::from_secs(1), 0, Duration::from_secs(30), draw);
        let waits: std::collections::HashSet<Duration> = (0..200).map(wait).collect();
        assert!(waits.len() > 100, "{}", waits.len());
    }
}
