//! Renders every target before anything is sent.

use super::{Header, Planned};
use crate::audience::{Audience, Member, Reach, Target, about};
use crate::campaign::Campaign;
use crate::channel::{Rendered, Request};
use crate::delivery::EndReason;
use crate::identity::{DeliveryKey, DeliveryNumber, Digest, GroupId, Hasher, UserId};
use crate::schedule::Occurrence;
use crate::source::{Diagnostic, Severity};
use crate::template::{Case, Ready, Value, is_for_everybody, is_runaway, merged};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub struct Planner<'a> {
    campaign: &'a Campaign,
    ready: &'a Ready<'a>,
    turn: Turn<'a>,
    /// What the templates know, whoever the target is.
    context: Value,
    occurrence: Digest,
    members_max: usize,
    /// Each member has a text of its own.
    is_personal: bool,
    hasher: Hasher,
    header: Header,
    warnings: Vec<Diagnostic>,
    /// Renderings of which every fault was looked for.
    looked_through: u64,
}

/// Asked between two rows and before each rendering. It may wait until it is the plan's turn again. `false`: the plan is
/// not wanted any more.
pub type Turn<'a> = &'a (dyn Fn() -> bool + Sync);

/// The turn of a plan that nothing interrupts.
pub fn always() -> bool {
    true
}

/// What a plan is for.
#[derive(Clone, Debug)]
pub struct Frame {
    pub occurrence: Occurrence,
    /// The digest of the occurrence's key.
    pub digest: Digest,
    /// Chosen members that one call takes.
    pub members_max: usize,
}

/// Renderings that fail and are looked through for every fault; of further ones the first fault is told.
pub const LOOKED_THROUGH_MAX: u64 = 1_000;
/// Complaints about the members of one group that are told.
const OF_MEMBERS_MAX: usize = 50;

impl<'a> Planner<'a> {
    pub fn new(
        campaign: &'a Campaign,
        ready: &'a Ready<'a>,
        (frame, turn): (&Frame, Turn<'a>),
    ) -> Planner<'a> {
        Planner {
            campaign,
            ready,
            turn,
            context: campaign.context(&frame.occurrence),
            occurrence: frame.digest,
            members_max: frame.members_max,
            is_personal: campaign.mentions("member"),
            hasher: Digest::over("plan"),
            header: Header {
                channel: campaign.channel(),
                digest: Digest::of("plan", []),
                planned: 0,
                skipped: 0,
                bytes: 0,
                bytes_longest: 0,
                first_text: None,
            },
            warnings: Vec::new(),
            looked_through: 0,
        }
    }

    /// The deliveries of a target: one, or as many as its members need. Without an error and without a complaint if the plan
    /// is not wanted any more.
    pub fn plan(&mut self, target: &Target) -> Result<Vec<Planned>, Vec<Diagnostic>> {
        let audience = self.campaign.audience.as_ref();
        let members = audience.and_then(Audience::members_place);
        let unfit = self.campaign.send.fit(target, members);
        let is_error = |found: &Diagnostic| found.severity == Severity::Error;
        let (mut errors, warnings): (Vec<_>, Vec<_>) = unfit.into_iter().partition(is_error);
        self.warnings.extend(warnings);
        let planned = match &target.reach {
            Reach::Everybody => self.whole_group(target),
            Reach::Members(members) if members.is_empty() => Ok(vec![self.nobody(target)]),
            Reach::Members(members) if self.is_personal => self.personal(target, members),
            Reach::Members(members) => self.shared(target, members),
        };
        match planned {
            Ok(planned) if errors.is_empty() => Ok(planned),
            Ok(_) => Err(errors),
            Err(found) => {
                let found = found.into_iter();
                errors.extend(found.map(|each| about(each, &target.group, &target.origin)));
                Err(errors)
            }
        }
    }

    /// The one delivery of a broadcast.
    pub fn broadcast(&mut self) -> Result<Planned, Vec<Diagnostic>> {
        let rendered = self.render(None, None, None)?;
        Ok(self.take(None, Arc::new([]), rendered))
    }

    /// The one delivery of a test: what the target would get, or the first of its members, for another group as a whole.
    pub fn test(&mut self, target: &Target, to: &GroupId) -> Result<Planned, Diagnostic> {
        let members = match &target.reach {
            Reach::Everybody => [].as_slice(),
            Reach::Members(members) => members,
        };
        let member = members.first().filter(|_| self.is_personal);
        let context = self.context(
            Some(target),
            member.map(AsRef::as_ref),
            self.key(Some(to), None),
        );
        let rendered = self.campaign.send.render(self.ready, &context);
        let rendered = rendered.map_err(|found| about(found, &target.group, &target.origin))?;
        Ok(self.take(Some(to), Arc::new([]), rendered))
    }

    fn whole_group(&mut self, target: &Target) -> Result<Vec<Planned>, Vec<Diagnostic>> {
        let rendered = self.render(Some(target), None, None)?;
        Ok(vec![self.take(Some(&target.group), Arc::new([]), rendered)])
    }

    /// One text for all: as many calls as the vendor's limit makes of them.
    fn shared(
        &mut self,
        target: &Target,
        members: &[Arc<Member>],
    ) -> Result<Vec<Planned>, Vec<Diagnostic>> {
        let calls = members.chunks(self.members_max);
        calls
            .map(|members| {
                let ids: Arc<[UserId]> = members.iter().map(|member| member.id.clone()).collect();
                let rendered = self.render(Some(target), None, ids.first())?;
                Ok(self.take(Some(&target.group), ids, rendered))
            })
            .collect()
    }

