//! What people read when the tree does not fit its schema.

use super::*;

#[test]
fn two_typos_are_both_reported() {
    assert_said(
        r#"naem: a
rate: fast
send:
  brodcast: { text: "x" }
"#,
        r#"error[unknown-key]: unknown key `naem`
 --> a.yaml:1:1
  |
1 | naem: a
  | ^^^^
  |
  = help: did you mean `name`? known keys: `enabled`, `groups`, `labels`, `members`, `name`, `pace`, `priority`, `rate`, `send` and `variables`

error[wrong-type]: expected a whole number for `rate`, found text
 --> a.yaml:2:7
  |
2 | rate: fast
  |       ^^^^

error[unknown-key]: unknown key `brodcast`
 --> a.yaml:4:3
  |
4 |   brodcast: { text: "x" }
  |   ^^^^^^^^
  |
  = help: did you mean `broadcast`? known keys: `broadcast` and `group_message`
"#,
    );
}

#[test]
fn values_out_of_bounds() {
    assert_said(
        "name: A B
rate: 500
priority: hihg
",
        "error[bad-value]: a name has a-z, 0-9 and `-`
 --> a.yaml:1:7
  |
1 | name: A B
  |       ^^^

error[bad-value]: `rate` must be at most 200
 --> a.yaml:2:7
  |
2 | rate: 500
  |       ^^^

error[unknown-choice]: `hihg` is not one of the choices
 --> a.yaml:3:11
  |
3 | priority: hihg
  |           ^^^^
  |
  = help: did you mean `high`? choices: `high` and `low`
",
    );
}

#[test]
fn booleans_and_numbers_are_not_converted() {
    assert_said(
        r#"name: a
enabled: yes
rate: "5"
members: [1, b]
"#,
        r#"error[wrong-type]: expected `true` or `false` for `enabled`, found text
 --> a.yaml:2:10
  |
2 | enabled: yes
  |          ^^^
  |
  = help: write `true`

error[wrong-type]: expected a whole number for `rate`, found text
 --> a.yaml:3:7
  |
3 | rate: "5"
  |       ^^^
  |
  = help: write it without quotes: `5`

error[wrong-type]: expected text in `members`, found a number
 --> a.yaml:4:11
  |
4 | members: [1, b]
  |           ^
  |
  = help: put it in quotes: `"1"`
"#,
    );
}

#[test]
fn fractions_are_no_whole_numbers() {
    assert_said(
        "name: a
rate: 2.5
",
        "error[wrong-type]: expected a whole number for `rate`, found a fraction
 --> a.yaml:2:7
  |
2 | rate: 2.5
  |       ^^^
",
    );
}

#[test]
fn a_short_form_is_judged_by_its_shape() {
    assert_said(
        "name: a
groups:
  - [x]
  - id: 5
  - typ: public
    id: b
",
        r#"error[wrong-type]: expected text or a map in `groups`, found a list
 --> a.yaml:3:5
  |
3 |   - [x]
  |     ^^^

error[wrong-type]: expected text for `id`, found a number
 --> a.yaml:4:9
  |
4 |   - id: 5
  |         ^
  |
  = help: put it in quotes: `"5"`

error[unknown-key]: unknown key `typ`
 --> a.yaml:5:5
  |
5 |   - typ: public
  |     ^^^
  |
  = help: did you mean `type`? known keys: `id` and `type`
"#,
    );
}

#[test]
fn lists_and_maps_are_not_confused() {
    assert_said(
        "name: a
members:
  a: b
send: group_message
groups: x
",
        "error[wrong-type]: expected a list for `members`, found a map
 --> a.yaml:2:1
  |
2 | members:
  | ^^^^^^^
  |
  = help: begin each item with `- `

error[wrong-type]: expected a map for `send`, found text
 --> a.yaml:4:7
  |
4 | send: group_message
  |       ^^^^^^^^^^^^^
  |
  = help: known keys: `broadcast` and `group_message`

error[wrong-type]: expected a list for `groups`, found text
 --> a.yaml:5:9
  |
5 | groups: x
  |         ^
  |
  = help: write a list: `[x]`
",
    );
}

#[test]
fn a_choice_needs_exactly_one_key() {
    assert_said(
        "name: a
pace: {}
send: { broadcast: { text: a }, group_message: { text: b } }
",
        "error[one-of]: one of `at` or `every` is needed in `pace`
 --> a.yaml:2:7
  |
2 | pace: {}
  |       ^^

error[one-of]: exactly one of `broadcast` and `group_message` is allowed in `send`, found 2
 --> a.yaml:3:33
  |
3 | send: { broadcast: { text: a }, group_message: { text: b } }
  |                                 ^^^^^^^^^^^^^
  |         --------- already given here
  |
  = help: keep one of them, such as `broadcast`
",
    );
}

