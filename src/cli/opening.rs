//! What a run is opened with, and what becomes of it as the campaign's earlier runs stand.

use super::exit::Exit;
use super::failure::Failure;
use super::occurrences::{self, check_fires};
use super::senders::Run as RunOptions;
use super::workspace::{Workspace, typed_with};
use crate::campaign::Campaign;
use crate::clock;
use crate::executor::{self, Staged, finish_by_ms};
use crate::files::revision;
use crate::identity::{Moment, OccurrenceKey, RunName};
use crate::journal::{Error, Journal, Opening, Run, RunId};
use crate::plan::Frame;
use crate::report::time_text;
use crate::schedule::Occurrence;
use crate::settings::App;
use crate::source::length_text;
use std::time::Duration;

/// What somebody wants sent.
pub(super) struct Request<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) app: &'a App,
    pub(super) campaign: &'a Campaign,
    pub(super) options: &'a RunOptions,
    /// None: there is none yet, and none is made.
    pub(super) journal: Option<&'a Journal>,
    /// The campaign's runs through this app, the latest first.
    pub(super) runs: Vec<Run>,
    pub(super) occurrence: Occurrence,
    pub(super) now: Moment,
}

/// What becomes of it.
pub(super) enum Course<'a> {
    GoOn(&'a Run),
    /// The occurrence was sent.
    Over(&'a Run),
    Open,
}

impl<'a> Request<'a> {
    pub(super) async fn new(
        workspace: &'a Workspace,
        app: &'a App,
        campaign: &'a Campaign,
        options: &'a RunOptions,
        journal: Option<&'a Journal>,
    ) -> Result<Request<'a>, Failure> {
        let now = clock::now();
        let named = options.occurrence.as_deref();
        let occurrence = match named {
            Some(text) => occurrences::named(campaign, text)?,
            None => Occurrence::at_moment(now, campaign.zone),
        };
        let mut runs = match journal {
            Some(journal) => journal.runs_of(&campaign.name).await?,
            None => Vec::new(),
        };
        let vendor_app = workspace.vendor_app(app);
        runs.retain(|run| run.key.app == vendor_app && !run.key.test);
        Ok(Request {
            workspace,
            app,
            campaign,
            options,
            journal,
            runs,
            occurrence,
            now,
        })
    }

    fn is_named(&self) -> bool {
        self.options.occurrence.is_some()
    }

    /// An occurrence that was named is sent once; without one an open run is gone on with, whichever it is.
    pub(super) fn course(&self) -> Course<'_> {
        let is_open = |run: &&Run| !run.state().is_finished();
        if !self.is_named() {
            return self
                .runs
                .iter()
                .find(is_open)
                .map_or(Course::Open, Course::GoOn);
        }
        let mut same = self.runs.iter().filter(|run| self.is_same(&run.key));
        if let Some(open) = same.clone().find(is_open) {
            return Course::GoOn(open);
        }
        match same.next() {
            Some(run) if !self.options.again => Course::Over(run),
            _ => Course::Open,
        }
    }

    fn is_same(&self, key: &OccurrenceKey) -> bool {
        let Occurrence { fold, .. } = self.occurrence;
        (key.local, key.fold, key.zone) == (self.occurrence.local(), fold, self.occurrence.zone())
    }

    /// A run of another occurrence that is open while this one is wanted.
    pub(super) fn open_beside(&self) -> Option<&Run> {
        self.runs.iter().find(|run| !run.state().is_finished())
    }

    /// How long ago the occurrence was that somebody named. `None`: it is still to come, or just now.
    pub(super) fn late(&self) -> Option<Duration> {
        self.distance_s().filter(|late| *late > 0).map(seconds)
    }

    /// How far ahead it is.
    pub(super) fn ahead(&self) -> Option<Duration> {
        self.distance_s().filter(|late| *late < 0).map(seconds)
    }

    fn distance_s(&self) -> Option<i64> {
        let at_ms = self.occurrence.at.timestamp_millis();
        self.is_named()
            .then_some((self.now.wall_ms - at_ms).div_euclid(1_000))
    }

    /// What cannot be sent whatever is overridden, and what its run is called.
    pub(super) async fn frame(&self) -> Result<(Frame, OccurrenceKey), Failure> {
        if self.is_named() {
            check_fires(self.campaign, &self.occurrence)?;
            self.check_not_over()?;
        }
        let (_, key) = frame(self.workspace, self.app, self.campaign, &self.occurrence, 1);
        let pruned = match self.journal {
            Some(journal) => journal.pruned_last(&key).await?,
            None => None,
        };
        if let Some((_, when)) = pruned.filter(|_| !self.options.again && self.is_named()) {
            let text = Error::Pruned(key.run_name()).to_string();
            let when = time_text(when).unwrap_or_default();
            let help = format!(
                "that was {when}; to send it once more: {}",
                typed_with("--again")
            );
            return Err(Failure::new(Exit::Error, text).help(help));
        }
        let pruned = pruned.map_or(0, |(ordinal, _)| ordinal);
        let ordinal = ordinal(&self.runs, &self.occurrence).max(pruned) + 1;
        Ok(frame(
            self.workspace,
            self.app,
            self.campaign,
            &self.occurrence,
            ordinal,
        ))
    }

    /// An occurrence must not be taken by a run that skips everything.
    fn check_not_over(&self) -> Result<(), Failure> {
        let finish_by = finish_by_ms(self.campaign, &self.occurrence);
        let Some(over) = finish_by.filter(|by| *by <= self.now.wall_ms) else {
            return Ok(());
        };
        let over = time_text(over).unwrap_or_default();
        let text = format!("the time of `finish_within` was over {over}; nothing would be sent");
        let help = "leave --for out to send it as of now, or allow more time";
        Err(Failure::new(Exit::Error, text).help(help))
    }

    /// Opens what was planned.
    pub(super) async fn open(
        &self,
        journal: &Journal,
        staged: Staged,
        key: OccurrenceKey,
    ) -> Result<RunId, Failure> {
        let opened = (key, staged.header);
        let opening = Opening {
            stop_after: self.options.stop_after,
            earlier: Some(self.runs.len()),
            revision: revision(&self.workspace.repository, self.campaign.read_files()),
            ..executor::opening(self.app, self.campaign, &self.occurrence, opened)
        };
        let opened = journal.open_run(staged.plan, &opening, clock::now()).await;
        if opened.is_err() {
            journal.discard(staged.plan).await?;
        }
        Ok(opened?)
    }
}

fn seconds(distance: i64) -> Duration {
    Duration::from_secs(distance.unsigned_abs())
}

/// What a plan is made for, and what names its occurrence.
pub(super) fn frame(
    workspace: &Workspace,
    app: &App,
    campaign: &Campaign,
    occurrence: &Occurrence,
    ordinal: u32,
) -> (Frame, OccurrenceKey) {
    let vendor_app = workspace.vendor_app(app);
    executor::frame((app, vendor_app), campaign, occurrence, ordinal)
}

/// The highest ordinal of the runs at the very same civil time; each further one is told from them by its own.
pub(super) fn ordinal<'a>(runs: impl IntoIterator<Item = &'a Run>, occurrence: &Occurrence) -> u32 {
    let same = |run: &&Run| (run.key.local, run.key.fold) == (occurrence.local(), occurrence.fold);
    let ordinals = runs.into_iter().filter(same).map(|run| run.key.ordinal);
    ordinals.max().unwrap_or(0)
}

/// A plan by its name, before it is opened.
pub(super) fn late_text(name: &RunName, late: Duration) -> String {
    format!("{name} is {} late", length_text(late))
}
