//! The daemon of a world: the real scheduler and plan queue, with a planner and a journal queue around them.

use campanile::workbench::{
    CampaignName, Digest, Effect, EffectId, Fault, Occurrence, PlanQueue, Scheduler,
};
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug, Default)]
pub(super) struct Daemon {
    pub(super) scheduler: Scheduler,
    pub(super) started_ms: i64,
    pub(super) plans: PlanQueue,
    pub(super) jobs: BTreeMap<EffectId, Job>,
    pub(super) ready: BTreeMap<EffectId, Digest>,
    /// What each worker does.
    pub(super) workers: [Option<EffectId>; WORKERS],
    /// Operations on the journal, which take place in order.
    pub(super) operations: VecDeque<Operation>,
    pub(super) is_operating: bool,
    /// The last effect on the journal that has ended.
    pub(super) upto: EffectId,
    /// The files as it knows them.
    pub(super) known: BTreeMap<CampaignName, u64>,
    pub(super) seen_stamp: u64,
    /// Notices of missed occurrences that are older than this process.
    pub(super) absences: BTreeMap<CampaignName, u32>,
}

pub(super) const WORKERS: usize = 2;

/// A plan that is not ready.
#[derive(Debug)]
pub(super) struct Job {
    /// Its campaign, by the number of its file.
    pub(super) which: Option<usize>,
    pub(super) left_ms: u64,
    pub(super) version: Digest,
    pub(super) result: Result<u64, Fault>,
    pub(super) is_dropped: bool,
}

#[derive(Debug)]
pub(super) enum Operation {
    Effect {
        id: EffectId,
        effect: Box<Effect>,
        is_cancelled: bool,
    },
    View,
}

/// An occurrence by its name.
pub(super) fn civil(occurrence: &Occurrence) -> campanile::workbench::Civil {
    campanile::workbench::Civil::of(occurrence)
}
