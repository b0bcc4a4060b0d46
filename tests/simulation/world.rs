//! A vendor, a disk, a network and a clock, all in memory.

use campanile::workbench::{
    Answer, Bounds, CallId, Channel, Delivery, DeliveryNumber, Digest, Dispatcher, Entry, Failure,
    Finding, GroupId, Job, Lane, Moment, OnUnknown, Outcome, Patience, Policy, Queue, Receipt,
    RecentRandoms, Request, RunTag, Scope, SdkAppId, State, Step, Unclear, Wanted,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The run that a world begins with.
pub(crate) const OWN: RunTag = RunTag(0);
const LIMIT: u32 = 200;
const GROUP_LIMIT: usize = 40;
const SECOND_NS: u64 = 1_000_000_000;
const DISK_NS: u64 = 2_000_000;
const TIMEOUT: Duration = Duration::from_secs(10);
const DEDUPLICATION_NS: u64 = 300 * SECOND_NS;
const PAGE: usize = 100;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    Well,
    /// Processed, but no answer comes.
    ReplyLost,
    /// Processed, but the connection breaks before the answer is whole.
    ReplyBroken,
    /// Never arrives, and no answer comes.
    RequestLost,
    /// Answered OK with a drop reason the first time.
    DroppedOnce,
    /// Answered OK with a drop reason, always.
    Dropped,
    Refused,
    NoConnection,
    Forbidden,
}

/// One delivery of one of the runs.
type Id = (RunTag, DeliveryNumber);

/// What the vendor reads of a call.
struct Arrival {
    group: String,
    random: u32,
}

enum Event {
    Durable(Id, Entry),
    Arrives {
        call: CallId,
        id: Id,
        arrival: Arrival,
        fate: Fate,
    },
    Answered(CallId, Outcome),
    Page(RunTag, Vec<Job>),
    LookedUp(Id, Finding),
    Joins(RunTag),
    Wake,
}

