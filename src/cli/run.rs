//! `run`: plan a campaign and send it now.

use super::arguments::{Common, Output};
use super::dry;
use super::exit::Exit;
use super::failure::Failure;
use super::opening::{Course, Request, late_text};
use super::print;
use super::senders::Run as RunOptions;
use super::sending::{Lane, Sender};
use super::workspace::{Workspace, typed_with};
use crate::clock;
use crate::delivery::{RunEvent, RunState};
use crate::executor::{count_begun, left_since_ms, stage};
use crate::journal::{Journal, Run};
use crate::plan::always;
use crate::report::{state_reason, stop_text, time_text};
use crate::source::{plural, unbroken};

pub(super) async fn run(common: &Common, options: &RunOptions) -> Result<Exit, Failure> {
    if options.dry {
        return dry::run(common, options).await;
    }
    let workspace = Workspace::find(common, options.sandbox)?;
    let campaign = workspace.campaign(&options.campaign)?;
    campaign.warnings.iter().for_each(print::diagnostic);
    let app = workspace
        .settings
        .app(campaign.app.as_ref())
        .map_err(|found| Failure::invalid(vec![found], 0))?;
    // What is missing is missed before anything is planned.
    workspace.check_access(app)?;
    let journal = workspace.journal().await?;
    let request = Request::new(&workspace, app, &campaign, options, Some(&journal)).await?;
    let sender = Sender {
        workspace: &workspace,
        app,
        journal: &journal,
        output: options.output,
    };
    match request.course() {
        Course::Over(run) => {
            tell_over(run);
            if options.output == Output::Json {
                sender.stand(run).await?;
            }
            Ok(Exit::Success)
        }
        Course::GoOn(open) => {
            let lane = Lane::take(&journal, open).await?;
            let run = go_on(&request, &journal, open, &lane).await?;
            sender.deliver(run, lane).await
        }
        Course::Open => {
            let run = open(&request, &journal).await?;
            let lane = Lane::take(&journal, &run).await?;
            sender.deliver(run, lane).await
        }
    }
}

/// An occurrence that was sent is not sent again.
pub(super) fn tell_over(run: &Run) {
    let (name, state) = (run.name(), run.state());
    let reason = state_reason(&state).map(|reason| format!(" ({reason})"));
    print::say(&format!(
        "{name} is {}{}; nothing was sent now",
        state.name(),
        reason.unwrap_or_default()
    ));
    let again = typed_with("--again");
    print::help(&format!(
        "to send that occurrence once more: {}",
        unbroken(&again)
    ));
}

/// An open run is gone on with: the same command after a crash sends what is left.
async fn go_on(
    request: &Request<'_>,
    journal: &Journal,
    run: &Run,
    lane: &Lane,
) -> Result<Run, Failure> {
    // Whoever held the lane may have ended it since it was looked for.
    let run = journal.run(run.id).await?;
    if run.state().is_finished() {
        return Ok(run);
    }
    check_open(request.workspace, journal, &run).await?;
    let calls = request.options.stop_after;
    if matches!((lane, run.state()), (Lane::Held(_), RunState::Open)) {
        check_not_sent(request.workspace, &run, lane, calls)?;
        return Ok(run);
    }
    let why = match run.state() {
        RunState::Stopped { reason } => format!("had stopped ({})", stop_text(&reason)),
        _ => "was cut off".to_owned(),
    };
    print::say(&format!("going on with {}, which {why}", run.name()));
    resumed(journal, &run, calls).await
}

/// What a person has to decide about an open run before it is gone on with.
pub(super) async fn check_open(
    workspace: &Workspace,
    journal: &Journal,
    run: &Run,
) -> Result<(), Failure> {
    let (name, flag) = (run.name(), workspace.flag());
    let command = format!("campanile resume {name}{flag}");
    if run.is_cancelling() {
        let text = format!("{name} is cancelled, and not settled yet; nothing was sent now");
        let command = format!("campanile cancel {name}{flag}");
        return Err(Failure::new(Exit::Temporary, text)
            .help(format!("settle it with: {}", unbroken(&command))));
    }
    let state = run.state();
    if let (RunState::Paused { .. }, Some(reason)) = (&state, state_reason(&state)) {
        return Err(Failure::safety(
            format!("{name} is paused ({reason})"),
            &command,
        ));
    }
    if let Some(since_ms) = left_since_ms(journal, run).await? {
        let since = time_text(since_ms).unwrap_or_default();
        return Err(Failure::safety(
            format!("{name} is open, and nothing has happened in it since {since}"),
            &command,
        ));
    }
    Ok(())
}

/// Whoever sends it already heeds no number of calls that comes up afterwards.
pub(super) fn check_not_sent(
    workspace: &Workspace,
    run: &Run,
    lane: &Lane,
    calls: Option<u64>,
) -> Result<(), Failure> {
    let (Lane::Held(holder), Some(_)) = (lane, calls) else {
        return Ok(());
    };
    let name = run.name();
    let text = format!("{holder} is sending {name} already, without --stop-after");
    let command = format!("campanile pause {name}{}", workspace.flag());
    Err(Failure::new(Exit::Temporary, text).help(format!("pause it first: {}", unbroken(&command))))
}

/// Lets an open run go on, perhaps for so many calls more.
pub(super) async fn resumed(
    journal: &Journal,
    run: &Run,
    calls: Option<u64>,
) -> Result<Run, Failure> {
    let until = match calls {
        Some(calls) => Some(count_begun(journal, run).await?.saturating_add(calls)),
        None => None,
    };
    let event = RunEvent::Resumed { until };
    journal.append_run(run.id, &event, clock::now()).await?;
    Ok(journal.run(run.id).await?)
}

/// Plans everything, asks, and opens the run.
async fn open(request: &Request<'_>, journal: &Journal) -> Result<Run, Failure> {
    let (frame, key) = request.frame().await?;
    let Request {
        workspace,
        campaign,
        options,
        now,
        ..
    } = request;
    let staged = stage(
        journal,
        &workspace.repository,
        campaign,
        (&frame, &always),
        *now,
    )
    .await?;
    let staged = staged.map_err(|complaints| {
        let (shown, more) = complaints.shown();
        Failure::invalid(shown, more)
    })?;
    staged.warnings.iter().for_each(print::diagnostic);
    let allowed = request.allow(&staged.header, &key).await;
    if let Err(refused) = allowed {
        journal.discard(staged.plan).await?;
        return Err(refused);
    }
    let (name, planned) = (key.run_name(), staged.header.planned);
    let id = request.open(journal, staged, key).await?;
    if let Some(late) = request.late() {
        print::say(&late_text(&name, late));
    }
    if options.output == Output::Text {
        let calls = plural(planned, "call");
        let first = options.stop_after.filter(|first| *first < planned);
        let first = first.map(|first| format!(", the first {first} now"));
        let first = first.unwrap_or_default();
        print::say(&format!("sending {name}: {calls}{first}"));
    }
    Ok(journal.run(id).await?)
}
