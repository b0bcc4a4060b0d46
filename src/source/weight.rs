//! What a tree costs: aliases let a small file stand for a large one.

use super::node::{Content, Node};

/// Values in one file, those that come from aliases included.
pub(super) const MAX_NODES: usize = 250_000;
/// Bytes of text that aliases may repeat.
pub(super) const MAX_ALIASED_BYTES: usize = 4 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Weight {
    nodes: usize,
    aliased_bytes: usize,
}

impl Weight {
    pub(super) fn add_node(&mut self) {
        self.nodes += 1;
    }

    pub(super) fn add_alias_of(&mut self, target: &Node) {
        self.nodes += 1;
        match &target.content {
            Content::Text(text) => self.aliased_bytes += text.len(),
            Content::List(items) => {
                for item in items {
                    self.add_alias_of(item);
                }
            }
            Content::Map(entries) => {
                for (key, value) in entries {
                    self.add_alias_of(key);
                    self.add_alias_of(value);
                }
            }
            _ => {}
        }
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.nodes > MAX_NODES || self.aliased_bytes > MAX_ALIASED_BYTES
    }
}

/// How deep the lists and maps are in it.
pub(super) fn height(node: &Node) -> usize {
    match &node.content {
        Content::List(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Content::Map(entries) => {
            1 + entries
                .iter()
                .map(|(_, value)| height(value))
                .max()
                .unwrap_or(0)
        }
        _ => 0,
    }
}
