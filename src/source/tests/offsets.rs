//! From the value of a text back to where it was typed, for every style.

use super::*;

/// Checks that `part` of the value of `t` was typed as `typed`, at the last place where that
/// stands.
#[track_caller]
fn assert_typed(text: &str, part: &str, typed: &str) {
    let node = node_of(text);
    let value = Text::of(node.get("t").unwrap()).unwrap();
    let start = value.value.find(part).expect("the part is in the value");
    let span = value.span_of(start..start + part.len());
    assert_eq!(span.slice(), typed, "of {:?}", value.value);
    assert_eq!(span.range().start, text.rfind(typed).unwrap());
}

#[test]
fn plain() {
    assert_typed("t: hello world", "world", "world");
    assert_typed("t: 你好 {{ x }} 世界", "{{ x }}", "{{ x }}");
    assert_typed("t: one\n  two\n\n  three\nu: 1", "three", "three");
    assert_typed("t: one\n  two\n\n  three\nu: 1", "one two", "one\n  two");
}

#[test]
fn single_quoted() {
    assert_typed("t: 'it''s {{ y }}'", "{{ y }}", "{{ y }}");
    assert_typed("t: 'it''s'", "'", "''");
    assert_typed("t: 'a\n\n   b ''c'''", "c", "c");
}

#[test]
fn double_quoted() {
    assert_typed(r#"t: "a\n\t{{ b }}""#, "{{ b }}", "{{ b }}");
    assert_typed(r#"t: "\u4f60\x41\U0001F600 {{ b }}""#, "{{ b }}", "{{ b }}");
    assert_typed(r#"t: "x\ud83d\ude00y""#, "y", "y");
    assert_typed(r#"t: "x\ud83d\ude00y""#, "\u{1f600}", r"\ud83d\ude00");
    assert_typed("t: \"one \\\n    two\n\n    three\"", "three", "three");
    assert_typed("t: \"one \\\n    two\"", "one two", "one \\\n    two");
    assert_typed(r#"t: "say \"{{ b }}\"""#, "{{ b }}", "{{ b }}");
}

#[test]
fn literal() {
    assert_typed(
        "t: |\n  one\n    {{ two }}\n\n  three\n",
        "{{ two }}",
        "{{ two }}",
    );
    assert_typed("t: |\n  one\n    {{ two }}\n\n  three\n", "three", "three");
    assert_typed("t: |-\r\n  one\r\n  two\r\n", "two", "two");
    assert_typed("t: |2\n    one\n   two\n", "two", "two");
    assert_typed("t: |\n\n  one\n", "one", "one");
}

#[test]
fn folded() {
    assert_typed(
        "t: >\n  one\n  two\n\n  three\n",
        "two\nthree",
        "two\n\n  three",
    );
    assert_typed("t: >-\n  one\n  two {{ x }}\n", "{{ x }}", "{{ x }}");
    assert_typed("t: >\n  one\n    more\n  two\n", "more", "more");
}

#[test]
fn an_alias_leads_to_the_text_it_repeats() {
    let node = node_of("a: &x \"hi\\n{{ b }}\"\nt: *x\n");
    let text = Text::of(node.get("t").unwrap()).unwrap();
    assert_eq!(text.span.slice(), "*x");
    assert_eq!(text.style, Style::DoubleQuoted);
    assert_eq!(text.span_of(3..10).slice(), "{{ b }}");
}

#[test]
fn the_end_and_what_is_beyond_it_are_places_too() {
    let node = node_of("t: \"ab\"");
    let text = Text::of(node.get("t").unwrap()).unwrap();
    assert_eq!(text.span_of(2..2).range(), 6..6);
    assert_eq!(text.span_of(50..usize::MAX).range(), 6..6);
    assert_eq!(text.span_of(0..0).slice(), "a");
}
