//! The vendor's error codes: what each means for the attempt it answers.
//!
//! Restated from the vendor's error tables. A code that is not listed proves nothing, so its attempt stays open.

use super::Channel;

/// What an error code means for the attempt it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Surely not executed; the same call may pass later.
    Retry,
    /// Nobody knows whether it was executed.
    Check,
    /// Not executed: too many calls on the lane.
    SlowLane,
    /// Not executed: too many messages to this group.
    SlowGroup,
    /// Not executed, and never will be for this target.
    Refuse,
    /// Not executed, and no call of this run will be: credentials, plan, or a bug of ours.
    Stop,
}

/// What a code means, and a sentence for people.
pub fn classify(channel: Channel, code: u32) -> (Class, &'static str) {
    let own = OWN.iter().find(|row| (row.0, row.1) == (channel, code));
    if let Some((.., class, meaning)) = own {
        return (*class, meaning);
    }
    TABLE.binary_search_by_key(&code, |row| row.0).map_or(
        (Class::Check, "a code the vendor does not document"),
        |at| (TABLE[at].1, TABLE[at].2),
    )
}

/// Codes that mean something else in one channel.
const OWN: &[(Channel, u32, Class, &str)] = &[
    (
        Channel::Broadcast,
        10007,
        Class::Stop,
        "broadcasting is not switched on in the console, or the caller is no administrator",
    ),
    (
        Channel::Broadcast,
        10004,
        Class::Stop,
        "a parameter is invalid",
    ),
    (
        Channel::Broadcast,
        10006,
        Class::SlowLane,
        "too many operations",
    ),
    (
        Channel::Broadcast,
        10023,
        Class::SlowLane,
        "too many broadcasts",
    ),
];

