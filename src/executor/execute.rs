//! One run, executed to its end or to the moment it must be left.

use super::pages::{Pages, count};
use super::progress::Progress;
use super::writer;
use crate::channel::{Answer, Channel, Outcome, Reply, decode};
use crate::clock::{self, Timer};
use crate::delivery::{Counts, Policy, RunEvent, State};
use crate::dispatch::{Bounds, CallId, Dispatcher, Halt, Job, Lane, Queue, Step};
use crate::identity::Moment;
use crate::journal::{self, Journal, Run, Written};
use crate::settings::{Hours, OnUnknown};
use crate::vendor::{Call, Client, TIMEOUT};
use std::time::Duration;
use thiserror::Error as ThisError;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};

/// What the settings say about a lane.
#[derive(Clone, Copy, Debug)]
pub struct LaneRules {
    /// Calls per second.
    pub limit: u32,
    /// How long the vendor tells a repetition by its `Random`.
    pub deduplication: Duration,
}

impl LaneRules {
    /// Four of the vendor's five minutes; the fifth is margin.
    fn resend_within(self, channel: Channel) -> Duration {
        if channel.deduplicates() {
            self.deduplication.mul_f64(0.8)
        } else {
            Duration::ZERO
        }
    }
}

/// How an execution was left. The counts are folded from the journal.
#[derive(Clone, Debug)]
pub enum Ending {
    Finished(Counts),
    Paused(Counts),
    Stopped(Answer, Counts),
}

impl Ending {
    pub fn counts(&self) -> Counts {
        match self {
            Ending::Finished(counts) | Ending::Paused(counts) | Ending::Stopped(_, counts) => {
                *counts
            }
        }
    }
}

#[derive(Debug, ThisError)]
pub enum Error {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error("the timer does not work: {0}")]
    Timer(#[from] std::io::Error),
    #[error("an inner task ended early: {0}")]
    Task(#[from] JoinError),
}

/// What it takes to execute a run. The caller holds the lane's lock.
#[derive(Debug)]
pub struct Execution {
    pub journal: Journal,
    pub client: Client,
    pub run: Run,
    pub rules: LaneRules,
    /// Turns to the reason why nothing new is to be started.
    pub drain: watch::Receiver<Option<String>>,
    pub progress: watch::Sender<Progress>,
}

impl Execution {
    /// Sends what is left of the run.
    pub async fn execute(self) -> Result<Ending, Error> {
        let (journal, run) = (self.journal.clone(), self.run.clone());
        let halt = Loop::start(self).await?.turn().await?;
        let counts = count(&journal, &run).await?;
        let (ending, event) = match halt {
            _ if counts.pending == 0 => (Ending::Finished(counts), RunEvent::Finished(counts)),
            Some(Halt::Stopped(answer)) => {
                let reason = answer.to_string();
                (
                    Ending::Stopped(answer, counts),
                    RunEvent::Stopped { reason },
                )
            }
            Some(Halt::Enough) => {
                let reason = CALLS_OUT.to_owned();
                (Ending::Paused(counts), RunEvent::Paused { reason })
            }
            // That it is paused was written down when it began to be.
            Some(Halt::Drained) | None => return Ok(Ending::Paused(counts)),
        };
        journal.append_run(run.id, &event, clock::now()).await?;
        Ok(ending)
    }
}

/// Why a run is paused that has made as many calls as it was to make at first.
const CALLS_OUT: &str = "the calls of `pause_after` are out";

/// What the campaign says about first attempts. Whoever resumes a run after its pause has seen what there was to see.
fn bounds(run: &Run, made: u64) -> Bounds {
    let has_paused = run
        .entries
        .iter()
        .any(|entry| matches!(&entry.event, RunEvent::Paused { reason } if reason == CALLS_OUT));
    let calls = run.pause_after.filter(|_| !has_paused);
    Bounds {
        rate: run.rate,
        first_attempts: calls.map(|calls| calls.saturating_sub(made)),
        hours: run.window.map(|window| Hours {
            window,
            zone: run.key.zone,
        }),
    }
}

/// What an onlooker should hear of an outcome.
fn trouble(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Accepted(_) | Outcome::Refused(_) => None,
        Outcome::Throttled(_, answer) | Outcome::Failed(_, answer) | Outcome::Unknown(answer) => {
            Some(answer.to_string())
        }
    }
}

