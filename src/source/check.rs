//! The tree against its schema: each violation becomes one complaint at the smallest place.

use std::collections::HashSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use super::complaint;
use super::diagnostic::Diagnostic;
use super::kinds::{choices_of, types_of};
use super::limits;
use super::node::{Content, Node, Step};
use super::parse::MAX_COMPLAINTS;
use super::prune::Complaint;
use super::slip::colon_in_key;
use super::words::{nearest, plural, surely};

/// More unknown keys of one map are told as one complaint.
const MAX_UNKNOWN: usize = 200;

pub(super) fn complaints(schema: &Value, validator: &Validator, root: &Node) -> Vec<Complaint> {
    let instance = root.to_json();
    let mut check = Check {
        schema,
        root,
        found: Vec::new(),
        missing: Vec::new(),
        guessed: HashSet::new(),
    };
    for error in validator.iter_errors(&instance).take(MAX_COMPLAINTS) {
        check.explain(&error);
    }
    check.finish()
}

/// What the schema says of the value that should stand there.
#[derive(Default)]
pub(super) struct Hints {
    known: Vec<String>,
    example: Option<String>,
}

pub(super) struct Check<'c> {
    schema: &'c Value,
    pub(super) root: &'c Node,
    found: Vec<Complaint>,
    /// Keys of maps that are not there,
    missing: Vec<(Vec<Step>, String)>,
    /// and keys that unknown ones were probably meant to be: what is missing is not said twice.
    guessed: HashSet<(Vec<Step>, String)>,
}

