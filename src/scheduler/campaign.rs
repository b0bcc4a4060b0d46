//! The state of one scheduled campaign.
use super::due::{Due, Origin, Plan};
use super::leaving::Leaving;
use super::records::Records;
use super::wait::{JOURNAL_DEADLINE, Retry, Wait};
use super::{Civil, Decided, Disposition, PausedBy, Reason};
use super::{
    Cursor, Definition, Effect, EffectId, JournalView, Notice, OpenResult, OpenRun, Waiting,
    lateness, passed,
};
use crate::identity::{CampaignName, Moment, RunName};
use crate::schedule::{Occurrence, Slot};
use crate::seeded_bug::SeededBug;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How long before its slot a plan is made. At its slot the plan is due, so this and `start_within` bound its life.
const AHEAD: TimeDelta = TimeDelta::minutes(10);
/// Steps that follow from each other at once, such as an occurrence that leaves the queue to the next one in it.
const STEPS_MAX: usize = 8;
/// How long after a failure a plan is tried again before its slot.
const AHEAD_RETRY_NS: u64 = 60_000_000_000;

/// A campaign with a schedule.
#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) definition: Arc<Definition>,
    pub(super) cursor: Cursor,
    /// The first slot behind the cursor.
    slot_at: Option<DateTime<Utc>>,
    /// The next firing, as of the last decision.
    pub(super) next: Option<Occurrence>,
    pub(super) phase: Phase,
    /// Whether its schedule is paused.
    pub(super) paused: Option<PausedBy>,
    /// Its occurrences that wait in the journal, the earliest first.
    pub(super) waiting: Vec<Waiting>,
    /// The names of its runs that have not ended.
    pub(super) open_runs: Vec<RunName>,
    /// Since when nothing of it is open, as far as this process saw the end of it.
    pub(super) freed_ms: Option<i64>,
    look: Option<Look>,
    /// A run may be open that no snapshot has shown: whether it was opened is not known, or another process opened it.
    pub(super) is_unsure: bool,
    /// The backoff of looks that failed.
    look_retry: Retry,
    pub(super) records: Records,
    pub(super) leaving: Option<Leaving>,
    /// The last effect on the journal that changes what a snapshot shows of it.
    pub(super) changed_by: EffectId,
    pub(super) ahead_failure: Option<AheadFailure>,
}

/// The phase of a campaign.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing is due, and nothing is planned.
    Idle,
    /// The next occurrence is planned before its slot.
    Ahead { occurrence: Occurrence, plan: Plan },
    /// An occurrence is to be opened now.
    Due(Due),
}

/// A failure to plan ahead, which no operator needs to act on before the slot.
#[derive(Debug)]
pub(super) struct AheadFailure {
    pub(super) why: Reason,
    retry_ns: u64,
}

/// A reading of the occurrences that have their states.
#[derive(Debug)]
enum Look {
    Requested(Wait),
    Failed,
}

/// The context of one step: the time, and where effects go.
#[derive(Debug)]
pub(super) struct Out<'a> {
    pub(super) now: Moment,
    pub(super) last_id: &'a mut u64,
    pub(super) effects: &'a mut Vec<(EffectId, Effect)>,
    /// Whether another plan may be made ahead of its slot.
    pub(super) has_room: bool,
}

impl Out<'_> {
    pub(super) fn push(&mut self, effect: Effect) -> EffectId {
        *self.last_id += 1;
        let id = EffectId(*self.last_id);
        self.effects.push((id, effect));
        id
    }

    pub(super) fn utc(&self) -> DateTime<Utc> {
        utc(self.now.wall_ms)
    }
}

pub(super) fn utc(wall_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(wall_ms).unwrap_or_default()
}

