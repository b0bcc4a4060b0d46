//! Counts of what happened, for people and for tests.

mod table;

use super::call::Call;
use super::faults::Fault;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the sandbox saw and did since its start; what it stored, since its ledger began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Sends of this run, executed or not.
    pub arrivals: u64,
    /// Messages stored, those of earlier runs in the same ledger included.
    pub accepted: u64,
    /// How many of `accepted` were read back from the ledger at the start.
    pub restored: u64,
    /// Calls answered like an earlier one with the same `Random`, and not stored.
    pub duplicates: u64,
    /// How many of `duplicates` differed from that earlier one in call, group, members or body: messages nobody got.
    pub collisions: u64,
    /// How many messages (call, group, topic, members, body) were stored more than once within an hour.
    pub doubled: u64,
    /// Calls answered with a `MsgDropReason`, and not stored.
    pub dropped: u64,
    /// Refused calls by code.
    pub refused: BTreeMap<u32, u64>,
    /// Calls refused because there really were too many, not by a fault.
    pub over_limit: u64,
    /// How many of these came more than a minute after the first call of all.
    pub over_limit_after_first_minute: u64,
    /// Group messages over the limit of their group, whatever they were answered.
    pub over_group_limit: u64,
    /// Looks into the history of a group.
    pub lookups: u64,
    /// Messages taken back in this run.
    pub recalled: u64,
    /// Requests and replies that waited for the path.
    pub held: u64,
    /// The same for each call, lookups included.
    pub calls: BTreeMap<Call, CallStatistics>,
    /// Calls that were processed and never answered, on purpose.
    pub lost_replies: u64,
    /// Calls whose body never came whole.
    pub broken_off: u64,
    /// How often each fault was met.
    pub faults: BTreeMap<Fault, u64>,
    /// The most arrivals in any one second, executed or not.
    pub most_in_one_second: BTreeMap<Call, usize>,
    pub first_arrival_ms: Option<i64>,
    pub last_arrival_ms: Option<i64>,
    pub first_accepted_ms: Option<i64>,
    pub last_accepted_ms: Option<i64>,
    /// Groups with at least one stored message.
    pub groups: usize,
    /// Between the first and the last accepted arrival.
    pub accepted_per_s: Option<f64>,
    /// Stored messages that could not be written to the ledger's file.
    pub ledger_failures: u64,
}

/// What one call met in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallStatistics {
    pub arrivals: u64,
    /// How often each code was answered, 0 included.
    pub codes: BTreeMap<u32, u64>,
    pub over_limit: u64,
}

impl Statistics {
    pub(super) fn arrived(&mut self, call: Call, at_ms: i64) {
        self.calls.entry(call).or_default().arrivals += 1;
        if call.is_send() {
            self.arrivals += 1;
            widen(&mut self.first_arrival_ms, &mut self.last_arrival_ms, at_ms);
        }
    }

    pub(super) fn answered(&mut self, call: Call, code: u32) {
        let codes = &mut self.calls.entry(call).or_default().codes;
        *codes.entry(code).or_default() += 1;
    }

    /// The real limit of a call was passed.
    pub(super) fn pass_limit(&mut self, call: Call, is_first_minute: bool) {
        self.calls.entry(call).or_default().over_limit += 1;
        self.over_limit += 1;
        self.over_limit_after_first_minute += u64::from(!is_first_minute);
    }

    pub(super) fn accept(&mut self, at_ms: i64) {
        self.accepted += 1;
        widen(
            &mut self.first_accepted_ms,
            &mut self.last_accepted_ms,
            at_ms,
        );
    }

    pub(super) fn refuse(&mut self, code: u32) {
        *self.refused.entry(code).or_default() += 1;
    }

    pub(super) fn meet(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
        if matches!(fault, Fault::LostReply | Fault::Stall) {
            self.lost_replies += 1;
        }
    }

    /// `None` when the accepted arrivals span no time.
    pub(super) fn rate_per_s(&self) -> Option<f64> {
        let elapsed_ms = self
            .last_accepted_ms?
            .checked_sub(self.first_accepted_ms?)?;
        let span_s = f64::from(u32::try_from(elapsed_ms).ok()?) / 1_000.0;
        let intervals = f64::from(u32::try_from(self.accepted.checked_sub(1)?).ok()?);
        (span_s > 0.0).then_some(intervals / span_s)
    }
}

/// Arrivals are counted when they are done, which need not be in their order.
fn widen(first: &mut Option<i64>, last: &mut Option<i64>, at_ms: i64) {
    *first = Some(first.map_or(at_ms, |first| first.min(at_ms)));
    *last = Some(last.map_or(at_ms, |last| last.max(at_ms)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_counts_intervals() {
        let mut statistics = Statistics::default();
        assert_eq!(statistics.rate_per_s(), None);
        statistics.accept(2_000);
        assert_eq!(statistics.rate_per_s(), None);
        statistics.accept(1_000);
        statistics.accept(1_500);
        assert_eq!(statistics.rate_per_s(), Some(2.0));
    }
}
