//! How a sandbox behaves.

use super::super::call::Call;
use super::super::deduplication::Deduplication;
use super::super::faults::Faults;
use super::super::groups::Groups;
use clap::ValueEnum;
use std::time::Duration;

/// By default as the vendor, and without a misfortune.
#[derive(Debug)]
pub struct Manner {
    pub groups: Groups,
    /// Of group messages and of notifications, each.
    pub rate_per_s: u32,
    pub broadcast_per_s: u32,
    /// Of each call that sends nothing.
    pub lookups_per_s: u32,
    /// Messages to one group.
    pub group_per_s: u32,
    pub over_group_limit: OverGroupLimit,
    pub deduplication: Deduplication,
    /// How old a message is before history shows it.
    pub history_lag: Duration,
    /// Each reply waits for `latency` ± `jitter`.
    pub latency: Duration,
    pub jitter: Duration,
    pub faults: Faults,
    /// Decides which calls meet a fault, and how long each reply waits.
    pub seed: u64,
}

/// What the sender of a message over its group's limit is told. It is not stored in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OverGroupLimit {
    /// Code 10023
    #[default]
    Code,
    /// A success with a `MsgDropReason`
    Drop,
    /// A plain success
    Silent,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner {
            groups: Groups::default(),
            rate_per_s: 200,
            broadcast_per_s: 1,
            lookups_per_s: 200,
            group_per_s: 40,
            over_group_limit: OverGroupLimit::default(),
            deduplication: Deduplication::default(),
            history_lag: Duration::ZERO,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            faults: Faults::default(),
            seed: 1,
        }
    }
}

impl Manner {
    pub(super) fn limit_of(&self, call: Call) -> usize {
        let limit = match call {
            Call::GroupMessage | Call::Notification => self.rate_per_s,
            Call::Broadcast => self.broadcast_per_s,
            Call::History | Call::Recall | Call::GroupInfo => self.lookups_per_s,
        };
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
}
