//! Whatever the text is: no panic, and every place lies in it.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Spec>);

/// Pieces that YAML finds meaning in, and some that are wider or longer than they look.
fn yaml_like() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "name",
        "rate",
        "groups",
        "send",
        "text",
        "broadcast",
        ": ",
        ":",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "\r",
        "[",
        "]",
        "{",
        "}",
        "{{ x }}",
        ", ",
        "\"",
        "'",
        "''",
        "\\n",
        "\\",
        "\\\n",
        "|",
        "|-\n  ",
        ">\n  ",
        "&x ",
        "*x",
        "!t ",
        "#",
        " # ",
        "? ",
        "---\n",
        "~",
        "1",
        "1.5",
        "true",
        "@",
        "%",
        "`",
        "\t",
        "<<",
        "：",
        "你好",
        "\u{1f600}",
        "\u{301}",
        "\u{feff}",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{85}",
        "\0",
        "  ",
        "0x1F",
        "99999999999999999999",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

fn assert_inside(span: &Span) {
    let range = span.range();
    assert!(range.start <= range.end && range.end <= span.source().text.len());
    assert!(span.source().text.get(range).is_some());
    assert!(span.line() >= 1 && span.column() >= 1);
}

fn assert_tree_inside(node: &Node) {
    assert_inside(&node.span);
    assert_inside(&node.written);
    if let Some(text) = Text::of(node) {
        for end in 0..=text.value.len() {
            let span = text.span_of(end.saturating_sub(2)..end);
            assert_inside(&span);
            assert!(text.written.range().start <= span.range().start);
            assert!(span.range().end <= text.written.range().end);
        }
    }
    match &node.content {
        Content::List(items) => items.iter().for_each(assert_tree_inside),
        Content::Map(entries) => {
            for (key, value) in entries {
                assert_tree_inside(key);
                assert_tree_inside(value);
            }
        }
        _ => {}
    }
}

fn assert_harmless(text: &str) {
    let source = file(text);
    if let Some(root) = parse(&source).root {
        assert_tree_inside(&root);
        let schema = &SCHEMA;
        let complaints = schema.check(&root);
        let pruned = prune(&root, &complaints);
        let _ = pruned.map(|rest| derive::<Spec>(&rest).is_ok());
        let _ = derive::<Spec>(&root).is_ok();
    }
    for complaint in read::<Spec>(&SCHEMA, &source).complaints {
        let labels = complaint
            .primary
            .iter()
            .chain(complaint.secondary.as_deref());
        labels.for_each(|label| assert_inside(&label.span));
        for width in [0, 60] {
            let page = render(&complaint, false, width);
            let is_tame = |character: char| character == '\n' || !character.is_control();
            assert!(page.chars().all(is_tame), "{page:?}");
            assert!(!page.contains('\u{202e}'));
        }
        render(&complaint, true, WIDTH);
    }
}

/// The offsets of a text that was decoded by the parser are those of the decoding done again.
fn assert_found_again(text: &str) {
    let Some(root) = parse(&file(text)).root else {
        return;
    };
    let Some(value) = root.get("t").and_then(Text::of) else {
        return;
    };
    for (offset, character) in value
        .value
        .char_indices()
        .filter(|(_, character)| character.is_alphanumeric())
    {
        let span = value.span_of(offset..offset + character.len_utf8());
        assert!(
            span.slice().starts_with([character, '\\']),
            "{character} as {:?} in {text:?}",
            span.slice()
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_harmless(text in any::<String>()) {
        assert_harmless(&text);
    }

    #[test]
    fn anything_like_yaml_is_harmless(text in yaml_like()) {
        assert_harmless(&text);
    }

    #[test]
    fn a_scalar_is_found_again(
        style in prop::sample::select(vec![("t: ", ""), ("t: '", "'"), ("t: \"", "\""), ("t: |\n  ", "\n"), ("t: >\n  ", "\n")]),
        body in "([a-z你]|''|\\\\n| |  |\n  |\n   |\n\n  |\r\n  ){0,20}",
    ) {
        let (before, after) = style;
        assert_found_again(&format!("{before}{body}{after}"));
    }
}
