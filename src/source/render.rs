//! A diagnostic as people read it.

use std::fmt::Write as _;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Label, Severity};
use super::snippet::{snippet, tamed};
use super::span::Span;

/// Narrower than this nothing can be shown: a terminal that says so is not believed.
const MIN_WIDTH: usize = 40;
/// A message never grows with the text it quotes beyond this.
const MAX_MESSAGE: usize = 2_000;

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const BLUE: &str = "\u{1b}[1;34m";
const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

/// In the manner of rustc, ending with a line break. `width` is that of the terminal, or what a
/// plain file should be wrapped to; only lines of the source are cut to it.
pub fn render(diagnostic: &Diagnostic, colour: bool, width: usize) -> String {
    let mut page = Page {
        out: String::new(),
        colour,
        width: width.max(MIN_WIDTH),
        gutter: gutter_of(diagnostic),
    };
    let accent = match diagnostic.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
    };
    let head = format!("{}[{}]", diagnostic.severity.word(), diagnostic.code);
    page.paint(accent, &head);
    page.paint(BOLD, &format!(": {}", shortened(&diagnostic.message)));
    page.out.push('\n');
    if let Some(primary) = &diagnostic.primary {
        page.places(primary, diagnostic.secondary.as_deref(), accent);
    }
    if let Some(help) = &diagnostic.help {
        if diagnostic.primary.is_some() {
            page.empty_edge();
        }
        page.edge(" ", "=");
        let _ = writeln!(page.out, " help: {}", shortened(help));
    }
    page.out
}

fn shortened(text: &str) -> String {
    let text = tamed(text);
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text,
    }
}

/// As wide as the longest line number.
fn gutter_of(diagnostic: &Diagnostic) -> usize {
    let labels = diagnostic
        .primary
        .iter()
        .chain(diagnostic.secondary.as_deref());
    labels
        .map(|label| label.span.line().to_string().len())
        .max()
        .unwrap_or(0)
}

/// A label, its mark, and its colour.
#[derive(Clone, Copy)]
struct Mark<'l> {
    label: &'l Label,
    underline: &'static str,
    accent: &'static str,
}

struct Page {
    out: String,
    colour: bool,
    width: usize,
    gutter: usize,
}

impl Page {
    fn paint(&mut self, paint: &str, text: &str) {
        if self.colour {
            let _ = write!(self.out, "{paint}{text}{RESET}");
        } else {
            self.out.push_str(text);
        }
    }

    /// The left edge: a line number or nothing, and `|` or its like.
    fn edge(&mut self, number: &str, mark: &str) {
        let text = format!("{number:>width$} {mark}", width = self.gutter);
        self.paint(BLUE, &text);
    }

    fn places(&mut self, primary: &Label, secondary: Option<&Label>, accent: &'static str) {
        let first = Mark {
            label: primary,
            underline: "^",
            accent,
        };
        self.location("-->", &primary.span);
        // A file that is named and not read has nothing to show.
        if primary.span.source().text.is_empty() && secondary.is_none() {
            return;
        }
        let Some(secondary) = secondary else {
            return self.lines(&[first]);
        };
        let second = Mark {
            label: secondary,
            underline: "-",
            accent: BLUE,
        };
        if !Arc::ptr_eq(primary.span.source(), secondary.span.source()) {
            self.lines(&[first]);
            self.location(":::", &secondary.span);
            return self.lines(&[second]);
        }
        let mut marks = [first, second];
        marks.sort_by_key(|mark| mark.label.span.line());
        self.lines(&marks);
    }

    fn location(&mut self, arrow: &str, span: &Span) {
        let gap = " ".repeat(self.gutter);
        self.paint(BLUE, &format!("{gap}{arrow}"));
        let path = tamed(&span.source().path);
        let _ = writeln!(self.out, " {path}:{}:{}", span.line(), span.column());
    }

    /// Lines in their order; two marks of one line share it, and lines left out are shown as such.
    fn lines(&mut self, marks: &[Mark<'_>]) {
        let is_outside = |mark: &Mark<'_>| mark.label.span.source().is_outside();
        if marks.iter().any(is_outside) {
            return;
        }
        self.empty_edge();
        let mut before: Option<usize> = None;
        for mark in marks {
            let line = mark.label.span.line();
            if before.is_some_and(|before| line > before + 1) {
                self.paint(BLUE, "...");
                self.out.push('\n');
            }
            self.marked_line(mark, before != Some(line));
            before = Some(line);
        }
    }

    fn empty_edge(&mut self) {
        self.edge(" ", "|");
        self.out.push('\n');
    }

    fn marked_line(&mut self, mark: &Mark<'_>, with_source: bool) {
        let span = &mark.label.span;
        let line = span.line_range();
        let text = &span.source().text[line.clone()];
        let inside =
            |offset: usize| offset.clamp(line.start, line.end.max(line.start)) - line.start;
        let marked = inside(span.range().start)..inside(span.range().end);
        let shown = snippet(text, marked, self.width - self.gutter - 3);
        if with_source {
            self.edge(&span.line().to_string(), "|");
            let _ = writeln!(
                self.out,
                "{}{}",
                if shown.text.is_empty() { "" } else { " " },
                shown.text
            );
        }
        self.edge(" ", "|");
        let gap = " ".repeat(shown.marked.start + 1);
        let label = tamed(&mark.label.text);
        let carets = mark.underline.repeat(shown.marked.len());
        let beside = if label.is_empty() {
            carets
        } else {
            format!("{carets} {label}")
        };
        self.out.push_str(&gap);
        self.paint(mark.accent, &beside);
        self.out.push('\n');
    }
}
