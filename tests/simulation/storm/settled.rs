//! How runs that are over are left, and who goes on with them.

use super::invariants::balance;
use super::process::Process;
use super::world::{Event, Retrying, Standing, World};
use super::{MS, SECOND, at};
use campanile::workbench::{Counts, Halt, RunTag};

impl World {
    /// How runs that are over were left.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        for (tag, run, retried) in process.over() {
            self.settle_run(tag, run, retried)?;
        }
        let process = self.process.as_ref();
        if process.is_some_and(Process::is_over) {
            self.tell(|this| format!("process {} ends", this.process_count));
            self.process = None;
            self.after(0, Event::Starts);
        }
        Ok(())
    }

    fn settle_run(&mut self, tag: RunTag, run: u32, retried: u32) -> Result<(), String> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        let halt = process.dispatcher.halt(tag).cloned();
        process.leave(tag);
        let down_ns = process.down_ns;
        let counts = self.journal.counts(run);
        self.tell(|_| format!("run {run} is left: {halt:?}, {counts:?}"));
        balance(counts, self.script.runs[at(run)].targets)?;
        // Some may have come to be wanted again after all had been read.
        let was_retried = self.runs[at(run)].retried > retried;
        if halt.is_none() && counts.pending > 0 && !was_retried {
            return Err(format!("run {run} is over with {} pending", counts.pending));
        }
        let each = &mut self.runs[at(run)];
        // Whoever wants some sent again says when these are all.
        if each.retrying == Retrying::Now {
            return Ok(());
        }
        if counts.pending == 0 {
            each.standing = Standing::Finished;
            self.wish(run, counts);
            return Ok(());
        }
        each.has_paused |= halt == Some(Halt::Enough);
        self.leave_unfinished(run, halt.as_ref(), counts, down_ns);
        Ok(())
    }

    fn leave_unfinished(&mut self, run: u32, halt: Option<&Halt>, counts: Counts, down_ns: u64) {
        let each = &mut self.runs[at(run)];
        let was_open = each.standing == Standing::Open;
        if was_open && !matches!(halt, None | Some(Halt::Paused)) {
            each.standing = Standing::Waiting;
        }
        let wait = match halt {
            // Somebody goes on with it at once, or whoever paused it does in time.
            None | Some(Halt::Paused) if each.standing == Standing::Waiting => None,
            None | Some(Halt::Paused) => Some(self.chance.between(0, 500) * MS),
            Some(Halt::Left) => Some(down_ns),
            Some(Halt::Enough | Halt::Stopped(_)) => {
                Some(self.chance.between(0, 20) * self.chance.between(0, 40) * SECOND)
            }
        };
        if let Some(wait) = wait {
            self.after(wait, Event::Resumes(run));
        }
        let is_waiting = self.runs[at(run)].standing == Standing::Waiting;
        if is_waiting && self.chance.one_in(3) {
            self.wish(run, counts);
        }
    }
}
