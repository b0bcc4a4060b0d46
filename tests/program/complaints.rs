//! Wrong files: everything at once, at its place, with what to type; and nothing is sent.

use super::place::{Ended, Place};

const AUDIENCE: &str = "audience: { groups: [\"g1\"] }\n";

fn check(campaign: &str) -> Ended {
    let place = Place::new();
    place.write("campaigns/news.yaml", campaign);
    let ended = place.run(&["run", "news", "--sandbox", "--yes"]);
    assert!(ended.err.contains("nothing was sent"), "{ended:?}");
    assert!(ended.out.is_empty(), "{ended:?}");
    ended
}

#[test]
fn two_slips_in_one_file_are_both_told() {
    let ended = check(
        "naem: news\naudience: { groups: [\"g1\"] }\nsend: { group_mesage: { text: \"x\" } }\n",
    );
    ended.assert(
        78,
        &[
            "campaigns/news.yaml:1:1",
            "`name`",
            "campaigns/news.yaml:3:9",
            "`group_message`",
            "2 errors",
        ],
    );
}

#[test]
fn a_slip_in_a_template_is_told_once_for_all_groups() {
    let audience = "audience: { groups: [\"g1\", \"g2\", \"g3\"] }\n";
    let ended = check(&format!(
        "{audience}send:\n  group_message:\n    text: |\n      Hi,\n      {{{{ group.nmae }}}}!\n"
    ));
    ended.assert(
        78,
        &[
            "campaigns/news.yaml:6:10",
            "`group.nmae`",
            "`g1`",
            "2 more targets",
            "1 error;",
        ],
    );
}

#[test]
fn data_that_yaml_would_change_must_be_quoted() {
    let data = |lines: &str| {
        check(&format!(
            "{AUDIENCE}send:\n  group_message:\n    text: \"x\"\n    cloud_custom_data_json:\n{lines}"
        ))
    };
    data("      note: sale #11\n").assert(78, &["quoted on one line", "write \"sale #11\""]);
    data("      note: two\n        lines\n").assert(78, &["quoted on one line"]);
    data("      note: >\n        two\n        lines\n").assert(78, &["quoted on one line"]);
    data("      door: 007\n").assert(78, &["`007` would be sent as `7`"]);
}

#[test]
fn text_that_yaml_would_change_must_be_quoted() {
    let ended = check(&format!(
        "{AUDIENCE}send: {{ group_message: {{ text: hello }} }}\n"
    ));
    ended.assert(78, &["quoted on one line", "write \"hello\""]);
    let ended = check(&format!(
        "{AUDIENCE}send:\n  group_message:\n    text: sale #11\n"
    ));
    ended.assert(78, &["quoted on one line"]);
    let ended = check(&format!(
        "{AUDIENCE}variables: {{ price: 9.90 }}\nsend: {{ group_message: {{ text: \"x\" }} }}\n"
    ));
    ended.assert(78, &["`9.90` would be sent as `9.9`", "write \"9.90\""]);
    let ended = check("audience: { groups: [@TGS#1] }\n");
    ended.assert(78, &["campaigns/news.yaml:1:22"]);
}

#[test]
fn one_wrong_row_sends_nothing() {
    let place = Place::with_news("http://127.0.0.1:1", 3);
    place.write("audiences/groups.csv", "group,city\ng1,A\ng2,\ng3,C\n");
    let ended = place.run(&["run", "news", "--sandbox", "--yes"]);
    ended.assert(
        78,
        &[
            "campaigns/news.yaml:3:42",
            "`group.city`",
            "`g2` of audiences/groups.csv:3",
            "1 error",
        ],
    );
    assert!(place.sandbox_ledger().is_empty());

    place.write("audiences/groups.csv", "group,city\ng1,A\ng1,B\n");
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(78, &["audiences/groups.csv:3", "audiences/groups.csv:2"]);
    place.write(
        "audiences/groups.csv",
        "group,city\ng1,\"open\ng2,B\ng3,C\n",
    );
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(78, &["line 2: a quote is not closed on its line"]);
    place.write(
        "audiences/groups.csv",
        &format!("group,city\ng1,{}\n", "x".repeat(70_000)),
    );
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(78, &["line 2: the line is longer than 64 KiB"]);
    place.write("audiences/groups.csv", "Group Id,city\ng1,A\n");
    place.run(&["run", "news", "--sandbox", "--yes"]).assert(
        78,
        &[
            "no column is named `group`",
            "rename the column `Group Id` to `group`",
        ],
    );
    place.write("audiences/groups.csv", "");
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(78, &["is empty"]);
    std::fs::write(
        place.path().join("audiences/groups.csv"),
        b"group,city\ng1,\xc9\xee\xdb\xda\n",
    )
    .unwrap();
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(78, &["line 2 is not UTF-8"]);
}

