//! A request body that says when it is first asked for: the instant at which a call's bytes go to the socket, and the
//! last at which they can be kept back.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Until this body is asked for, not a byte of the request has left: the connection is made, the head is put into a
/// buffer, the body is asked for, and only then is the buffer written.
pub(super) struct NoticedBody<F> {
    bytes: Option<Bytes>,
    notice: Option<F>,
}

impl<F: FnOnce() -> bool> NoticedBody<F> {
    /// `notice` tells whether the call may go.
    pub(super) fn new(bytes: Bytes, notice: F) -> NoticedBody<F> {
        NoticedBody {
            bytes: Some(bytes),
            notice: Some(notice),
        }
    }
}

impl<F: FnOnce() -> bool + Unpin> Body for NoticedBody<F> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let is_kept_back = self.notice.take().is_some_and(|notice| !notice());
        if is_kept_back {
            // The connection is closed with what is in its buffer.
            self.bytes = None;
            return Poll::Ready(Some(Err(io::Error::other("kept back"))));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
