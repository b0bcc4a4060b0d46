//! minijinja under limits: compile, render, and errors that know their place in the template.
//!
//! Knows texts and values. Must never know where a template stands in a file, what a campaign is, what time it is, or
//! anything by chance: a preview is byte for byte what is sent.

mod engine;
mod fault;

pub use engine::{TemplateId, Templates};
pub use fault::Fault;
pub use minijinja::Value;
