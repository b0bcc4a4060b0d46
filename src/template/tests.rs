//! Templates as their users meet them.

use super::program::NESTING_MAX;
use super::{Template, TemplateSpec, Templates};
use crate::containment::STACK_SIZE;
use crate::source::{Diagnostic, INTERNAL_ERROR, Schema, Source, Text, parse, read};
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

fn render(yaml: &str) -> Result<String, Diagnostic> {
    let source = Source::new("test.yaml", yaml);
    let text = Text::of(&parse(&source).root.unwrap()).unwrap();
    let mut templates = Templates::new();
    let template = Template::Plain(templates.add_text(&text)?);
    let group = context! { city => "深圳", count => 3, tags => vec!["a"] };
    templates.ready().render(
        &template,
        &context! { bonus => 88, group => group, on => true },
    )
}

fn place(diagnostic: &Diagnostic) -> &str {
    diagnostic.primary.as_ref().unwrap().span.slice()
}

#[test]
fn text_and_numbers_print() {
    let rendered = render("\"Hi {{ group.city }}, {{ bonus + 1 }} <coins>\"").unwrap();
    assert_eq!(rendered, "Hi 深圳, 89 <coins>");
}

#[test]
fn what_is_missing_is_no_null_and_is_named_before_a_filter() {
    for filter in ["tojson", "upper", "trim", "int"] {
        let found = render(&format!("\"Hi {{{{ group.ctiy | {filter} }}}}!\"")).unwrap_err();
        assert_eq!(found.message, "there is no variable `group.ctiy` here");
        assert_eq!(place(&found), "group.ctiy", "{filter}");
    }
    let inside = render("\"{{ {'a': [group.ctiy]} | tojson }}\"").unwrap_err();
    assert_eq!(inside.message, "a value that is used here is not defined");
    let json = render("\"{{ {'a': [none, group.city]} | tojson }}\"").unwrap();
    assert_eq!(json, "{\"a\":[null,\"深圳\"]}");
}

#[test]
fn text_is_asked_nothing_that_only_numbers_answer() {
    for expression in [
        "text is odd",
        "text is even",
        "text is divisibleby(2)",
        "bonus is divisibleby(bonus - 88)",
        "[text, bonus] | max == bonus",
        "[text, bonus] | min == bonus",
        "[text, bonus] | sort | first == bonus",
        "[text] | select('odd') | list",
        "bonus in text",
        "bonus in {text: 1}",
    ] {
        let template =
            format!("{{% set text = '188' ~ bonus %}}{{{{ 'a' if {expression} else 'b' }}}}");
        let found = render(&serde_json::to_string(&template).unwrap());
        assert_eq!(
            found.map_err(|found| found.code),
            Err("template"),
            "{expression}"
        );
    }
    let text = "\"{{ 'a' if bonus is even and bonus is divisibleby(2) and 'a' in 'ab' and [bonus, 1] | max == 88 else 'b' }}\"";
    assert_eq!(render(text).unwrap(), "a");
}

/// Each of these would be a tree too deep to be walked.
#[test]
fn operators_in_a_row_are_bounded() {
    for link in [
        "+1", ".a", "[0]", " and 1", "~1", "|d", "()", " is odd", "-1",
    ] {
        let text = format!("\"{{{{ bonus{} }}}}\"", link.repeat(60_000 / link.len()));
        let found = render(&text).unwrap_err();
        assert!(found.message.contains("200 operators in a row"), "{link}");
    }
    let elifs = "{% elif on %}b".repeat(4_000);
    let found = render(&format!("\"{{% if on %}}a{elifs}{{% endif %}}\"")).unwrap_err();
    assert!(found.message.contains("200 `elif`"), "{found:?}");
    let items = "bonus + 1, ".repeat(1_000);
    let text = format!(
        "\"{{{{ [{items}] | length }}}}{}\"",
        "{{ bonus|string }}".repeat(9)
    );
    assert!(render(&text).unwrap().starts_with("1000"));
}

