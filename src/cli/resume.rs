//! `resume`: go on with a run.

use super::arguments::{Common, Resume};
use super::cancel::settle;
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::run::{check_not_sent, resumed};
use super::schedules::{resume_schedule, resume_schedules};
use super::sending::{Lane, Sender};
use super::workspace::Workspace;
use crate::clock;
use crate::delivery::{RunEvent, RunState};
use crate::executor::left_since_ms;
use crate::journal::Run;
use crate::settings::App;

pub(super) async fn resume(common: &Common, options: &Resume) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let journal = workspace.existing_journal().await?;
    let Some(wanted) = &options.run else {
        resume_schedules(&journal).await?;
        return Ok(Exit::Success);
    };
    let scheduled = workspace.scheduled(&journal, wanted).await?;
    let is_resumed = match &scheduled {
        Some(campaign) => resume_schedule(&journal, campaign.as_str()).await?,
        None => false,
    };
    if let Some(campaign) = scheduled.filter(|_| is_resumed) {
        let runs = journal.runs_of(&campaign).await?;
        if runs.iter().all(|run| run.state().is_finished()) {
            return Ok(Exit::Success);
        }
    }
    let run = workspace.find_run(&journal, wanted).await?;
    if is_over(&run) {
        return Ok(Exit::Success);
    }
    if run.is_cancelling() {
        print::say(&format!("{} is cancelled; settling it", run.name()));
        return settle(&workspace, &journal, run, options.output).await;
    }
    let app = app(&workspace, &run)?;
    workspace.check_access(app)?;
    let sender = Sender {
        workspace: &workspace,
        app,
        journal: &journal,
        output: options.output,
    };
    let lane = Lane::take(&journal, &run).await?;
    // Whoever held the lane may have ended it in the meantime.
    let run = journal.run(run.id).await?;
    if is_over(&run) {
        return Ok(Exit::Success);
    }
    if run.is_cancelling() {
        return sender.deliver(run, lane).await;
    }
    // Whoever holds the lane takes no run up by itself in which nothing has happened for long.
    let is_sent = matches!((&lane, run.state()), (Lane::Held(_), RunState::Open))
        && left_since_ms(&journal, &run).await?.is_none();
    if is_sent {
        check_not_sent(&workspace, &run, &lane, options.stop_after)?;
        return sender.deliver(run, lane).await;
    }
    if options.force {
        let event = RunEvent::Trusted;
        journal.append_run(run.id, &event, clock::now()).await?;
    }
    let run = resumed(&journal, &run, options.stop_after).await?;
    print::say(&format!("going on with {}", run.name()));
    sender.deliver(run, lane).await
}

fn is_over(run: &Run) -> bool {
    let state = run.state();
    if state.is_finished() {
        print::say(&format!(
            "{} is {}; there is nothing left to send",
            run.name(),
            state.name()
        ));
    }
    state.is_finished()
}

/// The app of the run as the settings have it now; it must still be the same at the vendor.
pub(super) fn app<'a>(workspace: &'a Workspace, run: &Run) -> Result<&'a App, Failure> {
    let same = |app: &&App| workspace.vendor_app(app) == run.key.app;
    let apps = &workspace.settings.apps;
    let by_role = apps.iter().filter(same).find(|app| app.role == run.app);
    by_role.or_else(|| apps.iter().find(same)).ok_or_else(|| {
        let vendor_app = &run.key.app;
        let text = format!(
            "{} goes to SDKAppID {} at {}, and no app of the settings does any more",
            run.name(),
            vendor_app.sdk_app_id,
            vendor_app.host
        );
        Failure::new(Exit::Invalid, text)
    })
}
