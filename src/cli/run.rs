//! `run`: plan a campaign and send it now.

use super::arguments::{Common, Output, Run as RunOptions};
use super::exit::Exit;
use super::failure::Failure;
use super::sending::{Lane, Sender};
use super::workspace::{Workspace, typed_with};
use super::{print, prompt};
use crate::campaign::Campaign;
use crate::channel::Channel;
use crate::clock;
use crate::delivery::{RunEvent, RunState};
use crate::executor::{Staged, idle_since_ms, stage};
use crate::files::revision;
use crate::identity::{Moment, OccurrenceKey};
use crate::journal::{Journal, Opening, Run};
use crate::plan::Frame;
use crate::report::time_text;
use crate::schedule::Occurrence;
use crate::settings::App;
use crate::source::plural;
use std::time::Duration;

/// The same content is not sent twice within this time by mistake.
const SAME_CONTENT: Duration = Duration::from_hours(24);

pub(super) async fn run(common: &Common, options: &RunOptions) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let campaign = workspace.campaign(&options.campaign)?;
    campaign.warnings.iter().for_each(print::diagnostic);
    let app = workspace
        .settings
        .app(campaign.app.as_ref())
        .map_err(|found| Failure::invalid(vec![found], 0))?;
    // What is missing is missed before anything is planned.
    workspace.check_access(app)?;
    let journal = workspace.journal().await?;
    let runs = earlier(&workspace, &journal, app, &campaign).await?;
    let request = Request {
        workspace: &workspace,
        journal: &journal,
        app,
        campaign: &campaign,
        options,
    };
    let sender = Sender {
        workspace: &workspace,
        app,
        journal: &journal,
        output: options.output,
    };
    if let Some(open) = open_run(&runs) {
        let lane = Lane::take(&journal, open).await?;
        let run = go_on(&workspace, &journal, open, &lane).await?;
        return sender.deliver(run, lane).await;
    }
    let run = open(&request, &runs).await?;
    let lane = Lane::take(&journal, &run).await?;
    sender.deliver(run, lane).await
}

/// The campaign's runs through this app, the latest first.
async fn earlier(
    workspace: &Workspace,
    journal: &Journal,
    app: &App,
    campaign: &Campaign,
) -> Result<Vec<Run>, Failure> {
    let vendor_app = workspace.vendor_app(app);
    let runs = journal.runs_of(&campaign.name).await?;
    Ok(runs
        .into_iter()
        .filter(|run| run.key.app == vendor_app)
        .collect())
}

fn open_run(runs: &[Run]) -> Option<&Run> {
    runs.iter().find(|run| !run.state().is_finished())
}

/// An open run is gone on with: the same command after a crash sends what is left.
async fn go_on(
    workspace: &Workspace,
    journal: &Journal,
    run: &Run,
    lane: &Lane,
) -> Result<Run, Failure> {
    // Whoever held the lane may have ended it since it was looked for.
    let run = journal.run(run.id).await?;
    let (name, flag) = (run.name(), workspace.flag());
    let command = format!("campanile resume {name}{flag}");
    if run.state().is_finished() {
        return Ok(run);
    }
    if run.is_cancelling() {
        let text = format!("{name} is cancelled, and not settled yet; nothing was sent now");
        let command = format!("campanile cancel {name}{flag}");
        return Err(Failure::new(Exit::Temporary, text).help(format!("settle it with: {command}")));
    }
    if let RunState::Paused { reason } = run.state() {
        return Err(Failure::safety(
            format!("{name} is paused ({reason})"),
            &command,
        ));
    }
    if let Some(since_ms) = idle_since_ms(journal, &run).await? {
        let since = time_text(since_ms).unwrap_or_default();
        return Err(Failure::safety(
            format!("{name} is open, and nothing has happened in it since {since}"),
            &command,
        ));
    }
    if matches!((lane, run.state()), (Lane::Held(_), RunState::Open)) {
        return Ok(run);
    }
    let why = match run.state() {
        RunState::Stopped { reason } => format!("had stopped ({reason})"),
        _ => "was cut off".to_owned(),
    };
    print::say(&format!("going on with {name}, which {why}"));
    journal
        .append_run(run.id, &RunEvent::Resumed, clock::now())
        .await?;
    Ok(journal.run(run.id).await?)
}

