//! Holding back while a lane fails, so that nobody hammers a server that is down or refuses.

use super::pace::nanoseconds;
use crate::channel::{Failure, Outcome, Scope};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Waits in a row that ended in trouble again.
    rounds: u32,
    /// Answers in a row that proved nothing.
    unproved: u32,
    until_ns: u64,
}

/// What an outcome says about the lane.
enum Sign {
    Well,
    /// Fails; the first wait.
    Ill(Duration),
    Unproved,
    Nothing,
}

impl Trouble {
    const NO_CONNECTION_WAIT: Duration = Duration::from_millis(500);
    const THROTTLED_WAIT: Duration = Duration::from_secs(1);
    const WAIT_MAX: Duration = Duration::from_secs(30);
    /// A few lost replies are the network's; so many in a row are the lane's.
    const UNPROVED_MAX: u32 = 16;

    pub(super) fn learn(&mut self, outcome: &Outcome, now_ns: u64) {
        match sign(outcome) {
            Sign::Well => *self = Trouble::default(),
            Sign::Ill(wait) => self.hold(wait, now_ns),
            Sign::Unproved => {
                self.unproved += 1;
                if self.unproved > Self::UNPROVED_MAX {
                    self.hold(Self::NO_CONNECTION_WAIT, now_ns);
                }
            }
            Sign::Nothing => {}
        }
    }

    /// Calls that fail together are one trouble.
    fn hold(&mut self, first: Duration, now_ns: u64) {
        if now_ns < self.until_ns {
            return;
        }
        let wait = first
            .saturating_mul(1 << self.rounds.min(10))
            .min(Self::WAIT_MAX);
        self.rounds += 1;
        self.until_ns = now_ns + nanoseconds(wait);
    }

    /// In trouble one call at a time finds out whether it is over.
    pub(super) fn is_probing(&self) -> bool {
        self.rounds > 0
    }

    pub(super) fn until_ns(&self) -> u64 {
        self.until_ns
    }
}

fn sign(outcome: &Outcome) -> Sign {
    match outcome {
        Outcome::Accepted(_) | Outcome::Refused(_) | Outcome::Throttled(Scope::Group, _) => {
            Sign::Well
        }
        Outcome::Throttled(Scope::Lane, _) => Sign::Ill(Trouble::THROTTLED_WAIT),
        Outcome::Failed(Failure::NoConnection, _) => Sign::Ill(Trouble::NO_CONNECTION_WAIT),
        Outcome::Failed(Failure::NotExecuted, _) | Outcome::Unknown(_) => Sign::Unproved,
        Outcome::Failed(Failure::NotSent | Failure::Stop, _) => Sign::Nothing,
    }
}
