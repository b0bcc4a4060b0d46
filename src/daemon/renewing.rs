//! Settings that change, the folder that somebody swaps, and what is watched to hear of it.

use super::reached::is_same;
use super::{Daemon, Event};
use crate::catalog::{self, Catalog};
use crate::clock;
use crate::files::{Repository, revision};
use crate::journal::Problem;
use crate::settings::{PendingSettings, Settings};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Files are looked at so often even where nothing was noticed: not every file system tells of changes.
const POLLED_EVERY: Duration = Duration::from_mins(1);
/// And so often where it does: a look through thousands of files has its price.
const POLLED_SELDOM: Duration = Duration::from_mins(10);
/// How soon files are looked at again that were being written.
const UNSETTLED_FOR: Duration = Duration::from_millis(500);

impl Daemon {
    /// Settings that cannot be used are told of, and those before stay.
    pub(super) fn renew(&mut self) {
        match (self.reread)(self.commit.as_ref()) {
            Ok((settings, repository)) => {
                self.take_folder(repository);
                self.take_settings(settings);
            }
            Err(why) => {
                let is_news = self.problems.set(Problem::Settings, &why, clock::now());
                if is_news {
                    self.tell(Event::SettingsInvalid { why });
                }
            }
        }
    }

    /// The operator's values are those of the start: whoever may change a file of the folder may not widen what is read.
    fn take_settings(&mut self, settings: Settings) {
        self.problems.clear(&Problem::Settings);
        if is_same(&settings, &self.settings_read) {
            return;
        }
        let pending = settings.pending.clone();
        let is_pending = pending.is_some() && pending != self.settings_read.pending;
        let needs_restart = settings.needs_restart(&self.settings);
        self.settings_read = Arc::new(settings.clone());
        self.settings = Arc::new(settings.with_operator_of(&self.settings));
        self.generation += 1;
        self.catalog.use_settings(Arc::clone(&self.settings));
        self.repository =
            with_settings(self.repository.clone(), &self.settings, &self.settings_read);
        self.catalog.use_repository(self.repository.clone());
        self.tell(Event::SettingsChanged { needs_restart });
        if is_pending {
            self.tell_pending();
        }
    }

    /// Tells of operator's values that wait for an operator.
    pub(super) fn tell_pending(&self) {
        if let Some(pending) = &self.settings.pending {
            self.tell(Event::SettingsPending {
                commit: revision(&self.repository, []),
                changes: pending.changes.clone(),
                command: pending.command(&self.flag),
            });
        }
    }

    /// Takes another folder: that of a new commit, or one to which a link was changed.
    fn take_folder(&mut self, repository: Repository) {
        if !repository.is_at_same_place(&self.repository) {
            self.repository = with_settings(repository, &self.settings, &self.settings_read);
            self.catalog.use_repository(self.repository.clone());
        }
        let watched = watched(&self.catalog, &self.settings_file);
        self.watch.follow(watched);
    }

    pub(super) fn poll_again(&mut self, is_unsettled: bool) {
        let wait = if is_unsettled {
            UNSETTLED_FOR
        } else if self.watch.is_whole() {
            POLLED_SELDOM
        } else {
            POLLED_EVERY
        };
        self.poll_at = clock::now().plus(wait);
    }
}

/// A repository with the roots in use. Those that the settings name besides, as they were last read, are not in use.
pub(super) fn with_settings(
    repository: Repository,
    used: &Settings,
    read: &Settings,
) -> Repository {
    let pending = read.pending.iter().flat_map(PendingSettings::roots);
    let unused = read.roots.keys().chain(pending).cloned();
    repository
        .with_roots(&used.roots)
        .with_unused_roots(unused.collect())
}

/// What is to be watched to hear of changes: what the campaigns are read from, the settings, and the link through which
/// their folder may be reached.
pub(super) fn watched(catalog: &Catalog, settings_file: &Path) -> Vec<catalog::Watched> {
    let link = settings_file.parent().unwrap_or(settings_file);
    let mut watched = catalog.watched();
    watched.push(catalog::Watched::File(settings_file.to_owned()));
    watched.push(catalog::Watched::File(link.to_owned()));
    watched
}
