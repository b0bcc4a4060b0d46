//! `check`: all that can be known of campaigns without sending them.

use super::arguments::{Check, CheckOutput, Common};
use super::campaigns::FoundWrong;
use super::exit::Exit;
use super::explain::explain;
use super::failure::Failure;
use super::findings::{Checked, Places, Tally};
use super::run::frame;
use super::workspace::Workspace;
use crate::campaign::{Campaign, Doubted, Examined};
use crate::channel::Channel;
use crate::clock;
use crate::executor::{Complaints, Draft};
use crate::identity::{Digest, Moment, civil_text};
use crate::plan::{Frame, Header};
use crate::schedule::{Occurrence, Slot};
use crate::source::{Diagnostic, Severity};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Deliveries that are rendered before they are let go of.
const CHUNK: usize = 1_000;
/// Occurrences that are looked at, the next one included: every day of a week, every date of a countdown.
const OCCURRENCES_MAX: usize = 10;
/// Deliveries that are rendered at each but the next: a slip in a text of its own is met by the first of them.
const TARGETS_LATER: u64 = 1_000;

/// Every campaign is looked at, whatever is wrong with another.
pub(super) fn check(common: &Common, options: &Check) -> Result<Exit, Failure> {
    if let Some(code) = &options.explain {
        return explain(code, options);
    }
    let (workspace, wrong) = match Workspace::examine(common).map_err(Failure::of_reading) {
        Ok(found) => found,
        Err(failure) => return without_settings(failure, options),
    };
    let now = options.now.map_or_else(clock::now, |now| Moment {
        wall_ms: now.timestamp_millis(),
        ..clock::now()
    });
    let mut tally = Tally::new(options, Places::of(Some(&workspace))?);
    tally.settings(&wrong)?;
    let campaigns = campaigns(&workspace, options).or_else(|failure| {
        tally.failed(None, &failure)?;
        Ok::<_, Failure>(Vec::new())
    })?;
    for (path, campaign) in campaigns {
        match campaign {
            Ok(Examined {
                campaign: Some(campaign),
                complaints,
            }) => {
                let checked = rendered(&workspace, &campaign, complaints, now);
                tally.checked(&checked)?;
            }
            Ok(Examined { complaints, .. }) => {
                tally.unreadable(Some(&path), &Failure::invalid(complaints, 0).of_reading())?;
            }
            Err(failure) => tally.unreadable(Some(&path), &failure.of_reading())?,
        }
    }
    tally.tell()?;
    Ok(if tally.is_bad() {
        Exit::Invalid
    } else {
        Exit::Success
    })
}

/// Those that are named, or all of the folder, where it is known which that is.
fn campaigns(workspace: &Workspace, options: &Check) -> Result<Vec<FoundWrong>, Failure> {
    if !options.campaigns.is_empty() {
        let named = options.campaigns.iter();
        return Ok(named.map(|wanted| workspace.examine_one(wanted)).collect());
    }
    if workspace.settings.is_doubtful("campaigns") {
        return Ok(Vec::new());
    }
    workspace.examine_all().map_err(Failure::of_reading)
}

/// Programs are told in their own way what keeps everything from being looked at.
fn without_settings(failure: Failure, options: &Check) -> Result<Exit, Failure> {
    if options.output == CheckOutput::Text {
        return Err(failure);
    }
    let mut tally = Tally::new(options, Places::of(None)?);
    tally.failed(None, &failure)?;
    tally.tell()?;
    Ok(failure.exit())
}

/// Reads the audience and renders every target, as it would be at the next occurrence; and where the time is part of
/// what is sent, some targets at those after it.
fn rendered(
    workspace: &Workspace,
    campaign: &Campaign,
    complaints: Vec<Diagnostic>,
    now: Moment,
) -> Checked {
    let mut occurrences = occurrences(campaign, now).into_iter();
    let next = occurrences.next();
    let next = next.unwrap_or_else(|| Occurrence::at_moment(now, campaign.zone));
    let (header, met, is_met) = drafted(workspace, campaign, &next, (now, u64::MAX));
    let (mut met, more) = met.shown();
    let is_empty = !is_met
        && met.iter().all(is_warning)
        && campaign.audience.is_some()
        && campaign.channel() != Channel::Broadcast;
    if campaign.mentions("occurrence") && !campaign.doubts.has(Doubted::Time) {
        let later = later_slips(workspace, campaign, occurrences, now);
        let is_new = |slip: &Diagnostic| !met.iter().any(|known| is_same(known, slip));
        let later: Vec<Diagnostic> = later.into_iter().filter(is_new).collect();
        met.extend(later);
    }
    let empty = (is_empty && campaign.doubts.is_audience_known()).then(|| nobody(campaign));
    let mut found: Vec<Diagnostic> = complaints.into_iter().chain(met).chain(empty).collect();
    if workspace.settings.is_doubtful("roots") {
        found.retain(|complaint| !is_about_root(complaint));
    }
    let source = campaign.send.span().source();
    found.sort_by_key(|complaint| {
        let place = complaint.primary.as_ref().map(|label| &label.span);
        let place = place.filter(|place| Arc::ptr_eq(place.source(), source));
        place.map_or(usize::MAX, |place| place.range().start)
    });
    Checked {
        name: campaign.name.to_string(),
        found,
        more,
        header,
    }
}

