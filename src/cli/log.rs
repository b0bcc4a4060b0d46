//! `log`: what became of every planned call.

use super::absent;
use super::arguments::{Common, Log, LogOutput, StateName};
use super::ending::{facts, go_on};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::channel::{Channel, Outcome, code_name, explain};
use crate::clock;
use crate::delivery::{Counts, RunState, State};
use crate::identity::{DeliveryNumber, Digest};
use crate::journal::{Journal, Record, Run};
use crate::report::{LogLine, RunFacts, counts_text, state_reason, stop_text};
use crate::settings::Hours;
use crate::source::{list_of, nearest, plural, tame};
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Deliveries of one read.
const PAGE: u32 = 1_000;
/// Behind the time, where the state stands.
const BELOW: usize = 26;
/// How often a followed run is looked at.
const FOLLOWED_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn log(common: &Common, options: &Log) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let journal = workspace.journal_to_read().await?;
    let run = if options.test {
        workspace.find_test(&journal, &options.run).await?
    } else {
        workspace.find_run(&journal, &options.run).await?
    };
    let facts = RunFacts {
        waits: waits(&run),
        ..facts(&run)
    };
    let mut sheet = Sheet::new(facts, options);
    let counts = if options.follow {
        follow(&journal, run.clone(), &mut sheet).await?
    } else {
        once(&journal, &run, &mut sheet).await?
    };
    if let (Some(counts), LogOutput::Text) = (counts, options.output) {
        let test = if run.key.test { "a test: " } else { "" };
        print::say(&format!("{test}{}", counts_text(&counts)));
        if let Some(commit) = &run.revision {
            print::say(&format!("planned from the commit {commit}"));
        }
        let run = journal.run(run.id).await?;
        if let RunState::Stopped { reason } = run.state() {
            print::say(&format!("stopped: {}", stop_text(&reason)));
            sheet.tell_mends();
            print::help(&go_on(&workspace, &run));
        } else {
            sheet.tell_mends();
        }
        // Who follows it sees that it goes no further.
        let state = run.state();
        let reason = state_reason(&state).filter(|_| options.follow);
        if let (RunState::Paused { .. }, Some(reason)) = (state, reason) {
            let go_on = go_on(&workspace, &run);
            print::say(&format!("paused ({reason}); {go_on}"));
        }
    }
    sheet.end()?;
    let found = sheet.find(&workspace, &journal, &run).await;
    journal.close().await;
    found.map(|()| Exit::Success)
}

/// What deliveries wait for that have not ended.
fn waits(run: &Run) -> Option<String> {
    let state = run.state();
    match state {
        RunState::Paused { .. } => {
            let reason = state_reason(&state)?;
            Some(format!("the run is paused ({reason})"))
        }
        RunState::Stopped { .. } => Some("the run is stopped".to_owned()),
        RunState::Open => {
            let hours = Hours {
                window: run.window?,
                zone: run.key.zone,
            };
            let is_closed = hours.opens_in(clock::now()).is_some();
            is_closed.then(|| format!("first attempts are made {}", hours.window))
        }
        RunState::Cancelling => Some("the run is being cancelled".to_owned()),
        RunState::Done | RunState::Partial { .. } | RunState::Failed | RunState::Skipped => None,
    }
}

/// Every line as it stands. `None`: nobody reads to the end.
async fn once(
    journal: &Journal,
    run: &Run,
    sheet: &mut Sheet<'_>,
) -> Result<Option<Counts>, Failure> {
    let mut counts = Counts::default();
    let mut after = None;
    loop {
        let page = journal.page(run.id, run.channel, after, PAGE).await?;
        let Some(last) = page.last() else {
            run.check_whole(&counts)?;
            return Ok(Some(counts));
        };
        after = Some(last.number);
        for record in &page {
            counts.add(record.fold()?.state());
            if !sheet.line(record)? {
                return Ok(None);
            }
        }
    }
}

