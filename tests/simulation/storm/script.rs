//! What is to happen in a world.

use super::{DAY, MS, SECOND};
use campanile::workbench::{Bounds, Channel, OnUnknown};

/// 2027-01-15T08:00:00Z: when worlds begin, give or take a minute.
pub(super) const EIGHT_OCLOCK_MS: i64 = 1_800_000_000_000;

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) seed: u64,
    pub(super) channel: Channel,
    pub(super) limit: u32,
    pub(super) runs: Vec<RunScript>,
    pub(super) path: Path,
    pub(super) disk: Disk,
    pub(super) history: History,
    /// How likely each of these is, in a thousand calls.
    pub(super) odds: Vec<(Fate, u64)>,
    pub(super) mishaps: Vec<Mishap>,
    /// Deliveries of one read.
    pub(super) page: u32,
    pub(super) begins_wall_ms: i64,
    /// From here on nothing goes wrong any more.
    pub(super) quiet_ns: u64,
}

#[derive(Clone, Debug)]
pub(super) struct RunScript {
    pub(super) targets: u32,
    /// After the world began.
    pub(super) begins_ns: u64,
    pub(super) on_unknown: OnUnknown,
    pub(super) attempts: u32,
    pub(super) bounds: Bounds,
    /// How many groups its deliveries are for.
    pub(super) groups: u32,
    pub(super) is_online_only: bool,
    /// How often somebody may want sent again what did not get through.
    pub(super) retries: u32,
}

/// Nanoseconds a call takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// From the decision to the first byte: on a slow path connecting takes its time.
    pub(super) hesitates: u64,
    pub(super) out: u64,
    /// By how much the way out varies.
    pub(super) out_varies: u64,
    pub(super) back: u64,
    pub(super) back_varies: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    pub(super) commit: u64,
    pub(super) varies: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    /// Whether groups keep one.
    pub(super) is_kept: bool,
    pub(super) lag_ns: u64,
    /// The number of its newest message lags as well, so that nothing shows that any is missing.
    pub(super) is_count_late: bool,
    /// Messages of others in each group, before and between ours.
    pub(super) others: u32,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Well,
    NoConnection,
    RequestLost,
    /// It arrives so many seconds late.
    RequestLate(u64),
    ReplyLost,
    ReplyLate(u64),
    ReplyBroken,
    Dropped,
    /// The vendor does not execute it and answers this.
    Answered(u32),
    /// It executes it, and answers this.
    Executed(u32),
    /// The same of an HTTP status.
    Status(u16),
    ExecutedStatus(u16),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Mishap {
    pub(super) trigger: Trigger,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Trigger {
    /// So long after the world began.
    At(u64),
    /// When the so manyth of its kind was about to happen.
    Before(Kind, u32),
    After(Kind, u32),
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Notice,
    Leaves,
    Arrives,
    Answered,
    Page,
    Asked,
    Retries,
    Any,
}

impl Kind {
    pub(super) const COUNT: usize = 9;
}

/// What goes wrong, for how many nanoseconds where it passes.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// The process dies, perhaps with its machine, and is started anew after so long.
    Crash {
        down_ns: u64,
        is_reboot: bool,
    },
    /// What is under way comes home, the process ends, and is told to go on after so long.
    Drain {
        down_ns: u64,
    },
    /// The process is stopped, or its machine sleeps; and somebody may pause a run meanwhile.
    Freeze {
        for_ns: u64,
        pauses: Option<u32>,
    },
    /// Somebody sets the wall clock.
    Step {
        by_ms: i64,
    },
    NoConnection(u64),
    /// Whatever is under way comes out when it is over.
    Stall(u64),
    /// Requests arrive, and no reply comes back.
    Silence(u64),
    /// Every call is answered with this.
    Sick {
        status: u16,
        code: u32,
        for_ns: u64,
    },
    /// The same until a run has stopped and somebody mends it.
    Locked {
        code: u32,
    },
    /// Others write so much into one group.
    Busy {
        group: u32,
        for_ns: u64,
    },
    /// Others make so many calls on the app.
    Crowded {
        taken: u32,
        for_ns: u64,
    },
    SlowDisk(u64),
    /// The history cannot be asked.
    Deaf(u64),
    /// Somebody pauses a run, and goes on with it later.
    Pause {
        run: u32,
        for_ns: u64,
    },
    /// Somebody ends a run.
    Cancel {
        run: u32,
    },
}

impl Script {
    /// One run, of which everything goes well.
    pub(super) fn calm(seed: u64, channel: Channel, limit: u32) -> Script {
        Script {
            seed,
            channel,
            limit,
            runs: vec![RunScript {
                targets: 50,
                begins_ns: 0,
                on_unknown: OnUnknown::Hold,
                attempts: 5,
                bounds: Bounds::default(),
                groups: 50,
                is_online_only: false,
                retries: 0,
            }],
            path: Path {
                hesitates: 300_000,
                out: 15 * MS,
                out_varies: 3 * MS,
                back: 15 * MS,
                back_varies: 20 * MS,
            },
            disk: Disk {
                commit: 2 * MS,
                varies: 3 * MS,
            },
            history: History {
                is_kept: true,
                lag_ns: 2 * SECOND,
                is_count_late: false,
                others: 2,
            },
            odds: Vec::new(),
            mishaps: Vec::new(),
            page: 20,
            begins_wall_ms: EIGHT_OCLOCK_MS,
            quiet_ns: DAY,
        }
    }

    /// Whether what arrives within a second is what left within a second.
    pub(super) fn keeps_distances(&self) -> bool {
        let is_late = |odds: &(Fate, u64)| matches!(odds.0, Fate::RequestLate(_));
        let stalls = |mishap: &Mishap| matches!(mishap.what, What::Stall(_));
        self.path.out_varies < 4 * MS
            && !self.odds.iter().any(is_late)
            && !self.mishaps.iter().any(stalls)
    }

    pub(super) fn has_hours(&self) -> bool {
        self.runs.iter().any(|run| run.bounds.hours.is_some())
    }
}
