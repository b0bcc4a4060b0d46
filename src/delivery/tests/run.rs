//! What the entries about a run as a whole add up to.

use super::at;
use crate::channel::{Answer, Channel};
use crate::delivery::{Counts, PauseReason, RunEntry, RunEvent, RunState, State, StopReason};

fn paused() -> RunEvent {
    RunEvent::Paused {
        reason: PauseReason::Operator,
    }
}

fn answered() -> StopReason {
    StopReason::Answered {
        channel: Channel::GroupMessage,
        answer: Answer::new(70_009, "wrong key"),
    }
}

fn stopped() -> RunEvent {
    RunEvent::Stopped { reason: answered() }
}

fn finished(counts: [u64; 5]) -> RunEvent {
    let [accepted, refused, failed, skipped, unknown] = counts;
    RunEvent::Finished(Counts {
        planned: counts.iter().sum(),
        accepted,
        refused,
        failed,
        skipped,
        unknown,
        pending: 0,
    })
}

fn fold(events: &[RunEvent]) -> RunState {
    let entries: Vec<RunEntry> = (0..)
        .zip(events)
        .map(|(seconds, event)| RunEntry {
            at: at(seconds),
            event: event.clone(),
        })
        .collect();
    RunState::fold(&entries)
}

#[track_caller]
fn assert_stands(events: &[RunEvent], name: &str, reason: Option<&str>) {
    let state = fold(events);
    assert_eq!(
        (state.name(), state.reason_code()),
        (name, reason),
        "{events:?}"
    );
    let ended = matches!(events.last(), Some(RunEvent::Finished(_)));
    assert_eq!(state.is_finished(), ended, "{events:?}");
}

#[test]
fn the_last_thing_said_counts() {
    assert_stands(&[], "open", None);
    assert_stands(&[paused()], "paused", Some("operator"));
    assert_stands(&[paused(), RunEvent::Resumed { until: None }], "open", None);
    assert_stands(&[paused(), stopped()], "stopped", Some("answered"));
    assert_stands(&[stopped(), paused()], "paused", Some("operator"));
    assert_stands(&[paused(), finished([3, 0, 0, 1, 0])], "done", None);
    assert_stands(&[finished([3, 1, 0, 0, 0])], "partial", None);
    assert_stands(&[finished([0, 0, 2, 0, 1])], "failed", None);
}

#[test]
fn run_that_was_stopped_says_so_while_paused_until_it_goes_on() {
    let stop = |events: &[RunEvent]| match fold(events) {
        RunState::Paused { stopped, .. } => stopped,
        other => panic!("{other:?} is not paused"),
    };
    let resumed = RunEvent::Resumed { until: None };
    assert_eq!(stop(&[stopped(), paused()]), Some(answered()));
    assert_eq!(stop(&[stopped(), paused(), paused()]), Some(answered()));
    assert_eq!(stop(&[stopped(), resumed, paused()]), None);
    assert_eq!(stop(&[paused()]), None);
}

#[test]
fn run_is_paused_while_a_retry_is_not_complete() {
    let state = State::Failed;
    let reason = PauseReason::Retry(state);
    let stopped = None;
    let expected = RunState::Paused { reason, stopped };
    let finished = finished([1, 0, 1, 0, 0]);
    assert_eq!(fold(&[finished, RunEvent::Retried { state }]), expected);
}

#[test]
fn each_pause_reason_has_a_code_of_its_own() {
    for reason in PauseReason::KEPT {
        assert_eq!(PauseReason::from_code(reason.code()), Some(reason));
    }
    assert_eq!(PauseReason::from_code("by hand"), None);
}

#[test]
fn nothing_takes_a_cancelling_back() {
    for before in [vec![], vec![paused()], vec![stopped()]] {
        for after in [
            vec![],
            vec![paused()],
            vec![stopped()],
            vec![RunEvent::Resumed { until: None }],
        ] {
            let events = [before.clone(), vec![RunEvent::Cancelled], after].concat();
            assert_stands(&events, "cancelling", Some("cancelled"));
        }
    }
}

#[test]
fn a_cancelled_run_ends_by_what_was_out_before() {
    let reason = Some("cancelled");
    for (counts, name, reason) in [
        ([0, 0, 0, 10, 0], "skipped", reason),
        ([4, 0, 0, 6, 0], "partial", reason),
        ([4, 1, 0, 4, 1], "partial", reason),
        // Perhaps it was delivered.
        ([0, 0, 0, 9, 1], "partial", reason),
        // It came too late to change anything.
        ([10, 0, 0, 0, 0], "done", None),
        ([9, 1, 0, 0, 0], "partial", None),
    ] {
        assert_stands(
            &[RunEvent::Cancelled, paused(), finished(counts)],
            name,
            reason,
        );
    }
}
