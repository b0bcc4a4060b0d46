//! Workflow commands of GitHub: it shows each at its line of a pull request.

use super::place::Places;
use crate::source::Diagnostic;

/// `::error file=campaigns/welcome.yaml,line=3,col=1,endColumn=9,title=unknown-key::unknown key ..`
pub(super) fn command(diagnostic: &Diagnostic, places: &Places) -> String {
    let primary = diagnostic.primary.as_ref();
    let place = primary.and_then(|label| places.place(&label.span));
    let mut properties = Vec::new();
    if let Some(place) = &place {
        properties.push(("file", place.path.clone()));
        properties.push(("line", place.line.to_string()));
        // Columns are for what lies in one line.
        if place.end_line == place.line {
            properties.push(("col", place.column.to_string()));
            properties.push(("endColumn", place.end_column.to_string()));
        } else {
            properties.push(("endLine", place.end_line.to_string()));
        }
    }
    properties.push(("title", diagnostic.code.to_owned()));
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", property(value)))
        .collect();
    let message = message(diagnostic, place.is_some());
    let severity = diagnostic.severity.word();
    format!("::{severity} {}::{}", properties.join(","), data(&message))
}

/// All that a person needs, line by line.
pub(super) fn message(diagnostic: &Diagnostic, has_place: bool) -> String {
    let mut lines = vec![diagnostic.message.clone()];
    let at = |span: &crate::source::Span| format!("{}:{}", span.source().path, span.line());
    if let Some(label) = diagnostic.primary.as_ref().filter(|_| !has_place) {
        lines.push(format!("at {}", at(&label.span)));
    }
    if let Some(label) = &diagnostic.secondary {
        lines.push(format!("see {}: {}", at(&label.span), label.text));
    }
    lines.extend(diagnostic.help.as_ref().map(|help| format!("help: {help}")));
    lines.join("\n")
}

/// A command is one line.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_begins_no_command() {
        assert_eq!(data("50%\r\n::error::x"), "50%25%0D%0A::error::x");
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
    }
}
