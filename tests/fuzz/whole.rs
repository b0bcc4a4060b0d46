//! Campaigns in which little is wrong, whatever their texts hold.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

/// Texts that one style of YAML or another would change.
const TEXTS: [&str; 50] = [
    "a",
    "a\nb",
    "a\nb\n",
    "a\nb\n\n",
    "\na\nb",
    " a\nb",
    "a\nb ",
    "a \nb",
    "a\n b\n  c",
    "a\n\n\nb",
    "a: b",
    "# a",
    "a # b\nc",
    "a  # from here\nb",
    "- a",
    "- a\n- b",
    "? a",
    "\u{feff}a\nb",
    "a\u{feff}\nb",
    "a\u{85}b\nc",
    "a\u{2028}b\nc",
    "a\tb\nc",
    "\ta\nb",
    "a\n\tb",
    "'",
    "\"",
    "\\",
    "a\\nb",
    "~",
    "null",
    "1",
    "1.0",
    "0x1F",
    "true",
    "=",
    "<<",
    "{{ bonus }}",
    "{{ group.id }}\n{{ bonus }}",
    "{{ '\"' }}",
    "深圳：a",
    "\u{1f600}\n\u{1f469}\u{200d}\u{1f680}",
    "a\r\nb",
    "a\rb",
    "...\na",
    "---\na",
    "a\n---\nb",
    "%a\nb",
    "&a",
    "{a}",
    "a\u{a0}\n\u{3000}b",
];
/// What YAML does not take as it is.
const STRANGE: [&str; 8] = [
    "a\u{7f}b",
    "a\u{80}b\nc",
    "a\u{9f}b",
    "a\u{fffe}b",
    "a\u{ffff}\nb",
    "a\u{1b}b",
    "a\0b",
    "a\u{7}\nb",
];
/// Keys of the user's own.
const KEYS: [&str; 14] = [
    "a", "b", "true", "no", "Null", "1", "1.5", "a b", "a: b", "#", "键", "", "-", "a\nb",
];
/// What a template can name.
const NAMES: [&str; 4] = ["bonus", "c_1", "名字", "on"];

fn text() -> impl Strategy<Value = Value> + Clone {
    let plain = string_regex("\\PC{1,12}").unwrap().boxed();
    prop_oneof![6 => select(&TEXTS[..]).prop_map(str::to_owned), 1 => plain].prop_map(Value::from)
}

/// Text that is not sent to people.
fn any_text() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![4 => text(), 1 => select(&STRANGE[..]).prop_map(Value::from)]
}

fn number() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        select(&[0, 1, -1, 88, i64::MAX, i64::MIN][..]).prop_map(Value::from),
        select(&[0.5, -1.25, 123_456_789.5][..]).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ]
}

/// Numbers that no template may print as they stand.
fn exotic() -> impl Strategy<Value = Value> {
    select(&[1e21, 1e-7, f64::MAX, f64::MIN_POSITIVE, -0.0][..]).prop_map(Value::from)
}

/// YAML that is sent as JSON.
fn data() -> impl Strategy<Value = Value> {
    prop_oneof![4 => value(), 1 => exotic()]
}

/// A value of a variable.
fn value() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![2 => any_text(), 1 => number()];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((select(&KEYS[..]), inner), 0..3).prop_map(map),
        ]
    })
}

fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
    let entries = entries.into_iter();
    Value::Object(entries.map(|(key, value)| (key.into(), value)).collect())
}

/// Those of the entries that there are.
fn given<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let entries = entries.into_iter();
    map(entries.filter_map(|(key, value)| Some((key, value?))))
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    select(values).prop_map(Value::from)
}

fn schedule() -> impl Strategy<Value = Value> {
    let when = prop_oneof![
        one_of(&["0 9 * * MON-FRI", "*/5 * * * *", "@daily", "0 0 L * *"])
            .prop_map(|cron| ("cron", cron)),
        Just(("at", json!(["2030-11-11T09:00", "2030-12-12T10:00+08:00"]))),
    ];
    let rest = (
        of(Just(json!("2026-11-01"))),
        of(Just(json!(["2027-01-05", "2027-02-20/2027-02-22"]))),
        of(one_of(&["run_once", "skip", "wall"])),
        of(one_of(&["15m", "1h 30m"])),
        of(one_of(&["6h"])),
        of(one_of(&["skip", "queue"])),
    );
    (when, rest).prop_map(
        |((key, when), (from, except, dst, start, finish, overlap))| {
            given([
                (key, Some(when)),
                ("from", from),
                ("except", except),
                ("dst", dst),
                ("start_within", start),
                ("finish_within", finish),
                ("overlap", overlap),
            ])
        },
    )
}

