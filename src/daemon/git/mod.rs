//! A checkout that is kept in step with a branch of a repository.
//!
//! It is one working tree, and a commit changes in it only the files that differ: whatever else was read or planned from it
//! stays as it is. The `git` program does it, so that credentials, proxies and keys are those that git knows.

mod checkout;
mod follower;
mod heeding;
mod program;
mod remote;

pub use checkout::{Checkout, CheckoutError, Judged, Wanted, plain};
pub use follower::Follower;
pub(super) use heeding::news;
pub use remote::{InvalidRemote, Remote};

/// What came of a look at the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The commit that is checked out is the newest.
    Same,
    Switched {
        /// `None`: it is what was there at the start, or the first.
        from: Option<String>,
        to: String,
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
