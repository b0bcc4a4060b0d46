//! How many deliveries stand where.

use super::State;

/// planned = accepted + refused + failed + skipped + unknown + pending, always; who is in flight is still pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub planned: u64,
    pub accepted: u64,
    pub refused: u64,
    pub failed: u64,
    pub skipped: u64,
    pub unknown: u64,
    pub pending: u64,
}

impl Counts {
    /// One more delivery that stands at `state`.
    pub fn add(&mut self, state: State) {
        self.planned += 1;
        *self.of(state) += 1;
    }

    /// A delivery went from one state to another.
    pub fn move_on(&mut self, from: State, to: State) {
        let from = self.of(from);
        *from = from.saturating_sub(1);
        *self.of(to) += 1;
    }

    fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Pending | State::InFlight => &mut self.pending,
            State::Accepted => &mut self.accepted,
            State::Refused => &mut self.refused,
            State::Failed => &mut self.failed,
            State::Skipped => &mut self.skipped,
            State::Unknown => &mut self.unknown,
        }
    }

    pub fn ended(&self) -> u64 {
        self.planned - self.pending
    }
}
