//! The journal knows itself: by its inode and not by a name, beside its witness, and as long as it is in use.

use super::arrivals::Arrivals;
use super::journals::journal;
use super::place::{Ended, Place, Running, settings, skipped, wait_until};
use super::serving::drained;
use super::vendor::Vendor;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const GROUPS: usize = 20;

fn sent(groups: usize) -> (Vendor, Place) {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), groups);
    let expected = format!("{groups} accepted");
    place.run(&["run", "news", "--yes"]).assert(0, &[&expected]);
    (vendor, place)
}

fn witness(place: &Place) -> PathBuf {
    place.path().join("campanile.db-epoch")
}

/// What sends, what looks, and what changes something in the journal.
const VERBS: [&str; 8] = [
    "run news --yes --again",
    "run news --dry-run",
    "resume news",
    "serve",
    "log news",
    "status",
    "pause --all",
    "journal prune --older-than 30d --yes",
];

#[track_caller]
fn assert_refused_by_every_verb(place: &Place, words: &str) {
    let told = fs::read(witness(place)).unwrap();
    for verb in VERBS {
        let arguments: Vec<&str> = verb.split(' ').collect();
        let ended = Ended::of(&place.server_with(&arguments).output().unwrap());
        assert_eq!(ended.code, 4, "{verb}: {ended:?}");
        ended.assert(4, &[words, "would be sent again", "rm '", "-epoch'"]);
        assert_eq!(fs::read(witness(place)).unwrap(), told, "{verb}");
    }
}

impl Place {
    /// A command that may be `serve`, on a port that is free.
    fn server_with(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("CAMPANILE_SERVE__LISTEN", "127.0.0.1:0");
        command
    }

    fn daemon(&self) -> Running {
        let mut daemon = Running::of(self.server().spawn().unwrap());
        daemon.line_with("started:");
        daemon
    }
}

#[test]
fn journal_that_is_empty_or_missing_beside_its_witness_is_refused() {
    let (vendor, place) = sent(GROUPS);
    let kept = fs::read(journal(&place)).unwrap();
    File::create(journal(&place)).unwrap();
    assert_refused_by_every_verb(&place, "is empty, and not the journal");
    assert_eq!(fs::metadata(journal(&place)).unwrap().len(), 0);
    fs::remove_file(journal(&place)).unwrap();
    assert_refused_by_every_verb(&place, "is not there, a journal");
    assert!(!journal(&place).exists(), "none is made");
    assert_eq!(vendor.ledger().len(), GROUPS, "nothing is sent again");

    fs::write(journal(&place), &kept).unwrap();
    place.run(&["log", "news"]).assert(0, &["20 accepted"]);
    fs::remove_file(journal(&place)).unwrap();
    fs::remove_file(witness(&place)).unwrap();
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["20 accepted"]);
}

#[test]
fn another_journal_in_the_place_of_the_journal_is_refused() {
    let (vendor, place) = sent(GROUPS);
    let (_other_vendor, other) = sent(1);
    let told = fs::read(witness(&place)).unwrap();
    fs::copy(journal(&other), journal(&place)).unwrap();
    for verb in ["run news --yes", "resume news", "pause --all", "serve"] {
        let arguments: Vec<&str> = verb.split(' ').collect();
        let ended = Ended::of(&place.server_with(&arguments).output().unwrap());
        ended.assert(4, &["is another journal than the one", "rm '", "-epoch'"]);
    }
    assert_eq!(fs::read(witness(&place)).unwrap(), told);
    assert_eq!(vendor.ledger().len(), GROUPS);
}

/// The campaign `news` at so many calls a second.
fn slow(rate: u32) -> String {
    format!(
        "audience: {{ group_files: [audiences/groups.csv] }}\ndelivery: {{ rate: {rate} }}\n\
         send: {{ group_message: {{ text: \"Hello {{{{ group.city }}}}\" }} }}\n"
    )
}

/// A run of which a part is out, paused.
fn begun(vendor: &Vendor) -> Place {
    let place = Place::with_news(&vendor.endpoint(), GROUPS);
    place.write("campaigns/news.yaml", &slow(10));
    place
        .run(&["run", "news", "--yes", "--stop-after", "5"])
        .assert(6, &["is paused"]);
    place
}

fn by_name(place: &Place, name: &str, arguments: &[&str]) -> Command {
    let mut command = place.command(arguments);
    command.env("CAMPANILE_JOURNAL", format!("sqlite:{name}"));
    command
}

