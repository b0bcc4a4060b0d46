//! What people mean where the engine knows a word or a sign not: in plain words, at its place, with what to type.

use crate::source::{list_of, nearest};
use minijinja::{Error, ErrorKind};
use std::ops::Range;

/// Filters by the names under which people know them.
pub(super) const FILTERS: [&str; 40] = [
    "abs",
    "attr",
    "bool",
    "capitalize",
    "chain",
    "count",
    "date",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "number",
    "reject",
    "replace",
    "reverse",
    "round",
    "select",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];
const FUNCTIONS: [&str; 3] = ["bucket", "dict", "range"];
pub(super) const TESTS: [&str; 12] = [
    "defined",
    "divisibleby",
    "even",
    "false",
    "in",
    "lower",
    "none",
    "number",
    "odd",
    "string",
    "true",
    "undefined",
];
const STATEMENTS: [&str; 12] = [
    "do",
    "elif",
    "else",
    "endfilter",
    "endfor",
    "endif",
    "endset",
    "endwith",
    "filter",
    "for",
    "if",
    "set",
];
/// Statements that need an end.
const BLOCKS: [&str; 6] = ["if", "for", "set", "with", "filter", "macro"];
/// What there is in other programs, and what to do here.
const ELSEWHERE: [(&str, &str); 7] = [
    (
        "now",
        "templates know no clock: `occurrence.date` and `occurrence.time` are when it is sent",
    ),
    (
        "today",
        "templates know no clock: `occurrence.date` is the day on which it is sent",
    ),
    (
        "random",
        "templates know no chance: `bucket(n)` divides the groups, always in the same way",
    ),
    (
        "include",
        "a template is one text: write it out here, or as `text_file`",
    ),
    (
        "import",
        "a template is one text: write it out here, or as `text_file`",
    ),
    (
        "extends",
        "a template is one text: write it out here, or as `text_file`",
    ),
    (
        "format",
        "`number(2)` prints numbers, and `~` puts texts together",
    ),
];

/// A slip in plain words.
pub(super) struct Slip {
    pub(super) message: String,
    pub(super) range: Option<Range<usize>>,
    pub(super) help: Option<String>,
}

/// None where the engine's words are as good as any.
pub(super) fn slip(error: &Error, text: &str, range: Option<&Range<usize>>) -> Option<Slip> {
    let detail = error.detail().unwrap_or_default();
    let named = |kind: &str| {
        let name = detail.strip_suffix(" is unknown")?;
        Some(name.strip_prefix(kind).unwrap_or(name).trim().to_owned())
    };
    match error.kind() {
        ErrorKind::UnknownFilter => Some(unknown("filter", &named("filter")?, &FILTERS, range)),
        ErrorKind::UnknownTest => Some(unknown("test", &named("test")?, &TESTS, range)),
        ErrorKind::UnknownFunction => {
            Some(unknown("function", &named("function")?, &FUNCTIONS, range))
        }
        ErrorKind::SyntaxError => syntax(detail, text, range),
        _ => None,
    }
}

fn unknown(what: &str, name: &str, known: &[&str], range: Option<&Range<usize>>) -> Slip {
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == name);
    let help = match (elsewhere, nearest(name, known.iter().copied())) {
        (Some((_, help)), _) => (*help).to_owned(),
        (None, Some(meant)) => format!("did you mean `{meant}`?"),
        (None, None) => format!("there are {}", list_of(known)),
    };
    Slip {
        message: format!("there is no {what} `{name}`"),
        range: range.cloned(),
        help: Some(help),
    }
}

fn syntax(detail: &str, text: &str, range: Option<&Range<usize>>) -> Option<Slip> {
    if let Some(name) = detail.strip_prefix("unknown statement ") {
        return Some(unknown("statement", name, &STATEMENTS, range));
    }
    let slip = |message: &str, range: Option<Range<usize>>, help: &str| {
        Some(Slip {
            message: message.to_owned(),
            range,
            help: Some(help.to_owned()),
        })
    };
    let is_single = |range: &Range<usize>| text[range.start..].trim_start().starts_with('=');
    match detail {
        "unexpected end of input, expected end of block" => {
            let (name, range) = open_block(text)?;
            let message = format!("this `{name}` is never closed");
            slip(
                &message,
                Some(range),
                &format!("write `{{% end{name} %}}` behind what it holds"),
            )
        }
        "unexpected character" => {
            let (name, range) = foreign_name(text)?;
            let help = match name.rsplit_once('.') {
                Some((parent, name)) => format!("write `{parent}[\"{name}\"]`"),
                None => "names at the top are made of a-z, digits and `_`".to_owned(),
            };
            slip(
                "a name that a template says has to be of a-z, digits and `_`",
                Some(range),
                &help,
            )
        }
        _ if detail.ends_with("expected end of variable block") => slip(
            "the braces are not closed here",
            range.cloned(),
            "write `}}` behind the expression",
        ),
        "unexpected input after expression" if range.is_some_and(is_single) => slip(
            "the expression ends before this",
            range.cloned(),
            "to compare, write `==`",
        ),
        _ => None,
    }
}

/// The last statement of a text whose end is missing.
fn open_block(text: &str) -> Option<(&str, Range<usize>)> {
    let mut open = Vec::new();
    for (start, _) in text.match_indices("{%") {
        let behind = &text[start + 2..];
        let word = behind.trim_start_matches(['-', '+', ' ', '\n']);
        let name = word.split(|each: char| !each.is_alphanumeric()).next()?;
        let end = behind
            .find("%}")
            .map_or(text.len(), |end| start + 2 + end + 2);
        let is_closed = name == "set" && behind[..end - start - 2].contains('=');
        if BLOCKS.contains(&name) && !is_closed {
            open.push((name, start..end));
        } else if name
            .strip_prefix("end")
            .is_some_and(|name| BLOCKS.contains(&name))
        {
            open.pop();
        }
    }
    open.pop()
}

/// A name with letters that the engine does not take.
fn foreign_name(text: &str) -> Option<(&str, Range<usize>)> {
    let mut from = 0;
    while let Some(start) = text[from..].find("{{").map(|at| from + at + 2) {
        let end = text[start..]
            .find("}}")
            .map_or(text.len(), |end| start + end);
        let is_part = |each: char| each.is_alphanumeric() || each == '_' || each == '.';
        let tag = &text[start..end];
        let found = tag.split(|each: char| !is_part(each)).find(|word| {
            let starts = word.starts_with(|each: char| !each.is_ascii_digit());
            starts && !word.is_ascii() && !is_quoted(tag, word)
        });
        if let Some(word) = found {
            let at = start + tag.find(word)?;
            return Some((word, at..at + word.len()));
        }
        from = end;
    }
    None
}

fn is_quoted(tag: &str, word: &str) -> bool {
    let before = tag.find(word).map_or("", |at| &tag[..at]);
    before.matches(['"', '\'']).count() % 2 == 1
}
