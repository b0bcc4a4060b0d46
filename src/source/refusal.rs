//! What YAML allows and this program does not, or not so much of it.

use super::diagnostic::Diagnostic;
use super::node::{Content, Node, Style};
use super::slip::{UNQUOTED, quote, rest_of_line};
use super::span::{Span, line_end};
use super::tree::MAX_DEPTH;
use super::words::literal;

pub(super) const DUPLICATE_KEY: &str = "duplicate-key";

pub(super) fn too_deep(span: &Span) -> Diagnostic {
    Diagnostic::error(
        "too-deep",
        span,
        format!("lists and maps are nested more than {MAX_DEPTH} deep"),
    )
}

pub(super) fn too_large(span: &Span) -> Diagnostic {
    let message = "the file has too many values, those repeated by aliases included";
    Diagnostic::error("too-large", span, message).help("move long lists into a CSV file")
}

pub(super) fn duplicate_key(key: &Node, first: &Span) -> Diagnostic {
    let message = format!(
        "the key {} is given twice",
        literal(key.text().unwrap_or_default())
    );
    Diagnostic::error(DUPLICATE_KEY, &key.span, message)
        .label("given again")
        .also(first, "first given here")
}

pub(super) fn merge_key(span: &Span) -> Diagnostic {
    Diagnostic::error("merge-key", span, "merge keys (`<<`) are not used here")
        .help("write the keys out, or repeat one whole value with an alias: `key: *name`")
}

pub(super) fn no_key(span: &Span) -> Diagnostic {
    Diagnostic::error("no-key", span, "there is no key before this colon")
        .help("write `key: value`")
}

pub(super) fn alias_inside_itself(span: &Span) -> Diagnostic {
    let message = format!(
        "{} stands inside the value it repeats",
        literal(span.slice())
    );
    Diagnostic::error("alias-inside-itself", span, message)
}

/// A key that is a list or map: nearly always a template that was not quoted.
pub(super) fn bad_key(map: &Node, key: &Node, is_in_brackets: bool) -> Diagnostic {
    let start = map.span.range().start;
    let rest = Span::new(
        map.span.source(),
        start..line_end(&map.span.source().text, start),
    );
    if map.style == Style::Flow
        && matches!(key.content, Content::Map(_))
        && rest.slice().starts_with("{{")
    {
        let text = template_at(&rest, is_in_brackets);
        let message = "a template that begins with `{{` has to be quoted";
        return quote(Diagnostic::error(UNQUOTED, &text, message), &text);
    }
    Diagnostic::error(
        "bad-key",
        &key.span,
        format!("a key is text, and this is {}", key.kind()),
    )
}

/// The rest of the line; inside brackets only up to what closes them, or to a comma.
fn template_at(rest: &Span, is_in_brackets: bool) -> Span {
    let line = rest_of_line(rest);
    if !is_in_brackets {
        return line;
    }
    let mut depth = 0_usize;
    let end = line.slice().char_indices().find(|(_, character)| {
        match character {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' if depth > 0 => depth -= 1,
            '}' | ']' => return true,
            _ => {}
        }
        depth == 0 && *character == ','
    });
    let end = end.map_or(line.slice().len(), |(end, _)| end);
    line.part(0..line.slice()[..end].trim_end().len())
}
