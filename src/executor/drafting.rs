//! From a campaign to its deliveries, chunk by chunk: the audience is read, everything is rendered, nothing is kept.

use super::complaints::Complaints;
use super::targets::Targets;
use crate::audience::{LeftOut, Member, Resolver, Target};
use crate::campaign::Campaign;
use crate::files::Repository;
use crate::identity::{GroupId, Moment};
use crate::plan::{Frame, Header, Planned, Planner};
use crate::source::Diagnostic;
use crate::template::{Case, Ready};

/// A plan on its way. Every target is tried, so that every complaint is heard.
pub struct Draft<'a> {
    planner: Planner<'a>,
    /// None for a broadcast, which has a single delivery.
    targets: Option<Targets<'a>>,
    complaints: Complaints,
    is_over: bool,
}

/// A target with its deliveries. A broadcast has no target, and what is wrong has neither.
pub struct Met {
    pub target: Option<Target>,
    pub deliveries: Vec<Planned>,
}

impl<'a> Draft<'a> {
    pub fn new(
        repository: &'a Repository,
        campaign: &'a Campaign,
        ready: &'a Ready<'a>,
        frame: &Frame,
        now: Moment,
    ) -> Draft<'a> {
        let audience = campaign.audience.as_ref();
        let targets = audience.map(|audience| {
            let resolver = Resolver::new(audience, ready, &campaign.name);
            Targets::new(repository, audience, resolver, now)
        });
        Draft {
            planner: Planner::new(campaign, ready, frame),
            targets,
            complaints: Complaints::default(),
            is_over: false,
        }
    }

    /// The next deliveries, about so many; `None` when all are out.
    pub fn next_chunk(&mut self, about: usize) -> Option<Vec<Planned>> {
        let mut chunk = Vec::new();
        while chunk.len() < about {
            let Some(met) = self.next_met() else { break };
            chunk.extend(met.deliveries);
        }
        (!chunk.is_empty() || !self.is_over).then_some(chunk)
    }

    /// The next target with its deliveries; `None` when all are out.
    pub fn next_met(&mut self) -> Option<Met> {
        if self.is_over {
            return None;
        }
        let met = self.step();
        self.complaints.add(self.planner.warnings());
        Some(met)
    }

    fn step(&mut self) -> Met {
        let Some(targets) = &mut self.targets else {
            self.is_over = true;
            return match self.planner.broadcast() {
                Ok(delivery) => Met {
                    target: None,
                    deliveries: vec![delivery],
                },
                Err(complaint) => self.nobody([complaint]),
            };
        };
        let Some(target) = targets.next() else {
            self.is_over = true;
            let found = targets.resolver.finish();
            return self.nobody(found);
        };
        let planned = target.and_then(|target| Ok((self.planner.plan(&target)?, target)));
        match planned {
            Ok((deliveries, target)) => Met {
                target: Some(target),
                deliveries,
            },
            Err(found) => self.nobody(found),
        }
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

    pub fn has_errors(&self) -> bool {
        self.complaints.has_errors()
    }

    /// What was planned, and what was said on the way.
    pub fn finish(self) -> (Header, Complaints) {
        (self.planner.finish(), self.complaints)
    }
}
