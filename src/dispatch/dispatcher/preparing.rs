//! What goes out next is written down ahead; whose turn it is.

use super::{Dispatcher, RunTag, Step};
use crate::delivery::{Entry, Finding};
use crate::dispatch::member::Member;
use crate::dispatch::queue::{Due, Kind, Shared};
use crate::identity::{DeliveryNumber, Moment, Random};
use crate::seeded_bug::SeededBug;

/// Started entries may run ahead of the wire by so many, and by so long: enough to hide a slow disk. Whoever takes the
/// lane next knows only of them when the last call went out.
const AHEAD_MAX: usize = 32;
const AHEAD_MAX_NS: u64 = 166_000_000;
/// Searches of histories at once; the others wait a while.
const SEARCHES_MAX: usize = 8;
const SEARCH_WAIT_NS: u64 = 1_000_000_000;

impl Dispatcher {
    /// From when on a further delivery may be prepared, if the next call may go out at `earliest`; `None`: not before
    /// something happens.
    pub(super) fn may_prepare_ns(&self, earliest: Option<u64>) -> Option<u64> {
        let ahead: usize = self.members.values().map(Member::ahead).sum();
        let has_room = if self.trouble.is_probing() {
            ahead == 0 && self.in_flight.is_empty()
        } else {
            ahead < AHEAD_MAX
        };
        let goes_out = earliest? + self.spacing_ns * ahead as u64;
        let at = goes_out.saturating_sub(AHEAD_MAX_NS);
        has_room.then(|| at.max(self.trouble.until_ns()))
    }

    /// Writes Started ahead for what goes out next.
    pub(super) fn prepare(&mut self, now: Moment, steps: &mut Vec<Step>) {
        let earliest = self.limiter.earliest(now.boot_ns);
        let may = |this: &Dispatcher| this.may_prepare_ns(earliest);
        while may(self).is_some_and(|at| at <= now.boot_ns) {
            let due = if self.trouble.is_probing() {
                // Repetitions of one run must not be all that finds out whether the trouble is over for the others.
                self.next_due(&[Kind::Again, Kind::First], now)
            } else {
                let again = self.next_due(&[Kind::Again], now);
                again.or_else(|| self.next_due(&[Kind::First], now))
            };
            let Some((run, due)) = due else { return };
            self.act(run, due, now, steps);
        }
    }

    /// Settles what was cancelled: that takes no slot of the lane, and waits for none.
    pub(super) fn settle_cancelled(&mut self, now: Moment, steps: &mut Vec<Step>) {
        let is_due = |member: &Member| member.halt.is_none() && member.queue.is_cancelled();
        let cancelled = self.members.iter().filter(|(_, member)| is_due(member));
        for run in cancelled.map(|(run, _)| *run).collect::<Vec<_>>() {
            while let Some(due) = self.due(run, &[Kind::Again, Kind::First], now) {
                self.act(run, due, now, steps);
            }
        }
    }

    fn act(&mut self, run: RunTag, due: Due, now: Moment, steps: &mut Vec<Step>) {
        match due {
            Due::LookUp(number) => steps.extend(self.look_up(run, number, now)),
            Due::Waive(number) => {
                steps.extend(self.record(run, number, Entry::Waived { at: now }));
                self.put_back(run, number, now);
            }
            Due::End {
                number,
                end,
                reason,
            } => {
                let at = now;
                steps.extend(self.record(run, number, Entry::Ended { end, reason, at }));
            }
            Due::Start {
                number,
                generation,
                random,
            } => steps.extend(self.started(run, number, (generation, random), now)),
        }
    }

    /// What is due next of a run.
    fn due(&mut self, run: RunTag, kinds: &[Kind], now: Moment) -> Option<Due> {
        let member = self.members.get_mut(&run)?;
        let mut shared = Shared {
            groups: &mut self.groups,
            randoms: &mut self.randoms,
        };
        let ahead = member.ahead();
        let due = |&kind| member.queue.due(kind, now, ahead, &mut shared);
        kinds.iter().find_map(due)
    }

    /// What is due next: the runs take turns.
    pub(super) fn next_due(&mut self, kinds: &[Kind], now: Moment) -> Option<(RunTag, Due)> {
        let after = RunTag(self.turn.0.wrapping_add(1));
        let (last, first): (Vec<RunTag>, Vec<RunTag>) =
            self.members.keys().partition(|run| **run < after);
        for run in first.into_iter().chain(last) {
            let may_start = self.members.get(&run).is_some_and(Member::may_start);
            let due = may_start.then(|| self.due(run, kinds, now)).flatten();
            if let Some(due) = due {
                self.turn = run;
                return Some((run, due));
            }
        }
        None
    }

    pub(super) fn started(
        &mut self,
        run: RunTag,
        number: DeliveryNumber,
        (generation, random): (u32, Random),
        now: Moment,
    ) -> Vec<Step> {
        self.randoms.remember(random, now);
        let mut attempt = 1;
        if let Some(member) = self.members.get_mut(&run) {
            member.recording += 1;
            let job = member.queue.job(number);
            attempt += job.map_or(0, |job| job.delivery.attempts());
        }
        if SeededBug::SendBeforeCommit.is_active() {
            self.make_ready(run, number, random);
        }
        let entry = Entry::Started {
            attempt,
            generation,
            random,
            at: now,
        };
        self.record(run, number, entry)
    }

    pub(super) fn look_up(
        &mut self,
        run: RunTag,
        number: DeliveryNumber,
        now: Moment,
    ) -> Option<Step> {
        let queue = &mut self.members.get_mut(&run)?.queue;
        if self.searches >= SEARCHES_MAX.min((self.in_flight_max / 4).max(1)) {
            queue.postpone(number, now.boot_ns + SEARCH_WAIT_NS);
            return None;
        }
        let patience = queue.patience();
        let job = queue.job(number)?;
        let sender = job.request.sender();
        let sender = sender.unwrap_or_else(|| self.administrator.clone());
        let group = job.request.group.clone()?;
        let wanted = job.delivery.wanted(sender, patience)?;
        self.searches += 1;
        Some(Step::LookUp {
            run,
            number,
            group,
            wanted,
        })
    }

    /// A search has come to its end.
    pub fn looked_up(
        &mut self,
        run: RunTag,
        number: DeliveryNumber,
        finding: Finding,
        now: Moment,
    ) -> Vec<Step> {
        self.searches -= 1;
        // How it was left is being written down; what was found can be found again.
        if self.is_over(run) {
            return Vec::new();
        }
        let steps = self.record(run, number, Entry::LookedUp { finding, at: now });
        self.put_back(run, number, now);
        steps
    }
}
