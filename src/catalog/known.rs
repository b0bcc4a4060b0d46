//! What is known of the campaigns: what their files say now, and what they said while they could be used.

use super::entry::{Changes, Entry, Invalid, Stale};
use super::error::Unusable;
use super::tree::{Fault, Tree};
use crate::files::Repository;
use crate::identity::CampaignName;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) entries: Entries,
    /// Files that never were campaigns, by their paths.
    pub(super) invalid: BTreeMap<String, Invalid>,
}

/// Each shared with the tree while it is not stale.
type Entries = BTreeMap<CampaignName, Arc<Entry>>;

/// Files that cannot be used, by their paths.
type Faults<'a> = BTreeMap<&'a str, Fault>;

impl Known {
    /// What is known once the files are as they are in `tree`.
    pub(super) fn next(&self, tree: &Tree, read_from: &Repository, now_ms: i64) -> Known {
        let (mut entries, mut faults) = sorted(tree);
        let stale = |before: &Entry, path: &str, fault: Fault| {
            Arc::new(stale(before, path.to_owned(), fault, (read_from, now_ms)))
        };
        self.keep_by_path(&mut entries, &mut faults, stale);
        self.keep_by_name(&mut entries, &mut faults, stale);
        let invalid = faults.into_iter().map(|(path, fault)| {
            let before = self.invalid.get(path);
            let invalid = Invalid {
                path: path.to_owned(),
                name: None,
                since_ms: before.map_or(now_ms, |before| before.since_ms),
                why: fault.why,
            };
            (path.to_owned(), invalid)
        });
        Known {
            invalid: invalid.collect(),
            entries,
        }
    }

    /// A file that was a campaign stays that campaign until it is one again.
    fn keep_by_path(
        &self,
        entries: &mut Entries,
        faults: &mut Faults<'_>,
        stale: impl Fn(&Entry, &str, Fault) -> Arc<Entry>,
    ) {
        for before in self.entries.values() {
            if entries.contains_key(&before.name) {
                continue;
            }
            if let Some(fault) = faults.remove(before.path.as_str()) {
                let kept = stale(before, &before.path, fault);
                entries.insert(kept.name.clone(), kept);
            }
        }
    }

    /// So does one that was moved to a file which cannot be used.
    fn keep_by_name(
        &self,
        entries: &mut Entries,
        faults: &mut Faults<'_>,
        stale: impl Fn(&Entry, &str, Fault) -> Arc<Entry>,
    ) {
        faults.retain(|path, fault| {
            let before = fault.name.as_ref().and_then(|name| self.entries.get(name));
            let lost = before.filter(|before| !entries.contains_key(&before.name));
            let Some(before) = lost else { return true };
            let kept = stale(before, path, fault.clone());
            entries.insert(kept.name.clone(), kept);
            false
        });
    }

    /// What has become of `before`. `is_all`: what all campaigns rely on is another now.
    pub(super) fn changes(&self, before: &Known, is_all: bool) -> Changes {
        let mut changes = Changes::default();
        for (name, entry) in &self.entries {
            let Some(old) = before.entries.get(name) else {
                changes.added.push(name.clone());
                continue;
            };
            let is_other = is_all || entry.digest != old.digest || entry.path != old.path;
            match (&entry.stale, &old.stale) {
                (Some(stale), old) if old.as_ref().is_none_or(|old| old.why != stale.why) => {
                    changes.invalid.push(told(entry, stale));
                }
                (Some(_), _) => {}
                (None, old) => {
                    if is_other {
                        changes.changed.push(name.clone());
                    }
                    if old.is_some() {
                        changes.mended.push(name.clone());
                    }
                }
            }
        }
        let is_gone = |name: &&CampaignName| !self.entries.contains_key(*name);
        changes.removed = before.entries.keys().filter(is_gone).cloned().collect();
        let is_new = |invalid: &&Invalid| {
            let old = before.invalid.get(&invalid.path);
            old.is_none_or(|old| old.why != invalid.why)
        };
        let invalid = self.invalid.values().filter(is_new);
        changes.invalid.extend(invalid.cloned());
        changes
    }
}

fn told(entry: &Entry, stale: &Stale) -> Invalid {
    Invalid {
        path: entry.path.clone(),
        name: Some(entry.name.clone()),
        since_ms: stale.since_ms,
        why: stale.why.clone(),
    }
}

/// The campaigns that can be used, and what is wrong with the other files. Of two with one name neither can.
fn sorted(tree: &Tree) -> (Entries, Faults<'_>) {
    let mut named: BTreeMap<&CampaignName, Vec<&Arc<Entry>>> = BTreeMap::new();
    let mut faults = Faults::new();
    for (path, read) in tree.campaigns() {
        match read {
            Ok(entry) => named.entry(&entry.name).or_default().push(entry),
            Err(fault) => drop(faults.insert(path, fault.clone())),
        }
    }
    let mut entries = BTreeMap::new();
    for (name, found) in named {
        if let [entry] = found.as_slice() {
            entries.insert(name.clone(), Arc::clone(entry));
            continue;
        }
        for (at, entry) in found.iter().enumerate() {
            let other = found[usize::from(at == 0)];
            faults.insert(&entry.path, twice(name, &entry.path, &other.path));
        }
    }
    (entries, faults)
}

fn twice(name: &CampaignName, path: &str, other: &str) -> Fault {
    let why = Unusable::Twice {
        name: name.to_string(),
        path: path.to_owned(),
        other: other.to_owned(),
    };
    Fault {
        name: Some(name.clone()),
        why: why.to_string(),
    }
}

fn stale(
    before: &Entry,
    path: String,
    fault: Fault,
    (read_from, now_ms): (&Repository, i64),
) -> Entry {
    let old = before.stale.as_ref();
    let old = old.map(|stale| (stale.since_ms, &stale.repository));
    let (since_ms, repository) = old.unwrap_or((now_ms, read_from));
    Entry {
        path,
        stale: Some(Stale {
            since_ms,
            why: fault.why,
            repository: repository.clone(),
        }),
        ..before.clone()
    }
}
