//! `serve --git` reads each commit as it is, whatever lies or is done in the checkout.

use super::place::Running;
use super::serving::{drained, has, news, soon};
use super::syncing::{Shared, git};
use super::syncing_faults::with_git;
use super::vendor::Vendor;
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn tree(shared: &Shared, commit: &str) -> PathBuf {
    trees(shared).join(commit)
}

fn trees(shared: &Shared) -> PathBuf {
    shared.checkout().join(".git/campanile/trees")
}

fn is_sent(status: &serde_json::Value, campaign: &str) -> bool {
    let finished = status["finished"].as_array().unwrap();
    let name = |run: &serde_json::Value| run["run"].as_str().unwrap().to_owned();
    let mut runs = finished.iter().filter(|run| run["state"] == "done");
    runs.any(|run| name(run).starts_with(&format!("{campaign}@")))
}

fn overwrite(path: &Path, text: &str) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn files_changed_by_hand_are_neither_sent_nor_named() {
    let vendor = Vendor::start(&[]);
    let (slot, other_slot) = (soon(10), soon(14));
    let shared = Shared::new(&vendor, 3, &[slot, soon(7_200)]);
    let begun = shared.head();
    let daemon = shared.serve();
    // In the working tree, which is for people.
    let checkout = shared.checkout();
    for path in ["campaigns/news.yaml", "campaigns/by-hand.yaml"] {
        let text = news(&[slot], "").replace("occurrence.at }}", "occurrence.at }} by hand");
        let name = Path::new(path).file_stem().unwrap().to_str().unwrap();
        let text = text.replace("name: news", &format!("name: {name}"));
        fs::write(checkout.join(path), text).unwrap();
    }
    // And where the daemon reads.
    let audience = tree(&shared, &begun).join("audiences/groups.csv");
    overwrite(&audience, "group,city\nforeign,Elsewhere\n");
    let hidden = tree(&shared, &begun).join("campaigns/hidden.yaml");
    fs::write(
        hidden,
        news(&[slot], "").replace("name: news", "name: hidden"),
    )
    .unwrap();
    // What a commit leaves alone is shared with the one before.
    let other = news(&[other_slot], "").replace("name: news", "name: other");
    shared.author.write("campaigns/other.yaml", &other);
    let next = shared.push("another");
    let status = shared.wait_until("both sent", |status| {
        is_sent(status, "news") && is_sent(status, "other")
    });
    for run in status["finished"].as_array().unwrap() {
        let commit = run["commit"].as_str().unwrap();
        assert!(commit == begun || commit == next, "{run:#}");
    }
    let daemon_log = drained(daemon);
    let ledger = vendor.ledger();
    assert_eq!(ledger.len(), 6, "{daemon_log}");
    for line in ledger {
        let line = line.to_string();
        let is_right = !line.contains("by hand") && !line.contains("Elsewhere");
        assert!(is_right && line.contains("for City"), "{line}");
    }
    let restored = tree(&shared, &next).join("audiences/groups.csv");
    assert!(fs::read_to_string(restored).unwrap().contains("City 2"));
}

#[test]
fn commit_is_read_as_it_is_whatever_its_attributes_say() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let slot = soon(9);
    let author = &shared.author;
    author.write(
        ".gitattributes",
        "* text eol=crlf ident\n*.txt filter=upper\n",
    );
    author.write("texts/hello.txt", "Hello $Id$ {{ group.city }}\nBye\n");
    git(author.path(), &["config", "core.autocrlf", "false"]);
    let quoted = "text: \"{{ occurrence.at }} for {{ group.city }}\"";
    let other = news(&[slot], "").replace("name: news", "name: other");
    assert!(other.contains(quoted));
    author.write(
        "campaigns/other.yaml",
        &other.replace(quoted, "text_file: texts/hello.txt"),
    );
    shared.push("attributes");
    let daemon = shared.serve();
    shared.wait_until("sent", |status| is_sent(status, "other"));
    drained(daemon);
    for line in vendor.ledger() {
        let line = line.to_string();
        assert!(line.contains("Hello $Id$ City"), "{line}");
        assert!(line.contains("\\nBye") && !line.contains("\\r"), "{line}");
    }
    assert_eq!(vendor.ledger().len(), 3);
}