/// Lines as deliveries end, until the run does.
async fn follow(
    journal: &Journal,
    mut run: Run,
    sheet: &mut Sheet<'_>,
) -> Result<Option<Counts>, Failure> {
    // All up to here have ended and are told; beyond it those that are told.
    let mut told_up_to: Option<DeliveryNumber> = None;
    let mut told: BTreeSet<DeliveryNumber> = BTreeSet::new();
    let mut counts = Counts::default();
    loop {
        let is_over = !matches!(run.state(), RunState::Open | RunState::Cancelling);
        let mut after = told_up_to;
        let mut all_ended = true;
        loop {
            let page = journal.page(run.id, run.channel, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.number);
            for record in &page {
                let state = record.fold()?.state();
                let has_ended = !matches!(state, State::Pending | State::InFlight);
                all_ended &= has_ended;
                if has_ended && !told.remove(&record.number) {
                    counts.add(state);
                    if !sheet.line(record)? {
                        return Ok(None);
                    }
                }
                if all_ended {
                    told_up_to = Some(record.number);
                } else if has_ended {
                    told.insert(record.number);
                }
            }
        }
        if is_over {
            counts.pending = run.planned.saturating_sub(counts.planned);
            counts.planned = run.planned;
            return Ok(Some(counts));
        }
        tokio::time::sleep(FOLLOWED_EVERY).await;
        run = journal.run(run.id).await?;
    }
}

/// Where lines go, in one of the formats.
struct Sheet<'a> {
    facts: RunFacts,
    options: &'a Log,
    printed: usize,
    /// States in which the group that was asked for has deliveries, asked for or not.
    met: BTreeSet<State>,
    /// What mends the codes of the lines so far: for each row of the table the first code that was met.
    mends: BTreeMap<u32, (u32, &'static str)>,
}

