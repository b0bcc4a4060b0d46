//! `release`: an occurrence that is held goes on, or is not to be sent.

use super::arguments::{Common, Output};
use super::daemons::Release;
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::clock;
use crate::journal::{ActiveProblem, DaemonCommand, Journal, Problem, UnsentOccurrence};
use crate::scheduler::{Disposition, Reason};
use crate::source::{list_of, unbroken};
use anyhow::Context;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

/// How often it is looked what the daemon misses.
const LOOKED_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn release(common: &Common, options: &Release) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let journal = workspace.existing_journal().await?;
    let daemon = journal.daemon();
    let Some(wanted) = &options.run else {
        if daemon.is_some() && !misses_campaigns(&journal).await? {
            print::say("the daemon misses no campaigns; there is nothing to release");
            return Ok(Exit::Success);
        }
        journal
            .send_command(DaemonCommand::ConfirmRemoval, clock::now())
            .await?;
        print::say("the campaigns that are gone are forgotten; what is open of them is paused");
        tell_daemon(daemon.as_deref(), &workspace);
        return Ok(Exit::Success);
    };
    let held = meant(&workspace, &journal, wanted).await?;
    let (disposition, reason) = if options.skip {
        (Disposition::Skipped, Reason::SkippedByOperator)
    } else {
        (Disposition::Released, Reason::ReleasedByOperator)
    };
    let mut done = Vec::new();
    for each in &held {
        let settled = journal.settle_waiting(&each.key, (disposition, &reason), clock::now());
        if settled.await? {
            done.push(each.key.run_name().to_string());
        }
    }
    if options.output == Output::Json {
        let state = disposition.name();
        let lines: Vec<_> = done
            .iter()
            .map(|run| json!({ "run": run, "state": state }))
            .collect();
        print::result(&serde_json::to_string(&lines).context("cannot write JSON")?)?;
        return Ok(Exit::Success);
    }
    for run in &done {
        print::result(&format!("{run} is {}", disposition.name()))?;
    }
    if !options.skip {
        tell_daemon(daemon.as_deref(), &workspace);
    }
    Ok(Exit::Success)
}

/// What a daemon misses it writes down within a second; with a repository that is followed it is a commit that it does not
/// believe.
async fn misses_campaigns(journal: &Journal) -> Result<bool, Failure> {
    const LOOKS: u32 = 8;
    let is_missing = |each: &ActiveProblem| {
        matches!(each.problem, Problem::MassRemoval | Problem::Commit { .. })
    };
    for _ in 0..LOOKS {
        if journal.problems().await?.iter().any(is_missing) {
            return Ok(true);
        }
        sleep(LOOKED_EVERY).await;
    }
    Ok(false)
}

fn tell_daemon(daemon: Option<&str>, workspace: &Workspace) {
    match daemon {
        Some(daemon) => print::say(&format!("{daemon} sees to it")),
        None => print::help(&format!(
            "no daemon is running; the next one sees to it: {}",
            unbroken(&format!("campanile serve{}", workspace.flag()))
        )),
    }
}

/// What is held of a campaign, or the one occurrence that is named.
async fn meant(
    workspace: &Workspace,
    journal: &Journal,
    wanted: &str,
) -> Result<Vec<UnsentOccurrence>, Failure> {
    let waiting = journal.waiting().await?;
    let held = waiting
        .into_iter()
        .filter(|each| each.disposition == Disposition::Held);
    let held: Vec<UnsentOccurrence> = held.collect();
    let is_meant = |each: &&UnsentOccurrence| {
        let name = each.key.run_name().to_string();
        name == wanted || each.key.campaign.as_str() == wanted
    };
    let found: Vec<UnsentOccurrence> = held.iter().filter(is_meant).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names: Vec<String> = held
        .iter()
        .map(|each| each.key.run_name().to_string())
        .collect();
    let text = format!(
        "nothing is held of `{wanted}` in `{}`",
        workspace.shown(journal.path())
    );
    let failure = Failure::new(Exit::Error, text);
    Err(if names.is_empty() {
        failure.help("nothing is held at all")
    } else {
        failure.help(format!("there are {}", list_of(&names)))
    })
}
