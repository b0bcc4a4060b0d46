//! The journal of a world: what is durable, and how long it takes to be.

use campanile::workbench::{
    CampaignName, Civil, Cursor, Decided, Definition, Departure, Disposition, EffectId, Grounds,
    JournalView, Occurrence, OpenRun, PausedBy, RunName, ScheduleKey, Waiting,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A campaign's occurrence.
pub(super) type Id = (CampaignName, Civil);

#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) cursors: BTreeMap<CampaignName, (Arc<Definition>, Cursor)>,
    pub(super) rows: BTreeMap<Id, Row>,
    pub(super) runs: BTreeMap<Id, Run>,
    /// The campaigns that the operator paused.
    pub(super) paused: BTreeSet<CampaignName>,
    /// Counts the commits.
    pub(super) stamp: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) occurrence: Occurrence,
    pub(super) disposition: Disposition,
    pub(super) decided_ms: i64,
    pub(super) is_operators: bool,
    pub(super) grounds: Grounds,
}

#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) key: ScheduleKey,
    pub(super) at_ms: i64,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// It waits for the operator.
    Paused,
    Ended {
        wall_ms: i64,
    },
}

impl Run {
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Ended { .. })
    }
}

pub(super) fn is_final(disposition: Disposition) -> bool {
    match disposition {
        Disposition::Missed | Disposition::Skipped => true,
        Disposition::Held | Disposition::Queued | Disposition::Released => false,
    }
}

pub(super) fn run_name(campaign: &CampaignName, civil: Civil) -> RunName {
    RunName {
        campaign: campaign.clone(),
        local: civil.local,
        ordinal: 1,
        test: false,
    }
}

/// The range of a campaign's occurrences.
fn all_of(name: &CampaignName) -> std::ops::RangeInclusive<Id> {
    let civil = |local, fold| Civil { local, fold };
    let first = civil(chrono::NaiveDateTime::MIN, 0);
    let last = civil(chrono::NaiveDateTime::MAX, 1);
    (name.clone(), first)..=(name.clone(), last)
}

impl Journal {
    pub(super) fn record(
        &mut self,
        (definition, cursor): (Arc<Definition>, Cursor),
        decided: Vec<Decided>,
        now_ms: i64,
    ) -> BTreeSet<Civil> {
        let mut refused = BTreeSet::new();
        let name = definition.key.campaign.clone();
        let is_new = self
            .cursors
            .insert(name.clone(), (definition, cursor))
            .is_none();
        if is_new {
            // A clock that was ahead decided about them before the schedule was forgotten.
            self.rows.retain(|(campaign, _), row| {
                let is_ahead = row.occurrence.at.timestamp_millis() > now_ms;
                *campaign != name || !is_final(row.disposition) || row.is_operators || !is_ahead
            });
        }
        for Decided {
            civil,
            at,
            disposition,
            grounds,
        } in decided
        {
            let id = (name.clone(), civil);
            let is_decided = self
                .rows
                .get(&id)
                .is_some_and(|row| is_final(row.disposition));
            if is_decided || self.runs.contains_key(&id) {
                refused.insert(civil);
                continue;
            }
            let row = Row {
                occurrence: Occurrence {
                    at,
                    fold: civil.fold,
                },
                disposition,
                decided_ms: now_ms,
                is_operators: false,
                grounds,
            };
            self.rows.insert(id, row);
        }
        self.stamp += 1;
        refused
    }

