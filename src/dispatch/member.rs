//! One run among those that share a lane.

use super::dispatcher::Halt;
use super::queue::Queue;
use super::streak::Streak;
use crate::channel::{Channel, Outcome};
use crate::seeded_bug::SeededBug;

/// Its deliveries, and how many of them are where.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) queue: Queue,
    pub(super) halt: Option<Halt>,
    /// Deliveries whose Started is on its way to the disk.
    pub(super) recording: usize,
    /// Deliveries whose Started is durable, waiting for a slot.
    pub(super) ready: usize,
    pub(super) in_flight: usize,
    /// Entries on their way to the disk, of any kind.
    pub(super) unrecorded: usize,
    streak: Streak,
}

impl Member {
    pub(super) fn new(queue: Queue) -> Member {
        Member {
            queue,
            halt: None,
            recording: 0,
            ready: 0,
            in_flight: 0,
            unrecorded: 0,
            streak: Streak::default(),
        }
    }

    /// How many are prepared and have not gone out.
    pub(super) fn ahead(&self) -> usize {
        self.recording + self.ready
    }

    /// Whether calls of it may go out.
    pub(super) fn may_start(&self) -> bool {
        self.halt.is_none() && !self.queue.is_cancelled()
    }

    /// Nothing is on its way, neither out nor into the journal.
    pub(super) fn is_home(&self) -> bool {
        let unrecorded = if SeededBug::OverBeforeDurable.is_active() {
            self.recording
        } else {
            self.unrecorded
        };
        self.in_flight == 0 && self.ready == 0 && unrecorded == 0
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_home() && (self.halt.is_some() || self.queue.is_over())
    }

    /// A call that went out at `out_ns` came back.
    pub(super) fn learn(&mut self, channel: Channel, outcome: &Outcome, out_ns: u64, now_ns: u64) {
        let answer = self.streak.learn(channel, outcome, out_ns, now_ns);
        // No answer keeps a cancelled run from being settled.
        if let Some(answer) = answer.filter(|_| !self.queue.is_cancelled()) {
            self.halt.get_or_insert(Halt::Stopped(answer));
        }
    }
}
