//! How far a journal has come, told outside of it as well: an older one that was copied back is found out.

use super::{Error, Journal};
use sqlx::{Row, Sqlite, SqlitePool, Transaction};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often was committed to which journal. The number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Epoch {
    /// Drawn when the journal was made, so that another one in its place is not taken for an older one.
    journal: i64,
    number: i64,
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
        let mut name = journal.to_owned().into_os_string();
        name.push("-epoch");
        PathBuf::from(name)
    }

    /// What one was told last, if there is one. What cannot be read was cut off by a loss of power and tells nothing.
    fn told(path: &Path) -> io::Result<Option<Epoch>> {
        // A pipe would be waited for.
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::other("it is not a plain file"));
        }
        let mut bytes = [0; LENGTH];
        let read = OpenOptions::new()
            .read(true)
            .open(path)
            .and_then(|file| file.read_exact_at(&mut bytes, 0));
        match read {
            Ok(()) => Ok(std::str::from_utf8(&bytes).ok().and_then(parse)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn open(journal: &Path) -> io::Result<Witness> {
        let path = Witness::path_of(journal);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = Arc::new(options.open(&path)?);
        Ok(Witness { path, file })
    }

    fn tell(&self, epoch: Epoch) -> io::Result<()> {
        self.file.write_all_at(text(epoch).as_bytes(), 0)
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

impl Journal {
    /// Whoever is to send asks first whether this is still the newest journal.
    pub async fn check_newest(&self) -> Result<(), Error> {
        let witness = Witness::path_of(&self.canonical);
        let told = Witness::told(&witness).map_err(|error| failed(&witness, &error))?;
        let present = epoch(&self.reader).await?;
        match told {
            Some(told) if told.journal == present.journal && told.number > present.number => {
                Err(Error::Older {
                    path: self.path.clone(),
                    witness,
                    behind: told.number.abs_diff(present.number),
                })
            }
            _ => Ok(()),
        }
    }

    /// Commits, and tells the witness.
    pub(super) async fn commit(
        &self,
        mut transaction: Transaction<'_, Sqlite>,
    ) -> Result<(), Error> {
        let query =
            "/* next epoch */ UPDATE journal SET epoch = epoch + 1 RETURNING journal, epoch";
        let row = sqlx::query(query).fetch_one(&mut *transaction).await?;
        let (journal, number) = (row.try_get("journal")?, row.try_get("epoch")?);
        let witness = self.witness()?;
        transaction.commit().await?;
        let told = witness.tell(Epoch { journal, number });
        told.map_err(|error| failed(&witness.path, &error))
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

async fn epoch(reader: &SqlitePool) -> Result<Epoch, Error> {
    let query = sqlx::query("/* epoch */ SELECT journal, epoch FROM journal");
    let row = query.fetch_one(reader).await?;
    Ok(Epoch {
        journal: row.try_get("journal")?,
        number: row.try_get("epoch")?,
    })
}

fn failed(witness: &Path, error: &io::Error) -> Error {
    Error::Witness {
        path: witness.to_owned(),
        why: error.to_string(),
    }
}

#[cfg(test)]
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
        let writer = &journal.writer;
        sqlx::raw_sql(what).execute(writer).await.unwrap();
    }

    #[tokio::test]
    async fn an_older_journal_is_found_out_and_another_one_is_not() {
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

        alter(&journal, "UPDATE journal SET journal = journal / 2").await;
        journal.check_newest().await.unwrap();
        committed(&journal, 1).await;
        journal.check_newest().await.unwrap();
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
