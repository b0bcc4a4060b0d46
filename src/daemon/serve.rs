//! The loop: it waits for the next thing to happen, and sees to it.

use super::git::{self, Follower, News};
use super::lanes::Lanes;
use super::preparing::Preparer;
use super::renewing::watched;
use super::roster::{Roster, utc};
use super::runs::OpenRuns;
use super::{Error, Event, Heartbeat, Next, Reached, Readiness, Supervisor, run_name};
use crate::catalog::{Catalog, Watch};
use crate::clock::{self, Timer};
use crate::delivery::{Interruption, RunState};
use crate::executor::{self, left_since_ms};
use crate::files::Repository;
use crate::identity::{CampaignName, Moment};
use crate::journal::{
    Journal, PausedCampaign, ScheduleCursor, ScheduleKey, Stamp, UnsentOccurrence,
};
use crate::settings::Settings;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often it is looked what people want, and whether everything is as it was.
const TICK: Duration = Duration::from_secs(1);
/// A journal that seems not to have changed is looked at all the same after so long.
const BELIEVED: Duration = Duration::from_mins(1);
/// What is due so soon is not kept waiting.
const NEAR: TimeDelta = TimeDelta::seconds(2);
/// By so much the two clocks may drift apart between two ticks before one of them was set.
const STEP_MIN_MS: i64 = 2_000;

