//! The audience as meant.

use super::spec::{FileSpec, GroupSpec, SelectionSpec};
use super::{AudienceSpec, GroupType};
use crate::identity::{GroupId, UserId};
use crate::source::{Diagnostic, Short, Span, Spanned, Text};
use crate::template::{Expression, Templates, Value, is_identifier, value_of};
use std::collections::BTreeMap;
use std::time::Duration;

/// The code of what is said where nobody is named.
pub const NO_AUDIENCE: &str = "no-audience";

#[derive(Debug)]
pub struct Audience {
    pub(super) groups: Vec<Group>,
    pub group_files: Vec<ListFile>,
    pub(super) members: Vec<(UserId, Span)>,
    pub member_files: Vec<ListFile>,
    pub only: Option<Selection>,
    pub exclude: Option<Selection>,
    pub(super) condition: Option<Condition>,
    /// The part of the groups it goes to, of 2^32.
    pub(super) sample: Option<u64>,
}

/// A group that stands in the campaign file.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: GroupId,
    pub(super) kind: Option<GroupType>,
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) span: Span,
    /// Something of it could not be read, so that nobody knows what it gets.
    pub(super) is_doubtful: bool,
}

/// Groups and members that are picked out.
#[derive(Debug, Default)]
pub struct Selection {
    pub(super) groups: Vec<(GroupId, Span)>,
    pub group_files: Vec<ListFile>,
    pub(super) members: Vec<(UserId, Span)>,
    pub member_files: Vec<ListFile>,
}

/// A file of groups or members.
#[derive(Clone, Debug)]
pub struct ListFile {
    /// Below the folder of the settings, or one of their roots.
    pub path: Spanned<String>,
    pub newer_than: Option<Duration>,
}

/// `where`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) expression: Expression,
    /// It is asked of each member, not of the group.
    pub(super) is_of_members: bool,
}

/// What `group` and `member` have of their own.
pub(super) const RESERVED: [&str; 2] = ["id", "type"];

impl Audience {
    pub fn lower(
        spec: &AudienceSpec,
        place: &Span,
        templates: &mut Templates,
        complaints: &mut Vec<Diagnostic>,
    ) -> Audience {
        let written = spec.groups.as_deref().unwrap_or_default();
        let groups = written
            .iter()
            .filter_map(|group| lower_group(group, complaints));
        let groups = groups.collect();
        let members = lower_members(spec.members.as_deref(), complaints);
        let condition = spec.r#where.as_ref();
        let sample = spec.sample.as_ref();
        let audience = Audience {
            groups,
            group_files: lower_files(spec.group_files.as_deref(), complaints),
            members,
            member_files: lower_files(spec.member_files.as_deref(), complaints),
            only: lower_selection(spec.only.as_ref(), complaints),
            exclude: lower_selection(spec.exclude.as_ref(), complaints),
            condition: condition.and_then(|text| lower_condition(text, templates, complaints)),
            sample: sample.and_then(|text| lower_sample(text, complaints)),
        };
        let has_groups = !written.is_empty() || !audience.group_files.is_empty();
        if !has_groups && audience.member_files.is_empty() {
            complaints.push(
                Diagnostic::error(NO_AUDIENCE, place, "the audience names no groups")
                    .help("give `groups: [\"@TGS#...\"]` or `group_files: [audiences/groups.csv]`"),
            );
        }
        if !audience.names_members() {
            check_whole_groups(spec, audience.condition, complaints);
        }
        audience
    }

    /// Marks groups of which something could not be read.
    pub fn doubt(&mut self, is_doubtful: impl Fn(&Span) -> bool) {
        for group in &mut self.groups {
            group.is_doubtful |= is_doubtful(&group.span);
        }
    }

    /// Whether it goes to members of groups rather than to whole groups.
    pub fn names_members(&self) -> bool {
        !self.members.is_empty() || !self.member_files.is_empty()
    }

    /// The files that it reads.
    pub fn files(&self) -> impl Iterator<Item = &ListFile> {
        let picked = self.only.iter().chain(&self.exclude);
        let picked = picked.flat_map(|each| each.group_files.iter().chain(&each.member_files));
        let files = self.group_files.iter().chain(&self.member_files);
        files.chain(picked)
    }

    /// Where the first of its members are named.
    pub fn members_place(&self) -> Option<&Span> {
        let file = self.member_files.first().map(|file| &file.path.span);
        self.members.first().map(|(_, span)| span).or(file)
    }

    /// Whether the groups are those of the member files.
    pub fn takes_groups_of_members(&self) -> bool {
        self.groups.is_empty() && self.group_files.is_empty()
    }
}

impl Selection {
    pub(super) fn picks_groups(&self) -> bool {
        !self.groups.is_empty() || !self.group_files.is_empty()
    }

    pub(super) fn picks_members(&self) -> bool {
        !self.members.is_empty() || !self.member_files.is_empty()
    }
}

