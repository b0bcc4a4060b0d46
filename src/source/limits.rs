//! The words for values of the right type that are too large, too short, or otherwise not allowed.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::complaint::BAD_VALUE;
use super::diagnostic::Diagnostic;
use super::node::Node;
use super::words::plural;

/// A rule may bring its own sentence (`errorMessage`, or for a pattern `patternErrorMessage`);
/// editors show the same.
pub(super) fn diagnostic(
    error: &ValidationError<'_>,
    rule: Option<&Value>,
    key: Option<&Node>,
    node: &Node,
) -> Diagnostic {
    let own = |name: &str| {
        rule.and_then(|rule| rule.get(name))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let is_pattern = matches!(error.kind(), ValidationErrorKind::Pattern { .. });
    let own = own("patternErrorMessage")
        .filter(|_| is_pattern)
        .or_else(|| own("errorMessage"));
    let name = key
        .and_then(Node::text)
        .map_or_else(|| "this".to_owned(), |key| format!("`{key}`"));
    let message = own.unwrap_or_else(|| format!("{name} {}", predicate(error, node)));
    Diagnostic::error(BAD_VALUE, &node.place(key), message)
}

fn predicate(error: &ValidationError<'_>, node: &Node) -> String {
    match error.kind() {
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        ValidationErrorKind::MinLength { limit: 1 }
        | ValidationErrorKind::MinItems { limit: 1 } => "must not be empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => {
            format!("must have at least {}", plural(*limit, "character"))
        }
        ValidationErrorKind::MaxLength { limit } => {
            format!("must have at most {}", plural(*limit, "character"))
        }
        ValidationErrorKind::MinItems { limit } => {
            format!("must have at least {}", plural(*limit, "item"))
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("must have at most {}", plural(*limit, "item"))
        }
        ValidationErrorKind::UniqueItems => "must not name anything twice".to_owned(),
        ValidationErrorKind::Pattern { pattern } => format!("must match the pattern `{pattern}`"),
        ValidationErrorKind::Format { format } => format!("is not a valid {format}"),
        _ => format!("cannot be {} like this", node.kind()),
    }
}
