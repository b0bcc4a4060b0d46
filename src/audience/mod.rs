//! Who a campaign goes to: groups as written, rows of files, and the Targets they come to.
//!
//! Knows groups, rows and their variables. Must never know how a row is read from a disk or what is sent: rows come in
//! one at a time, Targets go out one at a time.

mod meant;
mod resolver;
mod row;
mod spec;

pub use meant::Audience;
pub use resolver::{Resolver, Target};
pub use row::Row;
pub use spec::AudienceSpec;
