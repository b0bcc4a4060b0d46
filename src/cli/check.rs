//! `check`: all that can be known of campaigns without sending them.

use super::arguments::{Check, CheckOutput, Common};
use super::exit::Exit;
use super::explain::explain;
use super::failure::Failure;
use super::findings::{Checked, Places, Tally};
use super::fix::{Fixed, dry_run, fix, fix_settings, keep_made, keep_made_of_settings, name_now};
use super::opening::frame;
use super::unused::Used;
use super::workspace::Workspace;
use crate::audience::Target;
use crate::campaign::{Campaign, Doubted, Examined};
use crate::channel::Channel;
use crate::clock;
use crate::executor::{Complaints, Draft};
use crate::identity::{Digest, Moment, civil_text};
use crate::plan::{Frame, Planner, always};
use crate::schedule::{Occurrence, Slot};
use crate::source::{Diagnostic, Premise, Severity};
use crate::template::Ready;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Occurrences that are looked at, the next one included: every day of a week, every date of a countdown.
const OCCURRENCES_MAX: usize = 10;
/// Deliveries that are tried at each but the next: a slip in a text of its own is met by the first of them.
const TARGETS_LATER: u64 = 1_000;
/// What is said of a schedule without a single time: that none is to come goes without saying.
const NEVER: &str = "never-fires";

/// Every campaign is looked at, whatever is wrong with another.
pub(super) fn check(common: &Common, options: &Check) -> Result<Exit, Failure> {
    if let Some(code) = &options.explain {
        return explain(code, options);
    }
    let mut found = match Workspace::examine(common).map_err(Failure::of_reading) {
        Ok(found) => found,
        Err(failure) => return without_settings(failure, options),
    };
    let fixed = if options.fix {
        mend(common, options, &mut found)?
    } else {
        Vec::new()
    };
    let (workspace, mut wrong) = found;
    keep_made_of_settings(common, &mut wrong);
    if options.fix && options.dry_run && (wrong.is_empty() || !fixed.is_empty()) {
        return dry_run(&fixed, options);
    }
    let now = options.now.map_or_else(clock::now, |now| Moment {
        wall_ms: now.timestamp_millis(),
        ..clock::now()
    });
    let mut tally = Tally::new(options, Places::of(Some(&workspace))?);
    if options.fix {
        tally.fixed(&fixed);
    }
    tally.settings(&wrong)?;
    // What a campaign reads that cannot be read itself, nobody knows.
    let is_all = options.campaigns.is_empty() && wrong.is_empty();
    let mut used = is_all.then(Used::default);
    let make = |path: &str, examined: Result<Examined, Failure>| {
        let mut examined = examined?;
        keep_made(&workspace, path, &mut examined.complaints);
        look(&workspace, examined, now)
    };
    let take = |path: &str, made: Result<Looked, Failure>| match made {
        Ok(Looked { checked, whole }) => {
            match (&mut used, &whole) {
                (Some(used), Some(campaign)) => used.add(campaign),
                _ => used = None,
            }
            tally.checked(&checked)
        }
        Err(failure) => {
            used = None;
            tally.unreadable(Some(path), &failure.of_reading())
        }
    };
    if let Err(failure) = each(&workspace, options, make, take) {
        if failure.exit() != Exit::Invalid {
            return Err(failure);
        }
        used = None;
        tally.failed(None, &failure)?;
    }
    if let Some(used) = used {
        tally.others(&used.others(&workspace))?;
    }
    tally.tell()?;
    Ok(tally.exit())
}

/// A workspace, and what is wrong with its settings.
type Found = (Workspace, Vec<Diagnostic>);

/// Settings first, which are looked at anew then: before them no campaign is mended.
fn mend(common: &Common, options: &Check, found: &mut Found) -> Result<Vec<Fixed>, Failure> {
    let mut fixed = Vec::new();
    if !found.1.is_empty() {
        fixed.extend(fix_settings(common, options)?);
        if !fixed.is_empty() && !options.dry_run {
            *found = Workspace::examine(common).map_err(Failure::of_reading)?;
        }
    }
    let (workspace, wrong) = found;
    if wrong.is_empty() {
        fixed.extend(fix(workspace, options).map_err(Failure::of_reading)?);
    }
    Ok(fixed)
}

/// What was found in a campaign that can be read at all, and itself where nothing is wrong with it.
struct Looked {
    checked: Checked,
    whole: Option<Campaign>,
}

fn look(workspace: &Workspace, examined: Examined, now: Moment) -> Result<Looked, Failure> {
    let Examined {
        campaign,
        complaints,
    } = examined;
    let Some(campaign) = campaign else {
        return Err(Failure::invalid(complaints, 0));
    };
    let checked = rendered(workspace, &campaign, complaints, now);
    let is_whole = checked.found.iter().all(is_warning);
    Ok(Looked {
        checked,
        whole: is_whole.then_some(campaign),
    })
}

