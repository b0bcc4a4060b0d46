//! What the daemon tells, as lines on stderr: for people, or a JSON object each for programs.

use super::print;
use crate::daemon::Event;
use crate::report::time_text;
use crate::source::with_blanks;
use clap::ValueEnum;
use serde_json::Value;

/// The shape of the daemon's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

impl LogFormat {
    /// Prints what happened.
    pub fn tell(self, event: &Event, at_ms: i64) {
        match self {
            LogFormat::Text => print::say(&text_line(event, at_ms)),
            LogFormat::Json => print::say_to_programs(&self.line(event, at_ms)),
        }
    }

    /// `2026-11-11T01:00:00Z info     warm-up@2026-11-11T09:00 is opened: 300 calls`
    pub fn line(self, event: &Event, at_ms: i64) -> String {
        match self {
            LogFormat::Text => with_blanks(&text_line(event, at_ms)),
            LogFormat::Json => Value::Object(event.line(at_ms)).to_string(),
        }
    }
}

fn text_line(event: &Event, at_ms: i64) -> String {
    let at = time_text(at_ms - at_ms.rem_euclid(1_000)).unwrap_or_default();
    let at = at.replace(".000Z", "Z");
    format!("{at} {:<7} {}", event.level().name(), event.sentence())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_MS: i64 = 1_794_358_800_217;

    #[test]
    fn an_event_is_a_line() {
        let event = Event::Opened {
            run: "warm-up@2026-11-11T09:00".parse().unwrap(),
            planned: 300,
            late_ms: 12,
        };
        assert_eq!(
            LogFormat::Text.line(&event, AT_MS),
            "2026-11-11T01:00:00Z info    warm-up@2026-11-11T09:00 is opened: 300 calls"
        );
        assert_eq!(
            LogFormat::Json.line(&event, AT_MS),
            "{\"at\":\"2026-11-11T01:00:00.217Z\",\"campaign\":\"warm-up\",\"event\":\"opened\",\"late_ms\":12,\
             \"level\":\"info\",\"message\":\"warm-up@2026-11-11T09:00 is opened: 300 calls\",\"planned\":300,\
             \"run\":\"warm-up@2026-11-11T09:00\"}"
        );
    }

    #[test]
    fn what_is_said_in_several_lines_is_one_in_the_log() {
        let why = "1 error\n  help: \"mend\" it".to_owned();
        let event = Event::SettingsInvalid { why };
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(format.line(&event, AT_MS).lines().count(), 1);
        }
        let text = LogFormat::Text.line(&event, AT_MS);
        assert!(
            text.starts_with("2026-11-11T01:00:00Z warning the settings"),
            "{text}"
        );
    }
}