/// A run of the world.
struct SimulatedRun {
    targets: u32,
    /// When it comes to the lane.
    begins_ns: u64,
    fetched: u32,
    /// What becomes of its calls, if that is not what becomes of all.
    fate: Option<fn(u64) -> Fate>,
    /// When its holder saw that somebody cancelled it.
    cancelled_ns: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Vendor {
    arrivals: Vec<u64>,
    executed: Vec<u64>,
    /// What the histories hold.
    randoms: HashSet<(Id, u32)>,
    /// When each delivery was stored, and how often.
    stored: HashMap<Id, (u64, u32)>,
    seen: HashMap<u32, u64>,
    dropped: HashMap<Id, u32>,
    by_group: HashMap<String, Vec<u64>>,
    pub(crate) refused: u32,
    pub(crate) refused_by_group: u32,
    /// So much of the limit is somebody else's.
    pub(crate) taken: usize,
    /// A group that others keep busy until this instant.
    pub(crate) busy: Option<(&'static str, u64)>,
    limit: usize,
}

pub(crate) struct World {
    pub(crate) now_ns: u64,
    pub(crate) latency: (u64, u64),
    pub(crate) stalls: Vec<(u64, u64)>,
    pub(crate) fate: fn(u64) -> Fate,
    pub(crate) vendor: Vendor,
    pub(crate) calls: u64,
    /// What every campaign says about its first attempts.
    pub(crate) bounds: Bounds,
    /// Whether groups keep a history.
    pub(crate) has_history: bool,
    pub(crate) on_unknown: OnUnknown,
    /// Whom a delivery is for.
    pub(crate) group: fn(u32) -> u32,
    /// By how much a request may be held up before it arrives.
    pub(crate) delay_ns: u64,
    /// How long the sender is set aside before it has written this call.
    pub(crate) set_aside_ns: fn(u64) -> u64,
    /// Calls per second.
    limit: u32,
    seed: u64,
    runs: BTreeMap<RunTag, SimulatedRun>,
    /// What is durable.
    journal: BTreeMap<Id, Vec<Entry>>,
    by_random: HashMap<u32, Id>,
    events: BTreeMap<(u64, u64), Event>,
    event_count: u64,
    wake: Option<(u64, u64)>,
    /// Events before this one were scheduled by a process that is dead.
    epoch: u64,
    chances: u64,
    dispatcher: Option<Dispatcher>,
}

impl World {
    pub(crate) fn new(targets: u32, seed: u64) -> World {
        World::with_limit(LIMIT, targets, seed)
    }

    pub(crate) fn with_limit(limit: u32, targets: u32, seed: u64) -> World {
        World {
            now_ns: 10 * SECOND_NS,
            latency: (30_000_000, 20_000_000),
            stalls: Vec::new(),
            fate: |_| Fate::Well,
            vendor: Vendor {
                limit: limit as usize,
                ..Vendor::default()
            },
            calls: 0,
            bounds: Bounds::default(),
            has_history: true,
            on_unknown: OnUnknown::Hold,
            group: |number| number,
            delay_ns: 0,
            set_aside_ns: |_| 0,
            limit,
            seed,
            runs: BTreeMap::from([(
                OWN,
                SimulatedRun {
                    targets,
                    begins_ns: 0,
                    fetched: 0,
                    fate: None,
                    cancelled_ns: None,
                },
            )]),
            journal: BTreeMap::new(),
            by_random: HashMap::new(),
            events: BTreeMap::new(),
            event_count: 0,
            wake: None,
            epoch: 0,
            chances: 0,
            dispatcher: None,
        }
    }

    fn now(&self) -> Moment {
        Moment {
            wall_ms: i64::try_from(self.now_ns / 1_000_000).unwrap(),
            boot_ns: self.now_ns,
            boot_id: 1,
        }
    }

    pub(crate) fn run_to_the_end(&mut self) {
        self.run(u64::MAX);
    }

    /// Runs for so long after the world began.
    pub(crate) fn run_until(&mut self, after_ns: u64) {
        self.run(10 * SECOND_NS + after_ns);
    }

    pub(crate) fn drain(&mut self) {
        if let Some(dispatcher) = &mut self.dispatcher {
            for run in self.runs.keys() {
                dispatcher.drain(*run);
            }
        }
    }

    /// Somebody cancels a run, and whoever holds the lane sees it, at once or when there is somebody.
    pub(crate) fn cancel(&mut self, run: RunTag) {
        let now = self.now();
        let this = self.runs.get_mut(&run).unwrap();
        this.cancelled_ns.get_or_insert(now.boot_ns);
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.cancel(run, now);
        }
    }

    /// What was not durable is gone; what is on the network still arrives.
    pub(crate) fn kill(&mut self) {
        self.dispatcher = None;
        self.events
            .retain(|_, event| matches!(event, Event::Arrives { .. }));
        self.epoch = self.event_count;
    }

    /// A person wants deliveries of the first run sent again that ended so. Nobody sends meanwhile.
    pub(crate) fn retry(&mut self, state: State) -> usize {
        assert!(self.dispatcher.is_none(), "it is paused first");
        let numbers = self.numbers(state);
        let at = self.now();
        for &number in &numbers {
            let id = (OWN, DeliveryNumber(number));
            self.journal
                .entry(id)
                .or_default()
                .push(Entry::Retried { at });
        }
        numbers.len()
    }

    /// The deliveries of the first run in a state.
    pub(crate) fn numbers(&self, state: State) -> Vec<u32> {
        let is_in = |number: &u32| self.job(OWN, *number).delivery.state() == state;
        (0..self.runs[&OWN].targets).filter(is_in).collect()
    }

    /// The deliveries of the first run that arrived more than once.
    pub(crate) fn doubled(&self) -> Vec<u32> {
        let stored = self.vendor.stored.iter();
        let twice = stored.filter(|((run, _), (_, count))| *run == OWN && *count > 1);
        let mut numbers: Vec<u32> = twice.map(|((_, number), _)| number.0).collect();
        numbers.sort_unstable();
        numbers
    }

    fn run(&mut self, until_ns: u64) {
        self.start();
        loop {
            self.turn();
            if self.is_over() {
                return;
            }
            let Some((&(at, number), _)) = self.events.first_key_value() else {
                panic!("the world stands still")
            };
            if at > until_ns {
                self.now_ns = until_ns;
                return;
            }
            self.now_ns = at.max(self.now_ns);
            let event = self.events.remove(&(at, number)).unwrap();
            self.happen(event, number);
        }
    }

    fn start(&mut self) {
        if self.dispatcher.is_some() {
            return;
        }
        let mut randoms = RecentRandoms::default();
        let mut last_started: Option<Moment> = None;
        for entry in self.journal.values().flatten() {
            if let Entry::Started { random, at, .. } = entry {
                randoms.remember(*random, *at);
                last_started = last_started
                    .into_iter()
                    .chain([*at])
                    .max_by_key(|at| at.boot_ns);
            }
        }
        let lane = Lane {
            channel: Channel::GroupMessage,
            limit: self.limit,
            last_started,
            randoms,
            seed: 1,
            administrator: "administrator".to_owned(),
        };
        self.dispatcher = Some(Dispatcher::new(lane, self.now()));
        let runs = self.runs.iter().map(|(run, each)| (*run, each.begins_ns));
        for (run, begins_ns) in runs.collect::<Vec<_>>() {
            if begins_ns <= self.now_ns {
                self.join(run);
            } else {
                self.at(begins_ns, Event::Joins(run));
            }
        }
    }

    fn join(&mut self, run: RunTag) {
        let policy = Policy {
            attempts: 5,
            timeout: TIMEOUT,
            resend_within: Duration::from_mins(4),
            deduplicates: true,
            on_unknown: self.on_unknown,
            can_look_up: false,
            patience: Patience::default(),
        };
        let occurrence = Digest::of("occurrence", [run.0.to_be_bytes().as_slice()]);
        let queue = Queue::new(SdkAppId(1), occurrence, policy, self.bounds);
        let this = self.runs.get_mut(&run).unwrap();
        let is_cancelled = this.cancelled_ns.is_some();
        this.fetched = 0;
        let under_way: Vec<Job> = (0..this.targets)
            .map(|number| self.job(run, number))
            .filter(|job| !job.delivery.is_untried() && !job.delivery.has_ended())
            .collect();
        let now = self.now();
        let dispatcher = self.dispatcher.as_mut().unwrap();
        dispatcher.join(run, queue);
        if is_cancelled {
            dispatcher.cancel(run, now);
        }
        let steps = if under_way.is_empty() {
            Vec::new()
        } else {
            dispatcher.load(run, under_way, now)
        };
        self.perform(steps);
    }

    fn is_over(&self) -> bool {
        let has_joined = |run: &SimulatedRun| run.begins_ns <= self.now_ns;
        let dispatcher = self.dispatcher.as_ref().unwrap();
        let mut runs = self.runs.iter();
        runs.all(|(tag, run)| has_joined(run) && dispatcher.is_over(*tag))
    }

    /// A further run comes to the lane.
    pub(crate) fn also(&mut self, targets: u32, after_ns: u64) -> RunTag {
        let tag = RunTag(u32::try_from(self.runs.len()).unwrap());
        let run = SimulatedRun {
            targets,
            begins_ns: 10 * SECOND_NS + after_ns,
            fetched: 0,
            fate: None,
            cancelled_ns: None,
        };
        self.runs.insert(tag, run);
        tag
    }

    /// What becomes of the calls of one run.
    pub(crate) fn fate_of(&mut self, run: RunTag, fate: fn(u64) -> Fate) {
        self.runs.get_mut(&run).unwrap().fate = Some(fate);
    }

    /// When the last of some messages of the first run was stored.
    pub(crate) fn stored_ns(&self, which: impl Fn(u32) -> bool) -> u64 {
        let stored = self.vendor.stored.iter();
        let stored = stored.filter(|((run, number), _)| *run == OWN && which(number.0));
        stored.map(|(_, (at, _))| *at).max().unwrap() - 10 * SECOND_NS
    }

    /// When the last message of all was stored.
    pub(crate) fn vendor_end_ns(&self) -> u64 {
        self.vendor.executed.last().unwrap() - 10 * SECOND_NS
    }

    /// When the last message of a run was stored.
    pub(crate) fn done_ns(&self, run: RunTag) -> u64 {
        let stored = self.vendor.stored.iter();
        let stored = stored.filter(|(id, _)| id.0 == run).map(|(_, (at, _))| *at);
        stored.max().unwrap() - 10 * SECOND_NS
    }

    fn job(&self, run: RunTag, number: u32) -> Job {
        let group = GroupId::try_from(format!("g{}", (self.group)(number)).as_str()).unwrap();
        let number = DeliveryNumber(number);
        let none = Vec::new();
        let entries = self.journal.get(&(run, number)).unwrap_or(&none);
        let delivery = Delivery::fold(entries).expect("the journal agrees with itself");
        let content = format!(r#"{{"MsgBody":[],"CloudCustomData":"{number}"}}"#).into();
        Job {
            number,
            request: Request {
                channel: Channel::GroupMessage,
                group: Some(group),
                members: Arc::new([]),
                content,
            },
            delivery,
        }
    }

    fn turn(&mut self) {
        let now = self.now();
        let dispatcher = self.dispatcher.as_mut().unwrap();
        let steps = dispatcher.steps(now);
        self.perform(steps);
        let wake = self.dispatcher.as_mut().unwrap().wake_ns(now);
        if let Some(forgotten) = self.wake.take() {
            self.events.remove(&forgotten);
        }
        if let Some(wake) = wake {
            // The kernel wakes nobody to the nanosecond.
            let late = self.chance() % 80_000;
            self.at(wake.max(self.now_ns) + late, Event::Wake);
            self.wake = Some((wake.max(self.now_ns) + late, self.event_count));
        }
    }

    fn perform(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Record {
                    run, number, entry, ..
                } => {
                    self.at(self.now_ns + DISK_NS, Event::Durable((run, number), entry));
                }
                Step::Send { call, body, .. } => self.send(call, &body),
                Step::LookUp {
                    run,
                    number,
                    wanted,
                    ..
                } => {
                    let finding = self.search((run, number), &wanted);
                    let at = self.now_ns + 50_000_000;
                    self.at(at, Event::LookedUp((run, number), finding));
                }
                Step::Fetch { run } => {
                    let page = self.page(run);
                    self.at(self.now_ns + DISK_NS, Event::Page(run, page));
                }
            }
        }
    }