#[test]
fn a_missing_key_is_shown_where_it_could_be() {
    assert_said(
        "rate: 5
send:
  broadcast:
    mention: []
",
        "error[missing-key]: the key `name` is missing
 --> a.yaml:1:1
  |
1 | rate: 5
  | ^^^^
  |
  = help: add `name: ...` here

error[missing-key]: the key `text` is missing
 --> a.yaml:3:3
  |
3 |   broadcast:
  |   ^^^^^^^^^
  |
  = help: add `text: ...` here
",
    );
}

#[test]
fn a_key_without_a_value() {
    assert_said(
        "name: a
labels:
pace: ~
",
        "error[no-value]: `labels` has no value
 --> a.yaml:2:1
  |
2 | labels:
  | ^^^^^^
  |
  = help: give it a value, or delete the key

error[no-value]: `pace` has no value
 --> a.yaml:3:1
  |
3 | pace: ~
  | ^^^^
  |
  = help: give it a value, or delete the key
",
    );
}

#[test]
fn duplicate_keys_are_shown_twice() {
    assert_said(
        "name: a
rate: 1
priority: high
enabled: true
rate: 2
",
        "error[duplicate-key]: the key `rate` is given twice
 --> a.yaml:5:1
  |
2 | rate: 1
  | ---- first given here
...
5 | rate: 2
  | ^^^^ given again
",
    );
}

#[test]
fn wide_characters_and_tabs_keep_the_caret_in_place() {
    assert_said(
        "name: a\nlabels: { 活动: 春节,\té\u{301}: 1 }\n",
        r#"error[wrong-type]: expected text for `é́`, found a number
 --> a.yaml:2:23
  |
2 | labels: { 活动: 春节,    é́: 1 }
  |                             ^
  |
  = help: put it in quotes: `"1"`
"#,
    );
}

#[test]
fn nothing_in_a_file_moves_the_cursor() {
    assert_said(
        "name: a\n\"r\u{202e}ate\": 1\n",
        r#"error[unknown-key]: unknown key `r�ate`
 --> a.yaml:2:1
  |
2 | "r�ate": 1
  | ^^^^^^^
  |
  = help: did you mean `rate`? known keys: `enabled`, `groups`, `labels`, `members`, `name`, `pace`, `priority`, `rate`, `send` and `variables`
"#,
    );
}

#[test]
fn long_lines_are_cut_around_the_caret() {
    assert_said(
"name: a
labels: { first: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, second: 5, third: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb }
",
r#"error[wrong-type]: expected text for `second`, found a number
 --> a.yaml:2:103
  |
2 | …aaaaaaaaaa, second: 5, third: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
  |                      ^
  |
  = help: put it in quotes: `"5"`
"#,
);
}

#[test]
fn only_a_full_width_colon() {
    assert_said(
        "name：a
",
        "error[wrong-type]: expected a map, found text
 --> a.yaml:1:1
  |
1 | name：a
  | ^^^^^^^
  |
  = help: write `:` and a space instead of the full-width `：`
",
    );
}

#[test]
fn colour_only_adds_to_what_is_said() {
    let complaint = read_spec("name: a\nrate: 500\n").complaints.remove(0);
    let expected = "\u{1b}[1;31merror[bad-value]\u{1b}[0m\u{1b}[1m: `rate` must be at most 200\u{1b}[0m\n\
         \u{1b}[1;34m -->\u{1b}[0m a.yaml:2:7\n\
         \u{1b}[1;34m  |\u{1b}[0m\n\
         \u{1b}[1;34m2 |\u{1b}[0m rate: 500\n\
         \u{1b}[1;34m  |\u{1b}[0m       \u{1b}[1;31m^^^\u{1b}[0m\n";
    assert_eq!(render(&complaint, true, WIDTH), expected);
}

#[test]
fn a_complaint_may_have_no_place_or_two_files() {
    let missing = Diagnostic::placeless("no-file", "there is no file `x.csv`").help("create it");
    assert_eq!(
        render(&missing, false, WIDTH),
        "error[no-file]: there is no file `x.csv`\n  = help: create it\n"
    );
    let other = Source::excerpt("b.csv", "row", 120);
    let here = Span::new(&file("name: a\n"), 6..7);
    let two = Diagnostic::warning("same-name", &here, "`a` is used twice")
        .also(&Span::new(&other, 0..3), "and here");
    let expected = "warning[same-name]: `a` is used twice
   --> a.yaml:1:7
    |
  1 | name: a
    |       ^
   ::: b.csv:120:1
    |
120 | row
    | --- and here
";
    assert_eq!(render(&two, false, WIDTH), expected);
}
