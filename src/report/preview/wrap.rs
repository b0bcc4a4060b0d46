//! Lines no wider than a terminal.

use unicode_width::UnicodeWidthChar;

/// Glues what stands before it to what comes after it.
const JOINER: char = '\u{200d}';

/// Breaks at spaces and around wide characters, and where there are neither, anywhere. `text` is one line.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    // Where the line can be broken last: bytes and columns before that place.
    let mut chance: Option<(usize, usize)> = None;
    let mut is_joined = false;
    for each in text.chars() {
        let columns = each.width().unwrap_or(0);
        let is_free = !is_joined && columns > 0;
        if is_free && columns > 1 && used > 0 {
            chance = Some((line.len(), used));
        }
        if is_free && used + columns > width {
            let (at, before) = chance.take().unwrap_or((line.len(), used));
            let rest = line.split_off(at);
            lines.push(line.trim_end().to_owned());
            line = rest;
            used -= before;
        }
        line.push(each);
        used += columns;
        is_joined = each == JOINER;
        if each == ' ' || columns > 1 {
            chance = Some((line.len(), used));
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// As much of it as fits.
pub fn cut(text: &str, width: usize) -> String {
    let columns = |text: &str| {
        text.chars()
            .filter_map(UnicodeWidthChar::width)
            .sum::<usize>()
    };
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = text.chars().take_while(|each| {
        used += each.width().unwrap_or(0);
        used <= width
    });
    format!("{}\u{2026}", fits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_at_spaces_and_between_wide_characters() {
        assert_eq!(
            wrapped("the quick brown fox", 10),
            ["the quick", "brown fox"]
        );
        assert_eq!(wrapped("一二三四五六", 5), ["一二", "三四", "五六"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("", 10), [""]);
        assert_eq!(cut("一二三四", 5), "一二\u{2026}");
        assert_eq!(cut("abc", 3), "abc");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_but_spaces_and_nothing_is_too_wide(text in "[a-c 一二é]{0,60}", width in 4_usize..20) {
            let lines = wrapped(&text, width);
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
            for line in lines {
                prop_assert!(line.chars().filter_map(UnicodeWidthChar::width).sum::<usize>() <= width);
            }
        }
    }
}
