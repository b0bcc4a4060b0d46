//! What `status` tells of the daemon: what waits for a person, what comes next, what was not sent, what is wrong.

use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::agenda::Verdict;
use crate::files::revision;
use crate::journal::{Journal, Notice, Passed, PausedCampaign};
use crate::report::time_text;
use serde::Serialize;

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
    /// What is not as it should be: files, lanes, settings, the repository.
    notices: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Occasion {
    run: String,
    state: &'static str,
    reason: String,
    due_at: Option<String>,
    /// What lets it go on.
    go_on: Option<String>,
}

#[derive(Debug, Serialize)]
struct Next {
    run: String,
    due_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct Paused {
    campaign: String,
    reason: String,
    since: Option<String>,
    go_on: String,
}

#[derive(Debug, Serialize)]
struct Told {
    kind: String,
    subject: String,
    text: String,
    since: Option<String>,
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
        let passed = journal.passed(limit).await?;
        // What nobody keeps up to date is not true any more.
        let notices = if daemon.is_some() {
            journal.notices().await?
        } else {
            Vec::new()
        };
        let campaigns = journal.paused_campaigns().await?.into_iter();
        Ok(Upcoming {
            next: next(journal).await?,
            commit: revision(workspace.repository.root()),
            daemon,
            waiting: waiting.iter().map(|each| occasion(each, &flag)).collect(),
            passed: passed.iter().map(|each| occasion(each, &flag)).collect(),
            paused_campaigns: campaigns.map(|each| Paused::of(each, &flag)).collect(),
            notices: notices.into_iter().map(Told::of).collect(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.daemon.is_none()
            && self.waiting.is_empty()
            && self.next.is_empty()
            && self.passed.is_empty()
            && self.paused_campaigns.is_empty()
    }

    /// What a person has to see to.
    pub(super) fn tell_needs(&self) -> Result<(), Failure> {
        for each in &self.waiting {
            let Occasion {
                run, state, reason, ..
            } = each;
            print::result(&format!("{run} is {state}: {reason}"))?;
            if let Some(command) = &each.go_on {
                print::result(&format!("    let it go with: {command}"))?;
            }
        }
        for each in &self.notices {
            let Told {
                subject,
                text,
                since,
                ..
            } = each;
            let since = since.as_deref().unwrap_or("-");
            print::result(&format!("{} {subject} since {since}: {text}", each.title()))?;
        }
        for each in &self.paused_campaigns {
            let Paused {
                campaign,
                reason,
                go_on,
                ..
            } = each;
            print::result(&format!("the schedule of {campaign} is paused ({reason})"))?;
            print::result(&format!("    go on with: {go_on}"))?;
        }
        Ok(())
    }

    pub(super) fn tell_times(&self) -> Result<(), Failure> {
        if !self.passed.is_empty() {
            print::result("not sent lately:")?;
        }
        for each in &self.passed {
            let Occasion {
                run, state, reason, ..
            } = each;
            print::result(&format!("  {state:<8} {run}: {reason}"))?;
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
            print::result(&format!("  {at}  {}", each.run))?;
        }
        Ok(())
    }
}

async fn next(journal: &Journal) -> Result<Vec<Next>, Failure> {
    let watched = journal.watched().await?.into_values();
    let mut next: Vec<(i64, String)> = watched
        .filter_map(|watched| {
            let (civil, at_ms) = watched.next?;
            let local = crate::identity::civil_text(civil.local);
            Some((at_ms, format!("{}@{local}", watched.key.campaign)))
        })
        .collect();
    next.sort();
    next.truncate(SHOWN);
    let next = next.into_iter().map(|(at_ms, run)| Next {
        run,
        due_at: time_text(at_ms),
    });
    Ok(next.collect())
}

fn occasion(passed: &Passed, flag: &str) -> Occasion {
    let run = passed.key.run_name().to_string();
    let is_held = passed.verdict == Verdict::Held;
    Occasion {
        state: passed.verdict.name(),
        reason: passed.reason.clone(),
        due_at: time_text(passed.at_ms),
        go_on: is_held.then(|| format!("campanile release {run}{flag}")),
        run,
    }
}

impl Paused {
    fn of(paused: PausedCampaign, flag: &str) -> Paused {
        let PausedCampaign {
            campaign,
            reason,
            since_ms,
        } = paused;
        Paused {
            go_on: format!("campanile resume {campaign}{flag}"),
            campaign,
            reason,
            since: time_text(since_ms),
        }
    }
}

impl Told {
    fn of(notice: Notice) -> Told {
        let Notice {
            kind,
            subject,
            text,
            since_ms,
        } = notice;
        Told {
            kind,
            subject,
            text,
            since: time_text(since_ms),
        }
    }

    /// What is the matter with it.
    fn title(&self) -> &'static str {
        match self.kind.as_str() {
            "stale" => "invalid, and as it was before:",
            "invalid" => "invalid:",
            "unprepared" => "cannot be planned:",
            "lane" => "not sent on here: lane",
            "git" => "out of reach:",
            "commit" => "as it was before:",
            _ => "not as it should be:",
        }
    }
}
