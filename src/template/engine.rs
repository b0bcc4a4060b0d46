//! One campaign's templates: read once, made ready once for each plan, rendered for every target.

use super::fault::Cost;
use super::operators::add_checks;
use super::printed::print;
use super::program::{self, Program};
use super::work::add_work;
use super::{ChosenSpec, Fault, TemplateSpec, add_filters};
use crate::source::{Diagnostic, Span, Text, TextOr, list_of};
use minijinja::machinery::{eval, make_string_output};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, Output, UndefinedBehavior, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

/// One template among a campaign's.
#[derive(Clone, Debug)]
pub enum Template {
    Plain(Plain),
    Chosen(Box<Chosen>),
}

/// A text among a campaign's.
#[derive(Clone, Copy, Debug)]
pub struct Plain(usize);

impl Plain {
    pub(super) fn at(self) -> usize {
        self.0
    }
}

/// An expression among a campaign's.
#[derive(Clone, Copy, Debug)]
pub struct Expression(usize);

impl Expression {
    pub(super) fn at(self) -> usize {
        self.0
    }
}

/// A text chosen by a value.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub(super) by: Expression,
    pub(super) cases: BTreeMap<String, Plain>,
    pub(super) otherwise: Option<Plain>,
}

/// One of the texts that a value chooses among.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The expression as it is written.
    pub by: String,
    /// `None`: the text for all other values.
    pub value: Option<String>,
}

/// Longer templates are refused.
const TEXT_MAX: usize = 64 << 10;
/// Steps one rendering may take.
const FUEL: u64 = 100_000;
/// Texts that are compiled once; of a campaign with more the others are compiled each time. The engine makes room for
/// hundreds of instructions however few there are, which for tens of thousands of texts would be a gigabyte.
const COMPILED_MAX: usize = 1_000;

pub struct Templates {
    environment: Environment<'static>,
    pub(super) texts: Vec<Known>,
}

/// A text that compiles.
pub(super) struct Known {
    pub(super) kind: Kind,
    pub(super) text: Text,
    /// The names at the top that it uses: `group`, `member`, `bonus`.
    pub(super) names: BTreeSet<String>,
}

impl Known {
    fn depends(&self, name: &str, printed: &[&str]) -> bool {
        self.names.contains(name)
            && match self.kind {
                Kind::Expression => true,
                Kind::Template => !only_prints(&self.text.value, name, printed),
            }
    }
}

/// Whether a name stands nowhere but in `{{ name.field }}` with one of these fields.
fn only_prints(text: &str, name: &str, printed: &[&str]) -> bool {
    let plain = |inside: &str| {
        let inside = inside.trim_matches(['-', '+']).trim();
        let field = inside
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'));
        field.is_some_and(|field| printed.contains(&field))
    };
    let mut pieces = text.split("{{");
    let before = pieces.next().unwrap_or_default();
    !before.contains(name)
        && pieces.all(|piece| match piece.split_once("}}") {
            Some((inside, behind)) => {
                !behind.contains(name) && (plain(inside) || !inside.contains(name))
            }
            None => false,
        })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Template,
    Expression,
}

/// What every campaign's templates may use.
fn bare() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(true);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(print);
    environment.set_syntax(syntax());
    add_checks(&mut environment);
    add_filters(&mut environment);
    add_work(&mut environment);
    environment
}

impl Templates {
    pub fn new() -> Templates {
        // What is the same for all is copied: of ten thousand campaigns each has an environment of its own.
        static BARE: LazyLock<Environment<'static>> = LazyLock::new(bare);
        Templates {
            environment: BARE.clone(),
            texts: Vec::new(),
        }
    }

    /// A text, or several to choose from.
    pub fn add(&mut self, spec: &TemplateSpec) -> Result<Template, Vec<Diagnostic>> {
        match spec {
            TextOr::Text(text) => {
                let plain = self.add_text(text);
                plain
                    .map(Template::Plain)
                    .map_err(|complaint| vec![complaint])
            }
            TextOr::Map(chosen) => self.add_chosen(chosen),
        }
    }

