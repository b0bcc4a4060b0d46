//! What is thrown at the targets: pieces of what is right in any order, cut and with anything in between.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::sample::select;
use proptest::string::string_regex;

const YAML: [&str; 58] = [
    "name",
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\"",
    "'",
    "|\n",
    ">\n",
    "&a ",
    "*a",
    "!t ",
    "#",
    "---\n",
    "? ",
    "<<",
    "%",
    "@TGS#1",
    "~",
    "1e9",
    "0x1F",
    "-",
    "2026-11-11",
    "cron",
    "schedule",
    "audience",
    "groups",
    "group_files",
    "members",
    "send",
    "group_message",
    "notification",
    "broadcast",
    "text",
    "elements",
    "custom",
    "data_json",
    "delivery",
    "rate",
    "window",
    "variables",
    "app",
    "apps",
    "main",
    "sdk_app_id",
    "limits",
    "roots",
    "timezone",
    "Asia/Shanghai",
    "\t",
    "\u{feff}",
    "\u{1f600}",
    "：",
];

const TEMPLATE: [&str; 44] = [
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{# ",
    " #}",
    "for a in ",
    "range(99)",
    "range(99999)",
    "if ",
    "elif ",
    "else",
    "endif",
    "endfor",
    "set x = ",
    "group.city",
    "group",
    "campaign.name",
    "occurrence.date",
    "loop.index",
    " | ",
    "upper",
    "sort",
    "join",
    "replace('a', 'bb')",
    "tojson",
    "number(2)",
    "date('%Y')",
    "int",
    "default('x')",
    "bucket(2)",
    " + ",
    " * ",
    " ~ ",
    " == ",
    " in ",
    "[",
    "]",
    "(",
    ")",
    "'a'",
    "9",
    "x",
    "\n",
];

const CSV: [&str; 22] = [
    "group", "city", "type", "member", ",", "\n", "\r\n", "\"", "\"\"", "@TGS#1", "g1", "g2", " ",
    "'1", "1.2E+11", "\u{feff}", "Shenzhen", "\u{7}", "\t", ";", "深圳", "public",
];

const REPLY: [&str; 32] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\"ActionStatus\":\"OK\"",
    "\"ErrorCode\":",
    "0",
    "10010",
    "-1",
    "1e400",
    "99999999999999999999",
    "\"ErrorInfo\":",
    "\"MsgSeq\":",
    "\"MsgTime\":",
    "null",
    "true",
    "\"MsgDropReason\":\"x\"",
    "\"RspMsgList\":[",
    "\"GroupInfo\":[",
    "\"From_Account\":\"a\"",
    "\"MsgRandom\":",
    "\"IsPlaceMsg\":1",
    "\"IsFinished\":",
    "\"GroupId\":\"@TGS#1\"",
    "\\u0000",
    "\\ud800",
    "\u{1b}[31m",
    " ",
    "\"\"",
];

