//! What is to be done next, followed along whole timelines.

use super::*;
use crate::delivery::{Delivery, DeliveryReason, Next, State};

/// Carries out what is next, second by second, until it ends; `attempt` and `look` say what comes of it.
struct Story {
    delivery: Delivery,
    policy: Policy,
    now: Moment,
    /// `(seconds since the beginning, what)`
    told: Vec<(u64, String)>,
    looks: Vec<Finding>,
    outcomes: Vec<Outcome>,
}

impl Story {
    /// The last outcome and the last finding go on for ever.
    fn new(policy: Policy, outcomes: &[Outcome], looks: &[Finding]) -> Story {
        Story {
            delivery: Delivery::default(),
            policy,
            now: START,
            told: Vec::new(),
            looks: looks.to_vec(),
            outcomes: outcomes.to_vec(),
        }
    }

    fn apply(&mut self, entry: &Entry) {
        self.delivery.apply(entry).expect("what is next is legal");
    }

    fn tell(&mut self, what: &str) {
        let seconds = (self.now.boot_ns - START.boot_ns) / 1_000_000_000;
        self.told.push((seconds, what.to_owned()));
    }

    fn attempt(&mut self, generation: u32, random: Random) {
        let attempt = self.delivery.attempts() + 1;
        self.tell(&format!("attempt {attempt} of {generation}"));
        self.apply(&Entry::Started {
            attempt,
            generation,
            random,
            at: self.now,
        });
        let outcome = take(&mut self.outcomes);
        self.now = self.now.plus(match outcome {
            Outcome::Unknown(_) => self.policy.timeout,
            _ => Duration::from_millis(30),
        });
        assert_eq!(self.delivery.next(&self.policy, self.now), Next::Answer);
        self.apply(&finished(attempt, outcome, self.now));
    }

    /// Where it ends, and why.
    fn run(&mut self) -> (State, Option<DeliveryReason>) {
        for _ in 0..1_000 {
            match self.delivery.next(&self.policy, self.now) {
                Next::Nothing => {
                    return (self.delivery.state(), self.delivery.reason().cloned());
                }
                Next::Answer => panic!("nothing is on the wire"),
                Next::Attempt { wait } | Next::Resend { wait, .. } | Next::LookUp { wait }
                    if !wait.is_zero() =>
                {
                    self.now = self.now.plus(wait);
                }
                Next::Attempt { .. } => {
                    let generation = self.delivery.next_generation();
                    self.attempt(generation, Random(100 + generation));
                }
                Next::Resend {
                    generation, random, ..
                } => self.attempt(generation, random),
                Next::LookUp { .. } => {
                    let finding = take(&mut self.looks);
                    self.tell("look");
                    self.apply(&looked_up(finding, self.now));
                }
                Next::Waive => {
                    self.tell("waive");
                    self.apply(&Entry::Waived { at: self.now });
                }
                Next::End(end, reason) => {
                    self.tell("end");
                    let at = self.now;
                    self.apply(&Entry::Ended { end, reason, at });
                }
            }
        }
        panic!("it never ends: {:?}", self.told);
    }

    fn looks(&self) -> Vec<u64> {
        let looks = self.told.iter().filter(|(_, what)| what == "look");
        looks.map(|(at, _)| *at).collect()
    }

    fn last_attempt(&self) -> (u64, &str) {
        let mut attempts = self
            .told
            .iter()
            .filter(|(_, what)| what.starts_with("attempt"));
        let (at, what) = attempts.next_back().unwrap();
        (*at, what)
    }
}

#[track_caller]
fn assert_ended_by(expected: EndReason, reason: Option<&DeliveryReason>) {
    assert_eq!(reason, Some(&DeliveryReason::Ended(expected)));
}

/// The reason of a delivery that no attempt of three was answered.
fn used_up() -> EndReason {
    EndReason::AttemptsUsedUp {
        attempts: 3,
        last: silence(),
    }
}

