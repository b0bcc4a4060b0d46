//! `serve --git`: the folder in which one works is kept in step with a repository.

use super::arguments::Common;
use super::daemons::{Git, Serve};
use super::exit::Exit;
use super::failure::Failure;
use super::workspace::{OWN_FOLDER, SETTINGS, overrides};
use crate::daemon::{
    self, Checkout, CheckoutError, Follower, InvalidRemote, Judged, News, Remote, Wanted,
};
use crate::settings::{JournalSource, Settings};
use crate::source::{Source, in_a_line};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// The files are there when this returns. `None`: they are not the daemon's to change.
pub(super) fn follow(common: &Common, options: &Serve) -> Result<Option<Follower>, Failure> {
    let Some(url) = &options.git.url else {
        return Ok(None);
    };
    // What was typed is not repeated: it may hold a password.
    let remote: Remote = url
        .parse()
        .map_err(|error: InvalidRemote| Failure::new(Exit::Usage, error.to_string()))?;
    let Git {
        branch, interval, ..
    } = &options.git;
    let settings = settings_path(common)?;
    let shown = settings.clone();
    let mut checkout = Checkout::open(Wanted {
        folder: folder(common)?,
        remote,
        branch: branch.clone(),
        settings,
        judge: Box::new(move |text| judge(&shown, text)),
    })?;
    let begun = checkout.begin()?;
    if checkout.at().is_none() {
        return Err(nothing(&checkout, &begun));
    }
    let follower = Follower::start(checkout, begun, *interval);
    Ok(Some(follower.context("cannot start a thread for git")?))
}

fn folder(common: &Common) -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().context("cannot tell the working directory")?;
    let directory = common.directory.as_deref();
    Ok(directory.map_or(here.clone(), |directory| here.join(directory)))
}

/// Where the settings are in the repository.
fn settings_path(common: &Common) -> Result<String, Failure> {
    let path = common.config.as_deref().unwrap_or(Path::new(SETTINGS));
    daemon::plain(path).ok_or_else(|| {
        let text = format!("`{}` is not in the repository", path.display());
        let help = "with --git, --config names the settings from the top of the repository";
        Failure::new(Exit::Usage, text).help(help)
    })
}

fn judge(path: &str, text: &str) -> Result<Judged, String> {
    let source = Source::new(path.to_owned(), text.to_owned());
    let overrides = overrides().map_err(|failure| failure.to_string())?;
    let settings = Settings::read(&source, &overrides)
        .map_err(|found| in_a_line(&found, 0).unwrap_or_default())?;
    let mut own = vec![OWN_FOLDER.to_owned()];
    if let JournalSource::Path(journal) = &settings.journal {
        own.push(journal.clone());
    }
    Ok(Judged {
        campaigns: settings.campaigns,
        own,
    })
}

/// There is no commit to begin with.
fn nothing(checkout: &Checkout, found: &[News]) -> Failure {
    let why = found.iter().find_map(News::why_not).unwrap_or_default();
    let is_wrong = found
        .iter()
        .any(|news| !matches!(news, News::Failed { .. }));
    let text = format!("there is nothing to serve from {}: {why}", checkout.shown());
    if is_wrong {
        return Failure::new(Exit::Invalid, text).help("commit what is right, and start it again");
    }
    let help = "git is asked as whoever runs this: try `git ls-remote` with the same address";
    Failure::new(Exit::Temporary, text).help(help)
}

impl From<CheckoutError> for Failure {
    fn from(error: CheckoutError) -> Failure {
        let (exit, help) = match &error {
            CheckoutError::NotOurs(_) => (
                Exit::Usage,
                Some("name an empty folder, or one that is not there yet, with -C"),
            ),
            CheckoutError::Branch(_) => (Exit::Usage, None),
            CheckoutError::Busy(_) => (Exit::Temporary, None),
            CheckoutError::Failed { .. } => (Exit::Error, None),
        };
        let failure = Failure::new(exit, error.to_string());
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}
