//! What `status` tells of the lanes: who sends on each, and how fast at present.

use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::channel::Channel;
use crate::identity::Moment;
use crate::journal::{Calls, Journal};
use crate::settings::App;
use serde::Serialize;
use std::time::Duration;

/// The present pace is that of this last while.
const PRESENT: Duration = Duration::from_secs(10);
/// A pace is told of no less than this, since two calls in one moment are none.
const TOLD_OF_MS: i64 = 1_000;

/// A lane that somebody holds. Fields are only ever added.
#[derive(Debug, Serialize)]
pub(super) struct LaneStanding {
    app: String,
    channel: &'static str,
    holder: String,
    /// Calls a second at present, whatever became of them.
    calls_per_s: f64,
    /// More than so many are never begun in a second.
    limit_per_s: u32,
}

impl LaneStanding {
    /// Those of the settings, in their order.
    pub(super) async fn all(
        workspace: &Workspace,
        journal: &Journal,
        now: Moment,
    ) -> Result<Vec<LaneStanding>, Failure> {
        let present_ms = i64::try_from(PRESENT.as_millis()).unwrap_or(i64::MAX);
        let calls = journal
            .calls_between(now.wall_ms - present_ms, now.wall_ms)
            .await?;
        let apps = &workspace.settings.apps;
        let is_first = |at: usize, app: &App| {
            let same = |other: &App| other.sdk_app_id == app.sdk_app_id;
            !apps[..at].iter().any(same)
        };
        let apps = apps.iter().enumerate();
        let apps = apps.filter(|(at, app)| is_first(*at, app));
        let lanes = apps.flat_map(|(_, app)| Channel::ALL.map(|channel| (app, channel)));
        let standing = lanes.filter_map(|(app, channel)| {
            let holder = journal.lane_holder(&workspace.vendor_app(app), channel)?;
            let is_its =
                |each: &&Calls| each.sdk_app_id == app.sdk_app_id && each.channel == channel;
            let calls = calls.iter().find(is_its);
            let calls_per_s = calls.map_or(0.0, |calls| pace(calls, now));
            Some(LaneStanding {
                app: app.role.clone(),
                channel: channel.name(),
                holder,
                calls_per_s: (calls_per_s * 10.0).round() / 10.0,
                limit_per_s: channel.limit(&app.limits),
            })
        });
        Ok(standing.collect())
    }

    pub(super) fn tell(&self) -> Result<(), Failure> {
        let LaneStanding {
            app,
            channel,
            holder,
            calls_per_s,
            limit_per_s,
        } = self;
        let pace = if *calls_per_s > 0.0 {
            format!("{calls_per_s} of {limit_per_s} calls a second")
        } else {
            format!("at rest, {limit_per_s} calls a second at most")
        };
        print::told(&format!("  {app} {channel}: {pace}, by {holder}"))?;
        Ok(())
    }
}

/// Since the first of them, or since as long ago as they were counted from.
fn pace(calls: &Calls, now: Moment) -> f64 {
    let span_ms = now.wall_ms.saturating_sub(calls.first_ms).max(TOLD_OF_MS);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let pace = calls.begun as f64 * 1_000.0 / span_ms as f64;
    pace
}
