//! The listening socket, its connections, and what becomes of a request.

use super::answer::{Answer, Refusal, code};
use super::body::{Pieces, Received, receive};
use super::call::Call;
use super::credentials::{self, App};
use super::desk::{Desk, Manner, Ticket};
use super::faults::{Fault, Faults};
use super::ledger::LedgerError;
use super::rules;
use super::statistics::Statistics;
use crate::clock::{self, Moment};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How many connections are open at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 4_096;

/// How long to leave the listener alone after it failed, which it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How a sandbox is to behave.
pub struct Options {
    pub listen: SocketAddr,
    pub sdk_app_id: u64,
    pub administrator: String,
    pub secret_key: String,
    /// Of each call but the broadcast; the vendor's is 200.
    pub rate_per_s: u32,
    /// The vendor's is 1.
    pub broadcast_per_s: u32,
    /// How long a `Random` is remembered; the vendor's is five minutes.
    pub deduplication: Duration,
    /// Each reply waits for `latency` ± `jitter`.
    pub latency: Duration,
    pub jitter: Duration,
    pub faults: Faults,
    /// Decides which calls meet a fault, and how long each reply waits.
    pub seed: u64,
    /// Opened for reading and appending. What it holds counts as stored.
    pub ledger: Option<File>,
}

/// Why a sandbox cannot start.
#[derive(Debug, Error)]
pub enum Error {
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot continue the ledger")]
    Ledger(#[from] LedgerError),
}

/// A running sandbox. Dropping it ends it as well, without waiting.
pub struct Sandbox {
    address: SocketAddr,
    office: Arc<Office>,
    stop: oneshot::Sender<()>,
    tasks: JoinSet<()>,
}

impl Sandbox {
    /// Reads the ledger, then listens. A port of 0 becomes a free one: see [`Sandbox::address`].
    pub async fn start(options: Options) -> Result<Sandbox, Error> {
        let app = App {
            sdk_app_id: options.sdk_app_id,
            administrator: options.administrator.clone(),
            secret_key: options.secret_key,
        };
        let manner = Manner {
            administrator: options.administrator,
            rate_per_s: options.rate_per_s,
            broadcast_per_s: options.broadcast_per_s,
            deduplication: options.deduplication,
            latency: options.latency,
            jitter: options.jitter,
            faults: options.faults,
            seed: options.seed,
        };
        let desk = Mutex::new(Desk::open(manner, options.ledger, clock::now())?);
        let office = Arc::new(Office { app, desk });
        let failed = |source| Error::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&office), stopped));
        Ok(Sandbox {
            address,
            office,
            stop,
            tasks,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn statistics(&self) -> Statistics {
        self.office.desk().statistics()
    }

    /// Stops listening and cuts every connection, also amid a request.
    pub async fn stop(mut self) -> Statistics {
        drop(self.stop);
        while self.tasks.join_next().await.is_some() {}
        self.office.desk().statistics()
    }
}

async fn serve(listener: TcpListener, office: Arc<Office>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&office)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

/// One connection to its end. How it ends is the caller's concern, or was our purpose.
async fn converse(stream: TcpStream, office: Arc<Office>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| office.answer(request));
    let _ended = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Makes the server close the connection instead of replying.
#[derive(Debug, Error)]
#[error("the connection is closed without a reply")]
struct Closed;

type Reply = Result<Response<Pieces>, Closed>;

/// Everything the connections share.
struct Office {
    app: App,
    desk: Mutex<Desk>,
}

impl Office {
    /// A panic of another connection left the desk as whole as each of its steps.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let arrived = clock::now();
        let path = request.uri().path();
        if let Some(path) = path.strip_prefix("/v4/") {
            let found = Call::find(path);
            return match found {
                Ok(call) if request.method() == Method::POST => {
                    self.take(call, arrived, request).await
                }
                Ok(_) => Ok(self.refuse(Refusal::new(code::URL_MALFORMED, "only POST is allowed"))),
                Err(refusal) => Ok(self.refuse(refusal)),
            };
        }
        let known = request.method() == Method::GET;
        match path {
            "/sandbox/ledger" if known => Ok(reply("application/x-ndjson", self.desk().ledger())),
            "/sandbox/statistics" if known => Ok(self.statistics()),
            _ => Ok(bare(StatusCode::NOT_FOUND)),
        }
    }

    /// One call: decided when its head is here, executed when its body is.
    async fn take(&self, call: Call, arrived: Moment, request: Request<Incoming>) -> Reply {
        let query = request.uri().query().unwrap_or("");
        let credentials = credentials::verify(query, &self.app, arrived.wall_ms.div_euclid(1_000));
        let ticket = self.desk().arrive(call, arrived, credentials);
        if ticket.fault == Some(Fault::LostBefore) {
            self.desk().meet(Fault::LostBefore);
            return Err(Closed);
        }
        let received = receive(request.into_body()).await;
        if matches!(received, Received::BrokenOff) {
            self.desk().break_off();
            return Err(Closed);
        }
        let (fault, delay) = (ticket.fault, ticket.delay);
        if fault == Some(Fault::Http500) {
            self.desk().meet(Fault::Http500);
            pause(delay).await;
            return Ok(bare(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let answer = self.execute(call, arrived, ticket, received);
        pause(delay).await;
        self.deliver(fault, &answer).await
    }

    fn execute(&self, call: Call, arrived: Moment, ticket: Ticket, received: Received) -> Answer {
        // Reading a body is the long part, so it is done before the desk is locked.
        let message = ticket.admitted.and_then(|()| match received {
            Received::Whole(body) => rules::read(call, &body),
            Received::TooLong | Received::BrokenOff => {
                Err(Refusal::new(code::BODY_TOO_LONG, "the body is too long"))
            }
        });
        let mut desk = self.desk();
        match message {
            Ok(_) if ticket.fault == Some(Fault::Drop) && call == Call::GroupMessage => {
                desk.drop_message(arrived)
            }
            Ok(message) => desk.execute(call, arrived, message),
            Err(refusal) => desk.refuse(refusal),
        }
    }

    /// Gives the answer, or loses it on purpose.
    async fn deliver(&self, fault: Option<Fault>, answer: &Answer) -> Reply {
        match fault {
            Some(Fault::LostReply) => {
                self.desk().meet(Fault::LostReply);
                Err(Closed)
            }
            Some(Fault::Stall) => {
                self.desk().meet(Fault::Stall);
                std::future::pending().await
            }
            _ => Ok(reply("application/json", answer.to_json())),
        }
    }

    /// A call that does not exist. It is counted by its code, not as an arrival.
    fn refuse(&self, refusal: Refusal) -> Response<Pieces> {
        reply("application/json", self.desk().refuse(refusal).to_json())
    }

    fn statistics(&self) -> Response<Pieces> {
        let statistics = self.desk().statistics();
        let json =
            serde_json::to_vec(&statistics).expect("statistics hold only numbers under names");
        reply("application/json", Bytes::from(json))
    }
}

async fn pause(delay: Duration) {
    if delay > Duration::ZERO {
        tokio::time::sleep(delay).await;
    }
}

fn reply(content_type: &'static str, body: impl Into<Pieces>) -> Response<Pieces> {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn bare(status: StatusCode) -> Response<Pieces> {
    let mut response = Response::new(Pieces::from(Bytes::new()));
    *response.status_mut() = status;
    response
}
