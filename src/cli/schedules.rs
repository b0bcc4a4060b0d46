//! Schedules that are paused and resumed.

use super::campaigns::is_path;
use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::clock;
use crate::identity::CampaignName;
use crate::journal::Journal;
use crate::scheduler::PausedBy;
use crate::source::{plural, unbroken};

impl Workspace {
    /// The campaign that somebody names where all of it is meant, if it has a schedule: as its file says, or as the daemon
    /// knew it.
    pub(super) async fn scheduled(
        &self,
        journal: &Journal,
        wanted: &str,
    ) -> Result<Option<CampaignName>, Failure> {
        if wanted.contains('@') {
            return Ok(None);
        }
        let campaign = self.campaign(wanted).ok();
        let name = campaign.as_ref().map(|campaign| campaign.name.clone());
        let is_scheduled = campaign.is_some_and(|campaign| campaign.schedule.is_some());
        let typed = || CampaignName::try_from(wanted).ok();
        let name = name.or_else(|| typed().filter(|_| !is_path(wanted)));
        let cursors = journal.schedule_cursors().await?;
        let has_cursor = |name: &CampaignName| cursors.keys().any(|key| key.campaign == *name);
        Ok(name.filter(|name| is_scheduled || has_cursor(name)))
    }

    /// No occurrence of it starts any more.
    pub(super) async fn pause_schedule(
        &self,
        journal: &Journal,
        campaign: &str,
    ) -> Result<(), Failure> {
        let is_news = journal
            .pause_campaign(campaign, PausedBy::Operator, clock::now())
            .await?;
        let already = if is_news { "" } else { " already" };
        print::say(&format!(
            "the schedule of {campaign} is paused{already}: its occurrences are skipped until it is resumed"
        ));
        let command = unbroken(&format!("campanile resume {campaign}{}", self.flag()));
        print::help(&format!("let it go on with: {command}"));
        Ok(())
    }
}

/// Its occurrences start again; those in between do not. Whether it was paused.
pub(super) async fn resume_schedule(journal: &Journal, campaign: &str) -> Result<bool, Failure> {
    let Some(since_ms) = journal.resume_campaign(campaign).await? else {
        return Ok(false);
    };
    let skipped = journal.skipped_since(campaign, since_ms).await?;
    let between = if skipped == 0 {
        "nothing was due meanwhile".to_owned()
    } else {
        format!("{} skipped meanwhile", plural(skipped, "occurrence"))
    };
    print::say(&format!("the schedule of {campaign} goes on; {between}"));
    Ok(true)
}

/// The same of all that are paused.
pub(super) async fn resume_schedules(journal: &Journal) -> Result<(), Failure> {
    let paused = journal.paused_campaigns().await?;
    for each in &paused {
        resume_schedule(journal, &each.campaign).await?;
    }
    if paused.is_empty() {
        print::say("no schedule is paused");
    }
    Ok(())
}
