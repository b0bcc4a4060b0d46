//! All campaigns together: each event goes to the campaigns that it concerns.
use super::campaign::{Campaign, Out, utc};
use super::leaving::Leaving;
use super::wait::{JOURNAL_DEADLINE, Retry, Wait};
use super::{
    Cursor, Definition, Departure, Effect, EffectId, Event, Fault, JournalView, Notice, OpenRun,
    ScheduleKey, Waiting,
};
use crate::identity::{CampaignName, Moment};
use crate::schedule::Occurrence;
use crate::seeded_bug::SeededBug;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Plans that are made ahead of their slots at a time, those that are ready included.
const AHEAD_MAX: usize = 1_000;
/// How far the two clocks may drift apart within [`DRIFT_OVER`] before one of them was set.
const STEP_MIN_MS: i64 = 2_000;
const DRIFT_OVER: Duration = Duration::from_mins(1);

/// The scheduler.
#[derive(Debug, Default)]
pub struct Scheduler {
    campaigns: BTreeMap<CampaignName, Campaign>,
    /// When to advance which campaign, by the wall clock and by the boot clock.
    walls: BTreeSet<(DateTime<Utc>, CampaignName)>,
    boots: BTreeSet<(u64, CampaignName)>,
    wakes: HashMap<CampaignName, Wakes>,
    /// The next occurrence of each campaign, in order.
    nexts: BTreeSet<(DateTime<Utc>, CampaignName)>,
    /// Which campaign requested an effect that has not been answered.
    owners: HashMap<EffectId, CampaignName>,
    /// The campaigns with a plan ahead of its slot.
    ahead: usize,
    last_id: u64,
    /// The journal as it was last seen.
    view: JournalView,
    has_view: bool,
    /// Both clocks at the last step, or at the beginning of the last [`DRIFT_OVER`].
    anchor: Option<Moment>,
    withdrawal: Withdrawal,
    is_ending: bool,
}

/// The states that a clock decided which was ahead, on their way out of the journal.
#[derive(Debug, Default)]
struct Withdrawal {
    /// The earliest instant to which the clock went back since the last success.
    now_ms: Option<i64>,
    wait: Option<Wait>,
    retry: Retry,
    /// The earliest occurrence that lost its state, of each campaign that is not known yet.
    of_others: HashMap<ScheduleKey, i64>,
}

impl Withdrawal {
    fn is_awaiting(&self, id: EffectId) -> bool {
        self.wait.is_some_and(|wait| wait.id == id)
    }

    fn wake_ns(&self) -> Option<u64> {
        let waits = self.wait.map(|wait| wait.until_ns());
        waits.or(self.now_ms.map(|_| self.retry.at_ns()))
    }
}

/// When to advance a campaign, by the wall clock and by the boot clock, and when it fires next.
#[derive(Debug, Default)]
struct Wakes {
    wall: Option<DateTime<Utc>>,
    boot: Option<u64>,
    next: Option<DateTime<Utc>>,
}

/// The effects of one event, in order.
type Effects = Vec<(EffectId, Effect)>;

impl Scheduler {
    /// Takes an event. The first effect of all withdraws what a clock ahead of this one decided.
    pub fn handle(&mut self, event: Event, now: Moment) -> Effects {
        let mut effects = Vec::new();
        let is_step = self.compare_clocks(now, &mut effects);
        if is_step && SeededBug::StepEndsTheRound.is_active() {
            return effects;
        }
        if self.is_ending {
            self.discard(&event, &mut effects);
            return effects;
        }
        let concerned = self.take(event, now, &mut effects);
        for name in concerned {
            self.advance(&name, now, &mut effects);
        }
        self.advance_withdrawal(now, &mut effects);
        // Whatever the event was, what is due by now is not kept waiting by it.
        for name in self.due(now) {
            self.advance(&name, now, &mut effects);
        }
        effects
    }

