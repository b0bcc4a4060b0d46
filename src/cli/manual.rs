//! `man`: pages of the manual, made of what `--help` says and of what belongs to all verbs.

use super::arguments::{Arguments, Common};
use super::browsing::Man as Options;
use super::exit::{Exit, MEANINGS};
use super::failure::Failure;
use super::print;
use crate::files::write_over;
use crate::source::{plural, unbroken};
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

pub(super) fn man(common: &Common, options: &Options) -> Result<Exit, Failure> {
    let program = program();
    let Some(folder) = &options.all else {
        let command = find(&program, &options.verb)?;
        print::result(page(command)?.trim_end())?;
        if print::is_read_by_a_person() {
            let words = [
                &["campanile".to_owned(), "man".to_owned()],
                &options.verb[..],
            ]
            .concat();
            let command = format!("{} | man -l -", words.join(" "));
            print::help(&format!("read it with: {}", unbroken(&command)));
        }
        return Ok(Exit::Success);
    };
    let folder = match &common.directory {
        Some(directory) => directory.join(folder),
        None => folder.clone(),
    };
    let commands = with_all_below(&program);
    for command in &commands {
        let path = folder.join(format!("{}.1", name(command)));
        write_over(&path, &page(command)?)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let pages = plural(commands.len() as u64, "page");
    print::result(&format!("wrote {pages} to {}", folder.display()))?;
    Ok(Exit::Success)
}

/// The program and its verbs, with their full names filled in.
fn program() -> Command {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    program
}

fn find<'a>(program: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    words.iter().try_fold(program, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let verbs: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let text = format!("`{}` has no verb `{word}`", name(command).replace('-', " "));
            let help = if verbs.is_empty() {
                "it has no verbs of its own".to_owned()
            } else {
                format!("one of {}", verbs.join(", "))
            };
            Failure::new(Exit::Usage, text).help(help)
        })
    })
}

fn with_all_below(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(with_all_below);
    std::iter::once(command).chain(below).collect()
}

/// `campanile-journal-prune`
fn name(command: &Command) -> &str {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
}

/// One page. What stands behind the options of `--help` is no paragraph there but a table, so it is set here.
fn page(command: &Command) -> anyhow::Result<String> {
    let source = concat!("campanile ", env!("CARGO_PKG_VERSION"));
    let command_of_page = command
        .clone()
        .subcommand_help_heading("VERBS")
        .subcommand_value_name("VERB");
    let man = Man::new(command_of_page).source(source).manual("Campanile");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    // Commands are to be copied: nothing is stretched or hyphenated.
    Roff::new()
        .control("nh", [])
        .control("ad", ["l"])
        .to_writer(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    more(command).to_writer(&mut page)?;
    String::from_utf8(page).context("the page is no text")
}

/// As `--help` has it: what an option takes stands with the option.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let name = name(command).replace('-', " ");
    let rest = usage.strip_prefix(&name).unwrap_or(usage);
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold(&name), roman(rest)]);
    roff
}

fn more(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let after = after(command);
    let (codes, others): (Vec<&str>, Vec<&str>) = after
        .split("\n\n")
        .partition(|paragraph| paragraph.starts_with(EXIT_CODES));
    let mut heading = "";
    for paragraph in others {
        let (title, text) = titled(paragraph);
        if title != heading {
            roff.control("SH", [title]);
            heading = title;
        }
        set(&mut roff, text);
    }
    roff.control("SH", ["EXIT STATUS"]);
    set_table(&mut roff, &MEANINGS);
    let is_program = name(command) == PROGRAM;
    for paragraph in codes.into_iter().filter(|_| !is_program) {
        roff.control("PP", []);
        set(&mut roff, paragraph[EXIT_CODES.len()..].trim_start());
    }
    if is_program {
        roff.control("SH", ["ENVIRONMENT"]);
        set_table(&mut roff, &ENVIRONMENT);
        roff.control("SH", ["FILES"]);
        set_table(&mut roff, &FILES);
    } else {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([
            bold(PROGRAM),
            roman("(1) for the environment, the files and the other verbs"),
        ]);
    }
    roff
}

const PROGRAM: &str = "campanile";
const EXAMPLES: &str = "Examples:";
const EXIT_CODES: &str = "Exit codes:";
const JSON: &str = "JSON:";

const ENVIRONMENT: [(&str, &str); 3] = [
    (
        "CAMPANILE_SECRET_KEY",
        "The key of an app, where its settings say `secret_key: { env: CAMPANILE_SECRET_KEY }`. They may name any other.",
    ),
    (
        "CAMPANILE_APPS__MAIN__REGION and the like",
        "Overrides a value of the settings: the path in upper case, `__` between the levels, `_` for `-`. Lists and maps \
are written as YAML. A variable with `__` that fits no setting is an error.",
    ),
    ("NO_COLOR", "No colour, whatever it says."),
];

