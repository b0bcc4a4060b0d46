//! A preview in a terminal: each message as a chat that a person can read.

use super::card::Card;
use super::likeness::{Element, Likeness, Push, plain};
use super::outline::{Outline, Totals, time_text};
use super::sample::{Sample, case_text};
use super::shown::{harmless, on_one_line};
use super::wrap::{cut, wrapped};
use crate::source::{length_text, plural, thousands};
use unicode_width::UnicodeWidthStr;

/// How wide it is and whether it has colour.
#[derive(Clone, Copy, Debug)]
pub struct TextForm {
    pub width: usize,
    pub colour: bool,
}

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Cyan,
}

/// Names of facts are as wide as this.
const NAME: usize = 12;
const MARGIN: &str = "  ";
/// A value or a line of data takes no more lines than this.
const LINES_MAX: usize = 6;
const MEMBERS_SHOWN: usize = 3;
const CASES_SHOWN: usize = 20;

impl TextForm {
    /// What is known before the first target.
    pub fn head(self, outline: &Outline) -> Vec<String> {
        let facts = heading(outline).into_iter();
        facts
            .flat_map(|(name, value)| self.fact(name, &value))
            .collect()
    }

    /// One message, with an empty line before it.
    pub fn sample(self, outline: &Outline, sample: &Sample) -> Vec<String> {
        let longest = if sample.is_longest {
            ", the longest"
        } else {
            ""
        };
        let title = format!("{}{longest}", title(sample));
        let mut lines = vec![String::new(), self.rule(&title)];
        lines.extend(self.about(sample));
        if let Some(reason) = &sample.skip {
            lines.push(format!("{MARGIN}skipped: {}", on_one_line(reason)));
            return lines;
        }
        let likeness = &sample.likeness;
        let sender = likeness.sender.as_ref().unwrap_or(&outline.administrator);
        let sender = format!("{MARGIN}from {}", on_one_line(sender));
        lines.push(self.ink(Ink::Bold, &cut(&sender, self.width)));
        for element in &likeness.elements {
            lines.extend(self.element(element));
        }
        if let Some(push) = &likeness.push {
            lines.extend(self.push(push));
        }
        for (name, value) in about(likeness) {
            lines.extend(self.dim(&format!("{name}: {value}")));
        }
        lines.extend(self.dim(&size_text(sample)));
        lines
    }

    /// What is known after the last one.
    pub fn totals(self, outline: &Outline, totals: &Totals) -> Vec<String> {
        let mut lines = vec![String::new(), self.rule("altogether")];
        for (name, value) in facts(outline, totals) {
            lines.extend(self.fact(name, &value));
        }
        lines
    }

    /// Whose it is, why it was chosen, with which values.
    fn about(self, sample: &Sample) -> Vec<String> {
        let mut lines = Vec::new();
        if !sample.members.is_empty() {
            lines.extend(self.dim(&format!("to {}", members_text(&sample.members))));
        }
        let cases: Vec<String> = sample.cases.iter().map(case_text).collect();
        let variables = sample.variables.iter();
        let variables: Vec<String> = variables
            .map(|(name, value)| format!("{name} {}", plain(value)))
            .collect();
        if !cases.is_empty() {
            lines.extend(self.dim(&format!("chosen for {}", cases.join(", "))));
        }
        if !variables.is_empty() {
            lines.extend(self.dim(&variables.join(", ")));
        }
        lines
    }

    fn element(self, element: &Element) -> Vec<String> {
        match element {
            Element::Text(text) => self.barred(text, usize::MAX),
            Element::Face(index) => self.barred(&format!("[face {index}]"), 1),
            Element::Card(card) => self.card(card),
        }
    }

    fn card(self, card: &Card) -> Vec<String> {
        let head = format!("[{}] {}", card.kind, card.title);
        let rest = card.lines.iter().chain(&card.link);
        let mut lines = self.barred(head.trim_end(), LINES_MAX);
        lines.extend(rest.flat_map(|line| self.barred(&on_one_line(line), LINES_MAX)));
        lines
    }

