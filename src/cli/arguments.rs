//! What can be typed.

use super::browsing::{Completions, Init, List, Man, Show};
use super::daemons::{Release, Serve};
use super::exit;
use super::operators::{Accept, Cancel, Pause, Status};
use super::senders::{Run, Test};
use crate::delivery::State;
use crate::sandbox::{Faults, Key, OverGroupLimit, Registers, RepeatAnswer, Scope};
use chrono::{DateTime, FixedOffset};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Campaigns in git, delivered to Tencent Cloud Chat groups: checked, paced, and every call accounted for.
#[derive(Debug, Parser)]
#[command(
    name = "campanile",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(after_help = format!("{BEGINNING}\n\n{}", exit::codes()))]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

const BEGINNING: &str = "\
Examples:
  campanile init our-campaigns     a repository to begin with
  campanile check                  everything that is wrong
  campanile preview welcome        what people will read
  campanile run welcome --sandbox  send it to a stand-in for the vendor";

#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// Work as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(super) directory: Option<PathBuf>,
    /// The settings file [default: campanile.yaml, here or in a folder above]
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Check(Check),
    Preview(Preview),
    Run(Run),
    Test(Test),
    Resume(Resume),
    Pause(Pause),
    Cancel(Cancel),
    Status(Status),
    Retry(Retry),
    Log(Log),
    #[command(subcommand)]
    Journal(JournalVerb),
    #[command(subcommand)]
    Settings(SettingsVerb),
    Serve(Serve),
    Release(Release),
    Sandbox(Sandbox),
    List(List),
    Show(Show),
    Next(Next),
    Schema(Schema),
    Init(Init),
    Completions(Completions),
    Man(Man),
    Version(Version),
}

/// Find everything that is wrong with campaigns before anything is sent
///
/// Reads every campaign with its audience and renders every message, as it would be at the next occurrence. Needs no
/// secret, network or journal. Files that no campaign reads are looked for when the whole repository is checked.
///
/// --fix types what nobody can have meant otherwise: quotes around a text that YAML takes for something else, a key with
/// a letter wrong, the colon of a Chinese keyboard behind a key, `.yml` as the end of a name. It tells each place, leaves
/// all else byte for byte, and then checks what is left.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile check                              all campaigns of the repository
  campanile check welcome --strict             warnings fail as well
  campanile check -o json                      for scripts
  campanile check -o github --strict           in a workflow: each at its line
  campanile check -o sarif > campanile.sarif   for code scanning and editors
  campanile check --fix                        mends what is certain
  campanile check --fix --dry-run | git apply  the same, looked at before
  campanile check --explain unknown-key        what a code means
  campanile check --explain                    all codes there are")]
pub(super) struct Check {
    /// Campaigns, by name or path [default: all of the folder]
    pub(super) campaigns: Vec<String>,
    /// Warnings fail as well, but for `all-past`, which comes of time alone
    #[arg(long)]
    pub(super) strict: bool,
    /// Mend in the files what can be mended for certain, then check them
    #[arg(long)]
    pub(super) fix: bool,
    /// With --fix: show the change, and write nothing
    #[arg(long, requires = "fix")]
    pub(super) dry_run: bool,
    /// Render as if it were this instant [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(super) now: Option<DateTime<FixedOffset>>,
    /// Tell what a code of a complaint means instead; without a code, list all there are
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["campaigns", "fix"])]
    pub(super) explain: Option<String>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = CheckOutput::Text)]
    pub(super) output: CheckOutput,
}

/// Show what people will read, before anybody does
///
/// Renders every message as it would be sent at the next occurrence, byte for byte, and shows the first few, one for each
/// text of a chosen template, and the longest; then how many there are, how long it takes and when it ends. Needs no
/// secret, network or journal. One error anywhere, and it tells what `check` tells.
#[derive(Debug, Args)]
#[command(
    after_help = "JSON: {app, campaign, channel, occurrence, planned, skipped, messages: [{target, members, delivery, cases, variables, \
characters, bytes, body} ..], longest, cases, rate_per_s, duration_s, first_call, expected_end, warnings}. `body` is the very text that is \
sent, without its `Random`.

