//! The fold from entries to a delivery's state.

use super::silence::Silence;
use super::{DeliveryReason, End, EndReason, Entry, Finding, Patience, Unclear, Wanted};
use crate::channel::{Answer, Failure, Outcome, Receipt, Scope};
use crate::identity::{Moment, Random};
use crate::seeded_bug::SeededBug;
use thiserror::Error;

/// Where a delivery stands. The last five are ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    Pending,
    /// An attempt is on its way, or one came back without proof and may have been delivered.
    InFlight,
    Accepted,
    Refused,
    Failed,
    Skipped,
    Unknown,
}

impl State {
    pub const ALL: [State; 7] = [
        State::Pending,
        State::InFlight,
        State::Accepted,
        State::Refused,
        State::Failed,
        State::Skipped,
        State::Unknown,
    ];

    /// As it is written in logs and options.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::InFlight => "in_flight",
            State::Accepted => "accepted",
            State::Refused => "refused",
            State::Failed => "failed",
            State::Skipped => "skipped",
            State::Unknown => "unknown",
        }
    }
}

/// The vendor's clock and ours are no further apart than this.
const CLOCKS_APART_MS: i64 = 60_000;

/// All that its entries say about one delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    end: Option<State>,
    reason: Option<DeliveryReason>,
    /// Entries so far.
    entries: u32,
    /// Attempts so far, whatever became of them.
    started: u32,
    /// Attempts that count against the campaign's `attempts`.
    counted: u32,
    /// Attempts that may have left this machine.
    left: u32,
    /// How it had ended when it was last wanted again.
    earlier: Option<Earlier>,
    /// The attempt that was Started and not Finished.
    on_wire: Option<u32>,
    generation: Option<Generation>,
    /// Since the last attempt came back.
    silence: Option<Silence>,
    verdict: Verdict,
    /// An earlier generation was left without proof.
    waived: bool,
    last: Option<Outcome>,
    started_at: Option<Moment>,
    finished_at: Option<Moment>,
}

/// An end that a person did not leave it at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub state: State,
    pub reason: Option<DeliveryReason>,
    /// What of `started` and `left` belongs to it.
    started: u32,
    left: u32,
}

/// The attempts that share one `Random`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) number: u32,
    pub(super) random: Random,
    pub(super) first_started: Moment,
    /// Finished attempts that proved nothing.
    pub(super) open: u32,
    /// Why an attempt was refused while an earlier one may have been delivered.
    pub(super) refused: Option<Answer>,
}

/// What the looks at the group's history since the last attempt add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    #[default]
    None,
    /// The generation's attempts are all proved not delivered.
    Absent,
    /// No further look would tell.
    Unclear(Unclear),
}

/// Entries that contradict each other: two writers, a damaged journal, or a bug. Never carried on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Illegal {
    #[error("an entry after the delivery had ended")]
    AfterEnd,
    #[error("an attempt Started while another was on its way")]
    TwoOnWire,
    #[error("attempt {found} Started where {expected} was due")]
    AttemptNumber { expected: u32, found: u32 },
    #[error("a generation left while an attempt of it was open")]
    GenerationLeft,
    #[error("a generation that does not follow the one before")]
    GenerationNumber,
    #[error("an attempt Finished that was not on its way")]
    NotOnWire,
    #[error("called undelivered while an attempt was open")]
    EndedOpen,
    #[error("called unknown, looked up or waived though every attempt is proved")]
    NothingOpen,
    #[error("looked up or waived while an attempt was on its way")]
    NotBack,
    #[error("wanted again though it had not ended, or was accepted")]
    NotToRetry,
}

impl Delivery {
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Delivery, Illegal> {
        let mut delivery = Delivery::default();
        for entry in entries {
            delivery.apply(entry)?;
        }
        Ok(delivery)
    }

    pub fn apply(&mut self, entry: &Entry) -> Result<(), Illegal> {
        let is_retry = matches!(entry, Entry::Retried { .. });
        if self.end.is_some() && !is_retry {
            return Err(Illegal::AfterEnd);
        }
        match entry {
            &Entry::Started {
                attempt,
                generation,
                random,
                at,
            } => {
                self.check_start(attempt, generation, random)?;
                self.start(generation, random, at);
            }
            Entry::Finished {
                attempt,
                outcome,
                at,
            } => self.finish(*attempt, outcome, *at)?,
            Entry::LookedUp { finding, at } => self.look_up(finding, *at)?,
            Entry::Waived { at: _ } => self.waive()?,
            Entry::Ended { end, reason, at } => self.end(*end, reason, *at)?,
            Entry::Retried { at } => self.retry(*at)?,
        }
        self.entries += 1;
        Ok(())
    }

