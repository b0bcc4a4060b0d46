//! A preview for programs: one JSON object.

use super::{Outline, Sample, Totals};
use crate::identity::civil_text;
use crate::report::{diagnostic_json, time_text};
use crate::template::Case;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What `preview -o json` prints. Fields are only ever added.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    app: &'a str,
    campaign: &'a str,
    channel: &'static str,
    /// `2026-11-11T09:00 Asia/Shanghai`
    occurrence: String,
    weekday: &'static str,
    planned: u64,
    /// Of these.
    skipped: u64,
    skipped_for: &'a BTreeMap<String, u64>,
    groups: u64,
    members: u64,
    cases: Vec<CaseRecord<'a>>,
    messages: Vec<Message<'a>>,
    longest: Option<Message<'a>>,
    rate_per_s: f64,
    duration_s: f64,
    first_call: Option<String>,
    expected_end: Option<String>,
    warnings: Vec<Value>,
}

/// A text among several, and how many calls have it.
#[derive(Debug, Serialize)]
struct CaseRecord<'a> {
    by: &'a str,
    /// Null: the text for all other values.
    case: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    /// A broadcast has none.
    target: Option<&'a str>,
    members: &'a [String],
    delivery: &'a str,
    cases: Vec<CaseRecord<'a>>,
    variables: &'a BTreeMap<String, Value>,
    characters: usize,
    bytes: usize,
    skipped: Option<&'a str>,
    /// The very text that is sent, but for its `Random`.
    body: Option<Box<RawValue>>,
}

impl<'a> Record<'a> {
    pub fn new(outline: &'a Outline, samples: &'a [Sample], totals: &'a Totals) -> Record<'a> {
        let occurrence = &outline.occurrence;
        let local = civil_text(occurrence.local());
        Record {
            app: &outline.app,
            campaign: &outline.campaign,
            channel: outline.channel.name(),
            occurrence: format!("{local} {}", occurrence.zone().name()),
            weekday: occurrence.weekday(),
            planned: totals.planned,
            skipped: totals.skipped_count(),
            skipped_for: &totals.skipped,
            groups: totals.groups,
            members: totals.members,
            cases: totals
                .cases
                .iter()
                .map(|(case, calls)| case_record(case, Some(*calls)))
                .collect(),
            messages: samples.iter().map(message).collect(),
            longest: totals.longest.as_ref().map(message),
            rate_per_s: outline.rate,
            duration_s: totals.takes.as_secs_f64(),
            first_call: time_text(totals.first_call.timestamp_millis()),
            expected_end: time_text(totals.expected_end.timestamp_millis()),
            warnings: totals.warnings.iter().map(diagnostic_json).collect(),
        }
    }
}

fn message(sample: &Sample) -> Message<'_> {
    let is_sent = sample.skip.is_none();
    let body = is_sent.then(|| RawValue::from_string(sample.body.clone()).ok());
    Message {
        target: sample.group.as_deref(),
        members: &sample.members,
        delivery: &sample.key,
        cases: sample
            .cases
            .iter()
            .map(|case| case_record(case, None))
            .collect(),
        variables: &sample.variables,
        characters: sample.characters,
        bytes: sample.bytes,
        skipped: sample.skip.as_deref(),
        body: body.flatten(),
    }
}

fn case_record(case: &Case, calls: Option<u64>) -> CaseRecord<'_> {
    CaseRecord {
        by: &case.by,
        case: case.value.as_deref(),
        calls,
    }
}
