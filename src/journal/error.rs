//! What the world can do to a journal.

use crate::delivery::Illegal;
use crate::identity::{CampaignName, DeliveryNumber, RunName};
use crate::source::thousands;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    #[error("cannot open the journal `{}`: {why}", path.display())]
    Open { path: PathBuf, why: String },
    #[error(
        "the journal `{}` lies on a file system of another machine ({name}), where locks and the order of writes cannot be \
         relied on; keep it on a disk of this one", path.display()
    )]
    Network { path: PathBuf, name: &'static str },
    #[error("`{}` is a database of another program", path.display())]
    NotOurs { path: PathBuf },
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
    #[error("the journal does not answer: {0}")]
    Database(String),
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
            Error::LaneHeld { .. } | Error::AlreadyOpen(_) | Error::Overtaken(_) | Error::PlanGone
        )
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        match error {
            sqlx::Error::ColumnDecode { index, .. } => {
                Error::damaged(&format!("column {index} cannot be read"))
            }
            other => Error::Database(other.to_string()),
        }
    }
}
