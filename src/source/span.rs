//! A file as text, and places in it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A file, or an excerpt of a larger one.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As shown to people: relative where that is possible.
    pub path: String,
    pub text: String,
    /// The variable of the environment that it is instead of a file.
    pub variable: Option<Box<str>>,
    /// The line of the file at which `text` begins; 1 but for excerpts.
    pub first_line: usize,
    /// Where each line begins: a file may have a thousand complaints, and each asks for its line.
    line_starts: Vec<usize>,
}

impl Source {
    /// A whole file. A byte-order mark is no part of the text, so that the first column is 1.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        Source::excerpt(path, text, 1)
    }

    /// Makes a source of the value of a variable of the environment.
    pub fn of_variable(name: &str, value: &str) -> Arc<Source> {
        Arc::new(Source {
            variable: Some(name.into()),
            ..Source::of(format!("environment variable {name}"), value.to_owned(), 1)
        })
    }

    /// A part of a file that is too large to be held whole, such as one row of a list.
    pub fn excerpt(
        path: impl Into<String>,
        text: impl Into<String>,
        first_line: usize,
    ) -> Arc<Source> {
        Arc::new(Source::of(path.into(), text.into(), first_line))
    }

    fn of(path: String, mut text: String, first_line: usize) -> Source {
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Source {
            path,
            variable: None,
            line_starts: line_starts(&text),
            text,
            first_line,
        }
    }

    /// Whether it is read from a folder outside the repository, so that nothing of its contents is quoted: who may write
    /// the path of a file into a campaign may be one who must not see what is in the file.
    pub fn is_outside(&self) -> bool {
        self.variable.is_none() && in_root(&self.path).is_some()
    }

    /// Returns a text about this file without what it quotes of the contents.
    pub(super) fn unquoted(&self, text: String) -> String {
        if !self.is_outside() {
            return text;
        }
        if text.starts_with(UNREADABLE) {
            return UNREADABLE.to_owned();
        }
        let is_kept = |literal: &str| literal == self.path || OWN_WORDS.contains(&literal);
        let parts = text.split('`').enumerate().map(|(at, part)| {
            // Every second part stands between two backticks.
            if at % 2 == 0 || is_kept(part) {
                part
            } else {
                NOT_SHOWN
            }
        });
        parts.collect::<Vec<_>>().join("`")
    }

    /// The number of the line that has this byte, from 0.
    fn line_of(&self, offset: usize) -> usize {
        self.line_starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    fn start_of_line_of(&self, offset: usize) -> usize {
        self.line_starts
            .get(self.line_of(offset))
            .copied()
            .unwrap_or(0)
    }
}

/// Between the name of a root and a path below it.
const ROOT_MARK: char = ':';
/// What is shown instead of the contents of a file outside the repository.
const NOT_SHOWN: &str = "\u{2026}";
/// Behind this a complaint has the words of the template engine, which quotes the text without backticks.
const UNREADABLE: &str = "the template cannot be read";
/// Literals of complaints that are no contents.
const OWN_WORDS: [&str; 7] = [
    "group",
    "type",
    "member",
    "group_files",
    "member_files",
    ";",
    ",",
];

/// Splits a path below a folder outside the repository into the name of that root and the rest. A file of the repository
/// with a colon in its name is written `./a:b.csv`.
pub fn in_root(path: &str) -> Option<(&str, &str)> {
    let (name, relative) = path.split_once(ROOT_MARK)?;
    let is_plain = |each: char| matches!(each, 'a'..='z' | '0'..='9' | '_' | '-');
    (!name.is_empty() && name.chars().all(is_plain)).then_some((name, relative))
}

/// A range of bytes in a source, always on character boundaries.
#[derive(Clone)]
pub struct Span {
    source: Arc<Source>,
    // Two halves instead of two words: a diagnostic carries several spans and travels in every
    // `Err`.
    start: u32,
    end: u32,
}

impl Span {
    /// The range is brought into the text and onto character boundaries where it is not.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Span {
        let start = source.text.floor_char_boundary(range.start);
        let end = source.text.ceil_char_boundary(range.end).max(start);
        let half = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span {
            source: Arc::clone(source),
            start: half(start),
            end: half(end),
        }
    }

    /// Where nothing better is known: the very beginning.
    pub fn beginning(source: &Arc<Source>) -> Span {
        Span::new(source, 0..0)
    }

    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The text that is spanned.
    pub fn slice(&self) -> &str {
        self.source.text.get(self.range()).unwrap_or_default()
    }

    /// The line of its first character, from 1.
    pub fn line(&self) -> usize {
        self.source.first_line + self.source.line_of(self.range().start)
    }

    /// The column of its first character, from 1, counted in characters.
    pub fn column(&self) -> usize {
        let start = self.range().start;
        self.source.text[self.source.start_of_line_of(start)..start]
            .chars()
            .count()
            + 1
    }

    /// The place just behind it.
    #[must_use]
    pub fn end(&self) -> Span {
        let end = self.range().end;
        Span::new(&self.source, end..end)
    }

    /// The whole line of its first character, without the line break.
    pub fn line_range(&self) -> Range<usize> {
        let start = self.source.start_of_line_of(self.range().start);
        start..line_end(&self.source.text, start)
    }

    /// A part of this span; `range` counts from its start.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Span {
        let base = self.range().start;
        Span::new(
            &self.source,
            base.saturating_add(range.start)..base.saturating_add(range.end),
        )
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Span) -> bool {
        self.range() == other.range()
            && (Arc::ptr_eq(&self.source, &other.source) || self.source == other.source)
    }
}

impl Eq for Span {}

impl Hash for Span {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.range().hash(state);
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}..{}",
            self.source.path, self.start, self.end
        )
    }
}

/// YAML breaks lines at LF, CR LF and a lone CR.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let is_end = |at: usize| match bytes[at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    let behind = (0..bytes.len()).filter(|at| is_end(*at)).map(|at| at + 1);
    std::iter::once(0).chain(behind).collect()
}

/// Where the line ends in which this byte is.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    text[offset..]
        .find(['\n', '\r'])
        .map_or(text.len(), |at| offset + at)
}
