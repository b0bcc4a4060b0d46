//! From a stream of deliveries to a run: staged in bounded chunks, visible by one small commit.

use super::occurrences::{forget_occurrence, pause_with_campaign};
use super::{Error, Journal, RunId};
use crate::delivery::EndReason;
use crate::identity::{Digest, Moment, OccurrenceKey, civil_text};
use crate::plan::{Header, Planned};
use crate::settings::{OnUnknown, Share, Window};
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use std::collections::HashMap;
use std::time::Duration;

/// A plan that is being staged; it becomes the run of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanId(pub(super) i64);

/// Which bodies a plan holds already. It remembers the latest ones only: a plan in which all differ must not fill the
/// memory to find that out.
#[derive(Debug, Default)]
pub struct Contents {
    known: HashMap<Digest, u32>,
    next: u32,
    /// Rows that may still be in the write-ahead log alone.
    unmoved: usize,
}

impl Contents {
    const KNOWN_MAX: usize = 10_000;

    /// The number of a body, and whether it is new.
    fn number(&mut self, body: &str) -> (u32, bool) {
        let digest = Digest::of("content", [body.as_bytes()]);
        if let Some(number) = self.known.get(&digest) {
            return (*number, false);
        }
        if self.known.len() == Self::KNOWN_MAX {
            self.known.clear();
        }
        let number = self.next;
        self.next += 1;
        self.known.insert(digest, number);
        (number, true)
    }
}

/// What a plan is opened with.
#[derive(Clone, Debug)]
pub struct Opening {
    pub key: OccurrenceKey,
    /// The app's role in the settings.
    pub app: String,
    pub header: Header,
    /// The campaign's own cap in calls per second.
    pub rate: Option<f64>,
    pub attempts: u32,
    /// With so many refused and failed it still ends well.
    pub tolerate: Share,
    pub window: Option<Window>,
    pub pause_after: Option<u64>,
    /// The same, as whoever opens it wants.
    pub stop_after: Option<u64>,
    /// How many runs of the campaign there were through this app when it was decided to open one, where that matters.
    pub earlier: Option<usize>,
    pub on_unknown: OnUnknown,
    /// The wall instant after which no delivery is begun any more.
    pub finish_by_ms: Option<i64>,
    /// As long ago what last happened in it may be for it to be gone on with by itself; `None`: as usual.
    pub start_within: Option<Duration>,
    /// The commit of the repository the campaign was read from.
    pub revision: Option<String>,
    /// It is opened by its schedule: paused, if its campaign is.
    pub is_scheduled: bool,
}

/// Rows after which the write-ahead log is moved into the file.
const CHECKPOINT_AFTER: usize = 10_000;
/// Staged plans that nobody opened for so long are rubbish of a process that died.
const RUBBISH_AFTER: Duration = Duration::from_hours(24);
const CLEARED_AT_ONCE: usize = 5;

impl Journal {
    /// Rows of one transaction: more would keep other writers waiting.
    pub const CHUNK: usize = 1_000;

