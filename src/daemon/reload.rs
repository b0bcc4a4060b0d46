//! What becomes of schedules and runs when files change.

use super::problems::unplanned;
use super::renewing::watched;
use super::roster::{Post, utc};
use super::{Daemon, Error, Event};
use crate::agenda::{Civil, Decided, Disposition, Grounds, Reason};
use crate::catalog::{self, Changes, Entry, Invalid};
use crate::clock;
use crate::delivery::{PauseReason, RunEvent, RunState};
use crate::identity::{CampaignName, Moment, RunName};
use crate::journal::{DaemonCommand, Problem, ScheduleCursor, ScheduleKey};
use crate::schedule::{Occurrence, Schedule, Slot};
use crate::seeded_bug::SeededBug;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::Arc;

/// Files that do not come to rest are told of after this time.
const UNSETTLED_MS: i64 = 10_000;

impl Daemon {
    /// The first look: what was known before this process is taken up again.
    pub(super) async fn first_look(&mut self) -> Result<(), Error> {
        let known = self.journal.schedule_cursors().await?;
        self.look(known).await
    }

    /// Looks at the files, and does what changed.
    pub(super) async fn refresh(&mut self) -> Result<(), Error> {
        self.look(HashMap::new()).await
    }

    /// `known`: what the journal knows of schedules that nobody here does.
    async fn look(&mut self, known: HashMap<ScheduleKey, ScheduleCursor>) -> Result<(), Error> {
        self.unmet.extend(known);
        self.take_files(clock::now()).await?;
        self.problems.see_catalog(&self.catalog);
        self.watch
            .follow(watched(&self.catalog, &self.settings_file));
        Ok(())
    }

    async fn take_files(&mut self, now: Moment) -> Result<(), Error> {
        match self.catalog.refresh(now.wall_ms) {
            Ok(changes) => {
                self.poll_again(false);
                self.problems.clear(&Problem::StillChanging);
                self.problems.clear(&Problem::MassRemoval);
                self.problems.clear(&self.folder_problem());
                self.take_in(changes, now).await
            }
            Err(catalog::Error::Unsettled { why, since_ms }) => {
                self.poll_again(true);
                let is_long = now.wall_ms - since_ms >= UNSETTLED_MS;
                if is_long && self.problems.set(Problem::StillChanging, &why, now) {
                    self.tell(Event::Unsettled { since_ms, why });
                }
                Ok(())
            }
            Err(catalog::Error::Disappeared { gone, of }) => {
                self.poll_again(false);
                self.refuse_disappearance(gone, of, now);
                Ok(())
            }
            Err(error) => {
                self.poll_again(false);
                let why = error.to_string();
                if self.problems.set(self.folder_problem(), &why, now) {
                    self.tell(Event::Invalid {
                        path: self.settings.campaigns.clone(),
                        campaign: None,
                        why,
                    });
                }
                Ok(())
            }
        }
    }

    fn folder_problem(&self) -> Problem {
        Problem::Folder {
            path: self.settings.campaigns.clone(),
        }
    }

    fn refuse_disappearance(&mut self, gone: usize, of: usize, now: Moment) {
        let text = format!("{gone} of {of} campaigns are gone at once");
        if self.problems.set(Problem::MassRemoval, &text, now) {
            self.tell(self.disappeared(gone, of));
        }
    }

    pub(super) fn disappeared(&self, gone: usize, of: usize) -> Event {
        Event::Disappeared {
            gone: gone as u64,
            of: of as u64,
            command: format!("campanile release --gone{}", self.flag),
        }
    }

    /// The next look believes that campaigns are gone, however many.
    pub(super) fn believe_gone(&mut self) {
        self.catalog.confirm_disappearance();
        self.is_gone_confirmed = true;
    }

    async fn take_in(&mut self, changes: Changes, now: Moment) -> Result<(), Error> {
        let is_first = !self.is_loaded;
        self.is_loaded = true;
        let met = changes.added.iter().chain(&changes.changed);
        let met: Vec<CampaignName> = met.chain(&changes.mended).cloned().collect();
        let mut cursors = Vec::new();
        for name in &met {
            self.problems.forget_tries(name);
            self.problems.clear(&unplanned(name));
            cursors.extend(self.meet(name, now).await?);
        }
        self.journal.save_schedule_cursors(&cursors).await?;
        for name in &changes.removed {
            self.part(name, PauseReason::CampaignGone).await?;
        }
        self.forget_unmet(now).await?;
        self.tell_changes(changes, is_first);
        Ok(())
    }

