//! What is due is decided by the agenda; here it is carried out.

use super::preparing::{Fingerprint, Job, Made, Ready};
use super::problems::unplanned;
use super::roster::{Post, utc};
use super::{Daemon, Error, Event, run_name};
use crate::agenda::{self, Agenda, Civil, Decided, Disposition, Reason, Standing, Waiting};
use crate::catalog::Entry;
use crate::clock;
use crate::executor;
use crate::identity::{CampaignName, Moment, OccurrenceKey, RunName};
use crate::journal::{self, PausedCampaign, ScheduleCursor, ScheduleKey, UnsentOccurrence};
use crate::schedule::{Occurrence, Schedule};
use crate::seeded_bug::SeededBug;
use crate::settings::{Hours, OnInvalid};
use crate::source::in_a_line;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How long before its slot a plan is made.
const AHEAD: TimeDelta = TimeDelta::minutes(10);
/// Plans that wait at a time.
const READY_MAX: usize = 1_000;

impl Daemon {
    /// Looks at a campaign and does what is to be done of it now.
    pub(super) async fn decide(&mut self, name: &CampaignName, now: Moment) -> Result<(), Error> {
        let post = self.roster.get(name).filter(|post| post.starting.is_none());
        let Some(post) = post.cloned() else {
            return Ok(());
        };
        let Some(schedule) = self
            .catalog
            .get(name)
            .and_then(|entry| entry.schedule.clone())
        else {
            return Ok(());
        };
        // Whoever pauses a campaign is promised that nothing of it starts from then on.
        self.paused = self.journal.paused_campaigns().await?;
        if let Some(released) = self.released(&post) {
            let post = Post {
                start_by: None,
                ..post
            };
            return self.start(name, post, released, now).await;
        }
        let agenda = self.agenda(name, &post, &schedule, now).await?;
        self.tell_decided(name, &agenda.decided);
        let next_before = post.cursor.next;
        let mut post = looked_at(post, &agenda, now);
        if let Some(start) = &agenda.start {
            // Whoever dies before it is opened finds it due again.
            post.cursor.settled_ms = start.at.timestamp_millis() - 1;
            // What waited for another counts from now on.
            let is_queued = self.waits(post.key(), Disposition::Queued).is_some();
            let due = if is_queued {
                utc(now)
            } else {
                start.at.to_utc()
            };
            post.start_by = Some(due + schedule.start_within);
        }
        // Where nothing was due nothing has to be known of it later.
        let is_other = next_before != post.cursor.next && agenda.start.is_none();
        if !agenda.decided.is_empty() || is_other {
            self.journal
                .decide(&post.cursor, &agenda.decided, now)
                .await?;
        }
        if !agenda.decided.is_empty() {
            self.waiting = self.journal.waiting().await?;
        }
        if let Some(occurrence) = agenda.start {
            return self.start(name, post, occurrence, now).await;
        }
        self.roster.set(name, post);
        Ok(())
    }

    async fn agenda(
        &self,
        name: &CampaignName,
        post: &Post,
        schedule: &Arc<Schedule>,
        now: Moment,
    ) -> Result<Agenda, Error> {
        let entry = self.catalog.get(name);
        let stale = entry.and_then(|entry| entry.stale.as_ref());
        let stale = stale.filter(|_| self.settings.on_invalid == OnInvalid::Hold);
        let paused = self.paused_by(name);
        let open = self.open_of(post.key());
        let queued = self.queued(post.key()).await?;
        let hours = entry.and_then(|entry| entry.window).map(|window| Hours {
            window,
            zone: schedule.zone(),
        });
        let settled = post.settled().min(utc(now));
        let standing = Standing {
            campaign: name,
            schedule,
            hours,
            settled,
            taken: &self.taken(post, schedule, settled).await?,
            paused: paused.map(|paused| paused.by),
            stale: stale.map(|stale| stale.why.as_str()),
            open: open.as_ref(),
            queued: queued.as_ref(),
        };
        Ok(agenda::decide(&standing, utc(now)))
    }

    /// Civil times are asked for from a day before, since a clock may have been put back since.
    async fn taken(
        &self,
        post: &Post,
        schedule: &Schedule,
        settled: DateTime<Utc>,
    ) -> Result<BTreeSet<Civil>, Error> {
        let zone = schedule.zone();
        let from = settled.with_timezone(&zone).naive_local() - TimeDelta::days(1);
        Ok(self
            .journal
            .resolved_occurrences(post.key(), zone, from)
            .await?)
    }

