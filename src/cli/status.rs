//! `status`: what needs a person, what is being sent, what has finished lately.

use super::arguments::{Common, Output};
use super::ending::{facts, go_on_command};
use super::exit::Exit;
use super::failure::Failure;
use super::lanes::LaneStanding;
use super::operators::Status;
use super::print;
use super::upcoming::Upcoming;
use super::workspace::Workspace;
use crate::clock;
use crate::delivery::{RunEvent, RunState};
use crate::executor::{left_since_ms, quiet_since_ms};
use crate::identity::Moment;
use crate::journal::{Journal, Run, RunId};
use crate::report::{Standing, counts_text, time_text};
use crate::settings::Hours;
use crate::source::{plural, unbroken};
use anyhow::Context;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;

/// The present rate is that of this last while.
const PRESENT: Duration = Duration::from_secs(10);
/// In less than this nobody can tell a rate.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// What `status -o json` prints. Fields are only ever added.
#[derive(Debug, Default, Serialize)]
struct Overview {
    journal: Option<String>,
    needs_attention: Vec<Standing>,
    open: Vec<Standing>,
    finished: Vec<Standing>,
    /// Tests that are open: nobody waits for them.
    tests: Vec<Standing>,
    /// Open runs that cannot be read.
    unreadable: u64,
    /// Lanes that somebody holds.
    lanes: Vec<LaneStanding>,
    #[serde(flatten)]
    upcoming: Upcoming,
}

pub(super) async fn status(common: &Common, options: &Status) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let overview = match workspace.journal_if_any()? {
        None => Overview::default(),
        Some(path) => {
            let journal = Journal::open_to_read(&path).await?;
            let overview = look(&workspace, &journal, options).await?;
            journal.close().await;
            overview
        }
    };
    if options.output == Output::Json {
        let text = serde_json::to_string(&overview).context("cannot write JSON")?;
        print::result(&text)?;
        return Ok(Exit::Success);
    }
    tell(&overview)?;
    if overview.finished.is_empty() && overview.is_quiet() && !options.sandbox {
        print::help("runs of the stand-in are in a journal of their own: add --sandbox");
    }
    Ok(Exit::Success)
}

impl Overview {
    fn is_quiet(&self) -> bool {
        let is_open = !self.needs_attention.is_empty() || !self.open.is_empty();
        !is_open && self.tests.is_empty() && self.unreadable == 0 && self.upcoming.is_empty()
    }
}

async fn look(
    workspace: &Workspace,
    journal: &Journal,
    options: &Status,
) -> Result<Overview, Failure> {
    let now = clock::now();
    let since_ms = now.wall_ms - milliseconds(PRESENT);
    let (runs, unreadable) = journal.all_unended_runs().await?;
    let view = View {
        workspace,
        journal,
        now,
        accepted: journal.accepted_between(since_ms, now.wall_ms).await?,
    };
    let mut overview = Overview {
        journal: Some(workspace.shown(journal.path())),
        unreadable,
        ..Overview::default()
    };
    for run in &runs {
        let (standing, needs_attention) = view.stand(run).await?;
        if run.key.test {
            overview.tests.push(standing);
        } else if needs_attention {
            overview.needs_attention.push(standing);
        } else {
            overview.open.push(standing);
        }
    }
    let finished = journal.finished_runs(options.limit).await?;
    overview.finished = finished.iter().filter_map(finished_standing).collect();
    overview.lanes = LaneStanding::all(workspace, journal, now).await?;
    overview.upcoming = Upcoming::read(workspace, journal, options.limit).await?;
    Ok(overview)
}

/// Where runs are looked at, and when.
struct View<'a> {
    workspace: &'a Workspace,
    journal: &'a Journal,
    now: Moment,
    /// Messages of each run in the last while.
    accepted: HashMap<RunId, u64>,
}

