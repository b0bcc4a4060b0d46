//! What the lines of one file mean: which cell is the id, which are variables.

use super::meant::{RESERVED, check_name};
use super::row::Row;
use super::target::Origin;
use super::{GroupType, ids};
use crate::identity::{Digest, GroupId, UserId};
use crate::source::{Diagnostic, Span, nearest};
use crate::template::Value;
use minijinja::value::Serde;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What the lines of a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Groups,
    Members,
}

impl Subject {
    /// The column that every line needs.
    fn key(self) -> &'static str {
        match self {
            Subject::Groups => GROUP,
            Subject::Members => MEMBER,
        }
    }

    /// The columns that are no variables.
    fn own(self) -> [&'static str; 2] {
        match self {
            Subject::Groups => [GROUP, TYPE],
            Subject::Members => [MEMBER, GROUP],
        }
    }

    /// Members in a file of groups would have everybody in their groups addressed.
    fn check_name(self, name: &str, span: &Span) -> Option<Diagnostic> {
        if (self, name) != (Subject::Groups, MEMBER) {
            return check_name(name, span);
        }
        let message = "a file of groups stands for whole groups, and this names members";
        let complaint = Diagnostic::error("reserved-name", span, message);
        Some(complaint.help("name the file in `member_files`, or give the column another name"))
    }
}

const GROUP: &str = "group";
const TYPE: &str = "type";
const MEMBER: &str = "member";
const VARIABLES_MAX: usize = 256;

/// An open file.
#[derive(Debug)]
pub struct Table {
    pub(super) path: Arc<str>,
    subject: Subject,
    /// The columns of a CSV file; JSON Lines name them on every line.
    columns: Option<Columns>,
}

#[derive(Debug)]
struct Columns {
    count: usize,
    own: [Option<usize>; 2],
    /// The variables by name, and the cells they stand in.
    names: Arc<[String]>,
    cells: Vec<usize>,
}

/// A line that made sense.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) group: Option<GroupId>,
    pub(super) kind: Option<GroupType>,
    pub(super) member: Option<UserId>,
    /// Sorted.
    pub(super) names: Arc<[String]>,
    pub(super) values: Vec<Value>,
    pub(super) origin: Origin,
    /// What is wrong with it and leaves it what it is.
    pub(super) wrong: Vec<Diagnostic>,
}

impl Table {
    pub fn of_objects(path: &str, subject: Subject) -> Table {
        Table {
            path: path.into(),
            subject,
            columns: None,
        }
    }

    /// A CSV file by its first line. Complains of every column at once.
    pub fn headed(path: &str, subject: Subject, header: &Row) -> Result<Table, Vec<Diagnostic>> {
        let Row::Cells { cells, .. } = header else {
            return Ok(Table::of_objects(path, subject));
        };
        if let Some(complaint) = check_kind(cells, &header.span(path, 0)) {
            return Err(vec![complaint]);
        }
        check_count(cells.len(), || header.span(path, VARIABLES_MAX))
            .map_err(|complaint| vec![complaint])?;
        let own = subject
            .own()
            .map(|name| cells.iter().position(|cell| cell == name));
        let mut complaints = check_header(cells, (subject, &own), |at| header.span(path, at));
        if own[0].is_none() {
            let at = meant_as(subject.key(), cells).unwrap_or(0);
            complaints.push(no_key(subject, cells, &header.span(path, at)));
        }
        if !complaints.is_empty() {
            return Err(complaints);
        }
        let mut variables: Vec<(String, usize)> = cells.iter().cloned().zip(0..).collect();
        variables.retain(|(_, at)| !own.contains(&Some(*at)));
        variables.sort();
        let (names, places): (Vec<String>, Vec<usize>) = variables.into_iter().unzip();
        Ok(Table {
            path: path.into(),
            subject,
            columns: Some(Columns {
                count: cells.len(),
                own,
                names: names.into(),
                cells: places,
            }),
        })
    }

    /// Where a row says whom it is about.
    pub fn place(&self, row: &Row) -> Span {
        let columns = self.columns.as_ref();
        let column = columns.and_then(|columns| columns.own[0]);
        row.span(&self.path, column.unwrap_or(0))
    }

