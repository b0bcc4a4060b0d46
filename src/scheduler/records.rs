//! Decisions on their way into the journal.
use super::campaign::{Campaign, Out};
use super::wait::{JOURNAL_DEADLINE, Retry, Wait};
use super::{Civil, Decided, Disposition};
use super::{Effect, EffectId, Notice};
use crate::identity::{CampaignName, Moment};
use crate::seeded_bug::SeededBug;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The decisions of one campaign that are not known to be durable.
#[derive(Debug, Default)]
pub(super) struct Records {
    pending: Vec<Decided>,
    /// The cursor in the journal is not that of the machine.
    is_cursor_old: bool,
    in_flight: Option<InFlight>,
    /// The journal could not append just now.
    retry: Option<Retry>,
}

#[derive(Debug)]
struct InFlight {
    wait: Wait,
    decided: Vec<Decided>,
    /// The clock went back to it since.
    back_to: Option<DateTime<Utc>>,
}

impl Records {
    pub(super) fn add(&mut self, decided: Vec<Decided>) {
        for each in decided {
            self.pending.retain(|before| before.civil != each.civil);
            self.pending.push(each);
        }
    }

    /// Withdraws final decisions about what is due later, by a clock that went back. What is in flight is withdrawn in the
    /// journal, and is not requested again.
    pub(super) fn withdraw(&mut self, now: DateTime<Utc>) {
        drop_final_after(&mut self.pending, now);
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.back_to = Some(in_flight.back_to.map_or(now, |before| before.min(now)));
        }
    }

    pub(super) fn needs_cursor(&mut self) {
        self.is_cursor_old = true;
    }

    /// Whether a decision is not known to be durable.
    pub(super) fn is_behind(&self) -> bool {
        !self.pending.is_empty() || self.in_flight.is_some()
    }

    pub(super) fn has(&self, civil: Civil) -> bool {
        let in_flight = self.in_flight.iter().flat_map(|each| &each.decided);
        let mut all = self.pending.iter().chain(in_flight);
        all.any(|each| each.civil == civil)
    }

    pub(super) fn wait(&mut self) -> Option<&mut Wait> {
        self.in_flight.as_mut().map(|each| &mut each.wait)
    }

    pub(super) fn is_recording(&self, id: EffectId) -> bool {
        self.in_flight
            .as_ref()
            .is_some_and(|each| each.wait.id == id)
    }

    pub(super) fn failed(&mut self, now: Moment) {
        let Some(InFlight {
            mut decided,
            back_to,
            ..
        }) = self.in_flight.take()
        else {
            return;
        };
        if let Some(now) = back_to {
            drop_final_after(&mut decided, now);
        }
        let later = std::mem::take(&mut self.pending);
        self.pending = decided;
        self.add(later);
        self.is_cursor_old = true;
        self.retry.get_or_insert_default().failed(now);
    }

    /// Returns a notice for each disposition among the decisions that have become durable.
    fn recorded(&mut self, campaign: &CampaignName, refused: &BTreeSet<Civil>) -> Vec<Notice> {
        self.retry = None;
        let Some(InFlight { mut decided, .. }) = self.in_flight.take() else {
            return Vec::new();
        };
        decided.retain(|each| !refused.contains(&each.civil));
        if SeededBug::NoticePerOccurrence.is_active() {
            let notices = decided.iter().map(|each| notice(campaign, &[each]));
            return notices.flatten().collect();
        }
        let of = |disposition: Disposition| {
            let alike = decided
                .iter()
                .filter(|each| each.disposition == disposition);
            let alike: Vec<&Decided> = alike.collect();
            notice(campaign, &alike)
        };
        Disposition::ALL.into_iter().filter_map(of).collect()
    }

    /// Returns whether something is to be appended. What is due is opened first: the cursor stays before it anyhow.
    fn is_needed(&self, is_due: bool) -> bool {
        let is_kept_back = is_due && !SeededBug::CheckpointMovedEarly.is_active();
        !self.pending.is_empty() || (self.is_cursor_old && !is_kept_back)
    }

    pub(super) fn wake_ns(&self, is_due: bool) -> Option<u64> {
        let in_flight = self.in_flight.as_ref().map(|each| each.wait.until_ns());
        let retry = self.retry.filter(|_| self.is_needed(is_due));
        in_flight.or(retry.map(|retry| retry.at_ns()))
    }
}

fn drop_final_after(decided: &mut Vec<Decided>, now: DateTime<Utc>) {
    decided.retain(|each| match each.disposition {
        Disposition::Missed | Disposition::Skipped => each.at <= now,
        Disposition::Held | Disposition::Queued | Disposition::Released => true,
    });
}

/// Returns one notice about decisions of one disposition.
fn notice(campaign: &CampaignName, alike: &[&Decided]) -> Option<Notice> {
    let (first, last) = (alike.first()?, alike.last()?);
    Some(Notice::Decided {
        campaign: campaign.clone(),
        disposition: last.disposition,
        first: first.civil,
        last: last.civil,
        count: alike.len(),
        grounds: last.grounds.clone(),
    })
}

impl Campaign {
    /// Appends what is pending, one effect at a time.
    pub(super) fn record(&mut self, out: &mut Out<'_>) {
        let is_needed = self.records.is_needed(self.is_due());
        let may_try = self.records.retry.is_none_or(|retry| retry.is_due(out.now));
        if !is_needed || !may_try || self.records.in_flight.is_some() {
            return;
        }
        let decided = std::mem::take(&mut self.records.pending);
        self.records.is_cursor_old = false;
        let id = out.push(Effect::Record {
            definition: Arc::clone(&self.definition),
            cursor: self.recorded_cursor(),
            next: self.next.clone(),
            decided: decided.clone(),
        });
        if !decided.is_empty() {
            self.changed_by = id;
        }
        self.records.in_flight = Some(InFlight {
            wait: Wait::begin(id, JOURNAL_DEADLINE, out.now),
            decided,
            back_to: None,
        });
    }

    /// Reports what has become durable. What the journal refused was decided elsewhere.
    pub(super) fn recorded(
        &mut self,
        (id, refused): (EffectId, &BTreeSet<Civil>),
        out: &mut Out<'_>,
    ) {
        if !self.records.is_recording(id) {
            return;
        }
        self.waiting
            .retain(|row| !refused.contains(&Civil::of(&row.occurrence)));
        let campaign = self.name().clone();
        for notice in self.records.recorded(&campaign, refused) {
            out.push(Effect::Notify(notice));
        }
    }
}
