//! What a lane's next holder must know of those before it.

use super::columns::moment;
use super::runs::COLUMNS;
use super::{Error, Journal, Run};
use crate::channel::Channel;
use crate::identity::{Moment, Random, RecentRandoms, VendorApp};
use crate::seeded_bug::SeededBug;
use sqlx::{AssertSqlSafe, Row};

#[derive(Debug)]
pub struct LaneHistory {
    /// When the last call on the lane was Started since the machine was.
    pub last_started: Option<Moment>,
    /// What was Started on the SDKAppID in the last ten minutes, on whichever lane.
    pub randoms: RecentRandoms,
}

/// So many of the newest Started count though the wall clock says they are old: it may have been set forward since.
const NEWEST: i64 = 2_000;

impl Journal {
    /// The lane's runs that have not finished. Those that cannot be read are for whoever asks for them by name.
    pub async fn unended_runs(&self, app: &VendorApp, channel: Channel) -> Result<Vec<Run>, Error> {
        let query = format!(
            "/* unended runs */ SELECT {COLUMNS} FROM run
             WHERE sdk_app_id = ?1 AND host = ?2 AND channel = ?3 AND
                (SELECT event FROM run_entry WHERE run_entry.run = run.id ORDER BY place DESC LIMIT 1) IS NOT 'finished'
             ORDER BY id"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(i64::try_from(app.sdk_app_id.0).unwrap_or(i64::MAX))
            .bind(&app.host)
            .bind(channel.name())
            .fetch_all(&self.reader)
            .await?;
        Ok(self.read_readable(rows).await?.0)
    }

    pub async fn lane_history(
        &self,
        app: &VendorApp,
        channel: Channel,
        now: Moment,
    ) -> Result<LaneHistory, Error> {
        let since =
            now.wall_ms - i64::try_from(RecentRandoms::KEPT.as_millis()).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "/* lane history */ SELECT random, channel, entry.wall_ms, entry.boot_ns, entry.boot_id
             FROM entry JOIN run ON run.id = entry.run
             WHERE kind = 1 AND sdk_app_id = ?2 AND entry.wall_ms >= min(?1, coalesce(
                (SELECT wall_ms FROM entry WHERE kind = 1 ORDER BY wall_ms DESC LIMIT 1 OFFSET ?3), 0))
             ORDER BY entry.wall_ms",
        )
        .bind(since)
        .bind(i64::try_from(app.sdk_app_id.0).unwrap_or(i64::MAX))
        .bind(NEWEST)
        .fetch_all(&self.reader)
        .await?;
        let mut history = LaneHistory {
            last_started: None,
            randoms: RecentRandoms::default(),
        };
        for row in &rows {
            let at = moment(row)?;
            history.randoms.remember(Random(row.try_get("random")?), at);
            // The vendor counts an app's calls, whichever of its hosts they went to. A wall clock may have been set.
            let same_lane = row.try_get::<String, _>("channel")? == channel.name();
            let is_later = |last: Moment| last.boot_ns < at.boot_ns;
            if same_lane && at.boot_id == now.boot_id && history.last_started.is_none_or(is_later) {
                history.last_started = (!SeededBug::WindowNotRead.is_active()).then_some(at);
            }
        }
        Ok(history)
    }
}
