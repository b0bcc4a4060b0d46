//! `show`: one campaign, with every default and where it comes from.

use super::arguments::{Common, Output};
use super::browsing::Show;
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::campaign::{Campaign, Filled, Origin};
use crate::settings::Settings;
use crate::source::{Source, Span};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

pub(super) fn show(common: &Common, options: &Show) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, false).map_err(Failure::of_reading)?;
    let campaign = workspace
        .campaign(&options.campaign)
        .map_err(Failure::of_reading)?;
    let path = workspace
        .path_of(&options.campaign)
        .map_err(Failure::of_reading)?;
    let text = workspace.repository.read_text(&path);
    let source = Source::new(path.as_str(), text?);
    let filled = campaign.filled(&source, &workspace.settings);
    match options.output {
        Output::Text => print::result(&page(&filled, &source, print::terminal_width()))?,
        Output::Json => {
            let mut values = Vec::new();
            list("", &filled, &source, &mut values);
            let told = json!({
                "name": campaign.name.as_str(),
                "path": path,
                "campaign": plain(&filled),
                "values": values,
            });
            print::result(&told.to_string())?
        }
    };
    campaign.warnings.iter().for_each(print::diagnostic);
    Ok(Exit::Success)
}

/// The campaign as a person is shown it.
pub fn shown(campaign: &Campaign, source: &Arc<Source>, settings: &Settings) -> String {
    page(&campaign.filled(source, settings), source, None)
}

fn plain(filled: &Filled) -> Value {
    match filled {
        Filled::One(value, _) => value.clone(),
        Filled::List(items) => items.iter().map(plain).collect(),
        Filled::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
    }
}

/// Each value with its path and its origin.
fn list(path: &str, filled: &Filled, source: &Arc<Source>, values: &mut Vec<Value>) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    };
    match filled {
        Filled::One(value, origin) => values.push(of_value(path, value, origin, source)),
        Filled::List(items) => {
            for (index, item) in items.iter().enumerate() {
                list(&below(&index.to_string()), item, source, values);
            }
        }
        Filled::Map(entries) => {
            for (key, value) in entries {
                list(&below(key), value, source, values);
            }
        }
    }
}

fn of_value(path: &str, value: &Value, origin: &Origin, source: &Arc<Source>) -> Value {
    let (kind, file, line, variable) = match origin {
        Origin::BuiltIn => ("default", None, None, None),
        Origin::FileName => ("file_name", Some(source.path.as_str()), None, None),
        Origin::Written(span) => {
            let variable = variable(span);
            let is_campaign = Arc::ptr_eq(span.source(), source);
            let kind = match (variable, is_campaign) {
                (Some(_), _) => "environment",
                (None, true) => "file",
                (None, false) => "settings",
            };
            let file = variable.is_none().then_some(span.source().path.as_str());
            (kind, file, file.map(|_| span.line()), variable)
        }
    };
    json!({
        "path": path, "value": value, "origin": kind, "file": file, "line": line, "variable": variable,
    })
}

/// The variable in which it stands, if it is one.
fn variable(span: &Span) -> Option<&str> {
    span.source().variable.as_deref()
}

/// A line of the page, and what is said behind it.
struct Line {
    text: String,
    origin: Option<OriginText>,
}

/// An origin in full, and in the fewer words that are enough below the path of the campaign.
struct OriginText {
    full: String,
    short: String,
}

/// The campaign as YAML. In a terminal that is too narrow for the origins they are told in fewer words.
fn page(filled: &Filled, source: &Arc<Source>, width: Option<usize>) -> String {
    let mut lines = Vec::new();
    block(filled, source, 0, &mut lines);
    let page = set(&lines, |origin| format!("from {}", origin.full));
    if width.is_none_or(|width| page.iter().all(|line| line.width() <= width)) {
        return page.join("\n");
    }
    let page = set(&lines, |origin| origin.short.clone());
    format!("# {}\n{}", source.path, page.join("\n"))
}

/// What is written over several lines has its origin behind the first.
fn set(lines: &[Line], told: impl Fn(&OriginText) -> String) -> Vec<String> {
    const WIDEST: usize = 60;
    let widths = lines
        .iter()
        .filter(|line| line.origin.is_some())
        .map(|line| line.text.width());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let lines = lines.iter().map(|line| match &line.origin {
        Some(origin) => {
            let gap = " ".repeat(width.saturating_sub(line.text.width()));
            format!("{}{gap}  # {}", line.text, told(origin))
        }
        None => line.text.clone(),
    });
    lines.collect()
}

