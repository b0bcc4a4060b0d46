//! A frozen list of deliveries, told in short.

use crate::channel::{Channel, Request};
use crate::delivery::EndReason;
use crate::identity::{DeliveryNumber, Digest};

/// One delivery of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub number: DeliveryNumber,
    pub request: Request,
    /// Why it will never be sent, if so.
    pub skip: Option<EndReason>,
}

/// What is known of a plan when its last delivery is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub channel: Channel,
    /// Equal for two plans that send the same to the same.
    pub digest: Digest,
    pub planned: u64,
    pub skipped: u64,
    /// Bytes of all contents together, and of the longest.
    pub bytes: u64,
    pub bytes_longest: u64,
    /// What the first target will read.
    pub first_text: Option<String>,
}
