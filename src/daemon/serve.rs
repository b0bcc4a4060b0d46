//! The loop: it waits for the next thing to happen, and sees to it.

use super::definitions::Stored;
use super::git::{self, Follower, News};
use super::housekeeping::House;
use super::journal_queue::{Answer, JournalQueue, Request};
use super::lanes::Lanes;
use super::outages::OutageReports;
use super::plans::{Planned, Plans};
use super::renewing::{watched, with_settings};
use super::{Error, Event, Heartbeat, Next, Reached, Readiness, Supervisor, run_name};
use crate::catalog::{Catalog, Watch};
use crate::clock::{self, Timer};
use crate::delivery::{Interruption, RunState};
use crate::executor;
use crate::files::{CommitTree, Repository};
use crate::identity::Moment;
use crate::journal::{Journal, Stamp};
use crate::scheduler::{Event as SchedulerEvent, Scheduler};
use crate::settings::Settings;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// How often it is looked what people want, and whether everything is as it was.
const TICK: Duration = Duration::from_secs(1);
/// What is due so soon is not kept waiting, in milliseconds.
const NEAR_MS: i64 = 2_000;
/// How long taking lanes may keep everything else waiting.
const LANES_TIMEOUT: Duration = Duration::from_secs(5);
/// How long what was decided may take to be written at the end.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Their folder may be another each time, behind a link.
pub type Reread =
    Box<dyn Fn(Option<&Arc<CommitTree>>) -> Result<(Settings, Repository), String> + Send>;

/// What the daemon is started with.
pub struct Setup {
    pub journal: Journal,
    pub repository: Repository,
    pub settings: Arc<Settings>,
    pub settings_file: PathBuf,
    pub apps: Vec<Reached>,
    /// Finds and reads the settings anew; what is wrong with them is told in a line.
    pub reread: Reread,
    /// Turns to the signal that ends the daemon, and all that it drives.
    pub drain: watch::Sender<Option<Interruption>>,
    /// Somebody wants everything looked at now.
    pub reload: mpsc::Receiver<()>,
    pub told: mpsc::UnboundedSender<Event>,
    /// What keeps the files in step with a repository; `None`: nothing does, or somebody else.
    pub git: Option<Follower>,
    /// What is added to commands so that they mean the same journal.
    pub flag: String,
    /// How it stands, for whoever looks from outside.
    pub heartbeat: Heartbeat,
    pub readiness: watch::Sender<Readiness>,
    pub supervisor: Supervisor,
}

pub struct Daemon {
    pub(super) journal: Journal,
    pub(super) repository: Repository,
    pub(super) settings: Arc<Settings>,
    /// The settings as they were last read; the operator's values among them are not in use.
    pub(super) settings_read: Arc<Settings>,
    /// How often those changed.
    pub(super) generation: u64,
    pub(super) catalog: Catalog,
    pub(super) apps: Vec<Reached>,
    pub(super) lanes: Lanes,
    pub(super) scheduler: Scheduler,
    pub(super) plans: Plans,
    pub(super) journal_queue: JournalQueue,
    /// The journal as it was last read, and when that was asked for. `None`: it is to be read again.
    pub(super) viewed: (Option<Stamp>, Moment),
    pub(super) is_viewing: bool,
    /// The number of open runs.
    pub(super) open_runs: usize,
    /// Open runs that wait for a person, of which that was told.
    left_alone: BTreeSet<String>,
    pub(super) problems: super::problems::ActiveProblems,
    pub(super) flag: String,
    pub(super) stored: Stored,
    pub(super) is_loaded: bool,
    /// Campaigns that are gone are to be believed, this once.
    pub(super) is_gone_confirmed: bool,
    pub(super) git: Option<Follower>,
    /// The commit whose files are read; `None`: no repository is followed.
    pub(super) commit: Option<Arc<CommitTree>>,
    pub(super) reread: Reread,
    drain: watch::Sender<Option<Interruption>>,
    drained: watch::Receiver<Option<Interruption>>,
    reload: mpsc::Receiver<()>,
    pub(super) watch: Watch,
    pub(super) settings_file: PathBuf,
    told: mpsc::UnboundedSender<Event>,
    pub(super) heartbeat: Heartbeat,
    pub(super) readiness: watch::Sender<Readiness>,
    pub(super) supervisor: Supervisor,
    pub(super) outages: OutageReports,
    /// What the supervisor was last told.
    pub(super) status: String,
    /// When the files are looked at again, whatever is noticed.
    pub(super) poll_at: Moment,
    last: Moment,
    pub(super) house: House,
}

