//! The running machine around the dispatcher: one lane, the run it was taken for, and those that others open on it.

mod guests;
mod outage;
mod performing;

pub(super) use outage::through_outages;

use crate::channel::{Answer, Channel, Outcome, Reply, decode};
use crate::clock::{self, Timer};
use crate::delivery::{Finding, Interruption, PauseReason, RunEvent, RunState, State};
use crate::dispatch::{CallId, Dispatcher, Halt, Job, Lane, RunTag};
use crate::executor::Error;
use crate::executor::course::{Course, Prepared, settle};
use crate::executor::execute::{Ending, Execution, LaneRules, Seat};
use crate::executor::historian::Historian;
use crate::executor::lookout::Lookout;
use crate::executor::pages::Pages;
use crate::executor::progress::{Progress, WaitReason};
use crate::executor::restored::Doubt;
use crate::executor::writer;
use crate::identity::{DeliveryNumber, Digest, Moment, RunName, VendorApp};
use crate::journal::{self, Journal, Outage, Run, RunId, Stamp, Written};
use crate::process::LaneShare;
use crate::seeded_bug::SeededBug;
use crate::vendor::Client;
use outage::{OUTAGE_TIMEOUT, Unwritten};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

/// How often the journal is asked what others opened, or want paused. Whoever pauses a run is promised two seconds.
const LOOKED_EVERY: Duration = Duration::from_millis(500);
/// Notices of first bytes that may wait; calls in flight are fewer.
const WIRES_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct Loop {
    journal: Journal,
    historian: Historian,
    client: Client,
    app: VendorApp,
    /// The app's role in the settings: what it is sent as.
    role: String,
    channel: Channel,
    rules: LaneRules,
    drain: watch::Receiver<Option<Interruption>>,
    is_draining: bool,
    /// It was taken to settle a cancelled run: whoever asked for that wants nothing sent.
    is_alone: bool,
    progress: watch::Sender<Progress>,
    /// The run that the lane was taken for, and how it ended.
    own: RunTag,
    ending: Option<Ending>,
    dispatcher: Dispatcher,
    /// Of the connections that the process may have.
    share: LaneShare,
    courses: BTreeMap<RunTag, Course>,
    tags: u32,
    lookout: Lookout,
    /// It is being asked what people want done with the runs at hand.
    is_heeding: bool,
    /// Runs of others that had to be left.
    left: Vec<RunName>,
    left_alone: mpsc::UnboundedSender<(RunName, RunState)>,
    timer: Timer,
    looks: Interval,
    /// The journal at the last look: whoever has nothing to send need not look at it again.
    looked_at: (Stamp, Moment),
    /// Runs that were opened just now, and are not to wait for the next look.
    opened: mpsc::UnboundedReceiver<RunId>,
    calls: JoinSet<(CallId, Option<Reply>, Moment)>,
    wires: mpsc::Receiver<(CallId, Moment)>,
    wire: mpsc::Sender<(CallId, Moment)>,
    /// What is read and written beside the calls.
    tasks: JoinSet<Result<Event, Error>>,
    /// Where that happens: another runtime, so that it holds no call up.
    beside: Handle,
    writer: JoinSet<Result<(), journal::Error>>,
    entries: mpsc::Sender<Written>,
    durable: mpsc::Receiver<Vec<Written>>,
    /// Whether the journal can be written.
    outages: watch::Receiver<Option<Outage>>,
    /// How long to wait until it can; `None`: for as long as the process lives.
    outage_timeout: Option<Duration>,
    unwritten: Unwritten,
}

/// What the loop waits for.
#[derive(Debug)]
enum Event {
    OnWire(CallId, Moment),
    Answered(CallId, Reply, Moment),
    /// Its run was halted, or its time was over, before a byte of it had left.
    KeptBack(CallId),
    Durable(Vec<Written>),
    Page(RunTag, Vec<Job>, Box<Pages>),
    /// Time to look what others want.
    Look,
    /// The runs of the lane that have not ended.
    Found(u64, Vec<Run>),
    /// How the runs at hand stood at that moment.
    Heard(Moment, Vec<(RunTag, Result<Run, journal::Error>)>),
    /// A run was opened in this moment.
    Opened(RunId),
    New(Box<Run>),
    Joined(RunTag, Box<Prepared>),
    LookedUp(RunTag, DeliveryNumber, Finding),
    /// A run in which nothing has happened for long.
    LeftAlone(Box<Run>),
    /// A run of somebody else's that cannot be read from the journal.
    Unreadable(RunId, RunName),
    /// The same of one that was taken in, or somebody else has ended it.
    Broken(RunTag),
    Settled(RunTag, Ending),
    Drain,
    PauseRecorded,
    /// A time came, or there is nothing to tell.
    Woke,
}

