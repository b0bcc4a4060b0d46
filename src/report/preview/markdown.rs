//! A preview as a comment below a pull request: tables for facts, messages in quotes, nothing that leaves its quote.

use super::card::Card;
use super::likeness::{Element, Push, plain};
use super::outline::{Outline, Totals};
use super::sample::{Sample, case_text};
use super::shown::{harmless, on_one_line};
use super::text::{about, facts, heading, members_text, size_text, title};
use crate::source::plural;

/// A comment may have 65,536 characters where most people read them; these are bytes.
const BYTES_MAX: usize = 56_000;
/// A fact is no longer than this: there is room for many.
const FACT_MAX: usize = 2_000;

/// All of it; samples that do not fit are counted.
pub fn markdown(outline: &Outline, samples: &[Sample], totals: &Totals) -> String {
    let mut page = format!("### Preview of `{}`\n\n", outline.campaign);
    page += &table(&heading(outline));
    page += &table(&facts(outline, totals));
    let mut left = samples.len();
    for sample in samples {
        let told = one(outline, sample);
        if page.len() + told.len() > BYTES_MAX {
            break;
        }
        page += &told;
        left -= 1;
    }
    if left > 0 {
        let more = plural(left as u64, "more message");
        page += &[
            &more,
            " would not fit here; `campanile preview` shows them.\n",
        ]
        .concat();
    }
    page
}

fn table(facts: &[(&'static str, String)]) -> String {
    let rows = facts.iter().map(|(name, value)| {
        let value: String = on_one_line(value).chars().take(FACT_MAX).collect();
        format!("| {name} | {} |\n", inline(&value))
    });
    format!("| | |\n| --- | --- |\n{}\n", rows.collect::<String>())
}

/// A message with what is to be known of it.
fn one(outline: &Outline, sample: &Sample) -> String {
    let longest = if sample.is_longest {
        ", the longest"
    } else {
        ""
    };
    let mut told = format!("**{}**{longest}", inline(&title(sample)));
    if !sample.members.is_empty() {
        told += &[", to ", &inline(&members_text(&sample.members))].concat();
    }
    told += "\n\n";
    if let Some(reason) = &sample.skip {
        return told + &format!("skipped: {}\n\n", inline(reason));
    }
    let likeness = &sample.likeness;
    let sender = likeness.sender.as_ref().unwrap_or(&outline.administrator);
    let mut quoted = vec![format!("**{}**", inline(sender)), String::new()];
    for element in &likeness.elements {
        quoted.extend(lines_of(element));
        quoted.push(String::new());
    }
    if let Some(push) = &likeness.push {
        quoted.push(push_text(push));
    }
    for line in quoted {
        told += [">", if line.is_empty() { "" } else { " " }, &line, "\n"]
            .concat()
            .as_str();
    }
    let cases: Vec<String> = sample.cases.iter().map(case_text).collect();
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    if !cases.is_empty() {
        facts.push(("chosen for", cases.join(", ")));
    }
    let variables = sample.variables.iter();
    let variables: Vec<String> = variables
        .map(|(name, value)| format!("{name} {}", plain(value)))
        .collect();
    facts.push(("variables", variables.join(", ")));
    facts.extend(about(likeness));
    facts.push(("size", size_text(sample)));
    facts.retain(|(_, value)| !value.is_empty());
    format!("{told}\n{}", table(&facts))
}

fn lines_of(element: &Element) -> Vec<String> {
    match element {
        Element::Text(text) => block(text),
        Element::Face(index) => vec![format!("\\[face {index}\\]")],
        Element::Card(card) => card_lines(card),
    }
}

fn card_lines(card: &Card) -> Vec<String> {
    let head = format!("\\[{}\\] {}", inline(&card.kind), inline(&card.title));
    let rest = card.lines.iter().chain(&card.link);
    let rest = rest.map(|line| inline(line));
    broken(std::iter::once(head).chain(rest).collect())
}

fn push_text(push: &Push) -> String {
    if push.is_off {
        return "no push".to_owned();
    }
    let title = push.title.as_deref().unwrap_or_default();
    let text = push.text.as_deref().unwrap_or_default();
    format!("push **{}** {}", inline(title), inline(text)).replace("**** ", "")
}

/// Text as it stands, line by line.
fn block(text: &str) -> Vec<String> {
    let text = harmless(&text.replace("\r\n", "\n"));
    let text = text.strip_suffix('\n').unwrap_or(&text);
    broken(text.split('\n').map(line).collect())
}

/// A line that is followed by another ends in a break.
fn broken(lines: Vec<String>) -> Vec<String> {
    let next: Vec<bool> = lines
        .iter()
        .skip(1)
        .map(|next| !next.is_empty())
        .chain([false])
        .collect();
    let lines = lines.into_iter().zip(next);
    lines
        .map(|(line, is_followed)| {
            if is_followed && !line.is_empty() {
                format!("{line}\\")
            } else {
                line
            }
        })
        .collect()
}

/// A whole line: what makes a list, a heading or a code block at its beginning does not.
fn line(text: &str) -> String {
    let bare = text.trim_start_matches(' ');
    let indent = "&nbsp;".repeat(text.len() - bare.len());
    let digits = bare.len()
        - bare
            .trim_start_matches(|each: char| each.is_ascii_digit())
            .len();
    let (number, rest) = bare.split_at(digits);
    let escaped = inline(rest);
    let marks = ['-', '+', '=', '.', ')', ':'];
    if escaped.starts_with(marks) {
        return format!("{indent}{number}\\{escaped}");
    }
    format!("{indent}{number}{escaped}")
}

/// Text anywhere in a line: it marks nothing up, calls nobody and is no HTML.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for each in on_one_line(text).chars() {
        match each {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Else people are told of it whose names happen to be the same.
            '@' => out.push_str("@<!-- -->"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!'
            | '$' => {
                out.push('\\');
                out.push(each);
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_marks_anything_up() {
        assert_eq!(
            inline("a|b `c` <i> @you"),
            "a\\|b \\`c\\` &lt;i&gt; @<!-- -->you"
        );
        assert_eq!(
            block("# a\n- b\n\n1. c\n    d"),
            [
                "\\# a\\",
                "\\- b",
                "",
                "1\\. c\\",
                "&nbsp;&nbsp;&nbsp;&nbsp;d"
            ]
        );
        assert_eq!(block("> quote\n==="), ["&gt; quote\\", "\\==="]);
        assert_eq!(block("```\n***"), ["\\`\\`\\`\\", "\\*\\*\\*"]);
    }
}
