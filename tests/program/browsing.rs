//! `list`: what people see of a folder of campaigns.

use super::place::{Ended, Place};
use serde_json::{Value, json};

const SEND: &str =
    "audience: { groups: [\"@TGS#1\"] }\nsend: { group_message: { text: \"Hello\" } }\n";

fn json_of(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// A campaign of each kind that a list tells apart.
fn place() -> Place {
    let place = Place::new();
    let campaign = |name: &str, head: &str| {
        place.write(&format!("campaigns/{name}.yaml"), &format!("{head}{SEND}"));
    };
    campaign(
        "daily",
        "name: daily\nowner: ann\nlabels: { season: winter, region: cn }\ntimezone: Asia/Shanghai\n\
         schedule: { cron: \"0 9 * * *\" }\n",
    );
    campaign("manual", "owner: bob\nlabels: { season: winter }\n");
    campaign(
        "asleep",
        "name: asleep\nenabled: false\nowner: ann\nschedule: { cron: \"0 9 * * *\" }\n",
    );
    campaign("past", "name: past\nschedule: { at: [2020-01-01T09:00] }\n");
    campaign(
        "broken",
        "owner: bob\ntimezone: Mars/Base\nenabled: perhaps\n",
    );
    place.write("campaigns/garbled.yaml", "send: [\n");
    place
}

fn line<'a>(ended: &'a Ended, name: &str) -> Vec<&'a str> {
    let lines = ended.out.lines().map(|line| line.split_whitespace());
    let mut lines = lines.map(Iterator::collect::<Vec<_>>);
    let found = lines.find(|words| words[0] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {ended:?}"))
}

const NOW: [&str; 2] = ["--now", "2026-11-11T00:30:00Z"];

#[test]
fn each_campaign_is_listed_whatever_is_wrong_with_another() {
    let place = place();
    let ended = place.run(&["list", NOW[0], NOW[1]]);
    ended.assert(0, &["2 files are invalid: campanile check says why"]);
    assert_eq!(
        line(&ended, "daily"),
        [
            "daily",
            "group_message",
            "main",
            "2026-11-11T09:00",
            "Asia/Shanghai",
            "-",
            "ann"
        ]
    );
    assert_eq!(line(&ended, "manual")[3..], ["by", "hand", "-", "bob"]);
    assert_eq!(line(&ended, "asleep")[3..], ["disabled", "-", "ann"]);
    assert_eq!(line(&ended, "past")[3..], ["over", "-", "-"]);
    assert_eq!(
        line(&ended, "broken"),
        ["broken", "invalid", "-", "2", "errors", "-", "bob"]
    );
    assert_eq!(
        line(&ended, "garbled")[1..5],
        ["invalid", "-", "1", "error"]
    );

    let told = json_of(&place.run(&["list", "-o", "json", NOW[0], NOW[1]]));
    let campaigns = told["campaigns"].as_array().unwrap();
    let of = |name: &str| {
        campaigns
            .iter()
            .find(|each| each["campaign"] == name)
            .unwrap()
    };
    assert_eq!(campaigns.len(), 6);
    assert_eq!(of("daily")["next"], "2026-11-11T01:00:00Z");
    assert_eq!(
        of("daily")["labels"],
        json!({ "season": "winter", "region": "cn" })
    );
    assert_eq!(of("asleep")["enabled"], false);
    assert_eq!(of("asleep")["next"], Value::Null);
    assert_eq!(
        (&of("broken")["valid"], &of("broken")["errors"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(told["journal"], Value::Null);
}

#[test]
fn owners_and_labels_narrow_the_list() {
    let place = place();
    let names = |options: &[&str]| -> Vec<String> {
        let told = json_of(&place.run(&[&["list", "-o", "json"], options].concat()));
        let campaigns = told["campaigns"].as_array().unwrap().iter();
        let names = campaigns.map(|each| each["campaign"].as_str().unwrap().to_owned());
        // Nobody knows whose this is: it is always shown.
        names.filter(|name| name != "garbled").collect()
    };
    assert_eq!(names(&["--owner", "ann"]), ["asleep", "daily"]);
    assert_eq!(names(&["--owner", "bob"]), ["broken", "manual"]);
    assert_eq!(names(&["--label", "season=winter"]), ["daily", "manual"]);
    assert_eq!(
        names(&["--label", "season=winter", "--label", "region=cn"]),
        ["daily"]
    );
    assert_eq!(
        names(&["--label", "season=winter", "--owner", "bob"]),
        ["manual"]
    );
    place
        .run(&["list", "--label", "season"])
        .assert(64, &["a label is written"]);
    std::fs::remove_file(place.path().join("campaigns/garbled.yaml")).unwrap();
    place.run(&["list", "--owner", "anne"]).assert(
        0,
        &[
            "no campaign in `campaigns` is like that",
            "did you mean `--owner ann`?",
        ],
    );
}

#[test]
fn the_last_run_of_each_is_told_and_no_journal_is_made() {
    let place = Place::with_news("http://127.0.0.1:9", 3);
    place.write("campaigns/other.yaml", SEND);
    place.run(&["list"]).assert(0, &[]);
    assert!(!place.path().join("campanile.db").exists());
    let run = ["run", "news", "--sandbox", "--yes", "--again", "-o", "json"];
    json_of(&place.run(&run));
    let second = json_of(&place.run(&run));
    let told = json_of(&place.run(&["list", "--sandbox", "-o", "json"]));
    let last = &told["campaigns"][0]["last_run"];
    assert_eq!(
        (&last["run"], &last["state"]),
        (&second["run"], &json!("done"))
    );
    assert_eq!(told["campaigns"][1]["last_run"], Value::Null);
    assert_eq!(told["journal"], ".campanile/sandbox.db");
    let ended = place.run(&["list", "--sandbox"]);
    let occurrence = second["run"]
        .as_str()
        .unwrap()
        .split_once('@')
        .unwrap()
        .1
        .to_owned();
    assert_eq!(line(&ended, "news")[5..7], ["done", occurrence.as_str()]);
}

#[test]
fn a_journal_that_cannot_be_read_hides_no_campaign() {
    let place = place();
    place.write("campanile.db", "this is no journal");
    let ended = place.run(&["list"]);
    ended.assert(0, &["the last runs are not shown"]);
    line(&ended, "daily");
    let settings = super::place::settings("region: singapore\njournal: { env: NOT_SET }");
    place.write("campanile.yaml", &settings);
    place
        .run(&["list"])
        .assert(0, &["daily", "the last runs are not shown", "NOT_SET"]);
}
