//! What must hold whatever comes in.

use super::{fuzz, inputs, whole};
use campanile::workbench::{
    Ask, Campaign, Channel, Cron, Diagnostic, Digest, Draft, Dst, Frame, GroupId, Moment,
    Occurrence, Outcome, Reply, Repository, Request, Schedule, Settings, Source, Span, Spanned,
    Told, always, decode, parse_zone, render, shown,
};
use chrono::{DateTime, Utc};
use proptest::prelude::{prop_assert, prop_assert_eq};
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

const SETTINGS: &str = "apps: { main: { sdk_app_id: 1400000000, region: singapore } }\n";
/// What the vendor takes, with what stands around it.
const MESSAGE_MAX: usize = 12_000;

const NOW: Moment = Moment {
    wall_ms: 1_790_000_000_000,
    boot_ns: 0,
    boot_id: 0,
};

fn known_settings() -> &'static Settings {
    static KNOWN: LazyLock<Settings> =
        LazyLock::new(|| Settings::read(&Source::new("campanile.yaml", SETTINGS), &[]).unwrap());
    &KNOWN
}

/// Complaints can be shown, and have nothing in them that moves a cursor.
fn assert_shown(found: &[Diagnostic]) -> Result<(), TestCaseError> {
    prop_assert!(!found.is_empty(), "refused without a word");
    for complaint in found {
        let shown = render(complaint, false, 80);
        prop_assert!(shown.chars().all(|each| each == '\n' || !each.is_control()));
    }
    Ok(())
}

/// All that a plan does with a campaign in a folder: its files are read, its texts rendered.
fn planned(folder: &TempDir, yaml: &str) -> Result<(), TestCaseError> {
    let source = Source::new("news.yaml", yaml);
    let campaign = match Campaign::read(&source, known_settings(), &BTreeMap::new()) {
        Ok(campaign) => campaign,
        Err(found) => return assert_shown(&found),
    };
    let repository = Repository::at(folder.path()).unwrap();
    let ready = campaign.ready();
    let frame = frame(&campaign);
    let mut draft = Draft::new(&repository, &campaign, &ready, (&frame, &always), NOW);
    let mut count = 0;
    while let Some(chunk) = draft.next_chunk(100) {
        for delivery in &chunk {
            let content = &delivery.request.content;
            prop_assert!(content.len() <= 2 * MESSAGE_MAX, "{} bytes", content.len());
        }
        count += chunk.len() as u64;
    }
    let (header, complaints) = draft.finish();
    // What is wrong is tried as far as it goes, and none of it is sent.
    if !complaints.has_errors() {
        prop_assert_eq!(header.planned, count);
    }
    let (found, _) = complaints.shown();
    if found.is_empty() {
        Ok(())
    } else {
        assert_shown(&found)
    }
}

fn frame(campaign: &Campaign) -> Frame {
    Frame {
        occurrence: Occurrence::at_moment(NOW, campaign.zone),
        digest: Digest::of("fuzz", []),
        members_max: 50,
    }
}

/// A campaign as `show` tells it, and what comes of it.
struct Page {
    text: String,
    /// To whom, and what.
    deliveries: Vec<(String, Value)>,
    wrong: Vec<String>,
}

fn told(folder: &TempDir, yaml: &str) -> Result<Page, Vec<Diagnostic>> {
    let source = Source::new("news.yaml", yaml);
    let campaign = Campaign::read(&source, known_settings(), &BTreeMap::new())?;
    let repository = Repository::at(folder.path()).unwrap();
    let (ready, frame) = (campaign.ready(), frame(&campaign));
    let mut draft = Draft::new(&repository, &campaign, &ready, (&frame, &always), NOW);
    let mut deliveries = Vec::new();
    while let Some(chunk) = draft.next_chunk(100) {
        for Request {
            group,
            members,
            content,
            ..
        } in chunk.into_iter().map(|planned| planned.request)
        {
            let content = serde_json::from_str(&content).unwrap();
            deliveries.push((format!("{group:?} {members:?}"), content));
        }
    }
    let (found, _) = draft.finish().1.shown();
    Ok(Page {
        text: shown(&campaign, &source, known_settings()),
        deliveries,
        wrong: found.into_iter().map(|found| found.message).collect(),
    })
}

/// What is given is sent, also where it is what the vendor takes it to be: `show` gives these.
const GIVEN: [(&str, &str); 4] = [
    ("MsgPriority", "\"Normal\""),
    ("OnlineOnlyFlag", "0"),
    ("NeedReadReceipt", "0"),
    ("SupportMessageExtension", "0"),
];

