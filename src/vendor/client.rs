//! Calls over kept-alive HTTP/1.1 connections.

use super::Signer;
use super::body::NoticedBody;
use super::http::{http, words};
use crate::channel::{Channel, Reply};
use crate::clock;
use crate::identity::{Digest, Moment};
use chrono::DateTime;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// The vendor gives up after 3 s; whoever waits less cannot tell a slow answer from a lost one.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Two seconds between the clocks are a warning; half a second more is not known for certain.
const DIFFERENCE_MAX_MS: i64 = 2_500;
/// Longer answers are not read.
const REPLY_MAX: usize = 1 << 20;
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const SIGNATURE_HOLDS_S: u32 = 86_400;
/// A signature is renewed when less than this is left of it.
const SIGNATURE_RENEWED_S: i64 = 3_600;

/// Where to and as whom.
#[derive(Clone, Debug)]
pub struct Access {
    /// `https://console.tim.qq.com`, without a slash at its end.
    pub endpoint: String,
    pub signer: Signer,
}

/// One HTTP attempt.
#[derive(Debug)]
pub struct Call {
    pub channel: Channel,
    pub body: String,
}

#[derive(Debug, Error)]
pub enum Error {
    #[error("cannot set up HTTP: {0}")]
    Setup(String),
}

#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    access: Access,
    signature: Mutex<Signature>,
    calls: AtomicU64,
    /// What this process's request numbers begin from.
    seed: u64,
    /// How far our clock was ahead of the vendor's at the last answer that said.
    ahead_ms: AtomicI64,
}

/// What one call is signed with.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
struct Signed {
    number: u64,
    text: String,
}

impl Signed {
    /// What a far side says, without the signature that it may repeat, or a part of it, and without what looks like one.
    fn hidden_in(&self, body: Vec<u8>) -> Vec<u8> {
        let parts = self.text.as_bytes().windows(TOLD_MAX + 1);
        let parts: HashSet<&[u8]> = parts.collect();
        let mut is_secret = vec![false; body.len()];
        for (at, window) in body.windows(TOLD_MAX + 1).enumerate() {
            if parts.contains(window) {
                is_secret[at..=at + TOLD_MAX].fill(true);
            }
        }
        for range in signatures(&body) {
            is_secret[range].fill(true);
        }
        if !is_secret.contains(&true) {
            return body;
        }
        let mut told = Vec::with_capacity(body.len());
        for (at, byte) in body.iter().enumerate() {
            if !is_secret[at] {
                told.push(*byte);
            } else if at == 0 || !is_secret[at - 1] {
                told.extend_from_slice(b"(signature)");
            }
        }
        told
    }
}

/// So many characters of a signature tell nothing.
const TOLD_MAX: usize = 15;
/// A signature is compressed before it is encoded, and so begins.
const BEGINNING: &[u8] = b"eJ";
/// One of them is longer.
const SHAPE_MIN: usize = 40;

/// Places of whatever has the shape of a signature.
fn signatures(body: &[u8]) -> Vec<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"*_-".contains(byte);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < body.len() {
        let length = body[at..].iter().take_while(|byte| is_part(byte)).count();
        let word = &body[at..at + length];
        let start = word
            .windows(BEGINNING.len())
            .position(|two| two == BEGINNING);
        if let Some(start) = start.filter(|start| length - start >= SHAPE_MIN) {
            found.push(at + start..at + length);
        }
        at += length + 1;
    }
    found
}

#[derive(Debug, Default)]
struct Signature {
    number: u64,
    text: String,
    until_s: i64,
}

impl Client {
    pub fn new(access: Access, now: Moment) -> Result<Client, Error> {
        let http = connections(&access)?;
        let seed = Digest::of(
            "requests",
            [
                now.boot_ns.to_be_bytes().as_slice(),
                &now.wall_ms.to_be_bytes(),
            ],
        );
        let inner = Inner {
            access,
            signature: Mutex::default(),
            calls: AtomicU64::new(0),
            seed: seed.first_32_bits().into(),
            ahead_ms: AtomicI64::new(0),
        };
        Ok(Client {
            http,
            inner: Arc::new(inner),
        })
    }

    /// The same with connections of its own. Each is driven by the runtime that made it, and ends with that: calls of one
    /// lane must not ride on what another lane takes along.
    pub fn apart(&self) -> Result<Client, Error> {
        Ok(Client {
            http: connections(&self.inner.access)?,
            inner: Arc::clone(&self.inner),
        })
    }

    /// Whom messages come from that do not say so.
    pub fn administrator(&self) -> &str {
        &self.inner.access.signer.identifier
    }

