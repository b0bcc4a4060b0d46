//! The journal as a file: kept small, copied while it is written, and not mistaken for another.

use super::place::{Ended, Place};
use super::vendor::Vendor;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const DAY_MS: u64 = 86_400_000;

pub(crate) fn journal(place: &Place) -> PathBuf {
    place.path().join("campanile.db")
}

/// Does something to the journal that no command does.
pub(crate) fn alter(place: &Place, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let path = format!("sqlite:{}", journal(place).display());
        let mut journal = sqlx::SqliteConnection::connect(&path).await.unwrap();
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(statements)
            .execute(&mut journal)
            .await
            .unwrap();
        journal.close().await.unwrap();
    });
}

/// As if all that stands in it had happened so many days ago.
pub(crate) fn age(place: &Place, days: u64) {
    let by = days * DAY_MS;
    alter(
        place,
        &format!(
            "UPDATE entry SET wall_ms = wall_ms - {by}; UPDATE run_entry SET wall_ms = wall_ms - {by};
             UPDATE run SET opened_ms = opened_ms - {by}"
        ),
    );
}

fn prune(place: &Place, options: &[&str]) -> Ended {
    place.run(&[&["journal", "prune"], options].concat())
}

fn rows(place: &Place) -> Vec<Value> {
    let ended = place.run(&["log", "news", "-o", "jsonl"]);
    let lines = ended.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_is_old_and_finished_goes_and_nothing_else() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 300);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["300 accepted"]);
    let name = rows(&place)[0]["run"].as_str().unwrap().to_owned();
    let short = prune(&place, &["--older-than", "23h", "--yes"]);
    short.assert(64, &["at least 24h", "nothing is sent twice by mistake"]);
    prune(&place, &["--older-than", "1d", "--yes"]).assert(0, &["nothing to remove"]);
    assert_eq!(rows(&place).len(), 300);

    age(&place, 100);
    place.write(
        "campaigns/other.yaml",
        "audience: { groups: [g1] }\nsend: { group_message: { text: \"y\" } }\n",
    );
    place
        .run(&["run", "other", "--yes"])
        .assert(0, &["1 accepted"]);
    let dry = prune(&place, &["--older-than", "90d", "--dry-run", "-o", "json"]);
    let told: Value = serde_json::from_str(&dry.out).unwrap();
    let expected = json!({ "run": name, "app": "main", "state": "done", "deliveries": 300 });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(told["runs"][0][key], *value);
    }
    assert_eq!(rows(&place).len(), 300, "a dry run removes nothing");
    let asked = prune(&place, &["--older-than", "90d"]);
    let says = [
        "1 finished run with 300 deliveries",
        &name,
        "--older-than 90d --yes",
    ];
    asked.assert(4, &says);
    assert_eq!(rows(&place).len(), 300);

    let before = fs::metadata(journal(&place)).unwrap().len();
    prune(&place, &["--older-than", "90d", "--yes"]).assert(0, &["removed 1 run"]);
    let after = fs::metadata(journal(&place)).unwrap().len();
    // Half of it is tables that are empty.
    assert!(after < before / 3 * 2, "{before} bytes, then {after}");
    place
        .run(&["log", &name])
        .assert(1, &["there is no run", "it was pruned"]);
    place.run(&["log", "other"]).assert(0, &["1 accepted"]);
    // It is not taken for the first run of a journal, nor for one that was never sent.
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["300 accepted"]);
}

#[test]
fn what_has_not_finished_stays_however_old_it_is() {
    let vendor = Vendor::start(&["--fault", "code_60020=100%"]);
    let place = Place::with_news(&vendor.endpoint(), 50);
    place.run(&["run", "news", "--yes"]).assert(6, &["stopped"]);
    age(&place, 400);
    let pruned = prune(&place, &["--older-than", "90d", "--yes", "-o", "json"]);
    let told: Value = serde_json::from_str(&pruned.out).unwrap();
    assert_eq!((&told["runs"], &told["kept_open"]), (&json!([]), &json!(1)));
    assert_eq!(rows(&place).len(), 50);
}

