//! `preview`: what people will read, before anybody does.

use super::arguments::{Common, Preview, PreviewOutput};
use super::check::nobody;
use super::exit::Exit;
use super::failure::Failure;
use super::occurrences;
use super::opening::frame;
use super::print;
use super::workspace::Workspace;
use crate::campaign::Campaign;
use crate::clock;
use crate::executor::{Draft, Met};
use crate::identity::{GroupId, Moment};
use crate::plan::always;
use crate::report::{Gathering, Outline, Record, Sample, TextForm, Totals, html, markdown};
use crate::source::plural;
use indicatif::{ProgressBar, ProgressDrawTarget};
use std::time::Duration;

/// Targets that are rendered before the first is shown: a slip in a template is met by the first of them.
const BEFORE_FIRST: u64 = 1_000;
/// How often a terminal is drawn to.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

pub(super) fn preview(common: &Common, options: &Preview) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, false).map_err(Failure::of_reading)?;
    let campaign = workspace.campaign(&options.campaign);
    let campaign = campaign.map_err(Failure::of_reading)?;
    let now = options.now.map_or_else(clock::now, |now| Moment {
        wall_ms: now.timestamp_millis(),
        ..clock::now()
    });
    let only = wanted_group(&campaign, options)?;
    let named = options.occurrence.as_deref();
    let (occurrence, note) = occurrences::meant(&campaign, named, now)?;
    let app = workspace.settings.app(campaign.app.as_ref());
    let app = app.map_err(|found| Failure::invalid(vec![found], 0).of_reading())?;
    let (frame, _) = frame(&workspace, app, &campaign, &occurrence, 1);
    let ready = campaign.ready();
    let look = Look {
        outline: Outline::of(&campaign, app, &occurrence, note),
        draft: Draft::new(
            &workspace.repository,
            &campaign,
            &ready,
            (&frame, &always),
            now,
        ),
        gathering: Gathering::new(
            campaign.channel(),
            frame.digest,
            campaign.cases(),
            options.limit.into(),
            only,
        ),
        options,
    };
    if options.output == PreviewOutput::Text {
        campaign.warnings.iter().for_each(print::diagnostic);
    }
    look.over(&campaign)
}

fn wanted_group(campaign: &Campaign, options: &Preview) -> Result<Option<GroupId>, Failure> {
    let Some(text) = &options.group else {
        return Ok(None);
    };
    if campaign.audience.is_none() {
        let why = "a broadcast goes to every live room at once, and to no group";
        return Err(Failure::new(Exit::Usage, why).help("leave --group out"));
    }
    let group = GroupId::try_from(text.as_str());
    let group = group.map_err(|why| Failure::new(Exit::Usage, format!("--group: {why}")))?;
    Ok(Some(group))
}

/// One look at a campaign: its targets are met one after the other.
struct Look<'a> {
    outline: Outline,
    draft: Draft<'a>,
    gathering: Gathering,
    options: &'a Preview,
}

