//! What is said, and what programs read of it.

use super::*;
use crate::channel::Answer;
use crate::delivery::StopReason;
use crate::settings::Notice;
use serde_json::json;
use std::collections::BTreeSet;

const NINE_MS: i64 = 1_794_358_800_000;
const COMMIT: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";

fn run(name: &str) -> RunName {
    name.parse().unwrap()
}

fn alone() -> Together {
    Together {
        first: warm_up(),
        count: 1,
    }
}

fn warm_up() -> RunName {
    run("warm-up@2026-11-11T09:00")
}

fn names(names: &[&str]) -> Vec<CampaignName> {
    let names = names.iter();
    names
        .map(|name| CampaignName::try_from(*name).unwrap())
        .collect()
}

fn lane() -> LaneName {
    LaneName {
        sdk_app_id: SdkAppId(1_400_000_000),
        channel: Channel::GroupMessage,
    }
}

fn of_commits() -> Vec<(Event, &'static str)> {
    vec![
        (
            Event::GitSwitched {
                repository: "main of https://host/a.git".to_owned(),
                from: Some(COMMIT.replace('0', "1")),
                to: COMMIT.to_owned(),
                is_rewritten: true,
            },
            "the files are those of the commit 0a1b2c3d4e of main of https://host/a.git in place of 1a1b2c3d4e, which is \
             not built upon it: somebody has rewritten the branch",
        ),
        (
            Event::GitFailed {
                repository: "main of https://host/a.git".to_owned(),
                why: "fatal: no route".to_owned(),
            },
            "main of https://host/a.git is out of reach, and the files stay as they are: fatal: no route",
        ),
        (
            Event::GitRefused {
                commit: COMMIT.to_owned(),
                why: "there is no `campanile.yaml` in it".to_owned(),
            },
            "the commit 0a1b2c3d4e is refused, and the files stay as they are: there is no `campanile.yaml` in it",
        ),
    ]
}

fn of_settings() -> Vec<(Event, &'static str)> {
    vec![
        (
            Event::GitFetching {
                repository: "main of /srv/a.git".to_owned(),
                progress: "Receiving objects:  45% (9/20)".to_owned(),
            },
            "main of /srv/a.git is being fetched for the first time: Receiving objects: 45% (9/20)",
        ),
        (
            Event::SettingsPending {
                commit: Some("3f2a9c01bb7e".to_owned()),
                changes: vec![SettingChange {
                    key: "roots.exports".to_owned(),
                    used: None,
                    pending: Some("\"/srv\"".to_owned()),
                }],
                command: "campanile settings accept 0a1b2c3d4e5f".to_owned(),
            },
            "settings of the commit 3f2a9c01bb are not used until they are accepted: roots.exports is not set and would be \
             \"/srv\"; accept them with: campanile settings accept 0a1b2c3d4e5f",
        ),
    ]
}

fn of_files() -> Vec<(Event, &'static str)> {
    let next = Next {
        run: warm_up(),
        at_ms: NINE_MS,
    };
    vec![
        (
            Event::Started {
                campaigns: 12,
                invalid: 1,
                next: Some(next),
            },
            "started: 12 campaigns, 1 file cannot be used; next is warm-up@2026-11-11T09:00 at \
             2026-11-11T01:00:00Z",
        ),
        (
            Event::Reloaded {
                added: names(&["a"]),
                changed: Vec::new(),
                removed: names(&["b", "c", "d", "e", "f", "g", "h"]),
            },
            "reloaded: 1 added (a), 7 removed (b, c, d, e, f and 2 more)",
        ),
        (
            Event::Invalid {
                path: "campaigns/a.yaml".to_owned(),
                campaign: None,
                why: "2 errors,\n  the first in line 3".to_owned(),
            },
            "campaigns/a.yaml is invalid: 2 errors, the first in line 3",
        ),
        (
            Event::Mended {
                campaign: CampaignName::try_from("a").unwrap(),
            },
            "a is valid again",
        ),
        (
            Event::Disappeared {
                gone: 40,
                of: 41,
                command: "campanile release --gone".to_owned(),
            },
            "40 of 41 campaigns went at once, and stay until this is confirmed: campanile release --gone",
        ),
        (
            Event::Unsettled {
                since_ms: NINE_MS,
                why: "git is at work".to_owned(),
            },
            "the files cannot be read as a whole since 2026-11-11T01:00:00Z, and are tried again: git is at work",
        ),
        (
            Event::SettingsInvalid {
                why: "1 error".to_owned(),
            },
            "the settings are invalid, and those before them hold: 1 error",
        ),
        (
            Event::SettingsChanged {
                needs_restart: true,
            },
            "the settings have changed; a part of it holds only after a restart",
        ),
    ]
}

