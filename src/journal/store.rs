//! Opening a journal.

use super::guard::{Short, check_tables};
use super::schema::{APPLICATION_ID, CREATE, CREATED, UPGRADES, VERSION};
use super::witness::Witness;
use super::{Error, place};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A journal that is open. All writing goes through one connection.
#[derive(Clone, Debug)]
pub struct Journal {
    /// As it was given.
    pub(super) path: PathBuf,
    /// Whatever links lead to it: what lies beside it is named after this, so that two processes meet at one lock.
    pub(super) canonical: PathBuf,
    pub(super) writer: SqlitePool,
    pub(super) reader: SqlitePool,
    pub(super) witness: Arc<OnceLock<Witness>>,
}

/// The version of the database that is built in.
pub async fn sqlite_version() -> Result<String, Error> {
    use sqlx::{ConnectOptions, Connection};
    let mut memory = SqliteConnectOptions::new()
        .in_memory(true)
        .connect()
        .await?;
    let version = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut memory)
        .await?;
    memory.close().await?;
    Ok(version)
}

/// What brings a journal up to date is told to programs that are too old for it.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// How long a statement waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long whoever was turned away waits before it asks again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
const READERS_MAX: u32 = 4;

impl Journal {
    /// Opens the journal at `path`, and makes it if it is not there.
    pub async fn open(path: &Path) -> Result<Journal, Error> {
        let opened = async {
            loop {
                match Journal::try_to_open(path).await {
                    // Where two make a journal at once `SQLite` turns one of them away without letting it wait.
                    Err(Error::Busy) => sleep(BUSY_PAUSE).await,
                    opened => return opened,
                }
            }
        };
        timeout(BUSY_TIMEOUT, opened)
            .await
            .unwrap_or(Err(Error::Busy))
    }

    async fn try_to_open(path: &Path) -> Result<Journal, Error> {
        place::check(path)?;
        let options = options(path).create_if_missing(true);
        let writer = pool(path, options.clone().pragma("wal_autocheckpoint", "0"), 1).await?;
        let prepared = prepare(path, &writer).await;
        prepared.map_err(|error| named(path, error))?;
        let canonical = canonical(path)?;
        // Only now: a connection that knows the tables of before takes a row that has grown for the end of all rows.
        Ok(Journal {
            path: path.to_owned(),
            canonical,
            writer,
            reader: pool(path, options, READERS_MAX).await?,
            witness: Arc::default(),
        })
    }

    /// Opens the journal at `path` for whoever only reads. It may lie where nobody may write.
    pub async fn open_to_read(path: &Path) -> Result<Journal, Error> {
        place::check_kind(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT);
        let (reader, found) = match read_version(path, options.clone()).await {
            // Without its write-ahead log all of it is in the file, and nobody writes where nobody may.
            Err(_) if !log_path(path).exists() => {
                read_version(path, options.immutable(true)).await?
            }
            opened => opened?,
        };
        if found == (APPLICATION_ID, VERSION) {
            let checked = check_tables(&mut *reader.acquire().await?).await;
            checked.map_err(|error| named(path, error))?;
            return Ok(Journal {
                path: path.to_owned(),
                canonical: canonical(path)?,
                writer: reader.clone(),
                reader,
                witness: Arc::default(),
            });
        }
        // It is brought up to date, or refused.
        reader.close().await;
        Journal::open(path).await
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves what is durable from the write-ahead log into the file, beside the writer and without holding it up: a
    /// writer that did it in the midst of a commit would keep calls waiting.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&self.reader)
            .await?;
        Ok(())
    }

    /// Folds the write-ahead log back into the file; the journal is done with.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn canonical(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|error| Error::Open {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

/// Where `SQLite` keeps what is not in the file yet.
fn log_path(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push("-wal");
    PathBuf::from(name)
}

/// Whose file it is, and of which version.
async fn read_version(
    path: &Path,
    options: SqliteConnectOptions,
) -> Result<(SqlitePool, (i64, i64)), Error> {
    let reader = pool(path, options, READERS_MAX).await?;
    let query = sqlx::query_as("SELECT * FROM pragma_application_id, pragma_user_version");
    let found = query.fetch_one(&reader).await;
    Ok((reader, found.map_err(|error| open_error(path, error))?))
}

/// Makes the tables, or brings them up to date.
async fn prepare(path: &Path, writer: &SqlitePool) -> Result<(), Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *transaction)
        .await?;
    let owner: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *transaction)
        .await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *transaction)
        .await?;
    match (owner, found, tables) {
        (0, 0, 0) => {
            sqlx::raw_sql(CREATE).execute(&mut *transaction).await?;
            upgrade(&mut transaction, CREATED).await?;
            set_version(&mut transaction).await?;
            sqlx::query(sqlx::AssertSqlSafe(format!(
                "PRAGMA application_id = {APPLICATION_ID}"
            )))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        }
        (APPLICATION_ID, VERSION, _) => check_tables(&mut transaction).await,
        (APPLICATION_ID, 1..VERSION, _) => {
            upgrade(&mut transaction, found).await?;
            set_version(&mut transaction).await?;
            check_tables(&mut transaction).await?;
            transaction.commit().await?;
            Ok(())
        }
        (APPLICATION_ID, VERSION.., _) => Err(Error::LaterSchema {
            path: path.to_owned(),
            writer: writer_of(&mut transaction, found).await,
            found,
            program: PROGRAM,
            known: VERSION,
        }),
        _ => Err(Error::NotOurs {
            path: path.to_owned(),
        }),
    }
}

