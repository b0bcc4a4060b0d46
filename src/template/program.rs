//! From a template's text to the program that renders it.
//!
//! minijinja compares text with numbers in silence, and bounds the steps of a template but not the texts it builds on
//! the way, nor how much a step looks at. So checks of ours stand before its operators (see [`super::operators`]), what goes
//! into a step is counted (see [`super::work`]), and the text between the tags is printed like any other value, through the
//! formatter that counts.

use super::work::NOT_CACHED;
use super::{operators, work};
use minijinja::machinery::ast::Expr;
use minijinja::machinery::{
    CodeGenerator, Instruction, Instructions, Span, Token, parse, parse_expr, tokenize,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Error, ErrorKind, Value};

/// What the machine executes.
pub(super) type Program<'a> = Instructions<'a>;

pub(super) fn template(source: &str, syntax: SyntaxConfig) -> Result<Program<'_>, Error> {
    check_nesting(tokenize(source, false, syntax.clone()))?;
    let tree = parse(source, "", syntax)?;
    let mut code = CodeGenerator::new("", source);
    code.compile_stmt(&tree);
    Ok(checked(&code.finish().0))
}

pub(super) fn expression(source: &str) -> Result<Program<'_>, Error> {
    let tree = tree_of(source)?;
    let mut code = CodeGenerator::new("", source);
    // Else errors have no place.
    code.set_line(1);
    code.compile_expr(&tree);
    Ok(checked(&code.finish().0))
}

/// Parses an expression whose nesting is bounded.
pub(super) fn tree_of(source: &str) -> Result<Expr<'_>, Error> {
    check_nesting(tokenize(source, true, SyntaxConfig::default()))?;
    parse_expr(source)
}

/// Operators one behind the other in one pair of brackets: the parser makes a tree as deep of them, which is walked down
/// in recursion.
const CHAIN_MAX: usize = 200;

/// Blocks, brackets and operators inside each other, all counted together. The engine's parser bounds brackets and blocks
/// alone, and calls itself for each operator besides.
pub(super) const NESTING_MAX: usize = 200;

/// Each is as deep as all before it.
const ELIFS_MAX: usize = 200;

/// Statements that hold others up to their end. `set` is one where it has no `=`.
const BLOCKS: [&str; 5] = ["autoescape", "filter", "for", "if", "with"];

/// How deep the parser is inside a template.
struct Nesting {
    blocks: usize,
    elifs: usize,
    /// Operators so far in each open pair of brackets, of the tag itself first.
    chains: Vec<usize>,
    /// Where in a tag `{% .. %}` this is.
    statement: Statement,
}

/// What is known of the statement whose tag is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Statement {
    None,
    Begins,
    /// A `set` without `=` so far.
    Set,
}

/// Refuses a template that nests deeper than the stack allows, before the parser calls itself for any of it.
fn check_nesting<'a>(
    tokens: impl Iterator<Item = Result<(Token<'a>, Span), Error>>,
) -> Result<(), Error> {
    let mut nesting = Nesting {
        blocks: 0,
        elifs: 0,
        chains: vec![0],
        statement: Statement::None,
    };
    // What is no token is told by the parser.
    for (token, _) in tokens.map_while(Result::ok) {
        nesting.take(&token);
        nesting.check()?;
    }
    Ok(())
}

impl Nesting {
    fn take(&mut self, token: &Token<'_>) {
        match (self.statement, token) {
            (Statement::Begins, Token::Ident(name)) => return self.begin(name),
            (Statement::Set, Token::Assign) if self.chains.len() == 1 => {
                self.statement = Statement::None;
            }
            (Statement::Set, Token::BlockEnd) => self.blocks += 1,
            (Statement::None | Statement::Begins | Statement::Set, _) => {}
        }
        match token {
            Token::BlockStart => self.statement = Statement::Begins,
            Token::BlockEnd | Token::VariableEnd => {
                self.statement = Statement::None;
                self.chains = vec![0];
            }
            Token::BracketClose | Token::ParenClose | Token::BraceClose => {
                // The parser stops at one too many.
                let open = self.chains.len().saturating_sub(1);
                self.chains.truncate(open.max(1));
            }
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => {
                self.count_operator();
                self.chains.push(0);
            }
            Token::TemplateData(_) | Token::Comma | Token::Colon => {
                if let Some(chain) = self.chains.last_mut() {
                    *chain = 0;
                }
            }
            other if !is_value(other) => self.count_operator(),
            _ => {}
        }
    }

