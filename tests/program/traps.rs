//! The slips that people make first, in YAML, in spreadsheets and in templates: each says where it is and what to type,
//! and nothing is sent. A slip that is none any more has its meaning asserted instead.

use super::place::{Ended, Place};
use super::wire::Sent;
use serde_json::json;
use std::fs;

const AUDIENCE: &str = "audience: { groups: [\"g1\"] }\n";
const SEND: &str = "send: { group_message: { text: \"x\" } }\n";
const OF_FILE: &str = "audience: { group_files: [audiences/groups.csv] }\n";

/// Nothing may have reached the stand-in.
fn run(place: &Place) -> Ended {
    let ended = place.run(&["run", "news", "--sandbox", "--yes"]);
    if ended.code != 0 {
        assert!(place.sandbox_ledger().is_empty(), "{ended:?}");
        assert!(ended.out.is_empty(), "{ended:?}");
    }
    ended
}

fn campaign(text: &str) -> Place {
    let place = Place::new();
    place.write("campaigns/news.yaml", text);
    place
}

/// A file of groups as a spreadsheet may have written it.
fn groups(bytes: &[u8]) -> Place {
    let place = campaign(&format!("{OF_FILE}{SEND}"));
    fs::write(place.write("audiences/groups.csv", ""), bytes).unwrap();
    place
}

#[track_caller]
fn assert_refused(place: &Place, says: &[&str]) {
    let ended = run(place);
    ended.assert(78, &["nothing was sent"]);
    ended.assert(78, says);
}

/// Below `group_message:`, and what is said of it.
const TEXTS: [(&str, &[&str]); 12] = [
    // Written as `text: sale`, which nobody meant.
    (
        "text: sale #11",
        &[
            "news.yaml:4:11",
            "write \"sale #11\"",
            "` #` begins a comment",
        ],
    ),
    ("text: sale#11", &["write \"sale#11\""]),
    ("text: hello", &["quoted on one line", "write \"hello\""]),
    ("text: hello\n      world", &["begin the block with `|`"]),
    (
        "text: Sale: half off",
        &["news.yaml:4:15", "put the whole value in quotes"],
    ),
    ("text: !wow", &["put a text that begins with `!` in quotes"]),
    (
        "text: {{ x }}",
        &[
            "news.yaml:4:11",
            "a template that begins with `{{` has to be quoted",
            "put it in quotes: `\"{{ x }}\"`",
        ],
    ),
    (
        "text: {{ x }} coins",
        &["put it in quotes: `\"{{ x }} coins\"`"],
    ),
    (
        "text：\"x\"",
        &["news.yaml:4:5", "instead of the full-width `：`"],
    ),
    (
        "text: { by: group.id, cases: { g1: sale #11\n      } }",
        &["write \"sale #11\""],
    ),
    (
        "elements: [{ custom: { data: '{ \"id\": {{ group.id }} }' } }]",
        &[
            "news.yaml:4:34",
            "comes out broken",
            "group `g1`",
            "`_json` at its end",
        ],
    ),
    (
        "cloud_custom_data: '{ \"id\": {{ group.id }} }'",
        &["neither `text` nor `elements`"],
    ),
];

#[test]
fn texts_that_yaml_or_json_would_spoil() {
    for (text, says) in TEXTS {
        let written = format!("{AUDIENCE}send:\n  group_message:\n    {text}\n");
        assert_refused(&campaign(&written), says);
    }
}

