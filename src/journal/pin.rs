//! The operator's settings that a daemon of a repository serves with, whatever a commit says.

use super::{Error, Journal};
use sqlx::Row;

/// Settings that an operator started a daemon with, or accepted later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedSettings {
    /// A JSON object; it names places of secrets and holds none.
    pub settings: String,
    /// The commit that they are from.
    pub revision: Option<String>,
    pub pinned_ms: i64,
}

impl Journal {
    pub async fn pinned_settings(&self) -> Result<Option<PinnedSettings>, Error> {
        let query =
            "/* pinned settings */ SELECT settings, revision, pinned_ms FROM pinned_settings";
        let row = sqlx::query(query).fetch_optional(&self.reader).await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(PinnedSettings {
            settings: row.try_get("settings")?,
            revision: row.try_get("revision")?,
            pinned_ms: row.try_get("pinned_ms")?,
        }))
    }

    /// Pins settings in the place of those that are pinned.
    pub async fn pin_settings(&self, pinned: &PinnedSettings) -> Result<(), Error> {
        let pin = sqlx::query(
            "/* pin settings */ INSERT OR REPLACE INTO pinned_settings VALUES (1, ?1, ?2, ?3)",
        )
        .bind(&pinned.settings)
        .bind(&pinned.revision)
        .bind(pinned.pinned_ms);
        self.writer.execute(pin).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::in_a_new_journal;

    #[tokio::test]
    async fn pinned_settings_read_back_as_they_were_pinned_last() {
        let (_folder, journal) = in_a_new_journal().await;
        assert_eq!(journal.pinned_settings().await.unwrap(), None);
        let mut pinned = PinnedSettings {
            settings: "{\"roots\":{}}".to_owned(),
            revision: Some("abc".to_owned()),
            pinned_ms: 7,
        };
        journal.pin_settings(&pinned).await.unwrap();
        pinned.revision = None;
        pinned.pinned_ms = 8;
        journal.pin_settings(&pinned).await.unwrap();
        assert_eq!(journal.pinned_settings().await.unwrap(), Some(pinned));
    }
}
