//! The campaign as meant.

use super::CampaignSpec;
use super::spec::DeliverySpec;
use crate::audience::{Audience, Target};
use crate::channel::{Channel, Rendered, Send};
use crate::identity::CampaignName;
use crate::message::Lowering;
use crate::schedule::{Occurrence, Schedule};
use crate::settings::{Settings, zone_of};
use crate::source::{
    Diagnostic, Entries, Node, Read, Schema, Severity, Source, Span, Spanned, read,
};
use crate::template::{Templates, Value, is_identifier, merged, value_of};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub struct Campaign {
    pub name: CampaignName,
    pub description: Option<String>,
    pub app: Option<Spanned<String>>,
    pub zone: Tz,
    /// None: by hand only.
    pub schedule: Option<Schedule>,
    pub audience: Audience,
    pub rules: DeliveryRules,
    /// What is odd about the file, but does not keep it from being used.
    pub warnings: Vec<Diagnostic>,
    variables: BTreeMap<String, Value>,
    send: Send,
    templates: Templates,
}

/// The policy of its deliveries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeliveryRules {
    /// Calls per second at most.
    pub rate: Option<f64>,
    pub attempts: u32,
}

const ATTEMPTS: u32 = 5;
/// What a template can always name.
const RESERVED: [&str; 5] = ["campaign", "occurrence", "group", "member", "delivery"];

impl Campaign {
    pub fn schema() -> Schema {
        Schema::of::<CampaignSpec>()
    }

    /// Reads one file; every complaint at once.
    pub fn read(source: &Arc<Source>, settings: &Settings) -> Result<Campaign, Vec<Diagnostic>> {
        let Read {
            spec,
            mut complaints,
        } = read::<CampaignSpec>(&Campaign::schema(), source);
        let campaign =
            spec.and_then(|spec| Campaign::lower(&spec, source, settings, &mut complaints));
        let is_usable = complaints
            .iter()
            .all(|complaint| complaint.severity == Severity::Warning);
        match campaign {
            Some(campaign) if is_usable => Ok(Campaign {
                warnings: complaints,
                ..campaign
            }),
            _ => Err(complaints),
        }
    }

    fn lower(
        spec: &CampaignSpec,
        source: &Arc<Source>,
        settings: &Settings,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<Campaign> {
        let mut templates = Templates::new();
        let name = name(spec, source, complaints);
        let variables = variables(spec.variables.as_ref(), complaints);
        complaints.extend(settings.app(spec.app.as_ref()).err());
        let zone = match &spec.timezone {
            Some(name) => zone_of(name, complaints),
            None => Some(settings.zone),
        };
        let schedule = schedule(spec, source, zone, complaints);
        let audience = spec
            .audience
            .as_ref()
            .map(|audience| Audience::lower(audience, &audience.span, complaints));
        let mut lowering = Lowering {
            templates: &mut templates,
            complaints,
        };
        let send = spec
            .send
            .as_ref()
            .and_then(|send| Send::lower(send, &mut lowering));
        Some(Campaign {
            name: name?,
            description: spec
                .description
                .as_ref()
                .map(|description| description.value.clone()),
            app: spec.app.clone(),
            zone: zone?,
            schedule,
            audience: audience?,
            rules: rules(spec.delivery.as_ref()),
            warnings: Vec::new(),
            variables,
            send: send?,
            templates,
        })
    }

    pub fn channel(&self) -> Channel {
        self.send.channel()
    }

    /// What the templates know at an occurrence, whoever the target is.
    pub fn context(&self, occurrence: &Occurrence) -> Value {
        let mut context = self.variables.clone();
        let campaign = BTreeMap::from([("name", Value::from(self.name.as_str()))]);
        let occurrence = BTreeMap::from([
            ("at", Value::from(occurrence.at.to_rfc3339())),
            ("date", Value::from(occurrence.date())),
            ("time", Value::from(occurrence.time())),
            ("weekday", Value::from(occurrence.weekday())),
        ]);
        context.insert("campaign".to_owned(), Value::from(campaign));
        context.insert("occurrence".to_owned(), Value::from(occurrence));
        Value::from(context)
    }

    /// Renders what one target gets. `context` is that of the occurrence.
    pub fn render(&self, context: &Value, target: &Target) -> Result<Rendered, Diagnostic> {
        let group = Value::from(BTreeMap::from([("group", target.context.clone())]));
        let context = merged(group, context.clone());
        self.send
            .render(&self.templates, &context)
            .map_err(|diagnostic| {
                let known = diagnostic
                    .help
                    .clone()
                    .map(|help| format!("; {help}"))
                    .unwrap_or_default();
                diagnostic.help(format!(
                    "so it is for the group `{}` of {}{known}",
                    target.group, target.origin
                ))
            })
    }
}

fn name(
    spec: &CampaignSpec,
    source: &Arc<Source>,
    complaints: &mut Vec<Diagnostic>,
) -> Option<CampaignName> {
    let stem = stem(source);
    let (text, span) = match &spec.name {
        Some(name) => (name.as_str(), name.span.clone()),
        None => (stem, Span::beginning(source)),
    };
    let name = CampaignName::try_from(text);
    name.map_err(|error| {
        let diagnostic = Diagnostic::error("campaign-name", &span, error.to_string());
        complaints.push(match spec.name {
            Some(_) => diagnostic,
            None => diagnostic.help(format!("`{stem}` is none; rename the file or give `name:`")),
        });
    })
    .ok()
}

/// The file's name without its ending.
fn stem(source: &Source) -> &str {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".yaml")
}

/// With a zone that is not known, all else that is wrong is told all the same: UTC has no clock changes to tell of.
fn schedule(
    spec: &CampaignSpec,
    source: &Arc<Source>,
    zone: Option<Tz>,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Schedule> {
    let written = spec.schedule.as_ref()?;
    if spec.name.is_none() {
        let place = Span::beginning(source);
        let message = "a campaign with a schedule needs a `name`";
        let stem = stem(source);
        let help =
            format!("write `name: {stem}` at the top: under another name it would be sent again");
        complaints.push(
            Diagnostic::error("unnamed-schedule", &place, message)
                .also(&written.span, "the schedule is here")
                .help(help),
        );
    }
    Schedule::lower(written, &written.span, zone.unwrap_or(Tz::UTC), complaints)
}

fn variables(
    entries: Option<&Entries<Node>>,
    complaints: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Value> {
    let mut variables = BTreeMap::new();
    for (name, node) in entries.iter().flat_map(|entries| entries.iter()) {
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{}` is a name of our own in templates", name.value);
            complaints.push(
                Diagnostic::error("reserved-name", &name.span, message).help("choose another name"),
            );
        } else if !is_identifier(name) {
            let message = format!("`{}` is no name a template can use", name.value);
            let help = "use letters, digits and `_`, beginning with a letter";
            complaints.push(Diagnostic::error("variable-name", &name.span, message).help(help));
        }
        match value_of(node) {
            Ok(value) => drop(variables.insert(name.value.clone(), value)),
            Err(complaint) => complaints.push(complaint),
        }
    }
    variables
}

fn rules(spec: Option<&DeliverySpec>) -> DeliveryRules {
    DeliveryRules {
        rate: spec.and_then(|spec| spec.rate),
        attempts: spec.and_then(|spec| spec.attempts).unwrap_or(ATTEMPTS),
    }
}