    /// What of a campaign is open: a run, or an occurrence that is held.
    fn open_of(&self, key: &ScheduleKey) -> Option<RunName> {
        let run = self.runs.of(key).next().map(journal::Run::name);
        let held = self
            .waits(key, Disposition::Held)
            .map(|held| held.key.run_name());
        run.or(held)
    }

    fn waits(&self, key: &ScheduleKey, disposition: Disposition) -> Option<&UnsentOccurrence> {
        self.waiting.iter().find(|each| {
            each.disposition == disposition
                && each.key.campaign == key.campaign
                && each.key.app == key.app
        })
    }

    /// What a person let go on, once nothing of its campaign is open.
    fn released(&self, post: &Post) -> Option<Occurrence> {
        let released = self.waits(post.key(), Disposition::Released)?;
        let is_open = self.runs.of(post.key()).next().is_some();
        (!is_open).then(|| occurrence_of(released)).flatten()
    }

    async fn queued(&self, key: &ScheduleKey) -> Result<Option<Waiting>, Error> {
        let Some(queued) = self.waits(key, Disposition::Queued) else {
            return Ok(None);
        };
        let Some(occurrence) = occurrence_of(queued) else {
            return Ok(None);
        };
        let runs = self.journal.runs_of(&key.campaign).await?;
        let ended = runs
            .iter()
            .filter(|run| run.key.app == key.app && run.state().is_finished());
        let ended_ms = ended
            .filter_map(|run| run.last_entry())
            .map(|last| last.at.wall_ms)
            .max();
        Ok(Some(Waiting {
            occurrence,
            free: ended_ms.and_then(DateTime::from_timestamp_millis),
        }))
    }

    /// Opens what was planned for it, or has it planned now.
    async fn start(
        &mut self,
        name: &CampaignName,
        mut post: Post,
        occurrence: Occurrence,
        now: Moment,
    ) -> Result<(), Error> {
        let ready = self.preparer.take(name);
        if let Some(ready) = ready {
            let is_it = ready.occurrence == occurrence;
            if is_it && self.is_current(name, &ready) {
                return self.open(name, post, ready).await;
            }
            self.journal.discard(ready.plan).await?;
            if is_it {
                self.tell(Event::PreparedAnew {
                    run: run_name(name, &occurrence),
                });
            }
        }
        if SeededBug::CheckpointMovedEarly.is_active() {
            post.cursor.settled_ms = post.looked_ms;
            self.journal.decide(&post.cursor, &[], now).await?;
        }
        let is_under_way = self.preparer.is_under_way(name, &occurrence);
        match self.job(name, &occurrence, now) {
            Ok(job) => {
                // What it comes to is looked at when it is made.
                if !is_under_way {
                    self.preparer.want(job, true);
                }
                post.starting = Some(occurrence);
                // Nothing else of it is decided before that is.
                post.wake = None;
                self.roster.set(name, post);
                Ok(())
            }
            Err(reason) => self.hold(name, post, &occurrence, reason).await,
        }
    }

    async fn open(
        &mut self,
        name: &CampaignName,
        mut post: Post,
        ready: Ready,
    ) -> Result<(), Error> {
        let Ready {
            occurrence,
            plan,
            opening,
            ..
        } = ready;
        let opened = self.journal.open_run(plan, &opening, clock::now()).await;
        let now = clock::now();
        match opened {
            Ok(id) => {
                let (app, channel) = (&opening.key.app, opening.header.channel);
                self.lanes.begin(app, channel, id);
                let late_ms = now.wall_ms - occurrence.at.timestamp_millis();
                self.tell(Event::Opened {
                    run: opening.key.run_name(),
                    planned: opening.header.planned,
                    late_ms: u64::try_from(late_ms).unwrap_or(0),
                });
                self.runs.add(self.journal.run(id).await?);
            }
            // Somebody else sent it.
            Err(journal::Error::AlreadyOpen(_) | journal::Error::Pruned(_)) => {
                self.journal.discard(plan).await?;
            }
            Err(journal::Error::PlanGone) => {
                post.starting = None;
                return Box::pin(self.start(name, post, occurrence, now)).await;
            }
            Err(error) => return Err(error.into()),
        }
        self.settle(name, post, &[], now).await
    }

    fn paused_by(&self, name: &CampaignName) -> Option<&PausedCampaign> {
        let mut paused = self.paused.iter();
        paused.find(|each| each.campaign == name.as_str())
    }

