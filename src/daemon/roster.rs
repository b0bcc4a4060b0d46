//! When each schedule is to be looked at next.

use crate::identity::{CampaignName, Moment};
use crate::journal::{ScheduleCursor, ScheduleKey};
use crate::schedule::Occurrence;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// A campaign with a schedule that counts.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) cursor: ScheduleCursor,
    /// Everything up to here was decided, but for what is being planned.
    pub(super) looked_ms: i64,
    /// What fires next.
    pub(super) next: Option<Occurrence>,
    /// When it is looked at again by itself.
    pub(super) wake: Option<DateTime<Utc>>,
    /// What is due and is being planned.
    pub(super) starting: Option<Occurrence>,
    /// Later than this it is not begun, unless a person wants it.
    pub(super) start_by: Option<DateTime<Utc>>,
}

impl Post {
    pub(super) fn key(&self) -> &ScheduleKey {
        &self.cursor.key
    }

    pub(super) fn settled(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.cursor.settled_ms).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Roster {
    posts: BTreeMap<CampaignName, Post>,
    wakes: BTreeSet<(DateTime<Utc>, CampaignName)>,
    /// By what fires next.
    nexts: BTreeSet<(DateTime<Utc>, CampaignName)>,
}

impl Roster {
    pub(super) fn get(&self, name: &CampaignName) -> Option<&Post> {
        self.posts.get(name)
    }

    pub(super) fn set(&mut self, name: &CampaignName, post: Post) {
        self.remove(name);
        let next = post.next.as_ref().map(|next| next.at.to_utc());
        self.nexts.extend(next.map(|at| (at, name.clone())));
        self.wakes.extend(post.wake.map(|at| (at, name.clone())));
        self.posts.insert(name.clone(), post);
    }

    pub(super) fn remove(&mut self, name: &CampaignName) -> Option<Post> {
        let post = self.posts.remove(name)?;
        if let Some(wake) = post.wake {
            self.wakes.remove(&(wake, name.clone()));
        }
        if let Some(next) = &post.next {
            self.nexts.remove(&(next.at.to_utc(), name.clone()));
        }
        Some(post)
    }

    pub(super) fn names(&self) -> Vec<CampaignName> {
        self.posts.keys().cloned().collect()
    }

    /// Those that are to be looked at by now.
    pub(super) fn due(&self, now: DateTime<Utc>) -> Vec<CampaignName> {
        let due = self.wakes.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, name)| name.clone()).collect()
    }

    /// Those whose next occurrence comes before `until`, the earliest first.
    pub(super) fn ahead(
        &self,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = (&CampaignName, &Post)> {
        let ahead = self.nexts.iter().take_while(move |(at, _)| *at <= until);
        ahead.filter_map(|(_, name)| Some((name, self.posts.get(name)?)))
    }

    pub(super) fn first_wake(&self) -> Option<DateTime<Utc>> {
        self.wakes.first().map(|(at, _)| *at)
    }

    pub(super) fn first(&self) -> Option<(&CampaignName, &Occurrence)> {
        let (_, name) = self.nexts.first()?;
        Some((name, self.posts.get(name)?.next.as_ref()?))
    }
}

/// The wall clock's instant as the schedules have it.
pub(super) fn utc(moment: Moment) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(moment.wall_ms).unwrap_or_default()
}
