//! A change as `git apply` and `patch` take it.

use std::fmt::Write as _;
use std::ops::Range;

/// Lines around a change that show where it is.
const AROUND: usize = 3;

/// From one path and text to another. Mends stay in their lines, so both texts have equally many.
pub(super) fn difference((old, before): (&str, &str), (new, after): (&str, &str)) -> String {
    let mut out = format!("diff --git a/{old} b/{new}\n");
    if old != new {
        let _ = write!(out, "rename from {old}\nrename to {new}\n");
    }
    if before == after {
        return out;
    }
    let _ = write!(out, "--- a/{old}\n+++ b/{new}\n");
    let before: Vec<&str> = before.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    let pairs: Vec<(&str, &str)> = before.into_iter().zip(after).collect();
    for hunk in hunks(&pairs) {
        let (start, count) = (hunk.start + 1, hunk.len());
        let _ = writeln!(out, "@@ -{start},{count} +{start},{count} @@");
        body(&pairs[hunk], &mut out);
    }
    out
}

/// The lines that are shown: changes that are near each other stand together.
fn hunks(pairs: &[(&str, &str)]) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    let is_changed = |(_, (before, after)): &(usize, &(&str, &str))| before != after;
    for (line, _) in pairs.iter().enumerate().filter(is_changed) {
        let shown = line.saturating_sub(AROUND)..(line + AROUND + 1).min(pairs.len());
        match hunks.last_mut() {
            Some(last) if shown.start <= last.end => last.end = shown.end,
            _ => hunks.push(shown),
        }
    }
    hunks
}

/// Lines that are changed one after the other are shown as a whole before and after.
fn body(pairs: &[(&str, &str)], out: &mut String) {
    let is_same =
        |one: &(&str, &str), other: &(&str, &str)| (one.0 == one.1) == (other.0 == other.1);
    for block in pairs.chunk_by(is_same) {
        let is_changed = block.iter().any(|(before, after)| before != after);
        for (before, _) in block {
            line(if is_changed { '-' } else { ' ' }, before, out);
        }
        for (_, after) in block.iter().filter(|_| is_changed) {
            line('+', after, out);
        }
    }
}

fn line(sign: char, text: &str, out: &mut String) {
    out.push(sign);
    out.push_str(text);
    if !text.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_are_near_stand_in_one_hunk() {
        let before: Vec<String> = (1..=20).map(|line: u8| line.to_string()).collect();
        let before = before.join("\n") + "\n";
        let after = before.replace("\n2\n", "\nb\n").replace("\n3\n", "\nc\n");
        let after = after.replace("\n20\n", "\nt\n");
        assert_eq!(
            difference(("x.yaml", &before), ("x.yaml", &after)),
            "diff --git a/x.yaml b/x.yaml\n--- a/x.yaml\n+++ b/x.yaml\n\
             @@ -1,6 +1,6 @@\n 1\n-2\n-3\n+b\n+c\n 4\n 5\n 6\n\
             @@ -17,4 +17,4 @@\n 17\n 18\n 19\n-20\n+t\n"
        );
    }

    #[test]
    fn a_last_line_without_an_end_says_so() {
        let told = difference(("x.yml", "a: 1\r\nb"), ("x.yaml", "a: 1\r\nc"));
        assert_eq!(
            told,
            "diff --git a/x.yml b/x.yaml\nrename from x.yml\nrename to x.yaml\n--- a/x.yml\n+++ b/x.yaml\n\
             @@ -1,2 +1,2 @@\n a: 1\r\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
        );
        let renamed = difference(("x.yml", "a"), ("x.yaml", "a"));
        assert_eq!(
            renamed,
            "diff --git a/x.yml b/x.yaml\nrename from x.yml\nrename to x.yaml\n"
        );
    }
}
