//! Text of strangers as it may be printed: nothing in it moves a cursor or turns the direction of what follows.

use std::fmt::Write;

/// Control characters become pictures of themselves, and what turns the direction of text its number. Right-to-left text
/// and the marks that belong to it stay.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '\n' => out.push(each),
            '\t' => out.push_str("    "),
            '\0'..='\u{1f}' => {
                let picture = char::from_u32(0x2400 + u32::from(each));
                out.push(picture.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' => {
                // Writing to a text cannot fail.
                let _ = write!(out, "[U+{:04X}]", u32::from(each));
            }
            other => out.push(other),
        }
    }
    out
}

/// The same on one line.
pub(super) fn on_one_line(text: &str) -> String {
    harmless(&text.replace("\r\n", "\n")).replace('\n', "\u{23ce} ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_the_text_is_seen_and_does_nothing() {
        assert_eq!(harmless("a\u{1b}[31mb"), "a\u{241b}[31mb");
        assert_eq!(harmless("\u{202e}abc\u{2066}"), "[U+202E]abc[U+2066]");
        assert_eq!(harmless("\u{9b}1m\u{7f}"), "[U+009B]1m\u{2421}");
        let arabic = "مرحبا\u{200f} بكم";
        assert_eq!(harmless(arabic), arabic);
        assert_eq!(on_one_line("a\r\nb"), "a\u{23ce} b");
    }
}
