//! Runs and what was written down about them.

use super::columns::{boot_ns, moment};
use super::guard::Short;
use super::{Error, Journal};
use crate::channel::{Answer, Channel};
use crate::delivery::{Counts, PauseReason, RunEntry, RunEvent, RunState, State, StopReason};
use crate::identity::{
    CampaignName, GroupId, Moment, OccurrenceKey, RunName, SdkAppId, VendorApp, parse_civil,
};
use crate::settings::{OnUnknown, Share, Window};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};
use std::fmt;
use std::time::Duration;

/// The number of a run in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub(super) i64);

/// A run as the journal knows it.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: RunId,
    pub key: OccurrenceKey,
    pub app: String,
    pub channel: Channel,
    pub digest: String,
    pub planned: u64,
    /// Of those, never to be sent.
    pub skipped: u64,
    pub rate: Option<f64>,
    pub attempts: u32,
    pub tolerate: Share,
    /// When first attempts are made, in the occurrence's zone.
    pub window: Option<Window>,
    /// Calls after which it pauses.
    pub pause_after: Option<u64>,
    /// The same, as whoever opened it wanted; until somebody goes on with it.
    pub stop_after: Option<u64>,
    pub on_unknown: OnUnknown,
    /// The wall instant after which no delivery is begun any more.
    pub finish_by_ms: Option<i64>,
    /// As long ago what last happened in it may be for it to be gone on with by itself; `None`: as usual.
    pub start_within: Option<Duration>,
    pub revision: Option<String>,
    pub opened_ms: i64,
    pub entries: Vec<RunEntry>,
}

impl Run {
    pub fn name(&self) -> RunName {
        self.key.run_name()
    }

    pub fn state(&self) -> RunState {
        RunState::fold(&self.entries)
    }

    /// Nothing of it is sent any more, and it is not settled yet.
    pub fn is_cancelling(&self) -> bool {
        self.state() == RunState::Cancelling
    }

    /// Deliveries that are gone from the journal must not make a run look done.
    pub fn check_whole(&self, counts: &Counts) -> Result<(), Error> {
        if counts.planned == self.planned {
            return Ok(());
        }
        let what = format!(
            "{} has {} deliveries of {} planned",
            self.name(),
            counts.planned,
            self.planned
        );
        Err(Error::damaged(&what))
    }

    pub fn last_entry(&self) -> Option<&RunEntry> {
        self.entries.last()
    }

    /// The place of the last entry among those about the run as a whole.
    pub(super) fn last_place(&self) -> i64 {
        i64::try_from(self.entries.len()).unwrap_or(i64::MAX)
    }

    /// Whether somebody wanted deliveries sent again and has not said yet that these are all.
    pub fn is_being_retried(&self) -> bool {
        let last = self.last_entry().map(|entry| &entry.event);
        matches!(last, Some(RunEvent::Retried { .. }))
    }

    /// Whether somebody ever wanted deliveries sent again.
    pub fn was_retried(&self) -> bool {
        let is_retry = |entry: &RunEntry| matches!(entry.event, RunEvent::Retried { .. });
        self.entries.iter().any(is_retry)
    }
}

/// What [`read_run`] reads.
pub(super) const COLUMNS: Columns = Columns;

#[derive(Clone, Copy, Debug)]
pub(super) struct Columns;

const NUMBERS: &str = "id, sdk_app_id, fold, ordinal, planned, skipped, rate, attempts, opened_ms, tolerate, pause_after, \
     finish_by_ms, test, stop_after, start_within_ms";
const TEXTS: [&str; 10] = [
    "app",
    "host",
    "campaign",
    "local",
    "zone",
    "channel",
    "digest",
    "revision",
    "send_window",
    "on_unknown",
];

impl fmt::Display for Columns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(NUMBERS)?;
        TEXTS
            .into_iter()
            .try_for_each(|column| write!(formatter, ", {}", Short(column)))
    }
}

impl Journal {
    /// Nothing comes after the end of a run, unless somebody knows of it and wants some of it sent again: whoever did not
    /// know of it writes nothing.
    pub async fn append_run(&self, run: RunId, event: &RunEvent, at: Moment) -> Result<(), Error> {
        self.insert_event(run, event, at, None).await.map(drop)
    }

    /// Writes down what is true only of the run as it was read: nothing, if something happened to it since.
    pub async fn append_run_after(
        &self,
        run: &Run,
        event: &RunEvent,
        at: Moment,
    ) -> Result<(), Error> {
        if self.insert_event(run.id, event, at, Some(run)).await? {
            Ok(())
        } else {
            Err(Error::Overtaken(run.name()))
        }
    }