    pub fn add_text(&mut self, text: &Text) -> Result<Plain, Diagnostic> {
        self.take(Kind::Template, text).map(Plain)
    }

    pub fn add_expression(&mut self, text: &Text) -> Result<Expression, Diagnostic> {
        self.take(Kind::Expression, text).map(Expression)
    }

    fn add_chosen(&mut self, spec: &ChosenSpec) -> Result<Template, Vec<Diagnostic>> {
        let mut complaints = Vec::new();
        let by = spec.by.as_ref().map(|by| self.add_expression(by));
        let mut cases = BTreeMap::new();
        for (case, text) in spec.cases.iter().flat_map(|cases| cases.iter()) {
            match self.add_text(text) {
                Ok(plain) => drop(cases.insert(case.value.clone(), plain)),
                Err(complaint) => complaints.push(complaint),
            }
        }
        let otherwise = spec.otherwise.as_ref().map(|text| self.add_text(text));
        let otherwise = otherwise
            .transpose()
            .map_err(|complaint| complaints.push(complaint));
        match (by, otherwise) {
            (Some(Ok(by)), Ok(otherwise)) if complaints.is_empty() => {
                let chosen = Chosen {
                    by,
                    cases,
                    otherwise,
                };
                Ok(Template::Chosen(Box::new(chosen)))
            }
            (by, _) => {
                complaints.extend(by.and_then(Result::err));
                Err(complaints)
            }
        }
    }

    fn take(&mut self, kind: Kind, text: &Text) -> Result<usize, Diagnostic> {
        if text.len() > TEXT_MAX {
            let message = "a template may not be longer than 64 KiB";
            return Err(Diagnostic::error("template-too-long", &text.span, message));
        }
        let names = Fault::catch(text, || {
            compile(kind, text)?;
            Ok(names(&self.environment, kind, text))
        });
        self.texts.push(Known {
            kind,
            text: text.clone(),
            names: names.map_err(|fault| fault.diagnostic(text, None))?,
        });
        Ok(self.texts.len() - 1)
    }

    /// Whether a template does more with this name at the top than print some of its fields.
    pub fn depends(&self, template: &Template, name: &str, printed: &[&str]) -> bool {
        let uses = |at: usize| self.texts[at].depends(name, printed);
        match template {
            Template::Plain(plain) => uses(plain.0),
            Template::Chosen(chosen) => {
                let texts = chosen.cases.values().chain(&chosen.otherwise);
                uses(chosen.by.0) || texts.into_iter().any(|plain| uses(plain.0))
            }
        }
    }

    /// The names at the top that an expression uses.
    pub fn names_of(&self, expression: Expression) -> &BTreeSet<String> {
        &self.texts[expression.0].names
    }

    /// The texts that a template may choose; none where there is only one.
    pub fn cases(&self, template: &Template) -> Vec<Case> {
        let Template::Chosen(chosen) = template else {
            return Vec::new();
        };
        let values = chosen.cases.keys().cloned().map(Some);
        let values = values.chain(chosen.otherwise.map(|_| None));
        values.map(|value| self.case(chosen, value)).collect()
    }

    fn case(&self, chosen: &Chosen, value: Option<String>) -> Case {
        let by = self.texts[chosen.by.0].text.to_string();
        Case { by, value }
    }

    /// Compiles them, for a plan.
    pub fn ready(&self) -> Ready<'_> {
        let compiled = self.texts.iter().take(COMPILED_MAX);
        Ready {
            programs: compiled.map(Known::compiled).collect(),
            templates: self,
        }
    }
}

impl Known {
    fn compiled(&self) -> Program<'_> {
        compile(self.kind, &self.text).expect("what compiled when it was added compiles again")
    }
}

