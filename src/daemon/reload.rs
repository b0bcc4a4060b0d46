//! What becomes of schedules and runs when files change.

use super::renewing::watched;
use super::{Daemon, Event};
use crate::catalog::{self, Changes, Invalid};
use crate::clock;
use crate::identity::Moment;
use crate::journal::Problem;
use crate::scheduler::Departure;

/// Files that do not come to rest are told of after this time.
const UNSETTLED_MS: i64 = 10_000;

impl Daemon {
    /// Looks at the files, and does what changed.
    pub(super) fn refresh(&mut self) {
        self.take_files(clock::now());
        self.problems.see_catalog(&self.catalog);
        self.watch
            .follow(watched(&self.catalog, &self.settings_file));
    }

    fn take_files(&mut self, now: Moment) {
        match self.catalog.refresh(now.wall_ms) {
            Ok(changes) => {
                self.poll_again(false);
                self.problems.clear(&Problem::StillChanging);
                self.problems.clear(&Problem::MassRemoval);
                self.problems.clear(&self.folder_problem());
                self.take_in(changes, now);
            }
            Err(catalog::Error::Unsettled { why, since_ms }) => {
                self.poll_again(true);
                let is_long = now.wall_ms - since_ms >= UNSETTLED_MS;
                if is_long && self.problems.set(Problem::StillChanging, &why, now) {
                    self.tell(Event::Unsettled { since_ms, why });
                }
            }
            Err(catalog::Error::Disappeared { gone, of }) => {
                self.poll_again(false);
                self.refuse_disappearance(gone, of, now);
            }
            Err(error) => {
                self.poll_again(false);
                let why = error.to_string();
                if self.problems.set(self.folder_problem(), &why, now) {
                    self.tell(Event::Invalid {
                        path: self.settings.campaigns.clone(),
                        campaign: None,
                        why,
                    });
                }
            }
        }
    }

    fn folder_problem(&self) -> Problem {
        Problem::Folder {
            path: self.settings.campaigns.clone(),
        }
    }

    pub(super) fn refuse_disappearance(&mut self, gone: usize, of: usize, now: Moment) {
        let text = format!("{gone} of {of} campaigns are gone at once");
        if self.problems.set(Problem::MassRemoval, &text, now) {
            self.tell(self.disappeared(gone, of));
        }
    }

    pub(super) fn disappeared(&self, gone: usize, of: usize) -> Event {
        Event::Disappeared {
            gone: gone as u64,
            of: of as u64,
            command: format!("campanile release --gone{}", self.flag),
        }
    }

    /// The next look believes that campaigns are gone, however many.
    pub(super) fn believe_gone(&mut self) {
        self.catalog.confirm_disappearance();
        self.is_gone_confirmed = true;
    }

    fn take_in(&mut self, changes: Changes, now: Moment) {
        let is_first = !self.is_loaded;
        self.is_loaded = true;
        let invalid = changes.invalid.iter();
        let invalid = invalid.filter_map(|each| each.name.as_ref());
        let met = changes.added.iter().chain(&changes.changed);
        for name in met.chain(&changes.mended).chain(invalid) {
            self.define(name);
        }
        for name in &changes.removed {
            self.depart(name, Departure::FileRemoved);
        }
        self.settle_unmet(now);
        self.tell_changes(changes, is_first);
    }

    fn tell_changes(&self, changes: Changes, is_first: bool) {
        for Invalid {
            path, name, why, ..
        } in changes.invalid
        {
            self.tell(Event::Invalid {
                path,
                campaign: name,
                why,
            });
        }
        if let Some(path) = changes.ignored_lock {
            let why =
                "git seems to have left it behind; the files are read all the same".to_owned();
            self.tell(Event::Invalid {
                path,
                campaign: None,
                why,
            });
        }
        for campaign in changes.mended {
            self.tell(Event::Mended { campaign });
        }
        let Changes {
            added,
            changed,
            removed,
            ..
        } = changes;
        let is_any = !added.is_empty() || !changed.is_empty() || !removed.is_empty();
        if is_any && !is_first {
            self.tell(Event::Reloaded {
                added,
                changed,
                removed,
            });
        }
    }
}
