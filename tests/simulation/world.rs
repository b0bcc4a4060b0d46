//! A vendor, a disk, a network and a clock, all in memory.

use campanile::workbench::{
    Answer, Bounds, CallId, Channel, Delivery, DeliveryNumber, Digest, Dispatcher, Entry, Failure,
    GroupId, Job, Lane, Moment, OnUnknown, Outcome, Policy, Queue, Receipt, RecentRandoms, Request,
    Scope, SdkAppId, State, Step,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: u32 = 200;
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
    NoConnection,
    Forbidden,
}

enum Event {
    Durable(DeliveryNumber, Entry),
    Arrives {
        call: CallId,
        group: String,
        random: u32,
        fate: Fate,
    },
    Answered(CallId, Outcome),
    Page(Vec<Job>),
    Wake,
}

#[derive(Default)]
pub(crate) struct Vendor {
    arrivals: Vec<u64>,
    executed: Vec<u64>,
    stored: HashMap<String, u32>,
    seen: HashMap<u32, u64>,
    dropped: HashMap<String, u32>,
    pub(crate) refused: u32,
}

pub(crate) struct World {
    pub(crate) now_ns: u64,
    pub(crate) latency: (u64, u64),
    pub(crate) stalls: Vec<(u64, u64)>,
    pub(crate) fate: fn(u64) -> Fate,
    pub(crate) vendor: Vendor,
    pub(crate) calls: u64,
    /// The campaign's own cap.
    pub(crate) bounds: Bounds,
    seed: u64,
    targets: u32,
    /// What is durable.
    journal: BTreeMap<DeliveryNumber, Vec<Entry>>,
    events: BTreeMap<(u64, u64), Event>,
    event_count: u64,
    wake: Option<(u64, u64)>,
    /// Events before this one were scheduled by a process that is dead.
    epoch: u64,
    chances: u64,
    dispatcher: Option<Dispatcher>,
    fetched: u32,
}

impl World {
    pub(crate) fn new(targets: u32, seed: u64) -> World {
        World {
            now_ns: 10 * SECOND_NS,
            latency: (30_000_000, 20_000_000),
            stalls: Vec::new(),
            fate: |_| Fate::Well,
            vendor: Vendor::default(),
            calls: 0,
            bounds: Bounds::default(),
            seed,
            targets,
            journal: BTreeMap::new(),
            events: BTreeMap::new(),
            event_count: 0,
            wake: None,
            epoch: 0,
            chances: 0,
            dispatcher: None,
            fetched: 0,
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
            dispatcher.drain();
        }
    }

    /// What was not durable is gone; what is on the network still arrives.
    pub(crate) fn kill(&mut self) {
        self.dispatcher = None;
        self.events
            .retain(|_, event| matches!(event, Event::Arrives { .. }));
        self.epoch = self.event_count;
    }

    fn run(&mut self, until_ns: u64) {
        self.start();
        loop {
            self.turn();
            if self.dispatcher.as_ref().is_some_and(Dispatcher::is_over) {
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
        let policy = Policy {
            attempts: 5,
            timeout: TIMEOUT,
            resend_within: Duration::from_mins(4),
            deduplicates: true,
            on_unknown: OnUnknown::Hold,
            can_look_up: false,
        };
        let queue = Queue::new(
            SdkAppId(1),
            Digest::of("occurrence", []),
            policy,
            self.bounds,
        );
        let lane = Lane {
            limit: LIMIT,
            last_started,
            randoms,
        };
        let mut dispatcher = Dispatcher::new(lane, queue, self.now());
        self.fetched = 0;
        let under_way: Vec<Job> = (0..self.targets)
            .map(|number| self.job(number))
            .filter(|job| job.delivery.attempts() > 0 && !job.delivery.has_ended())
            .collect();
        let steps = if under_way.is_empty() {
            Vec::new()
        } else {
            dispatcher.load(under_way, self.now())
        };
        self.dispatcher = Some(dispatcher);
        self.perform(steps);
    }

    fn job(&self, number: u32) -> Job {
        let number = DeliveryNumber(number);
        let none = Vec::new();
        let entries = self.journal.get(&number).unwrap_or(&none);
        let delivery = Delivery::fold(entries).expect("the journal agrees with itself");
        let group = GroupId::try_from(format!("g{number}").as_str()).unwrap();
        let content = r#"{"MsgBody":[]}"#.into();
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
                Step::Record { number, entry, .. } => {
                    self.at(self.now_ns + DISK_NS, Event::Durable(number, entry));
                }
                Step::Send { call, body } => self.send(call, &body),
                Step::Fetch => {
                    let page = self.page();
                    self.at(self.now_ns + DISK_NS, Event::Page(page));
                }
            }
        }
    }

