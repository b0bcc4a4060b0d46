//! What calls with a `MsgBody` share: its text or elements, its size, what people read of it.

use super::Rendered;
use crate::message::{
    ElementSpec, Lowering, SIZE_MAX, SIZE_SAFE, Shape, has_custom_twice, text_element,
};
use crate::source::{Diagnostic, Span, Spanned, plural};
use crate::template::TemplateSpec;
use serde_json::Value as Json;

/// Three spellings of one thing, exactly one given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    pub(super) text: Option<&'a TemplateSpec>,
    pub(super) text_file: Option<&'a Spanned<String>>,
    pub(super) elements: Option<&'a [ElementSpec]>,
    /// Where the message stands, for what is wrong with all of it.
    pub(super) place: &'a Span,
}

impl Written<'_> {
    /// The text or the elements, for what is wrong with what comes out of them.
    pub(super) fn span(&self) -> Span {
        let text = self.text.and_then(TemplateSpec::span);
        let file = || Some(self.text_file?.span.clone());
        text.or_else(file).unwrap_or_else(|| self.place.clone())
    }

    /// `MsgBody`.
    pub(super) fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        if let (None, None, Some(elements)) = (self.text, self.text_file, self.elements) {
            return self.lower_elements(elements, lowering);
        }
        let text = self.lower_text(lowering, "`elements`");
        if let (Some(_), Some(elements)) = (self.text, self.elements) {
            // Only one may stay, and both are looked through.
            self.lower_elements(elements, lowering);
        }
        Shape::List(vec![text_element(text)])
    }

    /// A text of its own or in a file. One that cannot be read leaves the rest to be looked at.
    pub(super) fn lower_text(&self, lowering: &mut Lowering<'_>, or: &str) -> Shape {
        let text = lowering.text(self.text);
        let text = text.or_else(|| lowering.text_file(self.text_file?));
        let place = |given: Option<Span>| given.unwrap_or_else(|| self.place.clone());
        let first = place(self.text.and_then(TemplateSpec::span));
        let complaint = match (self.text, self.text_file, self.elements) {
            (Some(_), None, None) | (None, Some(_), None) => None,
            (None, None, _) => {
                let message = format!("the message has neither `text` nor {or}");
                let complaint = Diagnostic::error("no-text", self.place, message);
                Some(complaint.help("write `text: \"...\"`"))
            }
            (Some(_), None, Some(_)) => {
                let message =
                    "`text` is short for one text element, and `elements` are given as well";
                let complaint = Diagnostic::error("given-twice", &first, message);
                Some(complaint.help("move the text into `elements`: `- text: \"...\"`"))
            }
            (_, Some(file), _) => {
                let message = "`text_file` is given, and so is another spelling of the message";
                let complaint = Diagnostic::error("given-twice", &file.span, message);
                let complaint = match self.text {
                    Some(_) => complaint.also(&first, "the text is here"),
                    None => complaint,
                };
                Some(complaint.help("keep one of them"))
            }
        };
        lowering.complaints.extend(complaint);
        text.unwrap_or_else(Shape::unread)
    }

    fn lower_elements(&self, elements: &[ElementSpec], lowering: &mut Lowering<'_>) -> Shape {
        if has_custom_twice(elements) {
            let message = "a message has at most one custom element, and this has more";
            let complaint = Diagnostic::error("custom-twice", self.place, message);
            lowering
                .complaints
                .push(complaint.help("put both into one, as a list in its `data_json`"));
        }
        let elements = elements.iter().map(|element| element.lower(lowering));
        Shape::List(elements.collect())
    }
}

/// The rendered call with its size, if the vendor takes it.
pub(super) fn sized(request: &Json, span: &Span) -> Result<Rendered, Diagnostic> {
    let data = request.get("CloudCustomData").and_then(Json::as_str);
    let size = request["MsgBody"].to_string().len() + data.map_or(0, str::len);
    check_size(size, span)?;
    let texts = || {
        let elements = request["MsgBody"].as_array().into_iter().flatten();
        let texts = elements.filter(|element| element["MsgType"] == "TIMTextElem");
        texts.filter_map(|element| element["MsgContent"]["Text"].as_str())
    };
    check_text(texts(), span)?;
    Ok(Rendered {
        content: request.to_string().into(),
        text: texts().next().unwrap_or("(no text)").to_owned(),
        is_long: size > SIZE_SAFE,
    })
}

/// The message with all that goes with it: the vendor bounds its offline push nowhere, and a journal would keep it for every
/// target.
const CONTENT_MAX: usize = 64 << 10;

pub(super) fn check_content(content: &str, span: &Span) -> Result<(), Diagnostic> {
    if content.len() <= CONTENT_MAX {
        return Ok(());
    }
    let message = format!(
        "the call comes out as {}; it has 65,536 at most",
        plural(content.len() as u64, "byte")
    );
    Err(Diagnostic::error("too-long", span, message).help("shorten the offline push"))
}

pub(super) fn check_size(size: usize, span: &Span) -> Result<(), Diagnostic> {
    if size <= SIZE_MAX {
        return Ok(());
    }
    let message = format!(
        "the message comes out as {}; the vendor takes 12,000",
        plural(size as u64, "byte")
    );
    Err(Diagnostic::error("too-long", span, message).help("shorten the text"))
}

pub(super) fn check_text<'a>(
    mut texts: impl Iterator<Item = &'a str>,
    span: &Span,
) -> Result<(), Diagnostic> {
    if texts.any(|text| text.trim().is_empty()) {
        return Err(
            Diagnostic::error("empty-text", span, "a text comes out empty")
                .help("say something in every case, or leave the group out with `where`"),
        );
    }
    Ok(())
}