/// Whatever came after a version.
async fn upgrade(transaction: &mut Transaction<'_, Sqlite>, found: i64) -> Result<(), Error> {
    for (from, upgrade) in (1..).zip(UPGRADES) {
        if from >= found {
            sqlx::raw_sql(upgrade).execute(&mut **transaction).await?;
        }
    }
    Ok(())
}

async fn set_version(transaction: &mut Transaction<'_, Sqlite>) -> Result<(), Error> {
    let version = format!("PRAGMA user_version = {VERSION}");
    sqlx::query(sqlx::AssertSqlSafe(version))
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "/* written by */ INSERT OR REPLACE INTO written_by (version, program) VALUES (?1, ?2)",
    )
    .bind(VERSION)
    .bind(PROGRAM)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Which program brought the journal to a version that is not known here. A later one may have it written elsewhere.
async fn writer_of(transaction: &mut Transaction<'_, Sqlite>, version: i64) -> String {
    let query = format!(
        "SELECT {} FROM written_by WHERE version = ?1",
        Short("program")
    );
    let program = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(version)
        .fetch_optional(&mut **transaction)
        .await;
    let program: Option<String> = program.unwrap_or_default();
    program.map_or_else(
        || "a later version of campanile".to_owned(),
        |program| format!("campanile {program}"),
    )
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
}

async fn pool(
    path: &Path,
    options: SqliteConnectOptions,
    connections: u32,
) -> Result<SqlitePool, Error> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(|error| open_error(path, error))
}

fn open_error(path: &Path, error: sqlx::Error) -> Error {
    let path = path.to_owned();
    if error.to_string().contains("database is locked") {
        return Error::Busy;
    }
    if error.to_string().contains("file is not a database") {
        return Error::NotOurs { path };
    }
    if path.is_dir() {
        let why = "it is a folder".to_owned();
        return Error::Open { path, why };
    }
    match Error::from(error) {
        Error::Database(why) => Error::Open { path, why },
        known => named(&path, known),
    }
}

