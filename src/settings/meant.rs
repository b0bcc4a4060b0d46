//! Settings as meant.

use super::address::{self, AddressSource};
use super::app::{App, suggest};
use super::class::{OperatorValues, PendingSettings, empty_root};
use super::delivery::DeliveryRules;
use super::journal::{self, JournalSource};
use super::notify::{self, Webhook};
use super::overrides::{OVERRIDE_PREFIX, overridden};
use super::secret::{SecretSource, masked, misplaced, told_as_secrets};
use super::spec::{AppSpec, DefaultsSpec, OnInvalid, ServeSpec, SettingsSpec};
use crate::containment::contained;
use crate::schedule::{Schedule, ScheduleSpec, parse_zone};
use crate::source::{
    Content, Diagnostic, Entries, Node, Read, Schema, Source, Span, Spanned, list_of, nearest,
    parse, read_parsed,
};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Component, Path};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    pub apps: Vec<App>,
    default_app: Option<String>,
    pub zone: Tz,
    /// The folder of the campaign files, below that of the settings.
    pub campaigns: String,
    /// Folders outside the repository by name, below that of the settings unless absolute.
    pub roots: BTreeMap<String, String>,
    pub defaults: Defaults,
    pub on_invalid: OnInvalid,
    pub journal: JournalSource,
    /// Where the daemon listens.
    pub listen: SocketAddr,
    /// How long the daemon keeps finished runs; `None`: for ever.
    pub retention: Option<Duration>,
    /// Whom the daemon tells of what happens.
    pub notify: Vec<Webhook>,
    /// Operator's values of the file that are not in use, because they are not accepted.
    pub pending: Option<PendingSettings>,
    /// As written, with what overrides it. There is no secret in it: one that were would be an error.
    written: Option<Node>,
    /// Keys at the top of which something could not be read; none in settings that can be used.
    doubts: BTreeSet<String>,
}

/// What the settings came to.
#[derive(Debug)]
pub struct ExaminedSettings {
    /// Where there are errors they are for looking at campaigns, never for sending them.
    pub settings: Settings,
    pub complaints: Vec<Diagnostic>,
}

/// What holds for campaigns that do not say otherwise.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// As written: what it comes to is seen with the campaign's own zone and times.
    pub schedule: ScheduleSpec,
    pub delivery: DeliveryRules,
}

/// What campaigns rely on.
const RELIED_ON: [&str; 6] = [
    "apps",
    "campaigns",
    "default_app",
    "defaults",
    "roots",
    "timezone",
];
pub(super) const CAMPAIGNS: &str = "campaigns";
/// What is younger is still needed: `run` refuses what was sent in the last day, and the vendor's deduplication and lost
/// replies are matters of minutes.
pub const RETENTION_MIN: Duration = Duration::from_hours(24);
pub(super) const LISTEN: &str = "127.0.0.1:8787";

