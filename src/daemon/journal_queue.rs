//! What the scheduler wants of the journal, done in the order of its numbers by one task, so that a journal that does not
//! answer keeps nothing else waiting.

use super::housekeeping::OldRuns;
use super::plans::Ready;
use super::runs::OpenRuns;
use super::{Error, Event};
use crate::channel::Channel;
use crate::clock;
use crate::delivery::{PauseReason, RunEvent, RunState};
use crate::executor::left_since_ms;
use crate::identity::{CampaignName, OccurrenceKey, RunName, VendorApp};
use crate::journal::{
    self, ActiveProblem, DaemonCommand, Journal, PausedCampaign, PlanId, Recorded, RunId, Stamp,
    UnsentOccurrence,
};
use crate::schedule::Occurrence;
use crate::scheduler::{
    Civil, Departure, Disposition, EffectId, Event as SchedulerEvent, JournalView, OpenResult,
    OpenRun, PausedBy, Reason, ScheduleKey, Waiting,
};
use chrono::{DateTime, NaiveDateTime};
use chrono_tz::Tz;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long a request may take that nobody cancels.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Records that are committed together.
const RECORDS_MAX: usize = 500;
const LATE: &str = "the journal did not answer in time";

/// Something to be done with the journal.
#[derive(Debug)]
pub(super) enum Request {
    Look {
        key: ScheduleKey,
        zone: Tz,
        from: NaiveDateTime,
    },
    Open {
        occurrence: Occurrence,
        /// The effect that requested the plan.
        plan: EffectId,
        ready: Box<Ready>,
    },
    Record(Box<Recorded>),
    Withdraw {
        now_ms: i64,
    },
    Forget {
        key: ScheduleKey,
        departure: Departure,
    },
    /// Read what has changed.
    View,
    Problems(Vec<ActiveProblem>),
    Discard(PlanId),
    /// Do one step of what makes the journal smaller. `before_ms`: what finished before is to be removed.
    Tidy {
        before_ms: Option<i64>,
    },
    /// Give an occurrence that waits another state.
    Settle(Box<(OccurrenceKey, Disposition, Reason)>),
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Answer {
    Done(SchedulerEvent),
    Opened(Box<Opened>),
    Viewed(Box<Viewed>),
    NotViewed,
    /// A request that nobody waits for is done.
    Reported,
    NotReported,
    /// `is_done`: there is nothing more to give back.
    Tidied {
        is_done: bool,
    },
    /// What failed is done again, or cleared away some day.
    NotDone,
    /// `is_settled` is `false` if the occurrence did not wait any more.
    Settled {
        is_settled: bool,
        run: RunName,
        disposition: Disposition,
        reason: Reason,
    },
    /// The journal cannot be used any more.
    Broken(journal::Error),
}

/// A run that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: EffectId,
    /// The effect that requested the plan, which is a run now.
    pub(super) plan: EffectId,
    pub(super) run: RunId,
    pub(super) name: RunName,
    pub(super) app: VendorApp,
    pub(super) channel: Channel,
    pub(super) planned: u64,
    pub(super) late_ms: u64,
}

/// The journal as it was read.
#[derive(Debug)]
pub(super) struct Viewed {
    pub(super) view: JournalView,
    /// What is to be told of runs.
    pub(super) events: Vec<Event>,
    /// The lanes on which runs are open.
    pub(super) lanes: Vec<(VendorApp, Channel)>,
    pub(super) open: usize,
    pub(super) waiting: Vec<UnsentOccurrence>,
    pub(super) commands: Vec<DaemonCommand>,
    /// The journal when it was read.
    pub(super) stamp: Stamp,
}

/// The way to the task.
#[derive(Debug)]
pub(super) struct JournalQueue {
    requests: mpsc::UnboundedSender<Queued>,
    cancels: mpsc::UnboundedSender<EffectId>,
    answers: mpsc::UnboundedReceiver<Answer>,
    task: JoinSet<()>,
}

/// A request; the scheduler knows nothing of one without a number.
type Queued = (Option<EffectId>, Request);