fn take<T: Clone>(list: &mut Vec<T>) -> T {
    if list.len() > 1 {
        list.remove(0)
    } else {
        list[0].clone()
    }
}

#[test]
fn what_is_found_later_is_accepted() {
    let mut story = Story::new(
        policy(OnUnknown::Hold),
        &[unknown()],
        &[Finding::Found(receipt())],
    );
    let (state, reason) = story.run();
    assert_eq!(
        (state, reason),
        (State::Accepted, Some(DeliveryReason::FoundInHistory))
    );
    let (last, what) = story.last_attempt();
    assert!(
        what.ends_with("of 1") && (180..=230).contains(&last),
        "{:?}",
        story.told
    );
    assert_eq!(story.looks(), [last + 10 + 120], "{:?}", story.told);
}

#[test]
fn what_is_proved_absent_is_held_for_a_person() {
    let mut story = Story::new(policy(OnUnknown::Hold), &[unknown()], &[ABSENT]);
    let (state, reason) = story.run();
    assert_eq!(state, State::Unknown);
    assert_ended_by(EndReason::NotInHistory, reason.as_ref());
    let first = story.last_attempt().0 + 10 + 120;
    assert_eq!(story.looks(), [first, first + 30]);
    assert_eq!(story.delivery.next_generation(), 2);
}

#[test]
fn what_is_proved_absent_is_sent_again_where_the_campaign_says_so() {
    let resends = [vec![unknown(); 8], vec![Outcome::Accepted(receipt())]].concat();
    let mut story = Story::new(policy(OnUnknown::Resend), &resends, &[ABSENT]);
    let calls = {
        let mut first = Story::new(policy(OnUnknown::Hold), &[unknown()], &[ABSENT]);
        first.run();
        first.delivery.attempts() as usize
    };
    story.outcomes = [vec![unknown(); calls], vec![Outcome::Accepted(receipt())]].concat();
    let (state, _) = story.run();
    assert_eq!(state, State::Accepted);
    let (last, what) = story.last_attempt();
    assert_eq!(what, format!("attempt {} of 2", calls + 1));
    assert_eq!(last, story.looks()[1], "at once");
    assert_eq!(
        story.delivery.random(),
        Some(Random(102)),
        "with a new `Random`"
    );
}

#[test]
fn generations_proved_absent_use_the_attempts_up() {
    let mut story = Story::new(policy(OnUnknown::Resend), &[unknown()], &[ABSENT]);
    let (state, reason) = story.run();
    assert_eq!(state, State::Failed, "it is proved undelivered");
    assert_ended_by(used_up(), reason.as_ref());
    assert_eq!(story.looks().len(), 6);
    assert!(story.last_attempt().1.ends_with("of 3"));
}

#[test]
fn what_nobody_can_tell_is_left_unknown_whatever_the_campaign_says() {
    for on_unknown in [OnUnknown::Hold, OnUnknown::Resend] {
        for looks in [vec![unclear()], vec![ABSENT, unclear()]] {
            let mut story = Story::new(policy(on_unknown), &[unknown()], &looks);
            let (state, reason) = story.run();
            assert_eq!(state, State::Unknown);
            assert_ended_by(EndReason::Unclear(Unclear::HistoryGap), reason.as_ref());
            assert_eq!(story.looks().len(), looks.len());
            assert!(story.last_attempt().1.ends_with("of 1"));
        }
    }
}

#[test]
fn a_refused_repetition_is_looked_up_as_well() {
    let outcomes = [unknown(), refused()];
    let mut story = Story::new(policy(OnUnknown::Resend), &outcomes, &[ABSENT]);
    assert_eq!(
        story.run(),
        (State::Refused, Some(DeliveryReason::Refused(muted())))
    );
    assert_eq!(
        story.delivery.attempts(),
        2,
        "a refused call is not repeated"
    );
    assert_eq!(story.looks().len(), 2);
    let mut story = Story::new(
        policy(OnUnknown::Hold),
        &outcomes,
        &[Finding::Found(receipt())],
    );
    assert_eq!(story.run().0, State::Accepted);
    let blind = Policy {
        can_look_up: false,
        ..policy(OnUnknown::Resend)
    };
    let mut story = Story::new(blind, &outcomes, &[]);
    let (state, reason) = story.run();
    assert_eq!(state, State::Unknown);
    assert_ended_by(EndReason::RepetitionRefused, reason.as_ref());
}