/// What a prune leaves that is cut off is rubbish, which the next takes with it.
#[test]
fn a_prune_that_was_cut_off_leaves_no_half_run() {
    let vendor = Vendor::start(&["--limit", "5000"]);
    let place = Place::with_news(&vendor.endpoint(), 6_000);
    let settings = format!(
        "endpoint: {}\n    limits: {{ group_message: 5000 }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &super::place::settings(&settings));
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["6,000 accepted"]);
    age(&place, 100);
    for round in 0..20 {
        let running = place.start(&["journal", "prune", "--older-than", "90d", "--yes"]);
        std::thread::sleep(std::time::Duration::from_millis(15 + round * 4));
        running.signal(rustix::process::Signal::KILL);
        drop(running.end());
        let whole = rows(&place).len();
        assert!(whole == 0 || whole == 6_000, "half a run: {whole}");
    }
    prune(&place, &["--older-than", "90d", "--yes"]).assert(0, &["removed"]);
    let left = "SELECT count(*) FROM (SELECT 1 FROM entry UNION ALL SELECT 1 FROM delivery
        UNION ALL SELECT 1 FROM content UNION ALL SELECT 1 FROM plan UNION ALL SELECT 1 FROM run_entry)";
    assert_eq!(count(&place, left), 0);
    assert_eq!(count(&place, "SELECT count(*) FROM pruned"), 1);
}

fn count(place: &Place, query: &str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let path = format!("sqlite:{}", journal(place).display());
        let mut journal = sqlx::SqliteConnection::connect(&path).await.unwrap();
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()));
        query.fetch_one(&mut journal).await.unwrap()
    })
}

#[test]
fn a_copy_made_while_a_run_is_sent_is_whole() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 500);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let running = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(60);
    let elsewhere = Place::with_news(&vendor.endpoint(), 500);
    let copy = journal(&elsewhere);
    let copied = place.run(&["journal", "backup", copy.to_str().unwrap(), "-o", "json"]);
    assert_eq!(copied.code, 0, "{copied:?}");
    let told: Value = serde_json::from_str(&copied.out).unwrap();
    let bytes = fs::metadata(&copy).unwrap();
    assert_eq!(
        (&told["runs"], &told["bytes"]),
        (&json!(1), &json!(bytes.len()))
    );
    assert_eq!(bytes.permissions().mode() & 0o777, 0o600);
    running.end().assert(0, &["500 accepted"]);

    let lines = rows(&elsewhere);
    assert_eq!(lines.len(), 500, "every delivery is in it");
    let accepted = lines
        .iter()
        .filter(|line| line["state"] == "accepted")
        .count();
    assert!((1..500).contains(&accepted), "{accepted} accepted by then");
    let again = place.run(&["journal", "backup", copy.to_str().unwrap()]);
    again.assert(1, &["nothing is overwritten"]);
    assert_eq!(rows(&elsewhere).len(), 500);
}

#[test]
fn a_copy_for_which_there_is_no_room_leaves_nothing_behind() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 1_000);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["1,000 accepted"]);
    fs::create_dir(place.path().join("copies")).unwrap();
    // A file may not grow beyond so many blocks; the journal is larger.
    let program = env!("CARGO_BIN_EXE_campanile");
    let script = format!("trap '' XFSZ; ulimit -f 100; exec {program} journal backup copies/a.db");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path())
        .output();
    let ended = Ended::of(&output.unwrap());
    ended.assert(1, &["cannot make the backup"]);
    let left = fs::read_dir(place.path().join("copies")).unwrap().count();
    assert_eq!(left, 0, "{ended:?}");
    place
        .run(&["journal", "backup", "copies/a.db"])
        .assert(0, &["1 run"]);
}

