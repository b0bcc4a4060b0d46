//! What a receiver can tell a delivery by.

use super::{Digest, GroupId, UserId};
use std::fmt;

/// The same on every attempt, in a preview and in the log: a digest of the occurrence and of whom the delivery is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryKey(u64);

impl DeliveryKey {
    /// `member` is the first one of the call, if it is for members.
    pub fn of(
        occurrence: Digest,
        channel: &str,
        group: Option<&GroupId>,
        member: Option<&UserId>,
    ) -> DeliveryKey {
        let occurrence = occurrence.to_string();
        let digest = Digest::of(
            "delivery",
            [
                occurrence.as_bytes(),
                channel.as_bytes(),
                group.map_or("", GroupId::as_str).as_bytes(),
                member.map_or("", UserId::as_str).as_bytes(),
            ],
        );
        DeliveryKey(digest.first_64_bits())
    }
}

impl fmt::Display for DeliveryKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}
