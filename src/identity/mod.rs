//! The names of things: newtyped ids, digests, occurrence keys, and the vendor's `Random`.
//!
//! Knows how a thing is told from every other thing, today and after a restart. Must never know what is done with it;
//! there is no chance in here, only digests.

mod digest;
mod ids;
mod key;
mod moment;
mod occurrence;
mod random;

pub use digest::{Digest, Hasher};
pub use ids::{CampaignName, DeliveryNumber, GroupId, SdkAppId, UserId};
pub use key::DeliveryKey;
pub use moment::Moment;
pub use occurrence::{InvalidRunName, OccurrenceKey, RunName, VendorApp, civil_text, parse_civil};
pub use random::{Random, RecentRandoms};
