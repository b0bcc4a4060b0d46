//! What `check` tells programs: GitHub, code scanning; and what its codes mean.

use super::place::{Ended, Place};
use serde_json::{Value, json};
use std::path::Path;

/// Two errors of one campaign, one of which has a second place, and a warning of another.
fn place() -> Place {
    let place = Place::new();
    place.write(
        "campaigns/bad, one.yaml",
        "name: bad\nowner: ann\nowner: bob\naudience: { groups: [\"@TGS#1\"] }\n\
         send: { group_message: { text: \"50%\" } }\naudiense: 1\n",
    );
    place.write(
        "campaigns/twice.yaml",
        "audience: { groups: [\"@TGS#1\", \"@TGS#1\"] }\nsend: { group_message: { text: \"Hi\" } }\n",
    );
    place
}

fn in_folder(place: &Place, folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = place.command(arguments);
    Ended::of(&command.current_dir(folder).output().unwrap())
}

/// The commands of a workflow: severity, properties, message.
fn commands(ended: &Ended) -> Vec<(String, String, String)> {
    let command = |line: &str| {
        let rest = line
            .strip_prefix("::")
            .unwrap_or_else(|| panic!("{line:?}"));
        let (head, message) = rest.split_once("::").unwrap();
        let (severity, properties) = head.split_once(' ').unwrap();
        (
            severity.to_owned(),
            properties.to_owned(),
            message.to_owned(),
        )
    };
    ended.out.lines().map(command).collect()
}

#[test]
fn github_shows_each_complaint_at_its_line() {
    let place = place();
    let ended = place.run(&["check", "-o", "github"]);
    ended.assert(78, &["2 campaigns checked: 2 errors, 1 warning"]);
    let told = commands(&ended);
    let heads: Vec<(&str, &str)> = told
        .iter()
        .map(|(severity, properties, _)| (severity.as_str(), properties.as_str()))
        .collect();
    assert_eq!(
        heads,
        [
            (
                "error",
                "file=campaigns/bad%2C one.yaml,line=3,col=1,endColumn=6,title=duplicate-key"
            ),
            (
                "error",
                "file=campaigns/bad%2C one.yaml,line=6,col=1,endColumn=9,title=unknown-key"
            ),
            (
                "warning",
                "file=campaigns/twice.yaml,line=1,col=32,endColumn=40,title=group-again"
            ),
        ]
    );
    assert!(
        told[0]
            .2
            .contains("%0Asee campaigns/bad, one.yaml:2: first given here"),
        "{told:?}"
    );
    assert!(
        told[1].2.contains("%0Ahelp: did you mean `audience`?"),
        "{told:?}"
    );
    assert_eq!(place.run(&["check", "twice", "-o", "github"]).code, 0);
    assert_eq!(
        place
            .run(&["check", "twice", "-o", "github", "--strict"])
            .code,
        78
    );
}

#[test]
fn paths_are_those_of_the_checkout() {
    let place = place();
    // From elsewhere they count from where one stands, and in a workflow from the checkout.
    let parent = place.path().parent().unwrap();
    let name = place.path().file_name().unwrap().to_str().unwrap();
    let ended = in_folder(
        &place,
        parent,
        &["-C", name, "check", "twice", "-o", "github"],
    );
    assert!(
        ended
            .out
            .contains(&format!("file={name}/campaigns/twice.yaml,")),
        "{ended:?}"
    );
    let mut command = place.command(&["check", "twice", "-o", "github"]);
    command
        .current_dir(place.path().join("campaigns"))
        .env("GITHUB_WORKSPACE", place.path());
    let ended = Ended::of(&command.output().unwrap());
    assert!(
        ended.out.contains("file=campaigns/twice.yaml,"),
        "{ended:?}"
    );
}

