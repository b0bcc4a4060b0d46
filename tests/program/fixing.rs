//! `check --fix`: what is certain is typed, and nothing else is touched.

use super::place::{Ended, Place};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

const NEWS: &str = "campaigns/news.yaml";

impl Place {
    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// What becomes of a campaign, which the program is told to mend.
    fn fixed(&self, text: &str) -> (Ended, String) {
        self.write(NEWS, text);
        let ended = self.run(&["check", "--fix"]);
        (ended, self.text(NEWS))
    }
}

/// It comes out like this, and there is nothing to be said about it.
#[track_caller]
fn assert_mended(before: &str, after: &str, words: &[&str]) {
    let place = Place::new();
    let (ended, found) = place.fixed(before);
    assert_eq!(found, after);
    ended.assert(0, words);
    // Who does it again changes nothing.
    let again = place.run(&["check", "--fix"]);
    again.assert(0, &["0 mends in 0 files"]);
    assert_eq!(place.text(NEWS), after);
}

#[test]
fn each_kind_of_slip_is_mended_and_told() {
    const SEND: &str = "send: { group_message: { text: \"x\" } }\n";
    const WHOLE: &str =
        "audience: { groups: [\"g1\"] }\nsend: { group_message: { text: \"x\" } }\n";
    for (before, after, told) in [
        (
            format!("audience: {{ groups: [@TGS#1, \"g2\"] }}\n{SEND}"),
            format!("audience: {{ groups: [\"@TGS#1\", \"g2\"] }}\n{SEND}"),
            ":1: `@TGS#1` -> `\"@TGS#1\"` [unquoted]",
        ),
        (
            format!("name: news\nschedule:\n  cron: * 9 * * *  # early\n{WHOLE}"),
            format!("name: news\nschedule:\n  cron: \"* 9 * * *\"  # early\n{WHOLE}"),
            ":3: `* 9 * * *` -> `\"* 9 * * *\"` [unquoted]",
        ),
        (
            "audience: { groups: [\"g1\"] }\nsend:\n  group_message:\n    text: {{ group.id }}, \"hi\"\n".to_owned(),
            "audience: { groups: [\"g1\"] }\nsend:\n  group_message:\n    text: \"{{ group.id }}, \\\"hi\\\"\"\n".to_owned(),
            "[unquoted]",
        ),
        (
            "audience: { groups: [\"g1\"] }\nsend: { group_message: { text: Hello you } }\n".to_owned(),
            "audience: { groups: [\"g1\"] }\nsend: { group_message: { text: \"Hello you\" } }\n".to_owned(),
            ":2: `Hello you` -> `\"Hello you\"` [unquoted-text]",
        ),
        (
            format!("owner: 0012\n{WHOLE}"),
            format!("owner: \"0012\"\n{WHOLE}"),
            ":1: `0012` -> `\"0012\"` [wrong-type]",
        ),
        (
            format!("audience: {{ groups: [12345678901234567890] }}\n{SEND}"),
            format!("audience: {{ groups: [\"12345678901234567890\"] }}\n{SEND}"),
            "[number-out-of-range]",
        ),
        (
            format!("audiense: {{ gruops: [\"g1\"] }}  # all\n{SEND}"),
            format!("audience: {{ groups: [\"g1\"] }}  # all\n{SEND}"),
            ":1: `audiense` -> `audience` [unknown-key]",
        ),
        (
            format!("name：news\nowner： ann\n{WHOLE}"),
            format!("name: news\nowner: ann\n{WHOLE}"),
            ":1: `：` -> `: ` [full-width-colon]",
        ),
        (
            "audience：\n  groups：\n    - g1\nsend：\n  group_message：\n    text：\"x：y\"\n".to_owned(),
            "audience:\n  groups:\n    - g1\nsend:\n  group_message:\n    text: \"x：y\"\n".to_owned(),
            "5 mends in 1 file",
        ),
        (
            format!("name: news\nschedule:\n  cron：\"0 9 * * *\"\n  from：2026-01-01\n  until：2031-01-01\n{WHOLE}"),
            format!("name: news\nschedule:\n  cron: \"0 9 * * *\"\n  from: 2026-01-01\n  until: 2031-01-01\n{WHOLE}"),
            "3 mends in 1 file",
        ),
        (
            "audience: { groups: [\"g1\"] }\nsend:\n  group_message:\n    elements:\n      - text：\"x\"\n".to_owned(),
            "audience: { groups: [\"g1\"] }\nsend:\n  group_message:\n    elements:\n      - text: \"x\"\n".to_owned(),
            "[wrong-type]",
        ),
    ] {
        assert_mended(&before, &after, &[&format!("mended {NEWS}"), told]);
    }
}

