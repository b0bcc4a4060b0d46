//! What can be typed to send.

use super::arguments::Output;
use clap::Args;

/// Plan a campaign and send it now, to the end
///
/// An open run of the campaign is gone on with instead of starting another. A plan that equals one that went out in the
/// last 24 hours is refused unless --again. Where another process sends for the same app and channel already, it sends
/// this run as well, in turns with its own, and this one looks on; Ctrl-C then leaves it to the other.
///
/// With --for it is the run of that occurrence: if it is open it is gone on with, if it has finished nothing is sent, so that
/// the same command is safe to repeat.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[command(after_help = "Examples:
  campanile run campaigns/welcome.yaml --sandbox  to the built-in stand-in
  campanile run welcome --dry-run                 all but sending
  campanile run welcome                           asks before it sends
  campanile run welcome --stop-after 20           the first 20, then resume
  campanile run warm-up --for 2026-11-11T09:00    unless it was sent by now
  campanile run welcome --yes -o json             for scripts

JSON: {app, campaign, occurrence, run, state, commit, digest, planned, accepted, refused, failed, skipped, unknown, pending, \
elapsed_s, rate_per_s, test}. With --dry-run there are also {dry_run, would, needs, why, sdk_app_id, endpoint, journal, \
earlier_runs, channel, duration_s, expected_end, late_s, first_text}: `would` is `open`, `go_on` or `nothing`, `needs` are the flags \
without which it is refused, and `why` says what for.")]
pub(super) struct Run {
    /// A campaign's name, or the path of its file
    pub(super) campaign: String,
    /// The occurrence: local time, or with an offset [default: by hand, now]
    #[arg(long = "for", value_name = "T")]
    pub(super) occurrence: Option<String>,
    /// Send an occurrence ahead of its time
    #[arg(long, requires = "occurrence")]
    pub(super) early: bool,
    /// Begin N calls, see them through, and leave the rest paused, with exit code 6; attempts again of the same do not count
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) stop_after: Option<u64>,
    /// Plan everything and tell what would be sent; send nothing and write nothing down
    #[arg(long = "dry-run")]
    pub(super) dry: bool,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    /// Send what needs a second thought: a broadcast, a campaign that is not enabled, the first run of a journal against
    /// a real endpoint, an occurrence while another is open
    #[arg(long)]
    pub(super) force: bool,
    /// Send though the same went out in the last 24 hours; with --for, though that occurrence was sent
    #[arg(long)]
    pub(super) again: bool,
    /// Send to the built-in stand-in for the vendor, with a journal of its own
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Send one rendering of a campaign to a group of your own
///
/// Every target is rendered and checked as for a run; then what one of them would get goes to a group that stands in
/// `test_groups` of the app, and to no other. The group gets it as a whole, also where the campaign names members: those may
/// not be in it, and what is personal is rendered for the first of them. `rate`, `window`, `pause_after` and `finish_within`
/// do not hold.
///
/// It takes no occurrence: whatever was tested is still to be sent, once. `list` and bare campaign names mean runs, never
/// tests; `log CAMPAIGN --test` shows the latest. Each test is one of its own. One that is cut off stays open, and `status`
/// shows it, with the command that goes on with it; `cancel` ends it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile test welcome                           as its first group gets it
  campanile test welcome --as @TGS#1               as this group gets it
  campanile test welcome --to @TGS#MYTEST          to this one of your groups
  campanile test countdown --for 2026-11-11T00:00  as at this occurrence
  campanile log welcome --test                     what became of it

JSON: as of `run`, with \"test\": true.")]
pub(super) struct Test {
    /// A campaign's name, or the path of its file
    pub(super) campaign: String,
    /// One of the app's `test_groups` [default: the first]
    #[arg(long, value_name = "GROUP")]
    pub(super) to: Option<String>,
    /// The target whose message is rendered [default: the first]
    #[arg(long = "as", value_name = "GROUP")]
    pub(super) like: Option<String>,
    /// The occurrence to render: local time, or with an offset [default: the next; without a schedule, now]
    #[arg(long = "for", value_name = "T")]
    pub(super) occurrence: Option<String>,
    /// Send it though the group is a target of the campaign, and will get it again
    #[arg(long)]
    pub(super) force: bool,
    /// Send to the built-in stand-in for the vendor, with a journal of its own
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}
