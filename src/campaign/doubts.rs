//! What cannot be relied on in a campaign of which something could not be read: complaints that follow from it alone
//! are left unsaid, and all others are told at once.

use super::meant::RESERVED;
use crate::audience::NO_AUDIENCE;
use crate::settings::Settings;
use crate::source::{Content, Diagnostic, Node, Severity, Source, Span, nearest};
use crate::template::undefined;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Of what something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Which groups there are.
    Groups,
    /// Who of them is left out.
    Choice,
    Members,
    /// Something is wrong with the audience, so that nobody is in it perhaps.
    Audience,
    /// Members are picked where whole groups are addressed.
    Picking,
    /// When it is sent.
    Time,
    /// Which texts there are to choose from.
    Texts,
    /// Which variables there are.
    Names,
}

/// Nothing is doubted in a campaign that can be used.
#[derive(Clone, Debug, Default)]
pub struct Doubts {
    parts: BTreeSet<Part>,
    /// Variables without a value that is known,
    names: BTreeSet<String>,
    /// Groups of the file of which something could not be read.
    items: Vec<Range<usize>>,
}

/// Complaints about what a part of the file says, which could be read all the same.
const READABLE: [&str; 9] = [
    "broadcast-audience",
    "left-out",
    "never-fires",
    "no-members",
    "no-selection",
    "outside-window",
    "reserved-name",
    "start-after-finish",
    "unnamed-schedule",
];
/// What is said where something is lacking, and the keys that would give it.
const LACKS: [(&str, &[&str]); 4] = [
    ("no-messages", &["messages", "json_key"]),
    (
        "no-selection",
        &["groups", "group_files", "members", "member_files"],
    ),
    ("no-text", &["text", "text_file", "elements"]),
    ("no-times", &["cron", "at"]),
];
const PARTS: [&str; 13] = [
    "audience",
    "exclude",
    "group_files",
    "groups",
    "member_files",
    "members",
    "only",
    "sample",
    "schedule",
    "send",
    "timezone",
    "variables",
    "where",
];

impl Doubts {
    pub(super) fn of(
        source: &Arc<Source>,
        tree: Option<&Node>,
        complaints: &[Diagnostic],
        settings: &Settings,
    ) -> Doubts {
        let mut doubts = Doubts::default();
        if settings.is_doubtful("timezone") {
            doubts.parts.insert(Part::Time);
        }
        let Some(tree) = tree else { return doubts };
        for complaint in complaints {
            let Some(place) = place(complaint, source) else {
                continue;
            };
            let is_error = complaint.severity == Severity::Error;
            let is_of_audience =
                complaint.code == NO_AUDIENCE || tree.key_at(place) == Some("audience");
            let wrong = [
                (Part::Audience, is_error && is_of_audience),
                (Part::Picking, complaint.code == "no-members"),
            ];
            let wrong = wrong.into_iter().filter(|(_, is_wrong)| *is_wrong);
            doubts.parts.extend(wrong.map(|(part, _)| part));
            let is_lack = LACKS.iter().any(|(code, _)| *code == complaint.code);
            let is_readable = READABLE.contains(&complaint.code) || complaint.code == NO_AUDIENCE;
            if complaint.severity == Severity::Error && !is_lack && !is_readable {
                doubts.add(tree, place);
            }
        }
        doubts
    }

    fn add(&mut self, tree: &Node, place: &Span) {
        // What is said of the file as a whole stands at its beginning.
        if place.range().is_empty() {
            return;
        }
        let Some((key, value)) = tree.entry_at(place) else {
            // A key that was dropped because it was given before.
            return self.doubt(place.slice());
        };
        let name = key.text().unwrap_or_default();
        match name {
            "variables" => match value.entry_at(place) {
                Some((name, _)) => drop(self.names.insert(name.text().unwrap_or_default().into())),
                None => drop(self.parts.insert(Part::Names)),
            },
            "audience" => self.add_of_audience(value, place),
            _ => self.doubt(name),
        }
    }

