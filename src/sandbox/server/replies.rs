//! What replies look like on the wire, those that no application wrote as well.

use super::super::answer::Answer;
use super::super::body::Pieces;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use std::collections::VecDeque;

/// What a proxy says when it has lost the server behind it.
const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head>\
<body><center><h1>502 Bad Gateway</h1></center><hr></body></html>\n";

/// How much a huge reply is longer than it should be; no answer of the vendor's is over a mebibyte.
const PADDING_PIECES: usize = 32;
const PADDING_PIECE: &[u8] = &[b'x'; 64 * 1_024];

pub(super) fn json(answer: &Answer) -> Response<Pieces> {
    reply("application/json", answer.to_json())
}

/// The answer, drawn out by a member that nobody knows.
pub(super) fn huge(answer: &Answer) -> Response<Pieces> {
    let whole = answer.to_json();
    let mut pieces = VecDeque::from([
        whole.slice(..whole.len() - 1),
        Bytes::from_static(b",\"Padding\":\""),
    ]);
    pieces.extend([const { Bytes::from_static(PADDING_PIECE) }; PADDING_PIECES]);
    pieces.push_back(Bytes::from_static(b"\"}"));
    reply("application/json", Pieces::streamed(pieces))
}

pub(super) fn html(status: StatusCode) -> Response<Pieces> {
    let mut response = reply("text/html", Bytes::from_static(PAGE.as_bytes()));
    *response.status_mut() = status;
    response
}

pub(super) fn text(status: StatusCode, text: &str) -> Response<Pieces> {
    let mut response = reply(
        "text/plain; charset=utf-8",
        Bytes::from(format!("{text}\n")),
    );
    *response.status_mut() = status;
    response
}

pub(super) fn bare(status: StatusCode) -> Response<Pieces> {
    let mut response = Response::new(Pieces::from(Bytes::new()));
    *response.status_mut() = status;
    response
}

pub(super) fn reply(content_type: &'static str, body: impl Into<Pieces>) -> Response<Pieces> {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
