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

/// Text anywhere in a line: it marks nothing up, calls nobody, links nowhere and is no HTML.
fn inline(text: &str) -> String {
    let text: Vec<char> = on_one_line(text).chars().collect();
    let mut out = String::with_capacity(text.len());
    for (at, each) in text.iter().enumerate() {
        match each {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!'
            | '$' => {
                out.push('\\');
                out.push(*each);
            }
            other => out.push(*other),
        }
        if is_joint(&text, at) {
            out.push_str(JOINT);
        }
    }
    out
}

/// Nothing that is seen: sites that make links of text do so with text in one piece.
const JOINT: &str = "<!-- -->";
/// So many hexadecimal digits in a row are taken for a commit.
const COMMIT_MIN: usize = 7;

/// Whether behind a character the text must not go on in one piece: people are told of it whose names happen to be the
/// same, and numbers, names of commits, addresses and words between colons become links and pictures.
fn is_joint(text: &[char], at: usize) -> bool {
    let (before, behind) = (&text[..at], &text[at + 1..]);
    let next = behind.first();
    match text[at] {
        '@' => true,
        '#' => next.is_some_and(char::is_ascii_digit),
        '-' => {
            let is_name = before.last().is_some_and(char::is_ascii_alphabetic);
            is_name && next.is_some_and(char::is_ascii_digit)
        }
        ':' => {
            let is_code = |each: &char| each.is_ascii_alphanumeric() || "_+-".contains(*each);
            let code = behind.iter().take_while(|each| is_code(each)).count();
            let is_emoji = code > 0 && behind.get(code) == Some(&':');
            is_emoji || behind.starts_with(&['/', '/'])
        }
        '.' => {
            let www = before.len().checked_sub(3).map(|start| &before[start..]);
            www.is_some_and(|www| www.iter().all(|each| each.eq_ignore_ascii_case(&'w')))
        }
        each if each.is_ascii_hexdigit() => {
            let is_digit = |each: &&char| each.is_ascii_hexdigit();
            let left = before.iter().rev().take_while(is_digit).count();
            let right = behind.iter().take_while(is_digit).count();
            // No piece is as long as the name of a commit.
            right > 0 && left + 1 + right >= COMMIT_MIN && (left + 1).is_multiple_of(COMMIT_MIN - 1)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a site sees it: links are looked for in what stands between comments.
    #[test]
    fn nothing_in_a_text_is_a_link_a_reference_or_a_picture() {
        for (text, inert) in [
            ("see https://a.b/c", "see https:<!-- -->//a.b/c"),
            ("www.a.b", "www.<!-- -->a.b"),
            ("#12 a/b#3", "\\#<!-- -->12 a/b\\#<!-- -->3"),
            ("GH-1", "GH-<!-- -->1"),
            ("at 0123456789abcdef", "at 012345<!-- -->6789ab<!-- -->cdef"),
            ("me@a.b", "me@<!-- -->a.b"),
            (":x: 09:00 :a", ":<!-- -->x: 09:00 :a"),
            ("2026-11 abcdef #a", "2026-11 abcdef \\#a"),
        ] {
            assert_eq!(inline(text), inert);
        }
    }

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