impl Loop {
    /// The lane, and the run it was taken for.
    pub(super) async fn start(execution: Execution, beside: Handle) -> Result<Loop, Error> {
        let now = clock::now();
        let Execution {
            journal,
            client,
            run,
            rules,
            drain,
            progress,
        } = execution;
        let seat = Seat {
            app: run.key.app.clone(),
            role: run.app.clone(),
            channel: run.channel,
            journal,
            client,
            rules,
            drain,
            left_alone: mpsc::unbounded_channel().0,
        };
        // Nobody tells of them.
        let (_, opened) = mpsc::unbounded_channel();
        let mut this = Loop::seated(seat, progress, opened, beside).await?;
        this.outage_timeout = Some(OUTAGE_TIMEOUT);
        let doubt = Doubt {
            journal: &this.journal,
            historian: &this.historian,
            rules,
            administrator: this.client.administrator(),
        };
        let prepare = || prepare(&doubt, run.clone(), this.drain.clone());
        let prepared = through_outages(&this.journal, prepare).await?;
        this.is_alone = prepared.course.run.is_cancelling();
        let counts = prepared.under_way.counts;
        this.progress
            .send_modify(|progress| progress.counts = counts);
        this.join(this.own, prepared).await?;
        if this.drain.borrow().is_some() {
            this.begin_to_drain();
        }
        this.tell_waiting(now);
        Ok(this)
    }

    /// The lane alone.
    pub(super) async fn seated(
        seat: Seat,
        progress: watch::Sender<Progress>,
        opened: mpsc::UnboundedReceiver<RunId>,
        beside: Handle,
    ) -> Result<Loop, Error> {
        let now = clock::now();
        let lane = lane(&seat).await?;
        let Seat {
            journal,
            client,
            app,
            role,
            channel,
            rules,
            drain,
            left_alone,
        } = seat;
        let (entries, entries_in) = mpsc::channel(writer::QUEUE_MAX);
        let (durable_out, durable) = mpsc::channel(writer::QUEUE_MAX);
        let (wire, wires) = mpsc::channel(WIRES_MAX);
        let mut writer = JoinSet::new();
        writer.spawn_on(
            writer::write(journal.clone(), entries_in, durable_out),
            &beside,
        );
        let share = LaneShare::take();
        let mut dispatcher = Dispatcher::new(lane, now);
        dispatcher.allow_in_flight(share.calls());
        let mut looks = interval(LOOKED_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Loop {
            outages: journal.outages(),
            outage_timeout: None,
            unwritten: Unwritten::default(),
            journal,
            client: if SeededBug::ConnectionsShared.is_active() {
                client.clone()
            } else {
                client.apart()?
            },
            historian: Historian::new(client),
            app,
            role,
            channel,
            rules,
            drain,
            is_draining: false,
            is_alone: false,
            progress,
            own: RunTag(0),
            ending: None,
            dispatcher,
            share,
            courses: BTreeMap::new(),
            tags: 0,
            lookout: Lookout::default(),
            is_heeding: false,
            left: Vec::new(),
            left_alone,
            timer: Timer::new()?,
            looks,
            looked_at: (Stamp::default(), now),
            opened,
            calls: JoinSet::new(),
            wires,
            wire,
            tasks: JoinSet::new(),
            beside,
            writer,
            entries,
            durable,
        })
    }

    /// Turns until the own run has come to its end, or must be left.
    pub(super) async fn turn_own(&mut self) -> Result<Ending, Error> {
        loop {
            if let Some(ending) = &self.ending {
                return Ok(ending.clone());
            }
            self.turn().await?;
        }
    }

    /// Turns until nothing of others is left to send, or it must be left. Returns what was.
    pub(super) async fn turn_others(&mut self) -> Result<Vec<RunName>, Error> {
        while !self.courses.is_empty() {
            self.turn().await?;
        }
        Ok(std::mem::take(&mut self.left))
    }