impl View<'_> {
    /// An open run, and whether it waits for a person.
    async fn stand(&self, run: &Run) -> Result<(Standing, bool), Failure> {
        let state = run.state();
        let counts = self.journal.tally(run).await?;
        let holder = self.journal.lane_holder(&run.key.app, run.channel);
        let is_sent = state == RunState::Open && holder.is_some();
        let rate_per_s = is_sent.then(|| self.rate_per_s(run)).flatten();
        // What was accepted in this moment need not be asked about.
        let is_busy = is_sent && self.accepted.contains_key(&run.id);
        // A run with a rate of its own may be slow on purpose.
        let may_be_left = state == RunState::Open && run.rate.is_none();
        let quiet_ms = if is_busy {
            None
        } else if may_be_left {
            left_since_ms(self.journal, run).await?
        } else {
            quiet_since_ms(self.journal, run).await?
        };
        let waits = self.closed(run);
        let note = match (&state, &holder) {
            (RunState::Open, None) => Some("it was cut off; nobody sends it".to_owned()),
            (RunState::Cancelling, None) => Some("its settling was cut off".to_owned()),
            (RunState::Open, Some(_)) if waits.is_some() => waits,
            (RunState::Open, Some(_)) => quiet_ms
                .and_then(time_text)
                .map(|since| format!("nothing has happened in it since {since}")),
            _ => None,
        };
        let is_fine = match &state {
            RunState::Open => {
                holder.is_some() && (quiet_ms.is_none() || self.closed(run).is_some())
            }
            RunState::Cancelling => holder.is_some(),
            _ => false,
        };
        let expected_end = rate_per_s.and_then(|rate| self.end(counts.pending, rate));
        let standing = Standing {
            newest_at: self.newest(run, is_busy, quiet_ms).await?,
            rate_per_s: rate_per_s.map(|rate| (rate * 10.0).round() / 10.0),
            expected_end,
            holder,
            note,
            go_on: (!is_fine).then(|| go_on_command(self.workspace, run)),
            ..Standing::new(facts(run), &state, &counts, run.opened_ms)
        };
        Ok((standing, !is_fine))
    }

    async fn newest(
        &self,
        run: &Run,
        is_busy: bool,
        quiet_ms: Option<i64>,
    ) -> Result<Option<String>, Failure> {
        if is_busy {
            return Ok(time_text(self.now.wall_ms));
        }
        let newest_ms = match quiet_ms {
            Some(newest_ms) => Some(newest_ms),
            None => self.journal.newest_ms(run.id).await?,
        };
        Ok(time_text(newest_ms.unwrap_or(run.opened_ms)))
    }

    /// Messages a second at present, of a run that is being sent. `None`: none at all, or nobody can tell yet.
    fn rate_per_s(&self, run: &Run) -> Option<f64> {
        let accepted = *self.accepted.get(&run.id)?;
        // What was accepted before a run was let go on is none of its rate since.
        let least = match run.last_entry() {
            Some(_) => PRESENT,
            None => TOLD_AFTER,
        };
        let began_ms = run
            .last_entry()
            .map_or(run.opened_ms, |last| last.at.wall_ms);
        let since_ms = self.now.wall_ms.saturating_sub(began_ms);
        if since_ms < milliseconds(least) {
            return None;
        }
        let span_ms = since_ms.min(milliseconds(PRESENT));
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = accepted as f64 * 1_000.0 / span_ms as f64;
        Some(rate)
    }

    fn end(&self, pending: u64, rate: f64) -> Option<String> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a time for people"
        )]
        let left_ms = (pending as f64 / rate * 1_000.0) as i64;
        time_text(self.now.wall_ms.checked_add(left_ms)?)
    }

    /// What it waits for, if that is a time of day.
    fn closed(&self, run: &Run) -> Option<String> {
        let zone = run.key.zone;
        let hours = run.window.map(|window| Hours { window, zone })?;
        Some(hours.waiting(self.now)?.to_string())
    }
}

fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

fn finished_standing(run: &Run) -> Option<Standing> {
    let last = run.last_entry()?;
    let RunEvent::Finished(counts) = &last.event else {
        return None;
    };
    Some(Standing {
        newest_at: time_text(last.at.wall_ms),
        ..Standing::new(facts(run), &run.state(), counts, run.opened_ms)
    })
}

fn tell(overview: &Overview) -> Result<(), Failure> {
    if overview.is_quiet() && overview.finished.is_empty() {
        print::told("nothing has been sent yet")?;
        return Ok(());
    }
    let attention = overview.needs_attention.len() as u64;
    if attention > 0 {
        let verb = if attention == 1 { "needs" } else { "need" };
        print::told(&format!("{} {verb} a person:", plural(attention, "run")))?;
        overview.needs_attention.iter().try_for_each(tell_open)?;
    }
    overview.upcoming.tell_needs()?;
    if overview.unreadable > 0 {
        let runs = plural(overview.unreadable, "open run");
        print::told(&format!("{runs} cannot be read from the journal"))?;
    }
    if overview.open.is_empty() {
        print::told("nothing is being sent")?;
    } else {
        print::told("being sent:")?;
        overview.open.iter().try_for_each(tell_open)?;
    }
    if !overview.tests.is_empty() {
        print::told("tests that are open:")?;
        overview.tests.iter().try_for_each(tell_open)?;
    }
    if !overview.lanes.is_empty() {
        print::told("lanes:")?;
        overview.lanes.iter().try_for_each(LaneStanding::tell)?;
    }
    if !overview.finished.is_empty() {
        print::told("finished lately:")?;
    }
    for each in &overview.finished {
        let at = each.newest_at.as_deref().unwrap_or("-");
        let Standing { run, state, .. } = each;
        print::told(&format!("  {at}  {state:<8} {run}{}", reason(each)))?;
        print::told(&format!("    {}", counts(each)))?;
    }
    overview.upcoming.tell_times()
}

fn tell_open(each: &Standing) -> Result<(), Failure> {
    let Standing {
        run, app, state, ..
    } = each;
    print::told(&format!("  {run} (app {app}) is {state}{}", reason(each)))?;
    print::told(&format!("    {}", counts(each)))?;
    let sender = each.holder.as_ref().filter(|_| each.go_on.is_none());
    let parts = [
        sender.map(|holder| format!("by {holder}")),
        each.rate_per_s
            .map(|rate| format!("{rate} accepted a second")),
        each.expected_end
            .as_ref()
            .filter(|_| each.go_on.is_none())
            .map(|end| format!("done about {end}")),
        each.note.clone(),
        each.newest_at
            .as_ref()
            .filter(|_| each.go_on.is_some())
            .map(|at| format!("last heard of {at}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        print::told(&format!("    {}", parts.join(", ")))?;
    }
    if let Some(command) = &each.go_on {
        print::told(&format!("    go on with: {}", unbroken(command)))?;
    }
    Ok(())
}

fn reason(each: &Standing) -> String {
    let reason = each.reason.as_ref();
    reason
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default()
}

fn counts(each: &Standing) -> String {
    counts_text(&crate::delivery::Counts {
        planned: each.planned,
        accepted: each.accepted,
        refused: each.refused,
        failed: each.failed,
        skipped: each.skipped,
        unknown: each.unknown,
        pending: each.pending,
    })
}