    async fn insert_event(
        &self,
        run: RunId,
        event: &RunEvent,
        at: Moment,
        as_read: Option<&Run>,
    ) -> Result<bool, Error> {
        let (name, reason, detail) = event_columns(event);
        let mut transaction = self.writer.begin().await?;
        // A commit that seemed to fail may have been made: one event of one moment is written once.
        let is_written: bool = sqlx::query_scalar(
            "/* is written */ SELECT EXISTS (SELECT 1 FROM run_entry
             WHERE run = ?1 AND event = ?2 AND reason_code IS ?3 AND detail IS ?4 AND wall_ms = ?5 AND boot_ns = ?6
                AND boot_id = ?7)",
        )
        .bind(run.0)
        .bind(name)
        .bind(reason)
        .bind(detail.as_ref().map(ToString::to_string))
        .bind(at.wall_ms)
        .bind(boot_ns(at))
        .bind(at.boot_id)
        .fetch_one(&mut *transaction)
        .await?;
        if is_written {
            return Ok(true);
        }
        let inserted = sqlx::query(
            "/* append to a run */ INSERT INTO run_entry (run, place, event, reason_code, detail, wall_ms, boot_ns, boot_id)
             SELECT ?1, 1 + last, ?2, ?3, ?4, ?5, ?6, ?7 FROM
                (SELECT coalesce(max(place), 0) AS last FROM run_entry WHERE run = ?1)
             WHERE last = ?8 OR ?8 IS NULL AND NOT EXISTS
                (SELECT 1 FROM run_entry WHERE run = ?1 AND place = last AND event = 'finished')",
        )
        .bind(run.0)
        .bind(name)
        .bind(reason)
        .bind(detail.map(|detail| detail.to_string()))
        .bind(at.wall_ms)
        .bind(boot_ns(at))
        .bind(at.boot_id)
        .bind(as_read.map(Run::last_place))
        .execute(&mut *transaction)
        .await?;
        self.commit(transaction).await?;
        Ok(inserted.rows_affected() > 0)
    }

    /// Every run of a campaign and every test of it, the latest first.
    pub async fn runs_of(&self, campaign: &CampaignName) -> Result<Vec<Run>, Error> {
        let query = format!(
            "/* runs of a campaign */ SELECT {COLUMNS} FROM run WHERE campaign = ?1 ORDER BY id DESC"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(campaign.as_str())
            .fetch_all(&self.reader)
            .await?;
        self.read_runs(rows).await
    }

    /// The runs of a name: several when the campaign went to several apps.
    pub async fn runs_named(&self, name: &RunName) -> Result<Vec<Run>, Error> {
        let runs = self.runs_of(&name.campaign).await?;
        Ok(runs.into_iter().filter(|run| run.name() == *name).collect())
    }

    pub async fn run(&self, id: RunId) -> Result<Run, Error> {
        let query = format!("/* run */ SELECT {COLUMNS} FROM run WHERE id = ?1");
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(id.0)
            .fetch_one(&self.reader)
            .await?;
        let mut runs = self.read_runs(vec![row]).await?;
        runs.pop()
            .ok_or_else(|| Error::damaged("a run that is gone"))
    }

    /// When something last happened in a run.
    pub async fn newest_ms(&self, run: RunId) -> Result<Option<i64>, Error> {
        let newest = sqlx::query_scalar(
            "/* newest */ SELECT max(wall_ms) FROM (
                SELECT max(wall_ms) AS wall_ms FROM entry WHERE run = ?1
                UNION ALL SELECT max(wall_ms) FROM run_entry WHERE run = ?1)",
        );
        Ok(newest.bind(run.0).fetch_one(&self.reader).await?)
    }

    /// When something last happened to a delivery of a run.
    pub async fn last_tried_ms(&self, run: RunId) -> Result<Option<i64>, Error> {
        let newest =
            sqlx::query_scalar("/* last tried */ SELECT max(wall_ms) FROM entry WHERE run = ?1");
        Ok(newest.bind(run.0).fetch_one(&self.reader).await?)
    }

    /// The campaigns of the journal, by name.
    pub async fn campaigns(&self) -> Result<Vec<String>, Error> {
        let names = sqlx::query_scalar(
            "/* campaigns */ SELECT DISTINCT campaign FROM run WHERE octet_length(campaign) <= 64 ORDER BY campaign",
        );
        Ok(names.fetch_all(&self.reader).await?)
    }

    /// The runs that can be read, and how many cannot.
    pub(super) async fn read_readable(
        &self,
        rows: Vec<SqliteRow>,
    ) -> Result<(Vec<Run>, u64), Error> {
        let (mut runs, mut others) = (Vec::with_capacity(rows.len()), 0);
        for row in rows {
            match self.read_runs(vec![row]).await {
                Ok(read) => runs.extend(read),
                Err(Error::Damaged { .. }) => others += 1,
                Err(error) => return Err(error),
            }
        }
        Ok((runs, others))
    }

    pub(super) async fn read_runs(&self, rows: Vec<SqliteRow>) -> Result<Vec<Run>, Error> {
        let mut runs = Vec::with_capacity(rows.len());
        for row in rows {
            let mut run = read_run(&row)?;
            let query = format!(
                "/* entries of a run */ SELECT {}, {}, {}, wall_ms, boot_ns, boot_id
                 FROM run_entry WHERE run = ?1 ORDER BY place",
                Short("event"),
                Short("reason_code"),
                Short("detail")
            );
            let entries = sqlx::query(AssertSqlSafe(query))
                .bind(run.id.0)
                .fetch_all(&self.reader)
                .await?;
            run.entries = entries.iter().map(read_entry).collect::<Result<_, _>>()?;
            runs.push(run);
        }
        Ok(runs)
    }
}