#[test]
fn all_else_stays_byte_for_byte() {
    let before = "\u{feff}# 活动\r\nname: news   # \"name\"\r\n\r\naudiense:\r\n    groups:   [ @TGS#1 ]\r\n\
                  send:\r\n  group_message:\r\n    text: |\r\n      a: b ：c \r\n\r\n    prioritty:   high";
    let after = before
        .replace("audiense", "audience")
        .replace("@TGS#1", "\"@TGS#1\"")
        .replace("prioritty", "priority");
    assert_mended(before, &after, &["3 mends in 1 file"]);
}

#[test]
fn what_is_not_certain_is_left_and_told() {
    for (text, code) in [
        // Two keys come equally near, or the right one is there already.
        (
            "audience: { groups: [\"g1\"], grps: [\"g2\"] }\n",
            "unknown-key",
        ),
        (
            "audience: { groups: [\"g1\"] }\nvariabels: {}\nvariables: {}\n",
            "unknown-key",
        ),
        (
            "audience: { groups: [\"g1\"] }\nnaem: news\nnmae: news\n",
            "unknown-key",
        ),
        ("audience: { groups: [\"g1\"] }\nxyz: 1\n", "unknown-key"),
        // What stands behind the sign may be meant to be read.
        (
            "audience: { groups: [\"g1\"] }\nowner: @ann #1\n",
            "unquoted",
        ),
        // One of two colons is in no key of ours, and with the other alone it would be no YAML at all.
        (
            "audience: { groups: [\"g1\"] }\nlabels:\n  a：b\n  c d：e\n",
            "wrong-type",
        ),
        // It is no text that is wanted, or none that could be one.
        (
            "audience: { groups: [\"g1\"], sample: [1] }\n",
            "wrong-type",
        ),
        (
            "audience: { groups: [\"g1\"] }\ndelivery: { window: 5 }\n",
            "wrong-type",
        ),
        (
            "audience: { groups: [\"g1\"] }\ntimezone: 5\n",
            "wrong-type",
        ),
    ] {
        let place = Place::new();
        let text = format!("{text}send: {{ group_message: {{ text: \"x\" }} }}\n");
        let (ended, found) = place.fixed(&text);
        assert_eq!(found, text);
        ended.assert(78, &["0 mends in 0 files", &format!("[{code}]")]);
    }
}

#[test]
fn a_mend_that_makes_it_worse_is_not_made_and_others_are() {
    let place = Place::new();
    // Renamed, the day would be given twice over; quoted, it would be no time.
    let text = "name: news\nowner: 5\nschedule: { at: [9] }\naudience: { groups: [\"g1\"] }\n\
                send: { group_message: { text: \"x\" } }\n";
    let (ended, found) = place.fixed(text);
    assert_eq!(found, text.replace("owner: 5", "owner: \"5\""));
    ended.assert(
        78,
        &[
            "1 mend in 1 file",
            "error[wrong-type]: expected text in `at`",
        ],
    );
}

#[test]
fn what_a_slip_had_hidden_comes_to_light() {
    let place = Place::new();
    let text = "name：news\naudience: { groups: [5], sampel: 100% }\nsend: { group_message: { text: {{ x }} } }\n";
    let (ended, found) = place.fixed(text);
    let mended = "name: news\naudience: { groups: [\"5\"], sample: 100% }\nsend: { group_message: { text: \"{{ x }}\" } }\n";
    assert_eq!(found, mended);
    ended.assert(78, &["4 mends in 1 file", "undefined-variable", "1 error"]);
}

#[test]
fn a_file_that_ends_otherwise_is_renamed_and_mended() {
    let place = Place::new();
    let text = "audience: { groups: [@TGS#1] }\nsend: { group_message: { text: \"x\" } }\n";
    place.write("campaigns/news.yml", text);
    place.write("campaigns/other.YAML", text);
    let ended = place.run(&["check", "campaigns/news.yml", "--fix"]);
    let renamed = "renamed campaigns/news.yml to campaigns/news.yaml";
    ended.assert(0, &[renamed, "2 mends in 1 file", "news: 1 call"]);
    assert!(place.text(NEWS).contains("[\"@TGS#1\"]"));
    assert!(!place.path().join("campaigns/news.yml").exists());
    place.run(&["check", "--fix"]).assert(0, &["other.yaml"]);
    // Nothing takes the place of another campaign.
    place.write("campaigns/news.yml", text);
    let before = place.text(NEWS);
    let ended = place.run(&["check", "--fix"]);
    ended.assert(78, &["`campaigns/news.yml` ends in `.yml`"]);
    assert_eq!(place.text(NEWS), before);
    assert!(place.path().join("campaigns/news.yml").exists());
}