/// A template that is wrong at one occurrence is wrong at others, too.
fn is_same(known: &Diagnostic, slip: &Diagnostic) -> bool {
    let place = |complaint: &Diagnostic| complaint.primary.as_ref().map(|label| label.span.clone());
    known.code == slip.code && place(known) == place(slip)
}

/// Which roots there are is not known where the settings are wrong about them.
fn is_about_root(complaint: &Diagnostic) -> bool {
    complaint.code == "file" && complaint.message.starts_with("there is no root")
}

/// The errors of the first later occurrence that has any.
fn later_slips(
    workspace: &Workspace,
    campaign: &Campaign,
    occurrences: impl Iterator<Item = Occurrence>,
    now: Moment,
) -> Vec<Diagnostic> {
    for later in occurrences {
        let (_, complaints, _) = drafted(workspace, campaign, &later, (now, TARGETS_LATER));
        let (found, _) = complaints.shown();
        let errors = found.into_iter().filter(|found| !is_warning(found));
        let at = civil_text(later.local());
        let told = errors.map(|error| {
            let known = error.help.clone().unwrap_or_default();
            error.help(format!("so it is at the occurrence {at}; {known}"))
        });
        let told: Vec<Diagnostic> = told.collect();
        if !told.is_empty() {
            return told;
        }
    }
    Vec::new()
}

/// What comes of about so many deliveries at an occurrence.
fn drafted(
    workspace: &Workspace,
    campaign: &Campaign,
    occurrence: &Occurrence,
    (now, about): (Moment, u64),
) -> (Header, Complaints, bool) {
    let settings = &workspace.settings;
    let app = settings.app(campaign.app.as_ref()).ok();
    // Where it is not known which app is meant, what is sent is the same through all of them but for the limits.
    let frame = match app.or(settings.apps.first()) {
        Some(app) => frame(workspace, app, campaign, occurrence, 1).0,
        None => Frame {
            occurrence: occurrence.clone(),
            digest: Digest::of("nowhere", []),
            members_max: 1,
        },
    };
    let ready = campaign.ready();
    let mut draft = Draft::new(&workspace.repository, campaign, &ready, &frame, now);
    let mut count = 0;
    while let Some(chunk) = draft.next_chunk(CHUNK) {
        count += chunk.len() as u64;
        if count >= about {
            break;
        }
    }
    let is_met = draft.has_met_somebody();
    let (header, complaints) = draft.finish();
    (header, complaints, is_met)
}

fn is_warning(found: &Diagnostic) -> bool {
    found.severity == Severity::Warning
}

/// Sending it would be refused; who checks it hears so in time.
pub(super) fn nobody(campaign: &Campaign) -> Diagnostic {
    let message = "the audience comes out empty; there is nothing to send";
    let complaint = Diagnostic::warning("empty-audience", campaign.send.span(), message);
    complaint.help("look for a slip in `only`, `exclude` and `where`, or an empty file")
}

/// Those that come next; none where it runs by hand only.
fn occurrences(campaign: &Campaign, now: Moment) -> Vec<Occurrence> {
    let after = DateTime::<Utc>::from_timestamp_millis(now.wall_ms).unwrap_or_default();
    let schedule = campaign.schedule.as_ref();
    let slots = schedule.map(|schedule| schedule.slots(after));
    let firings = slots.into_iter().flatten().filter_map(Slot::firing);
    let moments = firings.take(OCCURRENCES_MAX).map(|firing| Moment {
        wall_ms: firing.at.timestamp_millis(),
        ..now
    });
    moments
        .map(|at| Occurrence::at_moment(at, campaign.zone))
        .collect()
}
