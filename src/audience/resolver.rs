//! From groups and rows to Targets.

use super::meant::Group;
use super::picked::{Picked, group_key};
use super::places::{First, Places};
use super::roster::Roster;
use super::row::Row;
use super::table::{Record, Subject, Table};
use super::target::{Member, Origin, Reach, Target, about};
use super::{Audience, ListFile};
use crate::identity::{CampaignName, Digest, GroupId};
use crate::source::{Diagnostic, Span, plural};
use crate::template::{Ready, Value, is_runaway};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Takes rows as they come; of each group it keeps a digest and a place.
#[derive(Debug)]
pub struct Resolver<'a> {
    audience: &'a Audience,
    ready: &'a Ready<'a>,
    campaign: &'a CampaignName,
    only: Option<Picked>,
    exclude: Option<Picked>,
    roster: Roster,
    places: Places,
    /// Groups of the member files that became targets.
    asked: HashSet<u64>,
    /// Rows read before the groups.
    rows_before: u32,
    /// Who is a member is not known for certain.
    has_doubtful_members: bool,
    /// `where` went on without end for somebody, and nobody else is asked.
    is_condition_runaway: bool,
}

/// A group that cannot be sent to. What it would get can be looked through all the same, where it is known who it is.
#[derive(Debug)]
pub struct Rejected {
    pub complaints: Vec<Diagnostic>,
    pub target: Option<Box<Target>>,
}

impl From<Diagnostic> for Rejected {
    fn from(complaint: Diagnostic) -> Rejected {
        Rejected::from(vec![complaint])
    }
}

impl From<Vec<Diagnostic>> for Rejected {
    fn from(complaints: Vec<Diagnostic>) -> Rejected {
        Rejected {
            complaints,
            target: None,
        }
    }
}

type Taken = Result<Option<Target>, Rejected>;

/// What keeps a group that was named from being a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    Only,
    Exclude,
    Sample,
    Where,
}

impl LeftOut {
    /// As the end of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            LeftOut::Only => "it is not among those of `only`",
            LeftOut::Exclude => "`exclude` names it",
            LeftOut::Sample => "it is not in the `sample`",
            LeftOut::Where => "`where` does not hold for it",
        }
    }
}

/// What a file is read for before the groups are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Only,
    Exclude,
    Members,
}

/// Rows of all files together.
pub(super) const ROWS_MAX: u32 = 10_000_000;

