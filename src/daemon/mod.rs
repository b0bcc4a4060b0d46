//! Campaigns that run themselves, on time: what is due is planned ahead, opened at its slot and sent, for years.
//!
//! Knows in which order files, schedules, runs and people's wishes are heeded, what happened, and who wants to hear of it:
//! people by a webhook, probes by HTTP, the machine's supervisor by its socket. Must never print, for that is the command
//! line's, nor decide what is due, for that is the scheduler's.

mod definitions;
mod event;
mod git;
mod housekeeping;
mod journal_queue;
mod lanes;
mod notify;
mod outages;
mod plans;
mod probes;
mod problems;
mod reached;
mod reload;
mod renewing;
mod runs;
mod scheduling;
mod serve;
mod standing;
mod supervisor;

pub use event::{Event, LaneName, Level, Next, Together};
pub use git::{
    Checkout, CheckoutError, Follower, InvalidRemote, Judge, Judged, News, Progress, Remote,
    Wanted, plain,
};
pub use notify::{Notifier, SetupError, Target, Unresolved};
pub use probes::{Heartbeat, ListenError, Probes, Readiness};
pub use reached::Reached;
pub use serve::{Daemon, Reread, Setup};
pub use supervisor::{Supervisor, SupervisorError};

use crate::executor;
use crate::identity::{CampaignName, RunName};
use crate::journal;
use crate::schedule::Occurrence;
use thiserror::Error as ThisError;
use tokio::task::JoinError;

/// Why the daemon cannot go on.
#[derive(Debug, ThisError)]
pub enum Error {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    Executor(#[from] executor::Error),
    #[error("an inner task ended early: {0}")]
    Task(#[from] JoinError),
}

impl Error {
    /// Returns whether the cause is a journal that may be usable again.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Error::Journal(error) | Error::Executor(executor::Error::Journal(error)) => {
                error.is_unavailable()
            }
            Error::Executor(_) | Error::Task(_) => false,
        }
    }
}

/// What the run of an occurrence is called.
fn run_name(campaign: &CampaignName, occurrence: &Occurrence) -> RunName {
    RunName {
        campaign: campaign.clone(),
        local: occurrence.local(),
        ordinal: 1,
        test: false,
    }
}
