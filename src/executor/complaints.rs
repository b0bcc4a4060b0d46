//! Complaints of a whole audience, the same one told once.

use crate::source::{Diagnostic, Severity, plural};
use crate::template::is_runaway;

/// What is wrong with a campaign's rows and texts. One error in one row, and nothing goes out.
#[derive(Debug, Default)]
pub struct Complaints {
    /// Each with how many more targets met the very same.
    found: Vec<(Diagnostic, u64)>,
    /// Errors beyond those kept.
    more: u64,
    /// Targets that were not tried after a text had gone on without end.
    untried: u64,
}

impl Complaints {
    /// Each is shown with its place; a file that is wrong throughout needs no more.
    pub(super) const KEPT_MAX: usize = 50;

    pub fn add(&mut self, complaints: impl IntoIterator<Item = Diagnostic>) {
        for complaint in complaints {
            let same = |(known, _): &&mut (Diagnostic, u64)| is_same(known, &complaint);
            if let Some((_, again)) = self.found.iter_mut().find(same) {
                *again += 1;
            } else if self.found.len() < Self::KEPT_MAX || is_runaway(&complaint) {
                self.found.push((complaint, 0));
            } else {
                self.more += u64::from(complaint.severity == Severity::Error);
            }
        }
    }

    /// Adds those that were met so often at least.
    pub(super) fn add_of_all(&mut self, suspected: Complaints, least: u64) {
        for (complaint, again) in suspected.found {
            let met = again + 1;
            let is_known = self
                .found
                .iter()
                .any(|(known, _)| is_same(known, &complaint));
            if met >= least && !is_known && self.found.len() < Self::KEPT_MAX {
                self.found.push((complaint, again));
            }
        }
    }

    /// Whether a text went on without end, as it would for others.
    pub fn has_runaway(&self) -> bool {
        self.found
            .iter()
            .any(|(complaint, _)| is_runaway(complaint))
    }

    /// One more target is not tried for that.
    pub(super) fn add_untried(&mut self) {
        self.untried += 1;
    }

    pub fn has_errors(&self) -> bool {
        self.more > 0
            || self
                .found
                .iter()
                .any(|(complaint, _)| complaint.severity == Severity::Error)
    }

    /// What is to be shown, and how many errors are not.
    pub fn shown(self) -> (Vec<Diagnostic>, u64) {
        let untried = self.untried;
        let shown = self.found.into_iter().map(|(complaint, again)| {
            let same = format!("the same for {}", plural(again, "more target"));
            let left = match untried {
                1 => "1 more target was not tried".to_owned(),
                untried => format!("{} were not tried", plural(untried, "more target")),
            };
            let left = Some(left).filter(|_| untried > 0 && is_runaway(&complaint));
            let same = Some(same).filter(|_| again > 0);
            let help: Vec<String> = complaint
                .help
                .iter()
                .cloned()
                .chain(same)
                .chain(left)
                .collect();
            if help.is_empty() {
                return complaint;
            }
            complaint.help(help.join("; "))
        });
        (shown.collect(), self.more)
    }
}

/// A slip in a template is met by every target; it is one slip.
fn is_same(one: &Diagnostic, other: &Diagnostic) -> bool {
    let place =
        |diagnostic: &Diagnostic| diagnostic.primary.as_ref().map(|label| label.span.clone());
    one.code == other.code && one.message == other.message && place(one) == place(other)
}