    fn check_start(&self, attempt: u32, generation: u32, random: Random) -> Result<(), Illegal> {
        if self.on_wire.is_some() {
            return Err(Illegal::TwoOnWire);
        }
        let expected = self.started + 1;
        if attempt != expected {
            return Err(Illegal::AttemptNumber {
                expected,
                found: attempt,
            });
        }
        match &self.generation {
            Some(current) if current.open > 0 => {
                let same = generation == current.number && random == current.random;
                if same {
                    Ok(())
                } else {
                    Err(Illegal::GenerationLeft)
                }
            }
            _ if generation == self.next_generation() => Ok(()),
            _ => Err(Illegal::GenerationNumber),
        }
    }

    fn start(&mut self, number: u32, random: Random, at: Moment) {
        self.started += 1;
        self.on_wire = Some(self.started);
        self.started_at.get_or_insert(at);
        self.verdict = Verdict::None;
        if !self.is_open() {
            self.generation = Some(Generation {
                number,
                random,
                first_started: at,
                open: 0,
                refused: None,
            });
        }
    }

    fn finish(&mut self, attempt: u32, outcome: &Outcome, at: Moment) -> Result<(), Illegal> {
        if self.on_wire != Some(attempt) {
            return Err(Illegal::NotOnWire);
        }
        self.on_wire = None;
        self.left += u32::from(!matches!(outcome, Outcome::Failed(Failure::NotSent, _)));
        // Repetitions of an open attempt are limited by time.
        self.counted += u32::from(counts(outcome) && !self.is_open());
        self.finished_at = Some(at);
        self.silence = Some(Silence::new(at));
        self.last = Some(outcome.clone());
        let is_in_doubt = self.may_have_arrived();
        let generation = self.generation.as_mut().ok_or(Illegal::NotOnWire)?;
        match outcome {
            Outcome::Accepted(_) => self.end = Some(State::Accepted),
            Outcome::Unknown(_) => generation.open += 1,
            // An answer settles its own attempt only.
            Outcome::Refused(answer)
                if is_in_doubt && !SeededBug::RefusalSettlesEarlier.is_active() =>
            {
                generation.refused = Some(answer.clone());
            }
            Outcome::Refused(answer) => {
                self.end = Some(State::Refused);
                self.reason = Some(DeliveryReason::Refused(answer.clone()));
            }
            Outcome::Throttled(..) | Outcome::Failed(..) => {
                if SeededBug::ThrottleSettlesEarlier.is_active() {
                    generation.open = 0;
                }
            }
        }
        Ok(())
    }

    fn look_up(&mut self, finding: &Finding, at: Moment) -> Result<(), Illegal> {
        self.check_open()?;
        match finding {
            Finding::Found(receipt) => {
                self.end = Some(State::Accepted);
                self.last = Some(Outcome::Accepted(*receipt));
                self.reason = Some(DeliveryReason::FoundInHistory);
                self.finished_at = Some(at);
            }
            Finding::Unclear(why) => {
                if let Some(silence) = &mut self.silence {
                    silence.broken();
                }
                self.verdict = Verdict::Unclear(why.clone());
            }
            Finding::Absent(patience) => {
                self.verdict = Verdict::None;
                if self
                    .silence
                    .as_mut()
                    .is_some_and(|silence| silence.absent(*patience, at))
                {
                    self.prove_absent(at);
                }
            }
        }
        Ok(())
    }

    /// Every attempt of the generation is proved not delivered, so that a refusal of one of them stands.
    fn prove_absent(&mut self, at: Moment) {
        let Some(generation) = &mut self.generation else {
            return;
        };
        generation.open = 0;
        self.verdict = Verdict::Absent;
        if let Some(answer) = generation.refused.take_if(|_| !self.waived) {
            self.end = Some(State::Refused);
            self.reason = Some(DeliveryReason::Refused(answer));
            self.finished_at = Some(at);
        }
    }

    /// The generation is left without proof; whatever comes of the next ones, the delivery is undelivered no more.
    fn waive(&mut self) -> Result<(), Illegal> {
        self.check_open()?;
        self.waived = true;
        if let Some(generation) = &mut self.generation {
            generation.open = 0;
        }
        Ok(())
    }

    fn check_open(&self) -> Result<(), Illegal> {
        match (self.on_wire, self.is_open()) {
            (Some(_), _) => Err(Illegal::NotBack),
            (None, false) => Err(Illegal::NothingOpen),
            (None, true) => Ok(()),
        }
    }

    fn end(&mut self, end: End, reason: &EndReason, at: Moment) -> Result<(), Illegal> {
        if self.on_wire.is_some() {
            return Err(Illegal::TwoOnWire);
        }
        self.end = Some(match (end, self.may_have_arrived()) {
            (End::Failed, false) => State::Failed,
            (End::Skipped, false) => State::Skipped,
            (End::Unknown, true) => State::Unknown,
            // What is proved absent may be left at that, for a person to decide.
            (End::Unknown, false) if self.verdict == Verdict::Absent => State::Unknown,
            (End::Failed | End::Skipped, true) => return Err(Illegal::EndedOpen),
            (End::Unknown, false) => return Err(Illegal::NothingOpen),
        });
        self.reason = Some(DeliveryReason::Ended(reason.clone()));
        self.finished_at = Some(at);
        Ok(())
    }

