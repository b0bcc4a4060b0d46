//! What a person wants sent again, whatever befell it before and befalls it now.

use super::world::{Fate, World};
use super::{MS, back_too_late};
use campanile::workbench::State;

const UNDELIVERED: [State; 3] = [State::Refused, State::Failed, State::Skipped];

fn befallen(chance: u64) -> Fate {
    match chance % 16 {
        0 | 1 => Fate::ReplyLost,
        2 => Fate::RequestLost,
        3 => Fate::ReplyBroken,
        4..8 => Fate::Refused,
        8..13 => Fate::Dropped,
        13 => Fate::NoConnection,
        _ => Fate::Well,
    }
}

#[test]
fn what_is_proved_undelivered_is_sent_again_and_arrives_once() {
    let mut retried = [0; 3];
    for seed in 0..18 {
        let mut world = World::new(120, seed);
        world.fate = befallen;
        world.bounds.finish_by_ms = Some(10_000 + 450);
        for round in 0..4 {
            world.run_until((seed * 17 + round * 90_000) * MS);
            world.kill();
            world.run_to_the_end();
            world.assert_none_twice();
            world.kill();
            world.bounds.finish_by_ms = None;
            for (state, retried) in UNDELIVERED.into_iter().zip(&mut retried) {
                *retried += world.retry(state);
            }
        }
        world.fate = |_| Fate::Well;
        world.run_to_the_end();
        world.assert_none_twice();
        for state in UNDELIVERED {
            assert_eq!(world.numbers(state), Vec::<u32>::new(), "seed {seed}");
        }
        let unknown = world.numbers(State::Unknown).len();
        let accepted = world.numbers(State::Accepted).len();
        assert_eq!(unknown + accepted, 120, "seed {seed}");
        assert!(world.stored() >= accepted, "seed {seed}");
    }
    assert!(retried.iter().all(|count| *count > 12), "{retried:?}");
}

#[test]
fn of_what_is_unknown_only_what_was_in_doubt_may_arrive_twice() {
    for has_history in [false, true] {
        let mut doubled = 0;
        for seed in 0..8 {
            let mut world = back_too_late(seed, |chance| match chance % 2 {
                0 => Fate::ReplyLost,
                _ => Fate::RequestLost,
            });
            world.has_history = has_history;
            world.run_to_the_end();
            world.assert_none_twice();
            let unknown = world.numbers(State::Unknown);
            assert!(!unknown.is_empty(), "seed {seed}");
            world.kill();
            world.retry(State::Unknown);
            world.fate = |chance| match chance % 5 {
                0 => Fate::ReplyLost,
                1 => Fate::Refused,
                _ => Fate::Well,
            };
            world.run_until((241_400 + seed * 37) * MS);
            world.kill();
            world.run_to_the_end();
            let twice = world.doubled();
            assert!(
                twice.iter().all(|number| unknown.contains(number)),
                "seed {seed}"
            );
            // What may have arrived is never called undelivered.
            if !has_history {
                assert!(world.numbers(State::Refused).is_empty(), "seed {seed}");
            }
            doubled += twice.len();
        }
        assert_eq!(doubled > 0, !has_history, "what is proved absent does not");
    }
}