#[test]
fn what_is_in_no_history_is_left_unknown() {
    for on_unknown in [OnUnknown::Hold, OnUnknown::Resend] {
        for resend_within in [Duration::ZERO, Duration::from_mins(4)] {
            let blind = Policy {
                can_look_up: false,
                resend_within,
                ..policy(on_unknown)
            };
            let mut story = Story::new(blind, &[unknown()], &[]);
            assert_eq!(story.run().0, State::Unknown, "{blind:?}");
            assert_eq!(story.delivery.next_generation(), 2, "no second generation");
        }
    }
}

#[test]
fn a_notification_is_held_or_may_double_as_the_campaign_says() {
    let mut story = Story::new(notification(OnUnknown::Hold), &[unknown()], &[]);
    assert_eq!(story.run().0, State::Unknown);
    assert_eq!(story.delivery.attempts(), 1);

    let outcomes = [unknown(), Outcome::Accepted(Receipt::default())];
    let mut story = Story::new(notification(OnUnknown::Resend), &outcomes, &[]);
    assert_eq!(story.run().0, State::Accepted);
    let told: Vec<&str> = story.told.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(told, ["attempt 1 of 1", "waive", "attempt 2 of 2"]);

    let mut story = Story::new(notification(OnUnknown::Resend), &[unknown()], &[]);
    let (state, reason) = story.run();
    assert_eq!(state, State::Unknown, "it may have arrived");
    assert_ended_by(used_up(), reason.as_ref());
    assert_eq!(story.delivery.attempts(), 3);

    let mut story = Story::new(
        notification(OnUnknown::Resend),
        &[unknown(), throttled()],
        &[],
    );
    assert_eq!(story.run().0, State::Unknown);
    let mut story = Story::new(
        notification(OnUnknown::Resend),
        &[unknown(), refused()],
        &[],
    );
    let (state, reason) = story.run();
    assert_eq!(state, State::Unknown);
    assert_ended_by(EndReason::RepetitionRefused, reason.as_ref());
}

/// After a restart of the machine nobody knows how long ago the attempt was: one look more tells.
#[test]
fn a_machine_started_anew_looks_at_once_and_waits_again() {
    let mut story = Story::new(policy(OnUnknown::Hold), &[unknown()], &[ABSENT]);
    story.attempt(1, Random(101));
    story.now = Moment {
        boot_id: 2,
        boot_ns: START.boot_ns + 5_000_000_000_000,
        wall_ms: story.now.wall_ms + 3_000,
    };
    assert_eq!(story.run().0, State::Unknown);
    assert_eq!(story.looks(), [5_000, 5_120, 5_150]);
    let mut story = Story::new(
        policy(OnUnknown::Hold),
        &[unknown()],
        &[Finding::Found(receipt())],
    );
    story.attempt(1, Random(101));
    story.now.boot_id = 2;
    assert_eq!(story.run().0, State::Accepted);
}

#[test]
fn a_clock_set_back_or_forward_proves_nothing_sooner() {
    for step_s in [-7_200_i64, -20, 20, 7_200] {
        let mut story = Story::new(policy(OnUnknown::Hold), &[unknown()], &[ABSENT]);
        story.attempt(1, Random(101));
        story.now.wall_ms += step_s * 1_000;
        let returned_ns = story.now.boot_ns;
        assert_eq!(story.run().0, State::Unknown, "{step_s} s");
        let last = *story.looks().last().unwrap();
        let passed = last - (returned_ns - START.boot_ns) / 1_000_000_000;
        assert!(passed >= 150, "{step_s} s: {passed} s");
    }
}