Examples:
  campanile preview welcome                  the first few, as a chat
  campanile preview welcome --group @TGS#1   what one group will read
  campanile preview countdown --for 2026-11-11T00:00
  campanile preview welcome -n 1000 -o json  for scripts
  campanile preview welcome -o html > preview.html
  campanile preview welcome -o markdown      for a comment below a pull request"
)]
pub(super) struct Preview {
    /// A campaign's name, or the path of its file
    pub(super) campaign: String,
    /// The occurrence: local time, or with an offset [default: the next; without a schedule, now]
    #[arg(long = "for", value_name = "T")]
    pub(super) occurrence: Option<String>,
    /// Only this group
    #[arg(long, value_name = "G")]
    pub(super) group: Option<String>,
    /// How many messages; those of chosen templates and the longest come beside them
    #[arg(short = 'n', long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(..=10_000))]
    pub(super) limit: u16,
    /// What is taken for now [default: the clock's]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(super) now: Option<DateTime<FixedOffset>>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = PreviewOutput::Text)]
    pub(super) output: PreviewOutput,
}

/// Go on with a run that was paused, stopped or cut off
///
/// One that was cancelled and is not settled yet is brought to its end; nothing more of it is sent. A campaign's schedule goes
/// on as well, if it was paused; what would have been due in between is not sent.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["run", "schedules"])))]
#[command(after_help = "Examples:
  campanile resume welcome@2026-11-11T09:00
  campanile resume welcome                   its schedule, and its latest run
  campanile resume welcome --stop-after 100  a hundred more, then look again
  campanile resume --schedules               all of them, after `pause --all`")]
pub(super) struct Resume {
    /// A run, or a campaign for its schedule and its latest run
    pub(super) run: Option<String>,
    /// Every schedule that is paused, and no run
    #[arg(long)]
    pub(super) schedules: bool,
    /// Begin N more calls, see them through, and leave the rest paused, with exit code 6
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) stop_after: Option<u64>,
    /// Go on though the journal looks older than what was sent
    #[arg(long)]
    pub(super) force: bool,
    /// The run is one of the stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Send deliveries of a run again that were refused, failed, were skipped or are unknown
///
/// It happens within the run: each delivery keeps its one line in the log, with the attempts of before. Messages are those
/// that were planned; the campaign's file is not read. Attempts, `rate` and `window` count anew, `finish_within` no longer
/// holds. What the plan itself left out, such as a group without members, stays left out. A run that is open has to be paused
/// first; if a retry is cut off, the same command goes on with it.
///
/// What was refused, failed or skipped is proved not to have arrived, and cannot arrive twice. What is unknown may have
/// arrived: unless the group's history proves that it did not, people may get it twice, and --force is needed. An unknown
/// broadcast is never sent again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile retry welcome --state failed           tells how many, and asks
  campanile retry welcome@2026-11-11T09:00 --state refused --group @TGS#1
  campanile retry welcome --state failed --yes -o json
  campanile retry welcome --state unknown --force  people may get it twice")]
