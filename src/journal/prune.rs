//! What is no longer needed goes: a run by one small commit, which leaves rubbish, and rubbish in chunks.

use super::runs::COLUMNS;
use super::{Error, Journal, PlanId, Run};
use crate::clock;
use crate::identity::{Moment, OccurrenceKey, RunName, VendorApp};
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// Numbers of deliveries, or of contents, that go in one transaction: more would keep other writers waiting.
const CHUNK: i64 = 2_000;
/// So many times as long as a chunk took, others are left to write.
const REST_PER_CHUNK: u32 = 2;
const REST_MIN: Duration = Duration::from_millis(2);
const REST_MAX: Duration = Duration::from_millis(500);

impl Journal {
    /// The finished runs in which nothing has happened since `before_ms`, the oldest first, and how many as old have not
    /// finished.
    pub async fn finished_before(&self, before_ms: i64) -> Result<(Vec<Run>, u64), Error> {
        let query =
            format!("/* old runs */ SELECT {COLUMNS} FROM run WHERE opened_ms < ?1 ORDER BY id");
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(before_ms)
            .fetch_all(&self.reader)
            .await?;
        let (mut old, mut unfinished) = (Vec::new(), 0);
        for row in rows {
            let runs = match self.read_runs(vec![row]).await {
                Ok(runs) => runs,
                // What cannot be read is for a person to see.
                Err(Error::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            for run in runs {
                let is_old = |ms: i64| ms < before_ms;
                let ended_ms = run
                    .last_entry()
                    .map_or(run.opened_ms, |entry| entry.at.wall_ms);
                if !is_old(ended_ms) || !is_old(self.newest_ms(run.id).await?.unwrap_or(ended_ms)) {
                    continue;
                }
                if run.state().is_finished() {
                    old.push(run);
                } else {
                    unfinished += 1;
                }
            }
        }
        Ok((old, unfinished))
    }

    /// Takes a finished run out: for every reader it is gone, and what it leaves is rubbish. `false`: something happened to
    /// it since it was read, so it stays.
    pub async fn take_out(&self, run: &Run, now: Moment) -> Result<bool, Error> {
        let mut transaction = self.writer.begin().await?;
        let last: Option<i64> =
            sqlx::query_scalar("/* take out */ SELECT max(place) FROM run_entry WHERE run = ?1")
                .bind(run.id.0)
                .fetch_one(&mut *transaction)
                .await?;
        if last != Some(run.last_place()) {
            return Ok(false);
        }
        sqlx::query(
            "/* take out */ INSERT OR REPLACE INTO pruned
                (sdk_app_id, host, campaign, local, fold, zone, ordinal, pruned_ms)
             SELECT sdk_app_id, host, campaign, local, fold, zone, ordinal, ?2 FROM run WHERE id = ?1 AND NOT test",
        )
        .bind(run.id.0)
        .bind(now.wall_ms)
        .execute(&mut *transaction)
        .await?;
        for statement in [
            "/* take out */ INSERT INTO plan (id, staged_ms) VALUES (?1, 0)",
            "/* take out */ DELETE FROM run WHERE id = ?1",
            "/* take out */ DELETE FROM run_entry WHERE run = ?1",
        ] {
            sqlx::query(statement)
                .bind(run.id.0)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Plans that nobody opens any more, those that were cut off while they were cleared away included.
    pub async fn rubbish(&self, before_ms: i64) -> Result<Vec<PlanId>, Error> {
        let ids = sqlx::query_scalar("/* rubbish */ SELECT id FROM plan WHERE staged_ms < ?1");
        let ids: Vec<i64> = ids.bind(before_ms).fetch_all(&self.reader).await?;
        Ok(ids.into_iter().map(PlanId).collect())
    }

    /// Clears a plan away that nobody may open any more, up to so many chunks of it. Other writers have their turn between
    /// the chunks.
    pub async fn clear(&self, plan: PlanId, chunks_max: usize) -> Result<(), Error> {
        // From now on opening it fails; if it was opened by now, it is no rubbish.
        let condemn = sqlx::query("/* condemn */ UPDATE plan SET staged_ms = 0 WHERE id = ?1");
        let condemned = self.writer.execute(condemn.bind(plan.0)).await?;
        if condemned.rows_affected() == 0 {
            return Ok(());
        }
        for _ in 0..chunks_max {
            let began = clock::now();
            if self.clear_chunk(plan).await? {
                return Ok(());
            }
            self.checkpoint().await?;
            let took = clock::now().age_of(began).unwrap_or_default();
            let rest = (took * REST_PER_CHUNK).clamp(REST_MIN, REST_MAX);
            tokio::time::sleep(rest).await;
        }
        Ok(())
    }

    /// Clears rubbish away to its end.
    pub async fn clear_all(&self, plan: PlanId) -> Result<(), Error> {
        self.clear(plan, usize::MAX).await
    }

    /// `true`: that was the last of it. The row that names the plan goes with the last, so that none is forgotten.
    async fn clear_chunk(&self, plan: PlanId) -> Result<bool, Error> {
        const FIRST_OF_EACH: [(&str, &[&str]); 2] = [
            (
                "/* first */ SELECT min(number) FROM delivery WHERE plan = ?1",
                &[
                    "/* clear */ DELETE FROM entry WHERE run = ?1 AND delivery BETWEEN ?2 AND ?3",
                    "/* clear */ DELETE FROM delivery WHERE plan = ?1 AND number BETWEEN ?2 AND ?3",
                ],
            ),
            (
                "/* first */ SELECT min(number) FROM content WHERE plan = ?1",
                &["/* clear */ DELETE FROM content WHERE plan = ?1 AND number BETWEEN ?2 AND ?3"],
            ),
        ];
        let mut transaction = self.writer.begin().await?;
        for (first, statements) in FIRST_OF_EACH {
            let first: Option<i64> = sqlx::query_scalar(first)
                .bind(plan.0)
                .fetch_one(&mut *transaction)
                .await?;
            let Some(first) = first else { continue };
            for statement in statements {
                sqlx::query(*statement)
                    .bind(plan.0)
                    .bind(first)
                    .bind(first + CHUNK - 1)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            return Ok(false);
        }
        sqlx::query("/* clear */ DELETE FROM plan WHERE id = ?1")
            .bind(plan.0)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// When a run of this name was pruned. Of tests nothing is kept.
    pub async fn pruned_ms(&self, name: &RunName) -> Result<Option<i64>, Error> {
        let pruned = sqlx::query_scalar(
            "/* pruned */ SELECT max(pruned_ms) FROM pruned WHERE NOT ?4 AND campaign = ?1 AND local = ?2 AND ordinal = ?3",
        );
        let pruned = pruned
            .bind(name.campaign.as_str())
            .bind(crate::identity::civil_text(name.local))
            .bind(name.ordinal)
            .bind(name.test);
        Ok(pruned.fetch_one(&self.reader).await?)
    }

    /// The ordinals of the runs of an occurrence that were pruned: the highest, if there are any, and when it was.
    pub async fn pruned_last(&self, key: &OccurrenceKey) -> Result<Option<(u32, i64)>, Error> {
        let last = sqlx::query_as(
            "/* pruned */ SELECT ordinal, pruned_ms FROM pruned WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3
                AND local = ?4 AND fold = ?5 AND zone = ?6 ORDER BY ordinal DESC LIMIT 1",
        );
        let last = last
            .bind(i64::try_from(key.app.sdk_app_id.0).unwrap_or(i64::MAX))
            .bind(&key.app.host)
            .bind(key.campaign.as_str())
            .bind(crate::identity::civil_text(key.local))
            .bind(key.fold)
            .bind(key.zone.name());
        Ok(last.fetch_optional(&self.reader).await?)
    }

    /// Whether no run but tests ever went to an app.
    pub async fn is_new_to(&self, app: &VendorApp) -> Result<bool, Error> {
        let is_new = sqlx::query_scalar(
            "/* new */ SELECT NOT EXISTS (SELECT 1 FROM run WHERE sdk_app_id = ?1 AND host = ?2 AND NOT test)
                AND NOT EXISTS (SELECT 1 FROM pruned WHERE sdk_app_id = ?1 AND host = ?2)",
        );
        let is_new = is_new
            .bind(i64::try_from(app.sdk_app_id.0).unwrap_or(i64::MAX))
            .bind(&app.host);
        Ok(is_new.fetch_one(&self.reader).await?)
    }
}
