//! What is known of the schedules of campaigns, and what became of occurrences that have no run.

use super::columns::boot_ns;
use super::runs::{COLUMNS as RUN_COLUMNS, read_run};
use super::{Error, Journal, RunId};
use crate::delivery::PauseReason;
use crate::identity::{
    CampaignName, Moment, OccurrenceKey, RunName, SdkAppId, VendorApp, civil_text, parse_civil,
};
use crate::schedule::{START_WITHIN, StoredSchedule};
use crate::scheduler::{
    Civil, Cursor, Decided, Disposition, Grounds, PausedBy, Reason, ScheduleKey,
};
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How far the occurrences of a schedule have been decided, and the schedule itself, as the journal keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleCursor {
    pub key: ScheduleKey,
    /// Digest of the schedule: tells whether it is still the same.
    pub schedule: String,
    pub zone: Tz,
    pub cursor: Cursor,
    /// Its next occurrence and the instant of that.
    pub next: Option<(Civil, i64)>,
    /// `None` if a program wrote it that kept no definitions.
    pub definition: Option<StoredDefinition>,
}

/// What has to be known of a schedule while its file is invalid.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct StoredDefinition {
    pub schedule: StoredSchedule,
    /// When first attempts may be made, as `09:00-18:00`.
    pub window: Option<String>,
}

