//! Where secrets are kept, and keeping them out of what is printed.

use super::address::{self, secrets_in};
use super::spec::SecretSpec;
use crate::source::{Content, Diagnostic, Node, Source, Span, Spanned, parse};
use std::ops::Range;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Environment(String),
    File(String),
}

/// A run of hexadecimal digits this long is taken for a key; the vendor's have 64.
const KEY_LENGTH_MIN: usize = 32;
const SECRET_KEY: &str = "secret_key";
/// What is shown of a secret.
const MASK: char = '*';

pub(super) fn lower(spec: &SecretSpec, complaints: &mut Vec<Diagnostic>) -> Option<SecretSource> {
    if let Some(name) = &spec.env {
        complaints.extend(is_variable(name).err());
        return Some(SecretSource::Environment(name.value.clone()));
    }
    let path = spec.file.as_ref()?;
    if has_key(path) {
        complaints.push(inline(
            &path.span,
            "`file` takes a path, and this looks like the key itself",
        ));
    }
    Some(SecretSource::File(path.value.clone()))
}

/// Whether it is the name of a variable. It is not repeated: people put the key itself there.
pub(super) fn is_variable(name: &Spanned<String>) -> Result<(), Diagnostic> {
    let is_name = |each: char| each.is_ascii_alphanumeric() || each == '_';
    if has_key(name) {
        return Err(inline(
            &name.span,
            "`env` takes the name of a variable, and this looks like the key itself",
        ));
    }
    if name.is_empty()
        || !name.chars().all(is_name)
        || name.starts_with(|each: char| each.is_ascii_digit())
    {
        let message = "`env` takes the name of a variable, and this is none";
        let help = "write letters, digits and `_`, such as `CAMPANILE_SECRET_KEY`";
        return Err(Diagnostic::error("variable", &name.span, message).help(help));
    }
    Ok(())
}

fn inline(place: &Span, message: &str) -> Diagnostic {
    let help = "put the key into an environment variable or a file, and write its name here: `{ env: CAMPANILE_SECRET_KEY }`";
    Diagnostic::error("secret-inline", place, message).help(help)
}

/// A secret where a map belongs is more than a value of the wrong type.
pub(super) fn told_as_secrets(complaints: &mut [Diagnostic], secrets: &[Span]) {
    for complaint in complaints {
        let place = complaint.primary.as_ref().map(|label| label.span.clone());
        if let Some(place) = place.filter(|place| secrets.contains(place)) {
            *complaint = inline(
                &place,
                "`secret_key` says where the key is kept, and is never the key itself",
            );
        }
    }
}

/// Whether a secret can be read in a file that is to be shown.
pub fn shows_secret(source: &Arc<Source>) -> bool {
    let mut found = Vec::new();
    if let Some(root) = &parse(source).root {
        misplaced(root, &mut found);
        address::told(root, &mut found);
    }
    let text = &source.text;
    !found.is_empty()
        || has_key(text)
        || !passwords(text).is_empty()
        || !secrets_in(text).is_empty()
}

/// Returns a text in which nothing is shown that has the shape of a secret.
pub fn redacted(text: &str) -> String {
    let source = Source::new("", text);
    without_secrets(&source, &[]).text.clone()
}

/// Whether a text is as secret keys and addresses of webhooks are, by its shape alone.
pub fn is_secret(text: &str) -> bool {
    const KEY_LENGTH: usize = 64;
    let is_key = text.len() == KEY_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_key || !secrets_in(text).is_empty()
}

fn has_key(text: &str) -> bool {
    !keys(text).is_empty()
}

/// Places that hold a secret where none belongs: plain values of `secret_key`.
pub(super) fn misplaced(node: &Node, found: &mut Vec<Span>) {
    match &node.content {
        Content::Map(entries) => {
            for (key, value) in entries {
                let is_map = matches!(value.content, Content::Map(_) | Content::Null);
                if key.text() == Some(SECRET_KEY) && !is_map {
                    found.push(value.written.clone());
                }
                if let (Some(SECRET_KEY), Content::Map(inner)) = (key.text(), &value.content) {
                    let others = inner.iter().filter(|(key, _)| {
                        key.text().is_none_or(|key| !["env", "file"].contains(&key))
                    });
                    found.extend(others.map(|(_, value)| value.written.clone()));
                }
                misplaced(value, found);
            }
        }
        Content::List(items) => items.iter().for_each(|item| misplaced(item, found)),
        _ => {}
    }
}

