//! Addresses of webhooks. They are secrets: whoever knows one can write into the room behind it.

use super::secret::{SecretSource, is_variable};
use crate::source::{Content, Diagnostic, Node, Shorthand, Span, Spanned, one_key};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;
use std::ops::Range;
use thiserror::Error;

/// Where the address of a webhook is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
pub struct AddressSpec {
    #[serde(skip)]
    pub url: Option<Spanned<String>>,
    /// The name of an environment variable that holds the address.
    pub env: Option<Spanned<String>>,
    /// The path of a file that holds the address; a line break at its end is not part of it.
    pub file: Option<Spanned<String>>,
}

impl Shorthand for AddressSpec {
    type First = Spanned<String>;

    fn from_first(url: Spanned<String>) -> AddressSpec {
        AddressSpec {
            url: Some(url),
            env: None,
            file: None,
        }
    }
}

/// Where an address is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressSource {
    /// On this machine, so that it is no secret.
    Here(Address),
    Kept(SecretSource),
}

/// An address to which something may be posted: with TLS, or on this machine. It shows nobody more than its host.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// Why nothing can be posted there. The text is left out, for it is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidAddress {
    #[error("the address of a webhook begins with `https://`")]
    Scheme,
    #[error("plain `http` is for this machine only: the address is a secret")]
    Plain,
    #[error("the address of a webhook has a host, no user, and no spaces")]
    Host,
}

const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

impl TryFrom<&str> for Address {
    type Error = InvalidAddress;

    fn try_from(text: &str) -> Result<Address, InvalidAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidAddress::Scheme)?;
        let is_strange = |each: char| each.is_whitespace() || each.is_control() || each == '\\';
        let authority = authority(rest);
        if authority.is_empty() || authority.contains('@') || text.contains(is_strange) {
            return Err(InvalidAddress::Host);
        }
        match scheme {
            "https" => Ok(Address(text.to_owned())),
            "http" if LOOPBACK.contains(&host(authority)) => Ok(Address(text.to_owned())),
            "http" => Err(InvalidAddress::Plain),
            _ => Err(InvalidAddress::Scheme),
        }
    }
}

impl Address {
    /// The whole of it, to be posted to and never to be told.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// What may be told of it.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        authority(rest)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Address({})", self.host())
    }
}

/// Host and port.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn host(authority: &str) -> &str {
    let name_ends = authority.rfind(']').map_or(0, |at| at + 1);
    let port = authority[name_ends..].find(':').map(|at| name_ends + at);
    &authority[..port.unwrap_or(authority.len())]
}

pub(super) fn lower(spec: &AddressSpec, complaints: &mut Vec<Diagnostic>) -> Option<AddressSource> {
    if let Some(url) = &spec.url {
        return here(url)
            .map_err(|complaint| complaints.push(complaint))
            .ok();
    }
    if let Some(name) = &spec.env {
        let complaint = if is_address(name) {
            let message = "`env` takes the name of a variable, and this is the address itself";
            Some(inline(&name.span, message))
        } else {
            is_variable(name).err()
        };
        complaints.extend(complaint);
        let source = SecretSource::Environment(name.value.clone());
        return Some(AddressSource::Kept(source));
    }
    let path = spec.file.as_ref()?;
    if is_address(path) {
        let message = "`file` takes a path, and this is the address itself";
        complaints.push(inline(&path.span, message));
    }
    Some(AddressSource::Kept(SecretSource::File(path.value.clone())))
}

fn inline(place: &Span, message: &str) -> Diagnostic {
    let help = "put the address into an environment variable or a file, and write its name here: `{ env: CAMPANILE_NOTIFY_URL }`";
    Diagnostic::error("secret-inline", place, message).help(help)
}

fn here(url: &Spanned<String>) -> Result<AddressSource, Diagnostic> {
    if !is_here(url) {
        let message =
            "`url` says where the address is kept, and is the address itself on this machine only";
        return Err(inline(&url.span, message));
    }
    let address = Address::try_from(url.as_str());
    address.map(AddressSource::Here).map_err(|error| {
        let help = "write it as in `http://127.0.0.1:9000/hook`";
        Diagnostic::error("webhook", &url.span, error.to_string()).help(help)
    })
}