impl JournalQueue {
    pub(super) fn start(journal: Journal) -> JournalQueue {
        let (requests, requests_in) = mpsc::unbounded_channel();
        let (cancels, cancels_in) = mpsc::unbounded_channel();
        let (answers, answers_in) = mpsc::unbounded_channel();
        let performer = Performer {
            journal,
            runs: OpenRuns::default(),
            old_runs: OldRuns::default(),
            has_viewed: false,
            events: Vec::new(),
            commands: Vec::new(),
        };
        let order = Order {
            requests: requests_in,
            queue: VecDeque::new(),
            cancels: cancels_in,
            cancelled: BTreeSet::new(),
            upto: EffectId::default(),
            answers,
        };
        let mut task = JoinSet::new();
        task.spawn(perform_all(order, performer));
        JournalQueue {
            requests,
            cancels,
            answers: answers_in,
            task,
        }
    }

    /// Queues the request of an effect.
    pub(super) fn request(&self, id: EffectId, request: Request) {
        let _ = self.requests.send((Some(id), request));
    }

    /// Queues a request that the scheduler knows nothing of.
    pub(super) fn also(&self, request: Request) {
        let _ = self.requests.send((None, request));
    }

    /// Ends a request that takes too long. It is answered, and may have happened.
    pub(super) fn cancel(&self, id: EffectId) {
        let _ = self.cancels.send(id);
    }

    pub(super) async fn answer(&mut self) -> Answer {
        let ended = || journal::Error::Database("its task ended early".to_owned());
        let answer = self.answers.recv().await;
        answer.unwrap_or_else(|| Answer::Broken(ended()))
    }

    /// Waits until everything that was requested is done. Returns the answers that nobody has taken.
    pub(super) async fn finish(self) -> Result<Vec<Answer>, Error> {
        let JournalQueue {
            requests,
            cancels,
            mut answers,
            mut task,
        } = self;
        drop((requests, cancels));
        let mut all = Vec::new();
        while let Some(answer) = answers.recv().await {
            all.push(answer);
        }
        while let Some(ended) = task.join_next().await {
            ended?;
        }
        Ok(all)
    }
}

async fn perform_all(mut order: Order, mut performer: Performer) {
    while let Some((id, request)) = order.next().await {
        if id.is_some_and(|id| order.cancelled.remove(&id)) {
            order.end(id, None);
            continue;
        }
        match (id, request) {
            (Some(id), Request::Record(first)) => {
                let (ids, records) = order.records(id, *first);
                let done = performer.record(&records);
                match order.until_cancelled(&ids, done).await {
                    Some(Ok(refused)) => {
                        for (id, refused) in ids.into_iter().zip(refused) {
                            let event = SchedulerEvent::Recorded { id, refused };
                            order.end(Some(id), Some(Ok(Answer::Done(event))));
                        }
                    }
                    Some(Err(error)) if !performer.outlasts(&error) => {
                        return order.answer(Answer::Broken(error));
                    }
                    Some(Err(error)) => {
                        for id in ids {
                            order.fail(id, error.to_string());
                        }
                    }
                    None => {
                        for id in ids {
                            order.end(Some(id), None);
                        }
                    }
                }
            }
            (id, request) => {
                let failed = request.failure();
                let upto = order.upto;
                let done = performer.perform((id, upto), request);
                let ids: Vec<EffectId> = id.into_iter().collect();
                match (order.until_cancelled(&ids, done).await, failed) {
                    (Some(Err(error)), _) if !performer.outlasts(&error) => {
                        return order.answer(Answer::Broken(error));
                    }
                    (Some(Err(_)) | None, Some(failed)) => order.answer(failed),
                    (done, _) => order.end(id, done),
                }
            }
        }
    }
}

/// The order of requests, and what comes between them.
#[derive(Debug)]
struct Order {
    requests: mpsc::UnboundedReceiver<Queued>,
    /// Those that were taken out ahead of their turn.
    queue: VecDeque<Queued>,
    cancels: mpsc::UnboundedReceiver<EffectId>,
    /// Those that were cancelled before their turn.
    cancelled: BTreeSet<EffectId>,
    /// Every effect up to here has ended.
    upto: EffectId,
    answers: mpsc::UnboundedSender<Answer>,
}

