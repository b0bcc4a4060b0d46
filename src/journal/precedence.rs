//! Entries of calls that are under way go before everything that is staged.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a chunk waits for entries at the most, so that a plan comes to its end beside lanes that never rest.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Entries that wait for the writer of a journal, in this process.
#[derive(Debug, Default)]
pub(super) struct Precedence {
    waiting: AtomicUsize,
    is_none: Notify,
}

/// An entry, or several, on their way to the disk.
#[derive(Debug)]
pub(super) struct Entering<'a>(&'a Precedence);

impl Precedence {
    pub(super) fn enter(&self) -> Entering<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Entering(self)
    }

    /// Waits until no entry waits.
    pub(super) async fn none(&self) {
        let none = async {
            loop {
                // Made before the count is read, so that no end is missed.
                let is_none = self.is_none.notified();
                if self.waiting.load(Ordering::SeqCst) == 0 {
                    return;
                }
                is_none.await;
            }
        };
        // Its turn has come all the same.
        let _ = timeout(WAIT_MAX, none).await;
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.is_none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[tokio::test]
    async fn staging_waits_until_the_last_entry_is_on_the_disk() {
        let precedence = Precedence::default();
        let (first, second) = (precedence.enter(), precedence.enter());
        let mut none = pin!(precedence.none());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(none.as_mut().poll(&mut context), Poll::Pending);
        drop(first);
        assert_eq!(none.as_mut().poll(&mut context), Poll::Pending);
        drop(second);
        assert_eq!(none.as_mut().poll(&mut context), Poll::Ready(()));
    }
}