impl Settings {
    /// Made once: they are read again after each mend.
    pub fn schema() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<SettingsSpec>);
        &SCHEMA
    }

    /// Reads the file, with variables of the environment (name and value) in the place of what they override.
    pub fn read(
        source: &Arc<Source>,
        variables: &[(String, String)],
    ) -> Result<Settings, Vec<Diagnostic>> {
        let examined = Settings::examine(source, variables);
        if examined.complaints.is_empty() {
            return Ok(examined.settings);
        }
        Err(examined.complaints)
    }

    /// Reads the file, with what could be read of settings that cannot be used.
    pub fn examine(source: &Arc<Source>, variables: &[(String, String)]) -> ExaminedSettings {
        Settings::examine_pinned(source, None, variables)
    }

    /// Reads the file with the operator's values that are pinned, if there are any, instead of its own.
    pub fn examine_pinned(
        source: &Arc<Source>,
        pinned: Option<&OperatorValues>,
        variables: &[(String, String)],
    ) -> ExaminedSettings {
        let examined = contained(|| match pinned {
            Some(pinned) => Settings::with_pinned(source, pinned, variables),
            None => Settings::examined(source, None, variables),
        });
        examined.unwrap_or_else(|panicked| {
            let message = "the settings make campanile fail when they are read";
            let beginning = Span::beginning(source);
            ExaminedSettings {
                complaints: vec![Diagnostic::internal(&beginning, message, &panicked)],
                ..Settings::examined(&Source::new(&source.path, ""), None, &[])
            }
        })
    }

    /// What is wrong with the file's own values is told first: it cannot be used as it is.
    fn with_pinned(
        source: &Arc<Source>,
        pinned: &OperatorValues,
        variables: &[(String, String)],
    ) -> ExaminedSettings {
        let own = Settings::examined(source, None, variables);
        if !own.complaints.is_empty() {
            return own;
        }
        let mut used = Settings::examined(source, Some(pinned), variables);
        if used.settings.operator() != own.settings.operator() {
            let [used_tree, own_tree] = [&used, &own].map(|each| each.settings.written.as_ref());
            let values = OperatorValues::of(source);
            used.settings.pending = Some(PendingSettings::between(used_tree, own_tree, values));
            // The app by default may be one of those that are not accepted.
            used.complaints.retain(|found| found.code != "no-such-app");
        }
        used
    }

    /// Returns what the operator decides, to be compared.
    fn operator(&self) -> String {
        let Settings {
            apps,
            default_app: _,
            zone: _,
            campaigns,
            roots,
            defaults: _,
            on_invalid: _,
            journal,
            listen,
            retention,
            notify,
            pending: _,
            written: _,
            doubts: _,
        } = self;
        format!("{apps:?} {campaigns:?} {roots:?} {journal:?} {listen:?} {retention:?} {notify:?}")
    }

    /// Whether they differ in what the operator decides, and what is taken in only at a start.
    pub fn needs_restart(&self, used: &Settings) -> bool {
        self.operator() != used.operator()
    }

    /// Returns these settings with the operator's values of others.
    #[must_use]
    pub fn with_operator_of(self, used: &Settings) -> Settings {
        let used = used.clone();
        Settings {
            apps: used.apps,
            campaigns: used.campaigns,
            roots: used.roots,
            journal: used.journal,
            listen: used.listen,
            retention: used.retention,
            notify: used.notify,
            ..self
        }
    }

    fn examined(
        source: &Arc<Source>,
        pinned: Option<&OperatorValues>,
        variables: &[(String, String)],
    ) -> ExaminedSettings {
        let schema = Settings::schema();
        let mut parsed = parse(source);
        if let Some(pinned) = pinned {
            pinned.replace_in(parsed.root.get_or_insert_with(|| empty_root(source)));
        }
        let (mut wrong, mut secrets, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(root) = &mut parsed.root {
            misplaced(root, &mut secrets);
            address::told(root, &mut addresses);
            wrong = overridden(root, schema.json(), variables);
            misplaced(root, &mut secrets);
            address::told(root, &mut addresses);
        }
        let Read {
            spec,
            mut complaints,
            tree: written,
        } = read_parsed::<SettingsSpec>(schema, parsed);
        let spec = spec.unwrap_or_default();
        let settings = lower(&spec, source, &mut complaints);
        complaints.extend(wrong);
        let is_elsewhere = |complaint: &Diagnostic| {
            let place = complaint.primary.as_ref().map(|label| label.span.source());
            place.is_some_and(|place| !Arc::ptr_eq(place, source))
        };
        complaints.sort_by_key(is_elsewhere);
        told_as_secrets(&mut complaints, &secrets);
        secrets.extend(addresses);
        let doubts = doubtful(written.as_ref(), &complaints);
        ExaminedSettings {
            settings: Settings {
                written,
                doubts,
                ..settings
            },
            complaints: masked(complaints, &secrets),
        }
    }

    /// Whether something below a key at the top could not be read.
    pub fn is_doubtful(&self, key: &str) -> bool {
        self.doubts.contains(key)
    }

    /// Returns the names of the environment variables that the settings name because they hold something secret.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        let kept = self.secrets().filter_map(|source| match source {
            SecretSource::Environment(name) => Some(name.as_str()),
            SecretSource::File(_) => None,
        });
        let journal = match &self.journal {
            JournalSource::Environment(name) => Some(name.as_str()),
            JournalSource::Path(_) | JournalSource::File(_) => None,
        };
        kept.chain(journal)
    }

    /// Returns the files that the settings name because they hold something secret, as they are written.
    pub fn secret_files(&self) -> impl Iterator<Item = &str> {
        let kept = self.secrets().filter_map(|source| match source {
            SecretSource::File(path) => Some(path.as_str()),
            SecretSource::Environment(_) => None,
        });
        let journal = match &self.journal {
            JournalSource::File(path) => Some(path.as_str()),
            JournalSource::Path(_) | JournalSource::Environment(_) => None,
        };
        kept.chain(journal)
    }

    fn secrets(&self) -> impl Iterator<Item = &SecretSource> {
        let keys = self.apps.iter().filter_map(|app| app.secret.as_ref());
        let addresses = self
            .notify
            .iter()
            .filter_map(|webhook| match &webhook.address {
                AddressSource::Kept(source) => Some(source),
                AddressSource::Here(_) => None,
            });
        keys.chain(addresses)
    }

    /// What is written at a path, in the file or in a variable that overrides it.
    pub fn written(&self, path: &[&str]) -> Option<&Node> {
        let root = self.written.as_ref()?;
        let node = path.iter().try_fold(root, |node, key| node.get(key))?;
        (node.content != Content::Null).then_some(node)
    }

    /// The app of a role, or the default one.
    pub fn app(&self, role: Option<&Spanned<String>>) -> Result<&App, Diagnostic> {
        let roles: Vec<&str> = self.apps.iter().map(|app| app.role.as_str()).collect();
        let wanted = role
            .map(|role| role.as_str())
            .or(self.default_app.as_deref());
        let found = match wanted {
            Some(wanted) => self.apps.iter().find(|app| app.role == wanted),
            None => self.apps.first().filter(|_| self.apps.len() == 1),
        };
        let pending = self.pending.as_ref();
        if let Some((wanted, pending)) = wanted.filter(|_| found.is_none()).zip(pending)
            && pending.has_app(wanted)
        {
            let message = format!("the app `{wanted}` of the settings is not accepted");
            let complaint = match role {
                Some(role) => Diagnostic::error("no-such-app", &role.span, message),
                None => Diagnostic::placeless("no-such-app", message),
            };
            let command = pending.command("");
            return Err(complaint.help(format!("let the operator accept it: `{command}`")));
        }
        found.ok_or_else(|| match role {
            Some(role) => {
                let message = format!("there is no app `{}` in the settings", role.value);
                Diagnostic::error("no-such-app", &role.span, message)
                    .help(suggest(&role.value, &roles))
            }
            None => Diagnostic::placeless(
                "no-default-app",
                "the settings name several apps and no `default_app`",
            )
            .help(format!(
                "name one of {} in the campaign or as `default_app`",
                list_of(&roles)
            )),
        })
    }
}

