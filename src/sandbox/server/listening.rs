//! The listening socket and its connections.

use super::super::faults::Phase;
use super::office::Office;
use super::stamped::Stamped;
use crate::clock;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How many connections are open at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 4_096;

/// How long to leave the listener alone after it failed, which it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Why a listener is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    /// Connecting is to be refused for a while.
    Refused,
}

/// Listens until it is stopped, with the gaps that are asked for.
pub(super) async fn serve(
    mut listener: TcpListener,
    office: Arc<Office>,
    mut stopped: oneshot::Receiver<()>,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    loop {
        if accept(listener, &office, &mut stopped).await == End::Stopped {
            return;
        }
        tokio::select! {
            _ = &mut stopped => return,
            reopened = reopen(address, &office) => listener = reopened,
        }
    }
}

/// Takes connections; at the end, they and the listener are closed.
async fn accept(
    listener: TcpListener,
    office: &Arc<Office>,
    stopped: &mut oneshot::Receiver<()>,
) -> End {
    let mut connections = JoinSet::new();
    let end = loop {
        let phase = office.desk().refusal(clock::now());
        let change_ns = match phase {
            Phase::OnUntil(_) => break End::Refused,
            Phase::OffUntil(at_ns) => Some(at_ns),
            Phase::Over => None,
        };
        tokio::select! {
            _ = &mut *stopped => break End::Stopped,
            () = wait_until(change_ns) => {}
            () = office.changed.notified() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(office)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    };
    drop(listener);
    connections.shutdown().await;
    end
}

/// The same address again once connecting is no longer refused. Somebody else may have it for a moment.
async fn reopen(address: SocketAddr, office: &Office) -> TcpListener {
    loop {
        let phase = office.desk().refusal(clock::now());
        if let Phase::OnUntil(end_ns) = phase {
            wait_until(Some(end_ns)).await;
            continue;
        }
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Returns at this instant of the boot clock, or never.
pub(super) async fn wait_until(at_ns: Option<u64>) {
    match at_ns {
        Some(at_ns) => {
            let rest_ns = at_ns.saturating_sub(clock::now().boot_ns);
            tokio::time::sleep(Duration::from_nanos(rest_ns)).await;
        }
        None => std::future::pending().await,
    }
}

/// One connection to its end. How it ends is the caller's concern, or was our purpose.
async fn converse(stream: TcpStream, office: Arc<Office>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(stream) = Stamped::new(stream) else {
        return;
    };
    let stamp = stream.stamp();
    let service = service_fn(|request| office.answer(request, stamp.arrived()));
    let _ended = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
