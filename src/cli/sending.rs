//! Sends a run, or sees to it that whoever holds its lane does: shared by `run` and `resume`.

use super::arguments::Output;
use super::ending::{FORCE_SENDS_TWICE, Measured, Wanted, exit_of, go_on, report};
use super::exit::Exit;
use super::failure::Failure;
use super::following::{Followed, ending, follow};
use super::print;
use super::progress::Shown;
use super::signals::Signals;
use super::workspace::Workspace;
use crate::clock;
use crate::daemon::Event;
use crate::delivery::{PauseReason, RunEvent, RunState};
use crate::executor::{self, Ending, Execution, LaneRules, Progress, Rest, count_open};
use crate::identity::Moment;
use crate::journal::{self, Journal, LaneLock, Run};
use crate::sandbox::Sandbox;
use crate::settings::App;
use crate::source::{list_of, plural};
use crate::vendor::{Access, Client};
use anyhow::Context;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long whoever leaves at once waits for a journal that is busy.
const PAUSED_WITHIN: Duration = Duration::from_secs(2);

/// What it takes to send.
pub(super) struct Sender<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) app: &'a App,
    pub(super) journal: &'a Journal,
    pub(super) output: Output,
}

/// Whoever has it may send, and nobody else.
pub(super) enum Lane {
    Ours(LaneLock),
    /// As its holder calls itself.
    Held(String),
}

impl Lane {
    pub(super) async fn take(journal: &Journal, run: &Run) -> Result<Lane, Failure> {
        match journal.lock_lane(&run.key.app, run.channel) {
            Ok(lock) => {
                journal.check_newest().await?;
                Ok(Lane::Ours(lock))
            }
            Err(journal::Error::LaneHeld { holder }) => Ok(Lane::Held(holder)),
            Err(error) => Err(error.into()),
        }
    }
}