    /// What people read, each line behind a bar.
    fn barred(self, text: &str, lines_max: usize) -> Vec<String> {
        let bar = format!("{MARGIN}{} ", self.ink(Ink::Cyan, "\u{2502}"));
        let room = self.width.saturating_sub(MARGIN.len() + 2);
        let text = harmless(&text.replace("\r\n", "\n"));
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let lines: Vec<String> = text
            .split('\n')
            .flat_map(|line| wrapped(line, room))
            .collect();
        let lines = shortened(lines, lines_max).into_iter();
        lines
            .map(|line| format!("{bar}{line}").trim_end().to_owned())
            .collect()
    }

    fn push(self, push: &Push) -> Vec<String> {
        if push.is_off {
            return self.dim("no push");
        }
        let mut told = format!("push {}", push.title.as_deref().unwrap_or_default());
        if let Some(text) = &push.text {
            let colon = if push.title.is_some() { ": " } else { "" };
            told = format!("{told}{colon}{text}");
        }
        self.indented(&told)
    }

    fn indented(self, text: &str) -> Vec<String> {
        let room = self.width.saturating_sub(MARGIN.len());
        let lines = shortened(wrapped(&on_one_line(text), room), LINES_MAX);
        lines.iter().map(|line| format!("{MARGIN}{line}")).collect()
    }

    fn dim(self, text: &str) -> Vec<String> {
        let lines = self.indented(text).into_iter();
        lines.map(|line| self.ink(Ink::Dim, &line)).collect()
    }

    /// A name and its value, which may need several lines.
    fn fact(self, name: &str, value: &str) -> Vec<String> {
        let room = self.width.saturating_sub(NAME);
        let lines = wrapped(&on_one_line(value), room).into_iter().enumerate();
        lines
            .map(|(at, line)| {
                let name = if at == 0 { name } else { "" };
                let name = format!("{name:<NAME$}");
                format!("{}{line}", self.ink(Ink::Dim, &name))
            })
            .collect()
    }

    fn rule(self, title: &str) -> String {
        let title = cut(&on_one_line(title), self.width.saturating_sub(4));
        let rest = self.width.saturating_sub(4 + title.width());
        let title = self.ink(Ink::Bold, &title);
        format!("\u{2500}\u{2500} {title} {}", "\u{2500}".repeat(rest))
    }