    fn page(&mut self) -> Vec<Job> {
        let mut jobs = Vec::new();
        while self.fetched < self.targets && jobs.len() < PAGE {
            let job = self.job(self.fetched);
            self.fetched += 1;
            if job.delivery.attempts() == 0 {
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
        let number = DeliveryNumber(group[1..].parse().unwrap());
        let last = self.journal.get(&number).and_then(|entries| entries.last());
        let is_started =
            matches!(last, Some(Entry::Started { random: started, .. }) if started.0 == random);
        assert!(is_started, "a byte leaves before Started is durable");
        let fate = (self.fate)(self.chance());
        let now = self.now();
        self.dispatcher.as_mut().unwrap().on_wire(call, now);
        match fate {
            Fate::NoConnection => {
                let outcome = Outcome::Failed(Failure::NoConnection, Answer::none("refused"));
                self.at(self.now_ns + 1_000_000, Event::Answered(call, outcome));
            }
            Fate::RequestLost => self.time_out(call),
            _ => self.at(
                self.through_stalls(self.now_ns),
                Event::Arrives {
                    call,
                    group,
                    random,
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
            Event::Durable(delivery, entry) => {
                self.journal
                    .entry(delivery)
                    .or_default()
                    .push(entry.clone());
                self.dispatcher.as_mut().unwrap().recorded(delivery, &entry);
                Vec::new()
            }
            Event::Arrives {
                call,
                group,
                random,
                fate,
            } => {
                let answer = self.vendor.receive(self.now_ns, &group, random, fate);
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
            Event::Page(jobs) => self.dispatcher.as_mut().unwrap().load(jobs, now),
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
        &self.journal[&DeliveryNumber(number)]
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
        (0..self.targets).map(|number| self.job(number).delivery.state())
    }

    pub(crate) fn assert_none_twice(&self) {
        let twice = self.vendor.stored.iter().find(|(_, count)| **count > 1);
        assert_eq!(twice, None, "seed {}", self.seed);
    }

    pub(crate) fn assert_each_once(&self) {
        self.assert_none_twice();
        assert_eq!(
            self.vendor.stored.len(),
            self.targets as usize,
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
    fn receive(&mut self, now_ns: u64, group: &str, random: u32, fate: Fate) -> Outcome {
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
            >= LIMIT as usize
        {
            self.refused += 1;
            return Outcome::Throttled(Scope::Lane, Answer::new(60_007, "too fast"));
        }
        self.executed.push(now_ns);
        if fate == Fate::DroppedOnce && !self.dropped.contains_key(group) {
            self.dropped.insert(group.to_owned(), random);
            return Outcome::Throttled(Scope::Group, Answer::none("dropped"));
        }
        let is_repetition = self
            .seen
            .get(&random)
            .is_some_and(|at| now_ns - at < DEDUPLICATION_NS);
        if !is_repetition {
            self.seen.insert(random, now_ns);
            *self.stored.entry(group.to_owned()).or_default() += 1;
        }
        Outcome::Accepted(Receipt::default())
    }

    pub(crate) fn most_in_one_second(&self) -> usize {
        self.most_within(Duration::from_secs(1))
    }

    pub(crate) fn most_within(&self, window: Duration) -> usize {
        let window = u64::try_from(window.as_nanos()).unwrap();
        let within = |end: usize| {
            let since = self.arrivals[end].saturating_sub(window);
            self.arrivals[..=end]
                .iter()
                .rev()
                .take_while(|at| **at > since)
                .count()
        };
        (0..self.arrivals.len()).map(within).max().unwrap_or(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(crate) fn rate_per_s(&self) -> f64 {
        let span = self.arrivals.last().unwrap() - self.arrivals.first().unwrap();
        (self.arrivals.len() - 1) as f64 / (span as f64 / 1e9)
    }
}