impl Sender<'_> {
    /// Brings an open run to its end: here, or where its lane is held.
    pub(super) async fn deliver(&self, run: Run, lane: Lane) -> Result<Exit, Failure> {
        let (began, wanted) = (clock::now(), Wanted::of(&run));
        let mut signals = Signals::listen()?;
        let lock = match lane {
            Lane::Ours(lock) => lock,
            Lane::Held(holder) => match follow(self, &run, &holder, &mut signals).await? {
                Followed::Over(ending) => return self.tell(&run, &ending, began, wanted).await,
                Followed::Left(exit) => return Ok(exit),
                Followed::LaneFree(lock) => {
                    print::say(&format!("going on with {} here", run.name()));
                    lock
                }
            },
        };
        // Whoever held the lane may have brought it to its end in this moment.
        let run = self.journal.run(run.id).await?;
        if let Some(ending) = ending(self.journal, &run).await? {
            return self.tell(&run, &ending, began, wanted).await;
        }
        // Only the end of the process lets go of the lane: whatever breaks, nothing is on its way into the journal then.
        let _lock = ManuallyDrop::new(lock);
        self.send(run, &mut signals, wanted).await
    }

    /// Tells how a run stands that is not open.
    pub(super) async fn stand(&self, run: &Run) -> Result<(), Failure> {
        let ending = ending(self.journal, run).await?;
        ending.map_or(Ok(()), |ending| {
            report(self, run, &ending, &self.measured(clock::now(), None))
        })
    }

    /// Tells how a run ended that another process sent.
    async fn tell(
        &self,
        run: &Run,
        ending: &Ending,
        began: Moment,
        wanted: Wanted,
    ) -> Result<Exit, Failure> {
        let run = self.journal.run(run.id).await?;
        report(self, &run, ending, &self.measured(began, None))?;
        self.journal.close().await;
        Ok(exit_of(&run, ending, None, wanted))
    }

    async fn send(&self, run: Run, signals: &mut Signals, wanted: Wanted) -> Result<Exit, Failure> {
        let began = clock::now();
        let (access, stand_in) = self.reach(&run).await?;
        let client =
            Client::new(access, clock::now()).context("cannot set up the vendor's client")?;
        let clocks = client.clone();
        let (drain, drain_seen) = watch::channel(None);
        let (progress, progress_seen) = watch::channel(Progress::default());
        let execution = Execution {
            journal: self.journal.clone(),
            client,
            run: run.clone(),
            rules: self.rules(&run),
            drain: drain_seen,
            progress,
        };
        let shown = Shown::start(run.name().to_string(), progress_seen.clone());
        let first = Cell::new(None);
        let twice = signals.drain(&drain, &first);
        tokio::pin!(twice);
        let executed = tokio::select! {
            executed = execution.execute() => executed.map_err(|error| interrupted(self.workspace, &run, error)),
            () = &mut twice => Err(self.leave_at_once(&run, first.get()).await),
        };
        drop(shown);
        if let Some(differs_ms) = clocks.clock_differs_ms() {
            print::say(&Event::VendorClock { differs_ms }.text());
        }
        let (ending, rest) = executed?;
        let rate_per_s = progress_seen.borrow().rate_per_s();
        let run = self.journal.run(run.id).await?;
        report(self, &run, &ending, &self.measured(began, rate_per_s))?;
        tokio::select! {
            done = self.send_rest(rest) => done?,
            () = &mut twice => {}
        }
        if let Some(stand_in) = stand_in {
            stand_in.stop().await;
        }
        self.journal.close().await;
        Ok(exit_of(&run, &ending, first.get(), wanted))
    }

    /// How to reach the vendor. A cancelled run of which nothing is open needs nobody to be reached.
    async fn reach(&self, run: &Run) -> Result<(Access, Option<Sandbox>), Failure> {
        let reached = || self.workspace.access(self.app);
        if !run.is_cancelling() {
            return reached().await;
        }
        let open = count_open(self.journal, run).await?.1;
        if open == 0 {
            return Ok((Workspace::no_access(self.app), None));
        }
        reached().await.map_err(|failure| {
            failure.after(format!(
                "{} is cancelled and nothing more of it is sent, but {} may have been delivered, and finding out takes \
                 the secret; when that is mended, {}",
                run.name(),
                plural(open, "message"),
                go_on(self.workspace, run)
            ))
        })
    }

    /// Whoever leaves a run at once does not want the next process to go on with it, even if the drain had no time to
    /// write that down.
    async fn leave_at_once(&self, run: &Run, first: Option<Exit>) -> Failure {
        let exit = first.unwrap_or(Exit::Interrupted);
        let pause = async {
            if self.journal.run(run.id).await?.state() == RunState::Open {
                let reason = PauseReason::Interrupted(exit.interruption());
                let event = RunEvent::Paused { reason };
                self.journal
                    .append_run(run.id, &event, clock::now())
                    .await?;
            }
            Ok::<_, journal::Error>(())
        };
        let is_paused = matches!(timeout(PAUSED_WITHIN, pause).await, Ok(Ok(())));
        let text = format!("{} was left at once, with calls open", run.name());
        let text = if is_paused {
            text
        } else {
            format!("{text}; that it is paused could not be written down")
        };
        Failure::new(exit, text).help(go_on(self.workspace, run))
    }

    /// Other processes opened runs on the lane and rely on us to send them.
    async fn send_rest(&self, rest: Rest) -> Result<(), Failure> {
        let names = |runs: &[_]| list_of(&runs.iter().map(ToString::to_string).collect::<Vec<_>>());
        let others = rest.runs();
        if !others.is_empty() {
            print::say(&format!(
                "sending {} as well, opened by another process; Ctrl-C leaves that",
                names(others)
            ));
        }
        let left = rest.finish().await?;
        if !left.is_empty() {
            print::say(&format!("left open: {}", names(&left)));
        }
        Ok(())
    }

    fn rules(&self, run: &Run) -> LaneRules {
        let limits = self.app.limits;
        LaneRules {
            limit: run.channel.limit(&limits),
            deduplication: limits.deduplication,
            patience: self.workspace.patience(self.app),
        }
    }

    fn measured(&self, began: Moment, rate_per_s: Option<f64>) -> Measured {
        Measured {
            elapsed: clock::now().age_of(began).unwrap_or_default(),
            rate_per_s,
            journal: self.journal.path().to_owned(),
        }
    }
}

/// Something broke on the way: what was sent is known, and the run can be gone on with.
fn interrupted(workspace: &Workspace, run: &Run, error: executor::Error) -> Failure {
    if let executor::Error::Restored(_) = &error {
        let command = format!(
            "campanile resume {}{} --force",
            run.name(),
            workspace.flag()
        );
        return Failure::safety(format!("{error}; {FORCE_SENDS_TWICE}"), &command);
    }
    Failure::from(error).help(format!(
        "the run is still open; when that is mended, {}",
        go_on(workspace, run)
    ))
}
