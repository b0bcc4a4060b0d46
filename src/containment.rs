//! Panics that the text of a file can cause, kept to that file, and panics of a part of the program, kept to that part.
//!
//! Knows how to run work that may panic, how to start it again, and how large a stack such work needs. Must never know what the work is, nor
//! let a panic's message out: it may quote customer data.

use crate::seeded_bug::SeededBug;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::thread;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Stack size of each thread that reads, compiles or renders what files contain, in bytes. The bounds on nesting (of
/// YAML, of templates, of JSON) need less than a quarter of it, without optimization as well.
pub const STACK_SIZE: usize = 16 << 20;

/// Pause before a part that panicked starts again; each further pause doubles.
const RESTART_PAUSE: Duration = Duration::from_millis(500);
const RESTART_PAUSE_MAX: Duration = Duration::from_mins(1);

/// A panic of contained work.
#[derive(Debug)]
pub struct Panicked {
    /// File and line of the source code.
    place: String,
}

thread_local! {
    /// Calls of [`contained`] inside each other on this thread.
    static CONTAINED: Cell<usize> = const { Cell::new(0) };
    /// Place of the panic that the hook saw last on this thread.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs work and catches its panic, of which nothing is printed.
///
/// Every use has to drop what the work has changed, or to leave it unused: it may be half done.
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| report_others(panic::take_hook()));
    CONTAINED.set(CONTAINED.get() + 1);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(CONTAINED.get() - 1);
    done.map_err(|_| Panicked {
        place: PLACE.take(),
    })
}

/// Runs a part of the program on this thread, and again after each panic, until it returns. The panic hook reports each.
pub fn restart_on_panic<T>(mut part: impl FnMut() -> T) -> T {
    let mut pauses = pauses();
    loop {
        let done = panic::catch_unwind(AssertUnwindSafe(&mut part));
        match done {
            Ok(done) => return done,
            Err(panicked) if SeededBug::PartEndsOnPanic.is_active() => {
                panic::resume_unwind(panicked)
            }
            Err(_) => thread::sleep(pauses.next().unwrap_or(RESTART_PAUSE_MAX)),
        }
    }
}

/// Runs a task of the program, and again after each panic, until it returns. The panic hook reports each.
pub async fn restart_task_on_panic<F>(mut task: impl FnMut() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut pauses = pauses();
    loop {
        // Aborted together with this future.
        let mut tasks = JoinSet::new();
        tasks.spawn(task());
        match tasks.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                sleep(pauses.next().unwrap_or(RESTART_PAUSE_MAX)).await;
            }
            _ => return,
        }
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    let double = |pause: &Duration| Some((*pause * 2).min(RESTART_PAUSE_MAX));
    std::iter::successors(Some(RESTART_PAUSE), double)
}

/// Installs the report of panics outside of contained work. Contained ones stay silent, whichever is called first.
pub fn report_others(report: impl Fn(&PanicHookInfo<'_>) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| {
        if CONTAINED.get() == 0 {
            report(info);
        } else {
            PLACE.set(place_of(info));
        }
    }));
}

/// Returns the place without the folders of the machine that built the program.
fn place_of(info: &PanicHookInfo<'_>) -> String {
    let Some(location) = info.location() else {
        return "an unknown place".to_owned();
    };
    let file = location.file();
    let package = file.rfind("/src/").and_then(|at| file[..at].rfind('/'));
    let file = package.map_or(file, |at| &file[at + 1..]);
    format!("{file}:{}", location.line())
}

impl fmt::Display for Panicked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_of_contained_work_becomes_its_place_without_its_message() {
        let done: Result<(), Panicked> = contained(|| panic!("customer data"));
        let place = done.unwrap_err().to_string();
        assert!(place.starts_with("src/containment.rs:"), "{place}");
        assert_eq!(contained(|| 7).unwrap(), 7);
    }

    #[tokio::test]
    async fn part_that_panics_runs_again_until_it_returns() {
        let mut runs = 0;
        let done = restart_on_panic(|| {
            runs += 1;
            assert!(runs > 2, "the first two panic");
            "done"
        });
        assert_eq!((done, runs), ("done", 3));

        let mut runs = 0;
        restart_task_on_panic(|| {
            runs += 1;
            let is_first = runs == 1;
            async move { assert!(!is_first, "the first panics") }
        })
        .await;
        assert_eq!(runs, 2);
        let pauses: Vec<u128> = pauses().take(9).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses[0..2], [500, 1_000]);
        assert_eq!(pauses[7..9], [60_000, 60_000]);
    }

    #[test]
    fn panic_inside_nested_containment_leaves_the_outer_one_in_force() {
        let done: Result<(), Panicked> = contained(|| {
            contained::<()>(|| panic!("the inner work")).unwrap_err();
            assert_eq!(CONTAINED.get(), 1);
            panic!("a second panic, of the outer work");
        });
        done.unwrap_err();
        assert_eq!(CONTAINED.get(), 0);
    }
}
