//! Ids, each parsed once at the boundary and trusted from there on.

use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// The vendor's number of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SdkAppId(pub u64);

impl fmt::Display for SdkAppId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A campaign's identity: `[a-z0-9-]`, up to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CampaignName(Arc<str>);

/// Why a text is no name or id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidName {
    #[error("a campaign name is 1 to 64 of the characters a-z, 0-9 and `-`")]
    Campaign,
    #[error(
        "a group id is 1 to 48 printable ASCII characters, or more where the vendor made it (`@TGS#`)"
    )]
    Group,
    #[error("a group id has no space before or after it")]
    GroupSpace,
    #[error("a user id is 1 to 32 printable ASCII characters, without space before or after it")]
    User,
}

impl CampaignName {
    const LENGTH_MAX: usize = 64;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for CampaignName {
    type Error = InvalidName;

    fn try_from(text: &str) -> Result<CampaignName, InvalidName> {
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits {
            Ok(CampaignName(text.into()))
        } else {
            Err(InvalidName::Campaign)
        }
    }
}

impl fmt::Display for CampaignName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A group at the vendor (`GroupId`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(Arc<str>);

impl GroupId {
    /// Of ids of one's own.
    const OWN_LENGTH_MAX: usize = 48;
    /// The vendor does not say how long those are that it makes; topics reach 96.
    const LENGTH_MAX: usize = 128;
    /// How those begin that it makes.
    const MADE: &str = "@TGS#";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for GroupId {
    type Error = InvalidName;

    fn try_from(text: &str) -> Result<GroupId, InvalidName> {
        if text.trim() != text {
            return Err(InvalidName::GroupSpace);
        }
        let length_max = if text.starts_with(Self::MADE) {
            Self::LENGTH_MAX
        } else {
            Self::OWN_LENGTH_MAX
        };
        if is_printable_ascii(text, length_max) {
            Ok(GroupId(text.into()))
        } else {
            Err(InvalidName::Group)
        }
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An account at the vendor (`UserID`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

impl UserId {
    const LENGTH_MAX: usize = 32;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for UserId {
    type Error = InvalidName;

    fn try_from(text: &str) -> Result<UserId, InvalidName> {
        if text.trim() == text && is_printable_ascii(text, Self::LENGTH_MAX) {
            Ok(UserId(text.into()))
        } else {
            Err(InvalidName::User)
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_printable_ascii(text: &str, length_max: usize) -> bool {
    (1..=length_max).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// The place of a delivery in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryNumber(pub u32);

impl fmt::Display for DeliveryNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
