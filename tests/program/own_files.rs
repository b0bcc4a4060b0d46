//! Files that no campaign reads, by whatever path, and files outside the repository, of which nothing is quoted.

use super::place::{Ended, Place, campanile, settings};
use super::syncing::git;
use std::fs;
use std::os::unix::fs::symlink;

const KEY: &str = "5f1c9a7e3b8d4026f1c9a7e3b8d40265d7e6c5b4a39281706f5e4d3c2b1a0987";
/// A variable of the environment that some file of /proc would show.
const HUSH: &str = "hu5h-hu5h-hu5h";

/// A repository beside a folder with the secrets, which the settings give as roots.
fn place(roots: &[(&str, &str)]) -> Place {
    let place = Place::with_news("http://127.0.0.1:1", 3);
    place.write("secrets/key", &format!("{KEY}\n"));
    place.write("secrets/hook", "https://example.invalid/hu5h\n");
    let app = settings("region: singapore")
        .replace("{ env: CAMPANILE_SECRET_KEY }", "{ file: secrets/key }");
    let roots: Vec<String> = roots
        .iter()
        .map(|(name, folder)| format!("  {name}: {folder}\n"))
        .collect();
    let roots = if roots.is_empty() {
        String::new()
    } else {
        format!("roots:\n{}", roots.concat())
    };
    let notify = "notify: [{ url: { file: secrets/hook } }]\n";
    place.write("campanile.yaml", &format!("{app}{roots}{notify}"));
    place
}

fn check(place: &Place) -> Ended {
    let mut check = campanile();
    check
        .args(["check"])
        .current_dir(place.path())
        .env("OF_THE_PROCESS", HUSH);
    Ended::of(&check.output().unwrap())
}

/// Names a file as the text of a message, and as an audience.
fn read_by_campaigns(place: &Place, path: &str) {
    let text = format!(
        "audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ text_file: \"{path}\" }} }}\n"
    );
    place.write("campaigns/text.yaml", &text);
    let audience = format!(
        "audience: {{ group_files: [\"{path}\"] }}\nsend: {{ group_message: {{ text: \"hello\" }} }}\n"
    );
    place.write("campaigns/audience.yaml", &audience);
}

#[track_caller]
fn assert_refused(place: &Place, path: &str, why: &str) {
    read_by_campaigns(place, path);
    let ended = check(place);
    assert_ne!(ended.code, 0, "{path}: {ended:?}");
    let said = format!("{}{}", ended.out, ended.err);
    for campaign in ["campaigns/text.yaml", "campaigns/audience.yaml"] {
        assert!(said.contains(campaign), "{path} in {campaign}: {said}");
    }
    assert_eq!(said.matches(why).count(), 2, "{path}: {said}");
    for secret in [KEY, HUSH, "example.invalid/hu5h", "PATH="] {
        assert!(!said.contains(secret), "{path}: {said}");
    }
}

const OWN: &str = "is a file of campanile or of git";
const SYSTEM: &str = "is in /proc, /sys or /dev";

#[test]
fn own_file_is_no_text_and_no_audience_by_any_path() {
    let place = place(&[("here", "."), ("keys", "secrets"), ("linked", "links")]);
    let root = place.path();
    git(root, &["init", "-q", "-b", "main"]);
    place.write("links/own", "");
    symlink("secrets/key", root.join("link")).unwrap();
    fs::hard_link(root.join("secrets/key"), root.join("second")).unwrap();
    fs::hard_link(root.join("secrets/hook"), root.join("links/hook")).unwrap();
    // A journal, and what lies beside it.
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(0, &[]);
    place.write("campanile.db", "group\n");
    place.write("campanile.db-wal", "group\n");
    place.write("campanile.db-lane-1-group_message.lock", "group\n");
    fs::hard_link(root.join("campanile.db-wal"), root.join("links/wal")).unwrap();
    for path in [
        "secrets/key",
        "./secrets/key",
        "secrets/hook",
        "keys:key",
        "here:secrets/key",
        "link",
        "second",
        "here:second",
        "linked:hook",
        "campanile.db",
        "campanile.db-wal",
        "here:campanile.db-lane-1-group_message.lock",
        "linked:wal",
        ".git/config",
        "here:.git/HEAD",
        ".campanile/sandbox.db",
    ] {
        assert_refused(&place, path, OWN);
    }
    read_by_campaigns(&place, "secrets/key.csv");
    place.write("secrets/key.csv", "group\ng1\n");
    let beside = check(&place);
    assert_eq!(beside.code, 0, "{beside:?}");
}

