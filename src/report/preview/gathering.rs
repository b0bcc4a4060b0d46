//! Which deliveries are shown, and what is counted of all.

use super::Sample;
use super::sample::Kept;
use crate::audience::{Member, Reach, Target};
use crate::channel::Channel;
use crate::identity::{DeliveryKey, Digest, GroupId, UserId};
use crate::plan::Planned;
use crate::report::reason::end_text;
use crate::source::nearest;
use crate::template::Case;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// More cases than this are counted, and not all are shown.
const CASES_SHOWN: usize = 20;
/// So many groups are looked through for the one that was probably meant.
const CANDIDATES: u64 = 20_000;

/// Takes deliveries one after the other and keeps little of them.
#[derive(Debug)]
pub struct Gathering {
    channel: Channel,
    /// Of the occurrence's key.
    digest: Digest,
    samples_max: usize,
    only: Option<GroupId>,
    taken: usize,
    for_cases: usize,
    pub(super) groups: u64,
    pub(super) members: u64,
    pub(super) cases: Vec<(Case, u64)>,
    pub(super) skipped: BTreeMap<String, u64>,
    pub(super) longest: Option<Kept>,
    /// Calls to the group that was asked for.
    pub(super) calls_of_group: u64,
    met: u64,
    meant: Option<String>,
}

impl Gathering {
    /// `cases` are those there are; `only` the one group that is to be shown.
    pub fn new(
        channel: Channel,
        digest: Digest,
        cases: Vec<Case>,
        samples_max: usize,
        only: Option<GroupId>,
    ) -> Gathering {
        Gathering {
            channel,
            digest,
            samples_max,
            only,
            taken: 0,
            for_cases: 0,
            groups: 0,
            members: 0,
            cases: cases.into_iter().map(|case| (case, 0)).collect(),
            skipped: BTreeMap::new(),
            longest: None,
            calls_of_group: 0,
            met: 0,
            meant: None,
        }
    }

    /// Counts a target's deliveries in, and gives those that are to be shown.
    pub fn meet(
        &mut self,
        target: Option<&Target>,
        deliveries: &[Planned],
        cases_of: impl Fn(Option<&Member>) -> Vec<Case>,
    ) -> Vec<Sample> {
        let is_asked_for = self.is_asked_for(target);
        let people = Lookup::of(target, deliveries);
        let mut samples = Vec::new();
        let mut is_sent = false;
        for planned in deliveries {
            let member = people.first(planned);
            let is_skipped = planned.skip.is_some();
            let cases = if self.cases.is_empty() || is_skipped {
                Vec::new()
            } else {
                cases_of(member)
            };
            is_sent |= !is_skipped;
            let is_new = self.count(planned, &cases);
            if is_skipped && self.only.is_none() {
                continue;
            }
            let is_longest = !is_skipped && self.is_longest(planned);
            if !(is_longest || self.is_shown(is_asked_for, is_new)) {
                continue;
            }
            let mut kept = self.kept(target, planned, member, cases);
            kept.is_shown = self.take(is_asked_for, is_new);
            samples.extend(kept.is_shown.then(|| kept.sample()));
            if is_longest {
                self.longest = Some(kept);
            }
        }
        self.groups += u64::from(target.is_some() && is_sent);
        samples
    }

    /// Whether a group was asked for and has not been met.
    pub fn is_missing(&self) -> bool {
        self.only.is_some() && self.calls_of_group == 0
    }

    /// The group that was probably meant by the one that was asked for.
    pub fn meant(&self) -> Option<&str> {
        self.meant.as_deref()
    }

    fn is_asked_for(&mut self, target: Option<&Target>) -> bool {
        let Some(only) = &self.only else { return true };
        let Some(target) = target else { return false };
        if target.group == *only {
            return true;
        }
        self.met += 1;
        if self.meant.is_none() && self.met <= CANDIDATES {
            let candidate = [target.group.as_str()];
            self.meant = nearest(only.as_str(), candidate).map(str::to_owned);
        }
        false
    }

    fn is_shown(&self, is_asked_for: bool, is_new: bool) -> bool {
        let is_room = self.taken < self.samples_max;
        let is_case = is_new && self.only.is_none() && self.for_cases < CASES_SHOWN;
        is_asked_for && (is_room || (is_case && self.samples_max > 0))
    }

    fn take(&mut self, is_asked_for: bool, is_new: bool) -> bool {
        if !self.is_shown(is_asked_for, is_new) {
            return false;
        }
        if self.taken < self.samples_max {
            self.taken += 1;
        } else {
            self.for_cases += 1;
        }
        true
    }

    /// Whether it shows a case for the first time.
    fn count(&mut self, planned: &Planned, cases: &[Case]) -> bool {
        if self
            .only
            .as_ref()
            .is_some_and(|only| planned.request.group.as_ref() == Some(only))
        {
            self.calls_of_group += 1;
        }
        if let Some(reason) = &planned.skip {
            let reason = end_text(reason, self.channel);
            *self.skipped.entry(reason).or_default() += 1;
            return false;
        }
        self.members += planned.request.members.len() as u64;
        let mut is_new = false;
        for (case, count) in &mut self.cases {
            if cases.contains(case) {
                is_new |= *count == 0;
                *count += 1;
            }
        }
        is_new
    }

    fn is_longest(&self, planned: &Planned) -> bool {
        let known = self.longest.as_ref();
        known.is_none_or(|known| planned.request.content.len() > known.request.content.len())
    }

    fn kept(
        &self,
        target: Option<&Target>,
        planned: &Planned,
        member: Option<&Member>,
        cases: Vec<Case>,
    ) -> Kept {
        let request = planned.request.clone();
        let (group, first) = (request.group.as_ref(), request.members.first());
        let key = DeliveryKey::of(self.digest, self.channel.name(), group, first);
        Kept {
            key: key.to_string(),
            group: target.map(|target| target.context.clone()),
            member: member.map(Member::context),
            cases,
            skip: planned.skip.clone(),
            request,
            is_shown: false,
        }
    }

    /// The longest message, unless it was shown or nobody wants to see it.
    pub fn unshown(&self) -> Option<Sample> {
        let is_wanted = self.only.is_none() && self.samples_max > 0;
        let longest = self.longest.as_ref().filter(|_| is_wanted);
        let longest = longest.filter(|longest| !longest.is_shown)?;
        Some(Sample {
            is_longest: true,
            ..longest.sample()
        })
    }
}

/// The members of a target by their ids: there may be many.
struct Lookup<'a>(HashMap<&'a UserId, &'a Arc<Member>>);

impl<'a> Lookup<'a> {
    fn of(target: Option<&'a Target>, deliveries: &[Planned]) -> Lookup<'a> {
        let members = match target.map(|target| &target.reach) {
            Some(Reach::Members(members)) if !deliveries.is_empty() => members.as_slice(),
            _ => &[],
        };
        Lookup(members.iter().map(|member| (&member.id, member)).collect())
    }

    /// Whose values are in the text, if it is anybody's own.
    fn first(&self, planned: &Planned) -> Option<&'a Member> {
        let first = planned.request.members.first()?;
        self.0.get(first).copied().map(Arc::as_ref)
    }
}
