//! Settings that change, the folder that somebody swaps, and what is watched to hear of it.

use super::reached::{is_same, needs_restart};
use super::{Daemon, Event};
use crate::catalog::{self, Catalog};
use crate::clock;
use crate::files::Repository;
use crate::journal::Problem;
use crate::settings::Settings;
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
        match (self.reread)() {
            Ok((settings, repository)) => {
                self.take_settings(settings);
                self.take_folder(repository);
            }
            Err(why) => {
                let is_news = self.problems.set(Problem::Settings, &why, clock::now());
                if is_news {
                    self.tell(Event::SettingsInvalid { why });
                }
            }
        }
    }

    fn take_settings(&mut self, settings: Settings) {
        self.problems.clear(&Problem::Settings);
        if is_same(&settings, &self.settings) {
            return;
        }
        let needs_restart = needs_restart(&settings, &self.settings);
        self.settings = Arc::new(settings);
        self.generation += 1;
        self.catalog.use_settings(Arc::clone(&self.settings));
        self.repository = self.repository.clone().with_roots(&self.settings.roots);
        self.tell(Event::SettingsChanged { needs_restart });
    }

    /// Whoever swaps a link takes the folder away to which it led.
    fn take_folder(&mut self, repository: Repository) {
        if repository.root() != self.repository.root() {
            self.repository = repository.with_roots(&self.settings.roots);
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

/// What is to be watched to hear of changes: what the campaigns are read from, the settings, and the link through which
/// their folder may be reached.
pub(super) fn watched(catalog: &Catalog, settings_file: &Path) -> Vec<catalog::Watched> {
    let link = settings_file.parent().unwrap_or(settings_file);
    let mut watched = catalog.watched();
    watched.push(catalog::Watched::File(settings_file.to_owned()));
    watched.push(catalog::Watched::File(link.to_owned()));
    watched
}