    /// Makes one attempt. `on_wire` is told the instant at which the first byte is about to leave, if that comes, and may
    /// still keep it back.
    pub async fn call(
        &self,
        call: Call,
        on_wire: impl FnOnce(Moment) -> bool + Send + Sync + Unpin + 'static,
    ) -> Reply {
        let left = Arc::new(AtomicBool::new(false));
        let noticed = Arc::clone(&left);
        let body = NoticedBody::new(call.body.into(), move || {
            let goes = on_wire(clock::now());
            noticed.store(goes, Ordering::Release);
            goes
        });
        let (request, signed) = self.post(call.channel.command());
        let reply = exchange(request.body(reqwest::Body::wrap(body))).await;
        self.compare_clocks(&reply);
        understood(reply, &signed, |_| left.load(Ordering::Acquire))
    }

    /// Asks for what changes nothing at the vendor, so that it does not matter whether a lost call had left. Also
    /// returns what time it is there, in milliseconds since 1970.
    pub async fn ask(&self, command: &str, body: String) -> (Reply, Option<i64>) {
        let (request, signed) = self.post(command);
        let reply = exchange(request.body(body)).await;
        self.compare_clocks(&reply);
        let date_ms = reply.as_ref().ok().and_then(|exchanged| exchanged.date_ms);
        let reply = understood(reply, &signed, |error| !error.is_connect());
        (reply, date_ms)
    }

    fn compare_clocks(&self, reply: &Result<Exchanged, reqwest::Error>) {
        if let Ok(Exchanged {
            date_ms: Some(date_ms),
            ..
        }) = reply
        {
            // The far side tells whole seconds, of which half has passed on average.
            let ahead_ms = clock::now().wall_ms - date_ms - 500;
            self.inner.ahead_ms.store(ahead_ms, Ordering::Relaxed);
        }
    }

    /// How far our clock is ahead of the vendor's, in milliseconds, or behind if it is negative; `None`: by no more than
    /// signatures, look-ups and people bear.
    pub fn clock_differs_ms(&self) -> Option<i64> {
        let ahead_ms = self.inner.ahead_ms.load(Ordering::Relaxed);
        (ahead_ms.abs() > DIFFERENCE_MAX_MS).then_some(ahead_ms)
    }

    /// A request to a command without its body, and what it is signed with.
    fn post(&self, command: &str) -> (reqwest::RequestBuilder, Signed) {
        let signed = self.signature(clock::now());
        let request = self.http.post(self.address(command, &signed.text));
        (request.header("content-type", "application/json"), signed)
    }

    /// The far side takes this call's signature no more, for its clock may differ: the next call is signed anew.
    /// `false`: calls are already made with a later one.
    pub fn forget_signature(&self, reply: &Reply) -> bool {
        let mut present = self.cached();
        let is_present =
            matches!(reply, Reply::Answered { signature, .. } if *signature == present.number);
        if is_present {
            present.number += 1;
            present.until_s = i64::MIN;
        }
        is_present
    }

    fn address(&self, command: &str, signature: &str) -> String {
        let Access { endpoint, signer } = &self.inner.access;
        let number = self.inner.seed + self.inner.calls.fetch_add(1, Ordering::Relaxed);
        format!(
            "{endpoint}/v4/{command}?sdkappid={}&identifier={}&usersig={signature}&random={}&contenttype=json",
            signer.sdk_app_id,
            encoded(&signer.identifier),
            number % (1 << 32),
        )
    }

    /// The present signature, renewed well before it expires.
    fn signature(&self, now: Moment) -> Signed {
        let now_s = now.wall_ms.div_euclid(1_000);
        let mut signature = self.cached();
        let left_s = signature.until_s.saturating_sub(now_s);
        let is_fresh = (SIGNATURE_RENEWED_S..=i64::from(SIGNATURE_HOLDS_S)).contains(&left_s);
        if !is_fresh {
            signature.number += 1;
            signature.text = self.inner.access.signer.sign(now_s, SIGNATURE_HOLDS_S);
            signature.until_s = now_s + i64::from(SIGNATURE_HOLDS_S);
        }
        Signed {
            number: signature.number,
            text: signature.text.clone(),
        }
    }

    fn cached(&self) -> MutexGuard<'_, Signature> {
        let cached = self.inner.signature.lock();
        cached.unwrap_or_else(PoisonError::into_inner)
    }
}

