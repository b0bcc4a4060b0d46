//! The connection that writes, behind a circuit breaker.
//!
//! A connection whose transaction did not come to its commit is closed: `SQLite` may have rolled back by itself, and a commit
//! that failed may be on the disk all the same. After an error that may pass no writer is let through until a probe has
//! opened the journal again, found the epoch that it must have, and committed and synced a new one. What is in the journal
//! then is durable, so whether an entry is written is read from there.

use super::error::Error;
use super::file::JournalFile;
use super::witness::{self, Epoch, Witness, next_epoch};
use crate::clock;
use crate::containment::restart_task_on_panic;
use crate::identity::Moment;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteQueryResult};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, query::Query};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{self, OwnedMutexGuard, watch};
use tokio::time::sleep;

/// Pause before the first probe of a journal that failed; each further pause doubles.
const PROBE_PAUSE: Duration = Duration::from_millis(100);
const PROBE_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A time in which the journal cannot be written.
#[derive(Clone, Debug)]
pub struct Outage {
    pub since: Moment,
    /// The latest error. One that does not pass ends the process.
    pub error: Error,
}

#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    file: Arc<JournalFile>,
    connection: Arc<sync::Mutex<Option<SqliteConnection>>>,
    outage: watch::Sender<Option<Outage>>,
    /// What this process committed last.
    epoch: Mutex<Option<Epoch>>,
    /// Where probes run: a lane's thread may end before the outage does.
    runtime: Handle,
}

/// Statements that are committed together. Dropping it closes the connection, which rolls them back.
#[derive(Debug)]
pub(super) struct Transaction {
    connection: SqliteConnection,
    place: OwnedMutexGuard<Option<SqliteConnection>>,
    writer: Arc<Writer>,
}

impl Writer {
    /// Takes the first connection over, or connects when it is first used.
    pub(super) fn new(
        options: SqliteConnectOptions,
        file: Arc<JournalFile>,
        connection: Option<SqliteConnection>,
    ) -> Arc<Writer> {
        Arc::new(Writer {
            options,
            file,
            connection: Arc::new(sync::Mutex::new(connection)),
            outage: watch::Sender::new(None),
            epoch: Mutex::new(None),
            runtime: Handle::current(),
        })
    }

    /// Begins a transaction that no other process can overtake. Fails at once during an outage.
    pub(super) async fn begin(self: &Arc<Writer>) -> Result<Transaction, Error> {
        let mut transaction = self.connected().await?;
        let begun = sqlx::raw_sql("BEGIN IMMEDIATE");
        let begun = begun.execute(&mut *transaction).await;
        begun
            .map_err(Error::from)
            // Before the next writer has its turn.
            .inspect_err(|error| self.note(error))?;
        Ok(transaction)
    }

