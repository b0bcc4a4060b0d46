//! The tables.
//!
//! `entry` and `run_entry` are only ever added to, until their run is pruned; a state is a fold over them and stands nowhere else. A plan's
//! deliveries are staged in chunks and mean nothing until a row of `run` names their plan.

pub(super) const VERSION: i64 = 7;

/// What [`CREATE`] makes; the upgrades from there on are made to a new journal as well, so that each stands here once.
pub(super) const CREATED: i64 = 5;

/// "Camp": tells our files from other programs' databases.
pub(super) const APPLICATION_ID: i64 = 0x4361_6D70;

pub(super) const CREATE: &str = "
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
    tolerate INTEGER NOT NULL DEFAULT 0,
    hours TEXT,
    pause_after INTEGER,
    on_unknown TEXT NOT NULL DEFAULT 'hold',
    finish_by_ms INTEGER,
    test INTEGER NOT NULL DEFAULT 0,
    stop_after INTEGER,
    UNIQUE (sdk_app_id, host, campaign, local, fold, zone, ordinal, test)
) STRICT;

CREATE TABLE run_entry (
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    event TEXT NOT NULL,
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
    code INTEGER,
    info TEXT,
    msg_seq INTEGER,
    msg_time INTEGER,
    wall_ms INTEGER NOT NULL,
    boot_ns INTEGER NOT NULL,
    boot_id INTEGER NOT NULL,
    PRIMARY KEY (run, delivery, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_started ON entry (wall_ms) WHERE kind = 1;

CREATE TABLE journal (journal INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT;
INSERT INTO journal VALUES (random(), 0);
CREATE INDEX entry_ended ON entry (run, outcome, kind) WHERE kind = 3 OR outcome IN ('accepted', 'refused');

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
";

/// From each version to the next, the first one first.
pub(super) const UPGRADES: [&str; 6] = [FROM_1, FROM_2, FROM_3, FROM_4, FROM_5, FROM_6];

/// What a run tolerates, in millionths, when it makes first attempts and after how many it pauses; whom of a group a
/// delivery is for.
const FROM_1: &str = "
ALTER TABLE run ADD COLUMN tolerate INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN hours TEXT;
ALTER TABLE run ADD COLUMN pause_after INTEGER;
ALTER TABLE delivery ADD COLUMN members TEXT;
";

/// What becomes of deliveries that are unknown, and the instant after which none is begun. Entries of further kinds may
/// follow, which an earlier program would call damage.
const FROM_2: &str = "
ALTER TABLE run ADD COLUMN on_unknown TEXT NOT NULL DEFAULT 'hold';
ALTER TABLE run ADD COLUMN finish_by_ms INTEGER;
";

/// Which journal it is, and how often was committed to it; counting a run's ends at a glance; the occurrences of runs that
/// were pruned, so that none is sent twice; which program brought the journal to which version. Runs may be cancelled and
/// go on after their end, and deliveries be wanted again, which an earlier program would call damage.
const FROM_3: &str = "
CREATE TABLE journal (journal INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT;
INSERT INTO journal VALUES (random(), 0);
CREATE INDEX entry_ended ON entry (run, outcome, kind) WHERE kind = 3 OR outcome IN ('accepted', 'refused');
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
";

/// Which runs are tests, so that a test takes no occurrence from a run; after how many calls whoever opened a run wanted it
/// to pause. What is unique of a table cannot be altered, so its few rows move into another.
const FROM_4: &str = "
ALTER TABLE run RENAME TO run_before;
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
    tolerate INTEGER NOT NULL DEFAULT 0,
    hours TEXT,
    pause_after INTEGER,
    on_unknown TEXT NOT NULL DEFAULT 'hold',
    finish_by_ms INTEGER,
    test INTEGER NOT NULL DEFAULT 0,
    stop_after INTEGER,
    UNIQUE (sdk_app_id, host, campaign, local, fold, zone, ordinal, test)
) STRICT;
INSERT INTO run (id, app, sdk_app_id, host, campaign, local, fold, zone, ordinal, channel, digest, planned, skipped, rate,
    attempts, revision, opened_ms, tolerate, hours, pause_after, on_unknown, finish_by_ms)
SELECT id, app, sdk_app_id, host, campaign, local, fold, zone, ordinal, channel, digest, planned, skipped, rate,
    attempts, revision, opened_ms, tolerate, hours, pause_after, on_unknown, finish_by_ms FROM run_before;
DROP TABLE run_before;
";

/// What is known of the schedules of campaigns, and what became of occurrences that have no run; which campaigns are paused;
/// what the daemon tells, and what is wanted of it.
const FROM_5: &str = "
CREATE TABLE watched (
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
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_ms INTEGER NOT NULL,
    PRIMARY KEY (sdk_app_id, host, campaign, local, fold, zone)
) STRICT, WITHOUT ROWID;
CREATE INDEX occurrence_waiting ON occurrence (verdict) WHERE verdict IN ('held', 'queued', 'released');
CREATE INDEX occurrence_decided ON occurrence (decided_ms);
CREATE TABLE paused (
    campaign TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE notice (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE wish (
    kind TEXT PRIMARY KEY,
    made_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// For how long a run that was cut off is gone on with by itself.
const FROM_6: &str = "
ALTER TABLE run ADD COLUMN start_within_ms INTEGER;
";