impl Check<'_> {
    pub(super) fn explain(&mut self, error: &ValidationError<'_>) {
        let path = steps(self.root, error.instance_path().as_str());
        let (key, node) = self.root.find(&path);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                self.unknown_keys(error, &path, unexpected);
            }
            ValidationErrorKind::Required {
                property: Value::String(name),
            } => self.missing.push((path, name.clone())),
            ValidationErrorKind::Type { kind } => {
                let hints = Hints {
                    known: self.known_keys(error),
                    example: self.example(error),
                };
                self.wrong_type(&types_of(kind), &hints, path);
            }
            ValidationErrorKind::Enum { options } => {
                self.unknown_choice(&choices_of(options), path);
            }
            ValidationErrorKind::Constant { expected_value } => {
                self.unknown_choice(&choices_of(expected_value), path);
            }
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context } => {
                self.alternatives(context, path);
            }
            ValidationErrorKind::MinProperties { .. }
            | ValidationErrorKind::MaxProperties { .. } => {
                self.number_of_keys(error, path);
            }
            _ => {
                let diagnostic = limits::diagnostic(error, self.rule(error), key, node);
                self.push(path, diagnostic);
            }
        }
    }

    fn push(&mut self, path: Vec<Step>, diagnostic: Diagnostic) {
        let complaint = Complaint { path, diagnostic };
        if !self.found.contains(&complaint) {
            self.found.push(complaint);
        }
    }

    /// The part of the schema that holds the violated keyword.
    pub(super) fn rule(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let (rule, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(rule)
    }

    fn known_keys(&self, error: &ValidationError<'_>) -> Vec<String> {
        let properties = self
            .rule(error)
            .and_then(|rule| rule.get("properties"))
            .and_then(Value::as_object);
        properties.map_or_else(Vec::new, |properties| properties.keys().cloned().collect())
    }

    /// What a value may look like.
    fn example(&self, error: &ValidationError<'_>) -> Option<String> {
        let examples = self.rule(error)?.get("examples")?;
        Some(examples.get(0)?.as_str()?.to_owned())
    }

    fn unknown_keys(&mut self, error: &ValidationError<'_>, map: &[Step], unexpected: &[String]) {
        let known = self.known_keys(error);
        if unexpected.len() > MAX_UNKNOWN {
            return self.many_unknown(map, unexpected.len(), &known);
        }
        for name in unexpected {
            if let Some(guess) = nearest(name, &known) {
                self.guessed.insert((map.to_vec(), guess.to_owned()));
            }
            let path: Vec<Step> = map
                .iter()
                .cloned()
                .chain([Step::Key(name.clone())])
                .collect();
            let (key, node) = self.root.find(&path);
            let span = &key.unwrap_or(node).span;
            if let Some((meant, diagnostic)) = colon_in_key(span) {
                self.guessed.insert((map.to_vec(), meant.to_owned()));
                self.push(path, diagnostic.hiding(&node.span));
                continue;
            }
            let diagnostic =
                Diagnostic::error(complaint::UNKNOWN_KEY, span, complaint::unknown_key(name));
            if let Some(above) = empty_above(self.root.find(map).1, name) {
                let help = format!("indent it, so that it stands below `{above}`");
                self.push(path, diagnostic.help(help));
                continue;
            }
            let diagnostic =
                diagnostic.maybe_help(complaint::known_help(name, &known, "known keys"));
            let meant = surely(name, &known).filter(|meant| {
                let is_other =
                    |other: &String| other != name && surely(other, &known) == Some(meant);
                self.root.find(map).1.get(meant).is_none() && !unexpected.iter().any(is_other)
            });
            let diagnostic = match (key, meant) {
                (Some(key), Some(meant)) => diagnostic.mend(&key.span, meant).hiding(&node.span),
                _ => diagnostic,
            };
            self.push(path, diagnostic);
        }
    }

    /// A file of another kind: each of its keys would hide what it is.
    fn many_unknown(&mut self, map: &[Step], count: usize, known: &[String]) {
        let (key, node) = self.root.find(map);
        let count = plural(count as u64, "unknown key");
        let message = format!("there are {count} here");
        let diagnostic = Diagnostic::error(complaint::UNKNOWN_KEY, &node.place(key), message);
        let help = complaint::known_help("", known, "known keys");
        self.push(map.to_vec(), diagnostic.maybe_help(help));
    }

    pub(super) fn wrong_type(&mut self, expected: &[JsonType], hints: &Hints, path: Vec<Step>) {
        let (key, node) = self.root.find(&path);
        let span = node.place(key);
        let diagnostic = if node.content == Content::Null {
            Diagnostic::error(complaint::NO_VALUE, &span, complaint::no_value(key)).help(
                match key {
                    Some(_) => "give it a value, or delete the key",
                    None => "give it a value, or delete the line",
                },
            )
        } else {
            let message = complaint::wrong_type(expected, node, &path);
            let diagnostic = Diagnostic::error(complaint::WRONG_TYPE, &span, message).maybe_help(
                complaint::example_help(hints.example.as_deref(), node)
                    .or_else(|| complaint::type_help(expected, node))
                    .or_else(|| complaint::known_help("", &hints.known, "known keys")),
            );
            complaint::mend_type(diagnostic, expected, node)
        };
        self.push(path, diagnostic);
    }

    pub(super) fn unknown_choice(&mut self, choices: &[String], path: Vec<Step>) {
        let (key, node) = self.root.find(&path);
        let raw = node.text().unwrap_or_else(|| node.written.slice());
        let diagnostic = Diagnostic::error(
            complaint::UNKNOWN_CHOICE,
            &node.place(key),
            complaint::unknown_choice(raw),
        );
        self.push(
            path,
            diagnostic.maybe_help(complaint::known_help(raw, choices, "choices")),
        );
    }

    /// A choice of one key that has none, or several.
    fn number_of_keys(&mut self, error: &ValidationError<'_>, path: Vec<Step>) {
        let known = self.known_keys(error);
        let (key, node) = self.root.find(&path);
        let Content::Map(entries) = &node.content else {
            return;
        };
        let is_known = |name: &Node| {
            known
                .iter()
                .any(|known| Some(known.as_str()) == name.text())
        };
        let given: Vec<&Node> = entries
            .iter()
            .map(|(name, _)| name)
            .filter(|name| is_known(name))
            .collect();
        let message = complaint::one_of(key, &known, given.len());
        let diagnostic = match given.as_slice() {
            [] if entries.is_empty() => {
                Diagnostic::error(complaint::ONE_OF, &node.place(key), message)
            }
            [first, second, ..] => Diagnostic::error(complaint::ONE_OF, &second.span, message)
                .also(&first.span, "already given here")
                .help(format!(
                    "keep one of them, such as `{}`",
                    first.text().unwrap_or_default()
                )),
            // Too many only because of unknown keys, which have been complained of.
            _ => return,
        };
        self.push(path, diagnostic);
    }

    fn finish(mut self) -> Vec<Complaint> {
        for (path, name) in std::mem::take(&mut self.missing) {
            if self.guessed.contains(&(path.clone(), name.clone())) {
                continue;
            }
            let (key, map) = self.root.find(&path);
            let span = complaint::place_of_missing(map, key);
            let diagnostic =
                Diagnostic::error(complaint::MISSING_KEY, &span, complaint::missing(&name));
            self.push(path, diagnostic.help(format!("add `{name}: ...` here")));
        }
        let start = |complaint: &Complaint| {
            complaint
                .diagnostic
                .primary
                .as_ref()
                .map(|label| label.span.range().start)
        };
        self.found.sort_by_key(start);
        self.found
    }
}

/// A key without a value right above this one: what follows it was meant to be indented.
fn empty_above<'n>(map: &'n Node, name: &str) -> Option<&'n str> {
    let Content::Map(entries) = &map.content else {
        return None;
    };
    let at = entries
        .iter()
        .position(|(key, _)| key.text() == Some(name))?;
    let (above, value) = entries[..at].last()?;
    above.text().filter(|_| value.content == Content::Null)
}

/// A JSON pointer as steps down the tree; what looks like an index may be a key.
pub(super) fn steps(root: &Node, pointer: &str) -> Vec<Step> {
    let mut path = Vec::new();
    let mut node = root;
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let step = match (&node.content, name.parse()) {
            (Content::List(_), Ok(index)) => Step::Index(index),
            _ => Step::Key(name),
        };
        let Some((_, child)) = node.child(&step) else {
            return path;
        };
        node = child;
        path.push(step);
    }
    path
}
