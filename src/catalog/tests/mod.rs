//! A catalog of files that are edited under it.

mod edits;
mod measured;
mod refreshed;
mod troubled;
mod watched;

use super::{Catalog, Changes, Error};
use crate::clock;
use crate::files::{Repository, write_over};
use crate::identity::CampaignName;
use crate::settings::Settings;
use crate::source::Source;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

pub(super) const SETTINGS: &str = "apps: { main: { sdk_app_id: 1, region: singapore } }\n";
/// Long enough after a write for nobody to be at it any more.
const LATER_MS: i64 = 10_000;
/// A file from so little later is one that was written just now.
const AT_ONCE_MS: i64 = 30_000;

/// A repository and the catalog of it.
pub(super) struct Place {
    folder: TempDir,
    pub(super) catalog: Catalog,
}

impl Place {
    pub(super) fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let catalog = catalog_of(folder.path());
        let place = Place { folder, catalog };
        fs::create_dir(place.path("campaigns")).unwrap();
        place
    }

    /// With campaigns of these names, taken in.
    pub(super) fn with(names: &[&str]) -> Place {
        let mut place = Place::new();
        for name in names {
            place.write(&format!("campaigns/{name}.yaml"), &campaign(name, "hello"));
        }
        assert_eq!(told(&place.refresh().added), names);
        place
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        write_over(&self.path(path), text).unwrap();
    }

    pub(super) fn remove(&self, path: &str) {
        let path = self.path(path);
        let gone = path.with_extension("gone");
        fs::rename(path, gone).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn link(&self, to: &str, path: &str) {
        let made = self.path("made.link");
        symlink(to, &made).unwrap();
        fs::rename(made, self.path(path)).unwrap();
    }

    /// Looks when all that was written is old.
    pub(super) fn try_refresh(&mut self) -> Result<Changes, Error> {
        self.catalog.refresh(clock::now().wall_ms + LATER_MS)
    }

    #[track_caller]
    pub(super) fn refresh(&mut self) -> Changes {
        self.try_refresh().unwrap()
    }

    /// Looks as if right behind the last write, however slow the machine is; the reason why nothing was taken in.
    #[track_caller]
    pub(super) fn unsettled(&mut self) -> String {
        match self.catalog.refresh(clock::now().wall_ms - AT_ONCE_MS) {
            Err(Error::Unsettled { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }

    /// What is sent by a campaign as it is kept.
    #[track_caller]
    pub(super) fn owner(&self, name: &str) -> String {
        let settings = settings(SETTINGS);
        let entry = self.catalog.get(&named(name)).unwrap();
        entry.campaign(&settings).unwrap().owner.unwrap()
    }

    /// Why a campaign is stale.
    #[track_caller]
    pub(super) fn stale(&self, name: &str) -> &str {
        let entry = self.catalog.get(&named(name)).unwrap();
        &entry.stale.as_ref().unwrap().why
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.catalog
            .entries()
            .map(|entry| entry.name.as_str())
            .collect()
    }

    /// The files that never could be used.
    pub(super) fn invalid(&self) -> Vec<&str> {
        self.catalog
            .invalid()
            .map(|invalid| invalid.path.as_str())
            .collect()
    }
}

pub(super) fn catalog_of(root: &Path) -> Catalog {
    Catalog::new(settings(SETTINGS), Repository::at(root).unwrap())
}

pub(super) fn settings(text: &str) -> Arc<Settings> {
    Arc::new(Settings::read(&Source::new("campanile.yaml", text), &[]).unwrap())
}

pub(super) fn named(name: &str) -> CampaignName {
    CampaignName::try_from(name).unwrap()
}

pub(super) fn told(names: &[CampaignName]) -> Vec<&str> {
    names.iter().map(CampaignName::as_str).collect()
}

/// A campaign that says who owns it.
pub(super) fn campaign(name: &str, owner: &str) -> String {
    format!(
        "name: {name}\nowner: {owner}\nschedule: {{ cron: \"0 9 * * *\" }}\naudience: {{ groups: [g1] }}\n\
         send: {{ group_message: {{ text: \"hello\" }} }}\n"
    )
}