/// Decisions about occurrences of one schedule, and the cursor that goes with them.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub cursor: ScheduleCursor,
    pub decided: Vec<Decided>,
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

    /// Nothing of it is due any more, unless it is seen again.
    pub async fn forget_schedule(&self, key: &ScheduleKey) -> Result<(), Error> {
        let forget = "/* forget */ DELETE FROM schedule_cursor WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3";
        let forget = sqlx::query(forget)
            .bind(sdk_app_id(&key.app))
            .bind(&key.app.host)
            .bind(key.campaign.as_str());
        self.writer.execute(forget).await.map(drop)
    }

    /// Records decisions and cursors: all of them or, if it fails, none. Returns for each of `all` the occurrences that were
    /// left as they are, because they have a run or a final state.
    pub async fn record(
        &self,
        all: &[Recorded],
        now: Moment,
    ) -> Result<Vec<BTreeSet<Civil>>, Error> {
        let mut transaction = self.writer.begin().await?;
        insert_cursors(&mut transaction, all.iter().map(|each| &each.cursor), now).await?;
        let mut refused = Vec::with_capacity(all.len());
        for each in all {
            refused.push(insert_decided(&mut transaction, each, now).await?);
        }
        self.commit(transaction).await?;
        Ok(refused)
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

    /// Returns the runs of a schedule that have not ended. One that cannot be read is not among them.
    pub async fn unended_runs_of(&self, key: &ScheduleKey) -> Result<Vec<RunName>, Error> {
        let query = format!(
            "/* unended runs of a schedule */ SELECT {RUN_COLUMNS} FROM run
             WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3 AND NOT test AND
                (SELECT event FROM run_entry WHERE run_entry.run = run.id ORDER BY place DESC LIMIT 1) IS NOT 'finished'
             ORDER BY id"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(sdk_app_id(&key.app))
            .bind(&key.app.host)
            .bind(key.campaign.as_str())
            .fetch_all(&self.reader)
            .await?;
        let mut names = Vec::with_capacity(rows.len());
        for row in &rows {
            match read_run(row) {
                Ok(run) => names.push(run.name()),
                Err(Error::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(names)
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
        let gone = self.writer.execute(gone.bind(before_ms)).await?;
        Ok(gone.rows_affected())
    }

    /// Deletes the final states that a clock decided which was ahead of `now_ms`, of occurrences that can still start. Returns
    /// the instant of the earliest of each schedule, to which its cursor goes back. What the operator skipped stays, and so does what an earlier schedule of
    /// the campaign named.
    pub async fn withdraw(&self, now_ms: i64) -> Result<Vec<(ScheduleKey, i64)>, Error> {
        let mut transaction = self.writer.begin().await?;
        let rows = sqlx::query(
            "/* withdraw */ DELETE FROM occurrence WHERE disposition IN ('missed', 'skipped') AND decided_ms > ?1
                AND reason_code <> ?2 AND at_ms > (SELECT max(min(c.seen_ms, ?1), ?1 - coalesce(
                        json_extract(c.definition, '$.schedule.start_within_ms'), ?3))
                    FROM schedule_cursor AS c WHERE c.sdk_app_id = occurrence.sdk_app_id AND c.host = occurrence.host
                        AND c.campaign = occurrence.campaign)
             RETURNING sdk_app_id, host, campaign, at_ms",
        )
        .bind(now_ms)
        .bind(Reason::SkippedByOperator.code())
        .bind(i64::try_from(START_WITHIN.as_millis()).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await?;
        let mut earliest = BTreeMap::new();
        for row in &rows {
            let at_ms: i64 = row.try_get("at_ms")?;
            let before = earliest.entry(read_key(row)?).or_insert(at_ms);
            *before = at_ms.min(*before);
        }
        // The process may end before its own cursors are in the journal.
        for (key, at_ms) in &earliest {
            sqlx::query(
                "/* rewind */ UPDATE schedule_cursor SET decided_ms = min(decided_ms, ?4 - 1)
                 WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3",
            )
            .bind(sdk_app_id(&key.app))
            .bind(&key.app.host)
            .bind(key.campaign.as_str())
            .bind(at_ms)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(earliest.into_iter().collect())
    }

    /// Returns when the latest run of a schedule ended; `None` if it has not, or there is none.
    pub async fn ended_ms(&self, key: &ScheduleKey) -> Result<Option<i64>, Error> {
        let ended = sqlx::query_scalar(
            "/* ended */ SELECT wall_ms FROM run_entry WHERE event = 'finished' AND run =
                (SELECT max(id) FROM run WHERE campaign = ?3 AND sdk_app_id = ?1 AND host = ?2 AND NOT test)
             ORDER BY place DESC LIMIT 1",
        )
        .bind(sdk_app_id(&key.app))
        .bind(&key.app.host)
        .bind(key.campaign.as_str());
        Ok(ended.fetch_optional(&self.reader).await?)
    }

    /// Gives another state to an occurrence that waits; `false`: it does not wait any more.
    pub async fn settle_waiting(
        &self,
        key: &OccurrenceKey,
        (disposition, reason): (Disposition, &Reason),
        now: Moment,
    ) -> Result<bool, Error> {
        let (code, data) = columns(reason);
        let mut transaction = self.writer.begin().await?;
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
        .bind(now.wall_ms);
        let paused = self.writer.execute(paused).await?;
        Ok(paused.rows_affected() > 0)
    }

    /// The same of every campaign whose schedule is known. How many were not paused before.
    pub async fn pause_campaigns(&self, by: PausedBy, now: Moment) -> Result<u64, Error> {
        let paused = sqlx::query(
            "/* pause campaigns */ INSERT INTO paused_campaign SELECT DISTINCT campaign, ?1, ?2 FROM schedule_cursor WHERE true
             ON CONFLICT DO NOTHING",
        );
        let paused = paused.bind(by.code()).bind(now.wall_ms);
        Ok(self.writer.execute(paused).await?.rows_affected())
    }

    /// Since when it was paused; `None`: it was not.
    pub async fn resume_campaign(&self, campaign: &str) -> Result<Option<i64>, Error> {
        let resumed = sqlx::query_scalar(
            "/* resume campaign */ DELETE FROM paused_campaign WHERE campaign = ?1 RETURNING since_ms",
        );
        let mut transaction = self.writer.begin().await?;
        let resumed = resumed.bind(campaign);
        let resumed = resumed.fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
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
    transaction: &mut SqliteConnection,
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
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// The occurrence has a run now, which says what becomes of it.
pub(super) async fn forget_occurrence(
    transaction: &mut SqliteConnection,
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
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

async fn insert_cursors(
    transaction: &mut SqliteConnection,
    cursors: impl Iterator<Item = &ScheduleCursor>,
    now: Moment,
) -> Result<(), Error> {
    let rows = cursors.map(|each| {
        let (local, fold, at_ms) = match each.next {
            None => (None, None, None),
            Some((civil, at_ms)) => (Some(civil_text(civil.local)), Some(civil.fold), Some(at_ms)),
        };
        let definition = each.definition.as_ref().map(|each| json!(each).to_string());
        json!([
            sdk_app_id(&each.key.app),
            each.key.app.host,
            each.key.campaign.as_str(),
            each.schedule,
            each.cursor.decided_ms,
            local,
            fold,
            at_ms,
            each.zone.name(),
            each.cursor.seen_ms,
            each.cursor.gap_ms,
            definition
        ])
    });
    let rows = Value::Array(rows.collect()).to_string();
    // A schedule that begins may find final states of what is due later: a clock that was ahead decided them before the
    // schedule of that campaign was forgotten.
    sqlx::query(
        "/* states ahead of new schedules */ DELETE FROM occurrence
         WHERE (sdk_app_id, host, campaign, local, fold, zone) IN (
            SELECT o.sdk_app_id, o.host, o.campaign, o.local, o.fold, o.zone FROM json_each(?1) AS new CROSS JOIN occurrence AS o
                ON o.sdk_app_id = new.value ->> 0 AND o.host = new.value ->> 1 AND o.campaign = new.value ->> 2
             WHERE o.disposition IN ('missed', 'skipped') AND o.reason_code <> ?2 AND o.at_ms > ?3
                AND NOT EXISTS (SELECT 1 FROM schedule_cursor AS c WHERE c.sdk_app_id = new.value ->> 0
                    AND c.host = new.value ->> 1 AND c.campaign = new.value ->> 2))",
    )
    .bind(&rows)
    .bind(Reason::SkippedByOperator.code())
    .bind(now.wall_ms)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "/* schedule cursors */ INSERT OR REPLACE INTO schedule_cursor (sdk_app_id, host, campaign, schedule, decided_ms,
            next_local, next_fold, next_ms, zone, seen_ms, gap_ms, definition)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
            value ->> 8, value ->> 9, value ->> 10, value ->> 11 FROM json_each(?1)",
    )
    .bind(&rows)
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// Whether an occurrence has a run or a final state.
const HAS_STATE: &str = "(SELECT 1 FROM occurrence WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3
        AND local = value ->> 0 AND fold = value ->> 1 AND zone = ?4 AND disposition IN ('missed', 'skipped')
    UNION ALL SELECT 1 FROM run WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3
        AND local = value ->> 0 AND fold = value ->> 1 AND zone = ?4 AND NOT test
    UNION ALL SELECT 1 FROM pruned WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3
        AND local = value ->> 0 AND fold = value ->> 1 AND zone = ?4)";

/// Returns the occurrences that keep the run or the final state that they have.
async fn insert_decided(
    transaction: &mut SqliteConnection,
    recorded: &Recorded,
    now: Moment,
) -> Result<BTreeSet<Civil>, Error> {
    let Recorded { cursor, decided } = recorded;
    if decided.is_empty() {
        return Ok(BTreeSet::new());
    }
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
    let rows = Value::Array(rows.collect()).to_string();
    let kept = format!(
        "/* kept */ SELECT value ->> 0 AS local, value ->> 1 AS fold FROM json_each(?5) WHERE EXISTS {HAS_STATE}"
    );
    let inserted = format!(
        "/* decide */ INSERT INTO occurrence SELECT ?1, ?2, ?3, value ->> 0, value ->> 1, ?4, value ->> 2, value ->> 3,
            value ->> 4, value ->> 5, value ->> 6, ?6 FROM json_each(?5) WHERE NOT EXISTS {HAS_STATE}
         ON CONFLICT DO UPDATE SET disposition = excluded.disposition, reason_code = excluded.reason_code,
            reason_data = excluded.reason_data, omitted = excluded.omitted, decided_ms = excluded.decided_ms"
    );
    let key = &cursor.key;
    let bound = |query| {
        sqlx::query(AssertSqlSafe(query))
            .bind(sdk_app_id(&key.app))
            .bind(key.app.host.clone())
            .bind(key.campaign.as_str().to_owned())
            .bind(cursor.zone.name())
            .bind(rows.clone())
    };
    let kept = bound(kept).fetch_all(&mut *transaction).await?;
    let kept = kept.iter().map(read_civil).collect::<Result<_, _>>()?;
    let insert = bound(inserted).bind(now.wall_ms);
    insert.execute(&mut *transaction).await?;
    Ok(kept)
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
    let definition: Option<String> = row.try_get("definition")?;
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
        cursor: Cursor {
            seen_ms: row.try_get("seen_ms")?,
            decided_ms: row.try_get("decided_ms")?,
            gap_ms: row.try_get("gap_ms")?,
        },
        next,
        // One that this program cannot read is made again from the file.
        definition: definition.and_then(|text| serde_json::from_str(&text).ok()),
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
