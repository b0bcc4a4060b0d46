//! A text without the slips that can be mended for certain.

use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Mend, Severity};
use super::node::Content;
use super::parse::parse;
use super::snippet::tamed;
use super::span::{Source, Span};
use super::words::literal;

/// A text is looked at no more often: a syntax error shows one slip at a time, and a file that has so many is not mended
/// by typing.
const LOOKS_MAX: usize = 200;

/// What a text came to.
#[derive(Debug)]
pub struct Mended {
    pub text: String,
    /// In the order of the text.
    pub made: Vec<Made>,
}

/// A mend that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub code: &'static str,
    pub line: usize,
    pub before: String,
    pub after: String,
    range: Range<usize>,
}

impl Made {
    /// What stood there, and what stands there now.
    pub fn told(&self) -> String {
        let [before, after] = [&self.before, &self.after].map(|text| literal(&tamed(text)));
        format!("{before} -> {after}")
    }
}

/// The text with every mend that holds. `look` says what is wrong with a text; after each mend it is asked again, and a
/// mend is taken back if it leaves an error in its place or brings more errors than there were. What a slip had hidden
/// counts for nothing there: it was wrong before.
pub fn mended(source: &Arc<Source>, look: impl Fn(&Arc<Source>) -> Vec<Diagnostic>) -> Mended {
    let mut state = State::of(source, Vec::new(), &look);
    // A text that can be read is not left as one that cannot.
    let is_read = state.is_read;
    let mut settled = (source.text.clone(), Vec::new());
    let mut looks = 1;
    let mut refused: Vec<Mend> = Vec::new();
    while looks < LOOKS_MAX {
        let open = state.mends().filter(|(_, mend)| !refused.contains(mend));
        let open: Vec<(&'static str, Mend)> = open.collect();
        let Some(first) = open.first() else { break };
        // All at once if they all hold, else one after the other.
        let groups = [open.as_slice(), std::slice::from_ref(first)];
        let mut tried = groups.iter().map(|mends| {
            looks += 1;
            state
                .with(mends, &look)
                .filter(|next| next.follows(&state, mends))
        });
        if let Some(next) = tried.find_map(|next| next) {
            state = next;
            refused.clear();
            if state.is_read || !is_read {
                settled = (state.source.text.clone(), state.made.clone());
            }
        } else {
            refused.push(first.1.clone());
        }
    }
    let (text, made) = settled;
    Mended { text, made }
}

/// A text, what is wrong with it, and what was mended in it.
struct State {
    source: Arc<Source>,
    /// Whether it is YAML with keys: else all behind the first slip is hidden.
    is_read: bool,
    complaints: Vec<Diagnostic>,
    made: Vec<Made>,
}

impl State {
    fn of(
        source: &Arc<Source>,
        made: Vec<Made>,
        look: &impl Fn(&Arc<Source>) -> Vec<Diagnostic>,
    ) -> State {
        State {
            source: Arc::clone(source),
            is_read: parse(source)
                .root
                .is_some_and(|root| matches!(root.content, Content::Map(_))),
            complaints: look(source),
            made,
        }
    }

    /// The mends of this very text, none over another.
    fn mends(&self) -> impl Iterator<Item = (&'static str, Mend)> {
        let mut found: Vec<(&'static str, Mend)> = Vec::new();
        for complaint in &self.complaints {
            let Some(mend) = complaint.mend.as_deref() else {
                continue;
            };
            let is_free = |(_, other): &(_, Mend)| !touch(&other.span.range(), &mend.span.range());
            if *mend.span.source() == self.source && found.iter().all(is_free) {
                found.push((complaint.code, mend.clone()));
            }
        }
        found.sort_by_key(|(_, mend)| mend.span.range().start);
        found.into_iter()
    }

    /// The text with these mends as well. They are in order.
    fn with(
        &self,
        mends: &[(&'static str, Mend)],
        look: &impl Fn(&Arc<Source>) -> Vec<Diagnostic>,
    ) -> Option<State> {
        let mut text = String::with_capacity(self.source.text.len());
        let mut made = self.made.clone();
        let mut end = 0;
        for (code, mend) in mends {
            let range = mend.span.range();
            text.push_str(self.source.text.get(end..range.start)?);
            let start = text.len();
            text.push_str(&mend.text);
            made.push(Made {
                code,
                line: mend.span.line(),
                before: mend.span.slice().to_owned(),
                after: mend.text.clone(),
                range: start..text.len(),
            });
            end = range.end;
        }
        text.push_str(self.source.text.get(end..)?);
        for earlier in &mut made[..self.made.len()] {
            earlier.range = moved(&earlier.range, mends);
        }
        made.sort_by_key(|made| made.range.start);
        let source = Source::new(self.source.path.as_str(), text);
        Some(State::of(&source, made, look))
    }

    /// Whether this is better than what was before these mends.
    fn follows(&self, before: &State, mends: &[(&'static str, Mend)]) -> bool {
        let is_mended = |known: &&Diagnostic| {
            let mend = known.mend.as_deref();
            mend.is_some_and(|mend| mends.iter().any(|(_, made)| made == mend))
        };
        let is_old = |error: &Diagnostic| {
            let mut others = before.complaints.iter().filter(|known| !is_mended(known));
            others.any(|known| known.code == error.code && known.message == error.message)
        };
        let is_at_a_mend = |error: &&Diagnostic| {
            let place = place(error);
            self.made.iter().any(|made| touch(&made.range, &place))
        };
        if self
            .errors()
            .filter(is_at_a_mend)
            .any(|error| !is_old(error))
        {
            return false;
        }
        if !before.is_read {
            // One after the other they come to light.
            let last = mends.iter().map(|(_, mend)| mend.span.range().start).max();
            let first = self.errors().map(|error| place(error).start).min();
            return self.is_read || first > last;
        }
        let hidden = mends.iter().filter_map(|(_, mend)| mend.hidden.as_ref());
        let hidden: Vec<Range<usize>> = hidden.map(Span::range).collect();
        let hidden_now: Vec<Range<usize>> =
            hidden.iter().map(|range| moved(range, mends)).collect();
        let allowed = if self.is_read {
            before.errors_outside(&hidden)
        } else {
            0
        };
        self.errors_outside(&hidden_now) <= allowed
    }

    fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        let is_error = |complaint: &&Diagnostic| complaint.severity == Severity::Error;
        self.complaints.iter().filter(is_error)
    }

    fn errors_outside(&self, hidden: &[Range<usize>]) -> usize {
        let is_hidden = |place: &Range<usize>| hidden.iter().any(|range| touch(range, place));
        let places = self.errors().map(place);
        places.filter(|place| !is_hidden(place)).count()
    }
}

fn place(complaint: &Diagnostic) -> Range<usize> {
    let label = complaint.primary.as_ref();
    label.map_or(0..0, |label| label.span.range())
}

/// Where a range is once the mends are made.
fn moved(range: &Range<usize>, mends: &[(&'static str, Mend)]) -> Range<usize> {
    let moved = |offset: usize| {
        let before = mends
            .iter()
            .filter(|(_, mend)| mend.span.range().end <= offset);
        before.fold(offset, |offset, (_, mend)| {
            offset + mend.text.len() - mend.span.slice().len()
        })
    };
    moved(range.start)..moved(range.end)
}

/// Whether two ranges share a byte, or begin at one.
fn touch(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start == other.start || (one.start < other.end && other.start < one.end)
}
