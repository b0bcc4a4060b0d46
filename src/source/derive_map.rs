//! The entries of a map, for serde.

use serde::de::{DeserializeSeed, MapAccess};

use super::derive::NodeDeserializer;
use super::failure::Failure;
use super::node::{Node, Step};

pub(super) struct Entry<'n> {
    pub(super) entries: &'n [(Node, Node)],
    /// Of the key that comes next; its value comes after it.
    pub(super) next: usize,
}

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some((key, _)) = self.entries.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        let read = seed.deserialize(NodeDeserializer {
            node: key,
            key: None,
        });
        read.map(Some).map_err(|failure| failure.under(step(key)))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        // serde asks for a value only behind its key.
        let (key, node) = &self.entries[self.next - 1];
        let read = seed.deserialize(NodeDeserializer {
            node,
            key: Some(key),
        });
        read.map_err(|failure| failure.under(step(key)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() - self.next)
    }
}

fn step(key: &Node) -> Step {
    Step::Key(key.text().unwrap_or_default().to_owned())
}
