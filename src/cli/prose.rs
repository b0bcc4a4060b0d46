//! Sentences in a terminal: broken between words, and never inside what somebody copies.

use crate::source::with_blanks;
use unicode_width::UnicodeWidthChar;

/// What begins the colour of a part of a line, and ends it.
const ESCAPE: char = '\u{1b}';
const ESCAPE_END: char = 'm';

/// Each line in lines no longer than `width`, those after its first set in by two more than it is, or by `hang`.
/// Words, with the [`NO_BREAK`]s in them, and what stands in backticks stay in one piece, and if they are longer than a
/// line, where they are: a terminal breaks those by itself, and what is copied there has no line break of ours.
///
/// [`NO_BREAK`]: crate::source::NO_BREAK
pub(super) fn laid_out(text: &str, width: usize, hang: Option<usize>) -> String {
    let lines = text.split('\n').map(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        laid_out_line(line, width, hang.unwrap_or(indent + 2))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn laid_out_line(line: &str, width: usize, hang: usize) -> String {
    let mut out = String::with_capacity(line.len());
    let mut used = 0;
    let mut is_begun = false;
    for (gap, piece) in pieces(line) {
        let columns = columns(piece);
        let is_too_long = used + gap + columns > width;
        if is_begun && is_too_long && hang + columns <= width {
            out.push('\n');
            out.push_str(&" ".repeat(hang));
            used = hang;
        } else {
            out.push_str(&" ".repeat(gap));
            used += gap;
        }
        out.push_str(&with_blanks(piece));
        used += columns;
        // The terminal has broken it, perhaps more than once.
        if used > width {
            used %= width;
        }
        is_begun = true;
    }
    out
}

/// What is not broken, each piece with the blanks before it.
fn pieces(line: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut rest = line;
    let mut before = 0;
    loop {
        let word = rest.trim_start_matches(' ');
        let gap = rest.len() - word.len();
        if word.is_empty() {
            return pieces;
        }
        let start = before + gap;
        let length = length(line, start);
        pieces.push((gap, &line[start..start + length]));
        before = start + length;
        rest = &line[before..];
    }
}

/// How long the piece is that begins there.
fn length(line: &str, start: usize) -> usize {
    let piece = &line[start..];
    let mut is_quoted = false;
    let mut ends = piece.char_indices().filter(|(at, each)| {
        if *each == '`' {
            is_quoted = !is_quoted && piece[at + 1..].contains('`');
        }
        *each == ' ' && !is_quoted
    });
    ends.next().map_or(piece.len(), |(at, _)| at)
}

/// As a terminal counts them: what gives colour takes no room.
fn columns(piece: &str) -> usize {
    bare(piece)
        .chars()
        .filter_map(UnicodeWidthChar::width)
        .sum()
}

/// A text without its colour.
pub(super) fn bare(text: &str) -> String {
    let mut is_escape = false;
    let is_seen = |each: &char| {
        let is_hidden = is_escape || *each == ESCAPE;
        is_escape = is_hidden && *each != ESCAPE_END;
        !is_hidden
    };
    text.chars().filter(is_seen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::unbroken;

    #[test]
    fn lines_break_between_words_and_are_set_in() {
        assert_eq!(laid_out("one two three", 7, None), "one two\n  three");
        assert_eq!(laid_out("  one two", 7, None), "  one\n    two");
        assert_eq!(laid_out("a\n  one two", 7, Some(1)), "a\n  one\n two");
        assert_eq!(laid_out("one  two", 80, None), "one  two");
        assert_eq!(laid_out("", 80, None), "");
        assert_eq!(laid_out("大家 你好 吗", 9, None), "大家 你好\n  吗");
        // The terminal breaks it.
        assert_eq!(laid_out("a 0123456789 b c", 5, None), "a 0123456789 b\n  c");
    }

    #[test]
    fn what_is_copied_stays_in_one_piece() {
        let command = unbroken("campanile resume news --sandbox");
        let told = format!("go on with: {command}");
        let broken = "go on with:\n  campanile resume news --sandbox";
        assert_eq!(laid_out(&told, 40, None), broken);
        let whole = "go on with: campanile resume news --sandbox";
        assert_eq!(laid_out(&told, 30, None), whole);
        assert_eq!(laid_out(&told, 80, None), whole);
        let told = format!("log: {}   (journal: a.db)", unbroken("campanile log news"));
        let broken = "log:\n  campanile log news\n  (journal: a.db)";
        assert_eq!(laid_out(&told, 20, None), broken);
        assert_eq!(
            laid_out("campanile log news", 15, None),
            "campanile log\n  news"
        );
        assert_eq!(
            laid_out("write `a: { b }` there", 14, None),
            "write\n  `a: { b }`\n  there"
        );
        assert_eq!(
            laid_out("the ` key is odd", 12, None),
            "the ` key is\n  odd"
        );
        assert_eq!(
            laid_out("\u{1b}[1;31mone\u{1b}[0m two three", 7, None),
            "\u{1b}[1;31mone\u{1b}[0m two\n  three"
        );
    }
}
