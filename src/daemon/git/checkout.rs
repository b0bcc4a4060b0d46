//! The working tree, and what is looked at before a commit is let into it.

use super::program::{Git, Patience};
use super::{News, Remote};
use crate::catalog::is_too_much;
use crate::files::{append_to, git_lock_left, is_empty, remove_git_locks, write_new};
use std::fs::{File, TryLockError};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
}

/// Says of the settings of a commit what they mean for it, or why they cannot be used.
pub type Judge = Box<dyn Fn(&str) -> Result<Judged, String> + Send>;

/// Paths are below the folder of the settings.
pub struct Judged {
    /// Where the campaigns are.
    pub campaigns: String,
    /// What the program itself writes there.
    pub own: Vec<String>,
}

/// A working tree of which nobody else is master.
pub struct Checkout {
    git: Git,
    branch: String,
    settings: String,
    judge: Judge,
    /// The commit of which every file is there.
    at: Option<String>,
    /// So many files of campaigns are in it.
    campaigns: usize,
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
/// A commit may bring large files.
const FETCH_MAX: Duration = Duration::from_mins(5);
/// At the start there is something to serve from, and what is due does not wait for long.
const SOON: Duration = Duration::from_secs(10);
/// Somebody who was cut off may still have his git at work.
const LEFT_FOR: Duration = Duration::from_secs(5);
const LOOKED_EVERY: Duration = Duration::from_millis(50);
const TEXT_MAX: usize = 1 << 20;

impl Checkout {
    /// Takes a folder: one that is empty or not there, or that was taken so before.
    pub fn open(wanted: Wanted) -> Result<Checkout, CheckoutError> {
        let Wanted {
            folder,
            remote,
            branch,
            settings,
            judge,
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
        let git = Git::new(folder.clone(), remote);
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
            campaigns: 0,
            _lock: lock,
        })
    }

    /// The branch and the repository, for people.
    pub fn shown(&self) -> String {
        format!("{} of {}", self.branch, self.git.remote().shown())
    }

