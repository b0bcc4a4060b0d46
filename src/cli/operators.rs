//! What can be typed to operate the runs of a journal.

use super::arguments::Output;
use clap::{ArgGroup, Args};

/// Start no more calls of a run; those under way come home
///
/// When this returns it is written down, and whoever sends the run starts no call of it later than two seconds from then.
/// What came home without an answer is not sent again either; it is settled when the run goes on. Only `resume` goes on
/// with it.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["run", "all"])))]
#[command(after_help = "Examples:
  campanile pause welcome   every open run of the campaign
  campanile pause welcome@2026-11-11T09:00
  campanile pause --all     whatever is open, and every schedule
  campanile resume welcome  lets it go on

A campaign's schedule is paused as well: until `resume` its occurrences are skipped.

The process that was sending ends with exit code 6, unless it sends other runs still. Runs that are paused already or \
finished are told, and are no failure.")]
pub(super) struct Pause {
    /// A run, or a campaign for all its open runs
    pub(super) run: Option<String>,
    /// Every open run of the journal, and every schedule the daemon knows
    #[arg(long)]
    pub(super) all: bool,
    /// The run is one of the stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// End a run: what is not begun never will be
///
/// Deliveries that are not begun become `skipped: cancelled`. Of those that may have been delivered the answers are
/// awaited, and the histories of their groups are searched as always, which may take minutes; they are never sent again.
/// Then the run is finished, as `skipped` if nothing of it was accepted, else as `partial`. Where another process sends on
/// the lane, it does all that, and this one looks on. Nobody can take it back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile cancel welcome@2026-11-11T09:00  asks first
  campanile cancel welcome --yes             its latest run; for scripts
  campanile cancel welcome                   ends what a cut-off `cancel` began

Exit codes: 0 it is cancelled, or had finished before; 5 it is cancelled, with more refused or failed than are tolerated \
or with unknown ones; 4 nobody was there to be asked; 6, 130 or 143 it is not settled yet, and `cancel` or `resume` goes on \
with that. A secret is needed only if something may have been delivered. `run` and `resume` end with 5 if somebody else \
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
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// What needs a person, what is being sent, what has finished lately, what comes next
///
/// It reads the journal and nothing else, and holds nobody up.
#[derive(Debug, Args)]
#[command(
    after_help = "JSON: {\"journal\", \"needs_attention\": [run ..], \"open\": [run ..], \"finished\": [run ..], \"tests\": tests that are open}. A run is {app, campaign, \
occurrence, run, channel, state, reason, reason_code, planned, accepted, refused, failed, skipped, unknown, pending, opened_at, \
newest_at, rate_per_s, expected_end, holder, note, go_on, test}; `holder` is who sends on its lane, `go_on` the command that does. \
`reason_code` is `reason` for programs: `operator`, `pause_after`, `stop_after`, `ctrl_c`, `sigterm`, `error`, `campaign_disabled`, `campaign_gone` or `retry` of \
what is paused, `answered` or `journal_rolled_back` of what is stopped, `cancelled` of what is cancelled. \
A lane of \"lanes\", those that somebody holds, is {app, channel, holder, calls_per_s, limit_per_s}, the calls being those of the last ten seconds. \
Of the daemon there are \"daemon\": its process, \"waiting\": occurrences that are held or queued, \"next\": those to come ({run, due_at, paused}), \"passed\": those \
that were not sent, \"paused_campaigns\", and \"notices\": files, lanes and settings that are not as they should be. An occurrence is {run, state, reason, due_at, go_on, reason_code}; \
`reason_code` is `reason` for programs: `too_late`, `queued_too_long`, `superseded`, `plan_not_ready`, `schedule_changed`, `clock_forward`, `campaign_paused`, \
`outside_window`, `overlap`, `queued`, `queue_full`, `skipped_by_operator`, `released_by_operator`, `file_invalid`, `file_gone`, `app_added`, `plan_invalid`, \
`overdue` or `no_targets`. The `kind` of a notice is `stale`, `invalid`, `folder`, `unsettled`, `disappeared`, `unprepared`, `settings`, `lane`, `clock`, `git` or `commit`.

Examples:
  campanile status
  campanile status --sandbox
  campanile status -n 20 -o json  with the last twenty that finished"
)]
pub(super) struct Status {
    /// So many of those that have finished, and of the occurrences that were not sent
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    pub(super) limit: u32,
    /// The runs of the stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Use the operator's settings of the commit that is checked out
///
/// A daemon of a repository (`serve --git`) is started with settings, and keeps those of them that are the operator's to
/// decide: `apps`, `roots`, `journal`, `serve`, `notify` and `campaigns`. Where a commit changes one of them, everything else
/// of it is used, and `status` shows the old value, the new one and the command that accepts it. Once accepted it is used from the
/// next start on. A commit that takes the change back needs nothing.
///
/// A variable of the environment overrides both.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile status -C /srv/news           what waits, with its digest
  campanile settings accept 3f2a9c01bb7e  use it from the next start on
  campanile settings accept 3f2a9c01bb7e -C /srv/news -o json

JSON: {\"digest\", \"commit\", \"changes\": [{key, used, pending} ..]}; `used` and `pending` are JSON in a text, or null if not set.")]
pub(super) struct Accept {
    /// The digest that `status` shows
    pub(super) digest: String,
    /// The journal is that of the stand-in
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}
