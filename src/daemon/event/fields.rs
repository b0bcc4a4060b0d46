//! An event in fields, for programs. Fields are only ever added; none is called `at`, `level`, `event` or `message`,
//! which belong to the line they stand in.

use super::{Event, LaneName, Together};
use crate::delivery::{Counts, RunState};
use crate::identity::CampaignName;
use crate::report::{interruption_text, state_reason, time_text};
use crate::settings::SettingChange;
use serde_json::{Map, Value, json};

impl Event {
    /// The whole line: `at`, `level`, `event`, the fields, and `message`, which is the text.
    pub fn line(&self, at_ms: i64) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("at".to_owned(), time_text(at_ms).into());
        line.insert("level".to_owned(), self.level().name().into());
        line.insert("event".to_owned(), self.name().into());
        line.extend(self.fields());
        line.insert("message".to_owned(), self.text().into());
        line
    }

    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some(run) = self.run() {
            fields.insert("run".to_owned(), run.to_string().into());
            fields.insert("campaign".to_owned(), run.campaign.as_str().into());
        }
        if let Some(lane) = self.lane() {
            fields.insert("sdk_app_id".to_owned(), lane.sdk_app_id.0.into());
            fields.insert("channel".to_owned(), lane.channel.name().into());
        }
        if let Value::Object(more) = self.particulars() {
            fields.extend(more);
        }
        fields
    }

    fn lane(&self) -> Option<&LaneName> {
        match self {
            Event::LaneTaken { lane }
            | Event::LaneElsewhere { lane, .. }
            | Event::LaneFailed { lane, .. } => Some(lane),
            _ => None,
        }
    }

    /// What is told beside the run or the lane.
    fn particulars(&self) -> Value {
        match self {
            Event::Prepared { planned, at_ms, .. } => {
                json!({ "planned": planned, "due_at": time_text(*at_ms) })
            }
            Event::Unprepared { at_ms, reason, .. } => {
                let (why, code) = (reason.to_string(), reason.code());
                json!({ "due_at": time_text(*at_ms), "why": why, "reason_code": code })
            }
            Event::Opened {
                planned, late_ms, ..
            } => json!({ "planned": planned, "late_ms": late_ms }),
            Event::Joined { planned, .. } => json!({ "planned": planned }),
            Event::Ended { state, counts, .. } => ended(state, counts),
            Event::Left { state, .. } => {
                json!({
                    "state": state.name(),
                    "reason": state_reason(state),
                    "reason_code": state.reason_code(),
                })
            }
            Event::Held {
                grounds, command, ..
            } => {
                let (reason, code) = (grounds.to_string(), grounds.reason.code());
                json!({ "reason": reason, "reason_code": code, "command": command })
            }
            Event::Missed {
                grounds, together, ..
            }
            | Event::Skipped {
                grounds, together, ..
            } => {
                let (reason, code) = (grounds.to_string(), grounds.reason.code());
                let Together { first, count } = together;
                json!({
                    "reason": reason,
                    "reason_code": code,
                    "first_run": first.to_string(),
                    "count": count,
                })
            }
            Event::Queued { grounds, .. } => {
                json!({ "reason": grounds.to_string(), "reason_code": grounds.reason.code() })
            }
            Event::LaneElsewhere { holder, .. } => json!({ "holder": holder }),
            Event::LaneFailed { why, .. }
            | Event::SettingsInvalid { why }
            | Event::Journal { why } => json!({ "why": why }),
            _ => self.particulars_of_surroundings(),
        }
    }

    fn particulars_of_surroundings(&self) -> Value {
        match self {
            Event::Started {
                campaigns,
                invalid,
                next,
            } => {
                let next = next.as_ref().map(
                    |next| json!({ "run": next.run.to_string(), "due_at": time_text(next.at_ms) }),
                );
                json!({ "campaigns": campaigns, "invalid": invalid, "next": next })
            }
            Event::Reloaded {
                added,
                changed,
                removed,
            } => {
                json!({ "added": names(added), "changed": names(changed), "removed": names(removed) })
            }
            Event::Invalid {
                path,
                campaign,
                why,
            } => {
                let campaign = campaign.as_ref().map(CampaignName::as_str);
                json!({ "path": path, "campaign": campaign, "why": why })
            }
            Event::Mended { campaign } => json!({ "campaign": campaign.as_str() }),
            Event::Disappeared { gone, of, command } => {
                json!({ "gone": gone, "of": of, "command": command })
            }
            Event::Unsettled { since_ms, why } => {
                json!({ "since": time_text(*since_ms), "why": why })
            }
            Event::JournalUnavailable { why } => json!({ "why": why }),
            Event::JournalRecovered { lasted_ms } => json!({ "lasted_ms": lasted_ms }),
            Event::ClockStepped { by_ms } => json!({ "by_ms": by_ms }),
            Event::VendorClock { differs_ms } => json!({ "differs_ms": differs_ms }),
            Event::NotifyFailed { url_host, why } => json!({ "url_host": url_host, "why": why }),
            Event::NotifyDropped { dropped } | Event::LogDropped { dropped } => {
                json!({ "dropped": dropped })
            }
            Event::Panicked { thread, place, why } => {
                json!({ "thread": thread, "place": place, "why": why })
            }
            Event::Draining { signal } => json!({ "signal": interruption_text(*signal) }),
            _ => self.particulars_of_repository(),
        }
    }

    fn particulars_of_repository(&self) -> Value {
        match self {
            Event::GitSwitched {
                repository,
                from,
                to,
                is_rewritten,
            } => {
                json!({ "repository": repository, "from": from, "to": to, "is_rewritten": is_rewritten })
            }
            Event::GitFetching {
                repository,
                progress,
            } => json!({ "repository": repository, "progress": progress }),
            Event::GitFailed { repository, why } => json!({ "repository": repository, "why": why }),
            Event::GitRefused { commit, why } => json!({ "commit": commit, "why": why }),
            Event::SettingsPending {
                commit,
                changes,
                command,
            } => {
                let change = |each: &SettingChange| json!({ "key": each.key, "used": each.used, "pending": each.pending });
                let changes: Vec<Value> = changes.iter().map(change).collect();
                json!({ "commit": commit, "changes": changes, "command": command })
            }
            Event::SettingsChanged { needs_restart } => json!({ "needs_restart": needs_restart }),
            _ => Value::Null,
        }
    }
}

fn ended(state: &RunState, counts: &Counts) -> Value {
    json!({
        "state": state.name(),
        "reason": state_reason(state),
        "reason_code": state.reason_code(),
        "planned": counts.planned,
        "accepted": counts.accepted,
        "refused": counts.refused,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "unknown": counts.unknown,
        "pending": counts.pending,
    })
}

fn names(names: &[CampaignName]) -> Vec<&str> {
    names.iter().map(CampaignName::as_str).collect()
}
