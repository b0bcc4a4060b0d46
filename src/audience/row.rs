//! One line of a file of groups.

use crate::source::{Source, Span};

/// Cells as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// From 1, the header being 1.
    pub line: u64,
    pub cells: Vec<String>,
}

impl Row {
    /// Where a cell stands, for complaints.
    pub(super) fn span(&self, path: &str, column: usize) -> Span {
        let text = self.cells.join(",");
        let start = self
            .cells
            .iter()
            .take(column)
            .map(|cell| cell.len() + 1)
            .sum::<usize>()
            .min(text.len());
        let length = self.cells.get(column).map_or(0, String::len);
        let line = usize::try_from(self.line).unwrap_or(usize::MAX);
        Span::new(&Source::excerpt(path, text, line), start..start + length)
    }
}
