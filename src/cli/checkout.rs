//! `serve --git`: the folder in which one works is kept in step with a repository.

use super::arguments::Common;
use super::daemons::{Git, Serve};
use super::exit::Exit;
use super::failure::Failure;
use super::pin::Pin;
use super::telling::LogFormat;
use super::workspace::{OWN_FOLDER, SETTINGS, SettingsFile, Workspace, overrides, withhold_named};
use crate::clock;
use crate::containment::STACK_SIZE;
use crate::daemon::{
    self, Checkout, CheckoutError, Event, Follower, InvalidRemote, Judge, Judged, News, Progress,
    Remote, Wanted,
};
use crate::files::CommitTree;
use crate::journal::Journal;
use crate::settings::{JournalSource, OperatorValues, Settings};
use crate::source::{Diagnostic, Source, in_a_line};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// A repository that is followed, and the settings that hold whatever its commits say.
pub(super) struct Followed {
    follower: Follower,
    pin: Pin,
    /// The commit that is served to begin with.
    pub(super) commit: Arc<CommitTree>,
}

/// The files are there when this returns. `None`: they are not the daemon's to change. Dropping the future ends the fetch.
pub(super) async fn follow(common: &Common, options: &Serve) -> Result<Option<Followed>, Failure> {
    let Some(url) = options.git.url.clone() else {
        return Ok(None);
    };
    let (common, options) = (common.clone(), options.clone());
    let (handle, stop) = (Handle::current(), Arc::new(AtomicBool::new(false)));
    let (followed_out, followed) = oneshot::channel();
    let is_stopped = Arc::clone(&stop);
    let thread = thread::Builder::new()
        .name("git".to_owned())
        .stack_size(STACK_SIZE)
        .spawn(move || {
            let followed = follow_url(&url, (&common, &options), is_stopped);
            drop(followed_out.send(handle.block_on(followed)));
        })
        .context("cannot start a thread for git")?;
    let mut stopping = Stopping {
        stop: Some(stop),
        thread,
    };
    let followed = followed.await.context("the thread of git ended early")?;
    stopping.stop = None;
    followed.map(Some)
}

/// The thread that fetches the first commit. Dropped, it takes the git that it waits for with it.
struct Stopping {
    /// `None`: it has ended by itself.
    stop: Option<Arc<AtomicBool>>,
    thread: JoinHandle<()>,
}

const STOP_TRIES: u32 = 300;
const STOP_WAIT: Duration = Duration::from_millis(10);

impl Drop for Stopping {
    fn drop(&mut self) {
        let Some(stop) = &self.stop else {
            return;
        };
        stop.store(true, Ordering::Relaxed);
        let mut tries = 0..STOP_TRIES;
        while !self.thread.is_finished() && tries.next().is_some() {
            thread::sleep(STOP_WAIT);
        }
    }
}

async fn follow_url(
    url: &str,
    (common, options): (&Common, &Serve),
    stop: Arc<AtomicBool>,
) -> Result<Followed, Failure> {
    // What was typed is not repeated: it may hold a password.
    let remote: Remote = url
        .parse()
        .map_err(|error: InvalidRemote| Failure::new(Exit::Usage, error.to_string()))?;
    let Git {
        branch, interval, ..
    } = &options.git;
    // Git is asked before the settings of the newest commit are read: those of the last one name what is secret.
    if let Ok(Some(file)) = SettingsFile::find(common) {
        withhold_named(&file.examine()?.settings);
    }
    let shown = format!("{branch} of {}", remote.shown());
    let (folder, settings) = (folder(common)?, settings_path(common)?);
    let known = Known {
        shown: settings.clone(),
        root: folder.join(&settings).parent().map(Path::to_owned),
        pinned: None,
        own: Vec::new(),
    };
    let mut checkout = Checkout::open(Wanted {
        folder,
        remote,
        branch: branch.clone(),
        settings,
        judge: known.clone().judge(),
        fetch_within: options.git.fetch_within(),
        stop,
        progress: progress(options.log, shown),
    })?;
    if checkout.restore()?
        && let Some(commit) = checkout.at()
    {
        let settled = settle(common, options.sandbox, (known.clone(), commit)).await;
        // Settings that cannot be used may be mended by the newest commit.
        let known =
            settled.map_or_else(|_| known.clone().where_readable(common), |(_, known)| known);
        checkout.judge_by(known.judge());
    }
    let begun = checkout.begin();
    let Some(commit) = checkout.at().cloned() else {
        return Err(nothing(&checkout, &begun));
    };
    let (pin, known) = settle(common, options.sandbox, (known, &commit)).await?;
    checkout.judge_by(known.judge());
    let follower = Follower::start(checkout, begun, *interval);
    let follower = follower.context("cannot start a thread for git")?;
    Ok(Followed {
        follower,
        pin,
        commit,
    })
}

