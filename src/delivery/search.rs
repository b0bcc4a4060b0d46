//! The search for one message in its group's history.

use super::{Finding, Patience, Unclear};
use crate::channel::{
    Ask, GroupFacts, HistoryItem, HistoryPage, LookupFailure, Placeholder, Receipt, Told,
};
use crate::identity::{Moment, Random};
use std::time::Duration;

/// The message that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub random: Random,
    pub sender: String,
    /// It is not older than this, whatever the difference of the clocks,
    pub since_ms: i64,
    /// and not newer than this.
    pub until_ms: i64,
    /// How long it must be missing.
    pub patience: Patience,
    /// When its first attempt was Started.
    pub first_started: Moment,
}

/// Our clock may be so wrong, or be set by so much, and the instants above still hold.
const CLOCK_WRONG_MS: u64 = 30_000;

impl Wanted {
    /// What a finding of this instant is worth. Whoever looks in the hours of a clock that was wrong finds nothing there:
    /// it is compared with the vendor's, if that was told, and what passed since the first attempt with the boot clock.
    pub fn weigh(&self, finding: Finding, now: Moment, vendor_ms: Option<i64>) -> Finding {
        let is_wrong = vendor_ms.is_some_and(|at| at.abs_diff(now.wall_ms) > CLOCK_WRONG_MS);
        match finding {
            Finding::Absent(_) if is_wrong || self.was_set(now) => {
                Finding::Unclear(Unclear::ClockWrong)
            }
            other => other,
        }
    }

    /// Whether the wall clock was set since the first attempt, as far as the boot clock can tell.
    fn was_set(&self, now: Moment) -> bool {
        let first = self.first_started;
        let wall_ms = now.wall_ms.saturating_sub(first.wall_ms);
        if now.boot_id != first.boot_id {
            return wall_ms < 0;
        }
        let boot_ms = now.boot_ns.saturating_sub(first.boot_ns) / 1_000_000;
        wall_ms.abs_diff(i64::try_from(boot_ms).unwrap_or(i64::MAX)) > CLOCK_WRONG_MS
    }
}

/// One look-up: what is to be asked next, and what the answers add up to. Every doubt about the history on the way to
/// its end is one about its silence, never about a message that is found.
#[derive(Debug)]
pub struct Search {
    wanted: Wanted,
    stage: Stage,
    pages: u32,
    failures: u32,
    /// How long the vendor is to be left alone before it is asked again.
    pause: Duration,
    /// Why not finding it will prove nothing.
    doubt: Option<Unclear>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Group,
    /// The newest message has at least this number.
    Newest(u64),
    /// The page from this number on downwards.
    Down(u64),
}

/// So many failures, and the search is given up.
const FAILURES_MAX: u32 = 3;
/// The first pause after a failure; each further one doubles.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// While there is no connection, or the vendor is asked too fast.
const PAUSE_FREE: Duration = Duration::from_secs(2);

impl Search {
    /// Pages of one search: a thousand messages.
    pub const PAGES_MAX: u32 = 50;

    pub fn new(wanted: Wanted) -> Search {
        Search {
            wanted,
            stage: Stage::Group,
            pages: 0,
            failures: 0,
            pause: Duration::ZERO,
            doubt: None,
        }
    }

    /// What is to be asked next, once [`Search::pause`] is over.
    pub fn next(&self) -> Ask {
        match self.stage {
            Stage::Group => Ask::Group,
            Stage::Newest(_) => Ask::Newest,
            Stage::Down(seq) => Ask::From(seq),
        }
    }

    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// Whether an answer could not be used.
    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Takes the answer to [`Search::next`]; `None`: there is more to be asked.
    pub fn learn(&mut self, told: Result<Told, LookupFailure>) -> Option<Finding> {
        self.pause = Duration::ZERO;
        match told {
            Ok(Told::Group(facts)) => self.learn_group(facts),
            Ok(Told::Page(page)) => self.learn_page(&page),
            Err(LookupFailure::NoConnection(_) | LookupFailure::TooFast(_)) => {
                self.pause = PAUSE_FREE;
                None
            }
            Err(LookupFailure::Failed(answer)) => {
                let Some(pause) = self.failed() else {
                    return Some(Finding::Unclear(Unclear::Unreadable(answer)));
                };
                self.pause = pause;
                None
            }
            Err(LookupFailure::Gone(_)) => Some(Finding::Unclear(Unclear::GroupGone)),
            Err(LookupFailure::NoHistory(_)) => Some(Finding::Unclear(Unclear::NoHistory)),
        }
    }

    /// The pause before another try, if there is one.
    fn failed(&mut self) -> Option<Duration> {
        self.failures += 1;
        (self.failures < FAILURES_MAX).then(|| PAUSE_FIRST * (1 << (self.failures - 1)))
    }

