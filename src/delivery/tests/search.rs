//! The search against groups whose history is known.

use super::*;
use crate::channel::{Ask, GroupFacts, HistoryItem, HistoryPage, LookupFailure, Placeholder, Told};
use crate::delivery::{Search, Wanted};
use proptest::prelude::*;
use proptest::sample::Index;

/// How a message shows in the history.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    Whole,
    Recalled,
    /// A placeholder that keeps sender, `Random` and time.
    Deleted,
    /// A placeholder that keeps none of them.
    Cleared,
    /// Not at all.
    Missing,
}

#[derive(Clone, Debug)]
struct Message {
    from: &'static str,
    random: u32,
    time_s: i64,
    shown: Shown,
}

#[derive(Clone, Debug)]
struct Group {
    /// The first has number 1.
    messages: Vec<Message>,
    /// So many of the newest are not in the history yet.
    lag: usize,
    /// So many of the oldest are in it no more.
    expired: usize,
    page: usize,
    tells_next: bool,
}

const OURS: u32 = 4_711;
const SINCE_S: i64 = 1_800_000_000;
const UNTIL_S: i64 = SINCE_S + 600;

fn wanted() -> Wanted {
    Wanted {
        random: Random(OURS),
        sender: "admin".to_owned(),
        since_ms: SINCE_S * 1_000,
        until_ms: UNTIL_S * 1_000,
        patience: PATIENCE,
        first_started: START,
    }
}

impl Group {
    fn answer(&self, ask: Ask) -> Told {
        let from = match ask {
            Ask::Group => {
                let next = self.messages.len() as u64 + 1;
                return Told::Group(GroupFacts {
                    keeps_history: Some(true),
                    next_seq: self.tells_next.then_some(next),
                });
            }
            Ask::Newest => u64::MAX,
            Ask::From(seq) => seq,
        };
        let shown = self.messages.len().saturating_sub(self.lag);
        let numbered = (1_u64..).zip(&self.messages).take(shown).skip(self.expired);
        let wanted =
            numbered.filter(|(seq, message)| *seq <= from && message.shown != Shown::Missing);
        let items: Vec<HistoryItem> = wanted.map(|(seq, message)| message.item(seq)).collect();
        let items = items.into_iter().rev().take(self.page).collect();
        Told::Page(HistoryPage { items })
    }

    fn search(&self) -> Finding {
        let mut search = Search::new(wanted());
        for _ in 0..200 {
            if let Some(finding) = search.learn(Ok(self.answer(search.next()))) {
                return finding;
            }
        }
        panic!("the search never ends");
    }

    fn ours(&self) -> Option<(u64, &Message)> {
        let mut numbered = (1_u64..).zip(&self.messages);
        numbered.find(|(_, message)| message.random == OURS)
    }

    /// Whether the history shows our message as what it is.
    fn shows_ours(&self) -> bool {
        self.ours().is_some_and(|(seq, message)| {
            let is_kept = usize::try_from(seq).unwrap() > self.expired;
            let newest = self.messages.len().saturating_sub(self.lag);
            let is_there = is_kept && usize::try_from(seq).unwrap() <= newest;
            is_there && !matches!(message.shown, Shown::Missing | Shown::Cleared)
        })
    }

    /// Whether nothing hides anything of the time in question.
    fn is_clear(&self) -> bool {
        let is_whole =
            |message: &Message| !matches!(message.shown, Shown::Missing | Shown::Cleared);
        self.lag == 0 && self.expired == 0 && self.tells_next && self.messages.iter().all(is_whole)
    }
}

impl Message {
    fn item(&self, seq: u64) -> HistoryItem {
        let is_cleared = self.shown == Shown::Cleared;
        HistoryItem {
            from: if is_cleared {
                String::new()
            } else {
                self.from.to_owned()
            },
            random: (!is_cleared).then_some(self.random),
            seq,
            time_s: (!is_cleared).then_some(self.time_s),
            placeholder: match self.shown {
                Shown::Whole | Shown::Missing => Placeholder::None,
                Shown::Recalled => Placeholder::Recalled,
                Shown::Deleted | Shown::Cleared => Placeholder::Gone,
            },
        }
    }
}

