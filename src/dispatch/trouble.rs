//! Holding back while a lane fails, so that nobody hammers a server that is down or refuses.

use super::pace::nanoseconds;
use crate::channel::{Failure, Outcome, Scope};
use crate::delivery::backoff;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Trouble {
    /// So many answers in a row that delivered nothing are the lane's; fewer are the network's.
    patience: u32,
    /// What waits are spread by.
    seed: u32,
    /// Waits in a row that ended in trouble again.
    rounds: u32,
    /// Answers in a row that delivered nothing.
    in_vain: u32,
    /// When the present wait began: what was under way then has nothing new to tell.
    since_ns: u64,
    until_ns: u64,
}

/// What an outcome says about the lane.
enum Sign {
    Well,
    /// Nobody is there.
    Down,
    /// It delivered nothing; a single one means little.
    InVain,
    Nothing,
}

impl Trouble {
    const WAIT_FIRST: Duration = Duration::from_millis(500);
    const WAIT_MAX: Duration = Duration::from_secs(30);
    const PATIENCE: u32 = 16;
    const PATIENCE_MIN: u32 = 3;

    /// A lane of few calls has less patience.
    pub(super) fn new(limit: u32, seed: u32) -> Trouble {
        Trouble {
            patience: limit.clamp(Self::PATIENCE_MIN, Self::PATIENCE),
            seed,
            rounds: 0,
            in_vain: 0,
            since_ns: 0,
            until_ns: 0,
        }
    }

    /// A call that went out at `out_ns` came back.
    pub(super) fn learn(&mut self, outcome: &Outcome, out_ns: u64, now_ns: u64) {
        if self.rounds > 0 && out_ns < self.since_ns {
            return;
        }
        match sign(outcome) {
            Sign::Well => (self.rounds, self.in_vain) = (0, 0),
            Sign::Down => self.hold(now_ns),
            Sign::InVain => {
                self.in_vain += 1;
                if self.is_probing() || self.in_vain >= self.patience {
                    self.hold(now_ns);
                }
            }
            Sign::Nothing => {}
        }
    }

    fn hold(&mut self, now_ns: u64) {
        let wait = backoff(Self::WAIT_FIRST, self.rounds, Self::WAIT_MAX, self.seed);
        self.rounds += 1;
        self.since_ns = now_ns;
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
        Outcome::Failed(Failure::NoConnection, _) => Sign::Down,
        Outcome::Throttled(Scope::Lane, _)
        | Outcome::Failed(Failure::NotExecuted, _)
        | Outcome::Unknown(_) => Sign::InVain,
        Outcome::Failed(Failure::NotSent | Failure::Stop, _) => Sign::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Answer, Receipt};

    const SECOND: u64 = 1_000_000_000;

    fn down() -> Outcome {
        Outcome::Failed(Failure::NoConnection, Answer::none("refused"))
    }

    fn too_fast() -> Outcome {
        Outcome::Throttled(Scope::Lane, Answer::new(60_007, "too fast"))
    }

    fn well() -> Outcome {
        Outcome::Accepted(Receipt::default())
    }

    #[test]
    fn what_was_under_way_neither_lengthens_a_wait_nor_ends_it() {
        let mut trouble = Trouble::new(200, 1);
        trouble.learn(&down(), 0, SECOND);
        let until = trouble.until_ns();
        trouble.learn(&down(), SECOND - 1, SECOND + 1);
        trouble.learn(&well(), SECOND - 1, SECOND + 2);
        assert!(trouble.is_probing());
        assert_eq!(trouble.until_ns(), until);
        trouble.learn(&well(), until, until + 1);
        assert!(!trouble.is_probing());
    }

    #[test]
    fn waits_grow_while_probes_fail() {
        let mut trouble = Trouble::new(200, 1);
        let mut at = SECOND;
        let mut waits = Vec::new();
        for _ in 0..12 {
            trouble.learn(&down(), at, at + 1);
            waits.push(trouble.until_ns() - at - 1);
            at = trouble.until_ns();
        }
        assert!(waits[..6].is_sorted(), "{waits:?}");
        assert!((30 * SECOND..38 * SECOND).contains(&waits[11]), "{waits:?}");
    }

    #[test]
    fn a_single_answer_over_the_limit_holds_nothing_up() {
        let mut trouble = Trouble::new(200, 1);
        for round in 0..100 {
            trouble.learn(&too_fast(), round, round);
            trouble.learn(&well(), round, round);
        }
        assert!(!trouble.is_probing());
        (0..16).for_each(|at| trouble.learn(&too_fast(), 200 + at, 200 + at));
        assert!(trouble.is_probing());
        let mut broadcast = Trouble::new(1, 1);
        (0..3).for_each(|at| broadcast.learn(&too_fast(), at, at));
        assert!(broadcast.is_probing());
    }
}
