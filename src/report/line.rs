//! One delivery in the log.

use super::reason::reason_text;
use crate::channel::{Answer, Channel, Outcome, Request, code_name, explain};
use crate::delivery::{Delivery, DeliveryReason, EndReason, State};
use crate::identity::{DeliveryKey, Digest, GroupId, Moment, UserId};
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use std::fmt::{self, Write};

/// What all lines of a run share.
#[derive(Clone, Debug)]
pub struct RunFacts {
    pub app: String,
    pub campaign: String,
    /// `2026-11-11T09:00 Asia/Shanghai`
    pub occurrence: String,
    /// What the keys of deliveries are made from.
    pub digest: Digest,
    pub run: String,
    pub channel: &'static str,
    /// The commit it was planned from.
    pub commit: Option<String>,
    /// It went to a group of one's own, and took no occurrence.
    pub test: bool,
    /// What those wait for that have not ended, if it is more than their turn.
    pub waits: Option<String>,
}

/// One delivery as the log tells it. Fields are only ever added.
#[derive(Clone, Debug, Serialize)]
pub struct LogLine<'a> {
    pub app: &'a str,
    pub campaign: &'a str,
    pub occurrence: &'a str,
    pub run: &'a str,
    pub delivery: String,
    pub channel: &'static str,
    /// A broadcast has none.
    pub group: Option<String>,
    pub members: Option<Vec<String>>,
    pub state: &'static str,
    /// Why it stands there, in our words.
    pub reason: Option<String>,
    /// The code of the reason why it ended, unless the vendor's answer is the reason.
    pub reason_code: Option<&'static str>,
    pub attempts: u32,
    pub error_code: Option<u32>,
    /// The vendor's words, or ours where it had none.
    pub error_info: Option<String>,
    pub msg_seq: Option<u64>,
    pub msg_time: Option<String>,
    pub random: Option<u32>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub test: bool,
    /// The commit its run was planned from.
    pub commit: Option<&'a str>,
    #[serde(skip)]
    parts: Parts,
}

/// The parts of a line that users read.
#[derive(Clone, Debug)]
struct Parts {
    is_unknown: bool,
    /// The first part of `reason`, which the answer belongs to.
    present: Option<String>,
    /// The name of the answer's code, unless `present` shows it.
    code: Option<String>,
    /// The words of the answer, unless `present` or the code shows them.
    words: Option<String>,
    /// The rest of `reason`.
    beside: String,
}

/// The first part of a reason, and how much it shows of the last answer.
struct Present {
    text: String,
    shows_code: bool,
    shows_words: bool,
}

