//! The deliveries of one run that have not ended, in the order in which they go out.

use super::bounds::Bounds;
use super::pace::{Pace, nanoseconds};
use crate::channel::Request;
use crate::delivery::{Delivery, End, Next, Policy};
use crate::identity::{DeliveryNumber, Digest, Moment, Random, RecentRandoms, SdkAppId};
use crate::settings::Hours;
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
    pub(super) policy: Policy,
    cap: Option<Pace>,
    /// So many more first attempts may be made.
    first_attempts: Option<u64>,
    /// When first attempts may be made.
    hours: Option<Hours>,
    jobs: HashMap<DeliveryNumber, Job>,
    fresh: VecDeque<DeliveryNumber>,
    /// By the instant they are due; repetitions of open attempts before all others.
    again: BTreeSet<(u64, DeliveryNumber)>,
    exhausted: bool,
    fetching: bool,
}

/// Started is written down so long before its call goes out, that a slow disk does not hold it up.
const PREPARED_BEFORE: Duration = Duration::from_millis(100);

/// What a queue wants done about one delivery.
pub(super) enum Due {
    Start {
        number: DeliveryNumber,
        generation: u32,
        random: Random,
    },
    End {
        number: DeliveryNumber,
        end: End,
        reason: String,
    },
}

impl Queue {
    /// Below so many deliveries in memory the next page is asked for.
    const LOW: usize = 1_000;

    /// `rate` is the campaign's own cap in calls per second.
    pub fn new(sdk_app_id: SdkAppId, occurrence: Digest, policy: Policy, bounds: Bounds) -> Queue {
        let interval = bounds.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        let cap = interval.map(|interval| Pace::new(interval, interval));
        Queue {
            occurrence,
            sdk_app_id,
            policy,
            cap,
            first_attempts: bounds.first_attempts,
            hours: bounds.hours,
            jobs: HashMap::new(),
            fresh: VecDeque::new(),
            again: BTreeSet::new(),
            exhausted: false,
            fetching: false,
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
        let wants = !self.exhausted && !self.fetching && self.jobs.len() < Self::LOW;
        self.fetching |= wants;
        wants
    }

    pub(super) fn is_over(&self) -> bool {
        self.exhausted && self.jobs.is_empty()
    }

    pub(super) fn job(&mut self, number: DeliveryNumber) -> Option<&mut Job> {
        self.jobs.get_mut(&number)
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
            self.first_attempts = self.first_attempts.map(|left| left + 1);
            return self.put_fresh(number);
        }
        let wait = match job.delivery.next(&self.policy, now) {
            Next::Attempt { wait } | Next::Resend { wait, .. } | Next::LookUp { wait } => wait,
            Next::End(..) | Next::Waive | Next::Nothing | Next::Answer => Duration::ZERO,
        };
        self.again.insert((now.boot_ns + nanoseconds(wait), number));
    }

    /// The next delivery that is due: repetitions before first attempts. `ahead` others are prepared already.
    pub(super) fn due(
        &mut self,
        now: Moment,
        ahead: usize,
        randoms: &mut RecentRandoms,
    ) -> Option<Due> {
        let number = self.next_number(now, ahead)?;
        let job = self.jobs.get(&number)?;
        Some(match job.delivery.next(&self.policy, now) {
            Next::Attempt { .. } => {
                let generation = job.delivery.next_generation();
                let random = randoms.choose(self.identity(job, generation), now);
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
                random,
            },
            Next::End(end, reason) => Due::End {
                number,
                end,
                reason,
            },
            Next::LookUp { .. } | Next::Waive | Next::Nothing | Next::Answer => return None,
        })
    }

    fn next_number(&mut self, now: Moment, ahead: usize) -> Option<DeliveryNumber> {
        if let Some(&(due, number)) = self.again.first()
            && due <= now.boot_ns
        {
            self.again.pop_first();
            return Some(number);
        }
        if self.fresh_due_ns(now, ahead)? > now.boot_ns {
            return None;
        }
        let number = self.fresh.pop_front()?;
        self.first_attempts = self.first_attempts.map(|left| left.saturating_sub(1));
        Some(number)
    }

    /// Whether all that is left are first attempts that are not to be made now.
    pub(super) fn has_had_enough(&self) -> bool {
        let is_settled = self.jobs.len() == self.fresh.len() && !self.fresh.is_empty();
        self.first_attempts == Some(0) && is_settled
    }

    /// Whether a first attempt would go out at an hour that is not for it.
    pub(super) fn is_out_of_hours(&self, number: DeliveryNumber, now: Moment) -> bool {
        self.is_first(number)
            && self
                .hours
                .is_some_and(|hours| hours.opens_in(now).is_some())
    }

    fn is_first(&self, number: DeliveryNumber) -> bool {
        let job = self.jobs.get(&number);
        job.is_some_and(|job| job.delivery.is_first_attempt())
    }

    /// When the next first attempt may be prepared: no sooner than needed, for its time runs from then on.
    fn fresh_due_ns(&self, now: Moment, ahead: usize) -> Option<u64> {
        if self.fresh.is_empty() || self.first_attempts == Some(0) {
            return None;
        }
        if let Some(wait) = self.hours.and_then(|hours| hours.opens_in(now)) {
            return Some(now.boot_ns + nanoseconds(wait));
        }
        let sent = self
            .cap
            .as_ref()
            .map(|cap| cap.earliest().max(now.boot_ns) + cap.interval() * ahead as u64);
        Some(sent.map_or(0, |sent| sent.saturating_sub(nanoseconds(PREPARED_BEFORE))))
    }

    /// When something becomes due.
    pub(super) fn due_ns(&self, now: Moment, ahead: usize) -> Option<u64> {
        let again = self.again.first().map(|each| each.0);
        let fresh = self.fresh_due_ns(now, ahead);
        again.into_iter().chain(fresh).min()
    }

    /// When a prepared call may go out as far as the campaign's own cap is concerned. Repetitions are not held up.
    pub(super) fn may_send_ns(&self, number: DeliveryNumber) -> u64 {
        self.cap
            .as_ref()
            .filter(|_| self.is_first(number))
            .map_or(0, Pace::earliest)
    }

    pub(super) fn may_still_go(&self, number: DeliveryNumber, now: Moment) -> bool {
        self.jobs
            .get(&number)
            .is_some_and(|job| job.delivery.may_still_go(&self.policy, now))
    }

    pub(super) fn sent(&mut self, now: Moment) {
        if let Some(cap) = &mut self.cap {
            cap.start(now.boot_ns);
        }
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
