//! What can be typed about the daemon.

use super::arguments::Output;
use super::telling::LogFormat;
use clap::{ArgGroup, Args};
use std::time::Duration;

/// Send every campaign at its time, for as long as it runs
///
/// Every occurrence of every enabled campaign is planned ahead, opened at its time and sent. What was changed in the folder
/// is taken in while it runs; what cannot be used is told, and the campaign stays as it was before. An occurrence
/// is due only if the campaign was seen with this schedule before: merging, renaming or editing never sends the past.
///
/// What other verbs open on its lanes it sends as well. SIGTERM and Ctrl-C let what is under way come home, which takes no
/// longer than 20 s, and leave runs open: the next daemon goes on with them. A second signal leaves at once. SIGHUP looks at
/// files and settings now.
///
/// With --git the folder in which it works (-C) is a checkout of its own, which it keeps in step with a branch: it fetches
/// every so often and on SIGHUP, looks at the settings and at how many campaigns are left, and then writes the files that
/// differ. A commit that cannot be used is told, and the files stay as they are; so they do while the repository is out of
/// reach. A folder that somebody else keeps in step, with `git pull` or in any other way, works without --git.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  campanile serve --sandbox   try it: to the stand-in, with its own journal
  campanile serve             for real
  campanile serve --log json  for programs that gather logs
  campanile status            what is open, what waits, what comes next
  campanile serve -C /srv/news --git https://example.com/news.git --branch main --interval 60s
  campanile status -C /srv/news    the same there

Exit codes: 130 or 143 after a clean drain; 75 if another daemon has the journal, or there is no commit yet to begin with; \
78 if the settings are wrong.")]
pub(super) struct Serve {
    /// Send to the built-in stand-in for the vendor, with a journal of its own
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How to tell what happens
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log: LogFormat,
    #[command(flatten)]
    pub(super) git: Git,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "From a repository")]
pub(super) struct Git {
    /// Keep the folder in step with this repository, as `git fetch` takes it; what is secret in it is never shown
    #[arg(long = "git", value_name = "URL")]
    pub(super) url: Option<String>,
    /// The branch that counts
    #[arg(long, requires = "url", default_value = "main")]
    pub(super) branch: String,
    /// How often it is fetched: from 1s to 1day
    #[arg(long, requires = "url", value_name = "TIME", default_value = "60s", value_parser = interval)]
    pub(super) interval: Duration,
    /// How long a fetch may take [default: 5m, and 2h for the first one]
    #[arg(long, requires = "url", value_name = "TIME", value_parser = fetch_timeout)]
    pub(super) fetch_timeout: Option<Duration>,
}

/// How long the first fetch may take, and each one after it.
const FETCH_WITHIN: [Duration; 2] = [Duration::from_hours(2), Duration::from_mins(5)];

impl Git {
    pub(super) fn fetch_within(&self) -> [Duration; 2] {
        let given = self.fetch_timeout.map(|within| [within; 2]);
        given.unwrap_or(FETCH_WITHIN)
    }
}

fn fetch_timeout(text: &str) -> Result<Duration, String> {
    let timeout = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if timeout >= INTERVAL_MIN {
        Ok(timeout)
    } else {
        Err("it is at least 1s".to_owned())
    }
}

const INTERVAL_MIN: Duration = Duration::from_secs(1);
const INTERVAL_MAX: Duration = Duration::from_hours(24);

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
        Ok(interval)
    } else {
        Err("it is between 1s and 1day".to_owned())
    }
}

/// Let an occurrence go on that is held
///
/// The daemon holds an occurrence where it cannot be sent as it is: its file is invalid, or it cannot be planned. Once that
/// is mended, this sends it, however late it is. `--skip` says that it is not to be sent any more.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["run", "gone"])))]
#[command(after_help = "Examples:
  campanile status                  what is held, and why
  campanile release welcome         what is held of the campaign
  campanile release welcome@2026-11-11T09:00
  campanile release welcome --skip  it is not to be sent
  campanile release --gone          yes, those campaigns are gone")]
pub(super) struct Release {
    /// An occurrence, or a campaign for whatever is held of it
    pub(super) run: Option<String>,
    /// It is not to be sent any more
    #[arg(long, requires = "run")]
    pub(super) skip: bool,
    /// So many campaigns went at once that the daemon kept them: they are meant to be gone
    #[arg(long)]
    pub(super) gone: bool,
    /// The journal is that of the stand-in
    #[arg(long)]
    pub(super) sandbox: bool,
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}
