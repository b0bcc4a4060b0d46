//! What was complained of, and the tree without it.

use std::collections::HashSet;

use super::complaint::MISSING_KEY;
use super::diagnostic::Diagnostic;
use super::node::{Content, Node, Step};

/// What is wrong with one value of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Complaint {
    /// Of the value that cannot be used; of the whole map if a key is missing.
    pub path: Vec<Step>,
    pub diagnostic: Diagnostic,
}

/// The tree without the values that were complained of, so that what follows can find further
/// problems. A map that lacks a key stays: a Spec that wants to live without it says `Option` and
/// `#[schemars(required)]`. None is left if the complaint was about the root itself.
pub fn prune(root: &Node, complaints: &[Complaint]) -> Option<Node> {
    let doomed = complaints
        .iter()
        .filter(|complaint| complaint.diagnostic.code != MISSING_KEY);
    let doomed: HashSet<&[Step]> = doomed.map(|complaint| complaint.path.as_slice()).collect();
    without(root, &doomed)
}

/// The tree without the values at these paths.
pub(super) fn without(root: &Node, doomed: &HashSet<&[Step]>) -> Option<Node> {
    kept(root, &mut Vec::new(), doomed)
}

fn kept(node: &Node, path: &mut Vec<Step>, doomed: &HashSet<&[Step]>) -> Option<Node> {
    if doomed.contains(path.as_slice()) {
        return None;
    }
    let mut kept_at = |step: Step, child: &Node| {
        path.push(step);
        let child = kept(child, path, doomed);
        path.pop();
        child
    };
    let content = match &node.content {
        Content::List(items) => {
            let items = items.iter().enumerate();
            Content::List(
                items
                    .filter_map(|(index, item)| kept_at(Step::Index(index), item))
                    .collect(),
            )
        }
        Content::Map(entries) => {
            let entry = |(key, value): &(Node, Node)| {
                let step = Step::Key(key.text().unwrap_or_default().to_owned());
                kept_at(step, value).map(|value| (key.clone(), value))
            };
            Content::Map(entries.iter().filter_map(entry).collect())
        }
        scalar => scalar.clone(),
    };
    Some(Node {
        content,
        span: node.span.clone(),
        written: node.written.clone(),
        style: node.style,
    })
}
