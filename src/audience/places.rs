//! Where each group stood first, in few bytes: ten million groups are looked through for one that stands twice.

use super::target::Origin;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Sixteen bytes for a group, and the table's own.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// In parts that grow one after the other: a table is doubled by a copy beside it, and that of a million groups
    /// would be the peak of the memory.
    seen: [HashMap<u64, Seen>; PARTS],
    /// Rows are counted through all files; from each of these numbers on, row follows line.
    stretches: Vec<Stretch>,
    rows: u32,
}

const PARTS: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Seen {
    row: u32,
    digest: u32,
}

#[derive(Debug)]
struct Stretch {
    row: u32,
    line: u64,
    path: Arc<str>,
}

/// Whether a group stands for the first time.
pub(super) enum First {
    Here,
    /// At this place, with the same values.
    Equal(Origin),
    Other(Origin),
    TooMany,
}

impl Places {
    pub(super) fn first(&mut self, key: u64, digest: u32, origin: &Origin) -> First {
        if self.rows == super::resolver::ROWS_MAX {
            return First::TooMany;
        }
        let row = self.rows;
        self.rows += 1;
        self.follow(row, origin);
        let part = &mut self.seen[part_of(key)];
        let seen = match part.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Seen { row, digest });
                return First::Here;
            }
            Entry::Occupied(occupied) => *occupied.get(),
        };
        let place = self.place(seen.row);
        if seen.digest == digest {
            First::Equal(place)
        } else {
            First::Other(place)
        }
    }

    pub(super) fn knows(&self, key: u64) -> bool {
        self.seen[part_of(key)].contains_key(&key)
    }

    /// Begins a new stretch where a line was left out or a file began.
    fn follow(&mut self, row: u32, origin: &Origin) {
        let follows = self.stretches.last().is_some_and(|last| {
            last.path == origin.path && last.line + u64::from(row - last.row) == origin.line
        });
        if !follows {
            self.stretches.push(Stretch {
                row,
                line: origin.line,
                path: Arc::clone(&origin.path),
            });
        }
    }

    fn place(&self, row: u32) -> Origin {
        let at = self.stretches.partition_point(|stretch| stretch.row <= row);
        let stretch = &self.stretches[at.saturating_sub(1)];
        Origin {
            path: Arc::clone(&stretch.path),
            line: stretch.line + u64::from(row.saturating_sub(stretch.row)),
        }
    }
}

/// By the highest five bits.
fn part_of(key: u64) -> usize {
    usize::try_from(key >> 59).unwrap_or(0)
}
