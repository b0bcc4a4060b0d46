//! What a journal of ours cannot hold: whoever reads it all the same would fill the memory, or do what somebody else wrote
//! into it.

use super::Error;
use crate::seeded_bug::SeededBug;
use sqlx::SqliteConnection;
use std::fmt;

/// Longer texts were never written: a request has 64 KiB, a reason what fits a command line.
const TEXT_MAX: usize = 256 << 10;

/// A column of text that is read only if it is no longer than it can be. Else it comes as no text, which is told as
/// damage; how long it is stands beside it, so that it need not be read for that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short(pub(super) &'static str);

impl fmt::Display for Short {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Short(column) = self;
        let text_max = if SeededBug::GigabyteOfText.is_active() {
            TEXT_MAX << 20
        } else {
            TEXT_MAX
        };
        write!(
            formatter,
            "CASE WHEN octet_length({column}) > {text_max} THEN x'' ELSE {column} END AS {column}"
        )
    }
}

/// Refuses a journal that lacks one of the tables of its version, or has a trigger. A view in the place of a table answers
/// with whatever it likes, and a trigger does more than was asked for.
pub(super) async fn check_tables(
    connection: &mut SqliteConnection,
    expected: &[String],
) -> Result<(), Error> {
    let trigger: Option<String> = sqlx::query_scalar(
        "/* triggers */ SELECT name FROM sqlite_schema WHERE type = 'trigger' LIMIT 1",
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(name) = trigger.filter(|_| !SeededBug::TriggerInTheJournal.is_active()) {
        return Err(Error::damaged(&format!(
            "it has a trigger `{name}`, which this program never makes"
        )));
    }
    let tables: Vec<String> = sqlx::query_scalar(
        "/* tables */ SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'",
    )
    .fetch_all(connection)
    .await?;
    match expected.iter().find(|name| !tables.contains(name)) {
        None => Ok(()),
        Some(lacking) => Err(Error::damaged(&format!("it has no table `{lacking}`"))),
    }
}
