//! `test`: one rendering to a group of one's own.

use super::arguments::Common;
use super::check::nobody;
use super::exit::Exit;
use super::failure::Failure;
use super::occurrences;
use super::opening::{frame, ordinal};
use super::print;
use super::senders::Test;
use super::sending::{Lane, Sender};
use super::workspace::{Workspace, typed_with};
use crate::audience::{Reach, Target};
use crate::campaign::Campaign;
use crate::channel::Channel;
use crate::clock;
use crate::executor::{Draft, Met, Staged, stage_test};
use crate::files::revision;
use crate::identity::{GroupId, Moment, OccurrenceKey};
use crate::journal::{Journal, Opening, Run};
use crate::plan::{Frame, always};
use crate::schedule::Occurrence;
use crate::settings::{App, Share};
use crate::source::{list_of, nearest};

pub(super) async fn test(common: &Common, options: &Test) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let campaign = workspace.campaign(&options.campaign)?;
    campaign.warnings.iter().for_each(print::diagnostic);
    let app = workspace
        .settings
        .app(campaign.app.as_ref())
        .map_err(|found| Failure::invalid(vec![found], 0))?;
    if campaign.channel() == Channel::Broadcast {
        let text = "a broadcast reaches every live room at once; it cannot be sent to one group";
        let help = "see what it says with `campanile preview`, or rehearse it with `run --sandbox`";
        return Err(Failure::new(Exit::Usage, text).help(help));
    }
    let to = own_group(app, options)?;
    workspace.check_access(app)?;
    let now = clock::now();
    let named = options.occurrence.as_deref();
    let (occurrence, _) = occurrences::meant(&campaign, named, now)?;
    let trial = Trial {
        workspace: &workspace,
        app,
        campaign: &campaign,
        options,
        to,
        occurrence,
        now,
    };
    let target = trial.target()?;
    let journal = workspace.journal().await?;
    let run = trial.open(&journal, &target).await?;
    let sender = Sender {
        workspace: &workspace,
        app,
        journal: &journal,
        output: options.output,
    };
    let lane = Lane::take(&journal, &run).await?;
    sender.deliver(run, lane).await
}

/// Only a group that the settings name as one's own ever gets a test.
fn own_group(app: &App, options: &Test) -> Result<GroupId, Failure> {
    let groups = &app.test_groups;
    let Some(first) = groups.first() else {
        let text = format!("the app `{}` has no `test_groups`", app.role);
        let help =
            "add groups of your own to the app in the settings: `test_groups: [\"@TGS#MYTEST\"]`";
        return Err(Failure::new(Exit::Invalid, text).help(help));
    };
    let Some(wanted) = &options.to else {
        return Ok(first.clone());
    };
    if let Some(group) = groups.iter().find(|group| group.as_str() == wanted) {
        return Ok(group.clone());
    }
    let text = format!(
        "`{wanted}` is none of the `test_groups` of the app `{}`",
        app.role
    );
    let names: Vec<String> = groups.iter().map(ToString::to_string).collect();
    let failure = Failure::new(Exit::Usage, text);
    Err(match nearest(wanted, &names) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help(format!("there are {}", list_of(&names))),
    })
}

struct Trial<'a> {
    workspace: &'a Workspace,
    app: &'a App,
    campaign: &'a Campaign,
    options: &'a Test,
    to: GroupId,
    occurrence: Occurrence,
    now: Moment,
}

/// What was met among the targets.
#[derive(Default)]
struct Seen {
    /// The one that is wanted, and whether anything is sent to it.
    found: Option<(Target, bool)>,
    /// The group of the test is one of them.
    has_own: bool,
    /// Names like that of the wanted one.
    alike: Vec<String>,
}

