//! A lane that is held for as long as the process lives, for whatever is opened on it.

use super::Error;
use super::execute::Seat;
use super::lane::Loop;
use super::lane_thread;
use super::progress::Progress;
use crate::journal::RunId;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

/// The loop of such a lane, on a thread of its own.
#[derive(Debug)]
pub struct Resident {
    opened: mpsc::UnboundedSender<RunId>,
    ended: oneshot::Receiver<Result<(), Error>>,
    /// That was heard already.
    is_over: bool,
}

impl Resident {
    /// The caller holds the lane's lock.
    pub fn start(seat: Seat) -> Result<Resident, Error> {
        let beside = Handle::current();
        let (opened, opened_in) = mpsc::unbounded_channel();
        let (ended_out, ended) = oneshot::channel();
        let (progress, _) = watch::channel(Progress::default());
        let handle = beside.clone();
        let send = async move {
            let turned = async {
                let mut lane = Loop::seated(seat, progress, opened_in, handle).await?;
                lane.turn_always().await
            };
            drop(ended_out.send(turned.await));
        };
        lane_thread::spawn(send, beside)?;
        Ok(Resident {
            opened,
            ended,
            is_over: false,
        })
    }

    /// A run was opened on the lane, and is to begin at once.
    pub fn begin(&self, run: RunId) {
        // A loop that ended tells so by itself.
        let _ = self.opened.send(run);
    }

    /// Why it ended, if it has though nobody drained it.
    pub fn failure(&mut self) -> Option<Error> {
        use oneshot::error::TryRecvError;
        if self.is_over {
            return None;
        }
        let heard = self.ended.try_recv();
        self.is_over = !matches!(heard, Err(TryRecvError::Empty));
        match heard {
            Err(TryRecvError::Empty) | Ok(Ok(())) => None,
            Err(TryRecvError::Closed) => Some(Error::Lane),
            Ok(Err(error)) => Some(error),
        }
    }

    /// Ends when it was drained, or cannot go on.
    pub async fn ended(&mut self) -> Result<(), Error> {
        // A drained lane may have ended before anybody waited for it.
        if self.is_over {
            return Ok(());
        }
        let ended = &mut self.ended;
        ended.await.map_err(|_| Error::Lane)?
    }
}
