//! Plans ahead of their slots: the audience is read, everything is rendered and staged, one campaign at a time.

use super::Error;
use crate::agenda::Reason;
use crate::campaign::Campaign;
use crate::executor::{self, Complaints, Staged, finish_by_ms};
use crate::files::{Repository, Stamp, revision};
use crate::identity::{CampaignName, Digest, Moment, OccurrenceKey};
use crate::journal::{Journal, Opening, PlanId};
use crate::plan::Frame;
use crate::schedule::Occurrence;
use crate::settings::App;
use crate::source::in_a_line;
use std::collections::{BTreeMap, VecDeque};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What a plan was made from: one that was made from anything else is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// The settings, as often as they changed.
    pub(super) settings: u64,
    /// The campaign's text and its texts.
    pub(super) campaign: Digest,
    /// What it reads, as it is on the disk.
    pub(super) files: Vec<(String, Option<Stamp>)>,
}

/// A plan that waits for its slot.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) occurrence: Occurrence,
    pub(super) plan: PlanId,
    pub(super) opening: Opening,
    pub(super) made_from: Fingerprint,
}

/// What is to be planned.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) campaign: Campaign,
    pub(super) app: App,
    pub(super) occurrence: Occurrence,
    pub(super) frame: Frame,
    pub(super) key: OccurrenceKey,
    pub(super) made_from: Fingerprint,
    pub(super) now: Moment,
}

/// The plan, or why there is none.
pub(super) type Made = Result<Ready, Reason>;

#[derive(Debug)]
struct UnderWay {
    name: CampaignName,
    occurrence: Occurrence,
    made: JoinHandle<Result<Made, Error>>,
}

#[derive(Debug, Default)]
pub(super) struct Preparer {
    ready: BTreeMap<CampaignName, Ready>,
    under_way: Option<UnderWay>,
    /// Occurrences that are due, one of a campaign. Their campaigns decide nothing until these plans are made, so a plan
    /// ahead never takes their place.
    due: VecDeque<Job>,
    /// Occurrences that are to come, one of a campaign.
    ahead: VecDeque<Job>,
}

impl Preparer {
    /// Queues a plan in the place of the campaign's earlier one of its kind.
    pub(super) fn want(&mut self, job: Job, is_due: bool) {
        let is_of_other = |other: &Job| other.campaign.name != job.campaign.name;
        self.ahead.retain(is_of_other);
        if is_due {
            self.due.retain(is_of_other);
            self.due.push_back(job);
        } else {
            self.ahead.push_back(job);
        }
    }

    /// Whether the plan of an occurrence is made, or being made, or is to be.
    pub(super) fn has(&self, name: &CampaignName, occurrence: &Occurrence) -> bool {
        let is_it = |each: &Occurrence| each == occurrence;
        let queued = self.due.iter().chain(&self.ahead);
        let mut queued = queued.filter(|job| job.campaign.name == *name);
        self.ready
            .get(name)
            .is_some_and(|ready| is_it(&ready.occurrence))
            || self.is_under_way(name, occurrence)
            || queued.any(|job| is_it(&job.occurrence))
    }

    pub(super) fn is_under_way(&self, name: &CampaignName, occurrence: &Occurrence) -> bool {
        let job = self.under_way.as_ref();
        job.is_some_and(|job| job.name == *name && job.occurrence == *occurrence)
    }

    pub(super) fn ready(&self) -> impl Iterator<Item = (&CampaignName, &Ready)> {
        self.ready.iter()
    }

    pub(super) fn take(&mut self, name: &CampaignName) -> Option<Ready> {
        self.ready.remove(name)
    }

    pub(super) fn keep(&mut self, name: &CampaignName, ready: Ready) -> Option<Ready> {
        self.ready.insert(name.clone(), ready)
    }

    /// Nothing more is planned.
    pub(super) fn stop(&mut self) -> Vec<PlanId> {
        self.due.clear();
        self.ahead.clear();
        let ready = std::mem::take(&mut self.ready);
        ready.into_values().map(|ready| ready.plan).collect()
    }

    /// Waits for the plan that is being made; for ever if there is none.
    pub(super) async fn made(
        &mut self,
        journal: &Journal,
        repository: &Repository,
    ) -> Result<(CampaignName, Occurrence, Made), Error> {
        if self.under_way.is_none() {
            let next = self.due.pop_front();
            let Some(job) = next.or_else(|| self.ahead.pop_front()) else {
                return std::future::pending().await;
            };
            self.under_way = Some(begin(job, journal.clone(), repository.clone()));
        }
        let made = match &mut self.under_way {
            Some(under_way) => (&mut under_way.made).await,
            None => return std::future::pending().await,
        };
        match self.under_way.take() {
            Some(UnderWay {
                name, occurrence, ..
            }) => Ok((name, occurrence, made??)),
            None => std::future::pending().await,
        }
    }
}

/// Rendering is work for a thread that nobody waits on.
fn begin(job: Job, journal: Journal, repository: Repository) -> UnderWay {
    let (name, occurrence) = (job.campaign.name.clone(), job.occurrence.clone());
    let runtime = Handle::current();
    let made =
        tokio::task::spawn_blocking(move || runtime.block_on(make(job, journal, repository)));
    UnderWay {
        name,
        occurrence,
        made,
    }
}

async fn make(job: Job, journal: Journal, repository: Repository) -> Result<Made, Error> {
    let Job {
        campaign,
        app,
        occurrence,
        frame,
        key,
        made_from,
        now,
    } = job;
    let over = finish_by_ms(&campaign, &occurrence).filter(|by| *by <= now.wall_ms);
    if over.is_some() {
        return Ok(Err(Reason::Overdue));
    }
    let staged = executor::stage(&journal, &repository, &campaign, &frame, now).await?;
    let Staged { plan, header, .. } = match staged {
        Ok(staged) => staged,
        Err(complaints) => return Ok(Err(told(complaints))),
    };
    if header.planned == header.skipped {
        journal.discard(plan).await?;
        return Ok(Err(Reason::NoTargets));
    }
    let opening = Opening {
        revision: revision(repository.root()),
        is_scheduled: true,
        ..executor::opening(&app, &campaign, &occurrence, (key, header))
    };
    Ok(Ok(Ready {
        occurrence,
        plan,
        opening,
        made_from,
    }))
}

fn told(complaints: Complaints) -> Reason {
    let (shown, more) = complaints.shown();
    Reason::PlanInvalid {
        why: in_a_line(&shown, more).unwrap_or_else(|| "it is not valid".to_owned()),
    }
}
