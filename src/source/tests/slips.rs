//! What people read when the YAML is not what they think.

use super::*;

#[test]
fn an_unquoted_group() {
    assert_said(
        "name: a
groups: [@TGS#1, b]
",
        r#"error[unquoted]: a value that begins with `@` has to be quoted
 --> a.yaml:2:10
  |
2 | groups: [@TGS#1, b]
  |          ^^^^^^
  |
  = help: put it in quotes: `"@TGS#1"`
"#,
    );
}

#[test]
fn an_unquoted_cron() {
    assert_said(
        "cron: * * * * * # daily
",
        r#"error[unquoted]: a value that begins with `*` has to be quoted
 --> a.yaml:1:7
  |
1 | cron: * * * * * # daily
  |       ^^^^^^^^^
  |
  = help: put it in quotes: `"* * * * *"`
"#,
    );
}

#[test]
fn an_unquoted_cron_with_steps() {
    assert_said(
        "cron: */5 * * * *
",
        r#"error[unquoted]: a value that begins with `*` has to be quoted
 --> a.yaml:1:7
  |
1 | cron: */5 * * * *
  |       ^^^^^^^^^^^
  |
  = help: put it in quotes: `"*/5 * * * *"`
"#,
    );
}

#[test]
fn an_unquoted_template() {
    assert_said(
        "name: a
text: {{ x }}
",
        r#"error[unquoted]: a template that begins with `{{` has to be quoted
 --> a.yaml:2:7
  |
2 | text: {{ x }}
  |       ^^^^^^^
  |
  = help: put it in quotes: `"{{ x }}"`
"#,
    );
}

#[test]
fn an_unquoted_template_with_more_behind_it() {
    assert_said(
        "text: {{ x }} hello
",
        r#"error[unquoted]: a template that begins with `{{` has to be quoted
 --> a.yaml:1:7
  |
1 | text: {{ x }} hello
  |       ^^^^^^^^^^^^^
  |
  = help: put it in quotes: `"{{ x }} hello"`
"#,
    );
}

#[test]
fn an_unquoted_template_in_brackets() {
    assert_said(
        "send: {group_message: {text: {{ x }}}}
",
        r#"error[unquoted]: a template that begins with `{{` has to be quoted
 --> a.yaml:1:30
  |
1 | send: {group_message: {text: {{ x }}}}
  |                              ^^^^^^^
  |
  = help: put it in quotes: `"{{ x }}"`
"#,
    );
}

#[test]
fn a_full_width_colon() {
    assert_said(
        "name: a
rate：5
",
        "error[full-width-colon]: `：` is a full-width colon and separates nothing
 --> a.yaml:2:5
  |
2 | rate：5
  |     ^^
  |
  = help: write `:` and a space
",
    );
}

#[test]
fn a_full_width_colon_before_a_map_in_braces() {
    assert_said(
        "name: a
rate：{ a: 5 }
",
        "error[full-width-colon]: `：` is a full-width colon and separates nothing
 --> a.yaml:2:5
  |
2 | rate：{ a: 5 }
  |     ^^
  |
  = help: write `:` and a space
",
    );
}

#[test]
fn a_full_width_colon_in_the_first_line() {
    assert_said(
        "name：a
rate: 5
",
        "error[full-width-colon]: `：` is a full-width colon and separates nothing
 --> a.yaml:1:5
  |
1 | name：a
  |     ^^
  |
  = help: write `:` and a space
",
    );
}

#[test]
fn a_full_width_colon_in_a_text_is_no_slip() {
    assert_said(
        "name: 活动：a
b:1
",
        "error[yaml-syntax]: this does not fit here
 --> a.yaml:2:1
  |
2 | b:1
  | ^^^
  |
  = help: put a space behind the colon: `b: 1`
",
    );
}

#[test]
fn a_tab() {
    assert_said(
        "send:\n\tbroadcast: x\n",
        "error[tab]: tabs cannot indent
 --> a.yaml:2:1
  |
2 |     broadcast: x
  | ^^^^
  |
  = help: indent with spaces
",
    );
}

#[test]
fn a_tab_in_a_block() {
    assert_said(
        "send: |\n x\n\ty\n",
        "error[tab]: tabs cannot indent
 --> a.yaml:3:1
  |
3 |     y
  | ^^^^
  |
  = help: indent with spaces
",
    );
}

#[test]
fn no_space_behind_the_colon() {
    assert_said(
        "name:a
rate: 1
",
        "error[yaml-syntax]: the next line is read as a part of this text
 --> a.yaml:1:1
  |
1 | name:a
  | ^^^^^^
2 | rate: 1
  |     - so this colon separates nothing
  |
  = help: put a space behind the colon: `name: a`
",
    );
}

#[test]
fn a_second_colon() {
    assert_said(
        "text: hi: there
",
        "error[yaml-syntax]: a second `: ` on one line separates nothing
 --> a.yaml:1:9
  |
1 | text: hi: there
  |         ^
  |
  = help: put the whole value in quotes, or begin a new line
",
    );
}

#[test]
fn an_open_quote() {
    assert_said(
        r#"name: "a
rate: 1
"#,
        r#"error[yaml-syntax]: this quote is never closed
 --> a.yaml:1:7
  |
1 | name: "a
  |       ^
  |
  = help: write `"` at the end of the text; further lines of it have to be indented
"#,
    );
}

#[test]
fn a_quote_inside_quotes() {
    assert_said(
        "name: 'it's'
",
        "error[yaml-syntax]: the text has already ended before this
 --> a.yaml:1:11
  |
1 | name: 'it's'
  |           ^^
  |
  = help: write a quote inside single quotes twice: `''`
",
    );
}

#[test]
fn an_open_bracket() {
    assert_said(
        "members: [a, b
rate: 1
",
        "error[yaml-syntax]: this `[` is never closed
 --> a.yaml:1:10
  |
1 | members: [a, b
  |          ^
2 | rate: 1
  |     - this does not fit inside it
  |
  = help: write `]` at its end; a text that begins with `[` has to be quoted
",
    );
}

#[test]
fn an_unknown_escape() {
    assert_said(
        r#"name: "\d"
"#,
        r#"error[yaml-syntax]: this escape does not exist
 --> a.yaml:1:8
  |
1 | name: "\d"
  |        ^^
  |
  = help: write `\\` for a backslash, or put the text in single quotes
"#,
    );
}

#[test]
fn tags_and_merge_keys_are_refused_together() {
    assert_said(
        "name: !!str x
<<: { a: b }
",
        "error[tag]: tags are not used here, and `!!str` is one
 --> a.yaml:1:7
  |
1 | name: !!str x
  |       ^^^^^
  |
  = help: put a text that begins with `!` in quotes, or delete the tag

error[merge-key]: merge keys (`<<`) are not used here
 --> a.yaml:2:1
  |
2 | <<: { a: b }
  | ^^
  |
  = help: write the keys out, or repeat one whole value with an alias: `key: *name`
",
    );
}

#[test]
fn a_second_document() {
    assert_said(
        "name: a
---
name: b
",
        "error[second-document]: a file holds one document, and a second one begins here
 --> a.yaml:2:1
  |
2 | ---
  | ^^^
  |
  = help: delete the `---`, or move what follows into a file of its own
",
    );
}

#[test]
fn aliases_that_lead_nowhere() {
    assert_said(
        "a: &some 1
b: *sone
",
        "error[unknown-alias]: no value before this is named `&sone`
 --> a.yaml:2:4
  |
2 | b: *sone
  |    ^^^^^
  |
  = help: did you mean `*some`?
",
    );
}

#[test]
fn an_alias_inside_itself() {
    assert_said(
        "a: &some [*some]
",
        "error[alias-inside-itself]: `*some` stands inside the value it repeats
 --> a.yaml:1:11
  |
1 | a: &some [*some]
  |           ^^^^^
",
    );
}

#[test]
fn a_number_too_large() {
    assert_said(
        "rate: 99999999999999999999
",
        r#"error[number-out-of-range]: the number `99999999999999999999` is too large to be held
 --> a.yaml:1:7
  |
1 | rate: 99999999999999999999
  |       ^^^^^^^^^^^^^^^^^^^^
  |
  = help: if it is a name, put it in quotes: `"99999999999999999999"`
"#,
    );
}

#[test]
fn an_empty_file() {
    assert_said(
        "# nothing
",
        "error[empty-file]: the file is empty
 --> a.yaml:1:1
  |
1 | # nothing
  | ^
",
    );
}

#[test]
fn a_duplicate_key_and_a_syntax_error() {
    assert_said(
        "name: a
name: b
id: @TGS#1
",
        r#"error[duplicate-key]: the key `name` is given twice
 --> a.yaml:2:1
  |
1 | name: a
  | ---- first given here
2 | name: b
  | ^^^^ given again

error[unquoted]: a value that begins with `@` has to be quoted
 --> a.yaml:3:5
  |
3 | id: @TGS#1
  |     ^^^^^^
  |
  = help: put it in quotes: `"@TGS#1"`
"#,
    );
}

#[test]
fn an_unknown_escape_behind_known_ones() {
    assert_said(
        r#"name: "\\d\n\d"
"#,
        r#"error[yaml-syntax]: this escape does not exist
 --> a.yaml:1:13
  |
1 | name: "\\d\n\d"
  |             ^^
  |
  = help: write `\\` for a backslash, or put the text in single quotes
"#,
    );
}
