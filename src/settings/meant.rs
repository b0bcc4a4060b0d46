//! Settings as meant.

use super::SettingsSpec;
use super::region;
use super::spec::{AppSpec, LimitsSpec, SecretSpec};
use crate::identity::{SdkAppId, VendorApp};
use crate::schedule::parse_zone;
use crate::source::{Diagnostic, Read, Schema, Source, Span, Spanned, list_of, nearest, read};
use chrono_tz::Tz;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    pub apps: Vec<App>,
    default_app: Option<String>,
    pub zone: Tz,
    /// The folder of the campaign files.
    pub campaigns: String,
    /// The journal's file, below the folder of the settings unless absolute.
    pub journal: String,
}

#[derive(Clone, Debug)]
pub struct App {
    /// Its name in campaign files.
    pub role: String,
    pub sdk_app_id: SdkAppId,
    pub administrator: String,
    pub secret: Option<SecretSource>,
    /// `https://console.tim.qq.com`
    pub endpoint: String,
    pub limits: Limits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Environment(String),
    File(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls a second.
    pub group_message: u32,
    pub notification: u32,
    pub broadcast: u32,
    /// Chosen members of one notification.
    pub members_per_call: u32,
    pub deduplication: Duration,
}

const JOURNAL: &str = "sqlite:campanile.db";
const CAMPAIGNS: &str = "campaigns";
const ADMINISTRATOR: &str = "administrator";
const DEFAULT_LIMITS: Limits = Limits {
    group_message: 200,
    notification: 200,
    broadcast: 1,
    members_per_call: 50,
    deduplication: Duration::from_mins(5),
};

impl Settings {
    pub fn schema() -> Schema {
        Schema::of::<SettingsSpec>()
    }

