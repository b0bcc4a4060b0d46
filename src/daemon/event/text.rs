//! An event in one line of plain English.

use super::{Event, Next, Together};
use crate::daemon::git::short;
use crate::delivery::RunState;
use crate::identity::{CampaignName, RunName};
use crate::report::{counts_text, interruption_text, state_reason, time_text};
use crate::scheduler::Reason;
use crate::settings::SettingChange;
use crate::source::{NO_BREAK, length_text, plural, tame, unbroken, with_blanks};
use std::time::Duration;

/// So many campaigns are called by their names.
const NAMED_MAX: usize = 5;

impl Event {
    /// Returns it as one line, without a secret.
    pub fn text(&self) -> String {
        with_blanks(&self.sentence())
    }

    /// Returns the text for a terminal that breaks lines, where a command stays in one piece.
    pub fn sentence(&self) -> String {
        let text = self.words();
        // What files and the world say may have lines of its own.
        let words = text.split(|each: char| each.is_whitespace() && each != NO_BREAK);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        // What files and the vendor say may turn the direction of what follows.
        let seen = |each| if each == NO_BREAK { each } else { tame(each) };
        words.join(" ").chars().map(seen).collect()
    }

    fn words(&self) -> String {
        match self {
            Event::Prepared { planned, at_ms, .. } => self.about(&format!(
                "is prepared for {}: {}",
                time(*at_ms),
                calls(*planned)
            )),
            Event::Unprepared { at_ms, reason, .. } => self.about(&format!(
                "cannot be prepared for {}: {reason}",
                time(*at_ms)
            )),
            Event::PreparedAnew { .. } => self.about("is prepared anew"),
            Event::Opened {
                planned, late_ms, ..
            } => self.about(&format!("is opened: {}{}", calls(*planned), late(*late_ms))),
            Event::Joined { planned, .. } => self.about(&format!(
                "is sent on as somebody wants: {}",
                calls(*planned)
            )),
            Event::Ended { state, counts, .. } => {
                self.about(&format!("{}: {}", standing(state), counts_text(counts)))
            }
            Event::Left { state, .. } => {
                self.about(&format!("{} and waits for a person", standing(state)))
            }
            Event::Held {
                grounds, command, ..
            } => self.about(&format!(
                "is held: {grounds}; let it go with: {}",
                unbroken(command)
            )),
            Event::Missed {
                run,
                grounds,
                together,
            } => decided(run, "missed", (&grounds.reason, together)),
            Event::Skipped {
                run,
                grounds,
                together,
            } => decided(run, "skipped", (&grounds.reason, together)),
            Event::Queued { grounds, .. } => self.about(&format!("waits: {grounds}")),
            Event::LaneTaken { lane } => format!("sending on the lane {lane}"),
            Event::LaneElsewhere { lane, holder } => {
                format!("on the lane {lane} {holder} sends what is opened here")
            }
            Event::LaneFailed { lane, why } => format!("nothing is sent on the lane {lane}: {why}"),
            _ => self.words_of_surroundings(),
        }
    }

    /// What is about no run and no lane.
    fn words_of_surroundings(&self) -> String {
        match self {
            Event::Started {
                campaigns,
                invalid,
                next,
            } => started(*campaigns, *invalid, next.as_ref()),
            Event::Reloaded {
                added,
                changed,
                removed,
            } => reloaded([("added", added), ("changed", changed), ("removed", removed)]),
            Event::Invalid { path, why, .. } => format!("{path} is invalid: {why}"),
            Event::Mended { campaign } => format!("{campaign} is valid again"),
            Event::Disappeared { gone, of, command } => format!(
                "{gone} of {} went at once, and stay until this is confirmed: {}",
                plural(*of, "campaign"),
                unbroken(command)
            ),
            Event::Unsettled { since_ms, why } => format!(
                "the files cannot be read as a whole since {}, and are tried again: {why}",
                time(*since_ms)
            ),
            Event::SettingsInvalid { why } => {
                format!("the settings are invalid, and those before them hold: {why}")
            }
            Event::GitSwitched {
                repository,
                from,
                to,
                is_rewritten,
            } => git_switched(repository, from.as_deref(), to, *is_rewritten),
            Event::GitFetching {
                repository,
                progress,
            } => git_fetching(repository, progress),
            Event::GitFailed { repository, why } => {
                format!("{repository} is out of reach, and the files stay as they are: {why}")
            }
            Event::GitRefused { commit, why } => {
                let commit = short(commit);
                format!("the commit {commit} is refused, and the files stay as they are: {why}")
            }
            Event::SettingsPending { .. } => self.settings_pending(),
            Event::SettingsChanged { needs_restart } => settings_changed(*needs_restart).to_owned(),
            Event::Journal { why } => why.clone(),
            Event::JournalUnavailable { why } => journal_unavailable(why),
            Event::JournalRecovered { lasted_ms } => journal_recovered(*lasted_ms),
            Event::ClockStepped { by_ms } => clock_stepped(*by_ms),
            Event::VendorClock { differs_ms } => vendor_clock(*differs_ms),
            Event::NotifyFailed { url_host, why } => {
                format!("{url_host} cannot be notified: {why}")
            }
            Event::NotifyDropped { dropped } => format!(
                "{} of the oldest were dropped: more was told than could be sent",
                plural(*dropped, "notification")
            ),
            Event::LogDropped { dropped } => format!(
                "{} dropped here: the log could not be written",
                plural(*dropped, "line")
            ),
            Event::Panicked { thread, place, why } => {
                format!("a bug in the program stopped a part of it ({thread}, {place}): {why}")
            }
            Event::Draining { signal } => {
                let signal = interruption_text(*signal);
                format!("{signal}: nothing more is begun, what is under way comes home")
            }
            Event::Stopped => "stopped".to_owned(),
            _ => self.name().replace('_', " "),
        }
    }