    /// Turns until it is drained and nothing is left under way.
    pub(super) async fn turn_always(&mut self) -> Result<(), Error> {
        while !self.is_draining || !self.courses.is_empty() {
            self.turn().await?;
        }
        Ok(())
    }

    async fn turn(&mut self) -> Result<(), Error> {
        let now = clock::now();
        let gives_up_at = self.gives_up_at(now);
        self.check_patience(gives_up_at, now)?;
        let wake = if self.is_up_to_date(now) && !self.waits_for_journal() {
            let steps = self.dispatcher.steps(now);
            self.perform(steps).await?;
            self.dispatcher.wake_ns(now)
        } else {
            None
        };
        self.settle_ended();
        let wake = wake.map(|boot_ns| Moment { boot_ns, ..now });
        let wake = wake
            .into_iter()
            .chain(gives_up_at)
            .min_by_key(|at| at.boot_ns);
        let event = self.wait(wake).await?;
        self.take(event).await
    }

    /// Whether it was read lately what people want done with the runs; else nothing is begun before the next look.
    fn is_up_to_date(&self, now: Moment) -> bool {
        let mut courses = self.courses.values();
        let has_run_out = |course: &Course| !course.is_settling && course.permit.has_run_out(now);
        self.is_draining || !courses.any(has_run_out)
    }

    /// Waits for the next thing to happen. What comes seldom comes first, so that no flood of answers keeps what
    /// somebody wants paused waiting; then what leads to a Send.
    async fn wait(&mut self, wake: Option<Moment>) -> Result<Event, Error> {
        let event = tokio::select! {
            biased;
            Ok(_) = self.drain.wait_for(Option::is_some), if !self.is_draining => Event::Drain,
            Ok(()) = self.outages.changed() => Event::Woke,
            _ = self.looks.tick(), if !self.is_draining => Event::Look,
            Some(run) = self.opened.recv() => Event::Opened(run),
            Some(done) = self.tasks.join_next() => done??,
            Some((call, at)) = self.wires.recv() => Event::OnWire(call, at),
            Some(call) = self.calls.join_next() => {
                let (call, reply, at) = call?;
                reply.map_or(Event::KeptBack(call), |reply| Event::Answered(call, reply, at))
            }
            Some(batch) = self.durable.recv() => Event::Durable(batch),
            Some(ended) = self.writer.join_next() => {
                ended??;
                Event::Woke
            }
            slept = self.timer.sleep_until(wake.unwrap_or_else(clock::now)), if wake.is_some() => {
                slept?;
                Event::Woke
            }
        };
        Ok(event)
    }

    /// Tells the dispatcher.
    async fn take(&mut self, event: Event) -> Result<(), Error> {
        match event {
            // One thread does both, so whatever was to be written then is written now.
            Event::OnWire(call, at) => self.dispatcher.on_wire(call, at, clock::now()),
            Event::Answered(call, reply, at) => self.answered(call, &reply, at).await?,
            Event::KeptBack(call) => {
                let steps = self.dispatcher.kept_back(call, clock::now());
                self.perform(steps).await?;
            }
            Event::Durable(batch) => self.durable(&batch),
            Event::Page(tag, jobs, pages) => {
                if let Some(course) = self.courses.get_mut(&tag) {
                    course.pages = Some(*pages);
                }
                let steps = self.dispatcher.load(tag, jobs, clock::now());
                self.perform(steps).await?;
            }
            Event::Look => {
                self.dispatcher.allow_in_flight(self.share.calls());
                self.heed();
                self.look();
            }
            Event::Found(look, runs) => self.found(look, runs),
            Event::Heard(read, runs) => self.heard(read, runs)?,
            Event::Opened(run) => self.read_new(run),
            Event::New(run) => self.opened(*run),
            Event::Joined(tag, prepared) => self.join(tag, *prepared).await?,
            Event::LookedUp(tag, number, finding) => {
                let now = clock::now();
                let steps = self.dispatcher.looked_up(tag, number, finding, now);
                self.perform(steps).await?;
            }
            Event::LeftAlone(run) => {
                self.lookout.left_alone(&run);
                // Only a daemon listens.
                let _ = self.left_alone.send((run.name(), run.state()));
            }
            Event::Unreadable(run, name) => self.unreadable(run, name),
            Event::Broken(tag) => self.broken(tag),
            Event::Settled(tag, ending) => self.settled(tag, ending),
            Event::Drain => self.begin_to_drain(),
            Event::PauseRecorded => self.unwritten.is_pausing = false,
            Event::Woke => {}
        }
        self.tell_waiting(clock::now());
        Ok(())
    }

