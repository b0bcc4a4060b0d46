//! What `preview` shows: the very bytes that are sent, and what people make of them.

use super::arrivals::Arrivals;
use super::place::{Ended, Place};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::fs;
use unicode_width::UnicodeWidthStr;

/// A preview as JSON, its bodies as the text they are.
#[derive(Deserialize)]
struct Shown {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    body: Option<Box<RawValue>>,
}

fn bodies(preview: &Ended) -> Vec<String> {
    let shown: Shown = serde_json::from_str(&preview.out).unwrap();
    let bodies = shown.messages.iter().filter_map(|each| each.body.as_ref());
    let mut bodies: Vec<String> = bodies.map(|body| body.get().to_owned()).collect();
    bodies.sort();
    bodies
}

/// A body as it arrived, without what is chosen when it is sent.
fn without_random(body: &str) -> String {
    let Some((before, rest)) = body.split_once("\"Random\":") else {
        return body.to_owned();
    };
    let (_, after) = rest.split_once(',').unwrap();
    format!("{before}{after}")
}

const CITIES: [&str; 6] = [
    "Shenzhen",
    "“北京”",
    "القاهرة",
    "a\"b\\c",
    "🎉 <b>&amp;",
    "x\u{200f}y\tz",
];
const LOCALES: [&str; 3] = ["zh", "ar", "en"];
const TEXTS: [&str; 4] = [
    "Hello {{ group.city }}, {{ bonus }} coins",
    "{{ occurrence.at }} {{ occurrence.weekday }} {{ delivery.key }}\nsecond line",
    "{% if group.size > 3 %}many{% else %}few{% endif %} in {{ group.city | upper }} {{ bucket(3) }}",
    "{{ group.city }} {{ campaign.name }}",
];

#[derive(Clone, Debug)]
struct Written {
    groups: Vec<(usize, usize, u32)>,
    /// A word for each member of every group.
    members: Option<Vec<u8>>,
    text: usize,
    is_chosen: bool,
    has_elements: bool,
}