pub(super) struct Retry {
    /// A run, or a campaign for its latest run
    pub(super) run: String,
    /// Which deliveries
    #[arg(long, value_enum, value_name = "STATE")]
    pub(super) state: RetriedState,
    /// Only those to this group
    #[arg(long, value_name = "G")]
    pub(super) group: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    /// Send what needs a second thought: what people may get twice, a broadcast
    #[arg(long)]
    pub(super) force: bool,
    /// The run is one of the stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Decide about settings that a commit changes
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  campanile settings accept 3f2a9c01bb7e -C /srv/news  use what the commit says")]
pub(super) enum SettingsVerb {
    Accept(Accept),
}

/// Keep the journal small and safe
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  campanile journal prune --older-than 90d        remove what finished long ago
  campanile journal backup /backups/campanile.db  copy it, also while in use")]
pub(super) enum JournalVerb {
    Prune(Prune),
    Backup(Backup),
}

/// Remove finished runs of long ago, with all that was planned and written down for them
///
/// A run goes whole, once it is finished and nothing has happened in it for the time given; a run that is paused, stopped or
/// held stays. It is done in small steps, so that nothing that is being sent meanwhile has to wait, and can be cut off
/// anywhere. Plans that were prepared more than a day ago and never opened go as well.
///
/// What is kept is one line for each run: which occurrence it was, so that the same occurrence is never sent a second time.
/// What is gone is its log, its counts, and whatever `retry` could have sent again.
///
/// The room is given back to the disk, also beside a daemon. The file of a journal that an earlier version made gets smaller
/// only if nothing is being sent; else the room is free for later runs, and it says so. The setting `serve: { retention: 90d }`
/// lets the daemon remove old runs by itself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile journal prune --older-than 90d --dry-run  what would go
  campanile journal prune --older-than 90d            tells what goes, and asks
  campanile journal prune --older-than 90d --yes -o json

JSON: {\"journal\", \"dry_run\", \"runs\": [{run, app, state, deliveries, finished_at} ..], \"plans\": rubbish removed, \
\"bytes_before\", \"bytes_after\", \"bytes_free\": inside the file, \"kept_open\": how many old runs are not finished}.")]
pub(super) struct Prune {
    /// How long ago a run must have finished; at least a day
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) older_than: Duration,
    /// Only tell what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    /// The stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Copy the journal, also while it is being written
///
/// The copy is the journal of one instant, whole, and has its permissions. Copying the file by other means misses what is in
/// the write-ahead log beside it. A file that is there is never overwritten, and a copy that could not be finished is not left
/// under the name.
///
/// Sending on from an old copy could send twice what went out since: keep it for reading, or stop everything, put it in
/// place, and look at the log before you resume.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile journal backup /backups/campanile-2026-11-11.db
  campanile journal backup /backups/today.db -o json

JSON: {\"journal\", \"backup\", \"bytes\", \"runs\"}.")]
pub(super) struct Backup {
    /// The file to write; it must not be there
    pub(super) file: PathBuf,
    /// The stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// What became of every planned call of a run
///
/// A line says in our words why its delivery stands where it does or what it waits for, how it stood before it was sent
/// again by `retry`, and in quotes what the vendor said. What can be done about a code is told once on stderr, however many
/// lines have it. A group to which the run has no delivery is an error.
#[derive(Debug, Args)]
#[command(
    after_help = "JSON and CSV: {app, campaign, occurrence, run, delivery, channel, group, members, state, reason, attempts, error_code, error_info, \
msg_seq, msg_time, random, started_at, finished_at, test, commit, reason_code}; `reason` is for people, `reason_code` for programs. It is null unless \
something other than the vendor's answer to an attempt ended the delivery: `attempts_used_up`, `repetition_refused`, `not_in_history`, `found_in_history`, \
`not_deduplicated`, `deduplication_over`, `cancelled`, `cancelled_unresolved`, `too_late` or `no_members`; or a look-up in the group's history that could \
not tell: `no_history`, `group_gone`, `group_type_unknown`, `newest_unknown`, `history_lags`, `history_gap`, `history_cut_off`, `history_too_long`, \
`message_hidden`, `random_elsewhere`, `clock_wrong` or `history_unreadable`.

Examples:
  campanile log welcome                 the latest run, a line for each delivery
  campanile log welcome --group @TGS#1  did this group get it, and if not, why?
  campanile log welcome@2026-11-11T09:00 --state failed,unknown -o csv
  campanile log welcome -f              follow a run under way
  campanile log welcome --test          what became of its latest test"
)]
pub(super) struct Log {
    /// A run, or a campaign for its latest run
    pub(super) run: String,
    /// Of a campaign, the latest test instead of the latest run
    #[arg(long)]
    pub(super) test: bool,
    /// Only deliveries in this state, or in one of several: `--state failed,unknown`
    #[arg(long, value_enum, value_name = "STATE", value_delimiter = ',')]
    pub(super) state: Vec<StateName>,
    /// Only this group
    #[arg(long, value_name = "G")]
    pub(super) group: Option<String>,
    /// At most so many lines
    #[arg(short = 'n', long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// Print deliveries as they end, until the run does
    #[arg(short, long)]
    pub(super) follow: bool,
    /// The run is one of the stand-in's journal
    #[arg(long)]
    pub(super) sandbox: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = LogOutput::Text)]
    pub(super) output: LogOutput,
}