/// Whole campaigns without their `send`, and what is said of them.
const FILES: [(&str, &[&str]); 15] = [
    (
        "audience: { groups: [{ id: @TGS#1 }] }",
        &["news.yaml:1:28", "put it in quotes: `\"@TGS#1\"`"],
    ),
    (
        "audience:\n  groups:\n    - @TGS#1",
        &["news.yaml:3:7", "put it in quotes: `\"@TGS#1\"`"],
    ),
    (
        "name: news\nschedule:\n  cron: * * * * *",
        &["news.yaml:3:9", "put it in quotes: `\"* * * * *\"`"],
    ),
    (
        "name: news\nschedule:\n  cron: */5 * * * *",
        &["put it in quotes: `\"*/5 * * * *\"`"],
    ),
    (
        "audience：\n  groups: [\"g1\"]",
        &[
            "news.yaml:1:9",
            "`：` is a full-width colon",
            "write `:` and a space",
        ],
    ),
    (
        "audience:\n\tgroups: [\"g1\"]",
        &["news.yaml:2:1", "tabs cannot indent", "indent with spaces"],
    ),
    (
        "audience: [\"g1\"]",
        &[
            "news.yaml:1:11",
            "expected a map for `audience`, found a list",
            "`groups`",
            "1 error;",
        ],
    ),
    (
        "audience:\n  - groups: [\"g1\"]",
        &["expected a map for `audience`, found a list", "1 error;"],
    ),
    (
        "audience: { groups: \"g1\" }",
        &["news.yaml:1:21", "write a list: `[\"g1\"]`", "1 error;"],
    ),
    (
        "naem: news\naudiense: { groups: [\"g1\"] }",
        &[
            "news.yaml:1:1",
            "did you mean `name`?",
            "news.yaml:2:1",
            "did you mean `audience`?",
        ],
    ),
    (
        "variables: { amount: 9.90 }\naudience: { groups: [\"g1\"] }",
        &[
            "news.yaml:1:22",
            "`9.90` would be sent as `9.9`",
            "write \"9.90\" with quotes",
        ],
    ),
    (
        "variables: { code: 007 }\naudience: { groups: [\"g1\"] }",
        &["write \"007\" with quotes"],
    ),
    (
        "audience: { group_files: [../groups.csv] }",
        &[
            "news.yaml:1:27",
            "`../groups.csv` leads out of the repository",
            "roots: {",
        ],
    ),
    (
        "audience: { group_files: [/srv/weekly.csv] }",
        &[
            "news.yaml:1:27",
            "roots: { exports: /srv }",
            "write `exports:weekly.csv`",
        ],
    ),
    (
        "audience: { group_files: [audiences/grups.csv] }",
        &[
            "there is no file `audiences/grups.csv`",
            "from the folder of `campanile.yaml`",
        ],
    ),
];

#[test]
fn files_that_say_something_else_than_was_meant() {
    for (written, says) in FILES {
        assert_refused(&campaign(&format!("{written}\n{SEND}")), says);
    }
}

#[test]
fn no_is_a_word() {
    let text = "text: { by: lang, cases: { no: \"Hei {{ lang }}\", yes: \"Yes\" } }";
    let written =
        format!("variables: {{ lang: no }}\n{AUDIENCE}send: {{ group_message: {{ {text} }} }}\n");
    let body = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "Hei no" } }]);
    assert_eq!(Sent::by(&written).body["MsgBody"], body);
}

/// What spreadsheets do to files, and what is said of it.
const SHEETS: [(&[u8], &[&str]); 14] = [
    (
        b"group;city\ng1;A\n",
        &[
            "separated by `;`",
            "export the file with commas: `group,city`",
            "1 error;",
        ],
    ),
    (
        b"group\tcity\ng1\tA\n",
        &["separated by tabs", "`group,city`", "1 error;"],
    ),
    (
        b"PK\x03\x04\x14\x00\x00",
        &[
            "a spreadsheet's own file",
            "export it as CSV (UTF-8)",
            "1 error;",
        ],
    ),
    (
        b"group,city\n g1,A\n",
        &["groups.csv:2:1", "a space before or after", "write `g1`"],
    ),
    (
        b"\xff\xfeg\x00r\x00o\x00u\x00p\x00\n\x00",
        &["line 1 is not UTF-8", "CSV UTF-8"],
    ),
    (
        b"groups,city\ng1,A\n",
        &["groups.csv:1:1", "rename the column `groups` to `group`"],
    ),
    (
        b"\xef\xbb\xbfgroups,city\r\ng1,A\r\n",
        &["rename the column `groups` to `group`"],
    ),
    (
        b"group,city\n1.2E+11,A\n",
        &[
            "groups.csv:2:1",
            "a number as spreadsheets shorten it",
            "format the column as text",
        ],
    ),
    (
        b"group,city\n'g1,A\n",
        &[
            "groups.csv:2:1",
            "begins with `'`",
            "format the column as text",
        ],
    ),
    (
        b"group,City Name\ng1,A\n",
        &["groups.csv:1:7", "name it `city_name`"],
    ),
    (
        b"group,city\ng1,A\ng1,B\n",
        &[
            "groups.csv:3:1",
            "with other values",
            "the other is at audiences/groups.csv:2",
        ],
    ),
    (
        b"group,type\ng1,chatrom\n",
        &["groups.csv:2:4", "did you mean `ChatRoom`?"],
    ),
    (
        b"group,city\ng1,\xc9\xee\xdb\xda\n",
        &["line 2 is not UTF-8; save the file as UTF-8"],
    ),
    (
        b"group,\xb3\xc7\xca\xd0\ng1,\xc9\xee\xdb\xda\n",
        &[
            "audiences/groups.csv",
            "line 1 is not UTF-8; save the file as UTF-8",
            "CSV UTF-8",
        ],
    ),
];

