//! The fold from entries to a delivery's state.

use super::{End, Entry};
use crate::channel::{Failure, Outcome, Receipt, Scope};
use crate::identity::{Moment, Random};
use thiserror::Error;

/// Where a delivery stands. The last five are ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    Pending,
    /// An attempt is on its way, or came back without proof.
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

/// All that its entries say about one delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    end: Option<State>,
    reason: Option<String>,
    /// Entries so far.
    entries: u32,
    /// Attempts so far, whatever became of them.
    started: u32,
    /// Attempts that count against the campaign's `attempts`.
    counted: u32,
    /// An attempt may have left this machine.
    has_left: bool,
    /// The attempt that was Started and not Finished.
    on_wire: Option<u32>,
    generation: Option<Generation>,
    last: Option<Outcome>,
    started_at: Option<Moment>,
    finished_at: Option<Moment>,
}

/// The attempts that share one `Random`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) number: u32,
    pub(super) random: Random,
    pub(super) first_started: Moment,
    /// Finished attempts that proved nothing.
    pub(super) open: u32,
    /// An attempt was refused while an earlier one was open.
    pub(super) refused: bool,
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
    #[error("called unknown though every attempt is proved")]
    NothingOpen,
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
        if self.end.is_some() {
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
            Entry::Ended { end, reason, at } => self.end(*end, reason, *at)?,
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
        if !self.is_open() {
            self.generation = Some(Generation {
                number,
                random,
                first_started: at,
                open: 0,
                refused: false,
            });
        }
    }

    fn finish(&mut self, attempt: u32, outcome: &Outcome, at: Moment) -> Result<(), Illegal> {
        if self.on_wire != Some(attempt) {
            return Err(Illegal::NotOnWire);
        }
        self.on_wire = None;
        self.has_left |= !matches!(outcome, Outcome::Failed(Failure::NotSent, _));
        self.counted += u32::from(counts(outcome));
        self.finished_at = Some(at);
        self.last = Some(outcome.clone());
        let generation = self.generation.as_mut().ok_or(Illegal::NotOnWire)?;
        match outcome {
            Outcome::Accepted(_) => self.end = Some(State::Accepted),
            Outcome::Unknown(_) => generation.open += 1,
            // An answer settles its own attempt only.
            Outcome::Refused(_) if generation.open > 0 => generation.refused = true,
            Outcome::Refused(answer) => {
                self.end = Some(State::Refused);
                self.reason = Some(answer.info.clone());
            }
            Outcome::Throttled(..) | Outcome::Failed(..) => {}
        }
        Ok(())
    }

    fn end(&mut self, end: End, reason: &str, at: Moment) -> Result<(), Illegal> {
        if self.on_wire.is_some() {
            return Err(Illegal::TwoOnWire);
        }
        self.end = Some(match (end, self.is_open()) {
            (End::Failed, false) => State::Failed,
            (End::Skipped, false) => State::Skipped,
            (End::Unknown, true) => State::Unknown,
            (End::Failed | End::Skipped, true) => return Err(Illegal::EndedOpen),
            (End::Unknown, false) => return Err(Illegal::NothingOpen),
        });
        self.reason = Some(reason.to_owned());
        self.finished_at = Some(at);
        Ok(())
    }

    pub fn state(&self) -> State {
        match self.end {
            Some(end) => end,
            None if self.on_wire.is_some() || self.is_open() => State::InFlight,
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

    /// Whether the attempt that is due or on its way is the first that leaves this machine: those before were taken
    /// back.
    pub fn is_first_attempt(&self) -> bool {
        !self.has_left
    }

    pub fn attempts(&self) -> u32 {
        self.started
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
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
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
