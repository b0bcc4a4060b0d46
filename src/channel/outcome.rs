//! What became of one HTTP attempt, as the vendor's answer tells it.

use super::codes::{explain, is_http_status};
use super::{Cause, Channel};

/// What came back from the far side, before anybody made sense of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// No byte of the request left this machine.
    NotSent(String),
    /// The request may have left, and no whole answer came.
    Lost(String),
    /// The answer is longer than is read.
    TooLong,
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
        let answer = Answer::because(Cause::SignatureExpired);
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

/// The answer to a call, or what is known in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The vendor's code; or the HTTP status, if it is another than the vendor's 200; or 0.
    pub code: u32,
    /// The words that came with it: the vendor's, or the network's where the vendor did not answer. Often empty.
    pub text: String,
    /// Set where this program knows better than the words what happened.
    pub cause: Option<Cause>,
}

impl Answer {
    /// Longer words are cut: they come from outside and end up in the journal.
    const TEXT_MAX: usize = 300;

    pub fn new(code: u32, text: &str) -> Answer {
        Answer {
            code,
            text: clean(text),
            cause: None,
        }
    }

    /// Returns what the network said of a call that the vendor did not answer.
    pub fn none(text: &str) -> Answer {
        Answer::new(0, text)
    }

    pub fn because(cause: Cause) -> Answer {
        Answer::because_of(cause, "")
    }

    /// Returns an answer with a cause and the vendor's word for it.
    pub fn because_of(cause: Cause, text: &str) -> Answer {
        Answer {
            cause: Some(cause),
            ..Answer::none(text)
        }
    }

    /// Returns the words for users: the vendor's, or ours where it had none.
    pub fn words(&self, channel: Channel) -> String {
        match self.cause {
            Some(cause) => cause.words(&self.text),
            None if self.text.is_empty() && self.code != 0 => {
                explain(channel, self.code).meaning.to_owned()
            }
            None => self.text.clone(),
        }
    }

    /// Returns the code and the words, such as `70009 wrong key`.
    pub fn summary(&self, channel: Channel) -> String {
        let words = self.words(channel);
        if self.code == 0 || self.cause.is_some() || self.names_code() {
            return words;
        }
        if is_http_status(self.code) {
            format!("{} {words}", code_name(self.code))
        } else {
            format!("{} {words}", self.code)
        }
    }

    /// Decides whether [`Answer::words`] say more to users than the code beside them.
    pub fn tells_more(&self) -> bool {
        let behind = code_in(&self.text).filter(|(code, _)| *code == self.code);
        let words = behind.map_or(self.text.as_str(), |(_, words)| words);
        let has_words = words.contains(char::is_alphanumeric);
        self.cause.is_some() || has_words || (self.text.is_empty() && self.code != 0)
    }

    /// Decides whether the words begin with the code themselves, so that users need not read it twice.
    fn names_code(&self) -> bool {
        code_in(&self.text).is_some_and(|(code, _)| code == self.code)
    }
}

/// Returns words without control characters, and without a signature.
fn clean(text: &str) -> String {
    if text.to_lowercase().contains("usersig=") {
        return "(words that repeat the request's signature)".to_owned();
    }
    let clean = text
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each });
    clean.take(Answer::TEXT_MAX).collect()
}

/// Returns the code that words begin with, such as `code 60004` or `ErrorCode: 60004`, and the words behind it.
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

    const CHANNEL: Channel = Channel::GroupMessage;

    #[test]
    fn code_that_the_words_name_is_shown_once() {
        for (code, text, shown, tells_more) in [
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
            (60_004, "", "60004 the account check failed", true),
            (502, "HTTP 502", "HTTP 502", false),
            (502, "bad gateway", "HTTP 502 bad gateway", true),
            (0, "connection refused", "connection refused", true),
            (0, "", "", false),
        ] {
            let answer = Answer::new(code, text);
            assert_eq!(answer.summary(CHANNEL), shown);
            assert_eq!(answer.tells_more(), tells_more, "{text}");
        }
    }

    #[test]
    fn cause_is_shown_instead_of_a_code() {
        for (answer, shown) in [
            (
                Answer::because(Cause::NotJson),
                "the answer is not the vendor's JSON",
            ),
            (
                Answer::because_of(Cause::StatusNotOk, "FAIL"),
                "code 0, but status `FAIL`",
            ),
            (
                Answer::because_of(Cause::Dropped, "MsgFreqCtrl"),
                "dropped: MsgFreqCtrl",
            ),
        ] {
            assert_eq!(answer.summary(CHANNEL), shown);
            assert_eq!(answer.words(CHANNEL), shown);
            assert!(answer.tells_more());
        }
    }

    #[test]
    fn each_cause_has_a_name_of_its_own() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_name(cause.name()), Some(cause));
        }
        assert_eq!(Cause::from_name("taken back"), None);
    }
}