    async fn join(&mut self, tag: RunTag, prepared: Prepared) -> Result<(), Error> {
        let Prepared {
            course,
            queue,
            under_way,
        } = prepared;
        self.lookout.taken(course.run.id);
        let run = course.run.clone();
        self.courses.insert(tag, course);
        self.dispatcher.join(tag, queue);
        if self.is_draining {
            self.dispatcher.drain(tag);
        }
        self.obey(tag, &run);
        if under_way.jobs.is_empty() {
            return Ok(());
        }
        let steps = self.dispatcher.load(tag, under_way.jobs, clock::now());
        self.perform(steps).await
    }

    async fn answered(&mut self, call: CallId, reply: &Reply, at: Moment) -> Result<(), Error> {
        let outcome = self.understand(reply);
        let trouble = trouble(&outcome).map(|answer| (self.channel, answer.clone()));
        self.progress
            .send_modify(|progress| progress.trouble = trouble);
        let steps = self.dispatcher.answered(call, outcome, at);
        self.perform(steps).await
    }

    /// Calls in flight together share a signature: only the first of them tells that it expired.
    fn understand(&self, reply: &Reply) -> Outcome {
        let outcome = decode(self.channel, reply);
        let is_old =
            outcome.wants_new_signature(self.channel) && !self.client.forget_signature(reply);
        if is_old {
            return Outcome::signed_before();
        }
        outcome
    }

    /// Records at once that the own run is paused, so that a process killed in its drain leaves it so. Those of others stay
    /// open, for whoever opened them.
    fn begin_to_drain(&mut self) {
        self.is_draining = true;
        if let Some(course) = self
            .courses
            .get(&self.own)
            .filter(|course| !course.is_settling && !course.is_cancelled)
        {
            let interruption = self.drain.borrow().unwrap_or(Interruption::Error);
            let reason = PauseReason::Interrupted(interruption);
            let event = RunEvent::Paused { reason };
            let (journal, run, at) = (self.journal.clone(), course.run.id, clock::now());
            self.unwritten.is_pausing = true;
            self.beside(async move {
                let pause = || async { Ok(journal.append_run(run, &event, at).await?) };
                through_outages(&journal, pause).await?;
                Ok(Event::PauseRecorded)
            });
        }
        for (&tag, course) in &self.courses {
            course.halt();
            self.dispatcher.drain(tag);
        }
        self.progress
            .send_modify(|progress| progress.draining = true);
    }

    fn beside(&mut self, task: impl Future<Output = Result<Event, Error>> + Send + 'static) {
        self.tasks.spawn_on(task, &self.beside);
    }

    /// Writes down, beside the calls of others, how the runs that are over were left.
    fn settle_ended(&mut self) {
        for (&tag, course) in &mut self.courses {
            let is_left = self.unwritten.is_pausing && tag == self.own;
            if course.is_settling || is_left || !self.dispatcher.is_over(tag) {
                continue;
            }
            course.is_settling = true;
            let halt = self.dispatcher.halt(tag).cloned();
            let (journal, run, own) = (self.journal.clone(), course.run.clone(), self.own);
            let seen = self.progress.borrow().accepted_here;
            let settling = async move {
                match settle(&journal, &run, halt).await {
                    Ok(Ending::Finished(mut counts)) if SeededBug::CountsFromMemory.is_active() => {
                        counts.accepted = seen;
                        Ok(Event::Settled(tag, Ending::Finished(counts)))
                    }
                    Ok(ending) => Ok(Event::Settled(tag, ending)),
                    Err(error) => broken(tag, own, error),
                }
            };
            self.tasks.spawn_on(settling, &self.beside);
        }
    }

    fn settled(&mut self, tag: RunTag, ending: Ending) {
        let halt = self.dispatcher.halt(tag).cloned();
        self.dispatcher.leave(tag);
        let course = self.courses.remove(&tag);
        if let Some(course) = &course {
            self.lookout.settled(course.run.id);
        }
        if tag == self.own {
            self.ending = Some(ending);
        } else if halt == Some(Halt::Left) {
            self.left.extend(course.map(|course| course.run.name()));
        }
    }