    /// The commit that is checked out.
    pub fn at(&self) -> Option<&str> {
        self.at.as_deref()
    }

    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        self.git.stop()
    }

    /// Puts right what is there, and takes in what is new; where something is there, only if that can be had soon.
    pub fn begin(&mut self) -> Result<Vec<News>, CheckoutError> {
        let Ok(head) = self.commit("HEAD") else {
            return Ok(vec![self.look_within(false, FETCH_MAX)]);
        };
        self.mend().map_err(|why| CheckoutError::Failed {
            folder: self.git.folder().to_owned(),
            why,
        })?;
        if let Ok(Ok(campaigns)) = self.check(&head, true) {
            self.campaigns = campaigns;
        }
        let there = News::Switched {
            from: None,
            to: head.clone(),
            is_rewritten: false,
            is_confirmed: false,
        };
        self.at = Some(head);
        let found = self.look_within(false, SOON);
        let is_news = found != News::Same;
        Ok(std::iter::once(there)
            .chain(is_news.then_some(found))
            .collect())
    }

    /// Checks out what is new. `is_confirmed`: also if campaigns are gone.
    pub(super) fn look(&mut self, is_confirmed: bool) -> News {
        self.look_within(is_confirmed, FETCH_MAX)
    }

    fn look_within(&mut self, is_confirmed: bool, within: Duration) -> News {
        let looked = self.try_look(is_confirmed, within);
        looked.unwrap_or_else(|why| News::Failed { why })
    }

    fn try_look(&mut self, is_confirmed: bool, within: Duration) -> Result<News, String> {
        self.fetch(within)?;
        let to = self.commit(FETCHED)?;
        if self.at.as_ref() == Some(&to) {
            return Ok(News::Same);
        }
        let campaigns = match self.check(&to, is_confirmed)? {
            Ok(campaigns) => campaigns,
            Err(refused) => return Ok(refused),
        };
        let from = self.at.clone().or_else(|| self.commit("HEAD").ok());
        let is_built_upon = |from: &String| {
            let ancestry = ["merge-base", "--is-ancestor", from, &to];
            self.git.run(&ancestry, Patience::Here).is_ok()
        };
        let is_rewritten = from.as_ref().is_some_and(|from| !is_built_upon(from));
        self.check_out(&to)?;
        self.campaigns = campaigns;
        Ok(News::Switched {
            from,
            to,
            is_rewritten,
            is_confirmed,
        })
    }

    fn fetch(&self, within: Duration) -> Result<(), String> {
        let branch = format!("+refs/heads/{}:{FETCHED}", self.branch);
        let words = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            self.git.remote().url(),
            &branch,
        ];
        self.git.run(&words, Patience::Others(within))?;
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

    /// The name comes first: whatever is planned from a new file is told to be of the new commit. Who is cut off in
    /// between is put right at the next start.
    fn check_out(&mut self, commit: &str) -> Result<(), String> {
        self.at = None;
        let name = ["update-ref", "--no-deref", "HEAD", commit];
        self.git.run(&name, Patience::Here)?;
        self.reset()?;
        self.at = Some(commit.to_owned());
        Ok(())
    }

    /// Only files that differ are written.
    fn reset(&self) -> Result<(), String> {
        let reset = ["reset", "--quiet", "--hard", "HEAD"];
        self.git.run(&reset, Patience::Here)?;
        Ok(())
    }

    fn mend(&self) -> Result<(), String> {
        let tries = LEFT_FOR.as_millis() / LOOKED_EVERY.as_millis();
        for _ in 0..tries {
            if !git_lock_left(self.git.folder()) {
                break;
            }
            thread::sleep(LOOKED_EVERY);
        }
        remove_git_locks(self.git.folder()).map_err(|error| error.to_string())?;
        self.reset()
    }

    /// How many files of campaigns are in it, or why it is not let in.
    fn check(&self, commit: &str, is_confirmed: bool) -> Result<Result<usize, News>, String> {
        let refused = |why: String| {
            Ok(Err(News::Refused {
                commit: commit.to_owned(),
                why,
            }))
        };
        let settings = match self.settings_of(commit)? {
            Ok(settings) => settings,
            Err(why) => return refused(why),
        };
        let judged = match (self.judge)(&settings) {
            Ok(judged) => judged,
            Err(why) => return refused(format!("its settings are invalid: {why}")),
        };
        let all = self.list(commit, "")?;
        for own in judged.own.iter().filter_map(|own| self.below(own)) {
            if let Some(path) = all.iter().find(|path| is_at(path, &own)) {
                let why = format!("`{path}` is a file of it, and the program writes there itself");
                return refused(why);
            }
        }
        let Some(folder) = self.below(&judged.campaigns) else {
            return refused(format!("`{}` is outside of it", judged.campaigns));
        };
        let files = self.list(commit, &folder)?;
        let campaigns = files.iter().filter(|path| is_campaign(path)).count();
        let (of, gone) = (self.campaigns, self.campaigns.saturating_sub(campaigns));
        if is_too_much(gone, of) && !is_confirmed {
            return Ok(Err(News::Emptied {
                commit: commit.to_owned(),
                gone,
                of,
            }));
        }
        Ok(Ok(campaigns))
    }

    fn settings_of(&self, commit: &str) -> Result<Result<String, String>, String> {
        let path = &self.settings;
        let listed = ["ls-tree", "--full-tree", "-z", commit, "--", path];
        let listed = self.git.line(&listed)?;
        let Some((about, _)) = listed.split_once('\t') else {
            return Ok(Err(format!("there is no `{path}` in it")));
        };
        let mut about = about.split(' ');
        let (mode, object) = (about.next(), about.nth(1));
        let Some(object) = object.filter(|_| mode.is_some_and(|mode| mode.starts_with("100")))
        else {
            return Ok(Err(format!("`{path}` is no plain file in it")));
        };
        let bytes = self
            .git
            .run(&["cat-file", "blob", object], Patience::Here)?;
        if bytes.len() > TEXT_MAX {
            return Ok(Err(format!("`{path}` is larger than 1 MiB")));
        }
        let text = String::from_utf8(bytes);
        Ok(text.map_err(|_| format!("`{path}` is not UTF-8 text")))
    }

    /// The files of a commit below a path, or the one of that name.
    fn list(&self, commit: &str, path: &str) -> Result<Vec<String>, String> {
        let mut words = vec!["ls-tree", "-r", "--full-tree", "--name-only", "-z", commit];
        if !path.is_empty() {
            words.extend(["--", path]);
        }
        let bytes = self.git.run(&words, Patience::Here)?;
        let names = bytes.split(|byte| *byte == 0);
        let names = names.filter(|name| !name.is_empty());
        Ok(names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect())
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

fn is_campaign(path: &str) -> bool {
    let ending = Path::new(path).extension();
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("yaml"))
}
