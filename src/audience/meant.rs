//! The audience as meant.

use super::AudienceSpec;
use super::spec::GroupSpec;
use crate::identity::GroupId;
use crate::source::{Diagnostic, Span, Spanned};
use crate::template::{Value, is_identifier, value_of};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub struct Audience {
    pub(super) groups: Vec<Group>,
    /// Paths below the folder of the settings.
    pub files: Vec<Spanned<String>>,
}

/// A group that stands in the campaign file.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) id: GroupId,
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) span: Span,
}

/// What `group` has of its own.
const RESERVED: [&str; 2] = ["id", "type"];

impl Audience {
    pub fn lower(spec: &AudienceSpec, place: &Span, complaints: &mut Vec<Diagnostic>) -> Audience {
        let written = spec.groups.as_deref().unwrap_or_default();
        let groups = written
            .iter()
            .filter_map(|group| lower_group(group, complaints))
            .collect();
        let files = spec.group_files.clone().unwrap_or_default();
        if written.is_empty() && files.is_empty() {
            complaints.push(
                Diagnostic::error("no-audience", place, "the audience names no groups")
                    .help("give `groups: [\"@TGS#...\"]` or `group_files: [audiences/groups.csv]`"),
            );
        }
        Audience { groups, files }
    }
}

fn lower_group(spec: &GroupSpec, complaints: &mut Vec<Diagnostic>) -> Option<Group> {
    let mut variables = BTreeMap::new();
    for (name, node) in spec.variables.iter().flat_map(|entries| entries.iter()) {
        if let Some(complaint) = check_name(name, &name.span) {
            complaints.push(complaint);
            continue;
        }
        match value_of(node) {
            Ok(value) => drop(variables.insert(name.value.clone(), value)),
            Err(complaint) => complaints.push(complaint),
        }
    }
    match GroupId::try_from(spec.id.as_str()) {
        Ok(id) => Some(Group {
            id,
            variables,
            span: spec.id.span.clone(),
        }),
        Err(error) => {
            complaints.push(Diagnostic::error(
                "group-id",
                &spec.id.span,
                error.to_string(),
            ));
            None
        }
    }
}

/// A variable of a group needs a name that a template can say.
pub(super) fn check_name(name: &str, span: &Span) -> Option<Diagnostic> {
    if RESERVED.contains(&name) {
        let message = format!("`{name}` is a name of our own: `{{{{ group.{name} }}}}`");
        return Some(
            Diagnostic::error("reserved-name", span, message)
                .help("give the variable another name"),
        );
    }
    if is_identifier(name) {
        return None;
    }
    let message = format!("`{name}` is no name a template can use");
    let diagnostic = Diagnostic::error("variable-name", span, message);
    let mended: String = name
        .trim()
        .to_lowercase()
        .chars()
        .map(|each| if each.is_alphanumeric() { each } else { '_' })
        .collect();
    let help = if is_identifier(&mended) {
        format!("name it `{mended}`")
    } else {
        "use letters, digits and `_`, beginning with a letter".to_owned()
    };
    Some(diagnostic.help(help))
}
