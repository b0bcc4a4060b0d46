//! The three channels as the vendor meets them: who is named in a call, how members share calls, what needs force.

use super::place::{Place, settings};
use super::vendor::Vendor;
use super::wire::Sent;
use serde_json::{Value, json};

/// A place whose app is the sandbox, with the campaign `news` and files of its own.
fn place(vendor: &Vendor, campaign: &str, files: &[(&str, &str)]) -> Place {
    let place = Place::new();
    let settings = settings(&format!("endpoint: {}", vendor.endpoint()));
    place.write("campanile.yaml", &settings);
    place.write("campaigns/news.yaml", campaign);
    for (path, text) in files {
        place.write(path, text);
    }
    place
}

/// So many rows of one group.
fn members(group: &str, count: usize) -> String {
    let rows = (1..=count).map(|number| format!("{group},user{number:03},Name {number}\n"));
    rows.collect()
}

/// How many members each call names, in the order of the calls.
fn sizes(lines: &[Value]) -> Vec<usize> {
    let members = lines.iter().map(|line| line["members"].as_array());
    members.map(|list| list.map_or(0, Vec::len)).collect()
}

fn texts(lines: &[Value]) -> Vec<&str> {
    let texts = lines.iter().map(|line| line["text"].as_str());
    texts.map(Option::unwrap).collect()
}

const TO_MEMBERS: &str = "audience: { member_files: [audiences/members.csv] }\nsend:\n";

#[test]
fn members_with_the_same_text_share_calls_of_fifty() {
    let vendor = Vendor::start(&[]);
    let campaign =
        format!("{TO_MEMBERS}  group_message: {{ text: \"Hello {{{{ group.id }}}}\" }}\n");
    let rows = format!(
        "group,member,name\n{}{}",
        members("g1", 120),
        members("g2", 1)
    );
    let place = place(&vendor, &campaign, &[("audiences/members.csv", &rows)]);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["4 planned = 4 accepted"]);
    let lines = place.log();
    assert_eq!(sizes(&lines), [50, 50, 20, 1]);
    let named: Vec<&Value> = lines[..3]
        .iter()
        .flat_map(|line| line["members"].as_array().unwrap())
        .collect();
    let expected: Vec<Value> = (1..=120)
        .map(|number| json!(format!("user{number:03}")))
        .collect();
    assert!(
        named.into_iter().eq(&expected),
        "each once, in the order of the file"
    );
    let mut stored = sizes(&vendor.ledger());
    stored.sort_unstable();
    assert_eq!(stored, [1, 20, 50, 50]);
    place
        .run(&["log", "news", "--group", "g2"])
        .assert(0, &["accepted   g2  to user001"]);
}

#[test]
fn personal_texts_are_calls_of_their_own_and_equal_ones_are_merged() {
    let vendor = Vendor::start(&[]);
    let campaign =
        format!("{TO_MEMBERS}  group_message: {{ text: \"Hello {{{{ member.name }}}}\" }}\n");
    let rows = "group,member,name\ng1,a,Ann\ng1,b,Bob\ng1,c,Ann\ng2,a,Ann\n";
    let place = place(&vendor, &campaign, &[("audiences/members.csv", rows)]);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["3 planned = 3 accepted"]);
    let calls: Vec<(Value, Value)> = place
        .log()
        .iter()
        .map(|line| (line["group"].clone(), line["members"].clone()))
        .collect();
    let expected = [
        (json!("g1"), json!(["a", "c"])),
        (json!("g1"), json!(["b"])),
        (json!("g2"), json!(["a"])),
    ];
    assert_eq!(calls, expected);
    let ledger = vendor.ledger();
    let mut texts = texts(&ledger);
    texts.sort_unstable();
    assert_eq!(texts, ["Hello Ann", "Hello Ann", "Hello Bob"]);
}

#[test]
fn sixty_equal_personal_texts_are_cut_as_well() {
    let vendor = Vendor::start(&[]);
    let campaign = format!(
        "{TO_MEMBERS}  group_message: {{ text: \"Hello {{{{ member.id | length }}}}\" }}\n"
    );
    let rows = format!("group,member,name\n{}", members("g1", 60));
    let place = place(&vendor, &campaign, &[("audiences/members.csv", &rows)]);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["2 planned = 2 accepted"]);
    assert_eq!(sizes(&place.log()), [50, 10]);
}

#[test]
fn a_message_to_members_names_them_on_the_wire() {
    let campaign = "audience: { groups: [\"g1\"], members: [peter, leckie] }\nsend: { group_message: { text: \"x\" } }\n";
    let body = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "x" } }]);
    let expected = json!({ "GroupId": "g1", "To_Account": ["peter", "leckie"], "MsgBody": body });
    assert_eq!(Sent::by(campaign).body, expected);
}

#[test]
fn a_notification_to_members_names_them_on_the_wire() {
    let campaign = "audience: { groups: [\"g1\"], members: [peter, leckie] }\nsend: { notification: { text: \"Hi {{ group.id }}\" } }\n";
    let expected =
        json!({ "GroupId": "g1", "ToMembers_Account": ["peter", "leckie"], "Content": "Hi g1" });
    assert_eq!(Sent::by(campaign).body, expected);
    let whole = "audience: { groups: [\"g1\"] }\nsend: { notification: { text: \"Hi\" } }\n";
    assert_eq!(
        Sent::by(whole).body,
        json!({ "GroupId": "g1", "Content": "Hi" })
    );
}

