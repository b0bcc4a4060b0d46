//! The dispatcher in simulated time, against a strict vendor, a slow disk and a process that dies.
//!
//! What is asserted is what stands at the vendor and in the journal; no wall clock is read.

mod chance;
mod retried;
mod scheduler;
mod shared;
mod storm;
mod world;
mod year;

use campanile::workbench::{Delivery, Hours, OnUnknown, State, parse_zone};
use std::time::Duration;
use world::{Fate, World};

const MS: u64 = 1_000_000;

#[test]
fn the_limit_is_reached_and_never_passed() {
    for (latency_ms, jitter_ms, at_least) in [
        (30, 20, 199.0),
        (500, 20, 199.0),
        (1, 0, 199.0),
        // Nearly as long as the window: most of a second is spent on finding out.
        (900, 100, 196.0),
    ] {
        let mut world = World::new(3_000, 1);
        world.latency = (latency_ms * MS, jitter_ms * MS);
        world.run_to_the_end();
        assert_eq!(world.vendor.refused, 0, "latency {latency_ms} ms");
        assert!(
            world.vendor.most_in_one_second() <= 200,
            "latency {latency_ms} ms"
        );
        let rate = world.vendor.rate_per_s();
        assert!(rate >= at_least, "latency {latency_ms} ms: {rate}");
        world.assert_each_once();
    }
}

#[test]
fn a_path_slower_than_the_window_is_filled_all_the_same() {
    let mut world = World::new(6_000, 1);
    world.latency = (2_000 * MS, 100 * MS);
    world.run_to_the_end();
    assert!(world.vendor.most_in_one_second() <= 200);
    // The first second is spent on finding out how slow it is.
    assert!(
        world.vendor.rate_per_s() >= 185.0,
        "{}",
        world.vendor.rate_per_s()
    );
    world.assert_each_once();
}

#[test]
fn the_pace_is_even_from_the_first_call() {
    let mut world = World::new(400, 1);
    world.latency = (30 * MS, 0);
    world.run_to_the_end();
    assert!(world.vendor.most_within(Duration::from_millis(100)) <= 21);
}

#[test]
fn a_campaigns_own_rate_is_a_cap() {
    let mut world = World::new(500, 1);
    world.bounds.rate = Some(50.0);
    world.run_until(2_000 * MS);
    world.kill();
    world.run_to_the_end();
    assert!(world.vendor.most_in_one_second() <= 51);
    assert!(
        world.vendor.rate_per_s() >= 43.0,
        "with the pause of a restart: {}",
        world.vendor.rate_per_s()
    );
    world.assert_each_once();
}

#[test]
fn first_attempts_are_made_inside_the_window_of_the_day() {
    // The world begins ten seconds after midnight.
    let mut world = World::new(20_000, 1);
    world.bounds.hours = Some(Hours {
        window: "00:01-00:02".parse().unwrap(),
        zone: parse_zone("UTC").unwrap(),
    });
    world.fate = |call| match call % 50 {
        7 => Fate::ReplyLost,
        13 => Fate::NoConnection,
        _ => Fate::Well,
    };
    world.run_until(100_000 * MS);
    world.kill();
    world.run_to_the_end();
    world.assert_none_twice();
    // What was tried and not settled is brought to its end outside the window as well; nothing else is begun.
    for start in world.first_starts_ns() {
        let of_day = start % (86_400_000 * MS);
        assert!((60_000 * MS..120_000 * MS).contains(&of_day), "{of_day}");
    }
    assert!(
        world.now_ns > 86_400_000 * MS,
        "some were left for the next day"
    );
}

