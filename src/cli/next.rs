//! `next`: when campaigns and expressions fire.

use super::arguments::{Common, DstName, Next, Output};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::workspace::Workspace;
use crate::campaign::Campaign;
use crate::clock;
use crate::identity::civil_text;
use crate::schedule::{ALL_SKIPPED, Cron, Dst, NO_SUCH_DAY, Note, Schedule, Slot, parse_zone};
use crate::source::{Diagnostic, Source, Span, Spanned, nearest, plural};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

pub(super) fn next(common: &Common, options: &Next) -> Result<Exit, Failure> {
    match &options.cron {
        Some(expression) => of_expression(expression, common, options),
        None => of_campaigns(common, options),
    }
}

fn of_expression(expression: &str, common: &Common, options: &Next) -> Result<Exit, Failure> {
    let zone = zone(common, options)?;
    let source = Source::new("--cron", expression);
    let wrong = |diagnostic| Failure::told(Exit::Usage, diagnostic);
    let cron = Cron::parse(expression).map_err(|fault| {
        let span = Span::new(&source, fault.range);
        wrong(Diagnostic::error("cron", &span, fault.message).help(fault.help))
    })?;
    let span = Span::new(&source, 0..expression.len());
    let dst = match options.dst {
        None | Some(DstName::RunOnce) => Dst::RunOnce,
        Some(DstName::Skip) => Dst::Skip,
        Some(DstName::Wall) => Dst::Wall,
    };
    let schedule = Schedule::of_cron(
        Spanned {
            value: cron,
            span: span.clone(),
        },
        zone,
        dst,
    );
    let coming = coming(&[(None, &schedule)], options);
    if coming.iter().all(|line| line.skipped) {
        let message = if coming.is_empty() {
            NO_SUCH_DAY
        } else {
            ALL_SKIPPED
        };
        return Err(wrong(Diagnostic::error("never-fires", &span, message)));
    }
    match options.output {
        Output::Json => {
            print::result(&json!({ "occurrences": occurrences(&coming) }).to_string())?;
        }
        Output::Text => list(&coming)?,
    }
    Ok(Exit::Success)
}

fn zone(common: &Common, options: &Next) -> Result<Tz, Failure> {
    if let Some(name) = &options.timezone {
        return parse_zone(name).ok_or_else(|| unknown_zone(name));
    }
    let found = Workspace::find_any(common, false).map_err(Failure::of_reading)?;
    let named = found.map(|workspace| workspace.settings.zone);
    named.ok_or_else(|| {
        let text = "--cron needs a time zone: there are no settings here that name one";
        Failure::new(Exit::Usage, text)
            .help("add --timezone and an IANA name such as `Asia/Shanghai`")
    })
}

fn unknown_zone(name: &str) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no time zone `{name}`"));
    let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    match nearest(name, known) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help("write an IANA name such as `Asia/Shanghai`"),
    }
}

/// A campaign that cannot be used hides none of the others.
fn of_campaigns(common: &Common, options: &Next) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, false).map_err(Failure::of_reading)?;
    let is_named = !options.campaigns.is_empty();
    let read = if is_named {
        options
            .campaigns
            .iter()
            .map(|wanted| workspace.campaign(wanted))
            .collect()
    } else {
        workspace.all_campaigns().map_err(Failure::of_reading)?
    };
    let mut campaigns: Vec<Campaign> = Vec::new();
    let mut failures = Vec::new();
    for campaign in read {
        match campaign {
            Ok(campaign) if campaigns.iter().any(|other| other.name == campaign.name) => {}
            Ok(campaign) => campaigns.push(campaign),
            Err(failure) => failures.push(failure.of_reading().among_others()),
        }
    }
    let scheduled: Vec<(Option<&str>, &Schedule)> = campaigns
        .iter()
        .filter_map(|campaign| Some((Some(campaign.name.as_str()), campaign.schedule.as_ref()?)))
        .collect();
    let by_hand = campaigns
        .iter()
        .filter(|campaign| is_named && campaign.schedule.is_none());
    let by_hand: Vec<&str> = by_hand.map(|campaign| campaign.name.as_str()).collect();
    let coming = coming(&scheduled, options);
    match options.output {
        Output::Json => print::result(&json(&coming, &by_hand).to_string()).map(drop)?,
        Output::Text => {
            list(&coming)?;
            remarks(&scheduled, &coming, &by_hand, options)?;
        }
    }
    if scheduled.is_empty() && !is_named && failures.is_empty() {
        print::say(&format!(
            "no campaign in `{}` has a schedule; all run by hand only",
            workspace.settings.campaigns
        ));
    }
    campaigns
        .iter()
        .flat_map(|campaign| &campaign.warnings)
        .for_each(print::diagnostic);
    for failure in &failures {
        failure.print();
    }
    if !failures.is_empty() {
        let files = plural(failures.len() as u64, "campaign");
        print::error(&format!("{files} cannot be used"), None);
    }
    Ok(if failures.is_empty() {
        Exit::Success
    } else {
        Exit::Invalid
    })
}

