//! What happens in a world, drawn from its seed.

use super::super::chance::Chance;
use super::files::{Content, every};
use super::{MINUTE, SECOND};
use campanile::workbench::Overlap;
use std::time::Duration;

/// Something that happens to the daemon or around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// All files are saved at once, unchanged or not, as a `git pull` does.
    SaveAll,
    Edit(usize),
    Break(usize),
    Mend(usize),
    Reschedule(usize),
    Disable(usize),
    Remove(usize),
    Kill,
    /// The daemon is away for so long.
    Outage(u64),
    /// The clock is set by so many milliseconds, and set right after so many nanoseconds.
    ClockSet(i64, u64),
    /// The clock is set 2 s forward every 0.8 s, so many times.
    ClockRuns(u32),
    /// The journal fails, or answers nothing, for so long.
    JournalFails(u64),
    JournalHangs(u64),
    /// A worker makes no progress for so long.
    WorkerHangs(u64),
    /// The planner forgets a plan.
    PlanLost,
    PauseCampaign(usize),
    Release(usize),
    SkipHeld(usize),
    RunAhead(usize),
}

#[derive(Debug)]
pub(super) struct Script {
    pub(super) chance: Chance,
    pub(super) contents: Vec<Content>,
    pub(super) mishaps: Vec<(u64, Mishap)>,
    /// When the mishaps are over and everything is put right.
    pub(super) calm_ns: u64,
    pub(super) end_ns: u64,
    /// Runs take up to so long.
    pub(super) run_max_ns: u64,
}

impl Script {
    pub(super) fn draw(seed: u64, from_ms: i64) -> Script {
        let mut chance = Chance::new(seed);
        let campaigns = chance.pick(&[1, 1, 2, 3, 3, 5, 8]);
        let contents: Vec<Content> = (0..campaigns)
            .map(|_| content(&mut chance, from_ms))
            .collect();
        let calm_ns = chance.between(6, 25) * MINUTE;
        let count = chance.pick(&[0, 1, 2, 4, 8, 16]);
        let mut mishaps: Vec<(u64, Mishap)> = (0..count)
            .map(|_| {
                let at = chance.between(0, calm_ns / MINUTE - 1) * MINUTE;
                // Most trouble comes just around a slot.
                let around = chance.pick(&[59_500, 59_700, 59_999, 0, 100, 5_000, 20_000, 40_000]);
                (at + around * 1_000_000, mishap(&mut chance, campaigns))
            })
            .collect();
        mishaps.sort_by_key(|(at, _)| *at);
        let within = contents.iter().map(|content| content.schedule.start_within);
        let within = within.max().unwrap_or_default();
        let within_ns = u64::try_from(within.as_nanos()).unwrap();
        Script {
            contents,
            mishaps,
            calm_ns,
            end_ns: calm_ns + within_ns + 6 * MINUTE,
            run_max_ns: chance.pick(&[1, 20, 70, 400]) * SECOND,
            chance,
        }
    }
}

fn content(chance: &mut Chance, from_ms: i64) -> Content {
    let minutes = chance.pick(&[1, 1, 1, 2, 5, 10]);
    let within = Duration::from_secs(chance.pick(&[30, 60, 120, 300, 900]));
    let overlap = chance.pick(&[Overlap::Skip, Overlap::Queue]);
    let is_cron = chance.one_in(12);
    Content {
        exists: true,
        enabled: true,
        is_valid: true,
        schedule: every(minutes, from_ms, (within, overlap), is_cron),
        cost_ms: chance.pick(&[1, 20, 300, 300, 2_000, 10_000, 100_000]),
    }
}

fn mishap(chance: &mut Chance, campaigns: usize) -> Mishap {
    let which = usize::try_from(chance.between(0, campaigns as u64 - 1)).unwrap();
    match chance.between(0, 26) {
        0..=2 => Mishap::SaveAll,
        3 => Mishap::Edit(which),
        4..=6 => Mishap::Break(which),
        7 => Mishap::Mend(which),
        8 => Mishap::Reschedule(which),
        9 => Mishap::Disable(which),
        10 => Mishap::Remove(which),
        11..=13 => Mishap::Kill,
        14 => Mishap::Outage(chance.between(1, 600) * SECOND),
        15 => Mishap::ClockSet(
            chance.pick(&[
                3_000,
                90_000,
                5_400_000,
                631_152_000_000,
                -3_000,
                -70_000,
                -600_000,
            ]),
            chance.between(1, 90) * SECOND,
        ),
        16 => Mishap::ClockRuns(chance.number(3, 60)),
        17 => Mishap::JournalFails(chance.between(1, 90) * SECOND),
        18 => Mishap::JournalHangs(chance.between(1, 90) * SECOND),
        19 => Mishap::WorkerHangs(chance.between(1, 200) * SECOND),
        20 => Mishap::PlanLost,
        21 => Mishap::PauseCampaign(which),
        22..=24 => Mishap::Release(which),
        25 => Mishap::SkipHeld(which),
        _ => Mishap::RunAhead(which),
    }
}