#[test]
fn what_spreadsheets_do_to_files() {
    for (bytes, says) in SHEETS {
        assert_refused(&groups(bytes), says);
    }
}

#[test]
fn what_excel_writes_can_be_read() {
    let place = groups(b"\xef\xbb\xbfgroup,type\r\ng1,chatroom\r\ng2,Meeting\r\n");
    run(&place).assert(0, &["2 planned = 2 accepted"]);
    assert_eq!(place.sandbox_ledger().len(), 2);
}

#[test]
fn the_type_of_such_a_file_counts() {
    let place = groups(b"\xef\xbb\xbfgroup,type\r\ng1,live\r\n");
    place.write(
        "campaigns/news.yaml",
        &format!("{OF_FILE}send: {{ group_message: {{ text: \"x\", read_receipt: true }} }}\n"),
    );
    assert_refused(
        &place,
        &["`read_receipt: true` does not go with a group of type `AVChatRoom`"],
    );
}

#[test]
fn the_same_row_twice_is_a_warning() {
    let place = groups(b"group,city\ng1,A\ng2,B\ng1,A\n");
    run(&place).assert(
        0,
        &[
            "warning[group-again]",
            "groups.csv:4:1",
            "it stands first at audiences/groups.csv:2",
            "2 planned = 2 accepted",
        ],
    );
    place.run(&["check"]).assert(0, &["1 warning"]);
    place.run(&["check", "--strict"]).assert(78, &["1 warning"]);
}

#[test]
fn a_campaign_in_a_yml_file_is_not_passed_over() {
    let place = Place::new();
    place.write("campaigns/campaign.yml", &format!("{AUDIENCE}{SEND}"));
    let says = ["`campaigns/campaign.yml` ends in `.yml`", "rename the file"];
    place.run(&["check"]).assert(78, &says);
    place
        .run(&["check"])
        .assert(78, &["1 campaign checked: 1 error"]);
    for wanted in ["campaign", "campaigns/campaign.yml"] {
        place
            .run(&["run", wanted, "--sandbox", "--yes"])
            .assert(78, &says);
    }
    fs::remove_file(place.path().join("campaigns/campaign.yml")).unwrap();
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(78, &["write one: `campaigns/news.yaml`"]);
}

#[test]
fn a_campaign_that_is_not_utf_8_is_told_by_its_name() {
    let place = campaign("");
    let gbk = b"audience: { groups: [g1] }\nsend: { group_message: { text: \"\xc9\xee\" } }\n";
    fs::write(place.path().join("campaigns/news.yaml"), gbk).unwrap();
    let says = [
        "`campaigns/news.yaml` is not UTF-8 text (byte 59)",
        "save the file as UTF-8",
    ];
    run(&place).assert(78, &says);
    place.run(&["check"]).assert(78, &says);
}

#[test]
fn a_text_in_a_file_of_windows_is_sent_as_any_other() {
    let place = campaign(&format!(
        "{AUDIENCE}send: {{ group_message: {{ text_file: texts/news.txt }} }}\n"
    ));
    assert_refused(
        &place,
        &[
            "news.yaml:2:37",
            "there is no file `texts/news.txt`",
            "from the folder of `campanile.yaml`",
        ],
    );
    let path = place.write("texts/news.txt", "\u{feff}Hello,\r\nyou\r\n");
    run(&place).assert(0, &["1 accepted"]);
    assert_eq!(place.sandbox_ledger()[0]["text"], "Hello,\nyou");
    fs::write(path, b"Hello \xc9\xee").unwrap();
    let refused = place.run(&["check"]);
    refused.assert(
        78,
        &[
            "`texts/news.txt` is not UTF-8 text (byte 6)",
            "save the file as UTF-8",
        ],
    );
}

#[test]
fn an_audience_of_nobody_is_told_before() {
    let place = groups(b"group,city\n");
    place
        .run(&["check"])
        .assert(0, &["warning[empty-audience]", "nothing to send"]);
    place.run(&["check", "--strict"]).assert(78, &["1 warning"]);
    run(&place).assert(78, &["the audience comes out empty"]);
}

