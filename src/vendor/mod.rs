//! The only caller of the vendor's HTTP API.
//!
//! Knows URLs, signatures, connections and timeouts, and when the first byte of a call left. Must never know what an
//! answer means: it hands back a `Reply`, and no URL ever leaves this room, for the UserSig stands in it. How HTTP is spoken
//! outwards (`http`) is shared with the daemon's webhooks.

mod body;
mod client;
mod http;
mod usersig;

pub use client::{Access, Call, Client, Error, TIMEOUT};
pub use http::{http, words};
pub use usersig::Signer;