    /// The occurrence has its state now; whatever came meanwhile is looked at next.
    async fn settle(
        &mut self,
        name: &CampaignName,
        mut post: Post,
        decided: &[Decided],
        now: Moment,
    ) -> Result<(), Error> {
        if post.starting.take().is_some() {
            post.wake = Some(utc(now));
        }
        post.cursor.settled_ms = post.looked_ms;
        self.problems.clear(&unplanned(name));
        self.journal.decide(&post.cursor, decided, now).await?;
        self.waiting = self.journal.waiting().await?;
        self.roster.set(name, post);
        Ok(())
    }

    /// It cannot be sent as it is.
    async fn hold(
        &mut self,
        name: &CampaignName,
        post: Post,
        occurrence: &Occurrence,
        reason: Reason,
    ) -> Result<(), Error> {
        let decided = [Decided::of(occurrence, Disposition::Held, reason)];
        self.tell_decided(name, &decided);
        self.settle(name, post, &decided, clock::now()).await
    }

    /// A plan is made, or cannot be.
    pub(super) async fn made(
        &mut self,
        name: &CampaignName,
        occurrence: &Occurrence,
        made: Made,
    ) -> Result<(), Error> {
        let post = self.roster.get(name).cloned();
        let is_due = |post: &Post| post.starting.as_ref() == Some(occurrence);
        let is_late = |post: &Post| post.start_by.is_some_and(|by| by < utc(clock::now()));
        let is_fit = |ready: &Ready| self.is_current(name, ready);
        match (made, post) {
            (Ok(ready), Some(post)) if is_due(&post) && is_late(&post) => {
                self.journal.discard(ready.plan).await?;
                let reason = Reason::PlanNotReady;
                let decided = [Decided::of(occurrence, Disposition::Missed, reason)];
                self.tell_decided(name, &decided);
                self.settle(name, post, &decided, clock::now()).await
            }
            (Ok(ready), Some(post)) if is_due(&post) && is_fit(&ready) => {
                self.open(name, post, ready).await
            }
            // What it was made from changed in the meantime.
            (Ok(ready), Some(mut post)) if is_due(&post) => {
                self.journal.discard(ready.plan).await?;
                post.starting = None;
                self.start(name, post, occurrence.clone(), clock::now())
                    .await
            }
            (Err(reason), Some(post)) if is_due(&post) => {
                self.hold(name, post, occurrence, reason).await
            }
            (Ok(ready), Some(post)) if post.next.as_ref() == Some(occurrence) && is_fit(&ready) => {
                self.problems.clear(&unplanned(name));
                self.tell(Event::Prepared {
                    run: run_name(name, occurrence),
                    planned: ready.opening.header.planned,
                    at_ms: occurrence.at.timestamp_millis(),
                });
                if let Some(before) = self.preparer.keep(name, ready) {
                    self.journal.discard(before.plan).await?;
                }
                Ok(())
            }
            (Ok(ready), _) => Ok(self.journal.discard(ready.plan).await?),
            (Err(reason), _) => {
                let now = clock::now();
                if self.problems.set(unplanned(name), &reason.to_string(), now) {
                    self.tell(Event::Unprepared {
                        run: run_name(name, occurrence),
                        at_ms: occurrence.at.timestamp_millis(),
                        reason,
                    });
                }
                self.problems.tried(name, now);
                Ok(())
            }
        }
    }

    /// Plans what comes next, and plans anew what is not as it was.
    pub(super) async fn prepare_ahead(&mut self, now: Moment) -> Result<(), Error> {
        let ready = self.preparer.ready();
        let unfit = ready.filter(|(name, ready)| {
            let next = self.roster.get(name).and_then(|post| post.next.as_ref());
            next != Some(&ready.occurrence) || !self.is_current(name, ready)
        });
        let unfit: Vec<CampaignName> = unfit.map(|(name, _)| name.clone()).collect();
        for name in unfit {
            if let Some(ready) = self.preparer.take(&name) {
                self.journal.discard(ready.plan).await?;
            }
        }
        let room = READY_MAX.saturating_sub(self.preparer.ready().count());
        let wanted: Vec<(CampaignName, Occurrence)> = self
            .roster
            .ahead(utc(now) + AHEAD)
            .filter_map(|(name, post)| Some((name.clone(), post.next.clone()?)))
            .filter(|(name, next)| self.is_worth_preparing(name, next, now))
            .take(room)
            .collect();
        for (name, occurrence) in wanted {
            match self.job(&name, &occurrence, now) {
                Ok(job) => self.preparer.want(job, false),
                Err(reason) => Box::pin(self.made(&name, &occurrence, Err(reason))).await?,
            }
        }
        Ok(())
    }

