//! Which runs of the lane are taken in already: what was found may be older than what was done since.

use crate::journal::RunId;
use std::collections::HashMap;

#[derive(Debug, Default)]
pub(super) struct Lookout {
    looks: u64,
    is_looking: bool,
    /// Up to which look what is found of a run is old.
    old: HashMap<RunId, u64>,
}

impl Lookout {
    /// The number of a new look, unless one is under way.
    pub(super) fn begin(&mut self) -> Option<u64> {
        if self.is_looking {
            return None;
        }
        self.is_looking = true;
        self.looks += 1;
        Some(self.looks)
    }

    pub(super) fn end(&mut self) {
        self.is_looking = false;
    }

    pub(super) fn taken(&mut self, run: RunId) {
        self.old.insert(run, u64::MAX);
    }

    /// It was left; a look that began by now may still show it as it was.
    pub(super) fn settled(&mut self, run: RunId) {
        self.old.insert(run, self.looks);
    }

    pub(super) fn is_new(&self, look: u64, run: RunId) -> bool {
        self.old.get(&run).is_none_or(|old| look > *old)
    }
}
