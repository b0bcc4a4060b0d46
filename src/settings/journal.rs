//! Where the journal is kept.

use super::secret::is_variable;
use super::spec::JournalSpec;
use crate::source::{Diagnostic, Spanned};
use thiserror::Error;

pub(super) const JOURNAL: &str = "sqlite:campanile.db";

/// Where it is said, or found, where the journal is. A text that comes from elsewhere is read by [`journal_path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalSource {
    /// A file, below the folder of the settings unless absolute.
    Path(String),
    /// A variable of the environment.
    Environment(String),
    /// A file that holds the text.
    File(String),
}

/// Why a text names no journal. The text is left out: such texts may hold passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidJournal {
    #[error("a journal in PostgreSQL is not supported yet")]
    Later,
    #[error("this is no journal that is known here")]
    Unknown,
    #[error("`sqlite:` needs a path behind it")]
    NoPath,
}

impl InvalidJournal {
    pub const HELP: &str = "write `sqlite:` and a path, such as `sqlite:campanile.db`";
}

/// The file of `sqlite:PATH`.
pub fn journal_path(text: &str) -> Result<String, InvalidJournal> {
    if ["postgres:", "postgresql:"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        return Err(InvalidJournal::Later);
    }
    let path = text
        .strip_prefix("sqlite:")
        .ok_or(InvalidJournal::Unknown)?;
    // `sqlite://path` would be another path than the one it looks like.
    if path.starts_with("//") {
        return Err(InvalidJournal::Unknown);
    }
    if path.is_empty() {
        return Err(InvalidJournal::NoPath);
    }
    Ok(path.to_owned())
}

pub(super) fn lower(
    spec: Option<&JournalSpec>,
    complaints: &mut Vec<Diagnostic>,
) -> Option<JournalSource> {
    let Some(spec) = spec else {
        return journal_path(JOURNAL).ok().map(JournalSource::Path);
    };
    if let Some(name) = &spec.env {
        complaints.extend(is_variable(name).err());
        return Some(JournalSource::Environment(name.value.clone()));
    }
    if let Some(path) = &spec.file {
        return Some(JournalSource::File(path.value.clone()));
    }
    let url = spec.url.as_ref()?;
    path_of(url)
        .map_err(|complaint| complaints.push(complaint))
        .ok()
}

fn path_of(url: &Spanned<String>) -> Result<JournalSource, Diagnostic> {
    journal_path(url).map(JournalSource::Path).map_err(|error| {
        Diagnostic::error("journal", &url.span, error.to_string()).help(InvalidJournal::HELP)
    })
}
