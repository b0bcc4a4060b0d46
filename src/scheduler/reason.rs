//! Reasons for what becomes of occurrences that have no run.

use crate::identity::{RunName, civil_text};
use crate::settings::Window;
use crate::source::{length_text, plural};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// Why an occurrence has no run. A further reason also needs its words and a row in the test, which pins the code that
/// journals and JSON know it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// It would have started later than its campaign allows.
    TooLate {
        late_ms: u64,
        allowed_ms: u64,
    },
    /// The run that it waited for had ended too long before.
    QueuedTooLong {
        late_ms: u64,
        allowed_ms: u64,
    },
    /// A later occurrence was due at the same time.
    Superseded {
        #[serde(with = "text")]
        by: RunName,
    },
    PlanNotReady,
    /// The machine kept it from being planned or opened in time.
    NotOpened {
        why: String,
    },
    ScheduleChanged,
    /// A change of the clock left its time out.
    ClockForward,
    CampaignPaused {
        by: PausedBy,
    },
    OutsideWindow {
        #[serde(with = "text")]
        window: Window,
    },
    /// An earlier run or occurrence of its campaign was open.
    Overlap {
        #[serde(with = "text")]
        open: RunName,
    },
    /// It waits for an earlier run or occurrence of its campaign.
    Queued {
        #[serde(with = "text")]
        open: RunName,
    },
    /// As [`Reason::Overlap`], and another occurrence waited already.
    QueueFull {
        #[serde(with = "text")]
        open: RunName,
    },
    /// The operator decided that it is not sent.
    SkippedByOperator,
    /// The operator let it go on.
    ReleasedByOperator,
    FileInvalid {
        why: String,
    },
    FileGone,
    NotEnabled,
    /// Its file has no schedule any more.
    Unscheduled,
    /// It is sent through another app.
    AppChanged,
    /// The settings have its app only since the daemon was started.
    AppAdded {
        app: String,
    },
    /// Its audience or a message of it is invalid.
    PlanInvalid {
        why: String,
    },
    /// The time of `finish_within` is over.
    Overdue,
    NoTargets,
}

/// Party that paused a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PausedBy {
    Operator,
}

/// A reason, with the number of occurrences that it holds for as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    pub reason: Reason,
    /// Occurrences before this one that are too many to be recorded one by one.
    pub omitted: u64,
}

impl Reason {
    /// Returns the option that `release` needs for a held occurrence: if its time is over it can only be skipped.
    pub fn release_option(&self) -> &'static str {
        match self {
            Reason::Overdue => " --skip",
            _ => "",
        }
    }

    /// Returns the code, and the data as JSON where there are any.
    pub fn to_parts(&self) -> (String, Option<Value>) {
        match serde_json::to_value(self).expect("a reason has names for keys") {
            Value::String(code) => (code, None),
            Value::Object(parts) => {
                let part = parts.into_iter().next();
                part.map(|(code, data)| (code, Some(data)))
                    .expect("a reason has one code")
            }
            other => panic!("a reason is no {other}"),
        }
    }

    /// Returns the reason that [`Reason::to_parts`] took apart.
    pub fn from_parts(code: String, data: Option<Value>) -> Option<Reason> {
        let value = match data {
            None => Value::String(code),
            Some(data) => Value::Object(Map::from_iter([(code, data)])),
        };
        serde_json::from_value(value).ok()
    }

    /// Returns the name by which journals and programs know it.
    pub fn code(&self) -> String {
        self.to_parts().0
    }
}

impl From<Reason> for Grounds {
    fn from(reason: Reason) -> Grounds {
        Grounds { reason, omitted: 0 }
    }
}

impl fmt::Display for Grounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grounds { reason, omitted } = self;
        match omitted {
            0 => write!(formatter, "{reason}"),
            omitted => write!(
                formatter,
                "{reason}; {} before it as well",
                plural(*omitted, "occurrence")
            ),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |ms: &u64| length_text(Duration::from_millis(*ms));
        match self {
            Reason::TooLate {
                late_ms,
                allowed_ms,
            } => write!(
                formatter,
                "it would have started {} late, and may start {} late at most",
                length(late_ms),
                length(allowed_ms)
            ),
            Reason::QueuedTooLong {
                late_ms,
                allowed_ms,
            } => write!(
                formatter,
                "what it waited for had ended {} before; it may start {} late at most",
                length(late_ms),
                length(allowed_ms)
            ),
            Reason::Superseded { by } => write!(
                formatter,
                "it was due together with that of {}, which is later",
                civil_text(by.local)
            ),
            Reason::PlanNotReady => formatter.write_str("its plan was not ready in time"),
            Reason::ScheduleChanged => {
                formatter.write_str("its schedule was changed before it was sent")
            }
            Reason::ClockForward => formatter.write_str("the clock was put forward over it"),
            Reason::CampaignPaused { by } => write!(formatter, "the campaign was paused ({by})"),
            Reason::OutsideWindow { window } => {
                write!(formatter, "it is outside the window {window}")
            }
            Reason::Overlap { open } => write!(formatter, "{open} was open still"),
            Reason::Queued { open } => write!(formatter, "{open} is open still"),
            Reason::QueueFull { open } => write!(
                formatter,
                "{open} was open still, and another waits for it already"
            ),
            Reason::SkippedByOperator => {
                formatter.write_str("the operator decided that it is not sent")
            }
            Reason::ReleasedByOperator => formatter.write_str("the operator let it go on"),
            Reason::FileInvalid { why } => write!(formatter, "its file is invalid: {why}"),
            Reason::FileGone => formatter.write_str("its file is gone"),
            Reason::NotEnabled => formatter.write_str("it is not enabled any more"),
            Reason::Unscheduled => formatter.write_str("its file has no schedule any more"),
            Reason::AppChanged => formatter.write_str("it is sent through another app now"),
            Reason::NotOpened { why } => {
                write!(formatter, "it could not be opened in time: {why}")
            }
            Reason::AppAdded { app } => write!(
                formatter,
                "the app `{app}` is new in the settings; restart the daemon"
            ),
            Reason::PlanInvalid { why } => formatter.write_str(why),
            Reason::Overdue => formatter.write_str("the time of `finish_within` is over"),
            Reason::NoTargets => formatter.write_str("it has no targets"),
        }
    }
}