impl Order {
    async fn next(&mut self) -> Option<Queued> {
        if let Some(next) = self.queue.pop_front() {
            return Some(next);
        }
        loop {
            tokio::select! {
                biased;
                next = self.requests.recv() => return next,
                Some(id) = self.cancels.recv() => self.cancel(id),
            }
        }
    }

    /// Takes the records that come next as well, to commit them together.
    fn records(&mut self, id: EffectId, first: Recorded) -> (Vec<EffectId>, Vec<Recorded>) {
        let (mut ids, mut records) = (vec![id], vec![first]);
        while records.len() < RECORDS_MAX {
            match self
                .queue
                .pop_front()
                .or_else(|| self.requests.try_recv().ok())
            {
                Some((Some(id), Request::Record(next))) if !self.cancelled.contains(&id) => {
                    ids.push(id);
                    records.push(*next);
                }
                Some(other) => {
                    self.queue.push_front(other);
                    break;
                }
                None => break,
            }
        }
        (ids, records)
    }

    /// Returns `None` if one of `ids` is cancelled before `done`, or if nobody can cancel it and it takes too long.
    async fn until_cancelled<T>(
        &mut self,
        ids: &[EffectId],
        done: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(done);
        let overdue = sleep(TIMEOUT);
        tokio::pin!(overdue);
        loop {
            tokio::select! {
                biased;
                done = &mut done => return Some(done),
                () = &mut overdue, if ids.is_empty() => return None,
                Some(id) = self.cancels.recv() => {
                    if ids.contains(&id) {
                        return None;
                    }
                    self.cancel(id);
                }
            }
        }
    }

    /// Takes the cancellation of something that is not under way.
    fn cancel(&mut self, id: EffectId) {
        if id <= self.upto {
            // Its answer was lost.
            self.fail(id, "nothing is known of it".to_owned());
        } else {
            self.cancelled.insert(id);
        }
    }

    /// Answers a request. `None`: it was cancelled.
    fn end(&mut self, id: Option<EffectId>, done: Option<Result<Answer, journal::Error>>) {
        match (id, done) {
            (_, Some(Ok(answer))) => self.answer(answer),
            (Some(id), Some(Err(error))) => self.fail(id, error.to_string()),
            (Some(id), None) => {
                self.fail(id, LATE.to_owned());
            }
            // It is asked for again, or cleared away some day.
            (None, Some(Err(_)) | None) => {}
        }
        self.upto = id.map_or(self.upto, |id| self.upto.max(id));
    }

    fn fail(&mut self, id: EffectId, why: String) {
        self.upto = self.upto.max(id);
        self.answer(Answer::Done(SchedulerEvent::Failed { id, why }));
    }

    /// Nobody takes it when the daemon has given up.
    fn answer(&self, answer: Answer) {
        let _ = self.answers.send(answer);
    }
}

impl Request {
    /// How its failure is told to whoever waits for it although it has no number.
    fn failure(&self) -> Option<Answer> {
        match self {
            Request::View => Some(Answer::NotViewed),
            Request::Problems(_) => Some(Answer::NotReported),
            Request::Tidy { .. } => Some(Answer::Tidied { is_done: false }),
            Request::Discard(_) | Request::Settle(_) => Some(Answer::NotDone),
            Request::Look { .. }
            | Request::Open { .. }
            | Request::Record(_)
            | Request::Withdraw { .. }
            | Request::Forget { .. } => None,
        }
    }
}

/// Does what is requested.
#[derive(Debug)]
struct Performer {
    journal: Journal,
    runs: OpenRuns,
    old_runs: OldRuns,
    has_viewed: bool,
    /// What was read by a view that failed later on.
    events: Vec<Event>,
    commands: Vec<DaemonCommand>,
}

