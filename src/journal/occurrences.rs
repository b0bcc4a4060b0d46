//! What is known of the schedules of campaigns, and what became of occurrences that have no run.

use super::columns::boot_ns;
use super::{Error, Journal, RunId};
use crate::agenda::{Civil, Decided, Disposition, Grounds, PausedBy, Reason};
use crate::delivery::PauseReason;
use crate::identity::{
    CampaignName, Moment, OccurrenceKey, RunName, SdkAppId, VendorApp, civil_text, parse_civil,
};
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, Sqlite, Transaction};
use std::collections::{BTreeSet, HashMap};

/// What a schedule belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScheduleKey {
    pub app: VendorApp,
    pub campaign: CampaignName,
}

/// How far the occurrences of a schedule have been decided, as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleCursor {
    pub key: ScheduleKey,
    /// Tells whether it is still the same.
    pub schedule: String,
    pub zone: Tz,
    /// Every occurrence of it up to here has its state, and none before it was seen was ever due.
    pub settled_ms: i64,
    /// Its next occurrence and the instant of that.
    pub next: Option<(Civil, i64)>,
}

/// An occurrence that has no run.
#[derive(Clone, Debug)]
pub struct UnsentOccurrence {
    pub key: OccurrenceKey,
    pub at_ms: i64,
    pub disposition: Disposition,
    pub grounds: Grounds,
}

/// A campaign of which no occurrence starts, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PausedCampaign {
    pub campaign: String,
    pub by: PausedBy,
    pub since_ms: i64,
}

const COLUMNS: &str = "sdk_app_id, host, campaign, local, fold, zone, at_ms, disposition, reason_code, reason_data, omitted";

impl Journal {
    /// Returns the cursors of all schedules that a daemon has seen.
    pub async fn schedule_cursors(&self) -> Result<HashMap<ScheduleKey, ScheduleCursor>, Error> {
        let rows = sqlx::query("/* schedule cursors */ SELECT * FROM schedule_cursor");
        let rows = rows.fetch_all(&self.reader).await?;
        let cursors = rows.iter().map(read_cursor);
        cursors
            .map(|cursor| cursor.map(|cursor| (cursor.key.clone(), cursor)))
            .collect()
    }

    /// Records how far schedules have been decided.
    pub async fn save_schedule_cursors(&self, cursors: &[ScheduleCursor]) -> Result<(), Error> {
        if cursors.is_empty() {
            return Ok(());
        }
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        insert_cursors(&mut transaction, cursors).await?;
        self.commit(transaction).await
    }

    /// Nothing of it is due any more, unless it is seen again.
    pub async fn forget_schedule(&self, key: &ScheduleKey) -> Result<(), Error> {
        let forget = "/* forget */ DELETE FROM schedule_cursor WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3";
        sqlx::query(forget)
            .bind(sdk_app_id(&key.app))
            .bind(&key.app.host)
            .bind(key.campaign.as_str())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Records what becomes of occurrences, and that all up to `cursor.settled_ms` have their states.
    pub async fn decide(
        &self,
        cursor: &ScheduleCursor,
        decided: &[Decided],
        now: Moment,
    ) -> Result<(), Error> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        insert_cursors(&mut transaction, std::slice::from_ref(cursor)).await?;
        let rows = decided.iter().map(|each| {
            let Grounds { reason, omitted } = &each.grounds;
            let (code, data) = columns(reason);
            json!([
                civil_text(each.civil.local),
                each.civil.fold,
                each.at.timestamp_millis(),
                each.disposition.name(),
                code,
                data,
                omitted
            ])
        });
        // What is final stays; what waited may come to its end.
        sqlx::query(
            "/* decide */ INSERT INTO occurrence SELECT ?1, ?2, ?3, value ->> 0, value ->> 1, ?4, value ->> 2, value ->> 3,
                value ->> 4, value ->> 5, value ->> 6, ?5 FROM json_each(?6) WHERE true
             ON CONFLICT DO UPDATE SET disposition = excluded.disposition, reason_code = excluded.reason_code,
                reason_data = excluded.reason_data, omitted = excluded.omitted, decided_ms = excluded.decided_ms
                WHERE disposition NOT IN ('missed', 'skipped')",
        )
        .bind(sdk_app_id(&cursor.key.app))
        .bind(&cursor.key.app.host)
        .bind(cursor.key.campaign.as_str())
        .bind(cursor.zone.name())
        .bind(now.wall_ms)
        .bind(Value::Array(rows.collect()).to_string())
        .execute(&mut *transaction)
        .await?;
        self.commit(transaction).await
    }

