//! The runs of others: those that are opened on the lane are taken in, and one that breaks ends alone.

use super::outage::through_outages;
use super::{Event, Loop, prepare};
use crate::clock;
use crate::delivery::{RunEntry, RunEvent, RunState};
use crate::dispatch::RunTag;
use crate::executor::Error;
use crate::executor::lookout::left_since_ms;
use crate::executor::restored::Doubt;
use crate::identity::{Moment, RunName};
use crate::journal::{self, Run, RunId};
use crate::seeded_bug::SeededBug;
use std::sync::Arc;
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
            // The next look makes up for one that fails.
            let runs = journal.unended_runs(&app, channel).await;
            Ok(Event::Found(look, runs.unwrap_or_default()))
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

    /// Takes in what others opened.
    pub(super) fn found(&mut self, look: u64, runs: Vec<Run>) {
        self.lookout.end();
        if self.is_draining {
            return;
        }
        for run in runs {
            let is_known = self.courses.values().any(|each| each.run.id == run.id);
            let is_wanted = matches!(run.state(), RunState::Open | RunState::Cancelling);
            if !is_known && is_wanted && self.is_for_us(look, &run) {
                self.take_in(run);
            }
        }
    }

    /// Asks the journal what people want done with the runs at hand: of these alone, for permits hang on it, and others
    /// may be many.
    pub(super) fn heed(&mut self) {
        let going = self.courses.iter();
        let going = going.filter(|(_, course)| !course.is_settling);
        let runs: Vec<_> = going.map(|(&tag, course)| (tag, course.run.id)).collect();
        if self.is_heeding || runs.is_empty() {
            return;
        }
        self.is_heeding = true;
        let (journal, read) = (self.journal.clone(), clock::now());
        self.beside(async move {
            journal.check_in_place()?;
            let mut heard = Vec::with_capacity(runs.len());
            for (tag, run) in runs {
                heard.push((tag, journal.run(run).await));
            }
            Ok(Event::Heard(read, heard))
        });
    }

    /// Does with the runs at hand what somebody wants done, and lets them go on.
    pub(super) fn heard(
        &mut self,
        read: Moment,
        runs: Vec<(RunTag, Result<Run, journal::Error>)>,
    ) -> Result<(), Error> {
        self.is_heeding = false;
        if self.is_draining {
            return Ok(());
        }
        let mut is_readable = true;
        for (tag, run) in runs {
            let Some(course) = self.courses.get(&tag).filter(|each| !each.is_settling) else {
                continue;
            };
            match run {
                // Somebody else ended it.
                Ok(run) if run.state().is_finished() => self.broken(tag),
                Ok(run) => {
                    let permit = Arc::clone(&course.permit);
                    self.obey(tag, &run);
                    // One that was withdrawn stays so.
                    permit.renew(read);
                }
                // Nothing is begun until it can be read.
                Err(error) if error.is_unavailable() => {
                    self.journal.note_outage(&error);
                    is_readable = false;
                }
                Err(_) if !course.permit.has_run_out(clock::now()) => {}
                Err(error) if tag == self.own => return Err(error.into()),
                Err(_) => self.broken(tag),
            }
        }
        // On a machine that is so busy nothing is begun until it is known.
        if is_readable && !self.is_up_to_date(clock::now()) {
            self.heed();
        }
        Ok(())
    }

    /// Lets go of what somebody paused, and settles what somebody cancelled.
    pub(super) fn obey(&mut self, tag: RunTag, run: &Run) {
        let course = self.courses.get_mut(&tag);
        let Some(course) = course.filter(|course| !course.is_settling) else {
            return;
        };
        let since = run.entries.iter().skip(course.run.entries.len());
        let paused = |entry: &RunEntry| matches!(entry.event, RunEvent::Paused { .. });
        match run.state() {
            // Or has gone on by now: what was wanted of it then may differ, and it is taken in anew.
            RunState::Open
                if since.into_iter().any(paused) && !SeededBug::PauseOverlooked.is_active() =>
            {
                course.halt();
                self.dispatcher.pause(tag);
            }
            RunState::Paused { .. } => {
                course.halt();
                self.dispatcher.pause(tag);
            }
            RunState::Cancelling => {
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
        let (administrator, drain) = (administrator.to_owned(), self.drain.clone());
        self.beside(async move {
            // Whoever cancelled it has decided about it.
            let (id, name) = (run.id, run.name());
            if run.state() == RunState::Open {
                match left_since_ms(&journal, &run).await {
                    Ok(None) => {}
                    Ok(Some(_)) => return Ok(Event::LeftAlone(Box::new(run))),
                    Err(_) => return Ok(Event::Unreadable(id, name)),
                }
            }
            let doubt = Doubt {
                journal: &journal,
                historian: &historian,
                rules,
                administrator: &administrator,
            };
            let prepare = || prepare(&doubt, run.clone(), drain.clone());
            let prepared = through_outages(&journal, prepare).await;
            if let Err(Error::Restored(_)) = prepared
                && let Ok(run) = journal.run(id).await
            {
                return Ok(Event::LeftAlone(Box::new(run)));
            }
            Ok(match prepared {
                Ok(prepared) => Event::Joined(tag, Box::new(prepared)),
                // Nothing of ours is the worse for it; whoever opened it meets the error too.
                Err(_) => Event::Unreadable(id, name),
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
            let (run, name) = (course.run.id, course.run.name());
            self.dispatcher.leave(tag);
            self.courses.remove(&tag);
            self.unreadable(run, name);
        }
    }

    /// It is tried again a while later, if somebody is here then.
    pub(super) fn unreadable(&mut self, run: RunId, name: RunName) {
        self.lookout.failed(run);
        if !self.left.contains(&name) {
            self.left.push(name);
        }
    }
}
