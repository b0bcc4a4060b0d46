//! The rows, restated from the vendor's error tables.
//!
//! What a row does is a judgement, not the vendor's word: where pages contradict each other, and for codes that are not
//! expected in answer to a send, the safest reading holds. What proves nothing leaves the attempt open (`check`), even
//! if the vendor says "try again".

use super::{Class, Code};
use crate::channel::Channel::{self, Broadcast, Notification};

const NEWEST: &str = "T34348";
/// Gone from the newest table.
const OLDER: &str = "G C131708";
const OLD: &str = "G";

const ACCESS: &str = "check `sdk_app_id`, `administrator` and `secret_key` of the app";
const ACCOUNT: &str =
    "import the account in the console: the administrator, `from_account`, or one of the members";
const ADMINISTRATOR: &str = "check that `administrator` of the app is one that the console lists";
const APP: &str = "check `sdk_app_id` of the app";
const BUG: &str = "this is a bug of Campanile's: please report it, with the vendor's words";
const CALLBACK: &str = "ask those who run the app's own callback why it answers so";
const ENDPOINT: &str =
    "check `region` or `endpoint` of the app, and what stands between it and this machine";
const KEY: &str =
    "check that `secret_key` is whole, and the one that the console shows for this `sdk_app_id`";
const PLAN: &str =
    "renew or raise the plan in the console; a new plan takes effect after five minutes";
const REGION: &str =
    "check that `region` or `endpoint` of the app is the data centre that the console shows for it";
const REWRITE: &str =
    "a run sends what was planned: put a mended message into a campaign of another name";
const SUPPORT: &str = "ask the vendor to enable this call for the app";
const TRIAL: &str = "wait until the trial's quota is renewed, or take a plan in the console";

const UNTAKEN: &str = "something in front of the vendor does not take the call";

/// Answers in a row that show that no target is at fault.
const ALIKE: u32 = 5;
/// A callback of the app's own may well refuse some groups one after the other.
const CALLBACK_ALIKE: u32 = 20;

/// What everything is that the table does not list.
pub(super) const UNLISTED: Code = check(0, "the vendor does not document this code").source("");

