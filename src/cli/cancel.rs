//! `cancel`: end a run.

use super::arguments::{Common, Output};
use super::ending::facts;
use super::exit::Exit;
use super::failure::Failure;
use super::operators::Cancel;
use super::print;
use super::resume;
use super::sending::{Lane, Sender};
use super::workspace::{Workspace, typed_with};
use crate::clock;
use crate::delivery::RunEvent;
use crate::executor::count_open;
use crate::journal::{Journal, Run};
use crate::report::RunReport;
use crate::settings::{App, Limits};
use crate::source::{plural, thousands};
use anyhow::Context;

pub(super) async fn cancel(common: &Common, options: &Cancel) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let journal = workspace.existing_journal().await?;
    let mut run = workspace.find_run(&journal, &options.run).await?;
    if !run.state().is_finished() && !run.is_cancelling() {
        ask(&journal, &run, options).await?;
        journal
            .append_run(run.id, &RunEvent::Cancelled, clock::now())
            .await?;
        // It may have come to its end while somebody thought about it.
        run = journal.run(run.id).await?;
    }
    if run.state().is_finished() {
        tell_finished(&journal, &run, options.output).await?;
        return Ok(Exit::Success);
    }
    settle(&workspace, &journal, run, options.output).await
}

/// Brings a cancelled run to its end: here, or where its lane is held.
pub(super) async fn settle(
    workspace: &Workspace,
    journal: &Journal,
    run: Run,
    output: Output,
) -> Result<Exit, Failure> {
    let app = match resume::app(workspace, &run) {
        Ok(app) => app.clone(),
        // What needs nobody to be reached can be settled all the same.
        Err(_) if count_open(journal, &run).await?.1 == 0 => nobody(&run),
        Err(gone) => return Err(gone),
    };
    let sender = Sender {
        workspace,
        app: &app,
        journal,
        output,
    };
    let lane = Lane::take(journal, &run).await?;
    sender.deliver(run, lane).await
}

/// In place of an app that the settings do not know any more.
fn nobody(run: &Run) -> App {
    App {
        role: run.app.clone(),
        sdk_app_id: run.key.app.sdk_app_id,
        administrator: String::new(),
        secret: None,
        endpoint: format!("https://{}", run.key.app.host),
        limits: Limits::default(),
        test_groups: Vec::new(),
    }
}

async fn ask(journal: &Journal, run: &Run, options: &Cancel) -> Result<(), Failure> {
    if options.yes {
        return Ok(());
    }
    let name = run.name();
    if !print::is_interactive() {
        let text =
            format!("cancelling {name} cannot be taken back, and nobody is here to be asked");
        return Err(Failure::safety(text, &typed_with("--yes")));
    }
    let (counts, open) = count_open(journal, run).await?;
    let left = counts.pending.saturating_sub(open);
    print::say(&format!(
        "{name} (app {}) is {}: of its {} {} {} not begun, and never will be",
        run.app,
        run.state().name(),
        plural(counts.planned, "delivery"),
        thousands(left),
        if left == 1 { "is" } else { "are" }
    ));
    if open > 0 {
        let messages = plural(open, "message");
        print::say(&format!(
            "{messages} may have been delivered: that is found out, and none is sent again"
        ));
    }
    if print::ask(&format!("Cancel {name}?"))? {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Safety,
            "not confirmed; nothing was changed",
        ))
    }
}

async fn tell_finished(journal: &Journal, run: &Run, output: Output) -> Result<(), Failure> {
    let state = run.state();
    print::say(&format!(
        "{} is {}; there is nothing to cancel",
        run.name(),
        state.name()
    ));
    if output == Output::Json {
        let counts = journal.tally(run).await?;
        let report = RunReport {
            commit: run.revision.clone(),
            digest: run.digest.clone(),
            ..RunReport::new(facts(run), state.name(), &counts)
        };
        print::result(&serde_json::to_string(&report).context("cannot write JSON")?)?;
    }
    Ok(())
}