impl Campaign {
    pub(super) fn new(definition: Definition, cursor: Option<Cursor>, now: Moment) -> Campaign {
        let now_ms = if SeededBug::PastFires.is_active() {
            0
        } else {
            now.wall_ms
        };
        let seen = Cursor {
            seen_ms: now_ms,
            decided_ms: now_ms,
            gap_ms: None,
        };
        let mut campaign = Campaign {
            definition: Arc::new(definition),
            cursor: cursor.unwrap_or(seen),
            slot_at: None,
            next: None,
            phase: Phase::Idle,
            paused: None,
            waiting: Vec::new(),
            open_runs: Vec::new(),
            freed_ms: None,
            look: None,
            is_unsure: false,
            look_retry: Retry::default(),
            records: Records::default(),
            leaving: None,
            changed_by: EffectId::default(),
            ahead_failure: None,
        };
        campaign.records.needs_cursor();
        campaign.look_ahead(now);
        campaign
    }

    pub(super) fn name(&self) -> &CampaignName {
        &self.definition.key.campaign
    }

    pub(super) fn run_name(&self, occurrence: &Occurrence) -> RunName {
        RunName {
            campaign: self.name().clone(),
            local: occurrence.local(),
            ordinal: 1,
            test: false,
        }
    }

    pub(super) fn decided_until(&self) -> DateTime<Utc> {
        utc(self.cursor.decided_ms)
    }

    /// Takes every step that is possible now.
    pub(super) fn advance(&mut self, out: &mut Out<'_>) {
        self.expire(out);
        self.rewind(out);
        for _ in 0..STEPS_MAX {
            let before = self.progress();
            if self.leaving.is_some() {
                self.leave(out);
            } else {
                self.start_waiting(out);
                self.look(out);
                self.advance_due(out);
                self.plan_ahead(out);
            }
            if self.progress() == before {
                break;
            }
        }
        self.record(out);
    }

    /// Differs after a step that may make another one possible.
    fn progress(&self) -> (usize, bool, Option<EffectId>, bool) {
        let is_due = self.is_due();
        (
            self.waiting.len(),
            self.leaving.is_some(),
            self.plan_id(),
            is_due,
        )
    }

    fn expire(&mut self, out: &mut Out<'_>) {
        let now = out.now;
        let plan_or_open = match &mut self.phase {
            Phase::Idle => None,
            Phase::Ahead { plan, .. } => plan.wait().and_then(|wait| wait.expire(now)),
            Phase::Due(due) => due.wait().and_then(|wait| wait.expire(now)),
        };
        if let Some(id) = plan_or_open {
            let is_open = matches!(&self.phase, Phase::Due(due) if due.is_opening());
            out.push(if is_open {
                Effect::Cancel { effect: id }
            } else {
                Effect::Drop { plan: id }
            });
        }
        let look = match &mut self.look {
            Some(Look::Requested(wait)) => Some(wait),
            Some(Look::Failed) | None => None,
        };
        let record = self.records.wait();
        let forget = self.leaving.as_mut().and_then(Leaving::wait);
        for wait in [look, record, forget].into_iter().flatten() {
            if let Some(effect) = wait.expire(now) {
                out.push(Effect::Cancel { effect });
            }
        }
    }

    /// Goes back with a clock that went back: what it passed while it was ahead may still be due. The states that were
    /// decided in time stay, since a look finds them.
    fn rewind(&mut self, out: &mut Out<'_>) {
        let now_ms = out.now.wall_ms;
        // Its end was seen by a clock ahead of this one. With that end the cursor would go forward again at every look.
        if let Some(leaving) = &mut self.leaving {
            leaving.since_ms = leaving.since_ms.min(now_ms);
        }
        if self.cursor.decided_ms <= now_ms {
            return;
        }
        let within = self.definition.schedule.start_within;
        let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        self.cursor.seen_ms = self.cursor.seen_ms.min(now_ms);
        self.cursor.decided_ms = if SeededBug::RewindsToNow.is_active() {
            now_ms
        } else {
            // Nothing older gets a state now, however wrong the clock was.
            let oldest_ms = (utc(now_ms) - passed::AWAY_MAX).timestamp_millis();
            let gap_ms = self.cursor.gap_ms.take().filter(|gap| *gap > oldest_ms);
            let late_ms = now_ms.saturating_sub(within_ms);
            let from_ms = gap_ms.map_or(late_ms, |gap| gap.min(late_ms));
            from_ms.max(self.cursor.seen_ms)
        };
        self.records.withdraw(out.utc());
        // One that was read before may include states that have been withdrawn since.
        self.look = None;
        if let Phase::Due(due) = &self.phase
            && due.origin != Origin::Release
            && !due.is_opening()
            && due.occurrence.at > out.utc()
        {
            // An occurrence from the queue goes on waiting there.
            self.drop_plan(out);
        }
        self.look_ahead(out.now);
    }

