//! From groups and rows to Targets.

use super::Audience;
use super::meant::{Group, check_name};
use super::row::Row;
use crate::identity::{Digest, GroupId};
use crate::source::{Diagnostic, Span, nearest};
use crate::template::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// Who, resolved: one group and what the templates may say about it.
#[derive(Clone, Debug)]
pub struct Target {
    pub group: GroupId,
    /// `group` in the templates.
    pub context: Value,
    pub origin: Origin,
}

/// Where a target was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub path: Arc<str>,
    pub line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.path, self.line)
    }
}

/// Takes rows as they come; of each group it keeps a digest and a place.
#[derive(Debug, Default)]
pub struct Resolver {
    seen: HashMap<[u32; 2], Seen>,
    paths: Vec<Arc<str>>,
    header: Option<Header>,
    rows: u64,
}

/// The first row of a group.
#[derive(Clone, Copy, Debug)]
struct Seen {
    path: u32,
    line: u32,
    row: u32,
}

#[derive(Debug)]
struct Header {
    path: Arc<str>,
    columns: Vec<String>,
    group: usize,
}

/// Rows of all files together.
const ROWS_MAX: u64 = 10_000_000;
const VARIABLES_MAX: usize = 256;
/// The column of the id.
const GROUP: &str = "group";

impl Resolver {
    /// The groups of the campaign file.
    pub fn groups(&mut self, audience: &Audience, complaints: &mut Vec<Diagnostic>) -> Vec<Target> {
        audience
            .groups
            .iter()
            .filter_map(|group| self.group(group, complaints))
            .collect()
    }

    fn group(&mut self, group: &Group, complaints: &mut Vec<Diagnostic>) -> Option<Target> {
        let path = self.path(&group.span.source().path);
        let line = group.span.line() as u64;
        let origin = Origin { path, line };
        let row = Digest::of(
            "variables",
            group
                .variables
                .iter()
                .map(|(name, value)| (name, value.to_string()))
                .map(|(name, value)| {
                    Digest::of("variable", [name.as_bytes(), value.as_bytes()])
                        .first_32_bits()
                        .to_be_bytes()
                })
                .collect::<Vec<_>>()
                .iter()
                .map(<[u8; 4]>::as_slice),
        );
        if let Some(complaint) = self.repeated(&group.id, row, &origin, &group.span) {
            complaints.push(complaint);
            return None;
        }
        Some(Target {
            group: group.id.clone(),
            context: context(&group.id, group.variables.clone()),
            origin,
        })
    }

    /// A file's first row. Complains of every column at once.
    pub fn header(&mut self, path: &str, row: &Row) -> Result<(), Vec<Diagnostic>> {
        let mut complaints = Vec::new();
        let columns = &row.cells;
        for (at, name) in columns.iter().enumerate() {
            let span = row.span(path, at);
            if columns[..at].contains(name) {
                let message = format!("the column `{name}` stands twice in the header");
                complaints.push(
                    Diagnostic::error("column-twice", &span, message)
                        .help("name or drop one of them"),
                );
            } else if name != GROUP && name != "type" {
                complaints.extend(check_name(name, &span));
            }
        }
        if columns.len() > VARIABLES_MAX {
            let message = format!(
                "a row may have {VARIABLES_MAX} columns, and this has {}",
                columns.len()
            );
            complaints.push(Diagnostic::error(
                "too-many-columns",
                &row.span(path, VARIABLES_MAX),
                message,
            ));
        }
        let Some(group) = columns.iter().position(|name| name == GROUP) else {
            let diagnostic = Diagnostic::error(
                "no-group-column",
                &row.span(path, 0),
                "no column is named `group`",
            );
            complaints.push(
                diagnostic.help(match nearest(GROUP, columns) {
                    Some(meant) => format!("rename the column `{meant}` to `group`"),
                    None => "the first line names the columns; one of them, `group`, holds the ids"
                        .to_owned(),
                }),
            );
            return Err(complaints);
        };
        self.header = Some(Header {
            path: self.path(path),
            columns: columns.clone(),
            group,
        });
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(complaints)
        }
    }

    /// A further row of the file whose header came last.
    pub fn row(&mut self, row: &Row) -> Result<Target, Diagnostic> {
        let header = self
            .header
            .as_ref()
            .expect("a header comes before its rows");
        let path = Arc::clone(&header.path);
        if row.cells.len() != header.columns.len() {
            let message = format!(
                "the header has {} columns, this row has {}",
                header.columns.len(),
                row.cells.len()
            );
            let help = "a cell with a comma in it is quoted: \"a, b\"";
            return Err(Diagnostic::error("row-length", &row.span(&path, 0), message).help(help));
        }
        let span = row.span(&path, header.group);
        let group = group_id(&row.cells[header.group], &span)?;
        let variables = header.columns.iter().zip(&row.cells).enumerate();
        let variables = variables
            .filter(|(at, (_, cell))| *at != header.group && !cell.is_empty())
            .map(|(_, (name, cell))| (name.clone(), Value::from(cell.as_str())))
            .collect();
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(Diagnostic::error(
                "too-many-rows",
                &span,
                "an audience may have 10 million rows",
            ));
        }
        let origin = Origin {
            path,
            line: row.line,
        };
        let cells = Digest::of("row", row.cells.iter().map(String::as_bytes));
        match self.repeated(&group, cells, &origin, &span) {
            Some(complaint) => Err(complaint),
            None => Ok(Target {
                context: context(&group, variables),
                group,
                origin,
            }),
        }
    }

    /// The same group twice would be two messages to the same people.
    fn repeated(
        &mut self,
        group: &GroupId,
        row: Digest,
        origin: &Origin,
        span: &Span,
    ) -> Option<Diagnostic> {
        let path = self
            .paths
            .iter()
            .position(|path| *path == origin.path)
            .unwrap_or(0);
        let seen = Seen {
            path: u32::try_from(path).unwrap_or(u32::MAX),
            line: u32::try_from(origin.line).unwrap_or(u32::MAX),
            row: row.first_32_bits(),
        };
        let first = match self.seen.entry(key(group)) {
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(seen);
                return None;
            }
            std::collections::hash_map::Entry::Occupied(occupied) => *occupied.get(),
        };
        let place = format!("{}:{}", self.paths[first.path as usize], first.line);
        Some(if first.row == seen.row {
            let message = format!(
                "the group `{group}` stands here again, with the same values; it gets one message"
            );
            Diagnostic::warning("group-again", span, message)
                .help(format!("it stands first at {place}"))
        } else {
            let message = format!("the group `{group}` stands here again, with other values");
            Diagnostic::error("group-twice", span, message)
                .help(format!("keep one of the two; the other is at {place}"))
        })
    }

    fn path(&mut self, path: &str) -> Arc<str> {
        if let Some(known) = self.paths.iter().find(|known| ***known == *path) {
            return Arc::clone(known);
        }
        let path: Arc<str> = path.into();
        self.paths.push(Arc::clone(&path));
        path
    }
}