/// What the loop waits for.
enum Woken {
    Drained(Interruption),
    /// Files may have changed.
    Files,
    /// Somebody asked for it: files and settings.
    Reload,
    /// It was looked at the repository.
    Git(News),
    Planned(Planned),
    Answered(Box<Answer>),
    /// A time came.
    Time,
}

impl Daemon {
    pub fn new(setup: Setup) -> Daemon {
        let Setup {
            journal,
            repository,
            settings,
            settings_file,
            apps,
            reread,
            drain,
            reload,
            told,
            git,
            flag,
            heartbeat,
            readiness,
            supervisor,
        } = setup;
        let repository = with_settings(repository, &settings, &settings);
        let catalog = Catalog::new(Arc::clone(&settings), repository.clone());
        // What cannot be watched is looked at all the same, a little later.
        let (watch, _) = Watch::new(watched(&catalog, &settings_file));
        let now = clock::now();
        Daemon {
            catalog,
            lanes: Lanes::new(journal.clone(), drain.subscribe()),
            outages: OutageReports::new(&journal),
            scheduler: Scheduler::default(),
            plans: Plans::new(journal.clone()),
            journal_queue: JournalQueue::start(journal.clone()),
            viewed: (None, now),
            is_viewing: false,
            open_runs: 0,
            left_alone: BTreeSet::new(),
            journal,
            settings_read: Arc::clone(&settings),
            settings,
            generation: 0,
            apps,
            problems: super::problems::ActiveProblems::default(),
            flag,
            stored: Stored::default(),
            is_loaded: false,
            is_gone_confirmed: false,
            git,
            commit: repository.commit().cloned(),
            repository,
            settings_file,
            reread,
            drained: drain.subscribe(),
            drain,
            reload,
            watch,
            told,
            heartbeat,
            readiness,
            supervisor,
            status: String::new(),
            poll_at: now,
            last: now,
            house: House::new(now),
        }
    }

    /// Sends what is due until it is told to end or cannot go on, and then brings home what is under way.
    pub async fn serve(mut self) -> Result<(), Error> {
        match self.turn().await {
            Ok(signal) => self.end(signal).await,
            Err(error) => {
                self.tell_lost_journal(&error);
                self.give_up().await;
                Err(error)
            }
        }
    }

    /// Until somebody wants it to end, by a signal.
    async fn turn(&mut self) -> Result<Interruption, Error> {
        let mut timer = Timer::new().map_err(executor::Error::Setup)?;
        while let Err(error) = self.begin().await {
            self.outlast(error).await?;
            if let Some(signal) = *self.drained.borrow() {
                return Ok(signal);
            }
        }
        loop {
            match self.wait(&mut timer).await? {
                Woken::Drained(signal) => return Ok(signal),
                Woken::Planned(planned) => self.planned(planned),
                Woken::Answered(answer) => self.answered(*answer)?,
                Woken::Files => {
                    self.renew();
                    self.refresh();
                }
                Woken::Git(news) => self.heed_git(news),
                Woken::Reload => {
                    self.supervisor.reloading();
                    if let Some(git) = &self.git {
                        git.look();
                    }
                    self.renew();
                    self.refresh();
                    self.supervisor.ready(&self.status);
                }
                Woken::Time => {}
            }
            self.go_round().await?;
        }
    }

