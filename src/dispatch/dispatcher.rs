//! The state machine of one lane.

use super::groups::Groups;
use super::limiter::{CallId, Limiter};
use super::member::Member;
use super::queue::{Due, Job, Kind, Queue, Shared};
use super::trouble::Trouble;
use crate::channel::{Answer, Channel, Failure, Outcome, Scope};
use crate::delivery::{Entry, Finding, State, Wanted};
use crate::identity::{DeliveryNumber, GroupId, Moment, Random, RecentRandoms};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What a lane brings along when it is taken.
#[derive(Debug)]
pub struct Lane {
    pub channel: Channel,
    /// Calls per second.
    pub limit: u32,
    /// When its previous holder last started a call.
    pub last_started: Option<Moment>,
    /// What was Started on the SDKAppID in the last ten minutes.
    pub randoms: RecentRandoms,
    /// What waits are spread by.
    pub seed: u32,
    /// Whom a message comes from that does not say so.
    pub administrator: String,
}

/// Which of a lane's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunTag(pub u32);

/// What the executor is to do.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Write `entry` down as the delivery's `place`th, and say so when it is durable.
    Record {
        run: RunTag,
        number: DeliveryNumber,
        place: u32,
        entry: Entry,
    },
    /// Let these bytes go.
    Send { call: CallId, body: String },
    /// Fetch the next page of a run's deliveries.
    Fetch { run: RunTag },
    /// Search the group's history.
    LookUp {
        run: RunTag,
        number: DeliveryNumber,
        group: GroupId,
        wanted: Wanted,
    },
}

/// Why nothing new of a run is started any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    Drained,
    /// As many first attempts have been made as were wanted.
    Enough,
    Stopped(Answer),
}

/// Several runs may share a lane: they take turns, call by call, so that a small one is not kept waiting by a big one.
#[derive(Debug)]
pub struct Dispatcher {
    channel: Channel,
    limiter: Limiter,
    /// From one call to the next at the full pace.
    spacing_ns: u64,
    trouble: Trouble,
    groups: Groups,
    randoms: RecentRandoms,
    members: BTreeMap<RunTag, Member>,
    /// Whose turn it was last.
    turn: RunTag,
    /// Deliveries whose Started is durable, waiting for a slot.
    ready: VecDeque<Ready>,
    in_flight: HashMap<CallId, Flight>,
    calls: CallId,
    administrator: String,
    /// Searches under way.
    searches: usize,
}

#[derive(Debug)]
struct Ready {
    run: RunTag,
    number: DeliveryNumber,
    random: Random,
    group: Option<GroupId>,
}

#[derive(Debug)]
struct Flight {
    run: RunTag,
    number: DeliveryNumber,
    group: Option<GroupId>,
    out_ns: u64,
}

/// Started entries may run ahead of the wire by so many, and by so long: enough to hide a slow disk. Whoever takes the
/// lane next knows only of them when the last call went out.
const AHEAD_MAX: usize = 32;
const AHEAD_MAX_NS: u64 = 166_000_000;
/// Calls in flight per lane.
const IN_FLIGHT_MAX: usize = 2_048;
/// Searches of histories at once; the others wait a while.
const SEARCHES_MAX: usize = 8;
const SEARCH_WAIT_NS: u64 = SECOND_NS;
const SECOND_NS: u64 = 1_000_000_000;

impl Dispatcher {
    pub fn new(lane: Lane, now: Moment) -> Dispatcher {
        let last = lane
            .last_started
            .filter(|last| last.boot_id == now.boot_id)
            .map(|last| last.boot_ns);
        Dispatcher {
            channel: lane.channel,
            limiter: Limiter::new(lane.limit, last, now.boot_ns),
            spacing_ns: SECOND_NS / u64::from(lane.limit.max(1)),
            trouble: Trouble::new(lane.limit, lane.seed),
            groups: Groups::default(),
            randoms: lane.randoms,
            members: BTreeMap::new(),
            turn: RunTag(0),
            ready: VecDeque::new(),
            in_flight: HashMap::new(),
            calls: 0,
            administrator: lane.administrator,
            searches: 0,
        }
    }

