//! The state machine of one lane.

use super::limiter::{CallId, Limiter};
use super::queue::{Due, Job, Queue};
use super::trouble::Trouble;
use crate::channel::{Answer, Failure, Outcome, Scope};
use crate::delivery::{Entry, State};
use crate::identity::{DeliveryNumber, Moment, Random, RecentRandoms};
use std::collections::{HashMap, VecDeque};

/// What a lane brings along when it is taken.
#[derive(Debug)]
pub struct Lane {
    /// Calls per second.
    pub limit: u32,
    /// When its previous holder last started a call.
    pub last_started: Option<Moment>,
    /// What was Started on the SDKAppID in the last ten minutes.
    pub randoms: RecentRandoms,
}

/// What the executor is to do.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Write `entry` down as the delivery's `place`th, and say so when it is durable.
    Record {
        number: DeliveryNumber,
        place: u32,
        entry: Entry,
    },
    /// Let these bytes go.
    Send { call: CallId, body: String },
    /// Fetch the next page of deliveries.
    Fetch,
}

/// Why nothing new is started any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    Drained,
    /// As many first attempts have been made as were wanted.
    Enough,
    Stopped(Answer),
}

#[derive(Debug)]
pub struct Dispatcher {
    limiter: Limiter,
    randoms: RecentRandoms,
    trouble: Trouble,
    queue: Queue,
    /// Deliveries whose Started is on its way to the disk.
    recording: usize,
    /// Deliveries whose Started is durable, waiting for a slot.
    ready: VecDeque<(DeliveryNumber, Random)>,
    in_flight: HashMap<CallId, DeliveryNumber>,
    calls: CallId,
    /// Entries on their way to the disk, of any kind.
    unrecorded: usize,
    halt: Option<Halt>,
}

/// Started entries may run ahead of the wire by so many: enough to hide a slow disk.
const AHEAD: usize = 32;
/// Calls in flight per lane.
const IN_FLIGHT_MAX: usize = 2_048;

impl Dispatcher {
    pub fn new(lane: Lane, queue: Queue, now: Moment) -> Dispatcher {
        let last = lane
            .last_started
            .filter(|last| last.boot_id == now.boot_id)
            .map(|last| last.boot_ns);
        Dispatcher {
            limiter: Limiter::new(lane.limit, last, now.boot_ns),
            randoms: lane.randoms,
            trouble: Trouble::default(),
            queue,
            recording: 0,
            ready: VecDeque::new(),
            in_flight: HashMap::new(),
            calls: 0,
            unrecorded: 0,
            halt: None,
        }
    }

    /// A page of deliveries has come. Attempts of an earlier process that never Finished prove nothing.
    pub fn load(&mut self, page: Vec<Job>, now: Moment) -> Vec<Step> {
        let orphans: Vec<_> = page
            .iter()
            .filter_map(|job| Some((job.number, job.delivery.on_wire()?)))
            .collect();
        self.queue.load(page);
        orphans
            .into_iter()
            .flat_map(|(number, attempt)| {
                let outcome =
                    Outcome::Unknown(Answer::none("the process ended before the answer came"));
                self.record(
                    number,
                    Entry::Finished {
                        attempt,
                        outcome,
                        at: now,
                    },
                )
            })
            .collect()
    }

    /// An entry is durable. Returns where the delivery ended, if it did.
    pub fn recorded(&mut self, number: DeliveryNumber, entry: &Entry) -> Option<State> {
        self.unrecorded -= 1;
        if let Entry::Started { random, .. } = entry {
            self.recording -= 1;
            self.ready.push_back((number, *random));
            return None;
        }
        let job = self
            .queue
            .job(number)
            .filter(|job| job.delivery.has_ended())?;
        let state = job.delivery.state();
        self.queue.remove(number);
        Some(state)
    }

    /// The first byte of a call has left.
    pub fn on_wire(&mut self, call: CallId, at: Moment) {
        self.limiter.on_wire(call, at.boot_ns);
    }

    /// A call came back.
    pub fn answered(&mut self, call: CallId, outcome: Outcome, now: Moment) -> Vec<Step> {
        let Some(number) = self.in_flight.remove(&call) else {
            return Vec::new();
        };
        match &outcome {
            Outcome::Failed(Failure::NoConnection, _) => self.limiter.forget(call),
            Outcome::Throttled(Scope::Lane, _) => {
                self.limiter.answered(call, now.boot_ns);
                self.limiter.over_limit();
            }
            _ => self.limiter.answered(call, now.boot_ns),
        }
        self.trouble.learn(&outcome, now.boot_ns);
        if let Outcome::Failed(Failure::Stop, answer) = &outcome {
            self.halt.get_or_insert(Halt::Stopped(answer.clone()));
        }
        self.finish(number, outcome, now)
    }

    /// Nothing new is started; what is under way comes home.
    pub fn drain(&mut self) {
        self.halt.get_or_insert(Halt::Drained);
    }

    pub fn halt(&self) -> Option<&Halt> {
        self.halt.as_ref()
    }

    /// Everything there was to do is done and durable.
    pub fn is_over(&self) -> bool {
        self.is_home() && (self.halt.is_some() || self.queue.is_over())
    }

