//! The audience's files, opened and read one after the other.

use super::complaints::Complaints;
use crate::audience::{
    Audience, ListFile, MEMBER_TWICE, Part, Rejected, Resolver, Row, Subject, Table, Target,
};
use crate::files::{Repository, Rows};
use crate::identity::Moment;
use crate::plan::Turn;
use crate::source::{Diagnostic, Span, plural};
use std::collections::VecDeque;
use std::time::Duration;

/// The targets of a campaign, one at a time: groups first, then file after file.
pub(super) struct Targets<'a> {
    repository: &'a Repository,
    pub(super) resolver: Resolver<'a>,
    now: Moment,
    turn: Turn<'a>,
    groups: VecDeque<Result<Target, Rejected>>,
    complaints: Vec<Diagnostic>,
    /// Files that could not be read whole, by what they are for.
    pub(super) doubts: Doubts,
    files: std::slice::Iter<'a, ListFile>,
    sheet: Option<Sheet<'a>>,
    /// Complaints whose lines were looked for in their files.
    looked_up: usize,
}

/// Lines that are looked for: each takes a reading of its file.
const LOOKED_UP_MAX: usize = 10;

/// What is not known for certain because a file could not be read whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doubts {
    /// Which groups there are.
    pub(super) groups: bool,
    /// Who of them is left out.
    pub(super) choice: bool,
    pub(super) members: bool,
}

/// A file that is being read.
struct Sheet<'a> {
    file: &'a ListFile,
    table: Table,
    rows: Rows,
}

impl<'a> Targets<'a> {
    /// Reads what is left out and who the members are; the groups come one by one.
    pub(super) fn new(
        repository: &'a Repository,
        audience: &'a Audience,
        mut resolver: Resolver<'a>,
        (now, turn): (Moment, Turn<'a>),
    ) -> Targets<'a> {
        let mut complaints = Vec::new();
        let mut doubts = Doubts::default();
        for (part, subject, file) in resolver.files_before() {
            resolver.begin(part, file);
            let before = complaints.len();
            let is_whole = match Sheet::open(repository, file, subject, now) {
                Ok(sheet) => sheet.each((&mut complaints, turn), |table, row| {
                    resolver.row_before(part, table, row)
                }),
                Err(found) => {
                    complaints.extend(found);
                    false
                }
            };
            match part {
                Part::Members => doubts.members |= !is_whole,
                Part::Only | Part::Exclude => doubts.choice |= complaints.len() > before,
            }
            if !is_whole {
                resolver.doubt(part);
            }
        }
        resolver.ready_for_groups();
        let groups = resolver.groups().into();
        Targets {
            repository,
            resolver,
            now,
            turn,
            groups,
            complaints,
            doubts,
            files: audience.group_files.iter(),
            sheet: None,
            looked_up: 0,
        }
    }

    /// The same, with the lines of which only the numbers were known.
    fn looked_up(&mut self, rejected: Rejected) -> Rejected {
        let mut complaints = rejected.complaints;
        for complaint in &mut complaints {
            if complaint.code != MEMBER_TWICE || self.looked_up == LOOKED_UP_MAX {
                continue;
            }
            self.looked_up += 1;
            let labels = complaint.primary.iter_mut();
            for label in labels.chain(complaint.secondary.as_deref_mut()) {
                if let Some(line) = self.line(&label.span) {
                    label.span = line;
                }
            }
        }
        Rejected {
            complaints,
            ..rejected
        }
    }

    fn line(&self, place: &Span) -> Option<Span> {
        let mut files = self.resolver.files_before().into_iter();
        let (_, subject, file) = files.find(|(part, _, file)| {
            *part == Part::Members && file.path.value == place.source().path
        })?;
        let sheet = Sheet::open(self.repository, file, subject, self.now).ok()?;
        let number = place.line() as u64;
        let mut rows = sheet.rows.map_while(Result::ok);
        let row = rows.find(|row| row.line() == number)?;
        Some(sheet.table.place(&row))
    }
}