/// What becomes of a delivery with these entries when its run is cancelled half a minute after the first: where it ends,
/// why, and how often its group's history was looked at.
fn cancelled(
    entries: &[Entry],
    policy: &Policy,
    looks: &[Finding],
) -> (State, Option<DeliveryReason>, usize) {
    let mut delivery = Delivery::fold(entries).unwrap();
    let (mut now, mut looks) = (at(30), looks.iter());
    let mut looked = 0;
    while !delivery.has_ended() {
        match delivery.next_cancelled(policy, now) {
            Next::LookUp { wait } if wait.is_zero() => {
                looked += 1;
                let finding = looks.next().expect("looked at too often").clone();
                delivery.apply(&looked_up(finding, now)).unwrap();
            }
            Next::LookUp { wait } => now = now.plus(wait),
            Next::End(end, reason) => {
                let at = now;
                delivery.apply(&Entry::Ended { end, reason, at }).unwrap();
            }
            next => panic!("nothing of it is sent: {next:?}"),
        }
    }
    (delivery.state(), delivery.reason().cloned(), looked)
}

#[test]
fn what_never_left_or_came_back_is_skipped_when_its_run_is_cancelled() {
    for outcome in [None, Some(not_sent()), Some(throttled())] {
        for on_unknown in [OnUnknown::Hold, OnUnknown::Resend] {
            let outcome = outcome
                .clone()
                .map(|outcome| [started(1, 1, at(0)), finished(1, outcome, at(1))]);
            let entries = outcome.map(Vec::from).unwrap_or_default();
            for policy in [policy(on_unknown), notification(on_unknown)] {
                let (state, reason, looks) = cancelled(&entries, &policy, &[]);
                assert_eq!((state, looks), (State::Skipped, 0));
                assert_ended_by(EndReason::Cancelled, reason.as_ref());
            }
        }
    }
}

#[test]
fn what_is_open_is_looked_for_and_never_sent_again_when_its_run_is_cancelled() {
    let open = [started(1, 1, at(0)), finished(1, unknown(), at(10))];
    let hold = policy(OnUnknown::Hold);
    let found = [Finding::Found(receipt())];
    assert_eq!(cancelled(&open, &hold, &found).0, State::Accepted);
    let (state, reason, looks) = cancelled(&open, &hold, &[unclear()]);
    assert_eq!((state, looks), (State::Unknown, 1));
    assert_ended_by(EndReason::Unclear(Unclear::HistoryGap), reason.as_ref());
    // That it is not there is as good a proof as ever, and what it means is for the campaign to say.
    assert_eq!(cancelled(&open, &hold, &[ABSENT, ABSENT]).0, State::Unknown);
    let resend = policy(OnUnknown::Resend);
    let (state, reason, looks) = cancelled(&open, &resend, &[ABSENT, ABSENT]);
    assert_eq!((state, looks), (State::Skipped, 2));
    assert_ended_by(EndReason::Cancelled, reason.as_ref());
}

#[test]
fn what_is_open_and_in_no_history_is_unknown_when_its_run_is_cancelled() {
    let open = vec![started(1, 1, at(0)), finished(1, unknown(), at(10))];
    let waived = [open.clone(), vec![Entry::Waived { at: at(11) }]].concat();
    let broadcast = Policy {
        can_look_up: false,
        ..policy(OnUnknown::Hold)
    };
    for (entries, policy) in [
        (&open, broadcast),
        (&open, notification(OnUnknown::Hold)),
        (&open, notification(OnUnknown::Resend)),
        (&waived, notification(OnUnknown::Resend)),
    ] {
        let (state, reason, _) = cancelled(entries, &policy, &[]);
        assert_eq!(state, State::Unknown);
        assert_ended_by(EndReason::CancelledUnresolved, reason.as_ref());
    }
}
