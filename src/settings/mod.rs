//! Apps, lanes, limits and roots: `campanile.yaml`.
//!
//! Knows where a secret is kept, never the secret. Must never know the environment or a file: overrides and secrets
//! come later and from outside.

mod meant;
mod region;
mod spec;

pub use meant::{App, SecretSource, Settings, zone_of};
pub use spec::SettingsSpec;