/// Their folder may be another each time, behind a link.
type Reread = Box<dyn Fn() -> Result<(Settings, Repository), String> + Send>;

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
    /// How often those changed.
    pub(super) generation: u64,
    pub(super) catalog: Catalog,
    pub(super) apps: Vec<Reached>,
    pub(super) lanes: Lanes,
    pub(super) roster: Roster,
    pub(super) preparer: Preparer,
    pub(super) runs: OpenRuns,
    /// Occurrences that wait.
    pub(super) waiting: Vec<UnsentOccurrence>,
    pub(super) paused: Vec<PausedCampaign>,
    pub(super) problems: super::problems::ActiveProblems,
    pub(super) flag: String,
    /// Schedules that the journal knows, and no file has been seen of.
    pub(super) unmet: HashMap<ScheduleKey, ScheduleCursor>,
    pub(super) is_loaded: bool,
    /// Campaigns that are gone are to be believed, this once.
    pub(super) is_gone_confirmed: bool,
    pub(super) git: Option<Follower>,
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
    /// What the supervisor was last told.
    pub(super) status: String,
    /// The journal as it was last looked at.
    stamp: (Stamp, Moment),
    /// When the files are looked at again, whatever is noticed.
    pub(super) poll_at: Moment,
    last: Moment,
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
    Made(
        CampaignName,
        crate::schedule::Occurrence,
        Box<super::preparing::Made>,
    ),
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
        let repository = repository.with_roots(&settings.roots);
        let catalog = Catalog::new(Arc::clone(&settings), repository.clone());
        // What cannot be watched is looked at all the same, a little later.
        let (watch, _) = Watch::new(watched(&catalog, &settings_file));
        let now = clock::now();
        Daemon {
            catalog,
            lanes: Lanes::new(journal.clone(), drain.subscribe()),
            journal,
            repository,
            settings,
            generation: 0,
            apps,
            roster: Roster::default(),
            preparer: Preparer::default(),
            runs: OpenRuns::default(),
            waiting: Vec::new(),
            paused: Vec::new(),
            problems: super::problems::ActiveProblems::default(),
            flag,
            unmet: HashMap::new(),
            is_loaded: false,
            is_gone_confirmed: false,
            git,
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
            stamp: (Stamp::default(), now),
            poll_at: now,
            last: now,
        }
    }

    /// Sends what is due until it is told to end or cannot go on, and then brings home what is under way.
    pub async fn serve(mut self) -> Result<(), Error> {
        match self.turn().await {
            Ok(signal) => self.end(signal).await,
            Err(error) => {
                self.give_up().await;
                Err(error)
            }
        }
    }

    /// Until somebody wants it to end, by a signal.
    async fn turn(&mut self) -> Result<Interruption, Error> {
        let mut timer = Timer::new().map_err(executor::Error::Setup)?;
        self.begin().await?;
        loop {
            match self.wait(&mut timer).await? {
                Woken::Drained(signal) => return Ok(signal),
                Woken::Made(name, occurrence, made) => self.made(&name, &occurrence, *made).await?,
                Woken::Files => {
                    self.renew();
                    self.refresh().await?;
                }
                Woken::Git(news) => self.heed_git(news).await?,
                Woken::Reload => {
                    self.supervisor.reloading();
                    if let Some(git) = &self.git {
                        git.look();
                    }
                    self.renew();
                    self.refresh().await?;
                    self.supervisor.ready(&self.status);
                }
                Woken::Time => {}
            }
            self.go_round().await?;
        }
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let now = clock::now();
        self.journal.withdraw_missed(now).await?;
        self.look_at_journal(now).await?;
        self.tell_cut_off().await?;
        self.first_look().await?;
        let events = self.lanes.tend(&self.apps, clock::now()).await;
        for event in events {
            self.tell(event);
        }
        let next = self.roster.first().map(|(name, occurrence)| Next {
            run: run_name(name, occurrence),
            at_ms: occurrence.at.timestamp_millis(),
        });
        self.tell(Event::Started {
            campaigns: self.catalog.entries().count() as u64,
            invalid: self.catalog.invalid().count() as u64,
            next,
        });
        self.go_round().await?;
        self.supervisor.ready(&self.status);
        Ok(())
    }

    /// Runs that nobody goes on with by himself.
    async fn tell_cut_off(&self) -> Result<(), Error> {
        for run in self.runs.all().filter(|run| run.state() == RunState::Open) {
            if left_since_ms(&self.journal, run).await?.is_some() {
                self.tell(Event::Left {
                    run: run.name(),
                    state: run.state(),
                });
            }
        }
        Ok(())
    }

    async fn wait(&mut self, timer: &mut Timer) -> Result<Woken, Error> {
        let until = self.wake_at(clock::now());
        let woken = tokio::select! {
            biased;
            Ok(signal) = self.drained.wait_for(Option::is_some) => {
                Woken::Drained(signal.unwrap_or(Interruption::Error))
            }
            slept = timer.sleep_until(until) => {
                slept.map_err(executor::Error::Setup)?;
                Woken::Time
            }
            made = self.preparer.made(&self.journal, &self.repository) => {
                let (name, occurrence, made) = made?;
                Woken::Made(name, occurrence, Box::new(made))
            }
            Some(()) = self.reload.recv() => Woken::Reload,
            news = git::news(&mut self.git) => Woken::Git(news),
            // What cannot be watched is looked at all the same, a little later.
            _ = self.watch.changed() => Woken::Files,
        };
        Ok(woken)
    }

    fn wake_at(&self, now: Moment) -> Moment {
        let tick = now.plus(TICK);
        let Some(wake) = self.roster.first_wake() else {
            return tick;
        };
        let left_ms = wake.timestamp_millis().saturating_sub(now.wall_ms);
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        if left < TICK { now.plus(left) } else { tick }
    }

    /// What is to be done each time something woke it.
    async fn go_round(&mut self) -> Result<(), Error> {
        let now = clock::now();
        self.notice_step(now).await?;
        // What is due comes before everything else.
        for name in self.roster.due(utc(now)) {
            self.decide(&name, clock::now()).await?;
        }
        if now.age_of(self.last).is_some_and(|since| since < TICK) {
            return Ok(());
        }
        self.last = now;
        // Looking through thousands of files takes its time, which nothing that is due is to wait for.
        let is_near = |wake: DateTime<Utc>| wake - utc(now) < NEAR;
        let is_near = self.roster.first_wake().is_some_and(is_near);
        if now.boot_ns >= self.poll_at.boot_ns && !is_near {
            self.renew();
            self.refresh().await?;
        }
        self.look_at_journal(now).await?;
        for event in self.lanes.tend(&self.apps, clock::now()).await {
            self.tell(event);
        }
        self.prepare_ahead(now).await?;
        self.compare_clocks(now);
        self.report_problems(now).await?;
        self.tell_standing(now);
        Ok(())
    }

    /// A clock that was set makes other occurrences due, or some that were missed come once more.
    async fn notice_step(&mut self, now: Moment) -> Result<(), Error> {
        let wall_ms = now.wall_ms - self.last.wall_ms;
        let boot_ms = now.boot_ns.saturating_sub(self.last.boot_ns) / 1_000_000;
        let by_ms = wall_ms - i64::try_from(boot_ms).unwrap_or(i64::MAX);
        if by_ms.abs() < STEP_MIN_MS {
            return Ok(());
        }
        self.tell(Event::ClockStepped { by_ms });
        self.last = now;
        if by_ms < 0 {
            self.journal.withdraw_missed(now).await?;
            self.set_back(now);
        }
        Ok(())
    }

    /// Reads what people wrote into the journal, and what became of runs.
    async fn look_at_journal(&mut self, now: Moment) -> Result<(), Error> {
        // Two commits in one moment may leave one stamp.
        let stamp = self.journal.stamp();
        let is_recent = now.age_of(self.stamp.1).is_some_and(|age| age < BELIEVED);
        if stamp == self.stamp.0 && is_recent {
            return Ok(());
        }
        self.stamp = (stamp, now);
        let (events, ended) = self.runs.look(&self.journal).await?;
        for event in events {
            self.tell(event);
        }
        for run in self.runs.all() {
            self.lanes.want(&run.key.app, run.channel);
        }
        self.waiting = self.journal.waiting().await?;
        self.paused = self.journal.paused_campaigns().await?;
        self.carry_out_commands().await?;
        let waiting: Vec<CampaignName> = self
            .waiting
            .iter()
            .map(|each| each.key.campaign.clone())
            .chain(ended.into_iter().map(|key| key.campaign))
            .collect();
        for name in waiting {
            self.decide(&name, now).await?;
        }
        Ok(())
    }

    /// Whoever listens is gone only when all ends.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.told.send(event);
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
        let plans = self.preparer.stop();
        self.lanes.ended().await?;
        for plan in plans {
            self.journal.discard(plan).await?;
        }
        for event in self.runs.look(&self.journal).await?.0 {
            self.tell(event);
        }
        self.journal.set_problems(&[]).await?;
        if let Some(git) = self.git.take() {
            tokio::task::spawn_blocking(|| git.end()).await?;
        }
        self.tell(Event::Stopped);
        Ok(())
    }
}
