//! Journals that somebody else has written into: what this program never makes is refused or told as damage, in bounded
//! memory, and nothing is sent from it.

use super::hostile::{assert_tame, bounded};
use super::journals::{alter, journal};
use super::place::{Place, settings};
use super::vendor::Vendor;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

const GROUPS: usize = 8;
/// What reads a journal, and what would go on with it.
const VERBS: [&str; 5] = [
    "log news -o jsonl",
    "log news",
    "status",
    "run news --yes",
    "resume news",
];

/// A run of which half is out, and its journal as it was left.
struct Begun {
    vendor: Vendor,
    place: Place,
    whole: Vec<u8>,
}

impl Begun {
    fn new() -> Begun {
        let vendor = Vendor::start(&["--limit", "5000", "--deduplication", "1s"]);
        let place = Place::with_news(&vendor.endpoint(), GROUPS);
        let app = format!(
            "endpoint: {}\n    limits: {{ group_message: 5000, deduplication: 1s }}",
            vendor.endpoint()
        );
        place.write("campanile.yaml", &settings(&app));
        let half = (GROUPS / 2).to_string();
        place
            .run(&["run", "news", "--yes", "--stop-after", &half])
            .assert(6, &["is paused"]);
        let whole = fs::read(journal(&place)).unwrap();
        Begun {
            vendor,
            place,
            whole,
        }
    }

    /// The journal as it was left, and then as these statements leave it.
    fn altered(&self, statements: &str) {
        for beside in ["campanile.db-wal", "campanile.db-shm", "campanile.db-epoch"] {
            let _ = fs::remove_file(self.place.path().join(beside));
        }
        let _ = fs::remove_file(journal(&self.place));
        fs::write(journal(&self.place), &self.whole).unwrap();
        alter(&self.place, statements);
    }

    /// Nothing is read of it, and nothing sent.
    #[track_caller]
    fn assert_refused(&self, words: &[&str]) {
        for verb in VERBS {
            let ended = bounded(&self.place, verb);
            ended.assert(1, words);
            assert_tame(&ended);
        }
        assert_eq!(self.vendor.ledger().len(), GROUPS / 2, "nothing was sent");
    }
}

const FOR_EVER: &str = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";

#[test]
fn what_acts_in_the_place_of_a_table_is_refused() {
    let begun = Begun::new();
    let keep = "help: keep the file, for it alone tells what was sent";
    for (statements, words) in [
        (
            "CREATE TRIGGER \"odd\u{1b}[31m\" AFTER INSERT ON entry BEGIN DELETE FROM entry; END"
                .to_owned(),
            "it has a trigger `odd",
        ),
        (
            format!(
                "DROP TABLE entry; CREATE VIEW entry AS {FOR_EVER} SELECT x AS run, x AS delivery, x AS place FROM n"
            ),
            "it has no table `entry`",
        ),
        (
            format!(
                "DROP TABLE run; CREATE VIEW run AS {FOR_EVER} SELECT x AS id, 'news' AS campaign FROM n"
            ),
            "it has no table `run`",
        ),
        (
            "DROP TABLE run_entry; CREATE VIRTUAL TABLE run_entry USING fts5(run, place, event)"
                .to_owned(),
            "it has no table `run_entry`",
        ),
        ("DROP TABLE pruned".to_owned(), "it has no table `pruned`"),
    ] {
        begun.altered(&statements);
        begun.assert_refused(&["the journal is damaged: `", "campanile.db`", words, keep]);
    }
    // What people add for themselves to look at it does no harm.
    begun.altered("CREATE VIEW mine AS SELECT * FROM run; CREATE INDEX by_name ON run (campaign)");
    bounded(&begun.place, "resume news").assert(0, &["8 accepted"]);
    begun.vendor.assert_each_once(GROUPS);
}

#[test]
fn versions_that_never_were_are_refused() {
    let begun = Begun::new();
    for (version, words) in [
        ("-1", "a journal whose beginning is damaged"),
        ("0", "a journal whose beginning is damaged"),
        ("-2147483648", "a journal whose beginning is damaged"),
        ("2147483647", "(schema 2147483647)"),
    ] {
        begun.altered(&format!("PRAGMA user_version = {version}"));
        begun.assert_refused(&[words]);
    }
}

#[test]
fn what_is_no_file_is_no_journal() {
    let begun = Begun::new();
    let path = journal(&begun.place);
    for device in ["/dev/null", "/dev/zero", "/dev/full", "/dev/stdin"] {
        fs::remove_file(&path).unwrap();
        symlink(device, &path).unwrap();
        begun.assert_refused(&["cannot open the journal", "not a plain file"]);
    }
    fs::remove_file(&path).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    begun.assert_refused(&["cannot open the journal", "not a plain file"]);
    // Nor is what lies beside it.
    begun.altered("PRAGMA user_version");
    let witness = begun.place.path().join("campanile.db-epoch");
    let _ = fs::remove_file(&witness);
    assert!(
        Command::new("mkfifo")
            .arg(&witness)
            .status()
            .unwrap()
            .success()
    );
    bounded(&begun.place, "resume news").assert(1, &["campanile.db-epoch", "not a plain file"]);
}

/// Letters that are written into a column; whoever reads them has no room for them.
const LETTERS: u32 = 400_000_000;

