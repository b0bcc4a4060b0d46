//! `run --dry-run`: everything but sending.

use super::arguments::{Common, Output};
use super::ending::facts;
use super::exit::Exit;
use super::failure::Failure;
use super::opening::{self, Request};
use super::print;
use super::prompt;
use super::run::{check_open, tell_over};
use super::safety::{Objection, check_not_empty, refusal};
use super::senders::Run as RunOptions;
use super::workspace::Workspace;
use crate::executor::plan;
use crate::files::revision;
use crate::identity::{OccurrenceKey, civil_text};
use crate::journal::{Journal, Run};
use crate::plan::Header;
use crate::report::{RunReport, counts_text, time_text};
use anyhow::Context;
use serde_json::{Value, json};
use std::time::Duration;

const BEFORE: &str = "DRY RUN: nothing is sent, and nothing is written down";
const AFTER: &str = "DRY RUN: nothing was sent, and nothing was written down";

/// Ends as the run itself would, but for its calls.
pub(super) async fn run(common: &Common, options: &RunOptions) -> Result<Exit, Failure> {
    banner(options, BEFORE)?;
    let exit = match rehearse(common, options).await {
        Ok(()) => Exit::Success,
        Err(failure) => failure.print(),
    };
    banner(options, AFTER)?;
    Ok(exit)
}

/// What programs read is JSON and nothing else.
fn banner(options: &RunOptions, text: &str) -> Result<(), Failure> {
    if options.output == Output::Json {
        print::say(text);
    } else {
        print::result(text)?;
    }
    Ok(())
}

async fn rehearse(common: &Common, options: &RunOptions) -> Result<(), Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let campaign = workspace.campaign(&options.campaign)?;
    campaign.warnings.iter().for_each(print::diagnostic);
    let app = workspace
        .settings
        .app(campaign.app.as_ref())
        .map_err(|found| Failure::invalid(vec![found], 0))?;
    let journal = match workspace.journal_if_any()? {
        Some(path) => {
            let journal = Journal::open_to_read(&path).await?;
            journal.check_newest().await?;
            Some(journal)
        }
        None => None,
    };
    let request = Request::new(&workspace, app, &campaign, options, journal.as_ref()).await?;
    match (request.course(), &journal) {
        (opening::Course::Over(run), Some(journal)) => {
            tell_standing(journal, run, options, false).await?;
            tell_over(run);
            Ok(())
        }
        (opening::Course::GoOn(run), Some(journal)) => {
            let checked = check_open(&workspace, journal, run).await;
            tell_standing(journal, run, options, checked.is_ok()).await?;
            checked
        }
        _ => rehearse_opening(&request).await,
    }
}

/// A run that is there already.
async fn tell_standing(
    journal: &Journal,
    run: &Run,
    options: &RunOptions,
    would_go_on: bool,
) -> Result<(), Failure> {
    let (counts, state) = (journal.tally(run).await?, run.state());
    if options.output == Output::Text {
        let (name, state) = (run.name(), state.name());
        print::told(&format!("{name} is {state}: {}", counts_text(&counts)))?;
        if would_go_on {
            print::result("a run would go on with it")?;
        }
        return Ok(());
    }
    let report = RunReport {
        commit: run.revision.clone(),
        digest: run.digest.clone(),
        ..RunReport::new(facts(run), state.name(), &counts)
    };
    let would = if would_go_on { "go_on" } else { "nothing" };
    tell_json(report, json!({ "dry_run": true, "would": would }))
}

async fn rehearse_opening(request: &Request<'_>) -> Result<(), Failure> {
    let (frame, key) = request.frame().await?;
    let repository = &request.workspace.repository;
    let planned = plan(repository, request.campaign, &frame, request.now);
    let (header, warnings) = planned.map_err(|complaints| {
        let (shown, more) = complaints.shown();
        Failure::invalid(shown, more)
    })?;
    warnings.iter().for_each(print::diagnostic);
    check_not_empty(&header)?;
    let objections = request.objections(&header, &key).await?;
    if request.options.output == Output::Text {
        for line in prompt::facts(request, &header, &key, print::result_width()) {
            print::result(&line)?;
        }
    } else {
        tell_plan(request, &header, &key, &objections)?;
    }
    if objections.is_empty() {
        return Ok(());
    }
    Err(refusal(&objections, false).after("a run would be refused"))
}

fn tell_plan(
    request: &Request<'_>,
    header: &Header,
    key: &OccurrenceKey,
    objections: &[Objection],
) -> Result<(), Failure> {
    let Request { workspace, app, .. } = request;
    let course = prompt::Course::of(request, header);
    let seconds = |length: Duration| length.as_secs();
    let earlier = request.runs.iter().map(|run| {
        let (run, state) = (run.name().to_string(), run.state().name());
        json!({ "run": run, "state": state })
    });
    let mut flags: Vec<&str> = objections.iter().map(|each| each.flag).collect();
    flags.dedup();
    let whys: Vec<&str> = objections.iter().map(|each| each.why.as_str()).collect();
    let report = RunReport::planned(
        (app.role.as_str(), request.campaign.name.as_str()),
        format!("{} {}", civil_text(key.local), key.zone),
        key.run_name().to_string(),
        header,
        revision(&workspace.repository, request.campaign.read_files()),
    );
    let more = json!({
        "dry_run": true,
        "would": "open",
        "needs": flags,
        "why": whys,
        "sdk_app_id": app.sdk_app_id.0,
        "endpoint": if workspace.is_sandbox() { "sandbox" } else { &app.endpoint },
        "journal": workspace.shown(&workspace.journal_path()?),
        "earlier_runs": earlier.collect::<Vec<Value>>(),
        "channel": header.channel.name(),
        "rate_per_s": course.rate,
        "duration_s": course.takes.as_secs_f64(),
        "expected_end": time_text(course.end_ms),
        "late_s": request.late().map(seconds),
        "first_text": header.first_text,
    });
    tell_json(report, more)
}

/// The object that `run -o json` prints, with more in it.
fn tell_json(report: RunReport, more: Value) -> Result<(), Failure> {
    let mut told = serde_json::to_value(report).context("cannot write JSON")?;
    if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
        told.extend(more);
    }
    print::result(&told.to_string())?;
    Ok(())
}
