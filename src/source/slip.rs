//! What people commonly get wrong about YAML, each with its mend.

use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use super::diagnostic::Diagnostic;
use super::refusal::too_deep;
use super::span::{Source, Span, line_end};
use super::words::{is_typeable, literal, nearest};

/// Each syntax error has this code: which one it was is said by the message.
const SYNTAX: &str = "yaml-syntax";
/// A value that YAML reads as something else because it is not quoted.
pub(super) const UNQUOTED: &str = "unquoted";
/// What may stand behind a backslash in double quotes.
const KNOWN_ESCAPES: [char; 22] = [
    '0', 'a', 'b', 't', '\t', 'n', 'v', 'f', 'r', 'e', ' ', '"', '/', '\\', 'N', '_', 'L', 'P',
    'x', 'u', 'U', '\n',
];
const FULL_WIDTH_COLON: char = '\u{ff1a}';

/// What had been read when a syntax error came.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) scalar: Range<usize>,
    /// The innermost bracket that is open.
    pub(super) bracket: Option<usize>,
    pub(super) anchors: Vec<String>,
}

pub(super) fn explain(source: &Arc<Source>, error: &ScanError, seen: &Seen) -> Diagnostic {
    let at = error
        .marker()
        .byte_offset()
        .unwrap_or(0)
        .min(source.text.len());
    let span = Span::new(source, at..at + 1);
    if let Some(diagnostic) = colon_slip(source, &span, seen) {
        return diagnostic;
    }
    match error.kind() {
        ErrorKind::UnexpectedCharacter { character } => {
            unquoted(&value_at(&span, seen), *character)
        }
        ErrorKind::MissingAnchorOrAliasName if span.slice() == "*" => {
            unquoted(&value_at(&span, seen), '*')
        }
        ErrorKind::UnknownAnchor => unknown_anchor(&value_at(&span, seen), seen),
        ErrorKind::MappingValueNotAllowed => second_colon(&span, seen),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => unclosed_quote(source, seen),
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => behind_quote(&span, error.kind()),
        ErrorKind::UnclosedFlowCollection { .. } => unclosed_bracket(&span),
        ErrorKind::RecursionLimitExceeded => too_deep(&span),
        ErrorKind::UnknownQuotedScalarEscape => unknown_escape(&span),
        ErrorKind::InvalidQuotedScalarHexEscape | ErrorKind::InvalidLowSurrogateHexEscape => {
            hexadecimal_escape(&span)
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            mismatched(&span, (*open, *close), seen)
        }
        ErrorKind::DirectiveDisallowed => {
            Diagnostic::error(SYNTAX, &span, "directives (`%`) are not used here")
                .help("delete the line, or put a text that begins with `%` in quotes")
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => tab(source, at),
        ErrorKind::SimpleKeyExpected
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation => misfit(source, &span),
        other => bracket_slip(&span, seen)
            .unwrap_or_else(|| Diagnostic::error(SYNTAX, &span, lower_case(&other.to_string()))),
    }
}

fn misfit(source: &Arc<Source>, span: &Span) -> Diagnostic {
    let line = &source.text[span.line_range()];
    let indentation = &line[..line.len() - line.trim_start().len()];
    if indentation.contains('\t') {
        return tab(source, span.range().start);
    }
    let help = "write `key: value`, indented like the keys beside it, or `- item` in a list";
    Diagnostic::error(SYNTAX, &rest_of_line(span), "this does not fit here")
        .help(colon_help(line.trim()).unwrap_or_else(|| help.to_owned()))
}

/// A colon that is none, in the line of the error or in the text before it: full-width, or without
/// a space.
fn colon_slip(source: &Arc<Source>, span: &Span, seen: &Seen) -> Option<Diagnostic> {
    let swallowed = Span::new(source, seen.scalar.clone());
    [swallowed, Span::new(source, span.line_range())]
        .iter()
        .find_map(|place| {
            let line = Span::new(source, place.line_range());
            let key = key_before(line.slice(), FULL_WIDTH_COLON)?;
            let diagnostic = Diagnostic::error(
                "full-width-colon",
                &line.part(key..key + FULL_WIDTH_COLON.len_utf8()),
                format!("`{FULL_WIDTH_COLON}` is a full-width colon and separates nothing"),
            );
            Some(mend_colon(diagnostic.help("write `:` and a space"), &line))
        })
}

/// Keys of ours are plain words; what else stands before such a colon may be meant to be read.
pub(super) fn mend_colon(diagnostic: Diagnostic, line: &Span) -> Diagnostic {
    let text = line.slice();
    let is_word = |key: &str| !key.is_empty() && key.bytes().all(is_of_a_key);
    let found = key_before(text, FULL_WIDTH_COLON)
        .filter(|offset| is_word(text[..*offset].trim_start_matches([' ', '-'])));
    let Some(start) = found else {
        return diagnostic;
    };
    let end = start + FULL_WIDTH_COLON.len_utf8();
    let is_spaced = text[end..].is_empty() || text[end..].starts_with(' ');
    diagnostic.mend(&line.part(start..end), if is_spaced { ":" } else { ": " })
}

fn is_of_a_key(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// The offset of `colon` if what stands before it looks like a key.
fn key_before(line: &str, colon: char) -> Option<usize> {
    let offset = line.find(colon)?;
    let key = line[..offset].trim_start_matches([' ', '-']);
    let is_key = !key.is_empty()
        && key
            .chars()
            .all(|character| character.is_alphanumeric() || "_-".contains(character));
    is_key.then_some(offset)
}

/// For a value that should have been a map.
pub(super) fn colon_help(plain: &str) -> Option<String> {
    let line = plain.lines().next()?;
    if key_before(line, FULL_WIDTH_COLON).is_some() {
        return Some(format!(
            "write `:` and a space instead of the full-width `{FULL_WIDTH_COLON}`"
        ));
    }
    let offset = key_before(line, ':').filter(|_| is_typeable(line))?;
    if line[offset + 1..].starts_with(' ') {
        return None;
    }
    let (key, value) = (&line[..offset], line[offset + 1..].trim_start());
    Some(format!("put a space behind the colon: `{key}: {value}`"))
}

fn unquoted(value: &Span, character: char) -> Diagnostic {
    if character != '*' && (character.is_control() || !"@`%".contains(character)) {
        let message = format!(
            "the character `{}` is not allowed here",
            character.escape_default()
        );
        let start = value.range().start;
        let place = Span::new(value.source(), start..start + character.len_utf8());
        return Diagnostic::error(SYNTAX, &place, message).help("delete it");
    }
    let message = format!("a value that begins with `{character}` has to be quoted");
    quote(Diagnostic::error(UNQUOTED, value, message), value)
}

/// Help for a value that has to be quoted, and its mend if it is certain where the value ends.
pub(super) fn quote(diagnostic: Diagnostic, value: &Span) -> Diagnostic {
    let text = value.slice();
    let diagnostic = diagnostic.help(quoted(text));
    let rest = &value.source().text[value.range().end..];
    let rest = rest.lines().next().unwrap_or_default();
    // One blank and a `#` may have been meant to be read.
    let is_comment = rest.starts_with("  ") && rest.trim_start().starts_with("# ");
    if text.contains(char::is_control) || (rest.trim_start().starts_with('#') && !is_comment) {
        return diagnostic;
    }
    diagnostic.mend(value, in_quotes(text))
}

pub(super) fn quoted(value: &str) -> String {
    if !is_typeable(value) {
        return "put it in quotes".to_owned();
    }
    format!("put it in quotes: `{}`", in_quotes(value))
}

fn in_quotes(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{value}\"")
}

fn unknown_anchor(value: &Span, seen: &Seen) -> Diagnostic {
    let name = value.slice().trim_start_matches('*');
    if name.is_empty()
        || !name
            .chars()
            .all(|character| character.is_alphanumeric() || "_-".contains(character))
    {
        return unquoted(value, '*');
    }
    let help = match nearest(name, &seen.anchors) {
        Some(known) => format!("did you mean `*{known}`?"),
        None => format!(
            "give a value above it the name `&{name}`; or, if it is text, {}",
            quoted(value.slice())
        ),
    };
    Diagnostic::error(
        "unknown-alias",
        value,
        format!(
            "no value before this is named {}",
            literal(&format!("&{name}"))
        ),
    )
    .help(help)
}

fn second_colon(span: &Span, seen: &Seen) -> Diagnostic {
    let swallowed = Span::new(span.source(), seen.scalar.clone());
    let first_line = swallowed.slice().lines().next().unwrap_or_default();
    // A text over several lines that ends at this colon: its last line was meant to be a key.
    if first_line.len() < swallowed.slice().len() && swallowed.range().end == span.range().start {
        let place = swallowed.part(0..first_line.len());
        let diagnostic = Diagnostic::error(
            SYNTAX,
            &place,
            "the next line is read as a part of this text",
        )
        .also(span, "so this colon separates nothing");
        let help =
            "indent the next line like the keys beside it, or put the text in quotes".to_owned();
        return diagnostic.help(colon_help(first_line).unwrap_or(help));
    }
    Diagnostic::error(SYNTAX, span, "a second `: ` on one line separates nothing")
        .help("put the whole value in quotes, or begin a new line")
}

fn unclosed_quote(source: &Arc<Source>, seen: &Seen) -> Diagnostic {
    let after = seen.scalar.end;
    let quote = source.text[after..]
        .find(['"', '\''])
        .map_or(after, |offset| after + offset);
    let span = Span::new(source, quote..quote + 1);
    let quote = span.slice().to_owned();
    Diagnostic::error(SYNTAX, &span, "this quote is never closed").help(format!(
        "write `{quote}` at the end of the text; further lines of it have to be indented"
    ))
}

/// The parser names where the text begins; the backslash is looked for.
fn unknown_escape(quote: &Span) -> Diagnostic {
    let start = quote.range().start;
    let rest = &quote.source().text[start..];
    let mut escapes = rest.match_indices('\\').map(|(offset, _)| offset);
    let mut behind = 0;
    let unknown = escapes.find(|offset| {
        let is_escaped = *offset < behind;
        behind = if is_escaped { behind } else { offset + 2 };
        !is_escaped && !rest[offset + 1..].starts_with(KNOWN_ESCAPES)
    });
    let span = unknown.map(|offset| Span::new(quote.source(), start + offset..start + offset + 2));
    Diagnostic::error(
        SYNTAX,
        &span.unwrap_or_else(|| quote.clone()),
        "this escape does not exist",
    )
    .help("write `\\\\` for a backslash, or put the text in single quotes")
}

/// `\x`, `\u` and `\U` are followed by digits; in a path of Windows they are not.
fn hexadecimal_escape(quote: &Span) -> Diagnostic {
    let start = quote.range().start;
    let rest = &quote.source().text[start..];
    let is_wrong = |offset: &usize| {
        let mut behind = rest[offset + 1..].chars();
        let digits = match behind.next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => return false,
        };
        !behind.take(digits).all(|each| each.is_ascii_hexdigit())
    };
    let wrong = rest.match_indices('\\').map(|(offset, _)| offset);
    let wrong = wrong.into_iter().find(is_wrong);
    let span = wrong.map(|at| Span::new(quote.source(), start + at..start + at + 2));
    let span = span.unwrap_or_else(|| quote.clone());
    let message = format!(
        "{} needs hexadecimal digits behind it",
        literal(span.slice())
    );
    Diagnostic::error(SYNTAX, &span, message)
        .help("write `\\\\` for a backslash, or put the text in single quotes")
}