/// Pieces in any order, and now and then anything.
fn of(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => select(pieces).prop_map(str::to_owned),
        // Made once: it takes far longer than to draw from it.
        1 => string_regex("\\PC{0,4}").unwrap(),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A text with a part of it taken out, doubled, or replaced by pieces.
fn bent(text: &'static str, pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let place = any::<prop::sample::Index>();
    (place, 0..20_usize, of(pieces), 0..3_u8).prop_map(move |(place, length, piece, how)| {
        let start = text.floor_char_boundary(place.index(text.len()));
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        let (before, part, behind) = (&text[..start], &text[start..end], &text[end..]);
        match how {
            0 => format!("{before}{behind}"),
            1 => format!("{before}{part}{part}{behind}"),
            _ => format!("{before}{piece}{behind}"),
        }
    })
}

pub(super) fn campaign() -> impl Strategy<Value = String> {
    const RIGHT: &str = "name: news\nvariables: { bonus: 88, list: [1, 2] }\nschedule: { cron: \"0 9 * * MON-FRI\", from: 2026-11-01 }\naudience:\n  groups: [{ id: \"@TGS#1\", type: public, variables: { city: Shenzhen } }]\n  members: [peter]\n  where: \"group.city == 'Shenzhen'\"\n  sample: 10%\nsend:\n  group_message:\n    text: { by: group.city, cases: { Shenzhen: \"a {{ bonus }}\" }, otherwise: \"b\" }\n    offline_push: { title: \"t\" }\ndelivery: { rate: 50, window: \"08:00-22:00\", tolerate: 1% }\n";
    prop_oneof![of(&YAML), bent(RIGHT, &YAML), Just(RIGHT.to_owned())]
}

pub(super) fn settings() -> impl Strategy<Value = String> {
    const RIGHT: &str = "apps:\n  main:\n    sdk_app_id: 1400000000\n    secret_key: { env: KEY }\n    region: singapore\n    limits: { group_message: 200, deduplication: 300s }\n    test_groups: [\"@TGS#1\"]\ndefault_app: main\ntimezone: Asia/Shanghai\nroots: { exports: /srv/exports }\ndefaults: { delivery: { attempts: 3 } }\njournal: sqlite:campanile.db\n";
    prop_oneof![of(&YAML), bent(RIGHT, &YAML), Just(RIGHT.to_owned())]
}

pub(super) fn template() -> impl Strategy<Value = String> {
    const RIGHT: &str = "Hi {{ group.city | upper }}{% for a in range(3) %}{{ loop.index }}{% endfor %} {% if 'a' in group.city %}{{ 12 | number(2) }}{% endif %}";
    prop_oneof![of(&TEMPLATE), bent(RIGHT, &TEMPLATE)]
}

pub(super) fn rows() -> impl Strategy<Value = Vec<u8>> {
    const RIGHT: &str =
        "group,city,type\n@TGS#1,Shenzhen,public\ng2,\"a, \"\"b\"\"\",\ng3,c,avchatroom\n";
    prop_oneof![
        4 => of(&CSV).prop_map(String::into_bytes),
        4 => bent(RIGHT, &CSV).prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..200),
    ]
}

pub(super) fn objects() -> impl Strategy<Value = Vec<u8>> {
    const RIGHT: &str = "{\"group\":\"@TGS#1\",\"city\":\"Shenzhen\",\"list\":[1,{\"a\":2.5}]}\n{\"group\":\"g2\",\"city\":\"b\"}\n";
    prop_oneof![
        4 => bent(RIGHT, &REPLY).prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..200),
    ]
}

pub(super) fn cron() -> impl Strategy<Value = String> {
    const PARTS: [&str; 30] = [
        "*", "*/5", "0", "59", "9-17", "1,2", "L", "W", "15W", "LW", "MON", "MON#1", "5L", "FRI",
        "JAN", "2", "30", "31", "29", "7", "@daily", "@yearly", "/", "-", ",", " ", "99", "0-59/0",
        "?", "1#5",
    ];
    prop_oneof![
        vec(select(&PARTS[..]), 5..6).prop_map(|fields| fields.join(" ")),
        of(&PARTS),
    ]
}

pub(super) fn reply() -> impl Strategy<Value = (u16, Vec<u8>)> {
    const RIGHT: &str = "{\"ActionStatus\":\"OK\",\"ErrorInfo\":\"\",\"ErrorCode\":0,\"GroupId\":\"@TGS#1\",\"IsFinished\":1,\"RspMsgList\":[{\"From_Account\":\"a\",\"IsPlaceMsg\":0,\"MsgRandom\":7,\"MsgSeq\":3,\"MsgTimeStamp\":1700000000}],\"GroupInfo\":[{\"GroupId\":\"@TGS#1\",\"Type\":\"Public\",\"ErrorCode\":0}]}";
    let status = prop_oneof![8 => Just(200), 1 => any::<u16>()];
    let body = prop_oneof![
        4 => of(&REPLY).prop_map(String::into_bytes),
        4 => bent(RIGHT, &REPLY).prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..200),
        1 => (1..20_000_usize).prop_map(|depth| "{\"a\":[".repeat(depth).into_bytes()),
    ];
    (status, body)
}
