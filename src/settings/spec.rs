//! Settings as written.

use super::app::ADMINISTRATOR;
use super::delivery::DeliverySpec;
use super::journal::JOURNAL;
use super::limits::LimitsSpec;
use super::meant::{CAMPAIGNS, LISTEN};
use super::notify::WebhookSpec;
use crate::schedule::ScheduleSpec;
use crate::source::{Entries, Short, Shorthand, Spanned, one_key};
use schemars::JsonSchema;
use serde::Deserialize;

/// Campanile's settings: one file for each environment, at the root of the repository.
///
/// Every value can be given by an environment variable instead: `CAMPANILE_` and the path in upper case, `__` between
/// the levels, such as `CAMPANILE_APPS__MAIN__REGION`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsSpec {
    /// The apps, by role. A campaign names a role, so that it is the same in every environment.
    #[schemars(required)]
    pub apps: Option<Entries<AppSpec>>,
    /// The app of campaigns that name none. Default: the only one there is.
    pub default_app: Option<Spanned<String>>,
    /// The IANA time zone of campaigns that name none. Default: UTC.
    #[schemars(extend("default" = "UTC"))]
    pub timezone: Option<Spanned<String>>,
    /// The folder of the campaign files, below that of this file. Default: `campaigns`.
    #[schemars(extend("default" = CAMPAIGNS))]
    pub campaigns: Option<Spanned<String>>,
    /// Folders outside the repository from which campaigns may read, by name: with `exports: /srv/exports` a campaign
    /// reads `exports:weekly.csv`. A relative path begins at the folder of this file. Default: none.
    #[schemars(extend("default" = {}))]
    pub roots: Option<Entries<Spanned<String>>>,
    /// What holds for campaigns that do not say otherwise. A value of a campaign takes the place of the one given here.
    pub defaults: Option<DefaultsSpec>,
    /// What the daemon does when an occurrence is due and its file has become invalid: `hold` waits for a person,
    /// `last_good` sends what the file said when it was last valid. Default: hold.
    #[schemars(extend("default" = "hold"))]
    pub on_invalid: Option<OnInvalid>,
    /// Where the journal is kept: `sqlite:` and a path, which begins at the folder of this file unless it is absolute;
    /// or where that text is found. Default: `sqlite:campanile.db`.
    #[schemars(extend("default" = JOURNAL))]
    pub journal: Option<Spanned<Short<JournalSpec>>>,
    /// The daemon.
    pub serve: Option<ServeSpec>,
    /// Webhooks that the daemon tells of what happens. Default: none.
    #[schemars(length(max = WEBHOOKS_MAX), extend("default" = []))]
    pub notify: Option<Vec<WebhookSpec>>,
}

const WEBHOOKS_MAX: usize = 16;

/// One app at the vendor.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppSpec {
    /// The `SDKAppID` of the console.
    #[schemars(required, range(min = 1))]
    pub sdk_app_id: Option<Spanned<u64>>,
    /// An administrator account of the app (`identifier`), up to 32 bytes. Default: `administrator`.
    #[schemars(extend("default" = ADMINISTRATOR))]
    pub administrator: Option<Spanned<String>>,
    /// Where the app's secret key is kept; never the key itself. Not needed with `--sandbox`.
    pub secret_key: Option<Spanned<SecretSpec>>,
    /// The app's data centre: `china`, `singapore`, `seoul`, `tokyo`, `frankfurt`,
    /// `silicon_valley`, `jakarta`, `mumbai` or `saudi_arabia`.
    pub region: Option<Spanned<String>>,
    /// The address of the API instead of a region: `http://127.0.0.1:9000`.
    pub endpoint: Option<Spanned<String>>,
    /// The vendor's limits for this app, where they differ from the defaults.
    pub limits: Option<LimitsSpec>,
    /// Groups of your own to which a rendering may be sent for a look (`GroupId`). Default: none.
    #[schemars(extend("default" = []))]
    pub test_groups: Option<Vec<Spanned<String>>>,
}

/// Where a secret is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
pub struct SecretSpec {
    /// The name of an environment variable.
    pub env: Option<Spanned<String>>,
    /// The path of a file; a line break at its end is not part of the secret.
    pub file: Option<Spanned<String>>,
}

/// Where the journal is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
pub struct JournalSpec {
    #[serde(skip)]
    pub url: Option<Spanned<String>>,
    /// The name of an environment variable that holds the text.
    pub env: Option<Spanned<String>>,
    /// The path of a file that holds the text; a line break at its end is not part of it.
    pub file: Option<Spanned<String>>,
}

impl Shorthand for JournalSpec {
    type First = Spanned<String>;

    fn from_first(url: Spanned<String>) -> JournalSpec {
        JournalSpec {
            url: Some(url),
            env: None,
            file: None,
        }
    }
}

/// What holds for campaigns that do not say otherwise.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultsSpec {
    /// When campaigns are sent that have a schedule; without `cron` and `at`, which belong to a campaign.
    pub schedule: Option<ScheduleSpec>,
    /// How campaigns are delivered.
    pub delivery: Option<DeliverySpec>,
}

/// What the daemon does when an occurrence is due and its file has become invalid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    /// The occurrence waits for a person.
    #[default]
    Hold,
    /// It is sent as the file was when it was last valid.
    LastGood,
}

/// The daemon.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServeSpec {
    /// The address and port on which it listens. Default: 127.0.0.1:8787.
    #[schemars(extend("default" = LISTEN))]
    pub listen: Option<Spanned<String>>,
    /// How long finished runs stay in the journal, such as `90d`; at least `24h`. The daemon removes older ones while
    /// nothing happens, as `campanile journal prune` does. Default: for ever.
    pub retention: Option<Spanned<String>>,
}