/// Sorted by code.
#[rustfmt::skip]
pub(super) const TABLE: &[Code] = &[
    // HTTP statuses: something in front of the vendor answered, and nobody knows whether that one had passed it on.
    check(100, "the endpoint answers with a status that the vendor does not use").to(299).source(OLD),
    check(300, "the endpoint sends the call elsewhere").to(399).source(OLD).stops(ALIKE, ENDPOINT),
    check(400, UNTAKEN).source(OLD).stops(1, ENDPOINT),
    check(401, "something in front of the vendor wants credentials").source(OLD).stops(1, ENDPOINT),
    check(402, UNTAKEN).source(OLD).stops(1, ENDPOINT),
    check(403, "something in front of the vendor forbids the call").source(OLD).stops(1, ENDPOINT),
    check(404, "there is no such call at the endpoint").source(OLD).stops(1, ENDPOINT),
    check(405, UNTAKEN).to(407).source(OLD).stops(1, ENDPOINT),
    check(408, "something in front of the vendor gave up waiting").source(OLD),
    check(409, UNTAKEN).to(428).source(OLD).stops(1, ENDPOINT),
    check(429, "something in front of the vendor gets too many calls").source(OLD),
    check(430, UNTAKEN).to(499).source(OLD).stops(1, ENDPOINT),
    check(500, "something in front of the vendor is in trouble").to(502).source(OLD),
    check(503, "something in front of the vendor is overloaded").source(OLD),
    check(504, "something in front of the vendor is in trouble").to(599).source(OLD),
    check(600, "the endpoint answers with a status that the vendor does not use").to(999).source(OLD),

    check(2001, "the review of content refuses it").to(2016),
    check(2100, "the review of content refuses it"),

    stop(10001, "the caller is not logged in", ACCESS).source("API page of get_members"),
    check(10002, "the vendor had an internal error").source("T34348 S0 S1 S2 S3 S4"),
    stop(10003, "the vendor does not know this call", BUG).source("T34348 S0 S1 S2 S4"),
    stop(10004, "a parameter is invalid", REWRITE).only(Broadcast).source("T34348 S4"),
    refuse(10004, "a parameter is invalid").source("T34348 S0 S1 S2 S3").stops(ALIKE, REWRITE),
    stop(10005, "the call names too many accounts",
        "a run sends what was planned: lower `members_per_call` in the app's `limits`, and send it as a campaign of \
         another name"),
    slow_lane(10006, "there are too many operations").only(Broadcast),
    slow_group(10006, "there are too many operations on this group"),
    stop(10007, "broadcasting is not switched on, or the caller is no administrator",
        "switch broadcasts on in the console, and check that `administrator` of the app names an administrator")
        .only(Broadcast).source("T34348 S4"),
    refuse(10007, "this type of group does not support the call, or the caller may not make it")
        .source("T34348 S0 S1 S2 S3"),
    stop(10008, "the request or its signature is illegal", ACCESS).source("WEB"),
    check(10009, "the owner of a group cannot leave it"),
    refuse(10010, "the group does not exist, or was dissolved").source("T34348 S0 S1 S2 S3"),
    stop(10011, "the vendor cannot read the request as JSON", BUG),
    stop(10012, "the caller's id is illegal", ADMINISTRATOR),
    check(10013, "the account is in the group already"),
    check(10014, "the group is full"),
    refuse(10015, "the group's id is illegal, or the group does not exist").source("T34348 S0 S1 S2 S3"),
    refuse(10016, "the app's own callback refuses it").source("T34348 S3").stops(CALLBACK_ALIKE, CALLBACK),
    refuse(10017, "the sender is muted in the group").source("T34348 S3"),
    check(10018, "the answer would be longer than 1 MB"),
    refuse(10019, "one of the members does not exist").only(Notification),
    stop(10019, "the sender, or one of the members, does not exist", ACCOUNT),
    refuse(10020, "the message is too long").stops(ALIKE, REWRITE),
    check(10021, "the group's id is taken"),
    slow_lane(10023, "there are too many broadcasts").only(Broadcast).source("T34348 S4"),
    slow_group(10023, "the group gets more than 40 messages a second").source("T34348 S3"),
    check(10024, "the vendor reports on joining or creating a group").to(10025),
    stop(10026, "the call is disabled for the app", SUPPORT),
    refuse(10030, "there is no such message to recall"),
    refuse(10031, "the message is too old to be recalled"),
    refuse(10032, "the message cannot be recalled"),
    refuse(10033, "this type of group does not support recalling"),
    refuse(10034, "this type of group does not support deleting").to(10035),
    check(10036, "a quota of groups or members is used up").to(10038),
    stop(10041, "the app is set up without recalling", "switch recalling on in the console"),
    refuse(10044, "this type of group keeps no history"),
    check(10045, "the vendor reports on attributes of a group").to(10050),
    refuse(10051, "there is no such message to delete").to(10052),
    refuse(10053, "the message mentions more than 30 members").stops(ALIKE, REWRITE),
    check(10054, "the group has too many members for one answer"),
    check(10056, "the vendor reports on attributes of a group"),
    check(10058, "a quota of groups or members is used up"),
    stop(10059, "the call, or an option of it, needs a higher plan", PLAN),
    refuse(10060, "the group is too large for read receipts"),
    refuse(10061, "a message that is online only cannot have read receipts").stops(ALIKE, REWRITE),
    check(10062, "there is no such read receipt"),
    check(10063, "there are more than 20 counters"),
    check(10070, "there are too many pinned messages"),
    refuse(11000, "communities are switched off").stops(ALIKE, "switch communities on in the console"),

    stop(20001, "the request is illegal", BUG),
    retry(20002, "the UserSig expired").signs_anew(),
    refuse(20003, "the sender or the recipient is invalid"),
    check(20004, "the vendor had a fault in its network"),
    check(20005, "the vendor had an internal error"),
    refuse(20006, "the app's own callback refuses it").stops(CALLBACK_ALIKE, CALLBACK),
    check(20007, "a blocklist or a friendship forbids it").to(20011),
    refuse(20012, "the sender is muted"),
    refuse(20016, "the message is too old to be recalled"),
    refuse(20018, "there is no such message"),
    refuse(20022, "there is no such message"),
    check(20023, "the message is recalled already"),
    retry(20027, "the message was changed by somebody else meanwhile").to(20028),
    check(22001, "the vendor reports on offline push").to(22006),
    stop(22007, "the quota of offline push is used up", PLAN),
    slow_lane(23003, "there are too many changes to message extensions"),

    stop(60002, "the vendor cannot read the HTTP request", BUG),
    stop(60003, "the vendor cannot read the request as JSON", BUG),
    retry(60004, "the account check failed").to(60005).stops(3, ACCESS),
    stop(60006, "the SDKAppID is invalid", APP).source(OLDER),
    slow_lane(60007, "there are more of these calls a second than the app may make"),
    check(60008, "there was no answer in time behind the vendor's front").stops(ALIKE, ENDPOINT),
    stop(60009, "the URL of the call is wrong", ENDPOINT),
    stop(60010, "the caller is no administrator of the app", ADMINISTRATOR),
    slow_lane(60011, "the app makes too many calls a second").source(OLDER),
    stop(60012, "the call names no SDKAppID", BUG),
    check(60013, "the vendor cannot read its own answer"),
    retry(60014, "the account check took too long"),
    stop(60015, "an account's id is no text", BUG),
    stop(60016, "the SDKAppID is disabled", "enable the app in the console"),
    stop(60017, "the call is disabled", SUPPORT),
    slow_lane(60018, "there are too many calls"),
    slow_lane(60019, "there are too many calls").source(OLDER),
    stop(60020, "the plan expired, or the app is in arrears", PLAN),
    stop(60021, "the vendor takes no calls from this machine's address",
        "put this machine's address on the console's list of allowed addresses"),
    check(60022, "the vendor does not document this code").source("").stops(2, "ask the vendor what it means"),
    stop(60025, "the SDKAppID, the administrator or the UserSig is wrong", ACCESS),
    stop(60026, "the app is at home in another data centre", REGION),
    stop(60027, "the product that the app belongs to may not make this call", SUPPORT),
    stop(60028, "the trial's calls for 24 hours are used up", TRIAL),

    retry(70001, "the UserSig expired").signs_anew(),
    stop(70002, "the UserSig is empty", BUG).source(OLD),
    stop(70003, "the UserSig is illegal", KEY),
    stop(70005, "the UserSig is illegal", KEY).source(OLD),
    stop(70009, "the UserSig was made with another app's secret key", KEY),
    stop(70013, "the UserSig was made for another administrator", ADMINISTRATOR),
    stop(70014, "the UserSig was made for another SDKAppID", APP),
    stop(70016, "the app has no key in this data centre", REGION),
    stop(70020, "the SDKAppID is not known in this data centre", REGION),
    stop(70050, "too many signatures were wrong within a minute",
        "check that `secret_key` is the one that the console shows for this `sdk_app_id`, and wait a minute"),
    stop(70051, "the account is blocked",
        "unblock the account in the console: it is the administrator, or the message's `from_account`"),
    stop(70107, "the account was never imported", ACCOUNT),
    stop(70114, "the account may not log in", "lift what the console says against the account").source(OLD),
    check(70169, "the vendor took too long"),
    check(70202, "the vendor took too long").source(OLD),
    stop(70206, "the call names a wrong number of accounts", BUG).source(OLD),
    stop(70346, "the UserSig is illegal", KEY).source("issue 1 of imsdk_restapi-nodejs-sdk"),
    check(70398, "a quota of accounts is used up"),
    check(70399, "the account cannot be imported again yet"),
    stop(70402, "a parameter is invalid", BUG),
    stop(70403, "the call needs an administrator", ADMINISTRATOR).source(OLD),
    check(70404, "the client is too old for the vendor"),
    check(70500, "the vendor had an internal error"),
    check(71000, "the account cannot be deleted"),
    stop(72000, "the trial's users of a day are used up", TRIAL),
    check(72001, "the status of users is switched off"),
    stop(72002, "the trial's users of a month are used up", TRIAL),
    check(72010, "a feature of clients is switched off, or used too often").to(72012),

    refuse(80001, "the text contains sensitive words").source("T34348 S3").stops(ALIKE, REWRITE),
    refuse(80002, "the message is too long").source("T34348 S3").stops(ALIKE, REWRITE),
    retry(80003, "the app's own callback failed, or took too long").stops(ALIKE, CALLBACK),
    refuse(80004, "an image contains sensitive content").stops(ALIKE, REWRITE),
    stop(80005, "the service is shut off, as the plan expired or is in arrears", PLAN),

    stop(90001, "the vendor cannot read the request as JSON", BUG),
    stop(90002, "the body of the message has the wrong shape", BUG),
    refuse(90003, "the call lacks an account"),
    stop(90005, "a part of the message has the wrong shape", BUG).to(90007),
    refuse(90008, "the call lacks its sender, or the sender does not exist"),
    stop(90009, "the call needs an administrator", ADMINISTRATOR),
    stop(90010, "a part of the message has the wrong shape", BUG),
    stop(90011, "the call names a wrong number of accounts", BUG),
    refuse(90012, "an account does not exist"),
    stop(90018, "the call names a wrong number of accounts", BUG),
    check(90022, "the vendor reports on a push to everybody"),
    check(90024, "the vendor reports on a push to everybody"),
    check(90026, "the vendor reports on a push to everybody"),
    stop(90028, "the accounts of the call have the wrong shape", BUG).to(90029),
    check(90030, "the vendor reports on a push to everybody"),
    stop(90031, "a part of the message has the wrong shape", BUG),
    check(90032, "the vendor reports on a push to everybody").to(90034),
    check(90040, "the vendor reports on a push to everybody"),
    stop(90043, "the offline push has the wrong shape", REWRITE),
    stop(90044, "a part of the message has the wrong shape", BUG),
    check(90045, "the vendor reports on a push to everybody"),
    check(90047, "the vendor reports on a push to everybody"),
    refuse(90048, "an account does not exist"),
    check(90054, "there is no such message to recall"),
    refuse(90055, "the request is too long").stops(ALIKE, REWRITE),
    slow_lane(90057, "there are too many calls to many accounts"),
    check(90992, "the vendor had an internal error, or the app's own callback answers badly").stops(ALIKE, CALLBACK),
    check(90994, "the vendor had an internal error"),
    check(90995, "the vendor had an internal error, or the message is too long").stops(ALIKE, REWRITE),
    check(91000, "the vendor had an internal error"),
    check(91101, "the vendor reports on polling by a web client"),
    refuse(93000, "the request is too long").stops(ALIKE, REWRITE),
    check(93001, "the review of content refuses it").to(93008),

    refuse(110_006, "the topic or its permissions do not allow it").to(110_009),
    refuse(110_010, "the topic does not belong to the group").to(110_011),
    refuse(110_012, "the topic or its permissions do not allow it"),
    refuse(110_013, "the topic's id is invalid"),
    refuse(110_014, "the topic or its permissions do not allow it"),
    refuse(120_001, "the app's own callback refuses it").to(130_000).stops(CALLBACK_ALIKE, CALLBACK),
    check(130_002, "the vendor reports on official accounts").to(131_005),
];

