//! What must hold in every world.

use super::files::File;
use super::journal::{Id, State};
use super::world::World;
use super::{MS, SECOND};
use campanile::workbench::{Civil, Disposition, Schedule, SchedulerEvent as Event, Slot};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How late what can be opened is opened, besides the time that planning takes.
const PROMPT_NS: u64 = 8 * SECOND;
/// With more planning in a minute some of it is late, whatever the order.
const OVERLOAD_MS: u64 = 20_000;
/// The journal takes no longer to open a run that was requested before the clock was set.
const OPENING_NS: u64 = 30 * SECOND;

/// What the world remembers to judge by.
pub(super) struct Watch {
    /// Since when nothing excuses that something is late.
    pub(super) healthy_since_ns: u64,
    /// When the clock was set last.
    pub(super) clock_set_ns: u64,
    campaigns: Vec<Watched>,
    /// Slots that need a state, with `start_within`.
    owed: BTreeMap<(usize, i64), Owed>,
    pub(super) opened: u64,
}

#[derive(Clone, Copy)]
struct Owed {
    civil: Civil,
    within_ms: i64,
}

#[derive(Default)]
struct Watched {
    schedule: Option<Arc<Schedule>>,
    valid: Option<Arc<Schedule>>,
    /// Slots up to here are owed already.
    owed_ms: i64,
    /// When the daemon saw that its file was gone.
    departed_ms: Option<i64>,
    /// The first slot behind those.
    next_ms: i64,
    /// When its file last could not be used, or something of it was open.
    unfit_ns: u64,
    /// Since when something waits that nothing keeps from being opened.
    ready_since_ns: Option<u64>,
}

impl Watch {
    pub(super) fn new(campaigns: usize) -> Watch {
        Watch {
            healthy_since_ns: 0,
            clock_set_ns: 0,
            campaigns: (0..campaigns).map(|_| Watched::default()).collect(),
            owed: BTreeMap::new(),
            opened: 0,
        }
    }

    /// `wrong_ms`: the right time, if the clock is wrong: nobody can tell then what a schedule that ends has passed.
    pub(super) fn defined(&mut self, event: &Event, files: &[File], wrong_ms: Option<i64>) {
        let Event::Defined { definition, .. } = event else {
            return;
        };
        let which = files
            .iter()
            .position(|file| file.name == definition.key.campaign)
            .unwrap();
        let schedule = Arc::clone(&definition.schedule);
        let before = self.campaigns[which].valid.as_ref();
        let is_same = before.is_some_and(|before| Arc::ptr_eq(before, &schedule));
        if let Some(right_ms) = wrong_ms.filter(|_| !is_same) {
            self.forget_owed(which, right_ms);
        }
        if definition.invalid.is_none() {
            self.campaigns[which].valid = Some(schedule);
        }
    }

    pub(super) fn last_valid(&self, which: usize) -> Option<Arc<Schedule>> {
        self.campaigns[which].valid.clone()
    }

    /// What is due from now on is not owed.
    pub(super) fn departed(&mut self, which: usize, wall_ms: i64) {
        let before = wall_ms - 2_000;
        self.campaigns[which].departed_ms = Some(wall_ms);
        self.owed
            .retain(|(campaign, at_ms), _| *campaign != which || *at_ms <= before);
    }

    pub(super) fn forget_owed(&mut self, which: usize, right_ms: i64) {
        self.owed.retain(|(campaign, _), _| *campaign != which);
        let owed_ms = &mut self.campaigns[which].owed_ms;
        *owed_ms = right_ms.saturating_add(2_000).max(*owed_ms);
    }
}

impl World {
    pub(super) fn check_opening(
        &mut self,
        id: &Id,
        occurrence: &campanile::workbench::Occurrence,
    ) -> Result<(), String> {
        self.watch.opened += 1;
        let now_ms = self.moment().wall_ms;
        let at_ms = occurrence.at.timestamp_millis();
        let row = self.row(id);
        let is_released = row.is_some_and(|row| row.disposition == Disposition::Released);
        let was_requested = self.now_ns < self.watch.clock_set_ns + OPENING_NS;
        if at_ms > now_ms && !is_released && !was_requested {
            return Err(format!("{id:?} is opened before its time"));
        }
        if self.has_final(id) {
            return Err(format!("{id:?} is opened though it is {:?}", self.row(id)));
        }
        if let Some(open) = self.journal.open_runs(&id.0).next() {
            // The operator may have opened one in this moment.
            let is_ahead = open.at_ms >= at_ms;
            if !is_ahead {
                return Err(format!("{id:?} is opened beside {open:?}"));
            }
        }
        let file = self.files.iter().find(|file| file.name == id.0);
        let within = file.map_or(0, |file| within_ms(&file.content.schedule));
        // What waited in the queue counts from the end of the run before it.
        let waited = row.is_some();
        let is_steady = self.now_ns > self.watch.healthy_since_ns + 60 * SECOND;
        if !waited && is_steady && now_ms > at_ms + within + 2_000 {
            return Err(format!("{id:?} is opened {} ms late", now_ms - at_ms));
        }
        Ok(())
    }

