//! What the executor does: it drives the dispatcher with the disk, the vendor and the clock.

use super::invariants::{balance, may_begin};
use super::journal::Written;
use super::script::Script;
use super::vendor::{Call, Proof};
use super::world::{Event, Standing, TIMEOUT_NS, World};
use super::{Id, MS, at};
use campanile::workbench::{
    Answer, Bounds, CallId, Channel, Counts, DeliveryNumber, Digest, Dispatcher, Entry, GroupId,
    Job, Lane, LookupFailure, Moment, Patience, Policy, Queue, RecentRandoms, Reply, Request,
    RunTag, SdkAppId, Search, State, Step, Wanted, decode,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Process {
    pub(super) dispatcher: Dispatcher,
    pub(super) wake: Option<(u64, u64)>,
    /// How long nobody goes on with what is drained.
    pub(super) down_ns: u64,
    courses: BTreeMap<RunTag, Course>,
    tags: u32,
    is_draining: bool,
    /// Entries that wait for the disk.
    waiting: Vec<Written>,
    is_writing: bool,
    calls: HashMap<CallId, Id>,
    searches: HashMap<(RunTag, DeliveryNumber), (Search, Wanted)>,
}

/// One run on its way through the process.
#[derive(Debug)]
struct Course {
    run: u32,
    /// Where the next page begins.
    next: u32,
    /// What onlookers are shown.
    counts: Counts,
    /// Nothing of it is to leave any more.
    is_halted: bool,
    /// How often the run had been retried when it joined.
    retried: u32,
}

impl Process {
    pub(super) fn new(
        script: &Script,
        last_started: Option<Moment>,
        randoms: RecentRandoms,
        now: Moment,
    ) -> Process {
        let lane = Lane {
            channel: script.channel,
            limit: script.limit,
            last_started,
            randoms,
            seed: 1,
            administrator: "administrator".to_owned(),
        };
        Process {
            dispatcher: Dispatcher::new(lane, now),
            wake: None,
            down_ns: 0,
            courses: BTreeMap::new(),
            tags: 0,
            is_draining: false,
            waiting: Vec::new(),
            is_writing: false,
            calls: HashMap::new(),
            searches: HashMap::new(),
        }
    }

    pub(super) fn drain(&mut self, down_ns: u64) {
        self.is_draining = true;
        self.down_ns = down_ns;
        for (tag, course) in &mut self.courses {
            course.is_halted = true;
            self.dispatcher.drain(*tag);
        }
    }

    /// Does what somebody wants done with a run.
    pub(super) fn obey(&mut self, run: u32, standing: Standing, now: Moment) {
        let mut courses = self.courses.iter_mut();
        let Some((tag, course)) = courses.find(|(_, course)| course.run == run) else {
            return;
        };
        match standing {
            _ if self.is_draining => {}
            Standing::Waiting => {
                course.is_halted = true;
                self.dispatcher.pause(*tag);
            }
            Standing::Cancelling => {
                course.is_halted = true;
                self.dispatcher.cancel(*tag, now);
            }
            Standing::Open | Standing::Finished => {}
        }
    }

    fn course(&self, run: u32) -> Option<&Course> {
        self.courses.values().find(|course| course.run == run)
    }

    pub(super) fn has(&self, run: u32) -> bool {
        self.course(run).is_some()
    }

    pub(super) fn has_halted(&self, run: u32) -> bool {
        self.course(run).is_some_and(|course| course.is_halted)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// The runs of which nothing is left to do, and how often each had been retried when it joined.
    pub(super) fn over(&self) -> Vec<(RunTag, u32, u32)> {
        let all = self.courses.iter();
        let all = all.map(|(tag, course)| (*tag, course.run, course.retried));
        all.filter(|(tag, ..)| self.dispatcher.is_over(*tag))
            .collect()
    }

    pub(super) fn leave(&mut self, tag: RunTag) {
        self.dispatcher.leave(tag);
        self.courses.remove(&tag);
    }

    pub(super) fn is_over(&self) -> bool {
        self.courses.is_empty()
    }
}

/// Whom a delivery is for.
fn group(script: &Script, id: Id) -> String {
    format!("g{}", id.1 % script.runs[at(id.0)].groups)
}

impl World {
    /// A run joins those of the process, with all that the journal says about it.
    pub(super) fn join(&mut self, run: u32) -> Result<(), String> {
        let now = self.now();
        let counts = self.journal.counts(run);
        let queue = self.queue(run);
        let targets = self.script.runs[at(run)].targets;
        let (standing, retried) = (self.runs[at(run)].standing, self.runs[at(run)].retried);
        let has_begun = |job: &Job| !job.delivery.is_untried() && !job.delivery.has_ended();
        let under_way: Vec<Job> = (0..targets)
            .map(|number| self.job((run, number)))
            .filter(has_begun)
            .collect();
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let tag = RunTag(process.tags);
        process.tags += 1;
        let course = Course {
            run,
            next: 0,
            counts,
            is_halted: false,
            retried,
        };
        process.courses.insert(tag, course);
        process.dispatcher.join(tag, queue);
        process.obey(run, standing, now);
        if under_way.is_empty() {
            return Ok(());
        }
        let steps = process.dispatcher.load(tag, under_way, now);
        self.perform(steps)
    }

    fn queue(&self, run: u32) -> Queue {
        let script = &self.script.runs[at(run)];
        let channel = self.script.channel;
        let deduplicates = channel != Channel::Notification;
        let policy = Policy {
            attempts: script.attempts,
            timeout: Duration::from_nanos(TIMEOUT_NS),
            resend_within: Duration::from_mins(if deduplicates { 4 } else { 0 }),
            deduplicates,
            on_unknown: script.on_unknown,
            can_look_up: false,
            patience: Patience::default(),
        };
        let made = self.journal.of_run(run).filter(|kept| {
            let delivery = &kept.folded;
            delivery.on_wire().is_some() || !delivery.is_first_attempt()
        });
        let made = made.count() as u64;
        let calls = script.bounds.first_attempts;
        let calls = calls.filter(|_| !self.runs[at(run)].has_paused);
        let bounds = Bounds {
            first_attempts: calls.map(|calls| calls.saturating_sub(made)),
            ..self.bounds(run)
        };
        let occurrence = Digest::of("occurrence", [run.to_be_bytes().as_slice()]);
        Queue::new(SdkAppId(1), occurrence, policy, bounds)
    }

    /// What is wanted again is wanted however late it is.
    fn bounds(&self, run: u32) -> Bounds {
        let bounds = self.script.runs[at(run)].bounds;
        let was_retried = self.runs[at(run)].retried > 0;
        Bounds {
            finish_by_ms: bounds.finish_by_ms.filter(|_| !was_retried),
            ..bounds
        }
    }

    fn job(&self, id: Id) -> Job {
        let is_online_only = self.script.runs[at(id.0)].is_online_only;
        let flag = u8::from(is_online_only);
        let content = format!(
            r#"{{"OnlineOnlyFlag":{flag},"CloudCustomData":"{}/{}"}}"#,
            id.0, id.1
        );
        let channel = self.script.channel;
        let group = (channel != Channel::Broadcast)
            .then(|| GroupId::try_from(group(&self.script, id).as_str()).unwrap());
        Job {
            number: DeliveryNumber(id.1),
            request: Request {
                channel,
                group,
                members: Arc::new([]),
                content: content.into(),
            },
            delivery: self.journal.of(id).folded.clone(),
        }
    }

    pub(super) fn perform(&mut self, steps: Vec<Step>) -> Result<(), String> {
        for step in steps {
            match step {
                Step::Record {
                    run,
                    number,
                    place,
                    entry,
                } => self.record(run, number, place, entry)?,
                Step::Send {
                    call,
                    body,
                    leaves_by_ns,
                } => self.send(call, &body, leaves_by_ns)?,
                Step::Fetch { run } => {
                    let wait = self.chance.between(0, 5 * MS);
                    self.after(wait, Event::Page(run));
                }
                Step::LookUp {
                    run,
                    number,
                    wanted,
                    ..
                } => {
                    if let Some(process) = &mut self.process {
                        let search = Search::new(wanted.clone());
                        process.searches.insert((run, number), (search, wanted));
                    }
                    self.after(30 * MS, Event::Asked(run, number));
                }
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        tag: RunTag,
        number: DeliveryNumber,
        place: u32,
        entry: Entry,
    ) -> Result<(), String> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let Some(course) = process.courses.get(&tag) else {
            return Ok(());
        };
        if course.is_halted && matches!(entry, Entry::Started { .. }) {
            return Err(format!(
                "{tag:?} {number} is Started though its run is halted"
            ));
        }
        let id = (course.run, number.0);
        process.waiting.push(Written { id, place, entry });
        self.write();
        Ok(())
    }

    /// Whatever has gathered goes to the disk together.
    fn write(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        if process.is_writing || process.waiting.is_empty() {
            return;
        }
        process.is_writing = true;
        let batch = std::mem::take(&mut process.waiting);
        let takes = self.commit_ns();
        self.after(takes, Event::Commit(batch));
    }

    /// The writer may write on, and the dispatcher hears what is durable.
    pub(super) fn noticed(&mut self, batch: &[Written]) -> Result<(), String> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        process.is_writing = false;
        for each in batch {
            let mut courses = process.courses.iter_mut();
            let Some((tag, course)) = courses.find(|(_, course)| course.run == each.id.0) else {
                continue;
            };
            let number = DeliveryNumber(each.id.1);
            let ended = process.dispatcher.recorded(*tag, number, &each.entry);
            if let Some(state) = ended {
                course.counts.move_on(State::Pending, state);
            }
            balance(course.counts, self.script.runs[at(course.run)].targets)?;
        }
        self.write();
        Ok(())
    }

    fn send(&mut self, call: CallId, body: &str, leaves_by_ns: u64) -> Result<(), String> {
        let what = Call::read(body);
        let now = self.now();
        let process = self.process.as_ref();
        if process.is_some_and(|process| process.has_halted(what.id.0)) {
            return Err(format!("{:?} is sent though its run is halted", what.id));
        }
        let first = self
            .observer
            .calls(what.id, self.journal.of(what.id), body)?;
        if first {
            let run = what.id.0;
            let bounds = self.bounds(run);
            may_begin(what.id, &bounds, now)?;
            let has_paused = self.runs[at(run)].has_paused;
            let wanted = bounds.first_attempts.filter(|_| !has_paused);
            self.observer.begins(run, wanted)?;
        }
        if let Some(process) = &mut self.process {
            process.calls.insert(call, what.id);
        }
        let wait = self.chance.between(0, self.script.path.hesitates);
        self.after(wait, Event::Leaves(call, what, leaves_by_ns));
        Ok(())
    }

    /// Its run was halted, or its time was over, before a byte of it had left.
    pub(super) fn keep_back(&mut self, call: CallId) -> Result<(), String> {
        let now = self.now();
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let Some(id) = process.calls.remove(&call) else {
            return Ok(());
        };
        self.observer.kept_back(id);
        let steps = process.dispatcher.kept_back(call, now);
        self.perform(steps)
    }

    pub(super) fn answered(
        &mut self,
        call: CallId,
        reply: &Reply,
        proof: Proof,
        now: Moment,
    ) -> Result<(), String> {
        let outcome = decode(self.script.channel, reply);
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let Some(id) = process.calls.remove(&call) else {
            return Ok(());
        };
        self.observer.answered(id, proof);
        let steps = process.dispatcher.answered(call, outcome, now);
        self.perform(steps)
    }

    /// The next deliveries that were never tried; none are the last.
    pub(super) fn load_page(&mut self, tag: RunTag, now: Moment) -> Result<(), String> {
        let process = self.process.as_ref();
        let Some(course) = process.and_then(|process| process.courses.get(&tag)) else {
            return Ok(());
        };
        let (run, mut next) = (course.run, course.next);
        let targets = self.script.runs[at(run)].targets;
        let mut jobs = Vec::new();
        while jobs.is_empty() && next < targets {
            let end = targets.min(next + self.script.page);
            let page = (next..end).map(|number| self.job((run, number)));
            jobs.extend(page.filter(|job| job.delivery.is_untried() && !job.delivery.has_ended()));
            next = end;
        }
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        if let Some(course) = process.courses.get_mut(&tag) {
            course.next = next;
        }
        let steps = process.dispatcher.load(tag, jobs, now);
        self.perform(steps)
    }

    /// The next question of a search is answered.
    pub(super) fn asked(
        &mut self,
        tag: RunTag,
        number: DeliveryNumber,
        now: Moment,
    ) -> Result<(), String> {
        let is_deaf = self.is_deaf();
        let vendor_ms = self.vendor.time_s(self.now_ns) * 1_000;
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let run = process.courses.get(&tag).map(|course| course.run);
        let Some((search, wanted)) = process.searches.get_mut(&(tag, number)) else {
            return Ok(());
        };
        let wanted = wanted.clone();
        let finding = if is_deaf || run.is_none() {
            let answer = Answer::new(10_002, "the vendor had an internal error");
            search.learn(Err(LookupFailure::Failed(answer)))
        } else {
            let id = (run.unwrap_or_default(), number.0);
            let group = group(&self.script, id);
            let told = self.vendor.tell(self.now_ns, &group, search.next());
            search.learn(Ok(told))
        };
        let pause = u64::try_from(search.pause().as_nanos()).unwrap();
        let Some(finding) = finding else {
            self.after(pause + 30 * MS, Event::Asked(tag, number));
            return Ok(());
        };
        process.searches.remove(&(tag, number));
        let finding = wanted.weigh(finding, now, Some(vendor_ms));
        let steps = process.dispatcher.looked_up(tag, number, finding, now);
        self.perform(steps)
    }
}
