//! How a run stands, counted without reading all that there is of it.

use super::columns::{entry_columns, from_row};
use super::{Error, Journal, Run};
use crate::delivery::{Counts, Delivery, Entry, State};
use crate::identity::DeliveryNumber;
use sqlx::{AssertSqlSafe, Row};

/// An end is the last entry of its delivery, unless it was wanted again.
const IS_LAST: &str = "AND NOT EXISTS (SELECT 1 FROM entry AS later
    WHERE later.run = entry.run AND later.delivery = entry.delivery AND later.place > entry.place AND later.kind = 6)";

/// A refusal is an end only where every earlier attempt is proved; only the fold knows.
const IS_IN_DOUBT: &str = "outcome = 'refused' AND EXISTS (SELECT 1 FROM entry AS other
    WHERE other.run = entry.run AND other.delivery = entry.delivery AND other.kind = 2 AND other.outcome = 'unknown')";

impl Journal {
    /// The counts of a run as the fold would have them: for onlookers, while it is being sent.
    pub async fn tally(&self, run: &Run) -> Result<Counts, Error> {
        let is_last = if run.was_retried() { IS_LAST } else { "" };
        let query = format!(
            "/* tally */ SELECT CASE WHEN {IS_IN_DOUBT} THEN 'in doubt' ELSE outcome END AS told, count(*) AS ended
             FROM entry
             WHERE run = ?1 AND (kind = 3 OR outcome IN ('accepted', 'refused')) {is_last} GROUP BY told"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(run.id.0)
            .fetch_all(&self.reader)
            .await?;
        let mut counts = Counts {
            planned: run.planned,
            skipped: run.skipped,
            ..Counts::default()
        };
        for row in &rows {
            let ended: i64 = row.try_get("ended")?;
            let ended = u64::try_from(ended).unwrap_or(0);
            match row.try_get::<String, _>("told")?.as_str() {
                "accepted" => counts.accepted += ended,
                "refused" => counts.refused += ended,
                "failed" => counts.failed += ended,
                "unknown" => counts.unknown += ended,
                "in doubt" => counts.refused += self.refused_in_doubt(run).await?,
                _ => counts.skipped += ended,
            }
        }
        let Counts {
            accepted,
            refused,
            failed,
            skipped,
            unknown,
            ..
        } = counts;
        let ended = accepted + refused + failed + skipped + unknown;
        counts.pending = run.planned.saturating_sub(ended);
        Ok(counts)
    }

    /// Of the few whose refusal was in doubt once, how many are refused all the same.
    async fn refused_in_doubt(&self, run: &Run) -> Result<u64, Error> {
        let query = format!(
            "/* in doubt */ SELECT delivery, {} FROM entry
             WHERE run = ?1 AND delivery IN (SELECT delivery FROM entry WHERE run = ?1 AND {IS_IN_DOUBT})
             ORDER BY delivery, place",
            entry_columns()
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(run.id.0)
            .fetch_all(&self.reader)
            .await?;
        let mut entries: Vec<(DeliveryNumber, Entry)> = Vec::with_capacity(rows.len());
        for row in &rows {
            entries.push((DeliveryNumber(row.try_get("delivery")?), from_row(row)?));
        }
        let mut refused = 0;
        for of_one in entries.chunk_by(|one, next| one.0 == next.0) {
            let folded = Delivery::fold(of_one.iter().map(|(_, entry)| entry));
            let delivery = folded.map_err(|illegal| Error::Illegal {
                delivery: of_one[0].0,
                illegal,
            })?;
            refused += u64::from(delivery.state() == State::Refused);
        }
        Ok(refused)
    }
}

#[cfg(test)]
mod tests {
    use crate::channel::{Answer, Failure, Outcome, Receipt, Scope};
    use crate::delivery::{
        Counts, Delivery, End, EndReason, Entry, Finding, Patience, RunEvent, State, Unclear,
    };
    use crate::identity::{DeliveryNumber, Moment, Random};
    use crate::journal::tests::{NOW, in_a_new_journal, open, opening};
    use crate::journal::{Run, Written};
    use crate::plan::Header;
    use proptest::prelude::*;
    use std::time::Duration;

    const PLANNED: u32 = 12;
    const SKIPPED: u32 = 2;

    /// An entry that may come next, if it is legal there.
    fn candidate(choice: u8, delivery: &Delivery, at: Moment) -> Entry {
        let started = |generation| Entry::Started {
            attempt: delivery.attempts() + 1,
            generation,
            random: delivery.random().unwrap_or(Random(1)),
            at,
        };
        let finished = |outcome| Entry::Finished {
            attempt: delivery.attempts(),
            outcome,
            at,
        };
        let looked_up = |finding| Entry::LookedUp { finding, at };
        let ended = |end| Entry::Ended {
            end,
            reason: EndReason::TooLate,
            at,
        };
        let answer = Answer::none("x");
        match choice {
            0..8 => started(delivery.next_generation()),
            8..12 => started(delivery.next_generation().saturating_sub(1)),
            12..14 => finished(Outcome::Accepted(Receipt::default())),
            14..20 => finished(Outcome::Refused(answer)),
            20..28 => finished(Outcome::Unknown(answer)),
            28..30 => finished(Outcome::Throttled(Scope::Group, answer)),
            30..32 => finished(Outcome::Failed(Failure::NotSent, answer)),
            32..38 => looked_up(Finding::Absent(Patience::default())),
            38 => looked_up(Finding::Found(Receipt::default())),
            39 => looked_up(Finding::Unclear(Unclear::HistoryGap)),
            40 => Entry::Waived { at },
            41..44 => ended(End::Failed),
            44 => ended(End::Skipped),
            45..48 => ended(End::Unknown),
            _ => Entry::Retried { at },
        }
    }

    fn entries(choices: &[u8]) -> (Delivery, Vec<Entry>) {
        let (mut delivery, mut entries, mut at) = (Delivery::default(), Vec::new(), NOW);
        for choice in choices {
            at = at.plus(Duration::from_mins(1));
            let entry = candidate(*choice, &delivery, at);
            if delivery.apply(&entry).is_ok() {
                entries.push(entry);
            }
        }
        (delivery, entries)
    }

    async fn compare(choices: &[Vec<u8>]) {
        let (_folder, journal) = in_a_new_journal().await;
        let opening = opening();
        let header = Header {
            planned: u64::from(PLANNED),
            skipped: u64::from(SKIPPED),
            ..opening.header
        };
        let id = open(&journal, &crate::journal::Opening { header, ..opening }).await;
        let mut counts = Counts::default();
        (0..SKIPPED).for_each(|_| counts.add(State::Skipped));
        for (number, choices) in (0..).zip(choices) {
            let (delivery, entries) = entries(choices);
            counts.add(delivery.state());
            let written = (1..).zip(entries).map(|(place, entry)| Written {
                run: id,
                number: DeliveryNumber(number),
                place,
                entry,
            });
            journal.append(&written.collect::<Vec<_>>()).await.unwrap();
        }
        let retried = RunEvent::Retried {
            state: State::Failed,
        };
        journal.append_run(id, &retried, NOW).await.unwrap();
        let run: Run = journal.run(id).await.unwrap();
        assert_eq!(journal.tally(&run).await.unwrap(), counts);
        journal.close().await;
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn what_is_counted_at_a_glance_is_what_the_fold_says(
            choices in prop::collection::vec(
                prop::collection::vec(0..56_u8, 0..40),
                (PLANNED - SKIPPED) as usize,
            ),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(compare(&choices));
        }
    }
}
