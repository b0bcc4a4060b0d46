//! Settings as written.

use crate::source::{Entries, Spanned, one_key};
use schemars::JsonSchema;
use serde::Deserialize;

/// Campanile's settings: one file for each environment, at the root of the repository.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsSpec {
    /// The apps, by role. A campaign names a role, so that it is the same in every environment.
    #[schemars(required)]
    pub apps: Option<Entries<AppSpec>>,
    /// The app of campaigns that name none. Default: the only one there is.
    pub default_app: Option<Spanned<String>>,
    /// The IANA time zone of campaigns that name none. Default: UTC.
    pub timezone: Option<Spanned<String>>,
    /// The folder of the campaign files. Default: `campaigns`.
    pub campaigns: Option<Spanned<String>>,
    /// Where the journal is kept. Default: `sqlite:campanile.db`, beside this file.
    pub journal: Option<Spanned<String>>,
}

/// One app at the vendor.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppSpec {
    /// The `SDKAppID` of the console.
    #[schemars(required)]
    pub sdk_app_id: Option<Spanned<u64>>,
    /// An administrator account of the app (`identifier`). Default: `administrator`.
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

/// What the vendor allows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Group messages a second. Default: 200.
    #[schemars(range(min = 1, max = 10_000))]
    pub group_message: Option<u32>,
    /// How long the vendor discards a repeated `Random`. Default: 300s.
    pub deduplication: Option<Spanned<String>>,
}
