//! A complaint for programs.

use crate::source::{Diagnostic, Label};
use serde_json::{Value, json};

pub fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    let place = |label: &Label| {
        json!({
            "path": &*label.span.source().path,
            "line": label.span.line(),
            "column": label.span.column(),
            "text": label.text,
        })
    };
    json!({
        "severity": diagnostic.severity.word(),
        "code": diagnostic.code,
        "message": diagnostic.message,
        "place": diagnostic.primary.as_ref().map(place),
        "also": diagnostic.secondary.as_deref().map(place),
        "help": diagnostic.help,
    })
}
