//! Work on many files at once, its results taken in order.

use super::Error;
use crate::containment::STACK_SIZE;
use crate::seeded_bug::SeededBug;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// So many items are made at a time where there are many: whoever hands over each by itself is woken more often than he
/// works.
const AT_ONCE_MAX: usize = 16;
/// Where there are fewer each thread is to have its share.
const SHARES: usize = 16;
/// So many times that many results wait to be taken, for each thread.
const AHEAD: usize = 4;

/// Makes something of every item on as many threads as there are cores, and takes it in the order of the items. The first
/// failure to take something ends it.
pub(super) fn in_order<I: Sync, T: Send, E: From<Error>>(
    items: &[I],
    make: impl Fn(&I) -> T + Sync,
    mut take: impl FnMut(&I, T) -> Result<(), E>,
) -> Result<(), E> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(items.len());
    if threads <= 1 {
        return items.iter().try_for_each(|item| take(item, make(item)));
    }
    let at_once = (items.len() / (threads * SHARES)).clamp(1, AT_ONCE_MAX);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        // Dropped first where taking fails, which ends the threads.
        let (sender, results) = mpsc::sync_channel(threads * AHEAD);
        for _ in 0..threads {
            let (sender, next, make) = (sender.clone(), &next, &make);
            let work = move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(some) = items.chunks(at_once).nth(at) else {
                        break;
                    };
                    if SeededBug::LastFileLost.is_active() && some.len() < at_once {
                        break;
                    }
                    let things: Vec<T> = some.iter().map(make).collect();
                    if sender.send((at, things)).is_err() {
                        break;
                    }
                }
            };
            let thread = thread::Builder::new().stack_size(STACK_SIZE);
            thread.spawn_scoped(scope, work).map_err(Error::NoThread)?;
        }
        drop(sender);
        let (mut waiting, mut taken) = (BTreeMap::new(), 0);
        for (at, things) in results {
            waiting.insert(at, things);
            while let Some(things) = waiting.remove(&(taken / at_once)) {
                for thing in things {
                    take(&items[taken], thing)?;
                    taken += 1;
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Enough;

    impl From<Error> for Enough {
        fn from(_: Error) -> Enough {
            Enough
        }
    }

    #[test]
    fn things_are_taken_in_order_until_one_fails() {
        let items: Vec<u64> = (0..5_001).collect();
        let mut taken = Vec::new();
        let done: Result<(), Enough> = in_order(
            &items,
            |item| item * 2,
            |item, double| {
                taken.push((*item, double));
                Ok(())
            },
        );
        assert_eq!(done, Ok(()));
        assert_eq!(
            taken,
            items
                .iter()
                .map(|item| (*item, item * 2))
                .collect::<Vec<_>>()
        );
        let mut count = 0;
        let failed = in_order(
            &items,
            |item| *item,
            |_, item| {
                count += 1;
                if item == 100 {
                    return Err(Enough);
                }
                Ok(())
            },
        );
        assert_eq!(failed, Err(Enough));
        assert_eq!(count, 101);
    }
}
