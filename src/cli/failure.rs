//! Why a verb did not do what was asked.

use super::exit::Exit;
use super::journals::SANDBOX_JOURNAL;
use super::print;
use super::workspace::OWN_FOLDER;
use crate::catalog::{self, Unusable};
use crate::executor;
use crate::files;
use crate::journal;
use crate::settings::redacted;
use crate::source::{Blame, Diagnostic, Severity, plural, thousands, unbroken, with_blanks};
use std::fmt;
use std::path::Path;

#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    help: Option<String>,
    diagnostics: Vec<Diagnostic>,
    /// Said at the end of the text.
    consequence: &'static str,
    /// What is wrong was shown one by one, and nothing is to be added.
    is_shown: bool,
}

impl Failure {
    pub(super) fn new(exit: Exit, text: impl Into<String>) -> Failure {
        Failure {
            exit,
            error: anyhow::Error::msg(text.into()),
            help: None,
            diagnostics: Vec::new(),
            consequence: "",
            is_shown: false,
        }
    }

    /// A safety: the text says why, `command` is what overrides it.
    pub(super) fn safety(text: impl Into<String>, command: &str) -> Failure {
        Failure::new(Exit::Safety, text).help(format!("if you mean it: {}", unbroken(command)))
    }

    /// A file is wrong; `more` errors are not shown.
    pub(super) fn invalid(diagnostics: Vec<Diagnostic>, more: u64) -> Failure {
        let errors = diagnostics
            .iter()
            .filter(|each| each.severity == Severity::Error)
            .count() as u64
            + more;
        let hidden = if more > 0 {
            format!(", {} of them not shown", thousands(more))
        } else {
            String::new()
        };
        let exit = exit_of(Blame::of(&diagnostics));
        Failure {
            diagnostics,
            consequence: "; nothing was sent",
            ..Failure::new(exit, format!("{}{hidden}", plural(errors, "error")))
        }
    }

    /// An argument is wrong, and it can be shown where.
    pub(super) fn told(exit: Exit, diagnostic: Diagnostic) -> Failure {
        Failure {
            diagnostics: vec![diagnostic],
            is_shown: true,
            ..Failure::new(exit, "1 error")
        }
    }

    /// Said after what was there to be said already.
    pub(super) fn help(self, help: impl Into<String>) -> Failure {
        let help = match self.help {
            Some(before) => format!("{before}\n  help: {}", help.into()),
            None => help.into(),
        };
        Failure {
            help: Some(help),
            ..self
        }
    }

    /// The same, after what led to it.
    #[must_use]
    pub(super) fn after(self, text: impl Into<String>) -> Failure {
        Failure {
            error: self.error.context(text.into()),
            ..self
        }
    }

    /// Of a verb that sends nothing, whatever happens.
    #[must_use]
    pub(super) fn of_reading(self) -> Failure {
        Failure {
            consequence: "",
            ..self
        }
    }

    /// One of several, which are counted together.
    #[must_use]
    pub(super) fn among_others(self) -> Failure {
        Failure {
            is_shown: !self.diagnostics.is_empty(),
            ..self
        }
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// What can be done about it.
    pub(super) fn remedy(&self) -> Option<String> {
        self.help.as_deref().map(with_blanks)
    }

    pub(super) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    pub(super) fn print(&self) -> Exit {
        for diagnostic in &self.diagnostics {
            print::diagnostic(diagnostic);
        }
        if self.is_shown {
            self.help.iter().for_each(|help| print::help(help));
            return self.exit;
        }
        // A secret in a wrong place, such as a key where the name of its file belongs, may be quoted here.
        let text = redacted(&format!("{:#}{}", self.error, self.consequence));
        print::error(&text, self.help.as_deref().map(redacted).as_deref());
        self.exit
    }
}

/// What the machine cannot read for now is no verdict about a file.
fn exit_of(blame: Blame) -> Exit {
    match blame {
        Blame::Author => Exit::Invalid,
        Blame::Machine => Exit::Temporary,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#}", self.error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure {
            error,
            ..Failure::new(Exit::Error, "")
        }
    }
}

impl From<files::Error> for Failure {
    fn from(error: files::Error) -> Failure {
        Failure::new(exit_of(error.blame()), error.to_string())
    }
}

impl From<catalog::Error> for Failure {
    fn from(error: catalog::Error) -> Failure {
        let exit = match &error {
            catalog::Error::Folder(error) => exit_of(error.blame()),
            catalog::Error::NoThread(_) | catalog::Error::Disappeared { .. } => Exit::Error,
            catalog::Error::Unsettled { .. } => Exit::Temporary,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Failure {
        if let Unusable::Invalid(found) = unusable {
            return Failure::invalid(found, 0);
        }
        let failure = Failure::new(exit_of(unusable.blame()), unusable.to_string());
        match unusable.help() {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

impl From<journal::Error> for Failure {
    fn from(error: journal::Error) -> Failure {
        let (exit, help) = match &error {
            _ if error.is_temporary() => (Exit::Temporary, None),
            journal::Error::Older { witness, .. }
            | journal::Error::Lost { witness, .. }
            | journal::Error::Displaced { witness, .. } => {
                (Exit::Safety, Some(go_on_from_older(witness)))
            }
            journal::Error::DevelopmentSchema { path, .. } if is_of_sandbox(path) => {
                (Exit::Error, Some(delete_rehearsals(path)))
            }
            _ => (Exit::Error, None),
        };
        Failure {
            help: help.or_else(|| error.mend().map(str::to_owned)),
            error: error.into(),
            ..Failure::new(exit, "")
        }
    }
}

fn is_of_sandbox(journal: &Path) -> bool {
    journal.ends_with(Path::new(OWN_FOLDER).join(SANDBOX_JOURNAL))
}

fn delete_rehearsals(journal: &Path) -> String {
    let command = unbroken(&format!("rm '{}'*", journal.display()));
    format!("it holds rehearsals only; delete it with: {command}")
}

fn go_on_from_older(witness: &Path) -> String {
    let command = unbroken(&format!("rm '{}'", witness.display()));
    format!(
        "put the newest journal back; if it is lost, go on without it with: {command} (what was sent since then may go \
         out twice)"
    )
}

impl From<executor::Error> for Failure {
    fn from(error: executor::Error) -> Failure {
        match error {
            executor::Error::Journal(error) => error.into(),
            executor::Error::Unwritten { .. } => {
                let help = "what became of these is found out when the run is gone on with";
                Failure::new(Exit::Temporary, error.to_string()).help(help)
            }
            other => anyhow::Error::new(other).into(),
        }
    }
}