    /// Makes an occurrence due again whose state was withdrawn.
    pub(super) fn rewind_before(&mut self, at_ms: i64, now: Moment) {
        let before_ms = at_ms.saturating_sub(1).max(self.cursor.seen_ms);
        self.cursor.decided_ms = self.cursor.decided_ms.min(before_ms);
        self.look = None;
        self.look_ahead(now);
    }

    /// Finds the next slots. To be called whenever the cursor or the schedule has changed.
    pub(super) fn look_ahead(&mut self, now: Moment) {
        let schedule = &self.definition.schedule;
        let first = schedule.slots(self.decided_until()).next();
        self.slot_at = first.map(|slot| slot.at().to_utc());
        let next = schedule.slots(utc(now.wall_ms)).find_map(Slot::firing);
        let next = next.as_ref().map(Occurrence::of);
        if next != self.next {
            self.next = next;
            self.records.needs_cursor();
        }
    }

    pub(super) fn has_passed_slots(&self, now: DateTime<Utc>) -> bool {
        self.slot_at.is_some_and(|at| at <= now)
    }

    /// Reads which of the slots that have passed have their states.
    pub(super) fn look(&mut self, out: &mut Out<'_>) {
        let is_free = match &self.look {
            None => true,
            Some(Look::Failed) => self.look_retry.is_due(out.now),
            Some(Look::Requested(_)) => false,
        };
        if !is_free {
            return;
        }
        self.look = None;
        if !self.has_passed_slots(out.utc()) && !self.is_unsure {
            return;
        }
        let zone = self.definition.schedule.zone();
        // A clock may have been put back since: civil times are read from a day before.
        let from = self.decided_until().with_timezone(&zone).naive_local() - TimeDelta::days(1);
        let key = self.definition.key.clone();
        let id = out.push(Effect::Look { key, zone, from });
        self.look = Some(Look::Requested(Wait::begin(id, JOURNAL_DEADLINE, out.now)));
    }

    pub(super) fn is_looking(&self, id: EffectId) -> bool {
        matches!(&self.look, Some(Look::Requested(wait)) if wait.id == id)
    }

    pub(super) fn look_failed(&mut self, now: Moment) {
        self.look_retry.failed(now);
        self.look = Some(Look::Failed);
    }

    /// Decides about the slots that have passed, with what the journal has of them and of open runs.
    pub(super) fn looked(
        &mut self,
        (id, taken, open): (EffectId, &BTreeSet<Civil>, Vec<RunName>),
        out: &mut Out<'_>,
    ) {
        self.look = None;
        // The unsure opening may be newer than this look. Only a later look tells.
        if self.is_unsure && self.changed_by > id {
            return;
        }
        self.is_unsure = false;
        if self.changed_by < id {
            self.open_runs = open;
        }
        self.look_retry = Retry::default();
        if let Some(leaving) = &self.leaving {
            let until = (utc(leaving.since_ms), &leaving.reason);
            let decided = passed::skip_all(self, taken, until);
            self.cursor.decided_ms = leaving.since_ms.max(self.cursor.decided_ms);
            self.decide(decided);
            self.look_ahead(out.now);
            return;
        }
        let passed = passed::decide(self, taken, out.utc());
        if self.decided_until() < out.utc() - passed::AWAY_MAX {
            let gap_ms = self.cursor.decided_ms;
            self.cursor.gap_ms.get_or_insert(gap_ms);
        }
        self.cursor.decided_ms = out.now.wall_ms;
        self.look_ahead(out.now);
        self.decide(passed.decided);
        match passed.start {
            Some(occurrence) => self.begin(occurrence, Origin::Slot, out),
            None if matches!(&self.phase, Phase::Ahead { occurrence, .. } if occurrence.at <= out.utc()) =>
            {
                self.drop_plan(out);
            }
            None => {}
        }
    }

