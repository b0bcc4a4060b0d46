//! A run's deliveries, a page at a time: first those that are under way, then those never tried, or not since they
//! were wanted again.

use super::Error;
use crate::delivery::{Counts, Delivery, State};
use crate::dispatch::Job;
use crate::identity::DeliveryNumber;
use crate::journal::{Journal, Record, Run};

/// Deliveries of one read.
const PAGE: u32 = 1_000;

/// The counts of a run, folded from its entries and from nothing else.
pub async fn count(journal: &Journal, run: &Run) -> Result<Counts, Error> {
    Ok(count_open(journal, run).await?.0)
}

/// The same, and how many of those pending may have been delivered already.
pub async fn count_open(journal: &Journal, run: &Run) -> Result<(Counts, u64), Error> {
    let (mut counts, mut open) = (Counts::default(), 0);
    let mut pages = Pages::new(journal.clone(), run.clone());
    while let Some(page) = pages.read().await? {
        for (_, delivery) in &page {
            counts.add(delivery.state());
            open += u64::from(delivery.state() == State::InFlight);
        }
    }
    run.check_whole(&counts)?;
    Ok((counts, open))
}

/// Of how many deliveries an attempt may have left.
pub async fn count_begun(journal: &Journal, run: &Run) -> Result<u64, Error> {
    let mut pages = Pages::new(journal.clone(), run.clone());
    Ok(pages.under_way().await?.first_attempts)
}

#[derive(Debug)]
pub(super) struct Pages {
    journal: Journal,
    run: Run,
    after: Option<DeliveryNumber>,
}

/// How a run stands when it is taken up.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// What was tried and has not ended.
    pub(super) jobs: Vec<Job>,
    pub(super) counts: Counts,
    /// Deliveries of which an attempt may have left.
    pub(super) first_attempts: u64,
}

impl Pages {
    pub(super) fn new(journal: Journal, run: Run) -> Pages {
        Pages {
            journal,
            run,
            after: None,
        }
    }

    /// Every delivery that was tried and has not ended, and the counts of all. Reads the whole run, unless it is new.
    pub(super) async fn under_way(&mut self) -> Result<UnderWay, Error> {
        if !self.journal.is_touched(self.run.id).await? {
            let Run {
                planned, skipped, ..
            } = self.run;
            let counts = Counts {
                planned,
                skipped,
                pending: planned - skipped,
                ..Counts::default()
            };
            return Ok(UnderWay {
                counts,
                ..UnderWay::default()
            });
        }
        let mut found = UnderWay::default();
        while let Some(page) = self.read().await? {
            for (_, delivery) in &page {
                found.counts.add(delivery.state());
                let has_left = delivery.on_wire().is_some() || !delivery.is_first_attempt();
                found.first_attempts += u64::from(has_left);
            }
            let tried = page
                .into_iter()
                .filter(|(_, delivery)| !delivery.is_untried());
            found.jobs.extend(tried.filter_map(unended));
        }
        self.run.check_whole(&found.counts)?;
        self.after = None;
        Ok(found)
    }

    /// The next deliveries that are untried; an empty page is the last.
    pub(super) async fn fresh(&mut self) -> Result<Vec<Job>, Error> {
        while let Some(page) = self.read().await? {
            let untried = page
                .into_iter()
                .filter(|(_, delivery)| delivery.is_untried());
            let jobs: Vec<Job> = untried.filter_map(unended).collect();
            if !jobs.is_empty() {
                return Ok(jobs);
            }
        }
        Ok(Vec::new())
    }

    pub(super) async fn read(&mut self) -> Result<Option<Vec<(Record, Delivery)>>, Error> {
        let page = self
            .journal
            .page(self.run.id, self.run.channel, self.after, PAGE)
            .await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        self.after = Some(last.number);
        let folded = page.into_iter().map(|record| {
            let delivery = record.fold()?;
            Ok((record, delivery))
        });
        folded.collect::<Result<_, Error>>().map(Some)
    }
}

fn unended((record, delivery): (Record, Delivery)) -> Option<Job> {
    let job = Job {
        number: record.number,
        request: record.request,
        delivery,
    };
    (!job.delivery.has_ended()).then_some(job)
}
