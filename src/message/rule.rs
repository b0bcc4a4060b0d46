//! What a text must be once everybody's values are in it.

use crate::identity::UserId;
use crate::source::{Diagnostic, Span, nearest};
use serde_json::Value as Json;

/// Held against a text when it is rendered: a template is bounded by what comes out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// JSON, if it begins like it.
    Json,
    /// An account at the vendor.
    Account,
    /// The topic of a community.
    Topic,
    /// One of the vendor's words. It adds to them now and then; a new one goes below `extra`.
    Word(&'static [&'static str]),
}

/// Bytes of a `TopicId`.
const TOPIC_BYTES_MAX: usize = 96;

impl Rule {
    pub(super) fn check(self, text: &str, span: &Span) -> Result<(), Diagnostic> {
        match self {
            Rule::Json => check_json(text, span),
            Rule::Account => check_account(text, span),
            Rule::Topic => check_topic(text, span),
            Rule::Word(known) => check_word(text, known, span),
        }
    }
}

/// Text that begins with `{` is meant to be JSON; receivers would fail on it in silence.
fn check_json(text: &str, span: &Span) -> Result<(), Diagnostic> {
    if !text.trim_start().starts_with('{') {
        return Ok(());
    }
    let Err(error) = serde_json::from_str::<Json>(text) else {
        return Ok(());
    };
    let message = "this begins like JSON and comes out broken";
    let help = format!(
        "write it as YAML below the key with `_json` at its end, which quotes values rightly; it breaks at character {}",
        error.column()
    );
    Err(Diagnostic::error("broken-json", span, message).help(help))
}

fn check_account(text: &str, span: &Span) -> Result<(), Diagnostic> {
    let complain = |error| {
        let message = format!("this comes out as `{text}`, and {error}");
        Diagnostic::error("account", span, message)
    };
    UserId::try_from(text).map(drop).map_err(complain)
}

fn check_topic(text: &str, span: &Span) -> Result<(), Diagnostic> {
    if (1..=TOPIC_BYTES_MAX).contains(&text.len()) {
        return Ok(());
    }
    let message =
        format!("this comes out as `{text}`, and a topic is 1 to {TOPIC_BYTES_MAX} bytes");
    let help = "it looks like `@TGS#_...@TOPIC#_...`";
    Err(Diagnostic::error("topic", span, message).help(help))
}

fn check_word(text: &str, known: &[&'static str], span: &Span) -> Result<(), Diagnostic> {
    if known.contains(&text) {
        return Ok(());
    }
    let message = format!("`{text}` is not one of the vendor's words");
    let help = match nearest(text, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "known are {}; a new one goes below `extra`, under the vendor's key",
            known.join(", ")
        ),
    };
    Err(Diagnostic::error("unknown-choice", span, message).help(help))
}