    fn ink(self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Returns what is known before the first target, as names and values.
pub(super) fn heading(outline: &Outline) -> Vec<(&'static str, String)> {
    let mut facts = vec![("campaign", outline.campaign.clone())];
    facts.extend(outline.description.clone().map(|text| ("", text)));
    facts.extend(origin(outline));
    facts
}

/// Returns the facts of [`heading`] without the campaign's name and description.
pub(super) fn origin(outline: &Outline) -> Vec<(&'static str, String)> {
    let app = format!("{} (SDKAppID {})", outline.app, outline.sdk_app_id);
    let note = outline.note.map(|note| format!(" ({note})"));
    let occurrence = outline.occurrence_text() + &note.unwrap_or_default();
    let facts = [
        ("owner", outline.owner.clone()),
        ("app", Some(app)),
        ("channel", Some(outline.channel.name().to_owned())),
        ("occurrence", Some(occurrence)),
        ("pace", Some(outline.pace_text())),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// What readers do not see as such.
pub(super) fn about(likeness: &Likeness) -> Vec<(&'static str, String)> {
    let of_push = likeness.push.iter().flat_map(|push| &push.facts);
    let of_push: Vec<String> = of_push
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let all = [
        ("mentions", likeness.mentions.join(", ")),
        ("push with", of_push.join(", ")),
        ("sent as", likeness.marks.join("; ")),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

pub(super) fn title(sample: &Sample) -> String {
    sample
        .group
        .clone()
        .unwrap_or_else(|| "every live room".to_owned())
}

pub(super) fn members_text(members: &[String]) -> String {
    let shown = members.iter().take(MEMBERS_SHOWN).cloned();
    let shown = shown.collect::<Vec<_>>().join(", ");
    match members.len().saturating_sub(MEMBERS_SHOWN) {
        0 => format!("{shown} only"),
        more => format!("{shown} and {} only", plural(more as u64, "more member")),
    }
}

/// `58 characters, 402 bytes`
pub(super) fn size_text(sample: &Sample) -> String {
    let (characters, bytes) = (sample.characters as u64, sample.bytes as u64);
    format!(
        "{}, {}",
        plural(characters, "character"),
        plural(bytes, "byte")
    )
}

/// Returns what is known of all of it, as names and values.
pub(super) fn facts(outline: &Outline, totals: &Totals) -> Vec<(&'static str, String)> {
    let mut facts = plan_facts(outline, totals);
    let warnings = totals.warnings.iter();
    facts.extend(warnings.map(|warning| ("warning", warning.message.clone())));
    facts
}

/// Returns the facts of [`facts`] without the warnings.
pub(super) fn plan_facts(outline: &Outline, totals: &Totals) -> Vec<(&'static str, String)> {
    let mut facts = vec![("calls", calls_text(totals))];
    for (reason, count) in &totals.skipped {
        facts.push(("skipped", format!("{}: {reason}", thousands(*count))));
    }
    facts.extend(case_facts(totals));
    if let Some(longest) = &totals.longest {
        facts.push((
            "longest",
            format!("{}: {}", size_text(longest), title(longest)),
        ));
    }
    let zone = outline.occurrence.zone();
    let first = format!("{} {}", time_text(&totals.first_call), zone.name());
    facts.push(("first call", first));
    let seconds = totals.takes.as_secs_f64().ceil().max(1.0);
    let takes = length_text(std::time::Duration::from_secs_f64(seconds));
    let end = time_text(&totals.expected_end);
    let pace = outline.pace_text();
    facts.push(("end", format!("about {end}; {takes} at {pace}")));
    let late = outline.finish_by.filter(|by| *by < totals.expected_end);
    if let Some(by) = late {
        let by = time_text(&by);
        facts.push((
            "",
            format!("what is not begun by {by} is skipped: `finish_within`"),
        ));
    }
    if let Some(calls) = outline.pause_after {
        let calls = plural(calls, "call");
        facts.push(("", format!("it pauses after {calls}, until it is resumed")));
    }
    facts
}

/// The first lines, and how many more there are.
fn shortened(mut lines: Vec<String>, lines_max: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(lines_max);
    if more > 0 {
        lines.truncate(lines_max);
        lines.push(format!("\u{2026} {}", plural(more as u64, "more line")));
    }
    lines
}

fn calls_text(totals: &Totals) -> String {
    let calls = plural(totals.planned - totals.skipped_count(), "call");
    let groups = plural(totals.groups, "group");
    match (totals.groups, totals.members) {
        (0, _) => calls,
        (_, 0) => format!("{calls} to {groups}"),
        (_, members) => format!("{calls} to {} of {groups}", plural(members, "member")),
    }
}

/// A line for each expression that texts are chosen by.
fn case_facts(totals: &Totals) -> Vec<(&'static str, String)> {
    let mut by: Vec<(&str, Vec<String>)> = Vec::new();
    for (case, count) in &totals.cases {
        let value = case.value.as_deref().unwrap_or("otherwise");
        let count = match count {
            0 => "nobody".to_owned(),
            count => thousands(*count),
        };
        let told = format!("{value} {count}");
        match by.iter_mut().find(|(known, _)| *known == case.by) {
            Some((_, cases)) => cases.push(told),
            None => by.push((&case.by, vec![told])),
        }
    }
    let texts = by.into_iter().map(|(by, mut cases)| {
        let more = cases.len().saturating_sub(CASES_SHOWN);
        cases.truncate(CASES_SHOWN);
        if more > 0 {
            cases.push(format!("{} more", thousands(more as u64)));
        }
        ("texts", format!("{by}: {}", cases.join(", ")))
    });
    texts.collect()
}
