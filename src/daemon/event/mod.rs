//! Everything the daemon tells, as values: a line for what matters, none for a message.

mod fields;
mod text;

use crate::channel::Channel;
use crate::delivery::{Counts, Interruption, RunState};
use crate::identity::{CampaignName, RunName, SdkAppId};
use crate::scheduler::{Grounds, Reason};
use crate::settings::SettingChange;
use std::fmt;

/// What happened. A further kind also needs its name, level, text and fields, a sample in the tests, and a `Notice` of the
/// settings if people may be told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Started {
        campaigns: u64,
        /// So many files more cannot be used.
        invalid: u64,
        next: Option<Next>,
    },
    Reloaded {
        added: Vec<CampaignName>,
        changed: Vec<CampaignName>,
        removed: Vec<CampaignName>,
    },
    /// A file cannot be used as it is.
    Invalid {
        path: String,
        /// Whose last good version there is.
        campaign: Option<CampaignName>,
        why: String,
    },
    Mended {
        campaign: CampaignName,
    },
    /// So many campaigns went at once that it is more likely to be an accident.
    Disappeared {
        gone: u64,
        of: u64,
        /// What confirms it.
        command: String,
    },
    /// The files change all the time or cannot be read for now, so the daemon keeps the campaigns that it has.
    Unsettled {
        since_ms: i64,
        why: String,
    },
    SettingsInvalid {
        why: String,
    },
    SettingsChanged {
        needs_restart: bool,
    },
    /// Operator's values of a commit are not in use until an operator accepts them.
    SettingsPending {
        commit: Option<String>,
        changes: Vec<SettingChange>,
        /// What accepts them.
        command: String,
    },
    /// Other files are there: those of this commit.
    GitSwitched {
        /// A branch and where it is.
        repository: String,
        from: Option<String>,
        to: String,
        /// It is not built upon the one before.
        is_rewritten: bool,
    },
    /// The first fetch takes its time.
    GitFetching {
        repository: String,
        /// In the words of git; empty until it says how far it is.
        progress: String,
    },
    /// Told once until something is heard of it again.
    GitFailed {
        repository: String,
        why: String,
    },
    /// The newest commit is not checked out.
    GitRefused {
        commit: String,
        why: String,
    },
    /// The plan is ready before its time.
    Prepared {
        run: RunName,
        planned: u64,
        at_ms: i64,
    },
    Unprepared {
        run: RunName,
        at_ms: i64,
        reason: Reason,
    },
    PreparedAnew {
        run: RunName,
    },
    Opened {
        run: RunName,
        planned: u64,
        late_ms: u64,
    },
    /// Somebody else opened it, or lets it go on, and it is sent here.
    Joined {
        run: RunName,
        planned: u64,
    },
    /// Every delivery has ended.
    Ended {
        run: RunName,
        state: RunState,
        counts: Counts,
    },
    /// Stopped or paused: it needs a person.
    Left {
        run: RunName,
        state: RunState,
    },
    /// It is not begun without a person.
    Held {
        run: RunName,
        grounds: Grounds,
        /// What lets it go.
        command: String,
    },
    Missed {
        run: RunName,
        grounds: Grounds,
        together: Together,
    },
    Skipped {
        run: RunName,
        grounds: Grounds,
        together: Together,
    },
    Queued {
        run: RunName,
        grounds: Grounds,
    },
    LaneTaken {
        lane: LaneName,
    },
    /// Another process holds it and sends what is opened here.
    LaneElsewhere {
        lane: LaneName,
        holder: String,
    },
    LaneFailed {
        lane: LaneName,
        why: String,
    },
    /// The journal is not where it was, or has a further name.
    Journal {
        why: String,
    },
    /// The journal cannot be written for a while: nothing new is started. Told once until it can be written again.
    JournalUnavailable {
        why: String,
    },
    /// It can be written again.
    JournalRecovered {
        lasted_ms: u64,
    },
    ClockStepped {
        /// Forward, or backward if it is negative.
        by_ms: i64,
    },
    VendorClock {
        /// Ours is ahead by so much, or behind if it is negative.
        differs_ms: i64,
    },
    /// Told once until one arrives again.
    NotifyFailed {
        /// The rest of the address is a secret.
        url_host: String,
        why: String,
    },
    /// More was to be told than could be.
    NotifyDropped {
        dropped: u64,
    },
    /// The log was not read, so some of its lines are lost.
    LogDropped {
        dropped: u64,
    },
    /// A part of the program met a bug of its own.
    Panicked {
        thread: String,
        /// The line of the source.
        place: String,
        why: String,
    },
    Draining {
        signal: Interruption,
    },
    Stopped,
}

/// The occurrences of a campaign that were decided at once and alike. The event names the latest of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    pub first: RunName,
    /// How many they are, the latest included.
    pub count: u64,
}

/// The occurrence that comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    pub run: RunName,
    pub at_ms: i64,
}

/// A lane as people tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneName {
    pub sdk_app_id: SdkAppId,
    pub channel: Channel,
}

impl fmt::Display for LaneName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.sdk_app_id, self.channel.name())
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Info,
    /// Not as it should be, and coped with for now.
    Warning,
    /// Something is not sent as it should be, or waits for a person.
    Error,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// Who begins later than this is late.
