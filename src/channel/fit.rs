//! What fits which type of group, in one table: type x channel x feature.
//!
//! Restated from the vendor's pages on sending and on types of groups. A group whose type is not given fits: the vendor
//! will say.

use super::Channel;
use crate::audience::GroupType::{
    self, AvChatRoom, BChatRoom, ChatRoom, Community, Private, Public,
};
use crate::source::{Diagnostic, Span};

/// What a call asks for beyond a message to the whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    Members,
    OnlineOnly,
    UnreadIgnored,
    LastMessageKept,
    MentionAll,
    Topic,
    ReadReceipt,
    Extension,
    OfflinePush,
}

/// What the vendor does with a feature in a type of group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// It may be refused, or do nothing.
    Doubtful(&'static str),
    Refused(&'static str),
}

type Row = (Channel, Feature, &'static [(GroupType, Fit)]);

const ONLY_IN_THREE: Fit =
    Fit::Refused("chosen members are for `Private`, `Public` and `ChatRoom` groups");
const WHOLE_ONLY: Fit = Fit::Refused("such a group is notified as a whole only");
const NO_TOPICS: Fit = Fit::Refused("topics are for communities");
const NO_RECEIPTS: Fit =
    Fit::Refused("read receipts are for `Private`, `Public` and `ChatRoom` groups");
const NO_ONLINE: Fit = Fit::Refused("the vendor does not take it in such a group");
const NO_EXTENSIONS: Fit = Fit::Doubtful("messages of such a group take no extensions");

/// The same for both channels that know topics.
const TOPICS: &[(GroupType, Fit)] = &[
    (Private, NO_TOPICS),
    (Public, NO_TOPICS),
    (ChatRoom, NO_TOPICS),
    (AvChatRoom, NO_TOPICS),
    (BChatRoom, NO_TOPICS),
];

/// What is not in here fits.
const TABLE: &[Row] = &[
    (
        Channel::GroupMessage,
        Feature::Members,
        &[
            (AvChatRoom, ONLY_IN_THREE),
            (Community, ONLY_IN_THREE),
            (BChatRoom, ONLY_IN_THREE),
        ],
    ),
    (
        Channel::GroupMessage,
        Feature::OnlineOnly,
        &[(AvChatRoom, NO_ONLINE), (BChatRoom, NO_ONLINE)],
    ),
    (
        Channel::GroupMessage,
        Feature::UnreadIgnored,
        &[
            (
                AvChatRoom,
                Fit::Refused("such a group counts no unread messages"),
            ),
            (
                ChatRoom,
                Fit::Doubtful(
                    "a `ChatRoom` (Meeting) counts no unread messages unless the vendor switched that on, and else refuses this",
                ),
            ),
        ],
    ),
    (
        Channel::GroupMessage,
        Feature::LastMessageKept,
        &[(
            AvChatRoom,
            Fit::Doubtful("such a group keeps no last message, and the vendor may refuse it"),
        )],
    ),
    (
        Channel::GroupMessage,
        Feature::MentionAll,
        &[
            (
                AvChatRoom,
                Fit::Refused("nobody can mention everybody in such a group"),
            ),
            (
                Community,
                Fit::Doubtful("the vendor's FAQ says that a community has no mention of everybody"),
            ),
        ],
    ),
    (Channel::GroupMessage, Feature::Topic, TOPICS),
    (
        Channel::GroupMessage,
        Feature::ReadReceipt,
        &[
            (AvChatRoom, NO_RECEIPTS),
            (Community, NO_RECEIPTS),
            (BChatRoom, NO_RECEIPTS),
        ],
    ),
    (
        Channel::GroupMessage,
        Feature::Extension,
        &[(AvChatRoom, NO_EXTENSIONS), (Community, NO_EXTENSIONS)],
    ),
    (
        Channel::GroupMessage,
        Feature::OfflinePush,
        &[(
            AvChatRoom,
            Fit::Doubtful("such a group reaches only those who are online"),
        )],
    ),
    (
        Channel::Notification,
        Feature::Members,
        &[(AvChatRoom, WHOLE_ONLY), (BChatRoom, WHOLE_ONLY)],
    ),
    (Channel::Notification, Feature::Topic, TOPICS),
];

pub fn fit(channel: Channel, feature: Feature, kind: GroupType) -> Fit {
    let row = TABLE
        .iter()
        .find(|(row_channel, row_feature, _)| (*row_channel, *row_feature) == (channel, feature));
    let cell = row.and_then(|(.., cells)| cells.iter().find(|(cell, _)| *cell == kind));
    cell.map_or(Fit::Fits, |(_, fit)| *fit)
}

impl Feature {
    /// As it is written in a campaign.
    fn name(self) -> &'static str {
        match self {
            Feature::Members => "members",
            Feature::OnlineOnly => "online_only: true",
            Feature::UnreadIgnored => "unread: ignore",
            Feature::LastMessageKept => "last_message: keep",
            Feature::MentionAll => "mention: all",
            Feature::Topic => "topic",
            Feature::ReadReceipt => "read_receipt: true",
            Feature::Extension => "extension: true",
            Feature::OfflinePush => "offline_push",
        }
    }

    /// What is to be said of it for a group of this type.
    pub(super) fn complaint(
        self,
        channel: Channel,
        kind: GroupType,
        span: &Span,
    ) -> Option<Diagnostic> {
        let message = |why| {
            format!(
                "`{}` does not go with a group of type `{kind}`: {why}",
                self.name()
            )
        };
        match fit(channel, self, kind) {
            Fit::Fits => None,
            Fit::Doubtful(why) => Some(Diagnostic::warning("group-type-fit", span, message(why))),
            Fit::Refused(why) => Some(Diagnostic::error("group-type-fit", span, message(why))),
        }
    }
}
