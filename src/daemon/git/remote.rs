//! Where a repository is. What of that is secret is never shown.

use std::str::FromStr;
use thiserror::Error;

/// An address as git takes it.
#[derive(Clone)]
pub struct Remote {
    url: String,
    /// What must not be shown of it, the longest first.
    secrets: Vec<String>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidRemote {
    #[error("the address of the repository is empty")]
    Empty,
    #[error("the address of a repository does not begin with `-`")]
    Option,
    #[error("the address of a repository has no control characters in it")]
    Control,
    #[error("repositories are had by https, ssh, git and file, and by no helper of git")]
    Helper,
}

/// A user's name of this length may be a token.
const TOKEN_MIN: usize = 8;
const HIDDEN: &str = "***";

impl FromStr for Remote {
    type Err = InvalidRemote;

    fn from_str(url: &str) -> Result<Remote, InvalidRemote> {
        if url.is_empty() {
            return Err(InvalidRemote::Empty);
        }
        if url.starts_with('-') {
            return Err(InvalidRemote::Option);
        }
        if url.chars().any(char::is_control) {
            return Err(InvalidRemote::Control);
        }
        let word = url.split(|each: char| !each.is_ascii_alphanumeric()).next();
        if word.is_some_and(|word| url[word.len()..].starts_with("::")) {
            return Err(InvalidRemote::Helper);
        }
        Ok(Remote {
            secrets: secrets(url),
            url: url.to_owned(),
        })
    }
}

impl Remote {
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// For people.
    pub fn shown(&self) -> String {
        self.masked(&self.url)
    }

    /// A text without what is secret.
    pub(super) fn masked(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.secrets {
            masked = masked.replace(secret, HIDDEN);
        }
        masked
    }
}

fn secrets(url: &str) -> Vec<String> {
    let (scheme, rest) = scheme_and_rest(url);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut found = vec![query.to_owned()];
    if let Some(credentials) = credentials(rest) {
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let is_token =
            scheme.starts_with("http") && (password.is_empty() || user.len() >= TOKEN_MIN);
        if !password.is_empty() {
            found.push(credentials.to_owned());
        }
        found.push(password.to_owned());
        if is_token {
            found.push(user.to_owned());
        }
    }
    found.extend(found.clone().iter().map(|secret| decoded(secret)));
    found.retain(|secret| !secret.is_empty());
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found.dedup();
    found
}

/// Also where a slash is missing, or the scheme: what is meant for a password is one in every spelling.
fn scheme_and_rest(url: &str) -> (&str, &str) {
    let is_scheme = |scheme: &str| scheme.chars().all(|each| each.is_ascii_alphanumeric());
    match url.split_once(":/") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest.trim_start_matches('/')),
        _ => ("", url),
    }
}

/// What stands before the host. A password may have a `/` in it that nobody encoded.
fn credentials(rest: &str) -> Option<&str> {
    let authority = rest.split('/').next().unwrap_or_default();
    if let Some((credentials, _)) = authority.rsplit_once('@') {
        return Some(credentials);
    }
    let (_, port) = authority.split_once(':')?;
    let is_port = port.chars().all(|each| each.is_ascii_digit());
    let (credentials, _) = rest.rsplit_once('@').filter(|_| !is_port)?;
    Some(credentials)
}

/// `%40` is `@`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(url: &str) -> Remote {
        url.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_is_secret_is_never_shown() {
        for (url, shown) in [
            ("https://host/team/a.git", "https://host/team/a.git"),
            ("https://me:hush@host/a.git", "https://***@host/a.git"),
            (
                "https://ghp_0123456789@host/a.git",
                "https://***@host/a.git",
            ),
            ("https://me:hu/sh@host/a.git", "https://***@host/a.git"),
            ("https://host/a.git?token=hush", "https://host/a.git?***"),
            ("ssh://git@host/a.git", "ssh://git@host/a.git"),
            (
                "ssh://git@host:2222/@team/a.git",
                "ssh://git@host:2222/@team/a.git",
            ),
            ("git@host:team/a.git", "git@host:team/a.git"),
            ("/srv/a.git", "/srv/a.git"),
            ("me:hush@host:a.git", "***@host:a.git"),
            ("https:/me:hush@host/a.git", "https:/***@host/a.git"),
            ("https:///me:hush@host/a.git", "https:///***@host/a.git"),
            ("http:/ghp_0123456789@host/a.git", "http:/***@host/a.git"),
            ("/srv/team@home/a.git", "/srv/team@home/a.git"),
        ] {
            assert_eq!(remote(url).shown(), shown);
        }
        let remote = remote("https://me:hu%40sh@host/a.git");
        assert_eq!(
            remote.masked("no hu@sh, no hu%40sh, me"),
            "no ***, no ***, me"
        );
    }

    #[test]
    fn what_would_run_something_is_no_address() {
        let told = |url: &str| url.parse::<Remote>().err();
        assert_eq!(told(""), Some(InvalidRemote::Empty));
        assert_eq!(told("--upload-pack=reboot"), Some(InvalidRemote::Option));
        assert_eq!(told("ext::sh -c reboot"), Some(InvalidRemote::Helper));
        assert_eq!(told("https://host/a\nb"), Some(InvalidRemote::Control));
        assert_eq!(told("ssh://[::1]/a.git"), None);
    }
}
