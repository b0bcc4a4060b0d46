//! `test`: one rendering, to a group of one's own, and to nobody else.

use super::place::{Ended, Place};
use super::vendor::Vendor;
use rustix::process::Signal;
use serde_json::Value;

const OWN: &str = "@TGS#MYTEST";

/// A campaign `news` to so many groups, and an app with two groups of one's own.
fn place(vendor: &Vendor, groups: usize) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    settings(
        &place,
        vendor,
        &format!("test_groups: [\"{OWN}\", \"@TGS#OURS\"]"),
    );
    place
}

fn settings(place: &Place, vendor: &Vendor, more: &str) {
    let app = format!("endpoint: {}\n    {more}", vendor.endpoint());
    place.write("campanile.yaml", &super::place::settings(&app));
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// Group and text of each message, in order.
fn received(vendor: &Vendor) -> Vec<(String, String)> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let ledger = vendor.ledger().into_iter();
    ledger
        .map(|line| (text(&line, "group"), text(&line, "text")))
        .collect()
}

fn one(group: &str, text: &str) -> Vec<(String, String)> {
    vec![(group.to_owned(), text.to_owned())]
}

#[test]
fn a_test_goes_to_a_group_of_ones_own_and_takes_nothing_from_the_run() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 20);
    let told = [
        "testing news@",
        "`g0` would get it",
        "#test is done: 1 planned = 1 accepted",
    ];
    place.run(&["test", "news"]).assert(0, &told);
    assert_eq!(received(&vendor), one(OWN, "Hello City 0"));

    let test = json(&place.run(&["log", "news", "--test", "-o", "jsonl"]));
    assert_eq!((&test["test"], &test["group"]), (&true.into(), &OWN.into()));
    assert_eq!(test["state"], "accepted");
    place
        .run(&["log", "news"])
        .assert(1, &["only tests", "campanile log news --test"]);
    for verb in ["resume", "cancel"] {
        place.run(&[verb, "news"]).assert(1, &["only tests"]);
    }
    let name = test["run"].as_str().unwrap();
    place.run(&["log", name]).assert(0, &["a test: 1 planned"]);

    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["20 accepted"]);
    assert_eq!(received(&vendor).len(), 21, "each target got its own");
    place.run(&["test", "news"]).assert(0, &["1 accepted"]);
    assert!(place.log().iter().all(|line| line["test"] == false));
    assert_eq!(place.log().len(), 20, "the latest run is no test");
    let told = json(&place.run(&["list", "-o", "json"]));
    let last = told["campaigns"][0]["last_run"]["run"].as_str().unwrap();
    assert!(!last.contains('#'), "{last}");
    let status = json(&place.run(&["status", "-o", "json"]));
    assert_eq!(status["finished"].as_array().unwrap().len(), 1);
    assert_eq!(status["tests"], serde_json::json!([]));
    let prompt = place.run(&["run", "news", "--dry-run", "--again"]);
    assert!(!prompt.out.contains("#test"), "{prompt:?}");
}

/// An occurrence that was tested is still to be sent, under its own name.
#[test]
fn a_test_takes_no_occurrence() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 3);
    let at = "2026-01-05T09:00";
    for test in [
        "news@2026-01-05T09:00#test is",
        "news@2026-01-05T09:00#test2 is",
    ] {
        let ended = place.run(&["test", "news", "--for", at]);
        ended.assert(0, &[test, "1 accepted"]);
    }
    let run = ["run", "news", "--yes", "--for", at];
    place
        .run(&run)
        .assert(0, &["news@2026-01-05T09:00 is done", "3 accepted"]);
    place
        .run(&["test", "news", "--for", at])
        .assert(0, &["#test3 is done"]);
    place.run(&run).assert(0, &["nothing was sent now"]);
    assert_eq!(received(&vendor).len(), 6);
}

#[test]
fn the_one_whose_message_is_wanted_can_be_named() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 20);
    let test = ["test", "news", "--as", "g7", "--to", "@TGS#OURS"];
    place.run(&test).assert(0, &["1 accepted"]);
    assert_eq!(received(&vendor), one("@TGS#OURS", "Hello City 7"));
    place
        .run(&["test", "news", "--as", "g7x"])
        .assert(1, &["does not name the group `g7x`", "did you mean `g7`"]);
    let news = "audience: { group_files: [audiences/groups.csv], exclude: { groups: [g4] } }\n\
        send: { group_message: { text: \"x\" } }\n";
    place.write("campaigns/news.yaml", news);
    place
        .run(&["test", "news", "--as", "g4"])
        .assert(1, &["`g4` gets nothing: `exclude` names it"]);
    assert_eq!(received(&vendor).len(), 1);
}

#[test]
fn nobody_else_can_be_named_to_get_it() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 3);
    place
        .run(&["test", "news", "--to", "g1"])
        .assert(64, &["none of the `test_groups`", OWN]);
    place
        .run(&["test", "news", "--to", "@TGS#OUR"])
        .assert(64, &["did you mean `@TGS#OURS`"]);
    place.write(
        "campaigns/all.yaml",
        "send: { broadcast: { text: \"x\" } }\n",
    );
    place
        .run(&["test", "all"])
        .assert(64, &["cannot be sent to one group"]);
    settings(&place, &vendor, "administrator: administrator");
    place
        .run(&["test", "news"])
        .assert(78, &["no `test_groups`", "test_groups: [\"@TGS#MYTEST\"]"]);
    settings(&place, &vendor, "test_groups: [g2]");
    place
        .run(&["test", "news"])
        .assert(4, &["`g2` is a target of the campaign itself", "--force"]);
    assert!(vendor.ledger().is_empty());
    place
        .run(&["test", "news", "--force"])
        .assert(0, &["1 accepted"]);
    assert_eq!(received(&vendor), one("g2", "Hello City 0"));
}

