//! One line of a file as it can be shown: nothing in it moves the cursor, and it fits.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

const TAB: &str = "    ";
/// Shown where a line goes on.
const CUT: &str = "\u{2026}";
const CUT_WIDTH: usize = 1;
/// So much of the text before the caret is kept when a line is cut.
const CONTEXT: usize = 20;
/// Only so many bytes around the caret are looked at: a line may be the whole file.
const WINDOW: usize = 1_024;

/// A line and the columns (from 0, as shown) of what is marked in it.
pub(super) struct Snippet {
    pub(super) text: String,
    pub(super) marked: Range<usize>,
}

/// `marked` are bytes of `line`; `width` is how many columns there are.
pub(super) fn snippet(line: &str, marked: Range<usize>, width: usize) -> Snippet {
    let window = line.floor_char_boundary(marked.start.saturating_sub(WINDOW))
        ..line.ceil_char_boundary(marked.start.saturating_add(WINDOW));
    let cells = cells(&line[window.clone()], window.start);
    let column_of = |offset: usize| {
        let before = cells.iter().take_while(|cell| cell.offset < offset);
        before.map(|cell| cell.width).sum::<usize>()
    };
    let start = column_of(marked.start);
    let end = column_of(marked.end).max(start + 1);
    let total = column_of(usize::MAX);
    if total <= width && window == (0..line.len()) {
        let text = cells.iter().map(|cell| cell.shown.as_str()).collect();
        return Snippet {
            text,
            marked: start..end,
        };
    }
    cut(&cells, start..end, width, window.start > 0)
}

/// What is shown has the caret, and as much behind it as fits.
fn cut(cells: &[Cell], marked: Range<usize>, width: usize, is_cut_before: bool) -> Snippet {
    let room = width.saturating_sub(2 * CUT_WIDTH).max(1);
    let fits = marked.end <= room && !is_cut_before;
    let first = if fits {
        0
    } else {
        marked.start.saturating_sub(CONTEXT.min(room / 2))
    };
    let (mut column, mut shown) = (0, Vec::new());
    let mut used = 0;
    let mut from = 0;
    for cell in cells {
        if column >= first && used + cell.width <= room {
            from = if shown.is_empty() { column } else { from };
            shown.push(cell);
            used += cell.width;
        } else if column >= first {
            break;
        }
        column += cell.width;
    }
    let lead = if from > 0 || is_cut_before { CUT } else { "" };
    let tail = if shown.last().map(|cell| cell.offset) == cells.last().map(|cell| cell.offset) {
        ""
    } else {
        CUT
    };
    let shift = |at: usize| at.saturating_sub(from).min(used) + lead.chars().count();
    let start = shift(marked.start);
    let text: String = shown.iter().map(|cell| cell.shown.as_str()).collect();
    Snippet {
        text: format!("{lead}{text}{tail}"),
        marked: start..shift(marked.end).max(start + 1),
    }
}

/// One character of a line as it is shown.
struct Cell {
    offset: usize,
    shown: String,
    width: usize,
}

fn cells(part: &str, base: usize) -> Vec<Cell> {
    let cell = |(offset, character): (usize, char)| {
        let shown = if character == '\t' {
            TAB.to_owned()
        } else {
            tame(character).to_string()
        };
        let width = shown
            .chars()
            .map(|character| character.width().unwrap_or(0))
            .sum();
        Cell {
            offset: base + offset,
            shown,
            width,
        }
    };
    part.char_indices().map(cell).collect()
}

/// Escape sequences and what turns the direction of text become pictures of themselves.
pub fn tame(character: char) -> char {
    match character {
        '\0'..='\u{1f}' => {
            char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

/// The same for messages, which quote what stands in files.
pub(super) fn tamed(text: &str) -> String {
    text.chars().map(tame).collect()
}