#[test]
fn links_lead_nobody_out_and_permissions_stay() {
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    let text = "audience: { groups: [@TGS#1] }\nsend: { group_message: { text: \"x\" } }\n";
    let other = outside.path().join("other.yaml");
    fs::write(&other, text).unwrap();
    let news = place.write(NEWS, text);
    fs::set_permissions(&news, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&other, place.path().join("campaigns/other.yaml")).unwrap();
    place
        .run(&["check", "--fix"])
        .assert(78, &["1 mend in 1 file", "leads out of the repository"]);
    assert_eq!(fs::read_to_string(&other).unwrap(), text);
    assert_eq!(
        fs::metadata(&news).unwrap().permissions().mode() & 0o777,
        0o640
    );
    let left: Vec<_> = fs::read_dir(place.path().join("campaigns"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn settings_that_cannot_be_used_are_mended_first() {
    let place = Place::new();
    let settings = super::place::settings("region: singapore");
    let typed = settings
        .replace("region", "regoin")
        .replace("sdk_app_id:", "sdk_app_id：");
    place.write("campanile.yaml", &format!("\u{feff}{typed}"));
    place.write(
        NEWS,
        "audience: { groups: [@TGS#1] }\nsend: { group_message: { text: \"x\" } }\n",
    );
    let ended = place.run(&["check", "--fix", "--dry-run"]);
    ended.assert(
        0,
        &["+    region: singapore", "2 mends in 1 file would be made"],
    );
    let ended = place.run(&["check", "--fix"]);
    ended.assert(
        0,
        &[
            "mended campanile.yaml:5: `regoin` -> `region`",
            "3 mends in 2 files",
        ],
    );
    let found = place
        .text("campanile.yaml")
        .replace("sdk_app_id:  ", "sdk_app_id: ");
    assert_eq!(found, format!("\u{feff}{settings}"));
}

#[test]
fn a_key_in_the_settings_is_never_shown() {
    let place = Place::new();
    for key in ["hush-hush-hush", "5550123", "\"hush-hush-hush\""] {
        let settings = super::place::settings("regoin: singapore");
        let typed = settings.replace("{ env: CAMPANILE_SECRET_KEY }", key);
        for typed in [typed.clone(), typed.replace("sdk_app_id:", "sdk_app_id：")] {
            place.write("campanile.yaml", &typed);
            for more in [&["--dry-run"][..], &["-o", "json"], &[]] {
                let ended = place.run(&[&["check", "--fix"], more].concat());
                assert_eq!(ended.code, 78, "{ended:?}");
                assert!(
                    !ended.out.contains("hush") && !ended.out.contains("5550123"),
                    "{ended:?}"
                );
                assert_eq!(place.text("campanile.yaml"), typed);
            }
        }
    }
}

/// Beside it stands a slip that is mended for certain, so that something would be shown.
#[test]
fn a_key_in_a_wrong_place_is_never_shown() {
    const OUTPUTS: [&[&str]; 9] = [
        &[],
        &["-o", "json"],
        &["-o", "sarif"],
        &["-o", "github"],
        &["--fix", "--dry-run"],
        &["--fix", "--dry-run", "-o", "json"],
        &["--fix"],
        &["--fix", "-o", "json"],
        &["--fix", "-o", "sarif"],
    ];
    let long = "5550123456789abc".repeat(4);
    let place = Place::new();
    place.write(
        NEWS,
        "audience: { groups: [g1] }\nsend: { group_message: { text: \"x\" } }\n",
    );
    for written in [
        format!("secret_key: {{ value: {long} }}"),
        format!("secret_key:\n      value: {long}"),
        "secret_key: { value: hush5550 }".to_owned(),
        "secret_key:\n      value: hush5550".to_owned(),
        format!("key: {{ env: {long} }}"),
        format!("secret_key: {{ env: CAMPANILE_SECRET_KEY, env: {long} }}"),
        format!("secret_key:\n      env: CAMPANILE_SECRET_KEY\n      env: {long}"),
        format!("secret_key: {{ env: CAMPANILE_SECRET_KEY }}\n    other: {long}"),
        format!("secret_key: {{ file: {long} }}"),
        format!("secret_key: {{ env: CAMPANILE_SECRET_KEY }}\n    # it was {long}"),
    ] {
        let settings = super::place::settings("regoin: singapore");
        let typed = settings.replace("secret_key: { env: CAMPANILE_SECRET_KEY }", &written);
        assert_ne!(typed, settings);
        place.write("campanile.yaml", &typed);
        for more in OUTPUTS {
            let ended = place.run(&[&["check"], more].concat());
            assert_eq!(ended.code, 78, "{ended:?}");
            for said in [&ended.out, &ended.err] {
                assert!(!said.contains("hush") && !said.contains("5550"), "{said}");
            }
            assert_eq!(place.text("campanile.yaml"), typed, "it is not written");
        }
    }
}

#[test]
fn a_dry_run_writes_nothing_and_shows_what_git_applies() {
    let place = Place::new();
    let text =
        "# one\n# two\naudiense: { groups: [\"g1\"] }\nsend: { group_message: { text: \"x\" } }";
    place.write("campaigns/news.yml", text);
    let ended = place.run(&["check", "--fix", "--dry-run"]);
    ended.assert(0, &["2 mends in 1 file would be made; nothing was written"]);
    assert_eq!(place.text("campaigns/news.yml"), text);
    fs::write(place.path().join("fix.patch"), &ended.out).unwrap();
    place
        .shell("git init -q . && git apply fix.patch")
        .assert(0, &[]);
    assert_eq!(place.text(NEWS), text.replace("audiense", "audience"));
    place.run(&["check"]).assert(0, &["news: 1 call"]);
    let told = place.run(&["check", "--dry-run"]);
    told.assert(64, &["--fix"]);
}

#[test]
fn programs_are_told_where_and_what() {
    let place = Place::new();
    let text = "audiense: { groups: [\"g1\"] }\nsend: { group_message: { text: \"x\" } }\n";
    place.write(NEWS, text);
    let json = |arguments: &[&str]| -> Value {
        let ended = place.run(arguments);
        serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
    };
    let told = json(&["check", "-o", "json"]);
    assert_eq!(
        told["diagnostics"][0]["fix"],
        json!({ "line": 1, "column": 1, "end_line": 1, "end_column": 9, "before": "audiense", "after": "audience" })
    );
    let told = json(&["check", "-o", "sarif"]);
    let change = &told["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], NEWS);
    let replacement = &change["replacements"][0];
    assert_eq!(replacement["deletedRegion"]["endColumn"], 9);
    assert_eq!(replacement["insertedContent"]["text"], "audience");
    let fixed = json!([{ "path": NEWS, "line": 1, "code": "unknown-key", "before": "audiense", "after": "audience" }]);
    let told = json(&["check", "--fix", "--dry-run", "-o", "json"]);
    assert_eq!((&told["fixed"], &told["written"]), (&fixed, &json!(false)));
    assert!(told["diff"].as_str().unwrap().contains("+audience:"));
    let told = json(&["check", "--fix", "-o", "json"]);
    assert_eq!((&told["fixed"], &told["errors"]), (&fixed, &json!(0)));
    let told = json(&["check", "-o", "json"]);
    assert_eq!(told.get("fixed"), None);
}

/// A program that is told of a mend may rely on it.
#[test]
fn what_would_not_be_mended_is_offered_to_nobody() {
    let place = Place::new();
    let told = || -> Value {
        let ended = place.run(&["check", "-o", "json"]);
        serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
    };
    // Quoted, it would be no length of time; the other is certain.
    place.write(
        NEWS,
        "name: news\nowner: 5\nschedule: { cron: \"0 9 * * *\", start_within: 15 }\n\
         audience: { groups: [\"g1\"] }\nsend: { group_message: { text: \"x\" } }\n",
    );
    let found = told()["diagnostics"].clone();
    assert_eq!(found[0]["fix"]["after"], "\"5\"");
    assert_eq!(found[1]["fix"], Value::Null);
    place
        .run(&["check"])
        .assert(78, &["1 complaint may be mended: campanile check --fix"]);
    // Settings in which a key can be read are not mended at all.
    let settings = super::place::settings("regoin: singapore");
    place.write("campanile.yaml", &settings);
    assert_eq!(told()["diagnostics"][0]["fix"]["after"], "region");
    let typed = settings.replace("{ env: CAMPANILE_SECRET_KEY }", "hush-hush-hush");
    place.write("campanile.yaml", &typed);
    let told = told();
    let of_settings = told["diagnostics"].as_array().unwrap().iter();
    let mut of_settings = of_settings.filter(|each| each["place"]["path"] == "campanile.yaml");
    assert!(of_settings.all(|each| each["fix"].is_null()), "{told}");
    let sarif = place.run(&["check", "-o", "sarif"]).out;
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let offered = results.iter().filter(|each| each.get("fixes").is_some());
    assert_eq!(offered.count(), 1, "that of the campaign: {sarif}");
}

#[test]
fn who_checks_hears_that_it_can_be_mended() {
    let place = Place::new();
    place.write(
        NEWS,
        "audiense: { groups: [\"g1\"] }\nsend: { group_message: { text: \"x\" } }\n",
    );
    place
        .run(&["check"])
        .assert(78, &["1 complaint may be mended: campanile check --fix"]);
}
