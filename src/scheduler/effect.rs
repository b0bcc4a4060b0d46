//! The effects that the machine requests.
use super::{Civil, Decided, Disposition, Grounds, Reason};
use super::{Cursor, Definition, Departure, ScheduleKey};
use crate::identity::CampaignName;
use crate::schedule::Occurrence;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use std::sync::Arc;

/// The number of an effect, which its answer returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub u64);

/// A request of the machine.
///
/// Effects on the journal are `Look`, `Open`, `Record`, `Withdraw` and `Forget`. They take place and are answered in the
/// order of their numbers: a snapshot or a look that was read after an effect includes it.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Read which occurrences not before `from` have a state or a run, and which runs are open.
    Look {
        key: ScheduleKey,
        zone: Tz,
        from: NaiveDateTime,
    },
    Plan {
        definition: Arc<Definition>,
        occurrence: Occurrence,
        is_due: bool,
    },
    /// A plan that was requested ahead of its slot is due now.
    Urge {
        plan: EffectId,
    },
    /// Throw a plan away, ready or not. A plan that is under way answers [`super::Fault::Dropped`].
    Drop {
        plan: EffectId,
    },
    Open {
        key: ScheduleKey,
        occurrence: Occurrence,
        plan: EffectId,
    },
    /// Append decisions, and the cursor that goes with them. An occurrence that has a run or a final state keeps it.
    Record {
        definition: Arc<Definition>,
        cursor: Cursor,
        next: Option<Occurrence>,
        decided: Vec<Decided>,
    },
    /// Delete every final state that a clock decided which was ahead of this instant, if the occurrence can still start, was
    /// named by the schedule as it is now, and was not skipped by the operator.
    Withdraw {
        now_ms: i64,
    },
    /// Pause the open runs of a schedule, unless it is still sent in another way, and delete its cursor.
    Forget {
        key: ScheduleKey,
        departure: Departure,
    },
    /// End an effect on the journal that has not been answered by its deadline, and answer it.
    Cancel {
        effect: EffectId,
    },
    Notify(Notice),
}

/// A message for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Occurrences of one campaign that were decided together and alike.
    Decided {
        campaign: CampaignName,
        disposition: Disposition,
        first: Civil,
        last: Civil,
        count: usize,
        /// The grounds of the last one.
        grounds: Grounds,
    },
    /// The plan for the next occurrence is ready.
    Planned {
        campaign: CampaignName,
        occurrence: Occurrence,
        planned: u64,
    },
    /// The next occurrence cannot be planned as its file is now.
    PlanningFailed {
        campaign: CampaignName,
        occurrence: Occurrence,
        why: Reason,
    },
    /// Planning would succeed now.
    PlanningRecovered {
        campaign: CampaignName,
    },
    /// The plan was thrown away because its files changed.
    Replanned {
        campaign: CampaignName,
        occurrence: Occurrence,
    },
    ClockStepped {
        by_ms: i64,
    },
}
