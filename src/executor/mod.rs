//! Takes the dispatcher's steps and carries them out with the journal, the vendor and the clock.
//!
//! Knows in which order effects happen and waits for them. Must never decide what is to be done: it asks the
//! dispatcher and tells it what happened.

mod complaints;
mod course;
mod drafting;
mod execute;
mod historian;
mod lane;
mod lane_thread;
mod lookout;
mod opening;
mod pages;
mod permit;
mod planning;
mod progress;
mod resident;
mod restored;
mod retrying;
mod targets;
mod writer;

pub use complaints::Complaints;
pub use drafting::{Draft, Met};
pub use execute::{Ending, Error, Execution, LaneRules, Rest, Seat};
pub use lookout::{left_since_ms, quiet_since_ms};
pub use opening::{finish_by_ms, frame, opening};
pub use pages::{count, count_begun, count_open};
pub use planning::{Staged, plan, stage, stage_test};

pub use progress::{Progress, WaitReason};
pub use resident::Resident;
pub use retrying::{Wanted, Wish};
