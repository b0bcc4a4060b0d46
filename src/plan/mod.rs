mod header;
pub use header::{Header, Planned};