impl<'a> Resolver<'a> {
    pub fn new(
        audience: &'a Audience,
        ready: &'a Ready<'a>,
        campaign: &'a CampaignName,
    ) -> Resolver<'a> {
        let mut roster = Roster::default();
        for (id, span) in &audience.members {
            roster.add_plain(id, span);
        }
        Resolver {
            audience,
            ready,
            campaign,
            only: audience.only.as_ref().map(Picked::of),
            exclude: audience.exclude.as_ref().map(Picked::of),
            roster,
            places: Places::default(),
            asked: HashSet::new(),
            rows_before: 0,
            has_doubtful_members: false,
            is_condition_runaway: false,
        }
    }

    /// A file of [`Resolver::files_before`] could not be read whole: what it was to leave out stays.
    pub fn doubt(&mut self, part: Part) {
        match part {
            Part::Only => self.only = None,
            Part::Exclude => self.exclude = None,
            Part::Members => self.has_doubtful_members = true,
        }
    }

    /// The files that are read before the groups are asked for, and what each is about.
    pub fn files_before(&self) -> Vec<(Part, Subject, &'a ListFile)> {
        let Audience { only, exclude, .. } = self.audience;
        let mut files = Vec::new();
        for (part, selection) in [(Part::Only, only), (Part::Exclude, exclude)] {
            let Some(selection) = selection else { continue };
            let groups = selection.group_files.iter();
            files.extend(groups.map(|file| (part, Subject::Groups, file)));
            let members = selection.member_files.iter();
            files.extend(members.map(|file| (part, Subject::Members, file)));
        }
        let members = self.audience.member_files.iter();
        files.extend(members.map(|file| (Part::Members, Subject::Members, file)));
        files
    }

    /// Begins a file of [`Resolver::files_before`].
    pub fn begin(&mut self, part: Part, file: &ListFile) {
        if let Some(picked) = self.picked(part) {
            picked.source(&file.path, &file.path.span);
        }
    }

    /// A row of such a file.
    pub fn row_before(
        &mut self,
        part: Part,
        table: &Table,
        row: &Row,
    ) -> Result<(), Vec<Diagnostic>> {
        let record = table.record(row)?;
        if self.rows_before == ROWS_MAX {
            return Err(vec![too_many(&row.span(&table.path, 0))]);
        }
        self.rows_before += 1;
        match self.picked(part) {
            Some(picked) => picked.add(&record),
            None => self.roster.add(record),
        }
        Ok(())
    }

    fn picked(&mut self, part: Part) -> Option<&mut Picked> {
        match part {
            Part::Only => self.only.as_mut(),
            Part::Exclude => self.exclude.as_mut(),
            Part::Members => None,
        }
    }

    /// All files before the groups are read.
    pub fn ready_for_groups(&mut self) {
        for picked in [&mut self.only, &mut self.exclude].into_iter().flatten() {
            picked.sort();
        }
    }

    /// The groups of the campaign file, or those of the member files.
    pub fn groups(&mut self) -> Vec<Result<Target, Rejected>> {
        let mut taken: Vec<Taken> = Vec::new();
        for group in &self.audience.groups {
            taken.push(self.group(group));
        }
        if self.audience.takes_groups_of_members() {
            for (group, origin) in std::mem::take(&mut self.roster.groups) {
                taken.push(self.of_members(group, origin));
            }
        }
        taken.into_iter().filter_map(Result::transpose).collect()
    }

    fn group(&mut self, group: &Group) -> Taken {
        let variables = group.variables.clone().into_iter();
        let (names, values): (Vec<String>, Vec<Value>) = variables.unzip();
        let record = Record {
            group: Some(group.id.clone()),
            kind: group.kind,
            member: None,
            names: names.into(),
            values,
            origin: Origin {
                path: group.span.source().path.as_str().into(),
                line: group.span.line() as u64,
            },
            wrong: Vec::new(),
        };
        if group.is_doubtful {
            self.check_first(&group.id, &record, &|| group.span.clone())?;
            self.takes(&group.id);
            return Ok(None);
        }
        self.target(record, || group.span.clone())
    }

    fn of_members(&mut self, group: GroupId, origin: Origin) -> Taken {
        let span = self.audience.member_files.first();
        let span = span.map(|file| file.path.span.clone());
        let record = Record {
            group: Some(group),
            kind: None,
            member: None,
            names: Arc::new([]),
            values: Vec::new(),
            origin,
            wrong: Vec::new(),
        };
        let nowhere = || Span::new(&crate::source::Source::new("", ""), 0..0);
        self.target(record, || span.clone().unwrap_or_else(nowhere))
    }

    /// A row of a file of groups. `None`: it is left out.
    pub fn row(&mut self, table: &Table, row: &Row) -> Taken {
        let mut record = table.record(row)?;
        let mut wrong = std::mem::take(&mut record.wrong);
        let taken = self.target(record, || row.span(&table.path, 0));
        if wrong.is_empty() {
            return taken;
        }
        let target = match taken {
            Ok(target) => target.map(Box::new),
            Err(rejected) => {
                wrong.extend(rejected.complaints);
                rejected.target
            }
        };
        Err(Rejected {
            complaints: wrong,
            target,
        })
    }

    fn target(&mut self, record: Record, span: impl Fn() -> Span) -> Taken {
        let Some(group) = record.group.clone() else {
            return Ok(None);
        };
        self.check_first(&group, &record, &span)?;
        if !self.takes(&group) {
            return Ok(None);
        }
        let context = record.group_context(&group);
        let target = Target {
            kind: record.kind,
            reach: Reach::Everybody,
            origin: record.origin,
            context,
            group,
        };
        let fits = self.fits(&target);
        if let Ok(false) = fits {
            return Ok(None);
        }
        let (reach, mut complaints) = self.reach(&target);
        complaints.extend(fits.err());
        let target = Target { reach, ..target };
        if complaints.is_empty() {
            return Ok(Some(target));
        }
        Err(Rejected {
            complaints,
            target: Some(Box::new(target)),
        })
    }

    /// The same group twice would be two messages to the same people.
    fn check_first(
        &mut self,
        group: &GroupId,
        record: &Record,
        span: &impl Fn() -> Span,
    ) -> Result<(), Diagnostic> {
        let first = match self
            .places
            .first(group_key(group), record.digest(), &record.origin)
        {
            First::Here => return Ok(()),
            First::TooMany => return Err(too_many(&span())),
            First::Equal(place) => {
                let message = format!(
                    "the group `{group}` stands here again, with the same values; it gets one message"
                );
                return Err(Diagnostic::warning("group-again", &span(), message)
                    .help(format!("it stands first at {place}")));
            }
            First::Other(place) => place,
        };
        let message = format!("the group `{group}` stands here again, with other values");
        Err(Diagnostic::error("group-twice", &span(), message)
            .help(format!("keep one of the two; the other is at {first}")))
    }

    /// `only`, `exclude` and `sample`, as far as they are about the group.
    fn takes(&mut self, group: &GroupId) -> bool {
        let only = self.only.as_mut().and_then(|only| only.group(group));
        let excluded = self.exclude.as_mut().and_then(|picked| picked.group(group));
        only.unwrap_or(true) && !excluded.unwrap_or(false) && self.is_sampled(group)
    }

    /// The same groups each time: chance is a digest.
    fn is_sampled(&self, group: &GroupId) -> bool {
        let Some(part) = self.audience.sample else {
            return true;
        };
        let campaign = self.campaign.as_str().as_bytes();
        let digest = Digest::of("sample", [campaign, group.as_str().as_bytes()]);
        u64::from(digest.first_32_bits()) < part
    }

    /// Why a group is no target, when all groups have been met. `None`: nobody named it.
    pub fn left_out(&mut self, group: &GroupId) -> Option<LeftOut> {
        if !self.places.knows(group_key(group)) {
            return None;
        }
        let only = self.only.as_mut().and_then(|only| only.group(group));
        let excluded = self.exclude.as_mut().and_then(|picked| picked.group(group));
        Some(match (only, excluded) {
            (Some(false), _) => LeftOut::Only,
            (_, Some(true)) => LeftOut::Exclude,
            _ if !self.is_sampled(group) => LeftOut::Sample,
            _ => LeftOut::Where,
        })
    }

    /// `where`, as far as it is about the group.
    fn fits(&mut self, target: &Target) -> Result<bool, Diagnostic> {
        let condition = self.audience.condition;
        let condition = condition.filter(|condition| !condition.is_of_members);
        let Some(condition) = condition.filter(|_| !self.is_condition_runaway) else {
            return Ok(true);
        };
        let context = Value::from(BTreeMap::from([("group", target.context.clone())]));
        let holds = self.ready.holds(condition.expression, &context);
        self.is_condition_runaway = holds.as_ref().is_err_and(is_runaway);
        holds.map_err(|complaint| about(complaint, &target.group, &target.origin))
    }

    /// Who of the group gets it. Of whom that cannot be told gets it as far as it is looked through.
    fn reach(&mut self, target: &Target) -> (Reach, Vec<Diagnostic>) {
        if !self.audience.names_members() || self.has_doubtful_members {
            return (Reach::Everybody, Vec::new());
        }
        if !self.roster.groups.is_empty() {
            self.asked.insert(group_key(&target.group));
        }
        let (mut members, mut complaints) = self.roster.of(&target.group);
        for (picked, wanted) in [(&mut self.only, true), (&mut self.exclude, false)] {
            if let Some(picked) = picked {
                members.retain(|member| {
                    let is_in = picked.member(&target.group, &member.id);
                    is_in.is_none_or(|is_in| is_in == wanted)
                });
            }
        }
        let condition = self.audience.condition;
        if let Some(condition) = condition.filter(|condition| condition.is_of_members) {
            members.retain(|member| {
                if self.is_condition_runaway {
                    return true;
                }
                let context = member_context(target, member);
                let holds = self.ready.holds(condition.expression, &context);
                holds.unwrap_or_else(|complaint| {
                    self.is_condition_runaway = is_runaway(&complaint);
                    complaints.push(about(complaint, &target.group, &member.origin));
                    true
                })
            });
        }
        complaints.dedup();
        (Reach::Members(members), complaints)
    }

    /// What is worth a word when all groups have been met.
    pub fn finish(&self) -> Vec<Diagnostic> {
        let unmet = self.exclude.iter().flat_map(Picked::unmet);
        let mut warnings: Vec<Diagnostic> = unmet.collect();
        let file = self.audience.member_files.first();
        let (count, first) = self.roster.unasked(&self.asked);
        if let (Some(file), Some((group, origin))) = (file, first) {
            let message = format!(
                "{} of the member files {} not among the targets",
                plural(count as u64, "group"),
                if count == 1 { "is" } else { "are" }
            );
            let warning = Diagnostic::warning("members-elsewhere", &file.path.span, message);
            warnings.push(warning.help(format!("the first is `{group}` at {origin}")));
        }
        warnings
    }
}

fn too_many(span: &Span) -> Diagnostic {
    let message = format!(
        "an audience may have {}",
        plural(u64::from(ROWS_MAX), "row")
    );
    Diagnostic::error("too-many-rows", span, message)
}

fn member_context(target: &Target, member: &Member) -> Value {
    Value::from(BTreeMap::from([
        ("group", target.context.clone()),
        ("member", member.context()),
    ]))
}