fn lower(spec: &SettingsSpec, source: &Arc<Source>, complaints: &mut Vec<Diagnostic>) -> Settings {
    let entries = spec.apps.as_ref();
    let apps = entries.map(|entries| apps(entries, source, complaints));
    if let Some((default, entries)) = spec.default_app.as_ref().zip(entries) {
        let roles: Vec<&str> = entries.iter().map(|(role, _)| role.as_str()).collect();
        if !roles.contains(&default.as_str()) {
            let message = format!("there is no app `{}`", default.value);
            let help = suggest(&default.value, &roles);
            complaints.push(Diagnostic::error("no-such-app", &default.span, message).help(help));
        }
    }
    let zone = match &spec.timezone {
        Some(name) => zone_of(name, complaints),
        None => Some(Tz::UTC),
    };
    let campaigns = campaigns(spec.campaigns.as_ref(), complaints);
    let roots = roots(spec.roots.as_ref(), complaints);
    let defaults = defaults(spec.defaults.as_ref(), complaints);
    let journal = journal::lower(spec.journal.as_ref().map(|journal| &***journal), complaints);
    let listen = listen(spec.serve.as_ref(), complaints);
    Settings {
        apps: apps.unwrap_or_default(),
        default_app: spec.default_app.as_ref().map(|name| name.value.clone()),
        zone: zone.unwrap_or(Tz::UTC),
        campaigns,
        roots,
        defaults,
        on_invalid: spec.on_invalid.unwrap_or_default(),
        journal: journal.unwrap_or_else(|| JournalSource::Path(String::new())),
        notify: notify::lower(spec.notify.as_deref().unwrap_or_default(), complaints),
        retention: retention(spec.serve.as_ref(), complaints),
        listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        pending: None,
        written: None,
        doubts: BTreeSet::new(),
    }
}

/// The keys at the top below which something could not be read, also where they are misspelt.
fn doubtful(tree: Option<&Node>, complaints: &[Diagnostic]) -> BTreeSet<String> {
    let mut doubts = BTreeSet::new();
    let Some(tree) = tree else {
        // The folder of the campaigns is where it mostly is.
        let all = RELIED_ON.iter().filter(|key| **key != "campaigns");
        return all.map(|key| (*key).to_owned()).collect();
    };
    for complaint in complaints {
        let place = complaint.primary.as_ref().map(|label| &label.span);
        let in_file = place.filter(|place| Arc::ptr_eq(place.source(), tree.span.source()));
        let key = in_file.and_then(|place| tree.key_at(place));
        match (in_file, key) {
            (None, _) => doubts.extend(place.map(named_in).into_iter().flatten()),
            (Some(_), Some(key)) => doubts.extend(nearest(key, RELIED_ON).map(str::to_owned)),
            (Some(_), None) => {}
        }
        if complaint.code == "missing-key" {
            doubts.insert("apps".to_owned());
        }
    }
    doubts
}

/// The keys that a variable of the environment overrides.
fn named_in(place: &Span) -> Vec<String> {
    let source = place.source();
    let is_named = |key: &&&str| {
        let name = format!("{OVERRIDE_PREFIX}{}", key.to_uppercase());
        source.path.contains(&name) || source.text.contains(&name)
    };
    let named = RELIED_ON.iter().filter(is_named);
    named.map(|key| (*key).to_owned()).collect()
}

