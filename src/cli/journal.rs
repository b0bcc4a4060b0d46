//! `journal prune` and `journal backup`.

use super::arguments::{Backup, Common, Output, Prune};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::signals::Signals;
use super::workspace::Workspace;
use crate::clock;
use crate::identity::Moment;
use crate::journal::{self, Journal, PlanId, Run, Space, rubbish_before_ms};
use crate::report::time_text;
use crate::settings::RETENTION_MIN;
use crate::source::plural;
use anyhow::Context;
use serde::Serialize;

/// Runs that are named one by one before it is asked.
const NAMED_MAX: usize = 10;

#[derive(Debug, Serialize)]
struct Pruned {
    journal: String,
    dry_run: bool,
    runs: Vec<PrunedRun>,
    plans: usize,
    bytes_before: i64,
    bytes_after: i64,
    bytes_free: i64,
    kept_open: u64,
}

#[derive(Debug, Serialize)]
struct PrunedRun {
    run: String,
    app: String,
    state: &'static str,
    deliveries: u64,
    finished_at: Option<String>,
}

/// What there is to remove.
struct Old {
    runs: Vec<Run>,
    unfinished: u64,
    plans: Vec<PlanId>,
}

pub(super) async fn prune(common: &Common, options: &Prune) -> Result<Exit, Failure> {
    if options.older_than < RETENTION_MIN {
        let text = "--older-than is at least 24h: `run` must know what was sent in the last day, so that nothing is sent \
                    twice by mistake";
        return Err(Failure::new(Exit::Usage, text));
    }
    let workspace = Workspace::find(common, options.sandbox)?;
    let journal = workspace.existing_journal().await?;
    let now = clock::now();
    let age_ms = i64::try_from(options.older_than.as_millis()).unwrap_or(i64::MAX);
    let (runs, unfinished) = journal
        .finished_before(now.wall_ms.saturating_sub(age_ms))
        .await?;
    let old = Old {
        runs,
        unfinished,
        plans: journal.rubbish(rubbish_before_ms(now)).await?,
    };
    let before = journal.space().await?;
    let shown = workspace.shown(journal.path());
    tell(&shown, &old);
    let is_nothing = old.runs.is_empty() && old.plans.is_empty();
    let (mut after, mut runs) = (before, described(&old.runs));
    if !options.dry_run && !is_nothing {
        print::confirm(options.yes, "Remove it for good?", "nothing was removed")?;
        let gone = remove(&journal, &old, now).await?;
        journal
            .forget_unsent(now.wall_ms.saturating_sub(age_ms))
            .await?;
        runs = described(&gone);
        after = give_back(&journal, &gone).await?;
    }
    match options.output {
        Output::Json => {
            let pruned = Pruned {
                journal: shown,
                dry_run: options.dry_run,
                runs,
                plans: old.plans.len(),
                bytes_before: before.bytes,
                bytes_after: after.bytes,
                bytes_free: after.free,
                kept_open: old.unfinished,
            };
            print::result(&serde_json::to_string(&pruned).context("cannot write JSON")?)?;
        }
        Output::Text if options.dry_run => {
            print::result("nothing was removed: --dry-run")?;
        }
        Output::Text => {
            let removed = plural(runs.len() as u64, "run");
            print::told(&format!(
                "removed {removed}; {shown} has {} (it had {}), {} of them free for later runs",
                megabytes(after.bytes),
                megabytes(before.bytes),
                megabytes(after.free)
            ))?;
        }
    }
    journal.close().await;
    Ok(Exit::Success)
}

fn described(runs: &[Run]) -> Vec<PrunedRun> {
    let described = runs.iter().map(|run| PrunedRun {
        run: run.name().to_string(),
        app: run.app.clone(),
        state: run.state().name(),
        deliveries: run.planned,
        finished_at: run
            .last_entry()
            .and_then(|entry| time_text(entry.at.wall_ms)),
    });
    described.collect()
}

fn tell(journal: &str, old: &Old) {
    let deliveries: u64 = old.runs.iter().map(|run| run.planned).sum();
    let count = old.runs.len() as u64;
    if count > 0 {
        print::say(&format!(
            "{journal}: {} with {} to remove",
            plural(count, "finished run"),
            plural(deliveries, "delivery")
        ));
    } else if old.plans.is_empty() {
        print::say(&format!("{journal}: there is nothing to remove"));
    }
    for run in old.runs.iter().take(NAMED_MAX) {
        let ended = run
            .last_entry()
            .and_then(|entry| time_text(entry.at.wall_ms));
        let (name, state) = (run.name(), run.state().name());
        print::say(&format!("  {name}  {state}, {}", ended.unwrap_or_default()));
    }
    if old.runs.len() > NAMED_MAX {
        print::say(&format!("  and {} more", old.runs.len() - NAMED_MAX));
    }
    if !old.plans.is_empty() {
        let plans = plural(old.plans.len() as u64, "plan");
        print::say(&format!("{plans} that nobody opened, or that were cut off"));
    }
    if old.unfinished > 0 {
        let kept = plural(old.unfinished, "run");
        print::say(&format!("{kept} as old stay: not finished"));
    }
}

/// Run by run, so that it can be cut off between any two.
async fn remove(journal: &Journal, old: &Old, now: Moment) -> Result<Vec<Run>, Failure> {
    let mut gone = Vec::new();
    for run in &old.runs {
        if journal.take_out(run, now).await? {
            gone.push(run.clone());
        } else {
            print::say(&format!("{} stays: it was gone on with", run.name()));
        }
    }
    for plan in journal.rubbish(rubbish_before_ms(now)).await? {
        journal.clear_all(plan).await?;
    }
    Ok(gone)
}

/// That the file stays as large as it was is no failure.
async fn give_back(journal: &Journal, gone: &[Run]) -> Result<Space, Failure> {
    match journal.give_back(gone).await {
        Ok(()) => {}
        Err(journal::Error::LaneHeld { holder }) => print::say(&format!(
            "{holder} is sending, so the file, which an earlier version made, keeps its size; the next prune while nothing is \
             sent makes it smaller"
        )),
        Err(error) => print::say(&format!("the file keeps its size: {error}")),
    }
    Ok(journal.space().await?)
}

fn megabytes(bytes: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1} MB")
}

#[derive(Debug, Serialize)]
struct BackedUp {
    journal: String,
    backup: String,
    bytes: u64,
    runs: u64,
}

pub(super) async fn back_up(common: &Common, options: &Backup) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let journal = workspace.journal_to_read().await?;
    let target = workspace.directory.join(&options.file);
    let mut signals = Signals::listen()?;
    let copied = tokio::select! {
        copied = journal.back_up(&target) => copied?,
        exit = signals.next() => return Err(Failure::new(exit, "interrupted; there is no backup")),
    };
    let (from, to) = (
        workspace.shown(journal.path()),
        target.display().to_string(),
    );
    if options.output == Output::Json {
        let told = BackedUp {
            journal: from,
            backup: to,
            bytes: copied.bytes,
            runs: copied.runs,
        };
        print::result(&serde_json::to_string(&told).context("cannot write JSON")?)?;
    } else {
        let runs = plural(copied.runs, "run");
        print::told(&format!("{from} was copied to {to}: {runs}"))?;
    }
    journal.close().await;
    Ok(Exit::Success)
}
