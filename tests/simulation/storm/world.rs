//! A machine, its disk, its network and the people around it, in simulated time.

use super::chance::Chance;
use super::coverage::Coverage;
use super::invariants::Observer;
use super::journal::{Journal, Written};
use super::process::Process;
use super::script::{Kind, Script, Trigger};
use super::trouble::Troubles;
use super::vendor::{Call, Proof, Vendor};
use super::wire::Flight;
use super::{DAY, MS, SECOND, at};
use campanile::workbench::{CallId, DeliveryNumber, Moment, Reply, RunTag, State};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How long a call is waited for.
pub(super) const TIMEOUT_NS: u64 = 10 * SECOND;
/// A world that has not come to its end by then never will.
const EVENTS_MAX: u64 = 300_000;

pub(super) enum Event {
    /// The disk has finished what it was given.
    Commit(Vec<Written>),
    /// The process hears of it.
    Notice(Vec<Written>),
    /// The first byte of a call goes out, unless this instant of the boot clock has passed.
    Leaves(CallId, Call, u64),
    Arrives(Flight),
    Answered(CallId, Reply, Proof),
    Page(RunTag),
    /// A history is asked the next question.
    Asked(RunTag, DeliveryNumber),
    Wake,
    Mishap(usize),
    /// Somebody begins a run, or goes on with one that was stopped or paused.
    Resumes(u32),
    /// The process is started anew after its death.
    Starts,
    /// The process looks at what people want done with a run.
    Looks(u32),
    /// Those of a run that ended so are wanted again, from this number on.
    Retries(u32, State, u32),
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not begun, or waiting for a person.
    Waiting,
    Open,
    /// Nothing of it is sent any more, and it is not settled yet.
    Cancelling,
    Finished,
}

/// Whether somebody wants what did not get through sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retrying {
    No,
    /// Somebody will.
    Soon,
    /// It is being written down.
    Now,
}

#[derive(Debug)]
pub(super) struct Run {
    pub(super) standing: Standing,
    /// It has had the pause after its first calls.
    pub(super) has_paused: bool,
    pub(super) has_begun: bool,
    /// Since when somebody wants nothing of it sent.
    pub(super) halted_ns: Option<u64>,
    /// How often somebody began to have deliveries of it sent again.
    pub(super) retried: u32,
    pub(super) retrying: Retrying,
}

pub(super) struct World {
    pub(super) script: Script,
    pub(super) chance: Chance,
    pub(super) now_ns: u64,
    pub(super) wall_offset_ms: i64,
    /// When the machine was started, on the true clock.
    pub(super) booted_ns: i64,
    pub(super) boot_id: u32,
    pub(super) events: BTreeMap<(u64, u64), (u32, Event)>,
    pub(super) event_count: u64,
    pub(super) counted: [u32; Kind::COUNT],
    pub(super) spent: Vec<bool>,
    /// How many things went wrong.
    pub(super) faults: u32,
    pub(super) process: Option<Process>,
    /// Processes so far.
    pub(super) process_count: u32,
    pub(super) journal: Journal,
    pub(super) vendor: Vendor,
    pub(super) troubles: Troubles,
    pub(super) runs: Vec<Run>,
    pub(super) observer: Observer,
    pub(super) coverage: Coverage,
    pub(super) text: Option<String>,
}

impl World {
    pub(super) fn new(script: Script, is_told: bool) -> World {
        let run = |_| Run {
            standing: Standing::Waiting,
            has_paused: false,
            has_begun: false,
            halted_ns: None,
            retried: 0,
            retrying: Retrying::No,
        };
        let mut world = World {
            chance: Chance::new(!script.seed),
            now_ns: 0,
            wall_offset_ms: 0,
            booted_ns: -1_000_000_000_000,
            boot_id: 1,
            events: BTreeMap::new(),
            event_count: 0,
            counted: [0; Kind::COUNT],
            spent: vec![false; script.mishaps.len()],
            faults: 0,
            process: None,
            process_count: 0,
            journal: Journal::new(script.runs.iter().map(|run| run.targets)),
            vendor: Vendor::new(
                script.channel,
                script.limit,
                script.history,
                script.begins_wall_ms,
            ),
            troubles: Troubles::default(),
            runs: (0..script.runs.len()).map(run).collect(),
            observer: Observer::default(),
            coverage: Coverage::new(),
            text: is_told.then(String::new),
            script,
        };
        for (place, mishap) in world.script.mishaps.clone().iter().enumerate() {
            if let Trigger::At(at_ns) = mishap.trigger {
                world.at(at_ns, Event::Mishap(place));
            }
        }
        for (run, script) in (0..).zip(world.script.runs.clone()) {
            world.at(script.begins_ns, Event::Resumes(run));
        }
        world
    }

