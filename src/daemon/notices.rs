//! What is not as it should be, as long as it is so.

use super::LaneName;
use crate::catalog::Catalog;
use crate::identity::{CampaignName, Moment};
use crate::journal::Notice;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// What cannot be planned is tried again after so long: an export may have come.
const TRIED_EVERY: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Notices {
    /// By kind and subject.
    present: BTreeMap<(&'static str, String), (String, i64)>,
    tried: HashMap<CampaignName, Moment>,
    is_changed: bool,
}

impl Notices {
    /// Whether that is news.
    pub(super) fn set(
        &mut self,
        kind: &'static str,
        subject: &str,
        text: &str,
        now: Moment,
    ) -> bool {
        self.set_since(kind, subject, text, now.wall_ms)
    }

    fn set_since(&mut self, kind: &'static str, subject: &str, text: &str, since_ms: i64) -> bool {
        let key = (kind, subject.to_owned());
        let before = self.present.get(&key);
        if before.is_some_and(|(before, _)| before == text) {
            return false;
        }
        let since_ms = before.map_or(since_ms, |(_, since_ms)| *since_ms);
        self.present.insert(key, (text.to_owned(), since_ms));
        self.is_changed = true;
        true
    }

    pub(super) fn has(&self, kind: &'static str, subject: &str) -> bool {
        self.present.contains_key(&(kind, subject.to_owned()))
    }

    pub(super) fn clear(&mut self, kind: &'static str, subject: &str) {
        let cleared = self.present.remove(&(kind, subject.to_owned()));
        self.is_changed |= cleared.is_some();
    }

    /// Files that cannot be used.
    pub(super) fn see_catalog(&mut self, catalog: &Catalog) {
        let stale = catalog.entries().filter_map(|entry| {
            let stale = entry.stale.as_ref()?;
            Some(("stale", entry.path.clone(), &stale.why, stale.since_ms))
        });
        let invalid = catalog
            .invalid()
            .map(|each| ("invalid", each.path.clone(), &each.why, each.since_ms));
        let all: Vec<_> = stale.chain(invalid).collect();
        let is_there = |kind: &str, subject: &str| {
            let mut all = all.iter();
            all.any(|(each, path, ..)| *each == kind && path == subject)
        };
        let before = self.present.len();
        self.present.retain(|(kind, subject), _| {
            !["stale", "invalid"].contains(kind) || is_there(kind, subject)
        });
        self.is_changed |= self.present.len() != before;
        for (kind, path, why, since_ms) in all {
            self.set_since(kind, &path, why, since_ms);
        }
    }

    /// Lanes that others hold, or nobody.
    pub(super) fn see_lanes<'a>(
        &mut self,
        others: impl Iterator<Item = (LaneName, &'a str)>,
        now: Moment,
    ) {
        let others: BTreeMap<String, &str> =
            others.map(|(lane, why)| (lane.to_string(), why)).collect();
        let before = self.present.len();
        self.present
            .retain(|(kind, subject), _| *kind != "lane" || others.contains_key(subject));
        self.is_changed |= self.present.len() != before;
        for (lane, why) in others {
            self.set("lane", &lane, why, now);
        }
    }

    /// All there are, if they are others than before.
    pub(super) fn changed(&mut self) -> Option<Vec<Notice>> {
        let is_changed = std::mem::take(&mut self.is_changed);
        let notice =
            |((kind, subject), (text, since_ms)): (&(&str, String), &(String, i64))| Notice {
                kind: (*kind).to_owned(),
                subject: subject.clone(),
                text: text.clone(),
                since_ms: *since_ms,
            };
        is_changed.then(|| self.present.iter().map(notice).collect())
    }

    /// It could not be planned just now.
    pub(super) fn tried(&mut self, name: &CampaignName, now: Moment) {
        self.tried.insert(name.clone(), now);
    }

    pub(super) fn may_try(&self, name: &CampaignName, now: Moment) -> bool {
        let tried = self.tried.get(name);
        tried.is_none_or(|tried| now.age_of(*tried).is_none_or(|age| age >= TRIED_EVERY))
    }

    /// Its file is another, so that all may be well.
    pub(super) fn forget_tries(&mut self, name: &CampaignName) {
        self.tried.remove(name);
    }
}
