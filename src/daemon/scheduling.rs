//! The scheduler decides; here its effects are carried out, and their answers are taken back to it.

use super::definitions::stored;
use super::journal_queue::{Answer, Opened, Request, Viewed};
use super::plans::{Job, Planned};
use super::problems::unplanned;
use super::{Daemon, Error, Event, Together, run_name};
use crate::clock;
use crate::executor;
use crate::identity::{CampaignName, Moment, RunName};
use crate::journal::{DaemonCommand, Problem, Recorded, UnsentOccurrence};
use crate::schedule::Occurrence;
use crate::scheduler::{
    Civil, Disposition, Effect, EffectId, Event as SchedulerEvent, Fault, Grounds, Notice,
    OpenResult, Reason, ScheduleKey,
};
use crate::seeded_bug::SeededBug;
use crate::source::{Blame, in_a_line};
use std::collections::VecDeque;
use std::time::Duration;

/// A journal that seems not to have changed is looked at all the same after so long.
const BELIEVED: Duration = Duration::from_mins(1);

impl Daemon {
    /// Gives the scheduler an event, and carries out what it wants.
    pub(super) fn drive(&mut self, event: SchedulerEvent) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for (id, effect) in self.scheduler.handle(event, clock::now()) {
                events.extend(self.perform(id, effect));
            }
        }
    }

    /// Carries an effect out, or has it carried out. Returns the answer where there is one at once.
    fn perform(&mut self, id: EffectId, effect: Effect) -> Option<SchedulerEvent> {
        let request = match effect {
            Effect::Look { key, zone, from } => Request::Look { key, zone, from },
            Effect::Withdraw { now_ms } => Request::Withdraw { now_ms },
            Effect::Forget { key, departure } => Request::Forget { key, departure },
            Effect::Record {
                definition,
                cursor,
                next,
                decided,
            } => Request::Record(Box::new(Recorded {
                cursor: stored(&definition, cursor, next.as_ref()),
                decided,
            })),
            Effect::Open {
                key,
                occurrence,
                plan,
            } => {
                let Some(ready) = self.fitting(&key, plan) else {
                    let result = OpenResult::Outdated;
                    return Some(SchedulerEvent::Opened { id, result });
                };
                Request::Open {
                    occurrence,
                    plan,
                    ready,
                }
            }
            Effect::Plan {
                definition,
                occurrence,
                is_due,
            } => match self.job(&definition.key.campaign, &occurrence) {
                Ok(job) => {
                    self.plans.add(id, is_due, job);
                    return None;
                }
                Err(fault) => return Some(SchedulerEvent::PlanFailed { id, fault }),
            },
            Effect::Urge { plan } => {
                self.plans.urge(plan);
                return None;
            }
            Effect::Drop { plan } => {
                if let Some(rows) = self.plans.drop_plan(plan) {
                    self.journal_queue.also(Request::Discard(rows));
                }
                return None;
            }
            Effect::Cancel { effect } => {
                self.journal_queue.cancel(effect);
                return None;
            }
            Effect::Notify(notice) => {
                self.notice(notice);
                return None;
            }
        };
        self.journal_queue.request(id, request);
        None
    }

    /// A plan that is ready and would be the same one now.
    fn fitting(&self, key: &ScheduleKey, plan: EffectId) -> Option<Box<super::plans::Ready>> {
        let ready = self.plans.ready(plan)?;
        let entry = self.catalog.get(&key.campaign)?;
        let is_same =
            ready.version == self.version(entry) || SeededBug::ProvisionalPlanKept.is_active();
        is_same.then(|| Box::new(ready.clone()))
    }

    fn job(&self, name: &CampaignName, occurrence: &Occurrence) -> Result<Job, Fault> {
        let author = Fault::Author;
        let entry = self.catalog.get(name);
        let entry = entry.ok_or_else(|| author(self.why_absent(name)))?;
        let campaign = entry.campaign(&self.settings);
        let campaign = campaign.map_err(|found| {
            let why = in_a_line(&found, 0).unwrap_or_else(|| "its file is invalid".to_owned());
            match Blame::of(&found) {
                Blame::Author => author(Reason::PlanInvalid { why }),
                Blame::Machine => Fault::Machine(why),
            }
        })?;
        let reached = self.reached(entry).map_err(author)?;
        let app = reached.app.clone();
        let of_app = (&app, reached.vendor_app.clone());
        let (frame, key) = executor::frame(of_app, &campaign, occurrence, 1);
        // What must not be older than so long at its slot must not be then.
        let now = clock::now();
        let at_ms = occurrence.at.timestamp_millis();
        let now = Moment {
            wall_ms: now.wall_ms.max(at_ms),
            ..now
        };
        Ok(Job {
            version: self.version(entry),
            repository: self.catalog.repository_of(entry).clone(),
            campaign,
            app,
            occurrence: occurrence.clone(),
            frame,
            key,
            now,
        })
    }

    /// Why a campaign is not scheduled.
    fn why_absent(&self, name: &CampaignName) -> Reason {
        let definition = self.scheduler.definition(name);
        let invalid = definition.and_then(|definition| definition.invalid.clone());
        match (invalid, self.catalog.get(name)) {
            (Some(why), None) => Reason::FileInvalid { why },
            (None, None) => Reason::FileGone,
            (_, Some(entry)) if entry.enabled => Reason::Unscheduled,
            (_, Some(_)) => Reason::NotEnabled,
        }
    }

    /// An attempt to plan has come to its end.
    pub(super) fn planned(&mut self, (id, planned): Planned) {
        self.drive(match planned {
            Ok(planned) => SchedulerEvent::PlanReady { id, planned },
            Err(fault) => SchedulerEvent::PlanFailed { id, fault },
        });
    }

    /// Plans that are under way are not given up; those that are ready and would be others now are made again.
    pub(super) fn look_after_plans(&mut self, now: Moment) {
        let alive = self.plans.alive(now);
        if !alive.is_empty() {
            self.drive(SchedulerEvent::PlansAlive(alive));
        }
        let is_other = |(name, version): &(&CampaignName, _)| {
            let entry = self.catalog.get(name);
            entry.is_some_and(|entry| self.version(entry) != *version)
        };
        let others = self.plans.versions().filter(is_other);
        let others: Vec<CampaignName> = others.map(|(name, _)| name.clone()).collect();
        for name in others {
            self.define(&name);
        }
    }

    /// Has the journal read if it may have changed.
    pub(super) fn look_at_journal(&mut self, now: Moment) {
        let (stamp, at) = &self.viewed;
        // Two commits in one moment may leave one stamp.
        let is_recent = now.boot_ns.saturating_sub(at.boot_ns) < nanoseconds(BELIEVED);
        let is_same = stamp.is_some_and(|stamp| stamp == self.journal.stamp());
        if self.is_viewing || (is_same && is_recent) {
            return;
        }
        self.is_viewing = true;
        self.viewed.1 = now;
        self.journal_queue.also(Request::View);
    }

    /// Takes an answer of the journal.
    pub(super) fn answered(&mut self, answer: Answer) -> Result<(), Error> {
        match answer {
            Answer::Done(event) => self.drive(event),
            Answer::Opened(opened) => self.opened(*opened),
            Answer::Viewed(viewed) => self.viewed(*viewed),
            Answer::NotViewed => {
                self.is_viewing = false;
                self.viewed.0 = None;
            }
            Answer::NotReported => self.problems.report_again(),
            Answer::Reported | Answer::NotDone => {}
            Answer::Tidied { is_done } => self.tidied(is_done),
            Answer::Settled {
                is_settled,
                run,
                disposition,
                reason,
            } => {
                if is_settled {
                    let together = Together {
                        first: run.clone(),
                        count: 1,
                    };
                    self.tell_decided(run, disposition, (reason.into(), together));
                }
            }
            Answer::Broken(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn opened(&mut self, opened: Opened) {
        let Opened {
            id,
            plan,
            run,
            name,
            app,
            channel,
            planned,
            late_ms,
        } = opened;
        self.plans.forget(plan);
        self.lanes.begin(&app, channel, run);
        self.open_runs += 1;
        self.tell(Event::Opened {
            run: name.clone(),
            planned,
            late_ms,
        });
        let result = OpenResult::Opened { run: name };
        self.drive(SchedulerEvent::Opened { id, result });
    }

    fn viewed(&mut self, viewed: Viewed) {
        let Viewed {
            view,
            events,
            lanes,
            open,
            waiting,
            commands,
            stamp,
        } = viewed;
        self.is_viewing = false;
        self.viewed.0 = Some(stamp);
        self.open_runs = open;
        self.tell_found(events);
        for (app, channel) in lanes {
            self.lanes.want(&app, channel);
        }
        self.drive(SchedulerEvent::Journal(Box::new(view)));
        if self.is_loaded {
            self.settle_orphans(waiting);
        }
        for command in commands {
            self.carry_out(command);
        }
    }

    /// Occurrences that wait although no schedule of their campaign is there to decide about them.
    fn settle_orphans(&self, waiting: Vec<UnsentOccurrence>) {
        for UnsentOccurrence {
            key, disposition, ..
        } in waiting
        {
            let name = &key.campaign;
            let is_known = self.scheduler.definition(name).is_some();
            let disposition = match disposition {
                Disposition::Released => Disposition::Held,
                Disposition::Queued => Disposition::Skipped,
                Disposition::Held | Disposition::Missed | Disposition::Skipped => continue,
            };
            if !is_known && !self.stored.has(name) {
                let reason = self.why_absent(name);
                let settled = Box::new((key, disposition, reason));
                self.journal_queue.also(Request::Settle(settled));
            }
        }
    }

    /// Carries out what an operator told the daemon to do.
    fn carry_out(&mut self, command: DaemonCommand) {
        match command {
            DaemonCommand::ConfirmRemoval => {
                if let Some(git) = &self.git {
                    git.confirm();
                }
                self.believe_gone();
                self.refresh();
                self.settle_unmet(clock::now());
                self.problems.clear(&Problem::MassRemoval);
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Decided {
                campaign,
                disposition,
                first,
                last,
                count,
                grounds,
            } => {
                let named = |civil: Civil| RunName {
                    campaign: campaign.clone(),
                    local: civil.local,
                    ordinal: 1,
                    test: false,
                };
                let together = Together {
                    first: named(first),
                    count: count as u64 + grounds.omitted,
                };
                self.tell_decided(named(last), disposition, (grounds, together));
            }
            Notice::Planned {
                campaign,
                occurrence,
                planned,
            } => self.tell(Event::Prepared {
                run: run_name(&campaign, &occurrence),
                planned,
                at_ms: occurrence.at.timestamp_millis(),
            }),
            Notice::PlanningFailed {
                campaign,
                occurrence,
                why,
            } => {
                let text = why.to_string();
                self.problems.set(unplanned(&campaign), &text, clock::now());
                self.tell(Event::Unprepared {
                    run: run_name(&campaign, &occurrence),
                    at_ms: occurrence.at.timestamp_millis(),
                    reason: why,
                });
            }
            Notice::PlanningRecovered { campaign } => self.problems.clear(&unplanned(&campaign)),
            Notice::Replanned {
                campaign,
                occurrence,
            } => self.tell(Event::PreparedAnew {
                run: run_name(&campaign, &occurrence),
            }),
            Notice::ClockStepped { by_ms } => self.tell(Event::ClockStepped { by_ms }),
        }
    }

    fn tell_decided(
        &self,
        run: RunName,
        disposition: Disposition,
        (grounds, together): (Grounds, Together),
    ) {
        let option = grounds.reason.release_option();
        let command = format!("campanile release {run}{option}{}", self.flag);
        self.tell(match disposition {
            Disposition::Missed => Event::Missed {
                run,
                grounds,
                together,
            },
            Disposition::Held => Event::Held {
                run,
                grounds,
                command,
            },
            Disposition::Queued => Event::Queued { run, grounds },
            Disposition::Skipped | Disposition::Released => Event::Skipped {
                run,
                grounds,
                together,
            },
        });
    }
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