    /// Returns how long to wait for an event before [`Event::Time`] is due.
    pub fn wakes_in(&self, now: Moment) -> Option<Duration> {
        let wall = self.walls.first().map(|(at, _)| {
            let left_ms = at.timestamp_millis().saturating_sub(now.wall_ms);
            Duration::from_millis(u64::try_from(left_ms).unwrap_or(0))
        });
        let boot = self.boots.first().map(|(at, _)| *at);
        let boot = boot.into_iter().chain(self.withdrawal.wake_ns()).min();
        let boot = boot.map(|at| Duration::from_nanos(at.saturating_sub(now.boot_ns)));
        [wall, boot].into_iter().flatten().min()
    }

    /// Returns the next occurrence of all.
    pub fn next(&self) -> Option<(&CampaignName, &Occurrence)> {
        let (_, name) = self.nexts.first()?;
        Some((name, self.campaigns.get(name)?.next.as_ref()?))
    }

    /// Returns the schedule that is known for a campaign.
    pub fn definition(&self, campaign: &CampaignName) -> Option<&Definition> {
        Some(&self.campaigns.get(campaign)?.definition)
    }

    pub fn names(&self) -> impl Iterator<Item = &CampaignName> {
        self.campaigns.keys()
    }

    /// Returns the number of the last effect.
    pub fn last_id(&self) -> EffectId {
        EffectId(self.last_id)
    }

    /// Returns whether the clock was set.
    fn compare_clocks(&mut self, now: Moment, effects: &mut Effects) -> bool {
        let Some(anchor) = self.anchor else {
            self.anchor = Some(now);
            self.withdraw(now, effects);
            return false;
        };
        let wall_ms = now.wall_ms.saturating_sub(anchor.wall_ms);
        let boot_ms = now.boot_ns.saturating_sub(anchor.boot_ns) / 1_000_000;
        let by_ms = wall_ms.saturating_sub(i64::try_from(boot_ms).unwrap_or(i64::MAX));
        let is_step = by_ms.saturating_abs() >= STEP_MIN_MS;
        if is_step || Duration::from_millis(boot_ms) >= DRIFT_OVER {
            self.anchor = Some(now);
        }
        if is_step {
            self.push(Effect::Notify(Notice::ClockStepped { by_ms }), effects);
        }
        if is_step && by_ms < 0 {
            self.withdraw(now, effects);
            for name in self.campaigns.keys().cloned().collect::<Vec<_>>() {
                self.advance(&name, now, effects);
            }
        }
        is_step
    }

    fn withdraw(&mut self, now: Moment, effects: &mut Effects) {
        let withdrawal = &mut self.withdrawal;
        let before_ms = withdrawal.now_ms.unwrap_or(i64::MAX);
        let now_ms = before_ms.min(now.wall_ms);
        withdrawal.now_ms = Some(now_ms);
        let id = self.push(Effect::Withdraw { now_ms }, effects);
        self.withdrawal.wait = Some(Wait::begin(id, JOURNAL_DEADLINE, now));
    }

    /// Requests a withdrawal again that failed, and cancels one that takes too long.
    fn advance_withdrawal(&mut self, now: Moment, effects: &mut Effects) {
        let is_wanted = self.withdrawal.now_ms.is_some();
        match &mut self.withdrawal.wait {
            Some(wait) => {
                if let Some(effect) = wait.expire(now) {
                    self.push(Effect::Cancel { effect }, effects);
                }
            }
            None if is_wanted && self.withdrawal.retry.is_due(now) => self.withdraw(now, effects),
            None => {}
        }
    }

    /// Makes due again what has lost its state.
    fn withdrawn(
        &mut self,
        id: EffectId,
        of: Vec<(ScheduleKey, i64)>,
        now: Moment,
    ) -> Vec<CampaignName> {
        if self.withdrawal.is_awaiting(id) {
            self.withdrawal.wait = None;
            self.withdrawal.now_ms = None;
            self.withdrawal.retry = Retry::default();
        }
        let mut concerned = Vec::new();
        for (key, at_ms) in of {
            let campaign = self.campaigns.get_mut(&key.campaign);
            if let Some(campaign) = campaign.filter(|campaign| campaign.definition.key == key) {
                campaign.rewind_before(at_ms, now);
                concerned.push(key.campaign);
            } else {
                let earliest = self.withdrawal.of_others.entry(key).or_insert(at_ms);
                *earliest = at_ms.min(*earliest);
            }
        }
        concerned
    }