/// What opening a run takes.
pub(super) struct Request<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) journal: &'a Journal,
    pub(super) app: &'a App,
    pub(super) campaign: &'a Campaign,
    options: &'a RunOptions,
}

/// Plans everything, asks, and opens the run.
async fn open(request: &Request<'_>, runs: &[Run]) -> Result<Run, Failure> {
    let Request {
        workspace,
        journal,
        app,
        campaign,
        options,
    } = request;
    let now = clock::now();
    let occurrence = Occurrence::at_moment(now, campaign.zone);
    let ordinal = ordinal(runs, &occurrence);
    let (frame, key) = frame(workspace, app, campaign, &occurrence, ordinal);
    let staged = stage(journal, &workspace.repository, campaign, &frame, now).await?;
    let staged = staged.map_err(|complaints| {
        let (shown, more) = complaints.shown();
        Failure::invalid(shown, more)
    })?;
    staged.warnings.iter().for_each(print::diagnostic);
    let allowed = allow(request, &staged, runs, now).await;
    if let Err(refused) = allowed {
        journal.discard(staged.plan).await?;
        return Err(refused);
    }
    let opening = Opening {
        key,
        app: app.role.clone(),
        header: staged.header,
        rate: campaign.rules.rate,
        attempts: campaign.rules.attempts,
        tolerate: campaign.rules.tolerate,
        window: campaign.rules.window,
        pause_after: campaign.rules.pause_after,
        earlier: runs.len(),
        on_unknown: campaign.rules.on_unknown,
        finish_by_ms: finish_by_ms(campaign, &occurrence),
        revision: revision(workspace.repository.root()),
    };
    let id = match journal.open_run(staged.plan, &opening, clock::now()).await {
        Ok(id) => id,
        Err(error) => {
            journal.discard(staged.plan).await?;
            return Err(error.into());
        }
    };
    if options.output == Output::Text {
        print::say(&format!(
            "sending {}: {}",
            opening.key.run_name(),
            plural(opening.header.planned, "call")
        ));
    }
    Ok(journal.run(id).await?)
}

/// After this no delivery of the occurrence is begun. A campaign that is sent by hand only has no such instant: the limit
/// belongs to its schedule.
fn finish_by_ms(campaign: &Campaign, occurrence: &Occurrence) -> Option<i64> {
    let within = campaign.schedule.as_ref()?.finish_within?;
    let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    Some(occurrence.at.timestamp_millis().saturating_add(within_ms))
}

/// What a plan is made for, and what names its occurrence.
pub(super) fn frame(
    workspace: &Workspace,
    app: &App,
    campaign: &Campaign,
    occurrence: &Occurrence,
    ordinal: u32,
) -> (Frame, OccurrenceKey) {
    let key = OccurrenceKey {
        app: workspace.vendor_app(app),
        campaign: campaign.name.clone(),
        local: occurrence.local(),
        fold: occurrence.fold,
        zone: occurrence.zone(),
        ordinal,
    };
    let frame = Frame {
        occurrence: occurrence.clone(),
        digest: key.digest(),
        members_max: campaign.channel().members_max(&app.limits),
    };
    (frame, key)
}

/// A further run at the very same civil time is told from those before by its ordinal.
fn ordinal(runs: &[Run], occurrence: &Occurrence) -> u32 {
    let same = |run: &&Run| (run.key.local, run.key.fold) == (occurrence.local(), occurrence.fold);
    runs.iter()
        .filter(same)
        .map(|run| run.key.ordinal)
        .max()
        .unwrap_or(0)
        + 1
}