    pub(super) fn now(&self) -> Moment {
        let wall_ms = i64::try_from(self.now_ns / MS).unwrap();
        let boot_ns = i64::try_from(self.now_ns).unwrap() - self.booted_ns;
        Moment {
            wall_ms: self.script.begins_wall_ms + wall_ms + self.wall_offset_ms,
            boot_ns: u64::try_from(boot_ns).unwrap(),
            boot_id: self.boot_id,
        }
    }

    /// What of the boot clock is so late in true time.
    fn true_ns(&self, boot_ns: u64) -> u64 {
        let at_ns = i64::try_from(boot_ns.min(u64::MAX / 4)).unwrap() + self.booted_ns;
        u64::try_from(at_ns).unwrap_or(0).max(self.now_ns)
    }

    /// Turns until every run has come to its end.
    pub(super) fn run(&mut self) -> Result<(), String> {
        while self
            .runs
            .iter()
            .any(|run| run.standing != Standing::Finished || run.retrying != Retrying::No)
        {
            let Some(((at_ns, number), (process, event))) = self.events.pop_first() else {
                return Err("the world stands still".to_owned());
            };
            if self.event_count > EVENTS_MAX || at_ns > self.patience_ns() {
                return Err("the world comes to no end".to_owned());
            }
            let is_alive = self.process.is_some() && process == self.process_count;
            if event.outlives_its_process() {
                self.now_ns = at_ns.max(self.now_ns);
                self.happen(event)?;
                self.turn()?;
            } else if is_alive && at_ns < self.troubles.frozen {
                let key = (self.thaws_ns(&event), number);
                self.events.insert(key, (process, event));
            } else if is_alive {
                self.now_ns = at_ns.max(self.now_ns);
                self.happen(event)?;
                self.turn()?;
            }
        }
        Ok(())
    }

    /// When something happens that a frozen process was about to do. Connections are closed meanwhile, and made anew.
    fn thaws_ns(&mut self, event: &Event) -> u64 {
        let frozen = self.troubles.frozen;
        match event {
            Event::Leaves(..) => frozen + self.chance.between(0, 200) * MS,
            Event::Looks(_) => self.troubles.blind,
            _ => frozen,
        }
    }

    /// Searches take minutes, windows open the next day, and whoever is away comes back within a day or two.
    fn patience_ns(&self) -> u64 {
        let days = if self.script.has_hours() { 8 } else { 5 };
        self.script.quiet_ns + days * DAY
    }

    pub(super) fn at(&mut self, at_ns: u64, event: Event) -> (u64, u64) {
        self.event_count += 1;
        let key = (at_ns, self.event_count);
        self.events.insert(key, (self.process_count, event));
        key
    }

    pub(super) fn after(&mut self, wait_ns: u64, event: Event) -> (u64, u64) {
        self.at(self.now_ns + wait_ns, event)
    }