fn apps(
    entries: &Entries<AppSpec>,
    source: &Arc<Source>,
    complaints: &mut Vec<Diagnostic>,
) -> Vec<App> {
    if entries.is_empty() {
        let message = "the settings name no app";
        let place = Span::beginning(source);
        complaints.push(Diagnostic::error("no-app", &place, message).help("add one below `apps:`"));
    }
    entries
        .iter()
        .filter_map(|(role, app)| App::lower(role, app, complaints))
        .collect()
}

/// A zone by its IANA name, or a complaint with the nearest one.
pub fn zone_of(name: &Spanned<String>, complaints: &mut Vec<Diagnostic>) -> Option<Tz> {
    let zone = parse_zone(name);
    if zone.is_none() {
        let known: Vec<&str> = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .collect();
        let message = format!("there is no time zone `{}`", name.value);
        let is_short = name.len() <= 5 && name.bytes().all(|byte| byte.is_ascii_uppercase());
        let help = match nearest(name.as_str(), known) {
            _ if is_short => {
                "an abbreviation may mean several zones: write an IANA name such as `Asia/Shanghai`"
                    .to_owned()
            }
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write an IANA name such as `Asia/Shanghai`".to_owned(),
        };
        complaints.push(Diagnostic::error("timezone", &name.span, message).help(help));
    }
    zone
}

/// What is sent stands in the repository, so that it is reviewed and known by its commit.
fn campaigns(written: Option<&Spanned<String>>, complaints: &mut Vec<Diagnostic>) -> String {
    let Some(path) = written else {
        return CAMPAIGNS.to_owned();
    };
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if path.is_empty() || !Path::new(path.as_str()).components().all(stays) {
        let message = "the campaigns are in a folder below that of the settings";
        let help = "write a relative path without `..`, such as `campaigns`";
        complaints.push(Diagnostic::error("campaigns", &path.span, message).help(help));
    }
    path.value.clone()
}

fn roots(
    written: Option<&Entries<Spanned<String>>>,
    complaints: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let mut roots = BTreeMap::new();
    for (name, folder) in written.iter().flat_map(|entries| entries.iter()) {
        let is_plain = |each: char| matches!(each, 'a'..='z' | '0'..='9' | '_' | '-');
        if name.is_empty() || !name.chars().all(is_plain) {
            let message = format!("`{}` cannot be the name of a root", name.value);
            let help = "use a-z, 0-9, `_` and `-`: campaigns write it before a colon, as in `exports:weekly.csv`";
            complaints.push(Diagnostic::error("root-name", &name.span, message).help(help));
        }
        if folder.is_empty() {
            let message = format!("the root `{}` has no folder", name.value);
            let help = "write the path of a folder, such as `/srv/exports`";
            complaints.push(Diagnostic::error("root-folder", &folder.span, message).help(help));
        }
        roots.insert(name.value.clone(), folder.value.clone());
    }
    roots
}

fn defaults(spec: Option<&DefaultsSpec>, complaints: &mut Vec<Diagnostic>) -> Defaults {
    let delivery = spec.and_then(|spec| spec.delivery.as_ref());
    let schedule = spec.and_then(|spec| spec.schedule.clone());
    let schedule = schedule.unwrap_or_default();
    Schedule::check_defaults(&schedule, complaints);
    Defaults {
        schedule,
        delivery: DeliveryRules::default().replaced_by(delivery, complaints),
    }
}

fn retention(spec: Option<&ServeSpec>, complaints: &mut Vec<Diagnostic>) -> Option<Duration> {
    let written = spec?.retention.as_ref()?;
    let parsed = humantime::parse_duration(written.trim()).ok();
    let length = parsed.filter(|length| *length >= RETENTION_MIN);
    if length.is_none() {
        let message = format!("`{}` is no time of at least 24h", written.value);
        let help = "write a number and a unit, such as `90d`; `run` must know what was sent in the last day";
        complaints.push(Diagnostic::error("duration", &written.span, message).help(help));
    }
    length
}

fn listen(spec: Option<&ServeSpec>, complaints: &mut Vec<Diagnostic>) -> Option<SocketAddr> {
    let Some(written) = spec.and_then(|spec| spec.listen.as_ref()) else {
        return LISTEN.parse().ok();
    };
    let address = written.parse();
    address
        .map_err(|_| {
            let message = format!("`{}` is no address with a port", written.value);
            let help = format!("write `{LISTEN}`, or `0.0.0.0:8787` to be reached from elsewhere");
            complaints.push(Diagnostic::error("listen", &written.span, message).help(help));
        })
        .ok()
}
