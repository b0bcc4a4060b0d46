//! An occurrence on its way to a run: planned, then opened.
use super::campaign::{Campaign, Out, Phase};
use super::wait::{JOURNAL_DEADLINE, PLAN_DEADLINE, Retry, Wait};
use super::{Decided, Disposition, Reason};
use super::{Definition, Effect, EffectId, Fault, Notice, OpenResult, lateness};
use crate::identity::Moment;
use crate::schedule::Occurrence;
use crate::seeded_bug::SeededBug;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// An occurrence that is to be opened now.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) occurrence: Occurrence,
    pub(super) origin: Origin,
    step: Step,
    /// The last fault of the machine that kept it from being opened.
    fault: Option<String>,
    retry: Retry,
}

/// What made an occurrence due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Slot,
    /// Its turn in the queue, since when nothing is in the way.
    Queue {
        free: DateTime<Utc>,
    },
    Release,
}

#[derive(Debug)]
enum Step {
    Planning(Plan),
    Opening {
        plan: EffectId,
        wait: Wait,
    },
    /// The journal could not open it just now.
    OpenAgain {
        plan: EffectId,
    },
}

/// A plan that was requested.
#[derive(Debug)]
pub(super) enum Plan {
    Requested(Wait),
    Ready(EffectId),
    Failed(Retry),
}

impl Plan {
    pub(super) fn request(
        definition: &Arc<Definition>,
        occurrence: &Occurrence,
        (is_due, out): (bool, &mut Out<'_>),
    ) -> Plan {
        let id = out.push(Effect::Plan {
            definition: Arc::clone(definition),
            occurrence: occurrence.clone(),
            is_due,
        });
        Plan::Requested(Wait::begin(id, PLAN_DEADLINE, out.now))
    }

    pub(super) fn wait(&mut self) -> Option<&mut Wait> {
        match self {
            Plan::Requested(wait) => Some(wait),
            Plan::Ready(_) | Plan::Failed(_) => None,
        }
    }

    pub(super) fn id(&self) -> Option<EffectId> {
        match self {
            Plan::Requested(wait) => Some(wait.id),
            Plan::Ready(id) => Some(*id),
            Plan::Failed(_) => None,
        }
    }

    pub(super) fn retries_now(&self, now: Moment) -> bool {
        match self {
            Plan::Failed(retry) => retry.is_due(now),
            Plan::Requested(_) | Plan::Ready(_) => false,
        }
    }

    pub(super) fn wake_ns(&self) -> Option<u64> {
        match self {
            Plan::Requested(wait) => Some(wait.until_ns()),
            Plan::Failed(retry) => Some(retry.at_ns()),
            Plan::Ready(_) => None,
        }
    }
}

impl Due {
    pub(super) fn wait(&mut self) -> Option<&mut Wait> {
        match &mut self.step {
            Step::Planning(plan) => plan.wait(),
            Step::Opening { wait, .. } => Some(wait),
            Step::OpenAgain { .. } => None,
        }
    }

    pub(super) fn is_opening(&self) -> bool {
        matches!(self.step, Step::Opening { .. })
    }

    /// Whether it waits for the end of an effect that was cancelled.
    pub(super) fn is_ending(&self) -> bool {
        matches!(&self.step, Step::Opening { wait, .. } if wait.is_cancelled)
    }

    pub(super) fn plan(&self) -> Option<EffectId> {
        match &self.step {
            Step::Planning(plan) => plan.id(),
            Step::Opening { plan, .. } | Step::OpenAgain { plan } => Some(*plan),
        }
    }

    pub(super) fn wake_ns(&self) -> Option<u64> {
        match &self.step {
            Step::Planning(plan) => plan.wake_ns(),
            Step::Opening { wait, .. } => Some(wait.until_ns()),
            Step::OpenAgain { .. } => Some(self.retry.at_ns()),
        }
    }

    /// The latest instant at which it may be opened. For a released one that is counted from the release.
    pub(super) fn start_by(&self, definition: &Definition) -> Option<DateTime<Utc>> {
        let from = match self.origin {
            Origin::Slot => self.occurrence.at.to_utc(),
            Origin::Queue { free } => free,
            Origin::Release => return None,
        };
        from.checked_add_signed(chrono::TimeDelta::from_std(definition.schedule.start_within).ok()?)
    }
}

impl Campaign {
    /// Makes an occurrence due, with the plan that was made ahead for it if there is one.
    pub(super) fn begin(&mut self, occurrence: Occurrence, origin: Origin, out: &mut Out<'_>) {
        if let Some(invalid) = &self.definition.invalid {
            let why = invalid.clone();
            let reason = Reason::FileInvalid { why };
            self.drop_plan(out);
            return self.decide(vec![Decided::of(&occurrence, Disposition::Held, reason)]);
        }
        let plan = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Ahead {
                occurrence: ahead,
                plan,
            } if ahead == occurrence => Some(plan),
            other => {
                self.phase = other;
                self.drop_plan(out);
                None
            }
        };
        let step = match plan {
            Some(Plan::Ready(plan)) => Step::open(&self.definition, &occurrence, (plan, out)),
            Some(Plan::Requested(wait)) => {
                out.push(Effect::Urge { plan: wait.id });
                Step::Planning(Plan::Requested(wait))
            }
            Some(Plan::Failed(_)) | None => {
                Step::Planning(Plan::request(&self.definition, &occurrence, (true, out)))
            }
        };
        let due = Due {
            occurrence,
            origin,
            step,
            fault: None,
            retry: Retry::default(),
        };
        self.note_opening(&due);
        self.phase = Phase::Due(due);
    }