/// Tells in the log how far the first fetch is, before there is anything to serve.
fn progress(log: LogFormat, repository: String) -> Progress {
    Box::new(move |progress| {
        let event = Event::GitFetching {
            repository: repository.clone(),
            progress: progress.to_owned(),
        };
        log.tell(&event, clock::now().wall_ms);
    })
}

/// Records in the journal what holds, and returns what is followed.
pub(super) async fn pinned(
    followed: Option<Followed>,
    journal: &Journal,
) -> Result<Option<Follower>, Failure> {
    let Some(Followed { follower, pin, .. }) = followed else {
        return Ok(None);
    };
    pin.record(journal).await?;
    Ok(Some(follower))
}

/// Finds the settings that hold in the checkout, and the files in use by them.
async fn settle(
    common: &Common,
    sandbox: bool,
    (known, commit): (Known, &Arc<CommitTree>),
) -> Result<(Pin, Known), Failure> {
    let file = SettingsFile::of_commit(common, commit)?;
    let workspace = Workspace::of_commit(common, sandbox, Some(commit))?;
    let pin = Pin::settle(&file, &workspace).await?;
    // With what is pinned the journal may be another, and so may the files that hold secrets.
    let workspace = Workspace::of_commit(common, sandbox, Some(commit))?;
    let known = Known {
        pinned: Some(pin.values.clone()),
        own: workspace.own_files(),
        ..known
    };
    Ok((pin, known))
}

/// What commits are judged by.
#[derive(Clone)]
struct Known {
    shown: String,
    /// The folder of the settings.
    root: Option<PathBuf>,
    /// The operator's values in use.
    pinned: Option<OperatorValues>,
    /// Files in use.
    own: Vec<PathBuf>,
}

impl Known {
    fn where_readable(self, common: &Common) -> Known {
        let Ok((workspace, _)) = Workspace::examine(common) else {
            return self;
        };
        let pin = Pin::read(workspace.repository.root()).ok().flatten();
        Known {
            pinned: pin.map(|pin| pin.values),
            own: workspace.own_files(),
            ..self
        }
    }

    fn judge(self) -> Judge {
        Box::new(move |text| {
            let source = Source::new(self.shown.clone(), text.to_owned());
            let overrides = overrides().map_err(|failure| failure.to_string())?;
            let told = |found: &[Diagnostic]| in_a_line(found, 0).unwrap_or_default();
            // What the commit names would be in use once an operator accepts it.
            let named = Settings::read(&source, &overrides).map_err(|found| told(&found))?;
            let examined = Settings::examine_pinned(&source, self.pinned.as_ref(), &overrides);
            if !examined.complaints.is_empty() {
                return Err(told(&examined.complaints));
            }
            withhold_named(&examined.settings);
            let mut own = self.own.clone();
            if let Some(root) = &self.root {
                own.push(root.join(OWN_FOLDER));
                own.extend(named.secret_files().map(|path| root.join(path)));
                if let JournalSource::Path(journal) = &named.journal {
                    own.push(root.join(journal));
                }
            }
            Ok(Judged {
                campaigns: examined.settings.campaigns,
                own,
            })
        })
    }
}

pub(super) fn folder(common: &Common) -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().context("cannot tell the working directory")?;
    let directory = common.directory.as_deref();
    Ok(directory.map_or(here.clone(), |directory| here.join(directory)))
}

/// Where the settings are in the repository.
pub(super) fn settings_path(common: &Common) -> Result<String, Failure> {
    let path = common.config.as_deref().unwrap_or(Path::new(SETTINGS));
    daemon::plain(path).ok_or_else(|| {
        let text = format!("`{}` is not in the repository", path.display());
        let help = "with --git, --config names the settings from the top of the repository";
        Failure::new(Exit::Usage, text).help(help)
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
