//! What users read of runs and deliveries.

use super::reason::{end_text, state_reason};
use super::{LogLine, RunFacts};
use crate::channel::{Answer, Cause, Channel, Failure, Outcome, Receipt, Request, Scope};
use crate::delivery::{
    Delivery, End, EndReason, Entry, Finding, Interruption, PauseReason, RunState, State,
    StopReason, Unclear,
};
use crate::identity::{Digest, GroupId, Moment, Random};
use std::sync::Arc;

const AT: Moment = Moment {
    wall_ms: 1_794_358_800_000,
    boot_ns: 0,
    boot_id: 1,
};
const TIME: &str = "2026-11-11T01:00:00.000Z";

#[test]
fn each_end_reason_is_a_sentence() {
    let last = Answer::new(10_002, "busy");
    let attempts = 3;
    for (reason, text) in [
        (
            EndReason::AttemptsUsedUp { attempts, last },
            "3 attempts used up; the last: 10002 busy",
        ),
        (
            EndReason::RepetitionRefused,
            "a repetition was refused, but an earlier attempt may have been delivered",
        ),
        (
            EndReason::NotInHistory,
            "no answer, and the group's history does not hold it",
        ),
        (
            EndReason::NotDeduplicated,
            "no answer, and the vendor would not tell a repetition from a new message",
        ),
        (
            EndReason::DeduplicationOver,
            "no answer while the vendor could still tell a repetition",
        ),
        (EndReason::Cancelled, "cancelled"),
        (
            EndReason::CancelledUnresolved,
            "cancelled, but an attempt may have been delivered",
        ),
        (
            EndReason::TooLate,
            "too late: the time of `finish_within` was over",
        ),
        (EndReason::NoMembers, "no members"),
        (
            EndReason::Unclear(Unclear::HistoryGap),
            "no answer, and the group's history has a gap",
        ),
    ] {
        assert_eq!(end_text(&reason, Channel::GroupMessage), text);
    }
}

#[test]
fn each_cause_why_look_ups_cannot_tell_is_a_clause() {
    let gone = "the group is gone, and its history with it";
    let kind = "it is not known whether this type of group keeps a history";
    let newest = "the group does not tell the number of its newest message";
    let cut_off = "the group's history does not reach back to the first attempt";
    let long = "the group's history was not read further back than 50 pages";
    let hidden = "a message that was taken out of the group's history may have been it";
    let other = "the group's history holds its `Random` from another sender or another time";
    let clock =
        "this machine's clock was wrong, so that it is not known where in the history to look";
    let json = Answer::because(Cause::NotJson);
    let unreadable = "the group's history cannot be read: the answer is not the vendor's JSON";
    for (unclear, text) in [
        (Unclear::NoHistory, "the group keeps no history"),
        (Unclear::GroupGone, gone),
        (Unclear::GroupTypeUnknown, kind),
        (Unclear::NewestUnknown, newest),
        (
            Unclear::HistoryLags,
            "the group's history lags behind the group",
        ),
        (Unclear::HistoryGap, "the group's history has a gap"),
        (Unclear::HistoryCutOff, cut_off),
        (Unclear::HistoryTooLong, long),
        (Unclear::MessageHidden, hidden),
        (Unclear::RandomElsewhere, other),
        (Unclear::ClockWrong, clock),
        (Unclear::Unreadable(json), unreadable),
    ] {
        let reason = EndReason::Unclear(unclear);
        let text = format!("no answer, and {text}");
        assert_eq!(end_text(&reason, Channel::GroupMessage), text);
    }
}

#[test]
fn each_pause_says_why() {
    let interrupted = PauseReason::Interrupted;
    let after = "the calls of `pause_after` are out";
    let stop_after = "the calls of `--stop-after` are out";
    let retry = PauseReason::Retry(State::Failed);
    for (reason, text, code) in [
        (PauseReason::PauseAfter, after, "pause_after"),
        (PauseReason::StopAfter, stop_after, "stop_after"),
        (PauseReason::Operator, "by hand", "operator"),
        (interrupted(Interruption::CtrlC), "Ctrl-C", "ctrl_c"),
        (interrupted(Interruption::Sigterm), "SIGTERM", "sigterm"),
        (interrupted(Interruption::Error), "an error", "error"),
        (
            PauseReason::CampaignDisabled,
            "it is not enabled any more",
            "campaign_disabled",
        ),
        (
            PauseReason::CampaignGone,
            "its file is gone",
            "campaign_gone",
        ),
        (retry, "retry of failed deliveries", "retry"),
    ] {
        let stopped = None;
        let state = RunState::Paused { reason, stopped };
        assert_eq!(state_reason(&state).as_deref(), Some(text));
        assert_eq!(state.reason_code(), Some(code));
    }
}

