//! Application id and schema version of a database file, read without opening the file as a database: `SQLite` alters
//! what it opens.

use super::Error;
use super::file::{JournalFile, beside};
use super::schema::DEVELOPMENT_ID;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Length of the header of a database, which begins its first page.
const HEADER: usize = 100;
pub(super) const MAGIC: [u8; 16] = *b"SQLite format 3\0";
/// Places of the two numbers in the header.
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;
/// Lengths of the headers of a write-ahead log and of each page in it.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Places of the page size and of the salt in the header of a log, and of the salt in that of a page.
const PAGE_SIZE: usize = 8;
const LOG_SALT: usize = 16;
const FRAME_SALT: usize = 8;
const SALT: usize = 8;
/// Pages of a write-ahead log that are looked at. The first page of a database is in its first transaction, which makes the
/// tables.
const FRAMES_MAX: u64 = 1_000;

/// Refuses a journal that a program made before the first release. The file and those beside it stay as they are.
pub(super) fn refuse_development(file: &JournalFile) -> Result<(), Error> {
    // A file that cannot be read is for the database to report.
    match read(file) {
        Ok(Some((DEVELOPMENT_ID, found))) => Err(Error::DevelopmentSchema {
            path: file.shown.clone(),
            found,
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns the application id and the schema version, if the file is a database.
fn read(file: &JournalFile) -> io::Result<Option<(i64, i64)>> {
    let mut header = [0; HEADER];
    file.pinned.read_exact_at(&mut header, 0)?;
    if !header.starts_with(&MAGIC) {
        return Ok(None);
    }
    // Until the first checkpoint the numbers are in the write-ahead log alone.
    if number(&header, APPLICATION_ID) == 0
        && let Ok(logged) = read_log(&log_path(&file.path))
    {
        header = logged;
    }
    Ok(Some((
        number(&header, APPLICATION_ID),
        number(&header, USER_VERSION),
    )))
}

/// Returns the header of the database as its write-ahead log has it.
fn read_log(log: &Path) -> io::Result<[u8; HEADER]> {
    let log = OpenOptions::new().read(true).open(log)?;
    let mut header = [0; LOG_HEADER];
    log.read_exact_at(&mut header, 0)?;
    let page_size = u64::try_from(number(&header, PAGE_SIZE)).unwrap_or(0);
    let salt = &header[LOG_SALT..LOG_SALT + SALT];
    let length = FRAME_HEADER as u64 + page_size;
    for index in 0..FRAMES_MAX {
        let mut frame = [0; FRAME_HEADER + HEADER];
        log.read_exact_at(&mut frame, LOG_HEADER as u64 + index * length)?;
        let is_current = frame[FRAME_SALT..].starts_with(salt);
        if is_current && number(&frame, 0) == 1 {
            let mut header = [0; HEADER];
            header.copy_from_slice(&frame[FRAME_HEADER..]);
            return Ok(header);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn number(bytes: &[u8], place: usize) -> i64 {
    let bytes = bytes[place..].first_chunk().copied().unwrap_or_default();
    i64::from(i32::from_be_bytes(bytes))
}

/// Returns the path of the file in which `SQLite` keeps what it has not moved into the database yet.
pub(super) fn log_path(journal: &Path) -> PathBuf {
    beside(journal, "-wal")
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the files of a journal are compared"
)]
mod tests {
    use super::super::Journal;
    use super::*;
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
    use std::fs;

    /// Makes a journal as a development version did, and does not close it.
    async fn made(path: &Path, version: i64) -> SqliteConnection {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .pragma("wal_autocheckpoint", "0");
        let mut journal = options.connect().await.unwrap();
        let made = format!(
            "BEGIN; CREATE TABLE run (id INTEGER PRIMARY KEY) STRICT; INSERT INTO run VALUES (1);
             PRAGMA user_version = {version}; PRAGMA application_id = {DEVELOPMENT_ID}; COMMIT"
        );
        let made = sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut journal);
        made.await.unwrap();
        journal
    }

    fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut contents: Vec<_> = paths
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        contents.sort();
        contents
    }

    async fn assert_refused(path: &Path, version: i64) {
        let before = contents(path.parent().unwrap());
        for refused in [
            Journal::open(path).await.unwrap_err(),
            Journal::open_to_read(path).await.unwrap_err(),
        ] {
            let expected =
                format!("was made by a development version of campanile (schema {version})");
            assert!(refused.to_string().contains(&expected), "{refused}");
        }
        assert!(contents(path.parent().unwrap()) == before);
    }

    #[tokio::test]
    async fn journal_of_development_version_is_refused_and_not_touched() {
        for version in 1..=7 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            made(&path, version).await.close().await.unwrap();
            assert_refused(&path, version).await;
            let link = folder.path().join("link.db");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert_refused(&link, version).await;
        }
    }

    /// The file has no tables then, and all of the journal is in the log.
    #[tokio::test]
    async fn journal_that_a_killed_development_version_left_is_refused_and_not_touched() {
        let (made_in, left_in) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, left) = (made_in.path().join("a.db"), left_in.path().join("a.db"));
        let journal = made(&path, 7).await;
        fs::copy(&path, &left).unwrap();
        fs::copy(log_path(&path), log_path(&left)).unwrap();
        drop(journal);
        assert_refused(&left, 7).await;
    }

    #[tokio::test]
    async fn journal_that_is_not_checkpointed_yet_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let first = Journal::open(&path).await.unwrap();
        assert_eq!(
            read(&first.file).unwrap().unwrap().0,
            super::super::schema::APPLICATION_ID
        );
        Journal::open(&path).await.unwrap();
        first.close().await;
    }
}
