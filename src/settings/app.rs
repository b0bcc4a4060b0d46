//! One app at the vendor.

use super::limits::Limits;
use super::region;
use super::secret::{self, SecretSource};
use super::spec::AppSpec;
use crate::identity::{GroupId, SdkAppId, VendorApp};
use crate::source::{Diagnostic, Spanned, list_of, nearest};

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
    /// Groups of one's own, for a look at what would be sent.
    pub test_groups: Vec<GroupId>,
}

pub(super) const ADMINISTRATOR: &str = "administrator";
/// The vendor's accounts are no longer, in bytes.
const ACCOUNT_MAX: usize = 32;

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

    pub(super) fn lower(
        role: &Spanned<String>,
        spec: &AppSpec,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<App> {
        let endpoint = endpoint(role, spec, complaints);
        let secret = spec
            .secret_key
            .as_ref()
            .and_then(|secret| secret::lower(secret, complaints));
        let limits = Limits::lower(spec.limits.as_ref(), complaints);
        let administrator = administrator(spec.administrator.as_ref(), complaints);
        let test_groups = test_groups(spec.test_groups.as_deref().unwrap_or_default(), complaints);
        Some(App {
            role: role.value.clone(),
            sdk_app_id: SdkAppId(spec.sdk_app_id.as_ref()?.value),
            administrator,
            secret,
            endpoint: endpoint?,
            limits,
            test_groups,
        })
    }
}

fn administrator(written: Option<&Spanned<String>>, complaints: &mut Vec<Diagnostic>) -> String {
    let Some(account) = written else {
        return ADMINISTRATOR.to_owned();
    };
    let is_printable = account
        .chars()
        .all(|each| !each.is_control() && !each.is_whitespace());
    if !(1..=ACCOUNT_MAX).contains(&account.len()) || !is_printable {
        let message = format!("an account is 1 to {ACCOUNT_MAX} bytes without spaces");
        let help =
            "write the administrator's account as the console shows it, such as `administrator`";
        complaints.push(Diagnostic::error("administrator", &account.span, message).help(help));
    }
    account.value.clone()
}

fn test_groups(written: &[Spanned<String>], complaints: &mut Vec<Diagnostic>) -> Vec<GroupId> {
    let mut groups = Vec::new();
    for id in written {
        match GroupId::try_from(id.as_str()) {
            Ok(id) => groups.push(id),
            Err(error) => {
                let diagnostic = Diagnostic::error("group-id", &id.span, error.to_string());
                complaints.push(diagnostic.help("write the group's id, such as `\"@TGS#MYTEST\"`"));
            }
        }
    }
    groups
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

pub(super) fn suggest(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known are {}", list_of(known)),
    }
}
