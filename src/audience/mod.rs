//! Who a campaign goes to: groups and members as written, rows of files, and the Targets they come to.
//!
//! Knows groups, members, their variables and what leaves them out. Must never know how a row is read from a disk or
//! what is sent: rows come in one at a time, Targets go out one at a time.

mod ids;
mod kind;
mod meant;
mod picked;
mod places;
mod resolver;
mod roster;
mod row;
mod spec;
mod table;
mod target;

pub use kind::GroupType;
pub use meant::{Audience, ListFile, NO_AUDIENCE};
pub use resolver::{LeftOut, Part, Rejected, Resolver};
pub use roster::MEMBER_TWICE;
pub use row::Row;
pub use spec::AudienceSpec;
pub use table::{Subject, Table};
pub use target::{Member, Reach, Target, about};

use meant::Selection;

#[cfg(test)]
mod tests;
