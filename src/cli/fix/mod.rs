//! `check --fix`: types what nobody can have meant otherwise, and tells each place.

mod difference;

use super::arguments::{Check, CheckOutput, Common};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::workspace::{SettingsFile, Workspace};
use crate::campaign::Campaign;
use crate::catalog::other_ending;
use crate::files::{self, Repository};
use crate::seeded_bug::SeededBug;
use crate::settings::shows_secret;
use crate::source::{Diagnostic, Made, Mend, Mended, Source, mended, plural};
use difference::difference;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::sync::Arc;

/// A file that was mended, or would be.
#[derive(Default)]
pub(super) struct Fixed {
    path: String,
    /// Its name as it should be.
    renamed: Option<String>,
    before: String,
    after: String,
    made: Vec<Made>,
}

/// Mends the files that are asked for and tells of it. With `--dry-run` nothing is written.
pub(super) fn fix(workspace: &Workspace, options: &Check) -> Result<Vec<Fixed>, Failure> {
    let mut all = Vec::new();
    for path in paths(workspace, options)? {
        let Some(fixed) = of_campaign(workspace, &path) else {
            continue;
        };
        fixed.settle(&workspace.repository, options)?;
        all.push(fixed);
    }
    Ok(all)
}

/// The same for settings that cannot be used as they are: before them no campaign is looked at.
pub(super) fn fix_settings(common: &Common, options: &Check) -> Result<Option<Fixed>, Failure> {
    let Some(file) = SettingsFile::find(common)? else {
        return Ok(None);
    };
    let found = of_settings(&file)?;
    if let Some(fixed) = &found {
        fixed.settle(&file.root, options)?;
    }
    Ok(found)
}

fn of_settings(file: &SettingsFile) -> Result<Option<Fixed>, Failure> {
    let name = file.path.file_name().and_then(OsStr::to_str);
    let Some(name) = name else { return Ok(None) };
    // The text as it stands, with what stands before it.
    let text = file
        .root
        .read_text(name)
        .map_err(|error| not_done(&error))?;
    let shown = file.source.path.as_str();
    let found = Fixed::of(name, text, shown, SettingsFile::complaints);
    // Whoever keeps a key in the file is told to take it out first: a change is shown with the lines around it.
    Ok(found.filter(|fixed| !shows_key(fixed)))
}

/// Leaves of the mends of a campaign's complaints those that would be made: a program that is told of one relies on it.
pub(super) fn keep_made(workspace: &Workspace, path: &str, complaints: &mut [Diagnostic]) {
    keep(complaints, || of_campaign(workspace, path));
}

/// The same for the settings.
pub(super) fn keep_made_of_settings(common: &Common, complaints: &mut [Diagnostic]) {
    let found = || of_settings(&SettingsFile::find(common).ok()??).ok()?;
    keep(complaints, found);
}

fn keep(complaints: &mut [Diagnostic], fixed: impl FnOnce() -> Option<Fixed>) {
    let mut mendable = complaints.iter_mut().filter(|each| each.mend.is_some());
    let Some(first) = mendable.next() else { return };
    let made = fixed().unwrap_or_default().made;
    for complaint in std::iter::once(first).chain(mendable) {
        let code = complaint.code;
        let is_made = |mend: &Mend| {
            made.iter().any(|made| {
                let place = (made.code, made.line, made.before.as_str());
                place == (code, mend.span.line(), mend.span.slice()) && made.after == mend.text
            })
        };
        if !complaint.mend.as_deref().is_some_and(is_made) {
            complaint.mend = None;
        }
    }
}

fn shows_key(fixed: &Fixed) -> bool {
    let is_value = |line: &str| {
        let behind = line.split_once("secret_key").map(|(_, behind)| behind);
        let value = behind.map(|behind| behind.trim_start_matches([':', '：', '"', '\'', ' ']));
        value.is_some_and(|value| !value.is_empty() && !value.starts_with(['{', '#']))
    };
    let source = Source::new(fixed.path.as_str(), fixed.after.as_str());
    if SeededBug::KeyInADifference.is_active() {
        return fixed.after.lines().any(is_value) && shows_secret(&source);
    }
    fixed.after.lines().any(is_value) || shows_secret(&source)
}

/// What would be changed, for a person or a program that applies it.
pub(super) fn dry_run(all: &[Fixed], options: &Check) -> Result<Exit, Failure> {
    if options.output == CheckOutput::Json {
        let difference: Vec<String> = all.iter().map(Fixed::difference).collect();
        let told = json!({ "fixed": json_of(all), "written": false, "diff": difference.concat() });
        print::result(&told.to_string())?;
    }
    print::say(&format!(
        "{} would be made; nothing was written",
        counted(all)
    ));
    Ok(Exit::Success)
}

/// `3 mends in 2 files`.
pub(super) fn counted(all: &[Fixed]) -> String {
    let mends = all
        .iter()
        .map(|fixed| fixed.made.len() + usize::from(fixed.renamed.is_some()));
    let mends = plural(mends.sum::<usize>() as u64, "mend");
    format!("{mends} in {}", plural(all.len() as u64, "file"))
}

pub(super) fn json_of(all: &[Fixed]) -> Vec<Value> {
    all.iter().flat_map(Fixed::json).collect()
}

