//! The members an audience names, by group.

use super::picked::group_key;
use super::table::Record;
use super::target::{Member, Origin};
use crate::identity::{GroupId, UserId};
use crate::source::{Diagnostic, Source, Span};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Two lines about one member of one group.
pub const MEMBER_TWICE: &str = "member-twice";

#[derive(Debug, Default)]
pub(super) struct Roster {
    everywhere: Vec<Arc<Member>>,
    /// Where those of the campaign file stand.
    written: HashMap<UserId, Span>,
    by_group: HashMap<u64, Vec<Arc<Member>>>,
    /// Groups in the order of the files, each with where it was named first.
    pub(super) groups: Vec<(GroupId, Origin)>,
}

impl Roster {
    /// A member of the campaign file: of every group.
    pub(super) fn add_plain(&mut self, id: &UserId, span: &Span) {
        let origin = Origin {
            path: span.source().path.as_str().into(),
            line: span.line() as u64,
        };
        self.written
            .entry(id.clone())
            .or_insert_with(|| span.clone());
        self.everywhere.push(Arc::new(Member {
            id: id.clone(),
            names: Arc::new([]),
            values: Box::new([]),
            origin,
        }));
    }

    pub(super) fn add(&mut self, record: Record) {
        let Some(id) = record.member else { return };
        let origin = record.origin.clone();
        let member = Arc::new(Member {
            id,
            names: record.names,
            values: record.values.into(),
            origin: record.origin,
        });
        let Some(group) = record.group else {
            self.everywhere.push(member);
            return;
        };
        let members = self.by_group.entry(group_key(&group)).or_default();
        if members.is_empty() {
            self.groups.push((group, origin));
        }
        members.push(member);
    }

    /// The members of a group in the order of the files; who is named twice gets one message. Two lines that differ are
    /// an error: nobody knows which is meant.
    pub(super) fn of(&self, group: &GroupId) -> (Vec<Arc<Member>>, Vec<Diagnostic>) {
        let own = self.by_group.get(&group_key(group));
        let named = self.everywhere.iter().chain(own.into_iter().flatten());
        let mut seen: HashSet<&UserId> = HashSet::new();
        let mut members: Vec<Arc<Member>> = Vec::new();
        let mut complaints = Vec::new();
        for member in named {
            if seen.insert(&member.id) {
                members.push(Arc::clone(member));
                continue;
            }
            let first = members.iter().find(|known| known.id == member.id);
            if let Some(first) = first.filter(|first| !first.is_same(member)) {
                let message = format!(
                    "the member `{}` is named twice in the group `{group}`, with different values",
                    member.id
                );
                let twice = Diagnostic::error(MEMBER_TWICE, &self.place(member), message);
                let twice = twice.also(&self.place(first), "the other stands here");
                complaints.push(twice.help("keep one of the two"));
            }
        }
        (members, complaints)
    }

    /// Of a line of a file only its number is known by now; whoever can read the file shows the line.
    fn place(&self, member: &Member) -> Span {
        let Origin { path, line } = &member.origin;
        let line = usize::try_from(*line).unwrap_or(usize::MAX);
        let written = self.written.get(&member.id);
        let written = written.filter(|span| span.source().path == **path && span.line() == line);
        written.cloned().unwrap_or_else(|| {
            let excerpt = Source::excerpt(&**path, "", line);
            Span::beginning(&excerpt)
        })
    }

    /// How many groups of the files have not been asked for; the rest is told by the first of them.
    pub(super) fn unasked(&self, asked: &HashSet<u64>) -> (usize, Option<&(GroupId, Origin)>) {
        let is_unasked = |(group, _): &&(GroupId, Origin)| !asked.contains(&group_key(group));
        let mut unasked = self.groups.iter().filter(is_unasked);
        let first = unasked.next();
        (unasked.count() + usize::from(first.is_some()), first)
    }
}
