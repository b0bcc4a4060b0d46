//! The result to stdout, everything else to stderr.

use super::exit::Exit;
use super::failure::Failure;
use super::log_thread;
use super::prose::{bare, laid_out};
use super::workspace::typed_with;
use crate::source::{Diagnostic, render, tame, with_blanks};
use anyhow::Context;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// Prints a line of the result. `false`: nobody reads any more, which is no failure. What files and the vendor say is in
/// it: no control character of theirs reaches a terminal, and none that turns the direction of what follows.
pub(super) fn result(line: &str) -> anyhow::Result<bool> {
    styled(&harmless(line, is_read_by_a_person()))
}

/// The same of a sentence: on a terminal it is broken between words.
pub(super) fn told(line: &str) -> anyhow::Result<bool> {
    told_below(line, None)
}

/// Lines after the first are set in by so much.
pub(super) fn told_below(line: &str, hang: Option<usize>) -> anyhow::Result<bool> {
    let line = harmless(line, is_read_by_a_person());
    match columns(io::stdout()) {
        Some(width) => styled(&laid_out(&line, width, hang)),
        None => styled(&with_blanks(&line)),
    }
}

/// Prints a line of which every strange part was made harmless before it was given colour.
pub(super) fn styled(line: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write to stdout"),
    }
}

/// Tells the person at the terminal.
pub(super) fn say(line: &str) {
    say_fitted(&harmless(line, true));
}

/// A line of JSON, even where a terminal shows it: what turns the direction of text is written as an escape.
pub(super) fn say_to_programs(line: &str) {
    let line = harmless(line, false);
    let escaped = line.chars().map(|each| {
        if each.is_ascii() || tame(each) == each {
            each.to_string()
        } else {
            format!("\\u{:04x}", u32::from(each))
        }
    });
    say_styled(&escaped.collect::<String>());
}

fn say_fitted(line: &str) {
    match columns(io::stderr()) {
        Some(width) => say_styled(&laid_out(line, width, None)),
        None => say_styled(&with_blanks(line)),
    }
}

/// Writes a line to stderr, or leaves that to the log thread of the daemon. A terminal that is gone is no failure.
fn say_styled(line: &str) {
    if !log_thread::take(line) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// What stands in files, in their names and in answers, without what moves the cursor. What turns the direction of text
/// is left to programs, which read the result as it is.
pub(super) fn harmless(text: &str, is_seen: bool) -> Cow<'_, str> {
    let is_kept = |each: char| match each {
        '\n' | '\t' => true,
        _ => !each.is_control() && (!is_seen || tame(each) == each),
    };
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let parts = text.split_inclusive("\r\n").map(|line| {
        let (line, end) = line
            .strip_suffix("\r\n")
            .map_or((line, ""), |line| (line, "\r\n"));
        let line = line
            .chars()
            .map(|each| if is_kept(each) { each } else { tame(each) });
        line.collect::<String>() + end
    });
    Cow::Owned(parts.collect())
}

pub(super) fn diagnostic(diagnostic: &Diagnostic) {
    let text = render(diagnostic, has_colour(), width());
    match columns(io::stderr()) {
        Some(width) => say_styled(&sentences_fitted(text.trim_end(), width)),
        None => say_styled(text.trim_end()),
    }
    say_styled("");
}

