//! What is written comes back as it was.

mod reasons;

use super::{Contents, Error, Journal, Opening, Recorded, Run, RunId, ScheduleCursor, Written};
use crate::channel::{Answer, Channel, Failure, Outcome, Receipt, Request, Scope};
use crate::delivery::{
    Counts, End, EndReason, Entry, Finding, Interruption, Patience, PauseReason, RunEvent,
    RunState, State, Unclear,
};
use crate::identity::{
    CampaignName, DeliveryNumber, Digest, GroupId, Moment, OccurrenceKey, Random, SdkAppId,
    VendorApp,
};
use crate::plan::{Header, Planned};
use crate::scheduler::{
    Civil, Cursor, Decided, Disposition, Grounds, PausedBy, Reason, ScheduleKey,
};
use crate::settings::{OnUnknown, Share};
use std::sync::Arc;
use std::time::Duration;

pub(super) const NOW: Moment = Moment {
    wall_ms: 1_800_000_000_123,
    boot_ns: 7,
    boot_id: 3,
};
/// One event of one moment is written once.
const LATER: Moment = Moment {
    boot_ns: NOW.boot_ns + 1,
    ..NOW
};

pub(super) fn opening() -> Opening {
    Opening {
        earlier: None,
        is_scheduled: false,
        key: OccurrenceKey {
            app: VendorApp {
                sdk_app_id: SdkAppId(1_400_000_000),
                host: "console.tim.qq.com".to_owned(),
            },
            campaign: CampaignName::try_from("news").unwrap(),
            local: "2026-11-11T09:00:00".parse().unwrap(),
            fold: 1,
            zone: chrono_tz::Asia::Shanghai,
            ordinal: 2,
            test: false,
        },
        app: "main".to_owned(),
        header: Header {
            channel: Channel::GroupMessage,
            digest: Digest::of("plan", []),
            planned: 1,
            skipped: 0,
            bytes: 14,
            bytes_longest: 14,
            first_text: None,
        },
        rate: Some(0.5),
        attempts: 7,
        tolerate: Share::from_millionths(5_000).unwrap(),
        window: Some("22:00-06:00".parse().unwrap()),
        pause_after: Some(400),
        stop_after: Some(40),
        on_unknown: OnUnknown::Resend,
        finish_by_ms: Some(1_800_000_600_000),
        start_within: Some(Duration::from_millis(1_500)),
        revision: Some("abc".to_owned()),
    }
}

/// With as many deliveries as the opening says; those that are skipped are the last.
pub(super) async fn open(journal: &Journal, opening: &Opening) -> RunId {
    let plan = journal.stage(NOW).await.unwrap();
    let Header {
        channel,
        planned,
        skipped,
        ..
    } = opening.header;
    let planned = (0..planned).map(|number| Planned {
        number: DeliveryNumber(u32::try_from(number).unwrap()),
        request: Request {
            channel,
            group: Some(GroupId::try_from(format!("g{number}").as_str()).unwrap()),
            members: Arc::new([]),
            content: r#"{"MsgBody":[]}"#.into(),
        },
        skip: (number >= planned - skipped).then_some(EndReason::NoMembers),
    });
    let (planned, mut contents) = (planned.collect::<Vec<_>>(), Contents::default());
    let staged = journal.stage_chunk(plan, &planned, &mut contents).await;
    staged.unwrap();
    journal.open_run(plan, opening, NOW).await.unwrap()
}

pub(super) async fn in_a_new_journal() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("a.db")).await.unwrap();
    (folder, journal)
}