impl Look<'_> {
    fn over(mut self, campaign: &Campaign) -> Result<Exit, Failure> {
        let output = self.options.output;
        let is_text = output == PreviewOutput::Text;
        // In a terminal they are printed as they are met, else all at the end.
        let mut waiting: Vec<Sample> = Vec::new();
        let (mut met, mut is_begun) = (0, false);
        let progress = Counted::start();
        while let Some(next) = self.draft.next_met() {
            met += 1;
            waiting.extend(self.meet(&next));
            progress.count(met, is_begun);
            let is_time = met >= BEFORE_FIRST && !waiting.is_empty();
            if is_text && is_time && !self.draft.has_errors() {
                let told = progress.aside(|| self.tell(&mut is_begun, &mut waiting));
                if !told? {
                    return Ok(Exit::Success);
                }
            }
        }
        progress.clear();
        self.check_found()?;
        let (header, complaints) = self.draft.finish();
        let has_errors = complaints.has_errors();
        let (found, more) = complaints.shown();
        if has_errors {
            let warnings = campaign.warnings.iter().filter(|_| !is_text).cloned();
            return Err(Failure::invalid(warnings.chain(found).collect(), more).of_reading());
        }
        if is_text {
            found.iter().for_each(print::diagnostic);
        }
        if output != PreviewOutput::Json {
            waiting.extend(self.gathering.unshown());
        }
        let empty = (header.planned == 0).then(|| nobody(campaign));
        let warnings = campaign.warnings.iter().cloned().chain(found).chain(empty);
        let warnings = warnings.collect();
        let totals = Totals::of(&self.outline, &header, self.gathering, warnings);
        let whole = Whole {
            outline: self.outline,
            totals,
        };
        whole.tell(output, is_begun, &waiting)?;
        Ok(Exit::Success)
    }

    fn meet(&mut self, met: &Met) -> Vec<Sample> {
        let Met { target, deliveries } = met;
        let (gathering, draft) = (&mut self.gathering, &self.draft);
        gathering.meet(target.as_ref(), deliveries, |member| {
            draft.cases(target.as_ref(), member)
        })
    }

    /// `false`: nobody reads any more.
    fn tell(&self, is_begun: &mut bool, waiting: &mut Vec<Sample>) -> Result<bool, Failure> {
        let form = form();
        let mut lines = Vec::new();
        if !std::mem::replace(is_begun, true) {
            lines.extend(form.head(&self.outline));
        }
        for sample in waiting.drain(..) {
            lines.extend(form.sample(&self.outline, &sample));
        }
        Ok(print::styled(&lines.join("\n"))?)
    }

    /// A group that was asked for must be a target.
    fn check_found(&mut self) -> Result<(), Failure> {
        let Some(group) = self.options.group.as_deref() else {
            return Ok(());
        };
        if self.draft.has_errors() || !self.gathering.is_missing() {
            return Ok(());
        }
        let named = GroupId::try_from(group).ok();
        let why = named.and_then(|group| self.draft.left_out(&group));
        if let Some(why) = why {
            let text = format!("`{group}` gets nothing: {}", why.words());
            return Err(Failure::new(Exit::Error, text).of_reading());
        }
        let text = format!("the audience does not name the group `{group}`");
        let failure = Failure::new(Exit::Error, text).of_reading();
        Err(match self.gathering.meant() {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None => failure,
        })
    }
}

/// A preview that has met everybody.
struct Whole {
    outline: Outline,
    totals: Totals,
}

impl Whole {
    fn tell(
        &self,
        output: PreviewOutput,
        is_begun: bool,
        samples: &[Sample],
    ) -> Result<(), Failure> {
        let page = match output {
            PreviewOutput::Text => return self.text(is_begun, samples),
            PreviewOutput::Json => return self.json(samples),
            PreviewOutput::Markdown => markdown(&self.outline, samples, &self.totals),
            PreviewOutput::Html => html(&self.outline, samples, &self.totals),
        };
        print::result(page.trim_end())?;
        Ok(())
    }

    fn text(&self, is_begun: bool, samples: &[Sample]) -> Result<(), Failure> {
        let form = form();
        let mut lines = Vec::new();
        if !is_begun {
            lines.extend(form.head(&self.outline));
        }
        for sample in samples {
            lines.extend(form.sample(&self.outline, sample));
        }
        lines.extend(form.totals(&self.outline, &self.totals));
        print::styled(&lines.join("\n"))?;
        Ok(())
    }

    fn json(&self, samples: &[Sample]) -> Result<(), Failure> {
        let record = Record::new(&self.outline, samples, &self.totals);
        let text = serde_json::to_string(&record).map_err(anyhow::Error::new)?;
        print::result(&text)?;
        Ok(())
    }
}

fn form() -> TextForm {
    TextForm {
        width: print::result_width(),
        colour: print::is_result_coloured(),
    }
}

/// How many have been met, on a terminal.
struct Counted(Option<ProgressBar>);

impl Counted {
    fn start() -> Counted {
        if !print::is_drawn_on() {
            return Counted(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.enable_steady_tick(DRAWN_EVERY);
        Counted(Some(bar))
    }

    fn count(&self, met: u64, is_begun: bool) {
        const EVERY: u64 = 1_000;
        let Some(bar) = &self.0 else { return };
        if met.is_multiple_of(EVERY) {
            let what = if is_begun { "counting" } else { "rendering" };
            bar.set_message(format!("{what}: {}", plural(met, "target")));
        }
    }

    /// Something is printed meanwhile.
    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
