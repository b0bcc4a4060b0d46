//! Campanile beside independent programs that do the same.

mod cron;
mod editors;

use crate::program::skipped;
use std::process::Command;

/// Installs the independent programs unless they are there. Returns whether they are: `OFFLINE` forbids to install them.
pub(crate) fn is_prepared() -> bool {
    if std::env::var_os("OFFLINE").is_some()
        && !std::fs::exists("target/comparison/installed").unwrap()
    {
        skipped("offline, and tests/comparison/prepare has not installed the independent programs");
        return false;
    }
    let prepared = Command::new("tests/comparison/prepare").status().unwrap();
    assert!(
        prepared.success(),
        "tests/run says what tests/comparison/prepare needs"
    );
    true
}
