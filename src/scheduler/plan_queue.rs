//! Which plan a worker advances next.

use super::EffectId;
use crate::seeded_bug::SeededBug;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a worker advances one plan before it puts the plan back.
pub const SLICE: Duration = Duration::from_millis(50);

/// The plans that are not ready, each keyed by the effect that requested it. A due plan comes before one that is ahead of
/// its slot, then the one that was served least, then the one with the earliest slot: a plan that takes long never keeps
/// another from its slot.
#[derive(Debug, Default)]
pub struct PlanQueue {
    plans: BTreeMap<EffectId, Queued>,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    is_due: bool,
    at: DateTime<Utc>,
    served: Duration,
    /// A worker advances it now.
    is_taken: bool,
}

impl PlanQueue {
    pub fn add(&mut self, id: EffectId, is_due: bool, at: DateTime<Utc>) {
        let served = Duration::ZERO;
        let queued = Queued {
            is_due,
            at,
            served,
            is_taken: false,
        };
        self.plans.insert(id, queued);
    }

    /// The slot of the plan has come.
    pub fn urge(&mut self, id: EffectId) {
        if let Some(plan) = self.plans.get_mut(&id) {
            plan.is_due = true;
        }
    }

    /// Returns whether the plan was still queued or taken.
    pub fn remove(&mut self, id: EffectId) -> bool {
        self.plans.remove(&id).is_some()
    }

    /// Takes the plan that is to be advanced next.
    pub fn take(&mut self) -> Option<EffectId> {
        let free = self.plans.iter_mut().filter(|(_, plan)| !plan.is_taken);
        let key = |id: EffectId, plan: &Queued| {
            let is_first_come = SeededBug::PlansOneAfterAnother.is_active();
            let order = (!plan.is_due, plan.served, plan.at);
            ((!is_first_come).then_some(order), id)
        };
        let first = free.min_by_key(|(id, plan)| key(**id, plan));
        let (id, plan) = first?;
        plan.is_taken = true;
        Some(*id)
    }

    /// Puts a plan back that was advanced for so long and is not ready.
    pub fn put_back(&mut self, id: EffectId, served: Duration) {
        if let Some(plan) = self.plans.get_mut(&id) {
            plan.served += served;
            plan.is_taken = false;
        }
    }

    pub fn ids(&self) -> impl Iterator<Item = EffectId> {
        self.plans.keys().copied()
    }
}
