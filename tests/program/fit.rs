//! What fits which type of group, row by row: the table of the client told over again from the vendor's pages.

use super::place::Place;
use serde_json::Value;
use std::collections::HashMap;

const TYPES: [&str; 6] = [
    "Private",
    "Public",
    "ChatRoom",
    "AVChatRoom",
    "Community",
    "BChatRoom",
];

/// What is said of an option in a group of each type, in the order above: nothing, or a severity with the reason.
type Row = (&'static str, &'static str, [&'static str; 6]);

const MEMBERS: &str = "error: chosen members are for `Private`, `Public` and `ChatRoom` groups";
const WHOLE: &str = "error: such a group is notified as a whole only";
const TOPICS: &str = "error: topics are for communities";
const RECEIPTS: &str = "error: read receipts are for `Private`, `Public` and `ChatRoom` groups";
const ONLINE: &str = "error: the vendor does not take it in such a group";
const UNREAD: &str = "error: such a group counts no unread messages";
const MEETING: &str =
    "warning: a `ChatRoom` (Meeting) counts no unread messages unless the vendor switched that on";
const LAST: &str = "warning: such a group keeps no last message, and the vendor may refuse it";
const ALL: &str = "error: nobody can mention everybody in such a group";
const ALL_MAYBE: &str =
    "warning: the vendor's FAQ says that a community has no mention of everybody";
const EXTENSION: &str = "warning: messages of such a group take no extensions";
const PUSH: &str = "warning: such a group reaches only those who are online";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("group_message", "",                          ["", "", "", "", "", ""]),
    ("group_message", "members",                   ["", "", "", MEMBERS, MEMBERS, MEMBERS]),
    ("group_message", "online_only: true",         ["", "", "", ONLINE, "", ONLINE]),
    ("group_message", "online_only: false",        ["", "", "", "", "", ""]),
    ("group_message", "unread: ignore",            ["", "", MEETING, UNREAD, "", ""]),
    ("group_message", "unread: count",             ["", "", "", "", "", ""]),
    ("group_message", "last_message: keep",        ["", "", "", LAST, "", ""]),
    ("group_message", "last_message: update",      ["", "", "", "", "", ""]),
    ("group_message", "mention: all",              ["", "", "", ALL, ALL_MAYBE, ""]),
    ("group_message", "mention: [peter, all]",     ["", "", "", ALL, ALL_MAYBE, ""]),
    ("group_message", "mention: [peter]",          ["", "", "", "", "", ""]),
    ("group_message", "topic: t",                  [TOPICS, TOPICS, TOPICS, TOPICS, "", TOPICS]),
    ("group_message", "read_receipt: true",        ["", "", "", RECEIPTS, RECEIPTS, RECEIPTS]),
    ("group_message", "read_receipt: false",       ["", "", "", "", "", ""]),
    ("group_message", "extension: true",           ["", "", "", EXTENSION, EXTENSION, ""]),
    ("group_message", "extension: false",          ["", "", "", "", "", ""]),
    ("group_message", "offline_push: { desc: \"d\" }", ["", "", "", PUSH, "", ""]),
    ("group_message", "offline_push: { push: false }", ["", "", "", "", "", ""]),
    ("group_message", "priority: high",            ["", "", "", "", "", ""]),
    ("group_message", "from_account: leckie",      ["", "", "", "", "", ""]),
    ("notification",  "",                          ["", "", "", "", "", ""]),
    ("notification",  "members",                   ["", "", "", WHOLE, "", WHOLE]),
    ("notification",  "topic: t",                  [TOPICS, TOPICS, TOPICS, TOPICS, "", TOPICS]),
];

/// A campaign with one option to a group of one type; no type is written where there is none.
fn campaign((send, option, _): &Row, kind: Option<&str>) -> String {
    let kind = kind.map_or_else(String::new, |kind| format!(", type: {kind}"));
    let (members, option) = match *option {
        "members" => ("  members: [peter]\n", ""),
        option => ("", option),
    };
    format!(
        "audience:\n  groups: [{{ id: \"g1\"{kind} }}]\n{members}send:\n  {send}:\n    text: \"x\"\n    {option}\n"
    )
}

/// What `check` says of the campaigns, by their files; that notifications are closed is said of each of them.
fn said(place: &Place, code: i32) -> HashMap<String, Vec<String>> {
    let ended = place.run(&["check", "-o", "json"]);
    ended.assert(code, &[]);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    let mut said: HashMap<String, Vec<String>> = HashMap::new();
    for diagnostic in told["diagnostics"].as_array().unwrap() {
        let word = |key: &str| diagnostic[key].as_str().unwrap();
        if word("code") != "closed-channel" {
            let path = diagnostic["place"]["path"].as_str().unwrap();
            let text = format!("{}: {}", word("severity"), word("message"));
            said.entry(path.to_owned()).or_default().push(text);
        }
    }
    said
}

#[test]
fn each_type_of_group_takes_what_it_takes() {
    let place = Place::new();
    for (number, row) in ROWS.iter().enumerate() {
        for kind in TYPES {
            let path = format!("campaigns/{number}-{}.yaml", kind.to_lowercase());
            place.write(&path, &campaign(row, Some(kind)));
        }
    }
    let said = said(&place, 78);
    for (number, row) in ROWS.iter().enumerate() {
        for (kind, verdict) in TYPES.iter().zip(row.2) {
            let path = format!("campaigns/{number}-{}.yaml", kind.to_lowercase());
            let said = said.get(&path).map_or(&[][..], Vec::as_slice);
            assert_said(row, kind, verdict, said);
        }
    }
}

#[track_caller]
fn assert_said((send, option, _): &Row, kind: &str, verdict: &str, said: &[String]) {
    let about = format!("{send} {option} {kind}: {said:?}");
    let Some((severity, reason)) = verdict.split_once(": ") else {
        return assert_eq!(said, [""; 0], "{about}");
    };
    assert_eq!(said.len(), 1, "{about}");
    let words = format!("does not go with a group of type `{kind}`: {reason}");
    assert!(said[0].starts_with(severity), "{about}");
    assert!(said[0].contains(&words), "{about}");
}

#[test]
fn a_group_without_a_type_takes_everything() {
    let place = Place::new();
    for (number, row) in ROWS.iter().enumerate() {
        place.write(&format!("campaigns/{number}.yaml"), &campaign(row, None));
    }
    assert_eq!(said(&place, 0), HashMap::new());
}

#[test]
fn types_are_told_in_files_and_by_the_consoles_names() {
    let place = Place::new();
    place.write(
        "campaigns/news.yaml",
        "audience: { group_files: [a.csv] }\nsend: { group_message: { text: \"x\", online_only: true } }\n",
    );
    place.write("a.csv", "group,type\ng1,Work\ng2,meeting\ng3,Live\n");
    let ended = place.run(&["run", "news", "--sandbox", "--yes"]);
    ended.assert(
        78,
        &[
            "type `AVChatRoom`",
            "the group `g3` of a.csv:4",
            "nothing was sent",
        ],
    );
    place.write("a.csv", "group,type\ng1,Work\ng2,meeting\n");
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(0, &["2 accepted"]);
}
