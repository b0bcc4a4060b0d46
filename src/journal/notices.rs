//! What the daemon tells whoever looks, and what people want of it: the two speak through the journal.

use super::{Error, Journal};
use crate::identity::Moment;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::fs;
use std::time::SystemTime;

/// Something that is not as it should be, as long as it is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of what kind it is: `stale`, `invalid`, `unprepared`, `disappeared`, `settings`, `lane`.
    pub kind: String,
    /// What it is about: a file, a campaign, a lane.
    pub subject: String,
    pub text: String,
    pub since_ms: i64,
}

/// When the journal was last written to, by whomever; cheap to ask for.
pub type Stamp = [Option<(SystemTime, u64)>; 2];

impl Journal {
    /// Changes with every commit of any process, and now and then without one.
    pub fn stamp(&self) -> Stamp {
        let mut log = self.canonical.clone().into_os_string();
        log.push("-wal");
        [self.canonical.as_os_str(), log.as_os_str()].map(|path| {
            let facts = fs::metadata(path).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        })
    }

    pub async fn notices(&self) -> Result<Vec<Notice>, Error> {
        let rows = sqlx::query("/* notices */ SELECT * FROM notice ORDER BY kind, subject");
        let rows = rows.fetch_all(&self.reader).await?;
        let read = |row: &SqliteRow| {
            Ok(Notice {
                kind: row.try_get("kind")?,
                subject: row.try_get("subject")?,
                text: row.try_get("text")?,
                since_ms: row.try_get("since_ms")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// These and no others.
    pub async fn set_notices(&self, notices: &[Notice]) -> Result<(), Error> {
        let rows = notices
            .iter()
            .map(|each| json!([each.kind, each.subject, each.text, each.since_ms]));
        let rows = Value::Array(rows.collect()).to_string();
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("/* no notices */ DELETE FROM notice")
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "/* set notices */ INSERT OR REPLACE INTO notice
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)",
        )
        .bind(rows)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Somebody wants something of the daemon.
    pub async fn wish(&self, kind: &str, now: Moment) -> Result<(), Error> {
        sqlx::query("/* wish */ INSERT OR REPLACE INTO wish VALUES (?1, ?2)")
            .bind(kind)
            .bind(now.wall_ms)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// What was wanted, once.
    pub async fn take_wishes(&self) -> Result<Vec<String>, Error> {
        let is_any: bool =
            sqlx::query_scalar("/* any wishes */ SELECT EXISTS (SELECT 1 FROM wish)")
                .fetch_one(&self.reader)
                .await?;
        if !is_any {
            return Ok(Vec::new());
        }
        let wishes = sqlx::query_scalar("/* take wishes */ DELETE FROM wish RETURNING kind");
        Ok(wishes.fetch_all(&self.writer).await?)
    }
}
