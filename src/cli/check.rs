//! `check`: all that can be known of campaigns without sending them.

use super::arguments::{Check, CheckOutput, Common};
use super::exit::Exit;
use super::explain::explain;
use super::failure::Failure;
use super::findings::{Checked, Places, Tally};
use super::fix::{dry_run, fix, fix_settings, name_now};
use super::opening::frame;
use super::unused::Used;
use super::workspace::Workspace;
use crate::audience::Target;
use crate::campaign::Campaign;
use crate::clock;
use crate::executor::{Complaints, Draft};
use crate::identity::{Moment, civil_text};
use crate::plan::{Frame, Planner};
use crate::schedule::{Occurrence, Slot};
use crate::source::{Diagnostic, Severity};
use crate::template::Ready;
use chrono::{DateTime, Utc};

/// Occurrences that are looked at, the next one included: every day of a week, every date of a countdown.
const OCCURRENCES_MAX: usize = 10;
/// Deliveries that are tried at each but the next: a slip in a text of its own is met by the first of them.
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
    if options.fix {
        fixed.extend(fix(&workspace, options).map_err(Failure::of_reading)?);
        if options.dry_run {
            return dry_run(&fixed, options);
        }
    }
    let now = options.now.map_or_else(clock::now, |now| Moment {
        wall_ms: now.timestamp_millis(),
        ..clock::now()
    });
    let mut tally = Tally::new(options, Places::of(Some(&workspace))?);
    if options.fix {
        tally.fixed(&fixed);
    }
    // What a campaign reads that cannot be read itself, nobody knows.
    let mut used = options.campaigns.is_empty().then(Used::default);
    let make = |_: &str, campaign: Result<Campaign, Failure>| {
        campaign.map(|campaign| (rendered(&workspace, &campaign, now), campaign))
    };
    let take = |path: &str, made: Made| match made {
        Ok((checked, campaign)) => {
            if let Some(used) = &mut used {
                used.add(&campaign);
            }
            tally.checked(&checked?)
        }
        Err(failure) => {
            used = None;
            tally.unreadable(Some(path), &failure.of_reading())
        }
    };
    each(&workspace, options, make, take)?;
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

/// What was found in a campaign that can be read.
type Made = Result<(Result<Checked, Failure>, Campaign), Failure>;

/// Makes something of those that were named, or of all.
fn each<T: Send>(
    workspace: &Workspace,
    options: &Check,
    make: impl Fn(&str, Result<Campaign, Failure>) -> T + Sync,
    mut take: impl FnMut(&str, T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if options.campaigns.is_empty() {
        let done = workspace.each_campaign(make, take);
        return done.map_err(Failure::of_reading);
    }
    for wanted in &options.campaigns {
        let wanted = if options.fix {
            &name_now(wanted, workspace)
        } else {
            wanted
        };
        let path = workspace.path_of(wanted);
        let path = path.unwrap_or_else(|_| wanted.clone());
        take(&path, make(&path, workspace.campaign(wanted)))?;
    }
    Ok(())
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
    let app = workspace.settings.app(campaign.app.as_ref());
    let app = app.map_err(|found| Failure::invalid(vec![found], 0).of_reading())?;
    let mut occurrences = occurrences(campaign, now).into_iter();
    let next = occurrences.next();
    let next = next.unwrap_or_else(|| Occurrence::at_moment(now, campaign.zone));
    let ready = campaign.ready();
    let frame_of = |occurrence: &Occurrence| frame(workspace, app, campaign, occurrence, 1).0;
    let mut draft = Draft::new(
        &workspace.repository,
        campaign,
        &ready,
        &frame_of(&next),
        now,
    );
    let mut later: Vec<Later> = if campaign.mentions("occurrence") {
        let later = occurrences.map(|at| Later::new(campaign, &ready, frame_of(&at)));
        later.collect()
    } else {
        Vec::new()
    };
    let mut tried = 0;
    while let Some(met) = draft.next_met() {
        if tried < TARGETS_LATER && !met.deliveries.is_empty() {
            tried += met.deliveries.len() as u64;
            try_later(&mut later, met.target.as_ref());
        }
    }
    let (header, complaints) = draft.finish();
    let (mut found, more) = complaints.shown();
    if found.iter().all(is_warning) {
        found.extend(later.into_iter().flat_map(Later::told));
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

/// A later occurrence, at which targets are tried that came out well at the next.
struct Later<'a> {
    occurrence: Occurrence,
    planner: Planner<'a>,
    complaints: Complaints,
}

impl<'a> Later<'a> {
    fn new(campaign: &'a Campaign, ready: &'a Ready<'a>, frame: Frame) -> Later<'a> {
        Later {
            planner: Planner::new(campaign, ready, &frame),
            occurrence: frame.occurrence,
            complaints: Complaints::default(),
        }
    }

    /// A broadcast has no target.
    fn try_with(&mut self, target: Option<&Target>) {
        let planned = match target {
            Some(target) => self.planner.plan(target).map(drop),
            None => self
                .planner
                .broadcast()
                .map(drop)
                .map_err(|complaint| vec![complaint]),
        };
        self.complaints.add(planned.err().into_iter().flatten());
    }

    fn told(self) -> Vec<Diagnostic> {
        let at = civil_text(self.occurrence.local());
        let (found, _) = self.complaints.shown();
        let told = found.into_iter().map(|error| {
            let known = error.help.clone().unwrap_or_default();
            error.help(format!("so it is at the occurrence {at}; {known}"))
        });
        told.collect()
    }
}

/// Errors of the first occurrence that has any are told; those after it need not be looked at.
fn try_later(later: &mut Vec<Later<'_>>, target: Option<&Target>) {
    for each in later.iter_mut() {
        each.try_with(target);
    }
    let first = later.iter().position(|each| each.complaints.has_errors());
    if let Some(first) = first {
        later.truncate(first + 1);
    }
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
