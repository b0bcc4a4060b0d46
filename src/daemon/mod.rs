//! What the daemon has to do with the world around it, beside sending: what it tells, and whom.
//!
//! Knows what happened and who wants to hear of it: people by a webhook, probes by HTTP, the machine's supervisor by
//! its socket. Must never print, for that is the command line's, nor decide what is due, for that is the agenda's.

mod event;
mod notify;
mod probes;
mod supervisor;

pub use event::{Event, LaneName, Level, Next};
pub use notify::{Notifier, SetupError, Target, Unresolved};
pub use probes::{Heartbeat, ListenError, Probes, Readiness};
pub use supervisor::{Supervisor, SupervisorError};