/// They may not be in the group, and are nobody to be tried on.
#[test]
fn members_of_a_target_are_not_addressed() {
    for (channel, call) in [
        ("group_message", "send_group_msg"),
        ("notification", "send_group_system_notification"),
    ] {
        let vendor = Vendor::start(&[]);
        let place = place(&vendor, 1);
        let news = format!(
            "audience: {{ member_files: [audiences/members.csv] }}\n\
             send: {{ {channel}: {{ text: \"{{{{ member.name }}}} of {{{{ group.id }}}}\" }} }}\n"
        );
        place.write("campaigns/news.yaml", &news);
        let rows = "member,group,name\npeter,g1,Peter\nleckie,g1,Leckie\nanna,g2,Anna\n";
        place.write("audiences/members.csv", rows);
        place
            .run(&["test", "news"])
            .assert(0, &["1 accepted", "`peter` comes first", "as a whole"]);
        let ledger = vendor.ledger();
        assert_eq!(ledger.len(), 1);
        assert_eq!(
            (&ledger[0]["call"], &ledger[0]["group"]),
            (&call.into(), &OWN.into())
        );
        assert_eq!(ledger[0]["text"], "Peter of g1");
        assert_eq!(
            ledger[0]["members"],
            Value::Null,
            "everybody of the own group"
        );
    }
}

#[test]
fn a_test_is_the_message_of_the_next_occurrence_and_its_key_stands_in_the_log() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 1);
    let news = "name: news\ntimezone: UTC\nenabled: false\n\
        schedule: { at: [2126-11-11T09:00] }\n\
        delivery: { window: \"08:59-09:01\", pause_after: 1 }\n\
        audience: { group_files: [audiences/groups.csv] }\n\
        send: { group_message: { text: \"{{ occurrence.date }} {{ delivery.key }}\" } }\n";
    place.write("campaigns/news.yaml", news);
    place
        .run(&["test", "news"])
        .assert(0, &["news@2126-11-11T09:00#test is done"]);
    let line = json(&place.run(&["log", "news", "--test", "-o", "jsonl"]));
    let text = format!("2126-11-11 {}", line["delivery"].as_str().unwrap());
    assert_eq!(received(&vendor), one(OWN, &text));
    assert_eq!(line["occurrence"], "2126-11-11T09:00 UTC");
}

#[test]
fn one_wrong_target_and_nothing_is_tested() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 1);
    place.write("audiences/groups.csv", "group,city\ng1,A\ng2,\n");
    place.run(&["test", "news"]).assert(78, &["g2", "1 error"]);
    assert!(vendor.ledger().is_empty());
}

#[test]
fn a_refused_test_says_so() {
    let vendor = Vendor::start(&[]);
    let place = place(&vendor, 3);
    settings(&place, &vendor, "test_groups: [gMISSING]");
    place.run(&["test", "news"]).assert(5, &["1 refused"]);
    let ended = place.run(&["test", "news", "-o", "json"]);
    let told = json(&ended);
    assert_eq!(
        (ended.code, &told["test"], &told["refused"]),
        (5, &true.into(), &1.into())
    );
}

/// It is not gone on with by a run, or by another test; its own name goes on with it.
#[test]
fn a_test_that_was_cut_off_disturbs_nobody() {
    let vendor = Vendor::start(&["--latency", "1s"]);
    let place = place(&vendor, 5);
    let running = place.start(&["test", "news", "--for", "2026-01-05T09:00"]);
    vendor.wait_for(1);
    running.signal(Signal::KILL);
    running.end();
    let status = json(&place.run(&["status", "-o", "json"]));
    assert_eq!(status["needs_attention"], serde_json::json!([]));
    let name = "news@2026-01-05T09:00#test";
    assert_eq!(
        (&status["tests"][0]["run"], &status["tests"][0]["test"]),
        (&name.into(), &true.into())
    );
    let dry = place.run(&["run", "news", "--dry-run"]);
    dry.assert(0, &["no run of the campaign"]);
    place.run(&["resume", name]).assert(0, &["1 accepted"]);
    assert_eq!(
        received(&vendor),
        one(OWN, "Hello City 0"),
        "told as a repetition"
    );
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["5 accepted"]);
    assert_eq!(received(&vendor).len(), 6);
}

#[test]
fn the_stand_in_can_be_tested_with() {
    let place = Place::with_news("https://127.0.0.1:1", 3);
    let app = format!("endpoint: https://127.0.0.1:1\n    test_groups: [\"{OWN}\"]");
    place.write("campanile.yaml", &super::place::settings(&app));
    place
        .run(&["test", "news", "--sandbox"])
        .assert(0, &["1 accepted", "--sandbox"]);
    let ledger = place.sandbox_ledger();
    assert_eq!((ledger.len(), &ledger[0]["group"]), (1, &OWN.into()));
    assert!(!place.path().join("campanile.db").exists());
}
