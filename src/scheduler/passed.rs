//! The slots that have passed: which occurrence is to be opened, and what becomes of the others.
use super::campaign::Campaign;
use super::lateness;
use super::{Civil, Decided, Disposition, Reason};
use crate::schedule::{Occurrence, Overlap, Slot};
use crate::seeded_bug::SeededBug;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeSet, VecDeque};

/// Slots further back than this get no state of their own.
pub(super) const AWAY_MAX: TimeDelta = TimeDelta::days(31);
/// Occurrences of one absence that get a state of their own; of earlier ones only the number is recorded.
const DECIDED_MAX: usize = 10_000;

/// What is to be done about the slots that have passed.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) decided: Vec<Decided>,
    pub(super) start: Option<Occurrence>,
}

/// The untaken slots of an absence.
struct Slots {
    latest: VecDeque<Slot>,
    /// The number of slots before those.
    before: usize,
}

/// Decides about every slot up to `now` that has no state.
pub(super) fn decide(campaign: &Campaign, taken: &BTreeSet<Civil>, now: DateTime<Utc>) -> Passed {
    let Slots { latest, before } = slots(campaign, taken, now);
    let mut passed = Passed::default();
    let mut firings = Vec::new();
    for slot in latest {
        match slot {
            Slot::Fires(firing) => firings.push(Occurrence::of(&firing)),
            Slot::Skipped(skipped) => passed.decided.push(Decided {
                civil: Civil {
                    local: skipped.local,
                    fold: 0,
                },
                at: skipped.at,
                disposition: Disposition::Skipped,
                grounds: Reason::ClockForward.into(),
            }),
        }
    }
    let start_within = campaign.definition.schedule.start_within;
    let is_late = |each: &Occurrence| {
        lateness::lateness(each.at.to_utc(), now) > start_within
            && !SeededBug::HoweverLate.is_active()
    };
    let in_time = firings.iter().position(|each| !is_late(each));
    let in_time = firings.split_off(in_time.unwrap_or(firings.len()));
    for each in &firings {
        let reason = lateness::too_late(each, &campaign.definition.schedule, now);
        passed.decided.push(not_sent(campaign, each, reason));
    }
    if let Some((latest, earlier)) = in_time.split_last() {
        for each in earlier {
            let by = campaign.run_name(latest);
            let reason = Reason::Superseded { by };
            passed.decided.push(not_sent(campaign, each, reason));
        }
        due(campaign, latest, &mut passed);
    }
    if let (Some(first), 1..) = (passed.decided.first_mut(), before) {
        first.grounds.omitted = before as u64;
    }
    passed
}

/// Decides about every slot up to `now` that has no state, for a schedule that ends.
pub(super) fn skip_all(
    campaign: &Campaign,
    taken: &BTreeSet<Civil>,
    (now, reason): (DateTime<Utc>, &Reason),
) -> Vec<Decided> {
    let skipped = |slot: Slot| Decided {
        civil: civil(&slot),
        at: slot.at(),
        disposition: Disposition::Skipped,
        grounds: reason.clone().into(),
    };
    let slots = slots(campaign, taken, now).latest;
    slots.into_iter().map(skipped).collect()
}

fn slots(campaign: &Campaign, taken: &BTreeSet<Civil>, now: DateTime<Utc>) -> Slots {
    let from = campaign.decided_until().max(now - AWAY_MAX);
    let (mut latest, mut before) = (VecDeque::new(), 0);
    let slots = campaign.definition.schedule.slots(from);
    for slot in slots.take_while(|slot| slot.at().to_utc() <= now) {
        let civil = civil(&slot);
        let is_taken = taken.contains(&civil) || campaign.has(civil);
        if is_taken && !SeededBug::OccurrenceSentAgain.is_active() {
            continue;
        }
        if latest.len() == DECIDED_MAX {
            latest.pop_front();
            before += 1;
        }
        latest.push_back(slot);
    }
    Slots { latest, before }
}

fn not_sent(campaign: &Campaign, occurrence: &Occurrence, reason: Reason) -> Decided {
    match campaign.paused {
        Some(by) => {
            let reason = Reason::CampaignPaused { by };
            Decided::of(occurrence, Disposition::Skipped, reason)
        }
        None => Decided::of(occurrence, Disposition::Missed, reason),
    }
}

/// Decides about the one occurrence that can still start.
fn due(campaign: &Campaign, occurrence: &Occurrence, passed: &mut Passed) {
    let definition = &campaign.definition;
    let is_closed =
        |hours: &crate::settings::Hours| !hours.window.contains(occurrence.local().time());
    let closed = definition.hours.filter(is_closed);
    let open = campaign.open();
    let decided = match (campaign.paused, closed, open, &definition.invalid) {
        (Some(by), ..) => (Disposition::Skipped, Reason::CampaignPaused { by }),
        (_, Some(hours), ..) => {
            let window = hours.window;
            (Disposition::Skipped, Reason::OutsideWindow { window })
        }
        (_, _, Some(open), _) => match definition.schedule.overlap {
            Overlap::Queue if campaign.is_queue_full() => {
                (Disposition::Skipped, Reason::QueueFull { open })
            }
            Overlap::Queue => (Disposition::Queued, Reason::Queued { open }),
            Overlap::Skip => (Disposition::Skipped, Reason::Overlap { open }),
        },
        (.., Some(why)) => {
            let why = why.clone();
            (Disposition::Held, Reason::FileInvalid { why })
        }
        (None, None, None, None) => {
            passed.start = Some(occurrence.clone());
            return;
        }
    };
    let (disposition, reason) = decided;
    passed
        .decided
        .push(Decided::of(occurrence, disposition, reason));
}

fn civil(slot: &Slot) -> Civil {
    match slot {
        Slot::Fires(firing) => Civil::of(&Occurrence::of(firing)),
        Slot::Skipped(skipped) => Civil {
            local: skipped.local,
            fold: 0,
        },
    }
}
