//! The members of each send, as the vendor's pages list them.

use super::super::shape::{Field, Kind, optional, required};

const ACCOUNT_BYTES_MAX: usize = 32;
const TOPIC_ID_BYTES_MAX: usize = 96;

const ACCOUNT: Kind = Kind::Name(ACCOUNT_BYTES_MAX);
const ACCOUNTS: Kind = Kind::List(&ACCOUNT);
pub(super) const TOPIC: Kind = Kind::Name(TOPIC_ID_BYTES_MAX);
/// The elements themselves are looked at one by one in `elements`.
const ELEMENTS: Kind = Kind::List(&Kind::OpenObject(&[]));

pub(super) const GROUP_MESSAGE: &[Field] = &[
    required("GroupId", Kind::Text),
    required("Random", Kind::Unsigned),
    required("MsgBody", ELEMENTS),
    optional(
        "MsgPriority",
        Kind::OneOf(&["High", "Normal", "Low", "Lowest"]),
    ),
    optional("From_Account", ACCOUNT),
    optional("To_Account", ACCOUNTS),
    optional("OnlineOnlyFlag", Kind::Flag),
    optional(
        "SendMsgControl",
        Kind::List(&Kind::OneOf(&["NoUnread", "NoLastMsg"])),
    ),
    optional("ForbidCallbackControl", Kind::List(&Kind::OneOf(CALLBACKS))),
    optional("CloudCustomData", Kind::Text),
    optional("SupportMessageExtension", Kind::Flag),
    optional("GroupAtInfo", Kind::List(&Kind::Object(MENTION))),
    optional("OfflinePushInfo", Kind::OpenObject(OFFLINE_PUSH)),
    optional("TopicId", TOPIC),
    optional("NeedReadReceipt", Kind::Flag),
];

pub(super) const NOTIFICATION: &[Field] = &[
    required("GroupId", Kind::Text),
    required("Content", Kind::Text),
    optional("ToMembers_Account", ACCOUNTS),
    optional("TopicId", TOPIC),
];

pub(super) const BROADCAST: &[Field] = &[
    required("Random", Kind::Unsigned),
    required("MsgBody", ELEMENTS),
    optional("From_Account", ACCOUNT),
    optional("CloudCustomData", Kind::Text),
];

const CALLBACKS: &[&str] = &["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"];

const MENTION: &[Field] = &[
    required("GroupAtAllFlag", Kind::Flag),
    optional("GroupAt_Account", ACCOUNT),
];

const OFFLINE_PUSH: &[Field] = &[
    optional("PushFlag", Kind::Flag),
    optional("Title", Kind::Text),
    optional("Desc", Kind::Text),
    optional("Ext", Kind::Text),
    optional("AndroidInfo", Kind::OpenObject(ANDROID_PUSH)),
    optional("ApnsInfo", Kind::OpenObject(APNS_PUSH)),
];

const ANDROID_PUSH: &[Field] = &[
    optional("Sound", Kind::Text),
    optional("PushStyle", Kind::Flag),
    optional("HuaWeiChannelID", Kind::Text),
    optional("XiaoMiChannelID", Kind::Text),
    optional("OPPOChannelID", Kind::Text),
    optional("GoogleChannelID", Kind::Text),
    optional("VIVOClassification", Kind::Flag),
    optional("VIVOCategory", Kind::Text),
    optional("HuaWeiImportance", Kind::OneOf(&["LOW", "NORMAL"])),
    optional("HuaWeiCategory", Kind::Text),
    optional("ExtAsHuaweiIntentParam", Kind::Flag),
    optional("HuaWeiImage", Kind::Text),
    optional("HonorImportance", Kind::OneOf(&["LOW", "NORMAL"])),
    optional("HonorImage", Kind::Text),
    optional("GoogleImage", Kind::Text),
    optional("OPPOCategory", Kind::Text),
    optional("OPPOPrivateMsgTemplateId", Kind::Text),
    optional("MeiZuNoticeMsgType", Kind::Flag),
];

const APNS_PUSH: &[Field] = &[
    optional("Sound", Kind::Text),
    optional("BadgeMode", Kind::Flag),
    optional("Title", Kind::Text),
    optional("SubTitle", Kind::Text),
    optional("Image", Kind::Text),
    optional("MutableContent", Kind::Flag),
    optional(
        "InterruptionLevel",
        Kind::OneOf(&["active", "critical", "passive", "time-sensitive"]),
    ),
    optional("ContentAvailable", Kind::Flag),
];