    /// Publishes what the own run waits for: it looks like one that hangs otherwise.
    fn tell_waiting(&self, now: Moment) {
        let own = self.courses.get(&self.own);
        let hours = own.and_then(|own| own.hours);
        let outage = self.outages.borrow();
        let waiting = if let Some(outage) = outage.as_ref() {
            Some(WaitReason::Journal(outage.error.to_string()))
        } else if own.is_some_and(|own| own.is_cancelled) {
            Some(WaitReason::Cancelled)
        } else {
            let reopening = hours.and_then(|hours| hours.waiting(now));
            reopening.map(WaitReason::Window)
        };
        let others = self.courses.len().saturating_sub(1);
        self.progress.send_if_modified(|progress| {
            let is_news = progress.waiting != waiting || progress.others != others;
            (progress.waiting, progress.others) = (waiting, others);
            is_news
        });
    }

    fn durable(&mut self, batch: &[Written]) {
        let now = clock::now();
        self.unwritten.remove(batch);
        let mut ends: Vec<State> = Vec::new();
        for each in batch {
            let course = self
                .courses
                .iter()
                .find(|(_, course)| course.run.id == each.run);
            let Some((&tag, _)) = course else { continue };
            let ended = self.dispatcher.recorded(tag, each.number, &each.entry);
            ends.extend(ended.filter(|_| tag == self.own));
        }
        let in_flight = self.dispatcher.in_flight(self.own);
        self.progress.send_modify(|progress| {
            progress.in_flight = in_flight;
            for state in ends {
                progress.counts.move_on(State::Pending, state);
                if state == State::Accepted {
                    progress.accepted(now);
                }
            }
        });
    }
}

/// What cannot be read of the own run is our end, what cannot be read of another's only the end of that.
fn broken(tag: RunTag, own: RunTag, error: Error) -> Result<Event, Error> {
    if tag == own {
        Err(error)
    } else {
        Ok(Event::Broken(tag))
    }
}

/// Returns the answer that the progress shows to the user.
fn trouble(outcome: &Outcome) -> Option<&Answer> {
    match outcome {
        Outcome::Accepted(_) | Outcome::Refused(_) => None,
        Outcome::Throttled(_, answer) | Outcome::Failed(_, answer) | Outcome::Unknown(answer) => {
            Some(answer)
        }
    }
}

/// The lane as its previous holder left it.
async fn lane(seat: &Seat) -> Result<Lane, Error> {
    let (app, channel) = (&seat.app, seat.channel);
    let history = seat.journal.lane_history(app, channel, clock::now());
    let history = history.await?;
    Ok(Lane {
        channel,
        limit: seat.rules.limit,
        last_started: history.last_started,
        randoms: history.randoms,
        seed: seed(app, channel),
        administrator: seat.client.administrator().to_owned(),
    })
}

/// Reads a run from the journal, after the look-ups that its age asks for. They end early when the run is to send nothing:
/// the process drains, or an operator pauses or cancels the run.
async fn prepare(
    doubt: &Doubt<'_>,
    run: Run,
    mut drain: watch::Receiver<Option<Interruption>>,
) -> Result<Prepared, Error> {
    let drained = async { drop(drain.wait_for(Option::is_some).await) };
    tokio::select! {
        prepared = doubt.prepare(run.clone()) => prepared,
        () = drained => Prepared::read(doubt.journal, run, doubt.rules).await,
        () = halted(doubt.journal, &run) => Prepared::read(doubt.journal, run, doubt.rules).await,
    }
}

/// Waits until the journal says that an operator has paused or cancelled the run.
async fn halted(journal: &Journal, run: &Run) {
    while !run.is_cancelling() && !SeededBug::LookUpsNotInterrupted.is_active() {
        sleep(LOOKED_EVERY).await;
        // The next poll makes up for one that fails.
        let state = journal.run(run.id).await.map(|run| run.state());
        if matches!(state, Ok(RunState::Paused { .. } | RunState::Cancelling)) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// What the waits of a lane are spread by: lanes that fail together do not come back together.
fn seed(app: &VendorApp, channel: Channel) -> u32 {
    let parts = [
        app.host.as_bytes(),
        &app.sdk_app_id.0.to_be_bytes(),
        channel.name().as_bytes(),
    ];
    Digest::of("lane", parts).first_32_bits()
}
