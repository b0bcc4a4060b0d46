//! The tree while it is being built: open collections, anchors, duplicate keys, the budget.

use std::collections::HashMap;
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::node::{Content, Node, Style};
use super::parse::Parsed;
use super::refusal;
use super::span::{Source, Span};
use super::weight::{Weight, height};

/// Lists and maps inside each other.
pub(super) const MAX_DEPTH: usize = 64;
pub(super) struct Tree<'s> {
    source: &'s Arc<Source>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    spent: Weight,
    complaints: Vec<Diagnostic>,
    is_broken: bool,
    is_over_budget: bool,
}

/// A list or map whose end has not come yet.
struct Open {
    node: Node,
    anchor: usize,
    /// Of a map: the key that waits for its value.
    key: Option<Node>,
    /// Of a map: the keys so far.
    seen: HashMap<String, Span>,
    /// Of a map: its last key was no text, and has been complained of.
    has_bad_key: bool,
}

impl<'s> Tree<'s> {
    pub(super) fn new(source: &'s Arc<Source>) -> Tree<'s> {
        Tree {
            source,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            spent: Weight::default(),
            complaints: Vec::new(),
            is_broken: false,
            is_over_budget: false,
        }
    }

    /// Something is wrong, but the tree can be trusted.
    pub(super) fn complain(&mut self, diagnostic: Diagnostic) {
        self.complaints.push(diagnostic);
    }

    /// Something is wrong, and complaints about the tree would only echo it.
    pub(super) fn broken_by(&mut self, diagnostic: Diagnostic) {
        self.is_broken = true;
        self.complaints.push(diagnostic);
    }

    /// What the parser stumbles over is said only where nothing in that line explains it already.
    pub(super) fn stopped_by(&mut self, diagnostic: Diagnostic) {
        let line = |diagnostic: &Diagnostic| {
            diagnostic
                .primary
                .as_ref()
                .map(|label| label.span.line_range())
        };
        let is_echo = self
            .complaints
            .last()
            .is_some_and(|last| line(last) == line(&diagnostic));
        self.is_broken = true;
        if !is_echo {
            self.complaints.push(diagnostic);
        }
    }

    pub(super) fn is_over_budget(&self) -> bool {
        self.is_over_budget
    }

    /// Where the innermost list or map in brackets began, if that is what is open.
    pub(super) fn open_bracket(&self) -> Option<usize> {
        let open = self
            .open
            .last()
            .filter(|open| open.node.style == Style::Flow)?;
        Some(open.node.span.range().start)
    }

    /// Whether the next node is a key.
    pub(super) fn expects_key(&self) -> bool {
        let is_map = |open: &Open| matches!(open.node.content, Content::Map(_));
        self.open
            .last()
            .is_some_and(|open| is_map(open) && open.key.is_none() && !open.has_bad_key)
    }

    pub(super) fn open(&mut self, node: Node, anchor: usize) {
        if self.open.len() >= MAX_DEPTH {
            return self.too_deep(&node.span);
        }
        self.open.push(Open {
            node,
            anchor,
            key: None,
            seen: HashMap::new(),
            has_bad_key: false,
        });
    }

    /// The list or map that was opened last ends at `end`.
    pub(super) fn close(&mut self, end: &Span) {
        let Some(Open {
            mut node, anchor, ..
        }) = self.open.pop()
        else {
            return;
        };
        if node.style == Style::Block {
            node.span = self.block_span(&node);
        } else {
            node.span = Span::new(self.source, node.span.range().start..end.range().end);
        }
        node.written = node.span.clone();
        self.add(node, anchor);
    }

    /// Of a block the parser gives as end where the next token begins, and as start of a list that
    /// is not indented what stands behind the first `-`.
    fn block_span(&self, block: &Node) -> Span {
        let mut start = block.span.range().start;
        let before = self.source.text[..start].trim_end_matches([' ', '\t']);
        let is_list = matches!(block.content, Content::List(_));
        if is_list && !self.source.text[start..].starts_with('-') && before.ends_with('-') {
            start = before.len() - 1;
        }
        let end = last_child(block).map_or(start, |child| child.span.range().end);
        Span::new(self.source, start..end.max(start))
    }

    /// A finished node takes its place in the list or map that is open.
    pub(super) fn add(&mut self, node: Node, anchor: usize) {
        self.spent.add_node();
        if self.spent.is_too_much() {
            return self.too_large(&node.span);
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        if self.expects_key() {
            return self.add_key(node);
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.node.content {
            Content::List(items) => items.push(node),
            Content::Map(entries) => {
                open.has_bad_key = false;
                if let Some(key) = open.key.take()
                    && open.seen.get(key.text().unwrap_or_default()) == Some(&key.span)
                {
                    entries.push((key, node));
                }
            }
            _ => {}
        }
    }

    fn add_key(&mut self, key: Node) {
        let around = self.open.iter().rev().nth(1);
        let is_in_brackets = around.is_some_and(|open| open.node.style == Style::Flow);
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let complaint = match &key.content {
            Content::Text(name) if name == "<<" && key.style == Style::Plain => {
                Some(refusal::merge_key(&key.span))
            }
            Content::Text(name) if name.is_empty() && key.style == Style::Plain => {
                Some(refusal::no_key(&key.span))
            }
            Content::Text(_) => None,
            _ => Some(refusal::bad_key(&open.node, &key, is_in_brackets)),
        };
        open.has_bad_key = complaint.is_some();
        if let Some(complaint) = complaint {
            return self.complain(complaint);
        }
        let name = key.text().unwrap_or_default().to_owned();
        let first = open
            .seen
            .entry(name)
            .or_insert_with(|| key.span.clone())
            .clone();
        if first != key.span {
            self.complaints.push(refusal::duplicate_key(&key, &first));
        }
        open.key = Some(key);
    }

    pub(super) fn alias(&mut self, anchor: usize, span: &Span) {
        let Some(target) = self.anchors.get(&anchor) else {
            self.add(
                Node {
                    content: Content::Null,
                    ..placeholder(span)
                },
                0,
            );
            return self.complain(refusal::alias_inside_itself(span));
        };
        if self.open.len() + height(target) > MAX_DEPTH {
            return self.too_deep(span);
        }
        self.spent.add_alias_of(target);
        if self.spent.is_too_much() {
            return self.too_large(span);
        }
        let node = Node {
            span: span.clone(),
            ..target.clone()
        };
        self.add(node, 0);
    }

    fn too_deep(&mut self, span: &Span) {
        self.is_over_budget = true;
        self.broken_by(refusal::too_deep(span));
    }

    fn too_large(&mut self, span: &Span) {
        self.is_over_budget = true;
        self.broken_by(refusal::too_large(span));
    }

    pub(super) fn finish(self) -> Parsed {
        let root = if self.is_broken { None } else { self.root };
        Parsed {
            root,
            complaints: self.complaints,
        }
    }
}

fn placeholder(span: &Span) -> Node {
    Node {
        span: span.clone(),
        written: span.clone(),
        style: Style::Plain,
        content: Content::Null,
    }
}

fn last_child(node: &Node) -> Option<&Node> {
    match &node.content {
        Content::List(items) => items.last(),
        Content::Map(entries) => entries.last().map(|(_, value)| value),
        _ => None,
    }
}
