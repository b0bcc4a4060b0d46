//! From the vendor's reply to an Outcome.

use super::codes::{Class, explain};
use super::{Answer, Cause, Channel, Failure, Outcome, Receipt, Reply, Scope};
use serde::Deserialize;
use serde_json::Value;

/// The members of an answer that matter; the vendor adds members at will.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    action_status: Option<String>,
    error_code: u32,
    error_info: Option<String>,
    msg_seq: Option<Value>,
    msg_time: Option<Value>,
    msg_drop_reason: Option<String>,
}

/// Delivered is proved by `ErrorCode` 0 and OK without a drop reason; not delivered by no connection, a code that
/// says so, or a drop reason. All else proves nothing.
pub fn decode(channel: Channel, reply: &Reply) -> Outcome {
    match reply {
        Reply::NotSent(why) => Outcome::Failed(Failure::NoConnection, Answer::none(why)),
        Reply::Lost(why) => Outcome::Unknown(Answer::none(why)),
        Reply::TooLong => Outcome::Unknown(Answer::because(Cause::TooLong)),
        Reply::Answered {
            status: 200, body, ..
        } => match serde_json::from_slice::<Body>(body) {
            Ok(body) => understand(channel, &body),
            Err(_) => Outcome::Unknown(Answer::because(Cause::NotJson)),
        },
        Reply::Answered { status, .. } => by_status(*status),
    }
}

fn understand(channel: Channel, body: &Body) -> Outcome {
    if body.error_code != 0 {
        return by_code(channel, body);
    }
    if let Some(reason) = body
        .msg_drop_reason
        .as_deref()
        .filter(|reason| !reason.is_empty())
    {
        let answer = Answer::because_of(Cause::Dropped, reason);
        return Outcome::Throttled(Scope::Group, answer);
    }
    let status = body.action_status.as_deref().unwrap_or_default();
    if status != "OK" {
        return Outcome::Unknown(Answer::because_of(Cause::StatusNotOk, status));
    }
    // A number that is none, or none that can be kept, takes nothing away from the acceptance.
    let msg_seq = body
        .msg_seq
        .as_ref()
        .and_then(Value::as_i64)
        .and_then(|seq| u64::try_from(seq).ok());
    Outcome::Accepted(Receipt {
        msg_seq,
        msg_time: body.msg_time.as_ref().and_then(Value::as_i64),
    })
}

fn by_code(channel: Channel, body: &Body) -> Outcome {
    let text = body.error_info.as_deref().unwrap_or_default();
    let answer = Answer::new(body.error_code, text);
    match explain(channel, body.error_code).class {
        Class::Retry => Outcome::Failed(Failure::NotExecuted, answer),
        Class::Check => Outcome::Unknown(answer),
        Class::SlowLane => Outcome::Throttled(Scope::Lane, answer),
        Class::SlowGroup => Outcome::Throttled(Scope::Group, answer),
        Class::Refuse => Outcome::Refused(answer),
        Class::Stop => Outcome::Failed(Failure::Stop, answer),
    }
}

/// The vendor answers 200 to everything that reached the application. Others come from something in front of it, which
/// proves nothing: a 403 may well be about the answer. That a 4xx stops the run stands in the table of codes.
fn by_status(status: u16) -> Outcome {
    Outcome::Unknown(Answer::new(status.into(), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(body: &str) -> Outcome {
        decode(
            Channel::GroupMessage,
            &Reply::Answered {
                status: 200,
                body: body.into(),
                signature: 0,
            },
        )
    }

    #[test]
    fn only_a_plain_ok_is_accepted() {
        let ok = outcome(
            r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":1497249503,"MsgSeq":1}"#,
        );
        assert_eq!(
            ok,
            Outcome::Accepted(Receipt {
                msg_seq: Some(1),
                msg_time: Some(1_497_249_503)
            })
        );
        let dropped =
            outcome(r#"{"ActionStatus":"OK","ErrorCode":0,"MsgDropReason":"MsgFreqCtrl"}"#);
        assert!(matches!(dropped, Outcome::Throttled(Scope::Group, _)));
        assert!(matches!(
            outcome(r#"{"ActionStatus":"FAIL","ErrorCode":0}"#),
            Outcome::Unknown(_)
        ));
        assert!(matches!(outcome("<html>502</html>"), Outcome::Unknown(_)));
        assert!(matches!(
            outcome(r#"{"ActionStatus":"OK"}"#),
            Outcome::Unknown(_)
        ));
    }

    #[test]
    fn odd_numbers_and_missing_words_take_nothing_away() {
        for odd in [
            r#""MsgSeq":18446744073709551615"#,
            r#""MsgSeq":"7""#,
            r#""MsgSeq":-1,"ErrorInfo":null"#,
        ] {
            let body = format!(r#"{{"ActionStatus":"OK","ErrorCode":0,{odd}}}"#);
            assert_eq!(
                outcome(&body),
                Outcome::Accepted(Receipt::default()),
                "{odd}"
            );
        }
    }

    #[test]
    fn an_answer_that_repeats_the_signature_is_not_kept() {
        let Outcome::Unknown(answer) =
            outcome(r#"{"ErrorCode":4711,"ErrorInfo":"at /v4?usersig=eJx*"}"#)
        else {
            panic!("an unknown code proves nothing")
        };
        assert!(!answer.text.contains("eJx"), "{answer:?}");
    }

    #[test]
    fn a_code_is_the_truth_whatever_the_status_says() {
        assert!(matches!(
            outcome(r#"{"ActionStatus":"OK","ErrorCode":10010}"#),
            Outcome::Refused(_)
        ));
        assert!(matches!(
            outcome(r#"{"ErrorCode":60007}"#),
            Outcome::Throttled(Scope::Lane, _)
        ));
        assert!(matches!(
            outcome(r#"{"ErrorCode":70009}"#),
            Outcome::Failed(Failure::Stop, _)
        ));
        assert!(matches!(
            outcome(r#"{"ErrorCode":10002}"#),
            Outcome::Unknown(_)
        ));
    }

    #[test]
    fn what_proves_nothing_is_unknown() {
        for status in [204, 301, 302, 401, 403, 404, 408, 429, 500, 502, 504] {
            let reply = Reply::Answered {
                status,
                body: r#"{"ActionStatus":"OK","ErrorCode":0}"#.into(),
                signature: 0,
            };
            assert!(
                matches!(decode(Channel::GroupMessage, &reply), Outcome::Unknown(_)),
                "{status}"
            );
        }
        let reply = Reply::Lost("reset".to_owned());
        assert!(matches!(
            decode(Channel::GroupMessage, &reply),
            Outcome::Unknown(_)
        ));
    }
}