#[test]
fn values_inside_values_are_looked_through_up_to_a_number() {
    let nested = "{% set a = [a, a] %}".repeat(40);
    for end in [
        "a == a",
        "a in [a]",
        "a | max == 1",
        "a | sort",
        "a | tojson",
    ] {
        let text = format!("{{% set a = [1] %}}{nested}{{{{ 'x' if {end} else 'y' }}}}");
        let found = render(&serde_json::to_string(&text).unwrap()).unwrap_err();
        assert_eq!(
            found.message,
            "the template does too much work for one message"
        );
    }
}

#[test]
fn a_missing_variable_is_an_error_where_it_was_typed() {
    for yaml in [
        "\"Hi\\n{{ group.ctiy }}!\"",
        "'It''s {{ group.ctiy }}!'",
        "|\n  Hi\n  {{ group.ctiy }}!\n",
    ] {
        let diagnostic = render(yaml).unwrap_err();
        assert_eq!(place(&diagnostic), "group.ctiy", "{yaml}");
        assert!(diagnostic.help.unwrap().contains("`group.city`"), "{yaml}");
    }
    assert!(
        render("\"{{ nobody }}\"")
            .unwrap_err()
            .message
            .contains("`nobody`")
    );
    assert!(render("\"{{ nobody.name }}\"").is_err());
}

#[test]
fn what_is_no_text_does_not_print() {
    for what in ["on", "none", "group", "group.tags"] {
        let diagnostic = render(&format!("\"{{{{ {what} }}}}\"")).unwrap_err();
        assert!(
            diagnostic.message.contains("only text and numbers"),
            "{what}"
        );
    }
}

#[test]
fn work_and_length_are_bounded() {
    let nested = "'{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}'";
    assert!(
        render(nested)
            .unwrap_err()
            .message
            .contains("too much work")
    );
    let long = "'{% for a in range(9000) %}0123456789{% endfor %}'";
    assert!(render(long).unwrap_err().message.contains("too long"));
    assert!(render(&"x".repeat(70_000)).is_err());
}

#[test]
fn nothing_makes_gigabytes_in_a_few_steps() {
    for what in [
        "{% set ns = namespace(x=1) %}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ 'a'|indent(1000000000) }}",
        "{{ 'x' * 1000000000 }}",
        "{{ ('1' * 60000)|number(2, group='a' * 60000) }}",
        "{{ range(1000000000000)|length }}",
    ] {
        assert!(render(&format!("\"{what}\"")).is_err(), "{what}");
    }
}

/// Each of these is a few thousand steps, and would go through hundreds of millions of values.
#[test]
fn what_a_step_looks_at_is_bounded() {
    for step in [
        "l|sort",
        "l|reverse",
        "l|sum",
        "l|max",
        "l|unique",
        "l|map('abs')|list",
        "l|join",
        "l|tojson",
        "l|select('odd')|list|length",
        "l|chain(l)",
        "l|zip(l)|list",
        "l|last",
        "l[1:]",
        "-1 in l",
        "l == l",
        "l is iterable",
        "[l, l]",
        "l|chain(*[l, l])",
        "s|upper",
        "s|split(' ')|length",
        "s == s",
        "s ~ 'a'",
        "s|replace('b', 'c')",
        "(l|chain(l))[1]",
    ] {
        let text = format!(
            "{{% set l = range(9999) %}}{{% set s = 'a ' * 30000 %}}{{% for a in range(1000) %}}\
             {{% set x = {step} %}}{{% endfor %}}"
        );
        let found = render(&serde_json::to_string(&text).unwrap()).unwrap_err();
        assert_eq!(
            found.message, "the template does too much work for one message",
            "{step}"
        );
    }
}

#[test]
fn lists_are_nested_only_so_deep() {
    let text = format!("{{% set a = [1] %}}{}", "{% set a = [a] %}".repeat(3_000));
    let found = render(&serde_json::to_string(&text).unwrap()).unwrap_err();
    assert_eq!(found.message, "lists are nested too deep here");
}

