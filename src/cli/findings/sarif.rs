//! A SARIF 2.1.0 log: what code scanning and editors read.

use super::github::message;
use super::place::{Place, Places};
use crate::cli::explain;
use crate::source::{Diagnostic, Severity};
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct Sarif {
    /// Codes in the order in which they were met.
    rules: Vec<&'static str>,
    results: Vec<Value>,
}

impl Sarif {
    pub(super) fn add(&mut self, diagnostic: &Diagnostic, places: &Places) {
        let code = diagnostic.code;
        let known = self.rules.iter().position(|rule| *rule == code);
        let index = known.unwrap_or(self.rules.len());
        if known.is_none() {
            self.rules.push(code);
        }
        let primary = diagnostic.primary.as_ref();
        let place = primary.and_then(|label| places.place(&label.span));
        let second = diagnostic.secondary.as_deref();
        let second = second.and_then(|label| Some((label, places.place(&label.span)?)));
        let related: Vec<Value> = second
            .map(|(label, place)| {
                json!({ "id": 1, "physicalLocation": physical(&place), "message": { "text": label.text } })
            })
            .into_iter()
            .collect();
        let level = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let locations: Vec<Value> = place
            .iter()
            .map(|place| json!({ "physicalLocation": physical(place) }))
            .collect();
        let mut result = json!({
            "ruleId": code,
            "ruleIndex": index,
            "level": level,
            "message": { "text": message(diagnostic, place.is_some()) },
            "locations": locations,
            "relatedLocations": related,
        });
        if let Some(fix) = fix(diagnostic, places) {
            result["fixes"] = json!([fix]);
        }
        self.results.push(result);
    }

    pub(super) fn log(&self) -> Value {
        let rules: Vec<Value> = self.rules.iter().map(|code| rule(code)).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "campanile",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                } },
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        })
    }
}

fn rule(code: &str) -> Value {
    let Some(found) = explain::of(code) else {
        return json!({ "id": code });
    };
    let example = found.example();
    json!({
        "id": code,
        "shortDescription": { "text": found.short() },
        "fullDescription": { "text": found.why },
        "help": {
            "text": format!("{}\n\n{example}", found.why),
            "markdown": format!("{}\n\n```yaml\n{example}\n```", found.why),
        },
    })
}

/// What editors may type in somebody's place.
fn fix(diagnostic: &Diagnostic, places: &Places) -> Option<Value> {
    let mend = diagnostic.mend.as_deref()?;
    let place = physical(&places.place(&mend.span)?);
    Some(json!({
        "description": { "text": diagnostic.help },
        "artifactChanges": [{
            "artifactLocation": place["artifactLocation"],
            "replacements": [{
                "deletedRegion": place["region"],
                "insertedContent": { "text": mend.text },
            }],
        }],
    }))
}

fn physical(place: &Place) -> Value {
    json!({
        "artifactLocation": { "uri": uri(&place.path) },
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        },
    })
}

/// A path as a reference, relative unless the path is not.
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encoded = path.bytes().map(|byte| {
        if is_plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", encoded.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(uri("campaigns/a b:ü.yaml"), "campaigns/a%20b%3A%C3%BC.yaml");
        assert_eq!(uri("/srv/a.yaml"), "file:///srv/a.yaml");
    }
}
