//! From a campaign to its deliveries, chunk by chunk: the audience is read, everything is rendered, nothing is kept.

use super::complaints::Complaints;
use super::targets::Targets;
use crate::audience::{LeftOut, Member, Rejected, Resolver, Target};
use crate::campaign::{Campaign, Doubted, Doubts};
use crate::channel::Channel;
use crate::containment::contained;
use crate::files::Repository;
use crate::identity::{GroupId, Moment};
use crate::plan::{Frame, Header, LOOKED_THROUGH_MAX, Planned, Planner, Turn};
use crate::seeded_bug::SeededBug;
use crate::source::{Diagnostic, Span};
use crate::template::{Case, Ready, undefined};

/// A plan on its way. Every target is tried, so that every complaint is heard.
pub struct Draft<'a> {
    planner: Planner<'a>,
    turn: Turn<'a>,
    /// Where a fault is shown whose place is not known.
    place: &'a Span,
    channel: Channel,
    /// None for a broadcast, which has a single delivery.
    targets: Option<Targets<'a>>,
    complaints: Complaints,
    doubts: &'a Doubts,
    /// Whoever doubtful targets are: what is wrong with all that are met is wrong.
    suspected: Complaints,
    tried: u64,
    is_over: bool,
}

/// A target with its deliveries. A broadcast has no target, and what is wrong has neither.
pub struct Met {
    pub target: Option<Target>,
    pub deliveries: Vec<Planned>,
}

/// Message bodies of one chunk, in bytes.
const CHUNK_BYTES: usize = 4 << 20;
const FAILS: &str = "the campaign makes campanile fail when it is planned";
/// What templates call one of the members.
const MEMBER: &str = "member";

impl<'a> Draft<'a> {
    pub fn new(
        repository: &'a Repository,
        campaign: &'a Campaign,
        ready: &'a Ready<'a>,
        (frame, turn): (&Frame, Turn<'a>),
        now: Moment,
    ) -> Draft<'a> {
        let audience = campaign.audience.as_ref();
        let place = campaign.send.text_span();
        let mut complaints = Complaints::default();
        // It is looked through though a broadcast takes none.
        let targets = audience.map(|audience| {
            let resolver = Resolver::new(audience, ready, &campaign.name);
            contained(|| Targets::new(repository, audience, resolver, (now, turn)))
        });
        let targets = targets.transpose().unwrap_or_else(|panicked| {
            complaints.add([Diagnostic::internal(place, FAILS, &panicked)]);
            None
        });
        Draft {
            planner: Planner::new(campaign, ready, (frame, turn)),
            turn,
            place,
            channel: campaign.channel(),
            targets,
            complaints,
            doubts: &campaign.doubts,
            suspected: Complaints::default(),
            tried: 0,
            is_over: false,
        }
    }

