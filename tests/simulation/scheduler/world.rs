//! A world: files, a journal, a clock, an operator, and a daemon that may die.

use super::daemon::{Daemon, Job, Operation, WORKERS, civil};
use super::files::{File, every};
use super::invariants::Watch;
use super::journal::{Id, Journal, Row, Run, State, is_final, run_name};
use super::script::{Mishap, Script};
use super::{MINUTE, MS, SECOND};
use campanile::workbench::{
    Departure, Digest, Disposition, Effect, EffectId, Fault, Moment, Occurrence, OpenResult,
    Reason, SLICE, Scheduler, SchedulerEvent as Event, SchedulerNotice as Notice,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// 2026-05-01T09:00:00Z
pub(super) const BEGIN_MS: i64 = 1_777_626_000_000;
/// Notices of what was missed before a start: of the absence, of the occurrence that was due in it and took too long to
/// plan, and of one that a clock made due again.
const NOTICES_MAX: u32 = 3;
/// A clock that is further from the right time is wrong.
const CLOCK_WRONG_MS: i64 = 1_000;
/// Events of one second that are more than busy.
const EVENTS_MAX: u32 = 20_000;

pub(super) struct World {
    pub(super) script: Script,
    pub(super) now_ns: u64,
    /// How far the wall clock is ahead of the right time.
    pub(super) offset_ms: i64,
    pub(super) files: Vec<File>,
    pub(super) journal: Journal,
    pub(super) daemon: Option<Daemon>,
    queue: BTreeMap<(u64, u64), What>,
    sequence: u64,
    /// Counts the starts of the daemon: what an earlier one waited for is void.
    life: u32,
    journal_fails_until: u64,
    journal_hangs_until: u64,
    worker_hangs_until: u64,
    loses_plan: bool,
    pub(super) watch: Watch,
    /// What happened, if it is to be told.
    pub(super) text: Option<RefCell<String>>,
    events: (u64, u32),
}

#[derive(Clone, Debug)]
enum What {
    Mishap(Mishap),
    Tick(u32),
    Slice(u32, usize, u64),
    Operation(u32),
    /// The planner has thrown a plan away.
    Dropped(u32, EffectId),
    /// An effect was cancelled that the journal knows nothing of.
    Unknown(u32, EffectId),
    RunEnds(Id),
    OperatorResumes(Id),
    OperatorResumesCampaign(usize),
    Start,
    ClockRight,
    ClockForward(u32),
    Calm,
}

impl World {
    pub(super) fn new(script: Script, is_told: bool) -> World {
        let files: Vec<File> = (0..)
            .zip(&script.contents)
            .map(|(number, content)| File {
                name: format!("c{number}").as_str().try_into().unwrap(),
                content: content.clone(),
                revision: 0,
                edited_ns: 0,
            })
            .collect();
        let mut world = World {
            now_ns: 0,
            offset_ms: 0,
            watch: Watch::new(files.len()),
            files,
            journal: Journal::default(),
            daemon: None,
            queue: BTreeMap::new(),
            sequence: 0,
            life: 0,
            journal_fails_until: 0,
            journal_hangs_until: 0,
            worker_hangs_until: 0,
            loses_plan: false,
            text: is_told.then(RefCell::default),
            events: (0, 0),
            script,
        };
        world.at(0, What::Start);
        for (at, mishap) in std::mem::take(&mut world.script.mishaps) {
            world.at(at, What::Mishap(mishap));
        }
        let calm = world.script.calm_ns;
        world.at(calm, What::Calm);
        world
    }

    fn at(&mut self, at_ns: u64, what: What) {
        self.sequence += 1;
        self.queue.insert((at_ns, self.sequence), what);
    }

    fn after(&mut self, ns: u64, what: What) {
        self.at(self.now_ns + ns, what);
    }

    pub(super) fn right_ms(&self) -> i64 {
        BEGIN_MS + i64::try_from(self.now_ns / MS).unwrap()
    }

    /// The right time, if the clock is wrong.
    fn wrong_ms(&self) -> Option<i64> {
        let is_wrong = self.offset_ms.abs() > CLOCK_WRONG_MS;
        is_wrong.then(|| self.right_ms())
    }

    pub(super) fn moment(&self) -> Moment {
        Moment {
            wall_ms: self.right_ms() + self.offset_ms,
            boot_ns: self.now_ns,
            boot_id: 1,
        }
    }

    pub(super) fn is_calm(&self) -> bool {
        self.now_ns >= self.script.calm_ns
    }

    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        let Some(text) = &self.text else {
            return;
        };
        let wall = chrono::DateTime::from_timestamp_millis(self.moment().wall_ms).unwrap();
        let ms = self.now_ns / MS;
        let line = line();
        let (s, ms) = (ms / 1_000, ms % 1_000);
        writeln!(text.borrow_mut(), "{s:>5}.{ms:03} {wall} {line}").unwrap();
    }

    pub(super) fn run(&mut self) -> Result<(), String> {
        while self.now_ns < self.script.end_ns {
            let moment = self.moment();
            let wake = self
                .daemon
                .as_ref()
                .and_then(|daemon| daemon.scheduler.wakes_in(moment));
            let wake = wake.map(|wait| {
                let ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
                self.now_ns.saturating_add(ns.div_ceil(MS) * MS)
            });
            let first = self.queue.first_key_value().map(|((at, _), _)| *at);
            match (wake, first) {
                (Some(wake), first) if first.is_none_or(|first| wake < first) => {
                    self.now_ns = wake;
                    self.handle(Event::Time)?;
                }
                (_, Some(_)) => {
                    let ((at, _), what) = self.queue.pop_first().unwrap();
                    self.now_ns = at.max(self.now_ns);
                    self.take(what)?;
                }
                (_, None) => return Err("nothing is to come".to_owned()),
            }
        }
        self.check_end()
    }

    fn take(&mut self, what: What) -> Result<(), String> {
        match what {
            What::Mishap(mishap) if self.is_calm() => {
                self.tell(|| format!("too late for {mishap:?}"));
                Ok(())
            }
            What::Mishap(mishap) => {
                self.suffer(&mishap);
                Ok(())
            }
            What::Tick(life) if life == self.life => self.tick(),
            What::Slice(life, worker, served_ms) if life == self.life => {
                self.sliced(worker, served_ms)
            }
            What::Operation(life) if life == self.life => self.operate(),
            What::Dropped(life, id) if life == self.life => {
                let fault = Fault::Dropped;
                self.handle(Event::PlanFailed { id, fault })
            }
            What::Unknown(life, id) if life == self.life => {
                let why = "nothing is known of it".to_owned();
                self.handle(Event::Failed { id, why })
            }
            What::Tick(_)
            | What::Slice(..)
            | What::Operation(_)
            | What::Dropped(..)
            | What::Unknown(..) => Ok(()),
            What::RunEnds(id) => {
                self.end_run(&id);
                Ok(())
            }
            What::OperatorResumes(id) => {
                let run = self.journal.runs.get_mut(&id);
                if let Some(run) = run.filter(|run| run.state == State::Paused) {
                    run.state = State::Open;
                    self.journal.stamp += 1;
                    self.after(SECOND, What::RunEnds(id));
                }
                Ok(())
            }
            What::OperatorResumesCampaign(which) => {
                let name = self.files[which].name.clone();
                self.journal.paused.remove(&name);
                self.journal.stamp += 1;
                Ok(())
            }
            What::Start => self.start(),
            What::ClockRight => {
                self.tell(|| "the clock is right".to_owned());
                self.offset_ms = 0;
                self.watch.clock_set_ns = self.now_ns;
                self.disturb(0);
                Ok(())
            }
            What::ClockForward(times) => {
                self.offset_ms += 2_000;
                self.disturb(0);
                let next = if times == 0 {
                    What::ClockRight
                } else {
                    What::ClockForward(times - 1)
                };
                self.after(800 * MS, next);
                Ok(())
            }
            What::Calm => self.calm(),
        }
    }

    /// What takes place until `until_ns` excuses what is late.
    fn disturb(&mut self, until_ns: u64) {
        self.watch.healthy_since_ns = self.watch.healthy_since_ns.max(self.now_ns).max(until_ns);
    }

    fn suffer(&mut self, mishap: &Mishap) {
        self.tell(|| format!("mishap: {mishap:?}"));
        let now_ns = self.now_ns;
        match *mishap {
            Mishap::SaveAll => (0..self.files.len()).for_each(|which| self.edit(which)),
            Mishap::Edit(which) => self.edit(which),
            Mishap::Break(which) => {
                self.files[which].content.is_valid = false;
                self.edit(which);
            }
            Mishap::Mend(which) => {
                let content = &mut self.files[which].content;
                (content.is_valid, content.enabled, content.exists) = (true, true, true);
                self.edit(which);
            }
            Mishap::Reschedule(which) => {
                let minutes = self.script.chance.pick(&[1, 2, 3, 7]);
                let schedule = &self.files[which].content.schedule;
                let rules = (schedule.start_within, schedule.overlap);
                self.files[which].content.schedule = every(minutes, BEGIN_MS, rules, false);
                self.edit(which);
            }
            Mishap::Disable(which) => {
                self.files[which].content.enabled = false;
                self.edit(which);
            }
            Mishap::Remove(which) => {
                self.files[which].content.exists = false;
                self.edit(which);
            }
            Mishap::Kill => {
                self.kill();
                self.after(SECOND, What::Start);
            }
            Mishap::Outage(ns) => {
                self.kill();
                self.after(ns, What::Start);
            }
            Mishap::ClockSet(by_ms, ns) => {
                self.offset_ms = by_ms;
                self.watch.clock_set_ns = self.now_ns;
                self.disturb(0);
                self.after(ns, What::ClockRight);
            }
            Mishap::ClockRuns(times) => self.at(now_ns, What::ClockForward(times)),
            Mishap::JournalFails(ns) => {
                self.journal_fails_until = now_ns + ns;
                // What failed is tried again after half a minute at the latest.
                self.disturb(now_ns + ns + 31 * SECOND);
            }
            Mishap::JournalHangs(ns) => {
                self.journal_hangs_until = now_ns + ns;
                self.disturb(now_ns + ns + 31 * SECOND);
            }
            Mishap::WorkerHangs(ns) => {
                self.worker_hangs_until = now_ns + ns;
                self.disturb(now_ns + ns);
            }
            Mishap::PlanLost => {
                self.loses_plan = true;
            }
            Mishap::PauseCampaign(which) => {
                let name = self.files[which].name.clone();
                self.journal.paused.insert(name);
                self.journal.stamp += 1;
                let wait = self.script.chance.between(1, 300) * SECOND;
                self.after(wait, What::OperatorResumesCampaign(which));
            }
            Mishap::Release(which) => self.settle_held(which, Disposition::Released),
            Mishap::SkipHeld(which) => self.settle_held(which, Disposition::Skipped),
            Mishap::RunAhead(which) => self.run_ahead(which),
        }
    }

    fn edit(&mut self, which: usize) {
        self.files[which].revision += 1;
        self.files[which].edited_ns = self.now_ns;
    }

    fn settle_held(&mut self, which: usize, disposition: Disposition) {
        let now_ms = self.moment().wall_ms;
        let name = &self.files[which].name;
        for ((campaign, _), row) in &mut self.journal.rows {
            if campaign == name && row.disposition == Disposition::Held {
                row.disposition = disposition;
                row.is_operators = true;
                row.decided_ms = now_ms;
            }
        }
        self.journal.stamp += 1;
    }

    /// The operator sends the next occurrence before its time.
    fn run_ahead(&mut self, which: usize) {
        let file = &self.files[which];
        let now = chrono::DateTime::from_timestamp_millis(self.right_ms()).unwrap();
        let next = file.content.schedule.slots(now).next();
        let Some(campanile::workbench::Slot::Fires(firing)) = next else {
            return;
        };
        let occurrence = Occurrence::of(&firing);
        let id = (file.name.clone(), civil(&occurrence));
        let key = file.key();
        if !self.journal.runs.contains_key(&id) && !self.journal.rows.contains_key(&id) {
            self.open_run(id, (key, occurrence.at.timestamp_millis()), State::Open);
        }
    }

    fn open_run(
        &mut self,
        id: Id,
        (key, at_ms): (campanile::workbench::ScheduleKey, i64),
        state: State,
    ) {
        self.journal.rows.remove(&id);
        self.journal
            .runs
            .insert(id.clone(), Run { key, at_ms, state });
        self.journal.stamp += 1;
        let takes = self.script.chance.between(SECOND, self.script.run_max_ns);
        if state == State::Paused || (self.script.chance.one_in(12) && !self.is_calm()) {
            let run = self.journal.runs.get_mut(&id).unwrap();
            run.state = State::Paused;
            self.after(takes * 2, What::OperatorResumes(id));
        } else {
            self.after(takes, What::RunEnds(id));
        }
    }

    fn end_run(&mut self, id: &Id) {
        if self.daemon.is_none() {
            return self.after(2 * SECOND, What::RunEnds(id.clone()));
        }
        let wall_ms = self.moment().wall_ms;
        let run = self.journal.runs.get_mut(id).unwrap();
        if run.state == State::Open {
            run.state = State::Ended { wall_ms };
            self.journal.stamp += 1;
            self.tell(|| format!("{id:?} ends"));
        }
    }

    fn kill(&mut self) {
        self.daemon = None;
        self.life += 1;
        self.disturb(0);
    }

    fn start(&mut self) -> Result<(), String> {
        if self.daemon.is_some() {
            return Ok(());
        }
        self.life += 1;
        self.disturb(self.now_ns);
        let now_ms = self.moment().wall_ms;
        self.tell(|| "the daemon starts".to_owned());
        self.daemon = Some(Daemon {
            scheduler: Scheduler::default(),
            started_ms: now_ms.min(self.right_ms()),
            seen_stamp: self.journal.stamp,
            ..Daemon::default()
        });
        let is_pruned = self.script.chance.one_in(4);
        let view = self.journal.view(EffectId::default(), is_pruned);
        self.handle(Event::Journal(Box::new(view)))?;
        for which in 0..self.files.len() {
            self.meet(which)?;
        }
        let life = self.life;
        self.after(SECOND, What::Tick(life));
        Ok(())
    }

    /// The first look at a file, with what the journal knows of its schedule.
    fn meet(&mut self, which: usize) -> Result<(), String> {
        let file = self.files[which].clone();
        let known = self.journal.cursors.get(&file.name).cloned();
        let content = &file.content;
        let is_there = content.exists && content.enabled;
        if let Some(daemon) = &mut self.daemon {
            daemon.known.insert(file.name.clone(), file.revision);
        }
        let file_definition = file.definition();
        let Some((stored, cursor)) = known else {
            // Of a file that is invalid no schedule is known.
            if is_there && content.is_valid {
                let definition = Box::new(file_definition);
                let cursor = None;
                self.handle(Event::Defined { definition, cursor })?;
            }
            return Ok(());
        };
        let mut definition = (*stored).clone();
        if is_there && !content.is_valid {
            definition.invalid.clone_from(&file_definition.invalid);
            definition.version = file_definition.version;
        }
        let is_same = definition.schedule.digest() == file_definition.schedule.digest();
        if is_there && content.is_valid && is_same {
            definition = file_definition.clone();
        }
        let cursor = Some(cursor);
        self.handle(Event::Defined {
            definition: Box::new(definition),
            cursor,
        })?;
        if !is_there {
            return self.depart(which);
        }
        if content.is_valid && !is_same {
            let definition = Box::new(file_definition);
            self.handle(Event::Defined {
                definition,
                cursor: None,
            })?;
        }
        Ok(())
    }

    fn depart(&mut self, which: usize) -> Result<(), String> {
        let file = &self.files[which];
        let departure = if file.content.exists {
            Departure::Disabled
        } else {
            Departure::FileRemoved
        };
        let campaign = file.name.clone();
        self.watch
            .departed(which, self.moment().wall_ms.min(self.right_ms()));
        if let Some(right_ms) = self.wrong_ms() {
            self.watch.forget_owed(which, right_ms);
        }
        self.handle(Event::Departed {
            campaign,
            departure,
        })
    }

    /// What the daemon does every second.
    fn tick(&mut self) -> Result<(), String> {
        let life = self.life;
        self.after(SECOND, What::Tick(life));
        for which in 0..self.files.len() {
            self.refresh(which)?;
        }
        let is_hung = self.now_ns < self.worker_hangs_until;
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        let hung = daemon.workers[0].filter(|_| is_hung);
        let alive: Vec<EffectId> = daemon.plans.ids().filter(|id| Some(*id) != hung).collect();
        if daemon.seen_stamp != self.journal.stamp {
            daemon.seen_stamp = self.journal.stamp;
            daemon.operations.push_back(Operation::View);
        }
        self.handle(Event::PlansAlive(alive))?;
        self.begin_operation();
        self.check_second()
    }

    /// Takes an edit in, once the file has come to rest.
    fn refresh(&mut self, which: usize) -> Result<(), String> {
        let file = self.files[which].clone();
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        let is_known = daemon.known.get(&file.name) == Some(&file.revision);
        if is_known || self.now_ns - file.edited_ns < 300 * MS {
            return Ok(());
        }
        daemon.known.insert(file.name.clone(), file.revision);
        let content = &file.content;
        let has_schedule = daemon.scheduler.definition(&file.name).is_some();
        if !content.exists || !content.enabled {
            return self.depart(which);
        }
        let mut definition = file.definition();
        if !content.is_valid {
            if !has_schedule {
                return Ok(());
            }
            // The last valid schedule stays: the file as it is says nothing.
            let Some(last) = self.watch.last_valid(which) else {
                return Ok(());
            };
            definition.schedule = last;
        }
        self.handle(Event::Defined {
            definition: Box::new(definition),
            cursor: None,
        })
    }

    pub(super) fn handle(&mut self, event: Event) -> Result<(), String> {
        let now = self.moment();
        let second = self.now_ns / SECOND;
        self.events = if self.events.0 == second {
            (second, self.events.1 + 1)
        } else {
            (second, 1)
        };
        if self.events.1 > EVENTS_MAX {
            return Err(format!("busy with nothing: {event:?}"));
        }
        self.watch.defined(&event, &self.files, self.wrong_ms());
        let is_told = self.text.is_some();
        let text = is_told.then(|| format!("{event:?}"));
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        let effects = daemon.scheduler.handle(event, now);
        if is_told && !effects.is_empty() {
            let text = text.unwrap_or_default();
            let text: String = text.chars().take(300).collect();
            self.tell(|| format!("<- {text}"));
        }
        for (id, effect) in effects {
            self.perform(id, effect)?;
        }
        self.begin_operation();
        self.begin_slices();
        Ok(())
    }

    fn perform(&mut self, id: EffectId, effect: Effect) -> Result<(), String> {
        self.tell(|| told(id, &effect));
        let loses = self.loses_plan;
        let name = match &effect {
            Effect::Plan { definition, .. } => Some(definition.key.campaign.clone()),
            _ => None,
        };
        let which = name.and_then(|name| self.files.iter().position(|file| file.name == name));
        let file = which.map(|which| &self.files[which]);
        let file = file.map(|file| (file.version(), file.content.cost_ms));
        let is_calm = self.is_calm();
        let luck = self.script.chance.between(0, 79);
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        match effect {
            Effect::Plan {
                occurrence, is_due, ..
            } => {
                let (version, left_ms) = file.unwrap();
                let result = match luck {
                    0 | 1 if !is_calm => Err(Fault::Machine("too many open files".to_owned())),
                    2 if !is_calm => Err(Fault::Author(Reason::NoTargets)),
                    _ => Ok(1),
                };
                let job = Job {
                    which,
                    left_ms,
                    version,
                    result,
                    is_dropped: false,
                };
                if loses {
                    self.loses_plan = false;
                    self.watch.healthy_since_ns = self.now_ns + 3 * MINUTE;
                } else {
                    daemon.jobs.insert(id, job);
                    daemon.plans.add(id, is_due, occurrence.at.to_utc());
                }
            }
            Effect::Urge { plan } => daemon.plans.urge(plan),
            Effect::Drop { plan } => self.drop_plan(plan),
            Effect::Cancel { effect } => self.cancel(effect),
            Effect::Notify(notice) => return self.notice(&notice),
            Effect::Look { .. }
            | Effect::Open { .. }
            | Effect::Record { .. }
            | Effect::Withdraw { .. }
            | Effect::Forget { .. } => daemon.operations.push_back(Operation::Effect {
                id,
                effect: Box::new(effect),
                is_cancelled: false,
            }),
        }
        Ok(())
    }

    fn cancel(&mut self, effect: EffectId) {
        let life = self.life;
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let mut is_known = false;
        for operation in &mut daemon.operations {
            if let Operation::Effect {
                id, is_cancelled, ..
            } = operation
                && *id == effect
            {
                (is_known, *is_cancelled) = (true, true);
            }
        }
        if !is_known {
            self.after(0, What::Unknown(life, effect));
        }
    }

    fn drop_plan(&mut self, plan: EffectId) {
        let life = self.life;
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        daemon.ready.remove(&plan);
        if let Some(job) = daemon.jobs.get_mut(&plan) {
            job.is_dropped = true;
            if daemon.workers.contains(&Some(plan)) {
                return;
            }
            daemon.jobs.remove(&plan);
        }
        daemon.plans.remove(plan);
        self.after(0, What::Dropped(life, plan));
    }

    fn begin_slices(&mut self) {
        let is_hung = self.now_ns < self.worker_hangs_until;
        let (life, now_ns, until) = (self.life, self.now_ns, self.worker_hangs_until);
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let mut begun = Vec::new();
        for worker in 0..WORKERS {
            if daemon.workers[worker].is_some() {
                continue;
            }
            let Some(id) = daemon.plans.take() else {
                break;
            };
            daemon.workers[worker] = Some(id);
            let slice_ms = u64::try_from(SLICE.as_millis()).unwrap();
            let ms = daemon.jobs[&id].left_ms.min(slice_ms);
            let hangs = is_hung && worker == 0;
            let end = if hangs { until } else { now_ns + ms * MS };
            begun.push((end, What::Slice(life, worker, ms)));
        }
        for (end, what) in begun {
            self.at(end, what);
        }
    }

    fn sliced(&mut self, worker: usize, served_ms: u64) -> Result<(), String> {
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        let Some(id) = daemon.workers[worker].take() else {
            return Ok(());
        };
        let job = daemon.jobs.get_mut(&id).unwrap();
        job.left_ms -= served_ms;
        let is_over = job.left_ms == 0 || job.is_dropped;
        if !is_over {
            daemon.plans.put_back(id, Duration::from_millis(served_ms));
            self.begin_slices();
            return Ok(());
        }
        let job = daemon.jobs.remove(&id).unwrap();
        daemon.plans.remove(id);
        let event = match job.result {
            _ if job.is_dropped => Event::PlanFailed {
                id,
                fault: Fault::Dropped,
            },
            Ok(planned) => {
                daemon.ready.insert(id, job.version);
                Event::PlanReady { id, planned }
            }
            Err(fault) => {
                // The promises count from the last fault of the machine.
                if let Some(which) = job.which {
                    self.files[which].edited_ns = self.now_ns;
                }
                Event::PlanFailed { id, fault }
            }
        };
        self.handle(event)
    }

    fn begin_operation(&mut self) {
        let life = self.life;
        let now_ns = self.now_ns;
        let takes = self.script.chance.between(1, 15) * MS;
        let hangs = self.journal_hangs_until;
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        if daemon.is_operating || daemon.operations.is_empty() {
            return;
        }
        daemon.is_operating = true;
        // A journal that hangs looks every second whether it is still to do it.
        let at = if now_ns < hangs {
            now_ns + SECOND
        } else {
            now_ns + takes
        };
        self.at(at, What::Operation(life));
    }

    fn operate(&mut self) -> Result<(), String> {
        let now_ns = self.now_ns;
        let is_hung = now_ns < self.journal_hangs_until;
        let fails = now_ns < self.journal_fails_until;
        let happens_all_the_same = self.script.chance.one_in(2);
        let is_lost = !self.is_calm() && self.script.chance.one_in(500);
        let is_pruned = self.script.chance.one_in(8);
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        daemon.is_operating = false;
        let Some(operation) = daemon.operations.pop_front() else {
            return Ok(());
        };
        match operation {
            Operation::View if is_hung || fails => {
                daemon.seen_stamp = u64::MAX;
                Ok(())
            }
            Operation::View => {
                let view = self.journal.view(daemon.upto, is_pruned);
                self.handle(Event::Journal(Box::new(view)))
            }
            Operation::Effect {
                id,
                effect,
                is_cancelled: false,
            } if is_hung => {
                daemon.operations.push_front(Operation::Effect {
                    id,
                    effect,
                    is_cancelled: false,
                });
                self.begin_operation();
                Ok(())
            }
            Operation::Effect {
                id,
                effect,
                is_cancelled,
            } => {
                daemon.upto = id;
                let why = "the disk is full".to_owned();
                let answer = if fails && !is_cancelled {
                    Event::Failed { id, why }
                } else if is_cancelled {
                    if happens_all_the_same {
                        self.commit(id, *effect)?;
                    }
                    Event::Failed { id, why }
                } else {
                    self.commit(id, *effect)?
                };
                if is_lost {
                    self.watch.healthy_since_ns = self.now_ns + 2 * MINUTE;
                    self.begin_operation();
                    return Ok(());
                }
                self.handle(answer)
            }
        }
    }

    /// Carries an effect on the journal out. Returns its answer.
    fn commit(&mut self, id: EffectId, effect: Effect) -> Result<Event, String> {
        let now_ms = self.moment().wall_ms;
        match effect {
            Effect::Look { key, from, .. } => {
                let taken = self.journal.taken(&key.campaign, from);
                let open = self.journal.open_names(&key.campaign);
                return Ok(Event::Looked { id, taken, open });
            }
            Effect::Open {
                key,
                occurrence,
                plan,
            } => {
                let result = self.open(&key, &occurrence, plan)?;
                return Ok(Event::Opened { id, result });
            }
            Effect::Record {
                definition,
                cursor,
                decided,
                ..
            } => {
                let recorded = (definition, cursor);
                let refused = self.journal.record(recorded, decided, now_ms);
                return Ok(Event::Recorded { id, refused });
            }
            Effect::Withdraw { now_ms } => {
                let withdrawn = self.journal.withdraw(now_ms);
                // What has lost its state is told again.
                if let Some(daemon) = &mut self.daemon {
                    for (key, _) in &withdrawn {
                        daemon.absences.remove(&key.campaign);
                    }
                }
                return Ok(Event::Withdrawn { id, withdrawn });
            }
            Effect::Forget { key, departure } => self.journal.forget(&key, departure),
            Effect::Plan { .. }
            | Effect::Urge { .. }
            | Effect::Drop { .. }
            | Effect::Cancel { .. }
            | Effect::Notify(_) => {}
        }
        Ok(Event::Forgotten { id })
    }

    fn open(
        &mut self,
        key: &campanile::workbench::ScheduleKey,
        occurrence: &Occurrence,
        plan: EffectId,
    ) -> Result<OpenResult, String> {
        let id = (key.campaign.clone(), civil(occurrence));
        let file = self.files.iter().find(|file| file.name == key.campaign);
        let version: Option<Digest> = file.map(File::version);
        let Some(daemon) = &mut self.daemon else {
            return Ok(OpenResult::Failed("dead".to_owned()));
        };
        let ready = daemon.ready.get(&plan).copied();
        if ready.is_none() || ready != version {
            return Ok(OpenResult::Outdated);
        }
        if self.journal.runs.contains_key(&id) {
            return Ok(OpenResult::AlreadyOpened);
        }
        self.check_opening(&id, occurrence)?;
        if let Some(daemon) = &mut self.daemon {
            daemon.ready.remove(&plan);
        }
        let is_paused = self.journal.paused.contains(&key.campaign);
        let state = if is_paused {
            State::Paused
        } else {
            State::Open
        };
        let at_ms = occurrence.at.timestamp_millis();
        let run = run_name(&id.0, id.1);
        self.open_run(id, (key.clone(), at_ms), state);
        Ok(OpenResult::Opened { run })
    }

    fn notice(&mut self, notice: &Notice) -> Result<(), String> {
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        if let Notice::Decided {
            campaign,
            disposition: Disposition::Missed,
            first,
            ..
        } = notice
            && first.local.and_utc().timestamp_millis() < daemon.started_ms
        {
            let told = daemon.absences.entry(campaign.clone()).or_default();
            *told += 1;
            if *told > NOTICES_MAX {
                return Err(format!("told more than once of an absence: {notice:?}"));
            }
        }
        Ok(())
    }

    /// Everything is put right: from now on nothing but time passes.
    fn calm(&mut self) -> Result<(), String> {
        self.tell(|| "all is calm".to_owned());
        self.journal_fails_until = 0;
        self.journal_hangs_until = self.journal_hangs_until.min(self.now_ns);
        self.loses_plan = false;
        if self.offset_ms != 0 {
            self.offset_ms = 0;
        }
        self.queue.retain(|_, what| {
            !matches!(
                what,
                What::ClockForward(_) | What::ClockRight | What::Mishap(_)
            )
        });
        self.disturb(self.now_ns.max(self.worker_hangs_until) + 31 * SECOND);
        self.journal.paused.clear();
        for which in 0..self.files.len() {
            let content = &mut self.files[which].content;
            if !content.is_valid || !content.exists || !content.enabled {
                (content.is_valid, content.exists, content.enabled) = (true, true, true);
                self.edit(which);
            }
            self.settle_held(which, Disposition::Released);
        }
        let open: Vec<Id> = self
            .journal
            .runs
            .iter()
            .filter(|(_, run)| run.is_open())
            .map(|(id, _)| id.clone())
            .collect();
        for id in open {
            self.at(self.now_ns, What::OperatorResumes(id));
        }
        self.start()
    }

    pub(super) fn row(&self, id: &Id) -> Option<&Row> {
        self.journal.rows.get(id)
    }

    pub(super) fn has_final(&self, id: &Id) -> bool {
        self.row(id).is_some_and(|row| is_final(row.disposition))
    }
}

fn told(id: EffectId, effect: &Effect) -> String {
    let text = match effect {
        Effect::Look { key, from, .. } => format!("look {} from {from}", key.campaign),
        Effect::Plan {
            definition,
            occurrence,
            is_due,
        } => format!(
            "plan {} {} due={is_due}",
            definition.key.campaign, occurrence.at
        ),
        Effect::Open {
            key,
            occurrence,
            plan,
        } => format!("open {} {} of {plan:?}", key.campaign, occurrence.at),
        Effect::Record {
            definition,
            cursor,
            decided,
            ..
        } => {
            let decided: Vec<_> = decided
                .iter()
                .map(|each| {
                    (
                        each.civil.local.to_string(),
                        each.disposition,
                        &each.grounds,
                    )
                })
                .collect();
            format!("record {} {cursor:?} {decided:?}", definition.key.campaign)
        }
        other => format!("{other:?}"),
    };
    format!("  -> {} {text}", id.0)
}
