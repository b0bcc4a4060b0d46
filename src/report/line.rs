//! One delivery in the log.

use crate::channel::{Answer, Channel, Outcome, Request, code_name, explain};
use crate::delivery::{Delivery, State};
use crate::identity::{DeliveryKey, Digest, GroupId, Moment, UserId};
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use std::fmt::Write;

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
    /// The first part of `reason`, which the vendor's words belong to, and the rest.
    #[serde(skip)]
    present: Option<String>,
    #[serde(skip)]
    beside: String,
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
        let present = present(request.channel, delivery, answer);
        let beside = beside(facts, delivery);
        let reasons: Vec<&str> = present.iter().chain(&beside).map(String::as_str).collect();
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
            attempts: delivery.tries(),
            error_code: answer.map(|answer| answer.code).filter(|code| *code != 0),
            error_info: answer.map(|answer| answer.info.clone()),
            msg_seq: receipt.msg_seq,
            msg_time: receipt
                .msg_time
                .and_then(|seconds| time_text(seconds.checked_mul(1_000)?)),
            random: random.map(|random| random.0),
            started_at: delivery.started_at().and_then(moment_text),
            finished_at: delivery.finished_at().and_then(moment_text),
            test: facts.test,
            commit: facts.commit.as_deref(),
            beside: beside.join("; "),
            present,
        }
    }

    pub const COLUMNS: [&'static str; 20] = [
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
    ];

    /// The values in the order of [`LogLine::COLUMNS`].
    pub fn cells(&self) -> [String; 20] {
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
        if self.state == State::Unknown.name() {
            self.doubt(&mut line);
        } else {
            self.answer(&mut line);
        }
        if !self.beside.is_empty() {
            let is_more = self.present.is_some() || self.words().is_some();
            let between = if is_more { "; " } else { "  " };
            let _ = write!(line, "{between}{}", self.beside);
        }
        line
    }
}

impl LogLine<'_> {
    /// What the vendor answered, and what that means.
    fn answer(&self, line: &mut String) {
        if let Some(code) = self.code() {
            let _ = write!(line, "  {code}");
        }
        let _ = match (self.present.as_deref(), self.words()) {
            (Some(reason), Some(info)) if !reason.contains(info) => {
                write!(line, "  {reason} (\"{info}\")")
            }
            (Some(why), _) | (None, Some(why)) => write!(line, "  {why}"),
            (None, None) => Ok(()),
        };
    }

    /// Why nobody knows what became of it: the last answer may be that to another attempt than the one in doubt.
    fn doubt(&self, line: &mut String) {
        let reason = self.present.as_deref().unwrap_or("no answer");
        let _ = write!(line, "  {reason}");
        let words = self.words().filter(|words| !reason.contains(words));
        let words = words.map(|words| format!("\"{words}\""));
        let said: Vec<String> = self.code().into_iter().chain(words).collect();
        if !said.is_empty() {
            let _ = write!(line, "; the last answer: {}", said.join(" "));
        }
    }

    /// The code of the answer, unless the reason names it.
    fn code(&self) -> Option<String> {
        let reason = self.present.as_deref().unwrap_or_default();
        let code = self.error_code.map(code_name);
        code.filter(|code| !reason.contains(code.as_str()))
    }

    /// The vendor's words, where they say more than the code beside them.
    fn words(&self) -> Option<&str> {
        // What was never sent was answered by nobody: the words would be ours.
        let is_sent = self.state != State::Skipped.name();
        let info = self.error_info.as_deref().filter(|_| is_sent)?;
        let answer = Answer::new(self.error_code.unwrap_or_default(), info);
        answer.tells_more().then_some(info)
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

/// Why it stands there.
fn present(channel: Channel, delivery: &Delivery, answer: Option<&Answer>) -> Option<String> {
    match delivery.state() {
        State::Pending | State::InFlight => Some(under_way(channel, delivery, answer).to_owned()),
        // Of what the vendor answered, the table of codes knows more than its words say.
        State::Refused => meaning(channel, answer)
            .or(delivery.reason())
            .map(str::to_owned),
        _ => delivery.reason().map(str::to_owned),
    }
}

/// What it waits for, and how it had ended before a person wanted it sent again.
fn beside(facts: &RunFacts, delivery: &Delivery) -> Vec<String> {
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
            _ => "was unknown",
        };
        let why = earlier.reason.as_deref().filter(|why| !why.is_empty());
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        format!("retried after it {state}{why}")
    });
    let parts = [next.map(str::to_owned), waits, earlier];
    parts.into_iter().flatten().collect()
}

fn meaning(channel: Channel, answer: Option<&Answer>) -> Option<&'static str> {
    let answer = answer.filter(|answer| answer.code != 0)?;
    Some(explain(channel, answer.code).meaning)
}

/// What is known of a delivery that has not ended.
fn under_way<'a>(channel: Channel, delivery: &Delivery, answer: Option<&'a Answer>) -> &'a str {
    if delivery.on_wire().is_some() {
        return "an attempt is on its way";
    }
    if delivery.is_untried() {
        return "waits for its turn";
    }
    let last = meaning(channel, answer).or(answer.map(|answer| answer.info.as_str()));
    last.filter(|words| !words.is_empty())
        .unwrap_or("no answer")
}
