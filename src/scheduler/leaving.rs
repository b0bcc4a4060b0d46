//! The end of a schedule: its file is gone, or names another schedule.
use super::campaign::{Campaign, Out, Phase, utc};
use super::due::Origin;
use super::wait::{JOURNAL_DEADLINE, Retry, Wait};
use super::{Cursor, Definition, Departure, Effect, EffectId, lateness};
use super::{Decided, Disposition, Reason};
use crate::identity::Moment;
use std::sync::Arc;

/// A schedule that ends. Before it does, every slot up to `since_ms` gets its state.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) since_ms: i64,
    pub(super) reason: Reason,
    then: Then,
    forget: Forget,
    /// The campaign has come back meanwhile.
    pub(super) returned: Option<Box<Definition>>,
}

#[derive(Debug)]
enum Then {
    Forget(Departure),
    Replace(Arc<Definition>),
}

#[derive(Debug)]
enum Forget {
    NotYet(Retry),
    Requested(Wait),
    Done,
}

impl Leaving {
    pub(super) fn departed(departure: Departure, now: Moment) -> Leaving {
        Leaving {
            since_ms: now.wall_ms,
            reason: lateness::departed(departure),
            then: Then::Forget(departure),
            forget: Forget::NotYet(Retry::default()),
            returned: None,
        }
    }

    pub(super) fn rescheduled(definition: Definition, now: Moment) -> Leaving {
        Leaving {
            since_ms: now.wall_ms,
            reason: Reason::ScheduleChanged,
            then: Then::Replace(Arc::new(definition)),
            forget: Forget::NotYet(Retry::default()),
            returned: None,
        }
    }

    pub(super) fn wait(&mut self) -> Option<&mut Wait> {
        match &mut self.forget {
            Forget::Requested(wait) => Some(wait),
            Forget::NotYet(_) | Forget::Done => None,
        }
    }

    /// `is_blocked`: something else comes first, which has an instant of its own.
    pub(super) fn wake_ns(&self, is_blocked: bool) -> Option<u64> {
        match &self.forget {
            Forget::Requested(wait) => Some(wait.until_ns()),
            Forget::NotYet(retry) if retry.at_ns() > 0 && !is_blocked => Some(retry.at_ns()),
            Forget::NotYet(_) | Forget::Done => None,
        }
    }

    pub(super) fn is_forgetting(&self, id: EffectId) -> bool {
        matches!(&self.forget, Forget::Requested(wait) if wait.id == id)
    }

    pub(super) fn forgotten(&mut self) {
        self.forget = Forget::Done;
    }

    pub(super) fn forget_failed(&mut self, now: Moment) {
        let mut retry = Retry::default();
        retry.failed(now);
        self.forget = Forget::NotYet(retry);
    }

    /// Whether nothing is left of the schedule.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.forget, Forget::Done)
    }

    /// Takes a newer definition of the campaign, or one that came back.
    pub(super) fn define(&mut self, definition: Definition) {
        match &mut self.then {
            Then::Replace(next) => *next = Arc::new(definition),
            Then::Forget(_) => self.returned = Some(Box::new(definition)),
        }
    }

    /// The campaign departs after all.
    pub(super) fn depart(&mut self, departure: Departure) {
        self.returned = None;
        self.then = Then::Forget(departure);
    }

    fn is_final(&self) -> bool {
        matches!(self.then, Then::Forget(_))
    }
}

impl Campaign {
    /// Takes the next step towards the end of the schedule.
    pub(super) fn leave(&mut self, out: &mut Out<'_>) {
        let Some(leaving) = &self.leaving else {
            return;
        };
        let (since_ms, reason) = (leaving.since_ms, leaving.reason.clone());
        let is_final = leaving.is_final();
        match &self.phase {
            Phase::Idle => {}
            // The run may be open by now; it is paused with the others.
            Phase::Due(due) if due.is_opening() => return,
            Phase::Due(due) if due.origin == Origin::Slot => {
                self.end_due(Disposition::Skipped, reason.clone(), out);
            }
            Phase::Ahead { .. } | Phase::Due(_) => self.drop_plan(out),
        }
        if self.has_passed_slots(utc(since_ms)) {
            return self.look(out);
        }
        if is_final {
            self.skip_waiting(&reason);
        }
        if self.records.is_behind() {
            return;
        }
        self.end_schedule(out);
    }

    /// Nothing of a schedule that is gone waits for its turn. What is held stays for the operator.
    fn skip_waiting(&mut self, reason: &Reason) {
        let skipped = self.waiting.iter().filter(|row| match row.disposition {
            Disposition::Queued | Disposition::Released => true,
            Disposition::Held | Disposition::Missed | Disposition::Skipped => false,
        });
        let skipped =
            skipped.map(|row| Decided::of(&row.occurrence, Disposition::Skipped, reason.clone()));
        let skipped: Vec<Decided> = skipped.collect();
        if !skipped.is_empty() {
            self.decide(skipped);
        }
    }

    fn end_schedule(&mut self, out: &mut Out<'_>) {
        let Some(leaving) = &mut self.leaving else {
            return;
        };
        match (&leaving.then, &leaving.forget) {
            (Then::Replace(next), _) => {
                let seen = Cursor {
                    seen_ms: leaving.since_ms.min(out.now.wall_ms),
                    decided_ms: leaving.since_ms.min(out.now.wall_ms),
                    gap_ms: None,
                };
                self.definition = Arc::clone(next);
                self.cursor = seen;
                self.leaving = None;
                self.records.needs_cursor();
                self.look_ahead(out.now);
            }
            (Then::Forget(departure), Forget::NotYet(retry)) if retry.is_due(out.now) => {
                let id = out.push(Effect::Forget {
                    key: self.definition.key.clone(),
                    departure: *departure,
                });
                leaving.forget = Forget::Requested(Wait::begin(id, JOURNAL_DEADLINE, out.now));
                self.changed_by = id;
            }
            (Then::Forget(_), Forget::NotYet(_) | Forget::Requested(_) | Forget::Done) => {}
        }
    }
}
