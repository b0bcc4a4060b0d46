//! Which delivery next, and when.
//!
//! Knows the lane's limiter, the order of attempts, and when to hold back. Must never know how time passes, how an entry
//! becomes durable or how a call is made: it is told what happened and returns [`Step`]s.
//!
//! The order that the guarantee rests on: `Record` a Started; when that is durable, and the limiter has a slot, `Send`;
//! when the answer is in, `Record` a Finished; when that is durable, it counts.

mod bounds;
mod dispatcher;
mod groups;
mod guard;
mod limiter;
mod member;
mod pace;
mod queue;
mod round_trips;
mod share;
mod streak;
mod trouble;

pub use bounds::Bounds;
pub use dispatcher::{Dispatcher, Halt, Lane, RunTag, Step};
pub use limiter::CallId;
pub use queue::{Job, Queue};
