//! Why campaigns cannot be had.

use crate::files;
use crate::source::{Blame, Diagnostic, Severity, plural};
use std::io;
use thiserror::Error;

/// What keeps everybody from looking at any of them.
#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Folder(files::Error),
    #[error("cannot start a thread: {0}")]
    NoThread(io::Error),
    /// What is kept is as it was; in a moment it may be told what there is.
    #[error("the campaigns are being changed: {why}")]
    Unsettled { why: String, since_ms: i64 },
    /// What is kept is as it was until somebody says that it is meant.
    #[error("{gone} of {} are gone at once; they are kept until that is confirmed", plural(*.of as u64, "campaign"))]
    Disappeared { gone: usize, of: usize },
}

/// What keeps one file from being used.
#[derive(Debug, Error)]
pub enum Unusable {
    #[error(transparent)]
    Unreadable(#[from] files::Error),
    #[error("the name of the file `{0}` is not UTF-8 text")]
    NameNotText(String),
    #[error("`{path}` ends in `.{ending}`; campaign files end in `.yaml`")]
    Ending { path: String, ending: String },
    #[error("two campaigns are named `{name}`: `{path}` and `{other}`")]
    Twice {
        name: String,
        path: String,
        other: String,
    },
    #[error("{}", errors(.0))]
    Invalid(Vec<Diagnostic>),
}

impl Unusable {
    /// Names the party at fault.
    pub fn blame(&self) -> Blame {
        match self {
            Unusable::Unreadable(error) => error.blame(),
            Unusable::Invalid(found) => Blame::of(found),
            Unusable::NameNotText(_) | Unusable::Ending { .. } | Unusable::Twice { .. } => {
                Blame::Author
            }
        }
    }

    /// What to do about it, where that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            Unusable::Unreadable(error) => error.help(),
            Unusable::NameNotText(_) | Unusable::Ending { .. } => Some(RENAME.to_owned()),
            Unusable::Twice { .. } => Some(ANOTHER_NAME.to_owned()),
            Unusable::Invalid(_) => None,
        }
    }
}

pub(super) const ANOTHER_NAME: &str = "give one of them another `name:`";
pub(super) const RENAME: &str = "rename the file, or have that done by `campanile check --fix`";

fn errors(found: &[Diagnostic]) -> String {
    let errors = found.iter().filter(|each| each.severity == Severity::Error);
    plural(errors.count() as u64, "error")
}
