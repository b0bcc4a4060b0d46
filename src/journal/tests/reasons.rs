//! Reasons come back as they were written, under names that never change.

use super::*;
use crate::channel::Cause;
use crate::delivery::StopReason;
use crate::identity::GroupId;
use sqlx::AssertSqlSafe;

/// Names that a journal keeps: what was written under one must be read under it for ever.
const UNCLEAR: [&str; 12] = [
    "no_history",
    "group_gone",
    "group_type_unknown",
    "newest_unknown",
    "history_lags",
    "history_gap",
    "history_cut_off",
    "history_too_long",
    "message_hidden",
    "random_elsewhere",
    "clock_wrong",
    "history_unreadable",
];
const ENDED: [&str; 9] = [
    "attempts_used_up",
    "repetition_refused",
    "not_in_history",
    "not_deduplicated",
    "deduplication_over",
    "cancelled",
    "cancelled_unresolved",
    "too_late",
    "no_members",
];
const CAUSES: [&str; 15] = [
    "taken_back",
    "taken_back_undeduplicated",
    "taken_back_too_late",
    "taken_back_window_closed",
    "process_ended",
    "signature_expired",
    "too_long",
    "not_json",
    "status_not_ok",
    "dropped",
    "group_missing",
    "group_differs",
    "page_out_of_order",
    "placeholder_unknown",
    "number_missing",
];
const PAUSED: [&str; 8] = [
    "pause_after",
    "stop_after",
    "operator",
    "ctrl_c",
    "sigterm",
    "error",
    "campaign_disabled",
    "campaign_gone",
];

/// One of each reason, whatever it is a reason for.
fn reasons() -> Vec<Entry> {
    let answers = || {
        let causes = CAUSES.map(|name| Cause::from_name(name).unwrap());
        let ours = causes.map(|cause| Answer::because_of(cause, "a \"word\""));
        [Answer::new(10_002, ""), Answer::none("reset")]
            .into_iter()
            .chain(ours)
    };
    let answer = || Answer::new(10_002, "busy");
    let unclear = |name: &str| Unclear::from_code(name, answer()).unwrap();
    let unreadable = answers().map(Unclear::Unreadable);
    let unclear = UNCLEAR.into_iter().map(unclear).chain(unreadable);
    let ended = |name: &str| EndReason::from_code(name, Some(3), answer()).unwrap();
    let used_up = answers().map(|last| EndReason::AttemptsUsedUp { attempts: 3, last });
    let ended = ENDED.into_iter().map(ended).chain(used_up);
    let ended = ended.chain(unclear.clone().map(EndReason::Unclear));
    let finished = answers().map(|answer| Entry::Finished {
        attempt: 1,
        outcome: Outcome::Unknown(answer),
        at: NOW,
    });
    let looked_up = unclear.map(|unclear| Entry::LookedUp {
        finding: Finding::Unclear(unclear),
        at: NOW,
    });
    let ended = ended.map(|reason| Entry::Ended {
        end: End::Unknown,
        reason,
        at: NOW,
    });
    finished.chain(looked_up).chain(ended).collect()
}

#[tokio::test]
async fn every_reason_reads_back_as_it_was_written() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    append_all(&journal, id, reasons()).await;
    let page = journal.page(id, Channel::GroupMessage, None, 10).await;
    assert_eq!(page.unwrap()[0].entries, reasons());
    let stopped = [
        StopReason::Answered {
            channel: Channel::Broadcast,
            answer: Answer::new(70_009, "wrong \"key\""),
        },
        StopReason::JournalRolledBack {
            group: GroupId::try_from("@TGS#1").unwrap(),
        },
    ];
    let paused = PAUSED.map(|name| PauseReason::from_code(name).unwrap());
    let paused = paused.map(|reason| RunEvent::Paused { reason });
    let stopped = stopped.map(|reason| RunEvent::Stopped { reason });
    let retried = State::ALL.map(|state| RunEvent::Retried { state });
    let resumed = [None, Some(0), Some(u64::MAX)].map(|until| RunEvent::Resumed { until });
    let events = [&paused[..], &stopped, &retried, &resumed].concat();
    for event in &events {
        journal.append_run(id, event, NOW).await.unwrap();
    }
    let run = journal.run(id).await.unwrap();
    let read: Vec<_> = run.entries.into_iter().map(|entry| entry.event).collect();
    assert_eq!(read, events);
    journal.close().await;
}

#[tokio::test]
async fn reason_of_no_known_name_is_damage() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    append_all(&journal, id, reasons()).await;
    for (change, undo) in [
        (
            "entry SET reason_code = 'guess' WHERE kind = 3",
            "entry SET reason_code = 'too_late' WHERE kind = 3",
        ),
        (
            "entry SET reason_code = NULL WHERE kind = 4",
            "entry SET reason_code = 'history_gap' WHERE kind = 4",
        ),
        (
            "entry SET reason_code = 'attempts_used_up', attempt = NULL WHERE kind = 3",
            "entry SET attempt = 3 WHERE kind = 3",
        ),
        (
            "entry SET cause = 'taken back' WHERE kind = 2",
            "entry SET cause = NULL WHERE kind = 2",
        ),
        (
            "delivery SET skip = 'no members'",
            "delivery SET skip = NULL",
        ),
    ] {
        execute(&journal, &format!("UPDATE {change}")).await;
        let read = journal.page(id, Channel::GroupMessage, None, 10).await;
        assert!(
            matches!(read, Err(Error::Damaged { .. })),
            "{change}: {read:?}"
        );
        execute(&journal, &format!("UPDATE {undo}")).await;
        let read = journal.page(id, Channel::GroupMessage, None, 10).await;
        assert!(read.is_ok(), "{undo}: {read:?}");
    }
    journal.close().await;
}

#[tokio::test]
async fn run_event_of_no_known_reason_is_damage() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    journal
        .append_run(id, &RunEvent::Trusted, NOW)
        .await
        .unwrap();
    for change in [
        "event = 'paused', reason_code = 'by hand'",
        "event = 'paused', reason_code = NULL",
        "event = 'paused', reason_code = 'retry'",
        "event = 'stopped', reason_code = 'guess'",
        "event = 'stopped', reason_code = 'answered', detail = NULL",
        "event = 'stopped', reason_code = 'answered', detail = '[\"pigeon\",1,\"\"]'",
        "event = 'stopped', reason_code = 'journal_rolled_back', detail = '\"\"'",
        "event = 'retried', detail = NULL",
        "event = 'resumed', detail = 'many'",
    ] {
        execute(&journal, &format!("UPDATE run_entry SET {change}")).await;
        let read = journal.run(id).await;
        assert!(
            matches!(read, Err(Error::Damaged { .. })),
            "{change}: {read:?}"
        );
    }
    journal.close().await;
}

async fn execute(journal: &Journal, change: &str) {
    let change = sqlx::query(AssertSqlSafe(change.to_owned()));
    journal.writer.execute(change).await.unwrap();
}
