//! What people will read, before it is sent: as text in a terminal, as JSON, Markdown and HTML.

mod card;
mod gathering;
mod html;
mod likeness;
mod markdown;
mod outline;
mod record;
mod sample;
mod shown;
mod text;
mod wrap;

pub use gathering::Gathering;
pub use html::html;
pub use markdown::markdown;
pub use outline::{Outline, Totals};
pub use record::Record;
pub use sample::Sample;
pub use shown::harmless;
pub use text::TextForm;
pub use wrap::{cut, wrapped};

use likeness::Likeness;

#[cfg(test)]
mod tests;
