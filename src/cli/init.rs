//! `init`: a repository to begin with.

use super::arguments::{Common, Output, SchemaKind};
use super::browsing::Init;
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::schema;
use super::workspace::quoted;
use crate::files::write_new;
use anyhow::Context;
use serde_json::json;
use std::path::Path;

/// What is written, in the order in which it is best read.
fn files() -> anyhow::Result<Vec<(&'static str, String)>> {
    let texts = [
        ("README.md", include_str!("newcomer/README.md")),
        ("campanile.yaml", include_str!("newcomer/campanile.yaml")),
        (
            "campaigns/welcome.yaml",
            include_str!("newcomer/welcome.yaml"),
        ),
        ("audiences/cities.csv", include_str!("newcomer/cities.csv")),
        (
            "docs/reading-a-campaign.md",
            include_str!("../../docs/reading-a-campaign.md"),
        ),
        (
            "docs/reading-a-campaign.zh.md",
            include_str!("../../docs/reading-a-campaign.zh.md"),
        ),
        (".gitignore", include_str!("newcomer/gitignore")),
        (
            ".github/workflows/check.yml",
            include_str!("newcomer/check.yml"),
        ),
    ];
    let mut files: Vec<(&str, String)> = texts
        .into_iter()
        .map(|(path, text)| (path, text.to_owned()))
        .collect();
    for (path, kind) in [
        ("schemas/campaign.schema.json", SchemaKind::Campaign),
        ("schemas/settings.schema.json", SchemaKind::Settings),
    ] {
        files.push((path, format!("{}\n", schema::text(kind)?)));
    }
    Ok(files)
}

/// What to type first.
const NEXT: [&str; 3] = [
    "campanile check",
    "campanile run welcome --sandbox --yes",
    "campanile log welcome --sandbox",
];

/// Nothing that is there is touched: who runs it twice loses nothing.
pub(super) fn init(common: &Common, options: &Init) -> Result<Exit, Failure> {
    let here = std::env::current_dir().context("cannot tell the working directory")?;
    let base = common
        .directory
        .as_ref()
        .map_or(here.clone(), |directory| here.join(directory));
    let folder = options
        .folder
        .as_ref()
        .map_or(base.clone(), |directory| base.join(directory));
    let (mut written, mut left) = (Vec::new(), Vec::new());
    for (path, text) in files()? {
        let is_new = write_new(&folder.join(path), &text)
            .with_context(|| format!("cannot write `{}`", folder.join(path).display()))?;
        if is_new {
            written.push(path);
        } else {
            left.push(path);
        }
    }
    let shown = folder.strip_prefix(&here).unwrap_or(&folder);
    let next = next(shown);
    if options.output == Output::Json {
        let directory = folder.display().to_string();
        let told =
            json!({ "directory": directory, "written": written, "left": left, "next": next });
        print::result(&told.to_string())?;
        return Ok(Exit::Success);
    }
    for path in written {
        print::result(&format!("wrote {}", shown.join(path).display()))?;
    }
    for path in left {
        let path = shown.join(path);
        print::result(&format!("left {} as it is", path.display()))?;
    }
    print::result("\nnow type:")?;
    for command in next {
        print::result(&format!("  {command}"))?;
    }
    Ok(Exit::Success)
}

fn next(folder: &Path) -> Vec<String> {
    let is_elsewhere = !folder.as_os_str().is_empty() && folder != Path::new(".");
    let go = is_elsewhere.then(|| format!("cd {}", quoted(&folder.display().to_string())));
    go.into_iter().chain(NEXT.map(str::to_owned)).collect()
}