#[test]
fn a_run_pauses_after_its_first_calls_and_goes_on_when_told() {
    for seed in 0..20 {
        let mut world = World::new(60, seed);
        world.bounds.first_attempts = Some(25);
        world.fate = |call| match call % 6 {
            1 => Fate::ReplyLost,
            2 => Fate::DroppedOnce,
            3 => Fate::NoConnection,
            _ => Fate::Well,
        };
        world.run_to_the_end();
        let pending = world.states().filter(|state| *state == State::Pending);
        assert_eq!((pending.count(), world.first_starts_ns().count()), (35, 25));
        assert!(
            world.states().all(|state| state != State::InFlight),
            "none is left open"
        );
        world.bounds.first_attempts = None;
        world.kill();
        world.run_to_the_end();
        world.assert_each_once();
    }
}

#[test]
fn a_stall_of_the_path_passes_no_window() {
    for stall_ms in [100, 300, 700, 1_000, 2_500] {
        let mut world = World::new(2_000, 1);
        world.latency = (30 * MS, 10 * MS);
        world.stalls = vec![
            (3_000 * MS, (3_000 + stall_ms) * MS),
            (7_000 * MS, (7_000 + stall_ms) * MS),
        ];
        world.run_to_the_end();
        assert!(
            world.vendor.most_in_one_second() <= 200,
            "a stall of {stall_ms} ms"
        );
        world.assert_each_once();
    }
}

#[test]
fn the_pace_is_even_again_after_a_stall() {
    let mut world = World::new(2_000, 1);
    world.latency = (30 * MS, 20 * MS);
    world.stalls = vec![(3_000 * MS, 4_000 * MS)];
    world.run_until(7_000 * MS);
    let before = world.vendor.arrivals();
    world.run_to_the_end();
    let most = world.vendor.most_since(before, Duration::from_millis(100));
    assert!(most <= 24, "{most} in a tenth of a second");
    world.assert_each_once();
}

/// Between the decision and the write a busy machine gives its time to others.
#[test]
fn calls_that_are_written_late_pass_no_limit() {
    let mut world = World::new(4_000, 1);
    world.latency = (30 * MS, 20 * MS);
    world.set_aside_ns = |call| if call % 37 == 0 { 15 * MS } else { 0 };
    world.run_to_the_end();
    assert_eq!(world.vendor.most_in_one_second(), 200);
    world.assert_each_once();
}

#[test]
fn lost_replies_double_nothing() {
    for seed in 0..20 {
        let mut world = World::new(300, seed);
        world.fate = |chance| match chance % 10 {
            0 => Fate::ReplyLost,
            1 => Fate::RequestLost,
            2 => Fate::DroppedOnce,
            _ => Fate::Well,
        };
        world.run_to_the_end();
        world.assert_each_once();
    }
}

#[test]
fn a_process_killed_anywhere_goes_on_where_it_was() {
    for seed in 0..60 {
        let mut world = World::new(400, seed);
        world.fate = |chance| {
            if chance % 7 == 0 {
                Fate::ReplyLost
            } else {
                Fate::Well
            }
        };
        for kill in 1..=4 {
            world.run_until((seed * 13 + kill * 431) * MS);
            world.kill();
        }
        world.run_to_the_end();
        world.assert_each_once();
        assert!(
            world.vendor.most_in_one_second() <= 200,
            "seed {seed}: the window holds across restarts"
        );
    }
}

/// Some replies are lost, and the process comes back after the vendor has forgotten the calls.
fn back_too_late(seed: u64, lost: fn(u64) -> Fate) -> World {
    let mut world = World::new(200, seed);
    world.fate = lost;
    world.run_until(300 * MS);
    world.kill();
    world.now_ns += 241_000 * MS;
    world.fate = |_| Fate::Well;
    world
}

fn count(world: &World, state: State) -> usize {
    world.states().filter(|each| *each == state).count()
}

#[test]
fn a_process_that_comes_back_too_late_looks_into_the_history() {
    for seed in 0..20 {
        let mut world = back_too_late(seed, |_| Fate::ReplyLost);
        world.run_to_the_end();
        world.assert_none_twice();
        // What was Started and had not left yet is not there.
        let unknown = count(&world, State::Unknown);
        assert!(unknown <= 32, "{unknown}");
        assert_eq!(unknown + count(&world, State::Accepted), 200);
        assert_eq!(world.stored(), count(&world, State::Accepted));

        let mut world = back_too_late(seed, |_| Fate::ReplyLost);
        world.on_unknown = OnUnknown::Resend;
        world.run_to_the_end();
        world.assert_each_once();
    }
}