fn mismatched(span: &Span, (open, close): (char, char), seen: &Seen) -> Diagnostic {
    let source = span.source();
    let opened = seen.bracket.map(|at| Span::new(source, at..at + 1));
    let from = opened.as_ref().map_or(0, |opened| opened.range().end);
    let line = &source.text[from..];
    let at = line.find(close).map_or(span.range().start, |at| from + at);
    let wanted = if open == '[' { ']' } else { '}' };
    let closing = Span::new(source, at..at + close.len_utf8());
    let message = format!("this `{close}` does not close the `{open}` before it");
    let complaint = Diagnostic::error(SYNTAX, &closing, message);
    let complaint = complaint.help(format!("write `{wanted}` before it"));
    match opened {
        Some(opened) => complaint.also(&opened, "opened here"),
        None => complaint,
    }
}

/// Signs of a Chinese keyboard that look like those of YAML.
const FULL_WIDTH: [(char, &str, &str); 3] = [
    ('，', "comma", ","),
    ('；', "semicolon", ","),
    ('：', "colon", ":"),
];

fn behind_quote(span: &Span, kind: &ErrorKind) -> Diagnostic {
    let sign = FULL_WIDTH
        .iter()
        .find(|(sign, ..)| span.slice().starts_with(*sign));
    if let Some((sign, name, meant)) = sign {
        let place = Span::new(
            span.source(),
            span.range().start..span.range().start + sign.len_utf8(),
        );
        let message = format!("`{sign}` is a full-width {name} and separates nothing");
        return Diagnostic::error(SYNTAX, &place, message)
            .help(format!("write `{meant}` and a space"));
    }
    let help = if matches!(kind, ErrorKind::InvalidTrailingSingleQuotedScalar) {
        "write a quote inside single quotes twice: `''`"
    } else {
        "write a quote inside double quotes as `\\\"`"
    };
    Diagnostic::error(
        SYNTAX,
        &rest_of_line(span),
        "the text has already ended before this",
    )
    .help(help)
}

