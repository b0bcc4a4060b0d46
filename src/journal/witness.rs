//! How far a journal has come, told outside of it as well: an older one that was copied back is found out.

use super::file::beside;
use super::writer::Transaction;
use super::{Error, Journal};
use crate::files::{OWN_MODE, restrict};
use rustix::io::Errno;
use sqlx::{Row, SqliteConnection, SqlitePool};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often was committed to which journal. The number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// Drawn when the journal was made, so that another one in its place is not taken for an older one.
    journal: i64,
    number: i64,
}

/// What is in the place of the journal that a witness tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    Missing,
    Empty,
    Another,
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Lost::Missing => "is not there, a journal",
            Lost::Empty => "is empty, and not the journal",
            Lost::Another => "is another journal than the one",
        })
    }
}

impl Epoch {
    /// Refuses a journal that is not the one that this process wrote, or that lacks the last of what it wrote.
    pub(super) fn check_follows(self, last: Epoch, journal: &Path) -> Result<(), Error> {
        let path = journal.to_owned();
        let witness = Witness::path_of(journal);
        if self.journal != last.journal {
            return Err(lost(&path, witness, last, Lost::Another));
        }
        if self.number <= last.number {
            return Err(Error::Older {
                witness,
                path,
                behind: last.number.abs_diff(self.number) + 1,
            });
        }
        Ok(())
    }
}

/// A small file beside the journal. It is written after each commit and not forced to the disk: it may be behind the
/// journal, when two processes write it in the same moment or after a loss of power, and is never ahead of it.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    path: PathBuf,
    file: Arc<File>,
}

/// Two numbers of 64 bits, a space and a line break.
const LENGTH: usize = 42;

impl Witness {
    pub(super) fn path_of(journal: &Path) -> PathBuf {
        beside(journal, "-epoch")
    }

