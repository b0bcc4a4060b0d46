//! Opening a journal.

use super::error::sqlite_code;
use super::file::{JournalFile, resolve};
use super::guard::{Short, check_tables};
use super::header::{log_path, refuse_development};
use super::precedence::Precedence;
use super::schema::{APPLICATION_ID, SCHEMA, Schema};
use super::witness::{Witness, check_present};
use super::writer::{Outage, Writer};
use super::{Error, place};
use crate::files::Access;
use crate::process::{has_few_descriptors, journal_readers};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A journal that is open. All writing goes through one connection.
#[derive(Clone, Debug)]
pub struct Journal {
    /// As it was given.
    pub(super) path: PathBuf,
    /// Whatever links lead to it: what lies beside it is named after this, so that two processes meet at one lock.
    pub(super) canonical: PathBuf,
    pub(super) file: Arc<JournalFile>,
    pub(super) writer: Arc<Writer>,
    pub(super) reader: SqlitePool,
    pub(super) witness: Arc<OnceLock<Witness>>,
    pub(super) precedence: Arc<Precedence>,
}

/// The version of the database that is built in.
pub async fn sqlite_version() -> Result<String, Error> {
    let mut memory = in_memory().connect().await?;
    let version = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut memory)
        .await?;
    memory.close().await?;
    Ok(version)
}

/// Version of this program. It is recorded in the journals that it makes or upgrades, for programs that are too old for
/// them.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// How long a statement waits for another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the write-ahead log that stay when it is begun again.
const LOG_BYTES_KEPT: &str = "1048576";
/// Wait before a process that was turned away asks again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

impl Journal {
    /// Opens the journal at `path` to write to it. Makes it if it is not there, and upgrades it if its schema is older.
    pub async fn open(path: &Path) -> Result<Journal, Error> {
        Journal::open_as(path, SCHEMA).await
    }

    async fn open_as(path: &Path, schema: Schema) -> Result<Journal, Error> {
        let opened = async {
            loop {
                match Journal::try_to_open(path, schema).await {
                    // Where two processes make a journal at once, `SQLite` turns one away without letting it wait.
                    Err(Error::Busy) => sleep(BUSY_PAUSE).await,
                    opened => return opened,
                }
            }
        };
        timeout(BUSY_TIMEOUT, opened)
            .await
            .unwrap_or(Err(Error::Busy))
    }

    async fn try_to_open(path: &Path, schema: Schema) -> Result<Journal, Error> {
        place::check(path)?;
        let canonical = canonical(path)?;
        check_present(path, &canonical)?;
        let file = JournalFile::open(path, &canonical, Access::Write)?;
        refuse_development(&file)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .create_if_missing(true);
        let mut writer_options = options
            .clone()
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", LOG_BYTES_KEPT);
        if file.is_empty() {
            // Later it could only be changed by writing the whole file again.
            writer_options = writer_options.auto_vacuum(SqliteAutoVacuum::Incremental);
        }
        let writer = writer_options.connect().await;
        let mut writer = writer.map_err(|error| open_error(path, error))?;
        let prepared = prepare(path, &mut writer, schema).await;
        prepared.map_err(|error| named(path, error))?;
        file.settle()?;
        let file = Arc::new(file);
        let writer = Writer::new(writer_options, Arc::clone(&file), Some(writer));
        // Only now: a connection that knows the tables of before takes a row that has grown for the end of all rows.
        Ok(Journal {
            path: path.to_owned(),
            canonical,
            file,
            writer,
            reader: connect(path, pool(journal_readers()), options).await?,
            witness: Arc::default(),
            precedence: Arc::default(),
        })
    }

    /// Opens the journal at `path` to read it, which neither makes nor upgrades it. Its folder need not be writable.
    pub async fn open_to_read(path: &Path) -> Result<Journal, Error> {
        Journal::open_to_read_as(path, SCHEMA).await
    }

