//! What the vendor allows an app.

use crate::source::{Diagnostic, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// What the vendor allows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Group messages a second. Default: 200.
    #[schemars(range(min = 1, max = 10_000), extend("default" = LIMITS.group_message))]
    pub group_message: Option<u32>,
    /// System notifications a second. Default: 200.
    #[schemars(range(min = 1, max = 10_000), extend("default" = LIMITS.notification))]
    pub notification: Option<u32>,
    /// Broadcasts a second: 1, or up to 5 by plan. Default: 1.
    #[schemars(range(min = 1, max = 5), extend("default" = LIMITS.broadcast))]
    pub broadcast: Option<u32>,
    /// Members whom one notification may name. A group message names 50 at most, whatever stands here. Default: 50.
    #[schemars(range(min = 1, max = 500), extend("default" = LIMITS.members_per_call))]
    pub members_per_call: Option<u32>,
    /// How long the vendor discards a repeated `Random`; 300s is the longest. The histories of a stand-in on this machine
    /// are believed sooner in proportion. Default: 300s.
    #[schemars(extend("default" = "300s", "examples" = ["300s"]))]
    pub deduplication: Option<Spanned<String>>,
}

/// What the vendor allows an app, a lane at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls a second.
    pub group_message: u32,
    /// Calls a second.
    pub notification: u32,
    /// Calls a second.
    pub broadcast: u32,
    pub members_per_call: u32,
    pub deduplication: Duration,
}

const LIMITS: Limits = Limits {
    group_message: 200,
    notification: 200,
    broadcast: 1,
    members_per_call: 50,
    deduplication: Duration::from_mins(5),
};

impl Default for Limits {
    fn default() -> Limits {
        LIMITS
    }
}

impl Limits {
    pub(super) fn lower(spec: Option<&LimitsSpec>, complaints: &mut Vec<Diagnostic>) -> Limits {
        let Some(spec) = spec else {
            return LIMITS;
        };
        Limits {
            group_message: spec.group_message.unwrap_or(LIMITS.group_message),
            notification: spec.notification.unwrap_or(LIMITS.notification),
            broadcast: spec.broadcast.unwrap_or(LIMITS.broadcast),
            members_per_call: spec.members_per_call.unwrap_or(LIMITS.members_per_call),
            deduplication: deduplication(spec.deduplication.as_ref(), complaints),
        }
    }
}

/// Longer than the vendor promises would send twice.
fn deduplication(written: Option<&Spanned<String>>, complaints: &mut Vec<Diagnostic>) -> Duration {
    let Some(text) = written else {
        return LIMITS.deduplication;
    };
    let parsed = humantime::parse_duration(text)
        .ok()
        .filter(|length| *length <= LIMITS.deduplication);
    parsed.unwrap_or_else(|| {
        let message = format!("`{}` is no length of time up to five minutes", text.value);
        complaints
            .push(Diagnostic::error("duration", &text.span, message).help("write `300s` or `5m`"));
        LIMITS.deduplication
    })
}
