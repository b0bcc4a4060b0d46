//! Never more than N calls in any one second, evenly paced: exact by slots, not by tokens.
//!
//! A call takes one of N slots when its bytes go out. The slot is free one second and a guard later, plus the time by
//! which its reply was late (it may have reached the vendor that much later); an unanswered call keeps it. Late is a
//! reply that took longer than usual. After a pause in the replies, which is a stall of the path, everything that was
//! under way counts as late by all that it took longer than the least: the stall may hide in the usual variation.
//! All times are nanoseconds of the boot clock.

use super::guard::Guard;
use super::pace::Pace;
use super::round_trips::RoundTrips;
use super::share::{Share, WHOLE};
use crate::seeded_bug::SeededBug;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// One call on its way.
pub type CallId = u64;

#[derive(Debug)]
pub struct Limiter {
    limit: u32,
    guard: Guard,
    share: Share,
    pace: Pace,
    round_trips: RoundTrips,
    /// Calls without an answer, by the time they went out.
    unanswered: BTreeSet<(u64, CallId)>,
    flights: HashMap<CallId, Flight>,
    /// Of these nothing was said yet but that they were let go; their bytes may take their time.
    leaving: BTreeSet<CallId>,
    /// Answered calls, by the time their slot is free.
    answered: BTreeSet<(u64, CallId)>,
    last_heard_ns: u64,
    /// How far apart replies come.
    spacing_ns: u64,
    /// Calls that went out before were under way when the path last stalled.
    stalled_ns: u64,
    not_before_ns: u64,
}

/// A call on its way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    out_ns: u64,
    /// How much later the last of its bytes may have gone: a machine that is busy sets a thread aside amid all.
    held_up_ns: u64,
}

const WINDOW_NS: u64 = 1_000_000_000;
/// What is assumed before the first reply.
const ROUND_TRIP_ASSUMED_NS: u64 = 200_000_000;
/// Silence for so many usual round trips, and at least so long, is a stall of the path.
const SILENCE_ROUND_TRIPS: u64 = 3;
const SILENCE_MIN_NS: u64 = 200_000_000;
/// Replies that come at random pause for eight times their mean spacing once in three thousand.
const PAUSE_SPACINGS: u64 = 8;
/// The mean spacing is remembered over about so many replies.
const SPACING_MEMORY: u64 = 64;
/// What the schedule fell behind by is caught up to this extent.
const CAUGHT_UP_MAX: Duration = Duration::from_millis(250);
/// The same of what it fell behind by while all slots were taken. Who made up for more than the variation of the path
/// would come in bursts for ever: the slots of each burst make the next one a second later.
const TAKEN_CAUGHT_UP_NS: u64 = 10_000_000;
/// What was Started may wait so long until it leaves, for a reply, for its group or for its campaign's own pace.
const LEAVES_WITHIN_NS: u64 = 60_000_000_000;

impl Limiter {
    /// `last_started_ns` is when the lane's previous holder last started a call on the same boot clock, if ever. When
    /// that call left is written nowhere: until now, if its holder died just now.
    pub fn new(limit: u32, last_started_ns: Option<u64>, now_ns: u64) -> Limiter {
        let is_over = |last: u64| now_ns.saturating_sub(last) > LEAVES_WITHIN_NS;
        let not_before_ns = match last_started_ns {
            Some(last) if !is_over(last) => now_ns + WINDOW_NS + ROUND_TRIP_ASSUMED_NS,
            _ => now_ns,
        };
        let mut limiter = Limiter {
            limit: limit.max(1),
            guard: Guard::default(),
            share: Share::new(limit),
            pace: Pace::new(Duration::ZERO, CAUGHT_UP_MAX),
            round_trips: RoundTrips::default(),
            unanswered: BTreeSet::new(),
            flights: HashMap::new(),
            leaving: BTreeSet::new(),
            answered: BTreeSet::new(),
            last_heard_ns: now_ns,
            spacing_ns: WINDOW_NS / u64::from(limit.max(1)),
            stalled_ns: 0,
            not_before_ns,
        };
        limiter.set_pace();
        limiter
    }

    fn window_ns(&self) -> u64 {
        WINDOW_NS + self.guard.ns()
    }

    /// When the next call may start; `None`: not before a reply comes.
    pub fn earliest(&mut self, now_ns: u64) -> Option<u64> {
        self.answered = self.answered.split_off(&(now_ns + 1, 0));
        if self.is_silent(now_ns) {
            return None;
        }
        let slot = self.slot_free_ns(now_ns);
        let taken_until = slot.unwrap_or(now_ns);
        self.pace
            .forgive(taken_until.saturating_sub(TAKEN_CAUGHT_UP_NS));
        Some(slot?.max(self.pace.earliest()).max(self.not_before_ns))
    }

    /// A call starts; until it is said when its bytes went out, they may go any time.
    pub fn start(&mut self, call: CallId, now_ns: u64) {
        self.pace.start(now_ns);
        self.unanswered.insert((now_ns, call));
        self.leaving.insert(call);
        self.flights.insert(
            call,
            Flight {
                out_ns: now_ns,
                held_up_ns: 0,
            },
        );
    }

