//! What people do to runs: they pause and cancel them, and want sent again what did not get through.

use super::journal::Written;
use super::world::{Event, Retrying, Standing, World};
use super::{MS, SECOND, at};
use campanile::workbench::{Channel, Counts, Entry, State};

/// The journal is asked what people want so often.
const LOOKED_EVERY_MS: u64 = 500;

impl World {
    pub(super) fn run_count(&self) -> u32 {
        u32::try_from(self.runs.len()).unwrap()
    }

    pub(super) fn pause(&mut self, run: u32, for_ns: u64) {
        let each = &mut self.runs[at(run)];
        if each.standing == Standing::Open {
            each.standing = Standing::Waiting;
            each.halted_ns = Some(self.now_ns);
            self.told(run);
            self.after(for_ns, Event::Resumes(run));
        }
    }

    pub(super) fn cancel(&mut self, run: u32) {
        let each = &mut self.runs[at(run)];
        let is_there = each.has_begun && each.standing != Standing::Finished;
        if !is_there || each.standing == Standing::Cancelling {
            return;
        }
        each.standing = Standing::Cancelling;
        each.halted_ns.get_or_insert(self.now_ns);
        each.retrying = Retrying::No;
        self.told(run);
        // Nobody may be there to settle it.
        let wait = self.chance.between(0, 60) * self.chance.between(0, 10) * SECOND;
        self.after(wait, Event::Resumes(run));
    }

    /// It stands in the journal, and the process hears of it when it looks next.
    fn told(&mut self, run: u32) {
        let process = self.process.as_ref();
        if process.is_some_and(|process| process.has(run)) {
            let wait = self.chance.between(0, LOOKED_EVERY_MS) * MS;
            self.after(wait, Event::Looks(run));
        }
    }

    pub(super) fn look(&mut self, run: u32) {
        let (now, standing) = (self.now(), self.runs[at(run)].standing);
        self.tell(|_| format!("run {run} is looked at: {standing:?}"));
        if let Some(process) = &mut self.process {
            process.obey(run, standing, now);
        }
    }

    /// Somebody sees what became of a run, and may want some of it sent again.
    pub(super) fn wish(&mut self, run: u32, counts: Counts) {
        let each = &self.runs[at(run)];
        let has_had_enough = each.retried >= self.script.runs[at(run)].retries;
        if has_had_enough || each.retrying != Retrying::No {
            return;
        }
        // Nobody sends an unknown broadcast again.
        let is_broadcast = self.script.channel == Channel::Broadcast;
        let ends = [
            (State::Refused, counts.refused),
            (State::Failed, counts.failed),
            (State::Skipped, counts.skipped),
            (
                State::Unknown,
                if is_broadcast { 0 } else { counts.unknown },
            ),
        ];
        let there = ends.iter().filter(|(_, count)| *count > 0);
        let there: Vec<State> = there.map(|(state, _)| *state).collect();
        if !there.is_empty() {
            let state = self.chance.pick(&there);
            self.runs[at(run)].retrying = Retrying::Soon;
            let wait = self.chance.between(0, 20) * self.chance.between(0, 20) * SECOND;
            self.after(wait, Event::Retries(run, state, 0));
        }
    }

    /// A page of those that ended so is written down as wanted again; after the last the run goes on.
    pub(super) fn retry(&mut self, run: u32, state: State, from: u32) -> Result<(), String> {
        if self.now_ns < self.troubles.down {
            self.at(self.troubles.down, Event::Retries(run, state, from));
            return Ok(());
        }
        if !self.may_retry(run, from) {
            return Ok(());
        }
        if !self.is_quiet() && self.chance.one_in(8) {
            self.faults += 1;
            self.tell(|_| format!("the retry of run {run} is cut off at {from}"));
            let wait = self.chance.between(0, 300) * SECOND;
            self.after(wait, Event::Retries(run, state, 0));
            return Ok(());
        }
        self.want_again(run, state, from)?;
        let next = from + self.script.page;
        if next < self.script.runs[at(run)].targets {
            let wait = self.chance.between(1, 20) * MS;
            self.after(wait, Event::Retries(run, state, next));
            return Ok(());
        }
        self.runs[at(run)].retrying = Retrying::No;
        self.resume(run)
    }

    /// Only of one that is not being sent, and as long as nobody cancels it.
    fn may_retry(&mut self, run: u32, from: u32) -> bool {
        let each = &mut self.runs[at(run)];
        if from > 0 || each.retrying == Retrying::Now {
            return each.retrying == Retrying::Now;
        }
        let is_idle = matches!(each.standing, Standing::Waiting | Standing::Finished);
        if !is_idle || each.retrying == Retrying::No {
            each.retrying = Retrying::No;
            return false;
        }
        each.standing = Standing::Waiting;
        each.retrying = Retrying::Now;
        each.retried += 1;
        self.told(run);
        true
    }

    fn want_again(&mut self, run: u32, state: State, from: u32) -> Result<(), String> {
        let at = self.now();
        let page = (0..).zip(self.journal.of_run(run));
        let page = page.skip(super::at(from)).take(super::at(self.script.page));
        let meant = page.filter(|(_, kept)| kept.folded.state() == state);
        let batch: Vec<Written> = meant
            .map(|(number, kept)| Written {
                id: (run, number),
                place: kept.folded.entries() + 1,
                entry: Entry::Retried { at },
            })
            .collect();
        self.tell(|_| format!("wanted again: {batch:?}"));
        self.journal.commit(&batch, &mut self.coverage)?;
        self.observer.durable(&batch, self.process_count)
    }
}