#[test]
fn files_stay_inside_the_repository() {
    let place = Place::with_news("http://127.0.0.1:1", 3);
    let outside =
        "audience: { group_files: [../groups.csv] }\nsend: { group_message: { text: \"x\" } }\n";
    place.write("campaigns/news.yaml", outside);
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(78, &["leads out of the repository", "news.yaml:1:27"]);
    place
        .run(&["run", "/etc/passwd", "--sandbox", "--yes"])
        .assert(78, &["leads out of the repository"]);
    place
        .run(&["run", "campaigns/none.yaml", "--sandbox", "--yes"])
        .assert(78, &["there is no file"]);
    place
        .run(&["run", "nws", "--sandbox", "--yes"])
        .assert(78, &["did you mean `news`?"]);
}

#[test]
fn settings_are_complained_of_as_well() {
    let place = Place::with_news("http://127.0.0.1:1", 3);
    place.write(
        "campanile.yaml",
        "apps:\n  main:\n    sdk_app_id: 1400000000\n    region: singapur\n    secret_key: hush\ntimezone: Asia/Shanghia\n",
    );
    let ended = place.run(&["run", "news", "--sandbox", "--yes"]);
    ended.assert(
        78,
        &[
            "campanile.yaml:4:13",
            "`singapore`",
            "campanile.yaml:6:11",
            "`Asia/Shanghai`",
            "secret_key",
        ],
    );
    place.write(
        "campanile.yaml",
        &super::place::settings("endpoint: http://example.com"),
    );
    place
        .run(&["run", "news", "--yes"])
        .assert(78, &["campanile.yaml:5:15", "for this machine only"]);
    place.write(
        "campanile.yaml",
        &super::place::settings("region: singapore"),
    );
    let output = place
        .command(&["run", "news", "--yes", "--force"])
        .env_remove("CAMPANILE_SECRET_KEY")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`CAMPANILE_SECRET_KEY`"));
}

#[test]
fn what_the_vendor_refuses_is_refused_before() {
    let with = |rest: &str| check(&format!("{AUDIENCE}send:\n  group_message:\n{rest}"));
    with("    text: \"a\"\n    elements: [{ text: \"b\" }]\n")
        .assert(78, &["`text` is short for one text element"]);
    with("    priority: high\n").assert(78, &["neither `text` nor `elements`"]);
    with("    elements: [{ custom: { data: \"a\" } }, { custom: { data: \"b\" } }]\n")
        .assert(78, &["at most one custom"]);
    with("    text: \"a\"\n    online_only: true\n    unread: ignore\n")
        .assert(78, &["refuses `online_only` together"]);
    with("    text: \"a\"\n    cloud_custom_data: '{ \"a\": {{ group.id }} }'\n")
        .assert(78, &["comes out broken"]);
    with("    elements: [{ custom: { data: \"a\", data_json: {} } }]\n")
        .assert(78, &["given twice"]);
    with("    elements: [{ txet: \"a\" }]\n").assert(78, &["did you mean `text`?"]);
}