    /// The bytes of a call were let go at `at_ns`, and by `by_ns` they are gone for certain.
    pub fn on_wire(&mut self, call: CallId, at_ns: u64, by_ns: u64) {
        if let Some(flight) = self.flights.get_mut(&call) {
            self.unanswered.remove(&(flight.out_ns, call));
            self.unanswered.insert((at_ns, call));
            self.leaving.remove(&call);
            flight.held_up_ns = by_ns.saturating_sub(at_ns);
            flight.out_ns = at_ns;
        }
    }

    /// A call came back, or was given up.
    pub fn answered(&mut self, call: CallId, at_ns: u64) {
        let Some(Flight { out_ns, held_up_ns }) = self.flights.remove(&call) else {
            return;
        };
        self.leaving.remove(&call);
        self.hear(at_ns);
        self.unanswered.remove(&(out_ns, call));
        let round_trip = at_ns.saturating_sub(out_ns);
        // What was under way in a stall says nothing about what is usual: the next stall would be noticed too late.
        let in_time = if out_ns <= self.stalled_ns {
            self.round_trips.least_ns()
        } else {
            self.round_trips.add(round_trip);
            self.usual_ns()
        };
        let late = round_trip.saturating_sub(in_time).max(held_up_ns);
        self.answered
            .insert((out_ns + self.window_ns() + late, call));
    }

    /// A call ended without a byte having left: it never reached anybody's window.
    pub fn forget(&mut self, call: CallId) {
        if let Some(flight) = self.flights.remove(&call) {
            self.unanswered.remove(&(flight.out_ns, call));
            self.leaving.remove(&call);
        }
    }

    /// The vendor counted more calls in a second than we did.
    pub fn over_limit(&mut self, now_ns: u64) {
        self.guard.widen(now_ns);
        self.share.over(now_ns);
        self.set_pace();
        // Its second is full: what is due just now would be over as well.
        self.not_before_ns = self.not_before_ns.max(now_ns + self.guard.ns());
    }

    /// Several groups were too fast at once.
    pub fn slow_down(&mut self, now_ns: u64) {
        self.share.hinted(now_ns);
        self.set_pace();
    }

    /// A call was let pass.
    pub fn passed(&mut self) {
        self.guard.relax();
        self.share.passed();
        self.set_pace();
    }

    fn set_pace(&mut self) {
        let whole = self.window_ns() / u64::from(self.limit);
        let interval = whole * WHOLE / self.share.parts();
        self.pace.set_interval(Duration::from_nanos(interval));
    }

    fn usual_ns(&self) -> u64 {
        self.round_trips.usual_ns().unwrap_or(ROUND_TRIP_ASSUMED_NS)
    }

    /// Notices a pause in the replies that chance does not explain.
    fn hear(&mut self, at_ns: u64) {
        if self.is_silent(at_ns) {
            self.pace.forgive(at_ns);
        }
        let oldest = self.unanswered.first().map_or(at_ns, |each| each.0);
        let expected = self
            .round_trips
            .usual_ns()
            .map_or(at_ns, |usual| oldest + usual);
        let pause = at_ns.saturating_sub(self.last_heard_ns.max(expected));
        let before = std::mem::replace(&mut self.last_heard_ns, at_ns);
        if pause > self.spacing_ns * PAUSE_SPACINGS {
            self.stalled_ns = at_ns;
        } else {
            let spacing = at_ns.saturating_sub(before).min(WINDOW_NS);
            self.spacing_ns = (self.spacing_ns * (SPACING_MEMORY - 1) + spacing) / SPACING_MEMORY;
        }
    }

    /// Nothing has been heard for well longer than an answer usually takes.
    fn is_silent(&self, now_ns: u64) -> bool {
        let Some(&(oldest, _)) = self.unanswered.first() else {
            return false;
        };
        let usual = self.usual_ns();
        let patience = (usual * SILENCE_ROUND_TRIPS).max(usual + SILENCE_MIN_NS);
        now_ns.saturating_sub(self.last_heard_ns.max(oldest)) > patience
    }

    /// When fewer than N slots are taken; `None` if that hangs on a reply.
    fn slot_free_ns(&self, now_ns: u64) -> Option<u64> {
        let window = self.window_ns();
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let usual = self.usual_ns();
        if usual < window {
            // Whoever is unanswered after a window is later than usual, so it keeps its slot until it is answered.
            let others = limit.checked_sub(self.unanswered.len() + 1)?;
            let at = self.answered.len().checked_sub(others + 1);
            return Some(
                at.and_then(|at| self.answered.iter().nth(at))
                    .map_or(0, |slot| slot.0),
            );
        }
        // A path slower than the window: a call that has left and is not late yet frees its slot though it is unanswered.
        let mut free: Vec<u64> = self.answered.iter().map(|slot| slot.0).collect();
        let mut kept = 0;
        for (went_out, call) in &self.unanswered {
            let is_leaving =
                self.leaving.contains(call) && !SeededBug::SlotFreeBeforeItLeft.is_active();
            if is_leaving || went_out + usual < now_ns {
                kept += 1;
            } else {
                free.push(went_out + window);
            }
        }
        let others = limit.checked_sub(kept + 1)?;
        free.sort_unstable();
        Some(free.len().checked_sub(others + 1).map_or(0, |at| free[at]))
    }
}
