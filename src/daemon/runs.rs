//! The open runs of the journal, whoever opened them, and what became of them.

use super::Event;
use crate::delivery::{RunEvent, RunState};
use crate::identity::RunName;
use crate::journal::{self, Journal, Run, RunId};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct OpenRuns {
    runs: BTreeMap<RunId, Run>,
    /// Runs that this daemon has opened since the last look.
    opened: BTreeSet<RunId>,
    /// What is found from now on was opened since.
    has_looked: bool,
}

impl OpenRuns {
    /// A run that this daemon has opened. It is among all of them from the next look on.
    pub(super) fn add_opened(&mut self, run: RunId) {
        self.opened.insert(run);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// Looks at all there are. Returns what is to be told.
    pub(super) async fn look(&mut self, journal: &Journal) -> Result<Vec<Event>, journal::Error> {
        let (open, _) = journal.all_unended_runs().await?;
        let mut gone = Vec::new();
        let known = self.runs.keys().chain(&self.opened);
        for id in known.filter(|id| !open.iter().any(|run| run.id == **id)) {
            gone.push(journal.run(*id).await?);
        }
        // From here on nothing fails: what is told is known from now on.
        let mut events: Vec<Event> = gone.iter().filter_map(news).collect();
        let before = std::mem::take(&mut self.runs);
        let opened = std::mem::take(&mut self.opened);
        // A test is nobody's occurrence.
        for run in open.into_iter().filter(|run| !run.key.test) {
            let known = before.get(&run.id);
            let is_opened = opened.contains(&run.id);
            let was_open = known.map_or(!self.has_looked || is_opened, |known| {
                known.state() == RunState::Open
            });
            let had = known.map(|known| known.entries.len());
            if had
                .or(is_opened.then_some(0))
                .is_some_and(|had| had != run.entries.len())
            {
                events.extend(news(&run));
            }
            if run.state() == RunState::Open && !was_open {
                events.push(Event::Joined {
                    run: run.name(),
                    planned: run.planned,
                });
            }
            self.runs.insert(run.id, run);
        }
        self.has_looked = true;
        Ok(events)
    }
}

fn news(run: &Run) -> Option<Event> {
    let (name, state): (RunName, RunState) = (run.name(), run.state());
    let last = run.last_entry().map(|entry| &entry.event);
    match (&state, last) {
        (state, Some(RunEvent::Finished(counts))) if state.is_finished() => Some(Event::Ended {
            run: name,
            state: state.clone(),
            counts: *counts,
        }),
        (RunState::Paused { .. } | RunState::Stopped { .. }, _) => {
            Some(Event::Left { run: name, state })
        }
        _ => None,
    }
}