#[test]
fn each_state_of_a_run_says_why() {
    let reason = StopReason::Answered {
        channel: Channel::Broadcast,
        answer: Answer::new(10_007, ""),
    };
    let group = GroupId::try_from("@TGS#1").unwrap();
    let paused = RunState::Paused {
        reason: PauseReason::Operator,
        stopped: Some(reason.clone()),
    };
    let rolled_back = RunState::Stopped {
        reason: StopReason::JournalRolledBack { group },
    };
    let partial = |is_cancelled| RunState::Partial { is_cancelled };
    let answered = "10007 broadcasting is not switched on, or the caller is no administrator";
    let had_stopped = &*format!("by hand; it had stopped: {answered}");
    let cancelled = "cancelled by hand";
    for (state, text, code) in [
        (paused, had_stopped, "operator"),
        (RunState::Stopped { reason }, answered, "answered"),
        (
            rolled_back,
            "the journal is older than what was sent: `@TGS#1` has its message already, of which the journal knows \
             nothing; it seems that this machine was restored from an earlier state",
            "journal_rolled_back",
        ),
        (RunState::Cancelling, cancelled, "cancelled"),
        (RunState::Skipped, cancelled, "cancelled"),
        (partial(true), cancelled, "cancelled"),
    ] {
        assert_eq!(state_reason(&state).as_deref(), Some(text));
        assert_eq!(state.reason_code(), Some(code));
    }
    for state in [
        RunState::Open,
        RunState::Done,
        RunState::Failed,
        partial(false),
    ] {
        assert_eq!((state_reason(&state), state.reason_code()), (None, None));
    }
}

/// Shows a delivery with these entries: its line behind the group, `reason` and `reason_code`.
fn shown(entries: &[Entry]) -> (String, Option<String>, Option<&'static str>) {
    let facts = RunFacts {
        app: "main".to_owned(),
        campaign: "news".to_owned(),
        occurrence: "2026-11-11T09:00 Asia/Shanghai".to_owned(),
        digest: Digest::of("test", []),
        run: "news@2026-11-11T09:00".to_owned(),
        channel: Channel::GroupMessage.name(),
        commit: None,
        test: false,
        waits: None,
    };
    let request = Request {
        channel: Channel::GroupMessage,
        group: Some(GroupId::try_from("g").unwrap()),
        members: Arc::new([]),
        content: "{}".into(),
    };
    let delivery = Delivery::fold(entries).unwrap();
    let line = LogLine::new(&facts, &request, &delivery);
    let at = delivery.finished_at().map_or("-", |_| TIME);
    let head = format!("{at:<24}  {:<9}  g", line.state);
    let text = line.text();
    let tail = text.strip_prefix(&head).unwrap().to_owned();
    let cells = line.cells();
    let mut columns = LogLine::COLUMNS.into_iter().zip(&cells);
    let (_, cell) = columns.find(|(name, _)| *name == "reason_code").unwrap();
    assert_eq!(cell, line.reason_code.unwrap_or_default());
    (tail, line.reason.clone(), line.reason_code)
}

fn started(attempt: u32, generation: u32) -> Entry {
    Entry::Started {
        attempt,
        generation,
        random: Random(generation),
        at: AT,
    }
}

fn finished(attempt: u32, outcome: Outcome) -> Entry {
    Entry::Finished {
        attempt,
        outcome,
        at: AT,
    }
}

fn ended(end: End, reason: EndReason) -> Entry {
    let at = AT;
    Entry::Ended { end, reason, at }
}

/// The entries of a first attempt.
fn once(outcome: Outcome) -> Vec<Entry> {
    vec![started(1, 1), finished(1, outcome)]
}

fn busy() -> Answer {
    Answer::new(60_014, "busy")
}

/// An answer without words.
fn gateway() -> Answer {
    Answer::new(502, "")
}

#[test]
fn line_of_an_answered_delivery_says_each_thing_once() {
    let receipt = Receipt {
        msg_seq: Some(7),
        msg_time: None,
    };
    let finding = Finding::Found(receipt);
    let found = [
        once(Outcome::Unknown(gateway())),
        vec![Entry::LookedUp { finding, at: AT }],
    ];
    let muted = |text| once(Outcome::Refused(Answer::new(10_017, text)));
    let code = "  code 10017  the sender is muted in the group";
    for (entries, line, name) in [
        (once(Outcome::Accepted(receipt)), "  seq 7", None),
        (
            found.concat(),
            "  seq 7  found in the group's history",
            Some("found_in_history"),
        ),
        (muted(""), code, None),
        (muted("code 10017"), code, None),
        (
            muted("muted until May"),
            &format!("{code} (\"muted until May\")"),
            None,
        ),
    ] {
        let (shown, _, shown_name) = shown(&entries);
        assert_eq!((shown.as_str(), shown_name), (line, name));
    }
}

