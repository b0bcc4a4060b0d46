//! Plans of occurrences. Each is made on a thread of its own, and the threads take turns: the audience is read, everything
//! is rendered and staged.

use crate::campaign::Campaign;
use crate::clock;
use crate::containment::{STACK_SIZE, contained};
use crate::executor::{self, Complaints, Error, finish_by_ms};
use crate::files::{Repository, revision};
use crate::identity::{CampaignName, Digest, Moment, OccurrenceKey};
use crate::journal::{Journal, Opening, PlanId};
use crate::plan::Frame;
use crate::process::open_plans;
use crate::schedule::Occurrence;
use crate::scheduler::{EffectId, Fault, PlanQueue, Reason, SLICE};
use crate::settings::App;
use crate::source::{Blame, in_a_line};
use rustix::process::nice;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// Deliveries of plans that are ready. With more of them no further plan is begun ahead of its slot.
const READY_ROWS_MAX: u64 = 4_000_000;
/// How long a plan may go without asking for its turn before it counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(20);
/// How long a plan that is dropped may take to clear its rows away.
const DROP_TIMEOUT: Duration = Duration::from_secs(10);
/// How much lower than the rest of the daemon planning is scheduled.
const NICENESS: i32 = 5;

/// A plan that waits for its slot.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) campaign: CampaignName,
    pub(super) plan: PlanId,
    pub(super) opening: Opening,
    /// Differs if the plan would be another one now.
    pub(super) version: Digest,
}

/// An occurrence that is to be planned.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) campaign: Campaign,
    pub(super) app: App,
    pub(super) occurrence: Occurrence,
    pub(super) frame: Frame,
    pub(super) key: OccurrenceKey,
    pub(super) version: Digest,
    pub(super) repository: Repository,
    pub(super) now: Moment,
}

/// The end of an attempt to plan.
pub(super) type Planned = (EffectId, Result<u64, Fault>);

/// The plans of the daemon, each known by the effect that requested it.
#[derive(Debug)]
pub(super) struct Plans {
    shared: Arc<Shared>,
    made: mpsc::UnboundedReceiver<(EffectId, Result<Ready, Fault>)>,
    ready: HashMap<EffectId, Ready>,
}

#[derive(Debug)]
struct Shared {
    journal: Journal,
    runtime: Handle,
    /// Plans whose turn it may be at a time.
    workers: usize,
    /// Plans that may be open at a time, each on a thread of its own; further ones wait until one of these ends.
    open_max: usize,
    making: Mutex<Making>,
    made: mpsc::UnboundedSender<(EffectId, Result<Ready, Fault>)>,
}

/// The plans that are not ready.
#[derive(Debug, Default)]
struct Making {
    /// Those with a thread, or a thread to come.
    queue: PlanQueue,
    open: HashMap<EffectId, Arc<Cursor>>,
    /// Those whose turn it is.
    running: usize,
    /// Those that are not open yet.
    waiting: HashMap<EffectId, (bool, Job)>,
    ready_rows: u64,
}

/// A plan that is being made.
#[derive(Debug)]
struct Cursor {
    is_due: AtomicBool,
    /// Its turn: turns to `false` at the end of a slice, and to `true` again when the plan is to go on.
    turn: Mutex<bool>,
    is_changed: Condvar,
    /// When the slice began, and when the plan last asked for its turn, on the boot clock.
    since_ns: AtomicU64,
    asked_ns: AtomicU64,
    is_dropped: watch::Sender<bool>,
}

impl Plans {
    pub(super) fn new(journal: Journal) -> Plans {
        let (out, made) = mpsc::unbounded_channel();
        let workers = thread::available_parallelism().map_or(2, usize::from);
        let shared = Shared {
            journal,
            runtime: Handle::current(),
            workers: workers.max(2),
            open_max: open_plans(),
            making: Mutex::default(),
            made: out,
        };
        Plans {
            shared: Arc::new(shared),
            made,
            ready: HashMap::new(),
        }
    }

    pub(super) fn add(&self, id: EffectId, is_due: bool, job: Job) {
        let mut making = self.shared.making();
        making.waiting.insert(id, (is_due, job));
        // What is due takes the place of what is not.
        let is_full = making.open.len() >= self.shared.open_max;
        if is_due && is_full {
            let mut ahead = making.open.values();
            let ahead = ahead.find(|cursor| !cursor.is_due.load(Ordering::Relaxed));
            if let Some(cursor) = ahead {
                cursor.drop_it();
            }
        }
        self.shared.admit(&mut making);
    }

    /// The slot of the plan has come.
    pub(super) fn urge(&self, id: EffectId) {
        let mut making = self.shared.making();
        making.queue.urge(id);
        if let Some(cursor) = making.open.get(&id) {
            cursor.is_due.store(true, Ordering::Relaxed);
        }
        if let Some((is_due, _)) = making.waiting.get_mut(&id) {
            *is_due = true;
        }
    }