    fn tell_changes(&self, changes: Changes, is_first: bool) {
        for Invalid {
            path, name, why, ..
        } in changes.invalid
        {
            self.tell(Event::Invalid {
                path,
                campaign: name,
                why,
            });
        }
        if let Some(path) = changes.ignored_lock {
            let why =
                "git seems to have left it behind; the files are read all the same".to_owned();
            self.tell(Event::Invalid {
                path,
                campaign: None,
                why,
            });
        }
        for campaign in changes.mended {
            self.tell(Event::Mended { campaign });
        }
        let Changes {
            added,
            changed,
            removed,
            ..
        } = changes;
        let is_any = !added.is_empty() || !changed.is_empty() || !removed.is_empty();
        if is_any && !is_first {
            self.tell(Event::Reloaded {
                added,
                changed,
                removed,
            });
        }
    }

    /// A campaign as it is now: its schedule counts from here on, unless it is the one that counted before.
    async fn meet(
        &mut self,
        name: &CampaignName,
        now: Moment,
    ) -> Result<Option<ScheduleCursor>, Error> {
        let Some(entry) = self.catalog.get(name).cloned() else {
            return Ok(None);
        };
        let key = match self.reached(&entry) {
            Ok(reached) => ScheduleKey {
                app: reached.vendor_app.clone(),
                campaign: name.clone(),
            },
            Err(reason) => {
                self.problems.set(unplanned(name), &reason.to_string(), now);
                self.roster.remove(name);
                return Ok(None);
            }
        };
        let Some(schedule) = entry.schedule.clone().filter(|_| entry.enabled) else {
            let reason = if entry.enabled {
                None
            } else {
                Some(PauseReason::CampaignDisabled)
            };
            self.rest(&key, reason).await?;
            return Ok(None);
        };
        self.lanes.want(&key.app, entry.channel);
        let before = self.roster.remove(name).map(|post| post.cursor);
        let unmet = self.unmet.remove(&key);
        if let Some(through_another) = before.as_ref().filter(|before| before.key != key) {
            self.journal.forget_schedule(&through_another.key).await?;
        }
        let before = before.filter(|before| before.key == key).or(unmet);
        let cursor = self.counted(&entry, &schedule, (key, before), now).await?;
        let (wake, next) = ahead(&schedule, cursor.settled_ms, now);
        let cursor = ScheduleCursor {
            next: next
                .as_ref()
                .map(|next| (Civil::of(next), next.at.timestamp_millis())),
            ..cursor
        };
        let post = Post {
            looked_ms: cursor.settled_ms,
            cursor: cursor.clone(),
            next,
            wake,
            starting: None,
            start_by: None,
        };
        self.roster.set(name, post);
        Ok(Some(cursor))
    }

    /// From when on a schedule counts.
    async fn counted(
        &mut self,
        entry: &Entry,
        schedule: &Arc<Schedule>,
        (key, before): (ScheduleKey, Option<ScheduleCursor>),
        now: Moment,
    ) -> Result<ScheduleCursor, Error> {
        let digest = schedule.digest().to_string();
        match before {
            Some(before) if before.schedule == digest && before.zone == schedule.zone() => {
                return Ok(ScheduleCursor {
                    settled_ms: before.settled_ms.min(now.wall_ms),
                    ..before
                });
            }
            Some(before) => self.overtaken(&entry.name, &before, now).await?,
            None => {}
        }
        Ok(ScheduleCursor {
            key,
            schedule: digest,
            zone: schedule.zone(),
            settled_ms: if SeededBug::PastFires.is_active() {
                0
            } else {
                now.wall_ms
            },
            next: None,
        })
    }

    /// What was due by a schedule that is another by now, and has no state.
    async fn overtaken(
        &mut self,
        name: &CampaignName,
        before: &ScheduleCursor,
        now: Moment,
    ) -> Result<(), Error> {
        let due = before.next.filter(|(_, at_ms)| *at_ms <= now.wall_ms);
        let Some((civil, at_ms)) = due.filter(|(_, at_ms)| *at_ms > before.settled_ms) else {
            return Ok(());
        };
        let taken = self
            .journal
            .resolved_occurrences(&before.key, before.zone, civil.local);
        let Some(at) = DateTime::from_timestamp_millis(at_ms) else {
            return Ok(());
        };
        if taken.await?.contains(&civil) {
            return Ok(());
        }
        let grounds = Grounds::from(Reason::ScheduleChanged);
        let run = RunName {
            campaign: name.clone(),
            local: civil.local,
            ordinal: 1,
            test: false,
        };
        let decided = Decided {
            civil,
            at: at.with_timezone(&before.zone),
            disposition: Disposition::Missed,
            grounds: grounds.clone(),
        };
        self.journal.decide(before, &[decided], now).await?;
        self.tell(Event::Missed { run, grounds });
        Ok(())
    }

