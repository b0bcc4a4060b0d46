//! What must hold in every world, judged by what really happened and not by what the program makes of it.

use super::journal::{Kept, Written};
use super::vendor::Proof;
use super::world::World;
use super::{Id, MS, SECOND, at};
use campanile::workbench::{
    Bounds, Channel, Counts, Delivery, Entry, Failure, Finding, Moment, OnUnknown, Outcome, Random,
    State,
};
use std::collections::{BTreeMap, HashMap};

/// Sees all that goes over the wire, and of each answer whether it came home and became durable.
#[derive(Debug, Default)]
pub(super) struct Observer {
    attempts: BTreeMap<Id, Vec<Attempt>>,
    /// The bytes of each generation.
    bodies: HashMap<(Id, u32), String>,
    /// When calls left.
    departures: Vec<u64>,
    /// First calls of each run.
    begun: BTreeMap<u32, u64>,
    /// How many attempts there were when the delivery was last wanted again.
    earlier: HashMap<Id, usize>,
}

/// An attempt that was durably Started.
#[derive(Debug)]
struct Attempt {
    generation: u32,
    random: Random,
    is_called: bool,
    /// Nothing of the delivery can have gone out before, or not since it was wanted again.
    is_first: bool,
    /// What came back to the process.
    proof: Option<Proof>,
    /// What of that is durable.
    durable: Option<Proof>,
    process: u32,
}

impl Observer {
    /// A call is about to be made. Returns whether nothing of this delivery can have gone out before.
    pub(super) fn calls(&mut self, id: Id, kept: &Kept, body: &str) -> Result<bool, String> {
        let attempts = self.attempts.entry(id).or_default();
        let is_started = matches!(kept.entries.last(), Some(Entry::Started { .. }));
        let Some(attempt) = attempts.last_mut().filter(|_| is_started) else {
            return Err(format!("{id:?} is sent before its Started is durable"));
        };
        if std::mem::replace(&mut attempt.is_called, true) {
            return Err(format!("{id:?} is sent twice for one Started"));
        }
        let known = self.bodies.entry((id, attempt.generation));
        if known.or_insert_with(|| body.to_owned()) != body {
            return Err(format!("{id:?}: a repetition has other bytes"));
        }
        let earlier = self.earlier.get(&id).copied().unwrap_or_default();
        let is_unsent =
            |each: &Attempt| !each.is_called && each.durable == Some(Proof::NotDelivered);
        let is_first = attempts[earlier..attempts.len() - 1].iter().all(is_unsent);
        if let Some(attempt) = attempts.last_mut() {
            attempt.is_first = is_first;
        }
        Ok(is_first)
    }

    /// No byte of the call leaves.
    pub(super) fn kept_back(&mut self, id: Id) {
        let attempt = self.attempts.entry(id).or_default().last_mut();
        if let Some(attempt) = attempt {
            attempt.is_called = false;
            if std::mem::take(&mut attempt.is_first) {
                *self.begun.entry(id.0).or_default() -= 1;
            }
        }
    }

    /// What was begun of it is to be begun anew.
    fn retried(&mut self, id: Id) {
        let attempts = self.attempts.entry(id).or_default();
        let earlier = self.earlier.insert(id, attempts.len());
        let since = &attempts[earlier.unwrap_or_default()..];
        if since.iter().any(|each| each.is_first) {
            *self.begun.entry(id.0).or_default() -= 1;
        }
    }

    /// A delivery is begun. `first_attempts` are wanted until somebody goes on with the run.
    pub(super) fn begins(&mut self, run: u32, first_attempts: Option<u64>) -> Result<(), String> {
        let begun = self.begun.entry(run).or_default();
        *begun += 1;
        if first_attempts.is_some_and(|wanted| *begun > wanted) {
            return Err(format!(
                "run {run} makes more first calls than it was to make"
            ));
        }
        Ok(())
    }

    pub(super) fn left(&mut self, now_ns: u64) {
        self.departures.push(now_ns);
    }

    /// An answer, or its absence, came to the process.
    pub(super) fn answered(&mut self, id: Id, proof: Proof) {
        let attempts = self.attempts.entry(id).or_default();
        if let Some(attempt) = attempts.last_mut() {
            attempt.proof = Some(proof);
        }
    }