    pub(super) fn record(&self, row: &Row) -> Result<Record, Vec<Diagnostic>> {
        match (row, &self.columns) {
            (Row::Cells { cells, .. }, Some(columns)) => self.of_cells(row, cells, columns),
            (Row::Object { text, .. }, _) => self.of_object(row, text),
            (Row::Cells { .. }, None) => Err(vec![Diagnostic::error(
                "row",
                &row.span(&self.path, 0),
                "a line of cells in a file of objects",
            )]),
        }
    }

    fn of_cells(
        &self,
        row: &Row,
        cells: &[String],
        columns: &Columns,
    ) -> Result<Record, Vec<Diagnostic>> {
        if cells.len() != columns.count {
            let message = format!(
                "the header has {} columns, this row has {}",
                columns.count,
                cells.len()
            );
            let (at, help) = if cells.len() > columns.count {
                let help = "a cell with a comma in it is quoted: \"a, b\"";
                (columns.count, help)
            } else {
                let help = "give it a cell for each column; one that is empty ends with its comma";
                (cells.len() - 1, help)
            };
            let place = row.span(&self.path, at);
            return Err(vec![
                Diagnostic::error("row-length", &place, message).help(help),
            ]);
        }
        let own = columns.own.map(|at| at.map_or("", |at| cells[at].as_str()));
        let span = |which: usize| row.span(&self.path, columns.own[which].unwrap_or(0));
        let values = columns.cells.iter().map(|at| match cells[*at].as_str() {
            "" => Value::UNDEFINED,
            text => Value::from(text),
        });
        let variables = (columns.names.clone(), values.collect());
        self.identified(own, span, variables, row.line())
    }

    fn of_object(&self, row: &Row, text: &str) -> Result<Record, Vec<Diagnostic>> {
        let whole = || row.span(&self.path, 0);
        let Pairs(entries) = serde_json::from_str(text).map_err(|error| {
            // The end of the text is where its last character stands.
            let at = error.column().clamp(1, text.len().max(1)) - 1;
            let message = "this line is no JSON object";
            vec![Diagnostic::error("json-line", &row.part(&self.path, at..at + 1), message).help(
                "each line is one object, such as {\"group\": \"@TGS#1\", \"city\": \"Shenzhen\"}",
            )]
        })?;
        check_count(entries.len(), whole).map_err(|complaint| vec![complaint])?;
        let mut wrong: Vec<Diagnostic> = check_names(&entries, &whole).err().into_iter().collect();
        let mut own = [const { String::new() }; 2];
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (name, raw) in entries {
            let place = || row.part(&self.path, place_in(text, raw.get()));
            let at = self.subject.own().iter().position(|own| *own == name);
            if let Some(at) = at {
                match id_text(&name, raw, &place) {
                    Ok(id) => own[at] = id,
                    Err(complaint) => wrong.push(complaint),
                }
                continue;
            }
            wrong.extend(self.subject.check_name(&name, &place()));
            match json_value(raw, &place, 0) {
                // Nothing (`null`) is missing.
                Ok(value) if value.is_none() => values.push(Value::UNDEFINED),
                Ok(value) => values.push(value),
                Err(complaint) => {
                    wrong.push(complaint);
                    continue;
                }
            }
            names.push(name);
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let own = [own[0].as_str(), own[1].as_str()];
        self.identified(own, |_| whole(), (names.into(), values), row.line())
    }

    /// Reads the ids; a missing one is empty.
    fn identified(
        &self,
        own: [&str; 2],
        span: impl Fn(usize) -> Span,
        (names, values): (Arc<[String]>, Vec<Value>),
        line: u64,
    ) -> Result<Record, Vec<Diagnostic>> {
        let given = |at: usize| Some(own[at]).filter(|text| !text.is_empty());
        let mut wrong = Vec::new();
        let (group, member, kind) = match self.subject {
            Subject::Groups => {
                let kind = given(1).map(|text| GroupType::parse(text, || span(1)));
                let kind = kind.and_then(|kind| kept(kind, &mut wrong));
                let group = kept(ids::group(own[0], || span(0)), &mut wrong);
                (group, None, kind)
            }
            Subject::Members => {
                let group = given(1).map(|text| ids::group(text, || span(1)));
                let group = group.and_then(|group| kept(group, &mut wrong));
                let member = kept(ids::member(own[0], || span(0)), &mut wrong);
                (group, member, None)
            }
        };
        // A group is one whatever its type; a member without the group that was meant would be of every group.
        if !wrong.is_empty() && (group.is_none() || self.subject == Subject::Members) {
            return Err(wrong);
        }
        let origin = Origin {
            path: Arc::clone(&self.path),
            line,
        };
        Ok(Record {
            group,
            kind,
            member,
            names,
            values,
            origin,
            wrong,
        })
    }
}

/// Keeps what is right and complains of the rest.
fn kept<T>(read: Result<T, Diagnostic>, wrong: &mut Vec<Diagnostic>) -> Option<T> {
    read.map_err(|complaint| wrong.push(complaint)).ok()
}

/// Where a part of a text stands in it.
fn place_in(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + part.len()
}

impl Record {
    /// What two equal lines share.
    pub(super) fn digest(&self) -> u32 {
        let mut digest = Digest::over("variables");
        digest.part(self.kind.map_or("", GroupType::name).as_bytes());
        for (name, value) in self.names.iter().zip(&self.values) {
            if !value.is_undefined() {
                digest.part(name.as_bytes());
                digest.part(format!("{value:?}").as_bytes());
            }
        }
        digest.finish().first_32_bits()
    }