    /// What one was told last, if there is one. What cannot be read was cut off by a loss of power and tells nothing.
    fn told(path: &Path) -> io::Result<Option<Epoch>> {
        // A pipe would be waited for.
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::other("it is not a plain file"));
        }
        match OpenOptions::new().read(true).open(path) {
            Ok(file) => told_in(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn open(journal: &Path) -> io::Result<Witness> {
        let path = Witness::path_of(journal);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(OWN_MODE).open(&path)?;
        restrict(&file)?;
        Ok(Witness {
            path,
            file: Arc::new(file),
        })
    }

    pub(super) fn tell(&self, epoch: Epoch) -> io::Result<()> {
        self.file.write_all_at(text(epoch).as_bytes(), 0)
    }
}

fn told_in(file: &File) -> io::Result<Option<Epoch>> {
    let mut bytes = [0; LENGTH];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(std::str::from_utf8(&bytes).ok().and_then(parse)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(Epoch { journal, number }: Epoch) -> String {
    format!("{journal:>20} {number:>20}\n")
}

fn parse(text: &str) -> Option<Epoch> {
    let (journal, number) = text.trim().split_once(' ')?;
    Some(Epoch {
        journal: journal.parse().ok()?,
        number: number.trim().parse().ok()?,
    })
}

/// Refuses a journal that is not there, or empty, where the witness tells of commits.
pub(super) fn check_present(path: &Path, canonical: &Path) -> Result<(), Error> {
    let witness = Witness::path_of(canonical);
    // First, for a process that makes the journal in this moment writes it last.
    let told = Witness::told(&witness);
    let how = match fs::metadata(canonical) {
        Ok(about) if about.len() == 0 => Lost::Empty,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Lost::Missing,
        _ => return Ok(()),
    };
    let told = told.map_err(|error| failed(&witness, &error))?;
    match told.filter(|told| told.number > 0) {
        Some(told) => Err(lost(path, witness, told, how)),
        None => Ok(()),
    }
}

fn lost(path: &Path, witness: PathBuf, told: Epoch, how: Lost) -> Error {
    Error::Lost {
        path: path.to_owned(),
        witness,
        commits: told.number.unsigned_abs(),
        how,
    }
}

impl Journal {
    /// Whoever is to send asks first whether this is still the newest journal.
    pub async fn check_newest(&self) -> Result<(), Error> {
        self.check_in_place()?;
        let witness = Witness::path_of(&self.canonical);
        let told = Witness::told(&witness).map_err(|error| failed(&witness, &error))?;
        self.check_epoch(told, epoch(&self.reader).await?)
    }

    /// Refuses a journal of which the witness tells more than is in it.
    fn check_epoch(&self, told: Option<Epoch>, present: Epoch) -> Result<(), Error> {
        let witness = || Witness::path_of(&self.canonical);
        match told {
            Some(told) if told.journal != present.journal => {
                Err(lost(&self.path, witness(), told, Lost::Another))
            }
            Some(told) if told.number > present.number => Err(Error::Older {
                path: self.path.clone(),
                witness: witness(),
                behind: told.number.abs_diff(present.number),
            }),
            _ => Ok(()),
        }
    }

    /// Commits, and tells the witness. Fails if this is not the journal any more that it was, or not the newest one.
    pub(super) async fn commit(&self, mut transaction: Transaction) -> Result<(), Error> {
        let epoch = next_epoch(&mut transaction).await?;
        let Epoch { journal, number } = epoch;
        let witness = self.witness()?;
        let told = told_in(&witness.file).map_err(|error| failed(&witness.path, &error))?;
        // Others tell a number after they have committed it, so none is told yet that is larger than the one before.
        let before = number - 1;
        self.check_epoch(
            told,
            Epoch {
                journal,
                number: before,
            },
        )?;
        self.check_in_place()?;
        transaction.commit().await?;
        self.writer.committed(epoch);
        let told = witness.tell(epoch);
        told.map_err(|error| failed(&witness.path, &error))
            .inspect_err(|error| self.writer.note(error))
    }

    /// Made by the first who asks: whoever only reads leaves nothing behind.
    fn witness(&self) -> Result<&Witness, Error> {
        if let Some(witness) = self.witness.get() {
            return Ok(witness);
        }
        let path = Witness::path_of(&self.canonical);
        let opened = Witness::open(&self.canonical).map_err(|error| failed(&path, &error))?;
        Ok(self.witness.get_or_init(|| opened))
    }
}

/// Moves the journal on to its next epoch, within a transaction.
pub(super) async fn next_epoch(connection: &mut SqliteConnection) -> Result<Epoch, Error> {
    let query = "/* next epoch */ UPDATE journal SET epoch = epoch + 1 RETURNING journal, epoch";
    let row = sqlx::query(query).fetch_one(connection).await?;
    Ok(Epoch {
        journal: row.try_get("journal")?,
        number: row.try_get("epoch")?,
    })
}

async fn epoch(reader: &SqlitePool) -> Result<Epoch, Error> {
    let query = sqlx::query("/* epoch */ SELECT journal, epoch FROM journal");
    let row = query.fetch_one(reader).await?;
    Ok(Epoch {
        journal: row.try_get("journal")?,
        number: row.try_get("epoch")?,
    })
}

/// An error of the disk may pass, and so may a lack of descriptors; all others are about what lies at the place.
pub(super) fn failed(witness: &Path, error: &io::Error) -> Error {
    let passing = [Errno::IO, Errno::MFILE, Errno::NFILE];
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => Error::Full,
        Some(errno) if passing.contains(&errno) => Error::Disk(error.to_string()),
        _ => Error::Witness {
            path: witness.to_owned(),
            why: error.to_string(),
        },
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the files of a journal are taken away"
)]
mod tests {
    use super::*;

    async fn committed(journal: &Journal, times: u32) {
        for _ in 0..times {
            let transaction = journal.writer.begin().await.unwrap();
            journal.commit(transaction).await.unwrap();
        }
    }

    #[test]
    fn an_epoch_reads_back_as_it_is_written() {
        for (journal, number) in [(0, 0), (i64::MIN, i64::MAX), (-7, 12)] {
            let epoch = Epoch { journal, number };
            assert_eq!(text(epoch).len(), LENGTH);
            assert_eq!(parse(&text(epoch)), Some(epoch));
        }
        assert_eq!(parse("no epoch"), None);
    }

    async fn alter(journal: &Journal, what: &'static str) {
        journal.writer.execute_alone(what).await.unwrap();
    }

    #[tokio::test]
    async fn older_journal_and_another_one_are_found_out_and_nothing_is_committed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let journal = Journal::open(&path).await.unwrap();
        committed(&journal, 5).await;
        journal.close().await;

        let journal = Journal::open(&path).await.unwrap();
        journal.check_newest().await.unwrap();
        alter(&journal, "UPDATE journal SET epoch = 3").await;
        let older = journal.check_newest().await;
        assert!(matches!(older, Err(Error::Older { behind: 2, .. })));

        let transaction = journal.writer.begin().await.unwrap();
        let refused = journal.commit(transaction).await;
        assert!(matches!(refused, Err(Error::Older { .. })));

        alter(
            &journal,
            "UPDATE journal SET epoch = 7, journal = journal / 2",
        )
        .await;
        let transaction = journal.writer.begin().await.unwrap();
        for refused in [
            journal.check_newest().await,
            journal.commit(transaction).await,
        ] {
            let is_lost = matches!(
                refused,
                Err(Error::Lost {
                    commits: 5,
                    how: Lost::Another,
                    ..
                })
            );
            assert!(is_lost, "{refused:?}");
        }
        let witness = Witness::told(&Witness::path_of(&path)).unwrap().unwrap();
        assert_eq!(witness.number, 5);
    }

    #[tokio::test]
    async fn journal_that_is_missing_or_empty_beside_its_witness_is_refused_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let journal = Journal::open(&path).await.unwrap();
        committed(&journal, 5).await;
        journal.close().await;
        let epoch = Witness::path_of(&path);
        let before = Witness::told(&epoch).unwrap();
        fs::remove_file(&path).unwrap();
        let refused = Journal::open(&path).await;
        let is_lost = |refused: &Result<Journal, Error>, expected| matches!(refused, Err(Error::Lost { commits: 5, how, .. }) if *how == expected);
        assert!(is_lost(&refused, Lost::Missing) && !path.exists());
        File::create(&path).unwrap();
        for refused in [
            Journal::open(&path).await,
            Journal::open_to_read(&path).await,
        ] {
            assert!(is_lost(&refused, Lost::Empty), "{refused:?}");
        }
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        assert_eq!(Witness::told(&epoch).unwrap(), before);
        fs::remove_file(&epoch).unwrap();
        Journal::open(&path).await.unwrap().close().await;
    }

    /// A loss of power may leave the file empty or cut off; that must not keep anybody from sending.
    #[tokio::test]
    async fn a_witness_that_was_cut_off_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        for text in ["", "12", "\0\0\0\0"] {
            let witness = Witness::open(&path).unwrap();
            witness.file.set_len(0).unwrap();
            witness.file.write_all_at(text.as_bytes(), 0).unwrap();
            let journal = Journal::open(&path).await.unwrap();
            journal.check_newest().await.unwrap();
            committed(&journal, 1).await;
            journal.check_newest().await.unwrap();
            journal.close().await;
        }
    }
}