    /// A run joins those of the lane.
    pub fn join(&mut self, run: RunTag, queue: Queue) {
        self.members.insert(run, Member::new(queue));
    }

    /// A run that is over leaves.
    pub fn leave(&mut self, run: RunTag) {
        self.members.remove(&run);
    }

    /// A page of deliveries has come. Attempts of an earlier process that never Finished prove nothing.
    pub fn load(&mut self, run: RunTag, page: Vec<Job>, now: Moment) -> Vec<Step> {
        let orphans: Vec<_> = page
            .iter()
            .filter_map(|job| Some((job.number, job.delivery.on_wire()?)))
            .collect();
        let Some(member) = self.members.get_mut(&run) else {
            return Vec::new();
        };
        member.queue.load(page);
        orphans
            .into_iter()
            .flat_map(|(number, attempt)| {
                let outcome =
                    Outcome::Unknown(Answer::none("the process ended before the answer came"));
                let entry = Entry::Finished {
                    attempt,
                    outcome,
                    at: now,
                };
                self.record(run, number, entry)
            })
            .collect()
    }

    /// An entry is durable. Returns where the delivery ended, if it did.
    pub fn recorded(
        &mut self,
        run: RunTag,
        number: DeliveryNumber,
        entry: &Entry,
    ) -> Option<State> {
        let member = self.members.get_mut(&run)?;
        member.unrecorded -= 1;
        if let Entry::Started { random, .. } = entry {
            member.recording -= 1;
            member.ready += 1;
            let group = member.queue.limited_group(number).cloned();
            self.ready.push_back(Ready {
                run,
                number,
                random: *random,
                group,
            });
            return None;
        }
        let job = member.queue.job(number)?;
        let state = job.delivery.has_ended().then(|| job.delivery.state())?;
        member.queue.remove(number);
        Some(state)
    }

    /// The first byte of a call has left.
    pub fn on_wire(&mut self, call: CallId, at: Moment) {
        self.limiter.on_wire(call, at.boot_ns);
    }

    /// A call came back.
    pub fn answered(&mut self, call: CallId, outcome: Outcome, now: Moment) -> Vec<Step> {
        let Some(flight) = self.in_flight.remove(&call) else {
            return Vec::new();
        };
        self.pace(call, &flight, &outcome, now.boot_ns);
        self.trouble.learn(&outcome, flight.out_ns, now.boot_ns);
        if let Some(member) = self.members.get_mut(&flight.run) {
            member.in_flight -= 1;
            let job = member.queue.job(flight.number);
            let is_repetition = job.is_some_and(|job| job.delivery.may_have_arrived());
            // It may be refused for being one, which says nothing about the run.
            if !(is_repetition && matches!(outcome, Outcome::Refused(_))) {
                member.learn(self.channel, &outcome, flight.out_ns, now.boot_ns);
            }
        }
        self.finish(flight.run, flight.number, outcome, now)
    }

    /// What an answer says about the pace of the lane and of the group.
    fn pace(&mut self, call: CallId, flight: &Flight, outcome: &Outcome, now_ns: u64) {
        if matches!(outcome, Outcome::Failed(Failure::NoConnection, _)) {
            return self.limiter.forget(call);
        }
        self.limiter.answered(call, now_ns);
        match (outcome, &flight.group) {
            (Outcome::Throttled(Scope::Lane, _), _) => self.limiter.over_limit(now_ns),
            (Outcome::Throttled(Scope::Group, _), Some(group)) => {
                let is_the_lane = self.groups.too_fast(group, now_ns);
                if is_the_lane {
                    self.limiter.slow_down(now_ns);
                }
            }
            (Outcome::Accepted(_), group) => {
                self.limiter.passed();
                if let Some(group) = group {
                    self.groups.passed(group);
                }
            }
            (Outcome::Refused(_), _) => self.limiter.passed(),
            _ => {}
        }
    }

