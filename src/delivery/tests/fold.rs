//! Which entry may follow which, and what they come to.

use super::*;
use crate::delivery::{Delivery, DeliveryReason, Illegal, Next, State};
use proptest::prelude::*;

/// The ways a delivery may stand, each with the entries that lead there.
fn standings() -> Vec<(&'static str, Vec<Entry>)> {
    let open = vec![started(1, 1, at(0)), finished(1, unknown(), at(10))];
    let after = |entries: &[Entry], more: Vec<Entry>| [entries, &more].concat();
    let absent_once = after(&open, vec![looked_up(ABSENT, at(130))]);
    let absent = after(&absent_once, vec![looked_up(ABSENT, at(160))]);
    let waived = after(&open, vec![Entry::Waived { at: at(11) }]);
    let on_wire_again = started(2, 1, at(20));
    vec![
        ("fresh", Vec::new()),
        ("on wire", vec![started(1, 1, at(0))]),
        (
            "proved",
            vec![started(1, 1, at(0)), finished(1, throttled(), at(10))],
        ),
        ("open", open.clone()),
        ("open, on wire", after(&open, vec![on_wire_again.clone()])),
        (
            "open, refused",
            after(&open, vec![on_wire_again, finished(2, refused(), at(21))]),
        ),
        ("absent once", absent_once),
        ("absent", absent.clone()),
        (
            "absent, then proved",
            after(
                &absent,
                vec![started(2, 2, at(170)), finished(2, throttled(), at(171))],
            ),
        ),
        (
            "unclear, then open",
            after(
                &open,
                vec![
                    looked_up(unclear(), at(130)),
                    started(2, 1, at(170)),
                    finished(2, unknown(), at(180)),
                ],
            ),
        ),
        (
            "absent, again on wire",
            after(&absent, vec![started(2, 2, at(170))]),
        ),
        ("unclear", after(&open, vec![looked_up(unclear(), at(130))])),
        ("waived", waived.clone()),
        (
            "waived, on wire",
            after(&waived, vec![started(2, 2, at(12))]),
        ),
        (
            "waived, proved",
            after(
                &waived,
                vec![started(2, 2, at(12)), finished(2, throttled(), at(13))],
            ),
        ),
        (
            "waived, refused",
            after(
                &waived,
                vec![started(2, 2, at(12)), finished(2, refused(), at(13))],
            ),
        ),
        (
            "accepted",
            after(&open, vec![looked_up(Finding::Found(receipt()), at(130))]),
        ),
        ("unknown", after(&open, vec![ended(End::Unknown, at(130))])),
    ]
}

/// What may come next, by the name it has in the table.
fn followers(attempts: u32) -> Vec<(&'static str, Entry)> {
    let later = at(400);
    vec![
        ("start 1", started(attempts + 1, 1, later)),
        ("start 2", started(attempts + 1, 2, later)),
        ("start 3", started(attempts + 1, 3, later)),
        ("finish", finished(attempts, throttled(), later)),
        ("found", looked_up(Finding::Found(receipt()), later)),
        ("absent", looked_up(ABSENT, later)),
        ("unclear", looked_up(unclear(), later)),
        ("waive", Entry::Waived { at: later }),
        ("failed", ended(End::Failed, later)),
        ("skipped", ended(End::Skipped, later)),
        ("unknown", ended(End::Unknown, later)),
        ("retried", Entry::Retried { at: later }),
    ]
}

const WHILE_OPEN: [&str; 6] = ["start 1", "found", "absent", "unclear", "waive", "unknown"];

/// Which followers are legal, by standing.
fn legal(standing: &str) -> &'static [&'static str] {
    match standing {
        "fresh" => &["start 1", "failed", "skipped"],
        "proved" => &["start 2", "failed", "skipped"],
        "on wire" | "open, on wire" | "absent, again on wire" | "waived, on wire" => &["finish"],
        "open" | "open, refused" | "absent once" | "unclear" | "unclear, then open" => &WHILE_OPEN,
        "absent" => &["start 2", "failed", "skipped", "unknown"],
        "waived" => &["start 2", "unknown"],
        "absent, then proved" => &["start 3", "failed", "skipped"],
        "waived, proved" | "waived, refused" => &["start 3", "unknown"],
        "accepted" => &[],
        "unknown" => &["retried"],
        other => panic!("{other} is not in the table"),
    }
}

