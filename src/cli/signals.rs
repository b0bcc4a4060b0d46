//! Ctrl-C and SIGTERM: the first drains, the second leaves at once.

use super::exit::Exit;
use crate::delivery::Interruption;
use anyhow::Context;
use std::cell::Cell;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> anyhow::Result<Signals> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// The exit code that the next signal asks for.
    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }

    /// Drains at the first signal and returns at the second. `first` tells which the first was.
    pub(super) async fn drain(
        &mut self,
        drain: &watch::Sender<Option<Interruption>>,
        first: &Cell<Option<Exit>>,
    ) {
        let exit = self.next().await;
        first.set(Some(exit));
        drain.send_replace(Some(exit.interruption()));
        self.next().await;
    }
}
