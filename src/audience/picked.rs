//! Groups and members that are picked out, as digests: a list of ten million ids fits into memory.

use super::Selection;
use super::table::Record;
use crate::identity::{Digest, GroupId, UserId};
use crate::source::{Diagnostic, Span};

/// `only` or `exclude`, read.
#[derive(Debug)]
pub(super) struct Picked {
    picks_groups: bool,
    picks_members: bool,
    groups: Keys,
    members: Keys,
    /// Where the keys come from, and whether any of them met somebody.
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    name: String,
    span: Span,
    has_met: bool,
}

/// Sorted before they are asked; each with its source.
#[derive(Debug, Default)]
struct Keys {
    sorted: Vec<(u64, u32)>,
}

impl Picked {
    pub(super) fn of(selection: &Selection) -> Picked {
        let mut picked = Picked {
            picks_groups: selection.picks_groups(),
            picks_members: selection.picks_members(),
            groups: Keys::default(),
            members: Keys::default(),
            sources: Vec::new(),
        };
        for (id, span) in &selection.groups {
            picked.source(id.as_str(), span);
            picked.groups.add(group_key(id), &picked.sources);
        }
        for (id, span) in &selection.members {
            picked.source(id.as_str(), span);
            picked.members.add(member_key(None, id), &picked.sources);
        }
        picked
    }

    /// What is added from here on comes from this place.
    pub(super) fn source(&mut self, name: &str, span: &Span) {
        self.sources.push(Source {
            name: name.to_owned(),
            span: span.clone(),
            has_met: false,
        });
    }

    pub(super) fn add(&mut self, record: &Record) {
        match (&record.member, &record.group) {
            (Some(member), group) => {
                let key = member_key(group.as_ref(), member);
                self.members.add(key, &self.sources);
            }
            (None, Some(group)) => self.groups.add(group_key(group), &self.sources),
            (None, None) => {}
        }
    }

    pub(super) fn sort(&mut self) {
        self.groups.sorted.sort_unstable();
        self.members.sorted.sort_unstable();
    }

    /// Whether a group is in it; `None` where it says nothing about groups.
    pub(super) fn group(&mut self, group: &GroupId) -> Option<bool> {
        if !self.picks_groups {
            return None;
        }
        let source = self.groups.find(group_key(group));
        Some(self.met(source))
    }

    pub(super) fn member(&mut self, group: &GroupId, member: &UserId) -> Option<bool> {
        if !self.picks_members {
            return None;
        }
        let anywhere = self.members.find(member_key(None, member));
        let here = self.members.find(member_key(Some(group), member));
        Some(self.met(anywhere) | self.met(here))
    }

    fn met(&mut self, source: Option<u32>) -> bool {
        let Some(source) = source else { return false };
        if let Some(source) = self.sources.get_mut(source as usize) {
            source.has_met = true;
        }
        true
    }

    /// What met nobody, which is mostly a slip.
    pub(super) fn unmet(&self) -> impl Iterator<Item = Diagnostic> {
        let unmet = self.sources.iter().filter(|source| !source.has_met);
        unmet.map(|source| {
            let message = format!("`{}` excludes nobody of the audience", source.name);
            Diagnostic::warning("excludes-nobody", &source.span, message)
                .help("look for a slip, or drop it")
        })
    }
}

impl Keys {
    fn add(&mut self, key: u64, sources: &[Source]) {
        let source = sources.len().saturating_sub(1);
        self.sorted
            .push((key, u32::try_from(source).unwrap_or(u32::MAX)));
    }

    fn find(&self, key: u64) -> Option<u32> {
        let at = self.sorted.partition_point(|(known, _)| *known < key);
        let (known, source) = self.sorted.get(at)?;
        (*known == key).then_some(*source)
    }
}

/// Sixty-four bits of a digest: two of ten million groups meet by chance once in three hundred thousand audiences.
pub(super) fn group_key(group: &GroupId) -> u64 {
    Digest::of("group", [group.as_str().as_bytes()]).first_64_bits()
}

/// A member of one group, or of whatever group.
fn member_key(group: Option<&GroupId>, member: &UserId) -> u64 {
    let group = group.map_or("", GroupId::as_str);
    Digest::of("member", [group.as_bytes(), member.as_str().as_bytes()]).first_64_bits()
}
