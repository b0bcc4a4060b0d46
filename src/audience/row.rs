//! One line of a file of groups or members, as the file has it.

use crate::source::{Source, Span};
use std::borrow::Cow;
use std::ops::Range;

/// A line before anybody made sense of it. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// CSV: text in cells.
    Cells { line: u64, cells: Vec<String> },
    /// JSON Lines: the text of an object.
    Object { line: u64, text: String },
}

impl Row {
    pub fn line(&self) -> u64 {
        match self {
            Row::Cells { line, .. } | Row::Object { line, .. } => *line,
        }
    }

    /// Where a part of an object stands; of cells the first.
    pub(super) fn part(&self, path: &str, part: Range<usize>) -> Span {
        let whole = self.span(path, 0);
        match self {
            Row::Cells { .. } => whole,
            Row::Object { .. } => Span::new(whole.source(), part),
        }
    }

    /// Where a cell stands, for complaints; an object is shown as a whole.
    pub(super) fn span(&self, path: &str, column: usize) -> Span {
        let line = usize::try_from(self.line()).unwrap_or(usize::MAX);
        let cells = match self {
            Row::Cells { cells, .. } => cells,
            Row::Object { text, .. } => {
                return Span::new(&Source::excerpt(path, text.clone(), line), 0..text.len());
            }
        };
        let cells: Vec<Cow<'_, str>> = cells.iter().map(|cell| quoted(cell)).collect();
        let text = cells.join(",");
        let before = cells.iter().take(column).map(|cell| cell.len() + 1);
        let start = before.sum::<usize>().min(text.len());
        let length = cells.get(column).map_or(0, |cell| cell.len());
        Span::new(&Source::excerpt(path, text, line), start..start + length)
    }
}

/// A cell as it has to stand in its file.
fn quoted(cell: &str) -> Cow<'_, str> {
    if cell.contains([',', '"']) {
        Cow::Owned(format!("\"{}\"", cell.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(cell)
    }
}
