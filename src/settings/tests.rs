//! Settings as people write them, in the file and in the environment.

use super::*;
use crate::source::{Diagnostic, Source, render};
use std::collections::BTreeMap;
use std::time::Duration;

const WIDTH: usize = 100;
const PLAIN: &str = "apps:\n  main:\n    sdk_app_id: 1400000000\n    region: singapore\n";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Vec<Diagnostic>> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables: Vec<_> = variables.collect();
    Settings::read(&Source::new("campanile.yaml", text), &variables)
}

/// Everything that is said.
fn said(text: &str, variables: &[(&str, &str)]) -> String {
    let complaints = read(text, variables).unwrap_err();
    let said = complaints
        .iter()
        .map(|complaint| render(complaint, false, WIDTH));
    said.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn assert_said(text: &str, variables: &[(&str, &str)], expected: &str) {
    let said = said(text, variables);
    assert!(
        said == expected,
        "--- said:\n{said}--- expected:\n{expected}"
    );
}

fn codes(text: &str, variables: &[(&str, &str)]) -> Vec<&'static str> {
    let complaints = read(text, variables).unwrap_err();
    complaints
        .into_iter()
        .map(|complaint| complaint.code)
        .collect()
}

#[test]
fn what_is_not_given_has_its_default() {
    let settings = read(PLAIN, &[]).unwrap();
    let app = &settings.apps[0];
    assert_eq!(app.administrator, "administrator");
    assert_eq!(app.endpoint, "https://adminapisgp.im.qcloud.com");
    assert_eq!(app.limits, Limits::default());
    assert_eq!(
        (app.limits.group_message, app.limits.notification),
        (200, 200)
    );
    assert_eq!((app.limits.broadcast, app.limits.members_per_call), (1, 50));
    assert_eq!(app.limits.deduplication, Duration::from_mins(5));
    assert_eq!(app.test_groups, []);
    assert_eq!(settings.zone, chrono_tz::UTC);
    assert_eq!(settings.campaigns, "campaigns");
    assert_eq!(settings.roots, BTreeMap::new());
    assert_eq!(
        settings.journal,
        JournalSource::Path("campanile.db".to_owned())
    );
    assert_eq!(settings.on_invalid, spec::OnInvalid::Hold);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8787");
    let delivery = settings.defaults.delivery;
    assert_eq!((delivery.attempts, delivery.rate), (5, None));
    assert_eq!(delivery.on_unknown, delivery::OnUnknown::Hold);
    assert_eq!((delivery.window, delivery.pause_after), (None, None));
    assert_eq!(delivery.tolerate, Share::default());
}

