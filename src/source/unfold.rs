//! Plain and quoted scalars decoded once more, keeping where each character came from.

use std::ops::Range;

use super::node::Style;
use super::offsets::Unit;

/// Plain and quoted scalars: escapes are decoded and line breaks folded.
pub(super) fn flow_units(raw: &str, inside: Range<usize>, style: Style) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut at = inside.start;
    while at < inside.end {
        let rest = &raw[at..inside.end];
        let length = match (style, rest.as_bytes()[0]) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => whitespace(rest, at, &mut units),
            (Style::DoubleQuoted, b'\\') => escape(rest, at, &mut units),
            (Style::SingleQuoted, b'\'') => {
                units.push(('\'', at..at + 2));
                2
            }
            _ => {
                let character = rest.chars().next().unwrap_or_default();
                units.push((character, at..at + character.len_utf8()));
                character.len_utf8()
            }
        };
        at += length.max(1);
    }
    units
}

/// Within a line white space is kept; around line breaks it is dropped, one break becomes a space,
/// more become one fewer.
fn whitespace(rest: &str, at: usize, units: &mut Vec<Unit>) -> usize {
    let run = &rest[..rest
        .find(|character| !matches!(character, ' ' | '\t' | '\r' | '\n'))
        .unwrap_or(rest.len())];
    let breaks = breaks_of(run);
    match breaks.as_slice() {
        [] => units.extend(
            run.char_indices()
                .map(|(offset, character)| (character, at + offset..at + offset + 1)),
        ),
        [only] => units.push((' ', at + only.start..at + only.end)),
        [_, rest @ ..] => units.extend(rest.iter().map(|one| ('\n', at + one.start..at + one.end))),
    }
    run.len()
}

fn escape(rest: &str, at: usize, units: &mut Vec<Unit>) -> usize {
    let Some(letter) = rest[1..].chars().next() else {
        return 1;
    };
    if matches!(letter, '\r' | '\n') {
        return escaped_break(rest, at, units);
    }
    let digits = match letter {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if digits == 0 {
        let length = 1 + letter.len_utf8();
        units.push((short_escape(letter), at..at + length));
        return length;
    }
    let (character, length) = coded(rest, digits);
    units.push((character, at..at + length));
    length
}

/// A line break behind a backslash is dropped with the indentation after it; further breaks are
/// kept.
fn escaped_break(rest: &str, at: usize, units: &mut Vec<Unit>) -> usize {
    let end = rest[1..].find(|character| !matches!(character, ' ' | '\t' | '\r' | '\n'));
    let end = end.map_or(rest.len(), |end| end + 1);
    let breaks = breaks_of(&rest[1..end]);
    units.extend(
        breaks
            .iter()
            .skip(1)
            .map(|one| ('\n', at + 1 + one.start..at + 1 + one.end)),
    );
    end
}

/// `\xNN`, `\uNNNN`, `\UNNNNNNNN`, and two `\u` that make one character.
fn coded(rest: &str, digits: usize) -> (char, usize) {
    let code_at = |at: usize| {
        let hex = rest.get(at..at + digits)?;
        u32::from_str_radix(hex, 16).ok()
    };
    let length = 2 + digits;
    let first = code_at(2).unwrap_or_default();
    let is_high = (0xd800..0xdc00).contains(&first);
    if is_high
        && rest[length.min(rest.len())..].starts_with("\\u")
        && let Some(second) = code_at(length + 2)
        && (0xdc00..0xe000).contains(&second)
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or_default(), 2 * length);
    }
    (
        char::from_u32(first).unwrap_or_default(),
        length.min(rest.len()),
    )
}

fn short_escape(letter: char) -> char {
    match letter {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        other => other,
    }
}

/// The line breaks of a run of white space.
pub(super) fn breaks_of(run: &str) -> Vec<Range<usize>> {
    let bytes = run.as_bytes();
    let mut breaks = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = if bytes[at..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        if matches!(bytes[at], b'\r' | b'\n') {
            breaks.push(at..at + length);
        }
        at += length;
    }
    breaks
}
