//! What becomes of a request.

use super::super::answer::{Answer, Refusal, code};
use super::super::body::{Pieces, Received, receive};
use super::super::call::Call;
use super::super::credentials::{self, App};
use super::super::desk::{Desk, Ticket};
use super::super::faults::{Fault, Faults, Phase};
use super::super::rules;
use super::listening::wait_until;
use super::replies::{bare, html, huge, json, reply, text};
use crate::clock::{self, Moment};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Notify;

/// How late a slow reply is: later than the vendor's own three seconds.
const SLOW: Duration = Duration::from_secs(4);

/// Makes the server close the connection instead of replying.
#[derive(Debug, Error)]
#[error("the connection is closed without a reply")]
pub(super) struct Closed;

type Reply = Result<Response<Pieces>, Closed>;

/// Everything the connections share.
pub(super) struct Office {
    pub(super) app: App,
    pub(super) desk: Mutex<Desk>,
    /// The faults were replaced.
    pub(super) changed: Notify,
}

impl Office {
    /// A panic of another connection left the desk as whole as each of its steps.
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request whose bytes came at this moment.
    pub(super) async fn answer(&self, request: Request<Incoming>, came: Moment) -> Reply {
        let path = request.uri().path();
        let Some(path) = path.strip_prefix("/v4/") else {
            return self.attend(request).await;
        };
        match Call::find(path) {
            Ok(call) if request.method() == Method::POST => self.take(call, request, came).await,
            Ok(_) => Ok(self.refuse(Refusal::new(code::URL_MALFORMED, "only POST is allowed"))),
            Err(refusal) => Ok(self.refuse(refusal)),
        }
    }

    /// What is asked of the sandbox itself; no fault is in its way.
    async fn attend(&self, request: Request<Incoming>) -> Reply {
        let is_get = request.method() == Method::GET;
        Ok(match request.uri().path() {
            "/sandbox/ledger" if is_get => reply("application/x-ndjson", self.desk().ledger()),
            "/sandbox/statistics" if is_get => self.statistics(),
            "/sandbox/faults" if is_get => text(StatusCode::OK, &self.desk().faults().to_string()),
            "/sandbox/faults" if request.method() == Method::POST => {
                self.replace_faults(request).await?
            }
            _ => bare(StatusCode::NOT_FOUND),
        })
    }

    /// One call: decided when its head is here, executed when its body is.
    async fn take(&self, call: Call, request: Request<Incoming>, came: Moment) -> Reply {
        let arrived = self.let_in(came).await;
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
        if ticket.fault == Some(Fault::Http500) {
            self.desk().meet(Fault::Http500);
            self.leave(ticket.latency).await;
            return Ok(bare(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let answer = self.conclude(call, arrived, &ticket, received);
        self.leave(ticket.latency).await;
        self.deliver(ticket.fault, &answer).await
    }

    fn conclude(&self, call: Call, arrived: Moment, ticket: &Ticket, received: Received) -> Answer {
        // Reading a body is the long part, so it is done before the desk is locked.
        let request = match received {
            Received::Whole(body) => rules::read(call, &body),
            Received::TooLong | Received::BrokenOff => {
                Err(Refusal::new(code::BODY_TOO_LONG, "the body is too long"))
            }
        };
        self.desk().conclude(call, arrived, ticket, request)
    }

    /// Gives the answer, or spoils it on purpose.
    async fn deliver(&self, fault: Option<Fault>, answer: &Answer) -> Reply {
        let Some(fault) = fault else {
            return Ok(json(answer));
        };
        match fault {
            Fault::LostReply
            | Fault::Stall
            | Fault::Slow
            | Fault::Html
            | Fault::Html502
            | Fault::Huge => self.desk().meet(fault),
            _ => return Ok(json(answer)),
        }
        match fault {
            Fault::LostReply => Err(Closed),
            Fault::Stall => std::future::pending().await,
            Fault::Html => Ok(html(StatusCode::OK)),
            Fault::Html502 => Ok(html(StatusCode::BAD_GATEWAY)),
            Fault::Huge => Ok(huge(answer)),
            _ => {
                self.leave(SLOW).await;
                Ok(json(answer))
            }
        }
    }

    /// When a call arrives whose bytes came at that moment: once its way is over, though we may be woken later.
    async fn let_in(&self, came: Moment) -> Moment {
        let delay = self.desk().next_delay();
        pause(delay).await;
        let freed_ns = self.path_is_clear().await;
        let mut arrived = came.plus(delay);
        if let Some(freed_ns) = freed_ns {
            let held_ns = freed_ns.saturating_sub(arrived.boot_ns);
            arrived = arrived.plus(Duration::from_nanos(held_ns));
        }
        arrived
    }

    /// Waits as long as a reply takes, and until the path lets it through.
    async fn leave(&self, latency: Duration) {
        pause(latency).await;
        self.path_is_clear().await;
    }

    /// What is held goes on when the path does, even if by then it is stalled anew: at the instant that is returned.
    async fn path_is_clear(&self) -> Option<u64> {
        let phase = self.desk().path(clock::now());
        let Phase::OnUntil(end_ns) = phase else {
            return None;
        };
        self.desk().hold();
        wait_until(Some(end_ns)).await;
        Some(end_ns)
    }

    async fn replace_faults(&self, request: Request<Incoming>) -> Reply {
        let Received::Whole(body) = receive(request.into_body()).await else {
            return Err(Closed);
        };
        let faults: Faults = match String::from_utf8_lossy(&body).parse() {
            Ok(faults) => faults,
            Err(error) => return Ok(text(StatusCode::BAD_REQUEST, &format!("{error}"))),
        };
        let said = faults.to_string();
        self.desk().replace_faults(faults, clock::now());
        self.changed.notify_one();
        Ok(text(StatusCode::OK, &said))
    }

    /// A call that does not exist. It is counted by its code, not as an arrival.
    fn refuse(&self, refusal: Refusal) -> Response<Pieces> {
        json(&self.desk().refuse(refusal))
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
