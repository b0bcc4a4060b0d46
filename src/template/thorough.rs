//! All that is wrong with a rendering, where the engine stops at the first.
//!
//! What stops it is taken out of a copy of the text, byte for byte in its place, and the rest is tried again.

use super::Fault;
use super::engine::{Chosen, Kind, Ready, Template, compile, rendered};
use super::fault::Cost;
use crate::source::Diagnostic;
use minijinja::Value;
use std::ops::Range;

/// Faults of one text that are told; nobody mends more at a time.
const ROUNDS_MAX: usize = 16;
/// What a template says where something was taken out.
const NOTHING: &str = "''";
/// Statements that give names, so that what was taken out is missed elsewhere.
const NAMING: [&str; 5] = ["set", "for", "with", "macro", "import"];
/// Names whose values depend on whom a text is for.
const OF_TARGETS: [&str; 2] = ["group", "member"];
/// The code of what is said of a name that stands for nothing.
pub const UNDEFINED: &str = "undefined-variable";

impl Ready<'_> {
    /// Every fault of a rendering that fails; none of one that does not.
    pub fn faults(&self, template: &Template, context: &Value) -> Vec<Diagnostic> {
        let chosen = match template {
            Template::Plain(plain) => return self.faults_of(plain.at(), context),
            Template::Chosen(chosen) => chosen,
        };
        let mut found = self.faults_of(chosen.by.at(), context);
        if found.is_empty() {
            match self.chosen(chosen, context) {
                Ok(plain) => return self.faults_of(plain.at(), context),
                Err(complaint) => found.push(complaint),
            }
        }
        found.extend(self.faults_of_cases(chosen, context));
        found
    }

    /// Nobody knows which text is meant; what is wrong for everybody is wrong.
    fn faults_of_cases(&self, chosen: &Chosen, context: &Value) -> Vec<Diagnostic> {
        let texts = chosen.cases.values().chain(&chosen.otherwise);
        let found = texts.flat_map(|plain| self.faults_of(plain.at(), context));
        found.filter(is_for_everybody).collect()
    }

    fn faults_of(&self, at: usize, context: &Value) -> Vec<Diagnostic> {
        let known = &self.templates.texts[at];
        let mut text = known.text.to_string();
        let (mut found, mut taken) = (Vec::new(), Vec::<Range<usize>>::new());
        for _ in 0..ROUNDS_MAX {
            let Err(fault) = rendered(self.templates, (known.kind, &text), context) else {
                break;
            };
            let (range, cost) = (fault.range.clone(), fault.cost);
            let is_echo = || {
                let inside = range.clone().unwrap_or(0..text.len());
                let holds = |out: &Range<usize>| inside.start < out.end && out.start < inside.end;
                let is_missed = match fault.name() {
                    Some(name) => !known.names.contains(name),
                    None => names_something(&known.text),
                };
                taken.iter().any(holds) || (is_missed && !taken.is_empty())
            };
            if !is_echo() {
                found.push(fault.diagnostic(&known.text, Some(context)));
            }
            if cost != Cost::Little {
                break;
            }
            let rest = range.and_then(|range| without(known.kind, &text, range));
            let Some((rest, out)) = rest else { break };
            text = rest;
            taken.push(out);
        }
        found
    }
}

/// Whether it is wrong whoever the text is for: a name at the top that nobody has given.
pub fn is_for_everybody(complaint: &Diagnostic) -> bool {
    undefined(complaint).is_some_and(|name| !OF_TARGETS.contains(&name))
}

/// The name at the top that stands for nothing, if that is what is wrong.
pub fn undefined(complaint: &Diagnostic) -> Option<&str> {
    let place = complaint.primary.as_ref()?;
    let name = place.span.slice().split('.').next()?;
    (complaint.code == UNDEFINED).then_some(name)
}

fn names_something(text: &str) -> bool {
    let mut tags = text.split("{%").skip(1);
    tags.any(|tag| {
        let word = tag.trim_start_matches(['-', ' ', '\n']);
        NAMING.iter().any(|naming| word.starts_with(naming))
    })
}

/// The text without a part, or without the whole expression that holds it; and what was taken out.
fn without(kind: Kind, text: &str, part: Range<usize>) -> Option<(String, Range<usize>)> {
    let start = text[..part.start].rfind("{{").map(|start| start + 2);
    let end = text[part.end..].find("}}").map(|end| part.end + end);
    let whole = start.zip(end).map(|(start, end)| start..end);
    let compiles =
        |(rest, _): &(String, Range<usize>)| Fault::catch(rest, || compile(kind, rest)).is_ok();
    let parts = [Some(part), whole].into_iter().flatten();
    parts
        .filter_map(|part| Some((blanked(text, &part)?, part)))
        .find(compiles)
}

fn blanked(text: &str, part: &Range<usize>) -> Option<String> {
    let blanks = (part.end - part.start).checked_sub(NOTHING.len())?;
    let (before, behind) = (text.get(..part.start)?, text.get(part.end..)?);
    Some(format!("{before}{NOTHING}{}{behind}", " ".repeat(blanks)))
}
