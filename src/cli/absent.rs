//! Why a run has no delivery to a group: what the campaign says, as far as its files can still tell.

use super::workspace::Workspace;
use crate::audience::LeftOut;
use crate::campaign::Campaign;
use crate::clock;
use crate::executor::Draft;
use crate::identity::{GroupId, Moment};
use crate::journal::Run;
use crate::plan::{Frame, always};
use crate::schedule::Occurrence;
use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;

/// `None`: nobody can tell.
pub(super) fn why(workspace: &Workspace, run: &Run, group: &str) -> Option<String> {
    if run.key.test {
        return None;
    }
    let group = GroupId::try_from(group).ok()?;
    let campaign = workspace.campaign(run.key.campaign.as_str()).ok()?;
    let Found {
        is_target,
        left_out,
        is_same,
    } = find(workspace, run, &campaign, &group)?;
    let why = match left_out {
        _ if is_target => "it would get it",
        Some(left_out) => left_out.words(),
        None => "its audience does not name it",
    };
    Some(if is_same {
        why.to_owned()
    } else {
        format!("as the campaign and its lists are by now, {why}; they were others then")
    })
}

struct Found {
    is_target: bool,
    left_out: Option<LeftOut>,
    /// What would be sent by now is what the run was to send.
    is_same: bool,
}

/// Goes through the campaign as if the run were planned again.
fn find(workspace: &Workspace, run: &Run, campaign: &Campaign, group: &GroupId) -> Option<Found> {
    let apps = &workspace.settings.apps;
    let app = apps.iter().find(|app| app.role == run.app);
    let app = app.or_else(|| workspace.settings.app(campaign.app.as_ref()).ok())?;
    let frame = Frame {
        occurrence: occurrence(run)?,
        digest: run.key.digest(),
        members_max: campaign.channel().members_max(&app.limits),
    };
    let ready = campaign.ready();
    let (repository, now) = (&workspace.repository, clock::now());
    let mut draft = Draft::new(repository, campaign, &ready, (&frame, &always), now);
    let mut is_target = false;
    while let Some(met) = draft.next_met() {
        is_target |= met.target.is_some_and(|target| target.group == *group);
    }
    if draft.has_errors() {
        return None;
    }
    let left_out = draft.left_out(group);
    let (header, _) = draft.finish();
    Some(Found {
        is_target,
        left_out,
        is_same: header.digest.to_string() == run.digest,
    })
}

fn occurrence(run: &Run) -> Option<Occurrence> {
    let (local, zone) = (run.key.local, run.key.zone);
    let passes = zone.from_local_datetime(&local);
    let at: DateTime<Tz> = match run.key.fold {
        0 => passes.earliest()?,
        _ => passes.latest()?,
    };
    let moment = Moment {
        wall_ms: at.timestamp_millis(),
        boot_ns: 0,
        boot_id: 0,
    };
    Some(Occurrence::at_moment(moment, zone))
}