/// Sixty-four bits of a digest: two of ten million groups meet by chance once in three hundred thousand audiences.
fn key(group: &GroupId) -> [u32; 2] {
    let bytes = group.as_str().as_bytes();
    [
        Digest::of("group", [bytes]).first_32_bits(),
        Digest::of("group again", [bytes]).first_32_bits(),
    ]
}

fn group_id(text: &str, span: &Span) -> Result<GroupId, Diagnostic> {
    let slip = match text {
        "" => Some("the row has no group id"),
        _ if text.starts_with('\'') => Some("the id begins with `'`, as spreadsheets write text"),
        _ if is_spreadsheet_number(text) => Some("the id is a number as spreadsheets shorten it"),
        _ => None,
    };
    if let Some(slip) = slip {
        return Err(Diagnostic::error("group-id", span, slip)
            .help("format the column as text before exporting it"));
    }
    GroupId::try_from(text).map_err(|error| Diagnostic::error("group-id", span, error.to_string()))
}

/// `1.2E+11`
fn is_spreadsheet_number(text: &str) -> bool {
    text.split_once("E+").is_some_and(|(number, power)| {
        number.parse::<f64>().is_ok() && power.parse::<u32>().is_ok()
    })
}

fn context(group: &GroupId, mut variables: BTreeMap<String, Value>) -> Value {
    variables.insert("id".to_owned(), Value::from(group.as_str()));
    Value::from(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, cells: &[&str]) -> Row {
        Row {
            line,
            cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
        }
    }

    #[test]
    fn a_group_that_stands_twice_is_found() {
        let mut resolver = Resolver::default();
        resolver
            .header("a.csv", &row(1, &["group", "city"]))
            .unwrap();
        assert_eq!(
            resolver
                .row(&row(2, &["g1", "Shenzhen"]))
                .unwrap()
                .origin
                .to_string(),
            "a.csv:2"
        );
        let same = resolver.row(&row(3, &["g1", "Shenzhen"])).unwrap_err();
        assert_eq!(
            (same.code, same.severity),
            ("group-again", crate::source::Severity::Warning)
        );
        let other = resolver.row(&row(4, &["g1", "Beijing"])).unwrap_err();
        assert_eq!(other.code, "group-twice");
        assert!(other.help.unwrap().contains("a.csv:2"));
    }

    #[test]
    fn headers_and_ids_that_spreadsheets_spoilt_are_explained() {
        let mut resolver = Resolver::default();
        let complaints = resolver
            .header("a.csv", &row(1, &["groups", "City Name", "id"]))
            .unwrap_err();
        let codes: Vec<_> = complaints.iter().map(|complaint| complaint.code).collect();
        assert_eq!(codes, ["variable-name", "reserved-name", "no-group-column"]);
        assert_eq!(complaints[0].help.as_deref(), Some("name it `city_name`"));
        resolver
            .header("a.csv", &row(1, &["group", "城市"]))
            .unwrap();
        for id in ["1.2E+11", "'1200", "", " g1"] {
            assert_eq!(
                resolver.row(&row(2, &[id, "x"])).unwrap_err().code,
                "group-id",
                "{id}"
            );
        }
        assert_eq!(
            resolver.row(&row(2, &["g1"])).unwrap_err().code,
            "row-length"
        );
    }
}
