//! A complaint for programs.

use crate::source::{Diagnostic, Label, Mend};
use serde_json::{Value, json};

/// What to type in its stead.
fn fix(mend: &Mend) -> Value {
    let end = mend.span.end();
    json!({
        "line": mend.span.line(),
        "column": mend.span.column(),
        "end_line": end.line(),
        "end_column": end.column(),
        "before": mend.span.slice(),
        "after": mend.text,
    })
}

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
        "fix": diagnostic.mend.as_deref().map(fix),
    })
}
