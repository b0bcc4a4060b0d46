//! The schedules as the scheduler knows them: from the files, or from the journal where a file cannot be read.

use super::journal_queue::Request;
use super::problems::unplanned;
use super::{Daemon, Reached};
use crate::catalog::{self, Entry};
use crate::clock;
use crate::identity::{CampaignName, Digest, Moment};
use crate::journal::{ScheduleCursor, StoredDefinition};
use crate::schedule::{Occurrence, StoredSchedule};
use crate::scheduler::{
    Civil, Cursor, Definition, Departure, Event as SchedulerEvent, Reason, ScheduleKey,
};
use crate::settings::{Hours, OnInvalid};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Schedules that the journal knows.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Those of which no file has been seen since the start. A campaign that goes through another app now has several.
    unmet: BTreeMap<CampaignName, Vec<ScheduleCursor>>,
    /// Campaigns whose files were invalid at the start, so that the journal's definition holds.
    restored: BTreeSet<CampaignName>,
}

impl Stored {
    pub(super) fn new(cursors: HashMap<ScheduleKey, ScheduleCursor>) -> Stored {
        let mut unmet: BTreeMap<CampaignName, Vec<ScheduleCursor>> = BTreeMap::new();
        for (key, cursor) in cursors {
            unmet.entry(key.campaign).or_default().push(cursor);
        }
        Stored {
            unmet,
            restored: BTreeSet::new(),
        }
    }

    /// Whether it is still open what becomes of a campaign that the scheduler does not know.
    pub(super) fn has(&self, name: &CampaignName) -> bool {
        self.unmet.contains_key(name)
    }

    fn names(&self) -> Vec<CampaignName> {
        let names = self.unmet.keys().chain(&self.restored);
        names.cloned().collect()
    }
}

impl Daemon {
    /// Tells the scheduler what the file of a campaign says now.
    pub(super) fn define(&mut self, name: &CampaignName) {
        let Some(entry) = self.catalog.get(name).cloned() else {
            return;
        };
        self.stored.restored.remove(name);
        if !entry.enabled {
            return self.depart(name, Departure::Disabled);
        }
        match self.definition(&entry) {
            Ok(Some(definition)) => {
                self.problems.clear(&unplanned(name));
                self.lanes.want(&definition.key.app, entry.channel);
                self.introduce(definition);
            }
            Ok(None) => self.depart(name, Departure::Unscheduled),
            Err(reason) => {
                let why = reason.to_string();
                self.problems.set(unplanned(name), &why, clock::now());
                // Until then the schedule before it holds its occurrences.
                self.hold_unmet(name, &why);
            }
        }
    }

    /// `None`: it has no schedule.
    fn definition(&self, entry: &Entry) -> Result<Option<Definition>, Reason> {
        let Some(schedule) = entry.schedule.clone() else {
            return Ok(None);
        };
        let stale = entry.stale.as_ref();
        let stale = stale.filter(|_| self.settings.on_invalid == OnInvalid::Hold);
        let zone = schedule.zone();
        Ok(Some(Definition {
            key: ScheduleKey {
                app: self.reached(entry)?.vendor_app.clone(),
                campaign: entry.name.clone(),
            },
            hours: entry.window.map(|window| Hours { window, zone }),
            schedule,
            invalid: stale.map(|stale| stale.why.clone()),
            version: self.version(entry),
        }))
    }

    /// Differs whenever a plan that was made before may differ.
    pub(super) fn version(&self, entry: &Entry) -> Digest {
        let mut hasher = Digest::over("what a plan is made from");
        let repository = self.catalog.repository_of(entry);
        hasher.part(&self.generation.to_be_bytes());
        hasher.part(entry.digest().to_string().as_bytes());
        let reads = entry.reads.iter().map(String::as_str);
        for path in std::iter::once(entry.path.as_str()).chain(reads) {
            hasher.part(path.as_bytes());
            let stamp = format!("{:?}", repository.stamp(path));
            hasher.part(stamp.as_bytes());
        }
        hasher.finish()
    }

    /// A campaign that the journal knows goes on where it was.
    fn introduce(&mut self, definition: Definition) {
        let name = &definition.key.campaign;
        let mut unmet = self.stored.unmet.remove(name).unwrap_or_default();
        let same_app = unmet.iter().position(|each| each.key == definition.key);
        let before = (!unmet.is_empty()).then(|| unmet.swap_remove(same_app.unwrap_or(0)));
        self.forget_all(unmet, Departure::AppChanged);
        let cursor = before.and_then(|before| self.go_on_from(before, &definition));
        let definition = Box::new(definition);
        self.drive(SchedulerEvent::Defined { definition, cursor });
    }

    /// Returns the cursor if the schedule is the one that the journal knows. Otherwise the scheduler ends that one first.
    fn go_on_from(&mut self, before: ScheduleCursor, now: &Definition) -> Option<Cursor> {
        let is_same = before.schedule == now.schedule.digest().to_string();
        if before.key == now.key && (is_same || before.definition.is_none()) {
            return Some(before.cursor);
        }
        match restored(&before) {
            Some(definition) => self.drive(SchedulerEvent::Defined {
                definition: Box::new(definition),
                cursor: Some(before.cursor),
            }),
            None => self.forget_all(vec![before], Departure::AppChanged),
        }
        None
    }

