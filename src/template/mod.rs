//! minijinja under limits: compile, render, and errors that point to where the template was typed.
//!
//! Knows texts and values. Must never know what a campaign is, what time it is, or anything by chance: a preview is
//! byte for byte what is sent.

mod engine;
mod fault;
mod filters;
mod operators;
mod printed;
mod program;
mod slips;
mod spec;
mod style;
mod thorough;
mod value;
mod work;

use fault::Fault;
use filters::add_filters;

pub use engine::{Case, Expression, Ready, Template, Templates};
pub use fault::is_runaway;
pub use minijinja::Value;
pub use spec::{ChosenSpec, TemplateSpec};
pub use style::{check_style, is_changed};
pub use thorough::{UNDEFINED, is_for_everybody, undefined};
pub use value::{check_print, is_identifier, merged, value_of};

#[cfg(test)]
mod equal;
#[cfg(test)]
mod tests;
