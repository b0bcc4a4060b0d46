//! Problems that the daemon reports, and commands that operators send it: the two speak through the journal.

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

/// Command of an operator to the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaemonCommand {
    /// Campaigns that are gone are meant to be gone, however many they are.
    ConfirmRemoval,
}

impl DaemonCommand {
    fn name(self) -> &'static str {
        match self {
            DaemonCommand::ConfirmRemoval => "confirm_removal",
        }
    }

    fn from_name(name: &str) -> Option<DaemonCommand> {
        let all = [DaemonCommand::ConfirmRemoval];
        all.into_iter().find(|command| command.name() == name)
    }
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

    /// Leaves a command for the daemon of this journal.
    pub async fn send_command(&self, command: DaemonCommand, now: Moment) -> Result<(), Error> {
        sqlx::query("/* send command */ INSERT OR REPLACE INTO daemon_command VALUES (?1, ?2)")
            .bind(command.name())
            .bind(now.wall_ms)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Returns the commands that were left for the daemon, each once.
    pub async fn take_commands(&self) -> Result<Vec<DaemonCommand>, Error> {
        let is_any: bool =
            sqlx::query_scalar("/* any commands */ SELECT EXISTS (SELECT 1 FROM daemon_command)")
                .fetch_one(&self.reader)
                .await?;
        if !is_any {
            return Ok(Vec::new());
        }
        let taken = "/* take commands */ DELETE FROM daemon_command RETURNING command";
        let taken: Vec<String> = sqlx::query_scalar(taken).fetch_all(&self.writer).await?;
        let commands = taken.iter();
        Ok(commands
            .filter_map(|name| DaemonCommand::from_name(name))
            .collect())
    }
}
