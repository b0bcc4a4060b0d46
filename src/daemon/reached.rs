//! An app, and the way to it.

use crate::channel::Channel;
use crate::delivery::Patience;
use crate::executor::LaneRules;
use crate::identity::VendorApp;
use crate::settings::{App, Settings};
use crate::vendor::Client;

/// An app that can be sent to.
#[derive(Clone, Debug)]
pub struct Reached {
    pub app: App,
    /// What its occurrences are kept under.
    pub vendor_app: VendorApp,
    pub client: Client,
    /// How long a message must be missing from its group's history.
    pub patience: Patience,
}

impl Reached {
    pub(super) fn rules(&self, channel: Channel) -> LaneRules {
        LaneRules {
            limit: channel.limit(&self.app.limits),
            deduplication: self.app.limits.deduplication,
            patience: self.patience,
        }
    }
}

/// Whether two settings say the same.
pub(super) fn is_same(one: &Settings, other: &Settings) -> bool {
    format!("{one:?}") == format!("{other:?}")
}
