//! Files of the repository that no campaign reads.

use super::workspace::Workspace;
use crate::campaign::Campaign;
use crate::files::files_in;
use crate::source::{Diagnostic, Source, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// What the campaigns of a repository read.
#[derive(Debug, Default)]
pub(super) struct Used {
    paths: BTreeSet<String>,
}

impl Used {
    pub(super) fn add(&mut self, campaign: &Campaign) {
        self.paths.extend(campaign.files().map(plain));
    }

    /// Those that lie beside files that are read and end like one of them: nobody puts such a file there to be left
    /// unread. The folder of the settings itself has files of all kinds.
    pub(super) fn others(&self, workspace: &Workspace) -> Vec<Diagnostic> {
        let mut endings: BTreeMap<&Path, BTreeSet<&str>> = BTreeMap::new();
        for path in &self.paths {
            let path = Path::new(path);
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            if let (Some(folder), Some(ending)) = (folder, ending(path)) {
                endings.entry(folder).or_default().insert(ending);
            }
        }
        let beside = endings.iter().flat_map(|(folder, endings)| {
            let found = files_in(&workspace.repository, folder.to_str().unwrap_or_default());
            let is_like =
                |path: &String| ending(Path::new(path)).is_some_and(|own| endings.contains(own));
            found.into_iter().filter(is_like).collect::<Vec<_>>()
        });
        beside
            .filter(|path| !self.paths.contains(path) && !is_for_people(path))
            .map(|path| unused(&path))
            .collect()
    }
}

fn unused(path: &str) -> Diagnostic {
    let place = Span::beginning(&Source::new(path, ""));
    let message = format!("no campaign reads `{path}`");
    let help = "name it in a campaign, delete it, or keep it in a folder of its own";
    Diagnostic::warning("unused-file", &place, message).help(help)
}

/// Notes about the folder, and what editors leave in it.
fn is_for_people(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with('.') || name.to_lowercase().starts_with("readme")
}

fn ending(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

/// A path without detours: `./a.csv` is `a.csv`.
fn plain(path: &str) -> String {
    let parts = Path::new(path).components().filter_map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}
