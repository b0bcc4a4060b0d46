//! JSON with templates in its leaves: what a message is before anybody's values are in it.

use super::rule::Rule;
use crate::source::{
    Blame, Content, Diagnostic, Node, Premise, Source, Span, Spanned, Style, Text, TextOr,
};
use crate::template::{
    Ready, Template, TemplateSpec, Templates, Value, check_print, check_style, is_changed,
};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Shape {
    Text(Template),
    /// What an app reads and nobody else: any character will do.
    Data(Template),
    /// A value without templates.
    Fixed(Json),
    List(Vec<Shape>),
    Map(Vec<(String, Shape)>),
    /// JSON that travels as text inside JSON.
    Packed(Box<Shape>),
    /// Text that must be something once it is rendered.
    Checked(Template, Rule, Span),
}

impl Shape {
    /// A map of what is given; what is absent is not sent.
    pub fn map<const N: usize>(entries: [(&str, Option<Shape>); N]) -> Shape {
        let given = entries
            .into_iter()
            .filter_map(|(key, shape)| Some((key.to_owned(), shape?)));
        Shape::Map(given.collect())
    }

    pub fn fixed(value: impl Into<Json>) -> Shape {
        Shape::Fixed(value.into())
    }

    /// Whether any of its templates does more with this name at the top than print some of its fields.
    pub fn depends(&self, templates: &Templates, name: &str, printed: &[&str]) -> bool {
        match self {
            Shape::Text(template) | Shape::Data(template) | Shape::Checked(template, ..) => {
                templates.depends(template, name, printed)
            }
            Shape::Fixed(_) => false,
            Shape::List(items) => items
                .iter()
                .any(|item| item.depends(templates, name, printed)),
            Shape::Map(entries) => {
                let mut shapes = entries.iter().map(|(_, shape)| shape);
                shapes.any(|shape| shape.depends(templates, name, printed))
            }
            Shape::Packed(inner) => inner.depends(templates, name, printed),
        }
    }

    /// Every template in it, in order.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Shape::Text(template) | Shape::Data(template) | Shape::Checked(template, ..) => {
                vec![template]
            }
            Shape::Fixed(_) => Vec::new(),
            Shape::List(items) => items.iter().flat_map(Shape::templates).collect(),
            Shape::Map(entries) => {
                let shapes = entries.iter().map(|(_, shape)| shape);
                shapes.flat_map(Shape::templates).collect()
            }
            Shape::Packed(inner) => inner.templates(),
        }
    }

    pub fn render(&self, templates: &Ready<'_>, context: &Value) -> Result<Json, Diagnostic> {
        Ok(match self {
            Shape::Text(template) => Json::from(templates.render(template, context)?),
            Shape::Data(template) => Json::from(templates.render_data(template, context)?),
            Shape::Fixed(value) => value.clone(),
            Shape::List(items) => {
                let items = items.iter().map(|item| item.render(templates, context));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Shape::Map(entries) => {
                let mut map = Map::new();
                for (key, shape) in entries {
                    map.insert(key.clone(), shape.render(templates, context)?);
                }
                Json::Object(map)
            }
            Shape::Packed(inner) => Json::from(inner.render(templates, context)?.to_string()),
            Shape::Checked(template, rule, span) => {
                let text = templates.render(template, context)?;
                rule.check(&text, span)?;
                Json::from(text)
            }
        })
    }
}

impl Shape {
    /// Stands for a text that could not be read, so that the rest can be looked at. It is never sent.
    pub fn unread() -> Shape {
        Shape::fixed("?")
    }

    /// Every fault of a rendering that fails.
    pub fn faults(&self, templates: &Ready<'_>, context: &Value) -> Vec<Diagnostic> {
        let of_all = |shapes: &mut dyn Iterator<Item = &Shape>| {
            let found = shapes.flat_map(|shape| shape.faults(templates, context));
            found.collect()
        };
        match self {
            Shape::Text(template) => templates.faults(template, context),
            Shape::Data(template) => match templates.render_data(template, context) {
                Ok(_) => Vec::new(),
                Err(_) => templates.faults(template, context),
            },
            Shape::Fixed(_) => Vec::new(),
            Shape::List(items) => of_all(&mut items.iter()),
            Shape::Map(entries) => of_all(&mut entries.iter().map(|(_, shape)| shape)),
            Shape::Packed(inner) => inner.faults(templates, context),
            Shape::Checked(template, rule, span) => match templates.render(template, context) {
                Ok(text) => rule.check(&text, span).err().into_iter().collect(),
                Err(_) => templates.faults(template, context),
            },
        }
    }
}

/// What lowering needs at hand: the templates of the campaign and a place for complaints.
#[derive(Debug)]
pub struct Lowering<'a> {
    pub templates: &'a mut Templates,
    pub complaints: &'a mut Vec<Diagnostic>,
    /// The files that hold texts.
    pub texts: &'a Texts,
}

