//! The whole way from text to Spec, collecting every complaint.

use std::collections::HashSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::complaint::{MISSING_KEY, ONE_OF};
use super::derive::attempt;
use super::diagnostic::{Diagnostic, Label};
use super::node::Node;
use super::parse::{MAX_COMPLAINTS, Parsed, parse};
use super::prune::{prune, without};
use super::schema::Schema;
use super::span::Source;

/// serde finds one thing at a time; each is taken out and the rest is read again, so many times at
/// most.
const MAX_ROUNDS: usize = 64;

/// What a file came to.
#[derive(Debug)]
pub struct Read<T> {
    /// What could be made of it: without the values that were complained of, so use it only to find
    /// more to complain of unless there are no complaints.
    pub spec: Option<T>,
    pub complaints: Vec<Diagnostic>,
}

/// Parses, checks against the schema of `T`, and derives `T` from what is left.
pub fn read<T: DeserializeOwned>(schema: &Schema, source: &Arc<Source>) -> Read<T> {
    read_parsed(schema, parse(source))
}

/// The same for a tree that was parsed before, and perhaps changed since.
pub fn read_parsed<T: DeserializeOwned>(schema: &Schema, parsed: Parsed) -> Read<T> {
    let Parsed {
        root,
        mut complaints,
    } = parsed;
    let Some(tree) = root else {
        return Read {
            spec: None,
            complaints,
        };
    };
    let found = schema.check(&tree);
    let is_all = found.len() < MAX_COMPLAINTS;
    let rest = if is_all { prune(&tree, &found) } else { None };
    complaints.extend(found.into_iter().map(|complaint| complaint.diagnostic));
    let spec = rest.and_then(|rest| derive_what_can_be(rest, &mut complaints));
    complaints.sort_by_key(|complaint| complaint.primary.as_ref().map(start));
    Read { spec, complaints }
}

fn start(label: &Label) -> usize {
    label.span.range().start
}

fn derive_what_can_be<T: DeserializeOwned>(
    mut rest: Node,
    complaints: &mut Vec<Diagnostic>,
) -> Option<T> {
    for _ in 0..MAX_ROUNDS {
        let failure = match attempt(&rest) {
            Ok(spec) => return Some(spec),
            Err(failure) => failure,
        };
        // The schema knows what has to be there: it has said so, or the key was pruned for what was
        // said about it.
        let is_lack = [MISSING_KEY, ONE_OF].contains(&failure.code);
        let is_echo = is_lack && !complaints.is_empty();
        let path = failure.path();
        if !is_echo {
            complaints.push(failure.into_diagnostic(&rest));
        }
        rest = without(&rest, &HashSet::from([path.as_slice()]))?;
    }
    None
}