fn written() -> impl Strategy<Value = Written> {
    let group = (0..CITIES.len(), 0..LOCALES.len(), 0_u32..7);
    let members = prop::option::of(prop::collection::vec(0_u8..3, 1..6));
    let groups = prop::collection::vec(group, 1..6);
    (
        groups,
        members,
        0..TEXTS.len(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(groups, members, text, is_chosen, has_elements)| Written {
            groups,
            members,
            text,
            is_chosen,
            has_elements,
        })
}

impl Written {
    /// JSON is YAML.
    fn campaign(&self) -> String {
        let personal = if self.members.is_some() {
            " {{ member.word }}"
        } else {
            ""
        };
        let text = format!("{}{personal}", TEXTS[self.text]);
        let text = if self.is_chosen {
            let cases = json!({ "zh": format!("中文：{text}"), "ar": format!("مرحبا {text}") });
            json!({ "by": "group.locale", "cases": cases, "otherwise": text })
        } else {
            json!(text)
        };
        let mut message = json!({
            "from_account": "leckie",
            "priority": "high",
            "cloud_custom_data_json": { "key": "{{ delivery.key }}", "share": 0.5 },
            "offline_push": { "title": text, "ext_json": { "a": [1, 2.5, true, null] } },
        });
        if self.has_elements {
            let custom = json!({ "data_json": { "city": "{{ group.city }}" }, "desc": "[d]" });
            message["elements"] =
                json!([{ "text": text }, { "face": { "index": 3 } }, { "custom": custom }]);
        } else {
            message["text"] = text;
        }
        let groups = self.groups.iter().enumerate();
        let groups: Vec<Value> = groups
            .map(|(at, (city, locale, size))| {
                let variables =
                    json!({ "city": CITIES[*city], "locale": LOCALES[*locale], "size": size });
                json!({ "id": format!("@TGS#{at}"), "variables": variables })
            })
            .collect();
        let mut audience = json!({ "groups": groups });
        if self.members.is_some() {
            audience["member_files"] = json!(["audiences/members.csv"]);
        }
        let campaign = json!({
            "variables": { "bonus": 88 },
            "audience": audience,
            "send": { "group_message": message },
        });
        campaign.to_string()
    }

    fn members(&self) -> String {
        let words = self.members.iter().flatten().enumerate();
        let rows: Vec<String> = words
            .map(|(at, word)| format!("user{at},\"word, {word}\""))
            .collect();
        format!("member,word\n{}\n", rows.join("\n"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_preview_is_byte_for_byte_what_arrives(written in written()) {
        let arrivals = Arrivals::listen();
        let place = Place::with_news(&arrivals.endpoint(), 1);
        place.write("campaigns/news.yaml", &written.campaign());
        place.write("audiences/members.csv", &written.members());
        assert_same(&place, &arrivals);
    }
}

/// Sends `news`, and holds a preview of the same occurrence beside what arrived.
fn assert_same(place: &Place, arrivals: &Arrivals) {
    let sent = place.run(&["run", "news", "--yes", "--force", "-o", "json"]);
    sent.assert(0, &[]);
    let run: Value = serde_json::from_str(&sent.out).unwrap();
    let occurrence = run["occurrence"].as_str().unwrap();
    let (local, _) = occurrence.split_once(' ').unwrap();
    let preview = [
        "preview", "news", "--for", local, "-n", "1000", "-o", "json",
    ];
    let preview = place.run(&preview);
    preview.assert(0, &[]);
    let mut arrived: Vec<String> = arrivals
        .bodies()
        .iter()
        .map(|body| without_random(body))
        .collect();
    arrived.sort();
    assert!(!arrived.is_empty());
    assert_eq!(bodies(&preview), arrived);
    let told: Value = serde_json::from_str(&preview.out).unwrap();
    assert_eq!(told["occurrence"], run["occurrence"]);
    assert_eq!(told["planned"], run["planned"]);
}

#[test]
fn so_is_that_of_a_notification_and_of_a_broadcast() {
    for send in [
        "audience: { groups: [g1, g2] }\nsend: { notification: { text: \"{{ group.id }} {{ delivery.key }}\" } }\n",
        "send: { broadcast: { text: \"{{ occurrence.at }} {{ delivery.key }}\" } }\n",
    ] {
        let arrivals = Arrivals::listen();
        let place = Place::with_news(&arrivals.endpoint(), 1);
        place.write("campaigns/news.yaml", send);
        assert_same(&place, &arrivals);
    }
}

#[test]
fn every_example_is_shown_on_eighty_columns() {
    let place = Place::of_the_examples();
    for file in fs::read_dir("campaigns").unwrap() {
        let path = file.unwrap().path();
        let example = path.to_str().unwrap();
        let now = ["--now", "2030-01-01T00:00:00+08:00"];
        let ended = place.run(&[["preview", example].as_slice(), &now].concat());
        ended.assert(
            0,
            &[
                "campaign  ",
                "occurrence  ",
                "── altogether ──",
                "first call  ",
            ],
        );
        for line in ended.out.lines() {
            assert!(line.width() <= 80, "{example}: {line}");
            assert!(!line.contains('\u{1b}'), "{example}: {line}");
        }
    }
}

#[test]
fn it_is_a_chat_with_counts_behind_it() {
    let place = Place::of_the_examples();
    let now = ["--now", "2030-01-01T00:00:00+08:00"];
    let shown = place.run(&[["preview", "red-packet", "-n", "1"].as_slice(), &now].concat());
    shown.assert(
        0,
        &[
            "Friday 2030-01-04 10:00 Asia/Shanghai (the next)",
            "── @TGS#2CITY0000 ──",
            "  from leckie\n  │ A red packet for Shenzhen\n  │ [face 6]\n  │ [custom] [red packet]\n",
            "push Shenzhen: A red packet is waiting",
            "sent as: priority High; data",
            ", the longest ──",
            "299 calls to 299 groups",
            "about 2030-01-04 10:00:01",
        ],
    );
}

#[test]
fn each_text_of_a_chosen_template_has_a_sample_and_a_count() {
    let place = Place::of_the_examples();
    let shown = place.run(&["preview", "regional-update", "-n", "1", "-o", "json"]);
    let told: Value = serde_json::from_str(&shown.out).unwrap();
    let messages = told["messages"].as_array().unwrap();
    let cases: Vec<&str> = messages
        .iter()
        .filter_map(|message| message["cases"][0]["case"].as_str())
        .collect();
    for case in ["zh", "ja", "no"] {
        assert!(cases.contains(&case), "{case}: {cases:?}");
    }
    let counted = told["cases"].as_array().unwrap().iter();
    let calls: u64 = counted.map(|case| case["calls"].as_u64().unwrap()).sum();
    assert_eq!(Some(calls), told["planned"].as_u64());
    let first = &messages[0];
    assert_eq!(first["variables"]["group.city"], "Boston");
    assert_eq!(first["body"]["GroupId"], first["target"]);
    assert_eq!(
        told["longest"]["body"]["MsgBody"][0]["MsgType"],
        "TIMTextElem"
    );
}

#[test]
fn one_group_is_shown_alone_or_it_is_said_why_not() {
    let place = Place::of_the_examples();
    let shown = place.run(&[
        "preview",
        "welcome",
        "--group",
        "@TGS#2CITY0002",
        "-o",
        "json",
    ]);
    let told: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(told["messages"].as_array().unwrap().len(), 1);
    assert_eq!(told["messages"][0]["target"], "@TGS#2CITY0002");
    let of = |campaign: &str, group: &str| place.run(&["preview", campaign, "--group", group]);
    of("shop-members-day", "@TGS#2WD2FLQ3N").assert(1, &["gets nothing: `exclude` names it"]);
    of("welcome", "@TGS#2CITY0O02")
        .assert(1, &["does not name the group", "did you mean `@TGS#2CITY0"]);
    of("live-rooms-opening", "@TGS#1").assert(64, &["leave --group out"]);
    place.write(
        "campaigns/where.yaml",
        "audience: { groups: [g1, g2, g3], only: { groups: [g1, g2] }, where: \"group.id == 'g1'\" }\nsend: { group_message: { text: \"x\" } }\n",
    );
    of("where", "g1").assert(0, &["── g1 ──", "1 call to 1 group"]);
    of("where", "g2").assert(1, &["`where` does not hold for it"]);
    of("where", "g3").assert(1, &["not among those of `only`"]);
}

#[test]
fn what_is_wrong_is_told_as_check_tells_it() {
    let place = Place::with_news("http://127.0.0.1:9", 3);
    place.write(
        "campaigns/news.yaml",
        "audience: { group_files: [audiences/groups.csv] }\nsend: { group_message: { text: \"{{ group.town }}\" } }\n",
    );
    let checked = place.run(&["check", "news"]);
    for output in ["text", "json"] {
        let shown = place.run(&["preview", "news", "-o", output]);
        shown.assert(78, &["there is no variable `group.town` here"]);
        assert_eq!(shown.out, "", "nothing is shown of it");
        let (complaint, _) = checked.err.split_once("1 campaign checked").unwrap();
        assert!(shown.err.starts_with(complaint.trim_end()), "{}", shown.err);
    }
    place
        .run(&["preview", "newz"])
        .assert(78, &["did you mean `news`?"]);
    place
        .run(&["preview", "news", "--for", "tomorrow"])
        .assert(64, &["--for:1:1", "`tomorrow` is no date and time"]);
}

#[test]
fn it_needs_no_secret_and_leaves_no_journal() {
    let place = Place::with_news("http://127.0.0.1:9", 3);
    let mut command = place.command(&["preview", "news"]);
    let ended = Ended::of(&command.env_remove("CAMPANILE_SECRET_KEY").output().unwrap());
    ended.assert(0, &["Hello City 0", "3 calls to 3 groups"]);
    assert!(!place.path().join("campanile.db").exists());
    assert!(!place.path().join(".campanile").exists());
}

#[test]
fn what_a_row_says_cannot_steer_the_terminal() {
    let place = Place::with_news("http://127.0.0.1:9", 1);
    place.write(
        "audiences/groups.csv",
        "group,city\ng0,\"a[2Jb\u{202e}c\"\n",
    );
    let shown = place.run(&["preview", "news"]);
    shown.assert(0, &["Hello a[2Jb[U+202E]c"]);
    assert!(!shown.out.contains('\u{202e}'));
    place.write("audiences/groups.csv", "group,city\ng0,\"a\u{1b}[2Jb\"\n");
    let refused = place.run(&["preview", "news"]);
    refused.assert(78, &["control-character", "U+001B"]);
    assert!(!refused.err.contains('\u{1b}'));
}

#[test]
fn groups_without_members_are_counted_and_the_window_is_waited_for() {
    let place = Place::with_news("http://127.0.0.1:9", 1);
    place.write("audiences/m.csv", "member,group\nann,g1\nbob,g1\n");
    place.write(
        "campaigns/news.yaml",
        "timezone: UTC\naudience: { groups: [g1, g2], member_files: [audiences/m.csv] }\nsend: { group_message: { text: \"x\" } }\ndelivery: { window: \"08:00-10:00\", rate: 0.5 }\n",
    );
    let shown = place.run(&["preview", "news", "--for", "2030-05-01T09:59:59"]);
    shown.assert(
        0,
        &[
            "to ann, bob only",
            "1 call to 2 members of 1 group",
            "1: no members",
            "2030-05-01 09:59:59 UTC",
            "about 2030-05-02 08:00:01; 2s at 0.5 call a second, 08:00-10:00 only",
        ],
    );
}

/// A campaign whose row and texts try to break out of whatever they stand in.
fn hostile() -> Place {
    let place = Place::with_news("http://127.0.0.1:9", 1);
    let city = "<script>alert(1)</script>|`x` @peter";
    place.write("audiences/groups.csv", &format!("group,city\ng0,{city}\n"));
    place.write(
        "campaigns/news.yaml",
        "description: \"</title><script>\"\naudience: { group_files: [audiences/groups.csv] }\nsend:\n  group_message:\n    elements:\n      - text: \"{{ group.city }}\\n# no heading\\n> no quote\"\n      - image: { uuid: \"u\", images: [{ kind: large, width: 1, height: 1, url: \"https://e.com/a.png?{{ group.city }}\" }] }\n    offline_push: { title: \"{{ group.city }}\", desc: \"d\" }\n",
    );
    place
}

#[test]
fn nothing_breaks_out_of_a_page_and_it_fetches_nothing() {
    let page = hostile().run(&["preview", "news", "-o", "html"]);
    page.assert(
        0,
        &[
            "&lt;script&gt;alert(1)",
            "class=\"card image\"",
            "class=\"card push\"",
        ],
    );
    for harm in [
        "<script", "<img", "<link", "<iframe", " src=", "url(", "@import",
    ] {
        assert!(!page.out.contains(harm), "{harm} is in the page");
    }
    assert!(page.out.starts_with("<!doctype html>"));
    assert!(page.out.ends_with("</html>\n"));
}

/// Who is called to the message, and why it is this text, is nothing to be looked for.
#[test]
fn a_page_hides_nothing() {
    let place = Place::new();
    place.write(
        "campaigns/news.yaml",
        "audience: { groups: [g1] }\nsend: { group_message: { text: \"Hi\", mention: all, priority: high } }\n",
    );
    let page = place.run(&["preview", "news", "-o", "html"]);
    page.assert(0, &["@all", "priority High", "2 characters"]);
    let all = page.out.matches("<details").count();
    assert_eq!(page.out.matches("<details open>").count(), all, "{page:?}");
}

#[test]
fn nothing_breaks_out_of_a_comment() {
    let comment = hostile().run(&["preview", "news", "-o", "markdown"]);
    comment.assert(
        0,
        &[
            "> &lt;script&gt;alert\\(1\\)&lt;/script&gt;\\|\\`x\\` @<!-- -->peter\\\n> \\# no heading\\\n> &gt; no quote\n",
            "| calls | 1 call to 1 group |",
            "> push **&lt;script&gt;",
        ],
    );
    assert!(!comment.out.contains("<script"));
}

#[test]
fn a_comment_stays_below_the_limit_of_one() {
    let place = Place::with_news("http://127.0.0.1:9", 300);
    let text = "{{ group.city }} | ".repeat(40);
    place.write(
        "campaigns/news.yaml",
        &format!("audience: {{ group_files: [audiences/groups.csv] }}\nsend: {{ group_message: {{ text: \"{text}end\" }} }}\n"),
    );
    let comment = place.run(&["preview", "news", "-n", "300", "-o", "markdown"]);
    comment.assert(0, &["City 0", "more messages would not fit here"]);
    assert!(comment.out.len() < 60_000, "{}", comment.out.len());
}
