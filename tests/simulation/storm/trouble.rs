//! What goes wrong, and for how long.

use super::script::{Trigger, What};
use super::world::{Event, World};
use super::{MS, SECOND};

/// What is wrong just now, and until when.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    pub(super) no_connection: u64,
    pub(super) stall: u64,
    pub(super) silence: u64,
    pub(super) sick: (u64, u16, u32),
    pub(super) locked: Option<u32>,
    pub(super) busy: (u64, u32),
    pub(super) crowded: (u64, u32),
    pub(super) slow_disk: u64,
    pub(super) deaf: u64,
    /// The machine is down.
    pub(super) down: u64,
    /// The process does nothing.
    pub(super) frozen: u64,
    /// It has not looked since what people want done.
    pub(super) blind: u64,
}

impl World {
    pub(super) fn is_quiet(&self) -> bool {
        self.now_ns >= self.script.quiet_ns
    }

    pub(super) fn strike(&mut self, is_now: impl Fn(Trigger) -> bool) {
        for place in 0..self.script.mishaps.len() {
            if is_now(self.script.mishaps[place].trigger) {
                self.mishap(place);
            }
        }
    }

    pub(super) fn mishap(&mut self, place: usize) {
        if self.is_quiet() || std::mem::replace(&mut self.spent[place], true) {
            return;
        }
        let what = self.script.mishaps[place].what;
        self.tell(|_| format!("{what:?}"));
        self.faults += 1;
        let until = |for_ns: u64| self.now_ns + for_ns;
        match what {
            What::Crash { down_ns, is_reboot } => self.crash(down_ns, is_reboot),
            What::Drain { down_ns } => self.drain(down_ns),
            What::Freeze { for_ns, pauses } => {
                self.freeze(for_ns);
                if let Some(run) = pauses {
                    self.pause(run % self.run_count(), for_ns + 30 * SECOND);
                }
            }
            What::Step { by_ms } => self.wall_offset_ms += by_ms,
            What::NoConnection(for_ns) => self.troubles.no_connection = until(for_ns),
            What::Stall(for_ns) => self.troubles.stall = until(for_ns),
            What::Silence(for_ns) => self.troubles.silence = until(for_ns),
            What::Sick {
                status,
                code,
                for_ns,
            } => self.troubles.sick = (until(for_ns), status, code),
            What::Locked { code } => self.troubles.locked = Some(code),
            What::Busy { group, for_ns } => self.troubles.busy = (until(for_ns), group),
            What::Crowded { taken, for_ns } => self.troubles.crowded = (until(for_ns), taken),
            What::SlowDisk(for_ns) => self.troubles.slow_disk = until(for_ns),
            What::Deaf(for_ns) => self.troubles.deaf = until(for_ns),
            What::Pause { run, for_ns } => self.pause(run % self.run_count(), for_ns),
            What::Cancel { run } => self.cancel(run % self.run_count()),
        }
    }

    /// What was not durable is gone; what has left still arrives.
    fn crash(&mut self, down_ns: u64, is_reboot: bool) {
        self.process = None;
        (self.troubles.frozen, self.troubles.blind) = (0, 0);
        if is_reboot {
            self.boot_id += 1;
            self.booted_ns = i64::try_from(self.now_ns).unwrap();
            self.troubles.down = self.now_ns + down_ns;
        }
        self.after(down_ns, Event::Starts);
    }

    fn drain(&mut self, down_ns: u64) {
        if let Some(process) = &mut self.process {
            process.drain(down_ns);
        }
    }

    /// It goes on in the middle of whatever it was doing. What it read in the journal before holds for a second and a half.
    fn freeze(&mut self, for_ns: u64) {
        if self.process.is_none() {
            return;
        }
        // Or longer, if it is frozen already.
        let frozen = self.troubles.frozen.max(self.now_ns + for_ns);
        let look = if for_ns < SECOND && !self.is_blind() {
            0
        } else {
            self.chance.between(1, 40) * MS
        };
        let blind = self.troubles.blind.max(frozen + look);
        self.troubles.frozen = frozen;
        self.troubles.blind = blind;
        self.at(frozen, Event::Wake);
        self.at(blind, Event::Wake);
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.now_ns < self.troubles.frozen
    }

    pub(super) fn is_blind(&self) -> bool {
        self.now_ns < self.troubles.blind
    }

    /// How long the disk takes.
    pub(super) fn commit_ns(&mut self) -> u64 {
        let disk = self.script.disk;
        let slow = if self.now_ns < self.troubles.slow_disk {
            self.chance.between(SECOND / 5, 3 * SECOND)
        } else {
            0
        };
        disk.commit + self.chance.between(0, disk.varies) + slow
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.now_ns < self.troubles.deaf
    }
}
