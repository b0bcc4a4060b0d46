//! Who waits for whom: groups, runs and processes that share a lane.

use super::MS;
use super::world::{Fate, OWN, World};
use campanile::workbench::{OnUnknown, RunTag, State};

const SECOND: u64 = 1_000 * MS;

#[test]
fn a_group_that_is_too_fast_keeps_no_other_waiting() {
    let mut world = World::new(1_000, 1);
    world.group = |number| if number < 300 { 0 } else { number };
    world.vendor.busy = Some(("g0", 70 * SECOND));
    world.run_until(60 * SECOND);
    let others = world.stored_ns(|number| number >= 300);
    assert!(others < 8 * SECOND, "{} s", others / SECOND);
    assert_eq!(world.stored(), 700);
}

#[test]
fn repetitions_to_one_group_keep_no_other_waiting() {
    let mut world = World::new(2_000, 1);
    world.group = |number| if number < 1_000 { 0 } else { number };
    world.fate = |_| Fate::ReplyBroken;
    world.run_until(4 * SECOND);
    world.fate = |_| Fate::Well;
    world.run_to_the_end();
    let others = world.stored_ns(|number| number >= 1_000);
    assert!(others < 20 * SECOND, "{} s", others / SECOND);
    world.assert_each_once();
}

#[test]
fn a_run_that_never_gets_an_answer_does_not_keep_another_waiting() {
    for fate in [|_| Fate::ReplyLost, |_| Fate::ReplyBroken] {
        let mut world = World::new(600, 1);
        let small = world.also(50, 20 * SECOND);
        world.fate_of(OWN, fate);
        world.run_until(400 * SECOND);
        let took = world.done_ns(small) - 20 * SECOND;
        assert!(took < 30 * SECOND, "{} s", took / SECOND);
    }
}

#[test]
fn a_group_with_many_calls_keeps_no_other_waiting() {
    let mut world = World::new(2_000, 1);
    world.group = |number| if number < 1_500 { 0 } else { number };
    world.run_to_the_end();
    let others = world.stored_ns(|number| number >= 1_500);
    assert!(others < 6 * SECOND, "{} s", others / SECOND);
    world.assert_each_once();
}

#[test]
fn a_slow_lane_holds_its_limit_from_one_process_to_the_next() {
    for after_ms in (0..5_000).step_by(97) {
        let mut world = World::with_limit(1, 20, 1);
        world.run_until(after_ms * MS);
        world.kill();
        world.run_to_the_end();
        assert_eq!(world.vendor.refused, 0, "killed after {after_ms} ms");
        world.assert_each_once();
    }
    let mut world = World::with_limit(1, 3, 1);
    world.run_to_the_end();
    world.kill();
    let later = world.now_ns - 10 * SECOND + 60 * MS;
    world.also(1, later);
    world.run_to_the_end();
    assert_eq!(world.vendor.refused, 0, "a new run right after");
    world.assert_each_once();
}

/// Runs that come and go, calls that fare badly, processes that die or drain: whatever happens, each gets one.
#[test]
fn runs_that_share_a_lane_through_everything_are_sent_once() {
    for seed in 0..40 {
        let mut world = World::new(150, seed);
        world.group = |number| if number % 3 == 0 { 0 } else { number };
        world.on_unknown = OnUnknown::Resend;
        world.vendor.busy = Some(("g0", seed % 5 * SECOND));
        let other = world.also(80, seed % 7 * 300 * MS);
        let third = world.also(40, seed % 11 * 400 * MS);
        if seed % 2 == 0 {
            world.bounds.rate = Some(30.0);
        }
        world.fate = |chance| match chance % 12 {
            0 => Fate::ReplyLost,
            1 => Fate::DroppedOnce,
            2 => Fate::NoConnection,
            3 => Fate::ReplyBroken,
            4 => Fate::RequestLost,
            _ => Fate::Well,
        };
        world.fate_of(
            [other, third][usize::from(seed % 3 == 0)],
            |chance| match chance % 4 {
                0 => Fate::Well,
                1 => Fate::ReplyLost,
                2 => Fate::ReplyBroken,
                _ => Fate::RequestLost,
            },
        );
        for kill in 1..=4 {
            let after = world.now_ns - 10 * SECOND;
            world.run_until(after + (seed * 37 + kill * kill * 900) * MS);
            if (seed + kill) % 3 == 0 {
                world.drain();
                world.run_to_the_end();
            }
            world.kill();
        }
        world.run_to_the_end();
        world.assert_each_once();
        let most = world.vendor.most_in_one_second();
        assert!(most <= 200, "seed {seed}: {most}");
    }
}

