//! Where one works: the settings, the repository, and whether the vendor is the real one.

use super::arguments::Common;
use super::exit::Exit;
use super::failure::Failure;
use crate::files::{Repository, find_upwards, read_settings};
use crate::identity::VendorApp;
use crate::settings::{App, ExaminedSettings, OVERRIDE_PREFIX, Settings};
use crate::source::{Diagnostic, Source};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SETTINGS: &str = "campanile.yaml";
/// The folder of the program's own files, ignored by git.
pub(super) const OWN_FOLDER: &str = ".campanile";
/// The host of the stand-in in occurrence keys: its port is another each time.
const SANDBOX_HOST: &str = "sandbox";

#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) settings: Settings,
    pub(super) repository: Repository,
    pub(super) directory: PathBuf,
    pub(super) sandbox: bool,
    /// `-C` and `--config` as they were typed.
    typed: String,
}

impl Workspace {
    pub(super) fn find(common: &Common, sandbox: bool) -> Result<Workspace, Failure> {
        Workspace::find_any(common, sandbox)?.ok_or_else(|| no_settings(common))
    }

    /// For what can be done without settings. `None`: there are none.
    pub(super) fn find_any(common: &Common, sandbox: bool) -> Result<Option<Workspace>, Failure> {
        let Some(found) = Found::by(common)? else {
            return Ok(None);
        };
        let settings = Settings::read(&found.source, &overrides()?)
            .map_err(|found| Failure::invalid(found, 0))?;
        found.workspace(settings, common, sandbox).map(Some)
    }

    /// For what looks through campaigns also where the settings are wrong; and what is wrong with them.
    pub(super) fn examine(common: &Common) -> Result<(Workspace, Vec<Diagnostic>), Failure> {
        let found = Found::by(common)?.ok_or_else(|| no_settings(common))?;
        let ExaminedSettings {
            settings,
            complaints,
        } = Settings::examine(&found.source, &overrides()?);
        let workspace = found.workspace(settings, common, false)?;
        Ok((workspace, complaints))
    }

    /// A path as people want to read it.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.repository.root())
            .unwrap_or(path)
            .display()
            .to_string()
    }

    pub(super) fn vendor_app(&self, app: &App) -> VendorApp {
        let vendor_app = app.vendor_app();
        if self.sandbox {
            VendorApp {
                host: SANDBOX_HOST.to_owned(),
                ..vendor_app
            }
        } else {
            vendor_app
        }
    }

    pub(super) fn is_sandbox(&self) -> bool {
        self.sandbox
    }

    /// What a command needs added to mean the same journal.
    pub(super) fn flag(&self) -> String {
        format!(
            "{}{}",
            if self.sandbox { " --sandbox" } else { "" },
            self.typed
        )
    }
}

fn no_settings(common: &Common) -> Failure {
    let directory = common.directory.as_deref().unwrap_or(Path::new("."));
    let here = std::env::current_dir().unwrap_or_default();
    let text = format!(
        "there is no `{SETTINGS}` in `{}` or a folder above it",
        here.join(directory).display()
    );
    Failure::new(Exit::Invalid, text).help("go to the repository, or name the file with --config")
}

/// A settings file before it is read.
struct Found {
    source: Arc<Source>,
    /// The folder it is in,
    root: PathBuf,
    /// and that of who asks.
    directory: PathBuf,
}

impl Found {
    fn by(common: &Common) -> Result<Option<Found>, Failure> {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        let directory = common
            .directory
            .as_ref()
            .map_or(here.clone(), |directory| here.join(directory));
        let found = match &common.config {
            Some(path) => Some(directory.join(path)),
            None => find_upwards(&directory, SETTINGS),
        };
        let Some(path) = found else {
            return Ok(None);
        };
        let text =
            read_settings(&path).map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        let shown = path.strip_prefix(&here).unwrap_or(&path);
        Ok(Some(Found {
            source: Source::new(shown.display().to_string(), text),
            root: path.parent().unwrap_or(Path::new(".")).to_owned(),
            directory,
        }))
    }

    fn workspace(
        self,
        settings: Settings,
        common: &Common,
        sandbox: bool,
    ) -> Result<Workspace, Failure> {
        let repository = Repository::at(&self.root)
            .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?
            .with_roots(&settings.roots);
        Ok(Workspace {
            settings,
            repository,
            directory: self.directory,
            sandbox,
            typed: typed(common),
        })
    }
}

fn typed(common: &Common) -> String {
    let options = [("-C", &common.directory), ("--config", &common.config)];
    let given = options
        .into_iter()
        .filter_map(|(name, path)| Some((name, path.as_ref()?)));
    given
        .map(|(name, path)| format!(" {name} {}", quoted(&path.display().to_string())))
        .collect::<Vec<_>>()
        .concat()
}

/// The command that was typed, with something added.
pub(super) fn typed_with(added: &str) -> String {
    let typed: Vec<String> = std::env::args().skip(1).map(|word| quoted(&word)).collect();
    let typed = typed.join(" ");
    format!("campanile {typed} {added}")
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |each: char| each.is_alphanumeric() || "-_./@:#=,+".contains(each);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The environment is read here and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variables that may override settings, read here and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
fn overrides() -> Result<Vec<(String, String)>, Failure> {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with(OVERRIDE_PREFIX).then_some((name, value))
    });
    ours.map(|(name, value)| {
        let value = value.into_string().map_err(|_| {
            let text = format!("the environment variable `{name}` is not UTF-8 text");
            Failure::new(Exit::Invalid, text)
        })?;
        Ok((name, value))
    })
    .collect()
}