    /// `group` in the templates.
    pub(super) fn group_context(&self, id: &GroupId) -> Value {
        let variables = self.names.iter().zip(&self.values);
        let given = variables.filter(|(_, value)| !value.is_undefined());
        let mut context: BTreeMap<&str, Value> = given
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        context.insert("id", Value::from(id.as_str()));
        if let Some(kind) = self.kind {
            context.insert(TYPE, Value::from(kind.name()));
        }
        Value::from(context)
    }
}

/// What is no CSV at all, or has another sign than the comma, has no columns worth a word each.
fn check_kind(cells: &[String], span: &Span) -> Option<Diagnostic> {
    /// How a spreadsheet's own file begins, which is an archive.
    const ARCHIVE: &str = "PK\u{3}\u{4}";
    let first = cells.first()?;
    if first.starts_with(ARCHIVE) {
        let complaint = Diagnostic::error("not-csv", span, "this is a spreadsheet's own file");
        return Some(complaint.help("export it as CSV (UTF-8), and name that file"));
    }
    let (sign, name) = [(';', "`;`"), ('\t', "tabs")]
        .into_iter()
        .find(|(sign, _)| cells.len() == 1 && first.contains(*sign))?;
    let message = format!("the columns are separated by {name}, and have to be by commas");
    let columns: Vec<&str> = first.split(sign).map(str::trim).collect();
    let help = format!("export the file with commas: `{}`", columns.join(","));
    Some(Diagnostic::error("not-csv", span, message).help(help))
}

fn check_header(
    cells: &[String],
    (subject, own): (Subject, &[Option<usize>; 2]),
    span: impl Fn(usize) -> Span,
) -> Vec<Diagnostic> {
    let mut complaints = Vec::new();
    let meant = own[0].is_none().then(|| meant_as(subject.key(), cells));
    for (at, name) in cells.iter().enumerate() {
        if name.is_empty() {
            let complaint = Diagnostic::error("variable-name", &span(at), "a column has no name");
            complaints
                .push(complaint.help("name it, or delete it, as where lines end with commas"));
        } else if cells[..at].contains(name) {
            let message = format!("the column `{name}` stands twice in the header");
            let complaint = Diagnostic::error("column-twice", &span(at), message);
            complaints.push(complaint.help("name or drop one of them"));
        } else if !own.contains(&Some(at)) && meant != Some(Some(at)) {
            complaints.extend(subject.check_name(name, &span(at)));
        }
    }
    complaints
}

/// Before anything is said of single columns: of thousands that would never end.
fn check_count(count: usize, span: impl Fn() -> Span) -> Result<(), Diagnostic> {
    if count <= VARIABLES_MAX {
        return Ok(());
    }
    let message = format!("a row may have {VARIABLES_MAX} columns, and this has {count}");
    Err(Diagnostic::error("too-many-columns", &span(), message))
}

/// The column that was probably meant to hold the ids: `Group ID`, `grop`.
fn meant_as(key: &str, cells: &[String]) -> Option<usize> {
    let bare = |cell: &String| {
        let letters = cell.chars().filter(|each| each.is_alphanumeric());
        let bare: String = letters.flat_map(char::to_lowercase).collect();
        bare.trim_end_matches("id").to_owned()
    };
    let exact = cells.iter().position(|cell| bare(cell) == key);
    let others = cells
        .iter()
        .filter(|cell| !RESERVED.contains(&cell.as_str()));
    exact.or_else(|| {
        let meant = nearest(key, others)?;
        cells.iter().position(|cell| cell == meant)
    })
}

fn no_key(subject: Subject, cells: &[String], span: &Span) -> Diagnostic {
    let key = subject.key();
    let help = match meant_as(key, cells) {
        Some(meant) => format!("rename the column `{}` to `{key}`", cells[meant]),
        None => format!("the first line names the columns; one of them, `{key}`, holds the ids"),
    };
    let code = match subject {
        Subject::Groups => "no-group-column",
        Subject::Members => "no-member-column",
    };
    Diagnostic::error(code, span, format!("no column is named `{key}`")).help(help)
}

/// An id is text: a number would lose its zeros.
fn id_text(name: &str, raw: &RawValue, span: &impl Fn() -> Span) -> Result<String, Diagnostic> {
    serde_json::from_str::<Option<String>>(raw.get())
        .map(Option::unwrap_or_default)
        .map_err(|_| {
            let message = format!("`{name}` is text");
            Diagnostic::error("group-id", &span(), message).help(format!(
                "write it in quotes: \"{name}\": \"{}\"",
                raw.get().trim_matches('"')
            ))
        })
}

/// The entries of an object, sorted, with all that stand twice: a map would keep the last in silence.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs<'de>, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Pairs<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        let mut pairs = deserializer.deserialize_map(Each)?;
        pairs.0.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(pairs)
    }
}

