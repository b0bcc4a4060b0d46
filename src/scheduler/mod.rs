//! The state machine that decides what the daemon does with every occurrence of every scheduled campaign.
//!
//! Knows the schedules, the state of each campaign, and the effects that it waits for. It is synchronous: events and the
//! time come in, numbered effects go out, and an answer carries the number of its effect. Must never perform an effect, read
//! a clock, or know a file, a journal or a thread. The daemon and the simulation drive this one machine.
//!
//! Three rules keep a campaign from waiting forever. An answer counts only while the campaign waits for its number. Every
//! wait has a deadline: at the deadline the effect is cancelled, its end is awaited, and it is requested again. A decision
//! to open writes nothing before the run is opened, so a process that dies in between decides again; opening is requested by
//! occurrence, so it can be repeated.

mod campaign;
mod disposition;
mod due;
mod effect;
mod event;
mod lateness;
mod leaving;
mod machine;
mod passed;
mod plan_queue;
mod reason;
mod records;
mod wait;

pub use disposition::{Civil, Decided, Disposition};
pub use effect::{Effect, EffectId, Notice};
pub use event::{
    Cursor, Definition, Departure, Event, Fault, JournalView, OpenResult, OpenRun, ScheduleKey,
    Waiting,
};
pub use machine::Scheduler;
pub use plan_queue::{PlanQueue, SLICE};
pub use reason::{Grounds, PausedBy, Reason};

#[cfg(test)]
mod tests;
