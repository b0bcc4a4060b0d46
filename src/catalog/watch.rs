//! Telling that campaigns may have changed.
//!
//! What is watched is a hint and no more: who waits here looks at the files every so often as well, because a link may
//! lead elsewhere, a file system may tell nothing, and there may be more folders than the kernel lets anybody watch.

use crate::files::{Notice, Notices, campaign_folders, tells_of_changes};
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// What to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// A folder of campaigns, with the folders in it.
    Campaigns(PathBuf),
    File(PathBuf),
}

#[derive(Debug)]
pub struct Watch {
    /// None: nothing can be watched.
    notices: Option<Notices>,
    watched: Vec<Watched>,
    folders: HashMap<i32, Interest>,
    /// Something changed and was not told of yet.
    is_changed: bool,
    /// Folders have come or gone.
    is_moved: bool,
    /// What cannot be watched, until it is told.
    complaint: Option<String>,
    is_told: bool,
}

/// What matters in a folder.
#[derive(Debug, Default)]
struct Interest {
    campaigns: bool,
    names: BTreeSet<OsString>,
}

/// Who saves several files saves the next of them sooner.
const QUIET: Duration = Duration::from_millis(300);
/// Changes without end are told of all the same.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// Kubernetes swaps a link of such a name, and with it every file behind it.
const SWAPPED: &str = "..";

impl Watch {
    /// Must be called within the runtime that will wait. What cannot be watched is said, once.
    pub fn new(watched: Vec<Watched>) -> (Watch, Option<String>) {
        let mut watch = Watch {
            notices: None,
            watched,
            folders: HashMap::new(),
            is_changed: false,
            is_moved: false,
            complaint: None,
            is_told: false,
        };
        match Notices::new() {
            Ok(notices) => watch.notices = Some(notices),
            Err(error) => watch.complain(nothing(&error)),
        }
        watch.look();
        let complaint = watch.complaint.take();
        (watch, complaint)
    }

    /// Whether whatever changes is told: all that was asked for is watched, and lies where the kernel hears of it. A folder
    /// of campaigns may be of another machine though its repository is not.
    pub fn is_whole(&self) -> bool {
        let is_heard = |watched: &Watched| match watched {
            Watched::Campaigns(path) => tells_of_changes(path),
            Watched::File(path) => above(path).is_some_and(tells_of_changes),
        };
        self.notices.is_some() && !self.is_told && self.watched.iter().all(is_heard)
    }

    /// Watches these from now on.
    pub fn follow(&mut self, watched: Vec<Watched>) {
        if self.watched != watched {
            self.watched = watched;
            self.look();
        }
    }

    /// Waits until something changed and has then been quiet for a moment. Dropping the future loses nothing. What cannot
    /// be watched is said if it never was before.
    pub async fn changed(&mut self) -> Option<String> {
        if !self.is_changed {
            self.next().await;
        }
        let quiet = async { while timeout(QUIET, self.next()).await.is_ok() {} };
        // What is still being written after that is told of again.
        let _ = timeout(QUIET_MAX, quiet).await;
        if self.is_moved {
            // Before anybody looks at the files: what comes later is told of.
            self.look();
            self.is_moved = false;
        }
        self.is_changed = false;
        self.complaint.take()
    }

    /// Waits for something that matters.
    async fn next(&mut self) {
        loop {
            let Some(notices) = &self.notices else {
                return std::future::pending().await;
            };
            let notices = match notices.next().await {
                Ok(notices) => notices,
                Err(error) => {
                    self.notices = None;
                    self.complain(nothing(&error));
                    self.is_changed = true;
                    return;
                }
            };
            let matters = notices.iter().filter(|notice| self.matters(notice));
            let (mut is_changed, mut is_moved) = (false, false);
            for notice in matters {
                is_changed = true;
                is_moved |= notice.is_folder || !notice.name.as_deref().is_some_and(is_yaml);
            }
            self.is_changed |= is_changed;
            self.is_moved |= is_moved;
            if is_changed {
                return;
            }
        }
    }

    fn matters(&self, notice: &Notice) -> bool {
        let Some(name) = &notice.name else {
            return true;
        };
        let Some(interest) = self.folders.get(&notice.folder) else {
            return notice.is_overflow;
        };
        let is_swapped = name.as_encoded_bytes().starts_with(SWAPPED.as_bytes());
        let is_campaign = || notice.is_folder || is_yaml(name);
        is_swapped || interest.names.contains(name) || (interest.campaigns && is_campaign())
    }