#[tokio::test]
async fn a_run_reads_back_as_it_was_opened() {
    let (_folder, journal) = in_a_new_journal().await;
    let opening = opening();
    let id = open(&journal, &opening).await;
    let run = journal.run(id).await.unwrap();
    assert_eq!((&run.key, &run.app), (&opening.key, &opening.app));
    assert_eq!(run.channel, Channel::GroupMessage);
    assert_eq!(run.digest, opening.header.digest.to_string());
    assert_eq!((run.planned, run.skipped), (1, 0));
    assert_eq!((run.rate, run.attempts), (opening.rate, opening.attempts));
    assert_eq!(
        (run.tolerate, run.window),
        (opening.tolerate, opening.window)
    );
    assert_eq!(
        (run.pause_after, run.stop_after),
        (opening.pause_after, opening.stop_after)
    );
    assert_eq!(run.on_unknown, opening.on_unknown);
    assert_eq!(run.finish_by_ms, opening.finish_by_ms);
    assert_eq!(run.start_within, opening.start_within);
    assert_eq!(
        (run.revision, run.opened_ms),
        (opening.revision, NOW.wall_ms)
    );
    let again: Vec<Run> = journal.runs_named(&opening.key.run_name()).await.unwrap();
    assert_eq!(again.len(), 1);
    journal.close().await;
}

#[tokio::test]
async fn nothing_comes_after_the_end_of_a_run() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    let counts = Counts {
        planned: 1,
        accepted: 1,
        ..Counts::default()
    };
    let paused = RunEvent::Paused {
        reason: PauseReason::Interrupted(Interruption::CtrlC),
    };
    let events = [
        RunEvent::Resumed { until: None },
        RunEvent::Finished(counts),
        RunEvent::Resumed { until: None },
        paused,
        RunEvent::Cancelled,
        RunEvent::Finished(counts),
    ];
    for event in events {
        journal.append_run(id, &event, NOW).await.unwrap();
    }
    let run = journal.run(id).await.unwrap();
    assert_eq!((run.entries.len(), run.state()), (2, RunState::Done));
    journal.close().await;
}

#[tokio::test]
async fn a_cancelling_reads_back_as_it_was_written() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    let cancelled = RunEvent::Cancelled;
    journal.append_run(id, &cancelled, NOW).await.unwrap();
    let run = journal.run(id).await.unwrap();
    assert_eq!(run.entries[0].event, cancelled);
    assert!(run.is_cancelling());
    let skipped = Counts {
        planned: 1,
        skipped: 1,
        ..Counts::default()
    };
    let (unended, unreadable) = journal.all_unended_runs().await.unwrap();
    assert_eq!((unended.len(), unreadable), (1, 0));
    assert!(journal.finished_runs(5).await.unwrap().is_empty());
    let finished = RunEvent::Finished(skipped);
    journal.append_run(id, &finished, NOW).await.unwrap();
    assert!(journal.all_unended_runs().await.unwrap().0.is_empty());
    let finished = journal.finished_runs(5).await.unwrap();
    assert_eq!(finished[0].state().name(), "skipped");
    journal.close().await;
}

#[tokio::test]
async fn a_run_goes_on_after_its_end_only_for_who_knows_of_it() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    let fresh = journal.run(id).await.unwrap();
    let finished = RunEvent::Finished(Counts::default());
    journal.append_run(id, &finished, NOW).await.unwrap();
    let unended = || journal.unended_runs(&fresh.key.app, fresh.channel);
    assert!(unended().await.unwrap().is_empty());

    let retried = RunEvent::Retried {
        state: State::Failed,
    };
    let stale = journal.append_run_after(&fresh, &retried, NOW).await;
    assert!(matches!(stale, Err(Error::Overtaken(_))), "{stale:?}");
    let run = journal.run(id).await.unwrap();
    journal.append_run_after(&run, &retried, NOW).await.unwrap();
    journal.append_run_after(&run, &retried, NOW).await.unwrap();
    let again = journal.append_run_after(&run, &retried, LATER).await;
    assert!(matches!(again, Err(Error::Overtaken(_))), "{again:?}");

    let run = journal.run(id).await.unwrap();
    assert_eq!(run.state(), paused(PauseReason::Retry(State::Failed)));
    assert!(run.is_being_retried() && run.was_retried());
    assert_eq!(unended().await.unwrap().len(), 1);
    journal
        .append_run(id, &RunEvent::Resumed { until: None }, NOW)
        .await
        .unwrap();
    let run = journal.run(id).await.unwrap();
    assert_eq!(run.state(), RunState::Open);
    assert!(!run.is_being_retried() && run.was_retried());
    journal.append_run(id, &finished, LATER).await.unwrap();
    assert!(unended().await.unwrap().is_empty());
    journal.close().await;
}

