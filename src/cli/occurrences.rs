//! Which firing of a campaign somebody means.

use super::exit::Exit;
use super::failure::Failure;
use crate::campaign::Campaign;
use crate::identity::{Moment, civil_text};
use crate::schedule::{Occurrence, Slot};
use crate::source::unbroken;
use chrono::{DateTime, LocalResult, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// How far back the firing before a time is looked for, step by step: a schedule of minutes has many in a day.
const DAYS_BACK: [i64; 4] = [1, 35, 400, 3_000];

/// What `--for` names.
pub(super) fn named(campaign: &Campaign, text: &str) -> Result<Occurrence, Failure> {
    let named = Occurrence::named(text, "--for", campaign.zone);
    named.map_err(|wrong| Failure::told(Exit::Usage, wrong))
}

/// The one that is named, the next, or by hand now; and what there is to say of it.
pub(super) fn meant(
    campaign: &Campaign,
    text: Option<&str>,
    now: Moment,
) -> Result<(Occurrence, Option<&'static str>), Failure> {
    if let Some(text) = text {
        let named = named(campaign, text)?;
        let note = (!fires(campaign, &named)).then_some("its schedule does not fire then");
        return Ok((named, note));
    }
    let after = DateTime::from_timestamp_millis(now.wall_ms).unwrap_or_default();
    let next = next_after(campaign, after).map(|next| Moment {
        wall_ms: next.timestamp_millis(),
        ..now
    });
    let note = match (&campaign.schedule, next) {
        (None, _) => Some("by hand, as if now"),
        (Some(_), None) => Some("its schedule is over; as if now"),
        (Some(_), Some(_)) if !campaign.enabled => Some("the next, if it were enabled"),
        (Some(_), Some(_)) => Some("the next"),
    };
    let occurrence = Occurrence::at_moment(next.unwrap_or(now), campaign.zone);
    Ok((occurrence, note))
}

/// A campaign that is sent by hand only may be sent for any time; else it must be one that its schedule names.
pub(super) fn check_fires(campaign: &Campaign, occurrence: &Occurrence) -> Result<(), Failure> {
    if fires(campaign, occurrence) {
        return Ok(());
    }
    let at = occurrence.at.with_timezone(&Utc);
    let before = last_before(campaign, at).map(|at| format!("{} comes before it", typed(at)));
    let after = next_after(campaign, at).map(|at| format!("{} after it", typed(at)));
    let near: Vec<String> = [before, after].into_iter().flatten().collect();
    let text = format!(
        "the schedule of `{}` does not name {}",
        campaign.name,
        typed(occurrence.at)
    );
    let failure = Failure::new(Exit::Usage, text);
    Err(match near.as_slice() {
        [] => failure.help(format!(
            "see what it names with: {}",
            unbroken("campanile next")
        )),
        near => failure.help(near.join(", ")),
    })
}

fn fires(campaign: &Campaign, occurrence: &Occurrence) -> bool {
    let before = occurrence.at.with_timezone(&Utc) - TimeDelta::seconds(1);
    campaign.schedule.is_none() || next_after(campaign, before) == Some(occurrence.at)
}

fn next_after(campaign: &Campaign, after: DateTime<Utc>) -> Option<DateTime<Tz>> {
    let mut slots = campaign.schedule.as_ref()?.slots(after);
    Some(slots.find_map(Slot::firing)?.at)
}

fn last_before(campaign: &Campaign, at: DateTime<Utc>) -> Option<DateTime<Tz>> {
    let schedule = campaign.schedule.as_ref()?;
    DAYS_BACK.iter().find_map(|days| {
        let after = at.checked_sub_signed(TimeDelta::days(*days))?;
        let firings = schedule.slots(after).filter_map(Slot::firing);
        let before = firings
            .map(|firing| firing.at)
            .take_while(|each| *each < at);
        before.last()
    })
}

/// As `--for` takes it.
fn typed(at: DateTime<Tz>) -> String {
    let local = at.naive_local();
    match at.timezone().from_local_datetime(&local) {
        LocalResult::Single(_) => civil_text(local),
        _ => at.to_rfc3339_opts(SecondsFormat::Secs, false),
    }
}