/// What a campaign may ask for.
const RATE_MIN: f64 = 0.001;
const RATE_MAX: f64 = 10_000.0;

fn window(row: &SqliteRow) -> Result<Option<Window>, Error> {
    let text: Option<String> = row.try_get("send_window")?;
    let parsed = text.map(|text| text.parse());
    parsed
        .transpose()
        .map_err(|_| Error::damaged("a window that is none"))
}

pub(super) fn read_run(row: &SqliteRow) -> Result<Run, Error> {
    let text = |column: &str| -> Result<String, Error> { Ok(row.try_get(column)?) };
    let local = parse_civil(&text("local")?).ok_or_else(|| Error::damaged("a run at no time"))?;
    let key = OccurrenceKey {
        app: VendorApp {
            sdk_app_id: SdkAppId(u64::try_from(row.try_get::<i64, _>("sdk_app_id")?).unwrap_or(0)),
            host: text("host")?,
        },
        campaign: CampaignName::try_from(text("campaign")?.as_str())
            .map_err(|_| Error::damaged("a campaign without a name"))?,
        local,
        fold: row.try_get("fold")?,
        zone: text("zone")?
            .parse()
            .map_err(|_| Error::damaged("a zone that is not known"))?,
        ordinal: row.try_get("ordinal")?,
        test: row.try_get("test")?,
    };
    let number = |column: &str| -> Result<u64, Error> {
        u64::try_from(row.try_get::<i64, _>(column)?)
            .map_err(|_| Error::damaged("a negative count"))
    };
    let calls = |column: &str| -> Result<Option<u64>, Error> {
        let calls: Option<i64> = row.try_get(column)?;
        Ok(calls.and_then(|calls| u64::try_from(calls).ok()))
    };
    let (planned, skipped) = (number("planned")?, number("skipped")?);
    let rate: Option<f64> = row.try_get("rate")?;
    // Deliveries are numbered by 32 bits.
    let is_countable = u32::try_from(planned).is_ok();
    if !is_countable
        || skipped > planned
        || rate.is_some_and(|rate| !(RATE_MIN..=RATE_MAX).contains(&rate))
    {
        return Err(Error::damaged("a run with numbers that cannot be"));
    }
    Ok(Run {
        id: RunId(row.try_get("id")?),
        key,
        app: text("app")?,
        channel: Channel::from_name(&text("channel")?)
            .ok_or_else(|| Error::damaged("a channel that is not known"))?,
        digest: text("digest")?,
        planned,
        skipped,
        rate,
        attempts: row.try_get("attempts")?,
        window: window(row)?,
        pause_after: calls("pause_after")?,
        stop_after: calls("stop_after")?,
        tolerate: Share::from_millionths(row.try_get("tolerate")?)
            .ok_or_else(|| Error::damaged("a run that tolerates more than all"))?,
        on_unknown: OnUnknown::from_name(&text("on_unknown")?)
            .ok_or_else(|| Error::damaged("a policy that is not known"))?,
        finish_by_ms: row.try_get("finish_by_ms")?,
        start_within: length(row)?,
        revision: row.try_get("revision")?,
        opened_ms: row.try_get("opened_ms")?,
        entries: Vec::new(),
    })
}

