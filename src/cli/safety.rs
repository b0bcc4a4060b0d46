//! Everything that must be so before anything is sent.

use super::exit::Exit;
use super::failure::Failure;
use super::opening::Request;
use super::print;
use super::prompt;
use super::workspace::typed_with;
use crate::channel::Channel;
use crate::delivery::RunState;
use crate::identity::OccurrenceKey;
use crate::journal::Run;
use crate::plan::Header;
use crate::report::time_text;
use crate::source::length_text;
use std::time::Duration;

/// The same content is not sent twice within this time by mistake.
const SAME_CONTENT: Duration = Duration::from_hours(24);

/// Why it is not sent unless somebody says so, and the flag that says so.
#[derive(Debug)]
pub(super) struct Objection {
    pub(super) why: String,
    pub(super) flag: &'static str,
}

impl Request<'_> {
    /// Goes on only with everything that needs to be said, and with somebody's yes.
    pub(super) async fn allow(&self, header: &Header, key: &OccurrenceKey) -> Result<(), Failure> {
        check_not_empty(header)?;
        let objections = self.objections(header, key).await?;
        if !objections.is_empty() {
            let is_asked = self.options.yes || print::is_interactive();
            return Err(refusal(&objections, !is_asked));
        }
        if !self.options.yes && print::is_interactive() {
            let lines = prompt::facts(self, header, key, print::width());
            for line in &lines {
                print::say(line);
            }
        }
        print::confirm(self.options.yes, "Send it?", "nothing was sent")
    }

    /// All at once: whoever overrides one must not override others unseen.
    pub(super) async fn objections(
        &self,
        header: &Header,
        key: &OccurrenceKey,
    ) -> Result<Vec<Objection>, Failure> {
        let options = self.options;
        let (again, early) = (options.again, options.early);
        let repeated = self.repeated(header).filter(|_| !again);
        let ahead = self.ahead().filter(|_| !early).map(|ahead| {
            let ahead = length_text(ahead);
            format!("{} is still {ahead} ahead", key.run_name())
        });
        let mut objections = Vec::new();
        let mut object = |why: Option<String>, flag| {
            objections.extend(why.map(|why| Objection { why, flag }));
        };
        object(repeated, "--again");
        object(ahead, "--early");
        if !options.force {
            object(self.beside(), "--force");
            object(self.disabled(), "--force");
            object(self.everybody(), "--force");
            object(self.first_of_journal().await?, "--force");
        }
        Ok(objections)
    }

    fn repeated(&self, header: &Header) -> Option<String> {
        // An occurrence that is named is told from others by its time.
        if self.options.occurrence.is_some() {
            return None;
        }
        let same = same_content(header, &self.runs, self.now.wall_ms)?;
        let when = same.last_entry()?.at.wall_ms;
        let when = time_text(when).unwrap_or_default();
        Some(format!(
            "the very same was sent as {} (finished {when}); nothing was sent now",
            same.name()
        ))
    }

    fn beside(&self) -> Option<String> {
        let open = self.open_beside()?;
        let (name, flag) = (open.name(), self.workspace.flag());
        Some(format!(
            "{name} is {} and not at its end (`campanile resume {name}{flag}` goes on with it, `cancel` ends it)",
            open.state().name()
        ))
    }

    fn disabled(&self) -> Option<String> {
        let name = &self.campaign.name;
        let is_disabled = !self.campaign.enabled;
        is_disabled.then(|| format!("`{name}` is not enabled: somebody took it out of use"))
    }

    fn everybody(&self) -> Option<String> {
        let is_broadcast = self.campaign.channel() == Channel::Broadcast;
        let text = "a broadcast reaches everybody in every live room of the app at once";
        is_broadcast.then(|| text.to_owned())
    }

    async fn first_of_journal(&self) -> Result<Option<String>, Failure> {
        let is_new = match self.journal {
            Some(journal) => {
                let app = self.workspace.vendor_app(self.app);
                journal.is_new_to(&app).await?
            }
            None => true,
        };
        if !is_new || self.workspace.is_stand_in(self.app) {
            return Ok(None);
        }
        let journal = self.workspace.journal_path()?;
        Ok(Some(format!(
            "this is the first run of the journal `{}` through the app `{}` (SDKAppID {}) at {}",
            self.workspace.shown(&journal),
            self.app.role,
            self.app.sdk_app_id,
            self.app.endpoint
        )))
    }
}

pub(super) fn check_not_empty(header: &Header) -> Result<(), Failure> {
    if header.planned > 0 {
        return Ok(());
    }
    let text = "the audience comes out empty; there is nothing to send";
    Err(Failure::new(Exit::Invalid, text))
}

/// `with_yes`: nobody is there to be asked afterwards.
pub(super) fn refusal(objections: &[Objection], with_yes: bool) -> Failure {
    let whys: Vec<&str> = objections.iter().map(|each| each.why.as_str()).collect();
    let mut flags: Vec<&str> = objections.iter().map(|each| each.flag).collect();
    flags.extend(with_yes.then_some("--yes"));
    flags.dedup();
    Failure::safety(whys.join("\n  also: "), &typed_with(&flags.join(" ")))
}

/// A run with equal content that finished lately, unless nothing of it was sent.
fn same_content<'a>(header: &Header, runs: &'a [Run], now_ms: i64) -> Option<&'a Run> {
    let digest = header.digest.to_string();
    let since = now_ms - i64::try_from(SAME_CONTENT.as_millis()).unwrap_or(i64::MAX);
    runs.iter().find(|run| {
        let lately = run
            .last_entry()
            .is_some_and(|entry| entry.at.wall_ms >= since);
        let was_sent = run.state().is_finished() && !matches!(run.state(), RunState::Skipped);
        run.digest == digest && was_sent && lately
    })
}