impl<'a> Sheet<'a> {
    fn new(facts: RunFacts, options: &'a Log) -> Sheet<'a> {
        Sheet {
            facts,
            options,
            printed: 0,
            met: BTreeSet::new(),
            mends: BTreeMap::new(),
        }
    }

    /// Prints one delivery, if it is one that was asked for. `false`: no more is wanted.
    fn line(&mut self, record: &Record) -> Result<bool, Failure> {
        let delivery = record.fold()?;
        let Log {
            state,
            group,
            limit,
            output,
            ..
        } = self.options;
        let is_named = |group: &str| group == record.request.group_name();
        if !group.as_deref().is_none_or(is_named) {
            return Ok(true);
        }
        self.met.insert(delivery.state());
        let is_this = |state: &StateName| state.name() == delivery.state().name();
        if !(state.is_empty() || state.iter().any(is_this)) {
            return Ok(true);
        }
        if limit.is_some_and(|limit| self.printed >= limit) {
            return Ok(false);
        }
        // An answer to a further attempt says nothing of what became of the first: nothing is to be mended by it.
        let is_in_doubt = delivery.state() == State::Unknown;
        let answer = delivery.last().and_then(Outcome::answer);
        if let Some(answer) = answer.filter(|_| !is_in_doubt) {
            let row = explain(record.request.channel, answer.code);
            if let Some(mend) = row.mend {
                let met = (answer.code, mend);
                self.mends.entry(row.first).or_insert(met);
            }
        }
        let line = LogLine::new(&self.facts, &record.request, &delivery);
        let first = self.printed == 0;
        self.printed += 1;
        let text = match output {
            LogOutput::Text => visible(&line.text()),
            LogOutput::Jsonl => json(&line)?,
            LogOutput::Json if first => format!("[{}", json(&line)?),
            LogOutput::Json => format!(",{}", json(&line)?),
            LogOutput::Csv if first => {
                format!("{}\n{}", csv(&LogLine::COLUMNS)?, csv(&line.cells())?)
            }
            LogOutput::Csv => csv(&line.cells())?,
        };
        Ok(match output {
            LogOutput::Text => print::told_below(&text, Some(BELOW))?,
            _ => print::result(&text)?,
        })
    }

    /// Once for each row, however many lines have it.
    fn tell_mends(&self) {
        for (code, mend) in self.mends.values() {
            print::help(&format!("{}: {mend}", code_name(*code)));
        }
    }

    /// Who asks for a group wants to know where it is, also if that is nowhere, or not in the states asked for.
    async fn find(
        &self,
        workspace: &Workspace,
        journal: &Journal,
        run: &Run,
    ) -> Result<(), Failure> {
        let group = self.options.group.as_deref();
        let Some(group) = group.filter(|_| !self.options.follow) else {
            return Ok(());
        };
        if !self.met.is_empty() {
            if self.printed == 0 && self.options.limit != Some(0) {
                let states: Vec<_> = self
                    .met
                    .iter()
                    .map(|state| state.name().to_owned())
                    .collect();
                print::say(&format!("{group} is {}", list_of(&states)));
            }
            return Ok(());
        }
        let missing = format!("no delivery to {group} in {}", run.name());
        if run.channel == Channel::Broadcast {
            let why = "a broadcast goes to every live room at once, and to no group";
            return Err(Failure::new(Exit::Error, format!("{missing}: {why}")));
        }
        let (mut groups, mut alike) = (BTreeSet::new(), Vec::new());
        let mut after = None;
        loop {
            let page = journal.page(run.id, run.channel, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.number);
            let names = page
                .iter()
                .map(|record| record.request.group_name().to_owned());
            let names: Vec<String> = names.collect();
            alike.extend(nearest(group, &names).map(str::to_owned));
            let digests = names
                .iter()
                .map(|name| Digest::of("group", [name.as_bytes()]));
            groups.extend(digests.map(Digest::first_64_bits));
        }
        let audience = plural(groups.len() as u64, "group");
        let text = match absent::why(workspace, run, group) {
            Some(why) => format!("{missing}: {why} (its audience had {audience})"),
            None => format!("{missing}; its audience had {audience}"),
        };
        let failure = Failure::new(Exit::Error, text);
        Err(match nearest(group, &alike) {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None => failure,
        })
    }

    fn end(&self) -> Result<(), Failure> {
        match (self.options.output, self.printed) {
            (LogOutput::Json, 0) => print::result("[]")?,
            (LogOutput::Json, _) => print::result("]")?,
            (LogOutput::Csv, 0) => print::result(&csv(&LogLine::COLUMNS)?)?,
            _ => true,
        };
        Ok(())
    }
}

fn json(line: &LogLine<'_>) -> Result<String, Failure> {
    Ok(serde_json::to_string(line).context("cannot write JSON")?)
}

/// One line of CSV without its break.
fn csv<T: AsRef<str>>(cells: &[T]) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let cells = cells.iter().map(|cell| inert_cell(cell.as_ref()));
    writer.write_record(cells).context("cannot write CSV")?;
    let bytes = writer.into_inner().context("cannot write CSV")?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// A cell that no spreadsheet takes for a formula, and in which nothing turns the direction of text. Numbers stay numbers.
fn inert_cell(cell: &str) -> String {
    const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    let cell = visible(cell);
    let is_formula = cell.starts_with(FORMULA) && cell.parse::<f64>().is_err();
    if is_formula { format!("'{cell}") } else { cell }
}

/// A text in which characters that nobody sees, and that turn the direction of what follows, are seen.
fn visible(text: &str) -> String {
    let is_white = |each: char| matches!(each, '\n' | '\t' | '\r');
    text.chars()
        .map(|each| if is_white(each) { each } else { tame(each) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_is_no_formula_and_turns_no_text() {
        for (cell, inert) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(1)", "'@SUM(1)"),
            ("@TGS#1", "'@TGS#1"),
            ("+1 2", "'+1 2"),
            ("-x", "'-x"),
            ("\t=1", "'\t=1"),
            ("-5", "-5"),
            ("10017", "10017"),
            ("a=b", "a=b"),
            ("a\u{202e}b", "a\u{fffd}b"),
        ] {
            assert_eq!(inert_cell(cell), inert);
        }
    }
}