impl PausedBy {
    /// Returns the name by which journals and programs know it.
    pub fn code(self) -> &'static str {
        match self {
            PausedBy::Operator => "operator",
        }
    }

    pub fn from_code(code: &str) -> Option<PausedBy> {
        let all = [PausedBy::Operator];
        all.into_iter().find(|by| by.code() == code)
    }
}

impl fmt::Display for PausedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PausedBy::Operator => formatter.write_str("by hand"),
        }
    }
}

/// Keeps a value as the text that it is written as.
mod text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Every reason as journals keep it, with its words.
    const ALL: [(&str, &str, &str); 23] = [
        (
            "too_late",
            r#"{"late_ms":1860000,"allowed_ms":900000}"#,
            "it would have started 31m late, and may start 15m late at most",
        ),
        (
            "queued_too_long",
            r#"{"late_ms":1860000,"allowed_ms":900000}"#,
            "what it waited for had ended 31m before; it may start 15m late at most",
        ),
        (
            "superseded",
            r#"{"by":"news@2026-05-01T09:00"}"#,
            "it was due together with that of 2026-05-01T09:00, which is later",
        ),
        ("plan_not_ready", "", "its plan was not ready in time"),
        (
            "schedule_changed",
            "",
            "its schedule was changed before it was sent",
        ),
        ("clock_forward", "", "the clock was put forward over it"),
        (
            "campaign_paused",
            r#"{"by":"operator"}"#,
            "the campaign was paused (by hand)",
        ),
        (
            "outside_window",
            r#"{"window":"08:00-22:00"}"#,
            "it is outside the window 08:00-22:00",
        ),
        (
            "overlap",
            r#"{"open":"news@2026-05-01T09:00#2"}"#,
            "news@2026-05-01T09:00#2 was open still",
        ),
        (
            "queued",
            r#"{"open":"news@2026-05-01T09:00"}"#,
            "news@2026-05-01T09:00 is open still",
        ),
        (
            "queue_full",
            r#"{"open":"news@2026-05-01T09:00"}"#,
            "news@2026-05-01T09:00 was open still, and another waits for it already",
        ),
        (
            "skipped_by_operator",
            "",
            "the operator decided that it is not sent",
        ),
        ("released_by_operator", "", "the operator let it go on"),
        (
            "file_invalid",
            r#"{"why":"news.yaml:1: no"}"#,
            "its file is invalid: news.yaml:1: no",
        ),
        ("file_gone", "", "its file is gone"),
        ("not_enabled", "", "it is not enabled any more"),
        ("unscheduled", "", "its file has no schedule any more"),
        ("app_changed", "", "it is sent through another app now"),
        (
            "not_opened",
            r#"{"why":"the disk is full"}"#,
            "it could not be opened in time: the disk is full",
        ),
        (
            "app_added",
            r#"{"app":"main"}"#,
            "the app `main` is new in the settings; restart the daemon",
        ),
        (
            "plan_invalid",
            r#"{"why":"news.yaml:1: no"}"#,
            "news.yaml:1: no",
        ),
        ("overdue", "", "the time of `finish_within` is over"),
        ("no_targets", "", "it has no targets"),
    ];

    #[test]
    fn reason_of_every_kind_keeps_its_code_its_data_and_its_words() {
        for (code, data, words) in ALL {
            let data = serde_json::from_str::<Value>(data).ok();
            let reason = Reason::from_parts(code.to_owned(), data.clone()).unwrap();
            assert_eq!(reason.to_parts(), (code.to_owned(), data));
            assert_eq!(reason.to_string(), words);
        }
    }

    #[test]
    fn reason_of_unknown_code_or_data_is_none() {
        let of = |code: &str, data| Reason::from_parts(code.to_owned(), data);
        assert_eq!(of("else", None), None);
        assert_eq!(of("too_late", None), None);
        assert_eq!(of("overlap", Some(json!({ "open": "nothing" }))), None);
    }
}