/// Whether it leads nowhere else than to this machine.
fn is_here(text: &str) -> bool {
    let rest = text.strip_prefix("http://");
    rest.is_some_and(|rest| LOOPBACK.contains(&host(authority(rest))))
}

fn is_address(text: &str) -> bool {
    text.contains("://")
}

/// Addresses that stand where only the name of their place belongs.
pub(super) fn told(node: &Node, found: &mut Vec<Span>) {
    match &node.content {
        Content::Map(entries) => {
            for (key, value) in entries {
                match (key.text(), &value.content) {
                    (Some("url"), Content::Text(text)) if !is_here(text) => {
                        found.push(value.written.clone());
                    }
                    (Some("url"), Content::Map(inner)) => {
                        let inner = inner.iter().map(|(_, value)| value);
                        let told = inner.filter(|value| value.text().is_some_and(is_address));
                        found.extend(told.map(|value| value.written.clone()));
                    }
                    _ => told(value, found),
                }
            }
        }
        Content::List(items) => items.iter().for_each(|item| told(item, found)),
        _ => {}
    }
}

/// What is secret in texts that look like addresses of webhooks, wherever they stand: all behind the host.
pub(super) fn secrets_in(text: &str) -> Vec<Range<usize>> {
    const MARKS: [&str; 5] = ["hook", "token=", "key=", "sig=", "/services/"];
    let ends = |each: char| each.is_whitespace() || "\"'<>`".contains(each);
    let starts = text.match_indices("://").map(|(at, mark)| at + mark.len());
    let secret = |start: usize| {
        let word = text[start..].split(ends).next()?;
        let host = authority(word).len();
        let is_told = word.len() > host + 1 && MARKS.iter().any(|mark| word.contains(mark));
        let is_local = LOOPBACK.contains(&self::host(authority(word)));
        (is_told && !is_local).then_some(start + host + 1..start + word.len())
    };
    starts.filter_map(secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_tls_or_stays_on_this_machine() {
        let host = |text: &str| Address::try_from(text).map(|address| address.host().to_owned());
        assert_eq!(
            host("https://hooks.slack.com/services/T0"),
            Ok("hooks.slack.com".to_owned())
        );
        assert_eq!(
            host("http://127.0.0.1:9000/hook"),
            Ok("127.0.0.1:9000".to_owned())
        );
        assert_eq!(host("http://[::1]:9000"), Ok("[::1]:9000".to_owned()));
        assert_eq!(host("http://hooks.slack.com/x"), Err(InvalidAddress::Plain));
        assert_eq!(
            host("http://127.0.0.1.example.com/x"),
            Err(InvalidAddress::Plain)
        );
        assert_eq!(host("ftp://example.com/x"), Err(InvalidAddress::Scheme));
        assert_eq!(host("hooks.slack.com"), Err(InvalidAddress::Scheme));
        for strange in [
            "https:///x",
            "https://me:hush@host/x",
            "https://a b/x",
            "https://a\\b",
        ] {
            assert_eq!(host(strange), Err(InvalidAddress::Host), "{strange}");
        }
    }

    #[test]
    fn only_the_host_of_an_address_is_shown() {
        let address = Address::try_from("https://open.feishu.cn/open-apis/bot/v2/hook/abc?key=def");
        assert_eq!(format!("{address:?}"), "Ok(Address(open.feishu.cn))");
    }

    #[test]
    fn what_looks_like_the_address_of_a_webhook_is_found_in_any_text() {
        let secrets = |text: &'static str| {
            let found = secrets_in(text).into_iter();
            found.map(|range| &text[range]).collect::<Vec<_>>()
        };
        assert_eq!(
            secrets("a: https://hooks.slack.com/services/T0/B0/x # b"),
            ["services/T0/B0/x"]
        );
        assert_eq!(
            secrets(
                "\"https://oapi.dingtalk.com/robot/send?access_token=ab\" https://example.com?key=7"
            ),
            ["robot/send?access_token=ab", "key=7"]
        );
        assert_eq!(
            secrets("https://trtc.io/document/34348 http://127.0.0.1:9/hook"),
            [""; 0]
        );
    }
}
