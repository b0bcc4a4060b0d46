//! Panics that the text of a file can cause, kept to that file.
//!
//! Knows how to run work that may panic, and how large a stack such work needs. Must never know what the work is, nor
//! let a panic's message out: it may quote customer data.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// Stack size of each thread that reads, compiles or renders what files contain, in bytes. The bounds on nesting (of
/// YAML, of templates, of JSON) need less than a quarter of it, without optimization as well.
pub const STACK_SIZE: usize = 16 << 20;

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