    /// What must hold at every second.
    pub(super) fn check_second(&mut self) -> Result<(), String> {
        self.note_fitness();
        self.note_owed();
        let moment = self.moment();
        let wakes_in = self
            .daemon
            .as_ref()
            .map(|daemon| daemon.scheduler.wakes_in(moment));
        if wakes_in.flatten().is_some_and(|wait| wait.is_zero()) {
            return Err("what is due by the clock is not looked at".to_owned());
        }
        if self.offset_ms != 0 || self.daemon.is_none() {
            return Ok(());
        }
        let is_steady = self.now_ns >= self.watch.healthy_since_ns + 10 * SECOND;
        if is_steady {
            self.check_missed()?;
        }
        self.check_owed()?;
        self.check_waiting()
    }

    fn note_owed(&mut self) {
        let right = utc(self.right_ms());
        for which in 0..self.files.len() {
            let name = &self.files[which].name;
            let watched = &mut self.watch.campaigns[which];
            let Some((definition, cursor)) = self.journal.cursors.get(name) else {
                watched.schedule = None;
                continue;
            };
            if watched
                .departed_ms
                .is_some_and(|departed| cursor.seen_ms <= departed)
            {
                continue;
            }
            watched.departed_ms = None;
            let is_same = watched
                .schedule
                .as_ref()
                .is_some_and(|before| Arc::ptr_eq(before, &definition.schedule));
            if !is_same {
                watched.schedule = Some(Arc::clone(&definition.schedule));
                watched.owed_ms = cursor.seen_ms.max(watched.owed_ms);
                // By the schedule before this one nothing is due any more.
                let seen_ms = cursor.seen_ms;
                self.watch
                    .owed
                    .retain(|(campaign, at_ms), _| *campaign != which || *at_ms < seen_ms - 2_000);
            }
            let watched = &mut self.watch.campaigns[which];
            let from = watched.owed_ms.max(cursor.seen_ms);
            if is_same && watched.next_ms > right.timestamp_millis() {
                continue;
            }
            let next = definition.schedule.slots(right).next();
            watched.next_ms = next.map_or(i64::MAX, |slot| slot.at().timestamp_millis());
            let slots = definition.schedule.slots(utc(from));
            for slot in slots.take_while(|slot| slot.at() <= right) {
                let Slot::Fires(firing) = slot else {
                    continue;
                };
                let occurrence = campanile::workbench::Occurrence::of(&firing);
                let owed = Owed {
                    civil: Civil::of(&occurrence),
                    within_ms: within_ms(&definition.schedule),
                };
                let at_ms = firing.at.timestamp_millis();
                self.watch.owed.insert((which, at_ms), owed);
            }
            watched.owed_ms = from.max(right.timestamp_millis());
        }
    }

    /// Notes which campaigns could not have opened what is due.
    fn note_fitness(&mut self) {
        let now_ns = self.now_ns;
        for which in 0..self.files.len() {
            let file = &self.files[which];
            let content = &file.content;
            let name = &file.name;
            let usable = content.exists && content.enabled && content.is_valid;
            let is_edited = now_ns < file.edited_ns + 3 * SECOND;
            let is_paused = self.journal.paused.contains(name);
            let is_known = self
                .journal
                .cursors
                .get(name)
                .is_some_and(|(definition, _)| {
                    Arc::ptr_eq(&definition.schedule, &content.schedule)
                        && definition.invalid.is_none()
                });
            let is_open = self.journal.open_runs(name).next().is_some();
            let right = utc(self.right_ms());
            let held = |disposition| {
                let mut waiting = self.journal.waiting(name);
                // What is held is in the way until the operator decides, whatever the clock said.
                waiting.any(|row| {
                    row.disposition == disposition
                        && (row.occurrence.at <= right || disposition == Disposition::Held)
                })
            };
            let is_blocked = !usable || is_paused || !is_known || is_open || is_edited;
            let is_held = held(Disposition::Held);
            let waits = held(Disposition::Queued) || held(Disposition::Released);
            let watched = &mut self.watch.campaigns[which];
            if is_blocked || is_held || waits {
                watched.unfit_ns = now_ns;
            }
            let is_ready = waits && !is_blocked && (!is_held || held_beside_released(&held));
            watched.ready_since_ns = is_ready.then(|| watched.ready_since_ns.unwrap_or(now_ns));
        }
    }

