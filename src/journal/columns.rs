//! Between entries and the columns they are kept in.

use super::guard::Short;
use super::{Error, RunId};
use crate::channel::{Answer, Cause, Failure, Outcome, Receipt, Scope};
use crate::delivery::{End, EndReason, Entry, Finding, Patience, Unclear};
use crate::identity::{DeliveryNumber, Moment, Random};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::borrow::Cow;
use std::time::Duration;

const STARTED: i64 = 1;
const FINISHED: i64 = 2;
const ENDED: i64 = 3;
const LOOKED_UP: i64 = 4;
const WAIVED: i64 = 5;
const RETRIED: i64 = 6;

/// What a look-up found was accepted, whoever counts the entries of a run by this column.
const FOUND: &str = "accepted";
const ABSENT: &str = "absent";
const UNCLEAR: &str = "unclear";

/// The columns that [`from_row`] reads.
pub(super) fn entry_columns() -> String {
    let texts = ["outcome", "reason_code", "cause", "info"].map(|column| Short(column).to_string());
    format!(
        "kind, attempt, generation, random, code, msg_seq, msg_time, wall_ms, boot_ns, boot_id, {}",
        texts.join(", ")
    )
}

/// A row of `entry` as the JSON array that the insert takes apart; the order is that of [`super::entries`].
pub(super) fn to_row(run: RunId, number: DeliveryNumber, place: u32, entry: &Entry) -> Value {
    let (cells, at) = match entry {
        Entry::Started {
            attempt,
            generation,
            random,
            at,
        } => {
            let cells = Cells {
                kind: STARTED,
                attempt: Some(*attempt),
                generation: Some(*generation),
                random: Some(random.0),
                ..Cells::default()
            };
            (cells, at)
        }
        Entry::Finished {
            attempt,
            outcome,
            at,
        } => {
            let cells = Cells {
                attempt: Some(*attempt),
                ..Cells::of_outcome(outcome)
            };
            (cells, at)
        }
        Entry::LookedUp { finding, at } => (Cells::of_finding(finding), at),
        Entry::Waived { at } => (Cells::of_kind(WAIVED), at),
        Entry::Retried { at } => (Cells::of_kind(RETRIED), at),
        Entry::Ended { end, reason, at } => (Cells::of_end(*end, reason), at),
    };
    json!([
        run.0,
        number.0,
        place,
        cells.kind,
        cells.attempt,
        cells.generation,
        cells.random,
        cells.outcome,
        cells.reason_code,
        cells.code,
        cells.cause,
        cells.info,
        cells.receipt.msg_seq,
        cells.receipt.msg_time,
        at.wall_ms,
        at.boot_ns,
        at.boot_id
    ])
}

/// What an entry fills of its row; the rest is null.
#[derive(Default)]
struct Cells<'a> {
    kind: i64,
    attempt: Option<u32>,
    generation: Option<u32>,
    random: Option<u32>,
    outcome: Option<&'static str>,
    reason_code: Option<&'static str>,
    code: Option<u32>,
    cause: Option<&'static str>,
    info: Option<Cow<'a, str>>,
    receipt: Receipt,
}

impl<'a> Cells<'a> {
    fn of_outcome(outcome: &'a Outcome) -> Cells<'a> {
        let (receipt, answer) = parts(outcome);
        Cells {
            kind: FINISHED,
            outcome: Some(outcome_name(outcome)),
            receipt,
            ..Cells::of_answer(answer)
        }
    }

    fn of_kind(kind: i64) -> Cells<'a> {
        Cells {
            kind,
            ..Cells::default()
        }
    }

