//! What became of one HTTP attempt, as the vendor's answer tells it.

use super::Channel;
use super::codes::{explain, is_http_status};
use std::fmt;

/// What came back from the far side, before anybody made sense of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// No byte of the request left this machine.
    NotSent(String),
    /// The request may have left, and no whole answer came.
    Lost(String),
    /// A whole HTTP answer.
    Answered {
        status: u16,
        body: Vec<u8>,
        /// The number of the signature that the call was made with.
        signature: u64,
    },
}

/// What one attempt proved. Everything but `Unknown` and `Accepted` proves that it was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted(Receipt),
    /// Not delivered, and never will be.
    Refused(Answer),
    /// Not delivered: too fast.
    Throttled(Scope, Answer),
    /// Not delivered; another try may pass.
    Failed(Failure, Answer),
    /// Perhaps delivered.
    Unknown(Answer),
}

impl Outcome {
    /// What was answered, if that was no acceptance.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Outcome::Accepted(_) => None,
            Outcome::Refused(answer)
            | Outcome::Throttled(_, answer)
            | Outcome::Failed(_, answer)
            | Outcome::Unknown(answer) => Some(answer),
        }
    }

    /// Whether the signature of the call is of no use any more.
    pub fn wants_new_signature(&self, channel: Channel) -> bool {
        self.answer()
            .is_some_and(|answer| explain(channel, answer.code).signs_anew)
    }

    /// Of a call whose signature is of no use, but is not that of calls made now: that says nothing of those.
    pub fn signed_before() -> Outcome {
        let answer = Answer::none("the UserSig expired; calls are signed anew by now");
        Outcome::Failed(Failure::NotExecuted, answer)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// `MsgSeq`: the message's number in its group.
    pub msg_seq: Option<u64>,
    /// `MsgTime`: Unix seconds at the vendor.
    pub msg_time: Option<i64>,
}

/// What was too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Lane,
    Group,
}

/// Why an attempt is surely not delivered though nobody refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Recorded as Started, but taken back before it went out.
    NotSent,
    /// There was no connection.
    NoConnection,
    /// The vendor answered that it did not execute the call.
    NotExecuted,
    /// As `NotExecuted`, and no call of this run will fare better.
    Stop,
}

/// What a call was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The vendor's code; or the HTTP status, if it is another than the vendor's 200; or 0.
    pub code: u32,
    /// The vendor's words, or ours where it had none.
    pub info: String,
}

impl Answer {
    /// Longer words are cut; they are somebody else's and end up in the journal.
    const INFO_MAX: usize = 300;

    pub fn new(code: u32, info: &str) -> Answer {
        if info.to_lowercase().contains("usersig=") {
            return Answer {
                code,
                info: "(words that repeat the request's signature)".to_owned(),
            };
        }
        let clean = info
            .chars()
            .map(|each| if each.is_control() { ' ' } else { each });
        Answer {
            code,
            info: clean.take(Self::INFO_MAX).collect(),
        }
    }

    /// An answer that is ours, about a call the vendor did not answer.
    pub fn none(info: &str) -> Answer {
        Answer::new(0, info)
    }

    /// Whether the words say more than the code.
    pub fn tells_more(&self) -> bool {
        let behind = code_in(&self.info).filter(|(code, _)| *code == self.code);
        let words = behind.map_or(self.info.as_str(), |(_, words)| words);
        words.contains(char::is_alphanumeric)
    }

    /// Whether the words begin with the code themselves.
    fn names_code(&self) -> bool {
        code_in(&self.info).is_some_and(|(code, _)| code == self.code)
    }
}

/// The code that words begin with, such as `code 60004` or `ErrorCode: 60004`, and what is said behind it.
fn code_in(words: &str) -> Option<(u32, &str)> {
    const NAMES: [&str; 3] = ["http", "error", "code"];
    let mut rest = words;
    loop {
        rest = rest.trim_start_matches([' ', ':', '=', '_', '-']);
        let named = NAMES.iter().find_map(|name| {
            let (head, behind) = rest.split_at_checked(name.len())?;
            head.eq_ignore_ascii_case(name).then_some(behind)
        });
        let Some(behind) = named else { break };
        rest = behind;
    }
    let end = rest.find(|each: char| !each.is_ascii_digit());
    let (code, behind) = rest.split_at(end.unwrap_or(rest.len()));
    Some((code.parse().ok()?, behind))
}

impl From<&str> for Answer {
    /// Reads what `Display` wrote.
    fn from(text: &str) -> Answer {
        // The vendor's words named their code.
        if let Some((code, _)) = code_in(text).filter(|_| text.starts_with(char::is_alphabetic))
            && !is_http_status(code)
        {
            return Answer::new(code, text);
        }
        let behind = text.trim_start_matches("HTTP ");
        let (code, info) = behind.split_once(' ').unwrap_or((behind, ""));
        match code.parse() {
            Ok(code) => Answer::new(code, info),
            Err(_) => Answer::none(text),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = if is_http_status(self.code) {
            code_name(self.code)
        } else {
            self.code.to_string()
        };
        match (self.code, self.info.is_empty()) {
            (0, _) => formatter.write_str(&self.info),
            (_, true) => formatter.write_str(&code),
            (_, false) if self.names_code() => formatter.write_str(&self.info),
            (_, false) => write!(formatter, "{code} {}", self.info),
        }
    }
}

/// `code 70009`, or `HTTP 404`.
pub fn code_name(code: u32) -> String {
    if is_http_status(code) {
        format!("HTTP {code}")
    } else {
        format!("code {code}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_the_words_name_is_said_once() {
        for (code, info, said, tells_more) in [
            (60_004, "code 60004", "code 60004", false),
            (60_004, "60004", "60004", false),
            (60_004, "ErrorCode: 60004.", "ErrorCode: 60004.", false),
            (
                60_004,
                "code 60004, no account",
                "code 60004, no account",
                true,
            ),
            (60_004, "no account", "60004 no account", true),
            (60_004, "600041 accounts", "60004 600041 accounts", true),
            (60_004, "错误", "60004 错误", true),
            (60_004, "", "60004", false),
            (502, "HTTP 502", "HTTP 502", false),
            (502, "bad gateway", "HTTP 502 bad gateway", true),
            (0, "code 0, but no status", "code 0, but no status", true),
        ] {
            let answer = Answer::new(code, info);
            assert_eq!(answer.to_string(), said);
            assert_eq!(answer.tells_more(), tells_more, "{info}");
            assert_eq!(Answer::from(said).to_string(), said);
            assert_eq!(Answer::from(said).code, code, "{said}");
        }
    }
}