    /// Missed is right only if it is really too late, or a later slot has come.
    fn check_missed(&self) -> Result<(), String> {
        let now_ms = self.right_ms();
        let longest_ms = 16 * 60_000;
        for ((name, civil), row) in &self.journal.rows {
            let is_old = civil.local.and_utc().timestamp_millis() < now_ms - longest_ms;
            if row.disposition != Disposition::Missed || is_old {
                continue;
            }
            let Some((definition, cursor)) = self.journal.cursors.get(name) else {
                continue;
            };
            let schedule = &definition.schedule;
            let at_ms = row.occurrence.at.timestamp_millis();
            // An earlier schedule named it.
            if at_ms <= cursor.seen_ms {
                continue;
            }
            let is_late = at_ms + within_ms(schedule) <= now_ms + 1_000;
            let is_superseded = || {
                let later = schedule.slots(row.occurrence.at.to_utc()).next();
                later.is_some_and(|slot| slot.at().timestamp_millis() <= now_ms)
            };
            if !is_late && !is_superseded() {
                return Err(format!(
                    "{name} {civil:?} is missed and could still be sent: {}",
                    row.grounds
                ));
            }
        }
        Ok(())
    }

    /// How long planning takes a campaign beside all others.
    fn bound_ns(&self, which: usize) -> u64 {
        let own = self.files[which].content.cost_ms;
        let all = self
            .files
            .iter()
            .map(|file| file.content.cost_ms.min(own) + 50);
        let all: u64 = all.sum();
        // Campaigns fire every minute, and there is no end to what is planned before it.
        if all > OVERLOAD_MS {
            return u64::MAX / 4;
        }
        PROMPT_NS + 2 * all * MS
    }

    fn check_owed(&mut self) -> Result<(), String> {
        let now_ms = self.right_ms();
        let healthy_ms = now_ms - ms(self.now_ns.saturating_sub(self.watch.healthy_since_ns));
        let is_healthy = self.now_ns >= self.watch.healthy_since_ns;
        let mut settled = Vec::new();
        for (&(which, at_ms), owed) in &self.watch.owed {
            let id = (self.files[which].name.clone(), owed.civil);
            let has_run = self.journal.runs.contains_key(&id);
            if has_run || self.has_final(&id) {
                settled.push((which, at_ms, owed.within_ms));
                continue;
            }
            if !is_healthy {
                continue;
            }
            let since_ms = at_ms.max(healthy_ms);
            let is_stated = self.row(&id).is_some();
            if !is_stated && now_ms > since_ms + owed.within_ms + 15_000 {
                return Err(format!("{id:?} has no state in time"));
            }
            // What can be sent is sent.
            let bound_ms = ms(self.bound_ns(which));
            let edited_ms = now_ms - ms(self.now_ns - self.files[which].edited_ns) + 3_000;
            let from_ms = since_ms.max(edited_ms);
            let unfit_ns = self.watch.campaigns[which].unfit_ns;
            let last_unfit_ms = now_ms - ms(self.now_ns - unfit_ns);
            let could = last_unfit_ms + 3_000 < from_ms && bound_ms + 3_000 < owed.within_ms;
            if could
                && now_ms > from_ms + bound_ms + 2_000
                && from_ms < at_ms + owed.within_ms - bound_ms
            {
                return Err(format!(
                    "{id:?} could be sent and is not: {:?}",
                    self.row(&id)
                ));
            }
        }
        // A state that a clock ahead of the right time decided may be withdrawn again.
        for (which, at_ms, within_ms) in settled {
            if at_ms + within_ms + 60_000 < now_ms {
                self.watch.owed.remove(&(which, at_ms));
            }
        }
        Ok(())
    }

    /// What waits in the queue or was released goes on once nothing is in the way.
    fn check_waiting(&self) -> Result<(), String> {
        for which in 0..self.files.len() {
            let Some(since_ns) = self.watch.campaigns[which].ready_since_ns else {
                continue;
            };
            let since_ns = since_ns.max(self.watch.healthy_since_ns);
            let bound_ns = self.bound_ns(which) + 10 * SECOND;
            if self.now_ns > since_ns + bound_ns {
                let name = &self.files[which].name;
                let waiting: Vec<_> = self.journal.waiting(name).collect();
                // What takes longer to plan than it may start late is missed in the end.
                let within_ms = within_ms(&self.files[which].content.schedule);
                if ms(bound_ns) < within_ms {
                    return Err(format!("{name} could go on and does not: {waiting:?}"));
                }
            }
        }
        Ok(())
    }

    /// In the end nothing waits but for a run.
    pub(super) fn check_end(&self) -> Result<(), String> {
        for (&(which, at_ms), owed) in &self.watch.owed {
            let id = (self.files[which].name.clone(), owed.civil);
            let has_state = self.journal.runs.contains_key(&id) || self.row(&id).is_some();
            if !has_state && at_ms + owed.within_ms + 60_000 < self.right_ms() {
                return Err(format!("{id:?} has no state in the end"));
            }
        }
        for run in self.journal.runs.values() {
            if run.state == State::Paused {
                return Err(format!("{run:?} is left behind"));
            }
        }
        Ok(())
    }
}

fn held_beside_released(held: &impl Fn(Disposition) -> bool) -> bool {
    held(Disposition::Released)
}

fn within_ms(schedule: &Schedule) -> i64 {
    i64::try_from(schedule.start_within.as_millis()).unwrap()
}

fn ms(ns: u64) -> i64 {
    i64::try_from(ns / MS).unwrap()
}

fn utc(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap()
}