    /// What the group's history holds at this instant. How it is read, page by page, is tried elsewhere.
    fn search(&self, id: Id, wanted: &Wanted) -> Finding {
        if !self.has_history {
            return Finding::Unclear(Unclear::NoHistory);
        }
        let is_stored = self.vendor.randoms.contains(&(id, wanted.random.0));
        if is_stored {
            Finding::Found(Receipt::default())
        } else {
            Finding::Absent(wanted.patience)
        }
    }

    fn page(&mut self, run: RunTag) -> Vec<Job> {
        let mut jobs = Vec::new();
        while self.runs[&run].fetched < self.runs[&run].targets && jobs.len() < PAGE {
            let job = self.job(run, self.runs[&run].fetched);
            self.runs.get_mut(&run).unwrap().fetched += 1;
            if job.delivery.is_untried() && !job.delivery.has_ended() {
                jobs.push(job);
            }
        }
        jobs
    }

    fn send(&mut self, call: CallId, body: &str) {
        self.calls += 1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let group = body["GroupId"].as_str().unwrap().to_owned();
        let random = u32::try_from(body["Random"].as_u64().unwrap()).unwrap();
        let id = self.by_random.get(&random).copied();
        let last = id.and_then(|id| self.journal[&id].last());
        let is_started =
            matches!(last, Some(Entry::Started { random: started, .. }) if started.0 == random);
        assert!(is_started, "a byte leaves before Started is durable");
        let id = id.unwrap();
        let is_cancelled = self.runs[&id.0].cancelled_ns.is_some();
        assert!(!is_cancelled, "seed {}: sent after the cancel", self.seed);
        let fate = self.runs[&id.0].fate.unwrap_or(self.fate)(self.chance());
        let delay = self.chance() % (self.delay_ns + 1);
        let now = self.now();
        let aside = Duration::from_nanos((self.set_aside_ns)(self.calls));
        let gone = now.plus(aside);
        self.dispatcher.as_mut().unwrap().on_wire(call, now, gone);
        match fate {
            Fate::NoConnection => {
                let outcome = Outcome::Failed(Failure::NoConnection, Answer::none("refused"));
                self.at(self.now_ns + 1_000_000, Event::Answered(call, outcome));
            }
            Fate::RequestLost => self.time_out(call),
            _ => self.at(
                self.through_stalls(gone.boot_ns + delay),
                Event::Arrives {
                    call,
                    id,
                    arrival: Arrival { group, random },
                    fate,
                },
            ),
        }
    }