    /// Watches all folders that are there by now.
    fn look(&mut self) {
        let Some(notices) = &self.notices else { return };
        let (mut count, mut failed, mut last) = (0_u64, 0_u64, None);
        let mut watch = |folder: &Path| {
            count += 1;
            match notices.watch(folder) {
                Ok(number) => Some(number),
                // Who looks every so often finds it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => {
                    failed += 1;
                    last = Some(error);
                    None
                }
            }
        };
        let mut folders: HashMap<i32, Interest> = HashMap::new();
        for watched in &self.watched {
            let (Watched::Campaigns(path) | Watched::File(path)) = watched;
            if let (Some(above), Some(name)) = (above(path), path.file_name())
                && let Some(number) = watch(above)
            {
                let interest = folders.entry(number).or_default();
                interest.names.insert(name.to_owned());
            }
            if let Watched::Campaigns(path) = watched {
                for folder in campaign_folders(path) {
                    if let Some(number) = watch(&folder) {
                        folders.entry(number).or_default().campaigns = true;
                    }
                }
            }
        }
        self.folders = folders;
        if let Some(error) = last {
            self.complain(unwatched(failed, count, &error));
        }
    }

    /// Once is enough: it holds on.
    fn complain(&mut self, complaint: String) {
        if !self.is_told {
            self.is_told = true;
            self.complaint = Some(complaint);
        }
    }
}

fn above(path: &Path) -> Option<&Path> {
    path.parent().filter(|above| !above.as_os_str().is_empty())
}

fn is_yaml(name: &OsStr) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|ending| {
        ["yaml", "yml"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

fn nothing(error: &io::Error) -> String {
    format!("changes are seen later, because nothing can be watched: {error}")
}

fn unwatched(failed: u64, count: u64, error: &io::Error) -> String {
    format!(
        "{failed} of {count} folders cannot be watched, and changes in them are seen later ({error}); the limit is \
         `sysctl fs.inotify.max_user_watches`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(folder: i32, name: &str) -> Notice {
        Notice {
            folder,
            name: Some(OsString::from(name)),
            is_folder: false,
            is_overflow: false,
        }
    }

    #[tokio::test]
    async fn what_the_program_writes_itself_does_not_matter() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("campaigns")).unwrap();
        let (watch, _) = Watch::new(vec![
            Watched::Campaigns(place.path().join("campaigns")),
            Watched::File(place.path().join("campanile.yaml")),
        ]);
        let number = |campaigns| {
            let is_it = |interest: &Interest| interest.campaigns == campaigns;
            let mut folders = watch.folders.iter();
            *folders.find(|(_, interest)| is_it(interest)).unwrap().0
        };
        assert!(watch.is_whole());
        let (root, campaigns) = (number(false), number(true));
        assert!(watch.matters(&notice(root, "campanile.yaml")));
        assert!(watch.matters(&notice(root, "..data")));
        assert!(watch.matters(&notice(campaigns, "news.YML")));
        for name in ["campanile.db-wal", "other.yaml", "news.txt"] {
            assert!(!watch.matters(&notice(root, name)), "{name}");
        }
        assert!(!watch.matters(&notice(campaigns, ".news.yaml.swp")));
    }

    #[tokio::test]
    async fn who_stops_waiting_is_told_the_next_time() {
        let place = tempfile::tempdir().unwrap();
        let (mut watch, _) = Watch::new(vec![Watched::Campaigns(place.path().to_owned())]);
        crate::files::write_over(&place.path().join("news.yaml"), "name: news\n").unwrap();
        // As somebody who waits no longer while it is waited for more changes.
        watch.next().await;
        let told = timeout(Duration::from_mins(1), watch.changed()).await;
        assert_eq!(told, Ok(None));
    }

    #[tokio::test]
    async fn what_cannot_be_watched_is_said_once() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("no-folder");
        crate::files::write_over(&file, "").unwrap();
        let watched = |name: &str| vec![Watched::File(file.join(name))];
        let (mut watch, complaint) = Watch::new(watched("a"));
        let complaint = complaint.unwrap();
        assert!(
            complaint.starts_with("1 of 1 folders cannot be watched"),
            "{complaint}"
        );
        watch.follow(watched("b"));
        assert_eq!(watch.complaint, None);
        assert!(!watch.is_whole());
    }

    /// Nobody hears of a file before its folder is there: it is looked for often.
    #[tokio::test]
    async fn what_is_not_there_is_not_heard_of() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("folder").join("text.txt");
        let (mut watch, complaint) = Watch::new(vec![Watched::File(file.clone())]);
        assert_eq!((complaint, watch.is_whole()), (None, false));
        crate::files::ensure_directory(file.parent().unwrap()).unwrap();
        watch.look();
        assert!(watch.is_whole());
    }
}
