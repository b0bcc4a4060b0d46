//! The campaigns that are kept at hand, and how they are brought up to date.

use super::entry::{Changes, Entry, Invalid};
use super::known::Known;
use super::tree::Tree;
use super::{Error, Folder, Watched};
use crate::files::{Listing, Repository, git_lock, list_campaigns};
use crate::identity::CampaignName;
use crate::settings::Settings;
use crate::source::{Blame, Node, in_root};
use serde_json::Value;
use std::sync::Arc;

/// The campaigns of a repository: what is in their files, or was while it could be used.
#[derive(Debug)]
pub struct Catalog {
    settings: Arc<Settings>,
    repository: Repository,
    /// Files that the known campaigns were read from.
    read_from: Repository,
    tree: Tree,
    known: Known,
    renewal: Renewal,
    /// Campaigns that are gone are to be believed, this once.
    is_confirmed: bool,
    unsettled_since_ms: Option<i64>,
    /// When the lock was made that was told of as left behind.
    told_lock_ms: Option<i64>,
}

/// What other settings mean for what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Renewal {
    None,
    /// It is looked through again, and may come out the same.
    Look,
    /// All campaigns are others, whatever their files say.
    All,
}

/// Somebody who writes without end does not keep the rest from being taken in for longer.
const PATIENCE_MS: i64 = 10_000;
/// Git holds its lock for no longer, or has left it behind.
const LOCK_MAX_MS: i64 = 60_000;
/// From so many campaigns on it is the half of them that is not gone by intention.
const MANY: usize = 4;
/// What campaigns take from the settings without saying so.
const RELIED_ON: [&str; 5] = ["apps", "default_app", "defaults", "roots", "timezone"];

impl Catalog {
    /// Knows nothing yet.
    pub fn new(settings: Arc<Settings>, repository: Repository) -> Catalog {
        let repository = repository.with_roots(&settings.roots);
        Catalog {
            read_from: repository.clone(),
            repository,
            settings,
            tree: Tree::default(),
            known: Known::default(),
            renewal: Renewal::None,
            is_confirmed: false,
            unsettled_since_ms: None,
            told_lock_ms: None,
        }
    }

