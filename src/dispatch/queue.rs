//! The deliveries of one run that have not ended, in the order in which they go out.

use super::bounds::Bounds;
use super::groups::Groups;
use super::pace::{Pace, nanoseconds};
use crate::channel::{Cause, Channel, Request};
use crate::delivery::{Delivery, End, EndReason, Next, Patience, Policy, State};
use crate::identity::{DeliveryNumber, Digest, GroupId, Moment, Random, RecentRandoms, SdkAppId};
use crate::seeded_bug::SeededBug;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// One delivery of the plan with all that is known about it.
#[derive(Clone, Debug)]
pub struct Job {
    pub number: DeliveryNumber,
    pub request: Request,
    pub delivery: Delivery,
}

/// A run's deliveries. It is fed a page at a time, so that a million of them never stand in memory together.
#[derive(Debug)]
pub struct Queue {
    occurrence: Digest,
    sdk_app_id: SdkAppId,
    policy: Policy,
    bounds: Bounds,
    cap: Option<Pace>,
    jobs: HashMap<DeliveryNumber, Job>,
    fresh: VecDeque<DeliveryNumber>,
    /// First attempts whose group has its fill, by the instant they are planned for.
    planned: BTreeSet<(u64, DeliveryNumber)>,
    /// By the instant they are due; repetitions of open attempts before all others.
    again: BTreeSet<(u64, DeliveryNumber)>,
    /// Of those that are due, whose group has its fill, by the instant they are planned for.
    planned_again: BTreeSet<(u64, DeliveryNumber)>,
    exhausted: bool,
    fetching: bool,
    /// Nothing of it is sent any more.
    cancelled: bool,
}

/// Started is written down so long before its call goes out, that a slow disk does not hold it up.
const PREPARED_BEFORE: Duration = Duration::from_millis(100);

/// What a queue wants done about one delivery.
#[derive(Debug)]
pub(super) enum Due {
    Start {
        number: DeliveryNumber,
        generation: u32,
        random: Random,
    },
    End {
        number: DeliveryNumber,
        end: End,
        reason: EndReason,
    },
    LookUp(DeliveryNumber),
    Waive(DeliveryNumber),
}

/// What is asked for: something that goes out again, or for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Again,
    First,
}

/// What all the queues of a lane share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) groups: &'a mut Groups,
    pub(super) randoms: &'a mut RecentRandoms,
}

impl Queue {
    /// Below so many first attempts in memory the next page is asked for,
    const LOW: usize = 1_000;
    /// but never beyond so many deliveries, whatever they wait for.
    const HIGH: usize = 5_000;

    pub fn new(sdk_app_id: SdkAppId, occurrence: Digest, policy: Policy, bounds: Bounds) -> Queue {
        let interval = bounds.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        let cap = interval.map(|interval| Pace::new(interval, interval));
        Queue {
            occurrence,
            sdk_app_id,
            policy,
            bounds,
            cap,
            jobs: HashMap::new(),
            fresh: VecDeque::new(),
            planned: BTreeSet::new(),
            again: BTreeSet::new(),
            planned_again: BTreeSet::new(),
            exhausted: false,
            fetching: false,
            cancelled: false,
        }
    }

    pub(super) fn load(&mut self, page: Vec<Job>) {
        self.fetching = false;
        self.exhausted |= page.is_empty();
        for job in page {
            if job.delivery.is_first_attempt() && job.delivery.on_wire().is_none() {
                self.put_fresh(job.number);
            } else {
                self.again.insert((0, job.number));
            }
            self.jobs.insert(job.number, job);
        }
    }

    /// In the order of the plan, also where one comes back that had been taken.
    fn put_fresh(&mut self, number: DeliveryNumber) {
        let at = self.fresh.partition_point(|known| *known < number);
        self.fresh.insert(at, number);
    }

    pub(super) fn wants_page(&mut self) -> bool {
        let is_low = self.fresh.len() < Self::LOW && self.jobs.len() < Self::HIGH;
        let wants = !self.exhausted && !self.fetching && is_low;
        self.fetching |= wants;
        wants
    }

    pub(super) fn is_over(&self) -> bool {
        self.exhausted && self.jobs.is_empty()
    }

