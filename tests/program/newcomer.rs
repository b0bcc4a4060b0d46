//! `init` and `completions`: the first things that somebody types.

use super::place::{Ended, KEY, Place, campanile};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The program in a folder, without a secret in its environment.
fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = campanile();
    Ended::of(
        &command
            .current_dir(folder)
            .args(arguments)
            .output()
            .unwrap(),
    )
}

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

#[test]
fn what_init_writes_is_checked_and_sent_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["init", "our campaigns"]);
    ended.assert(
        0,
        &[
            "wrote our campaigns/campanile.yaml",
            "cd 'our campaigns'",
            "campanile run welcome --sandbox --yes",
        ],
    );
    let place = folder.path().join("our campaigns");
    run(&place, &["check", "--strict"]).assert(0, &["1 campaign checked: 0 errors, 0 warnings"]);
    let sent = json(&run(
        &place,
        &["run", "welcome", "--sandbox", "--yes", "-o", "json"],
    ));
    let lines = fs::read_to_string(place.join("audiences/cities.csv"))
        .unwrap()
        .lines()
        .count();
    assert_eq!(sent["accepted"], lines as u64 - 1);
    assert_eq!(
        (&sent["state"], &sent["planned"]),
        (&Value::from("done"), &sent["accepted"])
    );
    for verb in [
        "list",
        "show welcome",
        "log welcome --sandbox",
        "next welcome",
    ] {
        run(&place, &verb.split(' ').collect::<Vec<_>>()).assert(0, &[]);
    }
    for (kind, path) in [
        ("campaign", "schemas/campaign.schema.json"),
        ("settings", "schemas/settings.schema.json"),
    ] {
        let written = fs::read_to_string(place.join(path)).unwrap();
        assert!(written == run(&place, &["schema", kind]).out, "{path}");
    }
}

#[test]
fn every_command_of_its_readme_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    json(&run(folder.path(), &["init", "-o", "json"]));
    let readme = fs::read_to_string(folder.path().join("README.md")).unwrap();
    let first = readme.split("```").nth(1).unwrap();
    let commands: Vec<&str> = first
        .lines()
        .filter(|line| line.starts_with("campanile "))
        .collect();
    assert_eq!(commands.len(), 5);
    for line in commands {
        let words = line.split('#').next().unwrap().split_whitespace().skip(1);
        run(folder.path(), &words.collect::<Vec<_>>()).assert(0, &[]);
    }
}

#[test]
fn git_ignores_what_a_run_leaves_behind() {
    let folder = tempfile::tempdir().unwrap();
    json(&run(folder.path(), &["init", "-o", "json"]));
    run(folder.path(), &["run", "welcome", "--sandbox", "--yes"]).assert(0, &[]);
    for name in ["campanile.db", "campanile.db-wal", "campanile.db-epoch"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap()
    };
    assert!(git(&["init", "-q"]).status.success());
    let untracked = String::from_utf8(git(&["status", "--porcelain", "-uall"]).stdout).unwrap();
    assert!(untracked.contains("campaigns/welcome.yaml"), "{untracked}");
    assert!(
        !untracked.contains(".db") && !untracked.contains(".campanile"),
        "{untracked}"
    );
}

#[test]
fn init_overwrites_nothing() {
    let place = Place::new();
    let settings = fs::read_to_string(place.path().join("campanile.yaml")).unwrap();
    place.write(".gitignore", "mine\n");
    // A link to nowhere is there as well.
    std::os::unix::fs::symlink("nowhere", place.path().join("README.md")).unwrap();
    let told = json(&place.run(&["init", "-o", "json"]));
    assert_eq!(
        told["left"],
        serde_json::json!(["README.md", "campanile.yaml", ".gitignore"])
    );
    assert_eq!(told["written"].as_array().unwrap().len(), 7);
    assert_eq!(
        fs::read_to_string(place.path().join("campanile.yaml")).unwrap(),
        settings
    );
    assert_eq!(
        fs::read_to_string(place.path().join(".gitignore")).unwrap(),
        "mine\n"
    );
    assert!(!place.path().join("nowhere").exists());
    place
        .run(&["init"])
        .assert(0, &["left campaigns/welcome.yaml as it is"]);
    place.write("plain", "");
    place
        .run(&["init", "plain"])
        .assert(1, &["cannot write", "plain/README.md"]);
}

#[test]
fn editors_of_both_families_find_the_schemas() {
    let folder = tempfile::tempdir().unwrap();
    json(&run(folder.path(), &["init", "-o", "json"]));
    for path in ["campanile.yaml", "campaigns/welcome.yaml"] {
        let file = folder.path().join(path);
        let text = fs::read_to_string(&file).unwrap();
        for mark in ["# yaml-language-server: $schema=", "# $schema: "] {
            let line = text.lines().find_map(|line| line.strip_prefix(mark));
            let schema = file.parent().unwrap().join(line.unwrap());
            assert!(schema.is_file(), "{path}: {}", schema.display());
        }
    }
}

/// What bash offers behind `words`.
fn completed(script: &Path, words: &[&str]) -> String {
    let last = words.len() - 1;
    let line = format!(
        "source '{}'; COMP_WORDS=({}); COMP_CWORD={last}; _campanile campanile '{}' '{}'; echo \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.join(" "),
        words[last],
        words[last - 1]
    );
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn bash_completes_verbs_and_options() {
    let place = Place::new();
    let ended = place.run(&["completions", "bash"]);
    ended.assert(0, &["_campanile"]);
    let script = place.write("campanile.bash", &ended.out);
    assert_eq!(completed(&script, &["campanile", "comp"]), "completions");
    assert_eq!(
        completed(&script, &["campanile", "run", "--sand"]),
        "--sandbox"
    );
    assert_eq!(completed(&script, &["campanile", "journal", "pr"]), "prune");
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        place
            .run(&["completions", shell])
            .assert(0, &["campanile", "sandbox"]);
    }
    place
        .run(&["completions", "csh"])
        .assert(64, &["bash", "zsh", "fish"]);
    let mut command = campanile();
    let nowhere = Ended::of(
        &command
            .current_dir("/")
            .args(["completions", "fish"])
            .env("KEY", KEY)
            .output()
            .unwrap(),
    );
    nowhere.assert(0, &[]);
}
