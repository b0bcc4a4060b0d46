//! The result to stdout, everything else to stderr.

use super::exit::Exit;
use super::failure::Failure;
use super::workspace::typed_with;
use crate::source::{Diagnostic, render};
use anyhow::Context;
use std::io::{self, IsTerminal, Write};

/// Prints a line of the result. `false`: nobody reads any more, which is no failure.
pub(super) fn result(line: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write to stdout"),
    }
}

/// Tells the person at the terminal. A terminal that is gone stops nobody.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

pub(super) fn diagnostic(diagnostic: &Diagnostic) {
    say(render(diagnostic, has_colour(), width()).trim_end());
    say("");
}

pub(super) fn error(text: &str, help: Option<&str>) {
    let (on, off) = if has_colour() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    say(&format!("{on}error:{off} {text}"));
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

/// Colour is for terminals, and for nobody who has said `NO_COLOR`.
pub(super) fn has_colour() -> bool {
    io::stderr().is_terminal() && is_colour_wanted()
}

/// The same of the result.
pub(super) fn is_result_coloured() -> bool {
    io::stdout().is_terminal() && is_colour_wanted()
}

fn is_colour_wanted() -> bool {
    super::workspace::variable("NO_COLOR").is_none_or(|value| value.is_empty())
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
    columns(io::stdout()).unwrap_or(ASSUMED)
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
    write!(err, "{question} [y/N] ")
        .and_then(|()| err.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