    /// A campaign that is there no more.
    async fn part(&mut self, name: &CampaignName, reason: PauseReason) -> Result<(), Error> {
        self.problems.clear(&unplanned(name));
        if let Some(post) = self.roster.get(name).cloned() {
            self.rest(&post.cursor.key, Some(reason)).await?;
        }
        Ok(())
    }

    /// Nothing of it is due any more; what is open of it is paused, if there is a reason for that.
    async fn rest(&mut self, key: &ScheduleKey, reason: Option<PauseReason>) -> Result<(), Error> {
        let on = self.roster.get(&key.campaign);
        let was_on = on.is_some_and(|post| post.key() == key);
        if was_on {
            self.roster.remove(&key.campaign);
        }
        let was_known = self.unmet.remove(key).is_some();
        if !was_on && !was_known {
            return Ok(());
        }
        self.journal.forget_schedule(key).await?;
        let Some(reason) = reason else {
            return Ok(());
        };
        let open = self
            .runs
            .of(key)
            .filter(|run| run.state() == RunState::Open);
        let open: Vec<_> = open.map(|run| run.id).collect();
        for run in open {
            let event = RunEvent::Paused { reason };
            self.journal.append_run(run, &event, clock::now()).await?;
        }
        Ok(())
    }

    /// Campaigns that the journal knows and the folder does not have. Where a file cannot be read its campaign may be the
    /// one that is missing.
    async fn forget_unmet(&mut self, now: Moment) -> Result<(), Error> {
        if self.unmet.is_empty() {
            self.is_gone_confirmed = false;
            return Ok(());
        }
        let folder = catalog::Folder {
            settings: &self.settings,
            repository: &self.repository,
        };
        let unreadable = self
            .catalog
            .invalid()
            .filter_map(|each| folder.name_of(&each.path));
        let unreadable: Vec<String> = unreadable.collect();
        let is_gone =
            |key: &&ScheduleKey| !unreadable.iter().any(|name| name == key.campaign.as_str());
        let gone = self.unmet.keys().filter(is_gone).cloned();
        // What goes through another app now is not gone; a run of it that is open is sent on.
        let (moved, gone): (Vec<ScheduleKey>, Vec<ScheduleKey>) =
            gone.partition(|key| self.catalog.get(&key.campaign).is_some());
        for key in moved {
            self.rest(&key, None).await?;
        }
        let of = gone.len() + self.roster.names().len();
        if catalog::is_too_much(gone.len(), of) && !self.is_gone_confirmed {
            self.refuse_disappearance(gone.len(), of, now);
            return Ok(());
        }
        self.is_gone_confirmed = false;
        for key in gone {
            self.rest(&key, Some(PauseReason::CampaignGone)).await?;
        }
        Ok(())
    }

    /// Carries out what operators told the daemon to do.
    pub(super) async fn carry_out_commands(&mut self) -> Result<(), Error> {
        for command in self.journal.take_commands().await? {
            match command {
                DaemonCommand::ConfirmRemoval => {
                    if let Some(git) = &self.git {
                        git.confirm();
                    }
                    self.believe_gone();
                    Box::pin(self.refresh()).await?;
                    self.forget_unmet(clock::now()).await?;
                    self.problems.clear(&Problem::MassRemoval);
                }
            }
        }
        Ok(())
    }

    /// The clock was set back: what is to come by it now was settled by the clock before.
    pub(super) fn set_back(&mut self, now: Moment) {
        for name in self.roster.names() {
            let Some(mut post) = self.roster.remove(&name) else {
                continue;
            };
            post.cursor.settled_ms = post.cursor.settled_ms.min(now.wall_ms);
            post.looked_ms = post.looked_ms.min(now.wall_ms);
            post.wake = Some(utc(now));
            self.roster.set(&name, post);
        }
    }
}

/// When a schedule is to be looked at that is settled so far, and what fires next after now.
fn ahead(
    schedule: &Schedule,
    settled_ms: i64,
    now: Moment,
) -> (Option<DateTime<Utc>>, Option<Occurrence>) {
    let settled = DateTime::from_timestamp_millis(settled_ms).unwrap_or_default();
    let wake = schedule
        .slots(settled)
        .next()
        .map(|slot| slot.at().to_utc());
    let next = schedule.slots(utc(now)).find_map(Slot::firing);
    (wake, next.as_ref().map(Occurrence::of))
}