    async fn open_to_read_as(path: &Path, schema: Schema) -> Result<Journal, Error> {
        place::check_kind(path)?;
        let canonical = canonical(path)?;
        check_present(path, &canonical)?;
        let file = JournalFile::open(path, &canonical, Access::Read)?;
        refuse_development(&file)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT);
        let reader = match reader(path, options.clone(), schema).await {
            // Without a write-ahead log the file has everything, and no process writes where none may.
            Err(_) if !log_path(&canonical).exists() => {
                reader(path, options.clone().immutable(true), schema).await
            }
            opened => opened,
        };
        let reader = reader.map_err(|error| named(path, error))?;
        let file = Arc::new(file);
        Ok(Journal {
            path: path.to_owned(),
            writer: Writer::new(options, Arc::clone(&file), None),
            canonical,
            file,
            reader,
            witness: Arc::default(),
            precedence: Arc::default(),
        })
    }

    /// Tells whether the journal can be written, and why not.
    pub fn outages(&self) -> watch::Receiver<Option<Outage>> {
        self.writer.outages()
    }

    /// Begins an outage, unless the error does not pass or one has begun: until the journal can be written nobody writes.
    pub fn note_outage(&self, error: &Error) {
        self.writer.note(error);
    }

    /// Waits until the journal can be written again after an error. What is in it then is durable; whether the write that
    /// failed is, is read from it. Returns an error that does not pass.
    pub async fn recovered(&self, error: Error) -> Result<(), Error> {
        self.writer.recovered(error).await
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if the journal was deleted, moved, replaced or emptied since it was opened.
    pub fn check_in_place(&self) -> Result<(), Error> {
        self.file.check_in_place()
    }

    /// Fails if the file of the journal has got a further name.
    pub fn check_links(&self) -> Result<(), Error> {
        self.file.check_links()
    }

    /// Fails if there is no journal at a path, but a witness of one.
    pub fn check_present(path: &Path) -> Result<(), Error> {
        // There is no witness in a folder that is not there.
        resolve(path).map_or(Ok(()), |canonical| check_present(path, &canonical))
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
    resolve(path).map_err(|error| Error::Open {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

/// Content of a database that may be used as a journal.
enum Found {
    /// No tables yet.
    Nothing,
    /// A journal of this schema version.
    Version(i64),
}

/// Reads what a database is. Refuses one of another program, and one of a later version than `schema`.
async fn identify(
    path: &Path,
    connection: &mut SqliteConnection,
    schema: Schema,
) -> Result<Found, Error> {
    let found = sqlx::query_as(
        "/* identify */ SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id, pragma_user_version",
    );
    let found = found.fetch_one(&mut *connection).await;
    let (owner, found, tables): (i64, i64, i64) = found.map_err(|error| open_error(path, error))?;
    let known = schema.version();
    let path = path.to_owned();
    match (owner, found) {
        (0, 0) if tables == 0 => Ok(Found::Nothing),
        (APPLICATION_ID, 1..) if found <= known => Ok(Found::Version(found)),
        (APPLICATION_ID, 1..) => Err(Error::LaterSchema {
            path,
            writer: writer_of(connection, found).await,
            found,
            program: PROGRAM,
            known,
        }),
        _ => Err(Error::ForeignDatabase { path }),
    }
}

/// Makes or upgrades the tables: all of them or, if the process ends meanwhile, none.
async fn prepare(path: &Path, writer: &mut SqliteConnection, schema: Schema) -> Result<(), Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let known = schema.version();
    match identify(path, &mut transaction, schema).await? {
        Found::Nothing => {
            make_tables(&mut transaction, schema, known).await?;
            let owner = format!("PRAGMA application_id = {APPLICATION_ID}");
            let owner = sqlx::query(AssertSqlSafe(owner));
            owner.execute(&mut *transaction).await?;
        }
        Found::Version(found) => {
            check_tables(&mut transaction, &tables(schema, found).await?).await?;
            if found == known {
                return Ok(());
            }
            for migration in schema.migrations(found, known) {
                sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
            }
        }
    }
    sqlx::query(AssertSqlSafe(format!("PRAGMA user_version = {known}")))
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "/* written by */ INSERT OR REPLACE INTO written_by (version, program) VALUES (?1, ?2)",
    )
    .bind(known)
    .bind(PROGRAM)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Makes the tables as they are in a version of the schema.
async fn make_tables(
    connection: &mut SqliteConnection,
    schema: Schema,
    version: i64,
) -> Result<(), Error> {
    let create = sqlx::raw_sql(schema.create);
    create.execute(&mut *connection).await?;
    for migration in schema.migrations(1, version) {
        sqlx::raw_sql(*migration).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Returns the names of the tables that a version of the schema has.
async fn tables(schema: Schema, version: i64) -> Result<Vec<String>, Error> {
    let mut memory = in_memory().connect().await?;
    make_tables(&mut memory, schema, version).await?;
    let names = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'");
    let names = names.fetch_all(&mut memory).await?;
    memory.close().await?;
    Ok(names)
}

/// Returns the program that brought the journal to a version. A later program may record it elsewhere.
async fn writer_of(connection: &mut SqliteConnection, version: i64) -> String {
    let query = format!(
        "/* writer of */ SELECT {} FROM written_by WHERE version = ?1",
        Short("program")
    );
    let program = sqlx::query_scalar(AssertSqlSafe(query))
        .bind(version)
        .fetch_optional(connection)
        .await;
    let program: Option<String> = program.unwrap_or_default();
    program.map_or_else(
        || "another version of campanile".to_owned(),
        |program| format!("campanile {program}"),
    )
}

/// Connects to a journal to read it. An empty file is read as a journal without runs, and one of the version before
/// through the views of the schema.
async fn reader(
    path: &Path,
    options: SqliteConnectOptions,
    schema: Schema,
) -> Result<SqlitePool, Error> {
    let reader = connect(path, pool(journal_readers()), options.clone()).await?;
    let mut connection = reader.acquire().await?;
    let known = schema.version();
    let found = match identify(path, &mut connection, schema).await? {
        Found::Version(found) => found,
        Found::Nothing => {
            let empty = connect(path, pool(1), in_memory()).await?;
            make_tables(&mut *empty.acquire().await?, schema, known).await?;
            return Ok(empty);
        }
    };
    check_tables(&mut connection, &tables(schema, found).await?).await?;
    if found == known {
        return Ok(reader);
    }
    let Some(views) = schema.previous.filter(|_| found == known - 1) else {
        return Err(Error::EarlierSchema {
            path: path.to_owned(),
            writer: writer_of(&mut connection, found).await,
            found,
            program: PROGRAM,
            known,
        });
    };
    let pool = pool(journal_readers()).after_connect(move |connection, _| {
        Box::pin(async move { sqlx::raw_sql(views).execute(connection).await.map(drop) })
    });
    connect(path, pool, options).await
}

fn in_memory() -> SqliteConnectOptions {
    SqliteConnectOptions::new().in_memory(true)
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        // Where descriptors are few there may be none left later.
        .min_connections(if has_few_descriptors() {
            connections
        } else {
            0
        })
        .idle_timeout(None)
        .max_lifetime(None)
}

async fn connect(
    path: &Path,
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, Error> {
    let connected = pool.connect_with(options).await;
    connected.map_err(|error| open_error(path, error))
}

/// Number of an error of `SQLite` that says that a file is not a database.
const NOT_A_DATABASE: u32 = 26;

fn open_error(path: &Path, error: sqlx::Error) -> Error {
    let path = path.to_owned();
    if path.is_dir() {
        let why = "it is a folder".to_owned();
        return Error::Open { path, why };
    }
    if sqlite_code(&error) == Some(NOT_A_DATABASE) {
        return Error::ForeignDatabase { path };
    }
    match Error::from(error) {
        Error::Database(why) | Error::CannotOpen(why) => Error::Open { path, why },
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
#[expect(
    clippy::disallowed_methods,
    reason = "the files of a journal are compared"
)]
mod tests {
    use super::*;
    use crate::identity::CampaignName;
    use sqlx::Row;
    use std::fs;
    use tempfile::TempDir;

    const FIRST: Schema = Schema {
        create: SCHEMA.create,
        migrations: &[],
        previous: None,
    };

    /// Made-up version after the first.
    const NEXT: Schema = Schema {
        create: SCHEMA.create,
        migrations: &[
            "ALTER TABLE run ADD COLUMN added TEXT NOT NULL DEFAULT 'as before';
            CREATE TABLE extra (a INTEGER PRIMARY KEY) STRICT;
            INSERT INTO extra VALUES (7)",
        ],
        previous: Some(
            "CREATE TEMP VIEW run AS SELECT *, 'as before' AS added FROM main.run;
            CREATE TEMP VIEW extra AS SELECT 7 AS a",
        ),
    };

    fn place() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        (folder, path)
    }

    /// Makes a journal of version 1 with a run, as another program would have.
    async fn place_with_run() -> (TempDir, PathBuf) {
        let (folder, path) = place();
        let journal = Journal::open_as(&path, FIRST).await.unwrap();
        let written = "UPDATE written_by SET program = '0.0.9';
            INSERT INTO run (id, app, sdk_app_id, host, campaign, local, fold, zone, ordinal, channel, digest, planned,
                skipped, attempts, opened_ms, tolerate, on_unknown, test)
            VALUES (1, 'main', 1, 'h', 'news', '2026-11-11T09:00', 0, 'UTC', 1, 'group_message', 'd', 1, 0, 5, 0, 0, 'hold',
                0)";
        let mut transaction = journal.writer.begin().await.unwrap();
        let written = sqlx::raw_sql(written).execute(&mut *transaction).await;
        written.unwrap();
        transaction.commit().await.unwrap();
        journal.close().await;
        (folder, path)
    }

    async fn assert_has_run(journal: &Journal) {
        let name = CampaignName::try_from("news").unwrap();
        assert_eq!(journal.runs_of(&name).await.unwrap().len(), 1);
    }

    async fn assert_has_what_was_added(journal: &Journal) {
        let query = "SELECT added, a FROM run, extra";
        let row = sqlx::query(query).fetch_one(&journal.reader).await.unwrap();
        let (added, a): (String, i64) = (row.get("added"), row.get("a"));
        assert_eq!((added.as_str(), a), ("as before", 7));
    }

    async fn versions(journal: &Journal) -> (i64, Vec<(i64, String)>) {
        let version = sqlx::query_scalar("PRAGMA user_version");
        let writers = sqlx::query_as("SELECT version, program FROM written_by ORDER BY version");
        (
            version.fetch_one(&journal.reader).await.unwrap(),
            writers.fetch_all(&journal.reader).await.unwrap(),
        )
    }

    async fn layout(journal: &Journal) -> Vec<String> {
        let query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql";
        let layout = sqlx::query_scalar(query).fetch_all(&journal.reader).await;
        layout.unwrap()
    }

    #[tokio::test]
    async fn journal_of_earlier_version_is_upgraded_once_and_keeps_its_runs() {
        let (_folder, path) = place_with_run().await;
        for _ in 0..2 {
            let journal = Journal::open_as(&path, NEXT).await.unwrap();
            assert_has_run(&journal).await;
            assert_has_what_was_added(&journal).await;
            let writers = vec![(1, "0.0.9".to_owned()), (2, PROGRAM.to_owned())];
            assert_eq!(versions(&journal).await, (2, writers));
            journal.close().await;
        }
    }

    #[tokio::test]
    async fn new_journal_has_the_tables_of_an_upgraded_one() {
        let (_folder, path) = place_with_run().await;
        let upgraded = Journal::open_as(&path, NEXT).await.unwrap();
        let (_folder, path) = place();
        let new = Journal::open_as(&path, NEXT).await.unwrap();
        assert_eq!(layout(&new).await, layout(&upgraded).await);
        assert_eq!(versions(&new).await, (2, vec![(2, PROGRAM.to_owned())]));
    }

    #[tokio::test]
    async fn upgrade_that_fails_half_way_changes_nothing() {
        let failing = Schema {
            migrations: &["CREATE TABLE extra (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)"],
            ..NEXT
        };
        let (_folder, path) = place_with_run().await;
        Journal::open_as(&path, failing).await.unwrap_err();
        let journal = Journal::open_as(&path, FIRST).await.unwrap();
        assert_has_run(&journal).await;
        let (_folder, path) = place();
        let new = Journal::open_as(&path, FIRST).await.unwrap();
        assert_eq!(layout(&journal).await, layout(&new).await);
        assert_eq!(versions(&journal).await.0, 1);
    }

    #[tokio::test]
    async fn upgrade_that_is_cut_off_half_way_changes_nothing() {
        let (folder, path) = place_with_run().await;
        let journal = Journal::open_as(&path, FIRST).await.unwrap();
        // What does not fit into memory is in the log before it is committed.
        let writer = &journal.writer;
        writer.execute_alone("PRAGMA cache_size = 1").await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        for half in [
            NEXT.migrations[0],
            "PRAGMA user_version = 2; CREATE TABLE large AS SELECT randomblob(1000000) AS a",
        ] {
            let made = sqlx::raw_sql(half).execute(&mut *transaction).await;
            made.unwrap();
        }
        let copy = folder.path().join("copy.db");
        fs::copy(&path, &copy).unwrap();
        let logged = fs::copy(log_path(&path), log_path(&copy)).unwrap();
        assert!(logged > 500_000, "{logged} bytes of the upgrade are logged");

        let journal = Journal::open_as(&copy, FIRST).await.unwrap();
        assert_has_run(&journal).await;
        assert_eq!(versions(&journal).await.0, 1);
    }

    #[tokio::test]
    async fn journal_of_previous_version_is_read_and_copied_and_stays_as_it_is() {
        let (folder, path) = place_with_run().await;
        let before = fs::read(&path).unwrap();
        let journal = Journal::open_to_read_as(&path, NEXT).await.unwrap();
        assert_has_run(&journal).await;
        assert_has_what_was_added(&journal).await;
        let copy = folder.path().join("copy.db");
        assert_eq!(journal.back_up(&copy).await.unwrap().runs, 1);
        journal.close().await;
        assert!(fs::read(&path).unwrap() == before);

        let copy = Journal::open_as(&copy, FIRST).await.unwrap();
        assert_eq!(versions(&copy).await, (1, vec![(1, "0.0.9".to_owned())]));
    }

    #[tokio::test]
    async fn journal_of_earlier_version_that_cannot_be_read_is_refused_and_stays_as_it_is() {
        let (_folder, path) = place_with_run().await;
        let before = fs::read(&path).unwrap();
        let unreadable = Schema {
            previous: None,
            ..NEXT
        };
        let much_later = Schema {
            migrations: &["CREATE TABLE b (a)", "CREATE TABLE c (a)"],
            ..NEXT
        };
        for (schema, known) in [(unreadable, 2), (much_later, 3)] {
            let refused = Journal::open_to_read_as(&path, schema).await.unwrap_err();
            let expected = format!(
                "was written by campanile 0.0.9 (schema 1); this is campanile {PROGRAM}, which reads schema {known}"
            );
            assert!(refused.to_string().contains(&expected), "{refused}");
            assert!(
                refused
                    .mend()
                    .unwrap()
                    .contains("read it with that version")
            );
        }
        assert!(fs::read(&path).unwrap() == before);
    }

    #[tokio::test]
    async fn journal_of_later_version_is_refused() {
        let (_folder, path) = place();
        Journal::open_as(&path, NEXT).await.unwrap().close().await;
        let before = fs::read(&path).unwrap();
        for refused in [
            Journal::open_as(&path, FIRST).await.unwrap_err(),
            Journal::open_to_read_as(&path, FIRST).await.unwrap_err(),
        ] {
            assert!(
                matches!(&refused, Error::LaterSchema { found: 2, writer, .. } if writer.contains(PROGRAM)),
                "{refused}"
            );
        }
        assert!(fs::read(&path).unwrap() == before);
    }

    #[tokio::test]
    async fn cursor_of_version_1_is_read_and_upgraded() {
        let (_folder, path) = place();
        let journal = Journal::open_as(&path, FIRST).await.unwrap();
        let insert = "INSERT INTO schedule_cursor VALUES
            (1, 'h', 'news', 'digest', 7000, '2026-11-11T09:00', 0, 9000, 'UTC')";
        journal.writer.execute_alone(insert).await.unwrap();
        journal.close().await;
        for is_upgraded in [false, true] {
            let opened = if is_upgraded {
                Journal::open(&path).await
            } else {
                Journal::open_to_read(&path).await
            };
            let opened = opened.unwrap();
            let cursors = opened.schedule_cursors().await.unwrap();
            let cursor = cursors.into_values().next().unwrap();
            let found = cursor.cursor;
            assert_eq!((found.seen_ms, found.decided_ms), (7_000, 7_000));
            assert_eq!((found.gap_ms, cursor.definition), (None, None));
            assert_eq!(cursor.next.map(|(_, at_ms)| at_ms), Some(9_000));
        }
    }

    #[tokio::test]
    async fn empty_file_is_read_as_journal_without_runs_and_stays_empty() {
        let (_folder, path) = place();
        fs::write(&path, "").unwrap();
        let journal = Journal::open_to_read(&path).await.unwrap();
        assert!(journal.campaigns().await.unwrap().is_empty());
        journal.check_newest().await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    /// A run is begun, and a reader asks at that very moment what has become of it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn processes_that_make_one_journal_at_once_are_not_turned_away() {
        for _ in 0..20 {
            let (_folder, path) = place();
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let path = path.clone();
                all.spawn(async move {
                    Journal::open(&path).await?.close().await;
                    Journal::open_to_read(&path).await.map(drop)
                });
            }
            for opened in all.join_all().await {
                opened.unwrap();
            }
        }
    }
}
