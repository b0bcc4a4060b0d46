//! The open runs of the journal, whoever opened them, and what became of them.

use super::{Error, Event};
use crate::delivery::{RunEvent, RunState};
use crate::identity::RunName;
use crate::journal::{Journal, Run, RunId, ScheduleKey};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct OpenRuns {
    runs: BTreeMap<RunId, Run>,
    /// What is found from now on was opened since.
    has_looked: bool,
}

impl OpenRuns {
    pub(super) fn add(&mut self, run: Run) {
        // A test is nobody's occurrence.
        if !run.key.test {
            self.runs.insert(run.id, run);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// What of a campaign is open.
    pub(super) fn of<'a>(&'a self, key: &'a ScheduleKey) -> impl Iterator<Item = &'a Run> {
        let is_its = move |run: &&Run| run.key.campaign == key.campaign && run.key.app == key.app;
        self.runs.values().filter(is_its)
    }

    /// Looks at all there are. What is to be told, and the campaigns of which something ended.
    pub(super) async fn look(
        &mut self,
        journal: &Journal,
    ) -> Result<(Vec<Event>, Vec<ScheduleKey>), Error> {
        let (open, _) = journal.all_unended_runs().await?;
        let (mut events, mut ended) = (Vec::new(), Vec::new());
        let before = std::mem::take(&mut self.runs);
        for run in open {
            let known = before.get(&run.id);
            if known.is_some_and(|known| known.entries.len() != run.entries.len()) {
                events.extend(news(&run));
            }
            let was_open = known.map_or(!self.has_looked, |known| known.state() == RunState::Open);
            if run.state() == RunState::Open && !was_open && !run.key.test {
                events.push(Event::Joined {
                    run: run.name(),
                    planned: run.planned,
                });
            }
            self.add(run);
        }
        self.has_looked = true;
        for run in before.into_values() {
            if self.runs.contains_key(&run.id) {
                continue;
            }
            events.extend(news(&journal.run(run.id).await?));
            ended.push(ScheduleKey {
                app: run.key.app,
                campaign: run.key.campaign,
            });
        }
        Ok((events, ended))
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
