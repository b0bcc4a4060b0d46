//! Bodies of requests and replies.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How long a body may be before it is refused.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// How much of a body is read before the connection is given up. What is too long is still read to here, because a
/// caller that is busy writing would not see why it was refused.
const DISCARDED_BYTES_MAX: usize = 16 << 20;

/// What came of reading a body.
#[derive(Debug)]
pub(super) enum Received {
    Whole(Vec<u8>),
    TooLong,
    BrokenOff,
}

pub(super) async fn receive(mut body: Incoming) -> Received {
    let mut whole = Vec::new();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Received::BrokenOff;
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        bytes += data.len();
        if bytes <= REQUEST_BYTES_MAX {
            whole.extend_from_slice(&data);
        } else if bytes > DISCARDED_BYTES_MAX {
            return Received::BrokenOff;
        }
    }
    if bytes <= REQUEST_BYTES_MAX {
        Received::Whole(whole)
    } else {
        Received::TooLong
    }
}

/// A body that is there already, in pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    /// Its length is not told beforehand.
    is_streamed: bool,
}

impl Pieces {
    pub(super) fn streamed(pieces: VecDeque<Bytes>) -> Pieces {
        Pieces {
            pieces,
            is_streamed: true,
        }
    }
}

impl From<VecDeque<Bytes>> for Pieces {
    fn from(pieces: VecDeque<Bytes>) -> Pieces {
        Pieces {
            pieces,
            is_streamed: false,
        }
    }
}

impl From<Bytes> for Pieces {
    fn from(piece: Bytes) -> Pieces {
        Pieces::from(VecDeque::from([piece]))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.get_mut().pieces.pop_front();
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_streamed {
            return SizeHint::default();
        }
        let bytes = self.pieces.iter().map(Bytes::len).sum::<usize>();
        SizeHint::with_exact(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}
