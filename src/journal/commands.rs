//! Commands that operators send the daemon through the journal, and how it notices that something was written.

use super::header::log_path;
use super::{Error, Journal};
use crate::identity::Moment;
use std::fs;
use std::time::SystemTime;

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
        [self.canonical.clone(), log_path(&self.canonical)].map(|path| {
            let facts = fs::metadata(path).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        })
    }

    /// Leaves a command for the daemon of this journal.
    pub async fn send_command(&self, command: DaemonCommand, now: Moment) -> Result<(), Error> {
        let send = "/* send command */ INSERT OR REPLACE INTO daemon_command VALUES (?1, ?2)";
        let send = sqlx::query(send).bind(command.name()).bind(now.wall_ms);
        self.writer.execute(send).await.map(drop)
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
        let mut transaction = self.writer.begin().await?;
        let taken: Vec<String> = sqlx::query_scalar(taken)
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let commands = taken.iter();
        Ok(commands
            .filter_map(|name| DaemonCommand::from_name(name))
            .collect())
    }
}
