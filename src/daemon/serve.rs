//! The loop: it waits for the next thing to happen, and sees to it.

use super::git::{self, Follower, News};
use super::lanes::Lanes;
use super::lanes::SENDS;
use super::preparing::Preparer;
use super::reached::{is_same, needs_restart};
use super::roster::{Roster, utc};
use super::runs::OpenRuns;
use super::{Error, Event, Heartbeat, Next, Reached, Readiness, Supervisor, run_name};
use crate::catalog::{self, Catalog, Watch};
use crate::clock::{self, Timer};
use crate::delivery::RunState;
use crate::executor::{self, idle_since_ms};
use crate::files::Repository;
use crate::identity::{CampaignName, Moment};
use crate::journal::{Journal, Passed, PausedCampaign, ScheduleKey, Stamp, Watched};
use crate::settings::Settings;
use crate::source::plural;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often it is looked what people want, and whether everything is as it was.
const TICK: Duration = Duration::from_secs(1);
/// Files are looked at so often even where nothing was noticed: not every file system tells of changes.
const POLLED_EVERY: Duration = Duration::from_mins(3);
/// A journal that seems not to have changed is looked at all the same after so long.
const BELIEVED: Duration = Duration::from_secs(10);
/// How soon files are looked at again that were being written.
const UNSETTLED_FOR: Duration = Duration::from_millis(500);
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
    /// Turns to the signal that ends the daemon.
    pub drain: watch::Receiver<Option<String>>,
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
    pub(super) waiting: Vec<Passed>,
    pub(super) paused: Vec<PausedCampaign>,
    pub(super) notices: super::notices::Notices,
    pub(super) flag: String,
    /// Schedules that the journal knows, and no file has been seen of.
    pub(super) unmet: HashMap<ScheduleKey, Watched>,
    pub(super) is_loaded: bool,
    /// Campaigns that are gone are to be believed, this once.
    pub(super) is_gone_confirmed: bool,
    pub(super) git: Option<Follower>,
    reread: Reread,
    drain: watch::Receiver<Option<String>>,
    reload: mpsc::Receiver<()>,
    pub(super) watch: Watch,
    pub(super) settings_file: PathBuf,
    told: mpsc::UnboundedSender<Event>,
    heartbeat: Heartbeat,
    readiness: watch::Sender<Readiness>,
    supervisor: Supervisor,
    /// What the supervisor was last told.
    status: String,
    /// The journal as it was last looked at.
    stamp: (Stamp, Moment),
    /// When the files are looked at again, whatever is noticed.
    poll_at: Moment,
    last: Moment,
}

/// What the loop waits for.
enum Woken {
    Drained(String),
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
            lanes: Lanes::new(journal.clone(), drain.clone()),
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
            notices: super::notices::Notices::default(),
            flag,
            unmet: HashMap::new(),
            is_loaded: false,
            is_gone_confirmed: false,
            git,
            settings_file,
            reread,
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

