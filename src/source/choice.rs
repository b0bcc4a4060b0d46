//! A value that fits none of several shapes: the complaint is about the shape that was probably
//! meant.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{JsonType, ValidationError};

use super::check::{Check, Hints};
use super::kinds::{self, choices_of};
use super::node::Step;

type Branch = [ValidationError<'static>];

impl Check<'_> {
    pub(super) fn alternatives(
        &mut self,
        branches: &[Vec<ValidationError<'static>>],
        path: Vec<Step>,
    ) {
        let here = |error: &ValidationError<'_>| {
            super::check::steps(self.root, error.instance_path().as_str()) == path
        };
        let is_other_type = |branch: &Branch| {
            branch
                .iter()
                .any(|error| here(error) && !types_of(error).is_empty())
        };
        let meant: Vec<&Branch> = branches
            .iter()
            .map(Vec::as_slice)
            .filter(|branch| !is_other_type(branch))
            .collect();
        if meant.is_empty() {
            let errors = branches.iter().flatten().filter(|error| here(error));
            let mut expected: Vec<JsonType> = Vec::new();
            for json_type in errors.flat_map(types_of) {
                if !expected.contains(&json_type) {
                    expected.push(json_type);
                }
            }
            return self.wrong_type(&expected, &Hints::default(), path);
        }
        let words = meant
            .iter()
            .map(|branch| words_in(branch))
            .collect::<Option<Vec<_>>>();
        if let Some(words) = words {
            return self.unknown_choice(&words.concat(), path);
        }
        // The fewer complaints, the nearer the shape.
        if let Some(nearest) = meant.into_iter().min_by_key(|branch| branch.len()) {
            for error in nearest {
                self.explain(error);
            }
        }
    }
}

/// The types that would have been right, also if the value is itself a choice of shapes.
fn types_of(error: &ValidationError<'_>) -> Vec<JsonType> {
    match error.kind() {
        ValidationErrorKind::Type { kind } => kinds::types_of(kind),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let types: Vec<_> = context
                .iter()
                .map(|branch| branch.iter().flat_map(types_of).collect())
                .collect();
            if types.iter().any(Vec::is_empty) {
                Vec::new()
            } else {
                types.concat()
            }
        }
        _ => Vec::new(),
    }
}

/// The words of a branch that is nothing but a list of words.
fn words_in(branch: &Branch) -> Option<Vec<String>> {
    match branch {
        [error] => match error.kind() {
            ValidationErrorKind::Enum { options } => Some(choices_of(options)),
            ValidationErrorKind::Constant { expected_value } => Some(choices_of(expected_value)),
            _ => None,
        },
        _ => None,
    }
}
