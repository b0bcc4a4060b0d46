//! A journal that cannot be written: nothing new is started, answers are kept, and the lane waits for as long as it may.

use super::Loop;
use crate::channel::{Failure, Outcome};
use crate::delivery::Entry;
use crate::executor::Error;
use crate::identity::{DeliveryNumber, Moment, RunName};
use crate::journal::{self, Journal, RunId, Written};
use crate::source::plural;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a lane that drains waits for the journal after its last call has come home.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a command that sends a single run waits for the journal. A daemon waits for as long as it lives.
pub(super) const OUTAGE_TIMEOUT: Duration = Duration::from_mins(10);

/// Answers on their way into the journal: at most one for each call in flight once the journal cannot be written, which are
/// `IN_FLIGHT_MAX` (2,048) for a lane. They wait in the writer's queue.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// Whether each is an acceptance.
    answers: BTreeMap<(RunId, DeliveryNumber, u32), bool>,
    /// That this process leaves its own run is being recorded.
    pub(super) is_pausing: bool,
    /// When the last call had come home and this process could only wait for the journal, or when that went on last.
    since: Option<Moment>,
}

impl Unwritten {
    pub(super) fn add(&mut self, written: &Written) {
        let Entry::Finished { outcome, .. } = &written.entry else {
            return;
        };
        if !matches!(outcome, Outcome::Failed(Failure::NotSent, _)) {
            let is_accepted = matches!(outcome, Outcome::Accepted(_));
            self.answers.insert(key(written), is_accepted);
        }
    }

    pub(super) fn remove(&mut self, written: &[Written]) {
        for each in written {
            self.answers.remove(&key(each));
        }
        self.since = None;
    }

    /// `12 answers of news@2026-11-11T09:00 (11 of them accepted)`
    fn of_run(&self, run: RunId, name: &RunName) -> Option<String> {
        let of_run = self.answers.iter().filter(|((of, ..), _)| *of == run);
        let (mut all, mut accepted) = (0, 0);
        for (_, is_accepted) in of_run {
            all += 1;
            accepted += u64::from(*is_accepted);
        }
        let answers = plural(all, "answer");
        (all > 0).then(|| format!("{answers} of {name} ({accepted} of them accepted)"))
    }
}

fn key(written: &Written) -> (RunId, DeliveryNumber, u32) {
    (written.run, written.number, written.place)
}

impl Loop {
    /// Whether nothing may be started because the journal cannot be written. What was started and is not sent is taken back
    /// when this process drains.
    pub(super) fn waits_for_journal(&self) -> bool {
        !self.is_draining && self.outages.borrow().is_some()
    }

    /// When the lane stops waiting for the journal, if it waits.
    pub(super) fn gives_up_at(&mut self, now: Moment) -> Option<Moment> {
        let outage_since = self.outages.borrow().as_ref().map(|outage| outage.since);
        if !self.is_draining {
            return Some(outage_since?.plus(self.outage_timeout?));
        }
        let is_waiting = outage_since.is_some()
            || self.unwritten.is_pausing
            || !self.unwritten.answers.is_empty();
        if !is_waiting || !self.calls.is_empty() {
            self.unwritten.since = None;
            return None;
        }
        let since = *self.unwritten.since.get_or_insert(now);
        Some(since.plus(DRAIN_TIMEOUT))
    }

    /// Ends the lane if its time to wait for the journal is over, or if the journal will never be written again.
    pub(super) fn check_patience(
        &self,
        gives_up_at: Option<Moment>,
        now: Moment,
    ) -> Result<(), Error> {
        let outage = self.outages.borrow();
        let error = outage.as_ref().map(|outage| &outage.error);
        if let Some(error) = error.filter(|error| !error.is_unavailable()) {
            return Err(error.clone().into());
        }
        if gives_up_at.is_none_or(|at| now.boot_ns < at.boot_ns) {
            return Ok(());
        }
        let within = if self.is_draining {
            DRAIN_TIMEOUT
        } else {
            OUTAGE_TIMEOUT
        };
        Err(Error::Unwritten {
            within,
            why: error.unwrap_or(&journal::Error::Busy).to_string(),
            what: self.unwritten_text(),
        })
    }

    fn unwritten_text(&self) -> String {
        let courses = self.courses.values();
        let runs = courses.map(|course| {
            let name = course.run.name();
            let answers = self.unwritten.of_run(course.run.id, &name);
            answers.unwrap_or_else(|| format!("the state of {name}"))
        });
        runs.collect::<Vec<_>>().join("; ")
    }
}

/// Repeats a read, or a write that may be repeated, until the journal can be used.
pub(in crate::executor) async fn through_outages<T, F>(
    journal: &Journal,
    mut work: impl FnMut() -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        match work().await {
            Ok(done) => return Ok(done),
            Err(error) => recovered(journal, error).await?,
        }
    }
}

/// Waits until the journal can be used again, or returns an error that does not pass.
pub(in crate::executor) async fn recovered(journal: &Journal, error: Error) -> Result<(), Error> {
    match error {
        Error::Journal(error) => Ok(journal.recovered(error).await?),
        other => Err(other),
    }
}
