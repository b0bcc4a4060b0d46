//! The runs of others: those that are opened on the lane are taken in, and one that breaks ends alone.

use super::{Event, Loop, broken};
use crate::clock;
use crate::delivery::RunState;
use crate::dispatch::RunTag;
use crate::executor::Error;
use crate::executor::lookout::left_since_ms;
use crate::executor::restored::Doubt;
use crate::identity::RunName;
use crate::journal::{self, Run, RunId};
use std::time::Duration;

/// A journal that seems not to have changed is looked at all the same after so long.
const BELIEVED: Duration = Duration::from_secs(15);

/// How often a lane looks on which nothing is sent.
const LOOKED_AT_REST: Duration = Duration::from_secs(1);

impl Loop {
    pub(in crate::executor) fn others(&self) -> Vec<RunName> {
        let others = self.courses.iter().filter(|(tag, _)| **tag != self.own);
        others.map(|(_, course)| course.run.name()).collect()
    }

    /// Asks the journal which runs of the lane have not ended.
    pub(super) fn look(&mut self) {
        // Two commits in one moment may leave one stamp.
        let (stamp, now) = (self.journal.stamp(), clock::now());
        let is_recent = now
            .age_of(self.looked_at.1)
            .is_some_and(|age| age < BELIEVED);
        if self.courses.is_empty() && is_recent && stamp == self.looked_at.0 {
            self.looks.reset_after(LOOKED_AT_REST);
            return;
        }
        let Some(look) = self.lookout.begin() else {
            return;
        };
        self.looked_at = (stamp, now);
        let (journal, app, channel) = (self.journal.clone(), self.app.clone(), self.channel);
        self.beside(async move {
            let runs = journal.unended_runs(&app, channel).await;
            Ok(Event::Found(look, runs))
        });
    }

    /// A run that was opened just now; the next look makes up for one that cannot be read.
    pub(super) fn read_new(&mut self, run: RunId) {
        let journal = self.journal.clone();
        self.beside(async move {
            let read = journal.run(run).await;
            Ok(read.map_or(Event::Woke, |run| Event::New(Box::new(run))))
        });
    }

    pub(super) fn opened(&mut self, run: Run) {
        let is_ours = run.key.app == self.app && run.channel == self.channel;
        let is_open = run.state() == RunState::Open;
        if is_ours && is_open && !self.is_draining && self.is_for_us(self.lookout.last(), &run) {
            self.take_in(run);
        }
    }

    /// Takes in what others opened, and does with the runs at hand what somebody wants done.
    pub(super) fn found(
        &mut self,
        look: u64,
        runs: Result<Vec<Run>, journal::Error>,
    ) -> Result<(), Error> {
        self.lookout.end();
        if self.is_draining {
            return Ok(());
        }
        let runs = match runs {
            Ok(runs) => runs,
            Err(error) => return self.could_not_look(error),
        };
        self.look_for_missing(&runs);
        for run in runs {
            let known = self.courses.iter().find(|(_, each)| each.run.id == run.id);
            match (known.map(|(&tag, _)| tag), run.state()) {
                (Some(tag), state) => {
                    self.obey(tag, &state);
                    self.courses[&tag].permit.renew(self.looked_at.1);
                }
                (None, RunState::Open | RunState::Cancelling { .. })
                    if self.is_for_us(look, &run) =>
                {
                    self.take_in(run);
                }
                (None, _) => {}
            }
        }
        Ok(())
    }

    /// The next look makes up for it, unless nothing has been heard for long of what people want.
    fn could_not_look(&self, error: journal::Error) -> Result<(), Error> {
        if self.is_up_to_date(clock::now()) || matches!(error, journal::Error::Busy) {
            return Ok(());
        }
        Err(error.into())
    }

    /// Runs that are sent here and were not among those that have not ended: somebody must have ended them, or they
    /// cannot be read any more.
    fn look_for_missing(&mut self, runs: &[Run]) {
        let now = clock::now();
        let missing = self.courses.iter().filter(|(_, course)| {
            let id = course.run.id;
            course.permit.has_run_out(now) && runs.iter().all(|run| run.id != id)
        });
        let missing: Vec<_> = missing.map(|(&tag, course)| (tag, course.run.id)).collect();
        for (tag, run) in missing {
            let (journal, own) = (self.journal.clone(), self.own);
            self.beside(async move {
                match journal.run(run).await {
                    Ok(_) => Ok(Event::Broken(tag)),
                    Err(error) => broken(tag, own, error.into()),
                }
            });
        }
    }

    /// Lets go of what somebody paused, and settles what somebody cancelled.
    pub(super) fn obey(&mut self, tag: RunTag, state: &RunState) {
        let course = self.courses.get_mut(&tag);
        let Some(course) = course.filter(|course| !course.is_settling) else {
            return;
        };
        match state {
            RunState::Paused { .. } => {
                course.halt();
                self.dispatcher.pause(tag);
            }
            RunState::Cancelling { .. } => {
                course.halt();
                course.is_cancelled = true;
                self.dispatcher.cancel(tag, clock::now());
            }
            _ => {}
        }
    }

    /// Whether it is sent here as well. Another role of the same app may have another administrator, whom its messages are to come from.
    pub(super) fn is_for_us(&self, look: u64, run: &Run) -> bool {
        !self.is_alone && run.app == self.role && self.lookout.is_new(look, run)
    }

    pub(super) fn take_in(&mut self, run: Run) {
        self.tags += 1;
        self.lookout.taken(run.id);
        let (tag, journal, rules) = (RunTag(self.tags), self.journal.clone(), self.rules);
        let (historian, administrator) = (self.historian.clone(), self.client.administrator());
        let administrator = administrator.to_owned();
        self.beside(async move {
            // Whoever cancelled it has decided about it.
            if run.state() == RunState::Open {
                let is_idle = left_since_ms(&journal, &run).await;
                if matches!(is_idle, Ok(Some(_))) {
                    return Ok(Event::LeftAlone(Box::new(run)));
                }
            }
            let name = run.name();
            let doubt = Doubt {
                journal: &journal,
                historian: &historian,
                rules,
                administrator: &administrator,
            };
            let id = run.id;
            Ok(match doubt.prepare(run).await {
                Ok(prepared) => Event::Joined(tag, Box::new(prepared)),
                Err(Error::Restored { .. }) => Event::LeftAlone(Box::new(journal.run(id).await?)),
                // Nothing of ours is the worse for it; whoever opened it meets the error too.
                Err(_) => Event::Unreadable(name),
            })
        });
    }

    /// Whoever opened it meets the error too; the other runs are none the worse for it.
    pub(super) fn broken(&mut self, tag: RunTag) {
        self.dispatcher.drain(tag);
        let course = self.courses.get(&tag);
        if let Some(course) = course {
            course.halt();
        }
        if let Some(course) = course.filter(|course| course.is_settling) {
            self.left.push(course.run.name());
            self.dispatcher.leave(tag);
            self.courses.remove(&tag);
        }
    }
}
