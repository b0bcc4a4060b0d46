//! The process itself: its children and its file descriptors.
//!
//! Knows which children are waited for, how many descriptors there may be and when a failure is one of this machine. Must
//! never know what a child or a descriptor is for.

mod children;
mod descriptors;
mod instance;
mod shortage;

pub use children::{AwaitedChild, reap_inherited, withhold};
pub use descriptors::{
    LaneShare, has_few_descriptors, journal_readers, open_plans, probe_connections, raise_limit,
};
pub use instance::ProcessInstance;
pub use shortage::{is_of_machine, patiently};
