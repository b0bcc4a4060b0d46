//! What a message is made of: elements, offline push, and how large it all is.
//!
//! Knows the vendor's JSON and which of its texts are templates. Must never know groups, channels or files.

mod element;
mod media;
mod push;
mod rule;
mod shape;

pub use element::{ElementSpec, has_custom_twice, text_element};
pub use push::OfflinePushSpec;
pub use rule::Rule;
pub use shape::{Lowering, NotRead, Shape, Texts};

/// Bytes of compact JSON of `MsgBody` and `CloudCustomData` together. The sources disagree between 8,000 and 12K; above
/// this nobody takes it.
pub const SIZE_MAX: usize = 12_000;
/// The smallest element, a text of one letter, is 51 bytes long and followed by a comma: more of them are too long whatever
/// they say.
pub const ELEMENTS_MAX: usize = 250;
/// Some of the vendor's pages say this much, so more is worth a word.
pub const SIZE_SAFE: usize = 8_000;