fn of_plans() -> Vec<(Event, &'static str)> {
    vec![
        (
            Event::Prepared {
                run: warm_up(),
                planned: 1,
                at_ms: NINE_MS,
            },
            "warm-up@2026-11-11T09:00 is prepared for 2026-11-11T01:00:00Z: 1 call",
        ),
        (
            Event::Unprepared {
                run: warm_up(),
                at_ms: NINE_MS,
                reason: Reason::NoTargets,
            },
            "warm-up@2026-11-11T09:00 cannot be prepared for 2026-11-11T01:00:00Z: it has no targets",
        ),
        (
            Event::PreparedAnew { run: warm_up() },
            "warm-up@2026-11-11T09:00 is prepared anew",
        ),
        (
            Event::Joined {
                run: warm_up(),
                planned: 1,
            },
            "warm-up@2026-11-11T09:00 is sent on as somebody wants: 1 call",
        ),
    ]
}

fn queued() -> Grounds {
    let open = "warm-up@2026-11-11T08:00".parse().unwrap();
    Reason::Queued { open }.into()
}

fn partial() -> RunState {
    RunState::Partial {
        is_cancelled: false,
    }
}

fn of_occurrences() -> Vec<(Event, &'static str)> {
    let because = || Grounds::from(Reason::ClockForward);
    vec![
        (
            Event::Held {
                run: warm_up(),
                grounds: Reason::FileGone.into(),
                command: "campanile release warm-up@2026-11-11T09:00".to_owned(),
            },
            "warm-up@2026-11-11T09:00 is held: its file is gone; let it go with: campanile release \
             warm-up@2026-11-11T09:00",
        ),
        (
            Event::Missed {
                run: warm_up(),
                grounds: because(),
                together: Together {
                    first: "warm-up@2026-11-10T09:00".parse().unwrap(),
                    count: 25,
                },
            },
            "25 occurrences from warm-up@2026-11-10T09:00 to warm-up@2026-11-11T09:00 are missed; the latest: the clock \
             was put forward over it",
        ),
        (
            Event::Skipped {
                run: warm_up(),
                grounds: because(),
                together: alone(),
            },
            "warm-up@2026-11-11T09:00 is skipped: the clock was put forward over it",
        ),
        (
            Event::Queued {
                run: warm_up(),
                grounds: queued(),
            },
            "warm-up@2026-11-11T09:00 waits: warm-up@2026-11-11T08:00 is open still",
        ),
    ]
}

fn of_runs() -> Vec<(Event, &'static str)> {
    let counts = Counts {
        planned: 300,
        accepted: 299,
        unknown: 1,
        ..Counts::default()
    };
    let stopped = RunState::Stopped {
        reason: StopReason::Answered {
            channel: Channel::GroupMessage,
            answer: Answer::new(70_003, "the signature is wrong"),
        },
    };
    vec![
        (
            Event::Opened {
                run: warm_up(),
                planned: 3_000,
                late_ms: 2_540,
            },
            "warm-up@2026-11-11T09:00 is opened: 3,000 calls, 2.5 s late",
        ),
        (
            Event::Ended {
                run: warm_up(),
                state: partial(),
                counts,
            },
            "warm-up@2026-11-11T09:00 is partial: 300 planned = 299 accepted + 0 refused + 0 failed + 0 skipped + \
             1 unknown + 0 pending",
        ),
        (
            Event::Left {
                run: warm_up(),
                state: stopped,
            },
            "warm-up@2026-11-11T09:00 is stopped (70003 the signature is wrong) and waits for a person",
        ),
    ]
}

fn of_machine() -> Vec<(Event, &'static str)> {
    vec![
        (
            Event::Journal {
                why: "the journal `a.db` was deleted".to_owned(),
            },
            "the journal `a.db` was deleted",
        ),
        (
            Event::JournalUnavailable {
                why: "the disk of the journal is full".to_owned(),
            },
            "nothing new is sent until the journal can be written again: the disk of the journal is full",
        ),
        (
            Event::JournalRecovered { lasted_ms: 7_240 },
            "the journal can be written again, after 7.2 s",
        ),
        (
            Event::ClockStepped { by_ms: -3_600_000 },
            "the clock was set back by 1h",
        ),
        (
            Event::VendorClock { differs_ms: 2_300 },
            "this machine's clock is 2.3 s ahead of the vendor's",
        ),
        (
            Event::NotifyFailed {
                url_host: "hooks.slack.com".to_owned(),
                why: "it answers 404".to_owned(),
            },
            "hooks.slack.com cannot be notified: it answers 404",
        ),
        (
            Event::NotifyDropped { dropped: 3 },
            "3 notifications of the oldest were dropped: more was told than could be sent",
        ),
        (
            Event::LogDropped { dropped: 1 },
            "1 line dropped here: the log could not be written",
        ),
        (
            Event::Panicked {
                thread: "lane".to_owned(),
                place: "src/a.rs:7:1".to_owned(),
                why: "no such\nthing".to_owned(),
            },
            "a bug in the program stopped a part of it (lane, src/a.rs:7:1): no such thing",
        ),
        (
            Event::Draining {
                signal: Interruption::Sigterm,
            },
            "SIGTERM: nothing more is begun, what is under way comes home",
        ),
        (Event::Stopped, "stopped"),
    ]
}

