//! A stand-in for the vendor's REST API, strict where the vendor is vague.
//!
//! Knows the published contract of the three group sends and of three calls about them (history, recall, group info):
//! the query and its `UserSig`, the shape of each body, what each type of group supports, the rate of each call and of
//! each group, deduplication by `Random`, and the codes of refusals; it can also go wrong on purpose. What it stored it
//! keeps in a ledger, so that a test can compare what a client believes with what really happened.
//!
//! Must never know anything of the client: it shares no code with it but the clock, so that one misreading cannot be
//! made on both sides and agree with itself. It never prints, and nothing in it is left to a random number: chance is
//! a function of the seed and of how many calls came before.
//!
//! Where the published pages disagree, the sandbox takes the side that is harder on a client, and the other sides can be
//! asked for: deduplication spans the whole app and both calls that carry a `Random`, every rate is a sliding second,
//! unknown members are refused, history shows nothing of which no page says so. Where no list of groups is given, every
//! group is there and takes everything, unless its id contains `MISSING` (code 10010).

mod answer;
mod archive;
mod body;
mod call;
mod chance;
mod credentials;
mod deduplication;
mod desk;
mod elements;
mod expiring;
mod faults;
mod groups;
mod ledger;
mod record;
mod rules;
mod server;
mod shape;
mod statistics;
mod window;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

pub use deduplication::{Deduplication, Key, Registers, RepeatAnswer, Scope};
pub use desk::{Manner, OverGroupLimit};
pub use faults::Faults;
pub use groups::{GroupRow, Groups};
pub use server::{Options, Sandbox};
pub use statistics::Statistics;