const LATE_MS: u64 = 1_000;

impl Event {
    pub fn name(&self) -> &'static str {
        match self {
            Event::Started { .. } => "started",
            Event::Reloaded { .. } => "reloaded",
            Event::Invalid { .. } => "invalid",
            Event::Mended { .. } => "mended",
            Event::Disappeared { .. } => "disappeared",
            Event::Unsettled { .. } => "unsettled",
            Event::SettingsInvalid { .. } => "settings_invalid",
            Event::SettingsChanged { .. } => "settings_changed",
            Event::SettingsPending { .. } => "settings_pending",
            Event::GitSwitched { .. } => "git_switched",
            Event::GitFetching { .. } => "git_fetching",
            Event::GitFailed { .. } => "git_failed",
            Event::GitRefused { .. } => "git_refused",
            Event::Prepared { .. } => "prepared",
            Event::Unprepared { .. } => "unprepared",
            Event::PreparedAnew { .. } => "prepared_anew",
            Event::Opened { .. } => "opened",
            Event::Joined { .. } => "joined",
            Event::Ended { .. } => "ended",
            Event::Left { .. } => "left",
            Event::Held { .. } => "held",
            Event::Missed { .. } => "missed",
            Event::Skipped { .. } => "skipped",
            Event::Queued { .. } => "queued",
            Event::LaneTaken { .. } => "lane_taken",
            Event::LaneElsewhere { .. } => "lane_elsewhere",
            Event::LaneFailed { .. } => "lane_failed",
            Event::Journal { .. } => "journal",
            Event::JournalUnavailable { .. } => "journal_unavailable",
            Event::JournalRecovered { .. } => "journal_recovered",
            Event::ClockStepped { .. } => "clock_stepped",
            Event::VendorClock { .. } => "vendor_clock",
            Event::NotifyFailed { .. } => "notify_failed",
            Event::NotifyDropped { .. } => "notify_dropped",
            Event::LogDropped { .. } => "log_dropped",
            Event::Panicked { .. } => "panicked",
            Event::Draining { .. } => "draining",
            Event::Stopped => "stopped",
        }
    }

    pub fn level(&self) -> Level {
        match self {
            Event::Ended { state, counts, .. } => ended_level(state, counts),
            Event::Opened { late_ms, .. } if *late_ms > LATE_MS => Level::Warning,
            Event::SettingsChanged { needs_restart } if *needs_restart => Level::Warning,
            Event::GitSwitched { is_rewritten, .. } if *is_rewritten => Level::Warning,
            Event::Disappeared { .. }
            | Event::Unprepared { .. }
            | Event::Left { .. }
            | Event::Held { .. }
            | Event::Missed { .. }
            | Event::LaneFailed { .. }
            | Event::Journal { .. }
            | Event::JournalUnavailable { .. }
            | Event::Panicked { .. } => Level::Error,
            Event::Invalid { .. }
            | Event::Unsettled { .. }
            | Event::SettingsInvalid { .. }
            | Event::SettingsPending { .. }
            | Event::GitFailed { .. }
            | Event::GitRefused { .. }
            | Event::Skipped { .. }
            | Event::ClockStepped { .. }
            | Event::VendorClock { .. }
            | Event::NotifyFailed { .. }
            | Event::NotifyDropped { .. }
            | Event::LogDropped { .. } => Level::Warning,
            Event::Started { .. }
            | Event::Reloaded { .. }
            | Event::Mended { .. }
            | Event::SettingsChanged { .. }
            | Event::GitSwitched { .. }
            | Event::GitFetching { .. }
            | Event::Prepared { .. }
            | Event::PreparedAnew { .. }
            | Event::Opened { .. }
            | Event::Joined { .. }
            | Event::Queued { .. }
            | Event::LaneTaken { .. }
            | Event::LaneElsewhere { .. }
            | Event::JournalRecovered { .. }
            | Event::Draining { .. }
            | Event::Stopped => Level::Info,
        }
    }

    /// The run it is about.
    pub fn run(&self) -> Option<&RunName> {
        match self {
            Event::Prepared { run, .. }
            | Event::Unprepared { run, .. }
            | Event::PreparedAnew { run }
            | Event::Opened { run, .. }
            | Event::Joined { run, .. }
            | Event::Ended { run, .. }
            | Event::Left { run, .. }
            | Event::Held { run, .. }
            | Event::Missed { run, .. }
            | Event::Skipped { run, .. }
            | Event::Queued { run, .. } => Some(run),
            _ => None,
        }
    }

    /// Whether it is the end of a run in which not all went as it should.
    pub fn is_bad_end(&self) -> bool {
        matches!(self, Event::Ended { .. }) && self.level() > Level::Info
    }
}

/// A run that a person cancelled has ended as they wanted.
fn ended_level(state: &RunState, counts: &Counts) -> Level {
    let is_bad = counts.refused + counts.failed + counts.unknown > 0;
    match state {
        RunState::Failed => Level::Error,
        _ if is_bad => Level::Warning,
        _ => Level::Info,
    }
}

#[cfg(test)]
mod tests;