    pub(super) fn withdraw(&mut self, now_ms: i64) -> Vec<(ScheduleKey, i64)> {
        let cursors = &self.cursors;
        let mut withdrawn: BTreeMap<ScheduleKey, i64> = BTreeMap::new();
        self.rows.retain(|(name, _), row| {
            let at_ms = row.occurrence.at.timestamp_millis();
            let Some((definition, cursor)) = cursors.get(name) else {
                return true;
            };
            let within_ms = definition.schedule.start_within.as_millis();
            let from_ms = now_ms - i64::try_from(within_ms).unwrap();
            // What an earlier schedule named is not decided again.
            let may_start = at_ms > from_ms.max(cursor.seen_ms.min(now_ms));
            let is_early = row.decided_ms > now_ms;
            let is_withdrawn =
                is_final(row.disposition) && !row.is_operators && may_start && is_early;
            if is_withdrawn {
                let earliest = withdrawn.entry(definition.key.clone()).or_insert(at_ms);
                *earliest = at_ms.min(*earliest);
            }
            !is_withdrawn
        });
        for (key, at_ms) in &withdrawn {
            if let Some((_, cursor)) = self.cursors.get_mut(&key.campaign) {
                cursor.decided_ms = cursor.decided_ms.min(at_ms - 1);
            }
        }
        self.stamp += 1;
        withdrawn.into_iter().collect()
    }

    pub(super) fn taken(
        &self,
        name: &CampaignName,
        from: chrono::NaiveDateTime,
    ) -> BTreeSet<Civil> {
        let rows = self.rows.range(all_of(name)).map(|((_, civil), _)| civil);
        let runs = self.runs.range(all_of(name)).map(|((_, civil), _)| civil);
        let all = rows.chain(runs).copied();
        all.filter(|civil| civil.local >= from).collect()
    }

    pub(super) fn forget(&mut self, key: &ScheduleKey, departure: Departure) {
        self.cursors.remove(&key.campaign);
        let pauses = matches!(departure, Departure::FileRemoved | Departure::Disabled);
        for run in self.runs.values_mut() {
            if pauses && run.key == *key && run.state == State::Open {
                run.state = State::Paused;
            }
        }
        self.stamp += 1;
    }

    pub(super) fn open_runs(&self, name: &CampaignName) -> impl Iterator<Item = &Run> {
        let runs = self.runs.range(all_of(name));
        runs.map(|(_, run)| run).filter(|run| run.is_open())
    }

    pub(super) fn open_names(&self, name: &CampaignName) -> Vec<RunName> {
        let open = self.runs.range(all_of(name));
        let open = open.filter(|(_, run)| run.is_open());
        open.map(|((_, civil), _)| run_name(name, *civil)).collect()
    }

    pub(super) fn waiting(&self, name: &CampaignName) -> impl Iterator<Item = &Row> {
        let rows = self.rows.range(all_of(name));
        rows.map(|(_, row)| row)
            .filter(|row| !is_final(row.disposition))
    }

    pub(super) fn view(&self, upto: EffectId, is_pruned: bool) -> JournalView {
        let free_ms = |name: &CampaignName| {
            let runs = self.runs.range(all_of(name));
            let ended = runs.filter_map(|(_, run)| match run.state {
                State::Ended { wall_ms } => Some(wall_ms),
                State::Open | State::Paused => None,
            });
            ended.max().filter(|_| !is_pruned)
        };
        let waiting = self
            .rows
            .iter()
            .filter(|(_, row)| !is_final(row.disposition));
        let key = |name: &CampaignName| {
            let key = self.cursors.get(name);
            key.map(|(definition, _)| definition.key.clone())
        };
        let waiting = waiting.filter_map(|((name, _), row)| {
            Some(Waiting {
                key: key(name)?,
                occurrence: row.occurrence.clone(),
                disposition: row.disposition,
                free_ms: free_ms(name),
            })
        });
        let open = self.runs.iter().filter(|(_, run)| run.is_open());
        let open = open.map(|((name, civil), run)| OpenRun {
            key: run.key.clone(),
            name: run_name(name, *civil),
        });
        let paused = self.paused.iter();
        let paused = paused.map(|name| (name.clone(), PausedBy::Operator));
        JournalView {
            upto,
            waiting: waiting.collect(),
            open: open.collect(),
            paused: paused.collect(),
        }
    }
}
