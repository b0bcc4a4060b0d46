//! `check --explain`: what a code means, at more length than a complaint has room for.

use super::arguments::{Check, CheckOutput};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use crate::source::nearest;
use serde_json::{Value, json};

const TEXT: &str = include_str!("explanations.md");

/// One code, why it is complained of, and an example of it done wrong and right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Explanation {
    pub(super) code: &'static str,
    pub(super) why: &'static str,
    pub(super) wrong: &'static str,
    pub(super) right: &'static str,
}

impl Explanation {
    fn json(&self) -> Value {
        json!({ "code": self.code, "why": self.why, "wrong": dedented(self.wrong), "right": dedented(self.right) })
    }

    /// The first sentence.
    pub(super) fn short(&self) -> &'static str {
        let first = self
            .why
            .split_once(". ")
            .map_or(self.why, |(first, _)| first);
        first.strip_suffix('.').unwrap_or(first)
    }

    pub(super) fn example(&self) -> String {
        format!("wrong:\n{}\nright:\n{}", self.wrong, self.right)
    }
}

/// In the order of the file.
pub(super) fn all() -> impl Iterator<Item = Explanation> {
    TEXT.split("## ").skip(1).filter_map(|section| {
        let (code, rest) = section.split_once('\n')?;
        let (why, rest) = rest.split_once("\nwrong:\n")?;
        let (wrong, right) = rest.split_once("\nright:\n")?;
        Some(Explanation {
            code,
            why,
            wrong,
            right: right.trim_end(),
        })
    })
}

pub(super) fn of(code: &str) -> Option<Explanation> {
    all().find(|each| each.code == code)
}

/// No code stands for all of them.
pub(super) fn explain(code: &str, options: &Check) -> Result<Exit, Failure> {
    let is_json = match options.output {
        CheckOutput::Text => false,
        CheckOutput::Json => true,
        CheckOutput::Github | CheckOutput::Sarif => {
            let text = "--explain is told as text or as JSON";
            return Err(Failure::new(Exit::Usage, text));
        }
    };
    if code.is_empty() {
        return list(is_json);
    }
    let Some(found) = of(code) else {
        return Err(no_such(code));
    };
    if is_json {
        print::result(&found.json().to_string())?;
    } else {
        let why = wrapped(found.why, print::width().min(100));
        print::result(&format!("{code}\n\n{why}\n\n{}", found.example()))?;
    }
    Ok(Exit::Success)
}

fn list(is_json: bool) -> Result<Exit, Failure> {
    if is_json {
        let codes: Vec<Value> = all().map(|each| each.json()).collect();
        print::result(&json!({ "codes": codes }).to_string())?;
        return Ok(Exit::Success);
    }
    let width = all().map(|each| each.code.len()).max().unwrap_or(0);
    for each in all() {
        let line = format!("{:<width$}  {}", each.code, each.short());
        if !print::told_below(&line, Some(width + 2))? {
            break;
        }
    }
    Ok(Exit::Success)
}

fn no_such(code: &str) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no code `{code}`"));
    match nearest(code, all().map(|each| each.code)) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help("`campanile check --explain` lists all of them"),
    }
}

fn dedented(example: &str) -> String {
    let lines = example
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let is_full = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width
        });
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Codes that reach a diagnostic through something else than a literal beside its constructor.
    const ELSEWHERE: [&str; 7] = [
        "given-twice",
        "no-messages",
        "no-group-column",
        "no-member-column",
        "template",
        "template-runaway",
        "undefined-variable",
    ];
    /// What makes a diagnostic of a code.
    const MAKERS: [&str; 5] = [
        "Diagnostic::error(",
        "Diagnostic::warning(",
        "Diagnostic::placeless(",
        "Failure::new(",
        ".complain(",
    ];

    fn collect(folder: &Path, texts: &mut Vec<String>) {
        #[expect(clippy::disallowed_methods, reason = "the sources are looked through")]
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !["tests", "sandbox"].contains(&name) {
                collect(&path, texts);
            } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests.rs" {
                #[expect(clippy::disallowed_methods, reason = "the sources are looked through")]
                let text = fs::read_to_string(&path).unwrap();
                let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
                texts.push(text[..end].to_owned());
            }
        }
    }

    /// A literal, or the constant that a name stands for.
    fn code(argument: &str, texts: &[String]) -> Option<String> {
        let argument = argument.trim_start();
        if let Some(literal) = argument.strip_prefix('"') {
            return literal.split('"').next().map(str::to_owned);
        }
        let name = argument
            .split([',', ')'])
            .next()?
            .rsplit("::")
            .next()?
            .trim();
        let is_constant = !name.is_empty()
            && name
                .chars()
                .all(|each| each.is_ascii_uppercase() || each == '_');
        let definition = format!("const {name}: &str = \"");
        let found = texts.iter().find_map(|text| text.split_once(&definition));
        let (_, rest) = found.filter(|_| is_constant)?;
        rest.split('"').next().map(str::to_owned)
    }

    fn used() -> BTreeSet<String> {
        let mut texts = Vec::new();
        collect(Path::new("src"), &mut texts);
        let mut used: BTreeSet<String> = ELSEWHERE.map(str::to_owned).into();
        for (text, maker) in texts
            .iter()
            .flat_map(|text| MAKERS.map(|maker| (text, maker)))
        {
            let calls = text
                .split(maker)
                .skip(1)
                .filter_map(|rest| code(rest, &texts));
            let is_code = |code: &String| {
                !code.is_empty()
                    && code
                        .chars()
                        .all(|each| each.is_ascii_lowercase() || each == '-')
            };
            used.extend(calls.filter(is_code));
        }
        used
    }

    #[test]
    fn every_code_is_explained_and_no_other() {
        let used = used();
        assert!(used.len() > 100, "the codes are found: {used:?}");
        let explained: BTreeSet<String> = all().map(|each| each.code.to_owned()).collect();
        let lacking: Vec<_> = used.difference(&explained).collect();
        assert!(lacking.is_empty(), "explanations.md lacks {lacking:?}");
        let stale: Vec<_> = explained.difference(&used).collect();
        assert!(
            stale.is_empty(),
            "explanations.md explains {stale:?}, which is used nowhere"
        );
    }

    #[test]
    fn every_explanation_is_whole_and_stands_once() {
        let codes: Vec<&str> = all().map(|each| each.code).collect();
        assert_eq!(codes.len(), TEXT.matches("## ").count());
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        for each in all() {
            assert!(each.why.ends_with('.') && each.why.len() > 30, "{each:?}");
            for example in [each.wrong, each.right] {
                let is_indented = |line: &str| line.starts_with("    ");
                assert!(
                    !example.is_empty() && example.lines().all(is_indented),
                    "{each:?}"
                );
            }
            assert_ne!(each.wrong, each.right, "{each:?}");
        }
    }
}