    /// A campaign is not sent by its schedule any more.
    pub(super) fn depart(&mut self, name: &CampaignName, departure: Departure) {
        self.problems.clear(&unplanned(name));
        self.stored.restored.remove(name);
        let mut unmet = self.stored.unmet.remove(name).unwrap_or_default();
        // What was due while no daemon served gets its state as well.
        if let Some((at, definition)) = first_restored(&unmet) {
            let cursor = Some(unmet.swap_remove(at).cursor);
            let definition = Box::new(definition);
            self.drive(SchedulerEvent::Defined { definition, cursor });
        }
        self.forget_all(unmet, departure);
        let campaign = name.clone();
        self.drive(SchedulerEvent::Departed {
            campaign,
            departure,
        });
    }

    fn forget_all(&self, cursors: Vec<ScheduleCursor>, departure: Departure) {
        for ScheduleCursor { key, .. } in cursors {
            self.journal_queue.also(Request::Forget { key, departure });
        }
    }

    /// Decides what becomes of campaigns that the journal knows and no file describes. Where a file cannot be read, its
    /// campaign is held as the journal knows it.
    pub(super) fn settle_unmet(&mut self, now: Moment) {
        let folder = catalog::Folder {
            settings: &self.settings,
            repository: &self.repository,
        };
        let names = self.stored.names();
        if names.is_empty() {
            self.is_gone_confirmed = false;
            return;
        }
        let invalid = self.catalog.invalid();
        let invalid = invalid.filter_map(|each| Some((folder.name_of(&each.path)?, &each.why)));
        let invalid: HashMap<String, String> =
            invalid.map(|(name, why)| (name, why.clone())).collect();
        let mut gone = Vec::new();
        for name in names {
            match invalid.get(name.as_str()) {
                Some(why) => self.hold_unmet(&name, why),
                // Its app is not in use.
                None if self.catalog.get(&name).is_some() => {}
                None => gone.push(name),
            }
        }
        let of = gone.len() + self.catalog.entries().count();
        if catalog::is_too_much(gone.len(), of) && !self.is_gone_confirmed {
            return self.refuse_disappearance(gone.len(), of, now);
        }
        self.is_gone_confirmed = false;
        for name in gone {
            self.depart(&name, Departure::FileRemoved);
        }
    }

    fn hold_unmet(&mut self, name: &CampaignName, why: &str) {
        let unmet = self.stored.unmet.get(name);
        let restored = unmet.and_then(|unmet| first_restored(unmet));
        let before = self.scheduler.definition(name).cloned();
        let Some(definition) = restored.map(|(_, restored)| restored).or(before) else {
            return;
        };
        if definition.invalid.as_deref() != Some(why) {
            self.stored.restored.insert(name.clone());
            let invalid = Some(why.to_owned());
            self.introduce(Definition {
                invalid,
                ..definition
            });
        }
    }

    /// The app that an entry is sent through.
    pub(super) fn reached(&self, entry: &Entry) -> Result<&Reached, Reason> {
        let app = self.settings.app(entry.app.as_ref());
        let app = app.map_err(|found| Reason::PlanInvalid { why: found.message })?;
        let reached = self.apps.iter();
        let mut reached = reached.filter(|reached| reached.app.role == app.role);
        reached.next().ok_or_else(|| Reason::AppAdded {
            app: app.role.clone(),
        })
    }
}

fn first_restored(cursors: &[ScheduleCursor]) -> Option<(usize, Definition)> {
    let restored = cursors.iter().map(restored).enumerate();
    let mut restored = restored.filter_map(|(at, definition)| Some((at, definition?)));
    restored.next()
}

/// The schedule as the journal knows it.
fn restored(cursor: &ScheduleCursor) -> Option<Definition> {
    let StoredDefinition { schedule, window } = cursor.definition.as_ref()?;
    let schedule = schedule.restore()?;
    let zone = schedule.zone();
    let window = window.as_ref().and_then(|window| window.parse().ok());
    Some(Definition {
        key: cursor.key.clone(),
        schedule: Arc::new(schedule),
        hours: window.map(|window| Hours { window, zone }),
        invalid: None,
        version: Digest::of("what a plan is made from", []),
    })
}

/// The cursor with the schedule, as the journal keeps them.
pub(super) fn stored(
    definition: &Definition,
    cursor: Cursor,
    next: Option<&Occurrence>,
) -> ScheduleCursor {
    let schedule = &definition.schedule;
    let window = definition.hours.map(|hours| hours.window.to_string());
    ScheduleCursor {
        key: definition.key.clone(),
        schedule: schedule.digest().to_string(),
        zone: schedule.zone(),
        cursor,
        next: next.map(|next| (Civil::of(next), next.at.timestamp_millis())),
        definition: Some(StoredDefinition {
            schedule: StoredSchedule::of(schedule),
            window,
        }),
    }
}
