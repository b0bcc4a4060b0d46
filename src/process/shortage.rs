//! Failures of this machine, which say nothing about a file or a campaign.

use crate::clock;
use rustix::io::Errno;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How long a call is repeated that fails for want of descriptors or memory.
const SHORTAGE_MAX: Duration = Duration::from_secs(2);
const RETRY_PAUSE: Duration = Duration::from_millis(10);
/// Descriptors of the process, descriptors of the machine, memory.
const SHORTAGES: [Errno; 3] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
/// Consequences of a name, a permission or a kind of file, which every further call would meet again.
const LASTING: [Errno; 11] = [
    Errno::NOENT,
    Errno::NOTDIR,
    Errno::ISDIR,
    Errno::ACCESS,
    Errno::PERM,
    Errno::LOOP,
    Errno::NAMETOOLONG,
    Errno::INVAL,
    Errno::ILSEQ,
    Errno::NXIO,
    Errno::NODEV,
];

/// When the present shortage began, on the boot clock; 0: there is none.
static SHORT_SINCE_NS: AtomicU64 = AtomicU64::new(0);

/// Returns whether a failure is one of this machine rather than one of a file. An error without a number is about the
/// contents of a file, unless memory is short.
pub fn is_of_machine(error: &io::Error) -> bool {
    match Errno::from_io_error(error) {
        Some(found) => !LASTING.contains(&found),
        None => error.kind() == io::ErrorKind::OutOfMemory,
    }
}

fn is_shortage(error: &io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(|found| SHORTAGES.contains(&found))
}

/// Repeats a call for as long as it fails for a shortage that may pass. All callers share one deadline, so that a lasting
/// shortage costs no more time for a thousand files than for one.
pub fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        let done = call();
        if !done.as_ref().is_err_and(is_shortage) {
            SHORT_SINCE_NS.store(0, Ordering::Relaxed);
            return done;
        }
        let now_ns = clock::now().boot_ns;
        let began =
            SHORT_SINCE_NS.compare_exchange(0, now_ns, Ordering::Relaxed, Ordering::Relaxed);
        let since_ns = began.err().unwrap_or(now_ns);
        if Duration::from_nanos(now_ns.saturating_sub(since_ns)) >= SHORTAGE_MAX {
            return done;
        }
        thread::sleep(RETRY_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(errno: Errno) -> io::Error {
        errno.into()
    }

    #[test]
    fn shortage_is_waited_out_and_other_failures_are_returned_at_once() {
        let mut calls = 0;
        let passing = patiently(|| {
            calls += 1;
            if calls < 3 {
                Err(failure(Errno::MFILE))
            } else {
                Ok(calls)
            }
        });
        assert_eq!(passing.unwrap(), 3);
        let mut calls = 0;
        let missing = patiently(|| {
            calls += 1;
            Err::<(), _>(failure(Errno::NOENT))
        });
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(calls, 1);
    }

    #[test]
    fn failures_of_the_machine_are_told_from_those_of_a_file() {
        for errno in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::IO,
            Errno::NOSPC,
            Errno::STALE,
            Errno::TIMEDOUT,
            Errno::AGAIN,
            Errno::INTR,
        ] {
            assert!(is_of_machine(&failure(errno)), "{errno}");
        }
        for errno in LASTING {
            assert!(!is_of_machine(&failure(errno)), "{errno}");
        }
        assert!(!is_of_machine(&io::Error::other("no number")));
        assert!(is_of_machine(&io::ErrorKind::OutOfMemory.into()));
    }
}
