//! From a campaign to its deliveries, chunk by chunk: the audience is read, everything is rendered, nothing is kept.

use super::complaints::Complaints;
use super::targets::Targets;
use crate::audience::Resolver;
use crate::campaign::Campaign;
use crate::files::Repository;
use crate::identity::Moment;
use crate::plan::{Frame, Header, Planned, Planner};
use crate::template::Ready;

/// A plan on its way. Every target is tried, so that every complaint is heard.
pub struct Draft<'a> {
    planner: Planner<'a>,
    /// None for a broadcast, which has a single delivery.
    targets: Option<Targets<'a>>,
    complaints: Complaints,
    is_over: bool,
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
        while !self.is_over && chunk.len() < about {
            self.step(&mut chunk);
            self.complaints.add(self.planner.warnings());
        }
        (!chunk.is_empty() || !self.is_over).then_some(chunk)
    }

    fn step(&mut self, chunk: &mut Vec<Planned>) {
        let Some(targets) = &mut self.targets else {
            self.is_over = true;
            match self.planner.broadcast() {
                Ok(delivery) => chunk.push(delivery),
                Err(complaint) => self.complaints.add([complaint]),
            }
            return;
        };
        let Some(target) = targets.next() else {
            self.is_over = true;
            return self.complaints.add(targets.resolver.finish());
        };
        match target.and_then(|target| self.planner.plan(&target)) {
            Ok(deliveries) => chunk.extend(deliveries),
            Err(found) => self.complaints.add(found),
        }
    }

    pub fn has_errors(&self) -> bool {
        self.complaints.has_errors()
    }

    /// What was planned, and what was said on the way.
    pub fn finish(self) -> (Header, Complaints) {
        (self.planner.finish(), self.complaints)
    }
}