/// Of two who want the same, the one who was overtaken writes nothing more.
#[tokio::test]
async fn deliveries_are_wanted_again_by_one_at_a_time() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    let written = |place, entry| Written {
        run: id,
        number: DeliveryNumber(0),
        place,
        entry,
    };
    let skipped = Entry::Ended {
        end: End::Skipped,
        reason: EndReason::TooLate,
        at: NOW,
    };
    journal.append(&[written(1, skipped)]).await.unwrap();
    let retried = RunEvent::Retried {
        state: State::Skipped,
    };
    journal.append_run(id, &retried, NOW).await.unwrap();
    let first = journal.run(id).await.unwrap();
    journal.append_run(id, &retried, LATER).await.unwrap();
    let second = journal.run(id).await.unwrap();
    let again = [written(2, Entry::Retried { at: NOW })];
    let overtaken = journal.append_retried(&first, &again).await;
    assert!(
        matches!(overtaken, Err(Error::Overtaken(_))),
        "{overtaken:?}"
    );
    journal.append_retried(&second, &again).await.unwrap();
    let page = journal.page(id, Channel::GroupMessage, None, 10).await;
    assert_eq!(page.unwrap()[0].entries.len(), 2);
    journal.close().await;
}

#[tokio::test]
async fn a_policy_nobody_knows_is_damage() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    let change = sqlx::query("UPDATE run SET on_unknown = 'guess'");
    journal.writer.execute(change).await.unwrap();
    let read = journal.run(id).await;
    assert!(matches!(read, Err(Error::Damaged { .. })), "{read:?}");
    journal.close().await;
}

fn outcomes() -> Vec<Outcome> {
    let answer = || Answer::new(10_023, "too fast");
    let receipt = Receipt {
        msg_seq: Some(7_803_321),
        msg_time: Some(1_458_721_802),
    };
    vec![
        Outcome::Accepted(receipt),
        Outcome::Accepted(Receipt::default()),
        Outcome::Refused(answer()),
        Outcome::Throttled(Scope::Lane, answer()),
        Outcome::Throttled(Scope::Group, answer()),
        Outcome::Failed(Failure::NotSent, Answer::none("")),
        Outcome::Failed(Failure::NoConnection, answer()),
        Outcome::Failed(Failure::NotExecuted, answer()),
        Outcome::Failed(Failure::Stop, answer()),
        Outcome::Unknown(answer()),
    ]
}

/// One of each kind; that they make no sense in this order is not the journal's business.
fn entries() -> Vec<Entry> {
    let mut entries = vec![Entry::Started {
        attempt: 1,
        generation: 2,
        random: Random(u32::MAX),
        at: NOW,
    }];
    entries.extend(outcomes().into_iter().map(|outcome| Entry::Finished {
        attempt: 1,
        outcome,
        at: NOW,
    }));
    let receipt = Receipt {
        msg_seq: Some(u64::MAX >> 1),
        msg_time: Some(1_458_721_802),
    };
    let findings = [
        Finding::Found(receipt),
        Finding::Found(Receipt::default()),
        Finding::Absent(Patience::default()),
        Finding::Absent(Patience::in_proportion_to(Duration::from_secs(1))),
        Finding::Unclear(Unclear::HistoryGap),
    ];
    entries.extend(findings.map(|finding| Entry::LookedUp { finding, at: NOW }));
    entries.push(Entry::Waived { at: NOW });
    entries.push(Entry::Retried { at: NOW });
    entries.extend(
        [End::Failed, End::Skipped, End::Unknown].map(|end| Entry::Ended {
            end,
            reason: EndReason::TooLate,
            at: NOW,
        }),
    );
    entries
}