    fn note_opening(&mut self, due: &Due) {
        if let Step::Opening { wait, .. } = &due.step {
            self.changed_by = wait.id;
        }
    }

    /// Throws away what is planned; nothing is due any more.
    pub(super) fn drop_plan(&mut self, out: &mut Out<'_>) {
        let plan = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => None,
            Phase::Ahead { plan, .. } => plan.id(),
            Phase::Due(due) => due.plan(),
        };
        if let Some(plan) = plan {
            out.push(Effect::Drop { plan });
        }
    }

    pub(super) fn advance_due(&mut self, out: &mut Out<'_>) {
        let Phase::Due(due) = &mut self.phase else {
            return;
        };
        let is_late = due
            .start_by(&self.definition)
            .is_some_and(|by| by < out.utc());
        let paused = self.paused.filter(|_| due.origin != Origin::Release);
        if let Step::Opening { wait, .. } = &mut due.step {
            // The run may be open by now, which only the end of the effect tells.
            if is_late && !wait.is_cancelled {
                wait.cancel(out.now);
                let effect = wait.id;
                out.push(Effect::Cancel { effect });
            }
            return;
        }
        if let Some(by) = paused {
            let reason = Reason::CampaignPaused { by };
            return self.end_due(Disposition::Skipped, reason, out);
        }
        if let Some(invalid) = &self.definition.invalid {
            let why = invalid.clone();
            let reason = Reason::FileInvalid { why };
            return self.end_due(Disposition::Held, reason, out);
        }
        let is_overlooked = SeededBug::LatenessAfterPlanning.is_active()
            || SeededBug::PlanReplacedByNext.is_active();
        if is_late && !is_overlooked {
            return self.miss(out);
        }
        match &due.step {
            Step::Planning(plan) if plan.retries_now(out.now) => {
                let plan = Plan::request(&self.definition, &due.occurrence, (true, out));
                due.step = Step::Planning(plan);
            }
            Step::OpenAgain { plan } if due.retry.is_due(out.now) => {
                let plan = *plan;
                due.step = Step::open(&self.definition, &due.occurrence, (plan, out));
                if let Some(wait) = due.wait() {
                    self.changed_by = wait.id;
                }
            }
            Step::Planning(_) | Step::OpenAgain { .. } | Step::Opening { .. } => {}
        }
    }

    fn miss(&mut self, out: &mut Out<'_>) {
        let Phase::Due(due) = &self.phase else {
            return;
        };
        let reason = lateness::not_opened(due.fault.as_deref());
        self.end_due(Disposition::Missed, reason, out);
    }

    /// The occurrence is not opened. Whatever is planned of it is thrown away.
    pub(super) fn end_due(&mut self, disposition: Disposition, reason: Reason, out: &mut Out<'_>) {
        let Phase::Due(due) = &self.phase else {
            return;
        };
        let decided = Decided::of(&due.occurrence, disposition, reason);
        // A failure to open it may have come after the commit.
        self.is_unsure |= matches!(due.step, Step::Opening { .. } | Step::OpenAgain { .. });
        self.drop_plan(out);
        self.freed_ms = Some(out.now.wall_ms);
        self.decide(vec![decided]);
    }

    /// The files changed: a plan that is not being opened is made again.
    pub(super) fn replan(&mut self, out: &mut Out<'_>) {
        match &mut self.phase {
            Phase::Idle => {}
            Phase::Ahead { .. } => self.drop_plan(out),
            Phase::Due(due) if due.is_opening() => {}
            Phase::Due(due) => {
                if let Some(plan) = due.plan() {
                    out.push(Effect::Drop { plan });
                }
                let plan = Plan::request(&self.definition, &due.occurrence, (true, out));
                due.step = Step::Planning(plan);
            }
        }
    }

    /// Takes the answer to a plan. Returns `false` if the campaign does not wait for it.
    pub(super) fn planned(
        &mut self,
        (id, planned): (EffectId, Result<u64, Fault>),
        out: &mut Out<'_>,
    ) -> bool {
        match &mut self.phase {
            Phase::Ahead { plan, .. } if is_requested(plan, id) => {
                self.planned_ahead((id, planned), out);
                true
            }
            Phase::Due(Due {
                step: Step::Planning(plan),
                ..
            }) if is_requested(plan, id) => {
                self.planned_due((id, planned), out);
                true
            }
            Phase::Idle | Phase::Ahead { .. } | Phase::Due(_) => false,
        }
    }

    fn planned_ahead(&mut self, (id, planned): (EffectId, Result<u64, Fault>), out: &mut Out<'_>) {
        let Phase::Ahead { occurrence, plan } = &mut self.phase else {
            return;
        };
        let is_cancelled = plan.wait().is_some_and(|wait| wait.is_cancelled);
        match planned {
            Ok(_) if is_cancelled => {
                out.push(Effect::Drop { plan: id });
                *plan = Plan::request(&self.definition, occurrence, (false, out));
            }
            Ok(planned) => {
                *plan = Plan::Ready(id);
                let occurrence = occurrence.clone();
                self.planning_recovered(out);
                out.push(Effect::Notify(Notice::Planned {
                    campaign: self.name().clone(),
                    occurrence,
                    planned,
                }));
            }
            Err(Fault::Author(why)) => self.ahead_failed(why, out),
            Err(Fault::Machine(_) | Fault::Dropped) => {
                let mut retry = Retry::default();
                retry.failed(out.now);
                *plan = Plan::Failed(retry);
            }
        }
    }

    fn planned_due(&mut self, (id, planned): (EffectId, Result<u64, Fault>), out: &mut Out<'_>) {
        let Phase::Due(due) = &mut self.phase else {
            return;
        };
        let is_cancelled = due.wait().is_some_and(|wait| wait.is_cancelled);
        match planned {
            Ok(_) if is_cancelled => {
                out.push(Effect::Drop { plan: id });
                let plan = Plan::request(&self.definition, &due.occurrence, (true, out));
                due.step = Step::Planning(plan);
            }
            Ok(_) => {
                due.step = Step::open(&self.definition, &due.occurrence, (id, out));
                if let Some(wait) = due.wait() {
                    self.changed_by = wait.id;
                }
                self.planning_recovered(out);
            }
            Err(Fault::Author(why)) => self.end_due(Disposition::Held, why, out),
            Err(Fault::Machine(why)) => {
                due.retry.failed(out.now);
                due.fault = Some(why);
                due.step = Step::Planning(Plan::Failed(due.retry));
            }
            Err(Fault::Dropped) if SeededBug::PlanReplacedByNext.is_active() => {}
            Err(Fault::Dropped) => {
                let plan = Plan::request(&self.definition, &due.occurrence, (true, out));
                due.step = Step::Planning(plan);
            }
        }
    }

    /// Renews the deadline of a plan that is under way.
    pub(super) fn plan_alive(&mut self, id: EffectId, now: Moment) {
        let plan = match &mut self.phase {
            Phase::Ahead { plan, .. }
            | Phase::Due(Due {
                step: Step::Planning(plan),
                ..
            }) => plan,
            Phase::Idle | Phase::Due(_) => return,
        };
        if let Some(wait) = plan
            .wait()
            .filter(|wait| wait.id == id && !wait.is_cancelled)
        {
            wait.renew(now);
        }
    }

    pub(super) fn is_opening(&self, id: EffectId) -> bool {
        matches!(&self.phase, Phase::Due(Due { step: Step::Opening { wait, .. }, .. }) if wait.id == id)
    }

    /// Takes the answer to the opening that the campaign waits for.
    pub(super) fn opened(&mut self, result: OpenResult, out: &mut Out<'_>) {
        let is_late = matches!(&self.phase, Phase::Due(due)
            if due.start_by(&self.definition).is_some_and(|by| by < out.utc()));
        let Phase::Due(due) = &mut self.phase else {
            return;
        };
        let Step::Opening { plan, .. } = due.step else {
            return;
        };
        match result {
            OpenResult::Opened { run } => {
                let occurrence = due.occurrence.clone();
                self.phase = Phase::Idle;
                self.waiting.retain(|row| row.occurrence != occurrence);
                self.open_runs.push(run);
                self.freed_ms = None;
                self.records.needs_cursor();
            }
            OpenResult::AlreadyOpened => {
                let occurrence = due.occurrence.clone();
                self.waiting.retain(|row| row.occurrence != occurrence);
                self.drop_plan(out);
                self.is_unsure = true;
                self.records.needs_cursor();
            }
            OpenResult::Outdated if is_late => self.miss(out),
            OpenResult::Outdated => {
                out.push(Effect::Drop { plan });
                out.push(Effect::Notify(Notice::Replanned {
                    campaign: self.definition.key.campaign.clone(),
                    occurrence: due.occurrence.clone(),
                }));
                let plan = Plan::request(&self.definition, &due.occurrence, (true, out));
                due.step = Step::Planning(plan);
            }
            OpenResult::Failed(why) => {
                due.fault = Some(why);
                due.retry.failed(out.now);
                due.step = Step::OpenAgain { plan };
                if is_late {
                    self.miss(out);
                }
            }
        }
    }
}

impl Step {
    fn open(
        definition: &Definition,
        occurrence: &Occurrence,
        (plan, out): (EffectId, &mut Out<'_>),
    ) -> Step {
        let id = out.push(Effect::Open {
            key: definition.key.clone(),
            occurrence: occurrence.clone(),
            plan,
        });
        let wait = Wait::begin(id, JOURNAL_DEADLINE, out.now);
        Step::Opening { plan, wait }
    }
}

fn is_requested(plan: &Plan, id: EffectId) -> bool {
    matches!(plan, Plan::Requested(wait) if wait.id == id)
}