#[track_caller]
fn assert_cancelled(world: &World, run: RunTag, targets: usize, context: &str) {
    let [accepted, skipped, unknown] =
        [State::Accepted, State::Skipped, State::Unknown].map(|state| world.count(run, state));
    assert_eq!(accepted + skipped + unknown, targets, "{context}");
    let stored: Vec<State> = world.stored_of(run).collect();
    assert!(!stored.contains(&State::Skipped), "{context}");
    let accepted_there = stored.iter().filter(|state| **state == State::Accepted);
    assert_eq!(accepted_there.count(), accepted, "{context}");
}

/// Calls that fare badly, processes that die or drain, and runs that are cancelled in the midst of it: no call of theirs
/// goes out any more, every delivery comes to an end that is true, and the others are sent all the same.
#[test]
fn what_is_cancelled_at_any_instant_comes_to_a_true_end_and_is_never_sent_again() {
    let mut skipped = 0;
    for seed in 0..60 {
        let mut world = World::new(150, seed);
        world.group = |number| if number % 3 == 0 { 0 } else { number };
        let resends = seed % 2 == 0;
        world.on_unknown = [OnUnknown::Hold, OnUnknown::Resend][usize::from(resends)];
        world.has_history = seed % 5 > 0;
        let other = world.also(80, seed % 7 * 300 * MS);
        if seed % 3 == 0 {
            world.bounds.rate = Some(30.0);
        }
        world.fate = |chance| match chance % 8 {
            0 => Fate::ReplyLost,
            1 => Fate::DroppedOnce,
            2 => Fate::NoConnection,
            3 => Fate::ReplyBroken,
            4 => Fate::RequestLost,
            _ => Fate::Well,
        };
        world.run_until((seed * 97 + 1) * MS);
        if seed % 4 == 0 {
            world.kill();
        }
        world.cancel(OWN);
        for kill in 1..=2 {
            let after = world.now_ns - 10 * SECOND;
            world.run_until(after + (seed * 131 + kill * 700) * MS);
            if (seed + kill) % 3 == 0 {
                world.drain();
                world.run_to_the_end();
            }
            world.kill();
        }
        if seed % 6 == 5 {
            world.cancel(other);
        }
        world.run_to_the_end();
        world.assert_none_twice();
        assert_cancelled(&world, OWN, 150, &format!("seed {seed}"));
        skipped += world.count(OWN, State::Skipped);
        if seed % 6 == 5 {
            assert_cancelled(&world, other, 80, &format!("seed {seed}, the other"));
        } else {
            assert_eq!(world.count(other, State::Pending), 0, "seed {seed}");
            let states = [State::Accepted, State::Unknown];
            let ended: usize = states.iter().map(|state| world.count(other, *state)).sum();
            assert_eq!(ended, 80, "seed {seed}");
        }
    }
    assert!(skipped > 500, "{skipped} were not begun");
}

/// A dead path holds up nothing that needs no call.
#[test]
fn a_run_is_cancelled_at_once_though_nothing_gets_through() {
    let mut world = World::new(2_000, 1);
    world.fate = |_| Fate::NoConnection;
    world.run_until(60 * SECOND);
    world.cancel(OWN);
    let before = world.now_ns;
    world.run_to_the_end();
    assert!(world.now_ns - before < SECOND);
    assert_eq!(world.count(OWN, State::Skipped), 2_000);
}
