//! One process, told from a later one that has the same number.

use std::fmt;
use std::fs;

/// A process by its number and its start, which the kernel counts in clock ticks since the machine started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessInstance {
    id: u32,
    start_ticks: u64,
}

/// Place of the start among the fields of `/proc/PID/stat` that follow the name of the program.
const START: usize = 19;

impl ProcessInstance {
    /// Returns this process.
    pub fn current() -> Option<ProcessInstance> {
        ProcessInstance::with_id(std::process::id())
    }

    /// Returns the process that has a number now, if it can be seen from here.
    pub fn with_id(id: u32) -> Option<ProcessInstance> {
        #[expect(clippy::disallowed_methods, reason = "the kernel answers, no disk")]
        let fields = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name of the program may have blanks and brackets of its own.
        let (_, fields) = fields.rsplit_once(')')?;
        let start_ticks = fields.split_whitespace().nth(START)?.parse().ok()?;
        Some(ProcessInstance { id, start_ticks })
    }

    pub fn is_alive(self) -> bool {
        ProcessInstance::with_id(self.id) == Some(self)
    }

    /// Returns the text that [`ProcessInstance::parse`] reads.
    pub fn record(self) -> String {
        format!("{} {}\n", self.id, self.start_ticks)
    }

    pub fn parse(record: &str) -> Option<ProcessInstance> {
        let (id, start_ticks) = record.trim_end().split_once(' ')?;
        Some(ProcessInstance {
            id: id.parse().ok()?,
            start_ticks: start_ticks.parse().ok()?,
        })
    }
}

impl fmt::Display for ProcessInstance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn process_reads_back_as_it_was_recorded_and_is_alive_until_it_ends() {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped());
        #[expect(clippy::disallowed_methods, reason = "it is told nothing secret")]
        let mut child = command.spawn().unwrap();
        let instance = ProcessInstance::with_id(child.id()).unwrap();
        assert_eq!(ProcessInstance::parse(&instance.record()), Some(instance));
        assert!(instance.is_alive());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!instance.is_alive());
    }

    #[test]
    fn later_process_with_same_number_is_another_one() {
        let current = ProcessInstance::current().unwrap();
        let earlier = ProcessInstance {
            start_ticks: current.start_ticks - 1,
            ..current
        };
        assert!(current.is_alive() && !earlier.is_alive());
        for record in ["", "process 12", "12", "12 x"] {
            assert_eq!(ProcessInstance::parse(record), None, "{record:?}");
        }
    }
}
