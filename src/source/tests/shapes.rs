//! What a Spec gets, and what an editor gets.

use serde_json::json;

use super::*;

const GOOD: &str = r#"
name: warm-up
rate: 50
variables: { zone: 9.90, bonus: [1, ~] }
groups: ["@TGS#1", { id: "@TGS#2", type: public }]
members: &some [peter, leckie]
labels: { season: spring }
send:
  group_message:
    text: "Hi {{ group.city }}"
    mention: *some
pace: { every: 3 }
priority: high
"#;

#[test]
fn a_good_file_is_read_with_its_places() {
    let read = read_spec(GOOD);
    assert_eq!(read.complaints, []);
    let spec = read.spec.unwrap();
    assert_eq!(spec.name.unwrap().span.slice(), "warm-up");
    assert_eq!(*spec.rate.unwrap(), 50);
    assert_eq!(spec.variables[0].0.value, "zone");
    assert_eq!(spec.variables[0].1.written.slice(), "9.90");
    assert_eq!(spec.variables[1].1.to_json(), json!([1, null]));
    assert_eq!(spec.groups[0].id.span.slice(), "\"@TGS#1\"");
    assert_eq!(spec.groups[1].kind.as_ref().unwrap().value, "public");
    let members = spec.members.unwrap();
    assert_eq!(members.span.slice(), "[peter, leckie]");
    assert_eq!(members[1].span.slice(), "leckie");
    assert_eq!(
        spec.labels.unwrap().get("season").map(String::as_str),
        Some("spring")
    );
    let Send::GroupMessage(message) = spec.send.unwrap().value else {
        panic!("the other choice")
    };
    assert_eq!(message.text.style, Style::DoubleQuoted);
    assert_eq!(message.mention.unwrap()[0].span.slice(), "peter");
    assert_eq!(spec.priority.unwrap().value, Priority::High);
}

#[test]
fn an_alias_stands_where_it_is_used() {
    let node = node_of(GOOD);
    let mention = node
        .get("send")
        .unwrap()
        .get("group_message")
        .unwrap()
        .get("mention")
        .unwrap();
    assert_eq!(mention.span.slice(), "*some");
    assert_eq!(mention.written.slice(), "[peter, leckie]");
}

#[test]
fn scalars_follow_the_core_schema() {
    let text = "[~, null, true, False, yes, no, on, off, 12, -3, +4, 007, 0x1F, 0o17, 1.5, .5, 1e3, 1_000, 1.2.3, '1', 2026-11-11]";
    let expected = json!([
        null,
        null,
        true,
        false,
        "yes",
        "no",
        "on",
        "off",
        12,
        -3,
        4,
        7,
        31,
        15,
        1.5,
        0.5,
        1000.0,
        "1_000",
        "1.2.3",
        "1",
        "2026-11-11"
    ]);
    assert_eq!(node_of(text).to_json(), expected);
}

#[test]
fn keys_are_text_as_typed() {
    assert_eq!(
        node_of("{1: a, true: b, 1.50: c}").to_json(),
        json!({ "1": "a", "true": "b", "1.50": "c" })
    );
}

#[test]
fn places_are_exact() {
    let node = node_of("\u{feff}名: \"值\"\r\nb: |\r\n  x\r\n  y\r\n\r\nc:\r\n- d\r\n");
    let name = node.get("名").unwrap();
    assert_eq!(
        (name.span.line(), name.span.column(), name.span.slice()),
        (1, 4, "\"值\"")
    );
    let block = node.get("b").unwrap();
    assert_eq!(
        (block.span.line(), block.span.column(), block.span.slice()),
        (3, 3, "x\r\n  y")
    );
    assert_eq!(node.get("c").unwrap().span.slice(), "- d");
    assert_eq!(node.get("c").unwrap().span.end().line(), 7);
}

#[test]
fn an_excerpt_counts_from_its_first_line() {
    let source = Source::excerpt("rows.csv", "a,b\nc,d\n", 70);
    assert_eq!(Span::new(&source, 4..5).line(), 71);
}

