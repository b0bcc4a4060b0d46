//! The campaign as meant.

use super::doubts::drop_echoes;
use super::rules::{check_audience, check_policy, outside_window, over_limit};
use super::{CampaignSpec, Doubts};
use crate::audience::Audience;
use crate::channel::{Channel, Send};
use crate::containment::contained;
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
use std::sync::{Arc, LazyLock};

#[derive(Debug)]
pub struct Campaign {
    /// Of its file.
    pub path: String,
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
    pub doubts: Doubts,
    variables: BTreeMap<String, Value>,
    templates: Templates,
}

/// What a file came to.
#[derive(Debug)]
pub struct Examined {
    /// Where there are errors it is to be looked through further and never to be sent; `None`: nothing could be read.
    pub campaign: Option<Campaign>,
    pub complaints: Vec<Diagnostic>,
}

/// What a campaign goes by that has no name which could be used.
const UNNAMED: &str = "unnamed";
/// The key of a text in a file of its own.
const TEXT_FILE: &str = "text_file";
/// What a template can always name.
pub(super) const RESERVED: [&str; 5] = ["campaign", "occurrence", "group", "member", "delivery"];

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
        let Examined {
            campaign,
            complaints,
        } = Campaign::examine(source, settings, texts);
        match campaign {
            Some(campaign) if complaints.iter().all(is_warning) => Ok(Campaign {
                warnings: complaints,
                ..campaign
            }),
            _ => Err(complaints),
        }
    }

    /// Reads one file, with what could be read of a campaign that cannot be used.
    pub fn examine(source: &Arc<Source>, settings: &Settings, texts: &Texts) -> Examined {
        contained(|| Campaign::examined(source, settings, texts)).unwrap_or_else(|panicked| {
            let message = "the file makes campanile fail when it is read";
            let beginning = Span::beginning(source);
            Examined {
                campaign: None,
                complaints: vec![Diagnostic::internal(&beginning, message, &panicked)],
            }
        })
    }

    fn examined(source: &Arc<Source>, settings: &Settings, texts: &Texts) -> Examined {
        let Read {
            spec,
            mut complaints,
            tree,
        } = read::<CampaignSpec>(Campaign::schema(), source);
        let mut templates = Templates::new();
        let mut lowering = Lowering {
            templates: &mut templates,
            complaints: &mut complaints,
            texts,
        };
        let campaign = spec.and_then(|spec| lower(&spec, source, settings, &mut lowering));
        drop_echoes(source, tree.as_ref(), &mut complaints);
        point_at_channel(tree.as_ref(), &mut complaints);
        let doubts = Doubts::of(source, tree.as_ref(), &complaints, settings);
        complaints.retain(|complaint| !doubts.explain_lack(complaint));
        complaints.sort_by_key(|complaint| start(complaint, source));
        let campaign = campaign.map(|mut campaign| {
            if let Some(audience) = &mut campaign.audience {
                audience.doubt(|group| doubts.is_about(group));
            }
            Campaign {
                doubts,
                templates,
                text_files: texts.keys().cloned().collect(),
                ..campaign
            }
        });
        Examined {
            campaign,
            complaints,
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

    /// Returns the paths of all files that it is made of, its own among them.
    pub fn read_files(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.path.as_str()).chain(self.files())
    }

    /// Its templates, compiled for a plan.
    pub fn ready(&self) -> Ready<'_> {
        self.templates.ready()
    }

    /// Whether what is sent uses this name at the top.
    pub fn mentions(&self, name: &str) -> bool {
        self.send.depends(&self.templates, name, &[])
    }

    /// Whether one occurrence may come out well and another not: its time is more than printed, or its length changes.
    pub fn depends_on_time(&self) -> bool {
        self.send
            .depends(&self.templates, "occurrence", &["at", "date", "time"])
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

/// It is the key that chooses a channel, whatever is sent through it.
fn point_at_channel(tree: Option<&Node>, complaints: &mut [Diagnostic]) {
    let send = tree.and_then(|tree| tree.get("send"));
    let chosen = send.and_then(|send| send.entry(Channel::Notification.name()));
    let closed = complaints
        .iter_mut()
        .filter(|complaint| complaint.code == "closed-channel");
    for (complaint, (key, _)) in closed.zip(chosen) {
        if let Some(primary) = &mut complaint.primary {
            primary.span = key.span.clone();
        }
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
    let app = match settings.app(spec.app.as_ref()) {
        Ok(app) => Some(app).filter(|_| !settings.is_doubtful("apps")),
        Err(_) if is_app_doubtful(spec.app.as_ref(), settings) => None,
        Err(found) => {
            complaints.push(found.or_at(&Span::beginning(source)));
            None
        }
    };
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
        complaints.extend(outside_window(schedule, window, spec.delivery.as_ref()));
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
    let whole = spec.send.as_ref().map(|send| send.span.clone());
    let whole = whole.unwrap_or_else(|| Span::beginning(source));
    Some(Campaign {
        path: source.path.clone(),
        name: name.or_else(|| CampaignName::try_from(UNNAMED).ok())?,
        description: spec.description.as_ref().map(|text| text.value.clone()),
        owner: spec.owner.as_ref().map(|text| text.value.clone()),
        labels: labels
            .map(|(name, value)| (name.value.clone(), value.value.clone()))
            .collect(),
        enabled: spec.enabled.unwrap_or(true),
        app: spec.app.clone(),
        zone: zone.unwrap_or(Tz::UTC),
        schedule,
        audience,
        rules,
        send: send.unwrap_or_else(|| Send::unread(&whole)),
        warnings: Vec::new(),
        text_files: Vec::new(),
        doubts: Doubts::default(),
        variables,
        templates: Templates::new(),
    })
}

/// Whether there may be such an app in settings of which something could not be read.
fn is_app_doubtful(role: Option<&Spanned<String>>, settings: &Settings) -> bool {
    let is_doubtful = settings.is_doubtful("apps");
    match role {
        None => is_doubtful || settings.is_doubtful("default_app"),
        Some(_) if settings.written(&["apps"]).is_none() => is_doubtful,
        Some(role) => is_doubtful && settings.written(&["apps", role.as_str()]).is_some(),
    }
}

/// Where it stands in the file; what stands elsewhere comes behind.
fn start(complaint: &Diagnostic, source: &Arc<Source>) -> usize {
    let place = complaint.primary.as_ref().map(|label| &label.span);
    let place = place.filter(|place| Arc::ptr_eq(place.source(), source));
    place.map_or(usize::MAX, |place| place.range().start)
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
            Some(_) => match suggested(text) {
                Some(meant) => diagnostic.help(format!("write `name: {meant}`")),
                None => diagnostic,
            },
            None => diagnostic.help(format!("`{stem}` is none; rename the file or give `name:`")),
        });
    })
    .ok()
}

/// A name that could be meant.
fn suggested(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|each: char| !each.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    CampaignName::try_from(name.as_str())
        .is_ok()
        .then_some(name)
}

/// The file's name without its ending.
fn stem(source: &Source) -> &str {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    let is_yaml = |ending: &str| {
        ["yaml", "yml"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    };
    match name.rsplit_once('.') {
        Some((stem, ending)) if is_yaml(ending) => stem,
        _ => name,
    }
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
            continue;
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
