//! The checks change nothing where they find nothing: random templates render as with the engine alone.

use super::{Template, Templates};
use crate::source::{Source, Text};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..9_u8).prop_map(|digit| digit.to_string()),
        Just("n".to_owned()),
        Just("group.size".to_owned()),
        Just("(group.text | int)".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        (inner.clone(), "[-+*]", inner)
            .prop_map(|(one, sign, other)| format!("({one} {sign} {other})"))
    })
}

fn truth() -> impl Strategy<Value = String> {
    let signs = prop_oneof![
        Just("<"),
        Just("<="),
        Just("=="),
        Just("!="),
        Just(">"),
        Just(">=")
    ];
    let leaf = prop_oneof![
        (number(), signs, number()).prop_map(|(one, sign, other)| format!("{one} {sign} {other}")),
        (number(), number(), number()).prop_map(|(a, b, c)| format!("{a} < {b} <= {c}")),
        (number(), number()).prop_map(|(one, other)| format!("{one} in [1, 2, {other}]")),
        Just("group.text == '3'".to_owned()),
        Just("'z' not in group.text".to_owned()),
        Just("group.none is defined".to_owned()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} and {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} or {other})")),
            inner.prop_map(|one| format!("(not {one})")),
        ]
    })
}

fn template() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-z 深\n]{0,6}",
        number().prop_map(|number| format!("{{{{ {number} }}}}")),
        (number(), number()).prop_map(|(one, other)| format!("{{{{ {one} ~ '/' ~ {other} }}}}")),
        (truth(), number())
            .prop_map(|(when, number)| format!("{{{{ {number} if {when} else 'no' }}}}")),
        number().prop_map(|number| format!("{{% set n = {number} %}}")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let body = || prop::collection::vec(inner.clone(), 0..3).prop_map(|parts| parts.concat());
        prop_oneof![
            body(),
            (truth(), body(), truth(), body(), body()).prop_map(|(one, a, other, b, c)| format!(
                "{{% if {one} %}}{a}{{% elif {other} %}}{b}{{% else %}}{c}{{% endif %}}"
            )),
            (0..4_u8, truth(), body(), body()).prop_map(|(count, when, a, b)| format!(
                "{{% for n in range({count}) if {when} %}}{a}{{% else %}}{b}{{% endfor %}}"
            )),
            (number(), body())
                .prop_map(|(number, a)| format!("{{% with n = {number} %}}{a}{{% endwith %}}")),
            body().prop_map(|a| format!("{{% set t %}}{a}{{% endset %}}{{{{ t }}}}")),
            body().prop_map(|a| format!("{{% filter upper %}}{a}{{% endfilter %}}")),
        ]
    })
}

/// By the engine alone.
fn plain(source: &str, context: &minijinja::Value) -> Option<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build().unwrap());
    environment.render_str(source, context.clone()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn checks_change_nothing_where_they_find_nothing(source in template()) {
        let group = context! { size => 4, text => "3" };
        let context = context! { n => 2, group => group };
        let mut templates = Templates::new();
        let text = Text::whole(&Source::new("test", source.as_str()));
        let ours = templates.add_text(&text).ok().and_then(|plain| {
            templates.ready().render(&Template::Plain(plain), &context).ok()
        });
        prop_assert_eq!(ours, plain(&source, &context));
    }
}
