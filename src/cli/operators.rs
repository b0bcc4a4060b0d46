//! What can be typed to operate the runs of a journal.

use super::arguments::Output;
use clap::Args;

/// End a run: what is not begun never will be
///
/// Deliveries that are not begun become `skipped: cancelled`. Of those that may have been delivered the answers are
/// awaited, and the histories of their groups are searched as always, which may take minutes; they are never sent again.
/// Then the run is finished, as `skipped` if nothing of it was accepted, else as `partial`. Where another process sends on
/// the lane, it does all that, and this one looks on. Nobody can take it back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile cancel welcome@2026-11-11T09:00         asks first
  campanile cancel welcome --yes                    its latest run; for scripts
  campanile cancel welcome                          also goes on with a cancelling that was cut off

Exit codes: 0 it is cancelled, or had finished before; 5 it is cancelled, with more refused or failed than are tolerated
or with unknown ones; 4 nobody was there to be asked; 6, 130 or 143 it is not settled yet, and `cancel` or `resume` goes on
with that. A secret is needed only if something may have been delivered. `run` and `resume` end with 5 if somebody else
cancels their run.")]
pub(super) struct Cancel {
    /// A run, or a campaign for its latest run
    pub(super) run: String,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    /// The run is one of the stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}