    fn settings_pending(&self) -> String {
        let Event::SettingsPending {
            commit,
            changes,
            command,
        } = self
        else {
            return String::new();
        };
        settings_pending(commit.as_deref(), changes, command)
    }

    fn about(&self, what: &str) -> String {
        let run = self.run().map(ToString::to_string).unwrap_or_default();
        format!("{run} {what}")
    }
}

fn decided(run: &RunName, how: &str, (reason, together): (&Reason, &Together)) -> String {
    let Together { first, count } = together;
    if *count == 1 {
        return format!("{run} is {how}: {reason}");
    }
    let occurrences = plural(*count, "occurrence");
    format!("{occurrences} from {first} to {run} are {how}; the latest: {reason}")
}

fn started(campaigns: u64, invalid: u64, next: Option<&Next>) -> String {
    let campaigns = plural(campaigns, "campaign");
    let invalid = match invalid {
        0 => String::new(),
        files => format!(", {} cannot be used", plural(files, "file")),
    };
    let next = next.map_or("nothing is due".to_owned(), |next| {
        format!("next is {} at {}", next.run, time(next.at_ms))
    });
    format!("started: {campaigns}{invalid}; {next}")
}

fn reloaded(changes: [(&str, &Vec<CampaignName>); 3]) -> String {
    let given = changes.iter().filter(|(_, names)| !names.is_empty());
    let told = given.map(|(what, names)| format!("{} {what} ({})", names.len(), named(names)));
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        return "reloaded: nothing has changed".to_owned();
    }
    format!("reloaded: {}", told.join(", "))
}

fn named(names: &[CampaignName]) -> String {
    let shown = names.iter().take(NAMED_MAX).map(CampaignName::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMED_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

fn git_switched(repository: &str, from: Option<&str>, to: &str, is_rewritten: bool) -> String {
    let from = from.map_or(String::new(), |from| {
        format!(" in place of {}", short(from))
    });
    let rewritten = if is_rewritten {
        ", which is not built upon it: somebody has rewritten the branch"
    } else {
        ""
    };
    format!(
        "the files are those of the commit {} of {repository}{from}{rewritten}",
        short(to)
    )
}

fn git_fetching(repository: &str, progress: &str) -> String {
    let progress = if progress.is_empty() {
        "git does not say how far it is"
    } else {
        progress
    };
    format!("{repository} is being fetched for the first time: {progress}")
}

fn settings_pending(commit: Option<&str>, changes: &[SettingChange], command: &str) -> String {
    let commit = commit.map_or(String::new(), |commit| {
        format!(" of the commit {}", short(commit))
    });
    let changes: Vec<String> = changes.iter().map(SettingChange::text).collect();
    format!(
        "settings{commit} are not used until they are accepted: {}; accept them with: {}",
        changes.join(", "),
        unbroken(command)
    )
}

fn settings_changed(needs_restart: bool) -> &'static str {
    if needs_restart {
        "the settings have changed; a part of it holds only after a restart"
    } else {
        "the settings have changed"
    }
}

fn standing(state: &RunState) -> String {
    let reason = state_reason(state).map(|reason| format!(" ({reason})"));
    format!("is {}{}", state.name(), reason.unwrap_or_default())
}

fn journal_unavailable(why: &str) -> String {
    format!("nothing new is sent until the journal can be written again: {why}")
}

fn journal_recovered(lasted_ms: u64) -> String {
    let lasted_ms = i64::try_from(lasted_ms).unwrap_or(i64::MAX);
    format!(
        "the journal can be written again, after {}",
        seconds(lasted_ms)
    )
}

fn clock_stepped(by_ms: i64) -> String {
    let direction = if by_ms < 0 { "back" } else { "forward" };
    format!("the clock was set {direction} by {}", seconds(by_ms))
}

fn vendor_clock(differs_ms: i64) -> String {
    let side = if differs_ms < 0 { "behind" } else { "ahead of" };
    format!(
        "this machine's clock is {} {side} the vendor's",
        seconds(differs_ms)
    )
}

fn late(late_ms: u64) -> String {
    if late_ms > super::LATE_MS {
        format!(
            ", {} late",
            seconds(i64::try_from(late_ms).unwrap_or(i64::MAX))
        )
    } else {
        String::new()
    }
}

/// `2.5 s`, `1h 30m`.
fn seconds(ms: i64) -> String {
    const PRECISE_MS: u64 = 60_000;
    let ms = ms.unsigned_abs();
    if ms < PRECISE_MS {
        return format!("{}.{} s", ms / 1_000, ms % 1_000 / 100);
    }
    length_text(Duration::from_millis(ms))
}

fn calls(planned: u64) -> String {
    plural(planned, "call")
}

fn time(at_ms: i64) -> String {
    let text = time_text(at_ms).unwrap_or_else(|| format!("{at_ms} ms"));
    text.replace(".000Z", "Z")
}
