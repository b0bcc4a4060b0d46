//! The working tree, and what is looked at before a commit is let into it.

use super::program::{Git, Patience};
use super::{News, Remote};
use crate::catalog::is_too_much;
use crate::files::{
    BlobId, CommitFile, CommitFiles, CommitTree, TreeError, append_to, clear_trees, git_locks,
    is_empty, make_folder, new_unnamed, remove_git_locks, write_new,
};
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;
use thiserror::Error;

/// What is wanted.
pub struct Wanted {
    pub folder: PathBuf,
    pub remote: Remote,
    pub branch: String,
    /// The path of the settings in the repository.
    pub settings: String,
    pub judge: Judge,
    /// How long the first fetch may take, and each one after it.
    pub fetch_within: [Duration; 2],
    /// Hears how far the first fetch is.
    pub progress: Progress,
    /// Set, it ends what asks others.
    pub stop: Arc<AtomicBool>,
}

/// Hears how far a fetch is, in the words of git.
pub type Progress = Box<dyn Fn(&str) + Send>;

/// Says of the settings of a commit what they mean for it, or why they cannot be used.
pub type Judge = Box<dyn Fn(&str) -> Result<Judged, String> + Send>;

pub struct Judged {
    /// Where the campaigns are, below the folder of the settings.
    pub campaigns: String,
    /// Files and folders of the program's own, by absolute paths: those in use, and those that the commit names.
    pub own: Vec<PathBuf>,
}

/// A repository of which nobody else is master.
pub struct Checkout {
    git: Git,
    branch: String,
    settings: String,
    judge: Judge,
    /// The commit that is followed.
    at: Option<Arc<CommitTree>>,
    /// Trees that may still be read.
    trees: Vec<Weak<CommitTree>>,
    /// So many files of campaigns are in it.
    campaigns: usize,
    fetch_within: [Duration; 2],
    progress: Progress,
    _lock: File,
}

#[derive(Debug, Error)]
pub enum CheckoutError {
    #[error("`{}` is not empty and no checkout of `serve --git`", .0.display())]
    NotOurs(PathBuf),
    #[error("another daemon keeps the checkout in `{}`", .0.display())]
    Busy(PathBuf),
    #[error("`{0}` cannot be the name of a branch")]
    Branch(String),
    #[error("there can be no checkout in `{}`: {why}", .folder.display())]
    Failed { folder: PathBuf, why: String },
}

/// A checkout is known by it, and held by who has locked it.
const LOCK: &str = ".git/campanile.lock";
/// What was fetched last.
const FETCHED: &str = "refs/campanile/fetched";
/// At the start there is something to serve from, and what is due does not wait for long.
const SOON: Duration = Duration::from_secs(10);
/// Somebody who was cut off may still have his git at work.
const LEFT_FOR: Duration = Duration::from_secs(5);
const LOOKED_EVERY: Duration = Duration::from_millis(50);
const TEXT_MAX: usize = 1 << 20;
/// The folder of all trees.
const TREES: &str = ".git/campanile/trees";
const LINK_MODE: &str = "120000";

impl Checkout {
    /// Takes a folder: one that is empty or not there, or that was taken so before.
    pub fn open(wanted: Wanted) -> Result<Checkout, CheckoutError> {
        let Wanted {
            folder,
            remote,
            branch,
            settings,
            judge,
            fetch_within,
            progress,
            stop,
        } = wanted;
        let failed = |why: String| CheckoutError::Failed {
            folder: folder.clone(),
            why,
        };
        let lock = folder.join(LOCK);
        if !lock.exists() {
            if !is_empty(&folder).map_err(|error| failed(error.to_string()))? {
                return Err(CheckoutError::NotOurs(folder));
            }
            write_new(&lock, "").map_err(|error| failed(error.to_string()))?;
        }
        let lock = append_to(&lock).map_err(|error| failed(error.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CheckoutError::Busy(folder)),
            Err(TryLockError::Error(error)) => return Err(failed(error.to_string())),
        }
        let git = Git::new(folder.clone(), remote, stop);
        git.init().map_err(failed)?;
        let name = format!("refs/heads/{branch}");
        if git.line(&["check-ref-format", &name]).is_err() {
            return Err(CheckoutError::Branch(branch));
        }
        Ok(Checkout {
            git,
            branch,
            settings,
            judge,
            at: None,
            trees: Vec::new(),
            campaigns: 0,
            fetch_within,
            progress,
            _lock: lock,
        })
    }

    /// The branch and the repository, for people.
    pub fn shown(&self) -> String {
        format!("{} of {}", self.branch, self.git.remote().shown())
    }