    /// Nothing new of a run is started; what is under way comes home.
    pub fn drain(&mut self, run: RunTag) {
        if let Some(member) = self.members.get_mut(&run) {
            member.halt.get_or_insert(Halt::Drained);
        }
    }

    pub fn halt(&self, run: RunTag) -> Option<&Halt> {
        self.members.get(&run)?.halt.as_ref()
    }

    /// Everything there was to do of a run is done and durable.
    pub fn is_over(&self, run: RunTag) -> bool {
        self.members.get(&run).is_none_or(Member::is_over)
    }

    pub fn in_flight(&self, run: RunTag) -> usize {
        self.members.get(&run).map_or(0, |member| member.in_flight)
    }

    /// All that can be done at `now`.
    pub fn steps(&mut self, now: Moment) -> Vec<Step> {
        let mut steps = self.take_back(now);
        for (&run, member) in &mut self.members {
            if member.halt.is_none() && member.queue.wants_page() {
                steps.push(Step::Fetch { run });
            }
        }
        self.send_ready(now, &mut steps);
        self.prepare(now, &mut steps);
        for member in self.members.values_mut() {
            if member.halt.is_none() && member.is_home() && member.queue.has_had_enough() {
                member.halt = Some(Halt::Enough);
            }
        }
        steps
    }

    /// When [`Dispatcher::steps`] should be asked again if nothing happens before; `None`: not before something does.
    pub fn wake_ns(&mut self, now: Moment) -> Option<u64> {
        let send = self.may_send_ns(now).map(|(at, _)| at);
        let due = |member: &Member| member.queue.due_ns(now, member.ahead());
        let going = self.members.values().filter(|member| member.halt.is_none());
        let due = going.filter_map(due).min();
        let prepare = due.and_then(|due| {
            let earliest = self.limiter.earliest(now.boot_ns);
            Some(due.max(self.may_prepare_ns(earliest)?))
        });
        send.into_iter().chain(prepare).min()
    }

    /// Started entries whose calls will not go out after all, for their run is halted, or not for a while: what finds out
    /// whether a trouble is over is chosen then.
    fn take_back(&mut self, now: Moment) -> Vec<Step> {
        let is_held = now.boot_ns < self.trouble.until_ns();
        let is_halted = |ready: &Ready| {
            let member = self.members.get(&ready.run);
            is_held || member.is_none_or(|member| member.halt.is_some())
        };
        let (back, ready) = std::mem::take(&mut self.ready)
            .into_iter()
            .partition(is_halted);
        self.ready = ready;
        let back: VecDeque<Ready> = back;
        let why = "taken back before it was sent";
        back.into_iter()
            .flat_map(|ready| self.not_sent(&ready, why, now))
            .collect()
    }

    fn not_sent(&mut self, ready: &Ready, why: &str, now: Moment) -> Vec<Step> {
        if let Some(member) = self.members.get_mut(&ready.run) {
            member.ready -= 1;
        }
        if let Some(group) = &ready.group {
            self.groups.taken_back(group, now.boot_ns);
        }
        let outcome = Outcome::Failed(Failure::NotSent, Answer::none(why));
        self.finish(ready.run, ready.number, outcome, now)
    }

    fn send_ready(&mut self, now: Moment, steps: &mut Vec<Step>) {
        while let Some((at, place)) = self.may_send_ns(now)
            && at <= now.boot_ns
        {
            let Some(ready) = self.ready.remove(place) else {
                return;
            };
            let Some(member) = self.members.get_mut(&ready.run) else {
                continue;
            };
            if let Some(why) = member.queue.taken_back(ready.number, now) {
                steps.extend(self.not_sent(&ready, why, now));
                continue;
            }
            let Some(job) = member.queue.job(ready.number) else {
                continue;
            };
            self.calls += 1;
            steps.push(Step::Send {
                call: self.calls,
                body: job.request.body(ready.random),
            });
            member.queue.sent(now);
            member.ready -= 1;
            member.in_flight += 1;
            self.depart(ready, now);
        }
    }