    /// Nothing is on its way, neither out nor into the journal.
    fn is_home(&self) -> bool {
        self.in_flight.is_empty() && self.ready.is_empty() && self.unrecorded == 0
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// All that can be done at `now`.
    pub fn steps(&mut self, now: Moment) -> Vec<Step> {
        if self.halt.is_some() {
            return self.take_back(now);
        }
        let mut steps = Vec::new();
        if self.queue.wants_page() {
            steps.push(Step::Fetch);
        }
        self.send_ready(now, &mut steps);
        self.prepare(now, &mut steps);
        if self.is_home() && self.queue.has_had_enough() {
            self.halt = Some(Halt::Enough);
        }
        steps
    }

    /// When [`Dispatcher::steps`] should be asked again if nothing happens before; `None`: not before something does.
    pub fn wake_ns(&mut self, now: Moment) -> Option<u64> {
        if self.halt.is_some() {
            return None;
        }
        let send = self.may_send_ns(now);
        let ahead = self.ahead();
        let due = self.queue.due_ns(now, ahead).filter(|_| self.may_prepare());
        let prepare = due.map(|due| due.max(self.trouble.until_ns()));
        send.into_iter().chain(prepare).min()
    }

    /// Started entries whose calls will not go out after all.
    fn take_back(&mut self, now: Moment) -> Vec<Step> {
        let ready = std::mem::take(&mut self.ready);
        let not_sent = || {
            Outcome::Failed(
                Failure::NotSent,
                Answer::none("taken back before it was sent"),
            )
        };
        ready
            .into_iter()
            .flat_map(|(number, _)| self.finish(number, not_sent(), now))
            .collect()
    }

    fn send_ready(&mut self, now: Moment, steps: &mut Vec<Step>) {
        while self.may_send_ns(now).is_some_and(|at| at <= now.boot_ns) {
            let Some((number, random)) = self.ready.pop_front() else {
                return;
            };
            if let Some(why) = self.taken_back(number, now) {
                let outcome = Outcome::Failed(Failure::NotSent, Answer::none(why));
                steps.extend(self.finish(number, outcome, now));
                continue;
            }
            self.calls += 1;
            self.limiter.start(self.calls, now.boot_ns);
            self.queue.sent(now);
            self.in_flight.insert(self.calls, number);
            if let Some(job) = self.queue.job(number) {
                steps.push(Step::Send {
                    call: self.calls,
                    body: job.request.body(random),
                });
            }
        }
    }

    /// Why a call that was prepared is not to go out any more.
    fn taken_back(&self, number: DeliveryNumber, now: Moment) -> Option<&'static str> {
        if !self.queue.may_still_go(number, now) {
            return Some(
                "taken back: it waited until the vendor could not tell it from a new message",
            );
        }
        self.queue
            .is_out_of_hours(number, now)
            .then_some("taken back: it waited until the window of the delivery closed")
    }

    /// When the first that is ready may go out; `None`: nothing is ready, or it hangs on a reply.
    fn may_send_ns(&mut self, now: Moment) -> Option<u64> {
        let (first, _) = self.ready.front()?;
        let capped = self.queue.may_send_ns(*first);
        let room = if self.trouble.is_probing() {
            1
        } else {
            IN_FLIGHT_MAX
        };
        if self.in_flight.len() >= room {
            return None;
        }
        Some(
            self.limiter
                .earliest(now.boot_ns)?
                .max(self.trouble.until_ns())
                .max(capped),
        )
    }

    /// How many are prepared and have not gone out.
    fn ahead(&self) -> usize {
        self.recording + self.ready.len()
    }

    fn may_prepare(&self) -> bool {
        let ahead = if self.trouble.is_probing() { 1 } else { AHEAD };
        self.ahead() < ahead
    }

    /// Writes Started ahead for what goes out next.
    fn prepare(&mut self, now: Moment, steps: &mut Vec<Step>) {
        if now.boot_ns < self.trouble.until_ns() {
            return;
        }
        while self.may_prepare() {
            match self.queue.due(now, self.ahead(), &mut self.randoms) {
                Some(Due::Start {
                    number,
                    generation,
                    random,
                }) => {
                    self.randoms.remember(random, now);
                    self.recording += 1;
                    let attempt = self
                        .queue
                        .job(number)
                        .map_or(0, |job| job.delivery.attempts())
                        + 1;
                    steps.extend(self.record(
                        number,
                        Entry::Started {
                            attempt,
                            generation,
                            random,
                            at: now,
                        },
                    ));
                }
                Some(Due::End {
                    number,
                    end,
                    reason,
                }) => {
                    steps.extend(self.record(
                        number,
                        Entry::Ended {
                            end,
                            reason,
                            at: now,
                        },
                    ));
                }
                None => return,
            }
        }
    }

    fn finish(&mut self, number: DeliveryNumber, outcome: Outcome, now: Moment) -> Vec<Step> {
        let Some(attempt) = self
            .queue
            .job(number)
            .and_then(|job| job.delivery.on_wire())
        else {
            return Vec::new();
        };
        let steps = self.record(
            number,
            Entry::Finished {
                attempt,
                outcome,
                at: now,
            },
        );
        if self
            .queue
            .job(number)
            .is_some_and(|job| !job.delivery.has_ended())
        {
            self.queue.put_back(number, now);
        }
        steps
    }

    /// The fold runs here as it will after a restart; an illegal entry is a bug of ours and must not reach the journal.
    fn record(&mut self, number: DeliveryNumber, entry: Entry) -> Vec<Step> {
        let Some(job) = self.queue.job(number) else {
            return Vec::new();
        };
        if let Err(illegal) = job.delivery.apply(&entry) {
            panic!("delivery {number}: {illegal}");
        }
        self.unrecorded += 1;
        vec![Step::Record {
            number,
            place: job.delivery.entries(),
            entry,
        }]
    }
}