#[test]
fn journal_with_two_names_is_refused_by_both() {
    let vendor = Vendor::start(&[]);
    let place = begun(&vendor);
    let link = place.path().join("link.db");
    fs::hard_link(journal(&place), &link).unwrap();
    let words = ["has 2 names (hard links)", "help: keep one of the names"];
    for name in ["campanile.db", "link.db"] {
        for verb in [&["resume", "news"][..], &["status"], &["serve"]] {
            let output = by_name(&place, name, verb).output().unwrap();
            Ended::of(&output).assert(1, &words);
        }
    }
    fs::remove_file(&link).unwrap();
    // Made while a process sends, it leads no second process to the same run.
    let running = place.start(&["resume", "news"]);
    vendor.wait_for(7);
    fs::hard_link(journal(&place), &link).unwrap();
    let second = by_name(&place, "link.db", &["resume", "news"]).output();
    Ended::of(&second.unwrap()).assert(1, &words);
    place.run(&["pause", "news"]).assert(0, &[]);
    running.end().assert(6, &["paused"]);
    fs::remove_file(&link).unwrap();
    place.run(&["resume", "news"]).assert(0, &["20 accepted"]);
    vendor.assert_each_once(GROUPS);
}

/// Whether this user may mount a file over another.
fn may_bind(place: &Place) -> bool {
    let bind = "touch a b && unshare -rm mount --bind a b && rm a b";
    place.shell(bind).code == 0
}

#[test]
fn journal_that_is_a_mount_point_is_refused() {
    let vendor = Vendor::start(&[]);
    let place = begun(&vendor);
    if !may_bind(&place) {
        return skipped("this user may not mount a file");
    }
    let script = "mkdir elsewhere; touch elsewhere/b.db; mount --bind campanile.db elsewhere/b.db
        CAMPANILE_JOURNAL=sqlite:elsewhere/b.db $CAMPANILE resume news; echo resume $?
        CAMPANILE_JOURNAL=sqlite:elsewhere/b.db $CAMPANILE status; echo status $?";
    let path = place.write("script.sh", script).display().to_string();
    let ended = place.shell(&format!("unshare -rm sh {path}"));
    let said = [
        "elsewhere/b.db` is a mount point of its own",
        "help: mount its folder instead",
        "resume 1",
        "status 1",
    ];
    ended.assert(0, &said);
    assert_eq!(vendor.ledger().len(), 5);
}

#[test]
fn name_that_the_journal_gets_while_serving_is_told() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 1);
    let mut daemon = place.daemon();
    let link = place.path().join("link.db");
    fs::hard_link(journal(&place), &link).unwrap();
    daemon.line_with("has 2 names (hard links)");
    let problems = || place.run(&["status"]).out;
    wait_until("the problem is in the status", || {
        problems().contains("has 2 names (hard links)")
    });
    fs::remove_file(&link).unwrap();
    wait_until("the problem is over", || !problems().contains("hard links"));
    drained(daemon);
}

/// The journal goes away in one of the ways in which it can.
fn lose(way: &str, path: &Path) {
    match way {
        "deleted" => fs::remove_file(path).unwrap(),
        "moved" => fs::rename(path, path.with_extension("old")).unwrap(),
        "replaced" => {
            let copy = path.with_extension("copy");
            fs::copy(path, &copy).unwrap();
            fs::rename(copy, path).unwrap();
        }
        "emptied" => {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(0).unwrap();
        }
        _ => {
            let mut log = path.to_owned().into_os_string();
            log.push("-wal");
            fs::remove_file(log).unwrap();
        }
    }
}

const WAYS: [(&str, i32, &str); 5] = [
    ("deleted", 4, "was deleted or moved away"),
    ("moved", 4, "was deleted or moved away"),
    ("replaced", 4, "was replaced by another file"),
    ("emptied", 4, "was emptied or overwritten"),
    ("without log", 75, "lost one of the files beside it"),
];

/// A command that sends has noticed it within this.
const NOTICED_MAX: Duration = Duration::from_mins(1);

#[test]
fn daemon_whose_journal_goes_away_stops_sending_and_says_so() {
    std::thread::scope(|scope| {
        for (way, code, words) in WAYS {
            scope.spawn(move || {
                let vendor = Vendor::start(&[]);
                let hook = Arrivals::listen();
                let place = Place::with_news(&vendor.endpoint(), 2_000);
                let notify = format!(
                    "{}default_app: main\nnotify: [{{ url: {{ env: HOOK }} }}]\n",
                    settings(&format!("endpoint: {}", vendor.endpoint()))
                );
                place.write("campanile.yaml", &notify);
                place.write("campaigns/news.yaml", &slow(20));
                place
                    .run(&["run", "news", "--yes", "--stop-after", "5"])
                    .assert(6, &["is paused"]);
                let mut server = place.server();
                let mut daemon = Running::of(server.env("HOOK", hook.endpoint()).spawn().unwrap());
                daemon.line_with("started:");
                let _beside = place.start(&["resume", "news"]);
                vendor.wait_for(25);
                let began = Instant::now();
                lose(way, &journal(&place));
                let ended = daemon.end();
                assert!(began.elapsed() < NOTICED_MAX, "{way}: {ended:?}");
                ended.assert(code, &[words, "nothing is sent any more"]);
                let told = hook
                    .bodies()
                    .into_iter()
                    .any(|body| body.contains("\"event\":\"journal\"") && body.contains(words));
                assert!(told, "{way}: {:?}", hook.bodies());
                let after = vendor.arrivals();
                assert!(after < 25 + 20 * NOTICED_MAX.as_secs(), "{way}: {after}");
            });
        }
    });
}