pub(super) fn compile(kind: Kind, text: &str) -> Result<Program<'_>, Error> {
    match kind {
        Kind::Template => program::template(text, syntax()),
        Kind::Expression => program::expression(text),
    }
}

fn names(environment: &Environment<'_>, kind: Kind, text: &Text) -> BTreeSet<String> {
    let found = match kind {
        Kind::Template => environment
            .template_from_str(text)
            .map(|template| template.undeclared_variables(false)),
        Kind::Expression => environment
            .compile_expression(text)
            .map(|expression| expression.undeclared_variables(false)),
    };
    found.unwrap_or_default().into_iter().collect()
}

fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    syntax.build().unwrap_or_default()
}

/// Renders a text that stands in no campaign, but goes by the rules of one.
pub(super) fn rendered(
    templates: &Templates,
    (kind, text): (Kind, &str),
    context: &Value,
) -> Result<(), Fault> {
    let program = Fault::catch(text, || compile(kind, text))?;
    let mut unused = String::new();
    let output = &mut make_string_output(&mut unused);
    evaluated(&templates.environment, &program, text, context, output).map(drop)
}

/// Evaluates a program of a text; a panic of the engine has the place in the text where it came.
fn evaluated(
    environment: &Environment<'_>,
    program: &Program<'_>,
    text: &str,
    context: &Value,
    output: &mut Output<'_>,
) -> Result<Option<Value>, Fault> {
    let done = try_evaluate(environment, program, text, context, output);
    match done {
        Err(fault) if fault.cost == Cost::Panic => Err(Fault {
            range: place_of_panic(environment, program, text, context),
            ..fault
        }),
        done => done,
    }
}

fn try_evaluate(
    environment: &Environment<'_>,
    program: &Program<'_>,
    text: &str,
    context: &Value,
    output: &mut Output<'_>,
) -> Result<Option<Value>, Fault> {
    // Templates have no blocks; the machine wants to be told.
    let (context, no_blocks) = (context.clone(), BTreeMap::new());
    let done = Fault::catch(text, || {
        eval(
            environment,
            program,
            context,
            &no_blocks,
            output,
            AutoEscape::None,
        )
    });
    done.map(|(value, _)| value)
}

/// Finds where the engine panics. Only its errors have places, so the fuel is found with which the evaluation ends with
/// an error right before the panic.
fn place_of_panic(
    environment: &Environment<'_>,
    program: &Program<'_>,
    text: &str,
    context: &Value,
) -> Option<Range<usize>> {
    let mut environment = environment.clone();
    let mut evaluate = |fuel: u64| {
        environment.set_fuel(Some(fuel));
        let mut unused = String::new();
        let output = &mut make_string_output(&mut unused);
        try_evaluate(&environment, program, text, context, output)
    };
    let (mut enough, mut too_little) = (FUEL, 0);
    while enough - too_little > 1 {
        let fuel = too_little.midpoint(enough);
        match evaluate(fuel) {
            Err(fault) if fault.cost == Cost::Panic => enough = fuel,
            Ok(_) | Err(_) => too_little = fuel,
        }
    }
    evaluate(too_little).err()?.range
}

/// The templates of a campaign, compiled.
pub struct Ready<'a> {
    pub(super) templates: &'a Templates,
    /// Of the first [`COMPILED_MAX`].
    programs: Vec<Program<'a>>,
}

