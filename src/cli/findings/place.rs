//! Places as other programs want them: files below the folder in which they look.

use crate::cli::workspace::{Workspace, variable};
use crate::source::Span;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// From where paths are counted.
#[derive(Debug)]
pub(in crate::cli) struct Places {
    /// The checkout that GitHub's own programs look in, else the working directory.
    base: PathBuf,
    /// Where complaints count their paths from, in the order in which they are tried.
    roots: Vec<PathBuf>,
}

/// A place in a file, from 1; the end is the first column behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Places {
    /// Without a workspace, because there are no settings, there is only where one stands.
    pub(in crate::cli) fn of(workspace: Option<&Workspace>) -> anyhow::Result<Places> {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        let checkout = variable("GITHUB_WORKSPACE").map(PathBuf::from);
        let root = workspace.map(|workspace| workspace.repository.root().to_owned());
        Ok(Places {
            base: checkout
                .filter(|checkout| here.starts_with(checkout))
                .unwrap_or_else(|| here.clone()),
            roots: root.into_iter().chain([here]).collect(),
        })
    }

    /// What is in no file, such as a variable of the environment, has no such place.
    pub(super) fn place(&self, span: &Span) -> Option<Place> {
        let path = Path::new(span.source().path.as_str());
        let paths = self.roots.iter().map(|root| root.join(path));
        let file = paths.into_iter().find(|path| path.is_file())?;
        let shown = file.strip_prefix(&self.base).unwrap_or(&file);
        let end = span.end();
        Some(Place {
            path: shown.to_str()?.to_owned(),
            line: span.line(),
            column: span.column(),
            end_line: end.line(),
            end_column: end.column(),
        })
    }
}