    pub(super) fn patience(&self) -> Patience {
        self.policy.patience
    }

    pub(super) fn job(&mut self, number: DeliveryNumber) -> Option<&mut Job> {
        self.jobs.get_mut(&number)
    }

    /// The group of a delivery where groups have a limit of their own.
    pub(super) fn limited_group(&self, number: DeliveryNumber) -> Option<&GroupId> {
        let request = &self.jobs.get(&number)?.request;
        let is_limited = request.channel == Channel::GroupMessage;
        request.group.as_ref().filter(|_| is_limited)
    }

    pub(super) fn remove(&mut self, number: DeliveryNumber) {
        self.jobs.remove(&number);
    }

    /// Puts a delivery back that came home without an end.
    pub(super) fn put_back(&mut self, number: DeliveryNumber, now: Moment) {
        let Some(job) = self.jobs.get(&number) else {
            return;
        };
        if job.delivery.is_first_attempt() {
            let left = &mut self.bounds.first_attempts;
            *left = left.map(|left| left + 1);
            return self.put_fresh(number);
        }
        self.put_again(number, now);
    }

    /// Nothing of it is sent any more: what is not begun is over, what is open is looked at anew.
    pub(super) fn cancel(&mut self, now: Moment) {
        if self.cancelled {
            return;
        }
        self.cancelled = true;
        let planned = std::mem::take(&mut self.planned_again);
        let again = std::mem::take(&mut self.again);
        for (_, number) in planned.into_iter().chain(again) {
            self.put_again(number, now);
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// It waits for what is next about it.
    fn put_again(&mut self, number: DeliveryNumber, now: Moment) {
        let Some(job) = self.jobs.get(&number) else {
            return;
        };
        let wait = match self.next(job, now) {
            Next::Attempt { wait } | Next::Resend { wait, .. } | Next::LookUp { wait } => wait,
            Next::End(..) | Next::Waive | Next::Nothing | Next::Answer => Duration::ZERO,
        };
        self.postpone(number, now.boot_ns + nanoseconds(wait));
    }

    /// It is looked at again at this instant.
    pub(super) fn postpone(&mut self, number: DeliveryNumber, at_ns: u64) {
        self.again.insert((at_ns, number));
    }

    fn next(&self, job: &Job, now: Moment) -> Next {
        let is_open = job.delivery.state() == State::InFlight;
        let policy = Policy {
            can_look_up: is_open && job.request.is_in_history(),
            ..self.policy
        };
        if self.cancelled {
            job.delivery.next_cancelled(&policy, now)
        } else {
            job.delivery.next(&policy, now)
        }
    }

    /// The next delivery that is due. `ahead` others of this run are prepared already.
    pub(super) fn due(
        &mut self,
        kind: Kind,
        now: Moment,
        ahead: usize,
        shared: &mut Shared<'_>,
    ) -> Option<Due> {
        let over = self.over(now).filter(|_| kind == Kind::First);
        if let Some(reason) = over {
            return self.end_unbegun(reason);
        }
        let number = match kind {
            Kind::Again => self.take(kind, now, shared.groups)?,
            Kind::First => self.next_first(now, ahead, shared.groups)?,
        };
        let job = self.jobs.get(&number)?;
        Some(match self.next(job, now) {
            Next::Attempt { .. } => {
                let generation = job.delivery.next_generation();
                let random = shared.randoms.choose(self.identity(job, generation), now);
                Due::Start {
                    number,
                    generation,
                    random,
                }
            }
            Next::Resend {
                generation, random, ..
            } => Due::Start {
                number,
                generation,
                random: if SeededBug::NewRandomOnResend.is_active() {
                    shared.randoms.choose(self.identity(job, generation), now)
                } else {
                    random
                },
            },
            Next::End(end, reason) => Due::End {
                number,
                end,
                reason,
            },
            // Time does not always pass as it was expected to.
            Next::LookUp { wait } if wait > Duration::ZERO => {
                self.postpone(number, now.boot_ns + nanoseconds(wait));
                return self.due(kind, now, ahead, shared);
            }
            Next::LookUp { .. } => Due::LookUp(number),
            Next::Waive => Due::Waive(number),
            Next::Nothing | Next::Answer => return None,
        })
    }

    /// The next first attempt, if one is to be made now.
    fn next_first(
        &mut self,
        now: Moment,
        ahead: usize,
        groups: &mut Groups,
    ) -> Option<DeliveryNumber> {
        if self.first_due_ns(now, ahead)? > now.boot_ns {
            return None;
        }
        let number = self.take(Kind::First, now, groups)?;
        let left = &mut self.bounds.first_attempts;
        *left = left.map(|left| left.saturating_sub(1));
        Some(number)
    }

    /// The next delivery of a kind. What its group has no room for yet is planned for later, and others go before it:
    /// once it is prepared, all that share the lane wait with it.
    fn take(&mut self, kind: Kind, now: Moment, groups: &mut Groups) -> Option<DeliveryNumber> {
        let soon = now.boot_ns + nanoseconds(PREPARED_BEFORE);
        loop {
            let planned = self.pop_planned(kind, soon);
            let number = planned.or_else(|| self.pop_waiting(kind, now))?;
            let group = self.limited_group(number);
            let Some(group) = group.filter(|_| self.is_call(number, now)) else {
                return Some(number);
            };
            // Whoever comes anew goes behind those that are planned.
            let mut at = if planned.is_some() {
                0
            } else {
                groups.plan(group, now.boot_ns)
            };
            if at <= soon {
                if groups.prepare(group, now.boot_ns, soon) {
                    return Some(number);
                }
                at = groups.plan(group, now.boot_ns);
            }
            self.planned(kind).insert((at, number));
        }
    }

    fn planned(&mut self, kind: Kind) -> &mut BTreeSet<(u64, DeliveryNumber)> {
        match kind {
            Kind::Again => &mut self.planned_again,
            Kind::First => &mut self.planned,
        }
    }

    fn pop_planned(&mut self, kind: Kind, soon_ns: u64) -> Option<DeliveryNumber> {
        let planned = self.planned(kind);
        let &(at, number) = planned.first()?;
        (at <= soon_ns).then(|| {
            planned.pop_first();
            number
        })
    }

    fn pop_waiting(&mut self, kind: Kind, now: Moment) -> Option<DeliveryNumber> {
        if kind == Kind::First {
            return self.fresh.pop_front();
        }
        let &(due, number) = self.again.first()?;
        (due <= now.boot_ns).then(|| {
            self.again.pop_first();
            number
        })
    }

    /// Whether what is next about a delivery is a call to its group.
    fn is_call(&self, number: DeliveryNumber, now: Moment) -> bool {
        let next = self.jobs.get(&number).map(|job| self.next(job, now));
        matches!(next, Some(Next::Attempt { .. } | Next::Resend { .. }))
    }

    /// Whether nothing is started any more that was not by now.
    fn is_too_late(&self, now: Moment) -> bool {
        let until = self.bounds.finish_by_ms;
        until.is_some_and(|until| now.wall_ms >= until)
    }

    /// Why nothing is begun any more.
    fn over(&self, now: Moment) -> Option<EndReason> {
        if self.cancelled {
            return Some(EndReason::Cancelled);
        }
        self.is_too_late(now).then_some(EndReason::TooLate)
    }

    fn end_unbegun(&mut self, reason: EndReason) -> Option<Due> {
        let planned = || Some(self.planned.pop_first()?.1);
        let number = self.fresh.pop_front().or_else(planned)?;
        let job = self.jobs.get(&number);
        // Wanted again, it may have arrived before.
        let is_in_doubt = job.is_some_and(|job| job.delivery.may_have_arrived());
        Some(Due::End {
            number,
            end: if is_in_doubt {
                End::Unknown
            } else {
                End::Skipped
            },
            reason,
        })
    }

    /// Whether all that is left are first attempts that are not to be made now.
    pub(super) fn has_had_enough(&self) -> bool {
        let waiting = self.fresh.len() + self.planned.len();
        !self.cancelled
            && self.bounds.first_attempts == Some(0)
            && self.jobs.len() == waiting
            && waiting > 0
    }

    /// Why a call that was prepared is not to go out any more.
    pub(super) fn taken_back(&self, number: DeliveryNumber, now: Moment) -> Option<Cause> {
        let job = self.jobs.get(&number)?;
        if !job.delivery.may_still_go(&self.policy, now) {
            return Some(Cause::TakenBackUndeduplicated);
        }
        if !job.delivery.is_first_attempt() {
            return None;
        }
        if self.is_too_late(now) {
            return Some(Cause::TakenBackTooLate);
        }
        let hours = self.bounds.hours;
        hours
            .is_some_and(|hours| hours.opens_in(now).is_some())
            .then_some(Cause::TakenBackWindowClosed)
    }

    /// Until when a call may leave that is let go now: whether a repetition is told from a new message was asked of the
    /// whole time that a call may take.
    pub(super) fn leaves_by_ns(&self, now: Moment) -> u64 {
        let timeouts = if SeededBug::LeavesHoweverLate.is_active() {
            1_000
        } else {
            1
        };
        now.boot_ns + timeouts * nanoseconds(self.policy.timeout)
    }

    /// When the next first attempt may be prepared: no sooner than needed, for its time runs from then on.
    fn first_due_ns(&self, now: Moment, ahead: usize) -> Option<u64> {
        let next = match self.planned.first() {
            _ if !self.fresh.is_empty() => 0,
            Some(&(at, _)) => at,
            None => return None,
        };
        if self.over(now).is_some() {
            return Some(0);
        }
        if self.bounds.first_attempts == Some(0) {
            return self.too_late_ns(now);
        }
        if let Some(wait) = self.bounds.hours.and_then(|hours| hours.opens_in(now)) {
            let opens = now.boot_ns + nanoseconds(wait);
            return Some(self.too_late_ns(now).map_or(opens, |late| late.min(opens)));
        }
        let capped = self.cap.as_ref().map_or(0, |cap| {
            cap.earliest().max(now.boot_ns) + cap.interval() * ahead as u64
        });
        Some(
            next.max(capped)
                .saturating_sub(nanoseconds(PREPARED_BEFORE)),
        )
    }

    fn too_late_ns(&self, now: Moment) -> Option<u64> {
        let left_ms = self.bounds.finish_by_ms?.saturating_sub(now.wall_ms);
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        Some(now.boot_ns + nanoseconds(left))
    }

    /// When something becomes due.
    pub(super) fn due_ns(&self, now: Moment, ahead: usize) -> Option<u64> {
        let again = self.again.first().map(|each| each.0);
        let planned = self.planned_again.first();
        let planned = planned.map(|each| each.0.saturating_sub(nanoseconds(PREPARED_BEFORE)));
        let first = self.first_due_ns(now, ahead);
        again.into_iter().chain(planned).chain(first).min()
    }

    /// When a prepared call may go out as far as the campaign's own cap is concerned. Repetitions are not held up.
    pub(super) fn may_send_ns(&self, number: DeliveryNumber) -> u64 {
        let job = self.jobs.get(&number);
        let is_first = job.is_some_and(|job| job.delivery.is_first_attempt());
        self.cap
            .as_ref()
            .filter(|_| is_first)
            .map_or(0, Pace::earliest)
    }

    pub(super) fn sent(&mut self, now: Moment) {
        if let Some(cap) = &mut self.cap {
            cap.start(now.boot_ns);
        }
    }

    /// The `Random` that a delivery's next generation has, unless chance gave it to another one lately.
    pub fn next_random(&self, job: &Job) -> Random {
        Random::derive(self.identity(job, job.delivery.next_generation()), 0)
    }

    /// What a generation's `Random` is made from.
    fn identity(&self, job: &Job, generation: u32) -> Digest {
        let request = &job.request;
        Digest::of(
            "random",
            [
                self.sdk_app_id.0.to_be_bytes().as_slice(),
                self.occurrence.to_string().as_bytes(),
                request.channel.name().as_bytes(),
                request.group_name().as_bytes(),
                request.members_json().to_string().as_bytes(),
                request.content.as_bytes(),
                &generation.to_be_bytes(),
            ],
        )
    }
}