/// What a campaign that was asked for is called by now.
pub(super) fn name_now(wanted: &str, workspace: &Workspace) -> String {
    let is_gone = !workspace.directory.join(wanted).exists();
    let now = as_yaml(wanted).filter(|_| is_gone);
    now.unwrap_or_else(|| wanted.to_owned())
}

/// What cannot be found is complained of by the check.
fn paths(workspace: &Workspace, options: &Check) -> Result<BTreeSet<String>, Failure> {
    if options.campaigns.is_empty() {
        return Ok(workspace.campaign_paths()?.into_iter().collect());
    }
    let wanted = options.campaigns.iter();
    Ok(wanted
        .filter_map(|wanted| workspace.path_of(wanted).ok())
        .collect())
}

fn of_campaign(workspace: &Workspace, path: &str) -> Option<Fixed> {
    let before = workspace.repository.read_text(path).ok()?;
    let renamed = as_yaml(path).filter(|new| {
        let new = workspace.repository.root().join(new);
        new.symlink_metadata().is_err()
    });
    let look = |source: &Arc<Source>| -> Vec<Diagnostic> {
        let texts = workspace.texts(source);
        match Campaign::read(source, &workspace.settings, &texts) {
            Ok(campaign) => campaign.warnings,
            Err(found) => found,
        }
    };
    // Without a name of its own a campaign goes by that of its file.
    let shown = renamed.as_deref().unwrap_or(path);
    let fixed = Fixed::of(path, before.clone(), shown, look);
    if renamed.is_none() {
        return fixed;
    }
    let as_it_is = || Fixed {
        after: before.clone(),
        before,
        ..Fixed::default()
    };
    Some(Fixed {
        path: path.to_owned(),
        renamed: renamed.clone(),
        ..fixed.unwrap_or_else(as_it_is)
    })
}

fn not_done(error: &files::Error) -> Failure {
    let failure = Failure::new(Exit::Error, error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn as_yaml(path: &str) -> Option<String> {
    let stem = path.strip_suffix(other_ending(path)?)?;
    Some(format!("{stem}yaml"))
}

impl Fixed {
    /// What comes of a text, if anything in it can be mended.
    fn of(
        path: &str,
        before: String,
        shown: &str,
        look: impl Fn(&Arc<Source>) -> Vec<Diagnostic>,
    ) -> Option<Fixed> {
        let source = Source::new(shown, before.as_str());
        let Mended { text, made } = mended(&source, look);
        // A mark that people do not see stays before the text.
        let mark = &before[..before.len() - source.text.len()];
        let after = format!("{mark}{text}");
        (!made.is_empty()).then(|| Fixed {
            path: path.to_owned(),
            renamed: None,
            before,
            after,
            made,
        })
    }

    fn settle(&self, repository: &Repository, options: &Check) -> Result<(), Failure> {
        if !options.dry_run {
            self.write(repository)?;
        }
        self.tell(options)
    }

    fn write(&self, repository: &Repository) -> Result<(), Failure> {
        if !self.made.is_empty() {
            let written = repository.replace_text(&self.path, &self.before, &self.after);
            written.map_err(|error| not_done(&error))?;
        }
        let Some(new) = &self.renamed else {
            return Ok(());
        };
        let name = new.rsplit('/').next().unwrap_or(new);
        if repository
            .rename_file(&self.path, name)
            .map_err(|error| not_done(&error))?
        {
            return Ok(());
        }
        let text = format!(
            "`{}` cannot become `{new}`, which is there already",
            self.path
        );
        Err(Failure::new(Exit::Error, text))
    }

    fn tell(&self, options: &Check) -> Result<(), Failure> {
        match (options.output, options.dry_run) {
            (CheckOutput::Json, _) => {}
            (_, true) => drop(print::result(self.difference().trim_end_matches('\n'))?),
            (CheckOutput::Text, false) => {
                for line in self.lines() {
                    print::told(&line)?;
                }
            }
            // Stdout is for programs that know nothing of mends.
            (CheckOutput::Github | CheckOutput::Sarif, false) => {
                self.lines().iter().for_each(|line| print::say(line));
            }
        }
        Ok(())
    }

    /// A line for each mend.
    fn lines(&self) -> Vec<String> {
        let path = &self.path;
        let made = self.made.iter();
        let made = made.map(|made| {
            format!(
                "mended {path}:{}: {} [{}]",
                made.line,
                made.told(),
                made.code
            )
        });
        let renamed = self.renamed.iter();
        made.chain(renamed.map(|new| format!("renamed {path} to {new}")))
            .collect()
    }

    fn json(&self) -> Vec<Value> {
        let path = self.renamed.as_ref().unwrap_or(&self.path);
        let made = self.made.iter().map(|made| {
            json!({
                "path": path,
                "line": made.line,
                "code": made.code,
                "before": made.before,
                "after": made.after,
            })
        });
        let renamed = self.renamed.as_ref().map(|new| {
            json!({ "path": new, "line": null, "code": "file", "before": self.path, "after": new })
        });
        made.chain(renamed).collect()
    }

    fn difference(&self) -> String {
        let new = self.renamed.as_ref().unwrap_or(&self.path);
        difference((&self.path, &self.before), (new, &self.after))
    }
}