    /// Every campaign that can be used, or could be.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.known.entries.values().map(Arc::as_ref)
    }

    pub fn get(&self, name: &CampaignName) -> Option<&Entry> {
        self.known.entries.get(name).map(Arc::as_ref)
    }

    /// Returns what a campaign and what it reads are read from.
    pub fn repository_of<'a>(&'a self, entry: &'a Entry) -> &'a Repository {
        let stale = entry.stale.as_ref();
        stale.map_or(&self.read_from, |stale| &stale.repository)
    }

    /// The files that never were campaigns which could be used.
    pub fn invalid(&self) -> impl Iterator<Item = &Invalid> {
        self.known.invalid.values()
    }

    /// What is to be watched to hear of changes: the folder of the campaigns and the files of their texts.
    pub fn watched(&self) -> Vec<Watched> {
        let folder = self.repository.root().join(&self.settings.campaigns);
        // Nobody changes the files of a commit.
        let is_steady = |path: &&str| self.repository.commit().is_some() && in_root(path).is_none();
        let texts = self.tree.texts().filter(|path| !is_steady(path));
        let texts = texts.filter_map(|path| self.repository.place(path));
        let texts = texts.map(Watched::File);
        let folder = Watched::Campaigns(folder);
        let folder = self.repository.commit().is_none().then_some(folder);
        folder.into_iter().chain(texts).collect()
    }

    /// Other settings; what they mean for the campaigns is seen at the next look.
    pub fn use_settings(&mut self, settings: Arc<Settings>) {
        let renewal = if relied_on(&settings) == relied_on(&self.settings) {
            Renewal::Look
        } else {
            Renewal::All
        };
        self.renewal = self.renewal.max(renewal);
        self.repository = self.repository.clone().with_roots(&settings.roots);
        self.settings = settings;
    }

    /// The same campaigns in another folder: somebody has swapped the link that leads there.
    pub fn use_repository(&mut self, repository: Repository) {
        self.repository = repository.with_roots(&self.settings.roots);
    }

    /// The next look believes that campaigns are gone, however many.
    pub fn confirm_disappearance(&mut self) {
        self.is_confirmed = true;
    }

    /// Looks at the files and takes them in, all as they are at one time or none of them. What did not change is not
    /// even read.
    pub fn refresh(&mut self, now_ms: i64) -> Result<Changes, Error> {
        let done = self.take_in(now_ms);
        match done {
            Err(Unfit::Unsettled(why)) => Err(Error::Unsettled {
                why,
                since_ms: *self.unsettled_since_ms.get_or_insert(now_ms),
            }),
            Err(Unfit::Error(error)) => {
                self.unsettled_since_ms = None;
                Err(error)
            }
            Ok(changes) => {
                self.unsettled_since_ms = None;
                Ok(changes)
            }
        }
    }

    fn take_in(&mut self, now_ms: i64) -> Result<Changes, Unfit> {
        let listing = self.list()?;
        let is_same = self.tree.is_as(&listing, &self.repository) && !self.tree.is_fresh();
        if is_same && self.renewal == Renewal::None {
            self.is_confirmed = false;
            self.read_from = self.repository.clone();
            return Ok(Changes::default());
        }
        self.check_lock(now_ms)?;
        let is_all = self.renewal != Renewal::None;
        let tree = self.tree.next(&listing, self.folder(), is_all, now_ms)?;
        // Behind the reading: what git began meanwhile is seen here or below, what it ended before is below.
        let lock = self.check_lock(now_ms)?;
        let again = self.list().ok();
        if !again.is_some_and(|again| tree.is_as(&again, &self.repository)) {
            return Err(Unfit::unsettled("files were changed while they were read"));
        }
        let known = self.known.next(&tree, &self.read_from, now_ms);
        let mut changes = known.changes(&self.known, self.renewal == Renewal::All);
        let waited_ms = self.unsettled_since_ms.map_or(0, |since| now_ms - since);
        if waited_ms < PATIENCE_MS {
            check_fresh(&changes, &tree, &listing, now_ms)?;
        }
        self.check_gone(&changes)?;
        changes.ignored_lock = lock
            .filter(|(_, since_ms)| self.told_lock_ms.replace(*since_ms) != Some(*since_ms))
            .map(|(path, _)| path);
        self.is_confirmed = false;
        self.renewal = Renewal::None;
        (self.tree, self.known) = (tree, known);
        self.read_from = self.repository.clone();
        Ok(changes)
    }

    fn folder(&self) -> Folder<'_> {
        Folder {
            settings: &self.settings,
            repository: &self.repository,
        }
    }

    /// Where campaigns are known, a folder that is gone has none: whether that is to be believed is another question.
    fn list(&self) -> Result<Listing, Error> {
        let folder = &self.settings.campaigns;
        let listing = list_campaigns(&self.repository, folder);
        let is_gone = || !self.known.entries.is_empty() && !self.repository.has_folder(folder);
        match listing {
            Err(error) if error.blame() == Blame::Author && is_gone() => Ok(Listing::default()),
            listing => listing.map_err(Error::Folder),
        }
    }

    /// While git works on the tree it is neither what it was nor what it will be. A lock that was left behind is
    /// returned, and when it was made.
    fn check_lock(&self, now_ms: i64) -> Result<Option<(String, i64)>, Unfit> {
        let lock = git_lock(self.repository.root());
        // The lock is on the working tree; the files of a commit are elsewhere.
        let Some(lock) = lock.filter(|_| self.repository.commit().is_none()) else {
            return Ok(None);
        };
        let path = lock.path.display().to_string();
        if now_ms - lock.since_ms < LOCK_MAX_MS {
            return Err(Unfit::Unsettled(format!(
                "git is at work: there is `{path}`"
            )));
        }
        Ok(Some((path, lock.since_ms)))
    }

    /// An empty folder is a checkout that went wrong or a volume that is not there more often than it is meant.
    fn check_gone(&self, changes: &Changes) -> Result<(), Error> {
        let (gone, of) = (changes.removed.len(), self.known.entries.len());
        if is_too_much(gone, of) && !self.is_confirmed {
            return Err(Error::Disappeared { gone, of });
        }
        Ok(())
    }
}

/// Whether so many campaigns of so many are gone at once by accident rather than by intention.
pub fn is_too_much(gone: usize, of: usize) -> bool {
    gone > 0 && (gone == of || (of >= MANY && gone * 2 > of))
}

/// Why what was read is not taken in.
enum Unfit {
    Unsettled(String),
    Error(Error),
}

impl Unfit {
    fn unsettled(why: &str) -> Unfit {
        Unfit::Unsettled(why.to_owned())
    }
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Unfit {
        match error {
            // It says nothing about the campaigns, and is tried again soon.
            Error::Folder(error) if error.blame() == Blame::Machine => {
                Unfit::Unsettled(error.to_string())
            }
            error @ (Error::Folder(_)
            | Error::NoThread(_)
            | Error::Unsettled { .. }
            | Error::Disappeared { .. }) => Unfit::Error(error),
        }
    }
}

/// What was wrong a moment after it was written may be half of it, and what is gone a moment after may come back: many
/// editors, and git, write a file by deleting it first.
fn check_fresh(
    changes: &Changes,
    tree: &Tree,
    listing: &Listing,
    now_ms: i64,
) -> Result<(), Unfit> {
    let is_fresh = |path: &&str| tree.is_fresh_at(path);
    let mut paths = changes.invalid.iter().map(|invalid| invalid.path.as_str());
    if let Some(path) = paths.find(is_fresh) {
        let why = format!("`{path}` was just written, and cannot be used as it is");
        return Err(Unfit::Unsettled(why));
    }
    let mut folders = listing.folders.iter();
    if !changes.removed.is_empty() && folders.any(|stamp| stamp.is_fresh(now_ms)) {
        return Err(Unfit::unsettled(
            "a campaign was just taken away, and may come back",
        ));
    }
    Ok(())
}

fn relied_on(settings: &Settings) -> [Option<Value>; 5] {
    RELIED_ON.map(|key| settings.written(&[key]).map(Node::to_json))
}