fn named(path: &Path, error: Error) -> Error {
    match error {
        Error::Damaged { what } => Error::damaged(&format!("`{}`: {what}", path.display())),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each makes a journal of one version into one of the version before, the latest first.
    const BACK: [&str; 6] = [
        "ALTER TABLE run DROP COLUMN start_within_ms; PRAGMA user_version = 6",
        "DROP TABLE watched; DROP TABLE occurrence; DROP TABLE paused; DROP TABLE notice; DROP TABLE wish;
        PRAGMA user_version = 5",
        "ALTER TABLE run RENAME TO run_later;
        CREATE TABLE run (id INTEGER PRIMARY KEY, app TEXT NOT NULL, sdk_app_id INTEGER NOT NULL, host TEXT NOT NULL,
            campaign TEXT NOT NULL, local TEXT NOT NULL, fold INTEGER NOT NULL, zone TEXT NOT NULL,
            ordinal INTEGER NOT NULL, channel TEXT NOT NULL, digest TEXT NOT NULL, planned INTEGER NOT NULL,
            skipped INTEGER NOT NULL, rate REAL, attempts INTEGER NOT NULL, revision TEXT, opened_ms INTEGER NOT NULL,
            tolerate INTEGER NOT NULL DEFAULT 0, hours TEXT, pause_after INTEGER,
            on_unknown TEXT NOT NULL DEFAULT 'hold', finish_by_ms INTEGER,
            UNIQUE (sdk_app_id, host, campaign, local, fold, zone, ordinal)) STRICT;
        INSERT INTO run SELECT id, app, sdk_app_id, host, campaign, local, fold, zone, ordinal, channel, digest, planned,
            skipped, rate, attempts, revision, opened_ms, tolerate, hours, pause_after, on_unknown, finish_by_ms
            FROM run_later;
        DROP TABLE run_later; PRAGMA user_version = 4",
        "DROP TABLE journal; DROP INDEX entry_ended; DROP TABLE pruned; DROP TABLE written_by; PRAGMA user_version = 3",
        "ALTER TABLE run DROP COLUMN on_unknown; ALTER TABLE run DROP COLUMN finish_by_ms; PRAGMA user_version = 2",
        "ALTER TABLE run DROP COLUMN tolerate;
        ALTER TABLE run DROP COLUMN hours; ALTER TABLE run DROP COLUMN pause_after;
        ALTER TABLE delivery DROP COLUMN members; PRAGMA user_version = 1",
    ];

    /// Closes a journal and leaves it as a program of `versions` versions ago would have.
    async fn put_back(journal: &Journal, versions: usize) {
        for statements in BACK.iter().take(versions) {
            sqlx::raw_sql(*statements)
                .execute(&journal.writer)
                .await
                .unwrap();
        }
        journal.close().await;
    }

    /// Who takes its runs for none sends them again.
    #[tokio::test]
    async fn the_runs_of_an_older_journal_are_seen_at_once() {
        for versions in 0..=BACK.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            let journal = Journal::open(&path).await.unwrap();
            let run = "INSERT INTO run (id, app, sdk_app_id, host, campaign, local, fold, zone, ordinal, channel,
                    digest, planned, skipped, attempts, opened_ms)
                VALUES (1, 'main', 1, 'h', 'news', '2026-11-11T09:00', 0, 'UTC', 1, 'group_message', 'd', 1, 0, 5, 0)";
            sqlx::raw_sql(run).execute(&journal.writer).await.unwrap();
            put_back(&journal, versions).await;
            let journal = Journal::open(&path).await.unwrap();
            let name = crate::identity::CampaignName::try_from("news").unwrap();
            let runs = journal.runs_of(&name).await.unwrap();
            assert_eq!(runs.len(), 1, "{versions} versions ago");
            assert_eq!(runs[0].on_unknown, crate::settings::OnUnknown::Hold);
            assert_eq!(runs[0].finish_by_ms, None);
            assert_eq!((runs[0].key.test, runs[0].stop_after), (false, None));
            assert_eq!(runs[0].start_within, None);
            journal.close().await;
        }
    }

    /// A run is begun, and somebody looks at that very moment what has become of it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn who_makes_a_journal_while_others_do_is_not_turned_away() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let path = path.clone();
                all.spawn(async move { Journal::open(&path).await.map(drop) });
            }
            for opened in all.join_all().await {
                opened.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_journal_of_an_earlier_version_is_brought_up_to_date() {
        for versions in 1..=BACK.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            put_back(&Journal::open(&path).await.unwrap(), versions).await;
            for _ in 0..2 {
                let journal = Journal::open(&path).await.unwrap();
                let added = "SELECT tolerate, hours, pause_after, members, on_unknown, finish_by_ms, test, stop_after, start_within_ms FROM run, delivery";
                let rows = sqlx::query(added).fetch_all(&journal.reader).await;
                assert!(rows.unwrap().is_empty());
                let version: i64 = sqlx::query_scalar("PRAGMA user_version")
                    .fetch_one(&journal.reader)
                    .await
                    .unwrap();
                assert_eq!(version, VERSION);
                let index = "SELECT count(*) FROM sqlite_schema WHERE name = 'entry_ended'";
                let indices: i64 = sqlx::query_scalar(index)
                    .fetch_one(&journal.reader)
                    .await
                    .unwrap();
                assert_eq!(indices, 1);
                assert!(journal.watched().await.unwrap().is_empty());
                assert!(journal.waiting().await.unwrap().is_empty());
                assert!(journal.paused_campaigns().await.unwrap().is_empty());
                assert!(journal.notices().await.unwrap().is_empty());
                assert!(journal.take_wishes().await.unwrap().is_empty());
                journal.close().await;
            }
        }
    }

    /// Whoever carries on with it would not know what its entries mean.
    #[tokio::test]
    async fn a_journal_of_a_later_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let journal = Journal::open(&path).await.unwrap();
        sqlx::raw_sql("PRAGMA user_version = 99")
            .execute(&journal.writer)
            .await
            .unwrap();
        journal.close().await;
        let refused = Journal::open(&path).await.unwrap_err();
        assert!(matches!(refused, Error::LaterSchema { found: 99, .. }));
    }
}
