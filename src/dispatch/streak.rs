//! When the vendor has said often enough that no further call of a run would fare better.

use crate::channel::{Answer, Channel, Class, Outcome, explain};

/// The vendor's latest answer, given again and again with nothing accepted in between.
#[derive(Debug, Default)]
pub(super) struct Streak {
    last: Option<Same>,
}

#[derive(Debug)]
struct Same {
    answer: Answer,
    times: u32,
    first_ns: u64,
    latest_ns: u64,
}

/// What may pass by itself is given so long to do so.
const PASSES_WITHIN_NS: u64 = 60_000_000_000;

impl Streak {
    /// A call that went out at `out_ns` came back. Returns the answer that stops the run, if this is one.
    pub(super) fn learn(
        &mut self,
        channel: Channel,
        outcome: &Outcome,
        out_ns: u64,
        now_ns: u64,
    ) -> Option<Answer> {
        if matches!(outcome, Outcome::Accepted(_)) {
            self.last = None;
        }
        // What is not the vendor's own word says nothing about the run.
        let answer = outcome.answer().filter(|answer| answer.code != 0)?;
        let row = explain(channel, answer.code);
        let may_pass =
            matches!(row.class, Class::Retry | Class::Check) && row.stops_after > Some(1);
        let fresh = || Same {
            answer: answer.clone(),
            times: 0,
            first_ns: now_ns,
            latest_ns: 0,
        };
        let same = self.last.take().filter(|same| same.answer == *answer);
        let mut same = same.unwrap_or_else(fresh);
        // A server in trouble says it to all that are under way: that is once.
        if !may_pass || out_ns >= same.latest_ns {
            same.times += 1;
            same.latest_ns = now_ns;
        }
        let same = self.last.insert(same);
        let lasts = now_ns.saturating_sub(same.first_ns) >= PASSES_WITHIN_NS;
        let is_enough = row.stops_after.is_some_and(|after| same.times >= after);
        (is_enough && (lasts || !may_pass || row.signs_anew)).then(|| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Failure, Receipt};

    const SECOND: u64 = 1_000_000_000;

    fn refused(code: u32, info: &str) -> Outcome {
        Outcome::Refused(Answer::new(code, info))
    }

    fn learn(streak: &mut Streak, outcome: &Outcome, out_ns: u64, now_ns: u64) -> bool {
        let answer = streak.learn(Channel::GroupMessage, outcome, out_ns, now_ns);
        answer.is_some()
    }

    #[test]
    fn five_refusals_alike_in_a_row_are_the_campaigns() {
        let mut streak = Streak::default();
        let sensitive = refused(80_001, "sensitive");
        let stops: Vec<bool> = (0..5)
            .map(|at| learn(&mut streak, &sensitive, 0, at))
            .collect();
        assert_eq!(stops, [false, false, false, false, true]);
    }

    #[test]
    fn other_words_or_an_acceptance_begin_anew() {
        let mut streak = Streak::default();
        let accepted = Outcome::Accepted(Receipt::default());
        for at in 0..100 {
            assert!(!learn(&mut streak, &refused(80_001, "sensitive"), 0, at));
            let between = match at % 4 {
                0 => &accepted,
                2 => &refused(80_001, "other words"),
                _ => continue,
            };
            assert!(!learn(&mut streak, between, 0, at));
        }
    }

    #[test]
    fn what_is_wrong_for_all_stops_at_once() {
        let wrong_key = Outcome::Failed(Failure::Stop, Answer::new(70_009, "wrong"));
        assert!(learn(&mut Streak::default(), &wrong_key, 0, 1));
        let forbidden = Outcome::Unknown(Answer::new(403, "forbidden"));
        assert!(learn(&mut Streak::default(), &forbidden, 0, 1));
    }

    #[test]
    fn what_may_pass_is_given_a_minute() {
        let mut streak = Streak::default();
        let behind = Outcome::Unknown(Answer::new(60_008, "timeout"));
        for at in 0..600 {
            let now = at * SECOND / 10;
            assert!(!learn(&mut streak, &behind, now, now), "after {at} tenths");
        }
        assert!(learn(&mut streak, &behind, 60 * SECOND, 60 * SECOND));
        let mut streak = Streak::default();
        for at in 0..300 {
            assert!(!learn(&mut streak, &behind, 0, at), "all of one moment");
        }
        assert!(
            !learn(&mut streak, &behind, 300, 61 * SECOND),
            "and one more"
        );
    }
}