    /// Takes decisions into the state. They are recorded next.
    pub(super) fn decide(&mut self, decided: Vec<Decided>) {
        for each in &decided {
            let key = &self.definition.key;
            self.waiting
                .retain(|row| Civil::of(&row.occurrence) != each.civil);
            match each.disposition {
                Disposition::Missed | Disposition::Skipped => {}
                Disposition::Held | Disposition::Queued | Disposition::Released => {
                    self.waiting.push(Waiting {
                        key: key.clone(),
                        occurrence: Occurrence {
                            at: each.at,
                            fold: each.civil.fold,
                        },
                        disposition: each.disposition,
                        free_ms: None,
                    });
                }
            }
        }
        self.records.add(decided);
    }

    /// Whether the occurrence has its state, or is being opened.
    pub(super) fn has(&self, civil: Civil) -> bool {
        let is_it = |occurrence: &Occurrence| Civil::of(occurrence) == civil;
        let is_due = matches!(&self.phase, Phase::Due(due) if is_it(&due.occurrence));
        is_due || self.waiting.iter().any(|row| is_it(&row.occurrence)) || self.records.has(civil)
    }

    /// Names what keeps another occurrence from being opened: a run, an occurrence that is held, or one that is due.
    pub(super) fn open(&self) -> Option<RunName> {
        let is_kept = |row: &&Waiting| match row.disposition {
            Disposition::Held | Disposition::Released => true,
            Disposition::Missed | Disposition::Skipped | Disposition::Queued => false,
        };
        let kept = self.waiting.iter().find(is_kept);
        let kept = kept.map(|row| self.run_name(&row.occurrence));
        let due = match &self.phase {
            Phase::Due(due) => Some(self.run_name(&due.occurrence)),
            Phase::Idle | Phase::Ahead { .. } => None,
        };
        self.open_runs.first().cloned().or(kept).or(due)
    }

    /// Whether an occurrence waits in the queue that is not being opened.
    pub(super) fn is_queue_full(&self) -> bool {
        let is_due = |row: &Waiting| matches!(&self.phase, Phase::Due(due) if due.occurrence == row.occurrence);
        let mut waiting = self.waiting.iter();
        waiting.any(|row| row.disposition == Disposition::Queued && !is_due(row))
    }

    /// Takes a snapshot of the journal in, unless this machine has requested a change since.
    pub(super) fn see(
        &mut self,
        view: &JournalView,
        (waiting, open): (Vec<Waiting>, Vec<&OpenRun>),
        now: Moment,
    ) {
        let mut paused = view.paused.iter();
        let paused = paused.find(|(campaign, _)| campaign == self.name());
        self.paused = paused.map(|(_, by)| *by);
        if self.changed_by > view.upto || self.records.is_behind() {
            return;
        }
        let was_open = self.is_occupied();
        let was_held = self.first_waiting(Disposition::Held).is_some();
        self.waiting = waiting;
        self.waiting.sort_by_key(|row| row.occurrence.at);
        self.open_runs = open.into_iter().map(|run| run.name.clone()).collect();
        if was_open && !self.is_occupied() {
            // What was held is in nobody's way since now; a run ended when the journal says so.
            let ended_ms = self.waiting.iter().filter_map(|row| row.free_ms).max();
            let ended_ms = ended_ms.filter(|_| !was_held);
            self.freed_ms = Some(ended_ms.unwrap_or(now.wall_ms));
        }
    }

    /// Whether a snapshot may find less of it than is known.
    pub(super) fn is_seen(&self) -> bool {
        !self.waiting.is_empty() || !self.open_runs.is_empty() || self.paused.is_some()
    }

    pub(super) fn is_due(&self) -> bool {
        matches!(self.phase, Phase::Due(_))
    }

    pub(super) fn is_ahead(&self) -> bool {
        matches!(self.phase, Phase::Ahead { .. })
    }

    pub(super) fn forgotten(&mut self, id: EffectId) {
        let leaving = self.leaving.as_mut();
        if let Some(leaving) = leaving.filter(|leaving| leaving.is_forgetting(id)) {
            leaving.forgotten();
        }
    }

