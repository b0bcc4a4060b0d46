//! The journal in use, and the runs in it that people mean.

use super::campaigns::is_path;
use super::exit::Exit;
use super::failure::Failure;
use super::workspace::{OWN_FOLDER, Workspace, variable};
use crate::files::{ensure_directory, read_secret};
use crate::identity::{RunName, civil_text};
use crate::journal::{self, Journal, Run};
use crate::report::time_text;
use crate::settings::{InvalidJournal, JournalSource, journal_path};
use crate::source::{list_of, nearest, unbroken};
use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;

/// Name of the sandbox's journal in the program's own folder.
pub(super) const SANDBOX_JOURNAL: &str = "sandbox.db";

/// Pause before a journal that could not be opened is opened again.
const OPEN_PAUSE: Duration = Duration::from_secs(1);

impl Workspace {
    /// The journal in use. The stand-in has one of its own, so that no rehearsal eats a real occurrence.
    pub(super) fn journal_path(&self) -> Result<PathBuf, Failure> {
        if self.sandbox {
            let folder = self.repository.root().join(OWN_FOLDER);
            return Ok(folder.join(SANDBOX_JOURNAL));
        }
        self.real_journal_path()
    }

    /// The journal that the settings name.
    pub(super) fn real_journal_path(&self) -> Result<PathBuf, Failure> {
        let root = self.repository.root();
        let invalid = |text: String| Failure::new(Exit::Invalid, text);
        let (text, place) = match &self.settings.journal {
            JournalSource::Path(path) => return Ok(root.join(path)),
            JournalSource::Environment(name) => {
                let text = variable(name).ok_or_else(|| {
                    invalid(format!(
                        "the environment variable `{name}` with the journal is not set"
                    ))
                    .help(format!("export {name}=sqlite:campanile.db"))
                })?;
                (text, format!("the environment variable `{name}`"))
            }
            JournalSource::File(path) => {
                let text = read_secret(&root.join(path)).map_err(|error| {
                    invalid(format!(
                        "where the journal is cannot be read from `{path}`: {error}"
                    ))
                })?;
                (text, format!("`{path}`"))
            }
        };
        // The text is not repeated: it may hold a password.
        let path = journal_path(&text).map_err(|error| {
            invalid(format!("{place} names no journal: {error}")).help(InvalidJournal::HELP)
        })?;
        Ok(root.join(path))
    }

    /// Opens the journal for sending.
    pub(super) async fn journal(&self) -> Result<Journal, Failure> {
        self.journal_or(Err).await
    }

    /// Opens the journal for sending, again after each error that `outlasts` does not return.
    pub(super) async fn journal_or(
        &self,
        mut outlasts: impl FnMut(journal::Error) -> Result<(), journal::Error>,
    ) -> Result<Journal, Failure> {
        if self.sandbox {
            self.ensure_own_folder()?;
        }
        let path = self.journal_path()?;
        let journal = loop {
            match Journal::open(&path).await {
                Ok(journal) => break journal,
                Err(error) => outlasts(error)?,
            }
            sleep(OPEN_PAUSE).await;
        };
        journal.check_newest().await?;
        Ok(journal)
    }

    pub(super) fn ensure_own_folder(&self) -> Result<(), Failure> {
        Ok(ensure_directory(&self.repository.root().join(OWN_FOLDER))
            .context("cannot make the sandbox's folder")?)
    }

    /// Opens the journal to change something in it. Makes none.
    pub(super) async fn existing_journal(&self) -> Result<Journal, Failure> {
        let journal = Journal::open(&self.existing_journal_path()?).await?;
        journal.check_newest().await?;
        Ok(journal)
    }

    /// Opens the journal to read what has been sent. Neither makes nor upgrades it.
    pub(super) async fn journal_to_read(&self) -> Result<Journal, Failure> {
        Ok(Journal::open_to_read(&self.existing_journal_path()?).await?)
    }

    fn existing_journal_path(&self) -> Result<PathBuf, Failure> {
        let path = self.journal_path()?;
        if !path.exists() {
            Journal::check_present(&path)?;
            let text = format!(
                "nothing has been sent yet: there is no journal `{}`",
                self.shown(&path)
            );
            let failure = Failure::new(Exit::Error, text);
            let help = "runs of the stand-in are in a journal of their own: add --sandbox";
            return Err(if self.sandbox {
                failure
            } else {
                failure.help(help)
            });
        }
        Ok(path)
    }

