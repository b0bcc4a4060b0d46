//! `pause`: no more calls of a run are started.

use super::arguments::{Common, Output};
use super::ending::{facts, go_on_command};
use super::exit::Exit;
use super::failure::Failure;
use super::operators::Pause;
use super::print;
use super::workspace::Workspace;
use crate::clock;
use crate::delivery::{PauseReason, RunEvent, RunState};
use crate::journal::{Journal, Run};
use crate::report::Standing;
use crate::scheduler::PausedBy;
use crate::source::{plural, thousands, unbroken};
use anyhow::Context;

pub(super) async fn pause(common: &Common, options: &Pause) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    if options.all && workspace.journal_if_any()?.is_none() {
        print::say("nothing has been sent yet; no run is open");
        return tell(&[], options.output);
    }
    let journal = workspace.existing_journal().await?;
    let scheduled = match &options.run {
        Some(wanted) => workspace.scheduled(&journal, wanted).await?,
        None => None,
    };
    if let Some(campaign) = &scheduled {
        workspace
            .pause_schedule(&journal, campaign.as_str())
            .await?;
    }
    if options.all {
        pause_schedules(&workspace, &journal).await?;
    }
    let was_sent = match &scheduled {
        Some(campaign) => !journal.runs_of(campaign).await?.is_empty(),
        None => true,
    };
    // Of what was never sent the schedule is all there was to pause. Runs come behind schedules: what is opened in between
    // is among them.
    let (runs, unreadable) = if was_sent {
        meant(&workspace, &journal, options).await?
    } else {
        (Vec::new(), 0)
    };
    // Whoever is in a hurry waits for nothing that is told afterwards.
    for run in &runs {
        hold(&journal, run).await?;
    }
    let mut standings = Vec::with_capacity(runs.len());
    for run in &runs {
        standings.push(stand(&workspace, &journal, run).await?);
    }
    if runs.is_empty() {
        print::say("no run is open");
    }
    if unreadable > 0 {
        let text = format!(
            "{} cannot be read from the journal; nobody sends what cannot be read",
            plural(unreadable, "open run")
        );
        print::error(&text, None);
    }
    tell(&standings, options.output)
}

/// Whoever pulls the brake wants nothing to begin a minute later.
async fn pause_schedules(workspace: &Workspace, journal: &Journal) -> Result<(), Failure> {
    let paused = journal
        .pause_campaigns(PausedBy::Operator, clock::now())
        .await?;
    if paused > 0 {
        let schedules = plural(paused, "schedule");
        print::say(&format!(
            "{schedules} paused: occurrences are skipped until they are resumed"
        ));
        let flag = workspace.flag();
        let command = unbroken(&format!("campanile resume --schedules{flag}"));
        print::help(&format!("let them go on with: {command}"));
    }
    Ok(())
}

/// The runs that are meant, and how many more cannot be read.
async fn meant(
    workspace: &Workspace,
    journal: &Journal,
    options: &Pause,
) -> Result<(Vec<Run>, u64), Failure> {
    let Some(wanted) = &options.run else {
        return Ok(journal.all_unended_runs().await?);
    };
    let runs = workspace.find_runs(journal, wanted).await?;
    let is_open = |run: &&Run| !run.state().is_finished();
    let open: Vec<Run> = runs.iter().filter(is_open).cloned().collect();
    // Of a campaign with nothing open the latest tells that.
    let latest = runs.into_iter().filter(|run| !run.key.test).take(1);
    Ok((
        if open.is_empty() {
            latest.collect()
        } else {
            open
        },
        0,
    ))
}

/// Writes down that it is paused, if that says anything new.
async fn hold(journal: &Journal, run: &Run) -> Result<(), Failure> {
    if !matches!(run.state(), RunState::Open | RunState::Stopped { .. }) {
        return Ok(());
    }
    let reason = PauseReason::Operator;
    let event = RunEvent::Paused { reason };
    Ok(journal.append_run(run.id, &event, clock::now()).await?)
}

/// How it stands now, and what there is to say about that.
async fn stand(workspace: &Workspace, journal: &Journal, run: &Run) -> Result<Standing, Failure> {
    let before = run.state();
    let run = journal.run(run.id).await?;
    let counts = journal.tally(&run).await?;
    let holder = journal.lane_holder(&run.key.app, run.channel);
    let state = run.state();
    let note = match (&before, &state) {
        (RunState::Paused { .. }, _) => "it was paused already".to_owned(),
        (_, RunState::Cancelling) => "it is cancelled; nothing more of it is sent".to_owned(),
        (_, state) if state.is_finished() => "there is nothing left to pause".to_owned(),
        (RunState::Open, _) => match &holder {
            Some(holder) => format!("what {holder} has under way comes home"),
            None => "nobody was sending it".to_owned(),
        },
        _ => "nothing of it was being sent".to_owned(),
    };
    let facts = facts(&run);
    Ok(Standing {
        holder,
        note: Some(note),
        go_on: (!state.is_finished()).then(|| go_on_command(workspace, &run)),
        ..Standing::new(facts, &state, &counts, run.opened_ms)
    })
}

fn tell(standings: &[Standing], output: Output) -> Result<Exit, Failure> {
    if output == Output::Json {
        let text = serde_json::to_string(standings).context("cannot write JSON")?;
        print::result(&text)?;
        return Ok(Exit::Success);
    }
    for each in standings {
        let Standing {
            run, state, note, ..
        } = each;
        let reason = each.reason.as_ref();
        let reason = reason
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        let (accepted, planned) = (thousands(each.accepted), thousands(each.planned));
        let note = note.as_deref().unwrap_or_default();
        print::told(&format!(
            "{run} is {state}{reason}, with {accepted} of {planned} accepted; {note}"
        ))?;
        if let Some(command) = &each.go_on {
            print::help(&format!("go on with: {}", unbroken(command)));
        }
    }
    Ok(Exit::Success)
}
