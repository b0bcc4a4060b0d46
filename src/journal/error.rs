//! What the world can do to a journal.

use super::file::Displaced;
use super::witness::Lost;
use crate::delivery::Illegal;
use crate::identity::{CampaignName, DeliveryNumber, RunName};
use crate::source::thousands;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Clone, Debug, Error)]
pub enum Error {
    #[error("cannot open the journal `{}`: {why}", path.display())]
    Open { path: PathBuf, why: String },
    #[error(
        "the journal `{}` lies on a file system of another machine ({name}), where locks and the order of writes cannot be \
         relied on; keep it on a disk of this one", path.display()
    )]
    Network { path: PathBuf, name: &'static str },
    #[error("`{}` is a database of another program, or a journal whose beginning is damaged", path.display())]
    ForeignDatabase { path: PathBuf },
    #[error(
        "the journal `{}` was made by a development version of campanile (schema {found}), which this version cannot read \
         (nothing was changed)",
        path.display()
    )]
    DevelopmentSchema { path: PathBuf, found: i64 },
    #[error(
        "the journal `{}` was written by {writer} (schema {found}); this is campanile {program}, which knows schema \
         {known} at most: use that version or a later one (nothing was changed)",
        path.display()
    )]
    LaterSchema {
        path: PathBuf,
        writer: String,
        found: i64,
        program: &'static str,
        known: i64,
    },
    #[error(
        "the journal `{}` was written by {writer} (schema {found}); this is campanile {program}, which reads schema {known} \
         and does not upgrade a journal to read it (nothing was changed)",
        path.display()
    )]
    EarlierSchema {
        path: PathBuf,
        writer: String,
        found: i64,
        program: &'static str,
        known: i64,
    },
    #[error("the journal does not answer: {0}")]
    Database(String),
    #[error("the disk of the journal is full")]
    Full,
    #[error("the journal cannot be read or written: {0}")]
    Disk(String),
    #[error("the journal cannot be opened: {0}")]
    CannotOpen(String),
    #[error("the journal may not be written: {0}")]
    ReadOnly(String),
    #[error("another program keeps the journal busy")]
    Busy,
    #[error("the journal is damaged: {what}")]
    Damaged { what: String },
    #[error("the journal contradicts itself about delivery {delivery}: {illegal}")]
    Illegal {
        delivery: DeliveryNumber,
        illegal: Illegal,
    },
    #[error("another process opened a run of `{0}` in this moment")]
    AlreadyOpen(CampaignName),
    #[error("something else was done about {0} in this moment; see how it stands and try again")]
    Overtaken(RunName),
    #[error("{0} was sent before, and has been pruned from the journal since")]
    Pruned(RunName),
    #[error("cannot make the backup `{}`: {why}", path.display())]
    Backup { path: PathBuf, why: String },
    #[error("the plan was staged too long ago and has been cleared away")]
    PlanGone,
    #[error(
        "another process ({holder}) sends on this lane; the journal allows one sender at a time"
    )]
    LaneHeld { holder: String },
    #[error(
        "`{}` is older than what was done with it by {} commits: it was copied back, or restored from a backup; what \
         was sent since is not in it and would be sent again", path.display(), thousands(*behind)
    )]
    Older {
        path: PathBuf,
        witness: PathBuf,
        behind: u64,
    },
    #[error(
        "`{}` {how} to which {} commits were made in its place; what was sent is not in it and would be sent again",
        path.display(), thousands(*commits)
    )]
    Lost {
        path: PathBuf,
        witness: PathBuf,
        commits: u64,
        how: Lost,
    },
    #[error("the journal `{}` {how} while it was in use; nothing is sent any more", path.display())]
    Displaced {
        path: PathBuf,
        witness: PathBuf,
        how: Displaced,
    },
    #[error(
        "the journal `{}` has {links} names (hard links), and processes that open it by different names do not see what \
         the others write", path.display()
    )]
    Linked { path: PathBuf, links: u64 },
    #[error(
        "the journal `{}` is a mount point of its own, so that the files beside it are not those of the file that is \
         mounted", path.display()
    )]
    Mounted { path: PathBuf },
    #[error("cannot keep `{}`, which tells how far the journal has come: {why}", path.display())]
    Witness { path: PathBuf, why: String },
    #[error("cannot lock `{}`: {why}", path.display())]
    Lock { path: PathBuf, why: String },
}

impl Error {
    pub(super) fn damaged(what: &str) -> Error {
        Error::Damaged {
            what: what.to_owned(),
        }
    }

    /// Whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Error::LaneHeld { .. }
                | Error::AlreadyOpen(_)
                | Error::Overtaken(_)
                | Error::PlanGone
                | Error::Full
                | Error::Displaced {
                    how: Displaced::LogGone,
                    ..
                }
                | Error::Busy
        )
    }

    /// Returns whether the journal may be usable again without anybody changing it: the disk is full or fails, the file
    /// cannot be opened or written at present, or another program holds its lock. All else ends the process.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Error::Full | Error::Busy | Error::Disk(_) | Error::CannotOpen(_) | Error::ReadOnly(_)
        )
    }

    /// What a person can do about it.
    pub fn mend(&self) -> Option<&'static str> {
        Some(match self {
            Error::Full => "make room on it; nothing that was sent is lost",
            Error::Disk(_) | Error::CannotOpen(_) => {
                "look after its disk; nothing that was sent is lost"
            }
            Error::ReadOnly(_) | Error::Lock { .. } | Error::Witness { .. } => {
                "let this user write the file, those beside it that begin with its name, and its folder"
            }
            Error::Busy => "see which one has it open",
            Error::Linked { .. } => {
                "keep one of the names and remove the others, which `find FOLDER -samefile JOURNAL` lists"
            }
            Error::Mounted { .. } => "mount its folder instead",
            Error::Displaced {
                how: Displaced::LogGone,
                ..
            } => {
                "start it again; keep all files that begin with the journal's name as long as one has it open"
            }
            Error::Open { .. } => "see that its folder is there and that this user may write to it",
            Error::DevelopmentSchema { .. } => {
                "finish its open runs with the program that made it, then move it away, together with the files beside it \
                 that begin with its name"
            }
            Error::EarlierSchema { .. } => {
                "read it with that version, or upgrade it with a command that sends, such as `campanile serve`"
            }
            Error::Damaged { .. } | Error::Illegal { .. } | Error::ForeignDatabase { .. } => {
                "keep the file, for it alone tells what was sent; without it the same would be sent again"
            }
            _ => return None,
        })
    }

    /// Converts an error of `SQLite` by its number, of which the lowest byte is the kind.
    fn of_sqlite(code: u32, text: String) -> Error {
        match code {
            // Busy, locked, a race for the lock.
            5 | 6 | 15 => Error::Busy,
            8 => Error::ReadOnly(text),
            // Out of memory, input or output.
            7 | 10 => Error::Disk(text),
            11 | 26 => Error::damaged(&text),
            13 => Error::Full,
            14 => Error::CannotOpen(text),
            _ => Error::Database(text),
        }
    }
}

/// Returns the number that `SQLite` gives an error.
pub(super) fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xFF)
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        let code = sqlite_code(&error).unwrap_or(0);
        match error {
            sqlx::Error::ColumnDecode { index, .. } => {
                Error::damaged(&format!("column {index} cannot be read"))
            }
            sqlx::Error::Database(database) => {
                Error::of_sqlite(code, database.message().to_owned())
            }
            sqlx::Error::PoolTimedOut => Error::Busy,
            // The connection is replaced.
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => Error::Disk(error.to_string()),
            other => Error::Database(other.to_string()),
        }
    }
}
