//! A connection that knows when the kernel took in its bytes.
//!
//! A busy machine wakes its tasks late, now and then by more than the margin a sender keeps. A sandbox that went by
//! when it was woken would count such a call late, and refuse it or another for what no sender did.

use crate::clock::{self, Moment};
use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::sys::time::{TimeSpec, TimeValLike};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A connection whose latest bytes' arrival its [`Stamp`] tells.
pub(super) struct Stamped {
    stream: TcpStream,
    stamp: Stamp,
}

/// When the latest bytes of a connection arrived.
#[derive(Clone, Debug)]
pub(super) struct Stamp(Arc<Mutex<Moment>>);

impl Stamped {
    pub(super) fn new(stream: TcpStream) -> io::Result<Stamped> {
        setsockopt(&stream, ReceiveTimestampns, &true)?;
        let stamp = Stamp(Arc::new(Mutex::new(clock::now())));
        Ok(Stamped { stream, stamp })
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp.clone()
    }
}

impl Stamp {
    pub(super) fn arrived(&self) -> Moment {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, arrived: Moment) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = arrived;
    }
}

/// Reads what is there, and when it came; without a timestamp, now.
fn receive(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<(usize, Moment)> {
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut pieces = [IoSliceMut::new(buffer)];
    let received = recvmsg::<()>(
        stream.as_raw_fd(),
        &mut pieces,
        Some(&mut control),
        MsgFlags::MSG_DONTWAIT,
    )?;
    let wall_ns = received.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(at) => Some(at.num_nanoseconds()),
        _ => None,
    });
    let arrived = wall_ns.map_or_else(clock::now, clock::lately);
    Ok((received.bytes, arrived))
}

impl AsyncRead for Stamped {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            let unfilled = buffer.initialize_unfilled();
            let read = || receive(&self.stream, unfilled);
            match self.stream.try_io(Interest::READABLE, read) {
                Ok((length, arrived)) => {
                    buffer.advance(length);
                    self.stamp.set(arrived);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