    /// Executes one statement that stands alone.
    pub(super) async fn execute(
        self: &Arc<Writer>,
        statement: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<SqliteQueryResult, Error> {
        let mut transaction = self.begin().await?;
        let done = statement.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// Executes a statement that no transaction may surround.
    pub(super) async fn execute_alone(
        self: &Arc<Writer>,
        statement: &'static str,
    ) -> Result<(), Error> {
        let mut transaction = self.connected().await?;
        let done = sqlx::raw_sql(statement).execute(&mut *transaction).await;
        done.map_err(Error::from)
            .inspect_err(|error| self.note(error))?;
        transaction.keep();
        Ok(())
    }

    /// Waits for its turn and connects where there is no connection.
    async fn connected(self: &Arc<Writer>) -> Result<Transaction, Error> {
        self.check_available()?;
        let mut place = Arc::clone(&self.connection).lock_owned().await;
        self.check_available()?;
        let connection = if let Some(connection) = place.take() {
            connection
        } else {
            let connected = self.options.connect().await.map_err(Error::from);
            connected.inspect_err(|error| self.note(error))?
        };
        Ok(Transaction {
            connection,
            place,
            writer: Arc::clone(self),
        })
    }

    fn check_available(&self) -> Result<(), Error> {
        match &*self.outage.borrow() {
            Some(outage) => Err(outage.error.clone()),
            None => Ok(()),
        }
    }

    pub(super) fn outages(&self) -> watch::Receiver<Option<Outage>> {
        self.outage.subscribe()
    }

    /// Begins an outage if the error may pass and none has begun.
    pub(super) fn note(self: &Arc<Writer>, error: &Error) {
        if !error.is_unavailable() {
            return;
        }
        let has_begun = self.outage.send_if_modified(|outage| {
            let has_begun = outage.is_none();
            outage.get_or_insert_with(|| Outage {
                since: clock::now(),
                error: error.clone(),
            });
            has_begun
        });
        if has_begun {
            let writer = Arc::clone(self);
            let probe = move || probe_until_over(Arc::clone(&writer));
            self.runtime.spawn(restart_task_on_panic(probe));
        }
    }

    /// Waits until the outage that `error` begins, or is part of, is over. Returns an error that does not pass.
    pub(super) async fn recovered(self: &Arc<Writer>, error: Error) -> Result<(), Error> {
        self.note(&error);
        if !error.is_unavailable() {
            return Err(error);
        }
        let is_decided = |outage: &Option<Outage>| {
            outage
                .as_ref()
                .is_none_or(|outage| !outage.error.is_unavailable())
        };
        let mut outages = self.outages();
        let decided = outages.wait_for(is_decided).await;
        match decided.ok().and_then(|outage| outage.clone()) {
            None => Ok(()),
            Some(outage) => Err(outage.error),
        }
    }

    /// Opens the journal again, compares its epoch with the last that this process committed, and commits the next.
    async fn probe(&self) -> Result<(), Error> {
        let mut place = Arc::clone(&self.connection).lock_owned().await;
        if let Some(connection) = place.take() {
            // What cannot be closed in order is closed by being dropped.
            let _ = connection.close().await;
        }
        self.file.check_in_place()?;
        let options = self.options.clone().create_if_missing(false);
        let mut connection = options.connect().await?;
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await?;
        let present = next_epoch(&mut connection).await?;
        let last = *self.epoch();
        if let Some(last) = last {
            present.check_follows(last, &self.file.path)?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
        *self.epoch() = Some(present);
        let told = Witness::open(&self.file.path).and_then(|witness| witness.tell(present));
        told.map_err(|error| witness::failed(&Witness::path_of(&self.file.path), &error))?;
        *place = Some(connection);
        Ok(())
    }

    /// Remembers what was committed.
    pub(super) fn committed(&self, epoch: Epoch) {
        *self.epoch() = Some(epoch);
    }

    fn epoch(&self) -> MutexGuard<'_, Option<Epoch>> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection. The next writer would open it again.
    pub(super) async fn close(&self) {
        let connection = self.connection.lock().await.take();
        if let Some(connection) = connection {
            let _ = connection.close().await;
        }
    }
}

/// Probes until the journal can be written or never will be.
async fn probe_until_over(writer: Arc<Writer>) {
    let mut pause = PROBE_PAUSE;
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(PROBE_PAUSE_MAX);
        let error = match writer.probe().await {
            Ok(()) => {
                writer.outage.send_replace(None);
                return;
            }
            Err(error) => error,
        };
        let is_over = !error.is_unavailable();
        writer.outage.send_modify(|outage| {
            if let Some(outage) = outage {
                outage.error = error;
            }
        });
        if is_over {
            return;
        }
    }
}

impl Transaction {
    /// When this returns, the statements are on the disk. If it fails, whether they are must be read from the journal once
    /// that can be written again.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let committed = sqlx::raw_sql("COMMIT").execute(&mut self.connection).await;
        committed
            .map_err(Error::from)
            .inspect_err(|error| self.writer.note(error))?;
        self.keep();
        Ok(())
    }

    fn keep(self) {
        let Transaction {
            connection,
            mut place,
            ..
        } = self;
        *place = Some(connection);
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

#[cfg(test)]
mod tests {
    use super::super::Journal;
    use super::*;
    use crate::delivery::{End, EndReason, Entry, PauseReason, RunEvent};
    use crate::identity::DeliveryNumber;
    use crate::journal::Written;
    use crate::journal::tests::{NOW, in_a_new_journal, open, opening};
    use std::path::Path;

    async fn locked(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path);
        let mut other = options.connect().await.unwrap();
        let begun = sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await;
        begun.unwrap();
        other
    }

    async fn wait(journal: &Journal, is_so: impl Fn(&Option<Outage>) -> bool) {
        let mut outages = journal.outages();
        outages.wait_for(is_so).await.unwrap();
    }

    #[tokio::test]
    async fn writer_of_a_busy_journal_waits_and_goes_on() {
        let (_folder, journal) = in_a_new_journal().await;
        let other = locked(journal.path()).await;
        journal.writer.note(&Error::Busy);
        let refused = journal.writer.begin().await.unwrap_err();
        assert!(matches!(refused, Error::Busy), "{refused}");
        other.close().await.unwrap();
        journal.recovered(refused).await.unwrap();
        journal
            .writer
            .begin()
            .await
            .unwrap()
            .commit()
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn transaction_that_was_dropped_or_failed_leaves_the_next_one_a_sound_connection() {
        let (_folder, journal) = in_a_new_journal().await;
        drop(journal.writer.begin().await.unwrap());
        let mut ended = journal.writer.begin().await.unwrap();
        let rolled_back = sqlx::raw_sql("ROLLBACK").execute(&mut *ended).await;
        rolled_back.unwrap();
        ended.commit().await.unwrap_err();
        journal
            .writer
            .begin()
            .await
            .unwrap()
            .commit()
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn what_was_committed_before_the_outage_is_not_written_again() {
        let (_folder, journal) = in_a_new_journal().await;
        let run = open(&journal, &opening()).await;
        let written = Written {
            run,
            number: DeliveryNumber(0),
            place: 1,
            entry: Entry::Ended {
                end: End::Skipped,
                reason: EndReason::TooLate,
                at: NOW,
            },
        };
        let paused = RunEvent::Paused {
            reason: PauseReason::Operator,
        };
        for _ in 0..2 {
            journal.writer.note(&Error::Full);
            journal
                .append(std::slice::from_ref(&written))
                .await
                .unwrap();
            journal.append_run(run, &paused, NOW).await.unwrap();
        }
        let read = journal.run(run).await.unwrap();
        assert_eq!(read.entries.len(), 1);
        let page = journal.page(run, read.channel, None, 1).await.unwrap();
        assert_eq!(page[0].entries, [written.entry]);
    }

    #[tokio::test]
    async fn journal_that_is_gone_or_older_does_not_recover() {
        let (folder, journal) = in_a_new_journal().await;
        let commit = || async { journal.commit(journal.writer.begin().await?).await };
        commit().await.unwrap();
        commit().await.unwrap();
        let older = "UPDATE journal SET epoch = 0";
        journal.writer.execute_alone(older).await.unwrap();
        let refused = journal.recovered(Error::Full).await.unwrap_err();
        assert!(matches!(refused, Error::Older { .. }), "{refused}");
        assert!(commit().await.is_err(), "nothing is written from then on");

        let (folder, journal) = {
            drop(folder);
            in_a_new_journal().await
        };
        let moved = folder.path().join("moved.db");
        std::fs::rename(journal.path(), moved).unwrap();
        let refused = journal.recovered(Error::Full).await.unwrap_err();
        assert!(matches!(refused, Error::Displaced { .. }), "{refused}");
        wait(&journal, Option::is_some).await;
        drop(folder);
    }
}