    /// Throws a plan away. Returns the rows to clear of one that was ready. One that is being made answers later.
    pub(super) fn drop_plan(&mut self, id: EffectId) -> Option<PlanId> {
        let ready = self.forget(id);
        let mut making = self.shared.making();
        if let Some(cursor) = making.open.get(&id) {
            cursor.drop_it();
        } else {
            making.waiting.remove(&id);
            let _ = self.shared.made.send((id, Err(Fault::Dropped)));
        }
        ready.map(|ready| ready.plan)
    }

    pub(super) fn ready(&self, id: EffectId) -> Option<&Ready> {
        self.ready.get(&id)
    }

    /// A plan that was ready has become a run, or is gone.
    pub(super) fn forget(&mut self, id: EffectId) -> Option<Ready> {
        let ready = self.ready.remove(&id)?;
        let mut making = self.shared.making();
        making.ready_rows = making
            .ready_rows
            .saturating_sub(ready.opening.header.planned);
        self.shared.admit(&mut making);
        drop(making);
        Some(ready)
    }

    /// The campaigns that have a plan which is ready, with its version.
    pub(super) fn versions(&self) -> impl Iterator<Item = (&CampaignName, Digest)> {
        let ready = self.ready.values();
        ready.map(|ready| (&ready.campaign, ready.version))
    }

    /// Returns the plans that are not ready and not stuck.
    pub(super) fn alive(&self, now: Moment) -> Vec<EffectId> {
        let making = self.shared.making();
        let is_alive = |cursor: &Cursor| {
            let asked_ns = cursor.asked_ns.load(Ordering::Relaxed);
            let idle = Duration::from_nanos(now.boot_ns.saturating_sub(asked_ns));
            idle < STUCK_AFTER || !cursor.has_turn()
        };
        let open = making.open.iter().filter(|(_, cursor)| is_alive(cursor));
        let open = open.map(|(id, _)| *id);
        open.chain(making.waiting.keys().copied()).collect()
    }

    /// Waits for the end of an attempt.
    pub(super) async fn made(&mut self) -> Planned {
        let Some((id, made)) = self.made.recv().await else {
            return std::future::pending().await;
        };
        let planned = made.map(|ready| {
            let planned = ready.opening.header.planned;
            self.shared.making().ready_rows += planned;
            self.ready.insert(id, ready);
            planned
        });
        (id, planned)
    }

    /// Ends all that is being made. Returns the plans that were ready.
    pub(super) fn end(&mut self) -> Vec<PlanId> {
        let mut making = self.shared.making();
        making.waiting.clear();
        making.open.values().for_each(|cursor| cursor.drop_it());
        drop(making);
        let ready = std::mem::take(&mut self.ready);
        ready.into_values().map(|ready| ready.plan).collect()
    }
}

impl Shared {
    fn making(&self) -> MutexGuard<'_, Making> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins as many plans as there is room for, those that are due first.
    fn admit(self: &Arc<Shared>, making: &mut Making) {
        while making.open.len() < self.open_max {
            let may_begin = |is_due: bool| is_due || making.ready_rows < READY_ROWS_MAX;
            let waiting = making.waiting.iter();
            let waiting = waiting.filter(|(_, (is_due, _))| may_begin(*is_due));
            let first =
                waiting.min_by_key(|(id, (is_due, job))| (!is_due, job.occurrence.at, **id));
            let Some(id) = first.map(|(id, _)| *id) else {
                break;
            };
            if let Some((is_due, job)) = making.waiting.remove(&id) {
                self.begin((id, is_due, job), making);
            }
        }
        self.give_turns(making);
    }

    fn begin(self: &Arc<Shared>, (id, is_due, job): (EffectId, bool, Job), making: &mut Making) {
        let cursor = Arc::new(Cursor::new(is_due));
        let at = job.occurrence.at.to_utc();
        let (shared, its_cursor) = (Arc::clone(self), Arc::clone(&cursor));
        let thread = thread::Builder::new()
            .name("plan".to_owned())
            .stack_size(STACK_SIZE);
        match thread.spawn(move || shared.work(id, &its_cursor, job)) {
            Ok(_) => {
                making.open.insert(id, cursor);
                making.queue.add(id, is_due, at);
            }
            Err(error) => {
                let why = format!("cannot start a thread to plan it: {error}");
                let _ = self.made.send((id, Err(Fault::Machine(why))));
            }
        }
    }

    fn give_turns(&self, making: &mut Making) {
        while making.running < self.workers {
            let Some(id) = making.queue.take() else {
                break;
            };
            making.running += 1;
            if let Some(cursor) = making.open.get(&id) {
                cursor.go_on();
            }
        }
    }

    /// Plans one occurrence, from the first turn to the last.
    fn work(self: &Arc<Shared>, id: EffectId, cursor: &Cursor, job: Job) {
        // Where it is not allowed, plans have the priority of everything else.
        let _ = nice(NICENESS);
        let made = if cursor.wait() {
            let turn = || self.turn(id, cursor);
            contained(|| self.make(cursor, job, &turn)).unwrap_or_else(|panicked| {
                Err(Fault::Author(Reason::PlanInvalid {
                    why: format!(
                        "the campaign makes campanile fail when it is planned ({panicked})"
                    ),
                }))
            })
        } else {
            Err(Fault::Dropped)
        };
        let mut making = self.making();
        making.queue.remove(id);
        making.open.remove(&id);
        if cursor.has_turn() {
            making.running -= 1;
        }
        self.admit(&mut making);
        drop(making);
        let _ = self.made.send((id, made));
    }

