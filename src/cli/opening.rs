//! What a run is opened with, and what becomes of it as the campaign's earlier runs stand.

use super::exit::Exit;
use super::failure::Failure;
use super::occurrences::{self, check_fires};
use super::senders::Run as RunOptions;
use super::workspace::{Workspace, typed_with};
use crate::campaign::Campaign;
use crate::clock;
use crate::executor::Staged;
use crate::files::revision;
use crate::identity::{Moment, OccurrenceKey, RunName};
use crate::journal::{Error, Journal, Opening, Run, RunId};
use crate::plan::Frame;
use crate::report::time_text;
use crate::schedule::Occurrence;
use crate::settings::App;
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
        let rules = &self.campaign.rules;
        let opening = Opening {
            key,
            app: self.app.role.clone(),
            header: staged.header,
            rate: rules.rate,
            attempts: rules.attempts,
            tolerate: rules.tolerate,
            window: rules.window,
            pause_after: rules.pause_after,
            stop_after: self.options.stop_after,
            earlier: self.runs.len(),
            on_unknown: rules.on_unknown,
            finish_by_ms: finish_by_ms(self.campaign, &self.occurrence),
            revision: revision(self.workspace.repository.root()),
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

/// After this no delivery of the occurrence is begun. A campaign that is sent by hand only has no such instant: the limit
/// belongs to its schedule.
pub(super) fn finish_by_ms(campaign: &Campaign, occurrence: &Occurrence) -> Option<i64> {
    let within = campaign.schedule.as_ref()?.finish_within?;
    let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    Some(occurrence.at.timestamp_millis().saturating_add(within_ms))
}

/// What a plan is made for, and what names its occurrence.
pub(super) fn frame(
    workspace: &Workspace,
    app: &App,
    campaign: &Campaign,
    occurrence: &Occurrence,
    ordinal: u32,
) -> (Frame, OccurrenceKey) {
    let key = OccurrenceKey {
        app: workspace.vendor_app(app),
        campaign: campaign.name.clone(),
        local: occurrence.local(),
        fold: occurrence.fold,
        zone: occurrence.zone(),
        ordinal,
        test: false,
    };
    let frame = Frame {
        occurrence: occurrence.clone(),
        digest: key.digest(),
        members_max: campaign.channel().members_max(&app.limits),
    };
    (frame, key)
}

/// The highest ordinal of the runs at the very same civil time; each further one is told from them by its own.
pub(super) fn ordinal<'a>(runs: impl IntoIterator<Item = &'a Run>, occurrence: &Occurrence) -> u32 {
    let same = |run: &&Run| (run.key.local, run.key.fold) == (occurrence.local(), occurrence.fold);
    let ordinals = runs.into_iter().filter(same).map(|run| run.key.ordinal);
    ordinals.max().unwrap_or(0)
}

/// A plan by its name, before it is opened.
pub(super) fn late_text(name: &RunName, late: Duration) -> String {
    format!("{name} is {} late", humantime::format_duration(late))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Texts;
    use crate::settings::Settings;
    use crate::source::Source;

    fn campaign(schedule: &str, defaults: &str) -> Campaign {
        let settings =
            format!("apps: {{ main: {{ sdk_app_id: 1, region: singapore }} }}\n{defaults}");
        let settings = Settings::read(&Source::new("campanile.yaml", settings), &[]).unwrap();
        let text = format!(
            "name: news\n{schedule}audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ text: \"x\" }} }}\n"
        );
        Campaign::read(&Source::new("news.yaml", text), &settings, &Texts::new()).unwrap()
    }

    #[test]
    fn a_run_ends_so_long_after_its_occurrence_as_its_schedule_says() {
        const HOUR_MS: i64 = 3_600_000;
        let now = Moment {
            wall_ms: 1_800_000_000_900,
            boot_ns: 0,
            boot_id: 0,
        };
        let occurrence = Occurrence::at_moment(now, chrono_tz::Asia::Shanghai);
        let by = |schedule: &str, defaults: &str| {
            finish_by_ms(&campaign(schedule, defaults), &occurrence)
        };
        let defaults = "defaults: { schedule: { finish_within: 3h } }\n";
        let daily = "schedule: { cron: \"0 9 * * *\" }\n";
        let limited = "schedule: { cron: \"0 9 * * *\", finish_within: 6h }\n";
        assert_eq!(by("", ""), None);
        assert_eq!(by(daily, ""), None);
        assert_eq!(by(limited, ""), Some(1_800_000_000_000 + 6 * HOUR_MS));
        assert_eq!(by(limited, defaults), by(limited, ""));
        assert_eq!(by(daily, defaults), Some(1_800_000_000_000 + 3 * HOUR_MS));
        assert_eq!(by("", defaults), None, "it has no schedule");
    }
}
