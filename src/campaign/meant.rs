//! The campaign as meant.

use super::CampaignSpec;
use super::rules::{check_audience, check_policy, outside_window, over_limit};
use crate::audience::{Audience, NO_AUDIENCE};
use crate::channel::{Channel, Send};
use crate::identity::CampaignName;
use crate::message::{Lowering, Texts};
use crate::schedule::{Occurrence, Schedule};
use crate::settings::{DeliveryRules, Settings, zone_of};
use crate::source::{
    Diagnostic, Entries, Node, Read, Schema, Severity, Source, Span, Spanned, parse, read,
};
use crate::template::{Case, Ready, Templates, Value, is_identifier, value_of};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

#[derive(Debug)]
pub struct Campaign {
    pub name: CampaignName,
    pub description: Option<String>,
    pub owner: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// `false`: checked, and never scheduled.
    pub enabled: bool,
    pub app: Option<Spanned<String>>,
    pub zone: Tz,
    /// None: by hand only.
    pub schedule: Option<Schedule>,
    /// A broadcast has none.
    pub audience: Option<Audience>,
    pub rules: DeliveryRules,
    pub send: Send,
    /// What is worth a word though the file can be used.
    pub warnings: Vec<Diagnostic>,
    text_files: Vec<String>,
    variables: BTreeMap<String, Value>,
    templates: Templates,
}

/// The key of a text in a file of its own.
const TEXT_FILE: &str = "text_file";
/// What a template can always name.
const RESERVED: [&str; 5] = ["campaign", "occurrence", "group", "member", "delivery"];

impl Campaign {
    /// Made once: a repository has thousands of campaigns.
    pub fn schema() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<CampaignSpec>);
        &SCHEMA
    }

    /// The files that hold its texts; they are read before the campaign is.
    pub fn text_files(source: &Arc<Source>) -> Vec<String> {
        if !source.text.contains(TEXT_FILE) {
            return Vec::new();
        }
        let tree = parse(source).root;
        let send = tree.as_ref().and_then(|tree| tree.get("send"));
        let calls = Channel::ALL
            .into_iter()
            .filter_map(|channel| send?.get(channel.name()));
        let paths = calls.filter_map(|call| call.get(TEXT_FILE)?.text().map(str::to_owned));
        paths.collect()
    }

    /// Reads one file; every complaint at once. `texts` are the files it names.
    pub fn read(
        source: &Arc<Source>,
        settings: &Settings,
        texts: &Texts,
    ) -> Result<Campaign, Vec<Diagnostic>> {
        let Read {
            spec,
            mut complaints,
        } = read::<CampaignSpec>(Campaign::schema(), source);
        let mut templates = Templates::new();
        let mut lowering = Lowering {
            templates: &mut templates,
            complaints: &mut complaints,
            texts,
        };
        let misread = lowering.complaints.len();
        let campaign = spec.and_then(|spec| lower(&spec, source, settings, &mut lowering));
        drop_echoes(&mut complaints);
        if misread > 0 && is_given(source, "audience") {
            // An audience that could not be read is not missing.
            complaints.retain(|complaint| complaint.code != NO_AUDIENCE);
        }
        match campaign {
            Some(campaign) if complaints.iter().all(is_warning) => Ok(Campaign {
                templates,
                warnings: complaints,
                text_files: texts.keys().cloned().collect(),
                ..campaign
            }),
            _ => Err(complaints),
        }
    }

    pub fn channel(&self) -> Channel {
        self.send.channel()
    }

    /// The files that it reads, as they are written.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let lists = self.audience.iter().flat_map(Audience::files);
        let lists = lists.map(|file| file.path.value.as_str());
        lists.chain(self.text_files.iter().map(String::as_str))
    }

    /// Its templates, compiled for a plan.
    pub fn ready(&self) -> Ready<'_> {
        self.templates.ready()
    }

    /// Whether what is sent uses this name at the top.
    pub fn mentions(&self, name: &str) -> bool {
        self.send.mentions(&self.templates, name)
    }

    /// The texts that may be chosen where there are several, each once.
    pub fn cases(&self) -> Vec<Case> {
        self.send.all_cases(&self.templates)
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
}

