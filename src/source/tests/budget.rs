//! Hostile input costs no more than its budget.

use std::fmt::Write as _;

use super::super::parse::{MAX_BYTES, MAX_COMPLAINTS};
use super::super::tree::MAX_DEPTH;
use super::*;

fn codes(text: &str) -> Vec<&'static str> {
    parse(&file(text))
        .complaints
        .iter()
        .map(|complaint| complaint.code)
        .collect()
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    assert_eq!(codes(&text), ["too-large"]);
}

#[test]
fn aliases_of_long_texts_are_refused() {
    let text = format!("- &a {}\n{}", "x".repeat(500_000), "- *a\n".repeat(100));
    assert_eq!(codes(&text), ["too-large"]);
}

#[test]
fn deep_nesting_is_refused_in_brackets_blocks_and_aliases() {
    assert_eq!(codes(&"[".repeat(100_000)), ["too-deep"]);
    assert_eq!(codes(&"{a: ".repeat(100_000)), ["too-deep"]);
    assert_eq!(codes(&"- ".repeat(100_000)), ["too-deep"]);
    let half = "[".repeat(MAX_DEPTH / 2) + &"]".repeat(MAX_DEPTH / 2);
    let fits = format!("a: &a {half}\nb: {half}\n");
    assert_eq!(codes(&fits), <[&str; 0]>::default());
    let opens = "[".repeat(MAX_DEPTH / 2);
    assert_eq!(
        codes(&format!(
            "a: &a {half}\nb: {opens}*a{}\n",
            "]".repeat(MAX_DEPTH / 2)
        )),
        ["too-deep"]
    );
}

#[test]
fn a_large_file_is_refused_unread() {
    assert_eq!(codes(&"\t".repeat(MAX_BYTES + 1)), ["too-large"]);
}

#[test]
fn complaints_are_bounded() {
    let text = "a: 1\n".repeat(MAX_COMPLAINTS * 3);
    assert_eq!(codes(&text).len(), MAX_COMPLAINTS);
    let text =
        (0..MAX_COMPLAINTS * 2).fold(String::new(), |text, index| text + &format!("- {index}\n"));
    let schema = Schema::of::<Vec<String>>();
    assert_eq!(schema.check(&node_of(&text)).len(), MAX_COMPLAINTS);
}

#[test]
fn a_line_as_long_as_the_file_is_shown_around_the_caret() {
    let text = format!("{{{}bad: 1}}", "name: x, ".repeat(20_000));
    let complaints = parse(&file(&text)).complaints;
    for complaint in complaints.iter().take(20) {
        assert!(
            render(complaint, false, WIDTH)
                .lines()
                .all(|line| line.chars().count() <= WIDTH + 20)
        );
    }
}