#[test]
fn values_out_of_the_vendors_bounds_are_refused_before() {
    let with = |rest: &str| check(&format!("{AUDIENCE}send:\n  group_message:\n    {rest}\n"));
    let option = |rest: &str| with(&format!("text: \"a\"\n    {rest}"));
    let mentions = vec!["a"; 31].join(", ");
    option(&format!("mention: [{mentions}]")).assert(78, &["`mention` must have at most 30 items"]);
    option("mention: []").assert(78, &["`mention` must not be empty"]);
    option("mention: everyone").assert(78, &["choices: `all`"]);
    option("mention: [\"{{ group.id * 40 }}\"]").assert(78, &["news.yaml:5"]);
    option("from_account: bot one").assert(78, &["write \"bot one\""]);
    let long = "a user id is 1 to 32 printable ASCII characters";
    option("from_account: \"{{ 'x' * 33 }}\"").assert(78, &["news.yaml:5:19", long]);
    option("mention: [\"{{ 'x' * 33 }}\"]").assert(78, &["news.yaml:5:15", long]);
    option(&format!("topic: \"{}\"", "x".repeat(97))).assert(78, &["a topic is 1 to 96 bytes"]);
    let element = |rest: &str| with(&format!("elements: [{{ {rest} }}]"));
    element("location: { latitude: 90.1, longitude: -180.1 }").assert(
        78,
        &[
            "`latitude` must be at most 90",
            "`longitude` must be at least -180",
        ],
    );
    element("image: { uuid: \"a\", format: tiff, images: [] }")
        .assert(78, &["`gif`", "`images` must not be empty"]);
    element("sound: { uuid: \"a\" }").assert(78, &["the key `url` is missing"]);
    let relay = |rest: &str| {
        let known = "title: \"t\", count: 1, compatible_text: \"c\", abstracts: [\"a\"]";
        element(&format!("relay: {{ {known}{rest} }}"))
    };
    relay("").assert(78, &["neither `messages` nor the `json_key`"]);
    relay(", json_key: \"k\", messages: [{}]").assert(78, &["this has both"]);
}

#[test]
fn a_group_id_of_ones_own_has_the_vendors_bound() {
    let place = Place::new();
    let run = |id: &str| {
        let send = "send: { group_message: { text: \"x\" } }\n";
        let audience = format!("audience: {{ groups: [\"{id}\"] }}\n");
        place.write("campaigns/news.yaml", &format!("{audience}{send}"));
        place.run(&["check", "news"])
    };
    run(&"g".repeat(48)).assert(0, &[]);
    run(&"g".repeat(49)).assert(78, &["1 to 48 printable ASCII characters"]);
    run(&format!("@TGS#{}", "g".repeat(49))).assert(0, &[]);
}

#[test]
fn an_offline_push_has_known_words_and_no_key_twice() {
    let push = |rest: &str| {
        let text = "send:\n  group_message:\n    text: \"a\"\n    offline_push: ";
        check(&format!("{AUDIENCE}{text}{rest}\n"))
    };
    let twice = |key: &str| format!("`{key}` is given twice");
    push("{ title: \"a\", extra: { Title: \"b\" } }")
        .assert(78, &["news.yaml:5:42", &twice("Title")]);
    push("{ push: true, extra: { PushFlag: 1 } }").assert(78, &[&twice("PushFlag")]);
    push("{ android: { sound: \"a\", extra: { Sound: \"b\" } } }").assert(78, &[&twice("Sound")]);
    push("{ apns: { badge_mode: 0, extra: { BadgeMode: 1 } } }").assert(78, &[&twice("BadgeMode")]);
    push("{ extra: 5 }").assert(78, &["expected a map for `extra`"]);
    push("{ android: { push_style: 2 } }").assert(78, &["`push_style` must be at most 1"]);
    push("{ android: { huawei_importance: low } }").assert(78, &["did you mean `LOW`?"]);
    push("{ apns: { interruption_level: loud } }").assert(78, &["known are active, critical"]);
}

#[test]
fn a_name_is_one_campaigns() {
    let place = Place::with_news("http://127.0.0.1:1", 3);
    place.write(
        "campaigns/other.yaml",
        "name: news\naudience: { groups: [\"a\"] }\nsend: { group_message: { text: \"x\" } }\n",
    );
    let ended = place.run(&["run", "campaigns/other.yaml", "--sandbox", "--yes"]);
    ended.assert(
        78,
        &[
            "two campaigns are named `news`",
            "campaigns/news.yaml",
            "campaigns/other.yaml",
        ],
    );
}
