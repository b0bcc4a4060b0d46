//! From a campaign to a staged plan.

use super::Error;
use super::complaints::Complaints;
use super::drafting::Draft;
use crate::audience::Target;
use crate::campaign::Campaign;
use crate::files::Repository;
use crate::identity::{GroupId, Moment};
use crate::journal::{Contents, Journal, PlanId};
use crate::plan::{Frame, Header, Planner, Turn, always};
use crate::source::Diagnostic;

/// A plan that waits to be opened.
#[derive(Debug)]
pub struct Staged {
    pub plan: PlanId,
    pub header: Header,
    pub warnings: Vec<Diagnostic>,
}

/// Reads, renders and stages a whole campaign. Nothing is staged if there are errors among the complaints, or if `turn`
/// says that the plan is not wanted any more.
pub async fn stage(
    journal: &Journal,
    repository: &Repository,
    campaign: &Campaign,
    (frame, turn): (&Frame, Turn<'_>),
    now: Moment,
) -> Result<Result<Staged, Complaints>, Error> {
    let plan = journal.stage(now).await?;
    let ready = campaign.ready();
    let mut draft = Draft::new(repository, campaign, &ready, (frame, turn), now);
    let mut contents = Contents::default();
    while let Some(chunk) = draft.next_chunk(Journal::CHUNK) {
        if draft.has_errors() {
            continue;
        }
        // A single target with many members comes as one chunk, however long.
        for chunk in chunk.chunks(Journal::CHUNK) {
            journal.stage_chunk(plan, chunk, &mut contents).await?;
        }
    }
    let (header, complaints) = draft.finish();
    if complaints.has_errors() || !turn() {
        journal.discard(plan).await?;
        return Ok(Err(complaints));
    }
    Ok(Ok(Staged {
        plan,
        header,
        warnings: complaints.shown().0,
    }))
}

/// The same for nobody: reads and renders a whole campaign, and keeps nothing.
pub fn plan(
    repository: &Repository,
    campaign: &Campaign,
    frame: &Frame,
    now: Moment,
) -> Result<(Header, Vec<Diagnostic>), Complaints> {
    let ready = campaign.ready();
    let mut draft = Draft::new(repository, campaign, &ready, (frame, &always), now);
    while draft.next_chunk(Journal::CHUNK).is_some() {}
    let (header, complaints) = draft.finish();
    if complaints.has_errors() {
        return Err(complaints);
    }
    Ok((header, complaints.shown().0))
}

/// Stages the one delivery of a test: what a target would get, for another group.
pub async fn stage_test(
    journal: &Journal,
    campaign: &Campaign,
    frame: &Frame,
    (target, to): (&Target, &GroupId),
    now: Moment,
) -> Result<Result<Staged, Complaints>, Error> {
    let ready = campaign.ready();
    let mut planner = Planner::new(campaign, &ready, (frame, &always));
    let mut complaints = Complaints::default();
    let delivery = match planner.test(target, to) {
        Ok(delivery) => delivery,
        Err(complaint) => {
            complaints.add([complaint]);
            return Ok(Err(complaints));
        }
    };
    let plan = journal.stage(now).await?;
    let mut contents = Contents::default();
    journal
        .stage_chunk(plan, &[delivery], &mut contents)
        .await?;
    complaints.add(planner.warnings());
    Ok(Ok(Staged {
        plan,
        header: planner.finish(),
        warnings: complaints.shown().0,
    }))
}