impl Trial<'_> {
    /// Whose message is rendered. All are looked at: what is wrong with one of them is worth knowing before the run.
    fn target(&self) -> Result<Target, Failure> {
        let wanted = self.options.like.as_deref();
        let wanted = wanted.map(GroupId::try_from).transpose();
        let wanted = wanted.map_err(|why| Failure::new(Exit::Usage, format!("--as: {why}")))?;
        let frame = self.frame(1).0;
        let ready = self.campaign.ready();
        let repository = &self.workspace.repository;
        let mut draft = Draft::new(
            repository,
            self.campaign,
            &ready,
            (&frame, &always),
            self.now,
        );
        let mut seen = Seen::default();
        while let Some(met) = draft.next_met() {
            self.see(&mut seen, met, wanted.as_ref());
        }
        let left_out = wanted.as_ref().and_then(|group| draft.left_out(group));
        let (header, complaints) = draft.finish();
        if complaints.has_errors() {
            let (shown, more) = complaints.shown();
            return Err(Failure::invalid(shown, more));
        }
        let warnings = complaints.shown().0;
        let empty = (header.planned == 0).then(|| nobody(self.campaign));
        warnings.iter().chain(&empty).for_each(print::diagnostic);
        if seen.has_own && !self.options.force {
            let text = format!(
                "`{}` is a target of the campaign itself, and will get it again",
                self.to
            );
            return Err(Failure::safety(text, &typed_with("--force")));
        }
        match (seen.found, wanted) {
            (Some((target, true)), _) => Ok(target),
            (Some((target, false)), _) => {
                Err(gets_nothing(&target.group, "none of its members is left"))
            }
            (None, None) => Err(Failure::new(
                Exit::Invalid,
                "nobody would get anything; there is nothing to test",
            )),
            (None, Some(group)) => Err(match left_out {
                Some(why) => gets_nothing(&group, why.words()),
                None => not_named(&group, &seen.alike),
            }),
        }
    }

    fn see(&self, seen: &mut Seen, met: Met, wanted: Option<&GroupId>) {
        let Some(target) = met.target else { return };
        seen.has_own |= target.group == self.to;
        let is_sent = met.deliveries.iter().any(|each| each.skip.is_none());
        let is_wanted = match wanted {
            Some(wanted) => target.group == *wanted,
            None => is_sent && seen.found.is_none(),
        };
        if let Some(wanted) = wanted.filter(|_| !is_wanted) {
            let names = [target.group.to_string()];
            let alike = nearest(wanted.as_str(), &names);
            seen.alike.extend(alike.map(str::to_owned));
        }
        if is_wanted {
            seen.found = Some((target, is_sent));
        }
    }

    fn frame(&self, ordinal: u32) -> (Frame, OccurrenceKey) {
        let (frame, key) = frame(
            self.workspace,
            self.app,
            self.campaign,
            &self.occurrence,
            ordinal,
        );
        let key = OccurrenceKey { test: true, ..key };
        let digest = key.digest();
        (Frame { digest, ..frame }, key)
    }

    async fn open(&self, journal: &Journal, target: &Target) -> Result<Run, Failure> {
        let runs = journal.runs_of(&self.campaign.name).await?;
        let tests = runs.iter().filter(|run| run.key.test);
        let (frame, key) = self.frame(ordinal(tests, &self.occurrence) + 1);
        let whom = (target, &self.to);
        let staged = stage_test(journal, self.campaign, &frame, whom, self.now).await?;
        let staged = staged.map_err(|complaints| {
            let (shown, more) = complaints.shown();
            Failure::invalid(shown, more)
        })?;
        self.tell(&key, target);
        let opening = self.opening(key, &staged);
        let opened = journal.open_run(staged.plan, &opening, clock::now()).await;
        if opened.is_err() {
            journal.discard(staged.plan).await?;
        }
        Ok(journal.run(opened?).await?)
    }

    /// A single call that is wanted now.
    fn opening(&self, key: OccurrenceKey, staged: &Staged) -> Opening {
        let rules = &self.campaign.rules;
        Opening {
            key,
            app: self.app.role.clone(),
            header: staged.header.clone(),
            rate: None,
            attempts: rules.attempts,
            tolerate: Share::default(),
            window: None,
            pause_after: None,
            stop_after: None,
            earlier: None,
            on_unknown: rules.on_unknown,
            finish_by_ms: None,
            start_within: None,
            revision: revision(&self.workspace.repository, self.campaign.read_files()),
            is_scheduled: false,
        }
    }

    fn tell(&self, key: &OccurrenceKey, target: &Target) {
        let (name, to) = (key.run_name(), &self.to);
        let group = &target.group;
        print::say(&format!(
            "testing {name}: to `{to}`, as `{group}` would get it"
        ));
        if let Reach::Members(members) = &target.reach {
            let first = members
                .first()
                .map(|member| format!(" (`{}` comes first)", member.id));
            print::say(&format!(
                "it names members of `{group}`{}; `{to}` gets it as a whole",
                first.unwrap_or_default()
            ));
        }
    }
}

fn gets_nothing(group: &GroupId, why: &str) -> Failure {
    Failure::new(Exit::Error, format!("`{group}` gets nothing: {why}"))
}

fn not_named(group: &GroupId, alike: &[String]) -> Failure {
    let text = format!("the audience does not name the group `{group}`");
    let failure = Failure::new(Exit::Error, text);
    match nearest(group.as_str(), alike) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure,
    }
}
