//! What is to be done next about a delivery that has not ended.

use super::{Delivery, End};
use crate::channel::{Failure, Outcome, Scope};
use crate::identity::{Moment, Random};
use std::time::Duration;

/// What a campaign and its lane say about trying again.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Attempts that may come back undelivered before a delivery has failed.
    pub attempts: u32,
    /// How long an attempt may take until its answer is given up.
    pub timeout: Duration,
    /// How long after a generation's first Started its `Random` still holds at the vendor, with margin. Zero where the
    /// channel has no deduplication.
    pub resend_within: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// The present attempt must come back first.
    Answer,
    /// A new generation, after `wait`.
    Attempt {
        wait: Duration,
    },
    /// The same generation once more, after `wait`.
    Resend {
        generation: u32,
        random: Random,
        wait: Duration,
    },
    End(End, String),
}

/// The first wait; each further one doubles.
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// A group's limit is counted per second.
const WAIT_GROUP: Duration = Duration::from_secs(1);

impl Delivery {
    pub fn next(&self, policy: &Policy, now: Moment) -> Next {
        if self.has_ended() {
            return Next::Nothing;
        }
        if self.on_wire().is_some() {
            return Next::Answer;
        }
        if self.is_open() {
            return self.while_open(policy, now);
        }
        match self.last() {
            None => Next::Attempt {
                wait: Duration::ZERO,
            },
            Some(last) if self.counted() >= policy.attempts => Next::End(
                End::Failed,
                format!(
                    "{} attempts used up; the last: {}",
                    self.counted(),
                    words(last)
                ),
            ),
            Some(last) => Next::Attempt {
                wait: self.rest_of(self.wait_after(last), now),
            },
        }
    }

    /// Whether a call that was prepared may still go out: one that repeats an open attempt must be answered while the
    /// vendor can tell it from a new message, however long it waited for its turn.
    pub fn may_still_go(&self, policy: &Policy, now: Moment) -> bool {
        let Some(generation) = self.generation().filter(|generation| generation.open > 0) else {
            return true;
        };
        let age = now.age_of(generation.first_started);
        age.is_some_and(|age| age + policy.timeout <= policy.resend_within)
    }

    /// Limited by time alone: as long as an answer can come back while the vendor still remembers the `Random`.
    fn while_open(&self, policy: &Policy, now: Moment) -> Next {
        let Some(generation) = self.generation() else {
            return Next::Nothing;
        };
        if generation.refused {
            let reason = "a repetition was refused, but an earlier attempt may have been delivered";
            return Next::End(End::Unknown, reason.to_owned());
        }
        let wait = self.rest_of(doubled(WAIT_FIRST, generation.open - 1), now);
        let again = now
            .age_of(generation.first_started)
            .map(|age| age + wait + policy.timeout);
        match again {
            Some(done) if done <= policy.resend_within => Next::Resend {
                generation: generation.number,
                random: generation.random,
                wait,
            },
            _ if policy.resend_within.is_zero() => Next::End(
                End::Unknown,
                "no answer, and the vendor would not tell a repetition from a new message"
                    .to_owned(),
            ),
            _ => Next::End(
                End::Unknown,
                "no answer while the vendor could still tell a repetition".to_owned(),
            ),
        }
    }

    /// What is left of a wait that began when the last attempt came back.
    fn rest_of(&self, wait: Duration, now: Moment) -> Duration {
        let waited = self
            .finished_at()
            .and_then(|since| now.age_of(since))
            .unwrap_or_default();
        wait.saturating_sub(waited)
    }

    fn wait_after(&self, last: &Outcome) -> Duration {
        match last {
            // The lane waits for these, not the delivery.
            Outcome::Throttled(Scope::Lane, _) => Duration::ZERO,
            Outcome::Failed(Failure::NotSent | Failure::NoConnection | Failure::Stop, _) => {
                Duration::ZERO
            }
            Outcome::Throttled(Scope::Group, _) => {
                doubled(WAIT_GROUP, self.counted().saturating_sub(1))
            }
            _ => doubled(WAIT_FIRST, self.counted().saturating_sub(1)),
        }
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(WAIT_MAX)
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(_) => "accepted".to_owned(),
        Outcome::Refused(answer)
        | Outcome::Throttled(_, answer)
        | Outcome::Failed(_, answer)
        | Outcome::Unknown(answer) => answer.to_string(),
    }
}