    fn begin(&mut self, name: &str) {
        self.statement = match name {
            "set" => Statement::Set,
            _ => Statement::None,
        };
        self.elifs += usize::from(name == "elif");
        self.blocks += usize::from(BLOCKS.contains(&name));
        if name.starts_with("end") {
            self.blocks = self.blocks.saturating_sub(1);
        }
    }

    fn count_operator(&mut self) {
        if let Some(chain) = self.chains.last_mut() {
            *chain += 1;
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.chains.iter().any(|chain| *chain > CHAIN_MAX) {
            return Err(too_long(
                "an expression has more than 200 operators in a row",
            ));
        }
        if self.blocks + self.chains.iter().sum::<usize>() > NESTING_MAX {
            return Err(too_long(
                "blocks, brackets and operators are nested more than 200 deep",
            ));
        }
        if self.elifs > ELIFS_MAX {
            return Err(too_long(
                "there are more than 200 `elif`; write `by:` with `cases:`",
            ));
        }
        Ok(())
    }
}

fn too_long(detail: &'static str) -> Error {
    Error::new(ErrorKind::SyntaxError, detail)
}

fn is_value(token: &Token<'_>) -> bool {
    match token {
        Token::Ident(word) => !WORDS.contains(word),
        Token::Str(_) | Token::String(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_) => {
            true
        }
        _ => matches!(token, Token::VariableStart | Token::BlockStart),
    }
}

/// Operators that are words.
const WORDS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];

/// The same program with checks before its operators and with our printing.
fn checked<'a>(plain: &Program<'a>) -> Program<'a> {
    let moved = places(plain);
    let mut program = Instructions::new(plain.name(), plain.source());
    for (at, instruction) in all(plain) {
        for instruction in expanded(instruction) {
            let instruction = relocated(instruction, &moved);
            match plain.get_span(at) {
                Some(span) => program.add_with_span(instruction, span),
                None => program.add(instruction),
            };
        }
    }
    program
}

/// An operator has its two values looked at first, a call all that it is given; text between tags is loaded and printed.
fn expanded<'a>(instruction: &Instruction<'a>) -> Vec<Instruction<'a>> {
    if let Instruction::EmitRaw(text) = instruction {
        return vec![
            Instruction::LoadConst(Value::from(*text)),
            Instruction::Emit,
        ];
    }
    let Some(check) = operators::check_of(instruction) else {
        let mut instructions = work::before(instruction);
        instructions.push(instruction.clone());
        instructions.extend(work::behind(instruction));
        return instructions;
    };
    let mut instructions = vec![
        Instruction::BuildList(Some(2)),
        Instruction::ApplyFilter(check, Some(1), NOT_CACHED),
        Instruction::UnpackList(2),
        Instruction::Swap,
        instruction.clone(),
    ];
    instructions.extend(work::behind(instruction));
    instructions
}

/// Where each instruction stands when those before it are expanded.
fn places(plain: &Program<'_>) -> Vec<u32> {
    // A jump may lead behind the last one.
    let mut moved = vec![0];
    for (_, instruction) in all(plain) {
        let here = moved.last().copied().unwrap_or(0);
        moved.push(here + u32::try_from(expanded(instruction).len()).unwrap_or(1));
    }
    moved
}

fn relocated<'a>(instruction: Instruction<'a>, moved: &[u32]) -> Instruction<'a> {
    let to = |target: u32| moved.get(target as usize).copied().unwrap_or(target);
    match instruction {
        Instruction::Iterate(target) => Instruction::Iterate(to(target)),
        Instruction::Jump(target) => Instruction::Jump(to(target)),
        Instruction::JumpIfFalse(target) => Instruction::JumpIfFalse(to(target)),
        Instruction::JumpIfFalseOrPop(target) => Instruction::JumpIfFalseOrPop(to(target)),
        Instruction::JumpIfTrueOrPop(target) => Instruction::JumpIfTrueOrPop(to(target)),
        other => other,
    }
}

fn all<'p, 'a>(program: &'p Program<'a>) -> impl Iterator<Item = (u32, &'p Instruction<'a>)> {
    (0..).map_while(|at| Some((at, program.get(at)?)))
}