impl<'a> LogLine<'a> {
    pub fn new(facts: &'a RunFacts, request: &Request, delivery: &Delivery) -> LogLine<'a> {
        let (group, first) = (request.group.as_ref(), request.members.first());
        let key = DeliveryKey::of(facts.digest, facts.channel, group, first);
        let members: Vec<String> = request.members.iter().map(UserId::to_string).collect();
        // Without it the vendor tells no repetition, so none is sent.
        let random = delivery.random();
        let random = random.filter(|_| request.channel.deduplicates());
        let answer = delivery.last().and_then(Outcome::answer);
        let receipt = delivery.receipt().unwrap_or_default();
        let parts = Parts::new(facts, request.channel, delivery);
        let beside = Some(&parts.beside).filter(|beside| !beside.is_empty());
        let reasons: Vec<&str> = parts
            .present
            .iter()
            .chain(beside)
            .map(String::as_str)
            .collect();
        LogLine {
            app: &facts.app,
            campaign: &facts.campaign,
            occurrence: &facts.occurrence,
            run: &facts.run,
            delivery: key.to_string(),
            channel: facts.channel,
            group: group.map(GroupId::to_string),
            members: (!members.is_empty()).then_some(members),
            state: delivery.state().name(),
            reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
            reason_code: delivery.reason().and_then(DeliveryReason::code),
            attempts: delivery.tries(),
            error_code: answer.map(|answer| answer.code).filter(|code| *code != 0),
            error_info: answer.map(|answer| answer.words(request.channel)),
            msg_seq: receipt.msg_seq,
            msg_time: receipt
                .msg_time
                .and_then(|seconds| time_text(seconds.checked_mul(1_000)?)),
            random: random.map(|random| random.0),
            started_at: delivery.started_at().and_then(moment_text),
            finished_at: delivery.finished_at().and_then(moment_text),
            test: facts.test,
            commit: facts.commit.as_deref(),
            parts,
        }
    }

    pub const COLUMNS: [&'static str; 21] = [
        "app",
        "campaign",
        "occurrence",
        "run",
        "delivery",
        "channel",
        "group",
        "members",
        "state",
        "reason",
        "attempts",
        "error_code",
        "error_info",
        "msg_seq",
        "msg_time",
        "random",
        "started_at",
        "finished_at",
        "test",
        "commit",
        "reason_code",
    ];

    /// The values in the order of [`LogLine::COLUMNS`].
    pub fn cells(&self) -> [String; 21] {
        fn text<T: ToString>(value: Option<&T>) -> String {
            value.map(T::to_string).unwrap_or_default()
        }
        [
            self.app.to_owned(),
            self.campaign.to_owned(),
            self.occurrence.to_owned(),
            self.run.to_owned(),
            self.delivery.clone(),
            self.channel.to_owned(),
            text(self.group.as_ref()),
            text(self.members.as_ref().map(|ids| ids.join(" ")).as_ref()),
            self.state.to_owned(),
            text(self.reason.as_ref()),
            self.attempts.to_string(),
            text(self.error_code.as_ref()),
            text(self.error_info.as_ref()),
            text(self.msg_seq.as_ref()),
            text(self.msg_time.as_ref()),
            text(self.random.as_ref()),
            text(self.started_at.as_ref()),
            text(self.finished_at.as_ref()),
            self.test.to_string(),
            text(self.commit.as_ref()),
            text(self.reason_code.as_ref()),
        ]
    }

    /// A line for people.
    pub fn text(&self) -> String {
        let at = self
            .finished_at
            .as_deref()
            .or(self.started_at.as_deref())
            .unwrap_or("-");
        let group = self.group.as_deref().unwrap_or("(all live rooms)");
        let mut line = format!("{at:<24}  {:<9}  {group}", self.state);
        if let Some(members) = &self.members {
            let _ = write!(line, "  to {}", told(members));
        }
        if let Some(seq) = self.msg_seq {
            let _ = write!(line, "  seq {seq}");
        }
        if self.attempts > 1 {
            let _ = write!(line, "  {} attempts", self.attempts);
        }
        let _ = if self.parts.is_unknown {
            self.parts.write_doubt(&mut line)
        } else {
            self.parts.write_answer(&mut line)
        };
        if !self.parts.beside.is_empty() {
            let between = self.parts.present.as_ref().map_or("  ", |_| "; ");
            let _ = write!(line, "{between}{}", self.parts.beside);
        }
        line
    }
}

impl Parts {
    fn new(facts: &RunFacts, channel: Channel, delivery: &Delivery) -> Parts {
        let answer = delivery.last().and_then(Outcome::answer);
        let present = present(channel, delivery, answer);
        let shows_code = present.as_ref().is_some_and(|present| present.shows_code);
        let shows_words = present.as_ref().is_some_and(|present| present.shows_words);
        // The last word on a skipped delivery is ours, not an answer's.
        let is_sent = delivery.state() != State::Skipped;
        let has_words = |answer: &&Answer| is_sent && !shows_words && answer.tells_more();
        let has_code = |code: &u32| *code != 0 && !shows_code;
        Parts {
            is_unknown: delivery.state() == State::Unknown,
            code: answer
                .map(|answer| answer.code)
                .filter(has_code)
                .map(code_name),
            words: answer.filter(has_words).map(|answer| answer.words(channel)),
            present: present.map(|present| present.text),
            beside: beside(facts, channel, delivery),
        }
    }

    /// Writes the vendor's answer and what it means.
    fn write_answer(&self, line: &mut String) -> fmt::Result {
        if let Some(code) = &self.code {
            write!(line, "  {code}")?;
        }
        if let Some(reason) = &self.present {
            write!(line, "  {reason}")?;
        }
        if let Some(words) = &self.words {
            write!(line, " (\"{words}\")")?;
        }
        Ok(())
    }

