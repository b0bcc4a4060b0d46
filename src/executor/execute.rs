//! A run, executed to its end or to the moment it must be left; beside it what others open on its lane.

use super::lane::Loop;
use super::lane_thread;
use super::progress::Progress;
use crate::channel::Channel;
use crate::delivery::{Counts, Interruption, Patience, RunState, StopReason};
use crate::identity::{RunName, VendorApp};
use crate::journal::{self, Journal, Run};
use crate::report::stop_text;
use crate::seeded_bug::SeededBug;
use crate::source::length_text;
use crate::vendor::{self, Client};
use std::time::Duration;
use thiserror::Error as ThisError;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
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
        if channel.deduplicates() || SeededBug::NotificationResent.is_active() {
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
    Stopped(StopReason, Counts),
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
    #[error("the lane's thread or its timer does not work: {0}")]
    Setup(#[from] std::io::Error),
    #[error(transparent)]
    Client(#[from] vendor::Error),
    #[error("the lane's thread ended early")]
    Lane,
    #[error("{0} deliveries are left that nobody sends; this is a bug, please report it")]
    LeftOver(u64),
    #[error("{}", stop_text(.0))]
    Restored(StopReason),
    #[error("the journal could not be written within {}: {why}; not in it: {what}", length_text(*within))]
    Unwritten {
        within: Duration,
        why: String,
        /// Answers by run, and runs whose state is not recorded.
        what: String,
    },
    #[error("an inner task ended early: {0}")]
    Task(#[from] JoinError),
}

/// A lane and what it takes to send on it. The caller holds its lock.
#[derive(Debug)]
pub struct Seat {
    pub journal: Journal,
    pub client: Client,
    pub app: VendorApp,
    /// The app's role in the settings: what it is sent as.
    pub role: String,
    pub channel: Channel,
    pub rules: LaneRules,
    /// Turns to the reason why nothing new is to be started.
    pub drain: watch::Receiver<Option<Interruption>>,
    /// Hears of runs that wait for a person because nothing has happened in them for too long.
    pub left_alone: mpsc::UnboundedSender<(RunName, RunState)>,
}

/// What it takes to execute a run. The caller holds the lane's lock.
#[derive(Debug)]
pub struct Execution {
    pub journal: Journal,
    pub client: Client,
    pub run: Run,
    pub rules: LaneRules,
    /// Turns to the reason why nothing new is to be started.
    pub drain: watch::Receiver<Option<Interruption>>,
    pub progress: watch::Sender<Progress>,
}

impl Execution {
    /// Sends what is left of the run.
    pub async fn execute(self) -> Result<(Ending, Rest), Error> {
        let beside = Handle::current();
        let handle = beside.clone();
        let (own_out, own) = oneshot::channel();
        let (others_out, others) = oneshot::channel();
        let send = async move {
            let ended = async {
                let mut lane = Loop::start(self, handle).await?;
                let ending = lane.turn_own().await?;
                Ok::<_, Error>((ending, lane))
            };
            match ended.await {
                Err(error) => drop(own_out.send(Err(error))),
                Ok((ending, mut lane)) => {
                    drop(own_out.send(Ok((ending, lane.others()))));
                    drop(others_out.send(lane.turn_others().await));
                }
            }
        };
        lane_thread::spawn(send, beside)?;
        let (ending, runs) = own.await.map_err(|_| Error::Lane)??;
        Ok((ending, Rest { runs, others }))
    }
}

/// What other processes opened on the lane, and count on its holder to send.
pub struct Rest {
    runs: Vec<RunName>,
    others: oneshot::Receiver<Result<Vec<RunName>, Error>>,
}

impl Rest {
    pub fn runs(&self) -> &[RunName] {
        &self.runs
    }

    /// Sends that as well. Returns what had to be left.
    pub async fn finish(self) -> Result<Vec<RunName>, Error> {
        self.others.await.map_err(|_| Error::Lane)?
    }
}
