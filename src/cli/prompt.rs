//! What somebody must know to say yes.

use super::opening::Request;
use crate::campaign::Campaign;
use crate::executor::finish_by_ms;
use crate::identity::{OccurrenceKey, civil_text};
use crate::plan::Header;
use crate::report::{harmless, wrapped};
use crate::settings::Hours;
use crate::source::{length_text, plural};
use chrono::DateTime;
use std::time::Duration;

/// A line each; those after the first line of a value have no name.
type Facts = Vec<(&'static str, String)>;

/// Names of facts are as wide as this.
const NAME: usize = 12;
const RUNS_SHOWN: usize = 3;
const TEXT_SHOWN: usize = 200;

/// In lines no longer than `width`.
pub(super) fn facts(
    request: &Request<'_>,
    header: &Header,
    key: &OccurrenceKey,
    width: usize,
) -> Vec<String> {
    let facts = [
        of_campaign(request.campaign),
        of_occurrence(request, key),
        of_place(request),
        of_calls(request, header),
        of_text(header),
    ];
    let lines = facts.concat().into_iter().flat_map(|(name, value)| {
        let lines = wrapped(&value, width.saturating_sub(NAME + 1)).into_iter();
        lines.enumerate().map(move |(at, line)| {
            let name = if at == 0 { name } else { "" };
            format!("{name:<NAME$}{line}").trim_end().to_owned()
        })
    });
    lines.collect()
}

fn of_campaign(campaign: &Campaign) -> Facts {
    let labels = campaign.labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let given = [
        ("campaign", Some(campaign.name.to_string())),
        ("", campaign.description.clone()),
        ("owner", campaign.owner.clone()),
        ("labels", Some(labels.join(", "))),
    ];
    let given = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    given
        .map(|(name, value)| (name, harmless(&value)))
        .collect()
}

fn of_occurrence(request: &Request<'_>, key: &OccurrenceKey) -> Facts {
    let note = match (request.late(), request.ahead()) {
        (Some(late), _) => format!(" ({} late)", length_text(late)),
        (_, Some(ahead)) => format!(" ({} ahead)", length_text(ahead)),
        _ if request.options.occurrence.is_none() => " (by hand, now)".to_owned(),
        _ => String::new(),
    };
    let ordinal = if key.ordinal > 1 {
        format!(" once more (#{})", key.ordinal)
    } else {
        String::new()
    };
    let local = civil_text(key.local);
    vec![("occurrence", format!("{local} {}{note}{ordinal}", key.zone))]
}

fn of_place(request: &Request<'_>) -> Facts {
    let Request { workspace, app, .. } = request;
    let endpoint = if workspace.is_sandbox() {
        "the sandbox on this machine"
    } else {
        &app.endpoint
    };
    let journal = workspace.journal_path();
    let journal = journal.map(|path| workspace.shown(&path));
    let app = format!("{} (SDKAppID {}) at {endpoint}", app.role, app.sdk_app_id);
    let mut facts = vec![("app", app), ("journal", journal.unwrap_or_default())];
    let earlier = request.runs.iter().take(RUNS_SHOWN);
    let earlier: Vec<String> = earlier
        .map(|run| format!("{} ({})", run.name(), run.state().name()))
        .collect();
    let more = request.runs.len().saturating_sub(RUNS_SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    if earlier.is_empty() {
        facts.push((
            "earlier",
            "no run of the campaign through this app".to_owned(),
        ));
    }
    let lines = earlier.into_iter().chain(more).enumerate();
    facts.extend(lines.map(|(at, line)| (if at == 0 { "earlier" } else { "" }, line)));
    facts
}

/// How long it takes, and when it is done if it begins now.
pub(super) struct Course {
    pub(super) rate: f64,
    pub(super) takes: Duration,
    pub(super) end_ms: i64,
}

impl Course {
    pub(super) fn of(request: &Request<'_>, header: &Header) -> Course {
        let rules = &request.campaign.rules;
        let limit = f64::from(header.channel.limit(&request.app.limits));
        let rate = rules.rate.map_or(limit, |rate| rate.min(limit));
        let calls = header.planned - header.skipped;
        #[expect(clippy::cast_precision_loss, reason = "a duration for people")]
        let takes = Duration::try_from_secs_f64(calls as f64 / rate).unwrap_or_default();
        let takes_ms = i64::try_from(takes.as_millis()).unwrap_or(i64::MAX);
        let now_ms = request.now.wall_ms;
        let hours = rules.window.map(|window| Hours {
            window,
            zone: request.campaign.zone,
        });
        let end_ms = match hours {
            Some(hours) => hours.stretch(now_ms, takes).1,
            None => now_ms.saturating_add(takes_ms),
        };
        Course {
            rate,
            takes,
            end_ms,
        }
    }
}

fn of_calls(request: &Request<'_>, header: &Header) -> Facts {
    let rules = &request.campaign.rules;
    let Course {
        rate,
        takes,
        end_ms,
    } = Course::of(request, header);
    let calls = plural(header.planned - header.skipped, "call");
    let skipped = match header.skipped {
        0 => String::new(),
        skipped => format!(", {} left out", plural(skipped, "target")),
    };
    let zone = request.campaign.zone;
    let time = |ms: i64| {
        let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
        let at = at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S");
        format!("{at} {zone}")
    };
    let takes = length_text(takes.max(Duration::from_secs(1)));
    let mut facts = vec![
        (
            "channel",
            format!("{}, {calls}{skipped}", header.channel.name()),
        ),
        ("takes", format!("about {takes}, at {rate} a second")),
        ("ends", format!("about {}", time(end_ms))),
    ];
    let finish_by = finish_by_ms(request.campaign, &request.occurrence);
    let late = finish_by.filter(|by| *by < end_ms).map(time);
    facts.extend(late.map(|by| ("", format!("what is not begun by {by} is skipped"))));
    let window = rules.window.map(|window| format!("first calls {window}"));
    facts.extend(window.map(|window| ("window", window)));
    let pauses = [rules.pause_after, request.options.stop_after];
    let pause = pauses.into_iter().flatten().min();
    facts.extend(pause.map(|calls| ("pauses", format!("after {}", plural(calls, "call")))));
    facts
}

fn of_text(header: &Header) -> Facts {
    let letters = header.first_text.iter().flat_map(|text| text.chars());
    let mut text: String = letters.clone().take(TEXT_SHOWN).collect();
    if letters.count() > TEXT_SHOWN {
        text.push('\u{2026}');
    }
    let text = harmless(&text.replace("\r\n", "\n"));
    let lines = text.lines().enumerate();
    let named = lines.map(|(at, line)| (if at == 0 { "first text" } else { "" }, line.to_owned()));
    named.collect()
}