    /// The next deliveries, about so many and not much more than 4 MiB of bodies; `None` when all are out.
    pub fn next_chunk(&mut self, about: usize) -> Option<Vec<Planned>> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < about && bytes < CHUNK_BYTES {
            let Some(met) = self.next_met() else { break };
            let contents = met.deliveries.iter().map(|each| each.request.content.len());
            bytes += contents.sum::<usize>();
            chunk.extend(met.deliveries);
        }
        (!chunk.is_empty() || !self.is_over).then_some(chunk)
    }

    /// The next target with its deliveries; `None` when all are out.
    pub fn next_met(&mut self) -> Option<Met> {
        if self.is_over {
            return None;
        }
        let met = contained(|| self.step()).unwrap_or_else(|panicked| {
            // What is half done is not gone on with.
            self.is_over = true;
            self.nobody([Diagnostic::internal(self.place, FAILS, &panicked)])
        });
        Some(met)
    }

    fn step(&mut self) -> Met {
        if !(self.turn)() {
            self.is_over = true;
            return self.nobody([]);
        }
        let next = self.targets.as_mut().and_then(Iterator::next);
        let (target, is_rejected) = match next {
            Some(Ok(target)) => (target, false),
            Some(Err(Rejected { complaints, target })) => {
                self.complaints.add(complaints);
                match target {
                    Some(target) => (*target, true),
                    None => return self.nobody([]),
                }
            }
            None => return self.end(),
        };
        if self.channel == Channel::Broadcast {
            return self.nobody([]);
        }
        let is_runaway = self.complaints.has_runaway() || self.suspected.has_runaway();
        if is_runaway && !SeededBug::RunawayForEveryRow.is_active() {
            // What is wrong with the rows themselves is heard all the same.
            if !is_rejected {
                self.complaints.add_untried();
            }
            return self.nobody([]);
        }
        self.tried += 1;
        let planned = self.planner.plan(&target);
        let mut wrong = self.planner.warnings();
        let deliveries = planned.map_err(|found| wrong.extend(found));
        wrong.retain(|complaint| !self.is_explained(complaint));
        if is_rejected || self.is_choice_doubtful() {
            self.suspected.add(wrong);
            return self.nobody([]);
        }
        self.complaints.add(wrong);
        match deliveries {
            Ok(deliveries) => Met {
                target: Some(target),
                deliveries,
            },
            Err(()) => self.nobody([]),
        }
    }

    /// All targets are out: what remains to be said.
    fn end(&mut self) -> Met {
        self.is_over = true;
        let reads = self.targets.as_ref().map(|targets| targets.doubts);
        let is_known = self.doubts.is_picking_known() && reads.is_none_or(|reads| !reads.groups);
        if let (Some(targets), true) = (&self.targets, is_known) {
            let found = targets.resolver.finish();
            self.complaints.add(found);
        }
        if self.channel == Channel::Broadcast && self.targets.is_none() {
            let planned = self.planner.broadcast();
            self.complaints.add(self.planner.warnings());
            return match planned {
                Ok(delivery) => Met {
                    target: None,
                    deliveries: vec![delivery],
                },
                Err(mut found) => {
                    found.retain(|complaint| !self.doubts.explain(complaint));
                    self.nobody(found)
                }
            };
        }
        let least = self.tried.min(LOOKED_THROUGH_MAX);
        let suspected = std::mem::take(&mut self.suspected);
        self.complaints.add_of_all(suspected, least);
        // Where nobody can be met though somebody is meant, the texts are looked through as far as they go.
        let is_lacking = self.targets.is_none() || self.complaints.has_errors();
        if self.tried == 0 && (is_lacking || self.doubts.has(Doubted::Groups)) {
            let mut found = self.planner.wrong_for_everybody();
            found.retain(|complaint| !self.doubts.explain(complaint));
            self.complaints.add(found);
        }
        self.nobody([])
    }

    fn is_choice_doubtful(&self) -> bool {
        let reads = self.targets.as_ref().map(|targets| targets.doubts);
        self.doubts.has(Doubted::Choice)
            || self.doubts.has(Doubted::Members)
            || reads.is_some_and(|reads| reads.choice || reads.members)
    }

    /// Whether a complaint only follows from something that could not be read, and that has been told.
    fn is_explained(&self, complaint: &Diagnostic) -> bool {
        let reads = self.targets.as_ref().map(|targets| targets.doubts);
        let is_of_members = undefined(complaint) == Some(MEMBER);
        self.doubts.explain(complaint)
            || (is_of_members && reads.is_some_and(|reads| reads.members))
    }

    /// Complaints in place of a target.
    fn nobody(&mut self, found: impl IntoIterator<Item = Diagnostic>) -> Met {
        self.complaints.add(found);
        Met {
            target: None,
            deliveries: Vec::new(),
        }
    }

    /// The texts that a delivery chose where there are several. `member` is the first that it is for.
    pub fn cases(&self, target: Option<&Target>, member: Option<&Member>) -> Vec<Case> {
        self.planner.cases(target, member)
    }

    /// Why a group is no target, when all are out. `None`: nobody named it.
    pub fn left_out(&mut self, group: &GroupId) -> Option<LeftOut> {
        self.targets.as_mut()?.resolver.left_out(group)
    }

    /// Whether anybody is addressed so far.
    pub fn has_met_somebody(&self) -> bool {
        self.tried > 0
    }

    pub fn has_errors(&self) -> bool {
        self.complaints.has_errors()
    }

    /// What was planned, and what was said on the way.
    pub fn finish(self) -> (Header, Complaints) {
        (self.planner.finish(), self.complaints)
    }
}