    /// An effect on the journal failed: it is requested again after a pause.
    pub(super) fn failed(&mut self, id: EffectId, why: String, out: &mut Out<'_>) {
        if self.is_opening(id) {
            self.opened(OpenResult::Failed(why), out);
        } else if self.is_looking(id) {
            self.look_failed(out.now);
        } else if self.records.is_recording(id) {
            self.records.failed(out.now);
        } else if let Some(leaving) = &mut self.leaving
            && leaving.is_forgetting(id)
        {
            leaving.forget_failed(out.now);
        }
    }

    /// The plan that it waits for or keeps.
    pub(super) fn plan_id(&self) -> Option<EffectId> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Ahead { plan, .. } => plan.id(),
            Phase::Due(due) => due.plan(),
        }
    }

    /// Whether a run or a held occurrence is in the way.
    fn is_occupied(&self) -> bool {
        !self.open_runs.is_empty()
            || self
                .waiting
                .iter()
                .any(|row| row.disposition == Disposition::Held)
    }

    fn first_waiting(&self, disposition: Disposition) -> Option<&Waiting> {
        self.waiting
            .iter()
            .find(|row| row.disposition == disposition)
    }

    /// Starts the occurrence that the operator released, or the one in the queue, once nothing is in the way.
    fn start_waiting(&mut self, out: &mut Out<'_>) {
        if self.is_due() || self.is_unsure {
            return;
        }
        if let Some(released) = self.first_waiting(Disposition::Released).cloned() {
            if self.open_runs.is_empty() {
                self.begin(released.occurrence, Origin::Release, out);
            }
            return;
        }
        let Some(queued) = self.first_waiting(Disposition::Queued).cloned() else {
            return;
        };
        let Waiting {
            occurrence,
            free_ms,
            ..
        } = queued;
        let decided = |disposition, reason| vec![Decided::of(&occurrence, disposition, reason)];
        if let Some(by) = self.paused {
            let reason = Reason::CampaignPaused { by };
            return self.decide(decided(Disposition::Skipped, reason));
        }
        let is_forgotten = SeededBug::QueueNotDecidedAgain.is_active();
        if self.is_occupied() || occurrence.at > out.utc() || is_forgotten {
            return;
        }
        // Nothing is known of the run before it: it was pruned, and its lateness counts from now.
        let freed_ms = self.freed_ms.or(free_ms).unwrap_or(out.now.wall_ms);
        self.freed_ms = Some(freed_ms);
        let free = utc(freed_ms).max(occurrence.at.to_utc());
        let late = lateness::lateness(free, out.utc());
        let schedule = &self.definition.schedule;
        if late > schedule.start_within {
            let reason = lateness::queued_too_long(late, schedule);
            return self.decide(decided(Disposition::Missed, reason));
        }
        self.begin(occurrence, Origin::Queue { free }, out);
    }

    fn plan_ahead(&mut self, out: &mut Out<'_>) {
        let is_wanted = self.paused.is_none() && self.definition.invalid.is_none();
        match &mut self.phase {
            Phase::Due(due) => {
                let plan = due.plan().filter(|_| !due.is_opening());
                if let Some(plan) = plan.filter(|_| SeededBug::PlanReplacedByNext.is_active()) {
                    out.push(Effect::Drop { plan });
                }
            }
            Phase::Ahead { occurrence, .. }
                if !is_wanted
                    || (self.next.as_ref() != Some(occurrence) && occurrence.at > out.utc())
                    || occurrence.at.to_utc() - out.utc() > AHEAD =>
            {
                self.drop_plan(out);
            }
            Phase::Ahead { occurrence, plan } => {
                if plan.retries_now(out.now) {
                    *plan = Plan::request(&self.definition, occurrence, (false, out));
                }
            }
            Phase::Idle => {
                let next = self.next.as_ref();
                let is_near = |next: &&Occurrence| {
                    next.at > out.utc() && next.at.to_utc() - out.utc() <= AHEAD
                };
                let failure = self.ahead_failure.as_ref();
                let may_try = failure.is_none_or(|failure| out.now.boot_ns >= failure.retry_ns);
                if let Some(next) = next.filter(is_near)
                    && is_wanted
                    && may_try
                    && out.has_room
                {
                    let plan = Plan::request(&self.definition, next, (false, out));
                    let occurrence = next.clone();
                    self.phase = Phase::Ahead { occurrence, plan };
                }
            }
        }
    }

    /// A plan ahead cannot be made as the file is now. It is tried again, for an export may come.
    pub(super) fn ahead_failed(&mut self, why: Reason, out: &mut Out<'_>) {
        let Phase::Ahead { occurrence, .. } = std::mem::replace(&mut self.phase, Phase::Idle)
        else {
            return;
        };
        let before = self.ahead_failure.as_ref();
        if before.is_none_or(|before| before.why != why) {
            out.push(Effect::Notify(Notice::PlanningFailed {
                campaign: self.name().clone(),
                occurrence,
                why: why.clone(),
            }));
        }
        self.ahead_failure = Some(AheadFailure {
            why,
            retry_ns: out.now.boot_ns.saturating_add(AHEAD_RETRY_NS),
        });
    }

    pub(super) fn planning_recovered(&mut self, out: &mut Out<'_>) {
        if self.ahead_failure.take().is_some() {
            let campaign = self.name().clone();
            out.push(Effect::Notify(Notice::PlanningRecovered { campaign }));
        }
    }

    /// The cursor as it is recorded: what is due at its slot is found again by the next process.
    pub(super) fn recorded_cursor(&self) -> Cursor {
        let decided_ms = match &self.phase {
            Phase::Due(due)
                if due.origin == Origin::Slot && !SeededBug::CheckpointMovedEarly.is_active() =>
            {
                let before_ms = due.occurrence.at.timestamp_millis() - 1;
                self.cursor.decided_ms.min(before_ms)
            }
            Phase::Due(_) | Phase::Idle | Phase::Ahead { .. } => self.cursor.decided_ms,
        };
        Cursor {
            decided_ms,
            ..self.cursor
        }
    }

    /// When to advance next if no event comes before: an instant of the wall clock, and one of the boot clock.
    pub(super) fn wakes(&self, now: Moment) -> (Option<DateTime<Utc>>, Option<u64>) {
        let mut walls: Vec<DateTime<Utc>> = Vec::new();
        let mut boots: Vec<u64> = Vec::new();
        match &self.look {
            None if self.leaving.is_some() || self.is_unsure => {}
            None => walls.extend(self.slot_at),
            Some(Look::Requested(wait)) => boots.push(wait.until_ns()),
            Some(Look::Failed) => boots.push(self.look_retry.at_ns()),
        }
        match &self.phase {
            Phase::Idle => {
                if let Some(failure) = &self.ahead_failure {
                    boots.push(
                        failure
                            .retry_ns
                            .max(now.boot_ns.saturating_add(1_000_000_000)),
                    );
                } else if let Some(next) = &self.next {
                    let at = next.at.to_utc() - AHEAD;
                    walls.push(at.max(utc(now.wall_ms) + TimeDelta::seconds(1)));
                }
            }
            Phase::Ahead { plan, .. } => boots.extend(plan.wake_ns()),
            Phase::Due(due) => {
                let is_awaited = self.leaving.is_none() && !due.is_ending();
                let start_by = due.start_by(&self.definition).filter(|_| is_awaited);
                walls.extend(start_by.map(|by| by + TimeDelta::milliseconds(1)));
                boots.extend(due.wake_ns());
            }
        }
        boots.extend(self.records.wake_ns(self.is_due()));
        if let Some(leaving) = &self.leaving {
            let is_opening = matches!(&self.phase, Phase::Due(due) if due.is_opening());
            let is_looking = self.has_passed_slots(utc(leaving.since_ms));
            let is_blocked = is_opening || is_looking || self.records.is_behind();
            boots.extend(leaving.wake_ns(is_blocked));
        }
        let queued = self.waiting.iter().map(|row| row.occurrence.at.to_utc());
        walls.extend(queued.filter(|at| *at > utc(now.wall_ms)));
        (walls.into_iter().min(), boots.into_iter().min())
    }
}