const FILES: [(&str, &str); 6] = [
    (
        "campanile.yaml",
        "The settings, looked for in the working directory and above it. All paths are relative to its folder.",
    ),
    (
        "campaigns/*.yaml",
        "The campaigns, or another folder that the settings name.",
    ),
    (
        "campanile.db",
        "The journal: what was planned and what became of it. Copy it with `campanile journal backup`, for the files \
beside it belong to it: `-wal`, `-shm`.",
    ),
    (
        "campanile.db-epoch",
        "How far the journal has come. By it an older copy, an empty file or another journal in its place is refused.",
    ),
    (
        "campanile.db-lane-*.lock",
        "The process that sends on the lane of an app and a channel, or serves (`-serve.lock`). The lock itself is on the \
journal; these files can be deleted.",
    ),
    (
        ".campanile/",
        "The journal of `--sandbox` and what its stand-in stored. It can be deleted.",
    ),
];

/// What `--help` tells behind the options.
fn after(command: &Command) -> String {
    let after = command
        .get_after_long_help()
        .or_else(|| command.get_after_help());
    after.map(ToString::to_string).unwrap_or_default()
}

/// A paragraph without the word that says what it is, and that as a heading.
fn titled(paragraph: &str) -> (&'static str, &str) {
    for (mark, title) in [(EXAMPLES, "EXAMPLES"), (JSON, "JSON")] {
        if let Some(text) = paragraph.strip_prefix(mark) {
            return (title, text.trim_start_matches([' ', '\n']));
        }
    }
    ("NOTES", paragraph)
}

/// Lines that are indented are rows of a table; others are text.
fn set(roff: &mut Roff, text: &str) {
    let mut before = Line::None;
    for line in text.lines() {
        let row = line.trim_start();
        let is_row = line.starts_with("  ") || is_command(line);
        before = match (is_row, two_columns(row)) {
            (true, Some((term, meaning))) => {
                set_row(roff, term, meaning);
                Line::Row
            }
            // What did not fit behind its term stands below it, or it is a title over rows that follow.
            (true, None) if line.starts_with(FAR) => {
                if before != Line::Term {
                    roff.control("PP", []);
                }
                roff.text([roman(row)]);
                Line::Row
            }
            (true, None) => {
                set_row(roff, row, "");
                Line::Term
            }
            (false, _) => {
                if before != Line::Text {
                    roff.control("PP", []);
                }
                roff.text([roman(row)]);
                Line::Text
            }
        };
    }
}

/// What was set last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    None,
    Text,
    Row,
    /// A row that has only its first column so far.
    Term,
}

/// Nothing in a first column begins so far to the right.
const FAR: &str = "          ";

/// The first line of examples has lost its indentation with the word above it.
fn is_command(line: &str) -> bool {
    line.split_whitespace().next() == Some(PROGRAM)
}

fn two_columns(row: &str) -> Option<(&str, &str)> {
    row.split_once("  ")
        .map(|(term, meaning)| (term, meaning.trim_start()))
}

fn set_table(roff: &mut Roff, rows: &[(&str, &str)]) {
    for (term, meaning) in rows {
        set_row(roff, term, meaning);
    }
}

fn set_row(roff: &mut Roff, term: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(meaning)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// The command lines of the part `Examples`, each up to its comment.
    fn examples(command: &Command) -> Vec<String> {
        let after = after(command);
        let mut lines = after.lines().skip_while(|line| *line != EXAMPLES).skip(1);
        let rows = lines.by_ref().take_while(|line| line.starts_with("  "));
        rows.map(|row| {
            let row = row.trim_start();
            let command = two_columns(row).map_or(row, |(command, _)| command);
            command.to_owned()
        })
        .collect()
    }

    /// The words that a shell makes of a line, up to where its output goes.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for each in line.chars() {
            match (quote, each) {
                (None, '"' | '\'') => {
                    quote = Some(each);
                    word.get_or_insert_default();
                }
                (Some(end), _) if each == end => quote = None,
                (None, ' ') => words.extend(word.take()),
                (None, '|' | '>') => break,
                _ => word.get_or_insert_default().push(each),
            }
        }
        words.extend(word);
        words
    }

    #[test]
    fn every_verb_has_examples_that_can_be_typed() {
        let program = program();
        for command in with_all_below(&program) {
            let examples = examples(command);
            assert!(!examples.is_empty(), "{}: no examples", name(command));
            let own: Vec<&str> = name(command).split('-').collect();
            let mut shown = false;
            for line in &examples {
                let words = words(line);
                let parsed = Arguments::try_parse_from(&words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                shown |= words.iter().zip(&own).all(|(word, own)| word == own);
            }
            assert!(shown, "{}: {examples:?}", name(command));
        }
    }

    #[test]
    fn every_page_has_its_sections() {
        let program = program();
        for command in with_all_below(&program) {
            let page = page(command).unwrap();
            for heading in [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "EXAMPLES",
                "\"EXIT STATUS\"",
            ] {
                let line = format!(".SH {heading}\n");
                assert_eq!(page.matches(&line).count(), 1, "{heading} of {page}");
            }
        }
    }

    #[test]
    fn a_verb_that_is_not_there_is_told_with_those_that_are() {
        let program = program();
        let words = ["journal", "prone"].map(str::to_owned);
        let failure = find(&program, &words).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.remedy().unwrap().contains("prune, backup"));
        assert_eq!(
            name(find(&program, &words[..1]).unwrap()),
            "campanile-journal"
        );
    }
}
