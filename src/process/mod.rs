//! The process itself: its children.
//!
//! Knows which children are waited for. Must never know what a child is for.

mod children;

pub use children::{AwaitedChild, reap_inherited};
