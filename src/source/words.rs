//! The grammar of messages: counts, lists, and the word that was probably meant.

use std::time::Duration;

/// A guess may differ from what was typed in one letter of so many.
const LETTERS_PER_SLIP: usize = 3;
/// In a word shorter than this a second wrong letter may mean another word.
const SHORT: usize = 6;
/// More of a file than this is not repeated in a sentence.
const MAX_LITERAL: usize = 80;

/// `1 group`, `3,000 groups`.
pub fn plural(count: u64, noun: &str) -> String {
    let number = thousands(count);
    if count == 1 {
        return format!("{number} {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{number} {stem}ies"),
        _ if noun.ends_with('s')
            || noun.ends_with('x')
            || noun.ends_with("ch")
            || noun.ends_with("sh") =>
        {
            format!("{number} {noun}es")
        }
        _ => format!("{number} {noun}s"),
    }
}

/// `1,234,567`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Blank at which a sentence is not broken. It is printed as a common one.
pub const NO_BREAK: char = '\u{a0}';

/// Returns a command as part of a sentence that is broken to fit a terminal: an operator copies it whole.
pub fn unbroken(command: &str) -> String {
    command.replace(' ', &NO_BREAK.to_string())
}

/// Returns a text as it is printed where nothing is broken.
pub fn with_blanks(text: &str) -> String {
    text.replace(NO_BREAK, " ")
}

/// `8 days 2h`, `1h 30m`, `2m 5s`: as people say a length of time, in its two largest units.
pub fn length_text(length: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, " days"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = length.as_secs();
    let mut parts = Vec::new();
    for (seconds, unit) in UNITS {
        let count = left / seconds;
        left %= seconds;
        // Units behind the first are told at once or not at all: `1h 5s` would be wrongly exact.
        if parts.len() == 1 {
            if count > 0 {
                parts.push(format!("{count}{unit}"));
            }
            break;
        }
        if count > 0 {
            let unit = if unit == " days" && count == 1 {
                " day"
            } else {
                unit
            };
            parts.push(format!("{count}{unit}"));
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

/// A quoted piece of a file, in backticks; a long one is cut.
pub(super) fn literal(text: &str) -> String {
    match text.char_indices().nth(MAX_LITERAL) {
        Some((end, _)) => format!("`{}\u{2026}`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Whether a help can repeat it for people to type.
pub(super) fn is_typeable(text: &str) -> bool {
    text.len() <= MAX_LITERAL && !text.is_empty() && !text.contains(['\n', '\r'])
}

/// `` `a`, `b` and `c` ``.
pub fn list_of<S: AsRef<str>>(items: &[S]) -> String {
    joined(items, "and")
}

/// `` `a`, `b` or `c` ``.
pub(super) fn choice_of<S: AsRef<str>>(items: &[S]) -> String {
    joined(items, "or")
}

fn joined<S: AsRef<str>>(items: &[S], conjunction: &str) -> String {
    let ticked: Vec<String> = items.iter().map(|item| literal(item.as_ref())).collect();
    match ticked.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
    }
}

/// The candidate that was probably meant by `word`, if one is near enough.
pub fn nearest<'a, S: AsRef<str> + ?Sized + 'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str> {
    let wanted = folded(word);
    let reach = (wanted.chars().count() / LETTERS_PER_SLIP).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                slips(&wanted, candidate.as_ref(), reach),
                candidate.as_ref(),
            )
        })
        .filter(|(distance, candidate)| *distance <= reach && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The candidate that was meant, if no other comes near and hardly a letter is wrong.
pub(super) fn surely<'a, S: AsRef<str>>(word: &str, candidates: &'a [S]) -> Option<&'a str> {
    let wanted = folded(word);
    let reach = if wanted.chars().count() < SHORT { 1 } else { 2 };
    let distances = candidates.iter().map(|candidate| {
        let candidate = candidate.as_ref();
        (slips(&wanted, candidate, reach + 1), candidate)
    });
    let mut near: Vec<(usize, &str)> = distances.collect();
    near.sort_unstable();
    match near.as_slice() {
        [(best, _), (next, _), ..] if best == next => None,
        [(best, meant), ..] if *best <= reach && *best < meant.len() => Some(meant),
        _ => None,
    }
}

/// Words whose lengths differ by more than the reach are not compared: what was typed may be long.
fn slips(wanted: &str, candidate: &str, reach: usize) -> usize {
    let candidate = folded(candidate);
    let difference = wanted.chars().count().abs_diff(candidate.chars().count());
    if difference > reach {
        usize::MAX
    } else {
        strsim::damerau_levenshtein(wanted, &candidate)
    }
}

/// Case and the choice between `-`, `_` and a space are no difference.
fn folded(word: &str) -> String {
    word.to_lowercase().replace(['-', ' '], "_")
}
