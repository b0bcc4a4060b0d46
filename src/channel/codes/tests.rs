use super::*;

#[test]
fn the_rows_are_sorted_and_do_not_overlap() {
    for row in codes() {
        assert!(row.first <= row.last, "{row:?}");
    }
    for pair in codes().windows(2) {
        let [one, other] = pair else { continue };
        let is_of_one_channel = one.channel.is_some() && other.channel.is_none();
        let same = (one.first, one.last) == (other.first, other.last) && is_of_one_channel;
        assert!(one.last < other.first || same, "{one:?}\n{other:?}");
    }
}

#[test]
fn what_stops_a_run_says_what_to_mend() {
    for row in codes() {
        assert_eq!(row.stops_after.is_some(), row.mend.is_some(), "{row:?}");
        assert!(row.stops_after != Some(0), "{row:?}");
        if row.class == Class::Stop {
            assert_eq!(row.stops_after, Some(1), "{row:?}");
        }
    }
}

/// They are fitted together with other words.
#[test]
fn sentences_begin_small_and_end_without_a_stop() {
    let all = codes()
        .iter()
        .flat_map(|row| [Some(row.meaning), row.mend])
        .flatten();
    for text in all {
        let is_named = ["HTTP ", "SDKAppID ", "UserSig "]
            .iter()
            .any(|name| text.starts_with(name));
        let is_small = text.starts_with(|first: char| first.is_lowercase());
        assert!(is_small || is_named, "{text}");
        assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
    }
}

#[test]
fn a_broadcast_has_no_group_to_refuse_it() {
    for code in [10004, 10007] {
        assert_eq!(explain(Channel::Broadcast, code).class, Class::Stop);
        assert_eq!(explain(Channel::Notification, code).class, Class::Refuse);
    }
    assert_eq!(explain(Channel::Broadcast, 10023).class, Class::SlowLane);
}

#[test]
fn an_unknown_code_proves_nothing() {
    for code in [0, 1, 4_711, 10_055, 131_006, u32::MAX] {
        let row = explain(Channel::GroupMessage, code);
        assert_eq!((row.class, row.stops_after), (Class::Check, None), "{code}");
    }
}

#[test]
fn an_http_status_is_in_the_table_and_none_of_the_vendors_codes_is_one() {
    for status in 100..1_000 {
        let row = explain(Channel::GroupMessage, status);
        assert!((row.first..=row.last).contains(&status), "{status}");
        assert_eq!(row.class, Class::Check, "{status}");
    }
    for row in codes() {
        assert_eq!(is_http_status(row.first), is_http_status(row.last));
        assert!(is_http_status(row.first) || row.first > 2_000, "{row:?}");
    }
}