#[test]
fn a_notification_takes_as_many_members_as_the_settings_say() {
    let vendor = Vendor::start(&[]);
    let campaign = format!("{TO_MEMBERS}  notification: {{ text: \"Duty\" }}\n");
    let rows = format!("group,member,name\n{}", members("g1", 25));
    let place = place(&vendor, &campaign, &[("audiences/members.csv", &rows)]);
    let limits = format!(
        "endpoint: {}\n    limits: {{ members_per_call: 10 }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&limits));
    let ended = place.run(&["run", "news", "--yes"]);
    ended.assert(0, &["3 planned = 3 accepted"]);
    let warnings = ended.err.matches("warning[closed-channel]").count();
    assert_eq!(warnings, 1, "told once:\n{}", ended.err);
    assert_eq!(sizes(&place.log()), [10, 10, 5]);
    assert!(
        place
            .log()
            .iter()
            .all(|line| line["channel"] == "notification")
    );
}

const BROADCAST: &str = "send: { broadcast: { text: \"Live now\" } }\n";

#[test]
fn a_broadcast_needs_force_and_says_what_to_type() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, BROADCAST, &[]);
    let refused = place.run(&["run", "news", "--yes"]);
    refused.assert(
        4,
        &["every live room", "campanile run news --yes --force\n"],
    );
    assert!(vendor.ledger().is_empty());
    place
        .run(&["run", "news", "--yes", "--force"])
        .assert(0, &["1 planned = 1 accepted"]);
    let ledger = vendor.ledger();
    assert_eq!(texts(&ledger), ["Live now"]);
    assert_eq!(ledger[0]["call"], "send_broadcast_msg");
    place
        .run(&["log", "news"])
        .assert(0, &["accepted   (all live rooms)"]);
}

#[test]
fn a_broadcast_names_nobody_on_the_wire() {
    let body = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "Live now" } }]);
    assert_eq!(Sent::by(BROADCAST).body, json!({ "MsgBody": body }));
}

/// The key is what joins a message in an app's hands with its line in the log, so it has to be the same in both.
#[test]
fn the_key_in_the_message_is_the_one_in_the_log() {
    let groups = "audience: { groups: [\"g1\"] }\n";
    let member = "audience: { groups: [\"g1\"], members: [peter] }\n";
    let message = "group_message: { text: \"{{ delivery.key }}\" }";
    let personal =
        "group_message: { text: \"{{ delivery.key }}{{ member.id | replace('peter', '') }}\" }";
    for (audience, send) in [
        (groups, message),
        (member, message),
        (member, personal),
        (groups, "notification: { text: \"{{ delivery.key }}\" }"),
        (member, "notification: { text: \"{{ delivery.key }}\" }"),
        ("", "broadcast: { text: \"{{ delivery.key }}\" }"),
    ] {
        let Sent { body, log, .. } = Sent::by(&format!("{audience}send: {{ {send} }}\n"));
        let element = &body["MsgBody"][0]["MsgContent"]["Text"];
        let text = if element.is_null() {
            &body["Content"]
        } else {
            element
        };
        assert_eq!(text.as_str().unwrap().len(), 16, "{body}");
        assert_eq!(*text, log["delivery"], "{audience}{send}");
    }
}

#[test]
fn every_delivery_has_a_key_of_its_own() {
    let vendor = Vendor::start(&[]);
    let campaign = format!("{TO_MEMBERS}  group_message: {{ text: \"{{{{ delivery.key }}}}\" }}\n");
    let rows = format!(
        "group,member,name\n{}{}",
        members("g1", 60),
        members("g2", 1)
    );
    let place = place(&vendor, &campaign, &[("audiences/members.csv", &rows)]);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["3 planned = 3 accepted"]);
    let lines = place.log();
    let mut logged: Vec<&str> = lines
        .iter()
        .map(|line| line["delivery"].as_str().unwrap())
        .collect();
    logged.sort_unstable();
    logged.dedup();
    let ledger = vendor.ledger();
    let mut stored = texts(&ledger);
    stored.sort_unstable();
    assert_eq!(stored, logged);
}

#[test]
fn a_campaign_out_of_use_is_checked_and_needs_to_be_meant() {
    let place = Place::with_news("http://127.0.0.1:9", 1);
    let campaign =
        "enabled: false\naudience: { groups: [g1] }\nsend: { group_message: { text: \"x\" } }\n";
    place.write("campaigns/news.yaml", campaign);
    place.run(&["check", "news"]).assert(0, &["news: 1 call"]);
    let run = ["run", "news", "--sandbox", "--yes"];
    let told = "if you mean it: campanile run news --sandbox --yes --force";
    place.run(&run).assert(4, &["`news` is not enabled", told]);
    let meant = ["run", "news", "--sandbox", "--yes", "--force"];
    place.run(&meant).assert(0, &["1 accepted"]);
}
