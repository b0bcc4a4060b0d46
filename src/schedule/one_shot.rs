//! A single time as somebody wrote it.

use super::firings::{Firing, Note, after_gap};
use crate::source::{Diagnostic, Span, Spanned};
use chrono::{
    DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike,
};
use chrono_tz::Tz;

/// One time of `at:`.
#[derive(Clone, Debug)]
pub(super) struct OneShot {
    pub(super) firing: Firing,
    /// The date that was written, whatever the time zone of its offset.
    pub(super) date: NaiveDate,
    pub(super) span: Span,
}

impl OneShot {
    pub(super) fn lower(
        written: &Spanned<String>,
        zone: Tz,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<OneShot> {
        let (text, offset) = split_offset(written);
        let Some(local) = local_of(text) else {
            let diagnostic = Diagnostic::error(
                "one-shot",
                &written.span,
                format!("`{}` is no date and time", written.value),
            );
            complaints.push(diagnostic.help(mended(text)));
            return None;
        };
        let at = match offset {
            Some(offset) => with_offset(local, offset, zone).ok_or_else(|| {
                Diagnostic::error(
                    "one-shot",
                    &written.span,
                    format!("`{offset}` is no offset from UTC"),
                )
                .help("write hours and minutes such as `+08:00`, or `Z`")
            }),
            None => without_offset(local, &written.span, zone),
        };
        let at = at.map_err(|complaint| complaints.push(complaint)).ok()?;
        let note = note(at);
        Some(OneShot {
            firing: Firing { at, note },
            date: local.date(),
            span: written.span.clone(),
        })
    }
}

/// The date and time, and the offset behind them.
fn split_offset(text: &str) -> (&str, Option<&str>) {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return (local, Some(&text[local.len()..]));
    }
    // The hyphens of the date come before the time.
    let time = text.find(['T', 't', ' ']).unwrap_or(text.len());
    match text[time..].find(['+', '-']) {
        Some(at) => (&text[..time + at], Some(&text[time + at..])),
        None => (text, None),
    }
}

/// Only the one way of writing it: what is read loosely is read differently by somebody else.
fn local_of(text: &str) -> Option<NaiveDateTime> {
    let local = loosely(text)?;
    let is_strict = [MINUTES, SECONDS]
        .iter()
        .any(|form| local.format(form).to_string() == text);
    is_strict.then_some(local)
}

const MINUTES: &str = "%Y-%m-%dT%H:%M";
const SECONDS: &str = "%Y-%m-%dT%H:%M:%S";

fn loosely(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim().replacen([' ', 't'], "T", 1);
    let local = [MINUTES, SECONDS]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())?;
    // A leap second has no place in any clock here.
    (local.nanosecond() == 0 && text.starts_with(|first: char| first.is_ascii_digit()))
        .then_some(local)
}

fn mended(text: &str) -> String {
    let loose = loosely(text);
    if let Some(local) = loose {
        return format!(
            "write `{}`",
            local.format(if local.second() == 0 {
                MINUTES
            } else {
                SECONDS
            })
        );
    }
    match NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d") {
        Ok(day) => format!("write the time as well: `{day}T09:00`"),
        Err(_) => {
            "write it as `2026-11-11T09:00`, perhaps with an offset: `2026-11-11T09:00+08:00`"
                .to_owned()
        }
    }
}

fn with_offset(local: NaiveDateTime, offset: &str, zone: Tz) -> Option<DateTime<Tz>> {
    let offset = match offset {
        "Z" => FixedOffset::east_opt(0)?,
        _ if offset.len() == "+08:00".len() => offset.parse().ok()?,
        _ => return None,
    };
    Some(
        offset
            .from_local_datetime(&local)
            .single()?
            .with_timezone(&zone),
    )
}

/// A clock change may leave no such time, or two; only who wrote it knows which was meant.
fn without_offset(local: NaiveDateTime, span: &Span, zone: Tz) -> Result<DateTime<Tz>, Diagnostic> {
    let text = |at: &DateTime<Tz>| {
        format!(
            "`{}`",
            at.format(if local.second() == 0 {
                "%Y-%m-%dT%H:%M%:z"
            } else {
                "%Y-%m-%dT%H:%M:%S%:z"
            })
        )
    };
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Ok(at),
        LocalResult::Ambiguous(first, second) => {
            let message = format!("this time comes twice in {zone}, because the clock is put back");
            let help = format!(
                "write {} for the first time or {} for the second",
                text(&first),
                text(&second)
            );
            Err(Diagnostic::error("repeated-time", span, message).help(help))
        }
        LocalResult::None => {
            let message =
                format!("this time does not exist in {zone}, because the clock is put forward");
            let diagnostic = Diagnostic::error("missing-time", span, message);
            let Some((before, change, behind)) = around_gap(local, zone) else {
                return Err(diagnostic.help("write another time"));
            };
            let change = change.format("%Y-%m-%dT%H:%M%:z");
            let help = format!(
                "write `{change}` for when the clock has changed, {} by the clock before or {} by the clock after",
                text(&behind),
                text(&before)
            );
            Err(diagnostic.help(help))
        }
    }
}

/// The end of the gap, and what a time in it means by the offset behind the gap and by the one before it.
fn around_gap(
    local: NaiveDateTime,
    zone: Tz,
) -> Option<(DateTime<Tz>, DateTime<Tz>, DateTime<Tz>)> {
    use chrono::Offset;
    let change = after_gap(local, zone)?;
    let offset_of = |at: DateTime<Tz>| at.offset().fix();
    let read = |offset: FixedOffset| {
        Some(
            offset
                .from_local_datetime(&local)
                .single()?
                .with_timezone(&zone),
        )
    };
    let before = change.checked_sub_signed(TimeDelta::seconds(1))?;
    Some((read(offset_of(change))?, change, read(offset_of(before))?))
}

pub(super) fn note(at: DateTime<Tz>) -> Option<Note> {
    match at.timezone().from_local_datetime(&at.naive_local()) {
        LocalResult::Ambiguous(first, _) if first == at => Some(Note::FirstPass),
        LocalResult::Ambiguous(..) => Some(Note::SecondPass),
        _ => None,
    }
}