fn lower(
    spec: &CampaignSpec,
    source: &Arc<Source>,
    settings: &Settings,
    lowering: &mut Lowering<'_>,
) -> Option<Campaign> {
    let complaints = &mut *lowering.complaints;
    let name = name(spec, source, complaints);
    let variables = variables(spec.variables.as_ref(), complaints);
    let app = settings.app(spec.app.as_ref());
    let app = app.map_err(|found| complaints.push(found)).ok();
    let zone = match &spec.timezone {
        Some(name) => zone_of(name, complaints),
        None => Some(settings.zone),
    };
    let schedule = schedule(spec, source, (zone, settings), complaints);
    let audience = spec.audience.as_ref().map(|audience| {
        Audience::lower(
            audience,
            &audience.span,
            lowering.templates,
            lowering.complaints,
        )
    });
    let send = spec
        .send
        .as_ref()
        .and_then(|send| Send::lower(send, lowering));
    let complaints = &mut *lowering.complaints;
    let defaults = settings.defaults.delivery;
    let rules = defaults.replaced_by(spec.delivery.as_ref(), complaints);
    if let (Some(schedule), Some(window)) = (&schedule, rules.window) {
        complaints.extend(outside_window(schedule, window));
    }
    if let Some(send) = &send {
        check_audience(spec, send, complaints);
        check_policy(spec, send.channel(), rules.on_unknown, complaints);
        if let Some(app) = app {
            let limit = send.channel().limit(&app.limits);
            complaints.extend(over_limit(spec.delivery.as_ref(), limit));
        }
    }
    let labels = spec.labels.iter().flat_map(|labels| labels.iter());
    Some(Campaign {
        name: name?,
        description: spec.description.as_ref().map(|text| text.value.clone()),
        owner: spec.owner.as_ref().map(|text| text.value.clone()),
        labels: labels
            .map(|(name, value)| (name.value.clone(), value.value.clone()))
            .collect(),
        enabled: spec.enabled.unwrap_or(true),
        app: spec.app.clone(),
        zone: zone?,
        schedule,
        audience,
        rules,
        send: send?,
        warnings: Vec::new(),
        text_files: Vec::new(),
        variables,
        templates: Templates::new(),
    })
}

/// Something is lacking in a place where something else was misspelt: one complaint, not two.
fn drop_echoes(complaints: &mut Vec<Diagnostic>) {
    const LACKS: [&str; 6] = [
        NO_AUDIENCE,
        "no-members",
        "no-messages",
        "no-selection",
        "no-text",
        "no-times",
    ];
    let range = |complaint: &Diagnostic| {
        let label = complaint.primary.as_ref()?;
        Some(label.span.range())
    };
    let others = complaints
        .iter()
        .filter(|other| !LACKS.contains(&other.code));
    let others: Vec<_> = others.filter_map(range).collect();
    complaints.retain(|complaint| {
        let is_inside =
            |place: Range<usize>| others.iter().any(|other| place.contains(&other.start));
        !(LACKS.contains(&complaint.code) && range(complaint).is_some_and(is_inside))
    });
}

fn is_given(source: &Arc<Source>, key: &str) -> bool {
    let tree = parse(source).root;
    tree.is_some_and(|tree| tree.get(key).is_some())
}

fn is_warning(complaint: &Diagnostic) -> bool {
    complaint.severity == Severity::Warning
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
    (zone, settings): (Option<Tz>, &Settings),
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
    let whole = written.over(&settings.defaults.schedule);
    Schedule::lower(&whole, &written.span, zone.unwrap_or(Tz::UTC), complaints)
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