/// A message to a whole group reaches everybody in it, so nothing can be said about single members.
fn check_whole_groups(
    spec: &AudienceSpec,
    condition: Option<Condition>,
    complaints: &mut Vec<Diagnostic>,
) {
    let picks = |selection: &Option<Spanned<SelectionSpec>>| {
        let selection = selection.as_ref()?;
        let picks = selection.members.is_some() || selection.member_files.is_some();
        picks.then(|| selection.span.clone())
    };
    let of_members = condition.filter(|condition| condition.is_of_members);
    let written = spec.r#where.as_ref().filter(|_| of_members.is_some());
    let places = [
        ("only", picks(&spec.only)),
        ("exclude", picks(&spec.exclude)),
        ("where", written.map(|text| text.span.clone())),
    ];
    for (name, span) in places {
        if let Some(span) = span {
            let message = format!(
                "`{name}` is about members, but the audience names none: whole groups are addressed"
            );
            let complaint = Diagnostic::error("no-members", &span, message);
            complaints.push(complaint.help("name them with `members` or `member_files`"));
        }
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
    let written = spec.r#type.as_ref();
    let kind = written.map(|text| GroupType::parse(text, || text.span.clone()));
    let kind = kind
        .transpose()
        .map_err(|complaint| complaints.push(complaint))
        .ok()
        .flatten();
    let (id, span) = group_id(spec, complaints)?;
    Some(Group {
        id,
        kind,
        variables,
        span,
        is_doubtful: false,
    })
}

fn group_id(spec: &GroupSpec, complaints: &mut Vec<Diagnostic>) -> Option<(GroupId, Span)> {
    let id = spec.id.as_ref()?;
    let parsed = GroupId::try_from(id.as_str());
    let parsed = parsed.map_err(|error| {
        let complaint = Diagnostic::error("group-id", &id.span, error.to_string());
        complaints.push(without_blanks(complaint, id.as_str()));
    });
    Some((parsed.ok()?, id.span.clone()))
}

fn lower_members(
    written: Option<&[Spanned<String>]>,
    complaints: &mut Vec<Diagnostic>,
) -> Vec<(UserId, Span)> {
    let mut members = Vec::new();
    for member in written.unwrap_or_default() {
        match UserId::try_from(member.as_str()) {
            Ok(id) => members.push((id, member.span.clone())),
            Err(error) => {
                let complaint = Diagnostic::error("member-id", &member.span, error.to_string());
                complaints.push(without_blanks(complaint, member.as_str()));
            }
        }
    }
    members
}

fn without_blanks(complaint: Diagnostic, id: &str) -> Diagnostic {
    if id.trim() == id {
        return complaint;
    }
    complaint.help(format!("write `\"{}\"`", id.trim()))
}

fn lower_files(
    written: Option<&[Short<FileSpec>]>,
    complaints: &mut Vec<Diagnostic>,
) -> Vec<ListFile> {
    let mut files = Vec::new();
    for file in written.unwrap_or_default() {
        let newer_than = file.newer_than.as_ref().and_then(|text| {
            let parsed = humantime::parse_duration(text).ok();
            let parsed = parsed.filter(|length| !length.is_zero());
            if parsed.is_none() {
                let message = format!("`{}` is no length of time", text.value);
                let complaint = Diagnostic::error("duration", &text.span, message);
                complaints.push(complaint.help("write `2d` or `36h`"));
            }
            parsed
        });
        if let Some(path) = &file.path {
            files.push(ListFile {
                path: path.clone(),
                newer_than,
            });
        }
    }
    files
}

fn lower_selection(
    spec: Option<&Spanned<SelectionSpec>>,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Selection> {
    let spec = spec?;
    let groups = spec.groups.as_deref().unwrap_or_default();
    let groups = groups
        .iter()
        .filter_map(|group| lower_group(group, complaints));
    let groups = groups.map(|group| (group.id, group.span)).collect();
    let selection = Selection {
        groups,
        group_files: lower_files(spec.group_files.as_deref(), complaints),
        members: lower_members(spec.members.as_deref(), complaints),
        member_files: lower_files(spec.member_files.as_deref(), complaints),
    };
    if !selection.picks_groups() && !selection.picks_members() {
        let message = "this names neither groups nor members";
        let complaint = Diagnostic::error("no-selection", &spec.span, message);
        let keys = "give `groups`, `group_files`, `members` or `member_files`, or drop it";
        complaints.push(complaint.help(keys));
    }
    Some(selection)
}

fn lower_condition(
    text: &Text,
    templates: &mut Templates,
    complaints: &mut Vec<Diagnostic>,
) -> Option<Condition> {
    let expression = templates.add_expression(text);
    let expression = expression
        .map_err(|complaint| complaints.push(complaint))
        .ok()?;
    let names = templates.names_of(expression);
    let unknown: Vec<&String> = names
        .iter()
        .filter(|name| !["group", "member"].contains(&name.as_str()))
        .collect();
    if let [name, ..] = unknown.as_slice() {
        let message = format!("`where` knows `group` and `member` alone, not `{name}`");
        let place = place_of(name, text);
        let complaint = Diagnostic::error("undefined-variable", &place, message);
        complaints.push(complaint.help(format!("write `group.{name}` if it is a column")));
        return None;
    }
    Some(Condition {
        expression,
        is_of_members: names.contains("member"),
    })
}

/// Where a name at the top stands in an expression.
fn place_of(name: &str, text: &Text) -> Span {
    let is_part = |each: char| each.is_alphanumeric() || each == '_' || each == '.';
    let mut found = text
        .match_indices(name)
        .map(|(start, _)| start..start + name.len());
    let found = found.find(|range| {
        !text[..range.start].ends_with(is_part)
            && !text[range.end..].starts_with(|each: char| each != '.' && is_part(each))
    });
    found.map_or_else(|| text.span.clone(), |range| text.span_of(range))
}

/// `10%` as a part of 2^32.
fn lower_sample(text: &Spanned<String>, complaints: &mut Vec<Diagnostic>) -> Option<u64> {
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok());
    let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
    if percent.is_none() {
        let message = format!("`{}` is no part of the groups", text.value);
        let complaint = Diagnostic::error("sample", &text.span, message);
        complaints.push(complaint.help("write `10%`, or `0.5%`"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 2^32"
    )]
    percent.map(|percent| (percent / 100.0 * 4_294_967_296.0) as u64)
}

/// A variable needs a name that a template can say.
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