/// Appends entries of the first delivery.
async fn append_all(journal: &Journal, run: RunId, entries: Vec<Entry>) {
    let written = (1..).zip(entries).map(|(place, entry)| Written {
        run,
        number: DeliveryNumber(0),
        place,
        entry,
    });
    let written: Vec<Written> = written.collect();
    journal.append(&written).await.unwrap();
}

fn paused(reason: PauseReason) -> RunState {
    let stopped = None;
    RunState::Paused { reason, stopped }
}

#[tokio::test]
async fn every_entry_reads_back_as_it_was_written() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    append_all(&journal, id, entries()).await;
    let page = journal.page(id, Channel::GroupMessage, None, 10).await;
    assert_eq!(page.unwrap()[0].entries, entries());
    journal.close().await;
}

/// Whoever takes a lane within a second of the last call must know of it, whatever was done to the wall clock since.
#[tokio::test]
async fn the_last_call_is_known_though_a_clock_was_set() {
    let (_folder, journal) = in_a_new_journal().await;
    let opening = opening();
    let id = open(&journal, &opening).await;
    let earlier_boot = Moment {
        boot_id: NOW.boot_id - 1,
        boot_ns: u64::MAX >> 1,
        ..NOW
    };
    let back = Moment {
        wall_ms: NOW.wall_ms - 3_600_000,
        boot_ns: NOW.boot_ns + 1,
        ..NOW
    };
    let written: Vec<Written> = (1..)
        .zip([earlier_boot, NOW, back])
        .map(|(attempt, at)| Written {
            run: id,
            number: DeliveryNumber(0),
            place: attempt,
            entry: Entry::Started {
                attempt,
                generation: attempt,
                random: Random(attempt),
                at,
            },
        })
        .collect();
    journal.append(&written).await.unwrap();
    for hours in [-2, 0, 2] {
        let now = Moment {
            wall_ms: NOW.wall_ms + hours * 3_600_000,
            boot_ns: NOW.boot_ns + 2,
            ..NOW
        };
        let app = &opening.key.app;
        let history = journal.lane_history(app, Channel::GroupMessage, now).await;
        assert_eq!(history.unwrap().last_started, Some(back), "{hours} hours");
    }
    journal.close().await;
}

/// Else it would fill a second that is full already.
#[tokio::test]
async fn the_next_holder_of_a_lane_knows_when_it_was_last_used() {
    let (_folder, journal) = in_a_new_journal().await;
    let opening = opening();
    let id = open(&journal, &opening).await;
    let app = &opening.key.app;
    let history = journal.lane_history(app, Channel::GroupMessage, NOW).await;
    assert_eq!(history.unwrap().last_started, None);
    let later = NOW.plus(Duration::from_secs(3));
    let started = |attempt, at| Entry::Started {
        attempt,
        generation: 1,
        random: Random(7),
        at,
    };
    let written: Vec<Written> = (1..)
        .zip([started(1, NOW), started(2, later)])
        .map(|(place, entry)| Written {
            run: id,
            number: DeliveryNumber(0),
            place,
            entry,
        })
        .collect();
    journal.append(&written).await.unwrap();
    let last = async |channel| {
        let history = journal.lane_history(app, channel, later).await;
        history.unwrap().last_started
    };
    assert_eq!(last(Channel::GroupMessage).await, Some(later));
    assert_eq!(last(Channel::Notification).await, None);
    journal.close().await;
}

/// Whoever pauses a campaign while it is planned finds no run that could be paused.
#[tokio::test]
async fn a_run_is_opened_paused_whose_campaign_was_paused_meanwhile() {
    let (_folder, journal) = in_a_new_journal().await;
    journal
        .pause_campaign("news", PausedBy::Operator, NOW)
        .await
        .unwrap();
    let by_hand = opening();
    let mut scheduled = by_hand.clone();
    scheduled.is_scheduled = true;
    scheduled.key.ordinal += 1;
    let mut states = Vec::new();
    for opening in [&by_hand, &scheduled] {
        let id = open(&journal, opening).await;
        states.push(journal.run(id).await.unwrap().state());
    }
    assert_eq!(states, [RunState::Open, paused(PauseReason::Operator)]);
}

