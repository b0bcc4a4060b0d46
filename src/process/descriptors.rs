//! File descriptors: how many there may be, and the share that each part of the program has of them.
//!
//! Where descriptors run out whatever happens to need the next one fails. So those parts that could have any number are
//! kept to a share of what the limit leaves.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::atomic::{AtomicUsize, Ordering};

/// No more are asked for: some programs that git starts close all that they might have, one by one.
const RAISED_MAX: u64 = 65_536;
/// Held by a daemon all the time: 3 standard streams, 6 of the runtime, 3 of the connection that writes the journal, the
/// witness, locks on journal and checkout, watched folders, a timer, 5 of the probes.
const BASE: usize = 22;
/// Held by each connection that reads the journal.
const READER: usize = 2;
/// Held by each lane: lock and timer; where descriptors are not few also the 4 of a runtime.
const LANE_FEW: usize = 2;
const LANE: usize = 6;
/// Standard streams.
const STANDARD: usize = 3;
/// For a moment: git, files that are read, name resolution, webhooks.
const WORK: usize = 6;
/// From here on there are descriptors for everything at any time.
const AMPLE: usize = 128;
const READERS_FEW: u32 = 2;
const READERS: u32 = 4;
const PROBES_FEW: usize = 2;
const PROBES: usize = 256;
/// A part of what is held for the work of a moment.
const PLANS_FEW: usize = 3;
const PLANS: usize = 128;

/// Descriptors that the process began with beside the standard streams.
static INHERITED: AtomicUsize = AtomicUsize::new(0);
/// Lanes that this process sends on.
static LANES: AtomicUsize = AtomicUsize::new(0);

/// Raises the number of descriptors to what the process may have.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(RAISED_MAX).min(RAISED_MAX);
    if current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum,
        };
        // Without it there are fewer calls at a time.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    INHERITED.store(inherited(), Ordering::Relaxed);
}

/// Those whose number is below the limit; the limit counts no others.
fn inherited() -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel's list of this process's descriptors, no file of a user's"
    )]
    let entries = std::fs::read_dir("/proc/self/fd");
    let below = limit();
    let numbers = entries.into_iter().flatten().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // The list itself is one.
    numbers
        .filter(|number: &usize| (STANDARD..below).contains(number))
        .count()
        .saturating_sub(1)
}

fn limit() -> usize {
    let current = getrlimit(Resource::Nofile).current;
    let limit = current.map_or(usize::MAX, |current| {
        usize::try_from(current).unwrap_or(usize::MAX)
    });
    limit.saturating_sub(INHERITED.load(Ordering::Relaxed))
}

/// Returns how many connections of probes there may be at a time.
pub fn probe_connections() -> usize {
    probes_of(limit())
}

/// Returns how many plans there may be at a time of which each reads a file.
pub fn open_plans() -> usize {
    plans_of(limit())
}

/// Returns whether descriptors are so few that what is needed later has to be opened at the start.
pub fn has_few_descriptors() -> bool {
    limit() < AMPLE
}

/// Returns how many connections to the journal there may be beside the one that writes.
pub fn journal_readers() -> u32 {
    readers_of(limit())
}

/// A lane's part of the connections to the vendor.
#[derive(Debug)]
pub struct LaneShare(());

impl LaneShare {
    pub fn take() -> LaneShare {
        LANES.fetch_add(1, Ordering::Relaxed);
        LaneShare(())
    }

    /// Returns how many calls may be in flight on the lane; fewer when further lanes are taken.
    #[expect(clippy::unused_self, reason = "who asks has a share")]
    pub fn calls(&self) -> usize {
        calls_of(limit(), LANES.load(Ordering::Relaxed))
    }
}

impl Drop for LaneShare {
    fn drop(&mut self) {
        LANES.fetch_sub(1, Ordering::Relaxed);
    }
}

fn probes_of(limit: usize) -> usize {
    (limit / 16).clamp(PROBES_FEW, PROBES)
}

fn plans_of(limit: usize) -> usize {
    if limit < AMPLE {
        PLANS_FEW
    } else {
        (limit / 8).min(PLANS)
    }
}

fn readers_of(limit: usize) -> u32 {
    if limit < AMPLE { READERS_FEW } else { READERS }
}

/// A connection that was made for a call which then took another one is idle for a while, and counts as well.
fn calls_of(limit: usize, lanes: usize) -> usize {
    let lanes = lanes.max(1);
    let held = held_of(limit, lanes) + probes_of(limit);
    (limit.saturating_sub(held) / 4 * 3 / lanes).max(1)
}

/// Held whatever happens, with room for the work of a moment.
fn held_of(limit: usize, lanes: usize) -> usize {
    let (lane, plans) = if limit < AMPLE {
        (LANE_FEW, 0)
    } else {
        (LANE, plans_of(limit))
    };
    BASE + READER * readers_of(limit) as usize + lane * lanes + WORK + plans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_leave_room_for_the_rest_at_every_limit() {
        for limit in 40..100_000 {
            for lanes in 1..3 {
                let calls = calls_of(limit, lanes) * lanes;
                let held = held_of(limit, lanes) + probes_of(limit) + calls;
                assert!(held <= limit, "{limit} descriptors, {lanes} lanes: {held}");
            }
        }
    }

    #[test]
    fn lane_sends_whatever_the_limit_is() {
        for limit in 0..40 {
            assert!(calls_of(limit, 3) >= 1);
            assert!(probes_of(limit) >= 1);
        }
        assert!(calls_of(usize::MAX, 1) > 100_000);
        assert!(calls_of(20_000, 3) > 2_048);
    }
}
