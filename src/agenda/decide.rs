//! From a schedule and what is written down to what is to be done now.

use super::{Civil, Decided, Disposition, PausedBy, Reason};
use crate::identity::{CampaignName, RunName};
use crate::schedule::{Occurrence, Overlap, Schedule, Slot};
use crate::seeded_bug::SeededBug;
use crate::settings::Hours;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Who was away for longer does not go through all that passed since.
const AWAY_MAX: TimeDelta = TimeDelta::days(31);
/// Occurrences that are told one by one after such a time; of those before them only how many there are.
const TOLD_MAX: usize = 10_000;

/// A campaign as it stands, seen from its schedule.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub campaign: &'a CampaignName,
    pub schedule: &'a Schedule,
    /// When first attempts may be made.
    pub hours: Option<Hours>,
    /// Every occurrence up to here has its state, and what is before here was never due: the later of when the schedule was
    /// first seen and when it was last looked at.
    pub settled: DateTime<Utc>,
    /// Occurrences after that which have theirs all the same: sent ahead of time, or before the clock was set back.
    pub taken: &'a BTreeSet<Civil>,
    /// The party that paused it.
    pub paused: Option<PausedBy>,
    /// Why its file cannot be used, where that is to keep its occurrences waiting.
    pub stale: Option<&'a str>,
    /// What of it is open already: a run, or an occurrence that is held.
    pub open: Option<&'a RunName>,
    /// An occurrence that waits for an earlier one.
    pub queued: Option<&'a Waiting>,
}

/// An occurrence that waits for the end of an earlier one.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub occurrence: Occurrence,
    /// When nothing was before it any more, as far as that is known.
    pub free: Option<DateTime<Utc>>,
}

/// What is to be done now.
#[derive(Clone, Debug, Default)]
pub struct Agenda {
    pub decided: Vec<Decided>,
    /// To be sent at once.
    pub start: Option<Occurrence>,
    /// What fires next, later than now.
    pub next: Option<Occurrence>,
    /// When there is something to decide again, if nothing happens before.
    pub wake: Option<DateTime<Utc>>,
}

/// Looks at everything that has become due by now.
pub fn decide(standing: &Standing<'_>, now: DateTime<Utc>) -> Agenda {
    let mut agenda = Agenda::default();
    standing.look_ahead(now, &mut agenda);
    standing.unqueue(now, &mut agenda);
    standing.look_back(now, &mut agenda);
    agenda
}