    fn push(&mut self, effect: Effect, effects: &mut Effects) -> EffectId {
        self.last_id += 1;
        effects.push((EffectId(self.last_id), effect));
        EffectId(self.last_id)
    }

    /// Takes the event into the state. Returns the campaigns that it concerns.
    fn take(&mut self, event: Event, now: Moment, effects: &mut Effects) -> Vec<CampaignName> {
        match event {
            Event::Time => Vec::new(),
            Event::Defined { definition, cursor } => {
                self.define(*definition, cursor, (now, effects))
            }
            Event::Departed {
                campaign,
                departure,
            } => self.depart(campaign, departure, now),
            Event::Journal(view) => self.see(*view, now),
            Event::Looked { id, taken, open } => {
                self.answer(id, (now, effects), |campaign, out| {
                    if campaign.is_looking(id) {
                        campaign.looked((id, &taken, open), out);
                    }
                })
            }
            Event::PlanReady { id, planned } => self.planned((id, Ok(planned)), now, effects),
            Event::PlanFailed { id, fault } => self.planned((id, Err(fault)), now, effects),
            Event::PlansAlive(ids) => self.plans_alive(&ids, now),
            Event::Opened { id, result } => self.answer(id, (now, effects), |campaign, out| {
                if campaign.is_opening(id) {
                    campaign.opened(result, out);
                }
            }),
            Event::Recorded { id, refused } => self.answer(id, (now, effects), |campaign, out| {
                campaign.recorded((id, &refused), out);
            }),
            Event::Forgotten { id } => self.answer(id, (now, effects), |campaign, _| {
                campaign.forgotten(id);
            }),
            Event::Withdrawn { id, withdrawn } => self.withdrawn(id, withdrawn, now),
            Event::Failed { id, .. } if self.withdrawal.is_awaiting(id) => {
                self.withdrawal.wait = None;
                self.withdrawal.retry.failed(now);
                Vec::new()
            }
            Event::Failed { id, why } => self.answer(id, (now, effects), |campaign, out| {
                campaign.failed(id, why, out);
            }),
            Event::Shutdown => {
                self.end(effects);
                Vec::new()
            }
        }
    }