#[test]
fn every_setting_is_read() {
    let text = "apps:
  main:
    sdk_app_id: 1400000000
    administrator: boss
    secret_key: { file: /run/secrets/key }
    endpoint: http://127.0.0.1:9000
    limits: { group_message: 300, notification: 150, broadcast: 5, members_per_call: 500, deduplication: 2m }
    test_groups: [\"@TGS#MYTEST\"]
  other: { sdk_app_id: 1400000000, region: tokyo, secret_key: { env: KEY } }
default_app: other
timezone: Asia/Shanghai
campaigns: mail/campaigns
roots: { exports: /srv/exports, here-2: ../here }
defaults:
  delivery: { rate: 50, attempts: 3, on_unknown: resend, window: \"22:00-06:00\", pause_after: 400, tolerate: 0.5% }
on_invalid: last_good
journal: sqlite:/var/lib/campanile.db
serve: { listen: \"[::1]:9999\", retention: 90d }
";
    let settings = read(text, &[]).unwrap();
    let app = &settings.apps[0];
    assert_eq!(app.administrator, "boss");
    let file = SecretSource::File("/run/secrets/key".to_owned());
    assert_eq!(app.secret, Some(file));
    let limits = Limits {
        group_message: 300,
        notification: 150,
        broadcast: 5,
        members_per_call: 500,
        deduplication: Duration::from_mins(2),
    };
    assert_eq!(app.limits, limits);
    assert_eq!(app.test_groups[0].as_str(), "@TGS#MYTEST");
    assert_eq!(settings.app(None).unwrap().role, "other");
    assert_eq!(settings.roots["here-2"], "../here");
    let delivery = settings.defaults.delivery;
    let expected = DeliveryRules {
        rate: Some(50.0),
        attempts: 3,
        on_unknown: delivery::OnUnknown::Resend,
        window: "22:00-06:00".parse().ok(),
        pause_after: Some(400),
        tolerate: "0.5%".parse().unwrap(),
    };
    assert_eq!(delivery, expected);
    assert_eq!(settings.on_invalid, spec::OnInvalid::LastGood);
    assert_eq!(settings.listen.port(), 9999);
    assert_eq!(settings.retention, Some(Duration::from_hours(90 * 24)));
    let journal = |text: &str| {
        read(&format!("{PLAIN}journal: {text}\n"), &[])
            .unwrap()
            .journal
    };
    assert_eq!(
        journal("{ env: JOURNAL }"),
        JournalSource::Environment("JOURNAL".to_owned())
    );
    assert_eq!(journal("{ file: a }"), JournalSource::File("a".to_owned()));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "apps:
  main:
    sdk_app_id: 0
    administrator: \"the boss\"
    secret_key: { env: KEY, file: key }
    region: singapur
    limits: { broadcast: 6, members_per_call: 501, deduplication: 10m }
    test_groups: [\" g\"]
default_app: mian
timezone: Asia/Shanghia
campaigns: ../campaigns
roots: { Exports: /srv, empty: \"\" }
defaults: { delivery: { window: \"08:00-08:00\", tolerate: \"101%\", pause_after: 0, retries: 3 } }
on_invalid: last-good
journal: mysql:x
serve: { listen: 8787, retention: 23h }
";
    let mut codes = codes(text, &[]);
    codes.sort_unstable();
    let expected = [
        "administrator",
        "bad-value",
        "bad-value",
        "bad-value",
        "bad-value",
        "campaigns",
        "duration",
        "duration",
        "group-id",
        "journal",
        "no-such-app",
        "one-of",
        "region",
        "root-folder",
        "root-name",
        "timezone",
        "tolerate",
        "unknown-choice",
        "unknown-key",
        "window",
        "wrong-type",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn every_region_of_the_vendor_is_known() {
    let regions: Vec<&str> = region::names().collect();
    assert_eq!(regions.len(), 9);
    for region in regions {
        let text = PLAIN.replace("singapore", region);
        let endpoint = read(&text, &[]).unwrap().apps[0].endpoint.clone();
        assert!(
            endpoint.ends_with("qcloud.com") || region == "china",
            "{endpoint}"
        );
    }
    let help = |region: &str| {
        let found = read(&PLAIN.replace("singapore", region), &[]).unwrap_err();
        found[0].help.clone().unwrap()
    };
    assert_eq!(help("Singapore"), "did you mean `singapore`?");
    assert_eq!(
        help("paris"),
        "known are `china`, `singapore`, `seoul`, `tokyo`, `frankfurt`, `silicon_valley`, `jakarta`, `mumbai` and \
         `saudi_arabia`"
    );
}

#[test]
fn a_campaigns_value_takes_the_place_of_the_defaults() {
    let text =
        format!("{PLAIN}defaults: {{ delivery: {{ rate: 50, attempts: 3, tolerate: \"1%\" }} }}\n");
    let defaults = read(&text, &[]).unwrap().defaults.delivery;
    let spec = DeliverySpec {
        attempts: Some(7),
        ..DeliverySpec::default()
    };
    let mut complaints = Vec::new();
    let rules = defaults.replaced_by(Some(&spec), &mut complaints);
    assert_eq!((rules.rate, rules.attempts), (Some(50.0), 7));
    assert_eq!(rules.tolerate, "1%".parse().unwrap());
    assert_eq!(defaults.replaced_by(None, &mut complaints), defaults);
    assert_eq!(complaints, []);
}

#[test]
fn variables_take_the_place_of_what_stands_in_the_file() {
    let text = "apps:
  main-app:
    sdk_app_id: 1400000000
    region: singapore
    secret_key: { file: key }
journal: { file: journal }
";
    let settings = read(
        text,
        &[
            ("CAMPANILE_APPS__MAIN_APP__SDK_APP_ID", "1400000001"),
            ("CAMPANILE_APPS__MAIN_APP__ENDPOINT", "http://localhost:1"),
            ("CAMPANILE_APPS__MAIN_APP__SECRET_KEY__ENV", "KEY"),
            ("CAMPANILE_APPS__MAIN_APP__TEST_GROUPS", "[\"@TGS#1\"]"),
            ("CAMPANILE_APPS__MAIN_APP__LIMITS__GROUP_MESSAGE", "7"),
            ("CAMPANILE_APPS__MAIN_APP__ADMINISTRATOR", "007"),
            ("CAMPANILE_DEFAULT_APP", "main-app"),
            ("CAMPANILE_DEFAULTS__DELIVERY__RATE", "0.5"),
            ("CAMPANILE_DEFAULTS__DELIVERY__TOLERATE", "2%"),
            ("CAMPANILE_JOURNAL", "sqlite:other.db"),
            ("CAMPANILE_ROOTS__EXPORTS", "/srv/exports"),
            ("CAMPANILE_ON_INVALID", "last_good"),
            ("CAMPANILE_SERVE__LISTEN", "127.0.0.1:1"),
            ("CAMPANILE_TIMEZONE", "Europe/Berlin"),
            // None of these is ours.
            ("CAMPANILE_SECRET_KEY", "hush"),
            ("HOME__X", "1"),
        ],
    );
    let settings = settings.unwrap();
    let app = &settings.apps[0];
    assert_eq!(
        (app.role.as_str(), app.sdk_app_id.0),
        ("main-app", 1_400_000_001)
    );
    assert_eq!(app.endpoint, "http://localhost:1");
    assert_eq!(
        app.secret,
        Some(SecretSource::Environment("KEY".to_owned()))
    );
    assert_eq!(app.test_groups.len(), 1);
    assert_eq!(app.limits.group_message, 7);
    assert_eq!(app.administrator, "007");
    assert_eq!(settings.defaults.delivery.rate, Some(0.5));
    assert_eq!(settings.defaults.delivery.tolerate, "2%".parse().unwrap());
    assert_eq!(settings.journal, JournalSource::Path("other.db".to_owned()));
    assert_eq!(settings.roots["exports"], "/srv/exports");
    assert_eq!(settings.on_invalid, spec::OnInvalid::LastGood);
    assert_eq!(settings.listen.port(), 1);
    assert_eq!(settings.zone, chrono_tz::Europe::Berlin);
}

#[test]
fn a_choice_of_shapes_is_taken_from_a_variable_as_well() {
    let journal = |name: &str, value: &str| read(PLAIN, &[(name, value)]).unwrap().journal;
    let found = JournalSource::Environment("J".to_owned());
    assert_eq!(journal("CAMPANILE_JOURNAL", "{ env: J }"), found);
    assert_eq!(journal("CAMPANILE_JOURNAL__ENV", "J"), found);
    let text = format!("{PLAIN}journal: sqlite:a.db\n");
    let settings = read(&text, &[("CAMPANILE_JOURNAL__ENV", "J")]).unwrap();
    assert_eq!(settings.journal, found);
    let app = "{ sdk_app_id: 1, region: tokyo }";
    let settings = read(
        PLAIN,
        &[
            ("CAMPANILE_APPS__MAIN", app),
            ("CAMPANILE_APPS__MAIN__SDK_APP_ID", "2"),
        ],
    );
    let settings = settings.unwrap();
    assert_eq!(settings.apps[0].sdk_app_id.0, 2);
    assert_eq!(
        settings.apps[0].endpoint,
        "https://adminapijpn.im.qcloud.com"
    );
}

#[test]
fn a_further_app_needs_its_number() {
    let settings = read(
        PLAIN,
        &[
            ("CAMPANILE_APPS__TEST__SDK_APP_ID", "1"),
            ("CAMPANILE_APPS__TEST__REGION", "tokyo"),
        ],
    );
    let settings = settings.unwrap();
    assert_eq!(settings.apps[1].role, "test");
    assert_said(
        PLAIN,
        &[("CAMPANILE_APPS__TEST__REGION", "tokyo")],
        "\
error[unknown-override]: no setting is named by `CAMPANILE_APPS__TEST__REGION`
 --> environment:1:17
  |
1 | CAMPANILE_APPS__TEST__REGION
  |                 ^^^^
  |
  = help: an entry that the file lacks needs `CAMPANILE_APPS__TEST__SDK_APP_ID` as well
",
    );
}

#[test]
fn a_wrong_variable_is_told_like_a_wrong_file() {
    assert_said(
        PLAIN,
        &[
            ("CAMPANILE_APPS__MAIN__REGION", "singapur"),
            ("CAMPANILE_APPS__MAIN__SDK_APP_ID", "main"),
            ("CAMPANILE_TIMEZONE", ""),
        ],
        "\
error[wrong-type]: expected a whole number for `sdk_app_id`, found text
 --> environment variable CAMPANILE_APPS__MAIN__SDK_APP_ID:1:1
  |
1 | main
  | ^^^^

error[no-value]: `timezone` has no value
 --> environment variable CAMPANILE_TIMEZONE:1:1
  |
  = help: give it a value, or delete the key

error[region]: there is no region `singapur`
 --> environment variable CAMPANILE_APPS__MAIN__REGION:1:1
  |
1 | singapur
  | ^^^^^^^^
  |
  = help: did you mean `singapore`?
",
    );
    let both = [
        ("CAMPANILE_APPS__MAIN__REGION", "tokyo"),
        ("CAMPANILE_APPS__MAIN__ENDPOINT", "https://localhost"),
    ];
    assert_eq!(codes(PLAIN, &both), ["two-endpoints"]);
    let list = [("CAMPANILE_APPS__MAIN__TEST_GROUPS", "[@TGS#1]")];
    assert_eq!(codes(PLAIN, &list), ["unquoted"]);
}

#[test]
fn a_file_that_is_no_map_is_not_made_one() {
    let variable = [("CAMPANILE_APPS__MAIN__SDK_APP_ID", "1")];
    assert_eq!(codes("- apps\n", &variable), ["wrong-type"]);
    assert_eq!(codes("apps: [\n", &variable), ["yaml-syntax"]);
}

#[test]
fn a_variable_that_leads_nowhere_is_told() {
    let help = |name: &str| {
        let complaints = read(PLAIN, &[(name, "hush")]).unwrap_err();
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert_eq!(complaints[0].code, "unknown-override");
        assert!(!said(PLAIN, &[(name, "hush")]).contains("hush"));
        complaints[0].help.clone().unwrap()
    };
    assert_eq!(
        help("CAMPANILE_APPS__MIAN__REGION"),
        "did you mean `CAMPANILE_APPS__MAIN__REGION`?"
    );
    assert_eq!(
        help("CAMPANILE_APP__MAIN__REGION"),
        "did you mean `CAMPANILE_APPS__MAIN__REGION`?"
    );
    assert_eq!(
        help("CAMPANILE_apps__MAIN__REGION"),
        "did you mean `CAMPANILE_APPS__MAIN__REGION`?"
    );
    assert_eq!(
        help("CAMPANILE_TIMEZONE__MAIN"),
        "write `CAMPANILE_TIMEZONE`: there is nothing below it"
    );
    assert_eq!(
        help("CAMPANILE_APPS__MAIN__SECRET_KEY__VALUE"),
        "behind `CAMPANILE_APPS__MAIN__SECRET_KEY__` may stand `ENV` and `FILE`"
    );
    let twice =
        "apps:\n  a-b: { sdk_app_id: 1, region: tokyo }\n  a_b: { sdk_app_id: 1, region: tokyo }\n";
    let variable = [("CAMPANILE_APPS__A_B__REGION", "seoul")];
    assert_eq!(codes(twice, &variable), ["ambiguous-override"]);
}

#[test]
fn a_variable_that_the_settings_name_is_no_override() {
    let text = format!("{PLAIN}    secret_key: {{ env: CAMPANILE_KEYS__MAIN }}\n");
    let key = ("CAMPANILE_KEYS__MAIN", "hush");
    assert!(read(&text, &[key]).is_ok());
    let named = (
        "CAMPANILE_APPS__MAIN__SECRET_KEY__ENV",
        "CAMPANILE_KEYS__MAIN",
    );
    assert!(read(PLAIN, &[key, named]).is_ok());
    assert_eq!(codes(PLAIN, &[key]), ["unknown-override"]);
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let key = "0123456789abcdef".repeat(4);
    let in_file = format!("{PLAIN}    secret_key: {key}\n");
    assert_said(
        &in_file,
        &[],
        "\
error[secret-inline]: `secret_key` says where the key is kept, and is never the key itself
 --> campanile.yaml:5:17
  |
5 |     secret_key: ****************************************************************
  |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: put the key into an environment variable or a file, and write its name here: `{ env: CAMPANILE_SECRET_KEY }`
",
    );
    let variants = [
        (format!("{PLAIN}    secret_key: hush{key}\n"), vec![]),
        (format!("{PLAIN}    secret_key: {{ env: {key} }}\n"), vec![]),
        (
            format!("{PLAIN}    secret_key: {{ file: {key} }}\n"),
            vec![],
        ),
        (format!("{PLAIN}    secretkey: {key}\n"), vec![]),
        (
            PLAIN.to_owned(),
            vec![("CAMPANILE_APPS__MAIN__SECRET_KEY", key.as_str())],
        ),
        (
            PLAIN.to_owned(),
            vec![("CAMPANILE_APPS__MAIN__SECRET_KEY__ENV", key.as_str())],
        ),
        (
            PLAIN.to_owned(),
            vec![("CAMPANILE_JOURNAL", "postgres://me:hush@host/db")],
        ),
    ];
    for (text, variables) in variants {
        let said = said(&text, &variables);
        assert!(!said.contains(&key) && !said.contains("hush"), "{said}");
    }
}