#[test]
fn every_entry_is_legal_where_it_should_be_and_nowhere_else() {
    for (standing, entries) in standings() {
        let before = Delivery::fold(&entries).unwrap_or_else(|why| panic!("{standing}: {why}"));
        for (name, entry) in followers(before.attempts()) {
            let mut after = before.clone();
            let applied = after.apply(&entry);
            assert_eq!(
                applied.is_ok(),
                legal(standing).contains(&name),
                "{standing}, then {name}: {applied:?}"
            );
            if applied.is_err() {
                assert_eq!(after, before, "{standing}: what is illegal changes nothing");
            } else {
                assert_eq!(
                    after.entries(),
                    before.entries() + 1,
                    "{standing}, then {name}"
                );
            }
        }
    }
}

#[test]
fn where_a_delivery_stands_is_what_its_entries_prove() {
    for (standing, entries) in standings() {
        let delivery = Delivery::fold(&entries).unwrap();
        let expected = match standing {
            "fresh" | "proved" | "absent" | "absent, then proved" => State::Pending,
            "accepted" => State::Accepted,
            "unknown" => State::Unknown,
            _ => State::InFlight,
        };
        assert_eq!(delivery.state(), expected, "{standing}");
        let is_wanted = !matches!(standing, "fresh" | "on wire" | "proved" | "absent")
            && !standing.contains("absent, ")
            && !standing.starts_with("waived");
        assert_eq!(
            delivery.wanted("admin".to_owned(), PATIENCE).is_some(),
            is_wanted,
            "{standing}"
        );
    }
}

#[test]
fn a_message_that_is_found_is_accepted_with_its_receipt() {
    let entries = [
        started(1, 1, at(0)),
        finished(1, unknown(), at(10)),
        looked_up(Finding::Found(receipt()), at(130)),
    ];
    let delivery = Delivery::fold(&entries).unwrap();
    assert_eq!(delivery.state(), State::Accepted);
    assert_eq!(delivery.receipt(), Some(receipt()));
    assert_eq!(delivery.reason(), Some(&DeliveryReason::FoundInHistory));
    assert_eq!(delivery.finished_at(), Some(at(130)));
    assert_eq!(
        (delivery.attempts(), delivery.random()),
        (1, Some(Random(101)))
    );
}

#[test]
fn illegal_entries_say_why() {
    let fold = |entries: &[Entry]| Delivery::fold(entries).unwrap_err();
    let absent = looked_up(ABSENT, at(400));
    let on_wire = [started(1, 1, at(0)), absent.clone()];
    assert_eq!(fold(&on_wire), Illegal::NotBack);
    let on_wire = [started(1, 1, at(0)), Entry::Waived { at: at(1) }];
    assert_eq!(fold(&on_wire), Illegal::NotBack);
    assert_eq!(fold(&[absent]), Illegal::NothingOpen);
    let left = [
        started(1, 1, at(0)),
        finished(1, unknown(), at(10)),
        started(2, 2, at(11)),
    ];
    assert_eq!(fold(&left), Illegal::GenerationLeft);
}

/// The rule of the guarantee: a generation is left when, and only when, its attempts are proved or waived.
#[test]
fn a_generation_is_not_left_before_two_looks_prove_it_absent() {
    let with = |looks: &[(Finding, Moment)]| {
        let mut delivery = Delivery::default();
        let first = [
            started(1, 1, at(0)),
            finished(1, unknown(), at(10)),
            started(2, 1, at(20)),
            finished(2, unknown(), at(30)),
        ];
        for entry in first {
            delivery.apply(&entry).unwrap();
        }
        for (finding, at) in looks {
            delivery.apply(&looked_up(finding.clone(), *at)).unwrap();
        }
        delivery.apply(&started(3, 2, at(10_000))).is_ok()
    };
    let absent = |seconds| (ABSENT, at(seconds));
    assert!(!with(&[]));
    assert!(!with(&[absent(1_000)]));
    assert!(!with(&[absent(149), absent(179)]), "the first was too soon");
    assert!(
        !with(&[absent(150), absent(179)]),
        "the second was too soon"
    );
    assert!(!with(&[absent(150), (unclear(), at(170)), absent(190)]));
    assert!(!with(&[absent(150), (unclear(), at(190))]));
    assert!(with(&[absent(150), absent(180)]));
    assert!(with(&[absent(40), absent(150), absent(160), absent(180)]));
    assert!(with(&[(unclear(), at(150)), absent(160), absent(190)]));
    let rebooted = Moment {
        boot_id: 2,
        boot_ns: 0,
        ..at(1_000)
    };
    assert!(!with(&[absent(150), (ABSENT, rebooted)]));
    assert!(!with(&[(ABSENT, rebooted), absent(2_000)]));
}