/// Files by their paths as written, or why they cannot be read.
pub type Texts = BTreeMap<String, Result<Arc<Source>, NotRead>>;

/// Why a file could not be read, and what to type instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRead {
    pub why: String,
    pub help: Option<String>,
    pub premise: Option<Premise>,
    pub blame: Blame,
}

impl Lowering<'_> {
    /// A text that is sent.
    pub fn text(&mut self, text: Option<&TemplateSpec>) -> Option<Shape> {
        self.template(text?).map(Shape::Text)
    }

    /// A text that is sent and stands in a file of its own.
    pub fn text_file(&mut self, path: &Spanned<String>) -> Option<Shape> {
        let complaint = match self.texts.get(path.as_str()) {
            Some(Ok(source)) => {
                let spec = TextOr::Text(Text::whole(source));
                return self.add(&spec).map(Shape::Text);
            }
            Some(Err(NotRead {
                why,
                help,
                premise,
                blame,
            })) => Diagnostic {
                help: help.clone(),
                premise: *premise,
                blame: *blame,
                ..Diagnostic::error("file", &path.span, why)
            },
            None => {
                let message = format!("`{}` was not read", path.value);
                Diagnostic::error("file", &path.span, message)
            }
        };
        self.complaints.push(complaint);
        None
    }

    /// A text that is sent and may be JSON.
    pub fn checked(&mut self, text: Option<&TemplateSpec>) -> Option<Shape> {
        let text = text?;
        let template = self.template(text)?;
        Some(Shape::Checked(template, Rule::Json, text.span()?))
    }

    /// An id or a word that is sent. YAML loses nothing of it where it stands unquoted, unless it has a space.
    pub fn word(&mut self, text: Option<&TemplateSpec>, rule: Rule) -> Option<Shape> {
        let text = text?;
        let is_word =
            |text: &&Text| text.style == Style::Plain && !text.value.contains(char::is_whitespace);
        let others = text.texts().filter(|text| !is_word(text));
        self.complaints.extend(others.filter_map(check_style));
        let template = self.add(text)?;
        Some(Shape::Checked(template, rule, text.span()?))
    }

    /// YAML that is sent as JSON inside a text, its texts being templates.
    pub fn packed(&mut self, node: Option<&Node>) -> Option<Shape> {
        Some(Shape::Packed(Box::new(self.verbatim(node?))))
    }

    /// Two spellings of one thing: a text, or YAML below the key with `_json` at its end.
    pub fn either(&mut self, text: Option<&TemplateSpec>, node: Option<&Node>) -> Option<Shape> {
        if let (Some(text), Some(node)) = (text, node) {
            let message = "this is given twice: as text and as `_json`";
            let complaint = Diagnostic::error("given-twice", &node.span, message).also(
                &text.span().unwrap_or_else(|| node.span.clone()),
                "the text is here",
            );
            self.complaints.push(complaint.help("keep one of them"));
            return None;
        }
        self.checked(text).or_else(|| self.packed(node))
    }

    /// YAML as it stands, its texts being templates.
    pub fn verbatim(&mut self, node: &Node) -> Shape {
        match &node.content {
            Content::Null => Shape::Fixed(Json::Null),
            Content::Boolean(value) => Shape::fixed(*value),
            Content::Integer(value) => {
                self.complaints
                    .extend(check_print(node, &value.to_string()).err());
                Shape::fixed(*value)
            }
            Content::Float(value) => Shape::fixed(*value),
            Content::Text(value) => {
                let text = Text::of(node);
                let changed = text.as_ref().filter(|text| is_changed(text));
                self.complaints.extend(changed.and_then(check_style));
                if !value.contains(['{', '}']) {
                    return Shape::fixed(value.as_str());
                }
                let text = text.and_then(|text| self.add(&TextOr::Text(text)));
                text.map_or(Shape::Fixed(Json::Null), Shape::Text)
            }
            Content::List(items) => {
                Shape::List(items.iter().map(|item| self.verbatim(item)).collect())
            }
            Content::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (key.text().unwrap_or_default().to_owned(), value));
                Shape::Map(
                    entries
                        .map(|(key, value)| (key, self.verbatim(value)))
                        .collect(),
                )
            }
        }
    }

    /// What YAML would change in silence must be quoted.
    fn template(&mut self, spec: &TemplateSpec) -> Option<Template> {
        self.complaints.extend(spec.texts().filter_map(check_style));
        self.add(spec)
    }

    fn add(&mut self, spec: &TemplateSpec) -> Option<Template> {
        let added = self.templates.add(spec);
        added.map_err(|found| self.complaints.extend(found)).ok()
    }
}