/// The same occurrence may be tested and run, at the same second.
#[tokio::test]
async fn a_test_takes_neither_the_occurrence_nor_the_first_run() {
    let (_folder, journal) = in_a_new_journal().await;
    let run = opening();
    let key = OccurrenceKey {
        test: true,
        ..run.key.clone()
    };
    assert_ne!(key.digest(), run.key.digest());
    let test = Opening { key, ..run.clone() };
    let test = open(&journal, &test).await;
    assert!(journal.is_new_to(&run.key.app).await.unwrap());
    assert!(journal.last_runs().await.unwrap().0.is_empty());
    let id = open(&journal, &run).await;
    assert!(!journal.is_new_to(&run.key.app).await.unwrap());
    assert_eq!(journal.last_runs().await.unwrap().0[0].id, id);
    let counts = Counts {
        planned: 1,
        accepted: 1,
        ..Counts::default()
    };
    let finished = RunEvent::Finished(counts);
    journal.append_run(test, &finished, NOW).await.unwrap();
    assert!(journal.finished_runs(5).await.unwrap().is_empty());
    let read = journal.run(test).await.unwrap();
    assert_eq!(read.name().to_string(), "news@2026-11-11T09:00#test2");

    assert!(journal.take_out(&read, NOW).await.unwrap());
    assert_eq!(journal.pruned_ms(&read.name()).await.unwrap(), None);
    assert_eq!(journal.pruned_last(&run.key).await.unwrap(), None);
    journal.close().await;
}

#[tokio::test]
async fn after_how_many_calls_a_run_is_to_pause_reads_back() {
    let (_folder, journal) = in_a_new_journal().await;
    let id = open(&journal, &opening()).await;
    for until in [Some(47), None] {
        let event = RunEvent::Resumed { until };
        journal.append_run(id, &event, NOW).await.unwrap();
        let run = journal.run(id).await.unwrap();
        assert_eq!(run.last_entry().map(|entry| &entry.event), Some(&event));
    }
    journal.close().await;
}

fn cursor(key: &OccurrenceKey) -> ScheduleCursor {
    ScheduleCursor {
        key: ScheduleKey {
            app: key.app.clone(),
            campaign: key.campaign.clone(),
        },
        schedule: "d".to_owned(),
        zone: key.zone,
        cursor: Cursor {
            seen_ms: NOW.wall_ms,
            decided_ms: NOW.wall_ms,
            gap_ms: None,
        },
        next: None,
        definition: None,
    }
}

/// An occurrence that is decided reads back with what it was decided for, and what waited may come to its end.
#[tokio::test]
async fn unsent_occurrence_reads_back_with_its_grounds() {
    let (_folder, journal) = in_a_new_journal().await;
    let key = opening().key;
    let cursor = cursor(&key);
    let at = chrono::DateTime::from_timestamp_millis(NOW.wall_ms).unwrap();
    let decided = |local: &str, disposition, grounds| Decided {
        civil: Civil {
            local: local.parse().unwrap(),
            fold: 0,
        },
        at: at.with_timezone(&key.zone),
        disposition,
        grounds,
    };
    let missed = Grounds {
        reason: Reason::TooLate {
            late_ms: 1_860_000,
            allowed_ms: 900_000,
        },
        omitted: 7,
    };
    let held = Grounds::from(Reason::FileInvalid {
        why: "news.yaml:1: no".to_owned(),
    });
    let all = [
        decided("2026-11-11T09:00:00", Disposition::Missed, missed.clone()),
        decided("2026-11-12T09:00:00", Disposition::Held, held.clone()),
    ];
    let recorded = Recorded {
        cursor,
        decided: all.to_vec(),
    };
    let refused = journal.record(&[recorded], NOW).await.unwrap();
    assert_eq!(refused, [std::collections::BTreeSet::new()]);
    let [unsent] = &journal.unsent(9).await.unwrap()[..] else {
        panic!("one is unsent");
    };
    assert_eq!(
        (unsent.disposition, &unsent.grounds),
        (Disposition::Missed, &missed)
    );
    let [waiting] = &journal.waiting().await.unwrap()[..] else {
        panic!("one waits");
    };
    assert_eq!(
        (waiting.disposition, &waiting.grounds),
        (Disposition::Held, &held)
    );

    let skipped = (Disposition::Skipped, &Reason::SkippedByOperator);
    for is_first in [true, false] {
        let settled = journal.settle_waiting(&waiting.key, skipped, NOW).await;
        assert_eq!(settled.unwrap(), is_first);
    }
    let name = waiting.key.run_name();
    let unsent = journal.unsent_named(&name).await.unwrap().unwrap();
    assert_eq!(unsent.grounds, Reason::SkippedByOperator.into());
    assert_eq!(journal.forget_unsent(NOW.wall_ms + 1).await.unwrap(), 2);
    journal.close().await;
}

