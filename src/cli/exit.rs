//! Exit codes.

use crate::delivery::Interruption;
use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Success = 0,
    Error = 1,
    /// Needs the override that is printed.
    Safety = 4,
    /// Finished with more refused or failed deliveries than are tolerated, or with unknown ones.
    Incomplete = 5,
    /// Stopped before its end and still open.
    Stopped = 6,
    Usage = 64,
    /// Impossible for now.
    Temporary = 75,
    /// A campaign or the settings are invalid.
    Invalid = 78,
    /// Drained after Ctrl-C.
    Interrupted = 130,
    /// Drained after SIGTERM.
    Terminated = 143,
}

/// What each comes to, as the manual tells it.
pub(super) const MEANINGS: [(&str, &str); 9] = [
    ("0", "success"),
    ("1", "error"),
    ("4", "needs the override that is printed"),
    (
        "5",
        "finished with more refused or failed deliveries than are tolerated or with unknown ones",
    ),
    ("6", "stopped and still open"),
    ("64", "usage"),
    ("75", "try again later"),
    ("78", "invalid campaign or settings"),
    ("130/143", "interrupted after a clean drain"),
];

/// The same in one sentence.
pub(super) fn codes() -> String {
    let codes = MEANINGS.map(|(code, meaning)| format!("{code} {meaning}"));
    format!("Exit codes: {}.", codes.join(", "))
}

impl Exit {
    /// Returns the signal that this is the exit code of.
    pub(super) fn interruption(self) -> Interruption {
        if self == Exit::Terminated {
            Interruption::Sigterm
        } else {
            Interruption::CtrlC
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
