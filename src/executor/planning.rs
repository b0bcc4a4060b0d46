//! From a campaign to a staged plan: the audience is read, everything is rendered, nothing is sent.

use super::Error;
use crate::audience::{Resolver, Target};
use crate::campaign::Campaign;
use crate::files::{self, Repository, Rows};
use crate::identity::Moment;
use crate::journal::{Contents, Journal, PlanId};
use crate::plan::{Header, Planned, Planner};
use crate::schedule::Occurrence;
use crate::source::{Diagnostic, Severity, Spanned, plural};
use std::collections::VecDeque;

/// A plan that waits to be opened.
#[derive(Debug)]
pub struct Staged {
    pub plan: PlanId,
    pub header: Header,
    pub warnings: Vec<Diagnostic>,
}

/// Why nothing was staged. One error in one row, and nothing goes out.
#[derive(Debug, Default)]
pub struct Complaints {
    /// Each with how many more targets met the very same.
    found: Vec<(Diagnostic, u64)>,
    /// Errors beyond those kept.
    more: u64,
}

impl Complaints {
    /// Each is shown with its place; a file that is wrong throughout needs no more.
    const KEPT_MAX: usize = 50;

    fn add(&mut self, complaints: impl IntoIterator<Item = Diagnostic>) {
        for complaint in complaints {
            let same = |(known, _): &&mut (Diagnostic, u64)| is_same(known, &complaint);
            if let Some((_, again)) = self.found.iter_mut().find(same) {
                *again += 1;
            } else if self.found.len() < Self::KEPT_MAX {
                self.found.push((complaint, 0));
            } else {
                self.more += u64::from(complaint.severity == Severity::Error);
            }
        }
    }

    fn has_errors(&self) -> bool {
        self.more > 0
            || self
                .found
                .iter()
                .any(|(complaint, _)| complaint.severity == Severity::Error)
    }

    /// What is to be shown, and how many errors are not.
    pub fn shown(self) -> (Vec<Diagnostic>, u64) {
        let shown = self.found.into_iter().map(|(complaint, again)| {
            if again == 0 {
                return complaint;
            }
            let help = complaint
                .help
                .clone()
                .map(|help| format!("{help}; "))
                .unwrap_or_default();
            complaint.help(format!(
                "{help}the same for {}",
                plural(again, "more target")
            ))
        });
        (shown.collect(), self.more)
    }
}

/// A slip in a template is met by every target; it is one slip.
fn is_same(one: &Diagnostic, other: &Diagnostic) -> bool {
    let place =
        |diagnostic: &Diagnostic| diagnostic.primary.as_ref().map(|label| label.span.clone());
    one.code == other.code && one.message == other.message && place(one) == place(other)
}

/// Reads, renders and stages a whole campaign. Every target is tried, so that every complaint is heard.
pub async fn stage(
    journal: &Journal,
    repository: &Repository,
    campaign: &Campaign,
    occurrence: &Occurrence,
    now: Moment,
) -> Result<Result<Staged, Complaints>, Error> {
    let plan = journal.stage(now).await?;
    let mut planner = Planner::new(campaign, occurrence);
    let mut complaints = Complaints::default();
    let mut contents = Contents::default();
    let mut chunk: Vec<Planned> = Vec::new();
    for target in Targets::new(repository, campaign) {
        let delivery =
            target.and_then(|target| planner.plan(&target).map_err(|complaint| vec![complaint]));
        match delivery {
            Ok(delivery) => chunk.push(delivery),
            Err(found) => complaints.add(found),
        }
        if chunk.len() == Journal::CHUNK {
            if !complaints.has_errors() {
                journal.stage_chunk(plan, &chunk, &mut contents).await?;
            }
            chunk.clear();
        }
    }
    if complaints.has_errors() {
        journal.discard(plan).await?;
        return Ok(Err(complaints));
    }
    journal.stage_chunk(plan, &chunk, &mut contents).await?;
    Ok(Ok(Staged {
        plan,
        header: planner.finish(),
        warnings: complaints.shown().0,
    }))
}

/// The targets of a campaign, one at a time: groups first, then file after file.
struct Targets<'a> {
    repository: &'a Repository,
    resolver: Resolver,
    groups: VecDeque<Target>,
    complaints: Vec<Diagnostic>,
    files: std::slice::Iter<'a, Spanned<String>>,
    rows: Option<(&'a Spanned<String>, Rows)>,
}

impl<'a> Targets<'a> {
    fn new(repository: &'a Repository, campaign: &'a Campaign) -> Targets<'a> {
        let mut resolver = Resolver::default();
        let mut complaints = Vec::new();
        let groups = resolver.groups(&campaign.audience, &mut complaints).into();
        let files = campaign.audience.files.iter();
        Targets {
            repository,
            resolver,
            groups,
            complaints,
            files,
            rows: None,
        }
    }

    /// Opens a file and takes its header in.
    fn open(&mut self, path: &'a Spanned<String>) -> Result<(), Vec<Diagnostic>> {
        let unreadable = |error: &files::Error| vec![error.diagnostic(&path.span)];
        let mut rows = self
            .repository
            .rows(path)
            .map_err(|error| unreadable(&error))?;
        let header = match rows.next() {
            Some(Ok(header)) => header,
            Some(Err(error)) => return Err(unreadable(&error)),
            None => {
                let complaint = Diagnostic::error(
                    "empty-file",
                    &path.span,
                    format!("`{}` is empty", path.value),
                );
                return Err(vec![
                    complaint.help("its first line names the columns: `group,city`"),
                ]);
            }
        };
        self.resolver.header(path, &header)?;
        self.rows = Some((path, rows));
        Ok(())
    }
}

impl Iterator for Targets<'_> {
    type Item = Result<Target, Vec<Diagnostic>>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.complaints.is_empty() {
            return Some(Err(std::mem::take(&mut self.complaints)));
        }
        if let Some(target) = self.groups.pop_front() {
            return Some(Ok(target));
        }
        loop {
            if let Some((path, rows)) = &mut self.rows {
                match rows.next() {
                    Some(Ok(row)) => {
                        return Some(self.resolver.row(&row).map_err(|complaint| vec![complaint]));
                    }
                    Some(Err(error)) => {
                        return Some(Err(vec![error.diagnostic(&path.span)]));
                    }
                    None => self.rows = None,
                }
            }
            let path = self.files.next()?;
            if let Err(complaints) = self.open(path) {
                return Some(Err(complaints));
            }
        }
    }
}
