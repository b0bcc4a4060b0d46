//! The operator's settings that `serve --git` was started with, which hold whatever its commits say.
//!
//! They are in the journal. A copy is in git's folder of the checkout, for it takes them to know where the journal is.

use super::exit::Exit;
use super::failure::Failure;
use super::workspace::{SettingsFile, Workspace};
use crate::clock;
use crate::files::{Repository, in_git_folder, read_settings, revision, write_whole};
use crate::journal::{Journal, PinnedSettings};
use crate::settings::OperatorValues;
use anyhow::Context;
use serde_json::{Value, json};
use std::path::Path;

const FILE: &str = "campanile-settings.json";

/// Settings that are pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) values: OperatorValues,
    /// The commit that they are from.
    pub(super) revision: Option<String>,
    pinned_ms: i64,
}

impl Pin {
    /// Pins what a checkout says now.
    pub(super) fn now(values: OperatorValues, repository: &Repository) -> Pin {
        Pin {
            values,
            revision: revision(repository, []),
            pinned_ms: clock::now().wall_ms,
        }
    }

    /// Reads the copy in the checkout in which `root` is. `None`: it is no checkout of a daemon.
    pub(super) fn read(root: &Path) -> Result<Option<Pin>, Failure> {
        let Some(path) = in_git_folder(root, FILE).filter(|path| path.exists()) else {
            return Ok(None);
        };
        let text = read_settings(&path)?;
        let pin = serde_json::from_str(&text).ok();
        let pin = pin.and_then(|value: Value| {
            Some(Pin {
                values: OperatorValues::from_json(value.get("settings")?)?,
                revision: value["revision"].as_str().map(str::to_owned),
                pinned_ms: value["pinned_ms"].as_i64()?,
            })
        });
        let damaged = || {
            let text = format!("`{}` does not say what settings are pinned", path.display());
            let help = "remove it; the next start of the daemon pins those of the journal, or those of the commit";
            Failure::new(Exit::Invalid, text).help(help)
        };
        pin.map(Some).ok_or_else(damaged)
    }

    /// Writes the copy.
    pub(super) fn write(&self, root: &Path) -> Result<(), Failure> {
        let path = in_git_folder(root, FILE).context("there is no checkout here")?;
        let text = json!({
            "settings": self.values.to_json(),
            "revision": self.revision,
            "pinned_ms": self.pinned_ms,
        });
        let written = write_whole(&path, &format!("{text}\n"));
        Ok(written.with_context(|| format!("cannot write `{}`", path.display()))?)
    }

    /// Records it in the journal, unless it is there.
    pub(super) async fn record(&self, journal: &Journal) -> Result<(), Failure> {
        let pinned = PinnedSettings {
            settings: self.values.to_json().to_string(),
            revision: self.revision.clone(),
            pinned_ms: self.pinned_ms,
        };
        if journal.pinned_settings().await?.as_ref() != Some(&pinned) {
            journal.pin_settings(&pinned).await?;
        }
        Ok(())
    }

    async fn recorded(workspace: &Workspace) -> Result<Option<Pin>, Failure> {
        let Some(path) = workspace.journal_if_any()? else {
            return Ok(None);
        };
        let journal = Journal::open_to_read(&path).await?;
        let pinned = journal.pinned_settings().await?;
        journal.close().await;
        let pin = pinned.and_then(|pinned| {
            let settings = serde_json::from_str(&pinned.settings).ok()?;
            Some(Pin {
                values: OperatorValues::from_json(&settings)?,
                revision: pinned.revision,
                pinned_ms: pinned.pinned_ms,
            })
        });
        Ok(pin)
    }

    /// Finds what holds in a checkout: what was pinned last, in the journal or beside the files; at the first start what
    /// the commit says. The copy is as it should be afterwards.
    pub(super) async fn settle(file: &SettingsFile, workspace: &Workspace) -> Result<Pin, Failure> {
        let root = file.root.root();
        let copy = Pin::read(root)?;
        let recorded = Pin::recorded(workspace).await?;
        let found = copy.clone().into_iter().chain(recorded);
        let pin = found.max_by_key(|pin| pin.pinned_ms);
        let pin = pin.unwrap_or_else(|| Pin::now(OperatorValues::of(&file.source), &file.root));
        if copy.as_ref() != Some(&pin) {
            pin.write(root)?;
        }
        Ok(pin)
    }
}
