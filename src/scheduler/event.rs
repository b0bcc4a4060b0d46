//! The events that the machine takes.
use super::EffectId;
use super::{Civil, Disposition, PausedBy, Reason};
use crate::identity::{CampaignName, Digest, RunName, VendorApp};
use crate::schedule::{Occurrence, Schedule};
use crate::settings::Hours;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The identity of a schedule: a campaign and the app through which it is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleKey {
    pub app: VendorApp,
    pub campaign: CampaignName,
}

/// A scheduled campaign as its file describes it, or described it while the file was valid.
#[derive(Clone, Debug)]
pub struct Definition {
    pub key: ScheduleKey,
    pub schedule: Arc<Schedule>,
    /// When first attempts may be made.
    pub hours: Option<Hours>,
    /// Why the file cannot be used now, if its occurrences are held for that.
    pub invalid: Option<String>,
    /// Differs whenever a plan that was made before may differ.
    pub version: Digest,
}

/// How far the occurrences of a schedule have been decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the schedule was first seen. An earlier slot is never due.
    pub seen_ms: i64,
    /// Every slot up to here has its state.
    pub decided_ms: i64,
    /// Behind this, slots may have no state: they were too long ago when they were looked at, perhaps by a clock that was
    /// wrong.
    pub gap_ms: Option<i64>,
}

/// Why a schedule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    FileRemoved,
    Disabled,
    /// The file has no schedule any more.
    Unscheduled,
    /// The campaign is sent through another app.
    AppChanged,
}

/// Whose fault it is that an occurrence cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Only another file helps: the occurrence is held.
    Author(Reason),
    /// It may pass: the occurrence is tried again.
    Machine(String),
    /// The plan was dropped, or nothing is known of it.
    Dropped,
}

/// The end of an attempt to open a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenResult {
    Opened {
        run: RunName,
    },
    /// The occurrence has a run already.
    AlreadyOpened,
    /// What the plan was made from has changed, or the plan is gone.
    Outdated,
    Failed(String),
}

/// An occurrence of the journal that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub key: ScheduleKey,
    pub occurrence: Occurrence,
    pub disposition: Disposition,
    /// When the latest run of the campaign ended, as far as the journal knows.
    pub free_ms: Option<i64>,
}

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    pub key: ScheduleKey,
    pub name: RunName,
}

/// A snapshot of the journal: all that waits, is open, or is paused.
#[derive(Clone, Debug, Default)]
pub struct JournalView {
    /// Every effect on the journal up to this number had ended when the snapshot was read.
    pub upto: EffectId,
    pub waiting: Vec<Waiting>,
    pub open: Vec<OpenRun>,
    /// The campaigns that are paused.
    pub paused: Vec<(CampaignName, PausedBy)>,
}

/// An input of the machine.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time has passed.
    Time,
    /// A scheduled campaign is new, or its file, its texts or the settings have changed. `cursor`: what the journal knows of
    /// this very schedule, if the machine does not know the campaign yet.
    Defined {
        definition: Box<Definition>,
        cursor: Option<Cursor>,
    },
    Departed {
        campaign: CampaignName,
        departure: Departure,
    },
    Journal(Box<JournalView>),
    /// The answer to [`super::Effect::Look`]: the occurrences that have a state or a run, and the names of open runs.
    Looked {
        id: EffectId,
        taken: BTreeSet<Civil>,
        open: Vec<RunName>,
    },
    PlanReady {
        id: EffectId,
        planned: u64,
    },
    PlanFailed {
        id: EffectId,
        fault: Fault,
    },
    /// The planner still has these plans and none of them is stuck.
    PlansAlive(Vec<EffectId>),
    Opened {
        id: EffectId,
        result: OpenResult,
    },
    /// The answer to [`super::Effect::Record`]. `refused`: what was not recorded, because the occurrence has a run or had its
    /// final state.
    Recorded {
        id: EffectId,
        refused: BTreeSet<Civil>,
    },
    /// The answer to [`super::Effect::Withdraw`]: the earliest occurrence of each schedule that lost its state.
    Withdrawn {
        id: EffectId,
        withdrawn: Vec<(ScheduleKey, i64)>,
    },
    /// The answer to [`super::Effect::Forget`].
    Forgotten {
        id: EffectId,
    },
    /// An effect on the journal failed or was cancelled. It may have happened all the same.
    Failed {
        id: EffectId,
        why: String,
    },
    Shutdown,
}
