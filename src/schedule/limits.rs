//! How late is too late.

use super::ScheduleSpec;
use crate::source::{Diagnostic, Spanned};
use std::time::Duration;

/// How late an occurrence may start unless its schedule says something else.
pub const START_WITHIN: Duration = Duration::from_mins(15);
/// An occurrence of last week is no news.
const START_WITHIN_MAX: Duration = Duration::from_hours(7 * 24);
const FINISH_WITHIN_MAX: Duration = Duration::from_hours(31 * 24);

/// `start_within` and `finish_within`.
pub(super) fn limits(
    spec: &ScheduleSpec,
    complaints: &mut Vec<Diagnostic>,
) -> Option<(Duration, Option<Duration>)> {
    let before = complaints.len();
    let start = spec
        .start_within
        .as_ref()
        .and_then(|text| length(text, START_WITHIN_MAX, complaints));
    let finish = spec
        .finish_within
        .as_ref()
        .and_then(|text| length(text, FINISH_WITHIN_MAX, complaints));
    if let (Some(late), Some(end)) = (&spec.start_within, &spec.finish_within)
        && start
            .zip(finish)
            .is_some_and(|(start, finish)| finish < start)
    {
        complaints.push(
            Diagnostic::error(
                "start-after-finish",
                &late.span,
                "an occurrence could start when it is too late for all its deliveries",
            )
            .also(&end.span, "nothing starts later than this")
            .help(format!("write `start_within: {}` or less", end.value)),
        );
    }
    let start = start.unwrap_or(finish.map_or(START_WITHIN, |finish| START_WITHIN.min(finish)));
    (complaints.len() == before).then_some((start, finish))
}

fn length(
    written: &Spanned<String>,
    longest: Duration,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Duration> {
    const SHORTEST: Duration = Duration::from_secs(1);
    let days = longest.as_secs() / 86_400;
    let text = &written.value;
    let message = match humantime::parse_duration(text) {
        Ok(length) if length < SHORTEST => format!("`{text}` is shorter than a second"),
        Ok(length) if length > longest => format!("`{text}` is longer than {days} days"),
        Ok(length) => return Some(length),
        Err(_) => format!("`{text}` is no length of time"),
    };
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let help = if is_number {
        format!("add a unit: `{text}m` for minutes, `{text}h` for hours")
    } else {
        format!("write a number and a unit, such as `15m`, `6h` or `1h 30m`, up to `{days}d`")
    };
    complaints.push(Diagnostic::error("duration", &written.span, message).help(help));
    None
}
