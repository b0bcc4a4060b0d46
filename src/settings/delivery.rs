//! How the deliveries of a campaign are made: the block `delivery:` of a campaign and of the defaults.

use super::share::{InvalidShare, Share};
use super::window::{InvalidWindow, Window};
use crate::source::{Content, Diagnostic, Node, Spanned};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// How it is delivered.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverySpec {
    /// Calls per second at most. Default: what the lane allows.
    #[schemars(range(min = RATE_MIN, max = RATE_MAX))]
    pub rate: Option<Spanned<f64>>,
    /// Attempts that may come back undelivered before a delivery has failed. Default: 5.
    #[schemars(range(min = 1, max = 100), extend("default" = ATTEMPTS))]
    pub attempts: Option<u32>,
    /// What becomes of a delivery of which nobody can tell whether it arrived. A group message is looked for in its
    /// group's history first, and accepted if it is found; `hold` leaves all else unknown, `resend` sends once more what
    /// the history proves absent, under a new `Random`. Messages to chosen members, to those online or in a topic are in
    /// no history that could be looked at. Neither is a notification: `resend` sends it once more, and it may double.
    /// A broadcast is always held. Default: hold.
    #[schemars(extend("default" = "hold"))]
    pub on_unknown: Option<Spanned<OnUnknown>>,
    /// The part of the day in which calls may begin, in the campaign's zone: `08:00-22:00`, the end not included. It may
    /// span midnight. What has begun is brought to its end outside it as well. Default: the whole day.
    #[schemars(extend("examples" = ["08:00-22:00"]))]
    pub window: Option<Spanned<String>>,
    /// The run pauses after so many calls, to be looked at before it is resumed. Default: it does not.
    #[schemars(range(min = 1))]
    pub pause_after: Option<u64>,
    /// The share of refused and failed deliveries with which a run still ends well (exit code 0): `1%` of those
    /// planned. One that is unknown is never tolerated. Default: 0.
    #[serde(default)]
    #[schemars(schema_with = "tolerate_schema", extend("default" = 0, "examples" = ["1%", "0.5%"]))]
    pub tolerate: Option<Node>,
}

/// What becomes of a delivery of which nobody can tell whether it arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It stays unknown, for a person to decide.
    #[default]
    Hold,
    /// It is sent once more where it is proved absent, or a notification.
    Resend,
}

impl OnUnknown {
    /// As it is written in a campaign and a journal.
    pub fn name(self) -> &'static str {
        match self {
            OnUnknown::Hold => "hold",
            OnUnknown::Resend => "resend",
        }
    }

    pub fn from_name(name: &str) -> Option<OnUnknown> {
        [OnUnknown::Hold, OnUnknown::Resend]
            .into_iter()
            .find(|policy| policy.name() == name)
    }
}

/// The policy of a campaign's deliveries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeliveryRules {
    /// Calls per second at most; the lane's limit holds beside it.
    pub rate: Option<f64>,
    pub attempts: u32,
    pub on_unknown: OnUnknown,
    /// In the campaign's zone.
    pub window: Option<Window>,
    /// Calls.
    pub pause_after: Option<u64>,
    /// Of the deliveries planned.
    pub tolerate: Share,
}

const RATE_MIN: f64 = 0.001;
const RATE_MAX: f64 = 10_000.0;
const ATTEMPTS: u32 = 5;

impl Default for DeliveryRules {
    fn default() -> DeliveryRules {
        DeliveryRules {
            rate: None,
            attempts: ATTEMPTS,
            on_unknown: OnUnknown::default(),
            window: None,
            pause_after: None,
            tolerate: Share::default(),
        }
    }
}

impl DeliveryRules {
    /// What is given in `spec`, and these for the rest.
    #[must_use]
    pub fn replaced_by(
        self,
        spec: Option<&DeliverySpec>,
        complaints: &mut Vec<Diagnostic>,
    ) -> DeliveryRules {
        let Some(spec) = spec else {
            return self;
        };
        DeliveryRules {
            rate: spec.rate.as_ref().map(|rate| rate.value).or(self.rate),
            attempts: spec.attempts.unwrap_or(self.attempts),
            on_unknown: spec
                .on_unknown
                .as_ref()
                .map_or(self.on_unknown, |written| written.value),
            window: window(spec.window.as_ref(), complaints).or(self.window),
            pause_after: spec.pause_after.or(self.pause_after),
            tolerate: tolerate(spec.tolerate.as_ref(), complaints).unwrap_or(self.tolerate),
        }
    }
}

fn window(written: Option<&Spanned<String>>, complaints: &mut Vec<Diagnostic>) -> Option<Window> {
    let written = written?;
    let window = written.parse();
    window
        .map_err(|error: InvalidWindow| {
            let diagnostic = Diagnostic::error("window", &written.span, error.to_string());
            let help = "write it as `\"08:00-22:00\"`, or leave it out for the whole day";
            complaints.push(diagnostic.help(help));
        })
        .ok()
}

/// A plain 0 is a number in YAML.
fn tolerate_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "integer"] })
}

fn tolerate(written: Option<&Node>, complaints: &mut Vec<Diagnostic>) -> Option<Share> {
    let written = written?;
    let share = match &written.content {
        Content::Text(text) => text.parse(),
        Content::Integer(number) => number.to_string().parse(),
        _ => Err(InvalidShare),
    };
    share
        .map_err(|error| {
            let diagnostic = Diagnostic::error("tolerate", &written.span, error.to_string());
            complaints.push(diagnostic.help("write `1%` or `0.5%`"));
        })
        .ok()
}
