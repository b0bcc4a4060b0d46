//! Tables of the journal, and how they change from one version of the program to the next.
//!
//! `entry` and `run_entry` are append-only until their run is pruned; a state is a fold over them and is stored nowhere
//! else. A plan's deliveries are staged in chunks and mean nothing until a row of `run` names their plan.

/// "Cmpl": tells journals from the databases of other programs.
pub(super) const APPLICATION_ID: i64 = 0x436D_706C;

/// "Camp": the application id of journals that programs made before the first release, with versions of their own.
pub(super) const DEVELOPMENT_ID: i64 = 0x4361_6D70;

/// Layout of the tables, and the ways that lead to it from earlier layouts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema {
    /// Statements that make version 1.
    pub create: &'static str,
    /// Statements from each version to the next; the first lead from version 1 to 2. A new journal goes through them as
    /// well, so that each change is written once.
    pub migrations: &'static [&'static str],
    /// Temporary views that show a journal of the version before this one as if it were of this version, so that it can be
    /// read without being upgraded: `CREATE TEMP VIEW run AS SELECT *, NULL AS added FROM main.run`. `None` if there is no
    /// such view, or no version before.
    pub previous: Option<&'static str>,
}

/// Layout that this program reads and writes.
pub(super) const SCHEMA: Schema = Schema {
    create: CREATE,
    migrations: &[VERSION_2],
    previous: Some(VERSION_1),
};

/// With its definition a schedule can be decided about while its file is invalid. `pinned_settings` has one row at most:
/// the operator's settings in use.
const VERSION_2: &str = "
ALTER TABLE schedule_cursor RENAME COLUMN settled_ms TO decided_ms;
ALTER TABLE schedule_cursor ADD COLUMN seen_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedule_cursor ADD COLUMN gap_ms INTEGER;
ALTER TABLE schedule_cursor ADD COLUMN definition TEXT;
UPDATE schedule_cursor SET seen_ms = decided_ms;

CREATE TABLE pinned_settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    settings TEXT NOT NULL,
    revision TEXT,
    pinned_ms INTEGER NOT NULL
) STRICT;
";

/// Shows version 1 as version 2.
const VERSION_1: &str = "
CREATE TEMP VIEW schedule_cursor AS
    SELECT *, settled_ms AS decided_ms, settled_ms AS seen_ms, NULL AS gap_ms, NULL AS definition FROM main.schedule_cursor;
CREATE TEMP VIEW pinned_settings AS SELECT 1 AS id, '' AS settings, NULL AS revision, 0 AS pinned_ms WHERE 0;
";

impl Schema {
    pub(super) fn version(&self) -> i64 {
        1 + i64::try_from(self.migrations.len()).expect("migrations can be counted")
    }

    /// Returns the migrations from one version to another.
    pub(super) fn migrations(&self, from: i64, to: i64) -> &'static [&'static str] {
        let index = |version: i64| usize::try_from(version - 1).unwrap_or(0);
        &self.migrations[index(from)..index(to)]
    }
}

const CREATE: &str = "
CREATE TABLE plan (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    staged_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE content (
    plan INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (plan, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    plan INTEGER NOT NULL,
    number INTEGER NOT NULL,
    target TEXT NOT NULL,
    content INTEGER NOT NULL,
    skip TEXT,
    members TEXT,
    PRIMARY KEY (plan, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    sdk_app_id INTEGER NOT NULL,
    host TEXT NOT NULL,
    campaign TEXT NOT NULL,
    local TEXT NOT NULL,
    fold INTEGER NOT NULL,
    zone TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    channel TEXT NOT NULL,
    digest TEXT NOT NULL,
    planned INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    rate REAL,
    attempts INTEGER NOT NULL,
    revision TEXT,
    opened_ms INTEGER NOT NULL,
    tolerate INTEGER NOT NULL,
    send_window TEXT,
    pause_after INTEGER,
    on_unknown TEXT NOT NULL,
    finish_by_ms INTEGER,
    test INTEGER NOT NULL,
    stop_after INTEGER,
    start_within_ms INTEGER,
    UNIQUE (sdk_app_id, host, campaign, local, fold, zone, ordinal, test)
) STRICT;

CREATE TABLE run_entry (
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    event TEXT NOT NULL,
    reason_code TEXT,
    detail TEXT,
    wall_ms INTEGER NOT NULL,
    boot_ns INTEGER NOT NULL,
    boot_id INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    run INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    place INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    attempt INTEGER,
    generation INTEGER,
    random INTEGER,
    outcome TEXT,
    reason_code TEXT,
    code INTEGER,
    cause TEXT,
    info TEXT,
    msg_seq INTEGER,
    msg_time INTEGER,
    wall_ms INTEGER NOT NULL,
    boot_ns INTEGER NOT NULL,
    boot_id INTEGER NOT NULL,
    PRIMARY KEY (run, delivery, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_started ON entry (wall_ms) WHERE kind = 1;
CREATE INDEX entry_ended ON entry (run, outcome, kind) WHERE kind = 3 OR outcome IN ('accepted', 'refused');

CREATE TABLE journal (journal INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT;
INSERT INTO journal VALUES (random(), 0);

CREATE TABLE pruned (
    sdk_app_id INTEGER NOT NULL,
    host TEXT NOT NULL,
    campaign TEXT NOT NULL,
    local TEXT NOT NULL,
    fold INTEGER NOT NULL,
    zone TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    pruned_ms INTEGER NOT NULL,
    PRIMARY KEY (sdk_app_id, host, campaign, local, fold, zone, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE written_by (
    version INTEGER PRIMARY KEY,
    program TEXT NOT NULL
) STRICT;

CREATE TABLE schedule_cursor (
    sdk_app_id INTEGER NOT NULL,
    host TEXT NOT NULL,
    campaign TEXT NOT NULL,
    schedule TEXT NOT NULL,
    settled_ms INTEGER NOT NULL,
    next_local TEXT,
    next_fold INTEGER,
    next_ms INTEGER,
    zone TEXT NOT NULL,
    PRIMARY KEY (sdk_app_id, host, campaign)
) STRICT, WITHOUT ROWID;

CREATE TABLE occurrence (
    sdk_app_id INTEGER NOT NULL,
    host TEXT NOT NULL,
    campaign TEXT NOT NULL,
    local TEXT NOT NULL,
    fold INTEGER NOT NULL,
    zone TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    disposition TEXT NOT NULL,
    reason_code TEXT NOT NULL,
    reason_data TEXT,
    omitted INTEGER NOT NULL,
    decided_ms INTEGER NOT NULL,
    PRIMARY KEY (sdk_app_id, host, campaign, local, fold, zone)
) STRICT, WITHOUT ROWID;
CREATE INDEX occurrence_waiting ON occurrence (disposition) WHERE disposition IN ('held', 'queued', 'released');
CREATE INDEX occurrence_decided ON occurrence (decided_ms);

CREATE TABLE paused_campaign (
    campaign TEXT PRIMARY KEY,
    reason_code TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE daemon_command (
    command TEXT PRIMARY KEY,
    sent_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";
