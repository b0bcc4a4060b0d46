//! How much room the files of a journal take, and how they give it back.

use super::header::log_path;
use super::runs::COLUMNS;
use super::store::BUSY_TIMEOUT;
use super::{Error, Journal, Run};
use crate::clock;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use std::fs;
use std::time::Duration;

/// The file of the journal.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    pub bytes: i64,
    /// Of those, free for what is written later.
    pub free: i64,
}

/// Pages that are given back in one transaction: more would keep other writers waiting.
const PAGES: u32 = 500;
/// How long other processes may write after a transaction that took one unit of time.
const REST_PER_STEP: u32 = 2;
/// Mode of `auto_vacuum` in which free pages are given back in steps.
const INCREMENTAL: i64 = 2;
/// The whole file is written again only where at least this part of it is free.
const WORTH_IT: i64 = 8;
/// A write-ahead log of this size is emptied between two commits though calls wait for the next.
pub const LOG_BYTES_MAX: u64 = 16 << 20;

impl Journal {
    pub async fn space(&self) -> Result<Space, Error> {
        let row = sqlx::query(
            "/* space */ SELECT page_count * page_size AS bytes, freelist_count * page_size AS free
             FROM pragma_page_count, pragma_page_size, pragma_freelist_count",
        )
        .fetch_one(&self.reader)
        .await?;
        Ok(Space {
            bytes: row.try_get("bytes")?,
            free: row.try_get("free")?,
        })
    }

    /// Makes the file smaller by what is free in it, in steps between which other processes write. A journal of before
    /// these steps is written again as a whole, which keeps every writer waiting: so only while nothing is sent on the
    /// lanes of its runs and of those in `others`.
    pub async fn give_back(&self, others: &[Run]) -> Result<(), Error> {
        if !self.gives_back_in_steps().await? {
            return self.rewrite(others).await;
        }
        loop {
            let began = clock::now();
            let is_more = self.give_back_step().await?;
            self.checkpoint().await?;
            if !is_more {
                break;
            }
            let took = clock::now().age_of(began).unwrap_or_default();
            tokio::time::sleep(took * REST_PER_STEP).await;
        }
        self.empty_log().await.map(drop)
    }

    /// Does one step of what makes the files smaller. Returns whether nothing is left to do.
    pub async fn tidy(&self) -> Result<bool, Error> {
        if self.give_back_step().await? {
            return Ok(false);
        }
        self.empty_log().await
    }

    async fn gives_back_in_steps(&self) -> Result<bool, Error> {
        let mode: i64 = sqlx::query_scalar("PRAGMA auto_vacuum")
            .fetch_one(&self.reader)
            .await?;
        Ok(mode == INCREMENTAL)
    }

    /// Gives some of the free pages back. Returns whether there are more, which is never so in a journal of before.
    pub async fn give_back_step(&self) -> Result<bool, Error> {
        if self.free_pages().await? == 0 || !self.gives_back_in_steps().await? {
            return Ok(false);
        }
        // It gives a page back for each row that is read.
        let step = format!("PRAGMA incremental_vacuum({PAGES})");
        let step = sqlx::query(AssertSqlSafe(step));
        let mut transaction = self.writer.begin().await?;
        step.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(self.free_pages().await? > 0)
    }

    async fn free_pages(&self) -> Result<i64, Error> {
        let free = sqlx::query_scalar("PRAGMA freelist_count");
        Ok(free.fetch_one(&self.reader).await?)
    }

    async fn rewrite(&self, others: &[Run]) -> Result<(), Error> {
        let Space { bytes, free } = self.space().await?;
        if free == 0 || free * WORTH_IT < bytes {
            return Ok(());
        }
        let lanes = format!("/* lanes */ SELECT {COLUMNS} FROM run GROUP BY sdk_app_id, channel");
        let rows = sqlx::query(AssertSqlSafe(lanes))
            .fetch_all(&self.reader)
            .await?;
        let mut held = Vec::new();
        let mut lanes = Vec::new();
        for run in self.read_runs(rows).await?.iter().chain(others) {
            let lane = (run.key.app.sdk_app_id, run.channel);
            if !lanes.contains(&lane) {
                held.push(self.lock_lane(&run.key.app, run.channel)?);
                lanes.push(lane);
            }
        }
        // From then on in steps.
        self.writer
            .execute_alone(
                "PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
            )
            .await
    }

    /// Returns the size of the write-ahead log.
    pub fn log_bytes(&self) -> u64 {
        fs::metadata(log_path(&self.canonical)).map_or(0, |about| about.len())
    }

    /// Moves the whole write-ahead log into the file, so that the next commit begins it again. Calls wait meanwhile.
    pub async fn checkpoint_between_commits(&self) -> Result<(), Error> {
        self.writer
            .execute_alone("PRAGMA wal_checkpoint(PASSIVE)")
            .await
    }

    /// Empties the write-ahead log, unless a process reads it or writes to it at this moment: nothing is waited for.
    /// Returns whether it is empty.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        if self.log_bytes() == 0 {
            return Ok(true);
        }
        self.checkpoint().await?;
        let mut connection = self.reader.acquire().await?;
        wait_for_others(&mut connection, Duration::ZERO).await?;
        let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut *connection)
            .await;
        wait_for_others(&mut connection, BUSY_TIMEOUT).await?;
        match emptied.map_err(Error::from) {
            Ok(_) | Err(Error::Busy) => Ok(self.log_bytes() == 0),
            Err(error) => Err(error),
        }
    }
}

/// Sets how long a connection waits for other processes.
async fn wait_for_others(
    connection: &mut SqliteConnection,
    timeout: Duration,
) -> Result<(), Error> {
    let timeout = format!("PRAGMA busy_timeout = {}", timeout.as_millis());
    sqlx::query(AssertSqlSafe(timeout))
        .execute(connection)
        .await?;
    Ok(())
}