impl Performer {
    /// Whether the journal may be used again later. Whatever else is wrong with it, nothing can be relied on any more.
    fn outlasts(&self, error: &journal::Error) -> bool {
        self.journal.note_outage(error);
        error.is_unavailable() || error.is_temporary()
    }

    async fn record(&self, records: &[Recorded]) -> Result<Vec<BTreeSet<Civil>>, journal::Error> {
        self.journal.record(records, clock::now()).await
    }

    async fn perform(
        &mut self,
        (id, upto): (Option<EffectId>, EffectId),
        request: Request,
    ) -> Result<Answer, journal::Error> {
        let id = id.unwrap_or_default();
        let event = match request {
            Request::Look { key, zone, from } => self.look(id, &key, zone, from).await?,
            Request::Open {
                occurrence,
                plan,
                ready,
            } => {
                return self.open((id, plan), &occurrence, *ready).await;
            }
            Request::Record(recorded) => {
                let mut refused = self.record(&[*recorded]).await?;
                let refused = refused.pop().unwrap_or_default();
                SchedulerEvent::Recorded { id, refused }
            }
            Request::Withdraw { now_ms } => {
                let withdrawn = self.journal.withdraw(now_ms).await?;
                SchedulerEvent::Withdrawn { id, withdrawn }
            }
            Request::Forget { key, departure } => {
                self.forget(&key, departure).await?;
                SchedulerEvent::Forgotten { id }
            }
            Request::View => return Ok(Answer::Viewed(Box::new(self.view(upto).await?))),
            Request::Problems(problems) => {
                self.journal.set_problems(&problems).await?;
                return Ok(Answer::Reported);
            }
            Request::Discard(plan) => {
                self.journal.discard(plan).await?;
                return Ok(Answer::Reported);
            }
            Request::Tidy { before_ms } => {
                let tidied = self.old_runs.tidy(&self.journal, before_ms, clock::now());
                let is_done = tidied.await?;
                return Ok(Answer::Tidied { is_done });
            }
            Request::Settle(settled) => {
                let (key, disposition, reason) = *settled;
                let settled = (disposition, &reason);
                let is_settled = self.journal.settle_waiting(&key, settled, clock::now());
                let is_settled = is_settled.await?;
                return Ok(Answer::Settled {
                    is_settled,
                    run: key.run_name(),
                    disposition,
                    reason,
                });
            }
        };
        Ok(Answer::Done(event))
    }

    async fn look(
        &self,
        id: EffectId,
        key: &ScheduleKey,
        zone: Tz,
        from: NaiveDateTime,
    ) -> Result<SchedulerEvent, journal::Error> {
        // In this order: what is opened in between is among those that are taken.
        let open = self.journal.unended_runs_of(key).await?;
        let taken = self.journal.resolved_occurrences(key, zone, from).await?;
        Ok(SchedulerEvent::Looked { id, taken, open })
    }

    async fn open(
        &mut self,
        (id, planned_by): (EffectId, EffectId),
        occurrence: &Occurrence,
        ready: Ready,
    ) -> Result<Answer, journal::Error> {
        let Ready { plan, opening, .. } = ready;
        let opened = self.journal.open_run(plan, &opening, clock::now()).await;
        let result = match opened {
            Ok(run) => {
                // The first call does not wait until it is read.
                self.runs.add_opened(run);
                let late_ms = clock::now().wall_ms - occurrence.at.timestamp_millis();
                return Ok(Answer::Opened(Box::new(Opened {
                    id,
                    plan: planned_by,
                    run,
                    name: opening.key.run_name(),
                    app: opening.key.app,
                    channel: opening.header.channel,
                    planned: opening.header.planned,
                    late_ms: u64::try_from(late_ms).unwrap_or(0),
                })));
            }
            // Somebody else sent it.
            Err(journal::Error::AlreadyOpen(_) | journal::Error::Pruned(_)) => {
                OpenResult::AlreadyOpened
            }
            // It was opened before the answer was lost, or its rows were cleared away.
            Err(journal::Error::PlanGone) if self.journal.is_opened(plan).await? => {
                OpenResult::AlreadyOpened
            }
            Err(journal::Error::PlanGone) => OpenResult::Outdated,
            Err(error) => return Err(error),
        };
        Ok(Answer::Done(SchedulerEvent::Opened { id, result }))
    }

