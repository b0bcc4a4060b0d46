//! `list`: every campaign of the folder at a glance.

use super::arguments::{Common, Output};
use super::browsing::List;
use super::columns::Table;
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::campaign::Campaign;
use crate::clock;
use crate::journal::{Journal, Run};
use crate::report::time_text;
use crate::schedule::Slot;
use crate::source::{Content, Node, Severity, Source, nearest, parse, plural, unbroken};
use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// What `list -o json` prints. Fields are only ever added.
#[derive(Serialize)]
struct Listed {
    journal: Option<String>,
    campaigns: Vec<Line>,
}

#[derive(Default, Serialize)]
struct Line {
    campaign: String,
    path: String,
    valid: bool,
    errors: u64,
    enabled: Option<bool>,
    description: Option<String>,
    owner: Option<String>,
    labels: BTreeMap<String, String>,
    app: Option<String>,
    channel: Option<&'static str>,
    timezone: Option<String>,
    scheduled: Option<bool>,
    next: Option<String>,
    last_run: Option<LastRun>,
    /// The same instant as people read it.
    #[serde(skip)]
    next_local: Option<String>,
    /// Its file could not be read as YAML at all, so that nobody knows whose it is.
    #[serde(skip)]
    is_nobodys: bool,
}

#[derive(Clone, Serialize)]
struct LastRun {
    run: String,
    app: String,
    state: &'static str,
    opened_at: Option<String>,
}

pub(super) async fn list(common: &Common, options: &List) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox).map_err(Failure::of_reading)?;
    let wall_ms = clock::now().wall_ms;
    let now = || DateTime::from_timestamp_millis(wall_ms).unwrap_or_default();
    let now = options
        .now
        .map_or_else(now, |instant| instant.with_timezone(&Utc));
    let mut all = Vec::new();
    let line = |path: &str, campaign: Result<Campaign, Failure>| match campaign {
        Ok(campaign) => of_campaign(&workspace, path.to_owned(), &campaign, now),
        Err(failure) => of_invalid(&workspace, path.to_owned(), &failure),
    };
    let done = workspace.each_campaign(line, |_, line| {
        all.push(line);
        Ok(())
    });
    done.map_err(Failure::of_reading)?;
    let (journal, last) = last_runs(&workspace).await;
    let (mut shown, others): (Vec<Line>, Vec<Line>) =
        all.into_iter().partition(|line| options.wants(line));
    for line in &mut shown {
        line.last_run = last.get(&line.campaign).cloned();
    }
    let listed = Listed {
        journal,
        campaigns: shown,
    };
    if options.output == Output::Json {
        print::result(&serde_json::to_string(&listed).context("cannot write JSON")?)?;
        return Ok(Exit::Success);
    }
    table(&listed.campaigns)?;
    remarks(&workspace, options, (&listed.campaigns, &others));
    Ok(Exit::Success)
}

impl List {
    fn wants(&self, line: &Line) -> bool {
        let has = |(name, value): &(String, String)| line.labels.get(name) == Some(value);
        let is_owned = self.owner.is_none() || self.owner == line.owner;
        line.is_nobodys || (is_owned && self.labels.iter().all(has))
    }
}

fn of_campaign(
    workspace: &Workspace,
    path: String,
    campaign: &Campaign,
    now: DateTime<Utc>,
) -> Line {
    let next = next(campaign, now).filter(|_| campaign.enabled);
    let app = workspace.settings.app(campaign.app.as_ref()).ok();
    Line {
        campaign: campaign.name.to_string(),
        path,
        valid: true,
        enabled: Some(campaign.enabled),
        description: campaign.description.clone(),
        owner: campaign.owner.clone(),
        labels: campaign.labels.clone(),
        app: app.map(|app| app.role.clone()),
        channel: Some(campaign.channel().name()),
        timezone: Some(campaign.zone.name().to_owned()),
        scheduled: Some(campaign.schedule.is_some()),
        next: next.map(|at| at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)),
        next_local: next.map(|at| at.format("%Y-%m-%dT%H:%M").to_string()),
        ..Line::default()
    }
}

/// The next that fires.
fn next(campaign: &Campaign, now: DateTime<Utc>) -> Option<DateTime<Tz>> {
    let mut slots = campaign.schedule.as_ref()?.slots(now);
    slots.find_map(|slot| matches!(slot, Slot::Fires(_)).then(|| slot.at()))
}

/// What can be told of a file that is no campaign.
fn of_invalid(workspace: &Workspace, path: String, failure: &Failure) -> Line {
    let errors = failure
        .diagnostics()
        .iter()
        .filter(|each| each.severity == Severity::Error);
    let text = workspace.repository.read_text(&path).unwrap_or_default();
    let tree = parse(&Source::new(path.as_str(), text)).root;
    let text_of = |key: &str| tree.as_ref()?.get(key)?.text().map(str::to_owned);
    Line {
        campaign: workspace.name_of(&path).unwrap_or_default(),
        path,
        errors: (errors.count() as u64).max(1),
        owner: text_of("owner"),
        labels: tree
            .as_ref()
            .and_then(|tree| tree.get("labels"))
            .map(labels)
            .unwrap_or_default(),
        is_nobodys: tree.is_none(),
        ..Line::default()
    }
}