fn length(row: &SqliteRow) -> Result<Option<Duration>, Error> {
    let length_ms: Option<i64> = row.try_get("start_within_ms")?;
    let length_ms = length_ms.map(u64::try_from).transpose();
    let length_ms = length_ms.map_err(|_| Error::damaged("a negative length of time"))?;
    Ok(length_ms.map(Duration::from_millis))
}

/// Returns the columns of an event: its name, the code of its reason, and what else belongs to it.
fn event_columns(event: &RunEvent) -> (&'static str, Option<&'static str>, Option<Value>) {
    match event {
        RunEvent::Paused { reason } => ("paused", Some(reason.code()), None),
        RunEvent::Stopped { reason } => {
            let detail = match reason {
                // Only what has a code stops a run, and what has a code has no cause.
                StopReason::Answered { channel, answer } => {
                    json!([channel.name(), answer.code, answer.text])
                }
                StopReason::JournalRolledBack { group } => json!(group.as_str()),
            };
            ("stopped", Some(reason.code()), Some(detail))
        }
        RunEvent::Resumed { until } => ("resumed", None, until.map(|calls| json!(calls))),
        RunEvent::Trusted => ("trusted", None, None),
        RunEvent::Cancelled => ("cancelled", None, None),
        RunEvent::Retried { state } => ("retried", None, Some(json!(state.name()))),
        RunEvent::Finished(counts) => {
            let Counts {
                planned,
                accepted,
                refused,
                failed,
                skipped,
                unknown,
                pending,
            } = *counts;
            let detail = json!([
                planned, accepted, refused, failed, skipped, unknown, pending
            ]);
            ("finished", None, Some(detail))
        }
    }
}

fn read_entry(row: &SqliteRow) -> Result<RunEntry, Error> {
    let reason: Option<String> = row.try_get("reason_code")?;
    let reason = reason.unwrap_or_default();
    let detail: Option<String> = row.try_get("detail")?;
    let detail = detail.as_deref();
    let event = match row.try_get::<String, _>("event")?.as_str() {
        "paused" => {
            let reason = PauseReason::from_code(&reason);
            let reason = reason.ok_or_else(|| Error::damaged("a pause of no known reason"))?;
            RunEvent::Paused { reason }
        }
        "stopped" => RunEvent::Stopped {
            reason: stop_reason(&reason, detail)?,
        },
        "resumed" => {
            let until =
                detail.map(|detail| read_detail(Some(detail), "a number of calls that is none"));
            RunEvent::Resumed {
                until: until.transpose()?,
            }
        }
        "trusted" => RunEvent::Trusted,
        "cancelled" => RunEvent::Cancelled,
        "retried" => {
            let unknown = "a retry of no known state";
            let name: String = read_detail(detail, unknown)?;
            let state = State::ALL.into_iter().find(|state| state.name() == name);
            let state = state.ok_or_else(|| Error::damaged(unknown))?;
            RunEvent::Retried { state }
        }
        "finished" => {
            let counts: [u64; 7] = read_detail(detail, "counts that cannot be read")?;
            let [
                planned,
                accepted,
                refused,
                failed,
                skipped,
                unknown,
                pending,
            ] = counts;
            let parts = [accepted, refused, failed, skipped, unknown, pending];
            let sum = parts.into_iter().try_fold(0, u64::checked_add);
            if sum != Some(planned) {
                return Err(Error::damaged("counts that do not add up"));
            }
            RunEvent::Finished(Counts {
                planned,
                accepted,
                refused,
                failed,
                skipped,
                unknown,
                pending,
            })
        }
        _ => return Err(Error::damaged("an event of no known kind")),
    };
    Ok(RunEntry {
        at: moment(row)?,
        event,
    })
}

fn stop_reason(code: &str, detail: Option<&str>) -> Result<StopReason, Error> {
    let unknown = "a stop of no known reason";
    let damaged = || Error::damaged(unknown);
    match code {
        "answered" => {
            let (channel, code, text): (String, u32, String) = read_detail(detail, unknown)?;
            Ok(StopReason::Answered {
                channel: Channel::from_name(&channel).ok_or_else(damaged)?,
                answer: Answer::new(code, &text),
            })
        }
        "journal_rolled_back" => {
            let group: String = read_detail(detail, unknown)?;
            let group = GroupId::try_from(group.as_str()).map_err(|_| damaged())?;
            Ok(StopReason::JournalRolledBack { group })
        }
        _ => Err(damaged()),
    }
}

fn read_detail<T: DeserializeOwned>(detail: Option<&str>, damage: &str) -> Result<T, Error> {
    let detail = detail.ok_or_else(|| Error::damaged(damage))?;
    serde_json::from_str(detail).map_err(|_| Error::damaged(damage))
}
