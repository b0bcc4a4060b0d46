//! `next`: when a schedule fires.

use super::arguments::{DstName, Next, Output};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use crate::clock;
use crate::identity::civil_text;
use crate::schedule::{Cron, Dst, Firing, Firings, Note, parse_zone};
use crate::source::{Diagnostic, Source, Span, nearest};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

pub(super) fn next(options: &Next) -> Result<Exit, Failure> {
    let zone = parse_zone(&options.timezone).ok_or_else(|| unknown_zone(&options.timezone))?;
    let cron = Cron::parse(&options.cron).map_err(|fault| {
        let span = Span::new(&Source::new("--cron", options.cron.as_str()), fault.range);
        wrong(Diagnostic::error("cron", &span, fault.message).help(fault.help))
    })?;
    let dst = match options.dst {
        DstName::RunOnce => Dst::RunOnce,
        DstName::Skip => Dst::Skip,
        DstName::Wall => Dst::Wall,
    };
    let after = match options.from {
        Some(from) => from.with_timezone(&Utc),
        None => DateTime::from_timestamp_millis(clock::now().wall_ms).unwrap_or_default(),
    };
    let firings: Vec<Firing> = Firings::after(&cron, zone, dst, after)
        .take(usize::from(options.limit))
        .collect();
    if firings.is_empty() {
        let span = Span::new(
            &Source::new("--cron", options.cron.as_str()),
            0..options.cron.len(),
        );
        return Err(wrong(Diagnostic::error(
            "never-fires",
            &span,
            "there is no such day in the next hundred years",
        )));
    }
    match options.output {
        Output::Json => {
            let utc = |firing: &Firing| {
                firing
                    .at
                    .with_timezone(&Utc)
                    .to_rfc3339_opts(SecondsFormat::Secs, true)
            };
            let times: Vec<String> = firings.iter().map(utc).collect();
            print::result(&json!({ "occurrences": times }).to_string())?;
        }
        Output::Text => {
            for firing in &firings {
                if !print::result(&told(firing))? {
                    break;
                }
            }
        }
    }
    Ok(Exit::Success)
}

/// `2026-11-11T09:00 Asia/Shanghai  Wed  2026-11-11T01:00:00Z`
fn told(firing: &Firing) -> String {
    let at = &firing.at;
    let utc = at
        .with_timezone(&Utc)
        .to_rfc3339_opts(SecondsFormat::Secs, true);
    let line = format!(
        "{} {}  {}  {utc}",
        civil_text(at.naive_local()),
        at.timezone(),
        at.format("%a")
    );
    match firing.note {
        None => line,
        Some(Note::MovedFrom(slot)) => {
            format!("{line}  ({} does not exist that day)", civil_text(slot))
        }
        Some(Note::FirstPass) => format!("{line}  (the hour is repeated; this is the first pass)"),
        Some(Note::SecondPass) => {
            format!("{line}  (the hour is repeated; this is the second pass)")
        }
    }
}

fn unknown_zone(name: &str) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no time zone `{name}`"));
    let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    match nearest(name, known) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help("write an IANA name such as `Asia/Shanghai`"),
    }
}

fn wrong(diagnostic: Diagnostic) -> Failure {
    Failure::told(Exit::Usage, diagnostic)
}