    pub(super) fn durable(&mut self, batch: &[Written], process: u32) -> Result<(), String> {
        for Written { id, entry, .. } in batch {
            let attempts = self.attempts.entry(*id).or_default();
            match entry {
                Entry::Started {
                    generation, random, ..
                } => {
                    let attempt = Attempt::new(*generation, *random, process);
                    attempt
                        .check_random(attempts)
                        .map_err(|why| format!("{id:?}: {why}"))?;
                    attempts.push(attempt);
                }
                Entry::Finished { outcome, .. } => {
                    let attempt = attempts.last_mut().unwrap();
                    // What came back to a process that died is lost with it.
                    let proof = attempt.proof.filter(|_| attempt.process == process);
                    let durable = attempt.settle(proof, outcome);
                    attempt.durable = Some(durable.map_err(|why| format!("{id:?}: {why}"))?);
                }
                Entry::Retried { .. } => self.retried(*id),
                Entry::LookedUp { .. } | Entry::Waived { .. } | Entry::Ended { .. } => {}
            }
        }
        Ok(())
    }
}

impl Attempt {
    fn new(generation: u32, random: Random, process: u32) -> Attempt {
        Attempt {
            generation,
            random,
            is_called: false,
            is_first: false,
            proof: None,
            durable: None,
            process,
        }
    }

    /// The vendor takes those of one `Random` for one message, and nobody else may.
    fn check_random(&self, before: &[Attempt]) -> Result<(), String> {
        let is_same =
            |each: &Attempt| (each.generation == self.generation) == (each.random == self.random);
        if before.iter().all(is_same) {
            return Ok(());
        }
        Err("a generation has the `Random` of another, or two".to_owned())
    }

    /// What is proved by what came back, if that is what was written down.
    fn settle(&self, proof: Option<Proof>, outcome: &Outcome) -> Result<Proof, String> {
        let called = match outcome {
            Outcome::Accepted(_) => Proof::Delivered,
            Outcome::Unknown(_) => Proof::Nothing,
            Outcome::Refused(_) | Outcome::Throttled(..) | Outcome::Failed(..) => {
                Proof::NotDelivered
            }
        };
        let is_taken_back = matches!(outcome, Outcome::Failed(Failure::NotSent, _));
        match proof {
            None if is_taken_back && !self.is_called => Ok(Proof::NotDelivered),
            None if called == Proof::Nothing => Ok(Proof::Nothing),
            Some(proof) if proof == called && !is_taken_back => Ok(proof),
            _ => Err(format!("{proof:?} is written down as {outcome:?}")),
        }
    }
}

/// planned = accepted + refused + failed + skipped + unknown + pending, always, everywhere.
pub(super) fn balance(counts: Counts, targets: u32) -> Result<(), String> {
    let ends = counts.accepted + counts.refused + counts.failed + counts.skipped;
    let sum = ends + counts.unknown + counts.pending;
    if counts.planned == u64::from(targets) && counts.planned == sum {
        return Ok(());
    }
    Err(format!("the counts do not balance: {counts:?}"))
}

/// First calls go out inside the window of the day and before the run is too late.
pub(super) fn may_begin(id: Id, bounds: &Bounds, now: Moment) -> Result<(), String> {
    if bounds
        .hours
        .is_some_and(|hours| hours.opens_in(now).is_some())
    {
        return Err(format!("{id:?} is begun outside the window"));
    }
    if bounds
        .finish_by_ms
        .is_some_and(|until| now.wall_ms >= until)
    {
        return Err(format!("{id:?} is begun too late"));
    }
    Ok(())
}

/// Whoever halts a run is promised that nothing of it leaves two seconds later.
pub(super) fn may_leave(id: Id, halted_ns: Option<u64>, now_ns: u64) -> Result<(), String> {
    match halted_ns {
        Some(halted_ns) if now_ns > halted_ns + 2 * SECOND => {
            let late_ms = (now_ns - halted_ns) / MS;
            Err(format!(
                "{id:?} leaves {late_ms} ms after somebody halted its run"
            ))
        }
        _ => Ok(()),
    }
}

/// All that is asked of a world that has come to its end.
pub(super) fn check(world: &World) -> Result<(), String> {
    for (id, kept) in world.journal.all() {
        check_delivery(world, id, kept).map_err(|why| {
            let stored = world.vendor.stored.get(&id);
            let entries: Vec<String> = kept
                .entries
                .iter()
                .map(|each| format!("{each:?}"))
                .collect();
            format!(
                "delivery {id:?}: {why}; stored {stored:?}\n  {}",
                entries.join("\n  ")
            )
        })?;
    }
    check_pace(world)
}