    /// Pauses what is open of a schedule that is not to be sent any more, and forgets the schedule. It may be repeated.
    async fn forget(&self, key: &ScheduleKey, departure: Departure) -> Result<(), journal::Error> {
        let reason = match departure {
            Departure::FileRemoved => Some(PauseReason::CampaignGone),
            Departure::Disabled => Some(PauseReason::CampaignDisabled),
            Departure::Unscheduled | Departure::AppChanged => None,
        };
        if let Some(reason) = reason {
            let (open, _) = self.journal.all_unended_runs().await?;
            let open = open.iter().filter(|run| is_of(run, key));
            for run in open.filter(|run| run.state() == RunState::Open) {
                let event = RunEvent::Paused { reason };
                let paused = self.journal.append_run(run.id, &event, clock::now());
                paused.await?;
            }
        }
        self.journal.forget_schedule(key).await
    }

    async fn view(&mut self, upto: EffectId) -> Result<Viewed, journal::Error> {
        let stamp = self.journal.stamp();
        let commands = self.journal.take_commands().await?;
        self.commands.extend(commands);
        let events = self.runs.look(&self.journal).await?;
        self.events.extend(events);
        if !self.has_viewed {
            let events = self.cut_off().await?;
            self.events.extend(events);
            self.has_viewed = true;
        }
        let unsent = self.journal.waiting().await?;
        let mut waiting = Vec::with_capacity(unsent.len());
        for each in &unsent {
            waiting.extend(self.waiting(each).await?);
        }
        let paused = self.journal.paused_campaigns().await?;
        let open = self.runs.all().map(|run| OpenRun {
            key: key_of(&run.key),
            name: run.name(),
        });
        let lanes = self.runs.all();
        Ok(Viewed {
            view: JournalView {
                upto,
                waiting,
                open: open.collect(),
                paused: paused.iter().filter_map(paused_by).collect(),
            },
            lanes: lanes
                .map(|run| (run.key.app.clone(), run.channel))
                .collect(),
            open: self.runs.all().count(),
            waiting: unsent,
            commands: std::mem::take(&mut self.commands),
            events: std::mem::take(&mut self.events),
            stamp,
        })
    }

    /// Runs that nobody goes on with by himself.
    async fn cut_off(&self) -> Result<Vec<Event>, journal::Error> {
        let mut events = Vec::new();
        for run in self.runs.all().filter(|run| run.state() == RunState::Open) {
            if left_since_ms(&self.journal, run).await?.is_some() {
                events.push(Event::Left {
                    run: run.name(),
                    state: run.state(),
                });
            }
        }
        Ok(events)
    }

    async fn waiting(&self, unsent: &UnsentOccurrence) -> Result<Option<Waiting>, journal::Error> {
        let OccurrenceKey { zone, fold, .. } = unsent.key;
        let Some(at) = DateTime::from_timestamp_millis(unsent.at_ms) else {
            return Ok(None);
        };
        let key = key_of(&unsent.key);
        let free_ms = match unsent.disposition {
            Disposition::Queued => self.journal.ended_ms(&key).await?,
            _ => None,
        };
        Ok(Some(Waiting {
            key,
            occurrence: Occurrence {
                at: at.with_timezone(&zone),
                fold,
            },
            disposition: unsent.disposition,
            free_ms,
        }))
    }
}

fn key_of(key: &OccurrenceKey) -> ScheduleKey {
    ScheduleKey {
        app: key.app.clone(),
        campaign: key.campaign.clone(),
    }
}

fn is_of(run: &journal::Run, key: &ScheduleKey) -> bool {
    !run.key.test && run.key.campaign == key.campaign && run.key.app == key.app
}

fn paused_by(paused: &PausedCampaign) -> Option<(CampaignName, PausedBy)> {
    let name = CampaignName::try_from(paused.campaign.as_str()).ok()?;
    Some((name, paused.by))
}