/// The running machine around the dispatcher.
struct Loop {
    execution: Execution,
    dispatcher: Dispatcher,
    timer: Timer,
    calls: JoinSet<(CallId, Reply, Moment)>,
    wires: mpsc::Receiver<(CallId, Moment)>,
    wire: mpsc::Sender<(CallId, Moment)>,
    pages: JoinSet<Result<(Vec<Job>, Pages), Error>>,
    idle_pages: Option<Pages>,
    writer: JoinSet<Result<(), journal::Error>>,
    entries: mpsc::Sender<Written>,
    durable: mpsc::Receiver<Vec<Written>>,
    hours: Option<Hours>,
}

/// What the loop waits for.
enum Event {
    OnWire(CallId, Moment),
    Answered(CallId, Reply, Moment),
    Durable(Vec<Written>),
    Page(Vec<Job>),
    Drain,
    /// A time came, or there is nothing to tell.
    Woke,
}

/// Notices of first bytes that may wait; calls in flight are fewer.
const WIRES_MAX: usize = 4_096;

impl Loop {
    async fn start(execution: Execution) -> Result<Loop, Error> {
        let now = clock::now();
        let Execution {
            journal,
            run,
            rules,
            ..
        } = &execution;
        let history = journal.lane_history(&run.key.app, run.channel, now).await?;
        let lane = Lane {
            limit: rules.limit,
            last_started: history.last_started,
            randoms: history.randoms,
        };
        let policy = Policy {
            attempts: run.attempts,
            timeout: TIMEOUT,
            resend_within: rules.resend_within(run.channel),
            deduplicates: run.channel.deduplicates(),
            on_unknown: OnUnknown::Hold,
            can_look_up: false,
        };
        let mut pages = Pages::new(journal.clone(), run.clone());
        let under_way = pages.under_way().await?;
        let bounds = bounds(run, under_way.first_attempts);
        let queue = Queue::new(run.key.app.sdk_app_id, run.key.digest(), policy, bounds);
        execution
            .progress
            .send_modify(|progress| progress.counts = under_way.counts);

        let (entries, entries_in) = mpsc::channel(writer::QUEUE_MAX);
        let (durable_out, durable) = mpsc::channel(writer::QUEUE_MAX);
        let (wire, wires) = mpsc::channel(WIRES_MAX);
        let mut writers = JoinSet::new();
        writers.spawn(writer::write(
            journal.clone(),
            run.id,
            entries_in,
            durable_out,
        ));
        let mut this = Loop {
            dispatcher: Dispatcher::new(lane, queue, now),
            execution,
            timer: Timer::new()?,
            calls: JoinSet::new(),
            wires,
            wire,
            pages: JoinSet::new(),
            idle_pages: Some(pages),
            writer: writers,
            entries,
            durable,
            hours: bounds.hours,
        };
        this.tell_hours(now);
        if !under_way.jobs.is_empty() {
            let steps = this.dispatcher.load(under_way.jobs, now);
            this.perform(steps).await?;
        }
        Ok(this)
    }

    /// Turns until everything is done, or nothing may be.
    async fn turn(mut self) -> Result<Option<Halt>, Error> {
        loop {
            let now = clock::now();
            let steps = self.dispatcher.steps(now);
            self.perform(steps).await?;
            if self.dispatcher.is_over() {
                return Ok(self.dispatcher.halt().cloned());
            }
            let wake = self
                .dispatcher
                .wake_ns(now)
                .map(|boot_ns| Moment { boot_ns, ..now });
            let event = self.wait(wake).await?;
            self.take(event).await?;
        }
    }