#[test]
fn an_attempt_in_between_begins_the_proof_again() {
    let mut delivery = Delivery::default();
    for entry in [
        started(1, 1, at(0)),
        finished(1, unknown(), at(10)),
        looked_up(ABSENT, at(130)),
        started(2, 1, at(140)),
        finished(2, not_sent(), at(141)),
        looked_up(ABSENT, at(170)),
        looked_up(ABSENT, at(261)),
    ] {
        delivery.apply(&entry).unwrap();
        assert_eq!(delivery.state(), State::InFlight);
    }
    delivery.apply(&looked_up(ABSENT, at(291))).unwrap();
    assert_eq!(delivery.state(), State::Pending);
}

#[test]
fn a_refusal_stands_once_the_attempts_before_it_are_proved_absent() {
    let mut delivery = Delivery::default();
    for entry in [
        started(1, 1, at(0)),
        finished(1, unknown(), at(10)),
        started(2, 1, at(11)),
        finished(2, refused(), at(12)),
        looked_up(ABSENT, at(132)),
        looked_up(ABSENT, at(162)),
    ] {
        assert!(!delivery.has_ended());
        delivery.apply(&entry).unwrap();
    }
    assert_eq!(
        (delivery.state(), delivery.reason()),
        (State::Refused, Some(&DeliveryReason::Refused(muted())))
    );
    assert_eq!(delivery.finished_at(), Some(at(162)));
}

#[test]
fn what_was_waived_is_never_called_undelivered() {
    let mut delivery = Delivery::default();
    for entry in [
        started(1, 1, at(0)),
        finished(1, unknown(), at(10)),
        Entry::Waived { at: at(10) },
        started(2, 2, at(11)),
        finished(2, refused(), at(12)),
    ] {
        delivery.apply(&entry).unwrap();
        assert_eq!(delivery.state(), State::InFlight);
    }
    assert_eq!(
        delivery.clone().apply(&ended(End::Skipped, at(13))),
        Err(Illegal::EndedOpen)
    );
    delivery.apply(&ended(End::Unknown, at(13))).unwrap();
    assert_eq!(delivery.state(), State::Unknown);
}

#[test]
fn repetitions_of_an_open_attempt_are_not_counted() {
    let mut delivery = Delivery::default();
    let mut attempt = 0;
    for outcome in [throttled(), unknown(), unknown(), throttled(), unknown()] {
        attempt += 1;
        let generation = if attempt == 1 { 1 } else { 2 };
        delivery
            .apply(&started(attempt, generation, at(attempt.into())))
            .unwrap();
        delivery
            .apply(&finished(attempt, outcome, at(attempt.into())))
            .unwrap();
    }
    assert_eq!((delivery.attempts(), delivery.counted()), (5, 2));
}

#[test]
fn what_is_looked_for_is_the_open_generation_in_its_time() {
    let entries = [
        started(1, 1, at(0)),
        finished(1, throttled(), at(1)),
        started(2, 2, at(100)),
        finished(2, unknown(), at(110)),
        started(3, 2, at(120)),
        finished(3, unknown(), at(130)),
    ];
    let wanted = Delivery::fold(&entries)
        .unwrap()
        .wanted("peter".to_owned(), PATIENCE);
    let wanted = wanted.unwrap();
    assert_eq!(
        (wanted.random, wanted.sender.as_str()),
        (Random(102), "peter")
    );
    assert_eq!(wanted.since_ms, at(40).wall_ms);
    assert_eq!(wanted.until_ms, at(190).wall_ms);
}

#[test]
fn what_was_unclear_is_looked_up_again_after_a_further_attempt() {
    let mut delivery = Delivery::default();
    for entry in [
        started(1, 1, at(0)),
        finished(1, unknown(), at(10)),
        looked_up(unclear(), at(130)),
        started(2, 1, at(140)),
        finished(2, unknown(), at(300)),
    ] {
        delivery.apply(&entry).unwrap();
    }
    let next = delivery.next(&policy(OnUnknown::Hold), at(300));
    let wait = Duration::from_mins(2);
    assert_eq!(next, Next::LookUp { wait });
}

/// Of a stand-in that forgets sooner.
const SHORT: Patience = Patience {
    after: Duration::from_secs(24),
    again: Duration::from_secs(6),
};

