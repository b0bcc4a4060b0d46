//! The part of the limit that is ours: others may call on the same app, or its limit be lower than the settings say.

use std::collections::VecDeque;

/// Cut when answers over the limit crowd, given back bit by bit while calls pass.
#[derive(Debug)]
pub(super) struct Share {
    /// Of a million.
    parts: u64,
    limit: u64,
    /// Answers over the limit within the last second.
    over: VecDeque<u64>,
    cut_ns: Option<u64>,
}

pub(super) const WHOLE: u64 = 1_000_000;
const LEAST: u64 = WHOLE / 50;
const SECOND_NS: u64 = 1_000_000_000;
/// A few answers over the limit are the variation of the path; a twentieth of the calls is not, nor are three of them
/// where there are few.
const CROWD_ONE_IN: u64 = 20;
const CROWD_MIN: usize = 3;
/// What is left by a crowd of answers over the limit, and by a hint.
const CROWD_KEEPS: u64 = WHOLE * 2 / 3;
const HINT_KEEPS: u64 = WHOLE * 9 / 10;
/// How long it takes to get everything back.
const GIVEN_BACK_S: u64 = 30;

impl Share {
    pub(super) fn new(limit: u32) -> Share {
        Share {
            parts: WHOLE,
            limit: u64::from(limit.max(1)),
            over: VecDeque::new(),
            cut_ns: None,
        }
    }

    /// Of a million.
    pub(super) fn parts(&self) -> u64 {
        self.parts
    }

    /// An answer over the limit.
    pub(super) fn over(&mut self, now_ns: u64) {
        let is_old = |at: &u64| at.saturating_add(SECOND_NS) <= now_ns;
        while self.over.front().is_some_and(is_old) {
            self.over.pop_front();
        }
        self.over.push_back(now_ns);
        let crowd = usize::try_from(self.limit / CROWD_ONE_IN).unwrap_or(usize::MAX);
        if self.over.len() >= crowd.max(CROWD_MIN) {
            self.cut(CROWD_KEEPS, now_ns);
        }
    }

    /// Several groups were too fast at once: a hint, no proof.
    pub(super) fn hinted(&mut self, now_ns: u64) {
        self.cut(HINT_KEEPS, now_ns);
    }

    /// Once for what comes together.
    fn cut(&mut self, keeps: u64, now_ns: u64) {
        if self
            .cut_ns
            .is_some_and(|at| now_ns.saturating_sub(at) < SECOND_NS)
        {
            return;
        }
        self.parts = (self.parts * keeps / WHOLE).max(LEAST);
        self.cut_ns = Some(now_ns);
    }

    /// A call passed.
    pub(super) fn passed(&mut self) {
        let back = (WHOLE / GIVEN_BACK_S / self.limit).max(1);
        self.parts = (self.parts + back).min(WHOLE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_answers_over_the_limit_cost_nothing_and_a_crowd_a_third() {
        let mut share = Share::new(200);
        (0..9).for_each(|each| share.over(each));
        assert_eq!(share.parts(), WHOLE);
        (9..30).for_each(|each| share.over(each));
        assert_eq!(share.parts(), CROWD_KEEPS);
        share.over(SECOND_NS + 29);
        assert_eq!(
            share.parts(),
            CROWD_KEEPS,
            "they are forgotten after a second"
        );
    }

    #[test]
    fn it_never_falls_to_nothing_and_comes_back() {
        let mut share = Share::new(200);
        (0..1_000).for_each(|second| share.cut(CROWD_KEEPS, second * SECOND_NS));
        assert_eq!(share.parts(), LEAST);
        (0..200 * GIVEN_BACK_S).for_each(|_| share.passed());
        assert!(share.parts() > WHOLE * 97 / 100, "{}", share.parts());
    }
}
