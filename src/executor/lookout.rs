//! Which runs of the lane are taken in already: what was found may be older than what was done since.

use crate::clock;
use crate::identity::Moment;
use crate::journal::{self, Journal, Run, RunId};
use std::collections::HashMap;
use std::time::Duration;

/// A run that was cut off is gone on with by itself within this time, unless its campaign has a `start_within` of its own;
/// later a person decides.
const GONE_ON_WITHIN: Duration = Duration::from_mins(15);
/// What was cut off for no longer was hardly cut off: a machine takes as long to come up again.
const RESTART: Duration = Duration::from_mins(1);
/// In a run that somebody sends something happens at least so often.
const QUIET: Duration = Duration::from_mins(15);

/// When something last happened in a run that nobody sends, if that is so long ago that a person is to decide about it.
pub async fn left_since_ms(journal: &Journal, run: &Run) -> Result<Option<i64>, journal::Error> {
    let within = run.start_within.unwrap_or(GONE_ON_WITHIN).max(RESTART);
    nothing_since_ms(journal, run, within).await
}

/// Since when nothing has happened in a run that somebody sends, if that is long.
pub async fn quiet_since_ms(journal: &Journal, run: &Run) -> Result<Option<i64>, journal::Error> {
    nothing_since_ms(journal, run, QUIET).await
}

async fn nothing_since_ms(
    journal: &Journal,
    run: &Run,
    within: Duration,
) -> Result<Option<i64>, journal::Error> {
    let newest_ms = journal.newest_ms(run.id).await?.unwrap_or(run.opened_ms);
    let since_ms = clock::now().wall_ms.abs_diff(newest_ms);
    Ok((u128::from(since_ms) > within.as_millis()).then_some(newest_ms))
}

#[derive(Debug, Default)]
pub(super) struct Lookout {
    looks: u64,
    is_looking: bool,
    old: HashMap<RunId, Old>,
}

/// What is found of a run and means nothing new.
#[derive(Debug)]
enum Old {
    Always,
    /// What was found by this look.
    By(u64),
    /// So many entries about the run as a whole. Nobody else sends on the lane, so that nothing new can have happened to
    /// its deliveries, which are too many to be asked each time.
    Entries(usize),
    /// It could not be read or settled, and is tried again from then on.
    Failed(Moment),
}

/// What failed is left alone for so long.
const TRIED_AGAIN: Duration = Duration::from_secs(10);

impl Lookout {
    /// The number of a new look, unless one is under way.
    pub(super) fn begin(&mut self) -> Option<u64> {
        if self.is_looking {
            return None;
        }
        self.is_looking = true;
        self.looks += 1;
        Some(self.looks)
    }

    /// The number of the last look.
    pub(super) fn last(&self) -> u64 {
        self.looks
    }

    pub(super) fn end(&mut self) {
        self.is_looking = false;
    }

    pub(super) fn taken(&mut self, run: RunId) {
        self.old.insert(run, Old::Always);
    }

    /// It was left; a look that began by now may still show it as it was.
    pub(super) fn settled(&mut self, run: RunId) {
        self.old.insert(run, Old::By(self.looks));
    }

    /// It was left because it could not be read or settled.
    pub(super) fn failed(&mut self, run: RunId) {
        let until = clock::now().plus(TRIED_AGAIN);
        self.old.insert(run, Old::Failed(until));
    }

    /// It is for a person to decide about.
    pub(super) fn left_alone(&mut self, run: &Run) {
        self.old.insert(run.id, Old::Entries(run.entries.len()));
    }

    pub(super) fn is_new(&self, look: u64, run: &Run) -> bool {
        self.old.get(&run.id).is_none_or(|old| match old {
            Old::Always => false,
            Old::By(old) => look > *old,
            Old::Entries(old) => run.entries.len() > *old,
            Old::Failed(until) => clock::now().boot_ns >= until.boot_ns,
        })
    }
}
