//! What `check` has found, told to people and to programs.

mod github;
mod place;
mod sarif;

pub(super) use place::Places;

use super::arguments::{Check, CheckOutput};
use super::exit::Exit;
use super::failure::Failure;
use super::fix::{Fixed, counted, json_of};
use super::print;
use crate::plan::Header;
use crate::report::diagnostic_json;
use crate::source::{Blame, Diagnostic, Severity, Source, Span, plural, thousands, unbroken};
use sarif::Sarif;
use serde_json::{Value, json};
use std::slice;

/// Warnings that come of time alone: nobody's change has brought them, and what passed before does not fail for them.
const BY_TIME: [&str; 1] = ["all-past"];

/// What came of one campaign.
pub(super) struct Checked {
    pub(super) name: String,
    pub(super) found: Vec<Diagnostic>,
    /// Errors that are not shown.
    pub(super) more: u64,
    pub(super) header: Header,
}

/// Counts, and what is told at the end.
pub(super) struct Tally<'a> {
    options: &'a Check,
    places: Places,
    campaigns: u64,
    errors: u64,
    warnings: u64,
    /// Of these, those that fail nothing.
    by_time: u64,
    /// Whether the machine kept a file from being read, which another try may find right.
    is_short: bool,
    told: Vec<Value>,
    sarif: Sarif,
    /// The first code that was met.
    code: Option<&'static str>,
    /// Complaints that `--fix` may mend.
    mendable: u64,
    /// What it has mended.
    fixed: Option<Vec<Value>>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(options: &'a Check, places: Places) -> Tally<'a> {
        Tally {
            options,
            places,
            campaigns: 0,
            errors: 0,
            warnings: 0,
            by_time: 0,
            is_short: false,
            told: Vec::new(),
            sarif: Sarif::default(),
            code: None,
            mendable: 0,
            fixed: None,
        }
    }

    /// What was mended before the campaigns were looked at.
    pub(super) fn fixed(&mut self, all: &[Fixed]) {
        self.fixed = Some(json_of(all));
        print::say(&format!("{}\n", counted(all)));
    }

    /// What is wrong with the repository, and with no campaign of it.
    pub(super) fn others(&mut self, found: &[Diagnostic]) -> Result<(), Failure> {
        found.iter().try_for_each(|each| self.found(each))
    }

    pub(super) fn exit(&self) -> Exit {
        if self.is_short {
            return Exit::Temporary;
        }
        if self.errors > 0 || (self.options.strict && self.warnings > self.by_time) {
            return Exit::Invalid;
        }
        Exit::Success
    }

    pub(super) fn checked(&mut self, checked: &Checked) -> Result<(), Failure> {
        self.campaigns += 1;
        self.errors += checked.more;
        for diagnostic in &checked.found {
            self.found(diagnostic)?;
        }
        let is_error = |each: &Diagnostic| each.severity == Severity::Error;
        if self.options.output != CheckOutput::Text || checked.found.iter().any(is_error) {
            return Ok(());
        }
        let header = &checked.header;
        let skipped = match header.skipped {
            0 => String::new(),
            skipped => format!(", {} skipped", thousands(skipped)),
        };
        print::told(&format!(
            "{}: {} on {}{skipped}, the longest {}",
            checked.name,
            plural(header.planned, "call"),
            header.channel.name(),
            plural(header.bytes_longest, "byte")
        ))?;
        Ok(())
    }

    /// A campaign that could not be read, at its path if that is known.
    pub(super) fn unreadable(
        &mut self,
        path: Option<&str>,
        failure: &Failure,
    ) -> Result<(), Failure> {
        self.campaigns += 1;
        self.failed(path, failure)
    }

    /// What kept a campaign, or all of them, from being looked at.
    pub(super) fn failed(&mut self, path: Option<&str>, failure: &Failure) -> Result<(), Failure> {
        self.is_short |= failure.exit() == Exit::Temporary;
        for diagnostic in failure.diagnostics() {
            self.found(diagnostic)?;
        }
        if !failure.diagnostics().is_empty() {
            return Ok(());
        }
        // Where there is no such file, there is no place to show.
        let is_there = |path: &&str| {
            let beginning = Span::beginning(&Source::new(*path, ""));
            self.places.place(&beginning).is_some()
        };
        let complaint = about_file(path.filter(is_there), failure);
        self.found(&complaint)
    }

    /// What is wrong with the settings comes before what is wrong with the campaigns.
    pub(super) fn settings(&mut self, wrong: &[Diagnostic]) -> Result<(), Failure> {
        wrong.iter().try_for_each(|each| self.found(each))
    }

    fn found(&mut self, diagnostic: &Diagnostic) -> Result<(), Failure> {
        match diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        self.is_short |= Blame::of(slice::from_ref(diagnostic)) == Blame::Machine;
        self.by_time += u64::from(BY_TIME.contains(&diagnostic.code));
        self.code.get_or_insert(diagnostic.code);
        self.mendable += u64::from(diagnostic.mend.is_some());
        match self.options.output {
            CheckOutput::Json => self.told.push(diagnostic_json(diagnostic)),
            CheckOutput::Text => print::diagnostic(diagnostic),
            CheckOutput::Sarif => self.sarif.add(diagnostic, &self.places),
            CheckOutput::Github => {
                print::result(&github::command(diagnostic, &self.places))?;
            }
        }
        Ok(())
    }

    pub(super) fn tell(&self) -> Result<(), Failure> {
        match self.options.output {
            CheckOutput::Json => {
                let mut told = json!({
                    "campaigns": self.campaigns,
                    "errors": self.errors,
                    "warnings": self.warnings,
                    "diagnostics": self.told,
                });
                if let Some(fixed) = &self.fixed {
                    told["fixed"] = json!(fixed);
                }
                print::result(&told.to_string())?;
                return Ok(());
            }
            CheckOutput::Sarif => {
                print::result(&self.sarif.log().to_string())?;
            }
            CheckOutput::Text | CheckOutput::Github => {}
        }
        print::say(&format!(
            "{} checked: {}, {}",
            plural(self.campaigns, "campaign"),
            plural(self.errors, "error"),
            plural(self.warnings, "warning")
        ));
        if self.options.output != CheckOutput::Text {
            return Ok(());
        }
        if self.mendable > 0 && !self.options.fix {
            print::say(&format!(
                "{} may be mended: {}",
                plural(self.mendable, "complaint"),
                unbroken("campanile check --fix")
            ));
        }
        if let Some(code) = self.code {
            print::say(&format!(
                "more about a code: {}",
                unbroken(&format!("campanile check --explain {code}"))
            ));
        }
        Ok(())
    }
}

/// A file of which nothing can be shown.
fn about_file(path: Option<&str>, failure: &Failure) -> Diagnostic {
    const CODE: &str = "file";
    let text = failure.to_string();
    let complaint = match path {
        Some(path) => Diagnostic::error(CODE, &Span::beginning(&Source::new(path, "")), text),
        None => Diagnostic::placeless(CODE, text),
    };
    match failure.remedy() {
        Some(help) => complaint.help(help),
        None => complaint,
    }
}
