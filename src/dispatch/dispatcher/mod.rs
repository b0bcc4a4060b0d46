//! The state machine of one lane.

mod departing;
mod preparing;

use crate::channel::{Answer, Cause, Channel, Failure, Outcome, Scope};
use crate::delivery::{Entry, State, Wanted};
use crate::dispatch::groups::Groups;
use crate::dispatch::limiter::{CallId, Limiter};
use crate::dispatch::member::Member;
use crate::dispatch::queue::{Job, Queue};
use crate::dispatch::trouble::Trouble;
use crate::identity::{DeliveryNumber, GroupId, Moment, Random, RecentRandoms};
use crate::seeded_bug::SeededBug;
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
    /// Let these bytes go, by this instant of the boot clock or not at all: what was decided is true no longer.
    Send {
        call: CallId,
        body: String,
        leaves_by_ns: u64,
    },
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
    /// This process leaves it to the next one.
    Left,
    /// Somebody paused it, and wrote that down.
    Paused,
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
    in_flight_max: usize,
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

const SECOND_NS: u64 = 1_000_000_000;

impl Dispatcher {
    pub fn new(lane: Lane, now: Moment) -> Dispatcher {
        let last = lane
            .last_started
            .filter(|last| last.boot_id == now.boot_id && !SeededBug::WindowForgotten.is_active())
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
            in_flight_max: departing::IN_FLIGHT_MAX,
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
                let outcome = Outcome::Unknown(Answer::because(Cause::ProcessEnded));
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
            if !SeededBug::SendBeforeCommit.is_active() {
                self.make_ready(run, number, *random);
            }
            return None;
        }
        let job = member.queue.job(number)?;
        let state = job.delivery.has_ended().then(|| job.delivery.state())?;
        member.queue.remove(number);
        Some(state)
    }

    /// Puts a call behind those that wait for a slot.
    fn make_ready(&mut self, run: RunTag, number: DeliveryNumber, random: Random) {
        let Some(member) = self.members.get_mut(&run) else {
            return;
        };
        member.ready += 1;
        let group = member.queue.limited_group(number).cloned();
        self.ready.push_back(Ready {
            run,
            number,
            random,
            group,
        });
    }

    /// The bytes of a call were let go, and are gone for certain by now.
    pub fn on_wire(&mut self, call: CallId, at: Moment, now: Moment) {
        self.limiter.on_wire(call, at.boot_ns, now.boot_ns);
    }

    /// Whose call it is.
    pub fn run_of(&self, call: CallId) -> Option<RunTag> {
        self.in_flight.get(&call).map(|flight| flight.run)
    }

    /// A call was kept back at the last moment: its run is halted, or it came too late.
    pub fn kept_back(&mut self, call: CallId, now: Moment) -> Vec<Step> {
        let Some(flight) = self.in_flight.remove(&call) else {
            return Vec::new();
        };
        self.limiter.forget(call);
        if let Some(member) = self.members.get_mut(&flight.run) {
            member.in_flight -= 1;
        }
        let answer = Answer::because(Cause::TakenBack);
        let outcome = Outcome::Failed(Failure::NotSent, answer);
        self.finish(flight.run, flight.number, outcome, now)
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
        self.halt_for(run, Halt::Left);
    }

    /// The same for a run that somebody paused.
    pub fn pause(&mut self, run: RunTag) {
        self.halt_for(run, Halt::Paused);
    }

    fn halt_for(&mut self, run: RunTag, halt: Halt) {
        if let Some(member) = self.members.get_mut(&run) {
            member.halt.get_or_insert(halt);
        }
    }

    /// Nothing of a run is ever sent again: what is not begun ends at once, what is open is settled. Unless this process
    /// is leaving, for then the next one sees to that.
    pub fn cancel(&mut self, run: RunTag, now: Moment) {
        let member = self.members.get_mut(&run);
        if let Some(member) = member.filter(|member| member.halt != Some(Halt::Left)) {
            member.halt = None;
            member.queue.cancel(now);
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
        self.settle_cancelled(now, &mut steps);
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
        let (cancelled, going): (Vec<&Member>, Vec<&Member>) =
            going.partition(|member| member.queue.is_cancelled());
        // Nothing of theirs waits for the lane.
        let settle = cancelled.into_iter().filter_map(due).min();
        let due = going.into_iter().filter_map(due).min();
        let prepare = due.and_then(|due| {
            let earliest = self.limiter.earliest(now.boot_ns);
            Some(due.max(self.may_prepare_ns(earliest)?))
        });
        send.into_iter().chain(prepare).chain(settle).min()
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
            } else if SeededBug::OverBeforeDurable.is_active() {
                member.queue.remove(number);
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