/// The complaints over texts in which no secret can be read: they are shown on terminals and kept in logs.
pub(super) fn masked(complaints: Vec<Diagnostic>, misplaced: &[Span]) -> Vec<Diagnostic> {
    let mut sources: Vec<(Arc<Source>, Arc<Source>)> = Vec::new();
    let mut mask = |span: &mut Span| {
        let is_known = |(open, _): &&(Arc<Source>, Arc<Source>)| Arc::ptr_eq(open, span.source());
        let known = sources.iter().find(is_known).cloned();
        let (_, masked) = known.unwrap_or_else(|| {
            let open = Arc::clone(span.source());
            let masked = without_secrets(&open, misplaced);
            sources.push((Arc::clone(&open), Arc::clone(&masked)));
            (open, masked)
        });
        *span = Span::new(&masked, span.range());
    };
    let mut complaints = complaints;
    for complaint in &mut complaints {
        let labels = complaint
            .primary
            .iter_mut()
            .chain(complaint.secondary.as_deref_mut());
        labels.for_each(|label| mask(&mut label.span));
        // What would be typed may be what is hidden.
        if !misplaced.is_empty() {
            complaint.mend = None;
        }
    }
    complaints
}

/// The same text, byte for byte as long.
fn without_secrets(source: &Arc<Source>, misplaced: &[Span]) -> Arc<Source> {
    let here = misplaced
        .iter()
        .filter(|span| Arc::ptr_eq(span.source(), source));
    let mut text = source.text.clone();
    let secrets = here
        .map(Span::range)
        .chain(keys(&text))
        .chain(passwords(&text))
        .chain(secrets_in(&text));
    for range in secrets.collect::<Vec<_>>() {
        // Line breaks stay, so that places stay where they are.
        let stars: String = text.as_bytes()[range.clone()]
            .iter()
            .map(|byte| match byte {
                b'\n' | b'\r' => char::from(*byte),
                _ => MASK,
            })
            .collect();
        text.replace_range(range, &stars);
    }
    if text == source.text {
        return Arc::clone(source);
    }
    Source::excerpt(source.path.clone(), text, source.first_line)
}

fn keys(text: &str) -> Vec<Range<usize>> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..]
            .iter()
            .take_while(|byte| is_digit(**byte))
            .count();
        if length >= KEY_LENGTH_MIN {
            found.push(at..at + length);
        }
        at += length.max(1);
    }
    found
}

/// `user:password` of `scheme://user:password@host`, also where slashes or the scheme are missing.
fn passwords(text: &str) -> Vec<Range<usize>> {
    let is_end = |each: char| each.is_whitespace() || "\"'`".contains(each);
    let (mut found, mut at) = (Vec::new(), 0);
    for word in text.split_inclusive(is_end) {
        let begin = at;
        at += word.len();
        let Some(end) = word.rfind('@') else { continue };
        // Only behind a scheme is a user's name alone a secret: it may be a token.
        let start = match word.find(":/") {
            Some(mark) if mark < end => {
                let slashes = word[mark + 1..].bytes().take_while(|byte| *byte == b'/');
                mark + 1 + slashes.count()
            }
            _ if word[..end].contains(':') && !word[..end].ends_with(':') => 0,
            _ => continue,
        };
        if start < end {
            found.push(begin + start..begin + end);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_not_shown_in_any_spelling() {
        for (text, shown) in [
            ("git me:hush@host:a.git", "git *******@host:a.git"),
            ("a https:/me:hush@host/b", "a https:/*******@host/b"),
            ("`https:me:hush@host`", "`*************@host`"),
            (
                "url: \"https://me:hush@host\"",
                "url: \"https://*******@host\"",
            ),
            ("@TGS#1 git@host:a.git a@b", "@TGS#1 git@host:a.git a@b"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        let key = "0123456789abcdef".repeat(4);
        let source = Source::new(
            "a.yaml",
            format!("a: {key}\nb: postgres://me:hush@host/db\nc: hush"),
        );
        let hush = Span::new(&source, source.text.len() - 4..source.text.len());
        let complaint = Diagnostic::error("x", &Span::new(&source, 3..67), "wrong").also(&hush, "");
        let masked = masked(vec![complaint], &[hush]);
        let primary = masked[0].primary.as_ref().unwrap();
        assert_eq!(primary.span.slice(), "*".repeat(64));
        let expected = format!(
            "a: {}\nb: postgres://*******@host/db\nc: ****",
            "*".repeat(64)
        );
        assert_eq!(primary.span.source().text, expected);
    }
}