#[test]
fn a_slip_in_the_text_of_a_later_date_is_told_now() {
    let with = |cases: &str| {
        let place = Place::new();
        let times = "name: news\nschedule: { at: [2030-11-09T20:00, 2030-11-11T00:00] }\n";
        let send = format!(
            "send: {{ group_message: {{ text: {{ by: occurrence.date, cases: {{ {cases} }} }} }} }}\n"
        );
        place.write("campaigns/news.yaml", &format!("{times}{AUDIENCE}{send}"));
        place.run(&["check", "--now", "2030-01-01T00:00:00Z"])
    };
    with("\"2030-11-09\": \"{{ group.id }}\", \"2030-11-11\": \"{{ group.di }}\"").assert(
        78,
        &[
            "there is no variable `group.di` here",
            "so it is at the occurrence 2030-11-11T00:00;",
            "did you mean `group.id`?",
            "1 error,",
        ],
    );
    with("\"2030-11-09\": \"x\", \"2030-11-10\": \"y\"").assert(
        78,
        &[
            "there is no case",
            "at the occurrence 2030-11-11T00:00",
            "1 error,",
        ],
    );
    with("\"2030-11-09\": \"x\", \"2030-11-11\": \"y\"").assert(0, &["0 errors"]);
}

#[test]
fn text_is_not_compared_with_a_number() {
    let with = |rest: &str| {
        let place = campaign(&format!(
            "audience:\n  group_files: [audiences/groups.csv]\n{rest}"
        ));
        place.write("audiences/groups.csv", "group,size\ng1,200\n");
        place
    };
    let place = with(&format!("  where: \"group.size > 100\"\n{SEND}"));
    let says = [
        "news.yaml:3:11",
        "`g1` of audiences/groups.csv:2",
        "write `group.size | int`",
    ];
    assert_refused(&place, &says);
    for template in [
        "{% if group.size >= 100 %}big{% endif %}",
        "{{ group.size + 1 }}",
        "{{ 'big' if group.size == 200 }}",
    ] {
        let place = with(&format!(
            "send: {{ group_message: {{ text: \"{template}\" }} }}\n"
        ));
        assert_refused(&place, &["write `group.size | int`"]);
    }
    let condition = format!("  where: \"group.size | int > 100\"\n{SEND}");
    let converted = with(&condition);
    run(&converted).assert(0, &["1 accepted"]);
    let words = with(&condition);
    words.write("audiences/groups.csv", "group,size\ng1,many\n");
    assert_refused(
        &words,
        &["news.yaml:3:24", "a text that is no number", "`int(0)`"],
    );
}

#[test]
fn one_hole_in_a_hundred_thousand_rows_sends_nothing() {
    let text = "send:\n  group_message:\n    text: |\n      Hello,\n      {{ group.city }}!\n";
    let place = campaign(&format!("{OF_FILE}{text}"));
    let row = |number: u32| match number {
        50_000 => "g50000,\n".to_owned(),
        _ => format!("g{number},City {number}\n"),
    };
    let rows: String = (1..=100_000).map(row).collect();
    place.write("audiences/groups.csv", &format!("group,city\n{rows}"));
    let says = [
        "news.yaml:6:10",
        "there is no variable `group.city` here",
        "`g50000` of audiences/groups.csv:50001",
        "fill it, or write `group.city | default(\"...\")`",
        "1 error;",
    ];
    assert_refused(&place, &says);
    place
        .run(&["log", "news", "--sandbox"])
        .assert(1, &["there is no run `news`", "nothing has been sent yet"]);
}

#[test]
fn a_hole_may_have_a_default() {
    let text =
        "send: { group_message: { text: \"Hello {{ group.city | default('friends') }}\" } }\n";
    let place = campaign(&format!("{OF_FILE}{text}"));
    place.write("audiences/groups.csv", "group,city\ng1,\n");
    run(&place).assert(0, &["1 accepted"]);
    assert_eq!(place.sandbox_ledger()[0]["text"], "Hello friends");
}