    fn depart(&mut self, ready: Ready, now: Moment) {
        self.limiter.start(self.calls, now.boot_ns);
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
    fn may_send_ns(&mut self, now: Moment) -> Option<(u64, usize)> {
        let room = if self.trouble.is_probing() {
            1
        } else {
            IN_FLIGHT_MAX
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

    /// From when on a further delivery may be prepared, if the next call may go out at `earliest`; `None`: not before
    /// something happens.
    fn may_prepare_ns(&self, earliest: Option<u64>) -> Option<u64> {
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
    fn prepare(&mut self, now: Moment, steps: &mut Vec<Step>) {
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
    }

    /// What is due next: the runs take turns.
    fn next_due(&mut self, kinds: &[Kind], now: Moment) -> Option<(RunTag, Due)> {
        let after = RunTag(self.turn.0.wrapping_add(1));
        let (last, first): (Vec<RunTag>, Vec<RunTag>) =
            self.members.keys().partition(|run| **run < after);
        for run in first.into_iter().chain(last) {
            let Some(member) = self.members.get_mut(&run) else {
                continue;
            };
            if member.halt.is_some() {
                continue;
            }
            let mut shared = Shared {
                groups: &mut self.groups,
                randoms: &mut self.randoms,
            };
            let ahead = member.ahead();
            let due = |&kind| member.queue.due(kind, now, ahead, &mut shared);
            if let Some(due) = kinds.iter().find_map(due) {
                self.turn = run;
                return Some((run, due));
            }
        }
        None
    }

    fn started(
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
        let entry = Entry::Started {
            attempt,
            generation,
            random,
            at: now,
        };
        self.record(run, number, entry)
    }

    fn look_up(&mut self, run: RunTag, number: DeliveryNumber, now: Moment) -> Option<Step> {
        let queue = &mut self.members.get_mut(&run)?.queue;
        if self.searches == SEARCHES_MAX {
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

    fn finish(
        &mut self,
        run: RunTag,
        number: DeliveryNumber,
        outcome: Outcome,
        now: Moment,
    ) -> Vec<Step> {
        let job = self
            .members
            .get_mut(&run)
            .and_then(|member| member.queue.job(number));
        let Some(attempt) = job.and_then(|job| job.delivery.on_wire()) else {
            return Vec::new();
        };
        let entry = Entry::Finished {
            attempt,
            outcome,
            at: now,
        };
        let steps = self.record(run, number, entry);
        self.put_back(run, number, now);
        steps
    }

    /// A delivery that has not ended waits for what is next.
    fn put_back(&mut self, run: RunTag, number: DeliveryNumber, now: Moment) {
        if let Some(member) = self.members.get_mut(&run) {
            let job = member.queue.job(number);
            if job.is_some_and(|job| !job.delivery.has_ended()) {
                member.queue.put_back(number, now);
            }
        }
    }

    /// The fold runs here as it will after a restart; an illegal entry is a bug of ours and must not reach the journal.
    fn record(&mut self, run: RunTag, number: DeliveryNumber, entry: Entry) -> Vec<Step> {
        let Some(member) = self.members.get_mut(&run) else {
            return Vec::new();
        };
        let Some(job) = member.queue.job(number) else {
            return Vec::new();
        };
        if let Err(illegal) = job.delivery.apply(&entry) {
            panic!("delivery {number}: {illegal}");
        }
        let place = job.delivery.entries();
        member.unrecorded += 1;
        vec![Step::Record {
            run,
            number,
            place,
            entry,
        }]
    }
}
