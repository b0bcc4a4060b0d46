//! `show`: what a campaign comes to, and who says so.

use super::place::{Ended, Place};
use serde_json::{Value, json};

const SETTINGS: &str = "apps:
  main:
    sdk_app_id: 1400000000
    secret_key: { env: CAMPANILE_SECRET_KEY }
    region: singapore
    limits: { group_message: 150 }
timezone: Asia/Shanghai
defaults:
  schedule: { overlap: queue, except: [2026-12-24, 2026-12-25] }
  delivery:
    attempts: 7
    window: \"08:00-22:00\"
";

const CAMPAIGN: &str = "audience:
  groups:
    - id: \"@TGS#1\"
      variables: { city: \"12\" }
    - \"@TGS#2\"
schedule:
  cron: \"0 9 * * *\"
  finish_within: 5m
name: news
send:
  group_message:
    text: |
      Hello {{ undefined }}!

      # no comment
delivery: { window: \"09:00-21:00\" }
";

fn place() -> Place {
    let place = Place::new();
    place.write("campanile.yaml", SETTINGS);
    place.write("campaigns/news.yaml", CAMPAIGN);
    place
}

fn told(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// The value at a path and its origin: `(7, "settings campanile.yaml:11")`.
fn value(told: &Value, path: &str) -> (Value, String) {
    let mut values = told["values"].as_array().unwrap().iter();
    let found = values.find(|value| value["path"] == path);
    let found = found.unwrap_or_else(|| panic!("there is no {path} in {told:#}"));
    let origin = found["origin"].as_str().unwrap();
    let place = match (found["file"].as_str(), found["line"].as_u64()) {
        (Some(file), Some(line)) => format!(" {file}:{line}"),
        (Some(file), None) => format!(" {file}"),
        _ => found["variable"]
            .as_str()
            .map_or_else(String::new, |name| format!(" {name}")),
    };
    (found["value"].clone(), format!("{origin}{place}"))
}

#[test]
fn each_value_says_where_it_comes_from() {
    let place = place();
    let mut command = place.command(&["show", "news", "-o", "json"]);
    command.env("CAMPANILE_DEFAULTS__DELIVERY__TOLERATE", "2%");
    let told = told(&Ended::of(&command.output().unwrap()));
    let expected = [
        ("name", json!("news"), "file campaigns/news.yaml:9"),
        ("enabled", json!(true), "default"),
        ("app", json!("main"), "settings campanile.yaml:2"),
        (
            "timezone",
            json!("Asia/Shanghai"),
            "settings campanile.yaml:7",
        ),
        (
            "audience.groups.0.variables.city",
            json!("12"),
            "file campaigns/news.yaml:4",
        ),
        (
            "audience.groups.1",
            json!("@TGS#2"),
            "file campaigns/news.yaml:5",
        ),
        (
            "schedule.cron",
            json!("0 9 * * *"),
            "file campaigns/news.yaml:7",
        ),
        (
            "schedule.overlap",
            json!("queue"),
            "settings campanile.yaml:9",
        ),
        (
            "schedule.except.1",
            json!("2026-12-25"),
            "settings campanile.yaml:9",
        ),
        ("schedule.dst", json!("run_once"), "default"),
        // What ends after five minutes does not start after fifteen.
        ("schedule.start_within", json!("5m"), "default"),
        ("send.group_message.priority", json!("normal"), "default"),
        (
            "delivery.window",
            json!("09:00-21:00"),
            "file campaigns/news.yaml:16",
        ),
        ("delivery.attempts", json!(7), "settings campanile.yaml:11"),
        ("delivery.rate", json!(150), "settings campanile.yaml:6"),
        ("delivery.on_unknown", json!("hold"), "default"),
        (
            "delivery.tolerate",
            json!("2%"),
            "environment CAMPANILE_DEFAULTS__DELIVERY__TOLERATE",
        ),
    ];
    for (path, expected, origin) in expected {
        assert_eq!(value(&told, path), (expected, origin.to_owned()), "{path}");
    }
    assert_eq!(told["campaign"]["delivery"]["attempts"], 7);
    let text = "Hello {{ undefined }}!\n\n# no comment\n";
    assert_eq!(told["campaign"]["send"]["group_message"]["text"], text);
}

#[test]
fn the_page_has_its_origins_in_one_column() {
    let page = place().run(&["show", "news"]);
    page.assert(
        0,
        &[
            "  attempts: 7 ",
            "# from campanile.yaml:11\n",
            "# from campaigns/news.yaml:9\n",
            "# from the built-in default\n",
            "    text: | ",
            "\n      Hello {{ undefined }}!\n\n      # no comment\n",
        ],
    );
    let columns: Vec<usize> = page
        .out
        .lines()
        .filter_map(|line| line.find("  # from"))
        .collect();
    assert!(columns.len() > 15);
    assert!(
        columns.iter().all(|column| *column == columns[0]),
        "{}",
        page.out
    );
    assert!(!page.out.contains("CAMPANILE_SECRET_KEY"));
    let unnamed = place();
    unnamed.write(
        "campaigns/plain.yaml",
        "audience: { groups: [\"@TGS#1\"] }\nsend: { broadcast: { text: \"x\" } }\n",
    );
    unnamed.run(&["show", "plain"]).assert(78, &["error"]);
    unnamed.write(
        "campaigns/plain.yaml",
        "send: { broadcast: { text: \"x\" } }\n",
    );
    unnamed
        .run(&["show", "campaigns/plain.yaml"])
        .assert(0, &["# from the name of campaigns/plain.yaml"]);
    unnamed
        .run(&["show", "plaim"])
        .assert(78, &["did you mean `plain`?"]);
}

#[test]
fn what_is_shown_of_each_example_is_the_same_campaign() {
    let place = Place::of_the_examples();
    for file in std::fs::read_dir("campaigns").unwrap() {
        let path = file.unwrap().path();
        let path = path.to_str().unwrap();
        let before = told(&place.run(&["show", path, "-o", "json"]));
        let page = place.run(&["show", path]);
        assert_eq!(page.code, 0, "{page:?}");
        place.write(path, &page.out);
        let after = told(&place.run(&["show", path, "-o", "json"]));
        assert_eq!(after["campaign"], before["campaign"], "{}", page.out);
        let values = after["values"].as_array().unwrap();
        assert!(
            values.iter().all(|value| value["origin"] == "file"),
            "{}",
            page.out
        );
    }
}