#[test]
fn without_a_history_what_nobody_can_tell_is_unknown() {
    let mut world = back_too_late(5, |_| Fate::ReplyLost);
    world.has_history = false;
    world.run_to_the_end();
    world.assert_none_twice();
    let unknown = count(&world, State::Unknown);
    assert!(unknown > 0, "{unknown}");
    assert_eq!(unknown + count(&world, State::Accepted), 200);
}

#[test]
fn what_is_proved_absent_is_held_or_sent_once_more_as_the_campaign_says() {
    let lost = |chance| match chance % 3 {
        0 => Fate::ReplyLost,
        _ => Fate::RequestLost,
    };
    for seed in 0..20 {
        let mut world = back_too_late(seed, lost);
        world.run_to_the_end();
        world.assert_none_twice();
        let unknown = count(&world, State::Unknown);
        assert!(unknown > 0, "held");
        assert_eq!(unknown + count(&world, State::Accepted), 200);

        let mut world = back_too_late(seed, lost);
        world.on_unknown = OnUnknown::Resend;
        world.run_to_the_end();
        world.assert_each_once();
    }
}

/// The new generation of what was proved absent may fare no better.
#[test]
fn resending_doubles_nothing_however_often_replies_are_lost() {
    for seed in 0..10 {
        let mut world = World::new(60, seed);
        world.on_unknown = OnUnknown::Resend;
        world.fate = |chance| match chance % 4 {
            0 => Fate::ReplyLost,
            1 => Fate::ReplyBroken,
            _ => Fate::RequestLost,
        };
        for kill in 1..=5 {
            world.run_until(kill * 260_000 * MS);
            world.kill();
        }
        world.fate = |_| Fate::Well;
        world.run_to_the_end();
        world.assert_each_once();
    }
}

#[test]
fn a_resend_that_waited_too_long_for_its_turn_is_not_sent() {
    for seed in 0..5 {
        let mut world = World::new(2_500, seed);
        world.fate = |chance| match chance % 2 {
            0 => Fate::ReplyBroken,
            _ => Fate::Well,
        };
        world.run_until(3_000 * MS);
        world.fate = |_| Fate::RequestLost;
        world.run_until(400_000 * MS);
        world.fate = |_| Fate::Well;
        world.run_to_the_end();
        world.assert_none_twice();
        let has_ended = |state| matches!(state, State::Accepted | State::Unknown);
        assert!(world.states().all(has_ended), "seed {seed}");
    }
}

#[test]
fn a_drain_leaves_nothing_open_and_can_be_gone_on_from() {
    for seed in 0..20 {
        let mut world = World::new(300, seed);
        world.run_until((seed * 37 + 1) * MS);
        world.drain();
        world.run_to_the_end();
        assert!(world.states().all(|state| state != State::InFlight));
        world.kill();
        world.run_to_the_end();
        world.assert_each_once();
    }
}

#[test]
fn a_dead_server_is_not_hammered() {
    let mut world = World::new(300, 1);
    world.fate = |_| Fate::NoConnection;
    world.run_until(120_000 * MS);
    assert!(world.calls < 60, "{} calls in two minutes", world.calls);
    world.fate = |_| Fate::Well;
    world.run_to_the_end();
    world.assert_each_once();
}

#[test]
fn wrong_credentials_stop_the_run_at_once() {
    let mut world = World::new(3_000, 1);
    world.fate = |_| Fate::Forbidden;
    world.run_to_the_end();
    assert!(world.calls < 30, "{} calls", world.calls);
    assert!(world.states().all(|state| state == State::Pending));
}

