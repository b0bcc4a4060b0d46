//! Where a delivery stands and what may happen to it there: a table of its own, held against the fold.

use campanile::workbench::{
    Answer, Delivery, End, EndReason, Entry, Failure, Finding, Moment, Outcome, Patience, Random,
    Receipt, Scope, State, Unclear,
};
use std::fmt::Write;

/// Finer than the states that people see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Never Started.
    #[default]
    Fresh,
    /// Started for the first time, or since all before was proved undelivered.
    Leaving,
    /// Taken back before its first call ever left.
    TakenBack,
    /// Proved undelivered.
    Undelivered,
    /// In doubt: an attempt came back without proof.
    Open,
    /// In doubt, and Started once more.
    Repeated,
    /// In doubt, and a repetition was refused.
    OpenRefused,
    /// In doubt, and once missing from the history.
    Missing,
    /// The same of one whose repetition was refused.
    MissingRefused,
    /// In doubt, and no further look would tell.
    Unclear,
    /// Proved absent by two looks.
    Absent,
    /// The doubt is done without.
    Waived,
    LeavingWaived,
    /// In doubt once more.
    OpenWaived,
    /// Refused, but an earlier call may have arrived.
    WaivedRefused,
    /// Once more in doubt, and Started once more.
    RepeatedWaived,
    /// Once more in doubt, and a repetition was refused.
    OpenRefusedWaived,
    /// Once more in doubt, and once missing from the history.
    MissingWaived,
    /// The last of them proved absent by two looks.
    AbsentWaived,
    /// Wanted again: it is undelivered.
    Wanted,
    /// Wanted again: it may have arrived, and that is done without.
    WantedInDoubt,
    Accepted,
    Refused,
    Failed,
    Skipped,
    Unknown,
}

/// What may be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Started with a `Random` of its own,
    StartedAnew,
    /// or with the one before.
    StartedAgain,
    Accepted,
    Refused,
    LaneThrottled,
    GroupThrottled,
    NotSent,
    NoConnection,
    NotExecuted,
    Stopped,
    Unproved,
    Found,
    NotThere,
    Unclear,
    Waived,
    EndedFailed,
    EndedSkipped,
    EndedUnknown,
    Retried,
}

const STAGES: [Stage; 26] = [
    Stage::Fresh,
    Stage::Leaving,
    Stage::TakenBack,
    Stage::Undelivered,
    Stage::Open,
    Stage::Repeated,
    Stage::OpenRefused,
    Stage::Missing,
    Stage::MissingRefused,
    Stage::Unclear,
    Stage::Absent,
    Stage::Waived,
    Stage::LeavingWaived,
    Stage::OpenWaived,
    Stage::WaivedRefused,
    Stage::RepeatedWaived,
    Stage::OpenRefusedWaived,
    Stage::MissingWaived,
    Stage::AbsentWaived,
    Stage::Wanted,
    Stage::WantedInDoubt,
    Stage::Accepted,
    Stage::Refused,
    Stage::Failed,
    Stage::Skipped,
    Stage::Unknown,
];

const KINDS: [Kind; 19] = [
    Kind::StartedAnew,
    Kind::StartedAgain,
    Kind::Accepted,
    Kind::Refused,
    Kind::LaneThrottled,
    Kind::GroupThrottled,
    Kind::NotSent,
    Kind::NoConnection,
    Kind::NotExecuted,
    Kind::Stopped,
    Kind::Unproved,
    Kind::Found,
    Kind::NotThere,
    Kind::Unclear,
    Kind::Waived,
    Kind::EndedFailed,
    Kind::EndedSkipped,
    Kind::EndedUnknown,
    Kind::Retried,
];

/// Whether something may be written down at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Law {
    /// And some world does.
    Legal,
    /// Some world may.
    Seldom,
    /// The fold would take it, and no dispatcher ever does it.
    Idle,
    Illegal,
}

