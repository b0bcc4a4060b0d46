use super::super::super::faults::{Faults, Phase};
use super::*;

/// The code of a message that meets this fault, and whether it was stored.
fn met(fault: &str) -> (u32, bool) {
    let mut desk = desk(&format!("{fault}=100%"));
    let ticket = desk.arrive(Call::GroupMessage, NOW, Ok(()));
    let body = group_message("a", 7, "hello").to_string();
    let request = rules::read(Call::GroupMessage, body.as_bytes());
    let answer = desk.conclude(Call::GroupMessage, NOW, &ticket, request);
    (answer.code(), desk.statistics().accepted == 1)
}

#[test]
fn each_code_is_answered_on_its_side_of_the_effect() {
    assert_eq!(met("internal"), (10002, true));
    assert_eq!(met("internal_before"), (10002, false));
    assert_eq!(met("timeout"), (60008, true));
    assert_eq!(met("timeout_before"), (60008, false));
    assert_eq!(met("group_throttle"), (10023, false));
    assert_eq!(met("expired"), (70001, false));
    assert_eq!(met("throttle"), (60007, false));
    assert_eq!(met("code_80001"), (80001, false));
    assert_eq!(met("drop"), (0, false));
    for later in ["lost_reply", "stall", "slow", "html", "html_502", "huge"] {
        assert_eq!(met(later), (0, true), "{later}");
    }
}

#[test]
fn only_group_messages_meet_what_is_of_groups() {
    for fault in ["drop=100%", "group_throttle=100%"] {
        let mut desk = desk(fault);
        let ticket = desk.arrive(Call::Notification, NOW, Ok(()));
        let body = json!({ "GroupId": "a", "Content": "hello" }).to_string();
        let request = rules::read(Call::Notification, body.as_bytes());
        let answer = desk.conclude(Call::Notification, NOW, &ticket, request);
        assert_eq!((answer.code(), desk.statistics().accepted), (0, 1));
        assert_eq!(desk.statistics().faults, [].into());
    }
}

#[test]
fn lookups_meet_faults_as_well() {
    let mut desk = desk("code_10002=100%");
    let ticket = desk.arrive(Call::History, NOW, Ok(()));
    let body = json!({ "GroupId": "a", "ReqMsgNumber": 1 }).to_string();
    let request = rules::read(Call::History, body.as_bytes());
    assert_eq!(
        desk.conclude(Call::History, NOW, &ticket, request).code(),
        10002
    );
}

#[test]
fn faults_are_replaced_from_now_on() {
    let mut desk = desk("drop=100%");
    let later = after(5_000);
    desk.replace_faults("refuse=5s,stall_path=1s".parse().unwrap(), later);
    assert_eq!(desk.arrive(Call::GroupMessage, later, Ok(())).fault, None);
    assert_eq!(desk.faults().to_string(), "stall_path=1s,refuse=5s");
    let in_ms = |ms| later.plus(Duration::from_millis(ms));
    assert_eq!(desk.path(later), Phase::OnUntil(in_ms(1_000).boot_ns));
    assert_eq!(desk.path(in_ms(1_000)), Phase::Over);
    // The answer to who asked for it comes first.
    assert_eq!(desk.refusal(later), Phase::OffUntil(in_ms(100).boot_ns));
    assert_eq!(
        desk.refusal(in_ms(100)),
        Phase::OnUntil(in_ms(5_100).boot_ns)
    );
    assert_eq!(desk.refusal(in_ms(5_100)), Phase::Over);
}

#[test]
fn a_delay_stays_within_its_bounds() {
    let mut desk = desk("delay=5ms-7ms");
    let bounds = Duration::from_millis(5)..=Duration::from_millis(7);
    let delays: Vec<_> = (0..100).map(|_| desk.next_delay()).collect();
    assert!(delays.iter().all(|delay| bounds.contains(delay)));
    assert!(delays.iter().any(|delay| *delay != delays[0]));
    desk.replace_faults(Faults::default(), NOW);
    assert_eq!(desk.next_delay(), Duration::ZERO);
}

#[test]
fn codes_are_counted_for_each_call() {
    let mut desk = desk("");
    send(&mut desk, NOW, &group_message("a", 1, "hello"));
    send(&mut desk, NOW, &group_message("a-MISSING", 2, "hello"));
    let calls = desk.statistics().calls;
    let codes = [(0, 1), (10_010, 1)].into();
    assert_eq!(calls[&Call::GroupMessage].codes, codes);
}
