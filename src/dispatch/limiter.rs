//! Never more than N calls in any one second, evenly paced: exact by slots, not by tokens.
//!
//! A call takes one of N slots when its bytes go out. The slot is free one second and a guard later, plus the time by
//! which its reply was late (it may have reached the vendor that much later); an unanswered call keeps it. Late is a
//! reply that took longer than usual. After a pause in the replies, which is a stall of the path, everything that was
//! under way counts as late by all that it took longer than the least: the stall may hide in the usual variation.
//! All times are nanoseconds of the boot clock.

use super::pace::{Pace, nanoseconds};
use super::round_trips::RoundTrips;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// One call on its way.
pub type CallId = u64;

#[derive(Debug)]
pub struct Limiter {
    limit: usize,
    guard_ns: u64,
    pace: Pace,
    round_trips: RoundTrips,
    /// Calls without an answer, by the time they went out.
    unanswered: BTreeSet<(u64, CallId)>,
    flights: HashMap<CallId, Flight>,
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
    /// How much longer than usual it took from the decision to the first byte: on a machine that is busy the bytes may
    /// be held up once more behind our back.
    held_up_ns: u64,
}

/// From the decision to the first byte it is no longer than this on a machine that has time.
const HELD_UP_USUALLY_NS: u64 = 500_000;
const WINDOW_NS: u64 = 1_000_000_000;
const GUARD_MIN_NS: u64 = 4_000_000;
const GUARD_MAX_NS: u64 = 50_000_000;
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
/// How long a new holder of a lane waits at most for the calls of the one before.
const HANDOVER_MAX: Duration = Duration::from_millis(1_500);

impl Limiter {
    /// `last_started_ns` is when the lane's previous holder last started a call on the same boot clock, if ever.
    pub fn new(limit: u32, last_started_ns: Option<u64>, now_ns: u64) -> Limiter {
        let handover = |last: u64| {
            (last + WINDOW_NS + ROUND_TRIP_ASSUMED_NS).min(now_ns + nanoseconds(HANDOVER_MAX))
        };
        let not_before_ns = last_started_ns.map_or(now_ns, handover);
        Limiter {
            limit: usize::try_from(limit.max(1)).unwrap_or(usize::MAX),
            guard_ns: GUARD_MIN_NS,
            pace: Pace::new(Self::interval(limit, GUARD_MIN_NS), CAUGHT_UP_MAX),
            round_trips: RoundTrips::default(),
            unanswered: BTreeSet::new(),
            flights: HashMap::new(),
            answered: BTreeSet::new(),
            last_heard_ns: now_ns,
            spacing_ns: WINDOW_NS / u64::from(limit.max(1)),
            stalled_ns: 0,
            not_before_ns,
        }
    }

    fn interval(limit: u32, guard_ns: u64) -> Duration {
        Duration::from_nanos((WINDOW_NS + guard_ns) / u64::from(limit.max(1)))
    }

    /// When the next call may start; `None`: not before a reply comes.
    pub fn earliest(&mut self, now_ns: u64) -> Option<u64> {
        self.answered = self.answered.split_off(&(now_ns + 1, 0));
        if self.is_silent(now_ns) {
            return None;
        }
        Some(
            self.slot_free_ns(now_ns)?
                .max(self.pace.earliest())
                .max(self.not_before_ns),
        )
    }

    /// A call starts; until it is said when its bytes went out, they may go any time.
    pub fn start(&mut self, call: CallId, now_ns: u64) {
        self.pace.start(now_ns);
        self.unanswered.insert((now_ns, call));
        self.flights.insert(
            call,
            Flight {
                out_ns: now_ns,
                held_up_ns: 0,
            },
        );
    }

    /// The first byte of a call has left.
    pub fn on_wire(&mut self, call: CallId, at_ns: u64) {
        if let Some(flight) = self.flights.get_mut(&call) {
            self.unanswered.remove(&(flight.out_ns, call));
            self.unanswered.insert((at_ns, call));
            flight.held_up_ns = at_ns.saturating_sub(flight.out_ns + HELD_UP_USUALLY_NS);
            flight.out_ns = at_ns;
        }
    }

    /// A call came back, or was given up.
    pub fn answered(&mut self, call: CallId, at_ns: u64) {
        let Some(Flight { out_ns, held_up_ns }) = self.flights.remove(&call) else {
            return;
        };
        self.hear(at_ns);
        self.unanswered.remove(&(out_ns, call));
        let round_trip = at_ns.saturating_sub(out_ns);
        self.round_trips.add(round_trip);
        let in_time = if out_ns <= self.stalled_ns {
            self.round_trips.least_ns()
        } else {
            self.usual_ns()
        };
        let late = round_trip.saturating_sub(in_time).max(held_up_ns);
        self.answered
            .insert((out_ns + WINDOW_NS + self.guard_ns + late, call));
        self.relax();
    }

    /// A call ended without a byte having left: it never reached anybody's window.
    pub fn forget(&mut self, call: CallId) {
        if let Some(flight) = self.flights.remove(&call) {
            self.unanswered.remove(&(flight.out_ns, call));
        }
    }

    /// The vendor counted more calls in a second than we did: widen the guard.
    pub fn over_limit(&mut self) {
        self.guard_ns = (self.guard_ns * 2).min(GUARD_MAX_NS);
        self.set_pace();
    }

    fn relax(&mut self) {
        const ANSWERS_TO_RELAX: u64 = 2_000;
        if self.guard_ns > GUARD_MIN_NS {
            self.guard_ns -= (self.guard_ns - GUARD_MIN_NS).div_ceil(ANSWERS_TO_RELAX);
            self.set_pace();
        }
    }

    fn set_pace(&mut self) {
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        self.pace.set_interval(Self::interval(limit, self.guard_ns));
    }

    fn usual_ns(&self) -> u64 {
        self.round_trips.usual_ns().unwrap_or(ROUND_TRIP_ASSUMED_NS)
    }

    /// Notices a pause in the replies that chance does not explain.
    fn hear(&mut self, at_ns: u64) {
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
        let window = WINDOW_NS + self.guard_ns;
        let usual = self.usual_ns();
        if usual < window {
            // Whoever is unanswered after a window is later than usual, so it keeps its slot until it is answered.
            let others = self.limit.checked_sub(self.unanswered.len() + 1)?;
            let at = self.answered.len().checked_sub(others + 1);
            return Some(
                at.and_then(|at| self.answered.iter().nth(at))
                    .map_or(0, |slot| slot.0),
            );
        }
        // A path slower than the window: a call that is not late yet frees its slot though it is unanswered.
        let late = self
            .unanswered
            .iter()
            .take_while(|(went_out, _)| went_out + usual < now_ns)
            .count();
        let others = self.limit.checked_sub(late + 1)?;
        let mut free: Vec<u64> = self.answered.iter().map(|slot| slot.0).collect();
        free.extend(
            self.unanswered
                .iter()
                .skip(late)
                .map(|(went_out, _)| went_out + window),
        );
        free.sort_unstable();
        Some(free.len().checked_sub(others + 1).map_or(0, |at| free[at]))
    }
}