    /// The same where nothing sent is nothing wrong.
    pub(super) fn journal_if_any(&self) -> Result<Option<PathBuf>, Failure> {
        let path = self.journal_path()?;
        if path.exists() {
            return Ok(Some(path));
        }
        Journal::check_present(&path)?;
        Ok(None)
    }

    /// The run that a person means: by its whole name, or the latest of a campaign. Only a whole name means a test.
    pub(super) async fn find_run(&self, journal: &Journal, wanted: &str) -> Result<Run, Failure> {
        let found = self.find_runs(journal, wanted).await?;
        let is_meant = |run: &Run| wanted.contains('@') || !run.key.test;
        let latest = found.into_iter().find(is_meant);
        latest.ok_or_else(|| {
            let text = format!("there is no run `{wanted}`, only tests");
            let command = format!("campanile log {wanted} --test{}", self.flag());
            Failure::new(Exit::Error, text)
                .help(format!("see the latest with: {}", unbroken(&command)))
        })
    }

    /// The latest test of a campaign, or one by its whole name.
    pub(super) async fn find_test(&self, journal: &Journal, wanted: &str) -> Result<Run, Failure> {
        let found = self.find_runs(journal, wanted).await?;
        let latest = found.into_iter().find(|run| run.key.test);
        latest.ok_or_else(|| {
            let text = format!("there is no test of `{wanted}` in the journal");
            let command = format!("campanile test {wanted}{}", self.flag());
            Failure::new(Exit::Error, text).help(format!("make one with: {}", unbroken(&command)))
        })
    }

    /// Every run and test that may be meant, the latest first; at least one.
    pub(super) async fn find_runs(
        &self,
        journal: &Journal,
        wanted: &str,
    ) -> Result<Vec<Run>, Failure> {
        if wanted.contains('@') {
            let name: RunName =
                wanted
                    .parse()
                    .map_err(|error: crate::identity::InvalidRunName| {
                        Failure::new(Exit::Usage, error.to_string())
                    })?;
            let found = journal.runs_named(&name).await?;
            if found.is_empty() {
                return Err(self.no_run(journal, name.campaign.as_str(), wanted).await?);
            }
            return Ok(found);
        }
        let path = self.repository.relative(&self.directory.join(wanted)).ok();
        let named = path
            .filter(|_| is_path(wanted))
            .and_then(|path| self.name_of(&path));
        let stem = named.as_deref().unwrap_or(wanted);
        let campaign = crate::identity::CampaignName::try_from(stem)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        let found = journal.runs_of(&campaign).await?;
        if found.is_empty() {
            return Err(self.no_run(journal, stem, wanted).await?);
        }
        Ok(found)
    }

    async fn no_run(
        &self,
        journal: &Journal,
        campaign: &str,
        wanted: &str,
    ) -> Result<Failure, Failure> {
        const SHOWN: usize = 5;
        let text = format!(
            "there is no run `{wanted}` in `{}`",
            self.shown(journal.path())
        );
        let failure = Failure::new(Exit::Error, text);
        if let Ok(name) = wanted.parse::<RunName>()
            && let Some(pruned) = journal.pruned_ms(&name).await?
        {
            let when = time_text(pruned).unwrap_or_default();
            return Ok(failure.help(format!("it was pruned {when}")));
        }
        if let Ok(name) = wanted.parse::<RunName>()
            && let Some(unsent) = journal.unsent_named(&name).await?
        {
            let text = format!(
                "{wanted} is {}: {}",
                unsent.disposition.name(),
                unsent.grounds
            );
            let (local, flag) = (civil_text(name.local), self.flag());
            let command = unbroken(&format!("campanile run {campaign} --for {local}{flag}"));
            return Ok(Failure::new(Exit::Error, text).help(format!("to send it now: {command}")));
        }
        let campaigns = journal.campaigns().await?;
        if let Ok(name) = crate::identity::CampaignName::try_from(campaign) {
            let runs = journal.runs_of(&name).await?;
            let names: Vec<String> = runs
                .iter()
                .take(SHOWN)
                .map(|run| run.name().to_string())
                .collect();
            if !names.is_empty() {
                return Ok(failure.help(format!("there are {}", list_of(&names))));
            }
        }
        Ok(match nearest(campaign, &campaigns) {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None if campaigns.is_empty() => failure.help("nothing has been sent yet"),
            None => failure.help(format!("there are runs of {}", list_of(&campaigns))),
        })
    }
}