/// What `show` tells is a campaign again, of which the same is planned; and that is told as it stands.
#[test]
fn fuzz_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (tried, read) = (Cell::new(0), Cell::new(0));
    fuzz(&whole::campaign(), |yaml| {
        tried.set(tried.get() + 1);
        let mut first = match told(&folder, &yaml) {
            Ok(told) => told,
            Err(found) => return assert_shown(&found),
        };
        read.set(read.get() + 1);
        let second = match told(&folder, &first.text) {
            Ok(told) => told,
            Err(found) => {
                let found: Vec<String> = found.iter().map(|each| render(each, false, 80)).collect();
                let why = format!("{}\n{}", found.concat(), first.text);
                return Err(TestCaseError::fail(why));
            }
        };
        for content in first
            .deliveries
            .iter_mut()
            .filter_map(|(_, content)| content.as_object_mut())
        {
            for (name, value) in GIVEN {
                let value: Value = serde_json::from_str(value).unwrap();
                content.entry(name).or_insert(value);
            }
        }
        prop_assert_eq!(first.deliveries, second.deliveries, "{}", first.text);
        prop_assert_eq!(first.wrong, second.wrong, "{}", first.text);
        // Its origins are its own lines from here on.
        let last = told(&folder, &second.text).map(|told| told.text);
        prop_assert_eq!(Some(second.text), last.ok());
        Ok(())
    });
    let (tried, read) = (tried.get(), read.get());
    assert!(
        read > tried / 4,
        "{read} of {tried} campaigns could be read"
    );
}

#[test]
fn fuzz_campaigns() {
    let folder = tempfile::tempdir().unwrap();
    fuzz(&inputs::campaign(), |yaml| planned(&folder, &yaml));
}

#[test]
fn fuzz_settings() {
    fuzz(&inputs::settings(), |yaml| {
        match Settings::read(&Source::new("campanile.yaml", yaml), &[]) {
            Ok(_) => Ok(()),
            Err(found) => assert_shown(&found),
        }
    });
}

#[test]
fn fuzz_templates() {
    let folder = tempfile::tempdir().unwrap();
    fuzz(&inputs::template(), |text| {
        let text = serde_json::to_string(&text).unwrap();
        let group = "{ id: g1, variables: { city: \"Shenzhen\" } }";
        let yaml = format!(
            "audience: {{ groups: [{group}] }}\nsend: {{ group_message: {{ text: {text} }} }}\n"
        );
        planned(&folder, &yaml)
    });
}

fn fuzz_file(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let text = "{{ group.id }} {{ group.city | default('') }}";
    for kind in ["group_files", "member_files"] {
        let yaml = format!(
            "audience: {{ {kind}: [{name}] }}\nsend: {{ group_message: {{ text: \"{text}\" }} }}\n"
        );
        planned(&folder, &yaml)?;
    }
    Ok(())
}

#[test]
fn fuzz_rows() {
    fuzz(&inputs::rows(), |bytes| fuzz_file("rows.csv", &bytes));
}

#[test]
fn fuzz_objects() {
    fuzz(&inputs::objects(), |bytes| fuzz_file("rows.jsonl", &bytes));
}

#[test]
fn fuzz_cron() {
    fuzz(&inputs::cron(), |text| {
        let Ok(cron) = Cron::parse(&text) else {
            return Ok(());
        };
        let span = Span::beginning(&Source::new("cron", text.as_str()));
        let zone = parse_zone("America/New_York").unwrap();
        for dst in [Dst::RunOnce, Dst::Skip, Dst::Wall] {
            let cron = Spanned {
                value: cron.clone(),
                span: span.clone(),
            };
            let schedule = Schedule::of_cron(cron, zone, dst);
            let after = DateTime::<Utc>::from_timestamp(1_790_000_000, 0).unwrap();
            let instants: Vec<_> = schedule
                .slots(after)
                .take(20)
                .map(|slot| slot.at())
                .collect();
            prop_assert!(instants.iter().all(|at| *at > after), "{instants:?}");
            prop_assert!(instants.is_sorted(), "{instants:?}");
        }
        Ok(())
    });
}

#[test]
fn fuzz_replies() {
    fuzz(&inputs::reply(), |(status, body)| {
        let reply = Reply::Answered {
            status,
            body: body.clone(),
            signature: 1,
        };
        for channel in Channel::ALL {
            let outcome = decode(channel, &reply);
            let is_ok = String::from_utf8_lossy(&body).contains("OK");
            let is_accepted = matches!(outcome, Outcome::Accepted(_));
            prop_assert!(!is_accepted || (status == 200 && is_ok), "{outcome:?}");
            if let Some(answer) = outcome.answer() {
                prop_assert!(answer.text.chars().count() <= 300);
                prop_assert!(!answer.text.contains(char::is_control), "{answer:?}");
            }
        }
        Ok(())
    });
}

#[test]
fn fuzz_histories() {
    let group = GroupId::try_from("@TGS#1").unwrap();
    fuzz(&inputs::reply(), |(status, body)| {
        let reply = Reply::Answered {
            status,
            body,
            signature: 1,
        };
        for ask in [Ask::Group, Ask::Newest, Ask::From(9)] {
            let told = Told::decode(ask, &group, &reply);
            prop_assert!(told.is_err() || status == 200, "{told:?}");
        }
        Ok(())
    });
}