    pub fn read(source: &Arc<Source>) -> Result<Settings, Vec<Diagnostic>> {
        let Read {
            spec,
            mut complaints,
        } = read::<SettingsSpec>(&Settings::schema(), source);
        let settings = spec.and_then(|spec| lower(&spec, source, &mut complaints));
        match settings {
            Some(settings) if complaints.is_empty() => Ok(settings),
            _ => Err(complaints),
        }
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

impl App {
    /// The app as the vendor tells it from others; two roles with one `SDKAppID` share their lanes.
    pub fn vendor_app(&self) -> VendorApp {
        let host = self
            .endpoint
            .split_once("://")
            .map_or(self.endpoint.as_str(), |(_, host)| host);
        VendorApp {
            sdk_app_id: self.sdk_app_id,
            host: host.to_owned(),
        }
    }
}

fn lower(
    spec: &SettingsSpec,
    source: &Arc<Source>,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Settings> {
    let beginning = Span::beginning(source);
    let entries = spec.apps.as_ref()?;
    if entries.is_empty() {
        let message = "the settings name no app";
        complaints
            .push(Diagnostic::error("no-app", &beginning, message).help("add one below `apps:`"));
    }
    let apps: Vec<App> = entries
        .iter()
        .filter_map(|(role, app)| lower_app(role, app, complaints))
        .collect();
    if let Some(default) = &spec.default_app {
        let roles: Vec<&str> = entries.iter().map(|(role, _)| role.as_str()).collect();
        if !roles.contains(&default.as_str()) {
            let message = format!("there is no app `{}`", default.value);
            let help = suggest(&default.value, &roles);
            complaints.push(Diagnostic::error("no-such-app", &default.span, message).help(help));
        }
    }
    let zone = match &spec.timezone {
        Some(name) => zone_of(name, complaints)?,
        None => Tz::UTC,
    };
    Some(Settings {
        apps,
        default_app: spec.default_app.as_ref().map(|name| name.value.clone()),
        zone,
        campaigns: spec
            .campaigns
            .as_ref()
            .map_or(CAMPAIGNS.to_owned(), |path| path.value.clone()),
        journal: journal(spec.journal.as_ref(), complaints)?,
    })
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
        let help = match nearest(name.as_str(), known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write an IANA name such as `Asia/Shanghai`".to_owned(),
        };
        complaints.push(Diagnostic::error("timezone", &name.span, message).help(help));
    }
    zone
}

fn journal(written: Option<&Spanned<String>>, complaints: &mut Vec<Diagnostic>) -> Option<String> {
    let url = written.map_or(JOURNAL, |url| url.as_str());
    let path = url.strip_prefix("sqlite:").filter(|path| !path.is_empty());
    if let (None, Some(written)) = (path, written) {
        let message = format!("`{}` is no journal that is known here", written.value);
        let help = "write `sqlite:` and a path, such as `sqlite:campanile.db`";
        complaints.push(Diagnostic::error("journal", &written.span, message).help(help));
    }
    path.map(str::to_owned)
}

fn lower_app(
    role: &Spanned<String>,
    spec: &AppSpec,
    complaints: &mut Vec<Diagnostic>,
) -> Option<App> {
    let endpoint = endpoint(role, spec, complaints);
    let secret = spec
        .secret_key
        .as_ref()
        .and_then(|secret| lower_secret(&secret.value));
    let limits = lower_limits(spec.limits.as_ref(), complaints);
    Some(App {
        role: role.value.clone(),
        sdk_app_id: SdkAppId(spec.sdk_app_id.as_ref()?.value),
        administrator: spec
            .administrator
            .as_ref()
            .map_or(ADMINISTRATOR.to_owned(), |name| name.value.clone()),
        secret,
        endpoint: endpoint?,
        limits: limits?,
    })
}

fn lower_secret(spec: &SecretSpec) -> Option<SecretSource> {
    match (&spec.env, &spec.file) {
        (Some(name), _) => Some(SecretSource::Environment(name.value.clone())),
        (None, Some(path)) => Some(SecretSource::File(path.value.clone())),
        (None, None) => None,
    }
}

fn endpoint(
    role: &Spanned<String>,
    spec: &AppSpec,
    complaints: &mut Vec<Diagnostic>,
) -> Option<String> {
    match (&spec.region, &spec.endpoint) {
        (Some(region), None) => {
            let host = region::host(region);
            if host.is_none() {
                let names: Vec<&str> = region::names().collect();
                let message = format!("there is no region `{}`", region.value);
                complaints.push(
                    Diagnostic::error("region", &region.span, message)
                        .help(suggest(region, &names)),
                );
            }
            host.map(|host| format!("https://{host}"))
        }
        (None, Some(endpoint)) => check_endpoint(endpoint, complaints),
        (None, None) => {
            let message = format!(
                "the app `{}` has neither `region` nor `endpoint`",
                role.value
            );
            let help = "write `region: singapore`, or where the app's data centre is";
            complaints.push(Diagnostic::error("no-region", &role.span, message).help(help));
            None
        }
        (Some(region), Some(endpoint)) => {
            let message = format!("the app `{}` has both `region` and `endpoint`", role.value);
            complaints.push(
                Diagnostic::error("two-endpoints", &endpoint.span, message)
                    .also(&region.span, "the region is here")
                    .help("keep one of them"),
            );
            None
        }
    }
}

/// The signature travels in the URL, so nothing leaves this machine without TLS.
fn check_endpoint(endpoint: &Spanned<String>, complaints: &mut Vec<Diagnostic>) -> Option<String> {
    let address = endpoint.trim_end_matches('/');
    let (scheme, rest) = address.split_once("://").unwrap_or(("", ""));
    let (host, port) = host_and_port(rest);
    let is_plain = !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
    let is_bad_port = port.is_some_and(|port| port.parse::<u16>().is_err());
    let complaint = match scheme {
        "https" | "http" if is_bad_port => Some("a port is a number up to 65535"),
        "https" | "http" if !is_plain => {
            Some("an endpoint is a scheme, a host and perhaps a port, nothing else")
        }
        "https" => None,
        "http" if ["127.0.0.1", "localhost", "[::1]"].contains(&host) => None,
        "http" => Some("plain `http` is for this machine only: the signature stands in the URL"),
        _ => Some("an endpoint begins with `https://`"),
    };
    if let Some(message) = complaint {
        let help = "write `https://console.tim.qq.com`, or `region:` instead";
        complaints.push(Diagnostic::error("endpoint", &endpoint.span, message).help(help));
        return None;
    }
    Some(address.to_owned())
}

/// The colons of an IPv6 address stand in brackets.
fn host_and_port(text: &str) -> (&str, Option<&str>) {
    let name_ends = text.rfind(']').map_or(0, |at| at + 1);
    match text[name_ends..].find(':') {
        Some(at) => (&text[..name_ends + at], Some(&text[name_ends + at + 1..])),
        None => (text, None),
    }
}

fn lower_limits(spec: Option<&LimitsSpec>, complaints: &mut Vec<Diagnostic>) -> Option<Limits> {
    let Some(spec) = spec else {
        return Some(DEFAULT_LIMITS);
    };
    let deduplication = match &spec.deduplication {
        None => Some(DEFAULT_LIMITS.deduplication),
        Some(text) => {
            // Longer than the vendor promises would send twice.
            let parsed = humantime::parse_duration(text)
                .ok()
                .filter(|length| *length <= DEFAULT_LIMITS.deduplication);
            if parsed.is_none() {
                let message = format!("`{}` is no length of time up to five minutes", text.value);
                complaints.push(
                    Diagnostic::error("duration", &text.span, message).help("write `300s` or `5m`"),
                );
            }
            parsed
        }
    };
    Some(Limits {
        group_message: spec.group_message.unwrap_or(DEFAULT_LIMITS.group_message),
        notification: DEFAULT_LIMITS.notification,
        broadcast: DEFAULT_LIMITS.broadcast,
        members_per_call: DEFAULT_LIMITS.members_per_call,
        deduplication: deduplication?,
    })
}

fn suggest(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known are {}", list_of(known)),
    }
}
