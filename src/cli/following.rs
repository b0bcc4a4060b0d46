//! Looks on while another process, which holds the lane, sends a run.

use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::progress::Shown;
use super::sending::{Lane, Sender};
use super::signals::Signals;
use crate::channel::Answer;
use crate::delivery::RunState;
use crate::executor::{Ending, Progress, count};
use crate::journal::{Journal, LaneLock, Run};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::interval;

/// How often it is looked whether the run is over or the lane is free.
const LOOKED_EVERY: Duration = Duration::from_millis(250);
/// How many of these looks pass between two counts for the progress: they read what there is of the run.
const LOOKS_PER_COUNT: u32 = 4;

/// What came of looking on.
pub(super) enum Followed {
    Over(Ending),
    /// The holder is gone and the run is not over.
    LaneFree(LaneLock),
    /// Somebody does not want to look on any more.
    Left(Exit),
}

pub(super) async fn follow(
    sender: &Sender<'_>,
    run: &Run,
    holder: &str,
    signals: &mut Signals,
) -> Result<Followed, Failure> {
    let name = run.name();
    print::say(&format!(
        "{holder} sends on this lane, and sends {name} as well (Ctrl-C leaves it to do so)"
    ));
    let (progress, progress_seen) = watch::channel(Progress::default());
    let shown = Shown::start(name.to_string(), progress_seen);
    let followed = tokio::select! {
        followed = look(sender, run, &progress) => followed,
        exit = signals.next() => Ok(Followed::Left(exit)),
    };
    drop(shown);
    if matches!(followed, Ok(Followed::Left(_))) {
        let flag = sender.workspace.flag();
        print::say(&format!(
            "{holder} goes on sending {name}; see it with: campanile log {name}{flag} --follow"
        ));
    }
    followed
}

async fn look(
    sender: &Sender<'_>,
    run: &Run,
    progress: &watch::Sender<Progress>,
) -> Result<Followed, Failure> {
    let journal = sender.journal;
    let mut looks = interval(LOOKED_EVERY);
    for number in 0_u32.. {
        looks.tick().await;
        let run = journal.run(run.id).await?;
        if let Some(ending) = ending(journal, &run).await? {
            return Ok(Followed::Over(ending));
        }
        if let Lane::Ours(lock) = Lane::take(journal, &run)? {
            return Ok(Followed::LaneFree(lock));
        }
        if number.is_multiple_of(LOOKS_PER_COUNT) {
            let counts = journal.tally(&run).await?;
            progress.send_modify(|progress| progress.counts = counts);
        }
    }
    unreachable!("the looks have no end")
}

/// How a run that is not open was left.
pub(super) async fn ending(journal: &Journal, run: &Run) -> Result<Option<Ending>, Failure> {
    let state = run.state();
    if state == RunState::Open {
        return Ok(None);
    }
    let counts = count(journal, run).await?;
    Ok(Some(match state {
        RunState::Paused { .. } => Ending::Paused(counts),
        RunState::Stopped { reason } => Ending::Stopped(Answer::from(reason.as_str()), counts),
        _ => Ending::Finished(counts),
    }))
}
