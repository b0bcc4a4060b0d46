//! Entries in, records out.

use super::columns::{entry_columns, from_row, to_row};
use super::guard::Short;
use super::{Error, Journal, Run, RunId};
use crate::channel::{Channel, Request};
use crate::delivery::{Delivery, End, EndReason, Entry};
use crate::identity::{DeliveryNumber, GroupId, Moment, UserId};
use crate::seeded_bug::SeededBug;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};
use std::sync::Arc;

/// An entry on its way in.
#[derive(Clone, Debug)]
pub struct Written {
    pub run: RunId,
    pub number: DeliveryNumber,
    /// Its place among the delivery's entries, from 1. Two writers of one place are found out.
    pub place: u32,
    pub entry: Entry,
}

/// A delivery as planned, and all its entries.
#[derive(Clone, Debug)]
pub struct Record {
    pub number: DeliveryNumber,
    pub request: Request,
    /// The plan itself says that it is never to be sent.
    pub is_left_out: bool,
    pub entries: Vec<Entry>,
}

impl Record {
    pub fn fold(&self) -> Result<Delivery, Error> {
        Delivery::fold(&self.entries).map_err(|illegal| Error::Illegal {
            delivery: self.number,
            illegal,
        })
    }
}

const APPEND: &str = "/* append */ INSERT INTO entry
       (run, delivery, place, kind, attempt, generation, random, outcome, reason_code, code, cause, info, msg_seq,
        msg_time, wall_ms, boot_ns, boot_id)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13,
        value ->> 14, value ->> 15, value ->> 16
     FROM json_each(?1)";

fn rows(batch: &[Written]) -> String {
    let rows = batch.iter();
    let rows = rows.map(|each| to_row(each.run, each.number, each.place, &each.entry));
    Value::Array(rows.collect()).to_string()
}

impl Journal {
    /// When this returns, all of `batch` is on the disk, or none of it. While the journal cannot be written it waits.
    pub async fn append(&self, batch: &[Written]) -> Result<(), Error> {
        while let Err(error) = self.append_once(batch).await {
            self.recovered(error).await?;
            if SeededBug::FateAssumed.is_active() {
                continue;
            }
            match self.count_written(batch).await {
                Ok(written) if written == batch.len() => break,
                Ok(_) => {}
                Err(error) => self.recovered(error).await?,
            }
        }
        Ok(())
    }

    async fn append_once(&self, batch: &[Written]) -> Result<(), Error> {
        let _entering = self.precedence.enter();
        let mut transaction = self.writer.begin().await?;
        sqlx::query(APPEND)
            .bind(rows(batch))
            .execute(&mut *transaction)
            .await?;
        self.commit(transaction).await
    }

    /// Returns how many of the entries are in the journal as they are.
    async fn count_written(&self, batch: &[Written]) -> Result<usize, Error> {
        let written: i64 = sqlx::query_scalar(
            "/* count written */ SELECT count(*) FROM json_each(?1) JOIN entry ON run = value ->> 0
                AND delivery = value ->> 1 AND place = value ->> 2 AND kind = value ->> 3 AND wall_ms = value ->> 14
                AND boot_ns = value ->> 15 AND boot_id = value ->> 16",
        )
        .bind(rows(batch))
        .fetch_one(&self.reader)
        .await?;
        Ok(usize::try_from(written).unwrap_or_default())
    }

    /// The same of entries that want deliveries sent again. Whoever else wanted that too, or lets the run go on already,
    /// is found out: then nothing is written.
    pub async fn append_retried(&self, run: &Run, batch: &[Written]) -> Result<(), Error> {
        let mut transaction = self.writer.begin().await?;
        let condition = "WHERE (SELECT max(place) FROM run_entry WHERE run = ?2) = ?3";
        let appended = sqlx::query(AssertSqlSafe(format!("{APPEND} {condition}")))
            .bind(rows(batch))
            .bind(run.id.0)
            .bind(run.last_place())
            .execute(&mut *transaction)
            .await?;
        if appended.rows_affected() == batch.len() as u64 {
            self.commit(transaction).await
        } else {
            Err(Error::Overtaken(run.name()))
        }
    }