/// The stand-in for the vendor alone, on a port
///
/// Answers `send_group_msg`, `send_group_system_notification`, `send_broadcast_msg`, `group_msg_get_simple`,
/// `group_msg_recall` and `get_group_info` as strictly as the vendor's pages can be read, and goes wrong on purpose where it
/// is asked to. Ctrl-C ends it and prints what it saw.
#[derive(Debug, Args)]
#[command(
    after_help = SANDBOX_EXAMPLES,
    after_long_help = format!("{SANDBOX_FAULTS}\n\n{SANDBOX_RUN_TIME}\n\n{SANDBOX_EXAMPLES}")
)]
pub(super) struct Sandbox {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000", help_heading = PLAYED)]
    pub(super) listen: SocketAddr,
    /// The app it plays
    #[arg(long, value_name = "ID", default_value_t = 1_400_000_000, help_heading = PLAYED)]
    pub(super) sdk_app_id: u64,
    /// The groups there are: CSV with a column `group` and perhaps `type`, others are ignored [default: any id is that of
    /// a group, unless it contains MISSING]
    #[arg(long, value_name = "FILE", help_heading = PLAYED)]
    pub(super) groups: Option<PathBuf>,
    /// Keep what it received in this file, and go on from it
    #[arg(long, value_name = "FILE", help_heading = PLAYED)]
    pub(super) ledger: Option<PathBuf>,
    /// Statistics at the end as text or JSON
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,

    /// Group messages it takes a second, and notifications; more are answered with 60007
    #[arg(long, value_name = "N", default_value_t = 200, help_heading = "Limits")]
    pub(super) limit: u32,
    /// Broadcasts it takes a second
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Limits")]
    pub(super) broadcast_limit: u32,
    /// Messages it takes a second for one group; notifications do not count
    #[arg(long, value_name = "N", default_value_t = 40, help_heading = "Limits")]
    pub(super) group_limit: u32,
    /// What a message over the limit of its group is answered
    #[arg(
        long,
        value_name = "ANSWER",
        value_enum,
        default_value_t,
        help_heading = "Limits"
    )]
    pub(super) over_group_limit: OverGroupLimit,

    /// How long it discards a repeated Random
    #[arg(long, value_name = "TIME", default_value = "300s", value_parser = humantime::parse_duration, help_heading = REPETITIONS)]
    pub(super) deduplication: Duration,
    /// Where a Random must be new
    #[arg(long, value_name = "SCOPE", value_enum, default_value_t, help_heading = REPETITIONS)]
    pub(super) dedup_scope: Scope,
    /// What must be the same for a message to be a repetition
    #[arg(long, value_name = "KEY", value_enum, default_value_t, help_heading = REPETITIONS)]
    pub(super) dedup_key: Key,
    /// What a repetition is answered
    #[arg(long, value_name = "ANSWER", value_enum, default_value_t, help_heading = REPETITIONS)]
    pub(super) dedup_answer: RepeatAnswer,
    /// Which calls register their Random
    #[arg(long, value_name = "WHICH", value_enum, default_value_t, help_heading = REPETITIONS)]
    pub(super) dedup_registers: Registers,
    /// How old a message is before the history of its group shows it
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration, help_heading = REPETITIONS)]
    pub(super) history_lag: Duration,

    /// What goes wrong, as in `lost_reply=5%,throttle=1%,delay=0ms-20ms`; --help lists all of it
    #[arg(
        long,
        value_name = "FAULTS",
        default_value = "none",
        help_heading = "Misfortunes"
    )]
    pub(super) fault: Faults,
    /// How long a reply takes
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = humantime::parse_duration, help_heading = "Misfortunes")]
    pub(super) latency: Duration,
    /// By how much that varies, up and down
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = humantime::parse_duration, help_heading = "Misfortunes")]
    pub(super) jitter: Duration,
    /// What its chances are drawn from; the same seed draws the same
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        help_heading = "Misfortunes"
    )]
    pub(super) seed: u64,
}

