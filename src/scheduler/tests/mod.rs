//! The order in which plans are advanced, and years of single campaigns. `tests/simulation/scheduler` shows the rest.

mod year;

use super::{EffectId, PlanQueue, SLICE};
use chrono::{DateTime, Utc};

fn at(minute: u32) -> DateTime<Utc> {
    let text = format!("2026-05-01T09:{minute:02}:00Z");
    DateTime::parse_from_rfc3339(&text).unwrap().to_utc()
}

#[test]
fn ten_slow_plans_leave_the_eleventh_campaign_its_turn() {
    let mut queue = PlanQueue::default();
    for slow in 0..10 {
        queue.add(EffectId(slow), true, at(1));
    }
    for _ in 0..100 {
        let id = queue.take().unwrap();
        queue.put_back(id, SLICE);
    }
    queue.add(EffectId(10), true, at(5));
    assert_eq!(queue.take(), Some(EffectId(10)), "the least served first");
}

#[test]
fn due_plan_comes_before_a_plan_that_is_ahead_and_less_served() {
    let mut queue = PlanQueue::default();
    queue.add(EffectId(1), true, at(9));
    queue.add(EffectId(2), false, at(1));
    assert_eq!(queue.take(), Some(EffectId(1)));
    queue.put_back(EffectId(1), SLICE);
    assert_eq!(queue.take(), Some(EffectId(1)));
    assert_eq!(queue.take(), Some(EffectId(2)), "another worker");
    queue.put_back(EffectId(2), SLICE);
    queue.urge(EffectId(2));
    assert_eq!(queue.take(), Some(EffectId(2)), "the earliest slot");
}

#[test]
fn plan_that_was_dropped_while_a_worker_advances_it_is_not_put_back() {
    let mut queue = PlanQueue::default();
    queue.add(EffectId(1), true, at(1));
    let taken = queue.take().unwrap();
    assert!(queue.remove(taken));
    queue.put_back(taken, SLICE);
    assert_eq!((queue.take(), queue.ids().count()), (None, 0));
}