    /// What goes wrong just before or just after an event.
    fn happen(&mut self, event: Event) -> Result<(), String> {
        let kinds = [event.kind().unwrap_or(Kind::Any), Kind::Any];
        for kind in kinds {
            self.counted[kind as usize] += 1;
        }
        let count = |this: &World, kind| this.counted[kind as usize];
        let is_alive = self.process.is_some();
        for kind in kinds {
            let number = count(self, kind);
            self.strike(|trigger| {
                matches!(trigger, Trigger::Before(each, at) if each == kind && at == number)
            });
        }
        let has_died = is_alive && self.process.is_none();
        if event.outlives_its_process() {
            self.take(event)?;
        } else if self.is_frozen() {
            let thaws = self.thaws_ns(&event);
            self.at(thaws, event);
        } else if !has_died {
            self.take(event)?;
        }
        for kind in kinds {
            let number = count(self, kind);
            self.strike(|trigger| {
                matches!(trigger, Trigger::After(each, at) if each == kind && at == number)
            });
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        let now = self.now();
        match event {
            Event::Commit(batch) => {
                self.tell(|_| format!("durable: {batch:?}"));
                self.journal.commit(&batch, &mut self.coverage)?;
                self.observer.durable(&batch, self.process_count)?;
                let notice = self.chance.between(0, 300_000);
                self.after(notice, Event::Notice(batch));
                Ok(())
            }
            Event::Notice(batch) => self.noticed(&batch),
            Event::Leaves(call, what, by_ns) => self.leave(call, what, by_ns),
            Event::Arrives(flight) => {
                self.arrive(flight);
                Ok(())
            }
            Event::Answered(call, reply, proof) => {
                self.tell(|_| format!("call {call} is answered: {reply:?}"));
                self.answered(call, &reply, proof, now)
            }
            Event::Page(tag) => self.load_page(tag, now),
            Event::Asked(tag, number) => self.asked(tag, number, now),
            Event::Wake => Ok(()),
            Event::Mishap(place) => {
                self.mishap(place);
                Ok(())
            }
            Event::Resumes(run) => self.resume(run),
            Event::Starts => self.start(),
            Event::Looks(run) => {
                self.look(run);
                Ok(())
            }
            Event::Retries(run, state, from) => self.retry(run, state, from),
        }
    }

    /// Somebody begins a run, or goes on with it.
    pub(super) fn resume(&mut self, run: u32) -> Result<(), String> {
        if self.now_ns < self.troubles.down {
            self.at(self.troubles.down, Event::Resumes(run));
            return Ok(());
        }
        let each = &mut self.runs[at(run)];
        if each.standing == Standing::Finished || each.retrying == Retrying::Now {
            return Ok(());
        }
        each.has_begun = true;
        if each.standing == Standing::Waiting {
            each.standing = Standing::Open;
            each.halted_ns = None;
        }
        self.tell(|_| format!("run {run} is begun or resumed"));
        self.troubles.locked = None;
        match &self.process {
            Some(process) if process.is_draining() || process.has(run) => Ok(()),
            Some(_) => self.join(run),
            None => self.start(),
        }
    }

    fn start(&mut self) -> Result<(), String> {
        let is_open = |run: &u32| {
            matches!(
                self.runs[at(*run)].standing,
                Standing::Open | Standing::Cancelling
            )
        };
        let open: Vec<u32> = (0..).take(self.runs.len()).filter(is_open).collect();
        if self.process.is_some() || open.is_empty() || self.now_ns < self.troubles.down {
            return Ok(());
        }
        self.process_count += 1;
        self.tell(|this| format!("process {} starts", this.process_count));
        let now = self.now();
        let (last_started, randoms) = self.journal.lane_history(now);
        self.process = Some(Process::new(&self.script, last_started, randoms, now));
        for run in open {
            self.join(run)?;
        }
        Ok(())
    }

    /// All that is to be done now, and when to look again.
    fn turn(&mut self) -> Result<(), String> {
        let now = self.now();
        if self.is_frozen() || self.is_blind() {
            return Ok(());
        }
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let steps = process.dispatcher.steps(now);
        self.perform(steps)?;
        self.settle()?;
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let wake = process.dispatcher.wake_ns(now);
        if let Some(forgotten) = process.wake.take() {
            self.events.remove(&forgotten);
        }
        // The kernel wakes nobody to the nanosecond; and once in a while everybody looks around.
        let late = self.chance.between(0, 80_000);
        let look = self.now_ns + 600 * SECOND;
        let wake = wake.map_or(look, |wake| self.true_ns(wake).min(look));
        let key = self.at(wake + late, Event::Wake);
        if let Some(process) = &mut self.process {
            process.wake = Some(key);
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, what: impl Fn(&World) -> String) {
        if let Some(mut text) = self.text.take() {
            let now = self.now();
            let seconds = self.now_ns / MS;
            let _ = writeln!(
                text,
                "{:>9}.{:03} wall {:>8} boot {}: {}",
                seconds / 1_000,
                seconds % 1_000,
                now.wall_ms - self.script.begins_wall_ms,
                now.boot_id,
                what(self)
            );
            self.text = Some(text);
        }
    }
}

impl Event {
    fn kind(&self) -> Option<Kind> {
        match self {
            Event::Commit(_) => Some(Kind::Commit),
            Event::Notice(_) => Some(Kind::Notice),
            Event::Leaves(..) => Some(Kind::Leaves),
            Event::Arrives(_) => Some(Kind::Arrives),
            Event::Answered(..) => Some(Kind::Answered),
            Event::Page(_) => Some(Kind::Page),
            Event::Asked(..) => Some(Kind::Asked),
            Event::Wake
            | Event::Mishap(_)
            | Event::Resumes(_)
            | Event::Starts
            | Event::Looks(_) => None,
            Event::Retries(..) => Some(Kind::Retries),
        }
    }

    fn outlives_its_process(&self) -> bool {
        matches!(
            self,
            Event::Arrives(_)
                | Event::Mishap(_)
                | Event::Resumes(_)
                | Event::Starts
                | Event::Retries(..)
        )
    }
}
