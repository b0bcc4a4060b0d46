//! One campaign's templates, compiled once and rendered for every target.

use super::Fault;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};
use std::fmt;
use std::io;

/// One template among a campaign's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateId(usize);

/// Longer templates are refused.
const TEXT_MAX: usize = 64 << 10;
/// Longer messages are refused.
const RENDERED_MAX: usize = 64 << 10;
/// Steps one rendering may take.
const FUEL: u64 = 100_000;

pub struct Templates {
    environment: Environment<'static>,
    texts: Vec<String>,
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
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true);
        if let Ok(syntax) = syntax.build() {
            environment.set_syntax(syntax);
        }
        Templates {
            environment,
            texts: Vec::new(),
        }
    }

    pub fn add(&mut self, text: &str) -> Result<TemplateId, Fault> {
        if text.len() > TEXT_MAX {
            let message = "a template may not be longer than 64 KiB".to_owned();
            return Err(Fault {
                message,
                range: None,
                undefined: None,
            });
        }
        let id = TemplateId(self.texts.len());
        self.environment
            .add_template_owned(name(id), text.to_owned())
            .map_err(|error| Fault::of(&error, text))?;
        self.texts.push(text.to_owned());
        Ok(id)
    }

    pub fn render(&self, id: TemplateId, context: &Value) -> Result<String, Fault> {
        let text = &self.texts[id.0];
        let render = || -> Result<Vec<u8>, Error> {
            let mut rendered = Bounded(Vec::new());
            self.environment
                .get_template(&name(id))?
                .render_captured_to(context.clone(), &mut rendered)?;
            Ok(rendered.0)
        };
        let rendered = render().map_err(|error| Fault::of(&error, text))?;
        Ok(String::from_utf8(rendered).expect("a template renders text"))
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Templates({})", self.texts.len())
    }
}

fn name(id: TemplateId) -> String {
    id.0.to_string()
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
    use minijinja::context;

    fn render(text: &str) -> Result<String, Fault> {
        let mut templates = Templates::new();
        let id = templates.add(text)?;
        let group = context! { city => "深圳", count => 3, tags => vec!["a"] };
        templates.render(id, &context! { bonus => 88, group => group, on => true })
    }

    #[test]
    fn text_and_numbers_print() {
        assert_eq!(
            render("Hi {{ group.city }}, {{ bonus + 1 }} <coins>").unwrap(),
            "Hi 深圳, 89 <coins>"
        );
    }

    #[test]
    fn a_missing_variable_is_an_error_at_its_place() {
        let text = "Hi {{ group.ctiy }}!";
        let fault = render(text).unwrap_err();
        assert_eq!(fault.undefined.as_deref(), Some("group.ctiy"), "{fault:?}");
        assert_eq!(&text[fault.range.unwrap()], "group.ctiy");
        assert!(
            render("{{ nobody }}")
                .unwrap_err()
                .message
                .contains("`nobody`")
        );
        assert!(render("{{ nobody.name }}").is_err());
    }

    #[test]
    fn what_is_no_text_does_not_print() {
        for text in ["{{ on }}", "{{ none }}", "{{ group }}", "{{ group.tags }}"] {
            assert!(
                render(text)
                    .unwrap_err()
                    .message
                    .contains("only text and numbers"),
                "{text}"
            );
        }
    }

    #[test]
    fn work_and_length_are_bounded() {
        let fault =
            render("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
                .unwrap_err();
        assert!(fault.message.contains("too much work"), "{fault:?}");
        let fault = render("{% for a in range(9000) %}0123456789{% endfor %}").unwrap_err();
        assert!(fault.message.contains("too long"), "{fault:?}");
        assert!(render(&"x".repeat(70_000)).is_err());
    }

    #[test]
    fn other_templates_and_the_context_are_out_of_reach() {
        for text in [
            "{% include 'x' %}",
            "{% import 'x' as y %}",
            "{{ debug() }}",
            "{% extends 'x' %}",
        ] {
            let fault = render(text).unwrap_err();
            assert!(!fault.message.contains("深圳"), "{text}: {fault:?}");
        }
    }
}
