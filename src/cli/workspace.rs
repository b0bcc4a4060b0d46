//! Where one works: the settings, the repository, and whether the vendor is the real one.

use super::arguments::Common;
use super::checkout;
use super::exit::Exit;
use super::failure::Failure;
use super::pin::Pin;
use crate::files::{
    CommitTree, OwnFiles, Repository, find_upwards, is_checkout_busy, read_settings,
};
use crate::identity::VendorApp;
use crate::process::withhold;
use crate::settings::{
    App, ExaminedSettings, OVERRIDE_PREFIX, PendingSettings, Settings, is_secret,
};
use crate::source::{Diagnostic, Source};
use anyhow::Context;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub(super) const SETTINGS: &str = "campanile.yaml";
/// The folder of the program's own files, ignored by git.
pub(super) const OWN_FOLDER: &str = ".campanile";
/// The host of the stand-in in occurrence keys: its port is another each time.
const SANDBOX_HOST: &str = "sandbox";
/// While a daemon writes the files of its checkout, some of them are missing or half written: for two seconds at the most.
const CHECKOUT_TRIES: u32 = 100;
const CHECKOUT_WAIT: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) settings: Settings,
    pub(super) repository: Repository,
    pub(super) directory: PathBuf,
    pub(super) settings_file: PathBuf,
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
        let file = SettingsFile::find(common)?;
        file.map(|file| file.valid(common, sandbox)).transpose()
    }

    /// With the settings and the files of a commit, where one is followed.
    pub(super) fn of_commit(
        common: &Common,
        sandbox: bool,
        commit: Option<&Arc<CommitTree>>,
    ) -> Result<Workspace, Failure> {
        match commit {
            Some(commit) => SettingsFile::of_commit(common, commit)?.valid(common, sandbox),
            None => Workspace::find(common, sandbox),
        }
    }

    /// For what looks through campaigns also where the settings are wrong; and what is wrong with them.
    pub(super) fn examine(common: &Common) -> Result<(Workspace, Vec<Diagnostic>), Failure> {
        let file = SettingsFile::find(common)?.ok_or_else(|| no_settings(common))?;
        let ExaminedSettings {
            settings,
            complaints,
        } = file.examine()?;
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

    /// Returns the files of the program's own: those that hold secrets, the journals, and the folder of the stand-in.
    pub(super) fn own_files(&self) -> Vec<PathBuf> {
        let root = self.repository.root();
        let secret = self.settings.secret_files().map(|path| root.join(path));
        let mut own: Vec<PathBuf> = secret.collect();
        own.push(root.join(OWN_FOLDER));
        // One that cannot be told is told of where it is opened.
        let journal = self.real_journal_path().ok();
        own.extend(journal.filter(|path| path != root && path.file_name().is_some()));
        own
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
        let directory = checkout::folder(common)?;
        for _ in 0..CHECKOUT_TRIES {
            let was_busy = is_checkout_busy(&directory);
            let found = SettingsFile::find_now(common);
            if !was_busy && !is_checkout_busy(&directory) {
                return found;
            }
            thread::sleep(CHECKOUT_WAIT);
        }
        SettingsFile::find_now(common)
    }

    fn find_now(common: &Common) -> Result<Option<SettingsFile>, Failure> {
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

    /// Reads the settings file of a commit, not the one in the working tree.
    pub(super) fn of_commit(
        common: &Common,
        commit: &Arc<CommitTree>,
    ) -> Result<SettingsFile, Failure> {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        let (directory, settings) = (checkout::folder(common)?, checkout::settings_path(common)?);
        let path = directory.join(&settings);
        let below = Path::new(&settings);
        let (folder, name) = (below.parent(), below.file_name().unwrap_or_default());
        let folder = folder.unwrap_or(Path::new("")).to_string_lossy();
        let root = Repository::at(path.parent().unwrap_or(Path::new(".")))?;
        let root = root.of_commit(Arc::clone(commit), &folder);
        let text = root.read_text(&name.to_string_lossy())?;
        let shown = path.strip_prefix(&here).unwrap_or(&path).display();
        let source = Source::new(shown.to_string(), text);
        Ok(SettingsFile {
            path,
            source,
            root,
            directory,
        })
    }

    fn valid(self, common: &Common, sandbox: bool) -> Result<Workspace, Failure> {
        let ExaminedSettings {
            settings,
            complaints,
        } = self.examine()?;
        if !complaints.is_empty() {
            return Err(Failure::invalid(complaints, 0));
        }
        Ok(self.workspace(settings, common, sandbox))
    }

    /// What is wrong with such settings.
    pub(super) fn complaints(source: &Arc<Source>) -> Vec<Diagnostic> {
        let overrides = overrides().unwrap_or_default();
        Settings::read(source, &overrides).err().unwrap_or_default()
    }

    /// Reads it with the operator's values that are pinned, if there are any.
    pub(super) fn examine(&self) -> Result<ExaminedSettings, Failure> {
        let pin = Pin::read(self.root.root())?;
        let pinned = pin.as_ref().map(|pin| &pin.values);
        let overrides = overrides()?;
        Ok(Settings::examine_pinned(&self.source, pinned, &overrides))
    }

    fn workspace(self, settings: Settings, common: &Common, sandbox: bool) -> Workspace {
        withhold_named(&settings);
        let pending = settings.pending.iter().flat_map(PendingSettings::roots);
        let repository = self
            .root
            .with_roots(&settings.roots)
            .with_unused_roots(pending.cloned().collect());
        let workspace = Workspace {
            settings,
            repository,
            directory: self.directory,
            settings_file: self.path,
            sandbox,
            typed: typed(common),
        };
        let own = OwnFiles::new(workspace.own_files());
        Workspace {
            repository: workspace.repository.with_own(own),
            ..workspace
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

/// Keeps from children what is secret in the environment whatever the settings say: all variables of the program, and
/// what has the shape of a secret key or of a webhook's address. Git and ssh keep their own variables.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub(super) fn withhold_secrets() {
    let begins = |name: &OsString, with: &str| name.as_encoded_bytes().starts_with(with.as_bytes());
    let secret = std::env::vars_os().filter_map(|(name, value)| {
        let is_for_git = begins(&name, "GIT_") || begins(&name, "SSH_");
        let has_shape = || value.to_str().is_some_and(is_secret);
        let is_secret = begins(&name, OVERRIDE_PREFIX) || (!is_for_git && has_shape());
        is_secret.then_some(name)
    });
    withhold(secret);
}

/// Keeps from children the variables that settings name because they are secret.
pub(super) fn withhold_named(settings: &Settings) {
    withhold(settings.secret_variables().map(OsString::from));
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