impl Ready<'_> {
    /// A text for people.
    pub fn render(&self, template: &Template, context: &Value) -> Result<String, Diagnostic> {
        let plain = self.plain(template, context)?;
        let text = self.text(plain, context)?;
        match text.chars().find(|each| is_unsendable(*each)) {
            None => Ok(text),
            Some(found) => Err(control_character(found, self.span(plain.0))),
        }
    }

    /// The same for programs, who may be told any character.
    pub fn render_data(&self, template: &Template, context: &Value) -> Result<String, Diagnostic> {
        self.text(self.plain(template, context)?, context)
    }

    fn plain(&self, template: &Template, context: &Value) -> Result<Plain, Diagnostic> {
        match template {
            Template::Plain(plain) => Ok(*plain),
            Template::Chosen(chosen) => self.chosen(chosen, context),
        }
    }

    /// Which text is chosen; `None` where there is only one.
    pub fn case(&self, template: &Template, context: &Value) -> Option<Case> {
        let Template::Chosen(chosen) = template else {
            return None;
        };
        let value = name_of_case(&self.value(chosen.by, context).ok()?);
        let value = value.filter(|value| chosen.cases.contains_key(value));
        Some(self.templates.case(chosen, value))
    }

    pub(super) fn chosen(&self, chosen: &Chosen, context: &Value) -> Result<Plain, Diagnostic> {
        let case = name_of_case(&self.value(chosen.by, context)?);
        let found = case.and_then(|case| chosen.cases.get(&case).copied());
        found.or(chosen.otherwise).ok_or_else(|| {
            let cases: Vec<&str> = chosen.cases.keys().map(String::as_str).collect();
            let help = format!(
                "there are {}; add the case that is missing, or `otherwise`",
                list_of(&cases)
            );
            let message = "there is no case for the value that this has";
            Diagnostic::error("no-case", self.span(chosen.by.0), message).help(help)
        })
    }

    fn text(&self, plain: Plain, context: &Value) -> Result<String, Diagnostic> {
        let mut text = String::new();
        self.run(plain.0, context, &mut make_string_output(&mut text))?;
        Ok(text)
    }

    pub fn value(&self, expression: Expression, context: &Value) -> Result<Value, Diagnostic> {
        let mut unused = String::new();
        let value = self.run(expression.0, context, &mut make_string_output(&mut unused))?;
        Ok(value.unwrap_or_default())
    }

    /// What is true or false.
    pub fn holds(&self, expression: Expression, context: &Value) -> Result<bool, Diagnostic> {
        let value = self.value(expression, context)?;
        bool::try_from(value).map_err(|_| {
            let message = "this comes out neither true nor false";
            Diagnostic::error("no-condition", self.span(expression.0), message)
                .help("compare: `group.city == \"Shenzhen\"`, or ask `group.city is defined`")
        })
    }

    fn run(
        &self,
        at: usize,
        context: &Value,
        output: &mut Output<'_>,
    ) -> Result<Option<Value>, Diagnostic> {
        let text = &self.templates.texts[at].text;
        let mut evaluate = |program: &Program<'_>| {
            evaluated(&self.templates.environment, program, text, context, output)
        };
        let done = match self.programs.get(at) {
            Some(program) => evaluate(program),
            None => evaluate(&self.templates.texts[at].compiled()),
        };
        done.map_err(|fault| fault.diagnostic(text, Some(context)))
    }

    fn span(&self, at: usize) -> &Span {
        &self.templates.texts[at].text.span
    }
}

/// What no phone shows and no keyboard writes: binary data, or text that was read in a wrong encoding.
fn is_unsendable(each: char) -> bool {
    each.is_control() && !matches!(each, '\n' | '\r' | '\t')
}

fn control_character(found: char, span: &Span) -> Diagnostic {
    let number = u32::from(found);
    let message = format!("the text comes out with a control character in it (U+{number:04X})");
    let help = "delete it where it comes from: the text, a variable, or a cell of a file that is no UTF-8 text";
    Diagnostic::error("control-character", span, message).help(help)
}

/// As it is written below `cases`.
fn name_of_case(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::String | ValueKind::Number => Some(value.to_string()),
        ValueKind::Bool => Some(value.is_true().to_string()),
        _ => None,
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Templates({})", self.texts.len())
    }
}

impl fmt::Debug for Ready<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ready({})", self.programs.len())
    }
}
