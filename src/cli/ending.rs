//! How a run ended, or was left: for people, for programs and as an exit code.

use super::arguments::Output;
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::sending::Sender;
use super::workspace::Workspace;
use crate::channel::{Class, code_name, explain};
use crate::delivery::{Counts, RunState, StopReason};
use crate::executor::Ending;
use crate::identity::civil_text;
use crate::journal::Run;
use crate::report::{RunFacts, RunReport, counts_text, state_reason, stop_text};
use crate::settings::Share;
use crate::source::unbroken;
use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;

/// The risk of going on with a run whose journal was rolled back.
pub(super) const FORCE_SENDS_TWICE: &str = "going on may send twice what was sent since then";

pub(super) fn go_on(workspace: &Workspace, run: &Run) -> String {
    let command = go_on_command(workspace, run);
    format!("go on with: {}", unbroken(&command))
}

pub(super) fn go_on_command(workspace: &Workspace, run: &Run) -> String {
    let verb = if run.is_cancelling() {
        "cancel"
    } else {
        "resume"
    };
    format!("campanile {verb} {}{}", run.name(), workspace.flag())
}

/// What this process knows beside the journal's contents.
pub(super) struct Measured {
    pub(super) elapsed: Duration,
    pub(super) rate_per_s: Option<f64>,
    /// Where it was written down.
    pub(super) journal: PathBuf,
}

/// What was cancelled by somebody else did not go as whoever sent it wanted.
pub(super) fn exit_of(run: &Run, ending: &Ending, signal: Option<Exit>, wanted: Wanted) -> Exit {
    let exit = exit(ending, run.tolerate, signal);
    let is_cut_short = run.state().is_cut_short();
    match (exit, wanted) {
        (Exit::Success, Wanted::Sent) if is_cut_short => Exit::Incomplete,
        _ => exit,
    }
}

/// What somebody wants of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Sent,
    Cancelled,
}

impl Wanted {
    /// What is still to be wanted of it.
    pub(super) fn of(run: &Run) -> Wanted {
        if run.is_cancelling() {
            Wanted::Cancelled
        } else {
            Wanted::Sent
        }
    }
}

/// Some that never arrived may be tolerated; one of which nobody can tell whether it did may not.
fn exit(ending: &Ending, tolerate: Share, signal: Option<Exit>) -> Exit {
    match ending {
        Ending::Paused(_) => signal.unwrap_or(Exit::Stopped),
        Ending::Stopped(..) => Exit::Stopped,
        Ending::Finished(counts) => {
            let missed = counts.refused + counts.failed;
            if counts.unknown == 0 && tolerate.allows(missed, counts.planned) {
                Exit::Success
            } else {
                Exit::Incomplete
            }
        }
    }
}

pub(super) fn report(
    sender: &Sender<'_>,
    run: &Run,
    ending: &Ending,
    measured: &Measured,
) -> Result<(), Failure> {
    let workspace = sender.workspace;
    let state = run.state();
    let counts = ending.counts();
    if sender.output == Output::Json {
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
            print::told(&line)?;
        }
    }
    match ending {
        Ending::Finished(_) => {}
        Ending::Paused(_) => tell_pause(workspace, run),
        Ending::Stopped(reason, _) => tell_stop(workspace, run, reason),
    }
    Ok(())
}

/// Why a run is left as it is.
fn tell_pause(workspace: &Workspace, run: &Run) {
    let go_on = go_on(workspace, run);
    let text = match run.state() {
        // Somebody was quicker than what was under way.
        RunState::Open => format!("it was paused, and resumed since; {go_on}"),
        RunState::Cancelling => {
            format!("cancelled, and what may have been delivered is not settled; {go_on}")
        }
        state => match state_reason(&state) {
            Some(reason) => format!("paused ({reason}); {go_on}"),
            None => format!("paused; {go_on}"),
        },
    };
    print::say(&text);
}

/// Why a run was stopped, what mends that, and how it goes on.
fn tell_stop(workspace: &Workspace, run: &Run, reason: &StopReason) {
    let answer = match reason {
        StopReason::Answered { answer, .. } => answer,
        StopReason::JournalRolledBack { .. } => {
            let text = stop_text(reason);
            let text = format!("stopped: {text}; {FORCE_SENDS_TWICE}");
            let help = format!("{} --force", go_on(workspace, run));
            return print::error(&text, Some(&help));
        }
    };
    let row = explain(run.channel, answer.code);
    let why = match row.stops_after {
        Some(1) | None => "no call would fare better".to_owned(),
        Some(times) => format!("{times} answers in a row were alike"),
    };
    // Where the vendor had no words, they would be ours once more.
    let words = if answer.text.is_empty() {
        code_name(answer.code)
    } else {
        answer.summary(run.channel)
    };
    let vendor_app = &run.key.app;
    let text = format!(
        "stopped, because {why}: {}\n  {} answered the app `{}` (SDKAppID {}): {words}",
        row.meaning, vendor_app.host, run.app, vendor_app.sdk_app_id
    );
    print::error(&text, row.mend);
    // What was refused stays so, whatever is mended.
    let left = if row.class == Class::Refuse {
        "to try what is left, "
    } else {
        ""
    };
    print::help(&format!("{left}{}", go_on(workspace, run)));
}

fn told(workspace: &Workspace, run: &Run, counts: &Counts, measured: &Measured) -> Vec<String> {
    let elapsed = measured.elapsed.as_secs_f64();
    let pace = match measured.rate_per_s {
        Some(rate) => format!("{elapsed:.1} s, {rate:.1} accepted a second"),
        None => format!("{elapsed:.1} s"),
    };
    let (name, state) = (run.name(), run.state());
    let reason = state_reason(&state).filter(|_| state.is_finished());
    let reason = reason
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let journal = workspace.shown(&measured.journal);
    vec![
        format!(
            "{name} is {}{reason}: {}",
            state.name(),
            counts_text(counts)
        ),
        pace,
        format!(
            "log: {}   (journal: {journal})",
            unbroken(&format!("campanile log {name}{}", workspace.flag()))
        ),
    ]
}

/// What all lines about a run share.
pub(super) fn facts(run: &Run) -> RunFacts {
    RunFacts {
        app: run.app.clone(),
        campaign: run.key.campaign.to_string(),
        occurrence: format!("{} {}", civil_text(run.key.local), run.key.zone),
        digest: run.key.digest(),
        run: run.name().to_string(),
        channel: run.channel.name(),
        commit: run.revision.clone(),
        test: run.key.test,
        waits: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_never_tolerated() {
        let counts = Counts {
            planned: 100,
            accepted: 98,
            refused: 1,
            failed: 1,
            ..Counts::default()
        };
        let exit = |counts: Counts, tolerate: &str| {
            exit(&Ending::Finished(counts), tolerate.parse().unwrap(), None)
        };
        assert_eq!(exit(counts, "2%"), Exit::Success);
        assert_eq!(exit(counts, "1%"), Exit::Incomplete);
        let unknown = Counts {
            accepted: 97,
            unknown: 1,
            ..counts
        };
        assert_eq!(exit(unknown, "100%"), Exit::Incomplete);
    }
}
