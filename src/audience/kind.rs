//! The types of groups.

use crate::source::{Diagnostic, Span, nearest};
use std::fmt;

/// What a group is at the vendor; it decides what may be sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupType {
    Private,
    Public,
    ChatRoom,
    AvChatRoom,
    Community,
    /// A legacy of the vendor's.
    BChatRoom,
}

/// The vendor's spelling first, then what its console and its users say.
const NAMES: [(&str, GroupType); 11] = [
    ("Private", GroupType::Private),
    ("Public", GroupType::Public),
    ("ChatRoom", GroupType::ChatRoom),
    ("AVChatRoom", GroupType::AvChatRoom),
    ("Community", GroupType::Community),
    ("BChatRoom", GroupType::BChatRoom),
    ("Work", GroupType::Private),
    ("Meeting", GroupType::ChatRoom),
    ("Live", GroupType::AvChatRoom),
    ("Audio-video", GroupType::AvChatRoom),
    ("Broadcasting", GroupType::BChatRoom),
];

impl GroupType {
    /// In any case, with or without `-`, `_` and spaces.
    pub fn parse(text: &str, span: impl Fn() -> Span) -> Result<GroupType, Diagnostic> {
        let plain = |text: &str| -> String {
            let letters = text.chars().filter(|each| !matches!(each, ' ' | '-' | '_'));
            letters.flat_map(char::to_lowercase).collect()
        };
        let wanted = plain(text);
        let found = NAMES.iter().find(|(name, _)| plain(name) == wanted);
        found.map(|(_, kind)| *kind).ok_or_else(|| {
            let message = format!("there is no type of group `{text}`");
            let names = NAMES.iter().map(|(name, _)| *name);
            let help = match nearest(text, names) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "known are `Private` (Work), `Public`, `ChatRoom` (Meeting), `AVChatRoom` (Live) and `Community`".to_owned(),
            };
            Diagnostic::error("group-type", &span(), message).help(help)
        })
    }

    /// The vendor's spelling.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