const PLAYED: &str = "The app it plays";
const REPETITIONS: &str = "Repetitions and history";

const SANDBOX_FAULTS: &str = "\
Faults that a share of all calls meets (`=5%` or `=0.05`):
                            the call took effect, then
  lost_reply                the connection closes without an answer
  stall                     no answer ever comes
  slow                      the answer comes after 4 s
  html, html_502            a proxy's page answers, with status 200 or 502
  huge                      the answer is 2 MiB long
  internal, timeout         the answer is code 10002, 60008
                            the call took no effect:
  lost_before               the connection closes
  http_500                  the answer is status 500
  throttle, group_throttle  the answer is code 60007, 10023, whatever the pace
  drop                      the answer is a success with a MsgDropReason
  expired                   the answer is code 70001
  internal_before, timeout_before, code_N
                            the answer is code 10002, 60008, N

Faults of the whole path:
  delay=0ms-20ms            requests take so long to arrive, evenly spread
  stall_path=1s/60s         every 60 s nothing comes or goes for 1 s
  refuse=5s/30s             every 30 s connections are refused and cut for 5 s
  stall_path=1s, refuse=5s  the same once, from now on";

const SANDBOX_RUN_TIME: &str = "\
While it runs:
  curl http://ADDRESS/sandbox/ledger               what it stored, as JSON lines
  curl http://ADDRESS/sandbox/statistics           what it saw, as JSON
  curl http://ADDRESS/sandbox/faults               what goes wrong at present
  curl http://ADDRESS/sandbox/faults -d refuse=5s  this goes wrong from now on";

const SANDBOX_EXAMPLES: &str = "\
Examples:
  campanile sandbox
  campanile sandbox --listen 127.0.0.1:9000 --fault lost_reply=5%,code_10016=1%
  campanile sandbox --groups audiences/cities.csv --over-group-limit drop
  campanile sandbox --dedup-scope group --dedup-key content --history-lag 2s
  campanile sandbox --latency 30ms --jitter 20ms -o json";

/// Upcoming occurrences of campaigns or of a cron expression, and what clock changes do to them
///
/// Without a campaign: those of all campaigns that have a schedule, merged in order of time. It reads campaign files and
/// settings only; whether an occurrence has been sent is told by `log`.
#[derive(Debug, Args)]
#[command(
    after_help = "JSON: {\"occurrences\": [RFC 3339 in UTC ..]}. For campaigns also, in the same order, \"details\": [{campaign, at, \
local, timezone, note} ..], where `note` is null or says what a clock change does; \"skipped\": the same for times that do not exist and are not \
made up for; \"by_hand\": names of campaigns that were asked for and have no schedule.

Examples:
  campanile next               the next five of all campaigns
  campanile next welcome -n 3  of one, by name or by path
  campanile next --from 2026-11-01T00:00:00+08:00 -n 100 -o json
  campanile next --cron \"0 9 * * MON-FRI\" --timezone Asia/Shanghai
  campanile next --cron \"30 2 * * *\" --timezone Europe/Berlin -n 3"
)]
pub(super) struct Next {
    /// Names of campaigns, or paths of their files [default: all that have a schedule]
    #[arg(value_name = "CAMPAIGN", conflicts_with = "cron")]
    pub(super) campaigns: Vec<String>,
    /// An expression instead: minute, hour, day of the month, month, day of the week; as crontab(5), with L, W, # and
    /// @daily
    #[arg(long, value_name = "EXPR")]
    pub(super) cron: Option<String>,
    /// The IANA time zone of --cron [default: that of the settings, where there are any]
    #[arg(long, value_name = "TZ", requires = "cron")]
    pub(super) timezone: Option<String>,
    /// What becomes of a fixed time of --cron that a clock change touches [default: `run_once`]
    #[arg(long, value_enum, requires = "cron")]
    pub(super) dst: Option<DstName>,
    /// Those later than this instant [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(super) from: Option<DateTime<FixedOffset>>,
    /// What is taken for now [default: the clock's]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(super) now: Option<DateTime<FixedOffset>>,
    /// How many, of all campaigns together
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) limit: u16,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// The JSON Schema of a campaign file or of the settings, for editors
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile schema campaign > schemas/campaign.schema.json
  campanile schema settings > schemas/settings.schema.json")]
