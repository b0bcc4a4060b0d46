//! Problems that the daemon reports through the journal as long as they last.

use super::{Error, Journal};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Something that is not as it should be. A further kind also needs its code, its subject and a sample in the tests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// The file of a campaign cannot be used any more; the campaign stays as it was before.
    StaleFile {
        path: String,
    },
    /// A file cannot be used that never was a campaign which could be.
    InvalidFile {
        path: String,
    },
    /// The folder of the campaigns cannot be read.
    Folder {
        path: String,
    },
    /// Campaign files keep changing, so that they are not read.
    StillChanging,
    /// So many campaigns are gone at once that an operator has to confirm it.
    MassRemoval,
    /// The next occurrence of a campaign cannot be planned.
    Unplanned {
        campaign: String,
    },
    Settings,
    /// This daemon does not send on a lane.
    Lane {
        lane: String,
    },
    /// The file of the journal has a further name.
    Journal,
    /// The clocks of this machine and of Tencent differ for an app.
    Clock {
        app: String,
    },
    /// The repository that is followed cannot be reached.
    Repository {
        repository: String,
    },
    /// The newest commit of the repository is not checked out.
    Commit {
        repository: String,
    },
}

/// A problem that lasts, with what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveProblem {
    pub problem: Problem,
    pub text: String,
    pub since_ms: i64,
}

impl Problem {
    /// Returns the name of its kind, which stays the same in journals and JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Problem::StaleFile { .. } => "stale",
            Problem::InvalidFile { .. } => "invalid",
            Problem::Folder { .. } => "folder",
            Problem::StillChanging => "unsettled",
            Problem::MassRemoval => "disappeared",
            Problem::Unplanned { .. } => "unprepared",
            Problem::Settings => "settings",
            Problem::Lane { .. } => "lane",
            Problem::Journal => "journal",
            Problem::Clock { .. } => "clock",
            Problem::Repository { .. } => "git",
            Problem::Commit { .. } => "commit",
        }
    }

    /// Returns what it is about.
    pub fn subject(&self) -> &str {
        match self {
            Problem::StaleFile { path }
            | Problem::InvalidFile { path }
            | Problem::Folder { path } => path,
            Problem::StillChanging => "files",
            Problem::MassRemoval => "campaigns",
            Problem::Unplanned { campaign } => campaign,
            Problem::Settings => "settings",
            Problem::Lane { lane } => lane,
            Problem::Journal => "journal",
            Problem::Clock { app } => app,
            Problem::Repository { repository } | Problem::Commit { repository } => repository,
        }
    }

    fn of(code: &str, subject: String) -> Option<Problem> {
        Some(match code {
            "stale" => Problem::StaleFile { path: subject },
            "invalid" => Problem::InvalidFile { path: subject },
            "folder" => Problem::Folder { path: subject },
            "unsettled" => Problem::StillChanging,
            "disappeared" => Problem::MassRemoval,
            "unprepared" => Problem::Unplanned { campaign: subject },
            "settings" => Problem::Settings,
            "lane" => Problem::Lane { lane: subject },
            "journal" => Problem::Journal,
            "clock" => Problem::Clock { app: subject },
            "git" => Problem::Repository {
                repository: subject,
            },
            "commit" => Problem::Commit {
                repository: subject,
            },
            _ => return None,
        })
    }
}

impl Journal {
    /// Returns the problems that the daemon reported last, by kind and subject.
    pub async fn problems(&self) -> Result<Vec<ActiveProblem>, Error> {
        let rows = sqlx::query("/* problems */ SELECT * FROM notice ORDER BY kind, subject");
        let rows = rows.fetch_all(&self.reader).await?;
        rows.iter().map(read_problem).collect()
    }

    /// Replaces all problems that were reported.
    pub async fn set_problems(&self, problems: &[ActiveProblem]) -> Result<(), Error> {
        let rows = problems.iter().map(|each| {
            let problem = &each.problem;
            json!([problem.code(), problem.subject(), each.text, each.since_ms])
        });
        let rows = Value::Array(rows.collect()).to_string();
        let mut transaction = self.writer.begin().await?;
        sqlx::query("/* no problems */ DELETE FROM notice")
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "/* set problems */ INSERT OR REPLACE INTO notice
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)",
        )
        .bind(rows)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn read_problem(row: &SqliteRow) -> Result<ActiveProblem, Error> {
    let code: String = row.try_get("kind")?;
    let problem = Problem::of(&code, row.try_get("subject")?);
    Ok(ActiveProblem {
        problem: problem.ok_or_else(|| Error::damaged("a problem of no known kind"))?,
        text: row.try_get("text")?,
        since_ms: row.try_get("since_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::in_a_new_journal;

    #[tokio::test]
    async fn problem_of_every_kind_reads_back_as_it_was_reported() {
        let (_folder, journal) = in_a_new_journal().await;
        let name = || "x".to_owned();
        let mut all = [
            Problem::StaleFile { path: name() },
            Problem::InvalidFile { path: name() },
            Problem::Folder { path: name() },
            Problem::StillChanging,
            Problem::MassRemoval,
            Problem::Unplanned { campaign: name() },
            Problem::Settings,
            Problem::Lane { lane: name() },
            Problem::Journal,
            Problem::Clock { app: name() },
            Problem::Repository { repository: name() },
            Problem::Commit { repository: name() },
        ]
        .map(|problem| ActiveProblem {
            problem,
            text: "it is wrong".to_owned(),
            since_ms: 7,
        });
        all.sort_by_key(|each| each.problem.code());
        journal.set_problems(&all).await.unwrap();
        assert_eq!(journal.problems().await.unwrap(), all);
        journal.set_problems(&[]).await.unwrap();
        assert!(journal.problems().await.unwrap().is_empty());
    }
}
