//! One campaign's templates, compiled once and rendered for every target.

use super::Fault;
use crate::source::{Diagnostic, Text};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};
use std::fmt;
use std::io;

/// One template among a campaign's, and where it was typed.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    text: Text,
}

/// Longer templates are refused.
const TEXT_MAX: usize = 64 << 10;
/// Longer messages are refused.
const RENDERED_MAX: usize = 64 << 10;
/// Steps one rendering may take.
const FUEL: u64 = 100_000;

pub struct Templates {
    environment: Environment<'static>,
    count: usize,
}

impl Templates {
    pub fn new() -> Templates {
        let mut environment = Environment::new();
        environment.set_debug(true);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(print);
        // Would print the whole context, which is customer data.
        environment.remove_global("debug");
        // Fuel counts steps, not bytes: these make gigabytes in a few steps.
        environment.remove_global("namespace");
        environment.remove_filter("format");
        environment.remove_filter("indent");
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true);
        if let Ok(syntax) = syntax.build() {
            environment.set_syntax(syntax);
        }
        Templates {
            environment,
            count: 0,
        }
    }

    pub fn add(&mut self, text: &Text) -> Result<Template, Diagnostic> {
        if text.len() > TEXT_MAX {
            let message = "a template may not be longer than 64 KiB";
            return Err(Diagnostic::error("template-too-long", &text.span, message));
        }
        let template = Template {
            name: self.count.to_string(),
            text: text.clone(),
        };
        self.count += 1;
        let added = self
            .environment
            .add_template_owned(template.name.clone(), text.value.clone());
        added.map_err(|error| Fault::of(&error, text).diagnostic(text, None))?;
        Ok(template)
    }

    pub fn render(&self, template: &Template, context: &Value) -> Result<String, Diagnostic> {
        let render = || -> Result<Vec<u8>, Error> {
            let mut rendered = Bounded(Vec::new());
            let compiled = self.environment.get_template(&template.name)?;
            compiled.render_captured_to(context.clone(), &mut rendered)?;
            Ok(rendered.0)
        };
        let text = &template.text;
        let rendered =
            render().map_err(|error| Fault::of(&error, text).diagnostic(text, Some(context)))?;
        Ok(String::from_utf8(rendered).expect("a template renders text"))
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Templates({})", self.count)
    }
}

/// Only text and numbers print.
fn print(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Undefined => {
            minijinja::escape_formatter(output, state, value)
        }
        kind => {
            let what = match kind {
                ValueKind::Bool => "true or false",
                ValueKind::None => "nothing",
                ValueKind::Seq | ValueKind::Iterable => "a list",
                ValueKind::Map => "a map",
                _ => "no text",
            };
            let detail = format!("only text and numbers print, and this is {what}");
            Err(Error::new(ErrorKind::InvalidOperation, detail))
        }
    }
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > RENDERED_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, parse};
    use minijinja::context;

    fn render(yaml: &str) -> Result<String, Diagnostic> {
        let source = Source::new("test.yaml", yaml);
        let text = Text::of(&parse(&source).root.unwrap()).unwrap();
        let mut templates = Templates::new();
        let template = templates.add(&text)?;
        let group = context! { city => "深圳", count => 3, tags => vec!["a"] };
        templates.render(
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
        let nested =
            "'{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}'";
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
        ] {
            assert!(render(&format!("\"{what}\"")).is_err(), "{what}");
        }
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
}