/// Sorted by code.
const TABLE: &[(u32, Class, &str)] = &[
    (10002, Class::Check, "internal error at the vendor"),
    (10003, Class::Stop, "unknown command"),
    (10004, Class::Refuse, "a parameter is invalid"),
    (10005, Class::Stop, "too many accounts in one call"),
    (10006, Class::SlowGroup, "too many operations on this group"),
    (
        10007,
        Class::Refuse,
        "no permission: this type of group does not support the call",
    ),
    (10008, Class::Stop, "illegal request"),
    (
        10010,
        Class::Refuse,
        "the group does not exist or was dissolved",
    ),
    (10011, Class::Stop, "the request is not JSON"),
    (10012, Class::Stop, "the operator's id is illegal"),
    (
        10015,
        Class::Refuse,
        "the group id is illegal, or the group was dissolved",
    ),
    (10016, Class::Refuse, "the app's own callback refused it"),
    (10017, Class::Refuse, "the sender is muted"),
    (10019, Class::Stop, "an account does not exist"),
    (
        10023,
        Class::SlowGroup,
        "over 40 messages a second in this group",
    ),
    (10026, Class::Stop, "the command is disabled for this app"),
    (10053, Class::Refuse, "more than 30 mentions"),
    (10059, Class::Stop, "the feature needs a higher plan"),
    (
        10060,
        Class::Refuse,
        "the group is too large for read receipts",
    ),
    (
        10061,
        Class::Refuse,
        "an online-only message cannot have read receipts",
    ),
    (11000, Class::Refuse, "communities are switched off"),
    (
        60002,
        Class::Stop,
        "the vendor could not parse the HTTP request",
    ),
    (
        60003,
        Class::Stop,
        "the vendor could not parse the JSON request",
    ),
    (60004, Class::Retry, "the account check failed"),
    (60005, Class::Retry, "the account check failed"),
    (60006, Class::Stop, "the SDKAppID is invalid"),
    (60007, Class::SlowLane, "this API is over its rate"),
    (60008, Class::Check, "timeout behind the vendor's front"),
    (60009, Class::Stop, "wrong URL"),
    (
        60010,
        Class::Stop,
        "the caller is no administrator of the app",
    ),
    (60011, Class::SlowLane, "the app is over its rate"),
    (60012, Class::Stop, "the SDKAppID is missing"),
    (60013, Class::Check, "the vendor's own answer was broken"),
    (60014, Class::Retry, "the account check timed out"),
    (60015, Class::Stop, "a user id is no string"),
    (60016, Class::Stop, "the SDKAppID is disabled"),
    (60017, Class::Stop, "the request is disabled"),
    (60018, Class::SlowLane, "too many requests"),
    (60019, Class::SlowLane, "too many requests"),
    (60020, Class::Stop, "the plan expired or is in arrears"),
    (
        60021,
        Class::Stop,
        "this machine's IP address is not allowed",
    ),
    (60022, Class::Retry, "a code without documented meaning"),
    (
        60025,
        Class::Stop,
        "SDKAppID, administrator or UserSig is wrong",
    ),
    (
        60026,
        Class::Stop,
        "the region does not match the app's data centre",
    ),
    (
        60027,
        Class::Stop,
        "the app's product type may not use this API",
    ),
    (
        60028,
        Class::Stop,
        "the trial's volume for 24 hours is used up",
    ),
    (70001, Class::Retry, "the UserSig expired"),
    (70002, Class::Stop, "the UserSig is empty"),
    (70003, Class::Stop, "the UserSig is illegal"),
    (70005, Class::Stop, "the UserSig is illegal"),
    (
        70009,
        Class::Stop,
        "the UserSig was made with another app's secret key",
    ),
    (
        70013,
        Class::Stop,
        "the UserSig was made for another administrator",
    ),
    (
        70014,
        Class::Stop,
        "the UserSig was made for another SDKAppID",
    ),
    (70016, Class::Stop, "the app has no key in this data centre"),
    (
        70020,
        Class::Stop,
        "the SDKAppID is not known in this data centre",
    ),
    (
        70050,
        Class::Stop,
        "too many failed signature checks; wait a minute",
    ),
    (70051, Class::Stop, "the account is blocked"),
    (70107, Class::Stop, "the account was never imported"),
    (70114, Class::Stop, "the account may not log in"),
    (70169, Class::Check, "timeout at the vendor"),
    (70202, Class::Check, "timeout at the vendor"),
    (70346, Class::Stop, "the UserSig is illegal"),
    (70402, Class::Stop, "a parameter is invalid"),
    (70403, Class::Stop, "the call needs an administrator"),
    (70500, Class::Check, "internal error at the vendor"),
    (72000, Class::Stop, "the trial's daily users are used up"),
    (72002, Class::Stop, "the trial's monthly users are used up"),
    (80001, Class::Refuse, "the text contains sensitive words"),
    (80002, Class::Refuse, "the message is too long"),
    (80003, Class::Retry, "the app's own callback failed"),
    (80004, Class::Refuse, "the image contains sensitive content"),
    (80005, Class::Stop, "the service is deactivated"),
    (90001, Class::Stop, "the request is not JSON"),
    (90002, Class::Stop, "the message body has the wrong shape"),
    (90005, Class::Stop, "the message body has the wrong shape"),
    (90043, Class::Stop, "the offline push has the wrong shape"),
    (90055, Class::Refuse, "the request is too long"),
    (90992, Class::Check, "internal error at the vendor"),
    (90994, Class::Check, "internal error at the vendor"),
    (90995, Class::Check, "internal error at the vendor"),
    (91000, Class::Check, "internal error at the vendor"),
    (93000, Class::Refuse, "the request is too long"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_code_once() {
        assert!(TABLE.is_sorted_by(|one, other| one.0 < other.0));
    }

    #[test]
    fn a_broadcast_has_no_group_to_refuse_it() {
        for code in [10004, 10007] {
            assert_eq!(classify(Channel::Broadcast, code).0, Class::Stop);
            assert_eq!(classify(Channel::Notification, code).0, Class::Refuse);
        }
        assert_eq!(classify(Channel::Broadcast, 10023).0, Class::SlowLane);
    }

    #[test]
    fn an_unknown_code_proves_nothing() {
        assert_eq!(classify(Channel::GroupMessage, 4_711).0, Class::Check);
    }
}