/// One line of the list.
struct Line<'a> {
    campaign: Option<&'a str>,
    at: DateTime<Utc>,
    local: NaiveDateTime,
    zone: Tz,
    weekday: String,
    note: Option<String>,
    skipped: bool,
}

impl<'a> Line<'a> {
    fn of(campaign: Option<&'a str>, slot: &Slot) -> Line<'a> {
        let at = slot.at();
        let (local, note, skipped) = match slot {
            Slot::Fires(firing) => (at.naive_local(), firing.note.map(told), false),
            Slot::Skipped(skipped) => (
                skipped.local,
                Some("skipped: this time does not exist that day".to_owned()),
                true,
            ),
        };
        Line {
            campaign,
            at: at.with_timezone(&Utc),
            local,
            zone: at.timezone(),
            weekday: local.format("%a").to_string(),
            note,
            skipped,
        }
    }

    fn utc(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    fn json(&self) -> Value {
        json!({
            "campaign": self.campaign,
            "at": self.utc(),
            "local": civil_text(self.local),
            "timezone": self.zone.name(),
            "note": self.note,
        })
    }
}

fn told(note: Note) -> String {
    match note {
        Note::MovedFrom(slot) => format!("{} does not exist that day", civil_text(slot)),
        Note::FirstPass => "the hour is repeated; this is the first pass".to_owned(),
        Note::SecondPass => "the hour is repeated; this is the second pass".to_owned(),
    }
}

/// What comes, merged in order of time, up to the number of firings that was asked for.
fn coming<'a>(schedules: &[(Option<&'a str>, &Schedule)], options: &Next) -> Vec<Line<'a>> {
    let now = || DateTime::from_timestamp_millis(clock::now().wall_ms).unwrap_or_default();
    let asked = options.from.or(options.now);
    let after = asked.map_or_else(now, |instant| instant.with_timezone(&Utc));
    let mut queues: Vec<_> = schedules
        .iter()
        .map(|(name, schedule)| (*name, schedule.slots(after).peekable()))
        .collect();
    let mut lines = Vec::new();
    let mut firings = 0;
    while firings < options.limit {
        let heads = queues
            .iter_mut()
            .filter_map(|(name, slots)| Some((slots.peek()?.at(), *name, slots)));
        let Some((_, name, slots)) = heads.min_by_key(|(at, name, _)| (*at, *name)) else {
            break;
        };
        lines.extend(slots.next().map(|slot| Line::of(name, &slot)));
        firings += u16::from(lines.last().is_some_and(|line| !line.skipped));
    }
    lines
}

fn occurrences(lines: &[Line<'_>]) -> Vec<String> {
    lines
        .iter()
        .filter(|line| !line.skipped)
        .map(Line::utc)
        .collect()
}

fn json(lines: &[Line<'_>], by_hand: &[&str]) -> Value {
    let of = |skipped: bool| -> Vec<Value> {
        lines
            .iter()
            .filter(|line| line.skipped == skipped)
            .map(Line::json)
            .collect()
    };
    json!({ "occurrences": occurrences(lines), "details": of(false), "skipped": of(true), "by_hand": by_hand })
}

/// `2026-11-11T09:00 Asia/Shanghai  Wed  2026-11-11T01:00:00Z  welcome`
fn list(lines: &[Line<'_>]) -> Result<(), Failure> {
    let longest = |of: fn(&Line<'_>) -> usize| lines.iter().map(of).max().unwrap_or(0);
    let zone_width = longest(|line| line.zone.name().len());
    let name_width = longest(|line| line.campaign.map_or(0, str::len));
    for line in lines {
        let (local, zone, weekday) = (civil_text(line.local), line.zone.name(), &line.weekday);
        let instant = if line.skipped {
            "-".to_owned()
        } else {
            line.utc()
        };
        let name = line
            .campaign
            .map_or_else(String::new, |name| format!("  {name:<name_width$}"));
        let note = line
            .note
            .as_ref()
            .map_or_else(String::new, |note| format!("  ({note})"));
        let text = format!("{local} {zone:<zone_width$}  {weekday}  {instant:<20}{name}{note}");
        if !print::told_below(text.trim_end(), Some(4))? {
            break;
        }
    }
    Ok(())
}

/// Why a campaign has fewer lines than somebody may expect.
fn remarks(
    scheduled: &[(Option<&str>, &Schedule)],
    lines: &[Line<'_>],
    by_hand: &[&str],
    options: &Next,
) -> Result<(), Failure> {
    let firings = lines.iter().filter(|line| !line.skipped).count();
    let is_all = firings < usize::from(options.limit);
    let over = scheduled
        .iter()
        .filter_map(|(name, _)| *name)
        .filter(|name| is_all && !lines.iter().any(|line| line.campaign == Some(*name)));
    let over = over.map(|name| format!("{name}  has no occurrence any more"));
    let by_hand = by_hand
        .iter()
        .map(|name| format!("{name}  runs by hand only"));
    for remark in over.chain(by_hand) {
        if !print::told(&remark)? {
            break;
        }
    }
    Ok(())
}