    /// Returns the occurrences not before a local time that have a run or a state.
    pub async fn resolved_occurrences(
        &self,
        key: &ScheduleKey,
        zone: Tz,
        from: NaiveDateTime,
    ) -> Result<BTreeSet<Civil>, Error> {
        const WHICH: &str =
            "sdk_app_id = ?1 AND host = ?2 AND campaign = ?3 AND zone = ?4 AND local >= ?5";
        let query = format!(
            "/* resolved occurrences */ SELECT local, fold FROM run WHERE {WHICH} AND NOT test
             UNION SELECT local, fold FROM occurrence WHERE {WHICH}
             UNION SELECT local, fold FROM pruned WHERE {WHICH}"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(sdk_app_id(&key.app))
            .bind(&key.app.host)
            .bind(key.campaign.as_str())
            .bind(zone.name())
            .bind(civil_text(from))
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(read_civil).collect()
    }

    /// Returns the occurrences that wait, the earliest first.
    pub async fn waiting(&self) -> Result<Vec<UnsentOccurrence>, Error> {
        let query = format!(
            "/* waiting */ SELECT {COLUMNS} FROM occurrence WHERE disposition IN ('held', 'queued', 'released') ORDER BY at_ms"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(read_unsent).collect()
    }

    /// Returns the occurrences that ended without a run, the latest first.
    pub async fn unsent(&self, limit: u32) -> Result<Vec<UnsentOccurrence>, Error> {
        let query = format!(
            "/* unsent */ SELECT {COLUMNS} FROM occurrence WHERE disposition IN ('missed', 'skipped')
             ORDER BY decided_ms DESC, at_ms DESC LIMIT ?1"
        );
        let rows = sqlx::query(AssertSqlSafe(query)).bind(limit);
        let rows = rows.fetch_all(&self.reader).await?;
        rows.iter().map(read_unsent).collect()
    }

    /// Returns the occurrence of this name, if it has no run.
    pub async fn unsent_named(&self, name: &RunName) -> Result<Option<UnsentOccurrence>, Error> {
        let query = format!(
            "/* unsent named */ SELECT {COLUMNS} FROM occurrence WHERE campaign = ?1 AND local = ?2 LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(name.campaign.as_str())
            .bind(civil_text(name.local))
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(read_unsent).transpose()
    }

    /// Deletes the occurrences that ended without a run and were decided before an instant. Returns their number.
    pub async fn forget_unsent(&self, before_ms: i64) -> Result<u64, Error> {
        let gone = sqlx::query(
            "/* forget unsent */ DELETE FROM occurrence WHERE disposition IN ('missed', 'skipped') AND decided_ms < ?1",
        );
        let gone = gone.bind(before_ms).execute(&self.writer).await?;
        Ok(gone.rows_affected())
    }

    /// What was called missed and is still to come: the clock was wrong then.
    pub async fn withdraw_missed(&self, now: Moment) -> Result<u64, Error> {
        let withdrawn = sqlx::query(
            "/* withdraw */ DELETE FROM occurrence WHERE disposition = 'missed' AND at_ms > ?1",
        );
        let withdrawn = withdrawn.bind(now.wall_ms).execute(&self.writer).await?;
        Ok(withdrawn.rows_affected())
    }

    /// Gives another state to an occurrence that waits; `false`: it does not wait any more.
    pub async fn settle_waiting(
        &self,
        key: &OccurrenceKey,
        (disposition, reason): (Disposition, &Reason),
        now: Moment,
    ) -> Result<bool, Error> {
        let (code, data) = columns(reason);
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let settled = sqlx::query(
            "/* settle waiting */ UPDATE occurrence SET disposition = ?7, reason_code = ?8, reason_data = ?9, omitted = 0,
                decided_ms = ?10
             WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3 AND local = ?4 AND fold = ?5 AND zone = ?6
                AND disposition NOT IN ('missed', 'skipped')",
        )
        .bind(sdk_app_id(&key.app))
        .bind(&key.app.host)
        .bind(key.campaign.as_str())
        .bind(civil_text(key.local))
        .bind(key.fold)
        .bind(key.zone.name())
        .bind(disposition.name())
        .bind(code)
        .bind(data)
        .bind(now.wall_ms)
        .execute(&mut *transaction)
        .await?;
        self.commit(transaction).await?;
        Ok(settled.rows_affected() > 0)
    }

    /// No occurrence of the campaign starts until it is resumed. `false`: that is so already.
    pub async fn pause_campaign(
        &self,
        campaign: &str,
        by: PausedBy,
        now: Moment,
    ) -> Result<bool, Error> {
        let paused = sqlx::query(
            "/* pause campaign */ INSERT INTO paused_campaign VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )
        .bind(campaign)
        .bind(by.code())
        .bind(now.wall_ms)
        .execute(&self.writer)
        .await?;
        Ok(paused.rows_affected() > 0)
    }

    /// The same of every campaign whose schedule is known. How many were not paused before.
    pub async fn pause_campaigns(&self, by: PausedBy, now: Moment) -> Result<u64, Error> {
        let paused = sqlx::query(
            "/* pause campaigns */ INSERT INTO paused_campaign SELECT DISTINCT campaign, ?1, ?2 FROM schedule_cursor WHERE true
             ON CONFLICT DO NOTHING",
        );
        let paused = paused.bind(by.code()).bind(now.wall_ms);
        Ok(paused.execute(&self.writer).await?.rows_affected())
    }

    /// Since when it was paused; `None`: it was not.
    pub async fn resume_campaign(&self, campaign: &str) -> Result<Option<i64>, Error> {
        let resumed = sqlx::query_scalar(
            "/* resume campaign */ DELETE FROM paused_campaign WHERE campaign = ?1 RETURNING since_ms",
        );
        let resumed = resumed.bind(campaign).fetch_optional(&self.writer).await?;
        Ok(resumed)
    }

    /// How many occurrences of a campaign were skipped since.
    pub async fn skipped_since(&self, campaign: &str, since_ms: i64) -> Result<u64, Error> {
        let skipped: i64 = sqlx::query_scalar(
            "/* skipped since */ SELECT count(*) FROM occurrence
             WHERE campaign = ?1 AND disposition = 'skipped' AND decided_ms >= ?2",
        )
        .bind(campaign)
        .bind(since_ms)
        .fetch_one(&self.reader)
        .await?;
        Ok(u64::try_from(skipped).unwrap_or(0))
    }

    pub async fn paused_campaigns(&self) -> Result<Vec<PausedCampaign>, Error> {
        let rows =
            sqlx::query("/* paused campaigns */ SELECT * FROM paused_campaign ORDER BY campaign");
        let rows = rows.fetch_all(&self.reader).await?;
        let read = |row: &SqliteRow| {
            let code: String = row.try_get("reason_code")?;
            let by = PausedBy::from_code(&code);
            Ok(PausedCampaign {
                campaign: row.try_get("campaign")?,
                by: by.ok_or_else(|| Error::damaged("a campaign paused for no known reason"))?,
                since_ms: row.try_get("since_ms")?,
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Nothing of a run leaves whose campaign was paused while it was planned: whoever sends finds it paused or not at all.
pub(super) async fn pause_with_campaign(
    transaction: &mut Transaction<'_, Sqlite>,
    run: RunId,
    key: &OccurrenceKey,
    now: Moment,
) -> Result<(), Error> {
    sqlx::query(
        "/* paused with its campaign */ INSERT INTO run_entry (run, place, event, reason_code, wall_ms, boot_ns, boot_id)
         SELECT ?1, 1, 'paused', ?6, ?2, ?3, ?4 FROM paused_campaign WHERE campaign = ?5",
    )
    .bind(run.0)
    .bind(now.wall_ms)
    .bind(boot_ns(now))
    .bind(now.boot_id)
    .bind(key.campaign.as_str())
    .bind(PauseReason::Operator.code())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The occurrence has a run now, which says what becomes of it.
pub(super) async fn forget_occurrence(
    transaction: &mut Transaction<'_, Sqlite>,
    key: &OccurrenceKey,
) -> Result<(), Error> {
    sqlx::query(
        "/* has a run */ DELETE FROM occurrence WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3 AND local = ?4
            AND fold = ?5 AND zone = ?6",
    )
    .bind(sdk_app_id(&key.app))
    .bind(&key.app.host)
    .bind(key.campaign.as_str())
    .bind(civil_text(key.local))
    .bind(key.fold)
    .bind(key.zone.name())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn insert_cursors(
    transaction: &mut Transaction<'_, Sqlite>,
    cursors: &[ScheduleCursor],
) -> Result<(), Error> {
    let rows = cursors.iter().map(|each| {
        let next = each.next.map(|(civil, at_ms)| {
            let local = civil_text(civil.local);
            (local, civil.fold, at_ms)
        });
        let (local, fold, at_ms) = next.map_or((None, None, None), |(local, fold, at_ms)| {
            (Some(local), Some(fold), Some(at_ms))
        });
        json!([
            sdk_app_id(&each.key.app),
            each.key.app.host,
            each.key.campaign.as_str(),
            each.schedule,
            each.settled_ms,
            local,
            fold,
            at_ms,
            each.zone.name()
        ])
    });
    sqlx::query(
        "/* schedule cursors */ INSERT OR REPLACE INTO schedule_cursor SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
            value ->> 5, value ->> 6, value ->> 7, value ->> 8 FROM json_each(?1)",
    )
    .bind(Value::Array(rows.collect()).to_string())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn sdk_app_id(app: &VendorApp) -> i64 {
    i64::try_from(app.sdk_app_id.0).unwrap_or(i64::MAX)
}

fn read_key(row: &SqliteRow) -> Result<ScheduleKey, Error> {
    let id: i64 = row.try_get("sdk_app_id")?;
    let campaign: String = row.try_get("campaign")?;
    Ok(ScheduleKey {
        app: VendorApp {
            sdk_app_id: SdkAppId(u64::try_from(id).unwrap_or(0)),
            host: row.try_get("host")?,
        },
        campaign: CampaignName::try_from(campaign.as_str())
            .map_err(|_| Error::damaged("a campaign without a name"))?,
    })
}

fn read_zone(row: &SqliteRow) -> Result<Tz, Error> {
    let zone: String = row.try_get("zone")?;
    zone.parse()
        .map_err(|_| Error::damaged("a zone that is not known"))
}

fn read_local(text: &str) -> Result<NaiveDateTime, Error> {
    parse_civil(text).ok_or_else(|| Error::damaged("an occurrence at no time"))
}

fn read_civil(row: &SqliteRow) -> Result<Civil, Error> {
    let local: String = row.try_get("local")?;
    Ok(Civil {
        local: read_local(&local)?,
        fold: row.try_get("fold")?,
    })
}

fn read_cursor(row: &SqliteRow) -> Result<ScheduleCursor, Error> {
    let local: Option<String> = row.try_get("next_local")?;
    let at_ms: Option<i64> = row.try_get("next_ms")?;
    let next = match (local, at_ms) {
        (Some(local), Some(at_ms)) => {
            let civil = Civil {
                local: read_local(&local)?,
                fold: row.try_get("next_fold")?,
            };
            Some((civil, at_ms))
        }
        _ => None,
    };
    Ok(ScheduleCursor {
        key: read_key(row)?,
        schedule: row.try_get("schedule")?,
        zone: read_zone(row)?,
        settled_ms: row.try_get("settled_ms")?,
        next,
    })
}

fn read_unsent(row: &SqliteRow) -> Result<UnsentOccurrence, Error> {
    let ScheduleKey { app, campaign } = read_key(row)?;
    let Civil { local, fold } = read_civil(row)?;
    let disposition: String = row.try_get("disposition")?;
    Ok(UnsentOccurrence {
        key: OccurrenceKey {
            app,
            campaign,
            local,
            fold,
            zone: read_zone(row)?,
            ordinal: 1,
            test: false,
        },
        at_ms: row.try_get("at_ms")?,
        disposition: Disposition::from_name(&disposition)
            .ok_or_else(|| Error::damaged("an occurrence of no known state"))?,
        grounds: read_grounds(row)?,
    })
}

/// Returns the code of a reason and its data, as they are kept.
fn columns(reason: &Reason) -> (String, Option<String>) {
    let (code, data) = reason.to_parts();
    (code, data.map(|data| data.to_string()))
}

fn read_grounds(row: &SqliteRow) -> Result<Grounds, Error> {
    let unknown = || Error::damaged("an occurrence for no known reason");
    let data: Option<String> = row.try_get("reason_data")?;
    let data = data.map(|data| serde_json::from_str(&data)).transpose();
    let reason = Reason::from_parts(row.try_get("reason_code")?, data.map_err(|_| unknown())?);
    let omitted: i64 = row.try_get("omitted")?;
    Ok(Grounds {
        reason: reason.ok_or_else(unknown)?,
        omitted: u64::try_from(omitted).map_err(|_| unknown())?,
    })
}
