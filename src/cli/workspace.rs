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

pub(super) const SETTINGS: &str = "campanile.yaml";
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
        let Some(file) = SettingsFile::find(common)? else {
            return Ok(None);
        };
        let settings = Settings::read(&file.source, &overrides()?)
            .map_err(|found| Failure::invalid(found, 0))?;
        Ok(Some(file.workspace(settings, common, sandbox)))
    }

    /// For what looks through campaigns also where the settings are wrong; and what is wrong with them.
    pub(super) fn examine(common: &Common) -> Result<(Workspace, Vec<Diagnostic>), Failure> {
        let file = SettingsFile::find(common)?.ok_or_else(|| no_settings(common))?;
        let ExaminedSettings {
            settings,
            complaints,
        } = Settings::examine(&file.source, &overrides()?);
        Ok((file.workspace(settings, common, false), complaints))
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
    let here = std::env::current_dir().unwrap_or_default();
    let directory = common.directory.as_ref();
    let folder = directory.map_or(here.clone(), |directory| here.join(directory));
    let text = format!(
        "there is no `{SETTINGS}` in `{}` or a folder above it",
        folder.display()
    );
    let help =
        "go to the repository, name the file with --config, or begin one with `campanile init`";
    Failure::new(Exit::Invalid, text).help(help)
}

/// The file of the settings and where it stands, whatever it says.
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    pub(super) source: Arc<Source>,
    pub(super) root: Repository,
    /// Where one works.
    directory: PathBuf,
}

impl SettingsFile {
    pub(super) fn find(common: &Common) -> Result<Option<SettingsFile>, Failure> {
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
        let text = read_settings(&path)?;
        let shown = path.strip_prefix(&here).unwrap_or(&path).display();
        let source = Source::new(shown.to_string(), text);
        let root = Repository::at(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Some(SettingsFile {
            path,
            source,
            root,
            directory,
        }))
    }

    /// What is wrong with such settings.
    pub(super) fn complaints(source: &Arc<Source>) -> Vec<Diagnostic> {
        let overrides = overrides().unwrap_or_default();
        Settings::read(source, &overrides).err().unwrap_or_default()
    }

    fn workspace(self, settings: Settings, common: &Common, sandbox: bool) -> Workspace {
        let repository = self.root.with_roots(&settings.roots);
        Workspace {
            settings,
            repository,
            directory: self.directory,
            sandbox,
            typed: typed(common),
        }
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

/// The command that was typed, with something added. What a rehearsal says would send is no rehearsal again.
pub(super) fn typed_with(added: &str) -> String {
    with_added(std::env::args().skip(1), added)
}

const REHEARSED: &str = "--dry-run";

/// What follows `--` is no option any more.
fn with_added(words: impl Iterator<Item = String>, added: &str) -> String {
    let (mut before, mut behind) = (vec!["campanile".to_owned()], Vec::new());
    for word in words {
        if word == "--" || !behind.is_empty() {
            behind.push(quoted(&word));
        } else if word != REHEARSED {
            before.push(quoted(&word));
        }
    }
    before.push(added.to_owned());
    before.extend(behind);
    before.join(" ")
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |each: char| each.is_alphanumeric() || "-_./@:#=,+".contains(each);
    // At the beginning of a word these mean something, to one shell or another.
    let is_special = word.starts_with(['#', '=']);
    if !word.is_empty() && !is_special && word.chars().all(is_plain) {
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
pub(super) fn overrides() -> Result<Vec<(String, String)>, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_an_option_and_every_word_stays_one() {
        let with =
            |words: &[&str]| with_added(words.iter().map(|word| (*word).to_owned()), "--force");
        assert_eq!(with(&["run", "news"]), "campanile run news --force");
        let odd = ["run", "it's news.yaml", "--for", "2026-11-11T09:00+08:00"];
        let told = "campanile run 'it'\\''s news.yaml' --for 2026-11-11T09:00+08:00 --force";
        assert_eq!(with(&odd), told);
        assert_eq!(
            with(&["run", "--", "-odd"]),
            "campanile run --force -- -odd"
        );
        assert_eq!(
            with(&["run", "news", "--dry-run", "--", "--dry-run"]),
            "campanile run news --force -- --dry-run"
        );
        assert_eq!(quoted("#1"), "'#1'");
        assert_eq!(
            quoted("welcome@2026-11-11T09:00#2"),
            "welcome@2026-11-11T09:00#2"
        );
    }
}