fn check_names(
    entries: &[(String, &RawValue)],
    span: &impl Fn() -> Span,
) -> Result<(), Diagnostic> {
    let twice = entries.windows(2).find(|pair| pair[0].0 == pair[1].0);
    twice.map_or(Ok(()), |pair| {
        let message = format!("`{}` stands twice in one object", pair[0].0);
        Err(Diagnostic::error("column-twice", &span(), message).help("drop one of them"))
    })
}

/// JSON keeps its types, and numbers come out as they are written, however deep they stand.
fn json_value(raw: &RawValue, span: &impl Fn() -> Span, depth: usize) -> Result<Value, Diagnostic> {
    const DEPTH_MAX: usize = 32;
    let wrong = |what: String| Diagnostic::error("json-line", &span(), what);
    let no_json = |error: serde_json::Error| wrong(format!("this is no JSON: {error}"));
    let text = raw.get();
    if depth > DEPTH_MAX {
        return Err(wrong("a value has more than 32 levels".to_owned()));
    }
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).map_err(no_json)?;
        let items = items
            .into_iter()
            .map(|raw| json_value(raw, span, depth + 1));
        return Ok(Value::from(items.collect::<Result<Vec<_>, _>>()?));
    }
    if text.starts_with('{') {
        let Pairs(entries) = serde_json::from_str(text).map_err(no_json)?;
        check_names(&entries, span)?;
        let entries = entries
            .into_iter()
            .map(|(name, raw)| Ok((name, json_value(raw, span, depth + 1)?)));
        return Ok(Value::from(entries.collect::<Result<BTreeMap<_, _>, _>>()?));
    }
    let value: serde_json::Value = serde_json::from_str(text).map_err(no_json)?;
    let is_number = value.is_number();
    let value = Value::from(Serde(value));
    if is_number && value.to_string() != text {
        let message = format!("the number `{text}` would be sent as `{value}`");
        let help = format!("write \"{text}\" with quotes to send it as it stands");
        return Err(Diagnostic::error("number-changes", &span(), message).help(help));
    }
    Ok(value)
}