#[test]
fn checkout_without_trees_keeps_its_journal_and_leftovers_go() {
    let vendor = Vendor::start(&[]);
    let slot = soon(5);
    let shared = Shared::new(&vendor, 3, &[slot, soon(3_600)]);
    let begun = shared.head();
    let daemon = shared.serve();
    shared.wait_until("sent", |status| has(status, "finished", slot, "done"));
    drained(daemon);
    assert!(shared.checkout().join("campanile.db").exists());
    // As a version that had no trees left it, and as one that was cut off.
    fs::remove_dir_all(trees(&shared)).unwrap();
    for left in [
        "partial/campaigns",
        "0123456789012345678901234567890123456789",
    ] {
        fs::create_dir_all(trees(&shared).join(left)).unwrap();
    }
    let mut daemon = shared.serve();
    let status = shared.status();
    assert!(has(&status, "finished", slot, "done"), "{status:#}");
    let names = || {
        let entries = fs::read_dir(trees(&shared)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.len() >= 40).collect();
        names.sort();
        names
    };
    super::place::wait_until("no leftovers", || names() == [begun.clone()]);
    // Nor does a tree stay that nobody reads.
    shared.author.write("note.txt", "nothing that is sent");
    let next = shared.push("note");
    daemon.line_with(&next[..10]);
    super::place::wait_until("one tree", || names() == [next.clone()]);
    drained(daemon);
    assert_eq!(vendor.ledger().len(), 3);
}

#[test]
fn trees_that_somebody_removes_are_written_anew_and_nothing_is_held() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let author = shared.author.path();
    fs::rename(
        author.join("audiences/groups.csv"),
        author.join("groups.csv"),
    )
    .unwrap();
    symlink("../groups.csv", author.join("audiences/groups.csv")).unwrap();
    shared.push("a link");
    let daemon = shared.serve();
    fs::remove_dir_all(trees(&shared)).unwrap();
    daemon.signal(Signal::HUP);
    let slot = soon(6);
    let other = news(&[slot], "").replace("name: news", "name: other");
    shared.author.write("campaigns/other.yaml", &other);
    shared.push("another");
    let status = shared.wait_until("sent", |status| is_sent(status, "other"));
    assert_eq!(status["waiting"], serde_json::json!([]));
    let log = drained(daemon);
    assert!(!log.contains("at once") && !log.contains("held"), "{log}");
    assert_eq!(vendor.ledger().len(), 3);
}

/// Adds a file that no editor makes to the newest commit, and pushes that.
fn push_with(shared: &Shared, name: &[u8], mode: &str, text: &[u8]) -> String {
    let author = shared.author.path();
    let given = |arguments: &[&str], bytes: &[u8]| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(author);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let blob = given(&["hash-object", "-w", "--stdin"], text);
    let mut listed = given(&["ls-tree", "HEAD"], b"")
        .replace('\n', "\0")
        .into_bytes();
    listed.extend(format!("\0{mode} blob {blob}\t").bytes());
    listed.extend(name);
    listed.push(0);
    let tree = given(&["mktree", "-z"], &listed);
    let commit = git(author, &["commit-tree", &tree, "-p", "HEAD", "-m", "odd"]);
    let remote = shared.remote();
    let to = remote.to_str().unwrap();
    git(
        author,
        &["push", "-q", "--force", to, &format!("{commit}:main")],
    );
    commit
}

#[test]
fn commit_with_names_that_no_disk_takes_is_refused_and_others_are_taken() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let mut daemon = shared.serve();
    for (name, mode, target) in [
        (&b"latin-\xe9"[..], "100644", &b"text"[..]),
        (b"link", "120000", b"caf\xe9"),
        (b"line\nfeed.yaml", "100644", b"name: x"),
    ] {
        let taken = push_with(&shared, name, mode, target);
        let told = daemon.line_with("in place of");
        assert!(told.contains(&taken[..10]), "{told}");
    }
    let refused = push_with(&shared, &[b'n'; 300], "100644", b"text");
    let told = daemon.line_with("is refused");
    assert!(
        told.contains(&refused[..10]) && told.contains("name too long"),
        "{told}"
    );
    shared.author.write("note.txt", "right again");
    let right = shared.push("right again");
    daemon.line_with(&right[..10]);
    shared.wait_until("no notice", |status| {
        status["notices"] == serde_json::json!([])
    });
    drained(daemon);
}

#[test]
fn signals_are_heeded_while_the_first_commit_is_fetched() {
    let vendor = Vendor::start(&[]);
    let shared = Shared::new(&vendor, 3, &[soon(3_600)]);
    let folder = tempfile::tempdir().unwrap();
    let mut server = shared.server(shared.remote().to_str().unwrap());
    let script = "case \"$*\" in *' fetch '*) echo $$ >\"$NOTED/fetching\"; sleep 600 ;; esac";
    with_git(&mut server, folder.path(), script);
    let daemon = Running::of(server.spawn().unwrap());
    super::place::wait_until("fetching", || folder.path().join("fetching").exists());
    daemon.signal(Signal::HUP);
    daemon.signal(Signal::TERM);
    daemon.end().assert(143, &["stopped"]);
    let git = fs::read_to_string(folder.path().join("fetching")).unwrap();
    let git = Path::new("/proc").join(git.trim());
    super::place::wait_until("git has ended", || !git.exists());
}