    /// Reports a journal that cannot be used, and waits a little. What was to be done comes up again.
    async fn outlast(&mut self, error: Error) -> Result<(), Error> {
        if !error.is_unavailable() {
            return Err(error);
        }
        if let Error::Journal(error) = &error {
            self.journal.note_outage(error);
        }
        let now = clock::now();
        if let Some(event) = self.outages.next(now) {
            self.tell(event);
        }
        self.tell_standing(now);
        tokio::select! {
            _ = self.drained.wait_for(Option::is_some) => {}
            () = self.outages.over_or(TICK) => {}
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Error> {
        self.stored = Stored::new(self.journal.schedule_cursors().await?);
        self.look_at_journal(clock::now());
        while self.is_viewing {
            let answer = self.journal_queue.answer().await;
            self.answered(answer)?;
        }
        self.refresh();
        self.tend_lanes().await;
        let next = self.scheduler.next().map(|(name, occurrence)| Next {
            run: run_name(name, occurrence),
            at_ms: occurrence.at.timestamp_millis(),
        });
        self.tell(Event::Started {
            campaigns: self.catalog.entries().count() as u64,
            invalid: self.catalog.invalid().count() as u64,
            next,
        });
        self.tell_pending();
        self.go_round().await?;
        self.supervisor.ready(&self.status);
        Ok(())
    }

    async fn wait(&mut self, timer: &mut Timer) -> Result<Woken, Error> {
        let until = self.wake_at(clock::now());
        let woken = tokio::select! {
            biased;
            Ok(signal) = self.drained.wait_for(Option::is_some) => {
                Woken::Drained(signal.unwrap_or(Interruption::Error))
            }
            answer = self.journal_queue.answer() => Woken::Answered(Box::new(answer)),
            planned = self.plans.made() => Woken::Planned(planned),
            slept = timer.sleep_until(until) => {
                slept.map_err(executor::Error::Setup)?;
                Woken::Time
            }
            Some(()) = self.reload.recv() => Woken::Reload,
            news = git::news(&mut self.git) => Woken::Git(news),
            // What cannot be watched is looked at all the same, a little later.
            _ = self.watch.changed() => Woken::Files,
        };
        Ok(woken)
    }

    fn wake_at(&self, now: Moment) -> Moment {
        let due = self.scheduler.wakes_in(now).unwrap_or(TICK);
        now.plus(due.min(TICK))
    }

    /// What is to be done each time something woke it.
    async fn go_round(&mut self) -> Result<(), Error> {
        // What is due comes before everything else.
        self.drive(SchedulerEvent::Time);
        let now = clock::now();
        // By this clock alone, whatever the wall clock is set to.
        let since = Duration::from_nanos(now.boot_ns.saturating_sub(self.last.boot_ns));
        if since < TICK {
            return Ok(());
        }
        self.last = now;
        self.look_after_plans(now);
        if let Some(event) = self.outages.next(now) {
            self.tell(event);
        }
        // Looking through thousands of files takes its time, which nothing that is due is to wait for.
        let next = self.scheduler.next();
        let is_near =
            next.is_some_and(|(_, next)| next.at.timestamp_millis() - now.wall_ms < NEAR_MS);
        if now.boot_ns >= self.poll_at.boot_ns && !is_near {
            self.renew();
            self.refresh();
        }
        self.watch_journal(now)?;
        self.look_at_journal(now);
        self.tend_lanes().await;
        self.compare_clocks(now);
        self.report_problems(now);
        self.tell_standing(now);
        if !is_near {
            self.keep_house(now);
        }
        Ok(())
    }

    async fn tend_lanes(&mut self) {
        // A lane that was not asked for in time is asked for again.
        let tended = timeout(LANES_TIMEOUT, self.lanes.tend(&self.apps, clock::now()));
        let events = tended.await.unwrap_or_default();
        self.tell_found(events);
    }

    /// Whoever listens is gone only when all ends.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.told.send(event);
    }

    /// Tells what the journal or a lane has found out about runs. That a run waits for a person both of them may find.
    pub(super) fn tell_found(&mut self, events: Vec<Event>) {
        for event in events {
            if let Event::Ended { run, .. } = &event {
                self.left_alone.remove(&run.to_string());
            }
            let is_told = match &event {
                Event::Left {
                    run,
                    state: RunState::Open,
                } => !self.left_alone.insert(run.to_string()),
                _ => false,
            };
            if !is_told {
                self.tell(event);
            }
        }
    }

    /// Calls that are under way are answered all the same, and written down where that can be done.
    async fn give_up(&mut self) {
        self.drain.send_replace(Some(Interruption::Error));
        self.supervisor.stopping("it cannot go on");
        if let Some(git) = &self.git {
            git.stop();
        }
        // What broke the daemon may have broken a lane as well, and is told of once.
        let _ = self.lanes.ended().await;
    }

    async fn end(mut self, signal: Interruption) -> Result<(), Error> {
        self.tell(Event::Draining { signal });
        self.supervisor.stopping("what is under way comes home");
        self.readiness.send_replace(Readiness {
            waits_for: vec!["it is ending".to_owned()],
        });
        if let Some(git) = &self.git {
            git.stop();
        }
        self.drive(SchedulerEvent::Shutdown);
        for plan in self.plans.end() {
            self.journal_queue.also(Request::Discard(plan));
        }
        self.lanes.ended().await?;
        self.journal_queue.also(Request::View);
        self.journal_queue.also(Request::Problems(Vec::new()));
        self.finish_journal().await?;
        if let Some(git) = self.git.take() {
            tokio::task::spawn_blocking(|| git.end()).await?;
        }
        self.tell(Event::Stopped);
        Ok(())
    }

    /// Waits until what was decided is written, for a while.
    async fn finish_journal(&mut self) -> Result<(), Error> {
        let idle = JournalQueue::start(self.journal.clone());
        let queue = std::mem::replace(&mut self.journal_queue, idle);
        let answers = timeout(FINISH_TIMEOUT, queue.finish()).await;
        for answer in answers.unwrap_or_else(|_| Ok(Vec::new()))? {
            self.answered(answer)?;
        }
        Ok(())
    }
}
