//! A copy of the journal as it is at one instant, made beside whoever writes.

use super::{Error, Journal};
use crate::files::Partial;
use std::fs;
use std::io;
use std::path::Path;

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
                _ => error.to_string(),
            },
        };
        let permissions = fs::metadata(&self.path).map_err(failed)?.permissions();
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
            why: error.to_string(),
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
