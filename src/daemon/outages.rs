//! Reports of times in which the journal cannot be written. They come from memory: nothing can be recorded then.

use super::Event;
use crate::identity::Moment;
use crate::journal::{Journal, Outage};
use std::time::Duration;
use tokio::sync::watch;

/// How long an outage lasts before it is reported: another program may hold the lock for a few seconds.
const REPORTED_AFTER: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct OutageReports {
    outages: watch::Receiver<Option<Outage>>,
    /// When the outage began that was reported and is not over.
    reported: Option<Moment>,
}

impl OutageReports {
    pub(super) fn new(journal: &Journal) -> OutageReports {
        OutageReports {
            outages: journal.outages(),
            reported: None,
        }
    }

    /// Returns what is new: an outage that has lasted for a while, or its end.
    pub(super) fn next(&mut self, now: Moment) -> Option<Event> {
        let outage = self.outages.borrow();
        let Some(outage) = outage.as_ref() else {
            let lasted = now.age_of(self.reported.take()?).unwrap_or_default();
            let lasted_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
            return Some(Event::JournalRecovered { lasted_ms });
        };
        let is_old = now
            .age_of(outage.since)
            .is_some_and(|age| age >= REPORTED_AFTER);
        if self.reported.is_some() || !is_old {
            return None;
        }
        self.reported = Some(outage.since);
        let why = outage.error.to_string();
        Some(Event::JournalUnavailable { why })
    }

    /// Returns why the journal cannot be written, if it cannot.
    pub(super) fn why(&self) -> Option<String> {
        let outage = self.outages.borrow();
        outage.as_ref().map(|outage| outage.error.to_string())
    }

    /// Waits until the journal can be written again, or for as long as `pause`.
    pub(super) async fn over_or(&mut self, pause: Duration) {
        let _ = tokio::time::timeout(pause, self.outages.wait_for(Option::is_none)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn outage_is_reported_once_after_a_while_and_once_when_it_is_over() {
        let (out, outages) = watch::channel(None);
        let mut reports = OutageReports {
            outages,
            reported: None,
        };
        let since = clock::now();
        let later = |seconds| since.plus(Duration::from_secs(seconds));
        let outage = || {
            let error = crate::journal::Error::Full;
            Some(Outage { since, error })
        };
        out.send_replace(outage());
        assert_eq!(reports.next(later(2)), None);
        out.send_replace(None);
        assert_eq!(reports.next(later(4)), None, "a short one is not reported");
        out.send_replace(outage());
        let why = "the disk of the journal is full".to_owned();
        assert_eq!(reports.why(), Some(why.clone()));
        assert_eq!(
            reports.next(later(4)),
            Some(Event::JournalUnavailable { why })
        );
        assert_eq!(reports.next(later(5)), None);
        out.send_replace(None);
        let lasted_ms = 9_000;
        assert_eq!(
            reports.next(later(9)),
            Some(Event::JournalRecovered { lasted_ms })
        );
        assert_eq!(reports.next(later(10)), None);
    }
}
