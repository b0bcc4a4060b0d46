//! What machines ask about the daemon over HTTP: whether it lives, and whether it is ready to send.
//!
//! `GET /livez` answers 200 while the loop beats. `GET /readyz` answers 200 once everything is read and the lanes are
//! taken, and else 503 with the reasons. Nothing else is there to be asked, and nothing secret is answered.
//!
//! Probes have a thread and a runtime of their own: they are answered while all else stands still. Connections that say
//! nothing keep no other from being answered: a new one closes the one that has been silent for longest.

use crate::clock;
use crate::containment::restart_on_panic;
use crate::identity::Moment;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::{sleep, timeout};

/// A loop that has not beaten for so long is taken for dead.
const BEAT_AGE_MAX: Duration = Duration::from_secs(30);
/// From connecting to the end of the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// How long to leave the listener alone after it failed, which it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// When the loop last came by.
#[derive(Clone, Debug)]
pub struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    pub fn new(now: Moment) -> Heartbeat {
        Heartbeat(Arc::new(AtomicU64::new(now.boot_ns)))
    }

    pub fn beat(&self, now: Moment) {
        self.0.store(now.boot_ns, Ordering::Relaxed);
    }

    fn age(&self, now: Moment) -> Duration {
        let beaten_ns = self.0.load(Ordering::Relaxed);
        Duration::from_nanos(now.boot_ns.saturating_sub(beaten_ns))
    }
}

/// What it waits for before it is ready; nothing, once it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    pub waits_for: Vec<String>,
}