fn kind(entry: &Entry, before: &Delivery) -> Kind {
    match entry {
        Entry::Started { generation, .. } if *generation == before.next_generation() => {
            Kind::StartedAnew
        }
        Entry::Started { .. } => Kind::StartedAgain,
        Entry::Finished { outcome, .. } => match outcome {
            Outcome::Accepted(_) => Kind::Accepted,
            Outcome::Refused(_) => Kind::Refused,
            Outcome::Throttled(Scope::Lane, _) => Kind::LaneThrottled,
            Outcome::Throttled(Scope::Group, _) => Kind::GroupThrottled,
            Outcome::Failed(Failure::NotSent, _) => Kind::NotSent,
            Outcome::Failed(Failure::NoConnection, _) => Kind::NoConnection,
            Outcome::Failed(Failure::NotExecuted, _) => Kind::NotExecuted,
            Outcome::Failed(Failure::Stop, _) => Kind::Stopped,
            Outcome::Unknown(_) => Kind::Unproved,
        },
        Entry::LookedUp { finding, .. } => match finding {
            Finding::Found(_) => Kind::Found,
            Finding::Absent(_) => Kind::NotThere,
            Finding::Unclear(_) => Kind::Unclear,
        },
        Entry::Waived { .. } => Kind::Waived,
        Entry::Ended { end, .. } => match end {
            End::Failed => Kind::EndedFailed,
            End::Skipped => Kind::EndedSkipped,
            End::Unknown => Kind::EndedUnknown,
        },
        Entry::Retried { .. } => Kind::Retried,
    }
}

impl Kind {
    fn is_answer(self) -> bool {
        KINDS[2..=10].contains(&self)
    }
}

impl Stage {
    fn law(self, kind: Kind) -> Law {
        match self {
            Stage::Leaving | Stage::Repeated | Stage::LeavingWaived | Stage::RepeatedWaived => {
                if kind.is_answer() {
                    Law::Legal
                } else {
                    Law::Illegal
                }
            }
            Stage::Fresh | Stage::TakenBack | Stage::Undelivered | Stage::Wanted => match kind {
                Kind::StartedAnew | Kind::EndedSkipped => Law::Legal,
                // Of one that was never tried nothing has come back.
                Kind::EndedFailed if self == Stage::Undelivered => Law::Legal,
                Kind::EndedFailed => Law::Idle,
                _ => Law::Illegal,
            },
            Stage::Open
            | Stage::OpenRefused
            | Stage::Missing
            | Stage::MissingRefused
            | Stage::OpenWaived
            | Stage::OpenRefusedWaived
            | Stage::MissingWaived => self.law_in_doubt(kind),
            // Nothing else is waited for.
            Stage::Unclear => only(kind, &[Kind::EndedUnknown]),
            Stage::Absent => match kind {
                Kind::StartedAnew | Kind::EndedUnknown | Kind::EndedFailed | Kind::EndedSkipped => {
                    Law::Legal
                }
                _ => Law::Illegal,
            },
            Stage::Waived | Stage::WaivedRefused | Stage::AbsentWaived | Stage::WantedInDoubt => {
                match kind {
                    Kind::StartedAnew if self == Stage::WaivedRefused => Law::Idle,
                    Kind::EndedUnknown | Kind::StartedAnew => Law::Legal,
                    _ => Law::Illegal,
                }
            }
            // A person may want them sent again.
            Stage::Refused | Stage::Failed | Stage::Skipped | Stage::Unknown
                if kind == Kind::Retried =>
            {
                Law::Legal
            }
            Stage::Accepted | Stage::Refused | Stage::Failed | Stage::Skipped | Stage::Unknown => {
                Law::Illegal
            }
        }
    }

    fn law_in_doubt(self, kind: Kind) -> Law {
        match (self, kind) {
            // Only if a clock that was set back comes forward again, or it arrived minutes after it had left.
            (Stage::Missing | Stage::MissingWaived, Kind::StartedAgain | Kind::Found)
            | (Stage::MissingRefused, Kind::Found) => Law::Seldom,
            (Stage::Open | Stage::OpenWaived, _) => only(
                kind,
                &[
                    Kind::StartedAgain,
                    Kind::Found,
                    Kind::NotThere,
                    Kind::Unclear,
                    Kind::Waived,
                    Kind::EndedUnknown,
                ],
            ),
            // Where there is no history to ask.
            (Stage::OpenRefused | Stage::OpenRefusedWaived, Kind::EndedUnknown) => Law::Legal,
            _ => only(kind, &[Kind::Found, Kind::NotThere, Kind::Unclear]),
        }
    }