#[test]
fn a_group_without_members_is_left_alone() {
    let audience =
        "audience: { groups: [\"g1\", \"g2\"], member_files: [audiences/members.csv] }\n";
    for send in [SEND, "send: { notification: { text: \"x\" } }\n"] {
        let place = campaign(&format!("{audience}{send}"));
        place.write("audiences/members.csv", "group,member\ng1,ann\n");
        run(&place).assert(0, &["2 planned = 1 accepted", "1 skipped"]);
        let ledger = place.sandbox_ledger();
        assert_eq!(ledger.len(), 1);
        assert_eq!(
            (&ledger[0]["group"], &ledger[0]["members"]),
            (&json!("g1"), &json!(["ann"]))
        );
        let log = place.run(&["log", "news", "--sandbox", "--group", "g2"]);
        log.assert(0, &["skipped    g2  no members"]);
    }
}

#[test]
fn every_broken_line_of_json_lines_is_told() {
    let place = campaign(&format!(
        "audience: {{ group_files: [audiences/groups.jsonl] }}\n{SEND}"
    ));
    let lines = "{\"group\": \"g1\"}\n{\"group\": \"g2\", \"city\": }\n[\"g3\"]\n{\"group\": 4}\n{\"grup\": \"g5\"}\n";
    place.write("audiences/groups.jsonl", lines);
    let says = [
        "groups.jsonl:2:25",
        "each line is one object, such as {\"group\"",
        "groups.jsonl:3:1",
        "this line is no JSON object\n",
        "groups.jsonl:4:11",
        "write it in quotes: \"group\": \"4\"",
        "groups.jsonl:5:1",
        "the row has no group id",
        "fill it in, or delete the row",
        "4 errors",
    ];
    assert_refused(&place, &says);
}

#[test]
fn an_export_that_was_not_renewed_is_told() {
    let place = campaign(&format!(
        "audience: {{ group_files: [{{ path: audiences/groups.csv, newer_than: 2d }}] }}\n{SEND}"
    ));
    let path = place.write("audiences/groups.csv", "group\ng1\n");
    run(&place).assert(0, &["1 accepted"]);
    let place = campaign(&fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap());
    fs::copy(path, place.write("audiences/groups.csv", "")).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(5 * 24);
    let file = fs::File::options()
        .append(true)
        .open(place.path().join("audiences/groups.csv"));
    file.unwrap().set_modified(old).unwrap();
    assert_refused(
        &place,
        &[
            "news.yaml:1:35",
            "was last written 5 days ago",
            "export it anew",
        ],
    );
}

#[test]
fn aliases_cannot_blow_a_file_up() {
    let tenfold = "bcdefgh".chars().zip("abcdefg".chars());
    let tenfold = tenfold.map(|(name, before)| {
        let ten = format!("*{before}, ").repeat(10);
        format!("  {name}: &{name} [{ten}]\n")
    });
    let tenfold: String = tenfold.collect();
    let text = format!("variables:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n{tenfold}");
    assert_refused(
        &campaign(&format!("{text}{AUDIENCE}{SEND}")),
        &[
            "news.yaml:7:",
            "too many values, those repeated by aliases included",
        ],
    );
}

#[test]
fn values_lose_nothing_in_silence_either() {
    let place = Place::with_news("http://127.0.0.1:9", 1);
    let campaign = |variables: &str| {
        format!(
            "variables:\n{variables}audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ text: \"x\" }} }}\n"
        )
    };
    for (variables, told) in [
        ("  promo: sale #11\n", "write \"sale #11\""),
        ("  promo: two\n    lines\n", "begin the block with `|`"),
        (
            "  promo: >\n    two\n    lines\n",
            "begin the block with `|`",
        ),
    ] {
        place.write("campaigns/news.yaml", &campaign(variables));
        place
            .run(&["check", "news"])
            .assert(78, &["unquoted-text", told]);
    }
    let fine =
        "  city: Shenzhen  # where most of them live\n  lang: no\n  text: |\n    two\n    lines\n";
    place.write("campaigns/news.yaml", &campaign(fine));
    place.run(&["check", "news"]).assert(0, &["news: 1 call"]);
}

#[test]
fn json_that_is_not_in_lines_is_told_so() {
    let place = Place::with_news("http://127.0.0.1:9", 1);
    place.write("audiences/groups.json", "[{\"group\":\"g1\"}]\n");
    let campaign = "audience: { group_files: [audiences/groups.json] }\nsend: { group_message: { text: \"x\" } }\n";
    place.write("campaigns/news.yaml", campaign);
    let told = [
        "campaigns/news.yaml:1:27",
        "an object on each",
        "ends in `.jsonl`",
    ];
    place.run(&["check", "news"]).assert(78, &told);
}