fn of_surroundings() -> Vec<(Event, &'static str)> {
    vec![
        (
            Event::LaneTaken { lane: lane() },
            "sending on the lane 1400000000/group_message",
        ),
        (
            Event::LaneElsewhere {
                lane: lane(),
                holder: "process 7 on host".to_owned(),
            },
            "on the lane 1400000000/group_message process 7 on host sends what is opened here",
        ),
        (
            Event::LaneFailed {
                lane: lane(),
                why: "the disk is full".to_owned(),
            },
            "nothing is sent on the lane 1400000000/group_message: the disk is full",
        ),
    ]
}

fn all() -> Vec<(Event, &'static str)> {
    [
        of_files(),
        of_settings(),
        of_commits(),
        of_plans(),
        of_runs(),
        of_occurrences(),
        of_machine(),
        of_surroundings(),
    ]
    .concat()
}

#[test]
fn every_event_is_one_line_of_words() {
    for (event, text) in all() {
        assert_eq!(event.text(), text);
    }
    let names: BTreeSet<&str> = all().iter().map(|(event, _)| event.name()).collect();
    assert_eq!(names.len(), 38, "each kind is tried");
}

#[test]
fn whoever_wants_to_be_told_names_an_event() {
    let names: BTreeSet<&str> = all().iter().map(|(event, _)| event.name()).collect();
    for notice in Notice::ALL {
        let is_known = names.contains(notice.name()) || notice == Notice::EndedBadly;
        assert!(is_known, "{}", notice.name());
    }
}

#[test]
fn fields_leave_the_names_of_the_line_alone_and_say_all_that_the_event_knows() {
    for (event, _) in all() {
        let fields = event.fields();
        for taken in ["at", "level", "event", "message"] {
            assert!(!fields.contains_key(taken), "{}: {taken}", event.name());
        }
        assert_eq!(
            fields.is_empty(),
            matches!(event, Event::Stopped),
            "{}: {fields:?}",
            event.name()
        );
    }
}

#[test]
fn an_end_has_the_counts_of_its_run() {
    let (event, _) = of_runs().remove(1);
    let expected = json!({
        "run": "warm-up@2026-11-11T09:00", "campaign": "warm-up", "state": "partial", "reason": null,
        "reason_code": null,
        "planned": 300, "accepted": 299, "refused": 0, "failed": 0, "skipped": 0, "unknown": 1, "pending": 0,
    });
    assert_eq!(serde_json::Value::Object(event.fields()), expected);
    let (event, _) = of_runs().remove(2);
    let expected = json!({
        "run": "warm-up@2026-11-11T09:00", "campaign": "warm-up", "state": "stopped",
        "reason": "70003 the signature is wrong", "reason_code": "answered",
    });
    assert_eq!(serde_json::Value::Object(event.fields()), expected);
    let (event, _) = of_surroundings().remove(2);
    let expected = json!({
        "sdk_app_id": 1_400_000_000, "channel": "group_message", "why": "the disk is full",
    });
    assert_eq!(serde_json::Value::Object(event.fields()), expected);
}

#[test]
fn only_an_end_in_which_something_went_wrong_is_bad() {
    let ended = |state: RunState, accepted: u64, unknown: u64, skipped: u64| Event::Ended {
        run: warm_up(),
        state,
        counts: Counts {
            planned: accepted + unknown + skipped,
            accepted,
            unknown,
            skipped,
            ..Counts::default()
        },
    };
    assert!(!ended(RunState::Done, 3, 0, 1).is_bad_end());
    assert!(!ended(RunState::Skipped, 0, 0, 3).is_bad_end());
    assert!(ended(partial(), 2, 1, 0).is_bad_end());
    assert_eq!(ended(partial(), 2, 1, 0).level(), Level::Warning);
    assert_eq!(ended(RunState::Failed, 0, 1, 0).level(), Level::Error);
    assert!(
        !Event::LaneFailed {
            lane: lane(),
            why: String::new()
        }
        .is_bad_end()
    );
}