#[test]
fn files_and_settings_that_cannot_be_read_are_shown_as_well() {
    let place = place();
    place.write("campaigns/old.yml", "send: {}\n");
    let ended = place.run(&["check", "campaigns/old.yml", "-o", "github"]);
    ended.assert(
        78,
        &[
            "::error file=campaigns/old.yml,line=1,col=1,endColumn=1,title=file::",
            "%0Ahelp: rename the file",
        ],
    );
    place.run(&["check", "twise", "-o", "github"]).assert(
        78,
        &[
            "::error title=file::there is no campaign `twise`",
            "did you mean `twice`?",
        ],
    );
    let settings = super::place::settings("regoin: singapore");
    place.write("campanile.yaml", &settings);
    let ended = place.run(&["check", "-o", "github"]);
    ended.assert(
        78,
        &["::error file=campanile.yaml,line=5,col=5,endColumn=11,title=unknown-key::"],
    );
    // What stands in no file has no place, and says where it is.
    place.write(
        "campanile.yaml",
        &super::place::settings("region: singapore"),
    );
    let mut command = place.command(&["check", "-o", "github"]);
    let ended = Ended::of(
        &command
            .env("CAMPANILE_TIMEZONE", "Mars/Base")
            .output()
            .unwrap(),
    );
    ended.assert(
        78,
        &[
            "::error title=timezone::",
            "%0Aat environment variable CAMPANILE_TIMEZONE:1",
        ],
    );
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let ended = place().run(&["check", "-o", "sarif"]);
    assert_eq!(ended.code, 78, "{ended:?}");
    let log: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(
        (&driver["name"], &run["columnKind"]),
        (&json!("campanile"), &json!("unicodeCodePoints"))
    );
    let (rules, results) = (
        driver["rules"].as_array().unwrap(),
        run["results"].as_array().unwrap(),
    );
    let ids: Vec<&Value> = rules.iter().map(|rule| &rule["id"]).collect();
    assert_eq!(ids, ["duplicate-key", "unknown-key", "group-again"]);
    for rule in rules {
        for text in [
            "/shortDescription/text",
            "/fullDescription/text",
            "/help/text",
            "/help/markdown",
        ] {
            assert!(
                rule.pointer(text).unwrap().as_str().unwrap().len() > 20,
                "{rule:#}"
            );
        }
    }
    for result in results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        assert!(result["message"]["text"].as_str().unwrap().len() > 10);
    }
    let place = |location: &Value| location["physicalLocation"].clone();
    assert_eq!(
        place(&results[0]["locations"][0]),
        json!({
            "artifactLocation": { "uri": "campaigns/bad%2C%20one.yaml" },
            "region": { "startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 6 },
        })
    );
    let related = &results[0]["relatedLocations"][0];
    assert_eq!(place(related)["region"]["startLine"], 2);
    assert_eq!(related["message"]["text"], "first given here");
    let levels: Vec<&Value> = results.iter().map(|result| &result["level"]).collect();
    assert_eq!(levels, ["error", "error", "warning"]);
}

#[test]
fn a_code_is_explained_wrong_and_right() {
    let place = Place::new();
    place
        .run(&["check", "--explain", "unknown-key"])
        .assert(0, &["wrong:\n    audiense:", "right:\n    audience:"]);
    place
        .run(&["check", "--explain", "unknwon-key"])
        .assert(64, &["did you mean `unknown-key`?"]);
    let all = place.run(&["check", "--explain"]);
    assert_eq!(all.code, 0);
    let told = place.run(&["check", "--explain", "-o", "json"]);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let codes = told["codes"].as_array().unwrap();
    assert_eq!(all.out.lines().count(), codes.len());
    assert!(codes.len() > 100);
    assert_eq!(codes[0]["code"], all.out.split_whitespace().next().unwrap());
    place
        .run(&["check", "--explain", "tab", "-o", "sarif"])
        .assert(64, &[]);
    // Who has a complaint in front of them is told where there is more.
    place.write("campaigns/a.yaml", "send: {}\n");
    place
        .run(&["check"])
        .assert(78, &["more about a code: campanile check --explain one-of"]);
}
