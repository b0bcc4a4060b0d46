//! What a message is made of, and how large it is.
//!
//! Knows the vendor's elements. Must never know templates or groups: what comes in is rendered.

mod element;

pub use element::{Element, SIZE_MAX, body};