    fn time_out(&mut self, call: CallId) {
        let outcome = Outcome::Unknown(Answer::none("no answer in time"));
        self.at(
            self.now_ns + u64::try_from(TIMEOUT.as_nanos()).unwrap(),
            Event::Answered(call, outcome),
        );
    }

    /// Whatever is on its way while the path stalls comes out when it is over.
    fn through_stalls(&self, at_ns: u64) -> u64 {
        let began = 10 * SECOND_NS;
        let stall = self
            .stalls
            .iter()
            .find(|(from, to)| (began + from..began + to).contains(&at_ns));
        stall.map_or(at_ns, |(_, to)| began + to)
    }

    fn happen(&mut self, event: Event, number: u64) {
        let now = self.now();
        let steps = match event {
            Event::Durable(id, entry) => {
                if let Entry::Started { random, .. } = &entry {
                    self.by_random.insert(random.0, id);
                }
                self.journal.entry(id).or_default().push(entry.clone());
                let dispatcher = self.dispatcher.as_mut().unwrap();
                dispatcher.recorded(id.0, id.1, &entry);
                Vec::new()
            }
            Event::LookedUp((run, number), finding) => {
                let dispatcher = self.dispatcher.as_mut().unwrap();
                dispatcher.looked_up(run, number, finding, now)
            }
            Event::Joins(run) => {
                self.join(run);
                Vec::new()
            }
            Event::Arrives {
                call,
                id,
                arrival,
                fate,
            } => {
                let answer = self.vendor.receive(self.now_ns, id, &arrival, fate);
                let answer = match fate {
                    Fate::ReplyBroken => Outcome::Unknown(Answer::none("the connection broke")),
                    _ => answer,
                };
                let of_a_dead_process = number <= self.epoch;
                match (of_a_dead_process, fate) {
                    (true, _) => {}
                    (false, Fate::ReplyLost) => self.time_out(call),
                    (false, _) => {
                        let (latency, jitter) = self.latency;
                        let delay = latency - jitter + self.chance() % (2 * jitter + 1);
                        let at = self.through_stalls(self.now_ns + delay);
                        self.at(at, Event::Answered(call, answer));
                    }
                }
                Vec::new()
            }
            Event::Answered(call, outcome) => self
                .dispatcher
                .as_mut()
                .unwrap()
                .answered(call, outcome, now),
            Event::Page(run, jobs) => self.dispatcher.as_mut().unwrap().load(run, jobs, now),
            Event::Wake => Vec::new(),
        };
        self.perform(steps);
    }

