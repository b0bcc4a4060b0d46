//! What a person wants sent again.

use super::*;
use crate::delivery::{Delivery, Illegal, Next, State};

const AGAIN: Entry = Entry::Retried {
    at: Moment {
        wall_ms: START.wall_ms + 400_000,
        ..START
    },
};

fn open() -> Vec<Entry> {
    vec![started(1, 1, at(0)), finished(1, unknown(), at(10))]
}

fn absent() -> Vec<Entry> {
    let looks = [looked_up(ABSENT, at(130)), looked_up(ABSENT, at(160))];
    [open(), looks.to_vec()].concat()
}

fn used_up() -> Vec<Entry> {
    let attempt = |number: u32| {
        let begun = at(u64::from(number) * 10);
        let answer = finished(number, throttled(), begun);
        [started(number, number, begun), answer]
    };
    (1..=3).flat_map(attempt).collect()
}

/// The ends that may be wanted again, with whether the delivery may have arrived by then.
fn ends() -> Vec<(&'static str, Vec<Entry>, bool)> {
    let ending = |entries: Vec<Entry>, end| [entries, vec![ended(end, at(300))]].concat();
    let refused_at_once = vec![started(1, 1, at(0)), finished(1, refused(), at(1))];
    let refused_again = vec![started(2, 1, at(20)), finished(2, refused(), at(21))];
    let in_doubt = [open(), refused_again.clone()].concat();
    let looks = [looked_up(ABSENT, at(150)), looked_up(ABSENT, at(190))];
    let waived = [open(), vec![Entry::Waived { at: at(11) }]].concat();
    vec![
        ("refused", refused_at_once, false),
        (
            "refused, proved",
            [in_doubt.clone(), looks.to_vec()].concat(),
            false,
        ),
        ("failed", ending(used_up(), End::Failed), false),
        ("too late", ending(Vec::new(), End::Skipped), false),
        ("cancelled", ending(used_up(), End::Skipped), false),
        ("unknown", ending(open(), End::Unknown), true),
        ("unknown, refused", ending(in_doubt, End::Unknown), true),
        ("waived", ending(waived, End::Unknown), true),
        ("held", ending(absent(), End::Unknown), false),
    ]
}

#[test]
fn it_starts_from_the_beginning_with_a_new_generation() {
    for (name, entries, may_have_arrived) in ends() {
        let before = Delivery::fold(&entries).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(before.has_ended(), "{name}");
        let mut delivery = before.clone();
        delivery.apply(&AGAIN).unwrap();
        let pending = if may_have_arrived {
            State::InFlight
        } else {
            State::Pending
        };
        assert_eq!(delivery.state(), pending, "{name}");
        assert_eq!(delivery.may_have_arrived(), may_have_arrived, "{name}");
        assert_eq!((delivery.counted(), delivery.last()), (0, None), "{name}");
        assert!(
            delivery.is_untried() && delivery.is_first_attempt(),
            "{name}"
        );
        assert_eq!(
            delivery.attempts(),
            before.attempts(),
            "{name}: numbers go on"
        );
        let earlier = delivery.earlier().unwrap();
        assert_eq!(earlier.state, before.state(), "{name}");
        assert_eq!(earlier.reason.as_ref(), before.reason(), "{name}");
        for on_unknown in [OnUnknown::Hold, OnUnknown::Resend] {
            let next = delivery.next(&policy(on_unknown), at(500));
            let wait = Duration::ZERO;
            assert_eq!(next, Next::Attempt { wait }, "{name}");
        }
        let attempt = delivery.attempts() + 1;
        let generation = before.next_generation();
        let repeated = started(attempt, generation - 1, at(500));
        assert_eq!(
            delivery.clone().apply(&repeated),
            Err(Illegal::GenerationNumber),
            "{name}: the `Random` of before is done with"
        );
        delivery
            .apply(&started(attempt, generation, at(500)))
            .unwrap();
        assert!(
            !delivery.is_untried() && delivery.is_first_attempt(),
            "{name}"
        );
    }
}

/// What may have arrived may have arrived, whatever comes of the next attempts.
#[test]
fn a_further_failure_undoes_no_doubt() {
    for (name, entries, may_have_arrived) in ends() {
        let mut delivery = Delivery::fold(&entries).unwrap();
        delivery.apply(&AGAIN).unwrap();
        let (attempt, generation) = (delivery.attempts() + 1, delivery.next_generation());
        delivery
            .apply(&started(attempt, generation, at(500)))
            .unwrap();
        let mut refusal = delivery.clone();
        refusal
            .apply(&finished(attempt, refused(), at(501)))
            .unwrap();
        let next = refusal.next(&policy(OnUnknown::Hold), at(502));
        if may_have_arrived {
            let is_unknown = matches!(next, Next::End(End::Unknown, _));
            assert!(is_unknown, "{name}: {next:?}");
        } else {
            assert_eq!(refusal.state(), State::Refused, "{name}");
        }
        delivery
            .apply(&finished(attempt, throttled(), at(501)))
            .unwrap();
        let few = Policy {
            attempts: 1,
            ..policy(OnUnknown::Hold)
        };
        let Next::End(end, _) = delivery.next(&few, at(600)) else {
            panic!("{name}: attempts are used up");
        };
        let expected = if may_have_arrived {
            End::Unknown
        } else {
            End::Failed
        };
        assert_eq!(end, expected, "{name}");
        assert_eq!(delivery.apply(&ended(end, at(600))), Ok(()), "{name}");
    }
}

#[test]
fn it_may_be_wanted_again_and_again_but_not_before_it_ended() {
    let mut entries = ends().remove(0).1;
    entries.push(AGAIN);
    let mut delivery = Delivery::fold(&entries).unwrap();
    assert_eq!(delivery.apply(&AGAIN), Err(Illegal::NotToRetry));
    for attempt in 2..5 {
        let begun = at(500 + u64::from(attempt));
        delivery.apply(&started(attempt, attempt, begun)).unwrap();
        assert_eq!(delivery.apply(&AGAIN), Err(Illegal::NotToRetry));
        delivery
            .apply(&finished(attempt, refused(), begun))
            .unwrap();
        delivery.apply(&AGAIN).unwrap();
        assert_eq!(delivery.state(), State::Pending);
    }
    assert_eq!((delivery.tries(), delivery.attempts()), (4, 4));
}

#[test]
fn what_was_accepted_is_never_wanted_again() {
    let accepted = finished(1, Outcome::Accepted(receipt()), at(1));
    let found = looked_up(Finding::Found(receipt()), at(130));
    let stories = [
        vec![started(1, 1, at(0)), accepted],
        [open(), vec![found]].concat(),
    ];
    for entries in stories {
        let mut delivery = Delivery::fold(&entries).unwrap();
        assert_eq!(delivery.apply(&AGAIN), Err(Illegal::NotToRetry));
    }
}
