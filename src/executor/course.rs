//! One run on its way through this process.

use super::Error;
use super::execute::{Ending, LaneRules};
use super::lane::through_outages;
use super::pages::{Pages, UnderWay, count};
use super::permit::Permit;
use crate::clock;
use crate::delivery::{PauseReason, Policy, RunEvent, RunState, StopReason};
use crate::dispatch::{Bounds, Halt, Queue};
use crate::journal::{self, Journal, Run};
use crate::settings::Hours;
use crate::vendor::TIMEOUT;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Course {
    pub(super) run: Run,
    /// Where the next page comes from, unless it is being read.
    pub(super) pages: Option<Pages>,
    pub(super) hours: Option<Hours>,
    pub(super) is_cancelled: bool,
    /// What its calls leave by.
    pub(super) permit: Arc<Permit>,
    /// It came to its end, and that is being written down.
    pub(super) is_settling: bool,
}

impl Course {
    /// Calls on their way that have not reached the wire are kept back.
    pub(super) fn halt(&self) {
        self.permit.withdraw();
    }
}

/// A run that was read from the journal and can be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) course: Course,
    pub(super) queue: Queue,
    pub(super) under_way: UnderWay,
}

impl Prepared {
    pub(super) async fn read(
        journal: &Journal,
        run: Run,
        rules: LaneRules,
    ) -> Result<Prepared, Error> {
        let mut pages = Pages::new(journal.clone(), run.clone());
        let under_way = pages.under_way().await?;
        // That takes its time, in which somebody may have paused it.
        let read = clock::now();
        let run = journal.run(run.id).await?;
        let bounds = bounds(&run, under_way.first_attempts);
        let policy = Policy {
            attempts: run.attempts,
            timeout: TIMEOUT,
            resend_within: rules.resend_within(run.channel),
            deduplicates: run.channel.deduplicates(),
            on_unknown: run.on_unknown,
            // It hangs on each request.
            can_look_up: false,
            patience: rules.patience,
        };
        let queue = Queue::new(run.key.app.sdk_app_id, run.key.digest(), policy, bounds);
        let course = Course {
            run,
            pages: Some(pages),
            hours: bounds.hours,
            is_cancelled: false,
            permit: Arc::new(Permit::new(read)),
            is_settling: false,
        };
        Ok(Prepared {
            course,
            queue,
            under_way,
        })
    }
}

/// After how many first attempts the run pauses, and why then.
fn pauses(run: &Run) -> Option<(u64, PauseReason)> {
    let after = PauseReason::PauseAfter;
    let has_paused = run
        .entries
        .iter()
        .any(|entry| entry.event == RunEvent::Paused { reason: after });
    // Whoever resumes a run after its pause has seen what there was to see.
    let planned = run.pause_after.filter(|_| !has_paused);
    let wanted = run
        .entries
        .iter()
        .rev()
        .find_map(|entry| match entry.event {
            RunEvent::Resumed { until } => Some(until),
            _ => None,
        });
    let wanted = wanted.unwrap_or(run.stop_after);
    let planned = planned.map(|calls| (calls, after));
    let wanted = wanted.map(|calls| (calls, PauseReason::StopAfter));
    // Of two that are equal the first counts: it is done with for good.
    let both = planned.into_iter().chain(wanted);
    both.min_by_key(|(calls, _)| *calls)
}

/// What is to be heeded about first attempts.
fn bounds(run: &Run, made: u64) -> Bounds {
    Bounds {
        rate: run.rate,
        first_attempts: pauses(run).map(|(calls, _)| calls.saturating_sub(made)),
        hours: run.window.map(|window| Hours {
            window,
            zone: run.key.zone,
        }),
        // What a person wants sent again is wanted now.
        finish_by_ms: run.finish_by_ms.filter(|_| !run.was_retried()),
    }
}

/// Writes down how a run was left: as it was counted, unless something else happened to it meanwhile.
pub(super) async fn settle(
    journal: &Journal,
    run: &Run,
    halt: Option<Halt>,
) -> Result<Ending, Error> {
    let at = clock::now();
    loop {
        let read = || async {
            let now = journal.run(run.id).await?;
            let counts = count(journal, &now).await?;
            Ok((now, counts))
        };
        let (now, counts) = through_outages(journal, read).await?;
        if now.state().is_finished() {
            return Ok(Ending::Finished(counts));
        }
        let (ending, event) = match &halt {
            // Whoever wants deliveries sent again says when these are all.
            _ if now.is_being_retried() => return Ok(Ending::Paused(counts)),
            _ if counts.pending == 0 => (Ending::Finished(counts), RunEvent::Finished(counts)),
            // Only whoever resumes it goes on with what a person paused meanwhile.
            Some(Halt::Stopped(_) | Halt::Enough)
                if matches!(now.state(), RunState::Paused { .. }) =>
            {
                return Ok(Ending::Paused(counts));
            }
            Some(Halt::Stopped(answer)) => {
                let reason = StopReason::Answered {
                    channel: run.channel,
                    answer: answer.clone(),
                };
                (
                    Ending::Stopped(reason.clone(), counts),
                    RunEvent::Stopped { reason },
                )
            }
            Some(Halt::Enough) => {
                let reason = pauses(run).map_or(PauseReason::PauseAfter, |(_, reason)| reason);
                (Ending::Paused(counts), RunEvent::Paused { reason })
            }
            // That it is paused was written down by whoever wanted it so.
            Some(Halt::Left | Halt::Paused) => return Ok(Ending::Paused(counts)),
            // Some came to be wanted again after all had been read.
            None if now.entries.len() > run.entries.len() => return Ok(Ending::Paused(counts)),
            None => return Err(Error::LeftOver(counts.pending)),
        };
        match journal.append_run_after(&now, &event, at).await {
            Ok(()) => return Ok(ending),
            Err(journal::Error::Overtaken(_)) => {}
            // Whether it was written shows when the run is read again.
            Err(error) => journal.recovered(error).await?,
        }
    }
}