    /// Where it stands afterwards, told from the entries; `after` is asked only for what cannot be told from here.
    pub(super) fn next(self, kind: Kind, after: &Delivery) -> Stage {
        if self.is_waived() {
            return self.next_waived(kind, after);
        }
        match kind {
            Kind::StartedAnew => Stage::Leaving,
            Kind::StartedAgain => Stage::Repeated,
            Kind::Accepted | Kind::Found => Stage::Accepted,
            Kind::Refused if self == Stage::Repeated => Stage::OpenRefused,
            Kind::Refused => Stage::Refused,
            Kind::Unproved => Stage::Open,
            _ if kind.is_answer() && self == Stage::Repeated => Stage::Open,
            Kind::NotSent if after.is_first_attempt() => Stage::TakenBack,
            _ if kind.is_answer() => Stage::Undelivered,
            Kind::NotThere if after.state() == State::Refused => Stage::Refused,
            Kind::NotThere if !after.may_have_arrived() => Stage::Absent,
            Kind::NotThere if matches!(self, Stage::OpenRefused | Stage::MissingRefused) => {
                Stage::MissingRefused
            }
            Kind::NotThere => Stage::Missing,
            Kind::Unclear => Stage::Unclear,
            Kind::Waived => Stage::Waived,
            Kind::EndedFailed => Stage::Failed,
            Kind::EndedSkipped => Stage::Skipped,
            Kind::EndedUnknown => Stage::Unknown,
            Kind::Retried if after.may_have_arrived() => Stage::WantedInDoubt,
            _ => Stage::Wanted,
        }
    }

    /// Whether an earlier generation may have arrived.
    fn is_waived(self) -> bool {
        matches!(
            self,
            Stage::Waived
                | Stage::LeavingWaived
                | Stage::OpenWaived
                | Stage::WaivedRefused
                | Stage::RepeatedWaived
                | Stage::OpenRefusedWaived
                | Stage::MissingWaived
                | Stage::AbsentWaived
                | Stage::WantedInDoubt
        )
    }

    fn next_waived(self, kind: Kind, after: &Delivery) -> Stage {
        let is_repeated = self == Stage::RepeatedWaived;
        let is_open = || after.wanted(String::new(), Patience::default()).is_some();
        match kind {
            Kind::StartedAnew => Stage::LeavingWaived,
            Kind::StartedAgain => Stage::RepeatedWaived,
            Kind::Accepted | Kind::Found => Stage::Accepted,
            Kind::Refused if is_repeated => Stage::OpenRefusedWaived,
            Kind::Refused => Stage::WaivedRefused,
            Kind::Unproved => Stage::OpenWaived,
            _ if kind.is_answer() && is_repeated => Stage::OpenWaived,
            _ if kind.is_answer() => Stage::Waived,
            Kind::NotThere if is_open() => Stage::MissingWaived,
            Kind::NotThere => Stage::AbsentWaived,
            Kind::Unclear => Stage::Unclear,
            Kind::Waived => Stage::Waived,
            _ => Stage::Unknown,
        }
    }
}

/// What is done of all that may be written down of one in doubt.
fn only(kind: Kind, done: &[Kind]) -> Law {
    match kind {
        _ if done.contains(&kind) => Law::Legal,
        Kind::StartedAgain
        | Kind::Found
        | Kind::NotThere
        | Kind::Unclear
        | Kind::Waived
        | Kind::EndedUnknown => Law::Idle,
        _ => Law::Illegal,
    }
}

/// How often what was written down at which stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Coverage {
    counts: Vec<[u64; KINDS.len()]>,
    entries: u64,
}

/// Of so many entries one is held against all that may not follow.
const PROBED_ONE_IN: u64 = 61;

impl Coverage {
    pub(super) fn new() -> Coverage {
        Coverage {
            counts: vec![[0; KINDS.len()]; STAGES.len()],
            entries: 0,
        }
    }

    pub(super) fn add(&mut self, other: &Coverage) {
        for (row, others) in self.counts.iter_mut().zip(&other.counts) {
            for (count, other) in row.iter_mut().zip(others) {
                *count += other;
            }
        }
    }

    /// An entry is about to be folded.
    pub(super) fn meet(
        &mut self,
        stage: Stage,
        entry: &Entry,
        before: &Delivery,
    ) -> Result<Kind, String> {
        let kind = kind(entry, before);
        self.counts[stage as usize][kind as usize] += 1;
        self.entries += 1;
        if !matches!(stage.law(kind), Law::Legal | Law::Seldom) {
            return Err(format!("{kind:?} is written down of one that is {stage:?}"));
        }
        if self.entries.is_multiple_of(PROBED_ONE_IN) {
            probe(before, stage)?;
        }
        Ok(kind)
    }