fn block(filled: &Filled, source: &Arc<Source>, depth: usize, lines: &mut Vec<Line>) {
    let indent = "  ".repeat(depth);
    match filled {
        Filled::One(..) => {}
        Filled::Map(entries) => {
            for (key, value) in entries {
                entry(
                    &format!("{indent}{}:", word(key)),
                    value,
                    (source, depth),
                    lines,
                );
            }
        }
        Filled::List(items) => {
            for item in items {
                let start = lines.len();
                match item {
                    // The first key stands behind the dash.
                    Filled::Map(entries) if !entries.is_empty() => {
                        block(item, source, depth + 1, lines);
                        if let Some(first) = lines.get_mut(start) {
                            first.text.replace_range(2 * depth..=2 * depth, "-");
                        }
                    }
                    _ => entry(&format!("{indent}-"), item, (source, depth), lines),
                }
            }
        }
    }
}

fn entry(
    head: &str,
    value: &Filled,
    (source, depth): (&Arc<Source>, usize),
    lines: &mut Vec<Line>,
) {
    let line = |text: String, origin| Line { text, origin };
    match value {
        Filled::One(value, origin) => {
            let (first, rest) = scalar(value, depth + 1);
            let origin = Some(origin_text(origin, source));
            lines.push(line(format!("{head} {first}"), origin));
            lines.extend(rest.into_iter().map(|rest| line(rest, None)));
        }
        Filled::List(items) if items.is_empty() => lines.push(line(format!("{head} []"), None)),
        Filled::Map(entries) if entries.is_empty() => {
            lines.push(line(format!("{head} {{}}"), None));
        }
        _ => {
            lines.push(line(head.to_owned(), None));
            block(value, source, depth + 1, lines);
        }
    }
}

fn origin_text(origin: &Origin, source: &Arc<Source>) -> OriginText {
    let full = match origin {
        Origin::BuiltIn => "the built-in default".to_owned(),
        Origin::FileName => format!("the name of {}", source.path),
        Origin::Written(span) if variable(span).is_some() => span.source().path.clone(),
        Origin::Written(span) => format!("{}:{}", span.source().path, span.line()),
    };
    let short = match origin {
        Origin::BuiltIn => "default".to_owned(),
        Origin::Written(span) if Arc::ptr_eq(span.source(), source) => {
            format!("line {}", span.line())
        }
        Origin::FileName | Origin::Written(_) => full.clone(),
    };
    OriginText { full, short }
}

/// A scalar on its line, and the lines below it if it is a block of text.
fn scalar(value: &Value, depth: usize) -> (String, Vec<String>) {
    let Some(text) = value.as_str() else {
        return (value.to_string(), Vec::new());
    };
    let body = text.strip_suffix('\n').unwrap_or(text);
    if !body.contains('\n') || !is_block(body) {
        return (quoted(text), Vec::new());
    }
    let head = if body == text { "|-" } else { "|" };
    let indent = "  ".repeat(depth);
    let lines = body.split('\n').map(|line| match line {
        "" => String::new(),
        _ => format!("{indent}{line}"),
    });
    (head.to_owned(), lines.collect())
}

/// Whether it stays what it is in a `|` block.
fn is_block(body: &str) -> bool {
    let is_plain = |each: char| each == '\n' || !each.is_control() && !is_strange(each);
    let is_edged = body.starts_with([' ', '\n']) || body.ends_with('\n');
    body.chars().all(is_plain) && !is_edged
}

/// A key: plain where it cannot be taken for anything else.
fn word(text: &str) -> String {
    const MEANT_OTHERWISE: [&str; 9] =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(|each: char| each.is_ascii_alphabetic())
        && text
            .chars()
            .all(|each| each.is_ascii_alphanumeric() || "_-./".contains(each));
    if is_plain && !MEANT_OTHERWISE.contains(&text.to_lowercase().as_str()) {
        return text.to_owned();
    }
    quoted(text)
}

/// Text that is sent must be quoted, so all of it is. What JSON writes is read the same by YAML, but for a few characters.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for each in Value::from(text).to_string().chars() {
        if is_strange(each) {
            let _ = write!(quoted, "\\u{:04x}", u32::from(each));
        } else {
            quoted.push(each);
        }
    }
    quoted
}

/// What YAML does not take as it is, or takes for a line break; nor is it for terminals.
fn is_strange(each: char) -> bool {
    matches!(
        each,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_is_told_the_origins_in_fewer_words() {
        let source = Source::new("campaigns/news.yaml", "owner: ann\n");
        let place = Span::new(&source, 7..10);
        let filled = Filled::Map(vec![
            (
                "owner".to_owned(),
                Filled::One("安".into(), Origin::Written(place)),
            ),
            (
                "enabled".to_owned(),
                Filled::One(true.into(), Origin::BuiltIn),
            ),
        ]);
        let long = "owner: \"安\"    # from campaigns/news.yaml:1\nenabled: true  # from the built-in default";
        assert_eq!(page(&filled, &source, None), long);
        assert_eq!(page(&filled, &source, Some(80)), long);
        let short = "# campaigns/news.yaml\nowner: \"安\"    # line 1\nenabled: true  # default";
        assert_eq!(page(&filled, &source, Some(40)), short);
    }
}
