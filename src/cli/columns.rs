//! A table that fits into the terminal.

use crate::report::cut;
use unicode_width::UnicodeWidthStr;

/// Between two columns.
const GAP: usize = 2;
/// Before the second line of a row.
const INDENT: usize = 2;
/// No column is cut to less.
const NARROWEST: usize = 4;

/// Rows with equally many cells, the first of them the heads.
pub(super) struct Table<const N: usize> {
    pub(super) rows: Vec<[String; N]>,
    /// The columns of the first line of a row where one line is too narrow for all; the others follow in a second.
    pub(super) upper: Vec<usize>,
    pub(super) lower: Vec<usize>,
}

impl<const N: usize> Table<N> {
    /// `width` is that of the terminal. `None`: there is none, and every row is one line.
    pub(super) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let all: Vec<usize> = (0..N).collect();
        let whole = self.widths(&all);
        let Some(width) = width.filter(|width| needed(&whole) > *width) else {
            return self.each(&[(0, &all, whole)]);
        };
        let [upper, lower] = [(0, &self.upper), (INDENT, &self.lower)].map(|(indent, columns)| {
            let fitted = fitted(self.widths(columns), width.saturating_sub(indent));
            (indent, columns.as_slice(), fitted)
        });
        self.each(&[upper, lower])
    }

    fn widths(&self, columns: &[usize]) -> Vec<usize> {
        let width = |column: &usize| self.rows.iter().map(|row| row[*column].width()).max();
        columns
            .iter()
            .map(|column| width(column).unwrap_or(0))
            .collect()
    }

    /// Each row in these lines: how far one is set in, its columns and their widths.
    fn each(&self, lines: &[(usize, &[usize], Vec<usize>)]) -> Vec<String> {
        let lines = self.rows.iter().flat_map(|row| {
            lines.iter().map(|(indent, columns, widths)| {
                let cells = columns.iter().zip(widths);
                let cells = cells.map(|(column, width)| padded(&row[*column], *width));
                let cells = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
                format!("{}{cells}", " ".repeat(*indent))
                    .trim_end()
                    .to_owned()
            })
        });
        lines.collect()
    }
}

fn needed(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// The widest give way first, and before the first column all others.
fn fitted(mut widths: Vec<usize>, room: usize) -> Vec<usize> {
    while needed(&widths) > room {
        let Some((first, others)) = widths.split_first_mut() else {
            break;
        };
        match others.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ if *first > NARROWEST => *first -= 1,
            _ => break,
        }
    }
    widths
}

fn padded(cell: &str, width: usize) -> String {
    let cell = cut(cell, width);
    let rest = width.saturating_sub(cell.width());
    format!("{cell}{}", " ".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(width: Option<usize>) -> Vec<String> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let table = Table {
            rows: vec![
                row(["NAME", "NEXT", "OWNER"]),
                row(["daily", "2026-11-11T09:00 Asia/Shanghai", "增长"]),
                row(["hourly", "-", "bob"]),
            ],
            upper: vec![0, 2],
            lower: vec![1],
        };
        table.lines(width)
    }

    #[test]
    fn a_row_is_one_line_where_it_fits_and_else_two() {
        let whole = [
            "NAME    NEXT                            OWNER",
            "daily   2026-11-11T09:00 Asia/Shanghai  增长",
            "hourly  -                               bob",
        ];
        assert_eq!(lines(None), whole);
        assert_eq!(lines(Some(45)), whole);
        let stacked = [
            "NAME    OWNER",
            "  NEXT",
            "daily   增长",
            "  2026-11-11T09:00 Asia/Shanghai",
            "hourly  bob",
            "  -",
        ];
        assert_eq!(lines(Some(44)), stacked);
        assert_eq!(lines(Some(19))[3], "  2026-11-11T09:00\u{2026}");
        for width in 12..60 {
            for line in lines(Some(width)) {
                assert!(line.width() <= width, "{line}");
            }
        }
    }
}
