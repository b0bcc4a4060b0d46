//! What can be typed to find one's way among campaigns, and to begin.

use super::arguments::{Output, instant};
use chrono::{DateTime, FixedOffset};
use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// All campaigns: when they come next, how their last run ended, who answers for them
///
/// Files that cannot be used are listed as invalid with the number of their errors, and the others stay listed. Needs no
/// secret and no network; the last run is that of the journal, where there is one.
#[derive(Debug, Args)]
#[command(
    after_help = "JSON: {\"journal\", \"campaigns\": [{campaign, path, valid, errors, enabled, description, owner, labels, app, channel, \
timezone, scheduled, next, last_run} ..]}. `next` is in UTC, and null for what is disabled, runs by hand only or is over; `last_run` is {run, app, \
state, opened_at} or null. Of an invalid file no more is said than could be read.

Examples:
  campanile list
  campanile list --owner growth@example.com
  campanile list --label season=singles-day --label region=cn  with both
  campanile list -o json

The exit code is 0 also where files are invalid: `campanile check` says what is wrong with them, and fails."
)]
pub(super) struct List {
    /// Only those with this label; more than one: those that have all of them
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    pub(super) labels: Vec<(String, String)>,
    /// Only those of this owner
    #[arg(long, value_name = "O")]
    pub(super) owner: Option<String>,
    /// The last runs are those of the stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// What is taken for now [default: the clock's]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(super) now: Option<DateTime<FixedOffset>>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("a label is written `season=singles-day`")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// One campaign with every default filled in, and where each value comes from
///
/// What the campaign does not say is taken from `defaults` and the other settings, which a variable of the environment may
/// override, and else from what is built in. Templates are shown as they are written. What is printed is a campaign file
/// itself. Needs no secret, network or journal, and shows no secret.
#[derive(Debug, Args)]
#[command(
    after_help = "JSON: {\"name\", \"path\", \"campaign\": the whole of it, \"values\": [{path, value, origin, file, line, variable} ..]}. `origin` is \
`file`, `file_name`, `settings`, `environment` or `default`; `path` is written `delivery.attempts` or `audience.groups.0.id`.

Examples:
  campanile show welcome
  campanile show campaigns/welcome.yaml -o json
  campanile show welcome -o json | jq '.values[] | select(.path == \"delivery.rate\")'"
)]
pub(super) struct Show {
    /// A campaign's name, or the path of its file
    pub(super) campaign: String,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Write a repository to begin with: settings, a campaign, its audience, schemas, a guide, a check for continuous integration
///
/// Nothing that is there is overwritten: such files are left as they are, and named. The campaign can be sent at once to the
/// stand-in.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile init                    here
  campanile init campaigns-of-ours  in a folder, made if need be
  campanile init -o json

JSON: {\"directory\", \"written\": [path ..], \"left\": [path ..], \"next\": [command ..]}.")]
pub(super) struct Init {
    /// The folder [default: the working directory]
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// A script by which a shell completes verbs and options
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile completions bash > ~/.local/share/bash-completion/completions/campanile
  campanile completions zsh > \"${fpath[1]}/_campanile\"
  campanile completions fish > ~/.config/fish/completions/campanile.fish

Open a new shell afterwards.")]
pub(super) struct Completions {
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

/// The manual: a page for the program and for each verb, as `man` reads it
///
/// A page has what `--help` says, and the exit codes; that of the program the environment and the files as well.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile man | man -l -                     read the first page
  campanile man run | man -l -                 that of a verb
  campanile man journal prune > campanile-journal-prune.1
  campanile man --all ~/.local/share/man/man1  every page, where `man` finds it

Pages that are there already are written anew.")]
pub(super) struct Man {
    /// The verb [default: the program as a whole]
    #[arg(conflicts_with = "all")]
    pub(super) verb: Vec<String>,
    /// Write every page to this folder
    #[arg(long, value_name = "DIR")]
    pub(super) all: Option<PathBuf>,
}
