//! From a template's text to the program that renders it.
//!
//! minijinja compares text with numbers in silence, and bounds the steps of a template but not the texts it builds on
//! the way, nor how much a step looks at. So checks of ours stand before its operators (see [`super::operators`]), what goes
//! into a step is counted (see [`super::work`]), and the text between the tags is printed like any other value, through the
//! formatter that counts.

use super::work::NOT_CACHED;
use super::{operators, work};
use minijinja::machinery::{
    CodeGenerator, Instruction, Instructions, Span, Token, parse, parse_expr, tokenize,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Error, ErrorKind, Value};

/// What the machine executes.
pub(super) type Program<'a> = Instructions<'a>;

pub(super) fn template(source: &str, syntax: SyntaxConfig) -> Result<Program<'_>, Error> {
    check_chains(tokenize(source, false, syntax.clone()))?;
    let tree = parse(source, "", syntax)?;
    let mut code = CodeGenerator::new("", source);
    code.compile_stmt(&tree);
    Ok(checked(&code.finish().0))
}

pub(super) fn expression(source: &str) -> Result<Program<'_>, Error> {
    check_chains(tokenize(source, true, SyntaxConfig::default()))?;
    let tree = parse_expr(source)?;
    let mut code = CodeGenerator::new("", source);
    // Else errors have no place.
    code.set_line(1);
    code.compile_expr(&tree);
    Ok(checked(&code.finish().0))
}

/// Operators one behind the other: the parser makes a tree as deep of them, which is walked down in recursion, and bounds
/// only what stands inside brackets.
const CHAIN_MAX: usize = 200;

/// Each is as deep as all before it.
const ELIFS_MAX: usize = 200;

fn check_chains<'a>(
    tokens: impl Iterator<Item = Result<(Token<'a>, Span), Error>>,
) -> Result<(), Error> {
    let (mut chains, mut elifs) = (vec![0], 0);
    // What is no token is told by the parser.
    for (token, _) in tokens.map_while(Result::ok) {
        let Some(chain) = chains.last_mut() else {
            break;
        };
        match token {
            Token::TemplateData(_) | Token::Comma | Token::Colon => *chain = 0,
            Token::VariableEnd | Token::BlockEnd => chains = vec![0],
            Token::BracketClose | Token::ParenClose | Token::BraceClose => drop(chains.pop()),
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => {
                *chain += 1;
                chains.push(0);
            }
            Token::Ident("elif") => elifs += 1,
            other if !is_value(&other) => *chain += 1,
            _ => {}
        }
        let is_long = chains.last().is_some_and(|chain| *chain > CHAIN_MAX);
        if is_long || chains.len() > CHAIN_MAX {
            return Err(too_long(
                "an expression has more than 200 operators in a row",
            ));
        }
        if elifs > ELIFS_MAX {
            return Err(too_long(
                "there are more than 200 `elif`; write `by:` with `cases:`",
            ));
        }
    }
    Ok(())
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
    vec![
        Instruction::BuildList(Some(2)),
        Instruction::ApplyFilter(check, Some(1), NOT_CACHED),
        Instruction::UnpackList(2),
        Instruction::Swap,
        instruction.clone(),
    ]
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
