//! The campaign file as written.

use crate::audience::AudienceSpec;
use crate::channel::SendSpec;
use crate::schedule::ScheduleSpec;
use crate::settings::DeliverySpec;
use crate::source::{Entries, Node, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;

/// A campaign: who gets what, and when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignSpec {
    /// The campaign's identity: a-z, 0-9 and `-`, up to 64 characters. Default: the file's name without its ending; with a
    /// schedule it is required, because renaming the file would then make it another campaign.
    pub name: Option<Spanned<String>>,
    /// For people; shown in lists and logs.
    pub description: Option<Spanned<String>>,
    /// Who answers for it; shown in lists and logs.
    pub owner: Option<Spanned<String>>,
    /// Words to sort campaigns by: `season: singles-day`.
    pub labels: Option<Entries<Spanned<String>>>,
    /// Whether it is in use. `false`: it is checked and never scheduled, and run by hand with `--force` only. Default: true.
    #[schemars(extend("default" = true))]
    pub enabled: Option<bool>,
    /// The app to send through: a role from the settings. Default: their `default_app`.
    pub app: Option<Spanned<String>>,
    /// The IANA zone of all times in this file. Default: that of the settings, never the machine's.
    pub timezone: Option<Spanned<String>>,
    /// Plain values for the templates: `{{ bonus }}`.
    pub variables: Option<Entries<Node>>,
    /// When it is sent. Default: by hand only.
    pub schedule: Option<Spanned<ScheduleSpec>>,
    /// Who it goes to. A broadcast has none: it reaches all live rooms of the app.
    pub audience: Option<Spanned<AudienceSpec>>,
    /// What is sent: exactly one kind.
    #[schemars(required)]
    pub send: Option<Spanned<SendSpec>>,
    /// How it is delivered.
    pub delivery: Option<DeliverySpec>,
}