    fn learn_group(&mut self, facts: GroupFacts) -> Option<Finding> {
        match facts.keeps_history {
            Some(true) => {}
            Some(false) => return Some(Finding::Unclear(Unclear::NoHistory)),
            None => self.doubt(Unclear::GroupTypeUnknown),
        }
        if facts.next_seq.is_none() {
            self.doubt(Unclear::NewestUnknown);
        }
        let newest = facts.next_seq.unwrap_or_default().saturating_sub(1);
        self.stage = Stage::Newest(newest);
        None
    }

    fn learn_page(&mut self, page: &HistoryPage) -> Option<Finding> {
        let found = page.items.iter().find(|item| self.is_it(item));
        if let Some(item) = found {
            return Some(Finding::Found(Receipt {
                msg_seq: Some(item.seq),
                msg_time: item.time_s,
            }));
        }
        let first = page.items.first().map_or(0, |item| item.seq);
        match self.stage {
            // What the group counts and its history does not hold yet may come.
            Stage::Newest(newest) if first < newest => {
                if let Some(pause) = self.failed() {
                    *self = Search {
                        pause,
                        failures: self.failures,
                        ..Search::new(self.wanted.clone())
                    };
                    return None;
                }
                self.doubt(Unclear::HistoryLags);
            }
            Stage::Down(asked) if first != asked && first != 0 => self.doubt(Unclear::HistoryGap),
            Stage::Group | Stage::Newest(_) | Stage::Down(_) => {}
        }
        let past = self.first_past(&page.items);
        let in_question = past.map_or(page.items.len(), |at| at + 1);
        self.doubt_items(&page.items[..in_question]);
        self.pages += 1;
        self.go_on(page, past.is_some())
    }

    fn doubt_items(&mut self, items: &[HistoryItem]) {
        let has_gap = items.windows(2).any(|pair| pair[0].seq != pair[1].seq + 1);
        if has_gap {
            self.doubt(Unclear::HistoryGap);
        }
        for item in items {
            if item.random == Some(self.wanted.random.0) {
                self.doubt(Unclear::RandomElsewhere);
            } else if self.may_be_it(item) {
                self.doubt(Unclear::MessageHidden);
            }
        }
    }

    /// Whether the history was seen to its end, or far enough.
    fn go_on(&mut self, page: &HistoryPage, is_past: bool) -> Option<Finding> {
        let last = page.items.last().map_or(0, |item| item.seq);
        if page.items.is_empty() && matches!(self.stage, Stage::Down(_)) {
            self.doubt(Unclear::HistoryCutOff);
        }
        if last <= 1 || is_past {
            return Some(self.not_found());
        }
        if self.pages == Search::PAGES_MAX {
            self.doubt(Unclear::HistoryTooLong);
            return Some(self.not_found());
        }
        self.stage = Stage::Down(last - 1);
        None
    }

    fn not_found(&mut self) -> Finding {
        let absent = Finding::Absent(self.wanted.patience);
        self.doubt.take().map_or(absent, Finding::Unclear)
    }

    /// The first doubt is told.
    fn doubt(&mut self, why: Unclear) {
        self.doubt.get_or_insert(why);
    }

    /// A message that was taken back had arrived.
    fn is_it(&self, item: &HistoryItem) -> bool {
        let is_cleared = item.placeholder != Placeholder::None;
        let agrees = item.from == self.wanted.sender || (is_cleared && item.from.is_empty());
        let is_in_time = match item.time_s {
            Some(time_s) => self.is_in_time(time_s),
            None => is_cleared,
        };
        item.random == Some(self.wanted.random.0) && agrees && is_in_time
    }

    /// Whether it could be the message though nothing says so.
    fn may_be_it(&self, item: &HistoryItem) -> bool {
        let is_from = item.placeholder != Placeholder::None
            || item.from.is_empty()
            || item.from == self.wanted.sender;
        let is_in_time = item.time_s.is_none_or(|time_s| self.is_in_time(time_s));
        item.random.is_none() && is_from && is_in_time
    }

    /// Where a page becomes too old. One message with an odd time in the midst of others proves nothing, for whoever
    /// imports messages gives them any time.
    fn first_past(&self, items: &[HistoryItem]) -> Option<usize> {
        let is_past = |time_s| is_before(time_s, self.wanted.since_ms);
        let is_current = |item: &HistoryItem| item.time_s.is_some_and(|time_s| !is_past(time_s));
        let rest = items.iter().rposition(is_current).map_or(0, |at| at + 1);
        let mut older = items[rest..].iter();
        let first = older.position(|item| item.time_s.is_some_and(is_past))?;
        Some(rest + first)
    }

    fn is_in_time(&self, time_s: i64) -> bool {
        let ends_after = !is_before(time_s, self.wanted.since_ms);
        ends_after && time_s.saturating_mul(1_000) <= self.wanted.until_ms
    }
}

/// Whether all of a second lies before an instant.
fn is_before(time_s: i64, instant_ms: i64) -> bool {
    time_s.saturating_add(1).saturating_mul(1_000) <= instant_ms
}
