//! A copy of the journal as it is at one instant, made beside whoever writes.

use super::{Error, Journal};
use crate::files::{OWN_MODE, Partial};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const NO_ROOM: &str = "there is no room on its disk, and nothing is left of it";

fn words(error: Error) -> String {
    match error {
        Error::Full => NO_ROOM.to_owned(),
        Error::Disk(_) => {
            "its disk takes no more (look for a quota, a limit on the size of files, or a fault), and nothing is left of \
             it"
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// What was copied.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    pub bytes: u64,
    pub runs: u64,
}

impl Journal {
    /// When this returns, `target` is on the disk; when it fails, it is not there. One that is there stays as it is.
    pub async fn back_up(&self, target: &Path) -> Result<Copied, Error> {
        let failed = |error: io::Error| Error::Backup {
            path: target.to_owned(),
            why: match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    "there is something of that name, and nothing is overwritten".to_owned()
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => NO_ROOM.to_owned(),
                _ => error.to_string(),
            },
        };
        Partial::sweep(target).map_err(failed)?;
        let permissions = fs::Permissions::from_mode(OWN_MODE);
        let partial = Partial::begin(target, permissions).map_err(failed)?;
        let name = partial.path().to_str();
        let name = name.ok_or_else(|| failed(io::Error::other("its name is not UTF-8 text")))?;
        // It reads one instant of the journal, whoever writes meanwhile, and keeps nobody waiting.
        let mut reader = self.reader.acquire().await?;
        let copied = sqlx::query("VACUUM INTO ?1")
            .bind(name)
            .execute(&mut *reader);
        copied.await.map_err(|error| Error::Backup {
            path: target.to_owned(),
            why: words(error.into()),
        })?;
        let runs: i64 = sqlx::query_scalar("/* runs */ SELECT count(*) FROM run")
            .fetch_one(&mut *reader)
            .await?;
        Ok(Copied {
            bytes: partial.finish().map_err(failed)?,
            runs: u64::try_from(runs).unwrap_or(0),
        })
    }
}