#[test]
fn what_is_no_journal_of_ours_is_told_from_one() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 40);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["40 accepted"]);
    let whole = fs::read(journal(&place)).unwrap();
    let log = |says: &[&str]| place.run(&["log", "news"]).assert(1, says);

    alter(
        &place,
        "PRAGMA user_version = 99; INSERT INTO written_by VALUES (99, '7.8.9')",
    );
    log(&[
        "was written by campanile 7.8.9 (schema 99)",
        "use that version or a later one",
    ]);
    alter(&place, "DROP TABLE written_by");
    log(&["was written by another version of campanile"]);

    fs::write(journal(&place), &whole[..whole.len() / 2]).unwrap();
    log(&["campanile.db"]);
    fs::write(
        journal(&place),
        "no database at all, but long enough to be looked at, twice over, by all who read it. \
        Nothing to see here, and nothing was ever sent.",
    )
    .unwrap();
    log(&["is a database of another program"]);
    fs::remove_file(journal(&place)).unwrap();
    alter_new(&place);
    log(&["is a database of another program"]);
    fs::remove_file(journal(&place)).unwrap();
    fs::create_dir(journal(&place)).unwrap();
    log(&["it is a folder"]);
}

/// A database of another program.
fn alter_new(place: &Place) {
    fs::write(journal(place), "").unwrap();
    alter(place, "CREATE TABLE theirs (a)");
}

/// Turns the journal into one of a development version, as far as any later program looks.
fn as_of_development(place: &Place, version: u32) {
    const DEVELOPMENT_ID: u32 = 0x4361_6D70;
    let statements =
        format!("PRAGMA application_id = {DEVELOPMENT_ID}; PRAGMA user_version = {version}");
    alter(place, &statements);
}

/// Every file of a place that is or belongs to its journal.
fn journal_files(place: &Place) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = [place.path().to_owned(), place.path().join(".campanile")];
    let files = folders.iter().flat_map(|folder| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path())
    });
    let mut files: Vec<_> = files
        .filter(|path| path.to_str().unwrap().contains(".db"))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn journal_of_development_version_is_refused_by_every_command_and_not_touched() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 10);
    let app = format!("endpoint: {}\n    test_groups: [mine]", vendor.endpoint());
    place.write("campanile.yaml", &super::place::settings(&app));
    place
        .run(&["run", "news", "--yes", "--stop-after", "5"])
        .assert(6, &["is paused"]);
    as_of_development(&place, 7);
    let before = journal_files(&place);
    let refused = [
        "campanile.db` was made by a development version of campanile (schema 7), which this version cannot read",
        "help: finish its open runs with the program that made it, then move it away",
    ];
    for verb in [
        "log news",
        "log news -f",
        "status",
        "status -o json",
        "run news --yes",
        "run news --dry-run",
        "test news --to mine",
        "resume news",
        "resume --schedules",
        "pause news",
        "pause --all",
        "cancel news --yes",
        "retry news --state failed --yes",
        "release news",
        "release --gone",
        "journal backup copy.sqlite",
        "journal prune --older-than 30d --yes",
        "serve",
    ] {
        let arguments: Vec<&str> = verb.split(' ').collect();
        place.run(&arguments).assert(1, &refused);
        assert!(journal_files(&place) == before, "{verb}");
    }
    let listed = place.run(&["list"]);
    listed.assert(0, &["news", "the last runs are not shown", refused[0]]);
    place.run(&["next", "news"]);
    place.run(&["check"]).assert(0, &[]);
    assert!(journal_files(&place) == before);
    assert!(!place.path().join("copy.sqlite").exists());
    assert_eq!(vendor.ledger().len(), 5);
}

#[test]
fn sandbox_journal_of_development_version_is_refused_and_may_be_deleted() {
    let place = Place::with_news("http://127.0.0.1:9", 3);
    let run = ["run", "news", "--sandbox", "--yes"];
    place.run(&run).assert(0, &["3 accepted"]);
    let own = place.path().join(".campanile/sandbox.db");
    fs::rename(&own, journal(&place)).unwrap();
    as_of_development(&place, 3);
    fs::rename(journal(&place), &own).unwrap();

    let before = journal_files(&place);
    let refused = place.run(&run);
    refused.assert(
        1,
        &[
            "(schema 3)",
            "help: it holds rehearsals only; delete it with: rm '",
        ],
    );
    assert!(journal_files(&place) == before);
    let (_, command) = refused.err.split_once("delete it with: ").unwrap();
    place.shell(command.trim()).assert(0, &[]);
    place.run(&run).assert(0, &["3 accepted"]);
}
