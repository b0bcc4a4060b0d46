//! Settings from the environment: `CAMPANILE_APPS__MAIN__REGION=tokyo`.
//!
//! A variable takes its place in the tree before that is held against the schema, so that a wrong one is complained of
//! like a wrong file.

use super::rules::{Rules, Step};
use crate::source::{Content, Diagnostic, Node, Source, Span, Style, list_of, nearest, parse};
use serde_json::Value;
use std::sync::Arc;

pub const OVERRIDE_PREFIX: &str = "CAMPANILE_";
/// Between the levels of a path.
const LEVEL: &str = "__";
/// The end of a variable that names another one.
const ENV: &str = "__ENV";
/// Two spellings of one thing: who gives the one means it instead of the other.
const SPELLINGS: [[&str; 2]; 1] = [["region", "endpoint"]];

/// Puts the variables into the tree.
pub(super) fn overridden(
    root: &mut Node,
    schema: &Value,
    variables: &[(String, String)],
) -> Vec<Diagnostic> {
    let mut complaints = Vec::new();
    // What the file is instead is told; nothing has a place in it.
    if !matches!(root.content, Content::Map(_)) {
        return complaints;
    }
    let given = variables.iter().filter(|(name, _)| name.ends_with(ENV));
    let given = given.map(|(_, value)| value.clone());
    let named: Vec<String> = named(root).into_iter().chain(given).collect();
    let mut variables: Vec<&(String, String)> = variables.iter().collect();
    // A whole map comes before what is changed inside it.
    variables.sort();
    let file = Arc::clone(root.span.source());
    for (name, value) in &variables {
        if named.contains(name) {
            continue;
        }
        let found = Search {
            rules: Rules::new(schema),
            variables: &variables,
            name,
        }
        .path(root);
        match found {
            Ok(Some((path, rule))) => {
                let variable = Variable {
                    source: Source::of_variable(name, value),
                    file: &file,
                };
                let rules = Rules::new(schema);
                if let Some(value) = variable.value(rules, rule, &mut complaints) {
                    variable.set(root, &path, value);
                }
            }
            Ok(None) => {}
            Err(complaint) => complaints.push(complaint),
        }
    }
    complaints
}

/// Variables that the settings name themselves, for a secret, the journal or a webhook, are no overrides.
fn named(node: &Node) -> Vec<String> {
    let entry = |(key, value): &(Node, Node)| match (key.text(), value.text()) {
        (Some("env"), Some(name)) => vec![name.to_owned()],
        _ => named(value),
    };
    match &node.content {
        Content::Map(entries) => entries.iter().flat_map(entry).collect(),
        Content::List(items) => items.iter().flat_map(named).collect(),
        _ => Vec::new(),
    }
}

/// A key as it is spelt in the name of a variable.
fn spelt(key: &str) -> String {
    key.to_uppercase().replace('-', "_")
}

/// Where a variable leads to.
struct Search<'a> {
    rules: Rules<'a>,
    variables: &'a [&'a (String, String)],
    name: &'a str,
}

impl<'a> Search<'a> {
    /// The path and what may stand there; nothing for a variable that is none of ours.
    fn path(&self, root: &Node) -> Result<Option<(Vec<Step>, &'a Value)>, Diagnostic> {
        let Some(words) = self.name.strip_prefix(OVERRIDE_PREFIX) else {
            return Ok(None);
        };
        let words: Vec<&str> = words.split(LEVEL).collect();
        let (mut path, mut rule, mut node) = (Vec::new(), self.rules.root(), Some(root));
        let mut start = OVERRIDE_PREFIX.len();
        for (at, word) in words.iter().enumerate() {
            let place = Place {
                before: &self.name[..start],
                word,
                is_last: at + 1 == words.len(),
            };
            let Some((step, next)) = self.step(&place, rule, node)? else {
                // Programs and people have variables of other kinds that begin like ours.
                return if words.len() == 1 {
                    Ok(None)
                } else {
                    Err(self.unknown(&place, rule, node))
                };
            };
            node = node.and_then(|node| node.get(&step.key));
            rule = next;
            path.push(step);
            start += word.len() + LEVEL.len();
        }
        Ok(Some((path, rule)))
    }

    /// One level down.
    fn step(
        &self,
        place: &Place<'_>,
        rule: &'a Value,
        node: Option<&Node>,
    ) -> Result<Option<(Step, &'a Value)>, Diagnostic> {
        let known = self.rules.keys(rule, node);
        let fitting: Vec<&String> = known
            .iter()
            .filter(|key| spelt(key) == place.word)
            .collect();
        let key = match fitting.as_slice() {
            [] if self.makes(place, rule) => place.word.to_lowercase(),
            [] => return Ok(None),
            [only] => (*only).clone(),
            several => {
                let message = format!("`{}` could be any of {}", place.word, list_of(several));
                return Err(self
                    .complain("ambiguous-override", place, message)
                    .help("rename one of them in the settings"));
            }
        };
        Ok(self.rules.below(rule, key))
    }

