//! What the program is installed with: the unit for systemd, held against systemd's own checker, and the image.

use crate::program::skipped;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const UNIT: &str = "packaging/campanile.service";
const INSTALLED: &str = "/usr/local/bin/campanile";
/// Exposure in tenths, as `systemd-analyze` counts it.
const EXPOSURE_MAX: &str = "11";

/// `None`: there is no systemd on this machine.
fn analyzed(arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).env("SYSTEMD_COLORS", "0");
    command.output().ok()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let unit = fs::read_to_string(UNIT).unwrap();
    let built = unit.replace(INSTALLED, env!("CARGO_BIN_EXE_campanile"));
    assert_ne!(unit, built, "it starts what is installed");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("campanile.service");
    fs::write(&path, built).unwrap();
    // The machine's own units may be as wrong as they like.
    let arguments = [
        "verify",
        "--man=no",
        "--recursive-errors=no",
        path.to_str().unwrap(),
    ];
    let Some(verified) = analyzed(&arguments) else {
        return skipped("systemd-analyze is not installed");
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
    assert!(!said.contains("campanile"), "{said}");
}

#[test]
fn the_unit_exposes_no_more_than_it_says() {
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let arguments = ["security", "--offline=true", "--no-pager", &threshold, UNIT];
    let Some(judged) = analyzed(&arguments) else {
        return skipped("systemd-analyze is not installed");
    };
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}");
    let told = fs::read_to_string("packaging/README.md").unwrap();
    let exposure = said.split("service: ").nth(1).unwrap();
    let exposure = exposure.split(' ').next().unwrap();
    assert!(
        told.contains(&format!("gives it {exposure} ")),
        "it is {exposure}"
    );
}

/// The words behind each instruction of this name.
fn instructions<'a>(dockerfile: &'a str, name: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    dockerfile.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(' ')
            .then(|| rest.split_whitespace().collect())
    })
}

#[test]
fn the_image_is_built_from_what_is_there() {
    let dockerfile = fs::read_to_string("Dockerfile").unwrap();
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let version = manifest.split("rust-version = \"").nth(1).unwrap();
    let version = version.split('"').next().unwrap();
    let from: Vec<Vec<&str>> = instructions(&dockerfile, "FROM").collect();
    assert!(
        from[0][0].starts_with(&format!("rust:{version}-")),
        "{from:?}"
    );
    let ignored = fs::read_to_string(".dockerignore").unwrap();
    let copied = instructions(&dockerfile, "COPY").filter(|words| !words[0].starts_with("--"));
    let copied: Vec<&str> = copied
        .flat_map(|words| words[..words.len() - 1].to_vec())
        .collect();
    for source in &copied {
        assert!(fs::exists(source).unwrap(), "{source}");
        let is_let_in = ignored.contains(&format!("\n!{source}\n"));
        assert!(is_let_in, "{source} is left out");
    }
    let whole = |source: &&str| fs::canonicalize(source).unwrap();
    let copied: Vec<PathBuf> = copied.iter().map(whole).collect();
    for included in included(Path::new("src")) {
        let is_copied = copied.iter().any(|source| included.starts_with(source));
        assert!(is_copied, "{} is built in", included.display());
    }
}

/// The files whose text is part of the program.
fn included(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(included(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let named = text.split("include_str!(\"").skip(1);
            let named = named.map(|rest| folder.join(rest.split('"').next().unwrap()));
            found.extend(named.map(|path| path.canonicalize().unwrap()));
        }
    }
    found
}

#[test]
fn no_image_runs_as_root() {
    let dockerfile = fs::read_to_string("Dockerfile").unwrap();
    let stages: Vec<&str> = dockerfile.split("\nFROM ").skip(2).collect();
    assert_eq!(stages.len(), 2, "both images are looked at");
    for stage in stages {
        let users: Vec<Vec<&str>> = instructions(stage, "USER").collect();
        assert_eq!(users, [["65532:65532"]], "{stage}");
        assert!(stage.contains("ENTRYPOINT [\"/usr/local/bin/campanile\"]"));
    }
}