    fn is_worth_preparing(&self, name: &CampaignName, next: &Occurrence, now: Moment) -> bool {
        self.paused_by(name).is_none()
            && !self.preparer.has(name, next)
            && self.problems.may_try(name, now)
    }

    fn job(
        &self,
        name: &CampaignName,
        occurrence: &Occurrence,
        now: Moment,
    ) -> Result<Job, Reason> {
        let entry = self.catalog.get(name).ok_or(Reason::FileGone)?;
        let campaign = entry.campaign(&self.settings);
        let campaign = campaign.map_err(|found| Reason::PlanInvalid {
            why: in_a_line(&found, 0).unwrap_or_else(|| "its file is invalid".to_owned()),
        })?;
        let reached = self.reached(entry)?;
        let vendor_app = reached.vendor_app.clone();
        let app = reached.app.clone();
        let (frame, key) = executor::frame((&app, vendor_app), &campaign, occurrence, 1);
        // What must not be older than so long at its slot must not be then.
        let at_ms = occurrence.at.timestamp_millis();
        let now = Moment {
            wall_ms: now.wall_ms.max(at_ms),
            ..now
        };
        Ok(Job {
            made_from: self.fingerprint(name).ok_or(Reason::FileGone)?,
            campaign,
            app,
            occurrence: occurrence.clone(),
            frame,
            key,
            now,
        })
    }

    pub(super) fn reached(&self, entry: &Entry) -> Result<&super::Reached, Reason> {
        let app = self.settings.app(entry.app.as_ref());
        let app = app.map_err(|found| Reason::PlanInvalid { why: found.message })?;
        let reached = self
            .apps
            .iter()
            .find(|reached| reached.app.role == app.role);
        reached.ok_or_else(|| Reason::AppAdded {
            app: app.role.clone(),
        })
    }

    /// Decides whether a plan made now would be the one that is ready.
    fn is_current(&self, name: &CampaignName, ready: &Ready) -> bool {
        self.fingerprint(name).is_some_and(|present| {
            present == ready.made_from || SeededBug::ProvisionalPlanKept.is_active()
        })
    }

    /// What a plan of the campaign would be made from at present.
    fn fingerprint(&self, name: &CampaignName) -> Option<Fingerprint> {
        let entry = self.catalog.get(name)?;
        let files =
            std::iter::once(entry.path.as_str()).chain(entry.reads.iter().map(String::as_str));
        let files = files.map(|path| (path.to_owned(), self.repository.stamp(path)));
        Some(Fingerprint {
            settings: self.generation,
            campaign: entry.digest(),
            files: files.collect(),
        })
    }

    fn tell_decided(&self, name: &CampaignName, decided: &[Decided]) {
        for each in decided {
            let run = RunName {
                campaign: name.clone(),
                local: each.civil.local,
                ordinal: 1,
                test: false,
            };
            let grounds = each.grounds.clone();
            let command = format!("campanile release {run}{}", self.flag);
            self.tell(match each.disposition {
                Disposition::Missed => Event::Missed { run, grounds },
                Disposition::Held => Event::Held {
                    run,
                    grounds,
                    command,
                },
                Disposition::Queued => Event::Queued { run, grounds },
                Disposition::Skipped | Disposition::Released => Event::Skipped { run, grounds },
            });
        }
    }
}

fn looked_at(post: Post, agenda: &Agenda, now: Moment) -> Post {
    let next = agenda.next.as_ref().map(|next| {
        let civil = Civil::of(next);
        (civil, next.at.timestamp_millis())
    });
    Post {
        looked_ms: now.wall_ms,
        cursor: ScheduleCursor {
            settled_ms: now.wall_ms,
            next,
            ..post.cursor
        },
        next: agenda.next.clone(),
        wake: agenda.wake,
        starting: None,
        start_by: None,
    }
}

fn occurrence_of(waiting: &UnsentOccurrence) -> Option<Occurrence> {
    let OccurrenceKey { zone, fold, .. } = waiting.key;
    let at = DateTime::from_timestamp_millis(waiting.at_ms)?;
    Some(Occurrence {
        at: at.with_timezone(&zone),
        fold,
    })
}
