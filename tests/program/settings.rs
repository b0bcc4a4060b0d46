//! Settings from the file and the environment: what they do, and what is said when they are wrong.

use super::place::{Ended, Place, settings};
use super::vendor::Vendor;
use campanile::workbench::{Settings, Source};

const DRY: [&str; 4] = ["run", "news", "--sandbox", "--yes"];

fn run_with(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = place.command(arguments);
    command.envs(variables.iter().copied());
    Ended::of(&command.output().unwrap())
}

#[track_caller]
fn assert_says(ended: &Ended, expected: &str) {
    assert_eq!(ended.code, 78, "{ended:?}");
    assert!(
        ended.err == expected,
        "--- said:\n{}--- expected:\n{expected}",
        ended.err
    );
}

/// A place whose news go to groups of these ids.
fn place_for(endpoint: &str, groups: &[&str], delivery: &str) -> Place {
    let place = Place::with_news(endpoint, 0);
    place.write(
        "audiences/groups.csv",
        &format!("group\n{}\n", groups.join("\n")),
    );
    let campaign = "audience: { group_files: [audiences/groups.csv] }\nsend: { group_message: { text: \"Hi\" } }\n";
    place.write("campaigns/news.yaml", &format!("{campaign}{delivery}"));
    place
}

#[test]
fn a_variable_leads_to_another_place() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news("https://there.is.none.invalid", 3);
    place.write("campanile.yaml", &settings("region: singapore"));
    let endpoint = vendor.endpoint();
    let variables = [
        ("CAMPANILE_APPS__MAIN__ENDPOINT", endpoint.as_str()),
        ("CAMPANILE_JOURNAL", "sqlite:elsewhere.db"),
    ];
    run_with(&place, &["run", "news", "--yes"], &variables).assert(0, &["3 accepted"]);
    vendor.assert_each_once(3);
    assert!(place.path().join("elsewhere.db").is_file());
    assert!(!place.path().join("campanile.db").exists());
}

#[test]
fn a_wrong_variable_is_told_beside_the_file() {
    let place = Place::with_news("http://127.0.0.1:1", 3);
    place.write(
        "campanile.yaml",
        &format!("{}timezone: Asia/Shanghia\n", settings("region: singapore")),
    );
    let variables = [
        ("CAMPANILE_APPS__MAIN__REGION", "tokio"),
        ("CAMPANILE_APPS__MIAN__REGION", "tokyo"),
    ];
    assert_says(
        &run_with(&place, &DRY, &variables),
        "\
error[timezone]: there is no time zone `Asia/Shanghia`
 --> campanile.yaml:6:11
  |
6 | timezone: Asia/Shanghia
  |           ^^^^^^^^^^^^^
  |
  = help: did you mean `Asia/Shanghai`?

error[region]: there is no region `tokio`
 --> environment variable CAMPANILE_APPS__MAIN__REGION:1:1
  |
1 | tokio
  | ^^^^^
  |
  = help: did you mean `tokyo`?

error[unknown-override]: no setting is named by `CAMPANILE_APPS__MIAN__REGION`
 --> environment:1:17
  |
1 | CAMPANILE_APPS__MIAN__REGION
  |                 ^^^^
  |
  = help: did you mean `CAMPANILE_APPS__MAIN__REGION`?

error: 3 errors; nothing was sent
",
    );
}

