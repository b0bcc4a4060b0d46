//! From the value of a scalar back to the text it was decoded from.
//!
//! The decoding is done a second time, keeping for each character where it came from. If the
//! outcome is not the value that the parser gave, no range is given rather than a wrong one.

use std::ops::Range;

use super::node::Style;
use super::unfold::{breaks_of, flow_units};

/// One character of a value and the bytes it was typed as.
pub(super) type Unit = (char, Range<usize>);

/// The range in `raw` (the scalar as written) of a byte range of its value.
pub(super) fn written_range(
    value: &str,
    style: Style,
    raw: &str,
    range: Range<usize>,
) -> Option<Range<usize>> {
    let units = match style {
        Style::Literal | Style::Folded => block_units(value, raw)?,
        Style::Plain => flow_units(raw, 0..raw.len(), style),
        Style::SingleQuoted | Style::DoubleQuoted => {
            flow_units(raw, 1..raw.len().checked_sub(1)?, style)
        }
        Style::Block | Style::Flow => return None,
    };
    if !units
        .iter()
        .map(|(character, _)| *character)
        .eq(value.chars())
    {
        return None;
    }
    let mut offset = 0;
    let mut found: Option<Range<usize>> = None;
    for (character, place) in &units {
        let end = offset + character.len_utf8();
        // An empty range means the character that follows it.
        if end > range.start && offset < range.end.max(range.start.saturating_add(1)) {
            found = Some(found.map_or_else(
                || place.clone(),
                |found| found.start..place.end.max(found.end),
            ));
        }
        offset = end;
    }
    // At the very end there is no character: the place just behind the last.
    let behind = units.last().map_or(0, |(_, place)| place.end);
    Some(found.unwrap_or(behind..behind))
}

/// Block scalars have no escapes: what is not white space stands in both, in the same order. A run
/// of white space between is matched from its end (the part of an indentation that is content) and
/// its rest from its start.
fn block_units(value: &str, raw: &str) -> Option<Vec<Unit>> {
    let mut units = Vec::new();
    let (mut at, mut taken) = (0, 0);
    loop {
        let written = run_of(&raw[at..]);
        let decoded = run_of(&value[taken..]);
        align(decoded, written, at, &mut units);
        at += written.len();
        taken += decoded.len();
        let Some(character) = value[taken..].chars().next() else {
            return Some(units);
        };
        if !raw[at..].starts_with(character) {
            return None;
        }
        units.push((character, at..at + character.len_utf8()));
        at += character.len_utf8();
        taken += character.len_utf8();
    }
}

fn run_of(text: &str) -> &str {
    &text[..text
        .find(|character| !matches!(character, ' ' | '\t' | '\r' | '\n'))
        .unwrap_or(text.len())]
}

fn align(decoded: &str, written: &str, at: usize, units: &mut Vec<Unit>) {
    let blanks = |text: &str| text.len() - text.trim_end_matches([' ', '\t']).len();
    // A single space may be a folded line break; then it has no blank of its own.
    let is_folded = decoded == " " && written.contains(['\r', '\n']);
    let tail = if is_folded {
        0
    } else {
        blanks(decoded).min(blanks(written))
    };
    let breaks = breaks_of(written);
    let head = decoded[..decoded.len() - tail].chars();
    let mut next_break = breaks.iter();
    let mut blank = 0;
    for character in head {
        let place = if character == '\n' || is_folded {
            next_break
                .next()
                .cloned()
                .unwrap_or(written.len()..written.len())
        } else {
            blank += 1;
            (blank - 1).min(written.len())..blank.min(written.len())
        };
        units.push((character, at + place.start..at + place.end));
    }
    let start = at + written.len() - tail;
    let last = decoded[decoded.len() - tail..].chars().enumerate();
    units.extend(last.map(|(index, character)| (character, start + index..start + index + 1)));
}
