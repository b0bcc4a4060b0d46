//! What is posted: one event as JSON, or some lines in the shape that a chat tool takes.

use super::queue::{Note, Queue};
use crate::settings::Format;
use serde_json::{Value, json};
use std::time::Duration;

/// The least of what the chat tools take, which is `WeCom`'s 2,048 bytes, with room for what is made harmless.
const TEXT_BYTES_MAX: usize = 1_800;
/// Chat tools take twenty messages a minute. What happens meanwhile goes out together.
const CHAT_GAP: Duration = Duration::from_secs(3);
/// Also the keyword that a robot may ask for.
const SENDER: &str = "campanile";

/// Takes from the queue as much as one post holds, with the events that are in it.
pub(super) fn take(queue: &Queue, format: Format) -> Option<(Value, Vec<Note>)> {
    let first = queue.take_if(|_| true)?;
    if format == Format::Json {
        let body = Value::Object(first.event.line(first.at_ms));
        return Some((body, vec![first]));
    }
    let mut text = cut(&line(&first));
    let mut notes = vec![first];
    while let Some(note) = queue.take_if(|note| text.len() + 1 + line(note).len() <= TEXT_BYTES_MAX)
    {
        text = format!("{text}\n{}", line(&note));
        notes.push(note);
    }
    Some((shaped(format, &text), notes))
}

/// How long to wait after a post.
pub(super) fn gap(format: Format) -> Duration {
    match format {
        Format::Json => Duration::ZERO,
        _ => CHAT_GAP,
    }
}

/// What went wrong, where an answer says so although its status is good. Only the number: words may repeat the address.
pub(super) fn refusal(format: Format, answer: &[u8]) -> Option<String> {
    let key = match format {
        Format::Wecom | Format::Dingtalk => "errcode",
        Format::Feishu => "code",
        Format::Json | Format::Slack | Format::Teams => return None,
    };
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let code = answer.get(key)?.as_i64()?;
    (code != 0).then(|| format!("it answers with `{key}` {code}"))
}

fn line(note: &Note) -> String {
    format!("{SENDER}: {}", note.event.text())
}

fn cut(text: &str) -> String {
    const MORE: &str = "\u{2026}";
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(TEXT_BYTES_MAX - MORE.len());
    format!("{}{MORE}", &text[..end])
}

fn shaped(format: Format, text: &str) -> Value {
    match format {
        Format::Json => json!(text),
        Format::Slack => json!({ "text": escaped(text) }),
        Format::Wecom | Format::Dingtalk => {
            json!({ "msgtype": "text", "text": { "content": text } })
        }
        Format::Feishu => {
            // `<at user_id="all">` would call everybody.
            let content = text.replace('<', "\u{ff1c}");
            json!({ "msg_type": "text", "content": { "text": content } })
        }
        Format::Teams => card(text),
    }
}

/// As Slack asks for, which takes `<!channel>` for a call to everybody.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// An adaptive card of plain text: a `TextBlock` would read it as Markdown.
fn card(text: &str) -> Value {
    let paragraph = |line: &str| json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": line }] });
    let body: Vec<Value> = text.lines().map(paragraph).collect();
    let content = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": body,
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": content,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::Event;

    fn told(texts: &[&str], format: Format) -> Vec<Value> {
        let queue = Queue::default();
        for why in texts {
            let why = (*why).to_owned();
            queue.put(Event::SettingsInvalid { why }, 0);
        }
        std::iter::from_fn(|| take(&queue, format))
            .map(|(body, _)| body)
            .collect()
    }

    const SAID: &str = "campanile: the settings are invalid, and those before them hold:";

    #[test]
    fn each_chat_tool_gets_its_shape() {
        let text = format!("{SAID} <!channel> a&b");
        assert_eq!(
            told(&["<!channel> a&b"], Format::Slack),
            [json!({ "text": format!("{SAID} &lt;!channel&gt; a&amp;b") })]
        );
        let plain = json!({ "msgtype": "text", "text": { "content": text } });
        for format in [Format::Wecom, Format::Dingtalk] {
            assert_eq!(told(&["<!channel> a&b"], format)[0], plain);
        }
        assert_eq!(
            told(&["<at user_id=\"all\">"], Format::Feishu),
            [json!({
                "msg_type": "text",
                "content": { "text": format!("{SAID} \u{ff1c}at user_id=\"all\">") },
            })]
        );
        let card = &told(&["*a*", "b"], Format::Teams)[0];
        let body = card.pointer("/attachments/0/content/body").unwrap();
        let run = |text: String| json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text }] });
        let expected = [run(format!("{SAID} *a*")), run(format!("{SAID} b"))];
        assert_eq!(*body, json!(expected));
    }

    #[test]
    fn what_waits_goes_out_together_as_far_as_a_chat_tool_takes_it() {
        let long = "x".repeat(500);
        let posts = told(&[long.as_str(); 5], Format::Wecom);
        let content = |post: &Value| {
            post.pointer("/text/content")
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        let lines: Vec<usize> = posts
            .iter()
            .map(|post| content(post).lines().count())
            .collect();
        assert_eq!(lines, [3, 2]);
        let endless = "\u{4e2d}".repeat(2_000);
        let posts = told(&[endless.as_str(), "b"], Format::Wecom);
        assert_eq!(posts.len(), 2);
        assert!(content(&posts[0]).len() <= TEXT_BYTES_MAX);
        assert!(content(&posts[0]).ends_with("\u{4e2d}\u{2026}"));
    }

    #[test]
    fn for_programs_each_event_is_one_post() {
        let posts = told(&["a", "b"], Format::Json);
        assert_eq!(posts.len(), 2);
        assert_eq!(posts[1]["event"], "settings_invalid");
        assert_eq!(posts[1]["why"], "b");
        assert_eq!(posts[1]["at"], "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn an_answer_may_refuse_although_its_status_is_good() {
        let refused = |format, answer: &str| refusal(format, answer.as_bytes());
        let invalid = "{\"errcode\":93000,\"errmsg\":\"invalid webhook url\"}";
        assert_eq!(
            refused(Format::Wecom, invalid),
            Some("it answers with `errcode` 93000".to_owned())
        );
        assert_eq!(
            refused(Format::Dingtalk, "{\"errcode\":0,\"errmsg\":\"ok\"}"),
            None
        );
        assert_eq!(
            refused(Format::Feishu, "{\"code\":19001,\"msg\":\"\"}"),
            Some("it answers with `code` 19001".to_owned())
        );
        assert_eq!(
            refused(Format::Feishu, "{\"StatusCode\":0,\"code\":0}"),
            None
        );
        assert_eq!(refused(Format::Slack, "ok"), None);
    }
}