    fn at(&mut self, at_ns: u64, event: Event) {
        self.event_count += 1;
        self.events.insert((at_ns, self.event_count), event);
    }

    /// splitmix64: the same seed gives the same history.
    fn chance(&mut self) -> u64 {
        self.chances += 1;
        let mut mixed = self
            .seed
            .wrapping_add(self.chances.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn entries(&self, number: u32) -> &Vec<Entry> {
        &self.journal[&(OWN, DeliveryNumber(number))]
    }

    /// When the first attempt of each delivery was Started.
    pub(crate) fn first_starts_ns(&self) -> impl Iterator<Item = u64> {
        self.journal.values().filter_map(|entries| {
            entries.iter().find_map(|entry| match entry {
                Entry::Started { at, .. } => Some(at.boot_ns),
                _ => None,
            })
        })
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = State> {
        let of = |(run, each): (&RunTag, &SimulatedRun)| (*run, each.targets);
        let ids = self.runs.iter().map(of);
        let ids = ids.flat_map(|(run, targets)| (0..targets).map(move |number| (run, number)));
        ids.map(|(run, number)| self.job(run, number).delivery.state())
    }

    /// How many deliveries of a run stand in a state.
    pub(crate) fn count(&self, run: RunTag, state: State) -> usize {
        let numbers = 0..self.runs[&run].targets;
        let states = numbers.map(|number| self.job(run, number).delivery.state());
        states.filter(|each| *each == state).count()
    }

    /// Where the deliveries of a run stand whose message is at the vendor.
    pub(crate) fn stored_of(&self, run: RunTag) -> impl Iterator<Item = State> {
        let ids = self.vendor.stored.keys().filter(move |id| id.0 == run);
        ids.map(|id| self.job(id.0, id.1.0).delivery.state())
    }

    /// Messages at the vendor.
    pub(crate) fn stored(&self) -> usize {
        self.vendor.stored.len()
    }

    pub(crate) fn assert_none_twice(&self) {
        let twice = self.vendor.stored.iter().find(|(_, (_, count))| *count > 1);
        assert_eq!(twice, None, "seed {}", self.seed);
    }

    pub(crate) fn assert_each_once(&self) {
        self.assert_none_twice();
        assert_eq!(
            self.vendor.stored.len(),
            self.states().count(),
            "seed {}",
            self.seed
        );
        assert!(
            self.states().all(|state| state == State::Accepted),
            "seed {}",
            self.seed
        );
    }
}

impl Vendor {
    fn receive(&mut self, now_ns: u64, id: Id, arrival: &Arrival, fate: Fate) -> Outcome {
        let Arrival { group, random } = arrival;
        let random = *random;
        self.arrivals.push(now_ns);
        if fate == Fate::Forbidden {
            return Outcome::Failed(Failure::Stop, Answer::new(70_009, "wrong key"));
        }
        let oldest = now_ns.saturating_sub(SECOND_NS);
        if self
            .executed
            .iter()
            .rev()
            .take_while(|at| **at > oldest)
            .count()
            >= self.limit - self.taken
        {
            self.refused += 1;
            return Outcome::Throttled(Scope::Lane, Answer::new(60_007, "too fast"));
        }
        self.executed.push(now_ns);
        let is_busy = |(busy, until): (&str, u64)| busy == group && now_ns < until;
        if self.busy.is_some_and(is_busy) {
            return Outcome::Throttled(Scope::Group, Answer::new(10_023, "too fast"));
        }
        let of_group = self.by_group.entry(group.clone()).or_default();
        if of_group.iter().rev().take_while(|at| **at > oldest).count() >= GROUP_LIMIT {
            self.refused_by_group += 1;
            return Outcome::Throttled(Scope::Group, Answer::new(10_023, "too fast"));
        }
        of_group.push(now_ns);
        if fate == Fate::Refused {
            return Outcome::Refused(Answer::new(10_017, "muted"));
        }
        if fate == Fate::Dropped {
            return Outcome::Throttled(Scope::Group, Answer::none("dropped"));
        }
        if fate == Fate::DroppedOnce && !self.dropped.contains_key(&id) {
            self.dropped.insert(id, random);
            return Outcome::Throttled(Scope::Group, Answer::none("dropped"));
        }
        let is_repetition = self
            .seen
            .get(&random)
            .is_some_and(|at| now_ns - at < DEDUPLICATION_NS);
        if !is_repetition {
            self.seen.insert(random, now_ns);
            self.randoms.insert((id, random));
            let stored = self.stored.entry(id).or_insert((now_ns, 0));
            stored.1 += 1;
        }
        Outcome::Accepted(Receipt::default())
    }

    pub(crate) fn most_in_one_second(&self) -> usize {
        self.most_within(Duration::from_secs(1))
    }

    pub(crate) fn arrivals(&self) -> usize {
        self.arrivals.len()
    }

    pub(crate) fn most_within(&self, window: Duration) -> usize {
        self.most_since(0, window)
    }

    /// The same of those that arrived after so many others.
    pub(crate) fn most_since(&self, first: usize, window: Duration) -> usize {
        let window = u64::try_from(window.as_nanos()).unwrap();
        let within = |end: usize| {
            let since = self.arrivals[end].saturating_sub(window);
            self.arrivals[..=end]
                .iter()
                .rev()
                .take_while(|at| **at > since)
                .count()
        };
        (first..self.arrivals.len()).map(within).max().unwrap_or(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(crate) fn rate_per_s(&self) -> f64 {
        let span = self.arrivals.last().unwrap() - self.arrivals.first().unwrap();
        (self.arrivals.len() - 1) as f64 / (span as f64 / 1e9)
    }
}
