//! A request body that says when it is first asked for: the instant at which a call's bytes go to the socket.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Until this body is asked for, not a byte of the request has left: the connection is made, the head is put into a
/// buffer, the body is asked for, and only then is the buffer written.
pub(super) struct NoticedBody<F> {
    bytes: Option<Bytes>,
    notice: Option<F>,
}

impl<F: FnOnce()> NoticedBody<F> {
    pub(super) fn new(bytes: Bytes, notice: F) -> NoticedBody<F> {
        NoticedBody {
            bytes: Some(bytes),
            notice: Some(notice),
        }
    }
}

impl<F: FnOnce() + Unpin> Body for NoticedBody<F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(notice) = self.notice.take() {
            notice();
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
