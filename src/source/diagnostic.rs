//! What is said about a file: one complaint with its places and its mend.

use super::snippet::tame;
use super::span::Span;
use crate::containment::Panicked;

/// The code of a failure of the program itself that the text of a file brings about.
pub const INTERNAL_ERROR: &str = "internal-error";

/// Whether the file can be used in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// The party at fault, which decides what becomes of an occurrence that an error keeps from being sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The author of a file: held until the file is changed.
    #[default]
    Author,
    /// The machine, which lacks descriptors, memory or a working disk for now: tried again while there is time.
    Machine,
}

impl Blame {
    /// Decides for several diagnostics. The machine is at fault where it has a part in it, for what could not be read
    /// may be what the other errors lack.
    pub fn of(found: &[Diagnostic]) -> Blame {
        let is_of_machine =
            |each: &Diagnostic| each.severity == Severity::Error && each.blame == Blame::Machine;
        if found.iter().any(is_of_machine) {
            Blame::Machine
        } else {
            Blame::Author
        }
    }
}

/// A place and what is to be said about it; the text may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    /// In as few bytes as it takes: diagnostics travel in every `Err`.
    pub text: Box<str>,
}

/// What a program may type in somebody's place, because nothing else can be meant: this text instead of those bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    pub span: Span,
    pub text: String,
    /// What was not looked at because of the slip: more may be wrong there.
    pub hidden: Option<Span>,
}

/// Part of the settings without which a diagnostic cannot be told to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Premise {
    Roots,
}

impl Premise {
    /// Returns the key of that part.
    pub fn key(self) -> &'static str {
        match self {
            Premise::Roots => "roots",
        }
    }
}

/// One complaint. The message is a lower-case sentence without full stop, literals in backticks;
/// the help says what to type. Both are readable without the snippet and without colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable and kebab-case: people search for it and tools filter by it.
    pub code: &'static str,
    pub severity: Severity,
    pub premise: Option<Premise>,
    pub blame: Blame,
    pub message: String,
    /// Absent only where there is no text to point at, such as a file that is missing.
    pub primary: Option<Label>,
    /// Where two places disagree. Boxed, because diagnostics travel in every `Err` and few have
    /// one.
    pub secondary: Option<Box<Label>>,
    pub help: Option<String>,
    /// Where there is no doubt about what the help says. Boxed, as few have one.
    pub mend: Option<Box<Mend>>,
}

impl Diagnostic {
    pub fn error(code: &'static str, span: &Span, message: impl Into<String>) -> Diagnostic {
        let primary = Label {
            span: span.clone(),
            text: Box::default(),
        };
        Diagnostic {
            primary: Some(primary),
            ..Diagnostic::placeless(code, span.source().unquoted(message.into()))
        }
    }

    pub fn warning(code: &'static str, span: &Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, span, message)
        }
    }

    /// An error about something that has no text.
    pub fn placeless(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            premise: None,
            blame: Blame::Author,
            message: message.into(),
            primary: None,
            secondary: None,
            help: None,
            mend: None,
        }
    }

    /// Reports a panic that work on a file brought about, at the smallest place that is known.
    pub fn internal(span: &Span, message: &str, panicked: &Panicked) -> Diagnostic {
        Diagnostic::error(INTERNAL_ERROR, span, message).help(internal_help(panicked))
    }

    /// A place for what has none.
    #[must_use]
    pub fn or_at(mut self, span: &Span) -> Diagnostic {
        if self.primary.is_none() {
            let source = span.source();
            self.message = source.unquoted(self.message);
            self.help = self.help.map(|help| source.unquoted(help));
            self.primary = Some(Label {
                span: span.clone(),
                text: Box::default(),
            });
        }
        self
    }

    /// What stands beside the caret of the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        if let Some(primary) = &mut self.primary {
            primary.text = primary.span.source().unquoted(text.into()).into();
        }
        self
    }

    /// The second place.
    #[must_use]
    pub fn also(mut self, span: &Span, text: impl Into<String>) -> Diagnostic {
        self.secondary = Some(Box::new(Label {
            span: span.clone(),
            text: span.source().unquoted(text.into()).into(),
        }));
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        let help = help.into();
        self.help = Some(match &self.primary {
            Some(primary) => primary.span.source().unquoted(help),
            None => help,
        });
        self
    }

    /// For certain.
    #[must_use]
    pub fn mend(mut self, span: &Span, text: impl Into<String>) -> Diagnostic {
        if span.source().is_outside() {
            return self;
        }
        self.mend = Some(Box::new(Mend {
            span: span.clone(),
            text: text.into(),
            hidden: None,
        }));
        self
    }

    /// The slip has kept everybody from looking there.
    #[must_use]
    pub(super) fn hiding(mut self, hidden: &Span) -> Diagnostic {
        if let Some(mend) = &mut self.mend {
            mend.hidden = Some(hidden.clone());
        }
        self
    }

    /// Keeps an earlier help where there is none to give now.
    #[must_use]
    pub(super) fn maybe_help(self, help: Option<String>) -> Diagnostic {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

/// Says what an author can do about a panic.
pub fn internal_help(panicked: &Panicked) -> String {
    format!("this is a bug of campanile (at {panicked}): write it in another way, and report it")
}

/// The first error on one line, and how many there are besides; `more` are known only by their number. `None`: there is
/// none.
pub fn in_a_line(found: &[Diagnostic], more: u64) -> Option<String> {
    let is_error = |complaint: &&Diagnostic| complaint.severity == Severity::Error;
    let mut errors = found.iter().filter(is_error);
    let first = errors.next()?;
    let place = first.primary.as_ref().map(|label| {
        let span = &label.span;
        format!("{}:{}: ", span.source().path, span.line())
    });
    let message: String = first.message.chars().map(tame).collect();
    let others = match errors.count() as u64 + more {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    Some(format!("{}{message}{others}", place.unwrap_or_default()))
}
