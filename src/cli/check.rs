//! `check`: all that can be known of campaigns without sending them.

use super::arguments::{Check, CheckOutput, Common};
use super::campaigns::Found;
use super::exit::Exit;
use super::explain::explain;
use super::failure::Failure;
use super::findings::{Checked, Places, Tally};
use super::fix::{dry_run, fix, fix_settings, name_now};
use super::opening::frame;
use super::unused::Used;
use super::workspace::Workspace;
use crate::campaign::Campaign;
use crate::clock;
use crate::executor::{Complaints, Draft};
use crate::identity::{Moment, civil_text};
use crate::plan::Header;
use crate::schedule::{Occurrence, Slot};
use crate::source::{Diagnostic, Severity};
use chrono::{DateTime, Utc};

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
    let mut fixed = Vec::new();
    let mut found = Workspace::find(common, false);
    if options.fix && found.is_err() {
        fixed.extend(fix_settings(common, options)?);
        if options.dry_run && !fixed.is_empty() {
            return dry_run(&fixed, options);
        }
        found = Workspace::find(common, false);
    }
    let workspace = match found.map_err(Failure::of_reading) {
        Ok(workspace) => workspace,
        Err(failure) => return without_settings(failure, options),
    };
    let mut tally = Tally::new(options, Places::of(Some(&workspace))?);
    if options.fix {
        fixed.extend(fix(&workspace, options).map_err(Failure::of_reading)?);
        if options.dry_run {
            return dry_run(&fixed, options);
        }
        tally.fixed(&fixed);
    }
    let now = options.now.map_or_else(clock::now, |now| Moment {
        wall_ms: now.timestamp_millis(),
        ..clock::now()
    });
    // What a campaign reads that cannot be read itself, nobody knows.
    let mut used = options.campaigns.is_empty().then(Used::default);
    for (path, campaign) in campaigns(&workspace, options)? {
        match campaign {
            Ok(campaign) => {
                tally.checked(&rendered(&workspace, &campaign, now)?)?;
                if let Some(used) = &mut used {
                    used.add(&campaign);
                }
            }
            Err(failure) => {
                tally.unreadable(Some(&path), &failure.of_reading())?;
                used = None;
            }
        }
    }
    if let Some(used) = used {
        tally.others(&used.others(&workspace))?;
    }
    tally.tell()?;
    Ok(if tally.is_bad() {
        Exit::Invalid
    } else {
        Exit::Success
    })
}

/// Those that are asked for, with their paths.
fn campaigns(workspace: &Workspace, options: &Check) -> Result<Vec<Found>, Failure> {
    if options.campaigns.is_empty() {
        let all = workspace.all_campaigns_by_path();
        return all.map_err(Failure::of_reading);
    }
    let named = options.campaigns.iter();
    let found = |wanted: &String| {
        let wanted = if options.fix {
            name_now(wanted, workspace)
        } else {
            wanted.clone()
        };
        let path = workspace.path_of(&wanted);
        let path = path.unwrap_or_else(|_| wanted.clone());
        (path, workspace.campaign(&wanted))
    };
    Ok(named.map(found).collect())
}

/// Programs that show complaints at their lines are to show those about the settings as well.
fn without_settings(failure: Failure, options: &Check) -> Result<Exit, Failure> {
    if [CheckOutput::Text, CheckOutput::Json].contains(&options.output) {
        return Err(failure);
    }
    let mut tally = Tally::new(options, Places::of(None)?);
    tally.failed(None, &failure)?;
    tally.tell()?;
    Ok(failure.exit())
}

/// Reads the audience and renders every target, as it would be at the next occurrence; and where the time is part of
/// what is sent, some targets at those after it.
fn rendered(workspace: &Workspace, campaign: &Campaign, now: Moment) -> Result<Checked, Failure> {
    let mut occurrences = occurrences(campaign, now).into_iter();
    let next = occurrences.next();
    let next = next.unwrap_or_else(|| Occurrence::at_moment(now, campaign.zone));
    let (header, complaints) = drafted(workspace, campaign, &next, (now, u64::MAX))?;
    let (mut found, more) = complaints.shown();
    if found.iter().all(is_warning) && campaign.mentions("occurrence") {
        found.extend(later_slips(workspace, campaign, occurrences, now)?);
    }
    let empty = (header.planned == 0 && found.is_empty()).then(|| nobody(campaign));
    let warnings = campaign.warnings.iter().cloned();
    let found = warnings.chain(outlook(campaign, now)).chain(found);
    let found = found.chain(empty).collect();
    Ok(Checked {
        name: campaign.name.to_string(),
        found,
        more,
        header,
    })
}

/// The errors of the first later occurrence that has any.
fn later_slips(
    workspace: &Workspace,
    campaign: &Campaign,
    occurrences: impl Iterator<Item = Occurrence>,
    now: Moment,
) -> Result<Vec<Diagnostic>, Failure> {
    for later in occurrences {
        let (_, complaints) = drafted(workspace, campaign, &later, (now, TARGETS_LATER))?;
        let (found, _) = complaints.shown();
        let errors = found.into_iter().filter(|found| !is_warning(found));
        let at = civil_text(later.local());
        let told = errors.map(|error| {
            let known = error.help.clone().unwrap_or_default();
            error.help(format!("so it is at the occurrence {at}; {known}"))
        });
        let told: Vec<Diagnostic> = told.collect();
        if !told.is_empty() {
            return Ok(told);
        }
    }
    Ok(Vec::new())
}

/// What comes of about so many deliveries at an occurrence.
fn drafted(
    workspace: &Workspace,
    campaign: &Campaign,
    occurrence: &Occurrence,
    (now, about): (Moment, u64),
) -> Result<(Header, Complaints), Failure> {
    let app = workspace.settings.app(campaign.app.as_ref());
    let app = app.map_err(|found| Failure::invalid(vec![found], 0).of_reading())?;
    let (frame, _) = frame(workspace, app, campaign, occurrence, 1);
    let ready = campaign.ready();
    let mut draft = Draft::new(&workspace.repository, campaign, &ready, &frame, now);
    let mut count = 0;
    while let Some(chunk) = draft.next_chunk(CHUNK) {
        count += chunk.len() as u64;
        if count >= about {
            break;
        }
    }
    Ok(draft.finish())
}

/// What a campaign that is never scheduled need not hear.
fn outlook(campaign: &Campaign, now: Moment) -> Option<Diagnostic> {
    let schedule = campaign.schedule.as_ref().filter(|_| campaign.enabled)?;
    schedule.outlook(instant(now))
}

fn instant(now: Moment) -> DateTime<Utc> {
    DateTime::<Utc>::from_timestamp_millis(now.wall_ms).unwrap_or_default()
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
    let schedule = campaign.schedule.as_ref();
    let slots = schedule.map(|schedule| schedule.slots(instant(now)));
    let firings = slots.into_iter().flatten().filter_map(Slot::firing);
    let moments = firings.take(OCCURRENCES_MAX).map(|firing| Moment {
        wall_ms: firing.at.timestamp_millis(),
        ..now
    });
    moments
        .map(|at| Occurrence::at_moment(at, campaign.zone))
        .collect()
}
