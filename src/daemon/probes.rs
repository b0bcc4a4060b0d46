//! What machines ask about the daemon over HTTP: whether it lives, and whether it is ready to send.
//!
//! `GET /livez` answers 200 while the loop beats. `GET /readyz` answers 200 once everything is read and the lanes are
//! taken, and else 503 with the reasons. Nothing else is there to be asked, and nothing secret is answered.

use crate::clock;
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
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// A loop that has not beaten for so long is taken for dead.
const BEAT_AGE_MAX: Duration = Duration::from_secs(30);
/// How many ask at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 64;
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

/// Answers probes until it is dropped.
#[derive(Debug)]
pub struct Probes {
    address: SocketAddr,
    _tasks: JoinSet<()>,
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
    /// A port of 0 becomes a free one: see [`Probes::address`].
    pub async fn start(
        listen: SocketAddr,
        heartbeat: Heartbeat,
        readiness: watch::Receiver<Readiness>,
    ) -> Result<Probes, ListenError> {
        let failed = |source| ListenError {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let state = State {
            heartbeat,
            readiness,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, state));
        Ok(Probes {
            address,
            _tasks: tasks,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, state: State) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(timeout(CONNECTION_TIMEOUT, converse(stream, state.clone())));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One question and its answer. How it ends is the other side's concern.
async fn converse(stream: TcpStream, state: State) {
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
    let text = format!("the loop has not come by for {} s\n", age.as_secs());
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn started() -> (Probes, Heartbeat, watch::Sender<Readiness>) {
        let heartbeat = Heartbeat::new(clock::now());
        let (ready, seen) = watch::channel(Readiness::default());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let probes = Probes::start(any, heartbeat.clone(), seen).await.unwrap();
        (probes, heartbeat, ready)
    }

    /// Status line and body.
    async fn asked(probes: &Probes, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(probes.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap().to_owned();
        (status, body.to_owned())
    }

    async fn got(probes: &Probes, path: &str) -> (String, String) {
        asked(probes, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await
    }

    const OK: &str = "HTTP/1.1 200 OK";
    const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable";

    fn owned(status: &str, body: &str) -> (String, String) {
        (status.to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn it_lives_while_the_loop_comes_by() {
        let (probes, heartbeat, _ready) = started().await;
        assert_eq!(got(&probes, "/livez").await, owned(OK, "alive\n"));
        let now = clock::now();
        let long_ago = Moment {
            boot_ns: now.boot_ns.saturating_sub(31_000_000_000),
            ..now
        };
        heartbeat.beat(long_ago);
        let (status, body) = got(&probes, "/livez").await;
        assert_eq!(status, UNAVAILABLE);
        assert!(body.starts_with("the loop has not come by for 3"), "{body}");
        heartbeat.beat(now);
        assert_eq!(got(&probes, "/livez").await, owned(OK, "alive\n"));
    }

    #[tokio::test]
    async fn it_is_ready_when_it_waits_for_nothing() {
        let (probes, _heartbeat, ready) = started().await;
        assert_eq!(got(&probes, "/readyz").await, owned(OK, "ready\n"));
        let waits_for = vec!["campaigns are read".to_owned(), "draining".to_owned()];
        ready.send_replace(Readiness { waits_for });
        let expected = owned(UNAVAILABLE, "campaigns are read\ndraining\n");
        assert_eq!(got(&probes, "/readyz").await, expected);
        // The last that was said holds.
        drop(ready);
        assert_eq!(got(&probes, "/readyz").await, expected);
    }

    #[tokio::test]
    async fn nothing_else_is_answered() {
        let (probes, _heartbeat, _ready) = started().await;
        for path in ["/", "/livez/", "/metrics", "/../campanile.yaml"] {
            let (status, _) = got(&probes, path).await;
            assert_eq!(status, "HTTP/1.1 404 Not Found", "{path}");
        }
        let post = "POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
        let (status, _) = asked(&probes, post).await;
        assert_eq!(status, "HTTP/1.1 405 Method Not Allowed");
        let head = asked(&probes, "HEAD /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(head, owned(OK, ""));
        let endless = format!("GET /livez HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000));
        let (status, _) = asked(&probes, &endless).await;
        assert!(status.starts_with("HTTP/1.1 431"), "{status}");
    }

    #[tokio::test]
    async fn who_says_nothing_keeps_nobody_from_asking() {
        let (probes, _heartbeat, _ready) = started().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS_MAX - 1 {
            silent.push(TcpStream::connect(probes.address()).await.unwrap());
        }
        assert_eq!(got(&probes, "/livez").await, owned(OK, "alive\n"));
        // One more than there is room for, until the silent ones are sent away.
        silent.push(TcpStream::connect(probes.address()).await.unwrap());
        assert_eq!(got(&probes, "/livez").await, owned(OK, "alive\n"));
    }

    #[tokio::test]
    async fn two_cannot_listen_on_one_address() {
        let (probes, heartbeat, ready) = started().await;
        let failed = Probes::start(probes.address(), heartbeat, ready.subscribe()).await;
        let expected = format!("cannot listen on {}", probes.address());
        assert_eq!(failed.unwrap_err().to_string(), expected);
    }
}
