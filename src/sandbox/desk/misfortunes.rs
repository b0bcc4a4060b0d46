//! What goes wrong at the desk, and when the whole path does.

use super::super::answer::{Refusal, code};
use super::super::call::Call;
use super::super::chance::{Purpose, draw, within};
use super::super::faults::{Fault, Faults, Phase};
use super::{Desk, group_over_rate};
use crate::clock::Moment;
use std::time::Duration;

/// How long after it was asked for connecting is refused, so that the answer to asking gets through.
const REFUSAL_NOTICE: Duration = Duration::from_millis(100);

impl Desk {
    /// How long the next request is under way before it counts as arrived.
    pub(in crate::sandbox) fn next_delay(&mut self) -> Duration {
        let Some(delay) = self.manner.faults.delay else {
            return Duration::ZERO;
        };
        let chance = draw(self.manner.seed, Purpose::Delay, self.delays);
        self.delays += 1;
        within(delay.from, delay.to, chance)
    }

    pub(in crate::sandbox) fn faults(&self) -> &Faults {
        &self.manner.faults
    }

    /// What was asked for from now on counts from now on.
    pub(in crate::sandbox) fn replace_faults(&mut self, faults: Faults, now: Moment) {
        self.manner.faults = faults;
        self.faults_since = now;
    }

    /// Whether anything arrives or leaves.
    pub(in crate::sandbox) fn path(&self, now: Moment) -> Phase {
        let stall = self.manner.faults.stall_path;
        stall.map_or(Phase::Over, |stall| {
            stall.phase(self.faults_since.boot_ns, now.boot_ns)
        })
    }

    /// Whether connecting is refused.
    pub(in crate::sandbox) fn refusal(&self, now: Moment) -> Phase {
        let since = self.faults_since.plus(REFUSAL_NOTICE);
        let refuse = self.manner.faults.refuse;
        refuse.map_or(Phase::Over, |refuse| {
            refuse.phase(since.boot_ns, now.boot_ns)
        })
    }
}

/// The answer of a fault that keeps this call from taking effect, where it has one of its own.
pub(super) fn instead(fault: Fault, call: Call) -> Option<(Fault, Refusal)> {
    let refusal = match fault {
        Fault::GroupThrottle if call == Call::GroupMessage => group_over_rate(),
        Fault::InternalBefore => internal_error(),
        Fault::TimeoutBefore => backend_timeout(),
        Fault::Code(code) => Refusal::new(code, "as asked for"),
        _ => return None,
    };
    Some((fault, refusal))
}

/// The answer that a fault puts in the place of a success.
pub(super) fn afterwards(fault: Fault) -> Option<(Fault, Refusal)> {
    match fault {
        Fault::Internal => Some((fault, internal_error())),
        Fault::Timeout => Some((fault, backend_timeout())),
        _ => None,
    }
}

fn internal_error() -> Refusal {
    Refusal::new(code::INTERNAL, "internal error, please try again")
}

fn backend_timeout() -> Refusal {
    Refusal::new(code::BACKEND_TIMEOUT, "service timeout")
}