    /// Gives an answer to the campaign that requested the effect. The campaign ignores the answer unless it still waits for
    /// this number.
    fn answer(
        &mut self,
        id: EffectId,
        (now, effects): (Moment, &mut Effects),
        take: impl FnOnce(&mut Campaign, &mut Out<'_>),
    ) -> Vec<CampaignName> {
        let Some(name) = self.owners.remove(&id) else {
            return Vec::new();
        };
        self.with(&name, (now, effects, false), take);
        vec![name]
    }

    /// Remembers which campaign requested effects that are answered.
    fn own(&mut self, name: &CampaignName, effects: &[(EffectId, Effect)]) {
        let answered = effects.iter().filter(|(_, effect)| match effect {
            Effect::Look { .. }
            | Effect::Plan { .. }
            | Effect::Open { .. }
            | Effect::Record { .. }
            | Effect::Forget { .. } => true,
            Effect::Urge { .. }
            | Effect::Drop { .. }
            | Effect::Withdraw { .. }
            | Effect::Cancel { .. }
            | Effect::Notify(_) => false,
        });
        self.owners
            .extend(answered.map(|(id, _)| (*id, name.clone())));
    }

    fn plans_alive(&mut self, ids: &[EffectId], now: Moment) -> Vec<CampaignName> {
        let mut concerned = Vec::new();
        for id in ids {
            let Some(name) = self.owners.get(id) else {
                continue;
            };
            if let Some(campaign) = self.campaigns.get_mut(name) {
                campaign.plan_alive(*id, now);
                concerned.push(name.clone());
            }
        }
        concerned
    }

    fn define(
        &mut self,
        definition: Definition,
        cursor: Option<Cursor>,
        (now, effects): (Moment, &mut Effects),
    ) -> Vec<CampaignName> {
        let name = definition.key.campaign.clone();
        let Some(campaign) = self.campaigns.get_mut(&name) else {
            if definition.invalid.is_some() && SeededBug::InvalidAtStartForgotten.is_active() {
                return Vec::new();
            }
            let mut campaign = Campaign::new(definition, cursor, now);
            let key = &campaign.definition.key;
            if let Some(at_ms) = self.withdrawal.of_others.remove(key) {
                campaign.rewind_before(at_ms, now);
            }
            if self.has_view {
                let of_it = facts_of(&self.view, &campaign.definition.key);
                campaign.see(&self.view, of_it, now);
            }
            self.campaigns.insert(name.clone(), campaign);
            return vec![name];
        };
        let before = &campaign.definition;
        let is_same = before.schedule.digest() == definition.schedule.digest();
        let is_other_app = before.key != definition.key;
        if let Some(leaving) = &mut campaign.leaving {
            leaving.define(definition);
        } else if is_other_app {
            let mut leaving = Leaving::departed(Departure::AppChanged, now);
            leaving.define(definition);
            campaign.leaving = Some(leaving);
        } else if is_same {
            let is_planned_alike = SeededBug::ProvisionalPlanKept.is_active()
                || (before.version == definition.version
                    && before.invalid.is_some() == definition.invalid.is_some());
            campaign.definition = std::sync::Arc::new(definition);
            campaign.records.needs_cursor();
            if !is_planned_alike {
                self.with(&name, (now, effects, false), |campaign, out| {
                    campaign.planning_recovered(out);
                    campaign.replan(out);
                });
            }
        } else {
            campaign.leaving = Some(Leaving::rescheduled(definition, now));
        }
        vec![name]
    }

    fn depart(
        &mut self,
        name: CampaignName,
        departure: Departure,
        now: Moment,
    ) -> Vec<CampaignName> {
        let Some(campaign) = self.campaigns.get_mut(&name) else {
            return Vec::new();
        };
        match &mut campaign.leaving {
            Some(leaving) => leaving.depart(departure),
            None => campaign.leaving = Some(Leaving::departed(departure, now)),
        }
        vec![name]
    }

    /// Takes a snapshot of the journal. It concerns every campaign of which something waits or is open, before or now.
    fn see(&mut self, view: JournalView, now: Moment) -> Vec<CampaignName> {
        let mut waiting: HashMap<&ScheduleKey, Vec<Waiting>> = HashMap::new();
        for row in &view.waiting {
            waiting.entry(&row.key).or_default().push(row.clone());
        }
        let mut open: HashMap<&ScheduleKey, Vec<&OpenRun>> = HashMap::new();
        for run in &view.open {
            open.entry(&run.key).or_default().push(run);
        }
        let paused: BTreeSet<&CampaignName> = view.paused.iter().map(|(name, _)| name).collect();
        let mut concerned = Vec::new();
        for (name, campaign) in &mut self.campaigns {
            let key = &campaign.definition.key;
            let (waiting, open) = (waiting.remove(key), open.remove(key));
            let is_any = waiting.is_some() || open.is_some() || campaign.is_seen();
            if is_any || paused.contains(name) {
                let of_it = (waiting.unwrap_or_default(), open.unwrap_or_default());
                campaign.see(&view, of_it, now);
                concerned.push(name.clone());
            }
        }
        self.view = view;
        if !std::mem::replace(&mut self.has_view, true) {
            concerned = self.campaigns.keys().cloned().collect();
        }
        concerned
    }

    /// A plan that no campaign waits for is thrown away.
    fn planned(
        &mut self,
        (id, planned): (EffectId, Result<u64, Fault>),
        now: Moment,
        effects: &mut Effects,
    ) -> Vec<CampaignName> {
        let is_ready = planned.is_ok();
        let mut is_taken = false;
        let concerned = self.answer(id, (now, effects), |campaign, out| {
            is_taken = campaign.planned((id, planned), out);
        });
        if is_ready && !is_taken {
            self.push(Effect::Drop { plan: id }, effects);
        }
        concerned
    }

    /// Nothing is opened any more. Plans are thrown away; what is being opened or recorded comes to its end.
    fn end(&mut self, effects: &mut Effects) {
        self.is_ending = true;
        let plans: Vec<EffectId> = self
            .campaigns
            .values()
            .filter_map(Campaign::plan_id)
            .collect();
        for plan in plans {
            self.push(Effect::Drop { plan }, effects);
        }
    }

    fn discard(&mut self, event: &Event, effects: &mut Effects) {
        if let Event::PlanReady { id, .. } = event {
            self.push(Effect::Drop { plan: *id }, effects);
        }
    }

    fn due(&self, now: Moment) -> Vec<CampaignName> {
        let at = utc(now.wall_ms);
        let walls = self.walls.iter().take_while(|(wake, _)| *wake <= at);
        let boots = self
            .boots
            .iter()
            .take_while(|(wake, _)| *wake <= now.boot_ns);
        let names: BTreeSet<&CampaignName> = walls
            .map(|(_, name)| name)
            .chain(boots.map(|(_, name)| name))
            .collect();
        names.into_iter().cloned().collect()
    }

    /// Lets a campaign take every step that is possible. Nothing is decided before the journal was seen once.
    fn advance(&mut self, name: &CampaignName, now: Moment, effects: &mut Effects) {
        if !self.has_view {
            return;
        }
        let has_room = self.ahead < AHEAD_MAX;
        self.with(name, (now, effects, has_room), Campaign::advance);
        let Some(campaign) = self.campaigns.get_mut(name) else {
            return;
        };
        let returned = match &mut campaign.leaving {
            Some(leaving) if leaving.is_over() => Some(leaving.returned.take()),
            Some(_) | None => None,
        };
        let (wall, boot) = campaign.wakes(now);
        let next = campaign.next.as_ref().map(|next| next.at.to_utc());
        match returned {
            None => self.set_wakes(name, Wakes { wall, boot, next }),
            Some(returned) => {
                self.campaigns.remove(name);
                self.set_wakes(name, Wakes::default());
                if let Some(definition) = returned {
                    self.define(*definition, None, (now, effects));
                    self.advance(name, now, effects);
                }
            }
        }
    }

    fn set_wakes(&mut self, name: &CampaignName, wakes: Wakes) {
        let before = self.wakes.remove(name).unwrap_or_default();
        let named = |at: DateTime<Utc>| (at, name.clone());
        if let Some(at) = before.wall {
            self.walls.remove(&named(at));
        }
        if let Some(at) = before.boot {
            self.boots.remove(&(at, name.clone()));
        }
        if let Some(at) = before.next {
            self.nexts.remove(&named(at));
        }
        self.walls.extend(wakes.wall.map(named));
        self.boots.extend(wakes.boot.map(|at| (at, name.clone())));
        self.nexts.extend(wakes.next.map(named));
        self.wakes.insert(name.clone(), wakes);
    }

    /// Lets a campaign take a step, and remembers what it requested.
    fn with(
        &mut self,
        name: &CampaignName,
        (now, effects, has_room): (Moment, &mut Effects, bool),
        step: impl FnOnce(&mut Campaign, &mut Out<'_>),
    ) {
        let Some(campaign) = self.campaigns.get_mut(name) else {
            return;
        };
        let from = effects.len();
        let was_ahead = campaign.is_ahead();
        let mut out = Out {
            now,
            last_id: &mut self.last_id,
            effects,
            has_room,
        };
        step(campaign, &mut out);
        self.ahead = self.ahead + usize::from(campaign.is_ahead()) - usize::from(was_ahead);
        self.own(name, &effects[from..]);
    }
}

fn facts_of<'a>(view: &'a JournalView, key: &ScheduleKey) -> (Vec<Waiting>, Vec<&'a OpenRun>) {
    let waiting = view.waiting.iter().filter(|row| row.key == *key);
    let open = view.open.iter().filter(|run| run.key == *key);
    (waiting.cloned().collect(), open.collect())
}