fn audience() -> impl Strategy<Value = Value> {
    let group = (
        select(&["@TGS#1", "g2", "3", "@TGS#_@TGS#c"][..]),
        of(one_of(&["Public", "work"])),
        of(vec((select(&NAMES[..]), value()), 1..3)),
    );
    let group = group.prop_map(|(id, kind, variables)| match (&kind, &variables) {
        (None, None) => Value::from(id),
        _ => given([
            ("id", Some(Value::from(id))),
            ("type", kind),
            ("variables", variables.map(map)),
        ]),
    });
    let rest = (
        of(Just(json!(["peter", "leckie"]))),
        of(Just(json!({ "groups": ["g2"] }))),
        of(one_of(&[
            "group.id != 'x'",
            "group.id in [\"g2\", '@TGS#1']",
        ])),
        of(one_of(&["10%", "99.5%"])),
    );
    (vec(group, 1..4), rest).prop_map(|(groups, (members, exclude, condition, sample))| {
        given([
            ("groups", Some(Value::Array(groups))),
            ("members", members),
            ("exclude", exclude),
            ("where", condition),
            ("sample", sample),
        ])
    })
}

/// A text, or several to choose from.
fn chosen() -> impl Strategy<Value = Value> + Clone {
    let several = (text(), text()).prop_map(|(first, second)| {
        json!({ "by": "bucket(2)", "cases": { "0": first, "1": second }, "otherwise": "b" })
    });
    prop_oneof![4 => text(), 1 => several]
}

fn elements() -> impl Strategy<Value = Value> {
    let element = prop_oneof![
        chosen().prop_map(|text| json!({ "text": text })),
        (any::<i32>(), of(any_text())).prop_map(|(index, data)| {
            json!({ "face": given([("index", Some(json!(index))), ("data", data)]) })
        }),
        text().prop_map(|desc| json!({ "location": { "desc": desc, "latitude": 22.5, "longitude": -114.05 } })),
        text().prop_map(|name| json!({ "file": { "url": "https://example.com/a?b=1#c", "uuid": "1", "size": 5, "name": name } })),
    ];
    let custom = (data(), of(text())).prop_map(
        |(data, desc)| json!({ "custom": given([("data_json", Some(data)), ("desc", desc)]) }),
    );
    (vec(element, 1..4), of(custom)).prop_map(|(mut elements, custom)| {
        elements.extend(custom);
        Value::Array(elements)
    })
}

fn send() -> impl Strategy<Value = Value> {
    let said = prop_oneof![
        2 => chosen().prop_map(|text| ("text", text)),
        1 => elements().prop_map(|elements| ("elements", elements)),
    ];
    let push = (text(), data()).prop_map(|(title, extra)| {
        json!({ "title": title, "android": { "sound": "a" }, "extra": { "Own": extra } })
    });
    let rest = (
        of(one_of(&["high", "lowest"])),
        of(any::<bool>().prop_map(Value::from)),
        of(Just(json!(["before_send", "after_send"]))),
        of(data()),
        of(push),
        of(prop_oneof![
            Just(json!("all")),
            Just(json!(["peter", "all"]))
        ]),
    );
    (said, rest).prop_map(
        |((key, said), (priority, online, callbacks, data, push, mention))| {
            let message = given([
                (key, Some(said)),
                ("priority", priority),
                ("online_only", online),
                ("forbid_callbacks", callbacks),
                ("cloud_custom_data_json", data),
                ("offline_push", push),
                ("mention", mention),
            ]);
            json!({ "group_message": message })
        },
    )
}

/// A campaign as YAML, with every character that YAML may not take written as an escape.
pub(super) fn campaign() -> impl Strategy<Value = String> {
    let head = (
        of(any_text()),
        of(vec((select(&KEYS[..]), any_text()), 0..3)),
        of(any::<bool>().prop_map(Value::from)),
        of(one_of(&["Asia/Shanghai", "America/New_York"])),
        of(vec((select(&NAMES[1..]), value()), 0..3)),
    );
    let delivery = (
        of(one_of(&["08:00-22:00", "00:00-23:59"])),
        of(one_of(&["1%"])),
        of(select(&[1, 100][..])),
    );
    let parts = (head, of(schedule()), audience(), send(), of(delivery));
    parts.prop_map(
        |((owner, labels, enabled, timezone, variables), schedule, audience, send, delivery)| {
            let mut known = Map::from_iter([("bonus".to_owned(), json!(88))]);
            known.extend(
                variables
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
            let delivery = delivery.map(|(window, tolerate, attempts)| {
                given([
                    ("window", window),
                    ("tolerate", tolerate),
                    ("attempts", attempts.map(Value::from)),
                ])
            });
            let whole = given([
                ("name", Some(json!("news"))),
                ("owner", owner),
                ("labels", labels.map(map)),
                ("enabled", enabled),
                ("timezone", timezone),
                ("variables", Some(Value::Object(known))),
                ("schedule", schedule),
                ("audience", Some(audience)),
                ("send", Some(send)),
                ("delivery", delivery),
            ]);
            escaped(&whole.to_string())
        },
    )
}

/// JSON is YAML but for a few characters.
fn escaped(json: &str) -> String {
    let written = |each: char| match each {
        ' '..='~' => each.to_string(),
        other => format!("\\U{:08X}", u32::from(other)),
    };
    json.chars().map(written).collect()
}