fn unclosed_bracket(span: &Span) -> Diagnostic {
    let open = span.slice();
    let close = if open == "[" { "]" } else { "}" };
    Diagnostic::error(SYNTAX, span, format!("this `{open}` is never closed")).help(format!(
        "write `{close}` at its end; a text that begins with `{open}` has to be quoted"
    ))
}

/// What comes in a later line than an open bracket is hardly ever meant to stand inside it.
fn bracket_slip(span: &Span, seen: &Seen) -> Option<Diagnostic> {
    let bracket = seen.bracket?;
    let bracket = Span::new(span.source(), bracket..bracket + 1);
    let is_later = bracket.line_range() != span.line_range();
    is_later.then(|| unclosed_bracket(&bracket).also(span, "this does not fit inside it"))
}

fn tab(source: &Arc<Source>, at: usize) -> Diagnostic {
    let line = Span::new(source, at..at).line_range();
    // The parser may stop before the line break that the tab follows.
    let places = [(line.start, line.end), (at, source.text.len())];
    let tab = places.iter().find_map(|(start, end)| {
        let offset = source.text.get(*start..*end)?.find('\t')?;
        Some(start + offset)
    });
    let start = tab.unwrap_or(at);
    let length = source.text[start..]
        .bytes()
        .take_while(|byte| *byte == b'\t')
        .count();
    let span = Span::new(source, start..start + length.max(1));
    Diagnostic::error("tab", &span, "tabs cannot indent").help("indent with spaces")
}

/// The rest of the line, without a comment; inside brackets only up to the next comma or bracket.
fn value_at(span: &Span, seen: &Seen) -> Span {
    let rest = rest_of_line(span);
    let text = rest.slice();
    let end = if seen.bracket.is_some() {
        text.find([',', ']', '}'])
    } else {
        None
    };
    let text = &text[..end.unwrap_or(text.len())];
    rest.part(
        0..text
            .trim_end()
            .len()
            .max(span.slice().len().min(text.len())),
    )
}

pub(super) fn rest_of_line(span: &Span) -> Span {
    let start = span.range().start;
    let end = line_end(&span.source().text, start).max(start);
    let text = &span.source().text[start..end];
    let text = text.find(" #").map_or(text, |comment| &text[..comment]);
    Span::new(span.source(), start..start + text.trim_end().len().max(1))
}

fn lower_case(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters
        .next()
        .map(|first| first.to_lowercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}