#[test]
fn what_was_complained_of_is_pruned_and_the_rest_is_read() {
    let read = read_spec("name: a\nrate: fast\ngroups: [[], x, 3]\npriority: low\nnmae: b\n");
    assert_eq!(read.complaints.len(), 4);
    let spec = read.spec.unwrap();
    assert_eq!(spec.rate, None);
    assert_eq!(spec.groups.len(), 1);
    assert_eq!(spec.priority.unwrap().value, Priority::Low);
}

#[test]
fn a_missing_key_takes_only_its_map_along() {
    let read = read_spec("name: a\nsend: { group_message: {} }\ngroups: [{ type: x }, y]\n");
    assert_eq!(
        read.complaints
            .iter()
            .map(|one| one.code)
            .collect::<Vec<_>>(),
        ["missing-key", "missing-key"]
    );
    let spec = read.spec.unwrap();
    assert!(spec.send.is_none() && spec.groups.len() == 1);
}

#[test]
fn deriving_alone_says_the_same_with_a_place() {
    let said = |text: &str| {
        let diagnostic = derive::<Spec>(&node_of(text)).unwrap_err();
        let place = diagnostic.primary.as_ref().unwrap().span.slice().to_owned();
        (diagnostic.code, diagnostic.message, place)
    };
    let expect = |code, message: &str, place: &str| (code, message.to_owned(), place.to_owned());
    assert_eq!(
        said("nmae: x"),
        expect("unknown-key", "unknown key `nmae`", "nmae")
    );
    assert_eq!(
        said("rate: x"),
        expect("wrong-type", "expected u32, found text", "x")
    );
    assert_eq!(
        said("rate: -1"),
        expect("bad-value", "expected u32, found a number", "-1")
    );
    assert_eq!(
        said("rate: ~"),
        expect("no-value", "`rate` has no value", "rate")
    );
    assert_eq!(
        said("groups:\n- type: a"),
        expect("missing-key", "the key `id` is missing", "type")
    );
    assert_eq!(
        said("priority: mid"),
        expect("unknown-choice", "`mid` is not one of the choices", "mid")
    );
    let both = "exactly one of `group_message` and `broadcast` is allowed in `send`, found 2";
    assert_eq!(
        said("send: {broadcast: 1, group_message: 1}"),
        expect("one-of", both, "{broadcast: 1, group_message: 1}")
    );
}

#[test]
fn places_are_for_trees_only() {
    let error = serde_json::from_str::<Spanned<u32>>("1").unwrap_err();
    assert!(
        error.to_string().starts_with("places are known only"),
        "{error}"
    );
}

#[test]
fn a_choice_is_a_one_key_map_for_editors() {
    let schema = Schema::of::<Spec>();
    let send = &schema.json()["definitions"]["Send"];
    assert_eq!(send["type"], "object");
    assert_eq!(
        (&send["minProperties"], &send["maxProperties"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        send["properties"]["broadcast"]["description"],
        "To everyone."
    );
    let pace = &schema.json()["definitions"]["Pace"];
    assert_eq!(
        (&pace["minProperties"], &pace["maxProperties"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn the_schema_is_draft_07_and_has_no_null() {
    let schema = Schema::of::<Spec>();
    assert_eq!(
        schema.json()["$schema"],
        "http://json-schema.org/draft-07/schema#"
    );
    assert_eq!(
        schema.json()["properties"]["rate"]["description"],
        "Calls per second."
    );
    assert!(!schema.json().to_string().contains("null"));
    assert_eq!(schema.json()["required"], json!(["name"]));
}

#[test]
fn nothing_is_said_twice_after_items_before_it_are_pruned() {
    let read =
        read_spec("name: a\ngroups: [[], [], { type: x }, { id: 5 }, ok]\nsend: { cast: {} }\n");
    assert_eq!(read.complaints.len(), 5, "{:?}", read.complaints);
    let spec = read.spec.unwrap();
    assert_eq!((spec.groups.len(), spec.send), (1, None));
}