pub(super) struct Schema {
    #[arg(value_enum)]
    pub(super) kind: SchemaKind,
}

/// Versions: of this program, of the time zone data, of SQLite
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  campanile version
  campanile version -o json")]
pub(super) struct Version {
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum DstName {
    /// Once: after a gap, and in the first pass of a repeated hour
    RunOnce,
    /// Not at all in a gap; in the first pass of a repeated hour
    Skip,
    /// As the wall clock shows it: not in a gap, twice in a repeated hour
    Wall,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaKind {
    Campaign,
    Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckOutput {
    Text,
    Json,
    /// Commands of a GitHub workflow
    Github,
    /// SARIF 2.1.0
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PreviewOutput {
    Text,
    Json,
    /// For a comment below a pull request
    Markdown,
    /// One page that needs nothing from anywhere
    Html,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogOutput {
    Text,
    Json,
    Jsonl,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum StateName {
    Pending,
    InFlight,
    Accepted,
    Refused,
    Failed,
    Skipped,
    Unknown,
}

/// What can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum RetriedState {
    /// The vendor never will, or would not then
    Refused,
    /// Proved undelivered, attempts used up
    Failed,
    /// Never begun: too late, or cancelled
    Skipped,
    /// Nobody can tell whether it arrived
    Unknown,
}

impl RetriedState {
    pub(super) fn state(self) -> State {
        match self {
            RetriedState::Refused => State::Refused,
            RetriedState::Failed => State::Failed,
            RetriedState::Skipped => State::Skipped,
            RetriedState::Unknown => State::Unknown,
        }
    }
}

impl StateName {
    pub(super) fn name(self) -> &'static str {
        match self {
            StateName::Pending => State::Pending,
            StateName::InFlight => State::InFlight,
            StateName::Accepted => State::Accepted,
            StateName::Refused => State::Refused,
            StateName::Failed => State::Failed,
            StateName::Skipped => State::Skipped,
            StateName::Unknown => State::Unknown,
        }
        .name()
    }
}

/// An instant as programs write it: nobody has to guess whose clock is meant.
pub(super) fn instant(text: &str) -> Result<DateTime<FixedOffset>, String> {
    DateTime::parse_from_rfc3339(text).map_err(|_| {
        "write it as 2026-11-11T09:00:00+08:00, or in UTC as 2026-11-11T01:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_agree_with_each_other() {
        Arguments::command().debug_assert();
    }

    /// A narrow terminal breaks what is wider, and nobody finds the columns any more.
    #[test]
    fn what_stands_in_columns_fits_into_a_narrow_terminal() {
        fn check(command: &clap::Command, seen: &mut usize) {
            let helps = [command.get_after_help(), command.get_after_long_help()];
            for help in helps.into_iter().flatten() {
                let text = help.to_string();
                // A command alone is copied as a whole, however long it is.
                let is_row = |line: &&str| line.starts_with("  ") && line.trim().contains("  ");
                for line in text.lines().filter(is_row) {
                    assert!(line.chars().count() <= 80, "{line}");
                    *seen += 1;
                }
                // What is a paragraph is broken where the terminal wants it, and nowhere else.
                let is_prose = |line: &&str| !line.is_empty() && !line.starts_with(' ');
                let prose = text.lines().collect::<Vec<_>>();
                let broken = prose.windows(2).find(|pair| pair.iter().all(is_prose));
                assert_eq!(broken, None, "{}", command.get_name());
            }
            command.get_subcommands().for_each(|each| check(each, seen));
        }
        let mut seen = 0;
        check(&Arguments::command(), &mut seen);
        assert!(seen > 60, "{seen}");
    }
}
