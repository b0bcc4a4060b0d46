//! Wants deliveries sent again that had ended, so that it can be cut off anywhere: the run is paused from the first write
//! to the last, and whoever does it once more goes on where it was left.

use super::Error;
use super::pages::Pages;
use crate::clock;
use crate::delivery::{Delivery, Entry, RunEntry, RunEvent, State};
use crate::journal::{Journal, Record, Run, Written};

/// Which deliveries of a run are wanted again.
#[derive(Clone, Debug)]
pub struct Wish {
    pub state: State,
    /// Of this group alone.
    pub group: Option<String>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub chosen: u64,
    /// Of those, how many may have arrived before, and so may arrive twice.
    pub in_doubt: u64,
    /// Others that have not ended.
    pub pending: u64,
    /// How many that have ended so were left out by the plan itself, and stay so.
    pub left_out: u64,
}

impl Wish {
    fn is_meant(&self, record: &Record, delivery: &Delivery) -> bool {
        let group = self.group.as_deref();
        let is_of_group = group.is_none_or(|group| group == record.request.group_name());
        is_of_group && delivery.state() == self.state
    }

    pub async fn survey(&self, journal: &Journal, run: &Run) -> Result<Wanted, Error> {
        let mut wanted = Wanted::default();
        let mut pages = Pages::new(journal.clone(), run.clone());
        while let Some(page) = pages.read().await? {
            for (record, delivery) in &page {
                let is_meant = self.is_meant(record, delivery);
                let is_chosen = is_meant && !record.is_left_out;
                wanted.chosen += u64::from(is_chosen);
                wanted.left_out += u64::from(is_meant && record.is_left_out);
                wanted.in_doubt += u64::from(is_chosen && delivery.may_have_arrived());
                wanted.pending += u64::from(!delivery.has_ended());
            }
        }
        Ok(wanted)
    }

    /// Writes it down, and lets the run go on. It must not be open, and be as it was when `run` was read.
    pub async fn carry_out(&self, journal: &Journal, mut run: Run) -> Result<Run, Error> {
        let begun = RunEvent::Retried { state: self.state };
        note(journal, &mut run, begun).await?;
        let mut pages = Pages::new(journal.clone(), run.clone());
        while let Some(page) = pages.read().await? {
            let meant = page.iter().filter(|(record, delivery)| {
                self.is_meant(record, delivery) && !record.is_left_out
            });
            let batch: Vec<Written> = meant
                .map(|(record, delivery)| Written {
                    run: run.id,
                    number: record.number,
                    place: delivery.entries() + 1,
                    entry: Entry::Retried { at: clock::now() },
                })
                .collect();
            if !batch.is_empty() {
                journal.append_retried(&run, &batch).await?;
            }
        }
        note(journal, &mut run, RunEvent::Resumed { until: None }).await?;
        Ok(run)
    }
}

/// Every step is one from what was read and from nothing else: a run that somebody else goes on with is left alone.
async fn note(journal: &Journal, run: &mut Run, event: RunEvent) -> Result<(), Error> {
    let at = clock::now();
    journal.append_run_after(run, &event, at).await?;
    run.entries.push(RunEntry { at, event });
    Ok(())
}
