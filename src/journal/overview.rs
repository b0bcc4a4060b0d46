//! The journal at a glance: which runs have not ended, which did lately, and how fast they go.

use super::runs::COLUMNS;
use super::{Error, Journal, Run, RunId};
use crate::channel::Channel;
use crate::identity::SdkAppId;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};
use std::collections::HashMap;
use std::time::Duration;

/// A call is Started at most so long before it is accepted, as far as a present rate is concerned.
const UNDER_WAY: Duration = Duration::from_secs(30);

/// What was begun on a lane in some while.
#[derive(Debug)]
pub struct Calls {
    pub sdk_app_id: SdkAppId,
    pub channel: Channel,
    pub begun: u64,
    pub first_ms: i64,
}

impl Journal {
    /// The runs that have not finished, the oldest first, and how many cannot be read.
    pub async fn all_unended_runs(&self) -> Result<(Vec<Run>, u64), Error> {
        let query = format!(
            "/* all unended runs */ SELECT {COLUMNS} FROM run WHERE
                (SELECT event FROM run_entry WHERE run_entry.run = run.id ORDER BY place DESC LIMIT 1) IS NOT 'finished'
             ORDER BY id"
        );
        let rows = sqlx::query(AssertSqlSafe(query));
        let rows = rows.fetch_all(&self.reader).await?;
        self.read_readable(rows).await
    }

    /// The runs that finished, the latest first, without the tests.
    pub async fn finished_runs(&self, limit: u32) -> Result<Vec<Run>, Error> {
        let query = format!(
            "/* finished runs */ SELECT {COLUMNS} FROM run JOIN
                (SELECT run AS ended, wall_ms AS ended_ms FROM run_entry AS last WHERE event = 'finished' AND NOT EXISTS
                    (SELECT 1 FROM run_entry WHERE run_entry.run = last.run AND run_entry.place > last.place)
                    AND EXISTS (SELECT 1 FROM run WHERE id = last.run AND NOT test)
                 ORDER BY wall_ms DESC, run DESC LIMIT ?1) ON ended = id
             ORDER BY ended_ms DESC, id DESC"
        );
        let rows = sqlx::query(AssertSqlSafe(query)).bind(limit);
        let rows = rows.fetch_all(&self.reader).await?;
        Ok(self.read_readable(rows).await?.0)
    }

    /// The last run of each campaign that is no test, and how many of these cannot be read.
    pub async fn last_runs(&self) -> Result<(Vec<Run>, u64), Error> {
        let query = format!(
            "/* last runs */ SELECT {COLUMNS} FROM run WHERE id IN (SELECT max(id) FROM run WHERE NOT test GROUP BY campaign)"
        );
        let rows = sqlx::query(AssertSqlSafe(query));
        let rows = rows.fetch_all(&self.reader).await?;
        self.read_readable(rows).await
    }

    /// The calls of each lane that were begun between two instants.
    pub async fn calls_between(&self, since_ms: i64, until_ms: i64) -> Result<Vec<Calls>, Error> {
        let rows = sqlx::query(
            "/* calls between */ SELECT sdk_app_id, channel, count(*) AS begun, min(entry.wall_ms) AS first_ms
             FROM entry INDEXED BY entry_started CROSS JOIN run ON run.id = entry.run
             WHERE entry.kind = 1 AND entry.wall_ms BETWEEN ?1 AND ?2
             GROUP BY sdk_app_id, channel",
        )
        .bind(since_ms)
        .bind(until_ms)
        .fetch_all(&self.reader)
        .await?;
        // What cannot be read is no lane of ours.
        Ok(rows
            .iter()
            .filter_map(|row| calls(row).ok().flatten())
            .collect())
    }

    /// How many messages of each run were accepted between two instants.
    pub async fn accepted_between(
        &self,
        since_ms: i64,
        until_ms: i64,
    ) -> Result<HashMap<RunId, u64>, Error> {
        let started_ms = i64::try_from(UNDER_WAY.as_millis()).unwrap_or(0);
        let rows = sqlx::query(
            "/* accepted between */ SELECT finished.run, count(*) AS accepted
             FROM entry AS started INDEXED BY entry_started CROSS JOIN entry AS finished
                ON finished.run = started.run AND finished.delivery = started.delivery
                AND finished.attempt = started.attempt AND finished.kind = 2
             WHERE started.kind = 1 AND started.wall_ms BETWEEN ?1 - ?3 AND ?2
                AND finished.outcome = 'accepted' AND finished.wall_ms > ?1 AND finished.wall_ms <= ?2
             GROUP BY finished.run",
        )
        .bind(since_ms)
        .bind(until_ms)
        .bind(started_ms)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let accepted: i64 = row.try_get("accepted")?;
                Ok((
                    RunId(row.try_get("run")?),
                    u64::try_from(accepted).unwrap_or(0),
                ))
            })
            .collect()
    }
}

fn calls(row: &SqliteRow) -> Result<Option<Calls>, Error> {
    let (sdk_app_id, begun): (i64, i64) = (row.try_get("sdk_app_id")?, row.try_get("begun")?);
    let channel: String = row.try_get("channel")?;
    let first_ms = row.try_get("first_ms")?;
    let channel = Channel::ALL.into_iter().find(|each| each.name() == channel);
    let sdk_app_id = u64::try_from(sdk_app_id).ok();
    Ok(sdk_app_id.zip(channel).map(|(id, channel)| Calls {
        sdk_app_id: SdkAppId(id),
        channel,
        begun: u64::try_from(begun).unwrap_or(0),
        first_ms,
    }))
}