    fn add_of_audience(&mut self, audience: &Node, place: &Span) {
        let Some((key, value)) = audience.entry_at(place) else {
            return self.doubt("audience");
        };
        let name = key.text().unwrap_or_default();
        if let ("groups", Content::List(items)) = (name, &value.content) {
            let holds = |item: &&Node| item.span.range().contains(&place.range().start);
            if let Some(item) = items.iter().find(holds) {
                self.items.push(item.span.range());
                // Which group it is stands in its `id`.
                if item.get("id").is_none() || item.key_at(place) == Some("id") {
                    self.parts.insert(Part::Groups);
                }
                return;
            }
        }
        self.doubt(name);
        // A key that nobody knows may have been meant to leave somebody out.
        if !PARTS.contains(&name) {
            self.parts.insert(Part::Choice);
        }
    }

    /// A part of the file, perhaps misspelt.
    fn doubt(&mut self, name: &str) {
        let parts: &[Part] = match nearest(name, PARTS) {
            Some("audience") => &[Part::Audience, Part::Groups, Part::Choice, Part::Members],
            Some("groups" | "group_files") => &[Part::Groups],
            Some("only" | "exclude" | "where" | "sample") => &[Part::Choice],
            Some("members" | "member_files") => &[Part::Members, Part::Groups],
            Some("schedule" | "timezone") => &[Part::Time],
            Some("send") => &[Part::Texts],
            Some("variables") => &[Part::Names],
            _ => &[],
        };
        self.parts.extend(parts);
    }

    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    fn has_any(&self, parts: &[Part]) -> bool {
        parts.iter().any(|part| self.has(*part))
    }

    /// Whether it is known who it goes to.
    pub fn is_audience_known(&self) -> bool {
        !self.has_any(&[Part::Audience, Part::Groups, Part::Choice, Part::Members])
    }

    /// Whether it is known which groups and members there are to pick from.
    pub fn is_picking_known(&self) -> bool {
        !self.has_any(&[Part::Groups, Part::Members, Part::Picking])
    }

    /// Whether a group of the file is one of which something could not be read.
    pub(super) fn is_about(&self, group: &Span) -> bool {
        let start = group.range().start;
        self.items.iter().any(|item| item.contains(&start))
    }

    /// Whether a complaint about a rendering follows from what could not be read.
    pub fn explain(&self, complaint: &Diagnostic) -> bool {
        let is_of_choice = self.has_any(&[Part::Texts, Part::Time]);
        match undefined(complaint) {
            Some("member") => self.has(Part::Members),
            Some(name) if RESERVED.contains(&name) => false,
            Some(name) => self.has(Part::Names) || self.names.contains(name),
            None => complaint.code == "no-case" && is_of_choice,
        }
    }

    /// Whether this follows from a part of the file that could not be read.
    pub(super) fn explain_lack(&self, complaint: &Diagnostic) -> bool {
        match complaint.code {
            NO_AUDIENCE => self.has(Part::Groups),
            "no-members" => self.has(Part::Members),
            _ => false,
        }
    }
}

/// Something is lacking in a place where something else was misspelt: one complaint, not two.
pub(super) fn drop_echoes(
    source: &Arc<Source>,
    tree: Option<&Node>,
    complaints: &mut Vec<Diagnostic>,
) {
    let Some(tree) = tree else { return };
    let places = complaints
        .iter()
        .map(|other| (other.code, place(other, source)));
    let places = places.filter_map(|(code, place)| Some((code, place?.clone())));
    let places: Vec<(&str, Span)> = places.collect();
    complaints.retain(|complaint| {
        let lack = LACKS.iter().find(|(code, _)| *code == complaint.code);
        let Some(((code, keys), map)) = lack.zip(place(complaint, source)) else {
            return true;
        };
        let Some(map) = node_at(tree, map) else {
            return true;
        };
        let others = places.iter().filter(|(other, _)| other != code);
        let mut others = others.filter_map(|(_, place)| map.entry_at(place));
        !others.any(|(key, _)| {
            let name = key.text().unwrap_or_default();
            nearest(name, keys.iter().copied()).is_some()
        })
    });
}

fn place<'a>(complaint: &'a Diagnostic, source: &Arc<Source>) -> Option<&'a Span> {
    let place = complaint.primary.as_ref().map(|label| &label.span);
    place.filter(|place| Arc::ptr_eq(place.source(), source))
}

/// The value that stands at a place.
fn node_at<'a>(node: &'a Node, place: &Span) -> Option<&'a Node> {
    if node.span == *place {
        return Some(node);
    }
    match &node.content {
        Content::List(items) => items.iter().find_map(|item| node_at(item, place)),
        Content::Map(entries) => entries.iter().find_map(|(_, value)| node_at(value, place)),
        _ => None,
    }
}