fn connections(access: &Access) -> Result<reqwest::Client, Error> {
    let is_secure = !access.endpoint.starts_with("http://");
    http(is_secure)
        .timeout(TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(usize::MAX)
        .build()
        .map_err(|error| Error::Setup(words(error)))
}

/// What came back.
#[derive(Debug)]
struct Exchanged {
    status: u16,
    /// When that was, by the clock of the far side.
    date_ms: Option<i64>,
    /// The whole answer; none if it is too long.
    body: Option<Vec<u8>>,
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Exchanged, reqwest::Error> {
    let response = request.send().await?;
    Ok(Exchanged {
        status: response.status().as_u16(),
        date_ms: date_ms(&response),
        body: read(response).await?,
    })
}

fn date_ms(response: &reqwest::Response) -> Option<i64> {
    let date = response.headers().get("date")?.to_str().ok()?;
    let date = DateTime::parse_from_rfc2822(date).ok()?;
    Some(date.timestamp_millis())
}

fn understood(
    exchanged: Result<Exchanged, reqwest::Error>,
    signed: &Signed,
    has_left: impl Fn(&reqwest::Error) -> bool,
) -> Reply {
    match exchanged {
        Ok(Exchanged {
            status,
            body: Some(body),
            ..
        }) => Reply::Answered {
            status,
            body: signed.hidden_in(body),
            signature: signed.number,
        },
        Ok(Exchanged { body: None, .. }) => Reply::TooLong,
        Err(error) if has_left(&error) => Reply::Lost(words(error)),
        Err(error) => Reply::NotSent(words(error)),
    }
}

/// The whole answer, or `None` if it is too long.
async fn read(mut response: reqwest::Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > REPLY_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Percent-encoding for a query value.
fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte);
    text.bytes()
        .map(|byte| {
            if keep(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    const NOW: Moment = Moment {
        wall_ms: 1_700_000_000_000,
        boot_ns: 0,
        boot_id: 0,
    };

    fn client(address: &str) -> Client {
        let signer = Signer {
            sdk_app_id: 1,
            identifier: "administrator".to_owned(),
            secret_key: "key".to_owned(),
        };
        let endpoint = format!("http://{address}");
        Client::new(Access { endpoint, signer }, NOW).unwrap()
    }

    /// Answers one call with these bytes, and hands out its first line and its body.
    fn answer_once(listener: &TcpListener, answer: &str) -> (String, String) {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let (mut first, mut length) = (String::new(), 0);
        stream.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
        (first, String::from_utf8(body).unwrap())
    }

    #[tokio::test]
    async fn a_question_goes_to_its_command_and_comes_back_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = client(&listener.local_addr().unwrap().to_string());
        let server = std::thread::spawn(move || {
            let dated = "HTTP/1.1 200 OK\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            let first = answer_once(&listener, dated);
            answer_once(&listener, "");
            first
        });
        let question = "{\"a\":1}".to_owned();
        let (reply, date_ms) = client.ask("service/command", question).await;
        assert_eq!(date_ms, Some(1_700_000_000_000));
        let years_ms = client.clock_differs_ms().unwrap();
        assert!(years_ms > 2 * 365 * 86_400_000, "{years_ms}");
        let body = b"{}".to_vec();
        assert_eq!(
            reply,
            Reply::Answered {
                status: 200,
                body,
                signature: 1
            }
        );
        let (lost, _) = client.ask("service/command", String::new()).await;
        assert!(matches!(lost, Reply::Lost(_)), "{lost:?}");
        let (first, body) = server.join().unwrap();
        assert!(
            first.starts_with(
                "POST /v4/service/command?sdkappid=1&identifier=administrator&usersig="
            ),
            "{first}"
        );
        assert_eq!(body, "{\"a\":1}");
        let (nobody, _) = client.ask("service/command", String::new()).await;
        assert!(matches!(nobody, Reply::NotSent(_)), "{nobody:?}");
    }

    #[tokio::test]
    async fn what_is_kept_back_at_the_last_moment_does_not_leave() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = client(&listener.local_addr().unwrap().to_string());
        let server = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let (mut stream, _) = listener.accept().unwrap();
            // It may be closed the hard way.
            let _ = stream.read_to_end(&mut seen);
            seen
        });
        let call = Call {
            channel: Channel::GroupMessage,
            body: "{}".to_owned(),
        };
        let reply = client.call(call, |_| false).await;
        assert!(matches!(reply, Reply::NotSent(_)), "{reply:?}");
        drop(client);
        assert_eq!(server.join().unwrap(), b"", "not a byte");
    }

    #[test]
    fn a_signature_is_renewed_before_it_expires() {
        let client = client("127.0.0.1:1");
        let first = client.signature(NOW);
        let hours = |hours| NOW.plus(Duration::from_hours(hours));
        assert_eq!(
            client.signature(hours(22)),
            first,
            "it is not signed anew for every call"
        );
        let second = client.signature(hours(24));
        assert_ne!(second, first);
        assert_ne!(
            client.signature(NOW),
            second,
            "nor kept when the clock was set back"
        );
    }

    #[test]
    fn a_signature_that_is_of_no_use_is_forgotten_once() {
        let client = client("127.0.0.1:1");
        let Signed {
            text: first,
            number,
        } = client.signature(NOW);
        let reply = |signature| Reply::Answered {
            status: 200,
            body: Vec::new(),
            signature,
        };
        assert!(client.forget_signature(&reply(number)));
        let later = NOW.plus(Duration::from_secs(1));
        let Signed {
            text: second,
            number: renewed,
        } = client.signature(later);
        assert_ne!(second, first);
        assert!(
            !client.forget_signature(&reply(number)),
            "a call that was signed before says nothing of the new one"
        );
        assert_eq!(client.signature(later).text, second);
        assert!(client.forget_signature(&reply(renewed)));
    }

    #[test]
    fn what_stands_in_a_query_is_encoded() {
        assert_eq!(encoded("a b&c=d*-_"), "a%20b%26c%3Dd*-_");
    }
}
