//! Counts of what happened, for people and for tests.

use super::call::Call;
use super::faults::Fault;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What the sandbox saw and did since its start; what it stored, since its ledger began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Calls of this run, executed or not.
    pub arrivals: u64,
    /// Messages stored, those of earlier runs in the same ledger included.
    pub accepted: u64,
    /// How many of `accepted` were read back from the ledger at the start.
    pub restored: u64,
    /// Calls answered like an earlier one with the same `Random`, and not stored.
    pub duplicates: u64,
    /// How many of `duplicates` differed from that earlier one in call, group, members or body: messages nobody got.
    pub collisions: u64,
    /// Calls answered with a `MsgDropReason`, and not stored.
    pub dropped: u64,
    /// Refused calls by code.
    pub refused: BTreeMap<u32, u64>,
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

impl Statistics {
    pub(super) fn arrived(&mut self, at_ms: i64) {
        self.arrivals += 1;
        widen(&mut self.first_arrival_ms, &mut self.last_arrival_ms, at_ms);
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

impl fmt::Display for Statistics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "arrivals         {}", self.arrivals)?;
        for (call, most) in &self.most_in_one_second {
            writeln!(formatter, "  in one second  {most} at most, {call}")?;
        }
        write!(
            formatter,
            "accepted         {}, groups reached: {}",
            self.accepted, self.groups
        )?;
        if let Some(rate) = self.accepted_per_s {
            write!(formatter, ", {rate:.2} per second")?;
        }
        if self.restored > 0 {
            write!(formatter, ", of earlier runs: {}", self.restored)?;
        }
        writeln!(formatter)?;
        writeln!(
            formatter,
            "duplicates       {}, with other content: {}",
            self.duplicates, self.collisions
        )?;
        writeln!(formatter, "dropped          {}", self.dropped)?;
        writeln!(
            formatter,
            "refused          {}",
            self.refused.values().sum::<u64>()
        )?;
        for (code, count) in &self.refused {
            writeln!(formatter, "  code {code:<9} {count}")?;
        }
        writeln!(formatter, "replies lost     {}", self.lost_replies)?;
        for (fault, count) in &self.faults {
            writeln!(formatter, "  fault {:<8} {count}", fault.name())?;
        }
        if self.broken_off > 0 {
            writeln!(formatter, "broken off       {}", self.broken_off)?;
        }
        if self.ledger_failures > 0 {
            writeln!(
                formatter,
                "not in the file  {}: writing the ledger failed",
                self.ledger_failures
            )?;
        }
        Ok(())
    }
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

    #[test]
    fn a_person_reads_it() {
        let mut statistics = Statistics {
            groups: 2,
            accepted_per_s: Some(199.601),
            ..Statistics::default()
        };
        statistics.arrived(0);
        statistics.accept(0);
        statistics.refuse(60007);
        statistics.meet(Fault::LostReply);
        statistics
            .most_in_one_second
            .insert(Call::GroupMessage, 200);
        let expected = "\
arrivals         1
  in one second  200 at most, send_group_msg
accepted         1, groups reached: 2, 199.60 per second
duplicates       0, with other content: 0
dropped          0
refused          1
  code 60007     1
replies lost     1
  fault lost_reply 1
";
        assert_eq!(statistics.to_string(), expected);
    }
}
