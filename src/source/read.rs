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
use super::refusal::DUPLICATE_KEY;
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
    /// All of it, as it is written.
    pub tree: Option<Node>,
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
            tree: None,
        };
    };
    let found = schema.check(&tree);
    let is_all = found.len() < MAX_COMPLAINTS;
    let rest = if is_all { prune(&tree, &found) } else { None };
    let found = found.into_iter().map(|complaint| complaint.diagnostic);
    // What could not be read of a line leads to more in it.
    let told: HashSet<_> = complaints.iter().filter_map(line).collect();
    let found = found.filter(|complaint| line(complaint).is_none_or(|line| !told.contains(&line)));
    complaints.extend(found.collect::<Vec<_>>());
    let spec = rest.and_then(|rest| derive_what_can_be(rest, &mut complaints));
    complaints.sort_by_key(|complaint| complaint.primary.as_ref().map(start));
    Read {
        spec,
        complaints,
        tree: Some(tree),
    }
}

/// Where the line of a refusal begins; a key that is given twice changes nothing in its line.
fn line(complaint: &Diagnostic) -> Option<usize> {
    let label = complaint.primary.as_ref()?;
    (complaint.code != DUPLICATE_KEY).then(|| label.span.line_range().start)
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