    /// Up to `limit` deliveries of a run after number `after`, in order; none means that there are no more.
    pub async fn page(
        &self,
        run: RunId,
        channel: Channel,
        after: Option<DeliveryNumber>,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let rows = sqlx::query(AssertSqlSafe(page_query()))
            .bind(run.0)
            .bind(after.map_or(-1, |after| i64::from(after.0)))
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            let content: Arc<str> = row.try_get::<String, _>("body")?.into();
            let skip: Option<String> = row.try_get("skip")?;
            let opened_ms = row.try_get("opened_ms")?;
            records.push(Record {
                number: DeliveryNumber(row.try_get("number")?),
                request: Request {
                    channel,
                    group: group(&row)?,
                    members: members(&row)?,
                    content,
                },
                is_left_out: skip.is_some(),
                entries: skip
                    .map(|code| skipped(&code, opened_ms))
                    .into_iter()
                    .collect::<Result<_, _>>()?,
            });
        }
        self.fill_entries(run, &mut records).await?;
        Ok(records)
    }

    /// Whether anything was ever written down about a run's deliveries.
    pub async fn is_touched(&self, run: RunId) -> Result<bool, Error> {
        let touched =
            sqlx::query_scalar("/* touched */ SELECT EXISTS (SELECT 1 FROM entry WHERE run = ?1)");
        Ok(touched.bind(run.0).fetch_one(&self.reader).await?)
    }

    async fn fill_entries(&self, run: RunId, records: &mut [Record]) -> Result<(), Error> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(());
        };
        let query = format!(
            "/* entries of a page */ SELECT delivery, {} FROM entry
             WHERE run = ?1 AND delivery BETWEEN ?2 AND ?3 ORDER BY delivery, place",
            entry_columns()
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(run.0)
            .bind(first.number.0)
            .bind(last.number.0)
            .fetch_all(&self.reader)
            .await?;
        let mut at = 0;
        for row in &rows {
            let number = DeliveryNumber(row.try_get("delivery")?);
            while records.get(at).is_some_and(|record| record.number < number) {
                at += 1;
            }
            let record = records.get_mut(at).filter(|record| record.number == number);
            record
                .ok_or_else(|| Error::damaged("an entry of no delivery"))?
                .entries
                .push(from_row(row)?);
        }
        Ok(())
    }
}

fn page_query() -> String {
    let [target, members, skip, body] = ["target", "members", "skip", "body"].map(Short);
    format!(
        "/* page */ SELECT delivery.number, {target}, {members}, {skip}, {body}, run.opened_ms
         FROM run
         JOIN delivery ON delivery.plan = run.id
         JOIN content ON content.plan = delivery.plan AND content.number = delivery.content
         WHERE run.id = ?1 AND delivery.number > ?2
         ORDER BY delivery.number LIMIT ?3"
    )
}

/// A broadcast has no group.
fn group(row: &SqliteRow) -> Result<Option<GroupId>, Error> {
    let target: String = row.try_get("target")?;
    if target.is_empty() {
        return Ok(None);
    }
    let group = GroupId::try_from(target.as_str());
    group
        .map(Some)
        .map_err(|_| Error::damaged("a target that is no id"))
}

fn members(row: &SqliteRow) -> Result<Arc<[UserId]>, Error> {
    let Some(text) = row.try_get::<Option<String>, _>("members")? else {
        return Ok(Arc::new([]));
    };
    let damaged = || Error::damaged("members that are no list of ids");
    let ids: Vec<String> = serde_json::from_str(&text).map_err(|_| damaged())?;
    // No members would be everybody.
    if ids.is_empty() {
        return Err(damaged());
    }
    let ids = ids
        .iter()
        .map(|id| UserId::try_from(id.as_str()).map_err(|_| damaged()));
    ids.collect()
}

/// What was never to be sent ended when the plan was opened.
fn skipped(code: &str, opened_ms: i64) -> Result<Entry, Error> {
    let reason = EndReason::NoMembers;
    if code != reason.code() {
        return Err(Error::damaged("a delivery skipped for no known reason"));
    }
    Ok(Entry::Ended {
        end: End::Skipped,
        reason,
        at: Moment {
            wall_ms: opened_ms,
            boot_ns: 0,
            boot_id: 0,
        },
    })
}