#[test]
fn line_of_an_ended_delivery_says_each_thing_once() {
    let attempts = 1;
    let used_up = |last| EndReason::AttemptsUsedUp { attempts, last };
    let late = Answer::because(Cause::TakenBackTooLate);
    for (outcome, end, reason, line) in [
        (
            Outcome::Failed(Failure::NotExecuted, busy()),
            End::Failed,
            used_up(busy()),
            "1 attempt used up; the last: 60014 busy",
        ),
        (
            Outcome::Unknown(gateway()),
            End::Unknown,
            used_up(gateway()),
            "1 attempt used up; the last: HTTP 502 something in front of the vendor is in trouble",
        ),
        (
            Outcome::Unknown(gateway()),
            End::Unknown,
            EndReason::DeduplicationOver,
            "no answer while the vendor could still tell a repetition; the last answer: HTTP 502 \
             \"something in front of the vendor is in trouble\"",
        ),
        (
            Outcome::Throttled(Scope::Group, busy()),
            End::Skipped,
            EndReason::Cancelled,
            "code 60014  cancelled",
        ),
        (
            Outcome::Failed(Failure::NotSent, late),
            End::Skipped,
            EndReason::TooLate,
            "too late: the time of `finish_within` was over",
        ),
    ] {
        let name = reason.code();
        let entries = [once(outcome), vec![ended(end, reason)]].concat();
        let (shown, _, shown_name) = shown(&entries);
        assert_eq!((shown, shown_name), (format!("  {line}"), Some(name)));
    }
}

#[test]
fn line_of_a_delivery_under_way_says_what_was_answered() {
    for (outcome, line, reason) in [
        (None, "  waits for its turn", "waits for its turn"),
        (
            Some(Outcome::Failed(
                Failure::NoConnection,
                Answer::none("connection refused"),
            )),
            "  connection refused; it is tried again",
            "connection refused; it is tried again",
        ),
        (
            Some(Outcome::Failed(Failure::NoConnection, Answer::none(""))),
            "  no answer; it is tried again",
            "no answer; it is tried again",
        ),
        (
            Some(Outcome::Throttled(
                Scope::Group,
                Answer::because_of(Cause::Dropped, "MsgFreqCtrl"),
            )),
            "  dropped: MsgFreqCtrl; it is tried again",
            "dropped: MsgFreqCtrl; it is tried again",
        ),
        (
            Some(Outcome::Throttled(
                Scope::Lane,
                Answer::new(60_007, "limit 200"),
            )),
            "  code 60007  there are more of these calls a second than the app may make (\"limit 200\"); it is tried \
             again",
            "there are more of these calls a second than the app may make; it is tried again",
        ),
        (
            Some(Outcome::Unknown(Answer::because(Cause::ProcessEnded))),
            "  the process ended before the answer came; whether it was delivered is being found out",
            "the process ended before the answer came; whether it was delivered is being found out",
        ),
    ] {
        let entries = outcome.map(once);
        let expected = (line.to_owned(), Some(reason.to_owned()), None);
        assert_eq!(shown(&entries.unwrap_or_default()), expected);
    }
    let again = [
        started(1, 1),
        finished(1, Outcome::Unknown(Answer::new(60_008, "slow"))),
        started(2, 1),
    ];
    let expected = "  2 attempts  code 60008  an attempt is on its way (\"slow\")";
    assert_eq!(shown(&again).0, expected);
}

#[test]
fn line_of_a_retried_delivery_says_how_it_had_ended() {
    let retried = Entry::Retried { at: AT };
    let muted = Outcome::Refused(Answer::new(10_017, ""));
    let last = Answer::new(60_014, "busy");
    let failed = Outcome::Failed(Failure::NotExecuted, last.clone());
    let used_up = EndReason::AttemptsUsedUp { attempts: 1, last };
    for (entries, reason) in [
        (
            vec![started(1, 1), finished(1, muted), retried.clone()],
            "waits for its turn; retried after it was refused (the sender is muted in the group)",
        ),
        (
            vec![
                started(1, 1),
                finished(1, failed),
                ended(End::Failed, used_up),
                retried.clone(),
            ],
            "waits for its turn; retried after it had failed (1 attempt used up; the last: 60014 busy)",
        ),
        (
            vec![ended(End::Skipped, EndReason::Cancelled), retried],
            "waits for its turn; retried after it was skipped (cancelled)",
        ),
    ] {
        assert_eq!(shown(&entries).1.as_deref(), Some(reason));
    }
}