/// What may happen to a delivery and to the clocks.
#[derive(Clone, Debug)]
enum Event {
    StartSame,
    StartNew,
    Finish(Outcome),
    Look(Finding),
    Waive,
    End(End),
    Retry,
    Pass(u64),
    StepWall(i64),
    Reboot,
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        6 => Just(unknown()),
        1 => Just(throttled()),
        1 => Just(refused()),
        1 => Just(not_sent()),
    ];
    let finding = prop_oneof![
        10 => Just(ABSENT),
        2 => Just(Finding::Absent(SHORT)),
        1 => Just(unclear()),
    ];
    prop_oneof![
        2 => Just(Event::StartSame),
        6 => Just(Event::StartNew),
        8 => outcome.prop_map(Event::Finish),
        12 => finding.prop_map(Event::Look),
        1 => Just(Event::Waive),
        1 => prop_oneof![Just(End::Failed), Just(End::Skipped), Just(End::Unknown)].prop_map(Event::End),
        2 => Just(Event::Retry),
        12 => (0..160_u64).prop_map(Event::Pass),
        1 => (-200..200_i64).prop_map(Event::StepWall),
        1 => Just(Event::Reboot),
    ]
}

/// A world in which the true time is known.
struct Witness {
    delivery: Delivery,
    seconds: u64,
    wall_off_ms: i64,
    booted: u64,
    boot_id: u32,
    /// The true second of the last Finished, and of the Absents since, each with its patience.
    came_back: u64,
    absents: Vec<(u64, Patience)>,
    /// Whether an attempt of the generation proved nothing.
    is_open: bool,
    may_double: bool,
}

impl Witness {
    fn now(&self) -> Moment {
        Moment {
            wall_ms: at(self.seconds).wall_ms + self.wall_off_ms,
            boot_ns: (self.seconds - self.booted) * 1_000_000_000,
            boot_id: self.boot_id,
        }
    }

    /// Whether, by the true time, the attempts of the generation are proved absent.
    fn is_proved(&self) -> bool {
        let Some(&(last, patience)) = self.absents.last() else {
            return false;
        };
        let late = self.came_back + patience.after.as_secs();
        let first = self.absents.iter().find(|(at, _)| *at >= late);
        first.is_some_and(|(first, _)| last - first >= patience.again.as_secs())
    }

    fn happen(&mut self, event: &Event) {
        let now = self.now();
        let attempts = self.delivery.attempts();
        let next = self.delivery.next_generation();
        match event {
            Event::Pass(seconds) => self.seconds += seconds,
            Event::StepWall(seconds) => self.wall_off_ms += seconds * 1_000,
            Event::Reboot => {
                self.booted = self.seconds;
                self.boot_id += 1;
            }
            Event::StartSame => drop(self.delivery.apply(&started(attempts + 1, next - 1, now))),
            Event::StartNew => {
                if self
                    .delivery
                    .apply(&started(attempts + 1, next, now))
                    .is_ok()
                {
                    assert!(!self.is_open || self.is_proved(), "a generation was left");
                    self.is_open = false;
                    self.absents.clear();
                }
            }
            Event::Finish(outcome) => {
                let entry = finished(attempts, outcome.clone(), now);
                if self.delivery.apply(&entry).is_ok() {
                    self.came_back = self.seconds;
                    self.absents.clear();
                    self.is_open |= matches!(outcome, Outcome::Unknown(_));
                }
            }
            Event::Look(finding) => {
                if self
                    .delivery
                    .apply(&looked_up(finding.clone(), now))
                    .is_ok()
                {
                    match finding {
                        Finding::Absent(patience) => self.absents.push((self.seconds, *patience)),
                        _ => self.absents.clear(),
                    }
                }
            }
            Event::Waive => {
                if self.delivery.apply(&Entry::Waived { at: now }).is_ok() {
                    self.may_double = true;
                    self.is_open = false;
                }
            }
            Event::End(end) => drop(self.delivery.apply(&ended(*end, now))),
            Event::Retry => {
                if self.delivery.apply(&Entry::Retried { at: now }).is_ok() {
                    self.may_double |= self.is_open && !self.is_proved();
                    self.is_open = false;
                    self.absents.clear();
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_is_called_undelivered_without_proof(events in prop::collection::vec(event(), 0..60)) {
        let mut witness = Witness {
            delivery: Delivery::default(),
            seconds: 0,
            wall_off_ms: 0,
            booted: 0,
            boot_id: 1,
            came_back: 0,
            absents: Vec::new(),
            is_open: false,
            may_double: false,
        };
        for event in &events {
            witness.happen(event);
            let is_undelivered = matches!(
                witness.delivery.state(),
                State::Pending | State::Refused | State::Failed | State::Skipped
            );
            if is_undelivered {
                prop_assert!(!witness.may_double);
                prop_assert!(!witness.is_open || witness.is_proved(), "{:?}", witness.delivery);
            }
        }
    }
}
