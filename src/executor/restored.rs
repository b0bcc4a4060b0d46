//! Whether the journal is older than the truth: a machine that was restored from a snapshot has one that looks whole.
//!
//! Only the vendor knows better. A message that is still to be sent, as far as the journal knows, has its `Random`
//! already; whoever finds that in the group's history has an old journal before them.

use super::Error;
use super::course::Prepared;
use super::execute::LaneRules;
use super::historian::Historian;
use super::pages::Pages;
use crate::clock;
use crate::delivery::{Finding, RunEvent, State, StopReason, Wanted};
use crate::dispatch::Job;
use crate::identity::{GroupId, OccurrenceKey};
use crate::journal::{Journal, Run};
use chrono::TimeZone;
use std::time::Duration;

/// Of what comes next so many are looked up, and up to so many to get there: some groups keep no history.
const LOOKED_UP: usize = 3;
const ASKED_MAX: usize = 10;
/// Who starts later than this may not be the first to.
const LATE: Duration = Duration::from_mins(1);
/// The vendor's clock and ours are no further apart than this.
const CLOCKS_APART_MS: i64 = 60_000;

/// What it takes to look.
pub(super) struct Doubt<'a> {
    pub(super) journal: &'a Journal,
    pub(super) historian: &'a Historian,
    pub(super) rules: LaneRules,
    /// Whom messages come from that do not say so.
    pub(super) administrator: &'a str,
}

impl Doubt<'_> {
    /// Reads a run from the journal. One that somebody else must have gone on with is stopped.
    pub(super) async fn prepare(&self, run: Run) -> Result<Prepared, Error> {
        let prepared = Prepared::read(self.journal, run, self.rules).await?;
        let Some(group) = self.sent_already(&prepared).await? else {
            return Ok(prepared);
        };
        let reason = StopReason::JournalRolledBack { group };
        let event = RunEvent::Stopped {
            reason: reason.clone(),
        };
        let run = prepared.course.run.id;
        self.journal.append_run(run, &event, clock::now()).await?;
        Err(Error::Restored(reason))
    }

    /// A group that got its message though the journal says that it is still to come. Nobody asks while the vendor would
    /// tell a repetition by itself.
    async fn sent_already(&self, prepared: &Prepared) -> Result<Option<GroupId>, Error> {
        let run = &prepared.course.run;
        let Some(since_ms) = self.unwatched_since_ms(run).await? else {
            return Ok(None);
        };
        // What is sent of these is nobody's news.
        if run.is_cancelling() || run.key.test {
            return Ok(None);
        }
        let (mut asked, mut told) = (0, 0);
        let mut pages = Pages::new(self.journal.clone(), run.clone());
        let mut jobs = prepared.under_way.jobs.clone();
        loop {
            let pending = jobs.iter().filter(|job| {
                job.delivery.state() == State::Pending && job.request.is_in_history()
            });
            for job in pending {
                let Some(group) = &job.request.group else {
                    continue;
                };
                let wanted = self.wanted(prepared, job, since_ms);
                match self.historian.search_once(group.clone(), wanted).await {
                    Some(Finding::Found(_)) => return Ok(Some(group.clone())),
                    Some(Finding::Absent(_)) => told += 1,
                    Some(Finding::Unclear(_)) => {}
                    // Whatever is the matter, the calls will meet it as well, and say so.
                    None => return Ok(None),
                }
                asked += 1;
                if told == LOOKED_UP || asked == ASKED_MAX {
                    return Ok(None);
                }
            }
            jobs = pages.fresh().await?;
            if jobs.is_empty() {
                return Ok(None);
            }
        }
    }

    fn wanted(&self, prepared: &Prepared, job: &Job, since_ms: i64) -> Wanted {
        let sender = job.request.sender();
        let now = clock::now();
        Wanted {
            random: prepared.queue.next_random(job),
            sender: sender.unwrap_or_else(|| self.administrator.to_owned()),
            since_ms: since_ms.saturating_sub(CLOCKS_APART_MS),
            until_ms: now.wall_ms.saturating_add(CLOCKS_APART_MS),
            patience: self.rules.patience,
            first_started: now,
        }
    }

    /// Since when somebody else may have sent of a run, if that is to be asked.
    async fn unwatched_since_ms(&self, run: &Run) -> Result<Option<i64>, Error> {
        let tried_ms = self.journal.last_tried_ms(run.id).await?;
        let is_trusted = run.entries.iter().any(|entry| {
            entry.event == RunEvent::Trusted && tried_ms.is_none_or(|at| entry.at.wall_ms >= at)
        });
        let (since_ms, patience) = match tried_ms {
            Some(tried_ms) => (tried_ms, self.rules.resend_within(run.channel)),
            None => (
                due_ms(&run.key).map_or(run.opened_ms, |due| due.min(run.opened_ms)),
                LATE,
            ),
        };
        let age_ms = u128::from(clock::now().wall_ms.abs_diff(since_ms));
        Ok((age_ms > patience.as_millis() && !is_trusted).then_some(since_ms))
    }
}

/// The instant that an occurrence is named after.
fn due_ms(key: &OccurrenceKey) -> Option<i64> {
    let local = key.zone.from_local_datetime(&key.local);
    let instant = if key.fold == 0 {
        local.earliest()
    } else {
        local.latest()
    };
    Some(instant?.timestamp_millis())
}
