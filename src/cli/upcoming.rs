//! What `status` tells of the daemon: what waits for a person, what comes next, what was not sent, what is wrong.

use super::accept::change_json;
use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::files::revision;
use crate::identity::civil_text;
use crate::journal::{ActiveProblem, Journal, PausedCampaign, Problem, UnsentOccurrence};
use crate::report::time_text;
use crate::scheduler::Disposition;
use crate::settings::SettingChange;
use crate::source::{plural, unbroken};
use serde::Serialize;
use serde_json::Value;

/// So many are told of what comes next.
const SHOWN: usize = 5;

/// Fields are only ever added.
#[derive(Debug, Default, Serialize)]
pub(super) struct Upcoming {
    /// Who serves the journal.
    daemon: Option<String>,
    /// Occurrences that wait: held ones for a person, queued ones for an earlier run.
    waiting: Vec<Occasion>,
    next: Vec<Next>,
    /// Occurrences that were not sent, the latest first.
    passed: Vec<Occasion>,
    paused_campaigns: Vec<Paused>,
    /// The commit that is checked out, if it is one.
    commit: Option<String>,
    /// Operator's settings of that commit that are not in use.
    settings_pending: Option<Pending>,
    /// What is not as it should be: files, lanes, settings, the repository.
    notices: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Pending {
    digest: String,
    changes: Vec<Value>,
    /// What accepts them.
    accept: String,
    #[serde(skip)]
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Occasion {
    run: String,
    state: &'static str,
    reason: String,
    due_at: Option<String>,
    /// What lets it go on.
    go_on: Option<String>,
    reason_code: String,
}

#[derive(Debug, Serialize)]
struct Next {
    run: String,
    due_at: Option<String>,
    /// It will be skipped, unless its campaign is resumed before.
    paused: bool,
}

#[derive(Debug, Serialize)]
struct Paused {
    campaign: String,
    reason: String,
    since: Option<String>,
    go_on: String,
    reason_code: &'static str,
}

#[derive(Debug, Serialize)]
struct Told {
    kind: &'static str,
    subject: String,
    text: String,
    since: Option<String>,
    /// The same for people, in a line.
    #[serde(skip)]
    line: String,
}

impl Upcoming {
    pub(super) async fn read(
        workspace: &Workspace,
        journal: &Journal,
        limit: u32,
    ) -> Result<Upcoming, Failure> {
        let flag = workspace.flag();
        let daemon = journal.daemon();
        let waiting = journal.waiting().await?;
        let passed = journal.unsent(limit).await?;
        // What nobody keeps up to date is not true any more.
        let notices = if daemon.is_some() {
            journal.problems().await?
        } else {
            Vec::new()
        };
        let campaigns = journal.paused_campaigns().await?;
        Ok(Upcoming {
            next: next(journal, &campaigns).await?,
            commit: revision(
                &workspace.repository,
                [workspace.settings.campaigns.as_str()],
            ),
            settings_pending: workspace.settings.pending.as_ref().map(|pending| Pending {
                digest: pending.digest(),
                changes: pending.changes.iter().map(change_json).collect(),
                accept: pending.command(&flag),
                lines: pending.changes.iter().map(SettingChange::text).collect(),
            }),
            daemon,
            waiting: waiting.iter().map(|each| occasion(each, &flag)).collect(),
            passed: passed.iter().map(|each| occasion(each, &flag)).collect(),
            paused_campaigns: campaigns
                .into_iter()
                .map(|each| Paused::of(each, &flag))
                .collect(),
            notices: notices.into_iter().map(Told::of).collect(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.daemon.is_none()
            && self.settings_pending.is_none()
            && self.waiting.is_empty()
            && self.next.is_empty()
            && self.passed.is_empty()
            && self.paused_campaigns.is_empty()
    }

    /// What a person has to see to.
    pub(super) fn tell_needs(&self) -> Result<(), Failure> {
        let (held, queued): (Vec<&Occasion>, Vec<&Occasion>) =
            self.waiting.iter().partition(|each| each.go_on.is_some());
        if !held.is_empty() {
            let verb = if held.len() == 1 { "needs" } else { "need" };
            let held = plural(held.len() as u64, "occurrence");
            print::told(&format!("{held} {verb} a person:"))?;
        }
        held.into_iter()
            .chain(queued)
            .try_for_each(Occasion::tell)?;
        if !self.notices.is_empty() {
            print::told("not as it should be:")?;
        }
        self.notices.iter().try_for_each(Told::tell)?;
        if let Some(pending) = &self.settings_pending {
            pending.tell(self.commit.as_deref())?;
        }
        self.paused_campaigns.iter().try_for_each(Paused::tell)
    }

    pub(super) fn tell_times(&self) -> Result<(), Failure> {
        if !self.passed.is_empty() {
            print::result("not sent lately:")?;
        }
        for each in &self.passed {
            let Occasion {
                run, state, reason, ..
            } = each;
            print::told_below(&format!("  {state:<8} {run}: {reason}"), Some(4))?;
        }
        if let (Some(_), Some(commit)) = (&self.daemon, &self.commit) {
            print::result(&format!("the files are those of the commit {commit}"))?;
        }
        match (&self.daemon, self.next.is_empty()) {
            (Some(daemon), false) => print::result(&format!("next, sent by {daemon}:"))?,
            (Some(daemon), true) => print::result(&format!("{daemon} serves; nothing is to come"))?,
            (None, false) => print::result("next, once a daemon is running (`campanile serve`):")?,
            (None, true) => true,
        };
        for each in &self.next {
            let at = each.due_at.as_deref().unwrap_or("-");
            let paused = if each.paused {
                ", unless its campaign stays paused"
            } else {
                ""
            };
            print::told(&format!("  {at}  {}{paused}", each.run))?;
        }
        Ok(())
    }
}

async fn next(journal: &Journal, paused: &[PausedCampaign]) -> Result<Vec<Next>, Failure> {
    let cursors = journal.schedule_cursors().await?.into_values();
    let mut next: Vec<(i64, String, bool)> = cursors
        .filter_map(|cursor| {
            let (civil, at_ms) = cursor.next?;
            let (campaign, local) = (cursor.key.campaign, civil_text(civil.local));
            let is_paused = paused.iter().any(|each| each.campaign == campaign.as_str());
            Some((at_ms, format!("{campaign}@{local}"), is_paused))
        })
        .collect();
    next.sort();
    next.truncate(SHOWN);
    let next = next.into_iter().map(|(at_ms, run, paused)| Next {
        run,
        due_at: time_text(at_ms),
        paused,
    });
    Ok(next.collect())
}

fn occasion(unsent: &UnsentOccurrence, flag: &str) -> Occasion {
    let run = unsent.key.run_name().to_string();
    let is_held = unsent.disposition == Disposition::Held;
    Occasion {
        state: unsent.disposition.name(),
        reason: unsent.grounds.to_string(),
        reason_code: unsent.grounds.reason.code(),
        due_at: time_text(unsent.at_ms),
        go_on: is_held.then(|| {
            let option = unsent.grounds.reason.release_option();
            format!("campanile release {run}{option}{flag}")
        }),
        run,
    }
}

impl Pending {
    fn tell(&self, commit: Option<&str>) -> Result<(), Failure> {
        let commit = commit.map_or(String::new(), |commit| format!(" of the commit {commit}"));
        print::told(&format!(
            "settings{commit} are not used until they are accepted:"
        ))?;
        for line in &self.lines {
            print::told(&format!("  {line}"))?;
        }
        print::told(&format!("    accept them with: {}", unbroken(&self.accept)))?;
        Ok(())
    }
}

impl Occasion {
    fn tell(&self) -> Result<(), Failure> {
        let Occasion {
            run, state, reason, ..
        } = self;
        print::told(&format!("  {run} is {state}: {reason}"))?;
        if let Some(command) = &self.go_on {
            print::told(&format!("    let it go with: {}", unbroken(command)))?;
        }
        Ok(())
    }
}

impl Paused {
    fn tell(&self) -> Result<(), Failure> {
        let Paused {
            campaign,
            reason,
            go_on,
            ..
        } = self;
        print::told(&format!("the schedule of {campaign} is paused ({reason})"))?;
        print::told(&format!("    go on with: {}", unbroken(go_on)))?;
        Ok(())
    }

    fn of(paused: PausedCampaign, flag: &str) -> Paused {
        let PausedCampaign {
            campaign,
            by,
            since_ms,
        } = paused;
        Paused {
            go_on: format!("campanile resume {campaign}{flag}"),
            campaign,
            reason: by.to_string(),
            reason_code: by.code(),
            since: time_text(since_ms),
        }
    }
}

impl Told {
    fn of(active: ActiveProblem) -> Told {
        let ActiveProblem {
            problem,
            text,
            since_ms,
        } = active;
        let since = time_text(since_ms);
        Told {
            line: format!(
                "{} (since {})",
                words(&problem, &text),
                since.as_deref().unwrap_or("-")
            ),
            kind: problem.code(),
            subject: problem.subject().to_owned(),
            text,
            since,
        }
    }

    fn tell(&self) -> Result<(), Failure> {
        print::told(&format!("  {}", self.line))?;
        Ok(())
    }
}

/// Words a problem for people. The text about a file names the file.
fn words(problem: &Problem, text: &str) -> String {
    match problem {
        Problem::StaleFile { .. } => format!("invalid, and as it was before: {text}"),
        Problem::InvalidFile { .. } => format!("invalid: {text}"),
        Problem::Folder { path } => format!("invalid: {path}: {text}"),
        Problem::StillChanging => format!("files: {text}"),
        Problem::MassRemoval => format!("campaigns: {text}"),
        Problem::Unplanned { campaign } => format!("cannot be planned: {campaign}: {text}"),
        Problem::Settings => format!("settings: {text}"),
        Problem::Lane { lane } => format!("not sent on here: the lane {lane}: {text}"),
        Problem::Journal => text.to_owned(),
        Problem::Clock { app } => format!("{app}: {text}"),
        Problem::Repository { repository } => format!("out of reach: {repository}: {text}"),
        Problem::Commit { repository } => format!("as it was before: {repository}: {text}"),
    }
}
