//! What is Started goes out, when the lane, its group and its campaign have room; or it is taken back.

use super::{Dispatcher, Flight, Ready, Step};
use crate::channel::{Answer, Cause, Failure, Outcome};
use crate::identity::Moment;
use crate::seeded_bug::SeededBug;
use std::collections::VecDeque;

/// Calls in flight per lane, where descriptors do not allow fewer.
pub(super) const IN_FLIGHT_MAX: usize = 2_048;

impl Dispatcher {
    /// Allows no more calls in flight than this from now on.
    pub fn allow_in_flight(&mut self, calls: usize) {
        self.in_flight_max = calls.clamp(1, IN_FLIGHT_MAX);
    }

    /// Started entries whose calls will not go out after all, for their run is halted, or not for a while: what finds out
    /// whether a trouble is over is chosen then.
    pub(super) fn take_back(&mut self, now: Moment) -> Vec<Step> {
        let is_held = now.boot_ns < self.trouble.until_ns();
        let is_halted = |ready: &Ready| {
            let member = self.members.get(&ready.run);
            is_held || member.is_none_or(|member| !member.may_start())
        };
        let (back, ready) = std::mem::take(&mut self.ready)
            .into_iter()
            .partition(is_halted);
        self.ready = ready;
        let back: VecDeque<Ready> = back;
        back.into_iter()
            .flat_map(|ready| self.not_sent(&ready, Cause::TakenBack, now))
            .collect()
    }

    pub(super) fn not_sent(&mut self, ready: &Ready, cause: Cause, now: Moment) -> Vec<Step> {
        if let Some(member) = self.members.get_mut(&ready.run) {
            member.ready -= 1;
        }
        if let Some(group) = &ready.group {
            self.groups.taken_back(group, now.boot_ns);
        }
        let outcome = Outcome::Failed(Failure::NotSent, Answer::because(cause));
        self.finish(ready.run, ready.number, outcome, now)
    }

    pub(super) fn send_ready(&mut self, now: Moment, steps: &mut Vec<Step>) {
        while let Some((at, place)) = self.may_send_ns(now)
            && at <= now.boot_ns
        {
            let Some(ready) = self.ready.remove(place) else {
                return;
            };
            let Some(member) = self.members.get_mut(&ready.run) else {
                continue;
            };
            if let Some(cause) = member.queue.taken_back(ready.number, now) {
                steps.extend(self.not_sent(&ready, cause, now));
                continue;
            }
            let Some(job) = member.queue.job(ready.number) else {
                continue;
            };
            self.calls += 1;
            let body = job.request.body(ready.random);
            steps.push(Step::Send {
                call: self.calls,
                body,
                leaves_by_ns: member.queue.leaves_by_ns(now),
            });
            member.queue.sent(now);
            member.ready -= 1;
            member.in_flight += 1;
            self.depart(ready, now);
        }
    }

    pub(super) fn depart(&mut self, ready: Ready, now: Moment) {
        if !SeededBug::LimiterNotCharged.is_active() {
            self.limiter.start(self.calls, now.boot_ns);
        }
        if let Some(group) = &ready.group {
            self.groups.sent(group, now.boot_ns);
        }
        let flight = Flight {
            run: ready.run,
            number: ready.number,
            group: ready.group,
            out_ns: now.boot_ns,
        };
        self.in_flight.insert(self.calls, flight);
    }

    /// Which that is ready may go out first, and when; `None`: nothing is ready, or it hangs on a reply.
    pub(super) fn may_send_ns(&mut self, now: Moment) -> Option<(u64, usize)> {
        let room = if self.trouble.is_probing() {
            1
        } else {
            self.in_flight_max
        };
        if self.ready.is_empty() || self.in_flight.len() >= room {
            return None;
        }
        let lane = self
            .limiter
            .earliest(now.boot_ns)?
            .max(self.trouble.until_ns());
        let held = |ready: &Ready| {
            let member = self.members.get(&ready.run);
            let capped = member.map_or(0, |member| member.queue.may_send_ns(ready.number));
            let group = ready.group.as_ref();
            capped.max(group.map_or(0, |group| self.groups.may_send_ns(group)))
        };
        let at = self.ready.iter().map(|ready| held(ready).max(lane));
        // Of those that may go out at once the first goes.
        at.enumerate().map(|(place, at)| (at, place)).min()
    }
}
