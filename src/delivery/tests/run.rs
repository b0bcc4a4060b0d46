//! What the entries about a run as a whole add up to.

use super::at;
use crate::delivery::{Counts, RunEntry, RunEvent, RunState};

fn paused() -> RunEvent {
    RunEvent::Paused {
        reason: "by hand".to_owned(),
    }
}

fn stopped() -> RunEvent {
    RunEvent::Stopped {
        reason: "70009 wrong key".to_owned(),
    }
}

fn cancelled() -> RunEvent {
    RunEvent::Cancelled {
        reason: "cancelled by hand".to_owned(),
    }
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
    assert_eq!((state.name(), state.reason()), (name, reason), "{events:?}");
    let ended = matches!(events.last(), Some(RunEvent::Finished(_)));
    assert_eq!(state.is_finished(), ended, "{events:?}");
}

#[test]
fn the_last_thing_said_counts() {
    assert_stands(&[], "open", None);
    assert_stands(&[paused()], "paused", Some("by hand"));
    assert_stands(&[paused(), RunEvent::Resumed { until: None }], "open", None);
    assert_stands(&[paused(), stopped()], "stopped", Some("70009 wrong key"));
    assert_stands(&[stopped(), paused()], "paused", Some("by hand"));
    assert_stands(&[paused(), finished([3, 0, 0, 1, 0])], "done", None);
    assert_stands(&[finished([3, 1, 0, 0, 0])], "partial", None);
    assert_stands(&[finished([0, 0, 2, 0, 1])], "failed", None);
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
            let events = [before.clone(), vec![cancelled()], after].concat();
            assert_stands(&events, "cancelling", Some("cancelled by hand"));
        }
    }
}

#[test]
fn a_cancelled_run_ends_by_what_was_out_before() {
    let reason = Some("cancelled by hand");
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
        assert_stands(&[cancelled(), paused(), finished(counts)], name, reason);
    }
}