    /// A text for each: those with equal ones share their calls.
    fn personal(
        &mut self,
        target: &Target,
        members: &[Arc<Member>],
    ) -> Result<Vec<Planned>, Vec<Diagnostic>> {
        let mut texts: Vec<(Rendered, Vec<UserId>)> = Vec::new();
        let mut known: HashMap<Arc<str>, usize> = HashMap::new();
        let mut wrong: Vec<Diagnostic> = Vec::new();
        for member in members {
            if !(self.turn)() {
                return Err(wrong);
            }
            let rendered = match self.render(Some(target), Some(member), Some(&member.id)) {
                Ok(rendered) => rendered,
                Err(found) => {
                    wrong.extend(found);
                    if wrong.iter().any(is_runaway) {
                        return Err(wrong);
                    }
                    wrong.dedup();
                    wrong.truncate(OF_MEMBERS_MAX);
                    continue;
                }
            };
            let at = *known
                .entry(Arc::clone(&rendered.content))
                .or_insert(texts.len());
            if at == texts.len() {
                texts.push((rendered, Vec::new()));
            }
            texts[at].1.push(member.id.clone());
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut planned = Vec::new();
        for (rendered, ids) in texts {
            for ids in ids.chunks(self.members_max) {
                planned.push(self.take(Some(&target.group), ids.into(), rendered.clone()));
            }
        }
        Ok(planned)
    }

    /// An empty list would mean everybody to the vendor, so nothing goes out.
    fn nobody(&mut self, target: &Target) -> Planned {
        self.header.skipped += 1;
        let request = Request {
            channel: self.header.channel,
            group: Some(target.group.clone()),
            members: Arc::new([]),
            content: "{}".into(),
        };
        Planned {
            number: self.number(&request),
            request,
            skip: Some(EndReason::NoMembers),
        }
    }

    fn render(
        &mut self,
        target: Option<&Target>,
        member: Option<&Member>,
        first: Option<&UserId>,
    ) -> Result<Rendered, Vec<Diagnostic>> {
        let key = self.key(target.map(|target| &target.group), first);
        let context = self.context(target, member, key);
        let rendered = self.campaign.send.render(self.ready, &context);
        rendered.map_err(|first| {
            self.looked_through += 1;
            let is_looked_through = self.looked_through <= LOOKED_THROUGH_MAX;
            let all = is_looked_through.then(|| self.campaign.send.faults(self.ready, &context));
            // What is wrong with the message as a whole is seen where its parts are right.
            let all = all.filter(|all| !all.is_empty());
            all.unwrap_or_else(|| vec![first])
        })
    }

    /// What is wrong with the texts whoever they are for, where there is nobody to try them with.
    pub fn wrong_for_everybody(&self) -> Vec<Diagnostic> {
        let context = self.context(None, None, self.key(None, None));
        let found = self.campaign.send.faults(self.ready, &context).into_iter();
        found.filter(is_for_everybody).collect()
    }

    /// The texts that a delivery chose where there are several. `member` is the first that it is for.
    pub fn cases(&self, target: Option<&Target>, member: Option<&Member>) -> Vec<Case> {
        let first = member.map(|member| &member.id);
        let member = member.filter(|_| self.is_personal);
        let key = self.key(target.map(|target| &target.group), first);
        let context = self.context(target, member, key);
        self.campaign.send.cases(self.ready, &context)
    }

    /// What the receiver can tell a delivery by. `first` is the first member that it is for, if it is for members.
    fn key(&self, group: Option<&GroupId>, first: Option<&UserId>) -> DeliveryKey {
        DeliveryKey::of(self.occurrence, self.header.channel.name(), group, first)
    }

    /// What the templates know of whom they are for.
    fn context(&self, target: Option<&Target>, member: Option<&Member>, key: DeliveryKey) -> Value {
        let delivery = BTreeMap::from([("key", Value::from(key.to_string()))]);
        let mut own = BTreeMap::from([("delivery", Value::from(delivery))]);
        if let Some(target) = target {
            own.insert("group", target.context.clone());
        }
        if let Some(member) = member {
            own.insert("member", member.context());
        }
        merged(Value::from(own), self.context.clone())
    }

    /// Counts a delivery in.
    fn take(
        &mut self,
        group: Option<&GroupId>,
        members: Arc<[UserId]>,
        rendered: Rendered,
    ) -> Planned {
        if rendered.is_long {
            let message = "the message comes out longer than 8,000 bytes, which some of the vendor's pages do not allow";
            let warning = Diagnostic::warning("long-text", self.campaign.send.text_span(), message);
            self.warnings.push(warning.help("shorten it, to be safe"));
        }
        let request = Request {
            channel: self.header.channel,
            group: group.cloned(),
            members,
            content: rendered.content,
        };
        let bytes = request.content.len() as u64;
        self.header.bytes += bytes;
        self.header.bytes_longest = self.header.bytes_longest.max(bytes);
        self.header.first_text.get_or_insert(rendered.text);
        Planned {
            number: self.number(&request),
            request,
            skip: None,
        }
    }

    fn number(&mut self, request: &Request) -> DeliveryNumber {
        self.hasher.part(request.group_name().as_bytes());
        for member in request.members.iter() {
            self.hasher.part(member.as_str().as_bytes());
        }
        self.hasher.part(request.content.as_bytes());
        let number = u32::try_from(self.header.planned).unwrap_or(u32::MAX);
        self.header.planned += 1;
        DeliveryNumber(number)
    }

    /// What was worth a word since it was asked last.
    pub fn warnings(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.warnings)
    }

    pub fn finish(self) -> Header {
        Header {
            digest: self.hasher.finish(),
            ..self.header
        }
    }
}