    /// Waits for the next thing to happen. What leads to a Send comes first.
    async fn wait(&mut self, wake: Option<Moment>) -> Result<Event, Error> {
        let draining = self.dispatcher.halt().is_some();
        let event = tokio::select! {
            biased;
            Some((call, at)) = self.wires.recv() => Event::OnWire(call, at),
            Some(call) = self.calls.join_next() => {
                let (call, reply, at) = call?;
                Event::Answered(call, reply, at)
            }
            Some(batch) = self.durable.recv() => Event::Durable(batch),
            Some(page) = self.pages.join_next() => {
                let (jobs, pages) = page??;
                self.idle_pages = Some(pages);
                Event::Page(jobs)
            }
            Some(ended) = self.writer.join_next() => {
                ended??;
                Event::Woke
            }
            Ok(_) = self.execution.drain.wait_for(Option::is_some), if !draining => Event::Drain,
            slept = self.timer.sleep_until(wake.unwrap_or_else(clock::now)), if wake.is_some() => {
                slept?;
                Event::Woke
            }
        };
        Ok(event)
    }

    /// Tells the dispatcher.
    async fn take(&mut self, event: Event) -> Result<(), Error> {
        let steps = match event {
            Event::OnWire(call, at) => {
                self.dispatcher.on_wire(call, at);
                Vec::new()
            }
            Event::Answered(call, reply, at) => {
                let outcome = decode(self.execution.run.channel, &reply);
                let trouble = trouble(&outcome);
                self.execution
                    .progress
                    .send_modify(|progress| progress.trouble = trouble);
                self.dispatcher.answered(call, outcome, at)
            }
            Event::Durable(batch) => {
                self.durable(&batch);
                Vec::new()
            }
            Event::Page(jobs) => self.dispatcher.load(jobs, clock::now()),
            Event::Drain => {
                // Written down before anything else, so that a process killed in its drain leaves the run paused.
                let reason = self.execution.drain.borrow().clone().unwrap_or_default();
                let Execution { journal, run, .. } = &self.execution;
                journal
                    .append_run(run.id, &RunEvent::Paused { reason }, clock::now())
                    .await?;
                self.dispatcher.drain();
                self.execution
                    .progress
                    .send_modify(|progress| progress.draining = true);
                Vec::new()
            }
            Event::Woke => Vec::new(),
        };
        self.tell_hours(clock::now());
        self.perform(steps).await
    }

    /// A run that waits for its hours looks like one that hangs, unless it says so.
    fn tell_hours(&self, now: Moment) {
        let closed = self.hours.filter(|hours| hours.opens_in(now).is_some());
        let waiting = closed.map(|hours| format!("waiting for the window {}", hours.window));
        self.execution.progress.send_if_modified(|progress| {
            let is_news = progress.waiting != waiting;
            progress.waiting = waiting;
            is_news
        });
    }

    fn durable(&mut self, batch: &[Written]) {
        let now = clock::now();
        let ends: Vec<State> = batch
            .iter()
            .filter_map(|each| self.dispatcher.recorded(each.number, &each.entry))
            .collect();
        let in_flight = self.dispatcher.in_flight();
        self.execution.progress.send_modify(|progress| {
            progress.in_flight = in_flight;
            for state in ends {
                progress.counts.move_on(State::Pending, state);
                if state == State::Accepted {
                    progress.accepted(now);
                }
            }
        });
    }

    async fn perform(&mut self, steps: Vec<Step>) -> Result<(), Error> {
        for step in steps {
            match step {
                Step::Record {
                    number,
                    place,
                    entry,
                } => {
                    // A writer that ended has its error waiting; the loop meets it next.
                    let _ = self
                        .entries
                        .send(Written {
                            number,
                            place,
                            entry,
                        })
                        .await;
                }
                Step::Send { call, body } => self.send(call, body),
                Step::Fetch => self.fetch(),
            }
        }
        Ok(())
    }

    fn send(&mut self, call: CallId, body: String) {
        let (client, wire) = (self.execution.client.clone(), self.wire.clone());
        let channel = self.execution.run.channel;
        self.calls.spawn(async move {
            let noticed = move |at| {
                // A notice that is lost only makes the limiter count from the decision to send.
                let _ = wire.try_send((call, at));
            };
            let reply = client.call(Call { channel, body }, noticed).await;
            (call, reply, clock::now())
        });
    }

    fn fetch(&mut self) {
        if let Some(mut pages) = self.idle_pages.take() {
            self.pages
                .spawn(async move { Ok((pages.fresh().await?, pages)) });
        }
    }
}
