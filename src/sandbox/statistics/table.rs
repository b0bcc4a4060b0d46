//! Statistics as a table for people: only the lines that matter.

use super::Statistics;
use std::fmt;

/// How wide the first column is; codes, faults and calls stand below its heads.
const HEAD: usize = 20;

impl fmt::Display for Statistics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (head, text) in self.lines() {
            writeln!(formatter, "{head:<HEAD$}{text}")?;
        }
        Ok(())
    }
}

type Line = (String, String);

impl Statistics {
    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![line("arrivals", self.arrivals)];
        let most = self.most_in_one_second.iter();
        lines.extend(
            most.map(|(call, most)| line("  in one second", format!("{most} at most, {call}"))),
        );
        lines.push(line("accepted", self.accepted_text()));
        let what = if self.doubled > 0 {
            " stored more than once"
        } else {
            ""
        };
        lines.push(line("doubled", format!("{}{what}", self.doubled)));
        lines.extend(self.repetitions());
        lines.extend(some("dropped", self.dropped));
        lines.extend(self.refusals());
        lines.extend(some("over group limit", self.over_group_limit));
        lines.extend(some("history lookups", self.lookups));
        lines.extend(some("recalled", self.recalled));
        lines.extend(self.misfortunes());
        lines.extend(some("held by the path", self.held));
        lines.extend(some("broken off", self.broken_off));
        if self.ledger_failures > 0 {
            let text = format!("{}, writing the ledger failed", self.ledger_failures);
            lines.push(line("not in the file", text));
        }
        lines
    }

    fn accepted_text(&self) -> String {
        let rate = self.accepted_per_s;
        let rate = rate.map_or_else(String::new, |rate| format!(", {rate:.2} per second"));
        let restored = match self.restored {
            0 => String::new(),
            count => format!(", of earlier runs: {count}"),
        };
        let (accepted, groups) = (self.accepted, self.groups);
        format!("{accepted}, groups reached: {groups}{rate}{restored}")
    }

    fn repetitions(&self) -> Option<Line> {
        let text = format!(
            "{}, with other content: {}",
            self.duplicates, self.collisions
        );
        (self.duplicates > 0).then(|| line("repeated Random", text))
    }

    fn refusals(&self) -> Vec<Line> {
        let total = self.refused.values().sum::<u64>();
        let mut lines = vec![line("refused", total)];
        for (code, count) in &self.refused {
            lines.push(line(&format!("  code {code}"), count));
        }
        if self.over_limit > 0 {
            let late = self.over_limit_after_first_minute;
            let text = format!("{}, after the first minute: {late}", self.over_limit);
            lines.push(line("over the limit", text));
        }
        lines
    }

    fn misfortunes(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = some("replies lost", self.lost_replies)
            .into_iter()
            .collect();
        if !self.faults.is_empty() {
            lines.push(line("faults met", self.faults.values().sum::<u64>()));
        }
        for (fault, count) in &self.faults {
            lines.push(line(&format!("  {fault}"), count));
        }
        lines
    }
}

fn line(head: &str, text: impl fmt::Display) -> Line {
    (head.to_owned(), text.to_string())
}

fn some(head: &str, count: u64) -> Option<Line> {
    (count > 0).then(|| line(head, count))
}

#[cfg(test)]
mod tests {
    use super::super::super::call::Call;
    use super::super::super::faults::Fault;
    use super::*;

    #[test]
    fn a_person_reads_it() {
        let mut statistics = Statistics {
            groups: 2,
            accepted_per_s: Some(199.601),
            ..Statistics::default()
        };
        statistics.arrived(Call::GroupMessage, 0);
        statistics.accept(0);
        statistics.refuse(60007);
        statistics.pass_limit(Call::GroupMessage, true);
        statistics.meet(Fault::LostReply);
        statistics
            .most_in_one_second
            .insert(Call::GroupMessage, 200);
        let expected = "\
arrivals            1
  in one second     200 at most, send_group_msg
accepted            1, groups reached: 2, 199.60 per second
doubled             0
refused             1
  code 60007        1
over the limit      1, after the first minute: 0
replies lost        1
faults met          1
  lost_reply        1
";
        assert_eq!(statistics.to_string(), expected);
    }

    #[test]
    fn what_did_not_happen_is_not_told() {
        let expected = "\
arrivals            0
accepted            0, groups reached: 0
doubled             0
refused             0
";
        assert_eq!(Statistics::default().to_string(), expected);
    }
}