    /// The legal pairs that no world met.
    pub(super) fn missing(&self) -> Vec<(Stage, Kind)> {
        self.never_met(Law::Legal)
    }

    fn never_met(&self, law: Law) -> Vec<(Stage, Kind)> {
        let pairs = STAGES
            .into_iter()
            .flat_map(|stage| KINDS.map(|kind| (stage, kind)));
        let is_missing = |(stage, kind): &(Stage, Kind)| {
            stage.law(*kind) == law && self.counts[*stage as usize][*kind as usize] == 0
        };
        pairs.filter(is_missing).collect()
    }

    /// The pairs that hardly any world meets, and none of these did.
    pub(super) fn missing_seldom(&self) -> Vec<(Stage, Kind)> {
        self.never_met(Law::Seldom)
    }

    /// A row for each stage: how often, `-` where it is illegal, `.` where no dispatcher does it.
    pub(super) fn table(&self) -> String {
        let mut table = format!("{:15}", "");
        for kind in KINDS {
            let _ = write!(table, " {:>14}", format!("{kind:?}"));
        }
        for stage in STAGES {
            let _ = write!(table, "\n{:15}", format!("{stage:?}"));
            for kind in KINDS {
                let cell = match stage.law(kind) {
                    Law::Illegal => "-".to_owned(),
                    Law::Idle => ".".to_owned(),
                    Law::Legal | Law::Seldom => {
                        self.counts[stage as usize][kind as usize].to_string()
                    }
                };
                let _ = write!(table, " {cell:>14}");
            }
        }
        table
    }
}

/// The fold takes what the table calls legal or idle, and refuses the rest.
fn probe(delivery: &Delivery, stage: Stage) -> Result<(), String> {
    for kind in KINDS {
        let taken = delivery.clone().apply(&sample(kind, delivery));
        let is_legal = stage.law(kind) != Law::Illegal;
        if taken.is_ok() != is_legal {
            return Err(format!("{kind:?} of one that is {stage:?}: {taken:?}"));
        }
    }
    Ok(())
}

/// An entry of a kind that fits as far as it can.
fn sample(kind: Kind, delivery: &Delivery) -> Entry {
    let at = Moment {
        wall_ms: 0,
        boot_ns: 0,
        boot_id: 0,
    };
    let started = |generation, random| Entry::Started {
        attempt: delivery.attempts() + 1,
        generation,
        random,
        at,
    };
    let finished = |outcome| Entry::Finished {
        attempt: delivery.on_wire().unwrap_or(delivery.attempts()),
        outcome,
        at,
    };
    let answer = || Answer::none("");
    let looked_up = |finding| Entry::LookedUp { finding, at };
    let ended = |end| Entry::Ended {
        end,
        reason: EndReason::TooLate,
        at,
    };
    match kind {
        Kind::StartedAnew => started(delivery.next_generation(), Random(7)),
        Kind::StartedAgain => started(
            delivery.next_generation() - 1,
            delivery.random().unwrap_or(Random(7)),
        ),
        Kind::Accepted => finished(Outcome::Accepted(Receipt::default())),
        Kind::Refused => finished(Outcome::Refused(answer())),
        Kind::LaneThrottled => finished(Outcome::Throttled(Scope::Lane, answer())),
        Kind::GroupThrottled => finished(Outcome::Throttled(Scope::Group, answer())),
        Kind::NotSent => finished(Outcome::Failed(Failure::NotSent, answer())),
        Kind::NoConnection => finished(Outcome::Failed(Failure::NoConnection, answer())),
        Kind::NotExecuted => finished(Outcome::Failed(Failure::NotExecuted, answer())),
        Kind::Stopped => finished(Outcome::Failed(Failure::Stop, answer())),
        Kind::Unproved => finished(Outcome::Unknown(answer())),
        Kind::Found => looked_up(Finding::Found(Receipt::default())),
        Kind::NotThere => looked_up(Finding::Absent(Patience::default())),
        Kind::Unclear => looked_up(Finding::Unclear(Unclear::HistoryGap)),
        Kind::Waived => Entry::Waived { at },
        Kind::EndedFailed => ended(End::Failed),
        Kind::EndedSkipped => ended(End::Skipped),
        Kind::EndedUnknown => ended(End::Unknown),
        Kind::Retried => Entry::Retried { at },
    }
}