    pub async fn stage(&self, now: Moment) -> Result<PlanId, Error> {
        self.clear_rubbish(now).await?;
        let mut transaction = self.writer.begin().await?;
        let id =
            sqlx::query_scalar("/* stage */ INSERT INTO plan (staged_ms) VALUES (?1) RETURNING id")
                .bind(now.wall_ms)
                .fetch_one(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(PlanId(id))
    }

    /// Adds a chunk; equal bodies are kept once.
    pub async fn stage_chunk(
        &self,
        plan: PlanId,
        chunk: &[Planned],
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let (mut deliveries, mut bodies) = (Vec::with_capacity(chunk.len()), Vec::new());
        for planned in chunk {
            let request = &planned.request;
            let (content, is_new) = contents.number(&request.content);
            if is_new {
                bodies.push(json!([content, &*request.content]));
            }
            let members = (!request.members.is_empty()).then(|| request.members_json().to_string());
            deliveries.push(json!([
                planned.number.0,
                request.group_name(),
                content,
                planned.skip.as_ref().map(EndReason::code),
                members
            ]));
        }
        self.precedence.none().await;
        let mut transaction = self.writer.begin().await?;
        sqlx::query(
            "/* stage contents */ INSERT INTO content (plan, number, body)
             SELECT ?1, value ->> 0, value ->> 1 FROM json_each(?2)",
        )
        .bind(plan.0)
        .bind(Value::Array(bodies).to_string())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "/* stage deliveries */ INSERT INTO delivery (plan, number, target, content, skip, members)
             SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?2)",
        )
        .bind(plan.0)
        .bind(Value::Array(deliveries).to_string())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        contents.unmoved += chunk.len();
        if contents.unmoved >= CHECKPOINT_AFTER {
            contents.unmoved = 0;
            self.checkpoint().await?;
        }
        Ok(())
    }

    /// Throws a staged plan away. One that was opened in the meantime stays.
    pub async fn discard(&self, plan: PlanId) -> Result<(), Error> {
        self.clear_all(plan).await
    }

    /// The small commit that makes a plan a run. From now on the journal is the plan of record.
    pub async fn open_run(
        &self,
        plan: PlanId,
        opening: &Opening,
        now: Moment,
    ) -> Result<RunId, Error> {
        let key = &opening.key;
        let mut transaction = self.writer.begin().await?;
        let staged = sqlx::query("/* unstage */ DELETE FROM plan WHERE id = ?1 AND staged_ms > 0")
            .bind(plan.0)
            .execute(&mut *transaction)
            .await?;
        if staged.rows_affected() == 0 {
            return Err(Error::PlanGone);
        }
        check_pruned(&mut transaction, key).await?;
        // Tests stand beside each other, and beside the runs.
        if let Some(earlier) = opening.earlier.filter(|_| !key.test)
            && count_runs(&mut transaction, key).await? != earlier
        {
            return Err(Error::AlreadyOpen(key.campaign.clone()));
        }
        let opened = sqlx::query(
            "/* open */ INSERT INTO run (id, app, sdk_app_id, host, campaign, local, fold, zone, ordinal, channel,
                digest, planned, skipped, rate, attempts, revision, opened_ms, tolerate, send_window, pause_after,
                on_unknown, finish_by_ms, test, stop_after, start_within_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                ?21, ?22, ?23, ?24, ?25)
             ON CONFLICT DO NOTHING",
        )
        .bind(plan.0)
        .bind(&opening.app)
        .bind(i64::try_from(key.app.sdk_app_id.0).unwrap_or(i64::MAX))
        .bind(&key.app.host)
        .bind(key.campaign.as_str())
        .bind(civil_text(key.local))
        .bind(key.fold)
        .bind(key.zone.name())
        .bind(key.ordinal)
        .bind(opening.header.channel.name())
        .bind(opening.header.digest.to_string())
        .bind(i64::try_from(opening.header.planned).unwrap_or(i64::MAX))
        .bind(i64::try_from(opening.header.skipped).unwrap_or(i64::MAX))
        .bind(opening.rate)
        .bind(opening.attempts)
        .bind(opening.revision.as_deref())
        .bind(now.wall_ms)
        .bind(opening.tolerate.millionths())
        .bind(opening.window.map(|window| window.to_string()))
        .bind(column(opening.pause_after))
        .bind(opening.on_unknown.name())
        .bind(opening.finish_by_ms)
        .bind(key.test)
        .bind(column(opening.stop_after))
        .bind(opening.start_within.map(milliseconds))
        .execute(&mut *transaction)
        .await?;
        if opened.rows_affected() == 0 {
            return Err(Error::AlreadyOpen(key.campaign.clone()));
        }
        if !key.test {
            forget_occurrence(&mut transaction, key).await?;
        }
        if opening.is_scheduled {
            pause_with_campaign(&mut transaction, RunId(plan.0), key, now).await?;
        }
        self.commit(transaction).await?;
        Ok(RunId(plan.0))
    }

    /// Whether a plan has become a run.
    pub async fn is_opened(&self, plan: PlanId) -> Result<bool, Error> {
        let is_opened = "/* is opened */ SELECT EXISTS (SELECT 1 FROM run WHERE id = ?1)";
        let is_opened = sqlx::query_scalar(is_opened).bind(plan.0);
        Ok(is_opened.fetch_one(&self.reader).await?)
    }

    /// A little each time: whoever plans does not wait for what a big run left.
    async fn clear_rubbish(&self, now: Moment) -> Result<(), Error> {
        for plan in self.rubbish(rubbish_before_ms(now)).await? {
            self.clear(plan, CLEARED_AT_ONCE).await?;
        }
        Ok(())
    }
}

fn column(calls: Option<u64>) -> Option<i64> {
    calls.and_then(|calls| i64::try_from(calls).ok())
}

fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// What was staged before is rubbish.
pub fn rubbish_before_ms(now: Moment) -> i64 {
    now.wall_ms - i64::try_from(RUBBISH_AFTER.as_millis()).unwrap_or(i64::MAX)
}

/// An occurrence is sent once, also when nobody remembers what became of it. Of tests nothing is remembered.
async fn check_pruned(
    transaction: &mut SqliteConnection,
    key: &OccurrenceKey,
) -> Result<(), Error> {
    if key.test {
        return Ok(());
    }
    let pruned: bool = sqlx::query_scalar(
        "/* pruned */ SELECT EXISTS (SELECT 1 FROM pruned WHERE sdk_app_id = ?1 AND host = ?2 AND campaign = ?3
            AND local = ?4 AND fold = ?5 AND zone = ?6 AND ordinal = ?7)",
    )
    .bind(i64::try_from(key.app.sdk_app_id.0).unwrap_or(i64::MAX))
    .bind(&key.app.host)
    .bind(key.campaign.as_str())
    .bind(civil_text(key.local))
    .bind(key.fold)
    .bind(key.zone.name())
    .bind(key.ordinal)
    .fetch_one(transaction)
    .await?;
    if pruned {
        return Err(Error::Pruned(key.run_name()));
    }
    Ok(())
}

/// The runs of a campaign through an app.
async fn count_runs(
    transaction: &mut SqliteConnection,
    key: &OccurrenceKey,
) -> Result<usize, Error> {
    let count: i64 = sqlx::query_scalar(
        "/* count runs */ SELECT count(*) FROM run WHERE campaign = ?1 AND sdk_app_id = ?2 AND host = ?3 AND NOT test",
    )
    .bind(key.campaign.as_str())
    .bind(i64::try_from(key.app.sdk_app_id.0).unwrap_or(i64::MAX))
    .bind(&key.app.host)
    .fetch_one(transaction)
    .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