#[test]
fn other_templates_and_the_context_are_out_of_reach() {
    for what in [
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{{ debug() }}",
        "{% extends 'x' %}",
    ] {
        let diagnostic = render(&format!("\"{what}\"")).unwrap_err();
        assert!(!diagnostic.message.contains("深圳"), "{what}");
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Holder {
    text: Option<TemplateSpec>,
}

fn chosen(yaml: &str) -> Result<String, Vec<Diagnostic>> {
    let source = Source::new("test.yaml", yaml);
    let read = read::<Holder>(&Schema::of::<Holder>(), &source);
    if !read.complaints.is_empty() {
        return Err(read.complaints);
    }
    let mut templates = Templates::new();
    let template = templates.add(&read.spec.unwrap().text.unwrap())?;
    let group = context! { id => "g1", locale => "zh", count => "3", tags => vec!["a"] };
    let campaign = context! { name => "test" };
    let context = context! { group => group, campaign => campaign, vip => true };
    let rendered = templates.ready().render(&template, &context);
    rendered.map_err(|complaint| vec![complaint])
}

#[test]
fn a_text_is_chosen_by_a_value() {
    let by = |by: &str| {
        format!(
            "text:\n  by: {by}\n  cases: {{ zh: \"你好 {{{{ group.count }}}}\", 'true': \"yes\", no: \"Hei\" }}\n"
        )
    };
    assert_eq!(chosen(&by("group.locale")).unwrap(), "你好 3");
    assert_eq!(chosen(&by("vip")).unwrap(), "yes");
    assert_eq!(chosen(&by("\"'no'\"")).unwrap(), "Hei");
    let complaint = chosen(&by("group.count")).unwrap_err().remove(0);
    assert_eq!(
        (complaint.code, place(&complaint)),
        ("no-case", "group.count")
    );
    let otherwise = format!("{}  otherwise: \"hello\"\n", by("group.count"));
    assert_eq!(chosen(&otherwise).unwrap(), "hello");
    let wrong = "text: { by: \"group.\", cases: { a: \"{{ x\" }, else: \"\" }\n";
    assert_eq!(
        chosen(wrong).unwrap_err()[0].help.as_deref(),
        Some("known keys: `by`, `cases` and `otherwise`")
    );
}

#[test]
fn a_bucket_is_stable_and_divides_groups() {
    let bucket = chosen("text: \"{{ bucket(1000) }}\"").unwrap();
    assert_eq!(bucket, chosen("text: \"{{ bucket(1000) }}\"").unwrap());
    assert_eq!(chosen("text: \"{{ bucket(1) }}\"").unwrap(), "0");
}

#[test]
fn text_never_meets_a_number_in_silence() {
    for (expression, help) in [
        ("group.count > 5", "`group.count | int`"),
        ("5 < group.count", "`group.count | int`"),
        ("group.count == 3", "`group.count | int`"),
        ("1 < group.count < 5", "`group.count | int`"),
        ("group.count + 1", "`group.count | int`"),
        ("group.count * 2", "`group.count | int`"),
        ("group.count - 1", "`group.count | int`"),
        ("group.count in [1, 2, 3]", "`group.count | int`"),
        ("group.count == true", "== \"true\""),
    ] {
        let complaint = chosen(
            &format!("text: \"{{% if {expression} %}}x{{% endif %}}\"").replace("\"true\"", "true"),
        );
        let complaint = complaint.unwrap_err().remove(0);
        let given = complaint.help.as_deref().unwrap_or_default();
        assert!(given.contains(help), "{expression}: {complaint:?}");
        assert_eq!(place(&complaint), expression);
    }
    let counted = "text: \"{% for i in range(3) if i < group.count | int - 1 %}{{ i }}{% else %}-{% endfor %}!\"";
    assert_eq!(chosen(counted).unwrap(), "01!");
    let fine = "text: \"{{ (group.count | int + 1) ~ '/' ~ (2 if 'a' in group.tags else 0) }}\"";
    assert_eq!(chosen(fine).unwrap(), "4/2");
}

#[test]
fn dates_and_numbers_print_as_asked() {
    for (template, printed) in [
        (
            "'2026-11-11T09:00:00+08:00' | date('%d.%m.%Y %H:%M %z')",
            "11.11.2026 09:00 +0800",
        ),
        ("'2026-11-11' | date", "2026-11-11"),
        ("'2026-11-11 09:30' | date('%H:%M')", "09:30"),
        ("1234567 | number", "1,234,567"),
        ("'1234567.5' | number(2)", "1,234,567.50"),
        ("2.675 | number(2)", "2.68"),
        ("'999.999' | number(2)", "1,000.00"),
        ("'-0.4' | number(0)", "0"),
        ("-1234.5 | number(1, group='.', point=',')", "-1.234,5"),
        ("'a\"b' | tojson", "\"a\\\"b\""),
        ("[1, '深'] | tojson", "[1,\"深\"]"),
        ("['a', 1] | join('+')", "a+1"),
    ] {
        let yaml = format!("text: '{{{{ {} }}}}'", template.replace('\'', "''"));
        let rendered = chosen(&yaml.replace("\\\\", "\\"));
        assert_eq!(rendered.as_deref(), Ok(printed), "{template}");
    }
    for template in [
        "'soon' | date",
        "'2026-11-11' | date('%Q')",
        "'2026-11-11' | date('%z')",
        "'1e5' | number",
        "'' | number",
    ] {
        assert!(
            chosen(&format!("text: \"{{{{ {template} }}}}\"")).is_err(),
            "{template}"
        );
    }
}

#[test]
fn what_is_built_on_the_way_is_bounded() {
    let doubled = "{% set x = x ~ x %}".repeat(40);
    for built in [
        format!("{{% set x = '0123456789' %}}{doubled}"),
        format!("{{% set x = '0123456789' %}}{}", doubled.replace('~', "+")),
        format!("{{% set x = [1] %}}{}", doubled.replace('~', "+")),
        "{% set y = [1] %}{% set x = y * 1000000 %}".to_owned(),
        "{% set x = 'ab' | replace('', 'c') %}".to_owned(),
        "{% set x = range(9999) | join('0123456789') %}".to_owned(),
    ] {
        let complaint = chosen(&format!("text: \"{built}\"")).unwrap_err().remove(0);
        let is_bound =
            complaint.message.contains("too long") || complaint.message.contains("`replace`");
        assert!(is_bound, "{complaint:?}");
    }
}

#[test]
fn an_expression_points_to_its_operands() {
    let source = Source::new("test.yaml", "group.count > 5");
    let text = Text::of(&parse(&source).root.unwrap()).unwrap();
    let mut templates = Templates::new();
    let expression = templates.add_expression(&text).unwrap();
    let group = context! { count => "3" };
    let ready = templates.ready();
    let complaint = ready
        .holds(expression, &context! { group => group })
        .unwrap_err();
    assert!(
        complaint
            .help
            .clone()
            .unwrap_or_default()
            .contains("`group.count | int`"),
        "{complaint:?}"
    );
}

#[test]
fn what_only_prints_a_field_does_not_depend_on_it() {
    let printed = ["date", "time"];
    for (text, depends) in [
        (
            "on {{ occurrence.date }} at {{- occurrence.time -}}!",
            false,
        ),
        ("{{ group.city }} on {{ occurrence.date }}", false),
        ("on {{ occurrence.weekday }}", true),
        ("on {{ occurrence.date | date('%d') }}", true),
        ("{% if occurrence.date == '2026-11-11' %}x{% endif %}", true),
        (
            "{{ occurrence.date }}{% set d = occurrence %}{{ d.weekday }}",
            true,
        ),
        ("{{ occurrence.date ~ occurrence.time }}", true),
    ] {
        let source = Source::new("test.yaml", serde_json::to_string(text).unwrap());
        let written = Text::of(&parse(&source).root.unwrap()).unwrap();
        let mut templates = Templates::new();
        let template = Template::Plain(templates.add_text(&written).unwrap());
        let found = templates.depends(&template, "occurrence", &printed);
        assert_eq!(found, depends, "{text}");
    }
}

/// What a file nests as deep as it may has to leave most of the stack to everything else.
#[test]
fn deepest_templates_need_less_than_a_quarter_of_the_stack() {
    fn deepest(text: impl Fn(usize) -> String) -> usize {
        let can = |depth: &usize| {
            let source = Source::new("test.yaml", serde_json::to_string(&text(*depth)).unwrap());
            let text = Text::of(&parse(&source).root.unwrap()).unwrap();
            let mut templates = Templates::new();
            let added = templates.add_text(&text).map(Template::Plain);
            added
                .map(|text| templates.ready().render(&text, &context! {}))
                .is_ok()
        };
        (1..=NESTING_MAX + 1).rev().find(can).unwrap()
    }
    let work = || {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{1: ", "}"),
            ("-(", ")"),
            ("(-", ")"),
            ("(not ", ")"),
            ("-", ""),
            ("not ", ""),
            ("1 + ", ""),
            ("1 if 1 else ", ""),
            ("x[", "]"),
            ("x[1:", "]"),
            ("dict(a=", ")"),
            ("", " | string"),
            ("(1 if ", ")"),
        ] {
            let nested = |depth: usize| {
                let (open, close) = (open.repeat(depth), close.repeat(depth));
                format!("{{% if false %}}{{{{ {open}1{close} }}}}{{% endif %}}")
            };
            let depth = deepest(nested);
            assert!((20..=NESTING_MAX).contains(&depth), "{open}: {depth}");
        }
        for (open, close) in [
            ("{% if 1 %}", "{% endif %}"),
            ("{% if 0 %}{% elif 1 %}", "{% endif %}"),
            ("{% for a in [1] %}", "{% endfor %}"),
            ("{% with a = 1 %}", "{% endwith %}"),
            ("{% filter upper %}", "{% endfilter %}"),
            ("{% set a %}", "{% endset %}"),
        ] {
            let depth = deepest(|depth| open.repeat(depth) + &close.repeat(depth));
            assert!((20..=NESTING_MAX).contains(&depth), "{open}: {depth}");
        }
    };
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE / 4);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn panic_of_the_engine_is_shown_where_it_comes() {
    let text = "\"Hi {{ bonus }}{% for a in group.tags %}{{ a[:3:-1] }}{% endfor %}\"";
    let found = render(text).unwrap_err();
    assert_eq!(found.code, INTERNAL_ERROR);
    assert!(place(&found).contains("[:3:-1]"), "{}", place(&found));
    assert!(!place(&found).contains("bonus"), "{}", place(&found));
    assert!(super::is_runaway(&found));
}

#[test]
fn nesting_counts_blocks_and_brackets_together() {
    let nested = |blocks: usize, brackets: usize| {
        let (open, close) = ("(".repeat(brackets), ")".repeat(brackets));
        let text = format!("{{{{ {open}1{close} }}}}");
        let blocks = ("{% if 1 %}".repeat(blocks), "{% endif %}".repeat(blocks));
        render(&format!("\"{}{text}{}\"", blocks.0, blocks.1))
    };
    assert_eq!(nested(60, 40).unwrap(), "1");
    let found = nested(150, 60).unwrap_err();
    assert!(
        found.message.contains("nested more than 200 deep"),
        "{found:?}"
    );
    let ended = "{% if 1 %}{% set a %}x{% endset %}{% set b = 1 %}{% endif %}".repeat(300);
    assert_eq!(render(&format!("\"{ended}!\"")).unwrap(), "!");
}
