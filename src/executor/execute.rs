//! A run, executed to its end or to the moment it must be left; beside it what others open on its lane.

use super::lane::Loop;
use super::progress::Progress;
use crate::channel::{Answer, Channel};
use crate::delivery::{Counts, Patience};
use crate::identity::RunName;
use crate::journal::{self, Journal, Run};
use crate::vendor::Client;
use std::time::Duration;
use thiserror::Error as ThisError;
use tokio::sync::watch;
use tokio::task::JoinError;

/// What the settings say about a lane.
#[derive(Clone, Copy, Debug)]
pub struct LaneRules {
    /// Calls per second.
    pub limit: u32,
    /// How long the vendor tells a repetition by its `Random`.
    pub deduplication: Duration,
    /// How long a message must be missing from its group's history.
    pub patience: Patience,
}

impl LaneRules {
    /// Four of the vendor's five minutes; the fifth is margin.
    pub(super) fn resend_within(self, channel: Channel) -> Duration {
        if channel.deduplicates() {
            self.deduplication.mul_f64(0.8)
        } else {
            Duration::ZERO
        }
    }
}

/// How an execution was left. The counts are folded from the journal.
#[derive(Clone, Debug)]
pub enum Ending {
    Finished(Counts),
    Paused(Counts),
    Stopped(Answer, Counts),
}

impl Ending {
    pub fn counts(&self) -> Counts {
        match self {
            Ending::Finished(counts) | Ending::Paused(counts) | Ending::Stopped(_, counts) => {
                *counts
            }
        }
    }
}

#[derive(Debug, ThisError)]
pub enum Error {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error("the timer does not work: {0}")]
    Timer(#[from] std::io::Error),
    #[error("an inner task ended early: {0}")]
    Task(#[from] JoinError),
}

/// What it takes to execute a run. The caller holds the lane's lock.
#[derive(Debug)]
pub struct Execution {
    pub journal: Journal,
    pub client: Client,
    pub run: Run,
    pub rules: LaneRules,
    /// Turns to the reason why nothing new is to be started.
    pub drain: watch::Receiver<Option<String>>,
    pub progress: watch::Sender<Progress>,
}

impl Execution {
    /// Sends what is left of the run.
    pub async fn execute(self) -> Result<(Ending, Rest), Error> {
        let mut lane = Loop::start(self).await?;
        let ending = lane.turn_own().await?;
        Ok((ending, Rest(lane)))
    }
}

/// What other processes opened on the lane, and count on its holder to send.
pub struct Rest(Loop);

impl Rest {
    pub fn runs(&self) -> Vec<RunName> {
        self.0.others()
    }

    /// Sends that as well. Returns what had to be left.
    pub async fn finish(mut self) -> Result<Vec<RunName>, Error> {
        self.0.turn_others().await
    }
}