#[test]
fn texts_of_a_gigabyte_are_not_read() {
    let begun = Begun::new();
    begun.altered(&format!(
        "UPDATE content SET body = printf('%.*c', {LETTERS}, 'x') WHERE number = 0"
    ));
    for verb in ["log news -o jsonl", "resume news"] {
        let ended = bounded(&begun.place, verb);
        ended.assert(1, &["damaged", "body"]);
    }
    for (table, column) in [
        ("content", "body"),
        ("delivery", "target"),
        ("delivery", "skip"),
        ("delivery", "members"),
        ("run", "app"),
        ("run", "digest"),
        ("run", "revision"),
        ("run_entry", "reason_code"),
        ("run_entry", "detail"),
        ("entry", "cause"),
        ("entry", "info"),
    ] {
        begun.altered(&format!(
            "UPDATE {table} SET {column} = printf('%.*c', 300000, 'x')"
        ));
        let ended = bounded(&begun.place, "log news -o jsonl");
        ended.assert(1, &["damaged", column]);
    }
    assert_eq!(begun.vendor.ledger().len(), GROUPS / 2, "nothing was sent");
}

#[test]
fn entries_that_contradict_each_other_are_not_gone_on_from() {
    let begun = Begun::new();
    let entry = |delivery: u32, place: u32, kind: u32, more: &str| {
        format!(
            "INSERT INTO entry (run, delivery, place, kind, attempt, generation, random, outcome, info, wall_ms, boot_ns, boot_id)
             SELECT id, {delivery}, {place}, {kind}, {more}, 1, 1, 1 FROM run;"
        )
    };
    for statements in [
        // Begun twice, ended twice, ended before it began, looked up where nothing is open.
        [
            entry(7, 1, 1, "1, 1, 5, NULL, NULL"),
            entry(7, 2, 1, "2, 1, 5, NULL, NULL"),
        ]
        .concat(),
        entry(0, 9, 2, "1, NULL, NULL, 'accepted', NULL"),
        entry(7, 1, 2, "1, NULL, NULL, 'accepted', NULL"),
        entry(7, 1, 4, "NULL, NULL, NULL, 'accepted', NULL"),
        entry(7, 1, 1, "4294967295, 1, 5, NULL, NULL"),
        entry(7, 1, 1, "1, 4294967295, 5, NULL, NULL"),
        entry(7, 1, 6, "NULL, NULL, NULL, NULL, NULL"),
    ] {
        begun.altered(&statements);
        for verb in ["log news", "resume news"] {
            let ended = bounded(&begun.place, verb);
            ended.assert(1, &["the journal contradicts itself about delivery"]);
        }
    }
    // Of nothing that was planned, or of no known kind.
    for (statements, words) in [
        (entry(7, 1, 99, "NULL, NULL, NULL, NULL, NULL"), "an entry of no known kind"),
        ("DELETE FROM delivery WHERE number = 7".to_owned(), "7 deliveries of 8 planned"),
        (
            "INSERT INTO run_entry SELECT run, 9, 'finished', NULL, '[8,18446744073709551615,1,1,1,1,1]', 1, 1, 1 FROM run_entry LIMIT 1".to_owned(),
            "counts that do not add up",
        ),
        ("UPDATE run SET planned = 9223372036854775807".to_owned(), "numbers that cannot be"),
    ] {
        begun.altered(&statements);
        bounded(&begun.place, "log news").assert(1, &["damaged", words]);
    }
    assert_eq!(begun.vendor.ledger().len(), GROUPS / 2, "nothing was sent");
}

/// Every column that is read, and the least that its table must have.
const COLUMNS: [(&str, &str); 7] = [
    ("journal", "journal epoch"),
    ("plan", "id staged_ms"),
    ("content", "plan number body"),
    ("delivery", "plan number target content skip members"),
    (
        "run",
        "id app sdk_app_id host campaign local fold zone ordinal channel digest planned skipped rate attempts revision \
         opened_ms tolerate send_window pause_after on_unknown finish_by_ms test stop_after start_within_ms",
    ),
    (
        "run_entry",
        "run place event reason_code detail wall_ms boot_ns boot_id",
    ),
    (
        "entry",
        "run delivery place kind attempt generation random outcome reason_code code cause info msg_seq msg_time wall_ms boot_ns boot_id",
    ),
];
const VALUES: [&str; 5] = [
    "-9223372036854775808",
    "9223372036854775807",
    "'odd'",
    "x'00ff'",
    "NULL",
];
/// What `STRICT` tables would not take.
const LENIENT: &str = "PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ') STRICT, ', ') '), ') STRICT', ')'), ' NOT NULL', '');
    PRAGMA writable_schema = RESET;";

/// Whatever a column holds, it ends as it should: in order or with an error, and never in a panic.
#[test]
fn values_that_cannot_be_are_told_and_not_computed_with() {
    let begun = Begun::new();
    let (mut refused, mut tried) = (0, 0);
    for (table, columns) in COLUMNS {
        for (column, value) in columns
            .split_whitespace()
            .flat_map(|column| VALUES.map(|value| (column, value)))
        {
            let is_number = value.ends_with(|each: char| each.is_ascii_digit());
            // What numbers the rows of a table is a number.
            if column == "id" && !is_number {
                continue;
            }
            begun.altered(&format!(
                "{LENIENT} UPDATE OR IGNORE {table} SET {column} = {value}"
            ));
            let goes_on = is_number && ["run", "run_entry", "entry"].contains(&table);
            let verbs = ["log news -o jsonl", "status", "resume news"];
            for verb in &verbs[..if goes_on { 3 } else { 1 }] {
                let ended = bounded(&begun.place, verb);
                // Aborted, panicked or killed by the clock it would be more.
                assert!(
                    ended.code < 100,
                    "{table}.{column} = {value}: {verb}: {ended:?}"
                );
                assert_tame(&ended);
                tried += 1;
                refused += u32::from(ended.code == 1);
            }
        }
    }
    assert!(refused > tried / 5, "{refused} of {tried} were refused");
}