impl<'a> Sheet<'a> {
    /// Opens a file and takes its header in.
    fn open(
        repository: &Repository,
        file: &'a ListFile,
        subject: Subject,
        now: Moment,
    ) -> Result<Sheet<'a>, Vec<Diagnostic>> {
        let path = &file.path;
        let mut rows = repository
            .rows(path)
            .map_err(|error| vec![error.diagnostic(&file.path.span)])?;
        check_age(file, &rows, now).map_err(|complaint| vec![complaint])?;
        if rows.are_objects() {
            let table = Table::of_objects(path, subject);
            return Ok(Sheet { file, table, rows });
        }
        let Some(header) = rows.next() else {
            let message = format!("`{}` is empty", path.value);
            let complaint = Diagnostic::error("empty-file", &path.span, message);
            return Err(vec![
                complaint.help("its first line names the columns: `group,city`"),
            ]);
        };
        let header = header.map_err(|error| vec![error.diagnostic(&file.path.span)])?;
        let table = Table::headed(path, subject, &header)?;
        Ok(Sheet { file, table, rows })
    }

    /// All rows, for a file that is read as a whole; whether it could be.
    fn each(
        self,
        (complaints, turn): (&mut Vec<Diagnostic>, Turn<'_>),
        mut take: impl FnMut(&Table, &Row) -> Result<(), Vec<Diagnostic>>,
    ) -> bool {
        for row in self.rows {
            if !turn() {
                return false;
            }
            match row {
                Ok(row) => {
                    if complaints.len() < Complaints::KEPT_MAX {
                        let wrong = take(&self.table, &row).err();
                        complaints.extend(wrong.into_iter().flatten());
                    }
                }
                Err(error) => {
                    complaints.push(error.diagnostic(&self.file.path.span));
                    return false;
                }
            }
        }
        true
    }
}

/// An export that was not renewed would go to yesterday's people.
fn check_age(file: &ListFile, rows: &Rows, now: Moment) -> Result<(), Diagnostic> {
    let Some(newer_than) = file.newer_than else {
        return Ok(());
    };
    let age = rows.modified_ms().map(|modified| now.wall_ms - modified);
    let age = age.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or(0)));
    if age.is_some_and(|age| age <= newer_than) {
        return Ok(());
    }
    let old = match age {
        Some(age) => format!("was last written {} ago", rounded(age)),
        None => "does not tell when it was written".to_owned(),
    };
    let message = format!("`{}` {old}", file.path.value);
    let allowed = rounded(newer_than);
    Err(Diagnostic::error("file-too-old", &file.path.span, message)
        .help(format!("export it anew; `newer_than` allows {allowed}")))
}

/// As people say it.
fn rounded(length: Duration) -> String {
    let seconds = length.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    let (unit, name) = unit.unwrap_or((1, "second"));
    plural(seconds / unit, name)
}

impl Iterator for Targets<'_> {
    type Item = Result<Target, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.complaints.is_empty() {
            return Some(Err(std::mem::take(&mut self.complaints).into()));
        }
        if let Some(target) = self.groups.pop_front() {
            return Some(target.map_err(|rejected| self.looked_up(rejected)));
        }
        loop {
            while let Some(sheet) = &mut self.sheet {
                if !(self.turn)() {
                    return None;
                }
                match sheet.rows.next() {
                    Some(Ok(row)) => {
                        let target = self.resolver.row(&sheet.table, &row).transpose();
                        if let Some(target) = target {
                            return Some(target.map_err(|rejected| self.looked_up(rejected)));
                        }
                    }
                    Some(Err(error)) => {
                        let complaint = error.diagnostic(&sheet.file.path.span);
                        self.sheet = None;
                        self.doubts.groups = true;
                        return Some(Err(complaint.into()));
                    }
                    None => self.sheet = None,
                }
            }
            let file = self.files.next()?;
            match Sheet::open(self.repository, file, Subject::Groups, self.now) {
                Ok(sheet) => self.sheet = Some(sheet),
                Err(complaints) => {
                    self.doubts.groups = true;
                    return Some(Err(complaints.into()));
                }
            }
        }
    }
}