    /// Sends what is due until it is told to end, and then brings home what is under way.
    pub async fn serve(mut self) -> Result<(), Error> {
        let mut timer = Timer::new().map_err(executor::Error::Setup)?;
        self.begin().await?;
        let signal = loop {
            match self.wait(&mut timer).await? {
                Woken::Drained(signal) => break signal,
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
        };
        self.end(signal).await
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
            if idle_since_ms(&self.journal, run).await?.is_some() {
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
            Ok(signal) = self.drain.wait_for(Option::is_some) => {
                Woken::Drained(signal.clone().unwrap_or_default())
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
        self.tell_notices(now).await?;
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
        self.heed_wishes().await?;
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

    /// Settings that cannot be used are told of, and those before stay.
    pub(super) fn renew(&mut self) {
        match (self.reread)() {
            Ok((settings, repository)) => {
                self.take_settings(settings);
                self.take_folder(repository);
            }
            Err(why) => {
                let is_news = self.notices.set("settings", "settings", &why, clock::now());
                if is_news {
                    self.tell(Event::SettingsInvalid { why });
                }
            }
        }
    }

    fn take_settings(&mut self, settings: Settings) {
        self.notices.clear("settings", "settings");
        if is_same(&settings, &self.settings) {
            return;
        }
        let needs_restart = needs_restart(&settings, &self.settings);
        self.settings = Arc::new(settings);
        self.generation += 1;
        self.catalog.use_settings(Arc::clone(&self.settings));
        self.repository = self.repository.clone().with_roots(&self.settings.roots);
        self.tell(Event::SettingsChanged { needs_restart });
    }

    /// Whoever swaps a link takes the folder away to which it led.
    fn take_folder(&mut self, repository: Repository) {
        if repository.root() != self.repository.root() {
            self.repository = repository.with_roots(&self.settings.roots);
            self.catalog.use_repository(self.repository.clone());
        }
        let watched = watched(&self.catalog, &self.settings_file);
        self.watch.follow(watched);
    }

    pub(super) fn poll_again(&mut self, is_unsettled: bool) {
        let wait = if is_unsettled {
            UNSETTLED_FOR
        } else {
            POLLED_EVERY
        };
        self.poll_at = clock::now().plus(wait);
    }

    /// Whoever listens is gone only when all ends.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.told.send(event);
    }

    async fn tell_notices(&mut self, now: Moment) -> Result<(), Error> {
        self.notices.see_lanes(self.lanes.others(), now);
        if let Some(notices) = self.notices.changed() {
            self.journal.set_notices(&notices).await?;
        }
        Ok(())
    }

    /// How it stands, for probes and for the machine's supervisor.
    fn tell_standing(&mut self, now: Moment) {
        self.heartbeat.beat(now);
        self.supervisor.beat();
        // A lane that another process sends on is no lack.
        let lacks = self.lanes.others();
        let lacks = lacks.filter(|(_, why)| !why.ends_with(SENDS));
        let mut waits_for: Vec<String> = lacks
            .map(|(lane, why)| format!("the lane {lane}: {why}"))
            .collect();
        if !self.is_loaded {
            waits_for.push("the campaigns".to_owned());
        }
        let readiness = Readiness { waits_for };
        self.readiness.send_if_modified(|before| {
            let is_news = *before != readiness;
            *before = readiness;
            is_news
        });
        let status = self.standing();
        if status != self.status {
            self.supervisor.status(&status);
            self.status = status;
        }
    }

    /// What is signed and looked up goes by both clocks.
    fn compare_clocks(&mut self, now: Moment) {
        for at in 0..self.apps.len() {
            let Reached { app, client, .. } = &self.apps[at];
            let (role, differs_ms) = (app.role.clone(), client.clock_differs_ms());
            let Some(differs_ms) = differs_ms else {
                self.notices.clear("clock", &role);
                continue;
            };
            if !self.notices.has("clock", &role) {
                let text = Event::VendorClock { differs_ms };
                self.notices.set("clock", &role, &text.text(), now);
                self.tell(text);
            }
        }
    }

    fn standing(&self) -> String {
        let open = plural(self.runs.all().count() as u64, "open run");
        let next = self.roster.first().map_or_else(
            || "nothing is to come".to_owned(),
            |(name, occurrence)| format!("next is {}", run_name(name, occurrence)),
        );
        format!("{open}; {next}")
    }

    async fn end(mut self, signal: String) -> Result<(), Error> {
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
        self.journal.set_notices(&[]).await?;
        if let Some(git) = self.git.take() {
            tokio::task::spawn_blocking(|| git.end()).await?;
        }
        self.tell(Event::Stopped);
        Ok(())
    }
}

/// What is to be watched to hear of changes: what the campaigns are read from, the settings, and the link through which
/// their folder may be reached.
pub(super) fn watched(catalog: &Catalog, settings_file: &Path) -> Vec<catalog::Watched> {
    let link = settings_file.parent().unwrap_or(settings_file);
    let mut watched = catalog.watched();
    watched.push(catalog::Watched::File(settings_file.to_owned()));
    watched.push(catalog::Watched::File(link.to_owned()));
    watched
}