    /// Writes why it is unknown. The last answer may be that to another attempt than the one in doubt.
    fn write_doubt(&self, line: &mut String) -> fmt::Result {
        let reason = self.present.as_deref().unwrap_or("no answer");
        write!(line, "  {reason}")?;
        let words = self.words.as_ref().map(|words| format!("\"{words}\""));
        let shown: Vec<String> = self.code.clone().into_iter().chain(words).collect();
        if shown.is_empty() {
            return Ok(());
        }
        write!(line, "; the last answer: {}", shown.join(" "))
    }
}

/// The first members of a call, and how many more there are.
fn told(members: &[String]) -> String {
    const SHOWN: usize = 3;
    let first = members.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    match members.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// RFC 3339, UTC, milliseconds.
pub fn time_text(wall_ms: i64) -> Option<String> {
    DateTime::from_timestamp_millis(wall_ms)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn moment_text(at: Moment) -> Option<String> {
    time_text(at.wall_ms)
}

/// Returns why it stands there.
fn present(channel: Channel, delivery: &Delivery, answer: Option<&Answer>) -> Option<Present> {
    let reason = match (delivery.state(), delivery.reason()) {
        (State::Pending | State::InFlight, _) => return Some(under_way(channel, delivery, answer)),
        // Of what the vendor answered, the table of codes knows more than its words say.
        (State::Refused, Some(DeliveryReason::Refused(refused))) => {
            return Some(Present::of(channel, answer.unwrap_or(refused)));
        }
        (_, reason) => reason?,
    };
    let shows_answer = matches!(
        reason,
        DeliveryReason::Ended(EndReason::AttemptsUsedUp { .. })
    );
    Some(Present {
        text: reason_text(reason, channel),
        shows_code: shows_answer,
        shows_words: shows_answer,
    })
}

impl Present {
    fn plain(text: &str) -> Present {
        Present {
            text: text.to_owned(),
            shows_code: false,
            shows_words: false,
        }
    }

    /// Returns what an answer means.
    fn of(channel: Channel, answer: &Answer) -> Present {
        if answer.code == 0 {
            let words = answer.words(channel);
            return Present {
                shows_words: true,
                ..Present::plain(if words.is_empty() {
                    "no answer"
                } else {
                    &words
                })
            };
        }
        Present {
            shows_words: answer.text.is_empty(),
            ..Present::plain(explain(channel, answer.code).meaning)
        }
    }
}

/// Returns what is known of a delivery that has not ended.
fn under_way(channel: Channel, delivery: &Delivery, answer: Option<&Answer>) -> Present {
    if delivery.on_wire().is_some() {
        return Present::plain("an attempt is on its way");
    }
    if delivery.is_untried() {
        return Present::plain("waits for its turn");
    }
    answer.map_or(Present::plain("no answer"), |answer| {
        Present::of(channel, answer)
    })
}

/// Returns what it waits for, and how it had ended before the operator wanted it sent again.
fn beside(facts: &RunFacts, channel: Channel, delivery: &Delivery) -> String {
    let is_back = delivery.on_wire().is_none() && !delivery.is_untried();
    let next = match delivery.last().filter(|_| is_back && !delivery.has_ended()) {
        Some(Outcome::Unknown(_)) => Some("whether it was delivered is being found out"),
        // A refusal of one attempt says nothing of those before it.
        Some(_) if facts.waits.is_none() && delivery.may_have_arrived() => {
            Some("an earlier attempt may have arrived, so that it is tried again")
        }
        Some(_) if facts.waits.is_none() => Some("it is tried again"),
        _ => None,
    };
    let waits = facts.waits.clone().filter(|_| !delivery.has_ended());
    let earlier = delivery.earlier().map(|earlier| {
        let state = match earlier.state {
            State::Failed => "had failed",
            State::Refused => "was refused",
            State::Skipped => "was skipped",
            State::Pending | State::InFlight | State::Accepted | State::Unknown => "was unknown",
        };
        let why = earlier.reason.as_ref();
        let why = why.map(|why| reason_text(why, channel));
        let why = why.filter(|why| !why.is_empty());
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        format!("retried after it {state}{why}")
    });
    let parts = [next.map(str::to_owned), waits, earlier];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}