/// What is said first and last are sentences; what stands between them is cut to the width already.
fn sentences_fitted(text: &str, width: usize) -> String {
    const HELP: &str = "= help: ";
    let lines = text.lines().enumerate().map(|(at, line)| {
        let bare = bare(line);
        let edge = bare.len() - bare.trim_start().len();
        let is_help = bare.trim_start().starts_with(HELP);
        match at {
            0 => laid_out(line, width, None),
            _ if is_help => laid_out(line, width, Some(edge + HELP.len())),
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(super) fn error(text: &str, help: Option<&str>) {
    let (on, off) = if has_colour() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    say_fitted(&format!("{on}error:{off} {}", harmless(text, true)));
    help.into_iter().for_each(self::help);
}

/// What can be done about it.
pub(super) fn help(text: &str) {
    say(&format!("  help: {text}"));
}

/// Help and version are results; all else is a complaint about usage.
pub(super) fn usage(error: &clap::Error) -> Exit {
    // Where nobody reads it, it is not missed.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Success
    }
}

/// Colour is for terminals that have it, and for nobody who has said `NO_COLOR`.
pub(super) fn has_colour() -> bool {
    io::stderr().is_terminal() && is_colour_wanted()
}

/// The same of the result.
pub(super) fn is_result_coloured() -> bool {
    io::stdout().is_terminal() && is_colour_wanted()
}

fn is_colour_wanted() -> bool {
    let variable = super::workspace::variable;
    let is_unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    !is_unwanted && variable("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Whether there is a terminal to draw progress on.
pub(super) fn is_drawn_on() -> bool {
    io::stderr().is_terminal()
}

/// Whether the result is read as it comes, and not kept.
pub(super) fn is_read_by_a_person() -> bool {
    io::stdout().is_terminal()
}

/// Whether there is somebody to ask.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

pub(super) fn width() -> usize {
    const ASSUMED: usize = 100;
    columns(io::stderr()).unwrap_or(ASSUMED)
}

/// How wide the result may be.
pub(super) fn result_width() -> usize {
    const ASSUMED: usize = 80;
    terminal_width().unwrap_or(ASSUMED)
}

/// `None`: it is written to no terminal.
pub(super) fn terminal_width() -> Option<usize> {
    columns(io::stdout())
}

fn columns(of: impl std::os::fd::AsFd) -> Option<usize> {
    const NARROWEST: usize = 40;
    let size = rustix::termios::tcgetwinsize(of).ok()?;
    let columns = usize::from(size.ws_col);
    (columns > 0).then(|| columns.max(NARROWEST))
}

/// Goes on only with somebody's yes, typed now or beforehand. `otherwise` is what a no comes to.
pub(super) fn confirm(has_said_yes: bool, question: &str, otherwise: &str) -> Result<(), Failure> {
    if has_said_yes {
        return Ok(());
    }
    if !is_interactive() {
        return Err(Failure::safety(
            "nobody is here to be asked",
            &typed_with("--yes"),
        ));
    }
    if ask(question)? {
        Ok(())
    } else {
        let text = format!("not confirmed; {otherwise}");
        Err(Failure::new(Exit::Safety, text))
    }
}

/// Asks; anything but yes is no.
pub(super) fn ask(question: &str) -> anyhow::Result<bool> {
    let mut err = io::stderr().lock();
    write!(err, "{} [y/N] ", harmless(question, true))
        .and_then(|()| err.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_strange_reaches_a_terminal() {
        assert_eq!(
            harmless("a\u{1b}[31m\u{7}\rb\u{9b}", false),
            "a\u{241b}[31m\u{2407}\u{240d}b\u{fffd}"
        );
        assert_eq!(harmless("a,b\r\n\tc\n", false), "a,b\r\n\tc\n");
        assert_eq!(harmless("\u{202e}a", true), "\u{fffd}a");
        assert_eq!(harmless("\u{202e}a", false), "\u{202e}a");
    }

    #[test]
    fn a_complaint_is_broken_where_it_is_a_sentence() {
        let source = crate::source::Source::new("news.yaml", "text: \"a long line that is cut\"");
        let span = crate::source::Span::new(&source, 0..4);
        let complaint =
            Diagnostic::warning("code", &span, "what is wrong with it is told at length");
        let complaint = complaint.help("write it in other words: `shorter than it is`");
        for colour in [false, true] {
            let text = render(&complaint, colour, 40);
            let lines = [
                "warning[code]: what is wrong with it is",
                "  told at length",
                " --> news.yaml:1:1",
                "  |",
                "1 | text: \"a long line that is cut\"",
                "  | ^^^^",
                "  |",
                "  = help: write it in other words:",
                "          `shorter than it is`",
            ];
            assert_eq!(
                bare(&sentences_fitted(text.trim_end(), 40)),
                lines.join("\n")
            );
        }
    }
}