    fn of_end(end: End, reason: &'a EndReason) -> Cells<'a> {
        let attempt = if let EndReason::AttemptsUsedUp { attempts, .. } = reason {
            Some(*attempts)
        } else {
            None
        };
        Cells {
            kind: ENDED,
            attempt,
            outcome: Some(end_name(end)),
            reason_code: Some(reason.code()),
            ..Cells::of_answer(reason.answer())
        }
    }

    fn of_answer(answer: Option<&'a Answer>) -> Cells<'a> {
        Cells {
            code: answer.map(|answer| answer.code),
            cause: answer.and_then(|answer| answer.cause).map(Cause::name),
            info: answer.map(|answer| answer.text.as_str().into()),
            ..Cells::default()
        }
    }

    fn of_finding(finding: &'a Finding) -> Cells<'a> {
        let (outcome, cells) = match finding {
            Finding::Found(receipt) => {
                let cells = Cells {
                    receipt: *receipt,
                    ..Cells::default()
                };
                (FOUND, cells)
            }
            Finding::Absent(patience) => {
                let cells = Cells {
                    info: Some(from_patience(*patience).into()),
                    ..Cells::default()
                };
                (ABSENT, cells)
            }
            Finding::Unclear(unclear) => {
                let cells = Cells {
                    reason_code: Some(unclear.code()),
                    ..Cells::of_answer(unclear.answer())
                };
                (UNCLEAR, cells)
            }
        };
        Cells {
            kind: LOOKED_UP,
            outcome: Some(outcome),
            ..cells
        }
    }
}

pub(super) fn from_row(row: &SqliteRow) -> Result<Entry, Error> {
    let at = moment(row)?;
    match row.try_get::<i64, _>("kind")? {
        STARTED => Ok(Entry::Started {
            attempt: row.try_get("attempt")?,
            generation: row.try_get("generation")?,
            random: Random(row.try_get("random")?),
            at,
        }),
        FINISHED => Ok(Entry::Finished {
            attempt: row.try_get("attempt")?,
            outcome: outcome(row)?,
            at,
        }),
        LOOKED_UP => Ok(Entry::LookedUp {
            finding: finding(row)?,
            at,
        }),
        WAIVED => Ok(Entry::Waived { at }),
        RETRIED => Ok(Entry::Retried { at }),
        ENDED => {
            let name: String = row.try_get("outcome")?;
            let end = [End::Failed, End::Skipped, End::Unknown]
                .into_iter()
                .find(|end| end_name(*end) == name);
            let end = end.ok_or_else(|| Error::damaged("an end of no known kind"))?;
            Ok(Entry::Ended {
                end,
                reason: end_reason(row)?,
                at,
            })
        }
        _ => Err(Error::damaged("an entry of no known kind")),
    }
}

pub(super) fn moment(row: &SqliteRow) -> Result<Moment, Error> {
    let boot_ns: i64 = row.try_get("boot_ns")?;
    Ok(Moment {
        wall_ms: row.try_get("wall_ms")?,
        boot_ns: u64::try_from(boot_ns).map_err(|_| Error::damaged("a negative time"))?,
        boot_id: row.try_get("boot_id")?,
    })
}

/// The times of a moment as `SQLite` keeps them.
pub(super) fn boot_ns(at: Moment) -> i64 {
    i64::try_from(at.boot_ns).unwrap_or(i64::MAX)
}

fn parts(outcome: &Outcome) -> (Receipt, Option<&Answer>) {
    match outcome {
        Outcome::Accepted(receipt) => (*receipt, None),
        Outcome::Refused(answer)
        | Outcome::Throttled(_, answer)
        | Outcome::Failed(_, answer)
        | Outcome::Unknown(answer) => (Receipt::default(), Some(answer)),
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Refused(_) => "refused",
        Outcome::Throttled(Scope::Lane, _) => "throttled_lane",
        Outcome::Throttled(Scope::Group, _) => "throttled_group",
        Outcome::Failed(Failure::NotSent, _) => "not_sent",
        Outcome::Failed(Failure::NoConnection, _) => "no_connection",
        Outcome::Failed(Failure::NotExecuted, _) => "not_executed",
        Outcome::Failed(Failure::Stop, _) => "stop",
        Outcome::Unknown(_) => "unknown",
    }
}

fn outcome(row: &SqliteRow) -> Result<Outcome, Error> {
    let answer = answer(row)?;
    let name: String = row.try_get("outcome")?;
    Ok(match name.as_str() {
        "accepted" => Outcome::Accepted(receipt(row)?),
        "refused" => Outcome::Refused(answer),
        "throttled_lane" => Outcome::Throttled(Scope::Lane, answer),
        "throttled_group" => Outcome::Throttled(Scope::Group, answer),
        "not_sent" => Outcome::Failed(Failure::NotSent, answer),
        "no_connection" => Outcome::Failed(Failure::NoConnection, answer),
        "not_executed" => Outcome::Failed(Failure::NotExecuted, answer),
        "stop" => Outcome::Failed(Failure::Stop, answer),
        "unknown" => Outcome::Unknown(answer),
        _ => return Err(Error::damaged("an outcome of no known kind")),
    })
}

fn answer(row: &SqliteRow) -> Result<Answer, Error> {
    let cause: Option<String> = row.try_get("cause")?;
    let known = |name: String| {
        Cause::from_name(&name).ok_or_else(|| Error::damaged("a cause of no known kind"))
    };
    Ok(Answer {
        code: row.try_get::<Option<u32>, _>("code")?.unwrap_or(0),
        text: row
            .try_get::<Option<String>, _>("info")?
            .unwrap_or_default(),
        cause: cause.map(known).transpose()?,
    })
}

fn end_reason(row: &SqliteRow) -> Result<EndReason, Error> {
    let code: String = row.try_get("reason_code")?;
    EndReason::from_code(&code, row.try_get("attempt")?, answer(row)?)
        .ok_or_else(|| Error::damaged("a reason of no known kind"))
}

fn unclear(row: &SqliteRow) -> Result<Unclear, Error> {
    let code: String = row.try_get("reason_code")?;
    Unclear::from_code(&code, answer(row)?)
        .ok_or_else(|| Error::damaged("a reason of no known kind"))
}

fn finding(row: &SqliteRow) -> Result<Finding, Error> {
    match row.try_get::<String, _>("outcome")?.as_str() {
        FOUND => Ok(Finding::Found(receipt(row)?)),
        ABSENT => Ok(Finding::Absent(patience(row)?)),
        UNCLEAR => Ok(Finding::Unclear(unclear(row)?)),
        _ => Err(Error::damaged("a finding of no known kind")),
    }
}

/// Both lengths in milliseconds.
fn from_patience(Patience { after, again }: Patience) -> String {
    format!("{}/{}", after.as_millis(), again.as_millis())
}

fn patience(row: &SqliteRow) -> Result<Patience, Error> {
    let text: String = row.try_get("info")?;
    let length = |text: &str| text.parse().ok().map(Duration::from_millis);
    let lengths = text
        .split_once('/')
        .and_then(|(after, again)| Some((length(after)?, length(again)?)));
    let (after, again) = lengths.ok_or_else(|| Error::damaged("a patience of no known kind"))?;
    Ok(Patience { after, again })
}

fn receipt(row: &SqliteRow) -> Result<Receipt, Error> {
    let msg_seq: Option<i64> = row.try_get("msg_seq")?;
    Ok(Receipt {
        msg_seq: msg_seq.and_then(|seq| u64::try_from(seq).ok()),
        msg_time: row.try_get("msg_time")?,
    })
}

fn end_name(end: End) -> &'static str {
    match end {
        End::Failed => "failed",
        End::Skipped => "skipped",
        End::Unknown => "unknown",
    }
}