    /// Ends a slice that has lasted long enough, and waits for the next. Returns `false` if the plan is not wanted any more.
    fn turn(&self, id: EffectId, cursor: &Cursor) -> bool {
        let now_ns = clock::now().boot_ns;
        cursor.asked_ns.store(now_ns, Ordering::Relaxed);
        let since_ns = cursor.since_ns.load(Ordering::Relaxed);
        let served = Duration::from_nanos(now_ns.saturating_sub(since_ns));
        if served >= SLICE && !*cursor.is_dropped.borrow() {
            let mut making = self.making();
            cursor.stop();
            making.running -= 1;
            making.queue.put_back(id, served);
            self.give_turns(&mut making);
            drop(making);
            return cursor.wait();
        }
        !*cursor.is_dropped.borrow()
    }

    fn make(
        &self,
        cursor: &Cursor,
        job: Job,
        turn: &(dyn Fn() -> bool + Sync),
    ) -> Result<Ready, Fault> {
        let mut dropped = cursor.is_dropped.subscribe();
        self.runtime.block_on(async {
            // A journal that does not answer keeps no plan that is not wanted.
            let given_up = async {
                // It cannot fail: the sender is here.
                let _ = dropped.wait_for(|is_dropped| *is_dropped).await;
                sleep(DROP_TIMEOUT).await;
            };
            tokio::select! {
                made = make(&self.journal, job, turn) => made,
                () = given_up => Err(Fault::Dropped),
            }
        })
    }
}

impl Cursor {
    fn new(is_due: bool) -> Cursor {
        let now_ns = AtomicU64::new(clock::now().boot_ns);
        Cursor {
            is_due: AtomicBool::new(is_due),
            turn: Mutex::new(false),
            is_changed: Condvar::new(),
            since_ns: AtomicU64::new(0),
            asked_ns: now_ns,
            is_dropped: watch::Sender::new(false),
        }
    }

    fn has_turn(&self) -> bool {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    fn go_on(&self) {
        let now_ns = clock::now().boot_ns;
        self.since_ns.store(now_ns, Ordering::Relaxed);
        self.asked_ns.store(now_ns, Ordering::Relaxed);
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.is_changed.notify_all();
    }

    fn drop_it(&self) {
        // The lock orders it before or after the check of whoever waits.
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_dropped.send_replace(true);
        drop(turn);
        self.is_changed.notify_all();
    }

    /// Waits for the turn. Returns `false` if the plan is not wanted any more.
    fn wait(&self) -> bool {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let is_waiting = |has_turn: &mut bool| !*has_turn && !*self.is_dropped.borrow();
        let waited = self.is_changed.wait_while(turn, is_waiting);
        drop(waited);
        !*self.is_dropped.borrow()
    }
}

async fn make(
    journal: &Journal,
    job: Job,
    turn: &(dyn Fn() -> bool + Sync),
) -> Result<Ready, Fault> {
    let Job {
        campaign,
        app,
        occurrence,
        frame,
        key,
        version,
        repository,
        now,
    } = job;
    let over = finish_by_ms(&campaign, &occurrence).filter(|by| *by <= now.wall_ms);
    if over.is_some() {
        return Err(Fault::Author(Reason::Overdue));
    }
    let frame = (&frame, turn);
    let staged = executor::stage(journal, &repository, &campaign, frame, now).await;
    let staged = staged.map_err(|error| machine(&error))?;
    // What is wrong with half a plan may be wrong with the half alone.
    if !turn() {
        return Err(Fault::Dropped);
    }
    let staged = staged.map_err(fault)?;
    let header = staged.header;
    if header.planned == header.skipped {
        let discarded = journal.discard(staged.plan).await;
        discarded.map_err(|error| Fault::Machine(error.to_string()))?;
        return Err(Fault::Author(Reason::NoTargets));
    }
    let opening = Opening {
        revision: revision(&repository, campaign.read_files()),
        is_scheduled: true,
        ..executor::opening(&app, &campaign, &occurrence, (key, header))
    };
    Ok(Ready {
        campaign: campaign.name,
        plan: staged.plan,
        opening,
        version,
    })
}

fn machine(error: &Error) -> Fault {
    Fault::Machine(error.to_string())
}

fn fault(complaints: Complaints) -> Fault {
    let (shown, more) = complaints.shown();
    let why = in_a_line(&shown, more).unwrap_or_else(|| "it is not valid".to_owned());
    match Blame::of(&shown) {
        Blame::Author => Fault::Author(Reason::PlanInvalid { why }),
        Blame::Machine => Fault::Machine(why),
    }
}