/// Makes something of those that are named, or of all of the folder where it is known which that is.
fn each<T: Send>(
    workspace: &Workspace,
    options: &Check,
    make: impl Fn(&str, Result<Examined, Failure>) -> T + Sync,
    mut take: impl FnMut(&str, T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if options.campaigns.is_empty() {
        if workspace.settings.is_doubtful("campaigns") {
            return Ok(());
        }
        let done = workspace.examine_each(make, take);
        return done.map_err(Failure::of_reading);
    }
    for wanted in &options.campaigns {
        let wanted = if options.fix {
            &name_now(wanted, workspace)
        } else {
            wanted
        };
        let (path, examined) = workspace.examine_one(wanted);
        take(&path, make(&path, examined))?;
    }
    Ok(())
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
    let is_time_known = !campaign.doubts.has(Doubted::Time);
    let mut occurrences = occurrences(campaign, now).into_iter();
    let next = occurrences.next();
    let next = next.unwrap_or_else(|| Occurrence::at_moment(now, campaign.zone));
    let ready = campaign.ready();
    let frame = frame_of(workspace, campaign, &next);
    let mut draft = Draft::new(
        &workspace.repository,
        campaign,
        &ready,
        (&frame, &always),
        now,
    );
    let mut later: Vec<Later> = if campaign.depends_on_time() && is_time_known {
        let frames = occurrences.map(|at| frame_of(workspace, campaign, &at));
        frames
            .map(|frame| Later::new(campaign, &ready, frame))
            .collect()
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
    let is_met = draft.has_met_somebody() || campaign.channel() == Channel::Broadcast;
    let (header, met) = draft.finish();
    let (mut met, more) = met.shown();
    let is_empty = !is_met
        && met.iter().all(is_warning)
        && campaign.audience.is_some()
        && campaign.doubts.is_audience_known();
    let later = later.into_iter().flat_map(Later::told);
    let is_new = |slip: &Diagnostic| !met.iter().any(|known| is_same(known, slip));
    let later: Vec<Diagnostic> = later.filter(is_new).collect();
    met.extend(later);
    let is_never = complaints.iter().any(|found| found.code == NEVER);
    let outlook = outlook(campaign, now).filter(|_| is_time_known && !is_never);
    let found = complaints.into_iter().chain(outlook).chain(met);
    let mut found: Vec<Diagnostic> = found.chain(is_empty.then(|| nobody(campaign))).collect();
    let is_doubtful = |premise: Premise| workspace.settings.is_doubtful(premise.key());
    found.retain(|diagnostic| !diagnostic.premise.is_some_and(is_doubtful));
    sort(&mut found, campaign);
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

/// What is sent is the same through all apps but for the limits, where it is not known which one is meant.
fn frame_of(workspace: &Workspace, campaign: &Campaign, occurrence: &Occurrence) -> Frame {
    let settings = &workspace.settings;
    let app = settings.app(campaign.app.as_ref()).ok();
    match app.or(settings.apps.first()) {
        Some(app) => frame(workspace, app, campaign, occurrence, 1).0,
        None => Frame {
            occurrence: occurrence.clone(),
            digest: Digest::of("nowhere", []),
            members_max: 1,
        },
    }
}

/// As they stand in the campaign's file; what stands elsewhere comes behind.
fn sort(found: &mut [Diagnostic], campaign: &Campaign) {
    let source = campaign.send.span().source();
    found.sort_by_key(|complaint| {
        let place = complaint.primary.as_ref().map(|label| &label.span);
        let place = place.filter(|place| Arc::ptr_eq(place.source(), source));
        place.map_or(usize::MAX, |place| place.range().start)
    });
}

/// A later occurrence, at which targets are tried that came out well at the next.
struct Later<'a> {
    campaign: &'a Campaign,
    occurrence: Occurrence,
    planner: Planner<'a>,
    complaints: Complaints,
}

impl<'a> Later<'a> {
    fn new(campaign: &'a Campaign, ready: &'a Ready<'a>, frame: Frame) -> Later<'a> {
        Later {
            campaign,
            planner: Planner::new(campaign, ready, (&frame, &always)),
            occurrence: frame.occurrence,
            complaints: Complaints::default(),
        }
    }

    /// A broadcast has no target.
    fn try_with(&mut self, target: Option<&Target>) {
        if self.complaints.has_runaway() {
            return;
        }
        let planned = match target {
            Some(target) => self.planner.plan(target).map(drop),
            None => self.planner.broadcast().map(drop),
        };
        let mut found = planned.err().unwrap_or_default();
        found.retain(|complaint| !self.campaign.doubts.explain(complaint));
        self.complaints.add(found);
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