/// `odd`: of twenty messages so many are not whole.
fn messages(odd: u32) -> impl Strategy<Value = Vec<Message>> {
    let shown = prop_oneof![
        20 - odd => Just(Shown::Whole),
        odd => prop_oneof![
            Just(Shown::Recalled),
            Just(Shown::Deleted),
            Just(Shown::Cleared),
            Just(Shown::Missing),
        ],
    ];
    let from = prop_oneof![Just("admin"), Just("peter"), Just("paul")];
    let message = (from, 5_000..9_000_u32, 0..40_i64, shown);
    let list = prop::collection::vec(message, 0..120);
    // Messages of the time in question, of before it, and some after it.
    list.prop_map(|drawn| {
        let mut time_s = SINCE_S - 600;
        let message = |(from, random, later_s, shown)| {
            time_s += later_s;
            Message {
                from,
                random,
                time_s,
                shown,
            }
        };
        drawn.into_iter().map(message).collect()
    })
}

fn group(odd: u32) -> impl Strategy<Value = Group> {
    let few = || prop_oneof![8 => Just(0_usize), 1 => 1..5_usize];
    let ours = prop::option::of((
        any::<Index>(),
        prop_oneof![
            5 => Just(Shown::Whole),
            1 => Just(Shown::Recalled),
            1 => Just(Shown::Deleted),
            1 => Just(Shown::Cleared),
            1 => Just(Shown::Missing),
        ],
    ));
    let tells = prop_oneof![9 => Just(true), 1 => Just(false)];
    let parts = (messages(odd), few(), few(), 3..=20_usize, tells, ours);
    parts.prop_map(|(messages, lag, expired, page, tells_next, ours)| {
        let mut group = Group {
            messages,
            lag,
            expired,
            page,
            tells_next,
        };
        let in_time = |message: &Message| (SINCE_S..=UNTIL_S).contains(&message.time_s);
        let places: Vec<usize> = (0..group.messages.len())
            .filter(|place| in_time(&group.messages[*place]))
            .collect();
        if let Some((index, shown)) = ours.filter(|_| !places.is_empty()) {
            let message = &mut group.messages[*index.get(&places)];
            *message = Message {
                from: "admin",
                random: OURS,
                shown,
                ..message.clone()
            };
        }
        group
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_is_found_if_and_only_if_it_shows(group in group(2)) {
        let finding = group.search();
        let receipt = group.ours().map(|(seq, message)| Receipt {
            msg_seq: Some(seq),
            msg_time: Some(message.time_s),
        });
        match (&finding, group.shows_ours()) {
            (Finding::Found(found), true) => prop_assert_eq!(Some(*found), receipt),
            (Finding::Absent(_) | Finding::Unclear(_), false) => {}
            _ => prop_assert!(false, "{:?}", finding),
        }
    }

    #[test]
    fn absent_is_absent(group in group(1)) {
        if group.search() == ABSENT {
            prop_assert!(group.ours().is_none());
            let in_question = group.messages.iter().rev().take_while(|message| message.time_s >= SINCE_S);
            for message in in_question {
                prop_assert!(!matches!(message.shown, Shown::Missing | Shown::Cleared));
            }
            prop_assert_eq!(group.lag.min(group.messages.len()), 0);
            prop_assert!(group.tells_next);
        }
    }

    #[test]
    fn a_clear_history_leaves_no_doubt(group in group(0)) {
        let finding = group.search();
        if group.is_clear() {
            prop_assert_eq!(matches!(finding, Finding::Found(_)), group.ours().is_some());
            prop_assert_eq!(finding == ABSENT, group.ours().is_none());
        }
    }
}

fn whole(from: &'static str, random: u32, time_s: i64) -> Message {
    Message {
        from,
        random,
        time_s,
        shown: Shown::Whole,
    }
}

fn of(messages: Vec<Message>) -> Group {
    Group {
        messages,
        lag: 0,
        expired: 0,
        page: 20,
        tells_next: true,
    }
}

fn quiet(count: i64) -> Vec<Message> {
    (0..count)
        .map(|each| whole("peter", 1, SINCE_S + 100 + each % 100))
        .collect()
}

fn why(finding: Finding) -> Unclear {
    match finding {
        Finding::Unclear(why) => why,
        other => panic!("{other:?} is clear"),
    }
}

#[test]
fn an_empty_group_holds_nothing() {
    assert_eq!(of(Vec::new()).search(), ABSENT);
    let silent = Group {
        tells_next: false,
        ..of(Vec::new())
    };
    assert_eq!(why(silent.search()), Unclear::NewestUnknown);
}

#[test]
fn a_thousand_messages_are_read_and_no_more() {
    assert_eq!(of(quiet(1_000)).search(), ABSENT);
    assert_eq!(why(of(quiet(1_001)).search()), Unclear::HistoryTooLong);
    let mut old = quiet(1_001);
    old[1] = whole("peter", 1, SINCE_S - 1);
    old[0] = old[1].clone();
    assert_eq!(of(old).search(), ABSENT);
}

#[test]
fn what_expired_may_have_been_it() {
    let expired = Group {
        expired: 5,
        ..of(quiet(30))
    };
    assert_eq!(why(expired.search()), Unclear::HistoryCutOff);
}

#[test]
fn another_sender_or_another_time_is_neither_here_nor_there() {
    for other in [
        whole("peter", OURS, SINCE_S + 10),
        whole("admin", OURS, SINCE_S - 10),
        whole("admin", OURS, UNTIL_S + 10),
    ] {
        let mut messages = quiet(5);
        messages.insert(2, other.clone());
        let why = why(of(messages).search());
        assert_eq!(why, Unclear::RandomElsewhere, "{other:?}");
    }
    let ours = whole("admin", OURS, SINCE_S + 10);
    let mut both = quiet(5);
    both.insert(2, ours);
    both.insert(4, whole("peter", OURS, SINCE_S + 200));
    assert!(
        matches!(of(both).search(), Finding::Found(_)),
        "the real one counts"
    );
}

#[test]
fn the_seconds_of_the_vendor_are_whole() {
    let narrow = Wanted {
        since_ms: SINCE_S * 1_000 + 900,
        ..wanted()
    };
    let mut search = Search::new(narrow);
    let group = of(vec![whole("admin", OURS, SINCE_S)]);
    assert_eq!(search.learn(Ok(group.answer(search.next()))), None);
    let finding = search.learn(Ok(group.answer(search.next())));
    assert!(matches!(finding, Some(Finding::Found(_))), "{finding:?}");
}

#[test]
fn a_gap_matters_up_to_the_first_message_that_is_too_old() {
    let mut messages = quiet(8);
    messages[2].time_s = SINCE_S - 10;
    messages[1].time_s = SINCE_S - 20;
    messages[0].time_s = SINCE_S - 30;
    messages[1].shown = Shown::Missing;
    assert_eq!(of(messages.clone()).search(), ABSENT);
    messages[3].shown = Shown::Missing;
    for page in 1..=20 {
        let group = Group {
            page,
            ..of(messages.clone())
        };
        assert_eq!(why(group.search()), Unclear::HistoryGap, "pages of {page}");
    }
}

/// Whoever took it out may be told as its sender.
#[test]
fn a_placeholder_of_another_sender_may_have_been_it() {
    let group = of(quiet(3));
    let Told::Page(mut page) = group.answer(Ask::Newest) else {
        panic!("it is a page");
    };
    page.items[1].random = None;
    let look = |page: &HistoryPage| {
        let mut search = Search::new(wanted());
        search.learn(Ok(group.answer(Ask::Group)));
        search.learn(Ok(Told::Page(page.clone()))).unwrap()
    };
    assert_eq!(look(&page), ABSENT, "it stands there, and is another's");
    page.items[1].placeholder = Placeholder::Recalled;
    assert_eq!(why(look(&page)), Unclear::MessageHidden);
    page.items[1].placeholder = Placeholder::None;
    page.items[1].from = "admin".to_owned();
    assert_eq!(why(look(&page)), Unclear::MessageHidden);
}

/// An imported message may bear any time.
#[test]
fn one_odd_time_does_not_end_the_search() {
    let mut messages = quiet(40);
    messages[3] = whole("admin", OURS, SINCE_S + 90);
    messages[30] = whole("peter", 1, SINCE_S - 10_000);
    assert!(matches!(of(messages).search(), Finding::Found(_)));
}

#[test]
fn a_placeholder_without_a_time_matters_only_where_it_may_have_been_it() {
    let mut messages = quiet(6);
    messages[0].shown = Shown::Cleared;
    messages[1].time_s = SINCE_S - 10;
    assert_eq!(of(messages.clone()).search(), ABSENT);
    messages[2].shown = Shown::Cleared;
    assert_eq!(why(of(messages).search()), Unclear::MessageHidden);
}

fn failed() -> LookupFailure {
    LookupFailure::Failed(Answer::none("no answer in time"))
}

#[test]
fn a_failed_look_up_is_tried_again_and_given_up() {
    let group = of(quiet(30));
    let mut search = Search::new(wanted());
    assert_eq!(search.learn(Err(failed())), None);
    assert_eq!(
        (search.next(), search.pause()),
        (Ask::Group, Duration::from_secs(5))
    );
    assert_eq!(search.learn(Ok(group.answer(Ask::Group))), None);
    assert_eq!(
        (search.next(), search.pause()),
        (Ask::Newest, Duration::ZERO)
    );
    assert_eq!(search.learn(Ok(group.answer(Ask::Newest))), None);
    assert_eq!(search.next(), Ask::From(10));
    assert_eq!(search.learn(Err(failed())), None);
    assert_eq!(
        (search.next(), search.pause()),
        (Ask::From(10), Duration::from_secs(10))
    );
    let finding = search.learn(Err(failed())).unwrap();
    let unreadable = Unclear::Unreadable(Answer::none("no answer in time"));
    assert_eq!(why(finding), unreadable);
}

#[test]
fn no_connection_and_too_fast_are_waited_out() {
    let answer = || Answer::none("why");
    let mut search = Search::new(wanted());
    for _ in 0..100 {
        assert_eq!(
            search.learn(Err(LookupFailure::NoConnection(answer()))),
            None
        );
        assert_eq!(search.learn(Err(LookupFailure::TooFast(answer()))), None);
        assert_eq!(
            (search.next(), search.pause()),
            (Ask::Group, Duration::from_secs(2))
        );
    }
}

#[test]
fn a_history_that_lags_may_catch_up() {
    let mut group = of(quiet(30));
    group.messages.push(whole("admin", OURS, SINCE_S + 300));
    let late = Group {
        lag: 1,
        ..group.clone()
    };
    let mut search = Search::new(wanted());
    for pause in [5, 10] {
        assert_eq!(search.learn(Ok(late.answer(search.next()))), None);
        assert_eq!(search.learn(Ok(late.answer(search.next()))), None);
        assert_eq!(
            (search.next(), search.pause()),
            (Ask::Group, Duration::from_secs(pause))
        );
    }
    assert_eq!(search.learn(Ok(group.answer(search.next()))), None);
    let finding = search.learn(Ok(group.answer(search.next())));
    assert!(matches!(finding, Some(Finding::Found(_))), "{finding:?}");
    assert_eq!(why(late.search()), Unclear::HistoryLags);
}

#[test]
fn a_group_without_a_history_is_not_searched() {
    let learn = |told| Search::new(wanted()).learn(told);
    let facts = |keeps_history| {
        Ok(Told::Group(GroupFacts {
            keeps_history,
            next_seq: Some(1),
        }))
    };
    assert_eq!(why(learn(facts(Some(false))).unwrap()), Unclear::NoHistory);
    assert_eq!(learn(facts(None)), None);
    let answer = || Answer::none("why");
    let none = learn(Err(LookupFailure::NoHistory(answer())));
    assert_eq!(why(none.unwrap()), Unclear::NoHistory);
    let gone = learn(Err(LookupFailure::Gone(answer())));
    assert_eq!(why(gone.unwrap()), Unclear::GroupGone);
}

#[test]
fn a_group_of_a_type_nobody_knows_proves_only_what_it_shows() {
    for (messages, is_found) in [
        (quiet(3), false),
        (vec![whole("admin", OURS, SINCE_S + 1)], true),
    ] {
        let group = of(messages);
        let mut search = Search::new(wanted());
        let facts = GroupFacts {
            keeps_history: None,
            next_seq: Some(group.messages.len() as u64 + 1),
        };
        assert_eq!(search.learn(Ok(Told::Group(facts))), None);
        let finding = search.learn(Ok(group.answer(search.next()))).unwrap();
        assert_eq!(matches!(finding, Finding::Found(_)), is_found);
        assert_ne!(finding, ABSENT);
    }
}

/// It would be looked for in the wrong hours, and whatever is there would be taken for older.
#[test]
fn an_absence_by_a_clock_that_was_wrong_proves_nothing() {
    let hour = 3_600_000;
    let (now, wanted) = (at(300), wanted());
    let is_clear = |now: Moment, vendor_ms: Option<i64>| {
        let found = Finding::Found(receipt());
        assert_eq!(wanted.weigh(found.clone(), now, vendor_ms), found);
        wanted.weigh(ABSENT, now, vendor_ms) == ABSENT
    };
    assert!(is_clear(now, None));
    for near in [-20_000, 0, 20_000] {
        assert!(is_clear(now, Some(now.wall_ms + near)));
    }
    assert!(!is_clear(now, Some(now.wall_ms - hour)), "ahead");
    assert!(!is_clear(now, Some(now.wall_ms + hour)), "behind");
    for by in [-hour, hour] {
        let set = Moment {
            wall_ms: now.wall_ms + by,
            ..now
        };
        assert!(!is_clear(set, Some(set.wall_ms)), "set right since");
        let rebooted = Moment { boot_id: 2, ..set };
        assert_eq!(is_clear(rebooted, Some(set.wall_ms)), by > 0);
    }
}
