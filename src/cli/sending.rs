//! Executes a run and tells how it went: shared by `run` and `resume`.

use super::arguments::Output;
use super::exit::Exit;
use super::failure::Failure;
use super::signals::Signals;
use super::workspace::Workspace;
use super::{print, progress};
use crate::clock;
use crate::delivery::Counts;
use crate::executor::{Ending, Execution, LaneRules, Progress};
use crate::identity::civil_text;
use crate::journal::{Journal, Run};
use crate::report::{RunFacts, RunReport, counts_text};
use crate::settings::App;
use crate::vendor::Client;
use anyhow::Context;
use std::time::Duration;
use tokio::sync::watch;

/// Sends what is left of `run`. The caller holds the lane's lock.
pub(super) async fn send(
    workspace: &Workspace,
    journal: &Journal,
    app: &App,
    run: Run,
    output: Output,
) -> Result<Exit, Failure> {
    let began = clock::now();
    let (access, stand_in) = workspace.access(app).await?;
    let client = Client::new(access, began).context("cannot set up the vendor's client")?;
    let (drain, drain_seen) = watch::channel(None);
    let (progress, progress_seen) = watch::channel(Progress::default());
    let rules = LaneRules {
        limit: app.limits.group_message,
        deduplication: app.limits.deduplication,
    };
    let execution = Execution {
        journal: journal.clone(),
        client,
        run: run.clone(),
        rules,
        drain: drain_seen,
        progress,
    };
    let mut signals = Signals::listen()?;
    let mut first = None;
    let ending = tokio::select! {
        ending = execution.execute() => ending?,
        () = signals.drain(&drain, &mut first) => {
            let text = format!("{} was left at once; its open calls are settled by `campanile resume {}{}`",
                run.name(), run.name(), workspace.flag());
            return Err(Failure::new(first.unwrap_or(Exit::Interrupted), text));
        }
        never = progress::show(run.name().to_string(), progress_seen.clone()) => match never {},
    };
    let progress = *progress_seen.borrow();
    let elapsed = clock::now().age_of(began).unwrap_or_default();
    let run = journal.run(run.id).await?;
    report(
        workspace,
        &run,
        &ending,
        &Measured {
            elapsed,
            rate_per_s: progress.rate_per_s(),
        },
        output,
    )?;
    if let Some(stand_in) = stand_in {
        stand_in.stop().await;
    }
    journal.close().await;
    Ok(exit(&ending, first))
}

/// What this process measured.
struct Measured {
    elapsed: Duration,
    rate_per_s: Option<f64>,
}

fn exit(ending: &Ending, signal: Option<Exit>) -> Exit {
    match ending {
        Ending::Paused(_) => signal.unwrap_or(Exit::Stopped),
        Ending::Stopped(..) => Exit::Stopped,
        Ending::Finished(counts) if counts.refused + counts.failed + counts.unknown > 0 => {
            Exit::Incomplete
        }
        Ending::Finished(_) => Exit::Success,
    }
}

fn report(
    workspace: &Workspace,
    run: &Run,
    ending: &Ending,
    measured: &Measured,
    output: Output,
) -> Result<(), Failure> {
    let state = run.state();
    let counts = ending.counts();
    if output == Output::Json {
        let report = RunReport {
            commit: run.revision.clone(),
            digest: run.digest.clone(),
            elapsed_s: (measured.elapsed.as_secs_f64() * 1_000.0).round() / 1_000.0,
            rate_per_s: measured.rate_per_s.map(|rate| (rate * 10.0).round() / 10.0),
            ..RunReport::new(facts(run), state.name(), &counts)
        };
        print::result(&serde_json::to_string(&report).context("cannot write JSON")?)?;
    } else {
        for line in told(workspace, run, &counts, measured) {
            print::result(&line)?;
        }
    }
    let (name, flag) = (run.name(), workspace.flag());
    match ending {
        Ending::Finished(_) => {}
        Ending::Paused(_) => print::say(&format!(
            "paused; go on with: campanile resume {name}{flag}"
        )),
        Ending::Stopped(answer, _) => {
            print::error(
                &format!("stopped, because no call would fare better: {answer}"),
                Some(&format!("mend that, then: campanile resume {name}{flag}")),
            );
        }
    }
    Ok(())
}

fn told(workspace: &Workspace, run: &Run, counts: &Counts, measured: &Measured) -> Vec<String> {
    let elapsed = measured.elapsed.as_secs_f64();
    let pace = match measured.rate_per_s {
        Some(rate) => format!("{elapsed:.1} s, {rate:.1} accepted a second"),
        None => format!("{elapsed:.1} s"),
    };
    let name = run.name();
    let journal = workspace.shown(&workspace.journal_path());
    vec![
        format!("{name} is {}: {}", run.state().name(), counts_text(counts)),
        pace,
        format!(
            "log: campanile log {name}{}   (journal: {journal})",
            workspace.flag()
        ),
    ]
}

/// What all lines about a run share.
pub(super) fn facts(run: &Run) -> RunFacts {
    RunFacts {
        app: run.app.clone(),
        campaign: run.key.campaign.to_string(),
        occurrence: format!("{} {}", civil_text(run.key.local), run.key.zone),
        run: run.name().to_string(),
        channel: run.channel.name(),
    }
}
