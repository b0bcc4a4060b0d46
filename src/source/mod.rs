//! Files as text, and everything that is said about them.
//!
//! This room knows what a YAML file looks like: its text, the places in it (spans), the tree with
//! the style of every scalar, how a tree is held against a JSON Schema and read into a Spec, and
//! how a complaint is worded (stable code, two labels, help) and drawn. It must never know what a
//! campaign or a setting is, and it never touches the file system, the environment, the clock or a
//! terminal: text comes in, values and text go out.
//!
//! The way through: [`parse()`] gives the tree, [`Schema::check`] every complaint against the
//! generated schema, `prune` the tree without them, `derive` the Spec; [`read()`] does all
//! four and collects.
//!
//! The tree is built from the events of `granit-parser`, the parser inside `serde-saphyr`, and not
//! through serde: events carry the exact style and byte range of each scalar, while a serde tree
//! would have to guess the style from the text, stop at the first duplicate key, and lose where an
//! alias stands. Only the budget, the resolution of plain scalars and the duplicate keys are ours
//! to write then, which is less code than the guesses.

mod check;
mod choice;
mod complaint;
mod derive;
mod derive_map;
mod diagnostic;
mod failure;
mod handing;
mod kinds;
mod limits;
mod mending;
mod node;
mod offsets;
mod parse;
mod prune;
mod read;
mod refusal;
mod render;
mod scalar;
mod schema;
mod shapes;
mod slip;
mod snippet;
mod span;
mod spanned;
mod text;
mod tree;
mod unfold;
mod weight;
mod words;

pub use diagnostic::{
    Blame, Diagnostic, INTERNAL_ERROR, Label, Mend, Premise, Severity, in_a_line, internal_help,
};
pub use mending::{Made, Mended, mended};
pub use node::{Content, Node, Style};
pub use parse::parse;
pub use read::{Read, read, read_parsed};
pub use render::render;
pub use schema::{Schema, one_key};
pub use shapes::{Entries, Short, Shorthand, TextOr};
pub use snippet::tame;
pub use span::{Source, Span, in_root};
pub use spanned::Spanned;
pub use text::Text;
pub use words::{
    NO_BREAK, length_text, list_of, nearest, plural, thousands, unbroken, with_blanks,
};

#[cfg(test)]
mod tests;
