//! From events to the tree, within a budget, collecting what is wrong on the way.

use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span as Marks, StructureStyle, options};

use super::diagnostic::Diagnostic;
use super::node::{Content, Node, Style};
use super::scalar;
use super::slip;
use super::span::{Source, Span};
use super::tree::{MAX_DEPTH, Tree};
use super::words::literal;
use crate::containment::contained;

/// A larger file is refused unread: rows belong in CSV or JSON Lines.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// Past so many complaints about one file the rest is left unsaid.
pub(super) const MAX_COMPLAINTS: usize = 1_000;

/// What a text came to.
#[derive(Debug)]
pub struct Parsed {
    /// Absent if the complaints leave no tree that could be trusted; of equal keys it has the
    /// first.
    pub root: Option<Node>,
    pub complaints: Vec<Diagnostic>,
}

/// Reads one YAML document.
pub fn parse(source: &Arc<Source>) -> Parsed {
    if source.text.len() > MAX_BYTES {
        let message = "the file is larger than 1 MiB";
        let help = "move long lists into a CSV file";
        return refused(
            Diagnostic::error("too-large", &Span::beginning(source), message).help(help),
        );
    }
    contained(|| parsed(source)).unwrap_or_else(|panicked| {
        let message = "the file makes the parser of YAML fail";
        refused(Diagnostic::internal(
            &Span::beginning(source),
            message,
            &panicked,
        ))
    })
}

fn parsed(source: &Arc<Source>) -> Parsed {
    let mut reader = Reader {
        source,
        tree: Tree::new(source),
        documents: 0,
        last: slip::Seen::default(),
    };
    let parser_options = options! {
        emit_comments: false,
        emit_anchor_events: true,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH
    };
    for event in Parser::new_from_str_with_options(&source.text, parser_options) {
        let goes_on = match event {
            Ok((event, marks)) => reader.take(&event, &marks),
            Err(error) => {
                let diagnostic = slip::explain(source, &error, &reader.last);
                reader.tree.stopped_by(diagnostic);
                false
            }
        };
        if !goes_on {
            break;
        }
    }
    reader.finish()
}

fn refused(diagnostic: Diagnostic) -> Parsed {
    Parsed {
        root: None,
        complaints: vec![diagnostic],
    }
}

struct Reader<'s> {
    source: &'s Arc<Source>,
    tree: Tree<'s>,
    documents: usize,
    /// For the explanation of a syntax error.
    last: slip::Seen,
}

impl<'s> Reader<'s> {
    /// Whether to go on.
    fn take(&mut self, event: &Event<'s>, marks: &Marks) -> bool {
        let span = self.span(marks);
        if event.tag().is_some() {
            self.refuse_tag(marks);
        }
        match event {
            Event::DocumentStart(..) => return self.document(&span),
            Event::Scalar(value, style, anchor, _) => self.scalar(value, *style, *anchor, span),
            Event::SequenceStart(style, anchor, _) => {
                self.open(Content::List(Vec::new()), *style, *anchor, &span);
            }
            Event::MappingStart(style, anchor, _) => {
                self.open(Content::Map(Vec::new()), *style, *anchor, &span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.tree.close(&span),
            Event::Alias(anchor) => self.tree.alias(*anchor, &span),
            Event::Anchor(_, name) => self.last.anchors.push(name.clone().into_owned()),
            _ => {}
        }
        self.last.bracket = self.tree.open_bracket();
        !self.tree.is_over_budget()
    }

    fn span(&self, marks: &Marks) -> Span {
        Span::new(self.source, marks.byte_range().unwrap_or(0..0))
    }

    fn document(&mut self, span: &Span) -> bool {
        self.documents += 1;
        if self.documents > 1 {
            let message = "a file holds one document, and a second one begins here";
            let help = "delete the `---`, or move what follows into a file of its own";
            self.tree
                .complain(Diagnostic::error("second-document", span, message).help(help));
        }
        self.documents == 1
    }

    fn refuse_tag(&mut self, marks: &Marks) {
        let span = marks
            .tag_span()
            .map_or_else(|| self.span(marks), |tag| self.span(&tag));
        let message = format!(
            "tags are not used here, and {} is one",
            literal(span.slice())
        );
        let help = "put a text that begins with `!` in quotes, or delete the tag";
        self.tree
            .complain(Diagnostic::error("tag", &span, message).help(help));
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, anchor: usize, span: Span) {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let span = if matches!(style, Style::Literal | Style::Folded) {
            without_last_breaks(&span)
        } else {
            span
        };
        self.last.scalar = span.range();
        // The parser gives `~` for a value that is not there at all.
        let value = if style == Style::Plain && span.slice().is_empty() {
            ""
        } else {
            value
        };
        let content = if style != Style::Plain || self.tree.expects_key() {
            Content::Text(value.to_owned())
        } else {
            self.resolve(value, &span)
        };
        self.tree.add(
            Node {
                written: span.clone(),
                span,
                style,
                content,
            },
            anchor,
        );
    }

    fn resolve(&mut self, value: &str, span: &Span) -> Content {
        scalar::resolve(value).unwrap_or_else(|scalar::OutOfRange| {
            let message = format!("the number {} is too large to be held", literal(value));
            let help = format!("if it is a name, {}", slip::quoted(value));
            let diagnostic = Diagnostic::error("number-out-of-range", span, message);
            self.tree.complain(slip::quote(diagnostic, span).help(help));
            Content::Text(value.to_owned())
        })
    }

    fn open(&mut self, content: Content, style: StructureStyle, anchor: usize, span: &Span) {
        let style = match style {
            StructureStyle::Block => Style::Block,
            StructureStyle::Flow => Style::Flow,
        };
        self.tree.open(
            Node {
                span: span.clone(),
                written: span.clone(),
                style,
                content,
            },
            anchor,
        );
    }

    fn finish(self) -> Parsed {
        let mut parsed = self.tree.finish();
        let is_empty = parsed
            .root
            .as_ref()
            .is_none_or(|root| root.content == Content::Null);
        if is_empty && parsed.complaints.is_empty() {
            let diagnostic = Diagnostic::error(
                "empty-file",
                &Span::beginning(self.source),
                "the file is empty",
            );
            return refused(diagnostic);
        }
        parsed.complaints.truncate(MAX_COMPLAINTS);
        parsed
    }
}

/// The last line break of a block scalar, and what the parser counts in up to the next key, is no
/// part of its place.
fn without_last_breaks(span: &Span) -> Span {
    let length = span.slice().trim_end_matches(['\n', '\r', ' ']).len();
    span.part(0..length)
}
