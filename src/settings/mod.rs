//! Apps, lanes, limits, roots and defaults: `campanile.yaml`, and the variables that override it.
//!
//! Knows where a secret is kept, never the secret. Must never know the environment or a file: what variables there are
//! is told, and secrets come later and from outside.

mod address;
mod app;
mod class;
mod delivery;
mod journal;
mod limits;
mod meant;
mod notify;
mod overrides;
mod region;
mod rules;
mod secret;
mod share;
mod spec;
mod window;

pub use address::{Address, AddressSource, InvalidAddress};
pub use app::App;
pub use class::{OperatorValues, PendingSettings, SettingChange};
pub use delivery::{DeliveryRules, DeliverySpec, OnUnknown};
pub use journal::{InvalidJournal, JournalSource, journal_path};
pub use limits::Limits;
pub use meant::{ExaminedSettings, RETENTION_MIN, Settings, zone_of};
pub use notify::{Format, Notice, Webhook};
pub use overrides::OVERRIDE_PREFIX;
pub use secret::{SecretSource, is_secret, redacted, shows_secret};
pub use share::Share;
pub use spec::OnInvalid;
pub use window::{Hours, Reopening, Window};

#[cfg(test)]
mod tests;