    /// Whether the variables give all that a further entry needs: else its name is a slip.
    fn makes(&self, place: &Place<'_>, rule: &Value) -> bool {
        let Some(needed) = self.rules.needs_of_entry(rule) else {
            return false;
        };
        let is_name = !place.word.is_empty() && place.word == spelt(place.word);
        let given = |key: &str| {
            let name = format!("{}{}{LEVEL}{}", place.before, place.word, spelt(key));
            self.variables.iter().any(|(variable, _)| *variable == name)
        };
        is_name && (place.is_last || needed.iter().all(|key| given(key)))
    }

    fn unknown(&self, place: &Place<'_>, rule: &Value, node: Option<&Node>) -> Diagnostic {
        let known: Vec<String> = self
            .rules
            .keys(rule, node)
            .iter()
            .map(|key| spelt(key))
            .collect();
        let Place { before, word, .. } = place;
        let message = format!("no setting is named by `{}`", self.name);
        let diagnostic = self.complain("unknown-override", place, message);
        let rest = &self.name[before.len() + word.len()..];
        let help = match nearest(word, &known) {
            Some(meant) => format!("did you mean `{before}{meant}{rest}`?"),
            None if self
                .rules
                .needs_of_entry(rule)
                .is_some_and(|needed| !needed.is_empty()) =>
            {
                let needed = self.rules.needs_of_entry(rule).unwrap_or_default();
                let needed: Vec<String> = needed
                    .iter()
                    .map(|key| format!("{before}{word}{LEVEL}{}", spelt(key)))
                    .collect();
                format!(
                    "an entry that the file lacks needs {} as well",
                    list_of(&needed)
                )
            }
            None if known.is_empty() => {
                let whole = before.strip_suffix(LEVEL).unwrap_or(before);
                format!("write `{whole}`: there is nothing below it")
            }
            None => format!("behind `{before}` may stand {}", list_of(&known)),
        };
        diagnostic.help(help)
    }

    /// Shows the name and not the value: it may be a secret that was meant for another variable.
    fn complain(&self, code: &'static str, place: &Place<'_>, message: String) -> Diagnostic {
        let source = Source::new("environment", self.name);
        let start = place.before.len();
        let span = Span::new(&source, start..start + place.word.len());
        Diagnostic::error(code, &span, message)
    }
}

/// One word of a variable's name.
struct Place<'a> {
    before: &'a str,
    word: &'a str,
    is_last: bool,
}

/// A variable that has found its place.
struct Variable<'a> {
    source: Arc<Source>,
    file: &'a Arc<Source>,
}

impl Variable<'_> {
    /// Text where text is wanted, else the value as YAML; a variable that is empty gives none.
    fn value(
        &self,
        rules: Rules<'_>,
        rule: &Value,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<Node> {
        let text = self.source.text.trim();
        if text.is_empty() {
            return Some(self.node(Content::Null));
        }
        let is_map = rules.is_map(rule) && text.starts_with('{');
        if rules.is_text(rule) && !is_map {
            return Some(self.node(Content::Text(self.source.text.clone())));
        }
        let parsed = parse(&self.source);
        complaints.extend(parsed.complaints);
        parsed.root
    }

    fn set(&self, node: &mut Node, path: &[Step], value: Node) {
        let Some((step, rest)) = path.split_first() else {
            *node = value;
            return;
        };
        if !matches!(node.content, Content::Map(_)) {
            *node = self.node(Content::Map(Vec::new()));
        }
        let Content::Map(entries) = &mut node.content else {
            return;
        };
        entries.retain(|(key, _)| !self.replaces(step, key));
        let known = entries
            .iter()
            .position(|(key, _)| key.text() == Some(&step.key));
        let at = known.unwrap_or(entries.len());
        if known.is_none() || rest.is_empty() {
            let entry = (
                self.node(Content::Text(step.key.clone())),
                self.node(Content::Null),
            );
            entries.splice(at..(at + 1).min(entries.len()), [entry]);
        }
        self.set(&mut entries[at].1, rest, value);
    }

    /// Whether a key of the file gives way, because this gives the same thing in another spelling.
    fn replaces(&self, step: &Step, key: &Node) -> bool {
        let name = key.text().unwrap_or_default();
        let is_spelling = SPELLINGS
            .iter()
            .any(|pair| pair.contains(&name) && pair.contains(&step.key.as_str()));
        let is_other = name != step.key && (step.is_only || is_spelling);
        is_other && Arc::ptr_eq(key.span.source(), self.file)
    }

    fn node(&self, content: Content) -> Node {
        let span = Span::new(&self.source, 0..self.source.text.len());
        Node {
            written: span.clone(),
            span,
            style: Style::Flow,
            content,
        }
    }
}
