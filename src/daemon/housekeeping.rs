//! What is done with the journal while nothing happens in it: old runs go, and its files give back the room that they do not
//! need.

use super::Daemon;
use super::journal_queue::Request;
use crate::identity::Moment;
use crate::journal::{self, Journal, Run, Stamp};
use std::time::Duration;

/// Time without a change of the journal after which the daemon does one step a second.
const QUIET: Duration = Duration::from_secs(3);
/// Time between two searches for old runs.
const SEARCHED_EVERY: Duration = Duration::from_hours(1);
/// A plan whose time is before this was given up, and nobody can open it.
const GIVEN_UP_BEFORE_MS: i64 = 1;

/// The journal as it was when it last changed, and what is to be done with it.
#[derive(Debug)]
pub(super) struct House {
    stamp: Stamp,
    since: Moment,
    /// There is nothing to do before the journal changes, or the next search.
    is_done: bool,
    /// A step is under way.
    is_at_work: bool,
    search_at: Moment,
}

impl House {
    pub(super) fn new(now: Moment) -> House {
        House {
            stamp: Stamp::default(),
            since: now,
            is_done: false,
            is_at_work: false,
            search_at: now,
        }
    }
}

impl Daemon {
    /// Has one small step done if the journal has been quiet for a while.
    pub(super) fn keep_house(&mut self, now: Moment) {
        let (house, stamp) = (&mut self.house, self.journal.stamp());
        if house.is_at_work {
            return;
        }
        if stamp != house.stamp {
            (house.stamp, house.since, house.is_done) = (stamp, now, false);
            return;
        }
        let is_quiet = now.age_of(house.since).is_some_and(|age| age >= QUIET);
        let is_due = now.boot_ns >= house.search_at.boot_ns;
        if is_quiet && (is_due || !house.is_done) {
            let mut before_ms = None;
            if is_due {
                house.search_at = now.plus(SEARCHED_EVERY);
                let kept = self.settings.retention;
                let kept = kept.map(|kept| i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
                before_ms = kept.map(|kept_ms| now.wall_ms.saturating_sub(kept_ms));
            }
            house.is_at_work = true;
            self.journal_queue.also(Request::Tidy { before_ms });
        }
    }

    /// A step has ended. Where another process wants the journal, or there is no room, the step is tried again.
    pub(super) fn tidied(&mut self, is_done: bool) {
        self.house.is_at_work = false;
        self.house.is_done = is_done;
        self.house.stamp = self.journal.stamp();
    }
}

/// Runs that are to be removed.
#[derive(Debug, Default)]
pub(super) struct OldRuns(Vec<Run>);

impl OldRuns {
    /// Does one step: removes an old run, or some of what one left behind, or gives some room back. `before_ms`: what
    /// finished before is searched for first. Returns whether nothing is left to do.
    pub(super) async fn tidy(
        &mut self,
        journal: &Journal,
        before_ms: Option<i64>,
        now: Moment,
    ) -> Result<bool, journal::Error> {
        if let Some(before_ms) = before_ms {
            self.0 = journal.finished_before(before_ms).await?.0;
        }
        if let Some(run) = self.0.pop() {
            journal.take_out(&run, now).await?;
            return Ok(false);
        }
        let rubbish = journal.rubbish(GIVEN_UP_BEFORE_MS).await?;
        if let Some(plan) = rubbish.first() {
            journal.clear(*plan, 1).await?;
            return Ok(false);
        }
        journal.tidy().await
    }
}