#[test]
fn a_small_campaign_is_not_kept_waiting_by_a_big_one() {
    let mut world = World::new(4_000, 1);
    let small = world.also(50, 5_000 * MS);
    let smaller = world.also(10, 5_200 * MS);
    world.run_to_the_end();
    for (run, began) in [(small, 5_000), (smaller, 5_200)] {
        let took = world.done_ns(run) - began * MS;
        assert!(took < 1_500 * MS, "{} ms", took / MS);
    }
    assert!(world.vendor.most_in_one_second() <= 200);
    assert!(world.vendor.rate_per_s() >= 199.0);
    world.assert_each_once();
}

#[test]
fn two_campaigns_of_a_size_share_the_lane_evenly() {
    let mut world = World::new(1_000, 1);
    let other = world.also(1_000, 0);
    world.run_to_the_end();
    let ends = [world.done_ns(other), world.vendor_end_ns()];
    assert!(ends[1] - ends[0] < 200 * MS, "{ends:?}");
    world.assert_each_once();
}

#[test]
fn one_group_is_never_sent_more_than_forty_a_second() {
    let mut world = World::new(400, 1);
    world.group = |number| if number < 300 { 0 } else { number };
    world.delay_ns = 20 * MS;
    world.run_to_the_end();
    assert_eq!(world.vendor.refused_by_group, 0);
    world.assert_each_once();
    let seconds = world.vendor_end_ns() / (1_000 * MS);
    assert!(seconds <= 8, "38 a second: {seconds} s");
}

#[test]
fn others_on_the_same_app_are_made_room_for() {
    let mut world = World::new(6_000, 1);
    world.vendor.taken = 150;
    world.run_to_the_end();
    let share = f64::from(world.vendor.refused) / 6_000.0;
    assert!(share < 0.2, "{} refused", world.vendor.refused);
    world.assert_each_once();
}

#[test]
fn a_few_dropped_messages_do_not_slow_the_others_much() {
    let mut world = World::new(6_000, 1);
    world.fate = |chance| match chance % 100 {
        0 => Fate::DroppedOnce,
        _ => Fate::Well,
    };
    world.run_to_the_end();
    let rate = world.vendor.rate_per_s();
    assert!(rate >= 150.0, "{rate}");
    world.assert_each_once();
}

#[test]
fn arrivals_that_vary_are_over_the_limit_in_the_first_minute_only() {
    let mut world = World::new(18_000, 1);
    world.delay_ns = 20 * MS;
    world.run_until(60_000 * MS);
    let first = world.vendor.refused;
    world.run_to_the_end();
    let later = world.vendor.refused - first;
    assert!(later <= 1, "{first} in the first minute, {later} after");
    assert!(world.vendor.rate_per_s() >= 190.0);
    world.assert_each_once();
}

#[test]
fn what_was_not_started_in_time_is_skipped() {
    let mut world = World::new(1_000, 1);
    world.bounds.finish_by_ms = Some(12_000);
    world.fate = |chance| match chance % 10 {
        0 => Fate::ReplyLost,
        1 => Fate::DroppedOnce,
        _ => Fate::Well,
    };
    world.run_until(1_000 * MS);
    world.kill();
    world.run_to_the_end();
    world.assert_none_twice();
    let skipped = world
        .states()
        .filter(|state| *state == State::Skipped)
        .count();
    let accepted = world
        .states()
        .filter(|state| *state == State::Accepted)
        .count();
    assert_eq!(skipped + accepted, 1_000);
    assert!((600..900).contains(&skipped), "{skipped}");
    assert!(world.first_starts_ns().all(|at| at <= 12_000 * MS));
}

#[test]
fn the_fold_refuses_what_cannot_be() {
    let mut world = World::new(10, 1);
    world.run_to_the_end();
    let entries = world.entries(0);
    assert!(Delivery::fold(entries).is_ok());
    assert!(Delivery::fold(entries.iter().rev()).is_err());
    assert!(Delivery::fold(entries.iter().chain(entries)).is_err());
}