/// The thread that answers probes, until it is dropped.
#[derive(Debug)]
pub struct Probes {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

/// What is answered from.
#[derive(Clone, Debug)]
struct State {
    heartbeat: Heartbeat,
    readiness: watch::Receiver<Readiness>,
}

impl Probes {
    /// Starts the thread, which has no more than `connections_max` connections at once. A port of 0 becomes a free one: see
    /// [`Probes::address`].
    pub fn start(
        listen: SocketAddr,
        heartbeat: Heartbeat,
        readiness: watch::Receiver<Readiness>,
        connections_max: usize,
    ) -> Result<Probes, ListenError> {
        let failed = |source| ListenError {
            address: listen,
            source,
        };
        let listener = std::net::TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let state = State {
            heartbeat,
            readiness,
        };
        let (stop, mut stopped) = oneshot::channel();
        let listener = {
            let _within = runtime.enter();
            TcpListener::from_std(listener).map_err(failed)?
        };
        let mut serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = &mut stopped => {}
                    () = serve(&listener, &state, connections_max) => {}
                }
            });
        };
        let thread = thread::Builder::new()
            .name("probes".to_owned())
            .spawn(move || restart_on_panic(&mut serve))
            .map_err(failed)?;
        Ok(Probes {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connection that is not answered yet.
struct Open {
    task: AbortHandle,
    heard: Heard,
}

/// When a connection was last heard of, on the boot clock.
#[derive(Clone, Debug)]
struct Heard(Arc<AtomicU64>);

impl Heard {
    fn now() -> Heard {
        Heard(Arc::new(AtomicU64::new(clock::now().boot_ns)))
    }

    fn renew(&self) {
        self.0.store(clock::now().boot_ns, Ordering::Relaxed);
    }
}

async fn serve(listener: &TcpListener, state: &State, connections_max: usize) {
    let mut tasks = JoinSet::new();
    let mut open: Vec<Open> = Vec::new();
    loop {
        let accepted = listener.accept().await;
        while tasks.try_join_next().is_some() {}
        open.retain(|each| !each.task.is_finished());
        let Ok((stream, _)) = accepted else {
            close_most_silent(&mut open);
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if open.len() >= connections_max {
            close_most_silent(&mut open);
        }
        let heard = Heard::now();
        let stream = Noticed {
            stream,
            heard: heard.clone(),
        };
        let task = tasks.spawn(timeout(CONNECTION_TIMEOUT, converse(stream, state.clone())));
        open.push(Open { task, heard });
        // It is read before the next one is accepted, which may close it.
        yield_now().await;
    }
}

fn close_most_silent(open: &mut Vec<Open>) {
    let heard_ns = |each: &Open| each.heard.0.load(Ordering::Relaxed);
    let silent = (0..open.len()).min_by_key(|at| heard_ns(&open[*at]));
    if let Some(at) = silent {
        open.remove(at).task.abort();
    }
}

/// A stream that notes when something comes in.
struct Noticed {
    stream: TcpStream,
    heard: Heard,
}

impl AsyncRead for Noticed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.heard.renew();
        Poll::Ready(read)
    }
}

impl AsyncWrite for Noticed {
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

/// One question and its answer. How it ends is the other side's concern.
async fn converse(stream: Noticed, state: State) {
    let service = service_fn(|request| {
        let answer = answered(&request, &state, clock::now());
        async { Ok::<_, Infallible>(answer) }
    });
    let _ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answered(request: &Request<Incoming>, state: &State, now: Moment) -> Response<Full<Bytes>> {
    let is_known = ["/livez", "/readyz"].contains(&request.uri().path());
    if is_known && ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut answer = response(StatusCode::METHOD_NOT_ALLOWED, "ask with GET\n".to_owned());
        let allowed = HeaderValue::from_static("GET, HEAD");
        answer.headers_mut().insert(ALLOW, allowed);
        return answer;
    }
    match request.uri().path() {
        "/livez" => liveness(state.heartbeat.age(now)),
        "/readyz" => readiness(&state.readiness.borrow()),
        _ => response(
            StatusCode::NOT_FOUND,
            "there are /livez and /readyz\n".to_owned(),
        ),
    }
}

fn liveness(age: Duration) -> Response<Full<Bytes>> {
    if age <= BEAT_AGE_MAX {
        return response(StatusCode::OK, "alive\n".to_owned());
    }
    let text = format!("event loop stalled for {} s\n", age.as_secs());
    response(StatusCode::SERVICE_UNAVAILABLE, text)
}

fn readiness(readiness: &Readiness) -> Response<Full<Bytes>> {
    if readiness.waits_for.is_empty() {
        return response(StatusCode::OK, "ready\n".to_owned());
    }
    let reasons = readiness.waits_for.iter().map(|each| format!("{each}\n"));
    response(StatusCode::SERVICE_UNAVAILABLE, reasons.collect())
}

fn response(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    const CONNECTIONS_MAX: usize = 64;

    fn started() -> (Probes, Heartbeat, watch::Sender<Readiness>) {
        let heartbeat = Heartbeat::new(clock::now());
        let (ready, seen) = watch::channel(Readiness::default());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let probes = Probes::start(any, heartbeat.clone(), seen, CONNECTIONS_MAX).unwrap();
        (probes, heartbeat, ready)
    }

    /// Status line and body.
    fn asked(probes: &Probes, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(probes.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        answer(&mut stream)
    }

    fn answer(stream: &mut TcpStream) -> (String, String) {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap().to_owned();
        (status, body.to_owned())
    }

    fn got(probes: &Probes, path: &str) -> (String, String) {
        asked(probes, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
    }

    const OK: &str = "HTTP/1.1 200 OK";
    const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable";

    fn owned(status: &str, body: &str) -> (String, String) {
        (status.to_owned(), body.to_owned())
    }

    #[test]
    fn livez_is_200_while_the_loop_beats_and_503_after_that() {
        let (probes, heartbeat, _ready) = started();
        assert_eq!(got(&probes, "/livez"), owned(OK, "alive\n"));
        let now = clock::now();
        let long_ago = Moment {
            boot_ns: now.boot_ns.saturating_sub(31_000_000_000),
            ..now
        };
        heartbeat.beat(long_ago);
        let (status, body) = got(&probes, "/livez");
        assert_eq!(status, UNAVAILABLE);
        assert!(body.starts_with("event loop stalled for 3"), "{body}");
        heartbeat.beat(now);
        assert_eq!(got(&probes, "/livez"), owned(OK, "alive\n"));
    }

    #[test]
    fn readyz_is_200_when_nothing_is_waited_for() {
        let (probes, _heartbeat, ready) = started();
        assert_eq!(got(&probes, "/readyz"), owned(OK, "ready\n"));
        let waits_for = vec!["campaigns are read".to_owned(), "draining".to_owned()];
        ready.send_replace(Readiness { waits_for });
        let expected = owned(UNAVAILABLE, "campaigns are read\ndraining\n");
        assert_eq!(got(&probes, "/readyz"), expected);
        // The last that was said holds.
        drop(ready);
        assert_eq!(got(&probes, "/readyz"), expected);
    }

    #[test]
    fn other_requests_are_refused() {
        let (probes, _heartbeat, _ready) = started();
        for path in ["/", "/livez/", "/metrics", "/../campanile.yaml"] {
            let (status, _) = got(&probes, path);
            assert_eq!(status, "HTTP/1.1 404 Not Found", "{path}");
        }
        let post = "POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
        let (status, _) = asked(&probes, post);
        assert_eq!(status, "HTTP/1.1 405 Method Not Allowed");
        let head = asked(&probes, "HEAD /livez HTTP/1.1\r\nhost: x\r\n\r\n");
        assert_eq!(head, owned(OK, ""));
        let endless = format!("GET /livez HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000));
        let (status, _) = asked(&probes, &endless);
        assert!(status.starts_with("HTTP/1.1 431"), "{status}");
    }

    /// The test blocks the only thread of its runtime.
    #[tokio::test(flavor = "current_thread")]
    async fn probe_is_answered_while_the_runtime_of_the_daemon_stands_still() {
        let (probes, _heartbeat, _ready) = started();
        assert_eq!(got(&probes, "/livez"), owned(OK, "alive\n"));
    }

    #[test]
    fn new_connection_closes_the_one_that_was_silent_for_longest() {
        let (probes, _heartbeat, _ready) = started();
        let mut silent: Vec<TcpStream> = (0..CONNECTIONS_MAX)
            .map(|_| TcpStream::connect(probes.address()).unwrap())
            .collect();
        // The first of them is in the midst of its question.
        assert_eq!(got(&probes, "/livez"), owned(OK, "alive\n"));
        let mut first = silent.remove(0);
        assert_eq!(first.read(&mut [0]).unwrap(), 0, "it is closed");
        let mut second = silent.remove(0);
        second.write_all(b"GET /livez HTTP/1.1\r\n").unwrap();
        // It is heard before the next connection is accepted.
        assert_eq!(got(&probes, "/livez"), owned(OK, "alive\n"));
        for _ in 0..CONNECTIONS_MAX / 2 {
            silent.push(TcpStream::connect(probes.address()).unwrap());
        }
        assert_eq!(got(&probes, "/livez"), owned(OK, "alive\n"));
        second.write_all(b"host: x\r\n\r\n").unwrap();
        assert_eq!(answer(&mut second), owned(OK, "alive\n"));
    }

    #[test]
    fn probe_beside_a_thousand_slow_connections_is_answered_at_once() {
        let (probes, _heartbeat, _ready) = started();
        let mut slow = Vec::new();
        let mut took = Vec::new();
        for number in 0..1_000 {
            let mut stream = TcpStream::connect(probes.address()).unwrap();
            if number % 2 == 0 {
                stream.write_all(b"GET /li").unwrap();
            }
            slow.push(stream);
            if number % 50 == 49 {
                let began_ns = clock::now().boot_ns;
                assert_eq!(got(&probes, "/livez"), owned(OK, "alive\n"));
                took.push(clock::now().boot_ns - began_ns);
            }
        }
        took.sort_unstable();
        // Half of them, for the machine may be busy with other things.
        let half = took[took.len() / 2];
        assert!(half < 100_000_000, "{took:?}");
    }

    #[test]
    fn address_of_other_probes_cannot_be_listened_on() {
        let (probes, heartbeat, ready) = started();
        let seen = ready.subscribe();
        let failed = Probes::start(probes.address(), heartbeat, seen, CONNECTIONS_MAX);
        let expected = format!("cannot listen on {}", probes.address());
        assert_eq!(failed.unwrap_err().to_string(), expected);
    }

    #[test]
    fn address_is_free_once_the_probes_are_dropped() {
        let (probes, heartbeat, ready) = started();
        let address = probes.address();
        let _silent = TcpStream::connect(address).unwrap();
        drop(probes);
        let seen = ready.subscribe();
        assert!(Probes::start(address, heartbeat, seen, CONNECTIONS_MAX).is_ok());
    }
}