const fn row(class: Class, code: u32, meaning: &'static str) -> Code {
    Code {
        first: code,
        last: code,
        channel: None,
        class,
        stops_after: None,
        source: NEWEST,
        meaning,
        mend: None,
        signs_anew: false,
    }
}

const fn retry(code: u32, meaning: &'static str) -> Code {
    row(Class::Retry, code, meaning)
}

const fn check(code: u32, meaning: &'static str) -> Code {
    row(Class::Check, code, meaning)
}

const fn slow_lane(code: u32, meaning: &'static str) -> Code {
    row(Class::SlowLane, code, meaning)
}

const fn slow_group(code: u32, meaning: &'static str) -> Code {
    row(Class::SlowGroup, code, meaning)
}

const fn refuse(code: u32, meaning: &'static str) -> Code {
    row(Class::Refuse, code, meaning)
}

const fn stop(code: u32, meaning: &'static str, mend: &'static str) -> Code {
    row(Class::Stop, code, meaning).stops(1, mend)
}

impl Code {
    const fn to(self, last: u32) -> Code {
        Code { last, ..self }
    }

    const fn only(self, channel: Channel) -> Code {
        Code {
            channel: Some(channel),
            ..self
        }
    }

    const fn source(self, source: &'static str) -> Code {
        Code { source, ..self }
    }

    const fn stops(self, after: u32, mend: &'static str) -> Code {
        Code {
            stops_after: Some(after),
            mend: Some(mend),
            ..self
        }
    }

    /// A signature that was made a moment ago and counts as expired is a matter of clocks.
    const fn signs_anew(self) -> Code {
        Code {
            signs_anew: true,
            ..self
        }
        .stops(
            2,
            "set this machine's clock: a UserSig that was made just now counts as expired",
        )
    }
}