#[test]
fn every_wrong_setting_says_what_to_write() {
    let place = Place::with_news("http://127.0.0.1:1", 3);
    place.write(
        "campanile.yaml",
        "apps:
  main:
    sdk_app_id: 1400000000
    region: singapore
    limits: { broadcast: 6, deduplication: 10m }
defaults:
  delivery: { window: \"8-22\", tolerate: \"1\" }
journal: postgres://me:hush@db/campanile
serve: { listen: localhost }
",
    );
    assert_says(
        &place.run(&DRY),
        "\
error[bad-value]: `broadcast` must be at most 5
 --> campanile.yaml:5:26
  |
5 |     limits: { broadcast: 6, deduplication: 10m }
  |                          ^

error[duration]: `10m` is no length of time up to five minutes
 --> campanile.yaml:5:44
  |
5 |     limits: { broadcast: 6, deduplication: 10m }
  |                                            ^^^
  |
  = help: write `300s` or `5m`

error[window]: a window is two times of day with `-` between them
 --> campanile.yaml:7:23
  |
7 |   delivery: { window: \"8-22\", tolerate: \"1\" }
  |                       ^^^^^^
  |
  = help: write it as `\"08:00-22:00\"`, or leave it out for the whole day

error[tolerate]: a share is a percentage from 0 to 100 with at most four decimals
 --> campanile.yaml:7:41
  |
7 |   delivery: { window: \"8-22\", tolerate: \"1\" }
  |                                         ^^^
  |
  = help: write `1%` or `0.5%`

error[journal]: a journal in PostgreSQL is not supported yet
 --> campanile.yaml:8:10
  |
8 | journal: postgres://*******@db/campanile
  |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write `sqlite:` and a path, such as `sqlite:campanile.db`

error[listen]: `localhost` is no address with a port
 --> campanile.yaml:9:18
  |
9 | serve: { listen: localhost }
  |                  ^^^^^^^^^
  |
  = help: write `127.0.0.1:8787`, or `0.0.0.0:8787` to be reached from elsewhere

error: 6 errors; nothing was sent
",
    );
}

#[test]
fn so_many_losses_as_are_tolerated_end_well() {
    let vendor = Vendor::start(&[]);
    let groups: Vec<String> = (0..48).map(|number| format!("g{number}")).collect();
    let run = |lost: &[&str], delivery: &str, defaults: &str| {
        let groups: Vec<&str> = groups
            .iter()
            .map(String::as_str)
            .chain(lost.iter().copied())
            .collect();
        let place = place_for(&vendor.endpoint(), &groups, delivery);
        let app = settings(&format!("endpoint: {}", vendor.endpoint()));
        place.write("campanile.yaml", &format!("{app}{defaults}"));
        place.run(&["run", "news", "--yes"])
    };
    let one = ["MISSING1"];
    let two = ["MISSING1", "MISSING2"];
    run(&one, "", "").assert(5, &["48 accepted + 1 refused"]);
    run(&one, "delivery: { tolerate: 2% }\n", "").assert(5, &["1 refused"]);
    run(&two, "delivery: { tolerate: 4% }\n", "").assert(0, &["2 refused"]);
    run(&two, "delivery: { tolerate: 3.9999% }\n", "").assert(5, &["2 refused"]);
    let defaults = "defaults: { delivery: { tolerate: 4% } }\n";
    run(&two, "", defaults).assert(0, &["2 refused"]);
    run(&two, "delivery: { tolerate: 0 }\n", defaults).assert(5, &["2 refused"]);
}

#[test]
fn a_rate_over_the_limit_is_a_warning() {
    let place = place_for("http://127.0.0.1:1", &["g1"], "delivery: { rate: 300 }\n");
    let ended = place.run(&DRY);
    ended.assert(0, &["1 accepted"]);
    let expected = "\
warning[rate-over-limit]: the app may make 200 calls a second, and no more will be made
 --> campaigns/news.yaml:3:19
  |
3 | delivery: { rate: 300 }
  |                   ^^^
  |
  = help: write `rate: 200`, or raise the app's limit in the settings if the vendor did
";
    assert!(ended.err.starts_with(expected), "{}", ended.err);
}

#[test]
fn rows_come_from_a_root_with_a_name() {
    let exports = Place::new();
    exports.write("weekly.csv", "group\ng1\ng2\n");
    let folder = exports.path().display().to_string();
    let place = Place::new();
    let roots = [("CAMPANILE_ROOTS__EXPORTS", folder.as_str())];
    let from = |path: &str| {
        let campaign = format!(
            "audience: {{ group_files: [\"{path}\"] }}\nsend: {{ group_message: {{ text: \"Hi\" }} }}\n"
        );
        place.write("campaigns/news.yaml", &campaign);
        run_with(&place, &DRY, &roots)
    };
    from("exports:weekly.csv").assert(0, &["2 accepted"]);
    assert_says(
        &from("exprots:weekly.csv"),
        "\
error[file]: there is no root `exprots`, as in `exprots:weekly.csv`
 --> campaigns/news.yaml:1:27
  |
1 | audience: { group_files: [\"exprots:weekly.csv\"] }
  |                           ^^^^^^^^^^^^^^^^^^^^
  |
  = help: did you mean `exports:weekly.csv`?

error: 1 error; nothing was sent
",
    );
    assert_says(
        &from("/srv/exports/weekly.csv"),
        "\
error[file]: `/srv/exports/weekly.csv` is an absolute path
 --> campaigns/news.yaml:1:27
  |
1 | audience: { group_files: [\"/srv/exports/weekly.csv\"] }
  |                           ^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: name its folder in the settings, `roots: { exports: /srv/exports }`, and write `exports:weekly.csv`

error: 1 error; nothing was sent
",
    );
    from("exports:../campanile.yaml").assert(78, &["leads out of the root `exports`"]);
}

#[test]
fn the_journal_is_where_a_variable_or_a_file_says() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let app = settings(&format!("endpoint: {}", vendor.endpoint()));
    place.write(
        "campanile.yaml",
        &format!("{app}journal: {{ env: JOURNAL }}\n"),
    );
    let run = ["run", "news", "--yes"];
    run_with(&place, &run, &[("JOURNAL", "sqlite:by-variable.db")]).assert(0, &["by-variable.db"]);
    let password = run_with(&place, &run, &[("JOURNAL", "postgres://me:hush@db")]);
    assert_says(
        &password,
        "\
error: the environment variable `JOURNAL` names no journal: a journal in PostgreSQL is not supported yet
  help: write `sqlite:` and a path, such as `sqlite:campanile.db`
",
    );
    place
        .run(&run)
        .assert(78, &["`JOURNAL` with the journal is not set"]);

    place.write(
        "campanile.yaml",
        &format!("{app}journal: {{ file: journal.txt }}\n"),
    );
    place.run(&run).assert(78, &["`journal.txt`: No such file"]);
    place.write("journal.txt", "sqlite:by-file.db\n");
    place.run(&run).assert(0, &["by-file.db"]);
}

#[test]
fn the_settings_of_the_readme_are_valid() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, section) = readme.split_once("\n## Settings\n").unwrap();
    let example = section.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let settings = Settings::read(&Source::new("README.md", example), &[]).unwrap();
    assert_eq!(settings.defaults.delivery.attempts, 5);
    assert_eq!(settings.apps[0].limits.members_per_call, 50);
    assert_eq!(settings.listen.port(), 8787);
}

/// Where the settings are wrong about the roots, which roots there are is not known.
#[test]
fn unknown_root_is_not_reported_where_roots_are_invalid() {
    let place = Place::new();
    place.write(
        "campaigns/news.yaml",
        "audience: { group_files: [\"exports:weekly.csv\"] }\nsend: { group_message: { text_file: \"exports:a.txt\" } }\n",
    );
    let unknown = "there is no root `exports`, as in `exports:";
    let checked = place.run(&["check"]);
    checked.assert(
        78,
        &[
            &format!("{unknown}weekly.csv`"),
            &format!("{unknown}a.txt`"),
        ],
    );
    let valid = std::fs::read_to_string(place.path().join("campanile.yaml")).unwrap();
    place.write("campanile.yaml", &format!("{valid}roots: [exports]\n"));
    let checked = place.run(&["check"]);
    assert_eq!(checked.code, 78, "{checked:?}");
    assert!(!checked.err.contains("there is no root") && !checked.out.contains("there is no root"));
}