#[tokio::test]
async fn occurrence_of_unknown_reason_is_damage() {
    let (_folder, journal) = in_a_new_journal().await;
    let insert = "INSERT INTO occurrence VALUES
        (1, 'h', 'news', '2026-11-11T09:00', 0, 'UTC', 1, 'held', 'because', NULL, 0, 1)";
    let insert = sqlx::query(insert);
    journal.writer.execute(insert).await.unwrap();
    let refused = journal.waiting().await.unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
}

fn missed(at_ms: i64) -> Decided {
    let at = chrono::DateTime::from_timestamp_millis(at_ms).unwrap();
    Decided {
        civil: Civil {
            local: at.naive_utc(),
            fold: 0,
        },
        at: at.with_timezone(&chrono_tz::Tz::UTC),
        disposition: Disposition::Missed,
        grounds: Reason::PlanNotReady.into(),
    }
}

/// The process may end before it has recorded its own cursor.
#[tokio::test]
async fn states_that_are_withdrawn_take_the_cursor_with_them() {
    let (_folder, journal) = in_a_new_journal().await;
    let mut cursor = cursor(&opening().key);
    let slot_ms = NOW.wall_ms + 600_000;
    cursor.cursor.decided_ms = slot_ms + 5;
    let key = cursor.key.clone();
    let recorded = Recorded {
        cursor,
        decided: vec![missed(NOW.wall_ms - 60_000), missed(slot_ms)],
    };
    let decided_at = Moment {
        wall_ms: slot_ms + 5,
        ..NOW
    };
    journal.record(&[recorded], decided_at).await.unwrap();
    let withdrawn = journal.withdraw(NOW.wall_ms + 1).await.unwrap();
    assert_eq!(withdrawn, [(key.clone(), slot_ms)]);
    let cursors = journal.schedule_cursors().await.unwrap();
    assert_eq!(cursors[&key].cursor.decided_ms, slot_ms - 1);
    assert_eq!(journal.unsent(9).await.unwrap().len(), 1);
}

/// A clock that was ahead has decided about it, and then its campaign was disabled for a while.
#[tokio::test]
async fn schedule_that_begins_finds_no_final_state_of_what_is_due_later() {
    let (_folder, journal) = in_a_new_journal().await;
    let cursor = cursor(&opening().key);
    let recorded = |decided| Recorded {
        cursor: cursor.clone(),
        decided,
    };
    let before = vec![missed(NOW.wall_ms), missed(NOW.wall_ms + 600_000)];
    journal.record(&[recorded(before)], NOW).await.unwrap();
    // Known all the while, it keeps what it has.
    journal.record(&[recorded(Vec::new())], NOW).await.unwrap();
    assert_eq!(journal.unsent(9).await.unwrap().len(), 2);
    journal.forget_schedule(&cursor.key).await.unwrap();
    journal.record(&[recorded(Vec::new())], NOW).await.unwrap();
    let [left] = &journal.unsent(9).await.unwrap()[..] else {
        panic!("one is left");
    };
    assert_eq!(left.at_ms, NOW.wall_ms);
}
