//! What can be typed about the daemon.

use super::arguments::Output;
use super::telling::LogFormat;
use clap::{ArgGroup, Args};

/// Send every campaign at its time, for as long as it runs
///
/// Every occurrence of every enabled campaign is planned ahead, opened at its time and sent. What was changed in the folder
/// is taken in while it runs; what cannot be used is told, and the campaign stays as it was before. An occurrence
/// is due only if the campaign was seen with this schedule before: merging, renaming or editing never sends the past.
///
/// What other verbs open on its lanes it sends as well. SIGTERM and Ctrl-C let what is under way come home, which takes no
/// longer than 20 s, and leave runs open: the next daemon goes on with them. A second signal leaves at once. SIGHUP looks at
/// files and settings now.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile serve --sandbox   try it: to the stand-in, with its own journal
  campanile serve             for real
  campanile serve --log json  for programs that gather logs
  campanile status            what is open, what waits, what comes next

Exit codes: 130 or 143 after a clean drain; 75 if another daemon has the journal; 78 if the settings are wrong.")]
pub(super) struct Serve {
    /// Send to the built-in stand-in for the vendor, with a journal of its own
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How to tell what happens
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log: LogFormat,
}

/// Let an occurrence go on that is held
///
/// The daemon holds an occurrence where it cannot be sent as it is: its file is invalid, or it cannot be planned. Once that
/// is mended, this sends it, however late it is. `--skip` says that it is not to be sent any more.
#[derive(Debug, Args)]
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