#[test]
fn nothing_of_the_system_is_a_text_or_an_audience() {
    let place = place(&[
        ("self", "/proc/self"),
        ("up", "/srv/../proc/self"),
        ("around", "/proc/self/root/etc"),
        ("cwd", "/proc/self/cwd"),
        ("linked", "processes"),
        ("all", "/"),
        ("sys", "/sys"),
        ("dev", "/dev"),
    ]);
    symlink("/proc/self", place.path().join("processes")).unwrap();
    for path in [
        "self:environ",
        "up:environ",
        "around:hostname",
        "cwd:campanile.yaml",
        "linked:environ",
        "all:proc/self/environ",
        "all:proc/version",
        "sys:kernel/notes",
        "dev:fd/0",
    ] {
        assert_refused(&place, path, SYSTEM);
    }
}

#[test]
fn complaint_about_file_outside_the_repository_quotes_nothing_of_it() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().to_str().unwrap();
    let place = place(&[("out", folder)]);
    for (name, text) in [
        ("header", format!("user,{HUSH}\nx,y\n")),
        ("semicolons.csv", format!("group;{HUSH};b\n")),
        ("no-key.csv", format!("{HUSH}\n")),
        ("id.csv", format!("group,x\n{},1\n", HUSH.repeat(20))),
        ("twice.csv", format!("group,x\n{HUSH},1\n{HUSH},2\n")),
        ("length.csv", format!("group,x\ng1,{HUSH},3\n")),
        ("type.csv", format!("group,type\ng1,{HUSH}\n")),
        ("names.csv", format!("group,{HUSH} {HUSH}\ng1,1\n")),
        (
            "a.jsonl",
            format!("{{\"group\": \"{}\"}}\n", HUSH.repeat(20)),
        ),
        ("b.jsonl", format!("{HUSH}\n")),
        ("c.jsonl", format!("{{\"group\": \"g\", \"{HUSH}\": 1}}\n")),
        ("syntax.txt", format!("{{{{ {HUSH} }}}} {{% {HUSH} %}}")),
        ("statement.txt", "{% hu5hhu5h %}".to_owned()),
        ("name.txt", "{{ hu5hhu5h }}".to_owned()),
        ("filter.txt", "{{ group.id | hu5hhu5h }}".to_owned()),
        ("open.txt", format!("{{{{ '{HUSH}")),
    ] {
        fs::write(outside.path().join(name), text).unwrap();
        let path = format!("out:{name}");
        read_by_campaigns(&place, &path);
        for output in ["text", "json", "github", "sarif"] {
            let ended = place.run(&["check", "-o", output]);
            let said = format!("{}{}", ended.out, ended.err);
            assert!(
                !said.contains("hu5h-hu5h") && !said.contains("hu5hhu5h"),
                "{path} in {output}: {said}"
            );
            let is_told = ended.code != 0 && said.contains(name);
            assert!(is_told || name == "c.jsonl", "{path}: {said}");
        }
    }
}

/// What groups are called reaches spreadsheets and the comments of reviewers.
#[test]
fn group_id_is_no_formula_in_csv_and_no_link_in_markdown() {
    let place = Place::with_news("http://127.0.0.1:1", 0);
    let groups = "group,city\n=cmd|' /C calc'!A0,https://a.b #1 GH-2 :x:\n";
    place.write("audiences/groups.csv", groups);
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(0, &[]);
    let csv = place.run(&["log", "news", "--sandbox", "-o", "csv"]).out;
    assert!(csv.contains(",'=cmd|' /C calc'!A0,"), "{csv}");
    assert!(!csv.contains(",=cmd"), "{csv}");
    let preview = place.run(&["preview", "news", "-o", "markdown"]).out;
    for live in ["https://", "#1", "GH-2", ":x:"] {
        assert!(!preview.contains(live), "{live}: {preview}");
    }
}