fn labels(node: &Node) -> BTreeMap<String, String> {
    let Content::Map(entries) = &node.content else {
        return BTreeMap::new();
    };
    let texts = entries
        .iter()
        .filter_map(|(name, value)| Some((name.text()?.to_owned(), value.text()?.to_owned())));
    texts.collect()
}

/// The last run of each campaign. A journal that cannot be read keeps nobody from seeing the campaigns.
async fn last_runs(workspace: &Workspace) -> (Option<String>, HashMap<String, LastRun>) {
    match read_last_runs(workspace).await {
        Ok(Some((journal, runs))) => (Some(journal), runs),
        Ok(None) => (None, HashMap::new()),
        Err(failure) => {
            failure
                .of_reading()
                .after("the last runs are not shown")
                .print();
            (None, HashMap::new())
        }
    }
}

async fn read_last_runs(
    workspace: &Workspace,
) -> Result<Option<(String, HashMap<String, LastRun>)>, Failure> {
    let Some(path) = workspace.journal_if_any()? else {
        return Ok(None);
    };
    let journal = Journal::open_to_read(&path).await?;
    let (runs, unreadable) = journal.last_runs().await?;
    if unreadable > 0 {
        let runs = plural(unreadable, "last run");
        print::say(&format!("{runs} cannot be read from the journal"));
    }
    let last = runs
        .iter()
        .map(|run| (run.key.campaign.to_string(), of(run)));
    let last = last.collect();
    let shown = workspace.shown(journal.path());
    journal.close().await;
    Ok(Some((shown, last)))
}

fn of(run: &Run) -> LastRun {
    LastRun {
        run: run.name().to_string(),
        app: run.app.clone(),
        state: run.state().name(),
        opened_at: time_text(run.opened_ms),
    }
}

impl Line {
    /// When it comes next, or why it does not.
    fn coming(&self) -> String {
        let zone = self.timezone.as_deref().unwrap_or_default();
        match &self.next_local {
            _ if !self.valid => plural(self.errors, "error"),
            _ if self.enabled == Some(false) => "disabled".to_owned(),
            Some(local) => format!("{local} {zone}"),
            None if self.scheduled == Some(true) => "over".to_owned(),
            None => "by hand".to_owned(),
        }
    }

    fn last(&self) -> String {
        let Some(last) = &self.last_run else {
            return "-".to_owned();
        };
        let (_, occurrence) = last.run.split_once('@').unwrap_or_default();
        format!("{} {occurrence}", last.state)
    }

    /// The owner comes last, because names are of any width.
    fn cells(&self) -> [String; 6] {
        let channel = self.channel.unwrap_or("invalid");
        [
            self.campaign.clone(),
            channel.to_owned(),
            self.app.clone().unwrap_or_else(|| "-".to_owned()),
            self.coming(),
            self.last(),
            self.owner.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }
}

const HEADS: [&str; 6] = ["CAMPAIGN", "CHANNEL", "APP", "NEXT", "LAST RUN", "OWNER"];
const NAME: usize = 0;
const CHANNEL: usize = 1;
const APP: usize = 2;
const NEXT: usize = 3;
const LAST_RUN: usize = 4;
const OWNER: usize = 5;

fn table(lines: &[Line]) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    let rows = std::iter::once(HEADS.map(str::to_owned)).chain(lines.iter().map(Line::cells));
    let table = Table {
        rows: rows.collect(),
        upper: vec![NAME, OWNER],
        lower: vec![NEXT, LAST_RUN, CHANNEL, APP],
    };
    for line in table.lines(print::terminal_width()) {
        if !print::result(&line)? {
            break;
        }
    }
    Ok(())
}

/// What the table leaves open.
fn remarks(workspace: &Workspace, options: &List, (shown, others): (&[Line], &[Line])) {
    let folder = &workspace.settings.campaigns;
    let invalid = shown.iter().filter(|line| !line.valid).count() as u64;
    if invalid > 0 {
        let verb = if invalid == 1 { "is" } else { "are" };
        let files = plural(invalid, "file");
        let command = unbroken("campanile check");
        print::say(&format!("{files} {verb} invalid: {command} says why"));
    }
    if !shown.is_empty() {
        return;
    }
    if others.is_empty() {
        print::say(&format!("there is no campaign in `{folder}`"));
        return print::help(&format!("write one: `{folder}/welcome.yaml`"));
    }
    print::say(&format!("no campaign in `{folder}` is like that"));
    let owners = others.iter().filter_map(|line| line.owner.as_deref());
    let meant = options
        .owner
        .as_deref()
        .and_then(|owner| nearest(owner, owners.filter(|known| *known != owner)));
    if let Some(meant) = meant {
        print::help(&format!("did you mean `--owner {meant}`?"));
    }
}