#[test]
fn run_whose_journal_goes_away_stops_sending_and_says_so() {
    std::thread::scope(|scope| {
        for (way, code, words) in WAYS {
            scope.spawn(move || {
                let vendor = Vendor::start(&[]);
                let place = Place::with_news(&vendor.endpoint(), 3_000);
                let running = place.start(&["run", "news", "--yes"]);
                vendor.wait_for(100);
                lose(way, &journal(&place));
                let ended = running.end();
                ended.assert(code, &[words]);
                let sent = vendor.arrivals();
                assert!(sent < 2_000, "{way}: {sent}");
                if code == 4 && way != "replaced" && way != "emptied" {
                    let second = place.run(&["run", "news", "--yes"]);
                    second.assert(4, &["is not there, a journal", "rm '"]);
                    assert_eq!(vendor.arrivals(), sent);
                }
            });
        }
    });
}

#[test]
fn lock_of_a_foreign_program_on_a_file_stops_nothing_and_names_nobody() {
    let vendor = Vendor::start(&[]);
    let place = begun(&vendor);
    let names = [
        "campanile.db",
        "campanile.db-epoch",
        "campanile.db-lane-1400000000-group_message.lock",
        "campanile.db-serve.lock",
    ];
    let locked = names.map(|name| {
        let path = place.path().join(name);
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(path).unwrap();
        file.lock().unwrap();
        file
    });
    place.run(&["resume", "news"]).assert(0, &["20 accepted"]);
    let daemon = place.daemon();
    drained(daemon);
    drop(locked);
    vendor.assert_each_once(GROUPS);
}

#[test]
fn every_file_of_the_journal_is_for_its_owner_alone() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 3);
    let all = || -> Vec<(String, u32)> {
        let entries = fs::read_dir(place.path()).unwrap();
        let entries = entries.map(Result::unwrap);
        let files = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let mode = entry.metadata().ok()?.permissions().mode() & 0o777;
            name.contains(".db").then_some((name, mode))
        });
        files.collect()
    };
    let daemon = place.daemon();
    place
        .start(&["run", "news", "--yes"])
        .end()
        .assert(0, &["3 accepted"]);
    place
        .run(&["journal", "backup", "copy.db"])
        .assert(0, &["1 run"]);
    let files = all();
    assert!(files.len() >= 7, "{files:?}");
    assert!(files.iter().all(|(_, mode)| *mode == 0o600), "{files:?}");
    drained(daemon);
    // Those that an earlier version made are tightened.
    for (name, _) in all().iter().filter(|(name, _)| name != "copy.db") {
        let path = place.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    place
        .run(&["run", "news", "--yes", "--again"])
        .assert(0, &["3 accepted"]);
    let files = all();
    let open = files.iter().filter(|(name, mode)| {
        // Nothing served this time.
        *mode != 0o600 && name != "campanile.db-serve.lock"
    });
    assert_eq!(open.count(), 0, "{files:?}");
}

/// Locks of a process on a file, as the kernel lists them.
fn posix_locks(process: u32, path: &Path) -> usize {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{} ", fs::metadata(path).unwrap().ino());
    let process = format!(" {process} ");
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let held = locks
        .lines()
        .filter(|line| line.contains("POSIX") && line.contains(&process) && line.contains(&inode));
    held.count()
}

/// Reading it would close it again, and with that drop the locks of the database.
#[test]
fn campaign_that_names_the_journal_as_its_audience_leaves_its_locks_alone() {
    let vendor = Vendor::start(&[]);
    let place = Place::with_news(&vendor.endpoint(), 1);
    let mut daemon = place.daemon();
    let id = daemon.child().id();
    let shm = place.path().join("campanile.db-shm");
    let held = [journal(&place), shm].map(|path| (posix_locks(id, &path), path));
    assert!(held.iter().all(|(locks, _)| *locks > 0), "{held:?}");
    for (at, file) in ["campanile.db", "campanile.db-shm", "campanile.db-wal"]
        .into_iter()
        .enumerate()
    {
        let campaign = format!(
            "name: odd{at}\nschedule: {{ cron: \"* * * * *\" }}\naudience: {{ group_files: [{file}] }}\n\
             send: {{ group_message: {{ text: \"x\" }} }}\n"
        );
        place.write(&format!("campaigns/odd{at}.yaml"), &campaign);
        daemon.line_with(&format!("`{file}` is a file of campanile or of git"));
    }
    // How many there are differs with what is being written.
    for (_, path) in held {
        assert!(posix_locks(id, &path) > 0, "{}", path.display());
    }
    drained(daemon);
}