/// Everything that must be so before anything is sent.
async fn allow(
    request: &Request<'_>,
    staged: &Staged,
    runs: &[Run],
    now: Moment,
) -> Result<(), Failure> {
    let Request {
        workspace,
        journal,
        app,
        campaign,
        options,
    } = request;
    if staged.header.planned == 0 {
        return Err(Failure::new(
            Exit::Invalid,
            "the audience comes out empty; there is nothing to send",
        ));
    }
    if let Some(same) = same_content(staged, runs, now).filter(|_| !options.again) {
        let when = same
            .last_entry()
            .and_then(|entry| time_text(entry.at.wall_ms))
            .unwrap_or_default();
        let text = format!(
            "the very same was sent as {} (finished {when}); nothing was sent now",
            same.name()
        );
        return Err(Failure::safety(text, &typed_with("--again")));
    }
    if !campaign.enabled && !options.force {
        let text = format!(
            "`{}` is not enabled: somebody took it out of use",
            campaign.name
        );
        return Err(Failure::safety(text, &typed_with("--force")));
    }
    if campaign.channel() == Channel::Broadcast && !options.force {
        let text = "a broadcast reaches everybody in every live room of the app at once".to_owned();
        return Err(Failure::safety(text, &typed_with("--force")));
    }
    if !workspace.is_stand_in(app) && !options.force && journal.is_new().await? {
        let text = format!(
            "this is the first run of the journal `{}` against {}",
            workspace.shown(journal.path()),
            app.endpoint
        );
        return Err(Failure::safety(text, &typed_with("--force")));
    }
    if !options.yes && print::is_interactive() {
        prompt::tell(request, staged, runs);
    }
    print::confirm(options.yes, "Send it?", "nothing was sent")
}

/// A run with equal content that finished lately, unless nothing of it was sent.
fn same_content<'a>(staged: &Staged, runs: &'a [Run], now: Moment) -> Option<&'a Run> {
    let digest = staged.header.digest.to_string();
    let since = now.wall_ms - i64::try_from(SAME_CONTENT.as_millis()).unwrap_or(i64::MAX);
    runs.iter().find(|run| {
        let lately = run
            .last_entry()
            .is_some_and(|entry| entry.at.wall_ms >= since);
        let was_sent =
            run.state().is_finished() && !matches!(run.state(), RunState::Skipped { .. });
        run.digest == digest && was_sent && lately
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Texts;
    use crate::settings::Settings;
    use crate::source::Source;

    fn campaign(schedule: &str, defaults: &str) -> Campaign {
        let settings =
            format!("apps: {{ main: {{ sdk_app_id: 1, region: singapore }} }}\n{defaults}");
        let settings = Settings::read(&Source::new("campanile.yaml", settings), &[]).unwrap();
        let text = format!(
            "name: news\n{schedule}audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ text: \"x\" }} }}\n"
        );
        Campaign::read(&Source::new("news.yaml", text), &settings, &Texts::new()).unwrap()
    }

    #[test]
    fn a_run_ends_so_long_after_its_occurrence_as_its_schedule_says() {
        const HOUR_MS: i64 = 3_600_000;
        let now = Moment {
            wall_ms: 1_800_000_000_900,
            boot_ns: 0,
            boot_id: 0,
        };
        let occurrence = Occurrence::at_moment(now, chrono_tz::Asia::Shanghai);
        let by = |schedule: &str, defaults: &str| {
            finish_by_ms(&campaign(schedule, defaults), &occurrence)
        };
        let defaults = "defaults: { schedule: { finish_within: 3h } }\n";
        let daily = "schedule: { cron: \"0 9 * * *\" }\n";
        let limited = "schedule: { cron: \"0 9 * * *\", finish_within: 6h }\n";
        assert_eq!(by("", ""), None);
        assert_eq!(by(daily, ""), None);
        assert_eq!(by(limited, ""), Some(1_800_000_000_000 + 6 * HOUR_MS));
        assert_eq!(by(limited, defaults), by(limited, ""));
        assert_eq!(by(daily, defaults), Some(1_800_000_000_000 + 3 * HOUR_MS));
        assert_eq!(by("", defaults), None, "it has no schedule");
    }
}