    /// The files of the commit that is followed.
    pub fn at(&self) -> Option<&Arc<CommitTree>> {
        self.at.as_ref()
    }

    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        self.git.stop()
    }

    /// Judges commits anew from here on.
    pub fn judge_by(&mut self, judge: Judge) {
        self.judge = judge;
    }

    /// Puts right what is there. Returns whether anything is.
    pub fn restore(&mut self) -> Result<bool, CheckoutError> {
        let Ok(head) = self.commit("HEAD") else {
            return Ok(false);
        };
        let failed = |why| CheckoutError::Failed {
            folder: self.git.folder().to_owned(),
            why,
        };
        self.clear_locks().map_err(failed)?;
        self.reset("HEAD").map_err(failed)?;
        let files = self.files(&head).map_err(failed)?;
        let tree = match self.make_tree(&head, files) {
            // An earlier version accepted it. A newer commit may be right.
            Err(error) if error.is_of_commit() => return Ok(false),
            made => made.map_err(|error| failed(error.to_string()))?,
        };
        self.restore_tree(&tree).map_err(failed)?;
        self.trees.push(Arc::downgrade(&tree));
        self.at = Some(tree);
        Ok(true)
    }

    /// Takes in what is new; where something is there, only if that can be had soon.
    pub fn begin(&mut self) -> Vec<News> {
        let Some(tree) = self.at.clone() else {
            return vec![self.look_within(false, self.fetch_within[0])];
        };
        if let Ok(Ok((campaigns, _))) = self.check(tree.commit(), true) {
            self.campaigns = campaigns;
        }
        let there = News::Switched {
            from: None,
            to: tree,
            is_rewritten: false,
            is_confirmed: false,
        };
        let found = self.look_within(false, SOON);
        let is_news = found != News::Same;
        std::iter::once(there)
            .chain(is_news.then_some(found))
            .collect()
    }

    /// Checks out what is new. `is_confirmed`: also if campaigns are gone.
    pub(super) fn look(&mut self, is_confirmed: bool) -> News {
        self.look_within(is_confirmed, self.fetch_within[1])
    }

    fn look_within(&mut self, is_confirmed: bool, within: Duration) -> News {
        let looked = self.try_look(is_confirmed, within);
        looked.unwrap_or_else(|why| News::Failed { why })
    }

    fn try_look(&mut self, is_confirmed: bool, within: Duration) -> Result<News, String> {
        // A tree that cannot be restored does not delay a new commit.
        let restored = self.look_after_trees();
        self.fetch(within)?;
        let to = self.commit(FETCHED)?;
        if self.at.as_ref().is_some_and(|at| at.commit() == to) {
            return restored.map(|()| News::Same);
        }
        let (campaigns, files) = match self.check(&to, is_confirmed)? {
            Ok(checked) => checked,
            Err(refused) => return Ok(refused),
        };
        let from = self.at.as_ref().map(|at| at.commit().to_owned());
        let from = from.or_else(|| self.commit("HEAD").ok());
        let is_built_upon = |from: &String| {
            let ancestry = ["merge-base", "--is-ancestor", from, &to];
            self.git.run(&ancestry, Patience::Here).is_ok()
        };
        let is_rewritten = from.as_ref().is_some_and(|from| !is_built_upon(from));
        let tree = match self.make_tree(&to, files) {
            Err(error) if error.is_of_commit() => {
                let why = error.to_string();
                return Ok(News::Refused { commit: to, why });
            }
            made => made.map_err(|error| error.to_string())?,
        };
        self.check_out(&to)?;
        self.trees.push(Arc::downgrade(&tree));
        self.at = Some(Arc::clone(&tree));
        self.campaigns = campaigns;
        Ok(News::Switched {
            from,
            to: tree,
            is_rewritten,
            is_confirmed,
        })
    }

    /// Puts right what was changed by hand, and removes the trees that nobody reads any more.
    fn look_after_trees(&mut self) -> Result<(), String> {
        let trees = self.trees.iter().filter_map(Weak::upgrade);
        let mut damaged = trees.filter(|tree| tree.is_damaged());
        let restored = damaged.try_for_each(|tree| self.restore_tree(&tree));
        self.trees.retain(|tree| tree.strong_count() > 0);
        let kept = self.trees.iter().filter_map(Weak::upgrade);
        let kept: Vec<String> = kept.map(|tree| tree.commit().to_owned()).collect();
        clear_trees(&self.trees_folder(), &kept);
        restored
    }

    fn trees_folder(&self) -> PathBuf {
        self.git.folder().join(TREES)
    }

    fn make_tree(&self, commit: &str, files: CommitFiles) -> Result<Arc<CommitTree>, TreeError> {
        let known = self.trees.iter().filter_map(Weak::upgrade);
        if let Some(tree) = known.into_iter().find(|tree| tree.commit() == commit) {
            return Ok(tree);
        }
        let folder = self.trees_folder();
        make_folder(&folder)?;
        let folder = resolved(&folder);
        let before = self.at.as_deref();
        let made = CommitTree::create(&folder, commit, files, before, &mut |ids| self.blobs(ids));
        made.map(Arc::new)
    }

    fn restore_tree(&self, tree: &CommitTree) -> Result<(), String> {
        let restored = tree.restore(&mut |ids| self.blobs(ids));
        restored.map_err(|error| error.to_string())
    }

    /// Gives blobs as they are, without any filter. A file between keeps `git` and the program from waiting for each other.
    fn blobs(&self, ids: &[BlobId]) -> Result<File, TreeError> {
        let new = |name: &str| new_unnamed(&self.trees_folder().join(name));
        let (mut asked, mut given) = (new("asked")?, new("given")?);
        let lines: String = ids.iter().map(|id| id.hex() + "\n").collect();
        asked.write_all(lines.as_bytes())?;
        asked.rewind()?;
        let between = (asked, given.try_clone()?);
        let run = self.git.run_between(&["cat-file", "--batch"], between);
        run.map_err(TreeError::Git)?;
        given.rewind()?;
        Ok(given)
    }

    fn fetch(&self, within: Duration) -> Result<(), String> {
        self.clear_locks()?;
        if self.commit(FETCHED).is_ok() {
            return self.fetch_with(&["--quiet"], Patience::Others(within));
        }
        // Of the first commit no history is needed, which is most of a repository.
        let patience = Patience::First(within, &self.progress);
        match self.fetch_with(&["--progress", "--depth=1"], patience) {
            // Servers of plain files have no part of a history to give.
            Err(why) if why.contains("shallow") => self.fetch_with(&["--progress"], patience),
            done => done,
        }
    }

    fn fetch_with(&self, options: &[&str], patience: Patience<'_>) -> Result<(), String> {
        let branch = format!("+refs/heads/{}:{FETCHED}", self.branch);
        let words = [
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            self.git.remote().url(),
            &branch,
        ];
        let words = [&["fetch"], options, &words].concat();
        self.git.run(&words, patience)?;
        Ok(())
    }

    fn commit(&self, name: &str) -> Result<String, String> {
        let name = format!("{name}^{{commit}}");
        self.git.line(&[
            "rev-parse",
            "--quiet",
            "--verify",
            "--end-of-options",
            &name,
        ])
    }

    /// Writes the files, and then the name of the commit, so that no commit is named whose files are not there. What cannot
    /// be written as a whole is put back.
    fn check_out(&self, commit: &str) -> Result<(), String> {
        self.clear_locks()?;
        let Err(why) = self.reset(commit) else {
            return Ok(());
        };
        if self.commit("HEAD").is_err() {
            return Err(why);
        }
        self.clear_locks()?;
        self.reset("HEAD").map_err(|again| {
            format!("{why}; nor can the files of the commit before be put back: {again}")
        })?;
        Err(why)
    }

    /// Only files that differ are written.
    fn reset(&self, to: &str) -> Result<(), String> {
        let reset = ["reset", "--quiet", "--hard", to];
        self.git.run(&reset, Patience::Here)?;
        Ok(())
    }

    /// Removes locks that a git left behind which was cut off. This daemon alone works in the checkout, but a git of the
    /// daemon before it may still be at work for a moment.
    fn clear_locks(&self) -> Result<(), String> {
        let tries = LEFT_FOR.as_millis() / LOOKED_EVERY.as_millis();
        for _ in 0..tries {
            if git_locks(self.git.folder()).is_empty() {
                return Ok(());
            }
            thread::sleep(LOOKED_EVERY);
        }
        remove_git_locks(self.git.folder()).map_err(|error| error.to_string())
    }

    /// How many files of campaigns are in it, and all of its files; or why it is not let in.
    fn check(
        &self,
        commit: &str,
        is_confirmed: bool,
    ) -> Result<Result<(usize, CommitFiles), News>, String> {
        let refused = |why: String| {
            Ok(Err(News::Refused {
                commit: commit.to_owned(),
                why,
            }))
        };
        let files = self.files(commit)?;
        let settings = match self.settings_of(&files)? {
            Ok(settings) => settings,
            Err(why) => return refused(why),
        };
        let judged = match (self.judge)(&settings) {
            Ok(judged) => judged,
            Err(why) => return refused(format!("its settings are invalid: {why}")),
        };
        if let Some(why) = self.met(&files, &judged.own) {
            return refused(why);
        }
        let Some(folder) = self.below(&judged.campaigns) else {
            return refused(format!("`{}` is outside of it", judged.campaigns));
        };
        let paths = files.keys().filter(|path| path.starts_with(&folder));
        let campaigns = paths.filter(|path| is_campaign(path)).count();
        let (of, gone) = (self.campaigns, self.campaigns.saturating_sub(campaigns));
        if is_too_much(gone, of) && !is_confirmed {
            return Ok(Err(News::Emptied {
                commit: commit.to_owned(),
                gone,
                of,
            }));
        }
        Ok(Ok((campaigns, files)))
    }

    /// Finds a file of a commit in the place of something of the program's own, or of a folder that leads there.
    fn met(&self, files: &CommitFiles, own: &[PathBuf]) -> Option<String> {
        let folder = self.git.folder();
        let real = resolved(folder);
        let own: Vec<String> = own
            .iter()
            .flat_map(|own| [own.clone(), resolved(own)])
            .filter_map(|own| {
                let below = own
                    .strip_prefix(folder)
                    .or_else(|_| own.strip_prefix(&real));
                below.ok().and_then(plain)
            })
            .map(|own| own.to_lowercase())
            .collect();
        let is_met = |path: &str| {
            // A file system may not tell capitals from small letters.
            let path = path.to_lowercase();
            let own = own
                .iter()
                .find(|own| is_at(&path, own) || is_at_folder(&path, own))?;
            Some((is_at_folder(&path, own), own))
        };
        files.keys().find_map(|path| {
            let path = path.to_string_lossy();
            let (is_folder, own) = is_met(&path)?;
            Some(if is_folder {
                format!("`{path}` is a file of it in the place of a folder, and the program keeps `{own}` there")
            } else {
                format!("`{path}` is a file of it, and the program writes there itself")
            })
        })
    }

    fn settings_of(&self, files: &CommitFiles) -> Result<Result<String, String>, String> {
        let path = &self.settings;
        let Some(file) = files.get(Path::new(path)) else {
            return Ok(Err(format!("there is no `{path}` in it")));
        };
        if file.is_link {
            return Ok(Err(format!("`{path}` is no plain file in it")));
        }
        let bytes = self
            .git
            .run(&["cat-file", "blob", &file.id.hex()], Patience::Here)?;
        if bytes.len() > TEXT_MAX {
            return Ok(Err(format!("`{path}` is larger than 1 MiB")));
        }
        let text = String::from_utf8(bytes);
        Ok(text.map_err(|_| format!("`{path}` is not UTF-8 text")))
    }

    /// The files of a commit. Those of other repositories in it are not among them.
    fn files(&self, commit: &str) -> Result<CommitFiles, String> {
        let words = ["ls-tree", "-r", "-l", "--full-tree", "-z", commit];
        let bytes = self.git.run(&words, Patience::Here)?;
        let lines = bytes
            .split(|byte| *byte == 0)
            .filter(|line| !line.is_empty());
        let file = |line: &[u8]| {
            let at = line.iter().position(|byte| *byte == b'\t')?;
            let about = std::str::from_utf8(&line[..at]).ok()?;
            let path = PathBuf::from(OsStr::from_bytes(&line[at + 1..]));
            let mut about = about.split_whitespace();
            let (mode, kind, id) = (about.next()?, about.next()?, about.next()?);
            (kind == "blob").then_some(())?;
            let file = CommitFile {
                id: id.parse().ok()?,
                is_link: mode == LINK_MODE,
                size: about.next()?.parse().ok()?,
            };
            Some((path, file))
        };
        Ok(lines.filter_map(file).collect())
    }

    /// A path from the settings' folder as one from the top of the repository. `None`: it is not in there.
    fn below(&self, path: &str) -> Option<String> {
        let settings = Path::new(&self.settings);
        plain(&settings.parent()?.join(path))
    }
}

/// A path without `.` and `..`. `None`: it leads out, or from the root.
pub fn plain(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// Whether a file is the program's own one, is in its folder, or lies beside a journal: `campanile.db-epoch`.
fn is_at(path: &str, own: &str) -> bool {
    let behind = path.strip_prefix(own);
    behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(['/', '-']))
}

/// Whether a file stands in the place of a folder above something of the program's own.
fn is_at_folder(path: &str, own: &str) -> bool {
    let below = own.strip_prefix(path);
    below.is_some_and(|below| below.starts_with('/'))
}

/// A path whose links are followed as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let real = path.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        Some(real.join(path.strip_prefix(above).ok()?))
    });
    real.unwrap_or_else(|| path.to_owned())
}

fn is_campaign(path: &Path) -> bool {
    let ending = path.extension();
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("yaml"))
}
