//! A checkout that is kept in step with a branch of a repository.
//!
//! Each accepted commit gets a tree of its own inside `.git`, which is what the daemon reads and nobody writes to. The
//! working tree beside it is for people. The `git` program does it, so that credentials, proxies and keys are those that git
//! knows.

mod checkout;
mod follower;
mod heeding;
mod program;
mod remote;

pub use checkout::{Checkout, CheckoutError, Judge, Judged, Progress, Wanted, plain};
pub use follower::Follower;
pub(super) use heeding::news;
pub use remote::{InvalidRemote, Remote};

use crate::files::CommitTree;
use std::sync::Arc;

/// What came of a look at the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The commit that is checked out is the newest.
    Same,
    Switched {
        /// `None`: it is what was there at the start, or the first.
        from: Option<String>,
        /// Its files.
        to: Arc<CommitTree>,
        /// It is not built upon the one before.
        is_rewritten: bool,
        /// Somebody said that campaigns are meant to be gone.
        is_confirmed: bool,
    },
    /// Nothing can be said about the repository.
    Failed { why: String },
    /// The newest commit is not checked out.
    Refused { commit: String, why: String },
    /// Neither is one in which so many campaigns are gone, until that is confirmed.
    Emptied {
        commit: String,
        gone: usize,
        of: usize,
    },
}

impl News {
    /// Why nothing can be served, where nothing was checked out before.
    pub fn why_not(&self) -> Option<String> {
        match self {
            News::Same | News::Switched { .. } => None,
            News::Failed { why } => Some(why.clone()),
            News::Refused { commit, why } => Some(format!("the commit {}: {why}", short(commit))),
            News::Emptied { gone, of, .. } => Some(format!("{gone} of {of} campaigns are gone")),
        }
    }
}

/// A commit as people read it.
pub fn short(commit: &str) -> &str {
    const SHOWN: usize = 10;
    commit.get(..SHOWN).unwrap_or(commit)
}
