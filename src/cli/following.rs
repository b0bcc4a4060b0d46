//! Looks on while another process, which holds the lane, sends a run.

use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::progress::Shown;
use super::sending::{Lane, Sender};
use super::signals::Signals;
use crate::clock;
use crate::delivery::RunState;
use crate::executor::{Ending, Progress, count};
use crate::journal::{Journal, LaneLock, Run};
use crate::settings::App;
use crate::source::unbroken;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::interval;

/// How often it is looked whether the run is over or the lane is free.
const LOOKED_EVERY: Duration = Duration::from_millis(250);
/// How long after a count for the progress the next is made, and by how much longer than it took: it reads all that
/// there is of the run.
const COUNTED_EVERY: Duration = Duration::from_secs(1);
const REST_PER_COUNT: u32 = 20;

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
    print::say(&beside(sender, run, holder));
    let (progress, progress_seen) = watch::channel(Progress::default());
    let shown = Shown::start(name.to_string(), progress_seen);
    let followed = tokio::select! {
        followed = look(sender, run, &progress) => followed,
        exit = signals.next() => Ok(Followed::Left(exit)),
    };
    drop(shown);
    if matches!(followed, Ok(Followed::Left(_))) {
        let flag = sender.workspace.flag();
        let does = if run.is_cancelling() {
            "settling"
        } else {
            "sending"
        };
        let command = unbroken(&format!("campanile log {name}{flag} --follow"));
        print::say(&format!(
            "{holder} goes on {does} {name}; see it with: {command}"
        ));
    }
    followed
}

/// What becomes of a run whose lane is held.
fn beside(sender: &Sender<'_>, run: &Run, holder: &str) -> String {
    let name = run.name();
    let does = if run.is_cancelling() {
        "settles"
    } else {
        "sends"
    };
    let workspace = sender.workspace;
    let same = |app: &&App| workspace.vendor_app(app) == run.key.app;
    // It does so for one of them: another may have another administrator.
    if workspace.settings.apps.iter().filter(same).count() > 1 {
        let role = &run.app;
        return format!(
            "{holder} sends on this lane, and {does} {name} as well if it sends as `{role}`; else this one waits for it \
             (Ctrl-C leaves {name} open)"
        );
    }
    format!("{holder} sends on this lane, and {does} {name} as well (Ctrl-C leaves it to do so)")
}

async fn look(
    sender: &Sender<'_>,
    run: &Run,
    progress: &watch::Sender<Progress>,
) -> Result<Followed, Failure> {
    let journal = sender.journal;
    let mut looks = interval(LOOKED_EVERY);
    let mut next_count = clock::now();
    loop {
        looks.tick().await;
        let run = match journal.run(run.id).await {
            // Whoever sends the run waits for the journal as well.
            Err(error) if error.is_unavailable() => continue,
            read => read?,
        };
        if let Some(ending) = ending(journal, &run).await? {
            return Ok(Followed::Over(ending));
        }
        if let Lane::Ours(lock) = Lane::take(journal, &run).await? {
            return Ok(Followed::LaneFree(lock));
        }
        let began = clock::now();
        if began.boot_ns >= next_count.boot_ns {
            let counts = journal.tally(&run).await?;
            progress.send_modify(|progress| progress.counts = counts);
            let took = clock::now().age_of(began).unwrap_or_default();
            next_count = began.plus(COUNTED_EVERY.max(took * REST_PER_COUNT));
        }
    }
}

/// How a run that is not open was left.
pub(super) async fn ending(journal: &Journal, run: &Run) -> Result<Option<Ending>, Failure> {
    let state = run.state();
    if matches!(state, RunState::Open | RunState::Cancelling) {
        return Ok(None);
    }
    let counts = count(journal, run).await?;
    Ok(Some(match state {
        RunState::Paused { .. } => Ending::Paused(counts),
        RunState::Stopped { reason } => Ending::Stopped(reason, counts),
        _ => Ending::Finished(counts),
    }))
}
