//! The durable store: entries, and what is folded from them.

use super::coverage::{Coverage, Stage};
use super::{Id, at};
use campanile::workbench::{Counts, Delivery, Entry, Moment, Random, RecentRandoms};

/// An entry on its way in.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) id: Id,
    pub(super) place: u32,
    pub(super) entry: Entry,
}

#[derive(Debug)]
pub(super) struct Journal {
    /// By run and number.
    kept: Vec<Vec<Kept>>,
    /// Every Started, in the order of the commits.
    starts: Vec<(Moment, Random)>,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) entries: Vec<Entry>,
    pub(super) folded: Delivery,
    stage: Stage,
}

impl Journal {
    pub(super) fn new(targets: impl Iterator<Item = u32>) -> Journal {
        let run = |targets| (0..targets).map(|_| Kept::default()).collect();
        Journal {
            kept: targets.map(run).collect(),
            starts: Vec::new(),
        }
    }

    pub(super) fn of(&self, id: Id) -> &Kept {
        &self.kept[at(id.0)][at(id.1)]
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Id, &Kept)> {
        let runs = (0..).zip(&self.kept);
        runs.flat_map(|(run, each)| {
            (0..)
                .zip(each)
                .map(move |(number, kept)| ((run, number), kept))
        })
    }

    pub(super) fn of_run(&self, run: u32) -> impl Iterator<Item = &Kept> {
        self.kept[at(run)].iter()
    }

    /// One transaction: all of it is durable, or nothing.
    pub(super) fn commit(
        &mut self,
        batch: &[Written],
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        for Written { id, place, entry } in batch {
            let kept = &mut self.kept[at(id.0)][at(id.1)];
            if at(*place) != kept.entries.len() + 1 {
                return Err(format!("delivery {id:?}: two entries have place {place}"));
            }
            let kind = coverage.meet(kept.stage, entry, &kept.folded)?;
            kept.folded
                .apply(entry)
                .map_err(|illegal| format!("delivery {id:?}: {illegal}"))?;
            kept.stage = kept.stage.next(kind, &kept.folded);
            kept.entries.push(entry.clone());
            if let Entry::Started { random, at, .. } = entry {
                self.starts.push((*at, *random));
            }
        }
        Ok(())
    }

    /// The counts of a run, folded from its entries and from nothing else.
    pub(super) fn counts(&self, run: u32) -> Counts {
        let mut counts = Counts::default();
        for kept in &self.kept[at(run)] {
            counts.add(kept.folded.state());
        }
        counts
    }

    /// As the journal of the program tells it to the next holder of a lane, of which no world has more than it reads.
    pub(super) fn lane_history(&self, now: Moment) -> (Option<Moment>, RecentRandoms) {
        let mut starts = self.starts.clone();
        starts.sort_by_key(|(at, _)| at.wall_ms);
        let mut randoms = RecentRandoms::default();
        for (at, random) in &starts {
            randoms.remember(*random, *at);
        }
        let since_boot = starts.iter().map(|(at, _)| *at);
        let since_boot = since_boot.filter(|at| at.boot_id == now.boot_id);
        (since_boot.max_by_key(|at| at.boot_ns), randoms)
    }
}