    /// It is to be sent as if for the first time. What may have arrived may arrive once more, which no later failure can
    /// undo; what was proved absent may not.
    fn retry(&mut self, at: Moment) -> Result<(), Illegal> {
        let state = self.end.filter(|end| *end != State::Accepted);
        let state = state.ok_or(Illegal::NotToRetry)?;
        self.end = None;
        self.earlier = Some(Earlier {
            state,
            reason: self.reason.take(),
            started: self.started,
            left: self.left,
        });
        self.waived |= self.is_open();
        if let Some(generation) = &mut self.generation {
            generation.open = 0;
            generation.refused = None;
        }
        self.counted = 0;
        self.verdict = Verdict::None;
        self.silence = None;
        self.last = None;
        self.finished_at = Some(at);
        Ok(())
    }

    pub fn state(&self) -> State {
        match self.end {
            Some(end) => end,
            None if self.on_wire.is_some() || self.may_have_arrived() => State::InFlight,
            None => State::Pending,
        }
    }

    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether a finished attempt of the present generation proved nothing.
    pub(super) fn is_open(&self) -> bool {
        self.generation
            .as_ref()
            .is_some_and(|generation| generation.open > 0)
    }

    /// Whether an attempt of any generation proved nothing.
    pub fn may_have_arrived(&self) -> bool {
        self.is_open() || self.waived
    }

    pub(super) fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    pub(super) fn silence(&self) -> Option<Silence> {
        self.silence
    }

    /// What is to be looked for in the group's history, if anything is. `sender` is the account it comes from.
    pub fn wanted(&self, sender: String, patience: Patience) -> Option<Wanted> {
        let generation = self.generation().filter(|generation| generation.open > 0)?;
        let first_ms = generation.first_started.wall_ms;
        let last_ms = self.finished_at.map_or(first_ms, |at| at.wall_ms);
        Some(Wanted {
            random: generation.random,
            sender,
            since_ms: first_ms.min(last_ms).saturating_sub(CLOCKS_APART_MS),
            until_ms: first_ms.max(last_ms).saturating_add(CLOCKS_APART_MS),
            patience,
            first_started: generation.first_started,
        })
    }

    pub(super) fn generation(&self) -> Option<&Generation> {
        self.generation.as_ref()
    }

    /// The number the next generation has, should one begin.
    pub fn next_generation(&self) -> u32 {
        self.generation
            .as_ref()
            .map_or(0, |generation| generation.number)
            + 1
    }

    pub fn on_wire(&self) -> Option<u32> {
        self.on_wire
    }

    /// How many entries it has: the place of the last one among them, from 1.
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// Whether the attempt that is due or on its way is the first that leaves this machine, or the first since it was
    /// wanted again: those before were taken back.
    pub fn is_first_attempt(&self) -> bool {
        self.left == self.earlier().map_or(0, |earlier| earlier.left)
    }

    /// Whether no attempt was Started, or none since it was wanted again.
    pub fn is_untried(&self) -> bool {
        self.started == self.earlier().map_or(0, |earlier| earlier.started)
    }

    /// How it had ended before a person wanted it sent again.
    pub fn earlier(&self) -> Option<&Earlier> {
        self.earlier.as_ref()
    }

    pub fn attempts(&self) -> u32 {
        self.started
    }

    /// How often it was tried: what was taken back before it was sent is no try.
    pub fn tries(&self) -> u32 {
        self.left + u32::from(self.on_wire.is_some())
    }

    pub fn counted(&self) -> u32 {
        self.counted
    }

    pub fn last(&self) -> Option<&Outcome> {
        self.last.as_ref()
    }

    pub fn random(&self) -> Option<Random> {
        self.generation.as_ref().map(|generation| generation.random)
    }

    pub fn receipt(&self) -> Option<Receipt> {
        match self.last {
            Some(Outcome::Accepted(receipt)) => Some(receipt),
            _ => None,
        }
    }

    /// Why it ended as it did, where that needs saying.
    pub fn reason(&self) -> Option<&DeliveryReason> {
        self.reason.as_ref()
    }

    pub fn started_at(&self) -> Option<Moment> {
        self.started_at
    }

    /// The last thing that happened to it.
    pub fn finished_at(&self) -> Option<Moment> {
        self.finished_at
    }
}

/// `attempts` counts neither what never had a connection nor what the whole lane was throttled for.
fn counts(outcome: &Outcome) -> bool {
    let is_free = matches!(
        outcome,
        Outcome::Throttled(Scope::Lane, _)
            | Outcome::Failed(Failure::NotSent | Failure::NoConnection | Failure::Stop, _)
    );
    !is_free
}