impl Standing<'_> {
    fn look_ahead(&self, now: DateTime<Utc>, agenda: &mut Agenda) {
        for slot in self.schedule.slots(now) {
            agenda.wake.get_or_insert(slot.at().to_utc());
            if let Slot::Fires(firing) = &slot {
                agenda.next = Some(Occurrence::of(firing));
                break;
            }
        }
    }

    /// What waited for another starts when that has ended.
    fn unqueue(&self, now: DateTime<Utc>, agenda: &mut Agenda) {
        let Some(waiting) = self.queued else { return };
        let occurrence = &waiting.occurrence;
        if let Some(by) = self.paused {
            agenda.decided.push(paused(occurrence, by));
            return;
        }
        if self.open.is_some() {
            return;
        }
        let due = occurrence.at.to_utc();
        let free = waiting.free.map_or(due, |free| free.max(due));
        let late = since(free, now);
        if late <= self.schedule.start_within {
            agenda.start = Some(occurrence.clone());
        } else {
            let reason = Reason::QueuedTooLong {
                late_ms: milliseconds(late),
                allowed_ms: milliseconds(self.schedule.start_within),
            };
            let decided = Decided::of(occurrence, Disposition::Missed, reason);
            agenda.decided.push(decided);
        }
    }

    fn look_back(&self, now: DateTime<Utc>, agenda: &mut Agenda) {
        let (passed, before) = self.passed(now);
        let mut firings = Vec::new();
        for slot in passed {
            match slot {
                Slot::Fires(firing) => firings.push(Occurrence::of(&firing)),
                Slot::Skipped(skipped) => agenda.decided.push(Decided {
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
        let is_late = |each: &Occurrence| {
            since(each.at.to_utc(), now) > self.schedule.start_within
                && !SeededBug::HoweverLate.is_active()
        };
        let in_time = firings.iter().position(|each| !is_late(each));
        let in_time = firings.split_off(in_time.unwrap_or(firings.len()));
        for each in &firings {
            agenda.decided.push(self.too_late(each, now));
        }
        if let (Some(first), 1..) = (agenda.decided.first_mut(), before) {
            first.grounds.omitted = before as u64;
        }
        let Some((latest, earlier)) = in_time.split_last() else {
            return;
        };
        for each in earlier {
            agenda.decided.push(self.overtaken(each, latest));
        }
        self.due(latest, agenda);
    }

    /// What has passed since it was last looked, without what has its state already; and how many are too many to be told.
    fn passed(&self, now: DateTime<Utc>) -> (VecDeque<Slot>, usize) {
        let from = self.settled.max(now - AWAY_MAX);
        let (mut passed, mut before) = (VecDeque::new(), 0);
        let slots = self.schedule.slots(from);
        for slot in slots.take_while(|slot| slot.at().to_utc() <= now) {
            if self.taken.contains(&civil(&slot)) && !SeededBug::OccurrenceSentAgain.is_active() {
                continue;
            }
            if passed.len() == TOLD_MAX {
                passed.pop_front();
                before += 1;
            }
            passed.push_back(slot);
        }
        (passed, before)
    }

    fn too_late(&self, occurrence: &Occurrence, now: DateTime<Utc>) -> Decided {
        if let Some(by) = self.paused {
            return paused(occurrence, by);
        }
        let reason = Reason::TooLate {
            late_ms: milliseconds(since(occurrence.at.to_utc(), now)),
            allowed_ms: milliseconds(self.schedule.start_within),
        };
        Decided::of(occurrence, Disposition::Missed, reason)
    }

    /// Of several that are due at once only the latest is sent.
    fn overtaken(&self, occurrence: &Occurrence, latest: &Occurrence) -> Decided {
        if let Some(by) = self.paused {
            return paused(occurrence, by);
        }
        let by = self.run_name(latest);
        Decided::of(occurrence, Disposition::Missed, Reason::Superseded { by })
    }

    fn due(&self, occurrence: &Occurrence, agenda: &mut Agenda) {
        let is_closed = |hours: Hours| !hours.window.contains(occurrence.local().time());
        let closed = self.hours.filter(|hours| is_closed(*hours));
        let starting = agenda.start.as_ref().map(|start| self.run_name(start));
        let open = self.open.cloned().or(starting);
        let decided = match (self.paused, closed, open, self.stale) {
            (Some(by), ..) => paused(occurrence, by),
            (_, Some(Hours { window, .. }), ..) => {
                let reason = Reason::OutsideWindow { window };
                Decided::of(occurrence, Disposition::Skipped, reason)
            }
            (_, _, Some(open), _) => {
                let (disposition, reason) = self.overlaps(open, agenda);
                Decided::of(occurrence, disposition, reason)
            }
            (.., Some(stale)) => {
                let why = stale.to_owned();
                Decided::of(occurrence, Disposition::Held, Reason::FileInvalid { why })
            }
            (None, None, None, None) => {
                agenda.start = Some(occurrence.clone());
                return;
            }
        };
        agenda.decided.push(decided);
    }

    fn overlaps(&self, open: RunName, agenda: &Agenda) -> (Disposition, Reason) {
        let is_waiting = self.queued.is_some() && agenda.start.is_none();
        match self.schedule.overlap {
            Overlap::Queue if is_waiting => (Disposition::Skipped, Reason::QueueFull { open }),
            Overlap::Queue => (Disposition::Queued, Reason::Queued { open }),
            Overlap::Skip => (Disposition::Skipped, Reason::Overlap { open }),
        }
    }

    fn run_name(&self, occurrence: &Occurrence) -> RunName {
        RunName {
            campaign: self.campaign.clone(),
            local: occurrence.local(),
            ordinal: 1,
            test: false,
        }
    }
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

fn paused(occurrence: &Occurrence, by: PausedBy) -> Decided {
    Decided::of(
        occurrence,
        Disposition::Skipped,
        Reason::CampaignPaused { by },
    )
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn since(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - at).to_std().unwrap_or_default()
}