fn check_delivery(world: &World, id: Id, kept: &Kept) -> Result<(), String> {
    if Delivery::fold(&kept.entries).as_ref() != Ok(&kept.folded) {
        return Err("it folds to something else than it was folded to".to_owned());
    }
    let none = Vec::new();
    let attempts = world.observer.attempts.get(&id).unwrap_or(&none);
    let stored = world.vendor.stored.get(&id).map_or(0, Vec::len);
    let waived = count(kept, |entry| matches!(entry, Entry::Waived { .. }));
    if waived > 0 && !may_double(world, id) {
        return Err("a doubt is done without that nobody did without".to_owned());
    }
    if stored > 1 + doubts(kept) {
        return Err(format!("it is stored {stored} times"));
    }
    let is_proved = |proof| attempts.iter().any(|each| each.durable == Some(proof));
    let is_found = |entry: &Entry| {
        matches!(
            entry,
            Entry::LookedUp {
                finding: Finding::Found(_),
                ..
            }
        )
    };
    let is_found = count(kept, is_found) > 0;
    let is_delivered = is_proved(Proof::Delivered) || is_found;
    match kept.folded.state() {
        State::Accepted if stored == 0 => Err("accepted, and not there".to_owned()),
        State::Accepted if !is_delivered => Err("accepted without proof".to_owned()),
        State::Accepted => Ok(()),
        _ if is_delivered => Err("proved delivered, and not accepted".to_owned()),
        State::Refused | State::Failed | State::Skipped if stored > 0 => {
            Err("it ended undelivered, and is there".to_owned())
        }
        State::Refused | State::Failed | State::Skipped => Ok(()),
        State::Unknown if !is_proved(Proof::Nothing) => {
            Err("unknown, though every attempt is proved".to_owned())
        }
        State::Unknown => check_unknown(world, id, kept, stored),
        State::Pending | State::InFlight => Err("left over".to_owned()),
    }
}

/// Only where there is no other way, and the campaign says so.
fn may_double(world: &World, id: Id) -> bool {
    let wants = world.script.runs[at(id.0)].on_unknown == OnUnknown::Resend;
    wants && world.script.channel == Channel::Notification
}

/// Whoever can be looked for is unknown only if the history would not tell, or told that it is not there.
fn check_unknown(world: &World, id: Id, kept: &Kept, stored: usize) -> Result<(), String> {
    let script = &world.script.runs[at(id.0)];
    let has_history = world.script.channel == Channel::GroupMessage && !script.is_online_only;
    let is_unclear = |entry: &Entry| {
        matches!(
            entry,
            Entry::LookedUp {
                finding: Finding::Unclear(_),
                ..
            }
        )
    };
    // What was in doubt when it was wanted again is in doubt for ever.
    if !has_history || count(kept, is_unclear) > 0 || doubts(kept) > 0 {
        return Ok(());
    }
    if stored > 0 {
        return Err("unknown, though its history would have told".to_owned());
    }
    if script.on_unknown == OnUnknown::Resend {
        return Err("unknown, though it was to be sent again".to_owned());
    }
    Ok(())
}

/// How many generations somebody did without, of which nobody can tell whether they arrived: each may have.
fn doubts(kept: &Kept) -> usize {
    let (mut doubts, mut is_open, mut is_absent) = (0, false, false);
    let mut present = 0;
    for (place, entry) in kept.entries.iter().enumerate() {
        match entry {
            Entry::Finished { outcome, .. } => {
                is_open |= matches!(outcome, Outcome::Unknown(_));
                is_absent = false;
            }
            // Of what is not there yet nothing else is to be done than to look once more.
            Entry::LookedUp { finding, .. } => {
                let next = kept.entries.get(place + 1);
                let is_last = !matches!(next, Some(Entry::LookedUp { .. }));
                is_absent = is_last && matches!(finding, Finding::Absent(_));
            }
            Entry::Waived { .. } | Entry::Retried { .. } => {
                doubts += usize::from(is_open && !is_absent);
                (is_open, is_absent) = (false, false);
            }
            Entry::Started { generation, .. } => {
                is_open &= *generation == present;
                present = *generation;
            }
            Entry::Ended { .. } => {}
        }
    }
    doubts
}

fn count(kept: &Kept, which: impl Fn(&Entry) -> bool) -> usize {
    kept.entries.iter().filter(|entry| which(entry)).count()
}

/// Never more than the limit in any second: as calls leave, and as they arrive where the path keeps their distances.
fn check_pace(world: &World) -> Result<(), String> {
    let limit = at(world.script.limit);
    if let Some(at_ns) = crowded(&world.observer.departures, limit) {
        return Err(format!(
            "more than {limit} calls leave in the second up to {at_ns} ns"
        ));
    }
    if !world.script.keeps_distances() {
        return Ok(());
    }
    match crowded(&world.vendor.arrivals, limit) {
        Some(at_ns) => Err(format!(
            "more than {limit} calls arrive in the second up to {at_ns} ns"
        )),
        None => Ok(()),
    }
}

/// When there were first more than `limit` within a second.
fn crowded(times: &[u64], limit: usize) -> Option<u64> {
    let pairs = times.iter().zip(times.iter().skip(limit));
    let mut late = pairs.filter(|(first, last)| *last - *first < SECOND);
    late.next().map(|(_, last)| *last)
}
