//! What is not as it should be, as long as it is so.

use super::LaneName;
use super::lanes::LaneProblem;
use crate::catalog::Catalog;
use crate::identity::{CampaignName, Moment};
use crate::journal::{ActiveProblem, Problem};
use std::collections::BTreeMap;

/// The problems that last, as the journal is told of them.
#[derive(Debug, Default)]
pub(super) struct ActiveProblems {
    /// The text about each, and the time since when it lasts.
    present: BTreeMap<Problem, (String, i64)>,
    is_changed: bool,
}

impl ActiveProblems {
    /// Records a problem. Returns whether there is anything new about it.
    pub(super) fn set(&mut self, problem: Problem, text: &str, now: Moment) -> bool {
        self.set_since(problem, text, now.wall_ms)
    }

    fn set_since(&mut self, problem: Problem, text: &str, since_ms: i64) -> bool {
        let before = self.present.get(&problem);
        if before.is_some_and(|(before, _)| before == text) {
            return false;
        }
        let since_ms = before.map_or(since_ms, |(_, since_ms)| *since_ms);
        self.present.insert(problem, (text.to_owned(), since_ms));
        self.is_changed = true;
        true
    }

    pub(super) fn has(&self, problem: &Problem) -> bool {
        self.present.contains_key(problem)
    }

    pub(super) fn clear(&mut self, problem: &Problem) {
        self.is_changed |= self.present.remove(problem).is_some();
    }

    /// Records the files that cannot be used, and forgets those that can be again.
    pub(super) fn see_catalog(&mut self, catalog: &Catalog) {
        let stale = catalog.entries().filter_map(|entry| {
            let path = entry.path.clone();
            let stale = entry.stale.as_ref()?;
            Some((Problem::StaleFile { path }, &stale.why, stale.since_ms))
        });
        let invalid = catalog.invalid().map(|each| {
            let path = each.path.clone();
            (Problem::InvalidFile { path }, &each.why, each.since_ms)
        });
        let all: BTreeMap<Problem, (&String, i64)> = stale
            .chain(invalid)
            .map(|(problem, why, since_ms)| (problem, (why, since_ms)))
            .collect();
        let is_of_file = |problem: &Problem| {
            matches!(
                problem,
                Problem::StaleFile { .. } | Problem::InvalidFile { .. }
            )
        };
        self.retain(|problem| !is_of_file(problem) || all.contains_key(problem));
        for (problem, (why, since_ms)) in all {
            self.set_since(problem, why, since_ms);
        }
    }

    /// Records the lanes on which this daemon does not send, and forgets the others.
    pub(super) fn see_lanes<'a>(
        &mut self,
        others: impl Iterator<Item = (LaneName, &'a LaneProblem)>,
        now: Moment,
    ) {
        let others = others.map(|(lane, why)| {
            let lane = lane.to_string();
            (Problem::Lane { lane }, why.to_string())
        });
        let others: BTreeMap<Problem, String> = others.collect();
        let is_of_lane = |problem: &Problem| matches!(problem, Problem::Lane { .. });
        self.retain(|problem| !is_of_lane(problem) || others.contains_key(problem));
        for (problem, why) in others {
            self.set(problem, &why, now);
        }
    }

    fn retain(&mut self, is_kept: impl Fn(&Problem) -> bool) {
        let before = self.present.len();
        self.present.retain(|problem, _| is_kept(problem));
        self.is_changed |= self.present.len() != before;
    }

    /// Returns all problems if they are not those of the last call.
    pub(super) fn changed(&mut self) -> Option<Vec<ActiveProblem>> {
        let active = |(problem, (text, since_ms)): (&Problem, &(String, i64))| ActiveProblem {
            problem: problem.clone(),
            text: text.clone(),
            since_ms: *since_ms,
        };
        let is_changed = std::mem::take(&mut self.is_changed);
        is_changed.then(|| self.present.iter().map(active).collect())
    }

    /// The journal did not take them.
    pub(super) fn report_again(&mut self) {
        self.is_changed = true;
    }
}

pub(super) fn unplanned(name: &CampaignName) -> Problem {
    Problem::Unplanned {
        campaign: name.to_string(),
    }
}
