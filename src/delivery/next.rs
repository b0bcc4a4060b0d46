//! What is to be done next about a delivery that has not ended.

use super::fold::{Generation, Verdict};
use super::{Delivery, End, EndReason, Patience, backoff};
use crate::channel::{Answer, Failure, Outcome, Scope};
use crate::identity::{Moment, Random};
use crate::settings::OnUnknown;
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
    /// Whether the channel has a deduplication at all, and a repetition of its message so cannot double it.
    pub deduplicates: bool,
    /// What becomes of a delivery that may have arrived.
    pub on_unknown: OnUnknown,
    /// Whether the group's history would hold it: [`crate::channel::Request::is_in_history`].
    pub can_look_up: bool,
    /// How long the history must not hold it.
    pub patience: Patience,
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
    /// A search of the group's history, after `wait`.
    LookUp {
        wait: Duration,
    },
    /// What may have arrived is left at that, so that it can be sent once more.
    Waive,
    End(End, EndReason),
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
        if *self.verdict() == Verdict::Absent && policy.on_unknown == OnUnknown::Hold {
            return unknown(EndReason::NotInHistory);
        }
        let is_refused = |generation: &Generation| generation.refused.is_some();
        if self.may_have_arrived() && self.generation().is_some_and(is_refused) {
            return unknown(EndReason::RepetitionRefused);
        }
        match self.last() {
            None => Next::Attempt {
                wait: Duration::ZERO,
            },
            Some(last) if self.counted() >= policy.attempts => self.used_up(last),
            Some(last) => Next::Attempt {
                wait: self.rest_of(self.wait_after(last), now),
            },
        }
    }

    /// The same for one that is never to be sent again, for its run was cancelled: what is open is settled as it would
    /// be with a vendor who could tell no repetition any more.
    pub fn next_cancelled(&self, policy: &Policy, now: Moment) -> Next {
        let in_doubt = || unknown(EndReason::CancelledUnresolved);
        let policy = Policy {
            resend_within: Duration::ZERO,
            ..*policy
        };
        match self.next(&policy, now) {
            Next::Attempt { .. } if self.may_have_arrived() => in_doubt(),
            Next::Attempt { .. } => Next::End(End::Skipped, EndReason::Cancelled),
            Next::Resend { .. }
            | Next::Waive
            | Next::End(End::Unknown, EndReason::NotDeduplicated) => in_doubt(),
            next => next,
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

    /// As long as the vendor can tell a repetition it is repeated, later looked for.
    fn while_open(&self, policy: &Policy, now: Moment) -> Next {
        let (Some(generation), Some(silence)) = (self.generation(), self.silence()) else {
            return Next::Nothing;
        };
        if let Verdict::Unclear(why) = self.verdict() {
            return unknown(EndReason::Unclear(why.clone()));
        }
        let is_refused = generation.refused.is_some();
        if let Some(wait) = self.resend_wait(policy, now).filter(|_| !is_refused) {
            return Next::Resend {
                generation: generation.number,
                random: generation.random,
                wait,
            };
        }
        if policy.can_look_up {
            let wait = silence.wait(policy.patience, now);
            return Next::LookUp { wait };
        }
        match self.last() {
            _ if is_refused => unknown(EndReason::RepetitionRefused),
            _ if policy.deduplicates && policy.resend_within.is_zero() => {
                unknown(EndReason::NotDeduplicated)
            }
            _ if policy.deduplicates => unknown(EndReason::DeduplicationOver),
            Some(last) if policy.on_unknown == OnUnknown::Resend => {
                if self.counted() >= policy.attempts {
                    self.used_up(last)
                } else {
                    Next::Waive
                }
            }
            _ => unknown(EndReason::NotDeduplicated),
        }
    }

    /// How long until the open generation may go out once more, if ever. Limited by time alone: its answer must come
    /// back while the vendor still remembers the `Random`.
    fn resend_wait(&self, policy: &Policy, now: Moment) -> Option<Duration> {
        let generation = self.generation()?;
        let wait = self.backoff(WAIT_FIRST, generation.open - 1);
        let wait = self.rest_of(wait, now);
        let done = now.age_of(generation.first_started)? + wait + policy.timeout;
        (done <= policy.resend_within).then_some(wait)
    }

    fn used_up(&self, last: &Outcome) -> Next {
        let end = if self.may_have_arrived() {
            End::Unknown
        } else {
            End::Failed
        };
        let reason = EndReason::AttemptsUsedUp {
            attempts: self.counted(),
            last: last.answer().cloned().unwrap_or(Answer::none("")),
        };
        Next::End(end, reason)
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
                self.backoff(WAIT_GROUP, self.counted().saturating_sub(1))
            }
            _ => self.backoff(WAIT_FIRST, self.counted().saturating_sub(1)),
        }
    }

    /// Deliveries that came back together do not go out together again: their `Random`s spread them.
    fn backoff(&self, first: Duration, rounds: u32) -> Duration {
        let draw = self.random().map_or(0, |random| random.0);
        backoff(first, rounds, WAIT_MAX, draw)
    }
}

fn unknown(reason: EndReason) -> Next {
    Next::End(End::Unknown, reason)
}
