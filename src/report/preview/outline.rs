//! What is known before the first target, and what is known after the last.

use super::gathering::Gathering;
use super::sample::Sample;
use crate::campaign::Campaign;
use crate::channel::Channel;
use crate::plan::Header;
use crate::schedule::Occurrence;
use crate::settings::{App, Hours};
use crate::source::Diagnostic;
use crate::template::Case;
use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known before the audience is read.
#[derive(Clone, Debug)]
pub struct Outline {
    pub(super) campaign: String,
    pub(super) description: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) app: String,
    pub(super) sdk_app_id: u64,
    pub(super) administrator: String,
    pub(super) channel: Channel,
    pub(super) occurrence: Occurrence,
    /// What is to be said of it, if anything: such as `by hand, as if now`.
    pub(super) note: Option<&'static str>,
    /// Calls a second.
    pub(super) rate: f64,
    pub(super) hours: Option<Hours>,
    pub(super) pause_after: Option<u64>,
    pub(super) finish_by: Option<DateTime<Tz>>,
}

/// What is known when the last target is out.
#[derive(Clone, Debug)]
pub struct Totals {
    /// Skipped ones included.
    pub(super) planned: u64,
    pub(super) skipped: BTreeMap<String, u64>,
    pub(super) groups: u64,
    pub(super) members: u64,
    pub(super) longest: Option<Sample>,
    /// How many calls read which text.
    pub(super) cases: Vec<(Case, u64)>,
    pub(super) first_call: DateTime<Tz>,
    pub(super) expected_end: DateTime<Tz>,
    /// As all calls take together, without hours in which none is made.
    pub(super) takes: Duration,
    pub(super) warnings: Vec<Diagnostic>,
}

impl Outline {
    pub fn of(
        campaign: &Campaign,
        app: &App,
        occurrence: &Occurrence,
        note: Option<&'static str>,
    ) -> Outline {
        let rules = &campaign.rules;
        let limit = f64::from(campaign.channel().limit(&app.limits));
        let schedule = campaign.schedule.as_ref();
        let within = schedule.and_then(|schedule| schedule.finish_within);
        let within = within.and_then(|within| TimeDelta::from_std(within).ok());
        Outline {
            campaign: campaign.name.to_string(),
            description: campaign.description.clone(),
            owner: campaign.owner.clone(),
            app: app.role.clone(),
            sdk_app_id: app.sdk_app_id.0,
            administrator: app.administrator.clone(),
            channel: campaign.channel(),
            occurrence: occurrence.clone(),
            note,
            rate: rules.rate.map_or(limit, |rate| rate.min(limit)),
            hours: rules.window.map(|window| Hours {
                window,
                zone: campaign.zone,
            }),
            pause_after: rules.pause_after,
            finish_by: within.and_then(|within| occurrence.at.checked_add_signed(within)),
        }
    }

    /// `Wednesday 2026-11-11 09:00 Asia/Shanghai`
    pub(super) fn occurrence_text(&self) -> String {
        let occurrence = &self.occurrence;
        let at = time_text(&occurrence.at);
        format!("{} {at} {}", occurrence.weekday(), occurrence.zone().name())
    }

    /// `200 calls a second, 08:00-22:00 only`
    pub(super) fn pace_text(&self) -> String {
        let calls = if self.rate > 1.0 { "calls" } else { "call" };
        let hours = self.hours.map(|hours| format!(", {} only", hours.window));
        format!(
            "{} {calls} a second{}",
            self.rate,
            hours.unwrap_or_default()
        )
    }
}

impl Totals {
    /// `warnings` are those of the campaign and of its audience.
    pub fn of(
        outline: &Outline,
        header: &Header,
        gathering: Gathering,
        warnings: Vec<Diagnostic>,
    ) -> Totals {
        let calls = header.planned - header.skipped;
        #[expect(clippy::cast_precision_loss, reason = "a duration for people")]
        let takes = Duration::try_from_secs_f64(calls as f64 / outline.rate).unwrap_or_default();
        let from_ms = outline.occurrence.at.timestamp_millis();
        let takes_ms = i64::try_from(takes.as_millis()).unwrap_or(i64::MAX);
        let (first_ms, end_ms) = match &outline.hours {
            Some(hours) => hours.stretch(from_ms, takes),
            None => (from_ms, from_ms.saturating_add(takes_ms)),
        };
        let zone = outline.occurrence.zone();
        let at = |ms| {
            let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
            at.with_timezone(&zone)
        };
        Totals {
            planned: header.planned,
            groups: gathering.groups,
            members: gathering.members,
            longest: gathering.longest.map(|kept| kept.sample()),
            cases: gathering.cases,
            skipped: gathering.skipped,
            first_call: at(first_ms),
            expected_end: at(end_ms),
            takes,
            warnings,
        }
    }

    pub(super) fn skipped_count(&self) -> u64 {
        self.skipped.values().sum()
    }
}

/// Seconds only where there are any.
pub(super) fn time_text(at: &DateTime<Tz>) -> String {
    let is_whole = at.timestamp() % 60 == 0;
    let form = if is_whole {
        "%Y-%m-%d %H:%M"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    at.format(form).to_string()
}
